/* SPDX-License-Identifier: Apache-2.0 */
/* date_read.c: reads a text by a compiled pattern: first the fields, then the instant they mean. */
#include "text/date_format_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#define UNIX_SECONDS_MAX                                                                           \
    INT32_MAX                /* Logstash refuses more: it would be milliseconds by mistake         \
                              */
#define PIVOT_BACK_YEARS  30 /* two digits: now - 30 .. now + 69 */
#define JAVA_OFFSET_S_MAX (18 * 3600)
#define TAI_UTC_S         10 /* TAI was 10 s ahead in 1970, as the label's definition has it */

enum { HALF_NONE, HALF_AM, HALF_PM };

struct reading {
    const char *p, *end;
    const struct date_parse_options *options;
    bool is_java;
    bool has_year, has_month, has_day, has_day_of_year, has_week, has_weekday, has_offset;
    bool has_hour, has_minute, has_second, has_fraction; /* else the upper end is their last one */
    int32_t year, month, day, day_of_year, week_year, week, weekday;
    int32_t hour, minute, second, half;
    int32_t hour12; /* -1: none */
    int32_t nanosecond;
    int64_t of_day_ns; /* -1: none */
    int32_t offset_s;
    bool is_before_christ;
    const struct time_zone *zone; /* named in the text */
    struct arena *zone_mem;
};

static inline bool is_lenient(const struct reading *r)
{
    return r->options && r->options->is_lenient;
}

static inline bool at_digit(const struct reading *r)
{
    return r->p < r->end && (uint8_t)(*r->p - '0') <= 9;
}

static bool take(struct reading *r, char c)
{
    if (r->p >= r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* min..max digits; no more than 18 of them count. */
static bool take_digits(struct reading *r, unsigned min, unsigned max, int64_t *ret_v)
{
    int64_t v = 0;
    unsigned n = 0;
    for (; n < max && n < 18 && at_digit(r); n++)
        v = v * 10 + (*r->p++ - '0');
    *ret_v = v;
    return n >= MAX_OF(min, 1u);
}

static bool take_int(struct reading *r, unsigned min, unsigned max, int32_t low, int32_t high,
                     int32_t *ret_v)
{
    int64_t v;
    if (!take_digits(r, min, max, &v) || v < low || v > high)
        return false;
    *ret_v = (int32_t)v;
    return true;
}

/* Digits behind a point as ns; what is beyond ns is passed over. */
static bool take_fraction(struct reading *r, unsigned min, unsigned max)
{
    int32_t ns = 0, scale = 100000000;
    unsigned n = 0;
    for (; n < max && at_digit(r); n++, r->p++) {
        ns += (*r->p - '0') * scale;
        scale /= 10;
    }
    r->nanosecond = ns;
    r->has_fraction = true;
    return n >= min && n > 0;
}

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool take_text(struct reading *r, struct str text, bool is_case_equal)
{
    if ((size_t)(r->end - r->p) < text.n)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (r->p[i] != text.p[i] && (is_case_equal || lower(r->p[i]) != lower(text.p[i])))
            return false;
    }
    r->p += text.n;
    return true;
}

/* The long name or its first three letters, in any case. */
static bool take_name(struct reading *r, const char *const *names, int count, int32_t *ret_number)
{
    for (int i = 0; i < count; i++) {
        struct str name = str_from(names[i]);
        if (take_text(r, name, false) || take_text(r, str_sub(name, 0, 3), false)) {
            *ret_number = i + 1;
            return true;
        }
    }
    return false;
}

/* "1월" … "12월": what java.text calls the months in Korean. */
static bool take_korean_month(struct reading *r)
{
    return take_int(r, 1, 2, 1, 12, &r->month) && take_text(r, STR("월"), true);
}

/* "월" or "월요일". */
static bool take_korean_weekday(struct reading *r)
{
    static const char *const days[] = {"월", "화", "수", "목", "금", "토", "일"};
    for (int i = 0; i < 7; i++) {
        if (take_text(r, str_from(days[i]), true)) {
            (void)take_text(r, STR("요일"), true);
            r->weekday = i + 1;
            return true;
        }
    }
    return false;
}

/* English names in any locale, since logs have them everywhere; Korean ones cannot be mistaken for
 * anything else. */
static bool take_month_name(struct reading *r)
{
    r->has_month = true;
    return at_digit(r) ? take_korean_month(r) : take_name(r, date__month_names, 12, &r->month);
}

static bool take_weekday_name(struct reading *r)
{
    r->has_weekday = true;
    return take_name(r, date__weekday_names, 7, &r->weekday) || take_korean_weekday(r);
}

/* ---- zones ---- */

static bool take_offset(struct reading *r)
{
    if (r->p < r->end && lower(*r->p) == 'z') {
        r->p++;
        r->offset_s = 0;
        r->has_offset = true;
        return true;
    }
    int32_t sign = take(r, '+') ? 1 : take(r, '-') ? -1 : 0, hours, minutes = 0, seconds = 0;
    if (sign == 0 || !take_int(r, 2, 2, 0, 23, &hours))
        return false;
    bool has_colon = r->p < r->end && *r->p == ':';
    if (has_colon || at_digit(r)) {
        if ((has_colon && !take(r, ':')) || !take_int(r, 2, 2, 0, 59, &minutes))
            return false;
        if ((has_colon ? take(r, ':') : at_digit(r)) && !take_int(r, 2, 2, 0, 59, &seconds))
            return false;
    }
    int32_t size = hours * 3600 + minutes * 60 + seconds;
    r->offset_s = sign * size;
    r->has_offset = true;
    return !r->is_java || size <= JAVA_OFFSET_S_MAX;
}

/* The names that Joda knows by itself, and the two of this part of the world. DEVIATES: Joda has no
 * KST and JST. */
static bool take_short_zone(struct reading *r)
{
    static const struct {
        const char *name;
        int32_t hours;
    } zones[] = {{"UTC", 0},  {"GMT", 0},  {"UT", 0},   {"EST", -5}, {"EDT", -4},
                 {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8},
                 {"PDT", -7}, {"KST", 9},  {"JST", 9}};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        if (!take_text(r, str_from(zones[i].name), true))
            continue;
        if (zones[i].hours == 0 && r->p < r->end && (*r->p == '+' || *r->p == '-'))
            return take_offset(r);
        r->offset_s = zones[i].hours * 3600;
        r->has_offset = true;
        return true;
    }
    return false;
}

