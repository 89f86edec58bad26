/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: a request over a snapshot. Queries are planned once per index; then each segment is
 * walked in windows of ZONE_DOCS documents: matches as bits, live ones kept, counted, handed to the
 * aggregations as a block, and offered to the segment's best hits. At the end the segments' best
 * are merged and fetched.
 *
 * A window is looked at only when somebody needs it: totals stop at track_total_hits (and are known
 * from metadata where a query has no deletes to mind), best hits stop when a zone's best key cannot
 * win any more. Sorted by a column, and when the matches can be had in any order, windows are
 * visited best first. */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "index/figures.h"
#include "query/agg_tree.h"
#include "query/search_int.h"

struct search_env {
    const struct searcher_part *parts;
    size_t part_count;
};

const struct searcher_part *search_env_parts(const struct search_env *env, size_t *ret_count)
{
    *ret_count = env->part_count;
    return env->parts;
}

/* A search while it runs. */
struct search {
    const struct search_request *request;
    const struct search_limits *limits;
    struct clock *clock;
    struct arena *mem;     /* the caller's: results */
    struct arena *work;    /* until the search ends; has the memory budget */
    struct arena *scratch; /* one segment */
    struct search_env env;
    struct index_plan *plans;
    struct plan ***agg_plans; /* per index */
    size_t index_count;
    const struct sort_spec *sorts;
    size_t sort_count;
    bool needs_scores, is_by_score;
    int64_t wanted; /* from + size */
    struct agg_run *aggs;
    int64_t started_ns, deadline_ns;
    uint64_t total;
    bool total_is_over, timed_out, terminated_early;
    float max_score;
    bool has_max_score;
    struct hit_ref *hits; /* best of the segments so far, in order */
    size_t hit_count;
    struct sort_reader *printers;
    int64_t fetch_ns;
    bool has_fetched;
    uint64_t snapshot_base; /* documents of the segments before */
    struct err *err;
};

static const struct sort_spec by_score = {
    .kind = SORT_SCORE, .field = {"_score", 6}, .is_desc = true};

/* ---- Planning ---- */

static int plan_index(struct search *s, size_t first, size_t count, struct index_plan *plan)
{
    const struct search_request *request = s->request;
    const struct searcher_part *part = &s->env.parts[first];
    plan->planner = (struct planner){.parts = part,
                                     .part_count = count,
                                     .mapping = part->mapping,
                                     .index = part->index,
                                     .now_ns = request->now_ns,
                                     .mem = s->work,
                                     .err = s->err,
                                     .needs_scores = s->needs_scores};
    struct planner *planner = &plan->planner;
    plan->query = request->query ? query_plan(request->query, planner, 1) : plan_all(planner, 1);
    if (request->post_filter)
        plan->post_filter = query_plan_filter(request->post_filter, planner);
    if (s->aggs) {
        const struct agg_tree *tree = request->aggs;
        struct plan **filters = ARENA_ARRAY(s->work, struct plan *, tree->filter_count + 1);
        for (size_t i = 0; i < tree->filter_count; i++)
            filters[i] = query_plan_filter(tree->filters[i], planner);
        s->agg_plans[plan - s->plans] = filters;
    }
    return planner->rc;
}

/* Parts of one index stand together, as a snapshot lists them. */
static int plan_all_indices(struct search *s)
{
    size_t n = s->env.part_count;
    s->plans = ARENA_ARRAY(s->work, struct index_plan, n + 1);
    s->agg_plans = ARENA_ARRAY(s->work, struct plan **, n + 1);
    for (size_t first = 0; first < n;) {
        size_t end = first + 1;
        while (end < n && s->env.parts[end].index_ordinal == s->env.parts[first].index_ordinal)
            end++;
        struct index_plan *plan = &s->plans[s->index_count++];
        TRY(plan_index(s, first, end - first, plan));
        first = end;
    }
    return 0;
}

/* ---- One segment ---- */

