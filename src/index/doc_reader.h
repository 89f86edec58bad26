/* SPDX-License-Identifier: Apache-2.0 */
/* doc_reader.h: the inside of segment.h's doc_reader. */
#ifndef NARU_INDEX_DOC_READER_H
#define NARU_INDEX_DOC_READER_H

#include "base/buf.h"
#include "index/segment_int.h"

#define DOC_READER_WINDOW     128u        /* values of a column unpacked at once, at most */
#define DOC_READER_COLUMNS    64u         /* that have a window; others are read value by value */
#define DOC_READER_TEXTS      1024u       /* terms' texts kept; a power of two */
#define DOC_READER_BYTES_MAX  (144 * KIB) /* of windows and terms */
#define DOC_READER_TEXT_BYTES (64 * KIB)  /* of the text that stays from source to source */

/* The column's value (a double's bits, an ordinal) and how many the document has; when that is not
 * one, *ret_value is of no use. `reader` may be NULL. */
size_t doc_reader__value(struct doc_reader *reader, const struct column *column, uint32_t doc,
                         int64_t *ret_value);
/* terms__text, out of what neighbours had when that is there: the same terms come again and again
 * within a page, also those too rare to be kept with the segment. */
struct str doc_reader__term(struct doc_reader *reader, const struct terms *terms, uint32_t ordinal,
                            char *room);
/* Room to rebuild a source in: empty, until the next one. */
struct buf *doc_reader__text(struct doc_reader *reader);
/* What the windows take. */
size_t doc_reader__bytes(const struct doc_reader *reader);

#endif
