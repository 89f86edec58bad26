/* SPDX-License-Identifier: Apache-2.0 */
/* acks.h: what the crash tests with a second process share: a child's writers put a mixed load on
 * an engine over a real folder (bulk of index, create, update and delete, refresh, flush, merge),
 * and tell first what they are about to do, then that it was acknowledged, to a file descriptor
 * that outlives them. The parent reads that after the crash and holds the folder against it:
 *
 *   every acknowledged item is there with its content and version, unless a request that was begun
 *   and not acknowledged overwrote it; of that request each item is there whole or not at all
 *   nothing is there that nobody wrote; no id is there twice */
#ifndef NARU_TESTS_CRASH_ACKS_H
#define NARU_TESTS_CRASH_ACKS_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"
#include "os/os.h"

#define ACK_WRITERS   2u
#define ACK_IDS       300u /* per writer */
#define ACK_BATCH     6u
#define ACK_TRIED_MAX (ACK_BATCH * 1000u)
#define ACK_INDEX     STR("k")
#define ACK_GENERATED UINT32_MAX /* the engine makes the id; such documents are only counted */

/* One record; a whole batch is one write, so that a reader never sees half of it. */
struct ack {
    uint32_t writer, id;
    uint32_t is_acked;  /* 0: about to be tried */
    uint32_t is_delete; /* tried: the operation; acknowledged: it is not there now */
    uint64_t content;
    int64_t version; /* acknowledged only */
    int64_t at_ns;   /* monotonic: when it was told */
};

struct ack_state {
    bool is_there;
    uint64_t content;
    int64_t version;
};

struct ack_world {
    struct ack_state acked[ACK_WRITERS][ACK_IDS];
    /* Begun, and not acknowledged before the cut; of one writer it is one batch, or those of the
     * moments in which a disk goes down. */
    struct ack tried[ACK_WRITERS][ACK_TRIED_MAX];
    size_t tried_count[ACK_WRITERS];
    int64_t cut_ns; /* 0: none. What was acknowledged later counts as tried only */
    uint64_t late, told, generated_acked, generated_tried;
};

struct ack_writer {
    struct engine *engine;
    uint32_t number;
    int out;
    uint64_t seed, content;
};

static inline int ack_engine_open(const char *folder, bool is_single_threaded,
                                  struct engine **ret_engine, struct err *err)
{
    struct engine_config config = {.fs = vfs_posix(),
                                   .clock = clock_system(),
                                   .seed = (uint64_t)os_pid(),
                                   .path = str_from(folder),
                                   .is_single_threaded = is_single_threaded,
                                   .lane_count = 2,
                                   .memory_bytes_max = 8 * MIB,
                                   .wal_file_bytes_max = 128 * KIB};
    return engine_open(&config, ret_engine, err);
}

/* ---- The child ---- */

/* The disk going away under the child is what some tests do: it ends, without having told more. */
static inline NORETURN void ack_ended(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "child: %s: %s\n", what, err->text);
    _exit(err->code == ERR_IO || err->code == ERR_READ_ONLY ? 3 : 4);
}

static inline void ack_tell(struct ack_writer *w, struct ack *acks)
{
    for (size_t i = 0; i < ACK_BATCH; i++)
        acks[i].at_ns = clock_monotonic_ns(clock_system());
    ssize_t n = write(w->out, acks, ACK_BATCH * sizeof(*acks));
    if (n != (ssize_t)(ACK_BATCH * sizeof(*acks)))
        _exit(5);
}

static inline struct str ack_source(struct arena *mem, uint64_t content)
{
    return arena_printf(mem,
                        "{\"c\":%llu,\"text\":\"some words of document number%llu\",\"n\":%llu.25}",
                        (unsigned long long)content, (unsigned long long)content % 50,
                        (unsigned long long)content % 1000);
}

static inline void ack_item(struct ack_writer *w, struct rng *rng, struct arena *mem,
                            struct doc_write *write, struct ack *ack)
{
    uint64_t dice = rng_below(rng, 100);
    uint32_t id = dice < 5 ? ACK_GENERATED : (uint32_t)rng_below(rng, ACK_IDS);
    *ack = (struct ack){.writer = w->number, .id = id, .content = ++w->content};
    *write = DOC_WRITE_INIT;
    write->index = ACK_INDEX;
    write->source = ack_source(mem, ack->content);
    if (id != ACK_GENERATED)
        write->id = arena_printf(mem, "%u-%u", w->number, id);
    if (dice >= 5 && dice < 25) {
        write->op = DOC_DELETE;
        ack->is_delete = 1;
    } else if (dice < 45 && dice >= 25) {
        write->op = DOC_UPDATE;
        write->source = arena_printf(mem, "{\"doc\":%.*s,\"doc_as_upsert\":true}",
                                     (int)write->source.n, write->source.p);
    } else {
        write->op = DOC_INDEX;
    }
}

