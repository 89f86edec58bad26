/* SPDX-License-Identifier: Apache-2.0 */
/* Bit rot: a folder with segments, live bits, a manifest and a log; then one bit is flipped, a
 * sector zeroed or a file cut, at a random place, and the folder opened. Allowed: the damage is
 * named (index_check, opening, the segment's failure when it is read), or what is read is right.
 * Never: a wrong answer, a crash. And after the round that sets a damaged segment aside, the other
 * segments serve. NARU_FLIPS sets how many (default 1,500).
 *
 * The same while it runs, on the machine's file system where segments are mapped: a segment's file
 * is changed or cut under the open engine, before or after its bytes were read. A cut never ends
 * the process and is always told; changed bytes are told where they had not been read before (a
 * page that was verified is not verified again). NARU_LIVE_FLIPS sets how many (default 150). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"

#define DOCS 400u

struct file {
    struct str path, content;
};

static struct file files[64];
static size_t file_count;
static struct clock_fake fake;

static struct str source_of(struct arena *mem, uint32_t i)
{
    return arena_printf(
        mem, "{\"n\":%u,\"f\":%u.25,\"t\":\"word%u common number%u\",\"k\":[\"a%u\",\"b%u\"]}", i,
        i * 3, i % 17, i, i % 5, i % 3);
}

static int open_on(struct vfs *fs, struct engine **ret_engine, struct err *err)
{
    struct engine_config config = {.fs = fs,
                                   .clock = &fake.base,
                                   .seed = 5,
                                   .path = STR("d"),
                                   .is_single_threaded = true,
                                   .lane_count = 1};
    return engine_open(&config, ret_engine, err);
}

static void write_docs(struct engine *engine, struct arena *mem, uint32_t from, uint32_t to)
{
    struct err err = {0};
    for (uint32_t i = from; i < to; i++) {
        struct doc_write write = DOC_WRITE_INIT;
        struct doc_result result;
        write.index = STR("i");
        write.id = arena_printf(mem, "id-%u", i * 7919 % DOCS);
        write.source = source_of(mem, i * 7919 % DOCS);
        if (engine_write(engine, &write, 1, REFRESH_NONE, mem, &result, &err) < 0 ||
            result.outcome == DOC_FAILED)
            fail_msg("write: %s", err.text);
    }
}

static void files_collect(struct vfs *fs, struct str dir, struct arena *mem)
{
    struct vfs_entry *entries;
    size_t count;
    struct err err = {0};
    assert_int_equal(vfs_list(fs, dir, mem, &entries, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct str path = path_join(mem, dir, entries[i].name);
        if (entries[i].kind == VFS_KIND_DIR) {
            files_collect(fs, path, mem);
        } else if (!str_is(entries[i].name, "lock")) {
            assert_true(file_count < ARRAY_COUNT(files));
            files[file_count].path = path;
            assert_int_equal(vfs_read_file(fs, path, GIB, mem, &files[file_count].content, &err),
                             0);
            file_count++;
        }
    }
}

/* Two segments, one with deletes, and a log with unflushed frames. */
static void prepare(struct arena *mem)
{
    struct vfs *fs = vfs_mem_new();
    struct engine *engine;
    struct err err = {0};
    clock_fake_init(&fake, INT64_C(1737500000) * NS_PER_S);
    assert_int_equal(open_on(fs, &engine, &err), 0);
    write_docs(engine, mem, 0, DOCS / 2);
    assert_int_equal(engine_flush(engine, STR("i"), &err), 0);
    write_docs(engine, mem, DOCS / 4, DOCS * 3 / 4);
    assert_int_equal(engine_flush(engine, STR("i"), &err), 0);
    write_docs(engine, mem, DOCS * 3 / 4, DOCS);
    files_collect(fs, STR("d"), mem); /* as after kill -9: without closing */
    engine_close(engine);
    vfs_mem_free(fs);
}

static void put_file(struct vfs *fs, struct str path, struct str content)
{
    struct vfs_file *file;
    struct err err = {0};
    assert_int_equal(vfs_make_dir(fs, path_dir(path), &err), 0);
    assert_int_equal(vfs_open(fs, path, VFS_WRITE | VFS_CREATE, &file, &err), 0);
    assert_int_equal(vfs_write_at(file, 0, content.p, content.n, &err), 0);
    vfs_close(file);
}

static struct str damaged(struct rng *rng, struct arena *mem, struct str content, char *what,
                          size_t what_size)
{
    struct str copy = arena_str(mem, content);
    char *p = (char *)(uintptr_t)copy.p;
    uint64_t at = rng_below(rng, copy.n);
    switch (rng_below(rng, 6)) {
    case 0:
        (void)snprintf(what, what_size, "cut to %llu", (unsigned long long)at);
        copy.n = at;
        break;
    case 1:
        (void)snprintf(what, what_size, "512 zeros at %llu", (unsigned long long)at);
        memset(p + at, 0, MIN_OF(copy.n - at, (size_t)512));
        break;
    default:
        (void)snprintf(what, what_size, "bit %llu.%d flipped", (unsigned long long)at,
                       (int)(at % 8));
        p[at] = (char)(p[at] ^ (1 << (at % 8)));
    }
    return copy;
}

