/* SPDX-License-Identifier: Apache-2.0 */
/* engine_recover.c: the log's tail goes back into the indices, beside the serving.
 *
 *   engine_open     reads manifests, footers and the log's last file: indices are RECOVERING, the
 *                   log takes frames
 *   heads           which index has frames that are not in its segments? The others are READY
 *   portions        the frames of REPLAY_PORTION_BYTES at a time are read into the lanes by all
 *                   cores: a worker takes the records of its lanes, in the log's order, under the
 *                   mapping that was in force; between portions, builders are sealed and flushed
 *                   when they have grown
 *   end             refresh, READY; whoever waits is woken
 *
 *   RECOVERING ──► READY
 *        └───────► FAILED    what the log holds of it cannot be read back: it is refused with the
 *                            reason, the others serve (set_aside.c)
 *
 * A damaged payload concerns the index that its frame's head names. When heads are damaged or files
 * missing nobody knows whom it concerns: every index that still recovers is FAILED, and the log
 * takes nothing more.
 *
 * While an index is RECOVERING nothing may be answered from it: its newest documents are missing,
 * and dead ones live. Searches and gets are refused at once, as Elasticsearch refuses them while a
 * shard is not started; writes and changes wait for RECOVERY_WAIT_NS, RECOVERY_WAITERS_MAX of them
 * (they hold a thread of the server each), before they are refused. */
#include <stdlib.h>

#include "base/bits.h"
#include "base/str.h"
#include "index/index_int.h"
#include "os/os.h"

#define REPLAY_PORTION_BYTES (16 * MIB)
#define REPLAY_PARALLEL_MIN  (256 * KIB) /* less is not worth a thread */
#define RECOVERY_WAIT_NS     (30 * NS_PER_S)
#define RECOVERY_WAITERS_MAX 4u /* half of the server's workers */

struct planned {             /* per frame of a portion */
    struct index *index;     /* NULL: nothing to do */
    struct mapping *mapping; /* in force; borrowed from `kept` */
};

struct recovery {
    struct engine *engine;
    struct index **indices; /* by id, referenced */
    size_t count;
    struct planned *plan; /* of the file at hand */
    size_t plan_capacity;
    struct mapping **kept; /* every mapping that was in force, referenced */
    size_t kept_count, kept_capacity;
    bool is_inline; /* no threads */
};

/* ---- States ---- */

static void ready_set(struct index *index)
{
    struct engine *engine = index->engine;
    mutex_lock(&engine->recover_mu);
    /* Release: who sees READY sees what was replayed. */
    __atomic_store_n(&index->state, INDEX_READY, __ATOMIC_RELEASE);
    ASSERT(pthread_cond_broadcast(&engine->recovered) == 0);
    mutex_unlock(&engine->recover_mu);
}

static bool is_recovering(const struct index *index)
{
    return __atomic_load_n(&index->state, __ATOMIC_ACQUIRE) == INDEX_RECOVERING;
}

/* Whether an error is about what was read, not about reading it. */
static bool is_damage(int rc)
{
    static const enum err_code codes[] = {ERR_CORRUPT,        ERR_PARSE,          ERR_UNSUPPORTED,
                                          ERR_MAPPER_PARSING, ERR_STRICT_MAPPING, ERR_INVALID,
                                          ERR_TOO_LARGE};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (rc == -(int)codes[i])
            return true;
    }
    return false;
}

static bool is_stopping(struct engine *engine)
{
    return __atomic_load_n(&engine->is_recovery_stopping, __ATOMIC_RELAXED);
}

static int refused(struct index *index, enum index_use use, struct err *err)
{
    switch (use) {
    case USE_SEARCH:
        return err_set(err, ERR_SHARDS_FAILED,
                       "all shards failed: index [" STR_FMT "] is being recovered from the log",
                       STR_ARG(index->name));
    case USE_GET:
        return err_set(err, ERR_NO_SHARD,
                       "No shard available for [get [" STR_FMT
                       "]]: the index is being recovered from the log",
                       STR_ARG(index->name));
    case USE_CHANGE:
        break;
    }
    return err_set(err, ERR_UNAVAILABLE,
                   "[" STR_FMT "][0] primary shard is not active Timeout: [%llds]: the index is "
                   "being recovered from the log",
                   STR_ARG(index->name), (long long)(RECOVERY_WAIT_NS / NS_PER_S));
}

