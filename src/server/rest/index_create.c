/* SPDX-License-Identifier: Apache-2.0 */
/* index_create.c: PUT /{index}. */
#include "index/engine.h"
#include "server/rest.h"

struct index_create_params {
    struct str timeout, master_timeout, wait_for_active_shards;
    bool include_type_name;
};
static const struct opt index_create_opts[] = {
    OPT_STR(struct index_create_params, timeout, .help = "accepted"),
    OPT_STR(struct index_create_params, master_timeout, .help = "accepted"),
    OPT_STR(struct index_create_params, wait_for_active_shards, .help = "accepted"),
    OPT_BOOL(struct index_create_params, include_type_name, .dflt = "false",
             .help = "mappings have a type level"),
    OPT_END};

static int index_create_run(struct rest_call *call, struct err *err)
{
    struct str index = rest_part(call, "index");
    struct value body;
    TRY(rest_body(call, &body, err));
    TRY(engine_index_create(call->context->engine, index, &body, err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "acknowledged");
    json_bool(&call->w, true);
    json_key_lit(&call->w, "shards_acknowledged");
    json_bool(&call->w, true);
    json_key_lit(&call->w, "index");
    json_str(&call->w, index);
    json_object_end(&call->w);
    return 0;
}

static const char *const index_create_routes[] = {"PUT /{index}", NULL};
const struct endpoint endpoint_index_create = {.name = "indices.create",
                                               .summary = "Makes an index.",
                                               .routes = index_create_routes,
                                               .params = index_create_opts,
                                               .size = sizeof(struct index_create_params),
                                               .privilege = "manage",
                                               .run = index_create_run};
