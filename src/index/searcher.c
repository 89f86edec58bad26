/* SPDX-License-Identifier: Apache-2.0 */
/* searcher.c: a snapshot: the views of some indices at one moment, with a reference on each. */
#include "base/str.h"
#include "index/index_int.h"

struct searcher {
    uint32_t refs;
    struct view **views;
    struct index **indices; /* referenced: their names are borrowed by the parts */
    size_t index_count;
    struct searcher_part *parts;
    size_t part_count;
    struct searcher_failure *failures; /* of indices that are not among those */
    size_t failure_count;
};

static void searcher_free(struct searcher *s)
{
    for (size_t i = 0; i < s->index_count; i++) {
        view_unref(s->views[i]);
        index__unref(s->indices[i]);
    }
    mem_free(s->views);
    mem_free(s->indices);
    for (size_t i = 0; i < s->failure_count; i++)
        mem_free((void *)(uintptr_t)s->failures[i].index.p);
    mem_free(s->failures);
    mem_free(s->parts);
    mem_free(s);
}

static void parts_fill(struct searcher *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->index_count; i++)
        count += s->views[i]->count;
    s->parts = MEM_ARRAY(struct searcher_part, count + 1);
    for (size_t i = 0; i < s->index_count; i++) {
        const struct view *view = s->views[i];
        for (size_t k = 0; k < view->count; k++) {
            const struct view_part *part = &view->parts[k];
            s->parts[s->part_count++] =
                (struct searcher_part){.segment = part->segment,
                                       .live = part->live ? part->live->words : NULL,
                                       .live_count = part->live_count,
                                       .index = s->indices[i]->name,
                                       .mapping = view->mapping,
                                       .index_ordinal = (uint32_t)i,
                                       .metrics = &s->indices[i]->metrics};
        }
    }
}

/* A search wakes an idle index: what was written meanwhile is shown to it. */
static int wake(struct index *index, struct err *err)
{
    mutex_lock(&index->mu);
    bool is_due = index->is_changed && index->refresh_interval_ns >= 0 && index__is_idle(index);
    index->searched_ns = clock_monotonic_ns(index->engine->clock);
    mutex_unlock(&index->mu);
    return is_due ? index__refresh(index, err) : 0;
}

static int index_add(struct searcher *s, struct index *index, struct err *err)
{
    TRY(index__await(index, USE_SEARCH, err));
    TRY(wake(index, err));
    mutex_lock(&index->mu);
    s->views[s->index_count] = view_ref(index->view);
    mutex_unlock(&index->mu);
    s->indices[s->index_count++] = index;
    return 0;
}

static void failure_add(struct searcher *s, struct str index, const struct err *why)
{
    char *name = mem_alloc(index.n);
    memcpy(name, index.p, index.n);
    s->failures[s->failure_count++] =
        (struct searcher_failure){.index = {name, index.n}, .err = *why};
}

/* With `is_partial` what an index that is there cannot give is noted, else it is the error. */
static int snapshot(struct engine *engine, const struct str *names, size_t count, bool is_partial,
                    struct searcher **ret_searcher, struct err *err)
{
    struct searcher *s = MEM_NEW(struct searcher);
    __atomic_store_n(&engine->used_ns, clock_monotonic_ns(engine->clock), __ATOMIC_RELAXED);
    s->refs = 1;
    s->views = MEM_ARRAY(struct view *, count + 1);
    s->indices = MEM_ARRAY(struct index *, count + 1);
    s->failures = is_partial ? MEM_ARRAY(struct searcher_failure, count + 1) : NULL;
    for (size_t i = 0; i < count; i++) {
        struct index *index = NULL;
        struct err why;
        int rc = engine__index_get(engine, names[i], &index, &why);
        bool is_there = rc == 0;
        if (is_there)
            rc = index_add(s, index, &why);
        if (rc == 0)
            continue;
        index__unref(index);
        if (is_partial && is_there) {
            failure_add(s, names[i], &why);
        } else {
            searcher_free(s);
            if (err)
                *err = why;
            return rc;
        }
    }
    if (count > 0 && s->failure_count == count) {
        if (err)
            *err = s->failures[0].err;
        searcher_free(s);
        return err ? -(int)err->code : -(int)ERR_SHARDS_FAILED;
    }
    parts_fill(s);
    *ret_searcher = s;
    return 0;
}

int engine_snapshot(struct engine *engine, const struct str *names, size_t count,
                    struct searcher **ret_searcher, struct err *err)
{
    return snapshot(engine, names, count, false, ret_searcher, err);
}

int engine_snapshot_partial(struct engine *engine, const struct str *names, size_t count,
                            struct searcher **ret_searcher, struct err *err)
{
    return snapshot(engine, names, count, true, ret_searcher, err);
}

const struct searcher_failure *searcher_failures(const struct searcher *s, size_t *ret_count)
{
    *ret_count = s->failure_count;
    return s->failures;
}

struct searcher *searcher_ref(struct searcher *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void searcher_unref(struct searcher *s)
{
    if (s && __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) == 0)
        searcher_free(s);
}

const struct searcher_part *searcher_parts(const struct searcher *s, size_t *ret_count)
{
    *ret_count = s->part_count;
    return s->parts;
}

size_t searcher_index_count(const struct searcher *s)
{
    return s->index_count;
}

struct filter_cache *searcher_filter_cache(const struct searcher *s)
{
    return s->index_count ? s->indices[0]->engine->filter_cache : NULL;
}

struct str searcher_index(const struct searcher *s, size_t i, const struct mapping **ret_mapping)
{
    ASSERT(i < s->index_count);
    *ret_mapping = s->views[i]->mapping;
    return s->indices[i]->name;
}

/* ---- Figures ---- */

void searcher_query_begin(struct searcher *s)
{
    for (size_t i = 0; i < s->index_count; i++)
        metric_add(&s->indices[i]->metrics.query_current, 1);
}

void searcher_query_end(struct searcher *s, int64_t query_ns, int64_t fetch_ns, bool has_fetched)
{
    if (s->index_count == 0)
        return;
    struct engine_metrics *all = &s->indices[0]->engine->metrics;
    int64_t query_each = query_ns / (int64_t)s->index_count,
            fetch_each = fetch_ns / (int64_t)s->index_count;
    metric_times_add(&all->query, query_ns);
    if (has_fetched)
        metric_times_add(&all->fetch, fetch_ns);
    for (size_t i = 0; i < s->index_count; i++) {
        struct index_metrics *m = &s->indices[i]->metrics;
        metric_sub(&m->query_current, 1);
        metric_add(&m->query_total, 1);
        metric_add(&m->query_ns, (uint64_t)MAX_OF(query_each, (int64_t)0));
        if (!has_fetched)
            continue;
        metric_add(&m->fetch_total, 1);
        metric_add(&m->fetch_ns, (uint64_t)MAX_OF(fetch_each, (int64_t)0));
    }
}

void searcher_scroll_begin(struct searcher *s)
{
    for (size_t i = 0; i < s->index_count; i++)
        metric_add(&s->indices[i]->metrics.scroll_current, 1);
}

void searcher_scroll_end(struct searcher *s, int64_t open_ns)
{
    for (size_t i = 0; i < s->index_count; i++) {
        struct index_metrics *m = &s->indices[i]->metrics;
        metric_sub(&m->scroll_current, 1);
        metric_add(&m->scroll_total, 1);
        metric_add(&m->scroll_ns, (uint64_t)MAX_OF(open_ns, (int64_t)0));
    }
}
