/* SPDX-License-Identifier: Apache-2.0 */
/* Accumulators: results against plain computations, and for every type: split in any way and
 * merged, or written to bytes and read back in between, the result is the same. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>

#include "agg/agg.h"

static struct agg make(struct test *t, const char *type, const char *options)
{
    struct value v = {.kind = VALUE_NONE};
    struct agg agg;
    if (options)
        assert_ok(value_from_json(str_from(options), t->mem, &v, &t->err), &t->err);
    assert_ok(agg_create(str_from(type), options ? &v : NULL, t->mem, &agg, &t->err), &t->err);
    return agg;
}

static void result_is(struct test *t, const struct agg *agg, const char *json)
{
    struct buf out;
    struct value v = agg_result(agg, t->mem);
    buf_init(&out, 0);
    value_to_json(&v, &out);
    assert_str_eq(buf_str(&out), json);
    buf_deinit(&out);
}

static void empty_ones(struct test *t)
{
    static const struct {
        const char *type, *options, *json;
    } rows[] = {
        {"count", NULL, "0"},
        {"value_count", NULL, "0"},
        {"sum", NULL, "0"},
        {"avg", NULL, "null"},
        {"min", NULL, "null"},
        {"max", NULL, "null"},
        {"stats", NULL, "{\"count\":0,\"min\":null,\"max\":null,\"avg\":null,\"sum\":0}"},
        {"cardinality", NULL, "0"},
        {"percentiles", "{\"percents\":[50]}", "{\"50.0\":null}"},
        {"percentile_ranks", "{\"values\":[1]}", "{\"1.0\":null}"},
        {"median_absolute_deviation", NULL, "null"},
        {"first", NULL, "null"},
        {"last", NULL, "null"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct agg agg = make(t, rows[i].type, rows[i].options);
        result_is(t, &agg, rows[i].json);
    }
}

static void integers_stay_exact(struct test *t)
{
    struct agg sum = make(t, "sum", NULL), max = make(t, "max", NULL), avg = make(t, "avg", NULL);
    static const int64_t values[] = {INT64_C(9007199254740993), 1, INT64_C(-3)};
    agg_add_longs(&sum, values, 3);
    agg_add_longs(&max, values, 3);
    agg_add_longs(&avg, values, 3);
    result_is(t, &sum, "9007199254740991");
    result_is(t, &max, "9007199254740993");
    agg_add_int(&sum, INT64_MAX);
    agg_add_int(&sum, INT64_MAX);
    result_is(t, &sum, "18455751272964292605");
    agg_add(&sum, 0.5);
    struct value v = agg_result(&sum, t->mem);
    assert_int_equal(v.kind, VALUE_FLOAT);
    struct agg tenths = make(t, "sum", NULL);
    for (int i = 0; i < 1000000; i++)
        agg_add(&tenths, 0.1);
    result_is(t, &tenths, "100000.0");
}

static void values_of_all_kinds(struct test *t)
{
    struct agg sum = make(t, "sum", NULL), min = make(t, "min", NULL),
               count = make(t, "count", NULL);
    struct value text = value_str(STR("12")), word = value_str(STR("x")), null = value_null(),
                 yes = value_bool(true);
    struct value time = value_time(INT64_C(1737500000) * NS_PER_S), list = value_list(t->mem, 2);
    value_list_add(t->mem, &list, value_int(1));
    value_list_add(t->mem, &list, value_float(0.5));
    assert_true(agg_add_value(&sum, &text, NULL));
    assert_false(agg_add_value(&sum, &word, NULL));
    assert_false(agg_add_value(&sum, &yes, NULL));
    assert_true(agg_add_value(&sum, &list, NULL));
    result_is(t, &sum, "13.5");
    assert_true(agg_add_value(&min, &time, NULL));
    result_is(t, &min, "\"2025-01-21T22:53:20.000Z\"");
    assert_true(agg_add_value(&count, &word, NULL));
    assert_false(agg_add_value(&count, &null, NULL));
    assert_true(agg_add_value(&count, &list, NULL));
    result_is(t, &count, "3");
}

static void first_and_last_follow_the_order(struct test *t)
{
    struct agg first = make(t, "first", NULL), last = make(t, "last", NULL);
    static const struct {
        int64_t key, tie;
        const char *text;
    } rows[] = {{5, 1, "b"}, {3, 9, "a"},
                {7, 2, "y"}, {7, 3, "a long text that needs more room than the one before"},
                {7, 1, "x"}, {3, 10, "c"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = value_str(str_from(rows[i].text));
        struct agg_order order = {rows[i].key, rows[i].tie};
        (void)agg_add_value(&first, &v, &order);
        (void)agg_add_value(&last, &v, &order);
    }
    result_is(t, &first, "\"a\"");
    result_is(t, &last, "\"a long text that needs more room than the one before\"");
    struct value map = value_map(t->mem, 1);
    value_map_set(t->mem, &map, STR("p"), value_int(7));
    (void)agg_add_value(&last, &map, &(struct agg_order){8, 0});
    result_is(t, &last, "{\"p\":7}");
}

static void distributions(struct test *t)
{
    struct agg few = make(t, "percentiles", "{\"percents\":[0,25,50,99,100]}");
    static const int64_t values[] = {5, 1, 4, 2, 3};
    agg_add_longs(&few, values, 5);
    result_is(t, &few, "{\"0.0\":1.0,\"25.0\":1.75,\"50.0\":3.0,\"99.0\":5.0,\"100.0\":5.0}");
    struct agg many = make(t, "percentiles", "{\"percents\":[1,50,99]}"),
               ranks = make(t, "percentile_ranks", "{\"values\":[25000]}");
    for (int64_t i = 0; i < 100000; i++) {
        int64_t v = (i * 7919) % 100000;
        agg_add_int(&many, v);
        agg_add_int(&ranks, v);
    }
    struct value v = agg_result(&many, t->mem);
    assert_true(fabs(value_map_get_lit(&v, "50.0")->f - 50000) < 1000);
    assert_true(fabs(value_map_get_lit(&v, "1.0")->f - 1000) < 50);
    assert_true(fabs(value_map_get_lit(&v, "99.0")->f - 99000) < 50);
    v = agg_result(&ranks, t->mem);
    assert_true(fabs(value_map_get_lit(&v, "25000.0")->f - 25) < 1);
    struct agg mad = make(t, "median_absolute_deviation", NULL);
    static const int64_t spread[] = {1, 1, 2, 2, 4, 6, 9};
    agg_add_longs(&mad, spread, 7);
    result_is(t, &mad, "1.0");
}

static void distinct_values(struct test *t)
{
    struct agg agg = make(t, "cardinality", NULL);
    for (int64_t i = 0; i < 3000; i++) {
        agg_add_int(&agg, i);
        agg_add(&agg, (double)i); /* the same number */
    }
    result_is(t, &agg, "3000");
    for (int64_t i = 0; i < 500000; i++)
        agg_add_int(&agg, i);
    struct value v = agg_result(&agg, t->mem);
    assert_true(llabs(v.i - 500000) < 15000); /* 3 %: more than three standard errors */
}

