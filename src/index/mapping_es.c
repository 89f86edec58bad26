/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping in Elasticsearch's JSON: reading a body into a clone (merge rules and error texts
 * of 7.10) and printing it. */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "index/date_parse.h"
#include "index/geo_point.h"
#include "index/mapping.h"
#include "index/mapping_int.h"

static struct str value_text(struct mapping *mapping, const struct value *v)
{
    return arena_str(mapping->mem, value_to_str(mapping->mem, v));
}

static struct str value_json(struct mapping *mapping, const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str s = arena_str(mapping->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static bool bool_of(const struct value *v, bool *ret_b)
{
    if (v->kind == VALUE_BOOL)
        *ret_b = v->b;
    else if (v->kind == VALUE_STR && str_is(v->s, "true"))
        *ret_b = true;
    else if (v->kind == VALUE_STR && str_is(v->s, "false"))
        *ret_b = false;
    else
        return false;
    return true;
}

static bool dynamic_of(const struct value *v, uint8_t *ret_dynamic)
{
    bool b;
    if (bool_of(v, &b))
        *ret_dynamic = b ? DYNAMIC_TRUE : DYNAMIC_FALSE;
    else if (v->kind == VALUE_STR && str_is(v->s, "strict"))
        *ret_dynamic = DYNAMIC_STRICT;
    else
        return false;
    return true;
}

/* ---- Field parameters ---- */

static int param_bad(struct str key, const struct field_def *f, const struct value *v,
                     struct err *err)
{
    char text[64];
    struct arena *mem = arena_new(0);
    struct str s = value_to_str(mem, v);
    size_t n = MIN_OF(s.n, sizeof(text) - 1);
    memcpy(text, s.p, n);
    text[n] = '\0';
    arena_free(mem);
    return err_set(err, ERR_MAPPER_PARSING,
                   "Failed to parse value [%s] of parameter [" STR_FMT "] on field [" STR_FMT "]",
                   text, STR_ARG(key), STR_ARG(f->pub.path));
}

/* 1: known and set, 0: not a boolean parameter. */
static int param_bool(struct field_def *f, struct str key, const struct value *v, struct err *err)
{
    if (f->pub.type == FIELD_GEO_POINT && str_is(key, "coerce"))
        return 0;
    if (f->pub.type == FIELD_GEO_POINT && str_is(key, "ignore_z_value"))
        key = STR("coerce"); /* what it is for places: to take what fits and drop the rest */
    bool *targets[] = {
        &f->pub.is_indexed, &f->pub.has_doc_values, &f->is_stored_setting, &f->ignore_malformed,
        &f->coerce,         &f->has_norms};
    static const char *const names[] = {"index",  "doc_values", "store", "ignore_malformed",
                                        "coerce", "norms"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!str_eq(key, str_from(names[i])))
            continue;
        if (!bool_of(v, targets[i]))
            return param_bad(key, f, v, err);
        return 1;
    }
    /* Accepted for what they were in Elasticsearch; they change nothing here. */
    bool ignored;
    if (str_is(key, "eager_global_ordinals") || str_is(key, "split_queries_on_whitespace") ||
        str_is(key, "fielddata"))
        return bool_of(v, &ignored) ? 1 : param_bad(key, f, v, err);
    return 0;
}

static int param_index_options(struct field_def *f, struct str key, const struct value *v,
                               struct err *err)
{
    if (v->kind != VALUE_STR)
        return param_bad(key, f, v, err);
    bool is_docs = str_is(v->s, "docs"), is_freqs = str_is(v->s, "freqs");
    if (!is_docs && !is_freqs && !str_is(v->s, "positions") && !str_is(v->s, "offsets"))
        return param_bad(key, f, v, err);
    f->has_freqs = !is_docs;
    f->has_positions = !is_docs && !is_freqs;
    return 1;
}

static int param_copy_to(struct mapping *mapping, struct field_def *f, const struct value *v)
{
    size_t n = v->kind == VALUE_LIST ? v->list->count : 1;
    f->copy_to = ARENA_ARRAY(mapping->mem, struct str, n);
    f->copy_to_count = n;
    for (size_t i = 0; i < n; i++)
        f->copy_to[i] = value_text(mapping, v->kind == VALUE_LIST ? &v->list->items[i] : v);
    f->copy_to_json = value_json(mapping, v);
    return 1;
}

static int param_text(struct mapping *mapping, struct field_def *f, struct str key,
                      const struct value *v, struct err *err)
{
    struct str *targets[] = {&f->pub.analyzer, &f->search_analyzer, &f->normalizer,
                             &f->similarity,   &f->alias_path,      &f->const_value};
    static const char *const names[] = {
        "analyzer", "search_analyzer", "normalizer", "similarity", "path", "value"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq(key, str_from(names[i]))) {
            *targets[i] = value_text(mapping, v);
            return 1;
        }
    }
    if (str_is(key, "search_quote_analyzer") || str_is(key, "term_vector") ||
        str_is(key, "locale") || str_is(key, "index_phrases") || str_is(key, "index_prefixes") ||
        str_is(key, "fielddata_frequency_filter"))
        return 1;
    if (str_is(key, "index_options")) {
        f->index_options = value_text(mapping, v);
        return param_index_options(f, key, v, err);
    }
    if (str_is(key, "meta")) {
        f->meta_json = value_json(mapping, v);
        return 1;
    }
    if (str_is(key, "copy_to"))
        return param_copy_to(mapping, f, v);
    return 0;
}

