/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h: waits on condition variables with a time limit, on the monotonic clock, so that a
 * change of the wall clock neither ends nor prolongs them. */
#ifndef NARU_BASE_THREAD_H
#define NARU_BASE_THREAD_H

#include <pthread.h>
#include <time.h>

#include "base/base.h"

/* A condition variable for the two below. Cannot fail on Linux. */
void thread_cond_init(pthread_cond_t *cond);

/* The moment `ns` of real time from now, for thread_cond_wait. */
struct timespec thread_deadline(int64_t ns);

/* As pthread_cond_wait, until the deadline (NULL: for ever). False when the time is over. */
bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mu, const struct timespec *deadline);

#endif
