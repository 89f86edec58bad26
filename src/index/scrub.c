/* SPDX-License-Identifier: Apache-2.0 */
/* scrub.c: damage that nobody reads is found too. A chunk of a mapped segment is verified when it
 * is first touched and never again, and what nobody searches is not touched at all. So every
 * segment file is read from the disk once per scrub_interval_ns, its chunks held against their
 * checksums, at scrub_bytes_per_s at most, by a thread of its own. What is found goes the road of
 * all damage: the segment is marked and the next background round sets it aside.
 *
 * It reads the file and not the map, so that the process's resident memory does not grow to all of
 * the data. What the kernel still has in its page cache comes from there: a device that lost a
 * sector shows it when the page has been let go. The footer, which readers keep using, is verified
 * as well. Manifests and files of live documents are read whole at opening and not here. */
#include "base/str.h"
#include "index/index_int.h"
#include "os/os.h"

#define SCRUB_READ_BYTES (8 * SEGMENT_CHUNK_BYTES)
#define SCRUB_ROUND_NS   NS_PER_S
#define SCRUB_START_NS   (600 * NS_PER_S) /* what lay on the disk at opening is due after this */
#define SCRUB_RETRY_NS                                                                             \
    (600 * NS_PER_S) /* a file that could not be opened is due again after this */

struct scrub {
    struct engine *engine;
    struct segment *seg;
    struct vfs_file *file;
    uint8_t *buffer;
    int64_t due_ns; /* of the real clock: when the next read may begin; 0: unpaced */
};

void segment__scrub_start(struct segment *seg, const struct engine *engine)
{
    int64_t since = engine->scrub_interval_ns - MIN_OF(engine->scrub_interval_ns, SCRUB_START_NS);
    seg->scrubbed_ns = MAX_OF(clock_monotonic_ns(engine->clock) - since, INT64_MIN + 1);
    seg->is_scrub_known = true;
}

/* Waits as long as `bytes` may take; false: the engine is closing. */
static bool pace(struct scrub *s, uint64_t bytes)
{
    struct engine *engine = s->engine;
    if (!engine->has_thread)
        return true;
    int64_t now_ns = clock_monotonic_ns(clock_system());
    s->due_ns = MAX_OF(s->due_ns, now_ns) +
                (int64_t)((double)bytes / (double)engine->scrub_bytes_per_s * (double)NS_PER_S);
    struct timespec until = engine__deadline(s->due_ns - now_ns);
    mutex_lock(&engine->bg_mu);
    while (!engine->is_closing &&
           pthread_cond_timedwait(&engine->scrub_wake, &engine->bg_mu, &until) == 0) {
    }
    bool goes_on = !engine->is_closing;
    mutex_unlock(&engine->bg_mu);
    return goes_on;
}

static bool read_exactly(struct scrub *s, uint64_t off, void *p, size_t bytes)
{
    size_t n = 0;
    struct err err;
    if (vfs_read_at(s->file, off, p, bytes, &n, &err) == 0 && n == bytes)
        return true;
    segment__damaged(s->seg, "cannot be read", off);
    return false;
}

static bool chunks_are_good(struct scrub *s, uint64_t off, const uint8_t *p, size_t bytes)
{
    const struct segment *seg = s->seg;
    for (size_t at = 0; at < bytes; at += SEGMENT_CHUNK_BYTES) {
        size_t n = MIN_OF((size_t)SEGMENT_CHUNK_BYTES, bytes - at);
        uint64_t chunk = (off + at) / SEGMENT_CHUNK_BYTES;
        if (crc32c(0, p + at, n) != get_u32_le(seg->chunk_crcs + chunk * 4)) {
            segment__damaged(seg, "bad checksum, found by the scrub, of the 32 KiB", off + at);
            return false;
        }
    }
    return true;
}

static bool footer_is_good(struct scrub *s)
{
    const struct segment *seg = s->seg;
    size_t bytes = (size_t)(seg->size - seg->body_bytes);
    uint8_t *p = mem_alloc(bytes);
    bool is_good = read_exactly(s, seg->body_bytes, p, bytes);
    if (is_good) {
        const uint8_t *tail = p + bytes - SEGMENT_TAIL_BYTES;
        is_good = memcmp(tail + 24, SEGMENT_MAGIC_TAIL, SEGMENT_MAGIC_BYTES) == 0 &&
                  crc32c(0, tail, 20) == get_u32_le(tail + 20) &&
                  crc32c(0, p, bytes - SEGMENT_TAIL_BYTES) == get_u32_le(tail + 12);
        if (!is_good)
            segment__damaged(seg, "bad checksum, found by the scrub, of the footer",
                             seg->body_bytes);
    }
    mem_free(p);
    return is_good;
}

