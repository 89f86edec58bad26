/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: the fake clock and the calendar. Day numbers after Howard Hinnant, "chrono-compatible
 * low-level date algorithms": years begin in March, so the leap day is the last of its year. */
#include "base/clock.h"

static int64_t fake_wall_ns(struct clock *clock)
{
    return __atomic_load_n(&((struct clock_fake *)clock)->wall_ns, __ATOMIC_ACQUIRE);
}

static int64_t fake_monotonic_ns(struct clock *clock)
{
    return __atomic_load_n(&((struct clock_fake *)clock)->monotonic_ns, __ATOMIC_ACQUIRE);
}

static void fake_sleep_ns(struct clock *clock, int64_t ns)
{
    clock_fake_advance((struct clock_fake *)clock, ns > 0 ? ns : 0);
}

static int64_t fake_to_real_ns(struct clock *clock, int64_t ns)
{
    (void)clock;
    return MIN_OF(ns,
                  NS_PER_MS); /* waits in real time are short: the test moves the clock meanwhile */
}

static const struct clock_ops fake_ops = {fake_wall_ns, fake_monotonic_ns, fake_sleep_ns,
                                          fake_to_real_ns};

void clock_fake_init(struct clock_fake *fake, int64_t wall_ns)
{
    *fake = (struct clock_fake){.base = {&fake_ops}, .wall_ns = wall_ns, .monotonic_ns = NS_PER_S};
}

void clock_fake_advance(struct clock_fake *fake, int64_t ns)
{
    __atomic_add_fetch(&fake->wall_ns, ns, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&fake->monotonic_ns, ns, __ATOMIC_ACQ_REL);
}

int64_t civil_days(int32_t year, uint32_t month, uint32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year =
        (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t civil_to_ns(const struct civil *civil)
{
    int64_t days = civil_days(civil->year, civil->month, civil->day);
    int64_t seconds = days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
    int64_t ns;
    if (seconds <
        0) { /* from the other side, so that the very first second does not overflow half-way */
        if (__builtin_mul_overflow(seconds + 1, NS_PER_S, &ns) ||
            __builtin_add_overflow(ns, civil->nanosecond - NS_PER_S, &ns))
            return INT64_MIN;
        return ns;
    }
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, (int64_t)civil->nanosecond, &ns))
        return INT64_MAX;
    return ns;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct civil civil_from_ns(int64_t ns)
{
    int64_t seconds = floor_div(ns, NS_PER_S);
    int64_t days = floor_div(seconds, 86400);
    int64_t second_of_day = seconds - days * 86400;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_shifted = (5 * day_of_year + 2) / 153;
    int64_t month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
    int64_t weekday = (days + 4) % 7;
    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(day_of_year - (153 * month_shifted + 2) / 5 + 1),
        .hour = (uint8_t)(second_of_day / 3600),
        .minute = (uint8_t)(second_of_day / 60 % 60),
        .second = (uint8_t)(second_of_day % 60),
        .weekday = (uint8_t)(weekday < 0 ? weekday + 7 : weekday),
        .nanosecond = (int32_t)(ns % NS_PER_S + (ns % NS_PER_S < 0 ? NS_PER_S : 0)),
    };
}
