/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers come back as they were added, by one, by block and by walk, whatever the gaps. */
#include "index/renumber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"

#define NUMBERS 5000u

static void same(const uint32_t *want, uint32_t n)
{
    struct renumber r;
    struct renumber_walk walk;
    uint32_t block[RENUMBER_BLOCK], present = 0;
    renumber_init(&r, n);
    for (uint32_t i = 0; i < n; i++) {
        renumber_add(&r, want[i]);
        present += want[i] != RENUMBER_NONE;
    }
    renumber_end(&r);
    assert_int_equal(r.count, n);
    assert_int_equal(r.present_count, present);
    renumber_walk_begin(&walk, &r);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(renumber_get(&r, i), want[i]);
        if (i % RENUMBER_BLOCK == 0)
            renumber_read(&r, i / RENUMBER_BLOCK, block);
        assert_int_equal(block[i % RENUMBER_BLOCK], want[i]);
        if (want[i] == RENUMBER_NONE)
            continue;
        assert_int_equal(walk.old, i);
        assert_int_equal(walk.to, want[i]);
        renumber_walk_next(&walk);
    }
    assert_int_equal(walk.to, RENUMBER_NONE);
    assert_int_equal(renumber_get(&r, n), RENUMBER_NONE);
    assert_int_equal(renumber_get(&r, UINT32_MAX), RENUMBER_NONE);
    renumber_deinit(&r);
}

/* Steps of up to `step_max`, every `gone_of`-th number without a new one (0: all have one). */
static void with(uint64_t seed, uint32_t n, uint32_t first, uint32_t step_max, uint32_t gone_of)
{
    struct rng rng;
    uint32_t want[NUMBERS], next = first;
    rng_init(&rng, seed);
    for (uint32_t i = 0; i < n; i++) {
        bool is_gone = gone_of && rng_below(&rng, gone_of) == 0;
        want[i] = is_gone ? RENUMBER_NONE : next;
        if (!is_gone)
            next += 1 + (uint32_t)rng_below(&rng, step_max);
    }
    same(want, n);
}

static void test_dense(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 200; n++)
        with(n, n, n * 7, 1, 0);
    with(1, NUMBERS, 0, 1, 3);
    with(1, NUMBERS, 123456, 1, 1); /* none has */
}

static void test_gaps(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        with(seed, NUMBERS - (uint32_t)seed, 5, 20, seed % 2 ? 4 : 0);
        with(seed, NUMBERS - (uint32_t)seed, 0, 400000, seed % 2 ? 2 : 0);
    }
}

static void test_one_wide_gap(void **state)
{
    (void)state;
    uint32_t want[] = {0, UINT32_MAX - 3, RENUMBER_NONE, UINT32_MAX - 1};
    same(want, ARRAY_COUNT(want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_one_wide_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