struct segment_search {
    struct search *s;
    const struct searcher_part *part;
    uint32_t part_index, doc_count;
    struct index_plan *plan;
    struct docset *set, *post_filter;
    struct sort_reader *readers;
    struct topk top;
    uint64_t *keys;  /* sort_count arrays of ZONE_DOCS */
    uint64_t *after; /* keys of search_after, NULL */
    float *scores;
    bool needs_scores, is_counted, collects_aggs, needs_max_score;
    bool *aggs_done;
    bool has_bound; /* enough hits were found in earlier segments: a first key above `bound` cannot
                       win */
    uint64_t bound;
};

static bool wants_count(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    return !ss->is_counted && s->request->track_total > 0 &&
           (int64_t)s->total <= s->request->track_total;
}

/* Everything in the window sorts before search_after: earlier pages had it. */
static bool is_before_after(const struct segment_search *ss, uint32_t first)
{
    return ss->after && sort_reader_zone_worst(&ss->readers[0], first / ZONE_DOCS) < ss->after[0];
}

/* Can a document of the window still be among the best? */
static bool wants_hits(const struct segment_search *ss, uint32_t first, uint32_t n)
{
    const struct search *s = ss->s;
    const struct sort_spec *spec = &s->sorts[0];
    uint32_t zone = first / ZONE_DOCS;
    if (ss->top.capacity == 0)
        return false;
    if (is_before_after(ss, first))
        return false;
    if (ss->has_bound && sort_reader_zone_best(&ss->readers[0], zone) > ss->bound)
        return false;
    if (!topk_is_full(&ss->top))
        return true;
    if (spec->kind == SORT_SCORE) {
        uint64_t zero[WINDOW_WORDS] = {1}, best;
        float score = docset_score_max(ss->set, first, n);
        if (s->sort_count > 1 || isinf(score))
            return true;
        sort_reader_keys(&ss->readers[0], first, 1, zero, &score, &best);
        return best < topk_worst(&ss->top)[0];
    }
    uint64_t best = sort_reader_zone_best(&ss->readers[0], zone);
    uint64_t worst = topk_worst(&ss->top)[0];
    /* With one key a tie loses to the earlier document; windows may come in any order, so ties are
     * let through then. */
    return best < worst || (best == worst && (s->sort_count > 1 || ss->set->is_random));
}

static bool is_after(const struct segment_search *ss, const uint64_t *keys)
{
    for (size_t i = 0; ss->after && i < ss->s->sort_count; i++) {
        if (keys[i] != ss->after[i])
            return keys[i] > ss->after[i];
    }
    return !ss->after;
}

static void offer_window(struct segment_search *ss, uint32_t first, uint32_t n,
                         const uint64_t *words)
{
    struct search *s = ss->s;
    uint64_t keys[SORTS_MAX];
    for (size_t i = 0; i < s->sort_count; i++)
        sort_reader_keys(&ss->readers[i], first, n, words, ss->scores, ss->keys + i * ZONE_DOCS);
    for (uint32_t word = 0; word * 64 < n; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(left);
            for (size_t i = 0; i < s->sort_count; i++)
                keys[i] = ss->keys[i * ZONE_DOCS + at];
            if (topk_is_full(&ss->top) && keys[0] > topk_worst(&ss->top)[0])
                continue;
            if (is_after(ss, keys))
                topk_offer(&ss->top, keys, first + at, ss->needs_scores ? ss->scores[at] : 0);
        }
    }
}

static void track_max_score(struct segment_search *ss, uint32_t n, const uint64_t *words)
{
    struct search *s = ss->s;
    for (uint32_t i = 0; i < n; i++) {
        if (bitset_get(words, i) && (!s->has_max_score || ss->scores[i] > s->max_score)) {
            s->max_score = ss->scores[i];
            s->has_max_score = true;
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

static void collect_aggs(struct segment_search *ss, uint32_t first, uint32_t n,
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
        agg_run_collect(ss->s->aggs, &block, ss->aggs_done);
}

/* terminate_after: only the first documents of an index up to the limit count. */
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
            s->terminated_early = true;
            continue;
        }
        left--;
        plan->collected++;
    }
}

