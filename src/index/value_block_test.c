/* SPDX-License-Identifier: Apache-2.0 */
#include "index/value_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "index/format.h"

static void round_trip(const int64_t *values, size_t n, int codec)
{
    static const char pad[16];
    struct buf out;
    int64_t back[VALUE_BLOCK_VALUES], some[VALUE_BLOCK_VALUES];
    size_t count;
    buf_init(&out, 0);
    value_block_write(&out, values, n, 0);
    size_t bytes = out.n;
    buf_add(&out, pad, sizeof(pad));
    const uint8_t *p = (const uint8_t *)out.p;
    if (codec >= 0)
        assert_int_equal(p[0], codec);
    assert_int_equal(value_block_bytes(p, bytes, &count), bytes);
    assert_int_equal(count, n);
    value_block_read(p, 0, n, back);
    assert_memory_equal(back, values, n * sizeof(*values));
    for (size_t first = 0; first < n; first += 97) {
        size_t part = MIN_OF(n - first, (size_t)130);
        value_block_read(p, first, part, some);
        assert_memory_equal(some, values + first, part * sizeof(*values));
    }
    for (size_t cut = 0; cut < bytes; cut += 7)
        assert_int_equal(value_block_bytes(p, cut, &count), 0);
    buf_deinit(&out);
}

static void test_codecs(void **state)
{
    (void)state;
    int64_t v[VALUE_BLOCK_VALUES];
    for (size_t i = 0; i < VALUE_BLOCK_VALUES; i++)
        v[i] = 42;
    round_trip(v, VALUE_BLOCK_VALUES, VALUE_CODEC_CONST);
    round_trip(v, 1, VALUE_CODEC_CONST);
    for (size_t i = 0; i < VALUE_BLOCK_VALUES; i++)
        v[i] = (int64_t)(i * i * 7919 % 1009) * 60 - 5;
    round_trip(v, VALUE_BLOCK_VALUES, VALUE_CODEC_FOR);
    for (size_t i = 0; i < VALUE_BLOCK_VALUES; i++)
        v[i] = INT64_C(1700000000000) + (int64_t)i * 1000003 + (int64_t)(i % 3);
    round_trip(v, VALUE_BLOCK_VALUES, VALUE_CODEC_DELTA);
    for (size_t i = 0; i < 100; i++)
        v[i] = (int64_t)(i * UINT64_C(0x9E3779B97F4A7C15) ^ i << 60 ^ (i * i) << 33);
    v[0] = INT64_MIN;
    v[1] = INT64_MAX;
    round_trip(v, 100, VALUE_CODEC_RAW);
}

static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    int64_t v[VALUE_BLOCK_VALUES];
    rng_init(&rng, 1);
    for (int round = 0; round < 400; round++) {
        size_t n = 1 + rng_below(&rng, VALUE_BLOCK_VALUES);
        unsigned bits = (unsigned)rng_below(&rng, 65);
        uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        uint64_t sum = rng_u64(&rng);
        bool is_walk = rng_below(&rng, 2);
        for (size_t i = 0; i < n; i++) {
            sum += rng_u64(&rng) & mask;
            v[i] = is_walk ? (int64_t)sum : (int64_t)(rng_u64(&rng) & mask);
        }
        round_trip(v, n, -1);
    }
}

static void test_bits(void **state)
{
    (void)state;
    struct rng rng;
    uint64_t v[300], back[300];
    static const char pad[16];
    rng_init(&rng, 2);
    for (unsigned width = 0; width <= 64; width++) {
        struct buf out;
        buf_init(&out, 0);
        uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
        for (size_t i = 0; i < 300; i++)
            v[i] = rng_u64(&rng) & mask;
        pack_bits(&out, v, 300, width);
        assert_int_equal(out.n, packed_bytes(300, width));
        buf_add(&out, pad, sizeof(pad));
        unpack_bits((const uint8_t *)out.p, 0, 300, width, back);
        assert_memory_equal(v, back, sizeof(v));
        for (size_t i = 0; i < 300 && width; i++)
            assert_true(unpack_one((const uint8_t *)out.p, i, width) == v[i]);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_codecs), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
