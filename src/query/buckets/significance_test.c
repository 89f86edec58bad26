/* SPDX-License-Identifier: Apache-2.0 */
/* significance_test.c: scores against the worked examples of the texts that define them, and
 * against the definitions themselves, in another form than the code's, for random counts. */
#include "support/test.h"

#include <float.h>
#include <math.h>

#include "query/buckets/significance.h"

static double score_of(enum significance_kind kind, bool includes_negatives, bool is_superset,
                       const struct significance_counts *counts)
{
    struct significance significance = {kind, includes_negatives, is_superset};
    return significance_score(&significance, counts);
}

static bool is_near(double got, double want, double within)
{
    return got == want || fabs(got - want) <= within * fmax(1, fabs(want));
}

#define JLH        SIGNIFICANCE_JLH
#define MUTUAL     SIGNIFICANCE_MUTUAL_INFORMATION
#define CHI        SIGNIFICANCE_CHI_SQUARE
#define GND        SIGNIFICANCE_GND
#define PERCENTAGE SIGNIFICANCE_PERCENTAGE

/* "export" in Reuters-RCV1's documents of the class "poultry": Manning, Raghavan and Schütze,
 * "Introduction to Information Retrieval" (2008), example 13.3: N11 = 49, N01 = 141, N10 = 27652,
 * N00 = 774106. */
#define EXPORT_POULTRY                                                                             \
    {                                                                                              \
        49, 49 + 141, 49 + 27652, 49 + 141 + 27652 + 774106                                        \
    }
/* "horse" on pages with "rider": Cilibrasi and Vitányi, "The Google Similarity Distance", IEEE
 * TKDE 19(3), 2007, section 1: 46,700,000 pages, 12,200,000, both 2,630,000, of 8,058,044,651. */
#define HORSE_RIDER                                                                                \
    {                                                                                              \
        2630000, 12200000, 46700000, 8058044651                                                    \
    }

static void scores_are_those_of_the_texts(struct test *t UNUSED)
{
    static const struct {
        enum significance_kind kind;
        bool includes_negatives, is_superset;
        struct significance_counts counts;
        double score, within;
    } rows[] = {
        {MUTUAL, false, true, EXPORT_POULTRY, 0.0001105, 5e-8}, /* example 13.3 */
        {CHI, false, true, EXPORT_POULTRY, 284, 2e-3},          /* example 13.4 */
        {GND, false, true, HORSE_RIDER, exp(-0.443), 5e-4},     /* a distance of 0.443 */
        /* The share is 1/2 instead of 1/10: (0.5 - 0.1) * (0.5 / 0.1), as the reference of
         * Elasticsearch 7.10, "JLH score", has it. */
        {JLH, false, true, {10, 20, 30, 300}, 2, 1e-12},
        {JLH, false, true, {20, 20, 20, 40}, 1, 1e-12}, /* 0.5 * 2 */
        /* Its reference, "Percentage": foreground documents by background documents. */
        {PERCENTAGE, false, true, {10, 20, 40, 300}, 0.25, 0},
        {PERCENTAGE, false, true, {10, 20, 5, 300}, 2, 0},
        /* Four cells of 30, 10, 20, 40: chi square is 100 (30*40 - 10*20)^2 / (40*60*50*50). */
        {CHI, false, true, {30, 40, 50, 100}, 100.0 * 1000 * 1000 / 6000000, 1e-12},
        /* One bit: the term tells the class of every document. */
        {MUTUAL, false, true, {50, 50, 50, 100}, 1, 1e-12},
        {CHI, false, true, {50, 50, 50, 100}, 100, 1e-12},
        {GND, false, true, {50, 50, 50, 100}, 1, 1e-12},
        /* The same table when the background lies beside the foreground. */
        {CHI, false, false, {30, 40, 20, 60}, 100.0 * 1000 * 1000 / 6000000, 1e-12},
        {GND, false, false, {50, 50, 0, 50}, 1, 1e-12},
        /* Rarer than expected: only when asked for. */
        {CHI, false, true, {10, 50, 40, 100}, -INFINITY, 0},
        {CHI, true, true, {10, 50, 40, 100}, 100.0 * 1000 * 1000 / 6000000, 1e-12},
        {MUTUAL, false, true, {0, 50, 50, 100}, -INFINITY, 0},
        {MUTUAL, true, true, {0, 50, 50, 100}, 1, 1e-12},
        {JLH, true, true, {1, 20, 30, 300}, 0, 0},
        /* Nothing to be told: no share is higher, no counts at all. */
        {JLH, false, true, {2, 20, 30, 300}, 0, 0},
        {JLH, false, true, {0, 0, 30, 300}, 0, 0},
        {JLH, false, true, {1, 2, 0, 0}, 0, 0},
        {JLH, false, true, {1, 10, 0, 100}, 0.9, 1e-12}, /* none counts as one: 0.09 * 10 */
        {MUTUAL, false, true, {20, 40, 50, 100}, 0, 1e-12},
        {CHI, false, true, {20, 40, 50, 100}, 0, 1e-12},
        {GND, false, true, {0, 40, 50, 100}, 0, 0},
        {PERCENTAGE, false, true, {0, 40, 0, 100}, 0, 0},
        {MUTUAL, true, true, {0, 0, 0, 0}, -(double)FLT_MAX, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double score = score_of(rows[i].kind, rows[i].includes_negatives, rows[i].is_superset,
                                &rows[i].counts);
        if (!is_near(score, rows[i].score, rows[i].within))
            fail_msg("row %zu, %s: %.9g, not %.9g", i, significance_name(rows[i].kind), score,
                     rows[i].score);
    }
}

/* A foreground that is the whole background, and terms that all or none have: never significant. */
static void what_distinguishes_nothing_is_not_significant(struct test *t UNUSED)
{
    static const struct significance_counts rows[] = {{100, 100, 100, 100},
                                                      {30, 100, 30, 100},
                                                      {50, 50, 100, 100},
                                                      {0, 50, 0, 100},
                                                      {0, 0, 0, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (enum significance_kind kind = JLH; kind < GND; kind++) {
            for (int negatives = 0; negatives < 2; negatives++)
                assert_false(score_of(kind, negatives, true, &rows[i]) > 1e-9);
        }
    }
}

/* ---- Random counts against the definitions ---- */

/* Share of documents by has the term, is in the foreground. */
struct shares {
    double cell[2][2], term[2], class[2];
};

static struct shares shares_of(const struct significance_counts *c)
{
    double n = (double)c->superset_size, both = (double)c->subset_docs / n,
           term = (double)c->superset_docs / n, class = (double)c->subset_size / n;
    return (struct shares){{{1 - term - class + both, class - both}, {term - both, both}},
                           {1 - term, term},
                           {1 - class, class}};
}

static double bits(double share)
{
    return share > 1e-12 ? -share * log2(share) : 0;
}

/* What two things tell of each other: their entropies less the entropy of both. */
static double mutual_by_entropy(const struct shares *s)
{
    double sum = 0;
    for (int i = 0; i < 2; i++)
        sum += bits(s->term[i]) + bits(s->class[i]) - bits(s->cell[i][0]) - bits(s->cell[i][1]);
    return sum;
}

/* How far each cell is from what independence would give, by documents. */
static double chi_by_cells(const struct shares *s)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double expected = s->term[i / 2] * s->class[i % 2], off = s->cell[i / 2][i % 2] - expected;
        sum += off * off / expected;
    }
    return sum;
}