static void search_window(struct segment_search *ss, uint32_t first, uint32_t n, bool needs_count)
{
    struct search *s = ss->s;
    uint64_t words[WINDOW_WORDS] = {0};
    struct doc_window w = {first, n, NULL, words, ss->needs_scores ? ss->scores : NULL};
    bool skips = !needs_count && !ss->collects_aggs && !ss->needs_max_score &&
                 topk_is_full(&ss->top) && ss->top.capacity > 0 && s->sort_count == 1 &&
                 s->sorts[0].kind == SORT_SCORE && s->sorts[0].is_desc &&
                 !s->request->terminate_after;
    ss->set->threshold = skips ? ss->top.scores[ss->top.heap[0]] : 0;
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
        collect_aggs(ss, first, n, words, bitset_count(words, BITSET_WORDS(n)));
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
        s->total += bitset_count(words, BITSET_WORDS(n));
    if (ss->needs_max_score)
        track_max_score(ss, n, words);
    if (ss->top.capacity > 0)
        offer_window(ss, first, n, words);
}

/* Polled once per window. */
static int check_limits(struct search *s)
{
    const bool *is_cancelled = s->limits->is_cancelled;
    if (is_cancelled && __atomic_load_n(is_cancelled, __ATOMIC_RELAXED))
        return err_set(s->err, ERR_CANCELLED, "the search was cancelled");
    if (arena_is_over(s->work) || arena_is_over(s->scratch))
        return err_set(s->err, ERR_MEM_LIMIT,
                       "[request] Data too large, the search's memory limit is used up");
    if (s->aggs && s->aggs->rc < 0)
        return s->aggs->rc;
    if (s->deadline_ns && clock_monotonic_ns(s->clock) > s->deadline_ns)
        s->timed_out = true;
    return 0;
}

static int run_forward(struct segment_search *ss)
{
    struct search *s = ss->s;
    for (uint32_t doc = docset_seek(ss->set, 0); doc < ss->doc_count;) {
        uint32_t first = doc - doc % ZONE_DOCS, n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        bool needs_count = wants_count(ss);
        if (needs_count || ss->collects_aggs || ss->needs_max_score || wants_hits(ss, first, n))
            search_window(ss, first, n, needs_count);
        else if (ss->set->is_constant && s->sorts[0].kind == SORT_SCORE)
            break; /* later documents cannot be better */
        TRY(check_limits(s));
        if (s->timed_out || s->terminated_early || first + n >= ss->doc_count)
            break;
        doc = docset_seek(ss->set, first + n);
    }
    return 0;
}

struct zone_rank {
    uint64_t best;
    uint32_t zone;
};

static int by_best(const void *a, const void *b)
{
    const struct zone_rank *x = a, *y = b;
    if (x->best != y->best)
        return x->best < y->best ? -1 : 1;
    return (x->zone > y->zone) - (x->zone < y->zone);
}

/* Windows by the best key they can have: the first few decide, the others are only looked at for
 * the total. */
static int run_best_first(struct segment_search *ss)
{
    struct search *s = ss->s;
    uint32_t count = (ss->doc_count + ZONE_DOCS - 1) / ZONE_DOCS;
    struct zone_rank *ranks = ARENA_ARRAY(s->scratch, struct zone_rank, count);
    for (uint32_t i = 0; i < count; i++)
        ranks[i] = (struct zone_rank){sort_reader_zone_best(&ss->readers[0], i), i};
    qsort(ranks, count, sizeof(*ranks), by_best);
    for (uint32_t i = 0; i < count && !s->timed_out && !s->terminated_early; i++) {
        uint32_t first = ranks[i].zone * ZONE_DOCS, n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        bool needs_count = wants_count(ss);
        if (needs_count || wants_hits(ss, first, n))
            search_window(ss, first, n, needs_count);
        else if (!is_before_after(ss, first) && (ss->is_counted || !wants_count(ss)))
            break; /* sorted by best key: no later window can win either */
        TRY(check_limits(s));
    }
    return 0;
}

/* ---- Opening a segment ---- */

static int open_after(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct value *after = s->request->search_after;
    if (!after)
        return 0;
    ss->after = ARENA_ARRAY(s->scratch, uint64_t, s->sort_count);
    for (size_t i = 0; i < s->sort_count; i++)
        TRY(sort_reader_after(&ss->readers[i], &after->list->items[i], s->request->now_ns,
                              s->scratch, &ss->after[i], s->err));
    return 0;
}

