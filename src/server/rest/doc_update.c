/* SPDX-License-Identifier: Apache-2.0 */
/* doc_update.c: POST /{index}/_update/{id}: a partial document, an upsert. Scripts are not there
 * yet and say so. */
#include "server/doc_reply.h"

struct doc_update_params {
    struct write_params write;
    int64_t retry_on_conflict;
    struct str source;
};
static const struct opt doc_update_opts[] = {
    WRITE_PARAMS(struct doc_update_params),
    OPT_INT(struct doc_update_params, retry_on_conflict, .dflt = "0",
            .help = "accepted: writers of one document wait for each other"),
    OPT_END};

static int doc_update_run(struct rest_call *call, struct err *err)
{
    const struct doc_update_params *params = call->params;
    struct value body;
    TRY(rest_body_required(call, &body, err));
    if (value_map_get_lit(&body, "script"))
        return err_set(err, ERR_UNSUPPORTED, "update by [script] is not there yet: send [doc]");
    struct doc_write write = DOC_WRITE_INIT;
    write.op = DOC_UPDATE;
    write.index = rest_part(call, "index");
    write.id = rest_part(call, "id");
    write.source = call->body;
    TRY(write_params_apply(&params->write, &write, err));
    return doc_write_run(call, &write, params->write.refresh, err);
}

static const char *const doc_update_routes[] = {"POST /{index}/_update/{id}", NULL};
const struct endpoint endpoint_doc_update = {.name = "update",
                                             .summary = "Changes part of a document.",
                                             .routes = doc_update_routes,
                                             .params = doc_update_opts,
                                             .size = sizeof(struct doc_update_params),
                                             .privilege = "index",
                                             .run = doc_update_run};
