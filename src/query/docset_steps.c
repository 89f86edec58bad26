/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c, oracle_test.c and model_test.c, where documents
 * are; tests/compat/lucene.sh compares scores and order */
/* docset_steps.c: one clause leads, the rarest required one, and names documents; the others are
 * asked for each of them, cheapest first. A document is given up as soon as what it has and what
 * the clauses left could add at most, in the whole segment, then in the block of their postings,
 * cannot beat the threshold: most lists are then never unpacked there.
 *
 * When the required clauses alone cannot beat it, a match needs optional ones too: those that
 * cannot be left out lead instead, together (MAXSCORE: Turtle and Flood, 1995, with the block
 * bounds of Ding and Suel, 2011). The threshold only rises, so they never give the lead back. */
#include "query/docset_steps.h"

#include <math.h>

/* As of docset_bool.c: sums of bounds are widened, the sum of the scores is rounded otherwise. */
#define BOUND_SLACK 1.00001f
/* Up to so many documents of the leading clauses per window are looked at one by one; and when
 * there is something to beat, so that most of them are left out by their own score. */
#define STEPS_PER_WINDOW       128u
#define STEPS_PER_WINDOW_ABOVE 1024u
/* Bounds over the block of a single lead are found when it spans no more documents than this. */
#define RANGE_DOCS_MAX 65536u

enum occur { OCCUR_MUST, OCCUR_FILTER, OCCUR_SHOULD };

struct step_clause {
    struct docset *set;
    enum occur occur;
    bool is_lead;
    float most;  /* of any document */
    float bound; /* of those in the range */
    float block_most;
    uint32_t block_from, block_upto; /* where block_most holds; from > upto: nowhere yet */
    uint32_t doc;                    /* of a leading clause: where it stands */
};

struct steps {
    struct step_clause *clauses; /* in the order they are asked: leading ones first */
    size_t count, lead_count;
    struct docset **must_not;
    size_t must_not_count;
    float all, required; /* sums of `most` */
    /* Documents of a single lead's block: `bound` holds there, `bounds` is the sum. from > upto:
     * everywhere. */
    uint32_t range_from, range_upto;
    float bounds;
    uint32_t doc_count;
    float led_for; /* threshold the lead was chosen for */
    bool is_by_should;
};

static bool can_step(struct docset *const *sets, size_t count, bool needs_score)
{
    for (size_t i = 0; i < count; i++) {
        if (!sets[i]->ops->match || (needs_score && !isfinite(sets[i]->score_most)))
            return false;
    }
    return true;
}

static void clause_add(struct steps *steps, struct docset *set, enum occur occur)
{
    struct step_clause *clause = &steps->clauses[steps->count++];
    *clause = (struct step_clause){.set = set, .occur = occur, .block_from = 1};
    clause->most = occur == OCCUR_FILTER ? 0 : set->score_most;
    steps->all += clause->most;
    if (occur != OCCUR_SHOULD)
        steps->required += clause->most;
}

static void range_reset(struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        steps->clauses[i].bound = steps->clauses[i].most;
    steps->bounds = steps->all;
    steps->range_from = 1;
    steps->range_upto = 0;
}

struct steps *steps_new(const struct steps_clauses *clauses, uint32_t doc_count, struct arena *mem)
{
    if (clauses->required_count == 0 ||
        !can_step(clauses->must_not, clauses->must_not_count, false) ||
        !can_step(clauses->should, clauses->should_count, true))
        return NULL;
    for (size_t i = 0; i < clauses->required_count; i++) {
        if (!can_step(&clauses->required[i], 1, clauses->required_is_must[i]))
            return NULL;
    }
    struct steps *steps = ARENA_NEW(mem, struct steps);
    steps->clauses =
        ARENA_ARRAY(mem, struct step_clause, clauses->required_count + clauses->should_count);
    steps->must_not = clauses->must_not;
    steps->must_not_count = clauses->must_not_count;
    steps->doc_count = doc_count;
    for (size_t i = 0; i < clauses->required_count; i++)
        clause_add(steps, clauses->required[i],
                   clauses->required_is_must[i] ? OCCUR_MUST : OCCUR_FILTER);
    for (size_t i = 0; i < clauses->should_count; i++)
        clause_add(steps, clauses->should[i], OCCUR_SHOULD);
    steps->clauses[0].is_lead = true;
    steps->lead_count = 1;
    range_reset(steps);
    return steps;
}

/* ---- Who leads ---- */

