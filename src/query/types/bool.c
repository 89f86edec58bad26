/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* bool.c: queries combined. must and should add to the score, filter and must_not do not. Without
 * must and filter at least one of should must match. */
#include "base/str.h"
#include "query/query.h"

struct clause_list {
    struct query **queries;
    size_t count;
};

struct bool_query {
    struct query base;
    struct value must, filter, should, must_not, mustNot, minimum_should_match,
        adjust_pure_negative;
    struct clause_list lists[4]; /* in the order of clause_kind */
    struct str minimum;
};

enum clause_kind { MUST, FILTER, SHOULD, MUST_NOT };

static const struct opt bool_opts[] = {
    OPT_VALUE(struct bool_query, must, .help = "Queries that must match; they add to the score."),
    OPT_VALUE(struct bool_query, filter, .help = "Queries that must match, without score."),
    OPT_VALUE(struct bool_query, should,
              .help = "Queries of which minimum_should_match must match."),
    OPT_VALUE(struct bool_query, must_not, .help = "Queries that must not match."),
    OPT_VALUE(struct bool_query, mustNot, .flags = OPT_DEPRECATED, .help = "Old name of must_not."),
    OPT_VALUE(struct bool_query, minimum_should_match,
              .help = "2, -1, 75%, 2<75%: how many of should must match."),
    OPT_VALUE(struct bool_query, adjust_pure_negative, .flags = OPT_OBSOLETE,
              .help = "Accepted and without effect."),
    OPT_END,
};

static int read_minimum(struct dsl *dsl, struct bool_query *own, struct err *err)
{
    const struct value *v = &own->minimum_should_match;
    if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
        return 0;
    if (v->kind != VALUE_STR && v->kind != VALUE_INT)
        return dsl_error(v, err, ERR_PARSE,
                         "[bool] minimum_should_match must be a number or a string");
    own->minimum = value_to_str(dsl->mem, v);
    uint32_t unused;
    if (minimum_should_match(own->minimum, 1, &unused, err) < 0)
        return dsl_error(v, err, ERR_INVALID, "[bool] bad minimum_should_match \"" STR_FMT "\"",
                         STR_ARG(own->minimum));
    return 0;
}

static int bool_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                      struct query **ret_query, struct err *err)
{
    struct bool_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (own->must_not.kind == VALUE_NONE)
        own->must_not = own->mustNot;
    const struct value *parts[] = {&own->must, &own->filter, &own->should, &own->must_not};
    size_t total = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i]->kind == VALUE_NONE || parts[i]->kind == VALUE_NULL)
            continue;
        TRY(dsl_parse_list(dsl, parts[i], &own->lists[i].queries, &own->lists[i].count, err));
        total += own->lists[i].count;
    }
    if (total > CLAUSE_COUNT_MAX)
        return dsl_error(body, err, ERR_INVALID, "maxClauseCount is set to %u", CLAUSE_COUNT_MAX);
    TRY(read_minimum(dsl, own, err));
    *ret_query = &own->base;
    return 0;
}

static struct plan **plans_of(const struct clause_list *list, struct planner *planner,
                              bool is_scored, float boost)
{
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        plans[i] = is_scored ? query_plan(list->queries[i], planner, boost)
                             : query_plan_filter(list->queries[i], planner);
    return plans;
}

static struct plan *bool_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct bool_query *own = (const struct bool_query *)query;
    const struct clause_list *lists = own->lists;
    struct plan_bool clauses = {.must_count = lists[MUST].count,
                                .filter_count = lists[FILTER].count,
                                .should_count = lists[SHOULD].count,
                                .must_not_count = lists[MUST_NOT].count};
    size_t required = clauses.must_count + clauses.filter_count;
    if (required + clauses.should_count + clauses.must_not_count == 0)
        return plan_all(planner, boost);
    if (own->minimum.p && clauses.should_count > 0 &&
        minimum_should_match(own->minimum, clauses.should_count, &clauses.should_min,
                             planner->err) < 0)
        return plan_fail(planner, ERR_INVALID, "bad minimum_should_match \"" STR_FMT "\"",
                         STR_ARG(own->minimum));
    if (required == 0 && clauses.should_count > 0 && clauses.should_min == 0)
        clauses.should_min = 1; /* "50%" of one is none, but then nothing else could match */
    if (own->minimum.p && clauses.should_count == 0) {
        uint32_t fixed = 0;
        int64_t number;
        if (str_to_i64(own->minimum, &number) && number > 0)
            fixed = (uint32_t)number;
        if (fixed > 0)
            return NULL;
    }
    clauses.must = plans_of(&lists[MUST], planner, true, boost);
    clauses.filter = plans_of(&lists[FILTER], planner, false, 1);
    clauses.should = plans_of(&lists[SHOULD], planner, true, boost);
    clauses.must_not = plans_of(&lists[MUST_NOT], planner, false, 1);
    /* Nothing but exclusions: everything else matches, each with score 0 as a filter gives. */
    return plan_bool(planner, &clauses, boost);
}

const struct query_type query_type_bool = {
    .name = "bool",
    .summary = "Combines queries: must, filter, should, must_not.",
    .since = "0.1",
    .opts = bool_opts,
    .parse = bool_parse,
    .plan = bool_plan,
};
