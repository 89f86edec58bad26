/* SPDX-License-Identifier: Apache-2.0 */
/* docset_bool.c: sets made of sets. The cheapest required clause leads; the others only see what is
 * left of its window
 * (`among`). Scores follow Lucene's order of additions: required clauses are summed in double and
 * rounded to float, so are the optional ones, then the two are added as floats. */
#include "query/docset.h"

#include <math.h>

/* Sums of bounds are widened a little: the sum of the scores is rounded otherwise. */
#define BOUND_SLACK      1.00001f
#define WEAK_CLAUSES_MAX 32u /* unions of more clauses are not looked at so closely */

struct bool_set {
    struct docset base;
    bool is_weak[WEAK_CLAUSES_MAX];
    struct bool_clauses clauses; /* required ones sorted by cost: `lead` */
    struct docset **required;    /* must and filter together, cheapest first */
    bool *required_is_must;
    size_t required_count;
    uint32_t doc_count;
    double *sums;        /* scores of a window; NULL without scores */
    double *should_sums; /* of the optional clauses when there are required ones */
    float *part;         /* scores of one clause */
    float *optional;     /* scores of should */
    uint16_t *matched;   /* how many of should matched, for should_min > 1 */
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

static void add_scores(double *sums, const float *part, const uint64_t *words)
{
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
            sums[i] += (double)part[i];
        }
    }
}

/* All required clauses; `words` comes in as what may match. False: nothing is left. */
static bool fill_required(struct bool_set *own, const struct doc_window *w, uint64_t *words)
{
    for (size_t i = 0; i < own->required_count; i++) {
        uint64_t clause[WINDOW_WORDS] = {0}, any = 0;
        bool is_scored = w->scores && own->required_is_must[i];
        struct doc_window sub = {w->first, w->n, words, clause, is_scored ? own->part : NULL};
        own->required[i]->ops->fill(own->required[i], &sub);
        for (size_t k = 0; k < WINDOW_WORDS; k++) {
            words[k] &= clause[k];
            any |= words[k];
        }
        if (!any)
            return false;
        if (is_scored)
            add_scores(own->sums, own->part, words);
    }
    return true;
}

static void fill_must_not(struct bool_set *own, const struct doc_window *w, uint64_t *words)
{
    for (size_t i = 0; i < own->clauses.must_not_count; i++) {
        uint64_t clause[WINDOW_WORDS] = {0};
        struct doc_window sub = {w->first, w->n, words, clause, NULL};
        own->clauses.must_not[i]->ops->fill(own->clauses.must_not[i], &sub);
        for (size_t k = 0; k < WINDOW_WORDS; k++)
            words[k] &= ~clause[k];
    }
}

static void count_matches(uint16_t *matched, const uint64_t *words)
{
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1)
            matched[word * 64 + (uint32_t)__builtin_ctzll(left)]++;
    }
}

/* Of a plain union, the clauses that together cannot lift a document over the threshold: such
 * clauses need not find documents, they only add to the scores of those that others find (MAXSCORE,
 * Turtle and Flood 1995). Marks them. */
static void mark_weak(struct bool_set *own, const struct doc_window *w)
{
    size_t count = own->clauses.should_count;
    memset(own->is_weak, 0, count * sizeof(*own->is_weak));
    if (!(own->base.threshold > 0) || !w->scores || own->required_count > 0 ||
        own->clauses.should_min != 1)
        return;
    float sum = 0;
    for (size_t taken = 0; taken < count; taken++) {
        size_t least = count;
        float least_score = INFINITY;
        for (size_t i = 0; i < count; i++) {
            float score = own->is_weak[i]
                              ? INFINITY
                              : docset_score_max(own->clauses.should[i], w->first, w->n);
            if (score < least_score) {
                least_score = score;
                least = i;
            }
        }
        if (least == count || (sum + least_score) * BOUND_SLACK > own->base.threshold)
            return;
        sum += least_score;
        own->is_weak[least] = true;
    }
}

/* One optional clause: its matches among `words` (a weak one's among those found so far) into
 * `any`, its scores to `sums`. */
