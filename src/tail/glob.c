/* SPDX-License-Identifier: Apache-2.0 */
/* glob.c: walks the folders a part at a time. The depth is bounded by the pattern's parts and the
 * eight folders of each `**`, both of which come from the configuration. */
#include "tail/glob.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"

struct walk {
    struct vfs *fs;
    struct arena *mem;
    struct tail_paths *paths;
    tail_glob_error_fn *on_error;
    void *owner;
    const struct str *parts;
    size_t count;
    bool is_recursive;
};

static bool has_magic(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("*?[\\", s.p[i]))
            return true;
    }
    return false;
}

/* ---- one part ---- */

/* A class from '[' on: whether it holds `c`; *ret_n is its length, 0 when it is not closed. */
static bool match_class(struct str pattern, char c, size_t *ret_n)
{
    size_t i = 1;
    bool is_negated = i < pattern.n && (pattern.p[i] == '^' || pattern.p[i] == '!');
    bool is_in = false;
    size_t first = i += is_negated;
    *ret_n = 0;
    for (; i < pattern.n && (pattern.p[i] != ']' || i == first); i++) {
        if (pattern.p[i] == '\\' && i + 1 < pattern.n)
            i++;
        char low = pattern.p[i], high = low;
        if (i + 2 < pattern.n && pattern.p[i + 1] == '-' && pattern.p[i + 2] != ']') {
            i += 2;
            if (pattern.p[i] == '\\' && i + 1 < pattern.n)
                i++;
            high = pattern.p[i];
        }
        is_in |= (uint8_t)low <= (uint8_t)c && (uint8_t)c <= (uint8_t)high;
    }
    if (i >= pattern.n)
        return false;
    *ret_n = i + 1;
    return is_in != is_negated;
}

/* One step of the pattern against one byte; *ret_n: how much of the pattern that was. */
static bool match_one(struct str pattern, char c, size_t *ret_n)
{
    *ret_n = 1;
    switch (pattern.p[0]) {
    case '?':
        return true;
    case '[':
        return match_class(pattern, c, ret_n) && *ret_n > 0;
    case '\\':
        if (pattern.n < 2)
            return c == '\\';
        *ret_n = 2;
        return pattern.p[1] == c;
    default:
        return pattern.p[0] == c;
    }
}

