/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c: builds the tree from libyaml's events with a stack of open lists and maps, so that
 * nothing recurses while reading. An alias shares its anchor's tree: a "billion laughs" costs
 * nothing until somebody walks it, and walking is bounded by YAML_NODES_MAX. */
#include "ship/yaml.h"

#include <yaml.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

struct level {
    struct value node;
    struct str key; /* of a map: the key whose value comes next */
    uint32_t key_pos;
    bool has_key;
    struct str anchor;
};

struct builder {
    const struct yaml_source *source;
    struct arena *mem;
    yaml_parser_t parser;
    struct level stack[YAML_DEPTH_MAX];
    size_t depth;
    struct strmap anchors; /* name -> struct value in mem */
    struct value root;
    size_t node_count, document_count;
    size_t line_seen,
        line_off; /* where the line of the last mark begins: marks mostly go forward */
};

/* ---- positions ---- */

static uint32_t pos_of(struct builder *b, const yaml_mark_t *mark)
{
    struct str text = b->source->text;
    if (mark->line < b->line_seen)
        b->line_seen = b->line_off = 0;
    size_t at = b->line_off;
    for (; b->line_seen < mark->line && at < text.n; b->line_seen++) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        b->line_off = at = end ? (size_t)(end - text.p) + 1 : text.n;
    }
    for (size_t column = 0; column < mark->column && at < text.n;
         column++) { /* characters into bytes */
        at++;
        while (at < text.n && ((uint8_t)text.p[at] & 0xC0) == 0x80)
            at++;
    }
    return (uint32_t)at + 1;
}

int yaml_err_at(const struct yaml_source *source, uint32_t pos, struct err *err)
{
    if (pos == 0)
        return err_at(err, source->file, 0, 0);
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i + 1 < pos && i < source->text.n; i++) {
        column = source->text.p[i] == '\n' ? 1 : column + 1;
        line += source->text.p[i] == '\n';
    }
    return err_at(err, source->file, line, column);
}

/* ---- scalars ---- */

static bool is_word(struct str s, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq(s, str_from(*words)))
            return true;
    }
    return false;
}

static bool hex_or_octal(struct str s, int64_t *ret_v)
{
    if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'x' && s.p[1] != 'o'))
        return false;
    uint64_t base = s.p[1] == 'x' ? 16 : 8, v = 0;
    for (size_t i = 2; i < s.n; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = memchr(digits, s.p[i] | 0x20, base);
        if (!at || v > INT64_MAX / 16)
            return false;
        v = v * base + (uint64_t)(at - digits);
    }
    *ret_v = (int64_t)v;
    return true;
}

/* The words are those of YAML 1.1, as Go's yaml.v2 takes them, which Beats uses. */
struct value yaml_scalar(struct arena *mem, struct str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes",
                                        "YES",  "on",   "On",   "ON",  NULL};
    static const char *const falses[] = {"false", "False", "FALSE", "no",  "No",
                                         "NO",    "off",   "Off",   "OFF", NULL};
    int64_t i;
    double f;
    if (is_word(text, nulls))
        return value_null();
    if (is_word(text, trues))
        return value_bool(true);
    if (is_word(text, falses))
        return value_bool(false);
    if (str_to_i64(text, &i) || hex_or_octal(text, &i))
        return value_int(i);
    if (strchr("+-.0123456789", text.p[0]) && str_to_f64(text, &f))
        return value_float(f);
    return value_str_copy(mem, text);
}

/* ---- the tree ---- */

static int fail_at(struct builder *b, const yaml_mark_t *mark, struct err *err)
{
    return yaml_err_at(b->source, pos_of(b, mark), err);
}

/* `<<: *base`: entries that are not there already. */
static void merge(struct builder *b, struct value *map, const struct value *from)
{
    if (from->kind == VALUE_LIST) {
        for (size_t i = 0; i < from->list->count; i++)
            merge(b, map, &from->list->items[i]);
        return;
    }
    for (size_t i = 0; from->kind == VALUE_MAP && i < from->map->count; i++) {
        if (!value_map_get(map, from->map->keys[i]))
            value_map_set(b->mem, map, from->map->keys[i], from->map->values[i]);
    }
}

