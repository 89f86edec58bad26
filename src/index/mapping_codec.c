/* SPDX-License-Identifier: Apache-2.0 */
/* The internal form of a mapping: JSON that keeps what Elasticsearch's form cannot say (field ids,
 * variants, declared or found). {"options":{…}, "nodes":[[parent, key, is_object, is_enabled,
 * dynamic, first field]…], "fields":[{"p":path,"t":type,"n":node,"f":flags, …}…]}; fields in order
 * of id; -1: none. */
#include <math.h>

#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"
#include "index/mapping.h"
#include "index/mapping_int.h"

enum {
    F_INDEXED = 1,
    F_DOC_VALUES = 2,
    F_DECLARED = 4,
    F_MULTI = 8,
    F_MALFORMED = 16,
    F_COERCE = 32,
    F_NORMS = 64,
    F_FREQS = 128,
    F_POSITIONS = 256,
    F_STORE = 512,
    F_NULL = 1024,
};

static int64_t flags_of(const struct field_def *f)
{
    return (f->pub.is_indexed ? F_INDEXED : 0) | (f->pub.has_doc_values ? F_DOC_VALUES : 0) |
           (f->is_declared ? F_DECLARED : 0) | (f->is_multi_field ? F_MULTI : 0) |
           (f->ignore_malformed ? F_MALFORMED : 0) | (f->coerce ? F_COERCE : 0) |
           (f->has_norms ? F_NORMS : 0) | (f->has_freqs ? F_FREQS : 0) |
           (f->has_positions ? F_POSITIONS : 0) | (f->is_stored_setting ? F_STORE : 0) |
           (f->has_null_value ? F_NULL : 0);
}

static void text_out(struct json_writer *w, const char *key, struct str s)
{
    if (s.n) {
        json_key(w, str_from(key));
        json_str(w, s);
    }
}

static int64_t id_of(const struct field_def *f)
{
    return f ? (int64_t)f->pub.id : -1;
}

static void int_out(struct json_writer *w, const char *key, int64_t v)
{
    json_key(w, str_from(key));
    json_i64(w, v);
}

static void field_out(struct json_writer *w, const struct field_def *f)
{
    json_object_begin(w);
    text_out(w, "p", f->pub.path);
    text_out(w, "t", str_from(field_type_name(f->pub.type)));
    int_out(w, "n", f->node_id);
    int_out(w, "f", flags_of(f));
    int_out(w, "v", f->pub.variant_index);
    if (f->multi)
        int_out(w, "m", id_of(f->multi));
    if (f->multi_next)
        int_out(w, "mn", id_of(f->multi_next));
    if (f->variant_next)
        int_out(w, "vn", id_of(f->variant_next));
    if (f->pub.ignore_above)
        int_out(w, "ia", f->pub.ignore_above);
    if (f->position_gap != 100)
        int_out(w, "pg", f->position_gap);
    if (f->boost != 1) {
        json_key_lit(w, "b");
        json_f64(w, f->boost);
    }
    if (f->pub.scaling_factor != 0) {
        json_key_lit(w, "sf");
        json_f64(w, f->pub.scaling_factor);
    }
    text_out(w, "df", f->pub.format);
    text_out(w, "an", f->pub.analyzer);
    text_out(w, "nv", f->pub.null_value);
    text_out(w, "sa", f->search_analyzer);
    text_out(w, "no", f->normalizer);
    text_out(w, "si", f->similarity);
    text_out(w, "io", f->index_options);
    text_out(w, "ct", f->copy_to_json);
    text_out(w, "me", f->meta_json);
    text_out(w, "al", f->alias_path);
    text_out(w, "cv", f->const_value);
    json_object_end(w);
}

