/* SPDX-License-Identifier: Apache-2.0 */
/* index_groups.c: one function a group. Members for things that naru does not have (warmers,
 * fielddata, caches, completion suggesters, replication) are 0 because that is their true number.
 */
#include "server/index_groups.h"

#include "base/arena.h"
#include "base/str.h"
#include "server/rest.h"

void stat_number(struct json_writer *w, const char *key, uint64_t n)
{
    json_key(w, str_from(key));
    json_u64(w, n);
}

void stat_object(struct json_writer *w, const char *key)
{
    json_key(w, str_from(key));
    json_object_begin(w);
}

static void count(struct json_writer *w, const char *key, const struct metric *m)
{
    stat_number(w, key, metric_get(m));
}

static void millis(struct json_writer *w, const char *key, const struct metric *ns)
{
    stat_number(w, key, metric_get(ns) / NS_PER_MS);
}

static void zeros(struct json_writer *w, const char *const *keys)
{
    for (; *keys; keys++)
        stat_number(w, *keys, 0);
}

/* ---- The groups ---- */

static void write_docs(struct json_writer *w, const struct index_stats *s)
{
    stat_number(w, "count", s->doc_count);
    stat_number(w, "deleted", s->deleted_count);
}

static void write_store(struct json_writer *w, const struct index_stats *s)
{
    stat_number(w, "size_in_bytes", s->store_bytes);
    stat_number(w, "reserved_in_bytes", 0);
}

static void write_indexing(struct json_writer *w, const struct index_stats *s)
{
    const struct index_metrics *m = &s->metrics;
    count(w, "index_total", &m->index_total);
    millis(w, "index_time_in_millis", &m->index_ns);
    count(w, "index_current", &m->index_current);
    count(w, "index_failed", &m->index_failed);
    count(w, "delete_total", &m->delete_total);
    millis(w, "delete_time_in_millis", &m->delete_ns);
    stat_number(w, "delete_current", 0); /* counted in index_current, with the rest of a request */
    count(w, "noop_update_total", &m->noop_total);
    json_key_lit(w, "is_throttled");
    json_bool(w, false);
    stat_number(w, "throttle_time_in_millis", 0);
}

static void write_get(struct json_writer *w, const struct index_stats *s)
{
    const struct index_metrics *m = &s->metrics;
    stat_number(w, "total", metric_get(&m->get_exists_total) + metric_get(&m->get_missing_total));
    millis(w, "time_in_millis", &m->get_ns);
    count(w, "exists_total", &m->get_exists_total);
    millis(w, "exists_time_in_millis", &m->get_exists_ns);
    count(w, "missing_total", &m->get_missing_total);
    millis(w, "missing_time_in_millis", &m->get_missing_ns);
    count(w, "current", &m->get_current);
}

static void write_search(struct json_writer *w, const struct index_stats *s)
{
    static const char *const none[] = {"suggest_total", "suggest_time_in_millis", "suggest_current",
                                       NULL};
    const struct index_metrics *m = &s->metrics;
    count(w, "open_contexts", &m->scroll_current);
    count(w, "query_total", &m->query_total);
    millis(w, "query_time_in_millis", &m->query_ns);
    count(w, "query_current", &m->query_current);
    count(w, "fetch_total", &m->fetch_total);
    millis(w, "fetch_time_in_millis", &m->fetch_ns);
    stat_number(w, "fetch_current", 0); /* a search that fetches counts in query_current */
    count(w, "scroll_total", &m->scroll_total);
    millis(w, "scroll_time_in_millis", &m->scroll_ns);
    count(w, "scroll_current", &m->scroll_current);
    zeros(w, none);
}

static void write_merges(struct json_writer *w, const struct index_stats *s)
{
    static const char *const none[] = {"total_stopped_time_in_millis",
                                       "total_throttled_time_in_millis",
                                       "total_auto_throttle_in_bytes", NULL};
    const struct index_metrics *m = &s->metrics;
    count(w, "current", &m->merge_current);
    count(w, "current_docs", &m->merge_current_docs);
    count(w, "current_size_in_bytes", &m->merge_current_bytes);
    count(w, "total", &m->merge_total);
    millis(w, "total_time_in_millis", &m->merge_ns);
    count(w, "total_docs", &m->merge_docs);
    count(w, "total_size_in_bytes", &m->merge_bytes);
    zeros(w, none);
}

