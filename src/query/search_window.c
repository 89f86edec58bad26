/* SPDX-License-Identifier: Apache-2.0 */
/* search_window.c: whether a window needs to be looked at, and looking at it: its matches are
 * counted, collected by aggregations and offered to the best hits. */
#include <math.h>

#include "query/search_segment.h"

static uint64_t total_so_far(const struct search *s)
{
    return __atomic_load_n(&s->total, __ATOMIC_RELAXED);
}

bool search__wants_count(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    return !ss->is_counted && s->request->track_total > 0 &&
           (int64_t)total_so_far(s) <= s->request->track_total;
}

/* ---- What cannot win ---- */

uint64_t search__bound_of(const struct segment_search *ss)
{
    return ss->has_bound ? __atomic_load_n(&ss->s->bound, __ATOMIC_RELAXED) : UINT64_MAX;
}

/* Tells the others that `wanted` hits with this first key or a better one are there. */
void search__lower_bound_to(struct segment_search *ss, uint64_t key)
{
    uint64_t old = __atomic_load_n(&ss->s->bound, __ATOMIC_RELAXED);
    while (ss->has_bound && key < old &&
           !__atomic_compare_exchange_n(&ss->s->bound, &old, key, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        continue;
}

/* Everything in the window sorts before search_after: earlier pages had it. */
bool search__is_before_after(const struct segment_search *ss, uint32_t first)
{
    return ss->after && sort_reader_zone_worst(&ss->readers[0], first / ZONE_DOCS) < ss->after[0];
}

bool search__wants_aggs(const struct segment_search *ss, uint32_t first)
{
    return ss->collects_aggs && agg_run_wants(ss->walk->aggs, first, ss->aggs_done);
}

/* Can a document of the window still be among the best? */
bool search__wants_hits(const struct segment_search *ss, uint32_t first, uint32_t n)
{
    const struct search *s = ss->s;
    const struct sort_spec *spec = &s->sorts[0];
    uint32_t zone = first / ZONE_DOCS;
    uint64_t best, bound = search__bound_of(ss);
    if (ss->top.capacity == 0 || search__is_before_after(ss, first))
        return false;
    bool is_full = topk_is_full(&ss->top);
    if (!is_full && bound == UINT64_MAX)
        return true;
    if (spec->kind == SORT_SCORE) {
        uint64_t zero[WINDOW_WORDS] = {1};
        float score = docset_score_max(ss->set, first, n);
        /* No set knows its lowest score. */
        if (isinf(score) || !(spec->is_desc || ss->set->is_constant))
            return true;
        sort_reader_keys(&ss->readers[0], first, 1, zero, &score, &best);
        if (best > bound)
            return false;
        return !is_full || best < topk_worst(&ss->top)[0] ||
               (best == topk_worst(&ss->top)[0] && !ss->breaks_ties_by_doc);
    }
    best = sort_reader_zone_best(&ss->readers[0], zone);
    if (best > bound)
        return false;
    if (!is_full)
        return true;
    uint64_t worst = topk_worst(&ss->top)[0];
    /* With one key a tie loses to the earlier document, of which the window has none when it begins
     * behind the worst hit. */
    return best < worst ||
           (best == worst && (!ss->breaks_ties_by_doc || first < ss->top.docs[ss->top.heap[0]]));
}

static bool is_after(const struct segment_search *ss, const uint64_t *keys)
{
    for (size_t i = 0; ss->after && i < ss->s->sort_count; i++) {
        if (keys[i] != ss->after[i])
            return keys[i] > ss->after[i];
    }
    return !ss->after;
}

/* ---- One window ---- */

static void offer_window(struct segment_search *ss, uint32_t first, uint32_t n,
                         const uint64_t *words)
{
    struct search *s = ss->s;
    uint64_t keys[SORTS_MAX], bound = search__bound_of(ss);
    for (size_t i = 0; i < s->sort_count; i++)
        sort_reader_keys(&ss->readers[i], first, n, words, ss->scores, ss->keys + i * ZONE_DOCS);
    for (uint32_t word = 0; word * 64 < n; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(left);
            if (ss->keys[at] > bound)
                continue;
            if (topk_is_full(&ss->top) && ss->keys[at] > topk_worst(&ss->top)[0])
                continue;
            for (size_t i = 0; i < s->sort_count; i++)
                keys[i] = ss->keys[i * ZONE_DOCS + at];
            if (ss->collapse)
                collapse_offer(ss->collapse, &ss->top, keys, first + at,
                               ss->needs_scores ? ss->scores[at] : 0);
            else if (is_after(ss, keys))
                topk_offer(&ss->top, keys, first + at, ss->needs_scores ? ss->scores[at] : 0);
        }
    }
    if (topk_is_full(&ss->top) && (int64_t)ss->top.capacity == s->wanted)
        search__lower_bound_to(ss, topk_worst(&ss->top)[0]);
}

static void track_max_score(struct segment_search *ss, uint32_t n, const uint64_t *words)
{
    struct walk *walk = ss->walk;
    for (uint32_t i = 0; i < n; i++) {
        if (bitset_get(words, i) && (!walk->has_max_score || ss->scores[i] > walk->max_score)) {
            walk->max_score = ss->scores[i];
            walk->has_max_score = true;
        }
    }
}

static void keep_min_score(const struct segment_search *ss, uint32_t n, uint64_t *words)
{
    float min = (float)ss->s->request->min_score;
    for (uint32_t i = 0; i < n; i++) {
        if (bitset_get(words, i) && ss->scores[i] < min)
            bitset_clear(words, i);
    }
}

void search__collect_aggs(struct segment_search *ss, uint32_t first, uint32_t n,
                          const uint64_t *words, uint64_t count)
{
    uint16_t offs[ZONE_DOCS];
    struct doc_block block = {first, (uint32_t)count, offs, ss->needs_scores ? ss->scores : NULL};
    if (count == n) {
        block.offs = NULL;
    } else {
        uint32_t at = 0;
        for (uint32_t word = 0; word * 64 < n; word++) {
            for (uint64_t left = words[word]; left; left &= left - 1)
                offs[at++] = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(left));
        }
    }
    if (count > 0)
        agg_run_collect(ss->walk->aggs, &block, ss->aggs_done);
}

