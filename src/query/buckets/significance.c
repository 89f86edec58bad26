/* SPDX-License-Identifier: Apache-2.0 */
/* significance.c: see significance.h. Mutual information and chi square are those of Manning,
 * Raghavan and Schütze, "Information Retrieval", 13.5; GND is the normalised Google distance of
 * Cilibrasi and Vitányi, turned around so that more is better; JLH multiplies the absolute and the
 * relative change of the share. */
#include "query/buckets/significance.h"

#include <float.h>
#include <math.h>

#define NOTHING 1.0e-7 /* counts are whole: what is below is 0 */

const char *significance_name(enum significance_kind kind)
{
    static const char *const names[SIGNIFICANCE_COUNT] = {"jlh", "mutual_information", "chi_square",
                                                          "gnd", "percentage"};
    return names[kind];
}

/* Documents by class (second index: in the foreground) and term (first: has it); `_`: either. */
struct table {
    double n00, n01, n10, n11, n0_, n1_, n_0, n_1, n;
};

static struct table table_of(const struct significance_counts *counts, bool is_superset)
{
    double in = (double)counts->subset_docs, size = (double)counts->subset_size,
           all = (double)counts->superset_docs, all_size = (double)counts->superset_size;
    if (!is_superset) {
        all += in;
        all_size += size;
    }
    return (struct table){.n00 = all_size - all - (size - in),
                          .n01 = size - in,
                          .n10 = all - in,
                          .n11 = in,
                          .n0_ = all_size - all,
                          .n1_ = all,
                          .n_0 = all_size - size,
                          .n_1 = size,
                          .n = all_size};
}

static bool is_negative(const struct table *t)
{
    return t->n11 / t->n_1 < t->n10 / t->n_0;
}

static double information(double nxy, double nx_, double n_y, double n)
{
    double above = fabs(n * nxy), below = fabs(nx_ * n_y), share = fabs(nxy / n);
    return above < NOTHING && share < NOTHING ? 0 : share * log(above / below);
}

static double mutual_information(const struct table *t)
{
    double score =
        (information(t->n00, t->n0_, t->n_0, t->n) + information(t->n01, t->n0_, t->n_1, t->n) +
         information(t->n10, t->n1_, t->n_0, t->n) + information(t->n11, t->n1_, t->n_1, t->n)) /
        log(2);
    return isnan(score) ? -(double)FLT_MAX : score;
}

static double chi_square(const struct table *t)
{
    double cross = t->n11 * t->n00 - t->n01 * t->n10;
    return t->n * cross * cross / (t->n_1 * t->n1_ * t->n0_ * t->n_0);
}

static double gnd(const struct table *t)
{
    double x = log(t->n1_), y = log(t->n_1);
    return exp(-((fmax(x, y) - log(t->n11)) / (log(t->n) - fmin(x, y))));
}

static double jlh(const struct significance_counts *counts)
{
    if (counts->subset_size == 0 || counts->superset_size == 0)
        return 0;
    double in = (double)counts->subset_docs / (double)counts->subset_size;
    double all = (double)MAX_OF(counts->superset_docs, 1u) / (double)counts->superset_size;
    return in > all ? (in - all) * (in / all) : 0;
}

double significance_score(const struct significance *significance,
                          const struct significance_counts *counts)
{
    struct table t = table_of(counts, significance->background_is_superset);
    switch (significance->kind) {
    case SIGNIFICANCE_MUTUAL_INFORMATION:
        return !significance->includes_negatives && is_negative(&t) ? -INFINITY
                                                                    : mutual_information(&t);
    case SIGNIFICANCE_CHI_SQUARE:
        return !significance->includes_negatives && is_negative(&t) ? -INFINITY : chi_square(&t);
    case SIGNIFICANCE_GND:
        return counts->subset_docs ? gnd(&t) : 0;
    case SIGNIFICANCE_PERCENTAGE:
        return counts->superset_docs ? (double)counts->subset_docs / (double)counts->superset_docs
                                     : 0;
    case SIGNIFICANCE_JLH:
    case SIGNIFICANCE_COUNT:
        break;
    }
    return jlh(counts);
}
