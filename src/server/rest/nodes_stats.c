/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_stats.c: GET _nodes/stats: figures of this node: its indices, the machine, the process,
 * disks, HTTP, workers and memory budgets, under Elasticsearch's names as far as they mean the
 * same. */
#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "server/http.h"
#include "server/index_groups.h"
#include "server/rest.h"

struct nodes_stats_params {
    struct str timeout, fields, completion_fields, fielddata_fields, groups, types, level;
    bool include_segment_file_sizes;
};
static const struct opt nodes_stats_opts[] = {
    OPT_STR(struct nodes_stats_params, timeout, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, fields, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, completion_fields, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, fielddata_fields, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, groups, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, types, .help = "accepted"),
    OPT_STR(struct nodes_stats_params, level, .help = "node; _stats has indices and shards"),
    OPT_BOOL(struct nodes_stats_params, include_segment_file_sizes, .help = "accepted"),
    OPT_END};

struct node_view {
    struct rest_call *call;
    struct os_figures os;
    struct engine_figures engine;
    uint32_t index_groups;
    int64_t now_ms;
};

static void write_now(struct json_writer *w, const struct node_view *v)
{
    stat_number(w, "timestamp", (uint64_t)v->now_ms);
}

static int write_indices(struct json_writer *w, const struct node_view *v, struct err *err)
{
    struct index_stats sum;
    size_t count;
    TRY(index_stats_all(v->call, &sum, &count, err));
    stat_object(w, "indices");
    index_groups_write(w, v->index_groups, &sum);
    json_object_end(w);
    return 0;
}

static uint64_t percent(uint64_t part, uint64_t whole)
{
    return whole ? (part * 100 + whole / 2) / whole : 0;
}

static int write_os(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    static const char *const names[] = {"1m", "5m", "15m"};
    const struct os_figures *f = &v->os;
    uint64_t used = f->memory_total - MIN_OF(f->memory_free, f->memory_total);
    stat_object(w, "os");
    write_now(w, v);
    stat_object(w, "cpu");
    /* Since the machine started: a rate of now would need a sample from before. */
    stat_number(w, "percent", percent((uint64_t)f->busy_ns / 1000, (uint64_t)f->total_ns / 1000));
    stat_object(w, "load_average");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        json_key(w, str_from(names[i]));
        json_f64(w, f->load[i]);
    }
    json_object_end(w);
    json_object_end(w);
    stat_object(w, "mem");
    stat_number(w, "total_in_bytes", f->memory_total);
    stat_number(w, "free_in_bytes", f->memory_free);
    stat_number(w, "used_in_bytes", used);
    stat_number(w, "free_percent", percent(f->memory_free, f->memory_total));
    stat_number(w, "used_percent", percent(used, f->memory_total));
    json_object_end(w);
    stat_object(w, "swap");
    stat_number(w, "total_in_bytes", f->swap_total);
    stat_number(w, "free_in_bytes", f->swap_free);
    stat_number(w, "used_in_bytes", f->swap_total - MIN_OF(f->swap_free, f->swap_total));
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static int write_process(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    const struct rest_context *context = v->call->context;
    int64_t up_ns = clock_monotonic_ns(context->clock) - context->started_ns;
    uint64_t cores = os_cpu_count();
    stat_object(w, "process");
    write_now(w, v);
    stat_number(w, "open_file_descriptors", v->os.fds_open);
    stat_number(w, "max_file_descriptors", v->os.fds_max);
    stat_object(w, "cpu");
    stat_number(w, "percent", /* since the start */
                MIN_OF(percent((uint64_t)os_cpu_ns() / 1000,
                               (uint64_t)MAX_OF(up_ns, (int64_t)1000) / 1000 * cores),
                       (uint64_t)100));
    stat_number(w, "total_in_millis", (uint64_t)(os_cpu_ns() / NS_PER_MS));
    json_object_end(w);
    stat_object(w, "mem");
    stat_number(w, "total_virtual_in_bytes", v->os.virtual_bytes);
    stat_number(w, "resident_in_bytes", os_rss_bytes());
    json_object_end(w);
    json_object_end(w);
    return 0;
}

/* There is no virtual machine: its heap is the process's resident memory, for clients that draw it.
 */
