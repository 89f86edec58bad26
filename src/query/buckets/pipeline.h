/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h: aggregations over the results of other aggregations. They have no documents and no
 * state: they read what was printed and add to it. */
#ifndef NARU_QUERY_BUCKETS_PIPELINE_H
#define NARU_QUERY_BUCKETS_PIPELINE_H

#include "query/agg_tree.h"

enum gap_policy { GAP_SKIP, GAP_ZEROS };

struct pipeline_params {
    struct value buckets_path;
    struct str format;
    int gap_policy;
    struct str path; /* of buckets_path */
};

extern const char *const gap_policies[];
#define PIPELINE_OPTS(S, m)                                                                        \
    {.name = "buckets_path",                                                                       \
     .kind = OPT_KIND_VALUE,                                                                       \
     .offset = offsetof(S, m) + offsetof(struct pipeline_params, buckets_path),                    \
     .help = "agg, agg.metric, agg>below.metric or _count."},                                      \
        {.name = "format",                                                                         \
         .kind = OPT_KIND_STR,                                                                     \
         .offset = offsetof(S, m) + offsetof(struct pipeline_params, format),                      \
         .help = "How values are printed as text: 0.00."},                                         \
    {                                                                                              \
        .name = "gap_policy", .kind = OPT_KIND_ENUM,                                               \
        .offset = offsetof(S, m) + offsetof(struct pipeline_params, gap_policy), .dflt = "skip",   \
        .choices = gap_policies, .help = "What a bucket without a value has: skip, insert_zeros."  \
    }

int pipeline_check(const struct agg_node *node, struct pipeline_params *params,
                   const struct value *body, struct err *err) WARN_UNUSED;
/* The first name of a path: the aggregation it begins with. */
struct str pipeline_path_head(struct str path, struct str *ret_rest);
/* A printed result by the aggregation's name, also when the reply has typed keys. NULL: none. */
const struct value *pipeline_find(const struct value *map, struct str name);
/* The number a path leads to in a printed bucket; NAN: none, or a gap that is skipped. */
double pipeline_value(const struct value *bucket, struct str path, int gap_policy);
/* {"value": …, "value_as_string": …}; null when it is no number. */
struct value pipeline_print(double v, struct str format, struct agg_run *run);
/* The buckets of a printed result, in order, by name or not; the count. */
size_t pipeline_buckets(const struct value *result, struct value **ret_items);

#endif
