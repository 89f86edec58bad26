/* SPDX-License-Identifier: Apache-2.0 */
/* date_read_test.c: what Elasticsearch 7.10 reads from a date that is not whole, or not in its
 * usual form: the upper ends of ranges, epochs, ISO's borders, week years and the named formats. */
#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "text/date_format.h"

#define ES_DEFAULT "strict_date_optional_time||epoch_millis"

struct row {
    const char *pattern, *text;
    const char *want; /* wall time in UTC, cut where the rest is zeros; NULL: refused */
};

static struct str read_by(struct test *t, enum date_dialect dialect, const struct row *row,
                          bool rounds_up)
{
    const struct date_pattern *pattern = NULL;
    struct date_parse_options options = {.rounds_up = rounds_up};
    int64_t ns = 0;
    assert_ok(date_pattern_compile(str_from(row->pattern), dialect, t->mem, &pattern, &t->err),
              &t->err);
    if (!date_pattern_parse(pattern, str_from(row->text), &options, &ns))
        return STR("refused");
    struct civil c = civil_from_ns(ns);
    return arena_printf(t->mem, "%04d-%02d-%02dT%02d:%02d:%02d.%09d", c.year, c.month, c.day,
                        c.hour, c.minute, c.second, c.nanosecond);
}

static void check(struct test *t, enum date_dialect dialect, const struct row *rows, size_t count,
                  bool rounds_up)
{
    for (size_t i = 0; i < count; i++) {
        struct str got = read_by(t, dialect, &rows[i], rounds_up), want = STR("refused");
        if (rows[i].want)
            want = arena_printf(t->mem, "%s%s", rows[i].want,
                                STR("0000-01-01T00:00:00.000000000").p + str_from(rows[i].want).n);
        if (!str_eq(got, want))
            fail_msg("\"%s\" by \"%s\": got %.*s, want %.*s", rows[i].text, rows[i].pattern,
                     STR_ARG(got), STR_ARG(want));
    }
}

/* What was not read is as late as it can be, whatever the pattern could have held. */
static void upper_ends(struct test *t)
{
    static const struct row rows[] = {
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22", "2025-01-22T23:59:59.999999999"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 13:52", "2025-01-22T13:52:59.999999999"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 13:52:33", "2025-01-22T13:52:33.999999999"},
        {"yyyy-MM-dd HH[:mm]", "2025-01-22 13", "2025-01-22T13:59:59.999999999"},
        {"HH:mm:ss[.SSS]", "13:52:33", "1970-01-01T13:52:33.999999999"},
        {"HH:mm:ss[.SSS]", "13:52:33.5", NULL},
        {"HH:mm:ss[.SSS]", "13:52:33.500", "1970-01-01T13:52:33.5"},
        {"mm:ss", "52:33", "1970-01-01T23:52:33.999999999"},
        {"yyyy-MM-dd hh a", "2025-01-22 01 PM", "2025-01-22T13:59:59.999999999"},
        {"yyyy-MM-dd A", "2025-01-22 5", "2025-01-22T00:00:00.005"},
        {"yyyy-MM-ddXXX", "2011-10-09+01:00", "2011-10-09T22:59:59.999999999"},
        {ES_DEFAULT, "2025-01-22T", "2025-01-22T23:59:59.999999999"},
        {ES_DEFAULT, "2025-01-22T13-09:00", "2025-01-22T22:59:59.999999999"},
        {ES_DEFAULT, "2025-01-22T13:52:33,5Z", "2025-01-22T13:52:33.5"},
        {ES_DEFAULT, "1737521553987", "2025-01-22T04:52:33.987999999"},
        {"epoch_millis", "1737521553987.5", "2025-01-22T04:52:33.9875"},
        {"epoch_millis", "1737521553987.", "2025-01-22T04:52:33.987999999"},
        {"epoch_second", "1737521553", "2025-01-22T04:52:33.999999999"},
        {"epoch_second", "1737521553.0", "2025-01-22T04:52:33"},
        {"epoch_second", "-1", "1969-12-31T23:59:59.999999999"},
    };
    check(t, DATE_ELASTICSEARCH, rows, ARRAY_COUNT(rows), true);
    static const struct row lower[] = {
        {"epoch_second", "1737521553.", "2025-01-22T04:52:33"},
        {"epoch_millis", "1737521553987.", "2025-01-22T04:52:33.987"},
        {"epoch_millis", ".5", NULL},
        {"epoch_millis", "-", NULL},
        {"epoch_second", "1737521553..", NULL},
    };
    check(t, DATE_ELASTICSEARCH, lower, ARRAY_COUNT(lower), false);
}