static int write_jvm(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    const struct rest_context *context = v->call->context;
    uint64_t rss = os_rss_bytes();
    stat_object(w, "jvm");
    write_now(w, v);
    stat_number(w, "uptime_in_millis",
                (uint64_t)((clock_monotonic_ns(context->clock) - context->started_ns) / NS_PER_MS));
    stat_object(w, "mem");
    stat_number(w, "heap_used_in_bytes", rss);
    stat_number(w, "heap_used_percent", percent(rss, v->os.memory_total));
    stat_number(w, "heap_committed_in_bytes", rss);
    stat_number(w, "heap_max_in_bytes", v->os.memory_total);
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static int write_thread_pool(struct json_writer *w, const struct node_view *v,
                             struct err *err UNUSED)
{
    const struct http_server *http = v->call->context->http;
    stat_object(w, "thread_pool");
    if (http) {
        const struct http_metrics *m = http_metrics(http);
        stat_object(w, "rest");
        stat_number(w, "threads", http_worker_count(http));
        stat_number(w, "queue", http_queue_count(http));
        stat_number(w, "active", metric_get(&m->active));
        stat_number(w, "rejected", metric_get(&m->rejected_queue));
        stat_number(w, "largest", http_worker_count(http));
        stat_number(w, "completed", metric_get(&m->completed));
        json_object_end(w);
    }
    json_object_end(w);
    return 0;
}

static void write_disk(struct json_writer *w, uint64_t total, uint64_t free_bytes,
                       uint64_t available)
{
    stat_number(w, "total_in_bytes", total);
    stat_number(w, "free_in_bytes", free_bytes);
    stat_number(w, "available_in_bytes", available);
}

static int write_fs(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    uint64_t total, free_bytes, available;
    const char *path = arena_cstr(v->call->mem, v->engine.path);
    bool is_known = os_disk(path, &total, &free_bytes, &available);
    stat_object(w, "fs");
    write_now(w, v);
    stat_object(w, "total");
    if (is_known)
        write_disk(w, total, free_bytes, available);
    json_object_end(w);
    json_key_lit(w, "data");
    json_array_begin(w);
    if (is_known) {
        json_object_begin(w);
        json_key_lit(w, "path");
        json_str(w, v->engine.path);
        write_disk(w, total, free_bytes, available);
        json_object_end(w);
    }
    json_array_end(w);
    const struct engine_metrics *m = engine_metrics(v->call->context->engine);
    stat_object(w, "scrub"); /* ours: what was read and held against its checksums */
    stat_number(w, "bytes", metric_get(&m->scrub_bytes));
    stat_number(w, "sound_segments", metric_get(&m->scrub_segments));
    stat_number(w, "damaged_segments", metric_get(&m->scrub_damaged));
    stat_number(w, "unopened_segments", metric_get(&m->scrub_unopened));
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static int write_http(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    const struct http_server *http = v->call->context->http;
    stat_object(w, "http");
    stat_number(w, "current_open", http ? metric_get(&http_metrics(http)->connections_open) : 0);
    stat_number(w, "total_opened", http ? metric_get(&http_metrics(http)->connections_opened) : 0);
    json_object_end(w);
    return 0;
}

static void write_breaker(struct json_writer *w, struct arena *mem, const char *name,
                          uint64_t limit, uint64_t used, uint64_t tripped)
{
    stat_object(w, name);
    stat_number(w, "limit_size_in_bytes", limit);
    json_key_lit(w, "limit_size");
    json_str(w, cat_size(mem, limit));
    stat_number(w, "estimated_size_in_bytes", used);
    json_key_lit(w, "estimated_size");
    json_str(w, cat_size(mem, used));
    json_key_lit(w, "overhead");
    json_f64(w, 1);
    stat_number(w, "tripped", tripped);
    json_object_end(w);
}

static int write_breakers(struct json_writer *w, const struct node_view *v, struct err *err UNUSED)
{
    struct arena *mem = v->call->mem;
    const struct http_server *http = v->call->context->http;
    const struct engine_metrics *m = engine_metrics(v->call->context->engine);
    stat_object(w, "breakers");
    if (http)
        write_breaker(w, mem, "in_flight_requests", http_in_flight_bytes_max(http),
                      metric_get(&http_metrics(http)->in_flight_bytes),
                      metric_get(&http_metrics(http)->rejected_in_flight));
    /* memory_bytes_max: what is written and not on disk yet, requests being applied included. */
    write_breaker(w, mem, "write", v->engine.memory_bytes_max,
                  v->engine.memory_bytes + v->engine.flight_bytes, metric_get(&m->rejected_memory));
    json_object_end(w);
    return 0;
}

static const struct {
    const char *name;
    int (*write)(struct json_writer *w, const struct node_view *v, struct err *err);
} sections[] = {
    {"indices", write_indices},
    {"os", write_os},
    {"process", write_process},
    {"jvm", write_jvm},
    {"thread_pool", write_thread_pool},
    {"fs", write_fs},
    {"http", write_http},
    {"breaker", write_breakers},
};

/* Elasticsearch's sections for things that are not here: accepted, and nothing is shown. */
static const char *const absent[] = {
    "transport",         "script", "discovery", "ingest", "script_cache", "adaptive_selection",
    "indexing_pressure", NULL};

static int sections_parse(const struct rest_call *call, uint32_t *ret_mask, struct err *err)
{
    struct str names = rest_part(call, "metric"), name;
    *ret_mask = names.n ? 0 : UINT32_MAX;
    while (names.n && str_split_next(&names, ',', &name)) {
        size_t i = 0;
        while (i < ARRAY_COUNT(sections) && !str_eq(name, str_from(sections[i].name)))
            i++;
        if (str_is(name, "_all"))
            *ret_mask = UINT32_MAX;
        else if (i < ARRAY_COUNT(sections))
            *ret_mask |= 1u << i;
        else if (!rest_is_one_of(name, absent))
            return err_set(err, ERR_INVALID,
                           "request [" STR_FMT "] contains unrecognized metric: [" STR_FMT "]",
                           STR_ARG(call->path), STR_ARG(name));
    }
    return 0;
}

static int nodes_stats_run(struct rest_call *call, struct err *err)
{
    struct node_view v = {.call = call, .now_ms = clock_wall_ns(call->context->clock) / NS_PER_MS};
    uint32_t mask;
    struct json_writer *w = &call->w;
    TRY(sections_parse(call, &mask, err));
    TRY(index_groups_parse(call, rest_part(call, "index_metric"), &v.index_groups, err));
    os_figures(&v.os);
    engine_figures(call->context->engine, &v.engine);
    json_object_begin(w);
    json_key_lit(w, "_nodes");
    json_raw(w, STR("{\"total\":1,\"successful\":1,\"failed\":0}"));
    json_key_lit(w, "cluster_name");
    json_str(w, STR("naru"));
    stat_object(w, "nodes");
    stat_object(w, "naru");
    write_now(w, &v);
    json_key_lit(w, "name");
    json_str(w, call->context->node_name);
    json_key_lit(w, "host");
    json_str(w, STR("127.0.0.1"));
    json_key_lit(w, "ip");
    json_str(w, arena_printf(call->mem, "127.0.0.1:%u", call->context->http_port));
    json_key_lit(w, "roles");
    json_raw(w, STR("[\"data\",\"ingest\",\"master\"]"));
    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        if (mask & (1u << i))
            TRY(sections[i].write(w, &v, err));
    }
    json_object_end(w);
    json_object_end(w);
    json_object_end(w);
    return 0;
}

static const char *const nodes_stats_routes[] = {"GET /_nodes/stats",
                                                 "GET /_nodes/stats/{metric}",
                                                 "GET /_nodes/stats/{metric}/{index_metric}",
                                                 "GET /_nodes/{node}/stats",
                                                 "GET /_nodes/{node}/stats/{metric}",
                                                 "GET /_nodes/{node}/stats/{metric}/{index_metric}",
                                                 NULL};
const struct endpoint endpoint_nodes_stats = {.name = "nodes.stats",
                                              .summary = "Figures of this node.",
                                              .routes = nodes_stats_routes,
                                              .privilege = "monitor",
                                              .params = nodes_stats_opts,
                                              .size = sizeof(struct nodes_stats_params),
                                              .run = nodes_stats_run};
