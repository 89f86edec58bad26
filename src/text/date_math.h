/* SPDX-License-Identifier: Apache-2.0 */
/* date_math.h: Elasticsearch's date math: "now-1d/d", "2025-01-01||+1M/d". Units: y M w d h H m s.
 */
#ifndef NARU_TEXT_DATE_MATH_H
#define NARU_TEXT_DATE_MATH_H

#include "text/date_format.h"

struct date_math_options {
    const struct date_pattern *pattern; /* of the date before "||" */
    const struct time_zone *zone;       /* for dates without one and for rounding; NULL: UTC */
    int64_t now_ns;
    bool rounds_up; /* "/d" gives the last nanosecond of the day: for gt and lte */
};
/* -ERR_PARSE naming what does not fit; err.off. */
int date_math_parse(struct str text, const struct date_math_options *options, int64_t *ret_ns,
                    struct err *err) WARN_UNUSED;

/* Adds `count` units (y q M w d h H m s) on the zone's calendar; the 31st becomes a shorter month's
 * last day. Out of range: the first or last instant there is. */
int64_t date_add(int64_t ns, char unit, int64_t count, const struct time_zone *zone);
/* The start of the unit that holds the instant; weeks begin on Monday; also q (quarter). */
int64_t date_round_down(int64_t ns, char unit, const struct time_zone *zone);

#endif
