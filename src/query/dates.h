/* SPDX-License-Identifier: Apache-2.0 */
/* dates.h: dates as searches write them: a text or number in a field's format, with date math, a
 * time zone for texts without one, and rounding up for upper bounds; and back to text. Thin over
 * text/date_math.h. */
#ifndef NARU_QUERY_DATES_H
#define NARU_QUERY_DATES_H

#include "event/value.h"
#include "index/segment.h"
#include "text/date_math.h"
#include "text/timezone.h"

#define DATES_FORMAT_DEFAULT "strict_date_optional_time||epoch_millis"

/* "" or p == NULL is the default format. */
int dates_format(struct str format, struct arena *mem, const struct date_pattern **ret_pattern,
                 struct err *err) WARN_UNUSED;
/* "" or p == NULL is UTC. */
int dates_zone(struct str name, struct arena *mem, const struct time_zone **ret_zone,
               struct err *err) WARN_UNUSED;
/* A string or number of a body as ns. Numbers are read as their digits in the format (epoch_millis,
 * epoch_second). */
int dates_value(const struct value *v, struct str format, const struct time_zone *zone,
                int64_t now_ns, bool is_up, struct arena *mem, int64_t *ret_ns,
                struct err *err) WARN_UNUSED;
struct str dates_print(int64_t ns, const struct date_pattern *pattern, const struct time_zone *zone,
                       struct arena *mem);

/* Between ns and ms, rounded down; ms that ns do not reach become the least or the largest ns. */
int64_t dates_ms_of_ns(int64_t ns);
int64_t dates_ns_of_ms(int64_t ms);
/* Between ns and what a column of the field holds (ms, or ns for date_nanos). */
int64_t dates_to_stored(const struct field *field, int64_t ns);
int64_t dates_from_stored(const struct field *field, int64_t stored);

#endif
