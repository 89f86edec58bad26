/* SPDX-License-Identifier: Apache-2.0 */
/* date_bounds_test.c: extended_bounds and hard_bounds of date_histogram: what they are rounded to,
 * which ends they hold, and the numbers and texts they are read from, as Elasticsearch 7.10 has
 * them. */
#include "query/search_support_test.h"

#define BY_DAY                                                                                     \
    "\"field\":\"d\",\"calendar_interval\":\"day\",\"format\":\"d'T'HH||strict_date_optional_"     \
    "time\""

static void bed_of_dates(struct bed *bed, struct test *t)
{
    bed_init(bed, t);
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},"
           "\"s\":{\"type\":\"date\",\"format\":\"epoch_second\"}}}}");
    put(bed, "i", "1", "{\"d\":\"2021-01-03T12:00:00Z\",\"s\":1609675200}");
    put(bed, "i", "2", "{\"d\":\"2021-01-04T05:00:00Z\",\"s\":1609736400}");
    put(bed, "i", "3", "{\"d\":\"2021-01-05T12:00:00Z\",\"s\":1609848000}");
    put(bed, "i", "4", "{\"d\":\"2021-01-06T00:00:00Z\",\"s\":1609891200}");
    refresh(bed, "i");
}

static const char *body_of(struct bed *bed, const char *query, const char *params)
{
    return arena_printf(bed->t->mem,
                        "{\"size\":0,\"query\":{%s},\"aggs\":{\"x\":{\"date_histogram\":{%s}}}}",
                        query, params)
        .p;
}

/* "key count, …" */
static struct str buckets_of(struct bed *bed, const char *query, const char *params)
{
    struct buf text;
    struct value tree = reply(bed, "i", body_of(bed, query, params));
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    buf_init(&text, 0);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_printf(&text, "%s" STR_FMT " %lld", i ? ", " : "",
                   STR_ARG(value_map_get_lit(bucket, "key_as_string")->s),
                   (long long)value_map_get_lit(bucket, "doc_count")->i);
    }
    struct str all = arena_str(bed->t->mem, buf_str(&text));
    buf_deinit(&text);
    return all;
}

struct row {
    const char *params, *buckets;
};

static void check(struct test *t, const char *query, const struct row *rows, size_t count)
{
    struct bed bed;
    bed_of_dates(&bed, t);
    for (size_t i = 0; i < count; i++) {
        struct str got = buckets_of(&bed, query, rows[i].params);
        if (!str_eq(got, str_from(rows[i].buckets)))
            fail_msg("%s: %.*s, want %s", rows[i].params, STR_ARG(got), rows[i].buckets);
    }
    bed_deinit(&bed);
}

