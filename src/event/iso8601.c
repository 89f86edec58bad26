/* SPDX-License-Identifier: Apache-2.0 */
#include "event/iso8601.h"

#include "base/clock.h"
#include "base/str.h"

struct cursor {
    const char *p, *end;
};

static bool digits(struct cursor *c, int count, int *ret_v)
{
    int v = 0;
    if (c->end - c->p < count)
        return false;
    for (int i = 0; i < count; i++) {
        if (c->p[i] < '0' || c->p[i] > '9')
            return false;
        v = v * 10 + (c->p[i] - '0');
    }
    c->p += count;
    *ret_v = v;
    return true;
}

static bool take(struct cursor *c, char what)
{
    if (c->p >= c->end || *c->p != what)
        return false;
    c->p++;
    return true;
}

static bool fraction(struct cursor *c, int32_t *ret_ns)
{
    int32_t ns = 0, scale = 100000000;
    const char *from = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
        ns += (*c->p - '0') * scale;
        scale /= 10;
    }
    *ret_ns = ns;
    return c->p > from;
}

static bool zone(struct cursor *c, int64_t *ret_offset_s)
{
    *ret_offset_s = 0;
    if (c->p == c->end || take(c, 'Z'))
        return true;
    int sign = take(c, '+') ? 1 : take(c, '-') ? -1 : 0;
    int hours, minutes = 0;
    if (sign == 0 || !digits(c, 2, &hours))
        return false;
    if (c->p < c->end && (take(c, ':'), !digits(c, 2, &minutes)))
        return false;
    if (hours > 18 || minutes > 59)
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* At the ends of the range a time stays there, whatever its zone. */
static int64_t shifted(int64_t ns, int64_t by_ns)
{
    int64_t sum;
    if (ns == INT64_MIN || ns == INT64_MAX)
        return ns;
    if (__builtin_add_overflow(ns, by_ns, &sum))
        return by_ns < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

bool iso8601_parse(struct str s, int64_t *ret_ns)
{
    struct cursor c = {s.p, str_end(s)};
    int year, month, day, hour = 0, minute = 0, second = 0;
    int32_t nanosecond = 0;
    int64_t offset_s = 0;
    if (!digits(&c, 4, &year) || !take(&c, '-') || !digits(&c, 2, &month) || !take(&c, '-') ||
        !digits(&c, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (c.p < c.end) {
        if (!take(&c, 'T') && !take(&c, ' '))
            return false;
        if (!digits(&c, 2, &hour) || !take(&c, ':') || !digits(&c, 2, &minute))
            return false;
        if (take(&c, ':')) {
            if (!digits(&c, 2, &second))
                return false;
            if ((take(&c, '.') || take(&c, ',')) && !fraction(&c, &nanosecond))
                return false;
        }
        if (hour > 23 || minute > 59 || second > 59 || !zone(&c, &offset_s))
            return false;
    }
    if (c.p != c.end)
        return false;
    struct civil civil = {.year = year,
                          .month = (uint8_t)month,
                          .day = (uint8_t)day,
                          .hour = (uint8_t)hour,
                          .minute = (uint8_t)minute,
                          .second = (uint8_t)second,
                          .nanosecond = nanosecond};
    *ret_ns = shifted(civil_to_ns(&civil), -offset_s * NS_PER_S);
    return true;
}