/* The null value of a geo_point is kept as "lat,lon". */
static int param_place(struct mapping *mapping, struct field_def *f, const struct value *v,
                       struct err *err)
{
    struct geo_point point;
    f->has_null_value = v->kind != VALUE_NULL;
    if (!f->has_null_value)
        return 1;
    if (geo_point_parse(v, true, &point, err) < 0)
        return err_wrap(err, "Failed to parse mapping [_doc]: null_value of field [" STR_FMT "]",
                        STR_ARG(f->pub.path));
    if (geo_point_bad(&point))
        return err_set(err, ERR_MAPPER_PARSING,
                       "Failed to parse mapping [_doc]: illegal %s of null_value of field [" STR_FMT
                       "]",
                       geo_point_bad(&point), STR_ARG(f->pub.path));
    f->pub.null_value = arena_printf(mapping->mem, "%.17g,%.17g", point.lat, point.lon);
    return 1;
}

static int param_other(struct mapping *mapping, struct field_def *f, struct str key,
                       const struct value *v, struct err *err)
{
    int64_t i;
    double d;
    bool is_date = f->pub.type == FIELD_DATE || f->pub.type == FIELD_DATE_NANOS;
    if (str_is(key, "format") && is_date) {
        int rc = mapping__date_set(mapping, f, value_text(mapping, v), err);
        return rc < 0
                   ? err_wrap(
                         err,
                         "Failed to parse mapping [_doc]: error parsing [format] on field [" STR_FMT
                         "]",
                         STR_ARG(f->pub.path))
                   : 1;
    }
    if (str_is(key, "null_value") && f->pub.type == FIELD_GEO_POINT)
        return param_place(mapping, f, v, err);
    if (str_is(key, "null_value")) {
        f->has_null_value = v->kind != VALUE_NULL;
        f->pub.null_value = f->has_null_value ? value_text(mapping, v) : STR_NONE;
        return 1;
    }
    if (str_is(key, "ignore_above") || str_is(key, "position_increment_gap")) {
        if (!str_to_i64(value_text(mapping, v), &i) || i < 0 || i > INT32_MAX)
            return param_bad(key, f, v, err);
        *(str_is(key, "ignore_above") ? &f->pub.ignore_above : &f->position_gap) = (uint32_t)i;
        return 1;
    }
    if (str_is(key, "boost") ||
        (str_is(key, "scaling_factor") && f->pub.type == FIELD_SCALED_FLOAT)) {
        if (!str_to_f64(value_text(mapping, v), &d) || !isfinite(d) ||
            (str_is(key, "scaling_factor") && d <= 0))
            return param_bad(key, f, v, err);
        *(str_is(key, "boost") ? &f->boost : &f->pub.scaling_factor) = d;
        return 1;
    }
    return 0;
}

