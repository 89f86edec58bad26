/* SPDX-License-Identifier: Apache-2.0 */
/* Power loss at every step. A scenario of random writes, deletes, refreshes, flushes, merges, index
 * creations and removals, and restarts runs over the crash-simulating file system, which stops at
 * step k; then it shows one of the states a machine could show (unsynced writes kept, dropped,
 * torn, reordered; names come or go), and the engine opens it. Held against the model:
 *
 *   every acknowledged write is there, with its version, unless the request in flight overwrote it
 *   nothing is there that nobody wrote; the request in flight is there by whole items or not at all
 *   index_check finds nothing
 *
 * Opening may lose power as well: every third state is cut off again during its recovery.
 * NARU_CRASH_FULL=1 tries every step of the long scenario with NARU_CRASH_STATES (8) states each;
 * NARU_SEED repeats one scenario. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"

#define IDS       16u
#define INDICES   2u
#define BATCH_MAX 5u

struct doc_state {
    bool is_there;
    int64_t version;
    uint64_t content; /* the number in its source */
};

struct index_state {
    bool is_there;
    struct doc_state docs[IDS];
};

/* One item of the request in flight. */
struct item {
    uint32_t index, id;
    bool is_delete;
    uint64_t content;
};

struct world {
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct arena *mem;
    struct rng rng;
    uint64_t seed, step, state_seed;
    uint64_t content_next;
    struct index_state acked[INDICES];
    struct item flight[BATCH_MAX];
    size_t flight_count;
    int creating, deleting; /* index in flight, -1 */
};

#define CHECK(w, x, ...)                                                                           \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            print_error("seed %llu step %llu state %llu: ", (unsigned long long)(w)->seed,         \
                        (unsigned long long)(w)->step, (unsigned long long)(w)->state_seed);       \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

static struct str index_name(uint32_t i)
{
    return i ? STR("two") : STR("one");
}

static int world_open(struct world *w, struct err *err)
{
    struct engine_config config = {.fs = w->fs,
                                   .clock = &w->clock.base,
                                   .seed = w->seed,
                                   .path = STR("d"),
                                   .is_single_threaded = true,
                                   .lane_count = 1 + (size_t)(w->seed % 2),
                                   .wal_file_bytes_max = 2048};
    return engine_open(&config, &w->engine, err);
}

static struct str source_of(struct world *w, uint64_t content)
{
    return arena_printf(w->mem, "{\"c\":%llu,\"t\":\"word%llu and %s\",\"f%llu\":1.5}",
                        (unsigned long long)content, (unsigned long long)content % 7,
                        content % 3 ? "more" : "less", (unsigned long long)content % 11);
}

static int step_write(struct world *w, struct err *err)
{
    struct doc_write writes[BATCH_MAX];
    struct doc_result results[BATCH_MAX];
    w->flight_count = 1 + rng_below(&w->rng, BATCH_MAX);
    uint32_t index = (uint32_t)rng_below(&w->rng, INDICES);
    for (size_t i = 0; i < w->flight_count; i++) {
        struct item *item = &w->flight[i];
        *item = (struct item){index, (uint32_t)rng_below(&w->rng, IDS), rng_below(&w->rng, 4) == 0,
                              w->content_next++};
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = index_name(index);
        writes[i].id = arena_printf(w->mem, "id%u", item->id);
        writes[i].op = item->is_delete ? DOC_DELETE : DOC_INDEX;
        if (!item->is_delete)
            writes[i].source = source_of(w, item->content);
    }
    TRY(engine_write(w->engine, writes, w->flight_count,
                     rng_below(&w->rng, 3) ? REFRESH_NONE : REFRESH_NOW, w->mem, results, err));
    for (size_t i = 0; i < w->flight_count; i++) {
        const struct item *item = &w->flight[i];
        if (results[i].outcome == DOC_FAILED) {
            if (results[i].err->code == ERR_INDEX_NOT_FOUND)
                continue;
            /* The index could not be made: the power went. */
            *err = *results[i].err;
            return -(int)err->code;
        }
        w->acked[index].is_there = true;
        w->acked[index].docs[item->id] =
            (struct doc_state){!item->is_delete, results[i].version, item->content};
    }
    return 0;
}

