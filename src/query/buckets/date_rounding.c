/* SPDX-License-Identifier: Apache-2.0 */
/* date_rounding.c: spans of time on a calendar or of a fixed length; see date_rounding.h. */
#include "query/buckets/date_rounding.h"

#include "base/str.h"
#include "query/dates.h"

#define DAY_MS INT64_C(86400000)

/* Numbers that are taken for dates may lie anywhere: those behind the last moment that the calendar
 * or the clock can tell are in its span. */
#define CALENDAR_MS_MAX (INT64_MAX / NS_PER_MS - 2 * DAY_MS)
#define CLOCK_MS_MAX    (INT64_MAX / 4)

static char calendar_unit(struct str text)
{
    static const struct {
        const char *name, *shorthand;
        char unit;
    } units[] = {{"second", "1s", 's'},  {"minute", "1m", 'm'}, {"hour", "1h", 'h'},
                 {"day", "1d", 'd'},     {"week", "1w", 'w'},   {"month", "1M", 'M'},
                 {"quarter", "1q", 'q'}, {"year", "1y", 'y'}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_eq(text, str_from(units[i].name)) || str_eq(text, str_from(units[i].shorthand)))
            return units[i].unit;
    }
    return 0;
}

/* A length of time with its unit. "M" is a month, which has no fixed length, and no minute. */
static bool length_parse(struct str text, int64_t *ret_ns)
{
    if (str_is(text, "0")) {
        *ret_ns = 0;
        return true;
    }
    char last = text.n > 0 ? text.p[text.n - 1] : '0';
    return last != 'M' && (last < '0' || last > '9') && str_to_duration(text, ret_ns);
}

static bool offset_parse(struct str text, int64_t *ret_ms)
{
    bool is_negative = str_starts_with(text, STR("-"));
    if (is_negative || str_starts_with(text, STR("+")))
        text = str_from_off(text, 1);
    int64_t ns;
    if (str_starts_with(text, STR("-")) || !length_parse(text, &ns))
        return false;
    *ret_ms = (is_negative ? -1 : 1) * (ns / NS_PER_MS);
    return true;
}

int date_rounding_parse(struct date_rounding *rounding, const struct date_intervals *texts,
                        const struct value *body, struct err *err)
{
    struct str calendar = texts->calendar, fixed = texts->fixed;
    if (texts->either.p && !calendar.p && !fixed.p) {
        if (calendar_unit(texts->either))
            calendar = texts->either;
        else
            fixed = texts->either;
    }
    if (calendar.p && fixed.p)
        return dsl_error(
            body, err, ERR_INVALID,
            "Cannot use [fixed_interval] with [calendar_interval] configuration option.");
    if (!calendar.p && !fixed.p)
        return dsl_error(body, err, ERR_INVALID,
                         "Invalid interval specified, must be non-null and non-empty");
    if (calendar.p && !(rounding->unit = calendar_unit(calendar)))
        return dsl_error(body, err, ERR_INVALID,
                         "The supplied interval [" STR_FMT "] could not be parsed as a calendar "
                         "interval.",
                         STR_ARG(calendar));
    int64_t ns;
    if (fixed.p) {
        if (!length_parse(fixed, &ns) || ns < NS_PER_MS)
            return dsl_error(
                body, err, ERR_INVALID,
                "failed to parse setting [date_histogram.fixedInterval] with value [" STR_FMT
                "] as a time value: unit is missing or unrecognized",
                STR_ARG(fixed));
        rounding->fixed_ms = ns / NS_PER_MS;
    }
    if (texts->offset.p && !offset_parse(texts->offset, &rounding->offset_ms))
        return dsl_error(
            body, err, ERR_INVALID,
            "failed to parse setting [DateHistogramAggregationBuilder.parseOffset] with "
            "value [" STR_FMT "] as a time value",
            STR_ARG(texts->offset));
    return 0;
}

static int64_t clamp(int64_t v, int64_t limit)
{
    return MIN_OF(MAX_OF(v, -limit), limit);
}

static int64_t floor_to(int64_t v, int64_t step)
{
    int64_t rest = v % step;
    return v - (rest < 0 ? rest + step : rest);
}

static int64_t offset_at(const struct time_zone *zone, int64_t ms)
{
    return (int64_t)time_zone_offset_at(zone, ms >= 0 ? ms / 1000 : (ms - 999) / 1000) * 1000;
}

/* The length of a calendar's spans that are equally long on a clock that is never put forward or
 * back; 0: they are not. */
static int64_t step_of(char unit, int64_t *ret_phase)
{
    *ret_phase = unit == 'w' ? 3 * DAY_MS : 0; /* 1970 began on a Thursday, weeks do on Mondays */
    return unit == 's'   ? 1000
           : unit == 'm' ? 60000
           : unit == 'h' ? 3600000
           : unit == 'd' ? DAY_MS
           : unit == 'w' ? 7 * DAY_MS
                         : 0;
}

/* The first moment in (from, to] with the offset that holds at `to`, of which `from` has another.
 */
