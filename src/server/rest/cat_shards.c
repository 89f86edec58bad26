/* SPDX-License-Identifier: Apache-2.0 */
/* cat_shards.c: GET _cat/shards: an index is one shard, which is primary and here. */
#include "base/str.h"
#include "index/engine.h"
#include "server/health.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"index", "i,idx", "index name", false, true},
    {"shard", "s,sh", "shard name", false, true},
    {"prirep", "p,pr,primaryOrReplica", "primary or replica", false, true},
    {"state", "st", "shard state", false, true},
    {"docs", "d,dc", "number of docs in shard", true, true},
    {"store", "sto", "store size of shard (how much disk it uses)", true, true},
    {"ip", NULL, "ip of node where it lives", false, true},
    {"id", NULL, "unique id of node where it lives", false, false},
    {"node", "n", "name of node where it lives", false, true},
    {"flush.total", "ft,flushTotal", "number of flushes", true, false},
    {"get.total", "gto,getTotal", "number of get ops", true, false},
    {"indexing.index_total", "iito,indexingIndexTotal", "number of indexing ops", true, false},
    {"indexing.index_failed", "iif,indexingIndexFailed", "number of failed indexing ops", true,
     false},
    {"indexing.delete_total", "idto,indexingDeleteTotal", "number of delete ops", true, false},
    {"merges.current", "mc,mergesCurrent", "number of current merges", true, false},
    {"merges.total", "mt,mergesTotal", "number of completed merge ops", true, false},
    {"merges.total_docs", "mtd,mergesTotalDocs", "docs merged", true, false},
    {"merges.total_size", "mts,mergesTotalSize", "size merged", true, false},
    {"refresh.total", "rto,refreshTotal", "total refreshes", true, false},
    {"search.query_total", "sqto,searchQueryTotal", "total query phase ops", true, false},
    {"search.fetch_total", "sfto,searchFetchTotal", "total fetch ops", true, false},
    {"search.open_contexts", "so,searchOpenContexts", "open search contexts", true, false},
    {"segments.count", "sc,segmentsCount", "number of segments", true, false},
    {"segments.memory", "sm,segmentsMemory", "memory used by segments", true, false},
    {"segments.index_writer_memory", "siwm,segmentsIndexWriterMemory",
     "memory used by index writer", true, false},
    {"seq_no.max", "sqm,maxSeqNo", "max sequence number", true, false},
    {"seq_no.local_checkpoint", "sql,localCheckpoint", "local checkpoint", true, false},
    {"seq_no.global_checkpoint", "sqg,globalCheckpoint", "global checkpoint", true, false},
};

static void number(struct cat_table *table, uint64_t n)
{
    cat_cellf(table, "%llu", (unsigned long long)n);
}

static int add_row(struct cat_table *table, struct rest_call *call, struct str name,
                   struct err *err)
{
    struct index_stats s;
    TRY(engine_index_stats(call->context->engine, name, call->mem, &s, err));
    const struct index_metrics *m = &s.metrics;
    cat_cell(table, name);
    cat_cell(table, STR("0"));
    cat_cell(table, STR("p"));
    cat_cell(table, shard_state(&s));
    number(table, s.doc_count);
    cat_cell(table, cat_bytes(call, s.store_bytes));
    cat_cell(table, STR("127.0.0.1"));
    cat_cell(table, STR("naru"));
    cat_cell(table, call->context->node_name);
    number(table, metric_get(&m->flush_total));
    number(table, metric_get(&m->get_exists_total) + metric_get(&m->get_missing_total));
    number(table, metric_get(&m->index_total));
    number(table, metric_get(&m->index_failed));
    number(table, metric_get(&m->delete_total));
    number(table, metric_get(&m->merge_current));
    number(table, metric_get(&m->merge_total));
    number(table, metric_get(&m->merge_docs));
    cat_cell(table, cat_bytes(call, metric_get(&m->merge_bytes)));
    number(table, metric_get(&m->refresh_total));
    number(table, metric_get(&m->query_total));
    number(table, metric_get(&m->fetch_total));
    number(table, metric_get(&m->scroll_current));
    number(table, s.segment_count);
    cat_cell(table, cat_bytes(call, s.segment_memory_bytes));
    cat_cell(table, cat_bytes(call, s.builder_bytes));
    for (int i = 0; i < 3; i++)
        cat_cellf(table, "%lld", (long long)s.seq_no_max);
    return 0;
}

static int cat_shards_run(struct rest_call *call, struct err *err)
{
    struct str expression = rest_part(call, "index"), *names;
    size_t count;
    struct cat_table table;
    TRY(engine_resolve(call->context->engine, expression.n ? expression : STR("_all"), false,
                       call->mem, &names, &count, err));
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    for (size_t i = 0; i < count; i++)
        TRY(add_row(&table, call, names[i], err));
    return cat_finish(&table, err);
}

static const char *const cat_shards_routes[] = {"GET /_cat/shards", "GET /_cat/shards/{index}",
                                                NULL};
const struct endpoint endpoint_cat_shards = {.name = "cat.shards",
                                             .summary = "Shards as a table.",
                                             .routes = cat_shards_routes,
                                             .privilege = "monitor",
                                             .params = cat_opts,
                                             .size = sizeof(struct cat_params),
                                             .run = cat_shards_run};
