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

TEST_MAIN(TEST(fields_of_hits))
