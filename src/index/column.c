/* SPDX-License-Identifier: Apache-2.0 */
/* Reading columns: zone by zone, block by block. On damage (segment__at says so and remembers it)
 * readers answer "no value"; who searched asks segment_failure in the end. */
#include <math.h>

#include "base/arena.h"
#include "base/str.h"
#include "index/segment_int.h"
#include "index/value_block.h"

_Static_assert(64 % DICT_BLOCK_TERMS == 0, "a block's ordinals lie in one word of a bit set");

static const double powers[DECIMAL_EXPONENT_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

struct column *segment_column(struct segment *seg, const struct field *field)
{
    const struct segment_field *f = segment__field(seg, field->id);
    return f && (f->parts & FIELD_PART_COLUMN) ? (struct column *)(uintptr_t)&f->column : NULL;
}

enum column_kind column_kind(const struct column *column)
{
    return (enum column_kind)column->kind;
}
bool column_is_multi(const struct column *column)
{
    return column->flags & COLUMN_FLAG_MULTI;
}
bool column_is_dense(const struct column *column)
{
    return column->flags & COLUMN_FLAG_DENSE;
}
bool column_is_sorted(const struct column *column)
{
    return column->flags & COLUMN_FLAG_SORTED;
}
uint64_t column_value_count(const struct column *column)
{
    return column->value_count;
}
uint32_t column_doc_count(const struct column *column)
{
    return column->doc_count;
}

static double bits_f64(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static bool entry_read(const struct column *column, const uint8_t *e, uint64_t count,
                       struct column_zone *ret_zone)
{
    if (count == 0)
        return false;
    *ret_zone = (struct column_zone){.count = count, .sum = bits_f64(get_u64_le(e + 40))};
    if (column->kind == COLUMN_DOUBLE) {
        ret_zone->min_f = bits_f64(get_u64_le(e + 24));
        ret_zone->max_f = bits_f64(get_u64_le(e + 32));
        ret_zone->min_i = (int64_t)fmax(-9.2e18, fmin(9.2e18, ret_zone->min_f));
        ret_zone->max_i = (int64_t)fmax(-9.2e18, fmin(9.2e18, ret_zone->max_f));
    } else {
        ret_zone->min_i = (int64_t)get_u64_le(e + 24);
        ret_zone->max_i = (int64_t)get_u64_le(e + 32);
        ret_zone->min_f = (double)ret_zone->min_i;
        ret_zone->max_f = (double)ret_zone->max_i;
    }
    return true;
}

bool column_stats(const struct column *column, struct column_zone *ret_zone)
{
    return entry_read(column, column->total, column->value_count, ret_zone);
}

bool column_zone(const struct column *column, uint32_t zone, struct column_zone *ret_zone)
{
    ASSERT(zone < column->zone_count);
    const uint8_t *e = column->zones + (size_t)zone * ZONE_ENTRY_BYTES;
    return entry_read(column, e, get_u32_le(e + 12), ret_zone);
}

/* ---- One zone ---- */

struct zone_view {
    const uint8_t *bitmap; /* NULL: every document */
    const uint8_t *ends;   /* value blocks of the ends; NULL: single */
    const uint8_t *values, *end;
    uint32_t doc_count, value_count;
};

/* Moves over the blocks that hold `n` values. */
static const uint8_t *blocks_skip(const struct column *column, const uint8_t *p, const uint8_t *end,
                                  uint32_t n)
{
    while (n > 0) {
        size_t count, bytes = value_block_bytes(p, (size_t)(end - p), &count);
        if (bytes == 0 || count > n) {
            segment__damaged(column->seg, "bad value block", (uint64_t)(p - column->seg->bytes));
            return NULL;
        }
        p += bytes;
        n -= (uint32_t)count;
    }
    return p;
}

static bool zone_open(const struct column *column, uint32_t zone, struct zone_view *view)
{
    const uint8_t *e = column->zones + (size_t)zone * ZONE_ENTRY_BYTES;
    if (e[18] == ZONE_PRESENCE_NONE)
        return false;
    uint64_t off = get_u64_le(e);
    uint32_t bytes = get_u32_le(e + 8);
    const uint8_t *p = segment__at(column->seg, off, bytes);
    if (!p)
        return false;
    *view = (struct zone_view){.doc_count = (uint32_t)get_u16_le(e + 16) + 1,
                               .value_count = get_u32_le(e + 12),
                               .end = p + bytes};
    if (e[18] == ZONE_PRESENCE_BITMAP) {
        if (bytes < ZONE_BITMAP_BYTES) {
            segment__damaged(column->seg, "bad zone", off);
            return false;
        }
        view->bitmap = p;
        p += ZONE_BITMAP_BYTES;
    }
    if (e[19]) {
        view->ends = p;
        p = blocks_skip(column, p, view->end, view->doc_count);
    }
    view->values = p;
    return p != NULL;
}

static void to_doubles(const uint8_t *block, int64_t *values, size_t n)
{
    uint8_t e = value_block_exponent(block);
    if (e == DECIMAL_NONE)
        return; /* bits already */
    double power = powers[MIN_OF(e, DECIMAL_EXPONENT_MAX)];
    for (size_t i = 0; i < n; i++) {
        double f = (double)values[i] / power;
        memcpy(&values[i], &f, sizeof(f));
    }
}

/* Values [first, first + n) of a run of blocks, into `values` of the given shape; doubles as their
 * bits. */
enum shape { SHAPE_LONG, SHAPE_DOUBLE, SHAPE_U32 };

static bool run_read(const struct column *column, const uint8_t *p, const uint8_t *end,
                     enum shape shape, uint32_t first, uint32_t n, void *values)
{
    size_t width = shape == SHAPE_U32 ? sizeof(uint32_t) : sizeof(int64_t);
    char *to = values;
    while (n > 0) {
        size_t count, bytes = value_block_bytes(p, (size_t)(end - p), &count);
        if (bytes == 0) {
            segment__damaged(column->seg, "bad value block", (uint64_t)(p - column->seg->bytes));
            return false;
        }
        if (first < count) {
            uint32_t part = MIN_OF(n, (uint32_t)count - first);
            if (shape == SHAPE_U32)
                value_block_read_u32(p, first, part, (uint32_t *)(void *)to);
            else
                value_block_read(p, first, part, (int64_t *)(void *)to);
            if (shape == SHAPE_DOUBLE)
                to_doubles(p, (int64_t *)(void *)to, part);
            to += part * width;
            n -= part;
            first = 0;
        } else {
            first -= (uint32_t)count;
        }
        p += bytes;
    }
    return true;
}

static uint64_t bitmap_word(const uint8_t *bitmap, uint32_t word)
{
    return get_u64_le(bitmap + (size_t)word * 8);
}

/* Set bits before position `at`. */
static uint32_t bitmap_rank(const uint8_t *bitmap, uint32_t at)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < at / 64; w++)
        n += (uint32_t)__builtin_popcountll(bitmap_word(bitmap, w));
    if (at % 64)
        n += (uint32_t)__builtin_popcountll(bitmap_word(bitmap, at / 64) &
                                            ((UINT64_C(1) << (at % 64)) - 1));
    return n;
}

