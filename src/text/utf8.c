/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c: ASCII is done here, a word at a time where that is enough; what needs the Unicode tables
 * goes to libunistring. */
#include "text/utf8.h"

#include <unicase.h>

#include "base/str.h"

bool utf8_is_valid(struct str s)
{
    const char *p = s.p, *end = str_end(s);
    while (p < end) {
        uint64_t word;
        if (end - p >= 8 && (memcpy(&word, p, 8), (word & UINT64_C(0x8080808080808080)) == 0)) {
            p += 8;
            continue;
        }
        const char *from = p;
        if (utf8_next(&p, end) == 0xFFFD && (p - from != 3 || memcmp(from, "\xEF\xBF\xBD", 3) != 0))
            return false;
    }
    return true;
}

static bool is_continuation(char c)
{
    return ((uint8_t)c & 0xC0) == 0x80;
}

uint32_t utf8_next(const char **p, const char *end)
{
    const char *at = *p;
    uint8_t lead = (uint8_t)*at;
    size_t left = (size_t)(end - at);
    *p = at + 1;
    if (lead < 0x80)
        return lead;
    if (lead < 0xC2 || lead > 0xF4 || left < 2 || !is_continuation(at[1]))
        return 0xFFFD;
    uint32_t second = (uint8_t)at[1] & 0x3F;
    if (lead < 0xE0) {
        *p = at + 2;
        return ((uint32_t)lead & 0x1F) << 6 | second;
    }
    if (left < 3 || !is_continuation(at[2]))
        return 0xFFFD;
    uint32_t third = (uint8_t)at[2] & 0x3F;
    if (lead < 0xF0) {
        uint32_t code = ((uint32_t)lead & 0x0F) << 12 | second << 6 | third;
        if (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))
            return 0xFFFD;
        *p = at + 3;
        return code;
    }
    if (left < 4 || !is_continuation(at[3]))
        return 0xFFFD;
    uint32_t code =
        ((uint32_t)lead & 0x07) << 18 | second << 12 | third << 6 | ((uint8_t)at[3] & 0x3F);
    if (code < 0x10000 || code > 0x10FFFF)
        return 0xFFFD;
    *p = at + 4;
    return code;
}

size_t utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

struct str utf8_valid(struct arena *mem, struct str s)
{
    if (utf8_is_valid(s))
        return s;
    char *out = arena_alloc(mem, s.n * 3 + 1);
    size_t n = 0;
    for (const char *p = s.p, *end = str_end(s); p < end;)
        n += utf8_put(out + n, utf8_next(&p, end));
    out[n] = '\0';
    return (struct str){out, n};
}

size_t utf8_count(struct str s)
{
    size_t n = 0;
    for (const char *p = s.p, *end = str_end(s); p < end; n++)
        (void)utf8_next(&p, end);
    return n;
}

size_t utf8_cut(struct str s, size_t n)
{
    if (n >= s.n)
        return s.n;
    size_t cut = n;
    while (cut > 0 && n - cut < 3 && is_continuation(s.p[cut]))
        cut--;
    const char *p = s.p + cut;
    (void)utf8_next(&p, str_end(s));
    return (size_t)(p - s.p) > n && cut < n ? cut : n; /* a stray byte is a character by itself */
}

/* ---- case ---- */

enum case_kind { CASE_LOWER, CASE_UPPER };

/* Copies ASCII with its case mapped up to the first other byte; returns how many. */
static size_t map_ascii(struct str s, enum case_kind kind, char *out)
{
    char first = kind == CASE_LOWER ? 'A' : 'a';
    size_t i = 0;
    for (; i < s.n && (uint8_t)s.p[i] < 0x80; i++) {
        bool is_other_case = (uint8_t)(s.p[i] - first) < 26;
        out[i] = (char)(s.p[i] ^ (is_other_case ? 0x20 : 0));
    }
    return i;
}

static bool needs_mapping(struct str s, enum case_kind kind)
{
    char first = kind == CASE_LOWER ? 'A' : 'a';
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] >= 0x80 || (uint8_t)(s.p[i] - first) < 26)
            return true;
    }
    return false;
}

static struct str map_case(struct arena *mem, struct str s, enum case_kind kind)
{
    if (!needs_mapping(s, kind))
        return s;
    char *out = arena_alloc(mem, s.n + 1);
    size_t n = map_ascii(s, kind, out);
    if (n == s.n) {
        out[n] = '\0';
        return (struct str){out, n};
    }
    struct str valid = utf8_valid(mem, s);
    size_t size = 0;
    uint8_t *mapped = kind == CASE_LOWER
                          ? u8_tolower((const uint8_t *)valid.p, valid.n, NULL, NULL, NULL, &size)
                          : u8_toupper((const uint8_t *)valid.p, valid.n, NULL, NULL, NULL, &size);
    if (!mapped)
        return valid; /* only when memory is at its end */
    struct str copy = arena_str(mem, (struct str){(const char *)mapped, size});
    mem_free(mapped);
    return copy;
}

struct str utf8_lower(struct arena *mem, struct str s)
{
    return map_case(mem, s, CASE_LOWER);
}

struct str utf8_upper(struct arena *mem, struct str s)
{
    return map_case(mem, s, CASE_UPPER);
}

struct str utf8_capitalize(struct arena *mem, struct str s)
{
    if (s.n == 0)
        return s;
    const char *p = s.p;
    (void)utf8_next(&p, str_end(s));
    size_t first = (size_t)(p - s.p);
    struct str head = utf8_upper(mem, str_sub(s, 0, first)),
               tail = utf8_lower(mem, str_from_off(s, first));
    if (head.p == s.p && tail.p == s.p + first)
        return s;
    char *out = arena_alloc(mem, head.n + tail.n + 1);
    memcpy(out, head.p, head.n);
    if (tail.n > 0)
        memcpy(out + head.n, tail.p, tail.n);
    out[head.n + tail.n] = '\0';
    return (struct str){out, head.n + tail.n};
}
