/* SPDX-License-Identifier: Apache-2.0 */
#include "index/unpack.h"

#include "index/format.h"
#include "index/value_block.h"
#include "support/test.h"

/* The machine's way and the portable one give what was packed, for every width and length. */
static void widths_and_lengths(struct test *t)
{
    for (unsigned width = 0; width <= 32; width++) {
        for (size_t n = 0; n <= POSTINGS_BLOCK_DOCS; n += n < 20 ? 1 : 27) {
            uint32_t values[POSTINGS_BLOCK_DOCS] = {0}, fast[POSTINGS_BLOCK_DOCS],
                     slow[POSTINGS_BLOCK_DOCS];
            struct buf out;
            for (size_t i = 0; i < n; i++)
                values[i] = (uint32_t)(rng_u64(&t->rng) & ((UINT64_C(1) << width) - 1));
            buf_init(&out, 0);
            pack_bits_u32(&out, values, n, width);
            buf_add(&out, (char[UNPACK_OVER_BYTES]){0}, UNPACK_OVER_BYTES);
            unpack_u32((const uint8_t *)out.p, n, width, fast);
            unpack__u32_portable((const uint8_t *)out.p, n, width, slow);
            assert_memory_equal(fast, values, n * sizeof(*values));
            assert_memory_equal(slow, values, n * sizeof(*values));
            buf_deinit(&out);
        }
    }
}

static void distances(struct test *t)
{
    for (size_t n = 0; n <= POSTINGS_BLOCK_DOCS; n++) {
        uint32_t fast[POSTINGS_BLOCK_DOCS], slow[POSTINGS_BLOCK_DOCS];
        for (size_t i = 0; i < n; i++)
            fast[i] = slow[i] = (uint32_t)rng_below(&t->rng, UINT64_C(1) << (n % 33));
        uint32_t base = n % 2 ? UINT32_MAX : (uint32_t)rng_u64(&t->rng);
        sum_distances(fast, n, base);
        unpack__sum_portable(slow, n, base);
        assert_memory_equal(fast, slow, n * sizeof(*fast));
    }
}

TEST_MAIN(TEST(widths_and_lengths), TEST(distances))
