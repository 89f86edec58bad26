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
#include <stdlib.h>

#include "query/search_segment.h"

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
void search__count_effort(struct walk *walk, uint32_t effort)
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
void search__merge_hits(struct walk *walk, const struct hit_ref *more, size_t more_count)
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

/* ---- Units ---- */

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
            TRY(search__unit(walk, &s->units[i]));
            continue;
        }
        struct search_unit *unit = unit_to_join(s);
        if (!unit)
            break;
        TRY(search__unit_join(walk, unit));
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
        search__merge_hits(own, walk->hits, walk->hit_count);
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
