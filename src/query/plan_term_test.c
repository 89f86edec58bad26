/* SPDX-License-Identifier: Apache-2.0 */
/* plan_term_test.c: the documents of a term in segments of several windows, each way they can be
 * asked for, against the documents themselves and BM25 as a formula (Robertson and Zaragoza, "The
 * Probabilistic Relevance Framework", 2009, with k1 = 1.2, b = 0.75 and Lucene's idf). */
#include "query/plan_term_world_test.h"

#include <math.h>

#include "query/plan_int.h"

#define BOOST 1.5

/* The term at hand in one segment. */
struct reading {
    struct world *w;
    bool is_keyword; /* the field of single words, which has no norms; else the text */
    size_t word;
    const struct plan *plan;
    struct plan_run run;
    float *scores; /* by document, 0: it has not the term */
};

static struct plan *term_plan(struct world *w, const char *field, const char *term,
                              bool needs_scores)
{
    struct planner planner = {.parts = w->parts,
                              .part_count = w->part_count,
                              .mapping = w->parts[0].mapping,
                              .mem = w->t->mem,
                              .needs_scores = needs_scores,
                              .err = &w->t->err};
    const struct field *of = mapping_field(planner.mapping, str_from(field));
    return plan_term(&planner, of, str_from(term), (float)BOOST);
}

static double freq_of(const struct reading *r, int64_t i)
{
    return r->is_keyword ? (size_t)i % 2 == r->word : r->w->freqs[i][r->word];
}

/* As the documents say, which lie in the segment in some order. */
static void expect_scores(struct reading *r)
{
    const struct searcher_part *part = r->run.part;
    const struct field *field = mapping_field(part->mapping, STR("i"));
    const struct column *column = segment_column(part->segment, field);
    double docs = 0, tokens = 0;
    for (uint32_t i = 0; i < DOCS; i++) {
        docs += freq_of(r, i) > 0;
        tokens += r->is_keyword ? 1 : r->w->lengths[i];
    }
    double idf = log(1 + (DOCS - docs + 0.5) / (docs + 0.5));
    r->scores = ARENA_ARRAY(r->w->t->mem, float, r->run.doc_count);
    for (uint32_t doc = 0; doc < r->run.doc_count; doc++) {
        int64_t i;
        column_read_longs(column, doc, 1, &i, NULL);
        double f = freq_of(r, i), length = r->is_keyword ? 1 : r->w->lengths[i];
        double norm = 1.2 * (1 - 0.75 + 0.75 * length / (tokens / DOCS));
        r->scores[doc] = (float)(BOOST * 2.2 * idf * f / (f + norm));
    }
}

static bool is_near(float got, float want)
{
    return fabsf(got - want) <= 1e-5f * want;
}

/* A threshold that some documents beat, by a margin that no rounding fills. */
static float draw_threshold(struct reading *r)
{
    float score = r->scores[rng_below(&r->w->t->rng, r->run.doc_count)];
    return rng_below(&r->w->t->rng, 3) ? score * 1.0001f : 0;
}

/* ---- The ways to ask ---- */

/* The first match from `at` on, but for those the threshold has passed over; how well it matches.
 */
static uint32_t check_seek(struct reading *r, struct docset *set, uint32_t at)
{
    uint32_t doc = docset_seek(set, at);
    float score = 0, least = draw_threshold(r);
    for (; at < r->run.doc_count && at < doc; at++)
        assert_true(r->scores[at] <= set->threshold);
    if (doc == DOC_NONE)
        return r->run.doc_count;
    assert_true(r->scores[doc] > 0);
    if (r->run.needs_scores) {
        assert_int_equal(set->ops->match(set, least, &score), r->scores[doc] > least);
        assert_true(is_near(score, r->scores[doc]));
    }
    return doc;
}

static void check_windows(struct reading *r)
{
    struct rng *rng = &r->w->t->rng;
    struct docset *set = plan_open(r->plan, &r->run);
    uint64_t words_set[WINDOW_WORDS], among[WINDOW_WORDS], odds = rng_below(rng, 2) ? 2 : 600;
    float scores[ZONE_DOCS];
    bool is_narrowed = rng_below(rng, 2);
    if (r->run.needs_scores)
        set->threshold = draw_threshold(r);
    for (uint32_t first = 0; first < r->run.doc_count; first += ZONE_DOCS) {
        struct doc_window w = {first, MIN_OF(ZONE_DOCS, r->run.doc_count - first),
                               is_narrowed ? among : NULL, words_set,
                               r->run.needs_scores ? scores : NULL};
        memset(words_set, 0, sizeof(words_set));
        memset(among, 0, sizeof(among));
        for (uint32_t i = 0; i < w.n; i++) {
            if (rng_below(rng, odds) == 0 ||
                (i > 0 && odds > 2 && bitset_get(among, i - 1) && rng_below(rng, 2)))
                bitset_set(among, i);
        }
        if (rng_below(rng, 4) == 0)
            continue; /* not all are asked for */
        set->ops->fill(set, &w);
        for (uint32_t i = 0; i < w.n; i++) {
            float want = r->scores[first + i];
            if (is_narrowed && !bitset_get(among, i))
                continue;
            if (want == 0 || want > set->threshold)
                assert_int_equal(bitset_get(words_set, i), want > 0);
            assert_true(!bitset_get(words_set, i) || !w.scores || is_near(scores[i], want));
        }
        if (r->run.needs_scores && rng_below(rng, 2))
            (void)check_seek(r, set, first + w.n);
    }
}

