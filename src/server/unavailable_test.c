/* SPDX-License-Identifier: Apache-2.0 */
/* unavailable_test.c: what the API answers while one of two indices cannot be read: its log is
 * damaged, as after an index that is still being recovered, but for good. */
#include "support/server.h"

#include "os/os.h"

#define DOC_BYTES 4000u
#define DOC_COUNT 120u

static struct engine *engine_on(struct test *t, struct vfs *fs, struct clock *clock, bool is_single)
{
    struct engine *engine = NULL;
    struct engine_config config = {.fs = fs,
                                   .clock = clock,
                                   .seed = 1,
                                   .path = STR("d"),
                                   .lane_count = 1,
                                   .wal_file_bytes_max = 64 * KIB,
                                   .is_single_threaded = is_single};
    assert_ok(engine_open(&config, &engine, &t->err), &t->err);
    return engine;
}

static void put(struct test *t, struct engine *engine, const char *index, uint32_t count)
{
    char *text = arena_alloc(t->mem, DOC_BYTES);
    memset(text, 'x', DOC_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        struct doc_write write = DOC_WRITE_INIT;
        struct doc_result result;
        write.index = str_from(index);
        write.id = arena_printf(t->mem, "%u", i);
        write.source = arena_printf(t->mem, "{\"n\":%u,\"t\":\"%.*s\"}", i, (int)DOC_BYTES, text);
        assert_ok(engine_write(engine, &write, 1, REFRESH_NONE, t->mem, &result, &t->err), &t->err);
        assert_int_equal(result.outcome, DOC_CREATED);
    }
}

static void folder_copy(struct test *t, struct vfs *from, struct vfs *to, struct str dir)
{
    struct vfs_entry *entries;
    size_t count;
    assert_ok(vfs_make_dir(to, dir, &t->err), &t->err);
    assert_ok(vfs_list(from, dir, t->mem, &entries, &count, &t->err), &t->err);
    for (size_t i = 0; i < count; i++) {
        struct str path = path_join(t->mem, dir, entries[i].name), content;
        if (entries[i].kind == VFS_KIND_DIR) {
            folder_copy(t, from, to, path);
            continue;
        }
        assert_ok(vfs_read_file(from, path, GIB, t->mem, &content, &t->err), &t->err);
        assert_ok(vfs_write_file(to, path, content, &t->err), &t->err);
    }
}

/* A byte of the log that is not at its end. */
static void log_damage(struct test *t, struct vfs *fs)
{
    struct vfs_entry *entries;
    struct vfs_file *file;
    size_t count;
    uint8_t byte = 0xFF;
    assert_ok(vfs_list(fs, STR("d/wal"), t->mem, &entries, &count, &t->err), &t->err);
    assert_true(count > 2);
    assert_ok(vfs_open(fs, path_join(t->mem, STR("d/wal"), entries[count - 2].name),
                       VFS_READ | VFS_WRITE, &file, &t->err),
              &t->err);
    assert_ok(vfs_write_at(file, 300, &byte, 1, &t->err), &t->err);
    vfs_close(file);
}

/* "good" is flushed, "lost" needs the log that is damaged. */
static void bed_half_open(struct bed *bed, struct test *t)
{
    struct vfs *before = vfs_mem_new();
    *bed = (struct bed){.t = t, .fs = vfs_mem_new()};
    clock_fake_init(&bed->clock, BED_NOW_NS);
    struct engine *writer = engine_on(t, before, &bed->clock.base, true);
    put(t, writer, "good", 3);
    assert_ok(engine_flush(writer, STR("good"), &t->err), &t->err);
    put(t, writer, "lost", DOC_COUNT);
    folder_copy(t, before, bed->fs, STR("d"));
    engine_close(writer);
    vfs_mem_free(before);
    log_damage(t, bed->fs);
    bed->engine = engine_on(t, bed->fs, clock_system(), false);
    /* The recovery runs beside: until it has found the damage, "being recovered" is the reason. */
    while (engine_flush(bed->engine, STR("lost"), &t->err) != -ERR_CORRUPT) {
    }
    struct server_config config = {.engine = bed->engine,
                                   .clock = &bed->clock.base,
                                   .ports = {SERVER_PORT_NONE, SERVER_PORT_NONE, SERVER_PORT_NONE}};
    assert_ok(server_start(&config, &bed->server, &t->err), &t->err);
}

