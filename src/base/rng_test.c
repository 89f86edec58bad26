/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

static void a_seed_repeats(struct test *t)
{
    struct rng a, b, c;
    rng_init(&a, t->seed);
    rng_init(&b, t->seed);
    rng_init(&c, t->seed + 1);
    unsigned same = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t v = rng_u64(&a);
        assert_true(v == rng_u64(&b));
        same += v == rng_u64(&c);
    }
    assert_int_equal(same, 0);
    rng_init(&a, 0); /* the state must not be all zeros */
    assert_true(rng_u64(&a) != rng_u64(&a));
}

/* The first values of xoshiro256** from the state {1, 2, 3, 4}, worked out from its definition. */
static void the_generator_is_the_one_it_says(struct test *t)
{
    (void)t;
    struct rng rng = {{1, 2, 3, 4}};
    assert_true(rng_u64(&rng) == 11520);
    assert_true(rng_u64(&rng) == 0);
    assert_true(rng_u64(&rng) == 1509978240);
    assert_true(rng_u64(&rng) == UINT64_C(1215971899390074240));
}

static void limits_hold_and_are_reached(struct test *t)
{
    unsigned seen[7] = {0}, low = 0, high = 0;
    double sum = 0;
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t v = rng_below(&t->rng, 7);
        assert_true(v < 7);
        seen[v]++;
        int64_t s = rng_between(&t->rng, -2, 2);
        assert_true(s >= -2 && s <= 2);
        low += s == -2;
        high += s == 2;
        double f = rng_f64(&t->rng);
        assert_true(f >= 0 && f < 1);
        sum += f;
    }
    for (size_t i = 0; i < 7; i++)
        assert_in_range(seen[i], 9000, 11000); /* ten standard deviations */
    assert_true(low > 0 && high > 0);
    assert_true(sum > 34000 && sum < 36000);
    assert_int_equal(rng_below(&t->rng, 1), 0);
    assert_int_equal(rng_between(&t->rng, 5, 5), 5);
    (void)rng_between(&t->rng, INT64_MIN, INT64_MAX);
}

static void a_child_goes_its_own_way(struct test *t)
{
    struct rng parent, child;
    rng_init(&parent, t->seed);
    rng_split(&parent, &child);
    unsigned same = 0;
    for (unsigned i = 0; i < 1000; i++)
        same += rng_u64(&parent) == rng_u64(&child);
    assert_int_equal(same, 0);
}

TEST_MAIN(TEST(a_seed_repeats), TEST(the_generator_is_the_one_it_says),
          TEST(limits_hold_and_are_reached), TEST(a_child_goes_its_own_way))
