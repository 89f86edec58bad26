/* SPDX-License-Identifier: Apache-2.0 */
/* docset_bool.c: sets made of sets. The cheapest required clause leads; the others only see what is
 * left of its window (`among`). Scores follow Lucene's order of additions: required clauses are
 * summed in double and rounded to float, so are the optional ones, then the two are added as
 * floats.
 *
 * With a threshold, each clause has a bound in the window, and what the others can add at most says
 * what it must reach itself: that is its own threshold, and between the clauses documents that
 * cannot reach the whole one any more are dropped. Of a plain union the clauses that together
 * cannot lift a document over the threshold are weak: they need not find documents, they only add
 * to the scores of those that others find (MAXSCORE: Turtle and Flood, "Query evaluation:
 * strategies and optimizations", 1995; per window: Mallia et al., 2017). */
#include "query/docset.h"

#include <math.h>

#include "query/docset_steps.h"

/* Sums of bounds are widened a little: the sum of the scores is rounded otherwise. */
#define BOUND_SLACK 1.00001f

struct bool_set {
    struct docset base;
    struct bool_clauses clauses;
    struct docset **required; /* must and filter together, cheapest first */
    bool *required_is_must;
    size_t required_count;
    uint32_t doc_count;
    float *required_bounds, *should_bounds; /* highest scores in the window `bounds_first` */
    float required_bound, should_bound;     /* their sums */
    uint32_t bounds_first;                  /* DOC_NONE: none yet */
    uint32_t *order;                        /* of should: rising bounds */
    double *sums;                           /* scores of a window; NULL: not needed yet */
    double *should_sums; /* of the optional clauses when there are required ones */
    float *part;         /* scores of one clause */
    uint16_t *matched;   /* how many of should matched, for should_min > 1 */
    struct steps *steps; /* NULL: windows only */
    struct arena *mem;
};

static uint32_t bool_seek(struct docset *set, uint32_t at_least)
{
    struct bool_set *own = (struct bool_set *)set;
    uint32_t doc = at_least;
    for (size_t i = 0; i < own->required_count && doc != DOC_NONE; i++)
        doc = docset_seek(own->required[i], doc);
    if (own->required_count > 0 || own->clauses.should_min == 0)
        return doc;
    uint32_t nearest = DOC_NONE;
    for (size_t i = 0; i < own->clauses.should_count && nearest != at_least; i++) {
        uint32_t next = docset_seek(own->clauses.should[i], at_least);
        nearest = MIN_OF(nearest, next);
    }
    return nearest;
}

/* ---- Bounds ---- */

static void sort_by_bound(struct bool_set *own)
{
    /* Mostly in order already: windows are alike. */
    for (size_t i = 1; i < own->clauses.should_count; i++) {
        uint32_t moved = own->order[i];
        size_t at = i;
        for (; at > 0 && own->should_bounds[own->order[at - 1]] > own->should_bounds[moved]; at--)
            own->order[at] = own->order[at - 1];
        own->order[at] = moved;
    }
}

static void bounds_find(struct bool_set *own, uint32_t first, uint32_t n)
{
    double required = 0, should = 0;
    if (own->bounds_first == first)
        return;
    own->bounds_first = first;
    for (size_t i = 0; i < own->required_count; i++) {
        own->required_bounds[i] =
            own->required_is_must[i] ? docset_score_max(own->required[i], first, n) : 0;
        required += (double)own->required_bounds[i];
    }
    for (size_t i = 0; i < own->clauses.should_count; i++) {
        own->should_bounds[i] = docset_score_max(own->clauses.should[i], first, n);
        should += (double)own->should_bounds[i];
    }
    own->required_bound = (float)required;
    own->should_bound = (float)should;
    sort_by_bound(own);
}

/* Scores are summed as the bounds are, and rounding keeps the order of sums, so that theirs is one
 * without slack: documents that have all of it are told from better ones. Not where the clauses
 * are many enough to be added in another order. */
static float bool_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    struct bool_set *own = (struct bool_set *)set;
    bounds_find(own, first, n);
    float bound = own->required_bound + own->should_bound;
    return own->clauses.should_count <= 2 ? bound : bound * BOUND_SLACK;
}

/* One window while it is filled. */
struct filling {
    struct bool_set *own;
    const struct doc_window *w;
    const uint64_t *among; /* for the first clause: NULL when every document is in question */
    uint64_t *words;
    float threshold; /* 0: none */
};

