/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c: GET /metrics: everything that is counted, in Prometheus's text format 0.0.4. Names
 * follow its conventions: base units, _total for what only grows. */
#include "base/buf.h"
#include "base/str.h"
#include "os/os.h"
#include "server/http.h"
#include "server/index_groups.h"
#include "server/rest.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *name, uint64_t v, const char *help)
{
    head(out, name, "counter", help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)v);
}

static void gauge(struct buf *out, const char *name, uint64_t v, const char *help)
{
    head(out, name, "gauge", help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)v);
}

static void times(struct buf *out, const char *name, const struct metric_times *t, const char *help)
{
    uint64_t sum = 0, count = metric_get(&t->count);
    head(out, name, "histogram", help);
    for (unsigned i = 0; i < METRIC_TIME_BUCKETS; i++) {
        sum += metric_get(&t->buckets[i]);
        buf_printf(out, "%s_bucket{le=\"%.9g\"} %llu\n", name,
                   (double)(METRIC_TIME_MIN_NS << i) / (double)NS_PER_S, (unsigned long long)sum);
    }
    /* A reader between two additions may see a bucket before the count. */
    count = MAX_OF(count, sum);
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9f\n%s_count %llu\n", name,
               (unsigned long long)count, name, (double)metric_get(&t->sum_ns) / (double)NS_PER_S,
               name, (unsigned long long)count);
}

static void labelled(struct buf *out, const char *name, const char *label, const char *value,
                     uint64_t v)
{
    buf_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)v);
}

static void write_indices(struct buf *out, const struct index_stats *s, size_t count)
{
    const struct index_metrics *m = &s->metrics;
    gauge(out, "naru_indices", count, "Indices.");
    gauge(out, "naru_documents", s->doc_count, "Live documents that searches see.");
    gauge(out, "naru_documents_deleted", s->deleted_count, "Dead documents not merged away yet.");
    gauge(out, "naru_segments", s->segment_count, "Segments.");
    gauge(out, "naru_segments_damaged", s->damaged_count, "Segments set aside as damaged.");
    gauge(out, "naru_store_bytes", s->store_bytes, "Bytes of all segments.");
    counter(out, "naru_documents_indexed_total", metric_get(&m->index_total), "Documents written.");
    counter(out, "naru_documents_removed_total", metric_get(&m->delete_total),
            "Documents deleted by request.");
    counter(out, "naru_documents_failed_total", metric_get(&m->index_failed), "Writes refused.");
    counter(out, "naru_gets_total",
            metric_get(&m->get_exists_total) + metric_get(&m->get_missing_total),
            "Documents read by id.");
    counter(out, "naru_merged_documents_total", metric_get(&m->merge_docs),
            "Documents that merges read.");
    counter(out, "naru_merged_bytes_total", metric_get(&m->merge_bytes),
            "Bytes of segments that merges read.");
    gauge(out, "naru_merges_current", metric_get(&m->merge_current), "Merges running.");
    gauge(out, "naru_scrolls_open", metric_get(&m->scroll_current),
          "Scroll contexts, counted once an index.");
    uint64_t kept = metric_get(&m->filter_size), ever = metric_get(&m->filter_count);
    counter(out, "naru_query_cache_hits_total", metric_get(&m->filter_hits),
            "Filters of searches whose documents were kept, counted once a segment.");
    counter(out, "naru_query_cache_misses_total", metric_get(&m->filter_misses),
            "Those that were not.");
    counter(out, "naru_query_cache_evictions_total", ever - MIN_OF(kept, ever),
            "Kept filters forgotten: for others, or with their segments.");
    gauge(out, "naru_query_cache_entries", kept, "Filters kept, counted once a segment.");
    gauge(out, "naru_log_unflushed_operations", s->log_operations,
          "Operations that are in the log only.");
}

static void write_engine(struct buf *out, struct rest_call *call)
{
    struct engine *engine = call->context->engine;
    const struct engine_metrics *m = engine_metrics(engine);
    uint64_t written;
    const struct metric_times *syncs = engine_log_syncs(engine, &written);
    struct engine_figures f;
    engine_figures(engine, &f);
    counter(out, "naru_bulk_requests_total", metric_get(&m->write_requests),
            "Write requests applied: bulks and single documents.");
    counter(out, "naru_bulk_bytes_total", metric_get(&m->write_bytes), "Bytes of their documents.");
    counter(out, "naru_log_written_bytes_total", written, "Bytes written to the log and synced.");
    gauge(out, "naru_log_bytes", f.log_bytes, "Bytes of the log's files.");
    times(out, "naru_bulk_seconds", &m->bulk, "Write requests, the log's sync included.");
    times(out, "naru_log_sync_seconds", syncs, "Batches written to the log and synced.");
    times(out, "naru_refresh_seconds", &m->refresh, "Refreshes.");
    times(out, "naru_flush_seconds", &m->flush, "Flushes.");
    times(out, "naru_merge_seconds", &m->merge, "Merges.");
    times(out, "naru_search_query_seconds", &m->query, "Searches, without fetching hits.");
    times(out, "naru_search_fetch_seconds", &m->fetch, "Fetching the hits of searches.");
}

