/* SPDX-License-Identifier: Apache-2.0 */
/* mget.c: several documents by id. */
#include "base/str.h"
#include "query/source_filter.h"
#include "server/doc_reply.h"

struct mget_params {
    struct str source, includes, excludes, routing, preference, refresh;
    bool realtime;
};
static const struct opt mget_opts[] = {
    OPT_STR(struct mget_params, source, .name = "_source", .help = "true, false or fields"),
    OPT_STR(struct mget_params, includes, .name = "_source_includes", .help = "fields to show"),
    OPT_STR(struct mget_params, excludes, .name = "_source_excludes", .help = "fields to leave out"),
    OPT_BOOL(struct mget_params, realtime, .dflt = "true", .help = "sees writes before the next refresh"),
    OPT_STR(struct mget_params, refresh, .help = "refresh before"),
    OPT_STR(struct mget_params, routing, .help = "accepted"),
    OPT_STR(struct mget_params, preference, .help = "accepted"),
    OPT_END};

static int get_one(struct rest_call *call, struct str index, struct str id, struct err *err)
{
    const struct mget_params *params = call->params;
    struct json_writer *w = &call->w;
    struct doc_get doc;
    struct err reason;
    struct str source;
    json_object_begin(w);
    if (engine_get(call->context->engine, index, id, params->realtime, call->mem, &doc, &reason) < 0) {
        json_key_lit(w, "_index");
        json_str(w, index);
        json_key_lit(w, "_type");
        json_str(w, STR("_doc"));
        json_key_lit(w, "_id");
        json_str(w, id);
        json_key_lit(w, "error");
        rest_error_object_write(&reason, w);
    } else {
        TRY(source_filter_params(doc.source, params->source, params->includes, params->excludes, call->mem, &source, err));
        doc_get_write(&doc, index, id, source, w);
    }
    json_object_end(w);
    return 0;
}

static int get_item(struct rest_call *call, const struct value *item, struct err *err)
{
    struct str index = rest_part(call, "index");
    const struct value *id = item;
    if (item->kind == VALUE_MAP) {
        const struct value *own = value_map_get_lit(item, "_index");
        index = own && own->kind == VALUE_STR ? own->s : index;
        id = value_map_get_lit(item, "_id");
    }
    if (!index.p)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: index is missing for doc 0;");
    if (!id || id->kind == VALUE_MAP || id->kind == VALUE_LIST)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: id is missing for doc 0;");
    return get_one(call, index, value_to_str(call->mem, id), err);
}

static int mget_run(struct rest_call *call, struct err *err)
{
    struct value body;
    TRY(rest_body_required(call, &body, err));
    const struct value *items = value_map_get_lit(&body, "docs");
    if (!items)
        items = value_map_get_lit(&body, "ids");
    if (!items || items->kind != VALUE_LIST || items->list->count == 0)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: no documents to get;");
    json_object_begin(&call->w);
    json_key_lit(&call->w, "docs");
    json_array_begin(&call->w);
    for (size_t i = 0; i < items->list->count; i++)
        TRY(get_item(call, &items->list->items[i], err));
    json_array_end(&call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const mget_routes[] = {"GET /_mget", "POST /_mget", "GET /{index}/_mget", "POST /{index}/_mget", NULL};
const struct endpoint endpoint_mget = {
    .name = "mget", .summary = "Several documents by id.", .routes = mget_routes, .params = mget_opts,
    .size = sizeof(struct mget_params), .privilege = "read", .run = mget_run};
