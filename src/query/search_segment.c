/* SPDX-License-Identifier: Apache-2.0 */
/* search_segment.c: a segment from opening to its best hits: what its metadata answers, then its
 * windows in order (in chunks, which several walks may share), best first where the sort allows
 * that, or match by match. */
#include "base/str.h"
#include "query/search_segment.h"

#define BACKWARD_DOCS (4 * ZONE_DOCS) /* the first piece of a walk from the end */

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
    if (key > search__bound_of(ss) || (topk_is_full(&ss->top) && key > topk_worst(&ss->top)[0]))
        return;
    topk_offer(&ss->top, &key, doc, score);
    if (topk_is_full(&ss->top) && (int64_t)ss->top.capacity == ss->s->wanted)
        search__lower_bound_to(ss, topk_worst(&ss->top)[0]);
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
        bool needs_count = search__wants_count(ss);
        ss->set->threshold = needs_count ? 0 : search__score_threshold(ss);
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
            search__count_effort(ss->walk, AGG_EFFORT);
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
        bool needs_count = search__wants_count(ss), wants_hits = search__wants_hits(ss, first, n);
        if (needs_count || wants_hits || search__wants_aggs(ss, first) || ss->needs_max_score) {
            search__window(ss, first, n, needs_count, wants_hits);
            search__count_effort(ss->walk, effort);
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
    bool needs_all = search__wants_count(ss);
    uint64_t bound = search__bound_of(ss);
    take_rest(ss->unit);
    for (uint32_t i = 0; i < zones; i++) {
        uint64_t best = sort_reader_zone_best(&ss->readers[0], i);
        if (needs_all || (best <= bound && !search__is_before_after(ss, i * ZONE_DOCS)))
            ranks[count++] = (struct zone_rank){best, i};
    }
    for (size_t i = count / 2; i-- > 0;)
        rank_down(ranks, i, count);
    while (count > 0 && !is_over(ss)) {
        uint32_t first = ranks[0].zone * ZONE_DOCS, n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        bool needs_count = search__wants_count(ss), wants_hits = search__wants_hits(ss, first, n);
        ranks[0] = ranks[--count];
        rank_down(ranks, 0, count);
        if (needs_count || wants_hits) {
            search__window(ss, first, n, needs_count, wants_hits);
            search__count_effort(ss->walk, 1);
        } else if (!search__is_before_after(ss, first)) {
            break; /* in order of the best key: no later window can win either */
        }
        TRY(search_walk_check(ss->walk));
    }
    return 0;
}

static void open_sets(struct segment_search *ss)
{
    struct plan_run run = {ss->part, ss->doc_count, ss->needs_scores, ss->walk->scratch};
    ss->set = plan_open(ss->plan->query, &run);
    run.needs_scores = false;
    if (ss->s->request->post_filter)
        ss->post_filter = plan_open(ss->plan->post_filter, &run);
}

/* From the end, where the best keys are: for sets that only go forward, in pieces that double, so
 * that few openings are needed even when all are looked at. */
static int run_backward(struct segment_search *ss)
{
    take_rest(ss->unit);
    uint32_t end = ss->doc_count, piece = BACKWARD_DOCS;
    for (bool is_first = true; end > 0 && !is_over(ss); is_first = false, piece *= 2) {
        uint32_t last = (end - 1) / ZONE_DOCS * ZONE_DOCS;
        if (!search__wants_count(ss) && !search__is_before_after(ss, last) &&
            !search__wants_hits(ss, last, end - last))
            break; /* what lies before it is no better */
        uint32_t from = last > piece ? last - piece : 0;
        if (!is_first)
            open_sets(ss);
        TRY(run_chunk(ss, from, end));
        end = from;
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
    open_sets(ss);
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

/* Global aggregations see every live document, and all score 1: that is match_all. */
static int run_globals(struct segment_search *ss)
{
    struct search *s = ss->s;
    const struct agg_tree *tree = s->request->aggs;
    if (!tree || !tree->has_global)
        return 0;
    ss->aggs_done = ARENA_ARRAY(ss->walk->scratch, bool, tree->root_count);
    for (size_t i = 0; i < tree->root_count; i++)
        ss->aggs_done[i] = !str_is(str_from(tree->roots[i]->type->name), "global");
    for (uint32_t i = 0; ss->needs_scores && i < ZONE_DOCS; i++)
        ss->scores[i] = 1;
    for (uint32_t first = 0; first < ss->doc_count && !search_timed_out(s); first += ZONE_DOCS) {
        uint32_t n = MIN_OF(ZONE_DOCS, ss->doc_count - first);
        uint64_t words[WINDOW_WORDS] = {0};
        words_set_range(words, 0, n);
        for (size_t i = 0; ss->part->live && i < BITSET_WORDS(n); i++)
            words[i] &= ss->part->live[first / 64 + i];
        search__collect_aggs(ss, first, n, words, bitset_count(words, BITSET_WORDS(n)));
        TRY(search_walk_check(ss->walk));
    }
    return 0;
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
    search__merge_hits(walk, hits, count);
    if ((int64_t)walk->hit_count == s->wanted &&
        walk->hits[walk->hit_count - 1].values[0].kind == s->printers[0].kind)
        search__lower_bound_to(ss, walk->hits[walk->hit_count - 1].values[0].key);
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
    ss.needs_max_score = s->needs_scores && s->request->track_scores && s->request->size > 0 &&
                         !(s->is_by_score && s->sort_count == 1);
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

static bool is_from_end(const struct segment_search *ss)
{
    const struct search *s = ss->s;
    return ss->top.capacity > 0 && s->sorts[0].kind == SORT_FIELD && s->sorts[0].is_desc &&
           ss->readers[0].is_sorted && !ss->collects_aggs && !ss->needs_max_score &&
           s->request->terminate_after == 0;
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
int search__unit(struct walk *walk, struct search_unit *unit)
{
    struct segment_search ss = segment_search_of(walk, unit);
    if (unit->plan->is_terminated)
        return 0;
    TRY(open_segment(&ss));
    TRY(begin_aggs(&ss)); /* fields are looked up even where nothing matches */
    search__count_effort(walk, 1);
    if (ss.set) {
        count_from_metadata(&ss);
        aggs_from_metadata(&ss);
        if (is_best_first(&ss)) {
            TRY(run_best_first(&ss));
        } else if (is_from_end(&ss)) {
            TRY(run_backward(&ss));
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
int search__unit_join(struct walk *walk, struct search_unit *unit)
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
