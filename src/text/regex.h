/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h: regular expressions: PCRE2 with its compiler to machine code, behind this header only.
 * Patterns may be in Ruby's dialect, which Logstash's configurations use; they are translated
 * first.
 *
 * A compiled expression is immutable and may be used by any thread. Matching is bounded:
 * REGEX_STEPS_MAX steps of the backtracking engine, then ERR_TIMEOUT: a pattern that explodes costs
 * milliseconds, not a worker. */
#ifndef NARU_TEXT_REGEX_H
#define NARU_TEXT_REGEX_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#define REGEX_STEPS_MAX   10000000u
#define REGEX_GROUPS_MAX  1000u
#define REGEX_PATTERN_MAX (1 * MIB)

enum regex_flags {
    REGEX_RUBY = 1, /* Ruby's dialect: ^ and $ at each line, \h a hexadecimal digit, \Z \z \A,
                       nested sets … */
    REGEX_CASELESS = 2,
    REGEX_DOT_ALL = 4,     /* '.' matches a newline: Ruby's /m, and what grok has always on */
    REGEX_WHOLE = 8,       /* the whole text must match, as Elasticsearch's regexp query */
    REGEX_NAMED_ONLY = 16, /* plain ( ) do not capture when there are named groups, as in Ruby;
                              implied by REGEX_RUBY */
};

struct regex;
/* -ERR_INVALID with PCRE2's reason; err.off is the position in the pattern as given (after
 * translation: near it). */
int regex_compile(struct str pattern, unsigned flags, struct regex **ret_re,
                  struct err *err) WARN_UNUSED;
void regex_free(struct regex *re);
DEFINE_CLEANUP(regex_free, struct regex)

/* Groups: 0 is the whole match. Names may repeat (each is a group of its own). */
size_t regex_group_count(const struct regex *re);
/* p == NULL: the group has no name. */
struct str regex_group_name(const struct regex *re, size_t group);
/* The first group of that name, or -1. */
int regex_group_find(const struct regex *re, struct str name);

/* Where groups ended up. One per thread that matches, for any expression; grows as needed. */
struct regex_match;
struct regex_match *regex_match_new(void);
void regex_match_free(struct regex_match *match);
DEFINE_CLEANUP(regex_match_free, struct regex_match)

/* Searches from byte `from`. 1: found; 0: not; -ERR_TIMEOUT: gave up at the step limit. Text that
 * is not UTF-8 is matched bytewise where it is broken. `match` NULL: only yes or no. */
int regex_find(const struct regex *re, struct str text, size_t from, struct regex_match *match);
/* p == NULL: the group took no part. Borrows from the text. */
struct str regex_group(const struct regex_match *match, size_t group);
size_t regex_match_begin(const struct regex_match *match);
size_t regex_match_end(const struct regex_match *match);

/* Replaces all (or the first) matches; the replacement is Ruby's: \0 \1 … \9, \k<name>, \\ ;
 * anything else as it is. Returns how many were replaced, or -ERR_TIMEOUT (out is incomplete then).
 */
int regex_replace(const struct regex *re, struct str text, struct str replacement, bool is_global,
                  struct regex_match *match, struct buf *out);

/* Escapes everything that means something. */
void regex_quote(struct str text, struct buf *out);

#endif
