/* SPDX-License-Identifier: Apache-2.0 */
/* segments.c: GET _segments: every segment of some indices. */
#include "base/str.h"
#include "server/health.h"
#include "server/index_groups.h"
#include "server/search_call.h"

struct segments_params {
    struct index_options indices;
    bool verbose;
};
static const struct opt segments_opts[] = {
    INDEX_OPTIONS(struct segments_params),
    OPT_BOOL(struct segments_params, verbose, .help = "accepted"), OPT_END};

static void flag(struct json_writer *w, const char *key, bool v)
{
    json_key(w, str_from(key));
    json_bool(w, v);
}

static void write_segment(struct json_writer *w, const struct segment_info *s)
{
    json_key(w, s->name);
    json_object_begin(w);
    stat_number(w, "generation", s->number);
    stat_number(w, "num_docs", s->doc_count);
    stat_number(w, "deleted_docs", s->deleted_count);
    stat_number(w, "size_in_bytes", s->bytes);
    stat_number(w, "memory_in_bytes", s->memory_bytes);
    flag(w, "committed", s->is_committed);
    flag(w, "search", s->is_searchable);
    json_key_lit(w, "version");
    json_str(w, STR("8.7.0"));
    flag(w, "compound", true); /* a segment is one file */
    json_object_end(w);
}

static int write_index(struct rest_call *call, struct str index, struct err *err)
{
    struct json_writer *w = &call->w;
    struct index_stats s;
    struct segment_info *segments;
    size_t count, committed = 0, searchable = 0;
    TRY(engine_index_stats(call->context->engine, index, call->mem, &s, err));
    TRY(engine_segments(call->context->engine, index, call->mem, &segments, &count, err));
    for (size_t i = 0; i < count; i++) {
        committed += segments[i].is_committed;
        searchable += segments[i].is_searchable;
    }
    json_key(w, index);
    json_object_begin(w);
    stat_object(w, "shards");
    json_key_lit(w, "0");
    json_array_begin(w);
    json_object_begin(w);
    json_key_lit(w, "routing");
    json_object_begin(w);
    json_key_lit(w, "state");
    json_str(w, shard_state(&s));
    json_key_lit(w, "primary");
    json_bool(w, true);
    json_key_lit(w, "node");
    json_str(w, STR("naru"));
    json_object_end(w);
    stat_number(w, "num_committed_segments", committed);
    stat_number(w, "num_search_segments", searchable);
    stat_object(w, "segments");
    for (size_t i = 0; i < count; i++)
        write_segment(w, &segments[i]);
    json_object_end(w);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static int segments_run(struct rest_call *call, struct err *err)
{
    const struct segments_params *params = call->params;
    struct str *names;
    size_t count;
    TRY(call_indices(call, &params->indices, &names, &count, err));
    json_object_begin(&call->w);
    rest_shards_write(&call->w, count);
    stat_object(&call->w, "indices");
    for (size_t i = 0; i < count; i++)
        TRY(write_index(call, names[i], err));
    json_object_end(&call->w);
    json_object_end(&call->w);
    return 0;
}

static const char *const segments_routes[] = {"GET /_segments", "GET /{index}/_segments", NULL};
const struct endpoint endpoint_segments = {.name = "indices.segments",
                                           .summary = "The segments of indices.",
                                           .routes = segments_routes,
                                           .params = segments_opts,
                                           .size = sizeof(struct segments_params),
                                           .privilege = "monitor",
                                           .run = segments_run};
