/* SPDX-License-Identifier: Apache-2.0 */
#include "server/health.h"

#include "base/str.h"
#include "index/engine.h"

struct str health_of_index(const struct index_stats *stats)
{
    return stats->is_recovering || stats->is_failed || stats->damaged_count ? STR("red")
           : stats->is_read_only                                            ? STR("yellow")
                                                                            : STR("green");
}

struct str shard_state(const struct index_stats *stats)
{
    return stats->is_failed       ? STR("UNASSIGNED")
           : stats->is_recovering ? STR("INITIALIZING")
                                  : STR("STARTED");
}

int health_of(struct engine *engine, struct str expression, struct arena *mem,
              struct health *ret_health, struct err *err)
{
    struct str *names;
    struct health health = {.status = STR("green")};
    TRY(engine_resolve(engine, expression.n ? expression : STR("_all"), false, mem, &names,
                       &health.index_count, err));
    for (size_t i = 0; i < health.index_count; i++) {
        struct index_stats s;
        TRY(engine_index_stats(engine, names[i], mem, &s, err));
        health.recovering_count += s.is_recovering;
        health.failed_count += s.is_failed;
        if (s.damaged_count ||
            s.is_failed) /* documents are missing, as when a shard is not there */
            health.status = STR("red");
        else if (s.is_read_only && !str_is(health.status, "red"))
            health.status = STR("yellow");
        if (s.is_recovering)
            health.status = STR("red");
    }
    *ret_health = health;
    return 0;
}
