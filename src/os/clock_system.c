/* SPDX-License-Identifier: Apache-2.0 */
/* clock_system.c: the machine's clock, and one that runs faster or slower than it. */
#include <time.h>

#include "os/os.h"

static int64_t now_ns(clockid_t id)
{
    struct timespec t;
    ASSERT(clock_gettime(id, &t) == 0);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void real_sleep_ns(int64_t ns)
{
    if (ns <= 0)
        return;
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); /* may end early, as the contract allows */
}

static int64_t system_wall_ns(struct clock *clock)
{
    (void)clock;
    return now_ns(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(struct clock *clock)
{
    (void)clock;
    return now_ns(CLOCK_MONOTONIC);
}

static void system_sleep_ns(struct clock *clock, int64_t ns)
{
    (void)clock;
    real_sleep_ns(ns);
}

static int64_t system_to_real_ns(struct clock *clock, int64_t ns)
{
    (void)clock;
    return ns;
}

struct clock *clock_system(void)
{
    static const struct clock_ops ops = {system_wall_ns, system_monotonic_ns, system_sleep_ns,
                                         system_to_real_ns};
    static struct clock system_clock = {&ops};
    return &system_clock;
}

/* long double: 64 bits of mantissa keep single nanoseconds over centuries. */
static int64_t scaled_elapsed_ns(const struct clock_scaled *scaled)
{
    int64_t real = now_ns(CLOCK_MONOTONIC) - scaled->real_start_ns;
    return (int64_t)((long double)real * (long double)scaled->speed);
}

static int64_t scaled_wall_ns(struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;
    return scaled->wall_start_ns + scaled_elapsed_ns(scaled);
}

static int64_t scaled_monotonic_ns(struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;
    return scaled->real_start_ns + scaled_elapsed_ns(scaled);
}

/* Rounds up, so that a wait for a moment of this clock does not end just before it, again and
 * again. */
static int64_t scaled_to_real_ns(struct clock *clock, int64_t ns)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;
    long double real = (long double)ns / (long double)scaled->speed;
    if (real >= (long double)INT64_MAX - 1)
        return INT64_MAX;
    return ns > 0 ? (int64_t)real + 1 : (int64_t)real;
}

static void scaled_sleep_ns(struct clock *clock, int64_t ns)
{
    real_sleep_ns(scaled_to_real_ns(clock, ns));
}

void clock_scaled_init(struct clock_scaled *scaled, int64_t wall_start_ns, double speed)
{
    static const struct clock_ops ops = {scaled_wall_ns, scaled_monotonic_ns, scaled_sleep_ns,
                                         scaled_to_real_ns};
    ASSERT(speed > 0);
    *scaled = (struct clock_scaled){.base = {&ops},
                                    .wall_start_ns = wall_start_ns,
                                    .real_start_ns = now_ns(CLOCK_MONOTONIC),
                                    .speed = speed};
}
