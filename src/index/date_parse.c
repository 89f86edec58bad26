/* SPDX-License-Identifier: Apache-2.0 */
/* How: a format text is cut at "||"; each part is a pattern of text/date_format.h, so that
 * documents and searches read the same. ISO and epochs, which nearly every log has, have
 * hand-written readers that are tried first. */
#include "index/date_parse.h"

#include "base/clock.h"
#include "base/str.h"
#include "text/date_format.h"

#define DATE_ALTERNATIVES_MAX 16u

enum part_kind { PART_PATTERN, PART_ISO, PART_EPOCH_MILLIS, PART_EPOCH_SECOND };

struct part {
    enum part_kind kind;
    const struct date_pattern *pattern;
};

struct date_format {
    struct part parts[DATE_ALTERNATIVES_MAX];
    size_t count;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `n` digits at p. */
static bool digits(const char *p, size_t n, int32_t *ret_v)
{
    int32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i]))
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *ret_v = v;
    return true;
}

/* Up to nine digits as nanoseconds; further digits are read and dropped. Returns how many there
 * were. */
static size_t fraction(const char *p, const char *end, int32_t *ret_ns)
{
    size_t n = 0;
    int32_t ns = 0;
    for (; p + n < end && is_digit(p[n]); n++) {
        if (n < 9)
            ns = ns * 10 + (p[n] - '0');
    }
    for (size_t i = n; i < 9; i++)
        ns *= 10;
    *ret_ns = ns;
    return n;
}

/* Z, +hh, +hhmm, +hh:mm. */
static bool zone(const char **p, const char *end, int64_t *ret_seconds)
{
    const char *s = *p;
    if (s < end && (*s == 'Z' || *s == 'z')) {
        *ret_seconds = 0;
        *p = s + 1;
        return true;
    }
    int32_t hours, minutes = 0;
    if (end - s < 3 || (*s != '+' && *s != '-') || !digits(s + 1, 2, &hours))
        return false;
    const char *at = s + 3;
    const char *m = at < end && *at == ':' ? at + 1 : at;
    if (end - m >= 2 && digits(m, 2, &minutes))
        at = m + 2;
    if (hours > 18 || minutes > 59)
        return false;
    int64_t seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *ret_seconds = *s == '-' ? -seconds : seconds;
    *p = at;
    return true;
}

/* int64 nanoseconds reach from 1677 to 2262. */
static bool year_fits(int32_t year)
{
    return year >= 1678 && year <= 2261;
}

static bool days_fit(const struct civil *c)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->hour > 23 || c->minute > 59 ||
        c->second > 59)
        return false;
    bool is_leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    unsigned days = month_days[c->month - 1] + (c->month == 2 && is_leap ? 1u : 0u);
    return c->day <= days && year_fits(c->year);
}

bool date_parse_iso(struct str text, int64_t *ret_ns)
{
    const char *p = text.p, *end = str_end(text);
    struct civil c = {.month = 1, .day = 1};
    int32_t v;
    int64_t offset = 0;
    if (text.n < 4 || !digits(p, 4, &c.year))
        return false;
    p += 4;
    if (p < end && *p == '-') {
        if (end - p < 3 || !digits(p + 1, 2, &v))
            return false;
        c.month = (uint8_t)v;
        p += 3;
        if (p < end && *p == '-') {
            if (end - p < 3 || !digits(p + 1, 2, &v))
                return false;
            c.day = (uint8_t)v;
            p += 3;
        }
    }
    if (p < end && *p == 'T') {
        p++;
        uint8_t *units[] = {&c.hour, &c.minute, &c.second};
        for (size_t i = 0; i < 3; i++) {
            if (i == 0 && p == end)
                break; /* "2021-01-01T" is allowed */
            if (i && (p == end || *p != ':'))
                break;
            const char *at = i ? p + 1 : p;
            if (end - at < 2 || !digits(at, 2, &v))
                return false;
            *units[i] = (uint8_t)v;
            p = at + 2;
            if (i == 2 && p < end && (*p == '.' || *p == ',')) {
                size_t n = fraction(p + 1, end, &c.nanosecond);
                if (n == 0)
                    return false;
                p += 1 + n;
            }
        }
        if (p < end && !zone(&p, end, &offset))
            return false;
    }
    if (p != end || !days_fit(&c))
        return false;
    *ret_ns = civil_to_ns(&c) - offset * NS_PER_S;
    return true;
}

