/* SPDX-License-Identifier: Apache-2.0 */
/* search_pool_test.c: helpers come, work and end; and a search that many threads work on answers
 * byte by byte what one thread answers: order of ties, totals, sums of floats, buckets. */
#include "query/search_pool.h"

#include <pthread.h>

#include "index/segment.h"
#include "query/search_support_test.h"

struct sum {
    uint64_t next, added; /* atomic */
};

static void add_some(void *owner, size_t helper UNUSED)
{
    struct sum *sum = owner;
    while (__atomic_fetch_add(&sum->next, 1, __ATOMIC_RELAXED) < 1000)
        __atomic_add_fetch(&sum->added, 1, __ATOMIC_RELAXED);
}

static void ask_often(struct search_pool *pool)
{
    for (int i = 0; i < 200; i++) {
        struct sum sum = {0};
        struct search_job job = {.help = add_some, .owner = &sum};
        search_pool_ask(pool, &job, 3);
        add_some(&sum, 0);
        assert_true(search_pool_end(pool, &job) <= 3);
        assert_int_equal(sum.added, 1000);
    }
}

static void *asker(void *pool)
{
    ask_often(pool);
    return NULL;
}

static void helpers_do_a_part_of_the_work(struct test *t UNUSED)
{
    struct search_pool *pool = search_pool_new(2);
    pthread_t threads[3];
    assert_int_equal(search_pool_thread_count(pool), 2);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, asker, pool), 0);
    ask_often(pool);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    search_pool_free(pool);
    search_pool_free(NULL);
}

#define DOCS 18000
#define BULK 500

static void fill(struct bed *bed, const char *index, size_t from)
{
    struct doc_write writes[BULK];
    struct doc_result results[BULK];
    static const char *const words[] = {"ant", "bee", "cow", "dog", "eel"};
    for (size_t at = 0; at < DOCS; at += BULK) {
        struct arena *mem = arena_new(0);
        for (size_t i = 0; i < BULK; i++) {
            size_t doc = from + at + i;
            uint64_t r = rng_u64(&bed->t->rng);
            writes[i] = DOC_WRITE_INIT;
            writes[i].op = DOC_INDEX;
            writes[i].index = str_from(index);
            writes[i].id = arena_printf(mem, "%zu", doc);
            writes[i].source = arena_printf(
                mem,
                "{\"d\":%llu,\"n\":%llu,\"f\":%.3f,\"k\":\"%s\",\"h\":\"h%llu\",\"t\":\"%s %s\"}",
                (unsigned long long)(1763596800000ULL + doc * 1000),
                (unsigned long long)(r % 40), (double)(r % 100000) / 1000 - 20, words[r % 5],
                (unsigned long long)(r % 3001), words[r / 8 % 5], words[r / 64 % 5]);
        }
        assert_ok(engine_write(bed->engine, writes, BULK, REFRESH_NONE, mem, results, &bed->t->err),
                  &bed->t->err);
        arena_free(mem);
    }
    assert_ok(engine_flush(bed->engine, str_from(index), &bed->t->err), &bed->t->err);
}