int index__await(struct index *index, enum index_use use, struct err *err)
{
    struct engine *engine = index->engine;
    if (LIKELY(index__is_ready(index)))
        return 0;
    if (use == USE_CHANGE && engine->has_thread) {
        struct timespec until = engine__deadline(RECOVERY_WAIT_NS);
        mutex_lock(&engine->recover_mu);
        if (engine->recovery_waiters < RECOVERY_WAITERS_MAX) {
            engine->recovery_waiters++;
            while (index->state == INDEX_RECOVERING && !is_stopping(engine) &&
                   pthread_cond_timedwait(&engine->recovered, &engine->recover_mu, &until) == 0) {
            }
            engine->recovery_waiters--;
        }
        mutex_unlock(&engine->recover_mu);
    }
    switch ((enum index_state)__atomic_load_n(&index->state, __ATOMIC_ACQUIRE)) {
    case INDEX_READY:
        return 0;
    case INDEX_FAILED:
        return index__failed_refuse(index, use, err);
    case INDEX_RECOVERING:
        break;
    }
    return refused(index, use, err);
}

/* ---- Who has a tail? ---- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(struct index *const *)a)->id, y = (*(struct index *const *)b)->id;
    return x < y ? -1 : x > y;
}

static struct index *index_of(const struct recovery *r, const struct wal_frame *frame)
{
    size_t lo = 0, hi = r->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r->indices[mid]->id < frame->index_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* Frames of an index that was deleted since stay in the log until their file goes. */
    struct index *index = lo < r->count ? r->indices[lo] : NULL;
    return index && index->id == frame->index_id && is_recovering(index) &&
                   frame->seq >= index->wal_flushed
               ? index
               : NULL;
}

static int head_see(void *arg, const struct wal_frame *frame, struct err *err)
{
    struct recovery *r = arg;
    struct index *index = index_of(r, frame);
    if (is_stopping(r->engine))
        return err_set(err, ERR_SHUTDOWN, "the engine is closing");
    if (!index || index->wal_from)
        return 0;
    mutex_lock(&index->mu);
    index->wal_from = frame->seq;
    mutex_unlock(&index->mu);
    return 0;
}

/* ---- Planning a file ---- */

static void keep(struct recovery *r, struct mapping *mapping)
{
    void *p = r->kept;
    mem_grow(&p, &r->kept_capacity, r->kept_count + 1, sizeof(*r->kept));
    r->kept = p;
    r->kept[r->kept_count++] = mapping;
}

static void kept_drop(struct recovery *r)
{
    for (size_t i = 0; i < r->kept_count; i++)
        mapping_unref(r->kept[i]);
    r->kept_count = 0;
}

static int mapping_replay(struct recovery *r, struct index *index, const struct wal_frame *frame,
                          struct err *err)
{
    struct mapping *mapping;
    (void)r;
    TRY(mapping_decode(frame->payload, &mapping, err));
    mutex_lock(&index->mu);
    struct mapping *old = index->mapping;
    index->mapping = mapping;
    index->is_changed = true;
    mutex_unlock(&index->mu);
    mapping_unref(old);
    return 0;
}

/* The mapping in force, kept alive until the portion is done. */
static struct mapping *in_force(struct recovery *r, struct index *index, const struct planned *last)
{
    mutex_lock(&index->mu);
    struct mapping *mapping = index->mapping;
    bool is_kept = last && last->mapping == mapping;
    if (!is_kept)
        (void)mapping_ref(mapping);
    mutex_unlock(&index->mu);
    if (!is_kept)
        keep(r, mapping);
    return mapping;
}

static int frame_plan(struct recovery *r, struct index *index, const struct wal_frame *frame,
                      struct planned *planned, const struct planned *last, struct err *err)
{
    mutex_lock(&index->mu);
    if (!index->wal_from)
        index->wal_from = frame->seq;
    mutex_unlock(&index->mu);
    if (frame->is_damaged)
        return err_set(err, ERR_CORRUPT, "write-ahead log: frame %llu is damaged",
                       (unsigned long long)frame->seq);
    switch ((enum wal_kind)frame->kind) {
    case WAL_NEW_INDEX:
        return 0;
    case WAL_MAPPING:
        return mapping_replay(r, index, frame, err);
    case WAL_DOCS:
        planned->index = index;
        planned->mapping = in_force(r, index, last && last->index == index ? last : NULL);
        return 0;
    }
    return err_set(err, ERR_UNSUPPORTED, "write-ahead log: frame of unknown kind %u", frame->kind);
}

