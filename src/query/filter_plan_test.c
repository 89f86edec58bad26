/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan_test.c: which filters are kept, when, and that what is kept answers as before. */
#include "query/search_support_test.h"

#define DOCS 12000

struct figures {
    uint64_t hits, misses, count, size, bytes;
};

static struct figures figures(struct bed *bed)
{
    struct index_stats s;
    assert_ok(engine_index_stats(bed->engine, STR("i"), bed->t->mem, &s, &bed->t->err),
              &bed->t->err);
    const struct index_metrics *m = &s.metrics;
    return (struct figures){metric_get(&m->filter_hits), metric_get(&m->filter_misses),
                            metric_get(&m->filter_count), metric_get(&m->filter_size),
                            metric_get(&m->filter_bytes)};
}

/* n is not in the order of the documents, so no range of it is a span. */
static void fill(struct bed *bed)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"},\"f\":{\"type\":\"double\"},"
           "\"k\":{\"type\":\"keyword\"},\"t\":{\"type\":\"text\"}}}}");
    struct doc_write *writes = ARENA_ARRAY(bed->t->mem, struct doc_write, DOCS);
    struct doc_result *results = ARENA_ARRAY(bed->t->mem, struct doc_result, DOCS);
    for (int i = 0; i < DOCS; i++) {
        int n = i * 7919 % 1000;
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = STR("i");
        writes[i].id = arena_printf(bed->t->mem, "%d", i);
        writes[i].source = arena_printf(
            bed->t->mem, "{\"n\":%d,\"f\":%d.5,\"k\":\"k%d\",\"t\":\"red fox number%d\"}", n, n,
            n % 50, n % 10);
    }
    assert_ok(
        engine_write(bed->engine, writes, DOCS, REFRESH_NOW, bed->t->mem, results, &bed->t->err),
        &bed->t->err);
}

static int64_t total(struct bed *bed, const char *query)
{
    struct str body =
        arena_printf(bed->t->mem, "{\"size\":0,\"track_total_hits\":true,\"query\":%s}", query);
    struct value tree = reply(bed, "i", body.p);
    return at_path(&tree, "hits/total/value")->i;
}

/* A filter beside a must, so that it is asked for itself. */
static int64_t filtered(struct bed *bed, const char *filter)
{
    struct str query = arena_printf(
        bed->t->mem, "{\"bool\":{\"must\":{\"term\":{\"k\":\"k7\"}},\"filter\":%s}}", filter);
    struct str body =
        arena_printf(bed->t->mem, "{\"track_total_hits\":true,\"query\":%s}", query.p);
    struct value tree = reply(bed, "i", body.p);
    return at_path(&tree, "hits/total/value")->i;
}

#define RANGE_N "{\"range\":{\"n\":{\"gte\":100,\"lt\":600}}}"

