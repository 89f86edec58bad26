/* SPDX-License-Identifier: Apache-2.0 */
/* How: a document is walked with the pull reader; each key is looked up as a child of its object's
 * node. The name that followed the last one in the document before is tried first, so that
 * documents of one shape need a comparison per key and no hash. A field's arrays remember their
 * sizes when a document first touches them, so that a bad document can be taken back. */
#include "index/builder.h"

#include "base/hash.h"
#include "base/str.h"
#include "index/builder_int.h"
#include "index/format.h"

#define OBJECT_DEPTH_MAX JSON_DEPTH_MAX

struct builder *builder_new(void)
{
    struct builder *b = MEM_NEW(struct builder);
    b->texts = arena_new(0);
    buf_init(&b->stored, 64 * GIB);
    buf_init(&b->encoded, 0);
    template_table_init(&b->templates);
    b->scratch = arena_new(0);
    b->analysis = MEM_NEW(struct analysis);
    return b;
}

static void field_free(struct field_build *f)
{
    if (!f)
        return;
    mem_free((void *)(uintptr_t)f->path.p);
    mem_free(f->docs);
    mem_free(f->values);
    term_table_deinit(&f->terms);
    term_table_deinit(&f->memo.values);
    mem_free(f->memo.tokens);
    mem_free(f->tokens);
    mem_free(f->runs);
    mem_free(f);
}

void builder_free(struct builder *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->field_count; i++)
        field_free(b->fields[i]);
    mem_free(b->fields);
    mem_free(b->touched);
    mem_free(b->docs);
    mem_free(b->id_slots);
    mem_free(b->hints);
    mem_free(b->analysis);
    arena_free(b->texts);
    buf_deinit(&b->stored);
    buf_deinit(&b->encoded);
    template_table_deinit(&b->templates);
    mem_free(b->notes.notes);
    arena_free(b->scratch);
    mem_free(b);
}

/* ---- Fields ---- */

static struct field_build *field_new(const struct field_def *def)
{
    struct field_build *f = MEM_NEW(struct field_build);
    enum field_type type = def->pub.type;
    f->id = def->pub.id;
    f->type = type;
    f->path = (struct str){mem_cstr(def->pub.path), def->pub.path.n};
    f->is_text = type == FIELD_TEXT || type == FIELD_MATCH_ONLY_TEXT;
    bool is_keyword =
        type == FIELD_KEYWORD || type == FIELD_WILDCARD || type == FIELD_CONSTANT_KEYWORD;
    f->has_terms = def->pub.is_indexed && (f->is_text || is_keyword);
    /* Numbers, dates and ip are searched by their columns, so they have one when they are indexed.
     */
    f->has_column =
        !f->is_text && (def->pub.has_doc_values || (def->pub.is_indexed && !is_keyword));
    f->has_norms = f->is_text && def->has_norms && f->has_terms;
    f->has_freqs = f->is_text && def->has_freqs;
    f->has_positions = f->is_text && def->has_positions;
    (void)analyzer_from_name(def->pub.analyzer, &f->analyzer);
    buf_init(&f->terms.pool, UINT32_MAX);
    buf_init(&f->memo.values.pool, UINT32_MAX);
    return f;
}

struct field_build *builder__field_slow(struct builder *b, const struct field_def *def,
                                        uint32_t doc)
{
    uint32_t id = def->pub.id;
    if (id >= b->field_count) {
        void *fields = b->fields;
        mem_grow(&fields, &b->field_capacity, (size_t)id + 1, sizeof(struct field_build *));
        b->fields = fields;
        memset(b->fields + b->field_count, 0,
               (b->field_capacity - b->field_count) * sizeof(struct field_build *));
        b->field_count = (size_t)id + 1;
    }
    struct field_build *f = b->fields[id];
    /* Without values it may be the rest of a document that was taken back: its mapping was never
     * published, and the id is now another field's. */
    if (!f || (f->count == 0 && f->run_count == 0)) {
        field_free(f);
        f = b->fields[id] = field_new(def);
        f->serial = ++b->field_serial;
    }
    f->touch_doc = doc + 1;
    f->saved_count = f->count;
    f->saved_run_count = f->run_count;
    void *touched = b->touched;
    mem_grow(&touched, &b->touched_capacity, b->touched_count + 1, sizeof(struct field_build *));
    b->touched = touched;
    b->touched[b->touched_count++] = f;
    return f;
}

