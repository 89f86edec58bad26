/* SPDX-License-Identifier: Apache-2.0 */
/* Damage under a map that was read before, and where nobody reads: the scrub finds it, once its
 * turn has come, and the segment is set aside as at opening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"
#include "os/os.h"

struct bed {
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct arena *mem;
};

static void open_it(struct bed *b, int64_t interval_ns, bool is_threaded)
{
    struct err err = {0};
    struct engine_config config = {.fs = b->fs,
                                   .clock = &b->clock.base,
                                   .seed = 4,
                                   .path = STR("d"),
                                   .lane_count = 1,
                                   .scrub_interval_ns = interval_ns,
                                   .is_single_threaded = !is_threaded};
    if (engine_open(&config, &b->engine, &err) < 0)
        fail_msg("open: %s", err.text);
}

static void write_one(struct bed *b, const char *id)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct err err = {0};
    write.index = STR("i");
    write.id = str_from(id);
    write.source = STR("{\"n\":1,\"t\":\"a word\"}");
    if (engine_write(b->engine, &write, 1, REFRESH_NONE, b->mem, &result, &err) < 0)
        fail_msg("write: %s", err.text);
}

/* Two files, of one and of two documents; every byte of both was read. */
static void bed_init(struct bed *b, int64_t interval_ns)
{
    struct err err = {0};
    *b = (struct bed){.fs = vfs_mem_new(), .mem = arena_new(0)};
    clock_fake_init(&b->clock, INT64_C(1737500000) * NS_PER_S);
    open_it(b, interval_ns, false);
    write_one(b, "1");
    assert_int_equal(engine_flush(b->engine, STR("i"), &err), 0);
    write_one(b, "2");
    write_one(b, "3");
    assert_int_equal(engine_flush(b->engine, STR("i"), &err), 0);
    for (int i = 1; i <= 3; i++) {
        struct doc_get doc;
        assert_int_equal(engine_get(b->engine, STR("i"), arena_printf(b->mem, "%d", i), true,
                                    b->mem, &doc, &err),
                         0);
        assert_true(doc.is_found);
    }
}

static void bed_deinit(struct bed *b)
{
    engine_close(b->engine);
    arena_free(b->mem);
    vfs_mem_free(b->fs);
}

static struct index_stats stats_of(struct bed *b)
{
    struct index_stats stats;
    struct err err = {0};
    if (engine_index_stats(b->engine, STR("i"), b->mem, &stats, &err) < 0)
        fail_msg("stats: %s", err.text);
    return stats;
}

static void byte_flip(struct bed *b, const char *name, int64_t off_or_from_end)
{
    struct vfs_file *file;
    struct vfs_stat st;
    struct err err = {0};
    uint8_t byte;
    size_t n;
    struct str path = arena_printf(b->mem, "d/indices/%.*s/%s", (int)stats_of(b).uuid.n,
                                   stats_of(b).uuid.p, name);
    assert_int_equal(vfs_open(b->fs, path, VFS_READ | VFS_WRITE, &file, &err), 0);
    assert_int_equal(vfs_file_stat(file, &st, &err), 0);
    uint64_t off = off_or_from_end < 0 ? st.size_bytes - (uint64_t)-off_or_from_end
                                       : (uint64_t)off_or_from_end;
    assert_int_equal(vfs_read_at(file, off, &byte, 1, &n, &err), 0);
    byte ^= 0x10;
    assert_int_equal(vfs_write_at(file, off, &byte, 1, &err), 0);
    vfs_close(file);
}

static void tick_after(struct bed *b, int64_t ns)
{
    struct err err = {0};
    clock_fake_advance(&b->clock, ns);
    assert_int_equal(engine_tick(b->engine, &err), 0); /* scrubs */
    assert_int_equal(engine_tick(b->engine, &err), 0); /* sets aside */
}

static uint64_t scrubbed(struct bed *b)
{
    return metric_get(&engine_metrics(b->engine)->scrub_segments);
}

