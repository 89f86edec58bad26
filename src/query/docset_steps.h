/* SPDX-License-Identifier: Apache-2.0 */
/* docset_steps.h: a bool query with required clauses, document by document: for when so few are in
 * question that windows of bits cost more than they save. */
#ifndef NARU_QUERY_DOCSET_STEPS_H
#define NARU_QUERY_DOCSET_STEPS_H

#include "query/docset.h"

struct steps;

/* What is stepped over; arrays are borrowed. `required` rarest first; should clauses only add to
 * the score. */
struct steps_clauses {
    struct docset **required;
    const bool *required_is_must;
    size_t required_count;
    struct docset **should, **must_not;
    size_t should_count, must_not_count;
};
/* NULL: some clause cannot be stepped over. */
struct steps *steps_new(const struct steps_clauses *clauses, uint32_t doc_count, struct arena *mem);
/* Few enough documents are in question, given what must be beaten. */
bool steps_are_few(struct steps *steps, float threshold);
/* The next match in [target, end) that scores more than `threshold` (0: any), its score; `end`:
 * none. */
uint32_t steps_next(struct steps *steps, uint32_t target, uint32_t end, float threshold,
                    float *ret_score);

#endif