static void options_out(struct json_writer *w, const struct mapping *mapping)
{
    json_object_begin(w);
    int_out(w, "fields_max", mapping->fields_max);
    int_out(w, "depth_max", mapping->depth_max);
    json_key_lit(w, "date_detection");
    json_bool(w, mapping->date_detection);
    json_key_lit(w, "numeric_detection");
    json_bool(w, mapping->numeric_detection);
    text_out(w, "meta", mapping->meta_json);
    text_out(w, "routing", mapping->routing_json);
    text_out(w, "dynamic_date_formats", mapping->dynamic_date_formats_json);
    if (mapping->dynamic_templates.kind == VALUE_LIST) {
        json_key_lit(w, "dynamic_templates");
        value_write_json(&mapping->dynamic_templates, w);
    }
    json_object_end(w);
}

void mapping_encode(const struct mapping *mapping, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "options");
    options_out(&w, mapping);
    json_key_lit(&w, "nodes");
    json_array_begin(&w);
    for (size_t i = 0; i < mapping->node_count; i++) {
        const struct mapping_node *node = mapping->nodes[i];
        json_array_begin(&w);
        json_i64(&w, node->parent);
        json_str(&w, node->key);
        json_i64(&w, (node->is_object ? 1 : 0) | (node->is_declared ? 2 : 0));
        json_bool(&w, node->is_enabled);
        json_i64(&w, node->dynamic);
        json_i64(&w, id_of(node->field));
        json_array_end(&w);
    }
    json_array_end(&w);
    json_key_lit(&w, "fields");
    json_array_begin(&w);
    for (size_t i = 0; i < mapping->field_count; i++)
        field_out(&w, mapping->fields[i]);
    json_array_end(&w);
    json_object_end(&w);
}

/* ---- Reading ---- */

static int64_t int_in(const struct value *map, const char *key, int64_t dflt)
{
    const struct value *v = value_map_get(map, str_from(key));
    return v && v->kind == VALUE_INT ? v->i : dflt;
}

static double float_in(const struct value *map, const char *key, double dflt)
{
    const struct value *v = value_map_get(map, str_from(key));
    double f;
    return v && value_to_f64(v, &f) ? f : dflt;
}

static struct str text_in(struct mapping *mapping, const struct value *map, const char *key)
{
    const struct value *v = value_map_get(map, str_from(key));
    return v && v->kind == VALUE_STR ? arena_str(mapping->mem, v->s) : STR_NONE;
}

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "stored mapping: bad %s", what);
}

static int bool_in(const struct value *map, const char *key, bool dflt, bool *ret_v,
                   struct err *err)
{
    const struct value *v = value_map_get(map, str_from(key));
    if (v && v->kind != VALUE_BOOL)
        return bad(err, key);
    *ret_v = v ? v->b : dflt;
    return 0;
}

static int copy_to_in(struct mapping *mapping, struct field_def *f, struct err *err)
{
    struct value v;
    if (f->copy_to_json.n == 0)
        return 0;
    TRY(value_from_json(f->copy_to_json, mapping->mem, &v, err));
    f->copy_to_count = v.kind == VALUE_LIST ? v.list->count : 1;
    f->copy_to = ARENA_ARRAY(mapping->mem, struct str, f->copy_to_count);
    for (size_t i = 0; i < f->copy_to_count; i++)
        f->copy_to[i] = value_to_str(mapping->mem, v.kind == VALUE_LIST ? &v.list->items[i] : &v);
    return 0;
}

