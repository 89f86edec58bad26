/* SPDX-License-Identifier: Apache-2.0 */
#include "index/doc_bits.h"

#include "base/arena.h"
#include "base/bits.h"
#include "index/segment.h"

#define ZONE_WORDS     (ZONE_DOCS / 64u)
#define OFFS_PER_WORD  4u                           /* 16-bit offsets */
#define LIST_COUNT_MAX (ZONE_WORDS * OFFS_PER_WORD) /* as long as the bits: then these are kept */

enum zone_form { ZONE_EMPTY, ZONE_FULL, ZONE_LIST, ZONE_RUNS, ZONE_BITS };

struct doc_bits_zone {
    uint32_t at;   /* first of its words */
    uint16_t n;    /* offsets of a list; of runs: two each, the first and the last document */
    uint16_t form; /* enum zone_form */
};

struct doc_bits {
    uint32_t refs; /* atomic */
    uint32_t doc_count, count, zone_count;
    size_t bytes;
    const uint64_t *words; /* behind the zones, in this same allocation */
    struct doc_bits_zone zones[];
};

/* ---- Making ---- */

void doc_bits_begin(struct doc_bits_builder *builder, uint32_t doc_count)
{
    *builder = (struct doc_bits_builder){.doc_count = doc_count};
    builder->zone_count = (doc_count + ZONE_DOCS - 1) / ZONE_DOCS;
    builder->zones = MEM_ARRAY(struct doc_bits_zone, builder->zone_count + 1);
}

static uint64_t *words_add(struct doc_bits_builder *builder, size_t n)
{
    void *words = builder->words;
    mem_grow(&words, &builder->word_capacity, builder->word_count + n, sizeof(uint64_t));
    builder->words = words;
    uint64_t *to = builder->words + builder->word_count;
    memset(to, 0, n * sizeof(*to));
    builder->word_count += n;
    return to;
}

/* Where a run begins, and one behind where it ends: the bit differs from the one before. */
static uint64_t edges(const uint64_t *words, size_t i)
{
    return words[i] ^ (words[i] << 1 | (i ? words[i - 1] >> 63 : 0));
}

static size_t edge_count(const uint64_t *words)
{
    size_t n = 0;
    for (size_t i = 0; i < ZONE_WORDS; i++)
        n += (size_t)__builtin_popcountll(edges(words, i));
    return n + (words[ZONE_WORDS - 1] >> 63); /* a run up to the end has no edge there */
}

static void put_list(uint16_t *offs, const uint64_t *words)
{
    for (uint32_t i = 0; i < ZONE_WORDS; i++) {
        for (uint64_t left = words[i]; left; left &= left - 1)
            *offs++ = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(left));
    }
}

static void put_runs(uint16_t *offs, const uint64_t *words, size_t n)
{
    size_t at = 0;
    for (uint32_t i = 0; i < ZONE_WORDS; i++) {
        for (uint64_t left = edges(words, i); left; left &= left - 1) {
            uint32_t off = i * 64 + (uint32_t)__builtin_ctzll(left);
            offs[at] = (uint16_t)(at % 2 ? off - 1 : off);
            at++;
        }
    }
    if (at < n)
        offs[at++] = ZONE_DOCS - 1;
    ASSERT(at == n);
}

void doc_bits_add(struct doc_bits_builder *builder, uint32_t zone, const uint64_t *words)
{
    ASSERT(zone < builder->zone_count);
    size_t count = bitset_count(words, ZONE_WORDS), n = edge_count(words);
    uint32_t docs = MIN_OF(ZONE_DOCS, builder->doc_count - zone * ZONE_DOCS);
    struct doc_bits_zone *own = &builder->zones[zone];
    ASSERT(count <= docs);
    builder->count += (uint32_t)count;
    own->at = (uint32_t)builder->word_count;
    if (count == 0) {
        own->form = ZONE_EMPTY;
    } else if (count == docs) {
        own->form = ZONE_FULL;
    } else if (MIN_OF(count, n) >= LIST_COUNT_MAX) {
        own->form = ZONE_BITS;
        memcpy(words_add(builder, ZONE_WORDS), words, ZONE_WORDS * sizeof(*words));
    } else {
        own->form = n < count ? ZONE_RUNS : ZONE_LIST;
        own->n = (uint16_t)MIN_OF(count, n);
        uint64_t *to = words_add(builder, (own->n + OFFS_PER_WORD - 1) / OFFS_PER_WORD);
        if (own->form == ZONE_RUNS)
            put_runs((uint16_t *)to, words, n);
        else
            put_list((uint16_t *)to, words);
    }
}

