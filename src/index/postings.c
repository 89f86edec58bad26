/* SPDX-License-Identifier: Apache-2.0 */
/* Reading postings: the documents of one block of at most 128 are unpacked at a time; the skip
 * table finds the block for an advance and bounds its scores. Frequencies of a block are unpacked
 * when they are first asked for, positions document by document. */
#include "base/arena.h"
#include "index/impacts.h"
#include "index/segment_int.h"
#include "index/unpack.h"
#include "index/value_block.h"

/* Positions of a block that need no bits: all are 0. Others are bounded by the bytes they take. */
#define POSITIONS_FLAT_MAX (1u << 20)
/* 128 distances of so many bits stay within 31 bits, and a document number before them too. */
#define POSTINGS_SUM_BITS 23u

struct postings {
    struct segment *seg;
    const struct terms *terms;
    struct arena *mem;
    const uint8_t *norms;
    const uint8_t *skip;         /* table, NULL with one block */
    const uint8_t *blocks, *end; /* block bytes behind the table */
    uint64_t positions_off, positions_bytes;
    uint32_t doc_freq, block_count, block; /* block: the one unpacked, UINT32_MAX: none */
    uint32_t n, at;                        /* documents of the block; the current one */
    bool is_started, want_freqs, want_positions;
    bool has_freqs;          /* `freqs` are those of the block */
    const uint8_t *freqs_at; /* packed; checked when the block was entered */
    unsigned freq_width;
    uint8_t one_impacts[IMPACT_BYTES]; /* of a single block */
    uint32_t docs_last;                /* its last document */
    const uint8_t *position_bytes;     /* of the term; NULL: not asked for yet */
    const uint8_t *positions_at;       /* packed, of the block; NULL: not looked at yet */
    unsigned position_width;
    uint32_t *positions, *position_begin; /* of the current document; of each one in the block */
    uint32_t positions_of;                /* document of `positions`; DOC_NONE: none */
    size_t position_capacity;
    uint32_t *block_positions; /* of the whole block */
    size_t block_position_capacity;
    uint32_t docs[POSTINGS_BLOCK_DOCS], freqs[POSTINGS_BLOCK_DOCS];
};

static void damaged(struct postings *p)
{
    p->has_freqs = true;
    segment__damaged(p->seg, "bad postings", (uint64_t)(p->blocks - p->seg->bytes));
    p->block_count = 0;
    p->n = 0;
    p->at = 0;
    p->is_started = true;
}

static const uint8_t *skip_entry(const struct postings *p, uint32_t block)
{
    return p->skip + (size_t)block * SKIP_ENTRY_BYTES;
}

static uint32_t block_last(const struct postings *p, uint32_t block)
{
    return p->skip ? get_u32_le(skip_entry(p, block)) : p->docs[p->n - 1];
}

/* Documents of a bit set, `n` of them; false: there are not so many. */
static bool bits_unpack(const uint8_t *data, unsigned bytes, uint32_t first, uint32_t *docs,
                        uint32_t n)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < bytes; i += 8) {
        uint64_t bits = 0;
        if (bytes - i >= 8)
            bits = get_u64_le(data + i);
        for (unsigned k = i; bytes - i < 8 && k < bytes; k++)
            bits |= (uint64_t)data[k] << ((k - i) * 8);
        if (at + (unsigned)__builtin_popcountll(bits) > n)
            return false;
        for (; bits; bits &= bits - 1)
            docs[at++] = first + i * 8 + (uint32_t)__builtin_ctzll(bits);
    }
    return at == n;
}