static void term_table_grow(struct term_table *t)
{
    size_t count = t->slot_count ? t->slot_count * 2 : 64;
    struct term_slot *slots = MEM_ARRAY(struct term_slot, count);
    for (size_t i = 0; i < t->slot_count; i++) {
        if (!t->slots[i].term)
            continue;
        size_t at = t->slots[i].hash & (count - 1);
        while (slots[at].term)
            at = (at + 1) & (count - 1);
        slots[at] = t->slots[i];
    }
    mem_free(t->slots);
    t->slots = slots;
    t->slot_count = count;
}

uint32_t term_table_add(struct term_table *t, struct str text, bool *ret_is_new)
{
    if (UNLIKELY(t->count * 2 >= t->slot_count))
        term_table_grow(t);
    uint32_t hash = (uint32_t)hash_str(text);
    size_t at = hash & (t->slot_count - 1);
    for (; t->slots[at].term; at = (at + 1) & (t->slot_count - 1)) {
        const struct term_slot *slot = &t->slots[at];
        if (slot->hash == hash && slot->bytes == text.n &&
            (text.n == 0 || memcmp(t->pool.p + slot->off, text.p, text.n) == 0)) {
            *ret_is_new = false;
            return slot->term - 1;
        }
    }
    uint32_t term = (uint32_t)t->count++;
    t->slots[at] = (struct term_slot){hash, term + 1, (uint32_t)t->pool.n, (uint32_t)text.n};
    void *p = t->ends;
    mem_grow(&p, &t->end_capacity, t->count, sizeof(uint32_t));
    t->ends = p;
    buf_add_str(&t->pool, text);
    ASSERT(!t->pool.is_over); /* lanes seal long before */
    t->ends[term] = (uint32_t)t->pool.n;
    *ret_is_new = true;
    return term;
}

void term_table_deinit(struct term_table *t)
{
    mem_free(t->slots);
    mem_free(t->ends);
    buf_deinit(&t->pool);
}

size_t term_table_bytes(const struct term_table *t)
{
    return t->slot_count * sizeof(struct term_slot) + t->end_capacity * sizeof(uint32_t) +
           t->pool.capacity;
}

/* ---- Walking a document ---- */

struct mapping *ingest_draft(struct ingest *in)
{
    if (!in->draft) {
        in->draft = mapping_clone(in->mapping);
        in->mapping = in->draft;
    }
    return in->draft;
}

static void hints_grow(struct builder *b, size_t count)
{
    if (count <= b->hint_count)
        return;
    size_t n = MAX_OF(count, b->hint_count * 2);
    b->hints = mem_realloc(b->hints, n * sizeof(struct name_hint));
    memset(b->hints + b->hint_count, 0, (n - b->hint_count) * sizeof(struct name_hint));
    b->hint_count = n;
}

/* Where the hint stands for the name behind `last` in an object; last = object: for its first name.
 */
static uint32_t *hint_at(struct builder *b, uint32_t object, uint32_t last)
{
    return last == object ? &b->hints[object].first : &b->hints[last].next;
}

/* Whether `node` is the one that its path leads to from `parent`: the objects between are walked,
 * none of them is off. */
static bool is_below(const struct mapping *mapping, const struct mapping_node *node,
                     uint32_t parent)
{
    while (node->parent != parent) {
        if (node->parent == 0)
            return false;
        node = mapping->nodes[node->parent];
        if (!node->is_object || !node->is_enabled)
            return false;
    }
    return true;
}

