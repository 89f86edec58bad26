/* SPDX-License-Identifier: Apache-2.0 */
/* cluster_health.c: GET _cluster/health. Everything that could be waited for has happened on one
 * node. */
#include "base/str.h"
#include "server/health.h"
#include "server/rest.h"

struct cluster_health_params {
    struct str level, wait_for_active_shards, wait_for_nodes, wait_for_events, timeout,
        master_timeout, expand_wildcards;
    int wait_for_status;
    bool local, wait_for_no_relocating_shards, wait_for_no_initializing_shards;
};
enum { WAIT_GREEN }; /* position in the list; yellow and red are always reached */
static const char *const statuses[] = {"green", "yellow", "red", "none", NULL};
static const struct opt cluster_health_opts[] = {
    OPT_ENUM(struct cluster_health_params, wait_for_status, .dflt = "none", .choices = statuses,
             .help = "408 when it is worse"),
    OPT_STR(struct cluster_health_params, level, .help = "only cluster is there"),
    OPT_STR(struct cluster_health_params, wait_for_active_shards, .help = "accepted"),
    OPT_STR(struct cluster_health_params, wait_for_nodes, .help = "accepted"),
    OPT_STR(struct cluster_health_params, wait_for_events, .help = "accepted"),
    OPT_STR(struct cluster_health_params, timeout, .help = "accepted"),
    OPT_STR(struct cluster_health_params, master_timeout, .help = "accepted"),
    OPT_STR(struct cluster_health_params, expand_wildcards, .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, local, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, wait_for_no_relocating_shards, .dflt = "false",
             .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, wait_for_no_initializing_shards, .dflt = "false",
             .help = "accepted"),
    OPT_END};

static void number(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_from(key));
    json_u64(w, v);
}

static int cluster_health_run(struct rest_call *call, struct err *err)
{
    const struct cluster_health_params *params = call->params;
    struct health health;
    if (params->level.p && !str_is(params->level, "cluster"))
        return err_set(err, ERR_UNSUPPORTED,
                       "level [" STR_FMT "] of the cluster's health is not there: use cluster",
                       STR_ARG(params->level));
    TRY(health_of(call->context->engine, rest_part(call, "index"), call->mem, &health, err));
    /* A node that is yellow does not get green by waiting: some index cannot be written. */
    bool timed_out = params->wait_for_status == WAIT_GREEN && !str_is(health.status, "green");
    call->status = timed_out ? 408 : 200;
    struct json_writer *w = &call->w;
    json_object_begin(w);
    json_key_lit(w, "cluster_name");
    json_str(w, STR("naru"));
    json_key_lit(w, "status");
    json_str(w, health.status);
    json_key_lit(w, "timed_out");
    json_bool(w, timed_out);
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

static const char *const cluster_health_routes[] = {"GET /_cluster/health",
                                                    "GET /_cluster/health/{index}", NULL};
const struct endpoint endpoint_cluster_health = {.name = "cluster.health",
                                                 .summary = "Is everything well?",
                                                 .routes = cluster_health_routes,
                                                 .privilege = "monitor",
                                                 .params = cluster_health_opts,
                                                 .size = sizeof(struct cluster_health_params),
                                                 .run = cluster_health_run};