static bool is_zone_char(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+' || c == ':';
}

static bool take_zone_id(struct reading *r)
{
    if (r->p < r->end && (*r->p == '+' || *r->p == '-' || *r->p == 'Z'))
        return take_offset(r);
    const char *from = r->p;
    while (r->p < r->end && is_zone_char(*r->p))
        r->p++;
    struct str name = {from, (size_t)(r->p - from)};
    if (name.n == 0)
        return false;
    if (!r->zone_mem)
        r->zone_mem = arena_new(MIB);
    return time_zone_open(NULL, name, r->zone_mem, &r->zone, NULL) == 0;
}

/* ---- fields ---- */

static int32_t now_year(const struct reading *r)
{
    return r->options ? civil_from_ns(r->options->now_ns).year : 1970;
}

static bool take_year(struct reading *r, const struct date_item *item)
{
    bool is_negative = item->max > 4 && take(r, '-');
    if (!is_negative && r->is_java && item->max > 4)
        (void)take(r, '+');
    if (!take_int(r, item->min, item->max, 0, DATE_YEAR_MAX, &r->year))
        return false;
    if (is_negative)
        r->year = -r->year;
    r->has_year = true;
    return true;
}

static bool take_year_2(struct reading *r, const struct date_item *item)
{
    const char *from = r->p;
    if (!take_int(r, r->is_java ? 2 : 1, r->is_java ? 2 : MAX_OF(item->max, 2), 0, DATE_YEAR_MAX,
                  &r->year))
        return false;
    r->has_year = true;
    if (r->p - from != 2) /* Joda takes other counts of digits as the year itself */
        return true;
    int32_t first =
        r->is_java ? 2000 : now_year(r) - PIVOT_BACK_YEARS; /* java.time's base is 2000 */
    int32_t year = first - first % 100 + r->year;
    r->year = year < first ? year + 100 : year;
    return true;
}

static bool take_week_year(struct reading *r, const struct date_item *item)
{
    r->has_week = true;
    if (item->count != 2)
        return take_int(r, item->min, item->max, 0, DATE_YEAR_MAX, &r->week_year);
    bool is_ok = take_year_2(r, item);
    r->week_year = r->year;
    return is_ok;
}

