/* SPDX-License-Identifier: Apache-2.0 */
/* Reading postings: the documents of one block of at most 128 are unpacked at a time; the skip
 * table finds the block for an advance and bounds its scores. A block that is a bit set stays one
 * as long as documents are only looked up in it. A single frequency is read where it lies; those of
 * a block are unpacked when all are asked for, positions document by document. */
#include "base/arena.h"
#include "index/impacts.h"
#include "index/segment_int.h"
#include "index/unpack.h"
#include "index/value_block.h"

/* Positions of a block that need no bits: all are 0. Others are bounded by the bytes they take. */
#define POSITIONS_FLAT_MAX (1u << 20)
/* A block's bit set has at most so many bytes: as writers make them. */
#define BITS_BYTES_MAX (POSTINGS_BLOCK_DOCS * 8u)
#define BITS_WORDS     (BITS_BYTES_MAX / 8u)
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
    uint32_t doc, last; /* the current document, DOC_NONE: none; the block's last one */
    uint32_t n, at;     /* documents of the block; the current one's place, unless is_bits */
    bool is_bits;       /* the block is in `bits`, from document bits_first on, and not in `docs` */
    uint32_t bits_first;
    bool is_started, want_freqs, want_positions;
    bool has_freqs;          /* `freqs` are those of the block */
    const uint8_t *freqs_at; /* packed; checked when the block was entered */
    unsigned freq_width;
    uint32_t above_block, above_freq;  /* in this block a document needs this frequency … */
    float above_min;                   /* … to have a product above this */
    uint8_t one_impacts[IMPACT_BYTES]; /* of a single block */
    uint32_t docs_last;                /* its last document */
    const uint8_t *position_bytes;     /* of the term; NULL: not asked for yet */
    const uint8_t *positions_at;       /* packed, of the block; NULL: not looked at yet */
    unsigned position_width;
    uint64_t positions_left; /* bytes from positions_at on */
    uint32_t begin_of;       /* a place in the block, and the positions of the documents before */
    uint64_t begin;
    uint32_t *positions;   /* of the current document */
    uint32_t positions_of; /* document of `positions`; DOC_NONE: none */
    size_t position_capacity;
    uint32_t *block_positions, *block_begins; /* of the whole block */
    size_t block_position_capacity;
    /* Behind the block's documents DOC_NONE. */
    uint32_t docs[POSTINGS_BLOCK_DOCS], freqs[POSTINGS_BLOCK_DOCS];
    uint64_t bits[BITS_WORDS];
};

static void damaged(struct postings *p)
{
    p->has_freqs = true;
    segment__damaged(p->seg, "bad postings", (uint64_t)(p->blocks - p->seg->bytes));
    p->block_count = 0;
    p->n = 0;
    p->at = 0;
    p->doc = DOC_NONE;
    p->is_bits = false;
    p->is_started = true;
}

static const uint8_t *skip_entry(const struct postings *p, uint32_t block)
{
    return p->skip + (size_t)block * SKIP_ENTRY_BYTES;
}

static uint32_t block_last(const struct postings *p, uint32_t block)
{
    return p->skip ? get_u32_le(skip_entry(p, block)) : p->last;
}

/* ---- A block's documents ---- */

/* Takes a bit set over; false: it has not n documents. */
static bool bits_take(struct postings *p, const uint8_t *data, unsigned bytes, uint32_t first)
{
    unsigned words = (bytes + 7) / 8, count = 0;
    if (bytes == 0 || bytes > BITS_BYTES_MAX || !(data[0] & 1) || data[bytes - 1] == 0)
        return false;
    p->bits[words - 1] = 0;
    memcpy(p->bits, data, bytes);
    for (unsigned i = 0; i < words; i++) {
        p->bits[i] = get_u64_le(&p->bits[i]);
        count += (unsigned)__builtin_popcountll(p->bits[i]);
    }
    p->is_bits = true;
    p->bits_first = first;
    p->last = first + words * 64 - 1 - (uint32_t)__builtin_clzll(p->bits[words - 1]);
    return count == p->n;
}

