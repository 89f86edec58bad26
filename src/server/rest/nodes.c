/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c: GET _nodes and _nodes/http: what clients that look for nodes ask. */
#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "server/rest.h"

struct nodes_params {
    struct str timeout;
    bool flat_settings;
};
static const struct opt nodes_opts[] = {
    OPT_STR(struct nodes_params, timeout, .help = "accepted"),
    OPT_BOOL(struct nodes_params, flat_settings, .help = "accepted"), OPT_END};

/* The last part may name other things than what a node is. */
static int check_metric(const struct rest_call *call, struct err *err)
{
    static const char *const missing[] = {"hot_threads", "usage", "reload_secure_settings", NULL};
    struct str metric = rest_part(call, "metric");
    if (metric.p && rest_is_one_of(metric, missing))
        return err_set(err, ERR_UNSUPPORTED,
                       "_nodes/" STR_FMT " is not there yet: use _nodes or _nodes/stats",
                       STR_ARG(metric));
    return 0;
}

static int nodes_run(struct rest_call *call, struct err *err)
{
    TRY(check_metric(call, err));
    struct json_writer *w = &call->w;
    json_object_begin(w);
    json_key_lit(w, "_nodes");
    json_raw(w, STR("{\"total\":1,\"successful\":1,\"failed\":0}"));
    json_key_lit(w, "cluster_name");
    json_str(w, STR("naru"));
    json_key_lit(w, "nodes");
    json_object_begin(w);
    json_key_lit(w, "naru");
    json_object_begin(w);
    json_key_lit(w, "name");
    json_str(w, call->context->node_name);
    json_key_lit(w, "host");
    json_str(w, STR("127.0.0.1"));
    json_key_lit(w, "ip");
    json_str(w, STR("127.0.0.1"));
    json_key_lit(w, "version");
    json_str(w, STR("7.10.2"));
    json_key_lit(w, "roles");
    json_raw(w, STR("[\"data\",\"ingest\",\"master\"]"));
    json_key_lit(w, "http");
    json_object_begin(w);
    json_key_lit(w, "publish_address");
    json_str(w, arena_printf(call->mem, "127.0.0.1:%u", call->context->http_port));
    json_object_end(w);
    json_key_lit(w, "os");
    json_object_begin(w);
    json_key_lit(w, "available_processors");
    json_u64(w, os_cpu_count());
    json_key_lit(w, "allocated_processors");
    json_u64(w, os_cpu_count());
    json_object_end(w);
    json_key_lit(w, "process");
    json_object_begin(w);
    json_key_lit(w, "id");
    json_i64(w, os_pid());
    json_key_lit(w, "resident_in_bytes");
    json_u64(w, os_rss_bytes());
    json_object_end(w);
    json_object_end(w);
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static const char *const nodes_routes[] = {"GET /_nodes", "GET /_nodes/{metric}",
                                           "GET /_nodes/{node}/{metric}", NULL};
const struct endpoint endpoint_nodes = {.name = "nodes.info",
                                        .summary = "This node.",
                                        .routes = nodes_routes,
                                        .privilege = "monitor",
                                        .params = nodes_opts,
                                        .size = sizeof(struct nodes_params),
                                        .run = nodes_run};
