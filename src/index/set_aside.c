/* SPDX-License-Identifier: Apache-2.0 */
/* set_aside.c: an index that cannot be served whole. When its manifest is damaged, or what the log
 * holds of it, the index is FAILED: it stays in the list under its name, red, with the reason, and
 * whatever is asked of it is refused as Elasticsearch refuses it when no shard is there. The others
 * serve, and its files stay as they are until somebody deletes the index.
 *
 * The log is everybody's and must be able to let go, so what it holds of a FAILED index is copied,
 * frame by frame as it lies there, to tail.log in the index's folder. From then on the index is not
 * served while that file is there: without those frames acknowledged writes are missing. Whoever
 * removes the file accepts that. */
#include "base/str.h"
#include "index/index_int.h"

#define TAIL_NAME "tail.log"

void index__fail(struct index *index, const struct err *why)
{
    struct engine *engine = index->engine;
    mutex_lock(&engine->recover_mu);
    if (index->failure.code == ERR_NONE)
        index->failure = *why;
    /* Release: who sees FAILED sees the reason. */
    __atomic_store_n(&index->state, INDEX_FAILED, __ATOMIC_RELEASE);
    ASSERT(pthread_cond_broadcast(&engine->recovered) == 0);
    mutex_unlock(&engine->recover_mu);
}

int index__failed_refuse(struct index *index, enum index_use use, struct err *err)
{
    mutex_lock(&index->engine->recover_mu);
    struct err why = index->failure;
    mutex_unlock(&index->engine->recover_mu);
    switch (use) {
    case USE_SEARCH:
        return err_set(err, ERR_SHARDS_FAILED,
                       "all shards failed: index [" STR_FMT "] is set aside: %s",
                       STR_ARG(index->name), why.text);
    case USE_GET:
        return err_set(err, ERR_NO_SHARD,
                       "No shard available for [get [" STR_FMT "]]: the index is set aside: %s",
                       STR_ARG(index->name), why.text);
    case USE_CHANGE:
        break;
    }
    return err_set(err, ERR_UNAVAILABLE,
                   "[" STR_FMT "][0] primary shard is not active: the index is set aside: %s",
                   STR_ARG(index->name), why.text);
}

struct index *index__open_failed(struct engine *engine, struct str dir, const struct err *why)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str uuid = path_name(dir);
    struct manifest m = {.name = uuid}; /* nobody else can have it for a name */
    (void)manifest_identity(engine->fs, dir, mem, &m);
    /* The folder's name is what paths are made of. */
    struct index *index = index__new(engine, m.name, uuid, m.id, mapping_new());
    index__fail(index, why);
    return index;
}

/* ---- Its part of the log ---- */

int index__tail_find(struct vfs *fs, struct str dir, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct vfs_stat st;
    int rc = vfs_stat(fs, path_join(mem, dir, STR(TAIL_NAME)), true, &st, err);
    if (rc == -ERR_NOT_FOUND)
        return 0;
    TRY(rc);
    return err_set(
        err, ERR_CORRUPT,
        "writes that were not flushed could not be read back from the log; %llu bytes of "
        "it are in [" TAIL_NAME "] of its folder, without which they are missing",
        (unsigned long long)st.size_bytes);
}

struct tail {
    struct index *index;
    struct str tmp, path;
    struct vfs_file *file; /* NULL: no frame so far, or there is a file of before */
    uint64_t bytes;
    bool is_kept; /* from before */
};

struct tails {
    struct vfs *fs;
    struct index *const *indices;
    size_t index_count;
    struct tail *items;
    size_t count;
};

static bool is_known(const struct tails *t, uint64_t id)
{
    for (size_t i = 0; i < t->index_count; i++) {
        if (t->indices[i]->id == id)
            return true;
    }
    return false;
}

/* Whoever does not know its own id gets every frame that nobody else can claim. */
static bool is_of(const struct tails *t, const struct tail *tail, const struct wal_frame *frame)
{
    return tail->index->id
               ? frame->index_id == tail->index->id && frame->seq >= tail->index->wal_flushed
               : !is_known(t, frame->index_id);
}

static int tail_add(struct tails *t, struct tail *tail, const struct wal_frame *frame,
                    struct err *err)
{
    if (!tail->file)
        TRY(vfs_open(t->fs, tail->tmp, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &tail->file, err));
    size_t n = frame->payload.n + WAL_FRAME_HEAD;
    TRY(vfs_write_at(tail->file, tail->bytes, frame->payload.p - WAL_FRAME_HEAD, n, err));
    tail->bytes += n;
    return 0;
}

static int tails_add(void *arg, const struct wal_frame *frames, size_t count, struct err *err)
{
    struct tails *t = arg;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < t->count; k++) {
            if (!t->items[k].is_kept && is_of(t, &t->items[k], &frames[i]))
                TRY(tail_add(t, &t->items[k], &frames[i], err));
        }
    }
    return 0;
}

static int tail_finish(struct tails *t, struct tail *tail, struct err *err)
{
    if (tail->file) {
        TRY(vfs_sync(tail->file, err));
        TRY(vfs_rename(t->fs, tail->tmp, tail->path, err));
        TRY(vfs_sync_dir(t->fs, tail->index->path, err));
    }
    mutex_lock(&tail->index->mu);
    tail->index->wal_from = 0; /* the log may let go */
    mutex_unlock(&tail->index->mu);
    return 0;
}

/* What was read back of it before it failed. */
static void builders_drop(struct index *index)
{
    index__lanes_lock(index);
    for (size_t i = 0; i < index->lane_count; i++) {
        builder_free(index->lanes[i].builder);
        index->lanes[i].builder = NULL;
    }
    index__memory_count(index);
    index__lanes_unlock(index);
}

static int tail_init(struct tails *t, struct tail *tail, struct index *index, struct arena *mem,
                     struct err *err)
{
    struct vfs_stat st;
    *tail = (struct tail){.index = index,
                          .tmp = path_join(mem, index->path, STR("tail.tmp")),
                          .path = path_join(mem, index->path, STR(TAIL_NAME))};
    int rc = vfs_stat(t->fs, tail->path, true, &st, err);
    tail->is_kept = rc == 0;
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

int engine__tails_set_aside(struct engine *engine, struct index **indices, size_t count,
                            struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct tails t = {.fs = engine->fs, .indices = indices, .index_count = count};
    int rc = 0;
    t.items = ARENA_ARRAY(mem, struct tail, count + 1);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (index__is_failed(indices[i])) {
            builders_drop(indices[i]);
            rc = tail_init(&t, &t.items[t.count++], indices[i], mem, err);
        }
    }
    if (rc == 0 && t.count > 0)
        rc = wal_replay(engine->wal, tails_add, &t, err);
    for (size_t i = 0; i < t.count && rc == 0; i++)
        rc = tail_finish(&t, &t.items[i], err);
    for (size_t i = 0; i < t.count; i++)
        vfs_close(t.items[i].file);
    return rc;
}
