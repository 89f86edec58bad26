/* SPDX-License-Identifier: Apache-2.0 */
/* date_format_int.h: a compiled pattern: alternatives, each a flat list of items. Both dialects'
 * letters become the same kinds; what differs between them is only how many digits an item takes
 * when it is read. */
#ifndef NARU_TEXT_DATE_FORMAT_INT_H
#define NARU_TEXT_DATE_FORMAT_INT_H

#include "text/date_format.h"

#define DATE_OPTIONAL_DEPTH_MAX 8u
#define DATE_ALTERNATIVES_MAX   16u
/* 64-bit ns end in 2262; results beyond are clamped by civil_to_ns. */
#define DATE_YEAR_MAX 9999

enum date_kind {
    DATE_LITERAL,
    DATE_YEAR,
    DATE_YEAR_2, /* two digits: the year nearest to now in [now - 30, now + 69] */
    DATE_CENTURY,
    DATE_ERA,
    DATE_WEEK_YEAR, /* of ISO 8601: the year of the week's Thursday */
    DATE_WEEK,
    DATE_WEEKDAY, /* 1 Monday .. 7 Sunday */
    DATE_WEEKDAY_SHORT,
    DATE_WEEKDAY_LONG,
    DATE_QUARTER,
    DATE_MONTH,
    DATE_MONTH_SHORT,
    DATE_MONTH_LONG,
    DATE_DAY,
    DATE_DAY_OF_YEAR,
    DATE_HALF,    /* AM, PM */
    DATE_HOUR,    /* 0..23 */
    DATE_HOUR_24, /* 1..24 */
    DATE_HOUR_11, /* 0..11 */
    DATE_HOUR_12, /* 1..12 */
    DATE_MINUTE,
    DATE_SECOND,
    DATE_FRACTION,
    DATE_NANO,
    DATE_MILLI_OF_DAY,
    DATE_NANO_OF_DAY,
    DATE_OFFSET, /* count 2: +hhmm, 3: +hh:mm, 1: +hh[mm] */
    DATE_ZONE_ID,
    DATE_ZONE_NAME,
    DATE_OPTIONAL_BEGIN, /* `count`: how many items until the matching end */
    DATE_OPTIONAL_END,
};

struct date_item {
    uint8_t kind;     /* enum date_kind */
    uint8_t count;    /* letters; digits at least when printing */
    uint8_t min, max; /* digits when reading */
    bool prints_z;    /* DATE_OFFSET: zero is "Z" */
    struct str literal;
};

enum date_part_kind {
    DATE_PART_ITEMS,
    DATE_PART_ISO,  /* [flags] yyyy[-MM[-dd]], then T and a time with any part left out; Joda's also
                       yyyy-DDD and xxxx-Www[-e] */
    DATE_PART_UNIX, /* seconds, fraction allowed, up to 2^31 - 1 */
    DATE_PART_UNIX_MS, /* integer */
    DATE_PART_TAI64N,
    DATE_PART_EPOCH_MILLIS,
    DATE_PART_EPOCH_SECOND,
};

struct date_part {
    enum date_part_kind kind;
    bool is_java;            /* literals' case matters, a wrong weekday is refused */
    bool is_strict;          /* ISO: exact digit counts */
    bool takes_blank;        /* ISO: a blank does for T */
    uint8_t fraction_digits; /* ISO: printed */
    bool has_zone, has_year;
    bool needs_week; /* printing it needs weeks, weekdays or the day of the year */
    const struct date_item *items;
    size_t count;
};

struct date_pattern {
    struct str text;
    struct date_part parts[DATE_ALTERNATIVES_MAX];
    size_t count;
};

extern const char *const date__month_names[12];
extern const char *const date__weekday_names[7]; /* from Monday */

#endif
