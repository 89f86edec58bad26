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
 *
 * The long scenario runs once; at a step to try, the process forks: the child has the disk and the
 * model of that moment, loses power and forks once more for each state of the disk.
 * NARU_CRASH_FULL=1 tries every step of it with NARU_CRASH_STATES (8) states each, in
 * NARU_CRASH_PROCESSES (2) processes; NARU_CRASH_OPS says how long it is (5,000); NARU_SEED repeats
 * one scenario. It takes a while, so it can be had in pieces: NARU_CRASH_FROM and NARU_CRASH_TO are
 * the first and the last step to try (to: 0 is the end), NARU_CRASH_ROUNDS=0 leaves the short
 * scenarios out, and every PROGRESS_STEPS steps standard error says how far it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"

#define IDS       16u
#define INDICES   3u
#define BATCH_MAX 5u

#define PROGRESS_STEPS 500u
#define FAILURES_MAX   20u /* of forks: then no more are begun */

/* How a fork ends. */
enum verdict { SOUND = 0, WRONG = 1, LOST = 2, DOUBLED = 3 };

struct doc_state {
    bool is_there;
    int64_t version;
    uint64_t content, update; /* the numbers in its source; update 0: none since it was written */
};

struct index_state {
    bool is_there;
    struct doc_state docs[IDS];
};

/* One item of the request in flight. */
struct item {
    uint32_t index, id;
    enum doc_op op;
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

static bool is_fork; /* then a failure ends the process; the first one's parent says it */

#define CHECK(w, x, ...) CHECK_AS(w, WRONG, x, __VA_ARGS__)
#define CHECK_AS(w, verdict, x, ...)                                                               \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            print_error("seed %llu step %llu state %llu: ", (unsigned long long)(w)->seed,         \
                        (unsigned long long)(w)->step, (unsigned long long)(w)->state_seed);       \
            if (is_fork) {                                                                         \
                print_error(__VA_ARGS__);                                                          \
                print_error("\n");                                                                 \
                _exit(verdict);                                                                    \
            }                                                                                      \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

