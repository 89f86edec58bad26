/* SPDX-License-Identifier: Apache-2.0 */
/* search_segment.h: one walk in one segment: shared by search_walk.c (who searches what),
 * search_segment.c (in which order) and search_window.c (one window) only. */
#ifndef NARU_QUERY_SEARCH_SEGMENT_H
#define NARU_QUERY_SEARCH_SEGMENT_H

#include "query/search_walk.h"

struct segment_search {
    struct walk *walk;
    struct search *s;
    struct search_unit *unit;
    const struct searcher_part *part;
    uint32_t doc_count;
    struct index_plan *plan;
    struct docset *set, *post_filter;
    struct sort_reader *readers;
    struct topk top;
    struct collapse *collapse; /* NULL: none */
    uint64_t *keys;            /* sort_count arrays of ZONE_DOCS */
    uint64_t *after;           /* keys of search_after, NULL */
    float *scores;
    bool needs_scores, is_counted, collects_aggs, needs_max_score;
    bool *aggs_done;
    bool has_bound;          /* first keys compare with those of other segments */
    bool breaks_ties_by_doc; /* of equal first keys the lower document wins */
};

/* ---- search_walk.c ---- */
/* Asks for help once so much work has been done that more is to be expected. */
void search__count_effort(struct walk *walk, uint32_t effort);
/* Both lists are in order; with collapse a group stays once. */
void search__merge_hits(struct walk *walk, const struct hit_ref *more, size_t more_count);

/* ---- search_segment.c ---- */
/* The first walk that comes to a segment. */
int search__unit(struct walk *walk, struct search_unit *unit) WARN_UNUSED;
/* A later one. */
int search__unit_join(struct walk *walk, struct search_unit *unit) WARN_UNUSED;

/* ---- search_window.c ---- */
bool search__wants_count(const struct segment_search *ss);
bool search__wants_aggs(const struct segment_search *ss, uint32_t first);
/* Can a document of the window still be among the best? */
bool search__wants_hits(const struct segment_search *ss, uint32_t first, uint32_t n);
/* Everything in the window sorts before search_after: earlier pages had it. */
bool search__is_before_after(const struct segment_search *ss, uint32_t first);
/* A first key above it cannot win any more; UINT64_MAX: any can. */
uint64_t search__bound_of(const struct segment_search *ss);
/* Tells the others that `wanted` hits with this first key or a better one are there. */
void search__lower_bound_to(struct segment_search *ss, uint64_t key);
/* Matches that score no more than this need not be told. */
float search__score_threshold(const struct segment_search *ss);
/* `wants_hits`: what search__wants_hits says of it; else its matches are only counted and
 * collected.
 */
void search__window(struct segment_search *ss, uint32_t first, uint32_t n, bool needs_count,
                    bool wants_hits);
void search__collect_aggs(struct segment_search *ss, uint32_t first, uint32_t n,
                          const uint64_t *words, uint64_t count);

#endif
