/* SPDX-License-Identifier: Apache-2.0 */
/* tdigest.h: a distribution in little space: centroids (mean, weight) that are fine at both ends
 * and coarse in the middle (Dunning and Ertl, "Computing extremely accurate quantiles using
 * t-digests", 2019). Up to TDIGEST_EXACT values it keeps every value and its answers are exact. */
#ifndef NARU_AGG_TDIGEST_H
#define NARU_AGG_TDIGEST_H

#include "agg/agg_int.h"

#define TDIGEST_EXACT 1024u

struct tdigest_point {
    double mean, weight;
};

struct tdigest {
    struct tdigest_point *points; /* the first `sorted` are in order, the others as they came */
    uint32_t count, capacity, sorted;
    double total, min, max;
};

void tdigest_add(struct tdigest *digest, double compression, const double *values, size_t count,
                 struct arena *mem);
/* Integers least + i, counts[i] times each; ascending, so they are folded as they come. */
void tdigest_add_counts(struct tdigest *digest, double compression, int64_t least,
                        const uint32_t *counts, size_t n, struct arena *mem);
void tdigest_merge(struct tdigest *digest, double compression, const struct tdigest *from,
                   struct arena *mem);
/* Answers need the points in order; this does it, and is all that changes a digest when it is
 * asked. */
void tdigest_settle(struct tdigest *digest, double compression);
/* The value below which a share q (0..1) of the values lies; NaN when empty. */
double tdigest_quantile(const struct tdigest *digest, double q);
/* The share of values that are <= x. */
double tdigest_share(const struct tdigest *digest, double x);
void tdigest_encode(const struct tdigest *digest, struct buf *out);
bool tdigest_decode(struct tdigest *digest, struct str *in, struct arena *mem);

#endif
