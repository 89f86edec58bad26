/* SPDX-License-Identifier: Apache-2.0 */
/* filter_cache.h: which documents of a segment a filter matches, kept for searches that ask the
 * same again. An entry is a filter (its canonical bytes, made by the query layer) and a segment; it
 * holds dead documents too, so deletes change nothing, and goes away with its segment.
 *
 * What is worth keeping is decided as Lucene 8.7 does (UsageTrackingQueryCachingPolicy,
 * LRUQueryCache): a filter that was used often enough among the last FILTER_USES_KEPT uses, in a
 * segment of at least FILTER_SEGMENT_DOCS_MIN documents and of FILTER_SEGMENT_SHARE_MIN of its
 * index. Over `bytes_max` or FILTER_ENTRIES_MAX the entry that was not used for longest goes.
 *
 * Threads: all functions may be called from any thread; one lock, held for a look-up. */
#ifndef NARU_INDEX_FILTER_CACHE_H
#define NARU_INDEX_FILTER_CACHE_H

#include "base/base.h"
#include "index/doc_bits.h"

#define FILTER_CACHE_BYTES_DEFAULT (16 * MIB) /* indices.queries.cache.size */
#define FILTER_ENTRIES_MAX         10000u     /* indices.queries.cache.count */
#define FILTER_USES_KEPT           256u
#define FILTER_SEGMENT_DOCS_MIN    10000u
#define FILTER_SEGMENT_SHARE_MIN   0.03
#define FILTER_KEY_BYTES_MAX       (16 * KIB) /* longer filters are not kept */

struct filter_cache;
struct index_metrics;
struct segment;
struct searcher;
struct searcher_part;

struct filter_cache_config {
    uint64_t bytes_max; /* 0: nothing is kept */
    bool keeps_all;     /* tests: any segment, on the first use */
};
struct filter_cache *filter_cache_new(const struct filter_cache_config *config);
void filter_cache_free(struct filter_cache *cache);

struct filter_key {
    struct str bytes;
    uint64_t hash;
};

/* The cache of a snapshot's engine; NULL: nothing is kept. */
struct filter_cache *searcher_filter_cache(const struct searcher *searcher);

/* A search uses the filter: how often that was so lately, this time included. */
uint32_t filter_cache_use(struct filter_cache *cache, const struct filter_key *key);
/* Entries of a segment of `doc_count` documents in an index of so many are kept. */
bool filter_cache_is_worth(const struct filter_cache *cache, uint32_t doc_count,
                           uint64_t index_doc_count);
/* So many uses are enough where `uses_min` are asked for. */
bool filter_cache_is_due(const struct filter_cache *cache, uint32_t uses, uint32_t uses_min);
/* *returned*, with a reference; NULL: not there. A hit is counted, a miss not: what is not worth
 * keeping is none. */
struct doc_bits *filter_cache_get(struct filter_cache *cache, const struct searcher_part *part,
                                  const struct filter_key *key);
void filter_cache_missed(const struct searcher_part *part);
/* Keeps `bits` (a reference of its own). Somebody else's entry for the same stays. */
void filter_cache_put(struct filter_cache *cache, const struct searcher_part *part,
                      const struct filter_key *key, struct doc_bits *bits);
/* The segment goes: so do its entries. */
void filter_cache_drop(struct filter_cache *cache, struct segment *seg);
/* Entries of one index (its metrics tell which), or of all (NULL). */
void filter_cache_clear(struct filter_cache *cache, const struct index_metrics *metrics);

struct filter_cache_figures {
    uint64_t bytes, bytes_max, entries;
};
void filter_cache_figures(struct filter_cache *cache, struct filter_cache_figures *ret_figures);

#endif
