/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/base64.h"

static const char letters[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

void base64_encode(struct buf *out, const void *p, size_t n, enum base64_alphabet alphabet)
{
    const uint8_t *b = p;
    const char *to = letters[alphabet == BASE64_URL];
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
                        (left > 2 ? b[i + 2] : 0);
        char four[4] = {to[bits >> 18], to[bits >> 12 & 63], to[bits >> 6 & 63], to[bits & 63]};
        size_t count = MIN_OF(left, 3u) + 1;
        buf_add(out, four, count);
        for (; count < 4 && alphabet == BASE64_STANDARD; count++)
            buf_add_char(out, '=');
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct str text)
{
    size_t n = text.n, before = out->n;
    if (n % 4 == 0) {
        for (int i = 0; i < 2 && n > 0 && text.p[n - 1] == '='; i++)
            n--;
    }
    if (n % 4 == 1)
        return false;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text.p[i]);
        if (v < 0) {
            out->n = before;
            return false;
        }
        bits = bits << 6 | (uint32_t)v;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_add_char(out, (char)(bits >> count));
        }
    }
    if (bits & ((1u << count) - 1)) { /* left-over bits must be zero: one text for each value */
        out->n = before;
        return false;
    }
    return true;
}
