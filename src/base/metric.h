/* SPDX-License-Identifier: Apache-2.0 */
/* metric.h: counters that many threads add to and anybody reads; relaxed order is enough, since a
 * reader only wants a recent value of each by itself. */
#ifndef NARU_BASE_METRIC_H
#define NARU_BASE_METRIC_H

#include "base/base.h"

struct metric {
    uint64_t value;
};

static inline void metric_add(struct metric *metric, uint64_t n)
{
    __atomic_add_fetch(&metric->value, n, __ATOMIC_RELAXED);
}
static inline void metric_set(struct metric *metric, uint64_t v)
{
    __atomic_store_n(&metric->value, v, __ATOMIC_RELAXED);
}
static inline uint64_t metric_get(const struct metric *metric)
{
    return __atomic_load_n(&metric->value, __ATOMIC_RELAXED);
}

#endif