static bool bitmap_get(const uint8_t *bitmap, uint32_t at)
{
    return (bitmap[at / 8] >> (at % 8)) & 1;
}

static void bits_set_range(uint64_t *words, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t bit = from & 63, n = MIN_OF(64 - bit, to - from);
        words[from >> 6] |= n == 64 ? ~UINT64_C(0) : ((UINT64_C(1) << n) - 1) << bit;
        from += n;
    }
}

/* Puts packed values to the documents that have one. */
static void spread(const uint8_t *bitmap, uint32_t from, uint32_t n, enum shape shape,
                   const void *packed, void *values, uint64_t *exists, uint32_t bit)
{
    const int64_t *longs = packed;
    const uint32_t *u32s = packed;
    uint32_t k = 0;
    for (uint32_t at = from; at < from + n;) {
        uint64_t word = bitmap_word(bitmap, at / 64) >> (at % 64);
        uint32_t end = MIN_OF(from + n, (at | 63) + 1);
        for (; word; word &= word - 1) {
            uint32_t i = at + (uint32_t)__builtin_ctzll(word);
            if (i >= end)
                break;
            i -= from;
            if (shape == SHAPE_U32)
                ((uint32_t *)values)[i] = u32s[k++];
            else
                ((int64_t *)values)[i] = longs[k++];
            if (exists)
                bitset_set(exists, bit + i);
        }
        at = end;
    }
}

/* Positions [from, from + n) within one zone, into values[0..n) and exists bits from `bit` on. */
static void zone_read(const struct column *column, uint32_t zone, uint32_t from, uint32_t n,
                      enum shape shape, void *values, uint64_t *exists, uint32_t bit)
{
    struct zone_view view;
    size_t width = shape == SHAPE_U32 ? sizeof(uint32_t) : sizeof(int64_t);
    if (!zone_open(column, zone, &view)) {
        memset(values, 0, n * width);
        return;
    }
    ASSERT(!view.ends);
    if (!view.bitmap) {
        if (!run_read(column, view.values, view.end, shape, from, n, values))
            memset(values, 0, n * width);
        if (exists)
            bits_set_range(exists, bit, bit + n);
        return;
    }
    uint32_t rank = bitmap_rank(view.bitmap, from),
             present = bitmap_rank(view.bitmap, from + n) - rank;
    int64_t packed[ZONE_DOCS];
    memset(values, 0, n * width);
    if (present > 0 && run_read(column, view.values, view.end, shape, rank, present, packed))
        spread(view.bitmap, from, n, shape, packed, values, exists, bit);
}

