/* SPDX-License-Identifier: Apache-2.0 */
/* mget.c: several documents by id. One that cannot be read has its error in its place. */
#include "base/arena.h"
#include "base/buf.h"
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
    OPT_STR(struct mget_params, excludes, .name = "_source_excludes",
            .help = "fields to leave out"),
    OPT_BOOL(struct mget_params, realtime, .dflt = "true",
             .help = "sees writes before the next refresh"),
    OPT_STR(struct mget_params, refresh, .help = "refresh before"),
    OPT_STR(struct mget_params, routing, .help = "accepted"),
    OPT_STR(struct mget_params, preference, .help = "accepted"),
    OPT_END};

/* What to show of a document's source: the request's parameters, or the item's own _source. */
struct wanted {
    struct str source, includes, excludes;
    struct read_version version;
};

static int read_one(struct rest_call *call, struct str index, struct str id,
                    const struct wanted *wanted, struct doc_get *ret_doc, struct err *err)
{
    const struct mget_params *params = call->params;
    bool has_refresh;
    TRY(read_refresh_parse(params->refresh, &has_refresh, err));
    if (has_refresh)
        TRY(engine_refresh(call->context->engine, index, err));
    TRY(engine_get(call->context->engine, index, id, params->realtime, call->mem, ret_doc, err));
    return read_version_check(ret_doc, &wanted->version, err);
}

static int get_one(struct rest_call *call, struct str index, struct str id,
                   const struct wanted *wanted, struct err *err)
{
    struct json_writer *w = &call->w;
    struct doc_get doc = {0};
    struct err reason;
    struct str source;
    int rc = read_one(call, index, id, wanted, &doc, &reason);
    json_object_begin(w);
    if (rc < 0) {
        struct rest_place place = {doc.index, doc.index_uuid};
        json_key_lit(w, "_index");
        json_str(w, index);
        json_key_lit(w, "_type");
        json_null(w);
        json_key_lit(w, "_id");
        json_str(w, id);
        json_key_lit(w, "error");
        rest_error_caused_write(&reason, &place, w);
    } else {
        TRY(source_filter_params(doc.source, wanted->source, wanted->includes, wanted->excludes,
                                 call->mem, &source, err));
        doc_get_write(&doc, index, id, source, w);
    }
    json_object_end(w);
    return 0;
}

/* ["a","b"] or "a" -> "a,b", as the parameters have it. */
static struct str joined(struct arena *mem, const struct value *v)
{
    struct buf out;
    if (!v)
        return STR_NONE;
    if (v->kind != VALUE_LIST)
        return value_to_str(mem, v);
    buf_init(&out, MIB);
    for (size_t i = 0; i < v->list->count; i++)
        buf_printf(&out, "%s" STR_FMT, i ? "," : "",
                   STR_ARG(value_to_str(mem, &v->list->items[i])));
    struct str s = out.n ? arena_str(mem, buf_str(&out)) : STR_NONE;
    buf_deinit(&out);
    return s;
}

static const struct value *either(const struct value *map, const char *name, const char *other)
{
    const struct value *v = value_map_get(map, str_from(name));
    return v ? v : value_map_get(map, str_from(other));
}

static struct wanted item_source(struct arena *mem, const struct value *source)
{
    if (source->kind != VALUE_MAP)
        return (struct wanted){.source = joined(mem, source)};
    return (struct wanted){.includes = joined(mem, either(source, "includes", "include")),
                           .excludes = joined(mem, either(source, "excludes", "exclude"))};
}

static int check_item(const struct value *item, struct err *err)
{
    static const char *const known[] = {"_index",   "_type",   "_id",          "_source", "routing",
                                        "_routing", "version", "version_type", NULL};
    for (size_t i = 0; i < item->map->count; i++) {
        if (!rest_is_one_of(item->map->keys[i], known))
            return err_set(err, ERR_INVALID,
                           "unknown parameter [" STR_FMT "] of a document in _mget",
                           STR_ARG(item->map->keys[i]));
    }
    return 0;
}

static int item_version(const struct value *item, struct read_version *ret, struct err *err)
{
    const struct value *version = value_map_get_lit(item, "version"),
                       *type = value_map_get_lit(item, "version_type");
    if (version && version->kind != VALUE_INT)
        return err_set(err, ERR_INVALID, "version of a document in _mget must be a whole number");
    return read_version_parse(version ? version->i : VERSION_NONE,
                              type && type->kind == VALUE_STR ? type->s : STR_NONE, ret, err);
}

static int get_item(struct rest_call *call, const struct value *item, size_t number,
                    struct err *err)
{
    const struct mget_params *params = call->params;
    struct wanted wanted = {params->source, params->includes, params->excludes,
                            .version = {.version = VERSION_NONE}};
    struct str index = rest_part(call, "index");
    const struct value *id = item;
    if (item->kind == VALUE_MAP) {
        const struct value *own = value_map_get_lit(item, "_index"),
                           *source = value_map_get_lit(item, "_source");
        TRY(check_item(item, err));
        index = own && own->kind == VALUE_STR ? own->s : index;
        id = value_map_get_lit(item, "_id");
        if (source)
            wanted = item_source(call->mem, source);
        TRY(item_version(item, &wanted.version, err));
    }
    if (!index.p)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: index is missing for doc %zu;",
                       number);
    if (!id || id->kind == VALUE_NULL || id->kind == VALUE_MAP || id->kind == VALUE_LIST)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: id is missing for doc %zu;",
                       number);
    return get_one(call, index, value_to_str(call->mem, id), &wanted, err);
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
        TRY(get_item(call, &items->list->items[i], i, err));
    json_array_end(&call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const mget_routes[] = {"GET /_mget", "POST /_mget", "GET /{index}/_mget",
                                          "POST /{index}/_mget", NULL};
const struct endpoint endpoint_mget = {.name = "mget",
                                       .summary = "Several documents by id.",
                                       .routes = mget_routes,
                                       .params = mget_opts,
                                       .size = sizeof(struct mget_params),
                                       .privilege = "read",
                                       .run = mget_run};
