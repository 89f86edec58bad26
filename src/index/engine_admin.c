/* SPDX-License-Identifier: Apache-2.0 */
/* Index administration: making, removing, mappings, settings, names, figures. */
#include <stdlib.h>

#include "base/str.h"
#include "event/value.h"
#include "index/analyze.h"
#include "index/index_int.h"
#include "index/index_sort.h"

#define SHARDS_MAX 1024

/* ---- Names ---- */

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

/* ---- Settings ---- */

/* Everything under "index": {"number_of_shards": 1}, {"index.number_of_shards": 1} and {"index":
 * {…}} come to the same. */
static void settings_flatten(const struct value *v, struct str prefix, struct value *flat,
                             struct arena *mem)
{
    for (size_t i = 0; i < v->map->count; i++) {
        struct str key = v->map->keys[i];
        struct str path =
            prefix.n ? arena_printf(mem, "%.*s.%.*s", (int)prefix.n, prefix.p, (int)key.n, key.p)
                     : key;
        if (v->map->values[i].kind == VALUE_MAP) {
            settings_flatten(&v->map->values[i], path, flat, mem);
            continue;
        }
        if (!str_starts_with(path, STR("index.")))
            path = arena_printf(mem, "index.%.*s", (int)path.n, path.p);
        value_map_set(mem, flat, path, v->map->values[i]);
    }
}

static int setting_int(const struct value *flat, const char *key, int64_t min, int64_t max,
                       struct arena *mem, int64_t *ret, struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    if (!v || v->kind == VALUE_NULL)
        return 0;
    if (!str_to_i64(value_to_str(mem, v), ret))
        return err_set(err, ERR_INVALID, "Failed to parse value [" STR_FMT "] for setting [%s]",
                       STR_ARG(value_to_str(mem, v)), key);
    if (*ret < min)
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [%lld] for setting [%s] must be >= %lld",
                       (long long)*ret, key, (long long)min);
    if (*ret > max)
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [%lld] for setting [%s] must be <= %lld",
                       (long long)*ret, key, (long long)max);
    return 0;
}

/* "-1" where it means "off", "0", or a number with a unit. */
static int setting_time(const struct value *flat, const char *key, bool may_be_off,
                        struct arena *mem, int64_t *ret_ns, struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    int64_t number;
    if (!v || v->kind == VALUE_NULL)
        return 0;
    struct str text = value_to_str(mem, v);
    if (may_be_off && str_is(text, "-1")) {
        *ret_ns = -1;
        return 0;
    }
    const char *why = NULL;
    if (str_is(text, "0"))
        *ret_ns = 0;
    else if (str_to_i64(text, &number) || !str_to_duration(text, &number))
        why = "unit is missing or unrecognized";
    else if (number < 0)
        why = "negative durations are not supported";
    else
        *ret_ns = number;
    return why ? err_set(err, ERR_INVALID,
                         "failed to parse setting [%s] with value [" STR_FMT
                         "] as a time value: %s",
                         key, STR_ARG(text), why)
               : 0;
}

static int interval_of(const struct value *flat, struct arena *mem, int64_t *ret_ns,
                       struct err *err)
{
    return setting_time(flat, "index.refresh_interval", true, mem, ret_ns, err);
}

static int setting_bool(const struct value *flat, const char *key, struct arena *mem, bool *ret,
                        struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    if (!v || v->kind == VALUE_NULL)
        return 0;
    struct str text = value_to_str(mem, v);
    if (!str_is(text, "true") && !str_is(text, "false"))
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [" STR_FMT "] as only [true] or [false] are allowed.",
                       STR_ARG(text));
    *ret = str_is(text, "true");
    return 0;
}

