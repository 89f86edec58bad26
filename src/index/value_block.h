/* SPDX-License-Identifier: Apache-2.0 */
/* value_block.h: up to 1,024 integers in the smallest of four codecs (format.h, "Value block"), and
 * the bit packing under it. */
#ifndef NARU_INDEX_VALUE_BLOCK_H
#define NARU_INDEX_VALUE_BLOCK_H

#include "base/base.h"
#include "base/bits.h"
#include "base/buf.h"

/* Bits a value needs. */
static inline unsigned bit_width(uint64_t v)
{
    return v ? 64u - (unsigned)__builtin_clzll(v) : 0u;
}
/* Bytes of n packed values. */
static inline size_t packed_bytes(size_t n, unsigned width)
{
    return (n * width + 7) / 8;
}
void pack_bits(struct buf *out, const uint64_t *values, size_t n, unsigned width);
void pack_bits_u32(struct buf *out, const uint32_t *values, size_t n, unsigned width);
/* Reads up to seven bytes behind the packed run. width <= 64. */
void unpack_bits(const uint8_t *p, size_t first, size_t n, unsigned width, uint64_t *values);
void unpack_bits_u32(const uint8_t *p, size_t n, unsigned width, uint32_t *values);
static inline uint64_t unpack_one(const uint8_t *p, size_t i, unsigned width)
{
    size_t bit = i * width;
    unsigned shift = (unsigned)(bit & 7);
    uint64_t low = get_u64_le(p + (bit >> 3)) >> shift;
    if (UNLIKELY(width + shift > 64))
        low |= (uint64_t)p[(bit >> 3) + 8] << (64 - shift);
    return width == 64 ? low : low & ((UINT64_C(1) << width) - 1);
}

/* Appends one block, 1 <= n <= VALUE_BLOCK_VALUES. `exponent`: see format.h. */
void value_block_write(struct buf *out, const int64_t *values, size_t n, uint8_t exponent);
/* Whole size of the block at p and how many values it has; 0 when it does not fit into `size`
 * bytes. */
size_t value_block_bytes(const uint8_t *p, size_t size, size_t *ret_count);
static inline uint8_t value_block_exponent(const uint8_t *p)
{
    return p[2];
}
/* Values [first, first + n) of the block. */
void value_block_read(const uint8_t *p, size_t first, size_t n, int64_t *values);

/* The same of values that are known to fit. */
void value_block_read_u32(const uint8_t *p, size_t first, size_t n, uint32_t *values);

#endif
