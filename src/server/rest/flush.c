/* SPDX-License-Identifier: Apache-2.0 */
/* flush.c: POST _flush of one, several or all indices. */
#include "index/engine.h"
#include "server/search_call.h"

struct flush_params {
    struct index_options indices;
    bool force, wait_if_ongoing;
};
static const struct opt flush_opts[] = {
    INDEX_OPTIONS(struct flush_params),
    OPT_BOOL(struct flush_params, force, .dflt = "false", .help = "accepted"),
    OPT_BOOL(struct flush_params, wait_if_ongoing, .dflt = "true", .help = "accepted"), OPT_END};

static int flush_run(struct rest_call *call, struct err *err)
{
    const struct flush_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(engine_flush(call->context->engine, names[i], err));
    json_object_begin(&call->w);
    rest_shards_write(&call->w, count);
    json_object_end(&call->w);
    return 0;
}

static const char *const flush_routes[] = {"POST /_flush", "GET /_flush", "POST /{index}/_flush",
                                           "GET /{index}/_flush", NULL};
const struct endpoint endpoint_flush = {.name = "indices.flush",
                                        .summary = "Writes what is in memory to segment files.",
                                        .routes = flush_routes,
                                        .params = flush_opts,
                                        .size = sizeof(struct flush_params),
                                        .privilege = "maintenance",
                                        .run = flush_run};
