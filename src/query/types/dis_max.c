/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* dis_max.c: the union of several queries; a document's score is its best one plus tie_breaker
 * times the others. */
#include "query/query.h"

struct dis_max_query {
    struct query base;
    struct value queries;
    double tie_breaker;
    struct query **inner;
    size_t count;
};

static const struct opt dis_max_opts[] = {
    OPT_VALUE(struct dis_max_query, queries, .help = "Queries of which at least one must match."),
    OPT_FLOAT(struct dis_max_query, tie_breaker, .dflt = "0",
              .help = "Share of the other scores, 0 to 1."),
    OPT_END,
};

static int dis_max_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                         struct query **ret_query, struct err *err)
{
    struct dis_max_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (own->queries.kind == VALUE_NONE)
        return dsl_error(body, err, ERR_PARSE,
                         "[dis_max] requires 'queries' field with at least one clause");
    TRY(dsl_parse_list(dsl, &own->queries, &own->inner, &own->count, err));
    if (own->count == 0)
        return dsl_error(body, err, ERR_PARSE,
                         "[dis_max] requires 'queries' field with at least one clause");
    *ret_query = &own->base;
    return 0;
}

static struct plan *dis_max_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct dis_max_query *own = (const struct dis_max_query *)query;
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, own->count);
    for (size_t i = 0; i < own->count; i++)
        plans[i] = query_plan(own->inner[i], planner, boost);
    return plan_dis_max(planner, plans, own->count, (float)own->tie_breaker, boost);
}

const struct query_type query_type_dis_max = {
    .name = "dis_max",
    .summary = "The best score of several queries.",
    .since = "0.1",
    .opts = dis_max_opts,
    .parse = dis_max_parse,
    .plan = dis_max_plan,
};
