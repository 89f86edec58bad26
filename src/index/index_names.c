/* SPDX-License-Identifier: Apache-2.0 */
/* index_names.c: which names an index or an alias may have, and which indices an expression of
 * names, aliases and wildcards means. */
#include "base/str.h"
#include "event/value.h"
#include "index/index_int.h"
#include "text/utf8.h"

/* What an index and an alias must not be called; NULL: nothing. In mem. */
static const char *name_fault(struct str name, struct arena *mem)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < 0x20 || strchr("\\/*?\"<>| ,", c))
            return "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]";
    }
    if (!utf8_is_valid(name))
        return "must be UTF-8";
    if (str_find_char(name, '#') >= 0)
        return "must not contain '#'";
    if (str_find_char(name, ':') >= 0)
        return "must not contain ':'";
    if (name.p[0] == '_' || name.p[0] == '-' || name.p[0] == '+')
        return "must not start with '_', '-', or '+'";
    if (name.n > INDEX_NAME_BYTES_MAX)
        return arena_printf(mem, "index name is too long, (%zu > %u)", name.n, INDEX_NAME_BYTES_MAX)
            .p;
    return str_is(name, ".") || str_is(name, "..") ? "must not be '.' or '..'" : NULL;
}

int index_name_check(struct str name, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    const char *why = name.n == 0 ? "must not be empty" : name_fault(name, mem);
    if (!why && !str_eq(utf8_lower(mem, name), name))
        why = "must be lowercase";
    return why ? err_set(err, ERR_INDEX_NAME, "Invalid index name [" STR_FMT "], %s", STR_ARG(name),
                         why)
               : 0;
}

int index__alias_name_check(struct str name, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    if (str_trim(name).n == 0)
        return err_set(err, ERR_INVALID, "alias name is required");
    const char *why = name_fault(name, mem);
    return why ? err_set(err, ERR_ALIAS_NAME, "Invalid alias name [" STR_FMT "]: %s", STR_ARG(name),
                         why)
               : 0;
}

struct resolve {
    struct index **all;
    bool *is_in;
    size_t count;
    bool has_no_aliases; /* names of indices only */
    bool has_wildcard;   /* seen so far: only behind one '-' takes something away */
    struct arena *mem;
};

static bool has_alias(struct resolve *r, size_t i, struct str name)
{
    return !r->has_no_aliases && index__has_alias(r->all[i], name, r->mem);
}

static bool alias_globs(struct resolve *r, size_t i, struct str pattern)
{
    struct value aliases;
    bool has_any = !r->has_no_aliases && index__aliases(r->all[i], r->mem, &aliases);
    for (size_t k = 0; has_any && k < aliases.map->count; k++) {
        if (str_glob(pattern, aliases.map->keys[k]))
            return true;
    }
    return false;
}

/* A '?' is a character that no name has. */
static bool part_fits(struct resolve *r, size_t i, struct str part, bool is_pattern, bool is_minus)
{
    struct str name = r->all[i]->name;
    if (is_pattern)
        return str_find_char(part, '?') < 0 && (str_glob(part, name) || alias_globs(r, i, part));
    return str_eq(part, name) || (!is_minus && has_alias(r, i, part));
}

static bool is_alias(struct resolve *r, struct str name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (has_alias(r, i, name))
            return true;
    }
    return false;
}

static int resolve_part(struct resolve *r, struct str part, bool ignore_unavailable,
                        struct err *err)
{
    if (str_starts_with(part, STR("_")))
        return err_set(err, ERR_INDEX_NAME,
                       "Invalid index name [" STR_FMT "], must not start with '_'.", STR_ARG(part));
    bool is_minus = r->has_wildcard && str_starts_with(part, STR("-"));
    if (is_minus)
        part = str_from_off(part, 1);
    bool is_pattern = str_find_char(part, '*') >= 0;
    bool is_found = false;
    for (size_t i = 0; i < r->count; i++) {
        if (!part_fits(r, i, part, is_pattern, is_minus))
            continue;
        r->is_in[i] = !is_minus;
        is_found = true;
    }
    r->has_wildcard |= is_pattern;
    /* An alias without a wildcard takes nothing away, but it is there. */
    if (!is_found && !is_pattern && !ignore_unavailable && !(is_minus && is_alias(r, part)))
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(part));
    return 0;
}

static int resolve_all(struct resolve r, struct engine *engine, struct str expression,
                       bool ignore_unavailable, struct str **ret_names, size_t *ret_count,
                       struct err *err)
{
    struct arena *mem = r.mem;
    r.all = engine__all(engine, &r.count);
    r.is_in = ARENA_ARRAY(mem, bool, r.count + 1);
    if (expression.n == 0 || str_is(expression, "_all"))
        expression = STR("*");
    int rc = 0;
    for (struct str rest = expression, part; rc == 0 && str_split_next(&rest, ',', &part);) {
        if (part.n || rest.n)
            rc = resolve_part(&r, part, ignore_unavailable, err);
    }
    if (rc == 0) {
        size_t n = 0;
        struct str *names = ARENA_ARRAY(mem, struct str, r.count + 1);
        for (size_t i = 0; i < r.count; i++) {
            if (r.is_in[i])
                names[n++] = arena_str(mem, r.all[i]->name);
        }
        *ret_names = names;
        *ret_count = n;
    }
    engine__all_free(r.all, r.count);
    return rc;
}

int engine_resolve(struct engine *engine, struct str expression, bool ignore_unavailable,
                   struct arena *mem, struct str **ret_names, size_t *ret_count, struct err *err)
{
    return resolve_all((struct resolve){.mem = mem}, engine, expression, ignore_unavailable,
                       ret_names, ret_count, err);
}

int engine_resolve_names(struct engine *engine, struct str expression, bool ignore_unavailable,
                         struct arena *mem, struct str **ret_names, size_t *ret_count,
                         struct err *err)
{
    return resolve_all((struct resolve){.mem = mem, .has_no_aliases = true}, engine, expression,
                       ignore_unavailable, ret_names, ret_count, err);
}
