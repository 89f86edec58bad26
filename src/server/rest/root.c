/* SPDX-License-Identifier: Apache-2.0 */
/* root.c: GET /: who answers. Clients of Elasticsearch check the version here. */
#include "server/rest.h"

static void member(struct json_writer *w, struct str key, struct str value)
{
    json_key(w, key);
    json_str(w, value);
}

static int root_run(struct rest_call *call, struct err *err)
{
    (void)err;
    struct json_writer *w = &call->w;
    json_object_begin(w);
    member(w, STR("name"), call->context->node_name);
    member(w, STR("cluster_name"), STR("naru"));
    member(w, STR("cluster_uuid"), STR("_na_"));
    json_key_lit(w, "version");
    json_object_begin(w);
    member(w, STR("number"), STR("7.10.2"));
    member(w, STR("build_flavor"), STR("oss"));
    member(w, STR("build_type"), STR("tar"));
    member(w, STR("build_hash"), STR("naru-" NARU_VERSION));
    member(w, STR("build_date"), STR("2021-01-13T00:42:12.435326Z"));
    json_key_lit(w, "build_snapshot");
    json_bool(w, false);
    member(w, STR("lucene_version"), STR("8.7.0"));
    member(w, STR("minimum_wire_compatibility_version"), STR("6.8.0"));
    member(w, STR("minimum_index_compatibility_version"), STR("6.0.0-beta1"));
    json_object_end(w);
    member(w, STR("tagline"), STR("You Know, for Search"));
    json_object_end(w);
    return 0;
}

static const char *const root_routes[] = {"GET /", NULL};
const struct endpoint endpoint_root = {.name = "info",
                                       .summary = "Name and version.",
                                       .routes = root_routes,
                                       .privilege = "monitor",
                                       .run = root_run};
