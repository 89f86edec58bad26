/* SPDX-License-Identifier: Apache-2.0 */
#include "index/ip.h"

#include <stdio.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool v4_parse(struct str s, uint8_t *out)
{
    size_t part = 0, digits = 0;
    unsigned v = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i == s.n || s.p[i] == '.') {
            if (digits == 0 || part == 4)
                return false;
            out[part++] = (uint8_t)v;
            v = 0;
            digits = 0;
        } else {
            if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 3)
                return false;
            v = v * 10 + (unsigned)(s.p[i] - '0');
            if (v > 255)
                return false;
        }
    }
    return part == 4;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of four hex digits; "::" once; an IPv4 tail. */
static bool v6_parse(struct str s, uint8_t *out)
{
    uint8_t bytes[IP_BYTES] = {0};
    size_t n = 0, gap = SIZE_MAX, i = 0;
    if (s.n >= 2 && s.p[0] == ':' && s.p[1] == ':') {
        gap = 0;
        i = 2;
    }
    while (i < s.n) {
        unsigned v = 0;
        size_t from = i;
        int d;
        while (i < s.n && (d = hex_digit(s.p[i])) >= 0 && i - from < 4) {
            v = v << 4 | (unsigned)d;
            i++;
        }
        if (i < s.n && s.p[i] == '.' && n <= 12 &&
            v4_parse((struct str){s.p + from, s.n - from}, bytes + n)) {
            n += 4;
            i = s.n;
            break;
        }
        if (i == from || n + 2 > IP_BYTES)
            return false;
        bytes[n++] = (uint8_t)(v >> 8);
        bytes[n++] = (uint8_t)v;
        if (i == s.n)
            break;
        if (s.p[i++] != ':' || i == s.n)
            return false;
        if (s.p[i] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = n;
            i++;
        }
    }
    if ((gap == SIZE_MAX && n != IP_BYTES) || (gap != SIZE_MAX && n > 14))
        return false;
    memset(out, 0, IP_BYTES);
    size_t head = gap == SIZE_MAX ? n : gap;
    memcpy(out, bytes, head);
    memcpy(out + IP_BYTES - (n - head), bytes + head, n - head);
    return true;
}

bool ip_parse(struct str text, uint8_t bytes[IP_BYTES])
{
    if (text.n == 0 || text.n >= IP_TEXT_BYTES)
        return false;
    if (memchr(text.p, ':', text.n))
        return v6_parse(text, bytes);
    memcpy(bytes, v4_prefix, sizeof(v4_prefix));
    return v4_parse(text, bytes + 12);
}

/* By hand: each document with an address prints it once (builder_source.c). */
static size_t v4_format(const uint8_t *b, char *text)
{
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            text[at++] = '.';
        if (b[i] >= 100)
            text[at++] = (char)('0' + b[i] / 100);
        if (b[i] >= 10)
            text[at++] = (char)('0' + b[i] / 10 % 10);
        text[at++] = (char)('0' + b[i] % 10);
    }
    text[at] = '\0';
    return at;
}

size_t ip_format(const uint8_t b[IP_BYTES], char *text)
{
    if (memcmp(b, v4_prefix, sizeof(v4_prefix)) == 0)
        return v4_format(b + 12, text);
    /* The longest run of zero groups (two or more) becomes "::". */
    size_t best = 8, best_n = 1, n = 0;
    for (size_t i = 0; i < 8; i++) {
        n = b[i * 2] == 0 && b[i * 2 + 1] == 0 ? n + 1 : 0;
        if (n > best_n) {
            best_n = n;
            best = i + 1 - n;
        }
    }
    size_t at = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i == best) {
            text[at++] = ':';
            if (i == 0)
                text[at++] = ':';
            i += best_n - 1;
            continue;
        }
        at += (size_t)snprintf(text + at, IP_TEXT_BYTES - at, "%x%s",
                               (unsigned)(b[i * 2] << 8 | b[i * 2 + 1]), i < 7 ? ":" : "");
    }
    text[at] = '\0';
    return at;
}
