/* SPDX-License-Identifier: Apache-2.0 */
#include "index/wal.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

#define WAL_NAME_BYTES 20u /* 16 digits + ".log" */

struct wal_file {
    uint64_t first_seq;
    uint64_t bytes;
};

struct wal {
    struct vfs *fs;
    struct arena *mem;
    struct str dir;
    uint64_t file_bytes_max;
    struct clock *clock;
    struct metric_times syncs;
    struct metric written;
    pthread_mutex_t mu;
    pthread_cond_t synced;
    /* guarded by mu */
    struct buf pending; /* frames not yet given to the disk */
    uint64_t next_seq;
    uint64_t durable_seq; /* every frame up to this is on disk */
    bool has_leader;
    bool is_failed;
    bool can_heal; /* the failed call was no sync: `writing` still holds the batch */
    uint64_t batch_first, batch_last; /* sequences of `writing` */
    struct err failure;
    struct wal_file *files; /* by first_seq; the last one is written */
    size_t file_count, file_capacity;
    /* What was there when it was opened: for wal_replay. Does not change. */
    struct wal_file *opened;
    size_t opened_count;
    /* owned by the leader */
    struct vfs_file *file;
    struct buf writing;
};

/* ---- Names and heads ---- */

static struct str file_path(const struct wal *wal, uint64_t first_seq, struct arena *mem)
{
    return arena_printf(mem, "%.*s/%016llx.log", (int)wal->dir.n, wal->dir.p,
                        (unsigned long long)first_seq);
}

static bool name_parse(struct str name, uint64_t *ret_seq)
{
    if (name.n != WAL_NAME_BYTES || !str_ends_with(name, STR(".log")))
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = name.p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ret_seq = v;
    return true;
}

static void files_add(struct wal *wal, uint64_t first_seq, uint64_t bytes)
{
    void *p = wal->files;
    mem_grow(&p, &wal->file_capacity, wal->file_count + 1, sizeof(struct wal_file));
    wal->files = p;
    wal->files[wal->file_count++] = (struct wal_file){first_seq, bytes};
}

static int file_create(struct wal *wal, uint64_t first_seq, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    uint8_t head[WAL_FILE_HEAD] = {0};
    memcpy(head, WAL_MAGIC, 8);
    put_u32_le(head + 8, WAL_VERSION);
    put_u64_le(head + 16, first_seq);
    put_u32_le(head + 28, crc32c(0, head, 28));
    TRY(vfs_open(wal->fs, file_path(wal, first_seq, mem),
                 VFS_READ | VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &file, err));
    TRY(vfs_write_at(file, 0, head, sizeof(head), err));
    TRY(vfs_sync(file, err));
    TRY(vfs_sync_dir(wal->fs, wal->dir, err));
    vfs_close(wal->file);
    wal->file = TAKE(file);
    return 0;
}

/* Oldest first, each synced before the next: after a crash no file is missing between two that are
 * there. */
static int file_remove(struct wal *wal, uint64_t first_seq, struct arena *mem, struct err *err)
{
    TRY(vfs_remove(wal->fs, file_path(wal, first_seq, mem), err));
    return vfs_sync_dir(wal->fs, wal->dir, err);
}

/* ---- Reading ---- */

struct frame_view {
    struct wal_frame frame;
    uint64_t synced;
    size_t bytes;
};

/* A frame at the start of `s` with a valid head, whatever its sequence and its payload. */
static bool frame_parse(struct str s, struct frame_view *ret)
{
    if (s.n < WAL_FRAME_HEAD)
        return false;
    const uint8_t *p = (const uint8_t *)s.p;
    uint32_t payload = get_u32_le(p);
    if (crc32c(0, p, 44) != get_u32_le(p + 44) || payload > WAL_FRAME_BYTES_MAX ||
        payload > s.n - WAL_FRAME_HEAD)
        return false;
    bool is_damaged = crc32c(0, p + WAL_FRAME_HEAD, payload) != get_u32_le(p + 4);
    *ret = (struct frame_view){{get_u64_le(p + 8),
                                get_u64_le(p + 24),
                                p[32],
                                get_u32_le(p + 36),
                                {s.p + WAL_FRAME_HEAD, payload},
                                is_damaged},
                               get_u64_le(p + 16),
                               WAL_FRAME_HEAD + payload};
    return true;
}

