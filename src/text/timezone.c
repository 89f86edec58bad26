/* SPDX-License-Identifier: Apache-2.0 */
/* timezone.c: reads TZif files (RFC 8536): a list of instants at which the offset changes, and
 * behind them a rule in the shape of POSIX's TZ variable ("EST5EDT,M3.2.0,M11.1.0") for all later
 * years. Times are 64-bit, so only the second block of the file is used; a file of version 1 has no
 * such block and is refused. */
#include "text/timezone.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/str.h"
#include "os/vfs.h"

#define ZONE_FOLDER         "/usr/share/zoneinfo"
#define ZONE_FILE_BYTES_MAX (256 * KIB)
#define ZONE_NAME_BYTES_MAX 64u
#define TRANSITIONS_MAX     20000u
#define OFFSET_S_MAX        (26 * 3600) /* RFC 8536, section 3.2 */
#define DAY_S               86400

enum rule_kind { RULE_MONTH, RULE_JULIAN, RULE_DAY };

/* One of the two days of the year on which the clock changes. */
struct rule_date {
    enum rule_kind kind;
    int month, week, weekday; /* RULE_MONTH: week 5 is the last */
    int day;                  /* RULE_JULIAN: 1..365 without 29 February; RULE_DAY: 0..365 */
    int32_t time_s;           /* wall time of the change */
};

struct time_zone {
    struct str name;
    size_t count;
    const int64_t *at;      /* instants of change, rising */
    const int32_t *offsets; /* [i]: from at[i] on */
    int32_t first_offset;   /* before at[0] */
    bool has_rule, rule_has_summer;
    int32_t standard, summer; /* of the rule */
    struct rule_date start, end;
};

static const struct time_zone utc_zone = {.name = {"UTC", 3}};

const struct time_zone *time_zone_utc(void)
{
    return &utc_zone;
}

struct str time_zone_name(const struct time_zone *zone)
{
    return zone->name;
}

bool time_zone_is_fixed(const struct time_zone *zone)
{
    return zone->count == 0 && !zone->has_rule;
}

/* ---- offsets ---- */

bool time_zone_offset_parse(struct str text, int32_t *ret_offset_s)
{
    if (str_is(text, "Z") || str_is(text, "z")) {
        *ret_offset_s = 0;
        return true;
    }
    if (text.n < 2 || (text.p[0] != '+' && text.p[0] != '-'))
        return false;
    int parts[3] = {0, 0, 0};
    size_t digits[3] = {0, 0, 0}, part = 0;
    for (size_t i = 1; i < text.n; i++) {
        char c = text.p[i];
        if (c == ':' && part < 2 && digits[part] == 2) {
            part++;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        if (digits[part] == 2) { /* +hhmm */
            if (part == 2 || str_find_char(text, ':') >= 0)
                return false;
            part++;
        }
        parts[part] = parts[part] * 10 + (c - '0');
        digits[part]++;
    }
    if (digits[0] == 0 || (part > 0 && digits[part] != 2) || parts[1] > 59 || parts[2] > 59 ||
        parts[0] > 23)
        return false;
    int32_t offset = parts[0] * 3600 + parts[1] * 60 + parts[2];
    *ret_offset_s = text.p[0] == '-' ? -offset : offset;
    return true;
}

const struct time_zone *time_zone_fixed(int32_t offset_s, struct arena *mem)
{
    ASSERT(offset_s > -OFFSET_S_MAX && offset_s < OFFSET_S_MAX);
    struct time_zone *zone = ARENA_NEW(mem, struct time_zone);
    zone->first_offset = offset_s;
    int32_t size = offset_s < 0 ? -offset_s : offset_s;
    zone->name = offset_s == 0    ? STR("UTC")
                 : size % 60 != 0 ? arena_printf(mem, "%c%02d:%02d:%02d", offset_s < 0 ? '-' : '+',
                                                 size / 3600, size / 60 % 60, size % 60)
                                  : arena_printf(mem, "%c%02d:%02d", offset_s < 0 ? '-' : '+',
                                                 size / 3600, size / 60 % 60);
    return zone;
}

/* ---- the rule for years behind the list ---- */

struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *c, char what)
{
    if (c->p >= c->end || *c->p != what)
        return false;
    c->p++;
    return true;
}

