/* SPDX-License-Identifier: Apache-2.0 */
/* One index with a damaged manifest, or with a damaged frame in the log, is set aside by its name;
 * the others serve, take writes and are flushed, and what the log held of it is not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/format.h"
#include "index/segment.h"
#include "os/os.h"

struct bed {
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct arena *mem;
    bool is_threaded;
};

static void open_it(struct bed *b)
{
    struct err err = {0};
    struct engine_config config = {.fs = b->fs,
                                   .clock = b->is_threaded ? clock_system() : &b->clock.base,
                                   .seed = 4,
                                   .path = STR("d"),
                                   .lane_count = 2,
                                   .wal_file_bytes_max = 1024,
                                   .is_single_threaded = !b->is_threaded};
    if (engine_open(&config, &b->engine, &err) < 0)
        fail_msg("open: %s", err.text);
}

static void close_it(struct bed *b)
{
    engine_close(b->engine);
    b->engine = NULL;
}

static struct doc_result write_to(struct bed *b, const char *index, const char *id)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct err err = {0};
    write.index = str_from(index);
    write.id = str_from(id);
    write.source = STR("{\"n\":1}");
    if (engine_write(b->engine, &write, 1, REFRESH_NONE, b->mem, &result, &err) < 0)
        fail_msg("write: %s", err.text);
    return result;
}

static void folder_copy(struct bed *b, struct vfs *to, struct str dir)
{
    struct vfs_entry *entries;
    struct err err = {0};
    size_t count;
    assert_int_equal(vfs_make_dir(to, dir, &err), 0);
    assert_int_equal(vfs_list(b->fs, dir, b->mem, &entries, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct str path = path_join(b->mem, dir, entries[i].name), content;
        if (entries[i].kind == VFS_KIND_DIR) {
            folder_copy(b, to, path);
            continue;
        }
        assert_int_equal(vfs_read_file(b->fs, path, GIB, b->mem, &content, &err), 0);
        assert_int_equal(vfs_write_file(to, path, content, &err), 0);
    }
}

/* Two indices of three documents each, one of which is in the log alone, as after a kill. */
static void bed_init(struct bed *b, bool is_threaded)
{
    struct err err = {0};
    *b = (struct bed){.fs = vfs_mem_new(), .mem = arena_new(0), .is_threaded = is_threaded};
    clock_fake_init(&b->clock, INT64_C(1737500000) * NS_PER_S);
    open_it(b);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "good" : "bad";
        (void)write_to(b, name, "1");
        (void)write_to(b, name, "2");
        assert_int_equal(engine_flush(b->engine, str_from(name), &err), 0);
    }
    (void)write_to(b, "good", "3");
    (void)write_to(b, "bad", "3");
    (void)write_to(b, "good", "4");
    struct vfs *killed = vfs_mem_new();
    folder_copy(b, killed, STR("d"));
    close_it(b);
    vfs_mem_free(b->fs);
    b->fs = killed;
}

static void bed_deinit(struct bed *b)
{
    close_it(b);
    arena_free(b->mem);
    vfs_mem_free(b->fs);
}

static struct index_stats stats_of(struct bed *b, const char *index)
{
    struct index_stats stats;
    struct err err = {0};
    if (engine_index_stats(b->engine, str_from(index), b->mem, &stats, &err) < 0)
        fail_msg("stats: %s", err.text);
    return stats;
}

static int count_of(struct bed *b, const char *index, uint64_t *ret_count, struct err *err)
{
    struct str name = str_from(index);
    struct searcher *s;
    size_t count;
    TRY(engine_refresh(b->engine, name, err));
    TRY(engine_snapshot(b->engine, &name, 1, &s, err));
    const struct searcher_part *parts = searcher_parts(s, &count);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        *ret_count += parts[i].live_count;
    searcher_unref(s);
    return 0;
}

