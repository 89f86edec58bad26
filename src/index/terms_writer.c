/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary, postings and positions of one field. The postings and positions of a term are written
 * when it ends, one behind the other; the dictionary grows in a buffer and follows when the field
 * ends; its block index goes into the footer. */
#include "base/arena.h"
#include "base/bits.h"
#include "index/format.h"
#include "index/impacts.h"
#include "index/segment_writer.h"
#include "index/segment_writer_int.h"
#include "index/value_block.h"

static void each_buf(struct terms_writer *t, void (*fn)(struct buf *))
{
    struct postings_writer *p = &t->postings;
    struct buf *bufs[] = {&t->dictionary, &t->block_offs,     &t->block_bases, &t->first_terms,
                          &t->last_term,  &t->scratch,        &p->skips,       &p->blocks,
                          &p->positions,  &p->block_positions};
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
    t->postings_off = segment_writer__off(w);
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

static void block_write(struct buf *out, const uint32_t *docs, const uint32_t *freqs, uint32_t n,
                        uint32_t base, bool has_freqs)
{
    size_t head = out->n;
    uint32_t less_one[POSTINGS_BLOCK_DOCS], all = 0;
    unsigned width = 0, bitset_bytes = 0, freq_width = 0;
    buf_add_u32_le(out, 0);
    docs_write(out, docs, n, base, &width, &bitset_bytes);
    if (has_freqs) {
        for (uint32_t i = 0; i < n; i++) {
            less_one[i] = freqs[i] - 1;
            all |= less_one[i];
        }
        freq_width = bit_width(all);
        pack_bits_u32(out, less_one, n, freq_width);
    }
    if (out->is_over)
        return;
    out->p[head] = (char)width;
    out->p[head + 1] = (char)freq_width;
    put_u16_le(out->p + head + 2, (uint16_t)bitset_bytes);
}

/* Positions of `n` documents. */
static void positions_write(struct buf *out, const uint32_t *positions, const uint32_t *freqs,
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
}

static void skip_write(struct segment_writer *w, size_t doc_off, size_t pos_off)
{
    struct postings_writer *p = &w->terms.postings;
    uint8_t e[SKIP_ENTRY_BYTES];
    put_u32_le(e, p->docs[p->fill - 1]);
    put_u32_le(e + 4, (uint32_t)doc_off);
    put_u32_le(e + 8, (uint32_t)pos_off);
    impacts_make(p->freqs, w->has_norms ? p->norms : NULL, p->fill, e + SKIP_IMPACTS_OFF);
    buf_add(&p->skips, e, sizeof(e));
    if (doc_off > UINT32_MAX || pos_off > UINT32_MAX)
        segment_writer__fail(w, ERR_TOO_LARGE, "a term's postings are over 4 GiB");
}

static void postings_block_end(struct segment_writer *w)
{
    struct terms_writer *t = &w->terms;
    struct postings_writer *p = &t->postings;
    size_t doc_off = p->blocks.n, pos_off = p->positions.n;
    block_write(&p->blocks, p->docs, p->freqs, p->fill, p->block_count ? p->last_doc : UINT32_MAX,
                t->flags & TERMS_FLAG_FREQS);
    if (t->flags & TERMS_FLAG_POSITIONS)
        positions_write(&p->positions, (const uint32_t *)(const void *)p->block_positions.p,
                        p->freqs, p->fill, &t->scratch);
    skip_write(w, doc_off, pos_off);
    p->last_doc = p->docs[p->fill - 1];
    p->block_count++;
    p->fill = 0;
    buf_clear(&p->block_positions);
}

/* Up to a block's rest; returns how many. */
static uint32_t block_fill(struct segment_writer *w, const struct term_postings *from, uint32_t at,
                           const uint8_t *norms)
{
    struct postings_writer *p = &w->terms.postings;
    uint32_t n = MIN_OF(from->count - at, POSTINGS_BLOCK_DOCS - p->fill);
    uint64_t total = 0;
    bool has_freqs = from->freqs && (w->terms.flags & TERMS_FLAG_FREQS);
    memcpy(p->docs + p->fill, from->docs + at, n * sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t freq = has_freqs ? from->freqs[at + i] : 1;
        p->freqs[p->fill + i] = freq;
        total += freq;
    }
    for (uint32_t i = 0; w->has_norms && i < n; i++)
        p->norms[p->fill + i] = norms ? norms[at + i] : w->norms[from->docs[at + i]];
    p->fill += n;
    p->count += n;
    p->total += total;
    return n;
}

void segment_writer_term_docs(struct segment_writer *w, const struct term_postings *from,
                              const uint8_t *norms)
{
    struct postings_writer *p = &w->terms.postings;
    const uint32_t *positions = from->positions;
    for (uint32_t at = 0; at < from->count;) {
        if (p->fill == POSTINGS_BLOCK_DOCS) /* more follows: it is not the only document's block */
            postings_block_end(w);
        uint64_t before = p->total;
        at += block_fill(w, from, at, norms);
        if (w->terms.flags & TERMS_FLAG_POSITIONS) {
            buf_add(&p->block_positions, positions, (p->total - before) * sizeof(uint32_t));
            positions += p->total - before;
        }
    }
}

/* ---- Dictionary ---- */

static uint64_t postings_behind(const struct segment_writer *w)
{
    return segment_writer__off(w) - w->terms.postings_off;
}

static void block_begin(struct segment_writer *w, struct str term)
{
    struct terms_writer *t = &w->terms;
    if (t->dictionary.n > UINT32_MAX || t->first_terms.n > UINT32_MAX)
        segment_writer__fail(w, ERR_TOO_LARGE, "a dictionary is over 4 GiB");
    buf_add_u32_le(&t->block_offs, (uint32_t)t->dictionary.n);
    buf_add_u32_le(&t->block_offs, (uint32_t)t->first_terms.n);
    buf_add_u64_le(&t->block_bases, postings_behind(w));
    buf_add_str(&t->first_terms, term);
    t->block_count++;
}

/* A term with its counts; what belongs to its postings follows. */
static void entry_begin(struct segment_writer *w, struct str term, uint32_t count, uint64_t total)
{
    struct terms_writer *t = &w->terms;
    struct str last = buf_str(&t->last_term);
    size_t shared = 0;
    if (t->term_count % DICT_BLOCK_TERMS == 0) {
        block_begin(w, term);
    } else {
        size_t max = MIN_OF(last.n, term.n);
        while (shared < max && last.p[shared] == term.p[shared])
            shared++;
    }
    buf_add_varint(&t->dictionary, shared);
    buf_add_varint(&t->dictionary, term.n - shared);
    buf_add(&t->dictionary, term.p + shared, term.n - shared);
    buf_add_varint(&t->dictionary, count);
    if (t->flags & TERMS_FLAG_FREQS)
        buf_add_varint(&t->dictionary, total - count);
    t->term_count++;
    t->sum_doc_freq += count;
    t->sum_total_term_freq += total;
    buf_clear(&t->last_term);
    buf_add_str(&t->last_term, term);
}

/* Behind what is written, in pieces, so that a file takes it without a second copy of the whole. */
static void region_add(struct segment_writer *w, const struct buf *region)
{
    if (region->is_over)
        segment_writer__fail(w, ERR_TOO_LARGE, "postings are over the size limit");
    for (size_t at = 0; at < region->n; at += WRITER_DRAIN_BYTES) {
        buf_add(&w->out, region->p + at, MIN_OF(region->n - at, (size_t)WRITER_DRAIN_BYTES));
        segment_writer__drain(w, false);
    }
}

static void postings_clear(struct postings_writer *p)
{
    buf_clear(&p->skips);
    buf_clear(&p->blocks);
    buf_clear(&p->positions);
    buf_clear(&p->block_positions);
    p->fill = p->count = p->block_count = 0;
    p->total = 0;
}

/* A term of one document: the dictionary has the document, so there are only its positions. */
static void single_end(struct segment_writer *w)
{
    struct terms_writer *t = &w->terms;
    struct postings_writer *p = &t->postings;
    buf_add_varint(&t->dictionary, p->docs[0]);
    if (!(t->flags & TERMS_FLAG_POSITIONS))
        return;
    positions_write(&p->positions, (const uint32_t *)(const void *)p->block_positions.p, p->freqs,
                    1, &t->scratch);
    buf_add_varint(&t->dictionary, p->positions.n);
    region_add(w, &p->positions);
}

uint32_t segment_writer_term_end(struct segment_writer *w, struct str term)
{
    struct terms_writer *t = &w->terms;
    struct postings_writer *p = &t->postings;
    uint32_t count = p->count;
    ASSERT(t->is_open && (t->flags & TERMS_FLAG_POSTINGS));
    if (count > 0)
        entry_begin(w, term, count, p->total);
    if (count == 1) {
        single_end(w);
    } else if (count > 1) {
        postings_block_end(w);
        if (p->block_count == 1)
            buf_clear(&p->skips);
        buf_add_varint(&t->dictionary, p->skips.n + p->blocks.n);
        if (t->flags & TERMS_FLAG_POSITIONS)
            buf_add_varint(&t->dictionary, p->positions.n);
        region_add(w, &p->skips);
        region_add(w, &p->blocks);
        region_add(w, &p->positions);
    }
    postings_clear(p);
    return count;
}

void segment_writer_term(struct segment_writer *w, struct str term, const struct term_postings *p)
{
    struct terms_writer *t = &w->terms;
    ASSERT(t->is_open && p->count > 0);
    if (!(t->flags & TERMS_FLAG_POSTINGS)) {
        entry_begin(w, term, p->count, p->count);
        return;
    }
    segment_writer_term_docs(w, p, NULL);
    (void)segment_writer_term_end(w, term);
}

void segment_writer_terms_end(struct segment_writer *w, uint32_t doc_count)
{
    struct terms_writer *t = &w->terms;
    struct buf *part = &w->field_parts[1];
    ASSERT(t->is_open);
    t->is_open = false;
    if (t->term_count == 0)
        return;
    uint64_t postings_bytes = postings_behind(w), dictionary_off = segment_writer__off(w);
    region_add(w, &t->dictionary);
    t->doc_count = doc_count;
    w->field_part_mask |= FIELD_PART_TERMS;
    buf_add_u8(part, (uint8_t)t->flags);
    buf_add_u32_le(part, t->term_count);
    buf_add_u32_le(part, t->doc_count);
    buf_add_u64_le(part, t->sum_doc_freq);
    buf_add_u64_le(part, t->sum_total_term_freq);
    buf_add_u64_le(part, dictionary_off);
    buf_add_u64_le(part, t->dictionary.n);
    buf_add_u64_le(part, t->postings_off);
    buf_add_u64_le(part, postings_bytes);
    buf_add_u32_le(part, t->block_count);
    buf_add_u32_le(part, (uint32_t)t->first_terms.n);
    buf_add_str(part, buf_str(&t->block_offs));
    buf_add_u32_le(part, (uint32_t)t->dictionary.n);
    buf_add_u32_le(part, (uint32_t)t->first_terms.n);
    buf_add_str(part, buf_str(&t->block_bases));
    buf_add_str(part, buf_str(&t->first_terms));
}
