/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan.h: filters whose matches are kept between searches (index/filter_cache.h). A plan
 * that has no scores is put behind a node of its own: it writes itself as canonical bytes, so that
 * the same filter, however it is written, finds what is kept of it. */
#ifndef NARU_QUERY_FILTER_PLAN_H
#define NARU_QUERY_FILTER_PLAN_H

#include "query/plan.h"

/* From so many uses of the last FILTER_USES_KEPT on a filter is kept, as in Lucene: what looks at
 * many terms or values, what is made of others, the rest. 0: never by itself, because finding it
 * anew is as quick. */
#define KEEP_USES_COSTLY   2u
#define KEEP_USES_COMPOUND 4u
#define KEEP_USES_OTHER    5u

struct buf;

/* The plan, or a node before it when it may be kept. */
struct plan *filter_plan(struct planner *planner, struct plan *plan);
/* Lets go of what the search has held. */
void filter_plans_release(struct planner *planner);

/* ---- For the plans' `key` ---- */
/* Begins a key: the kind of plan, and the field (NULL: none). */
void filter_key_begin(struct buf *key, char kind, const struct field *field);
void filter_key_str(struct buf *key, struct str s);
/* Of plans in any order. False: one of them has no key. */
bool filter_key_plans(struct buf *key, struct plan *const *plans, size_t count, struct arena *mem);

#endif