static bool take_int(struct cursor *c, int max, int *ret_v)
{
    int v = 0;
    const char *from = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - from < 4; c->p++)
        v = v * 10 + (*c->p - '0');
    *ret_v = v;
    return c->p > from && v <= max;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(struct cursor *c, int32_t *ret_s)
{
    bool is_negative = take(c, '-');
    int h, m = 0, s = 0;
    if (!is_negative)
        (void)take(c, '+');
    if (!take_int(c, 167, &h) || (take(c, ':') && !take_int(c, 59, &m)) ||
        (take(c, ':') && !take_int(c, 59, &s)))
        return false;
    *ret_s = (is_negative ? -1 : 1) * (h * 3600 + m * 60 + s);
    return true;
}

static bool take_name(struct cursor *c)
{
    const char *from = c->p;
    if (take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return take(c, '>');
    }
    while (c->p < c->end && ((*c->p | 0x20) >= 'a' && (*c->p | 0x20) <= 'z'))
        c->p++;
    return c->p - from >= 3;
}

static bool take_date(struct cursor *c, struct rule_date *date)
{
    date->time_s = 2 * 3600;
    if (take(c, 'M')) {
        date->kind = RULE_MONTH;
        if (!take_int(c, 12, &date->month) || date->month == 0 || !take(c, '.') ||
            !take_int(c, 5, &date->week) || date->week == 0 || !take(c, '.') ||
            !take_int(c, 6, &date->weekday))
            return false;
    } else if (take(c, 'J')) {
        date->kind = RULE_JULIAN;
        if (!take_int(c, 365, &date->day) || date->day == 0)
            return false;
    } else {
        date->kind = RULE_DAY;
        if (!take_int(c, 365, &date->day))
            return false;
    }
    return !take(c, '/') || take_time(c, &date->time_s);
}