static void expect(struct bed *bed, const char *what, const char *body, int status,
                   const char *const *parts)
{
    struct str reply;
    int got = bed_call(bed, what, body, &reply);
    if (got != status)
        fail_msg("%s: %d " STR_FMT, what, got, STR_ARG(reply));
    for (; *parts; parts++) {
        if (str_find(reply, str_from(*parts)) < 0)
            fail_msg("%s: no %s in " STR_FMT, what, *parts, STR_ARG(reply));
    }
}

#define HALF "\"_shards\":{\"total\":2,\"successful\":1,\"skipped\":0,\"failed\":1,\"failures\":[{"
#define WHY                                                                                        \
    "\"shard\":0,\"index\":\"lost\",\"node\":null,\"reason\":{\"type\":\"corrupt_index_"           \
    "exception\""
#define REJECTED                                                                                   \
    "\"type\":\"search_phase_execution_exception\",\"reason\":\"Search rejected due to missing "   \
    "shards [[lost][0]]."

static void answers_from_what_is_there(struct test *t)
{
    struct bed bed;
    struct str reply;
    bed_half_open(&bed, t);
    expect(&bed, "GET /good,lost/_search", "", 200,
           (const char *[]){HALF WHY, "\"total\":{\"value\":3,", NULL});
    expect(&bed, "GET /_search?size=0", "{\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}}", 200,
           (const char *[]){HALF WHY, "\"s\":{\"value\":3.0}", NULL});
    expect(&bed, "GET /good,lost/_count", "", 200, (const char *[]){"\"count\":3", HALF WHY, NULL});
    expect(&bed, "POST /_msearch", "{\"index\":[\"good\",\"lost\"]}\n{}\n", 200,
           (const char *[]){HALF WHY, "\"status\":200", NULL});
    expect(&bed, "POST /good,lost/_search?scroll=1m", "{\"size\":2}", 200,
           (const char *[]){HALF WHY, "\"_scroll_id\"", NULL});
    expect(&bed, "GET /good/_search", "", 200,
           (const char *[]){"\"total\":1,\"successful\":1,\"skipped\":0,\"failed\":0}", NULL});
    /* No part of an answer, where it is not wanted or there is none. */
    expect(&bed, "GET /good,lost/_search?allow_partial_search_results=false", "", 503,
           (const char *[]){REJECTED, "\"failed_shards\":[]", NULL});
    expect(&bed, "POST /_msearch",
           "{\"index\":\"good,lost\",\"allow_partial_search_results\":false}\n{}\n", 200,
           (const char *[]){REJECTED, "\"status\":503", NULL});
    assert_int_equal(bed_call(&bed, "GET /lost/_search", "", &reply), 500);
    assert_true(str_find(reply, STR("index [lost] could not be recovered")) >= 0);
    assert_int_equal(bed_call(&bed, "GET /lost/_count", "", &reply), 500);
    assert_int_equal(bed_call(&bed, "GET /lost/_doc/1", "", &reply), 500);
    bed_close(&bed);
}

static void tells_of_it(struct test *t)
{
    struct bed bed;
    bed_half_open(&bed, t);
    expect(&bed, "GET /_cat/shards?h=index,state&s=index", "", 200,
           (const char *[]){"good STARTED", "lost INITIALIZING", NULL});
    expect(&bed, "GET /_cluster/health", "", 200,
           (const char *[]){"\"status\":\"red\"", "\"initializing_shards\":1",
                            "\"active_shards\":1", NULL});
    expect(&bed, "GET /_cat/health", "", 200, (const char *[]){" red ", NULL});
    expect(&bed, "GET /_cat/indices?h=health,index&s=index", "", 200,
           (const char *[]){"lost", "red", NULL});
    /* Writes are refused, and counted. */
    expect(&bed, "PUT /good/_doc/9", "{}", 403, (const char *[]){"cluster_block_exception", NULL});
    expect(&bed, "GET /metrics", "", 200,
           (const char *[]){"naru_rejected_total{limit=\"log_failed\"} 1", NULL});
    bed_close(&bed);
}

TEST_MAIN(TEST(answers_from_what_is_there), TEST(tells_of_it))