static void window_read(const struct column *column, uint32_t first, uint32_t n, enum shape shape,
                        void *values, uint64_t *exists)
{
    size_t width = shape == SHAPE_U32 ? sizeof(uint32_t) : sizeof(int64_t);
    char *to = values;
    ASSERT(n <= ZONE_DOCS && !column_is_multi(column));
    if (exists)
        memset(exists, 0, BITSET_WORDS(n) * 8);
    for (uint32_t done = 0; done < n;) {
        uint32_t doc = first + done, zone = doc / ZONE_DOCS, from = doc % ZONE_DOCS;
        uint32_t part = MIN_OF(n - done, ZONE_DOCS - from);
        if (zone >= column->zone_count) {
            memset(to + done * width, 0, (n - done) * width);
            return;
        }
        zone_read(column, zone, from, part, shape, to + done * width, exists, done);
        done += part;
    }
}

void column_read_longs(const struct column *column, uint32_t first, uint32_t n, int64_t *values,
                       uint64_t *exists)
{
    ASSERT(column->kind == COLUMN_LONG);
    window_read(column, first, n, SHAPE_LONG, values, exists);
}

void column_read_doubles(const struct column *column, uint32_t first, uint32_t n, double *values,
                         uint64_t *exists)
{
    ASSERT(column->kind == COLUMN_DOUBLE);
    window_read(column, first, n, SHAPE_DOUBLE, values, exists);
}

/* Readers index arrays by ordinals, so none beyond the dictionary leaves here. */
static void ordinals_check(const struct column *column, uint32_t *ordinals, size_t n)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < n; i++)
        highest = MAX_OF(highest, ordinals[i]);
    if (LIKELY(highest < column->terms->term_count || highest == 0))
        return;
    segment__damaged(column->seg, "ordinal beyond the dictionary", 0);
    memset(ordinals, 0, n * sizeof(*ordinals));
}

void column_read_ordinals(const struct column *column, uint32_t first, uint32_t n,
                          uint32_t *ordinals, uint64_t *exists)
{
    ASSERT(column->kind == COLUMN_ORDINAL);
    window_read(column, first, n, SHAPE_U32, ordinals, exists);
    ordinals_check(column, ordinals, n);
}

void column__read_window(const struct column *column, uint32_t first, uint32_t n, int64_t *values,
                         uint64_t *exists)
{
    window_read(column, first, n, column->kind == COLUMN_DOUBLE ? SHAPE_DOUBLE : SHAPE_LONG, values,
                exists);
}

/* Where the values of a document lie in its zone: [*ret_from, *ret_to). */
static bool doc_range(const struct column *column, const struct zone_view *view, uint32_t at,
                      uint32_t *ret_from, uint32_t *ret_to)
{
    uint32_t rank = at;
    if (view->bitmap) {
        if (!bitmap_get(view->bitmap, at))
            return false;
        rank = bitmap_rank(view->bitmap, at);
    }
    *ret_from = rank;
    *ret_to = rank + 1;
    if (!view->ends)
        return true;
    int64_t ends[2] = {0, 0};
    uint32_t first = rank ? rank - 1 : 0, n = rank ? 2 : 1;
    if (!run_read(column, view->ends, view->values, SHAPE_LONG, first, n, rank ? ends : ends + 1))
        return false;
    if (ends[0] < 0 || ends[1] < ends[0] || ends[1] > view->value_count)
        return false;
    *ret_from = (uint32_t)ends[0];
    *ret_to = (uint32_t)ends[1];
    return true;
}

static size_t doc_values(const struct column *column, uint32_t doc, int64_t *values, size_t max)
{
    struct zone_view view;
    uint32_t from, to;
    ASSERT(doc < column->seg->doc_count);
    if (!zone_open(column, doc / ZONE_DOCS, &view) ||
        !doc_range(column, &view, doc % ZONE_DOCS, &from, &to))
        return 0;
    uint32_t n = (uint32_t)MIN_OF((size_t)(to - from), max);
    if (!run_read(column, view.values, view.end,
                  column->kind == COLUMN_DOUBLE ? SHAPE_DOUBLE : SHAPE_LONG, from, n, values))
        return 0;
    return to - from;
}

