/* SPDX-License-Identifier: Apache-2.0 */
/* scan_test.c: both forms of each scan set the same bits, and the right ones. */
#include "support/test.h"

#include "base/bits.h"
#include "query/scan.h"

#define COUNT 700

static void both_forms_agree(struct test *t)
{
    int64_t longs[COUNT];
    uint32_t u32s[COUNT];
    double doubles[COUNT];
    uint64_t fast[BITSET_WORDS(COUNT)], plain[BITSET_WORDS(COUNT)];
    for (int round = 0; round < 200; round++) {
        uint32_t n = (uint32_t)rng_below(&t->rng, COUNT + 1);
        unsigned shift = (unsigned)rng_below(&t->rng, 64);
        for (uint32_t i = 0; i < n; i++) {
            longs[i] = (int64_t)rng_u64(&t->rng) >> shift;
            u32s[i] = (uint32_t)(rng_u64(&t->rng) >> 32) >> (shift / 2);
            doubles[i] = rng_below(&t->rng, 50) ? (double)longs[i] / 8 : __builtin_nan("");
        }
        int64_t a = n ? longs[rng_below(&t->rng, n)] : 0, b = (int64_t)rng_u64(&t->rng) >> shift;
        uint32_t c = n ? u32s[rng_below(&t->rng, n)] : 0,
                 d = (uint32_t)(rng_u64(&t->rng) >> 32) >> (shift / 2);
        size_t bytes = BITSET_WORDS(n) * 8;
        scan_longs_between(longs, n, a, b, fast);
        scan__longs_portable(longs, n, a, b, plain);
        assert_memory_equal(fast, plain, bytes);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(bitset_get(plain, i), longs[i] >= a && longs[i] <= b);
        scan_u32s_between(u32s, n, c, d, fast);
        scan__u32s_portable(u32s, n, c, d, plain);
        assert_memory_equal(fast, plain, bytes);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(bitset_get(plain, i), u32s[i] >= c && u32s[i] <= d);
        scan_doubles_between(doubles, n, (double)a / 8, (double)b / 8, fast);
        scan__doubles_portable(doubles, n, (double)a / 8, (double)b / 8, plain);
        assert_memory_equal(fast, plain, bytes);
    }
}

TEST_MAIN(TEST(both_forms_agree))
