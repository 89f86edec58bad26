/* SPDX-License-Identifier: Apache-2.0 */
/* cat_segments.c: GET _cat/segments. */
#include "base/str.h"
#include "index/engine.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"index", "i,idx", "index name", false, true},
    {"shard", "s,sh", "shard name", false, true},
    {"prirep", "p,pr,primaryOrReplica", "primary or replica", false, true},
    {"ip", NULL, "ip of node where it lives", false, true},
    {"id", NULL, "unique id of node where it lives", false, false},
    {"segment", "seg", "segment name", false, true},
    {"generation", "g,gen", "segment generation", true, true},
    {"docs.count", "dc,docsCount", "number of docs in segment", true, true},
    {"docs.deleted", "dd,docsDeleted", "number of deleted docs in segment", true, true},
    {"size", "si", "segment size in bytes", true, true},
    {"size.memory", "sm,sizeMemory", "segment memory in bytes", true, true},
    {"committed", "ic,isCommitted", "is segment committed", false, true},
    {"searchable", "is,isSearchable", "is segment searched", false, true},
    {"version", "v,ver", "version", false, true},
    {"compound", "ico,isCompound", "is segment compound", false, true},
};

static struct str word(bool v)
{
    return v ? STR("true") : STR("false");
}

static int add_index(struct cat_table *table, struct rest_call *call, struct str index,
                     struct err *err)
{
    struct segment_info *segments;
    size_t count;
    TRY(engine_segments(call->context->engine, index, call->mem, &segments, &count, err));
    for (size_t i = 0; i < count; i++) {
        const struct segment_info *s = &segments[i];
        cat_cell(table, index);
        cat_cell(table, STR("0"));
        cat_cell(table, STR("p"));
        cat_cell(table, STR("127.0.0.1"));
        cat_cell(table, STR("naru"));
        cat_cell(table, s->name);
        cat_cellf(table, "%llu", (unsigned long long)s->number);
        cat_cellf(table, "%llu", (unsigned long long)s->doc_count);
        cat_cellf(table, "%llu", (unsigned long long)s->deleted_count);
        cat_cell(table, cat_bytes(call, s->bytes));
        cat_cellf(table, "%llu", (unsigned long long)s->memory_bytes);
        cat_cell(table, word(s->is_committed));
        cat_cell(table, word(s->is_searchable));
        cat_cell(table, STR("8.7.0"));
        cat_cell(table, word(true)); /* a segment is one file */
    }
    return 0;
}

static int cat_segments_run(struct rest_call *call, struct err *err)
{
    struct str expression = rest_part(call, "index"), *names;
    size_t count;
    struct cat_table table;
    TRY(engine_resolve(call->context->engine, expression.n ? expression : STR("_all"), false,
                       call->mem, &names, &count, err));
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    for (size_t i = 0; i < count; i++)
        TRY(add_index(&table, call, names[i], err));
    return cat_finish(&table, err);
}

static const char *const cat_segments_routes[] = {"GET /_cat/segments",
                                                  "GET /_cat/segments/{index}", NULL};
const struct endpoint endpoint_cat_segments = {.name = "cat.segments",
                                               .summary = "Segments as a table.",
                                               .routes = cat_segments_routes,
                                               .privilege = "monitor",
                                               .params = cat_opts,
                                               .size = sizeof(struct cat_params),
                                               .run = cat_segments_run};
