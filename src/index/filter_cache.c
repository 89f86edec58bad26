/* SPDX-License-Identifier: Apache-2.0 */
/* filter_cache.c: a hash table with chains over (filter, segment), one list in the order of use and
 * one per segment. A segment that has entries knows the cache, and tells it when it goes: nobody
 * can ask for it any more then, so only this lock is needed. */
#include "index/filter_cache.h"

#include "base/arena.h"
#include "base/str.h"
#include "index/index_int.h"

#define CHAINS_MIN 64u

struct filter_entry {
    struct filter_entry *chain;
    struct filter_entry *newer, *older; /* by use */
    struct filter_entry *next, *prev;   /* of the same segment */
    struct segment *segment;            /* borrowed: it drops its entries first */
    struct index_metrics *metrics;      /* of its index, which outlives its segments */
    struct doc_bits *bits;
    uint64_t hash;
    size_t bytes;
    size_t key_bytes;
    char key[];
};

struct filter_cache {
    struct filter_cache_config config;
    pthread_mutex_t mu;
    /* guarded by mu */
    struct filter_entry **chains;
    size_t chain_count; /* a power of two */
    size_t count;
    uint64_t bytes;
    struct filter_entry *newest, *oldest;
    uint64_t uses[FILTER_USES_KEPT]; /* hashes of the filters last used, as a ring */
    uint32_t use_next;
};

struct filter_cache *filter_cache_new(const struct filter_cache_config *config)
{
    struct filter_cache *cache = MEM_NEW(struct filter_cache);
    cache->config = *config;
    cache->chain_count = CHAINS_MIN;
    cache->chains = MEM_ARRAY(struct filter_entry *, cache->chain_count);
    ASSERT(pthread_mutex_init(&cache->mu, NULL) == 0);
    return cache;
}

static uint64_t place_of(const struct segment *seg, uint64_t hash)
{
    return hash ^ hash_u64((uint64_t)(uintptr_t)seg);
}

static struct filter_entry **chain_of(const struct filter_cache *cache, const struct segment *seg,
                                      uint64_t hash)
{
    return &cache->chains[place_of(seg, hash) & (cache->chain_count - 1)];
}

/* REQUIRES(mu) */
static struct filter_entry *entry_find(const struct filter_cache *cache, const struct segment *seg,
                                       const struct filter_key *key)
{
    struct filter_entry *e = *chain_of(cache, seg, key->hash);
    while (e && !(e->segment == seg && e->hash == key->hash &&
                  str_eq((struct str){e->key, e->key_bytes}, key->bytes)))
        e = e->chain;
    return e;
}

