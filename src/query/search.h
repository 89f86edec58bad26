/* SPDX-License-Identifier: Apache-2.0 */
/* search.h: the door of the query layer: a request body in Elasticsearch 7.10's DSL, run over a
 * snapshot. Used by REST, the console and the pipelines' elasticsearch input (in memory). */
#ifndef NARU_QUERY_SEARCH_H
#define NARU_QUERY_SEARCH_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "event/value.h"

struct engine;
struct searcher;
struct search_pool;
struct json_writer;

/* An index that could not answer: its reason stands in the reply's _shards. */
struct searcher_failure;

struct search_limits {
    size_t memory_bytes_max;    /* 0: default; over: ERR_MEM_LIMIT */
    int64_t time_ns_max;        /* 0: none; over: partial result with timed_out */
    uint32_t result_window_max; /* from + size, default 10,000 */
    uint32_t bucket_count_max;  /* default 65,535: ERR_TOO_MANY_BUCKETS */
    struct search_pool *pool;   /* threads that may help; NULL: the caller's alone */
    size_t thread_count;        /* at most so many, the caller's included; 0: all of the pool */
    uint32_t alone_effort_max;  /* windows before help is asked for; 0: default */
    uint32_t chunk_docs;        /* a thread takes so many documents at a time; 0: default */
    const bool *is_cancelled;   /* set by another thread: stops with ERR_CANCELLED; may be NULL */
    /* MAY be NULL: has the client gone? Asked by the caller's thread every few windows; then the
     * search stops with ERR_CANCELLED. */
    bool (*client_is_gone)(void *client);
    void *client;
};

struct search_request;

/* Parses and checks a whole body: query, sort, from, size, search_after, _source, docvalue_fields,
 * fields, aggs, track_total_hits, track_scores, min_score, post_filter, version,
 * seq_no_primary_term, highlight (when there), timeout, terminate_after, collapse … Unknown keys
 * are errors as Elasticsearch words them, with the JSON position. `now_ns` is what `now` means in
 * date math. The request lies in mem and borrows from body. */
int search_parse(const struct value *body, int64_t now_ns, struct arena *mem,
                 struct search_request **ret_request, struct err *err) WARN_UNUSED;
/* Overrides from URL parameters; each returns an error for a bad value. name: "q", "df",
 * "default_operator", "analyzer", "analyze_wildcard", "lenient", "from", "size", "sort", "_source",
 * "_source_includes", "_source_excludes", "track_total_hits", "timeout", "terminate_after",
 * "version", "seq_no_primary_term", "search_type", "rest_total_hits_as_int", "typed_keys",
 * "stored_fields", "docvalue_fields". */
int search_param(struct search_request *request, struct str name, struct str value,
                 struct err *err) WARN_UNUSED;

struct search_hit {
    struct str index, id;
    struct str source; /* JSON, after _source filtering; p == NULL: no source asked for */
    double score;
    bool has_score;
    const struct value *sort_values; /* as they are printed; for search_after */
    size_t sort_count;
    int64_t version, seq_no, primary_term;
    struct value fields; /* docvalue_fields/fields/highlight results, VALUE_NONE or a map */
};

struct search_result {
    int64_t took_ns;
    bool timed_out;
    bool terminated_early;
    uint64_t total;
    bool total_is_lower_bound; /* "gte" */
    bool has_total;
    double max_score;
    bool has_max_score;
    struct search_hit *hits;
    size_t hit_count;
    struct value aggregations;               /* VALUE_NONE or a map */
    size_t shard_count;                      /* one per index, those that failed included */
    const struct searcher_failure *failures; /* borrowed from the searcher */
    size_t failure_count;
};

int search_run(struct searcher *searcher, const struct search_request *request, struct clock *clock,
               const struct search_limits *limits, struct arena *mem,
               struct search_result *ret_result, struct err *err) WARN_UNUSED;
/* The body of a reply, members {took … aggregations} into the open object. */
void search_result_write(const struct search_request *request, const struct search_result *result,
                         struct json_writer *w);

/* "_shards": {…} */
void search_shards_write(const struct search_result *result, struct json_writer *w);
/* Fills those members of a result that tell of the indices. */
void search_shards_of(const struct searcher *searcher, struct search_result *result);

int search_count(struct searcher *searcher, const struct search_request *request,
                 const struct search_limits *limits, uint64_t *ret_count,
                 struct err *err) WARN_UNUSED;

/* Scroll: a search that goes on. Contexts live in a table with a limit and expire by the clock. */
struct scroll_table;
struct scroll_table *scroll_table_new(struct clock *clock, size_t context_count_max);
void scroll_table_free(struct scroll_table *table);
/* First page; keeps searcher and request (copies what it needs). *ret_scroll_id lies in mem. */
int scroll_start(struct scroll_table *table, struct searcher *searcher, const struct value *body,
                 const struct search_request *request, int64_t keep_ns, struct arena *mem,
                 struct search_result *ret_result, struct str *ret_scroll_id,
                 struct err *err) WARN_UNUSED;
int scroll_next(struct scroll_table *table, struct str scroll_id, int64_t keep_ns,
                struct arena *mem, struct search_result *ret_result, struct err *err) WARN_UNUSED;
size_t scroll_clear(struct scroll_table *table,
                    struct str scroll_id); /* "_all" clears all; how many were freed */

/* KQL and Lucene query_string to Elasticsearch's DSL: for the console. err.off has the position. */
int kql_to_dsl(struct str text, struct arena *mem, struct value *ret_query,
               struct err *err) WARN_UNUSED;

#endif