/* terminate_after: only the first documents of an index up to the limit count. One walk only. */
static void cut_words(struct search *s, struct index_plan *plan, uint32_t n, uint64_t *words)
{
    uint64_t left = plan->collected < (uint64_t)s->request->terminate_after
                        ? (uint64_t)s->request->terminate_after - plan->collected
                        : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!bitset_get(words, i))
            continue;
        if (left == 0) {
            bitset_clear(words, i);
            s->terminated_early = plan->is_terminated = true;
            continue;
        }
        left--;
        plan->collected++;
    }
}

/* Matches that score no more than this need not be told: the segment's own worst hit, which wins
 * ties by its lower number, or less than the worst that the others have. */
float search__score_threshold(const struct segment_search *ss)
{
    float own = topk_is_full(&ss->top) ? ss->top.scores[ss->top.heap[0]] : 0;
    uint64_t bound = search__bound_of(ss);
    if (bound == UINT64_MAX)
        return own;
    return fmaxf(own, nextafterf(sort_reader_score(&ss->readers[0], bound), -INFINITY));
}

/* Of documents that are only counted nobody asks the score. */
static bool window_needs_scores(const struct segment_search *ss, bool wants_hits)
{
    const struct search_request *request = ss->s->request;
    return ss->needs_scores && (wants_hits || ss->needs_max_score || request->has_min_score ||
                                (ss->collects_aggs && request->aggs->needs_scores));
}

void search__window(struct segment_search *ss, uint32_t first, uint32_t n, bool needs_count,
                    bool wants_hits)
{
    struct search *s = ss->s;
    uint64_t words[WINDOW_WORDS] = {0};
    bool needs_scores = window_needs_scores(ss, wants_hits);
    struct doc_window w = {first, n, NULL, words, needs_scores ? ss->scores : NULL};
    bool skips = !needs_count && !ss->collects_aggs && !ss->needs_max_score &&
                 ss->top.capacity > 0 && s->sort_count == 1 && s->sorts[0].kind == SORT_SCORE &&
                 s->sorts[0].is_desc && !s->request->terminate_after;
    ss->set->threshold = skips ? search__score_threshold(ss) : 0;
    ss->set->ops->fill(ss->set, &w);
    if (ss->part->live) {
        for (size_t i = 0; i < BITSET_WORDS(n); i++)
            words[i] &= ss->part->live[first / 64 + i];
    }
    if (s->request->has_min_score)
        keep_min_score(ss, n, words);
    if (s->request->terminate_after > 0)
        cut_words(s, ss->plan, n, words);
    if (ss->collects_aggs)
        search__collect_aggs(ss, first, n, words, bitset_count(words, BITSET_WORDS(n)));
    if (ss->post_filter) {
        uint64_t post[WINDOW_WORDS] = {0};
        struct doc_window p = {first, n, words, post, NULL};
        ss->post_filter->ops->fill(ss->post_filter, &p);
        for (size_t i = 0; i < WINDOW_WORDS; i++)
            words[i] &= post[i];
    } else if (s->request->post_filter) {
        return;
    }
    if (needs_count)
        __atomic_add_fetch(&s->total, bitset_count(words, BITSET_WORDS(n)), __ATOMIC_RELAXED);
    if (ss->needs_max_score)
        track_max_score(ss, n, words);
    if (wants_hits)
        offer_window(ss, first, n, words);
}