static void scrub_file(struct scrub *s)
{
    const struct segment *seg = s->seg;
    struct engine_metrics *m = &s->engine->metrics;
    bool goes_on = footer_is_good(s);
    for (uint64_t off = 0; goes_on && off < seg->body_bytes; off += SCRUB_READ_BYTES) {
        size_t n = (size_t)MIN_OF((uint64_t)SCRUB_READ_BYTES, seg->body_bytes - off);
        goes_on = pace(s, n) && read_exactly(s, off, s->buffer, n) &&
                  chunks_are_good(s, off, s->buffer, n);
        metric_add(&m->scrub_bytes, n);
    }
    if (segment__is_damaged(seg))
        metric_add(&m->scrub_damaged, 1);
    else if (goes_on)
        metric_add(&m->scrub_segments, 1);
}

/* The due file of an index that was verified the longest time ago, referenced; NULL: none. */
static struct segment *due_pick(struct index *index, int64_t now_ns, struct arena *mem,
                                struct str *ret_path)
{
    struct segment *due = NULL;
    mutex_lock(&index->mu);
    for (size_t i = 0; !index->is_deleted && i < index->set->count; i++) {
        const struct slot *slot = index->set->slots[i];
        struct segment *seg = slot->segment;
        if (slot->number == 0 || segment__is_damaged(seg))
            continue;
        if (!seg->is_scrub_known) { /* just written: its turn comes in an interval */
            seg->is_scrub_known = true;
            seg->scrubbed_ns = now_ns;
        }
        if (now_ns - seg->scrubbed_ns >= index->engine->scrub_interval_ns &&
            (!due || seg->scrubbed_ns < due->scrubbed_ns)) {
            due = seg;
            *ret_path = segment_file_path(index->path, slot->number, mem);
        }
    }
    if (due) {
        due->scrubbed_ns = now_ns;
        (void)segment_ref(due);
    }
    mutex_unlock(&index->mu);
    return due;
}

static bool is_closing(struct engine *engine)
{
    mutex_lock(&engine->bg_mu);
    bool is = engine->is_closing;
    mutex_unlock(&engine->bg_mu);
    return is;
}

/* What was merged away meanwhile has no file any more; any other file that does not open (an error
 * of the device, no descriptor left, removed by hand) is counted and tried again. That is no
 * damage: readers have it mapped. */
static void unopened(struct scrub *s, struct index *index)
{
    int64_t since = index->engine->scrub_interval_ns;
    since -= MIN_OF(since, SCRUB_RETRY_NS);
    bool is_used = false;
    mutex_lock(&index->mu);
    for (size_t i = 0; !index->is_deleted && i < index->set->count; i++)
        is_used |= index->set->slots[i]->segment == s->seg;
    if (is_used)
        s->seg->scrubbed_ns -= since;
    mutex_unlock(&index->mu);
    if (is_used)
        metric_add(&s->engine->metrics.scrub_unopened, 1);
}

static void index_scrub(struct scrub *s, struct index *index)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str path;
    while (index__is_ready(index) && !is_closing(s->engine)) {
        s->seg = due_pick(index, clock_monotonic_ns(s->engine->clock), mem, &path);
        if (!s->seg)
            return;
        if (vfs_open(s->engine->fs, path, VFS_READ, &s->file, NULL) == 0)
            scrub_file(s);
        else
            unopened(s, index);
        vfs_close(s->file);
        s->file = NULL;
        segment_unref(s->seg);
    }
}

void engine__scrub_round(struct engine *engine)
{
    struct scrub s = {.engine = engine};
    size_t count;
    if (engine->scrub_interval_ns < 0)
        return;
    s.buffer = mem_alloc(SCRUB_READ_BYTES);
    struct index **indices = engine__all(engine, &count);
    for (size_t i = 0; i < count; i++)
        index_scrub(&s, indices[i]);
    engine__all_free(indices, count);
    mem_free(s.buffer);
}

void *engine__scrubbing(void *arg)
{
    struct engine *engine = arg;
    os_thread_name("naru-scrub");
    while (!is_closing(engine)) {
        engine__scrub_round(engine);
        struct timespec until = engine__deadline(SCRUB_ROUND_NS);
        mutex_lock(&engine->bg_mu);
        if (!engine->is_closing)
            (void)pthread_cond_timedwait(&engine->scrub_wake, &engine->bg_mu, &until);
        mutex_unlock(&engine->bg_mu);
    }
    return NULL;
}
