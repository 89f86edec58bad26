/* SPDX-License-Identifier: Apache-2.0 */
/* result.c: the body of a search's reply, member by member as Elasticsearch 7.10 writes it. */
#include "base/str.h"
#include "codec/json.h"
#include "index/engine.h"
#include "query/search_int.h"

static void write_total(const struct search_request *request, const struct search_result *result,
                        struct json_writer *w)
{
    if (!result->has_total && !request->total_as_int)
        return;
    json_key_lit(w, "total");
    if (request->total_as_int) {
        json_i64(w, result->has_total ? (int64_t)result->total : -1);
        return;
    }
    json_object_begin(w);
    json_key_lit(w, "value");
    json_u64(w, result->total);
    json_key_lit(w, "relation");
    json_str(w, result->total_is_lower_bound ? STR("gte") : STR("eq"));
    json_object_end(w);
}

static void write_score(struct json_writer *w, bool has_score, double score)
{
    if (has_score)
        json_f64(w, score);
    else
        json_null(w);
}

static void write_hit(const struct search_request *request, const struct search_hit *hit,
                      struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "_index");
    json_str(w, hit->index);
    json_key_lit(w, "_type");
    json_str(w, STR("_doc"));
    if (hit->id.p) {
        json_key_lit(w, "_id");
        json_str(w, hit->id);
    }
    if (request->fetch.wants_version) {
        json_key_lit(w, "_version");
        json_i64(w, hit->version);
    }
    if (request->fetch.wants_seq_no) {
        json_key_lit(w, "_seq_no");
        json_i64(w, hit->seq_no);
        json_key_lit(w, "_primary_term");
        json_i64(w, hit->primary_term);
    }
    json_key_lit(w, "_score");
    write_score(w, hit->has_score, hit->score);
    if (hit->source.p) {
        json_key_lit(w, "_source");
        json_raw(w, hit->source);
    }
    if (hit->fields.kind == VALUE_MAP) {
        json_key_lit(w, "fields");
        value_write_json(&hit->fields, w);
    }
    if (hit->sort_count) {
        json_key_lit(w, "sort");
        json_array_begin(w);
        for (size_t i = 0; i < hit->sort_count; i++)
            value_write_json(&hit->sort_values[i], w);
        json_array_end(w);
    }
    json_object_end(w);
}

static void write_failure(const struct searcher_failure *failure, struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "shard");
    json_u64(w, 0);
    json_key_lit(w, "index");
    json_str(w, failure->index);
    json_key_lit(w, "node");
    json_null(w);
    json_key_lit(w, "reason");
    json_object_begin(w);
    json_key_lit(w, "type");
    /* "all shards failed" is said of the request; of its one shard, that it is not there. */
    json_str(w, str_from(err_es_type(failure->err.code == ERR_SHARDS_FAILED ? ERR_NO_SHARD
                                                                            : failure->err.code)));
    json_key_lit(w, "reason");
    json_str(w, str_from(failure->err.text));
    json_object_end(w);
    json_object_end(w);
}

void search_shards_of(const struct searcher *searcher, struct search_result *result)
{
    result->failures = searcher_failures(searcher, &result->failure_count);
    result->shard_count = searcher_index_count(searcher) + result->failure_count;
}

void search_shards_write(const struct search_result *result, struct json_writer *w)
{
    json_key_lit(w, "_shards");
    json_object_begin(w);
    json_key_lit(w, "total");
    json_u64(w, result->shard_count);
    json_key_lit(w, "successful");
    json_u64(w, result->shard_count - result->failure_count);
    json_key_lit(w, "skipped");
    json_u64(w, 0);
    json_key_lit(w, "failed");
    json_u64(w, result->failure_count);
    if (result->failure_count) {
        json_key_lit(w, "failures");
        json_array_begin(w);
        for (size_t i = 0; i < result->failure_count; i++)
            write_failure(&result->failures[i], w);
        json_array_end(w);
    }
    json_object_end(w);
}

void search_result_write(const struct search_request *request, const struct search_result *result,
                         struct json_writer *w)
{
    json_key_lit(w, "took");
    json_i64(w, result->took_ns / NS_PER_MS);
    json_key_lit(w, "timed_out");
    json_bool(w, result->timed_out);
    if (request->terminate_after > 0) {
        json_key_lit(w, "terminated_early");
        json_bool(w, result->terminated_early);
    }
    search_shards_write(result, w);
    json_key_lit(w, "hits");
    json_object_begin(w);
    write_total(request, result, w);
    json_key_lit(w, "max_score");
    write_score(w, result->has_max_score, result->max_score);
    json_key_lit(w, "hits");
    json_array_begin(w);
    for (size_t i = 0; i < result->hit_count; i++)
        write_hit(request, &result->hits[i], w);
    json_array_end(w);
    json_object_end(w);
    if (result->aggregations.kind == VALUE_MAP) {
        json_key_lit(w, "aggregations");
        value_write_json(&result->aggregations, w);
    }
}
