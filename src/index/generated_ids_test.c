/* SPDX-License-Identifier: Apache-2.0 */
/* generated_ids_test.c: ids of documents that come without one ascend in the order in which they
 * were asked for, whatever the clock does, belong to the lane that asked, and never come twice, not
 * from another thread and not after a restart either. */
#include "support/store.h"

#include <pthread.h>

#include "index/ids.h"

#define IDS_MAX 200u
#define SEQ_END 0xFFFF00u /* ids under one time at most */

static void opened(struct store *s, struct test *t, size_t lanes)
{
    store_init(s, t);
    s->config.lane_count = lanes;
    s->config.seed = rng_u64(&t->rng);
    store_open(s);
}

static struct str id_of(char (*ids)[COUNTED_ID_BYTES], size_t i)
{
    return (struct str){ids[i], COUNTED_ID_BYTES};
}

/* The milliseconds in the first eight characters. */
static int64_t time_of(struct str id)
{
    int64_t ms = 0;
    for (size_t i = 0; i < 8; i++)
        ms = ms << 6 | (strchr(id_digits, id.p[i]) - id_digits);
    return ms;
}

static uint32_t count_of(struct str id)
{
    uint32_t count = 0;
    assert_true(id_count_read(id, &count));
    return count;
}

/* Onwards by little, by much, and back by hours, as wall clocks do. */
static void clock_shake(struct store *s)
{
    static const int64_t steps_ms[] = {0, 0, 0, 1, 999, 1000, 1001, 7200000, -1, -1000, -7200000};
    s->clock.wall_ns += steps_ms[rng_below(&s->t->rng, ARRAY_COUNT(steps_ms))] * (int64_t)NS_PER_MS;
}

static void ascend_whatever_the_clock_does(struct test *t)
{
    static const size_t lane_counts[] = {1, 2, 3, 5, 8, 63, 64};
    for (size_t row = 0; row < ARRAY_COUNT(lane_counts); row++) {
        char ids[IDS_MAX][COUNTED_ID_BYTES], last[COUNTED_ID_BYTES] = {0};
        struct store s;
        opened(&s, t, lane_counts[row]);
        for (uint32_t round = 0; round < 1000; round++) {
            uint32_t lane = (uint32_t)rng_below(&t->rng, lane_counts[row]);
            size_t count = rng_below(&t->rng, round % 8 ? 3 : IDS_MAX + 1);
            engine__ids_make(s.engine, lane, count, ids);
            for (size_t i = 0; i < count; i++) {
                assert_true(memcmp(last, ids[i], sizeof(last)) < 0);
                assert_int_equal(engine__lane_of(s.engine, id_of(ids, i)), lane);
                memcpy(last, ids[i], sizeof(last));
            }
            clock_shake(&s);
        }
        store_deinit(&s);
    }
}

/* Within a second ids share their first 16 characters, which is what makes them small. */
static void the_time_is_taken_anew_each_second(struct test *t)
{
    static const struct {
        int64_t step_ns, time_ms; /* since the last row; since the start */
    } rows[] = {
        {0, 0},
        {999 * NS_PER_MS, 0},
        {NS_PER_MS - 1, 0},
        {1, 1000},
        {-3600 * NS_PER_S, 1000},
        {3600 * NS_PER_S, 1000},
        {1500 * NS_PER_MS, 2500},
        {500 * NS_PER_MS, 2500},
        {500 * NS_PER_MS, 3500},
    };
    char ids[2][COUNTED_ID_BYTES], first[COUNTED_ID_BYTES];
    struct store s;
    opened(&s, t, 1);
    engine__ids_make(s.engine, 0, 1, ids);
    memcpy(first, ids[0], sizeof(first));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        s.clock.wall_ns += rows[i].step_ns;
        engine__ids_make(s.engine, 0, 2, ids);
        if (time_of(id_of(ids, 0)) != STORE_NOW_NS / NS_PER_MS + rows[i].time_ms)
            fail_msg("row %zu: the time is %lld", i, (long long)time_of(id_of(ids, 0)));
        assert_memory_equal(ids[0], ids[1], COUNTED_ID_PREFIX_BYTES);
        assert_memory_equal(ids[0] + 8, first + 8, 8); /* the engine's own */
        assert_int_equal(count_of(id_of(ids, 1)), count_of(id_of(ids, 0)) + 1);
    }
    store_deinit(&s);
}

