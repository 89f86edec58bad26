/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c: GET _nodes and _nodes/http: what clients that look for nodes ask. */
#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "server/rest.h"

static int nodes_run(struct rest_call *call, struct err *err)
{
    (void)err;
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
    json_key_lit(w, "version");
    json_str(w, STR("7.10.2"));
    json_key_lit(w, "roles");
    json_raw(w, STR("[\"data\",\"ingest\",\"master\"]"));
    json_key_lit(w, "http");
    json_object_begin(w);
    json_key_lit(w, "publish_address");
    json_str(w, arena_printf(call->mem, "127.0.0.1:%u", call->context->http_port));
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

static const char *const nodes_routes[] = {"GET /_nodes", "GET /_nodes/{metric}", "GET /_nodes/{node}/{metric}", NULL};
const struct endpoint endpoint_nodes = {
    .name = "nodes.info", .summary = "This node.", .routes = nodes_routes, .privilege = "monitor", .takes_any_param = true,
    .run = nodes_run};
