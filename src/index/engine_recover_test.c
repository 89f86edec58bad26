/* SPDX-License-Identifier: Apache-2.0 */
/* The log's tail comes back beside the serving: an engine that never flushed is left as a kill
 * would leave it, by copying its folder, and the copy is opened with all its threads. Whatever is
 * answered meanwhile is right or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/format.h"
#include "index/segment.h"
#include "os/os.h"

#define DOCS  12000u
#define BATCH 500u

static struct engine *open_on(struct vfs *fs, bool is_single_threaded)
{
    struct engine *engine;
    struct err err = {0};
    struct engine_config config = {.fs = fs,
                                   .clock = clock_system(),
                                   .seed = 3,
                                   .path = STR("d"),
                                   .lane_count = 3,
                                   .wal_file_bytes_max = 150 * KIB,
                                   .is_single_threaded = is_single_threaded};
    if (engine_open(&config, &engine, &err) < 0)
        fail_msg("open: %s", err.text);
    return engine;
}

/* Documents with ids, without, replaced, deleted, and fields that come later. */
static void fill(struct engine *engine, const char *index, uint32_t from, uint32_t to)
{
    struct arena *mem = arena_new(0);
    struct doc_write writes[BATCH];
    struct doc_result results[BATCH];
    struct err err = {0};
    for (uint32_t i = from; i < to; i += BATCH) {
        arena_reset(mem);
        for (uint32_t k = 0; k < BATCH; k++) {
            uint32_t n = i + k;
            writes[k] = DOC_WRITE_INIT;
            writes[k].index = str_from(index);
            writes[k].source = arena_printf(mem, "{\"n\":%u,\"t\":\"word%u other\",\"f%u\":1}", n,
                                            n % 50, n / 2000);
            if (n % 4 == 0)
                continue;
            writes[k].id = arena_printf(mem, "id%u", n % 4 == 1 ? n : n - n % 4 + 1);
            writes[k].op = n % 4 == 3 && n % 8 == 7 ? DOC_DELETE : DOC_INDEX;
        }
        assert_int_equal(engine_write(engine, writes, BATCH, REFRESH_NONE, mem, results, &err), 0);
        for (uint32_t k = 0; k < BATCH; k++)
            assert_int_not_equal(results[k].outcome, DOC_FAILED);
    }
    arena_free(mem);
}

static void folder_copy(struct vfs *from, struct vfs *to, struct str dir)
{
    struct arena *mem = arena_new(0);
    struct vfs_entry *entries;
    struct err err = {0};
    size_t count;
    assert_int_equal(vfs_make_dir(to, dir, &err), 0);
    assert_int_equal(vfs_list(from, dir, mem, &entries, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct str path = path_join(mem, dir, entries[i].name), content;
        if (entries[i].kind == VFS_KIND_DIR) {
            folder_copy(from, to, path);
            continue;
        }
        assert_int_equal(vfs_read_file(from, path, GIB, mem, &content, &err), 0);
        assert_int_equal(vfs_write_file(to, path, content, &err), 0);
    }
    arena_free(mem);
}

/* -1: refused, as it should be while the index is recovered. */
static int64_t count_of(struct engine *engine, const char *index)
{
    struct searcher *s;
    struct str name = str_from(index);
    struct err err = {0};
    size_t count;
    int64_t n = 0;
    int rc = engine_snapshot(engine, &name, 1, &s, &err);
    if (rc == -ERR_SHARDS_FAILED)
        return -1;
    if (rc < 0)
        fail_msg("snapshot: %s", err.text);
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++)
        n += parts[i].live_count;
    searcher_unref(s);
    return n;
}

/* Of an index without a tail: there as soon as that is known. */
static int64_t count_flushed(struct engine *engine)
{
    int64_t n;
    int64_t until_ns = clock_monotonic_ns(clock_system()) + 60 * NS_PER_S;
    do
        n = count_of(engine, "flushed");
    while (n == -1 && clock_monotonic_ns(clock_system()) < until_ns);
    return n;
}

static bool is_recovering(struct engine *engine, const char *index)
{
    struct index_stats stats;
    struct err err = {0};
    struct arena *mem = arena_new(0);
    assert_int_equal(engine_index_stats(engine, str_from(index), mem, &stats, &err), 0);
    arena_free(mem);
    return stats.is_recovering;
}

/* Of every four: one without id, and id(n + 1) written twice, then deleted or written again. */
static const int64_t live_count = DOCS / 4 + DOCS / 8;