static bool docs_unpack(struct postings *p, const uint8_t *data, const uint8_t *end, unsigned width,
                        unsigned bitset_bytes, uint32_t base, const uint8_t **ret_behind)
{
    if (width == DOCS_BITSET) {
        if ((size_t)(end - data) < bitset_bytes + 4u)
            return false;
        uint32_t first = get_u32_le(data);
        if (first > SEGMENT_DOCS_MAX || (base != UINT32_MAX && first <= base))
            return false;
        *ret_behind = data + 4 + bitset_bytes;
        return bits_unpack(data + 4, bitset_bytes, first, p->docs, p->n);
    }
    size_t bytes = packed_bytes(p->n, width);
    if (width > 32 || (size_t)(end - data) < bytes ||
        (base != UINT32_MAX && base >= p->seg->doc_count))
        return false;
    unpack_u32(data, 0, p->n, width, p->docs);
    if (width > POSTINGS_SUM_BITS) { /* the sums could wrap around */
        uint64_t doc = base == UINT32_MAX ? UINT64_MAX : base;
        for (uint32_t i = 0; i < p->n; i++)
            doc += (uint64_t)p->docs[i] + 1;
        if (doc > SEGMENT_DOCS_MAX)
            return false;
    }
    sum_distances(p->docs, p->n, base);
    *ret_behind = data + bytes;
    return true;
}

/* Unpacks a block; the position in it is before its first document. */
static bool block_load(struct postings *p, uint32_t block)
{
    ASSERT(block < p->block_count);
    p->block = block;
    p->at = 0;
    p->n = MIN_OF(p->doc_freq - block * POSTINGS_BLOCK_DOCS, POSTINGS_BLOCK_DOCS);
    p->positions_at = NULL;
    p->positions_of = DOC_NONE;
    const uint8_t *from = p->blocks + (p->skip ? get_u32_le(skip_entry(p, block) + 4) : 0);
    if (from > p->end || (size_t)(p->end - from) < 4) {
        damaged(p);
        return false;
    }
    unsigned width = from[0], freq_width = from[1], bitset_bytes = get_u16_le(from + 2);
    const uint8_t *behind;
    if (!docs_unpack(p, from + 4, p->end, width, bitset_bytes,
                     block ? block_last(p, block - 1) : UINT32_MAX, &behind) ||
        p->docs[p->n - 1] >= p->seg->doc_count ||
        (p->skip && p->docs[p->n - 1] != block_last(p, block))) {
        damaged(p);
        return false;
    }
    if (!(p->terms->flags & TERMS_FLAG_FREQS) || !p->want_freqs)
        return true;
    if (freq_width > 32 || (size_t)(p->end - behind) < packed_bytes(p->n, freq_width)) {
        damaged(p);
        return false;
    }
    p->freqs_at = behind;
    p->freq_width = freq_width;
    p->has_freqs = false;
    return true;
}

static void freqs_load(struct postings *p)
{
    if (p->has_freqs)
        return;
    unpack_u32(p->freqs_at, 0, p->n, p->freq_width, p->freqs);
    for (uint32_t i = 0; i < p->n; i++)
        p->freqs[i]++;
    p->has_freqs = true;
}

static void single_open(struct postings *p, const struct term_entry *entry)
{
    p->block_count = 1;
    p->block = 0;
    p->n = 1;
    p->docs[0] = entry->single_doc;
    p->freqs[0] = (uint32_t)entry->total_term_freq;
}

/* Bounds of a list without a skip table. */
static void one_bounds(struct postings *p)
{
    uint8_t norms[POSTINGS_BLOCK_DOCS];
    freqs_load(p);
    p->docs_last = p->docs[p->n - 1];
    for (uint32_t i = 0; p->norms && i < p->n; i++)
        norms[i] = p->norms[p->docs[i]];
    impacts_make(p->freqs, p->norms ? norms : NULL, p->n, p->one_impacts);
}

uint32_t postings_doc(const struct postings *p)
{
    return p->is_started && p->at < p->n ? p->docs[p->at] : DOC_NONE;
}

/* Makes block `block` current with its first document; past the last block: the end. */
static uint32_t block_enter(struct postings *p, uint32_t block)
{
    p->is_started = true;
    if (block >= p->block_count) {
        p->at = p->n = 0;
        p->block = p->block_count;
        return DOC_NONE;
    }
    if (p->block != block && !block_load(p, block))
        return DOC_NONE;
    p->at = 0;
    return p->docs[0];
}

