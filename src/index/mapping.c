/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of names and fields, cloning, and dynamic mapping. Elasticsearch's JSON is in
 * mapping_es.c, the internal form in mapping_codec.c. */
#include "index/mapping.h"

#include "base/hash.h"
#include "base/str.h"
#include "index/date_parse.h"
#include "index/format.h"
#include "index/mapping_int.h"

#define NAME_BYTES_SHOWN 64u /* of one that is too long */

/* A dynamic date that is not ISO keeps reading what it was detected by. */
static const char *const dynamic_dates[][2] = {
    {"", "strict_date_optional_time"},
    {"yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis",
     "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"},
};

static const char *const type_names[FIELD_TYPE_COUNT] = {
    [FIELD_NONE] = "none",
    [FIELD_TEXT] = "text",
    [FIELD_MATCH_ONLY_TEXT] = "match_only_text",
    [FIELD_KEYWORD] = "keyword",
    [FIELD_CONSTANT_KEYWORD] = "constant_keyword",
    [FIELD_WILDCARD] = "wildcard",
    [FIELD_LONG] = "long",
    [FIELD_INTEGER] = "integer",
    [FIELD_SHORT] = "short",
    [FIELD_BYTE] = "byte",
    [FIELD_UNSIGNED_LONG] = "unsigned_long",
    [FIELD_DOUBLE] = "double",
    [FIELD_FLOAT] = "float",
    [FIELD_HALF_FLOAT] = "half_float",
    [FIELD_SCALED_FLOAT] = "scaled_float",
    [FIELD_BOOLEAN] = "boolean",
    [FIELD_DATE] = "date",
    [FIELD_DATE_NANOS] = "date_nanos",
    [FIELD_IP] = "ip",
    [FIELD_BINARY] = "binary",
    [FIELD_GEO_POINT] = "geo_point",
    [FIELD_OBJECT] = "object",
    [FIELD_NESTED] = "nested",
    [FIELD_FLATTENED] = "flattened",
    [FIELD_ALIAS] = "alias",
};

const char *field_type_name(enum field_type type)
{
    return type < FIELD_TYPE_COUNT ? type_names[type] : "none";
}

bool field_type_from_name(struct str name, enum field_type *ret_type)
{
    for (int i = FIELD_NONE + 1; i < FIELD_TYPE_COUNT; i++) {
        if (str_eq(name, str_from(type_names[i]))) {
            *ret_type = (enum field_type)i;
            return true;
        }
    }
    return false;
}

struct mapping *mapping_new(void)
{
    struct mapping *mapping = MEM_NEW(struct mapping);
    mapping->refs = 1;
    mapping->mem = arena_new(0);
    mapping->by_path = MEM_NEW(struct strmap);
    strmap_init(mapping->by_path);
    mapping->fields_max = MAPPING_FIELDS_MAX_DEFAULT;
    mapping->depth_max = MAPPING_DEPTH_MAX_DEFAULT;
    mapping->date_detection = true;
    mapping->has_source = true;
    struct err err;
    struct dynamic_date *dates =
        ARENA_ARRAY(mapping->mem, struct dynamic_date, ARRAY_COUNT(dynamic_dates));
    for (size_t i = 0; i < ARRAY_COUNT(dynamic_dates); i++) {
        dates[i].format = str_from(dynamic_dates[i][0]);
        ASSERT(date_format_compile(str_from(dynamic_dates[i][1]), mapping->mem, &dates[i].date,
                                   &err) == 0);
    }
    mapping->dynamic_dates = dates;
    mapping->dynamic_date_count = ARRAY_COUNT(dynamic_dates);
    ASSERT(date_format_compile(STR(DATE_FORMAT_DEFAULT), mapping->mem, &mapping->date_default,
                               &err) == 0);
    struct mapping_node *root = mapping__node_add(mapping, 0, STR(""));
    root->is_object = true;
    root->parent = 0;
    return mapping;
}

struct mapping *mapping_ref(struct mapping *mapping)
{
    __atomic_add_fetch(&mapping->refs, 1, __ATOMIC_RELAXED);
    return mapping;
}