size_t column_doc_longs(const struct column *column, uint32_t doc, int64_t *values, size_t max)
{
    return doc_values(column, doc, values, max);
}

size_t column_doc_doubles(const struct column *column, uint32_t doc, double *values, size_t max)
{
    int64_t bits[64];
    size_t n = doc_values(column, doc, bits, MIN_OF(max, ARRAY_COUNT(bits)));
    if (n <= ARRAY_COUNT(bits) || max <= ARRAY_COUNT(bits)) {
        if (max > 0) /* who only counts gives no room */
            memcpy(values, bits, MIN_OF(n, MIN_OF(max, ARRAY_COUNT(bits))) * sizeof(*values));
        return n;
    }
    int64_t *many = MEM_ARRAY(int64_t, MIN_OF(n, max));
    n = doc_values(column, doc, many, MIN_OF(n, max));
    memcpy(values, many, MIN_OF(n, max) * sizeof(*values));
    mem_free(many);
    return n;
}

size_t column_doc_ordinals(const struct column *column, uint32_t doc, uint32_t *ordinals,
                           size_t max)
{
    int64_t wide[64];
    size_t n = doc_values(column, doc, wide, MIN_OF(max, ARRAY_COUNT(wide)));
    int64_t *many = NULL;
    if (n > ARRAY_COUNT(wide) && max > ARRAY_COUNT(wide)) {
        many = MEM_ARRAY(int64_t, MIN_OF(n, max));
        n = doc_values(column, doc, many, MIN_OF(n, max));
    }
    for (size_t i = 0; i < MIN_OF(n, max); i++)
        ordinals[i] = (uint32_t)(many ? many[i] : wide[i]);
    ordinals_check(column, ordinals, MIN_OF(n, max));
    mem_free(many);
    return n;
}

/* ---- Dictionary ---- */

uint32_t column_ordinal_count(const struct column *column)
{
    return column->terms->term_count;
}

struct str column_ordinal_text(const struct column *column, uint32_t ordinal, struct arena *mem)
{
    char room[TERM_ROOM_BYTES];
    struct str text = terms__text(column->terms, ordinal, room);
    return text.p ? arena_str(mem, text) : STR("");
}

uint32_t column_ordinal_find(const struct column *column, struct str text, bool *ret_found)
{
    struct term_cursor cursor;
    *ret_found = false;
    if (!term_cursor_seek(&cursor, column->terms, text))
        return column->terms->term_count;
    *ret_found = str_eq((struct str){cursor.term, cursor.term_bytes}, text);
    return cursor.entry.ordinal;
}

uint32_t column_ordinal_doc_count(const struct column *column, uint32_t ordinal)
{
    struct term_cursor cursor;
    return term_cursor_ordinal(&cursor, column->terms, ordinal) ? cursor.entry.doc_freq : 0;
}

void column_ordinal_doc_counts(const struct column *column, uint32_t *counts)
{
    struct term_cursor cursor;
    const struct terms *terms = column->terms;
    memset(counts, 0, terms->term_count * sizeof(*counts));
    for (bool more = term_cursor_block(&cursor, terms, 0) && term_cursor_next(&cursor); more;
         more = term_cursor_next(&cursor))
        counts[cursor.entry.ordinal] = cursor.entry.doc_freq;
}

static bool block_is_wanted(const uint64_t *wanted, uint32_t block)
{
    uint64_t word = wanted[block * DICT_BLOCK_TERMS / 64];
    return (word >> (block * DICT_BLOCK_TERMS % 64)) & ((UINT64_C(1) << DICT_BLOCK_TERMS) - 1);
}

void column_ordinals_each(const struct column *column, const uint64_t *wanted,
                          column_ordinal_fn *each, void *owner)
{
    struct term_cursor cursor;
    const struct terms *terms = column->terms;
    for (uint32_t block = 0; block < terms->block_count; block++) {
        uint32_t end = MIN_OF((block + 1) * DICT_BLOCK_TERMS, terms->term_count);
        if ((wanted && !block_is_wanted(wanted, block)) ||
            !term_cursor_block(&cursor, terms, block))
            continue;
        while (cursor.next_ordinal < end && term_cursor_next(&cursor)) {
            uint32_t ordinal = cursor.entry.ordinal;
            if (!wanted || bitset_get(wanted, ordinal))
                each(owner, ordinal, (struct str){cursor.term, cursor.term_bytes},
                     cursor.entry.doc_freq);
        }
    }
}
