/* SPDX-License-Identifier: Apache-2.0 */
/* text_int.h: writing text at a pointer that has room: what a document is put together from. */
#ifndef NARU_BENCH_LOAD_TEXT_INT_H
#define NARU_BENCH_LOAD_TEXT_INT_H

#include "base/base.h"

#define PUT_LIT(p, lit) put_bytes((p), "" lit, sizeof(lit) - 1)

static inline char *put_bytes(char *p, const char *from, size_t n)
{
    memcpy(p, from, n);
    return p + n;
}
static inline char *put_str(char *p, struct str s)
{
    return put_bytes(p, s.p, s.n);
}
static inline char *put_decimal(char *p, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n)
        *p++ = digits[--n];
    return p;
}
/* `width` digits with leading zeros. */
static inline char *put_digits(char *p, uint64_t v, unsigned width)
{
    for (unsigned i = width; i > 0; i--, v /= 10)
        p[i - 1] = (char)('0' + v % 10);
    return p + width;
}
static inline char *put_hex(char *p, uint64_t v)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[v >> shift & 15];
    return p;
}

#endif
