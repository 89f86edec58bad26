/* SPDX-License-Identifier: Apache-2.0 */
/* How: a format text is cut at "||"; each part is a named format or a Java pattern, which becomes a
 * list of steps (letter, count) that are run over the text. The ISO form has a hand-written reader,
 * since nearly every log has it. */
#include "index/date_parse.h"

#include "base/clock.h"
#include "base/str.h"

#define DATE_STEPS_MAX        64u
#define DATE_ALTERNATIVES_MAX 16u

enum part_kind { PART_ISO, PART_EPOCH_MILLIS, PART_EPOCH_SECOND, PART_PATTERN };

struct step {
    char letter; /* 0: the literal `c` */
    char c;
    uint8_t count;
    bool is_optional_begin, is_optional_end;
};

struct part {
    enum part_kind kind;
    struct step *steps;
    size_t count;
};

struct date_format {
    struct part parts[DATE_ALTERNATIVES_MAX];
    size_t count;
};

struct named {
    const char *name;
    enum part_kind kind;
    const char *pattern;
};

/* Both the lenient and the strict_ names lead here; the strict reading is taken for both. */
static const struct named named_formats[] = {
    {"date_optional_time", PART_ISO, NULL},
    {"iso8601", PART_ISO, NULL},
    {"epoch_millis", PART_EPOCH_MILLIS, NULL},
    {"epoch_second", PART_EPOCH_SECOND, NULL},
    {"date", PART_PATTERN, "yyyy-MM-dd"},
    {"year_month_day", PART_PATTERN, "yyyy-MM-dd"},
    {"year_month", PART_PATTERN, "yyyy-MM"},
    {"year", PART_PATTERN, "yyyy"},
    {"basic_date", PART_PATTERN, "yyyyMMdd"},
    {"basic_date_time", PART_PATTERN, "yyyyMMdd'T'HHmmss.SSSX"},
    {"basic_date_time_no_millis", PART_PATTERN, "yyyyMMdd'T'HHmmssX"},
    {"date_time", PART_PATTERN, "yyyy-MM-dd'T'HH:mm:ss.SSSX"},
    {"date_time_no_millis", PART_PATTERN, "yyyy-MM-dd'T'HH:mm:ssX"},
    {"date_hour", PART_PATTERN, "yyyy-MM-dd'T'HH"},
    {"date_hour_minute", PART_PATTERN, "yyyy-MM-dd'T'HH:mm"},
    {"date_hour_minute_second", PART_PATTERN, "yyyy-MM-dd'T'HH:mm:ss"},
    {"date_hour_minute_second_millis", PART_PATTERN, "yyyy-MM-dd'T'HH:mm:ss.SSS"},
    {"date_hour_minute_second_fraction", PART_PATTERN, "yyyy-MM-dd'T'HH:mm:ss.SSS"},
    {"hour_minute_second", PART_PATTERN, "HH:mm:ss"},
    {"hour_minute", PART_PATTERN, "HH:mm"},
    {"ordinal_date", PART_PATTERN, "yyyy-DDD"},
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

static bool days_fit(const struct civil *c)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->hour > 23 || c->minute > 59 ||
        c->second > 59)
        return false;
    bool is_leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    unsigned days = month_days[c->month - 1] + (c->month == 2 && is_leap ? 1u : 0u);
    /* int64 nanoseconds reach from 1677 to 2262. */
    return c->day <= days && c->year >= 1678 && c->year <= 2261;
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

static const char *const month_names[] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};

struct date_fields {
    struct civil c;
    int32_t day_of_year;
    int32_t hour12;
    int64_t offset;
    bool is_pm, has_hour12;
};

static bool parse_name(const char **p, const char *end, const char *const *names, size_t count,
                       size_t short_bytes, int32_t *ret_i)
{
    for (size_t i = 0; i < count; i++) {
        struct str name = str_from(names[i]);
        if (short_bytes)
            name.n = MIN_OF(name.n, short_bytes);
        if ((size_t)(end - *p) >= name.n && str_eq_nocase((struct str){*p, name.n}, name)) {
            *p += name.n;
            *ret_i = (int32_t)i;
            return true;
        }
    }
    return false;
}