/* The first document of the bit set that is >= target, which is not behind its last one. */
static uint32_t bits_next(const struct postings *p, uint32_t target)
{
    uint32_t bit = target - p->bits_first, word = bit >> 6;
    uint64_t left = p->bits[word] & (~UINT64_C(0) << (bit & 63));
    while (!left)
        left = p->bits[++word];
    return p->bits_first + word * 64 + (uint32_t)__builtin_ctzll(left);
}

/* Where in the block the current document stands. */
static uint32_t place(const struct postings *p)
{
    if (!p->is_bits || p->doc == DOC_NONE)
        return p->at;
    uint32_t bit = p->doc - p->bits_first, at = 0;
    for (uint32_t word = 0; word < bit >> 6; word++)
        at += (uint32_t)__builtin_popcountll(p->bits[word]);
    uint64_t before = (UINT64_C(1) << (bit & 63)) - 1;
    return at + (uint32_t)__builtin_popcountll(p->bits[bit >> 6] & before);
}

/* Puts the documents of a bit set into `docs`. */
static void docs_load(struct postings *p)
{
    if (!p->is_bits)
        return;
    uint32_t n = 0;
    p->at = place(p);
    for (uint32_t word = 0; n < p->n; word++) {
        for (uint64_t left = p->bits[word]; left; left &= left - 1)
            p->docs[n++] = p->bits_first + word * 64 + (uint32_t)__builtin_ctzll(left);
    }
    p->is_bits = false;
}

static uint32_t first_doc(const struct postings *p)
{
    return p->is_bits ? p->bits_first : p->docs[0];
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
        return bits_take(p, data + 4, bitset_bytes, first);
    }
    size_t bytes = packed_bytes(p->n, width);
    if (width > 32 || (size_t)(end - data) < bytes ||
        (base != UINT32_MAX && base >= p->seg->doc_count))
        return false;
    /* Behind the postings there are at least the segment's footer and tail. */
    ASSERT((size_t)(p->seg->bytes + p->seg->size - data) >= bytes + UNPACK_SLACK);
    if (width <= POSTINGS_SUM_BITS) {
        unpack_distances(data, p->n, width, base, p->docs);
    } else { /* the sums could wrap around */
        uint64_t doc = base == UINT32_MAX ? UINT64_MAX : base;
        unpack_u32(data, 0, p->n, width, p->docs);
        for (uint32_t i = 0; i < p->n; i++)
            doc += (uint64_t)p->docs[i] + 1;
        if (doc > SEGMENT_DOCS_MAX)
            return false;
        sum_distances(p->docs, p->n, base);
    }
    for (uint32_t i = p->n; i < POSTINGS_BLOCK_DOCS; i++)
        p->docs[i] = DOC_NONE;
    p->last = p->docs[p->n - 1];
    *ret_behind = data + bytes;
    return true;
}

/* Unpacks a block; the position in it is before its first document. */
static bool block_load(struct postings *p, uint32_t block)
{
    ASSERT(block < p->block_count);
    p->block = block;
    p->at = 0;
    p->is_bits = false;
    p->doc = DOC_NONE;
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
        p->last >= p->seg->doc_count || (p->skip && p->last != block_last(p, block))) {
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
    p->docs[0] = p->last = entry->single_doc;
    for (uint32_t i = 1; i < POSTINGS_BLOCK_DOCS; i++)
        p->docs[i] = DOC_NONE;
    p->freqs[0] = (uint32_t)entry->total_term_freq;
}

/* Bounds of a list without a skip table. */
static void one_bounds(struct postings *p)
{
    uint8_t norms[POSTINGS_BLOCK_DOCS];
    docs_load(p);
    freqs_load(p);
    p->docs_last = p->last;
    for (uint32_t i = 0; p->norms && i < p->n; i++)
        norms[i] = p->norms[p->docs[i]];
    impacts_make(p->freqs, p->norms ? norms : NULL, p->n, p->one_impacts);
}

