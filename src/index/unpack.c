/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c: eight values of w bits are w whole bytes. For w up to 25 each of them lies within four
 * bytes, so a byte shuffle puts the four bytes of each value into a lane of its own, and a shift
 * and a mask per lane leave the value: about eight values in two nanoseconds, whatever the width.
 * Wider values, and what stands before and behind whole groups of eight, are read one by one. */
#include "index/unpack.h"

#define SHUFFLE_WIDTH_MAX 25u
#define GROUP             8u

void unpack__u32_portable(const uint8_t *p, size_t first, size_t n, unsigned width,
                          uint32_t *values)
{
    if (width == 0) {
        memset(values, 0, n * sizeof(*values));
        return;
    }
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t bit = first * width;
    for (size_t i = 0; i < n; i++, bit += width)
        values[i] = (uint32_t)((get_u64_le(p + (bit >> 3)) >> (bit & 7)) & mask);
}

void unpack__scaled_portable(const uint8_t *p, size_t first, size_t n, unsigned width,
                             uint64_t base, uint64_t factor, int64_t *values)
{
    if (width == 0) { /* no bytes at all: nothing may be loaded */
        for (size_t i = 0; i < n; i++)
            values[i] = (int64_t)base;
        return;
    }
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t bit = first * width;
    for (size_t i = 0; i < n; i++, bit += width) {
        uint64_t v = (get_u64_le(p + (bit >> 3)) >> (bit & 7)) & mask;
        values[i] = (int64_t)(base + factor * v);
    }
}

void unpack__sum_portable(uint32_t *values, size_t n, uint32_t base)
{
    for (size_t i = 0; i < n; i++) {
        base += values[i] + 1;
        values[i] = base;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

bool unpack__has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/* How a group of eight is taken apart: which four bytes each value gets, counted from the first
 * byte of its half of the group, then how far it is shifted. */
struct width_plan {
    uint8_t shuffle[32];
    uint32_t shifts[8];
};

#define HALF_BYTES(w)    (4 * (w) / 8)
#define VALUE_BIT(w, i)  ((i) * (w) - ((i) < 4 ? 0 : 8 * HALF_BYTES(w)))
#define VALUE_BYTE(w, i) (uint8_t)(VALUE_BIT(w, i) / 8)
#define SHUFFLE_OF(w, i)                                                                           \
    VALUE_BYTE(w, i), VALUE_BYTE(w, i) + 1, VALUE_BYTE(w, i) + 2, VALUE_BYTE(w, i) + 3
#define WIDTH_PLAN(w)                                                                              \
    {                                                                                              \
        {SHUFFLE_OF(w, 0), SHUFFLE_OF(w, 1), SHUFFLE_OF(w, 2), SHUFFLE_OF(w, 3),                   \
         SHUFFLE_OF(w, 4), SHUFFLE_OF(w, 5), SHUFFLE_OF(w, 6), SHUFFLE_OF(w, 7)},                  \
        {                                                                                          \
            VALUE_BIT(w, 0) & 7, VALUE_BIT(w, 1) & 7, VALUE_BIT(w, 2) & 7, VALUE_BIT(w, 3) & 7,    \
                VALUE_BIT(w, 4) & 7, VALUE_BIT(w, 5) & 7, VALUE_BIT(w, 6) & 7, VALUE_BIT(w, 7) & 7 \
        }                                                                                          \
    }

static const struct width_plan width_plans[SHUFFLE_WIDTH_MAX + 1] = {
    WIDTH_PLAN(0u),  WIDTH_PLAN(1u),  WIDTH_PLAN(2u),  WIDTH_PLAN(3u),  WIDTH_PLAN(4u),
    WIDTH_PLAN(5u),  WIDTH_PLAN(6u),  WIDTH_PLAN(7u),  WIDTH_PLAN(8u),  WIDTH_PLAN(9u),
    WIDTH_PLAN(10u), WIDTH_PLAN(11u), WIDTH_PLAN(12u), WIDTH_PLAN(13u), WIDTH_PLAN(14u),
    WIDTH_PLAN(15u), WIDTH_PLAN(16u), WIDTH_PLAN(17u), WIDTH_PLAN(18u), WIDTH_PLAN(19u),
    WIDTH_PLAN(20u), WIDTH_PLAN(21u), WIDTH_PLAN(22u), WIDTH_PLAN(23u), WIDTH_PLAN(24u),
    WIDTH_PLAN(25u)};

struct group_plan {
    __m256i shuffle, shifts, mask;
    size_t half; /* first byte of the second four */
};

__attribute__((target("avx2"))) static inline struct group_plan group_plan_of(unsigned width)
{
    const struct width_plan *of = &width_plans[width];
    return (struct group_plan){
        .shuffle = _mm256_loadu_si256((const __m256i *)(const void *)of->shuffle),
        .shifts = _mm256_loadu_si256((const __m256i *)(const void *)of->shifts),
        .mask = _mm256_set1_epi32((int)((UINT32_C(1) << width) - 1)),
        .half = HALF_BYTES((size_t)width)};
}

__attribute__((target("avx2"))) static inline __m256i group_read(const struct group_plan *plan,
                                                                 const uint8_t *p)
{
    __m256i v = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p)),
        _mm_loadu_si128((const __m128i *)(const void *)(p + plan->half)), 1);
    return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, plan->shuffle), plan->shifts),
                            plan->mask);
}

/* Whole groups whose loads stay within seven bytes behind the run. */
static size_t groups_of(size_t first, size_t n, unsigned width)
{
    size_t run_end = ((first + n) * width + 7) / 8 + 7, reach = 4 * width / 8 + 16;
    size_t groups = n / GROUP, begin = first * width / 8;
    while (groups > 0 && begin + (groups - 1) * width + reach > run_end)
        groups--;
    return groups;
}