/* The name as it stands in an object `parent`: the last of its path, or more, with dots. */
static struct str name_below(const struct mapping *mapping, const struct mapping_node *node,
                             uint32_t parent)
{
    struct str above = mapping->nodes[parent]->path;
    return str_from_off(node->path, above.n ? above.n + 1 : 0);
}

/* Reads the name that was expected; NULL: another one, or none, comes. */
static struct mapping_node *expected_read(struct ingest *in, uint32_t parent, uint32_t *last)
{
    uint32_t hint = *hint_at(in->builder, parent, *last);
    if (hint == 0 || hint >= in->mapping->node_count)
        return NULL;
    struct mapping_node *node = in->mapping->nodes[hint];
    if (!is_below(in->mapping, node, parent) ||
        !json_key_is(&in->json, name_below(in->mapping, node, parent)))
        return NULL;
    *last = hint;
    return node;
}

/* Notes that `node`, whose name was read last, followed `*last`. */
static void name_note(struct ingest *in, uint32_t parent, const struct mapping_node *node,
                      bool is_plain, uint32_t *last)
{
    hints_grow(in->builder, in->mapping->node_count);
    *hint_at(in->builder, parent, *last) = is_plain ? node->id : 0;
    *last = node->id;
}

static int json_bad(struct ingest *in)
{
    if (in->err) {
        struct err json = in->json.err;
        (void)err_set(in->err, ERR_MAPPER_PARSING, "failed to parse: %s", json.text);
        in->err->off = json.off;
    }
    return -ERR_MAPPER_PARSING;
}

static int skip_value(struct ingest *in, enum json_token token)
{
    size_t from = in->json.token_off;
    if (!json_skip(&in->json, token))
        return json_bad(in);
    source_note_raw(in, from);
    return 0;
}

static int object_read(struct ingest *in, uint32_t node_id, uint32_t depth) WARN_UNUSED;
static int value_read(struct ingest *in, uint32_t parent, struct str key, struct mapping_node *node,
                      enum json_token token, uint32_t depth) WARN_UNUSED;

static int dynamic_refused(struct ingest *in, uint32_t parent, struct str key)
{
    struct str path = in->mapping->nodes[parent]->path;
    return err_set(in->err, ERR_STRICT_MAPPING,
                   "mapping set to strict, dynamic introduction of [" STR_FMT "] within [" STR_FMT
                   "] is not allowed",
                   STR_ARG(key), STR_ARG(path.n ? path : STR("_doc")));
}

static struct scalar scalar_of(const struct ingest *in, enum json_token token)
{
    struct scalar v = {token, in->json.text, in->json.i, in->json.f};
    if (token == JSON_TRUE)
        v.text = STR("true");
    if (token == JSON_FALSE)
        v.text = STR("false");
    return v;
}

static enum dynamic_kind kind_of(enum json_token token)
{
    return token == JSON_INT                           ? DYNAMIC_KIND_LONG
           : token == JSON_FLOAT                       ? DYNAMIC_KIND_DOUBLE
           : token == JSON_BIG_INT                     ? DYNAMIC_KIND_BIG
           : token == JSON_TRUE || token == JSON_FALSE ? DYNAMIC_KIND_BOOLEAN
                                                       : DYNAMIC_KIND_STRING;
}