uint32_t postings_doc(const struct postings *p)
{
    return p->doc;
}

/* Makes block `block` current with its first document; past the last block: the end. */
static uint32_t block_enter(struct postings *p, uint32_t block)
{
    p->is_started = true;
    if (block >= p->block_count) {
        p->at = p->n = 0;
        p->is_bits = false;
        p->block = p->block_count;
        p->doc = DOC_NONE;
        return DOC_NONE;
    }
    if (p->block != block && !block_load(p, block))
        return DOC_NONE;
    p->at = 0;
    p->doc = first_doc(p);
    return p->doc;
}

uint32_t postings_next(struct postings *p)
{
    if (!p->is_started)
        return block_enter(p, 0);
    docs_load(p);
    if (p->at + 1 < p->n) {
        p->doc = p->docs[++p->at];
        return p->doc;
    }
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
    p->doc = p->positions_of = DOC_NONE;
    p->above_block = UINT32_MAX;
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
         doc = block_enter(p, p->block + 1)) {
        docs_load(p);
        docs_add(p->docs + p->at, p->n - p->at, bits);
    }
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
        return block == 0 && p->n && p->last >= target ? 0 : 1;
    if (block >= p->block_count)
        return p->block_count;
    uint32_t low = block, high = p->block_count, step = 1; /* it is in [low, high] */
    /* Where it is if the list is even, then twice as far each time. */
    uint32_t from = block ? block_last(p, block - 1) : 0, past = target > from ? target - from : 0;
    uint32_t guess = (uint32_t)((uint64_t)past * p->block_count / p->seg->doc_count);
    uint32_t at = guess < high - low ? low + guess : high - 1;
    if (block_last(p, at) < target) {
        low = at + 1;
        for (; low + step <= high && block_last(p, low + step - 1) < target; step *= 2)
            low += step;
        high = MIN_OF(low + step - 1, high);
    } else {
        high = at;
        for (; step <= high - low && block_last(p, high - step) >= target; step *= 2)
            high -= step;
        low = step <= high - low ? high - step + 1 : low;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (block_last(p, mid) < target)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* How many documents of the block are below target: counted among fixed samples, quarter by
 * quarter, so that nothing depends on a guess of the processor. */
static uint32_t docs_below(const uint32_t *docs, uint32_t target)
{
    enum { RUN = POSTINGS_BLOCK_DOCS / 4, STEP = RUN / 4 };
    uint32_t low = 0, n = 0;
    for (uint32_t i = 1; i < 4; i++)
        n += docs[i * RUN - 1] < target;
    low = n * RUN;
    n = 0;
    for (uint32_t i = 1; i < 4; i++)
        n += docs[low + i * STEP - 1] < target;
    low += n * STEP;
    n = 0;
    for (uint32_t i = 0; i < STEP; i++)
        n += docs[low + i] < target;
    return low + n;
}

uint32_t postings_advance(struct postings *p, uint32_t target)
{
    if (p->block_count == 0 || (p->is_started && p->block >= p->block_count))
        return block_enter(p, p->block_count);
    if (p->doc != DOC_NONE && p->doc >= target)
        return p->doc;
    if (!p->is_started || p->last < target) {
        if (block_enter(p, block_find(p, p->is_started ? p->block : 0, target)) == DOC_NONE ||
            p->doc >= target)
            return p->doc;
    }
    if (p->is_bits) {
        p->doc = bits_next(p, target);
        return p->doc;
    }
    p->at = docs_below(p->docs, target);
    if (p->at >= p->n) {
        /* The skip table promised one: only damage gets here. */
        damaged(p);
        return DOC_NONE;
    }
    p->doc = p->docs[p->at];
    return p->doc;
}

uint32_t postings_freq(struct postings *p)
{
    if (p->at >= p->n)
        return 0;
    uint32_t at = place(p);
    return p->has_freqs ? p->freqs[at] : unpack_value(p->freqs_at, at, p->freq_width) + 1;
}

const uint32_t *postings_block(struct postings *p, const uint32_t **ret_freqs, uint32_t *ret_count)
{
    *ret_count = 0;
    if (p->doc == DOC_NONE)
        return NULL;
    docs_load(p);
    *ret_count = p->n - p->at;
    freqs_load(p);
    *ret_freqs = p->freqs + p->at;
    return p->docs + p->at;
}

/* Where the positions of the block lie. */
static bool positions_find(struct postings *p)
{
    uint32_t off = p->skip ? get_u32_le(skip_entry(p, p->block) + 8) : 0;
    if (!p->position_bytes)
        p->position_bytes = segment__at(p->seg, p->positions_off, p->positions_bytes);
    const uint8_t *data = p->position_bytes;
    if (!data || off >= p->positions_bytes || data[off] > 32)
        return false;
    p->position_width = data[off];
    p->positions_at = data + off + 1;
    p->positions_left = p->positions_bytes - off - 1;
    p->begin_of = 0;
    p->begin = 0;
    return true;
}

/* Of the document at place `at`. */
static bool positions_load(struct postings *p, uint32_t at)
{
    freqs_load(p);
    if (at < p->begin_of) {
        p->begin_of = 0;
        p->begin = 0;
    }
    for (; p->begin_of < at; p->begin_of++)
        p->begin += p->freqs[p->begin_of];
    uint32_t n = p->freqs[at];
    uint64_t bit = p->begin * p->position_width, sum = 0;
    uint64_t mask = (UINT64_C(1) << p->position_width) - 1;
    if (packed_bytes(p->begin + n, p->position_width) > p->positions_left ||
        (p->position_width == 0 && n > POSITIONS_FLAT_MAX))
        return false;
    if (n > p->position_capacity) {
        p->position_capacity = (size_t)n * 2;
        p->positions = arena_alloc(p->mem, p->position_capacity * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < n; i++, bit += p->position_width) {
        sum += (get_u64_le(p->positions_at + (bit >> 3)) >> (bit & 7)) & mask;
        p->positions[i] = (uint32_t)sum;
    }
    p->positions_of = p->doc;
    return true;
}

const uint32_t *postings_positions(struct postings *p, size_t *ret_count)
{
    *ret_count = 0;
    if (!p->want_positions || p->at >= p->n)
        return NULL;
    uint32_t at = place(p);
    if ((!p->positions_at && !positions_find(p)) ||
        (p->positions_of != p->doc && !positions_load(p, at))) {
        damaged(p);
        return NULL;
    }
    *ret_count = p->freqs[at];
    return p->positions;
}

const uint32_t *postings__block_positions(struct postings *p, const uint32_t **ret_begins)
{
    uint64_t count = 0;
    if (!p->want_positions || p->n == 0)
        return NULL;
    freqs_load(p);
    if (!p->block_begins)
        p->block_begins = ARENA_ARRAY(p->mem, uint32_t, POSTINGS_BLOCK_DOCS + 1);
    for (uint32_t i = 0; i < p->n; i++) {
        p->block_begins[i] = (uint32_t)count;
        count += p->freqs[i];
    }
    p->block_begins[p->n] = (uint32_t)count;
    if ((!p->positions_at && !positions_find(p)) || count > UINT32_MAX ||
        packed_bytes(count, p->position_width) > p->positions_left ||
        (p->position_width == 0 && count > POSITIONS_FLAT_MAX)) {
        damaged(p);
        return NULL;
    }
    if (count > p->block_position_capacity) {
        p->block_position_capacity = MAX_OF((size_t)count * 2, (size_t)POSTINGS_BLOCK_DOCS);
        p->block_positions = ARENA_ARRAY(p->mem, uint32_t, p->block_position_capacity);
    }
    unpack_u32(p->positions_at, 0, (size_t)count, p->position_width, p->block_positions);
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t k = p->block_begins[i] + 1; k < p->block_begins[i + 1]; k++)
            p->block_positions[k] += p->block_positions[k - 1];
    }
    *ret_begins = p->block_begins;
    return p->block_positions;
}

