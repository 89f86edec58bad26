/* SPDX-License-Identifier: Apache-2.0 */
/* plan_int.h: shared by the files that make plan nodes. */
#ifndef NARU_QUERY_PLAN_INT_H
#define NARU_QUERY_PLAN_INT_H

#include "query/bm25.h"
#include "query/plan.h"

void *plan__new(struct planner *planner, const struct plan_ops *ops, size_t size, float boost);
/* Of a field over all segments of the index; false: no segment has it. */
bool plan__field_stats(struct planner *planner, const struct field *field,
                       struct field_stats *ret_stats);
uint64_t plan__doc_freq(struct planner *planner, const struct field *field, struct str term);
/* The highest freq * norm_inverse of the blocks that touch the window, for bm25_product_score. */
float plan__window_product(const struct postings *postings, const struct bm25 *bm25, uint32_t first,
                           uint32_t n);
/* A segment-wide bit set of every document of some terms; grows as terms come. */
struct plan__union {
    uint64_t *bits;
    uint64_t count; /* documents, counted when it is done */
    uint32_t doc_count;
};
void plan__union_init(struct plan__union *all, uint32_t doc_count, struct arena *mem);
struct docset *plan__union_set(struct plan__union *all, float score, struct arena *mem);

#endif
