/* SPDX-License-Identifier: Apache-2.0 */
/* cat_indices.c: GET _cat/indices. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "index/engine.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"health", "h", "current health status", false, true},
    {"status", "s", "open/close status", false, true},
    {"index", "i,idx", "index name", false, true},
    {"uuid", "id,uuid", "index uuid", false, true},
    {"pri", "p,shards.primary,shardsPrimary", "number of primary shards", true, true},
    {"rep", "r,shards.replica,shardsReplica", "number of replica shards", true, true},
    {"docs.count", "dc,docsCount", "available docs", true, true},
    {"docs.deleted", "dd,docsDeleted", "deleted docs", true, true},
    {"creation.date", "cd", "index creation date (millisecond value)", true, false},
    {"creation.date.string", "cds", "index creation date (as string)", false, false},
    {"store.size", "ss,storeSize", "store size of primaries & replicas", true, true},
    {"pri.store.size", NULL, "store size of primaries", true, true},
    {"segments.count", "sc,segmentsCount", "number of segments", true, false},
};

static struct str size_text(struct rest_call *call, uint64_t bytes)
{
    const struct value *unit = value_map_get_lit(&call->query, "bytes");
    if (unit && str_is(unit->s, "b"))
        return arena_printf(call->mem, "%llu", (unsigned long long)bytes);
    return cat_size(call->mem, bytes);
}

static int add_row(struct cat_table *table, struct rest_call *call, struct str name, struct err *err)
{
    struct index_stats s;
    char text[48];
    TRY(engine_index_stats(call->context->engine, name, call->mem, &s, err));
    cat_cell(table, s.is_read_only ? STR("yellow") : STR("green"));
    cat_cell(table, STR("open"));
    cat_cell(table, name);
    cat_cell(table, s.uuid);
    cat_cell(table, STR("1"));
    cat_cell(table, STR("0"));
    cat_cellf(table, "%llu", (unsigned long long)s.doc_count);
    cat_cellf(table, "%llu", (unsigned long long)s.deleted_count);
    cat_cellf(table, "%lld", (long long)(s.created_ns / NS_PER_MS));
    cat_cell(table, arena_str(call->mem, (struct str){text, time_to_iso8601(s.created_ns, text)}));
    cat_cell(table, size_text(call, s.store_bytes));
    cat_cell(table, size_text(call, s.store_bytes));
    cat_cellf(table, "%llu", (unsigned long long)s.segment_count);
    return 0;
}

static int cat_indices_run(struct rest_call *call, struct err *err)
{
    struct str expression = rest_part(call, "index"), *names;
    size_t count;
    struct cat_table table;
    TRY(engine_resolve(call->context->engine, expression.n ? expression : STR("_all"), false, call->mem, &names, &count, err));
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    for (size_t i = 0; i < count; i++)
        TRY(add_row(&table, call, names[i], err));
    return cat_finish(&table, err);
}

static const char *const cat_indices_routes[] = {"GET /_cat/indices", "GET /_cat/indices/{index}", NULL};
const struct endpoint endpoint_cat_indices = {
    .name = "cat.indices", .summary = "Indices as a table.", .routes = cat_indices_routes, .privilege = "monitor",
    .takes_any_param = true, .run = cat_indices_run};
