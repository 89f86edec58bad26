/* SPDX-License-Identifier: Apache-2.0 */
/* histogram_test.c: which buckets a histogram has: Elasticsearch 7.10's NumericHistogramAggregator
 * as a formula, and its reading of hard_bounds. */
#include <math.h>

#include "query/search_support_test.h"

#define DOCS 60

static void fill(struct bed *bed, const char *type, const double *values, size_t count)
{
    create(
        bed, "i",
        arena_printf(bed->t->mem, "{\"mappings\":{\"properties\":{\"v\":{\"type\":\"%s\"}}}}", type)
            .p);
    for (size_t i = 0; i < count; i++) {
        put(bed, "i", arena_printf(bed->t->mem, "%zu", i).p,
            arena_printf(bed->t->mem, "{\"v\":%g}", values[i]).p);
        if (i == count / 2)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

/* Its buckets as "key:count ...". */
static struct str buckets(struct bed *bed, const char *params)
{
    struct str body = arena_printf(
        bed->t->mem, "{\"size\":0,\"aggs\":{\"x\":{\"histogram\":{\"field\":\"v\",%s}}}}", params);
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_printf(&out, "%s%g:%lld", i ? " " : "", value_map_get_lit(bucket, "key")->f,
                   (long long)value_map_get_lit(bucket, "doc_count")->i);
    }
    struct str text = arena_str(bed->t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

/* A bucket is in by its number times the interval, whatever the values in it; the offset does not
 * count. */
static void hard_bounds_are_of_buckets(struct test *t)
{
    static const struct {
        const char *params, *buckets;
    } rows[] = {
        {"\"interval\":5", "-5:1 0:2 5:1 10:2 15:1"},
        {"\"interval\":5,\"hard_bounds\":{\"min\":2}", "5:1 10:2 15:1"},
        {"\"interval\":5,\"hard_bounds\":{\"min\":0}", "0:2 5:1 10:2 15:1"},
        {"\"interval\":5,\"hard_bounds\":{\"max\":10}", "-5:1 0:2 5:1 10:2"},
        {"\"interval\":5,\"hard_bounds\":{\"max\":9.5}", "-5:1 0:2 5:1"},
        {"\"interval\":5,\"hard_bounds\":{\"min\":0,\"max\":6}", "0:2 5:1"},
        {"\"interval\":5,\"offset\":2,\"hard_bounds\":{\"min\":0,\"max\":5}", "2:2 7:1"},
    };
    static const double values[] = {-3, 1, 4, 6, 11, 14, 15};
    static const char *const types[] = {"long", "double", "byte"};
    for (size_t k = 0; k < ARRAY_COUNT(types); k++) {
        struct bed bed;
        bed_init(&bed, t);
        fill(&bed, types[k], values, ARRAY_COUNT(values));
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            struct str got = buckets(&bed, rows[i].params);
            if (!str_eq(got, str_from(rows[i].buckets)))
                fail_msg("%s %s: " STR_FMT, types[k], rows[i].params, STR_ARG(got));
        }
        bed_deinit(&bed);
    }
}

/* The buckets of values, found one by one. */
static struct str expected(struct test *t, const double *values, double interval, double offset,
                           double low, double high)
{
    double least = INFINITY, most = -INFINITY;
    struct buf out;
    for (size_t i = 0; i < DOCS; i++) {
        double at = floor((values[i] - offset) / interval);
        if (at * interval >= low && at * interval <= high) {
            least = fmin(least, at);
            most = fmax(most, at);
        }
    }
    buf_init(&out, 0);
    for (double at = least; at <= most; at++) {
        int count = 0;
        for (size_t i = 0; i < DOCS; i++)
            count += floor((values[i] - offset) / interval) == at;
        buf_printf(&out, "%s%g:%d", at > least ? " " : "", at * interval + offset, count);
    }
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void buckets_agree_with_a_walk(struct test *t)
{
    for (int round = 0; round < 40; round++) {
        struct bed bed;
        double values[DOCS], interval = (double)(1 + rng_below(&t->rng, 12)) / 4;
        double offset = ((double)rng_below(&t->rng, 9) - 4) / 2;
        double low = (double)rng_below(&t->rng, 30) - 20,
               high = low + (double)rng_below(&t->rng, 20);
        bool is_long = rng_below(&t->rng, 2);
        for (size_t i = 0; i < DOCS; i++)
            values[i] = ((double)rng_below(&t->rng, 100) - 50) / (is_long ? 1 : 4);
        bed_init(&bed, t);
        fill(&bed, is_long ? "long" : "double", values, DOCS);
        struct str params = arena_printf(
            t->mem, "\"interval\":%g,\"offset\":%g,\"hard_bounds\":{\"min\":%g,\"max\":%g}",
            interval, offset, low, high);
        assert_true(
            str_eq(buckets(&bed, params.p), expected(t, values, interval, offset, low, high)));
        bed_deinit(&bed);
    }
}

TEST_MAIN(TEST(hard_bounds_are_of_buckets), TEST(buckets_agree_with_a_walk))
