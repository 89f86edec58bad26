/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.c: POST _refresh of one, several or all indices. */
#include "index/engine.h"
#include "server/search_call.h"

struct refresh_params {
    struct index_options indices;
};
static const struct opt refresh_opts[] = {INDEX_OPTIONS(struct refresh_params), OPT_END};

static int refresh_run(struct rest_call *call, struct err *err)
{
    const struct refresh_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(engine_refresh(call->context->engine, names[i], err));
    json_object_begin(&call->w);
    rest_shards_write(&call->w, count);
    json_object_end(&call->w);
    return 0;
}

static const char *const refresh_routes[] = {
    "POST /_refresh", "GET /_refresh", "POST /{index}/_refresh", "GET /{index}/_refresh", NULL};
const struct endpoint endpoint_refresh = {.name = "indices.refresh",
                                          .summary = "Makes writes searchable.",
                                          .routes = refresh_routes,
                                          .params = refresh_opts,
                                          .size = sizeof(struct refresh_params),
                                          .privilege = "maintenance",
                                          .run = refresh_run};
