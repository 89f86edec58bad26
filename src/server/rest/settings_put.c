/* SPDX-License-Identifier: Apache-2.0 */
/* settings_put.c: PUT _settings. */
#include "index/engine.h"
#include "server/search_call.h"

struct settings_put_params {
    struct index_options indices;
    struct str timeout, master_timeout;
    bool preserve_existing, flat_settings;
};
static const struct opt settings_put_opts[] = {
    INDEX_OPTIONS(struct settings_put_params),
    OPT_STR(struct settings_put_params, timeout, .help = "accepted"),
    OPT_STR(struct settings_put_params, master_timeout, .help = "accepted"),
    OPT_BOOL(struct settings_put_params, flat_settings, .dflt = "false", .help = "accepted"),
    OPT_END};

static int settings_put_run(struct rest_call *call, struct err *err)
{
    const struct settings_put_params *params = call->params;
    struct str *names;
    size_t count;
    struct value body;
    TRY(rest_body_required(call, &body, err));
    TRY(call_indices(call, &params->indices, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(engine_settings_put(call->context->engine, names[i], &body, err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "acknowledged");
    json_bool(&call->w, true);
    json_object_end(&call->w);
    return 0;
}

static const char *const settings_put_routes[] = {"PUT /_settings", "PUT /{index}/_settings", NULL};
const struct endpoint endpoint_settings_put = {.name = "indices.put_settings",
                                               .summary = "Changes settings of indices.",
                                               .routes = settings_put_routes,
                                               .params = settings_put_opts,
                                               .size = sizeof(struct settings_put_params),
                                               .privilege = "manage",
                                               .run = settings_put_run};