static void statistics(struct test *t)
{
    struct agg agg = make(t, "extended_stats", NULL);
    static const int64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    agg_add_longs(&agg, values, 8);
    struct value v = agg_result(&agg, t->mem);
    assert_true(value_map_get_lit(&v, "std_deviation")->f == 2.0);
    assert_true(value_map_get_lit(&v, "sum_of_squares")->f == 232.0);
    const struct value *bounds = value_map_get_lit(&v, "std_deviation_bounds");
    assert_true(value_map_get_lit(bounds, "upper")->f == 9.0);
}

static void options_are_checked(struct test *t)
{
    static const struct {
        const char *type, *options, *part;
    } rows[] = {
        {"summ", NULL, "did you mean \"sum\""},
        {"sum", "{\"x\":1}", "x"},
        {"percentiles", "{\"percents\":[101]}", "percent must be in [0,100]"},
        {"percentiles", "{\"percents\":[]}", "must not be an empty array"},
        {"percentile_ranks", "{}", "values"},
        {"cardinality", "{\"precision_threshold\":-1}", "precision"},
        {"extended_stats", "{\"sigma\":-1}", "[sigma] must be greater"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = {.kind = VALUE_NONE};
        struct agg agg;
        if (rows[i].options)
            assert_ok(value_from_json(str_from(rows[i].options), t->mem, &v, &t->err), &t->err);
        assert_true(agg_create(str_from(rows[i].type), &v, t->mem, &agg, &t->err) < 0);
        assert_err_has(&t->err, rows[i].part);
    }
}

static void add_random(struct test *t, struct rng *rng, struct agg *agg, struct agg *other)
{
    (void)t;
    struct value v = rng_below(rng, 4) ? value_int(rng_between(rng, -1000, 1000))
                                       : value_float((double)rng_between(rng, -8000, 8000) / 8);
    struct agg_order order = {rng_between(rng, 0, 50), rng_between(rng, 0, INT64_C(1) << 40)};
    (void)agg_add_value(agg, &v, &order);
    (void)agg_add_value(other, &v, &order);
}

/* Sums of eighths are exact in doubles, so splitting cannot change a digit. */
static void merged_and_reread_are_the_same(struct test *t)
{
    for (size_t k = 0; agg_types()[k]; k++) {
        const char *type = agg_types()[k]->name;
        const char *options =
            strcmp(type, "percentile_ranks") == 0 ? "{\"values\":[-100,0,3.5]}" : NULL;
        for (int round = 0; round < 20; round++) {
            struct agg whole = make(t, type, options), merged = make(t, type, options);
            size_t parts = 1 + rng_below(&t->rng, 4);
            for (size_t p = 0; p < parts; p++) {
                struct agg part = make(t, type, options), reread = make(t, type, options);
                for (uint64_t n = rng_below(&t->rng, 60); n > 0; n--)
                    add_random(t, &t->rng, &whole, &part);
                struct buf bytes;
                buf_init(&bytes, 0);
                agg_encode(&part, &bytes);
                struct str in = buf_str(&bytes);
                assert_ok(agg_decode(&reread, &in, &t->err), &t->err);
                assert_int_equal(in.n, 0);
                for (size_t cut = 0; cut < bytes.n;
                     cut++) { /* cut short: refused or at least harmless */
                    struct agg broken = make(t, type, options);
                    struct str less = {bytes.p, cut};
                    if (agg_decode(&broken, &less, &t->err) < 0)
                        assert_int_equal(t->err.code, ERR_CORRUPT);
                }
                agg_merge(&merged, &reread);
                buf_deinit(&bytes);
            }
            struct value a = agg_result(&whole, t->mem), b = agg_result(&merged, t->mem);
            if (!value_eq(&a, &b)) {
                struct buf out;
                buf_init(&out, 0);
                value_to_json(&a, &out);
                buf_add_char(&out, ' ');
                value_to_json(&b, &out);
                fail_msg("%s: %s", type, buf_cstr(&out));
            }
        }
    }
}

/* Floats of very different size: any order of values and merges gives the same sum. */
static void sums_do_not_depend_on_order(struct test *t)
{
    for (int round = 0; round < 20; round++) {
        double values[999];
        struct agg whole = make(t, "stats", NULL), turned = make(t, "stats", NULL),
                   parts[3] = {make(t, "stats", NULL), make(t, "stats", NULL),
                               make(t, "stats", NULL)};
        for (size_t i = 0; i < ARRAY_COUNT(values); i++)
            values[i] = ((double)rng_u64(&t->rng) - 9.2e18) * pow(10, -(double)(i % 20));
        agg_add_doubles(&whole, values, ARRAY_COUNT(values));
        for (size_t i = ARRAY_COUNT(values); i-- > 0;) {
            agg_add(&turned, values[i]);
            agg_add(&parts[rng_below(&t->rng, 3)], values[i]);
        }
        agg_merge(&parts[2], &parts[0]);
        agg_merge(&parts[2], &parts[1]);
        struct value a = agg_result(&whole, t->mem), b = agg_result(&turned, t->mem),
                     c = agg_result(&parts[2], t->mem);
        assert_true(value_eq(&a, &b));
        assert_true(value_eq(&a, &c));
    }
}

/* What is known of many values at once gives what the values one by one give: exactly, but for a
 * digest of more values than it keeps. */
static void counts_and_summaries_are_the_values(struct test *t)
{
    static const char *const types[] = {"percentiles", "median_absolute_deviation",
                                        "cardinality", "value_count",
                                        "sum",         "avg",
                                        "min",         "max",
                                        "stats"};
    for (size_t k = 0; k < ARRAY_COUNT(types); k++) {
        for (int round = 0; round < 8; round++) {
            enum { SPREAD = 500 };
            uint32_t counts[SPREAD] = {0};
            size_t n = round % 2 ? 900 : 40000;
            struct agg one = make(t, types[k], NULL), many = make(t, types[k], NULL);
            struct agg_summary summary = {
                .is_integer = true, .min_i = INT64_MAX, .max_i = INT64_MIN};
            for (size_t i = 0; i < n; i++) {
                int64_t code = (int64_t)rng_below(&t->rng, rng_below(&t->rng, SPREAD) + 1);
                int64_t v = code - 100;
                counts[code]++;
                summary.count++;
                summary.sum += v;
                summary.min_i = MIN_OF(summary.min_i, v);
                summary.max_i = MAX_OF(summary.max_i, v);
                agg_add_int(&one, v);
            }
            if (many.type->add_counts)
                many.type->add_counts(&many, -100, counts, SPREAD);
            else
                assert_true(many.type->add_summary(&many, &summary));
            struct value a = agg_result(&one, t->mem), b = agg_result(&many, t->mem);
            bool is_digest = n > 1024 && (one.type->flags & AGG_BY_ORDER);
            if (!is_digest)
                assert_true(value_eq(&a, &b));
            for (size_t i = 0; is_digest && a.kind == VALUE_MAP && i < a.map->count; i++)
                assert_true(fabs(a.map->values[i].f - b.map->values[i].f) <= SPREAD / 50.0);
        }
    }
}

TEST_MAIN(TEST(empty_ones), TEST(integers_stay_exact), TEST(values_of_all_kinds),
          TEST(first_and_last_follow_the_order), TEST(distributions), TEST(distinct_values),
          TEST(statistics), TEST(options_are_checked), TEST(merged_and_reread_are_the_same),
          TEST(sums_do_not_depend_on_order), TEST(counts_and_summaries_are_the_values))