static int field_params(struct mapping *mapping, struct field_def *f, const struct value *def,
                        struct err *err)
{
    for (size_t i = 0; i < def->map->count; i++) {
        struct str key = def->map->keys[i];
        const struct value *v = &def->map->values[i];
        if (str_is(key, "type") || str_is(key, "fields"))
            continue;
        int rc = param_bool(f, key, v, err);
        if (rc == 0)
            rc = param_text(mapping, f, key, v, err);
        if (rc == 0)
            rc = param_other(mapping, f, key, v, err);
        TRY(rc);
        if (rc == 0)
            return err_set(err, ERR_MAPPER_PARSING,
                           "unknown parameter [" STR_FMT "] on mapper [" STR_FMT "] of type [%s]",
                           STR_ARG(key), STR_ARG(f->pub.path), field_type_name(f->pub.type));
    }
    if (f->pub.type == FIELD_SCALED_FLOAT && f->pub.scaling_factor <= 0)
        return err_set(err, ERR_MAPPER_PARSING, "Field [scaling_factor] is required");
    if (f->pub.type == FIELD_ALIAS && f->alias_path.n == 0)
        return err_set(err, ERR_MAPPER_PARSING,
                       "The [path] property must be specified for field [" STR_FMT "].",
                       STR_ARG(f->pub.path));
    if (!f->has_freqs)
        f->has_positions = false;
    return 0;
}

/* ---- Properties ---- */

static int type_of(const struct value *def, struct str path, enum field_type *ret_type,
                   struct err *err)
{
    const struct value *type = value_map_get_lit(def, "type");
    if (!type) {
        if (value_map_get_lit(def, "properties") || value_map_get_lit(def, "dynamic") ||
            value_map_get_lit(def, "enabled") || def->map->count == 0) {
            *ret_type = FIELD_OBJECT;
            return 0;
        }
        return err_set(err, ERR_MAPPER_PARSING, "No type specified for field [" STR_FMT "]",
                       STR_ARG(path));
    }
    if (type->kind != VALUE_STR || !field_type_from_name(type->s, ret_type))
        return err_set(err, ERR_MAPPER_PARSING,
                       "No handler for type [" STR_FMT "] declared on field [" STR_FMT "]",
                       STR_ARG(type->kind == VALUE_STR ? type->s : STR("?")), STR_ARG(path));
    if (*ret_type == FIELD_NESTED || *ret_type == FIELD_FLATTENED)
        return err_set(err, ERR_UNSUPPORTED,
                       "field type [" STR_FMT "] of field [" STR_FMT "] is not supported yet",
                       STR_ARG(type->s), STR_ARG(path));
    return 0;
}

static int object_put(struct mapping *mapping, uint32_t parent, struct str key,
                      const struct value *def, bool is_declared, struct err *err)
{
    struct mapping_node *node = mapping_child(mapping, parent, key);
    if (node && node->field && !node->is_object && node->field->is_declared)
        return err_set(err, ERR_INVALID,
                       "can't merge a non object mapping [" STR_FMT "] with an object mapping",
                       STR_ARG(node->path));
    TRY(mapping_add_object(mapping, parent, key, &node, err));
    node->is_declared |= is_declared;
    for (size_t i = 0; i < def->map->count; i++) {
        struct str name = def->map->keys[i];
        const struct value *v = &def->map->values[i];
        if (str_is(name, "dynamic") && !dynamic_of(v, &node->dynamic))
            return err_set(err, ERR_MAPPER_PARSING,
                           "bad value of [dynamic] on object [" STR_FMT "]", STR_ARG(node->path));
        if (str_is(name, "enabled") && !bool_of(v, &node->is_enabled))
            return err_set(err, ERR_MAPPER_PARSING,
                           "bad value of [enabled] on object [" STR_FMT "]", STR_ARG(node->path));
        if (!str_is(name, "properties")) {
            if (str_is(name, "type") || str_is(name, "dynamic") || str_is(name, "enabled") ||
                str_is(name, "include_in_all"))
                continue;
            return err_set(err, ERR_MAPPER_PARSING,
                           "Mapping definition for [" STR_FMT
                           "] has unsupported parameters:  [" STR_FMT "]",
                           STR_ARG(node->path), STR_ARG(name));
        }
        if (v->kind != VALUE_MAP)
            return err_set(err, ERR_MAPPER_PARSING,
                           "Expected map for property [properties] on field [" STR_FMT "]",
                           STR_ARG(node->path));
        for (size_t k = 0; k < v->map->count; k++)
            TRY(mapping__property_put(mapping, node->id, v->map->keys[k], &v->map->values[k],
                                      is_declared, err));
    }
    return 0;
}