static void use_unlink(struct filter_cache *cache, struct filter_entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void use_link(struct filter_cache *cache, struct filter_entry *e)
{
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

/* REQUIRES(mu) */
static void entry_remove(struct filter_cache *cache, struct filter_entry *e)
{
    struct filter_entry **chain = chain_of(cache, e->segment, e->hash);
    while (*chain != e)
        chain = &(*chain)->chain;
    *chain = e->chain;
    use_unlink(cache, e);
    *(e->prev ? &e->prev->next : &e->segment->filters) = e->next;
    if (e->next)
        e->next->prev = e->prev;
    cache->count--;
    cache->bytes -= e->bytes;
    metric_sub(&e->metrics->filter_size, 1);
    metric_sub(&e->metrics->filter_bytes, e->bytes);
    doc_bits_unref(e->bits);
    mem_free(e);
}

void filter_cache_free(struct filter_cache *cache)
{
    if (!cache)
        return;
    for (struct filter_entry *e = cache->oldest; e; e = e->newer)
        /* A snapshot may outlive its engine. */
        __atomic_store_n(&e->segment->filter_cache, NULL, __ATOMIC_RELAXED);
    filter_cache_clear(cache, NULL);
    (void)pthread_mutex_destroy(&cache->mu);
    mem_free(cache->chains);
    mem_free(cache);
}

/* ---- What is worth keeping ---- */

uint32_t filter_cache_use(struct filter_cache *cache, const struct filter_key *key)
{
    uint32_t n = 0;
    mutex_lock(&cache->mu);
    cache->uses[cache->use_next++ % FILTER_USES_KEPT] = key->hash;
    for (size_t i = 0; i < FILTER_USES_KEPT; i++)
        n += cache->uses[i] == key->hash;
    mutex_unlock(&cache->mu);
    return n;
}

bool filter_cache_is_worth(const struct filter_cache *cache, uint32_t doc_count,
                           uint64_t index_doc_count)
{
    if (cache->config.bytes_max == 0)
        return false;
    return cache->config.keeps_all ||
           (doc_count >= FILTER_SEGMENT_DOCS_MIN &&
            (double)doc_count >= FILTER_SEGMENT_SHARE_MIN * (double)index_doc_count);
}

bool filter_cache_is_due(const struct filter_cache *cache, uint32_t uses, uint32_t uses_min)
{
    return uses >= (cache->config.keeps_all ? 1 : uses_min);
}

/* ---- Entries ---- */

struct doc_bits *filter_cache_get(struct filter_cache *cache, const struct searcher_part *part,
                                  const struct filter_key *key)
{
    struct doc_bits *bits = NULL;
    mutex_lock(&cache->mu);
    struct filter_entry *e = entry_find(cache, part->segment, key);
    if (e) {
        bits = doc_bits_ref(e->bits);
        use_unlink(cache, e);
        use_link(cache, e);
    }
    mutex_unlock(&cache->mu);
    if (bits)
        metric_add(&part->metrics->filter_hits, 1);
    return bits;
}

void filter_cache_missed(const struct searcher_part *part)
{
    metric_add(&part->metrics->filter_misses, 1);
}

/* REQUIRES(mu) */
static void chains_grow(struct filter_cache *cache)
{
    size_t old_count = cache->chain_count;
    struct filter_entry **old = cache->chains;
    cache->chain_count = old_count * 2;
    cache->chains = MEM_ARRAY(struct filter_entry *, cache->chain_count);
    for (size_t i = 0; i < old_count; i++) {
        for (struct filter_entry *e = old[i], *next; e; e = next) {
            struct filter_entry **chain = chain_of(cache, e->segment, e->hash);
            next = e->chain;
            e->chain = *chain;
            *chain = e;
        }
    }
    mem_free(old);
}

/* REQUIRES(mu) */
static void entry_link(struct filter_cache *cache, struct filter_entry *e)
{
    struct segment *seg = e->segment;
    if (cache->count >= cache->chain_count)
        chains_grow(cache);
    struct filter_entry **chain = chain_of(cache, seg, e->hash);
    e->chain = *chain;
    *chain = e;
    use_link(cache, e);
    e->next = seg->filters;
    if (e->next)
        e->next->prev = e;
    seg->filters = e;
    /* Read by whoever lets go of the segment last, which orders it. */
    __atomic_store_n(&seg->filter_cache, cache, __ATOMIC_RELAXED);
    cache->count++;
    cache->bytes += e->bytes;
    metric_add(&e->metrics->filter_size, 1);
    metric_add(&e->metrics->filter_bytes, e->bytes);
    metric_add(&e->metrics->filter_count, 1);
}

void filter_cache_put(struct filter_cache *cache, const struct searcher_part *part,
                      const struct filter_key *key, struct doc_bits *bits)
{
    size_t bytes = sizeof(struct filter_entry) + key->bytes.n + doc_bits_bytes(bits);
    if (bytes > cache->config.bytes_max)
        return;
    mutex_lock(&cache->mu);
    if (!entry_find(cache, part->segment, key)) {
        while (cache->bytes + bytes > cache->config.bytes_max || cache->count >= FILTER_ENTRIES_MAX)
            entry_remove(cache, cache->oldest);
        struct filter_entry *e = mem_zalloc(sizeof(*e) + key->bytes.n);
        e->segment = part->segment;
        e->metrics = part->metrics;
        e->bits = doc_bits_ref(bits);
        e->hash = key->hash;
        e->bytes = bytes;
        e->key_bytes = key->bytes.n;
        memcpy(e->key, key->bytes.p, key->bytes.n);
        entry_link(cache, e);
    }
    mutex_unlock(&cache->mu);
}

void filter_cache_drop(struct filter_cache *cache, struct segment *seg)
{
    mutex_lock(&cache->mu);
    while (seg->filters)
        entry_remove(cache, seg->filters);
    mutex_unlock(&cache->mu);
}

void filter_cache_clear(struct filter_cache *cache, const struct index_metrics *metrics)
{
    mutex_lock(&cache->mu);
    for (struct filter_entry *e = cache->oldest, *newer; e; e = newer) {
        newer = e->newer;
        if (!metrics || e->metrics == metrics)
            entry_remove(cache, e);
    }
    mutex_unlock(&cache->mu);
}

void filter_cache_figures(struct filter_cache *cache, struct filter_cache_figures *ret)
{
    mutex_lock(&cache->mu);
    *ret = (struct filter_cache_figures){
        .bytes = cache->bytes, .bytes_max = cache->config.bytes_max, .entries = cache->count};
    mutex_unlock(&cache->mu);
}
