/* SPDX-License-Identifier: Apache-2.0 */
/* range_test.c: ranges that overlap, in their order, with their keys; random ones against a walk.
 */
#include "query/search_support_test.h"

#define DOCS 50

/* The reply of a range aggregation over `v`. */
static struct str buckets(struct bed *bed, const char *params)
{
    struct str body = arena_printf(
        bed->t->mem, "{\"size\":0,\"aggs\":{\"x\":{\"range\":{\"field\":\"v\",%s}}}}", params);
    struct value tree = reply(bed, "i", body.p);
    return json_of(bed, at_path(&tree, "aggregations/x/buckets"));
}

static void fill(struct bed *bed, const char *const *values)
{
    create(bed, "i", "{\"mappings\":{\"properties\":{\"v\":{\"type\":\"double\"}}}}");
    for (size_t i = 0; values[i]; i++)
        put(bed, "i", arena_printf(bed->t->mem, "%zu", i).p,
            arena_printf(bed->t->mem, "{\"v\":%s}", values[i]).p);
    refresh(bed, "i");
}

/* By from, then by to; a key may be a number. */
static void keys_and_order(struct test *t)
{
    static const char *const values[] = {"-1", "0.5", "[1,2]", "5", NULL};
    static const struct {
        const char *params, *buckets;
    } rows[] = {
        {"\"ranges\":[{\"from\":1},{\"to\":1},{\"from\":0,\"to\":2},{\"from\":0,\"to\":1}]",
         "[{\"key\":\"*-1.0\",\"to\":1.0,\"doc_count\":2},"
         "{\"key\":\"0.0-1.0\",\"from\":0.0,\"to\":1.0,\"doc_count\":1},"
         "{\"key\":\"0.0-2.0\",\"from\":0.0,\"to\":2.0,\"doc_count\":2},"
         "{\"key\":\"1.0-*\",\"from\":1.0,\"doc_count\":2}]"},
        {"\"ranges\":[{\"key\":7,\"from\":5},{\"key\":\"a\",\"to\":\"5\"},{\"key\":null}]",
         "[{\"key\":\"a\",\"to\":5.0,\"doc_count\":3},{\"key\":\"*-*\",\"doc_count\":4},"
         "{\"key\":\"7\",\"from\":5.0,\"doc_count\":1}]"},
        {"\"keyed\":true,\"ranges\":[{\"key\":1.5,\"from\":5},{\"from\":null,\"to\":0}]",
         "{\"*-0.0\":{\"to\":0.0,\"doc_count\":1},\"1.5\":{\"from\":5.0,\"doc_count\":1}}"},
        {"\"ranges\":[{\"from\":2,\"to\":1}]",
         "[{\"key\":\"2.0-1.0\",\"from\":2.0,\"to\":1.0,\"doc_count\":0}]"},
    };
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed, values);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str_eq(buckets(&bed, rows[i].params), rows[i].buckets);
    bed_deinit(&bed);
}

static void counts_agree_with_a_walk(struct test *t)
{
    for (int round = 0; round < 20; round++) {
        struct bed bed;
        double values[DOCS];
        const char *texts[DOCS + 1] = {NULL};
        for (size_t i = 0; i < DOCS; i++) {
            values[i] = ((double)rng_below(&t->rng, 40) - 20) / 2;
            texts[i] = arena_printf(t->mem, "%g", values[i]).p;
        }
        bed_init(&bed, t);
        fill(&bed, texts);
        for (int k = 0; k < 20; k++) {
            double from = ((double)rng_below(&t->rng, 50) - 25) / 2,
                   to = from + (double)rng_below(&t->rng, 10) / 2;
            unsigned count = 0;
            for (size_t i = 0; i < DOCS; i++)
                count += values[i] >= from && values[i] < to;
            struct str ranges = arena_printf(
                t->mem, "\"ranges\":[{\"key\":\"k\",\"from\":%g,\"to\":%g}]", from, to);
            struct str end = arena_printf(t->mem, "\"doc_count\":%u}]", count);
            assert_true(str_ends_with(buckets(&bed, ranges.p), end));
        }
        bed_deinit(&bed);
    }
}

TEST_MAIN(TEST(keys_and_order), TEST(counts_agree_with_a_walk))
