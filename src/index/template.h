/* SPDX-License-Identifier: Apache-2.0 */
/* template.h: a document's source as the bytes that it shares with its like and holes for what is
 * its own.
 *
 * The literals are everything between leaf values: braces, keys, colons, blanks, the quotes of
 * strings that are rebuilt. A hole is filled from a column when printing the column's value gives
 * exactly the bytes that were sent and the field has exactly one value in the document; who writes
 * proves that by printing (template_hole_fit, and the count when the document has ended). Any other
 * hole (arrays, escapes, text without a keyword, what no field took) keeps its raw JSON in the
 * stored block. So a source is rebuilt byte for byte or not from columns at all.
 *
 * Holes name fields by id. That is safe because an id is given out once in the life of an index,
 * with one type: a name that gets a second type gets a second field (a variant) with its own id,
 * and segments, merges and mappings keep ids for ever. A column that has not exactly one value for
 * a hole is therefore damage. */
#ifndef NARU_INDEX_TEMPLATE_H
#define NARU_INDEX_TEMPLATE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/hash.h"
#include "index/segment.h"

struct template_hole {
    uint8_t kind;                /* HOLE_, format.h */
    uint32_t field_id;           /* not of HOLE_STORED */
    uint32_t param;              /* by kind, format.h */
    uint32_t literal_bytes;      /* before it */
    const struct column *column; /* readers: of the field; NULL: the segment has none */
};
struct source_template {
    uint32_t hole_count, stored_count; /* stored_count of the holes are HOLE_STORED */
    struct template_hole *holes;
    const char *literals; /* those before each hole, then the tail */
    size_t tail_bytes;
    struct str encoded;
};

/* Appends a hole of an encoded template (format.h). */
void template_hole_encode(struct buf *out, const struct template_hole *hole);
/* Reads one from [*p, end); everything it points to lies in mem or in the input. False: the bytes
 * are no template. */
bool template_decode(const uint8_t **p, const uint8_t *end, struct arena *mem,
                     struct source_template *ret_template);

/* Distinct templates, numbered from 1 in order of arrival. */
struct template_table {
    struct arena *mem;
    struct strmap numbers; /* encoded -> number */
    struct source_template **items;
    size_t count, capacity;
    size_t bytes; /* of all encoded ones */
};
void template_table_init(struct template_table *table);
void template_table_deinit(struct template_table *table);
/* Number of an encoded template; 0: there are TEMPLATES_MAX others, or it is too large. */
uint32_t template_table_add(struct template_table *table, struct str encoded);
static inline const struct source_template *template_table_get(const struct template_table *table,
                                                               uint32_t number)
{
    return table->items[number - 1];
}

/* What a value of a column of integers or doubles (their bits) prints as. Returns the bytes
 * written, 0: the value cannot come from such a hole. */
#define HOLE_TEXT_BYTES_MAX 64u
size_t template_hole_print(uint8_t kind, uint32_t param, int64_t value,
                           char text[HOLE_TEXT_BYTES_MAX]);
/* The quick case: `text` is a JSON integer, of value `i`; without leading zeros as those are, only
 * -0 prints otherwise. */
bool template_integer_fit(enum field_type type, int64_t value, int64_t i, struct str text,
                          struct template_hole *ret_hole);
/* Sets kind and param so that `value` of a field of this type prints as `text`, and returns how
 * many of its bytes: all, but for a time, whose zone stays a literal. `hint` (or NULL) is tried
 * first, so that documents of one shape get one template. 0: nothing prints so. */
size_t template_hole_fit(enum field_type type, int64_t value, struct str text,
                         const struct template_hole *hint, struct template_hole *ret_hole);

#endif
