/* SPDX-License-Identifier: Apache-2.0 */
/* process.h: stop signals of the process. SIGINT and SIGTERM ask for a stop (the first one), a
 * second one ends the process at once with status 128 + signal. SIGPIPE is ignored. SIGHUP counts
 * and can be asked for. */
#ifndef NARU_OS_PROCESS_H
#define NARU_OS_PROCESS_H

#include "base/base.h"
#include "base/err.h"

int process_catch_stop_signals(struct err *err) WARN_UNUSED;
bool process_stop_wanted(void);
void process_ask_stop(void); /* as if a signal had come; async-signal-safe */
bool process_wait_stop(
    int64_t ns); /* waits up to ns of real time (-1: for ever); true: a stop is wanted */
uint64_t process_hangup_count(void); /* SIGHUPs so far */

#endif
