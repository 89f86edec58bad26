/* SPDX-License-Identifier: Apache-2.0 */
/* renumber.h: old numbers 0, 1, 2 … to new ones that only rise, or to none. Documents and ordinals
 * of a merge's inputs are renumbered so. Held in blocks of RENUMBER_BLOCK: which have a new number,
 * the first of these, and how far each lies beyond where it would without gaps. Without gaps that
 * is three bits a number; where ten inputs interleave evenly, 13. */
#ifndef NARU_INDEX_RENUMBER_H
#define NARU_INDEX_RENUMBER_H

#include "base/buf.h"
#include "index/value_block.h"

#define RENUMBER_NONE  UINT32_MAX
#define RENUMBER_BLOCK 64u

struct renumber_block {
    uint64_t present; /* which have a new number */
    uint32_t first;   /* the first new number */
    uint32_t off;     /* of the gaps, in words */
    uint8_t width;    /* bits of a gap; 0: there are none */
};

struct renumber {
    struct renumber_block *blocks;
    uint32_t count, present_count;
    struct buf gaps;
    /* Of the block that is being filled. */
    uint32_t pending[RENUMBER_BLOCK];
    uint32_t pending_n;
    uint64_t pending_present;
};

/* For at most `count_max` numbers. */
void renumber_init(struct renumber *r, uint32_t count_max);
void renumber_deinit(struct renumber *r); /* of a zeroed one too */
void renumber__block_end(struct renumber *r);
/* What the next old number becomes: more than any before, or RENUMBER_NONE. */
static inline void renumber_add(struct renumber *r, uint32_t to)
{
    unsigned at = r->count++ % RENUMBER_BLOCK;
    if (to != RENUMBER_NONE) {
        r->pending[r->pending_n++] = to;
        r->pending_present |= UINT64_C(1) << at;
        r->present_count++;
    }
    if (at == RENUMBER_BLOCK - 1)
        renumber__block_end(r);
}
/* After the last one; only then it can be read. */
void renumber_end(struct renumber *r);

/* RENUMBER_NONE for numbers that were not added, too. */
static inline uint32_t renumber_get(const struct renumber *r, uint32_t old)
{
    if (old >= r->count)
        return RENUMBER_NONE;
    const struct renumber_block *b = &r->blocks[old / RENUMBER_BLOCK];
    unsigned at = old % RENUMBER_BLOCK;
    if (!((b->present >> at) & 1))
        return RENUMBER_NONE;
    unsigned rank = (unsigned)__builtin_popcountll(b->present & ((UINT64_C(1) << at) - 1));
    uint32_t to = b->first + rank;
    if (b->width)
        to += (uint32_t)unpack_one((const uint8_t *)r->gaps.p + (size_t)b->off * 8, rank, b->width);
    return to;
}
/* Those of a whole block, RENUMBER_NONE behind the end. */
void renumber_read(const struct renumber *r, uint32_t block, uint32_t to[RENUMBER_BLOCK]);

/* An input's numbers that have a new one, in order. */
struct renumber_walk {
    const struct renumber *map;
    uint32_t old, to; /* the one at hand; `to` RENUMBER_NONE: the end */
    uint32_t block[RENUMBER_BLOCK];
};
void renumber_walk_begin(struct renumber_walk *walk, const struct renumber *map);
void renumber_walk__seek(struct renumber_walk *walk);
static inline void renumber_walk_next(struct renumber_walk *walk)
{
    walk->old++;
    unsigned at = walk->old % RENUMBER_BLOCK;
    walk->to = at ? walk->block[at] : RENUMBER_NONE;
    if (UNLIKELY(walk->to == RENUMBER_NONE))
        renumber_walk__seek(walk);
}

#endif