static void gives(struct engine *engine, uint32_t n, int64_t version)
{
    struct arena *mem = arena_new(0);
    struct doc_get doc;
    struct err err = {0};
    int rc = engine_get(engine, STR("tail"), arena_printf(mem, "id%u", n), true, mem, &doc, &err);
    if (rc < 0)
        fail_msg("get: %s", err.text);
    assert_int_equal(doc.is_found, version > 0);
    if (version > 0)
        assert_int_equal(doc.version, version);
    arena_free(mem);
}

struct beds {
    struct vfs *before, *after;
    struct engine *writer;
};

static void beds_init(struct beds *beds)
{
    struct err err = {0};
    beds->before = vfs_mem_new();
    beds->after = vfs_mem_new();
    beds->writer = open_on(beds->before, true);
    fill(beds->writer, "flushed", 0, 2 * BATCH);
    fill(beds->writer, "tail", 0, DOCS / 4);
    assert_int_equal(engine_flush(beds->writer, STR("flushed"), &err), 0);
    assert_int_equal(engine_flush(beds->writer, STR("tail"), &err), 0);
    fill(beds->writer, "tail", DOCS / 4, DOCS);
    folder_copy(beds->before, beds->after, STR("d"));
}

static void beds_deinit(struct beds *beds)
{
    engine_close(beds->writer);
    vfs_mem_free(beds->before);
    vfs_mem_free(beds->after);
}

static void test_beside_serving(void **state)
{
    (void)state;
    struct beds beds;
    struct arena *mem = arena_new(0);
    struct err err = {0};
    beds_init(&beds);
    struct engine *engine = open_on(beds.after, false);
    assert_int_equal(count_flushed(engine), BATCH / 2 + BATCH / 4);
    int64_t n = count_of(engine, "tail");
    assert_true(n == -1 || n == live_count);
    /* A write waits for the index, and goes on where its document was. */
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    write.index = STR("tail");
    write.id = STR("id1");
    write.source = STR("{\"n\":1}");
    assert_int_equal(engine_write(engine, &write, 1, REFRESH_NOW, mem, &result, &err), 0);
    assert_int_equal(result.outcome, DOC_UPDATED);
    assert_int_equal(result.version, 4);
    assert_false(is_recovering(engine, "tail"));
    assert_int_equal(count_of(engine, "tail"), live_count);
    gives(engine, 5, 0);
    gives(engine, DOCS - 7, 3);
    gives(engine, DOCS - 3, 0);
    engine_close(engine);
    struct buf report;
    buf_init(&report, 0);
    if (index_check(beds.after, STR("d"), &report, &err) < 0)
        fail_msg("check: %s", err.text);
    buf_deinit(&report);
    engine = open_on(beds.after, false);
    assert_int_equal(count_of(engine, "tail"), live_count);
    engine_close(engine);
    arena_free(mem);
    beds_deinit(&beds);
}

/* Closed in the middle: nothing is flushed that would let the log go. */
static void test_closed_meanwhile(void **state)
{
    (void)state;
    struct beds beds;
    beds_init(&beds);
    for (int i = 0; i < 3; i++)
        engine_close(open_on(beds.after, false));
    struct engine *engine = open_on(beds.after, true);
    assert_int_equal(count_of(engine, "tail"), live_count);
    engine_close(engine);
    beds_deinit(&beds);
}

/* In the last log file but one. */
static void byte_set(struct vfs *fs, uint64_t off)
{
    struct arena *mem = arena_new(0);
    struct vfs_entry *entries;
    struct vfs_file *file;
    struct err err = {0};
    size_t count;
    uint8_t byte = 0xFF;
    assert_int_equal(vfs_list(fs, STR("d/wal"), mem, &entries, &count, &err), 0);
    assert_true(count > 2);
    assert_int_equal(vfs_open(fs, path_join(mem, STR("d/wal"), entries[count - 2].name),
                              VFS_READ | VFS_WRITE, &file, &err),
                     0);
    assert_int_equal(vfs_write_at(file, off, &byte, 1, &err), 0);
    vfs_close(file);
    arena_free(mem);
}

/* Damage in the middle of the log, in one frame's payload: the index that needs it is refused with
 * the reason, the rest serves. */
