/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the store, recovery, and the background round.
 *
 *   <path>/lock                 held for the life of the engine; its content is the holder's
 * process id <path>/wal/<sequence>.log   the log of all indices <path>/indices/<uuid>/ manifest,
 * <n>.seg, <n>.<generation>.live
 *
 * Opening: every manifest is read and its segments opened (footers only), the log's last file is
 * read for its end. The log's tail comes back in the background: engine_recover.c. */
#include "index/engine.h"

#include <stdlib.h>

#include "base/str.h"
#include "index/index_int.h"
#include "os/os.h"

#define BACKGROUND_ROUND_NS (50 * NS_PER_MS)
#define MERGE_ROUND_NS      (500 * NS_PER_MS)
#define TRIM_BYTES_MIN      (32 * MIB) /* a flush of less leaves little behind */
#define RECOVERY_OPEN_WAIT_NS                                                                      \
    (50 * NS_PER_MS) /* a short tail is back before anybody is answered                            \
                      */

/* ---- Indices by name ---- */

struct index *engine__index(struct engine *engine, struct str name)
{
    mutex_lock(&engine->mu);
    struct index *index = strmap_get(&engine->indices, name);
    if (index)
        (void)index__ref(index);
    mutex_unlock(&engine->mu);
    return index;
}

int engine__index_get(struct engine *engine, struct str name, struct index **ret_index,
                      struct err *err)
{
    *ret_index = engine__index(engine, name);
    return *ret_index
               ? 0
               : err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
}

static int by_name(const void *a, const void *b)
{
    return str_cmp((*(struct index *const *)a)->name, (*(struct index *const *)b)->name);
}

struct index **engine__all(struct engine *engine, size_t *ret_count)
{
    mutex_lock(&engine->mu);
    struct index **indices = MEM_ARRAY(struct index *, engine->indices.count + 1);
    size_t count = 0, at = 0;
    struct str name;
    void *index;
    while (strmap_next(&engine->indices, &at, &name, &index))
        indices[count++] = index__ref(index);
    mutex_unlock(&engine->mu);
    qsort(indices, count, sizeof(*indices), by_name);
    *ret_count = count;
    return indices;
}

void engine__all_free(struct index **indices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        index__unref(indices[i]);
    mem_free(indices);
}

/* ---- Opening an index ---- */

static void set_aside(struct index *index, uint64_t number, uint32_t doc_count,
                      const struct err *why)
{
    index->damaged =
        mem_realloc(index->damaged, (index->damaged_count + 1) * sizeof(*index->damaged));
    index->damaged[index->damaged_count++] =
        (struct manifest_segment){.number = number, .doc_count = doc_count};
    if (index->damaged_count > 1) /* the first is named, all are counted */
        return;
    size_t n = MIN_OF(strlen(why->text), sizeof(index->trouble) - 1);
    memcpy(index->trouble, why->text, n);
    index->trouble[n] = '\0';
}

static int slot_open(struct index *index, const struct manifest_segment *m, struct arena *mem,
                     struct slot **ret_slot, struct err *err)
{
    struct vfs *fs = index->engine->fs;
    struct segment *seg;
    if (m->bytes == 0)
        return err_set(err, ERR_CORRUPT, "segment %llu.seg: was set aside as damaged before",
                       (unsigned long long)m->number);
    TRY(segment_open_file(fs, segment_file_path(index->path, m->number, mem), &seg, err));
    struct slot *slot = slot_new(seg, m->number);
    segment__scrub_start(seg, index->engine);
    int rc = 0;
    if (seg->size != m->bytes || seg->doc_count != m->doc_count)
        rc = err_set(err, ERR_CORRUPT,
                     "segment %s: %llu bytes and %u documents where the manifest says %llu and %u",
                     seg->name, (unsigned long long)seg->size, seg->doc_count,
                     (unsigned long long)m->bytes, m->doc_count);
    if (rc == 0 && m->live_generation) {
        uint64_t *words;
        uint32_t count;
        rc = live_file_read(fs, live_file_path(index->path, m->number, m->live_generation, mem),
                            seg->doc_count, &words, &count, err);
        if (rc == 0) {
            mem_free(slot->live);
            slot->live = words;
            slot->live_count = count;
            slot->live_generation = m->live_generation;
            slot->published = slot__live_copy(slot);
        }
    }
    if (rc < 0) {
        slot_unref(slot);
        return rc;
    }
    *ret_slot = slot;
    return 0;
}

