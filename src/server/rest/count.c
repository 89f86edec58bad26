/* SPDX-License-Identifier: Apache-2.0 */
/* count.c: how many documents match. */
#include "base/str.h"
#include "index/engine.h"
#include "server/search_call.h"

struct count_params {
    struct index_options indices;
    struct str preference, routing;
    bool ignore_throttled;
};
static const struct opt count_opts[] = {
    INDEX_OPTIONS(struct count_params),
    OPT_STR(struct count_params, preference, .help = "accepted"),
    OPT_STR(struct count_params, routing, .help = "accepted"),
    OPT_BOOL(struct count_params, ignore_throttled, .dflt = "true", .help = "accepted"), OPT_END};

static int count_run(struct rest_call *call, struct err *err)
{
    const struct count_params *params = call->params;
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    struct search_request *request;
    struct search_limits limits = search_limits_of(call);
    struct value body;
    uint64_t count;
    struct search_result result = {0};
    TRY(rest_body(call, &body, err));
    if (body.kind == VALUE_MAP) {
        for (size_t i = 0; i < body.map->count; i++) {
            if (!str_is(body.map->keys[i], "query"))
                return err_set(err, ERR_PARSE, "request does not support [" STR_FMT "]",
                               STR_ARG(body.map->keys[i]));
        }
    }
    TRY(search_snapshot(call, rest_part(call, "index"), &params->indices, &searcher, err));
    TRY(search_request_parse(call, &body, &request, err));
    TRY(search_count(searcher, request, &limits, &count, err));
    search_shards_of(searcher, &result);
    json_object_begin(&call->w);
    json_key_lit(&call->w, "count");
    json_u64(&call->w, count);
    search_shards_write(&result, &call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const count_routes[] = {"GET /_count", "POST /_count", "GET /{index}/_count",
                                           "POST /{index}/_count", NULL};
const struct endpoint endpoint_count = {.name = "count",
                                        .summary = "How many documents match.",
                                        .routes = count_routes,
                                        .params = count_opts,
                                        .size = sizeof(struct count_params),
                                        .privilege = "read",
                                        .takes_any_param = true,
                                        .run = count_run};
