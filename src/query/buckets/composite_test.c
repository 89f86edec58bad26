/* SPDX-License-Identifier: Apache-2.0 */
/* Composite pages; the expected replies are Elasticsearch 7.10.2's. */
#include "query/six_docs_test.h"

static void pages_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\"}}}]}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"c\"},\"buckets\":[{\"key\":{\"a\":\"a\"},\"doc_count\":2},{"
          "\"key\":{\"a\":\"b\"},\"doc_count\":2},{\"key\":{\"a\":\"c\"},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\"}}}],\"size\":2}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"b\"},\"buckets\":[{\"key\":{\"a\":\"a\"},\"doc_count\":2},{"
          "\"key\":{\"a\":\"b\"},\"doc_count\":2}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\"}}}],\"size\":2,\"after\":{\"a\":\"b\"}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"c\"},\"buckets\":[{\"key\":{\"a\":\"c\"},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\",\"order\":\"desc\"}}}],\"size\":2}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"b\"},\"buckets\":[{\"key\":{\"a\":\"c\"},\"doc_count\":1},{"
          "\"key\":{\"a\":\"b\"},\"doc_count\":2}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\",\"missing_bucket\":true}}}]}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"c\"},\"buckets\":[{\"key\":{\"a\":null},\"doc_count\":1},{"
          "\"key\":{\"a\":\"a\"},\"doc_count\":2},{\"key\":{\"a\":\"b\"},\"doc_count\":2},{\"key\":"
          "{\"a\":\"c\"},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\",\"missing_bucket\":true,\"order\":\"desc\"}}}],\"after\":{\"a\":\"a\"}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":null},\"buckets\":[{\"key\":{\"a\":null},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\",\"missing_bucket\":true}}}],\"after\":{\"a\":null},\"size\":1}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"a\"},\"buckets\":[{\"key\":{\"a\":\"a\"},\"doc_count\":2}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"b\"}}}]}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":true},\"buckets\":[{\"key\":{\"a\":false},\"doc_count\":1},{"
          "\"key\":{\"a\":true},\"doc_count\":3}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"f\",\"order\":\"desc\"}}}]}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":-1.0},\"buckets\":[{\"key\":{\"a\":2.5},\"doc_count\":1},{\"key\":"
          "{\"a\":1.5},\"doc_count\":2},{\"key\":{\"a\":-1.0},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"ip\"}}}],\"after\":{\"a\":\"10.0.0.1\"}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"10.0.1.1\"},\"buckets\":[{\"key\":{\"a\":\"10.0.0.2\"},\"doc_"
          "count\":1},{\"key\":{\"a\":\"10.0.1.1\"},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"n\"}}}],\"after\":{\"a\":4}}}},\"query\":{\"range\":{\"n\":{\"gt\":1}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":6},\"buckets\":[{\"key\":{\"a\":5},\"doc_count\":1},{\"key\":{"
          "\"a\":6},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"d\"}}}],\"size\":1}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":1735690200000},\"buckets\":[{\"key\":{\"a\":1735690200000},\"doc_"
          "count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"d\":{\"date_histogram\":{"
          "\"field\":\"d\",\"calendar_interval\":\"day\"}}}],\"size\":2}}}}",
          "aggregations/x",
          "{\"after_key\":{\"d\":1735776000000},\"buckets\":[{\"key\":{\"d\":1735689600000},\"doc_"
          "count\":2},{\"key\":{\"d\":1735776000000},\"doc_count\":2}]}");
    gives(
        &bed,
        "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"d\":{\"date_histogram\":{"
        "\"field\":\"d\",\"calendar_interval\":\"day\",\"format\":\"yyyy-MM-dd\",\"time_zone\":"
        "\"Asia/Seoul\",\"order\":\"desc\"}}}]},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}}}}",
        "aggregations/x",
        "{\"after_key\":{\"d\":\"2025-01-01\"},\"buckets\":[{\"key\":{\"d\":\"2025-01-21\"},\"doc_"
        "count\":1,\"s\":{\"value\":4.0}},{\"key\":{\"d\":\"2025-01-02\"},\"doc_count\":2,\"s\":{"
        "\"value\":9.0}},{\"key\":{\"d\":\"2025-01-01\"},\"doc_count\":2,\"s\":{\"value\":3.0}}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"d\":{\"date_histogram\":{"
          "\"field\":\"d\",\"fixed_interval\":\"12h\",\"offset\":\"+1h\"}}}],\"after\":{\"d\":"
          "1735693200000}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"d\":1737421200000},\"buckets\":[{\"key\":{\"d\":1735736400000},\"doc_"
          "count\":1},{\"key\":{\"d\":1735779600000},\"doc_count\":1},{\"key\":{\"d\":"
          "1737421200000},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"h\":{\"histogram\":{"
          "\"field\":\"n\",\"interval\":2}}}],\"after\":{\"h\":2}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"h\":6.0},\"buckets\":[{\"key\":{\"h\":4.0},\"doc_count\":2},{\"key\":{"
          "\"h\":6.0},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"h\":{\"histogram\":{"
          "\"field\":\"f\",\"interval\":0.5,\"missing_bucket\":true}}}]}}}}",
          "aggregations/x",
          "{\"after_key\":{\"h\":2.5},\"buckets\":[{\"key\":{\"h\":null},\"doc_count\":2},{\"key\":"
          "{\"h\":-1.0},\"doc_count\":1},{\"key\":{\"h\":1.5},\"doc_count\":2},{\"key\":{\"h\":2.5}"
          ",\"doc_count\":1}]}");
    gives(
        &bed,
        "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
        "\"k\"}}},{\"b\":{\"terms\":{\"field\":\"m\"}}}]},\"aggs\":{\"s\":{\"sum\":{\"field\":"
        "\"n\"}}}}}}",
        "aggregations/x",
        "{\"after_key\":{\"a\":\"c\",\"b\":\"z\"},\"buckets\":[{\"key\":{\"a\":\"a\",\"b\":\"x\"},"
        "\"doc_count\":1,\"s\":{\"value\":1.0}},{\"key\":{\"a\":\"a\",\"b\":\"y\"},\"doc_count\":1,"
        "\"s\":{\"value\":1.0}},{\"key\":{\"a\":\"b\",\"b\":\"x\"},\"doc_count\":2,\"s\":{"
        "\"value\":8.0}},{\"key\":{\"a\":\"c\",\"b\":\"y\"},\"doc_count\":1,\"s\":{\"value\":4.0}},"
        "{\"key\":{\"a\":\"c\",\"b\":\"z\"},\"doc_count\":1,\"s\":{\"value\":4.0}}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\",\"order\":\"desc\"}}},{\"b\":{\"terms\":{\"field\":\"m\",\"missing_bucket\":true,"
          "\"order\":\"desc\"}}},{\"c\":{\"terms\":{\"field\":\"b\",\"missing_bucket\":true}}}],"
          "\"size\":4},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"b\",\"b\":\"x\",\"c\":true},\"buckets\":[{\"key\":{\"a\":\"c\","
          "\"b\":\"z\",\"c\":null},\"doc_count\":1,\"s\":{\"value\":4.0}},{\"key\":{\"a\":\"c\","
          "\"b\":\"y\",\"c\":null},\"doc_count\":1,\"s\":{\"value\":4.0}},{\"key\":{\"a\":\"b\","
          "\"b\":\"x\",\"c\":false},\"doc_count\":1,\"s\":{\"value\":2.0}},{\"key\":{\"a\":\"b\","
          "\"b\":\"x\",\"c\":true},\"doc_count\":1,\"s\":{\"value\":6.0}}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"k\"}}},{\"d\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":\"month\"}}},"
          "{\"n\":{\"terms\":{\"field\":\"n\",\"order\":\"desc\"}}}],\"size\":3,\"after\":{\"a\":"
          "\"a\",\"d\":1735689600000,\"n\":3}}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"b\",\"d\":1735689600000,\"n\":2},\"buckets\":[{\"key\":{\"a\":"
          "\"a\",\"d\":1735689600000,\"n\":1},\"doc_count\":1},{\"key\":{\"a\":\"b\",\"d\":"
          "1735689600000,\"n\":6},\"doc_count\":1},{\"key\":{\"a\":\"b\",\"d\":1735689600000,\"n\":"
          "2},\"doc_count\":1}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
          "\"nope\"}}}]}}}}",
          "aggregations/x", "{\"buckets\":[]}");
    gives(
        &bed,
        "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":"
        "\"nope\",\"missing_bucket\":true}}},{\"b\":{\"terms\":{\"field\":\"k\"}}}],\"size\":2}}}}",
        "aggregations/x",
        "{\"after_key\":{\"a\":null,\"b\":\"b\"},\"buckets\":[{\"key\":{\"a\":null,\"b\":\"a\"},"
        "\"doc_count\":2},{\"key\":{\"a\":null,\"b\":\"b\"},\"doc_count\":2}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":{\"a\":{\"terms\":{\"field\":"
          "\"k\"}}},\"size\":1}}}}",
          "aggregations/x",
          "{\"after_key\":{\"a\":\"a\"},\"buckets\":[{\"key\":{\"a\":\"a\"},\"doc_count\":2}]}");

    bed_deinit(&bed);
}