/* Looks behind a bad place for a later frame that says the bad one had been on disk: then it is
 * damage. Frame heads are recognised by their own CRC. */
static bool is_damage(struct str rest, uint64_t expected_seq)
{
    for (size_t at = 1; at + WAL_FRAME_HEAD <= rest.n; at++) {
        const uint8_t *p = (const uint8_t *)rest.p + at;
        uint64_t seq = get_u64_le(p + 8), synced = get_u64_le(p + 16);
        if (seq <= expected_seq || synced < expected_seq || synced >= seq || p[33] || p[34] ||
            p[35] || get_u32_le(p + 40))
            continue;
        if (crc32c(0, p, 44) == get_u32_le(p + 44))
            return true;
    }
    return false;
}

static int damaged(const struct wal *wal, uint64_t first_seq, size_t off, struct err *err)
{
    (void)wal;
    return err_set(err, ERR_CORRUPT,
                   "write-ahead log %016llx.log: damaged at byte %zu, before its end",
                   (unsigned long long)first_seq, off);
}

/* One file's frames, up to the first bad one. */
struct file_frames {
    struct wal_frame *frames;
    size_t count, capacity;
    uint64_t next_seq;
    size_t valid; /* bytes */
};

static int file_parse(const struct wal *wal, struct str content, uint64_t first_seq, bool is_last,
                      struct file_frames *f, struct err *err)
{
    f->count = 0;
    f->next_seq = first_seq;
    f->valid = WAL_FILE_HEAD;
    while (f->valid < content.n) {
        struct frame_view view = {0};
        struct str rest = str_from_off(content, f->valid);
        bool is_frame = frame_parse(rest, &view) && view.frame.seq == f->next_seq;
        if (!is_frame || view.frame.is_damaged) {
            /* A file follows only when everything in this one was synced. */
            bool was_on_disk = !is_last || is_damage(rest, f->next_seq);
            if (was_on_disk && !is_frame)
                return damaged(wal, first_seq, f->valid, err);
            if (!was_on_disk)
                break;
        }
        void *p = f->frames;
        mem_grow(&p, &f->capacity, f->count + 1, sizeof(struct wal_frame));
        f->frames = p;
        f->frames[f->count++] = view.frame;
        f->next_seq++;
        f->valid += view.bytes;
    }
    return 0;
}

static bool head_is_valid(struct str content, uint64_t first_seq)
{
    const uint8_t *p = (const uint8_t *)content.p;
    return content.n >= WAL_FILE_HEAD && memcmp(p, WAL_MAGIC, 8) == 0 &&
           crc32c(0, p, 28) == get_u32_le(p + 28) && get_u32_le(p + 8) == WAL_VERSION &&
           get_u64_le(p + 16) == first_seq;
}

static int missing(uint64_t first_seq, uint64_t expected, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "write-ahead log %016llx.log: frames before it are missing (expected %016llx)",
                   (unsigned long long)first_seq, (unsigned long long)expected);
}

static int file_read(struct wal *wal, uint64_t first_seq, struct arena *mem, struct str *ret,
                     struct err *err)
{
    return vfs_read_file(wal->fs, file_path(wal, first_seq, mem), 4 * GIB, mem, ret, err);
}

static int tail_cut(struct wal *wal, struct str path, size_t valid, size_t size, struct err *err)
{
    TRY(vfs_open(wal->fs, path, VFS_READ | VFS_WRITE, &wal->file, err));
    if (valid == size)
        return 0;
    TRY(vfs_truncate(wal->file, valid, err));
    return vfs_sync(wal->file, err);
}

