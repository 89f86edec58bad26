/* SPDX-License-Identifier: Apache-2.0 */
/* histogram_print.h: what the two histograms share: filling gaps, bounds, order, and the form of
 * the result. */
#ifndef NARU_QUERY_BUCKETS_HISTOGRAM_PRINT_H
#define NARU_QUERY_BUCKETS_HISTOGRAM_PRINT_H

#include "query/agg_tree.h"

enum histogram_order { ORDER_KEY_ASC, ORDER_KEY_DESC, ORDER_COUNT_ASC, ORDER_COUNT_DESC };

struct histogram_view {
    const struct agg_node *node;
    struct bucket_set *set;
    const void *owner; /* of the two callbacks */
    int64_t (*next)(const void *owner, int64_t key);
    /* Puts key and key_as_string into the bucket's object; its text names it when keyed. */
    struct str (*print_key)(const void *owner, int64_t key, struct agg_run *run, struct value *map);
    bool keyed;
    enum histogram_order order;
    uint64_t min_doc_count;
    bool has_min, has_max; /* extended_bounds as keys */
    int64_t min, max;
};
int histogram_order_parse(const struct value *v, enum histogram_order *ret_order,
                          struct err *err) WARN_UNUSED;
struct value histogram_print(struct histogram_view *view, struct agg_run *run);

#endif
