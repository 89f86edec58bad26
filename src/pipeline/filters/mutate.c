/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.c: changes fields: the options of one mutate run in Logstash's fixed order, whatever order
 * they stand in: coerce rename update replace convert gsub uppercase capitalize lowercase strip
 * split join merge copy; then the common ones. The first operation that fails ends the event's turn
 * with the tag _mutate_error. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/filters/convert.h"
#include "pipeline/template.h"
#include "text/regex.h"
#include "text/utf8.h"

enum op_kind {
    OP_COERCE,
    OP_RENAME,
    OP_UPDATE,
    OP_REPLACE,
    OP_CONVERT,
    OP_GSUB,
    OP_UPPERCASE,
    OP_CAPITALIZE,
    OP_LOWERCASE,
    OP_STRIP,
    OP_SPLIT,
    OP_JOIN,
    OP_MERGE,
    OP_COPY,
    OP_COUNT,
};

/* One entry of one option. */
struct op {
    enum op_kind kind;
    struct field_ref field;
    struct field_ref other;    /* rename, copy: to; merge: from */
    struct text_template text; /* coerce, update, replace, split, join, gsub: replacement */
    struct value constant;     /* update, replace, coerce with something that is no text */
    enum convert_type type;
    struct text_template pattern; /* gsub with a field in its pattern */
    struct regex *re;             /* gsub otherwise */
};

struct mutate {
    struct value options[OP_COUNT];
    struct str tag_on_failure;
    struct op *ops;
    size_t op_count;
};

#define MUTATE_OPT(op, text_name, opt_kind_, ...)                                                  \
    {                                                                                              \
        .name = text_name, .kind = opt_kind_,                                                      \
        .offset = offsetof(struct mutate, options) + (op) * sizeof(struct value), __VA_ARGS__      \
    }
#define MUTATE_MAP(op, text_name, ...)  MUTATE_OPT(op, text_name, OPT_KIND_MAP, __VA_ARGS__)
#define MUTATE_LIST(op, text_name, ...) MUTATE_OPT(op, text_name, OPT_KIND_LIST, __VA_ARGS__)

static const struct opt mutate_opts[] = {
    MUTATE_MAP(OP_COERCE, "coerce", .help = "Default for a field that is there and null."),
    MUTATE_MAP(OP_RENAME, "rename", .help = "Old name => new name."),
    MUTATE_MAP(OP_UPDATE, "update", .help = "New content for a field that is there."),
    MUTATE_MAP(OP_REPLACE, "replace", .help = "New content for a field, there or not."),
    MUTATE_MAP(OP_CONVERT, "convert",
               .help = "Field => integer, float, string, boolean, integer_eu or float_eu."),
    MUTATE_LIST(OP_GSUB, "gsub", .help = "Threes of field, pattern, replacement."),
    MUTATE_LIST(OP_UPPERCASE, "uppercase", .help = "Fields to write in capital letters."),
    MUTATE_LIST(OP_CAPITALIZE, "capitalize", .help = "Fields to begin with a capital letter."),
    MUTATE_LIST(OP_LOWERCASE, "lowercase", .help = "Fields to write in small letters."),
    MUTATE_LIST(OP_STRIP, "strip", .help = "Fields to free of blanks at both ends."),
    MUTATE_MAP(OP_SPLIT, "split", .help = "Field => separator: text becomes an array."),
    MUTATE_MAP(OP_JOIN, "join", .help = "Field => separator: an array becomes text."),
    MUTATE_MAP(OP_MERGE, "merge", .help = "Field => field (or fields) to add to it."),
    MUTATE_MAP(OP_COPY, "copy", .help = "Field => new field with the same content."),
    OPT_STR(struct mutate, tag_on_failure, .dflt = "_mutate_error",
            .help = "Tag of events that cannot be changed."),
    OPT_END,
};

/* ---- init ---- */

static struct op *op_new(struct mutate *mutate, enum op_kind kind)
{
    struct op *op = &mutate->ops[mutate->op_count++];
    op->kind = kind;
    return op;
}

static int err_value(struct plugin *plugin, const char *option, const struct value *v,
                     const char *wanted, struct err *err)
{
    err_set(err, ERR_CONFIG, "\"%s\" wants %s, not %s", option, wanted, value_kind_name(v));
    return plugin_err_at(plugin, v->pos, err);
}