static int object_value(struct ingest *in, uint32_t parent, struct str key,
                        struct mapping_node *node, uint32_t depth)
{
    if (node && !node->is_enabled)
        return skip_value(in, JSON_OBJECT_BEGIN);
    if (!node || !node->is_object) {
        if (node && node->field && node->field->is_declared) {
            struct str raw = STR("{");
            size_t from = in->json.token_off;
            if (!json_skip_raw(&in->json, JSON_OBJECT_BEGIN, &raw))
                return json_bad(in);
            source_note_raw(in, from);
            return node->field->ignore_malformed
                       ? 0
                       : err_set(in->err, ERR_MAPPER_PARSING,
                                 "failed to parse field [" STR_FMT
                                 "] of type [%s] in document with id '" STR_FMT
                                 "'. Preview of field's value: '%.*s'",
                                 STR_ARG(node->path), field_type_name(node->field->pub.type),
                                 STR_ARG(in->id), (int)MIN_OF(raw.n, (size_t)100), raw.p);
        }
        enum dynamic dynamic = mapping_dynamic(in->mapping, in->mapping->nodes[parent]);
        if (dynamic == DYNAMIC_STRICT)
            return dynamic_refused(in, parent, key);
        if (dynamic == DYNAMIC_FALSE)
            return skip_value(in, JSON_OBJECT_BEGIN);
        TRY(mapping_add_object(ingest_draft(in), parent, key, &node, in->err));
    }
    return object_read(in, node->id, depth + 1);
}

static int items_read(struct ingest *in, uint32_t parent, struct str key, struct mapping_node *node,
                      uint32_t depth)
{
    for (;;) {
        enum json_token token = json_next(&in->json);
        if (token == JSON_ARRAY_END)
            return 0;
        if (token == JSON_ERROR)
            return json_bad(in);
        /* The first element may have made the node. */
        if (!node)
            node = mapping_child(in->mapping, parent, key);
        else
            node = in->mapping->nodes[node->id];
        TRY(value_read(in, parent, key, node, token, depth + 1));
    }
}

static int array_value(struct ingest *in, uint32_t parent, struct str key,
                       struct mapping_node *node, uint32_t depth)
{
    size_t from = in->json.token_off;
    in->array_depth++;
    TRY(items_read(in, parent, key, node, depth));
    in->array_depth--;
    source_note_raw(in, from);
    return 0;
}

static int null_value(struct ingest *in, const struct mapping_node *node)
{
    if (!node || !node->field || !node->field->has_null_value)
        return 0;
    struct scalar v = {JSON_STRING, node->field->pub.null_value, 0, 0};
    return ingest_scalar(in, node->id, &v);
}

static int scalar_value(struct ingest *in, uint32_t parent, struct str key,
                        struct mapping_node *node, enum json_token token)
{
    struct scalar v = scalar_of(in, token);
    if (node && !node->is_enabled)
        return 0;
    if (node && node->field)
        return ingest_scalar(in, node->id, &v);
    if (node && node->is_object && node->is_declared)
        return err_set(in->err, ERR_MAPPER_PARSING,
                       "object mapping for [" STR_FMT "] tried to parse field [" STR_FMT
                       "] as object, but found a concrete value",
                       STR_ARG(node->path), STR_ARG(node->key));
    if (node && node->alias)
        return err_set(in->err, ERR_MAPPER_PARSING, "Cannot write to a field alias [" STR_FMT "].",
                       STR_ARG(node->path));
    enum dynamic dynamic = mapping_dynamic(in->mapping, in->mapping->nodes[parent]);
    if (dynamic == DYNAMIC_STRICT)
        return dynamic_refused(in, parent, key);
    if (dynamic == DYNAMIC_FALSE)
        return 0;
    TRY(mapping_add_dynamic(ingest_draft(in), parent, key, kind_of(token), v.text, &node, in->err));
    /* A template may have made an object of it. */
    return node->field ? ingest_scalar(in, node->id, &v) : 0;
}

static int value_read(struct ingest *in, uint32_t parent, struct str key, struct mapping_node *node,
                      enum json_token token, uint32_t depth)
{
    if (depth > OBJECT_DEPTH_MAX)
        return err_set(in->err, ERR_MAPPER_PARSING, "failed to parse: nesting is deeper than %u",
                       OBJECT_DEPTH_MAX);
    if (UNLIKELY(node && node->field && node->field->pub.type == FIELD_GEO_POINT) &&
        node->is_enabled)
        return ingest_geo(in, node->field, token);
    switch (token) {
    case JSON_OBJECT_BEGIN:
        return object_value(in, parent, key, node, depth);
    case JSON_ARRAY_BEGIN:
        return array_value(in, parent, key, node, depth);
    case JSON_NULL:
        return null_value(in, node);
    case JSON_STRING:
    case JSON_INT:
    case JSON_FLOAT:
    case JSON_BIG_INT:
    case JSON_TRUE:
    case JSON_FALSE: {
        size_t from = in->json.token_off, to = in->json.token_end;
        in->taken = NULL;
        TRY(scalar_value(in, parent, key, node, token));
        source_note_scalar(in, token, from, to);
        return 0;
    }
    case JSON_END:
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_ERROR:
        break;
    }
    return json_bad(in);
}

