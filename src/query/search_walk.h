/* SPDX-License-Identifier: Apache-2.0 */
/* search_walk.h: a search while it runs, and the walks over its segments: shared by search.c,
 * search_walk.c and what it is made of (search_segment.h) only.
 *
 * A search has one walk per thread that works on it. What all read is in `struct search`, made
 * before the first walk and constant then, but for what is marked atomic; what a walk finds is its
 * own until all have ended and the first one takes it over. */
#ifndef NARU_QUERY_SEARCH_WALK_H
#define NARU_QUERY_SEARCH_WALK_H

#include "query/agg_tree.h"
#include "query/search_int.h"
#include "query/search_pool.h"

/* Walks take so many documents of a segment at a time. */
#define CHUNK_DOCS_DEFAULT (16 * ZONE_DOCS)
/* Work that is done before help is asked for, in windows without aggregations or scores, whose cost
 * is about 3 us: waking a thread costs 50. */
#define ALONE_EFFORT_DEFAULT 64u
#define AGG_EFFORT           4u /* a window with aggregations or scores, in such windows */
#define GONE_POLL_WINDOWS    8u /* the client's socket is looked at once per so many windows */

struct search_env {
    const struct searcher_part *parts;
    size_t part_count;
    struct plan ***agg_plans; /* by part: plans of the aggregations' filters, by filter id */
};

/* A segment to search. Whoever takes it first opens it: answers what metadata can answer, then
 * lets others in. */
struct search_unit {
    const struct searcher_part *part;
    uint32_t part_index, doc_count;
    struct index_plan *plan;
    uint32_t doc_base;      /* documents of the index in the segments before */
    uint64_t snapshot_base; /* documents of the snapshot in the segments before */
    uint64_t rank;          /* best key of its documents: the lower, the earlier it is searched */
    uint32_t next;          /* atomic: the first document that nobody has taken */
    uint32_t is_shared;     /* atomic: what follows is there, and chunks may be taken */
    bool is_counted, collects_aggs;
    bool *aggs_done;
};

struct walk {
    struct search *s;
    struct arena *work;    /* until the search ends */
    struct arena *scratch; /* one segment */
    struct agg_run *aggs;
    struct hit_ref *hits; /* best of the segments so far, in order */
    size_t hit_count;
    float max_score;
    bool has_max_score;
    uint32_t effort, windows;
    uint64_t used_bytes; /* atomic: what the two arenas hold */
    int rc;
    struct err err;
};

struct search {
    const struct search_request *request;
    const struct search_limits *limits;
    struct clock *clock;
    struct arena *mem;  /* the caller's: results */
    struct arena *work; /* of the first walk: plans too */
    struct search_env env;
    struct index_plan *plans;
    struct plan ***agg_plans; /* per index */
    struct filter_cache *filter_cache;
    size_t index_count;
    const struct sort_spec *sorts;
    size_t sort_count;
    bool needs_scores, is_by_score;
    int64_t wanted; /* from + size, and what a scroll wants ahead */
    uint64_t buckets_max;
    size_t memory_bytes_max;
    int64_t started_ns, deadline_ns, fetch_ns;
    bool has_fetched;
    struct sort_reader *printers; /* how sort values are printed: as in the first segment */

    struct search_unit *units; /* in the order in which they are searched */
    size_t unit_count;
    size_t unit_next;   /* atomic */
    struct walk *walks; /* zeroed until they begin */
    size_t walk_max;
    uint32_t chunk_docs;
    struct search_job job;
    bool has_asked;

    uint64_t total; /* atomic */
    uint64_t bound; /* atomic: a first sort key above it cannot win any more */
    uint32_t stop;  /* atomic: some walk failed */
    bool timed_out; /* atomic */
    bool terminated_early;
    struct err *err;
};

static inline bool search_timed_out(const struct search *s)
{
    return __atomic_load_n(&s->timed_out, __ATOMIC_RELAXED);
}

/* How many threads may work on it. */
size_t search_walk_max(const struct search *s);
/* Searches all segments; afterwards everything is in walks[0]. */
int search_walk_all(struct search *s) WARN_UNUSED;
/* Cancelled, out of memory, out of time? */
int search_walk_check(struct walk *walk) WARN_UNUSED;

#endif
