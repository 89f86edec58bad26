/* SPDX-License-Identifier: Apache-2.0 */
/* kv.c: finds key=value pairs in a text. Separators are sets of characters (or patterns), values
 * may be quoted or in brackets. One pass from left to right: a piece without a value separator
 * before the next field separator is skipped. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/template.h"
#include "text/regex.h"
#include "text/utf8.h"

#define KV_DEPTH_MAX 16u /* recursive */

enum transform { TRANSFORM_LOWERCASE, TRANSFORM_UPPERCASE, TRANSFORM_CAPITALIZE, TRANSFORM_NONE };

struct kv {
    struct str source, target, field_split, value_split, field_split_pattern, value_split_pattern,
        prefix;
    struct str trim_key, trim_value, remove_char_key, remove_char_value, tag_on_timeout;
    struct value default_keys, include_keys, exclude_keys, tag_on_failure;
    bool allow_duplicate_values, allow_empty_values, include_brackets, recursive;
    int transform_key, transform_value, whitespace;
    int64_t timeout_millis;
    struct field_path source_path, target_path;
    struct regex *field_re, *value_re; /* NULL: sets of characters */
    struct text_template prefix_t;
};

static const char *const transforms[] = {"lowercase", "uppercase", "capitalize", "none", NULL};
static const char *const whitespaces[] = {"lenient", "strict", NULL};
static const struct opt kv_opts[] = {
    OPT_FIELD(struct kv, source, .dflt = "message", .help = "Field that holds the text."),
    OPT_FIELD(struct kv, target, .help = "Field to put the pairs under; else the event itself."),
    OPT_STR(struct kv, field_split, .dflt = " ",
            .help = "Characters that stand between two pairs."),
    OPT_STR(struct kv, value_split, .dflt = "=",
            .help = "Characters that stand between key and value."),
    OPT_STR(struct kv, field_split_pattern, .help = "Pattern of what stands between two pairs."),
    OPT_STR(struct kv, value_split_pattern,
            .help = "Pattern of what stands between key and value."),
    OPT_STR(struct kv, prefix, .dflt = "", .help = "Text in front of each key."),
    OPT_STR(struct kv, trim_key, .help = "Characters to take off both ends of keys."),
    OPT_STR(struct kv, trim_value, .help = "Characters to take off both ends of values."),
    OPT_STR(struct kv, remove_char_key, .help = "Characters to take out of keys."),
    OPT_STR(struct kv, remove_char_value, .help = "Characters to take out of values."),
    OPT_MAP(struct kv, default_keys, .help = "Key => value when the text has no such key."),
    OPT_LIST(struct kv, include_keys, .help = "Keeps these keys only."),
    OPT_LIST(struct kv, exclude_keys, .help = "Leaves these keys out."),
    OPT_LIST(struct kv, tag_on_failure, .help = "Tags when it fails; else _kv_filter_error."),
    OPT_STR(struct kv, tag_on_timeout, .dflt = "_kv_filter_timeout",
            .help = "Tag when a pattern takes too many steps."),
    OPT_INT(struct kv, timeout_millis, .dflt = "30000", .flags = OPT_OBSOLETE,
            .help = "Patterns are bounded by steps."),
    OPT_BOOL(struct kv, allow_duplicate_values, .dflt = "true",
             .help = "Keeps equal values of one key."),
    OPT_BOOL(struct kv, allow_empty_values, .dflt = "false", .help = "Keeps keys without a value."),
    OPT_BOOL(struct kv, include_brackets, .dflt = "true",
             .help = "Takes (…), […] and <…> as quotes."),
    OPT_BOOL(struct kv, recursive, .dflt = "false", .help = "Looks for pairs in values too."),
    OPT_ENUM(struct kv, transform_key, .choices = transforms, .dflt = "none",
             .help = "lowercase, uppercase, capitalize"),
    OPT_ENUM(struct kv, transform_value, .choices = transforms, .dflt = "none",
             .help = "lowercase, uppercase, capitalize"),
    OPT_ENUM(struct kv, whitespace, .choices = whitespaces, .dflt = "lenient",
             .help = "lenient: blanks around the value separator"),
    OPT_END,
};

