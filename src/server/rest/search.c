/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: GET and POST _search, with ?scroll. */
#include "base/str.h"
#include "index/engine.h"
#include "server/search_call.h"

struct search_params {
    struct index_options indices;
    struct str scroll, preference, routing, search_type;
    bool ignore_throttled, allow_partial, ccs_minimize_roundtrips, request_cache;
    int64_t batched_reduce_size, max_concurrent_shard_requests, pre_filter_shard_size;
};
static const struct opt search_opts[] = {
    INDEX_OPTIONS(struct search_params),
    OPT_STR(struct search_params, scroll, .help = "keep the search open for so long: 1m"),
    OPT_STR(struct search_params, preference, .help = "accepted"),
    OPT_STR(struct search_params, routing, .help = "accepted"),
    OPT_BOOL(struct search_params, ignore_throttled, .dflt = "true", .help = "accepted"),
    OPT_BOOL(struct search_params, allow_partial, .name = "allow_partial_search_results",
             .dflt = "true", .help = "an index that cannot answer is left out"),
    OPT_BOOL(struct search_params, ccs_minimize_roundtrips, .dflt = "true", .help = "accepted"),
    OPT_BOOL(struct search_params, request_cache, .dflt = "true",
             .help = "accepted: there is no request cache"),
    OPT_INT(struct search_params, batched_reduce_size, .dflt = "512", .min = 2, .max = INT32_MAX,
            .help = "accepted"),
    OPT_INT(struct search_params, max_concurrent_shard_requests, .dflt = "5", .min = 1,
            .max = INT32_MAX, .help = "accepted"),
    OPT_INT(struct search_params, pre_filter_shard_size, .dflt = "128", .min = 1, .max = INT32_MAX,
            .help = "accepted"),
    OPT_END};

static int run_with(struct rest_call *call, struct searcher *searcher, const struct value *body,
                    struct err *err)
{
    const struct search_params *params = call->params;
    struct search_request *request;
    struct search_result result;
    struct str scroll_id = STR_NONE;
    TRY(search_request_parse(call, body, &request, err));
    if (params->scroll.p) {
        int64_t keep_ns;
        if (!str_to_duration(params->scroll, &keep_ns))
            return err_set(err, ERR_INVALID,
                           "failed to parse setting [scroll] with value [" STR_FMT
                           "] as a time value",
                           STR_ARG(params->scroll));
        TRY(scroll_start(call->context->scrolls, searcher, body, request, keep_ns, call->mem,
                         &result, &scroll_id, err));
    } else {
        struct search_limits limits = search_limits_of(call);
        TRY(search_run(searcher, request, call->context->clock, &limits, call->mem, &result, err));
    }
    json_object_begin(&call->w);
    if (scroll_id.p) {
        json_key_lit(&call->w, "_scroll_id");
        json_str(&call->w, scroll_id);
    }
    search_result_write(request, &result, &call->w);
    json_object_end(&call->w);
    return 0;
}

static int search_endpoint_run(struct rest_call *call, struct err *err)
{
    const struct search_params *params = call->params;
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    struct value body;
    TRY(rest_body(call, &body, err));
    struct index_options options = params->indices;
    options.is_whole = !params->allow_partial;
    TRY(search_snapshot(call, rest_part(call, "index"), &options, &searcher, err));
    return run_with(call, searcher, &body, err);
}

static const char *const search_routes[] = {"GET /_search", "POST /_search", "GET /{index}/_search",
                                            "POST /{index}/_search", NULL};
const struct endpoint endpoint_search = {.name = "search",
                                         .summary = "Finds, sorts and aggregates.",
                                         .routes = search_routes,
                                         .params = search_opts,
                                         .size = sizeof(struct search_params),
                                         .privilege = "read",
                                         .takes_any_param = true,
                                         .run = search_endpoint_run};
