/* SPDX-License-Identifier: Apache-2.0 */
/* figures.h: what the store counts while it works. Every counter is one that only grows, or the
 * number of things going on now ("current"); nothing here is estimated. */
#ifndef NARU_INDEX_FIGURES_H
#define NARU_INDEX_FIGURES_H

#include "base/err.h"
#include "base/metric.h"

struct engine;
struct arena;
struct searcher;

/* Of one index. Only struct metric members: index_metrics_add walks them as an array. A search over
 * several indices counts in each of them; its time is divided among them evenly. */
struct index_metrics {
    struct metric index_total, index_ns, index_current, index_failed, noop_total, delete_total,
        delete_ns, get_ns, get_exists_total, get_exists_ns, get_missing_total, get_missing_ns,
        get_current, query_total, query_ns, query_current, fetch_total, fetch_ns, scroll_total,
        scroll_ns, scroll_current, merge_total, merge_ns, merge_docs, merge_bytes, merge_current,
        merge_current_docs, merge_current_bytes, refresh_total, refresh_ns, flush_total, flush_ns,
        log_operations, log_bytes,
        /* Of searches' filters (filter_cache.h): found kept, not found, ever kept; kept now. */
        filter_hits, filter_misses, filter_count, filter_size, filter_bytes;
};
void index_metrics_add(struct index_metrics *sum, const struct index_metrics *metrics);

/* Of the whole engine. */
struct engine_metrics {
    struct metric_times bulk, refresh, flush, merge, query, fetch;
    struct metric write_requests, write_bytes, rejected_memory, rejected_size, rejected_disk,
        rejected_log, rejected_log_bytes;
    struct metric scrub_bytes, scrub_segments, scrub_damaged; /* read; found sound; found damaged */
    struct metric scrub_unopened;                             /* times a file could not be opened */
};
const struct engine_metrics *engine_metrics(const struct engine *engine);

/* What the engine's budgets hold now. */
struct engine_figures {
    uint64_t memory_bytes, memory_bytes_max; /* builders and in-memory segments */
    uint64_t flight_bytes;                   /* of write requests that are being applied */
    uint64_t request_bytes_max;
    uint64_t log_bytes;                      /* files of the write-ahead log */
    uint64_t filter_bytes, filter_bytes_max; /* kept of searches' filters */
    size_t lane_count, index_count;
    struct str path; /* borrowed: the data folder */
};
void engine_figures(struct engine *engine, struct engine_figures *ret_figures);
/* Syncs of the log with their time; bytes written to it. */
const struct metric_times *engine_log_syncs(const struct engine *engine, uint64_t *ret_bytes);

/* One segment, as searches see it. */
struct segment_info {
    struct str name; /* "_2f": its file's number; "_m0": in memory only */
    uint64_t number; /* 0: in memory only */
    uint64_t doc_count, deleted_count, bytes, memory_bytes;
    bool is_committed, is_searchable;
};
int engine_segments(struct engine *engine, struct str index, struct arena *mem,
                    struct segment_info **ret_segments, size_t *ret_count,
                    struct err *err) WARN_UNUSED;

/* A search's two phases, noted by who runs it. */
void searcher_query_begin(struct searcher *searcher);
void searcher_query_end(struct searcher *searcher, int64_t query_ns, int64_t fetch_ns,
                        bool has_fetched);
/* A scroll is opened, and given up after having been open for so long. */
void searcher_scroll_begin(struct searcher *searcher);
void searcher_scroll_end(struct searcher *searcher, int64_t open_ns);

#endif