static int open_segment(struct segment_search *ss)
{
    struct search *s = ss->s;
    struct plan_run run = {ss->part, ss->doc_count, ss->needs_scores, s->scratch};
    ss->set = plan_open(ss->plan->query, &run);
    run.needs_scores = false;
    if (s->request->post_filter)
        ss->post_filter = plan_open(ss->plan->post_filter, &run);
    ss->readers = ARENA_ARRAY(s->scratch, struct sort_reader, s->sort_count);
    for (size_t i = 0; i < s->sort_count; i++)
        TRY(sort_reader_open(&ss->readers[i], &s->sorts[i], ss->part, ss->plan->doc_base,
                             s->snapshot_base, s->scratch, s->err));
    if (!s->printers) {
        s->printers = ARENA_ARRAY(s->work, struct sort_reader, s->sort_count);
        for (size_t i = 0; i < s->sort_count; i++)
            TRY(sort_reader_open(&s->printers[i], &s->sorts[i], ss->part, 0, 0, s->work, s->err));
    }
    TRY(open_after(ss));
    enum sort_value_kind kind = ss->readers[0].kind;
    ss->has_bound = s->hit_count > 0 && (int64_t)s->hit_count == s->wanted &&
                    kind == s->printers[0].kind && kind != SORT_VALUE_STR;
    if (ss->has_bound && s->hits[s->hit_count - 1].values[0].kind == kind)
        ss->bound = s->hits[s->hit_count - 1].values[0].key;
    else
        ss->has_bound = false;
    int64_t most = MIN_OF(s->wanted, (int64_t)ss->doc_count);
    topk_init(&ss->top, (size_t)most, s->sort_count, s->scratch);
    ss->keys = ARENA_ARRAY(s->scratch, uint64_t, s->sort_count * ZONE_DOCS);
    if (ss->needs_scores)
        ss->scores = ARENA_ARRAY(s->scratch, float, ZONE_DOCS);
    return 0;
}

/* Totals that the metadata knows need no window. */
static void count_from_metadata(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct search_request *request = s->request;
    if (request->post_filter || request->has_min_score || request->terminate_after ||
        request->track_total == 0)
        return;
    if (plan_is_all(ss->plan->query)) {
        s->total += ss->part->live_count;
        ss->is_counted = true;
    } else if (!ss->part->live) {
        int64_t count = plan_count(ss->plan->query, ss->part);
        ss->is_counted = count >= 0;
        s->total += count >= 0 ? (uint64_t)count : 0;
    }
}

/* Aggregations that can be answered for a whole segment without its documents. */
static int aggs_from_metadata(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct search_request *request = s->request;
    ss->collects_aggs = s->aggs && request->aggs->root_count > 0;
    if (!ss->collects_aggs)
        return 0;
    TRY(agg_run_segment(s->aggs, ss->part, ss->part_index, s->agg_plans[ss->plan - s->plans],
                        s->scratch, s->err));
    ss->aggs_done = ARENA_ARRAY(s->scratch, bool, request->aggs->root_count);
    bool is_whole = ss->set && ss->set->is_all && !ss->part->live && !request->has_min_score &&
                    !request->terminate_after && !request->aggs->needs_scores;
    if (is_whole && agg_run_all(s->aggs, ss->aggs_done))
        ss->collects_aggs = false;
    for (size_t i = 0; request->aggs->has_global && i < request->aggs->root_count; i++) {
        if (str_is(str_from(request->aggs->roots[i]->type->name), "global"))
            ss->aggs_done[i] = true;
    }
    return 0;
}

/* Global aggregations see every live document. */
static int run_globals(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct agg_tree *tree = s->request->aggs;
    if (!s->aggs || !tree->has_global)
        return 0;
    TRY(agg_run_segment(s->aggs, ss->part, ss->part_index, s->agg_plans[ss->plan - s->plans],
                        s->scratch, s->err));
    for (size_t i = 0; i < tree->root_count; i++)
        ss->aggs_done[i] = !str_is(str_from(tree->roots[i]->type->name), "global");
    for (uint32_t first = 0; first < ss->doc_count; first += ZONE_DOCS) {
        uint32_t n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        uint64_t words[WINDOW_WORDS] = {0};
        words_set_range(words, 0, n);
        for (size_t i = 0; ss->part->live && i < BITSET_WORDS(n); i++)
            words[i] &= ss->part->live[first / 64 + i];
        collect_aggs(ss, first, n, words, bitset_count(words, BITSET_WORDS(n)));
        TRY(check_limits(s));
    }
    return 0;
}