/* POSIX counts offsets west of Greenwich. */
static bool rule_parse(struct str text, struct time_zone *zone)
{
    struct cursor c = {text.p, str_end(text)};
    int32_t west;
    if (!take_name(&c) || !take_time(&c, &west))
        return false;
    zone->standard = -west;
    if (c.p < c.end) {
        zone->summer = zone->standard + 3600;
        if (!take_name(&c))
            return false;
        if (c.p < c.end && *c.p != ',') {
            if (!take_time(&c, &west))
                return false;
            zone->summer = -west;
        }
        if (!take(&c, ',') || !take_date(&c, &zone->start) || !take(&c, ',') ||
            !take_date(&c, &zone->end))
            return false;
        zone->rule_has_summer = true;
    }
    zone->has_rule = c.p == c.end;
    return zone->has_rule;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Wall time of the change in that year, in seconds since 1970. */
static int64_t rule_local_s(const struct rule_date *date, int32_t year)
{
    int64_t day = civil_days(year, 1, 1);
    if (date->kind == RULE_DAY) {
        day += date->day;
    } else if (date->kind == RULE_JULIAN) {
        day += date->day - 1 + (is_leap(year) && date->day >= 60);
    } else {
        day = civil_days(year, (uint32_t)date->month, 1);
        int64_t next = date->month == 12 ? civil_days(year + 1, 1, 1)
                                         : civil_days(year, (uint32_t)date->month + 1, 1);
        int64_t weekday = (day % 7 + 4 + 7) % 7; /* 1970-01-01 was a Thursday */
        day += (date->weekday - weekday + 7) % 7 + (date->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * DAY_S + date->time_s;
}

static int32_t rule_offset(const struct time_zone *zone, int64_t utc_s)
{
    if (!zone->rule_has_summer)
        return zone->standard;
    int64_t limit = INT64_MAX / NS_PER_S -
                    OFFSET_S_MAX; /* what ns can tell; behind it the last year's rule goes on */
    int64_t clamped = MIN_OF(MAX_OF(utc_s, -limit), limit);
    struct civil civil = civil_from_ns((clamped + zone->standard) * NS_PER_S);
    int64_t start = rule_local_s(&zone->start, civil.year) - zone->standard;
    int64_t end = rule_local_s(&zone->end, civil.year) - zone->summer;
    bool is_summer = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return is_summer ? zone->summer : zone->standard;
}

/* ---- files ---- */

static int64_t get_i64_be(const uint8_t *p)
{
    return (int64_t)((uint64_t)get_u32_be(p) << 32 | get_u32_be(p + 4));
}

struct header {
    uint32_t isut_count, isstd_count, leap_count, time_count, type_count, char_count;
};

#define HEADER_BYTES 44u

static bool header_read(struct str tzif, size_t off, struct header *header)
{
    if (off > tzif.n || tzif.n - off < HEADER_BYTES || memcmp(tzif.p + off, "TZif", 4) != 0)
        return false;
    const uint8_t *p = (const uint8_t *)tzif.p + off + 20;
    *header = (struct header){get_u32_be(p),      get_u32_be(p + 4),  get_u32_be(p + 8),
                              get_u32_be(p + 12), get_u32_be(p + 16), get_u32_be(p + 20)};
    return header->isut_count <= TRANSITIONS_MAX && header->isstd_count <= TRANSITIONS_MAX &&
           header->leap_count <= TRANSITIONS_MAX && header->time_count <= TRANSITIONS_MAX &&
           header->type_count <= 256 && header->type_count > 0 &&
           header->char_count <= TRANSITIONS_MAX;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
    return (size_t)h->time_count * (time_bytes + 1) + (size_t)h->type_count * 6 + h->char_count +
           (size_t)h->leap_count * (time_bytes + 4) + h->isstd_count + h->isut_count;
}

static bool transitions_read(const struct header *h, const uint8_t *block, struct arena *mem,
                             struct time_zone *zone)
{
    int64_t *at = ARENA_ARRAY(mem, int64_t, (size_t)h->time_count + 1);
    int32_t *offsets = ARENA_ARRAY(mem, int32_t, (size_t)h->time_count + 1);
    const uint8_t *kinds = block + (size_t)h->time_count * 8, *types = kinds + h->time_count;
    for (uint32_t i = 0; i < h->time_count; i++) {
        at[i] = get_i64_be(block + (size_t)i * 8);
        if (kinds[i] >= h->type_count || (i > 0 && at[i] <= at[i - 1]))
            return false;
        offsets[i] = (int32_t)get_u32_be(types + (size_t)kinds[i] * 6);
        if (offsets[i] <= -OFFSET_S_MAX || offsets[i] >= OFFSET_S_MAX)
            return false;
    }
    zone->first_offset = (int32_t)get_u32_be(types);
    zone->count = h->time_count;
    zone->at = at;
    zone->offsets = offsets;
    return zone->first_offset > -OFFSET_S_MAX && zone->first_offset < OFFSET_S_MAX;
}

int time_zone_parse(struct str name, struct str tzif, struct arena *mem,
                    const struct time_zone **ret_zone, struct err *err)
{
    struct header h;
    if (!header_read(tzif, 0, &h))
        return err_set(err, ERR_CORRUPT, "time zone \"" STR_FMT "\": not a zone file",
                       STR_ARG(name));
    if (tzif.p[4] < '2')
        return err_set(err, ERR_CORRUPT, "time zone \"" STR_FMT "\": the zone file is of version 1",
                       STR_ARG(name));
    size_t off = HEADER_BYTES + block_bytes(&h, 4);
    struct time_zone *zone = ARENA_NEW(mem, struct time_zone);
    if (!header_read(tzif, off, &h) || tzif.n - off - HEADER_BYTES < block_bytes(&h, 8))
        return err_set(err, ERR_CORRUPT, "time zone \"" STR_FMT "\": the zone file is cut off",
                       STR_ARG(name));
    off += HEADER_BYTES;
    if (!transitions_read(&h, (const uint8_t *)tzif.p + off, mem, zone))
        return err_set(err, ERR_CORRUPT,
                       "time zone \"" STR_FMT "\": wrong numbers in the zone file", STR_ARG(name));
    off += block_bytes(&h, 8);
    struct str footer = str_trim(str_from_off(tzif, off));
    if (footer.n > 0 && !rule_parse(footer, zone))
        return err_set(err, ERR_CORRUPT,
                       "time zone \"" STR_FMT "\": wrong rule in the zone file: \"" STR_FMT "\"",
                       STR_ARG(name), STR_ARG(footer));
    zone->name = arena_str(mem, name);
    *ret_zone = zone;
    return 0;
}

/* ---- names ---- */

static bool is_file_name(struct str name)
{
    if (name.n == 0 || name.n > ZONE_NAME_BYTES_MAX || name.p[0] == '/' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], lower = (char)(c | 0x20);
        bool is_name = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '-' || c == '+';
        if (!is_name && (c != '/' || (i + 1 < name.n && name.p[i + 1] == '/')))
            return false;
    }
    return true;
}

/* Zones that have been constant for decades, for a machine without zone files. */
static const struct time_zone *built_in(struct str name, struct arena *mem)
{
    static const struct {
        const char *name;
        int32_t offset_s;
    } zones[] = {{"Asia/Seoul", 9 * 3600},
                 {"Asia/Tokyo", 9 * 3600},
                 {"Etc/UTC", 0},
                 {"ROK", 9 * 3600},
                 {"Japan", 9 * 3600}};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        if (!str_eq(name, str_from(zones[i].name)))
            continue;
        struct time_zone *zone = ARENA_NEW(mem, struct time_zone);
        zone->name = str_from(zones[i].name);
        zone->first_offset = zones[i].offset_s;
        return zone;
    }
    return NULL;
}

static const struct time_zone *offset_zone(struct str name, struct arena *mem)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    int32_t offset_s;
    if (str_is(name, "UTC") || str_is(name, "GMT") || str_is(name, "UT") || str_is(name, "Z"))
        return &utc_zone;
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
        struct str prefix = str_from(prefixes[i]);
        if (str_starts_with(name, prefix) &&
            time_zone_offset_parse(str_from_off(name, prefix.n), &offset_s))
            return time_zone_fixed(offset_s, mem);
    }
    return time_zone_offset_parse(name, &offset_s) ? time_zone_fixed(offset_s, mem) : NULL;
}