static int pattern_compile(struct plugin *plugin, const char *name, struct regex **ret_re,
                           struct err *err)
{
    const struct value *v = value_map_get(&plugin->settings, str_from(name));
    if (!v)
        return 0;
    return regex_compile(value_to_str(plugin->mem, v), REGEX_RUBY, ret_re, err) < 0
               ? plugin_err_at(plugin, v->pos, err)
               : 0;
}

static int kv_init(void *self, struct plugin *plugin, struct err *err)
{
    struct kv *kv = self;
    TRY(field_path_parse(plugin->mem, kv->source, &kv->source_path, err));
    if (kv->target.p)
        TRY(field_path_parse(plugin->mem, kv->target, &kv->target_path, err));
    if (kv->field_split.n == 0 || kv->value_split.n == 0)
        return err_set(err, ERR_CONFIG, "\"field_split\" and \"value_split\" cannot be empty");
    TRY(pattern_compile(plugin, "field_split_pattern", &kv->field_re, err));
    TRY(pattern_compile(plugin, "value_split_pattern", &kv->value_re, err));
    struct value prefix = value_str(kv->prefix);
    return text_template_compile(plugin, &prefix, &kv->prefix_t, err);
}

static void kv_deinit(void *self)
{
    struct kv *kv = self;
    regex_free(kv->field_re);
    regex_free(kv->value_re);
}

/* ---- scanning ---- */

struct scan {
    const struct kv *kv;
    struct event *ev;
    struct regex_match *match;
    struct str text;
    bool is_over; /* a pattern took too many steps */
};

/* Sets of characters are written as inside [ ] of a pattern: \t, \n, \\ … and a-z. */
static bool set_has(struct str set, char c)
{
    for (size_t i = 0; i < set.n; i++) {
        char low = set.p[i];
        if (low == '\\' && i + 1 < set.n) {
            low = set.p[++i];
            low = low == 't' ? '\t' : low == 'n' ? '\n' : low == 'r' ? '\r' : low;
            if (low == 's' && (c == ' ' || (c >= '\t' && c <= '\r')))
                return true;
        }
        char high = low;
        if (i + 2 < set.n && set.p[i + 1] == '-') {
            high = set.p[i + 2];
            i += 2;
        }
        if (c >= low && c <= high)
            return true;
    }
    return false;
}

struct hit {
    size_t begin, end;
};

/* The next separator from `at` on; false: none. */
static bool find(struct scan *scan, struct str set, const struct regex *re, size_t at,
                 struct hit *hit)
{
    if (re) {
        int rc = regex_find(re, scan->text, at, scan->match);
        scan->is_over = scan->is_over || rc < 0;
        if (rc <= 0 || regex_match_end(scan->match) == regex_match_begin(scan->match))
            return false;
        *hit = (struct hit){regex_match_begin(scan->match), regex_match_end(scan->match)};
        return true;
    }
    for (; at < scan->text.n; at++) {
        if (set_has(set, scan->text.p[at])) {
            *hit = (struct hit){at, at + 1};
            return true;
        }
    }
    return false;
}

static bool find_field_split(struct scan *scan, size_t at, struct hit *hit)
{
    return find(scan, scan->kv->field_split, scan->kv->field_re, at, hit);
}

static bool find_value_split(struct scan *scan, size_t at, struct hit *hit)
{
    if (!find(scan, scan->kv->value_split, scan->kv->value_re, at, hit))
        return false;
    if (scan->kv->whitespace == 0) {
        while (hit->begin > at && scan->text.p[hit->begin - 1] == ' ')
            hit->begin--;
        while (hit->end < scan->text.n && scan->text.p[hit->end] == ' ')
            hit->end++;
    }
    return true;
}

/* A quoted or bracketed run at `at`: its inside, and where it ends. */
static bool quoted(const struct scan *scan, size_t at, bool with_brackets, struct str *inside,
                   size_t *end)
{
    static const char open[] = "\"'([<", close[] = "\"')]>";
    const char *hit = at < scan->text.n && scan->text.p[at] ? strchr(open, scan->text.p[at]) : NULL;
    if (!hit || (hit - open >= 2 && !with_brackets))
        return false;
    struct str rest = str_from_off(scan->text, at + 1);
    ptrdiff_t n = str_find_char(rest, close[hit - open]);
    if (n < 0 || (n == 0 && !scan->kv->allow_empty_values))
        return false;
    *inside = str_sub(rest, 0, (size_t)n);
    *end = at + 1 + (size_t)n + 1;
    return true;
}