/* What a clause must reach when the others add at most all - bound. */
static float clause_threshold(const struct filling *f, float bound)
{
    if (!(f->threshold > 0))
        return 0;
    float all = f->own->required_bound + f->own->should_bound;
    float need = f->threshold / BOUND_SLACK - (all * BOUND_SLACK - bound);
    return need > 0 ? need : 0; /* not for NaN: bounds may be unknown */
}

/* ---- Sums ---- */

/* What a clause gives to its matches in a window: places of `part`, or, NULL, all the same. */
struct clause_scores {
    const float *part;
    float constant;
};

static double score_at(const struct clause_scores *scores, uint32_t i)
{
    return (double)(scores->part ? scores->part[i] : scores->constant);
}

static void sums_set(double *sums, const struct clause_scores *scores, uint64_t bits, uint32_t base)
{
    for (; bits; bits &= bits - 1) {
        uint32_t i = base + (uint32_t)__builtin_ctzll(bits);
        sums[i] = score_at(scores, i);
    }
}

static void sums_add(double *sums, const struct clause_scores *scores, uint64_t bits, uint32_t base)
{
    for (; bits; bits &= bits - 1) {
        uint32_t i = base + (uint32_t)__builtin_ctzll(bits);
        sums[i] += score_at(scores, i);
    }
}

/* Adds a clause's scores; documents that are not in `known` have no sum yet. */
static void sums_join(double *sums, const struct clause_scores *scores, const uint64_t *words,
                      const uint64_t *known)
{
    for (uint32_t k = 0; k < WINDOW_WORDS; k++) {
        sums_add(sums, scores, words[k] & known[k], k * 64);
        sums_set(sums, scores, words[k] & ~known[k], k * 64);
    }
}

/* Fills a clause's window; a clause whose matches all score the same need not write that down. */
static struct clause_scores clause_fill(struct bool_set *own, struct docset *set, bool is_scored,
                                        struct doc_window *w)
{
    bool needs_part = is_scored && !set->is_constant;
    w->scores = needs_part ? own->part : NULL;
    set->ops->fill(set, w);
    return (struct clause_scores){needs_part ? own->part : NULL, set->constant};
}

/* Drops documents whose sum and `rest` cannot pass the threshold. */
static void drop_low(const struct filling *f, const double *sums, float rest, uint64_t *words)
{
    double least = (double)(f->threshold / BOUND_SLACK - rest);
    if (!(f->threshold > 0) || !(least > 0))
        return;
    for (uint32_t k = 0; k < WINDOW_WORDS; k++) {
        for (uint64_t left = words[k]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            if (sums[k * 64 + bit] <= least)
                words[k] &= ~(UINT64_C(1) << bit);
        }
    }
}

/* ---- Required and excluded clauses ---- */

/* `words` comes in as what may match; `is_led`: as what optional clauses found. False: nothing is
 * left. */
static bool fill_required(const struct filling *f, bool is_led, bool *ret_has_sums)
{
    struct bool_set *own = f->own;
    float rest = own->required_bound * BOUND_SLACK + own->should_bound * BOUND_SLACK;
    *ret_has_sums = false;
    for (size_t i = 0; i < own->required_count; i++) {
        uint64_t clause[WINDOW_WORDS] = {0}, any = 0;
        bool is_scored = f->w->scores && own->required_is_must[i];
        struct docset *set = own->required[i];
        struct doc_window sub = {f->w->first, f->w->n, i || is_led ? f->words : f->among, clause,
                                 NULL};
        set->threshold = is_scored ? clause_threshold(f, own->required_bounds[i]) : 0;
        struct clause_scores scores = clause_fill(own, set, is_scored, &sub);
        for (size_t k = 0; k < WINDOW_WORDS; k++) {
            f->words[k] &= clause[k];
            any |= f->words[k];
        }
        if (!any)
            return false;
        if (!is_scored)
            continue;
        for (uint32_t k = 0; k < WINDOW_WORDS; k++) {
            if (*ret_has_sums)
                sums_add(own->sums, &scores, f->words[k], k * 64);
            else
                sums_set(own->sums, &scores, f->words[k], k * 64);
        }
        *ret_has_sums = true;
        if (f->threshold > 0) {
            rest -= own->required_bounds[i];
            drop_low(f, own->sums, rest, f->words);
        }
    }
    return true;
}