static void write_scrub(struct buf *out, const struct engine_metrics *m)
{
    counter(out, "naru_scrub_bytes_total", metric_get(&m->scrub_bytes),
            "Bytes of segment files that the scrub has read.");
    counter(out, "naru_scrub_segments_total", metric_get(&m->scrub_segments),
            "Segment files that the scrub has found sound.");
    counter(out, "naru_scrub_damaged_total", metric_get(&m->scrub_damaged),
            "Segment files that the scrub has found damaged.");
    counter(out, "naru_scrub_unopened_total", metric_get(&m->scrub_unopened),
            "Times the scrub could not open a segment file; it tries again.");
}

static void write_budgets(struct buf *out, struct rest_call *call)
{
    const struct http_server *http = call->context->http;
    const struct engine_metrics *m = engine_metrics(call->context->engine);
    struct engine_figures f;
    engine_figures(call->context->engine, &f);
    head(out, "naru_memory_bytes", "gauge", "Bytes in use, by the name of the budget.");
    labelled(out, "naru_memory_bytes", "budget", "memory_bytes_max", f.memory_bytes);
    labelled(out, "naru_memory_bytes", "budget", "writes_in_flight", f.flight_bytes);
    labelled(out, "naru_memory_bytes", "budget", "indices.queries.cache.size", f.filter_bytes);
    if (http)
        labelled(out, "naru_memory_bytes", "budget", "network.breaker.inflight_requests.limit",
                 metric_get(&http_metrics(http)->in_flight_bytes));
    head(out, "naru_memory_limit_bytes", "gauge", "The limit of the budget.");
    labelled(out, "naru_memory_limit_bytes", "budget", "memory_bytes_max", f.memory_bytes_max);
    labelled(out, "naru_memory_limit_bytes", "budget", "indices.queries.cache.size",
             f.filter_bytes_max);
    if (http)
        labelled(out, "naru_memory_limit_bytes", "budget",
                 "network.breaker.inflight_requests.limit", http_in_flight_bytes_max(http));
    head(out, "naru_rejected_total", "counter", "Requests refused, by the name of the limit.");
    labelled(out, "naru_rejected_total", "limit", "memory_bytes_max",
             metric_get(&m->rejected_memory));
    labelled(out, "naru_rejected_total", "limit", "request_bytes_max",
             metric_get(&m->rejected_size));
    labelled(out, "naru_rejected_total", "limit", "disk_reserve_bytes",
             metric_get(&m->rejected_disk));
    labelled(out, "naru_rejected_total", "limit", "log_failed", metric_get(&m->rejected_log));
    labelled(out, "naru_rejected_total", "limit", "wal_bytes_max",
             metric_get(&m->rejected_log_bytes));
    if (!http)
        return;
    const struct http_metrics *h = http_metrics(http);
    labelled(out, "naru_rejected_total", "limit", "http.max_content_length",
             metric_get(&h->rejected_content_length));
    labelled(out, "naru_rejected_total", "limit", "network.breaker.inflight_requests.limit",
             metric_get(&h->rejected_in_flight));
    labelled(out, "naru_rejected_total", "limit", "http.gzip_ratio_max",
             metric_get(&h->rejected_gzip_ratio));
    labelled(out, "naru_rejected_total", "limit", "http.read_timeout",
             http_rejected_read_timeout(http));
    labelled(out, "naru_rejected_total", "limit", "http.queue", metric_get(&h->rejected_queue));
}

static void write_http(struct buf *out, const struct http_server *http)
{
    const struct http_metrics *h = http_metrics(http);
    counter(out, "naru_http_requests_total", metric_get(&h->requests), "Requests begun.");
    counter(out, "naru_http_body_bytes_total", metric_get(&h->body_bytes),
            "Bytes of request bodies, as sent.");
    counter(out, "naru_http_connections_total", metric_get(&h->connections_opened),
            "Connections accepted.");
    gauge(out, "naru_http_connections", metric_get(&h->connections_open), "Connections open.");
    gauge(out, "naru_http_workers", http_worker_count(http), "Threads that answer requests.");
    gauge(out, "naru_http_workers_active", metric_get(&h->active), "Those at work.");
    gauge(out, "naru_http_queue", http_queue_count(http), "Requests waiting for one.");
    times(out, "naru_http_request_seconds", &h->handled, "Requests in a worker.");
}

static void write_process(struct buf *out)
{
    struct os_figures f;
    os_figures(&f);
    head(out, "process_cpu_seconds_total", "counter", "User and system time.");
    buf_printf(out, "process_cpu_seconds_total %.3f\n", (double)os_cpu_ns() / (double)NS_PER_S);
    gauge(out, "process_resident_memory_bytes", os_rss_bytes(), "Resident memory.");
    gauge(out, "process_virtual_memory_bytes", f.virtual_bytes, "Address space.");
    gauge(out, "process_open_fds", f.fds_open, "File descriptors open.");
    gauge(out, "process_max_fds", f.fds_max, "Their limit.");
}

static int metrics_run(struct rest_call *call, struct err *err)
{
    struct index_stats sum;
    size_t count;
    TRY(index_stats_all(call, &sum, &count, err));
    write_indices(call->out, &sum, count);
    write_engine(call->out, call);
    write_scrub(call->out, engine_metrics(call->context->engine));
    write_budgets(call->out, call);
    if (call->context->http)
        write_http(call->out, call->context->http);
    write_process(call->out);
    call->is_text = true;
    return 0;
}

static const char *const metrics_routes[] = {"GET /metrics", "GET /_prometheus/metrics", NULL};
const struct endpoint endpoint_metrics = {.name = "metrics",
                                          .summary = "Figures in Prometheus's format.",
                                          .routes = metrics_routes,
                                          .privilege = "monitor",
                                          .run = metrics_run};