uint32_t postings_next(struct postings *p)
{
    if (!p->is_started)
        return block_enter(p, 0);
    if (p->at + 1 < p->n)
        return p->docs[++p->at];
    return block_enter(p, p->block >= p->block_count ? p->block_count : p->block + 1);
}

static void postings_init(struct postings *p, struct segment *seg, const struct terms *terms,
                          const struct term_entry *entry, const uint8_t *norms, unsigned flags,
                          struct arena *mem)
{
    memset(p, 0, offsetof(struct postings, docs));
    p->seg = seg;
    p->terms = terms;
    p->mem = mem;
    p->norms = norms;
    p->doc_freq = entry->doc_freq;
    p->positions_off = terms->postings_off + entry->positions_off;
    p->positions_bytes = entry->positions_bytes;
    p->want_positions = (flags & POSTINGS_POSITIONS) && (terms->flags & TERMS_FLAG_POSITIONS);
    p->want_freqs =
        (terms->flags & TERMS_FLAG_FREQS) && (flags & (POSTINGS_FREQS | POSTINGS_POSITIONS));
    p->block = UINT32_MAX;
    p->has_freqs = true; /* as long as they need no unpacking */
    p->positions_of = DOC_NONE;
}

/* Finds the blocks of a list of more than one document, and unpacks an only one. */
static void blocks_open(struct postings *p, const struct term_entry *entry)
{
    p->blocks =
        segment__at(p->seg, p->terms->postings_off + entry->postings_off, entry->postings_bytes);
    if (!p->blocks)
        return;
    p->end = p->blocks + entry->postings_bytes;
    p->block_count = (p->doc_freq + POSTINGS_BLOCK_DOCS - 1) / POSTINGS_BLOCK_DOCS;
    if (p->block_count == 1) {
        (void)block_load(p, 0);
        return;
    }
    uint64_t table = (uint64_t)p->block_count * SKIP_ENTRY_BYTES;
    if (table > entry->postings_bytes) {
        damaged(p);
        return;
    }
    p->skip = p->blocks;
    p->blocks += table;
}

struct postings *postings__open(struct segment *seg, const struct terms *terms,
                                const struct term_entry *entry, const uint8_t *norms,
                                unsigned flags, struct arena *mem)
{
    struct postings *p = arena_alloc(mem, sizeof(*p));
    postings_init(p, seg, terms, entry, norms, flags, mem);
    for (uint32_t i = 0; i < POSTINGS_BLOCK_DOCS; i++)
        p->freqs[i] = 1;
    if (p->doc_freq == 1)
        single_open(p, entry);
    else if (p->doc_freq > 1)
        blocks_open(p, entry);
    if (!p->skip && p->block_count == 1)
        one_bounds(p);
    return p;
}

static void docs_add(const uint32_t *docs, uint32_t n, uint64_t *bits)
{
    for (uint32_t i = 0; i < n; i++)
        bitset_set(bits, docs[i]);
}

void postings_add(struct postings *p, uint64_t *bits)
{
    for (uint32_t doc = p->is_started ? postings_doc(p) : postings_next(p); doc != DOC_NONE;
         doc = block_enter(p, p->block + 1))
        docs_add(p->docs + p->at, p->n - p->at, bits);
}

void postings__add_docs(struct segment *seg, const struct terms *terms,
                        const struct term_entry *entry, uint64_t *bits)
{
    struct postings p; /* nothing of it outlives this: thousands of terms need no memory */
    if (entry->doc_freq == 1) {
        bitset_set(bits, entry->single_doc);
        return;
    }
    postings_init(&p, seg, terms, entry, NULL, POSTINGS_DOCS, NULL);
    if (p.doc_freq > 1)
        blocks_open(&p, entry);
    postings_add(&p, bits);
}