/* The last file says where the log ends. *ret_is_there false: it never had a frame and is gone. */
static int last_open(struct wal *wal, const struct wal_config *config, uint64_t first_seq,
                     bool *ret_is_there, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str content;
    struct file_frames f = {0};
    TRY(file_read(wal, first_seq, mem, &content, err));
    *ret_is_there = head_is_valid(content, first_seq);
    if (!*ret_is_there) {
        /* A file is synced before its first frame, so a bad head means that it never had one,
         * unless there is more. */
        if (content.n > WAL_FILE_HEAD)
            return damaged(wal, first_seq, 0, err);
        return config->is_check ? 0 : vfs_remove(wal->fs, file_path(wal, first_seq, mem), err);
    }
    int rc = file_parse(wal, content, first_seq, true, &f, err);
    mem_free(f.frames);
    TRY(rc);
    wal->next_seq = f.next_seq;
    files_add(wal, first_seq, f.valid);
    return config->is_check
               ? 0
               : tail_cut(wal, file_path(wal, first_seq, mem), f.valid, content.n, err);
}

static int files_open(struct wal *wal, const struct wal_config *config, struct err *err)
{
    struct vfs_entry *entries;
    size_t count, logs = 0;
    TRY(vfs_list(wal->fs, wal->dir, wal->mem, &entries, &count, err));
    uint64_t *seqs = ARENA_ARRAY(wal->mem, uint64_t, count + 1);
    for (size_t i = 0; i < count; i++)
        logs += name_parse(entries[i].name, &seqs[logs]);
    /* Sorted by name is sorted by sequence. */
    for (size_t i = 0; i + 1 < logs; i++) {
        struct vfs_stat st;
        TRY(vfs_stat(wal->fs, file_path(wal, seqs[i], wal->mem), true, &st, err));
        files_add(wal, seqs[i], st.size_bytes);
    }
    bool is_there = true;
    if (logs > 0)
        TRY(last_open(wal, config, seqs[logs - 1], &is_there, err));
    if (!is_there && logs > 1) {
        /* The one before was the last that took frames; all of them were synced. */
        wal->file_count--;
        TRY(last_open(wal, config, seqs[logs - 2], &is_there, err));
        if (is_there && wal->next_seq != seqs[logs - 1])
            return missing(seqs[logs - 1], wal->next_seq, err);
        if (!is_there)
            return damaged(wal, seqs[logs - 2], 0, err);
    }
    wal->opened_count = wal->file_count;
    wal->opened = mem_alloc((wal->file_count + 1) * sizeof(struct wal_file));
    for (size_t i = 0; i < wal->file_count; i++)
        wal->opened[i] = wal->files[i];
    return 0;
}

/* ---- Replay ---- */

static int opened_file_replay(struct wal *wal, size_t i, uint64_t *next_seq, struct file_frames *f,
                              wal_file_fn *fn, void *arg, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    uint64_t first_seq = wal->opened[i].first_seq;
    bool is_last = i + 1 == wal->opened_count;
    struct str content;
    TRY(file_read(wal, first_seq, mem, &content, err));
    if (is_last) /* frames may have been appended since */
        content.n = MIN_OF(content.n, (size_t)wal->opened[i].bytes);
    if (!head_is_valid(content, first_seq))
        return damaged(wal, first_seq, 0, err);
    if (i > 0 && *next_seq != first_seq)
        return missing(first_seq, *next_seq, err);
    TRY(file_parse(wal, content, first_seq, is_last, f, err));
    if (f->valid != content.n)
        return damaged(wal, first_seq, f->valid, err);
    *next_seq = f->next_seq;
    return fn ? fn(arg, f->frames, f->count, err) : 0;
}

int wal_replay(struct wal *wal, wal_file_fn *fn, void *arg, struct err *err)
{
    struct file_frames f = {0};
    uint64_t next_seq = 0;
    int rc = 0;
    for (size_t i = 0; i < wal->opened_count && rc == 0; i++)
        rc = opened_file_replay(wal, i, &next_seq, &f, fn, arg, err);
    mem_free(f.frames);
    return rc;
}

struct one_by_one {
    wal_replay_fn *fn;
    void *arg;
};

static int frames_one_by_one(void *arg, const struct wal_frame *frames, size_t count,
                             struct err *err)
{
    const struct one_by_one *one = arg;
    for (size_t i = 0; i < count; i++)
        TRY(one->fn(one->arg, &frames[i], err));
    return 0;
}

#define HEADS_READ_BYTES 16384u

