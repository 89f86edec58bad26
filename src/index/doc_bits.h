/* SPDX-License-Identifier: Apache-2.0 */
/* doc_bits.h: a set of a segment's documents that is made once and then only read, by any number of
 * threads. Each zone of ZONE_DOCS documents is kept in the smallest of five forms (after the
 * containers of Roaring bitmaps, Chambi and others, 2016): nothing, everything, a list of 16-bit
 * offsets, runs of them, or a bit per document; so a zone is at most 512 bytes and a window of a
 * search is one zone. */
#ifndef NARU_INDEX_DOC_BITS_H
#define NARU_INDEX_DOC_BITS_H

#include "base/base.h"

struct doc_bits;

/* Zones are added in order, from the first on; those that are not added are empty. */
struct doc_bits_builder {
    uint32_t doc_count, zone_count, count;
    struct doc_bits_zone *zones;
    uint64_t *words;
    size_t word_count, word_capacity;
};
void doc_bits_begin(struct doc_bits_builder *builder, uint32_t doc_count);
/* `words`: ZONE_DOCS bits, those behind the zone's last document 0. */
void doc_bits_add(struct doc_bits_builder *builder, uint32_t zone, const uint64_t *words);
/* *returned*, with one reference; the builder is empty then. */
struct doc_bits *doc_bits_end(struct doc_bits_builder *builder);

struct doc_bits *doc_bits_ref(struct doc_bits *bits);
void doc_bits_unref(struct doc_bits *bits);

uint32_t doc_bits_count(const struct doc_bits *bits);
size_t doc_bits_bytes(const struct doc_bits *bits); /* on the heap */
/* Sets the bits of the zone's documents. */
void doc_bits_fill(const struct doc_bits *bits, uint32_t zone, uint64_t *words);
/* The first document of the set at or behind `at_least`, DOC_NONE. */
uint32_t doc_bits_next(const struct doc_bits *bits, uint32_t at_least);

#endif