static int field_in(struct mapping *mapping, const struct value *v, struct err *err)
{
    enum field_type type;
    int64_t node_id = int_in(v, "n", -1), flags = int_in(v, "f", -1);
    if (v->kind != VALUE_MAP || !field_type_from_name(text_in(mapping, v, "t"), &type) ||
        node_id < 0 || node_id >= (int64_t)mapping->node_count || flags < 0)
        return bad(err, "field");
    struct field_def *f;
    uint32_t fields_max = mapping->fields_max;
    mapping->fields_max = UINT32_MAX; /* the limit is for what comes new */
    int rc = mapping__field_add(mapping, mapping->nodes[node_id], text_in(mapping, v, "p"), type,
                                &f, err);
    mapping->fields_max = fields_max;
    TRY(rc);
    f->pub.is_indexed = flags & F_INDEXED;
    f->pub.has_doc_values = flags & F_DOC_VALUES;
    f->is_declared = flags & F_DECLARED;
    f->is_multi_field = flags & F_MULTI;
    f->ignore_malformed = flags & F_MALFORMED;
    f->coerce = flags & F_COERCE;
    f->has_norms = flags & F_NORMS;
    f->has_freqs = flags & F_FREQS;
    f->has_positions = flags & F_POSITIONS;
    f->is_stored_setting = flags & F_STORE;
    f->has_null_value = flags & F_NULL;
    f->pub.variant_index = (uint32_t)int_in(v, "v", 0);
    f->pub.ignore_above = (uint32_t)int_in(v, "ia", 0);
    f->position_gap = (uint32_t)int_in(v, "pg", 100);
    f->boost = float_in(v, "b", 1);
    f->pub.scaling_factor = float_in(v, "sf", 0);
    if (!isfinite(f->boost) ||
        !isfinite(f->pub.scaling_factor)) /* "1e999": JSON has no such number */
        return bad(err, "field's number");
    struct str format = text_in(mapping, v, "df");
    if (format.n)
        TRY(mapping__date_set(mapping, f, format, err));
    f->pub.analyzer = text_in(mapping, v, "an");
    f->pub.null_value = text_in(mapping, v, "nv");
    f->search_analyzer = text_in(mapping, v, "sa");
    f->normalizer = text_in(mapping, v, "no");
    f->similarity = text_in(mapping, v, "si");
    f->index_options = text_in(mapping, v, "io");
    f->copy_to_json = text_in(mapping, v, "ct");
    f->meta_json = text_in(mapping, v, "me");
    f->alias_path = text_in(mapping, v, "al");
    f->const_value = text_in(mapping, v, "cv");
    return copy_to_in(mapping, f, err);
}

/* Links point forward only, so that a list of them ends. */
static int link_in(struct mapping *mapping, const struct value *v, const char *key, int64_t above,
                   struct field_def **ret_field, struct err *err)
{
    int64_t id = int_in(v, key, -1);
    if (id < 0)
        return 0;
    if (id <= above || id >= (int64_t)mapping->field_count)
        return bad(err, "field link");
    *ret_field = mapping->fields[id];
    return 0;
}

static int fields_in(struct mapping *mapping, const struct value *fields, struct err *err)
{
    if (!fields || fields->kind != VALUE_LIST)
        return bad(err, "field list");
    for (size_t i = 0; i < fields->list->count; i++)
        TRY(field_in(mapping, &fields->list->items[i], err));
    for (size_t i = 0; i < fields->list->count; i++) {
        struct field_def *f = mapping->fields[i];
        const struct value *v = &fields->list->items[i];
        TRY(link_in(mapping, v, "m", (int64_t)i, &f->multi, err));
        TRY(link_in(mapping, v, "mn", (int64_t)i, &f->multi_next, err));
        TRY(link_in(mapping, v, "vn", (int64_t)i, &f->variant_next, err));
        f->pub.next_variant = f->variant_next ? &f->variant_next->pub : NULL;
    }
    for (size_t i = 0; i < mapping->field_count; i++) {
        struct field_def *f = mapping->fields[i];
        if (f->pub.variant_index == 0 && !strmap_has(mapping->by_path, f->pub.path))
            (void)strmap_put(mapping->by_path, f->pub.path, f);
    }
    return 0;
}

