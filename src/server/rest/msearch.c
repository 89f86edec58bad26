/* SPDX-License-Identifier: Apache-2.0 */
/* msearch.c: several searches in one request: pairs of lines, a header and a body. One that fails
 * has its error in its place. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "index/engine.h"
#include "server/search_call.h"

struct msearch_params {
    struct index_options indices;
    int64_t max_concurrent_searches, max_concurrent_shard_requests, pre_filter_shard_size;
    struct str search_type;
    bool ccs_minimize_roundtrips;
};
static const struct opt msearch_opts[] = {
    INDEX_OPTIONS(struct msearch_params),
    OPT_INT(struct msearch_params, max_concurrent_searches, .dflt = "5", .help = "accepted"),
    OPT_INT(struct msearch_params, max_concurrent_shard_requests, .dflt = "5", .help = "accepted"),
    OPT_INT(struct msearch_params, pre_filter_shard_size, .dflt = "128", .help = "accepted"),
    OPT_STR(struct msearch_params, search_type, .help = "query_then_fetch"),
    OPT_BOOL(struct msearch_params, ccs_minimize_roundtrips, .dflt = "true", .help = "accepted"),
    OPT_END};

static struct str header_index(struct rest_call *call, const struct value *header)
{
    const struct value *v = value_map_get_lit(header, "index");
    if (!v)
        return rest_part(call, "index");
    if (v->kind == VALUE_STR)
        return v->s;
    struct buf names;
    buf_init(&names, MIB);
    for (size_t i = 0; v->kind == VALUE_LIST && i < v->list->count; i++)
        buf_printf(&names, "%s" STR_FMT, i ? "," : "",
                   STR_ARG(value_to_str(call->mem, &v->list->items[i])));
    struct str s = arena_str(call->mem, buf_str(&names));
    buf_deinit(&names);
    return s;
}

/* `*b` stays as it is where the header does not say. */
static int header_bool(const struct value *header, const char *key, bool *b, struct err *err)
{
    const struct value *v = value_map_get(header, str_from(key));
    if (!v)
        return 0;
    if (v->kind == VALUE_BOOL)
        *b = v->b;
    else if (v->kind == VALUE_STR && (str_is(v->s, "true") || str_is(v->s, "false")))
        *b = str_is(v->s, "true");
    else
        return err_set(err, ERR_INVALID, "Could not convert [%s] to boolean", key);
    return 0;
}

static int header_options(const struct value *header, struct index_options *options,
                          struct err *err)
{
    bool is_partial = !options->is_whole;
    TRY(header_bool(header, "ignore_unavailable", &options->ignore_unavailable, err));
    TRY(header_bool(header, "allow_no_indices", &options->allow_no_indices, err));
    TRY(header_bool(header, "allow_partial_search_results", &is_partial, err));
    options->is_whole = !is_partial;
    return 0;
}

static int search_one(struct rest_call *call, const struct value *header,
                      const struct index_options *options, struct str text, struct err *err)
{
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    struct search_request *request;
    struct search_result result;
    struct search_limits limits = search_limits_of(call);
    struct value body;
    TRY(value_from_json(text, call->mem, &body, err));
    TRY(search_snapshot(call, header_index(call, header), options, &searcher, err));
    TRY(search_request_parse(call, &body, &request, err));
    TRY(search_run(searcher, request, call->context->clock, &limits, call->mem, &result, err));
    json_object_begin(&call->w);
    search_result_write(request, &result, &call->w);
    json_key_lit(&call->w, "status");
    json_i64(&call->w, 200);
    json_object_end(&call->w);
    return 0;
}

static int check_header(const struct value *header, struct err *err)
{
    static const char *const known[] = {"index",
                                        "search_type",
                                        "preference",
                                        "routing",
                                        "request_cache",
                                        "allow_partial_search_results",
                                        "ignore_unavailable",
                                        "allow_no_indices",
                                        "expand_wildcards",
                                        "ignore_throttled",
                                        "ccs_minimize_roundtrips",
                                        "max_concurrent_shard_requests",
                                        NULL};
    if (header->kind != VALUE_MAP)
        return err_set(err, ERR_INVALID,
                       "Expected [START_OBJECT] in the metadata section but found a %s",
                       value_kind_name(header));
    for (size_t i = 0; i < header->map->count; i++) {
        if (!rest_is_one_of(header->map->keys[i], known))
            return err_set(err, ERR_INVALID,
                           "key [" STR_FMT "] is not supported in the metadata section",
                           STR_ARG(header->map->keys[i]));
    }
    return 0;
}

static int msearch_run(struct rest_call *call, struct err *err)
{
    const struct msearch_params *params = call->params;
    struct str rest = call->body, header_text, body_text;
    if (rest.n == 0)
        return err_set(err, ERR_BODY, "request body is required");
    if (rest.p[rest.n - 1] != '\n')
        return err_set(err, ERR_INVALID,
                       "The msearch request must be terminated by a newline [\\n]");
    int64_t begin = clock_monotonic_ns(call->context->clock);
    json_object_begin(&call->w);
    json_key_lit(&call->w, "responses");
    json_array_begin(&call->w);
    while (str_split_next(&rest, '\n', &header_text) && rest.p) {
        struct value header;
        struct err reason;
        TRY(value_from_json(header_text.n ? header_text : STR("{}"), call->mem, &header, err));
        TRY(check_header(&header, err));
        struct index_options options = params->indices;
        TRY(header_options(&header, &options, err));
        if (rest.n == 0)
            return err_set(
                err, ERR_INVALID,
                "Validation Failed: 1: a header without a body at the end of the request;");
        (void)str_split_next(&rest, '\n', &body_text);
        if (search_one(call, &header, &options, body_text, &reason) < 0)
            rest_error_write(&reason, NULL, &call->w);
        if (rest.n == 0)
            break;
    }
    json_array_end(&call->w);
    json_key_lit(&call->w, "took");
    json_i64(&call->w, (clock_monotonic_ns(call->context->clock) - begin) / NS_PER_MS);
    json_object_end(&call->w);
    return 0;
}

static const char *const msearch_routes[] = {
    "GET /_msearch", "POST /_msearch", "GET /{index}/_msearch", "POST /{index}/_msearch", NULL};
const struct endpoint endpoint_msearch = {.name = "msearch",
                                          .summary = "Several searches in one request.",
                                          .routes = msearch_routes,
                                          .params = msearch_opts,
                                          .size = sizeof(struct msearch_params),
                                          .privilege = "read",
                                          .takes_any_param = true,
                                          .run = msearch_run};