static bool is_failed(const struct slot *slot)
{
    return slot->number && segment__is_damaged(slot->segment);
}

/* REQUIRES(merge_mu, flush_mu, mu) */
static void failed_take_out(struct index *index)
{
    struct slot **slots = mem_alloc((index->set->count + 1) * sizeof(struct slot *));
    size_t count = 0;
    for (size_t i = 0; i < index->set->count; i++) {
        struct slot *slot = index->set->slots[i];
        struct err why;
        if (!is_failed(slot)) {
            slots[count++] = slot_ref(slot);
            continue;
        }
        (void)!segment_failure(slot->segment, &why);
        set_aside(index, slot->number, slot->segment->doc_count, &why);
        slot->is_retired = true;
    }
    index__set_slots(index, slots, count);
    index__publish(index, false);
    index->is_mapping_dirty = true; /* the manifest is to say it */
    mem_free(slots);
}

/* A segment that turned out to be damaged while it was read fails every search that meets it; then
 * it is set aside, as at opening, and the rest serves. A merge that is running is waited for by
 * coming again. */
static void failed_set_aside(struct index *index)
{
    bool any = false;
    mutex_lock(&index->mu);
    for (size_t i = 0; i < index->set->count; i++)
        any |= is_failed(index->set->slots[i]);
    mutex_unlock(&index->mu);
    if (!any || pthread_mutex_trylock(&index->merge_mu) != 0)
        return;
    mutex_lock(&index->flush_mu);
    mutex_lock(&index->mu);
    failed_take_out(index);
    mutex_unlock(&index->mu);
    mutex_unlock(&index->flush_mu);
    mutex_unlock(&index->merge_mu);
}

static int slots_open(struct index *index, const struct manifest *m, struct arena *mem,
                      struct err *err)
{
    struct slot **slots = ARENA_ARRAY(mem, struct slot *, m->segment_count + 1);
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < m->segment_count && rc == 0; i++) {
        struct err why;
        rc = slot_open(index, &m->segments[i], mem, &slots[count], &why);
        if (rc == 0) {
            count++;
        } else if (why.code == ERR_CORRUPT || why.code == ERR_NOT_FOUND) {
            set_aside(index, m->segments[i].number, m->segments[i].doc_count, &why);
            rc = 0;
        } else if (err) {
            *err = why;
        }
    }
    if (rc < 0) {
        for (size_t i = 0; i < count; i++)
            slot_unref(slots[i]);
        return rc;
    }
    mutex_lock(&index->mu);
    index__set_slots(index, slots, count);
    index__publish(index, true);
    mutex_unlock(&index->mu);
    return 0;
}

int index__open(struct engine *engine, struct str dir, struct index **ret_index, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    struct manifest m;
    struct mapping *mapping;
    TRY(manifest_read(engine->fs, dir, mem, &m, err));
    if (!str_eq(m.uuid, path_name(dir)))
        return err_set(err, ERR_CORRUPT, "manifest of " STR_FMT " belongs to index " STR_FMT,
                       STR_ARG(dir), STR_ARG(m.uuid));
    TRY(mapping_decode(m.mapping_json, &mapping, err));
    index = index__new(engine, m.name, m.uuid, m.id, mapping);
    index->created_ns = m.created_ns;
    index->manifest_generation = m.generation;
    index->wal_flushed = m.wal_flushed;
    index->segment_next = m.segment_next;
    index->seq_no_next = m.seq_no_next;
    mem_free(index->settings_json);
    mem_free(index->aliases_json);
    index->settings_json = mem_cstr(m.settings_json);
    index->aliases_json = mem_cstr(m.aliases_json);
    index__settings_apply(index);
    TRY(slots_open(index, &m, mem, err));
    *ret_index = TAKE(index);
    return 0;
}

