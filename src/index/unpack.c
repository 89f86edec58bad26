/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c: eight numbers of a width of w bits take w whole bytes, so each group of eight begins on
 * a byte. With AVX2 a group is two loads of 16 bytes (four numbers each span at most 4 * 25 + 7
 * bits), a byte shuffle that brings each number's four bytes into its lane, a shift by its own
 * amount and a mask. Wider numbers are rare in postings and take the portable loop. */
#include "index/unpack.h"

#include "base/bits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GROUP          8u
#define WIDTH_FAST_MAX 25u

void unpack__u32_portable(const uint8_t *p, size_t n, unsigned width, uint32_t *values)
{
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t bit = 0;
    if (width == 0) {
        memset(values, 0, n * sizeof(*values));
        return;
    }
    for (size_t i = 0; i < n; i++, bit += width)
        values[i] = (uint32_t)((get_u64_le(p + (bit >> 3)) >> (bit & 7)) & mask);
}

void unpack__sum_portable(uint32_t *values, size_t n, uint32_t base)
{
    for (size_t i = 0; i < n; i++) {
        base += values[i] + 1;
        values[i] = base;
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static size_t unpack_avx2(const uint8_t *p, size_t n,
                                                          unsigned width, uint32_t *values)
{
    uint8_t bytes[32];
    uint32_t shifts[GROUP];
    unsigned half = 4 * width / 8; /* byte in which the fifth number begins */
    for (unsigned k = 0; k < GROUP; k++) {
        unsigned bit = k * width - (k >= 4 ? half * 8 : 0);
        shifts[k] = bit & 7;
        for (unsigned b = 0; b < 4; b++)
            bytes[k * 4 + b] = (uint8_t)((bit >> 3) + b);
    }
    __m256i shuffle = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i shift = _mm256_loadu_si256((const __m256i *)(const void *)shifts);
    __m256i mask = _mm256_set1_epi32((int)((UINT32_C(1) << width) - 1));
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP, p += width) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(p + half));
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        v = _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, shuffle), shift), mask);
        _mm256_storeu_si256((__m256i *)(void *)(values + i), v);
    }
    return i;
}

__attribute__((target("avx2"))) static size_t sum_avx2(uint32_t *values, size_t n, uint32_t base)
{
    __m256i last = _mm256_set1_epi32((int)base), one = _mm256_set1_epi32(1);
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(values + i));
        v = _mm256_add_epi32(v, one);
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        /* the sum of the lower half to all of the upper one */
        __m256i low = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(3));
        v = _mm256_add_epi32(v, _mm256_blend_epi32(_mm256_setzero_si256(), low, 0xF0));
        v = _mm256_add_epi32(v, last);
        _mm256_storeu_si256((__m256i *)(void *)(values + i), v);
        last = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(7));
    }
    return i;
}
#endif

void unpack_u32(const uint8_t *p, size_t n, unsigned width, uint32_t *values)
{
    size_t done = 0;
#if defined(__x86_64__)
    if (width > 0 && width <= WIDTH_FAST_MAX && __builtin_cpu_supports("avx2"))
        done = unpack_avx2(p, n, width, values);
#endif
    unpack__u32_portable(p + done * width / 8, n - done, width, values + done);
}

void sum_distances(uint32_t *values, size_t n, uint32_t base)
{
    size_t done = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        done = sum_avx2(values, n, base);
#endif
    unpack__sum_portable(values + done, n - done, done ? values[done - 1] : base);
}
