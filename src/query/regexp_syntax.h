/* SPDX-License-Identifier: Apache-2.0 */
/* regexp_syntax.h: Lucene's regular expressions (8.7) in PCRE2's language. */
#ifndef NARU_QUERY_REGEXP_SYNTAX_H
#define NARU_QUERY_REGEXP_SYNTAX_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "text/regex.h"

/* Operators that a query can do without; the numbers are those of `flags_value`. */
enum regexp_flag {
    REGEXP_INTERSECTION = 1,
    REGEXP_COMPLEMENT = 2,
    REGEXP_EMPTY = 4,
    REGEXP_ANYSTRING = 8,
    REGEXP_AUTOMATON = 16,
    REGEXP_INTERVAL = 32,
    REGEXP_ALL = 0xFFFF,
};

#define REGEXP_COMPILE (REGEX_WHOLE | REGEX_DOT_ALL) /* for what regexp_translate gives */

/* "COMPLEMENT|INTERVAL"; ALL when nothing is said. */
int regexp_flags(struct str text, unsigned *ret_flags, struct err *err) WARN_UNUSED;
/* `is_nocase`: ASCII letters, but for those of ranges, stand for both cases. `ret_prefix`: literal
 * text that all matches begin with. */
int regexp_translate(struct str text, unsigned flags, bool is_nocase, struct arena *mem,
                     struct str *ret_pattern, struct str *ret_prefix, struct err *err) WARN_UNUSED;

#endif
