/* SPDX-License-Identifier: Apache-2.0 */
/* health.h: the node's health as clusters report it: red while an index is being recovered from the
 * log, is set aside or misses a segment, yellow when one cannot be written, else green. */
#ifndef NARU_SERVER_HEALTH_H
#define NARU_SERVER_HEALTH_H

#include "base/base.h"
#include "base/err.h"

struct engine;
struct arena;
struct health {
    struct str status;
    size_t index_count;
    size_t recovering_count; /* of them */
    size_t failed_count;     /* of them: set aside, they do not come back by themselves */
};
int health_of(struct engine *engine, struct str expression, struct arena *mem,
              struct health *ret_health, struct err *err) WARN_UNUSED;
struct index_stats;
struct str health_of_index(const struct index_stats *stats);
/* Of the one shard that an index is: "STARTED", "INITIALIZING" while it is recovering, "UNASSIGNED"
 * when it is set aside. */
struct str shard_state(const struct index_stats *stats);

#endif
