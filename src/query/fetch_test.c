/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_test.c: docvalue_fields of each type, with and without a format. */
#include "query/search_support_test.h"

static void docvalues_follow_their_format(struct test *t)
{
    static const char *const rows[][2] = {
        {"\"l\"", "{\"l\":[9007199254740993]}"},
        {"{\"field\":\"l\",\"format\":\"#,##0.0\"}", "{\"l\":[\"9,007,199,254,740,993.0\"]}"},
        {"{\"field\":\"u\",\"format\":\"0.0\"}", "{\"u\":[\"18446744073709551615.0\"]}"},
        {"{\"field\":\"f\",\"format\":\"0.00\"}", "{\"f\":[\"-0.50\",\"1.00\"]}"},
        {"{\"field\":\"d\",\"format\":\"yyyy\"}", "{\"d\":[\"2025\"]}"},
        {"{\"field\":\"d\",\"format\":\"use_field_mapping\"}", "{\"d\":[\"2025-01-02\"]}"},
        {"{\"field\":\"l\",\"format\":\"use_field_mapping\"}", "{\"l\":[9007199254740993]}"},
        {"\"b\"", "{\"b\":[true]}"},
        {"\"ip\"", "{\"ip\":[\"::1\"]}"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           "{\"mappings\":{\"properties\":{\"l\":{\"type\":\"long\"},\"u\":{\"type\":\"unsigned_"
           "long\"},\"f\":{\"type\":\"double\"},\"b\":{\"type\":\"boolean\"},\"ip\":{\"type\":"
           "\"ip\"},\"d\":{\"type\":\"date\",\"format\":\"yyyy-MM-dd\"}}}}");
    put(&bed, "i", "1",
        "{\"l\":9007199254740993,\"u\":18446744073709551615,\"f\":[1,-0.5],\"b\":true,\"ip\":"
        "\"0::1\",\"d\":\"2025-01-02\"}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str body =
            arena_printf(t->mem, "{\"docvalue_fields\":[%s],\"_source\":false}", rows[i][0]);
        struct value tree = reply(&bed, "i", body.p);
        struct str got = json_of(&bed, at_path(&tree, "hits/hits/0/fields"));
        if (!str_eq(got, str_from(rows[i][1])))
            fail_msg("%s: " STR_FMT, rows[i][0], STR_ARG(got));
    }
    bed_deinit(&bed);
}

/* As `fields` has it, and once. */
static void fields_take_the_place_of_docvalues(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           "{\"mappings\":{\"properties\":{\"l\":{\"type\":\"long\"},\"d\":{\"type\":\"date\"}}}}");
    put(&bed, "i", "1", "{\"l\":[3,1,3],\"d\":\"2025-01-02\"}");
    refresh(&bed, "i");
    gives(&bed, "{\"docvalue_fields\":[\"l\",\"d\"],\"fields\":[\"l\"],\"_source\":false}",
          "hits/hits/0/fields", "{\"l\":[3,1,3],\"d\":[\"2025-01-02T00:00:00.000Z\"]}");
    gives(&bed,
          "{\"docvalue_fields\":[{\"field\":\"d\",\"format\":\"dd\"}],\"fields\":[{\"field\":\"d\","
          "\"format\":\"yyyy\"}],\"_source\":false}",
          "hits/hits/0/fields", "{\"d\":[\"2025\"]}");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(docvalues_follow_their_format), TEST(fields_take_the_place_of_docvalues))