static void fill_must_not(const struct filling *f)
{
    struct bool_set *own = f->own;
    for (size_t i = 0; i < own->clauses.must_not_count; i++) {
        uint64_t clause[WINDOW_WORDS] = {0};
        struct doc_window sub = {f->w->first, f->w->n, f->words, clause, NULL};
        own->clauses.must_not[i]->ops->fill(own->clauses.must_not[i], &sub);
        for (size_t k = 0; k < WINDOW_WORDS; k++)
            f->words[k] &= ~clause[k];
    }
}

/* ---- Optional clauses ---- */

static void count_matches(uint16_t *matched, const uint64_t *words)
{
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1)
            matched[word * 64 + (uint32_t)__builtin_ctzll(left)]++;
    }
}

/* One optional clause: its matches among `among` (NULL: all) into `any`, its scores to `sums`. */
static void fill_one_should(const struct filling *f, size_t i, const uint64_t *among, uint64_t *any,
                            double *sums)
{
    struct bool_set *own = f->own;
    struct docset *set = own->clauses.should[i];
    uint64_t clause[WINDOW_WORDS] = {0};
    set->threshold = f->w->scores ? clause_threshold(f, own->should_bounds[i]) : 0;
    if (!f->w->scores && own->clauses.should_min <= 1) { /* a union: straight into its bits */
        struct doc_window plain = {f->w->first, f->w->n, among, any, NULL};
        set->ops->fill(set, &plain);
        return;
    }
    struct doc_window sub = {f->w->first, f->w->n, among, clause, NULL};
    struct clause_scores scores = clause_fill(own, set, f->w->scores != NULL, &sub);
    for (size_t k = 0; among && k < WINDOW_WORDS; k++)
        clause[k] &= among[k];
    if (f->w->scores)
        sums_join(sums, &scores, clause, any);
    for (size_t k = 0; k < WINDOW_WORDS; k++)
        any[k] |= clause[k];
    if (own->clauses.should_min > 1)
        count_matches(own->matched, clause);
}

/* Of a union: how many of the clauses with the lowest bounds are weak, together with the required
 * ones when there are any. */
static size_t weak_count(const struct filling *f)
{
    const struct bool_set *own = f->own;
    float sum = 0;
    size_t n = 0;
    if (!(f->threshold > 0))
        return 0;
    sum = own->required_bound; /* 0 of a plain union */
    for (; n < own->clauses.should_count; n++) {
        sum += own->should_bounds[own->order[n]];
        if (!(sum * BOUND_SLACK <= f->threshold))
            break;
    }
    return n;
}

/* Strong clauses find, then weak ones add, highest bound first, to those that can still pass. */
static void fill_union(const struct filling *f, uint64_t *any, double *sums)
{
    struct bool_set *own = f->own;
    size_t weak = weak_count(f);
    float rest = own->required_bound * BOUND_SLACK;
    for (size_t i = 0; i < own->clauses.should_count; i++) {
        bool is_weak = false;
        for (size_t k = 0; k < weak && !is_weak; k++)
            is_weak = own->order[k] == i;
        if (!is_weak)
            fill_one_should(f, i, f->among, any, sums);
    }
    for (size_t k = 0; k < weak; k++)
        rest += own->should_bounds[own->order[k]] * BOUND_SLACK;
    for (size_t k = weak; k-- > 0;) {
        drop_low(f, sums, rest, any);
        if (words_are_empty(any))
            return;
        fill_one_should(f, own->order[k], any, any, sums);
        rest -= own->should_bounds[own->order[k]];
    }
}

/* The required clauses alone cannot pass the threshold: a document must have optional ones too, so
 * these, the rarer ones as a rule, lead. */
static bool optional_leads(const struct filling *f)
{
    const struct bool_set *own = f->own;
    return f->threshold > 0 && own->required_count > 0 && own->clauses.should_count > 0 &&
           own->required_bound * BOUND_SLACK <= f->threshold;
}

/* Beside required clauses: only scores of documents that are there already, or a condition. */
static void fill_optional(const struct filling *f, uint64_t *any, double *sums)
{
    struct bool_set *own = f->own;
    float rest = own->should_bound * BOUND_SLACK;
    for (size_t i = 0; i < own->clauses.should_count; i++) {
        if (i && own->clauses.should_min == 0 && f->threshold > 0) {
            rest -= own->should_bounds[i - 1];
            for (uint32_t k = 0; k < WINDOW_WORDS; k++) {
                for (uint64_t left = f->words[k]; left; left &= left - 1) {
                    uint32_t bit = (uint32_t)__builtin_ctzll(left), at = k * 64 + bit;
                    double sum = own->sums[at] + (any[k] >> bit & 1 ? sums[at] : 0);
                    if (sum + (double)rest <= (double)(f->threshold / BOUND_SLACK))
                        f->words[k] &= ~(UINT64_C(1) << bit);
                }
            }
            if (words_are_empty(f->words))
                return;
        }
        fill_one_should(f, i, f->words, any, sums);
    }
}

