/* SPDX-License-Identifier: Apache-2.0 */
/* cluster_health.c: GET _cluster/health. Everything that could be waited for has happened on one node. */
#include "base/str.h"
#include "server/health.h"
#include "server/rest.h"

static void number(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_from(key));
    json_u64(w, v);
}

static int cluster_health_run(struct rest_call *call, struct err *err)
{
    struct health health;
    TRY(health_of(call->context->engine, rest_part(call, "index"), call->mem, &health, err));
    struct json_writer *w = &call->w;
    json_object_begin(w);
    json_key_lit(w, "cluster_name");
    json_str(w, STR("naru"));
    json_key_lit(w, "status");
    json_str(w, health.status);
    json_key_lit(w, "timed_out");
    json_bool(w, false);
    number(w, "number_of_nodes", 1);
    number(w, "number_of_data_nodes", 1);
    number(w, "active_primary_shards", health.index_count);
    number(w, "active_shards", health.index_count);
    number(w, "relocating_shards", 0);
    number(w, "initializing_shards", 0);
    number(w, "unassigned_shards", 0);
    number(w, "delayed_unassigned_shards", 0);
    number(w, "number_of_pending_tasks", 0);
    number(w, "number_of_in_flight_fetch", 0);
    number(w, "task_max_waiting_in_queue_millis", 0);
    json_key_lit(w, "active_shards_percent_as_number");
    json_f64(w, 100.0);
    json_object_end(w);
    return 0;
}

static const char *const cluster_health_routes[] = {"GET /_cluster/health", "GET /_cluster/health/{index}", NULL};
const struct endpoint endpoint_cluster_health = {
    .name = "cluster.health", .summary = "Is everything well?", .routes = cluster_health_routes, .privilege = "monitor",
    .takes_any_param = true, .run = cluster_health_run};
