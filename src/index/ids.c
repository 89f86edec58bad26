/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c: reading and finding document ids. A segment holds them in one of two forms (format.h):
 * counted, when they are those that engines generate (a prefix that many share and a number), or as
 * front-coded text with a hash. Counted ids are a column, so that a look-up asks the zones' bounds
 * and unpacks the few that can hold the number. */
#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/doc_reader.h"
#include "index/ids.h"
#include "index/segment_int.h"

/* ---- Counted ids ---- */

/* Ascending bytes, so that ids sort as their numbers do. */
const char id_digits[65] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0' + 1;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 11;
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 38;
    return c == '-' ? 0 : c == '_' ? 37 : -1;
}

bool id_count_read(struct str id, uint32_t *ret_count)
{
    uint32_t count = 0;
    if (id.n != COUNTED_ID_BYTES)
        return false;
    for (size_t i = COUNTED_ID_PREFIX_BYTES; i < COUNTED_ID_BYTES; i++) {
        int digit = digit_value(id.p[i]);
        if (digit < 0)
            return false;
        count = count << 6 | (uint32_t)digit;
    }
    *ret_count = count;
    return true;
}

void id_count_write(uint32_t count, char *out)
{
    for (size_t i = COUNTED_ID_BYTES - COUNTED_ID_PREFIX_BYTES; i-- > 0; count >>= 6)
        out[i] = id_digits[count & 63];
}

/* The id of a value of the column; 0 on damage. */
static size_t counted_text(struct segment *seg, int64_t value, char *id)
{
    uint64_t prefix = (uint64_t)value >> COUNTED_ID_COUNT_BITS;
    const uint8_t *p = NULL;
    if (prefix < seg->id_bytes / COUNTED_ID_PREFIX_BYTES)
        p = segment__at(seg, seg->id_off + prefix * COUNTED_ID_PREFIX_BYTES,
                        COUNTED_ID_PREFIX_BYTES);
    if (!p) {
        segment__damaged(seg, "bad id", seg->id_off);
        return 0;
    }
    memcpy(id, p, COUNTED_ID_PREFIX_BYTES);
    id_count_write((uint32_t)value & (((uint32_t)1 << COUNTED_ID_COUNT_BITS) - 1),
                   id + COUNTED_ID_PREFIX_BYTES);
    return COUNTED_ID_BYTES;
}

/* Number of the prefix in the sorted table, UINT64_MAX: not there. */
static uint64_t prefix_find(struct segment *seg, const char *prefix)
{
    uint64_t low = 0, high = seg->id_bytes / COUNTED_ID_PREFIX_BYTES;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        const uint8_t *p =
            segment__at(seg, seg->id_off + mid * COUNTED_ID_PREFIX_BYTES, COUNTED_ID_PREFIX_BYTES);
        int c = p ? memcmp(p, prefix, COUNTED_ID_PREFIX_BYTES) : 0;
        if (c == 0)
            return p ? mid : UINT64_MAX;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return UINT64_MAX;
}

/* The last document with the id: dead versions may lie before it. */
static uint32_t find_counted(struct segment *seg, struct str wanted)
{
    uint32_t count;
    if (!id_count_read(wanted, &count))
        return DOC_NONE;
    uint64_t prefix = prefix_find(seg, wanted.p);
    if (prefix == UINT64_MAX)
        return DOC_NONE;
    int64_t value = (int64_t)(prefix << COUNTED_ID_COUNT_BITS | count);
    for (uint32_t zone = (seg->doc_count + ZONE_DOCS - 1) / ZONE_DOCS; zone-- > 0;) {
        struct column_zone bounds;
        int64_t values[ZONE_DOCS];
        if (!column_zone(seg->counted_ids, zone, &bounds) || bounds.min_i > value ||
            bounds.max_i < value)
            continue;
        uint32_t first = zone * ZONE_DOCS, n = MIN_OF(seg->doc_count - first, ZONE_DOCS);
        column_read_longs(seg->counted_ids, first, n, values, NULL);
        for (uint32_t i = n; i-- > 0;) {
            if (values[i] == value)
                return first + i;
        }
    }
    return DOC_NONE;
}

/* ---- Ids as text ---- */

static const uint8_t *id_group(struct segment *seg, uint32_t group, const uint8_t **ret_end)
{
    const uint8_t *table = segment__at(seg, seg->id_group_off + (uint64_t)group * 4, 4);
    if (!table)
        return NULL;
    uint64_t off = get_u32_le(table), end = seg->id_bytes;
    if ((uint64_t)(group + 1) * ID_GROUP_DOCS < seg->doc_count) {
        table = segment__at(seg, seg->id_group_off + (uint64_t)(group + 1) * 4, 4);
        if (!table)
            return NULL;
        end = get_u32_le(table);
    }
    if (off > end || end > seg->id_bytes) {
        segment__damaged(seg, "bad id group", seg->id_off + off);
        return NULL;
    }
    *ret_end = seg->bytes + seg->id_off + end;
    return segment__at(seg, seg->id_off + off, end - off);
}

/* Decodes the next id of a group over the one before. */
static bool id_next(struct segment *seg, const uint8_t **p, const uint8_t *end, char *id, size_t *n)
{
    uint64_t rest;
    size_t shared = *p < end ? *(*p)++ : SIZE_MAX;
    if (shared > *n || !get_varint(p, end, &rest) || rest > ID_BYTES_MAX - shared ||
        rest > (uint64_t)(end - *p)) {
        segment__damaged(seg, "bad id", seg->id_off);
        return false;
    }
    memcpy(id + shared, *p, rest);
    *p += rest;
    *n = shared + rest;
    return true;
}