static int64_t change_between(const struct time_zone *zone, int64_t from, int64_t to)
{
    int64_t offset = offset_at(zone, to);
    while (to - from > 1) {
        int64_t mid = from + (to - from) / 2;
        if (offset_at(zone, mid) == offset)
            to = mid;
        else
            from = mid;
    }
    return to;
}

/* The beginning of the local clock's step that holds the moment. Where the clock was changed within
 * the step, it goes on from before the change; a step whose beginning the clock was put over begins
 * with the change (`begins_in_gaps`), or there is none and the step before is longer. */
static int64_t step_begin(const struct time_zone *zone, int64_t step, bool begins_in_gaps,
                          int64_t ms)
{
    for (;;) {
        int64_t offset = offset_at(zone, ms), local = floor_to(ms + offset, step);
        int64_t begin = local - offset;
        if (offset_at(zone, begin) == offset)
            return begin;
        int64_t change = change_between(zone, begin, ms);
        if (begins_in_gaps && local >= change + offset_at(zone, change - 1))
            return change;
        ms = change - 1;
    }
}

/* Where the step after the one that began at `begin` and holds the moment begins. */
static int64_t step_end(const struct time_zone *zone, int64_t step, bool begins_in_gaps,
                        int64_t begin, int64_t ms)
{
    for (;;) {
        int64_t offset = offset_at(zone, ms), end = floor_to(ms + offset, step) + step - offset;
        if (offset_at(zone, end) == offset)
            return end;
        ms = change_between(zone, ms, end);
        if (step_begin(zone, step, begins_in_gaps, ms) != begin)
            return ms;
    }
}

/* The first moment of a local day: of two midnights the first, and the change of the clock where it
 * was put over midnight. */
static int64_t day_begin(const struct time_zone *zone, int64_t local_ns)
{
    int64_t local_s = local_ns / NS_PER_S, s;
    if (time_zone_to_utc(zone, local_s, &s))
        return s * 1000;
    int64_t after = time_zone_to_utc_lenient(zone, local_s) * 1000;
    return change_between(zone, after - DAY_MS, after);
}

/* Days and longer: counted on the calendar, as if local time were UTC. A clock that is put back
 * over midnight does not bring the day before back: what has begun goes on. */
static struct date_span calendar_span(char unit, const struct time_zone *zone, int64_t ms)
{
    ms = clamp(ms, CALENDAR_MS_MAX);
    int64_t begin = date_round_down((ms + offset_at(zone, ms)) * NS_PER_MS, unit, NULL);
    struct date_span span = {.high = day_begin(zone, begin)};
    do {
        begin = date_add(begin, unit, 1, NULL);
        span.low = span.high;
        span.high = day_begin(zone, begin);
    } while (span.high <= ms);
    return span;
}

static int64_t floor_on_fixed_clock(const struct time_zone *zone, int64_t step, int64_t phase,
                                    int64_t ms)
{
    int64_t shift = offset_at(zone, ms) + phase;
    return floor_to(ms + shift, step) - shift;
}

struct date_span date_rounding_span(const struct date_rounding *rounding,
                                    const struct time_zone *zone, int64_t ms)
{
    struct date_span span;
    bool is_fixed = rounding->fixed_ms > 0;
    int64_t phase = 0, step = is_fixed ? rounding->fixed_ms : step_of(rounding->unit, &phase);
    ms = clamp(ms, CLOCK_MS_MAX) - rounding->offset_ms;
    if (step > 0 && time_zone_is_fixed(zone)) {
        span.low = floor_on_fixed_clock(zone, step, phase, ms);
        span.high = span.low + step;
    } else if (is_fixed || (step > 0 && step < DAY_MS)) {
        span.low = step_begin(zone, step, is_fixed, ms);
        span.high = step_end(zone, step, is_fixed, span.low, ms);
    } else {
        span = calendar_span(rounding->unit, zone, ms);
    }
    span.low += rounding->offset_ms;
    span.high += rounding->offset_ms;
    return span;
}

int64_t date_rounding_ms(const struct field *field, int64_t stored)
{
    if (field && field->type == FIELD_DATE_NANOS)
        return dates_ms_of_ns(stored);
    return stored;
}

int64_t date_rounding_ms_of_double(double v)
{
    double limit = (double)CLOCK_MS_MAX;
    return v > limit ? CLOCK_MS_MAX : v > -limit ? (int64_t)v : -CLOCK_MS_MAX;
}

void date_rounding_batch(const struct source *source, struct value_batch *batch)
{
    if (source->kind == COLUMN_DOUBLE) {
        for (size_t i = 0; i < batch->count; i++)
            batch->longs[i] = date_rounding_ms_of_double(batch->doubles[i]);
    } else if (source->local && source->local->type == FIELD_DATE_NANOS) {
        for (size_t i = 0; i < batch->count; i++)
            batch->longs[i] = date_rounding_ms(source->local, batch->longs[i]);
    }
}
