/* SPDX-License-Identifier: Apache-2.0 */
/* doc_delete.c: DELETE of one document. */
#include "server/doc_reply.h"

struct doc_delete_params {
    struct write_params write;
};
static const struct opt doc_delete_opts[] = {WRITE_PARAMS(struct doc_delete_params), OPT_END};

static int doc_delete_run(struct rest_call *call, struct err *err)
{
    const struct doc_delete_params *params = call->params;
    struct doc_write write = DOC_WRITE_INIT;
    write.op = DOC_DELETE;
    write.index = rest_part(call, "index");
    write.id = rest_part(call, "id");
    TRY(write_params_apply(&params->write, &write, err));
    return doc_write_run(call, &write, params->write.refresh, err);
}

static const char *const doc_delete_routes[] = {"DELETE /{index}/_doc/{id}", NULL};
const struct endpoint endpoint_doc_delete = {.name = "delete",
                                             .summary = "Deletes one document.",
                                             .routes = doc_delete_routes,
                                             .params = doc_delete_opts,
                                             .size = sizeof(struct doc_delete_params),
                                             .privilege = "index",
                                             .run = doc_delete_run};