void mapping_unref(struct mapping *mapping)
{
    if (!mapping)
        return;
    /* Release, so that what other owners read is done before the last one frees; acquire for that
     * last one. */
    if (__atomic_sub_fetch(&mapping->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    mem_free(mapping->nodes);
    mem_free(mapping->slots);
    mem_free(mapping->fields);
    strmap_deinit(mapping->by_path);
    mem_free(mapping->by_path);
    arena_free(mapping->mem);
    mem_free(mapping);
}

const struct mapping_node *mapping_root(const struct mapping *mapping)
{
    return mapping->nodes[0];
}

static void slots_grow(struct mapping *mapping)
{
    size_t count = mapping->slot_count ? mapping->slot_count * 2 : 64;
    mem_free(mapping->slots);
    mapping->slots = MEM_ARRAY(uint32_t, count);
    mapping->slot_count = count;
    for (size_t i = 1; i < mapping->node_count; i++) {
        size_t at = mapping->nodes[i]->hash & (count - 1);
        while (mapping->slots[at])
            at = (at + 1) & (count - 1);
        mapping->slots[at] = (uint32_t)i + 1;
    }
}

struct mapping_node *mapping_child(const struct mapping *mapping, uint32_t parent, struct str key)
{
    if (mapping->slot_count == 0)
        return NULL;
    uint64_t hash = mapping_child_hash(parent, hash_str(key));
    for (size_t at = hash & (mapping->slot_count - 1);; at = (at + 1) & (mapping->slot_count - 1)) {
        uint32_t slot = mapping->slots[at];
        if (slot == 0)
            return NULL;
        struct mapping_node *node = mapping->nodes[slot - 1];
        if (node->hash == hash && node->parent == parent && str_eq(node->key, key))
            return node;
    }
}

struct mapping_node *mapping__node_add(struct mapping *mapping, uint32_t parent, struct str key)
{
    struct mapping_node *node = ARENA_NEW(mapping->mem, struct mapping_node);
    const struct mapping_node *above = mapping->node_count ? mapping->nodes[parent] : NULL;
    node->key = arena_str(mapping->mem, key);
    node->path = above && above->path.n
                     ? arena_printf(mapping->mem, "%.*s.%.*s", (int)above->path.n, above->path.p,
                                    (int)key.n, key.p)
                     : node->key;
    node->hash = mapping_child_hash(parent, hash_str(key));
    node->id = (uint32_t)mapping->node_count;
    node->parent = parent;
    node->depth = above ? above->depth + 1 : 0;
    node->is_enabled = true;
    void *nodes = mapping->nodes;
    mem_grow(&nodes, &mapping->node_capacity, mapping->node_count + 1,
             sizeof(struct mapping_node *));
    mapping->nodes = nodes;
    mapping->nodes[mapping->node_count++] = node;
    if (!above)
        return node;
    if (mapping->node_count * 2 > mapping->slot_count) {
        slots_grow(mapping);
        return node;
    }
    size_t at = node->hash & (mapping->slot_count - 1);
    while (mapping->slots[at])
        at = (at + 1) & (mapping->slot_count - 1);
    mapping->slots[at] = node->id + 1;
    return node;
}

static void field_defaults(struct field_def *field)
{
    enum field_type type = field->pub.type;
    bool is_text = type == FIELD_TEXT || type == FIELD_MATCH_ONLY_TEXT;
    field->pub.is_indexed = type != FIELD_BINARY && type != FIELD_ALIAS;
    field->pub.has_doc_values = !is_text && type != FIELD_BINARY && type != FIELD_ALIAS;
    field->coerce = true;
    field->has_norms =
        is_text; /* match_only_text too: a byte per document tells which documents have the field */
    field->has_freqs = type == FIELD_TEXT;
    field->has_positions = type == FIELD_TEXT;
    field->boost = 1;
    field->position_gap = 100;
    if (type == FIELD_WILDCARD)
        field->pub.ignore_above = 0;
}

static void fields_append(struct mapping *mapping, struct field_def *field)
{
    void *fields = mapping->fields;
    mem_grow(&fields, &mapping->field_capacity, mapping->field_count + 1,
             sizeof(struct field_def *));
    mapping->fields = fields;
    ASSERT(field->pub.id == mapping->field_count);
    mapping->fields[mapping->field_count++] = field;
    mapping->field_id_next = (uint32_t)mapping->field_count;
}

/* `bytes`: of the whole path. */
static int path_bytes_check(struct str name, size_t bytes, struct err *err)
{
    struct str shown = str_sub(name, 0, MIN_OF(name.n, (size_t)NAME_BYTES_SHOWN));
    if (bytes <= FIELD_PATH_BYTES_MAX)
        return 0;
    return err_set(err, ERR_INVALID,
                   "Field name [" STR_FMT
                   "…] is too long. The limit of a field's path is [%u] bytes "
                   "but it has [%zu]",
                   STR_ARG(shown), FIELD_PATH_BYTES_MAX, bytes);
}

int mapping__path_check(const struct mapping *mapping, uint32_t parent, struct str key,
                        struct err *err)
{
    size_t above = mapping->nodes[parent]->path.n;
    return path_bytes_check(key, above + (above > 0) + key.n, err);
}

int mapping__field_add(struct mapping *mapping, struct mapping_node *node, struct str path,
                       enum field_type type, struct field_def **ret_field, struct err *err)
{
    TRY(path_bytes_check(path, path.n, err));
    /* Objects count as fields, as in Elasticsearch; the root does not. */
    size_t objects = 0;
    for (size_t i = 1; i < mapping->node_count &&
                       mapping->field_count + mapping->node_count >= mapping->fields_max;
         i++)
        objects += mapping->nodes[i]->is_object;
    if (mapping->field_count + objects + 1 > mapping->fields_max)
        return err_set(err, ERR_INVALID, "Limit of total fields [%u] has been exceeded",
                       mapping->fields_max);
    struct field_def *field = ARENA_NEW(mapping->mem, struct field_def);
    field->pub.path = arena_str(mapping->mem, path);
    field->pub.type = type;
    field->pub.id = (uint32_t)mapping->field_count;
    field->node_id = node->id;
    field_defaults(field);
    if (type == FIELD_DATE || type == FIELD_DATE_NANOS)
        field->date = mapping->date_default;
    fields_append(mapping, field);
    *ret_field = field;
    return 0;
}

void mapping__field_hang(struct mapping *mapping, struct mapping_node *node,
                         struct field_def *field)
{
    if (!node->field) {
        node->field = field;
        (void)strmap_put(mapping->by_path, field->pub.path, field);
        return;
    }
    struct field_def *last = node->field;
    while (last->variant_next)
        last = last->variant_next;
    field->pub.variant_index = last->pub.variant_index + 1;
    last->variant_next = field;
    last->pub.next_variant = &field->pub;
}

void mapping__multi_hang(struct mapping *mapping, struct field_def *parent, struct field_def *field)
{
    field->is_multi_field = true;
    struct field_def **at = &parent->multi;
    while (*at)
        at = &(*at)->multi_next;
    *at = field;
    if (!strmap_has(mapping->by_path, field->pub.path))
        (void)strmap_put(mapping->by_path, field->pub.path, field);
}

int mapping__date_set(struct mapping *mapping, struct field_def *field, struct str format,
                      struct err *err)
{
    field->pub.format = arena_str(mapping->mem, format);
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct field_def *other = mapping->fields[i];
        if (other != field && other->date && str_eq(other->pub.format, format)) {
            field->date = other->date;
            return 0;
        }
    }
    return date_format_compile(format, mapping->mem, &field->date, err);
}

/* ---- Clone ---- */

static struct str copy_str(struct mapping *to, struct str s)
{
    return s.p ? arena_str(to->mem, s) : s;
}

static struct field_def *clone_of(const struct mapping *to, const struct field_def *field)
{
    return field ? to->fields[field->pub.id] : NULL;
}

static void field_copy_texts(struct mapping *to, struct field_def *f)
{
    struct str *texts[] = {&f->pub.path,       &f->pub.format,      &f->pub.analyzer,
                           &f->pub.null_value, &f->search_analyzer, &f->normalizer,
                           &f->similarity,     &f->index_options,   &f->copy_to_json,
                           &f->meta_json,      &f->alias_path,      &f->const_value};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        *texts[i] = copy_str(to, *texts[i]);
    struct str *copies =
        f->copy_to_count ? ARENA_ARRAY(to->mem, struct str, f->copy_to_count) : NULL;
    for (size_t i = 0; i < f->copy_to_count; i++)
        copies[i] = copy_str(to, f->copy_to[i]);
    f->copy_to = copies;
}

static void clone_fields(const struct mapping *from, struct mapping *to)
{
    for (size_t i = 0; i < from->field_count; i++) {
        struct field_def *f = ARENA_NEW(to->mem, struct field_def);
        *f = *from->fields[i];
        field_copy_texts(to, f);
        if (f->date) {
            struct err err;
            f->date = to->date_default;
            if (f->pub.format.n)
                ASSERT(mapping__date_set(to, f, f->pub.format, &err) == 0);
        }
        fields_append(to, f);
    }
    for (size_t i = 0; i < to->field_count; i++) {
        struct field_def *f = to->fields[i];
        f->multi = clone_of(to, f->multi);
        f->multi_next = clone_of(to, f->multi_next);
        f->variant_next = clone_of(to, f->variant_next);
        f->pub.next_variant = f->variant_next ? &f->variant_next->pub : NULL;
    }
    size_t at = 0;
    struct str path;
    void *field;
    while (strmap_next(from->by_path, &at, &path, &field))
        (void)strmap_put(to->by_path, path, clone_of(to, field));
}

struct mapping *mapping_clone(const struct mapping *from)
{
    struct mapping *to = mapping_new();
    for (size_t i = 0; i < from->node_count; i++) {
        const struct mapping_node *node = from->nodes[i];
        struct mapping_node *copy =
            i ? mapping__node_add(to, node->parent, node->key) : to->nodes[0];
        copy->is_object = node->is_object;
        copy->is_declared = node->is_declared;
        copy->is_enabled = node->is_enabled;
        copy->dynamic = node->dynamic;
    }
    clone_fields(from, to);
    for (size_t i = 0; i < from->node_count; i++) {
        to->nodes[i]->field = clone_of(to, from->nodes[i]->field);
        to->nodes[i]->alias = clone_of(to, from->nodes[i]->alias);
    }
    to->fields_max = from->fields_max;
    to->depth_max = from->depth_max;
    to->date_detection = from->date_detection;
    to->numeric_detection = from->numeric_detection;
    to->has_source = from->has_source;
    to->meta_json = copy_str(to, from->meta_json);
    to->routing_json = copy_str(to, from->routing_json);
    to->dynamic_templates = value_copy(to->mem, &from->dynamic_templates);
    if (from->dynamic_date_formats_json.p) {
        struct value formats;
        struct err err;
        ASSERT(value_from_json(from->dynamic_date_formats_json, to->mem, &formats, &err) == 0);
        ASSERT(mapping__root_put(to, STR("dynamic_date_formats"), &formats, &err) == 0);
    }
    return to;
}

/* ---- Questions ---- */

static const struct field_def *alias_target(const struct mapping *mapping,
                                            const struct field_def *field)
{
    return field && field->pub.type == FIELD_ALIAS ? strmap_get(mapping->by_path, field->alias_path)
                                                   : field;
}

const struct field *mapping_field(const struct mapping *mapping, struct str path)
{
    const struct field_def *field = alias_target(mapping, strmap_get(mapping->by_path, path));
    return field ? &field->pub : NULL;
}

const struct field *const *mapping_fields(const struct mapping *mapping, size_t *ret_count)
{
    /* `pub` is the first member, so a pointer to a field_def is one to its field. */
    _Static_assert(offsetof(struct field_def, pub) == 0, "pub is first");
    *ret_count = mapping->field_count;
    return (const struct field *const *)(const void *)mapping->fields;
}

const struct field_def *mapping_field_by_id(const struct mapping *mapping, uint32_t id)
{
    return id < mapping->field_count ? mapping->fields[id] : NULL;
}

enum dynamic mapping_dynamic(const struct mapping *mapping, const struct mapping_node *node)
{
    while (node->dynamic == DYNAMIC_INHERIT && node->id != 0)
        node = mapping->nodes[node->parent];
    return node->dynamic == DYNAMIC_INHERIT ? DYNAMIC_TRUE : (enum dynamic)node->dynamic;
}

/* ---- Dynamic mapping ---- */

static struct str child_path(struct mapping *mapping, uint32_t parent, struct str key)
{
    struct str above = mapping->nodes[parent]->path;
    return above.n
               ? arena_printf(mapping->mem, "%.*s.%.*s", (int)above.n, above.p, (int)key.n, key.p)
               : key;
}

static int depth_check(const struct mapping *mapping, uint32_t parent, struct str key,
                       struct err *err)
{
    if (mapping->nodes[parent]->depth + 1 > mapping->depth_max)
        return err_set(err, ERR_INVALID,
                       "Limit of mapping depth [%u] has been exceeded due to object field [" STR_FMT
                       "]",
                       mapping->depth_max, STR_ARG(key));
    return mapping__path_check(mapping, parent, key, err);
}

int mapping_add_object(struct mapping *mapping, uint32_t parent, struct str key,
                       struct mapping_node **ret_node, struct err *err)
{
    struct mapping_node *node = mapping_child(mapping, parent, key);
    if (!node) {
        TRY(depth_check(mapping, parent, key, err));
        if (mapping->node_count + mapping->field_count > mapping->fields_max * 2u + 64u)
            return err_set(err, ERR_INVALID, "Limit of total fields [%u] has been exceeded",
                           mapping->fields_max);
        node = mapping__node_add(mapping, parent, key);
    }
    node->is_object = true;
    *ret_node = node;
    return 0;
}

static bool is_plain_number(struct str text)
{
    double f;
    return str_to_f64(text, &f);
}

/* Pure numbers are too often not dates. */
static const struct dynamic_date *date_of(const struct mapping *mapping, struct str text)
{
    int64_t ns;
    if (!mapping->date_detection || text.n < 4 || text.n > 64 || is_plain_number(text))
        return NULL;
    for (size_t i = 0; i < mapping->dynamic_date_count; i++) {
        if (date_format_parse(mapping->dynamic_dates[i].date, text, &ns))
            return &mapping->dynamic_dates[i];
    }
    return NULL;
}

static enum field_type type_for(const struct mapping *mapping, enum dynamic_kind kind,
                                struct str text, struct str *ret_format)
{
    int64_t i;
    double f;
    uint64_t u;
    *ret_format = STR_NONE;
    switch (kind) {
    case DYNAMIC_KIND_LONG:
        return FIELD_LONG;
    case DYNAMIC_KIND_DOUBLE:
        return FIELD_FLOAT;
    case DYNAMIC_KIND_BOOLEAN:
        return FIELD_BOOLEAN;
    case DYNAMIC_KIND_BIG:
        return str_to_u64(text, &u) ? FIELD_UNSIGNED_LONG : FIELD_DOUBLE;
    case DYNAMIC_KIND_STRING:
        break;
    }
    if (mapping->numeric_detection) {
        if (str_to_i64(text, &i))
            return FIELD_LONG;
        if (str_to_f64(text, &f))
            return FIELD_FLOAT;
    }
    const struct dynamic_date *date = date_of(mapping, text);
    if (date) {
        *ret_format = date->format;
        return FIELD_DATE;
    }
    return FIELD_TEXT;
}

static int field_add_dynamic(struct mapping *mapping, struct mapping_node *node,
                             enum dynamic_kind kind, struct str text, bool is_variant,
                             struct field_def **ret_field, struct err *err)
{
    struct str format = STR_NONE;
    enum field_type type = is_variant && kind == DYNAMIC_KIND_STRING
                               ? FIELD_TEXT
                               : type_for(mapping, kind, text, &format);
    struct field_def *field;
    TRY(mapping__field_add(mapping, node, node->path, type, &field, err));
    if (format.n)
        TRY(mapping__date_set(mapping, field, format, err));
    mapping__field_hang(mapping, node, field);
    if (type == FIELD_TEXT) {
        struct str path =
            arena_printf(mapping->mem, "%.*s.keyword", (int)node->path.n, node->path.p);
        struct field_def *keyword;
        TRY(mapping__field_add(mapping, node, path, FIELD_KEYWORD, &keyword, err));
        keyword->pub.ignore_above = KEYWORD_IGNORE_ABOVE;
        mapping__multi_hang(mapping, field, keyword);
    }
    *ret_field = field;
    return 0;
}

/* ---- Dynamic templates ---- */

static bool template_name_fits(const struct value *tpl, const char *key, struct str text)
{
    const struct value *pattern = value_map_get(tpl, str_from(key));
    return !pattern || (pattern->kind == VALUE_STR && str_glob(pattern->s, text));
}

static bool template_name_misfits(const struct value *tpl, const char *key, struct str text)
{
    const struct value *pattern = value_map_get(tpl, str_from(key));
    return pattern && pattern->kind == VALUE_STR && str_glob(pattern->s, text);
}

static bool template_fits(const struct value *tpl, const char *kind, struct str key,
                          struct str path)
{
    const struct value *wanted = value_map_get_lit(tpl, "match_mapping_type");
    if (wanted && wanted->kind == VALUE_STR && !str_is(wanted->s, "*") &&
        !str_eq(wanted->s, str_from(kind)))
        return false;
    return template_name_fits(tpl, "match", key) && template_name_fits(tpl, "path_match", path) &&
           !template_name_misfits(tpl, "unmatch", key) &&
           !template_name_misfits(tpl, "path_unmatch", path);
}

/* {name} and {dynamic_type} in every string of the template's mapping. */
static struct value template_fill(struct arena *mem, const struct value *v, struct str name,
                                  struct str type)
{
    if (v->kind == VALUE_STR) {
        if (str_is(v->s, "{name}"))
            return value_str(name);
        if (str_is(v->s, "{dynamic_type}") || str_is(v->s, "{dynamicType}"))
            return value_str(type);
        return *v;
    }
    if (v->kind != VALUE_MAP)
        return *v;
    struct value map = value_map(mem, v->map->count);
    for (size_t i = 0; i < v->map->count; i++) {
        struct str key = str_is(v->map->keys[i], "{name}") ? name : v->map->keys[i];
        value_map_set(mem, &map, key, template_fill(mem, &v->map->values[i], name, type));
    }
    return map;
}

/* 1: a template made the field, 0: none fits. */
static int template_apply(struct mapping *mapping, uint32_t parent, struct str key,
                          const char *kind, const char *type, struct err *err)
{
    if (mapping->dynamic_templates.kind != VALUE_LIST)
        return 0;
    const struct value_list *list = mapping->dynamic_templates.list;
    struct str path = child_path(mapping, parent, key);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind != VALUE_MAP || list->items[i].map->count == 0)
            continue;
        const struct value *tpl = &list->items[i].map->values[0];
        const struct value *def = value_map_get_lit(tpl, "mapping");
        if (!def || !template_fits(tpl, kind, key, path))
            continue;
        struct value filled = template_fill(mapping->mem, def, key, str_from(type));
        if (!value_map_get_lit(&filled, "type"))
            value_map_set(mapping->mem, &filled, STR("type"), value_str(str_from(type)));
        TRY(mapping__property_put(mapping, parent, key, &filled, true, err));
        return 1;
    }
    return 0;
}

