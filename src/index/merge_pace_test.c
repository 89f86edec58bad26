/* SPDX-License-Identifier: Apache-2.0 */
/* merge_pace_test.c: how long a merge that has made some bytes waits, by a clock that goes on with
 * each look at it. At RATE a byte takes a nanosecond, so the waits, which sleep in real time
 * between their looks, are short. */
#include "support/test.h"

#include "index/index_int.h"
#include "index/merge_pick.h"

#define RATE      UINT64_C(1000000000)
#define CREDIT_NS (50 * NS_PER_MS)  /* unused time that may be caught up */
#define USED_NS   (200 * NS_PER_MS) /* a use so long ago counts as now */
#define FILES_MAX 100u

/* What the pacer sees of an engine with one index, and the clock that it reads. */
struct bed {
    struct clock clock;
    int64_t now_ns, step_ns; /* each look at the clock moves it by a step, afterwards */
    uint32_t looks;
    uint32_t close_at; /* the engine begins to close with this look; 0: never */
    struct engine engine;
    struct index index;
    struct segment segments[FILES_MAX];
    struct slot slots[FILES_MAX];
    struct merge_pacer pacer;
};

static int64_t look(struct clock *clock)
{
    struct bed *b = (struct bed *)clock;
    int64_t now_ns = b->now_ns;
    b->now_ns += b->step_ns;
    if (++b->looks == b->close_at)
        b->engine.is_closing = true; /* one thread: nobody holds bg_mu here */
    return now_ns;
}

