/* SPDX-License-Identifier: Apache-2.0 */
/* cat_allocation.c: GET _cat/allocation: shards and disk of this node. */
#include "base/arena.h"
#include "os/os.h"
#include "server/index_groups.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"shards", "s", "number of shards on node", true, true},
    {"disk.indices", "di,diskIndices", "disk used by indices", true, true},
    {"disk.used", "du,diskUsed", "disk used (total, not just indices)", true, true},
    {"disk.avail", "da,diskAvail", "disk available", true, true},
    {"disk.total", "dt,diskTotal", "total capacity of all volumes", true, true},
    {"disk.percent", "dp,diskPercent", "percent disk used", true, true},
    {"host", "h", "host of node", false, true},
    {"ip", NULL, "ip of node", false, true},
    {"node", "n", "name of node", false, true},
};

static int cat_allocation_run(struct rest_call *call, struct err *err)
{
    struct cat_table table;
    struct index_stats sum;
    struct engine_figures figures;
    size_t count;
    uint64_t total, free_bytes, available;
    TRY(index_stats_all(call, &sum, &count, err));
    engine_figures(call->context->engine, &figures);
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    cat_cellf(&table, "%zu", count);
    cat_cell(&table, cat_bytes(call, sum.store_bytes));
    if (os_disk(arena_cstr(call->mem, figures.path), &total, &free_bytes, &available) && total) {
        uint64_t used = total - available;
        cat_cell(&table, cat_bytes(call, used));
        cat_cell(&table, cat_bytes(call, available));
        cat_cell(&table, cat_bytes(call, total));
        cat_cellf(&table, "%llu", (unsigned long long)(used * 100 / total));
    } else {
        for (int i = 0; i < 4; i++)
            cat_cell(&table, STR(""));
    }
    cat_cell(&table, STR("127.0.0.1"));
    cat_cell(&table, STR("127.0.0.1"));
    cat_cell(&table, call->context->node_name);
    return cat_finish(&table, err);
}

static const char *const cat_allocation_routes[] = {"GET /_cat/allocation",
                                                    "GET /_cat/allocation/{node}", NULL};
const struct endpoint endpoint_cat_allocation = {.name = "cat.allocation",
                                                 .summary = "Shards and disk as a table.",
                                                 .routes = cat_allocation_routes,
                                                 .privilege = "monitor",
                                                 .params = cat_opts,
                                                 .size = sizeof(struct cat_params),
                                                 .run = cat_allocation_run};