static void check_seeks(struct reading *r)
{
    struct docset *set = plan_open(r->plan, &r->run);
    for (uint32_t at = 0; at < r->run.doc_count; at++) {
        at = check_seek(r, set, at);
        at += rng_below(&r->w->t->rng, 3) ? 0 : (uint32_t)rng_below(&r->w->t->rng, 100);
    }
}

static void check_steps(struct reading *r)
{
    struct docset *set = plan_open(r->plan, &r->run);
    float score;
    for (uint32_t at = 0, end; at < r->run.doc_count; at = end) {
        end = at + 1 + (uint32_t)rng_below(&r->w->t->rng, 3000);
        end = MIN_OF(end, r->run.doc_count);
        float threshold = draw_threshold(r);
        set->threshold = MAX_OF(set->threshold, threshold); /* it only rises */
        while (at < end) {
            uint32_t doc = set->ops->step(set, at, end, &score);
            for (; at < doc; at++)
                assert_true(r->scores[at] <= set->threshold);
            assert_true(doc == end || (is_near(score, r->scores[doc]) && score > set->threshold));
            at = doc + (doc < end);
        }
    }
}

/* No document scores more than what is said of where it lies. */
static void check_bounds(struct reading *r)
{
    struct docset *set = plan_open(r->plan, &r->run);
    for (uint32_t at = 0, upto; at < r->run.doc_count; at = upto + 1) {
        float most = set->ops->block_max(set, at, &upto) * 1.00001f;
        upto = MIN_OF(upto, r->run.doc_count - 1);
        assert_true(upto >= at);
        for (uint32_t i = at; i <= upto; i++)
            assert_true(r->scores[i] <= most && r->scores[i] <= set->score_most * 1.00001f);
    }
    for (uint32_t first = 0; first < r->run.doc_count; first += ZONE_DOCS) {
        uint32_t n = MIN_OF(ZONE_DOCS, r->run.doc_count - first);
        float most = docset_score_max(set, first, n) * 1.00001f;
        for (uint32_t i = first; i < first + n; i++)
            assert_true(r->scores[i] <= most);
    }
}

static void check_term(struct reading *r)
{
    int64_t count = 0;
    r->run.doc_count = segment_doc_count(r->run.part->segment);
    r->plan =
        term_plan(r->w, r->is_keyword ? "k" : "t", vocabulary[r->word].word, r->run.needs_scores);
    expect_scores(r);
    for (uint32_t doc = 0; doc < r->run.doc_count; doc++)
        count += r->scores[doc] > 0;
    assert_int_equal(plan_count(r->plan, r->run.part), count);
    assert_int_equal(plan_open(r->plan, &r->run) != NULL, count > 0);
    for (int round = 0; round < 12 && count > 0; round++) {
        check_windows(r);
        check_seeks(r);
        if (r->run.needs_scores) {
            check_steps(r);
            check_bounds(r);
        }
    }
}

static void terms_agree_with_their_documents(struct test *t)
{
    static struct world w;
    world_init(&w, t);
    for (size_t i = 0; i < ARRAY_COUNT(vocabulary) * 8; i++) {
        struct reading r = {.w = &w, .word = i / 8, .is_keyword = i & 4};
        r.run =
            (struct plan_run){.part = &w.parts[i / 2 % 2], .needs_scores = i & 1, .mem = t->mem};
        check_term(&r);
    }
    world_deinit(&w);
}

/* The same term of another field is another filter, and so is another term; a boost changes none.
 */
static void filters_are_told_apart(struct test *t)
{
    static const struct {
        const char *field, *term;
    } rows[] = {{"t", "common"}, {"k", "common"}, {"t", "commo"}, {"t", "common "}, {"t", ""}};
    static struct world w;
    struct str keys[ARRAY_COUNT(rows)];
    world_init(&w, t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (int again = 0; again < 2; again++) {
            struct buf key;
            buf_init(&key, 0);
            struct plan *plan = term_plan(&w, rows[i].field, rows[i].term, again);
            assert_true(plan->ops->key(plan, &key, t->mem));
            if (again)
                assert_strs_eq(buf_str(&key), keys[i]);
            keys[i] = arena_str(t->mem, buf_str(&key));
            buf_deinit(&key);
        }
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(keys[i], keys[k]));
    }
    world_deinit(&w);
}

TEST_MAIN(TEST(terms_agree_with_their_documents), TEST(filters_are_told_apart))
