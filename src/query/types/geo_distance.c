/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in geo_test.c */
/* geo_distance.c: documents with a place within a distance of another. */
#include "base/str.h"
#include "query/geo.h"

struct geo_distance {
    struct query base;
    struct value distance;
    struct str unit, distance_type, validation_method;
    bool ignore_unmapped;
    struct geo_options options;
    struct geo_point center;
    double meters;
};

static const struct opt geo_distance_opts[] = {
    OPT_VALUE(struct geo_distance, distance, .help = "\"12km\", or a number in `unit`."),
    OPT_STR(struct geo_distance, unit, .help = "mm, cm, m (default), km, mi, yd, ft, in or nmi."),
    OPT_STR(struct geo_distance, distance_type,
            .help = "arc or plane; both are the arc, as in Elasticsearch 7.10."),
    OPT_STR(struct geo_distance, validation_method,
            .help = "STRICT (default), COERCE or IGNORE_MALFORMED: a center beyond the limits."),
    OPT_BOOL(struct geo_distance, ignore_unmapped, .dflt = "false",
             .help = "A field that is not there matches nothing instead of being an error."),
    OPT_END,
};

/* "loc.lat" and "loc.lon" as two keys. */
static int fold_pair(struct dsl *dsl, const struct value *body, struct value *ret_body)
{
    *ret_body = value_map(dsl->mem, 4);
    struct value pair = value_map(dsl->mem, 2);
    struct str field = STR_NONE;
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        bool is_part = str_ends_with(key, STR(".lat")) || str_ends_with(key, STR(".lon"));
        if (!is_part) {
            value_map_set(dsl->mem, ret_body, key, body->map->values[i]);
            continue;
        }
        field = str_sub(key, 0, key.n - 4);
        value_map_set(dsl->mem, &pair, str_from_off(key, key.n - 3), body->map->values[i]);
    }
    if (field.p)
        value_map_set(dsl->mem, ret_body, field, pair);
    return 0;
}

static int center_parse(struct geo_distance *own, struct err *err)
{
    struct geo_options *options = &own->options;
    TRY(geo_point_parse(options->value, true, &own->center, err));
    if (options->is_coerced)
        geo_normalize(&own->center);
    const char *bad = geo_point_bad(&own->center);
    if (bad && !options->is_lenient)
        return dsl_error(
            options->value, err, ERR_INVALID,
            "couldn't validate latitude/ longitude values: [geo_distance] center point "
            "%s is invalid: %g",
            bad, str_is(str_from(bad), "latitude") ? own->center.lat : own->center.lon);
    return 0;
}

static int geo_distance_parse(struct dsl *dsl, const struct query_type *type,
                              const struct value *body, struct query **ret_query, struct err *err)
{
    struct geo_distance *own = query_new(dsl, type, sizeof(*own));
    struct value folded = *body, rest;
    if (body->kind == VALUE_MAP)
        TRY(fold_pair(dsl, body, &folded));
    TRY(geo_keys_split(dsl, type, &folded, &own->options, &rest, err));
    TRY(dsl_fill(dsl, type, &rest, own, err));
    TRY(geo_validation_parse(own->validation_method, &own->options, err));
    own->options.ignore_unmapped = own->ignore_unmapped;
    if (own->distance_type.p && !str_eq_nocase(own->distance_type, STR("arc")) &&
        !str_eq_nocase(own->distance_type, STR("plane")))
        return dsl_error(body, err, ERR_INVALID, "No geo distance for [" STR_FMT "]",
                         STR_ARG(own->distance_type));
    if (!own->options.value)
        return dsl_error(body, err, ERR_INVALID, "fieldName must not be null or empty");
    if (own->distance.kind == VALUE_NONE)
        return dsl_error(body, err, ERR_PARSE, "geo_distance requires 'distance' to be specified");
    TRY(geo_meters_parse(&own->distance, own->unit, &own->meters, err));
    if (!(own->meters > 0))
        return dsl_error(body, err, ERR_INVALID, "distance must be greater than zero");
    TRY(center_parse(own, err));
    *ret_query = &own->base;
    return 0;
}

static struct plan *geo_distance_plan(const struct query *query, struct planner *planner,
                                      float boost)
{
    const struct geo_distance *own = (const struct geo_distance *)query;
    struct geo_box box = {.is_empty = true};
    if (!geo_point_bad(&own->center))
        box = geo_box_around(&own->center, own->meters);
    return plan_places(planner, &own->options, &box, &own->center, own->meters, boost);
}

const struct query_type query_type_geo_distance = {
    .name = "geo_distance",
    .summary = "Places within a distance.",
    .since = "0.1",
    .opts = geo_distance_opts,
    .parse = geo_distance_parse,
    .plan = geo_distance_plan,
};