static inline void ack_batch(struct ack_writer *w, struct rng *rng, struct arena *mem)
{
    struct doc_write writes[ACK_BATCH];
    struct doc_result results[ACK_BATCH];
    struct ack acks[ACK_BATCH];
    struct err err = {0};
    for (size_t i = 0; i < ACK_BATCH; i++)
        ack_item(w, rng, mem, &writes[i], &acks[i]);
    ack_tell(w, acks);
    if (engine_write(w->engine, writes, ACK_BATCH, rng_below(rng, 40) ? REFRESH_NONE : REFRESH_NOW,
                     mem, results, &err) < 0)
        ack_ended("write", &err);
    for (size_t i = 0; i < ACK_BATCH; i++) {
        if (results[i].outcome == DOC_FAILED)
            ack_ended("item", results[i].err);
        acks[i].is_acked = 1;
        acks[i].version = results[i].version;
    }
    ack_tell(w, acks);
}

static inline void *ack_writer_run(void *arg)
{
    struct ack_writer *w = arg;
    struct arena *mem = arena_new(0);
    struct rng rng;
    struct err err = {0};
    rng_init(&rng, w->seed);
    for (;;) {
        arena_reset(mem);
        ack_batch(w, &rng, mem);
        if (rng_below(&rng, 120) == 0 && engine_flush(w->engine, ACK_INDEX, &err) < 0)
            ack_ended("flush", &err);
        if (rng_below(&rng, 300) == 0 &&
            engine_force_merge(w->engine, ACK_INDEX, 1 + rng_below(&rng, 3), &err) < 0)
            ack_ended("merge", &err);
    }
}

/* Works until it is killed or its disk is gone. */
static inline NORETURN void ack_child(const char *folder, int out, uint64_t seed, uint64_t content)
{
    struct engine *engine;
    struct err err = {0};
    struct ack_writer writers[ACK_WRITERS];
    pthread_t threads[ACK_WRITERS];
    if (ack_engine_open(folder, false, &engine, &err) < 0)
        ack_ended("open", &err);
    for (uint32_t i = 0; i < ACK_WRITERS; i++) {
        writers[i] = (struct ack_writer){engine, i, out, seed * 2 + i,
                                         content + (uint64_t)i * UINT64_C(100000000000)};
        if (pthread_create(&threads[i], NULL, ack_writer_run, &writers[i]) != 0)
            _exit(8);
    }
    for (;;)
        (void)pause();
}

/* ---- The parent ---- */

static inline void ack_take(struct ack_world *w, const struct ack *acks)
{
    uint32_t writer = acks[0].writer;
    if (!acks[0].is_acked) {
        ASSERT(w->tried_count[writer] + ACK_BATCH <= ACK_TRIED_MAX);
        memcpy(&w->tried[writer][w->tried_count[writer]], acks, ACK_BATCH * sizeof(*acks));
        w->tried_count[writer] += ACK_BATCH;
        for (size_t i = 0; i < ACK_BATCH; i++)
            w->generated_tried += acks[i].id == ACK_GENERATED;
        return;
    }
    if (w->cut_ns && acks[0].at_ns >= w->cut_ns) {
        w->late += ACK_BATCH;
        return;
    }
    w->tried_count[writer] = 0;
    for (size_t i = 0; i < ACK_BATCH; i++) {
        w->told++;
        if (acks[i].id == ACK_GENERATED)
            w->generated_acked++;
        else
            w->acked[writer][acks[i].id] =
                (struct ack_state){!acks[i].is_delete, acks[i].content, acks[i].version};
    }
}

/* Whether what is there was tried last, without an answer. */
static inline bool ack_was_tried(const struct ack_world *w, uint32_t writer, uint32_t id,
                                 bool is_there, uint64_t content)
{
    for (size_t i = 0; i < w->tried_count[writer]; i++) {
        const struct ack *t = &w->tried[writer][i];
        if (t->id == id && t->is_delete == !is_there && (!is_there || t->content == content))
            return true;
    }
    return false;
}