/* ---- Merging ---- */

static int hit_cmp(const struct search *s, const struct hit_ref *a, const struct hit_ref *b)
{
    for (size_t i = 0; i < s->sort_count; i++) {
        int cmp = sort_value_cmp(&s->sorts[i], &a->values[i], &b->values[i]);
        if (cmp)
            return cmp;
    }
    return 0;
}

/* Both lists are in order; of equals the earlier segment's stay in front. */
static void merge_hits(struct search *s, const struct hit_ref *more, size_t more_count)
{
    size_t count = MIN_OF(s->hit_count + more_count, (size_t)s->wanted), a = 0, b = 0;
    struct hit_ref *merged = ARENA_ARRAY(s->work, struct hit_ref, count + 1);
    for (size_t i = 0; i < count; i++) {
        bool takes_old =
            b == more_count || (a < s->hit_count && hit_cmp(s, &s->hits[a], &more[b]) <= 0);
        merged[i] = takes_old ? s->hits[a++] : more[b++];
    }
    s->hits = merged;
    s->hit_count = count;
}

static void take_segment_hits(struct segment_search *ss)
{
    struct search *s = ss->s;
    size_t count = ss->top.count;
    if (count == 0)
        return;
    uint32_t *slots = ARENA_ARRAY(s->scratch, uint32_t, count);
    struct hit_ref *hits = ARENA_ARRAY(s->scratch, struct hit_ref, count);
    topk_sorted(&ss->top, slots);
    for (size_t i = 0; i < count; i++) {
        hits[i] = (struct hit_ref){
            .part = ss->part, .doc = ss->top.docs[slots[i]], .score = ss->top.scores[slots[i]]};
        hits[i].values = ARENA_ARRAY(s->work, struct sort_value, s->sort_count);
        for (size_t k = 0; k < s->sort_count; k++)
            hits[i].values[k] = sort_reader_value(
                &ss->readers[k], ss->top.keys[slots[i] * s->sort_count + k], s->work);
    }
    merge_hits(s, hits, count);
}

static int search_segment(struct search *s, uint32_t part_index, struct index_plan *plan)
{
    struct segment_search ss = {
        .s = s, .part = &s->env.parts[part_index], .part_index = part_index, .plan = plan};
    ss.doc_count = segment_doc_count(ss.part->segment);
    ss.needs_scores = s->needs_scores;
    arena_reset(s->scratch);
    TRY(open_segment(&ss));
    if (ss.set) {
        count_from_metadata(&ss);
        ss.needs_max_score =
            s->needs_scores && s->request->track_scores && !(s->is_by_score && s->sort_count == 1);
        TRY(aggs_from_metadata(&ss));
        bool is_column_sort = (s->sorts[0].kind == SORT_FIELD || s->sorts[0].kind == SORT_SEQ_NO) &&
                              !ss.collects_aggs && !ss.needs_max_score &&
                              s->request->terminate_after == 0 &&
                              (!ss.post_filter || ss.post_filter->is_random);
        if (ss.set->is_random && is_column_sort && ss.top.capacity > 0)
            TRY(run_best_first(&ss));
        else
            TRY(run_forward(&ss));
        take_segment_hits(&ss);
    } else if (s->aggs) {
        TRY(aggs_from_metadata(&ss)); /* fields are looked up even where nothing matches */
    }
    TRY(run_globals(&ss));
    plan->doc_base += ss.doc_count;
    s->snapshot_base += ss.doc_count;
    return segment_failure(ss.part->segment, s->err);
}

static int search_segments(struct search *s)
{
    size_t at = 0;
    for (size_t i = 0; i < s->index_count; i++) {
        struct index_plan *plan = &s->plans[i];
        bool was_ended = s->terminated_early;
        s->terminated_early = false;
        for (size_t k = 0; k < plan->planner.part_count; k++, at++) {
            if (!s->timed_out && !s->terminated_early)
                TRY(search_segment(s, (uint32_t)at, plan));
        }
        s->terminated_early = s->terminated_early || was_ended;
    }
    return 0;
}