static int map_entry(struct builder *b, struct level *top, struct value v, struct err *err)
{
    if (!top->has_key) {
        if (v.kind != VALUE_STR && v.kind != VALUE_INT) {
            (void)err_set(err, ERR_CONFIG, "a key must be a text");
            return yaml_err_at(b->source, v.pos, err);
        }
        top->key = value_to_str(b->mem, &v);
        top->key_pos = v.pos;
        top->has_key = true;
        return 0;
    }
    top->has_key = false;
    if (str_is(top->key, "<<") && (v.kind == VALUE_MAP || v.kind == VALUE_LIST)) {
        merge(b, &top->node, &v);
        return 0;
    }
    if (value_map_get(&top->node, top->key)) {
        (void)err_set(err, ERR_CONFIG, "\"%.*s\" is given twice", STR_ARG(top->key));
        return yaml_err_at(b->source, top->key_pos, err);
    }
    v.pos = top->key_pos;
    value_map_set(b->mem, &top->node, top->key, v);
    return 0;
}

static int add(struct builder *b, struct value v, const yaml_mark_t *mark, struct err *err)
{
    if (++b->node_count > YAML_NODES_MAX) {
        (void)err_set(err, ERR_TOO_LARGE, "more than %u values", YAML_NODES_MAX);
        return fail_at(b, mark, err);
    }
    if (b->depth == 0) {
        b->root = v;
        return 0;
    }
    struct level *top = &b->stack[b->depth - 1];
    if (top->node.kind == VALUE_MAP)
        return map_entry(b, top, v, err);
    value_list_add(b->mem, &top->node, v);
    return 0;
}

static void keep_anchor(struct builder *b, struct str name, struct value v)
{
    struct value *kept = ARENA_NEW(b->mem, struct value);
    *kept = v;
    (void)strmap_put(&b->anchors, name, kept);
}

static struct str anchor_of(struct builder *b, const yaml_char_t *name)
{
    return name ? arena_str(b->mem, str_from((const char *)name)) : STR_NONE;
}

static int open_level(struct builder *b, struct value node, const yaml_char_t *anchor,
                      const yaml_mark_t *mark, struct err *err)
{
    if (b->depth == YAML_DEPTH_MAX) {
        (void)err_set(err, ERR_TOO_LARGE, "nested deeper than %u levels", YAML_DEPTH_MAX);
        return fail_at(b, mark, err);
    }
    node.pos = pos_of(b, mark);
    b->stack[b->depth++] = (struct level){.node = node, .anchor = anchor_of(b, anchor)};
    return 0;
}

static int close_level(struct builder *b, const yaml_mark_t *mark, struct err *err)
{
    struct level top = b->stack[--b->depth];
    if (top.anchor.n)
        keep_anchor(b, top.anchor, top.node);
    return add(b, top.node, mark, err);
}

static int scalar(struct builder *b, const yaml_event_t *event, struct err *err)
{
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    bool is_plain =
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        !(event->data.scalar.tag && strstr((const char *)event->data.scalar.tag, "str"));
    struct value v = is_plain ? yaml_scalar(b->mem, text) : value_str_copy(b->mem, text);
    if (!is_plain)
        v.flags |= VALUE_FLAG_QUOTED;
    v.pos = pos_of(b, &event->start_mark);
    if (event->data.scalar.anchor)
        keep_anchor(b, anchor_of(b, event->data.scalar.anchor), v);
    bool is_key = b->depth > 0 && b->stack[b->depth - 1].node.kind == VALUE_MAP &&
                  !b->stack[b->depth - 1].has_key;
    if (is_key && v.kind != VALUE_STR) { /* a key stays as it is written: `on:`, `1:` */
        uint32_t pos = v.pos;
        v = value_str_copy(b->mem, text);
        v.pos = pos;
    }
    return add(b, v, &event->start_mark, err);
}

static int alias(struct builder *b, const yaml_event_t *event, struct err *err)
{
    struct str name = str_from((const char *)event->data.alias.anchor);
    const struct value *v = strmap_get(&b->anchors, name);
    if (!v) {
        (void)err_set(err, ERR_CONFIG, "no anchor \"&%.*s\" before this alias", STR_ARG(name));
        return fail_at(b, &event->start_mark, err);
    }
    return add(b, *v, &event->start_mark, err);
}

