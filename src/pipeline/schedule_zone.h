/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_zone.h: the time zone of a cron line: "UTC", "+09:00" or a zone's name. */
#ifndef NARU_PIPELINE_SCHEDULE_ZONE_H
#define NARU_PIPELINE_SCHEDULE_ZONE_H

#include "base/err.h"

struct schedule_zone {
    int64_t offset_ns; /* of a fixed zone */
};

/* The zone of a line that names none: UTC, so that a schedule means the same on every machine. DEVIATES: rufus takes
 * the machine's zone. */
int schedule_zone_local(struct schedule_zone *ret_zone, struct err *err) WARN_UNUSED;
int schedule_zone_parse(struct str text, struct schedule_zone *ret_zone, struct err *err) WARN_UNUSED;
int64_t schedule_zone_offset(const struct schedule_zone *zone, int64_t utc_ns);
int64_t schedule_zone_to_utc(const struct schedule_zone *zone, int64_t local_ns);

#endif
