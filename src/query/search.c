/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: a request over a snapshot. Queries are planned once per index; then the segments are
 * searched (search_walk.c), by the caller's thread and those that help it; at the end the best hits
 * are fetched and aggregations printed. */
#include "base/str.h"
#include "index/figures.h"
#include "index/filter_cache.h"
#include "query/search_walk.h"

const struct searcher_part *search_env_parts(const struct search_env *env, size_t *ret_count)
{
    *ret_count = env->part_count;
    return env->parts;
}

struct plan **search_env_plans(const struct search_env *env, size_t part)
{
    return env->agg_plans[part];
}

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
                                     .needs_scores = s->needs_scores,
                                     .filter_cache = s->filter_cache};
    struct planner *planner = &plan->planner;
    plan->query = request->query ? query_plan(request->query, planner, 1) : plan_all(planner, 1);
    if (request->post_filter)
        plan->post_filter = query_plan_filter(request->post_filter, planner);
    if (request->aggs) {
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
    s->env.agg_plans = ARENA_ARRAY(s->work, struct plan **, n + 1);
    for (size_t first = 0; first < n;) {
        size_t end = first + 1;
        while (end < n && s->env.parts[end].index_ordinal == s->env.parts[first].index_ordinal)
            end++;
        struct index_plan *plan = &s->plans[s->index_count++];
        TRY(plan_index(s, first, end - first, plan));
        for (size_t i = first; i < end; i++)
            s->env.agg_plans[i] = s->agg_plans[plan - s->plans];
        first = end;
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
static void keep_ahead(const struct search *s, const struct walk *own, size_t shown,
                       bool shows_scores)
{
    struct ahead *ahead = s->request->ahead;
    ahead->hits = ARENA_ARRAY(ahead->mem, struct ahead_hit, own->hit_count - shown + 1);
    ahead->count = own->hit_count - shown;
    for (size_t i = 0; i < ahead->count; i++) {
        const struct hit_ref *ref = &own->hits[shown + i];
        ahead->hits[i] = (struct ahead_hit){.part = ref->part,
                                            .doc = ref->doc,
                                            .has_score = shows_scores,
                                            .score = shows_scores ? f32_shown(ref->score) : 0,
                                            .sort_values = print_sorts(s, ref, ahead->mem)};
    }
}

static int fetch_hits(struct search *s, struct search_result *result)
{
    const struct search_request *request = s->request;
    const struct walk *own = &s->walks[0];
    size_t from = MIN_OF((size_t)request->from, own->hit_count);
    result->hit_count = MIN_OF(own->hit_count - from, (size_t)request->size);
    result->hits = ARENA_ARRAY(s->mem, struct search_hit, result->hit_count + 1);
    bool shows_scores = s->is_by_score || request->track_scores;
    CLEANUP(doc_reader_free_ptr)
    struct doc_reader *reader = result->hit_count > 1 ? doc_reader_new() : NULL;
    for (size_t i = 0; i < s->sort_count; i++)
        shows_scores = shows_scores || s->sorts[i].kind == SORT_SCORE;
    for (size_t i = 0; i < result->hit_count; i++) {
        const struct hit_ref *ref = &own->hits[from + i];
        struct search_hit *hit = &result->hits[i];
        TRY(fetch_hit(&request->fetch, ref->part, ref->doc, reader, s->mem, hit, s->err));
        if (request->collapse)
            collapse_show(request->collapse, ref->part, ref->doc, s->mem, &hit->fields);
        hit->has_score = shows_scores;
        hit->score = shows_scores ? f32_shown(ref->score) : 0;
        if (request->sort_count == 0)
            continue;
        hit->sort_values = print_sorts(s, ref, s->mem);
        hit->sort_count = s->sort_count;
    }
    size_t shown = from + result->hit_count;
    if (request->ahead)
        keep_ahead(s, own, shown, shows_scores);
    return 0;
}

static void fill_totals(const struct search *s, struct search_result *result)
{
    int64_t limit = s->request->track_total;
    const struct walk *own = &s->walks[0];
    result->has_total = limit > 0;
    result->total = s->total;
    if (limit > 0 && limit != TRACK_TOTAL_ALL && s->total > (uint64_t)limit) {
        result->total = (uint64_t)limit;
        result->total_is_lower_bound = true;
    }
    result->timed_out = s->timed_out;
    result->terminated_early = s->terminated_early;
    if (s->request->collapse || s->request->size == 0)
        return; /* no maximum, as in Elasticsearch */
    if (s->is_by_score && (s->sort_count == 1 || s->sorts[1].kind == SORT_SNAPSHOT_DOC) &&
        own->hit_count > 0 && s->needs_scores) {
        result->has_max_score = true;
        result->max_score = f32_shown(own->hits[0].score);
    } else if (own->has_max_score) {
        result->has_max_score = true;
        result->max_score = f32_shown(own->max_score);
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
    s->buckets_max = s->limits->bucket_count_max ? s->limits->bucket_count_max : BUCKETS_DEFAULT;
}

static int search_do(struct search *s, struct search_result *result)
{
    const struct search_request *request = s->request;
    TRY(check_request(request, s->limits, s->err));
    search_init(s);
    if (request->collapse)
        TRY(collapse_check(request->collapse, s->env.parts, s->env.part_count, s->err));
    TRY(plan_all_indices(s));
    TRY(search_walk_all(s));
    struct walk *own = &s->walks[0];
    if (own->aggs) {
        struct value aggs = agg_run_result(own->aggs);
        int rc = own->aggs->rc < 0 ? own->aggs->rc : search_walk_check(own);
        if (rc < 0) {
            if (s->err)
                *s->err = own->err;
            return rc;
        }
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
    s.memory_bytes_max =
        s.limits->memory_bytes_max ? s.limits->memory_bytes_max : SEARCH_MEMORY_DEFAULT;
    s.work = arena_new(s.memory_bytes_max);
    s.walk_max = search_walk_max(&s);
    s.walks = MEM_ARRAY(struct walk, s.walk_max);
    s.walks[0].work = s.work;
    s.walks[0].scratch = arena_new(s.memory_bytes_max);
    s.filter_cache = searcher_filter_cache(searcher);
    s.env.parts = searcher_parts(searcher, &s.env.part_count);
    int64_t begin_ns = clock_monotonic_ns(clock);
    searcher_query_begin(searcher);
    int rc = search_do(&s, &result);
    searcher_query_end(searcher, clock_monotonic_ns(clock) - begin_ns - s.fetch_ns, s.fetch_ns,
                       s.has_fetched);
    for (size_t i = 0; i < s.index_count; i++)
        planner_deinit(&s.plans[i].planner);
    for (size_t i = 0; i < s.walk_max; i++) {
        arena_free(s.walks[i].scratch);
        arena_free(s.walks[i].work);
    }
    mem_free(s.walks);
    search_shards_of(searcher, &result);
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
