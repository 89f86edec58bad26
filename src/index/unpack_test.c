/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_test.c: every width, from any first value: the fast form reads what the portable one
 * reads, and both what was packed. */
#include "support/test.h"

#include "base/buf.h"
#include "index/format.h"
#include "index/unpack.h"
#include "index/value_block.h"

#define COUNT 1000

static void check_width(struct test *t, unsigned width)
{
    uint64_t packed[COUNT];
    uint32_t fast[COUNT], plain[COUNT];
    int64_t scaled[COUNT], scaled_plain[COUNT];
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < COUNT; i++)
        packed[i] = rng_u64(&t->rng) & ((UINT64_C(1) << width) - 1);
    pack_bits(&out, packed, COUNT, width);
    /* Exactly the bytes that may be read: a sanitizer sees one more. */
    size_t size = packed_bytes(COUNT, width) + 7;
    uint8_t *bytes = mem_zalloc(size);
    memcpy(bytes, out.p ? out.p : "", out.n);
    for (int round = 0; round < 30; round++) {
        size_t first = rng_below(&t->rng, COUNT), n = rng_below(&t->rng, COUNT - first + 1);
        uint64_t base = rng_u64(&t->rng),
                 factor = rng_below(&t->rng, 3) ? 1 : rng_u64(&t->rng) >> rng_below(&t->rng, 64);
        unpack_u32(bytes, first, n, width, fast);
        unpack__u32_portable(bytes, first, n, width, plain);
        unpack_scaled(bytes, first, n, width, base, factor, scaled);
        unpack__scaled_portable(bytes, first, n, width, base, factor, scaled_plain);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(plain[i], packed[first + i]);
            assert_int_equal(fast[i], packed[first + i]);
            assert_int_equal((uint64_t)scaled[i], base + factor * packed[first + i]);
            assert_int_equal(scaled_plain[i], scaled[i]);
            assert_int_equal(unpack_value(bytes, first + i, width), packed[first + i]);
        }
    }
    mem_free(bytes);
    buf_deinit(&out);
}

static void both_forms_read_what_was_packed(struct test *t)
{
    for (unsigned width = 0; width <= 32; width++)
        check_width(t, width);
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

static void packed_distances(struct test *t)
{
    for (unsigned width = 0; width <= 32; width++) {
        for (size_t n = 1; n <= POSTINGS_BLOCK_DOCS; n++) {
            uint32_t values[POSTINGS_BLOCK_DOCS], sums[POSTINGS_BLOCK_DOCS],
                base = (uint32_t)rng_u64(&t->rng);
            struct buf out;
            buf_init(&out, 0);
            for (size_t i = 0; i < n; i++)
                values[i] = (uint32_t)rng_below(&t->rng, UINT64_C(1) << width);
            pack_bits_u32(&out, values, n, width);
            uint8_t *bytes = mem_zalloc(packed_bytes(n, width) + UNPACK_SLACK);
            memcpy(bytes, out.p ? out.p : "", out.n);
            unpack_distances(bytes, n, width, base, sums);
            unpack__sum_portable(values, n, base);
            assert_memory_equal(values, sums, n * sizeof(*values));
            mem_free(bytes);
            buf_deinit(&out);
        }
    }
}

TEST_MAIN(TEST(both_forms_read_what_was_packed), TEST(distances), TEST(packed_distances))
