/* SPDX-License-Identifier: Apache-2.0 */
#include "index/filter_cache.h"

#include "support/test.h"

#include <pthread.h>

#include "index/index_int.h"

/* A cache, and segments that are nothing but a place to hang entries on. */
struct rig {
    struct filter_cache *cache;
    struct segment segments[4];
    struct index_metrics metrics[2];
    struct searcher_part parts[4];
};

static void rig_init(struct rig *rig, uint64_t bytes_max)
{
    *rig = (struct rig){
        .cache = filter_cache_new(&(struct filter_cache_config){.bytes_max = bytes_max})};
    for (size_t i = 0; i < ARRAY_COUNT(rig->parts); i++) {
        rig->parts[i].segment = &rig->segments[i];
        rig->parts[i].metrics = &rig->metrics[i / 2];
    }
}

static struct filter_key key_of(struct test *t, uint64_t n)
{
    struct str bytes = arena_printf(t->mem, "filter %llu", (unsigned long long)n);
    return (struct filter_key){bytes, hash_str(bytes)};
}

static struct doc_bits *one_doc(uint32_t doc)
{
    struct doc_bits_builder builder;
    uint64_t words[ZONE_DOCS / 64] = {0};
    bitset_set(words, doc);
    doc_bits_begin(&builder, ZONE_DOCS);
    doc_bits_add(&builder, 0, words);
    return doc_bits_end(&builder);
}

static void put(struct rig *rig, size_t part, struct filter_key key, uint32_t doc)
{
    struct doc_bits *bits = one_doc(doc);
    filter_cache_put(rig->cache, &rig->parts[part], &key, bits);
    doc_bits_unref(bits);
}

static uint32_t get(struct rig *rig, size_t part, struct filter_key key)
{
    struct doc_bits *bits = filter_cache_get(rig->cache, &rig->parts[part], &key);
    uint32_t doc = bits ? doc_bits_next(bits, 0) : DOC_NONE;
    doc_bits_unref(bits);
    return doc;
}

static uint64_t entries(struct rig *rig)
{
    struct filter_cache_figures f;
    filter_cache_figures(rig->cache, &f);
    return f.entries;
}

static void filter_and_segment(struct test *t)
{
    struct rig rig;
    rig_init(&rig, MIB);
    put(&rig, 0, key_of(t, 1), 11);
    put(&rig, 1, key_of(t, 1), 12);
    put(&rig, 0, key_of(t, 2), 13);
    put(&rig, 0, key_of(t, 1), 99); /* the first stays */
    assert_int_equal(get(&rig, 0, key_of(t, 1)), 11);
    assert_int_equal(get(&rig, 1, key_of(t, 1)), 12);
    assert_int_equal(get(&rig, 0, key_of(t, 2)), 13);
    assert_int_equal(get(&rig, 1, key_of(t, 2)), DOC_NONE);
    /* A hash is no proof. */
    struct filter_key other = key_of(t, 3);
    other.hash = key_of(t, 1).hash;
    assert_int_equal(get(&rig, 0, other), DOC_NONE);
    assert_int_equal(metric_get(&rig.metrics[0].filter_hits), 3);
    filter_cache_free(rig.cache);
}

static void least_lately_used_goes(struct test *t)
{
    struct rig rig;
    rig_init(&rig, MIB);
    put(&rig, 0, key_of(t, 0), 1);
    struct filter_cache_figures one;
    filter_cache_figures(rig.cache, &one);
    filter_cache_free(rig.cache);

    rig_init(&rig, one.bytes * 5);
    for (uint32_t i = 0; i < 5; i++)
        put(&rig, 0, key_of(t, i), i);
    assert_int_equal(get(&rig, 0, key_of(t, 0)), 0); /* used: 1 is the oldest now */
    put(&rig, 0, key_of(t, 5), 5);
    assert_int_equal(get(&rig, 0, key_of(t, 1)), DOC_NONE);
    assert_int_equal(get(&rig, 0, key_of(t, 0)), 0);
    assert_int_equal(entries(&rig), 5);
    assert_int_equal(metric_get(&rig.metrics[0].filter_size), 5);
    assert_int_equal(metric_get(&rig.metrics[0].filter_count), 6);
    assert_int_equal(metric_get(&rig.metrics[0].filter_bytes), one.bytes * 5);
    filter_cache_free(rig.cache);

    rig_init(&rig, one.bytes - 1); /* too large for the whole cache */
    put(&rig, 0, key_of(t, 0), 1);
    assert_int_equal(entries(&rig), 0);
    filter_cache_free(rig.cache);
}