static void write_refresh(struct json_writer *w, const struct index_stats *s)
{
    const struct index_metrics *m = &s->metrics;
    count(w, "total", &m->refresh_total);
    millis(w, "total_time_in_millis", &m->refresh_ns);
    count(w, "external_total", &m->refresh_total); /* there are no internal ones */
    millis(w, "external_total_time_in_millis", &m->refresh_ns);
    stat_number(w, "listeners", 0);
}

static void write_flush(struct json_writer *w, const struct index_stats *s)
{
    count(w, "total", &s->metrics.flush_total);
    stat_number(w, "periodic", 0);
    millis(w, "total_time_in_millis", &s->metrics.flush_ns);
}

static void write_warmer(struct json_writer *w, const struct index_stats *s UNUSED)
{
    static const char *const none[] = {"current", "total", "total_time_in_millis", NULL};
    zeros(w, none);
}

/* As Elasticsearch counts: what is not there any more was evicted, with its segment too. */
static void write_query_cache(struct json_writer *w, const struct index_stats *s)
{
    const struct index_metrics *m = &s->metrics;
    uint64_t hits = metric_get(&m->filter_hits), misses = metric_get(&m->filter_misses);
    uint64_t now = metric_get(&m->filter_size), ever = metric_get(&m->filter_count);
    count(w, "memory_size_in_bytes", &m->filter_bytes);
    stat_number(w, "total_count", hits + misses);
    stat_number(w, "hit_count", hits);
    stat_number(w, "miss_count", misses);
    stat_number(w, "cache_size", now);
    stat_number(w, "cache_count", ever);
    stat_number(w, "evictions", ever - MIN_OF(now, ever));
}

static void write_fielddata(struct json_writer *w, const struct index_stats *s UNUSED)
{
    static const char *const none[] = {"memory_size_in_bytes", "evictions", NULL};
    zeros(w, none);
}

static void write_completion(struct json_writer *w, const struct index_stats *s UNUSED)
{
    stat_number(w, "size_in_bytes", 0);
}

static void write_segments(struct json_writer *w, const struct index_stats *s)
{
    static const char *const none[] = {"terms_memory_in_bytes",
                                       "stored_fields_memory_in_bytes",
                                       "term_vectors_memory_in_bytes",
                                       "norms_memory_in_bytes",
                                       "points_memory_in_bytes",
                                       "doc_values_memory_in_bytes",
                                       NULL};
    stat_number(w, "count", s->segment_count);
    stat_number(w, "memory_in_bytes", s->segment_memory_bytes);
    zeros(w, none); /* mapped files: not on the heap */
    stat_number(w, "index_writer_memory_in_bytes", s->builder_bytes);
    stat_number(w, "version_map_memory_in_bytes", 0);
    stat_number(w, "fixed_bit_set_memory_in_bytes", 0);
    json_key_lit(w, "max_unsafe_auto_id_timestamp");
    json_i64(w, -1);
    stat_object(w, "file_sizes");
    json_object_end(w);
    if (s->damaged_count ||
        s->is_failed) { /* ours: Elasticsearch has no shard that serves a part */
        stat_number(w, "damaged_count", s->damaged_count);
        json_key_lit(w, "damaged_reason");
        json_str(w, str_from(s->damaged_reason));
    }
}

static void write_translog(struct json_writer *w, const struct index_stats *s)
{
    stat_number(w, "operations", s->log_operations);
    stat_number(w, "size_in_bytes", s->log_bytes);
    stat_number(w, "uncommitted_operations", s->log_operations);
    stat_number(w, "uncommitted_size_in_bytes", s->log_bytes);
    stat_number(w, "earliest_last_modified_age",
                (uint64_t)(MAX_OF(s->flush_age_ns, (int64_t)0) / NS_PER_MS));
}

static void write_request_cache(struct json_writer *w, const struct index_stats *s UNUSED)
{
    static const char *const none[] = {"memory_size_in_bytes", "evictions", "hit_count",
                                       "miss_count", NULL};
    zeros(w, none);
}

static void write_recovery(struct json_writer *w, const struct index_stats *s UNUSED)
{
    static const char *const none[] = {"current_as_source", "current_as_target",
                                       "throttle_time_in_millis", NULL};
    zeros(w, none);
}

