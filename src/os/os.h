/* SPDX-License-Identifier: Apache-2.0 */
/* os.h: the process and the machine: system clock, environment, entropy, thread names, memory
 * figures. */
#ifndef NARU_OS_OS_H
#define NARU_OS_OS_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

/* CLOCK_REALTIME and CLOCK_MONOTONIC; one object for the process. */
struct clock *clock_system(void);

/* A clock that runs `speed` times as fast as the system's, its wall time starting at
 * `wall_start_ns` now. */
struct clock_scaled {
    struct clock base;
    int64_t wall_start_ns;
    int64_t real_start_ns;
    double speed;
};
void clock_scaled_init(struct clock_scaled *scaled, int64_t wall_start_ns, double speed);

struct str os_env(const char *name);                  /* p == NULL: not set */
void os_env_set(const char *name, const char *value); /* before threads start */
uint64_t os_entropy_u64(void);
void os_thread_name(const char *name); /* of the calling thread, at most 15 bytes are kept */
size_t os_cpu_count(void);
uint64_t os_rss_bytes(void);
int64_t os_cpu_ns(void); /* user + system time of the process */
int64_t os_pid(void);
struct str os_hostname(void); /* borrowed for the process's life */
bool os_is_tty(int fd);

#endif