/* ---- Results ---- */

static const struct value *print_sorts(const struct search *s, const struct hit_ref *ref,
                                       struct arena *mem)
{
    struct value *values = ARENA_ARRAY(mem, struct value, s->sort_count);
    for (size_t k = 0; k < s->sort_count; k++) {
        struct value printed = sort_value_print(&s->printers[k], &ref->values[k], mem);
        values[k] = value_copy(mem, &printed);
    }
    return values;
}

/* What was found beyond the page. */
static void keep_ahead(const struct search *s, const struct hit_ref *refs, size_t count,
                       bool shows_scores)
{
    struct ahead *ahead = s->request->ahead;
    ahead->hits = ARENA_ARRAY(ahead->mem, struct ahead_hit, count + 1);
    ahead->count = count;
    for (size_t i = 0; i < count; i++)
        ahead->hits[i] = (struct ahead_hit){.part = refs[i].part,
                                            .doc = refs[i].doc,
                                            .has_score = shows_scores,
                                            .score = shows_scores ? f32_shown(refs[i].score) : 0,
                                            .sort_values = print_sorts(s, &refs[i], ahead->mem)};
}

static int fetch_hits(struct search *s, struct search_result *result)
{
    const struct search_request *request = s->request;
    size_t from = MIN_OF((size_t)request->from, s->hit_count);
    result->hit_count = MIN_OF(s->hit_count - from, (size_t)request->size);
    result->hits = ARENA_ARRAY(s->mem, struct search_hit, result->hit_count + 1);
    bool shows_scores = s->is_by_score || request->track_scores;
    for (size_t i = 0; i < s->sort_count; i++)
        shows_scores = shows_scores || s->sorts[i].kind == SORT_SCORE;
    for (size_t i = 0; i < result->hit_count; i++) {
        const struct hit_ref *ref = &s->hits[from + i];
        struct search_hit *hit = &result->hits[i];
        TRY(fetch_hit(&request->fetch, ref->part, ref->doc, s->mem, hit, s->err));
        hit->has_score = shows_scores;
        hit->score = shows_scores ? f32_shown(ref->score) : 0;
        if (request->sort_count == 0)
            continue;
        hit->sort_values = print_sorts(s, ref, s->mem);
        hit->sort_count = s->sort_count;
    }
    size_t shown = from + result->hit_count;
    if (request->ahead)
        keep_ahead(s, s->hits + shown, s->hit_count - shown, shows_scores);
    return 0;
}

static void fill_totals(const struct search *s, struct search_result *result)
{
    int64_t limit = s->request->track_total;
    result->has_total = limit > 0;
    result->total = s->total;
    if (limit > 0 && limit != TRACK_TOTAL_ALL && s->total > (uint64_t)limit) {
        result->total = (uint64_t)limit;
        result->total_is_lower_bound = true;
    }
    result->timed_out = s->timed_out;
    result->terminated_early = s->terminated_early;
    if (s->is_by_score && (s->sort_count == 1 || s->sorts[1].kind == SORT_SNAPSHOT_DOC) &&
        s->hit_count > 0 && s->needs_scores) {
        result->has_max_score = true;
        result->max_score = f32_shown(s->hits[0].score);
    } else if (s->has_max_score) {
        result->has_max_score = true;
        result->max_score = f32_shown(s->max_score);
    }
}

static int check_request(const struct search_request *request, const struct search_limits *limits,
                         struct err *err)
{
    uint32_t window = limits->result_window_max ? limits->result_window_max : RESULT_WINDOW_DEFAULT;
    if (request->from + request->size > (int64_t)window)
        return err_set(
            err, ERR_INVALID,
            "Result window is too large, from + size must be less than or equal to: [%u] but "
            "was [%lld]. See the scroll api for a more efficient way to request large data sets. "
            "This limit can "
            "be set by changing the [index.max_result_window] index level setting.",
            window, (long long)(request->from + request->size));
    return 0;
}

