/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* global.c: all live documents of the searched indices, whatever the query. The search walks each
 * segment a second time for it; it may stand at the top level only. */
#include "query/agg_tree.h"

struct global_state {
    struct bucket bucket;
};

static const struct opt no_opts[] = {OPT_END};

static int global_parse(struct agg_node *node, struct dsl *dsl UNUSED, struct agg_tree *tree,
                        const struct value *body, struct err *err)
{
    if (node->depth > 0)
        return dsl_error(body, err, ERR_INVALID,
                         "Aggregation [" STR_FMT "] cannot have a global sub-aggregation. Global "
                         "aggregations can only be defined as top level aggregations",
                         STR_ARG(node->name));
    tree->has_global = true;
    return 0;
}

static void global_collect(const struct agg_node *node, struct agg_run *run, void *state,
                           const struct doc_block *block)
{
    bucket_collect(node, run, &((struct global_state *)state)->bucket, block);
}

static void global_merge(const struct agg_node *node, struct agg_run *run, void *state,
                         struct agg_run *other, void *from)
{
    bucket_merge(node, run, &((struct global_state *)state)->bucket, other,
                 &((struct global_state *)from)->bucket);
}

static struct value global_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    struct value map = value_map(run->mem, 1 + node->child_count);
    bucket_print(node, run, &((struct global_state *)state)->bucket, &map);
    return map;
}

const struct bucket_type bucket_type_global = {
    .name = "global",
    .summary = "All documents, whatever the query.",
    .since = "0.1",
    .opts = no_opts,
    .state_size = sizeof(struct global_state),
    .parse = global_parse,
    .collect = global_collect,
    .merge = global_merge,
    .result = global_result,
};
