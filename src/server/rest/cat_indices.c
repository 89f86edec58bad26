/* SPDX-License-Identifier: Apache-2.0 */
/* cat_indices.c: GET _cat/indices. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "index/engine.h"
#include "server/health.h"
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

struct cat_indices_params {
    struct cat_params cat;
    struct str health, expand_wildcards;
    bool include_unloaded_segments;
};
static const char *const healths[] = {"green", "yellow", "red", NULL};
static const struct opt cat_indices_opts[] = {
    CAT_PARAMS(struct cat_indices_params, cat),
    OPT_STR(struct cat_indices_params, health, .help = "only indices of this health"),
    OPT_STR(struct cat_indices_params, expand_wildcards, .help = "accepted"),
    OPT_BOOL(struct cat_indices_params, include_unloaded_segments, .help = "accepted"), OPT_END};

static int add_row(struct cat_table *table, struct rest_call *call, struct str name,
                   struct err *err)
{
    struct index_stats s;
    char text[48];
    const struct cat_indices_params *params = call->params;
    TRY(engine_index_stats(call->context->engine, name, call->mem, &s, err));
    struct str health = health_of_index(&s);
    if (params->health.p && !str_eq(params->health, health))
        return 0;
    cat_cell(table, health);
    cat_cell(table, STR("open"));
    cat_cell(table, name);
    cat_cell(table, s.uuid);
    cat_cell(table, STR("1"));
    cat_cell(table, STR("0"));
    cat_cellf(table, "%llu", (unsigned long long)s.doc_count);
    cat_cellf(table, "%llu", (unsigned long long)s.deleted_count);
    cat_cellf(table, "%lld", (long long)(s.created_ns / NS_PER_MS));
    cat_cell(table, arena_str(call->mem, (struct str){text, time_to_iso8601(s.created_ns, text)}));
    cat_cell(table, cat_bytes(call, s.store_bytes));
    cat_cell(table, cat_bytes(call, s.store_bytes));
    cat_cellf(table, "%llu", (unsigned long long)s.segment_count);
    return 0;
}

static int cat_indices_run(struct rest_call *call, struct err *err)
{
    struct str expression = rest_part(call, "index"), *names;
    size_t count;
    struct cat_table table;
    const struct cat_indices_params *params = call->params;
    if (params->health.p && !rest_is_one_of(params->health, healths))
        return err_set(err, ERR_INVALID, "unknown cluster health status [" STR_FMT "]",
                       STR_ARG(params->health));
    TRY(engine_resolve(call->context->engine, expression.n ? expression : STR("_all"), false,
                       call->mem, &names, &count, err));
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    for (size_t i = 0; i < count; i++)
        TRY(add_row(&table, call, names[i], err));
    return cat_finish(&table, err);
}

static const char *const cat_indices_routes[] = {"GET /_cat/indices", "GET /_cat/indices/{index}",
                                                 NULL};
const struct endpoint endpoint_cat_indices = {.name = "cat.indices",
                                              .summary = "Indices as a table.",
                                              .routes = cat_indices_routes,
                                              .privilege = "monitor",
                                              .params = cat_indices_opts,
                                              .size = sizeof(struct cat_indices_params),
                                              .run = cat_indices_run};
