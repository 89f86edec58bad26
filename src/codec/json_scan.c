/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.c: finds the end of the plain part of a string. ASCII goes 16 bytes (SSE2) or 8 bytes
 * (a word) at a time: as signed bytes, control characters and bytes above 127 are both "less than
 * 32", so one comparison finds them. */
#include "codec/json_int.h"

#include "base/bits.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static inline bool is_continuation(uint8_t c)
{
    return (c & 0xC0) == 0x80;
}

/* Lowest and highest second byte behind a lead byte: what rules out overlong forms, surrogates and
 * > U+10FFFF. */
static inline uint8_t second_min(uint8_t lead)
{
    return lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
}

static inline uint8_t second_max(uint8_t lead)
{
    return lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
}

static inline size_t lead_len(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* How many bytes at p fit to a sequence; *ret_is_whole: all of it is there. */
static inline size_t sequence_prefix(const char *p, const char *end, bool *ret_is_whole)
{
    const uint8_t *b = (const uint8_t *)p;
    size_t left = (size_t)(end - p), len = lead_len(b[0]), n = 1;
    *ret_is_whole = false;
    if (len == 0)
        return 0;
    for (; n < len; n++) {
        if (n >= left)
            return n;
        uint8_t low = n == 1 ? second_min(b[0]) : 0x80, high = n == 1 ? second_max(b[0]) : 0xBF;
        if (b[n] < low || b[n] > high)
            return n;
    }
    *ret_is_whole = true;
    return len;
}

size_t json__utf8_len(const char *p, const char *end)
{
    bool is_whole;
    size_t n = sequence_prefix(p, end, &is_whole);
    return is_whole ? n : 0;
}

size_t json__utf8_bad_len(const char *p, const char *end)
{
    bool is_whole;
    size_t n = sequence_prefix(p, end, &is_whole);
    return n > 0 ? n : 1;
}

/* Three-byte sequences in a row (Hangul, kana, ideographs) without the general case's branches. */
static inline const char *skip_three_byte(const char *p, const char *end)
{
    while (end - p >= 3) {
        uint8_t lead = (uint8_t)p[0], second = (uint8_t)p[1];
        if ((lead & 0xF0) != 0xE0 || !is_continuation((uint8_t)p[2]) || second < second_min(lead) ||
            second > second_max(lead))
            break;
        p += 3;
    }
    return p;
}

#define ALL_BYTES(c) (UINT64_C(0x0101010101010101) * (uint8_t)(c))

static inline uint64_t
zero_bytes(uint64_t v) /* high bit set for each byte that is 0; may also mark bytes above it */
{
    return (v - ALL_BYTES(1)) & ~v & ALL_BYTES(0x80);
}

/* The lowest byte of a word that is not plain, times 8; 64 when all are. */
static inline unsigned word_plain_bits(uint64_t v)
{
    uint64_t hit = zero_bytes(v ^ ALL_BYTES('"')) | zero_bytes(v ^ ALL_BYTES('\\')) |
                   ((v - ALL_BYTES(' ')) & ~v & ALL_BYTES(0x80)) | (v & ALL_BYTES(0x80));
    return hit ? (unsigned)__builtin_ctzll(hit) & ~7u : 64; /* the lowest mark is always exact */
}

static inline const char *skip_ascii(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i v;
        memcpy(&v, p, sizeof(v));
        __m128i hit =
            _mm_or_si128(_mm_cmplt_epi8(v, space),
                         _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (end - p >= 8) {
        unsigned bits = word_plain_bits(get_u64_le(p));
        p += bits / 8;
        if (bits < 64)
            return p;
    }
    return p;
}

const char *json__plain_end(const char *p, const char *end)
{
    for (;;) {
        p = skip_ascii(p, end);
        for (;;) {
            if (p >= end)
                return end;
            uint8_t c = (uint8_t)*p;
            if (c >= 0x80)
                break;
            if (c < 0x20 || c == '"' || c == '\\')
                return p;
            p++;
            if (end - p >= 8 && (uint8_t)*p < 0x80)
                break;
        }
        if ((uint8_t)*p < 0x80)
            continue;
        const char *behind = skip_three_byte(p, end);
        if (behind == p) {
            size_t n = json__utf8_len(p, end);
            if (n == 0)
                return p;
            behind = p + n;
        }
        p = behind;
    }
}