/* A number of 1..`max` digits; with `exact` exactly that many. */
static bool parse_number(const char **p, const char *end, size_t max, bool exact, int32_t *ret_v)
{
    size_t n = 0;
    while (n < max && *p + n < end && is_digit((*p)[n]))
        n++;
    if (n == 0 || (exact && n != max) || !digits(*p, n, ret_v))
        return false;
    *p += n;
    return true;
}

static bool step_run(const struct step *step, const char **p, const char *end,
                     struct date_fields *f)
{
    int32_t v = 0;
    switch (step->letter) {
    case 0:
        if (*p == end || **p != step->c)
            return false;
        (*p)++;
        return true;
    case 'y':
    case 'u':
    case 'Y':
        if (!parse_number(p, end, step->count == 2 ? 2 : 4, step->count == 2 || step->count == 4,
                          &v))
            return false;
        f->c.year = step->count == 2 ? 2000 + v : v;
        return true;
    case 'M':
    case 'L':
        if (step->count >= 3) {
            if (!parse_name(p, end, month_names, 12, step->count == 3 ? 3 : 0, &v))
                return false;
            v++;
        } else if (!parse_number(p, end, 2, step->count == 2, &v)) {
            return false;
        }
        f->c.month = (uint8_t)v;
        return true;
    case 'd':
        if (!parse_number(p, end, 2, step->count == 2, &v))
            return false;
        f->c.day = (uint8_t)v;
        return true;
    case 'D':
        return parse_number(p, end, 3, step->count == 3, &f->day_of_year);
    case 'H':
    case 'k':
        if (!parse_number(p, end, 2, step->count == 2, &v))
            return false;
        f->c.hour = (uint8_t)(step->letter == 'k' && v == 24 ? 0 : v);
        return true;
    case 'h':
    case 'K':
        f->has_hour12 = true;
        return parse_number(p, end, 2, step->count == 2, &f->hour12);
    case 'm':
        if (!parse_number(p, end, 2, step->count == 2, &v))
            return false;
        f->c.minute = (uint8_t)v;
        return true;
    case 's':
        if (!parse_number(p, end, 2, step->count == 2, &v))
            return false;
        f->c.second = (uint8_t)v;
        return true;
    case 'S':
    case 'n': {
        size_t n = fraction(*p, end, &f->c.nanosecond);
        *p += n;
        return n > 0;
    }
    case 'a': {
        static const char *const halves[] = {"am", "pm"};
        if (!parse_name(p, end, halves, 2, 0, &v))
            return false;
        f->is_pm = v == 1;
        return true;
    }
    case 'E': {
        static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                           "friday", "saturday", "sunday"};
        return parse_name(p, end, days, 7, step->count <= 3 ? 3 : 0, &v);
    }
    default:
        return zone(p, end, &f->offset); /* Z X x z V */
    }
}

static bool part_parse(const struct part *part, struct str text, int64_t *ret_ns)
{
    struct date_fields f = {.c = {.year = 1970, .month = 1, .day = 1}};
    const char *p = text.p, *end = str_end(text);
    for (size_t i = 0; i < part->count; i++) {
        const struct step *step = &part->steps[i];
        if (step->is_optional_begin) {
            if (p < end)
                continue;
            while (i < part->count && !part->steps[i].is_optional_end)
                i++;
            continue;
        }
        if (!step->is_optional_end && !step_run(step, &p, end, &f))
            return false;
    }
    if (p != end)
        return false;
    if (f.has_hour12)
        f.c.hour = (uint8_t)(f.hour12 % 12 + (f.is_pm ? 12 : 0));
    if (!days_fit(&f.c))
        return false;
    *ret_ns = civil_to_ns(&f.c) - f.offset * NS_PER_S;
    if (f.day_of_year > 0)
        *ret_ns += (int64_t)(f.day_of_year - 1) * 86400 * NS_PER_S;
    return true;
}