static int conflict_check(const struct field_def *old, const struct field_def *new_field,
                          struct err *err)
{
    const struct {
        const char *name;
        struct str a, b;
    } rows[] = {
        {"analyzer", old->pub.analyzer.n ? old->pub.analyzer : STR("default"),
         new_field->pub.analyzer.n ? new_field->pub.analyzer : STR("default")},
        {"format", old->pub.format.n ? old->pub.format : STR(DATE_FORMAT_DEFAULT),
         new_field->pub.format.n ? new_field->pub.format : STR(DATE_FORMAT_DEFAULT)},
        {"normalizer", old->normalizer, new_field->normalizer},
        {"index", old->pub.is_indexed ? STR("true") : STR("false"),
         new_field->pub.is_indexed ? STR("true") : STR("false")},
        {"doc_values", old->pub.has_doc_values ? STR("true") : STR("false"),
         new_field->pub.has_doc_values ? STR("true") : STR("false")},
        {"index_options", old->index_options, new_field->index_options},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (!str_eq(rows[i].a, rows[i].b))
            return err_set(
                err, ERR_INVALID,
                "Mapper for [" STR_FMT
                "] conflicts with existing mapper:\n\tCannot update parameter [%s] from [" STR_FMT
                "] to [" STR_FMT "]",
                STR_ARG(old->pub.path), rows[i].name, STR_ARG(rows[i].a), STR_ARG(rows[i].b));
    }
    return 0;
}

/* What may change on a field that exists. */
static void field_update(struct field_def *old, const struct field_def *f)
{
    old->pub.ignore_above = f->pub.ignore_above;
    old->pub.null_value = f->pub.null_value;
    old->has_null_value = f->has_null_value;
    old->ignore_malformed = f->ignore_malformed;
    old->coerce = f->coerce;
    old->search_analyzer = f->search_analyzer;
    old->meta_json = f->meta_json;
    old->boost = f->boost;
    old->copy_to = f->copy_to;
    old->copy_to_count = f->copy_to_count;
    old->copy_to_json = f->copy_to_json;
    old->is_declared = true;
}

static int fields_put(struct mapping *mapping, struct mapping_node *node, struct field_def *parent,
                      const struct value *def, struct err *err);

static int field_put(struct mapping *mapping, struct mapping_node *node, struct str path,
                     enum field_type type, const struct value *def, struct field_def *old,
                     struct field_def **ret_field, struct err *err)
{
    if (old && old->pub.type != type)
        return err_set(err, ERR_INVALID,
                       "mapper [" STR_FMT "] cannot be changed from type [%s] to [%s]",
                       STR_ARG(path), field_type_name(old->pub.type), field_type_name(type));
    struct field_def *f;
    TRY(mapping__field_add(mapping, node, path, type, &f, err));
    int rc = field_params(mapping, f, def, err);
    if (rc == 0 && old)
        rc = conflict_check(old, f, err);
    if (rc == 0 && old) {
        field_update(old, f);
        mapping->field_count--; /* it was only there to be compared */
        mapping->field_id_next--;
        f = old;
    }
    TRY(rc);
    f->is_declared = true;
    *ret_field = f;
    return 0;
}

