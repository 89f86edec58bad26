/* SPDX-License-Identifier: Apache-2.0 */
/* bits.h: integers in byte streams without alignment (little and big endian, LEB128 varints,
 * zigzag) and bit sets in uint64_t words. */
#ifndef NARU_BASE_BITS_H
#define NARU_BASE_BITS_H

#include "base/base.h"

#define VARINT_BYTES_MAX 10u

static inline void put_u16_le(void *p, uint16_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}
static inline void put_u32_le(void *p, uint32_t v)
{
    put_u16_le(p, (uint16_t)v);
    put_u16_le((uint8_t *)p + 2, (uint16_t)(v >> 16));
}
static inline void put_u64_le(void *p, uint64_t v)
{
    put_u32_le(p, (uint32_t)v);
    put_u32_le((uint8_t *)p + 4, (uint32_t)(v >> 32));
}
static inline uint16_t get_u16_le(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | (uint16_t)(b[1] << 8));
}
static inline uint32_t get_u32_le(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}
static inline uint64_t get_u64_le(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}
static inline void put_u32_be(void *p, uint32_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}
static inline uint32_t get_u32_be(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

/* Writes 1..10 bytes, returns how many. */
static inline size_t put_varint(void *p, uint64_t v)
{
    uint8_t *b = p;
    size_t n = 0;
    while (v >= 0x80) {
        b[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    b[n++] = (uint8_t)v;
    return n;
}
/* Reads from [*p, end); moves *p behind; false when cut short or of more than 64 bits. */
static inline bool get_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
    uint64_t v = 0;
    for (unsigned shift = 0; *p < end && shift < 70; shift += 7) {
        uint8_t b = *(*p)++;
        if (shift == 63 && b > 1)
            return false;
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) {
            *ret_v = v;
            return true;
        }
    }
    return false;
}
static inline uint64_t zigzag_encode(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t zigzag_decode(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Bit sets: bit i of a set is bit (i % 64) of word i / 64. */
#define BITSET_WORDS(bits) (((size_t)(bits) + 63) / 64)
static inline bool bitset_get(const uint64_t *words, size_t i)
{
    return (words[i >> 6] >> (i & 63)) & 1;
}
static inline void bitset_set(uint64_t *words, size_t i)
{
    words[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void bitset_clear(uint64_t *words, size_t i)
{
    words[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}
static inline size_t bitset_count(const uint64_t *words, size_t word_count)
{
    size_t n = 0;
    for (size_t i = 0; i < word_count; i++)
        n += (size_t)__builtin_popcountll(words[i]);
    return n;
}

#endif
