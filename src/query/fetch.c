/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c: what a found document shows: its source, filtered, and fields out of columns
 * (docvalue_fields) or out of the source (fields). */
#include <math.h>

#include "base/str.h"
#include "index/geo_point.h"
#include "index/ip.h"
#include "query/dates.h"
#include "query/decimal_format.h"
#include "query/field_values.h"
#include "query/query.h"
#include "query/search_int.h"

#define FIELDS_MAX 100u /* index.max_docvalue_fields_search */

int field_specs_parse(const struct value *v, const char *name, struct arena *mem,
                      struct field_spec **ret_specs, size_t *ret_count, struct err *err)
{
    if (v->kind != VALUE_LIST)
        return dsl_error(v, err, ERR_PARSE, "[%s] must be an array", name);
    if (v->list->count > FIELDS_MAX)
        return dsl_error(v, err, ERR_INVALID,
                         "Trying to retrieve too many %s. Must be less than or equal to: [%u] but "
                         "was [%zu].",
                         name, FIELDS_MAX, v->list->count);
    struct field_spec *specs = ARENA_ARRAY(mem, struct field_spec, v->list->count + 1);
    for (size_t i = 0; i < v->list->count; i++) {
        const struct value *item = &v->list->items[i];
        if (item->kind == VALUE_STR) {
            specs[i].pattern = item->s;
            continue;
        }
        const struct value *field = value_map_get_lit(item, "field"),
                           *format = value_map_get_lit(item, "format");
        if (!field || field->kind != VALUE_STR)
            return dsl_error(item, err, ERR_PARSE,
                             "[%s] entries must be strings or objects with a field", name);
        specs[i].pattern = field->s;
        if (format && format->kind == VALUE_STR && !str_is(format->s, "use_field_mapping"))
            specs[i].format = format->s;
    }
    *ret_specs = specs;
    *ret_count = v->list->count;
    return 0;
}

/* "lat, lon", as it was rounded to be stored. */
static struct value place_print(int64_t encoded, struct arena *mem)
{
    struct geo_point point = geo_decode(encoded);
    struct value lat = value_float(point.lat), lon = value_float(point.lon);
    return value_str(arena_printf(mem, STR_FMT ", " STR_FMT, STR_ARG(value_to_str(mem, &lat)),
                                  STR_ARG(value_to_str(mem, &lon))));
}

/* One stored value as docvalue_fields prints it. */
struct value field_value_print(const struct field *field, const struct column_value *v,
                               const struct date_pattern *pattern, const struct time_zone *zone,
                               struct arena *mem)
{
    if (field_is_date(field)) {
        const struct date_pattern *own = pattern;
        if (!own && dates_format(field->format, mem, &own, NULL) < 0)
            return value_int(v->i);
        return value_str(dates_print(dates_from_stored(field, v->i), own, zone, mem));
    }
    if (field->type == FIELD_BOOLEAN)
        return value_bool(v->i != 0);
    if (field->type == FIELD_UNSIGNED_LONG) {
        uint64_t u = (uint64_t)v->i ^ (UINT64_C(1) << 63);
        if (u > INT64_MAX)
            return (struct value){.kind = VALUE_BIG,
                                  .s = arena_printf(mem, "%llu", (unsigned long long)u)};
        return value_int((int64_t)u);
    }
    if (field->type == FIELD_GEO_POINT)
        return place_print(v->i, mem);
    if (field->type == FIELD_IP && v->text.n == IP_BYTES) {
        char text[IP_TEXT_BYTES];
        uint8_t bytes[IP_BYTES];
        memcpy(bytes, v->text.p, IP_BYTES);
        return value_str_copy(mem, (struct str){text, ip_format(bytes, text)});
    }
    if (v->kind == COLUMN_DOUBLE)
        return value_float(v->f);
    return v->kind == COLUMN_LONG ? value_int(v->i) : value_str(v->text);
}

/* A number by a format of digits; other values as they are. */
static struct value formatted(const struct field_spec *spec, const struct field *field,
                              struct value v, struct arena *mem)
{
    if (!spec->format.p || !(field_is_long(field) || field_is_double(field)))
        return v;
    return value_str(v.kind == VALUE_FLOAT
                         ? decimal_format_double(spec->format, v.f, mem)
                         : decimal_format_integer(spec->format, value_to_str(mem, &v), mem));
}

static int add_docvalues(const struct field_spec *spec, const struct searcher_part *part,
                         uint32_t doc, struct arena *mem, struct value *fields, struct err *err)
{
    size_t count;
    const struct field *const *all = mapping_fields(part->mapping, &count);
    bool is_pattern = str_find_char(spec->pattern, '*') >= 0;
    const struct field *one = is_pattern ? NULL : mapping_field(part->mapping, spec->pattern);
    for (size_t i = 0; i < (is_pattern ? count : one ? 1u : 0u); i++) {
        const struct field *field = is_pattern ? all[i] : one;
        if (is_pattern && !str_glob(spec->pattern, field->path))
            continue;
        struct column *column = field->has_doc_values ? segment_column(part->segment, field) : NULL;
        if (!column)
            continue;
        struct column_value *values;
        size_t n = column_doc_values(column, doc, mem, &values);
        const struct date_pattern *pattern = NULL;
        if (spec->format.p && field_is_date(field))
            TRY(dates_format(spec->format, mem, &pattern, err));
        struct value list = value_list(mem, n);
        for (size_t k = 0; k < n; k++) {
            struct value v = field_value_print(field, &values[k], pattern, time_zone_utc(), mem);
            value_list_add(mem, &list, formatted(spec, field, v, mem));
        }
        struct str name = is_pattern ? field->path : spec->pattern;
        struct value *there = value_map_get(fields, name);
        for (size_t k = 0; there && k < n; k++)
            value_list_add(mem, there, list.list->items[k]);
        if (n > 0 && !there)
            value_map_set(mem, fields, name, list);
    }
    return 0;
}