/* An index whose frame cannot be used is out of it from here on. */
static int plan_frame(struct recovery *r, const struct wal_frame *frame, struct planned *planned,
                      const struct planned *last, struct err *err)
{
    struct index *index = index_of(r, frame);
    struct err why;
    *planned = (struct planned){0};
    if (!index)
        return 0;
    int rc = frame_plan(r, index, frame, planned, last, &why);
    if (is_damage(rc)) {
        index__fail(index, &why);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* ---- Workers ---- */

struct worker {
    struct recovery *r;
    const struct wal_frame *frames;
    const struct planned *plan;
    size_t count;
    uint32_t number, of;
    int rc;
    struct err err;
};

static void *worker_run(void *arg)
{
    struct worker *w = arg;
    for (size_t i = 0; i < w->count && w->rc == 0; i++) {
        const struct planned *p = &w->plan[i];
        if (is_stopping(w->r->engine))
            w->rc = err_set(&w->err, ERR_SHUTDOWN, "the engine is closing");
        else if (p->index && is_recovering(p->index))
            w->rc =
                wal__replay_docs(p->index, p->mapping, &w->frames[i], w->number, w->of, &w->err);
        if (is_damage(w->rc)) {
            index__fail(p->index, &w->err);
            w->rc = 0;
        }
    }
    return NULL;
}

static int workers_run(struct recovery *r, const struct wal_frame *frames,
                       const struct planned *plan, size_t count, uint64_t bytes, struct err *err)
{
    struct worker workers[LANES_MAX];
    pthread_t threads[LANES_MAX];
    uint32_t of = r->is_inline || bytes < REPLAY_PARALLEL_MIN
                      ? 1
                      : (uint32_t)MIN_OF(r->engine->lane_count, os_cpu_count());
    for (uint32_t i = 0; i < of; i++) {
        workers[i] = (struct worker){r, frames, plan, count, i, of, 0, {0}};
        if (i > 0)
            ASSERT(pthread_create(&threads[i], NULL, worker_run, &workers[i]) == 0);
    }
    (void)worker_run(&workers[0]);
    int rc = workers[0].rc;
    struct err why = workers[0].err;
    for (uint32_t i = 1; i < of; i++) {
        ASSERT(pthread_join(threads[i], NULL) == 0);
        if (rc == 0 && workers[i].rc < 0) {
            rc = workers[i].rc;
            why = workers[i].err;
        }
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* Room for the next portion. A flush that fails (a full disk) loses nothing: the tail is bounded,
 * so memory is as well. */
static int room_make(struct recovery *r, uint64_t seq, struct err *err)
{
    struct engine *engine = r->engine;
    for (size_t i = 0; i < r->count; i++) {
        struct index *index = r->indices[i];
        if (!is_recovering(index))
            continue;
        uint64_t max = MIN_OF((uint64_t)BUILDER_BYTES_MAX, engine->memory_max / 4);
        TRY(index__refresh_over(index, max, err));
        if (__atomic_load_n(&engine->memory_bytes, __ATOMIC_RELAXED) > engine->memory_max)
            (void)!index__flush_replayed(index, seq, NULL);
    }
    return 0;
}

static int portion_replay(struct recovery *r, const struct wal_frame *frames,
                          const struct planned *plan, size_t count, uint64_t bytes, struct err *err)
{
    int rc = workers_run(r, frames, plan, count, bytes, err);
    kept_drop(r);
    TRY(rc);
    return room_make(r, frames[count - 1].seq + 1, err);
}

static int file_replay(void *arg, const struct wal_frame *frames, size_t count, struct err *err)
{
    struct recovery *r = arg;
    void *p = r->plan;
    mem_grow(&p, &r->plan_capacity, count + 1, sizeof(struct planned));
    r->plan = p;
    uint64_t bytes = 0;
    for (size_t i = 0, from = 0; i < count; i++) {
        int rc = plan_frame(r, &frames[i], &r->plan[i], i > from ? &r->plan[i - 1] : NULL, err);
        bytes += frames[i].payload.n;
        if (rc == 0 && bytes < REPLAY_PORTION_BYTES && i + 1 < count)
            continue;
        if (rc == 0)
            rc = portion_replay(r, frames + from, r->plan + from, i + 1 - from, bytes, err);
        kept_drop(r);
        TRY(rc);
        from = i + 1;
        bytes = 0;
    }
    return 0;
}

/* ---- The whole ---- */

static int index_finish(struct index *index, struct err *err)
{
    mutex_lock(&index->mu);
    index->is_changed = index->wal_from != 0;
    if (index->is_changed)
        index__settings_apply(index); /* limits live in the mapping, which may be another by now */
    mutex_unlock(&index->mu);
    TRY(index__refresh(index, err));
    ready_set(index);
    return 0;
}

static int recover(struct recovery *r, struct err *err)
{
    TRY(wal_replay_heads(r->engine->wal, head_see, r, err));
    for (size_t i = 0; i < r->count; i++) {
        struct index *index = r->indices[i];
        for (size_t k = 0; k < index->set->count; k++)
            index->seq_no_on_disk =
                MAX_OF(index->seq_no_on_disk, index->set->slots[k]->segment->seq_no_max);
        if (!index->wal_from && is_recovering(index))
            TRY(index_finish(index, err));
    }
    TRY(wal_replay(r->engine->wal, file_replay, r, err));
    for (size_t i = 0; i < r->count; i++) {
        if (is_recovering(r->indices[i]))
            TRY(index_finish(r->indices[i], err));
    }
    /* A full disk must not keep the others from serving: then the log is kept whole. */
    bool is_kept = engine__tails_set_aside(r->engine, r->indices, r->count, NULL) < 0;
    mutex_lock(&r->engine->recover_mu);
    r->engine->is_log_kept = is_kept;
    mutex_unlock(&r->engine->recover_mu);
    return 0;
}

static void give_up(struct recovery *r, const struct err *why)
{
    struct engine *engine = r->engine;
    mutex_lock(&engine->recover_mu);
    engine->recovery_error = *why;
    mutex_unlock(&engine->recover_mu);
    wal_fail(engine->wal, why);
    for (size_t i = 0; i < r->count; i++) {
        if (is_recovering(r->indices[i]))
            index__fail(r->indices[i], why);
    }
}

int engine__recover(struct engine *engine, struct err *err)
{
    struct recovery r = {.engine = engine, .is_inline = engine->config.is_single_threaded};
    struct err why = {0};
    r.indices = engine__all(engine, &r.count);
    qsort(r.indices, r.count, sizeof(*r.indices), by_id);
    int rc = recover(&r, &why);
    if (rc < 0 && !is_stopping(engine))
        give_up(&r, &why);
    mutex_lock(&engine->recover_mu);
    engine->is_recovering = false;
    ASSERT(pthread_cond_broadcast(&engine->recovered) == 0);
    mutex_unlock(&engine->recover_mu);
    engine__all_free(r.indices, r.count);
    mem_free(r.plan);
    mem_free(r.kept);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

bool engine__is_recovering(struct engine *engine)
{
    mutex_lock(&engine->recover_mu);
    bool is_needed =
        engine->is_recovering || engine->recovery_error.code != ERR_NONE || engine->is_log_kept;
    mutex_unlock(&engine->recover_mu);
    return is_needed;
}

static void *recovering(void *arg)
{
    os_thread_name("naru-recover");
    (void)!engine__recover(arg, NULL); /* indices and the log have the reason */
    return NULL;
}

int engine__recover_start(struct engine *engine, int64_t wait_ns, struct err *err)
{
    engine->is_recovering = true;
    if (engine->config.is_single_threaded)
        return engine__recover(engine, err);
    ASSERT(pthread_create(&engine->recover_thread, NULL, recovering, engine) == 0);
    engine->has_recover_thread = true;
    struct timespec until = engine__deadline(wait_ns);
    mutex_lock(&engine->recover_mu);
    while (engine->is_recovering &&
           pthread_cond_timedwait(&engine->recovered, &engine->recover_mu, &until) == 0) {
    }
    mutex_unlock(&engine->recover_mu);
    return 0;
}

void engine__recover_stop(struct engine *engine)
{
    if (!engine->has_recover_thread)
        return;
    __atomic_store_n(&engine->is_recovery_stopping, true, __ATOMIC_RELAXED);
    mutex_lock(&engine->recover_mu);
    ASSERT(pthread_cond_broadcast(&engine->recovered) == 0);
    mutex_unlock(&engine->recover_mu);
    ASSERT(pthread_join(engine->recover_thread, NULL) == 0);
    engine->has_recover_thread = false;
}
