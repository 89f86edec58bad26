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
static inline void metric_sub(struct metric *metric, uint64_t n)
{
    __atomic_sub_fetch(&metric->value, n, __ATOMIC_RELAXED);
}

/* How often something took how long: bucket i counts what took at most METRIC_TIME_MIN_NS << i (and
 * more than the bucket before), longer ones are in `count` only. */
#define METRIC_TIME_MIN_NS  (UINT64_C(1) << 16) /* 66 microseconds */
#define METRIC_TIME_BUCKETS 19u                 /* the last one: 17 seconds */
struct metric_times {
    struct metric count, sum_ns, buckets[METRIC_TIME_BUCKETS];
};
static inline void metric_times_add(struct metric_times *times, int64_t ns)
{
    uint64_t n = ns > 0 ? (uint64_t)ns : 0;
    unsigned i = 0;
    while (i < METRIC_TIME_BUCKETS && n > METRIC_TIME_MIN_NS << i)
        i++;
    if (i < METRIC_TIME_BUCKETS)
        metric_add(&times->buckets[i], 1);
    metric_add(&times->sum_ns, n);
    metric_add(&times->count, 1);
}

#endif
