/* SPDX-License-Identifier: Apache-2.0 */
/* Index administration: making, removing, mappings, maintenance, figures. Names are in
 * index_names.c, settings in index_settings.c, aliases in engine_alias.c. */
#include "base/str.h"
#include "event/value.h"
#include "index/analyze.h"
#include "index/index_int.h"
#include "index/index_sort.h"

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
            index__settings_flatten(v, STR_NONE, &ret->settings, mem);
        if (str_is(key, "aliases"))
            TRY(index__aliases_read(v, mem, &ret->aliases, err));
    }
    TRY(index__settings_check(&ret->settings, mem, err));
    int64_t limit = MAPPING_FIELDS_MAX_DEFAULT;
    TRY(index__setting_int(&ret->settings, "index.mapping.total_fields.limit", 0, INT32_MAX, mem,
                           &limit, err));
    ret->mapping->fields_max = (uint32_t)limit;
    const struct value *mappings = value_map_get_lit(body, "mappings");
    if (mappings) {
        int rc = mapping_put(ret->mapping, mappings, err);
        if (rc < 0)
            return rc == -ERR_MAPPER_PARSING ? err_wrap(err, "Failed to parse mapping [_doc]") : rc;
    }
    TRY(index_sort_check(&ret->settings, ret->mapping, mem, err));
    for (size_t i = ret->settings.map->count; i-- > 0;) {
        if (ret->settings.map->values[i].kind == VALUE_NULL)
            (void)value_map_remove(&ret->settings, ret->settings.map->keys[i]);
    }
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
    index__json_replace(&index->settings_json, &body->settings);
    index__json_replace(&index->aliases_json, &body->aliases);
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
        else if (engine__has_alias(engine, name))
            rc =
                err_set(err, ERR_INDEX_NAME,
                        "Invalid index name [" STR_FMT "], already exists as alias", STR_ARG(name));
        else
            rc = engine__aliases_check(engine, name, &parts.aliases, err);
        if (rc == 0 && !old)
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

/* ---- Mapping ---- */

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
