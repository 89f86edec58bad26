/* SPDX-License-Identifier: Apache-2.0 */
/* engine_alias.c: the aliases of an index, kept as JSON beside its settings and in its manifest;
 * who has one, and to which of those a write goes. */
#include "base/str.h"
#include "event/value.h"
#include "index/index_int.h"

bool index__aliases(struct index *index, struct arena *mem, struct value *ret_aliases)
{
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->aliases_json));
    mutex_unlock(&index->mu);
    return json.n > strlen("{}") && value_from_json(json, mem, ret_aliases, NULL) == 0 &&
           ret_aliases->kind == VALUE_MAP;
}

bool index__has_alias(struct index *index, struct str alias, struct arena *mem)
{
    struct value aliases;
    return index__aliases(index, mem, &aliases) && value_map_get(&aliases, alias);
}

bool engine__has_alias(struct engine *engine, struct str alias)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    size_t at = 0;
    struct str name;
    void *index;
    while (strmap_next(&engine->indices, &at, &name, &index)) {
        if (index__has_alias(index, alias, mem))
            return true;
    }
    return false;
}

/* An option that would have to change what a search or a write does is refused. */
static int option_read(struct str alias, struct str key, const struct value *v, struct arena *mem,
                       struct value *ret, struct err *err)
{
    static const char *const missing[] = {"filter", "routing", "index_routing", "search_routing"};
    bool is_flag = str_is(key, "is_write_index") || str_is(key, "is_hidden");
    bool is_missing = str_is(key, "is_hidden") && v->kind == VALUE_BOOL && v->b;
    for (size_t i = 0; i < ARRAY_COUNT(missing); i++)
        is_missing |= str_eq(key, str_from(missing[i]));
    if (v->kind == VALUE_NULL && (is_flag || is_missing))
        return 0;
    if (is_missing)
        return err_set(err, ERR_UNSUPPORTED,
                       "[" STR_FMT "] of alias [" STR_FMT "] is not there yet", STR_ARG(key),
                       STR_ARG(alias));
    if (!is_flag)
        return err_set(err, ERR_PARSE, "unknown key [" STR_FMT "] for alias [" STR_FMT "]",
                       STR_ARG(key), STR_ARG(alias));
    if (v->kind != VALUE_BOOL)
        return err_set(err, ERR_INVALID,
                       "[" STR_FMT "] of alias [" STR_FMT "] must be true or false", STR_ARG(key),
                       STR_ARG(alias));
    value_map_set(mem, ret, key, *v);
    return 0;
}

/* Its name and its options alone; *ret is what is kept of them. */
static int alias_read(struct str alias, const struct value *body, struct arena *mem,
                      struct value *ret, struct err *err)
{
    TRY(index__alias_name_check(alias, err));
    *ret = value_map(mem, 1);
    if (!body || body->kind == VALUE_NONE || body->kind == VALUE_NULL)
        return 0;
    if (body->kind != VALUE_MAP)
        return err_set(err, ERR_PARSE, "alias [" STR_FMT "] must be an object", STR_ARG(alias));
    for (size_t i = 0; i < body->map->count; i++)
        TRY(option_read(alias, body->map->keys[i], &body->map->values[i], mem, ret, err));
    return 0;
}

int index__aliases_read(const struct value *given, struct arena *mem, struct value *ret,
                        struct err *err)
{
    *ret = value_map(mem, given->map->count);
    for (size_t i = 0; i < given->map->count; i++) {
        struct value one;
        TRY(alias_read(given->map->keys[i], &given->map->values[i], mem, &one, err));
        value_map_set(mem, ret, given->map->keys[i], one);
    }
    return 0;
}

enum alias_role { ALIAS_NONE, ALIAS_READ_ONLY, ALIAS_HOLDER, ALIAS_WRITE };

static enum alias_role role_of(const struct value *body)
{
    const struct value *is_write = body ? value_map_get_lit(body, "is_write_index") : NULL;
    if (!body)
        return ALIAS_NONE;
    if (!is_write || is_write->kind != VALUE_BOOL)
        return ALIAS_HOLDER;
    return is_write->b ? ALIAS_WRITE : ALIAS_READ_ONLY;
}

static enum alias_role alias_role(struct index *index, struct str alias, struct arena *mem)
{
    struct value aliases;
    return role_of(index__aliases(index, mem, &aliases) ? value_map_get(&aliases, alias) : NULL);
}