static int settings_check(const struct value *flat, struct arena *mem, struct err *err)
{
    int64_t v = 0;
    TRY(setting_int(flat, "index.number_of_shards", 1, SHARDS_MAX, mem, &v, err));
    TRY(setting_int(flat, "index.number_of_replicas", 0, INT32_MAX, mem, &v, err));
    TRY(setting_int(flat, "index.mapping.total_fields.limit", 0, INT32_MAX, mem, &v, err));
    TRY(setting_int(flat, "index.mapping.depth.limit", 1, 100, mem, &v, err));
    TRY(interval_of(flat, mem, &v, err));
    TRY(setting_time(flat, "index.search.idle.after", false, mem, &v, err));
    bool is_throttled;
    TRY(setting_bool(flat, "index.merge.scheduler.auto_throttle", mem, &is_throttled, err));
    for (size_t i = 0; i < flat->map->count; i++) {
        struct str key = flat->map->keys[i];
        if (str_is(key, "index.uuid") || str_is(key, "index.creation_date") ||
            str_is(key, "index.provided_name") || str_starts_with(key, STR("index.version.")))
            return err_set(err, ERR_INVALID,
                           "unknown setting [" STR_FMT
                           "] please check that any required plugins are installed, or check the "
                           "breaking changes documentation for removed settings",
                           STR_ARG(key));
    }
    return 0;
}

static char *value_json(const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    char *json = mem_cstr(buf_str(&out));
    buf_deinit(&out);
    return json;
}

/* The tree may borrow from the old text: that goes last. */
static void json_replace(char **json, const struct value *v)
{
    char *old = *json;
    *json = value_json(v);
    mem_free(old);
}

/* Puts what acts into the index. REQUIRES(index.mu) or nobody else knows the index. */
void index__settings_apply(struct index *index)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct value flat;
    int64_t v;
    if (value_from_json(str_from(index->settings_json), mem, &flat, NULL) < 0 ||
        flat.kind != VALUE_MAP)
        return;
    index->refresh_interval_ns = REFRESH_INTERVAL_DEFAULT;
    (void)!interval_of(&flat, mem, &index->refresh_interval_ns, NULL);
    const struct value *interval = value_map_get_lit(&flat, "index.refresh_interval");
    index->is_interval_set = interval && interval->kind != VALUE_NULL;
    index->search_idle_ns = SEARCH_IDLE_DEFAULT;
    (void)!setting_time(&flat, "index.search.idle.after", false, mem, &index->search_idle_ns, NULL);
    bool is_throttled = true;
    (void)!setting_bool(&flat, "index.merge.scheduler.auto_throttle", mem, &is_throttled, NULL);
    index->is_merge_free = !is_throttled;
    mem_free(index->sort_path);
    index->sort_path = mem_cstr(index_sort_path(&flat, mem));
    v = MAPPING_FIELDS_MAX_DEFAULT;
    (void)!setting_int(&flat, "index.mapping.total_fields.limit", 0, INT32_MAX, mem, &v, NULL);
    /* The mapping may be shared with searches, which do not look at the limits. */
    __atomic_store_n(&index->mapping->fields_max, (uint32_t)v, __ATOMIC_RELAXED);
    v = MAPPING_DEPTH_MAX_DEFAULT;
    (void)!setting_int(&flat, "index.mapping.depth.limit", 1, 100, mem, &v, NULL);
    __atomic_store_n(&index->mapping->depth_max, (uint32_t)v, __ATOMIC_RELAXED);
}

/* ---- Making ---- */

static void uuid_make(struct engine *engine, char *uuid)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    mutex_lock(&engine->id_mu);
    for (size_t i = 0; i < 22; i++)
        uuid[i] = digits[rng_below(&engine->rng, 64)];
    mutex_unlock(&engine->id_mu);
    /* A folder name must not look like an option. */
    if (uuid[0] == '-' || uuid[0] == '_')
        uuid[0] = 'u';
}

