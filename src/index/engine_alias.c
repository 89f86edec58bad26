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

int engine_alias_put(struct engine *engine, struct str name, struct str alias,
                     const struct value *body, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    TRY(index_name_check(alias, err));
    if (engine_index_exists(engine, alias))
        return err_set(err, ERR_INDEX_NAME,
                       "Invalid alias name [" STR_FMT
                       "], an index exists with the same name as the alias",
                       STR_ARG(alias));
    struct value aliases;
    mutex_lock(&index->mu);
    int rc = value_from_json(str_from(index->aliases_json), mem, &aliases, err);
    if (rc == 0) {
        value_map_set(mem, &aliases, alias,
                      body && body->kind == VALUE_MAP ? *body : value_map(mem, 1));
        index__json_replace(&index->aliases_json, &aliases);
    }
    mutex_unlock(&index->mu);
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

enum alias_role { ALIAS_NONE, ALIAS_READ_ONLY, ALIAS_HOLDER, ALIAS_WRITE };

static enum alias_role alias_role(struct index *index, struct str alias, struct arena *mem)
{
    struct value aliases;
    const struct value *body =
        index__aliases(index, mem, &aliases) ? value_map_get(&aliases, alias) : NULL;
    if (!body)
        return ALIAS_NONE;
    const struct value *is_write = value_map_get_lit(body, "is_write_index");
    if (!is_write || is_write->kind != VALUE_BOOL)
        return ALIAS_HOLDER;
    return is_write->b ? ALIAS_WRITE : ALIAS_READ_ONLY;
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
