/* SPDX-License-Identifier: Apache-2.0 */
/* dates.c: see dates.h. */
#include "query/dates.h"

#include "base/str.h"

int dates_format(struct str format, struct arena *mem, const struct date_pattern **ret_pattern,
                 struct err *err)
{
    return date_pattern_compile(format.n ? format : STR(DATES_FORMAT_DEFAULT), DATE_ELASTICSEARCH,
                                mem, ret_pattern, err);
}

int dates_zone(struct str name, struct arena *mem, const struct time_zone **ret_zone,
               struct err *err)
{
    if (name.n == 0) {
        *ret_zone = time_zone_utc();
        return 0;
    }
    if (time_zone_open(NULL, name, mem, ret_zone, err) < 0)
        return err_set(err, ERR_INVALID, "Unknown time-zone ID: " STR_FMT, STR_ARG(name));
    return 0;
}

int dates_value(const struct value *v, struct str format, const struct time_zone *zone,
                int64_t now_ns, bool is_up, struct arena *mem, int64_t *ret_ns, struct err *err)
{
    const struct date_pattern *pattern;
    TRY(dates_format(format, mem, &pattern, err));
    if (v->kind == VALUE_TIME) {
        *ret_ns = v->time_ns;
        return 0;
    }
    struct str text = value_to_str(mem, v);
    struct date_math_options options = {
        .pattern = pattern, .zone = zone, .now_ns = now_ns, .rounds_up = is_up};
    if (v->kind == VALUE_FLOAT && v->f >= -9.2e15 && v->f <= 9.2e15)
        text = arena_printf(mem, "%lld", (long long)v->f);
    struct err why;
    if (date_math_parse(text, &options, ret_ns, &why) < 0)
        return err_set(err, ERR_PARSE,
                       "failed to parse date field [" STR_FMT "] with format [" STR_FMT "]: %s",
                       STR_ARG(text), STR_ARG(date_pattern_text(pattern)), why.text);
    return 0;
}

struct str dates_print(int64_t ns, const struct date_pattern *pattern, const struct time_zone *zone,
                       struct arena *mem)
{
    struct buf text;
    buf_init(&text, 4 * KIB);
    date_pattern_write(pattern, ns, zone, &text);
    struct str copy = arena_str(mem, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

int64_t dates_ms_of_ns(int64_t ns)
{
    return ns / NS_PER_MS - (ns % NS_PER_MS < 0);
}

int64_t dates_ns_of_ms(int64_t ms)
{
    if (ms > INT64_MAX / NS_PER_MS)
        return INT64_MAX;
    if (ms < INT64_MIN / NS_PER_MS)
        return INT64_MIN;
    return ms * NS_PER_MS;
}

int64_t dates_to_stored(const struct field *field, int64_t ns)
{
    return field->type == FIELD_DATE_NANOS ? ns : dates_ms_of_ns(ns);
}

int64_t dates_from_stored(const struct field *field, int64_t stored)
{
    return field->type == FIELD_DATE_NANOS ? stored : dates_ns_of_ms(stored);
}
