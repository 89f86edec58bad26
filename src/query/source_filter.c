/* SPDX-License-Identifier: Apache-2.0 */
/* source_filter.c: _source with includes and excludes: a copy of the stored JSON without what the
 * patterns leave out, made in one pass over its bytes. A pattern names a path ("a.b") or has * in
 * it; whatever lies below a named path belongs to it. An object of which nothing is left goes away
 * unless it was named itself, as in Elasticsearch. */
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "query/search_int.h"

#define PATH_BYTES_MAX 4096u

struct filter {
    const struct source_spec *spec;
    struct json_reader reader;
    struct json_writer writer;
    struct buf out;
    char path[PATH_BYTES_MAX];
    size_t path_n;
};

/* MAY: a longer path could match; ALL: it is covered, and nothing below it is left out. */
enum glob_state { GLOB_NO, GLOB_MAY, GLOB_YES, GLOB_ALL };

/* Positions in the pattern that are reachable after each byte; patterns are short. */
static enum glob_state glob_walk(struct str pattern, struct str text)
{
    uint64_t at[(512 / 64) + 1] = {1};
    size_t n = MIN_OF(pattern.n, (size_t)511);
    for (size_t i = 0;; i++) {
        for (size_t k = 0; k < n; k++) {
            if (bitset_get(at, k) && pattern.p[k] == '*')
                bitset_set(at, k + 1);
        }
        if (i == text.n)
            break;
        uint64_t next[ARRAY_COUNT(at)] = {0};
        bool is_any = false;
        for (size_t k = 0; k < n; k++) {
            if (!bitset_get(at, k))
                continue;
            if (pattern.p[k] == '*')
                bitset_set(next, k);
            else if (pattern.p[k] == text.p[i])
                bitset_set(next, k + 1);
            else
                continue;
            is_any = true;
        }
        if (!is_any)
            return GLOB_NO;
        memcpy(at, next, sizeof(at));
    }
    return bitset_get(at, n) ? GLOB_YES : GLOB_MAY;
}

/* Does a pattern, or what lies below it, cover the path? */
static enum glob_state covers(const struct str *patterns, size_t count, struct str path)
{
    enum glob_state best = GLOB_NO;
    for (size_t i = 0; i < count; i++) {
        enum glob_state state = glob_walk(patterns[i], path);
        /* The pattern matches the path up to one of its dots: the path lies below it. */
        for (size_t k = 0; k < path.n && state != GLOB_YES; k++) {
            if (path.p[k] == '.' && glob_walk(patterns[i], str_sub(path, 0, k)) == GLOB_YES)
                state = GLOB_YES;
        }
        if (state == GLOB_MAY && glob_walk(patterns[i], path) == GLOB_NO)
            state = GLOB_NO;
        best = MAX_OF(best, state);
        if (best == GLOB_YES)
            break;
    }
    return best;
}

static bool filter_value(struct filter *f, enum json_token token, enum glob_state include);

static bool push_key(struct filter *f, struct str key, size_t *ret_before)
{
    *ret_before = f->path_n;
    if (f->path_n + key.n + 1 >= PATH_BYTES_MAX)
        return false;
    if (f->path_n > 0)
        f->path[f->path_n++] = '.';
    memcpy(f->path + f->path_n, key.p, key.n);
    f->path_n += key.n;
    return true;
}

/* Could a pattern leave out something below the path, which push_key has left room behind? */
static bool leaves_out_below(struct filter *f)
{
    if (!f->spec->exclude_count)
        return false;
    f->path[f->path_n] = '.';
    return covers(f->spec->excludes, f->spec->exclude_count,
                  (struct str){f->path, f->path_n + 1}) != GLOB_NO;
}

static enum glob_state include_of(struct filter *f, bool is_container)
{
    struct str path = {f->path, f->path_n};
    enum glob_state include =
        f->spec->include_count ? covers(f->spec->includes, f->spec->include_count, path) : GLOB_YES;
    if (f->spec->exclude_count &&
        covers(f->spec->excludes, f->spec->exclude_count, path) == GLOB_YES)
        return GLOB_NO;
    if (include == GLOB_MAY && !is_container)
        return GLOB_NO;
    return include == GLOB_YES && !leaves_out_below(f) ? GLOB_ALL : include;
}

/* Writes a member, and takes it back when nothing of it is left. */
static bool filter_member(struct filter *f, struct str key, enum json_token token,
                          enum glob_state parent)
{
    size_t before;
    if (!push_key(f, key, &before))
        return json_skip(&f->reader, token);
    bool is_container = token == JSON_OBJECT_BEGIN || token == JSON_ARRAY_BEGIN, is_ok;
    enum glob_state include = parent == GLOB_ALL ? GLOB_ALL : include_of(f, is_container);
    if (include == GLOB_NO) {
        is_ok = json_skip(&f->reader, token);
    } else {
        struct json_writer saved = f->writer;
        size_t n = f->out.n;
        struct str kept_key = arena_str(f->reader.mem, key);
        json_key(&f->writer, kept_key);
        size_t value_at = f->out.n;
        is_ok = filter_value(f, token, include);
        bool is_empty = is_container && f->out.n == value_at + 2;
        if (is_empty && include == GLOB_MAY) {
            f->writer = saved;
            f->out.n = n;
        }
    }
    f->path_n = before;
    return is_ok;
}

