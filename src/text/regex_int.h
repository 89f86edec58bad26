/* SPDX-License-Identifier: Apache-2.0 */
/* regex_int.h: the translation from Ruby's dialect. Names of groups are taken out of the pattern
 * (PCRE2 limits their length and alphabet, Ruby does not) and kept in a table. */
#ifndef NARU_TEXT_REGEX_INT_H
#define NARU_TEXT_REGEX_INT_H

#include "base/arena.h"
#include "text/regex.h"

struct regex_names {
    struct str *names; /* by group - 1; p == NULL: none */
    size_t count;      /* capturing groups */
};

/* Writes the PCRE2 pattern to `out`. `is_ascii_text`: for texts that are ASCII only, where Unicode
 * classes can be their ASCII part; *ret_needs_utf: the pattern has something beyond ASCII, so that
 * there is no such variant. */
int regex__translate(struct str pattern, bool is_ascii_text, struct arena *mem, struct buf *out,
                     struct regex_names *ret_names, bool *ret_needs_utf,
                     struct err *err) WARN_UNUSED;

#endif