/* Elasticsearch has neither days nor weeks of the year here, and fractions of seconds only. */
static void iso_borders(struct test *t)
{
    static const struct row rows[] = {
        {ES_DEFAULT, "2025-022", NULL},
        {ES_DEFAULT, "2025-W04", NULL},
        {ES_DEFAULT, "2025-W04-3", NULL},
        {ES_DEFAULT, "2025-01-22T", "2025-01-22"},
        {ES_DEFAULT, "2025-01T13:52", "2025-01-01T13:52"},
        {ES_DEFAULT, "2025T13", "2025-01-01T13"},
        {ES_DEFAULT, "2025-01-22T13.5", NULL},
        {ES_DEFAULT, "2025-01-22T13:52.5Z", NULL},
        {ES_DEFAULT, "2025-01-22T13:52:33.", NULL},
        {ES_DEFAULT, "2025-01-22T13:52:33.123456789Z", "2025-01-22T13:52:33.123456789"},
        {ES_DEFAULT, "2025-01-22T13:52:33.1234567891Z", NULL},
        {ES_DEFAULT, "2025-01-22T13:52:33,25+0930", "2025-01-22T04:22:33.25"},
        {ES_DEFAULT, "2025-01-22T13:52:33UTC", "2025-01-22T13:52:33"},
        {ES_DEFAULT, "2025-01-22T13:52Asia/Seoul", "2025-01-22T04:52"},
        {ES_DEFAULT, "2025-01-22T13:52UTC+09:00", "2025-01-22T04:52"},
        {ES_DEFAULT, "2025-01-22T13:52Asia/Nowhere", NULL},
        {ES_DEFAULT, "2025-01-22T12:00+18:00", "2025-01-21T18"},
        {ES_DEFAULT, "2025-01-22T12:00-18:00", "2025-01-23T06"},
        {ES_DEFAULT, "2025-01-22T12:00+18:01", NULL},
        {"yyyy-MM-dd HH:mm Z", "2025-01-22 12:00 -2230", NULL},
        {ES_DEFAULT, "2025-01-22T24:00", NULL},
        {ES_DEFAULT, "2025-01-22T23:59:60Z", NULL},
        {ES_DEFAULT, "2025-02-29", NULL},
        {ES_DEFAULT, "2025-01-22Z", NULL},
        {ES_DEFAULT, "2025-01-22T13:52-00", "2025-01-22T13:52"},
        {"date_optional_time", "2025-1-2T3:4:5.6+09:00", "2025-01-01T18:04:05.6"},
        {"date_optional_time", "2025-022", NULL},
    };
    check(t, DATE_ELASTICSEARCH, rows, ARRAY_COUNT(rows), false);
}

/* Joda has all of that, and a fraction of the last unit there is. */
static void iso_of_joda(struct test *t)
{
    static const struct row rows[] = {
        {"ISO8601", "2025-022", "2025-01-22"},
        {"ISO8601", "2025-W04-3", "2025-01-22"},
        {"ISO8601", "2025-01-22T12:00+19:00", "2025-01-21T17"},
        {"ISO8601", "2025-01-22T13.5", "2025-01-22T13:30"},
        {"ISO8601", "2025-01-22T13:52,25Z", "2025-01-22T13:52:15"},
        {"ISO8601", "2025-01-22T13:52:33.1234567891Z", "2025-01-22T13:52:33.123456789"},
    };
    check(t, DATE_LOGSTASH, rows, ARRAY_COUNT(rows), false);
}

static void week_years(struct test *t)
{
    static const struct row rows[] = {
        {"weekyear", "2016", "2016-01-04"},
        {"strict_weekyear", "2015", "2014-12-29"},
        {"YYYY", "2016", "2016-01-04"},
        {"YYYY-ww", "2015-01", "2014-12-29"},
        {"weekyear_week", "2020-W53", "2020-12-28"},
        {"weekyear_week", "2021-W53", NULL},
        {"weekyear_week", "2021-W00", NULL},
        {"strict_weekyear_week_day", "2020-W53-7", "2021-01-03"},
        {"strict_weekyear_week_day", "2020-W53-8", NULL},
        {"basic_week_date", "2025W043", "2025-01-22"},
        {"YY-'W'ww-e", "25-W04-3", "2025-01-22"},
        {"YYYY-MM-dd", "2024-12-30", "2024-12-30"},
    };
    check(t, DATE_ELASTICSEARCH, rows, ARRAY_COUNT(rows), false);
    static const struct row upper[] = {
        {"YYYY", "2016", "2016-01-04T23:59:59.999999999"},
        {"YYYY-ww", "2015-01", "2014-12-29T23:59:59.999999999"},
    };
    check(t, DATE_ELASTICSEARCH, upper, ARRAY_COUNT(upper), true);
}

