/* SPDX-License-Identifier: Apache-2.0 */
/* date_formats_test.c: a document's date is read by its field's format as a search reads it: every
 * name there is, and patterns at the borders of what they take. */
#include "support/test.h"

#include "base/clock.h"
#include "index/date_parse.h"
#include "text/date_format.h"

static const struct date_format *compiled(struct test *t, const char *text)
{
    const struct date_format *format = NULL;
    assert_ok(date_format_compile(str_from(text), t->mem, &format, &t->err), &t->err);
    return format;
}

/* The moment 2025-01-22T04:52:33.987Z as each name prints it, read back as a search does. */
static void every_name(struct test *t)
{
    static const char *const names[] = {"date_optional_time",
                                        "date_optional_time_nanos",
                                        "iso8601",
                                        "epoch_millis",
                                        "epoch_second",
                                        "basic_date",
                                        "basic_date_time",
                                        "basic_date_time_no_millis",
                                        "basic_ordinal_date",
                                        "basic_ordinal_date_time",
                                        "basic_ordinal_date_time_no_millis",
                                        "basic_time",
                                        "basic_time_no_millis",
                                        "basic_t_time",
                                        "basic_t_time_no_millis",
                                        "basic_week_date",
                                        "basic_week_date_time",
                                        "basic_week_date_time_no_millis",
                                        "date",
                                        "date_hour",
                                        "date_hour_minute",
                                        "date_hour_minute_second",
                                        "date_hour_minute_second_fraction",
                                        "date_hour_minute_second_millis",
                                        "date_time",
                                        "date_time_no_millis",
                                        "hour",
                                        "hour_minute",
                                        "hour_minute_second",
                                        "hour_minute_second_fraction",
                                        "hour_minute_second_millis",
                                        "ordinal_date",
                                        "ordinal_date_time",
                                        "ordinal_date_time_no_millis",
                                        "time",
                                        "time_no_millis",
                                        "t_time",
                                        "t_time_no_millis",
                                        "week_date",
                                        "week_date_time",
                                        "week_date_time_no_millis",
                                        "weekyear",
                                        "weekyear_week",
                                        "weekyear_week_day",
                                        "year",
                                        "year_month",
                                        "year_month_day",
                                        "dateOptionalTime",
                                        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"};
    for (size_t i = 0; i < 2 * ARRAY_COUNT(names); i++) {
        struct str name = arena_printf(t->mem, "%s%s", i % 2 ? "strict_" : "", names[i / 2]);
        const struct date_pattern *pattern = NULL;
        int64_t by_index = 0, by_search = 0;
        struct buf out;
        if (i % 2 && (str_starts_with(name, STR("strict_epoch")) || strpbrk(names[i / 2], "'T")))
            continue;
        assert_ok(date_pattern_compile(name, DATE_ELASTICSEARCH, t->mem, &pattern, &t->err),
                  &t->err);
        buf_init(&out, 0);
        date_pattern_write(pattern, INT64_C(1737521553987000000), NULL, &out);
        assert_true(date_pattern_parse(pattern, buf_str(&out), NULL, &by_search));
        if (!date_format_parse(compiled(t, name.p), buf_str(&out), &by_index) ||
            by_index != by_search)
            fail_msg("%s: %.*s is %lld, want %lld", name.p, STR_ARG(buf_str(&out)),
                     (long long)by_index, (long long)by_search);
        buf_deinit(&out);
    }
}

static void borders(struct test *t)
{
    static const struct {
        const char *format, *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"yyyy-DDD", "2025-032", 1738368000000},
        {"yyyy-DDD", "2024-366", 1735603200000},
        {"yyyy-DDD", "2025-366", -1},
        {"yyyy-DDD", "2025-000", -1},
        {"yyyy-DDD", "2025-999", -1},
        {"date_optional_time", "2025-1-2", 1735776000000},
        {"strict_date_optional_time", "2025-1-2", -1},
        {"", "2025-01-22T13:52Asia/Seoul", 1737521520000},
        {"", "2025-022", -1},
        {"", "1737521553987.", 1737521553987},
        {"epoch_second||strict_date_optional_time", "2025", 2025000},
        {"strict_date_optional_time||epoch_second", "2025", 1735689600000},
        {"HH:mm:ss.SSS", "00:00:01.500", 1500},
        {"HH:mm:ss.SSS", "00:00:01.5", 1500}, /* documents always had any length of these */
        {"yyyy-MM-dd HH:mm:ss.SSS", "2025-01-22 04:52:33.9870000000001", 1737521553987},
        {"yyyy-MM-dd HH:mm z", "2025-01-22 13:52 +0900", 1737521520000},
        {"yyyy-MM-dd HH:mm z", "2025-01-22 04:52 Z", 1737521520000},
        {"yyyy-MM-dd HH:mm z", "2025-01-22 13:52 Asia/Seoul", 1737521520000},
        {"yyyy-MM-dd HH:mm z", "2025-01-22 04:52 GMT", 1737521520000},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 04:52", 1737521520000},
        {"yyyy 'o''clock' H", "2025 o'clock 7", 1735714800000},
        {"EEE, dd MMM yyyy", "Wed, 22 Jan 2025", 1737504000000},
        {"EEE, dd MMM yyyy", "Thu, 22 Jan 2025", 1737504000000}, /* nor was the weekday looked at */
        {"yyyy-MM-dd HH:mm VV", "2025-01-22 13:52 Asia/Seoul", 1737521520000},
        {"yyyy-MM-dd", "1500-01-01", -1}, /* further than nanoseconds reach */
        {"yyyy-MM-dd", "2300-01-01", -1},
        {"yyyy-MM-dd", "1678-01-01", -9214560000000},
        {"yyyy-MM-dd", "2261-12-31", 9214560000000},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ns = 0;
        bool is_ok = date_format_parse(compiled(t, rows[i].format), str_from(rows[i].text), &ns);
        if (is_ok != (rows[i].ms != -1) || (is_ok && ns != rows[i].ms * NS_PER_MS))
            fail_msg("\"%s\" by \"%s\": %d %lld", rows[i].text, rows[i].format, is_ok,
                     (long long)ns);
    }
}

TEST_MAIN(TEST(every_name), TEST(borders))