/* A folder without a manifest: an index that was being made or removed when the process ended. */
static int folder_sweep(struct engine *engine, struct str dir, struct arena *mem, struct err *err)
{
    struct vfs_entry *entries;
    size_t count;
    TRY(vfs_list(engine->fs, dir, mem, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        TRY(vfs_remove(engine->fs, path_join(mem, dir, entries[i].name), err));
    }
    return vfs_remove(engine->fs, dir, err);
}

/* 1: there, 0: surely not there; any other answer of the file system is an error, never "not
 * there". */
static int file_is_there(struct vfs *fs, struct str path, struct err *err)
{
    struct vfs_stat st;
    int rc = vfs_stat(fs, path, true, &st, err);
    return rc == -ERR_NOT_FOUND ? 0 : rc < 0 ? rc : 1;
}

/* A failed index, about which nothing is known but its name, lets go of the name to another that
 * bears it: it goes by its uuid. */
static void failed_rename(struct engine *engine, struct index *failed, struct index *other)
{
    (void)strmap_put(&engine->indices, failed->name, other);
    mem_free((void *)(uintptr_t)failed->name.p);
    failed->name = (struct str){mem_cstr(failed->uuid), failed->uuid.n};
    (void)strmap_put(&engine->indices, failed->name, failed);
}

/* Two folders with one name: making the index failed after its manifest was in place (so nobody
 * ever wrote to it), and then it was made again. The older, empty one goes. */
static int index_enter(struct engine *engine, struct index *index, struct arena *mem,
                       struct err *err)
{
    struct index *ghost = strmap_get(&engine->indices, index->name);
    if (!ghost) {
        (void)strmap_put(&engine->indices, index->name, index);
        return 0;
    }
    if (index__is_failed(ghost) || index__is_failed(index)) {
        failed_rename(engine, index__is_failed(index) ? index : ghost,
                      index__is_failed(index) ? ghost : index);
        return 0;
    }
    if (ghost->id < index->id)
        (void)strmap_put(&engine->indices, index->name, index);
    else
        ghost = index;
    int rc = ghost->set->count || ghost->damaged_count
                 ? err_set(err, ERR_CORRUPT, "two index folders bear the name [" STR_FMT "]",
                           STR_ARG(index->name))
                 : vfs_remove(engine->fs, path_join(mem, ghost->path, STR("manifest")), err);
    if (rc == 0)
        rc = folder_sweep(engine, ghost->path, mem, err);
    index__unref(ghost);
    return rc;
}

/* One whose files are damaged is there all the same, to say so; an error is one of reading. */
static int index_open_or_fail(struct engine *engine, struct str dir, struct index **ret_index,
                              struct err *err)
{
    struct err why;
    int rc = index__open(engine, dir, ret_index, &why);
    if (rc == -ERR_CORRUPT || rc == -ERR_PARSE) {
        *ret_index = index__open_failed(engine, dir, &why);
        return 0;
    }
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    (*ret_index)->state = INDEX_RECOVERING;
    rc = index__tail_find(engine->fs, dir, &why);
    if (rc < 0 && rc != -ERR_CORRUPT) {
        index__unref(*ret_index);
        if (err)
            *err = why;
        return rc;
    }
    if (rc < 0)
        index__fail(*ret_index, &why);
    return 0;
}

static int indices_open(struct engine *engine, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct vfs_entry *entries;
    size_t count;
    TRY(vfs_make_dir(engine->fs, engine->indices_path, err));
    TRY(vfs_sync_dir(engine->fs, engine->path, err));
    TRY(vfs_list(engine->fs, engine->indices_path, mem, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind != VFS_KIND_DIR)
            continue;
        struct str dir = path_join(mem, engine->indices_path, entries[i].name);
        struct index *index;
        int rc = file_is_there(engine->fs, path_join(mem, dir, STR("manifest")), err);
        TRY(rc);
        if (rc == 0) {
            TRY(folder_sweep(engine, dir, mem, err));
            continue;
        }
        TRY(index_open_or_fail(engine, dir, &index, err));
        TRY(index_enter(engine, index, mem, err));
    }
    return 0;
}

static int log_open(struct engine *engine, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    uint64_t seq_min = 1;
    size_t count;
    struct index **indices = engine__all(engine, &count);
    for (size_t i = 0; i < count; i++) {
        seq_min = MAX_OF(seq_min, indices[i]->id + 1);
        seq_min = MAX_OF(seq_min, indices[i]->wal_flushed);
    }
    engine__all_free(indices, count);
    struct wal_config config = {.fs = engine->fs,
                                .dir = path_join(mem, engine->path, STR("wal")),
                                .seq_min = seq_min,
                                .clock = engine->clock,
                                .file_bytes_max = engine->config.wal_file_bytes_max};
    return wal_open(&config, &engine->wal, err);
}

/* ---- Background ---- */

void engine__kick(struct engine *engine)
{
    mutex_lock(&engine->bg_mu);
    engine->is_kicked = true;
    ASSERT(pthread_cond_signal(&engine->bg_wake) == 0);
    mutex_unlock(&engine->bg_mu);
}

static bool refresh_due(struct index *index, int64_t now_ns)
{
    mutex_lock(&index->mu);
    bool due = index->is_changed && (index->is_refresh_wanted ||
                                     (index->refresh_interval_ns >= 0 && !index__is_idle(index) &&
                                      now_ns - index->refreshed_ns >= index->refresh_interval_ns));
    mutex_unlock(&index->mu);
    return due;
}

static bool flush_due(struct index *index, int64_t now_ns)
{
    struct engine *engine = index->engine;
    mutex_lock(&index->mu);
    bool is_dirty = index->wal_from != 0 || index->is_mapping_dirty || index->memory_bytes > 0;
    uint64_t bytes = index->memory_bytes;
    bool is_old = now_ns - index->flushed_ns >= FLUSH_AGE_NS;
    mutex_unlock(&index->mu);
    bool is_tight =
        __atomic_load_n(&engine->memory_bytes, __ATOMIC_RELAXED) > engine->memory_max / 2;
    return is_dirty && (is_old || wal_bytes(engine->wal) > WAL_FLUSH_BYTES ||
                        (is_tight && bytes > engine->memory_max / 64));
}

static int index_round(struct index *index, struct err *err)
{
    int64_t now_ns = clock_monotonic_ns(index->engine->clock);
    if (!index__is_ready(index))
        return 0;
    failed_set_aside(index);
    if (refresh_due(index, now_ns))
        TRY(index__refresh(index, err));
    /* Read-only: nothing more reaches the disk. And after a failure the disk gets a rest. */
    if (wal_state(index->engine->wal, NULL) < 0 || now_ns < index->retry_ns)
        return 0;
    bool is_flush = flush_due(index, now_ns);
    uint64_t before = __atomic_load_n(&index->engine->memory_bytes, __ATOMIC_RELAXED);
    int rc = is_flush ? index__flush(index, false, err) : index__fold(index, err);
    if (rc < 0)
        index->retry_ns = now_ns + RETRY_NS;
    if (is_flush && before >= TRIM_BYTES_MIN)
        mem_trim(); /* builders, segments and the merge's arrays are gone */
    return rc;
}

static int merge_round(struct index *index, struct err *err)
{
    int64_t now_ns = clock_monotonic_ns(index->engine->clock);
    bool did = true;
    int rc = 0;
    if (!index__is_ready(index) || wal_state(index->engine->wal, NULL) < 0 ||
        now_ns < index->merge_retry_ns)
        return 0;
    while (rc == 0 && did) {
        rc = index__merge_due(index, &did, err);
        if (did)
            mem_trim();
    }
    if (rc == -ERR_SHUTDOWN)
        return 0;
    if (rc < 0)
        index->merge_retry_ns = now_ns + RETRY_NS;
    return rc;
}

/* A log that stopped because the disk was full goes on when there is room again. */
static void disk_round(struct engine *engine)
{
    uint64_t free_bytes;
    if (wal_state(engine->wal, NULL) == -ERR_DISK_FULL &&
        vfs_free_bytes(engine->fs, engine->path, &free_bytes, NULL) == 0 &&
        free_bytes >= DISK_RESERVE_BYTES)
        (void)!wal_heal(engine->wal, NULL);
}

/* Runs `round` over all indices; one that fails does not keep the others from theirs. */
static int each_index(struct engine *engine, int (*round)(struct index *, struct err *),
                      struct err *err)
{
    size_t count;
    int first = 0;
    struct index **indices = engine__all(engine, &count);
    for (size_t i = 0; i < count; i++) {
        struct err one;
        int rc = round(indices[i], &one);
        if (rc < 0 && first == 0) {
            first = rc;
            if (err)
                *err = one;
        }
    }
    engine__all_free(indices, count);
    return first;
}

int engine_tick(struct engine *engine, struct err *err)
{
    disk_round(engine);
    TRY(each_index(engine, index_round, err));
    engine__scrub_round(engine);
    return each_index(engine, merge_round, err);
}

struct timespec engine__deadline(int64_t ns)
{
    int64_t at = clock_monotonic_ns(clock_system()) + ns;
    return (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
}

static void *background(void *arg)
{
    struct engine *engine = arg;
    os_thread_name("naru-index");
    mutex_lock(&engine->bg_mu);
    while (!engine->is_closing) {
        struct timespec until = engine__deadline(
            MIN_OF(clock_to_real_ns(engine->clock, BACKGROUND_ROUND_NS), BACKGROUND_ROUND_NS));
        if (!engine->is_kicked)
            (void)pthread_cond_timedwait(&engine->bg_wake, &engine->bg_mu, &until);
        engine->is_kicked = false;
        mutex_unlock(&engine->bg_mu);
        struct err err = {0};
        disk_round(engine);
        int rc = each_index(engine, index_round, &err);
        mutex_lock(&engine->bg_mu);
        engine->background_error = rc < 0 ? err : (struct err){0};
        ASSERT(pthread_cond_broadcast(&engine->bg_done) == 0);
    }
    mutex_unlock(&engine->bg_mu);
    return NULL;
}

/* Merges may take minutes; refreshes and flushes must not wait for them. */
static void *merging(void *arg)
{
    struct engine *engine = arg;
    os_thread_name("naru-merge");
    mutex_lock(&engine->bg_mu);
    while (!engine->is_closing) {
        struct timespec until = engine__deadline(MERGE_ROUND_NS);
        (void)pthread_cond_timedwait(&engine->merge_wake, &engine->bg_mu, &until);
        if (engine->is_closing)
            break;
        mutex_unlock(&engine->bg_mu);
        struct err err;
        int rc = each_index(engine, merge_round, &err);
        mutex_lock(&engine->bg_mu);
        if (rc < 0)
            engine->background_error = err;
    }
    mutex_unlock(&engine->bg_mu);
    return NULL;
}

static void conditions_init(struct engine *engine)
{
    pthread_condattr_t attr;
    ASSERT(pthread_condattr_init(&attr) == 0 &&
           pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&engine->bg_wake, &attr) == 0 &&
           pthread_cond_init(&engine->bg_done, &attr) == 0 &&
           pthread_cond_init(&engine->merge_wake, &attr) == 0 &&
           pthread_cond_init(&engine->scrub_wake, &attr) == 0 &&
           pthread_cond_init(&engine->recovered, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
}

/* ---- Life ---- */

static int lock_take(struct engine *engine, struct err *err)
{
    struct vfs *fs = engine->fs;
    struct str path = path_join(engine->mem, engine->path, STR("lock"));
    TRY(vfs_open(fs, path, VFS_READ | VFS_WRITE | VFS_CREATE, &engine->lock_file, err));
    int rc = vfs_lock(engine->lock_file, err);
    if (rc == -ERR_LOCKED) {
        char pid[24] = {0};
        size_t n = 0;
        (void)!vfs_read_at(engine->lock_file, 0, pid, sizeof(pid) - 1, &n, NULL);
        while (n > 0 && (pid[n - 1] < '0' || pid[n - 1] > '9'))
            pid[--n] = '\0';
        return err_set(err, ERR_LOCKED, "data folder [" STR_FMT "] is in use by process %s",
                       STR_ARG(engine->path), n ? pid : "?");
    }
    TRY(rc);
    char text[24];
    struct buf out;
    buf_init(&out, sizeof(text));
    buf_add_i64(&out, os_pid());
    buf_add_char(&out, '\n');
    rc = vfs_truncate(engine->lock_file, 0, err);
    if (rc == 0)
        rc = vfs_write_at(engine->lock_file, 0, out.p, out.n, err);
    buf_deinit(&out);
    return rc;
}

static void engine_destroy(struct engine *engine)
{
    size_t at = 0;
    struct str name;
    void *index;
    while (strmap_next(&engine->indices, &at, &name, &index))
        index__unref(index);
    strmap_deinit(&engine->indices);
    filter_cache_free(engine->filter_cache);
    wal_close(engine->wal);
    vfs_close(engine->lock_file);
    arena_free(engine->mem);
    (void)pthread_mutex_destroy(&engine->mu);
    (void)pthread_mutex_destroy(&engine->id_mu);
    (void)pthread_mutex_destroy(&engine->bg_mu);
    (void)pthread_mutex_destroy(&engine->recover_mu);
    (void)pthread_cond_destroy(&engine->bg_wake);
    (void)pthread_cond_destroy(&engine->bg_done);
    (void)pthread_cond_destroy(&engine->merge_wake);
    (void)pthread_cond_destroy(&engine->scrub_wake);
    (void)pthread_cond_destroy(&engine->recovered);
    mem_free(engine);
}

static int engine_start(struct engine *engine, struct err *err)
{
    TRY(vfs_make_dir(engine->fs, engine->path, err));
    /* The folder's own name must survive too; a parent that we may not open is somebody else's
     * care. */
    (void)!vfs_sync_dir(engine->fs, path_dir(engine->path), NULL);
    TRY(lock_take(engine, err));
    TRY(indices_open(engine, err));
    TRY(log_open(engine, err));
    engine__ids_init(engine);
    if (!engine->config.is_single_threaded) {
        ASSERT(pthread_create(&engine->thread, NULL, background, engine) == 0);
        ASSERT(pthread_create(&engine->merge_thread, NULL, merging, engine) == 0);
        engine->has_thread = true;
        ASSERT(pthread_create(&engine->scrub_thread, NULL, engine__scrubbing, engine) == 0);
    }
    return engine__recover_start(engine, RECOVERY_OPEN_WAIT_NS, err);
}

int engine_open(const struct engine_config *config, struct engine **ret_engine, struct err *err)
{
    struct engine *engine = MEM_NEW(struct engine);
    engine->config = *config;
    engine->fs = config->fs;
    engine->clock = config->clock;
    engine->mem = arena_new(0);
    engine->path = arena_str(engine->mem, config->path);
    engine->indices_path = path_join(engine->mem, engine->path, STR("indices"));
    engine->memory_max = config->memory_bytes_max ? config->memory_bytes_max : MEMORY_BYTES_DEFAULT;
    engine->request_max =
        config->request_bytes_max ? config->request_bytes_max : REQUEST_BYTES_DEFAULT;
    engine->merge_bytes_per_s =
        config->merge_bytes_per_s ? config->merge_bytes_per_s : MERGE_BYTES_PER_S;
    engine->scrub_interval_ns =
        config->scrub_interval_ns ? config->scrub_interval_ns : SCRUB_INTERVAL_NS;
    engine->scrub_bytes_per_s =
        config->scrub_bytes_per_s ? config->scrub_bytes_per_s : SCRUB_BYTES_PER_S;
    engine->lane_count =
        MIN_OF(config->lane_count ? config->lane_count : os_cpu_count(), (size_t)LANES_MAX);
    engine->disk_checked_ns = INT64_MIN;
    strmap_init(&engine->indices);
    uint64_t filter_bytes =
        config->filter_cache_bytes ? config->filter_cache_bytes : FILTER_CACHE_BYTES_DEFAULT;
    engine->filter_cache = filter_cache_new(
        &(struct filter_cache_config){.bytes_max = config->has_no_filter_cache ? 0 : filter_bytes,
                                      .keeps_all = config->keeps_all_filters});
    ASSERT(pthread_mutex_init(&engine->mu, NULL) == 0 &&
           pthread_mutex_init(&engine->id_mu, NULL) == 0 &&
           pthread_mutex_init(&engine->bg_mu, NULL) == 0 &&
           pthread_mutex_init(&engine->recover_mu, NULL) == 0);
    conditions_init(engine);
    int rc = engine_start(engine, err);
    if (rc < 0) {
        engine_destroy(engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    engine__recover_stop(engine);
    if (engine->has_thread) {
        mutex_lock(&engine->bg_mu);
        engine->is_closing = true;
        ASSERT(pthread_cond_broadcast(&engine->bg_wake) == 0 &&
               pthread_cond_broadcast(&engine->merge_wake) == 0 &&
               pthread_cond_broadcast(&engine->scrub_wake) == 0);
        mutex_unlock(&engine->bg_mu);
        ASSERT(pthread_join(engine->thread, NULL) == 0 &&
               pthread_join(engine->merge_thread, NULL) == 0 &&
               pthread_join(engine->scrub_thread, NULL) == 0);
    }
    /* A flush that fails loses nothing: the log still has it. */
    size_t count;
    struct index **indices = engine__all(engine, &count);
    for (size_t i = 0; i < count; i++)
        (void)!index__flush(indices[i], false, NULL);
    engine__all_free(indices, count);
    engine_destroy(engine);
}
