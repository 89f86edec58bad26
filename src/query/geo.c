/* SPDX-License-Identifier: Apache-2.0 */
/* geo.c: a query of places opens a set in two steps: the band of latitudes is a range of the column
 * (its numbers begin with the latitude), which zone maps cut down; what is left is looked at one by
 * one. */
#include "query/geo.h"

#include <math.h>

#include "base/str.h"
#include "query/plan_int.h"

int geo_keys_split(struct dsl *dsl, const struct query_type *type, const struct value *body,
                   struct geo_options *options, struct value *ret_rest, struct err *err)
{
    *ret_rest = value_map(dsl->mem, 4);
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "[%s] query malformed, no start_object after query "
                         "name",
                         type->name);
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        if (opt_find(type->opts, key) || str_is(key, "boost") || str_is(key, "_name")) {
            value_map_set(dsl->mem, ret_rest, key, *v);
            continue;
        }
        if (options->value)
            return dsl_error(v, err, ERR_PARSE, "[%s] query does not support [" STR_FMT "]",
                             type->name, STR_ARG(key));
        options->field = key;
        options->value = v;
    }
    return 0;
}

int geo_validation_parse(struct str method, struct geo_options *options, struct err *err)
{
    options->is_coerced = str_eq_nocase(method, STR("coerce"));
    options->is_lenient = options->is_coerced || str_eq_nocase(method, STR("ignore_malformed"));
    if (!method.p || options->is_lenient || str_eq_nocase(method, STR("strict")))
        return 0;
    return err_set(err, ERR_INVALID,
                   "operator needs to be either STRICT, COERCE, or IGNORE_MALFORMED, but not "
                   "[" STR_FMT "]",
                   STR_ARG(method));
}

void geo_normalize(struct geo_point *point)
{
    double lat = fmod(point->lat, 360), lon = point->lon;
    if (lat < -180)
        lat += 360;
    if (lat > 180)
        lat -= 360;
    if (fabs(lat) > 90) { /* over a pole: the other side of the globe */
        lat = (lat > 0 ? 180 : -180) - lat;
        lon += 180;
    }
    if (fabs(lon) > 180) {
        lon = fmod(lon, 360);
        lon += lon <= -180 ? 360 : lon > 180 ? -360 : 0;
    }
    *point = (struct geo_point){lat, lon};
}

/* ---- Plan ---- */

struct places_plan {
    struct plan base;
    const struct field *field;
    struct geo_box box;
    struct geo_point center;
    double meters; /* < 0: the box is all */
};

struct places {
    const struct places_plan *plan;
    const struct column *column;
    int64_t *values;
    size_t capacity;
    struct arena *mem;
};

static bool place_matches(const struct places_plan *own, int64_t encoded)
{
    if (!geo_box_has(&own->box, encoded))
        return false;
    struct geo_point point = geo_decode(encoded);
    return own->meters < 0 || geo_distance_m(&own->center, &point) <= own->meters;
}

static bool has_match(void *owner, uint32_t doc)
{
    struct places *own = owner;
    size_t n = column_doc_longs(own->column, doc, own->values, own->capacity);
    if (n > own->capacity) {
        own->capacity = n * 2;
        own->values = ARENA_ARRAY(own->mem, int64_t, own->capacity);
        n = column_doc_longs(own->column, doc, own->values, own->capacity);
    }
    for (size_t i = 0; i < n; i++) {
        if (place_matches(own->plan, own->values[i]))
            return true;
    }
    return false;
}