/* REQUIRES(engine.mu) */
static int alias_check(struct engine *engine, struct str name, struct str alias,
                       const struct value *body, struct arena *mem, struct err *err)
{
    size_t at = 0;
    struct str other;
    void *index;
    if (str_eq(name, alias) || strmap_get(&engine->indices, alias))
        return err_set(err, ERR_ALIAS_NAME,
                       "Invalid alias name [" STR_FMT
                       "], an index exists with the same name as the alias",
                       STR_ARG(alias));
    while (role_of(body) == ALIAS_WRITE && strmap_next(&engine->indices, &at, &other, &index)) {
        bool is_first = str_cmp(name, other) < 0;
        if (!str_eq(name, other) && alias_role(index, alias, mem) == ALIAS_WRITE)
            return err_set(
                err, ERR_INVALID,
                "alias [" STR_FMT "] has more than one write index [" STR_FMT "," STR_FMT "]",
                STR_ARG(alias), STR_ARG(is_first ? name : other), STR_ARG(is_first ? other : name));
    }
    return 0;
}

int engine__aliases_check(struct engine *engine, struct str name, const struct value *aliases,
                          struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    for (size_t i = 0; i < aliases->map->count; i++)
        TRY(alias_check(engine, name, aliases->map->keys[i], &aliases->map->values[i], mem, err));
    return 0;
}

static int alias_add(struct index *index, struct str alias, struct value body, struct arena *mem,
                     struct err *err)
{
    struct value aliases;
    mutex_lock(&index->mu);
    int rc = value_from_json(str_from(index->aliases_json), mem, &aliases, err);
    if (rc == 0) {
        value_map_set(mem, &aliases, alias, body);
        index__json_replace(&index->aliases_json, &aliases);
    }
    mutex_unlock(&index->mu);
    return rc;
}

int engine_alias_put(struct engine *engine, struct str name, struct str alias,
                     const struct value *body, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    struct value kept;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    TRY(alias_read(alias, body, mem, &kept, err));
    mutex_lock(&engine->mu); /* no index of that name and no other write index comes in between */
    int rc = alias_check(engine, name, alias, &kept, mem, err);
    if (rc == 0)
        rc = alias_add(index, alias, kept, mem, err);
    mutex_unlock(&engine->mu);
    TRY(rc);
    return index__manifest_now(index, err);
}

int engine_alias_remove(struct engine *engine, struct str name, struct str alias, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    struct value aliases;
    bool was_there = false;
    mutex_lock(&index->mu);
    int rc = value_from_json(str_from(index->aliases_json), mem, &aliases, err);
    if (rc == 0) {
        was_there = value_map_remove(&aliases, alias);
        index__json_replace(&index->aliases_json, &aliases);
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    if (!was_there)
        return err_set(err, ERR_NOT_FOUND, "aliases [" STR_FMT "] missing", STR_ARG(alias));
    return index__manifest_now(index, err);
}

int engine_aliases_get(struct engine *engine, struct str name, struct arena *mem,
                       struct value *ret_aliases, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->aliases_json));
    mutex_unlock(&index->mu);
    return value_from_json(json, mem, ret_aliases, err);
}

int engine__alias_target(struct engine *engine, struct str alias, struct index **ret_index,
                         struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    size_t count, holders = 0;
    struct index **all = engine__all(engine, &count), *found = NULL;
    enum alias_role best = ALIAS_READ_ONLY;
    for (size_t i = 0; i < count; i++) {
        enum alias_role role = alias_role(all[i], alias, mem);
        holders += role != ALIAS_NONE;
        if (role > best) {
            best = role;
            found = all[i];
        }
    }
    bool is_clear = found && (best == ALIAS_WRITE || holders == 1);
    if (is_clear)
        *ret_index = index__ref(found);
    engine__all_free(all, count);
    if (holders > 0 && !is_clear)
        return err_set(err, ERR_INVALID,
                       "no write index is defined for alias [" STR_FMT
                       "]. The write index may be explicitly disabled using is_write_index=false "
                       "or the alias points to multiple indices without one being designated as a "
                       "write index",
                       STR_ARG(alias));
    return 0;
}

int engine__alias_single(struct engine *engine, struct str alias, struct index **ret_index,
                         struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    size_t count, holders = 0;
    struct index **all = engine__all(engine, &count), *found = NULL;
    struct str names = STR("");
    for (size_t i = 0; i < count; i++) {
        if (!index__has_alias(all[i], alias, mem))
            continue;
        found = all[i];
        names = arena_printf(mem, STR_FMT "%s" STR_FMT, STR_ARG(names), holders++ ? ", " : "",
                             STR_ARG(all[i]->name));
    }
    if (holders == 1)
        *ret_index = index__ref(found);
    engine__all_free(all, count);
    return holders > 1 ? err_set(err, ERR_INVALID,
                                 "alias [" STR_FMT
                                 "] has more than one indices associated with it [[" STR_FMT
                                 "]], can't execute a single index op",
                                 STR_ARG(alias), STR_ARG(names))
                       : 0;
}