static void serves(struct bed *b, const char *index, uint64_t docs)
{
    uint64_t count;
    struct err err = {0};
    if (count_of(b, index, &count, &err) < 0)
        fail_msg("%s: %s", index, err.text);
    assert_int_equal(count, docs);
}

static void is_refused(struct bed *b, const char *index, const char *why)
{
    struct str name = str_from(index);
    struct searcher *s;
    struct doc_get doc;
    struct err err = {0};
    char named[64];
    (void)snprintf(named, sizeof(named), "[%s]", index);
    struct index_stats stats = stats_of(b, index);
    assert_true(stats.is_failed && !stats.is_recovering);
    if (!strstr(stats.damaged_reason, why))
        fail_msg("reason: %s", stats.damaged_reason);
    struct doc_result result = write_to(b, index, "5");
    assert_int_equal(result.outcome, DOC_FAILED);
    assert_int_equal(result.err->code, ERR_UNAVAILABLE);
    assert_non_null(strstr(result.err->text, named));
    assert_non_null(strstr(result.err->text, why));
    assert_int_equal(engine_snapshot(b->engine, &name, 1, &s, &err), -ERR_SHARDS_FAILED);
    assert_non_null(strstr(err.text, named));
    assert_int_equal(engine_get(b->engine, name, STR("1"), true, b->mem, &doc, &err),
                     -ERR_NO_SHARD);
    assert_non_null(strstr(err.text, named));
    assert_int_equal(engine_flush(b->engine, name, &err), -ERR_UNAVAILABLE);
}

static void check_names(struct bed *b, const char *text)
{
    struct buf report;
    struct err err = {0};
    buf_init(&report, 0);
    assert_int_equal(index_check(b->fs, STR("d"), &report, &err), -ERR_CORRUPT);
    if (!memmem(report.p, report.n, text, strlen(text)))
        fail_msg("%.*s", (int)report.n, report.p);
    buf_deinit(&report);
}

static void is_sound(struct bed *b)
{
    struct buf report;
    struct err err = {0};
    buf_init(&report, 0);
    if (index_check(b->fs, STR("d"), &report, &err) < 0)
        fail_msg("%s", err.text);
    buf_deinit(&report);
}

/* Whatever of the index is in the log has to be somewhere before the log lets go. */
static void the_good_one_goes_on(struct bed *b)
{
    struct err err = {0};
    serves(b, "good", 4);
    assert_int_equal(write_to(b, "good", "5").outcome, DOC_CREATED);
    assert_int_equal(engine_flush(b->engine, STR("good"), &err), 0);
    serves(b, "good", 5);
}

static void byte_flip(struct bed *b, struct str path, uint64_t off)
{
    struct vfs_file *file;
    struct err err = {0};
    uint8_t byte;
    size_t n;
    assert_int_equal(vfs_open(b->fs, path, VFS_READ | VFS_WRITE, &file, &err), 0);
    assert_int_equal(vfs_read_at(file, off, &byte, 1, &n, &err), 0);
    byte ^= 0x10;
    assert_int_equal(vfs_write_at(file, off, &byte, 1, &err), 0);
    vfs_close(file);
}

