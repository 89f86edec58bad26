/* SPDX-License-Identifier: Apache-2.0 */
/* cluster_health.c: GET _cluster/health. What can be waited for on one node is the recovery of its
 * indices from the log. */
#include "base/clock.h"
#include "base/str.h"
#include "server/health.h"
#include "server/rest.h"

struct cluster_health_params {
    struct str level, wait_for_active_shards, wait_for_nodes, wait_for_events, master_timeout,
        expand_wildcards;
    int64_t timeout_ns;
    int wait_for_status;
    bool local, wait_for_no_relocating_shards, wait_for_no_initializing_shards;
};
enum { WAIT_GREEN, WAIT_YELLOW, WAIT_RED, WAIT_NONE }; /* positions in the list */
#define POLL_NS     (20 * NS_PER_MS)
#define WAITERS_MAX 2u   /* requests that wait at a time: each holds a worker of the server */
static uint32_t waiters; /* atomic */
static const char *const statuses[] = {"green", "yellow", "red", "none", NULL};
static const struct opt cluster_health_opts[] = {
    OPT_ENUM(struct cluster_health_params, wait_for_status, .dflt = "none", .choices = statuses,
             .help = "408 when it is worse"),
    OPT_STR(struct cluster_health_params, level, .help = "only cluster is there"),
    OPT_STR(struct cluster_health_params, wait_for_active_shards, .help = "accepted"),
    OPT_STR(struct cluster_health_params, wait_for_nodes, .help = "accepted"),
    OPT_STR(struct cluster_health_params, wait_for_events, .help = "accepted"),
    OPT_DURATION(struct cluster_health_params, timeout_ns, .name = "timeout", .dflt = "30s",
                 .help = "how long to wait for the status"),
    OPT_STR(struct cluster_health_params, master_timeout, .help = "accepted"),
    OPT_STR(struct cluster_health_params, expand_wildcards, .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, local, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, wait_for_no_relocating_shards, .dflt = "false",
             .help = "accepted"),
    OPT_BOOL(struct cluster_health_params, wait_for_no_initializing_shards, .dflt = "false",
             .help = "wait until no index is being recovered"),
    OPT_END};

static void number(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_from(key));
    json_u64(w, v);
}

static int rank_of(struct str status)
{
    return str_is(status, "green") ? WAIT_GREEN : str_is(status, "yellow") ? WAIT_YELLOW : WAIT_RED;
}

static bool is_reached(const struct cluster_health_params *params, const struct health *health)
{
    return rank_of(health->status) <= params->wait_for_status &&
           (!params->wait_for_no_initializing_shards || health->recovering_count == 0);
}

/* Only recovery ends by itself; an index that cannot be written does not get well by waiting. */
static int reach(struct rest_call *call, struct health *health, struct err *err)
{
    const struct cluster_health_params *params = call->params;
    struct clock *clock = call->context->clock;
    int64_t until_ns = clock_monotonic_ns(clock) + params->timeout_ns;
    struct str index = rest_part(call, "index");
    TRY(health_of(call->context->engine, index, call->mem, health, err));
    if (is_reached(params, health) || health->recovering_count == 0)
        return 0;
    bool may_wait = __atomic_add_fetch(&waiters, 1, __ATOMIC_RELAXED) <= WAITERS_MAX;
    int rc = 0;
    while (rc == 0 && may_wait && !is_reached(params, health) && health->recovering_count > 0 &&
           clock_monotonic_ns(clock) < until_ns) {
        clock_sleep_ns(clock, POLL_NS);
        rc = health_of(call->context->engine, index, call->mem, health, err);
    }
    __atomic_sub_fetch(&waiters, 1, __ATOMIC_RELAXED);
    return rc;
}

static int cluster_health_run(struct rest_call *call, struct err *err)
{
    const struct cluster_health_params *params = call->params;
    struct health health;
    if (params->level.p && !str_is(params->level, "cluster"))
        return err_set(err, ERR_UNSUPPORTED,
                       "level [" STR_FMT "] of the cluster's health is not there: use cluster",
                       STR_ARG(params->level));
    TRY(reach(call, &health, err));
    bool timed_out = !is_reached(params, &health);
    size_t active = health.index_count - health.recovering_count - health.failed_count;
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
    number(w, "active_primary_shards", active);
    number(w, "active_shards", active);
    number(w, "relocating_shards", 0);
    number(w, "initializing_shards", health.recovering_count);
    number(w, "unassigned_shards", health.failed_count);
    number(w, "delayed_unassigned_shards", 0);
    number(w, "number_of_pending_tasks", 0);
    number(w, "number_of_in_flight_fetch", 0);
    number(w, "task_max_waiting_in_queue_millis", 0);
    json_key_lit(w, "active_shards_percent_as_number");
    json_f64(w, health.index_count ? 100.0 * (double)active / (double)health.index_count : 100.0);
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