/* Whole or decimal number of units. */
static bool parse_epoch(struct str text, int64_t unit_ns, int64_t *ret_ns)
{
    int64_t v;
    if (str_to_i64(text, &v))
        return !__builtin_mul_overflow(v, unit_ns, ret_ns);
    ptrdiff_t dot = str_find_char(text, '.');
    int32_t ns = 0;
    if (dot <= 0 || !str_to_i64(str_sub(text, 0, (size_t)dot), &v))
        return false;
    const char *p = text.p + dot + 1, *end = str_end(text);
    if (p == end || p + fraction(p, end, &ns) != end)
        return false;
    int64_t part = (int64_t)ns / (NS_PER_S / unit_ns ? NS_PER_S / unit_ns : 1);
    if (__builtin_mul_overflow(v, unit_ns, ret_ns))
        return false;
    return !__builtin_add_overflow(*ret_ns, text.p[0] == '-' ? -part : part, ret_ns);
}

static enum part_kind kind_of(struct str name)
{
    if (str_is(name, "strict_date_optional_time") || str_is(name, "iso8601"))
        return PART_ISO;
    if (str_is(name, "epoch_millis"))
        return PART_EPOCH_MILLIS;
    return str_is(name, "epoch_second") ? PART_EPOCH_SECOND : PART_PATTERN;
}

/* In the words of java.time. */
static int format_error(struct str text, struct str name, const struct err *why, struct err *err)
{
    if (str_find(str_from(why->text), STR("is no date letter")) >= 0)
        return err_set(err, ERR_INVALID,
                       "Invalid format: [" STR_FMT "]: Unknown pattern letter: %c", STR_ARG(text),
                       name.p[why->off]);
    return err_set(err, ERR_INVALID, "Invalid format: [" STR_FMT "]: %s", STR_ARG(text), why->text);
}

int date_format_compile(struct str text, struct arena *mem, const struct date_format **ret_format,
                        struct err *err)
{
    struct date_format *format = ARENA_NEW(mem, struct date_format);
    if (text.n == 0)
        text = STR(DATE_FORMAT_DEFAULT);
    for (struct str rest = text; rest.p;) {
        ptrdiff_t cut = str_find(rest, STR("||"));
        struct str name = cut < 0 ? rest : str_sub(rest, 0, (size_t)cut);
        rest = cut < 0 ? STR_NONE : str_from_off(rest, (size_t)cut + 2);
        if (format->count == DATE_ALTERNATIVES_MAX)
            return err_set(err, ERR_INVALID,
                           "Invalid format: [" STR_FMT "]: more than %u alternatives",
                           STR_ARG(text), DATE_ALTERNATIVES_MAX);
        struct part *part = &format->parts[format->count++];
        struct err why;
        part->kind = kind_of(name);
        if (date_pattern_compile(name, DATE_ELASTICSEARCH, mem, &part->pattern, &why) < 0)
            return format_error(text, name, &why, err);
    }
    *ret_format = format;
    return 0;
}

static bool pattern_parse(const struct date_pattern *pattern, struct str text, int64_t *ret_ns)
{
    /* Documents that were once taken stand in logs, which are read again. */
    static const struct date_parse_options options = {.is_lenient = true};
    return date_pattern_parse(pattern, text, &options, ret_ns) &&
           year_fits(civil_from_ns(*ret_ns).year);
}

/* Whether the whole ISO pattern may take what its reader here did not: behind the four digits of a
 * year comes a month or a time. Epochs, which mostly stand behind it, need not pass it then. */
static bool may_be_iso(struct str text)
{
    return text.n > 4 && (text.p[4] == '-' || text.p[4] == 'T');
}

bool date_format_parse(const struct date_format *format, struct str text, int64_t *ret_ns)
{
    for (size_t i = 0; i < format->count; i++) {
        const struct part *part = &format->parts[i];
        bool ok = false, may_be_more = true;
        switch (part->kind) {
        case PART_PATTERN:
            break;
        case PART_ISO:
            ok = date_parse_iso(text, ret_ns);
            may_be_more = may_be_iso(text);
            break;
        case PART_EPOCH_MILLIS:
            ok = parse_epoch(text, NS_PER_MS, ret_ns);
            break;
        case PART_EPOCH_SECOND:
            ok = parse_epoch(text, NS_PER_S, ret_ns);
            break;
        }
        if (ok || (may_be_more && pattern_parse(part->pattern, text, ret_ns)))
            return true;
    }
    return false;
}
