/* SPDX-License-Identifier: Apache-2.0 */
/* Columns: zones of ZONE_DOCS documents, each with presence, ends of multi-values, value blocks,
 * and its zone entry. */
#include <math.h>

#include "base/bits.h"
#include "index/format.h"
#include "index/segment_writer.h"
#include "index/segment_writer_int.h"
#include "index/value_block.h"

static const double powers[DECIMAL_EXPONENT_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

static double bits_f64(int64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static int64_t f64_bits(double f)
{
    int64_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

/* The smallest exponent under which every value is an exact integer / 10^e, or DECIMAL_NONE. */
static uint8_t decimal_exponent(const int64_t *bits, size_t n, int64_t *integers)
{
    uint8_t e = 0;
    for (size_t i = 0; i < n; i++) {
        double f = bits_f64(bits[i]);
        for (;;) {
            double scaled = f * powers[e];
            if (!(fabs(scaled) < 4e15))
                return DECIMAL_NONE;
            int64_t v = (int64_t)llround(scaled);
            if (f64_bits((double)v / powers[e]) == bits[i]) {
                integers[i] = v;
                break;
            }
            if (e == DECIMAL_EXPONENT_MAX)
                return DECIMAL_NONE;
            e++;
            i = 0; /* the values before need the higher exponent too */
            f = bits_f64(bits[0]);
        }
    }
    return e;
}

static void values_write(struct segment_writer *w, enum column_kind kind, const int64_t *values,
                         size_t n)
{
    for (size_t i = 0; i < n; i += VALUE_BLOCK_VALUES) {
        size_t part = MIN_OF(n - i, (size_t)VALUE_BLOCK_VALUES);
        if (kind != COLUMN_DOUBLE) {
            value_block_write(&w->out, values + i, part, 0);
            continue;
        }
        int64_t integers[VALUE_BLOCK_VALUES];
        uint8_t e = decimal_exponent(values + i, part, integers);
        value_block_write(&w->out, e == DECIMAL_NONE ? values + i : integers, part, e);
    }
}

static void stats_add(struct zone_stats *s, enum column_kind kind, const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (kind == COLUMN_DOUBLE) {
            double f = bits_f64(values[i]);
            s->min_f = s->count ? fmin(s->min_f, f) : f;
            s->max_f = s->count ? fmax(s->max_f, f) : f;
            s->sum += f;
        } else {
            s->min_i = s->count ? MIN_OF(s->min_i, values[i]) : values[i];
            s->max_i = s->count ? MAX_OF(s->max_i, values[i]) : values[i];
            s->sum += (double)values[i];
        }
        s->count++;
    }
}

static void stats_merge(struct zone_stats *s, const struct zone_stats *z)
{
    if (z->count == 0)
        return;
    s->min_i = s->count ? MIN_OF(s->min_i, z->min_i) : z->min_i;
    s->max_i = s->count ? MAX_OF(s->max_i, z->max_i) : z->max_i;
    s->min_f = s->count ? fmin(s->min_f, z->min_f) : z->min_f;
    s->max_f = s->count ? fmax(s->max_f, z->max_f) : z->max_f;
    s->sum += z->sum;
    s->count += z->count;
}

static void entry_write(struct buf *out, enum column_kind kind, uint64_t off, uint64_t bytes,
                        const struct zone_stats *s, uint32_t docs, uint8_t presence, bool is_multi)
{
    uint8_t e[ZONE_ENTRY_BYTES] = {0};
    put_u64_le(e, off);
    put_u32_le(e + 8, (uint32_t)bytes);
    put_u32_le(e + 12, (uint32_t)s->count);
    put_u16_le(e + 16, (uint16_t)(docs ? docs - 1 : 0));
    e[18] = presence;
    e[19] = is_multi;
    put_u64_le(e + 24, (uint64_t)(kind == COLUMN_DOUBLE ? f64_bits(s->min_f) : s->min_i));
    put_u64_le(e + 32, (uint64_t)(kind == COLUMN_DOUBLE ? f64_bits(s->max_f) : s->max_i));
    put_u64_le(e + 40, (uint64_t)f64_bits(s->sum));
    buf_add(out, e, sizeof(e));
}

struct zone_shape {
    uint64_t bitmap[ZONE_BITMAP_BYTES / 8];
    int64_t ends[ZONE_DOCS]; /* per present document: end of its values */
    uint32_t doc_count;
    bool is_multi;
};

/* Which documents of [first, …) the values belong to. */
static void shape_of(const uint32_t *docs, size_t count, uint32_t first, struct zone_shape *shape)
{
    memset(shape->bitmap, 0, sizeof(shape->bitmap));
    shape->doc_count = 0;
    shape->is_multi = false;
    for (size_t i = 0; i < count; i++) {
        uint32_t doc = docs ? docs[i] : first + (uint32_t)i;
        if (i > 0 && docs && docs[i - 1] == doc) {
            shape->is_multi = true;
            shape->ends[shape->doc_count - 1]++;
            continue;
        }
        ASSERT_SLOW(i == 0 || !docs || docs[i - 1] < doc);
        bitset_set(shape->bitmap, doc - first);
        shape->ends[shape->doc_count++] = (int64_t)(i + 1);
    }
}

void segment_writer_column_begin(struct segment_writer *w, enum column_kind kind)
{
    struct column_writer *c = &w->column;
    buf_clear(&c->entries);
    c->kind = kind;
    c->all = (struct zone_stats){0};
    c->doc_count = c->zone_count = 0;
    c->is_multi = false;
    c->is_sorted = true;
}

static bool is_before(enum column_kind kind, int64_t a, int64_t b)
{
    return kind == COLUMN_DOUBLE ? bits_f64(a) <= bits_f64(b) : a <= b;
}

static void order_note(struct column_writer *c, const int64_t *values, size_t n)
{
    if (n == 0 || !c->is_sorted)
        return;
    c->is_sorted = c->all.count == 0 || is_before(c->kind, c->last, values[0]);
    for (size_t i = 1; i < n && c->is_sorted; i++)
        c->is_sorted = is_before(c->kind, values[i - 1], values[i]);
    c->last = values[n - 1];
}

void segment_writer_column_zone(struct segment_writer *w, const uint32_t *docs,
                                const int64_t *values, size_t n)
{
    struct column_writer *c = &w->column;
    struct zone_shape shape;
    struct zone_stats zone = {0};
    uint32_t first = c->zone_count++ * ZONE_DOCS;
    ASSERT(first < w->options.doc_count);
    uint32_t docs_here = MIN_OF(w->options.doc_count - first, ZONE_DOCS);
    shape_of(docs, n, first, &shape);
    uint8_t presence = shape.doc_count == 0           ? ZONE_PRESENCE_NONE
                       : shape.doc_count == docs_here ? ZONE_PRESENCE_ALL
                                                      : ZONE_PRESENCE_BITMAP;
    uint64_t off = segment_writer__off(w);
    if (presence == ZONE_PRESENCE_BITMAP) {
        for (size_t i = 0; i < ARRAY_COUNT(shape.bitmap); i++)
            buf_add_u64_le(&w->out, shape.bitmap[i]);
    }
    if (shape.is_multi)
        values_write(w, COLUMN_LONG, shape.ends, shape.doc_count);
    values_write(w, c->kind, values, n);
    stats_add(&zone, c->kind, values, n);
    order_note(c, values, n);
    if (segment_writer__off(w) - off > UINT32_MAX)
        segment_writer__fail(w, ERR_TOO_LARGE, "a column's zone is over 4 GiB");
    entry_write(&c->entries, c->kind, off, segment_writer__off(w) - off, &zone, shape.doc_count,
                presence, shape.is_multi);
    stats_merge(&c->all, &zone);
    c->doc_count += shape.doc_count;
    c->is_multi |= shape.is_multi;
    segment_writer__drain(w, false);
}

void segment_writer_column_end(struct segment_writer *w)
{
    const struct column_writer *c = &w->column;
    struct buf *part = &w->field_parts[0];
    ASSERT(c->zone_count == (w->options.doc_count + ZONE_DOCS - 1) / ZONE_DOCS);
    if (c->all.count == 0)
        return;
    bool is_dense = c->doc_count == w->options.doc_count;
    if (w->field_id == FIELD_ID_SEQ_NO) {
        w->seq_no_min = c->all.min_i;
        w->seq_no_max = c->all.max_i;
    }
    w->field_part_mask |= FIELD_PART_COLUMN;
    buf_add_u8(part, (uint8_t)c->kind);
    buf_add_u8(
        part, (uint8_t)((c->is_multi ? COLUMN_FLAG_MULTI : 0) | (is_dense ? COLUMN_FLAG_DENSE : 0) |
                        (is_dense && !c->is_multi && c->is_sorted ? COLUMN_FLAG_SORTED : 0)));
    buf_add_u32_le(part, c->doc_count);
    buf_add_u64_le(part, c->all.count);
    entry_write(part, c->kind, 0, 0, &c->all, 0, 0, c->is_multi);
    buf_add_u32_le(part, c->zone_count);
    buf_add_str(part, buf_str(&c->entries));
}

void segment_writer_column(struct segment_writer *w, const struct column_input *in)
{
    size_t at = 0;
    segment_writer_column_begin(w, in->kind);
    for (uint32_t first = 0; first < w->options.doc_count; first += ZONE_DOCS) {
        uint64_t end = MIN_OF((uint64_t)first + ZONE_DOCS, (uint64_t)w->options.doc_count);
        size_t from = at;
        if (in->docs) {
            while (at < in->count && in->docs[at] < end)
                at++;
        } else {
            at = MIN_OF(in->count, (size_t)end);
        }
        segment_writer_column_zone(w, in->docs ? in->docs + from : NULL, in->values + from,
                                   at - from);
    }
    ASSERT(at == in->count);
    segment_writer_column_end(w);
}