/* The counter ends, though the clock stands: the next time begins before the clock's. */
static void the_counter_runs_over_into_the_time(struct test *t)
{
    char ids[40][COUNTED_ID_BYTES];
    struct store s;
    opened(&s, t, 2);
    s.engine->id_seq = SEQ_END - 20;
    engine__ids_make(s.engine, 1, 40, ids);
    for (size_t i = 0; i < 40; i++) {
        int64_t ms = time_of(id_of(ids, i)) - STORE_NOW_NS / NS_PER_MS;
        assert_int_equal(ms, i < 10 ? 0 : 1); /* every second number is the lane's */
        assert_in_range(count_of(id_of(ids, i)), 1, SEQ_END);
        assert_true(i == 0 || memcmp(ids[i - 1], ids[i], COUNTED_ID_BYTES) < 0);
    }
    s.engine->id_seq = SEQ_END;
    s.clock.wall_ns -= 3600 * NS_PER_S;
    engine__ids_make(s.engine, 0, 1, ids);
    assert_int_equal(time_of(id_of(ids, 0)), STORE_NOW_NS / NS_PER_MS + 2);
    store_deinit(&s);
}

/* Ids that are not of this engine may be anything: they are hashed, always to the same lane. */
static void others_ids_have_a_lane_too(struct test *t)
{
    char own[2][COUNTED_ID_BYTES];
    struct store s;
    opened(&s, t, 7);
    engine__ids_make(s.engine, 3, 2, own);
    struct str rows[] = {
        STR("1"),
        STR("12345678901234567890"),
        str_sub(id_of(own, 0), 0, COUNTED_ID_BYTES - 1),
        arena_printf(t->mem, "%.*sx", (int)COUNTED_ID_BYTES, own[0]),
        arena_printf(t->mem, "%.*s****", (int)COUNTED_ID_PREFIX_BYTES, own[0]),
        arena_printf(t->mem, "%.8sxxxxxxxx----", own[0]),
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(engine__lane_of(s.engine, rows[i]), hash_str(rows[i]) % 7);
    /* Of this engine at another time. */
    struct str later = arena_printf(t->mem, "zzzzzzzz%.*s", 12, own[1] + 8);
    assert_int_equal(engine__lane_of(s.engine, later), 3);
    store_deinit(&s);
}

/* The node's part is another one each time, so a clock that stands or goes back repeats nothing. */
static void no_id_comes_again_after_a_restart(struct test *t)
{
    struct store s;
    struct strmap seen;
    store_init(&s, t);
    strmap_init(&seen);
    for (uint32_t round = 0; round < 30; round++) {
        store_open(&s);
        for (uint32_t i = 0; i < 20; i++) {
            struct doc_result r = store_put(&s, "i", STR(""), STR("{}"));
            assert_int_equal(r.outcome, DOC_CREATED);
            assert_int_equal(r.id.n, COUNTED_ID_BYTES);
            assert_null(strmap_put(&seen, r.id, t));
        }
        store_close(&s);
        if (round % 3 == 2)
            s.clock.wall_ns -= 5 * NS_PER_S;
    }
    strmap_deinit(&seen);
    store_deinit(&s);
}

#define THREADS    4u
#define PER_THREAD 20000u

struct maker {
    struct engine *engine;
    uint32_t lane;
    char (*ids)[COUNTED_ID_BYTES];
    pthread_t thread;
};

static void *making(void *arg)
{
    struct maker *m = arg;
    for (size_t at = 0, n; at < PER_THREAD; at += n) {
        n = MIN_OF(1 + at % 50, PER_THREAD - at);
        engine__ids_make(m->engine, m->lane, n, m->ids + at);
    }
    return NULL;
}

/* Two of them in each lane, by a counter that runs over meanwhile. */
static void threads_never_share_an_id(struct test *t)
{
    struct store s;
    struct strmap seen;
    struct maker makers[THREADS];
    opened(&s, t, 2);
    strmap_init(&seen);
    s.engine->id_seq = SEQ_END - PER_THREAD;
    for (uint32_t i = 0; i < THREADS; i++) {
        makers[i] = (struct maker){.engine = s.engine, .lane = i % 2};
        makers[i].ids = arena_alloc(t->mem, (size_t)PER_THREAD * COUNTED_ID_BYTES);
        assert_int_equal(pthread_create(&makers[i].thread, NULL, making, &makers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
        for (size_t k = 0; k < PER_THREAD; k++) {
            assert_null(strmap_put(&seen, id_of(makers[i].ids, k), t));
            assert_true(k == 0 ||
                        str_cmp(id_of(makers[i].ids, k - 1), id_of(makers[i].ids, k)) < 0);
        }
    }
    strmap_deinit(&seen);
    store_deinit(&s);
}

TEST_MAIN(TEST(ascend_whatever_the_clock_does), TEST(the_time_is_taken_anew_each_second),
          TEST(the_counter_runs_over_into_the_time), TEST(others_ids_have_a_lane_too),
          TEST(no_id_comes_again_after_a_restart), TEST(threads_never_share_an_id))