/* First block from `block` on whose last document is >= target. */
static uint32_t block_find(const struct postings *p, uint32_t block, uint32_t target)
{
    if (!p->skip)
        return block == 0 && p->n && p->docs[p->n - 1] >= target ? 0 : 1;
    uint32_t step = 1, low = block;
    while (low + step < p->block_count && block_last(p, low + step - 1) < target) {
        low += step;
        step *= 2;
    }
    uint32_t high = MIN_OF(low + step, p->block_count);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (block_last(p, mid) < target)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t postings_advance(struct postings *p, uint32_t target)
{
    if (p->block_count == 0 || (p->is_started && p->block >= p->block_count))
        return block_enter(p, p->block_count);
    if (p->is_started && p->at < p->n && p->docs[p->at] >= target)
        return p->docs[p->at];
    uint32_t from = p->is_started ? p->block : 0;
    uint32_t block =
        p->is_started && p->n && p->docs[p->n - 1] >= target ? from : block_find(p, from, target);
    if (!p->is_started || block != p->block) {
        if (block_enter(p, block) == DOC_NONE)
            return DOC_NONE;
    }
    uint32_t low = p->at, high = p->n; /* first doc >= target */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (p->docs[mid] < target)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == p->n) {
        /* The skip table promised one: only damage gets here. */
        damaged(p);
        return DOC_NONE;
    }
    p->at = low;
    return p->docs[low];
}

uint32_t postings_freq(struct postings *p)
{
    if (p->at >= p->n)
        return 0;
    freqs_load(p);
    return p->freqs[p->at];
}

const uint32_t *postings_block(struct postings *p, const uint32_t **ret_freqs, uint32_t *ret_count)
{
    *ret_count = p->is_started ? p->n - p->at : 0;
    if (*ret_count == 0)
        return NULL;
    freqs_load(p);
    *ret_freqs = p->freqs + p->at;
    return p->docs + p->at;
}

/* Where the positions of the block lie, and where in them each document's begin. */
static bool positions_find(struct postings *p)
{
    uint32_t off = p->skip ? get_u32_le(skip_entry(p, p->block) + 8) : 0;
    uint64_t count = 0;
    if (!p->position_bytes)
        p->position_bytes = segment__at(p->seg, p->positions_off, p->positions_bytes);
    if (!p->position_begin)
        p->position_begin = ARENA_ARRAY(p->mem, uint32_t, POSTINGS_BLOCK_DOCS + 1);
    freqs_load(p);
    for (uint32_t i = 0; i < p->n; i++) {
        p->position_begin[i] = (uint32_t)count;
        count += p->freqs[i];
    }
    const uint8_t *data = p->position_bytes;
    if (!data || off >= p->positions_bytes || data[off] > 32 || count > UINT32_MAX ||
        packed_bytes(count, data[off]) > p->positions_bytes - off - 1 ||
        (data[off] == 0 && count > POSITIONS_FLAT_MAX))
        return false;
    p->position_width = data[off];
    p->positions_at = data + off + 1;
    return true;
}

