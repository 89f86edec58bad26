/* SPDX-License-Identifier: Apache-2.0 */
/* shown_test.c: floats are shown as their shortest text says. */
#include <math.h>

#include "support/test.h"

#include "query/search_int.h"

static void is_as_text(float v)
{
    double shown = f32_shown(v), by_text = shown__by_text(v);
    assert_true(shown == by_text && (float)shown == v);
}

static void some_values(struct test *t UNUSED)
{
    assert_true(f32_shown(0.1f) == 0.1);
    assert_true(f32_shown(-2.5f) == -2.5);
    assert_true(f32_shown(13.070181f) == 13.070181);
    assert_true(f32_shown(1e-20f) == 1e-20);
    assert_true(f32_shown(3e30f) == 3e30);
    assert_true(f32_shown(42) == 42);
    assert_true(f32_shown(INFINITY) == (double)INFINITY);
}

static void as_text_says(struct test *t)
{
    for (int round = 0; round < 200000; round++) {
        uint32_t bits = (uint32_t)rng_u64(&t->rng);
        float v;
        memcpy(&v, &bits, sizeof(v));
        if (isfinite(v) && fabsf(v) < 1e30f && fabsf(v) > 1e-30f)
            is_as_text(v);
        is_as_text((float)rng_below(&t->rng, UINT64_C(1) << 32) / (float)(1 << (round % 30)));
        is_as_text((float)rng_below(&t->rng, 100000) / 1000.0f);
    }
}

static void beside_powers(struct test *t UNUSED)
{
    for (int exponent = -12; exponent <= 18; exponent++) {
        float v = (float)pow(10, exponent), low = v, high = v;
        for (int i = 0; i < 100; i++) {
            is_as_text(low = nextafterf(low, 0));
            is_as_text(high = nextafterf(high, INFINITY));
        }
        is_as_text(v);
    }
}

TEST_MAIN(TEST(some_values), TEST(as_text_says), TEST(beside_powers))
