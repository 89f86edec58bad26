/* SPDX-License-Identifier: Apache-2.0 */
/* search_walk.c: how segments are searched, by one thread or by several.
 *
 * Segments are taken biggest first (sorted by a column: those with the best values first). When
 * none is left untouched, a walk joins one that another is still at: a segment is taken in chunks
 * of some windows, so that one large segment keeps all threads busy. Chunks of a segment ascend,
 * and so do those that one walk gets of it.
 *
 * A window is looked at only when somebody needs it: totals stop at track_total_hits (and are known
 * from metadata where a query has no deletes to mind), best hits stop when a zone's best key cannot
 * win any more. Sorted by a column, and when the matches can be had in any order, windows are
 * visited best first. The best k-th key that any walk has found is a bound for all.
 *
 * The answer does not depend on who searched what: of equal keys the earlier segment's, then the
 * lower document wins, and the bound only ever leaves out what is worse than it. */
#include "query/search_walk.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"

/* One walk in one segment. */
struct segment_search {
    struct walk *walk;
    struct search *s;
    struct search_unit *unit;
    const struct searcher_part *part;
    uint32_t doc_count;
    struct index_plan *plan;
    struct docset *set, *post_filter;
    struct sort_reader *readers;
    struct topk top;
    struct collapse *collapse; /* NULL: none */
    uint64_t *keys;            /* sort_count arrays of ZONE_DOCS */
    uint64_t *after;           /* keys of search_after, NULL */
    float *scores;
    bool needs_scores, is_counted, collects_aggs, needs_max_score;
    bool *aggs_done;
    bool has_bound;          /* first keys compare with those of other segments */
    bool breaks_ties_by_doc; /* of equal first keys the lower document wins */
};

static uint64_t total_so_far(const struct search *s)
{
    return __atomic_load_n(&s->total, __ATOMIC_RELAXED);
}

static bool wants_count(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    return !ss->is_counted && s->request->track_total > 0 &&
           (int64_t)total_so_far(s) <= s->request->track_total;
}

/* ---- What cannot win ---- */

static uint64_t bound_of(const struct segment_search *ss)
{
    return ss->has_bound ? __atomic_load_n(&ss->s->bound, __ATOMIC_RELAXED) : UINT64_MAX;
}

