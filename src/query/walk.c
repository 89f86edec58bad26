/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c: a query's matches in the order of the documents. An index is a cursor: the segment it is
 * in, the segment's open doc set and the window it stands in as bits, so that neither a plan nor a
 * doc set nor a window is made twice, however many pages there are. By _doc the indices take turns
 * as Elasticsearch merges its shards (lowest document number first, of equals the earlier index);
 * with equal scores they come one after the other, and only one doc set is open at a time. */
#include "query/walk.h"

#include "index/engine.h"
#include "index/figures.h"

#define READERS_MAX 16u /* of a page: indices beyond are read document by document */

struct cursor {
    struct planner planner;
    struct plan *plan;
    const struct searcher_part *parts; /* of this index */
    size_t part_count, part;           /* part: where it is; part_count: at its end */
    uint32_t doc_base;                 /* documents of the index before that segment */
    uint32_t next;                     /* the first document that was not shown */
    struct arena *mem;                 /* of the doc set; NULL: not opened yet */
    struct docset *set;
    struct doc_reader *reader; /* for one page; NULL: nothing was shown */
    uint32_t window_first;
    bool has_window;
    uint64_t words[WINDOW_WORDS];
};

struct doc_walk {
    struct searcher *searcher;
    const struct search_request *request;
    struct arena *mem; /* plans and cursors */
    struct cursor *cursors;
    size_t cursor_count, reader_count;
    bool is_by_doc;
    float score;
};

/* ---- A cursor ---- */

static uint32_t part_docs(const struct cursor *c)
{
    return segment_doc_count(c->parts[c->part].segment);
}

static void part_close(struct cursor *c)
{
    arena_free(c->mem);
    c->mem = NULL;
    c->set = NULL;
    c->has_window = false;
}

static void part_leave(struct cursor *c)
{
    part_close(c);
    c->doc_base += part_docs(c);
    c->next = 0;
    c->part++;
}

static void part_open(struct cursor *c)
{
    c->mem = arena_new(SEARCH_MEMORY_DEFAULT);
    struct plan_run run = {&c->parts[c->part], part_docs(c), false, c->mem};
    c->set = plan_open(c->plan, &run);
}

/* The window with the next match at or behind `next`; false: none in this segment. */
static bool window_load(struct cursor *c, uint32_t docs)
{
    uint32_t doc = docset_seek(c->set, c->next);
    if (doc >= docs)
        return false;
    const uint64_t *live = c->parts[c->part].live;
    uint32_t first = doc - doc % ZONE_DOCS, n = MIN_OF(ZONE_DOCS, docs - first);
    memset(c->words, 0, sizeof(c->words));
    struct doc_window w = {first, n, NULL, c->words, NULL};
    c->set->ops->fill(c->set, &w);
    for (size_t i = 0; live && i < BITSET_WORDS(n); i++)
        c->words[i] &= live[first / 64 + i];
    c->window_first = first;
    c->has_window = true;
    c->next = MAX_OF(c->next, doc);
    return true;
}

/* Moves `next` to the next match of the segment. */
static bool part_seek(struct cursor *c)
{
    uint32_t docs = part_docs(c);
    while (c->set && c->next < docs) {
        if (!c->has_window && !window_load(c, docs))
            return false;
        uint32_t n = MIN_OF(ZONE_DOCS, docs - c->window_first), at = c->next - c->window_first;
        for (; at < n; at = (at / 64 + 1) * 64) {
            uint64_t left = c->words[at / 64] >> (at % 64);
            if (left) {
                c->next = c->window_first + at + (uint32_t)__builtin_ctzll(left);
                return true;
            }
        }
        c->next = c->window_first + n;
        c->has_window = false;
    }
    return false;
}

/* Moves to the next match that was not shown, if there is one. */
static int cursor_seek(struct cursor *c, bool *ret_found, struct err *err)
{
    for (; c->part < c->part_count; part_leave(c)) {
        if (!c->mem)
            part_open(c);
        bool is_found = part_seek(c);
        if (arena_is_over(c->mem))
            return err_set(err, ERR_MEM_LIMIT,
                           "[request] Data too large, the scroll's memory limit is used up");
        TRY(segment_failure(c->parts[c->part].segment, err));
        if (is_found) {
            *ret_found = true;
            return 0;
        }
    }
    *ret_found = false;
    return 0;
}

/* ---- The walk ---- */

