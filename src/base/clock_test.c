/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"

static void known_days(struct test *t)
{
    (void)t;
    assert_int_equal(civil_days(1970, 1, 1), 0);
    assert_int_equal(civil_days(2000, 3, 1), 11017);
    assert_int_equal(civil_days(1969, 12, 31), -1);
    assert_int_equal(civil_days(1600, 2, 29) + 1, civil_days(1600, 3, 1));
    assert_int_equal(civil_days(1900, 2, 28) + 1, civil_days(1900, 3, 1)); /* no leap year */
    struct civil c = civil_from_ns(INT64_C(1614643625123456789));
    assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20210302);
    assert_int_equal(c.hour * 10000 + c.minute * 100 + c.second, 705);
    assert_int_equal(c.nanosecond, 123456789);
    assert_int_equal(c.weekday, 2); /* a Tuesday */
}

/* A day after the other over 800 years, against a plain calendar. */
static void days_follow_each_other(struct test *t)
{
    (void)t;
    static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = civil_days(1700, 1, 1);
    unsigned weekday = 5; /* 1700-01-01 was a Friday */
    for (int32_t year = 1700; year < 2250; year++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (uint32_t month = 1; month <= 12; month++) {
            uint32_t length = lengths[month - 1] + (month == 2 && is_leap);
            for (uint32_t d = 1; d <= length; d++, day++, weekday = (weekday + 1) % 7) {
                assert_int_equal(civil_days(year, month, d), day);
                struct civil c =
                    civil_from_ns(day * 86400 * NS_PER_S + (day & 1 ? 0 : 86400 * NS_PER_S - 1));
                assert_true(c.year == year && c.month == month && c.day == d &&
                            c.weekday == weekday);
            }
        }
    }
}

static void moments_round_trip(struct test *t)
{
    for (unsigned i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)rng_u64(&t->rng);
        struct civil c = civil_from_ns(ns);
        assert_true(civil_to_ns(&c) == ns);
        assert_true(c.nanosecond >= 0 && c.nanosecond < 1000000000 && c.second < 60 && c.hour < 24);
    }
    static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, -1, 0,
                                    1,         -NS_PER_S,     NS_PER_S};
    for (size_t i = 0; i < ARRAY_COUNT(edges); i++) {
        struct civil c = civil_from_ns(edges[i]);
        assert_true(civil_to_ns(&c) == edges[i]);
    }
}

static void years_out_of_range_are_clamped(struct test *t)
{
    (void)t;
    assert_true(civil_to_ns(&(struct civil){.year = 9999, .month = 12, .day = 31}) == INT64_MAX);
    assert_true(civil_to_ns(&(struct civil){.year = 2263, .month = 1, .day = 1}) == INT64_MAX);
    assert_true(civil_to_ns(&(struct civil){.year = 1, .month = 1, .day = 1}) == INT64_MIN);
    assert_true(civil_to_ns(&(struct civil){.year = -290000000, .month = 1, .day = 1}) ==
                INT64_MIN);
}

static void a_fake_clock_stands_still_until_moved(struct test *t)
{
    (void)t;
    struct clock_fake fake;
    clock_fake_init(&fake, 1000);
    struct clock *clock = &fake.base;
    int64_t start = clock_monotonic_ns(clock);
    assert_int_equal(clock_wall_ns(clock), 1000);
    assert_int_equal(clock_wall_ns(clock), 1000);
    clock_fake_advance(&fake, 500);
    clock_sleep_ns(clock, 20);
    clock_sleep_ns(clock, -20);
    assert_int_equal(clock_wall_ns(clock), 1520);
    assert_int_equal(clock_monotonic_ns(clock) - start, 520);
    assert_in_range(clock_to_real_ns(clock, 3600 * NS_PER_S), 0, NS_PER_S);
}

TEST_MAIN(TEST(known_days), TEST(days_follow_each_other), TEST(moments_round_trip),
          TEST(years_out_of_range_are_clamped), TEST(a_fake_clock_stands_still_until_moved))