static int take_event(struct builder *b, const yaml_event_t *event, struct err *err)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->document_count++ > 0) {
            (void)err_set(err, ERR_CONFIG, "a second document (\"---\"): one is read");
            return fail_at(b, &event->start_mark, err);
        }
        return 0;
    case YAML_ALIAS_EVENT:
        return alias(b, event, err);
    case YAML_SCALAR_EVENT:
        return scalar(b, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(b, value_list(b->mem, 4), event->data.sequence_start.anchor,
                          &event->start_mark, err);
    case YAML_MAPPING_START_EVENT:
        return open_level(b, value_map(b->mem, 8), event->data.mapping_start.anchor,
                          &event->start_mark, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(b, &event->start_mark, err);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return 0;
}

static int parser_failed(struct builder *b, struct err *err)
{
    const yaml_parser_t *parser = &b->parser;
    (void)err_set(err, ERR_CONFIG, "%s%s%s", parser->context ? parser->context : "",
                  parser->context ? ": " : "", parser->problem ? parser->problem : "not YAML");
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR)
        return yaml_err_at(b->source, (uint32_t)parser->problem_offset + 1, err);
    return fail_at(b, &mark, err);
}

static int build(struct builder *b, struct err *err)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event))
            return parser_failed(b, err);
        type = event.type;
        int rc = take_event(b, &event, err);
        yaml_event_delete(&event);
        TRY(rc);
    }
    return 0;
}

int yaml_parse(const struct yaml_source *source, struct arena *mem, struct value *ret_root,
               struct err *err)
{
    if (source->text.n > YAML_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the configuration has %zu bytes, the limit is %llu",
                       source->text.n, (unsigned long long)YAML_BYTES_MAX);
    struct builder *b = ARENA_NEW(mem, struct builder);
    b->source = source;
    b->mem = mem;
    ASSERT(yaml_parser_initialize(&b->parser) == 1);
    strmap_init(&b->anchors);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)source->text.p, source->text.n);
    int rc = build(b, err);
    yaml_parser_delete(&b->parser);
    strmap_deinit(&b->anchors);
    TRY(rc);
    if (b->root.kind == VALUE_NONE || b->root.kind == VALUE_NULL)
        b->root = value_map(mem, 1);
    *ret_root = b->root;
    return 0;
}

/* ---- keys with dots ---- */

static int put_path(const struct yaml_source *source, struct arena *mem, struct value *map,
                    struct str key, struct value v, struct err *err);

static int put(const struct yaml_source *source, struct arena *mem, struct value *map,
               struct str key, struct value v, struct err *err)
{
    struct value *old = value_map_get(map, key);
    if (!old) {
        value_map_set(mem, map, key, v);
        return 0;
    }
    if (old->kind == VALUE_NULL) {
        *old = v;
        return 0;
    }
    if (v.kind == VALUE_NULL)
        return 0;
    if (old->kind != VALUE_MAP || v.kind != VALUE_MAP) {
        (void)err_set(err, ERR_CONFIG, "\"%.*s\" is given twice", STR_ARG(key));
        return yaml_err_at(source, v.pos, err);
    }
    for (size_t i = 0; i < v.map->count; i++)
        TRY(put(source, mem, old, v.map->keys[i], v.map->values[i], err));
    return 0;
}

static int put_path(const struct yaml_source *source, struct arena *mem, struct value *map,
                    struct str key, struct value v, struct err *err)
{
    ptrdiff_t dot = str_find_char(key, '.');
    if (dot <= 0 || (size_t)dot + 1 == key.n)
        return put(source, mem, map, key, v, err);
    struct value inner = value_map(mem, 1);
    inner.pos = v.pos;
    TRY(put_path(source, mem, &inner, str_from_off(key, (size_t)dot + 1), v, err));
    return put(source, mem, map, str_sub(key, 0, (size_t)dot), inner, err);
}

/* Aliases can make a tree deeper than its text. */
static int walk_step(size_t *left, unsigned depth, struct err *err)
{
    if (*left == 0 || --*left == 0)
        return err_set(err, ERR_TOO_LARGE, "more than %u values behind the aliases",
                       YAML_NODES_MAX);
    if (depth > YAML_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "nested deeper than %u levels by aliases",
                       YAML_DEPTH_MAX);
    return 0;
}

static int expand_node(const struct yaml_source *source, struct arena *mem, struct value *node,
                       size_t *left, unsigned depth, struct err *err)
{
    TRY(walk_step(left, depth, err));
    if (node->kind == VALUE_LIST) {
        for (size_t i = 0; i < node->list->count; i++)
            TRY(expand_node(source, mem, &node->list->items[i], left, depth + 1, err));
    }
    if (node->kind != VALUE_MAP)
        return 0;
    struct value out = value_map(mem, node->map->count);
    out.pos = node->pos;
    for (size_t i = 0; i < node->map->count; i++) {
        struct value v = node->map->values[i];
        TRY(expand_node(source, mem, &v, left, depth + 1, err));
        TRY(put_path(source, mem, &out, node->map->keys[i], v, err));
    }
    *node = out;
    return 0;
}