static int step(struct world *w, struct err *err)
{
    uint32_t i = (uint32_t)rng_below(&w->rng, INDICES);
    struct str name = index_name(i);
    uint64_t dice = rng_below(&w->rng, 100);
    arena_reset(w->mem);
    w->flight_count = 0;
    w->creating = w->deleting = -1;
    if (dice < 70)
        return step_write(w, err);
    if (dice < 94) {
        if (!w->acked[i].is_there)
            return 0;
        if (dice < 76)
            return engine_refresh(w->engine, name, err);
        if (dice < 84)
            return engine_flush(w->engine, name, err);
        if (dice < 88)
            return engine_force_merge(w->engine, name, 1 + rng_below(&w->rng, 2), err);
        clock_fake_advance(&w->clock, rng_below(&w->rng, 4) ? 2 * NS_PER_S : 400 * NS_PER_S);
        return engine_tick(w->engine, err);
    }
    if (dice < 96) {
        if (w->acked[i].is_there) {
            w->deleting = (int)i;
            TRY(engine_index_delete(w->engine, name, err));
            w->acked[i] = (struct index_state){0};
        } else {
            w->creating = (int)i;
            TRY(engine_index_create(w->engine, name, NULL, err));
            w->acked[i].is_there = true;
        }
        return 0;
    }
    engine_close(w->engine);
    w->engine = NULL;
    return world_open(w, err);
}

/* ---- After the crash ---- */

static uint64_t content_of(struct world *w, struct str source)
{
    uint64_t v = 0;
    struct str rest = str_from_off(source, 5);
    ptrdiff_t comma = str_find_char(rest, ',');
    CHECK(w, comma > 0 && str_to_u64(str_sub(rest, 0, (size_t)comma), &v), "a document reads %.*s",
          (int)source.n, source.p);
    return v;
}

/* Whether what is there may be: the acknowledged state, or that after some item of the request in
 * flight. */
static bool allowed(const struct world *w, uint32_t index, uint32_t id, bool is_there,
                    uint64_t content)
{
    const struct doc_state *acked = &w->acked[index].docs[id];
    if (acked->is_there == is_there && (!is_there || acked->content == content))
        return true;
    for (size_t i = 0; i < w->flight_count; i++) {
        const struct item *item = &w->flight[i];
        if (item->index == index && item->id == id && item->is_delete == !is_there &&
            (!is_there || item->content == content))
            return true;
    }
    return false;
}

static bool in_flight(const struct world *w, uint32_t index)
{
    bool is = w->creating == (int)index || w->deleting == (int)index;
    for (size_t i = 0; i < w->flight_count; i++)
        is |= w->flight[i].index == index;
    return is;
}

static uint64_t count_visible(struct world *w, struct str name)
{
    struct searcher *s;
    struct err err = {0};
    CHECK(w, engine_snapshot(w->engine, &name, 1, &s, &err) == 0, "%s", err.text);
    size_t count;
    uint64_t n = 0;
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++)
        n += parts[i].live_count;
    searcher_unref(s);
    return n;
}

static void verify(struct world *w)
{
    for (uint32_t i = 0; i < INDICES; i++) {
        bool is_there = engine_index_exists(w->engine, index_name(i));
        CHECK(w, is_there == w->acked[i].is_there || in_flight(w, i), "index %u is %sthere", i,
              is_there ? "" : "not ");
        if (!is_there)
            continue;
        uint64_t found = 0;
        for (uint32_t id = 0; id < IDS; id++) {
            struct doc_get doc;
            struct err err = {0};
            CHECK(w,
                  engine_get(w->engine, index_name(i), arena_printf(w->mem, "id%u", id), true,
                             w->mem, &doc, &err) == 0,
                  "%s", err.text);
            uint64_t content = doc.is_found ? content_of(w, doc.source) : 0;
            CHECK(w, allowed(w, i, id, doc.is_found, content) || w->deleting == (int)i,
                  "index %u id %u: found %d content %llu, acknowledged %d content %llu", i, id,
                  doc.is_found, (unsigned long long)content, w->acked[i].docs[id].is_there,
                  (unsigned long long)w->acked[i].docs[id].content);
            if (doc.is_found)
                CHECK(w, str_eq(doc.source, source_of(w, content)), "torn source %.*s",
                      (int)doc.source.n, doc.source.p);
            if (doc.is_found && w->acked[i].docs[id].is_there &&
                content == w->acked[i].docs[id].content)
                CHECK(w, doc.version == w->acked[i].docs[id].version,
                      "version %lld, acknowledged %lld", (long long)doc.version,
                      (long long)w->acked[i].docs[id].version);
            found += doc.is_found;
        }
        CHECK(w, count_visible(w, index_name(i)) == found,
              "%llu documents visible, %llu found by id",
              (unsigned long long)count_visible(w, index_name(i)), (unsigned long long)found);
    }
}

