/* SPDX-License-Identifier: Apache-2.0 */
/* doc_get.c: GET and HEAD of one document, realtime. */
#include "base/str.h"
#include "query/source_filter.h"
#include "server/doc_reply.h"

struct doc_get_params {
    struct str source, includes, excludes, routing, preference, refresh, stored_fields,
        version_type;
    bool realtime;
    int64_t version;
};
#define SOURCE_PARAMS                                                                              \
    OPT_STR(struct doc_get_params, source, .name = "_source", .help = "true, false or fields"),    \
        OPT_STR(struct doc_get_params, includes, .name = "_source_includes",                       \
                .help = "fields to show"),                                                         \
        OPT_STR(struct doc_get_params, excludes, .name = "_source_excludes",                       \
                .help = "fields to leave out"),                                                    \
        OPT_BOOL(struct doc_get_params, realtime, .dflt = "true",                                  \
                 .help = "sees writes before the next refresh"),                                   \
        OPT_STR(struct doc_get_params, refresh, .help = "true: refresh before"),                   \
        OPT_STR(struct doc_get_params, routing, .help = "accepted"),                               \
        OPT_STR(struct doc_get_params, preference, .help = "accepted")

static const struct opt doc_get_opts[] = {
    SOURCE_PARAMS,
    OPT_INT(struct doc_get_params, version, .dflt = "-3", .help = "the version it must have"),
    OPT_STR(struct doc_get_params, version_type, .help = "internal, external or external_gte"),
    OPT_END};
static const struct opt doc_source_opts[] = {SOURCE_PARAMS, OPT_END};

static int get_document(struct rest_call *call, const struct read_version *wanted,
                        struct doc_get *ret_doc, struct err *err)
{
    const struct doc_get_params *params = call->params;
    struct str index = rest_part(call, "index"), id = rest_part(call, "id");
    bool has_refresh;
    TRY(read_refresh_parse(params->refresh, &has_refresh, err));
    if (has_refresh)
        TRY(engine_refresh(call->context->engine, index, err));
    TRY(engine_get(call->context->engine, index, id, params->realtime, call->mem, ret_doc, err));
    call->place = (struct rest_place){ret_doc->index, ret_doc->index_uuid};
    return read_version_check(ret_doc, wanted, err);
}

static int doc_get_run(struct rest_call *call, struct err *err)
{
    const struct doc_get_params *params = call->params;
    struct str index = rest_part(call, "index"), id = rest_part(call, "id"), source;
    struct doc_get doc;
    struct read_version wanted;
    TRY(read_version_parse(params->version, params->version_type, &wanted, err));
    TRY(get_document(call, &wanted, &doc, err));
    TRY(source_filter_params(doc.source, params->source, params->includes, params->excludes,
                             call->mem, &source, err));
    call->status = doc.is_found ? 200 : 404;
    json_object_begin(&call->w);
    doc_get_write(&doc, index, id, source, &call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const doc_get_routes[] = {"GET /{index}/_doc/{id}", NULL};
const struct endpoint endpoint_doc_get = {.name = "get",
                                          .summary = "One document by its id.",
                                          .routes = doc_get_routes,
                                          .params = doc_get_opts,
                                          .size = sizeof(struct doc_get_params),
                                          .privilege = "read",
                                          .run = doc_get_run};

/* GET /{index}/_source/{id}: only the source. */
static int doc_source_run(struct rest_call *call, struct err *err)
{
    const struct doc_get_params *params = call->params;
    struct str index = rest_part(call, "index"), id = rest_part(call, "id"), source;
    struct doc_get doc;
    TRY(get_document(call, &(struct read_version){.version = VERSION_NONE}, &doc, err));
    if (!doc.is_found)
        return err_set(err, ERR_NOT_FOUND, "Document not found [" STR_FMT "]/[_doc]/[" STR_FMT "]",
                       STR_ARG(index), STR_ARG(id));
    TRY(source_filter_params(doc.source, params->source, params->includes, params->excludes,
                             call->mem, &source, err));
    json_raw(&call->w, source.p ? source : STR("{}"));
    return 0;
}

static const char *const doc_source_routes[] = {"GET /{index}/_source/{id}", NULL};
const struct endpoint endpoint_doc_source = {.name = "get_source",
                                             .summary = "The source of one document.",
                                             .routes = doc_source_routes,
                                             .params = doc_source_opts,
                                             .size = sizeof(struct doc_get_params),
                                             .privilege = "read",
                                             .run = doc_source_run};
