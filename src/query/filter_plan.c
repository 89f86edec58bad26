/* SPDX-License-Identifier: Apache-2.0 */
#include "query/filter_plan.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/filter_cache.h"
#include "query/plan_int.h"

/* ---- Keys ---- */

void filter_key_begin(struct buf *key, char kind, const struct field *field)
{
    buf_add_char(key, kind);
    buf_add_u32_le(key, field ? field->id : 0);
}

void filter_key_str(struct buf *key, struct str s)
{
    buf_add_u8(key, s.p != NULL);
    buf_add_varint(key, s.n);
    buf_add_str(key, s);
}

static int str_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool plan_key(const struct plan *plan, struct buf *key, struct arena *mem)
{
    return plan->ops->key && plan->ops->key(plan, key, mem);
}

bool filter_key_plans(struct buf *key, struct plan *const *plans, size_t count, struct arena *mem)
{
    struct str *keys = ARENA_ARRAY(mem, struct str, count + 1);
    struct buf one;
    bool is_known = true;
    buf_init(&one, FILTER_KEY_BYTES_MAX);
    for (size_t i = 0; i < count && is_known; i++) {
        buf_clear(&one);
        is_known = plan_key(plans[i], &one, mem) && !one.is_over;
        keys[i] = arena_str(mem, buf_str(&one));
    }
    buf_deinit(&one);
    if (!is_known)
        return false;
    if (count > 1)
        qsort(keys, count, sizeof(*keys), str_order);
    buf_add_varint(key, count);
    for (size_t i = 0; i < count; i++)
        filter_key_str(key, keys[i]);
    return true;
}

/* ---- What is kept, as a set ---- */

struct kept_set {
    struct docset base;
    const struct doc_bits *bits;
};

static uint32_t kept_seek(struct docset *set, uint32_t at_least)
{
    return doc_bits_next(((const struct kept_set *)set)->bits, at_least);
}

static void kept_fill(struct docset *set, struct doc_window *w)
{
    doc_bits_fill(((const struct kept_set *)set)->bits, w->first / ZONE_DOCS, w->words);
    for (uint32_t i = 0; w->scores && i < w->n; i++)
        w->scores[i] = set->constant;
}

static float kept_score_max(struct docset *set, uint32_t first UNUSED, uint32_t n UNUSED)
{
    return set->constant;
}

static const struct docset_ops kept_ops = {
    .seek = kept_seek, .fill = kept_fill, .score_max = kept_score_max};

static struct docset *kept_open(const struct doc_bits *bits, float score,
                                const struct plan_run *run)
{
    uint32_t count = doc_bits_count(bits);
    if (count == 0)
        return NULL;
    if (count == run->doc_count)
        return docset_all(run->doc_count, score, run->mem);
    struct kept_set *own = ARENA_NEW(run->mem, struct kept_set);
    own->base = (struct docset){.ops = &kept_ops,
                                .cost = count,
                                .is_random = true,
                                .is_counted = true,
                                .is_constant = true,
                                .constant = score};
    own->bits = bits;
    return &own->base;
}

static struct doc_bits *bits_of(struct docset *set, uint32_t doc_count)
{
    struct doc_bits_builder builder;
    doc_bits_begin(&builder, doc_count);
    for (uint32_t doc = set ? docset_seek(set, 0) : DOC_NONE; doc < doc_count;) {
        uint32_t first = doc - doc % ZONE_DOCS, n = MIN_OF(ZONE_DOCS, doc_count - first);
        uint64_t words[WINDOW_WORDS] = {0};
        struct doc_window w = {first, n, NULL, words, NULL};
        set->ops->fill(set, &w);
        if (n % 64)
            words[n / 64] &= (UINT64_C(1) << (n % 64)) - 1;
        doc_bits_add(&builder, first / ZONE_DOCS, words);
        if (first + n >= doc_count)
            break;
        doc = docset_seek(set, first + n);
    }
    return doc_bits_end(&builder);
}

/* ---- The node ---- */