struct source_walk {
    const struct field_spec *spec;
    const struct searcher_part *part;
    struct arena *mem;
    struct value *fields;
};

static struct value source_field_value(const struct source_walk *walk, const struct field *field,
                                       const struct value *v)
{
    const struct date_pattern *out;
    int64_t ns;
    struct str format = walk->spec->format.p ? walk->spec->format : field->format;
    if (!field_is_date(field) || dates_format(format, walk->mem, &out, NULL) < 0)
        return *v;
    if (dates_value(v, field->format, time_zone_utc(), 0, false, walk->mem, &ns, NULL) < 0)
        return *v;
    ns = dates_from_stored(field, dates_to_stored(field, ns)); /* a date has milliseconds */
    return value_str(dates_print(ns, out, time_zone_utc(), walk->mem));
}

static void field_add(const struct source_walk *walk, struct str path, struct value v)
{
    struct value *list = value_map_get(walk->fields, path);
    if (!list) {
        value_map_set(walk->mem, walk->fields, path, value_list(walk->mem, 1));
        list = value_map_get(walk->fields, path);
    }
    value_list_add(walk->mem, list, v);
}

/* {"coordinates":[lon,lat],"type":"Point"}; false: it is no place, but perhaps a list of some. */
static bool place_add(const struct source_walk *walk, struct str path, const struct value *v)
{
    struct geo_point point;
    if (geo_point_parse(v, true, &point, NULL) < 0)
        return v->kind != VALUE_LIST; /* malformed ones are ignored */
    struct value coordinates = value_list(walk->mem, 2), shape = value_map(walk->mem, 2);
    value_list_add(walk->mem, &coordinates, value_float(point.lon));
    value_list_add(walk->mem, &coordinates, value_float(point.lat));
    value_map_set(walk->mem, &shape, STR("coordinates"), coordinates);
    value_map_set(walk->mem, &shape, STR("type"), value_str(STR("Point")));
    field_add(walk, path, shape);
    return true;
}

static void walk_source(const struct source_walk *walk, struct str path, const struct value *v,
                        unsigned depth)
{
    if (v->kind == VALUE_NULL || depth > 32)
        return;
    const struct field *place = mapping_field(walk->part->mapping, path);
    if (place && place->type == FIELD_GEO_POINT && str_glob(walk->spec->pattern, path) &&
        place_add(walk, path, v))
        return;
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list->count; i++)
            walk_source(walk, path, &v->list->items[i], depth + 1);
        return;
    }
    if (v->kind == VALUE_MAP) {
        for (size_t i = 0; i < v->map->count; i++) {
            struct str key = v->map->keys[i];
            struct str below =
                path.n ? arena_printf(walk->mem, STR_FMT "." STR_FMT, STR_ARG(path), STR_ARG(key))
                       : key;
            walk_source(walk, below, &v->map->values[i], depth + 1);
        }
        return;
    }
    size_t count;
    const struct field *const *all = mapping_fields(walk->part->mapping, &count);
    for (size_t i = 0; i < count; i++) {
        const struct field *field = all[i];
        bool is_multi = field->path.n > path.n && str_starts_with(field->path, path) &&
                        field->path.p[path.n] == '.';
        if (field->variant_index > 0 || (!str_eq(field->path, path) && !is_multi))
            continue;
        if (!str_glob(walk->spec->pattern, field->path))
            continue;
        field_add(walk, field->path, source_field_value(walk, field, v));
    }
}

int fetch_hit(const struct fetch_spec *fetch, const struct searcher_part *part, uint32_t doc,
              struct doc_reader *reader, struct arena *mem, struct search_hit *hit, struct err *err)
{
    hit->index = arena_str(mem, part->index);
    if (fetch->has_no_stored_fields)
        hit->id = STR_NONE;
    else
        hit->id = doc_reader_id(reader, part->segment, doc, mem);
    hit->version = doc_reader_version(reader, part->segment, doc);
    hit->seq_no = doc_reader_seq_no(reader, part->segment, doc);
    hit->primary_term = 1;
    struct str json = STR_NONE;
    bool wants_source =
        !fetch->source.is_off && !(fetch->has_no_stored_fields && !fetch->source.is_given);
    if (wants_source || fetch->field_count)
        TRY(doc_reader_source(reader, part->segment, doc, mem, &json, err));
    if (wants_source)
        TRY(source_filter(json, &fetch->source, mem, &hit->source, err));
    if (fetch->docvalue_count + fetch->field_count == 0)
        return 0;
    struct value fields = value_map(mem, fetch->docvalue_count + fetch->field_count), tree;
    struct value of_source = value_map(mem, fetch->field_count);
    for (size_t i = 0; i < fetch->docvalue_count; i++)
        TRY(add_docvalues(&fetch->docvalues[i], part, doc, mem, &fields, err));
    if (fetch->field_count)
        TRY(value_from_json(json, mem, &tree, err));
    for (size_t i = 0; i < fetch->field_count; i++) {
        struct source_walk walk = {&fetch->fields[i], part, mem, &of_source};
        walk_source(&walk, STR(""), &tree, 0);
    }
    /* A field that was asked for both ways is shown as `fields` has it. */
    for (size_t i = 0; i < of_source.map->count; i++)
        value_map_set(mem, &fields, of_source.map->keys[i], of_source.map->values[i]);
    if (fields.map->count)
        hit->fields = fields;
    return 0;
}