static int analyzers_check(const struct mapping *mapping, struct err *err)
{
    enum analyzer analyzer;
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct field_def *f = mapping->fields[i];
        if (!analyzer_from_name(f->pub.analyzer, &analyzer))
            return err_set(err, ERR_MAPPER_PARSING,
                           "analyzer [" STR_FMT "] has not been configured in mappings",
                           STR_ARG(f->pub.analyzer));
        if (f->normalizer.n && !str_is(f->normalizer, "lowercase"))
            return err_set(err, ERR_MAPPER_PARSING,
                           "normalizer [" STR_FMT "] not found for field [" STR_FMT "]",
                           STR_ARG(f->normalizer), STR_ARG(f->pub.path));
    }
    return 0;
}

struct index_body {
    struct mapping *mapping;
    struct value settings; /* flat */
    struct value aliases;
};

static int body_read(const struct value *body, struct arena *mem, struct index_body *ret,
                     struct err *err)
{
    ret->settings = value_map(mem, 4);
    ret->aliases = value_map(mem, 1);
    ret->mapping = mapping_new();
    if (!body || body->kind == VALUE_NONE || body->kind == VALUE_NULL)
        return 0;
    if (body->kind != VALUE_MAP)
        return err_set(err, ERR_PARSE, "the body of an index must be an object");
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        if (!str_is(key, "settings") && !str_is(key, "mappings") && !str_is(key, "aliases"))
            return err_set(err, ERR_PARSE, "unknown key [" STR_FMT "] for create index",
                           STR_ARG(key));
        if (v->kind != VALUE_MAP)
            return err_set(err, ERR_PARSE, "key [" STR_FMT "] must be an object", STR_ARG(key));
        if (str_is(key, "settings"))
            settings_flatten(v, STR_NONE, &ret->settings, mem);
        if (str_is(key, "aliases"))
            ret->aliases = *v;
    }
    TRY(settings_check(&ret->settings, mem, err));
    int64_t limit = MAPPING_FIELDS_MAX_DEFAULT;
    TRY(setting_int(&ret->settings, "index.mapping.total_fields.limit", 0, INT32_MAX, mem, &limit,
                    err));
    ret->mapping->fields_max = (uint32_t)limit;
    const struct value *mappings = value_map_get_lit(body, "mappings");
    if (mappings) {
        int rc = mapping_put(ret->mapping, mappings, err);
        if (rc < 0)
            return rc == -ERR_MAPPER_PARSING ? err_wrap(err, "Failed to parse mapping [_doc]") : rc;
    }
    TRY(index_sort_check(&ret->settings, ret->mapping, mem, err));
    return analyzers_check(ret->mapping, err);
}

/* The id of an index is the log's sequence at its birth: never given twice, restarts included. */
static int id_take(struct engine *engine, uint64_t *ret_id, struct err *err)
{
    struct wal_frame frame = {.kind = WAL_NEW_INDEX};
    TRY(wal_append(engine->wal, &frame, ret_id, err));
    return wal_commit(engine->wal, *ret_id, err);
}

