/* SPDX-License-Identifier: Apache-2.0 */
/* health.h: the node's health as clusters report it: green, or yellow when an index cannot be
 * written. */
#ifndef NARU_SERVER_HEALTH_H
#define NARU_SERVER_HEALTH_H

#include "base/base.h"
#include "base/err.h"

struct engine;
struct arena;
struct health {
    struct str status;
    size_t index_count;
};
int health_of(struct engine *engine, struct str expression, struct arena *mem,
              struct health *ret_health, struct err *err) WARN_UNUSED;

#endif
