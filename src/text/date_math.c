/* SPDX-License-Identifier: Apache-2.0 */
/* date_math.c: days and longer units are counted on the zone's calendar, hours and shorter ones on
 * the line of time, as java.time does: "+1d" over a change of the clock keeps the wall time, "+24h"
 * does not. */
#include "text/date_math.h"

#include "base/clock.h"
#include "base/str.h"

#define DAY_S          INT64_C(86400)
#define COUNT_MAX      INT32_MAX
#define OPERATIONS_MAX 100u

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t ns_of_second(int64_t ns)
{
    int64_t rest = ns % NS_PER_S;
    return rest < 0 ? rest + NS_PER_S : rest;
}

static int64_t clamp_add(int64_t a, int64_t b)
{
    int64_t v;
    if (__builtin_add_overflow(a, b, &v))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return v;
}

static int64_t clamp_mul(int64_t a, int64_t b)
{
    int64_t v;
    if (__builtin_mul_overflow(a, b, &v))
        return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
    return v;
}

/* What java.time's ZonedDateTime holds: a wall time may mean two instants, and its offset tells
 * them apart. */
struct zoned {
    const struct time_zone *zone;
    int64_t local_s;
    int32_t offset_s;
};

static struct zoned zoned_at(int64_t ns, const struct time_zone *zone)
{
    int64_t s = floor_div(ns, NS_PER_S);
    int32_t offset = time_zone_offset_at(zone, s);
    return (struct zoned){zone, s + offset, offset};
}

/* The instant of another wall time. The offset stays when that time has it. */
static int64_t moved_to(const struct zoned *from, int64_t local_s, int64_t rest_ns)
{
    int64_t limit = INT64_MAX / NS_PER_S - DAY_S, utc_s = local_s - from->offset_s;
    if (local_s > limit)
        return INT64_MAX;
    if (local_s < -limit)
        return INT64_MIN;
    if (time_zone_offset_at(from->zone, utc_s) != from->offset_s)
        utc_s = time_zone_to_utc_lenient(from->zone, local_s);
    return utc_s * NS_PER_S + rest_ns;
}

static struct civil civil_of(int64_t local_s)
{
    int64_t limit = INT64_MAX / NS_PER_S;
    return civil_from_ns(MIN_OF(MAX_OF(local_s, -limit), limit) * NS_PER_S);
}

static uint32_t days_in_month(int32_t year, uint32_t month)
{
    int64_t next = month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1);
    return (uint32_t)(next - civil_days(year, month, 1));
}

static int64_t add_months(int64_t ns, int64_t months, const struct time_zone *zone)
{
    struct zoned at = zoned_at(ns, zone);
    struct civil c = civil_of(at.local_s);
    int64_t total = clamp_add((int64_t)c.year * 12 + c.month - 1, months);
    int64_t year = floor_div(total, 12);
    if (year > 3000 || year < 1000) /* ns end in 1677 and 2262 */
        return year > 0 && months > 0 ? INT64_MAX : INT64_MIN;
    uint32_t month = (uint32_t)(total - year * 12) + 1;
    uint32_t day = MIN_OF((uint32_t)c.day, days_in_month((int32_t)year, month));
    int64_t of_day = at.local_s - floor_div(at.local_s, DAY_S) * DAY_S;
    return moved_to(&at, civil_days((int32_t)year, month, day) * DAY_S + of_day, ns_of_second(ns));
}

static int64_t add_days(int64_t ns, int64_t days, const struct time_zone *zone)
{
    struct zoned at = zoned_at(ns, zone);
    int64_t local_s = clamp_add(at.local_s, clamp_mul(days, DAY_S)), limit = INT64_MAX / NS_PER_S;
    return moved_to(&at, MIN_OF(MAX_OF(local_s, -limit), limit), ns_of_second(ns));
}

int64_t date_add(int64_t ns, char unit, int64_t count, const struct time_zone *zone)
{
    if (!zone)
        zone = time_zone_utc();
    switch (unit) {
    case 'y':
        return add_months(ns, clamp_mul(count, 12), zone);
    case 'q':
        return add_months(ns, clamp_mul(count, 3), zone);
    case 'M':
        return add_months(ns, count, zone);
    case 'w':
        return add_days(ns, clamp_mul(count, 7), zone);
    case 'd':
        return add_days(ns, count, zone);
    case 'h':
    case 'H':
        return clamp_add(ns, clamp_mul(count, 3600 * NS_PER_S));
    case 'm':
        return clamp_add(ns, clamp_mul(count, 60 * NS_PER_S));
    default:
        ASSERT(unit == 's');
        return clamp_add(ns, clamp_mul(count, NS_PER_S));
    }
}