/* The manifest goes first: with it the index is gone, whatever becomes of the other files. */
static int files_remove(struct index *index, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct vfs *fs = index->engine->fs;
    struct vfs_entry *entries;
    size_t count;
    TRY(vfs_remove(fs, path_join(mem, index->path, STR("manifest")), err));
    TRY(vfs_sync_dir(fs, index->path, err));
    if (vfs_list(fs, index->path, mem, &entries, &count, NULL) < 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        (void)!vfs_remove(fs, path_join(mem, index->path, entries[i].name), NULL);
    (void)!vfs_remove(fs, index->path, NULL);
    (void)!vfs_sync_dir(fs, index->engine->indices_path, NULL);
    return 0;
}

static int folder_make(struct index *index, struct err *err)
{
    struct engine *engine = index->engine;
    TRY(vfs_make_dir(engine->fs, index->path, err));
    TRY(vfs_sync_dir(engine->fs, engine->indices_path, err));
    mutex_lock(&index->flush_mu);
    int rc = index__manifest_write(index, err);
    mutex_unlock(&index->flush_mu);
    return rc;
}

static bool alias_holder(struct engine *engine, struct str alias); /* REQUIRES(engine.mu) */

/* REQUIRES(engine.mu) */
static int index_make(struct engine *engine, struct str name, struct index_body *body,
                      struct index **ret_index, struct err *err)
{
    char uuid[22];
    uint64_t id;
    TRY(wal_state(engine->wal, err));
    TRY(id_take(engine, &id, err));
    uuid_make(engine, uuid);
    CLEANUP(index__unref_ptr)
    struct index *index =
        index__new(engine, name, (struct str){uuid, sizeof(uuid)}, id, TAKE(body->mapping));
    index->created_ns = clock_wall_ns(engine->clock);
    index->wal_flushed = id;
    if (!value_map_get_lit(&body->settings, "index.number_of_shards"))
        value_map_set(index->mapping->mem, &body->settings, STR("index.number_of_shards"),
                      value_str(STR("1")));
    if (!value_map_get_lit(&body->settings, "index.number_of_replicas"))
        value_map_set(index->mapping->mem, &body->settings, STR("index.number_of_replicas"),
                      value_str(STR("1")));
    mem_free(index->settings_json);
    mem_free(index->aliases_json);
    index->settings_json = value_json(&body->settings);
    index->aliases_json = value_json(&body->aliases);
    index__settings_apply(index);
    int rc = folder_make(index, err);
    if (rc < 0) {
        (void)!files_remove(index, NULL);
        return rc;
    }
    (void)strmap_put(&engine->indices, name, index__ref(index));
    *ret_index = TAKE(index);
    return 0;
}

int engine__index_make(struct engine *engine, struct str name, const struct value *body,
                       bool may_exist, struct index **ret_index, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    TRY(index_name_check(name, err));
    struct index_body parts = {0};
    int rc = body_read(body, mem, &parts, err);
    if (rc == 0) {
        mutex_lock(&engine->mu);
        struct index *old = strmap_get(&engine->indices, name);
        if (old && may_exist)
            *ret_index = index__ref(old);
        else if (old)
            rc = err_set(err, ERR_INDEX_EXISTS, "index [" STR_FMT "/" STR_FMT "] already exists",
                         STR_ARG(name), STR_ARG(old->uuid));
        else if (alias_holder(engine, name))
            rc =
                err_set(err, ERR_INDEX_NAME,
                        "Invalid index name [" STR_FMT "], already exists as alias", STR_ARG(name));
        else
            rc = index_make(engine, name, &parts, ret_index, err);
        mutex_unlock(&engine->mu);
    }
    mapping_unref(parts.mapping);
    return rc;
}

int engine_index_create(struct engine *engine, struct str name, const struct value *body,
                        struct err *err)
{
    struct index *index;
    TRY(engine__disk_admit(engine, name, err));
    TRY(engine__index_make(engine, name, body, false, &index, err));
    index__unref(index);
    return 0;
}

bool engine_index_exists(struct engine *engine, struct str name)
{
    struct index *index = engine__index(engine, name);
    index__unref(index);
    return index != NULL;
}

/* ---- Removing ---- */

int engine_index_delete(struct engine *engine, struct str name, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    mutex_lock(&index->flush_mu);
    index__lanes_lock(index);
    mutex_lock(&index->mu);
    bool was_deleted = index->is_deleted;
    index->is_deleted = true;
    mutex_unlock(&index->mu);
    index__lanes_unlock(index);
    int rc = was_deleted
                 ? err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name))
                 : files_remove(index, err);
    if (rc < 0 && !was_deleted) {
        mutex_lock(&index->mu);
        index->is_deleted = false;
        mutex_unlock(&index->mu);
    }
    mutex_unlock(&index->flush_mu);
    TRY(rc);
    mutex_lock(&engine->mu);
    if (strmap_get(&engine->indices, name) == index)
        index__unref(strmap_remove(&engine->indices, name));
    mutex_unlock(&engine->mu);
    return 0;
}

/* ---- Mapping and settings ---- */