static void kept_after_enough_uses(struct test *t)
{
    static const struct {
        const char *filter;
        uint64_t uses; /* 0: never kept */
    } cases[] = {
        {RANGE_N, 2},
        {"{\"range\":{\"f\":{\"gte\":100,\"lt\":600}}}", 2},
        {"{\"terms\":{\"k\":[\"k7\",\"k8\"]}}", 2},
        {"{\"prefix\":{\"k\":\"k1\"}}", 2},
        {"{\"wildcard\":{\"k\":\"*7\"}}", 2},
        {"{\"regexp\":{\"k\":\"k[0-9]\"}}", 2},
        {"{\"range\":{\"k\":{\"gte\":\"k3\"}}}", 2},
        {"{\"match_phrase\":{\"t\":\"fox number7\"}}", 5},
        {"{\"bool\":{\"should\":[{\"term\":{\"k\":\"k7\"}},{\"term\":{\"t\":\"number7\"}}]}}", 4},
        {"{\"term\":{\"k\":\"k7\"}}", 0},
        {"{\"match_all\":{}}", 0},
        {"{\"exists\":{\"field\":\"n\"}}", 0},
        {"{\"ids\":{\"values\":[\"7\"]}}", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bed bed;
        bed_init(&bed, t);
        fill(&bed);
        int64_t first = filtered(&bed, cases[i].filter);
        for (uint64_t use = 1; use <= 7; use++) {
            uint64_t wanted = cases[i].uses && use >= cases[i].uses;
            struct figures f = figures(&bed);
            if (f.size != wanted)
                fail_msg("%s is%s kept after %d uses", cases[i].filter, f.size ? "" : " not",
                         (int)use);
            assert_int_equal(filtered(&bed, cases[i].filter), first);
        }
        if (cases[i].uses)
            assert_int_equal(figures(&bed).hits, 8 - cases[i].uses);
        bed_deinit(&bed);
    }
}

static void same_filter_written_otherwise(struct test *t)
{
    static const char *const pairs[][2] = {
        {RANGE_N, "{\"range\":{\"n\":{\"gt\":99,\"lte\":599,\"boost\":3}}}"},
        {"{\"terms\":{\"k\":[\"k7\",\"k8\"]}}", "{\"terms\":{\"k\":[\"k8\",\"k7\"]}}"},
        {"{\"bool\":{\"filter\":[" RANGE_N ",{\"term\":{\"k\":\"k7\"}}]}}",
         "{\"bool\":{\"must\":[{\"term\":{\"k\":\"k7\"}}],\"filter\":[" RANGE_N "]}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct bed bed = {.keeps_filters = true};
        bed_init(&bed, t);
        engine_close(bed.engine);
        bed.keeps_filters = true;
        bed_open(&bed, 1);
        fill(&bed);
        int64_t first = filtered(&bed, pairs[i][0]);
        struct figures f = figures(&bed);
        assert_int_equal(filtered(&bed, pairs[i][1]), first);
        assert_int_equal(figures(&bed).count, f.count);
        assert_true(figures(&bed).hits > f.hits);
        bed_deinit(&bed);
    }
}

static void others_are_others(struct test *t)
{
    static const char *const filters[] = {
        RANGE_N,
        "{\"range\":{\"n\":{\"gte\":100,\"lt\":601}}}",
        "{\"range\":{\"f\":{\"gte\":100,\"lt\":600}}}",
        "{\"prefix\":{\"k\":\"k1\"}}",
        "{\"prefix\":{\"k\":{\"value\":\"K1\",\"case_insensitive\":true}}}",
        "{\"wildcard\":{\"k\":\"*1*\"}}",
        "{\"wildcard\":{\"k\":{\"value\":\"*1*\",\"case_insensitive\":true}}}",
        "{\"regexp\":{\"k\":\".*1.*\"}}",
        "{\"range\":{\"k\":{\"gte\":\"k1\",\"lt\":\"k2\"}}}",
        "{\"range\":{\"k\":{\"gte\":\"k1\",\"lte\":\"k2\"}}}",
        "{\"range\":{\"k\":{\"gt\":\"k1\",\"lte\":\"k2\"}}}",
        "{\"terms\":{\"n\":[1,2,3]}}",
        "{\"match_phrase\":{\"t\":\"red fox\"}}",
        "{\"match_phrase\":{\"t\":{\"query\":\"red number1\",\"slop\":1}}}",
        "{\"bool\":{\"should\":[" RANGE_N
        ",{\"term\":{\"k\":\"k1\"}}],\"minimum_should_match\":1}}",
        "{\"bool\":{\"should\":[" RANGE_N
        ",{\"term\":{\"k\":\"k1\"}}],\"minimum_should_match\":2}}",
        "{\"bool\":{\"must_not\":[" RANGE_N "]}}",
    };
    struct bed plain, kept;
    bed_init(&plain, t);
    fill(&plain);
    bed_init(&kept, t);
    engine_close(kept.engine);
    kept.keeps_filters = true;
    bed_open(&kept, 1);
    fill(&kept);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(filters); i++)
            assert_int_equal(total(&kept, filters[i]), total(&plain, filters[i]));
    }
    assert_true(figures(&kept).size >= ARRAY_COUNT(filters));
    bed_deinit(&plain);
    bed_deinit(&kept);
}

static void deletes_merges_and_clearing(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    int64_t before = total(&bed, RANGE_N);
    assert_int_equal(total(&bed, RANGE_N), before);
    assert_int_equal(figures(&bed).size, 1);
    assert_true(figures(&bed).bytes > 0);
    put(&bed, "i", "0", NULL);   /* n = 0 */
    put(&bed, "i", "100", NULL); /* n = 900 */
    put(&bed, "i", "1", NULL);   /* n = 919 */
    put(&bed, "i", "3", NULL);   /* n = 757 */
    put(&bed, "i", "6", NULL);   /* n = 514: the one in the range */
    refresh(&bed, "i");
    assert_int_equal(total(&bed, RANGE_N), before - 1);
    assert_int_equal(figures(&bed).hits, 1);
    assert_ok(engine_force_merge(bed.engine, STR("i"), 1, &t->err), &t->err);
    assert_int_equal(figures(&bed).size, 0); /* gone with its segment */
    assert_int_equal(total(&bed, RANGE_N), before - 1);
    assert_int_equal(figures(&bed).size, 1); /* often used before */
    assert_ok(engine_filters_clear(bed.engine, STR("i"), &t->err), &t->err);
    assert_int_equal(figures(&bed).size, 0);
    assert_int_equal(figures(&bed).bytes, 0);
    assert_int_equal(figures(&bed).count, 2);
    assert_int_equal(total(&bed, RANGE_N), before - 1);
    assert_ok(engine_index_delete(bed.engine, STR("i"), &t->err), &t->err);
    bed_deinit(&bed);
}

/* Small segments are quicker looked through than looked up. */
static void small_segments_keep_nothing(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{}");
    for (int i = 0; i < 100; i++)
        put(&bed, "i", arena_printf(t->mem, "%d", i).p, i % 2 ? "{\"n\":1}" : "{\"n\":2}");
    refresh(&bed, "i");
    for (int i = 0; i < 10; i++)
        assert_int_equal(total(&bed, "{\"range\":{\"n\":{\"gte\":2}}}"), 50);
    assert_int_equal(figures(&bed).count, 0);
    assert_int_equal(figures(&bed).misses, 0);
    bed_deinit(&bed);
}

TEST_MAIN(TEST(kept_after_enough_uses), TEST(same_filter_written_otherwise),
          TEST(others_are_others), TEST(deletes_merges_and_clearing),
          TEST(small_segments_keep_nothing))
