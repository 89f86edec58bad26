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
    };
    CHECK(t, "\"byte\"", docs, rows);
    CHECK(t, "\"short\"", docs, rows);
    CHECK(t, "\"integer\"", docs, rows);
    CHECK(t, "\"long\"", docs, rows);
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

TEST_MAIN(TEST(integers), TEST(halves), TEST(floats), TEST(scaled_floats))