static int manifest_now(struct index *index, struct err *err)
{
    mutex_lock(&index->flush_mu);
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    int rc = is_deleted ? err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                                  STR_ARG(index->name))
                        : index__manifest_write(index, err);
    mutex_unlock(&index->flush_mu);
    return rc;
}

int engine_mapping_put(struct engine *engine, struct str name, const struct value *mappings,
                       struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    TRY(engine__disk_admit(engine, name, err));
    TRY(wal_state(engine->wal, err));
    for (;;) {
        CLEANUP(mapping_unref_ptr) struct mapping *old = index__mapping(index);
        CLEANUP(mapping_unref_ptr) struct mapping *draft = mapping_clone(old);
        TRY(mapping_put(draft, mappings, err));
        TRY(analyzers_check(draft, err));
        /* Into the log as well: a frame with an older mapping may lie behind the manifest's cut. */
        struct buf json;
        buf_init(&json, 0);
        mapping_encode(draft, &json);
        mutex_lock(&index->mu);
        bool is_ours = index->mapping == old;
        uint64_t seq = 0;
        int rc = 0;
        if (is_ours) {
            struct wal_frame frame = {.index_id = index->id,
                                      .kind = WAL_MAPPING,
                                      .record_count = 1,
                                      .payload = buf_str(&json)};
            rc = wal_append(engine->wal, &frame, &seq, err);
        }
        if (is_ours && rc == 0) {
            if (!index->wal_from)
                index->wal_from = seq;
            if (index->is_flushing && !index->wal_from_next)
                index->wal_from_next = seq;
            mapping_unref(index->mapping);
            index->mapping = mapping_ref(draft);
            index__publish(index, false);
        }
        mutex_unlock(&index->mu);
        buf_deinit(&json);
        TRY(rc);
        if (is_ours)
            return wal_commit(engine->wal, seq, err);
    }
}

int engine_mapping_get(struct engine *engine, struct str name, struct arena *mem,
                       struct value *ret_mappings, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    CLEANUP(mapping_unref_ptr) struct mapping *mapping = index__mapping(index);
    struct value v = mapping_to_value(mapping, mem);
    *ret_mappings = value_copy(mem, &v);
    return 0;
}