static bool is_at_split_or_end(struct scan *scan, size_t at)
{
    struct hit hit;
    return at >= scan->text.n || (find_field_split(scan, at, &hit) && hit.begin == at);
}

/* ---- keys and values ---- */

static struct str trimmed(struct str text, struct str set)
{
    while (text.n && set_has(set, text.p[0]))
        text = str_from_off(text, 1);
    while (text.n && set_has(set, text.p[text.n - 1]))
        text.n--;
    return text;
}

static struct str without(struct arena *mem, struct str text, struct str set)
{
    char *to = arena_alloc(mem, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!set_has(set, text.p[i]))
            to[n++] = text.p[i];
    }
    return (struct str){to, n};
}

static struct str changed(struct arena *mem, struct str text, struct str trim, struct str removed,
                          int transform)
{
    if (trim.n)
        text = trimmed(text, trim);
    if (removed.n)
        text = without(mem, text, removed);
    if (transform == TRANSFORM_LOWERCASE)
        return utf8_lower(mem, text);
    if (transform == TRANSFORM_UPPERCASE)
        return utf8_upper(mem, text);
    return transform == TRANSFORM_CAPITALIZE ? utf8_capitalize(mem, text) : text;
}

static bool list_has(const struct value *setting, struct str text, struct arena *mem)
{
    const struct value *items;
    size_t count = setting_items(setting, &items);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(value_to_str(mem, &items[i]), text))
            return true;
    }
    return false;
}

static bool is_wanted(const struct kv *kv, struct str key, struct arena *mem)
{
    const struct value *items;
    if (setting_items(&kv->include_keys, &items) > 0 && !list_has(&kv->include_keys, key, mem))
        return false;
    return !list_has(&kv->exclude_keys, key, mem);
}

static void pair_add(const struct kv *kv, struct arena *mem, struct value *pairs, struct str key,
                     struct value v)
{
    struct value *old = value_map_get(pairs, key);
    if (!old) {
        value_map_set(mem, pairs, key, v);
        return;
    }
    if (old->kind != VALUE_LIST) {
        if (!kv->allow_duplicate_values && value_eq(old, &v))
            return;
        struct value list = value_list(mem, 2);
        value_list_add(mem, &list, *old);
        *old = list;
    }
    for (size_t i = 0; !kv->allow_duplicate_values && i < old->list->count; i++) {
        if (value_eq(&old->list->items[i], &v))
            return;
    }
    value_list_add(mem, old, v);
}

static void parse(struct scan *scan, struct value *pairs, unsigned depth);

static void pair(struct scan *scan, struct value *pairs, struct str key, struct str text,
                 unsigned depth)
{
    const struct kv *kv = scan->kv;
    struct arena *mem = scan->ev->mem;
    key = changed(mem, key, kv->trim_key, kv->remove_char_key, kv->transform_key);
    if (key.n == 0 || !is_wanted(kv, key, mem))
        return;
    struct str prefix = text_template_get(&kv->prefix_t, scan->ev);
    if (prefix.n)
        key = arena_printf(mem, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(key));
    text = changed(mem, text, kv->trim_value, kv->remove_char_value, kv->transform_value);
    struct value v = value_str(text);
    if (kv->recursive && depth < KV_DEPTH_MAX) {
        struct scan inner = *scan;
        struct value inner_pairs = value_map(mem, 4);
        inner.text = text;
        parse(&inner, &inner_pairs, depth + 1);
        if (inner_pairs.map->count > 0)
            v = inner_pairs;
    }
    pair_add(kv, mem, pairs, key, v);
}

/* The value behind the separator, and where the next pair is looked for. */
static struct str value_text(struct scan *scan, size_t at, size_t *next)
{
    struct str inside;
    struct hit hit;
    if (quoted(scan, at, scan->kv->include_brackets, &inside, next) &&
        is_at_split_or_end(scan, *next))
        return inside;
    *next = find_field_split(scan, at, &hit) ? hit.begin : scan->text.n;
    return str_sub(scan->text, at, *next - at);
}

