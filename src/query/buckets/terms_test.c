/* SPDX-License-Identifier: Apache-2.0 */
/* What terms leaves out; the expected sums are Elasticsearch 7.10.2's, of one shard. What it shows
 * is in search_test.c, oracle_test.c and model_test.c. */
#include "query/search_support_test.h"

#define PARENTS 3000
#define VALUES  30 /* value i is in VALUES - i documents */

static void fill(struct bed *bed, bool has_two_segments)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"n\":{\"type\":\"long\"}}}"
           "}");
    for (int i = 0; i < VALUES; i++) {
        for (int k = 0; k < VALUES - i; k++) {
            struct str id = arena_printf(bed->t->mem, "%d-%d", i, k);
            put(bed, "i", id.p, arena_printf(bed->t->mem, "{\"k\":\"k%02d\",\"n\":%d}", i, i).p);
        }
        if (has_two_segments && i == VALUES / 2)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

static void sums_of_the_others(struct bed *bed)
{
    static const struct {
        const char *options;
        int others, shown;
    } rows[] = {
        {"\"size\":2,\"min_doc_count\":25", 259, 2},
        {"\"size\":2,\"min_doc_count\":29", 153, 2},
        {"\"size\":2,\"min_doc_count\":1", 406, 2},
        {"\"size\":1,\"min_doc_count\":25,\"shard_size\":7", 411, 1},
        {"\"size\":3,\"min_doc_count\":31", 136, 0},
        {"\"size\":40,\"min_doc_count\":10", 0, 21},
        {"\"size\":9223372036854775807,\"min_doc_count\":10", 0, 21},
        {"\"size\":2,\"min_doc_count\":5,\"order\":{\"_count\":\"desc\"}", 406, 2},
        {"\"size\":2,\"min_doc_count\":28,\"order\":{\"_count\":\"desc\"}", 181, 2},
        {"\"size\":30,\"min_doc_count\":5,\"order\":{\"_key\":\"desc\"}", 0, 26},
        /* Here Elasticsearch shows none: it looks for the 28 among the first two keys only. */
        {"\"size\":2,\"min_doc_count\":28,\"order\":{\"_key\":\"desc\"}", 408, 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows) * 2; i++) {
        struct str body = arena_printf(
            bed->t->mem, "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"%s\",%s}}}}",
            i % 2 ? "k" : "n", rows[i / 2].options);
        struct value got = reply(bed, "i", body.p);
        const struct value *others = at_path(&got, "aggregations/x/sum_other_doc_count"),
                           *buckets = at_path(&got, "aggregations/x/buckets");
        if (others->i != rows[i / 2].others || (int)buckets->list->count != rows[i / 2].shown)
            fail_msg("%s: %lld others, %zu shown", body.p, (long long)others->i,
                     buckets->list->count);
    }
}

static void sums_of_one_segment(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed, false);
    sums_of_the_others(&bed);
    bed_deinit(&bed);
}

static void sums_of_two_segments(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed, true);
    sums_of_the_others(&bed);
    bed_deinit(&bed);
}

/* Many small buckets with many different terms below are counted within little memory. */
static void small_buckets_take_little(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(
        &bed, "i",
        "{\"mappings\":{\"properties\":{\"a\":{\"type\":\"keyword\"},\"b\":{\"type\":\"keyword\"}}}"
        "}");
    struct doc_write writes[PARENTS];
    struct doc_result *results = ARENA_ARRAY(t->mem, struct doc_result, PARENTS);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PARENTS; i++) {
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("i");
            writes[i].id = arena_printf(t->mem, "%d-%d", round, i);
            writes[i].source = arena_printf(t->mem, "{\"a\":\"a%d\",\"b\":\"b%d\"}", i, i + round);
        }
        assert_ok(engine_write(bed.engine, writes, PARENTS, REFRESH_NONE, t->mem, results, &t->err),
                  &t->err);
    }
    refresh(&bed, "i");
    bed.limits.memory_bytes_max = 24 << 20;
    struct value got = reply(
        &bed, "i",
        "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"a\",\"size\":5000},\"aggs\":{\"y\":{"
        "\"terms\":{\"field\":\"b\",\"order\":{\"_key\":\"asc\"}}}}}}}");
    const struct value *buckets = at_path(&got, "aggregations/x/buckets");
    assert_int_equal(buckets->list->count, PARENTS);
    for (size_t i = 0; i < PARENTS; i++) {
        const struct value *bucket = &buckets->list->items[i];
        assert_int_equal(at_path(bucket, "doc_count")->i, 2);
        assert_int_equal(at_path(bucket, "y/buckets")->list->count, 2);
        int64_t first, second, parent;
        assert_true(str_to_i64(str_from_off(at_path(bucket, "key")->s, 1), &parent));
        assert_true(str_to_i64(str_from_off(at_path(bucket, "y/buckets/0/key")->s, 1), &first));
        assert_true(str_to_i64(str_from_off(at_path(bucket, "y/buckets/1/key")->s, 1), &second));
        assert_int_equal(MIN_OF(first, second), parent);
        assert_int_equal(MAX_OF(first, second), parent + 1);
    }
    bed_deinit(&bed);
}

/* The largest of no values is -Infinity; other metrics without a value come last. */
static void orders_of_no_values(struct test *t)
{
    static const struct {
        const char *metric, *order, *first;
    } rows[] = {
        {"{\"max\":{\"field\":\"n\"}}", "{\"m\":\"asc\"}", "none"},
        {"{\"max\":{\"field\":\"n\"}}", "{\"m.value\":\"desc\"}", "some"},
        {"{\"min\":{\"field\":\"n\"}}", "{\"m\":\"asc\"}", "some"},
        {"{\"min\":{\"field\":\"n\"}}", "{\"m\":\"desc\"}", "none"},
        {"{\"avg\":{\"field\":\"n\"}}", "{\"m\":\"asc\"}", "some"},
        {"{\"avg\":{\"field\":\"n\"}}", "{\"m\":\"desc\"}", "some"},
        {"{\"stats\":{\"field\":\"n\"}}", "{\"m.max\":\"asc\"}", "none"},
        {"{\"stats\":{\"field\":\"n\"}}", "{\"m.avg\":\"asc\"}", "some"},
        {"{\"filter\":{\"match_all\":{}},\"aggs\":{\"x\":{\"max\":{\"field\":\"n\"}}}}",
         "{\"m>x\":\"asc\"}", "none"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"n\":{\"type\":\"long\"}}}"
           "}");
    put(&bed, "i", "1", "{\"k\":\"none\"}");
    put(&bed, "i", "2", "{\"k\":\"some\",\"n\":-7}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str body = arena_printf(t->mem,
                                       "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"k\","
                                       "\"order\":%s},\"aggs\":{\"m\":%s}}}}",
                                       rows[i].order, rows[i].metric);
        struct value got = reply(&bed, "i", body.p);
        struct str first = at_path(&got, "aggregations/x/buckets/0/key")->s;
        if (!str_eq(first, str_from(rows[i].first)))
            fail_msg("%s: first is " STR_FMT, body.p, STR_ARG(first));
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(orders_of_no_values), TEST(sums_of_one_segment), TEST(sums_of_two_segments),
          TEST(small_buckets_take_little))