/* The folder's manifest says whose it is. */
static struct str folder_find(struct bed *b, const char *index)
{
    struct vfs_entry *entries;
    struct err err = {0};
    size_t count;
    struct str name = arena_printf(b->mem, "\"name\":\"%s\"", index);
    assert_int_equal(vfs_list(b->fs, STR("d/indices"), b->mem, &entries, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct str dir = path_join(b->mem, STR("d/indices"), entries[i].name), content;
        assert_int_equal(vfs_read_file(b->fs, path_join(b->mem, dir, STR("manifest")), MIB, b->mem,
                                       &content, &err),
                         0);
        if (memmem(content.p, content.n, name.p, name.n))
            return dir;
    }
    fail_msg("no folder of %s", index);
    return STR_NONE;
}

static bool has_tail(struct bed *b, struct str dir)
{
    struct vfs_stat st;
    return vfs_stat(b->fs, path_join(b->mem, dir, STR("tail.log")), true, &st, NULL) == 0;
}

static void manifest_is_damaged(bool is_threaded)
{
    struct bed b;
    struct err err = {0};
    bed_init(&b, is_threaded);
    struct str dir = folder_find(&b, "bad"), manifest = path_join(b.mem, dir, STR("manifest"));
    struct vfs_stat st;
    assert_int_equal(vfs_stat(b.fs, manifest, true, &st, &err), 0);
    byte_flip(&b, manifest, st.size_bytes - 3);
    check_names(&b, "damaged: index [bad]");
    for (int i = 0; i < 3; i++) {
        open_it(&b);
        if (i == 0)
            the_good_one_goes_on(&b);
        serves(&b, "good", 5);
        is_refused(&b, "bad", "manifest");
        assert_true(has_tail(&b, dir));
        if (i < 2)
            close_it(&b);
    }
    assert_int_equal(engine_index_delete(b.engine, STR("bad"), &err), 0);
    assert_int_equal(write_to(&b, "bad", "1").outcome, DOC_CREATED);
    serves(&b, "bad", 1);
    close_it(&b);
    is_sound(&b);
    open_it(&b);
    serves(&b, "bad", 1);
    bed_deinit(&b);
}

static void test_manifest(void **state)
{
    (void)state;
    manifest_is_damaged(false);
    manifest_is_damaged(true);
}

/* Not even its name can be read: it goes by its uuid, and the frames that nobody claims are its. */
static void test_manifest_without_identity(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, false);
    struct str dir = folder_find(&b, "bad");
    byte_flip(&b, path_join(b.mem, dir, STR("manifest")), MANIFEST_HEAD + 10);
    open_it(&b);
    the_good_one_goes_on(&b);
    char uuid[64];
    struct str name = path_name(dir);
    (void)snprintf(uuid, sizeof(uuid), "%.*s", (int)name.n, name.p);
    is_refused(&b, uuid, "manifest");
    assert_true(has_tail(&b, dir));
    bed_deinit(&b);
}

/* The last frame but one, in `content`. */
static size_t frame_of_the_bad_one(struct bed *b, struct str *ret_path, struct str *ret_content)
{
    struct vfs_entry *entries;
    struct err err = {0};
    size_t count, at = WAL_FILE_HEAD, frames[64], n = 0;
    assert_int_equal(vfs_list(b->fs, STR("d/wal"), b->mem, &entries, &count, &err), 0);
    *ret_path = path_join(b->mem, STR("d/wal"), entries[count - 1].name);
    assert_int_equal(vfs_read_file(b->fs, *ret_path, MIB, b->mem, ret_content, &err), 0);
    while (at < ret_content->n && n < 64) {
        frames[n++] = at;
        at += WAL_FRAME_HEAD + get_u32_le((const uint8_t *)ret_content->p + at);
    }
    assert_true(n > 2);
    return frames[n - 2];
}

static void frame_damage(struct bed *b)
{
    struct str path, content;
    size_t at = frame_of_the_bad_one(b, &path, &content);
    byte_flip(b, path, at + WAL_FRAME_HEAD + 2);
}

/* The first `from` of the payload becomes `to`, 0: the frame's kind; the checksums are made to fit.
 */
static void frame_forge(struct bed *b, char from, char to)
{
    struct str path, content;
    struct err err = {0};
    size_t at = frame_of_the_bad_one(b, &path, &content);
    uint8_t *bytes = arena_alloc(b->mem, content.n), *head = bytes + at;
    uint8_t *payload = head + WAL_FRAME_HEAD;
    memcpy(bytes, content.p, content.n);
    uint32_t n = get_u32_le(head);
    uint8_t *p = from ? memchr(payload, from, n) : head + 32;
    assert_non_null(p);
    *p = (uint8_t)to;
    put_u32_le(head + 4, crc32c(0, payload, n));
    put_u32_le(head + 44, crc32c(0, head, 44));
    content.p = (const char *)bytes;
    assert_int_equal(vfs_write_file(b->fs, path, content, &err), 0);
}