/* Tells the others that `wanted` hits with this first key or a better one are there. */
static void lower_bound_to(struct segment_search *ss, uint64_t key)
{
    uint64_t old = __atomic_load_n(&ss->s->bound, __ATOMIC_RELAXED);
    while (ss->has_bound && key < old &&
           !__atomic_compare_exchange_n(&ss->s->bound, &old, key, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        continue;
}

/* Everything in the window sorts before search_after: earlier pages had it. */
static bool is_before_after(const struct segment_search *ss, uint32_t first)
{
    return ss->after && sort_reader_zone_worst(&ss->readers[0], first / ZONE_DOCS) < ss->after[0];
}

static bool wants_aggs(const struct segment_search *ss, uint32_t first)
{
    return ss->collects_aggs && agg_run_wants(ss->walk->aggs, first, ss->aggs_done);
}

/* Can a document of the window still be among the best? */
static bool wants_hits(const struct segment_search *ss, uint32_t first, uint32_t n)
{
    const struct search *s = ss->s;
    const struct sort_spec *spec = &s->sorts[0];
    uint32_t zone = first / ZONE_DOCS;
    uint64_t best, bound = bound_of(ss);
    if (ss->top.capacity == 0 || is_before_after(ss, first))
        return false;
    bool is_full = topk_is_full(&ss->top);
    if (!is_full && bound == UINT64_MAX)
        return true;
    if (spec->kind == SORT_SCORE) {
        uint64_t zero[WINDOW_WORDS] = {1};
        float score = docset_score_max(ss->set, first, n);
        if (isinf(score))
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
    uint64_t keys[SORTS_MAX], bound = bound_of(ss);
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
        lower_bound_to(ss, topk_worst(&ss->top)[0]);
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
static float score_threshold(const struct segment_search *ss)
{
    float own = topk_is_full(&ss->top) ? ss->top.scores[ss->top.heap[0]] : 0;
    uint64_t bound = bound_of(ss);
    if (bound == UINT64_MAX)
        return own;
    return fmaxf(own, nextafterf(sort_reader_score(&ss->readers[0], bound), -INFINITY));
}

static void search_window(struct segment_search *ss, uint32_t first, uint32_t n, bool needs_count)
{
    struct search *s = ss->s;
    uint64_t words[WINDOW_WORDS] = {0};
    struct doc_window w = {first, n, NULL, words, ss->needs_scores ? ss->scores : NULL};
    bool skips = !needs_count && !ss->collects_aggs && !ss->needs_max_score &&
                 ss->top.capacity > 0 && s->sort_count == 1 && s->sorts[0].kind == SORT_SCORE &&
                 s->sorts[0].is_desc && !s->request->terminate_after;
    ss->set->threshold = skips ? score_threshold(ss) : 0;
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
        __atomic_add_fetch(&s->total, bitset_count(words, BITSET_WORDS(n)), __ATOMIC_RELAXED);
    if (ss->needs_max_score)
        track_max_score(ss, n, words);
    if (ss->top.capacity > 0)
        offer_window(ss, first, n, words);
}

/* ---- Limits and help ---- */

/* The memory of all walks together is what counts. */
static bool memory_is_over(struct walk *walk)
{
    struct search *s = walk->s;
    uint64_t sum = 0, own = arena_used(walk->work) + arena_used(walk->scratch);
    __atomic_store_n(&walk->used_bytes, own, __ATOMIC_RELAXED);
    for (size_t i = 0; i < s->walk_max; i++)
        sum += __atomic_load_n(&s->walks[i].used_bytes, __ATOMIC_RELAXED);
    return sum > s->memory_bytes_max || arena_is_over(walk->work) || arena_is_over(walk->scratch);
}

/* Only the caller's walk asks for the client: it is the one that always runs. */
static bool client_is_gone(struct walk *walk)
{
    const struct search_limits *limits = walk->s->limits;
    if (limits->is_cancelled && __atomic_load_n(limits->is_cancelled, __ATOMIC_RELAXED))
        return true;
    return limits->client_is_gone && walk == &walk->s->walks[0] &&
           walk->windows % GONE_POLL_WINDOWS == 1 && limits->client_is_gone(limits->client);
}

int search_walk_check(struct walk *walk)
{
    struct search *s = walk->s;
    walk->windows++;
    if (client_is_gone(walk))
        return err_set(&walk->err, ERR_CANCELLED, "the search was cancelled");
    if (memory_is_over(walk)) {
        (void)err_set(&walk->err, ERR_MEM_LIMIT,
                      "[request] Data too large, the search's memory limit of [%zu] bytes is used "
                      "up (indices.breaker.request.limit)",
                      s->memory_bytes_max);
        return err_bytes(&walk->err, s->memory_bytes_max + 1, s->memory_bytes_max);
    }
    if (walk->aggs && walk->aggs->rc < 0)
        return walk->aggs->rc;
    if (s->deadline_ns && clock_monotonic_ns(s->clock) > s->deadline_ns)
        __atomic_store_n(&s->timed_out, true, __ATOMIC_RELAXED);
    return 0;
}

static void help(void *owner, size_t helper);

/* Asks for help once so much work has been done that more is to be expected. */
static void count_effort(struct walk *walk, uint32_t effort)
{
    struct search *s = walk->s;
    walk->effort += effort;
    if (s->has_asked || walk != &s->walks[0] || s->walk_max < 2)
        return;
    uint32_t alone =
        s->limits->alone_effort_max ? s->limits->alone_effort_max : ALONE_EFFORT_DEFAULT;
    if (walk->effort < alone)
        return;
    s->has_asked = true;
    s->job = (struct search_job){.help = help, .owner = s};
    search_pool_ask(s->limits->pool, &s->job, s->walk_max - 1);
}

static bool is_over(const struct segment_search *ss)
{
    return search_timed_out(ss->s) || ss->plan->is_terminated ||
           __atomic_load_n(&ss->s->stop, __ATOMIC_RELAXED);
}

/* ---- Walking a segment ---- */

static void take_rest(struct search_unit *unit)
{
    __atomic_store_n(&unit->next, unit->doc_count, __ATOMIC_RELAXED);
}

/* The best hits and their count are all that is asked: the set may be stepped over. */
static bool can_step(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    const struct search_request *request = s->request;
    return ss->set->ops->step && ss->needs_scores && ss->top.capacity > 0 && s->sort_count == 1 &&
           s->sorts[0].kind == SORT_SCORE && s->sorts[0].is_desc && !ss->collects_aggs &&
           !ss->needs_max_score && !request->post_filter && !request->has_min_score &&
           !request->terminate_after && !ss->after;
}

static void offer_step(struct segment_search *ss, uint32_t doc, float score)
{
    const uint64_t one[WINDOW_WORDS] = {1};
    uint64_t key;
    sort_reader_keys(&ss->readers[0], doc, 1, one, &score, &key);
    if (key > bound_of(ss) || (topk_is_full(&ss->top) && key > topk_worst(&ss->top)[0]))
        return;
    topk_offer(&ss->top, &key, doc, score);
    if (topk_is_full(&ss->top) && (int64_t)ss->top.capacity == ss->s->wanted)
        lower_bound_to(ss, topk_worst(&ss->top)[0]);
}

/* What [from, to) has, match by match, if that is cheaper than its windows; *ret_is_done: it was.
 * Once it is, it stays so: the threshold only rises. */
static int run_steps(struct segment_search *ss, uint32_t from, uint32_t to, bool *ret_is_done)
{
    struct search *s = ss->s;
    const uint64_t *live = ss->part->live;
    uint32_t zone = from / ZONE_DOCS;
    *ret_is_done = false;
    while (from < to) {
        float score;
        bool needs_count = wants_count(ss);
        ss->set->threshold = needs_count ? 0 : score_threshold(ss);
        if (!*ret_is_done && !ss->set->ops->steps_well(ss->set))
            return 0;
        *ret_is_done = true;
        uint32_t doc = ss->set->ops->step(ss->set, from, to, &score);
        if (doc >= to)
            break;
        if (!live || bitset_get(live, doc)) {
            if (needs_count)
                __atomic_add_fetch(&s->total, 1, __ATOMIC_RELAXED);
            offer_step(ss, doc, score);
        }
        from = doc + 1;
        if (doc / ZONE_DOCS != zone) {
            zone = doc / ZONE_DOCS;
            count_effort(ss->walk, AGG_EFFORT);
            TRY(search_walk_check(ss->walk));
            if (is_over(ss))
                break;
        }
    }
    return search_walk_check(ss->walk);
}

/* The windows of [from, to) in order. */
static int run_chunk(struct segment_search *ss, uint32_t from, uint32_t to)
{
    struct search *s = ss->s;
    uint32_t effort = ss->collects_aggs || ss->needs_scores ? AGG_EFFORT : 1;
    bool can_be_stepped = can_step(ss), is_done = false;
    for (uint32_t doc = docset_seek(ss->set, from); doc < to;) {
        if (can_be_stepped) {
            TRY(run_steps(ss, MAX_OF(doc, from), to, &is_done));
            if (is_done)
                break;
        }
        uint32_t first = doc - doc % ZONE_DOCS, n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        bool needs_count = wants_count(ss);
        if (needs_count || wants_aggs(ss, first) || ss->needs_max_score ||
            wants_hits(ss, first, n)) {
            search_window(ss, first, n, needs_count);
            count_effort(ss->walk, effort);
        } else if (ss->set->is_constant && s->sorts[0].kind == SORT_SCORE) {
            take_rest(ss->unit); /* later documents cannot be better */
            break;
        }
        TRY(search_walk_check(ss->walk));
        if (is_over(ss) || first + n >= to)
            break;
        doc = docset_seek(ss->set, first + n);
    }
    return 0;
}

static int run_forward(struct segment_search *ss)
{
    struct search_unit *unit = ss->unit;
    uint32_t chunk = ss->s->chunk_docs;
    while (!is_over(ss)) {
        uint32_t from = __atomic_fetch_add(&unit->next, chunk, __ATOMIC_RELAXED);
        if (from >= unit->doc_count) {
            take_rest(unit); /* so that it cannot wrap around */
            break;
        }
        TRY(run_chunk(ss, from, MIN_OF(unit->doc_count, from + chunk)));
    }
    return 0;
}

struct zone_rank {
    uint64_t best;
    uint32_t zone;
};

static bool rank_is_before(const struct zone_rank *a, const struct zone_rank *b)
{
    return a->best != b->best ? a->best < b->best : a->zone < b->zone;
}

static void rank_down(struct zone_rank *ranks, size_t at, size_t count)
{
    struct zone_rank rank = ranks[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && rank_is_before(&ranks[child + 1], &ranks[child]))
            child++;
        if (!rank_is_before(&ranks[child], &rank))
            break;
        ranks[at] = ranks[child];
    }
    ranks[at] = rank;
}

/* Windows by the best key they can have: the first few decide, the others are only looked at for
 * the total. Few are taken of many, so they stand in a heap instead of being sorted. */
static int run_best_first(struct segment_search *ss)
{
    uint32_t count = 0, zones = (ss->doc_count + ZONE_DOCS - 1) / ZONE_DOCS;
    struct zone_rank *ranks = ARENA_ARRAY(ss->walk->scratch, struct zone_rank, zones);
    bool needs_all = wants_count(ss);
    uint64_t bound = bound_of(ss);
    take_rest(ss->unit);
    for (uint32_t i = 0; i < zones; i++) {
        uint64_t best = sort_reader_zone_best(&ss->readers[0], i);
        if (needs_all || (best <= bound && !is_before_after(ss, i * ZONE_DOCS)))
            ranks[count++] = (struct zone_rank){best, i};
    }
    for (size_t i = count / 2; i-- > 0;)
        rank_down(ranks, i, count);
    while (count > 0 && !is_over(ss)) {
        uint32_t first = ranks[0].zone * ZONE_DOCS, n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        bool needs_count = wants_count(ss);
        ranks[0] = ranks[--count];
        rank_down(ranks, 0, count);
        if (needs_count || wants_hits(ss, first, n)) {
            search_window(ss, first, n, needs_count);
            count_effort(ss->walk, 1);
        } else if (!is_before_after(ss, first)) {
            break; /* in order of the best key: no later window can win either */
        }
        TRY(search_walk_check(ss->walk));
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
    ss->after = ARENA_ARRAY(ss->walk->scratch, uint64_t, s->sort_count);
    for (size_t i = 0; i < s->sort_count; i++)
        TRY(sort_reader_after(&ss->readers[i], &after->list->items[i], s->request->now_ns,
                              ss->walk->scratch, &ss->after[i], &ss->walk->err));
    return 0;
}

static int open_segment(struct segment_search *ss)
{
    struct search *s = ss->s;
    struct arena *scratch = ss->walk->scratch;
    struct plan_run run = {ss->part, ss->doc_count, ss->needs_scores, scratch};
    ss->set = plan_open(ss->plan->query, &run);
    run.needs_scores = false;
    if (s->request->post_filter)
        ss->post_filter = plan_open(ss->plan->post_filter, &run);
    ss->readers = ARENA_ARRAY(scratch, struct sort_reader, s->sort_count);
    for (size_t i = 0; i < s->sort_count; i++)
        TRY(sort_reader_open(&ss->readers[i], &s->sorts[i], ss->part, ss->unit->doc_base,
                             ss->unit->snapshot_base, scratch, &ss->walk->err));
    TRY(open_after(ss));
    enum sort_value_kind kind = ss->readers[0].kind;
    ss->has_bound = s->wanted > 0 && kind == s->printers[0].kind && kind != SORT_VALUE_STR &&
                    kind != SORT_VALUE_NULL;
    bool is_by_doc = s->sort_count == 2 && !s->sorts[1].is_desc &&
                     (s->sorts[1].kind == SORT_DOC || s->sorts[1].kind == SORT_SNAPSHOT_DOC);
    ss->breaks_ties_by_doc = s->sort_count == 1 || is_by_doc;
    int64_t most = MIN_OF(s->wanted, (int64_t)ss->doc_count);
    topk_init(&ss->top, (size_t)most, s->sort_count, scratch);
    if (s->request->collapse && most > 0)
        ss->collapse = collapse_open(s->request->collapse, ss->part, (size_t)most, scratch);
    ss->keys = ARENA_ARRAY(scratch, uint64_t, s->sort_count * ZONE_DOCS);
    if (ss->needs_scores)
        ss->scores = ARENA_ARRAY(scratch, float, ZONE_DOCS);
    return 0;
}

/* Totals that the metadata knows need no window. */
static void count_from_metadata(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct search_request *request = s->request;
    int64_t count = -1;
    if (request->post_filter || request->has_min_score || request->terminate_after ||
        request->track_total == 0)
        return;
    if (plan_is_all(ss->plan->query))
        count = ss->part->live_count;
    else if (!ss->part->live)
        count =
            ss->set->is_counted ? (int64_t)ss->set->cost : plan_count(ss->plan->query, ss->part);
    ss->is_counted = count >= 0;
    if (count > 0)
        __atomic_add_fetch(&s->total, (uint64_t)count, __ATOMIC_RELAXED);
}

static int begin_aggs(struct segment_search *ss)
{
    const struct search *s = ss->s;
    if (!s->request->aggs || s->request->aggs->root_count == 0)
        return 0;
    /* A global aggregation sees more than the matches. */
    uint64_t matches = s->request->aggs->has_global ? ss->doc_count : ss->set ? ss->set->cost : 0;
    return agg_run_segment(ss->walk->aggs, ss->part, ss->unit->part_index, matches,
                           s->agg_plans[ss->plan - s->plans], ss->walk->scratch, &ss->walk->err);
}

/* Aggregations that can be answered for a whole segment without its documents. */
static void aggs_from_metadata(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct search_request *request = s->request;
    ss->collects_aggs = request->aggs && request->aggs->root_count > 0;
    if (!ss->collects_aggs)
        return;
    ss->aggs_done = ARENA_ARRAY(ss->walk->work, bool, request->aggs->root_count);
    bool is_whole = ss->set && ss->set->is_all && !ss->part->live && !request->has_min_score &&
                    !request->terminate_after && !request->aggs->needs_scores;
    if (is_whole && agg_run_all(ss->walk->aggs, ss->aggs_done))
        ss->collects_aggs = false;
    for (size_t i = 0; request->aggs->has_global && i < request->aggs->root_count; i++) {
        if (str_is(str_from(request->aggs->roots[i]->type->name), "global"))
            ss->aggs_done[i] = true;
    }
}

/* Global aggregations see every live document. */
static int run_globals(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct agg_tree *tree = s->request->aggs;
    if (!tree || !tree->has_global)
        return 0;
    ss->aggs_done = ARENA_ARRAY(ss->walk->scratch, bool, tree->root_count);
    for (size_t i = 0; i < tree->root_count; i++)
        ss->aggs_done[i] = !str_is(str_from(tree->roots[i]->type->name), "global");
    for (uint32_t first = 0; first < ss->doc_count && !search_timed_out(s); first += ZONE_DOCS) {
        uint32_t n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        uint64_t words[WINDOW_WORDS] = {0};
        words_set_range(words, 0, n);
        for (size_t i = 0; ss->part->live && i < BITSET_WORDS(n); i++)
            words[i] &= ss->part->live[first / 64 + i];
        collect_aggs(ss, first, n, words, bitset_count(words, BITSET_WORDS(n)));
        TRY(search_walk_check(ss->walk));
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
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    return (a->doc > b->doc) - (a->doc < b->doc);
}

/* Both lists are in order; with collapse a group stays once. */
static void merge_hits(struct walk *walk, const struct hit_ref *more, size_t more_count)
{
    struct search *s = walk->s;
    size_t count = MIN_OF(walk->hit_count + more_count, (size_t)s->wanted), a = 0, b = 0;
    size_t n = 0;
    struct hit_ref *merged = ARENA_ARRAY(walk->work, struct hit_ref, count + 1);
    struct group_table groups;
    if (s->request->collapse)
        group_table_init(&groups, walk->hit_count + more_count, walk->work);
    while (n < count && (a < walk->hit_count || b < more_count)) {
        bool takes_old =
            b == more_count || (a < walk->hit_count && hit_cmp(s, &walk->hits[a], &more[b]) <= 0);
        const struct hit_ref *next = takes_old ? &walk->hits[a++] : &more[b++];
        if (!s->request->collapse || group_table_add(&groups, &next->group))
            merged[n++] = *next;
    }
    walk->hits = merged;
    walk->hit_count = n;
}

static void take_segment_hits(struct segment_search *ss)
{
    struct search *s = ss->s;
    struct walk *walk = ss->walk;
    size_t count = ss->top.count;
    if (count == 0)
        return;
    uint32_t *slots = ARENA_ARRAY(walk->scratch, uint32_t, count);
    struct hit_ref *hits = ARENA_ARRAY(walk->scratch, struct hit_ref, count);
    topk_sorted(&ss->top, slots);
    for (size_t i = 0; i < count; i++) {
        hits[i] = (struct hit_ref){
            .part = ss->part, .doc = ss->top.docs[slots[i]], .score = ss->top.scores[slots[i]]};
        if (ss->collapse)
            hits[i].group = collapse_value(ss->collapse, slots[i], walk->work);
        hits[i].values = ARENA_ARRAY(walk->work, struct sort_value, s->sort_count);
        for (size_t k = 0; k < s->sort_count; k++)
            hits[i].values[k] = sort_reader_value(
                &ss->readers[k], ss->top.keys[slots[i] * s->sort_count + k], walk->work);
    }
    merge_hits(walk, hits, count);
    if ((int64_t)walk->hit_count == s->wanted &&
        walk->hits[walk->hit_count - 1].values[0].kind == s->printers[0].kind)
        lower_bound_to(ss, walk->hits[walk->hit_count - 1].values[0].key);
}

/* ---- Units ---- */

static struct segment_search segment_search_of(struct walk *walk, struct search_unit *unit)
{
    struct search *s = walk->s;
    struct segment_search ss = {.walk = walk,
                                .s = s,
                                .unit = unit,
                                .part = unit->part,
                                .plan = unit->plan,
                                .doc_count = unit->doc_count};
    ss.needs_scores = s->needs_scores;
    ss.needs_max_score =
        s->needs_scores && s->request->track_scores && !(s->is_by_score && s->sort_count == 1);
    arena_reset(walk->scratch);
    return ss;
}

static bool is_best_first(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    return ss->set->is_random && ss->top.capacity > 0 &&
           (s->sorts[0].kind == SORT_FIELD || s->sorts[0].kind == SORT_SEQ_NO) &&
           !ss->collects_aggs && !ss->needs_max_score && s->request->terminate_after == 0 &&
           (!ss->post_filter || ss->post_filter->is_random);
}

static int end_segment(struct segment_search *ss)
{
    if (ss->collapse)
        TRY(collapse_failure(ss->collapse, &ss->walk->err));
    take_segment_hits(ss);
    if (ss->walk->aggs)
        agg_run_segment_end(ss->walk->aggs);
    return segment_failure(ss->part->segment, &ss->walk->err);
}

/* The first walk that comes to a segment. */
static int search_unit(struct walk *walk, struct search_unit *unit)
{
    struct segment_search ss = segment_search_of(walk, unit);
    if (unit->plan->is_terminated)
        return 0;
    TRY(open_segment(&ss));
    TRY(begin_aggs(&ss)); /* fields are looked up even where nothing matches */
    count_effort(walk, 1);
    if (ss.set) {
        count_from_metadata(&ss);
        aggs_from_metadata(&ss);
        if (is_best_first(&ss)) {
            TRY(run_best_first(&ss));
        } else {
            unit->is_counted = ss.is_counted;
            unit->collects_aggs = ss.collects_aggs;
            unit->aggs_done = ss.aggs_done;
            /* Orders the members above before a joining walk's reads. */
            __atomic_store_n(&unit->is_shared, 1, __ATOMIC_RELEASE);
            TRY(run_forward(&ss));
        }
    }
    TRY(run_globals(&ss));
    return end_segment(&ss);
}

/* A later one. */
static int join_unit(struct walk *walk, struct search_unit *unit)
{
    struct segment_search ss = segment_search_of(walk, unit);
    TRY(open_segment(&ss));
    TRY(begin_aggs(&ss));
    ss.is_counted = unit->is_counted;
    ss.collects_aggs = unit->collects_aggs;
    ss.aggs_done = unit->aggs_done;
    TRY(run_forward(&ss));
    return end_segment(&ss);
}

/* The shared segment with the most left to do. */
static struct search_unit *unit_to_join(struct search *s)
{
    struct search_unit *best = NULL;
    uint32_t most = 0;
    for (size_t i = 0; i < s->unit_count; i++) {
        struct search_unit *unit = &s->units[i];
        if (!__atomic_load_n(&unit->is_shared, __ATOMIC_ACQUIRE))
            continue;
        uint32_t next = __atomic_load_n(&unit->next, __ATOMIC_RELAXED);
        if (next < unit->doc_count && unit->doc_count - next > most) {
            most = unit->doc_count - next;
            best = unit;
        }
    }
    return best;
}

static int walk_units(struct walk *walk)
{
    struct search *s = walk->s;
    while (!search_timed_out(s) && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        size_t i = __atomic_fetch_add(&s->unit_next, 1, __ATOMIC_RELAXED);
        if (i < s->unit_count) {
            TRY(search_unit(walk, &s->units[i]));
            continue;
        }
        struct search_unit *unit = unit_to_join(s);
        if (!unit)
            break;
        TRY(join_unit(walk, unit));
    }
    return 0;
}

static void walk_init(struct walk *walk, struct search *s, struct arena *work,
                      struct arena *scratch)
{
    const struct search_request *request = s->request;
    walk->s = s;
    walk->work = work;
    walk->scratch = scratch;
    if (!request->aggs)
        return;
    walk->aggs = agg_run_new(request->aggs, request->now_ns, s->buckets_max, work, &walk->err);
    walk->aggs->env = &s->env;
    walk->aggs->typed_keys = request->typed_keys;
}

static void help(void *owner, size_t helper)
{
    struct search *s = owner;
    struct walk *walk = &s->walks[helper + 1];
    walk_init(walk, s, arena_new(s->memory_bytes_max), arena_new(s->memory_bytes_max));
    walk->rc = walk_units(walk);
    if (walk->rc < 0)
        __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
}

/* ---- All segments ---- */

static int by_rank(const void *a, const void *b)
{
    const struct search_unit *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->doc_count != y->doc_count)
        return x->doc_count > y->doc_count ? -1 : 1;
    return (x->part_index > y->part_index) - (x->part_index < y->part_index);
}

/* Units in the order of the snapshot, then in that in which they are searched. */
static void units_init(struct search *s, struct walk *walk)
{
    s->units = ARENA_ARRAY(s->work, struct search_unit, s->env.part_count + 1);
    uint64_t snapshot_base = 0;
    bool is_ranked = s->wanted > 0 && s->sorts[0].kind == SORT_FIELD;
    for (size_t i = 0, at = 0; i < s->index_count; i++) {
        struct index_plan *plan = &s->plans[i];
        uint32_t doc_base = 0;
        for (size_t k = 0; k < plan->planner.part_count; k++, at++) {
            const struct searcher_part *part = &s->env.parts[at];
            uint32_t docs = segment_doc_count(part->segment);
            s->units[at] = (struct search_unit){.part = part,
                                                .part_index = (uint32_t)at,
                                                .doc_count = docs,
                                                .plan = plan,
                                                .doc_base = doc_base,
                                                .snapshot_base = snapshot_base};
            if (is_ranked)
                s->units[at].rank = sort_part_best(&s->sorts[0], part, walk->scratch);
            doc_base += docs;
            snapshot_base += docs;
        }
    }
    s->unit_count = s->env.part_count;
    if (s->request->terminate_after == 0)
        qsort(s->units, s->unit_count, sizeof(*s->units), by_rank);
}

static int printers_init(struct search *s, struct walk *walk)
{
    s->printers = ARENA_ARRAY(s->work, struct sort_reader, s->sort_count);
    for (size_t i = 0; s->env.part_count > 0 && i < s->sort_count; i++)
        TRY(sort_printer_open(&s->printers[i], &s->sorts[i], &s->env.parts[0], s->work,
                              &walk->err));
    return 0;
}

/* How many threads may work on it: digests depend on the order of their values, and
 * terminate_after on that of the documents. */
size_t search_walk_max(const struct search *s)
{
    const struct search_request *request = s->request;
    if (!s->limits->pool || request->terminate_after > 0 ||
        (request->aggs && request->aggs->is_ordered))
        return 1;
    size_t most = search_pool_thread_count(s->limits->pool) + 1;
    return s->limits->thread_count ? MIN_OF(s->limits->thread_count, most) : most;
}

/* Puts what the helpers found to what the first walk has. */
static int take_over(struct search *s, size_t helpers)
{
    struct walk *own = &s->walks[0];
    for (size_t i = 1; i <= helpers; i++) {
        struct walk *walk = &s->walks[i];
        if (walk->rc < 0 && own->rc == 0) {
            own->rc = walk->rc;
            own->err = walk->err;
        }
    }
    for (size_t i = 1; own->rc == 0 && i <= helpers; i++) {
        struct walk *walk = &s->walks[i];
        if (own->aggs)
            agg_run_merge(own->aggs, walk->aggs);
        merge_hits(own, walk->hits, walk->hit_count);
        if (walk->has_max_score && (!own->has_max_score || walk->max_score > own->max_score)) {
            own->max_score = walk->max_score;
            own->has_max_score = true;
        }
    }
    return own->rc;
}

int search_walk_all(struct search *s)
{
    struct walk *own = &s->walks[0];
    walk_init(own, s, own->work, own->scratch);
    s->bound = UINT64_MAX;
    s->chunk_docs = s->limits->chunk_docs ? s->limits->chunk_docs : CHUNK_DOCS_DEFAULT;
    ASSERT(s->chunk_docs % ZONE_DOCS == 0);
    own->rc = printers_init(s, own);
    if (own->rc == 0) {
        units_init(s, own);
        own->rc = walk_units(own);
    }
    if (own->rc < 0)
        __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
    size_t helpers = s->has_asked ? search_pool_end(s->limits->pool, &s->job) : 0;
    int rc = take_over(s, helpers);
    if (rc < 0 && s->err)
        *s->err = own->err;
    return rc;
}