static int file_heads(struct wal *wal, const struct wal_file *f, wal_replay_fn *fn, void *arg,
                      struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    uint8_t *window = arena_alloc(mem, HEADS_READ_BYTES);
    uint64_t at = WAL_FILE_HEAD, from = 0;
    size_t n = 0;
    TRY(vfs_open(wal->fs, file_path(wal, f->first_seq, mem), VFS_READ, &file, err));
    while (at < f->bytes) {
        if (at < from || at + WAL_FRAME_HEAD > from + n) {
            from = at;
            TRY(vfs_read_at(file, from, window, HEADS_READ_BYTES, &n, err));
            n = (size_t)MIN_OF((uint64_t)n, f->bytes - from);
        }
        const uint8_t *p = window + (at - from);
        if (n < WAL_FRAME_HEAD || at + WAL_FRAME_HEAD > from + n ||
            crc32c(0, p, 44) != get_u32_le(p + 44))
            return damaged(wal, f->first_seq, (size_t)at, err);
        struct wal_frame frame = {.seq = get_u64_le(p + 8),
                                  .index_id = get_u64_le(p + 24),
                                  .kind = p[32],
                                  .record_count = get_u32_le(p + 36)};
        TRY(fn(arg, &frame, err));
        at += WAL_FRAME_HEAD + (uint64_t)get_u32_le(p);
    }
    return 0;
}

int wal_replay_heads(struct wal *wal, wal_replay_fn *fn, void *arg, struct err *err)
{
    for (size_t i = 0; i < wal->opened_count; i++)
        TRY(file_heads(wal, &wal->opened[i], fn, arg, err));
    return 0;
}

/* ---- Opening ---- */

int wal_open(const struct wal_config *config, struct wal **ret_wal, struct err *err)
{
    CLEANUP(wal_close_ptr) struct wal *wal = MEM_NEW(struct wal);
    wal->fs = config->fs;
    wal->mem = arena_new(0);
    wal->dir = arena_str(wal->mem, config->dir);
    wal->file_bytes_max = config->file_bytes_max ? config->file_bytes_max : WAL_FILE_BYTES_MAX;
    wal->clock = config->clock;
    wal->next_seq = 1;
    buf_init(&wal->pending, 2 * GIB);
    buf_init(&wal->writing, 2 * GIB);
    ASSERT(pthread_mutex_init(&wal->mu, NULL) == 0 && pthread_cond_init(&wal->synced, NULL) == 0);
    if (!config->is_check) {
        TRY(vfs_make_dir(wal->fs, wal->dir, err));
        TRY(vfs_sync_dir(wal->fs, path_dir(wal->dir), err));
    }
    TRY(files_open(wal, config, err));
    if (config->replay) {
        struct one_by_one one = {config->replay, config->arg};
        TRY(wal_replay(wal, frames_one_by_one, &one, err));
    }
    /* Manifests stand for frames that were on disk: an end before them is a log that lost some. */
    if (wal->file_count > 0 && wal->next_seq < config->seq_min)
        return err_set(err, ERR_CORRUPT,
                       "write-ahead log: it ends before sequence %016llx, the indices know of "
                       "%016llx",
                       (unsigned long long)wal->next_seq, (unsigned long long)config->seq_min - 1);
    wal->next_seq = MAX_OF(wal->next_seq, config->seq_min);
    wal->durable_seq = wal->next_seq - 1;
    if (wal->file_count == 0 && !config->is_check) {
        TRY(file_create(wal, wal->next_seq, err));
        files_add(wal, wal->next_seq, WAL_FILE_HEAD);
    }
    *ret_wal = TAKE(wal);
    return 0;
}

void wal_close(struct wal *wal)
{
    if (!wal)
        return;
    vfs_close(wal->file);
    buf_deinit(&wal->pending);
    buf_deinit(&wal->writing);
    mem_free(wal->files);
    mem_free(wal->opened);
    (void)pthread_mutex_destroy(&wal->mu);
    (void)pthread_cond_destroy(&wal->synced);
    arena_free(wal->mem);
    mem_free(wal);
}

/* ---- Writing ---- */