static int plan_cursor(struct doc_walk *walk, const struct searcher_part *parts, size_t count,
                       struct err *err)
{
    struct cursor *c = &walk->cursors[walk->cursor_count++];
    c->parts = parts;
    c->part_count = count;
    c->planner = (struct planner){.parts = parts,
                                  .part_count = count,
                                  .mapping = parts->mapping,
                                  .index = parts->index,
                                  .now_ns = walk->request->now_ns,
                                  .mem = walk->mem,
                                  .err = err,
                                  .needs_scores = !walk->is_by_doc};
    const struct query *query = walk->request->query;
    c->plan = query ? query_plan(query, &c->planner, 1) : plan_all(&c->planner, 1);
    c->planner.err = NULL; /* the caller's, and only for this call */
    return c->planner.rc;
}

/* Parts of one index stand together, as a snapshot lists them. */
static int plan_cursors(struct doc_walk *walk, struct err *err)
{
    size_t n;
    const struct searcher_part *parts = searcher_parts(walk->searcher, &n);
    walk->cursors = ARENA_ARRAY(walk->mem, struct cursor, n + 1);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && parts[end].index_ordinal == parts[first].index_ordinal;)
            end++;
        TRY(plan_cursor(walk, &parts[first], end - first, err));
    }
    if (arena_is_over(walk->mem))
        return err_set(err, ERR_MEM_LIMIT,
                       "[request] Data too large, the scroll's memory limit is used up");
    return 0;
}

/* Has every match the same score? */
static bool has_one_score(struct doc_walk *walk)
{
    bool has_score = false, is_one = true;
    CLEANUP(arena_free_ptr) struct arena *scratch = arena_new(SEARCH_MEMORY_DEFAULT);
    for (size_t i = 0; i < walk->cursor_count; i++) {
        const struct cursor *c = &walk->cursors[i];
        for (size_t k = 0; is_one && k < c->part_count; k++) {
            arena_reset(scratch);
            struct plan_run run = {&c->parts[k], segment_doc_count(c->parts[k].segment), true,
                                   scratch};
            const struct docset *set = plan_open(c->plan, &run);
            if (!set)
                continue;
            is_one = set->is_constant && (!has_score || set->constant == walk->score);
            walk->score = set->constant;
            has_score = true;
        }
    }
    return is_one && !arena_is_over(scratch);
}

/* What other parts of a request would change needs the search itself. The last sort is the
 * scroll's own, _shard_doc. */
static bool is_walkable(const struct search_request *request, bool *ret_by_doc)
{
    const struct sort_spec *sort = request->sorts;
    if (request->sort_count != 2 || sort[1].kind != SORT_SNAPSHOT_DOC || request->post_filter ||
        request->has_min_score || request->terminate_after > 0)
        return false;
    *ret_by_doc = sort[0].kind == SORT_DOC && !sort[0].is_desc;
    return (*ret_by_doc && !request->track_scores) ||
           (sort[0].kind == SORT_SCORE && sort[0].is_desc);
}

int doc_walk_new(struct searcher *searcher, const struct search_request *request,
                 struct doc_walk **ret_walk, struct err *err)
{
    bool is_by_doc;
    *ret_walk = NULL;
    if (!is_walkable(request, &is_by_doc))
        return 0;
    struct doc_walk *walk = MEM_NEW(struct doc_walk);
    *walk = (struct doc_walk){.searcher = searcher_ref(searcher),
                              .request = request,
                              .mem = arena_new(SEARCH_MEMORY_DEFAULT),
                              .is_by_doc = is_by_doc};
    int rc = plan_cursors(walk, err);
    if (rc < 0 || (!is_by_doc && !has_one_score(walk))) {
        doc_walk_free(walk);
        return rc;
    }
    *ret_walk = walk;
    return 0;
}

void doc_walk_free(struct doc_walk *walk)
{
    if (!walk)
        return;
    for (size_t i = 0; i < walk->cursor_count; i++) {
        part_close(&walk->cursors[i]);
        planner_deinit(&walk->cursors[i].planner);
    }
    arena_free(walk->mem);
    searcher_unref(walk->searcher);
    mem_free(walk);
}

/* Documents of an index below `index_doc` were shown. */
static void cursor_start(struct cursor *c, uint64_t index_doc)
{
    for (; c->part < c->part_count && index_doc >= (uint64_t)c->doc_base + part_docs(c);)
        part_leave(c);
    if (c->part < c->part_count)
        c->next = (uint32_t)(index_doc - c->doc_base);
}

