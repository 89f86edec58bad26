/* SPDX-License-Identifier: Apache-2.0 */
/* cat_nodes.c: GET _cat/nodes: this one. */
#include "os/os.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"ip", "i", "ip address", false, true},
    {"heap.percent", "hp,heapPercent", "used memory", true, true},
    {"ram.percent", "rp,ramPercent", "used machine memory", true, true},
    {"cpu", "cpu", "recent cpu usage", true, true},
    {"load_1m", "l", "1m load avg", true, true},
    {"load_5m", "l", "5m load avg", true, true},
    {"load_15m", "l", "15m load avg", true, true},
    {"node.role", "r,role,nodeRole", "d: data, m: master", false, true},
    {"master", "m", "*: current master", false, true},
    {"name", "n", "node name", false, true},
    {"rss", "rss", "resident memory of the process", true, false},
};

static int cat_nodes_run(struct rest_call *call, struct err *err)
{
    struct cat_table table;
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    cat_cell(&table, STR("127.0.0.1"));
    for (int i = 0; i < 6; i++)
        cat_cell(&table, STR("-"));
    cat_cell(&table, STR("dim"));
    cat_cell(&table, STR("*"));
    cat_cell(&table, call->context->node_name);
    cat_cell(&table, cat_bytes(call, os_rss_bytes()));
    return cat_finish(&table, err);
}

static const char *const cat_nodes_routes[] = {"GET /_cat/nodes", NULL};
const struct endpoint endpoint_cat_nodes = {.name = "cat.nodes",
                                            .summary = "Nodes as a table.",
                                            .routes = cat_nodes_routes,
                                            .privilege = "monitor",
                                            .params = cat_opts,
                                            .size = sizeof(struct cat_params),
                                            .run = cat_nodes_run};