static bool is_asked_before(const struct step_clause *a, const struct step_clause *b)
{
    if (a->is_lead != b->is_lead)
        return a->is_lead;
    if ((a->occur == OCCUR_SHOULD) != (b->occur == OCCUR_SHOULD))
        return a->occur != OCCUR_SHOULD;
    return a->occur == OCCUR_SHOULD ? a->most > b->most : a->set->cost < b->set->cost;
}

static void sort_clauses(struct steps *steps)
{
    for (size_t i = 1; i < steps->count; i++) {
        struct step_clause moved = steps->clauses[i];
        size_t at = i;
        for (; at > 0 && is_asked_before(&moved, &steps->clauses[at - 1]); at--)
            steps->clauses[at] = steps->clauses[at - 1];
        steps->clauses[at] = moved;
    }
}

/* The optional clauses without which nothing beats the threshold lead when there are such. Those
 * with the lowest bounds are left out as long as they and the required ones stay below. */
static void lead_choose(struct steps *steps, float threshold)
{
    float weak = steps->required;
    if (!(threshold > steps->led_for) || weak * BOUND_SLACK > threshold)
        return;
    steps->led_for = threshold;
    uint64_t cost = 0, lead_cost = steps->clauses[0].set->cost;
    size_t lead_count = 0;
    sort_clauses(steps);
    for (size_t i = steps->count; i-- > 0;) { /* not all leading: the lowest bounds come last */
        struct step_clause *clause = &steps->clauses[i];
        if (clause->occur != OCCUR_SHOULD)
            continue;
        weak += clause->most;
        bool is_strong = weak * BOUND_SLACK > threshold;
        clause->is_lead = is_strong;
        lead_count += is_strong;
        cost += is_strong ? clause->set->cost : 0;
    }
    bool is_worth = steps->is_by_should || cost < lead_cost;
    for (size_t i = 0; i < steps->count; i++) {
        struct step_clause *clause = &steps->clauses[i];
        if (clause->occur != OCCUR_SHOULD)
            clause->is_lead = !is_worth && i == 0;
        else
            clause->is_lead = is_worth && clause->is_lead;
        clause->doc = 0;
    }
    steps->is_by_should = is_worth;
    steps->lead_count = is_worth ? lead_count : 1;
    sort_clauses(steps);
    range_reset(steps);
}

bool steps_are_few(struct steps *steps, float threshold)
{
    uint64_t cost = 0, windows = steps->doc_count / ZONE_DOCS + 1;
    lead_choose(steps, threshold);
    for (size_t i = 0; i < steps->lead_count; i++)
        cost += steps->clauses[i].set->cost;
    return cost <= windows * (threshold > 0 && steps->lead_count == 1 ? STEPS_PER_WINDOW_ABOVE
                                                                      : STEPS_PER_WINDOW);
}

/* ---- Bounds ---- */

static float block_most(struct step_clause *clause, uint32_t doc)
{
    if (clause->occur == OCCUR_FILTER || !clause->set->ops->block_max) {
        clause->block_upto = DOC_NONE;
        return clause->most;
    }
    if (doc < clause->block_from || doc > clause->block_upto) {
        clause->block_most = clause->set->ops->block_max(clause->set, doc, &clause->block_upto);
        clause->block_from = doc;
        clause->block_most = MIN_OF(clause->block_most, clause->most);
    }
    return clause->block_most;
}

/* Bounds of all clauses over the lead's block that `target` is in. */
static void range_find(struct steps *steps, uint32_t target)
{
    struct step_clause *lead = &steps->clauses[0];
    if (target >= steps->range_from && target <= steps->range_upto)
        return;
    lead->bound = block_most(lead, target);
    steps->range_from = target;
    steps->range_upto = MIN_OF(lead->block_upto, steps->doc_count - 1);
    steps->bounds = lead->bound;
    uint32_t n = steps->range_upto + 1 - target;
    for (size_t i = 1; i < steps->count; i++) {
        struct step_clause *clause = &steps->clauses[i];
        clause->bound = clause->most;
        if (clause->occur != OCCUR_FILTER && n <= RANGE_DOCS_MAX) {
            float most = docset_score_max(clause->set, target, n);
            clause->bound = MIN_OF(most, clause->most);
        }
        steps->bounds += clause->bound;
    }
}

/* ---- Stepping ---- */