static inline uint64_t ack_content(struct str source)
{
    static const char key[] = "\"c\":";
    uint64_t v = 0;
    const char *at = source.n ? memmem(source.p, source.n, key, sizeof(key) - 1) : NULL;
    struct str rest =
        at ? str_from_off(source, (size_t)(at - source.p) + sizeof(key) - 1) : STR_NONE;
    ptrdiff_t end = rest.n ? str_find_char(rest, ',') : -1;
    return end > 0 && str_to_u64(str_sub(rest, 0, (size_t)end), &v) ? v : 0;
}

/* Documents a search sees; twice the same id is counted twice. */
static inline int ack_visible(struct engine *engine, uint64_t *ret_count, struct err *err)
{
    struct searcher *s;
    struct str name = ACK_INDEX;
    size_t count;
    *ret_count = 0;
    TRY(engine_snapshot(engine, &name, 1, &s, err));
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++)
        *ret_count += parts[i].live_count;
    searcher_unref(s);
    return 0;
}

/* 0, or what is wrong in `what`. From here on what is there counts as acknowledged. */
static inline int ack_verify_open(struct ack_world *w, struct engine *engine, struct arena *mem,
                                  char *what, size_t size)
{
    struct err err = {0};
    uint64_t found = 0, visible = 0;
    if (!engine_index_exists(engine, ACK_INDEX)) {
        (void)snprintf(what, size, "the index is not there, %llu acknowledgements",
                       (unsigned long long)w->told);
        return w->told ? -1 : 0;
    }
    for (uint32_t writer = 0; writer < ACK_WRITERS; writer++) {
        for (uint32_t id = 0; id < ACK_IDS; id++) {
            struct ack_state *acked = &w->acked[writer][id];
            struct doc_get doc;
            arena_reset(mem);
            if (engine_get(engine, ACK_INDEX, arena_printf(mem, "%u-%u", writer, id), true, mem,
                           &doc, &err) < 0) {
                (void)snprintf(what, size, "get %u-%u: %s", writer, id, err.text);
                return -1;
            }
            uint64_t content = doc.is_found ? ack_content(doc.source) : 0;
            found += doc.is_found;
            bool is_acked =
                doc.is_found == acked->is_there &&
                (!doc.is_found || (content == acked->content && doc.version == acked->version));
            if (!is_acked && !ack_was_tried(w, writer, id, doc.is_found, content)) {
                (void)snprintf(what, size,
                               "%u-%u: found %d content %llu version %lld, acknowledged %d content "
                               "%llu version %lld",
                               writer, id, doc.is_found, (unsigned long long)content,
                               (long long)doc.version, acked->is_there,
                               (unsigned long long)acked->content, (long long)acked->version);
                return -1;
            }
            *acked = (struct ack_state){doc.is_found, content, doc.version};
        }
    }
    if (ack_visible(engine, &visible, &err) < 0) {
        (void)snprintf(what, size, "snapshot: %s", err.text);
        return -1;
    }
    if (visible < found + w->generated_acked || visible > found + w->generated_tried) {
        (void)snprintf(
            what, size, "%llu documents are visible: %llu by id, %llu to %llu with a generated id",
            (unsigned long long)visible, (unsigned long long)found,
            (unsigned long long)w->generated_acked, (unsigned long long)w->generated_tried);
        return -1;
    }
    w->generated_acked = w->generated_tried = visible - found;
    for (uint32_t i = 0; i < ACK_WRITERS; i++)
        w->tried_count[i] = 0;
    return 0;
}

/* Checks the folder at rest, opens it, compares, closes, checks again. */
static inline int ack_verify(struct ack_world *w, const char *folder, char *what, size_t size)
{
    struct engine *engine;
    struct err err = {0};
    struct buf report;
    struct arena *mem = arena_new(0);
    buf_init(&report, 0);
    int rc = index_check(vfs_posix(), str_from(folder), &report, &err);
    if (rc == 0)
        rc = ack_engine_open(folder, true, &engine, &err);
    if (rc < 0)
        (void)snprintf(what, size, "%s", err.text);
    if (rc == 0) {
        rc = ack_verify_open(w, engine, mem, what, size);
        engine_close(engine);
        if (rc == 0 && index_check(vfs_posix(), str_from(folder), &report, &err) < 0) {
            (void)snprintf(what, size, "after closing: %s", err.text);
            rc = -1;
        }
    }
    buf_deinit(&report);
    arena_free(mem);
    return rc;
}

static inline uint64_t ack_env(const char *name, uint64_t dflt)
{
    uint64_t v;
    const char *text = getenv(name);
    return text && str_to_u64(str_from(text), &v) ? v : dflt;
}

#endif
