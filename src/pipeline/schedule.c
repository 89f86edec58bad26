/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c: see schedule.h. A cron line becomes a bit set per field; the next moment is found by
 * walking days that match (at most YEARS_MAX years) and, inside a day, the set bits. Fields are
 * local times of the schedule's zone.
 *
 * As in cron, when both day of month and weekday are restricted, either is enough. `L` is the last
 * day of a month, `-2` the second last, `mon#1` the first Monday, `mon#-1` the last. A local time
 * that a change to summer time leaves out is taken as the moment behind the gap; one that exists
 * twice is used once. */
#include "pipeline/schedule.h"

#include "base/clock.h"
#include "base/str.h"
#include "text/timezone.h"

#define YEARS_MAX 40 /* 29 February on a given weekday comes every 28 years, or 40 across 2100 */
#define DAY_S     86400
#define NTH_COUNT 11u /* -5 … -1, none, 1 … 5 */

struct schedule {
    bool is_cron, is_once;
    int64_t interval_ns; /* every, in */
    uint64_t seconds, minutes;
    uint32_t hours, days, months, weekdays;
    uint32_t days_from_end; /* bit n: the n-th day from the end, 1 is the last */
    uint8_t nth[7];         /* bit n: n-th of this weekday in the month (1…5) */
    uint8_t nth_from_end[7];
    bool has_days, has_weekdays;
    const struct time_zone *zone;
};

struct field {
    const char *name;
    int low, high;
    const char *const *names; /* from `low` on, or NULL */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct field field_second = {"second", 0, 59, NULL},
                          field_minute = {"minute", 0, 59, NULL},
                          field_hour = {"hour", 0, 24, NULL}, field_day = {"day", 1, 31, NULL},
                          field_month = {"month", 1, 12, month_names},
                          field_weekday = {"weekday", 0, 7, weekday_names};

static int field_err(const struct field *field, struct str part, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no %s (%d-%d, *, lists, ranges, steps)",
                   STR_ARG(part), field->name, field->low, field->high);
}

static int number_parse(const struct field *field, struct str part, int *ret_n, struct err *err)
{
    for (int i = 0; field->names && field->names[i]; i++) {
        if (str_eq_nocase(part, str_from(field->names[i]))) {
            *ret_n = field->low + i;
            return 0;
        }
    }
    int64_t n;
    if (!str_to_i64(part, &n) || n < field->low || n > field->high)
        return field_err(field, part, err);
    *ret_n = (int)n;
    return 0;
}

/* One part of a list: `*`, `5`, `1-5`, `22-2`, each with an optional `/step`; sets bits. */
static int range_parse(const struct field *field, struct str part, uint64_t *bits, struct err *err)
{
    struct str range = part, step_text = STR_NONE;
    ptrdiff_t slash = str_find_char(part, '/');
    int64_t step = 1;
    if (slash >= 0) {
        range = str_sub(part, 0, (size_t)slash);
        step_text = str_from_off(part, (size_t)slash + 1);
        if (!str_to_i64(step_text, &step) || step < 1 || step > field->high)
            return field_err(field, part, err);
    }
    int low = field->low, high = field->high == 24 ? 23 : field->high == 7 ? 6 : field->high;
    ptrdiff_t dash = str_find_char(range, '-');
    if (!str_is(range, "*") && range.n) {
        TRY(number_parse(field, dash > 0 ? str_sub(range, 0, (size_t)dash) : range, &low, err));
        if (dash > 0)
            TRY(number_parse(field, str_from_off(range, (size_t)dash + 1), &high, err));
        else if (slash < 0)
            high = low;
    }
    int modulo =
        field->high - field->low + (field == &field_hour || field == &field_weekday ? 0 : 1);
    int count = high >= low ? high - low : high - low + modulo;
    for (int64_t i = 0; i <= count; i += step) {
        int n = low + (int)i;
        *bits |= UINT64_C(1) << (n > field->high ? n - modulo : n);
    }
    return 0;
}

static int list_parse(const struct field *field, struct str text, uint64_t *bits, struct err *err)
{
    struct str part;
    while (str_split_next(&text, ',', &part)) {
        if (part.n == 0)
            return field_err(field, part, err);
        TRY(range_parse(field, part, bits, err));
    }
    return 0;
}