/* A page after the other gives all buckets once, in both directions, whatever the page's size. */
static void pages_go_on(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(
        &bed, "i",
        "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"n\":{\"type\":\"long\"}}}}");
    for (int i = 0; i < 900; i++) {
        char id[16], json[64];
        (void)snprintf(id, sizeof(id), "%d", i);
        (void)snprintf(json, sizeof(json), "{\"k\":\"k%d\",\"n\":%d}", i * 7 % 31, i * 11 % 40);
        put(&bed, "i", id, json);
        if (i % 250 == 249)
            refresh(&bed, "i");
    }
    refresh(&bed, "i");
    for (int size = 1; size < 2000; size = size * 5 + 2) {
        struct str after = STR("");
        size_t buckets = 0;
        int64_t docs = 0;
        for (;;) {
            struct str body = arena_printf(t->mem,
                                           "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"size\":%"
                                           "d,\"sources\":[{\"k\":{\"terms\":{"
                                           "\"field\":\"k\",\"order\":\"desc\"}}},{\"n\":{"
                                           "\"terms\":{\"field\":\"n\"}}}]" STR_FMT "}}}}",
                                           size, STR_ARG(after));
            struct value tree = reply(&bed, "i", body.p);
            const struct value *list = at_path(&tree, "aggregations/x/buckets");
            for (size_t i = 0; i < list->list->count; i++)
                docs += value_map_get_lit(&list->list->items[i], "doc_count")->i;
            buckets += list->list->count;
            if (list->list->count < (size_t)size)
                break;
            struct str key = json_of(&bed, at_path(&tree, "aggregations/x/after_key"));
            after = arena_printf(t->mem, ",\"after\":" STR_FMT, STR_ARG(key));
        }
        assert_int_equal(docs, 900);
        assert_int_equal(buckets, 900);
    }
    bed_deinit(&bed);
}

