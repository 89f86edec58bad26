/* SPDX-License-Identifier: Apache-2.0 */
/* json_int.h: the scanner that the JSON reader and writer share. */
#ifndef NARU_CODEC_JSON_INT_H
#define NARU_CODEC_JSON_INT_H

#include "base/base.h"

/* The first byte in [p, end) that a string literal cannot hold as it is: '"', '\', a control
 * character, or the start of a sequence that is not UTF-8. `end` when there is none. */
const char *json__plain_end(const char *p, const char *end);

/* Length of the well-formed UTF-8 sequence at p (1..4), 0 when it is none (Unicode 15, table 3-7).
 */
size_t json__utf8_len(const char *p, const char *end);
/* Length of the ill-formed part at p that one U+FFFD stands for: its longest prefix of a
 * well-formed sequence, at least 1. */
size_t json__utf8_bad_len(const char *p, const char *end);

#endif
