/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: 64 values a word of bits. An empty range (min > max) has no value. See scan.h. */
#include "query/scan.h"

#include "base/bits.h"

#define SCAN_PORTABLE(values, n, is_in)                                                            \
    for (uint32_t word = 0; word * 64 < (n); word++) {                                             \
        uint32_t count = MIN_OF(64u, (n)-word * 64);                                               \
        uint64_t bits = 0;                                                                         \
        for (uint32_t i = 0; i < count; i++)                                                       \
            bits |= (uint64_t)(is_in) << i;                                                        \
        words[word] = bits;                                                                        \
    }

void scan__longs_portable(const int64_t *values, uint32_t n, int64_t min, int64_t max,
                          uint64_t *words)
{
    SCAN_PORTABLE(values, n, values[word * 64 + i] >= min && values[word * 64 + i] <= max)
}

void scan__u32s_portable(const uint32_t *values, uint32_t n, uint32_t min, uint32_t max,
                         uint64_t *words)
{
    SCAN_PORTABLE(values, n, values[word * 64 + i] >= min && values[word * 64 + i] <= max)
}

void scan__doubles_portable(const double *values, uint32_t n, double min, double max,
                            uint64_t *words)
{
    SCAN_PORTABLE(values, n, values[word * 64 + i] >= min && values[word * 64 + i] <= max)
}

#if defined(__x86_64__)
#include <immintrin.h>

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/* Whole words; the rest is for the portable form. */
__attribute__((target("avx2"))) static void longs_avx2(const int64_t *values, uint32_t words_count,
                                                       int64_t min, int64_t max, uint64_t *words)
{
    __m256i low = _mm256_set1_epi64x(min), high = _mm256_set1_epi64x(max);
    for (uint32_t word = 0; word < words_count; word++) {
        uint64_t outside = 0;
        for (uint32_t i = 0; i < 64; i += 4) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(values + word * 64 + i));
            __m256i out = _mm256_or_si256(_mm256_cmpgt_epi64(low, v), _mm256_cmpgt_epi64(v, high));
            outside |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(out)) << i;
        }
        words[word] = ~outside;
    }
}

__attribute__((target("avx2"))) static void u32s_avx2(const uint32_t *values, uint32_t words_count,
                                                      uint32_t min, uint32_t max, uint64_t *words)
{
    __m256i low = _mm256_set1_epi32((int)min), high = _mm256_set1_epi32((int)max);
    for (uint32_t word = 0; word < words_count; word++) {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < 64; i += 8) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(values + word * 64 + i));
            __m256i in = _mm256_and_si256(_mm256_cmpeq_epi32(_mm256_max_epu32(v, low), v),
                                          _mm256_cmpeq_epi32(_mm256_min_epu32(v, high), v));
            bits |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(in)) << i;
        }
        words[word] = bits;
    }
}

__attribute__((target("avx2"))) static void doubles_avx2(const double *values, uint32_t words_count,
                                                         double min, double max, uint64_t *words)
{
    __m256d low = _mm256_set1_pd(min), high = _mm256_set1_pd(max);
    for (uint32_t word = 0; word < words_count; word++) {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < 64; i += 4) {
            __m256d v = _mm256_loadu_pd(values + word * 64 + i);
            __m256d in = _mm256_and_pd(_mm256_cmp_pd(v, low, _CMP_GE_OQ),
                                       _mm256_cmp_pd(v, high, _CMP_LE_OQ));
            bits |= (uint64_t)(unsigned)_mm256_movemask_pd(in) << i;
        }
        words[word] = bits;
    }
}
#define SCAN(fast, plain)                                                                          \
    uint32_t whole = has_avx2() ? n / 64 : 0;                                                      \
    if (whole)                                                                                     \
        fast(values, whole, min, max, words);                                                      \
    plain(values + whole * 64, n - whole * 64, min, max, words + whole);
#else
#define SCAN(fast, plain) plain(values, n, min, max, words);
#endif

void scan_longs_between(const int64_t *values, uint32_t n, int64_t min, int64_t max,
                        uint64_t *words)
{
    SCAN(longs_avx2, scan__longs_portable)
}

void scan_u32s_between(const uint32_t *values, uint32_t n, uint32_t min, uint32_t max,
                       uint64_t *words)
{
    SCAN(u32s_avx2, scan__u32s_portable)
}

void scan_doubles_between(const double *values, uint32_t n, double min, double max, uint64_t *words)
{
    SCAN(doubles_avx2, scan__doubles_portable)
}
