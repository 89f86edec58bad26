/* SPDX-License-Identifier: Apache-2.0 */
/* cache_clear.c: POST _cache/clear of one, several or all indices. Only searches' filters are kept
 * (index/filter_cache.h); there is no request cache and no field data to forget. */
#include "index/engine.h"
#include "server/search_call.h"

struct cache_clear_params {
    struct index_options indices;
    bool query, fielddata, request;
    struct str fields, index;
};
static const struct opt cache_clear_opts[] = {
    INDEX_OPTIONS(struct cache_clear_params),
    OPT_BOOL(struct cache_clear_params, query, .help = "what is kept of filters"),
    OPT_BOOL(struct cache_clear_params, fielddata, .help = "accepted: nothing is kept"),
    OPT_BOOL(struct cache_clear_params, request, .help = "accepted: nothing is kept"),
    OPT_STR(struct cache_clear_params, fields, .help = "accepted"),
    OPT_STR(struct cache_clear_params, index, .help = "accepted"),
    OPT_END};

static int cache_clear_run(struct rest_call *call, struct err *err)
{
    const struct cache_clear_params *params = call->params;
    struct str *names;
    size_t count;
    /* With none of them named, all are meant. */
    bool clears = params->query || (!params->fielddata && !params->request && !params->fields.n);
    TRY(call_indices(call, &params->indices, &names, &count, err));
    for (size_t i = 0; clears && i < count; i++)
        TRY(engine_filters_clear(call->context->engine, names[i], err));
    json_object_begin(&call->w);
    rest_shards_write(&call->w, count);
    json_object_end(&call->w);
    return 0;
}

static const char *const cache_clear_routes[] = {"POST /_cache/clear", "POST /{index}/_cache/clear",
                                                 NULL};
const struct endpoint endpoint_cache_clear = {.name = "indices.clear_cache",
                                              .summary = "Forgets what is kept of filters.",
                                              .routes = cache_clear_routes,
                                              .params = cache_clear_opts,
                                              .size = sizeof(struct cache_clear_params),
                                              .privilege = "maintenance",
                                              .run = cache_clear_run};