static int convert_type_find(struct plugin *plugin, const struct value *v,
                             enum convert_type *ret_type, struct err *err)
{
    if (v->kind != VALUE_STR)
        return err_value(plugin, "convert", v, "the name of a type", err);
    if (convert_type_from_str(v->s, ret_type))
        return 0;
    const char *nearest = name_nearest(convert_type_names, v->s);
    err_set(err, ERR_CONFIG,
            "\"" STR_FMT
            "\" is no type%s%s%s: integer, float, string, boolean, integer_eu, float_eu",
            STR_ARG(v->s), nearest ? ": did you mean \"" : "", nearest ? nearest : "",
            nearest ? "\"" : "");
    return plugin_err_at(plugin, v->pos, err);
}

/* The value side of a hash entry, by operation. */
static int entry_value(struct plugin *plugin, struct op *op, const struct value *v, struct err *err)
{
    switch (op->kind) {
    case OP_CONVERT:
        return convert_type_find(plugin, v, &op->type, err);
    case OP_COERCE:
    case OP_UPDATE:
    case OP_REPLACE:
        if (v->kind != VALUE_STR) {
            op->constant = *v;
            return 0;
        }
        return text_template_compile(plugin, v, &op->text, err);
    case OP_SPLIT:
    case OP_JOIN:
        if (v->kind != VALUE_STR)
            return err_value(plugin, op->kind == OP_SPLIT ? "split" : "join", v, "a separator",
                             err);
        op->text.constant = v->s;
        return 0;
    case OP_RENAME:
    case OP_COPY:
    case OP_MERGE:
        if (v->kind != VALUE_STR)
            return err_value(plugin,
                             op->kind == OP_RENAME ? "rename"
                             : op->kind == OP_COPY ? "copy"
                                                   : "merge",
                             v, "a field's name", err);
        return field_ref_compile(plugin, v->s, v->pos, &op->other, err);
    case OP_GSUB:
    case OP_UPPERCASE:
    case OP_CAPITALIZE:
    case OP_LOWERCASE:
    case OP_STRIP:
    case OP_COUNT:
        break;
    }
    return 0;
}

static int map_ops(struct mutate *mutate, struct plugin *plugin, enum op_kind kind,
                   const struct value_map *map, struct err *err)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct value *items;
        size_t count = kind == OP_MERGE ? setting_items(&map->values[i], &items) : 1;
        if (kind != OP_MERGE)
            items = &map->values[i];
        for (size_t k = 0; k < count; k++) {
            struct op *op = op_new(mutate, kind);
            TRY(field_ref_compile(plugin, map->keys[i], map->values[i].pos, &op->field, err));
            TRY(entry_value(plugin, op, &items[k], err));
        }
    }
    return 0;
}

static int gsub_op(struct mutate *mutate, struct plugin *plugin, const struct value three[3],
                   struct err *err)
{
    struct op *op = op_new(mutate, OP_GSUB);
    for (size_t i = 0; i < 3; i++) {
        if (three[i].kind != VALUE_STR && three[i].kind != VALUE_INT)
            return err_value(plugin, "gsub", &three[i], "texts", err);
    }
    TRY(field_ref_compile(plugin, value_to_str(plugin->mem, &three[0]), three[0].pos, &op->field,
                          err));
    TRY(text_template_compile(plugin, &three[1], &op->pattern, err));
    TRY(text_template_compile(plugin, &three[2], &op->text, err));
    if (op->pattern.t)
        return 0;
    return regex_compile(op->pattern.constant, REGEX_RUBY, &op->re, err) < 0
               ? plugin_err_at(plugin, three[1].pos, err)
               : 0;
}

static int list_ops(struct mutate *mutate, struct plugin *plugin, enum op_kind kind,
                    const struct value_list *list, struct err *err)
{
    if (kind == OP_GSUB) {
        if (list->count % 3 != 0) {
            err_set(err, ERR_CONFIG,
                    "\"gsub\" wants threes of field, pattern, replacement, and has %zu texts",
                    list->count);
            return plugin_err_at(plugin, list->items[0].pos, err);
        }
        for (size_t i = 0; i < list->count; i += 3)
            TRY(gsub_op(mutate, plugin, &list->items[i], err));
        return 0;
    }
    for (size_t i = 0; i < list->count; i++)
        TRY(field_ref_compile(plugin, value_to_str(plugin->mem, &list->items[i]),
                              list->items[i].pos, &op_new(mutate, kind)->field, err));
    return 0;
}

