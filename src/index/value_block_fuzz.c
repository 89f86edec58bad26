/* SPDX-License-Identifier: Apache-2.0 */
/* value_block_fuzz.c: the bytes as a run of value blocks, read whole and in parts; and the same
 * bytes as integers, which must come back from a block as they went in. */
#include "base/arena.h"
#include "index/format.h"
#include "index/value_block.h"
#include "support/fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    if (n >= 5)
        return false;
    int64_t values[300];
    uint64_t v = 1;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        v = v * UINT64_C(6364136223846793005) + 1;
        values[i] = n == 0   ? 7
                    : n == 1 ? (int64_t)(v >> 50) * 12
                    : n == 2 ? (int64_t)i * 1000 + (int64_t)(v >> 60)
                    : n == 3 ? (int64_t)v
                             : (int64_t)(v >> 5);
    }
    value_block_write(out, values, ARRAY_COUNT(values), n == 1 ? 2 : DECIMAL_NONE);
    value_block_write(out, values, 1 + n * 40, DECIMAL_NONE);
    return true;
}

static void blocks_read(const uint8_t *p, size_t size)
{
    int64_t all[VALUE_BLOCK_VALUES], part[VALUE_BLOCK_VALUES];
    size_t n, bytes;
    while ((bytes = value_block_bytes(p, size, &n)) > 0) {
        ASSERT(bytes <= size && n > 0 && n <= VALUE_BLOCK_VALUES);
        value_block_read(p, 0, n, all);
        for (size_t first = 0; first < n; first += 1 + first) {
            size_t count = MIN_OF(n - first, (size_t)150);
            value_block_read(p, first, count, part);
            ASSERT(memcmp(part, all + first, count * sizeof(*part)) == 0);
        }
        p += bytes;
        size -= bytes;
    }
}

static void round_trip(const uint8_t *data, size_t size)
{
    int64_t in[VALUE_BLOCK_VALUES], back[VALUE_BLOCK_VALUES];
    size_t n = MIN_OF(size / 8, (size_t)VALUE_BLOCK_VALUES), count = 0;
    if (n == 0)
        return;
    memcpy(in, data, n * 8);
    struct buf out;
    buf_init(&out, 0);
    value_block_write(&out, in, n, DECIMAL_NONE);
    size_t bytes = out.n;
    for (size_t i = 0; i < SEGMENT_PAD_BYTES; i++)
        buf_add_u8(&out, 0xA5);
    const uint8_t *p = (const uint8_t *)out.p;
    ASSERT(value_block_bytes(p, bytes, &count) == bytes && count == n);
    value_block_read(p, 0, n, back);
    ASSERT(memcmp(in, back, n * 8) == 0);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Behind a run lies padding that readers may load but not use (format.h). */
    uint8_t *copy = mem_zalloc(size + SEGMENT_PAD_BYTES);
    if (size)
        memcpy(copy, data, size);
    blocks_read(copy, size);
    mem_free(copy);
    round_trip(data, size);
    return 0;
}