static bool take_half(struct reading *r)
{
    if (take_text(r, STR("PM"), false) || take_text(r, STR("오후"), true))
        r->half = HALF_PM;
    else if (take_text(r, STR("AM"), false) || take_text(r, STR("오전"), true))
        r->half = HALF_AM;
    return r->half != HALF_NONE;
}

static bool take_hour12(struct reading *r, const struct date_item *item, int32_t low)
{
    int32_t hour;
    if (!take_int(r, item->min, item->max, low, low + 11, &hour))
        return false;
    r->hour12 = hour % 12;
    r->has_hour = true;
    return true;
}

static bool take_of_day(struct reading *r, const struct date_item *item, int64_t unit_ns)
{
    int64_t v;
    if (!take_digits(r, item->min, item->max, &v) || v >= 86400 * NS_PER_S / unit_ns)
        return false;
    r->of_day_ns = v * unit_ns;
    return true;
}

static bool take_item(struct reading *r, const struct date_item *item)
{
    int32_t ignored;
    switch ((enum date_kind)item->kind) {
    case DATE_LITERAL:
        return take_text(r, item->literal, r->is_java);
    case DATE_YEAR:
        return take_year(r, item);
    case DATE_YEAR_2:
        return take_year_2(r, item);
    case DATE_CENTURY:
        return take_int(r, item->min, item->max, 0, 99, &ignored);
    case DATE_ERA:
        r->is_before_christ = take_text(r, STR("BC"), false);
        return r->is_before_christ || take_text(r, STR("AD"), false);
    case DATE_WEEK_YEAR:
        return take_week_year(r, item);
    case DATE_WEEK:
        return r->has_week = true, take_int(r, item->min, item->max, 1, 53, &r->week);
    case DATE_WEEKDAY:
        return r->has_weekday = true, take_int(r, item->min, item->max, 1, 7, &r->weekday);
    case DATE_WEEKDAY_SHORT:
    case DATE_WEEKDAY_LONG:
        return take_weekday_name(r);
    case DATE_QUARTER:
        return take_int(r, item->min, item->max, 1, 4, &ignored);
    case DATE_MONTH:
        return r->has_month = true, take_int(r, item->min, item->max, 1, 12, &r->month);
    case DATE_MONTH_SHORT:
    case DATE_MONTH_LONG:
        return take_month_name(r);
    case DATE_DAY:
        return r->has_day = true, take_int(r, item->min, item->max, 1, 31, &r->day);
    case DATE_DAY_OF_YEAR:
        return r->has_day_of_year = true,
               take_int(r, item->min, item->max, 1, 366, &r->day_of_year);
    case DATE_HALF:
        return take_half(r);
    case DATE_HOUR:
        return r->has_hour = true, take_int(r, item->min, item->max, 0, 23, &r->hour);
    case DATE_HOUR_24:
        if (!take_int(r, item->min, item->max, 1, 24, &r->hour))
            return false;
        r->hour %= 24;
        return r->has_hour = true;
    case DATE_HOUR_11:
        return take_hour12(r, item, 0);
    case DATE_HOUR_12:
        return take_hour12(r, item, 1);
    case DATE_MINUTE:
        return r->has_minute = true, take_int(r, item->min, item->max, 0, 59, &r->minute);
    case DATE_SECOND:
        return r->has_second = true, take_int(r, item->min, item->max, 0, 59, &r->second);
    case DATE_FRACTION:
        return is_lenient(r) ? take_fraction(r, 1, 30) : take_fraction(r, item->min, item->max);
    case DATE_NANO:
        return r->has_fraction = true,
               take_int(r, item->min, item->max, 0, 999999999, &r->nanosecond);
    case DATE_MILLI_OF_DAY:
        return take_of_day(r, item, NS_PER_MS);
    case DATE_NANO_OF_DAY:
        return take_of_day(r, item, 1);
    case DATE_OFFSET:
        return take_offset(r);
    case DATE_ZONE_ID:
        return take_zone_id(r);
    case DATE_ZONE_NAME:
        return take_short_zone(r) || (r->is_java && take_zone_id(r));
    case DATE_OPTIONAL_BEGIN:
    case DATE_OPTIONAL_END:
        return true;
    }
    return false;
}

/* An optional part that does not fit is passed over with all that is in it. Depth:
 * DATE_OPTIONAL_DEPTH_MAX. */