static const struct {
    const char *name; /* in the reply; in a path, merges are called merge */
    void (*write)(struct json_writer *w, const struct index_stats *stats);
} groups_all[] = {
    {"docs", write_docs},
    {"store", write_store},
    {"indexing", write_indexing},
    {"get", write_get},
    {"search", write_search},
    {"merges", write_merges},
    {"refresh", write_refresh},
    {"flush", write_flush},
    {"warmer", write_warmer},
    {"query_cache", write_query_cache},
    {"fielddata", write_fielddata},
    {"completion", write_completion},
    {"segments", write_segments},
    {"translog", write_translog},
    {"request_cache", write_request_cache},
    {"recovery", write_recovery},
};

void index_groups_write(struct json_writer *w, uint32_t groups, const struct index_stats *stats)
{
    for (size_t i = 0; i < ARRAY_COUNT(groups_all); i++) {
        if (!(groups & (1u << i)))
            continue;
        stat_object(w, groups_all[i].name);
        groups_all[i].write(w, stats);
        json_object_end(w);
    }
}

int index_groups_parse(const struct rest_call *call, struct str names, uint32_t *ret_groups,
                       struct err *err)
{
    /* In the order of groups_all. */
    static const char *const known[] = {
        "docs",     "store",    "indexing",      "get",         "search",    "merge",
        "refresh",  "flush",    "warmer",        "query_cache", "fielddata", "completion",
        "segments", "translog", "request_cache", "recovery",    "_all",      NULL};
    _Static_assert(ARRAY_COUNT(known) == ARRAY_COUNT(groups_all) + 2, "one name a group");
    struct str name;
    *ret_groups = names.n ? 0 : INDEX_GROUPS_ALL;
    while (names.n && str_split_next(&names, ',', &name)) {
        size_t i = 0;
        while (known[i] && !str_eq(name, str_from(known[i])))
            i++;
        if (!known[i]) {
            const char *near = name_nearest(known, name);
            return err_set(err, ERR_INVALID,
                           "request [" STR_FMT "] contains unrecognized metric: [" STR_FMT
                           "]%s%s%s",
                           STR_ARG(call->path), STR_ARG(name), near ? " -> did you mean [" : "",
                           near ? near : "", near ? "]?" : "");
        }
        *ret_groups |= i == ARRAY_COUNT(groups_all) ? INDEX_GROUPS_ALL : 1u << i;
    }
    return 0;
}

void index_stats_add(struct index_stats *sum, const struct index_stats *s)
{
    sum->doc_count += s->doc_count;
    sum->deleted_count += s->deleted_count;
    sum->store_bytes += s->store_bytes;
    sum->segment_count += s->segment_count;
    if (!sum->damaged_count && !sum->is_failed)
        memcpy(sum->damaged_reason, s->damaged_reason, sizeof(sum->damaged_reason));
    sum->damaged_count += s->damaged_count;
    sum->is_failed = sum->is_failed || s->is_failed;
    sum->is_recovering = sum->is_recovering || s->is_recovering;
    sum->memory_bytes += s->memory_bytes;
    sum->builder_bytes += s->builder_bytes;
    sum->segment_memory_bytes += s->segment_memory_bytes;
    sum->log_operations += s->log_operations;
    sum->log_bytes += s->log_bytes;
    sum->flush_age_ns = MAX_OF(sum->flush_age_ns, s->flush_age_ns);
    index_metrics_add(&sum->metrics, &s->metrics);
}

int index_stats_all(struct rest_call *call, struct index_stats *ret_sum, size_t *ret_count,
                    struct err *err)
{
    struct str *names;
    size_t count_all;
    struct engine *engine = call->context->engine;
    *ret_sum = (struct index_stats){0};
    *ret_count = 0;
    TRY(engine_resolve(engine, STR("_all"), true, call->mem, &names, &count_all, err));
    for (size_t i = 0; i < count_all; i++) {
        struct index_stats one;
        int rc = engine_index_stats(engine, names[i], call->mem, &one, err);
        if (rc == -ERR_INDEX_NOT_FOUND)
            continue; /* deleted meanwhile */
        TRY(rc);
        index_stats_add(ret_sum, &one);
        (*ret_count)++;
    }
    return 0;
}
