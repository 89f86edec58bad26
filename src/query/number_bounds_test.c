/* SPDX-License-Identifier: Apache-2.0 */
/* number_bounds_test.c: terms and ranges at the edges of the number types, as Elasticsearch 7.10
 * reads them: bounds are compared with what was stored, before any rounding of their own. */
#include "query/search_support_test.h"

/* Documents named by their value, one a row; then what queries over the field `v` find of them. */
struct row {
    const char *query, *ids;
};

static void check(struct test *t, const char *type, const char *const *docs, const struct row *rows,
                  size_t row_count)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i",
           arena_printf(t->mem, "{\"mappings\":{\"properties\":{\"v\":{\"type\":%s}}}}", type).p);
    for (size_t i = 0; docs[i]; i++)
        put(&bed, "i", docs[i], arena_printf(t->mem, "{\"v\":%s}", docs[i]).p);
    refresh(&bed, "i");
    for (size_t i = 0; i < row_count; i++) {
        struct str body = arena_printf(t->mem, "{\"query\":%s,\"sort\":[\"_doc\"]}", rows[i].query);
        struct str ids = found(&bed, "i", body.p);
        if (!str_eq(ids, str_from(rows[i].ids)))
            fail_msg("%s %s finds " STR_FMT ", not %s", type, rows[i].query, STR_ARG(ids),
                     rows[i].ids);
    }
    bed_deinit(&bed);
}

#define TERM(v)                    "{\"term\":{\"v\":" v "}}"
#define TERMS(v)                   "{\"terms\":{\"v\":[" v "]}}"
#define RANGE(op, v)               "{\"range\":{\"v\":{\"" op "\":" v "}}}"
#define CHECK(t, type, docs, rows) check(t, type, docs, rows, ARRAY_COUNT(rows))

static void integers(struct test *t)
{
    static const char *const docs[] = {"-2", "-1", "0", "1", "2", NULL};
    static const struct row rows[] = {
        {TERM("1.5"), ""},
        {TERM("1.0"), "1"},
        {TERM("\"1.0\""), "1"},
        {TERM("\"1.5\""), ""},
        {TERM("-0.0"), "0"},
        {TERMS("1.5,2,-1.0"), "-1 2"},
        {RANGE("gt", "1.5"), "2"},
        {RANGE("gte", "1.5"), "2"},
        {RANGE("lt", "1.5"), "-2 -1 0 1"},
        {RANGE("lte", "1.5"), "-2 -1 0 1"},
        {RANGE("gt", "-1.5"), "-1 0 1 2"},
        {RANGE("gte", "-0.5"), "0 1 2"},
        {RANGE("lte", "-0.5"), "-2 -1"},
        {RANGE("lt", "-0.5"), "-2 -1"},
        {RANGE("lt", "-1.5"), "-2"},
        {RANGE("gt", "0.0"), "1 2"},
        {RANGE("lt", "\"1\""), "-2 -1 0"},
        {RANGE("gt", "\"-1.5\""), "-1 0 1 2"},
        {RANGE("lte", "\"-0.5\""), "-2 -1"},
        {RANGE("gte", "\"-15e-1\""), "-1 0 1 2"},
        {RANGE("lt", "\"-0.00e5\""), "-2 -1"},
        {RANGE("lte", "\"0.012e2\""), "-2 -1 0 1"},
        {RANGE("lt", "\"1e400\""), "-2 -1 0 1 2"},
        {RANGE("gt", "\"-1e-400\""), "0 1 2"},
        {TERM("\"20e-1\""), "2"},
    };
    CHECK(t, "\"byte\"", docs, rows);
    CHECK(t, "\"short\"", docs, rows);
    CHECK(t, "\"integer\"", docs, rows);
    CHECK(t, "\"long\"", docs, rows);
}

static void longs(struct test *t)
{
    static const char *const docs[] = {"-9223372036854775808",
                                       "-9210000000000000000",
                                       "9007199254740993",
                                       "9210000000000000000",
                                       "9223372036854774784",
                                       "9223372036854775807",
                                       NULL};
    static const struct row rows[] = {
        {TERM("9223372036854775807"), "9223372036854775807"},
        {TERM("-9223372036854775808"), "-9223372036854775808"},
        {TERM("9.21e18"), "9210000000000000000"},
        {TERM("-9.21e18"), "-9210000000000000000"},
        {TERM("\"9007199254740993.0\""), "9007199254740993"},
        {TERM("9223372036854774784.0"), "9223372036854774784"},
        {RANGE("gte", "9.21e18"), "9210000000000000000 9223372036854774784 9223372036854775807"},
        {RANGE("gt", "9.21e18"), "9223372036854774784 9223372036854775807"},
        {RANGE("lte", "-9.21e18"), "-9223372036854775808 -9210000000000000000"},
        {RANGE("lt", "-9.21e18"), "-9223372036854775808"},
        {RANGE("gt", "9223372036854775806"), "9223372036854775807"},
        {RANGE("gt", "9223372036854775807"), ""},
        {RANGE("lt", "-9223372036854775807"), "-9223372036854775808"},
        {RANGE("gt", "\"9007199254740992.5\""),
         "9007199254740993 9210000000000000000 9223372036854774784 9223372036854775807"},
        {RANGE("lt", "\"9007199254740993.5\""),
         "-9223372036854775808 -9210000000000000000 9007199254740993"},
    };
    CHECK(t, "\"long\"", docs, rows);
}

