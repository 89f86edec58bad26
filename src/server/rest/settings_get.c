/* SPDX-License-Identifier: Apache-2.0 */
/* settings_get.c: GET _settings. */
#include "index/engine.h"
#include "server/search_call.h"

struct settings_get_params {
    struct index_options indices;
    bool local, flat_settings, include_defaults;
    struct str master_timeout;
};
static const struct opt settings_get_opts[] = {
    INDEX_OPTIONS(struct settings_get_params),
    OPT_BOOL(struct settings_get_params, local, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct settings_get_params, flat_settings, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct settings_get_params, include_defaults, .dflt = "false", .help = "accepted"),
    OPT_STR(struct settings_get_params, master_timeout, .help = "accepted"),
    OPT_END};

static int settings_get_run(struct rest_call *call, struct err *err)
{
    const struct settings_get_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    json_object_begin(&call->w);
    for (size_t i = 0; i < count; i++) {
        struct value settings;
        TRY(engine_settings_get(call->context->engine, names[i], call->mem, &settings, err));
        json_key(&call->w, names[i]);
        json_object_begin(&call->w);
        json_key_lit(&call->w, "settings");
        value_write_json(&settings, &call->w);
        json_object_end(&call->w);
    }
    json_object_end(&call->w);
    return 0;
}

static const char *const settings_get_routes[] = {"GET /_settings", "GET /{index}/_settings", NULL};
const struct endpoint endpoint_settings_get = {.name = "indices.get_settings",
                                               .summary = "Settings of indices.",
                                               .routes = settings_get_routes,
                                               .params = settings_get_opts,
                                               .size = sizeof(struct settings_get_params),
                                               .privilege = "view",
                                               .run = settings_get_run};