/* A page after a number that no integer reaches is the end, or the beginning. */
static void numbers_beyond_integers_are_ends(struct test *t)
{
    static const struct {
        const char *after, *first; /* bucket of the page */
    } rows[] = {
        {"1e300", "(nothing)"},
        {"9.3e18", "(nothing)"},
        {"-1e300", "{\"key\":{\"a\":1},\"doc_count\":1}"},
        {"-9.3e18", "{\"key\":{\"a\":1},\"doc_count\":1}"},
        {"2.5", "{\"key\":{\"a\":3},\"doc_count\":1}"},
    };
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str body = arena_printf(
            t->mem,
            "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"sources\":[{\"a\":{\"terms\":{"
            "\"field\":\"n\"}}}],\"after\":{\"a\":%s}}}}}",
            rows[i].after);
        struct value tree = reply(&bed, "i", body.p);
        assert_str_eq(json_of(&bed, at_path(&tree, "aggregations/x/buckets/0")), rows[i].first);
    }
    bed_deinit(&bed);
}

#define COMPOSITE_FAILS(inner, code, part)                                                         \
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{" inner "}}}}", code, part)

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    COMPOSITE_FAILS("", ERR_INVALID, "Required [sources]");
    COMPOSITE_FAILS("\"sources\":[]", ERR_INVALID, "cannot be null or empty");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"foo\":{}}}]", ERR_PARSE, "invalid source type: foo");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"geotile_grid\":{}}}]", ERR_UNSUPPORTED, "geotile_grid");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\",\"x\":1}}}]", ERR_PARSE,
                    "unknown field [x]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"script\":{}}}}]", ERR_UNSUPPORTED, "script");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\",\"order\":\"up\"}}}]",
                    ERR_PARSE, "[up]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"histogram\":{\"field\":\"n\"}}}]", ERR_INVALID,
                    "interval");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"histogram\":{\"field\":\"k\",\"interval\":1}}}]",
                    ERR_INVALID, "not supported for aggregation [histogram]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"t\"}}}]", ERR_INVALID,
                    "Text fields");
    COMPOSITE_FAILS(
        "\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}},{\"a\":{\"terms\":{\"field\":\"n\"}}}]",
        ERR_INVALID, "duplicates: [a]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}],\"size\":0", ERR_INVALID,
                    "[size]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}],\"size\":100000",
                    ERR_TOO_MANY_BUCKETS, "100000");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}],\"after\":{\"b\":1}",
                    ERR_INVALID, "Missing value for [after.a]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}],\"after\":{\"a\":null}",
                    ERR_INVALID, "[null]");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}],\"after\":{\"a\":5}",
                    ERR_INVALID, "expected string");
    COMPOSITE_FAILS("\"sources\":[{\"a\":{\"terms\":{\"field\":\"n\"}}}],\"after\":{\"a\":\"x\"}",
                    ERR_INVALID, "For input string");
    fails(&bed,
          "{\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"x\":{\"composite\":{"
          "\"sources\":[{\"a\":{\"terms\":{\"field\":\"k\"}}}]}}}}}}",
          ERR_INVALID, "parent aggregation");
    bed_deinit(&bed);
}

