/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* constant_score.c: the matches of a filter, each with the score `boost`. */
#include "query/query.h"

struct constant_score_query {
    struct query base;
    struct value filter;
    struct query *inner;
};

static const struct opt constant_score_opts[] = {
    OPT_VALUE(struct constant_score_query, filter, .help = "The query whose matches are taken."),
    OPT_END,
};

static int constant_score_parse(struct dsl *dsl, const struct query_type *type,
                                const struct value *body, struct query **ret_query, struct err *err)
{
    struct constant_score_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (own->filter.kind == VALUE_LIST)
        return dsl_error(&own->filter, err, ERR_PARSE, "unexpected token [START_ARRAY]");
    if (own->filter.kind == VALUE_NONE)
        return dsl_error(body, err, ERR_PARSE, "[constant_score] requires a 'filter' element");
    TRY(dsl_parse(dsl, &own->filter, &own->inner, err));
    *ret_query = &own->base;
    return 0;
}

static struct plan *constant_score_plan(const struct query *query, struct planner *planner,
                                        float boost)
{
    const struct constant_score_query *own = (const struct constant_score_query *)query;
    return plan_constant(planner, query_plan_filter(own->inner, planner), boost);
}

const struct query_type query_type_constant_score = {
    .name = "constant_score",
    .summary = "A filter whose matches all score the same.",
    .since = "0.1",
    .opts = constant_score_opts,
    .parse = constant_score_parse,
    .plan = constant_score_plan,
};