/* Narrows the words to those with should_min matches. */
static void keep_matched(const struct filling *f, const uint64_t *any)
{
    const struct bool_set *own = f->own;
    uint32_t need = own->clauses.should_min;
    if (need == 0)
        return;
    for (size_t k = 0; k < WINDOW_WORDS; k++)
        f->words[k] &= any[k];
    for (uint32_t i = 0; need > 1 && i < f->w->n; i++) {
        if (own->matched[i] < need)
            bitset_clear(f->words, i);
    }
}

static void finish_scores(const struct filling *f, bool has_sums, const uint64_t *any)
{
    const struct bool_set *own = f->own;
    bool is_apart = own->required_count > 0;
    for (uint32_t k = 0; k < WINDOW_WORDS; k++) {
        for (uint64_t left = f->words[k]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left), i = k * 64 + bit;
            bool is_optional = any[k] >> bit & 1;
            float score = is_apart && has_sums ? (float)own->sums[i] : 0;
            if (is_optional)
                score += (float)(is_apart ? own->should_sums : own->sums)[i];
            f->w->scores[i] = score;
        }
    }
}

/* A threshold can be used when a document cannot match without its clauses' scores being known, and
 * the bounds of all are. */
static float usable_threshold(struct bool_set *own, const struct doc_window *w)
{
    bool is_union = own->required_count == 0 && own->clauses.should_min == 1;
    bool is_required = own->required_count > 0 && own->clauses.should_min <= 1;
    if (!w->scores || !(own->base.threshold > 0) || !(is_union || is_required))
        return 0;
    bounds_find(own, w->first, w->n);
    return isfinite(own->required_bound + own->should_bound) ? own->base.threshold : 0;
}

/* A query that is stepped over needs none of these. */
static void sums_make(struct bool_set *own)
{
    own->sums = ARENA_ARRAY(own->mem, double, ZONE_DOCS);
    own->part = ARENA_ARRAY(own->mem, float, ZONE_DOCS);
    if (own->required_count > 0 && own->clauses.should_count > 0)
        own->should_sums = ARENA_ARRAY(own->mem, double, ZONE_DOCS);
}

static void bool_fill(struct docset *set, struct doc_window *w)
{
    struct bool_set *own = (struct bool_set *)set;
    if (w->scores && !own->sums)
        sums_make(own);
    uint64_t words[WINDOW_WORDS] = {0}, any[WINDOW_WORDS] = {0};
    struct filling f = {own, w, w->among, words, usable_threshold(own, w)};
    bool has_sums = false;
    if (f.threshold > 0 && (own->required_bound + own->should_bound) * BOUND_SLACK <= f.threshold)
        return;
    if (w->among)
        memcpy(words, w->among, BITSET_WORDS(w->n) * sizeof(words[0]));
    else
        words_set_range(words, 0, w->n);
    bool is_led = optional_leads(&f);
    if (is_led) {
        fill_union(&f, any, own->should_sums);
        for (size_t k = 0; k < WINDOW_WORDS; k++)
            words[k] &= any[k];
        if (words_are_empty(words))
            return;
    }
    if (!fill_required(&f, is_led, &has_sums))
        return;
    if (own->clauses.should_min > 1)
        memset(own->matched, 0, ZONE_DOCS * sizeof(*own->matched));
    if (!is_led && own->clauses.should_count > 0 && (w->scores || own->clauses.should_min > 0)) {
        if (own->required_count > 0)
            fill_optional(&f, any, own->should_sums);
        else
            fill_union(&f, any, own->sums);
        keep_matched(&f, any);
    }
    fill_must_not(&f);
    if (w->scores)
        finish_scores(&f, has_sums, any);
    for (size_t k = 0; k < WINDOW_WORDS; k++)
        w->words[k] |= words[k];
}

static bool bool_steps_well(struct docset *set)
{
    const struct bool_set *own = (const struct bool_set *)set;
    return own->steps && steps_are_few(own->steps, set->threshold);
}

static uint32_t bool_step(struct docset *set, uint32_t target, uint32_t end, float *ret_score)
{
    const struct bool_set *own = (const struct bool_set *)set;
    return steps_next(own->steps, target, end, set->threshold, ret_score);
}

