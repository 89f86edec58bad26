/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "text/date_math.h"

static const struct date_pattern *iso(struct test *t)
{
    const struct date_pattern *pattern = NULL;
    assert_ok(date_pattern_compile(STR("strict_date_optional_time_nanos||epoch_millis||yyyy/MM/dd"),
                                   DATE_ELASTICSEARCH, t->mem, &pattern, &t->err),
              &t->err);
    return pattern;
}

static const struct time_zone *zone_of(struct test *t, const char *name)
{
    const struct time_zone *zone = NULL;
    if (name)
        assert_ok(time_zone_open(NULL, str_from(name), t->mem, &zone, &t->err), &t->err);
    return zone;
}

/* The instant of "2025-01-22T04:52:33.987654321Z" is now. */
static struct date_math_options options_of(struct test *t, const char *zone, bool rounds_up)
{
    return (struct date_math_options){.pattern = iso(t),
                                      .zone = zone_of(t, zone),
                                      .now_ns = INT64_C(1737521553987654321),
                                      .rounds_up = rounds_up};
}

static void computes(struct test *t)
{
    static const struct {
        const char *text, *zone;
        bool rounds_up;
        const char *want;
    } rows[] = {
        {"now", NULL, false, "2025-01-22T04:52:33.987654321Z"},
        {"now-1d", NULL, false, "2025-01-21T04:52:33.987654321Z"},
        {"now+1h-30m", NULL, false, "2025-01-22T05:22:33.987654321Z"},
        {"now+2147483647s", NULL, false, "2093-02-09T08:06:40.987654321Z"},
        {"now-d", NULL, false, "2025-01-21T04:52:33.987654321Z"},
        {"now/d", NULL, false, "2025-01-22T00:00:00.000000000Z"},
        {"now/d", NULL, true, "2025-01-22T23:59:59.999999999Z"},
        {"now-1d/d", NULL, false, "2025-01-21T00:00:00.000000000Z"},
        {"now/d", "Asia/Seoul", false, "2025-01-21T15:00:00.000000000Z"},
        {"now/d", "Asia/Seoul", true, "2025-01-22T14:59:59.999999999Z"},
        {"now/w", NULL, false, "2025-01-20T00:00:00.000000000Z"},
        {"now/M", NULL, false, "2025-01-01T00:00:00.000000000Z"},
        {"now/M", NULL, true, "2025-01-31T23:59:59.999999999Z"},
        {"now/y", NULL, false, "2025-01-01T00:00:00.000000000Z"},
        {"now/h", NULL, false, "2025-01-22T04:00:00.000000000Z"},
        {"now/H", "Asia/Kolkata", false, "2025-01-22T04:30:00.000000000Z"},
        {"now/m", NULL, false, "2025-01-22T04:52:00.000000000Z"},
        {"now/s", NULL, false, "2025-01-22T04:52:33.000000000Z"},
        {"2025-01-31||+1M", NULL, false, "2025-02-28T00:00:00.000000000Z"},
        {"2024-01-31||+1M/d", NULL, false, "2024-02-29T00:00:00.000000000Z"},
        {"2024-02-29||+1y", NULL, false, "2025-02-28T00:00:00.000000000Z"},
        {"2025-01-01||-1s", NULL, false, "2024-12-31T23:59:59.000000000Z"},
        {"2025/01/02||+2w", NULL, false, "2025-01-16T00:00:00.000000000Z"},
        {"2025-01-22", "Asia/Seoul", false, "2025-01-21T15:00:00.000000000Z"},
        {"2025-01-22", "Asia/Seoul", true, "2025-01-22T14:59:59.999999999Z"},
        {"2025-01-22||/d", NULL, true, "2025-01-22T23:59:59.999999999Z"},
        {"2025-01-22||", NULL, true, "2025-01-22T00:00:00.000000000Z"},
        {"1737521553987", NULL, true, "2025-01-22T04:52:33.987999999Z"},
        {"1737521553987||/d", NULL, false, "2025-01-22T00:00:00.000000000Z"},
        /* over a change of the clock: a day keeps the wall time, 24 hours do not */
        {"2025-03-29T12:00||+1d", "Europe/Berlin", false, "2025-03-30T10:00:00.000000000Z"},
        {"2025-03-29T12:00||+24h", "Europe/Berlin", false, "2025-03-30T11:00:00.000000000Z"},
        {"2025-03-30T12:00||/d", "Europe/Berlin", true, "2025-03-30T21:59:59.999999999Z"},
        {"2025-10-26T01:30:00Z||/h", "Europe/Berlin", false, "2025-10-26T01:00:00.000000000Z"},
        {"2025-10-26T00:30:00Z||/h", "Europe/Berlin", false, "2025-10-26T00:00:00.000000000Z"},
        /* of a wall time that is there twice the first, but where UTC's clock shows it, that one:
         * java.time prefers the offset that the date was read with */
        {"2025-10-26T02:30", "Europe/Berlin", false, "2025-10-26T00:30:00.000000000Z"},
        {"2025-10-26T00:30", "Europe/London", false, "2025-10-25T23:30:00.000000000Z"},
        {"2025-10-26T01:30", "Europe/London", false, "2025-10-26T01:30:00.000000000Z"},
        {"2025-10-26T01", "Europe/London", true, "2025-10-26T01:59:59.999999999Z"},
        {"2025-03-30T01:30", "Europe/London", false, "2025-03-30T01:30:00.000000000Z"},
        {"2025-03-30T02:30", "Europe/Berlin", false, "2025-03-30T01:30:00.000000000Z"},
        /* a wall time that is there twice keeps its offset */
        {"2025-10-26T01:30:00Z||-0d", "Europe/Berlin", false, "2025-10-26T01:30:00.000000000Z"},
        {"2025-10-26T00:30:00Z||-0d", "Europe/Berlin", false, "2025-10-26T00:30:00.000000000Z"},
        {"2025-10-27T01:30:00Z||-1d", "Europe/Berlin", false, "2025-10-26T01:30:00.000000000Z"},
        {"2025-11-26T01:30:00Z||-1M", "Europe/Berlin", false, "2025-10-26T01:30:00.000000000Z"},
        {"2025-09-26T00:30:00Z||+1M", "Europe/Berlin", false, "2025-10-26T00:30:00.000000000Z"},
        {"2024-10-26T00:30:00Z||+1y+1s", "Europe/Berlin", false, "2025-10-26T00:30:01.000000000Z"},
        {"2025-11-02T12:00:00Z||/d", "America/Havana", false, "2025-11-02T05:00:00.000000000Z"},
        /* the clock is put forward and back within an hour */
        {"2025-10-04T15:40:00Z||/h", "Australia/Lord_Howe", false,
         "2025-10-04T15:30:00.000000000Z"},
        {"2025-04-05T15:10:00Z||/h", "Australia/Lord_Howe", false,
         "2025-04-05T14:00:00.000000000Z"},
    };
    const struct date_pattern *pattern = iso(t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct date_math_options options = options_of(t, rows[i].zone, rows[i].rounds_up);
        int64_t ns = 0;
        assert_ok(date_math_parse(str_from(rows[i].text), &options, &ns, &t->err), &t->err);
        struct buf out;
        buf_init(&out, 0);
        date_pattern_write(pattern, ns, NULL, &out);
        if (!str_eq(buf_str(&out), str_from(rows[i].want)))
            fail_msg("%s: %.*s, want %s", rows[i].text, STR_ARG(buf_str(&out)), rows[i].want);
        buf_deinit(&out);
    }
}

