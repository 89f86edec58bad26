/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary, postings and positions of one field. The three regions grow in buffers while terms
 * come in and are appended to the file when the field ends; the dictionary's block index goes into
 * the footer. */
#include "base/arena.h"
#include "base/bits.h"
#include "index/format.h"
#include "index/impacts.h"
#include "index/segment_writer.h"
#include "index/segment_writer_int.h"
#include "index/value_block.h"

static void each_buf(struct terms_writer *t, void (*fn)(struct buf *))
{
    struct buf *bufs[] = {&t->dictionary,  &t->postings,    &t->positions, &t->block_offs,
                          &t->block_bases, &t->first_terms, &t->last_term, &t->scratch};
    for (size_t i = 0; i < ARRAY_COUNT(bufs); i++)
        fn(bufs[i]);
}

static void buf_init_large(struct buf *buf)
{
    buf_init(buf, WRITER_BYTES_MAX);
}

void terms_writer__init(struct terms_writer *terms)
{
    *terms = (struct terms_writer){0};
    each_buf(terms, buf_init_large);
}

void terms_writer__deinit(struct terms_writer *terms)
{
    each_buf(terms, buf_deinit);
}

void segment_writer_terms_begin(struct segment_writer *w, unsigned flags)
{
    struct terms_writer *t = &w->terms;
    ASSERT(!t->is_open);
    each_buf(t, buf_clear);
    t->is_open = true;
    t->flags = flags;
    t->term_count = t->block_count = 0;
    t->sum_doc_freq = t->sum_total_term_freq = 0;
}

/* ---- Postings of one term ---- */

/* Deltas of documents, as packed numbers or as a bitset when that is not larger. */
static void docs_write(struct buf *out, const uint32_t *docs, uint32_t n, uint32_t base,
                       unsigned *ret_width, unsigned *ret_bitset_bytes)
{
    uint32_t deltas[POSTINGS_BLOCK_DOCS], all = 0;
    for (uint32_t i = 0; i < n; i++) {
        deltas[i] =
            docs[i] - (i ? docs[i - 1] : base) - 1; /* base -1 stands for "before document 0" */
        all |= deltas[i];
    }
    unsigned width = bit_width(all);
    size_t span_bytes = (docs[n - 1] - docs[0]) / 8 + 1;
    if (n == POSTINGS_BLOCK_DOCS && width > 1 && span_bytes + 4 <= packed_bytes(n, width) + 8) {
        uint8_t bits[POSTINGS_BLOCK_DOCS * 8] = {0};
        ASSERT(span_bytes <= sizeof(bits));
        for (uint32_t i = 0; i < n; i++)
            bits[(docs[i] - docs[0]) / 8] |= (uint8_t)(1u << ((docs[i] - docs[0]) % 8));
        buf_add_u32_le(out, docs[0]);
        buf_add(out, bits, span_bytes);
        *ret_width = DOCS_BITSET;
        *ret_bitset_bytes = (unsigned)span_bytes;
        return;
    }
    pack_bits_u32(out, deltas, n, width);
    *ret_width = width;
    *ret_bitset_bytes = 0;
}

static void block_write(struct buf *out, const struct term_postings *p, uint32_t from, uint32_t n,
                        uint32_t base, bool has_freqs)
{
    size_t head = out->n;
    uint32_t freqs[POSTINGS_BLOCK_DOCS], all = 0;
    unsigned width = 0, bitset_bytes = 0, freq_width = 0;
    buf_add_u32_le(out, 0);
    docs_write(out, p->docs + from, n, base, &width, &bitset_bytes);
    if (has_freqs) {
        for (uint32_t i = 0; i < n; i++) {
            freqs[i] = p->freqs[from + i] - 1;
            all |= freqs[i];
        }
        freq_width = bit_width(all);
        pack_bits_u32(out, freqs, n, freq_width);
    }
    if (out->is_over)
        return;
    out->p[head] = (char)width;
    out->p[head + 1] = (char)freq_width;
    put_u16_le(out->p + head + 2, (uint16_t)bitset_bytes);
}