static int leaf_put(struct mapping *mapping, uint32_t parent, struct str key, enum field_type type,
                    const struct value *def, bool is_declared, struct err *err)
{
    struct mapping_node *node = mapping_child(mapping, parent, key);
    if (node && node->is_object && !node->field)
        return err_set(err, ERR_INVALID,
                       "can't merge a non object mapping [" STR_FMT "] with an object mapping",
                       STR_ARG(node->path));
    TRY(mapping__path_check(mapping, parent, key, err));
    if (!node)
        node = mapping__node_add(mapping, parent, key);
    struct field_def *old = node->field, *f;
    /* A name with variants takes the type of any of them. */
    for (struct field_def *v = old; v; v = v->variant_next) {
        if (v->pub.type == type)
            old = v;
    }
    TRY(field_put(mapping, node, node->path, type, def, old, &f, err));
    f->is_declared = is_declared;
    if (f != old)
        mapping__field_hang(mapping, node, f);
    return fields_put(mapping, node, f, def, err);
}

static int fields_put(struct mapping *mapping, struct mapping_node *node, struct field_def *parent,
                      const struct value *def, struct err *err)
{
    const struct value *fields = value_map_get_lit(def, "fields");
    if (!fields)
        return 0;
    if (fields->kind != VALUE_MAP)
        return err_set(err, ERR_MAPPER_PARSING,
                       "expected map for property [fields] on field [" STR_FMT "]",
                       STR_ARG(parent->pub.path));
    for (size_t i = 0; i < fields->map->count; i++) {
        struct str name = fields->map->keys[i];
        const struct value *sub = &fields->map->values[i];
        struct str path = arena_printf(mapping->mem, "%.*s.%.*s", (int)parent->pub.path.n,
                                       parent->pub.path.p, (int)name.n, name.p);
        enum field_type type;
        if (sub->kind != VALUE_MAP)
            return err_set(err, ERR_MAPPER_PARSING,
                           "expected map for property [fields] on field [" STR_FMT "]",
                           STR_ARG(parent->pub.path));
        TRY(type_of(sub, path, &type, err));
        if (type == FIELD_OBJECT || type == FIELD_ALIAS)
            return err_set(err, ERR_MAPPER_PARSING, "Type [%s] cannot be used in multi field",
                           field_type_name(type));
        struct field_def *old = parent->multi, *f;
        while (old && !str_eq(old->pub.path, path))
            old = old->multi_next;
        TRY(field_put(mapping, node, path, type, sub, old, &f, err));
        if (f != old)
            mapping__multi_hang(mapping, parent, f);
    }
    return 0;
}

int mapping__property_put(struct mapping *mapping, uint32_t parent, struct str key,
                          const struct value *def, bool is_declared, struct err *err)
{
    if (def->kind != VALUE_MAP)
        return err_set(err, ERR_MAPPER_PARSING,
                       "Expected map for property [properties] on field [" STR_FMT "] but got a %s",
                       STR_ARG(key), value_kind_name(def));
    if (key.n == 0)
        return err_set(err, ERR_INVALID, "name cannot be empty string");
    ptrdiff_t dot = str_find_char(key, '.');
    if (dot == 0 || key.p[key.n - 1] == '.')
        return err_set(err, ERR_INVALID, "field name cannot start or end with [.]: [" STR_FMT "]",
                       STR_ARG(key));
    if (dot > 0) {
        struct mapping_node *node;
        TRY(mapping_add_object(mapping, parent, str_sub(key, 0, (size_t)dot), &node, err));
        return mapping__property_put(mapping, node->id, str_from_off(key, (size_t)dot + 1), def,
                                     is_declared, err);
    }
    enum field_type type;
    TRY(type_of(def, key, &type, err));
    return type == FIELD_OBJECT ? object_put(mapping, parent, key, def, is_declared, err)
                                : leaf_put(mapping, parent, key, type, def, is_declared, err);
}

/* ---- Root ---- */

