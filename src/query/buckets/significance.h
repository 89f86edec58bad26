/* SPDX-License-Identifier: Apache-2.0 */
/* significance.h: how unusual it is that a term is in so many documents of a foreground, given how
 * many of the background have it. */
#ifndef NARU_QUERY_BUCKETS_SIGNIFICANCE_H
#define NARU_QUERY_BUCKETS_SIGNIFICANCE_H

#include "base/base.h"

enum significance_kind {
    SIGNIFICANCE_JLH,
    SIGNIFICANCE_MUTUAL_INFORMATION,
    SIGNIFICANCE_CHI_SQUARE,
    SIGNIFICANCE_GND,
    SIGNIFICANCE_PERCENTAGE,
    SIGNIFICANCE_COUNT
};

struct significance {
    enum significance_kind kind;
    bool includes_negatives;     /* terms that are rarer than expected score, too */
    bool background_is_superset; /* the background holds the foreground */
};

/* Documents with the term and all of them, in the foreground and in the background. */
struct significance_counts {
    uint64_t subset_docs, subset_size, superset_docs, superset_size;
};

const char *significance_name(enum significance_kind kind);
/* Above 0: significant. */
double significance_score(const struct significance *significance,
                          const struct significance_counts *counts);

#endif
