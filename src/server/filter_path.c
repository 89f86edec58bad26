/* SPDX-License-Identifier: Apache-2.0 */
/* filter_path.c: works on the tree of the reply. Each pattern is a list of parts; at each member
 * the patterns that match its name are carried on, one part shorter. `**` stands for any number of
 * parts, `*` inside a part for any text. Arrays are transparent. Patterns that begin with '-'
 * remove. */
#include "server/filter_path.h"

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/value.h"

#define PATTERNS_MAX 64u

struct patterns {
    struct str rest[PATTERNS_MAX]; /* what is left of each pattern; empty: matched whole */
    size_t count;
};

static void patterns_add(struct patterns *set, struct str rest)
{
    if (set->count < PATTERNS_MAX)
        set->rest[set->count++] = rest;
}

static struct str first_part(struct str pattern, struct str *ret_rest)
{
    ptrdiff_t dot = str_find_char(pattern, '.');
    *ret_rest = dot < 0 ? STR("") : str_from_off(pattern, (size_t)dot + 1);
    return dot < 0 ? pattern : str_sub(pattern, 0, (size_t)dot);
}

/* The patterns that go on below a member called `name`. */
static void patterns_step(const struct patterns *set, struct str name, struct patterns *ret_next)
{
    ret_next->count = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct str rest, part = first_part(set->rest[i], &rest);
        if (str_is(part, "**")) {
            patterns_add(ret_next, set->rest[i]); /* ** takes this part and stays */
            struct str after, next = first_part(rest, &after);
            if (str_glob(next, name))
                patterns_add(ret_next, after); /* ** took none */
        } else if (str_glob(part, name)) {
            patterns_add(ret_next, rest);
        }
    }
}

static bool has_whole(const struct patterns *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rest[i].n == 0 || str_is(set->rest[i], "**"))
            return true;
    }
    return false;
}

/* A copy of `v` with what the patterns keep (or, removing, without what they name); VALUE_NONE:
 * nothing is left. */
static struct value filter(const struct value *v, const struct patterns *set, bool is_removing,
                           struct arena *mem)
{
    struct value none = {.kind = VALUE_NONE};
    if (has_whole(set))
        return is_removing ? none : *v;
    if (v->kind == VALUE_MAP) {
        struct value kept = value_map(mem, v->map->count);
        for (size_t i = 0; i < v->map->count; i++) {
            struct patterns *next = ARENA_NEW(mem, struct patterns);
            patterns_step(set, v->map->keys[i], next);
            struct value item = filter(&v->map->values[i], next, is_removing, mem);
            if (item.kind != VALUE_NONE)
                value_map_set(mem, &kept, v->map->keys[i], item);
        }
        return kept.map->count || (is_removing && v->map->count == 0) ? kept : none;
    }
    if (v->kind == VALUE_LIST) {
        struct value kept = value_list(mem, v->list->count);
        for (size_t i = 0; i < v->list->count; i++) {
            struct value item = filter(&v->list->items[i], set, is_removing, mem);
            if (item.kind != VALUE_NONE)
                value_list_add(mem, &kept, item);
        }
        return kept.list->count || (is_removing && v->list->count == 0) ? kept : none;
    }
    return is_removing ? *v : none;
}

void filter_path_apply(struct str text, bool is_pretty, struct arena *mem, struct buf *out)
{
    struct patterns keep = {.count = 0}, remove = {.count = 0};
    struct str part;
    while (str_split_next(&text, ',', &part)) {
        part = str_trim(part);
        if (part.n > 0 && part.p[0] == '-')
            patterns_add(&remove, str_from_off(part, 1));
        else if (part.n > 0)
            patterns_add(&keep, part);
    }
    struct value tree;
    if (value_from_json(buf_str(out), mem, &tree, NULL) < 0)
        return;
    if (keep.count > 0)
        tree = filter(&tree, &keep, false, mem);
    if (remove.count > 0 && tree.kind != VALUE_NONE)
        tree = filter(&tree, &remove, true, mem);
    struct buf filtered;
    buf_init(&filtered, out->bytes_max);
    struct json_writer w;
    json_writer_init(&w, &filtered, is_pretty);
    if (tree.kind == VALUE_NONE)
        tree = value_map(mem, 0);
    value_write_json(&tree, &w);
    buf_deinit(out);
    *out = filtered;
}