__attribute__((target("avx2"))) static void u32_avx2(const uint8_t *p, size_t first, size_t n,
                                                     unsigned width, uint32_t *values)
{
    size_t i = 0;
    for (; i < n && (first + i) % GROUP != 0; i++)
        values[i] = unpack_value(p, first + i, width);
    struct group_plan plan = group_plan_of(width);
    size_t groups = groups_of(first + i, n - i, width);
    const uint8_t *at = p + (first + i) * width / 8;
    for (; groups > 0; groups--, at += width, i += GROUP)
        _mm256_storeu_si256((__m256i *)(void *)(values + i), group_read(&plan, at));
    for (; i < n; i++)
        values[i] = unpack_value(p, first + i, width);
}

__attribute__((target("avx2"))) static void scaled_avx2(const uint8_t *p, size_t first, size_t n,
                                                        unsigned width, uint64_t base,
                                                        uint64_t factor, int64_t *values)
{
    size_t i = 0;
    for (; i < n && (first + i) % GROUP != 0; i++)
        values[i] = (int64_t)(base + factor * unpack_value(p, first + i, width));
    struct group_plan plan = group_plan_of(width);
    size_t groups = groups_of(first + i, n - i, width);
    const uint8_t *at = p + (first + i) * width / 8;
    __m256i bases = _mm256_set1_epi64x((int64_t)base),
            factors = _mm256_set1_epi64x((int64_t)factor);
    for (; groups > 0; groups--, at += width, i += GROUP) {
        __m256i v = group_read(&plan, at);
        __m256i low = _mm256_cvtepu32_epi64(_mm256_castsi256_si128(v));
        __m256i high = _mm256_cvtepu32_epi64(_mm256_extracti128_si256(v, 1));
        if (factor != 1) { /* below 2^32: the caller's promise */
            low = _mm256_mul_epu32(low, factors);
            high = _mm256_mul_epu32(high, factors);
        }
        _mm256_storeu_si256((__m256i *)(void *)(values + i), _mm256_add_epi64(low, bases));
        _mm256_storeu_si256((__m256i *)(void *)(values + i + 4), _mm256_add_epi64(high, bases));
    }
    for (; i < n; i++)
        values[i] = (int64_t)(base + factor * unpack_value(p, first + i, width));
}

/* Eight distances to eight sums; *last: eight times the sum before, then the last one. */
__attribute__((target("avx2"))) static inline __m256i group_sum(__m256i v, __m256i *last)
{
    v = _mm256_add_epi32(v, _mm256_set1_epi32(1));
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    /* the sum of the lower half to all of the upper one */
    __m256i low = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(3));
    v = _mm256_add_epi32(v, _mm256_blend_epi32(_mm256_setzero_si256(), low, 0xF0));
    v = _mm256_add_epi32(v, *last);
    *last = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(7));
    return v;
}

__attribute__((target("avx2"))) static size_t sum_avx2(uint32_t *values, size_t n, uint32_t base)
{
    __m256i last = _mm256_set1_epi32((int)base);
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(values + i));
        _mm256_storeu_si256((__m256i *)(void *)(values + i), group_sum(v, &last));
    }
    return i;
}

/* Whole groups, unpacked and summed in one go: the sums wait for each other, the rest does not. */
__attribute__((target("avx2"))) static size_t
distances_avx2(const uint8_t *p, size_t n, unsigned width, uint32_t base, uint32_t *values)
{
    struct group_plan plan = group_plan_of(width);
    __m256i last = _mm256_set1_epi32((int)base);
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP, p += width)
        _mm256_storeu_si256((__m256i *)(void *)(values + i),
                            group_sum(group_read(&plan, p), &last));
    return i;
}
#else
bool unpack__has_avx2(void)
{
    return false;
}
#endif

void unpack_u32(const uint8_t *p, size_t first, size_t n, unsigned width, uint32_t *values)
{
#if defined(__x86_64__)
    if (width > 0 && width <= SHUFFLE_WIDTH_MAX && unpack__has_avx2()) {
        u32_avx2(p, first, n, width, values);
        return;
    }
#endif
    unpack__u32_portable(p, first, n, width, values);
}

void unpack_scaled(const uint8_t *p, size_t first, size_t n, unsigned width, uint64_t base,
                   uint64_t factor, int64_t *values)
{
#if defined(__x86_64__)
    if (width > 0 && width <= SHUFFLE_WIDTH_MAX && factor <= UINT32_MAX && unpack__has_avx2()) {
        scaled_avx2(p, first, n, width, base, factor, values);
        return;
    }
#endif
    unpack__scaled_portable(p, first, n, width, base, factor, values);
}

void sum_distances(uint32_t *values, size_t n, uint32_t base)
{
    size_t done = 0;
#if defined(__x86_64__)
    if (unpack__has_avx2())
        done = sum_avx2(values, n, base);
#endif
    unpack__sum_portable(values + done, n - done, done ? values[done - 1] : base);
}

void unpack_distances(const uint8_t *p, size_t n, unsigned width, uint32_t base, uint32_t *values)
{
    size_t done = 0;
#if defined(__x86_64__)
    if (width <= SHUFFLE_WIDTH_MAX && unpack__has_avx2())
        done = distances_avx2(p, n, width, base, values);
#endif
    if (done == n)
        return;
    unpack__u32_portable(p, done, n - done, width, values + done);
    unpack__sum_portable(values + done, n - done, done ? values[done - 1] : base);
}
