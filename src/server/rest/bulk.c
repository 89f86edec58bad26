/* SPDX-License-Identifier: Apache-2.0 */
/* bulk.c: POST /_bulk: many writes in one request. Its lines are read by server/bulk_lines while
 * the body arrives. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/bulk_lines.h"
#include "server/doc_reply.h"

struct bulk_params {
    struct str refresh, routing, pipeline, timeout, wait_for_active_shards, type;
    bool require_alias;
};

static const struct opt bulk_opts[] = {
    OPT_STR(struct bulk_params, refresh, .help = "true, false or wait_for"),
    OPT_STR(struct bulk_params, routing, .help = "for items without one"),
    OPT_STR(struct bulk_params, pipeline, .help = "ingest pipeline; only _none is there"),
    OPT_STR(struct bulk_params, timeout, .help = "accepted"),
    OPT_STR(struct bulk_params, wait_for_active_shards, .help = "accepted"),
    OPT_BOOL(struct bulk_params, require_alias, .dflt = "false", .help = "targets must be aliases"),
    OPT_END};

static struct str op_name(enum doc_op op)
{
    return op == DOC_INDEX    ? STR("index")
           : op == DOC_CREATE ? STR("create")
           : op == DOC_UPDATE ? STR("update")
                              : STR("delete");
}

static void write_item(const struct doc_write *write, const struct doc_result *result,
                       struct json_writer *w)
{
    json_object_begin(w);
    json_key(w, op_name(write->op));
    json_object_begin(w);
    if (result->outcome == DOC_FAILED) {
        json_key_lit(w, "_index");
        json_str(w, write->index);
        json_key_lit(w, "_type");
        json_str(w, STR("_doc"));
        json_key_lit(w, "_id");
        if (write->id.n)
            json_str(w, write->id);
        else
            json_null(w);
        json_key_lit(w, "status");
        json_i64(w, result->status);
        json_key_lit(w, "error");
        struct rest_place place = {result->index, result->index_uuid};
        rest_error_object_write(result->err, &place, w);
    } else {
        doc_result_write(result, w);
        json_key_lit(w, "status");
        json_i64(w, result->status);
    }
    json_object_end(w);
    json_object_end(w);
}

static int params_check(const struct bulk_params *params, enum write_refresh *ret_refresh,
                        struct err *err)
{
    TRY(refresh_parse(params->refresh, ret_refresh, err));
    if (params->pipeline.n > 0 && !str_is(params->pipeline, "_none"))
        return err_set(err, ERR_INVALID, "pipeline with id [" STR_FMT "] does not exist",
                       STR_ARG(params->pipeline));
    return 0;
}

/* The items of a body that was read as it came, or of one that is handed over whole. */
static int items_get(struct rest_call *call, struct doc_write **ret_writes, size_t *ret_count,
                     struct err *err)
{
    const struct bulk_params *params = call->params;
    struct bulk_lines *lines = call->client.body_reader;
    struct bulk_defaults defaults = {rest_part(call, "index"), params->routing,
                                     params->require_alias};
    if (!lines)
        lines = bulk_lines_new(call->mem);
    TRY(bulk_lines_take(lines, call->body, err));
    return bulk_lines_finish(lines, call->body, &defaults, ret_writes, ret_count, err);
}

static int bulk_run(struct rest_call *call, struct err *err)
{
    int64_t begin = clock_monotonic_ns(call->context->clock);
    enum write_refresh refresh;
    struct doc_write *writes;
    size_t count;
    TRY(params_check(call->params, &refresh, err));
    TRY(items_get(call, &writes, &count, err));
    struct doc_result *results = ARENA_ARRAY(call->mem, struct doc_result, count);
    TRY(engine_write(call->context->engine, writes, count, refresh, call->mem, results, err));
    bool has_errors = false;
    for (size_t i = 0; i < count; i++)
        has_errors |= results[i].outcome == DOC_FAILED;
    struct json_writer *w = &call->w;
    json_object_begin(w);
    json_key_lit(w, "took");
    json_i64(w, (clock_monotonic_ns(call->context->clock) - begin) / NS_PER_MS);
    json_key_lit(w, "errors");
    json_bool(w, has_errors);
    json_key_lit(w, "items");
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        write_item(&writes[i], &results[i], w);
    json_array_end(w);
    json_object_end(w);
    return 0;
}

static void *reader_new(struct arena *mem)
{
    return bulk_lines_new(mem);
}

static int reader_take(void *reader, struct str body, size_t *ret_bytes, struct err *err)
{
    TRY(bulk_lines_take(reader, body, err));
    *ret_bytes = bulk_lines_bytes(reader);
    return 0;
}

static const struct body_reader bulk_reader = {reader_new, reader_take};
static const char *const bulk_routes[] = {"POST /_bulk",
                                          "PUT /_bulk",
                                          "POST /{index}/_bulk",
                                          "PUT /{index}/_bulk",
                                          "POST /{index}/_doc/_bulk",
                                          NULL};
const struct endpoint endpoint_bulk = {.name = "bulk",
                                       .summary =
                                           "Many writes in one request, answered one by one.",
                                       .routes = bulk_routes,
                                       .params = bulk_opts,
                                       .size = sizeof(struct bulk_params),
                                       .privilege = "index",
                                       .body_reader = &bulk_reader,
                                       .run = bulk_run};