static int date_formats_put(struct mapping *mapping, const struct value *v, struct err *err)
{
    const struct value *items = v->kind == VALUE_LIST ? v->list->items : v;
    size_t count = v->kind == VALUE_LIST ? v->list->count : v->kind == VALUE_STR;
    struct dynamic_date *dates = ARENA_ARRAY(mapping->mem, struct dynamic_date, count + 1);
    for (size_t i = 0; i < count; i++) {
        dates[i].format = arena_str(mapping->mem, value_to_str(mapping->mem, &items[i]));
        TRY(date_format_compile(dates[i].format, mapping->mem, &dates[i].date, err));
    }
    mapping->dynamic_dates = dates;
    mapping->dynamic_date_count = count;
    mapping->dynamic_date_formats_json = value_json(mapping, v);
    return 0;
}

int mapping__root_put(struct mapping *mapping, struct str key, const struct value *v,
                      struct err *err)
{
    if (str_is(key, "dynamic"))
        return dynamic_of(v, &mapping->nodes[0]->dynamic)
                   ? 0
                   : err_set(err, ERR_MAPPER_PARSING, "bad value of [dynamic]");
    if (str_is(key, "date_detection"))
        return bool_of(v, &mapping->date_detection)
                   ? 0
                   : err_set(err, ERR_MAPPER_PARSING, "bad value of [date_detection]");
    if (str_is(key, "numeric_detection"))
        return bool_of(v, &mapping->numeric_detection)
                   ? 0
                   : err_set(err, ERR_MAPPER_PARSING, "bad value of [numeric_detection]");
    if (str_is(key, "dynamic_date_formats"))
        return date_formats_put(mapping, v, err);
    if (str_is(key, "_meta")) {
        mapping->meta_json = value_json(mapping, v);
        return 0;
    }
    if (str_is(key, "_routing")) {
        mapping->routing_json = value_json(mapping, v);
        return 0;
    }
    if (str_is(key, "dynamic_templates")) {
        if (v->kind != VALUE_LIST)
            return err_set(err, ERR_MAPPER_PARSING,
                           "Dynamic template syntax error. An array of named objects is expected.");
        mapping->dynamic_templates = value_copy(mapping->mem, v);
        return 0;
    }
    if (str_is(key, "_source")) {
        const struct value *enabled = value_map_get_lit(v, "enabled");
        bool b = true;
        if (enabled && (!bool_of(enabled, &b) || !b))
            return err_set(err, ERR_UNSUPPORTED,
                           "[_source.enabled] false is not supported: the source is always kept");
        return 0;
    }
    if (str_is(key, "_field_names") || str_is(key, "_size") || str_is(key, "_all") ||
        str_is(key, "include_in_all"))
        return 0;
    return err_set(err, ERR_MAPPER_PARSING,
                   "Root mapping definition has unsupported parameters:  [" STR_FMT "]",
                   STR_ARG(key));
}

int mapping_put(struct mapping *mapping, const struct value *body, struct err *err)
{
    if (body->kind == VALUE_NONE || body->kind == VALUE_NULL)
        return 0;
    if (body->kind != VALUE_MAP)
        return err_set(err, ERR_MAPPER_PARSING,
                       "Failed to parse mapping [_doc]: expected an object");
    /* {"_doc": {…}}, as include_type_name=true has it. */
    const struct value *inner = body->map->count == 1 ? value_map_get_lit(body, "_doc") : NULL;
    if (inner && inner->kind == VALUE_MAP)
        body = inner;
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        if (!str_is(key, "properties")) {
            TRY(mapping__root_put(mapping, key, v, err));
            continue;
        }
        if (v->kind != VALUE_MAP)
            return err_set(
                err, ERR_MAPPER_PARSING,
                "Failed to parse mapping [_doc]: Expected map for property [properties]");
        for (size_t k = 0; k < v->map->count; k++)
            TRY(mapping__property_put(mapping, 0, v->map->keys[k], &v->map->values[k], true, err));
    }
    return 0;
}

/* ---- Printing ---- */