/* Positions of `n` documents from `from`; returns how many positions that were. */
static size_t positions_write(struct buf *out, const uint32_t *positions, const uint32_t *freqs,
                              uint32_t n, struct buf *scratch)
{
    size_t count = 0;
    uint32_t all = 0;
    buf_clear(scratch);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < freqs[i]; k++, count++) {
            uint64_t delta = k ? positions[count] - positions[count - 1] : positions[count];
            all |= (uint32_t)delta;
            buf_add(scratch, &delta, sizeof(delta));
        }
    }
    unsigned width = bit_width(all);
    buf_add_u8(out, (uint8_t)width);
    if (!scratch->is_over)
        pack_bits(out, (const uint64_t *)(const void *)scratch->p, count, width);
    return count;
}

static void skip_write(struct segment_writer *w, uint8_t *e, const struct term_postings *p,
                       uint32_t from, uint32_t n, size_t doc_off, size_t pos_off)
{
    uint32_t freqs[POSTINGS_BLOCK_DOCS];
    uint8_t norms[POSTINGS_BLOCK_DOCS];
    for (uint32_t i = 0; i < n; i++) {
        freqs[i] = p->freqs ? p->freqs[from + i] : 1;
        if (w->norms)
            norms[i] = w->norms[p->docs[from + i]];
    }
    put_u32_le(e, p->docs[from + n - 1]);
    put_u32_le(e + 4, (uint32_t)doc_off);
    put_u32_le(e + 8, (uint32_t)pos_off);
    impacts_make(freqs, w->norms ? norms : NULL, n, e + SKIP_IMPACTS_OFF);
    if (doc_off > UINT32_MAX || pos_off > UINT32_MAX)
        segment_writer__fail(w, ERR_TOO_LARGE, "a term's postings are over 4 GiB");
}

static void postings_write(struct segment_writer *w, const struct term_postings *p)
{
    struct terms_writer *t = &w->terms;
    bool has_freqs = t->flags & TERMS_FLAG_FREQS, has_positions = t->flags & TERMS_FLAG_POSITIONS;
    uint32_t blocks = (p->count + POSTINGS_BLOCK_DOCS - 1) / POSTINGS_BLOCK_DOCS;
    size_t table = t->postings.n, positions_begin = t->positions.n, position = 0;
    size_t table_bytes = blocks > 1 ? (size_t)blocks * SKIP_ENTRY_BYTES : 0;
    if (p->count > 1) {
        if (!buf_reserve(&t->postings, table_bytes + 1))
            return;
        buf_added(&t->postings, table_bytes);
    }
    for (uint32_t b = 0; b < blocks; b++) {
        uint32_t from = b * POSTINGS_BLOCK_DOCS, n = MIN_OF(p->count - from, POSTINGS_BLOCK_DOCS);
        size_t doc_off = t->postings.n - table - table_bytes,
               pos_off = t->positions.n - positions_begin;
        if (p->count > 1)
            block_write(&t->postings, p, from, n, from ? p->docs[from - 1] : UINT32_MAX, has_freqs);
        if (has_positions)
            position += positions_write(&t->positions, p->positions + position, p->freqs + from, n,
                                        &t->scratch);
        if (blocks > 1 && !t->postings.is_over) {
            uint8_t e[SKIP_ENTRY_BYTES];
            skip_write(w, e, p, from, n, doc_off, pos_off);
            memcpy(t->postings.p + table + (size_t)b * SKIP_ENTRY_BYTES, e, sizeof(e));
        }
    }
}

/* ---- Dictionary ---- */

static void block_begin(struct segment_writer *w, struct str term)
{
    struct terms_writer *t = &w->terms;
    if (t->dictionary.n > UINT32_MAX || t->first_terms.n > UINT32_MAX)
        segment_writer__fail(w, ERR_TOO_LARGE, "a dictionary is over 4 GiB");
    buf_add_u32_le(&t->block_offs, (uint32_t)t->dictionary.n);
    buf_add_u32_le(&t->block_offs, (uint32_t)t->first_terms.n);
    buf_add_u64_le(&t->block_bases, t->postings.n);
    buf_add_u64_le(&t->block_bases, t->positions.n);
    buf_add_str(&t->first_terms, term);
    t->block_count++;
}

