/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h: document ids of a segment, and the form of the ids that engines generate: a prefix that
 * many documents share, and four characters that count. */
#ifndef NARU_INDEX_IDS_H
#define NARU_INDEX_IDS_H

#include "index/format.h"
#include "index/segment.h"

/* The digits of generated ids by value, in ascending bytes. */
extern const char id_digits[65];
/* The number in the last characters of an id that has the form; false: it has not. */
bool id_count_read(struct str id, uint32_t *ret_count);
/* Those characters: COUNTED_ID_BYTES - COUNTED_ID_PREFIX_BYTES of them. */
void id_count_write(uint32_t count, char *out);

/* The ids of a segment, read in ascending order at less cost than one by one. */
struct id_cursor {
    struct segment *seg; /* borrowed */
    uint32_t window_end; /* of `values`; 0: nothing read */
    uint32_t group, next_doc;
    const uint8_t *p, *end; /* in the group at hand */
    size_t n;
    char id[ID_BYTES_MAX]; /* the one read last */
    int64_t values[ZONE_DOCS];
};
void id_cursor_init(struct id_cursor *cursor, struct segment *seg);
/* Bytes of the document's id, which is in `id` then; 0 on damage. */
size_t id_cursor_read(struct id_cursor *cursor, uint32_t doc);

#endif
