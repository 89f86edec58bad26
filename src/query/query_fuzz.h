/* SPDX-License-Identifier: Apache-2.0 */
/* query_fuzz.h: what the fuzz targets of the query languages share: an index with fields of each
 * kind, and a search whose reply must be JSON. */
#ifndef NARU_QUERY_QUERY_FUZZ_H
#define NARU_QUERY_QUERY_FUZZ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/value.h"
#include "index/engine.h"
#include "os/os.h"
#include "query/search.h"
#include "support/fuzz.h"

#define FUZZ_NOW_NS (INT64_C(1737500000) * NS_PER_S)

static inline struct engine *query_engine(void)
{
    static struct engine *engine;
    static struct clock_fake clock;
    if (engine)
        return engine;
    static const char body[] = "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"f\":{"
                               "\"type\":\"double\"},\"k\":{\"type\":"
                               "\"keyword\"},\"ip\":{\"type\":\"ip\"},\"n\":{\"type\":\"long\"},"
                               "\"t\":{\"type\":\"text\"},\"b\":{\"type\":"
                               "\"boolean\"}}}}";
    struct err err;
    struct value v;
    struct arena *mem = arena_new(0);
    clock_fake_init(&clock, FUZZ_NOW_NS);
    struct engine_config config = {.fs = vfs_mem_new(),
                                   .clock = &clock.base,
                                   .seed = 1,
                                   .path = STR("d"),
                                   .lane_count = 1,
                                   .is_single_threaded = true};
    ASSERT(engine_open(&config, &engine, &err) == 0);
    ASSERT(value_from_json(str_from(body), mem, &v, &err) == 0);
    ASSERT(engine_index_create(engine, STR("i"), &v, &err) == 0);
    for (uint32_t i = 0; i < 20; i++) {
        struct doc_write write = DOC_WRITE_INIT;
        struct doc_result result;
        write.index = STR("i");
        write.id = arena_printf(mem, "%u", i);
        write.source =
            arena_printf(mem,
                         "{\"d\":%u,\"f\":%u.5,\"k\":\"key%u\",\"ip\":\"10.0.0.%u\",\"n\":[%u,%u],"
                         "\"t\":\"quick brown fox "
                         "number%u\",\"b\":%s}",
                         i * 100000, i, i % 4, i, i, i * 3, i % 5, i % 2 ? "true" : "false");
        ASSERT(engine_write(engine, &write, 1, i % 7 ? REFRESH_NONE : REFRESH_NOW, mem, &result,
                            &err) == 0);
        ASSERT(result.outcome != DOC_FAILED);
    }
    ASSERT(engine_refresh(engine, STR("i"), &err) == 0);
    arena_free(mem);
    return engine;
}

/* Parses and runs a body, with the text of ?q= when there is one. */
static inline void query_try(const struct value *body, struct str q, struct arena *mem)
{
    struct search_request *request;
    struct search_result result;
    struct search_limits limits = {
        .memory_bytes_max = 64 * MIB, .time_ns_max = 2 * NS_PER_S, .thread_count = 1};
    struct searcher *s;
    struct str name = STR("i");
    struct err err = {0};
    struct engine *engine = query_engine();
    if (search_parse(body, FUZZ_NOW_NS, mem, &request, &err) < 0 ||
        (q.p && search_param(request, STR("q"), q, &err) < 0)) {
        ASSERT(err.code != ERR_NONE && err.text[0]);
        return;
    }
    ASSERT(engine_snapshot(engine, &name, 1, &s, &err) == 0);
    if (search_run(s, request, clock_system(), &limits, mem, &result, &err) == 0) {
        struct buf out, small;
        struct json_writer w;
        buf_init(&out, 0);
        buf_init(&small, 0);
        json_writer_init(&w, &out, false);
        json_object_begin(&w);
        search_result_write(request, &result, &w);
        json_object_end(&w);
        ASSERT(out.is_over || json_minify(buf_str(&out), &small, &err) == 0);
        buf_deinit(&out);
        buf_deinit(&small);
    } else {
        ASSERT(err.code != ERR_NONE && err.text[0]);
    }
    searcher_unref(s);
}

#endif
