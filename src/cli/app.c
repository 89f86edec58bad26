/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "os/process.h"

#define KST_OFFSET_NS (9 * 3600 * NS_PER_S)
#define DAY_NS        (86400 * NS_PER_S)

/* "09:00" or "09:00:30" of today in Korea, or ISO 8601 "2026-11-20T00:00:00Z" (always UTC). */
static bool start_parse(struct str text, int64_t now_ns, int64_t *ret_ns)
{
    unsigned h, m, s = 0, year, month, day;
    char copy[40];
    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (sscanf(copy, "%4u-%2u-%2uT%2u:%2u:%2uZ", &year, &month, &day, &h, &m, &s) == 6) {
        if (month < 1 || month > 12 || day < 1 || day > 31 || h > 23 || m > 59 || s > 59)
            return false;
        struct civil civil = {.year = (int32_t)year,
                              .month = (uint8_t)month,
                              .day = (uint8_t)day,
                              .hour = (uint8_t)h,
                              .minute = (uint8_t)m,
                              .second = (uint8_t)s};
        *ret_ns = civil_to_ns(&civil);
        return true;
    }
    s = 0;
    if (sscanf(copy, "%2u:%2u:%2u", &h, &m, &s) < 2 || h > 23 || m > 59 || s > 59)
        return false;
    int64_t kst = now_ns + KST_OFFSET_NS;
    int64_t midnight = kst - kst % DAY_NS;
    *ret_ns =
        midnight + ((int64_t)h * 3600 + (int64_t)m * 60 + (int64_t)s) * NS_PER_S - KST_OFFSET_NS;
    return true;
}

int app_clock_set(struct app *app, struct str start, double speed, struct err *err)
{
    if (start.n == 0 && speed == 1)
        return 0;
    int64_t now = clock_wall_ns(clock_system());
    int64_t start_ns = now;
    if (start.n > 0 && !start_parse(start, now, &start_ns))
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT
                       "\" is no time to start the clock at: write 09:00 (Korea, today) or "
                       "2026-11-20T00:00:00Z",
                       STR_ARG(start));
    if (!(speed > 0 && speed <= 100000))
        return err_set(err, ERR_INVALID, "the clock's speed must be above 0 and at most 100000");
    clock_scaled_init(&app->scaled, start_ns, speed);
    app->clock = &app->scaled.base;
    return 0;
}

int app_log_level_set(struct str name, struct err *err)
{
    enum log_level level;
    if (!log_level_from_str(name, &level))
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is no log level: debug, info, warn or error",
                       STR_ARG(name));
    log_set_level(level);
    return 0;
}

void app_catch_signals(void)
{
    struct err err;
    if (process_catch_stop_signals(&err) < 0)
        log_err(LOG_WARN, "naru", &err);
}

bool app_is_stopping(void)
{
    return process_stop_wanted();
}

void app_ask_stop(void)
{
    process_ask_stop();
}

bool app_wait(int64_t ns)
{
    return process_wait_stop(ns);
}

int app_fail(const struct err *err)
{
    bool is_tty = os_is_tty(2);
    fprintf(stderr, "%snaru: ", is_tty ? "\x1b[31m" : "");
    if (err->file[0] && err->line)
        fprintf(stderr, "%s:%u:%u: ", err->file, err->line, err->column);
    else if (err->file[0])
        fprintf(stderr, "%s: ", err->file);
    fprintf(stderr, "%s%s\n", err->text, is_tty ? "\x1b[0m" : "");
    if (err->code == ERR_IN_USE || err->code == ERR_LOCKED)
        fprintf(stderr, "      %s\n", err_help(err->code));
    return 1;
}