/* Whole frames with something in them that cannot be applied, as from a program of another mind: no
 * more than their index is set aside, and the check sees it before. */
static void test_frames_that_cannot_be_applied(void **state)
{
    static const struct {
        char from, to;
        const char *check, *reason;
    } rows[] = {
        {'{', '!', "holds document [3]: failed to parse", "document [3] of index [bad]"},
        {'1', '[', "which index [bad] needs", "document [3] of index [bad]"},
        {WAL_DOC_INDEX, 'z', "holds a bad record, which index [bad] needs",
         "bad record of index [bad]"},
        {0, WAL_MAPPING, "holds a bad mapping: ", "mapping"},
        {0, 9, "unknown kind 9", "unknown kind 9"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bed b;
        bed_init(&b, false);
        frame_forge(&b, rows[i].from, rows[i].to);
        check_names(&b, rows[i].check);
        open_it(&b);
        the_good_one_goes_on(&b);
        is_refused(&b, "bad", rows[i].reason);
        bed_deinit(&b);
    }
}

static void log_is_damaged(bool is_threaded)
{
    struct bed b;
    struct err err = {0};
    bed_init(&b, is_threaded);
    struct str dir = folder_find(&b, "bad");
    frame_damage(&b);
    check_names(&b, "is damaged, which index [bad] needs");
    open_it(&b);
    the_good_one_goes_on(&b);
    is_refused(&b, "bad", "write-ahead log");
    close_it(&b);
    check_names(&b, "tail.log");
    open_it(&b);
    serves(&b, "good", 5);
    is_refused(&b, "bad", "tail.log");
    close_it(&b);
    /* Whoever takes the file away accepts what is missing, when the log has let go of it too. */
    open_it(&b);
    for (int i = 10; i < 60; i++)
        (void)write_to(&b, "good", arena_printf(b.mem, "%d", i).p);
    assert_int_equal(engine_flush(b.engine, STR("good"), &err), 0);
    close_it(&b);
    assert_int_equal(vfs_remove(b.fs, path_join(b.mem, dir, STR("tail.log")), &err), 0);
    open_it(&b);
    serves(&b, "bad", 2);
    bed_deinit(&b);
}

static void test_log(void **state)
{
    (void)state;
    log_is_damaged(false);
    log_is_damaged(true);
}

/* Damage that a write meets before the background has set the segment aside: neither a second copy
 * nor a wrong version. Then the damage goes (it was in memory only), and the copy stays out. */
static void test_write_meets_damage(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    bed_init(&b, false);
    struct str segment = path_join(b.mem, folder_find(&b, "good"), STR("1.seg"));
    byte_flip(&b, segment, 20);
    open_it(&b);
    struct doc_result result = write_to(&b, "good", "1");
    assert_int_equal(result.outcome, DOC_FAILED);
    assert_int_equal(result.err->code, ERR_UNAVAILABLE);
    assert_non_null(strstr(result.err->text, "1.seg"));
    assert_int_equal(engine_flush(b.engine, STR("good"), &err), 0);
    byte_flip(&b, segment, 20);
    assert_int_equal(engine_tick(b.engine, &err), 0);
    assert_int_equal(stats_of(&b, "good").damaged_count, 1);
    assert_int_equal(write_to(&b, "good", "1").outcome, DOC_CREATED);
    close_it(&b);
    open_it(&b);
    assert_int_equal(stats_of(&b, "good").damaged_count, 1);
    serves(&b, "good", 3); /* 3 and 4, and 1 anew */
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest), cmocka_unit_test(test_frames_that_cannot_be_applied),
        cmocka_unit_test(test_manifest_without_identity), cmocka_unit_test(test_log),
        cmocka_unit_test(test_write_meets_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