static void print_text(struct arena *mem, struct value *map, const char *key, struct str s)
{
    if (s.n)
        value_map_set(mem, map, str_from(key), value_str(s));
}

static void print_json(struct arena *mem, struct value *map, const char *key, struct str json)
{
    struct value v;
    if (json.n && value_from_json(json, mem, &v, NULL) == 0)
        value_map_set(mem, map, str_from(key), v);
}

/* Null values are printed in the field's own kind. */
static struct value null_value_print(const struct field_def *f, struct arena *mem)
{
    struct geo_point point;
    struct value text = value_str(f->pub.null_value);
    if (f->pub.type == FIELD_GEO_POINT && geo_point_parse(&text, true, &point, NULL) == 0) {
        struct value map = value_map(mem, 2);
        value_map_set(mem, &map, STR("lat"), value_float(point.lat));
        value_map_set(mem, &map, STR("lon"), value_float(point.lon));
        return map;
    }
    int64_t i;
    double d;
    bool is_number = f->pub.type >= FIELD_LONG && f->pub.type <= FIELD_SCALED_FLOAT;
    if (is_number && str_to_i64(f->pub.null_value, &i))
        return value_int(i);
    if (is_number && str_to_f64(f->pub.null_value, &d))
        return value_float(d);
    if (f->pub.type == FIELD_BOOLEAN)
        return value_bool(str_is(f->pub.null_value, "true"));
    return value_str(f->pub.null_value);
}

static struct value field_print(const struct field_def *f, struct arena *mem)
{
    struct value map = value_map(mem, 4);
    enum field_type type = f->pub.type;
    bool is_text = type == FIELD_TEXT || type == FIELD_MATCH_ONLY_TEXT;
    value_map_set(mem, &map, STR("type"), value_str(str_from(field_type_name(type))));
    if (!f->pub.is_indexed && type != FIELD_BINARY && type != FIELD_ALIAS)
        value_map_set(mem, &map, STR("index"), value_bool(false));
    if (!f->pub.has_doc_values && !is_text && type != FIELD_BINARY && type != FIELD_ALIAS)
        value_map_set(mem, &map, STR("doc_values"), value_bool(false));
    if (type == FIELD_TEXT && !f->has_norms)
        value_map_set(mem, &map, STR("norms"), value_bool(false));
    if (f->is_stored_setting)
        value_map_set(mem, &map, STR("store"), value_bool(true));
    if (f->ignore_malformed)
        value_map_set(mem, &map, STR("ignore_malformed"), value_bool(true));
    if (!f->coerce)
        value_map_set(mem, &map, type == FIELD_GEO_POINT ? STR("ignore_z_value") : STR("coerce"),
                      value_bool(false));
    if (f->pub.ignore_above)
        value_map_set(mem, &map, STR("ignore_above"), value_int(f->pub.ignore_above));
    if (type == FIELD_SCALED_FLOAT)
        value_map_set(mem, &map, STR("scaling_factor"), value_float(f->pub.scaling_factor));
    if (f->has_null_value)
        value_map_set(mem, &map, STR("null_value"), null_value_print(f, mem));
    if (f->boost != 1)
        value_map_set(mem, &map, STR("boost"), value_float(f->boost));
    print_text(mem, &map, "format", f->pub.format);
    print_text(mem, &map, "analyzer", f->pub.analyzer);
    print_text(mem, &map, "search_analyzer", f->search_analyzer);
    print_text(mem, &map, "normalizer", f->normalizer);
    print_text(mem, &map, "similarity", f->similarity);
    print_text(mem, &map, "index_options", f->index_options);
    print_text(mem, &map, "path", f->alias_path);
    print_text(mem, &map, "value", f->const_value);
    print_json(mem, &map, "copy_to", f->copy_to_json);
    print_json(mem, &map, "meta", f->meta_json);
    if (f->multi) {
        struct value fields = value_map(mem, 1);
        for (const struct field_def *m = f->multi; m; m = m->multi_next)
            value_map_set(mem, &fields, str_from_off(m->pub.path, f->pub.path.n + 1),
                          field_print(m, mem));
        value_map_set(mem, &map, STR("fields"), fields);
    }
    return map;
}

