/* SPDX-License-Identifier: Apache-2.0 */
/* phrase.c: terms that stand in order. Each place of the phrase is a lane: the postings of its term
 * (or of its alternatives, for a prefix at the end). Lanes meet on a document, then their positions
 * are compared, each minus its place: an exact phrase is one number that all lanes have; with slop
 * the distance between the lowest and the highest such number counts, as Lucene's
 * SloppyPhraseMatcher does it. */
#include "query/filter_plan.h"
#include "query/plan_int.h"

#include <math.h>

#include "base/buf.h"
#include "base/str.h"

/* Sums of products are rounded. */
#define PRODUCT_SUM_SLACK 1.00001f

struct phrase_plan {
    struct plan base;
    const struct field *field;
    const struct phrase_position *places;
    size_t count;
    uint32_t slop;
    struct bm25 bm25;
};

struct lane {
    struct postings **postings;
    size_t count;
    uint32_t place; /* distance from the phrase's start */
    uint32_t doc;
    uint64_t cost;             /* documents of its terms */
    const uint32_t *positions; /* of the current document */
    uint32_t *merged;          /* of several alternatives: where they are put together */
    size_t position_count, capacity;
    size_t at;      /* cursor over positions */
    uint32_t group; /* lanes with the same term have the same number */
};

struct phrase_set {
    struct docset base;
    struct lane *lanes;
    struct lane **by_cost; /* rarest first */
    size_t count;
    uint32_t slop;
    bool has_repeats;
    const struct bm25 *bm25;
    const uint8_t *norms;
    struct arena *mem;
    uint32_t doc;
    bool is_begun;
    /* No match up to checked_upto, from where it was asked on, scores more than checked_least. */
    uint32_t checked_from, checked_upto;
    float checked_least;
};

static uint32_t lane_advance(struct lane *lane, uint32_t target)
{
    uint32_t nearest = DOC_NONE;
    if (lane->count == 1) {
        lane->doc = postings_advance(lane->postings[0], target);
        return lane->doc;
    }
    for (size_t i = 0; i < lane->count; i++) {
        uint32_t doc = postings_doc(lane->postings[i]);
        if (doc < target)
            doc = postings_advance(lane->postings[i], target);
        nearest = MIN_OF(nearest, doc);
    }
    lane->doc = nearest;
    return nearest;
}

static uint32_t lane_begin(struct lane *lane)
{
    uint32_t nearest = DOC_NONE;
    for (size_t i = 0; i < lane->count; i++) {
        uint32_t doc = postings_next(lane->postings[i]);
        nearest = MIN_OF(nearest, doc);
    }
    lane->doc = nearest;
    return nearest;
}

/* The first document >= target that all lanes have. The rarest lane leads; whoever goes past its
 * document gives it its next one. */
static uint32_t meet(struct phrase_set *own, uint32_t target)
{
    uint32_t doc = lane_advance(own->by_cost[0], target);
    for (size_t i = 1; i < own->count && doc != DOC_NONE;) {
        uint32_t at = lane_advance(own->by_cost[i], doc);
        if (at == doc) {
            i++;
            continue;
        }
        doc = at == DOC_NONE ? DOC_NONE : lane_advance(own->by_cost[0], at);
        i = 1;
    }
    return doc;
}

static void lane_reserve(struct phrase_set *own, struct lane *lane, size_t n)
{
    if (n <= lane->capacity)
        return;
    lane->capacity = n * 2;
    lane->merged = ARENA_ARRAY(own->mem, uint32_t, lane->capacity);
}

static void insert_positions(struct lane *lane, const uint32_t *more, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = lane->position_count++;
        for (; at > 0 && lane->merged[at - 1] > more[i]; at--)
            lane->merged[at] = lane->merged[at - 1];
        lane->merged[at] = more[i];
    }
}