static void check_folder(struct world *w)
{
    struct buf report;
    struct err err = {0};
    buf_init(&report, 0);
    int rc = index_check(w->fs, STR("d"), &report, &err);
    CHECK(w, rc == 0, "index_check: %s", err.text);
    buf_deinit(&report);
}

static void recover(struct world *w, bool is_cut_again)
{
    struct err err = {0};
    vfs_sim_crash(w->fs, w->state_seed);
    check_folder(w);
    if (is_cut_again) {
        vfs_sim_crash_at(w->fs, vfs_sim_steps(w->fs) + 1 + w->state_seed % 9);
        w->engine = NULL;
        if (world_open(w, &err) == 0)
            engine_close(w->engine);
        w->engine = NULL;
        vfs_sim_crash(w->fs, w->state_seed + 1);
        check_folder(w);
    }
    int rc = world_open(w, &err);
    CHECK(w, rc == 0, "recovery: %s", err.text);
    verify(w);
    engine_close(w->engine);
    w->engine = NULL;
    check_folder(w);
    rc = world_open(w, &err);
    CHECK(w, rc == 0, "second opening: %s", err.text);
    verify(w);
    engine_close(w->engine);
}

/* Runs the scenario with the power going at `step` (0: never). Returns the steps that were made. */
static uint64_t run(uint64_t seed, uint64_t ops, uint64_t crash_step, uint64_t state_seed)
{
    struct world *w = MEM_NEW(struct world);
    struct err err = {0};
    w->seed = seed;
    w->step = crash_step;
    w->state_seed = state_seed;
    w->fs = vfs_sim_new(seed);
    w->mem = arena_new(0);
    w->creating = w->deleting = -1;
    rng_init(&w->rng, seed);
    clock_fake_init(&w->clock, INT64_C(1737500000) * NS_PER_S);
    if (crash_step)
        vfs_sim_crash_at(w->fs, crash_step);
    int rc = world_open(w, &err);
    for (uint64_t i = 0; i < ops && rc == 0; i++)
        rc = step(w, &err);
    uint64_t steps = vfs_sim_steps(w->fs);
    CHECK(w, rc == 0 || crash_step, "without a crash: %s", err.text);
    engine_close(w->engine);
    w->engine = NULL;
    if (crash_step)
        recover(w, state_seed % 3 == 0);
    arena_free(w->mem);
    vfs_sim_free(w->fs);
    mem_free(w);
    return steps;
}

static uint64_t env_u64(const char *name, uint64_t dflt)
{
    uint64_t v;
    const char *text = getenv(name);
    return text && str_to_u64(str_from(text), &v) ? v : dflt;
}

static void crash_at_steps(uint64_t seed, uint64_t ops, uint64_t stride, uint64_t states)
{
    uint64_t steps = run(seed, ops, 0, 0), tried = 0;
    for (uint64_t k = 1; k <= steps; k += stride) {
        for (uint64_t s = 0; s < states; s++, tried++)
            (void)run(seed, ops, k, seed * 1000003 + k * 31 + s);
    }
    print_message("seed %llu: %llu operations, %llu steps, %llu crashes\n",
                  (unsigned long long)seed, (unsigned long long)ops, (unsigned long long)steps,
                  (unsigned long long)tried);
}

/* Every step of short scenarios. */
static void test_every_step(void **state)
{
    (void)state;
    uint64_t only = env_u64("NARU_SEED", 0), rounds = only ? 1 : env_u64("NARU_CRASH_ROUNDS", 6);
    for (uint64_t i = 0; i < rounds; i++)
        crash_at_steps(only ? only : env_u64("NARU_CRASH_FIRST", 100) + i, 40, 1, 2);
}

/* A scenario of a thousand operations, strided unless all are asked for. */
static void test_long(void **state)
{
    (void)state;
    bool is_full = env_u64("NARU_CRASH_FULL", 0) != 0;
    crash_at_steps(env_u64("NARU_SEED", 7), 1000, is_full ? 1 : 97,
                   is_full ? env_u64("NARU_CRASH_STATES", 8) : 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_step),
                                       cmocka_unit_test(test_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