static const char *const bodies[] = {
    "{\"size\":20}",
    "{\"query\":{\"match\":{\"t\":\"bee cow\"}},\"size\":25,\"track_total_hits\":true}",
    "{\"query\":{\"match\":{\"t\":\"bee cow\"}},\"size\":5,\"track_total_hits\":false}",
    "{\"query\":{\"term\":{\"k\":\"ant\"}},\"sort\":[{\"n\":\"desc\"}],\"size\":30}",
    "{\"query\":{\"term\":{\"k\":\"ant\"}},\"sort\":[{\"h\":\"asc\"}],\"size\":30}",
    "{\"query\":{\"range\":{\"f\":{\"gte\":3}}},\"sort\":[{\"n\":\"asc\"},{\"f\":\"desc\"}]}",
    "{\"sort\":[{\"d\":\"desc\"}],\"search_after\":[1763600000000],\"size\":9}",
    "{\"query\":{\"range\":{\"n\":{\"lt\":30}}},\"min_score\":0.5,\"size\":3}",
    "{\"query\":{\"match\":{\"t\":\"eel\"}},\"track_scores\":true,\"sort\":[\"n\"],\"size\":4}",
    "{\"post_filter\":{\"term\":{\"k\":\"dog\"}},\"track_total_hits\":true,\"size\":2}",
    "{\"size\":0,\"query\":{\"range\":{\"n\":{\"gt\":3}}},\"aggs\":{"
    "\"k\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"s\":{\"stats\":{\"field\":\"f\"}},"
    "\"x\":{\"extended_stats\":{\"field\":\"n\"}},\"p\":{\"percentiles\":{\"field\":\"f\"}}}},"
    "\"h\":{\"terms\":{\"field\":\"h\",\"size\":50},\"aggs\":{\"s\":{\"sum\":{\"field\":\"f\"}}}},"
    "\"n\":{\"terms\":{\"field\":\"n\",\"order\":{\"a\":\"asc\"}},\"aggs\":{\"a\":{\"avg\":{"
    "\"field\":\"f\"}}}},"
    "\"d\":{\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"20m\"},\"aggs\":{\"k\":{"
    "\"terms\":{\"field\":\"k\"}},\"n\":{\"terms\":{\"field\":\"n\",\"size\":3}}}},"
    "\"a\":{\"auto_date_histogram\":{\"field\":\"d\",\"buckets\":7},\"aggs\":{\"m\":{\"max\":{"
    "\"field\":\"f\"}}}},"
    "\"c\":{\"cardinality\":{\"field\":\"h\"}},\"i\":{\"cardinality\":{\"field\":\"f\"}},"
    "\"t\":{\"top_hits\":{\"sort\":[{\"n\":\"desc\"}],\"size\":7}}}}",
    "{\"size\":0,\"aggs\":{\"k\":{\"terms\":{\"field\":\"k\"}},\"h\":{\"terms\":{\"field\":\"h\","
    "\"size\":4000,\"order\":{\"_key\":\"desc\"}}},\"d\":{\"date_histogram\":{\"field\":\"d\","
    "\"calendar_interval\":\"hour\"},\"aggs\":{\"s\":{\"stats\":{\"field\":\"f\"}}}},"
    "\"n\":{\"histogram\":{\"field\":\"n\",\"interval\":7}},\"s\":{\"stats\":{\"field\":\"f\"}},"
    "\"g\":{\"global\":{},\"aggs\":{\"m\":{\"min\":{\"field\":\"f\"}}}}}}",
};

static void many_threads_answer_as_one(struct test *t)
{
    struct bed bed;
    struct search_pool *pool = search_pool_new(3);
    bed_init(&bed, t);
    const char *mapping =
        "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"n\":{\"type\":\"long\"},"
        "\"f\":{\"type\":\"double\"},\"k\":{\"type\":\"keyword\"},\"h\":{\"type\":\"keyword\"},"
        "\"t\":{\"type\":\"text\"}}}}";
    create(&bed, "a", mapping);
    create(&bed, "b", mapping);
    fill(&bed, "a", 0);
    fill(&bed, "b", DOCS);
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        bed.limits = (struct search_limits){0};
        struct value alone = reply(&bed, "*", bodies[i]);
        for (uint32_t round = 0; round < 4; round++) {
            bed.limits = (struct search_limits){.pool = pool,
                                                .alone_effort_max = 1,
                                                .thread_count = 2 + round % 3,
                                                .chunk_docs = ZONE_DOCS};
            struct value shared = reply(&bed, "*", bodies[i]);
            test__str_eq(json_of(&bed, &shared), json_of(&bed, &alone), __FILE__, __LINE__);
        }
    }
    bed_deinit(&bed);
    search_pool_free(pool);
}

TEST_MAIN(TEST(helpers_do_a_part_of_the_work), TEST(many_threads_answer_as_one))