static void segment_and_index_go(struct test *t)
{
    struct rig rig;
    rig_init(&rig, MIB);
    for (uint32_t i = 0; i < 200; i++) /* the chains grow */
        put(&rig, i % 4, key_of(t, i), i);
    filter_cache_drop(rig.segments[1].filter_cache, &rig.segments[1]);
    assert_int_equal(entries(&rig), 150);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(get(&rig, i % 4, key_of(t, i)), i % 4 == 1 ? DOC_NONE : i);
    filter_cache_clear(rig.cache, &rig.metrics[0]);
    assert_int_equal(entries(&rig), 100);
    assert_int_equal(metric_get(&rig.metrics[0].filter_bytes), 0);
    assert_int_equal(metric_get(&rig.metrics[1].filter_size), 100);
    filter_cache_free(rig.cache);
    assert_null(rig.segments[2].filter_cache);
    assert_int_equal(metric_get(&rig.metrics[1].filter_size), 0);
}

static void uses_are_counted(struct test *t)
{
    struct rig rig;
    rig_init(&rig, MIB);
    struct filter_key key = key_of(t, 1);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(filter_cache_use(rig.cache, &key), i);
    for (uint32_t i = 0; i < FILTER_USES_KEPT - 1; i++) {
        struct filter_key other = key_of(t, 1000 + i);
        assert_int_equal(filter_cache_use(rig.cache, &other), 1);
    }
    assert_int_equal(filter_cache_use(rig.cache, &key), 1); /* long ago */
    assert_true(filter_cache_is_due(rig.cache, 2, 2));
    assert_false(filter_cache_is_due(rig.cache, 1, 2));
    assert_false(filter_cache_is_worth(rig.cache, 9999, 9999));
    assert_true(filter_cache_is_worth(rig.cache, 10000, 10000));
    assert_false(filter_cache_is_worth(rig.cache, 10000, 1000000));
    filter_cache_free(rig.cache);
    rig_init(&rig, 0);
    assert_false(filter_cache_is_worth(rig.cache, 10000, 10000));
    filter_cache_free(rig.cache);
}

#define THREADS 4
#define TURNS   3000

struct worker {
    struct rig *rig;
    const struct filter_key *keys;
    struct rng rng;
    uint32_t wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < TURNS; i++) {
        uint32_t n = (uint32_t)rng_below(&w->rng, 40);
        size_t part = rng_below(&w->rng, 4);
        uint32_t doc = get(w->rig, part, w->keys[n]);
        w->wrong += doc != DOC_NONE && doc != n * 4 + part;
        if (doc == DOC_NONE)
            put(w->rig, part, w->keys[n], n * 4 + (uint32_t)part);
        if (rng_below(&w->rng, 200) == 0)
            filter_cache_clear(w->rig->cache, &w->rig->metrics[rng_below(&w->rng, 2)]);
        (void)filter_cache_use(w->rig->cache, &w->keys[n]);
    }
    return NULL;
}

static void many_threads(struct test *t)
{
    struct rig rig;
    struct filter_key keys[40];
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    rig_init(&rig, 8 * KIB); /* much is pushed out */
    for (uint64_t i = 0; i < 40; i++)
        keys[i] = key_of(t, i);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.rig = &rig, .keys = keys};
        rng_init(&workers[i].rng, rng_u64(&t->rng));
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    struct filter_cache_figures f;
    filter_cache_figures(rig.cache, &f);
    assert_true(f.bytes <= f.bytes_max);
    filter_cache_free(rig.cache);
}

TEST_MAIN(TEST(filter_and_segment), TEST(least_lately_used_goes), TEST(segment_and_index_go),
          TEST(uses_are_counted), TEST(many_threads))
