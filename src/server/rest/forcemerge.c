/* SPDX-License-Identifier: Apache-2.0 */
/* forcemerge.c: POST _forcemerge of one, several or all indices. */
#include "index/engine.h"
#include "server/search_call.h"

struct forcemerge_params {
    struct index_options indices;
    bool flush, only_expunge_deletes;
    int64_t max_num_segments;
};
static const struct opt forcemerge_opts[] = {
    INDEX_OPTIONS(struct forcemerge_params),
    OPT_BOOL(struct forcemerge_params, flush, .dflt = "true",
             .help = "accepted: a merge is always durable"),
    OPT_BOOL(struct forcemerge_params, only_expunge_deletes, .dflt = "false", .help = "accepted"),
    OPT_INT(struct forcemerge_params, max_num_segments, .dflt = "-1", .min = -1, .max = 1000,
            .help = "segments to leave"),
    OPT_END};

static int forcemerge_run(struct rest_call *call, struct err *err)
{
    const struct forcemerge_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(engine_force_merge(call->context->engine, names[i],
                               params->max_num_segments > 0 ? (size_t)params->max_num_segments : 1,
                               err));
    json_object_begin(&call->w);
    rest_shards_write(&call->w, count);
    json_object_end(&call->w);
    return 0;
}

static const char *const forcemerge_routes[] = {"POST /_forcemerge", "POST /{index}/_forcemerge",
                                                NULL};
const struct endpoint endpoint_forcemerge = {.name = "indices.forcemerge",
                                             .summary = "Merges segments.",
                                             .routes = forcemerge_routes,
                                             .params = forcemerge_opts,
                                             .size = sizeof(struct forcemerge_params),
                                             .privilege = "maintenance",
                                             .run = forcemerge_run};
