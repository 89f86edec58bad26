/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_test.c: cron lines to their next moments, and what is refused. */
#include "support/test.h"

#include "base/clock.h"
#include "pipeline/schedule.h"

/* "2026-01-26 09:05:30" */
static int64_t moment(const char *text)
{
    int v[6];
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d:%d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]),
                     6);
    struct civil c = {.year = v[0],
                      .month = (uint8_t)v[1],
                      .day = (uint8_t)v[2],
                      .hour = (uint8_t)v[3],
                      .minute = (uint8_t)v[4],
                      .second = (uint8_t)v[5]};
    return civil_to_ns(&c);
}

static void next_moments(struct test *t)
{
    static const struct {
        const char *line, *after, *next;
    } rows[] = {
        {"*/10 * * * *", "2026-01-26 09:05:30", "2026-01-26 09:10:00"},
        {"*/10 * * * *", "2026-01-26 09:10:00", "2026-01-26 09:20:00"},
        {"*/10 * * * *", "2026-12-31 23:55:00", "2027-01-01 00:00:00"},
        {"* * * * *", "2026-01-26 09:05:30", "2026-01-26 09:06:00"},
        {"*/5 * * * * *", "2026-01-26 09:05:31", "2026-01-26 09:05:35"},
        {"30 15 9 * * *", "2026-01-26 09:15:29", "2026-01-26 09:15:30"},
        {"0 9 * * *", "2026-01-26 09:00:00", "2026-01-27 09:00:00"},
        {"0 24 * * *", "2026-01-26 09:00:00", "2026-01-27 00:00:00"},
        {"0 9 * * 1-5", "2026-01-30 10:00:00", "2026-02-02 09:00:00"}, /* Friday to Monday */
        {"0 9 * * mon-fri", "2026-01-30 10:00:00", "2026-02-02 09:00:00"},
        {"0 0 * * 7", "2026-01-26 00:00:00", "2026-02-01 00:00:00"},
        {"0 0 * * 0", "2026-01-26 00:00:00", "2026-02-01 00:00:00"},
        {"0 0 1 * *", "2026-01-26 00:00:00", "2026-02-01 00:00:00"},
        {"0 0 29 2 *", "2026-01-26 00:00:00", "2028-02-29 00:00:00"},
        {"0 0 L * *", "2026-02-01 00:00:00", "2026-02-28 00:00:00"},
        {"0 0 -2 * *", "2026-02-01 00:00:00", "2026-02-27 00:00:00"},
        {"0 0 * * mon#1", "2026-02-03 00:00:00", "2026-03-02 00:00:00"},
        {"0 0 * * mon#-1", "2026-02-03 00:00:00", "2026-02-23 00:00:00"},
        {"0 0 13 * 5", "2026-02-01 00:00:00", "2026-02-06 00:00:00"}, /* either, as cron */
        {"0 22-2/2 * * *", "2026-02-01 22:30:00", "2026-02-02 00:00:00"},
        {"5,10,50 * * jan,mar *", "2026-01-31 23:50:00", "2026-03-01 00:05:00"},
        {"15/20 * * * *", "2026-01-26 09:16:00", "2026-01-26 09:35:00"},
        {"*/10 * * * * Asia/Seoul", "2026-01-26 09:05:30", "2026-01-26 09:10:00"},
        {"0 9 * * * Asia/Seoul", "2026-01-26 00:00:01", "2026-01-27 00:00:00"},
        {"0 9 * * * +09:00", "2026-01-25 23:00:01", "2026-01-26 00:00:00"},
        {"0 0 9 * * * UTC", "2026-01-26 08:00:01", "2026-01-26 09:00:00"},
        {"0 2 29 3 * Europe/Berlin", "2026-01-01 00:00:00",
         "2026-03-29 01:00:00"}, /* in the gap: behind it */
        {"30 2 25 10 * Europe/Berlin", "2026-01-01 00:00:00",
         "2026-10-25 00:30:00"}, /* twice: the first */
        {"0 9 * * * Europe/Berlin", "2026-07-01 00:00:00", "2026-07-01 07:00:00"},
        {"every 10m", "2026-01-26 00:05:00", "2026-01-26 00:10:00"},
        {"every 10m", "2026-01-26 00:10:00", "2026-01-26 00:20:00"},
        {"every 90s", "2026-01-25 23:59:59", "2026-01-26 00:01:30"},
        {"in 30s", "2026-01-26 00:00:00", "2026-01-26 00:00:30"},
        {"in 30s", "2026-01-26 00:00:30", NULL},
        {"0 0 31 2 *", "2026-01-26 00:00:00", NULL},
    };
    int64_t start = moment("2026-01-26 00:00:00");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct schedule *s;
        assert_ok(schedule_parse(str_from(rows[i].line), NULL, t->mem, &s, &t->err), &t->err);
        int64_t want = rows[i].next ? moment(rows[i].next) : INT64_MAX;
        int64_t got = schedule_next(s, start, moment(rows[i].after));
        if (got != want)
            fail_msg("\"%s\" after %s: %lld, not %lld", rows[i].line, rows[i].after,
                     (long long)(got / NS_PER_S), (long long)(want / NS_PER_S));
    }
}

static void refused(struct test *t)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"", "5 fields"},
        {"* * * *", "5 fields"},
        {"60 * * * *", "minute"},
        {"* 25 * * *", "hour"},
        {"* * 0 * *", "day"},
        {"* * * 13 *", "month"},
        {"* * * * 8", "weekday"},
        {"* * * * foo", "weekday"},
        {"*/0 * * * *", "minute"},
        {"1,,2 * * * *", "minute"},
        {"a * * * *", "minute"},
        {"* * * * mon#6", "weekday of"},
        {"every day", "duration"},
        {"in 0s", "duration"},
        {"0 * * * * * Nowhere/City", "time zone"},
        {"1 2 3 4 5 6 7 8", "5 fields"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct schedule *s;
        assert_err(schedule_parse(str_from(rows[i].line), NULL, t->mem, &s, &t->err), &t->err,
                   ERR_INVALID);
        assert_err_has(&t->err, rows[i].why);
    }
}

TEST_MAIN(TEST(next_moments), TEST(refused))