/* "a.b": walks or makes the objects before the last part; -1 in *ret_parent: dynamic mapping is off
 * there. */
static int dotted_parent(struct ingest *in, uint32_t parent, struct str *key, int64_t *ret_parent)
{
    struct str rest = *key, part;
    *ret_parent = parent;
    for (;;) {
        ptrdiff_t dot = str_find_char(rest, '.');
        if (dot < 0)
            break;
        part = str_sub(rest, 0, (size_t)dot);
        rest = str_from_off(rest, (size_t)dot + 1);
        if (part.n == 0 || rest.n == 0)
            return err_set(in->err, ERR_MAPPER_PARSING,
                           "object field starting or ending with a [.] makes object resolution "
                           "ambiguous: [" STR_FMT "]",
                           STR_ARG(*key));
        struct mapping_node *node = mapping_child(in->mapping, (uint32_t)*ret_parent, part);
        if (!node || !node->is_object) {
            enum dynamic dynamic = mapping_dynamic(in->mapping, in->mapping->nodes[*ret_parent]);
            if (dynamic == DYNAMIC_STRICT)
                return dynamic_refused(in, (uint32_t)*ret_parent, part);
            if (dynamic == DYNAMIC_FALSE) {
                *ret_parent = -1;
                return 0;
            }
            TRY(mapping_add_object(ingest_draft(in), (uint32_t)*ret_parent, part, &node, in->err));
        }
        if (!node->is_enabled) {
            *ret_parent = -1;
            return 0;
        }
        *ret_parent = node->id;
    }
    *key = rest;
    return 0;
}

static int dotted_value(struct ingest *in, uint32_t node_id, struct str key, bool is_plain,
                        uint32_t depth, uint32_t *last)
{
    int64_t parent;
    TRY(dotted_parent(in, node_id, &key, &parent));
    enum json_token token = json_next(&in->json);
    if (token == JSON_ERROR)
        return json_bad(in);
    if (parent < 0)
        return skip_value(in, token);
    struct mapping_node *node = mapping_child(in->mapping, (uint32_t)parent, key);
    if (node)
        name_note(in, node_id, node, is_plain, last);
    return value_read(in, (uint32_t)parent, key, node, token, depth);
}

/* A name that was not expected, and its value. */
static int name_read(struct ingest *in, uint32_t node_id, uint32_t depth, uint32_t *last)
{
    struct str key = in->json.text;
    bool is_plain = key.p == in->json.start + in->json.token_off + 1;
    struct mapping_node *node = mapping_child(in->mapping, node_id, key);
    if (UNLIKELY(!node && (key.n == 0 || memchr(key.p, '.', key.n)))) {
        if (key.n == 0)
            return err_set(in->err, ERR_MAPPER_PARSING,
                           "failed to parse: field name cannot be an empty string");
        return dotted_value(in, node_id, key, is_plain, depth, last);
    }
    if (node)
        name_note(in, node_id, node, is_plain, last);
    return value_read(in, node_id, key, node, json_next(&in->json), depth);
}