/* Everything a search could read of a part; false: the segment says it is damaged. Wrong values end
 * the test. */
static bool part_reads_right(const struct searcher_part *part, struct arena *mem, const char *what)
{
    struct segment *seg = part->segment;
    struct err err = {0};
    const struct field *n = mapping_field(part->mapping, STR("n")),
                       *t = mapping_field(part->mapping, STR("t"));
    struct column *column = n ? segment_column(seg, n) : NULL;
    uint32_t *numbers = ARENA_ARRAY(mem, uint32_t, segment_doc_count(seg));
    for (uint32_t doc = 0; doc < segment_doc_count(seg); doc++) {
        struct str source = STR_NONE, id = segment_id(seg, doc, mem);
        int64_t v = -1;
        uint64_t number = 0;
        int rc = segment_source(seg, doc, mem, &source, &err);
        size_t count = column ? column_doc_longs(column, doc, &v, 1) : 0;
        if (segment_failure(seg, &err) < 0)
            return false;
        if (rc < 0 || count != 1 || !str_to_u64(str_from_off(id, 3), &number) ||
            v != (int64_t)number || !str_eq(source, source_of(mem, (uint32_t)number)))
            fail_msg("%s: document %u reads wrong: id %.*s number %lld source %.*s", what, doc,
                     (int)id.n, id.p, (long long)v, (int)source.n, source.p);
        numbers[doc] = (uint32_t)number;
    }
    struct term_iter *it = term_iter_open(seg, t, mem);
    while (it && term_iter_next(it)) {
        struct term_info info;
        term_iter_info(it, &info);
        struct str term = term_iter_term(it);
        uint64_t wanted = 0;
        bool is_number =
            str_starts_with(term, STR("number")) && str_to_u64(str_from_off(term, 6), &wanted);
        struct postings *p = postings_open(seg, t, &info, POSTINGS_POSITIONS, mem);
        for (uint32_t doc; (doc = postings_next(p)) != DOC_NONE;) {
            if (is_number && numbers[doc] != wanted && segment_failure(seg, &err) == 0)
                fail_msg("%s: term %.*s leads to document %u", what, (int)term.n, term.p,
                         numbers[doc]);
        }
    }
    return segment_failure(seg, &err) == 0;
}

/* 1: detected, 0: harmless. */
static int try_one(struct rng *rng, struct arena *mem)
{
    char what[256], kind[64];
    size_t victim = rng_below(rng, file_count);
    struct vfs *fs = vfs_mem_new();
    struct err err = {0};
    struct buf report;
    struct str bad = damaged(rng, mem, files[victim].content, kind, sizeof(kind));
    (void)snprintf(what, sizeof(what), "%.*s: %s", (int)files[victim].path.n, files[victim].path.p,
                   kind);
    for (size_t i = 0; i < file_count; i++)
        put_file(fs, files[i].path, i == victim ? bad : files[i].content);
    buf_init(&report, 0);
    bool is_detected = index_check(fs, STR("d"), &report, &err) < 0;
    buf_deinit(&report);
    struct engine *engine = NULL;
    if (open_on(fs, &engine, &err) < 0) {
        assert_true(err.text[0] != '\0');
        vfs_mem_free(fs);
        return 1;
    }
    struct str name = STR("i");
    struct searcher *s = NULL;
    struct index_stats stats = {0};
    uint64_t docs = 0;
    if (engine_snapshot(engine, &name, 1, &s, &err) == 0) {
        size_t count;
        const struct searcher_part *parts = searcher_parts(s, &count);
        for (size_t i = 0; i < count; i++) {
            docs += parts[i].live_count;
            is_detected |= !part_reads_right(&parts[i], mem, what);
        }
        assert_int_equal(engine_index_stats(engine, name, mem, &stats, &err), 0);
        is_detected |= stats.damaged_count > 0;
        searcher_unref(s);
    }
    /* What was found to be damaged is set aside, the rest reads right and can be searched. */
    if (engine_tick(engine, &err) == 0 && engine_snapshot(engine, &name, 1, &s, &err) == 0) {
        size_t count;
        const struct searcher_part *parts = searcher_parts(s, &count);
        for (size_t i = 0; i < count; i++) {
            if (!part_reads_right(&parts[i], mem, what))
                fail_msg("%s: %s serves although it is damaged", what, err.text);
        }
        if (str_ends_with(files[victim].path, STR(".seg")) && count == 0)
            fail_msg("%s: no segment serves", what);
        searcher_unref(s);
    }
    /* The last frames of the log are the only thing that may go silently: a torn tail looks the
     * same. */
    bool is_log_tail = str_ends_with(files[victim].path, STR(".log"));
    if (!is_detected && !is_log_tail && docs != DOCS)
        fail_msg("%s: %llu documents and nobody says why", what, (unsigned long long)docs);
    engine_close(engine);
    vfs_mem_free(fs);
    return is_detected;
}