static const char *template_kind(enum field_type type)
{
    switch (type) { /* NOLINT: the rest cannot be found by detection */
    case FIELD_LONG:
        return "long";
    case FIELD_FLOAT:
        return "double";
    case FIELD_BOOLEAN:
        return "boolean";
    case FIELD_DATE:
        return "date";
    case FIELD_NONE:
    case FIELD_TEXT:
    case FIELD_MATCH_ONLY_TEXT:
    case FIELD_KEYWORD:
    case FIELD_CONSTANT_KEYWORD:
    case FIELD_WILDCARD:
    case FIELD_INTEGER:
    case FIELD_SHORT:
    case FIELD_BYTE:
    case FIELD_UNSIGNED_LONG:
    case FIELD_DOUBLE:
    case FIELD_HALF_FLOAT:
    case FIELD_SCALED_FLOAT:
    case FIELD_DATE_NANOS:
    case FIELD_IP:
    case FIELD_BINARY:
    case FIELD_GEO_POINT:
    case FIELD_OBJECT:
    case FIELD_NESTED:
    case FIELD_FLATTENED:
    case FIELD_ALIAS:
    case FIELD_TYPE_COUNT:
        break;
    }
    return type == FIELD_DOUBLE || type == FIELD_UNSIGNED_LONG ? "double" : "string";
}

int mapping_add_dynamic(struct mapping *mapping, uint32_t parent, struct str key,
                        enum dynamic_kind kind, struct str text, struct mapping_node **ret_node,
                        struct err *err)
{
    TRY(depth_check(mapping, parent, key, err));
    struct str format;
    enum field_type type = type_for(mapping, kind, text, &format);
    const char *type_name = type == FIELD_FLOAT  ? "double"
                            : type == FIELD_TEXT ? "text"
                                                 : field_type_name(type);
    int rc = template_apply(mapping, parent, key, template_kind(type), type_name, err);
    TRY(rc);
    struct mapping_node *node = mapping_child(mapping, parent, key);
    if (!node)
        node = mapping__node_add(mapping, parent, key);
    struct field_def *field;
    if (rc == 0 && !node->field)
        TRY(field_add_dynamic(mapping, node, kind, text, false, &field, err));
    *ret_node = node;
    return 0;
}

int mapping_add_variant(struct mapping *mapping, uint32_t node_id, enum dynamic_kind kind,
                        struct field_def **ret_field, struct err *err)
{
    ASSERT(node_id < mapping->node_count);
    return field_add_dynamic(mapping, mapping->nodes[node_id], kind, STR(""), true, ret_field, err);
}
