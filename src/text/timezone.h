/* SPDX-License-Identifier: Apache-2.0 */
/* timezone.h: time zones from the machine's zone files (TZif, RFC 8536), without the C library's
 * global zone. A zone is immutable and may be used by any thread; opening one reads one small file,
 * so the owner keeps it. */
#ifndef NARU_TEXT_TIMEZONE_H
#define NARU_TEXT_TIMEZONE_H

#include "base/base.h"
#include "base/err.h"

struct time_zone;

/* Names: "UTC", "Z", "GMT", "Asia/Seoul", "+09:00", "-0530", "+9", "UTC+9". `fs` NULL: the
 * machine's files. -ERR_INVALID when there is no such zone. Without zone files on the machine UTC,
 * Asia/Seoul, Asia/Tokyo and offsets still work. */
int time_zone_open(struct vfs *fs, struct str name, struct arena *mem,
                   const struct time_zone **ret_zone, struct err *err) WARN_UNUSED;
/* From the bytes of a zone file. */
int time_zone_parse(struct str name, struct str tzif, struct arena *mem,
                    const struct time_zone **ret_zone, struct err *err) WARN_UNUSED;
/* An offset east of UTC without changes. */
const struct time_zone *time_zone_fixed(int32_t offset_s, struct arena *mem);
const struct time_zone *time_zone_utc(void);
/* "+09:00", "-0530", "+9", "Z" … -> seconds east. False: no such shape. */
bool time_zone_offset_parse(struct str text, int32_t *ret_offset_s);

struct str time_zone_name(const struct time_zone *zone);
bool time_zone_is_fixed(const struct time_zone *zone);
/* Seconds east of UTC at an instant (seconds since 1970 UTC). */
int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc_s);
/* Wall time (seconds as if it were UTC) to an instant. False in a gap (the clock was put forward
 * over it). In an overlap the earlier instant, as Joda and java.time do. */
bool time_zone_to_utc(const struct time_zone *zone, int64_t local_s, int64_t *ret_utc_s);
/* The same, and a time in a gap moves behind it by the gap's length. */
int64_t time_zone_to_utc_lenient(const struct time_zone *zone, int64_t local_s);

#endif