int64_t date_round_down(int64_t ns, char unit, const struct time_zone *zone)
{
    if (!zone)
        zone = time_zone_utc();
    struct zoned at = zoned_at(ns, zone);
    struct civil c = civil_of(at.local_s);
    int64_t day = floor_div(at.local_s, DAY_S);
    switch (unit) {
    case 'y':
        return moved_to(&at, civil_days(c.year, 1, 1) * DAY_S, 0);
    case 'q':
        return moved_to(&at, civil_days(c.year, (c.month - 1u) / 3 * 3 + 1, 1) * DAY_S, 0);
    case 'M':
        return moved_to(&at, civil_days(c.year, c.month, 1) * DAY_S, 0);
    case 'w': /* 1970-01-01 was a Thursday */
        return moved_to(&at, (day - (day + 3 - floor_div(day + 3, 7) * 7)) * DAY_S, 0);
    case 'd':
        return moved_to(&at, day * DAY_S, 0);
    case 'h':
    case 'H':
        return moved_to(&at, floor_div(at.local_s, 3600) * 3600, 0);
    case 'm':
        return moved_to(&at, floor_div(at.local_s, 60) * 60, 0);
    default:
        ASSERT(unit == 's');
        return moved_to(&at, at.local_s, 0);
    }
}

/* ---- the expression ---- */

static int fail_at(struct err *err, size_t off, const char *what, struct str text)
{
    err_set(err, ERR_PARSE, "%s [" STR_FMT "]", what, STR_ARG(text));
    return err_at_off(err, (int64_t)off);
}

/* (+n | -n | /) unit … */
static int math(struct str text, size_t off, const struct date_math_options *options, int64_t *ns,
                struct err *err)
{
    size_t i = off, operations = 0;
    while (i < text.n) {
        char op = text.p[i];
        size_t from = i++;
        if (op != '+' && op != '-' && op != '/')
            return fail_at(err, from, "operator not supported for date math",
                           str_from_off(text, from));
        if (++operations > OPERATIONS_MAX)
            return fail_at(err, from, "more than 100 operations in date math", text);
        int64_t count = 0;
        size_t digits = 0;
        for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++, digits++)
            count = MIN_OF(count * 10 + (text.p[i] - '0'), INT64_C(1) + COUNT_MAX);
        if (count > COUNT_MAX)
            return fail_at(err, from, "a number is too large in date math",
                           str_from_off(text, from));
        if (i >= text.n)
            return fail_at(err, i, "truncated date math", str_from_off(text, off));
        if (op == '/' && digits > 0 && count != 1)
            return fail_at(err, from, "rounding `/` can only be used on single unit types",
                           str_from_off(text, from));
        char unit = text.p[i++];
        if (!strchr("yMwdhHms", unit) || unit == '\0')
            return fail_at(err, i - 1, "unit not supported for date math", str_sub(text, i - 1, 1));
        if (op != '/') {
            count = digits > 0 ? count : 1;
            *ns = date_add(*ns, unit, op == '-' ? -count : count, options->zone);
        } else {
            *ns = date_round_down(*ns, unit, options->zone);
            if (options->rounds_up)
                *ns = clamp_add(date_add(*ns, unit, 1, options->zone), -1);
        }
    }
    return 0;
}

int date_math_parse(struct str text, const struct date_math_options *options, int64_t *ret_ns,
                    struct err *err)
{
    int64_t ns = options->now_ns;
    size_t off = 3;
    if (!str_starts_with(text, STR("now"))) {
        ptrdiff_t cut = str_find(text, STR("||"));
        struct str date = cut < 0 ? text : str_sub(text, 0, (size_t)cut);
        struct date_parse_options how = {.zone = options->zone,
                                         .rounds_up = cut < 0 && options->rounds_up};
        if (!date_pattern_parse(options->pattern, date, &how, &ns)) {
            err_set(err, ERR_PARSE, "failed to parse date [" STR_FMT "] with format [" STR_FMT "]",
                    STR_ARG(date), STR_ARG(date_pattern_text(options->pattern)));
            return err_at_off(err, 0);
        }
        off = cut < 0 ? text.n : (size_t)cut + 2;
    }
    TRY(math(text, off, options, &ns, err));
    *ret_ns = ns;
    return 0;
}