static void fill_one_should(struct bool_set *own, const struct doc_window *w, size_t i,
                            bool is_weak, const uint64_t *words, uint64_t *any, double *sums)
{
    struct docset *set = own->clauses.should[i];
    uint64_t clause[WINDOW_WORDS] = {0};
    const uint64_t *among = is_weak ? any : words;
    if (!w->scores && own->clauses.should_min <= 1) { /* a union: straight into its bits */
        struct doc_window plain = {w->first, w->n, words, any, NULL};
        set->ops->fill(set, &plain);
        return;
    }
    struct doc_window sub = {w->first, w->n, among, clause, w->scores ? own->part : NULL};
    set->ops->fill(set, &sub);
    for (size_t k = 0; k < WINDOW_WORDS; k++) {
        clause[k] &= among[k];
        any[k] |= clause[k];
    }
    if (w->scores)
        add_scores(sums, own->part, clause);
    if (own->clauses.should_min > 1)
        count_matches(own->matched, clause);
}

/* Optional clauses: narrows `words` to those with should_min matches, and sums their scores. Weak
 * ones come last. */
static void fill_should(struct bool_set *own, const struct doc_window *w, uint64_t *words,
                        double *sums)
{
    uint32_t need = own->clauses.should_min;
    uint64_t any[WINDOW_WORDS] = {0};
    bool looks = own->clauses.should_count <= WEAK_CLAUSES_MAX;
    if (need > 1)
        memset(own->matched, 0, ZONE_DOCS * sizeof(*own->matched));
    if (looks)
        mark_weak(own, w);
    for (size_t i = 0; i < own->clauses.should_count; i++) {
        if (!looks || !own->is_weak[i])
            fill_one_should(own, w, i, false, words, any, sums);
    }
    bool has_some = looks && !words_are_empty(any);
    for (size_t i = 0; has_some && i < own->clauses.should_count; i++) {
        if (own->is_weak[i])
            fill_one_should(own, w, i, true, words, any, sums);
    }
    if (need == 0)
        return;
    for (size_t k = 0; k < WINDOW_WORDS; k++)
        words[k] &= any[k];
    for (uint32_t i = 0; need > 1 && i < w->n; i++) {
        if (own->matched[i] < need)
            bitset_clear(words, i);
    }
}

static void finish_scores(struct bool_set *own, const struct doc_window *w, const uint64_t *words)
{
    bool has_both = own->required_count > 0 && own->clauses.should_count > 0;
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
            float score = (float)own->sums[i];
            if (has_both)
                score += own->optional[i];
            w->scores[i] = score;
        }
    }
}

static void bool_fill(struct docset *set, struct doc_window *w)
{
    struct bool_set *own = (struct bool_set *)set;
    uint64_t words[WINDOW_WORDS] = {0};
    if (w->among)
        memcpy(words, w->among, BITSET_WORDS(w->n) * sizeof(words[0]));
    else
        words_set_range(words, 0, w->n);
    if (w->scores)
        memset(own->sums, 0, ZONE_DOCS * sizeof(*own->sums));
    if (!fill_required(own, w, words))
        return;
    if (own->clauses.should_count > 0 && (w->scores || own->clauses.should_min > 0)) {
        bool is_apart = w->scores && own->required_count > 0;
        if (is_apart)
            memset(own->should_sums, 0, ZONE_DOCS * sizeof(*own->should_sums));
        fill_should(own, w, words, is_apart ? own->should_sums : own->sums);
        for (uint32_t i = 0; is_apart && i < w->n; i++)
            own->optional[i] = (float)own->should_sums[i];
    }
    fill_must_not(own, w, words);
    if (w->scores)
        finish_scores(own, w, words);
    for (size_t k = 0; k < WINDOW_WORDS; k++)
        w->words[k] |= words[k];
}

static float bool_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    struct bool_set *own = (struct bool_set *)set;
    float sum = 0;
    for (size_t i = 0; i < own->required_count; i++) {
        if (own->required_is_must[i])
            sum += docset_score_max(own->required[i], first, n);
    }
    for (size_t i = 0; i < own->clauses.should_count; i++)
        sum += docset_score_max(own->clauses.should[i], first, n);
    return sum * BOUND_SLACK;
}

static const struct docset_ops bool_ops = {bool_seek, bool_fill, bool_score_max};

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
    if (needs_scores) {
        own->sums = ARENA_ARRAY(mem, double, ZONE_DOCS);
        own->should_sums = ARENA_ARRAY(mem, double, ZONE_DOCS);
        own->part = ARENA_ARRAY(mem, float, ZONE_DOCS);
        own->optional = ARENA_ARRAY(mem, float, ZONE_DOCS);
    }
    if (own->clauses.should_min > 1)
        own->matched = ARENA_ARRAY(mem, uint16_t, ZONE_DOCS);
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

static const struct docset_ops dis_max_ops = {dis_max_seek, dis_max_fill, dis_max_score_max};

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

static const struct docset_ops constant_ops = {constant_seek, constant_fill, constant_max};

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
