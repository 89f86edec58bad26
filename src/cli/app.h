/* SPDX-License-Identifier: Apache-2.0 */
/* app.h: what every command of the program shares: file system, clock, stop signal, how a person is
 * told. */
#ifndef NARU_CLI_APP_H
#define NARU_CLI_APP_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "os/os.h"
#include "os/vfs.h"

struct app {
    struct vfs *fs;
    struct clock *clock; /* system, or scaled for tests */
    struct clock_scaled scaled;
    struct arena *mem; /* the process's life */
    uint64_t seed;
    struct str program; /* argv[0] */
};

/* For tests: a clock that starts at `start` (ISO 8601 or HH:MM of today in KST) and runs `speed`
 * times as fast. */
int app_clock_set(struct app *app, struct str start, double speed, struct err *err) WARN_UNUSED;

/* The process's log level by its name; the error lists the names. */
int app_log_level_set(struct str name, struct err *err) WARN_UNUSED;

/* SIGINT and SIGTERM ask for a stop; a second one ends at once. */
void app_catch_signals(void);
bool app_is_stopping(void);
void app_ask_stop(void);
/* Waits up to `ns` of real time; returns early when a stop was asked for. True: stopping. */
bool app_wait(int64_t ns);

/* Prints an error for a person: "naru: text", position, the fix; returns EXIT_FAILED. */
int app_fail(const struct err *err);

#endif
