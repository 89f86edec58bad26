/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in geo_test.c */
/* geo_bounding_box.c: documents with a place between two latitudes and two longitudes. */
#include <math.h>

#include "base/str.h"
#include "query/geo.h"

struct geo_bounding_box {
    struct query base;
    struct str validation_method, type;
    bool ignore_unmapped;
    struct geo_options options;
    double top, bottom, left, right;
};

static const struct opt geo_bounding_box_opts[] = {
    OPT_STR(struct geo_bounding_box, validation_method,
            .help = "STRICT (default), COERCE or IGNORE_MALFORMED: corners beyond the limits."),
    OPT_STR(struct geo_bounding_box, type, .help = "indexed or memory; accepted without effect."),
    OPT_BOOL(struct geo_bounding_box, ignore_unmapped, .dflt = "false",
             .help = "A field that is not there matches nothing instead of being an error."),
    OPT_END,
};

static int take_number(const struct value *v, double *ret, struct err *err)
{
    *ret = v->kind == VALUE_INT ? (double)v->i : v->f;
    if (v->kind == VALUE_INT || v->kind == VALUE_FLOAT ||
        (v->kind == VALUE_STR && str_to_f64(v->s, ret)))
        return 0;
    return dsl_error(v, err, ERR_PARSE,
                     "failed to parse [geo_bounding_box] query. a side is no "
                     "number");
}

/* A corner that is a geohash is a cell: the box takes it whole. */
static int take_corner(const struct value *v, double *lat, double *lon, bool is_north, bool is_east,
                       struct err *err)
{
    struct geo_point low, high;
    bool is_hash =
        v->kind == VALUE_STR && str_find_char(v->s, ',') < 0 && geo_hash_parse(v->s, &low, &high);
    if (!is_hash) {
        if (geo_point_parse(v, true, &low, err) < 0)
            return err_wrap(err, "failed to parse [geo_bounding_box] query");
        high = low;
    }
    *lat = is_north ? high.lat : low.lat;
    *lon = is_east ? high.lon : low.lon;
    return 0;
}

/* "BBOX (left, right, top, bottom)" */
static int take_wkt(struct geo_bounding_box *own, const struct value *v, struct err *err)
{
    double *sides[] = {&own->left, &own->right, &own->top, &own->bottom};
    struct str rest = v->kind == VALUE_STR ? str_trim(v->s) : STR(""), part;
    size_t n = 0;
    bool is_box =
        rest.n > 5 && str_eq_nocase(str_sub(rest, 0, 4), STR("bbox")) && rest.p[rest.n - 1] == ')';
    if (is_box)
        rest = str_trim(str_sub(rest, 4, rest.n - 5));
    is_box = is_box && rest.n > 0 && rest.p[0] == '(';
    if (is_box)
        rest = str_from_off(rest, 1);
    while (is_box && n < 4 && str_split_next(&rest, ',', &part)) {
        if (!str_to_f64(str_trim(part), sides[n++]))
            is_box = false;
    }
    return is_box && n == 4 ? 0 : dsl_error(v, err, ERR_PARSE, "failed to parse WKT bounding box");
}

static int take_box(struct geo_bounding_box *own, const struct value *box, struct err *err)
{
    for (size_t i = 0; i < box->map->count; i++) {
        struct str key = box->map->keys[i];
        const struct value *v = &box->map->values[i];
        if (str_is(key, "top"))
            TRY(take_number(v, &own->top, err));
        else if (str_is(key, "bottom"))
            TRY(take_number(v, &own->bottom, err));
        else if (str_is(key, "left"))
            TRY(take_number(v, &own->left, err));
        else if (str_is(key, "right"))
            TRY(take_number(v, &own->right, err));
        else if (str_is(key, "top_left") || str_is(key, "topLeft"))
            TRY(take_corner(v, &own->top, &own->left, true, false, err));
        else if (str_is(key, "bottom_right") || str_is(key, "bottomRight"))
            TRY(take_corner(v, &own->bottom, &own->right, false, true, err));
        else if (str_is(key, "top_right") || str_is(key, "topRight"))
            TRY(take_corner(v, &own->top, &own->right, true, true, err));
        else if (str_is(key, "bottom_left") || str_is(key, "bottomLeft"))
            TRY(take_corner(v, &own->bottom, &own->left, false, false, err));
        else if (str_is(key, "wkt"))
            TRY(take_wkt(own, v, err));
        else
            return dsl_error(v, err, ERR_PARSE,
                             "failed to parse [geo_bounding_box] query. [failed to parse bounding "
                             "box. unexpected field [" STR_FMT "]]",
                             STR_ARG(key));
    }
    return 0;
}

