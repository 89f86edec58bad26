/* SPDX-License-Identifier: Apache-2.0 */
/* date_rounding.c: spans of time on a calendar or of a fixed length; see date_rounding.h. */
#include "query/buckets/date_rounding.h"

#include "base/str.h"
#include "query/dates.h"

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

static bool offset_parse(struct str text, int64_t *ret_ms)
{
    bool is_negative = str_starts_with(text, STR("-"));
    if (is_negative || str_starts_with(text, STR("+")))
        text = str_from_off(text, 1);
    int64_t ns;
    if (!str_to_duration(text, &ns))
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
        if (!str_to_duration(fixed, &ns) || ns < NS_PER_MS)
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

static int64_t floor_to(int64_t v, int64_t step)
{
    int64_t rest = v % step;
    return v - (rest < 0 ? rest + step : rest);
}

static int64_t offset_at(const struct time_zone *zone, int64_t ms)
{
    return (int64_t)time_zone_offset_at(zone, ms >= 0 ? ms / 1000 : (ms - 999) / 1000) * 1000;
}

struct date_span date_rounding_span(const struct date_rounding *rounding,
                                    const struct time_zone *zone, int64_t ms)
{
    struct date_span span;
    ms -= rounding->offset_ms;
    if (!rounding->fixed_ms) {
        int64_t ns = date_round_down(ms * NS_PER_MS, rounding->unit, zone);
        span.low = ns / NS_PER_MS;
        char unit = rounding->unit == 'q' ? 'M' : rounding->unit;
        span.high = date_add(ns, unit, rounding->unit == 'q' ? 3 : 1, zone) / NS_PER_MS;
    } else if (time_zone_is_fixed(zone)) {
        int64_t shift = offset_at(zone, ms);
        span.low = floor_to(ms + shift, rounding->fixed_ms) - shift;
        span.high = span.low + rounding->fixed_ms;
    } else {
        /* On local time; the span may be cut or stretched by a change of the clock, so only this
         * moment is known. */
        int64_t local = floor_to(ms + offset_at(zone, ms), rounding->fixed_ms);
        span.low = local - offset_at(zone, ms);
        if (offset_at(zone, span.low) != offset_at(zone, ms))
            span.low = time_zone_to_utc_lenient(zone, local / 1000) * 1000 + local % 1000;
        span.high = ms + 1;
        if (span.low > ms)
            span.low = ms;
    }
    span.low += rounding->offset_ms;
    span.high += rounding->offset_ms;
    return span;
}

int64_t date_rounding_ms(const struct field *field, int64_t stored)
{
    if (field && field->type == FIELD_DATE_NANOS)
        return dates_to_stored(&(struct field){.type = FIELD_DATE}, stored);
    return stored;
}