static struct str index_name(uint32_t i)
{
    return i == 0 ? STR("one") : i == 1 ? STR("two") : STR("three");
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

static struct str source_of(struct world *w, uint64_t content, uint64_t update)
{
    struct str source =
        arena_printf(w->mem, "{\"c\":%llu,\"t\":\"word%llu and %s\",\"f%llu\":1.5}",
                     (unsigned long long)content, (unsigned long long)content % 7,
                     content % 3 ? "more" : "less", (unsigned long long)content % 11);
    return update ? arena_printf(w->mem, "%.*s,\"u\":%llu}", (int)source.n - 1, source.p,
                                 (unsigned long long)update)
                  : source;
}

/* What an item makes of a document; the version is the engine's matter. */
static struct doc_state after(const struct doc_state *s, const struct item *item)
{
    switch (item->op) {
    case DOC_INDEX:
        return (struct doc_state){true, s->version, item->content, 0};
    case DOC_CREATE:
        return s->is_there ? *s : (struct doc_state){true, s->version, item->content, 0};
    case DOC_UPDATE:
        return s->is_there ? (struct doc_state){true, s->version, s->content, item->content} : *s;
    case DOC_DELETE:
        break;
    }
    return (struct doc_state){0};
}

static bool same(const struct doc_state *a, const struct doc_state *b)
{
    return a->is_there == b->is_there &&
           (!a->is_there || (a->content == b->content && a->update == b->update));
}

static int step_write(struct world *w, struct err *err)
{
    struct doc_write writes[BATCH_MAX];
    struct doc_result results[BATCH_MAX];
    w->flight_count = 1 + rng_below(&w->rng, BATCH_MAX);
    uint32_t index = (uint32_t)rng_below(&w->rng, INDICES);
    for (size_t i = 0; i < w->flight_count; i++) {
        struct item *item = &w->flight[i];
        static const enum doc_op ops[] = {DOC_INDEX,  DOC_INDEX,  DOC_INDEX,  DOC_CREATE,
                                          DOC_UPDATE, DOC_UPDATE, DOC_DELETE, DOC_DELETE};
        *item = (struct item){index, (uint32_t)rng_below(&w->rng, IDS),
                              ops[rng_below(&w->rng, ARRAY_COUNT(ops))], ++w->content_next};
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = index_name(index);
        writes[i].id = arena_printf(w->mem, "id%u", item->id);
        writes[i].op = item->op;
        writes[i].source = item->op == DOC_UPDATE ? arena_printf(w->mem, "{\"doc\":{\"u\":%llu}}",
                                                                 (unsigned long long)item->content)
                                                  : source_of(w, item->content, 0);
    }
    TRY(engine_write(w->engine, writes, w->flight_count,
                     rng_below(&w->rng, 3) ? REFRESH_NONE : REFRESH_NOW, w->mem, results, err));
    for (size_t i = 0; i < w->flight_count; i++) {
        const struct item *item = &w->flight[i];
        struct doc_state *acked = &w->acked[index].docs[item->id];
        if (results[i].outcome == DOC_FAILED) {
            bool is_refused = (results[i].status == 404 && !acked->is_there) ||
                              (results[i].status == 409 && acked->is_there);
            if (is_refused) { /* the index may have been made for it all the same */
                w->acked[index].is_there |= engine_index_exists(w->engine, index_name(index));
                continue;
            }
            /* The index could not be made: the power went. */
            *err = *results[i].err;
            return -(int)err->code;
        }
        w->acked[index].is_there = true;
        *acked = after(acked, item);
        acked->version = results[i].version;
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

static uint64_t number_behind(struct str source, const char *key)
{
    uint64_t v = 0;
    const char *at = memmem(source.p, source.n, key, strlen(key));
    struct str rest = at ? str_from_off(source, (size_t)(at - source.p) + strlen(key)) : STR_NONE;
    size_t n = 0;
    while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
        n++;
    return n && str_to_u64(str_sub(rest, 0, n), &v) ? v : 0;
}

/* Whether what is there may be: the acknowledged state, or that after some item of the request in
 * flight. */
static bool allowed(const struct world *w, uint32_t index, uint32_t id, const struct doc_state *is)
{
    struct doc_state s = w->acked[index].docs[id];
    if (same(&s, is))
        return true;
    for (size_t i = 0; i < w->flight_count; i++) {
        const struct item *item = &w->flight[i];
        if (item->index != index || item->id != id)
            continue;
        s = after(&s, item);
        if (same(&s, is))
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
        CHECK_AS(w, LOST, is_there == w->acked[i].is_there || in_flight(w, i),
                 "index %u is %sthere", i, is_there ? "" : "not ");
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
            const struct doc_state *acked = &w->acked[i].docs[id];
            struct doc_state is = {.is_there = doc.is_found};
            if (doc.is_found) {
                is.content = number_behind(doc.source, "\"c\":");
                is.update = number_behind(doc.source, "\"u\":");
                CHECK(w, str_eq(doc.source, source_of(w, is.content, is.update)),
                      "torn source %.*s", (int)doc.source.n, doc.source.p);
            }
            CHECK_AS(
                w, LOST, allowed(w, i, id, &is) || w->deleting == (int)i,
                "index %u id %u: found %d content %llu.%llu, acknowledged %d content %llu.%llu", i,
                id, doc.is_found, (unsigned long long)is.content, (unsigned long long)is.update,
                acked->is_there, (unsigned long long)acked->content,
                (unsigned long long)acked->update);
            if (is.is_there && same(&is, acked))
                CHECK(w, doc.version == acked->version, "version %lld, acknowledged %lld",
                      (long long)doc.version, (long long)acked->version);
            found += doc.is_found;
        }
        CHECK_AS(w, DOUBLED, count_visible(w, index_name(i)) == found,
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

/* ---- Trying steps by forking ---- */

struct forks {
    struct world *w;
    uint64_t stride, states, from, to; /* steps to try; to 0: all */
    uint64_t tried, steps, failed, lost, doubled;
    size_t running, process_count;
};

static void progress_say(const struct forks *f, uint64_t step)
{
    print_error("step %llu: %llu steps tried, %llu states, %llu lost, %llu doubled, %llu otherwise "
                "wrong\n",
                (unsigned long long)step, (unsigned long long)f->steps,
                (unsigned long long)f->tried, (unsigned long long)f->lost,
                (unsigned long long)f->doubled,
                (unsigned long long)(f->failed - f->lost - f->doubled));
}

static void fork_reap(struct forks *f)
{
    int status;
    if (waitpid(-1, &status, 0) < 0)
        return;
    f->running--;
    bool is_ended = WIFEXITED(status);
    f->failed += !is_ended || WEXITSTATUS(status) != SOUND;
    f->lost += is_ended && WEXITSTATUS(status) == LOST;
    f->doubled += is_ended && WEXITSTATUS(status) == DOUBLED;
}

static bool fork_at_step(void *arg, uint64_t step)
{
    struct forks *f = arg;
    if (step % PROGRESS_STEPS == 0 && f->steps > 0 && (!f->to || step <= f->to))
        progress_say(f, step);
    if (step % f->stride != 0 || step < f->from || (f->to && step > f->to) ||
        f->failed >= FAILURES_MAX)
        return false;
    while (f->running >= f->process_count)
        fork_reap(f);
    (void)fflush(NULL);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        is_fork = true;
        f->w->step = step;
        return true;
    }
    f->running++;
    f->tried += f->states;
    f->steps++;
    return false;
}

/* In a child whose power is off: each state in a process of its own. */
static NORETURN void fork_states(struct forks *f)
{
    struct world *w = f->w;
    for (uint64_t s = 0; s < f->states; s++) {
        w->state_seed = w->seed * 1000003 + w->step * 31 + s;
        pid_t pid = s + 1 < f->states ? fork() : 0;
        ASSERT(pid >= 0);
        if (pid == 0) {
            recover(w, w->state_seed % 3 == 0);
            _exit(SOUND);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
            _exit(WRONG);
        if (WEXITSTATUS(status) != SOUND)
            _exit(WEXITSTATUS(status));
    }
    _exit(SOUND);
}

/* Nothing of the scenario is left to try. */
static bool is_behind(const struct forks *f, struct vfs *fs)
{
    return f && f->to && vfs_sim_steps(fs) > f->to;
}

/* Runs the scenario with the power going at `step` (0: never), or with forks that lose it at some
 * of the steps. Returns the steps that were made. */
static uint64_t run(uint64_t seed, uint64_t ops, uint64_t crash_step, uint64_t state_seed,
                    struct forks *forks)
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
    if (forks) {
        forks->w = w;
        vfs_sim_on_step(w->fs, fork_at_step, forks);
    }
    int rc = world_open(w, &err);
    for (uint64_t i = 0; i < ops && rc == 0 && !is_behind(forks, w->fs); i++)
        rc = step(w, &err);
    uint64_t steps = vfs_sim_steps(w->fs);
    CHECK(w, rc == 0 || crash_step || is_fork, "without a crash: %s", err.text);
    if (forks && !is_fork)
        vfs_sim_on_step(w->fs, NULL, NULL);
    engine_close(w->engine);
    w->engine = NULL;
    if (is_fork)
        fork_states(forks);
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
    uint64_t steps = run(seed, ops, 0, 0, NULL), tried = 0;
    for (uint64_t k = 1; k <= steps; k += stride) {
        for (uint64_t s = 0; s < states; s++, tried++)
            (void)run(seed, ops, k, seed * 1000003 + k * 31 + s, NULL);
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

/* The long scenario, strided unless all steps are asked for. */
static void test_long(void **state)
{
    (void)state;
    bool is_full = env_u64("NARU_CRASH_FULL", 0) != 0;
    uint64_t seed = env_u64("NARU_SEED", 7), ops = env_u64("NARU_CRASH_OPS", 5000);
    struct forks forks = {.stride = is_full ? 1 : 199,
                          .states = is_full ? env_u64("NARU_CRASH_STATES", 8) : 2,
                          .from = env_u64("NARU_CRASH_FROM", 0),
                          .to = env_u64("NARU_CRASH_TO", 0),
                          .process_count = env_u64("NARU_CRASH_PROCESSES", 2)};
    uint64_t steps = run(seed, ops, 0, 0, &forks);
    while (forks.running > 0)
        fork_reap(&forks);
    progress_say(&forks, steps);
    if (forks.failed)
        fail_msg("%llu forks failed", (unsigned long long)forks.failed);
    print_message("seed %llu: %llu operations at most, %llu steps, %llu of them tried: %llu "
                  "crashes\n",
                  (unsigned long long)seed, (unsigned long long)ops, (unsigned long long)steps,
                  (unsigned long long)forks.steps, (unsigned long long)forks.tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_step),
                                       cmocka_unit_test(test_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