/* log N - log f is -log of the share. */
static double gnd_by_shares(const struct shares *s)
{
    double x = -log2(s->term[1]), y = -log2(s->class[1]), both = -log2(s->cell[1][1]);
    return exp(-(both - fmin(x, y)) / fmax(x, y));
}

static void scores_agree_with_their_definitions(struct test *t)
{
    for (int i = 0; i < 50000; i++) {
        uint64_t n = 4 + rng_below(&t->rng, UINT64_C(1) << (2 + rng_below(&t->rng, 18)));
        uint64_t size = 1 + rng_below(&t->rng, n - 1), docs = 1 + rng_below(&t->rng, n - 1);
        uint64_t least = docs + size > n ? docs + size - n : 0;
        uint64_t both = least + rng_below(&t->rng, MIN_OF(size, docs) - least + 1);
        struct significance_counts c = {both, size, docs, n},
                                   beside = {both, size, docs - both, n - size};
        struct shares s = shares_of(&c);
        double more = s.cell[1][1] / s.class[1] / s.term[1]; /* times as often as expected */
        assert_true(is_near(score_of(MUTUAL, true, true, &c), mutual_by_entropy(&s), 1e-7));
        assert_true(is_near(score_of(CHI, true, true, &c) / (double)n, chi_by_cells(&s), 1e-8));
        assert_true(is_near(score_of(GND, false, true, &c), both ? gnd_by_shares(&s) : 0, 1e-6));
        assert_true(is_near(score_of(JLH, false, true, &c),
                            more > 1 ? (more - 1) * more * s.term[1] : 0, 1e-6));
        for (enum significance_kind kind = MUTUAL; kind <= GND; kind++)
            assert_true(is_near(score_of(kind, true, true, &c),
                                score_of(kind, true, false, &beside), 1e-9));
        /* Left out exactly when the foreground has the term less often than the rest. */
        bool is_rarer = (double)both / (double)size < (double)(docs - both) / (double)(n - size);
        assert_true((score_of(CHI, false, true, &c) == -INFINITY) == is_rarer);
        assert_true((score_of(MUTUAL, false, true, &c) == -INFINITY) == is_rarer);
    }
}

static void kinds_are_named(struct test *t UNUSED)
{
    static const char *const names[] = {"jlh", "mutual_information", "chi_square", "gnd",
                                        "percentage"};
    assert_int_equal(ARRAY_COUNT(names), SIGNIFICANCE_COUNT);
    for (int i = 0; i < SIGNIFICANCE_COUNT; i++)
        assert_string_equal(significance_name((enum significance_kind)i), names[i]);
}

TEST_MAIN(TEST(scores_are_those_of_the_texts), TEST(what_distinguishes_nothing_is_not_significant),
          TEST(scores_agree_with_their_definitions), TEST(kinds_are_named))