/* Positions of all alternatives together, ascending; of one they are borrowed. */
static void lane_load(struct phrase_set *own, struct lane *lane)
{
    size_t total = 0, n;
    lane->at = 0;
    if (lane->count == 1) {
        lane->positions = postings_positions(lane->postings[0], &lane->position_count);
        return;
    }
    for (size_t i = 0; i < lane->count; i++) {
        if (postings_doc(lane->postings[i]) == lane->doc) {
            (void)postings_positions(lane->postings[i], &n);
            total += n;
        }
    }
    lane_reserve(own, lane, total);
    lane->position_count = 0;
    for (size_t i = 0; i < lane->count; i++) {
        if (postings_doc(lane->postings[i]) == lane->doc) {
            const uint32_t *positions = postings_positions(lane->postings[i], &n);
            insert_positions(lane, positions, n);
        }
    }
    lane->positions = lane->merged;
}

/* False: a lane has no positions, which only damage gives. */
static bool lanes_load(struct phrase_set *own)
{
    bool are_there = true;
    for (size_t i = 0; i < own->count; i++) {
        lane_load(own, &own->lanes[i]);
        are_there = are_there && own->lanes[i].position_count > 0;
    }
    return are_there;
}

static uint32_t lane_freq(const struct lane *lane)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < lane->count; i++) {
        if (postings_doc(lane->postings[i]) == lane->doc)
            sum += postings_freq(lane->postings[i]);
    }
    return sum;
}

/* Can the current document, whatever its positions are, score more than the threshold? An exact
 * phrase is at most as frequent as its rarest lane; with slop each position may begin a match. */
static bool may_pass(const struct phrase_set *own, float threshold)
{
    uint32_t least = UINT32_MAX, all = 0;
    for (size_t i = 0; i < own->count; i++) {
        uint32_t freq = lane_freq(&own->lanes[i]);
        least = MIN_OF(least, freq);
        all += freq;
    }
    float freq = (float)(own->slop ? all : least);
    return bm25_score(own->bm25, freq, own->norms ? own->norms[own->doc] : 1) > threshold;
}

static bool lane_has(struct lane *lane, uint32_t position)
{
    while (lane->at < lane->position_count && lane->positions[lane->at] < position)
        lane->at++;
    return lane->at < lane->position_count && lane->positions[lane->at] == position;
}

static float exact_freq(struct phrase_set *own, bool needs_all)
{
    uint32_t freq = 0;
    struct lane *first = &own->lanes[0];
    for (size_t p = 0; p < first->position_count; p++) {
        if (first->positions[p] < first->place)
            continue;
        uint32_t start = first->positions[p] - first->place;
        bool is_match = true;
        for (size_t i = 1; i < own->count && is_match; i++)
            is_match = lane_has(&own->lanes[i], start + own->lanes[i].place);
        freq += is_match;
        if (is_match && !needs_all)
            break;
    }
    return (float)freq;
}

static int64_t lane_value(const struct lane *lane)
{
    return (int64_t)lane->positions[lane->at] - (int64_t)lane->place;
}

/* Two lanes of one term must not stand on the same position. False: a lane is used up. */
static bool part_repeats(struct phrase_set *own, int64_t *end)
{
    for (size_t i = 0; own->has_repeats && i < own->count; i++) {
        for (size_t k = i + 1; k < own->count; k++) {
            struct lane *a = &own->lanes[i], *b = &own->lanes[k];
            while (a->group == b->group && a->positions[a->at] == b->positions[b->at]) {
                struct lane *mover = lane_value(a) < lane_value(b) ? a : b;
                if (++mover->at >= mover->position_count)
                    return false;
                if (lane_value(mover) > *end)
                    *end = lane_value(mover);
                i = 0;
                k = 1;
                a = &own->lanes[i];
                b = &own->lanes[k];
            }
        }
    }
    return true;
}

static size_t lowest_lane(const struct phrase_set *own)
{
    size_t low = 0;
    for (size_t i = 1; i < own->count; i++) {
        if (lane_value(&own->lanes[i]) < lane_value(&own->lanes[low]))
            low = i;
    }
    return low;
}

static int64_t second_lowest(const struct phrase_set *own, size_t lowest)
{
    int64_t value = INT64_MAX;
    for (size_t i = 0; i < own->count; i++) {
        if (i != lowest)
            value = MIN_OF(value, lane_value(&own->lanes[i]));
    }
    return value;
}

/* The lowest lane moves on as long as it makes the match narrower; then the narrowest is counted.
 */