/* Recursion is bounded by JSON_DEPTH_MAX (the reader's) and the mapping's depth limit. */
static int object_read(struct ingest *in, uint32_t node_id, uint32_t depth)
{
    uint32_t last = node_id;
    hints_grow(in->builder, in->mapping->node_count);
    for (;;) {
        struct mapping_node *node = expected_read(in, node_id, &last);
        if (LIKELY(node)) {
            TRY(value_read(in, node->parent, node->key, node, json_next(&in->json), depth));
            continue;
        }
        enum json_token token = json_next(&in->json);
        if (token == JSON_OBJECT_END)
            return 0;
        if (token != JSON_KEY)
            return json_bad(in);
        TRY(name_read(in, node_id, depth, &last));
    }
}

/* ---- Documents ---- */

static void fields_rollback(struct builder *b)
{
    for (size_t i = 0; i < b->touched_count; i++) {
        struct field_build *f = b->touched[i];
        f->count = f->saved_count;
        f->run_count = f->saved_run_count;
        f->touch_doc = f->noted_doc = 0;
    }
    b->touched_count = 0;
}

static const char *texts_keep(struct builder *b, const struct builder_doc *doc)
{
    char *texts = arena_alloc(b->texts, doc->id.n + doc->routing.n + doc->source.n), *p = texts;
    memcpy(p, doc->id.p, doc->id.n);
    p += doc->id.n;
    if (doc->routing.n)
        memcpy(p, doc->routing.p, doc->routing.n);
    p += doc->routing.n;
    memcpy(p, doc->source.p, doc->source.n);
    return texts;
}

static void doc_append(struct builder *b, const struct builder_doc *doc)
{
    size_t stored_off = b->stored.n;
    uint32_t number = source_template(b, (uint32_t)b->doc_count, doc->source);
    void *docs = b->docs;
    mem_grow(&docs, &b->doc_capacity, b->doc_count + 1, sizeof(struct doc_build));
    b->docs = docs;
    b->docs[b->doc_count] = (struct doc_build){.texts = texts_keep(b, doc),
                                               .stored_off = stored_off,
                                               .stored_bytes = (uint32_t)(b->stored.n - stored_off),
                                               .template_number = (uint16_t)number,
                                               .source_bytes = (uint32_t)doc->source.n,
                                               .routing_bytes = (uint32_t)doc->routing.n,
                                               .id_bytes = (uint16_t)doc->id.n,
                                               .seq_no = doc->seq_no,
                                               .version = doc->version};
    ASSERT(!b->stored.is_over);
    b->doc_count++;
}

static int doc_read(struct ingest *in, struct str source)
{
    json_reader_init(&in->json, source, in->builder->scratch, JSON_REPLACE_UTF8);
    enum json_token token = json_next(&in->json);
    if (token == JSON_ERROR)
        return json_bad(in);
    if (token != JSON_OBJECT_BEGIN)
        return err_set(in->err, ERR_MAPPER_PARSING,
                       "failed to parse: Malformed content, must start with an object");
    TRY(object_read(in, 0, 0));
    return json_next(&in->json) == JSON_END ? 0 : json_bad(in);
}

int builder_add(struct builder *b, const struct mapping *mapping, const struct builder_doc *doc,
                struct mapping **ret_mapping, struct err *err)
{
    ASSERT(doc->id.n > 0 && doc->id.n <= ID_BYTES_MAX);
    struct ingest in = {
        .builder = b, .mapping = mapping, .doc = (uint32_t)b->doc_count, .id = doc->id, .err = err};
    arena_reset(b->scratch);
    b->touched_count = 0;
    b->notes.count = 0;
    *ret_mapping = NULL;
    int rc = doc_read(&in, doc->source);
    if (rc < 0) {
        fields_rollback(b);
        mapping_unref(in.draft);
        return rc;
    }
    doc_append(b, doc);
    *ret_mapping = in.draft;
    return 0;
}

void builder_undo(struct builder *b)
{
    ASSERT(b->doc_count > 0);
    fields_rollback(b);
    struct doc_build *doc = &b->docs[b->doc_count - 1];
    ASSERT(b->id_indexed < b->doc_count); /* nobody looked for it yet */
    b->dead_count -= doc->is_dead;
    b->stored.n = doc->stored_off;
    b->doc_count--;
}

