/* SPDX-License-Identifier: Apache-2.0 */
/* scroll.c: searches that go on page by page over one snapshot. The first page is a search. When
 * the hits come in the order of the documents (by _doc, or all with one score), the following pages
 * are walked (walk.h): each document is looked at once. In other orders a page is a search after
 * the last hit of the page before, which finds the hits of some pages more and keeps their numbers:
 * the request gets the document's number in the snapshot as its last sort, so that no two hits are
 * equal and nothing else has to be remembered.
 *
 * A context has the snapshot, its own copy of the request and an arena; the table has a limit and a
 * lock. While a page is computed its context is busy and out of reach of others; contexts whose
 * time has run out go when the table is used. */
#include <pthread.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/str.h"
#include "index/engine.h"
#include "query/search_int.h"
#include "query/walk.h"

#define SCROLL_ID_BYTES  40u
#define CONTEXTS_DEFAULT 500u  /* search.max_open_scroll_context */
#define AHEAD_PAGES      8u    /* that one search finds */
#define AHEAD_HITS_MAX   4096u /* kept by a context: about 100 bytes each */

struct scroll {
    char id[SCROLL_ID_BYTES];
    struct searcher *searcher;
    struct arena *mem;       /* request, body */
    struct arena *after_mem; /* the last hit's sort values; swapped at each page */
    struct search_request *request;
    struct value after;
    struct doc_walk *walk; /* NULL: not walked */
    bool is_walk_tried;
    struct ahead ahead;
    size_t ahead_at;    /* the first one that was not shown */
    size_t shown_sorts; /* sort values that belong to the caller's sort */
    int64_t expires_ns; /* monotonic */
    uint64_t total;
    bool total_is_lower_bound, has_total, is_busy, is_removed;
    double max_score;
    bool has_max_score;
    struct clock *clock;
    int64_t opened_ns; /* 0: not open, and not counted */
    struct scroll *next;
};

struct scroll_table {
    struct clock *clock;
    size_t count, count_max;
    uint64_t id_next;
    struct scroll *first; /* guarded by mu */
    pthread_mutex_t mu;
};

struct scroll_table *scroll_table_new(struct clock *clock, size_t context_count_max)
{
    struct scroll_table *table = MEM_NEW(struct scroll_table);
    table->clock = clock;
    table->count_max = context_count_max ? context_count_max : CONTEXTS_DEFAULT;
    (void)pthread_mutex_init(&table->mu, NULL);
    return table;
}

static void scroll_free(struct scroll *scroll)
{
    if (!scroll)
        return;
    if (scroll->opened_ns)
        searcher_scroll_end(scroll->searcher,
                            clock_monotonic_ns(scroll->clock) - scroll->opened_ns);
    doc_walk_free(scroll->walk);
    searcher_unref(scroll->searcher);
    arena_free(scroll->ahead.mem);
    arena_free(scroll->mem);
    arena_free(scroll->after_mem);
    mem_free(scroll);
}

void scroll_table_free(struct scroll_table *table)
{
    if (!table)
        return;
    while (table->first) {
        struct scroll *scroll = table->first;
        table->first = scroll->next;
        scroll_free(scroll);
    }
    (void)pthread_mutex_destroy(&table->mu);
    mem_free(table);
}

/* REQUIRES(table->mu). Unlinks what matches; busy ones are freed by who uses them. */
static size_t remove_some(struct scroll_table *table, struct str id, bool is_all,
                          int64_t expired_at_ns)
{
    size_t removed = 0;
    for (struct scroll **at = &table->first; *at;) {
        struct scroll *scroll = *at;
        bool is_it = is_all ||
                     (id.p ? str_eq(str_from(scroll->id), id) : scroll->expires_ns < expired_at_ns);
        if (!is_it || scroll->is_removed || (!id.p && !is_all && scroll->is_busy)) {
            at = &scroll->next;
            continue;
        }
        removed++;
        if (scroll->is_busy) {
            scroll->is_removed = true;
            at = &scroll->next;
            continue;
        }
        *at = scroll->next;
        table->count--;
        scroll_free(scroll);
    }
    return removed;
}

static void unlink_one(struct scroll_table *table, struct scroll *scroll)
{
    struct scroll **at = &table->first;
    while (*at != scroll)
        at = &(*at)->next;
    *at = scroll->next;
    table->count--;
}

/* ---- The request of a context ---- */

