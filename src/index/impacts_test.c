/* SPDX-License-Identifier: Apache-2.0 */
#include "index/impacts.h"
#include "support/test.h"

/* Every document is covered, no pair promises more than the block's extremes. */
static void covers(const uint32_t *freqs, const uint8_t *norms, size_t n)
{
    uint8_t pairs[IMPACT_BYTES];
    uint32_t freq_max = 0;
    uint8_t norm_min = 255;
    impacts_make(freqs, norms, n, pairs);
    for (size_t i = 0; i < n; i++) {
        bool is_covered = false;
        uint8_t norm = norms ? norms[i] : 0;
        for (size_t k = 0; k < IMPACT_BYTES; k += 2)
            is_covered = is_covered || (pairs[k + 1] <= norm &&
                                        (pairs[k] >= freqs[i] || pairs[k] == IMPACT_FREQ_MAX));
        assert_true(is_covered);
        freq_max = MAX_OF(freq_max, freqs[i]);
        norm_min = MIN_OF(norm_min, norm);
    }
    assert_int_equal(impacts_freq_max(pairs), freq_max >= IMPACT_FREQ_MAX ? UINT32_MAX : freq_max);
    assert_int_equal(impacts_norm_min(pairs), norm_min);
}

static void random_blocks(struct test *t)
{
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t freqs[POSTINGS_BLOCK_DOCS];
        uint8_t norms[POSTINGS_BLOCK_DOCS];
        size_t n = 1 + rng_below(&t->rng, POSTINGS_BLOCK_DOCS);
        uint64_t freq_limit = 1 + rng_below(&t->rng, round % 10 ? 12 : 1000);
        for (size_t i = 0; i < n; i++) {
            freqs[i] = 1 + (uint32_t)rng_below(&t->rng, freq_limit);
            norms[i] = (uint8_t)rng_below(&t->rng, 256);
        }
        covers(freqs, round % 7 ? norms : NULL, n);
    }
}

static void few_steps_are_exact(struct test *t UNUSED)
{
    const uint32_t freqs[] = {1, 5, 2, 2, 9};
    const uint8_t norms[] = {3, 20, 3, 9, 60};
    uint8_t pairs[IMPACT_BYTES];
    const uint8_t wanted[IMPACT_BYTES] = {9, 60, 5, 20, 2, 3, 2, 3};
    impacts_make(freqs, norms, 5, pairs);
    assert_memory_equal(pairs, wanted, sizeof(wanted));
}

static void lengths(struct test *t UNUSED)
{
    assert_int_equal(norm_length(0), 0);
    assert_int_equal(norm_length(23), 23);
    assert_int_equal(norm_length(24), 24);
    assert_int_equal(norm_length(32), 32);
    assert_int_equal(norm_length(40), 40);
    for (int i = 0; i < 255; i++)
        assert_true(norm_length((uint8_t)i) < norm_length((uint8_t)(i + 1)));
}

TEST_MAIN(TEST(random_blocks), TEST(few_steps_are_exact), TEST(lengths))
