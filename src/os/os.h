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

/* What the kernel says of the process and the machine; 0 where it says nothing. */
struct os_figures {
    uint64_t memory_total, memory_free, memory_available, swap_total, swap_free;
    double load[3];         /* of 1, 5 and 15 minutes */
    uint64_t virtual_bytes; /* address space of the process */
    uint64_t fds_open, fds_max;
    int64_t busy_ns, total_ns; /* of all cores since the machine started */
};
void os_figures(struct os_figures *ret_figures);
/* The file system that holds `path`; false: not known. */
bool os_disk(const char *path, uint64_t *ret_total, uint64_t *ret_free, uint64_t *ret_available);

#endif
