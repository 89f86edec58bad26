/* SPDX-License-Identifier: Apache-2.0 */
/* iso8601.h: the timestamps that events carry in JSON. The large family of date formats is
 * text/date_format.h. */
#ifndef NARU_EVENT_ISO8601_H
#define NARU_EVENT_ISO8601_H

#include "base/base.h"

/* "2025-01-22T04:52:33.000Z", "2025-01-22T13:52:33+09:00", "2025-01-22", with 0 to 9 digits of a
 * second (more are cut), 'T' or a blank, "Z", "±HH", "±HHMM", "±HH:MM" or nothing (UTC). False for
 * anything else. */
bool iso8601_parse(struct str s, int64_t *ret_ns);

#endif