static void refuses(struct test *t)
{
    static const struct {
        const char *text;
        int64_t off;
        const char *part;
    } rows[] = {
        {"", 0, "failed to parse date"},
        {"yesterday", 0, "failed to parse date [yesterday]"},
        {"now*1d", 3, "operator not supported"},
        {"now-1", 5, "truncated"},
        {"now/", 4, "truncated"},
        {"now-1q", 5, "unit not supported for date math [q]"},
        {"now/2d", 3, "single unit"},
        {"now-9999999999d", 3, "too large"},
        {"now-2147483648s", 3, "too large"},
        {"now-99999999999999999999999s", 3, "too large"},
        {"2025-01-22||+1d x", 15, "operator not supported"},
        {"2025-13-01||+1d", 0, "failed to parse date [2025-13-01]"},
    };
    struct date_math_options options = options_of(t, NULL, false);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ns;
        assert_err(date_math_parse(str_from(rows[i].text), &options, &ns, &t->err), &t->err,
                   ERR_PARSE);
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

static void stays_in_range(struct test *t)
{
    struct date_math_options options = options_of(t, NULL, false);
    int64_t ns;
    assert_ok(date_math_parse(STR("now+999999999y"), &options, &ns, &t->err), &t->err);
    assert_true(ns == INT64_MAX);
    assert_ok(date_math_parse(STR("now-999999999y/d-999999999w"), &options, &ns, &t->err), &t->err);
    assert_ok(date_math_parse(STR("now-999999999s"), &options, &ns, &t->err), &t->err);
    assert_int_equal(ns, options.now_ns - 999999999 * NS_PER_S);
    static const char units[] = "yqMwdhms";
    const struct time_zone *zone = zone_of(t, "Europe/Berlin");
    for (int round = 0; round < 20000; round++) {
        int64_t at = (int64_t)rng_u64(&t->rng);
        char unit = units[rng_below(&t->rng, sizeof(units) - 1)];
        int64_t down = date_round_down(at, unit, zone);
        if (at > INT64_MIN / 10 * 9 &&
            at < INT64_MAX / 10 * 9) { /* a year from the ends of what there is */
            assert_true(down <= at);
            int64_t next = date_add(down, unit, 1, zone);
            assert_true(next > at ||
                        unit == 'h'); /* the hour that a clock repeats is two hours long */
            assert_int_equal(date_round_down(down, unit, zone), down);
        }
    }
}

static void quarters(struct test *t)
{
    (void)t;
    int64_t at = INT64_C(1747000000) * NS_PER_S; /* 2025-05-11 */
    assert_int_equal(date_round_down(at, 'q', NULL),
                     INT64_C(1743465600) * NS_PER_S); /* 2025-04-01 */
    assert_int_equal(date_add(INT64_C(1743465600) * NS_PER_S, 'q', 1, NULL),
                     INT64_C(1751328000) * NS_PER_S); /* 2025-07-01 */
}

TEST_MAIN(TEST(computes), TEST(refuses), TEST(stays_in_range), TEST(quarters))