static void lock(struct wal *wal)
{
    ASSERT(pthread_mutex_lock(&wal->mu) == 0);
}
static void unlock(struct wal *wal)
{
    ASSERT(pthread_mutex_unlock(&wal->mu) == 0);
}

static int state_locked(const struct wal *wal, struct err *err)
{
    if (!wal->is_failed)
        return 0;
    return err_set(err, wal->can_heal ? ERR_DISK_FULL : ERR_READ_ONLY,
                   "writes are off since the log failed: %s", wal->failure.text);
}

int wal_state(struct wal *wal, struct err *err)
{
    lock(wal);
    int rc = state_locked(wal, err);
    unlock(wal);
    return rc;
}

void wal_fail(struct wal *wal, const struct err *reason)
{
    lock(wal);
    if (!wal->is_failed) {
        wal->is_failed = true;
        wal->can_heal = false;
        wal->failure = *reason;
    }
    unlock(wal);
}

/* A frame's head but for its sequences. The payload's CRC is the long part: outside of the lock. */
static void head_begin(const struct wal_frame *frame, uint8_t head[WAL_FRAME_HEAD])
{
    memset(head, 0, WAL_FRAME_HEAD);
    put_u32_le(head, (uint32_t)frame->payload.n);
    put_u32_le(head + 4, crc32c(0, frame->payload.p, frame->payload.n));
    put_u64_le(head + 24, frame->index_id);
    head[32] = frame->kind;
    put_u32_le(head + 36, frame->record_count);
}

/* Puts the frame behind what is pending. With the lock. `framed` (or NULL) is taken when nothing is
 * pending. */
static int frame_put(struct wal *wal, const struct wal_frame *frame, uint8_t head[WAL_FRAME_HEAD],
                     struct buf *framed, uint64_t *ret_seq, struct err *err)
{
    TRY(state_locked(wal, err));
    put_u64_le(head + 8, wal->next_seq);
    put_u64_le(head + 16, wal->durable_seq);
    put_u32_le(head + 44, crc32c(0, head, 44));
    if (framed && wal->pending.n == 0) {
        memcpy(framed->p, head, WAL_FRAME_HEAD);
        framed->bytes_max = wal->pending.bytes_max;
        struct buf pending = wal->pending;
        wal->pending = *framed;
        *framed = pending;
    } else {
        buf_add(&wal->pending, head, WAL_FRAME_HEAD);
        buf_add_str(&wal->pending, frame->payload);
    }
    if (wal->pending.is_over)
        return err_set(err, ERR_MEM_LIMIT, "the log has %zu bytes waiting for the disk",
                       wal->pending.n);
    *ret_seq = wal->next_seq++;
    return 0;
}

static int append(struct wal *wal, const struct wal_frame *frame, struct buf *framed,
                  uint64_t *ret_seq, struct err *err)
{
    uint8_t head[WAL_FRAME_HEAD];
    if (frame->payload.n > WAL_FRAME_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a log frame of %zu bytes is over the limit of %llu",
                       frame->payload.n, (unsigned long long)WAL_FRAME_BYTES_MAX);
    head_begin(frame, head);
    lock(wal);
    int rc = frame_put(wal, frame, head, framed, ret_seq, err);
    unlock(wal);
    return rc;
}

int wal_append(struct wal *wal, const struct wal_frame *frame, uint64_t *ret_seq, struct err *err)
{
    return append(wal, frame, NULL, ret_seq, err);
}

int wal_append_framed(struct wal *wal, struct wal_frame *frame, struct buf *framed,
                      uint64_t *ret_seq, struct err *err)
{
    frame->payload = str_from_off(buf_str(framed), WAL_FRAME_HEAD);
    return append(wal, frame, framed, ret_seq, err);
}

/* The leader's work, without the lock: the batch in `writing` to place *off, or to a new file when
 * that one is full. */
static int batch_write(struct wal *wal, uint64_t first_seq, uint64_t *off, bool *ret_is_new,
                       bool *ret_synced, struct err *err)
{
    *ret_synced = false;
    *ret_is_new = *off >= wal->file_bytes_max;
    if (*ret_is_new) {
        TRY(file_create(wal, first_seq, err));
        *off = WAL_FILE_HEAD;
    }
    TRY(vfs_write_at(wal->file, *off, wal->writing.p, wal->writing.n, err));
    *ret_synced = true;
    return vfs_sync(wal->file, err);
}