static struct str *copy_strs(const struct str *strs, size_t count, struct arena *mem)
{
    struct str *copy = ARENA_ARRAY(mem, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_str(mem, strs[i]);
    return copy;
}

static struct field_spec *copy_fields(const struct field_spec *specs, size_t count,
                                      struct arena *mem)
{
    struct field_spec *copy = ARENA_ARRAY(mem, struct field_spec, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] =
            (struct field_spec){arena_str(mem, specs[i].pattern),
                                specs[i].format.p ? arena_str(mem, specs[i].format) : STR_NONE};
    return copy;
}

static struct str copy_str(struct str s, struct arena *mem)
{
    return s.p ? arena_str(mem, s) : STR_NONE;
}

/* The caller's sorts and the document's number behind them. */
static void copy_sorts(const struct search_request *from, struct search_request *to)
{
    size_t count = from->sort_count;
    struct sort_spec *sorts = ARENA_ARRAY(to->mem, struct sort_spec, count + 2);
    for (size_t i = 0; i < count; i++) {
        sorts[i] = from->sorts[i];
        sorts[i].field = copy_str(sorts[i].field, to->mem);
        sorts[i].missing = value_copy(to->mem, &sorts[i].missing);
        sorts[i].unmapped_type = copy_str(sorts[i].unmapped_type, to->mem);
        sorts[i].format = copy_str(sorts[i].format, to->mem);
        sorts[i].numeric_type = copy_str(sorts[i].numeric_type, to->mem);
    }
    if (count == 0)
        sorts[count++] =
            (struct sort_spec){.kind = SORT_SCORE, .field = STR("_score"), .is_desc = true};
    sorts[count++] = (struct sort_spec){.kind = SORT_SNAPSHOT_DOC, .field = STR("_shard_doc")};
    to->sorts = sorts;
    to->sort_count = count;
}

static int copy_request(struct scroll *scroll, const struct value *body,
                        const struct search_request *request, struct err *err)
{
    struct arena *mem = scroll->mem;
    struct value *copy = ARENA_NEW(mem, struct value);
    if (body)
        *copy = value_copy(mem, body);
    TRY(search_parse(copy, request->now_ns, mem, &scroll->request, err));
    struct search_request *own = scroll->request;
    if (request->q.p) {
        own->df = copy_str(request->df, mem);
        own->default_operator = copy_str(request->default_operator, mem);
        own->analyzer = copy_str(request->analyzer, mem);
        own->lenient = request->lenient;
        own->analyze_wildcard = request->analyze_wildcard;
        TRY(search_param(own, STR("q"), request->q, err));
    }
    own->size = request->size;
    own->from = 0;
    own->track_total = TRACK_TOTAL_ALL; /* a scroll always tells the whole number */
    own->timeout_ns = request->timeout_ns;
    own->terminate_after = request->terminate_after;
    own->fetch = request->fetch;
    struct source_spec *source = &own->fetch.source;
    source->includes = copy_strs(source->includes, source->include_count, mem);
    source->excludes = copy_strs(source->excludes, source->exclude_count, mem);
    own->fetch.docvalues = copy_fields(own->fetch.docvalues, own->fetch.docvalue_count, mem);
    own->fetch.fields = copy_fields(own->fetch.fields, own->fetch.field_count, mem);
    scroll->shown_sorts = request->sort_count;
    copy_sorts(request, own);
    return 0;
}

/* ---- Pages ---- */

/* The next search goes on behind these sort values. */
static void keep_after(struct scroll *scroll, const struct value *sort_values)
{
    struct arena *after_mem = arena_new(0);
    size_t count = scroll->request->sort_count;
    struct value after = value_list(after_mem, count);
    for (size_t i = 0; i < count; i++)
        value_list_add(after_mem, &after, value_copy(after_mem, &sort_values[i]));
    arena_free(scroll->after_mem);
    scroll->after_mem = after_mem;
    scroll->after = after;
    scroll->request->search_after = &scroll->after;
}

static int run_search(struct scroll_table *table, struct scroll *scroll, struct arena *mem,
                      struct search_result *result, struct err *err)
{
    static const struct search_limits limits = {0};
    TRY(search_run(scroll->searcher, scroll->request, table->clock, &limits, mem, result, err));
    if (result->hit_count)
        keep_after(scroll, result->hits[result->hit_count - 1].sort_values);
    scroll->ahead_at = 0;
    if (scroll->ahead.count)
        keep_after(scroll, scroll->ahead.hits[scroll->ahead.count - 1].sort_values);
    return 0;
}

/* A page out of what the last search found. */
static int run_ahead(struct scroll_table *table, struct scroll *scroll, struct arena *mem,
                     struct search_result *result, struct err *err)
{
    int64_t started_ns = clock_monotonic_ns(table->clock);
    size_t count = MIN_OF(scroll->ahead.count - scroll->ahead_at, (size_t)scroll->request->size);
    CLEANUP(doc_reader_free_ptr) struct doc_reader *reader = doc_reader_new();
    *result = (struct search_result){0};
    search_shards_of(scroll->searcher, result);
    result->hits = ARENA_ARRAY(mem, struct search_hit, count);
    for (; result->hit_count < count; result->hit_count++) {
        const struct ahead_hit *from = &scroll->ahead.hits[scroll->ahead_at + result->hit_count];
        struct search_hit *hit = &result->hits[result->hit_count];
        TRY(fetch_hit(&scroll->request->fetch, from->part, from->doc, reader, mem, hit, err));
        hit->has_score = from->has_score;
        hit->score = from->score;
        /* Copied: the next page may be under way before this one is printed. */
        struct value *sort_values = ARENA_ARRAY(mem, struct value, scroll->shown_sorts + 1);
        for (size_t i = 0; i < scroll->shown_sorts; i++)
            sort_values[i] = value_copy(mem, &from->sort_values[i]);
        hit->sort_values = sort_values;
        hit->sort_count = scroll->shown_sorts;
    }
    scroll->ahead_at += count;
    result->took_ns = clock_monotonic_ns(table->clock) - started_ns;
    searcher_query_begin(scroll->searcher);
    searcher_query_end(scroll->searcher, 0, result->took_ns, true);
    return 0;
}

/* Before the second page: how are the pages to be had from here on? */
static int choose_way(struct scroll *scroll, struct err *err)
{
    if (scroll->is_walk_tried)
        return 0;
    TRY(doc_walk_new(scroll->searcher, scroll->request, &scroll->walk, err));
    scroll->is_walk_tried = true;
    const struct value *after = scroll->request->search_after;
    if (scroll->walk && after)
        doc_walk_seek(scroll->walk, (uint64_t)after->list->items[after->list->count - 1].i);
    size_t size = (size_t)scroll->request->size;
    size_t pages = MIN_OF((size_t)AHEAD_PAGES, AHEAD_HITS_MAX / size);
    if (!scroll->walk && pages > 1) {
        scroll->ahead.mem = arena_new(0);
        scroll->ahead.wanted = (pages - 1) * size;
        scroll->request->ahead = &scroll->ahead;
    }
    return 0;
}

static int run_page(struct scroll_table *table, struct scroll *scroll, struct arena *mem,
                    struct search_result *result, struct err *err)
{
    if (scroll->walk) {
        TRY(doc_walk_page(scroll->walk, table->clock, mem, result, err));
    } else if (scroll->ahead_at < scroll->ahead.count) {
        TRY(run_ahead(table, scroll, mem, result, err));
    } else {
        scroll->ahead.count = 0;
        if (scroll->ahead.mem)
            arena_reset(scroll->ahead.mem);
        TRY(run_search(table, scroll, mem, result, err));
    }
    for (size_t i = 0; i < result->hit_count; i++)
        result->hits[i].sort_count = scroll->shown_sorts;
    return 0;
}

int scroll_start(struct scroll_table *table, struct searcher *searcher, const struct value *body,
                 const struct search_request *request, int64_t keep_ns, struct arena *mem,
                 struct search_result *ret_result, struct str *ret_scroll_id, struct err *err)
{
    if (request->size == 0)
        return err_set(err, ERR_INVALID, "[size] cannot be [0] in a scroll context");
    if (request->from > 0)
        return err_set(err, ERR_INVALID, "using [from] is not allowed in a scroll context");
    if (request->search_after)
        return err_set(err, ERR_INVALID, "`search_after` cannot be used in a scroll context.");
    if (request->collapse)
        return err_set(err, ERR_INVALID, "cannot use `collapse` in a scroll context");
    if (request->track_total != TRACK_TOTAL_ALL && request->track_total != TRACK_TOTAL_DEFAULT)
        return err_set(err, ERR_INVALID,
                       "Validation Failed: 1: disabling [track_total_hits] is not allowed in a "
                       "scroll context;");
    struct scroll *scroll = MEM_NEW(struct scroll);
    scroll->mem = arena_new(0);
    scroll->searcher = searcher_ref(searcher);
    int rc = copy_request(scroll, body, request, err);
    if (rc == 0)
        rc = run_page(table, scroll, mem, ret_result, err);
    if (rc < 0) {
        scroll_free(scroll);
        return rc;
    }
    scroll->total = ret_result->total;
    scroll->total_is_lower_bound = ret_result->total_is_lower_bound;
    scroll->has_total = ret_result->has_total;
    scroll->max_score = ret_result->max_score;
    scroll->has_max_score = ret_result->has_max_score;
    scroll->request->track_total = 0;
    scroll->request->aggs = NULL;
    int64_t now_ns = clock_monotonic_ns(table->clock);
    scroll->expires_ns = now_ns + keep_ns;
    (void)pthread_mutex_lock(&table->mu);
    (void)remove_some(table, STR_NONE, false, now_ns);
    if (table->count >= table->count_max) {
        (void)pthread_mutex_unlock(&table->mu);
        scroll_free(scroll);
        return err_set(
            err, ERR_QUEUE_FULL,
            "Trying to create too many scroll contexts. Must be less than or equal to: [%zu]. "
            "This limit can be set by changing the [search.max_open_scroll_context] setting.",
            table->count_max);
    }
    uint64_t seed[3] = {++table->id_next, (uint64_t)clock_wall_ns(table->clock),
                        (uint64_t)(uintptr_t)scroll};
    struct hash128 id = hash128_bytes(seed, sizeof(seed));
    (void)snprintf(scroll->id, sizeof(scroll->id), "%016llx%016llx", (unsigned long long)id.high,
                   (unsigned long long)id.low);
    scroll->clock = table->clock;
    scroll->opened_ns = now_ns;
    searcher_scroll_begin(searcher);
    scroll->next = table->first;
    table->first = scroll;
    table->count++;
    (void)pthread_mutex_unlock(&table->mu);
    *ret_scroll_id = arena_str(mem, str_from(scroll->id));
    return 0;
}

/* REQUIRES(table->mu). */
static int take(struct scroll_table *table, struct str id, int64_t now_ns,
                struct scroll **ret_scroll, struct err *err)
{
    (void)remove_some(table, STR_NONE, false, now_ns);
    for (struct scroll *scroll = table->first; scroll; scroll = scroll->next) {
        if (scroll->is_removed || !str_eq(str_from(scroll->id), id))
            continue;
        if (scroll->is_busy)
            return err_set(err, ERR_QUEUE_FULL, "scroll [" STR_FMT "] is in use by another request",
                           STR_ARG(id));
        scroll->is_busy = true;
        *ret_scroll = scroll;
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "No search context found for id [" STR_FMT "]", STR_ARG(id));
}

int scroll_next(struct scroll_table *table, struct str scroll_id, int64_t keep_ns,
                struct arena *mem, struct search_result *ret_result, struct err *err)
{
    struct scroll *scroll = NULL;
    int64_t now_ns = clock_monotonic_ns(table->clock);
    (void)pthread_mutex_lock(&table->mu);
    int rc = take(table, scroll_id, now_ns, &scroll, err);
    (void)pthread_mutex_unlock(&table->mu);
    if (rc < 0)
        return rc;
    rc = choose_way(scroll, err);
    if (rc == 0)
        rc = run_page(table, scroll, mem, ret_result, err);
    if (rc == 0) {
        ret_result->total = scroll->total;
        ret_result->total_is_lower_bound = scroll->total_is_lower_bound;
        ret_result->has_total = scroll->has_total;
        ret_result->max_score = scroll->max_score;
        ret_result->has_max_score = scroll->has_max_score;
    }
    (void)pthread_mutex_lock(&table->mu);
    scroll->is_busy = false;
    if (keep_ns > 0)
        scroll->expires_ns = now_ns + keep_ns;
    bool is_removed = scroll->is_removed;
    if (is_removed)
        unlink_one(table, scroll);
    (void)pthread_mutex_unlock(&table->mu);
    if (is_removed)
        scroll_free(scroll);
    return rc;
}

size_t scroll_clear(struct scroll_table *table, struct str scroll_id)
{
    (void)pthread_mutex_lock(&table->mu);
    size_t removed = remove_some(table, scroll_id, str_is(scroll_id, "_all"), 0);
    (void)pthread_mutex_unlock(&table->mu);
    return removed;
}
