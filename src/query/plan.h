/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: a query made concrete for one index: which field variants, which terms, which ranges. The
 * query types (types/) turn their part of a body into these few nodes; a node opens a doc set per
 * segment.
 *
 * A NULL plan matches nothing. Plans lie in the request's arena, are made by one thread and read by
 * all. */
#ifndef NARU_QUERY_PLAN_H
#define NARU_QUERY_PLAN_H

#include "event/value.h"
#include "index/segment.h"
#include "query/docset.h"

struct query;
struct buf;
struct filter_cache;
struct filter_node;

/* One index of a snapshot, while its plans are made. */
struct planner {
    const struct searcher_part *parts; /* of this index */
    size_t part_count;
    const struct mapping *mapping;
    struct str index;
    int64_t now_ns;
    struct arena *mem;
    struct err *err; /* the first failure; plans are NULL from then on */
    int rc;
    bool needs_scores; /* off inside filter, must_not, constant_score */
    uint32_t depth;
    struct kept_regex *regexes;        /* freed by planner_deinit */
    struct filter_cache *filter_cache; /* filters are kept there; NULL: nowhere */
    struct filter_node *filters;       /* released by planner_deinit */
};
void planner_deinit(struct planner *planner);

#define CLAUSE_COUNT_MAX 1024u /* indices.query.bool.max_clause_count */

struct plan;
struct plan_run {
    const struct searcher_part *part;
    uint32_t doc_count;
    bool needs_scores;
    struct arena *mem;
};
struct plan_ops {
    const char *name;
    struct docset *(*open)(const struct plan *plan,
                           struct plan_run *run); /* NULL: nothing in this segment */
    /* Matches among all documents of the segment, dead ones too, from metadata only; -1: not known.
     * MAY be NULL. */
    int64_t (*count)(const struct plan *plan, const struct searcher_part *part);
    /* Writes what it matches, without scores, as bytes that are the same for plans that match the
     * same (filter_plan.h). False: it cannot. MAY be NULL: never. */
    bool (*key)(const struct plan *plan, struct buf *key, struct arena *mem);
    uint32_t keep_uses; /* of filter_plan.h; 0: not kept by itself */
};
struct plan {
    const struct plan_ops *ops;
    float boost; /* the product of all boosts above and its own */
};

static inline struct docset *plan_open(const struct plan *plan, struct plan_run *run)
{
    return plan ? plan->ops->open(plan, run) : NULL;
}
int64_t plan_count(const struct plan *plan, const struct searcher_part *part);
bool plan_is_all(const struct plan *plan);

/* Records the planner's failure (the first one stays) and gives NULL. */
struct plan *plan_fail(struct planner *planner, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

struct plan *plan_all(struct planner *planner, float boost);
/* A term of a text, keyword … field, scored with BM25 as Lucene 8.7 does when scores are wanted. */
struct plan *plan_term(struct planner *planner, const struct field *field, struct str term,
                       float boost);
/* Any of the terms; constant score. */
struct plan *plan_terms(struct planner *planner, const struct field *field, const struct str *terms,
                        size_t count, float boost);
/* Terms for which `matches` says yes, from those that begin with `prefix`; constant score. `text`
 * says together with `matches` which; p == NULL: all of them. */
typedef bool plan_match_fn(const void *owner, struct str term);
struct plan *plan_pattern(struct planner *planner, const struct field *field, struct str prefix,
                          plan_match_fn *matches, const void *owner, struct str text, float boost);
/* The text of a pattern that heeds case or not. */
struct str plan_pattern_text(struct planner *planner, struct str pattern, bool is_nocase);
/* Terms in [low, high]; p == NULL: open. */
struct plan *plan_term_range(struct planner *planner, const struct field *field, struct str low,
                             bool has_low, struct str high, bool has_high, float boost);
struct plan *plan_longs(struct planner *planner, const struct field *field, int64_t min,
                        int64_t max, float boost);
struct plan *plan_long_list(struct planner *planner, const struct field *field,
                            const int64_t *sorted, size_t count, float boost);
/* Booleans are scored like terms, as they are terms in Elasticsearch. */
struct plan *plan_boolean(struct planner *planner, const struct field *field, bool v, float boost);
struct plan *plan_doubles(struct planner *planner, const struct field *field, double min,
                          double max, float boost);
struct plan *plan_exists(struct planner *planner, const struct field *field, float boost);
/* Terms in order within `slop` moves; each position may have alternatives (prefix expansion of the
 * last one). */
struct phrase_position {
    const struct str *terms;
    size_t count;
    uint32_t position;
};
struct plan *plan_phrase(struct planner *planner, const struct field *field,
                         const struct phrase_position *positions, size_t count, uint32_t slop,
                         float boost);
struct plan *plan_ids(struct planner *planner, const struct str *ids, size_t count, float boost);
struct plan *plan_seq_nos(struct planner *planner, int64_t min, int64_t max, float boost);

struct plan_bool {
    struct plan **must, **filter, **should, **must_not;
    size_t must_count, filter_count, should_count, must_not_count;
    uint32_t should_min;
};
/* Folds what is known: nothing required, everything excluded, single clauses. */
struct plan *plan_bool(struct planner *planner, const struct plan_bool *clauses, float boost);
struct plan *plan_dis_max(struct planner *planner, struct plan **plans, size_t count,
                          float tie_breaker, float boost);
/* The inner plan without scores, each match with `boost`. */
struct plan *plan_constant(struct planner *planner, struct plan *inner, float boost);
/* Either of two (variants of one field). NULL operands are fine. */
struct plan *plan_either(struct planner *planner, struct plan *a, struct plan *b, float boost);

#endif
