/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_engine.c: the elasticsearch input's searches in the engine of this process, in
 * memory. Before each run the index is refreshed, so that every document that was acknowledged
 * before is seen; tracking refreshes only when it has read everything that the last refresh showed,
 * since each refresh makes a segment. */
#include "pipeline/inputs/elasticsearch_int.h"

#include "base/buf.h"
#include "base/str.h"

/* A snapshot of what the index expression means now. */
static int snapshot_take(struct es_input *es, struct arena *mem, struct searcher **ret_searcher,
                         struct err *err)
{
    struct engine *engine = es->plugin->env->engine;
    struct str *names;
    size_t count;
    TRY(engine_resolve(engine, es->index, false, mem, &names, &count, err));
    for (size_t i = 0; i < count && es->tracking.n == 0; i++)
        TRY(engine_refresh(engine, names[i], err));
    return engine_snapshot(engine, names, count, ret_searcher, err);
}

static int request_parse(struct es_input *es, const struct value *body, struct arena *mem,
                         struct search_request **ret_request, struct err *err)
{
    return search_parse(body, clock_wall_ns(es->plugin->env->clock), mem, ret_request, err);
}

static void page_of(const struct search_result *result, struct arena *mem,
                    struct es_in_page *ret_page)
{
    ret_page->count = result->hit_count;
    ret_page->hits = ARENA_ARRAY(mem, struct es_in_hit, result->hit_count + 1);
    for (size_t i = 0; i < result->hit_count; i++) {
        const struct search_hit *hit = &result->hits[i];
        struct str source = hit->source.p ? hit->source : STR("{}");
        ret_page->hits[i] = (struct es_in_hit){hit->index, hit->id, source, hit->seq_no};
    }
}

static int engine_search(struct es_input *es, const struct value *body, struct arena *mem,
                         struct es_in_page *ret_page, struct err *err)
{
    struct search_request *request;
    struct search_result result;
    struct search_limits limits = {.memory_bytes_max = 0};
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    TRY(request_parse(es, body, mem, &request, err));
    TRY(snapshot_take(es, mem, &searcher, err));
    TRY(search_run(searcher, request, es->plugin->env->clock, &limits, mem, &result, err));
    page_of(&result, mem, ret_page);
    return 0;
}

static void scroll_keep(struct es_input *es, struct str id)
{
    buf_clear(&es->scroll_id);
    buf_add_str(&es->scroll_id, id);
}

static int engine_scroll_begin(struct es_input *es, const struct value *body, struct arena *mem,
                               struct es_in_page *ret_page, struct err *err)
{
    struct search_request *request;
    struct search_result result;
    struct str id;
    CLEANUP(searcher_unref_ptr) struct searcher *searcher = NULL;
    struct value sized = value_copy(mem, body);
    value_map_set(mem, &sized, STR("size"), value_int(es->size));
    TRY(request_parse(es, &sized, mem, &request, err));
    TRY(snapshot_take(es, mem, &searcher, err));
    TRY(scroll_start(es->scrolls, searcher, &sized, request, es->scroll_ns, mem, &result, &id,
                     err));
    scroll_keep(es, id);
    page_of(&result, mem, ret_page);
    return 0;
}

static int engine_scroll_next(struct es_input *es, struct arena *mem, struct es_in_page *ret_page,
                              struct err *err)
{
    struct search_result result;
    TRY(scroll_next(es->scrolls, buf_str(&es->scroll_id), es->scroll_ns, mem, &result, err));
    page_of(&result, mem, ret_page);
    return 0;
}

static void engine_scroll_end(struct es_input *es)
{
    if (es->scroll_id.n)
        (void)scroll_clear(es->scrolls, buf_str(&es->scroll_id));
    buf_clear(&es->scroll_id);
}

/* The bound is taken before the refresh: nothing below it is missing then, and nothing up to it can
 * be taken back by a crash. */
static int engine_identity(struct es_input *es, struct arena *mem,
                           struct es_in_identity *ret_identity, struct err *err)
{
    struct engine *engine = es->plugin->env->engine;
    struct str *names;
    size_t count;
    TRY(engine_resolve(engine, es->index, false, mem, &names, &count, err));
    if (count == 0)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(es->index));
    if (count > 1)
        return err_set(err, ERR_UNSUPPORTED,
                       "tracking follows one index, \"" STR_FMT "\" means %zu", STR_ARG(es->index),
                       count);
    struct index_stats stats;
    TRY(engine_index_stats(engine, names[0], mem, &stats, err));
    bool is_same = str_eq(stats.uuid, position_identity(es->position));
    if (!is_same || es->last_read >= es->visible_to) {
        int64_t settled;
        TRY(engine_settled_seq_no(engine, names[0], &settled, err));
        TRY(engine_refresh(engine, names[0], err));
        es->visible_to = settled;
    }
    *ret_identity = (struct es_in_identity){stats.uuid, es->visible_to};
    return 0;
}

const struct es_in_source es__in_engine = {
    .search = engine_search,
    .scroll_begin = engine_scroll_begin,
    .scroll_next = engine_scroll_next,
    .scroll_end = engine_scroll_end,
    .identity = engine_identity,
};