static size_t ops_max(const struct mutate *mutate)
{
    size_t n = 0;
    for (size_t k = 0; k < OP_COUNT; k++) {
        const struct value *v = &mutate->options[k];
        if (v->kind == VALUE_LIST)
            n += v->list->count;
        for (size_t i = 0; v->kind == VALUE_MAP && i < v->map->count; i++)
            n += v->map->values[i].kind == VALUE_LIST ? v->map->values[i].list->count : 1;
    }
    return n;
}

static int mutate_init(void *self, struct plugin *plugin, struct err *err)
{
    struct mutate *mutate = self;
    mutate->ops = ARENA_ARRAY(plugin->mem, struct op, ops_max(mutate));
    for (size_t k = 0; k < OP_COUNT; k++) {
        const struct value *v = &mutate->options[k];
        if (v->kind == VALUE_MAP)
            TRY(map_ops(mutate, plugin, (enum op_kind)k, v->map, err));
        else if (v->kind == VALUE_LIST)
            TRY(list_ops(mutate, plugin, (enum op_kind)k, v->list, err));
    }
    return 0;
}

static void mutate_deinit(void *self)
{
    struct mutate *mutate = self;
    for (size_t i = 0; i < mutate->op_count; i++)
        regex_free(mutate->ops[i].re);
}

/* ---- operations on texts, element-wise on arrays ---- */

struct turn { /* one call of process */
    struct plugin *plugin;
    struct regex_match *match;
};

typedef bool text_fn(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                     struct err *err);

/* False: failed, `err` says why. */
static bool each_text(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                      text_fn *fn, struct err *err)
{
    if (v->kind == VALUE_STR)
        return fn(turn, op, ev, v, err);
    for (size_t i = 0; v->kind == VALUE_LIST && i < v->list->count; i++) {
        if (v->list->items[i].kind == VALUE_STR && !fn(turn, op, ev, &v->list->items[i], err))
            return false;
    }
    return true;
}

static bool case_text(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                      struct err *err)
{
    (void)turn;
    (void)err;
    if (op->kind == OP_UPPERCASE)
        v->s = utf8_upper(ev->mem, v->s);
    else if (op->kind == OP_LOWERCASE)
        v->s = utf8_lower(ev->mem, v->s);
    else
        v->s = utf8_capitalize(ev->mem, v->s);
    return true;
}

static bool is_ruby_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool strip_text(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                       struct err *err)
{
    (void)turn;
    (void)op;
    (void)ev;
    (void)err;
    while (v->s.n > 0 && is_ruby_blank(v->s.p[0]))
        v->s = str_from_off(v->s, 1);
    while (v->s.n > 0 && (is_ruby_blank(v->s.p[v->s.n - 1]) || v->s.p[v->s.n - 1] == '\0'))
        v->s.n--;
    return true;
}

static bool gsub_text(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                      struct err *err)
{
    CLEANUP(regex_free_ptr) struct regex *own = NULL;
    const struct regex *re = op->re;
    if (!re) {
        if (regex_compile(text_template_get(&op->pattern, ev), REGEX_RUBY, &own, err) < 0)
            return false;
        re = own;
    }
    struct buf out;
    buf_init(&out, 0);
    int rc = regex_replace(re, v->s, text_template_get(&op->text, ev), true, turn->match, &out);
    if (rc > 0)
        v->s = arena_str(ev->mem, buf_str(&out));
    buf_deinit(&out);
    if (rc < 0)
        err_set(err, ERR_TIMEOUT,
                "gsub gave up on a text of %zu bytes: the pattern takes too many steps", v->s.n);
    return rc >= 0;
}

/* ---- the other operations ---- */

static bool set(struct event *ev, const struct field_path *path, struct value v, struct err *err)
{
    return event_set(ev, path, v, err) >= 0;
}

static bool op_rename(const struct op *op, struct event *ev, const struct field_path *from,
                      struct err *err)
{
    struct field_path tmp;
    const struct field_path *to = field_ref_get(&op->other, ev, &tmp);
    struct value v;
    if (!to) {
        err_set(err, ERR_INVALID, "the new name is no field reference");
        return false;
    }
    if (!event_remove(ev, from, &v))
        return true;
    return set(ev, to, v, err);
}

