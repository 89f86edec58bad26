/* SPDX-License-Identifier: Apache-2.0 */
/* cat_health.c: GET _cat/health. */
#include "base/clock.h"
#include "server/health.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"epoch", "t,time", "seconds since 1970-01-01 00:00:00", true, true},
    {"timestamp", "ts,hms,hhmmss", "time in HH:MM:SS", false, true},
    {"cluster", "cl", "cluster name", false, true},
    {"status", "st", "health status", false, true},
    {"node.total", "nt,nodeTotal", "total number of nodes", true, true},
    {"node.data", "nd,nodeData", "number of nodes that can store data", true, true},
    {"shards", "t,sh,shards.total,shardsTotal", "total number of shards", true, true},
    {"pri", "p,shards.primary,shardsPrimary", "number of primary shards", true, true},
    {"relo", "r,shards.relocating,shardsRelocating", "number of relocating nodes", true, true},
    {"init", "i,shards.initializing,shardsInitializing", "number of initializing nodes", true,
     true},
    {"unassign", "u,shards.unassigned,shardsUnassigned", "number of unassigned shards", true, true},
    {"pending_tasks", "pt,pendingTasks", "number of pending tasks", true, true},
    {"max_task_wait_time", "mtwt,maxTaskWaitTime", "wait time of longest task pending", true, true},
    {"active_shards_percent", "asp,activeShardsPercent", "active number of shards in percent", true,
     true},
};

static int cat_health_run(struct rest_call *call, struct err *err)
{
    struct health health;
    struct cat_table table;
    TRY(health_of(call->context->engine, STR_NONE, call->mem, &health, err));
    int64_t now = clock_wall_ns(call->context->clock);
    struct civil t = civil_from_ns(now);
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    cat_cellf(&table, "%lld", (long long)(now / NS_PER_S));
    cat_cellf(&table, "%02u:%02u:%02u", t.hour, t.minute, t.second);
    cat_cell(&table, STR("naru"));
    cat_cell(&table, health.status);
    cat_cell(&table, STR("1"));
    cat_cell(&table, STR("1"));
    cat_cellf(&table, "%zu", health.index_count);
    cat_cellf(&table, "%zu", health.index_count);
    for (int i = 0; i < 4; i++)
        cat_cell(&table, STR("0"));
    cat_cell(&table, STR("-"));
    cat_cell(&table, STR("100.0%"));
    return cat_finish(&table, err);
}

static const char *const cat_health_routes[] = {"GET /_cat/health", NULL};
const struct endpoint endpoint_cat_health = {.name = "cat.health",
                                             .summary = "Health as a table.",
                                             .routes = cat_health_routes,
                                             .privilege = "monitor",
                                             .params = cat_opts,
                                             .size = sizeof(struct cat_params),
                                             .run = cat_health_run};
