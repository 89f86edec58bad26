/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/bits.h"

static uint64_t any_width(struct test *t)
{
    return rng_u64(&t->rng) >> rng_below(&t->rng, 64);
}

static void what_is_put_is_got(struct test *t)
{
    uint8_t b[16];
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t v = any_width(t);
        uint8_t *p = b + rng_below(&t->rng, 8); /* at any alignment */
        put_u64_le(p, v);
        assert_true(get_u64_le(p) == v);
        put_u32_le(p, (uint32_t)v);
        assert_int_equal(get_u32_le(p), (uint32_t)v);
        put_u32_be(p, (uint32_t)v);
        assert_int_equal(get_u32_be(p), (uint32_t)v);
        assert_int_equal(get_u32_le(p), __builtin_bswap32((uint32_t)v));
        put_u16_le(p, (uint16_t)v);
        assert_int_equal(get_u16_le(p), (uint16_t)v);
        int64_t s = (int64_t)v;
        assert_true(zigzag_decode(zigzag_encode(s)) == s && zigzag_decode(zigzag_encode(-s)) == -s);
    }
    assert_int_equal(zigzag_encode(-1), 1);
    assert_int_equal(zigzag_encode(1), 2);
}

static void varints_round_trip_and_are_checked(struct test *t)
{
    uint8_t b[VARINT_BYTES_MAX];
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t v = any_width(t), got = 0;
        size_t n = put_varint(b, v);
        const uint8_t *p = b;
        assert_true(get_varint(&p, b + n, &got) && got == v && p == b + n);
        p = b;
        assert_false(get_varint(&p, b + n - 1, &got)); /* cut short */
    }
    uint64_t got;
    assert_int_equal(put_varint(b, UINT64_MAX), 10);
    uint8_t endless[11];
    memset(endless, 0xFF, sizeof(endless));
    const uint8_t *p = endless;
    assert_false(get_varint(&p, endless + sizeof(endless), &got));
    uint8_t too_wide[10];
    memset(too_wide, 0xFF, 9);
    too_wide[9] = 0x02; /* bit 64: not silently dropped */
    p = too_wide;
    assert_false(get_varint(&p, too_wide + 10, &got));
}

static void bit_sets_hold_their_bits(struct test *t)
{
    enum { BITS = 200 };
    uint64_t words[BITSET_WORDS(BITS)] = {0};
    bool expected[BITS] = {false};
    assert_int_equal(ARRAY_COUNT(words), 4);
    for (unsigned i = 0; i < 2000; i++) {
        size_t bit = rng_below(&t->rng, BITS);
        expected[bit] = rng_below(&t->rng, 2) == 1;
        if (expected[bit])
            bitset_set(words, bit);
        else
            bitset_clear(words, bit);
    }
    size_t count = 0;
    for (size_t i = 0; i < BITS; i++) {
        assert_int_equal(bitset_get(words, i), expected[i]);
        count += expected[i];
    }
    assert_int_equal(bitset_count(words, ARRAY_COUNT(words)), count);
}

TEST_MAIN(TEST(what_is_put_is_got), TEST(varints_round_trip_and_are_checked),
          TEST(bit_sets_hold_their_bits))