static int nodes_in(struct mapping *mapping, const struct value *nodes, struct err *err)
{
    if (!nodes || nodes->kind != VALUE_LIST || nodes->list->count == 0)
        return bad(err, "node list");
    for (size_t i = 0; i < nodes->list->count; i++) {
        const struct value *v = &nodes->list->items[i];
        if (v->kind != VALUE_LIST || v->list->count != 6 || v->list->items[0].kind != VALUE_INT ||
            v->list->items[1].kind != VALUE_STR || v->list->items[2].kind != VALUE_INT ||
            v->list->items[3].kind != VALUE_BOOL || v->list->items[4].kind != VALUE_INT ||
            v->list->items[5].kind != VALUE_INT)
            return bad(err, "node");
        const struct value *items = v->list->items;
        if (items[4].i < DYNAMIC_INHERIT || items[4].i > DYNAMIC_STRICT)
            return bad(err, "node's dynamic");
        if (items[0].i < 0 || (i && items[0].i >= (int64_t)i))
            return bad(err, "node's parent");
        if (i)
            TRY(mapping__path_check(mapping, (uint32_t)items[0].i, items[1].s, err));
        struct mapping_node *node =
            i ? mapping__node_add(mapping, (uint32_t)items[0].i, items[1].s) : mapping->nodes[0];
        node->is_object = items[2].i & 1;
        node->is_declared = items[2].i & 2;
        node->is_enabled = items[3].b;
        node->dynamic = (uint8_t)items[4].i;
    }
    return 0;
}

static int options_in(struct mapping *mapping, const struct value *options, struct err *err)
{
    if (!options || options->kind != VALUE_MAP)
        return bad(err, "options");
    mapping->fields_max = (uint32_t)int_in(options, "fields_max", MAPPING_FIELDS_MAX_DEFAULT);
    mapping->depth_max = (uint32_t)int_in(options, "depth_max", MAPPING_DEPTH_MAX_DEFAULT);
    TRY(bool_in(options, "date_detection", true, &mapping->date_detection, err));
    TRY(bool_in(options, "numeric_detection", false, &mapping->numeric_detection, err));
    mapping->meta_json = text_in(mapping, options, "meta");
    mapping->routing_json = text_in(mapping, options, "routing");
    struct str formats = text_in(mapping, options, "dynamic_date_formats");
    if (formats.n) {
        struct value list;
        TRY(value_from_json(formats, mapping->mem, &list, err));
        TRY(mapping__root_put(mapping, STR("dynamic_date_formats"), &list, err));
    }
    const struct value *v = value_map_get_lit(options, "dynamic_templates");
    if (v)
        mapping->dynamic_templates = value_copy(mapping->mem, v);
    return 0;
}

static int decode(struct str json, struct mapping **ret_mapping, struct err *err)
{
    CLEANUP(mapping_unref_ptr) struct mapping *mapping = mapping_new();
    struct value root;
    TRY(value_from_json(json, mapping->mem, &root, err));
    if (root.kind != VALUE_MAP)
        return bad(err, "root");
    TRY(options_in(mapping, value_map_get_lit(&root, "options"), err));
    const struct value *nodes = value_map_get_lit(&root, "nodes");
    TRY(nodes_in(mapping, nodes, err));
    TRY(fields_in(mapping, value_map_get_lit(&root, "fields"), err));
    for (size_t i = 0; i < mapping->node_count; i++) {
        int64_t first = nodes->list->items[i].list->items[5].i;
        if (first >= (int64_t)mapping->field_count)
            return bad(err, "node's field");
        mapping->nodes[i]->field = first < 0 ? NULL : mapping->fields[first];
    }
    *ret_mapping = TAKE(mapping);
    return 0;
}

/* Whatever is wrong with it, nobody gave it to us just now: it is damage. */
int mapping_decode(struct str json, struct mapping **ret_mapping, struct err *err)
{
    struct err why;
    int rc = decode(json, ret_mapping, &why);
    if (rc < 0 && rc != -ERR_CORRUPT)
        return err_set(err, ERR_CORRUPT, "stored mapping: %s", why.text);
    if (rc < 0 && err)
        *err = why;
    return rc;
}
