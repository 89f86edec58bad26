/* SPDX-License-Identifier: Apache-2.0 */
/* date_mixed_test.c: one search over indices where a name is a date here and date_nanos there: what
 * counts is the moment, in either order of the indices. */
#include "query/search_support_test.h"

static void put_all(struct bed *bed, const char *const types[3])
{
    static const char *const indices[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        create(bed, indices[i],
               arena_printf(bed->t->mem,
                            "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"%s\"}}}}", types[i])
                   .p);
        put(bed, indices[i], "1", "{\"d\":\"2021-01-03T12:00:00.123Z\"}");
        put(bed, indices[i], "2", "{\"d\":\"2021-01-04T12:00:00.456Z\"}");
        put(bed, indices[i], "3", "{\"other\":1}");
        refresh(bed, indices[i]);
        put(bed, indices[i], "4", "{\"d\":\"2021-01-04T13:00:00.456Z\"}");
        refresh(bed, indices[i]);
    }
}

static void counts_moments(struct test *t)
{
    static const char *const orders[][3] = {{"date", "date_nanos", "date"},
                                            {"date_nanos", "date", "date_nanos"}};
    static const struct {
        const char *agg, *path, *want;
    } rows[] = {
        {"\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1d\",\"format\":\"d\"}",
         "buckets",
         "[{\"key_as_string\":\"3\",\"key\":1609632000000,\"doc_count\":3},"
         "{\"key_as_string\":\"4\",\"key\":1609718400000,\"doc_count\":6}]"},
        {"\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1d\",\"format\":\"d\","
         "\"missing\":\"3\",\"hard_bounds\":{\"min\":1609632000000}}",
         "buckets",
         "[{\"key_as_string\":\"3\",\"key\":1609632000000,\"doc_count\":3},"
         "{\"key_as_string\":\"4\",\"key\":1609718400000,\"doc_count\":6}]"},
        {"\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1d\",\"format\":\"d\","
         "\"missing\":1609632000000}",
         "buckets",
         "[{\"key_as_string\":\"3\",\"key\":1609632000000,\"doc_count\":6},"
         "{\"key_as_string\":\"4\",\"key\":1609718400000,\"doc_count\":6}]"},
        {"\"auto_date_histogram\":{\"field\":\"d\",\"buckets\":2,\"format\":\"H\"}", "buckets",
         "[{\"key_as_string\":\"0\",\"key\":1609632000000,\"doc_count\":3},"
         "{\"key_as_string\":\"0\",\"key\":1609718400000,\"doc_count\":6}]"},
        {"\"date_range\":{\"field\":\"d\",\"ranges\":[{\"key\":\"x\",\"from\":\"2021-01-04\","
         "\"to\":\"2021-01-05\"}]}",
         "buckets/0/doc_count", "6"},
        {"\"min\":{\"field\":\"d\",\"format\":\"epoch_millis\"}", "value_as_string",
         "\"1609675200123\""},
        {"\"max\":{\"field\":\"d\",\"format\":\"epoch_millis\",\"missing\":0}", "value_as_string",
         "\"1609765200456\""},
        {"\"cardinality\":{\"field\":\"d\"}", "value", "3"},
        {"\"composite\":{\"sources\":[{\"x\":{\"date_histogram\":{\"field\":\"d\","
         "\"fixed_interval\":\"1d\"}}}]}",
         "buckets",
         "[{\"key\":{\"x\":1609632000000},\"doc_count\":3},"
         "{\"key\":{\"x\":1609718400000},\"doc_count\":6}]"},
    };
    for (size_t order = 0; order < ARRAY_COUNT(orders); order++) {
        struct bed bed;
        bed_init(&bed, t);
        put_all(&bed, orders[order]);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            const char *body =
                arena_printf(t->mem, "{\"size\":0,\"aggs\":{\"x\":{%s}}}", rows[i].agg).p;
            struct value tree = reply(&bed, "*", body);
            struct str path = arena_printf(t->mem, "aggregations/x/%s", rows[i].path),
                       got = json_of(&bed, at_path(&tree, path.p));
            if (!str_eq(got, str_from(rows[i].want)))
                fail_msg("%s first, %s: %.*s, want %s", orders[order][0], rows[i].agg,
                         (int)MIN_OF(got.n, (size_t)600), got.p, rows[i].want);
        }
        bed_deinit(&bed);
    }
}

TEST_MAIN(TEST(counts_moments))
