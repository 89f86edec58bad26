/* SPDX-License-Identifier: Apache-2.0 */
/* date_rounding_test.c: spans of time against a walk along the clock, where the clock is changed
 * and at the ends of months. What becomes of spans that a change cuts follows Elasticsearch's
 * Rounding.java. */
#include "support/test.h"

#include "base/clock.h"
#include "query/buckets/date_rounding.h"
#include "query/dates.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

static const struct time_zone *zone_named(struct test *t, const char *name)
{
    const struct time_zone *zone;
    assert_ok(dates_zone(str_from(name), t->mem, &zone, &t->err), &t->err);
    return zone;
}

static int64_t ms_of(const char *utc) /* "2025-03-30T01:00" */
{
    int year, month, day, hour, minute;
    assert_int_equal(sscanf(utc, "%d-%d-%dT%d:%d", &year, &month, &day, &hour, &minute), 5);
    return civil_days(year, (uint32_t)month, (uint32_t)day) * DAY_MS +
           (hour * 60 + minute) * MINUTE_MS;
}

static void spans_are_those_of_the_calendar(struct test *t)
{
    static const struct {
        const char *zone;
        char unit; /* 0: fixed, of so many minutes */
        int minutes;
        const char *moment, *low, *high; /* UTC */
    } rows[] = {
        /* months and what is made of them */
        {"UTC", 'M', 0, "2024-02-29T23:59", "2024-02-01T00:00", "2024-03-01T00:00"},
        {"UTC", 'M', 0, "2023-02-28T23:59", "2023-02-01T00:00", "2023-03-01T00:00"},
        {"UTC", 'M', 0, "1900-02-28T12:00", "1900-02-01T00:00", "1900-03-01T00:00"},
        {"UTC", 'q', 0, "2024-12-31T23:59", "2024-10-01T00:00", "2025-01-01T00:00"},
        {"UTC", 'y', 0, "1969-12-31T23:59", "1969-01-01T00:00", "1970-01-01T00:00"},
        {"UTC", 'w', 0, "2025-01-05T23:59", "2024-12-30T00:00", "2025-01-06T00:00"},
        {"Asia/Seoul", 'M', 0, "2025-01-31T15:00", "2025-01-31T15:00", "2025-02-28T15:00"},
        {"Asia/Seoul", 'w', 0, "2025-01-19T14:59", "2025-01-12T15:00", "2025-01-19T15:00"},
        {"Europe/Berlin", 'q', 0, "2025-03-31T21:59", "2024-12-31T23:00", "2025-03-31T22:00"},
        /* days of 23 and of 25 hours */
        {"Europe/Berlin", 'd', 0, "2025-03-30T12:00", "2025-03-29T23:00", "2025-03-30T22:00"},
        {"Europe/Berlin", 'd', 0, "2025-10-26T12:00", "2025-10-25T22:00", "2025-10-26T23:00"},
        /* the two hours of one name stay apart */
        {"Europe/Berlin", 'h', 0, "2025-10-26T00:59", "2025-10-26T00:00", "2025-10-26T01:00"},
        {"Europe/Berlin", 'h', 0, "2025-10-26T01:00", "2025-10-26T01:00", "2025-10-26T02:00"},
        {"Asia/Kolkata", 'h', 0, "2025-01-01T00:29", "2024-12-31T23:30", "2025-01-01T00:30"},
        /* the clock is put over midnight: the day begins with the change, its end is no later */
        {"America/Sao_Paulo", 'd', 0, "2018-11-04T12:00", "2018-11-04T03:00", "2018-11-05T02:00"},
        {"America/Sao_Paulo", 'd', 0, "2018-11-05T02:30", "2018-11-05T02:00", "2018-11-06T02:00"},
        {"Asia/Damascus", 'M', 0, "2005-04-30T20:30", "2005-03-31T22:00", "2005-04-30T21:00"},
        {"Asia/Damascus", 'q', 0, "2005-05-30T20:30", "2005-03-31T22:00", "2005-06-30T21:00"},
        {"America/Toronto", 'd', 0, "1919-03-31T04:45", "1919-03-31T04:30", "1919-04-01T04:00"},
        /* a whole day is left out */
        {"Pacific/Apia", 'd', 0, "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00"},
        {"Pacific/Apia", 'd', 0, "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00"},
        /* put back over midnight by 59 minutes: the day that has begun goes on */
        {"America/St_Johns", 'd', 0, "2010-11-07T02:30", "2010-11-07T02:30", "2010-11-08T03:30"},
        {"America/St_Johns", 'd', 0, "2010-11-07T03:00", "2010-11-07T02:30", "2010-11-08T03:30"},
        {"America/St_Johns", 'd', 0, "2010-11-07T02:29", "2010-11-06T02:30", "2010-11-07T02:30"},
        /* changes of half an hour make an hour longer */
        {"Australia/Lord_Howe", 'h', 0, "2024-04-06T15:10", "2024-04-06T14:00", "2024-04-06T15:30"},
        {"Australia/Lord_Howe", 'h', 0, "2024-04-06T14:40", "2024-04-06T14:00", "2024-04-06T15:30"},
        {"Australia/Lord_Howe", 'h', 0, "2024-10-05T15:40", "2024-10-05T14:30", "2024-10-05T16:00"},
        {"Australia/Lord_Howe", 'm', 0, "2024-04-06T15:10", "2024-04-06T15:10", "2024-04-06T15:11"},
        /* fixed lengths, on the local clock; one that begins in a gap begins with the change */
        {"UTC", 0, 90, "1969-12-31T23:59", "1969-12-31T22:30", "1970-01-01T00:00"},
        {"+05:30", 0, 720, "2025-01-01T07:00", "2025-01-01T06:30", "2025-01-01T18:30"},
        {"Europe/Berlin", 0, 720, "2025-10-26T07:00", "2025-10-25T22:00", "2025-10-26T11:00"},
        {"Europe/Berlin", 0, 720, "2025-03-30T20:00", "2025-03-30T10:00", "2025-03-30T22:00"},
        {"Europe/Berlin", 0, 50, "2025-03-30T01:10", "2025-03-30T01:00", "2025-03-30T01:40"},
        {"Europe/Berlin", 0, 50, "2025-03-30T01:15", "2025-03-30T01:00", "2025-03-30T01:40"},
        {"Europe/Berlin", 0, 45, "2025-10-26T01:05", "2025-10-26T00:15", "2025-10-26T01:15"},
        {"Europe/Berlin", 0, 45, "2025-10-26T01:15", "2025-10-26T01:15", "2025-10-26T02:00"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct date_rounding rounding = {.unit = rows[i].unit,
                                         .fixed_ms = rows[i].minutes * MINUTE_MS};
        int64_t ms = ms_of(rows[i].moment);
        struct date_span span = date_rounding_span(&rounding, zone_named(t, rows[i].zone), ms);
        int64_t high = ms_of(rows[i].high);
        if (span.low != ms_of(rows[i].low) || span.high != high)
            fail_msg("%s %c %s: from %lld to %lld minutes of what is wanted", rows[i].zone,
                     rows[i].unit ? rows[i].unit : 'f', rows[i].moment,
                     (long long)((span.low - ms_of(rows[i].low)) / MINUTE_MS),
                     (long long)((span.high - high) / MINUTE_MS));
    }
}

/* ---- Against a walk ---- */

#define STEP_MS (5 * MINUTE_MS) /* no clock was changed, and no span begins, between two steps */

static int64_t local_at(const struct time_zone *zone, int64_t ms)
{
    return ms + (int64_t)time_zone_offset_at(zone, ms / 1000) * 1000;
}

static int64_t number_of(char unit, int64_t local_ms)
{
    int64_t days = local_ms / DAY_MS;
    struct civil c = civil_from_ns(local_ms * NS_PER_MS);
    return unit == 'd'   ? days
           : unit == 'w' ? (days + 3) / 7
           : unit == 'M' ? c.year * 12 + c.month - 1
           : unit == 'q' ? c.year * 4 + (c.month - 1) / 3
                         : c.year;
}

/* Days and longer begin when the calendar goes on, the others where the clock shows a whole number
 * of them, and fixed ones also where it is put over such a number. */
static bool begins(const struct date_rounding *rounding, const struct time_zone *zone, int64_t ms)
{
    int64_t before = local_at(zone, ms - STEP_MS) + STEP_MS, local = local_at(zone, ms);
    if (strchr("dwMqy", rounding->unit) && !rounding->fixed_ms)
        return number_of(rounding->unit, local) > number_of(rounding->unit, before - STEP_MS);
    int64_t length = rounding->fixed_ms      ? rounding->fixed_ms
                     : rounding->unit == 'h' ? 60 * MINUTE_MS
                                             : STEP_MS;
    return local % length == 0 ||
           (rounding->fixed_ms && local > before && local / length > (before - 1) / length);
}

static void spans_hold(const struct date_rounding *rounding, const struct time_zone *zone,
                       int64_t ms, int64_t low)
{
    struct date_span span = date_rounding_span(rounding, zone, ms + rounding->offset_ms);
    if (span.low - rounding->offset_ms == low && span.high - rounding->offset_ms > ms)
        return;
    fail_msg("%c %lld in " STR_FMT ": %lld is from %lld on, not from %lld",
             rounding->unit ? rounding->unit : 'f', (long long)rounding->fixed_ms,
             STR_ARG(time_zone_name(zone)), (long long)ms, (long long)span.low, (long long)low);
}

/* Every beginning, the moment before it, and some between. */
static void walk(struct test *t, const struct date_rounding *rounding, const struct time_zone *zone,
                 int64_t from, int64_t to)
{
    int64_t low = INT64_MIN, high = INT64_MIN;
    for (int64_t ms = from; ms < to; ms += STEP_MS) {
        if (!begins(rounding, zone, ms)) {
            if (low != INT64_MIN && rng_below(&t->rng, 500) == 0)
                spans_hold(rounding, zone, ms + (int64_t)rng_below(&t->rng, STEP_MS), low);
            continue;
        }
        if (low != INT64_MIN) {
            spans_hold(rounding, zone, ms - 1, low);
            assert_true(high == ms + rounding->offset_ms);
        }
        low = ms;
        spans_hold(rounding, zone, ms, low);
        high = date_rounding_span(rounding, zone, ms + rounding->offset_ms).high;
    }
}

static void spans_agree_with_a_walk(struct test *t)
{
    static const char *const zones[] = {"Europe/Berlin",   "America/Sao_Paulo",  "America/Havana",
                                        "Asia/Damascus",   "Asia/Tehran",        "Pacific/Apia",
                                        "Pacific/Chatham", "Asia/Kathmandu",     "Africa/Cairo",
                                        "Asia/Seoul",      "Australia/Lord_Howe"};
    static const struct date_rounding roundings[] = {{'h', 0, 0},
                                                     {'d', 0, 0},
                                                     {'w', 0, 0},
                                                     {'M', 0, 0},
                                                     {'q', 0, 0},
                                                     {'y', 0, 0},
                                                     {'d', 0, 7 * MINUTE_MS},
                                                     {0, 45 * MINUTE_MS, 0},
                                                     {0, 50 * MINUTE_MS, 0},
                                                     {0, DAY_MS / 2, 0},
                                                     {0, 7 * DAY_MS, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(roundings); i++) {
        for (int k = 0; k < 4; k++) {
            const struct time_zone *zone =
                zone_named(t, zones[rng_below(&t->rng, ARRAY_COUNT(zones))]);
            int64_t days = roundings[i].unit == 'y' || roundings[i].unit == 'q' ? 800 : 400;
            int64_t from = rng_between(&t->rng, 10 * 365, 80 * 365) * DAY_MS;
            walk(t, &roundings[i], zone, from, from + days * DAY_MS);
        }
    }
}

/* Of values that no calendar reaches to: numbers that are taken for dates. */
static void moments_out_of_range_have_a_span(struct test *t)
{
    static const double values[] = {-1e300, -9.3e18, -1e17, -9.3e15, 9.3e15, 1e17, 9.3e18, 1e300};
    static const char *const zones[] = {"UTC", "+14:00", "Europe/Berlin"};
    const struct source source = {.kind = COLUMN_DOUBLE};
    struct value_batch *batch = ARENA_NEW(t->mem, struct value_batch);
    for (size_t i = 0; i < ARRAY_COUNT(values) * ARRAY_COUNT(zones); i++) {
        const struct time_zone *zone = zone_named(t, zones[i / ARRAY_COUNT(values)]);
        batch->count = 1;
        batch->doubles[0] = values[i % ARRAY_COUNT(values)];
        date_rounding_batch(&source, batch);
        for (const char *unit = "smhdwMqy"; *unit; unit++) {
            struct date_rounding rounding = {*unit, 0, DAY_MS};
            struct date_span span = date_rounding_span(&rounding, zone, batch->longs[0]);
            assert_true(span.low < span.high && (span.low < 0) == (values[i % 8] < 0));
        }
    }
}

/* What columns hold becomes milliseconds, rounded down before 1970 too. */
static void stored_values_become_milliseconds(struct test *t)
{
    static const int64_t nanos[] = {0, 999999, 1000000, -1, -1000000, -1000001};
    static const int64_t ms[] = {0, 0, 1, -1, -1, -2};
    static const struct field field = {.type = FIELD_DATE_NANOS}, date = {.type = FIELD_DATE};
    const struct source source = {.kind = COLUMN_LONG, .field = &field, .local = &field};
    struct value_batch *batch = ARENA_NEW(t->mem, struct value_batch);
    batch->count = ARRAY_COUNT(nanos);
    memcpy(batch->longs, nanos, sizeof(nanos));
    date_rounding_batch(&source, batch);
    for (size_t i = 0; i < ARRAY_COUNT(nanos); i++) {
        assert_int_equal(batch->longs[i], ms[i]);
        assert_int_equal(date_rounding_ms(&field, nanos[i]), ms[i]);
        assert_int_equal(date_rounding_ms(&date, nanos[i]), nanos[i]);
    }
}

TEST_MAIN(TEST(spans_are_those_of_the_calendar), TEST(spans_agree_with_a_walk),
          TEST(moments_out_of_range_have_a_span), TEST(stored_values_become_milliseconds))
