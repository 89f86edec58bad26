/* SPDX-License-Identifier: Apache-2.0 */
/* source_test.c: unsigned_long values in aggregations: kept minus 2^63, shown as they came; numbers
 * for documents without a value. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    static const char *const values[] = {"0", "7", "9223372036854775808", "18446744073709551615"};
    create(bed, "i", "{\"mappings\":{\"properties\":{\"u\":{\"type\":\"unsigned_long\"}}}}");
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        put(bed, "i", arena_printf(bed->t->mem, "%zu", i).p,
            arena_printf(bed->t->mem, "{\"u\":%s}", values[i]).p);
    put(bed, "i", "none", "{}");
    refresh(bed, "i");
}

static void check(struct bed *bed, const char *agg, const char *path, const char *json)
{
    struct test *t = bed->t;
    struct str body = arena_printf(t->mem, "{\"size\":0,\"aggs\":{\"x\":{%s}}}", agg);
    struct value tree = reply(bed, "i", body.p);
    struct str got =
        json_of(bed, at_path(&tree, arena_printf(t->mem, "aggregations/x/%s", path).p));
    if (!str_eq(got, str_from(json)))
        fail_msg("%s: " STR_FMT, agg, STR_ARG(got));
}

static void unsigned_longs_are_shown_as_they_came(struct test *t)
{
    static const struct {
        const char *agg, *path, *json;
    } rows[] = {
        {"\"terms\":{\"field\":\"u\",\"order\":{\"_key\":\"desc\"},\"size\":2}", "buckets",
         "[{\"key\":18446744073709551615,\"doc_count\":1},"
         "{\"key\":9223372036854775808,\"doc_count\":1}]"},
        {"\"terms\":{\"field\":\"u\",\"format\":\"0.0\",\"include\":[7,18446744073709551615]}",
         "buckets",
         "[{\"key\":7,\"key_as_string\":\"7.0\",\"doc_count\":1},"
         "{\"key\":18446744073709551615,\"key_as_string\":\"18446744073709551615.0\","
         "\"doc_count\":1}]"},
        {"\"terms\":{\"field\":\"u\",\"exclude\":[7,0,9223372036854775808]}", "buckets",
         "[{\"key\":18446744073709551615,\"doc_count\":1}]"},
        {"\"terms\":{\"field\":\"u\",\"missing\":7,\"size\":1}", "buckets",
         "[{\"key\":7,\"doc_count\":2}]"},
        {"\"min\":{\"field\":\"u\"}", "value", "0.0"},
        {"\"max\":{\"field\":\"u\"}", "value", "1.8446744073709552E19"},
        {"\"avg\":{\"field\":\"u\",\"missing\":5}", "value", "5.534023222112865E18"},
        {"\"cardinality\":{\"field\":\"u\"}", "value", "4"},
        {"\"cardinality\":{\"field\":\"u\",\"missing\":7}", "value", "4"},
        {"\"missing\":{\"field\":\"u\"}", "doc_count", "1"},
        {"\"range\":{\"field\":\"u\",\"ranges\":[{\"from\":7,\"to\":1e19}]}", "buckets/0/doc_count",
         "2"},
        {"\"histogram\":{\"field\":\"u\",\"interval\":1e19}", "buckets",
         "[{\"key\":0.0,\"doc_count\":3},{\"key\":1.0E19,\"doc_count\":1}]"},
        {"\"composite\":{\"sources\":[{\"a\":{\"terms\":{\"field\":\"u\",\"order\":\"desc\"}}}],"
         "\"size\":1}",
         "buckets/0/key", "{\"a\":18446744073709551615}"},
        {"\"percentiles\":{\"field\":\"u\",\"percents\":[0]}", "values", "{\"0.0\":0.0}"},
    };
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(&bed, rows[i].agg, rows[i].path, rows[i].json);
    bed_deinit(&bed);
}

/* No double is between them. */
static void close_unsigned_longs_are_told_apart(struct test *t)
{
    static const char *const values[] = {"18446744073709551615", "18446744073709551614",
                                         "9007199254740993", "9007199254740992", "5"};
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"u\":{\"type\":\"unsigned_long\"}}}}");
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        put(&bed, "i", arena_printf(t->mem, "%zu", i).p,
            arena_printf(t->mem, "{\"u\":[%s,5]}", values[i]).p);
    put(&bed, "i", "none", "{}");
    refresh(&bed, "i");
    check(&bed, "\"cardinality\":{\"field\":\"u\"}", "value", "5");
    check(&bed, "\"cardinality\":{\"field\":\"u\",\"missing\":18446744073709551613}", "value", "6");
    check(&bed, "\"cardinality\":{\"field\":\"u\",\"missing\":5}", "value", "5");
    check(&bed, "\"value_count\":{\"field\":\"u\"}", "value", "10");
    bed_deinit(&bed);
}