static struct bed *bed_new(struct test *t, int64_t step_ns)
{
    static const struct clock_ops ops = {.monotonic_ns = look};
    struct bed *b = ARENA_NEW(t->mem, struct bed);
    *b = (struct bed){.clock.ops = &ops, .now_ns = 1000 * NS_PER_S, .step_ns = step_ns};
    pthread_condattr_t attr;
    assert_int_equal(pthread_condattr_init(&attr), 0);
    assert_int_equal(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
    assert_int_equal(pthread_cond_init(&b->engine.merge_wake, &attr), 0);
    assert_int_equal(pthread_mutex_init(&b->engine.bg_mu, NULL), 0);
    assert_int_equal(pthread_mutex_init(&b->index.mu, NULL), 0);
    b->engine.clock = &b->clock;
    b->engine.merge_bytes_per_s = RATE;
    b->engine.used_ns = b->now_ns;
    b->index.engine = &b->engine;
    b->index.set = arena_alloc(t->mem, sizeof(struct slot_set) + FILES_MAX * sizeof(struct slot *));
    *b->index.set = (struct slot_set){.refs = 1};
    merge_pacer_init(&b->pacer, &b->index);
    b->now_ns -= step_ns;
    b->looks = 0;
    return b;
}

static void segment_add(struct bed *b, uint64_t number, uint64_t bytes, uint32_t docs)
{
    size_t i = b->index.set->count++;
    assert_true(i < FILES_MAX);
    b->segments[i] = (struct segment){.size = bytes, .doc_count = docs};
    b->slots[i] = (struct slot){.segment = &b->segments[i], .number = number};
    b->index.set->slots[i] = &b->slots[i];
}

/* Waits, and says how often it slept. */
static uint32_t sleeps(struct bed *b, uint64_t bytes)
{
    struct err err;
    b->looks = 0;
    assert_ok(merge_pacer_wait(&b->pacer, bytes, &err), &err);
    return b->looks - 1;
}

static void it_waits_as_long_as_the_bytes_take(struct test *t)
{
    static const struct {
        uint64_t bytes;
        uint32_t sleeps; /* of 1000 ns each */
    } rows[] = {{0, 0}, {1, 1}, {1000, 1}, {1001, 2}, {2000, 2}, {20000, 20}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(sleeps(bed_new(t, 1000), rows[i].bytes), rows[i].sleeps);
}

/* Too many files cost searches more than a fast merge does. */
static void it_hurries_when_files_wait(struct test *t)
{
    static const struct {
        uint32_t files, times; /* of the rate; 0: no limit */
    } rows[] = {{1, 1},  {20, 1},  {29, 1},  {30, 2},  {39, 2}, {40, 4},
                {50, 8}, {60, 16}, {70, 32}, {79, 32}, {80, 0}, {90, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bed *b = bed_new(t, 1000);
        segment_add(b, 1, MERGE_BYTES_MAX / 2, MERGE_DOCS_MAX / 2);
        for (uint32_t k = 1; k < rows[i].files; k++)
            segment_add(b, k + 1, MIB, 1000);
        /* Neither those in memory wait for a merge, nor the full ones. */
        for (uint32_t k = 0; k < 3; k++)
            segment_add(b, 0, MIB, 1000);
        segment_add(b, 1000, MERGE_BYTES_MAX / 2 + 1, 1000);
        segment_add(b, 1001, MIB, MERGE_DOCS_MAX / 2 + 1);
        uint32_t slept = sleeps(b, 64000);
        if (slept != (rows[i].times ? 64 / rows[i].times : 0))
            fail_msg("%u files: %u sleeps", rows[i].files, slept);
    }
}

static void it_runs_freely_alone(struct test *t)
{
    static const struct {
        int64_t used_ago_ns;
        uint64_t flight_bytes;
        bool is_merge_free;
        uint32_t sleeps; /* of 20 that the bytes take */
    } rows[] = {
        {0, 0, false, 20},
        {USED_NS - 20000, 0, false, 20},
        {USED_NS - 5000, 0, false, 5}, /* the use ends while it waits */
        {USED_NS - 1, 0, false, 1},
        {USED_NS, 0, false, 0},
        {10 * USED_NS, 0, false, 0},
        {10 * USED_NS, 1, false, 20}, /* a request that is being applied */
        {0, 1, true, 0},              /* index.merge.scheduler.auto_throttle */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bed *b = bed_new(t, 1000);
        b->engine.used_ns = b->now_ns - rows[i].used_ago_ns;
        b->engine.flight_bytes = rows[i].flight_bytes;
        b->index.is_merge_free = rows[i].is_merge_free;
        uint32_t slept = sleeps(b, 20000);
        if (slept != rows[i].sleeps)
            fail_msg("row %zu: %u sleeps", i, slept);
    }
}

/* A merge that had to read for long may write a little more at once, not all it missed. */
static void it_catches_up_on_a_little(struct test *t)
{
    static const struct {
        int64_t unused_ns;
        uint64_t free_bytes;
    } rows[] = {{0, 0},
                {1000, 1000},
                {CREDIT_NS - 1, (uint64_t)CREDIT_NS - 1},
                {CREDIT_NS, (uint64_t)CREDIT_NS},
                {CREDIT_NS + 1, (uint64_t)CREDIT_NS},
                {3600 * NS_PER_S, (uint64_t)CREDIT_NS}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (uint32_t over = 0; over < 2; over++) {
            struct bed *b = bed_new(t, 1000);
            b->engine.flight_bytes = 1;
            b->now_ns += rows[i].unused_ns;
            assert_int_equal(sleeps(b, rows[i].free_bytes + over), over);
        }
    }
}

/* Over any stretch of a merge: no more than the rate gives for its time and the credit before it,
 * and, as long as the merge has something to write, no less than the rate. */
static void random_pieces_keep_the_rate(struct test *t)
{
    enum { PIECES = 200, STEP_NS = 2000000 };
    struct bed *b = bed_new(t, STEP_NS);
    int64_t begin_ns[PIECES], end_ns[PIECES], sums[PIECES + 1] = {0};
    b->engine.flight_bytes = 1;
    for (uint32_t i = 0; i < PIECES; i++) {
        int64_t bytes = (int64_t)rng_below(&t->rng, CREDIT_NS / 10);
        if (i % 20 == 0) /* the credit is worth about the pieces until the next time */
            b->now_ns += rng_between(&t->rng, 0, 2 * CREDIT_NS);
        begin_ns[i] = b->now_ns;
        (void)sleeps(b, (uint64_t)bytes);
        end_ns[i] = b->now_ns - STEP_NS; /* the last look */
        sums[i + 1] = sums[i] + bytes;
        assert_true(end_ns[i] - begin_ns[i] < bytes + STEP_NS);
        for (uint32_t k = 0; k <= i; k++) {
            if (sums[i + 1] - sums[k] > end_ns[i] - begin_ns[k] + CREDIT_NS)
                fail_msg("pieces %u to %u: %lld bytes in %lld ns", k, i,
                         (long long)(sums[i + 1] - sums[k]), (long long)(end_ns[i] - begin_ns[k]));
        }
    }
}

static void closing_ends_it_at_once(struct test *t)
{
    static const struct {
        uint32_t close_at, looks;
        uint64_t bytes;
    } rows[] = {{1, 1, 0}, {1, 1, 20000}, {2, 2, 20000}, {5, 5, 20000}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bed *b = bed_new(t, 1000);
        b->close_at = rows[i].close_at;
        int rc = merge_pacer_wait(&b->pacer, rows[i].bytes, &t->err);
        assert_err(rc, &t->err, ERR_SHUTDOWN);
        assert_err_has(&t->err, "the merge ends with the engine");
        assert_int_equal(b->looks, rows[i].looks);
    }
}

TEST_MAIN(TEST(it_waits_as_long_as_the_bytes_take), TEST(it_hurries_when_files_wait),
          TEST(it_runs_freely_alone), TEST(it_catches_up_on_a_little),
          TEST(random_pieces_keep_the_rate), TEST(closing_ends_it_at_once))