static void test_flips(void **state)
{
    (void)state;
    uint64_t flips = 1500, detected = 0;
    const char *text = getenv("NARU_FLIPS");
    if (text)
        (void)str_to_u64(str_from(text), &flips);
    struct arena *mem = arena_new(0), *scratch = arena_new(0);
    struct rng rng;
    rng_init(&rng, 42);
    prepare(mem);
    for (uint64_t i = 0; i < flips; i++) {
        arena_reset(scratch);
        detected += (uint64_t)try_one(&rng, scratch);
    }
    print_message("%llu damages over %zu files: %llu detected, %llu harmless, 0 wrong answers\n",
                  (unsigned long long)flips, file_count, (unsigned long long)detected,
                  (unsigned long long)(flips - detected));
    arena_free(mem);
    arena_free(scratch);
}

/* ---- While it runs ---- */

static char live_dir[] = "/tmp/naru-rot-XXXXXX";

static struct str live_path(struct arena *mem, struct str path)
{
    return arena_printf(mem, "%s/%.*s", live_dir, (int)path.n, path.p);
}

static void live_change(struct rng *rng, struct str path, struct str content, bool is_cut,
                        char *what, size_t size)
{
    struct vfs_file *file;
    struct err err = {0};
    uint64_t at = rng_below(rng, content.n);
    uint8_t byte = (uint8_t)content.p[at] ^ (uint8_t)(1u << rng_below(rng, 8));
    assert_int_equal(vfs_open(vfs_posix(), path, VFS_READ | VFS_WRITE, &file, &err), 0);
    if (is_cut)
        assert_int_equal(vfs_truncate(file, at, &err), 0);
    else
        assert_int_equal(vfs_write_at(file, at, &byte, 1, &err), 0);
    vfs_close(file);
    (void)snprintf(what, size, "%.*s while open: %s %llu", (int)path.n, path.p,
                   is_cut ? "cut to" : "changed at", (unsigned long long)at);
}

/* 1: told, 0: harmless. */
static int live_try(struct rng *rng, struct arena *mem)
{
    struct err err = {0};
    struct engine *engine;
    struct searcher *s;
    struct str name = STR("i");
    char what[256];
    size_t victim, count, told = 0;
    bool is_cut = rng_below(rng, 2), is_read_before = rng_below(rng, 2) && is_cut;
    do {
        victim = rng_below(rng, file_count);
    } while (!str_ends_with(files[victim].path, STR(".seg")));
    /* Replaying a log reads the segments, and what was read is not verified again. */
    for (size_t i = 0; i < file_count; i++) {
        if (is_cut || !str_ends_with(files[i].path, STR(".log")))
            put_file(vfs_posix(), live_path(mem, files[i].path), files[i].content);
    }
    struct engine_config config = {.fs = vfs_posix(),
                                   .clock = &fake.base,
                                   .seed = 5,
                                   .path = live_path(mem, STR("d")),
                                   .is_single_threaded = true,
                                   .lane_count = 1};
    if (engine_open(&config, &engine, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(engine_snapshot(engine, &name, 1, &s, &err), 0);
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count && is_read_before; i++)
        assert_true(part_reads_right(&parts[i], mem, "before"));
    live_change(rng, live_path(mem, files[victim].path), files[victim].content, is_cut, what,
                sizeof(what));
    for (size_t i = 0; i < count; i++)
        told += !part_reads_right(&parts[i], mem, what);
    if (is_cut && told != 1)
        fail_msg("%s: %zu segments say that they are damaged", what, told);
    searcher_unref(s);
    if (told) { /* it is set aside, the others serve */
        struct index_stats stats;
        assert_int_equal(engine_tick(engine, &err), 0);
        assert_int_equal(engine_index_stats(engine, name, mem, &stats, &err), 0);
        assert_int_equal(stats.damaged_count, 1);
        assert_true(stats.damaged_reason[0] != '\0');
        assert_int_equal(engine_snapshot(engine, &name, 1, &s, &err), 0);
        parts = searcher_parts(s, &count);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++)
            assert_true(part_reads_right(&parts[i], mem, what));
        searcher_unref(s);
    }
    engine_close(engine);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s/d", live_dir);
    assert_int_equal(system(command), 0);
    return told > 0;
}

static void test_while_open(void **state)
{
    (void)state;
    uint64_t flips = 150, told = 0;
    const char *text = getenv("NARU_LIVE_FLIPS");
    if (text)
        (void)str_to_u64(str_from(text), &flips);
    struct arena *mem = arena_new(0), *scratch = arena_new(0);
    struct rng rng;
    rng_init(&rng, 43);
    file_count = 0;
    prepare(mem);
    assert_non_null(mkdtemp(live_dir));
    for (uint64_t i = 0; i < flips; i++) {
        arena_reset(scratch);
        told += (uint64_t)live_try(&rng, scratch);
    }
    assert_int_equal(rmdir(live_dir), 0);
    print_message(
        "%llu damages to segments while open: %llu told, %llu harmless, 0 wrong answers\n",
        (unsigned long long)flips, (unsigned long long)told, (unsigned long long)(flips - told));
    arena_free(mem);
    arena_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_flips),
                                       cmocka_unit_test(test_while_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