static bool filter_object(struct filter *f, enum glob_state include)
{
    json_object_begin(&f->writer);
    for (;;) {
        enum json_token token = json_next(&f->reader);
        if (token == JSON_OBJECT_END)
            break;
        if (token != JSON_KEY)
            return false;
        struct str key = arena_str(f->reader.mem, f->reader.text);
        if (!filter_member(f, key, json_next(&f->reader), include))
            return false;
    }
    json_object_end(&f->writer);
    return true;
}

static bool filter_array(struct filter *f, enum glob_state include)
{
    json_array_begin(&f->writer);
    for (;;) {
        enum json_token token = json_next(&f->reader);
        if (token == JSON_ARRAY_END)
            break;
        if (token == JSON_ERROR || token == JSON_END)
            return false;
        bool is_container = token == JSON_OBJECT_BEGIN || token == JSON_ARRAY_BEGIN;
        if (!is_container && include == GLOB_MAY)
            continue;
        struct json_writer saved = f->writer;
        size_t n = f->out.n, comma = saved.needs_comma ? 1 : 0;
        if (!filter_value(f, token, include))
            return false;
        if (is_container && include != GLOB_ALL &&
            f->out.n == n + comma + 2) { /* nothing of it is left */
            f->writer = saved;
            f->out.n = n;
        }
    }
    json_array_end(&f->writer);
    return true;
}

static bool filter_value(struct filter *f, enum json_token token, enum glob_state include)
{
    if (token == JSON_OBJECT_BEGIN)
        return filter_object(f, include);
    if (token == JSON_ARRAY_BEGIN)
        return filter_array(f, include);
    struct str raw;
    if (!json_skip_raw(&f->reader, token, &raw))
        return false;
    json_raw(&f->writer, raw);
    return true;
}

int source_filter(struct str json, const struct source_spec *spec, struct arena *mem,
                  struct str *ret_json, struct err *err)
{
    if (spec->include_count == 0 && spec->exclude_count == 0) {
        *ret_json = json;
        return 0;
    }
    struct filter *f = ARENA_NEW(mem, struct filter);
    f->spec = spec;
    buf_init(&f->out, 0);
    json_writer_init(&f->writer, &f->out, false);
    json_reader_init(&f->reader, json, mem, JSON_REPLACE_UTF8 | JSON_LAZY_NUMBERS);
    bool is_ok = json_next(&f->reader) == JSON_OBJECT_BEGIN && filter_object(f, GLOB_NO);
    if (is_ok)
        *ret_json = arena_str(mem, buf_str(&f->out));
    buf_deinit(&f->out);
    return is_ok ? 0 : err_set(err, ERR_CORRUPT, "a stored document is not valid JSON");
}

/* ---- Parsing ---- */

int strings_parse(const struct value *v, struct arena *mem, struct str **ret_items,
                  size_t *ret_count)
{
    size_t most = v->kind == VALUE_LIST ? v->list->count : v->kind == VALUE_STR ? 1 : 0;
    if (v->kind != VALUE_LIST && v->kind != VALUE_STR)
        return -ERR_INVALID;
    struct str *items = ARENA_ARRAY(mem, struct str, most + 1);
    for (size_t i = 0; i < most; i++) {
        const struct value *item = v->kind == VALUE_LIST ? &v->list->items[i] : v;
        if (item->kind != VALUE_STR)
            return -ERR_INVALID;
        items[i] = item->s;
    }
    *ret_items = items;
    *ret_count = most;
    return 0;
}

static int patterns(const struct value *v, struct arena *mem, struct str **ret_items,
                    size_t *ret_count, struct err *err)
{
    if (strings_parse(v, mem, ret_items, ret_count) < 0)
        return dsl_error(v, err, ERR_PARSE, "Unknown key for a %s in [_source].",
                         v->kind == VALUE_MAP ? "START_OBJECT" : "VALUE");
    return 0;
}

int source_spec_parse(const struct value *v, struct arena *mem, struct source_spec *ret_spec,
                      struct err *err)
{
    struct source_spec spec = {.is_given = true};
    if (v->kind == VALUE_BOOL) {
        spec.is_off = !v->b;
    } else if (v->kind == VALUE_STR || v->kind == VALUE_LIST) {
        TRY(patterns(v, mem, &spec.includes, &spec.include_count, err));
    } else if (v->kind == VALUE_MAP) {
        for (size_t i = 0; i < v->map->count; i++) {
            struct str key = v->map->keys[i];
            if (str_is(key, "includes") || str_is(key, "include"))
                TRY(patterns(&v->map->values[i], mem, &spec.includes, &spec.include_count, err));
            else if (str_is(key, "excludes") || str_is(key, "exclude"))
                TRY(patterns(&v->map->values[i], mem, &spec.excludes, &spec.exclude_count, err));
            else
                return dsl_error(&v->map->values[i], err, ERR_PARSE,
                                 "Unknown key for a VALUE in [" STR_FMT "].", STR_ARG(key));
        }
    } else {
        return dsl_error(v, err, ERR_PARSE,
                         "Expected one of [VALUE_BOOLEAN, START_OBJECT] but found [%s]",
                         value_kind_name(v));
    }
    *ret_spec = spec;
    return 0;
}
