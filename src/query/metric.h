/* SPDX-License-Identifier: Apache-2.0 */
/* metric.h: any accumulator of agg/ as a leaf of the aggregation tree. */
#ifndef NARU_QUERY_METRIC_H
#define NARU_QUERY_METRIC_H

#include "query/agg_tree.h"

extern const struct bucket_type bucket_type_metric; /* found by the metrics' names */

bool metric_type_exists(struct str name);
int metric_parse(struct agg_node *node, struct str type_name, struct dsl *dsl, struct agg_tree *tree,
                 const struct value *body, struct err *err) WARN_UNUSED;
/* A number out of a metric's result, for ordering and pipelines: "", "value", "avg", "50.0" …;
 * false: no such. */
bool metric_number(const struct value *result, struct str key, double *ret_v);

#endif
