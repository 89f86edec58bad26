/* SPDX-License-Identifier: Apache-2.0 */
/* plan_term.c: the documents of one term, scored or not: window by window, block by block, or
 * stepped to those that can beat a threshold. */
#include "base/buf.h"
#include "base/str.h"
#include "query/filter_plan.h"
#include "query/plan_int.h"
#include "query/query.h"

struct term_plan {
    struct plan base;
    const struct field *field;
    struct str term;
    struct bm25 bm25;
};

struct term_set {
    struct docset base;
    struct postings *postings;
    const struct bm25 *bm25;
    const uint8_t *norms;
    uint32_t doc_count;
    uint32_t doc; /* no match lies before it */
    bool is_begun;
    float least, product_min; /* what scores no more than `least` has no product above this */
};

static uint32_t term_seek(struct docset *set, uint32_t at_least)
{
    struct term_set *own = (struct term_set *)set;
    if (own->is_begun &&
        (own->doc == DOC_NONE || (own->doc >= at_least && own->doc == postings_doc(own->postings))))
        return own->doc;
    /* A fill leaves `doc` at the window's end, where the list need not have a document. */
    own->doc =
        postings_advance(own->postings, own->is_begun ? MAX_OF(own->doc, at_least) : at_least);
    own->is_begun = true;
    if (own->norms && own->doc != DOC_NONE)
        __builtin_prefetch(own->norms + own->doc); /* the score is likely to be asked for next */
    return own->doc;
}

static void match_put(const struct doc_window *w, uint32_t i, float score)
{
    bitset_set(w->words, i);
    w->scores[i] = score;
}

/* Documents of `among` one by one: for when there are few. */
static void term_fill_among(struct term_set *own, struct doc_window *w)
{
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = w->among[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left), doc = w->first + i;
            if (own->doc < doc)
                own->doc = postings_advance(own->postings, doc);
            if (own->doc == DOC_NONE)
                return;
            if (own->doc != doc)
                continue;
            float freq = (float)postings_freq(own->postings);
            match_put(w, i, bm25_score(own->bm25, freq, own->norms ? own->norms[doc] : 1));
        }
    }
}

/* The documents of one unpacked block that lie before `end` and score more than the threshold. */
static void term_fill_block(const struct term_set *own, const struct doc_window *w,
                            const uint32_t *docs, const uint32_t *freqs, uint32_t n, uint32_t end,
                            float product_min)
{
    const struct bm25 *bm25 = own->bm25;
    const uint8_t *norms = own->norms;
    for (uint32_t k = 0; k < n && docs[k] < end; k++) {
        uint32_t doc = docs[k], i = doc - w->first;
        float product = (float)freqs[k] * bm25->norm_inverse[norms ? norms[doc] : 1];
        if (product > product_min && (!w->among || bitset_get(w->among, i)))
            match_put(w, i, bm25_product_score(bm25, product));
    }
}

/* Block after block; with a threshold, those that cannot pass it are not even unpacked. */
static void term_fill_blocks(struct term_set *own, struct doc_window *w)
{
    uint32_t end = w->first + w->n, at = MAX_OF(own->doc, w->first);
    float product_min = bm25_product_below(own->bm25, own->base.threshold);
    while (at < end) {
        uint32_t upto, n;
        if (product_min >= 0) {
            float most =
                postings_impact_max(own->postings, at, at + 1, own->bm25->norm_inverse, &upto);
            if (most <= product_min) {
                at = upto == DOC_NONE ? DOC_NONE : upto + 1;
                continue;
            }
        }
        at = postings_advance(own->postings, at);
        if (at >= end)
            break;
        const uint32_t *freqs, *docs = postings_block(own->postings, &freqs, &n);
        if (!docs)
            break;
        term_fill_block(own, w, docs, freqs, n, end, product_min);
        at = docs[n - 1] < end ? docs[n - 1] + 1 : end;
    }
    own->doc = at;
}

static void term_fill(struct docset *set, struct doc_window *w)
{
    struct term_set *own = (struct term_set *)set;
    if (own->is_begun && own->doc >= w->first + w->n)
        return;
    if (!w->scores) {
        if (term_seek(set, w->first) >= w->first + w->n)
            return;
        postings_fill(own->postings, w->first, w->n, w->words);
        own->doc = postings_doc(own->postings);
        return;
    }
    if (!own->is_begun)
        own->doc = 0;
    own->is_begun = true;
    if (docset_among_is_sparse(w, set->cost, own->doc_count)) {
        own->doc = postings_advance(own->postings, MAX_OF(own->doc, w->first));
        term_fill_among(own, w);
    } else {
        term_fill_blocks(own, w);
    }
}

float plan__window_product(const struct postings *postings, const struct bm25 *bm25, uint32_t first,
                           uint32_t n)
{
    uint32_t upto;
    return postings_impact_max(postings, first, first + n, bm25->norm_inverse, &upto);
}