/* The next document of a single lead that may beat the threshold. */
static uint32_t lead_above(struct steps *steps, uint32_t target, uint32_t end, float threshold)
{
    struct step_clause *lead = &steps->clauses[0];
    while (target < end) {
        range_find(steps, target);
        uint32_t stop = steps->range_upto >= end - 1 ? end : steps->range_upto + 1;
        float rest = steps->bounds - lead->bound;
        if ((lead->bound + rest * BOUND_SLACK) * BOUND_SLACK <= threshold) {
            target = stop;
            continue;
        }
        float least = threshold / BOUND_SLACK - rest * BOUND_SLACK;
        bool is_above = lead->occur != OCCUR_FILTER && lead->set->ops->seek_above && least > 0;
        lead->doc = is_above ? lead->set->ops->seek_above(lead->set, target, stop, least)
                             : docset_seek(lead->set, target);
        if (lead->doc < stop)
            return lead->doc;
        target = lead->doc;
    }
    return end;
}

/* The next document that a leading clause has. */
static uint32_t lead_next(struct steps *steps, uint32_t target, uint32_t end, float threshold)
{
    uint32_t nearest = end;
    if (threshold > 0 && steps->lead_count == 1)
        return lead_above(steps, target, end, threshold);
    for (size_t i = 0; i < steps->lead_count; i++) {
        struct step_clause *lead = &steps->clauses[i];
        if (lead->doc < target || lead->doc == 0)
            lead->doc = docset_seek(lead->set, target);
        nearest = MIN_OF(nearest, lead->doc);
    }
    return nearest;
}

/* Sums while a document is asked about. */
struct step_sums {
    float rest; /* what the clauses left can add at most */
    double required, optional;
    bool has_optional;
};

static bool is_hopeless(const struct step_sums *sums, float clause_most, float threshold)
{
    return threshold > 0 &&
           ((float)(sums->required + sums->optional) + clause_most + sums->rest * BOUND_SLACK) *
                   BOUND_SLACK <=
               threshold;
}

/* Does the document match the clause? False also when it has become hopeless. */
static bool ask_clause(struct step_clause *clause, uint32_t doc, float threshold,
                       struct step_sums *sums, uint32_t *ret_next)
{
    bool is_required = clause->occur != OCCUR_SHOULD;
    sums->rest -= clause->bound;
    if (sums->rest < 0) /* rounded */
        sums->rest = 0;
    if (is_hopeless(sums, clause->bound, threshold))
        return false;
    uint32_t at = clause->doc;
    if (!clause->is_lead || at < doc) {
        if (!clause->is_lead && threshold > 0 &&
            is_hopeless(sums, block_most(clause, doc), threshold))
            return false;
        at = docset_seek(clause->set, doc);
    }
    if (at != doc) {
        if (is_required)
            *ret_next = at;
        return !is_required;
    }
    float score = 0, least = 0;
    if (threshold > 0 && clause->occur == OCCUR_MUST) {
        least = threshold / BOUND_SLACK -
                ((float)(sums->required + sums->optional) + sums->rest) * BOUND_SLACK;
        least = MAX_OF(least, 0.0f);
    }
    if (!clause->set->ops->match(clause->set, least, &score))
        return !is_required;
    if (clause->occur == OCCUR_MUST) {
        sums->required += (double)score;
    } else if (clause->occur == OCCUR_SHOULD) {
        sums->optional += (double)score;
        sums->has_optional = true;
    }
    return true;
}

static bool is_excluded(const struct steps *steps, uint32_t doc)
{
    float score;
    for (size_t i = 0; i < steps->must_not_count; i++) {
        struct docset *set = steps->must_not[i];
        if (docset_seek(set, doc) == doc && set->ops->match(set, 0, &score))
            return true;
    }
    return false;
}

uint32_t steps_next(struct steps *steps, uint32_t target, uint32_t end, float threshold,
                    float *ret_score)
{
    if (threshold > 0)
        lead_choose(steps, threshold);
    while (target < end) {
        uint32_t doc = lead_next(steps, target, end, threshold);
        if (doc >= end)
            break;
        struct step_sums sums = {.rest = steps->bounds};
        uint32_t next = doc + 1;
        bool is_match = true;
        for (size_t i = 0; i < steps->count && is_match; i++)
            is_match = ask_clause(&steps->clauses[i], doc, threshold, &sums, &next);
        if (is_match && !is_excluded(steps, doc)) {
            float score = (float)sums.required;
            if (sums.has_optional)
                score += (float)sums.optional;
            if (!(threshold > 0) || score > threshold) {
                *ret_score = score;
                return doc;
            }
        }
        target = MAX_OF(next, doc + 1);
    }
    return end;
}