/* Days of the month: the usual, and L, -1 … -31 from the end. */
static int days_parse(struct schedule *s, struct str text, struct err *err)
{
    uint64_t bits = 0;
    struct str part;
    s->has_days = !str_is(text, "*");
    while (str_split_next(&text, ',', &part)) {
        int64_t n;
        if (part.n == 1 && (part.p[0] == 'L' || part.p[0] == 'l'))
            s->days_from_end |= 1u << 1;
        else if (part.n > 1 && part.p[0] == '-' && str_to_i64(part, &n) && n >= -31)
            s->days_from_end |= 1u << -n;
        else if (part.n == 0)
            return field_err(&field_day, part, err);
        else
            TRY(range_parse(&field_day, part, &bits, err));
    }
    s->days = (uint32_t)bits;
    return 0;
}

static int nth_parse(struct schedule *s, struct str part, size_t hash, struct err *err)
{
    int day;
    int64_t n;
    TRY(number_parse(&field_weekday, str_sub(part, 0, hash), &day, err));
    struct str which = str_from_off(part, hash + 1);
    if (str_eq_nocase(which, STR("L")))
        n = -1;
    else if (!str_to_i64(which, &n) || n < -5 || n > 5 || n == 0)
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" names no weekday of the month (mon#1, mon#-1, mon#L)",
                       STR_ARG(part));
    if (n > 0)
        s->nth[day % 7] |= (uint8_t)(1u << n);
    else
        s->nth_from_end[day % 7] |= (uint8_t)(1u << -n);
    return 0;
}

static int weekdays_parse(struct schedule *s, struct str text, struct err *err)
{
    uint64_t bits = 0;
    struct str part;
    s->has_weekdays = !str_is(text, "*");
    while (str_split_next(&text, ',', &part)) {
        ptrdiff_t hash = str_find_char(part, '#');
        if (part.n == 0)
            return field_err(&field_weekday, part, err);
        if (hash > 0)
            TRY(nth_parse(s, part, (size_t)hash, err));
        else
            TRY(range_parse(&field_weekday, part, &bits, err));
    }
    s->weekdays = (uint32_t)(bits & 0x7f) | (uint32_t)(bits >> 7 & 1); /* 7 is Sunday too */
    return 0;
}

#define WORDS_MAX 8u

static size_t words_split(struct str text, struct str *words)
{
    size_t count = 0;
    while (text.n) {
        while (text.n && (*text.p == ' ' || *text.p == '\t'))
            text = str_from_off(text, 1);
        size_t n = 0;
        while (n < text.n && text.p[n] != ' ' && text.p[n] != '\t')
            n++;
        if (n && count < WORDS_MAX)
            words[count] = str_sub(text, 0, n);
        count += n > 0;
        text = str_from_off(text, n);
    }
    return count;
}

static int cron_parse(struct schedule *s, const struct str *words, size_t count, struct arena *mem,
                      struct err *err)
{
    uint64_t seconds = 0, minutes = 0, hours = 0, months = 0;
    if (count > 5 && time_zone_open(NULL, words[count - 1], mem, &s->zone, NULL) == 0)
        count--;
    if (count != 5 && count != 6) {
        struct err zone_err;
        if (count == 7 && time_zone_open(NULL, words[6], mem, &s->zone, &zone_err) < 0)
            return err_set(err, ERR_INVALID, "%s", zone_err.text);
        return err_set(err, ERR_INVALID,
                       "a cron line has 5 fields, or 6 with seconds first, and maybe a time zone");
    }
    size_t i = 0;
    if (count == 6)
        TRY(list_parse(&field_second, words[i++], &seconds, err));
    else
        seconds = 1;
    TRY(list_parse(&field_minute, words[i++], &minutes, err));
    TRY(list_parse(&field_hour, words[i++], &hours, err));
    TRY(days_parse(s, words[i++], err));
    TRY(list_parse(&field_month, words[i++], &months, err));
    TRY(weekdays_parse(s, words[i++], err));
    s->is_cron = true;
    s->seconds = seconds;
    s->minutes = minutes;
    s->hours = (uint32_t)(hours & 0xffffff) | (uint32_t)(hours >> 24 & 1); /* 24 is midnight */
    s->months = (uint32_t)months;
    return 0;
}