static float term_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    struct term_set *own = (struct term_set *)set;
    float product = plan__window_product(own->postings, own->bm25, first, n);
    return product > 0 ? bm25_product_score(own->bm25, product) : 0;
}

/* Stepped over: where the postings stand, never what a window has left. */
static bool term_match(struct docset *set, float least, float *ret_score)
{
    struct term_set *own = (struct term_set *)set;
    float freq = (float)postings_freq(own->postings);
    *ret_score = bm25_score(own->bm25, freq, own->norms ? own->norms[own->doc] : 1);
    return !(least > 0) || *ret_score > least;
}

static float term_block_max(struct docset *set, uint32_t target, uint32_t *ret_upto)
{
    const struct term_set *own = (const struct term_set *)set;
    float product =
        postings_impact_max(own->postings, target, target + 1, own->bm25->norm_inverse, ret_upto);
    return product > 0 ? bm25_product_score(own->bm25, product) : 0;
}

/* Until something must be beaten, every document counts, and windows are quicker with many. */
static bool term_steps_well(struct docset *set)
{
    return set->threshold > 0;
}

static uint32_t term_seek_above(struct docset *set, uint32_t target, uint32_t end, float least)
{
    struct term_set *own = (struct term_set *)set;
    if (own->least != least) {
        own->least = least;
        own->product_min = bm25_product_below(own->bm25, least);
    }
    if (own->is_begun)
        target = MAX_OF(target, own->doc);
    own->is_begun = true;
    own->doc = target >= end ? target
                             : postings_next_above(own->postings, target, end, own->product_min,
                                                   own->bm25->norm_inverse);
    return MIN_OF(own->doc, end);
}

static uint32_t term_step(struct docset *set, uint32_t target, uint32_t end, float *ret_score)
{
    const struct term_set *own = (const struct term_set *)set;
    uint32_t doc = term_seek_above(set, target, end, set->threshold);
    if (doc < end)
        (void)term_match(set, 0, ret_score);
    return own->doc < end ? doc : end;
}

static const struct docset_ops term_set_ops = {.seek = term_seek,
                                               .fill = term_fill,
                                               .score_max = term_score_max,
                                               .match = term_match,
                                               .seek_above = term_seek_above,
                                               .block_max = term_block_max,
                                               .steps_well = term_steps_well,
                                               .step = term_step};

/* Up to so many documents the bounds of all blocks are looked at; a longer list's highest score is
 * near what no frequency reaches. */
#define SCORE_MOST_DOCS 8192u

static struct docset *term_open(const struct plan *plan, struct plan_run *run)
{
    const struct term_plan *own = (const struct term_plan *)plan;
    struct segment *seg = run->part->segment;
    struct term_info info;
    if (!segment_term(seg, own->field, own->term, &info))
        return NULL;
    unsigned flags = run->needs_scores ? POSTINGS_FREQS : POSTINGS_DOCS;
    struct postings *postings = postings_open(seg, own->field, &info, flags, run->mem);
    if (!run->needs_scores)
        return docset_postings(postings, info.doc_freq, run->doc_count, 0, run->mem);
    struct term_set *set = ARENA_NEW(run->mem, struct term_set);
    set->base = (struct docset){.ops = &term_set_ops, .cost = info.doc_freq};
    set->postings = postings;
    set->product_min = -1;
    set->bm25 = &own->bm25;
    set->norms = segment_norms(seg, own->field);
    set->doc_count = run->doc_count;
    set->base.score_most = info.doc_freq <= SCORE_MOST_DOCS
                               ? term_score_max(&set->base, 0, run->doc_count)
                               : own->bm25.weight;
    set->base.score_most = MIN_OF(set->base.score_most, own->bm25.weight);
    return &set->base;
}

static int64_t term_count(const struct plan *plan, const struct searcher_part *part)
{
    const struct term_plan *own = (const struct term_plan *)plan;
    struct term_info info;
    return segment_term(part->segment, own->field, own->term, &info) ? (int64_t)info.doc_freq : 0;
}

static bool term_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    const struct term_plan *own = (const struct term_plan *)plan;
    filter_key_begin(key, 't', own->field);
    filter_key_str(key, own->term);
    return true;
}

static const struct plan_ops term_ops = {
    .name = "term", .open = term_open, .count = term_count, .key = term_key};

struct plan *plan_term(struct planner *planner, const struct field *field, struct str term,
                       float boost)
{
    struct term_plan *own = plan__new(planner, &term_ops, sizeof(*own), boost);
    own->field = field;
    own->term = arena_str(planner->mem, term);
    struct field_stats stats;
    if (planner->needs_scores && plan__field_stats(planner, field, &stats)) {
        float idf = bm25_idf(plan__doc_freq(planner, field, term), stats.doc_count);
        bm25_init(&own->bm25, boost, idf, stats.doc_count, stats.sum_total_term_freq);
    }
    return &own->base;
}