int engine_settings_put(struct engine *engine, struct str name, const struct value *settings,
                        struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    if (settings->kind != VALUE_MAP)
        return err_set(err, ERR_PARSE, "the body of a settings update must be an object");
    struct value flat = value_map(mem, 4), current;
    const struct value *inner =
        settings->map->count == 1 ? value_map_get_lit(settings, "settings") : NULL;
    settings_flatten(inner && inner->kind == VALUE_MAP ? inner : settings, STR_NONE, &flat, mem);
    TRY(settings_check(&flat, mem, err));
    for (size_t i = 0; i < flat.map->count; i++) {
        struct str key = flat.map->keys[i];
        if (str_is(key, "index.number_of_shards") || index_sort_is_setting(key))
            return err_set(err, ERR_INVALID,
                           "Can't update non dynamic settings [[" STR_FMT
                           "]] for open indices [[" STR_FMT "/" STR_FMT "]]",
                           STR_ARG(key), STR_ARG(name), STR_ARG(index->uuid));
    }
    mutex_lock(&index->mu);
    int rc = value_from_json(str_from(index->settings_json), mem, &current, err);
    for (size_t i = 0; rc == 0 && i < flat.map->count; i++) {
        if (flat.map->values[i].kind == VALUE_NULL)
            (void)value_map_remove(&current, flat.map->keys[i]);
        else
            value_map_set(mem, &current, flat.map->keys[i], flat.map->values[i]);
    }
    if (rc == 0) {
        json_replace(&index->settings_json, &current);
        index__settings_apply(index);
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    return manifest_now(index, err);
}

/* "index.mapping.total_fields.limit" into nested maps; values as text, as Elasticsearch prints
 * them. */
static void setting_nest(struct value *root, struct str path, struct value v, struct arena *mem)
{
    struct value *at = root;
    for (ptrdiff_t dot; (dot = str_find_char(path, '.')) > 0;
         path = str_from_off(path, (size_t)dot + 1)) {
        struct str part = str_sub(path, 0, (size_t)dot);
        struct value *next = value_map_get(at, part);
        if (!next || next->kind != VALUE_MAP) {
            value_map_set(mem, at, part, value_map(mem, 2));
            next = value_map_get(at, part);
        }
        at = next;
    }
    value_map_set(mem, at, path, v);
}

static struct value setting_text(const struct value *v, struct arena *mem)
{
    if (v->kind != VALUE_LIST)
        return value_str(value_to_str(mem, v));
    struct value list = value_list(mem, v->list->count);
    for (size_t i = 0; i < v->list->count; i++)
        value_list_add(mem, &list, value_str(value_to_str(mem, &v->list->items[i])));
    return list;
}

int engine_settings_get(struct engine *engine, struct str name, struct arena *mem,
                        struct value *ret_settings, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    struct value flat, root = value_map(mem, 1);
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->settings_json));
    mutex_unlock(&index->mu);
    TRY(value_from_json(json, mem, &flat, err));
    for (size_t i = 0; i < flat.map->count; i++) {
        setting_nest(&root, flat.map->keys[i], setting_text(&flat.map->values[i], mem), mem);
    }
    struct str created = arena_printf(mem, "%lld", (long long)(index->created_ns / NS_PER_MS));
    setting_nest(&root, STR("index.creation_date"), value_str(created), mem);
    setting_nest(&root, STR("index.provided_name"), value_str(arena_str(mem, index->name)), mem);
    setting_nest(&root, STR("index.uuid"), value_str(arena_str(mem, index->uuid)), mem);
    setting_nest(&root, STR("index.version.created"), value_str(STR("7100299")), mem);
    *ret_settings = root;
    return 0;
}

/* ---- Aliases and resolving ---- */

static bool index_has_alias(struct index *index, struct str alias, struct arena *mem)
{
    struct value aliases;
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->aliases_json));
    mutex_unlock(&index->mu);
    return json.n > 2 && value_from_json(json, mem, &aliases, NULL) == 0 &&
           aliases.kind == VALUE_MAP && value_map_get(&aliases, alias);
}

static bool alias_holder(struct engine *engine, struct str alias)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    size_t at = 0;
    struct str name;
    void *index;
    while (strmap_next(&engine->indices, &at, &name, &index)) {
        if (index_has_alias(index, alias, mem))
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
        json_replace(&index->aliases_json, &aliases);
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    return manifest_now(index, err);
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
        json_replace(&index->aliases_json, &aliases);
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    if (!was_there)
        return err_set(err, ERR_NOT_FOUND, "aliases [" STR_FMT "] missing", STR_ARG(alias));
    return manifest_now(index, err);
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

/* 0: not an alias of this index, 1: it is, 2: and the one to write to. */
static int alias_role(struct index *index, struct str alias, struct arena *mem)
{
    struct value aliases;
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->aliases_json));
    mutex_unlock(&index->mu);
    if (json.n <= 2 || value_from_json(json, mem, &aliases, NULL) < 0 || aliases.kind != VALUE_MAP)
        return 0;
    const struct value *body = value_map_get(&aliases, alias);
    const struct value *is_write = body ? value_map_get_lit(body, "is_write_index") : NULL;
    return !body ? 0 : is_write && is_write->kind == VALUE_BOOL && is_write->b ? 2 : 1;
}

