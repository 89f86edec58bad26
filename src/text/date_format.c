/* SPDX-License-Identifier: Apache-2.0 */
/* date_format.c: patterns to items. Joda: a field of digits is read with any number of digits up to
 * what the field can have ("yyyy-MM-dd" takes "2025-1-2"), unless another field of digits follows
 * directly. java.time: "MM" is exactly two.
 *
 * Sources: Joda-Time's DateTimeFormat, java.time's DateTimeFormatterBuilder (their documentation),
 * and Elasticsearch's page on date formats. */
#include "text/date_format_int.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

const char *const date__month_names[12] = {"January",   "February", "March",    "April",
                                           "May",       "June",     "July",     "August",
                                           "September", "October",  "November", "December"};
const char *const date__weekday_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};

struct compiler {
    struct str text;
    size_t base_off; /* of the text within the whole format, for messages */
    bool is_java;
    struct arena *mem;
    struct date_item items[DATE_PATTERN_ITEMS_MAX];
    size_t count;
    size_t open[DATE_OPTIONAL_DEPTH_MAX];
    size_t depth;
    struct err *err;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int fail_at(struct compiler *c, size_t off, const char *what)
{
    err_set(c->err, ERR_INVALID, "date format \"" STR_FMT "\": %s", STR_ARG(c->text), what);
    return err_at_off(c->err, (int64_t)(c->base_off + off));
}

static int item_add(struct compiler *c, size_t off, struct date_item item)
{
    if (c->count == DATE_PATTERN_ITEMS_MAX)
        return fail_at(c, off, "more than 64 parts");
    c->items[c->count++] = item;
    return 0;
}

/* ---- letters ---- */

struct letter {
    char letter;
    uint8_t kind;
    uint8_t max; /* digits the field can have; 0: not digits */
};

static const struct letter joda_letters[] = {
    {'G', DATE_ERA, 0},         {'C', DATE_CENTURY, 7},
    {'Y', DATE_YEAR, 9},        {'y', DATE_YEAR, 9},
    {'x', DATE_WEEK_YEAR, 9},   {'w', DATE_WEEK, 2},
    {'e', DATE_WEEKDAY, 1},     {'E', DATE_WEEKDAY_SHORT, 0},
    {'D', DATE_DAY_OF_YEAR, 3}, {'M', DATE_MONTH, 2},
    {'d', DATE_DAY, 2},         {'a', DATE_HALF, 0},
    {'K', DATE_HOUR_11, 2},     {'h', DATE_HOUR_12, 2},
    {'H', DATE_HOUR, 2},        {'k', DATE_HOUR_24, 2},
    {'m', DATE_MINUTE, 2},      {'s', DATE_SECOND, 2},
    {'S', DATE_FRACTION, 9},    {'z', DATE_ZONE_NAME, 0},
    {'Z', DATE_OFFSET, 0},      {0, 0, 0},
};

static const struct letter java_letters[] = {
    {'G', DATE_ERA, 0},          {'u', DATE_YEAR, 9},
    {'y', DATE_YEAR, 9},         {'Y', DATE_WEEK_YEAR, 9},
    {'w', DATE_WEEK, 2},         {'e', DATE_WEEKDAY, 1},
    {'c', DATE_WEEKDAY, 1},      {'E', DATE_WEEKDAY_SHORT, 0},
    {'D', DATE_DAY_OF_YEAR, 3},  {'M', DATE_MONTH, 2},
    {'L', DATE_MONTH, 2},        {'d', DATE_DAY, 2},
    {'a', DATE_HALF, 0},         {'K', DATE_HOUR_11, 2},
    {'h', DATE_HOUR_12, 2},      {'H', DATE_HOUR, 2},
    {'k', DATE_HOUR_24, 2},      {'m', DATE_MINUTE, 2},
    {'s', DATE_SECOND, 2},       {'S', DATE_FRACTION, 9},
    {'n', DATE_NANO, 9},         {'A', DATE_MILLI_OF_DAY, 8},
    {'N', DATE_NANO_OF_DAY, 14}, {'q', DATE_QUARTER, 1},
    {'Q', DATE_QUARTER, 1},      {'z', DATE_ZONE_NAME, 0},
    {'V', DATE_ZONE_ID, 0},      {'O', DATE_OFFSET, 0},
    {'X', DATE_OFFSET, 0},       {'x', DATE_OFFSET, 0},
    {'Z', DATE_OFFSET, 0},       {0, 0, 0},
};

static bool is_digits(const struct date_item *item)
{
    return item->max > 0;
}

/* Names instead of numbers, two-digit years, the shapes of offsets. */
static void adjust_kind(struct date_item *item, char letter, bool is_java)
{
    size_t n = item->count;
    if (item->kind == DATE_YEAR && n == 2)
        item->kind = DATE_YEAR_2;
    if (item->kind == DATE_MONTH && n >= 3) {
        item->kind = n >= 4 ? DATE_MONTH_LONG : DATE_MONTH_SHORT;
        item->max = 0;
    }
    if (item->kind == DATE_WEEKDAY_SHORT && n >= 4)
        item->kind = DATE_WEEKDAY_LONG;
    if (item->kind == DATE_WEEKDAY && n >= 3) {
        item->kind = n >= 4 ? DATE_WEEKDAY_LONG : DATE_WEEKDAY_SHORT;
        item->max = 0;
    }
    if (item->kind != DATE_OFFSET)
        return;
    if (!is_java) {
        item->kind = n >= 3 ? DATE_ZONE_ID : DATE_OFFSET;
        item->count = n == 1 ? 2 : 3;
    } else if (letter == 'Z') {
        item->count = n >= 4 ? 3 : 2;
        item->prints_z = n >= 5;
    } else {
        item->count = (uint8_t)(n == 4 ? 2 : MIN_OF(n, 3u)); /* of four letters without a colon */
        item->prints_z = letter == 'X';
        if (letter == 'O')
            item->count = 3;
    }
}

static void set_digits(struct date_item *item, bool is_java)
{
    if (!is_digits(item))
        return;
    item->min = 1;
    if (item->kind == DATE_FRACTION) {
        item->max = (uint8_t)MIN_OF(item->count, 30);
        item->min = is_java ? item->max : 1;
        return;
    }
    if (!is_java)
        return;
    if (item->kind == DATE_YEAR || item->kind == DATE_WEEK_YEAR) {
        item->min = (uint8_t)MIN_OF(item->count, 9);
        item->max = item->count >= 4 ? MAX_OF(item->count, 4) : item->max;
    } else if (item->count > 1) {
        item->min = item->max = item->count;
    }
    if (item->kind == DATE_YEAR_2 || (item->kind == DATE_WEEK_YEAR && item->count == 2))
        item->min = item->max = 2;
}

static int add_letters(struct compiler *c, size_t off, char letter, size_t n)
{
    const struct letter *row = c->is_java ? java_letters : joda_letters;
    while (row->letter && row->letter != letter)
        row++;
    if (!row->letter) {
        char what[64];
        (void)snprintf(what, sizeof(what), "'%c' is no date letter (quote it: '%c')", letter,
                       letter);
        return fail_at(c, off, what);
    }
    if (n > 30)
        return fail_at(c, off, "a letter is repeated more than 30 times");
    struct date_item item = {.kind = row->kind, .count = (uint8_t)n, .max = row->max};
    adjust_kind(&item, letter, c->is_java);
    set_digits(&item, c->is_java);
    return item_add(c, off, item);
}

/* ---- text ---- */

static int add_literal(struct compiler *c, size_t off, struct str literal)
{
    if (c->count > 0 && literal.n > 0) { /* joins plain characters that follow each other */
        struct date_item *last = &c->items[c->count - 1];
        if (last->kind == DATE_LITERAL && last->literal.p + last->literal.n == literal.p) {
            last->literal.n += literal.n;
            return 0;
        }
    }
    return item_add(c, off, (struct date_item){.kind = DATE_LITERAL, .literal = literal});
}

/* 'text' with '' for a quote; "''" outside is a quote too. Moves *i behind. */
static int add_quoted(struct compiler *c, size_t *i)
{
    struct str text = c->text;
    size_t from = *i + 1, at = from;
    char *out = arena_alloc(c->mem, text.n + 1);
    size_t n = 0;
    for (;; at++) {
        if (at >= text.n)
            return fail_at(c, *i, "a quote is not closed");
        if (text.p[at] == '\'') {
            if (at + 1 >= text.n || text.p[at + 1] != '\'' || at == from)
                break;
            at++;
        }
        out[n++] = text.p[at];
    }
    if (at == from)
        out[n++] = '\'';
    size_t off = *i;
    *i = at + 1;
    return item_add(c, off, (struct date_item){.kind = DATE_LITERAL, .literal = {out, n}});
}

static int add_bracket(struct compiler *c, size_t off, char bracket)
{
    if (bracket == '[') {
        if (c->depth == DATE_OPTIONAL_DEPTH_MAX)
            return fail_at(c, off, "optional parts are nested more than 8 deep");
        c->open[c->depth++] = c->count;
        return item_add(c, off, (struct date_item){.kind = DATE_OPTIONAL_BEGIN});
    }
    if (c->depth == 0)
        return fail_at(c, off, "']' without '['");
    size_t begin = c->open[--c->depth];
    c->items[begin].count = (uint8_t)(c->count - begin);
    return item_add(c, off, (struct date_item){.kind = DATE_OPTIONAL_END});
}

/* A field of digits that another one follows takes exactly its letters' count: "yyyyMMdd". */
static void fix_neighbours(struct compiler *c)
{
    for (size_t i = 0; i + 1 < c->count; i++) {
        struct date_item *item = &c->items[i];
        if (!is_digits(item) || !is_digits(&c->items[i + 1]))
            continue;
        bool is_year =
            item->kind == DATE_YEAR || item->kind == DATE_WEEK_YEAR || item->kind == DATE_YEAR_2;
        item->max = is_year ? item->count : MIN_OF(item->max, MAX_OF(item->count, 1));
        item->min = MIN_OF(item->min, item->max);
    }
}

/* Elasticsearch 7 warns that 'Y' should be 'y'; with a month or a day and without a week it cannot
 * mean the year of a week. */
static void mend_week_year(struct compiler *c)
{
    bool has_month = false;
    for (size_t i = 0; i < c->count; i++) {
        uint8_t kind = c->items[i].kind;
        if (kind == DATE_WEEK)
            return;
        has_month = has_month || (kind >= DATE_MONTH && kind <= DATE_DAY_OF_YEAR);
    }
    for (size_t i = 0; has_month && i < c->count; i++) {
        if (c->items[i].kind == DATE_WEEK_YEAR)
            c->items[i].kind = c->items[i].count == 2 ? DATE_YEAR_2 : DATE_YEAR;
    }
}

static int compile_items(struct compiler *c, struct date_part *part)
{
    for (size_t i = 0; i < c->text.n;) {
        char at = c->text.p[i];
        size_t n = 1;
        if (is_letter(at)) {
            while (i + n < c->text.n && c->text.p[i + n] == at)
                n++;
            TRY(add_letters(c, i, at, n));
        } else if (at == '\'') {
            TRY(add_quoted(c, &i));
            continue;
        } else if (c->is_java && (at == '[' || at == ']')) {
            TRY(add_bracket(c, i, at));
        } else if (c->is_java && (at == '{' || at == '}' || at == '#')) {
            return fail_at(c, i, "{, } and # are reserved: quote them");
        } else {
            TRY(add_literal(c, i, str_sub(c->text, i, 1)));
        }
        i += n;
    }
    if (c->depth > 0)
        return fail_at(c, c->text.n, "'[' is not closed");
    if (c->count == 0)
        return fail_at(c, 0, "is empty");
    if (c->is_java)
        mend_week_year(c);
    fix_neighbours(c);
    struct date_item *items = ARENA_ARRAY(c->mem, struct date_item, c->count);
    memcpy(items, c->items, c->count * sizeof(*items));
    *part = (struct date_part){
        .kind = DATE_PART_ITEMS, .is_java = c->is_java, .items = items, .count = c->count};
    for (size_t i = 0; i < c->count; i++) {
        uint8_t kind = items[i].kind;
        part->has_zone |= kind == DATE_OFFSET || kind == DATE_ZONE_ID || kind == DATE_ZONE_NAME;
        part->needs_week |=
            (kind >= DATE_WEEK_YEAR && kind <= DATE_WEEKDAY_LONG) || kind == DATE_DAY_OF_YEAR;
        part->has_year |= kind == DATE_YEAR || kind == DATE_YEAR_2 || kind == DATE_WEEK_YEAR ||
                          kind == DATE_CENTURY;
    }
    return 0;
}

static int part_add(struct date_pattern *pattern, struct str text, size_t base_off, bool is_java,
                    struct arena *mem, struct err *err)
{
    struct compiler *c = ARENA_NEW(mem, struct compiler);
    c->text = text;
    c->base_off = base_off;
    c->is_java = is_java;
    c->mem = mem;
    c->err = err;
    TRY(compile_items(c, &pattern->parts[pattern->count]));
    pattern->count++;
    return 0;
}

/* ---- named formats ---- */

struct named {
    const char *name;
    enum date_part_kind kind;
    const char *pattern;
    const char *strict; /* of the name with strict_; NULL: the same */
};

static const struct named logstash_names[] = {
    {"ISO8601", DATE_PART_ISO, NULL, NULL},     {"UNIX", DATE_PART_UNIX, NULL, NULL},
    {"UNIX_MS", DATE_PART_UNIX_MS, NULL, NULL}, {"TAI64N", DATE_PART_TAI64N, NULL, NULL},
    {NULL, DATE_PART_ITEMS, NULL, NULL},
};

/* Without the strict_ prefix, which most of them may have. */
static const struct named es_names[] = {
    {"date_optional_time", DATE_PART_ISO, NULL, NULL},
    {"date_optional_time_nanos", DATE_PART_ISO, NULL, NULL},
    {"iso8601", DATE_PART_ISO, NULL, NULL},
    {"epoch_millis", DATE_PART_EPOCH_MILLIS, NULL, NULL},
    {"epoch_second", DATE_PART_EPOCH_SECOND, NULL, NULL},
    {"basic_date", DATE_PART_ITEMS, "uuuuMMdd", NULL},
    {"basic_date_time", DATE_PART_ITEMS, "uuuuMMdd'T'HHmmss.SSSXX", NULL},
    {"basic_date_time_no_millis", DATE_PART_ITEMS, "uuuuMMdd'T'HHmmssXX", NULL},
    {"basic_ordinal_date", DATE_PART_ITEMS, "uuuuDDD", NULL},
    {"basic_ordinal_date_time", DATE_PART_ITEMS, "uuuuDDD'T'HHmmss.SSSXX", NULL},
    {"basic_ordinal_date_time_no_millis", DATE_PART_ITEMS, "uuuuDDD'T'HHmmssXX", NULL},
    {"basic_time", DATE_PART_ITEMS, "HHmmss.SSSXX", NULL},
    {"basic_time_no_millis", DATE_PART_ITEMS, "HHmmssXX", NULL},
    {"basic_t_time", DATE_PART_ITEMS, "'T'HHmmss.SSSXX", NULL},
    {"basic_t_time_no_millis", DATE_PART_ITEMS, "'T'HHmmssXX", NULL},
    {"basic_week_date", DATE_PART_ITEMS, "YYYY'W'wwe", NULL},
    {"basic_week_date_time", DATE_PART_ITEMS, "YYYY'W'wwe'T'HHmmss.SSSXX", NULL},
    {"basic_week_date_time_no_millis", DATE_PART_ITEMS, "YYYY'W'wwe'T'HHmmssXX", NULL},
    {"date", DATE_PART_ITEMS, "uuuu[-MM[-dd]]", "uuuu-MM-dd"},
    {"date_hour", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH", NULL},
    {"date_hour_minute", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm", NULL},
    {"date_hour_minute_second", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm:ss", NULL},
    {"date_hour_minute_second_fraction", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm:ss.SSS", NULL},
    {"date_hour_minute_second_millis", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm:ss.SSS", NULL},
    {"date_time", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm[:ss.SSS]ZZZZZ",
     "uuuu-MM-dd'T'HH:mm:ss[.SSS]ZZZZZ"},
    {"date_time_no_millis", DATE_PART_ITEMS, "uuuu-MM-dd'T'HH:mm[:ss][ZZZZZ]",
     "uuuu-MM-dd'T'HH:mm:ssXXX"},
    {"hour", DATE_PART_ITEMS, "HH", NULL},
    {"hour_minute", DATE_PART_ITEMS, "HH:mm", NULL},
    {"hour_minute_second", DATE_PART_ITEMS, "HH:mm:ss", NULL},
    {"hour_minute_second_fraction", DATE_PART_ITEMS, "HH:mm:ss.SSS", NULL},
    {"hour_minute_second_millis", DATE_PART_ITEMS, "HH:mm:ss.SSS", NULL},
    {"ordinal_date", DATE_PART_ITEMS, "uuuu-DDD", NULL},
    {"ordinal_date_time", DATE_PART_ITEMS, "uuuu-DDD'T'HH:mm[:ss.SSS]ZZZZZ", NULL},
    {"ordinal_date_time_no_millis", DATE_PART_ITEMS, "uuuu-DDD'T'HH:mm:ssXXX", NULL},
    {"time", DATE_PART_ITEMS, "HH:mm:ss.SSSXXX", NULL},
    {"time_no_millis", DATE_PART_ITEMS, "HH:mm:ssXXX", NULL},
    {"t_time", DATE_PART_ITEMS, "'T'HH:mm:ss.SSSXXX", NULL},
    {"t_time_no_millis", DATE_PART_ITEMS, "'T'HH:mm:ssXXX", NULL},
    {"week_date", DATE_PART_ITEMS, "YYYY-'W'ww-e", NULL},
    {"week_date_time", DATE_PART_ITEMS, "YYYY-'W'ww-e'T'HH:mm:ss.SSSXXX", NULL},
    {"week_date_time_no_millis", DATE_PART_ITEMS, "YYYY-'W'ww-e'T'HH:mm:ssXXX", NULL},
    {"week_year", DATE_PART_ITEMS, "YYYY", NULL},
    {"weekyear", DATE_PART_ITEMS, "YYYY", NULL},
    {"weekyear_week", DATE_PART_ITEMS, "YYYY-'W'ww", NULL},
    {"weekyear_week_day", DATE_PART_ITEMS, "YYYY-'W'ww-e", NULL},
    {"year", DATE_PART_ITEMS, "uuuu", NULL},
    {"year_month", DATE_PART_ITEMS, "uuuu-MM", NULL},
    {"year_month_day", DATE_PART_ITEMS, "uuuu-MM-dd", NULL},
    {NULL, DATE_PART_ITEMS, NULL, NULL},
};

static const struct named *named_find(const struct named *names, struct str name)
{
    for (; names->name; names++) {
        if (str_eq(str_from(names->name), name))
            return names;
    }
    return NULL;
}

/* Names read fractions of any length, and those without strict_ fewer digits. */
static void widen(struct date_part *part, bool is_strict, unsigned fraction_max)
{
    struct date_item *items = (struct date_item *)(uintptr_t)part->items;
    for (size_t i = 0; i < part->count; i++) {
        bool has_neighbour = (i > 0 && is_digits(&items[i - 1])) ||
                             (i + 1 < part->count && is_digits(&items[i + 1]));
        if (items[i].kind == DATE_FRACTION)
            items[i].max = (uint8_t)fraction_max;
        if (items[i].kind == DATE_FRACTION ||
            (is_digits(&items[i]) && !has_neighbour && !is_strict))
            items[i].min = 1;
    }
}

static int named_add(struct date_pattern *pattern, const struct named *named, size_t off,
                     bool is_strict, struct arena *mem, struct err *err)
{
    const char *text = is_strict && named->strict ? named->strict : named->pattern;
    bool is_millis = !is_strict && str_ends_with(str_from(named->name), STR("_millis"));
    TRY(part_add(pattern, str_from(text), off, true, mem, err));
    widen(&pattern->parts[pattern->count - 1], is_strict, is_millis ? 3 : 9);
    return 0;
}

/* Version 6 wrote names as dateOptionalTime, which 7 still takes. */
static struct str snake_case(struct str name, struct arena *mem)
{
    char *text = arena_alloc(mem, 2 * name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        bool is_upper = name.p[i] >= 'A' && name.p[i] <= 'Z';
        if (is_upper)
            text[n++] = '_';
        text[n++] = is_upper ? (char)(name.p[i] | 0x20) : name.p[i];
    }
    return (struct str){text, n};
}

static void special_add(struct date_pattern *pattern, enum date_part_kind kind, bool is_es,
                        bool is_strict, bool is_nanos)
{
    pattern->parts[pattern->count++] = (struct date_part){
        .kind = kind,
        .is_java = is_es,
        .is_strict = is_strict,
        .takes_blank = !is_es,
        .fraction_digits = is_nanos ? 9 : 3,
        .has_zone = kind != DATE_PART_ISO,
        .has_year = true,
    };
}

static int es_part_add(struct date_pattern *pattern, struct str text, size_t off, struct arena *mem,
                       struct err *err)
{
    struct str name = snake_case(text, mem);
    bool is_strict = str_starts_with(name, STR("strict_"));
    name = is_strict ? str_from_off(name, 7) : name;
    const struct named *named = named_find(es_names, name);
    if (named && named->pattern)
        return named_add(pattern, named, off, is_strict, mem, err);
    if (named) {
        special_add(pattern, named->kind, true, is_strict, str_ends_with(name, STR("_nanos")));
        return 0;
    }
    if (text.n > 1 && text.p[0] == '8' &&
        is_letter(text.p[1])) { /* "8yyyy…": java.time was asked for in version 6 */
        text = str_from_off(text, 1);
        off++;
    }
    return part_add(pattern, text, off, true, mem, err);
}

static int es_compile(struct date_pattern *pattern, struct arena *mem, struct err *err)
{
    struct str rest = pattern->text;
    size_t off = 0;
    for (;;) {
        ptrdiff_t cut = str_find(rest, STR("||"));
        struct str part = cut < 0 ? rest : str_sub(rest, 0, (size_t)cut);
        if (pattern->count == DATE_ALTERNATIVES_MAX)
            return err_set(err, ERR_INVALID,
                           "date format \"" STR_FMT "\": more than 16 alternatives",
                           STR_ARG(pattern->text));
        if (part.n == 0) {
            err_set(err, ERR_INVALID, "date format \"" STR_FMT "\": an alternative is empty",
                    STR_ARG(pattern->text));
            return err_at_off(err, (int64_t)off);
        }
        TRY(es_part_add(pattern, part, off, mem, err));
        if (cut < 0)
            return 0;
        off += (size_t)cut + 2;
        rest = str_from_off(rest, (size_t)cut + 2);
    }
}

int date_pattern_compile(struct str text, enum date_dialect dialect, struct arena *mem,
                         const struct date_pattern **ret_pattern, struct err *err)
{
    struct date_pattern *pattern = ARENA_NEW(mem, struct date_pattern);
    pattern->text = arena_str(mem, text);
    const struct named *named = dialect == DATE_LOGSTASH ? named_find(logstash_names, text) : NULL;
    if (named)
        special_add(pattern, named->kind, false, false, false);
    else if (dialect == DATE_ELASTICSEARCH)
        TRY(es_compile(pattern, mem, err));
    else
        TRY(part_add(pattern, pattern->text, 0, dialect == DATE_JAVA, mem, err));
    *ret_pattern = pattern;
    return 0;
}

bool date_pattern_has_zone(const struct date_pattern *pattern)
{
    return pattern->parts[0].has_zone;
}

bool date_pattern_has_year(const struct date_pattern *pattern)
{
    return pattern->parts[0].has_year;
}

struct str date_pattern_text(const struct date_pattern *pattern)
{
    return pattern->text;
}