static struct value page_of(struct bed *bed, int size, const char *child)
{
    struct str body = arena_printf(bed->t->mem,
                                   "{\"size\":0,\"aggs\":{\"x\":{\"composite\":{\"size\":%d,"
                                   "\"sources\":[{\"a\":{\"terms\":{\"field\":\"a\"}}}]},\"aggs\":{"
                                   "\"c\":%s}}}}",
                                   size, child);
    return reply(bed, "i", body.p);
}

/* A small page drops buckets while it goes on, and gives their states to better ones. */
static void dropped_buckets_leave_nothing(struct test *t)
{
    static const char *const children[] = {
        "{\"terms\":{\"field\":\"k\"}}",
        "{\"terms\":{\"field\":\"k\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}}",
        "{\"terms\":{\"field\":\"n\",\"order\":{\"_key\":\"asc\"}}}",
        "{\"significant_terms\":{\"field\":\"k\",\"min_doc_count\":1}}",
        "{\"histogram\":{\"field\":\"n\",\"interval\":7,\"min_doc_count\":1}}",
        "{\"date_histogram\":{\"field\":\"n\",\"fixed_interval\":\"9ms\",\"min_doc_count\":1}}",
        "{\"top_hits\":{\"size\":1,\"sort\":\"n\",\"_source\":false}}",
        "{\"percentiles\":{\"field\":\"n\"}}",
        "{\"cardinality\":{\"field\":\"k\"}}",
    };
    static const int sizes[] = {1, 2, 5, 40};
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"},\"k\":{\"type\":\"keyword\"},"
           "\"a\":{\"type\":\"long\"}}}}");
    for (int i = 0; i < 900; i++) {
        struct str k =
            i < 700 ? arena_printf(t->mem, "\"k\":\"k%d\",", (int)rng_below(&t->rng, 20)) : STR("");
        struct str source =
            arena_printf(t->mem, "{\"n\":%d," STR_FMT "\"a\":%d}", (int)rng_below(&t->rng, 60),
                         STR_ARG(k), 300 - i / 3 + (int)rng_below(&t->rng, 50));
        put(&bed, "i", arena_printf(t->mem, "%d", i).p, source.p);
        if (i == 400 || i == 699) /* the last segment has no k */
            refresh(&bed, "i");
    }
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(children) * ARRAY_COUNT(sizes); i++) {
        const char *child = children[i / ARRAY_COUNT(sizes)];
        int size = sizes[i % ARRAY_COUNT(sizes)];
        struct value some = page_of(&bed, size, child), all = page_of(&bed, 1000, child);
        assert_int_equal(at_path(&some, "aggregations/x/buckets")->list->count, size);
        for (int k = 0; k < size; k++) {
            const char *path = arena_printf(t->mem, "aggregations/x/buckets/%d", k).p;
            assert_strs_eq(json_of(&bed, at_path(&some, path)), json_of(&bed, at_path(&all, path)));
        }
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(pages_are_those_of_elasticsearch), TEST(pages_go_on),
          TEST(dropped_buckets_leave_nothing), TEST(numbers_beyond_integers_are_ends),
          TEST(mistakes_are_named))