static bool take_items(struct reading *r, const struct date_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == DATE_OPTIONAL_BEGIN) {
            struct reading before = *r;
            if (!take_items(r, items + i + 1, (size_t)items[i].count - 1)) {
                struct arena *zone_mem = r->zone_mem;
                *r = before;
                r->zone_mem = zone_mem;
            }
            i += items[i].count;
        } else if (!take_item(r, &items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- ISO 8601: Joda's, and the part of it that Elasticsearch's date_optional_time has ---- */

/* Joda's fractions are of the last unit that is told: "13.5" is half past one. */
static bool take_joda_fraction(struct reading *r)
{
    if (!take_fraction(r, 1, 30))
        return false;
    int64_t unit_s = r->has_second   ? 1
                     : r->has_minute ? 60
                                     : 3600,
            s = r->nanosecond * unit_s / NS_PER_S;
    r->nanosecond = (int32_t)(r->nanosecond * unit_s % NS_PER_S);
    r->minute += (int32_t)(s / 60);
    r->second += (int32_t)(s % 60);
    return true;
}

static bool take_iso_time(struct reading *r, bool is_strict)
{
    unsigned min = is_strict ? 2 : 1;
    if (!at_digit(r))
        return true; /* "2025-01-01T" */
    r->has_hour = true;
    if (!take_int(r, min, 2, 0, 23, &r->hour))
        return false;
    if (take(r, ':')) {
        r->has_minute = true;
        if (!take_int(r, min, 2, 0, 59, &r->minute))
            return false;
        r->has_second = take(r, ':');
        if (r->has_second && !take_int(r, min, 2, 0, 59, &r->second))
            return false;
    }
    if (!take(r, '.') && !take(r, ','))
        return true;
    return r->is_java ? r->has_second && take_fraction(r, 1, 9) : take_joda_fraction(r);
}

/* Www[-e] */
static bool take_iso_week(struct reading *r)
{
    r->has_week = true;
    r->week_year = r->year;
    return take_int(r, 1, 2, 1, 53, &r->week) &&
           (!take(r, '-') || (r->has_weekday = true, take_int(r, 1, 1, 1, 7, &r->weekday)));
}

static bool take_iso_date(struct reading *r, const struct date_part *part)
{
    unsigned min = part->is_strict ? 2 : 1;
    int32_t sign = take(r, '-') ? -1 : 1;
    if (!take_int(r, part->is_strict ? 4 : 1, part->is_strict ? 4 : 9, 0, DATE_YEAR_MAX, &r->year))
        return false;
    r->year *= sign;
    r->has_year = true;
    if (!take(r, '-'))
        return true;
    if (!r->is_java && take(r, 'W'))
        return take_iso_week(r);
    const char *from = r->p;
    int64_t v;
    if (!take_digits(r, min, r->is_java ? 2 : 3, &v))
        return false;
    if (r->p - from == 3) {
        r->has_day_of_year = true;
        r->day_of_year = (int32_t)v;
        return v >= 1 && v <= 366;
    }
    r->has_month = true;
    r->month = (int32_t)v;
    if (v < 1 || v > 12)
        return false;
    return !take(r, '-') || (r->has_day = true, take_int(r, min, 2, 1, 31, &r->day));
}

static bool take_iso(struct reading *r, const struct date_part *part)
{
    if (!part->is_java && take(r, 'T')) /* Joda's parser takes a time alone */
        return take_iso_time(r, false) && (r->p == r->end || take_offset(r));
    if (!take_iso_date(r, part))
        return false;
    if (take(r, 'T') || (part->takes_blank && take(r, ' '))) {
        if (!take_iso_time(r, part->is_strict))
            return false;
        if (part->takes_blank)
            (void)take(r, ' '); /* "2025-01-01 10:00:00 +0900" */
        return r->p == r->end || (r->is_java ? take_zone_id(r) : take_offset(r));
    }
    return true;
}

/* ---- counts since 1970 ---- */

static bool rounds_up(const struct reading *r)
{
    return r->options && r->options->rounds_up;
}

/* A point without digits is none, as Elasticsearch has it. The upper end of a whole number is the
 * last nanosecond before the next one. What no nanoseconds can tell is refused by Logstash's, and
 * the end of what can be told for Elasticsearch's: a range to 9999999999999 means all times. */
static bool take_epoch(struct reading *r, int64_t unit_ns, unsigned fraction_max, int64_t *ret_ns)
{
    bool is_negative = take(r, '-'), is_far = false;
    int64_t whole, ns;
    if (!take_digits(r, 1, 18, &whole) || at_digit(r))
        return false;
    is_far = __builtin_mul_overflow(is_negative ? -whole : whole, unit_ns, &ns);
    if (is_far && !r->is_java)
        return false;
    if (fraction_max > 0 && take(r, '.') && (at_digit(r) || !r->is_java)) {
        if (!take_fraction(r, 1, fraction_max))
            return false;
        int64_t part = unit_ns == NS_PER_S ? r->nanosecond : r->nanosecond / 1000;
        is_far = is_far || __builtin_add_overflow(ns, is_negative ? -part : part, &ns);
    }
    if (rounds_up(r) && !r->has_fraction)
        is_far = is_far || __builtin_add_overflow(ns, unit_ns - 1, &ns);
    *ret_ns = !is_far ? ns : is_negative ? INT64_MIN : INT64_MAX;
    return true;
}

static bool take_unix(struct reading *r, int64_t *ret_ns)
{
    struct str text = {r->p, (size_t)(r->end - r->p)};
    double v;
    if (str_find_char(text, 'E') >= 0 ||
        str_find_char(text, 'e') >= 0) { /* a float that was printed: 1.7E9 */
        if (!str_to_f64(text, &v) || v > UNIX_SECONDS_MAX || v < -(double)UNIX_SECONDS_MAX)
            return false;
        r->p = r->end;
        *ret_ns = (int64_t)(v * 1e6) * 1000;
        return true;
    }
    return take_epoch(r, NS_PER_S, 30, ret_ns) && *ret_ns / NS_PER_S <= UNIX_SECONDS_MAX;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* "@" and 24 hexadecimal digits: seconds of TAI + 2^62, then ns. */
static bool take_tai64n(struct reading *r, int64_t *ret_ns)
{
    (void)take(r, '@');
    if (r->end - r->p != 24)
        return false;
    uint64_t label = 0, ns = 0;
    for (int i = 0; i < 24; i++) {
        int digit = hex_value(*r->p++);
        if (digit < 0)
            return false;
        if (i < 16)
            label = label << 4 | (uint64_t)digit;
        else
            ns = ns << 4 | (uint64_t)digit;
    }
    int64_t seconds = (int64_t)(label - (UINT64_C(1) << 62)) - TAI_UTC_S, v;
    if (ns >= (uint64_t)NS_PER_S || __builtin_mul_overflow(seconds, NS_PER_S, &v))
        return false;
    *ret_ns = v + (int64_t)ns;
    return true;
}

/* ---- from fields to an instant ---- */

static int32_t days_in_month(int32_t year, int32_t month)
{
    int64_t next =
        month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, (uint32_t)month + 1, 1);
    return (int32_t)(next - civil_days(year, (uint32_t)month, 1));
}

/* No year in the pattern: this one, unless December is read in January or the other way round. */
static void guess_year(struct reading *r)
{
    struct civil now = civil_from_ns(r->options->now_ns);
    r->year = now.year;
    int32_t month = r->has_month ? r->month : 1;
    if (month == 12 && now.month == 1)
        r->year--;
    else if (month == 1 && now.month == 12)
        r->year++;
    if (r->has_month && r->has_day && r->month == 2 && r->day == 29)
        r->day = days_in_month(r->year, 2);
}

static bool resolve_day(struct reading *r, int64_t *ret_day)
{
    int32_t weekday = r->has_weekday ? r->weekday : 1;
    if (r->has_week) {
        if (!r->week_year)
            r->week_year = r->has_year ? r->year : now_year(r);
        int64_t fourth = civil_days(r->week_year, 1, 4);      /* always in week 1 */
        int64_t monday = fourth - ((fourth % 7 + 3 + 7) % 7); /* 1970-01-01 was a Thursday */
        *ret_day = monday + (int64_t)(MAX_OF(r->week, 1) - 1) * 7 + weekday - 1;
        return r->week < 53 || *ret_day - (weekday - 1) + 3 < civil_days(r->week_year + 1, 1, 1);
    }
    if (!r->has_year) {
        if (r->options && r->options->now_ns)
            guess_year(r);
        else
            r->year = r->is_java || !(r->has_month || r->has_day) ? 1970 : 2000;
    }
    if (r->is_before_christ)
        r->year = 1 - r->year;
    if (r->has_day_of_year && !r->has_month) {
        *ret_day = civil_days(r->year, 1, 1) + r->day_of_year - 1;
        return *ret_day < civil_days(r->year + 1, 1, 1);
    }
    int32_t month = r->has_month ? r->month : 1, day = r->has_day ? r->day : 1;
    if (day > days_in_month(r->year, month))
        return false;
    *ret_day = civil_days(r->year, (uint32_t)month, (uint32_t)day);
    /* DEVIATES: Joda moves the day to the weekday within its week; here the date wins. */
    return !r->has_weekday || !r->is_java || !r->has_day || is_lenient(r) ||
           (*ret_day % 7 + 3 + 7) % 7 + 1 == weekday;
}

/* The last of each unit that was not read, which an optional part of the pattern may have had. */
static void set_last_moment(struct reading *r)
{
    if (!r->has_hour)
        r->hour = 23;
    if (!r->has_minute)
        r->minute = 59;
    if (!r->has_second)
        r->second = 59;
    if (!r->has_fraction)
        r->nanosecond = 999999999;
}

static bool resolve(struct reading *r, int64_t *ret_ns)
{
    int64_t day, local_s, utc_s, ns;
    if (!resolve_day(r, &day))
        return false;
    if (r->hour12 >= 0)
        r->hour = r->hour12 + (r->half == HALF_PM ? 12 : 0);
    if (rounds_up(r))
        set_last_moment(r);
    local_s = day * 86400 + r->hour * 3600 + r->minute * 60 + r->second;
    if (r->of_day_ns >= 0) {
        local_s = day * 86400 + r->of_day_ns / NS_PER_S;
        r->nanosecond = (int32_t)(r->of_day_ns % NS_PER_S);
    }
    const struct time_zone *zone = r->zone ? r->zone : r->options ? r->options->zone : NULL;
    if (r->has_offset)
        utc_s = local_s - r->offset_s;
    else if (!zone)
        utc_s = local_s;
    else if (r->is_java && !r->zone && time_zone_offset_at(zone, local_s) == 0)
        utc_s = local_s; /* it was read as UTC, and an offset that fits is kept */
    else if (r->is_java)
        utc_s = time_zone_to_utc_lenient(zone, local_s); /* java.time moves times of a gap */
    else if (!time_zone_to_utc(zone, local_s, &utc_s))
        return false;
    if (__builtin_mul_overflow(utc_s, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, (int64_t)r->nanosecond, &ns))
        ns = utc_s < 0 ? INT64_MIN
                       : INT64_MAX; /* before 1677 or behind 2262: the end of what can be told */
    *ret_ns = ns;
    return true;
}

static bool parse_part(const struct date_part *part, struct reading *r, int64_t *ret_ns)
{
    bool is_ok = false;
    switch (part->kind) {
    case DATE_PART_ITEMS:
    case DATE_PART_ISO:
        is_ok = part->kind == DATE_PART_ISO ? take_iso(r, part)
                                            : take_items(r, part->items, part->count);
        if (!is_ok || r->p != r->end)
            return false;
        return resolve(r, ret_ns);
    case DATE_PART_UNIX:
        is_ok = take_unix(r, ret_ns);
        break;
    case DATE_PART_UNIX_MS:
        is_ok = take_epoch(r, NS_PER_MS, 0, ret_ns);
        break;
    case DATE_PART_TAI64N:
        is_ok = take_tai64n(r, ret_ns);
        break;
    case DATE_PART_EPOCH_MILLIS:
        is_ok = take_epoch(r, NS_PER_MS, 6, ret_ns);
        break;
    case DATE_PART_EPOCH_SECOND:
        is_ok = take_epoch(r, NS_PER_S, 9, ret_ns);
        break;
    }
    return is_ok && r->p == r->end;
}

bool date_pattern_parse(const struct date_pattern *pattern, struct str text,
                        const struct date_parse_options *options, int64_t *ret_ns)
{
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct date_part *part = &pattern->parts[i];
        struct reading r = {.p = text.p,
                            .end = str_end(text),
                            .options = options,
                            .is_java = part->is_java,
                            .hour12 = -1,
                            .of_day_ns = -1};
        int64_t ns;
        bool is_ok = parse_part(part, &r, &ns);
        arena_free(r.zone_mem);
        if (is_ok) {
            *ret_ns = ns;
            return true;
        }
    }
    return false;
}