/* A name's parser is wider than what it prints: fractions of other lengths, parts left out. */
static void names(struct test *t)
{
    static const struct row rows[] = {
        {"date_time", "2025-01-22T13:52:33.123456+09:00", "2025-01-22T04:52:33.123456"},
        {"date_time", "2025-01-22T13:52:33.5Z", "2025-01-22T13:52:33.5"},
        {"date_time", "2025-01-22T13:52Z", "2025-01-22T13:52"},
        {"date_time", "2025-01-22T13:52:33.5", NULL},
        {"strict_date_time", "2025-01-22T13:52:33.123456789+0900", "2025-01-22T04:52:33.123456789"},
        {"strict_date_time", "2025-01-22T13:52:33Z", "2025-01-22T13:52:33"},
        {"strict_date_time", "2025-01-22T13:52Z", NULL},
        {"date_time_no_millis", "2025-01-22T13:52:33", "2025-01-22T13:52:33"},
        {"date_time_no_millis", "2025-01-22T13:52+01:00", "2025-01-22T12:52"},
        {"strict_date_time_no_millis", "2025-01-22T13:52:33", NULL},
        {"date_hour_minute_second_fraction", "2025-01-22T13:52:33.1234567",
         "2025-01-22T13:52:33.1234567"},
        {"date_hour_minute_second_millis", "2025-01-22T13:52:33.12", "2025-01-22T13:52:33.12"},
        {"date_hour_minute_second_millis", "2025-01-22T13:52:33.1234", NULL},
        {"strict_date_hour_minute_second_millis", "2025-01-22T13:52:33.1234",
         "2025-01-22T13:52:33.1234"},
        {"basic_date_time", "20250122T135233.1+0900", "2025-01-22T04:52:33.1"},
        {"ordinal_date_time", "2025-022T13:52Z", "2025-01-22T13:52"},
        {"ordinal_date_time", "2025-22T13:52:33.25Z", "2025-01-22T13:52:33.25"},
        {"strict_ordinal_date", "2025-366", NULL},
        {"strict_ordinal_date", "2024-366", "2024-12-31"},
        {"strict_ordinal_date", "2024-000", NULL},
        {"date", "2025-1", "2025-01"},
        {"date", "2025", "2025"},
        {"strict_date", "2025-01", NULL},
        {"HH:mm:ss.SSS", "13:52:33.5", NULL}, /* a pattern's fraction has its digits */
        /* the names of version 6 */
        {"dateOptionalTime", "2025-1-2", "2025-01-02"},
        {"strictDateHourMinute", "2025-01-22T13:52", "2025-01-22T13:52"},
        {"basicTTime", "T135233.5Z", "1970-01-01T13:52:33.5"},
        {"yyyyMMdd", "20250122", "2025-01-22"},
    };
    check(t, DATE_ELASTICSEARCH, rows, ARRAY_COUNT(rows), false);
    static const struct row upper[] = {
        {"date_time", "2025-01-22T13:52Z", "2025-01-22T13:52:59.999999999"},
        {"date", "2025-1", "2025-01-01T23:59:59.999999999"},
    };
    check(t, DATE_ELASTICSEARCH, upper, ARRAY_COUNT(upper), true);
}

/* 2020-12-31T23:59:59.5Z, which lies in the last week of 2020. */
static void prints(struct test *t)
{
    static const char *const rows[][2] = {
        {"weekyear", "2020"},
        {"week_date", "2020-W53-4"},
        {"date_time", "2020-12-31T23:59:59.500Z"},
        {"strict_date_time", "2020-12-31T23:59:59.500Z"},
        {"date_time_no_millis", "2020-12-31T23:59:59Z"},
        {"date", "2020-12-31"},
        {"ordinal_date_time", "2020-366T23:59:59.500Z"},
        {"dateHour", "2020-12-31T23"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct date_pattern *pattern = NULL;
        struct buf out;
        assert_ok(date_pattern_compile(str_from(rows[i][0]), DATE_ELASTICSEARCH, t->mem, &pattern,
                                       &t->err),
                  &t->err);
        buf_init(&out, 0);
        date_pattern_write(pattern, INT64_C(1609459199500000000), NULL, &out);
        assert_str_eq(buf_str(&out), rows[i][1]);
        buf_deinit(&out);
    }
    const struct date_pattern *years = NULL;
    struct buf out;
    assert_ok(date_pattern_compile(STR("YYYY"), DATE_ELASTICSEARCH, t->mem, &years, &t->err),
              &t->err);
    buf_init(&out, 0);
    date_pattern_write(years, INT64_C(1609459200) * NS_PER_S, NULL, &out); /* a Friday */
    assert_str_eq(buf_str(&out), "2020");
    buf_deinit(&out);
}

TEST_MAIN(TEST(upper_ends), TEST(iso_borders), TEST(iso_of_joda), TEST(week_years), TEST(names),
          TEST(prints))