static bool op_content(const struct op *op, struct event *ev, const struct field_path *path,
                       struct err *err)
{
    const struct value *old = event_get(ev, path);
    if (op->kind == OP_UPDATE && !old)
        return true;
    if (op->kind == OP_COERCE && (!old || old->kind != VALUE_NULL))
        return true;
    struct value v = op->constant.kind != VALUE_NONE ? value_copy(ev->mem, &op->constant)
                                                     : value_str(text_template_get(&op->text, ev));
    return set(ev, path, v, err);
}

static bool op_convert(struct turn *turn, const struct op *op, struct event *ev, struct value *v,
                       struct err *err)
{
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list->count; i++) {
            if (!op_convert(turn, op, ev, &v->list->items[i], err))
                return false;
        }
        return true;
    }
    enum convert_result result = convert_value(op->type, ev->mem, v);
    if (result == CONVERT_UNKNOWN_BOOLEAN)
        plugin_warn(turn->plugin, "\"" STR_FMT "\" is no boolean: left as it is",
                    STR_ARG(str_sub(value_to_str(ev->mem, v), 0, 200)));
    if (result == CONVERT_FAILED)
        err_set(err, ERR_INVALID, "%s cannot be made %s", value_kind_name(v),
                convert_type_names[op->type]);
    return result != CONVERT_FAILED;
}

/* Ruby's String#split: one blank means runs of blanks, nothing means characters; empty parts at the
 * end fall away. */
static void op_split(const struct op *op, struct event *ev, struct value *v)
{
    if (v->kind != VALUE_STR)
        return;
    struct str text = v->s, separator = op->text.constant;
    struct value list = value_list(ev->mem, 8);
    if (str_is(separator, " ")) {
        for (size_t i = 0; i < text.n;) {
            size_t start = i;
            while (i < text.n && !is_ruby_blank(text.p[i]))
                i++;
            if (i > start)
                value_list_add(ev->mem, &list, value_str(str_sub(text, start, i - start)));
            while (i < text.n && is_ruby_blank(text.p[i]))
                i++;
        }
    } else if (separator.n == 0) {
        for (const char *p = text.p, *end = str_end(text); p < end;) {
            const char *start = p;
            (void)utf8_next(&p, end);
            value_list_add(ev->mem, &list, value_str((struct str){start, (size_t)(p - start)}));
        }
    } else if (text.n > 0) {
        ptrdiff_t at;
        while ((at = separator.n == 1 ? str_find_char(text, separator.p[0])
                                      : str_find(text, separator)) >= 0) {
            value_list_add(ev->mem, &list, value_str(str_sub(text, 0, (size_t)at)));
            text = str_from_off(text, (size_t)at + separator.n);
        }
        value_list_add(ev->mem, &list, value_str(text));
    }
    while (list.list->count > 0 && list.list->items[list.list->count - 1].s.n == 0)
        list.list->count--;
    *v = list;
}

static void join_into(struct buf *out, struct str separator, const struct value *list,
                      struct arena *mem, bool *is_first)
{
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *item = &list->list->items[i];
        if (item->kind == VALUE_LIST) {
            join_into(out, separator, item, mem, is_first);
            continue;
        }
        if (!*is_first)
            buf_add_str(out, separator);
        *is_first = false;
        buf_add_str(out, value_to_str(mem, item));
    }
}

static void op_join(const struct op *op, struct event *ev, struct value *v)
{
    if (v->kind != VALUE_LIST)
        return;
    struct buf out;
    bool is_first = true;
    buf_init(&out, 0);
    join_into(&out, op->text.constant, v, ev->mem, &is_first);
    *v = value_str(arena_str(ev->mem, buf_str(&out)));
    buf_deinit(&out);
}

static void add_items(struct arena *mem, struct value *list, const struct value *v)
{
    if (!v || v->kind == VALUE_NULL)
        return;
    if (v->kind != VALUE_LIST) {
        value_list_add(mem, list, value_copy(mem, v));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++)
        value_list_add(mem, list, value_copy(mem, &v->list->items[i]));
}

