/* SPDX-License-Identifier: Apache-2.0 */
/* date_format.h: date patterns compiled once, then used to parse and to print: Joda's, as
 * Logstash's date filter and templates ("%{+yyyy.MM.dd}") have them, and java.time's, as
 * Elasticsearch's mappings and aggregations have them. Instants are ns since 1970 UTC. A compiled
 * pattern is immutable and may be used by any thread. */
#ifndef NARU_TEXT_DATE_FORMAT_H
#define NARU_TEXT_DATE_FORMAT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "text/timezone.h"

#define DATE_PATTERN_ITEMS_MAX 64u

enum date_dialect {
    DATE_JODA,          /* a pattern: "yyyy-MM-dd HH:mm:ss.SSS Z" */
    DATE_LOGSTASH,      /* Joda, or one of ISO8601, UNIX, UNIX_MS, TAI64N */
    DATE_JAVA,          /* java.time's letters, [optional parts] */
    DATE_ELASTICSEARCH, /* names (strict_date_optional_time, epoch_millis, basic_date …) or
                           java.time, joined by "||" */
};

struct date_pattern;

/* -ERR_INVALID with the letter or quote that is wrong; err.off is its position in the text. */
int date_pattern_compile(struct str text, enum date_dialect dialect, struct arena *mem,
                         const struct date_pattern **ret_pattern, struct err *err) WARN_UNUSED;

struct date_parse_options {
    const struct time_zone *zone; /* for texts that tell none; NULL: UTC */
    int64_t
        now_ns; /* gives the year when the pattern has none (December read in January: last year) */
    bool is_lenient; /* fractions of any length, and a wrong weekday is passed over: documents */
    bool rounds_up;  /* what is missing of the time of day is 23:59:59.999999999, of an epoch the
                        last nanosecond: upper range ends, as Elasticsearch */
};
/* The whole text must fit. `options` NULL: UTC and year 1970 (java.time) or 2000 (Joda). False: it
 * does not fit, or the wall time does not exist in the zone. */
bool date_pattern_parse(const struct date_pattern *pattern, struct str text,
                        const struct date_parse_options *options, int64_t *ret_ns);

/* Several patterns in one ("||"): prints by the first. `zone` NULL: UTC. */
void date_pattern_write(const struct date_pattern *pattern, int64_t ns,
                        const struct time_zone *zone, struct buf *out);

/* The text itself tells the zone (Z, ZZ, ISO8601's offset is optional and does not count; UNIX
 * counts). */
bool date_pattern_has_zone(const struct date_pattern *pattern);
bool date_pattern_has_year(const struct date_pattern *pattern);
struct str date_pattern_text(const struct date_pattern *pattern);

#endif
