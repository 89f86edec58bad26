/* SPDX-License-Identifier: Apache-2.0 */
/* bool_model_test.h: what a bool query is to model_test.c and oracle_test.c, whatever its clauses
 * are there: how each occurs, and how many of the optional ones must match. */
#ifndef NARU_QUERY_BOOL_MODEL_TEST_H
#define NARU_QUERY_BOOL_MODEL_TEST_H

#include "support/test.h"

#include "base/buf.h"

#define CLAUSES_MAX 4u

enum occur { OCCUR_MUST, OCCUR_FILTER, OCCUR_SHOULD, OCCUR_MUST_NOT, OCCUR_COUNT };

struct bool_model {
    enum occur occurs[CLAUSES_MAX]; /* by clause */
    uint32_t count, should_min;
};

TEST_INLINE void bool_draw(struct bool_model *model, struct rng *rng)
{
    uint32_t should = 0;
    *model = (struct bool_model){.count = (uint32_t)rng_below(rng, CLAUSES_MAX + 1)};
    for (uint32_t i = 0; i < model->count; i++) {
        model->occurs[i] = (enum occur)rng_below(rng, OCCUR_COUNT);
        should += model->occurs[i] == OCCUR_SHOULD;
    }
    model->should_min = (uint32_t)rng_below(rng, should + 1);
}

/* `print_clause` prints the clause `i` of the owner. */
TEST_INLINE void bool_print(const struct bool_model *model,
                            void (*print_clause)(const void *owner, uint32_t i, struct buf *out),
                            const void *owner, struct buf *out)
{
    static const char *const names[OCCUR_COUNT] = {"must", "filter", "should", "must_not"};
    buf_printf(out, "{\"bool\":{\"minimum_should_match\":%u", model->should_min);
    for (enum occur occur = 0; occur < OCCUR_COUNT; occur++) {
        const char *comma = "";
        buf_printf(out, ",\"%s\":[", names[occur]);
        for (uint32_t i = 0; i < model->count; i++) {
            if (model->occurs[i] != occur)
                continue;
            buf_printf(out, "%s", comma);
            print_clause(owner, i, out);
            comma = ",";
        }
        buf_add_lit(out, "]");
    }
    buf_add_lit(out, "}}");
}

/* Takes clause after clause: false, the document cannot match any more. */
TEST_INLINE bool bool_takes(const struct bool_model *model, uint32_t i, bool is_match,
                            uint32_t *should)
{
    *should += is_match && model->occurs[i] == OCCUR_SHOULD;
    return model->occurs[i] == OCCUR_SHOULD || is_match == (model->occurs[i] != OCCUR_MUST_NOT);
}

/* How many optional clauses must match: without a required one at least one of those there are, as
 * in Elasticsearch, whatever minimum_should_match says. */
TEST_INLINE uint32_t bool_should_min(const struct bool_model *model)
{
    bool has_required = false, has_should = false;
    for (uint32_t i = 0; i < model->count; i++) {
        has_required =
            has_required || model->occurs[i] == OCCUR_MUST || model->occurs[i] == OCCUR_FILTER;
        has_should = has_should || model->occurs[i] == OCCUR_SHOULD;
    }
    return has_should && !has_required ? MAX_OF(model->should_min, 1u) : model->should_min;
}

#endif