/* The block's bits among a window's, both from the current document on. */
static void bits_fill(const struct postings *p, uint32_t first, uint64_t *words)
{
    uint32_t at = p->bits_first - first, shift = at & 63;
    uint64_t *to = words + (at >> 6);
    uint32_t count = (p->last - p->bits_first) / 64 + 1, end = (p->last - first) / 64;
    for (uint32_t i = 0; i < count; i++) {
        to[i] |= p->bits[i] << shift;
        if (shift && (at >> 6) + i < end)
            to[i + 1] |= p->bits[i] >> (64 - shift);
    }
}

void postings_fill(struct postings *p, uint32_t first, uint32_t n, uint64_t *words)
{
    ASSERT(n <= ZONE_DOCS);
    uint32_t end = first + n;
    uint32_t doc = postings_doc(p);
    if (!p->is_started || (doc != DOC_NONE && doc < first))
        doc = postings_advance(p, first);
    while (doc < end) {
        if (p->is_bits && doc == p->bits_first && p->last < end) {
            bits_fill(p, first, words);
            doc = block_enter(p, p->block + 1);
            continue;
        }
        docs_load(p);
        while (p->at < p->n && p->docs[p->at] < end) {
            bitset_set(words, p->docs[p->at] - first);
            p->at++;
        }
        if (p->at < p->n) {
            p->doc = p->docs[p->at];
            return;
        }
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

/* The lowest frequency whose product with norm_inverse of the block's smallest norm is above
 * product_min. */
static uint32_t freq_above(const struct postings *p, float product_min, const float *norm_inverse)
{
    const uint8_t *impacts = p->skip ? skip_entry(p, p->block) + SKIP_IMPACTS_OFF : p->one_impacts;
    float most = norm_inverse[impacts_norm_min(impacts)], quotient = product_min / most;
    if (!(quotient >= 1))
        return 1;
    if (!(quotient < (float)IMPACT_FREQ_MAX))
        return IMPACT_FREQ_MAX;
    uint32_t freq = (uint32_t)quotient - 1; /* the quotient was rounded */
    while ((float)freq * most <= product_min)
        freq++;
    return freq;
}

/* Looks for one in the current block, from `target` on; false: there is none. */
static bool above_find(struct postings *p, uint32_t target, uint32_t end, float product_min,
                       const float *norm_inverse)
{
    uint32_t stop = p->last < end ? p->n : docs_below(p->docs, end), need = p->above_freq;
    if (p->doc < target)
        p->at = docs_below(p->docs, target);
    for (uint32_t i = p->at; i < stop; i++) {
        if (p->freqs[i] < need)
            continue;
        uint8_t norm = p->norms ? p->norms[p->docs[i]] : 1;
        if ((float)p->freqs[i] * norm_inverse[norm] > product_min) {
            p->at = i;
            p->doc = p->docs[i];
            return true;
        }
    }
    p->at = MIN_OF(stop, p->n - 1);
    p->doc = p->docs[p->at];
    return false;
}

uint32_t postings_next_above(struct postings *p, uint32_t target, uint32_t end, float product_min,
                             const float *norm_inverse)
{
    if (p->doc != DOC_NONE)
        target = MAX_OF(target, p->doc);
    while (target < end) {
        bool is_known = p->doc != DOC_NONE && !p->is_bits && target <= p->last &&
                        p->above_block == p->block && p->above_min == product_min;
        if (!is_known) {
            uint32_t upto;
            float most = postings_impact_max(p, target, target + 1, norm_inverse, &upto);
            if (most <= product_min) {
                target = upto >= end - 1 ? end : upto + 1;
                continue;
            }
            if (postings_advance(p, target) >= end)
                return end;
            docs_load(p);
            freqs_load(p);
            p->above_block = p->block;
            p->above_min = product_min;
            p->above_freq = freq_above(p, product_min, norm_inverse);
        }
        if (above_find(p, target, end, product_min, norm_inverse))
            return p->doc;
        target = p->last >= end ? end : p->last + 1;
    }
    return end;
}