int yaml_expand_keys(const struct yaml_source *source, struct arena *mem, struct value *root,
                     struct err *err)
{
    size_t left = YAML_NODES_MAX;
    return expand_node(source, mem, root, &left, 0, err);
}

/* ---- ${VAR} ---- */

struct env {
    const struct yaml_source *source;
    struct arena *mem;
    yaml_env_fn *get;
    void *owner;
    size_t left;
};

/* The inside of ${…}: "VAR", "VAR:default" or "VAR:?message". */
static int env_one(const struct env *env, struct str inside, struct str *ret_text, struct err *err)
{
    ptrdiff_t colon = str_find_char(inside, ':');
    struct str name = colon < 0 ? inside : str_sub(inside, 0, (size_t)colon);
    struct str dflt = colon < 0 ? STR_NONE : str_from_off(inside, (size_t)colon + 1);
    struct str got = env->get(env->owner, name);
    if (got.p) {
        *ret_text = got;
        return 0;
    }
    if (colon < 0)
        return err_set(err, ERR_CONFIG,
                       "the environment variable \"%.*s\" is not set: set it, or give a default as "
                       "${%.*s:default}",
                       STR_ARG(name), STR_ARG(name));
    if (dflt.n && dflt.p[0] == '?')
        return err_set(err, ERR_CONFIG, "the environment variable \"%.*s\" is not set: %.*s",
                       STR_ARG(name), STR_ARG(str_from_off(dflt, 1)));
    *ret_text = dflt.p ? dflt : STR("");
    return 0;
}

static int env_text(const struct env *env, struct value *v, struct err *err)
{
    struct str s = v->s;
    uint32_t pos = v->pos;
    struct buf out;
    ptrdiff_t at;
    bool is_whole = str_starts_with(s, STR("${")) && str_find_char(s, '}') == (ptrdiff_t)s.n - 1;
    buf_init(&out, MIB);
    while ((at = str_find(s, STR("${"))) >= 0) {
        ptrdiff_t end = str_find_char(str_from_off(s, (size_t)at), '}');
        struct str text = STR_NONE;
        bool is_escaped = at > 0 && s.p[at - 1] == '$'; /* "$${x}" is the text "${x}" */
        int rc = 0;
        if (end < 0)
            rc = err_set(err, ERR_CONFIG, "\"${\" without \"}\"");
        else if (!is_escaped)
            rc = env_one(env, str_sub(s, (size_t)at + 2, (size_t)end - 2), &text, err);
        if (rc < 0) {
            buf_deinit(&out);
            return yaml_err_at(env->source, pos, err);
        }
        buf_add(&out, s.p, (size_t)at - (is_escaped ? 1 : 0));
        if (is_escaped)
            buf_add(&out, s.p + at, (size_t)end + 1);
        else
            buf_add_str(&out, text);
        s = str_from_off(s, (size_t)(at + end) + 1);
    }
    buf_add_str(&out, s);
    *v = is_whole && !(v->flags & VALUE_FLAG_QUOTED) ? yaml_scalar(env->mem, buf_str(&out))
                                                     : value_str_copy(env->mem, buf_str(&out));
    v->pos = pos;
    buf_deinit(&out);
    return 0;
}

static int env_node(struct env *env, struct value *node, unsigned depth, struct err *err)
{
    TRY(walk_step(&env->left, depth, err));
    if (node->kind == VALUE_STR && str_find(node->s, STR("${")) >= 0)
        return env_text(env, node, err);
    if (node->kind == VALUE_LIST) {
        for (size_t i = 0; i < node->list->count; i++)
            TRY(env_node(env, &node->list->items[i], depth + 1, err));
    }
    if (node->kind == VALUE_MAP) {
        for (size_t i = 0; i < node->map->count; i++)
            TRY(env_node(env, &node->map->values[i], depth + 1, err));
    }
    return 0;
}

int yaml_expand_env(const struct yaml_source *source, struct arena *mem, struct value *root,
                    yaml_env_fn *get, void *owner, struct err *err)
{
    struct env env = {
        .source = source, .mem = mem, .get = get, .owner = owner, .left = YAML_NODES_MAX};
    return env_node(&env, root, 0, err);
}