static const struct docset_ops bool_ops = {.seek = bool_seek,
                                           .fill = bool_fill,
                                           .score_max = bool_score_max,
                                           .steps_well = bool_steps_well,
                                           .step = bool_step};

static void insert_required(struct bool_set *own, struct docset *set, bool is_must)
{
    size_t at = own->required_count++;
    for (; at > 0 && own->required[at - 1]->cost > set->cost; at--) {
        own->required[at] = own->required[at - 1];
        own->required_is_must[at] = own->required_is_must[at - 1];
    }
    own->required[at] = set;
    own->required_is_must[at] = is_must;
}

static size_t without_null(struct docset ***sets, size_t count, struct arena *mem)
{
    struct docset **kept = ARENA_ARRAY(mem, struct docset *, count + 1);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if ((*sets)[i])
            kept[n++] = (*sets)[i];
    }
    *sets = kept;
    return n;
}

static bool gather_required(struct bool_set *own, bool needs_scores)
{
    const struct bool_clauses *clauses = &own->clauses;
    for (size_t i = 0; i < clauses->must_count; i++) {
        if (!clauses->must[i])
            return false;
        insert_required(own, clauses->must[i], true);
    }
    for (size_t i = 0; i < clauses->filter_count; i++) {
        if (!clauses->filter[i])
            return false;
        if (!clauses->filter[i]->is_all || needs_scores)
            insert_required(own, clauses->filter[i], false);
    }
    return true;
}

static void gather_traits(struct bool_set *own)
{
    uint64_t should_cost = 0;
    bool is_random = true;
    for (size_t i = 0; i < own->clauses.should_count; i++) {
        should_cost += own->clauses.should[i]->cost;
        is_random = is_random && own->clauses.should[i]->is_random;
    }
    for (size_t i = 0; i < own->required_count; i++)
        is_random = is_random && own->required[i]->is_random;
    for (size_t i = 0; i < own->clauses.must_not_count; i++)
        is_random = is_random && own->clauses.must_not[i]->is_random;
    own->base.is_random = is_random;
    own->base.cost = own->required_count           ? own->required[0]->cost
                     : own->clauses.should_min > 0 ? MIN_OF(should_cost, own->doc_count)
                                                   : own->doc_count;
}

struct docset *docset_bool(const struct bool_clauses *clauses, uint32_t doc_count,
                           bool needs_scores, struct arena *mem)
{
    struct bool_set *own = ARENA_NEW(mem, struct bool_set);
    own->base.ops = &bool_ops;
    own->clauses = *clauses;
    own->doc_count = doc_count;
    size_t most = clauses->must_count + clauses->filter_count;
    own->required = ARENA_ARRAY(mem, struct docset *, most + 1);
    own->required_is_must = ARENA_ARRAY(mem, bool, most + 1);
    if (!gather_required(own, needs_scores))
        return NULL;
    own->clauses.should_count = without_null(&own->clauses.should, clauses->should_count, mem);
    own->clauses.must_not_count =
        without_null(&own->clauses.must_not, clauses->must_not_count, mem);
    if (own->clauses.should_min > own->clauses.should_count)
        return NULL;
    gather_traits(own);
    size_t should = own->clauses.should_count;
    own->bounds_first = DOC_NONE;
    own->required_bounds = ARENA_ARRAY(mem, float, most + 1);
    own->should_bounds = ARENA_ARRAY(mem, float, should + 1);
    own->order = ARENA_ARRAY(mem, uint32_t, should + 1);
    for (size_t i = 0; i < should; i++)
        own->order[i] = (uint32_t)i;
    own->mem = mem;
    if (own->clauses.should_min > 1)
        own->matched = ARENA_ARRAY(mem, uint16_t, ZONE_DOCS);
    if (needs_scores && own->clauses.should_min == 0) {
        struct steps_clauses stepped = {.required = own->required,
                                        .required_is_must = own->required_is_must,
                                        .required_count = own->required_count,
                                        .should = own->clauses.should,
                                        .should_count = should,
                                        .must_not = own->clauses.must_not,
                                        .must_not_count = own->clauses.must_not_count};
        own->steps = steps_new(&stepped, doc_count, mem);
    }
    return &own->base;
}

/* ---- The best of several ---- */

struct dis_max_set {
    struct docset base;
    struct docset **sets;
    size_t count;
    float tie_breaker;
    float *part, *best;
    double *others;
};