struct filter_node {
    struct plan base;
    struct plan *inner;
    struct filter_cache *cache;
    struct filter_key key;
    const struct searcher_part *parts; /* of the index */
    uint64_t index_doc_count;
    struct doc_bits **held; /* atomic: per part, held until the search ends */
    size_t part_count;
    uint32_t uses; /* atomic: 0 until a segment is asked */
    struct filter_node *next;
};

/* Counts the search once, whoever of its threads comes first. */
static uint32_t count_use(struct filter_node *own)
{
    uint32_t uses = __atomic_load_n(&own->uses, __ATOMIC_RELAXED), none = 0;
    if (uses)
        return uses;
    /* 1 while it is counted: a thread that comes meanwhile keeps nothing yet. */
    if (!__atomic_compare_exchange_n(&own->uses, &none, 1, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return none;
    uses = filter_cache_use(own->cache, &own->key);
    __atomic_store_n(&own->uses, uses, __ATOMIC_RELAXED);
    return uses;
}

/* Takes the reference; another thread's, when that was quicker. */
static const struct doc_bits *hold(struct filter_node *own, size_t at, struct doc_bits *bits)
{
    struct doc_bits *other = NULL;
    /* Acquire: the other thread's set is read. Release: this one's is. */
    if (__atomic_compare_exchange_n(&own->held[at], &other, bits, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return bits;
    doc_bits_unref(bits);
    return other;
}

static struct docset *filter_open(const struct plan *plan, struct plan_run *run)
{
    struct filter_node *own = (struct filter_node *)(uintptr_t)plan;
    size_t at = (size_t)(run->part - own->parts);
    if (run->needs_scores || at >= own->part_count ||
        !filter_cache_is_worth(own->cache, run->doc_count, own->index_doc_count))
        return plan_open(own->inner, run);
    const struct doc_bits *held = __atomic_load_n(&own->held[at], __ATOMIC_ACQUIRE);
    if (held)
        return kept_open(held, plan->boost, run);
    uint32_t uses = count_use(own);
    struct doc_bits *bits = filter_cache_get(own->cache, run->part, &own->key);
    if (!bits) {
        struct docset *set = plan_open(own->inner, run);
        if (set && set->is_cheap)
            return set;
        filter_cache_missed(run->part);
        if (!filter_cache_is_due(own->cache, uses, own->inner->ops->keep_uses))
            return set;
        bits = bits_of(set, run->doc_count);
        filter_cache_put(own->cache, run->part, &own->key, bits);
    }
    return kept_open(hold(own, at, bits), plan->boost, run);
}

static int64_t filter_count(const struct plan *plan, const struct searcher_part *part)
{
    return plan_count(((const struct filter_node *)plan)->inner, part);
}

static bool filter_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    buf_add_str(key, ((const struct filter_node *)plan)->key.bytes);
    return true;
}

static const struct plan_ops filter_ops = {
    .name = "filter", .open = filter_open, .count = filter_count, .key = filter_key};

struct plan *filter_plan(struct planner *planner, struct plan *plan)
{
    if (!plan || !planner->filter_cache || planner->needs_scores || plan->ops->keep_uses == 0)
        return plan;
    struct buf key;
    buf_init(&key, FILTER_KEY_BYTES_MAX);
    if (plan_key(plan, &key, planner->mem) && !key.is_over) {
        struct filter_node *own = plan__new(planner, &filter_ops, sizeof(*own), plan->boost);
        own->inner = plan;
        own->cache = planner->filter_cache;
        own->key.bytes = arena_str(planner->mem, buf_str(&key));
        own->key.hash = hash_str(own->key.bytes);
        own->parts = planner->parts;
        own->part_count = planner->part_count;
        own->held = ARENA_ARRAY(planner->mem, struct doc_bits *, planner->part_count + 1);
        for (size_t i = 0; i < planner->part_count; i++)
            own->index_doc_count += segment_doc_count(planner->parts[i].segment);
        own->next = planner->filters;
        planner->filters = own;
        plan = &own->base;
    }
    buf_deinit(&key);
    return plan;
}

void filter_plans_release(struct planner *planner)
{
    for (struct filter_node *own = planner->filters; own; own = own->next) {
        for (size_t i = 0; i < own->part_count; i++)
            doc_bits_unref(own->held[i]);
    }
    planner->filters = NULL;
}
