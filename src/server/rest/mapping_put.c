/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_put.c: PUT _mapping: adds fields to existing indices. */
#include "index/engine.h"
#include "server/search_call.h"

struct mapping_put_params {
    struct index_options indices;
    struct str timeout, master_timeout;
    bool include_type_name, write_index_only;
};
static const struct opt mapping_put_opts[] = {
    INDEX_OPTIONS(struct mapping_put_params),
    OPT_STR(struct mapping_put_params, timeout, .help = "accepted"),
    OPT_STR(struct mapping_put_params, master_timeout, .help = "accepted"),
    OPT_BOOL(struct mapping_put_params, include_type_name, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct mapping_put_params, write_index_only, .dflt = "false", .help = "accepted"),
    OPT_END};

static int mapping_put_run(struct rest_call *call, struct err *err)
{
    const struct mapping_put_params *params = call->params;
    struct str *names;
    size_t count;
    struct value body;
    TRY(rest_body_required(call, &body, err));
    TRY(engine_resolve(call->context->engine, rest_part(call, "index"),
                       params->indices.ignore_unavailable, call->mem, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(engine_mapping_put(call->context->engine, names[i], &body, err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "acknowledged");
    json_bool(&call->w, true);
    json_object_end(&call->w);
    return 0;
}

static const char *const mapping_put_routes[] = {"PUT /{index}/_mapping", "POST /{index}/_mapping",
                                                 "PUT /{index}/_mappings", NULL};
const struct endpoint endpoint_mapping_put = {.name = "indices.put_mapping",
                                              .summary = "Adds fields to indices.",
                                              .routes = mapping_put_routes,
                                              .params = mapping_put_opts,
                                              .size = sizeof(struct mapping_put_params),
                                              .privilege = "manage",
                                              .run = mapping_put_run};