static uint32_t dis_max_seek(struct docset *set, uint32_t at_least)
{
    const struct dis_max_set *own = (const struct dis_max_set *)set;
    uint32_t nearest = DOC_NONE;
    for (size_t i = 0; i < own->count && nearest != at_least; i++) {
        uint32_t next = docset_seek(own->sets[i], at_least);
        nearest = MIN_OF(nearest, next);
    }
    return nearest;
}

static void dis_max_scored(struct dis_max_set *own, struct doc_window *w)
{
    uint64_t all[WINDOW_WORDS] = {0};
    for (size_t s = 0; s < own->count; s++) {
        uint64_t words[WINDOW_WORDS] = {0};
        struct doc_window sub = {w->first, w->n, w->among, words, own->part};
        own->sets[s]->ops->fill(own->sets[s], &sub);
        for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
            for (uint64_t left = words[word]; left; left &= left - 1) {
                uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
                float score = own->part[i];
                bool is_new = !bitset_get(all, i);
                own->others[i] = is_new ? (double)score : own->others[i] + (double)score;
                own->best[i] = is_new ? score : MAX_OF(own->best[i], score);
            }
            all[word] |= words[word];
        }
    }
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = all[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
            double rest = own->others[i] - (double)own->best[i];
            w->scores[i] = (float)((double)own->best[i] + rest * (double)own->tie_breaker);
        }
        w->words[word] |= all[word];
    }
}

static void dis_max_fill(struct docset *set, struct doc_window *w)
{
    struct dis_max_set *own = (struct dis_max_set *)set;
    if (w->scores) {
        dis_max_scored(own, w);
        return;
    }
    for (size_t i = 0; i < own->count; i++)
        own->sets[i]->ops->fill(own->sets[i], w);
}

static float dis_max_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    const struct dis_max_set *own = (const struct dis_max_set *)set;
    float best = 0, sum = 0;
    for (size_t i = 0; i < own->count; i++) {
        float score = docset_score_max(own->sets[i], first, n);
        best = MAX_OF(best, score);
        sum += score;
    }
    return (best + (sum - best) * own->tie_breaker) * BOUND_SLACK;
}

static const struct docset_ops dis_max_ops = {
    .seek = dis_max_seek, .fill = dis_max_fill, .score_max = dis_max_score_max};

struct docset *docset_dis_max(struct docset **sets, size_t count, float tie_breaker,
                              struct arena *mem)
{
    struct dis_max_set *own = ARENA_NEW(mem, struct dis_max_set);
    own->base.ops = &dis_max_ops;
    own->count = without_null(&sets, count, mem);
    own->sets = sets;
    own->tie_breaker = tie_breaker;
    if (own->count == 0)
        return NULL;
    if (own->count == 1)
        return own->sets[0];
    own->base.is_random = true;
    for (size_t i = 0; i < own->count; i++) {
        own->base.cost += own->sets[i]->cost;
        own->base.is_random = own->base.is_random && own->sets[i]->is_random;
    }
    own->part = ARENA_ARRAY(mem, float, ZONE_DOCS);
    own->best = ARENA_ARRAY(mem, float, ZONE_DOCS);
    own->others = ARENA_ARRAY(mem, double, ZONE_DOCS);
    return &own->base;
}

/* ---- One score for all ---- */

struct constant_set {
    struct docset base;
    struct docset *inner;
};

static uint32_t constant_seek(struct docset *set, uint32_t at_least)
{
    return docset_seek(((struct constant_set *)set)->inner, at_least);
}

static void constant_fill(struct docset *set, struct doc_window *w)
{
    struct constant_set *own = (struct constant_set *)set;
    struct doc_window sub = {w->first, w->n, w->among, w->words, NULL};
    own->inner->ops->fill(own->inner, &sub);
    for (uint32_t i = 0; w->scores && i < w->n; i++)
        w->scores[i] = set->constant;
}

static float constant_max(struct docset *set, uint32_t first UNUSED, uint32_t n UNUSED)
{
    return set->constant;
}

static const struct docset_ops constant_ops = {
    .seek = constant_seek, .fill = constant_fill, .score_max = constant_max};

struct docset *docset_constant(struct docset *set, float score, struct arena *mem)
{
    if (!set)
        return NULL;
    struct constant_set *own = ARENA_NEW(mem, struct constant_set);
    own->base = (struct docset){.ops = &constant_ops,
                                .cost = set->cost,
                                .is_random = set->is_random,
                                .is_all = set->is_all,
                                .constant = score,
                                .is_constant = true};
    own->inner = set;
    return &own->base;
}
