/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_get.c: GET _mapping of one, several or all indices. */
#include "index/engine.h"
#include "server/search_call.h"

struct mapping_get_params {
    struct index_options indices;
    bool local, include_type_name;
    struct str master_timeout;
};
static const struct opt mapping_get_opts[] = {
    INDEX_OPTIONS(struct mapping_get_params),
    OPT_BOOL(struct mapping_get_params, local, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct mapping_get_params, include_type_name, .dflt = "false", .help = "accepted"),
    OPT_STR(struct mapping_get_params, master_timeout, .help = "accepted"), OPT_END};

static int mapping_get_run(struct rest_call *call, struct err *err)
{
    const struct mapping_get_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    json_object_begin(&call->w);
    for (size_t i = 0; i < count; i++) {
        struct value mappings;
        TRY(engine_mapping_get(call->context->engine, names[i], call->mem, &mappings, err));
        json_key(&call->w, names[i]);
        json_object_begin(&call->w);
        json_key_lit(&call->w, "mappings");
        value_write_json(&mappings, &call->w);
        json_object_end(&call->w);
    }
    json_object_end(&call->w);
    return 0;
}

static const char *const mapping_get_routes[] = {"GET /_mapping", "GET /{index}/_mapping",
                                                 "GET /_mappings", "GET /{index}/_mappings", NULL};
const struct endpoint endpoint_mapping_get = {.name = "indices.get_mapping",
                                              .summary = "Fields and their types.",
                                              .routes = mapping_get_routes,
                                              .params = mapping_get_opts,
                                              .size = sizeof(struct mapping_get_params),
                                              .privilege = "view",
                                              .run = mapping_get_run};