struct doc_bits *doc_bits_end(struct doc_bits_builder *builder)
{
    size_t zones = builder->count ? builder->zone_count : 0;
    size_t zone_bytes = zones * sizeof(struct doc_bits_zone),
           word_bytes = builder->word_count * sizeof(uint64_t);
    size_t bytes = sizeof(struct doc_bits) + zone_bytes + word_bytes;
    struct doc_bits *bits = mem_alloc(bytes);
    *bits = (struct doc_bits){.refs = 1,
                              .doc_count = builder->doc_count,
                              .count = builder->count,
                              .zone_count = (uint32_t)zones,
                              .bytes = bytes};
    memcpy(bits->zones, builder->zones, zone_bytes);
    uint64_t *words = (uint64_t *)(void *)(bits->zones + zones);
    if (word_bytes)
        memcpy(words, builder->words, word_bytes);
    bits->words = words;
    mem_free(builder->zones);
    mem_free(builder->words);
    *builder = (struct doc_bits_builder){0};
    return bits;
}

struct doc_bits *doc_bits_ref(struct doc_bits *bits)
{
    __atomic_add_fetch(&bits->refs, 1, __ATOMIC_RELAXED);
    return bits;
}

void doc_bits_unref(struct doc_bits *bits)
{
    /* The last one sees what the others did before they let go. */
    if (bits && __atomic_sub_fetch(&bits->refs, 1, __ATOMIC_ACQ_REL) == 0)
        mem_free(bits);
}

/* ---- Reading ---- */

uint32_t doc_bits_count(const struct doc_bits *bits)
{
    return bits->count;
}

size_t doc_bits_bytes(const struct doc_bits *bits)
{
    return bits->bytes;
}

static void set_range(uint64_t *words, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to;) {
        uint32_t bit = at & 63, n = MIN_OF(64 - bit, to - at);
        words[at >> 6] |= (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << bit;
        at += n;
    }
}

void doc_bits_fill(const struct doc_bits *bits, uint32_t zone, uint64_t *words)
{
    if (zone >= bits->zone_count)
        return;
    const struct doc_bits_zone *own = &bits->zones[zone];
    const uint64_t *from = bits->words + own->at;
    const uint16_t *offs = (const uint16_t *)from;
    switch ((enum zone_form)own->form) {
    case ZONE_EMPTY:
        break;
    case ZONE_FULL:
        set_range(words, 0, MIN_OF(ZONE_DOCS, bits->doc_count - zone * ZONE_DOCS));
        break;
    case ZONE_LIST:
        for (uint32_t i = 0; i < own->n; i++)
            bitset_set(words, offs[i]);
        break;
    case ZONE_RUNS:
        for (uint32_t i = 0; i < own->n; i += 2)
            set_range(words, offs[i], offs[i + 1] + 1u);
        break;
    case ZONE_BITS:
        for (size_t i = 0; i < ZONE_WORDS; i++)
            words[i] |= from[i];
        break;
    }
}

/* The first offset of the zone at or behind `off`, ZONE_DOCS: none. */
static uint32_t zone_next(const struct doc_bits *bits, const struct doc_bits_zone *own,
                          uint32_t off)
{
    uint64_t words[ZONE_WORDS] = {0};
    const uint16_t *offs = (const uint16_t *)(bits->words + own->at);
    if (own->form == ZONE_EMPTY)
        return ZONE_DOCS;
    if (own->form == ZONE_LIST) {
        uint32_t low = 0, high = own->n;
        while (low < high) {
            uint32_t mid = (low + high) / 2;
            if (offs[mid] < off)
                low = mid + 1;
            else
                high = mid;
        }
        return low < own->n ? offs[low] : ZONE_DOCS;
    }
    const uint64_t *all = words;
    if (own->form == ZONE_BITS)
        all = bits->words + own->at;
    else
        doc_bits_fill(bits, (uint32_t)(own - bits->zones), words);
    size_t word = off >> 6;
    uint64_t left = all[word] & (~UINT64_C(0) << (off & 63));
    while (!left) {
        if (++word == ZONE_WORDS)
            return ZONE_DOCS;
        left = all[word];
    }
    return (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
}

uint32_t doc_bits_next(const struct doc_bits *bits, uint32_t at_least)
{
    uint32_t off = at_least % ZONE_DOCS;
    for (uint32_t zone = at_least / ZONE_DOCS; zone < bits->zone_count; zone++, off = 0) {
        uint32_t next = zone_next(bits, &bits->zones[zone], off);
        if (next < ZONE_DOCS)
            return zone * ZONE_DOCS + next;
    }
    return DOC_NONE;
}
