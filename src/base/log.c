/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define LOG_LINE_BYTES_MAX (16 * KIB)

static enum log_level current_level = LOG_INFO;
static struct clock *current_clock;
static pthread_mutex_t out_mu = PTHREAD_MUTEX_INITIALIZER; /* one line at a time */

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};
static const char *const level_colours[] = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", ""};

void log_set_level(enum log_level level)
{
    __atomic_store_n(&current_level, level, __ATOMIC_RELAXED);
}

enum log_level log_level(void)
{
    return __atomic_load_n(&current_level, __ATOMIC_RELAXED);
}

bool log_level_from_str(struct str s, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_COUNT(level_names); i++) {
        if (str_eq_nocase(s, str_from(level_names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    if (str_eq_nocase(s, STR("warning"))) {
        *ret_level = LOG_WARN;
        return true;
    }
    if (str_eq_nocase(s, STR("fatal"))) {
        *ret_level = LOG_ERROR;
        return true;
    }
    if (str_eq_nocase(s, STR("trace"))) {
        *ret_level = LOG_DEBUG;
        return true;
    }
    return false;
}

void log_set_clock(struct clock *clock)
{
    __atomic_store_n(&current_clock, clock, __ATOMIC_RELEASE);
}

static void add_head(struct buf *line, enum log_level level, const char *who)
{
    /* tidy: allow isatty: the log line is base's one way out */
    bool is_tty = isatty(STDERR_FILENO) == 1;
    struct clock *clock = __atomic_load_n(&current_clock, __ATOMIC_ACQUIRE);
    if (clock) {
        struct civil t = civil_from_ns(clock_wall_ns(clock));
        buf_printf(line, "%04d-%02u-%02uT%02u:%02u:%02u.%03dZ ", t.year, t.month, t.day, t.hour,
                   t.minute, t.second, t.nanosecond / 1000000);
    }
    buf_printf(line, "%s%-5s%s %s  ", is_tty ? level_colours[level] : "", level_names[level],
               is_tty ? "\x1b[0m" : "", who);
}

static void write_out(struct buf *line)
{
    for (size_t i = 0; i < line->n; i++) { /* one message is one line, whatever was in its values */
        if (line->p[i] == '\n' || line->p[i] == '\r')
            line->p[i] = ' ';
    }
    buf_add_char(line, '\n');
    pthread_mutex_lock(&out_mu);
    (void)fwrite(line->p, 1, line->n, stderr);
    (void)fflush(stderr);
    pthread_mutex_unlock(&out_mu);
}

void log_line(enum log_level level, const char *who, const char *format, ...)
{
    if (level < log_level() || level >= LOG_OFF)
        return;
    struct buf line;
    buf_init(&line, LOG_LINE_BYTES_MAX);
    add_head(&line, level, who);
    va_list args;
    va_start(args, format);
    char *to = buf_reserve(&line, 4 * KIB);
    if (to) {
        int n = vsnprintf(to, 4 * KIB, format, args);
        if (n > 0)
            buf_added(&line, MIN_OF((size_t)n, 4 * KIB - 1));
    }
    va_end(args);
    write_out(&line);
    buf_deinit(&line);
}

void log_err(enum log_level level, const char *who, const struct err *err)
{
    const char *help = err_help(err->code);
    if (err->file[0] && err->line)
        log_line(level, who, "%s:%u:%u: %s (%s)", err->file, err->line, err->column, err->text,
                 help);
    else if (err->off >= 0)
        log_line(level, who, "%s, at byte %lld (%s)", err->text, (long long)err->off, help);
    else
        log_line(level, who, "%s (%s)", err->text, help);
}

bool log_limit_pass(struct log_limit *limit, int64_t now_ns, int64_t interval_ns,
                    uint64_t *ret_skipped)
{
    int64_t next = __atomic_load_n(&limit->next_ns, __ATOMIC_RELAXED);
    if (now_ns < next || !__atomic_compare_exchange_n(&limit->next_ns, &next, now_ns + interval_ns,
                                                      false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        __atomic_add_fetch(&limit->skipped, 1, __ATOMIC_RELAXED);
        return false;
    }
    *ret_skipped = __atomic_exchange_n(&limit->skipped, 0, __ATOMIC_RELAXED);
    return true;
}
