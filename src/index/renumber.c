/* SPDX-License-Identifier: Apache-2.0 */
#include "index/renumber.h"

#include "base/arena.h"

#define GAPS_BYTES_MAX (UINT64_C(16) * GIB) /* of 2^31 numbers, at their worst */

void renumber_init(struct renumber *r, uint32_t count_max)
{
    *r = (struct renumber){
        .blocks = MEM_ARRAY(struct renumber_block, (size_t)count_max / RENUMBER_BLOCK + 1)};
    buf_init(&r->gaps, GAPS_BYTES_MAX);
}

void renumber_deinit(struct renumber *r)
{
    mem_free(r->blocks);
    if (r->blocks)
        buf_deinit(&r->gaps);
    r->blocks = NULL;
}

void renumber__block_end(struct renumber *r)
{
    struct renumber_block *b = &r->blocks[(r->count - 1) / RENUMBER_BLOCK];
    uint32_t n = r->pending_n;
    b->present = r->pending_present;
    b->first = n ? r->pending[0] : 0;
    /* The gaps add up, so the last one is the widest. */
    b->width = n ? (uint8_t)bit_width(r->pending[n - 1] - b->first - (n - 1)) : 0;
    if (b->width) {
        for (uint32_t i = 0; i < n; i++)
            r->pending[i] -= b->first + i;
        b->off = (uint32_t)(r->gaps.n / 8);
        pack_bits_u32(&r->gaps, r->pending, n, b->width);
        while (r->gaps.n % 8)
            buf_add_u8(&r->gaps, 0);
        ASSERT(!r->gaps.is_over);
    }
    r->pending_n = 0;
    r->pending_present = 0;
}

void renumber_end(struct renumber *r)
{
    if (r->count % RENUMBER_BLOCK)
        renumber__block_end(r);
    buf_add_u64_le(&r->gaps, 0); /* readers load eight bytes at a time */
    buf_add_u64_le(&r->gaps, 0);
}

void renumber_read(const struct renumber *r, uint32_t block, uint32_t to[RENUMBER_BLOCK])
{
    uint32_t gaps[RENUMBER_BLOCK + 1] = {0}, rank = 0;
    const struct renumber_block *b = &r->blocks[block];
    unsigned n = (unsigned)__builtin_popcountll(b->present);
    if (b->width)
        unpack_bits_u32((const uint8_t *)r->gaps.p + (size_t)b->off * 8, n, b->width, gaps);
    for (unsigned at = 0; at < RENUMBER_BLOCK; at++) {
        bool is_present = (b->present >> at) & 1;
        to[at] = is_present ? b->first + rank + gaps[rank] : RENUMBER_NONE;
        rank += is_present;
    }
}

void renumber_walk__seek(struct renumber_walk *walk)
{
    while (walk->old < walk->map->count) {
        unsigned at = walk->old % RENUMBER_BLOCK;
        if (at == 0)
            renumber_read(walk->map, walk->old / RENUMBER_BLOCK, walk->block);
        walk->to = walk->block[at];
        if (walk->to != RENUMBER_NONE)
            return;
        walk->old++;
    }
    walk->to = RENUMBER_NONE;
}

void renumber_walk_begin(struct renumber_walk *walk, const struct renumber *map)
{
    walk->map = map;
    walk->old = 0;
    renumber_walk__seek(walk);
}
