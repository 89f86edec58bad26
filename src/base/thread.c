/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <errno.h>

#define FOR_EVER_S (INT64_C(100) * 365 * 86400)

void thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    ASSERT(pthread_condattr_init(&attr) == 0);
    ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(cond, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
}

struct timespec thread_deadline(int64_t ns)
{
    struct timespec t;
    /* tidy: allow clock_gettime: what pthread_cond_timedwait counts in */
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    ns = MIN_OF(MAX_OF(ns, (int64_t)0), FOR_EVER_S * NS_PER_S);
    int64_t sum = t.tv_nsec + ns % NS_PER_S;
    t.tv_sec += (time_t)(ns / NS_PER_S + sum / NS_PER_S);
    t.tv_nsec = (long)(sum % NS_PER_S);
    return t;
}

bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mu, const struct timespec *deadline)
{
    int rc = deadline ? pthread_cond_timedwait(cond, mu, deadline) : pthread_cond_wait(cond, mu);
    ASSERT(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}
