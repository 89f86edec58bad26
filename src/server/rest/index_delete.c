/* SPDX-License-Identifier: Apache-2.0 */
/* index_delete.c: DELETE /{index}. */
#include "index/engine.h"
#include "server/search_call.h"

struct index_delete_params {
    struct index_options indices;
    struct str timeout, master_timeout;
};
static const struct opt index_delete_opts[] = {INDEX_OPTIONS(struct index_delete_params),
                                               OPT_STR(struct index_delete_params, timeout, .help = "accepted"),
                                               OPT_STR(struct index_delete_params, master_timeout, .help = "accepted"),
                                               OPT_END};

static int index_delete_run(struct rest_call *call, struct err *err)
{
    const struct index_delete_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(engine_resolve(call->context->engine, rest_part(call, "index"), params->indices.ignore_unavailable, call->mem, &names,
                       &count, err));
    if (count == 0 && !params->indices.allow_no_indices)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(rest_part(call, "index")));
    for (size_t i = 0; i < count; i++)
        TRY(engine_index_delete(call->context->engine, names[i], err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "acknowledged");
    json_bool(&call->w, true);
    json_object_end(&call->w);
    return 0;
}

static const char *const index_delete_routes[] = {"DELETE /{index}", NULL};
const struct endpoint endpoint_index_delete = {
    .name = "indices.delete", .summary = "Removes indices.", .routes = index_delete_routes, .params = index_delete_opts,
    .size = sizeof(struct index_delete_params), .privilege = "manage", .run = index_delete_run};