/* Of the current document. */
static void positions_load(struct postings *p)
{
    uint32_t n = p->freqs[p->at];
    uint64_t bit = (uint64_t)p->position_begin[p->at] * p->position_width, sum = 0;
    uint64_t mask = (UINT64_C(1) << p->position_width) - 1;
    if (n > p->position_capacity) {
        p->position_capacity = (size_t)n * 2;
        p->positions = arena_alloc(p->mem, p->position_capacity * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < n; i++, bit += p->position_width) {
        sum += (get_u64_le(p->positions_at + (bit >> 3)) >> (bit & 7)) & mask;
        p->positions[i] = (uint32_t)sum;
    }
    p->positions_of = p->docs[p->at];
}

const uint32_t *postings_positions(struct postings *p, size_t *ret_count)
{
    *ret_count = 0;
    if (!p->want_positions || p->at >= p->n)
        return NULL;
    if (!p->positions_at && !positions_find(p)) {
        damaged(p);
        return NULL;
    }
    if (p->positions_of != p->docs[p->at])
        positions_load(p);
    *ret_count = p->freqs[p->at];
    return p->positions;
}

const uint32_t *postings__block_positions(struct postings *p, const uint32_t **ret_begins)
{
    if (!p->want_positions || p->n == 0)
        return NULL;
    if (!p->positions_at && !positions_find(p)) {
        damaged(p);
        return NULL;
    }
    uint32_t *begins = p->position_begin;
    size_t count = begins[p->n - 1] + (size_t)p->freqs[p->n - 1];
    begins[p->n] = (uint32_t)count;
    if (count > p->block_position_capacity) {
        p->block_position_capacity = MAX_OF(count * 2, (size_t)POSTINGS_BLOCK_DOCS);
        p->block_positions = ARENA_ARRAY(p->mem, uint32_t, p->block_position_capacity);
    }
    unpack_u32(p->positions_at, 0, count, p->position_width, p->block_positions);
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t k = begins[i] + 1; k < begins[i + 1]; k++)
            p->block_positions[k] += p->block_positions[k - 1];
    }
    *ret_begins = begins;
    return p->block_positions;
}

void postings_fill(struct postings *p, uint32_t first, uint32_t n, uint64_t *words)
{
    ASSERT(n <= ZONE_DOCS);
    uint32_t end = first + n;
    uint32_t doc = postings_doc(p);
    if (!p->is_started || (doc != DOC_NONE && doc < first))
        doc = postings_advance(p, first);
    while (doc < end) {
        while (p->at < p->n && p->docs[p->at] < end) {
            bitset_set(words, p->docs[p->at] - first);
            p->at++;
        }
        if (p->at < p->n)
            return;
        doc = block_enter(p, p->block + 1);
    }
}

/* The block that holds the first document >= target; block_count: none. */
static uint32_t block_for(const struct postings *p, uint32_t target)
{
    uint32_t from = p->is_started && p->block < p->block_count ? p->block : 0;
    if (from && block_last(p, from - 1) >= target)
        from = 0;
    return block_find(p, from, target);
}

/* The only block of a list without a skip table. */
static bool one_is_past(const struct postings *p, uint32_t target)
{
    return p->block_count == 0 || p->doc_freq == 0 || p->docs_last < target;
}

void postings_block_max(const struct postings *p, uint32_t target, uint32_t *ret_upto,
                        uint32_t *ret_freq_max, uint8_t *ret_norm_min)
{
    const uint8_t *impacts = p->one_impacts;
    bool is_past = !p->skip && one_is_past(p, target);
    uint32_t upto = is_past ? DOC_NONE : p->docs_last;
    if (p->skip) {
        uint32_t block = block_for(p, target);
        is_past = block >= p->block_count;
        upto = is_past ? DOC_NONE : block_last(p, block);
        impacts = is_past ? NULL : skip_entry(p, block) + SKIP_IMPACTS_OFF;
    }
    *ret_upto = upto;
    *ret_freq_max = is_past ? 0 : impacts_freq_max(impacts);
    *ret_norm_min = is_past ? 0 : impacts_norm_min(impacts);
}

float postings_impact_max(const struct postings *p, uint32_t first, uint32_t end,
                          const float *norm_inverse, uint32_t *ret_upto)
{
    float most = 0;
    *ret_upto = DOC_NONE;
    if (!p->skip) {
        if (one_is_past(p, first))
            return 0;
        *ret_upto = p->docs_last;
        return impacts_max(p->one_impacts, norm_inverse);
    }
    for (uint32_t block = block_for(p, first); block < p->block_count; block++) {
        float x = impacts_max(skip_entry(p, block) + SKIP_IMPACTS_OFF, norm_inverse);
        most = MAX_OF(most, x);
        *ret_upto = block_last(p, block);
        if (*ret_upto >= end - 1)
            break;
    }
    return most;
}
