/* SPDX-License-Identifier: Apache-2.0 */
/* str.h: questions about borrowed strings, and numbers read from text. */
#ifndef NARU_BASE_STR_H
#define NARU_BASE_STR_H

#include "base/base.h"

static inline struct str str_from(const char *cstr) /* NULL gives the empty string */
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}
/* Behind the last byte; NULL for an empty string without bytes: to add 0 to NULL is undefined in C.
 */
static inline const char *str_end(struct str s)
{
    return s.n > 0 ? s.p + s.n : s.p;
}
static inline bool str_is_empty(struct str s)
{
    return s.n == 0;
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
#define str_is(s, lit) str_eq((s), STR(lit))

bool str_eq_nocase(struct str a, struct str b); /* ASCII */
int str_cmp(struct str a, struct str b);        /* bytewise, as memcmp */
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* Position of the first occurrence, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_find_char(struct str s, char c);
struct str str_trim(struct str s);                       /* ASCII white space on both ends */
struct str str_sub(struct str s, size_t from, size_t n); /* clamped */
static inline struct str str_from_off(struct str s, size_t from)
{
    return str_sub(s, from, s.n);
}
/* Cuts at the first `c`: the part before is the result, *s becomes what is behind it. False when *s
 * was exhausted (its pointer is NULL then). Empty parts are returned. */
bool str_split_next(struct str *s, char c, struct str *ret_part);
/* Shell-style match with * and ?; case-sensitive, on bytes. Never worse than pattern length times
 * text length. */
bool str_glob(struct str pattern, struct str s);

/* Whole-text numbers; false when anything else is in it or it does not fit. */
bool str_to_i64(struct str s, int64_t *ret_v);
bool str_to_u64(struct str s, uint64_t *ret_v);
/* Decimal floating point as in JSON or C without hex, inf and nan; independent of the locale. */
bool str_to_f64(struct str s, double *ret_v);
/* "10s", "5m", "500ms", "2h", "1d", "0" -> ns. */
bool str_to_duration(struct str s, int64_t *ret_ns);
/* "64KiB", "10mb", "180 mb", "512" -> bytes; ki/mi/gi are 1024-based. `is_es` makes kb/mb/gb
 * 1024-based too, as Elasticsearch does; Logstash's are 1000-based. */
bool str_to_size(struct str s, bool is_es, uint64_t *ret_bytes);

/* Shortest decimal that reads back as the same double. Writes at most 32 bytes, returns the length.
 */
size_t f64_to_text(double v, char *text);

#endif
