/* SPDX-License-Identifier: Apache-2.0 */
/* index_get.c: GET /{index}: aliases, mappings and settings; HEAD: is it there. */
#include "index/engine.h"
#include "server/search_call.h"

struct index_get_params {
    struct index_options indices;
    bool local, flat_settings, include_defaults, include_type_name;
    struct str master_timeout;
};
static const struct opt index_get_opts[] = {
    INDEX_OPTIONS(struct index_get_params),
    OPT_BOOL(struct index_get_params, local, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct index_get_params, flat_settings, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct index_get_params, include_defaults, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct index_get_params, include_type_name, .dflt = "false", .help = "accepted"),
    OPT_STR(struct index_get_params, master_timeout, .help = "accepted"),
    OPT_END};

static int index_get_run(struct rest_call *call, struct err *err)
{
    const struct index_get_params *params = call->params;
    struct engine *engine = call->context->engine;
    struct str *names;
    size_t count;
    TRY(engine_resolve(engine, rest_part(call, "index"), params->indices.ignore_unavailable,
                       call->mem, &names, &count, err));
    if (count == 0 && (!params->indices.allow_no_indices || call->is_head))
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                       STR_ARG(rest_part(call, "index")));
    json_object_begin(&call->w);
    for (size_t i = 0; i < count; i++) {
        struct value aliases, mappings, settings;
        TRY(engine_aliases_get(engine, names[i], call->mem, &aliases, err));
        TRY(engine_mapping_get(engine, names[i], call->mem, &mappings, err));
        TRY(engine_settings_get(engine, names[i], call->mem, &settings, err));
        json_key(&call->w, names[i]);
        json_object_begin(&call->w);
        json_key_lit(&call->w, "aliases");
        value_write_json(&aliases, &call->w);
        json_key_lit(&call->w, "mappings");
        value_write_json(&mappings, &call->w);
        json_key_lit(&call->w, "settings");
        value_write_json(&settings, &call->w);
        json_object_end(&call->w);
    }
    json_object_end(&call->w);
    return 0;
}

static const char *const index_get_routes[] = {"GET /{index}", NULL};
const struct endpoint endpoint_index_get = {.name = "indices.get",
                                            .summary = "What an index is made of.",
                                            .routes = index_get_routes,
                                            .params = index_get_opts,
                                            .size = sizeof(struct index_get_params),
                                            .privilege = "view",
                                            .run = index_get_run};