void segment_writer_term(struct segment_writer *w, struct str term, const struct term_postings *p)
{
    struct terms_writer *t = &w->terms;
    ASSERT(t->is_open && p->count > 0);
    struct str last = buf_str(&t->last_term);
    size_t shared = 0;
    if (t->term_count % DICT_BLOCK_TERMS == 0) {
        block_begin(w, term);
    } else {
        size_t max = MIN_OF(last.n, term.n);
        while (shared < max && last.p[shared] == term.p[shared])
            shared++;
    }
    uint64_t total = 0;
    if (t->flags & TERMS_FLAG_FREQS) {
        for (uint32_t i = 0; i < p->count; i++)
            total += p->freqs[i];
    } else {
        total = p->count;
    }
    buf_add_varint(&t->dictionary, shared);
    buf_add_varint(&t->dictionary, term.n - shared);
    buf_add(&t->dictionary, term.p + shared, term.n - shared);
    buf_add_varint(&t->dictionary, p->count);
    if (t->flags & TERMS_FLAG_FREQS)
        buf_add_varint(&t->dictionary, total - p->count);
    if (t->flags & TERMS_FLAG_POSTINGS) {
        size_t postings_begin = t->postings.n, positions_begin = t->positions.n;
        postings_write(w, p);
        buf_add_varint(&t->dictionary, p->count == 1 ? p->docs[0] : t->postings.n - postings_begin);
        if (t->flags & TERMS_FLAG_POSITIONS)
            buf_add_varint(&t->dictionary, t->positions.n - positions_begin);
    }
    t->term_count++;
    t->sum_doc_freq += p->count;
    t->sum_total_term_freq += total;
    buf_clear(&t->last_term);
    buf_add_str(&t->last_term, term);
}

static void region_write(struct segment_writer *w, struct buf *part, const struct buf *region)
{
    buf_add_u64_le(part, segment_writer__off(w));
    buf_add_u64_le(part, region->n);
    if (region->is_over)
        segment_writer__fail(w, ERR_TOO_LARGE, "postings are over the size limit");
    /* In pieces, so that a file takes them without a second copy of the whole. */
    for (size_t at = 0; at < region->n; at += WRITER_DRAIN_BYTES) {
        buf_add(&w->out, region->p + at, MIN_OF(region->n - at, (size_t)WRITER_DRAIN_BYTES));
        segment_writer__drain(w, false);
    }
}

void segment_writer_terms_end(struct segment_writer *w, uint32_t doc_count)
{
    struct terms_writer *t = &w->terms;
    struct buf *part = &w->field_parts[1];
    ASSERT(t->is_open);
    t->is_open = false;
    if (t->term_count == 0)
        return;
    t->doc_count = doc_count;
    w->field_part_mask |= FIELD_PART_TERMS;
    buf_add_u8(part, (uint8_t)t->flags);
    buf_add_u32_le(part, t->term_count);
    buf_add_u32_le(part, t->doc_count);
    buf_add_u64_le(part, t->sum_doc_freq);
    buf_add_u64_le(part, t->sum_total_term_freq);
    region_write(w, part, &t->dictionary);
    region_write(w, part, &t->postings);
    region_write(w, part, &t->positions);
    buf_add_u32_le(part, t->block_count);
    buf_add_u32_le(part, (uint32_t)t->first_terms.n);
    buf_add_str(part, buf_str(&t->block_offs));
    buf_add_u32_le(part, (uint32_t)t->dictionary.n);
    buf_add_u32_le(part, (uint32_t)t->first_terms.n);
    buf_add_str(part, buf_str(&t->block_bases));
    buf_add_str(part, buf_str(&t->first_terms));
}
