/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: GET _stats: documents, bytes, operations, per index and in all. */
#include "base/str.h"
#include "index/engine.h"
#include "server/search_call.h"

struct stats_params {
    struct index_options indices;
    struct str fields, completion_fields, fielddata_fields, groups, types;
    bool include_segment_file_sizes, include_unloaded_segments, forbid_closed_indices;
    int level;
};
enum { LEVEL_CLUSTER, LEVEL_INDICES, LEVEL_SHARDS };
static const char *const levels[] = {"cluster", "indices", "shards", NULL};
static const struct opt stats_opts[] = {
    INDEX_OPTIONS(struct stats_params),
    OPT_ENUM(struct stats_params, level, .dflt = "indices", .choices = levels,
             .help = "cluster or indices"),
    OPT_STR(struct stats_params, fields, .help = "accepted"),
    OPT_STR(struct stats_params, completion_fields, .help = "accepted"),
    OPT_STR(struct stats_params, fielddata_fields, .help = "accepted"),
    OPT_STR(struct stats_params, groups, .help = "accepted"),
    OPT_STR(struct stats_params, types, .help = "accepted"),
    OPT_BOOL(struct stats_params, include_segment_file_sizes, .help = "accepted"),
    OPT_BOOL(struct stats_params, include_unloaded_segments, .help = "accepted"),
    OPT_BOOL(struct stats_params, forbid_closed_indices, .help = "accepted"),
    OPT_END};

/* Known metrics pass; the reply has all groups that there are, whatever was asked for. */
static int check_metrics(const struct rest_call *call, struct err *err)
{
    static const char *const known[] = {"_all",       "docs",     "store",       "indexing",
                                        "get",        "search",   "merge",       "refresh",
                                        "flush",      "warmer",   "query_cache", "fielddata",
                                        "completion", "segments", "translog",    "request_cache",
                                        "recovery",   "bulk",     "suggest",     NULL};
    struct str metrics = rest_part(call, "metric"), metric;
    while (metrics.p && str_split_next(&metrics, ',', &metric)) {
        if (rest_is_one_of(metric, known))
            continue;
        const char *near = name_nearest(known, metric);
        return err_set(err, ERR_INVALID,
                       "request [" STR_FMT "] contains unrecognized metric: [" STR_FMT "]%s%s%s",
                       STR_ARG(call->path), STR_ARG(metric), near ? " -> did you mean [" : "",
                       near ? near : "", near ? "]?" : "");
    }
    return 0;
}

static void number(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_from(key));
    json_u64(w, v);
}

static void object(struct json_writer *w, const char *key)
{
    json_key(w, str_from(key));
    json_object_begin(w);
}

static void write_figures(struct json_writer *w, const struct index_stats *s)
{
    object(w, "docs");
    number(w, "count", s->doc_count);
    number(w, "deleted", s->deleted_count);
    json_object_end(w);
    object(w, "store");
    number(w, "size_in_bytes", s->store_bytes);
    number(w, "reserved_in_bytes", 0);
    json_object_end(w);
    object(w, "indexing");
    number(w, "index_total", s->index_total);
    number(w, "delete_total", s->delete_total);
    json_object_end(w);
    object(w, "search");
    number(w, "query_total", s->query_total);
    json_object_end(w);
    object(w, "merges");
    number(w, "total", s->merge_total);
    json_object_end(w);
    object(w, "refresh");
    number(w, "total", s->refresh_total);
    json_object_end(w);
    object(w, "flush");
    number(w, "total", s->flush_total);
    json_object_end(w);
    object(w, "segments");
    number(w, "count", s->segment_count);
    number(w, "memory_in_bytes", s->memory_bytes);
    if (s->damaged_count) { /* ours: Elasticsearch has no shard that serves a part */
        number(w, "damaged_count", s->damaged_count);
        json_key_lit(w, "damaged_reason");
        json_str(w, str_from(s->damaged_reason));
    }
    json_object_end(w);
}

static void add(struct index_stats *sum, const struct index_stats *s)
{
    sum->doc_count += s->doc_count;
    sum->deleted_count += s->deleted_count;
    sum->store_bytes += s->store_bytes;
    sum->segment_count += s->segment_count;
    if (!sum->damaged_count)
        memcpy(sum->damaged_reason, s->damaged_reason, sizeof(sum->damaged_reason));
    sum->damaged_count += s->damaged_count;
    sum->memory_bytes += s->memory_bytes;
    sum->index_total += s->index_total;
    sum->delete_total += s->delete_total;
    sum->refresh_total += s->refresh_total;
    sum->flush_total += s->flush_total;
    sum->merge_total += s->merge_total;
    sum->query_total += s->query_total;
}

static void write_both(struct json_writer *w, const struct index_stats *s)
{
    object(w, "primaries");
    write_figures(w, s);
    json_object_end(w);
    object(w, "total");
    write_figures(w, s);
    json_object_end(w);
}

static int stats_run(struct rest_call *call, struct err *err)
{
    const struct stats_params *params = call->params;
    struct str *names;
    size_t count;
    struct index_stats sum = {0};
    TRY(check_metrics(call, err));
    if (params->level == LEVEL_SHARDS)
        return err_set(err, ERR_UNSUPPORTED,
                       "level [shards] of _stats is not there: an index is one shard, use indices");
    TRY(call_indices(call, &params->indices, &names, &count, err));
    struct index_stats *stats = ARENA_ARRAY(call->mem, struct index_stats, count + 1);
    for (size_t i = 0; i < count; i++) {
        TRY(engine_index_stats(call->context->engine, names[i], call->mem, &stats[i], err));
        add(&sum, &stats[i]);
    }
    struct json_writer *w = &call->w;
    json_object_begin(w);
    rest_shards_write(w, count);
    object(w, "_all");
    write_both(w, &sum);
    json_object_end(w);
    if (params->level == LEVEL_CLUSTER) {
        json_object_end(w);
        return 0;
    }
    object(w, "indices");
    for (size_t i = 0; i < count; i++) {
        json_key(w, names[i]);
        json_object_begin(w);
        json_key_lit(w, "uuid");
        json_str(w, stats[i].uuid);
        write_both(w, &stats[i]);
        json_object_end(w);
    }
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static const char *const stats_routes[] = {"GET /_stats", "GET /{index}/_stats",
                                           "GET /_stats/{metric}", "GET /{index}/_stats/{metric}",
                                           NULL};
const struct endpoint endpoint_stats = {.name = "indices.stats",
                                        .summary = "Figures of indices.",
                                        .routes = stats_routes,
                                        .params = stats_opts,
                                        .size = sizeof(struct stats_params),
                                        .privilege = "monitor",
                                        .run = stats_run};
