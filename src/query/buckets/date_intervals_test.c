/* SPDX-License-Identifier: Apache-2.0 */
/* date_intervals_test.c: the intervals and offsets of date_rounding.c as bodies have them, and the
 * words of Elasticsearch for those it refuses. */
#include "support/test.h"

#include "query/buckets/date_rounding.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

struct interval_texts {
    const char *calendar, *fixed, *either, *offset;
};

static int read_intervals(struct test *t, const struct interval_texts *texts,
                          struct date_rounding *ret_rounding)
{
    struct date_intervals strs = {str_from(texts->calendar), str_from(texts->fixed),
                                  str_from(texts->either), str_from(texts->offset)};
    *ret_rounding = (struct date_rounding){0};
    return date_rounding_parse(ret_rounding, &strs, NULL, &t->err);
}

static void intervals_are_read(struct test *t)
{
    static const struct {
        struct interval_texts texts;
        struct date_rounding want;
    } rows[] = {
        {{"month", NULL, NULL, NULL}, {'M', 0, 0}},
        {{"1M", NULL, NULL, "+1d"}, {'M', 0, DAY_MS}},
        {{"second", NULL, NULL, "0"}, {'s', 0, 0}},
        {{"1m", NULL, NULL, "-6h"}, {'m', 0, -360 * MINUTE_MS}},
        {{"1q", NULL, NULL, "90m"}, {'q', 0, 90 * MINUTE_MS}},
        {{NULL, "90m", NULL, "+0s"}, {0, 90 * MINUTE_MS, 0}},
        {{NULL, "1ms", NULL, NULL}, {0, 1, 0}},
        {{NULL, "30D", NULL, NULL}, {0, 30 * DAY_MS, 0}},
        {{NULL, NULL, "1w", NULL}, {'w', 0, 0}},
        {{NULL, NULL, "year", NULL}, {'y', 0, 0}},
        {{NULL, NULL, "2d", NULL}, {0, 2 * DAY_MS, 0}},
        {{"1h", NULL, "2d", NULL}, {'h', 0, 0}}, /* the old name gives way */
        {{NULL, "5s", "1M", NULL}, {0, 5000, 0}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct date_rounding got;
        assert_ok(read_intervals(t, &rows[i].texts, &got), &t->err);
        if (got.unit != rows[i].want.unit || got.fixed_ms != rows[i].want.fixed_ms ||
            got.offset_ms != rows[i].want.offset_ms)
            fail_msg("row %zu: %c, %lld, %lld", i, got.unit ? got.unit : '-',
                     (long long)got.fixed_ms, (long long)got.offset_ms);
    }
}

#define FIXED(text)                                                                                \
    "failed to parse setting [date_histogram.fixedInterval] with value [" text                     \
    "] as a time value: unit is missing or unrecognized"

static void other_intervals_are_refused(struct test *t)
{
    static const struct {
        struct interval_texts texts;
        const char *why;
    } rows[] = {
        {{NULL, NULL, NULL, NULL}, "Invalid interval specified, must be non-null and non-empty"},
        {{"1d", "1d", NULL, NULL},
         "Cannot use [fixed_interval] with [calendar_interval] configuration option."},
        {{"2d", NULL, NULL, NULL},
         "The supplied interval [2d] could not be parsed as a calendar interval."},
        {{"Month", NULL, NULL, NULL}, "The supplied interval [Month] could not be parsed"},
        {{NULL, "month", NULL, NULL}, FIXED("month")},
        {{NULL, "", NULL, NULL}, FIXED("")},
        {{NULL, "0s", NULL, NULL}, FIXED("0s")},
        {{NULL, "999us", NULL, NULL}, FIXED("999us")},
        {{NULL, "-1h", NULL, NULL}, FIXED("-1h")},
        {{NULL, "10", NULL, NULL}, FIXED("10")}, /* of what? */
        {{NULL, "1M", NULL, NULL},
         FIXED("1M")}, /* months have no fixed length, and are no minutes */
        {{NULL, NULL, "2M", NULL}, FIXED("2M")},
        {{"1d", NULL, NULL, "soon"}, "parseOffset] with value [soon] as a time value"},
        {{"1d", NULL, NULL, "+1M"}, "parseOffset] with value [+1M] as a time value"},
        {{"1d", NULL, NULL, "--1h"}, "parseOffset] with value [--1h] as a time value"},
        {{"1d", NULL, NULL, ""}, "parseOffset] with value [] as a time value"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct date_rounding rounding;
        assert_err(read_intervals(t, &rows[i].texts, &rounding), &t->err, ERR_INVALID);
        assert_err_has(&t->err, rows[i].why);
    }
}

TEST_MAIN(TEST(intervals_are_read), TEST(other_intervals_are_refused))
