/* SPDX-License-Identifier: Apache-2.0 */
/* date_shown_test.c: dates as replies show them: a date has milliseconds, whatever its source says.
 */
#include "query/search_support_test.h"

static void bed_of_dates(struct bed *bed, struct test *t)
{
    bed_init(bed, t);
    create(
        bed, "i",
        "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"n\":{\"type\":\"date_nanos\"}"
        "}}}");
    put(bed, "i", "1",
        "{\"d\":\"2021-01-03T12:00:00.123956Z\",\"n\":\"2021-01-03T12:00:00.123456789Z\"}");
    put(bed, "i", "2",
        "{\"d\":\"1969-12-31T23:59:59.9995Z\",\"n\":\"2021-01-03T12:00:00.123456000Z\"}");
    refresh(bed, "i");
}

static void fields_of_hits(struct test *t)
{
    static const struct {
        const char *fields, *first, *second;
    } rows[] = {
        {"\"d\"", "{\"d\":[\"2021-01-03T12:00:00.123Z\"]}",
         "{\"d\":[\"1969-12-31T23:59:59.999Z\"]}"},
        {"{\"field\":\"d\",\"format\":\"epoch_millis\"}", "{\"d\":[\"1609675200123\"]}",
         "{\"d\":[\"-1\"]}"},
        {"{\"field\":\"d\",\"format\":\"strict_date_optional_time_nanos\"}",
         "{\"d\":[\"2021-01-03T12:00:00.123000000Z\"]}",
         "{\"d\":[\"1969-12-31T23:59:59.999000000Z\"]}"},
        {"{\"field\":\"n\",\"format\":\"epoch_millis\"}", "{\"n\":[\"1609675200123.456789\"]}",
         "{\"n\":[\"1609675200123.456\"]}"},
    };
    static const char *const options[] = {"fields", "docvalue_fields"};
    struct bed bed;
    bed_of_dates(&bed, t);
    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        struct value tree = reply(&bed, "i",
                                  arena_printf(t->mem, "{\"%s\":[%s],\"sort\":[{\"d\":\"desc\"}]}",
                                               options[i % 2], rows[i / 2].fields)
                                      .p);
        test__str_eq(json_of(&bed, at_path(&tree, "hits/hits/0/fields")),
                     str_from(rows[i / 2].first), __FILE__, __LINE__);
        test__str_eq(json_of(&bed, at_path(&tree, "hits/hits/1/fields")),
                     str_from(rows[i / 2].second), __FILE__, __LINE__);
    }
    bed_deinit(&bed);
}

#define FIRST  "1.609675200123E12,\"value_as_string\":\"2021-01-03T12:00:00.123Z\"}"
#define SECOND "1.609675200124E12,\"value_as_string\":\"2021-01-03T12:00:00.124Z\"}"

static void metrics_of_nanos(struct test *t)
{
    static const struct {
        const char *agg, *want;
    } rows[] = {
        {"\"min\":{\"field\":\"n\"}", "{\"value\":" FIRST},
        {"\"max\":{\"field\":\"n\"}", "{\"value\":" SECOND},
        {"\"max\":{\"field\":\"n\",\"missing\":\"2021-01-03T12:00:00.124Z\"}",
         "{\"value\":" SECOND},
        {"\"min\":{\"field\":\"n\",\"format\":\"yyyy\"}",
         "{\"value\":1.609675200123E12,\"value_as_string\":\"2021\"}"},
        {"\"cardinality\":{\"field\":\"n\"}", "{\"value\":2}"},
        {"\"value_count\":{\"field\":\"n\"}", "{\"value\":3}"},
        {"\"stats\":{\"field\":\"n\",\"format\":\"epoch_millis\"}",
         "{\"count\":3,\"min\":1.609675200123E12,\"max\":1.609675200124E12,"
         "\"avg\":1.6096752001233333E12,\"sum\":4.82902560037E12,\"min_as_string\":"
         "\"1609675200123\",\"max_as_string\":\"1609675200124\",\"avg_as_string\":"
         "\"1609675200123\",\"sum_as_string\":\"4829025600370\"}"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"date_nanos\"}}}}");
    put(&bed, "i", "1", "{\"g\":1,\"n\":\"2021-01-03T12:00:00.123456789Z\"}");
    put(&bed, "i", "2", "{\"g\":1,\"n\":\"2021-01-03T12:00:00.123456000Z\"}");
    refresh(&bed, "i");
    put(&bed, "i", "3", "{\"g\":1,\"n\":\"2021-01-03T12:00:00.124999999Z\"}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value tree = reply(&bed, "i",
                                  arena_printf(t->mem,
                                               "{\"size\":0,\"aggs\":{\"x\":{%s},\"g\":{\"terms\":{"
                                               "\"field\":\"g\"},\"aggs\":{\"x\":{%s}}}}}",
                                               rows[i].agg, rows[i].agg)
                                      .p);
        static const char *const paths[] = {"aggregations/x", "aggregations/g/buckets/0/x"};
        for (size_t k = 0; k < ARRAY_COUNT(paths); k++) {
            struct str got = json_of(&bed, at_path(&tree, paths[k]));
            if (!str_eq(got, str_from(rows[i].want)))
                fail_msg("%s at %s: %.*s, want %s", rows[i].agg, paths[k], STR_ARG(got),
                         rows[i].want);
        }
    }
    /* Squares of milliseconds are beyond int64: they are the last date that there is. */
    struct value tree = reply(
        &bed, "i",
        "{\"size\":0,\"aggs\":{\"x\":{\"extended_stats\":{\"field\":\"n\",\"format\":\"yyyy\"}}}}");
    assert_str_eq(at_path(&tree, "aggregations/x/sum_of_squares_as_string")->s, "2262");
    bed_deinit(&bed);
}