static void search_init(struct search *s)
{
    const struct search_request *request = s->request;
    s->sorts = request->sort_count ? request->sorts : &by_score;
    s->sort_count = request->sort_count ? request->sort_count : 1;
    s->is_by_score = s->sorts[0].kind == SORT_SCORE;
    s->wanted =
        request->from + request->size + (request->ahead ? (int64_t)request->ahead->wanted : 0);
    for (size_t i = 0; i < s->sort_count; i++)
        s->needs_scores = s->needs_scores || (s->sorts[i].kind == SORT_SCORE && request->size > 0);
    s->needs_scores = s->needs_scores || request->track_scores || request->has_min_score ||
                      (request->aggs && request->aggs->needs_scores);
    int64_t limit = s->limits->time_ns_max;
    if (request->timeout_ns > 0)
        limit = limit > 0 ? MIN_OF(limit, request->timeout_ns) : request->timeout_ns;
    s->started_ns = clock_monotonic_ns(s->clock);
    s->deadline_ns = limit > 0 ? s->started_ns + limit : 0;
}

static int search_do(struct search *s, struct search_result *result)
{
    const struct search_request *request = s->request;
    TRY(check_request(request, s->limits, s->err));
    search_init(s);
    if (request->aggs) {
        uint64_t buckets =
            s->limits->bucket_count_max ? s->limits->bucket_count_max : BUCKETS_DEFAULT;
        s->aggs = agg_run_new(request->aggs, request->now_ns, buckets, s->work, s->err);
        s->aggs->env = &s->env;
        s->aggs->typed_keys = request->typed_keys;
    }
    TRY(plan_all_indices(s));
    TRY(search_segments(s));
    if (s->aggs) {
        struct value aggs = agg_run_result(s->aggs);
        if (s->aggs->rc < 0)
            return s->aggs->rc;
        TRY(check_limits(s));
        result->aggregations = value_copy(s->mem, &aggs);
    }
    if (s->wanted > 0 && request->size > 0) {
        int64_t begin_ns = clock_monotonic_ns(s->clock);
        TRY(fetch_hits(s, result));
        s->fetch_ns = clock_monotonic_ns(s->clock) - begin_ns;
        s->has_fetched = result->hit_count > 0;
    }
    fill_totals(s, result);
    result->took_ns = clock_monotonic_ns(s->clock) - s->started_ns;
    return 0;
}

static const struct search_limits no_limits;

int search_run(struct searcher *searcher, const struct search_request *request, struct clock *clock,
               const struct search_limits *limits, struct arena *mem,
               struct search_result *ret_result, struct err *err)
{
    struct search_result result = {0};
    struct search s = {.request = request,
                       .limits = limits ? limits : &no_limits,
                       .clock = clock,
                       .mem = mem,
                       .err = err};
    size_t budget = s.limits->memory_bytes_max ? s.limits->memory_bytes_max : SEARCH_MEMORY_DEFAULT;
    s.work = arena_new(budget);
    s.scratch = arena_new(budget);
    s.env.parts = searcher_parts(searcher, &s.env.part_count);
    int64_t begin_ns = clock_monotonic_ns(clock);
    searcher_query_begin(searcher);
    int rc = search_do(&s, &result);
    searcher_query_end(searcher, clock_monotonic_ns(clock) - begin_ns - s.fetch_ns, s.fetch_ns,
                       s.has_fetched);
    for (size_t i = 0; i < s.index_count; i++)
        planner_deinit(&s.plans[i].planner);
    arena_free(s.scratch);
    arena_free(s.work);
    result.shard_count = searcher_index_count(searcher);
    if (rc == 0)
        *ret_result = result;
    return rc;
}

int search_count(struct searcher *searcher, const struct search_request *request,
                 const struct search_limits *limits, uint64_t *ret_count, struct err *err)
{
    struct arena *mem = arena_new(0);
    struct search_request count = *request;
    struct search_result result;
    struct clock_fake clock;
    clock_fake_init(&clock, request->now_ns);
    count.size = count.from = 0;
    count.aggs = NULL;
    count.sort_count = 0;
    count.search_after = NULL;
    count.track_total = TRACK_TOTAL_ALL;
    count.track_scores = false;
    int rc = search_run(searcher, &count, &clock.base, limits, mem, &result, err);
    if (rc == 0)
        *ret_count = result.total;
    arena_free(mem);
    return rc;
}