/* Other types that arrived under the name: in `meta`, which Elasticsearch's clients read and
 * ignore. */
static void variants_print(const struct field_def *f, struct value *map, struct arena *mem)
{
    struct value types = value_list(mem, 2);
    for (const struct field_def *v = f->variant_next; v; v = v->variant_next)
        value_list_add(mem, &types, value_str(str_from(field_type_name(v->pub.type))));
    if (types.list->count == 0)
        return;
    struct buf joined;
    buf_init(&joined, 0);
    for (size_t i = 0; i < types.list->count; i++)
        buf_printf(&joined, "%s" STR_FMT, i ? "," : "", STR_ARG(types.list->items[i].s));
    struct value meta = value_map(mem, 1);
    value_map_set(mem, &meta, STR("variants"), value_str(arena_str(mem, buf_str(&joined))));
    buf_deinit(&joined);
    value_map_set(mem, map, STR("meta"), meta);
}

static void node_print(const struct mapping_node *node, struct value *map, struct arena *mem)
{
    if (node->dynamic != DYNAMIC_INHERIT)
        value_map_set(mem, map, STR("dynamic"),
                      value_str(node->dynamic == DYNAMIC_STRICT  ? STR("strict")
                                : node->dynamic == DYNAMIC_FALSE ? STR("false")
                                                                 : STR("true")));
    if (!node->is_enabled) {
        value_map_set(mem, map, STR("type"), value_str(STR("object")));
        value_map_set(mem, map, STR("enabled"), value_bool(false));
    }
}

static int by_key(const void *a, const void *b)
{
    return str_cmp((*(const struct mapping_node *const *)a)->key,
                   (*(const struct mapping_node *const *)b)->key);
}

/* Depth is bounded by depth_max. Elasticsearch prints the properties in the order of their names.
 */
static struct value properties_print(const struct mapping *mapping, uint32_t parent,
                                     struct arena *mem)
{
    const struct mapping_node **children =
        ARENA_ARRAY(mem, const struct mapping_node *, mapping->node_count);
    size_t count = 0;
    for (size_t i = 1; i < mapping->node_count; i++) {
        if (mapping->nodes[i]->parent == parent)
            children[count++] = mapping->nodes[i];
    }
    qsort(children, count, sizeof(*children), by_key);
    struct value properties = value_map(mem, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        const struct mapping_node *node = children[i];
        struct value def;
        if (node->field) {
            def = field_print(node->field, mem);
            variants_print(node->field, &def, mem);
        } else {
            def = value_map(mem, 2);
            node_print(node, &def, mem);
        }
        struct value below = properties_print(mapping, node->id, mem);
        if (below.map->count)
            value_map_set(mem, &def, STR("properties"), below);
        else if (!node->field && !value_map_get_lit(&def, "type"))
            value_map_set(mem, &def, STR("type"), value_str(STR("object")));
        value_map_set(mem, &properties, node->key, def);
    }
    return properties;
}

struct value mapping_to_value(const struct mapping *mapping, struct arena *mem)
{
    struct value map = value_map(mem, 4);
    node_print(mapping->nodes[0], &map, mem);
    print_json(mem, &map, "_meta", mapping->meta_json);
    print_json(mem, &map, "_routing", mapping->routing_json);
    if (mapping->dynamic_templates.kind == VALUE_LIST)
        value_map_set(mem, &map, STR("dynamic_templates"), mapping->dynamic_templates);
    print_json(mem, &map, "dynamic_date_formats", mapping->dynamic_date_formats_json);
    if (!mapping->date_detection)
        value_map_set(mem, &map, STR("date_detection"), value_bool(false));
    if (mapping->numeric_detection)
        value_map_set(mem, &map, STR("numeric_detection"), value_bool(true));
    struct value properties = properties_print(mapping, 0, mem);
    if (properties.map->count)
        value_map_set(mem, &map, STR("properties"), properties);
    return map;
}