size_t segment__id_read(struct segment *seg, uint32_t doc, struct doc_reader *reader, char *id)
{
    if (seg->counted_ids) {
        int64_t value = 0;
        (void)doc_reader__value(reader, seg->counted_ids, doc, &value);
        return counted_text(seg, value, id);
    }
    const uint8_t *end, *p = id_group(seg, doc / ID_GROUP_DOCS, &end);
    size_t n = 0;
    for (uint32_t i = 0; p && i <= doc % ID_GROUP_DOCS; i++) {
        if (!id_next(seg, &p, end, id, &n))
            return 0;
    }
    return n;
}

struct str doc_reader_id(struct doc_reader *reader, struct segment *seg, uint32_t doc,
                         struct arena *mem)
{
    char id[ID_BYTES_MAX];
    ASSERT(doc < seg->doc_count);
    return arena_str(mem, (struct str){id, segment__id_read(seg, doc, reader, id)});
}

struct str segment_id(struct segment *seg, uint32_t doc, struct arena *mem)
{
    return doc_reader_id(NULL, seg, doc, mem);
}

static uint32_t find_sorted(struct segment *seg, struct str wanted)
{
    char id[ID_BYTES_MAX];
    uint32_t low = 0, high = (seg->doc_count + ID_GROUP_DOCS - 1) /
                             ID_GROUP_DOCS; /* last group whose first id <= wanted */
    /* The last group first: ids that grow with time are mostly behind everything that is here. */
    for (uint32_t mid = high - 1; high - low > 1; mid = low + (high - low) / 2) {
        size_t n = segment__id_read(seg, mid * ID_GROUP_DOCS, NULL, id);
        if (str_cmp((struct str){id, n}, wanted) <= 0)
            low = mid;
        else
            high = mid;
    }
    const uint8_t *end, *p = id_group(seg, low, &end);
    size_t n = 0;
    for (uint32_t doc = low * ID_GROUP_DOCS; p && p < end && doc < seg->doc_count; doc++) {
        if (!id_next(seg, &p, end, id, &n))
            return DOC_NONE;
        int c = str_cmp((struct str){id, n}, wanted);
        if (c >= 0)
            return c == 0 ? doc : DOC_NONE;
    }
    return DOC_NONE;
}

uint32_t segment_find_id(struct segment *seg, struct str wanted)
{
    if (wanted.n == 0 || wanted.n > ID_BYTES_MAX)
        return DOC_NONE;
    if (seg->counted_ids)
        return find_counted(seg, wanted);
    if (seg->id_slot_count == 0)
        return find_sorted(seg, wanted);
    char id[ID_BYTES_MAX];
    uint64_t hash = hash_str(wanted), count = seg->id_slot_count;
    uint64_t at = ((hash >> 32) * count) >> 32, prints = seg->id_hash_off + count * 4;
    uint32_t found = DOC_NONE;
    for (uint64_t tries = 0; tries < count; tries++, at = at + 1 == count ? 0 : at + 1) {
        const uint8_t *slot = segment__at(seg, seg->id_hash_off + at * 4, 4);
        if (!slot)
            return DOC_NONE;
        uint32_t doc = get_u32_le(slot);
        if (doc == 0)
            return found;
        const uint8_t *print = segment__at(seg, prints + at, 1);
        if (!print)
            return DOC_NONE;
        if (*print != (uint8_t)hash || doc > seg->doc_count)
            continue;
        size_t n = segment__id_read(seg, doc - 1, NULL, id);
        /* An id may be there several times before its dead versions are merged away: the last one
         * counts. */
        if (str_eq((struct str){id, n}, wanted) && (found == DOC_NONE || doc - 1 > found))
            found = doc - 1;
    }
    return found;
}

/* ---- One after the other ---- */

void id_cursor_init(struct id_cursor *cursor, struct segment *seg)
{
    cursor->seg = seg;
    cursor->next_doc = 0;
    cursor->window_end = 0;
    cursor->p = NULL;
}

static size_t cursor_counted(struct id_cursor *cursor, uint32_t doc)
{
    struct segment *seg = cursor->seg;
    uint32_t first = doc - doc % ZONE_DOCS;
    if (cursor->window_end != first + ZONE_DOCS) {
        column_read_longs(seg->counted_ids, first, MIN_OF(seg->doc_count - first, ZONE_DOCS),
                          cursor->values, NULL);
        cursor->window_end = first + ZONE_DOCS;
    }
    return counted_text(seg, cursor->values[doc - first], cursor->id);
}

size_t id_cursor_read(struct id_cursor *cursor, uint32_t doc)
{
    struct segment *seg = cursor->seg;
    ASSERT(doc < seg->doc_count);
    if (seg->counted_ids)
        return cursor_counted(cursor, doc);
    if (!cursor->p || doc < cursor->next_doc || doc / ID_GROUP_DOCS != cursor->group ||
        doc % ID_GROUP_DOCS == 0) {
        cursor->group = doc / ID_GROUP_DOCS;
        cursor->next_doc = doc - doc % ID_GROUP_DOCS;
        cursor->p = id_group(seg, cursor->group, &cursor->end);
        cursor->n = 0;
    }
    for (; cursor->p && cursor->next_doc <= doc; cursor->next_doc++) {
        if (!id_next(seg, &cursor->p, cursor->end, cursor->id, &cursor->n))
            cursor->p = NULL;
    }
    return cursor->p ? cursor->n : 0;
}
