/* SPDX-License-Identifier: Apache-2.0 */
/* date_missing_test.c: the value of documents without a date: a text is read by the format in the
 * time zone, a number is milliseconds, and a field that no index knows is a date too. */
#include "query/search_support_test.h"

static void counts_where_the_date_would_be(struct test *t)
{
    static const struct {
        const char *agg, *path, *want;
    } rows[] = {
        {"\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1d\",\"missing\":\"2021-01-02\","
         "\"time_zone\":\"+09:00\",\"format\":\"yyyy-MM-dd\"}",
         "buckets/0", "{\"key_as_string\":\"2021-01-02\",\"key\":1609513200000,\"doc_count\":1}"},
        {"\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1d\",\"missing\":1609545600000,"
         "\"format\":\"yyyy-MM-dd\"}",
         "buckets/0", "{\"key_as_string\":\"2021-01-02\",\"key\":1609545600000,\"doc_count\":1}"},
        {"\"date_histogram\":{\"field\":\"n\",\"fixed_interval\":\"1d\",\"missing\":1609545600000,"
         "\"format\":\"yyyy-MM-dd\"}",
         "buckets/0", "{\"key_as_string\":\"2021-01-02\",\"key\":1609545600000,\"doc_count\":1}"},
        {"\"date_histogram\":{\"field\":\"s\",\"fixed_interval\":\"1d\",\"missing\":1609545600000}",
         "buckets/0", "{\"key_as_string\":\"1609545600\",\"key\":1609545600000,\"doc_count\":1}"},
        {"\"date_histogram\":{\"field\":\"s\",\"fixed_interval\":\"1d\",\"missing\":"
         "\"1609545600\"}",
         "buckets/0", "{\"key_as_string\":\"1609545600\",\"key\":1609545600000,\"doc_count\":1}"},
        {"\"date_histogram\":{\"field\":\"none\",\"fixed_interval\":\"1d\",\"missing\":\"2021-01-"
         "02\","
         "\"time_zone\":\"+09:00\"}",
         "buckets/0",
         "{\"key_as_string\":\"2021-01-02T00:00:00.000+09:00\",\"key\":1609513200000,\"doc_count\":"
         "2}"},
        {"\"date_histogram\":{\"field\":\"none\",\"fixed_interval\":\"1d\",\"missing\":\"1/2021\","
         "\"format\":\"M/yyyy\"}",
         "buckets/0", "{\"key_as_string\":\"1/2021\",\"key\":1609459200000,\"doc_count\":2}"},
        {"\"auto_date_histogram\":{\"field\":\"none\",\"missing\":\"2021-01-02\",\"format\":"
         "\"yyyy-MM-dd\"}",
         "buckets/0", "{\"key_as_string\":\"2021-01-02\",\"key\":1609545600000,\"doc_count\":2}"},
        {"\"auto_date_histogram\":{\"field\":\"d\",\"missing\":1609545600000,\"format\":\"yyyy\","
         "\"buckets\":1}",
         "buckets/0", "{\"key_as_string\":\"2021\",\"key\":1609545600000,\"doc_count\":2}"},
        {"\"date_range\":{\"field\":\"none\",\"missing\":\"2021-01-02\",\"ranges\":[{\"key\":\"a\","
         "\"to\":\"2021-01-03\"}]}",
         "buckets/0/doc_count", "2"},
        {"\"date_range\":{\"field\":\"d\",\"missing\":1609545600000,\"format\":\"yyyy-MM-dd\","
         "\"ranges\":[{\"from\":\"2021-01-02\",\"to\":\"2021-01-03\"}]}",
         "buckets/0/doc_count", "1"},
        {"\"date_range\":{\"field\":\"d\",\"missing\":\"2021-01-02\",\"time_zone\":\"+09:00\","
         "\"ranges\":[{\"from\":\"2021-01-02\",\"to\":\"2021-01-02||+1s\"}]}",
         "buckets/0/doc_count", "1"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(
        &bed, "i",
        "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"n\":{\"type\":\"date_nanos\"},"
        "\"s\":{\"type\":\"date\",\"format\":\"epoch_second\"}}}}");
    put(&bed, "i", "1",
        "{\"d\":\"2021-01-05T12:00:00Z\",\"n\":\"2021-01-05T12:00:00Z\",\"s\":1609848000}");
    put(&bed, "i", "2", "{\"other\":1}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value tree = reply(
            &bed, "i", arena_printf(t->mem, "{\"size\":0,\"aggs\":{\"x\":{%s}}}", rows[i].agg).p);
        struct str path = arena_printf(t->mem, "aggregations/x/%s", rows[i].path),
                   got = json_of(&bed, at_path(&tree, path.p));
        if (!str_eq(got, str_from(rows[i].want)))
            fail_msg("%s: %.*s, want %s", rows[i].agg, STR_ARG(got), rows[i].want);
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(counts_where_the_date_would_be))