static void test_damage(void **state)
{
    (void)state;
    struct beds beds;
    struct arena *mem = arena_new(0);
    struct err err = {0};
    beds_init(&beds);
    byte_set(beds.after, 300);
    struct engine *engine = open_on(beds.after, false);
    assert_int_equal(engine_flush(engine, STR("tail"), &err), -ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "[tail]"));
    assert_non_null(strstr(err.text, "the index is set aside: write-ahead log: frame"));
    struct searcher *s;
    struct str name = STR("tail");
    struct doc_get doc;
    assert_int_equal(engine_snapshot(engine, &name, 1, &s, &err), -ERR_SHARDS_FAILED);
    assert_int_equal(engine_get(engine, name, STR("id1"), true, mem, &doc, &err), -ERR_NO_SHARD);
    assert_int_equal(count_flushed(engine), BATCH / 2 + BATCH / 4);
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    write.index = STR("flushed");
    write.source = STR("{}");
    assert_int_equal(engine_write(engine, &write, 1, REFRESH_NONE, mem, &result, &err), 0);
    assert_int_equal(result.outcome, DOC_CREATED);
    engine_close(engine);
    arena_free(mem);
    beds_deinit(&beds);
}

/* Where one frame ends and the next begins is lost: nobody knows whom that concerns, so nothing is
 * served that was not known to be whole, and nobody can write. */
static void test_damaged_head(void **state)
{
    (void)state;
    struct beds beds;
    struct arena *mem = arena_new(0);
    struct err err = {0};
    beds_init(&beds);
    byte_set(beds.after, 40);
    struct engine *engine = open_on(beds.after, false);
    assert_int_equal(engine_flush(engine, STR("tail"), &err), -ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "is set aside: write-ahead log"));
    assert_non_null(strstr(err.text, "damaged at byte"));
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    write.index = STR("flushed");
    write.source = STR("{}");
    assert_int_equal(engine_write(engine, &write, 1, REFRESH_NONE, mem, &result, &err),
                     -ERR_READ_ONLY);
    engine_close(engine);
    arena_free(mem);
    beds_deinit(&beds);
}

/* An old log under indices that have flushed what it does not know of yet: both the check and the
 * opening say so, for numbers would be given twice. */
static void test_old_log(void **state)
{
    (void)state;
    struct beds beds;
    struct arena *mem = arena_new(0);
    struct vfs_entry *entries;
    struct str first;
    struct buf report;
    struct err err = {0};
    size_t count;
    beds_init(&beds);
    assert_int_equal(vfs_list(beds.after, STR("d/wal"), mem, &entries, &count, &err), 0);
    struct str path = path_join(mem, STR("d/wal"), entries[0].name);
    assert_int_equal(vfs_read_file(beds.after, path, GIB, mem, &first, &err), 0);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(
            vfs_remove(beds.after, path_join(mem, STR("d/wal"), entries[i].name), &err), 0);
    first.n = WAL_FILE_HEAD + WAL_FRAME_HEAD + get_u32_le((const uint8_t *)first.p + WAL_FILE_HEAD);
    assert_int_equal(vfs_write_file(beds.after, path, first, &err), 0);
    buf_init(&report, 0);
    assert_int_equal(index_check(beds.after, STR("d"), &report, &err), -ERR_CORRUPT);
    assert_non_null(strstr(err.text, "it ends before sequence"));
    buf_deinit(&report);
    struct engine_config config = {.fs = beds.after, .clock = clock_system(), .path = STR("d")};
    struct engine *engine;
    assert_int_equal(engine_open(&config, &engine, &err), -ERR_CORRUPT);
    assert_non_null(strstr(err.text, "it ends before sequence"));
    arena_free(mem);
    beds_deinit(&beds);
}

/* What came back from the log is in the log still, until it is flushed. */
static void test_log_figures(void **state)
{
    (void)state;
    struct beds beds;
    struct arena *mem = arena_new(0);
    struct index_stats before, after;
    struct err err = {0};
    beds_init(&beds);
    assert_int_equal(engine_index_stats(beds.writer, STR("tail"), mem, &before, &err), 0);
    assert_int_equal(before.log_operations, DOCS - DOCS / 4);
    struct engine *engine = open_on(beds.after, true);
    assert_int_equal(engine_index_stats(engine, STR("tail"), mem, &after, &err), 0);
    assert_int_equal(after.log_operations, before.log_operations);
    assert_int_equal(after.log_bytes, before.log_bytes);
    assert_int_equal(engine_flush(engine, STR("tail"), &err), 0);
    assert_int_equal(engine_index_stats(engine, STR("tail"), mem, &after, &err), 0);
    assert_int_equal(after.log_operations, 0);
    assert_int_equal(after.log_bytes, 0);
    engine_close(engine);
    arena_free(mem);
    beds_deinit(&beds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_serving), cmocka_unit_test(test_closed_meanwhile),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_damaged_head),
        cmocka_unit_test(test_old_log),        cmocka_unit_test(test_log_figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
