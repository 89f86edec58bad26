/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h: when a scheduled input runs, in the words of Ruby's rufus-scheduler that Logstash
 * hands its `schedule` option to: a cron line of 5 fields (minute hour day month weekday) or 6
 * (second first), optionally followed by a time zone; or `every 10m`; or `in 30s` (once). Pure:
 * moments in, moments out. */
#ifndef NARU_PIPELINE_SCHEDULE_H
#define NARU_PIPELINE_SCHEDULE_H

#include "base/arena.h"
#include "base/err.h"

struct schedule;
struct time_zone;

/* `local`: the zone of cron lines that name none, NULL: UTC; it must live as long as the schedule.
 * The schedule lies in mem. */
int schedule_parse(struct str text, const struct time_zone *local, struct arena *mem,
                   struct schedule **ret_schedule, struct err *err) WARN_UNUSED;
/* The first moment behind `after_ns` (UTC); INT64_MAX: there is none. `start_ns` is when the
 * schedule began: `every` and `in` count from it. */
int64_t schedule_next(const struct schedule *schedule, int64_t start_ns, int64_t after_ns);

#endif