static void finds(int64_t off)
{
    struct bed b;
    bed_init(&b, 0);
    tick_after(&b, NS_PER_S); /* sees them: their day begins */
    byte_flip(&b, "2.seg", off);
    tick_after(&b, 3600 * NS_PER_S);
    assert_int_equal(stats_of(&b).damaged_count, 0);
    assert_int_equal(scrubbed(&b), 0);
    tick_after(&b, INT64_C(24) * 3600 * NS_PER_S);
    struct index_stats stats = stats_of(&b);
    assert_int_equal(stats.damaged_count, 1);
    assert_non_null(strstr(stats.damaged_reason, "segment 2.seg"));
    assert_non_null(strstr(stats.damaged_reason, "scrub"));
    assert_int_equal(stats.doc_count, 1);
    assert_int_equal(scrubbed(&b), 1);
    assert_int_equal(metric_get(&engine_metrics(b.engine)->scrub_damaged), 1);
    assert_true(metric_get(&engine_metrics(b.engine)->scrub_bytes) > 0);
    bed_deinit(&b);
}

static void test_body(void **state)
{
    (void)state;
    finds(20);
}

static void test_footer_and_tail(void **state)
{
    (void)state;
    finds(-40);
    finds(-20);
}

/* Each is read once an interval; those that lay there at opening soon after it. */
static void test_turns(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, 0);
    tick_after(&b, NS_PER_S);
    for (uint64_t day = 1; day <= 3; day++) {
        tick_after(&b, INT64_C(24) * 3600 * NS_PER_S);
        assert_int_equal(scrubbed(&b), 2 * day);
    }
    engine_close(b.engine);
    open_it(&b, 0, false);
    tick_after(&b, 500 * NS_PER_S);
    assert_int_equal(scrubbed(&b), 0);
    tick_after(&b, 200 * NS_PER_S);
    assert_int_equal(scrubbed(&b), 2);
    assert_int_equal(stats_of(&b).damaged_count, 0);
    bed_deinit(&b);
}

/* A file that does not open is neither sound nor damaged nor taken for merged away: it is tried
 * again before its next day. */
static void test_unopened(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, 0);
    tick_after(&b, NS_PER_S);
    clock_fake_advance(&b.clock, INT64_C(24) * 3600 * NS_PER_S);
    vfs_mem_fail_at(b.fs, 1, VFS_FAULT_EIO, false);
    tick_after(&b, NS_PER_S);
    const struct metric *unopened = &engine_metrics(b.engine)->scrub_unopened;
    assert_int_equal(scrubbed(&b), 1);
    assert_int_equal(metric_get(unopened), 1);
    tick_after(&b, 601 * NS_PER_S);
    assert_int_equal(scrubbed(&b), 2);
    assert_int_equal(metric_get(unopened), 1);
    assert_int_equal(stats_of(&b).damaged_count, 0);
    bed_deinit(&b);
}

static void test_off(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, -1);
    byte_flip(&b, "1.seg", 20);
    tick_after(&b, INT64_C(100) * 3600 * NS_PER_S);
    assert_int_equal(scrubbed(&b), 0);
    assert_int_equal(stats_of(&b).damaged_count, 0);
    bed_deinit(&b);
}

/* The thread of its own, which closing does not wait for. */
static void test_thread(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, 0);
    byte_flip(&b, "1.seg", 20);
    engine_close(b.engine);
    open_it(&b, NS_PER_S, true);
    int64_t until_ns = clock_monotonic_ns(clock_system()) + 60 * NS_PER_S;
    while (stats_of(&b).damaged_count == 0 && clock_monotonic_ns(clock_system()) < until_ns) {
        clock_fake_advance(&b.clock, NS_PER_S);
        clock_sleep_ns(clock_system(), 20 * NS_PER_MS);
    }
    assert_int_equal(stats_of(&b).damaged_count, 1);
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body),  cmocka_unit_test(test_footer_and_tail),
        cmocka_unit_test(test_turns), cmocka_unit_test(test_unopened),
        cmocka_unit_test(test_off),   cmocka_unit_test(test_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
