/* SPDX-License-Identifier: Apache-2.0 */
/* date_write.c: prints an instant by a compiled pattern. */
#include "text/date_format_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

struct moment {
    struct civil civil; /* wall time */
    int32_t offset_s;
    const struct time_zone *zone;
    int64_t ns;          /* the instant */
    int32_t day_of_year; /* 1.. */
    int32_t weekday;     /* 1 Monday .. 7 */
    int32_t week_year, week;
};

static int64_t floor_seconds(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* ISO 8601: a week belongs to the year of its Thursday. */
static void set_week(struct moment *m)
{
    int64_t day = civil_days(m->civil.year, m->civil.month, m->civil.day);
    m->weekday = m->civil.weekday == 0 ? 7 : m->civil.weekday;
    m->day_of_year = (int32_t)(day - civil_days(m->civil.year, 1, 1)) + 1;
    int64_t thursday = day - m->weekday + 4;
    m->week_year = m->civil.year;
    if (thursday < civil_days(m->civil.year, 1, 1))
        m->week_year--;
    else if (thursday >= civil_days(m->civil.year + 1, 1, 1))
        m->week_year++;
    m->week = (int32_t)((thursday - civil_days(m->week_year, 1, 1)) / 7) + 1;
}

static void add_number(struct buf *out, int64_t v, unsigned digits)
{
    char text[32];
    size_t n = sizeof(text);
    bool is_negative = v < 0;
    uint64_t size = is_negative ? (uint64_t)-v : (uint64_t)v;
    do {
        text[--n] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    while (sizeof(text) - n < digits && n > 0)
        text[--n] = '0';
    if (is_negative)
        buf_add_char(out, '-');
    buf_add(out, text + n, sizeof(text) - n);
}

static void add_fraction(struct buf *out, int32_t ns, unsigned digits)
{
    char text[9];
    for (int i = 8; i >= 0; i--, ns /= 10)
        text[i] = (char)('0' + ns % 10);
    buf_add(out, text, MIN_OF(digits, 9u));
    for (unsigned i = 9; i < digits; i++)
        buf_add_char(out, '0');
}

static void add_offset(struct buf *out, int32_t offset_s, unsigned count, bool prints_z)
{
    if (offset_s == 0 && prints_z) {
        buf_add_char(out, 'Z');
        return;
    }
    int32_t size = offset_s < 0 ? -offset_s : offset_s;
    buf_add_char(out, offset_s < 0 ? '-' : '+');
    add_number(out, size / 3600, 2);
    if (count == 1 && size % 3600 == 0)
        return;
    if (count == 3)
        buf_add_char(out, ':');
    add_number(out, size / 60 % 60, 2);
    if (size % 60 != 0) {
        if (count == 3)
            buf_add_char(out, ':');
        add_number(out, size % 60, 2);
    }
}

static void add_name(struct buf *out, const char *name, bool is_short)
{
    buf_add_str(out, is_short ? str_sub(str_from(name), 0, 3) : str_from(name));
}

static int64_t ns_of_day(const struct civil *civil)
{
    return (civil->hour * INT64_C(3600) + civil->minute * 60 + civil->second) * NS_PER_S +
           civil->nanosecond;
}

static void write_item(const struct moment *m, const struct date_item *item, struct buf *out)
{
    const struct civil *c = &m->civil;
    switch ((enum date_kind)item->kind) {
    case DATE_LITERAL:
        buf_add_str(out, item->literal);
        break;
    case DATE_YEAR:
        add_number(out, c->year, item->count);
        break;
    case DATE_YEAR_2:
        add_number(out, c->year % 100, 2);
        break;
    case DATE_CENTURY:
        add_number(out, c->year / 100, item->count);
        break;
    case DATE_ERA:
        buf_add_str(out, c->year > 0 ? STR("AD") : STR("BC"));
        break;
    case DATE_WEEK_YEAR:
        add_number(out, item->count == 2 ? m->week_year % 100 : m->week_year, item->count);
        break;
    case DATE_WEEK:
        add_number(out, m->week, item->count);
        break;
    case DATE_WEEKDAY:
        add_number(out, m->weekday, item->count);
        break;
    case DATE_WEEKDAY_SHORT:
    case DATE_WEEKDAY_LONG:
        add_name(out, date__weekday_names[m->weekday - 1], item->kind == DATE_WEEKDAY_SHORT);
        break;
    case DATE_QUARTER:
        add_number(out, (c->month + 2) / 3, item->count);
        break;
    case DATE_MONTH:
        add_number(out, c->month, item->count);
        break;
    case DATE_MONTH_SHORT:
    case DATE_MONTH_LONG:
        add_name(out, date__month_names[c->month - 1], item->kind == DATE_MONTH_SHORT);
        break;
    case DATE_DAY:
        add_number(out, c->day, item->count);
        break;
    case DATE_DAY_OF_YEAR:
        add_number(out, m->day_of_year, item->count);
        break;
    case DATE_HALF:
        buf_add_str(out, c->hour < 12 ? STR("AM") : STR("PM"));
        break;
    case DATE_HOUR:
        add_number(out, c->hour, item->count);
        break;
    case DATE_HOUR_24:
        add_number(out, c->hour == 0 ? 24 : c->hour, item->count);
        break;
    case DATE_HOUR_11:
        add_number(out, c->hour % 12, item->count);
        break;
    case DATE_HOUR_12:
        add_number(out, c->hour % 12 == 0 ? 12 : c->hour % 12, item->count);
        break;
    case DATE_MINUTE:
        add_number(out, c->minute, item->count);
        break;
    case DATE_SECOND:
        add_number(out, c->second, item->count);
        break;
    case DATE_FRACTION:
        add_fraction(out, c->nanosecond, item->count);
        break;
    case DATE_NANO:
        add_number(out, c->nanosecond, item->count);
        break;
    case DATE_MILLI_OF_DAY:
        add_number(out, ns_of_day(c) / NS_PER_MS, item->count);
        break;
    case DATE_NANO_OF_DAY:
        add_number(out, ns_of_day(c), item->count);
        break;
    case DATE_OFFSET:
        add_offset(out, m->offset_s, item->count, item->prints_z);
        break;
    case DATE_ZONE_ID:
    case DATE_ZONE_NAME:
        buf_add_str(out, time_zone_name(m->zone));
        break;
    case DATE_OPTIONAL_BEGIN:
    case DATE_OPTIONAL_END:
        break;
    }
}

static void write_iso(const struct moment *m, unsigned digits, struct buf *out)
{
    const struct civil *c = &m->civil;
    add_number(out, c->year, 4);
    buf_add_char(out, '-');
    add_number(out, c->month, 2);
    buf_add_char(out, '-');
    add_number(out, c->day, 2);
    buf_add_char(out, 'T');
    add_number(out, c->hour, 2);
    buf_add_char(out, ':');
    add_number(out, c->minute, 2);
    buf_add_char(out, ':');
    add_number(out, c->second, 2);
    buf_add_char(out, '.');
    add_fraction(out, c->nanosecond, digits);
    add_offset(out, m->offset_s, 3, true);
}

/* An integer, and a fraction when there is one. */
static void write_epoch(int64_t ns, int64_t unit_ns, unsigned digits, struct buf *out)
{
    int64_t whole = ns / unit_ns, rest = ns % unit_ns;
    if (ns < 0 && whole == 0)
        buf_add_char(out, '-');
    buf_add_i64(out, whole);
    if (rest == 0)
        return;
    char text[9];
    uint64_t size = (uint64_t)(rest < 0 ? -rest : rest);
    for (unsigned i = digits; i-- > 0; size /= 10)
        text[i] = (char)('0' + size % 10);
    while (digits > 0 && text[digits - 1] == '0')
        digits--;
    buf_add_char(out, '.');
    buf_add(out, text, digits);
}

static void write_tai64n(int64_t ns, struct buf *out)
{
    int64_t seconds = floor_seconds(ns);
    buf_printf(out, "@%016llx%08x", (unsigned long long)(seconds + 10) + (1ULL << 62),
               (unsigned)(ns - seconds * NS_PER_S));
}

void date_pattern_write(const struct date_pattern *pattern, int64_t ns,
                        const struct time_zone *zone, struct buf *out)
{
    const struct date_part *part = &pattern->parts[0];
    struct moment m = {.zone = zone ? zone : time_zone_utc(), .ns = ns};
    int64_t local_ns;
    m.offset_s = time_zone_offset_at(m.zone, floor_seconds(ns));
    if (__builtin_add_overflow(ns, m.offset_s * NS_PER_S, &local_ns))
        local_ns = ns;
    m.civil = civil_from_ns(local_ns);
    switch (part->kind) {
    case DATE_PART_ITEMS:
        if (part->needs_week)
            set_week(&m);
        for (size_t i = 0; i < part->count; i++)
            write_item(&m, &part->items[i], out);
        break;
    case DATE_PART_ISO:
        write_iso(&m, part->fraction_digits, out);
        break;
    case DATE_PART_UNIX:
    case DATE_PART_EPOCH_SECOND:
        write_epoch(ns, NS_PER_S, 9, out);
        break;
    case DATE_PART_UNIX_MS:
    case DATE_PART_EPOCH_MILLIS:
        write_epoch(ns, NS_PER_MS, 6, out);
        break;
    case DATE_PART_TAI64N:
        write_tai64n(ns, out);
        break;
    }
}