static int box_check(struct geo_bounding_box *own, const struct value *at, struct err *err)
{
    const struct {
        const char *name;
        double v;
    } sides[] = {{"top latitude", own->top},
                 {"left longitude", own->left},
                 {"bottom latitude", own->bottom},
                 {"right longitude", own->right}};
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        if (!isfinite(sides[i].v))
            return dsl_error(at, err, ERR_INVALID, "%s is invalid: %s", sides[i].name,
                             isnan(sides[i].v) ? "NaN" : "Infinity");
    }
    if (own->top < own->bottom)
        return dsl_error(at, err, ERR_INVALID, "top is below bottom corner: %g vs. %g", own->top,
                         own->bottom);
    if (own->options.is_coerced) {
        struct geo_point a = {own->top, own->left}, b = {own->bottom, own->right};
        bool is_whole = own->right - own->left >= 360;
        geo_normalize(&a);
        geo_normalize(&b);
        own->top = a.lat;
        own->bottom = b.lat;
        own->left = is_whole ? -180 : a.lon;
        own->right = is_whole ? 180 : b.lon;
        return 0;
    }
    struct geo_point corners[] = {{own->top, own->left}, {own->bottom, own->right}};
    for (size_t i = 0; i < 2 && !own->options.is_lenient; i++) {
        if (geo_point_bad(&corners[i]))
            return dsl_error(at, err, ERR_INVALID,
                             "couldn't validate latitude/ longitude values: [geo_bounding_box] a "
                             "corner's %s is invalid",
                             geo_point_bad(&corners[i]));
    }
    return 0;
}

static int geo_bounding_box_parse(struct dsl *dsl, const struct query_type *type,
                                  const struct value *body, struct query **ret_query,
                                  struct err *err)
{
    struct geo_bounding_box *own = query_new(dsl, type, sizeof(*own));
    struct value rest;
    own->top = own->bottom = own->left = own->right = NAN;
    TRY(geo_keys_split(dsl, type, body, &own->options, &rest, err));
    TRY(dsl_fill(dsl, type, &rest, own, err));
    TRY(geo_validation_parse(own->validation_method, &own->options, err));
    own->options.ignore_unmapped = own->ignore_unmapped;
    if (!own->options.value || own->options.value->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "failed to parse [geo_bounding_box] query. bounding box not provided");
    TRY(take_box(own, own->options.value, err));
    TRY(box_check(own, own->options.value, err));
    *ret_query = &own->base;
    return 0;
}

static struct plan *geo_bounding_box_plan(const struct query *query, struct planner *planner,
                                          float boost)
{
    const struct geo_bounding_box *own = (const struct geo_bounding_box *)query;
    struct geo_point none = {0, 0};
    struct geo_box box = {.is_empty = true};
    struct geo_point a = {own->top, own->left}, b = {own->bottom, own->right};
    if (!geo_point_bad(&a) && !geo_point_bad(&b)) /* IGNORE_MALFORMED: nothing is there */
        box = geo_box_of(own->bottom, own->top, own->left, own->right);
    return plan_places(planner, &own->options, &box, &none, -1, boost);
}

const struct query_type query_type_geo_bounding_box = {
    .name = "geo_bounding_box",
    .summary = "Places in a box.",
    .since = "0.1",
    .opts = geo_bounding_box_opts,
    .parse = geo_bounding_box_parse,
    .plan = geo_bounding_box_plan,
};
