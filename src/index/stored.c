/* SPDX-License-Identifier: Apache-2.0 */
/* Stored source: the block of a document is unpacked whole, its lengths are added up to ends, and
 * it stays with the segment for whoever reads the next document. */
#include <zstd.h>

#include "base/arena.h"
#include "base/str.h"
#include "index/segment_int.h"

static uint32_t block_of(const struct segment *seg, uint32_t doc)
{
    uint32_t low = 0, high = seg->stored_block_count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (segment__stored_first(seg, mid) <= doc)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static uint64_t block_off(const struct segment *seg, uint32_t block)
{
    return get_u64_le(seg->stored_index + (size_t)block * 12);
}

static int stored_bad(struct segment *seg, uint64_t off, struct err *err)
{
    segment__damaged(seg, "bad stored block", off);
    return segment_failure(seg, err);
}

/* From lengths in planes to ends. False: they do not add up to `bytes`. */
static bool ends_read(const uint8_t *planes, unsigned plane_count, uint32_t docs, uint64_t bytes,
                      uint32_t *ends)
{
    uint64_t end = 0;
    memset(ends, 0, (size_t)docs * sizeof(*ends));
    for (unsigned plane = 0; plane < plane_count; plane++) {
        for (uint32_t i = 0; i < docs; i++)
            ends[i] |= (uint32_t)planes[(size_t)plane * docs + i] << plane * 8;
    }
    for (uint32_t i = 0; i < docs; i++) {
        end += ends[i];
        if (end > bytes)
            return false;
        ends[i] = (uint32_t)end;
    }
    return end == bytes;
}

static bool block_unpack(const uint8_t *p, uint64_t packed, uint32_t docs,
                         struct stored_cache **ret_cache)
{
    uint32_t raw_bytes = get_u32_le(p + 4);
    uint8_t codec = p[8], planes = p[9];
    p += STORED_BLOCK_HEAD;
    if (raw_bytes < (uint64_t)docs * planes || raw_bytes > STORED_RAW_BYTES_MAX ||
        planes > STORED_PLANES_MAX || codec > STORED_ZSTD ||
        (codec == STORED_RAW && packed != raw_bytes))
        return false;
    struct stored_cache *cache =
        mem_alloc(sizeof(*cache) + (size_t)docs * sizeof(uint32_t) + raw_bytes);
    char *raw = (char *)(cache->ends + docs);
    bool is_good = true;
    if (codec == STORED_RAW)
        memcpy(raw, p, raw_bytes);
    else
        is_good = ZSTD_decompress(raw, raw_bytes, p, packed) == raw_bytes; /* or an error code */
    size_t head = (size_t)docs * planes;
    cache->records = raw + head;
    if (!is_good || !ends_read((const uint8_t *)raw, planes, docs, raw_bytes - head, cache->ends)) {
        mem_free(cache);
        return false;
    }
    *ret_cache = cache;
    return true;
}

/* Takes the cached block when it is the wanted one, else unpacks; the caller gives it back by
 * cache_put. */
static int stored_load(struct segment *seg, uint32_t block, struct stored_cache **ret_cache,
                       struct err *err)
{
    struct stored_cache *cache = __atomic_exchange_n(&seg->cache, NULL, __ATOMIC_ACQ_REL);
    if (cache && cache->block == block) {
        *ret_cache = cache;
        return 0;
    }
    mem_free(cache);
    uint64_t off = block_off(seg, block), bytes = block_off(seg, block + 1) - off;
    uint32_t docs = segment__stored_first(seg, block + 1) - segment__stored_first(seg, block);
    const uint8_t *p = segment__at(seg, off, bytes);
    if (!p || bytes < STORED_BLOCK_HEAD || get_u32_le(p) != docs ||
        !block_unpack(p, bytes - STORED_BLOCK_HEAD, docs, ret_cache))
        return stored_bad(seg, off, err);
    (*ret_cache)->block = block;
    return 0;
}

static void cache_put(struct segment *seg, struct stored_cache *cache)
{
    mem_free(__atomic_exchange_n(&seg->cache, cache, __ATOMIC_ACQ_REL));
}

int segment_stored(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_source,
                   struct str *ret_routing, struct err *err)
{
    ASSERT(doc < seg->doc_count);
    uint32_t block = block_of(seg, doc), i = doc - segment__stored_first(seg, block);
    struct stored_cache *cache = NULL;
    TRY(stored_load(seg, block, &cache, err));
    const uint8_t *p = (const uint8_t *)cache->records + (i ? cache->ends[i - 1] : 0),
                  *end = (const uint8_t *)cache->records + cache->ends[i];
    uint64_t routing_bytes;
    bool is_bad = !get_varint(&p, end, &routing_bytes) || routing_bytes > (uint64_t)(end - p);
    if (!is_bad) {
        *ret_routing =
            routing_bytes ? arena_str(mem, (struct str){(const char *)p, routing_bytes}) : STR_NONE;
        p += routing_bytes;
        *ret_source = arena_str(mem, (struct str){(const char *)p, (size_t)(end - p)});
    }
    cache_put(seg, cache);
    if (is_bad)
        return stored_bad(seg, block_off(seg, block), err);
    return segment_failure(seg, err);
}

int segment_source(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_json,
                   struct err *err)
{
    struct str routing;
    return segment_stored(seg, doc, mem, ret_json, &routing, err);
}