static float sloppy_freq(struct phrase_set *own, bool needs_all)
{
    float freq = 0;
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < own->count; i++)
        end = MAX_OF(end, lane_value(&own->lanes[i]));
    if (!part_repeats(own, &end))
        return 0;
    size_t low = lowest_lane(own);
    int64_t next = second_lowest(own, low), length = end - lane_value(&own->lanes[low]);
    for (;;) {
        struct lane *lane = &own->lanes[low];
        bool is_over = ++lane->at >= lane->position_count;
        if (!is_over && lane_value(lane) > end)
            end = lane_value(lane);
        if (!is_over && !part_repeats(own, &end))
            is_over = true;
        if (!is_over && lane_value(lane) <= next) {
            length = MIN_OF(length, end - lane_value(lane));
            continue;
        }
        if (length <= (int64_t)own->slop)
            freq += 1.0f / (1.0f + (float)length);
        if (is_over || (freq > 0 && !needs_all))
            return freq;
        low = lowest_lane(own);
        next = second_lowest(own, low);
        length = end - lane_value(&own->lanes[low]);
    }
}

static void lanes_begin(struct phrase_set *own)
{
    if (own->is_begun)
        return;
    own->is_begun = true;
    for (size_t i = 0; i < own->count; i++)
        (void)lane_begin(&own->lanes[i]);
}

static uint32_t phrase_seek(struct docset *set, uint32_t at_least)
{
    struct phrase_set *own = (struct phrase_set *)set;
    if (!own->is_begun) {
        lanes_begin(own);
        own->doc = meet(own, at_least);
    } else if (own->doc != DOC_NONE && own->doc < at_least) {
        own->doc = meet(own, at_least);
    }
    return own->doc;
}

/* Where all lanes stand: do they stand in order? False also when the score cannot be above `least`.
 */
static bool phrase_match(struct docset *set, float least, float *ret_score)
{
    struct phrase_set *own = (struct phrase_set *)set;
    if (least > 0 && !may_pass(own, least))
        return false;
    if (!lanes_load(own))
        return false;
    float freq = own->slop ? sloppy_freq(own, true) : exact_freq(own, true);
    *ret_score = bm25_score(own->bm25, freq, own->norms ? own->norms[own->doc] : 1);
    return freq > 0 && (!(least > 0) || *ret_score > least);
}

static void phrase_fill(struct docset *set, struct doc_window *w)
{
    struct phrase_set *own = (struct phrase_set *)set;
    uint32_t end = w->first + w->n;
    for (uint32_t doc = phrase_seek(set, w->first); doc < end;
         doc = own->doc = meet(own, doc + 1)) {
        uint32_t i = doc - w->first;
        if (w->among && !bitset_get(w->among, i))
            continue;
        bool needs_all = w->scores != NULL;
        if (needs_all && own->base.threshold > 0 && !may_pass(own, own->base.threshold))
            continue;
        if (!lanes_load(own))
            continue;
        float freq = own->slop ? sloppy_freq(own, needs_all) : exact_freq(own, needs_all);
        if (!(freq > 0))
            continue;
        bitset_set(w->words, i);
        if (w->scores)
            w->scores[i] = bm25_score(own->bm25, freq, own->norms ? own->norms[doc] : 1);
    }
}

/* An exact phrase is at most as frequent as its rarest lane, in a document of the same length. With
 * slop each position of each lane may begin a match. *ret_upto: where the first lane's block ends.
 */
static float products_max(const struct phrase_set *own, uint32_t first, uint32_t end,
                          uint32_t *ret_upto)
{
    float least = INFINITY, all = 0;
    *ret_upto = DOC_NONE;
    for (size_t i = 0; i < own->count; i++) {
        const struct lane *lane = &own->lanes[i];
        float sum = 0;
        for (size_t k = 0; k < lane->count; k++) {
            uint32_t upto;
            sum +=
                postings_impact_max(lane->postings[k], first, end, own->bm25->norm_inverse, &upto);
            *ret_upto = MIN_OF(*ret_upto, upto);
        }
        least = MIN_OF(least, sum * (lane->count > 1 ? PRODUCT_SUM_SLACK : 1.0f));
        all += sum * PRODUCT_SUM_SLACK;
    }
    if (own->slop > 0 && least > 0)
        least = all;
    return least;
}

