/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* range.c: values between two bounds: numbers, dates with date math, addresses, texts in byte
 * order. The old form from/to/include_lower/include_upper is understood too. */
#include "base/str.h"
#include "query/query.h"

struct range_query {
    struct query base;
    struct value gte, gt, lte, lt, from, to;
    bool include_lower, include_upper;
    struct str format, time_zone, relation;
    struct str field;
    struct range_options options;
};

static const struct opt range_opts[] = {
    OPT_VALUE(struct range_query, gte, .help = "At least."),
    OPT_VALUE(struct range_query, gt, .help = "Above."),
    OPT_VALUE(struct range_query, lte, .help = "At most."),
    OPT_VALUE(struct range_query, lt, .help = "Below."),
    OPT_VALUE(struct range_query, from, .flags = OPT_DEPRECATED, .help = "Old form of gte and gt."),
    OPT_VALUE(struct range_query, to, .flags = OPT_DEPRECATED, .help = "Old form of lte and lt."),
    OPT_BOOL(struct range_query, include_lower, .dflt = "true", .help = "For from: gte."),
    OPT_BOOL(struct range_query, include_upper, .dflt = "true", .help = "For to: lte."),
    OPT_STR(struct range_query, format, .help = "Format of date bounds; default the field's."),
    OPT_STR(struct range_query, time_zone,
            .help = "Zone of date bounds without one, and of rounding."),
    OPT_STR(struct range_query, relation,
            .help = "INTERSECTS, CONTAINS or WITHIN; the same for fields without ranges."),
    OPT_END,
};

static bool is_given(const struct value *v)
{
    return v->kind != VALUE_NONE && v->kind != VALUE_NULL;
}

static int range_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                       struct query **ret_query, struct err *err)
{
    struct range_query *own = query_new(dsl, type, sizeof(*own));
    struct value plain = {.kind = VALUE_NONE};
    TRY(dsl_fill_field(dsl, type, body, own, &own->field, &plain, err));
    if (plain.kind != VALUE_NONE)
        return dsl_error(&plain, err, ERR_PARSE, "[range] query does not support [" STR_FMT "]",
                         STR_ARG(own->field));
    struct range_options *range = &own->options;
    range->from = is_given(&own->gte) ? own->gte : is_given(&own->gt) ? own->gt : own->from;
    range->includes_from = is_given(&own->gte) || (!is_given(&own->gt) && own->include_lower);
    range->to = is_given(&own->lte) ? own->lte : is_given(&own->lt) ? own->lt : own->to;
    range->includes_to = is_given(&own->lte) || (!is_given(&own->lt) && own->include_upper);
    range->format = own->format;
    range->time_zone = own->time_zone;
    if (own->relation.p && !str_eq_nocase(own->relation, STR("intersects")) &&
        !str_eq_nocase(own->relation, STR("contains")) &&
        !str_eq_nocase(own->relation, STR("within")))
        return dsl_error(body, err, ERR_INVALID, "%s is not a valid relation",
                         arena_cstr(dsl->mem, own->relation));
    *ret_query = &own->base;
    return 0;
}

static struct plan *range_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct range_query *own = (const struct range_query *)query;
    return plan_range(planner, own->field, &own->options, boost);
}

const struct query_type query_type_range = {
    .name = "range",
    .summary = "Values between bounds.",
    .since = "0.1",
    .opts = range_opts,
    .parse = range_parse,
    .plan = range_plan,
};
