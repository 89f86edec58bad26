/* SPDX-License-Identifier: Apache-2.0 */
/* scroll.c: the next page of a scroll, and its end. */
#include "base/str.h"
#include "server/search_call.h"

#define SCROLL_KEEP_NS_DEFAULT (60 * NS_PER_S)

struct scroll_params {
    struct str scroll, scroll_id;
    bool total_as_int;
};
static const struct opt scroll_opts[] = {
    OPT_STR(struct scroll_params, scroll, .help = "keep it open for so long: 1m"),
    OPT_STR(struct scroll_params, scroll_id, .help = "which"),
    OPT_BOOL(struct scroll_params, total_as_int, .name = "rest_total_hits_as_int", .dflt = "false",
             .help = "total as a number"),
    OPT_END};

static struct str text_of(const struct value *body, const char *name, struct str otherwise)
{
    const struct value *v = value_map_get(body, str_from(name));
    return v && v->kind == VALUE_STR ? v->s : otherwise;
}

static int clear(struct rest_call *call, const struct value *body, struct str id, struct err *err)
{
    size_t freed = 0;
    const struct value *ids = value_map_get_lit(body, "scroll_id");
    if (!ids && !id.p)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: no scroll ids specified;");
    if (ids && ids->kind == VALUE_LIST) {
        for (size_t i = 0; i < ids->list->count; i++)
            freed +=
                scroll_clear(call->context->scrolls, value_to_str(call->mem, &ids->list->items[i]));
    } else {
        struct str part;
        while (str_split_next(&id, ',', &part))
            freed += scroll_clear(call->context->scrolls, part);
    }
    call->status = freed > 0 ? 200 : 404;
    json_object_begin(&call->w);
    json_key_lit(&call->w, "succeeded");
    json_bool(&call->w, true);
    json_key_lit(&call->w, "num_freed");
    json_u64(&call->w, freed);
    json_object_end(&call->w);
    return 0;
}

static int scroll_run(struct rest_call *call, struct err *err)
{
    const struct scroll_params *params = call->params;
    struct value body;
    TRY(rest_body(call, &body, err));
    struct str id = rest_part(call, "id");
    id = text_of(&body, "scroll_id", id.p ? id : params->scroll_id);
    if (str_is(call->method, "DELETE"))
        return clear(call, &body, id, err);
    if (!id.p)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: scrollId is missing;");
    struct str keep = text_of(&body, "scroll", params->scroll);
    int64_t keep_ns = SCROLL_KEEP_NS_DEFAULT;
    if (keep.p && !str_to_duration(keep, &keep_ns))
        return err_set(err, ERR_INVALID,
                       "failed to parse setting [scroll] with value [" STR_FMT "] as a time value",
                       STR_ARG(keep));
    struct search_result result;
    TRY(scroll_next(call->context->scrolls, id, keep_ns, call->mem, &result, err));
    struct search_request *request;
    struct value none = {.kind = VALUE_NONE};
    TRY(search_parse(&none, 0, call->mem, &request, err));
    if (params->total_as_int)
        TRY(search_param(request, STR("rest_total_hits_as_int"), STR("true"), err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "_scroll_id");
    json_str(&call->w, id);
    search_result_write(request, &result, &call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const scroll_routes[] = {"GET /_search/scroll",
                                            "POST /_search/scroll",
                                            "DELETE /_search/scroll",
                                            "GET /_search/scroll/{id}",
                                            "POST /_search/scroll/{id}",
                                            "DELETE /_search/scroll/{id}",
                                            NULL};
const struct endpoint endpoint_scroll = {.name = "scroll",
                                         .summary = "The next page of a search that stays open.",
                                         .routes = scroll_routes,
                                         .params = scroll_opts,
                                         .size = sizeof(struct scroll_params),
                                         .privilege = "read",
                                         .run = scroll_run};
