/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h: is it UTF-8, make it UTF-8, lower and upper case by code point. ASCII has a fast path. */
#ifndef NARU_TEXT_UTF8_H
#define NARU_TEXT_UTF8_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"

bool utf8_is_valid(struct str s);
/* With U+FFFD for what is not UTF-8. Borrows when nothing was wrong. */
struct str utf8_valid(struct arena *mem, struct str s);
/* Characters (code points); each byte that is not UTF-8 counts as one. */
size_t utf8_count(struct str s);
/* The longest prefix of at most `n` bytes that does not cut a character. */
size_t utf8_cut(struct str s, size_t n);
/* Decodes the character at *p (p < end) and moves behind it; 0xFFFD for a byte that is not UTF-8.
 */
uint32_t utf8_next(const char **p, const char *end);
/* Writes 1..4 bytes, returns how many. */
size_t utf8_put(char *out, uint32_t code);

/* Full case mapping without locale ("ß".upcase is "SS"). Borrows when nothing changes. */
struct str utf8_lower(struct arena *mem, struct str s);
struct str utf8_upper(struct arena *mem, struct str s);
/* First letter upper, the rest lower, as Ruby's capitalize. */
struct str utf8_capitalize(struct arena *mem, struct str s);

#endif
