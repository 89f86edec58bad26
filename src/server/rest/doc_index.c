/* SPDX-License-Identifier: Apache-2.0 */
/* doc_index.c: PUT and POST of one document, and _create. */
#include "base/str.h"
#include "server/doc_reply.h"

struct doc_index_params {
    struct write_params write;
    struct str op_type;
};
static const struct opt doc_index_opts[] = {
    WRITE_PARAMS(struct doc_index_params),
    OPT_STR(struct doc_index_params, op_type, .help = "index or create"), OPT_END};

static int doc_index_run(struct rest_call *call, struct err *err)
{
    const struct doc_index_params *params = call->params;
    struct doc_write write = DOC_WRITE_INIT;
    write.index = rest_part(call, "index");
    write.id = rest_part(call, "id");
    write.source = call->body;
    bool is_create_path = str_find(call->path, STR("/_create/")) >= 0;
    write.op = is_create_path || str_is(params->op_type, "create") ? DOC_CREATE : DOC_INDEX;
    if (params->op_type.p && !str_is(params->op_type, "create") &&
        !str_is(params->op_type, "index"))
        return err_set(err, ERR_INVALID, "opType must be 'create' or 'index', found: [" STR_FMT "]",
                       STR_ARG(params->op_type));
    if (write.source.n == 0)
        return err_set(err, ERR_BODY, "request body is required");
    TRY(write_params_apply(&params->write, &write, err));
    return doc_write_run(call, &write, params->write.refresh, err);
}

static const char *const doc_index_routes[] = {
    "PUT /{index}/_doc/{id}",    "POST /{index}/_doc/{id}",    "POST /{index}/_doc",
    "PUT /{index}/_create/{id}", "POST /{index}/_create/{id}", NULL};
const struct endpoint endpoint_doc_index = {.name = "index",
                                            .summary = "Writes one document.",
                                            .routes = doc_index_routes,
                                            .params = doc_index_opts,
                                            .size = sizeof(struct doc_index_params),
                                            .privilege = "index",
                                            .run = doc_index_run};
