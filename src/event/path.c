/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: field references. The strict grammar of Logstash 7 (FieldReference.StrictTokenizer):
 * either a bare name without brackets, or one or more [part]; [[a][b]][c] is [a][b][c]; "a[b]",
 * "[a]b", "[]" and "[a" are errors. */
#include "base/str.h"
#include "event/event.h"

/* One character at a time over a small state: *ret_path gets the parts when `mem` is given. */
static const char *tokenize(struct str text, struct arena *mem, struct field_path *path)
{
    if (text.n == 0)
        return "is empty";
    if (str_find_char(text, '[') < 0 && str_find_char(text, ']') < 0) {
        if (mem) {
            path->parts = ARENA_ARRAY(mem, struct str, 1);
            path->parts[0] = arena_str(mem, text);
        }
        path->count = 1;
        return NULL;
    }
    if (text.p[0] != '[')
        return "has text outside of brackets";
    if (mem)
        path->parts = ARENA_ARRAY(mem, struct str, FIELD_PATH_PARTS_MAX);
    size_t depth = 0, from = 0;
    bool has_part_here = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '[') {
            if (depth > 0 && i > from)
                return "has an unbalanced [";
            depth++;
            from = i + 1;
            has_part_here = false;
        } else if (c == ']') {
            if (depth == 0)
                return "has an unbalanced ]";
            if (i == from && !has_part_here)
                return "has an empty part []";
            if (i > from) {
                if (path->count == FIELD_PATH_PARTS_MAX)
                    return "has too many parts";
                if (mem)
                    path->parts[path->count] = arena_str(mem, str_sub(text, from, i - from));
                path->count++;
            }
            depth--;
            from = i + 1;
            has_part_here = true;
        } else if (depth == 0) {
            return "has text outside of brackets";
        } else if (has_part_here) {
            return "has text behind a nested part";
        }
    }
    return depth > 0 ? "has a [ that is not closed" : NULL;
}

int field_path_parse(struct arena *mem, struct str text, struct field_path *ret_path,
                     struct err *err)
{
    struct field_path path = {.text = arena_str(mem, text)};
    const char *wrong = tokenize(text, mem, &path);
    if (wrong)
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is no field reference: it %s; write [field][inner]",
                       STR_ARG(text), wrong);
    if (str_is(path.parts[0], "@metadata")) {
        path.is_metadata = true;
        path.parts++;
        path.count--;
    }
    *ret_path = path;
    return 0;
}

bool field_path_is_valid(struct str text)
{
    struct field_path path = {.count = 0};
    return tokenize(text, NULL, &path) == NULL;
}

/* Position of an item named by a part, or SIZE_MAX. */
static size_t list_index(const struct value *list, struct str part)
{
    int64_t i;
    if (!str_to_i64(part, &i))
        return SIZE_MAX;
    if (i < 0)
        i += (int64_t)list->list->count;
    return i >= 0 && (size_t)i < list->list->count ? (size_t)i : SIZE_MAX;
}

static struct value *step(struct value *v, struct str part)
{
    if (v->kind == VALUE_MAP)
        return value_map_get(v, part);
    if (v->kind == VALUE_LIST) {
        size_t i = list_index(v, part);
        return i == SIZE_MAX ? NULL : &v->list->items[i];
    }
    return NULL;
}

static struct value *root_of(const struct event *ev, const struct field_path *path)
{
    const struct value *root = path->is_metadata ? &ev->metadata : &ev->fields;
    return (struct value *)(uintptr_t)root;
}

struct value *event_get(const struct event *ev, const struct field_path *path)
{
    struct value *v = root_of(ev, path);
    for (size_t i = 0; v && i < path->count; i++)
        v = step(v, path->parts[i]);
    return v;
}

static int not_a_map(const struct field_path *path, size_t at, const struct value *v,
                     struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "cannot set [" STR_FMT "] in " STR_FMT ": there is a %s on the way",
                   STR_ARG(path->parts[at]), STR_ARG(path->text), value_kind_name(v));
}

int event_set(struct event *ev, const struct field_path *path, struct value item, struct err *err)
{
    struct value *v = root_of(ev, path);
    if (path->count == 0) {
        if (item.kind != VALUE_MAP)
            return err_set(err, ERR_INVALID, "[@metadata] must be a hash, not a %s",
                           value_kind_name(&item));
        *v = item;
        return 0;
    }
    for (size_t i = 0; i + 1 < path->count; i++) {
        struct value *next = step(v, path->parts[i]);
        if (next && next->kind == VALUE_NULL) { /* as if it were not there */
            *next = value_map(ev->mem, 4);
        } else if (!next && v->kind == VALUE_MAP) {
            value_map_set(ev->mem, v, path->parts[i], value_map(ev->mem, 4));
            next = value_map_get(v, path->parts[i]);
        }
        if (!next || (next->kind != VALUE_MAP && next->kind != VALUE_LIST))
            return not_a_map(path, i + 1, next ? next : v, err);
        v = next;
    }
    struct str last = path->parts[path->count - 1];
    if (v->kind == VALUE_LIST) {
        size_t i = list_index(v, last);
        if (i == SIZE_MAX)
            return err_set(err, ERR_INVALID, STR_FMT ": the array has no item " STR_FMT,
                           STR_ARG(path->text), STR_ARG(last));
        v->list->items[i] = item;
        return 0;
    }
    /* The path may belong to a plugin and outlive the event, never the other way round. */
    value_map_set(ev->mem, v, last, item);
    return 0;
}

bool event_remove(struct event *ev, const struct field_path *path, struct value *ret_removed)
{
    if (path->count == 0) {
        if (ret_removed)
            *ret_removed = ev->metadata;
        ev->metadata = value_map(ev->mem, 0);
        return true;
    }
    struct value *v = root_of(ev, path);
    for (size_t i = 0; v && i + 1 < path->count; i++)
        v = step(v, path->parts[i]);
    if (!v)
        return false;
    struct str last = path->parts[path->count - 1];
    struct value *item = step(v, last);
    if (!item)
        return false;
    if (ret_removed)
        *ret_removed = *item;
    if (v->kind == VALUE_MAP)
        return value_map_remove(v, last);
    size_t at = (size_t)(item - v->list->items);
    memmove(item, item + 1, (v->list->count - at - 1) * sizeof(struct value));
    v->list->count--;
    return true;
}

struct value *event_get_text(const struct event *ev, struct str ref)
{
    struct field_path path;
    return field_path_parse(ev->mem, ref, &path, NULL) < 0 ? NULL : event_get(ev, &path);
}

int event_set_text(struct event *ev, struct str ref, struct value v, struct err *err)
{
    struct field_path path;
    TRY(field_path_parse(ev->mem, ref, &path, err));
    return event_set(ev, &path, v, err);
}