/* A bound is rounded as if there was no offset, which is then added. */
static void extended_bounds(struct test *t)
{
    static const struct row rows[] = {
        {BY_DAY ",\"extended_bounds\":{\"min\":\"2021-01-01\",\"max\":\"2021-01-07T23:00\"}",
         "1T00 0, 2T00 0, 3T00 1, 4T00 1, 5T00 1, 6T00 1, 7T00 0"},
        {BY_DAY ",\"offset\":\"+6h\",\"extended_bounds\":{\"min\":\"2021-01-02\","
                "\"max\":\"2021-01-07\"}",
         "2T06 0, 3T06 2, 4T06 0, 5T06 2, 6T06 0, 7T06 0"},
        {BY_DAY ",\"offset\":\"-6h\",\"extended_bounds\":{\"min\":\"2021-01-02\","
                "\"max\":\"2021-01-07T20:00\"}",
         "1T18 0, 2T18 1, 3T18 1, 4T18 1, 5T18 1, 6T18 0"},
        {BY_DAY ",\"min_doc_count\":1,\"extended_bounds\":{\"min\":\"2021-01-01\"}",
         "3T00 1, 4T00 1, 5T00 1, 6T00 1"},
        {BY_DAY ",\"order\":{\"_key\":\"desc\"},\"extended_bounds\":{\"max\":\"2021-01-07\"}",
         "7T00 0, 6T00 1, 5T00 1, 4T00 1, 3T00 1"},
        {BY_DAY ",\"time_zone\":\"+09:00\",\"extended_bounds\":{\"min\":\"2021-01-02\"}",
         "2T00 0, 3T00 1, 4T00 1, 5T00 1, 6T00 1"},
        /* a number is milliseconds, a text is read by the format */
        {"\"field\":\"s\",\"calendar_interval\":\"day\",\"extended_bounds\":{\"min\":"
         "1609502400000}",
         "1609459200 0, 1609545600 0, 1609632000 1, 1609718400 1, 1609804800 1, 1609891200 1"},
        {"\"field\":\"s\",\"calendar_interval\":\"day\",\"extended_bounds\":{\"min\":"
         "\"1609545600\"}",
         "1609545600 0, 1609632000 1, 1609718400 1, 1609804800 1, 1609891200 1"},
    };
    check(t, "\"match_all\":{}", rows, ARRAY_COUNT(rows));
    static const struct row none[] = {
        {BY_DAY ",\"offset\":\"+6h\",\"extended_bounds\":{\"min\":\"2021-01-02\","
                "\"max\":\"2021-01-03\"}",
         "2T06 0, 3T06 0"},
        {BY_DAY ",\"extended_bounds\":{\"min\":\"2021-01-02\"}", ""},
    };
    check(t, "\"match_none\":{}", none, ARRAY_COUNT(none));
}

/* Rounded in the same way; the upper one is outside. */
static void hard_bounds(struct test *t)
{
    static const struct row rows[] = {
        {BY_DAY ",\"hard_bounds\":{\"min\":\"2021-01-04\",\"max\":\"2021-01-06\"}",
         "4T00 1, 5T00 1"},
        {BY_DAY ",\"hard_bounds\":{\"min\":\"2021-01-04T11:00\",\"max\":\"2021-01-06T11:00\"}",
         "4T00 1, 5T00 1"},
        {BY_DAY ",\"hard_bounds\":{\"max\":\"2021-01-05\"}", "3T00 1, 4T00 1"},
        {BY_DAY ",\"offset\":\"+6h\",\"hard_bounds\":{\"min\":\"2021-01-04\",\"max\":"
                "\"2021-01-06\"}",
         "5T06 2"},
        {"\"field\":\"s\",\"calendar_interval\":\"day\",\"hard_bounds\":{\"min\":1609804800000}",
         "1609804800 1, 1609891200 1"},
    };
    check(t, "\"match_all\":{}", rows, ARRAY_COUNT(rows));
}

static void refuses(struct test *t)
{
    static const struct {
        const char *params, *part;
    } rows[] = {
        {BY_DAY ",\"extended_bounds\":{\"min\":7,\"max\":6}",
         "[extended_bounds.min][7] cannot be greater than [extended_bounds.max][6] for histogram "
         "aggregation [x]"},
        {BY_DAY ",\"hard_bounds\":{\"min\":7,\"max\":6}",
         "[hard_bounds.min][7] cannot be greater than [hard_bounds.max][6] for histogram "
         "aggregation [x]"},
        {BY_DAY ",\"hard_bounds\":{\"max\":\"2021-01-06\"},\"extended_bounds\":{\"max\":"
                "\"2021-01-07\"}",
         "Extended bounds have to be inside hard bounds"},
        {BY_DAY ",\"hard_bounds\":{\"min\":\"2021-01-06\"},\"extended_bounds\":{\"min\":"
                "\"2021-01-05\"}",
         "Extended bounds have to be inside hard bounds"},
    };
    struct bed bed;
    bed_of_dates(&bed, t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        fails(&bed, body_of(&bed, "\"match_all\":{}", rows[i].params), ERR_INVALID, rows[i].part);
    bed_deinit(&bed);
}

TEST_MAIN(TEST(extended_bounds), TEST(hard_bounds), TEST(refuses))