static void unsigned_longs(struct test *t)
{
    static const char *const docs[] = {"0", "1", "9223372036854775808", "18446744073709551615",
                                       NULL};
    static const struct row rows[] = {
        {TERM("1"), "1"},
        {TERM("-1"), ""},
        {TERM("1.5"), ""},
        {TERM("18446744073709551616"), ""},
        {TERM("18446744073709551615"), "18446744073709551615"},
        {TERM("\"9223372036854775808\""), "9223372036854775808"},
        {TERMS("-1,1.5,0"), "0"},
        {RANGE("gte", "-1"), "0 1 9223372036854775808 18446744073709551615"},
        {RANGE("gt", "-0.5"), "0 1 9223372036854775808 18446744073709551615"},
        {RANGE("gt", "0"), "1 9223372036854775808 18446744073709551615"},
        {RANGE("gt", "0.5"), "1 9223372036854775808 18446744073709551615"},
        {RANGE("gte", "1.5"), "9223372036854775808 18446744073709551615"},
        {RANGE("lte", "1.5"), "0 1"},
        {RANGE("lt", "1.5"), "0 1"},
        {RANGE("lt", "1.0"), "0"},
        {RANGE("lt", "0"), ""},
        {RANGE("lte", "-1"), ""},
        {RANGE("lte", "18446744073709551616"), "0 1 9223372036854775808 18446744073709551615"},
        {RANGE("gte", "18446744073709551616"), ""},
        {RANGE("gt", "18446744073709551615"), ""},
        {RANGE("gt", "9223372036854775807"), "9223372036854775808 18446744073709551615"},
        {RANGE("gte", "1e19"), "18446744073709551615"},
    };
    CHECK(t, "\"unsigned_long\"", docs, rows);
}

static void halves(struct test *t)
{
    /* 0.1 is kept as 0.0999755859375, 2049 as 2048; the halves beside 0.1 are 0.0000610 apart. */
    static const char *const docs[] = {"-0.1", "0", "0.1", "1.5", "2049", "65504", NULL};
    static const struct row rows[] = {
        {TERM("0.1"), "0.1"},
        {TERM("-0.1"), "-0.1"},
        {TERMS("0.1,2049"), "0.1 2049"},
        {TERM("2048"), "2049"},
        {TERM("1.5"), "1.5"},
        {RANGE("gte", "0.1"), "1.5 2049 65504"},
        {RANGE("lte", "0.1"), "-0.1 0 0.1"},
        {RANGE("gte", "0.0999755859375"), "0.1 1.5 2049 65504"},
        {RANGE("gt", "0.0999755859375"), "1.5 2049 65504"},
        {RANGE("lt", "0"), "-0.1"},
        {RANGE("lt", "-0.0"), "-0.1"},
    };
    CHECK(t, "\"half_float\"", docs, rows);
}

static void floats(struct test *t)
{
    static const char *const docs[] = {"-0.1", "-0.0", "0.1", "16777217", NULL};
    static const struct row rows[] = {
        {TERM("0.1"), "0.1"},
        {TERM("\"0.1\""), "0.1"},
        {TERM("0"), "-0.0"},
        {TERM("16777216"), "16777217"},
        {RANGE("gte", "0.1"), "0.1 16777217"},
        {RANGE("gt", "0.1"), "16777217"},
        {RANGE("lte", "0.1"), "-0.1 -0.0 0.1"},
        {RANGE("lt", "0.1"), "-0.1 -0.0"},
        {RANGE("gt", "0"), "0.1 16777217"},
        {RANGE("lt", "0"), "-0.1"},
    };
    CHECK(t, "\"float\"", docs, rows);
}

static void scaled_floats(struct test *t)
{
    static const char *const docs[] = {"-1.01", "-1", "0", "0.57", "1", "1.01", NULL};
    static const struct row rows[] = {
        {TERM("1.01"), "1.01"},
        {TERM("0.57"), "0.57"},
        {TERM("-1.01"), "-1.01"},
        {RANGE("gte", "1.005"), "1.01"},
        {RANGE("gt", "1.005"), "1.01"},
        {RANGE("gt", "1.006"), "1.01"},
        {RANGE("gte", "1.004"), "1.01"},
        {RANGE("gte", "1.01"), "1.01"},
        {RANGE("gt", "1.01"), ""},
        {RANGE("lte", "1.006"), "-1.01 -1 0 0.57 1"},
        {RANGE("lt", "1.006"), "-1.01 -1 0 0.57 1"},
        {RANGE("lt", "1.004"), "-1.01 -1 0 0.57 1"},
        {RANGE("lt", "1"), "-1.01 -1 0 0.57"},
        {RANGE("gte", "-1.006"), "-1 0 0.57 1 1.01"},
        {RANGE("lte", "-1.004"), "-1.01"},
        {RANGE("lt", "-1.006"), "-1.01"},
        {RANGE("gte", "0.57"), "0.57 1 1.01"},
        {RANGE("lte", "0.57"), "-1.01 -1 0 0.57"},
    };
    CHECK(t, "\"scaled_float\",\"scaling_factor\":100", docs, rows);
}

TEST_MAIN(TEST(integers), TEST(longs), TEST(unsigned_longs), TEST(halves), TEST(floats),
          TEST(scaled_floats))