static void terms_of_nanos(struct test *t)
{
    static const struct {
        const char *agg, *want;
    } rows[] = {
        {"\"terms\":{\"field\":\"n\"}",
         "[{\"key\":1609675200123,\"key_as_string\":\"2021-01-03T12:00:00.123Z\",\"doc_count\":3},"
         "{\"key\":1609675200124,\"key_as_string\":\"2021-01-03T12:00:00.124Z\",\"doc_count\":1}]"},
        {"\"terms\":{\"field\":\"n\",\"missing\":1609675200124,\"format\":\"ss.SSSSSS\"}",
         "[{\"key\":1609675200123,\"key_as_string\":\"00.123000\",\"doc_count\":3},"
         "{\"key\":1609675200124,\"key_as_string\":\"00.124000\",\"doc_count\":2}]"},
        /* a composite counts equal values of one document each */
        {"\"composite\":{\"sources\":[{\"k\":{\"terms\":{\"field\":\"n\"}}}]}",
         "[{\"key\":{\"k\":1609675200123},\"doc_count\":4},{\"key\":{\"k\":1609675200124},"
         "\"doc_count\":1}]"},
        {"\"composite\":{\"sources\":[{\"k\":{\"terms\":{\"field\":\"n\"}}}],"
         "\"after\":{\"k\":1609675200123}}",
         "[{\"key\":{\"k\":1609675200124},\"doc_count\":1}]"},
        {"\"composite\":{\"sources\":[{\"k\":{\"date_histogram\":{\"field\":\"n\","
         "\"fixed_interval\":\"1s\",\"format\":\"HH:mm:ss\"}}}]}",
         "[{\"key\":{\"k\":\"12:00:00\"},\"doc_count\":5}]"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "a", "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"date_nanos\"}}}}");
    create(&bed, "b", "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"date\"}}}}");
    put(&bed, "a", "1", "{\"n\":\"2021-01-03T12:00:00.123456789Z\"}");
    put(&bed, "a", "2",
        "{\"n\":[\"2021-01-03T12:00:00.123456000Z\",\"2021-01-03T12:00:00.123457Z\","
        "\"2021-01-03T12:00:00.124999999Z\"]}");
    put(&bed, "a", "3", "{\"other\":1}");
    put(&bed, "b", "1", "{\"n\":\"2021-01-03T12:00:00.123Z\"}");
    refresh(&bed, "a");
    refresh(&bed, "b");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value tree = reply(
            &bed, "*", arena_printf(t->mem, "{\"size\":0,\"aggs\":{\"x\":{%s}}}", rows[i].agg).p);
        struct str got = json_of(&bed, at_path(&tree, "aggregations/x/buckets"));
        if (!str_eq(got, str_from(rows[i].want)))
            fail_msg("%s: %.*s, want %s", rows[i].agg, STR_ARG(got), rows[i].want);
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(fields_of_hits), TEST(metrics_of_nanos), TEST(terms_of_nanos))