static uint64_t cursor_docs(const struct cursor *c)
{
    uint64_t docs = 0;
    for (size_t i = 0; i < c->part_count; i++)
        docs += segment_doc_count(c->parts[i].segment);
    return docs;
}

void doc_walk_seek(struct doc_walk *walk, uint64_t snapshot_doc)
{
    uint64_t base = 0;
    size_t at = 0; /* the index of that document */
    for (; at + 1 < walk->cursor_count; at++) {
        uint64_t docs = cursor_docs(&walk->cursors[at]);
        if (snapshot_doc < base + docs)
            break;
        base += docs;
    }
    for (size_t i = 0; i < walk->cursor_count; i++) {
        uint64_t doc = snapshot_doc - base;
        if (walk->is_by_doc)
            cursor_start(&walk->cursors[i], i <= at ? doc + 1 : doc);
        else if (i <= at)
            cursor_start(&walk->cursors[i], i < at ? UINT64_MAX : doc + 1);
    }
}

/* The cursor whose match comes next, NULL: none. */
static int next_cursor(struct doc_walk *walk, struct cursor **ret_cursor, struct err *err)
{
    struct cursor *best = NULL;
    for (size_t i = 0; i < walk->cursor_count; i++) {
        struct cursor *c = &walk->cursors[i];
        bool is_found;
        TRY(cursor_seek(c, &is_found, err));
        if (!is_found)
            continue;
        if (!best || c->doc_base + c->next < best->doc_base + best->next)
            best = c;
        if (!walk->is_by_doc)
            break;
    }
    *ret_cursor = best;
    return 0;
}

static int show(struct doc_walk *walk, struct cursor *c, struct arena *mem, struct search_hit *hit,
                struct err *err)
{
    if (!c->reader && walk->reader_count < READERS_MAX) {
        c->reader = doc_reader_new();
        walk->reader_count++;
    }
    TRY(fetch_hit(&walk->request->fetch, &c->parts[c->part], c->next, c->reader, mem, hit, err));
    hit->has_score = !walk->is_by_doc;
    hit->score = walk->is_by_doc ? 0 : f32_shown(walk->score);
    struct value *sort = ARENA_ARRAY(mem, struct value, 1);
    *sort = walk->is_by_doc ? value_int((int64_t)(c->doc_base + c->next)) : value_float(hit->score);
    hit->sort_values = sort;
    hit->sort_count = 1;
    c->next++;
    return 0;
}

static int fill_page(struct doc_walk *walk, struct clock *clock, int64_t started_ns,
                     struct arena *mem, struct search_result *result, struct err *err)
{
    int64_t timeout_ns = walk->request->timeout_ns;
    while (result->hit_count < (size_t)walk->request->size) {
        struct cursor *c;
        TRY(next_cursor(walk, &c, err));
        if (!c)
            break;
        TRY(show(walk, c, mem, &result->hits[result->hit_count], err));
        result->hit_count++;
        if (timeout_ns > 0 && clock_monotonic_ns(clock) - started_ns > timeout_ns) {
            result->timed_out = true;
            break;
        }
    }
    return 0;
}

static void readers_free(struct doc_walk *walk)
{
    for (size_t i = 0; walk->reader_count > 0 && i < walk->cursor_count; i++) {
        doc_reader_free(walk->cursors[i].reader);
        walk->cursors[i].reader = NULL;
    }
    walk->reader_count = 0;
}

int doc_walk_page(struct doc_walk *walk, struct clock *clock, struct arena *mem,
                  struct search_result *ret_result, struct err *err)
{
    int64_t started_ns = clock_monotonic_ns(clock);
    struct search_result result = {0};
    search_shards_of(walk->searcher, &result);
    result.hits = ARENA_ARRAY(mem, struct search_hit, (size_t)walk->request->size);
    searcher_query_begin(walk->searcher);
    int rc = fill_page(walk, clock, started_ns, mem, &result, err);
    readers_free(walk);
    result.took_ns = clock_monotonic_ns(clock) - started_ns;
    /* Finding and fetching go hand in hand here: their time is the fetch's. */
    searcher_query_end(walk->searcher, 0, result.took_ns, result.hit_count > 0);
    TRY(rc);
    *ret_result = result;
    return 0;
}
