/* SPDX-License-Identifier: Apache-2.0 */
/* cat_count.c: GET _cat/count. */
#include "base/clock.h"
#include "index/engine.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"epoch", "t,time", "seconds since 1970-01-01 00:00:00", false, true},
    {"timestamp", "ts,hms,hhmmss", "time in HH:MM:SS", false, true},
    {"count", "dc,docs.count,docsCount", "the document count", false, true},
};

static int cat_count_run(struct rest_call *call, struct err *err)
{
    struct str expression = rest_part(call, "index"), *names;
    size_t count;
    uint64_t docs = 0;
    struct cat_table table;
    TRY(engine_resolve(call->context->engine, expression.n ? expression : STR("_all"), false,
                       call->mem, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct index_stats s;
        TRY(engine_index_stats(call->context->engine, names[i], call->mem, &s, err));
        docs += s.doc_count;
    }
    int64_t now = clock_wall_ns(call->context->clock);
    struct civil t = civil_from_ns(now);
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    cat_cellf(&table, "%lld", (long long)(now / NS_PER_S));
    cat_cellf(&table, "%02u:%02u:%02u", t.hour, t.minute, t.second);
    cat_cellf(&table, "%llu", (unsigned long long)docs);
    return cat_finish(&table, err);
}

static const char *const cat_count_routes[] = {"GET /_cat/count", "GET /_cat/count/{index}", NULL};
const struct endpoint endpoint_cat_count = {.name = "cat.count",
                                            .summary = "Documents as a table.",
                                            .routes = cat_count_routes,
                                            .privilege = "monitor",
                                            .params = cat_opts,
                                            .size = sizeof(struct cat_params),
                                            .run = cat_count_run};
