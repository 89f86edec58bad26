/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing beside writes: documents are replaced and deleted while refreshes, flushes and merges run
 * in other threads. Every snapshot shows each standing document exactly once, a realtime get sees
 * the thread's own last write, and versions count without a gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"
#include "os/os.h"

#define WRITERS        2u
#define IDS_PER_WRITER 300u
#define ROUNDS         1200u
#define BATCH          40u

struct bed {
    struct vfs *fs;
    struct engine *engine;
    bool is_done; /* atomic */
};

struct writer {
    struct bed *bed;
    uint32_t number;
    int64_t versions[IDS_PER_WRITER]; /* 0: deleted or not yet there */
    char failure[256];
};

static bool say(struct writer *w, const char *what, const char *detail)
{
    if (!w->failure[0])
        (void)snprintf(w->failure, sizeof(w->failure), "writer %u: %s: %s", w->number, what,
                       detail);
    return false;
}

/* The lower half of the ids is never deleted. */
static bool is_standing(uint32_t i)
{
    return i < IDS_PER_WRITER / 2;
}

static bool batch_write(struct writer *w, struct rng *rng, bool is_first, struct arena *mem)
{
    struct doc_write writes[IDS_PER_WRITER];
    struct doc_result results[IDS_PER_WRITER];
    uint32_t ids[IDS_PER_WRITER];
    struct err err = {0};
    uint32_t n = is_first ? IDS_PER_WRITER : BATCH;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = ids[k] = is_first ? k : (uint32_t)rng_below(rng, IDS_PER_WRITER);
        writes[k] = DOC_WRITE_INIT;
        writes[k].op = !is_standing(i) && rng_below(rng, 3) == 0 ? DOC_DELETE : DOC_INDEX;
        writes[k].index = STR("i");
        writes[k].id = arena_printf(mem, "%u-%u", w->number, i);
        writes[k].source =
            arena_printf(mem, "{\"n\":%u,\"r\":%u}", i, (unsigned)rng_below(rng, 99));
    }
    if (engine_write(w->bed->engine, writes, n, REFRESH_NONE, mem, results, &err) < 0)
        return say(w, "write", err.text);
    for (uint32_t k = 0; k < n; k++) {
        int64_t *version = &w->versions[ids[k]];
        bool is_delete = writes[k].op == DOC_DELETE;
        if (results[k].outcome == DOC_FAILED)
            return say(w, "item", results[k].err->text);
        if (*version > 0 && results[k].outcome != (is_delete ? DOC_DELETED : DOC_UPDATED))
            return say(w, "a document was not found", "");
        if (*version > 0 && results[k].version != *version + 1)
            return say(w, "a version was skipped", "");
        *version = is_delete ? 0 : results[k].version;
    }
    struct doc_get doc;
    uint32_t last = ids[n - 1];
    if (engine_get(w->bed->engine, STR("i"), writes[n - 1].id, true, mem, &doc, &err) < 0)
        return say(w, "get", err.text);
    if (doc.is_found != (w->versions[last] > 0) ||
        (doc.is_found && !str_eq(doc.source, writes[n - 1].source)))
        return say(w, "realtime get", "not what was written");
    return true;
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct arena *mem = arena_new(0);
    struct rng rng;
    rng_init(&rng, w->number + 7);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        arena_reset(mem);
        if (!batch_write(w, &rng, false, mem))
            break;
    }
    arena_free(mem);
    return NULL;
}

static void *refresher_run(void *arg)
{
    struct bed *bed = arg;
    struct err err = {0};
    for (unsigned i = 0; !__atomic_load_n(&bed->is_done, __ATOMIC_RELAXED); i++) {
        int rc = i % 16 == 5   ? engine_flush(bed->engine, STR("i"), &err)
                 : i % 32 == 7 ? engine_force_merge(bed->engine, STR("i"), 1, &err)
                               : engine_refresh(bed->engine, STR("i"), &err);
        if (rc < 0)
            return mem_cstr(str_from(err.text));
    }
    return NULL;
}

/* How many standing documents a snapshot shows: each has to be there once. */
static uint32_t standing_count(struct bed *bed, struct arena *mem)
{
    struct searcher *s;
    struct str name = STR("i");
    struct err err = {0};
    uint32_t n = 0;
    size_t count;
    assert_int_equal(engine_snapshot(bed->engine, &name, 1, &s, &err), 0);
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t p = 0; p < count; p++) {
        for (uint32_t doc = 0; doc < segment_doc_count(parts[p].segment); doc++) {
            uint64_t i;
            if (parts[p].live && !((parts[p].live[doc / 64] >> (doc % 64)) & 1))
                continue;
            struct str id = segment_id(parts[p].segment, doc, mem);
            assert_true(str_to_u64(str_from_off(id, 2), &i));
            n += is_standing((uint32_t)i);
        }
    }
    searcher_unref(s);
    return n;
}

static void test_beside_writes(void **state)
{
    (void)state;
    struct bed bed = {.fs = vfs_mem_new()};
    struct engine_config config = {
        .fs = bed.fs, .clock = clock_system(), .seed = 1, .path = STR("d"), .lane_count = 3};
    struct err err = {0};
    struct writer *writers = MEM_ARRAY(struct writer, WRITERS);
    pthread_t threads[WRITERS], refresher;
    struct arena *mem = arena_new(0);
    void *said;
    assert_int_equal(engine_open(&config, &bed.engine, &err), 0);
    for (uint32_t i = 0; i < WRITERS; i++) {
        struct rng rng;
        rng_init(&rng, i);
        writers[i].bed = &bed;
        writers[i].number = i;
        assert_true(batch_write(&writers[i], &rng, true, mem));
    }
    assert_int_equal(engine_refresh(bed.engine, STR("i"), &err), 0);
    for (uint32_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, writer_run, &writers[i]), 0);
    assert_int_equal(pthread_create(&refresher, NULL, refresher_run, &bed), 0);
    for (int i = 0; i < 300; i++) {
        arena_reset(mem);
        assert_int_equal(standing_count(&bed, mem), WRITERS * (IDS_PER_WRITER / 2));
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (writers[i].failure[0])
            fail_msg("%s", writers[i].failure);
    }
    __atomic_store_n(&bed.is_done, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(refresher, &said), 0);
    if (said)
        fail_msg("%s", (char *)said);
    engine_close(bed.engine);
    struct buf report;
    buf_init(&report, 0);
    assert_int_equal(index_check(bed.fs, STR("d"), &report, &err), 0);
    buf_deinit(&report);
    arena_free(mem);
    mem_free(writers);
    vfs_mem_free(bed.fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_writes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
