/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* match_all.c: every document, or none. */
#include "query/query.h"

static const struct opt no_opts[] = {OPT_END};

static int match_all_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                           struct query **ret_query, struct err *err)
{
    *ret_query = query_new(dsl, type, sizeof(struct query));
    return dsl_fill(dsl, type, body, *ret_query, err);
}

static struct plan *match_all_plan(const struct query *query UNUSED, struct planner *planner,
                                   float boost)
{
    return plan_all(planner, boost);
}

static struct plan *match_none_plan(const struct query *query UNUSED,
                                    struct planner *planner UNUSED, float boost UNUSED)
{
    return NULL;
}

const struct query_type query_type_match_all = {
    .name = "match_all",
    .summary = "Every document.",
    .since = "0.1",
    .opts = no_opts,
    .parse = match_all_parse,
    .plan = match_all_plan,
};

const struct query_type query_type_match_none = {
    .name = "match_none",
    .summary = "No document.",
    .since = "0.1",
    .opts = no_opts,
    .parse = match_all_parse,
    .plan = match_none_plan,
};
