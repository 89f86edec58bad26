/* SPDX-License-Identifier: Apache-2.0 */
/* index_names.c: which names an index or an alias may have, and which indices an expression of
 * names, aliases and wildcards means. */
#include "base/str.h"
#include "event/value.h"
#include "index/index_int.h"

int index_name_check(struct str name, struct err *err)
{
    const char *why = NULL;
    if (name.n == 0)
        why = "must not be empty";
    else if (name.n > INDEX_NAME_BYTES_MAX)
        why = "index name is too long, (255 bytes at most)";
    else if (str_is(name, ".") || str_is(name, ".."))
        why = "must not be '.' or '..'";
    else if (name.p[0] == '_' || name.p[0] == '-' || name.p[0] == '+')
        why = "must not start with '_', '-', or '+'";
    for (size_t i = 0; !why && i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c >= 'A' && c <= 'Z')
            why = "must be lowercase";
        else if (c < 0x20 || strchr("\\/*?\"<>| ,", c))
            why = "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]";
        else if (c == '#')
            why = "must not contain '#'";
        else if (c == ':')
            why = "must not contain ':'";
    }
    return why ? err_set(err, ERR_INDEX_NAME, "Invalid index name [" STR_FMT "], %s", STR_ARG(name),
                         why)
               : 0;
}

struct resolve {
    struct index **all;
    bool *is_in;
    size_t count;
    struct arena *mem;
};

static bool alias_globs(struct resolve *r, size_t i, struct str pattern)
{
    struct value aliases;
    bool has_any = index__aliases(r->all[i], r->mem, &aliases);
    for (size_t k = 0; has_any && k < aliases.map->count; k++) {
        if (str_glob(pattern, aliases.map->keys[k]))
            return true;
    }
    return false;
}

static int resolve_part(struct resolve *r, struct str part, bool is_first, bool ignore_unavailable,
                        struct err *err)
{
    bool is_minus = !is_first && part.n > 1 && part.p[0] == '-';
    if (is_minus)
        part = str_from_off(part, 1);
    bool is_all = str_is(part, "_all") || str_is(part, "*");
    bool is_pattern = is_all || memchr(part.p, '*', part.n) || memchr(part.p, '?', part.n);
    bool is_found = false;
    for (size_t i = 0; i < r->count; i++) {
        bool fits =
            is_all || (is_pattern ? str_glob(part, r->all[i]->name) || alias_globs(r, i, part)
                                  : str_eq(part, r->all[i]->name) ||
                                        index__has_alias(r->all[i], part, r->mem));
        if (!fits)
            continue;
        r->is_in[i] = !is_minus;
        is_found = true;
    }
    if (!is_found && !is_pattern && !ignore_unavailable)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(part));
    return 0;
}

int engine_resolve(struct engine *engine, struct str expression, bool ignore_unavailable,
                   struct arena *mem, struct str **ret_names, size_t *ret_count, struct err *err)
{
    struct resolve r = {.mem = mem};
    r.all = engine__all(engine, &r.count);
    r.is_in = ARENA_ARRAY(mem, bool, r.count + 1);
    if (expression.n == 0)
        expression = STR("_all");
    int rc = 0;
    bool is_first = true;
    for (struct str rest = expression, part; rc == 0 && str_split_next(&rest, ',', &part);
         is_first = false) {
        if (part.n)
            rc = resolve_part(&r, part, is_first, ignore_unavailable, err);
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