static void unsigned_longs_are_sorted(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, "{\"sort\":[\"u\"]}", "0 1 2 3 none");
    finds(&bed, "{\"sort\":[{\"u\":\"desc\"}]}", "3 2 1 0 none");
    finds(&bed, "{\"sort\":[{\"u\":{\"missing\":8}}]}", "0 1 none 2 3");
    finds(&bed, "{\"sort\":[\"u\"],\"search_after\":[7]}", "2 3 none");
    finds(&bed, "{\"sort\":[\"u\"],\"search_after\":[9223372036854775808]}", "3 none");
    gives(&bed, "{\"sort\":[{\"u\":\"desc\"}],\"size\":1}", "hits/hits/0/sort",
          "[18446744073709551615]");
    gives(&bed, "{\"docvalue_fields\":[\"u\"],\"sort\":[{\"u\":\"desc\"}],\"size\":1}",
          "hits/hits/0/fields", "{\"u\":[18446744073709551615]}");
    bed_deinit(&bed);
}

/* A number that is no integer makes floats of all values, as in Elasticsearch. */
static void fractions_stand_for_missing_integers(struct test *t)
{
    static const struct {
        const char *agg, *path, *json;
    } rows[] = {
        {"\"avg\":{\"field\":\"n\",\"missing\":1.5}", "value", "2.25"},
        {"\"sum\":{\"field\":\"n\",\"missing\":\"0.25\"}", "value", "6.5"},
        {"\"max\":{\"field\":\"n\",\"missing\":1e30}", "value", "1.0E30"},
        {"\"min\":{\"field\":\"u\",\"missing\":-1}", "value", "-1.0"},
        {"\"max\":{\"field\":\"u\",\"missing\":18446744073709551615}", "value",
         "1.8446744073709552E19"},
        {"\"sum\":{\"field\":\"m\",\"missing\":0.5}", "value", "7.0"},
        {"\"terms\":{\"field\":\"n\",\"missing\":1.5}", "buckets",
         "[{\"key\":1.5,\"doc_count\":2},{\"key\":2.0,\"doc_count\":1},"
         "{\"key\":4.0,\"doc_count\":1}]"},
        {"\"terms\":{\"field\":\"n\",\"missing\":3.0}", "buckets/0", "{\"key\":3,\"doc_count\":2}"},
        {"\"histogram\":{\"field\":\"n\",\"interval\":0.5,\"min_doc_count\":1,\"missing\":2.75}",
         "buckets",
         "[{\"key\":2.0,\"doc_count\":1},{\"key\":2.5,\"doc_count\":2},"
         "{\"key\":4.0,\"doc_count\":1}]"},
        {"\"range\":{\"field\":\"u\",\"missing\":1.5,\"ranges\":[{\"from\":1.25,\"to\":8}]}",
         "buckets/0/doc_count", "4"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"},\"m\":{\"type\":\"long\"},"
           "\"u\":{\"type\":\"unsigned_long\"}}}}");
    put(&bed, "i", "1", "{\"n\":2,\"m\":[1,2],\"u\":7}");
    put(&bed, "i", "2", "{}");
    refresh(&bed, "i");
    put(&bed, "i", "3", "{\"n\":4,\"m\":3}");
    put(&bed, "i", "4", "{\"o\":1}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(&bed, rows[i].agg, rows[i].path, rows[i].json);
    bed_deinit(&bed);
}

TEST_MAIN(TEST(close_unsigned_longs_are_told_apart), TEST(fractions_stand_for_missing_integers),
          TEST(unsigned_longs_are_shown_as_they_came), TEST(unsigned_longs_are_sorted))
