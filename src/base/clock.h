/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: time as an object, so that a test owns it. Two readings: wall time (ns since 1970 UTC,
 * may jump) and monotonic time (ns since some start, never goes back). The system clock lives in
 * os/. */
#ifndef NARU_BASE_CLOCK_H
#define NARU_BASE_CLOCK_H

#include "base/base.h"

struct clock_ops {
    int64_t (*wall_ns)(struct clock *clock);
    int64_t (*monotonic_ns)(struct clock *clock);
    /* Waits for `ns` of this clock's time; MAY return early (a signal, a fake clock moved). */
    void (*sleep_ns)(struct clock *clock, int64_t ns);
    /* How much real (system) time `ns` of this clock's time takes: for timed waits on condition
     * variables and loops. */
    int64_t (*to_real_ns)(struct clock *clock, int64_t ns);
};

struct clock {
    const struct clock_ops *ops;
};

static inline int64_t clock_wall_ns(struct clock *clock)
{
    return clock->ops->wall_ns(clock);
}
static inline int64_t clock_monotonic_ns(struct clock *clock)
{
    return clock->ops->monotonic_ns(clock);
}
static inline void clock_sleep_ns(struct clock *clock, int64_t ns)
{
    clock->ops->sleep_ns(clock, ns);
}
static inline int64_t clock_to_real_ns(struct clock *clock, int64_t ns)
{
    return clock->ops->to_real_ns(clock, ns);
}

/* A clock that stands still until the test moves it; sleep_ns advances it by itself. Thread-safe.
 */
struct clock_fake {
    struct clock base;
    int64_t wall_ns;
    int64_t monotonic_ns;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_ns);
void clock_fake_advance(struct clock_fake *fake, int64_t ns);

/* A calendar date and time of day in UTC (proleptic Gregorian), without the C library's time zones.
 */
struct civil {
    int32_t year;
    uint8_t month;   /* 1..12 */
    uint8_t day;     /* 1..31 */
    uint8_t hour;    /* 0..23 */
    uint8_t minute;  /* 0..59 */
    uint8_t second;  /* 0..59 */
    uint8_t weekday; /* 0 Sunday .. 6 Saturday */
    int32_t nanosecond;
};
/* Ignores weekday. Out of the range (before 1677, after 2262): INT64_MIN or INT64_MAX. */
int64_t civil_to_ns(const struct civil *civil);
struct civil civil_from_ns(int64_t ns);
int64_t civil_days(int32_t year, uint32_t month, uint32_t day); /* days since 1970-01-01 */

#endif
