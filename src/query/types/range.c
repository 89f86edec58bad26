/* SPDX-License-Identifier: Apache-2.0 */
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

/* Of two bounds on one side the later one holds, as in Elasticsearch; null is no bound. */
static void bounds_take(struct range_query *own, const struct value *inner)
{
    struct range_options *range = &own->options;
    range->includes_from = range->includes_to = true;
    for (size_t i = 0; i < inner->map->count; i++) {
        struct str key = inner->map->keys[i];
        const struct value *v = &inner->map->values[i];
        struct value bound = v->kind == VALUE_NULL ? (struct value){.kind = VALUE_NONE} : *v;
        bool is_lower = str_is(key, "gte") || str_is(key, "gt");
        bool is_upper = str_is(key, "lte") || str_is(key, "lt");
        if (is_lower || str_is(key, "from"))
            range->from = bound;
        if (is_upper || str_is(key, "to"))
            range->to = bound;
        if (is_lower)
            range->includes_from = str_is(key, "gte");
        if (is_upper)
            range->includes_to = str_is(key, "lte");
        if (str_is(key, "include_lower"))
            range->includes_from = own->include_lower;
        if (str_is(key, "include_upper"))
            range->includes_to = own->include_upper;
    }
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
    bounds_take(own, value_map_get(body, own->field));
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
