/* SPDX-License-Identifier: Apache-2.0 */
#include "server/search_call.h"

#include "base/str.h"
#include "index/engine.h"

#define SEARCH_MEMORY_BYTES_MAX (512 * MIB)
#define RESULT_WINDOW_MAX       10000u
#define BUCKET_COUNT_MAX        65535u

int call_indices(struct rest_call *call, const struct index_options *options,
                 struct str **ret_names, size_t *ret_count, struct err *err)
{
    struct str expression = rest_part(call, "index");
    return engine_resolve(call->context->engine, expression.n ? expression : STR("_all"),
                          options->ignore_unavailable, call->mem, ret_names, ret_count, err);
}

/* As Elasticsearch words it when a part of the answer is no answer. */
static int whole_snapshot(struct engine *engine, const struct str *names, size_t count,
                          struct searcher **ret_searcher, struct err *err)
{
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    size_t failed;
    TRY(engine_snapshot_partial(engine, names, count, &searcher, err));
    const struct searcher_failure *failures = searcher_failures(searcher, &failed);
    if (failed > 0)
        return err_set(err, ERR_SHARDS_FAILED,
                       "Search rejected due to missing shards [[" STR_FMT
                       "][0]]. Consider using `allow_partial_search_results` setting to bypass "
                       "this error.",
                       STR_ARG(failures[0].index));
    *ret_searcher = TAKE(searcher);
    return 0;
}

int search_snapshot(struct rest_call *call, struct str expression,
                    const struct index_options *options, struct searcher **ret_searcher,
                    struct err *err)
{
    struct str *names;
    size_t count;
    struct engine *engine = call->context->engine;
    TRY(engine_resolve(engine, expression.n ? expression : STR("_all"), options->ignore_unavailable,
                       call->mem, &names, &count, err));
    if (count == 0 && !options->allow_no_indices)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                       STR_ARG(expression));
    if (options->is_whole)
        return whole_snapshot(engine, names, count, ret_searcher, err);
    return engine_snapshot_partial(engine, names, count, ret_searcher, err);
}

static bool is_handled_elsewhere(const struct rest_call *call, struct str name)
{
    static const char *const common[] = {"pretty", "human",  "error_trace",        "filter_path",
                                         "format", "source", "source_content_type"};
    for (size_t i = 0; i < ARRAY_COUNT(common); i++) {
        if (str_eq(name, str_from(common[i])))
            return true;
    }
    return opt_find(call->endpoint->params, name) != NULL;
}

int search_request_parse(struct rest_call *call, const struct value *body,
                         struct search_request **ret_request, struct err *err)
{
    struct search_request *request;
    TRY(search_parse(body, clock_wall_ns(call->context->clock), call->mem, &request, err));
    for (size_t i = 0; i < call->query.map->count; i++) {
        struct str name = call->query.map->keys[i];
        if (is_handled_elsewhere(call, name))
            continue;
        int rc = search_param(request, name, call->query.map->values[i].s, err);
        if (rc < 0 && err &&
            str_starts_with(str_from(err->text), STR("request contains unrecognized")))
            return err_set(err, ERR_INVALID,
                           "request [" STR_FMT "] contains unrecognized parameter: [" STR_FMT "]",
                           STR_ARG(call->path), STR_ARG(name));
        TRY(rc);
    }
    *ret_request = request;
    return 0;
}

struct search_limits search_limits_of(const struct rest_call *call)
{
    return (struct search_limits){.pool = call->context->searches,
                                  .client_is_gone = call->client.is_gone,
                                  .client = call->client.owner,
                                  .memory_bytes_max = call->context->search_bytes_max
                                                          ? call->context->search_bytes_max
                                                          : SEARCH_MEMORY_BYTES_MAX,
                                  .result_window_max = RESULT_WINDOW_MAX,
                                  .bucket_count_max = BUCKET_COUNT_MAX};
}
