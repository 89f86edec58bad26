/* SPDX-License-Identifier: Apache-2.0 */
/* The table of spans against the calendar, for random moments. */
#include "support/test.h"

#include "base/str.h"
#include "query/buckets/date_spans.h"
#include "query/dates.h"

#define DAY_MS INT64_C(86400000)

static const struct time_zone *zone_named(struct test *t, const char *name)
{
    const struct time_zone *zone;
    assert_int_equal(dates_zone(str_from(name), t->mem, &zone, NULL), 0);
    return zone;
}

/* Every moment between, and a few outside. */
static void agrees(struct test *t, const struct date_rounding *rounding, const char *zone_name,
                   int64_t min, int64_t max)
{
    const struct time_zone *zone = zone_named(t, zone_name);
    struct date_spans spans;
    date_spans_make(&spans, rounding, zone, min, max, DATE_SPANS_MAX, t->mem);
    assert_true(spans.count > 0);
    int64_t *lows = ARENA_ARRAY(t->mem, int64_t, spans.count);
    for (int i = 0; i < 3000; i++) {
        int64_t ms = min + (int64_t)rng_below(&t->rng, (uint64_t)(max - min) + 1);
        if (i % 4 == 0) /* the beginning of a span, or the moment before */
            ms = date_rounding_span(rounding, zone, ms).low - (i % 8 == 0);
        if (ms < min)
            continue;
        uint32_t at = date_spans_find(&spans, ms);
        int64_t low = date_rounding_span(rounding, zone, ms).low;
        assert_true(at < spans.count);
        if (lows[at] == 0)
            lows[at] = low;
        if (lows[at] != low)
            fail_msg("unit %c in %s: %lld is in the span of %lld, not of %lld", rounding->unit,
                     zone_name, (long long)ms, (long long)lows[at], (long long)low);
    }
    assert_int_equal(date_spans_find(&spans, date_rounding_span(rounding, zone, min).low - 1),
                     spans.count);
    assert_int_equal(date_spans_find(&spans, date_rounding_span(rounding, zone, max).high),
                     spans.count);
}

static void tables_agree_with_the_calendar(struct test *t)
{
    static const char units[] = "mhdwMqy";
    static const char *const zones[] = {"UTC", "+05:30", "Europe/Berlin", "Asia/Seoul"};
    for (size_t i = 0; i + 1 < sizeof(units); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(zones); k++) {
            struct date_rounding rounding = {.unit = units[i],
                                             .offset_ms = k % 2 ? 7 * 3600000 : 0};
            int64_t min = (int64_t)rng_below(&t->rng, 20000) * DAY_MS;
            int64_t days = units[i] == 'm' ? 20 : units[i] == 'h' ? 400 : 4000;
            agrees(t, &rounding, zones[k], min, min + days * DAY_MS);
        }
    }
    agrees(t, &(struct date_rounding){.fixed_ms = 5400000}, "+05:30", -DAY_MS, 30 * DAY_MS);
    agrees(t, &(struct date_rounding){.fixed_ms = 1}, "UTC", 5, 900);
}

static void spans_on_a_fixed_clock_are_those_of_the_calendar(struct test *t)
{
    static const char units[] = "smhdw";
    static const char *const zones[] = {"UTC", "+05:30", "-11:00"};
    for (int i = 0; i < 3000; i++) {
        struct date_rounding rounding = {.unit = units[rng_below(&t->rng, 5)]};
        const struct time_zone *zone = zone_named(t, zones[rng_below(&t->rng, 3)]);
        int64_t ms = (int64_t)rng_below(&t->rng, UINT64_C(8000000000000)) - INT64_C(4000000000000);
        struct date_span span = date_rounding_span(&rounding, zone, ms);
        int64_t ns = date_round_down(ms * NS_PER_MS, rounding.unit, zone);
        assert_int_equal(span.low, ns / NS_PER_MS);
        assert_int_equal(span.high, date_add(ns, rounding.unit, 1, zone) / NS_PER_MS);
    }
}

static void no_table_where_it_does_not_pay(struct test *t)
{
    struct date_spans spans;
    struct date_rounding hours = {.unit = 'h'}, fixed = {.fixed_ms = 3600000};
    const struct time_zone *utc = time_zone_utc(), *berlin = zone_named(t, "Europe/Berlin");
    date_spans_make(&spans, &hours, utc, 0, 30 * DAY_MS, 100, t->mem); /* 100 lookups */
    assert_int_equal(spans.count, 0);
    date_spans_make(&spans, &hours, utc, 0, 30 * DAY_MS, 721, t->mem);
    assert_int_equal(spans.count, 721);
    date_spans_make(&spans, &fixed, berlin, 0, 30 * DAY_MS, 10000, t->mem);
    assert_int_equal(spans.count, 0);
    date_spans_make(&spans, &hours, utc, 1, 0, 10000, t->mem); /* no values */
    assert_int_equal(spans.count, 0);
    date_spans_make(&spans, &hours, utc, INT64_MIN / NS_PER_MS, INT64_MAX / NS_PER_MS, UINT64_MAX,
                    t->mem);
    assert_int_equal(spans.count, 0);
    assert_int_equal(date_spans_find(&spans, 0), 0); /* which is its count: not in the table */
}

TEST_MAIN(TEST(tables_agree_with_the_calendar),
          TEST(spans_on_a_fixed_clock_are_those_of_the_calendar),
          TEST(no_table_where_it_does_not_pay))
