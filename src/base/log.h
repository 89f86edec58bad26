/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: what the owner of a task tells the person at the terminal: one line a message on stderr,
 * `2026-11-21T14:03:05.123Z WARN  pipeline.main  text`. Libraries return errors and do not log.
 * Colour only on a terminal. The level and the sink are the process's only global state here. */
#ifndef NARU_BASE_LOG_H
#define NARU_BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_set_level(enum log_level level);
enum log_level log_level(void);
bool log_level_from_str(struct str s, enum log_level *ret_level);
void log_set_clock(struct clock *clock); /* borrowed for the process's life */

/* `who`: dotted name of the part, as "ship.input" or "pipeline.csv_to_es". */
void log_line(enum log_level level, const char *who, const char *format, ...) PRINTF_LIKE(3, 4);
/* An error value with its position and help. */
void log_err(enum log_level level, const char *who, const struct err *err);

/* A limit for a message that could repeat: true at most once per `interval_ns`; then *ret_skipped
 * tells how many were left out since. The struct lives in the owner, zeroed. Thread-safe. */
struct log_limit {
    int64_t next_ns;
    uint64_t skipped;
};
bool log_limit_pass(struct log_limit *limit, int64_t now_ns, int64_t interval_ns,
                    uint64_t *ret_skipped);

#endif