static float phrase_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    const struct phrase_set *own = (const struct phrase_set *)set;
    uint32_t upto;
    float most = products_max(own, first, first + n, &upto);
    return most > 0 ? bm25_product_score(own->bm25, most) : 0;
}

static float phrase_block_max(struct docset *set, uint32_t target, uint32_t *ret_upto)
{
    const struct phrase_set *own = (const struct phrase_set *)set;
    float most = products_max(own, target, target + 1, ret_upto);
    return most > 0 ? bm25_product_score(own->bm25, most) : 0;
}

/* ---- Document by document ---- */

/* Of two lanes with slop: each of a lane's positions lies in at most so many matches, and the other
 * lane may have one more. */
#define SLOPPY_PAIR_PART 3.0f

/* No lane of a match has a product (frequency * norm_inverse) of this or less; -1: not known. */
static float lane_product_min(const struct phrase_set *own, float product)
{
    if (own->slop == 0)
        return product;
    return own->count == 2 ? product / (SLOPPY_PAIR_PART * PRODUCT_SUM_SLACK) : -1;
}

/* Is the lane, which stands on the document, frequent enough there? */
static bool lane_may_pass(const struct phrase_set *own, const struct lane *lane, float product_min)
{
    if (product_min < 0)
        return true;
    uint8_t norm = own->norms ? own->norms[lane->doc] : 1;
    return (float)lane_freq(lane) * own->bm25->norm_inverse[norm] > product_min;
}

/* Where the bounds of the lanes' blocks next leave room for more than `least`: `target`, or behind
 * blocks that do not. */
static uint32_t pass_blocks(struct phrase_set *own, uint32_t target, uint32_t end, float least)
{
    while (target < end) {
        if (own->checked_least == least && target >= own->checked_from &&
            target <= own->checked_upto)
            return target;
        uint32_t upto;
        if (phrase_block_max(&own->base, target, &upto) > least) {
            own->checked_least = least;
            own->checked_from = target;
            own->checked_upto = upto;
            return target;
        }
        target = upto >= end - 1 ? end : upto + 1;
    }
    return end;
}

static uint32_t lead_next(struct phrase_set *own, uint32_t target, uint32_t end, float product_min)
{
    struct lane *lead = own->by_cost[0];
    if (product_min < 0 || lead->count > 1)
        return lane_advance(lead, target);
    lead->doc =
        postings_next_above(lead->postings[0], target, end, product_min, own->bm25->norm_inverse);
    return lead->doc;
}

static uint32_t phrase_seek_above(struct docset *set, uint32_t target, uint32_t end, float least)
{
    struct phrase_set *own = (struct phrase_set *)set;
    float product_min = -1;
    lanes_begin(own);
    if (own->doc == DOC_NONE)
        return end;
    if (least > 0)
        product_min = lane_product_min(own, bm25_product_below(own->bm25, least));
    while (target < end) {
        if (least > 0)
            target = pass_blocks(own, target, end, least);
        if (target >= end)
            break;
        uint32_t stop = least > 0 && own->checked_upto < end - 1 ? own->checked_upto + 1 : end;
        uint32_t doc = lead_next(own, target, stop, product_min);
        target = doc;
        if (doc >= stop)
            continue;
        for (size_t i = 1; i < own->count && target == doc; i++) {
            target = lane_advance(own->by_cost[i], doc);
            if (target == doc && !lane_may_pass(own, own->by_cost[i], product_min))
                target = doc + 1;
        }
        if (target == doc) {
            own->doc = doc;
            return doc;
        }
    }
    return end;
}

static bool phrase_steps_well(struct docset *set UNUSED)
{
    return true;
}

static uint32_t phrase_step(struct docset *set, uint32_t target, uint32_t end, float *ret_score)
{
    while (target < end) {
        target = phrase_seek_above(set, target, end, set->threshold);
        if (target >= end)
            break;
        if (phrase_match(set, set->threshold, ret_score))
            return target;
        target++;
    }
    return end;
}

static const struct docset_ops phrase_set_ops = {.seek = phrase_seek,
                                                 .fill = phrase_fill,
                                                 .score_max = phrase_score_max,
                                                 .match = phrase_match,
                                                 .seek_above = phrase_seek_above,
                                                 .block_max = phrase_block_max,
                                                 .steps_well = phrase_steps_well,
                                                 .step = phrase_step};