int schedule_parse(struct str text, const struct time_zone *local, struct arena *mem,
                   struct schedule **ret_schedule, struct err *err)
{
    struct schedule *s = ARENA_NEW(mem, struct schedule);
    s->zone = local ? local : time_zone_utc();
    struct str words[WORDS_MAX];
    size_t count = words_split(text, words);
    bool is_every = count == 2 && str_is(words[0], "every"),
         is_in = count == 2 && str_is(words[0], "in");
    if (is_every || is_in) {
        if (!str_to_duration(words[1], &s->interval_ns) || s->interval_ns < NS_PER_S)
            return err_set(err, ERR_INVALID,
                           "\"" STR_FMT "\" is no duration of a second or more, as 10m",
                           STR_ARG(words[1]));
        s->is_once = is_in;
    } else {
        if (count == 0 || count > 7)
            return err_set(
                err, ERR_INVALID,
                "a cron line has 5 fields, or 6 with seconds first, and maybe a time zone");
        TRY(cron_parse(s, words, count, mem, err));
    }
    *ret_schedule = s;
    return 0;
}

/* ---- the next moment ---- */

static unsigned month_days(int32_t year, unsigned month)
{
    int64_t next = month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1);
    return (unsigned)(next - civil_days(year, month, 1));
}

static bool day_matches(const struct schedule *s, const struct civil *c)
{
    if (!(s->months >> c->month & 1))
        return false;
    unsigned from_end = month_days(c->year, c->month) - c->day + 1;
    bool by_day = (s->days >> c->day & 1) || (s->days_from_end >> from_end & 1);
    bool by_weekday = (s->weekdays >> c->weekday & 1) ||
                      (s->nth[c->weekday] >> ((c->day - 1) / 7 + 1) & 1) ||
                      (s->nth_from_end[c->weekday] >> ((from_end - 1) / 7 + 1) & 1);
    if (s->has_days && s->has_weekdays)
        return by_day || by_weekday;
    return s->has_days ? by_day : s->has_weekdays ? by_weekday : true;
}

static int64_t to_utc(const struct schedule *s, int64_t local_ns)
{
    return time_zone_to_utc_lenient(s->zone, local_ns / NS_PER_S) * NS_PER_S;
}

/* The first matching moment of the local day that is behind after_ns; INT64_MAX: none. */
static int64_t day_next(const struct schedule *s, int64_t day_ns, int64_t after_ns)
{
    for (int64_t hour = 0; hour < 24; hour++) {
        int64_t hour_ns = day_ns + hour * 3600 * NS_PER_S;
        if (!(s->hours >> hour & 1) || to_utc(s, hour_ns + 3599 * NS_PER_S) <= after_ns)
            continue;
        for (int64_t minute = 0; minute < 60; minute++) {
            int64_t minute_ns = hour_ns + minute * 60 * NS_PER_S;
            if (!(s->minutes >> minute & 1) || to_utc(s, minute_ns + 59 * NS_PER_S) <= after_ns)
                continue;
            for (int64_t second = 0; second < 60; second++) {
                int64_t at = to_utc(s, minute_ns + second * NS_PER_S);
                if (s->seconds >> second & 1 && at > after_ns)
                    return at;
            }
        }
    }
    return INT64_MAX;
}

static int64_t cron_next(const struct schedule *s, int64_t after_ns)
{
    struct civil c =
        civil_from_ns(after_ns + time_zone_offset_at(s->zone, after_ns / NS_PER_S) * NS_PER_S);
    int64_t day = civil_days(c.year, c.month, c.day);
    for (int i = 0; i <= YEARS_MAX * 366; i++, day++) {
        int64_t day_ns = day * DAY_S * NS_PER_S;
        c = civil_from_ns(day_ns);
        int64_t at = day_matches(s, &c) ? day_next(s, day_ns, after_ns) : INT64_MAX;
        if (at != INT64_MAX)
            return at;
    }
    return INT64_MAX;
}

int64_t schedule_next(const struct schedule *schedule, int64_t start_ns, int64_t after_ns)
{
    if (schedule->is_cron)
        return cron_next(schedule, after_ns);
    int64_t first = start_ns + schedule->interval_ns;
    if (after_ns < first)
        return first;
    if (schedule->is_once)
        return INT64_MAX;
    return start_ns + ((after_ns - start_ns) / schedule->interval_ns + 1) * schedule->interval_ns;
}