static int pattern_compile(struct str pattern, struct arena *mem, struct part *part,
                           struct err *err)
{
    part->kind = PART_PATTERN;
    part->steps = ARENA_ARRAY(mem, struct step, DATE_STEPS_MAX);
    for (size_t i = 0; i < pattern.n;) {
        char c = pattern.p[i];
        if (part->count == DATE_STEPS_MAX)
            return err_set(err, ERR_INVALID, "Invalid format: [" STR_FMT "]: more than %u parts",
                           STR_ARG(pattern), DATE_STEPS_MAX);
        struct step *step = &part->steps[part->count];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            size_t n = 1;
            while (i + n < pattern.n && pattern.p[i + n] == c)
                n++;
            if (!strchr("yuYMLdDHkhKmsSnaEZXxzV", c))
                return err_set(err, ERR_INVALID,
                               "Invalid format: [" STR_FMT "]: Unknown pattern letter: %c",
                               STR_ARG(pattern), c);
            *step = (struct step){.letter = c, .count = (uint8_t)MIN_OF(n, (size_t)9)};
            part->count++;
            i += n;
        } else if (c == '\'') {
            size_t end = i + 1;
            while (end < pattern.n && pattern.p[end] != '\'' && part->count < DATE_STEPS_MAX) {
                part->steps[part->count++] = (struct step){.c = pattern.p[end]};
                end++;
            }
            if (end >= pattern.n)
                return err_set(err, ERR_INVALID,
                               "Invalid format: [" STR_FMT
                               "]: Pattern ends with an incomplete string literal",
                               STR_ARG(pattern));
            if (end == i + 1 && part->count < DATE_STEPS_MAX)
                part->steps[part->count++] = (struct step){.c = '\''};
            i = end + 1;
        } else {
            *step = c == '['   ? (struct step){.is_optional_begin = true}
                    : c == ']' ? (struct step){.is_optional_end = true}
                               : (struct step){.c = c};
            part->count++;
            i++;
        }
    }
    return 0;
}

static int part_compile(struct str text, struct arena *mem, struct part *part, struct err *err)
{
    struct str name = str_starts_with(text, STR("strict_")) ? str_from_off(text, 7) : text;
    for (size_t i = 0; i < ARRAY_COUNT(named_formats); i++) {
        if (!str_eq(name, str_from(named_formats[i].name)))
            continue;
        part->kind = named_formats[i].kind;
        return part->kind == PART_PATTERN
                   ? pattern_compile(str_from(named_formats[i].pattern), mem, part, err)
                   : 0;
    }
    /* Java 8 patterns may carry an 8 in front. */
    if (text.n > 1 && text.p[0] == '8')
        text = str_from_off(text, 1);
    return pattern_compile(text, mem, part, err);
}

int date_format_compile(struct str text, struct arena *mem, const struct date_format **ret_format,
                        struct err *err)
{
    struct date_format *format = ARENA_NEW(mem, struct date_format);
    if (text.n == 0)
        text = STR(DATE_FORMAT_DEFAULT);
    for (struct str rest = text; rest.p;) {
        ptrdiff_t cut = str_find(rest, STR("||"));
        struct str part = cut < 0 ? rest : str_sub(rest, 0, (size_t)cut);
        rest = cut < 0 ? STR_NONE : str_from_off(rest, (size_t)cut + 2);
        if (part.n == 0)
            return err_set(err, ERR_INVALID, "Invalid format: [" STR_FMT "]: empty part",
                           STR_ARG(text));
        if (format->count == DATE_ALTERNATIVES_MAX)
            return err_set(err, ERR_INVALID,
                           "Invalid format: [" STR_FMT "]: more than %u alternatives",
                           STR_ARG(text), DATE_ALTERNATIVES_MAX);
        TRY(part_compile(part, mem, &format->parts[format->count++], err));
    }
    *ret_format = format;
    return 0;
}

bool date_format_parse(const struct date_format *format, struct str text, int64_t *ret_ns)
{
    for (size_t i = 0; i < format->count; i++) {
        const struct part *part = &format->parts[i];
        bool ok = false;
        switch (part->kind) {
        case PART_ISO:
            ok = date_parse_iso(text, ret_ns);
            break;
        case PART_EPOCH_MILLIS:
            ok = parse_epoch(text, NS_PER_MS, ret_ns);
            break;
        case PART_EPOCH_SECOND:
            ok = parse_epoch(text, NS_PER_S, ret_ns);
            break;
        case PART_PATTERN:
            ok = part_parse(part, text, ret_ns);
            break;
        }
        if (ok)
            return true;
    }
    return false;
}
