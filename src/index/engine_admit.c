/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request is taken: the log's state, free disk space, memory. Refused here, nothing of it
 * was applied. */
#include "index/engine_write_int.h"

#define MEMORY_WAIT_NS                                                                             \
    (5 * NS_PER_S) /* for the background to make room, before a request is refused */

int engine__disk_blocked(struct str index, struct err *err)
{
    return err_set(err, ERR_DISK_FULL,
                   "index [" STR_FMT
                   "] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage "
                   "watermark, index has read-only-allow-delete block];",
                   STR_ARG(index));
}

int engine__disk_is_full(struct engine *engine, bool *ret_is_full, struct err *err)
{
    int64_t now_ns = clock_monotonic_ns(engine->clock);
    int64_t checked_ns = __atomic_load_n(&engine->disk_checked_ns, __ATOMIC_RELAXED);
    bool is_full = __atomic_load_n(&engine->is_disk_full, __ATOMIC_RELAXED);
    /* A full disk is looked at each time: writes go on with the first one after there is room. */
    if (checked_ns == INT64_MIN || is_full || now_ns - checked_ns >= DISK_CHECK_NS) {
        uint64_t free_bytes;
        __atomic_store_n(&engine->disk_checked_ns, now_ns, __ATOMIC_RELAXED);
        TRY(vfs_free_bytes(engine->fs, engine->path, &free_bytes, err));
        is_full = free_bytes < DISK_RESERVE_BYTES;
        __atomic_store_n(&engine->is_disk_full, is_full, __ATOMIC_RELAXED);
    }
    *ret_is_full = is_full;
    return 0;
}

int engine__disk_admit(struct engine *engine, struct str index, struct err *err)
{
    bool is_full;
    TRY(engine__disk_is_full(engine, &is_full, err));
    return is_full ? engine__disk_blocked(index, err) : 0;
}

static int admit_disk(struct engine *engine, enum admitted *ret, struct err *err)
{
    bool is_full;
    int rc = wal_state(engine->wal, err);
    if (rc == -ERR_DISK_FULL)
        rc = wal_heal(engine->wal, err);
    if (rc == -ERR_DISK_FULL) {
        *ret = ADMIT_NONE; /* a delete needs the log as well */
        return 0;
    }
    TRY(rc);
    TRY(engine__disk_is_full(engine, &is_full, err));
    *ret = is_full ? ADMIT_DELETES : ADMIT_ALL;
    return 0;
}

uint64_t engine__memory_used(struct engine *engine)
{
    return __atomic_load_n(&engine->memory_bytes, __ATOMIC_RELAXED) +
           __atomic_load_n(&engine->flight_bytes, __ATOMIC_RELAXED);
}

/* Behind WAL_BYTES_MAX of log nothing is taken until a flush let some of it go: what a crash leaves
 * to be replayed is bounded by it. */
static bool is_over(struct engine *engine, size_t bytes)
{
    return engine__memory_used(engine) + bytes > engine->memory_max ||
           wal_bytes(engine->wal) > WAL_BYTES_MAX;
}

/* Lets the background make room for a while. */
static void memory_wait(struct engine *engine, size_t bytes)
{
    if (!engine->has_thread) {
        size_t count;
        struct index **indices = engine__all(engine, &count);
        for (size_t i = 0; i < count; i++)
            (void)!index__flush(indices[i], false, NULL);
        engine__all_free(indices, count);
        return;
    }
    struct timespec until = engine__deadline(MEMORY_WAIT_NS);
    mutex_lock(&engine->bg_mu);
    engine->is_kicked = true;
    ASSERT(pthread_cond_signal(&engine->bg_wake) == 0);
    while (is_over(engine, bytes)) {
        if (pthread_cond_timedwait(&engine->bg_done, &engine->bg_mu, &until) != 0)
            break;
    }
    mutex_unlock(&engine->bg_mu);
}

static int admit_memory(struct engine *engine, size_t bytes, struct err *err)
{
    size_t needed = bytes * 2; /* a document's columns and postings are about its own size again */
    struct engine_metrics *m = &engine->metrics;
    if (bytes > engine->request_max) {
        metric_add(&m->rejected_size, 1);
        return err_set(err, ERR_TOO_LARGE,
                       "a write of %zu bytes is over the limit request_bytes_max of %zu", bytes,
                       engine->request_max);
    }
    if (is_over(engine, needed))
        memory_wait(engine, needed);
    uint64_t used = engine__memory_used(engine);
    if (used + needed > engine->memory_max) {
        metric_add(&m->rejected_memory, 1);
        (void)err_set(err, ERR_MEM_LIMIT,
                      "[write] data too large: %llu bytes are in use and %zu more needed, over the "
                      "limit memory_bytes_max of %zu (indices.memory.index_buffer_size)",
                      (unsigned long long)used, needed, engine->memory_max);
        return err_bytes(err, used + needed, engine->memory_max);
    }
    if (is_over(engine, needed)) {
        metric_add(&m->rejected_log_bytes, 1);
        (void)err_set(err, ERR_MEM_LIMIT,
                      "[write] the log holds %llu bytes that are not flushed, over the limit "
                      "WAL_BYTES_MAX of %llu",
                      (unsigned long long)wal_bytes(engine->wal),
                      (unsigned long long)WAL_BYTES_MAX);
        return err_bytes(err, wal_bytes(engine->wal), WAL_BYTES_MAX);
    }
    return 0;
}

static bool is_delete_only(const struct doc_write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (writes[i].op != DOC_DELETE)
            return false;
    }
    return true;
}

/* A request of which the disk keeps something out is counted once, though its items are told one by
 * one. */
int engine__admit(struct engine *engine, const struct doc_write *writes, size_t count, size_t bytes,
                  enum admitted *ret, struct err *err)
{
    struct engine_metrics *m = &engine->metrics;
    int rc = admit_disk(engine, ret, err);
    if (rc < 0) {
        metric_add(rc == -ERR_READ_ONLY ? &m->rejected_log : &m->rejected_disk, 1);
        return rc;
    }
    TRY(admit_memory(engine, bytes, err));
    if (*ret == ADMIT_NONE || (*ret == ADMIT_DELETES && !is_delete_only(writes, count)))
        metric_add(&m->rejected_disk, 1);
    return 0;
}