static void parse(struct scan *scan, struct value *pairs, unsigned depth)
{
    size_t at = 0, quoted_end;
    struct hit field, value;
    while (at < scan->text.n && !scan->is_over) {
        struct str key;
        bool has_field = find_field_split(scan, at, &field);
        if (has_field && field.begin == at) {
            at = field.end;
            continue;
        }
        if (!find_value_split(scan, at, &value))
            return;
        if (quoted(scan, at, false, &key, &quoted_end) &&
            find_value_split(scan, quoted_end, &value) && value.begin == quoted_end) {
            has_field = false;
        } else {
            key = str_sub(scan->text, at, value.begin - at);
        }
        if (has_field && field.begin < value.begin) {
            at = field.end; /* no pair */
            continue;
        }
        struct str text = value_text(scan, value.end, &at);
        if (text.n > 0 || scan->kv->allow_empty_values)
            pair(scan, pairs, key, text, depth);
    }
}

/* ---- events ---- */

static void add_defaults(const struct kv *kv, struct arena *mem, struct value *pairs)
{
    const struct value_map *map = kv->default_keys.kind == VALUE_MAP ? kv->default_keys.map : NULL;
    for (size_t i = 0; map && i < map->count; i++) {
        if (!value_map_get(pairs, map->keys[i]))
            value_map_set(mem, pairs, map->keys[i], value_copy(mem, &map->values[i]));
    }
}

static bool store(const struct kv *kv, struct event *ev, const struct value *pairs)
{
    if (kv->target.p)
        return event_set(ev, &kv->target_path, *pairs, NULL) >= 0;
    for (size_t i = 0; i < pairs->map->count; i++) {
        if (event_set_text(ev, pairs->map->keys[i], pairs->map->values[i], NULL) < 0)
            return false;
    }
    return true;
}

static void fail(const struct kv *kv, struct filter_run *run, struct event *ev, bool is_over)
{
    const struct value *tags;
    size_t count = setting_items(&kv->tag_on_failure, &tags);
    bool is_default =
        kv->tag_on_failure.kind == VALUE_NONE || kv->tag_on_failure.kind == VALUE_NULL;
    filter_failed(run, ev,
                  is_over      ? kv->tag_on_timeout
                  : is_default ? STR("_kv_filter_error")
                               : STR_NONE);
    for (size_t i = 0; i < count && !is_over; i++)
        event_tag(ev, value_to_str(ev->mem, &tags[i]));
}

static void one(const struct kv *kv, struct filter_run *run, struct event *ev,
                struct regex_match *match)
{
    const struct value *v = event_get(ev, &kv->source_path);
    struct value pairs = value_map(ev->mem, 8);
    struct scan scan = {.kv = kv, .ev = ev, .match = match};
    if (v && v->kind == VALUE_STR) {
        scan.text = v->s;
        parse(&scan, &pairs, 0);
    }
    for (size_t i = 0; v && v->kind == VALUE_LIST && i < v->list->count; i++) {
        if (v->list->items[i].kind != VALUE_STR)
            continue;
        scan.text = v->list->items[i].s;
        parse(&scan, &pairs, 0);
    }
    add_defaults(kv, ev->mem, &pairs);
    if (scan.is_over || (pairs.map->count > 0 && !store(kv, ev, &pairs)))
        fail(kv, run, ev, scan.is_over);
    else if (pairs.map->count > 0)
        filter_matched(run, ev);
}

static void kv_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    const struct kv *kv = self;
    CLEANUP(regex_match_free_ptr) struct regex_match *match = NULL;
    if (kv->field_re || kv->value_re)
        match = regex_match_new();
    for (size_t i = 0; i < count; i++)
        one(kv, run, events[i], match);
}

const struct filter_type filter_kv = {
    .name = "kv",
    .summary = "Finds key=value pairs in a text.",
    .since = "0.1",
    .opts = kv_opts,
    .size = sizeof(struct kv),
    .init = kv_init,
    .process = kv_process,
    .deinit = kv_deinit,
};