static bool lane_open(struct lane *lane, const struct phrase_plan *plan,
                      const struct phrase_position *place, struct plan_run *run)
{
    lane->postings = ARENA_ARRAY(run->mem, struct postings *, place->count);
    lane->place = place->position;
    lane->doc = DOC_NONE;
    for (size_t i = 0; i < place->count; i++) {
        struct term_info info;
        if (!segment_term(run->part->segment, plan->field, place->terms[i], &info))
            continue;
        lane->postings[lane->count++] = postings_open(
            run->part->segment, plan->field, &info, POSTINGS_FREQS | POSTINGS_POSITIONS, run->mem);
        lane->cost += info.doc_freq;
    }
    return lane->count > 0;
}

static bool places_are_equal(const struct phrase_position *a, const struct phrase_position *b)
{
    return a->count == 1 && b->count == 1 && str_eq(a->terms[0], b->terms[0]);
}

static void insert_by_cost(struct phrase_set *set, size_t i)
{
    size_t at = i;
    for (; at > 0 && set->by_cost[at - 1]->cost > set->lanes[i].cost; at--)
        set->by_cost[at] = set->by_cost[at - 1];
    set->by_cost[at] = &set->lanes[i];
}

static struct docset *phrase_open(const struct plan *plan, struct plan_run *run)
{
    const struct phrase_plan *own = (const struct phrase_plan *)plan;
    struct phrase_set *set = ARENA_NEW(run->mem, struct phrase_set);
    set->lanes = ARENA_ARRAY(run->mem, struct lane, own->count);
    set->count = own->count;
    set->slop = own->slop;
    set->bm25 = &own->bm25;
    set->mem = run->mem;
    set->norms = run->needs_scores ? segment_norms(run->part->segment, own->field) : NULL;
    set->base.ops = &phrase_set_ops;
    set->by_cost = ARENA_ARRAY(run->mem, struct lane *, own->count);
    for (size_t i = 0; i < own->count; i++) {
        if (!lane_open(&set->lanes[i], own, &own->places[i], run))
            return NULL;
        insert_by_cost(set, i);
        set->lanes[i].group = (uint32_t)i;
        for (size_t k = 0; k < i; k++) {
            if (places_are_equal(&own->places[k], &own->places[i])) {
                set->lanes[i].group = set->lanes[k].group;
                set->has_repeats = true;
                break;
            }
        }
    }
    set->base.cost = set->by_cost[0]->cost;
    set->base.score_most = own->bm25.weight;
    set->checked_from = 1;
    return &set->base;
}

static bool phrase_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    const struct phrase_plan *own = (const struct phrase_plan *)plan;
    filter_key_begin(key, 'f', own->field);
    buf_add_u32_le(key, own->slop);
    for (size_t i = 0; i < own->count && !key->is_over; i++) {
        buf_add_u32_le(key, own->places[i].position);
        buf_add_varint(key, own->places[i].count);
        for (size_t k = 0; k < own->places[i].count; k++)
            filter_key_str(key, own->places[i].terms[k]);
    }
    return true;
}

static const struct plan_ops phrase_ops = {
    .name = "phrase", .open = phrase_open, .key = phrase_key, .keep_uses = KEEP_USES_OTHER};

struct plan *plan_phrase(struct planner *planner, const struct field *field,
                         const struct phrase_position *places, size_t count, uint32_t slop,
                         float boost)
{
    ASSERT(count > 0);
    struct phrase_plan *own = plan__new(planner, &phrase_ops, sizeof(*own), boost);
    own->field = field;
    own->places = places;
    own->count = count;
    own->slop = slop;
    struct field_stats stats;
    if (!planner->needs_scores || !plan__field_stats(planner, field, &stats))
        return &own->base;
    double idf = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < places[i].count; k++) {
            uint64_t doc_freq = plan__doc_freq(planner, field, places[i].terms[k]);
            if (doc_freq > 0)
                idf += (double)bm25_idf(doc_freq, stats.doc_count);
        }
    }
    bm25_init(&own->bm25, boost, (float)idf, stats.doc_count, stats.sum_total_term_freq);
    return &own->base;
}