int engine__alias_target(struct engine *engine, struct str alias, struct index **ret_index,
                         struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    size_t count, holders = 0;
    struct index **all = engine__all(engine, &count), *found = NULL;
    int best = 0;
    for (size_t i = 0; i < count; i++) {
        int role = alias_role(all[i], alias, mem);
        holders += role > 0;
        if (role > best) {
            best = role;
            found = all[i];
        }
    }
    bool is_clear = found && (best == 2 || holders == 1);
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

struct resolve {
    struct index **all;
    bool *is_in;
    size_t count;
    struct arena *mem;
};

static bool alias_globs(struct resolve *r, size_t i, struct str pattern)
{
    struct value aliases;
    mutex_lock(&r->all[i]->mu);
    struct str json = arena_str(r->mem, str_from(r->all[i]->aliases_json));
    mutex_unlock(&r->all[i]->mu);
    if (json.n <= 2 || value_from_json(json, r->mem, &aliases, NULL) < 0 ||
        aliases.kind != VALUE_MAP)
        return false;
    for (size_t k = 0; k < aliases.map->count; k++) {
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
                                        index_has_alias(r->all[i], part, r->mem));
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

/* ---- Maintenance and figures ---- */

int engine_refresh(struct engine *engine, struct str name, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    return index__refresh(index, err);
}

int engine_flush(struct engine *engine, struct str name, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    return index__flush(index, false, err);
}

int engine_force_merge(struct engine *engine, struct str name, size_t segment_count_max,
                       struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    TRY(engine__disk_admit(engine, name, err));
    return index__merge_to(index, segment_count_max, err);
}

int engine_index_stats(struct engine *engine, struct str name, struct arena *mem,
                       struct index_stats *ret, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    struct index_stats s = {.name = arena_str(mem, index->name),
                            .uuid = arena_str(mem, index->uuid),
                            .created_ns = index->created_ns,
                            .seq_no_max =
                                __atomic_load_n(&index->seq_no_next, __ATOMIC_RELAXED) - 1};
    mutex_lock(&index->mu);
    index_metrics_add(&s.metrics, &index->metrics); /* under mu: no flush between log and cut */
    s.flush_age_ns = clock_monotonic_ns(engine->clock) - index->flushed_ns;
    s.log_operations = metric_get(&s.metrics.log_operations) - index->log_operations_flushed;
    s.log_bytes = metric_get(&s.metrics.log_bytes) - index->log_bytes_flushed;
    s.builder_bytes = index->memory_bytes;
    for (size_t i = 0; i < index->view->count; i++) {
        s.doc_count += index->view->parts[i].live_count;
        s.deleted_count +=
            index->view->parts[i].segment->doc_count - index->view->parts[i].live_count;
        s.segment_count++;
    }
    for (size_t i = 0; i < index->set->count; i++) {
        const struct slot *slot = index->set->slots[i];
        s.store_bytes += slot->segment->size;
        s.segment_memory_bytes += segment__memory_bytes(slot->segment);
        if (slot->number == 0)
            s.builder_bytes -= MIN_OF(s.builder_bytes, slot->segment->size);
    }
    s.memory_bytes = index->memory_bytes;
    s.damaged_count = (uint32_t)index->damaged_count;
    memcpy(s.damaged_reason, index->trouble, sizeof(s.damaged_reason));
    mutex_unlock(&index->mu);
    struct err why;
    s.is_failed = index__is_failed(index);
    s.is_recovering = !s.is_failed && !index__is_ready(index);
    if (s.is_failed) {
        mutex_lock(&engine->recover_mu);
        memcpy(s.damaged_reason, index->failure.text, sizeof(s.damaged_reason) - 1);
        mutex_unlock(&engine->recover_mu);
        s.damaged_reason[sizeof(s.damaged_reason) - 1] = '\0';
    }
    if (wal_state(engine->wal, &why) < 0) {
        s.is_read_only = true;
        memcpy(s.read_only_reason, why.text, sizeof(s.read_only_reason) - 1);
        s.read_only_reason[sizeof(s.read_only_reason) - 1] = '\0';
    }
    *ret = s;
    return 0;
}

int engine_filters_clear(struct engine *engine, struct str name, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    filter_cache_clear(engine->filter_cache, &index->metrics);
    return 0;
}