uint32_t builder_doc_count(const struct builder *b)
{
    return (uint32_t)b->doc_count;
}

size_t builder_bytes(const struct builder *b)
{
    size_t n = arena_used(b->texts) + b->stored.capacity + b->templates.bytes +
               b->doc_capacity * sizeof(struct doc_build) + b->id_slot_count * 4;
    for (size_t i = 0; i < b->field_count; i++) {
        const struct field_build *f = b->fields[i];
        if (!f)
            continue;
        n += sizeof(*f) + f->doc_capacity * 4 + f->value_capacity * 8 + f->token_capacity * 4 +
             f->run_capacity * sizeof(struct text_run);
        n += term_table_bytes(&f->terms) + term_table_bytes(&f->memo.values) +
             f->memo.token_capacity * sizeof(struct memo_tokens);
    }
    return n;
}

/* ---- Ids ---- */

static void ids_rebuild(struct builder *b, size_t slot_count)
{
    mem_free(b->id_slots);
    b->id_slots = MEM_ARRAY(uint32_t, slot_count);
    b->id_slot_count = slot_count;
    b->id_used = 0;
    b->id_indexed = 0;
}

static void id_insert(struct builder *b, uint32_t doc)
{
    struct str id = builder_id(b, doc);
    size_t at = hash_str(id) & (b->id_slot_count - 1);
    for (; b->id_slots[at]; at = (at + 1) & (b->id_slot_count - 1)) {
        uint32_t slot = b->id_slots[at];
        if (str_eq(builder_id(b, slot - 1), id))
            break; /* the newer document takes the slot over */
    }
    if (b->id_slots[at] == 0)
        b->id_used++;
    b->id_slots[at] = doc + 1;
}

uint32_t builder_find(struct builder *b, struct str id)
{
    if (b->doc_count == 0)
        return DOC_NONE;
    if ((b->id_used + (b->doc_count - b->id_indexed)) * 2 > b->id_slot_count) {
        size_t n = 1024;
        while (n < b->doc_count * 4)
            n *= 2;
        ids_rebuild(b, n);
    }
    for (; b->id_indexed < b->doc_count; b->id_indexed++)
        id_insert(b, b->id_indexed);
    for (size_t at = hash_str(id) & (b->id_slot_count - 1); b->id_slots[at];
         at = (at + 1) & (b->id_slot_count - 1)) {
        uint32_t slot = b->id_slots[at];
        if (!str_eq(builder_id(b, slot - 1), id))
            continue;
        return b->docs[slot - 1].is_dead ? DOC_NONE : slot - 1;
    }
    return DOC_NONE;
}

void builder_kill(struct builder *b, uint32_t doc)
{
    ASSERT(doc < b->doc_count && !b->docs[doc].is_dead);
    b->docs[doc].is_dead = true;
    b->dead_count++;
}

bool builder_is_dead(const struct builder *b, uint32_t doc)
{
    return b->docs[doc].is_dead;
}
uint32_t builder_dead_count(const struct builder *b)
{
    return b->dead_count;
}
int64_t builder_seq_no(const struct builder *b, uint32_t doc)
{
    return b->docs[doc].seq_no;
}
int64_t builder_version(const struct builder *b, uint32_t doc)
{
    return b->docs[doc].version;
}
struct str builder_source(const struct builder *b, uint32_t doc)
{
    const struct doc_build *d = &b->docs[doc];
    return (struct str){d->texts + d->id_bytes + d->routing_bytes, d->source_bytes};
}
struct str builder_routing(const struct builder *b, uint32_t doc)
{
    const struct doc_build *d = &b->docs[doc];
    return (struct str){d->texts + d->id_bytes, d->routing_bytes};
}
struct str builder_id(const struct builder *b, uint32_t doc)
{
    const struct doc_build *d = &b->docs[doc];
    return (struct str){d->texts, d->id_bytes};
}