static bool op_merge(struct turn *turn, const struct op *op, struct event *ev,
                     const struct field_path *path, struct err *err)
{
    struct field_path tmp;
    const struct field_path *from_path = field_ref_get(&op->other, ev, &tmp);
    struct value *to = event_get(ev, path);
    const struct value *from = from_path ? event_get(ev, from_path) : NULL;
    bool to_is_map = to && to->kind == VALUE_MAP, from_is_map = from && from->kind == VALUE_MAP;
    if (to_is_map != from_is_map) {
        plugin_warn(turn->plugin, "not possible to merge an array and a hash: \"" STR_FMT "\"",
                    STR_ARG(path->text));
        return true;
    }
    if (to_is_map) {
        for (size_t i = 0; i < from->map->count; i++)
            value_map_set(ev->mem, to, from->map->keys[i],
                          value_copy(ev->mem, &from->map->values[i]));
        return true;
    }
    struct value list = value_list(ev->mem, 4);
    add_items(ev->mem, &list, to);
    add_items(ev->mem, &list, from);
    return set(ev, path, list, err);
}

static bool op_copy(const struct op *op, struct event *ev, const struct value *v, struct err *err)
{
    struct field_path tmp;
    const struct field_path *to = field_ref_get(&op->other, ev, &tmp);
    if (v->kind == VALUE_NULL)
        return true;
    if (!to) {
        err_set(err, ERR_INVALID, "the new name is no field reference");
        return false;
    }
    return set(ev, to, value_copy(ev->mem, v), err);
}

static bool op_run(struct turn *turn, const struct op *op, struct event *ev, struct err *err)
{
    struct field_path tmp;
    const struct field_path *path = field_ref_get(&op->field, ev, &tmp);
    if (!path) {
        err_set(err, ERR_INVALID, "the field's name is no field reference");
        return false;
    }
    if (op->kind == OP_RENAME)
        return op_rename(op, ev, path, err);
    if (op->kind == OP_COERCE || op->kind == OP_UPDATE || op->kind == OP_REPLACE)
        return op_content(op, ev, path, err);
    if (op->kind == OP_MERGE)
        return op_merge(turn, op, ev, path, err);
    struct value *v = event_get(ev, path);
    if (!v || v->kind == VALUE_NULL)
        return true;
    switch (op->kind) {
    case OP_CONVERT:
        return v->kind == VALUE_MAP ? true : op_convert(turn, op, ev, v, err);
    case OP_GSUB:
        return each_text(turn, op, ev, v, gsub_text, err);
    case OP_UPPERCASE:
    case OP_CAPITALIZE:
    case OP_LOWERCASE:
        return each_text(turn, op, ev, v, case_text, err);
    case OP_STRIP:
        return each_text(turn, op, ev, v, strip_text, err);
    case OP_SPLIT:
        op_split(op, ev, v);
        return true;
    case OP_JOIN:
        op_join(op, ev, v);
        return true;
    case OP_COPY:
        return op_copy(op, ev, v, err);
    case OP_COERCE:
    case OP_RENAME:
    case OP_UPDATE:
    case OP_REPLACE:
    case OP_MERGE:
    case OP_COUNT:
        break;
    }
    return true;
}

static void mutate_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    struct mutate *mutate = self;
    CLEANUP(regex_match_free_ptr) struct regex_match *match = NULL;
    if (mutate->options[OP_GSUB].kind == VALUE_LIST)
        match = regex_match_new();
    struct turn turn = {.plugin = run->plugin, .match = match};
    for (size_t i = 0; i < count; i++) {
        struct err err;
        bool is_ok = true;
        for (size_t k = 0; k < mutate->op_count && is_ok; k++)
            is_ok = op_run(&turn, &mutate->ops[k], events[i], &err);
        if (is_ok) {
            filter_matched(run, events[i]);
        } else {
            plugin_warn(run->plugin, "%s", err.text);
            filter_failed(run, events[i], mutate->tag_on_failure);
        }
    }
}

const struct filter_type filter_mutate = {
    .name = "mutate",
    .summary = "Renames, replaces, converts, splits and joins fields.",
    .since = "0.1",
    .opts = mutate_opts,
    .size = sizeof(struct mutate),
    .init = mutate_init,
    .process = mutate_process,
    .deinit = mutate_deinit,
};
