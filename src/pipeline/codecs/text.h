/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: what the text codecs share: character sets and the cutting of a stream into lines. */
#ifndef NARU_PIPELINE_CODECS_TEXT_H
#define NARU_PIPELINE_CODECS_TEXT_H

#include "base/buf.h"
#include "pipeline/plugin.h"

#define TEXT_LINE_BYTES_MAX (16 * MIB) /* what is longer is cut and tagged _line_too_long */

/* The `charset` option. */
#define TEXT_CHARSET_OPT(S)                                                                        \
    OPT_STR(S, charset, .dflt = "UTF-8",                                                           \
            .help = "Character set of what comes in, as UTF-8, CP949, ISO-8859-1.")
/* -ERR_CONFIG when the character set is not known. */
int text_charset_check(struct str charset, struct err *err) WARN_UNUSED;
/* The text in UTF-8, in mem (or borrowed when it is UTF-8 already). Bytes that are none become
 * \xNN, as in Logstash. */
struct str text_to_utf8(struct str charset, struct str bytes, struct arena *mem);

/* The half line of a stream. Zeroed is empty. */
struct text_lines {
    struct buf half;
    bool is_inited, is_cut;
};
typedef void text_line_fn(void *owner, struct str line, bool is_cut, struct batch *batch,
                          int64_t now_ns);
/* Calls `fn` for each whole line; at the end for the rest too, when it is not empty. */
void text_lines_decode(struct text_lines *lines, struct str delimiter, struct str bytes,
                       bool is_end, text_line_fn *fn, void *owner, struct batch *batch,
                       int64_t now_ns);
void text_lines_deinit(struct text_lines *lines);

/* The event's text without a format: "<timestamp> <host> <message>", as Logstash's Event.to_s. */
void text_event_default(const struct event *ev, struct buf *out);
/* A new event with `message`. */
struct event *text_event(struct batch *batch, struct str message, int64_t now_ns);

/* `format` and `delimiter` of plain and line. */
void text_encode(const struct sprintf_template *format, const struct event *ev, struct buf *out);

#endif