/* Writes `writing` and notes how it went. Called and left with the lock; gives it up in between.
 * `is_again`: the file may hold part of the batch from the write that failed. */
static int batch_run(struct wal *wal, bool is_again)
{
    struct err err = {0};
    uint64_t off = wal->files[wal->file_count - 1].bytes;
    bool is_new = false, is_synced = false;
    wal->has_leader = true;
    unlock(wal);
    int64_t begin_ns = wal->clock ? clock_monotonic_ns(wal->clock) : 0;
    int rc = is_again ? vfs_truncate(wal->file, off, &err) : 0;
    if (rc == 0)
        rc = batch_write(wal, wal->batch_first, &off, &is_new, &is_synced, &err);
    if (rc == 0) {
        metric_times_add(&wal->syncs, wal->clock ? clock_monotonic_ns(wal->clock) - begin_ns : 0);
        metric_add(&wal->written, wal->writing.n);
    }
    lock(wal);
    if (rc == 0) {
        if (is_new)
            files_add(wal, wal->batch_first, off);
        wal->files[wal->file_count - 1].bytes = off + wal->writing.n;
        wal->durable_seq = wal->batch_last;
    } else {
        wal->failure = err;
    }
    wal->is_failed = rc < 0;
    wal->can_heal = rc == -ERR_DISK_FULL && !is_synced;
    wal->has_leader = false;
    ASSERT(pthread_cond_broadcast(&wal->synced) == 0);
    return rc;
}

static void lead(struct wal *wal)
{
    struct buf batch = wal->pending;
    wal->pending = wal->writing;
    wal->writing = batch;
    buf_clear(&wal->pending);
    wal->batch_first = wal->durable_seq + 1;
    wal->batch_last = wal->next_seq - 1;
    (void)batch_run(wal, false);
}

int wal_heal(struct wal *wal, struct err *err)
{
    lock(wal);
    if (wal->is_failed && wal->can_heal && !wal->has_leader)
        (void)batch_run(wal, true);
    int rc = state_locked(wal, err);
    unlock(wal);
    return rc;
}

int wal_commit(struct wal *wal, uint64_t seq, struct err *err)
{
    lock(wal);
    int rc = 0;
    while (rc == 0 && wal->durable_seq < seq) {
        if (wal->is_failed)
            rc = err_set(err, ERR_IO, "the log could not be written: %s", wal->failure.text);
        else if (wal->has_leader)
            ASSERT(pthread_cond_wait(&wal->synced, &wal->mu) == 0);
        else
            lead(wal);
    }
    unlock(wal);
    return rc;
}

uint64_t wal_next_seq(struct wal *wal)
{
    lock(wal);
    uint64_t seq = wal->next_seq;
    unlock(wal);
    return seq;
}

uint64_t wal_bytes(struct wal *wal)
{
    lock(wal);
    uint64_t n = 0;
    for (size_t i = 0; i < wal->file_count; i++)
        n += wal->files[i].bytes;
    unlock(wal);
    return n;
}

const struct metric_times *wal_syncs(const struct wal *wal, uint64_t *ret_bytes)
{
    *ret_bytes = metric_get(&wal->written);
    return &wal->syncs;
}

int wal_truncate(struct wal *wal, uint64_t seq, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    int rc = 0;
    lock(wal);
    while (wal->has_leader) /* it may add a file */
        ASSERT(pthread_cond_wait(&wal->synced, &wal->mu) == 0);
    /* The last file stays: it carries the sequence over a restart. */
    while (rc == 0 && wal->file_count > 1 && wal->files[1].first_seq <= seq) {
        rc = file_remove(wal, wal->files[0].first_seq, mem, err);
        if (rc == 0) {
            memmove(wal->files, wal->files + 1, (wal->file_count - 1) * sizeof(*wal->files));
            wal->file_count--;
        }
    }
    unlock(wal);
    return rc;
}
