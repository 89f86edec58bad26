/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: GET _stats: documents, bytes, operations, times, per index and in all, and per shard. */
#include "base/str.h"
#include "index/engine.h"
#include "server/health.h"
#include "server/index_groups.h"
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
             .help = "cluster, indices or shards"),
    OPT_STR(struct stats_params, fields, .help = "accepted"),
    OPT_STR(struct stats_params, completion_fields, .help = "accepted"),
    OPT_STR(struct stats_params, fielddata_fields, .help = "accepted"),
    OPT_STR(struct stats_params, groups, .help = "accepted"),
    OPT_STR(struct stats_params, types, .help = "accepted"),
    OPT_BOOL(struct stats_params, include_segment_file_sizes, .help = "accepted"),
    OPT_BOOL(struct stats_params, include_unloaded_segments, .help = "accepted"),
    OPT_BOOL(struct stats_params, forbid_closed_indices, .help = "accepted"),
    OPT_END};

static void write_both(struct json_writer *w, uint32_t groups, const struct index_stats *s)
{
    stat_object(w, "primaries");
    index_groups_write(w, groups, s);
    json_object_end(w);
    stat_object(w, "total");
    index_groups_write(w, groups, s);
    json_object_end(w);
}

/* An index is one shard, which is primary and here. */
static void write_shard(struct json_writer *w, uint32_t groups, const struct index_stats *s)
{
    stat_object(w, "shards");
    json_key_lit(w, "0");
    json_array_begin(w);
    json_object_begin(w);
    json_key_lit(w, "routing");
    json_object_begin(w);
    json_key_lit(w, "state");
    json_str(w, shard_state(s));
    json_key_lit(w, "primary");
    json_bool(w, true);
    json_key_lit(w, "node");
    json_str(w, STR("naru"));
    json_key_lit(w, "relocating_node");
    json_null(w);
    json_object_end(w);
    index_groups_write(w, groups, s);
    stat_object(w, "seq_no");
    json_key_lit(w, "max_seq_no");
    json_i64(w, s->seq_no_max);
    json_key_lit(w, "local_checkpoint");
    json_i64(w, s->seq_no_max);
    json_key_lit(w, "global_checkpoint");
    json_i64(w, s->seq_no_max);
    json_object_end(w);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
}

static int stats_run(struct rest_call *call, struct err *err)
{
    const struct stats_params *params = call->params;
    struct str *names;
    size_t count;
    struct index_stats sum = {0};
    uint32_t groups;
    TRY(index_groups_parse(call, rest_part(call, "metric"), &groups, err));
    TRY(call_indices(call, &params->indices, &names, &count, err));
    struct index_stats *stats = ARENA_ARRAY(call->mem, struct index_stats, count + 1);
    for (size_t i = 0; i < count; i++) {
        TRY(engine_index_stats(call->context->engine, names[i], call->mem, &stats[i], err));
        index_stats_add(&sum, &stats[i]);
    }
    struct json_writer *w = &call->w;
    json_object_begin(w);
    rest_shards_write(w, count);
    stat_object(w, "_all");
    write_both(w, groups, &sum);
    json_object_end(w);
    if (params->level == LEVEL_CLUSTER) {
        json_object_end(w);
        return 0;
    }
    stat_object(w, "indices");
    for (size_t i = 0; i < count; i++) {
        json_key(w, names[i]);
        json_object_begin(w);
        json_key_lit(w, "uuid");
        json_str(w, stats[i].uuid);
        write_both(w, groups, &stats[i]);
        if (params->level == LEVEL_SHARDS)
            write_shard(w, groups, &stats[i]);
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