int time_zone_open(struct vfs *fs, struct str name, struct arena *mem,
                   const struct time_zone **ret_zone, struct err *err)
{
    const struct time_zone *zone = offset_zone(name, mem);
    if (zone) {
        *ret_zone = zone;
        return 0;
    }
    if (!is_file_name(name))
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT
                       "\" is no time zone: write \"Asia/Seoul\", \"UTC\" or \"+09:00\"",
                       STR_ARG(name));
    struct str path = arena_printf(mem, "%s/" STR_FMT, ZONE_FOLDER, STR_ARG(name)), content;
    struct err read_err;
    int rc =
        vfs_read_file(fs ? fs : vfs_posix(), path, ZONE_FILE_BYTES_MAX, mem, &content, &read_err);
    if (rc == 0)
        return time_zone_parse(name, content, mem, ret_zone, err);
    *ret_zone = built_in(name, mem);
    if (*ret_zone)
        return 0;
    struct vfs_stat st;
    if (vfs_stat(fs ? fs : vfs_posix(), STR(ZONE_FOLDER "/UTC"), true, &st, NULL) < 0)
        return err_set(err, ERR_INVALID,
                       "time zone \"" STR_FMT "\": this machine has no zone files (install tzdata)",
                       STR_ARG(name));
    return err_set(err, ERR_INVALID, "there is no time zone \"" STR_FMT "\"", STR_ARG(name));
}

/* ---- instants ---- */

int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc_s)
{
    if (zone->count == 0 || utc_s < zone->at[0])
        return zone->count == 0 && zone->has_rule ? rule_offset(zone, utc_s) : zone->first_offset;
    if (utc_s >= zone->at[zone->count - 1] && zone->has_rule)
        return rule_offset(zone, utc_s);
    size_t low = 0, high = zone->count; /* at[low] <= utc_s < at[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offsets[low];
}

/* The offset changes at most once within a day of any moment, so that the offsets a day before and
 * after are all there are to try. */
bool time_zone_to_utc(const struct time_zone *zone, int64_t local_s, int64_t *ret_utc_s)
{
    if (time_zone_is_fixed(zone)) {
        *ret_utc_s = local_s - zone->first_offset;
        return true;
    }
    int32_t before = time_zone_offset_at(zone, local_s - zone->first_offset - DAY_S);
    before = time_zone_offset_at(zone, local_s - before - DAY_S);
    int32_t after = time_zone_offset_at(zone, local_s - before + DAY_S);
    int64_t first = local_s - MAX_OF(before, after), second = local_s - MIN_OF(before, after);
    if (time_zone_offset_at(zone, first) == MAX_OF(before, after)) {
        *ret_utc_s = first;
        return true;
    }
    if (time_zone_offset_at(zone, second) == MIN_OF(before, after)) {
        *ret_utc_s = second;
        return true;
    }
    return false;
}

int64_t time_zone_to_utc_lenient(const struct time_zone *zone, int64_t local_s)
{
    int64_t utc_s;
    if (time_zone_to_utc(zone, local_s, &utc_s))
        return utc_s;
    int32_t before = time_zone_offset_at(zone, local_s - zone->first_offset - DAY_S);
    return local_s - time_zone_offset_at(zone, local_s - before - DAY_S);
}