static struct docset *places_open(const struct plan *plan, struct plan_run *run)
{
    const struct places_plan *own = (const struct places_plan *)plan;
    struct column *column = segment_column(run->part->segment, own->field);
    if (!column)
        return NULL;
    struct places *places = ARENA_NEW(run->mem, struct places);
    *places = (struct places){.plan = own, .column = column, .capacity = 16, .mem = run->mem};
    places->values = ARENA_ARRAY(run->mem, int64_t, places->capacity);
    int64_t south = (int64_t)own->box.south * (INT64_C(1) << 32);
    int64_t north = (int64_t)own->box.north * (INT64_C(1) << 32) + UINT32_MAX;
    struct docset **filter = ARENA_ARRAY(run->mem, struct docset *, 2);
    filter[0] = docset_longs(column, south, north, run->doc_count, 0, run->mem);
    filter[1] = docset_predicate(has_match, places, run->doc_count, 0, run->mem);
    struct bool_clauses clauses = {.filter = filter, .filter_count = 2};
    struct docset *set = docset_bool(&clauses, run->doc_count, false, run->mem);
    return docset_constant(set, plan->boost, run->mem);
}

static const struct plan_ops places_ops = {"places", places_open, NULL};

static struct plan *no_field(struct planner *planner, const struct geo_options *options,
                             bool is_meta)
{
    if (is_meta)
        return plan_fail(planner, ERR_INVALID, "field [" STR_FMT "] is not a geo_point field",
                         STR_ARG(options->field));
    if (options->ignore_unmapped)
        return NULL;
    return plan_fail(planner, ERR_INVALID, "failed to find geo_point field [" STR_FMT "]",
                     STR_ARG(options->field));
}

struct plan *plan_places(struct planner *planner, const struct geo_options *options,
                         const struct geo_box *box, const struct geo_point *center, double meters,
                         float boost)
{
    const struct field *field = mapping_field(planner->mapping, options->field);
    if (!field)
        return no_field(planner, options, options->field.n > 0 && options->field.p[0] == '_');
    if (field->type != FIELD_GEO_POINT)
        return no_field(planner, options, true);
    if (box->is_empty)
        return NULL;
    struct places_plan *own = plan__new(planner, &places_ops, sizeof(*own), boost);
    own->field = field;
    own->box = *box;
    own->center = *center;
    own->meters = meters;
    return &own->base;
}

/* ---- Distances ---- */

int geo_meters_parse(const struct value *v, struct str unit, double *ret_meters, struct err *err)
{
    static const struct {
        const char *names; /* separated by one space */
        double meters;
    } units[] = {{"mm millimeters", 0.001},
                 {"cm centimeters", 0.01},
                 {"km kilometers", 1000},
                 {"nmi NM nauticalmiles", 1852},
                 {"mi miles", 1609.344},
                 {"yd yards", 0.9144},
                 {"ft feet", 0.3048},
                 {"in inch", 0.0254},
                 {"m meters", 1}};
    double number = v->kind == VALUE_INT ? (double)v->i : v->f, factor = unit.p ? 0 : 1;
    struct str text = v->kind == VALUE_STR ? str_trim(v->s) : STR_NONE;
    size_t best = 0;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct str names = str_from(units[i].names), name;
        while (str_split_next(&names, ' ', &name)) {
            if (unit.p && str_eq(unit, name))
                factor = units[i].meters;
        }
    }
    if (factor == 0)
        return err_set(err, ERR_INVALID, "No distance unit match [" STR_FMT "]", STR_ARG(unit));
    /* A unit in the text wins; the longest that fits, "5nmi" is no "mi". */
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct str names = str_from(units[i].names), name;
        while (str_split_next(&names, ' ', &name)) {
            if (name.n > best && str_ends_with(text, name)) {
                best = name.n;
                factor = units[i].meters;
            }
        }
    }
    text = str_trim(str_sub(text, 0, text.n - best));
    if (v->kind == VALUE_STR && !str_to_f64(text, &number))
        return err_set(err, ERR_INVALID, "For input string: \"" STR_FMT "\"", STR_ARG(text));
    if (v->kind != VALUE_STR && v->kind != VALUE_INT && v->kind != VALUE_FLOAT)
        return err_set(err, ERR_PARSE, "geo_distance requires 'distance' to be specified");
    *ret_meters = number * factor;
    return 0;
}
