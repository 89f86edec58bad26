/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_zone.c: see schedule_zone.h. */
#include "pipeline/schedule_zone.h"

#include "base/str.h"

int schedule_zone_local(struct schedule_zone *ret_zone, struct err *err)
{
    (void)err;
    *ret_zone = (struct schedule_zone){.offset_ns = 0};
    return 0;
}

/* +09:00, -0330, +9 */
static bool offset_parse(struct str text, int64_t *ret_ns)
{
    if (text.n < 2 || (text.p[0] != '+' && text.p[0] != '-'))
        return false;
    struct str digits = str_from_off(text, 1), hour = digits, minute = STR("0");
    ptrdiff_t colon = str_find_char(digits, ':');
    if (colon >= 0) {
        hour = str_sub(digits, 0, (size_t)colon);
        minute = str_from_off(digits, (size_t)colon + 1);
    } else if (digits.n == 4) {
        hour = str_sub(digits, 0, 2);
        minute = str_from_off(digits, 2);
    }
    uint64_t h, m;
    if (!str_to_u64(hour, &h) || !str_to_u64(minute, &m) || h > 14 || m > 59)
        return false;
    int64_t ns = (int64_t)(h * 3600 + m * 60) * NS_PER_S;
    *ret_ns = text.p[0] == '-' ? -ns : ns;
    return true;
}

int schedule_zone_parse(struct str text, struct schedule_zone *ret_zone, struct err *err)
{
    struct schedule_zone zone = {.offset_ns = 0};
    bool is_utc = str_is(text, "UTC") || str_is(text, "Etc/UTC") || str_is(text, "GMT") || str_is(text, "Z");
    bool is_seoul = str_is(text, "Asia/Seoul") || str_is(text, "KST"); /* no summer time since 1988 */
    if (is_seoul)
        zone.offset_ns = 9 * 3600 * NS_PER_S;
    else if (!is_utc && !offset_parse(text, &zone.offset_ns))
        return err_set(err, ERR_INVALID, "unknown time zone \"" STR_FMT "\"", STR_ARG(text));
    *ret_zone = zone;
    return 0;
}

int64_t schedule_zone_offset(const struct schedule_zone *zone, int64_t utc_ns)
{
    (void)utc_ns;
    return zone->offset_ns;
}

int64_t schedule_zone_to_utc(const struct schedule_zone *zone, int64_t local_ns)
{
    return local_ns - zone->offset_ns;
}
