/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h: runs of bit-packed integers of at most 32 bits, many at a time: with AVX2 where the
 * machine has it, else word by word. Value i of a run lies at its bits [i * width, (i + 1) *
 * width). Reads up to seven bytes behind the last value. */
#ifndef NARU_INDEX_UNPACK_H
#define NARU_INDEX_UNPACK_H

#include "base/bits.h"

/* Values [first, first + n). width <= 32. */
void unpack_u32(const uint8_t *p, size_t first, size_t n, unsigned width, uint32_t *values);
/* The same, each as base + factor * value, modulo 2^64. */
void unpack_scaled(const uint8_t *p, size_t first, size_t n, unsigned width, uint64_t base,
                   uint64_t factor, int64_t *values);
/* values[i] = base + (values[0] + 1) + … + (values[i] + 1), in 32 bits that may wrap around. */
void sum_distances(uint32_t *values, size_t n, uint32_t base);
/* Unpacks n values from the run's first on and sums them so. Reads up to UNPACK_SLACK bytes behind
 * the run. */
#define UNPACK_SLACK 32u
void unpack_distances(const uint8_t *p, size_t n, unsigned width, uint32_t base, uint32_t *values);
/* Value i alone. */
static inline uint32_t unpack_value(const uint8_t *p, size_t i, unsigned width)
{
    size_t bit = i * width;
    return width == 0 ? 0
                      : (uint32_t)(get_u64_le(p + (bit >> 3)) >> (bit & 7)) &
                            (uint32_t)((UINT64_C(1) << width) - 1);
}

/* The twins, for the test that compares them. */
void unpack__u32_portable(const uint8_t *p, size_t first, size_t n, unsigned width,
                          uint32_t *values);
void unpack__scaled_portable(const uint8_t *p, size_t first, size_t n, unsigned width,
                             uint64_t base, uint64_t factor, int64_t *values);
void unpack__sum_portable(uint32_t *values, size_t n, uint32_t base);
bool unpack__has_avx2(void);

#endif