bool tail_glob_match(struct str pattern, struct str name)
{
    size_t p = 0, s = 0, star = SIZE_MAX, star_s = 0;
    while (s < name.n) {
        size_t n;
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            star_s = s;
        } else if (p < pattern.n && match_one(str_from_off(pattern, p), name.p[s], &n)) {
            p += n;
            s++;
        } else if (star != SIZE_MAX) { /* the last star takes one byte more */
            p = star + 1;
            s = ++star_s;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static size_t split(struct str pattern, struct str *parts)
{
    size_t count = 0;
    struct str part;
    while (str_split_next(&pattern, '/', &part)) {
        if (part.n == 0 || str_is(part, "."))
            continue;
        if (count == TAIL_GLOB_PARTS_MAX)
            return SIZE_MAX;
        parts[count++] = part;
    }
    return count;
}

int tail_glob_check(struct str pattern, struct err *err)
{
    struct str parts[TAIL_GLOB_PARTS_MAX];
    size_t count = split(pattern, parts);
    if (count == 0)
        return err_set(err, ERR_INVALID, "an empty path");
    if (count == SIZE_MAX)
        return err_set(err, ERR_INVALID, "the path \"%.*s\" has more than %u parts",
                       STR_ARG(pattern), TAIL_GLOB_PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < parts[i].n; k++) {
            size_t n = 1;
            if (parts[i].p[k] == '[') {
                (void)match_class(str_from_off(parts[i], k), 'x', &n);
                if (n == 0)
                    return err_set(err, ERR_INVALID,
                                   "the path \"%.*s\" has a \"[\" that is not closed",
                                   STR_ARG(pattern));
            } else if (parts[i].p[k] == '\\') {
                n = 2;
            }
            k += n - 1;
        }
    }
    return 0;
}

/* Parts against parts, as tail_glob_match does bytes against bytes; `**` is the star. */
bool tail_glob_path(struct str pattern, struct str path, bool is_recursive)
{
    struct str pats[TAIL_GLOB_PARTS_MAX], names[TAIL_GLOB_PARTS_MAX];
    size_t pn = split(pattern, pats), n = split(path, names);
    size_t p = 0, s = 0, star = SIZE_MAX, star_s = 0;
    if (pn == SIZE_MAX || n == SIZE_MAX ||
        str_starts_with(pattern, STR("/")) != str_starts_with(path, STR("/")))
        return false;
    while (s < n) {
        if (p < pn && is_recursive && str_is(pats[p], "**")) {
            star = p++;
            star_s = s;
        } else if (p < pn && tail_glob_match(pats[p], names[s])) {
            p++;
            s++;
        } else if (star != SIZE_MAX && s - star_s <= TAIL_GLOB_DEPTH_MAX) {
            p = star + 1;
            s = ++star_s;
        } else {
            return false;
        }
    }
    while (p < pn && is_recursive && str_is(pats[p], "**"))
        p++;
    return p == pn;
}

/* ---- the walk ---- */

static int add_path(struct walk *walk, struct str path, struct err *err)
{
    struct tail_paths *paths = walk->paths;
    if (paths->count >= TAIL_GLOB_PATHS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the patterns name more than %u files",
                       TAIL_GLOB_PATHS_MAX);
    if (paths->count == paths->capacity) {
        size_t old = paths->capacity;
        paths->capacity = old ? old * 2 : 64;
        paths->items = arena_realloc(walk->mem, paths->items, old * sizeof(struct str),
                                     paths->capacity * sizeof(struct str));
    }
    paths->items[paths->count++] = path;
    return 0;
}

static struct str unescaped(struct arena *mem, struct str part)
{
    char *p = arena_alloc(mem, part.n);
    size_t n = 0;
    for (size_t i = 0; i < part.n; i++) {
        if (part.p[i] == '\\' && i + 1 < part.n)
            i++;
        p[n++] = part.p[i];
    }
    return (struct str){p, n};
}

static bool is_plain(struct str part)
{
    for (size_t i = 0; i < part.n; i++) {
        if (strchr("*?[", part.p[i]))
            return false;
    }
    return true;
}

static int walk_part(struct walk *walk, struct str dir, size_t at, unsigned depth, struct err *err);

static int entries_of(struct walk *walk, struct str dir, struct vfs_entry **ret_entries,
                      size_t *ret_count)
{
    struct err why;
    int rc = vfs_list(walk->fs, dir.n ? dir : STR("."), walk->mem, ret_entries, ret_count, &why);
    if (rc >= 0)
        return 0;
    *ret_count = 0;
    if (rc != -ERR_NOT_FOUND && walk->on_error)
        walk->on_error(walk->owner, &why);
    return rc;
}

static struct str child(struct walk *walk, struct str dir, struct str name)
{
    return dir.n ? path_join(walk->mem, dir, name) : name;
}

static bool is_folder(struct walk *walk, struct str path, enum vfs_kind kind)
{
    struct vfs_stat st;
    if (kind != VFS_KIND_LINK)
        return kind == VFS_KIND_DIR;
    return vfs_stat(walk->fs, path, true, &st, NULL) == 0 && st.kind == VFS_KIND_DIR;
}

/* A part without wildcards: no listing, so that a folder that may be entered but not read works. */
static int walk_plain(struct walk *walk, struct str dir, size_t at, struct err *err)
{
    struct str path = child(walk, dir, unescaped(walk->mem, walk->parts[at]));
    if (at + 1 < walk->count)
        return walk_part(walk, path, at + 1, 0, err);
    struct vfs_stat st;
    return vfs_stat(walk->fs, path, false, &st, NULL) == 0 ? add_path(walk, path, err) : 0;
}

static int walk_star(struct walk *walk, struct str dir, size_t at, struct err *err)
{
    struct vfs_entry *entries;
    size_t count;
    (void)entries_of(walk, dir, &entries, &count);
    for (size_t i = 0; i < count; i++) {
        if (!tail_glob_match(walk->parts[at], entries[i].name))
            continue;
        struct str path = child(walk, dir, entries[i].name);
        if (at + 1 == walk->count)
            TRY(add_path(walk, path, err));
        else if (is_folder(walk, path, entries[i].kind))
            TRY(walk_part(walk, path, at + 1, 0, err));
    }
    return 0;
}

/* `**`: the rest of the pattern here and in each folder below. Links to folders are not followed:
 * they may circle. */
static int walk_deep(struct walk *walk, struct str dir, size_t at, unsigned depth, struct err *err)
{
    if (at + 1 < walk->count)
        TRY(walk_part(walk, dir, at + 1, 0, err));
    struct vfs_entry *entries;
    size_t count;
    (void)entries_of(walk, dir, &entries, &count);
    for (size_t i = 0; i < count; i++) {
        struct str path = child(walk, dir, entries[i].name);
        if (at + 1 == walk->count)
            TRY(add_path(walk, path, err));
        if (entries[i].kind == VFS_KIND_DIR && depth < TAIL_GLOB_DEPTH_MAX)
            TRY(walk_deep(walk, path, at, depth + 1, err));
    }
    return 0;
}

static int walk_part(struct walk *walk, struct str dir, size_t at, unsigned depth, struct err *err)
{
    struct str part = walk->parts[at];
    if (walk->is_recursive && str_is(part, "**"))
        return walk_deep(walk, dir, at, depth, err);
    return is_plain(part) ? walk_plain(walk, dir, at, err) : walk_star(walk, dir, at, err);
}

int tail_glob(struct vfs *fs, struct str pattern, bool is_recursive, struct arena *mem,
              struct tail_paths *paths, tail_glob_error_fn *on_error, void *owner, struct err *err)
{
    TRY(tail_glob_check(pattern, err));
    struct str parts[TAIL_GLOB_PARTS_MAX];
    struct walk walk = {.fs = fs,
                        .mem = mem,
                        .paths = paths,
                        .on_error = on_error,
                        .owner = owner,
                        .parts = parts,
                        .count = split(pattern, parts),
                        .is_recursive = is_recursive};
    if (!has_magic(pattern)) { /* kept as it was written: "./a" stays "./a" */
        struct vfs_stat st;
        return vfs_stat(fs, pattern, false, &st, NULL) == 0 ? add_path(&walk, pattern, err) : 0;
    }
    return walk_part(&walk, pattern.p[0] == '/' ? STR("/") : STR(""), 0, 0, err);
}

static int compare_paths(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void tail_paths_sort(struct tail_paths *paths)
{
    if (paths->count == 0)
        return;
    qsort(paths->items, paths->count, sizeof(struct str), compare_paths);
    size_t n = 1;
    for (size_t i = 1; i < paths->count; i++) {
        if (!str_eq(paths->items[i], paths->items[n - 1]))
            paths->items[n++] = paths->items[i];
    }
    paths->count = n;
}
