/* SPDX-License-Identifier: Apache-2.0 */
#include "index/wal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"

struct replayed {
    uint64_t count, first, last, bytes, damaged;
};

static int replay(void *arg, const struct wal_frame *frame, struct err *err)
{
    struct replayed *r = arg;
    (void)err;
    if (r->count++ == 0)
        r->first = frame->seq;
    r->last = frame->seq;
    r->bytes += frame->payload.n;
    r->damaged += frame->is_damaged;
    assert_int_equal(frame->index_id, 77);
    assert_int_equal(frame->kind, WAL_DOCS);
    return 0;
}

static int open_wal(struct vfs *fs, uint64_t file_bytes, struct wal **wal, struct replayed *r,
                    struct err *err)
{
    *r = (struct replayed){0};
    struct wal_config config = {
        .fs = fs, .dir = STR("d/wal"), .file_bytes_max = file_bytes, .replay = replay, .arg = r};
    return wal_open(&config, wal, err);
}

static void must_open(struct vfs *fs, uint64_t file_bytes, struct wal **wal, struct replayed *r)
{
    struct err err = {0};
    if (open_wal(fs, file_bytes, wal, r, &err) < 0)
        fail_msg("%s", err.text);
}

/* Every second payload comes with room for its head. */
static uint64_t append(struct wal *wal, struct str payload)
{
    static const char head[WAL_FRAME_HEAD];
    static unsigned turn;
    struct wal_frame frame = {
        .index_id = 77, .kind = WAL_DOCS, .record_count = 1, .payload = payload};
    struct err err = {0};
    struct buf framed;
    uint64_t seq;
    buf_init(&framed, 0);
    buf_add(&framed, head, sizeof(head));
    buf_add_str(&framed, payload);
    int rc = turn++ % 2 ? wal_append_framed(wal, &frame, &framed, &seq, &err)
                        : wal_append(wal, &frame, &seq, &err);
    if (rc < 0)
        fail_msg("%s", err.text);
    buf_deinit(&framed);
    return seq;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct wal *wal;
    struct replayed r;
    must_open(fs, 0, &wal, &r);
    assert_int_equal(r.count, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(append(wal, STR("payload")), i + 1);
    assert_int_equal(wal_commit(wal, 3, NULL), 0); /* one commit takes all that is pending */
    wal_close(wal);
    must_open(fs, 0, &wal, &r);
    assert_int_equal(r.count, 5);
    assert_int_equal(r.bytes, 35);
    assert_int_equal(wal_next_seq(wal), 6);
    (void)append(wal, STR("lost")); /* never committed */
    wal_close(wal);
    must_open(fs, 0, &wal, &r);
    assert_int_equal(r.count, 5);
    wal_close(wal);
    vfs_mem_free(fs);
}

static void test_rotation(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct arena *mem = arena_new(0);
    struct wal *wal;
    struct replayed r;
    struct vfs_entry *entries;
    size_t count;
    must_open(fs, 200, &wal, &r);
    for (int i = 0; i < 20; i++)
        assert_int_equal(wal_commit(wal, append(wal, STR("some bytes of payload")), NULL), 0);
    assert_int_equal(vfs_list(fs, STR("d/wal"), mem, &entries, &count, NULL), 0);
    assert_int_equal(count, 7);
    assert_int_equal(wal_truncate(wal, 11, NULL), 0);
    wal_close(wal);
    must_open(fs, 200, &wal, &r);
    assert_int_equal(r.first, 10); /* the file that holds 11 begins with it */
    assert_int_equal(r.last, 20);
    assert_int_equal(wal_truncate(wal, 21, NULL), 0);
    wal_close(wal);
    must_open(fs, 200, &wal, &r);
    assert_int_equal(wal_next_seq(wal), 21); /* the last file stays and carries the sequence */
    wal_close(wal);
    arena_free(mem);
    vfs_mem_free(fs);
}

static struct str only_file(struct vfs *fs, struct arena *mem)
{
    struct vfs_entry *entries;
    size_t count;
    assert_int_equal(vfs_list(fs, STR("d/wal"), mem, &entries, &count, NULL), 0);
    assert_int_equal(count, 1);
    return path_join(mem, STR("d/wal"), entries[0].name);
}

/* Frames of 48 + 10 bytes from byte 32 on; each committed by itself. */
static void test_damage(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        bool is_cut;
        int64_t frames;
        uint64_t damaged;
    } rows[] = {
        /* Cut or flipped in the last frame: a torn tail. */
        {32 + 58 * 5 - 1, true, 4, 0},
        {32 + 58 * 4 + 1, true, 4, 0},
        {32 + 58 * 4, true, 4, 0},
        {32 + 58 * 4 + 50, false, 4, 0},
        {32 + 58 * 4 + 10, false, 4, 0},
        /* Flipped before it: the last frame says that this one had been on disk. */
        {32 + 58 * 2 + 50, false, 5, 1},
        {32 + 58 * 2 + 10, false, -1, 0},
        {32 + 5, false, -1, 0},
        {10, false, -1, 0},
        {32, true, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct vfs *fs = vfs_mem_new();
        struct arena *mem = arena_new(0);
        struct wal *wal;
        struct replayed r;
        struct vfs_file *file;
        struct err err = {0};
        must_open(fs, 0, &wal, &r);
        for (int k = 0; k < 5; k++)
            assert_int_equal(wal_commit(wal, append(wal, STR("0123456789")), NULL), 0);
        wal_close(wal);
        assert_int_equal(vfs_open(fs, only_file(fs, mem), VFS_READ | VFS_WRITE, &file, &err), 0);
        if (rows[i].is_cut) {
            assert_int_equal(vfs_truncate(file, rows[i].at, &err), 0);
        } else {
            uint8_t byte;
            size_t n;
            assert_int_equal(vfs_read_at(file, rows[i].at, &byte, 1, &n, &err), 0);
            byte ^= 4;
            assert_int_equal(vfs_write_at(file, rows[i].at, &byte, 1, &err), 0);
        }
        vfs_close(file);
        int rc = open_wal(fs, 0, &wal, &r, &err);
        if (rc != (rows[i].frames < 0 ? -ERR_CORRUPT : 0) ||
            (rc == 0 && ((int64_t)r.count != rows[i].frames || r.damaged != rows[i].damaged)))
            fail_msg("row %zu: %d, %llu frames, %llu damaged", i, rc, (unsigned long long)r.count,
                     (unsigned long long)r.damaged);
        if (rc == 0) {
            /* What was cut is written over. */
            assert_int_equal(wal_commit(wal, append(wal, STR("new")), NULL), 0);
            wal_close(wal);
            must_open(fs, 0, &wal, &r);
            assert_int_equal(r.count, rows[i].frames + 1);
            wal_close(wal);
        }
        arena_free(mem);
        vfs_mem_free(fs);
    }
}

/* A crash while a new file is made leaves one without a head. The frames in the files before it are
 * still needed: they were acknowledged, and nothing says that they were flushed. */
static void test_headless_last_file(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct wal *wal;
    struct replayed r;
    struct err err = {0};
    must_open(fs, 0, &wal, &r);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wal_commit(wal, append(wal, STR("payload")), NULL), 0);
    wal_close(wal);
    assert_int_equal(vfs_write_file(fs, STR("d/wal/0000000000000006.log"), STR("NARUW"), &err), 0);
    for (int i = 0; i < 3; i++) {
        must_open(fs, 0, &wal, &r);
        assert_int_equal(r.count, 5 + i);
        assert_int_equal(wal_commit(wal, append(wal, STR("more")), NULL), 0);
        wal_close(wal);
    }
    vfs_mem_free(fs);
}

static int head_see(void *arg, const struct wal_frame *frame, struct err *err)
{
    struct replayed *r = arg;
    (void)err;
    r->count++;
    r->last = frame->seq;
    assert_int_equal(frame->index_id, 77);
    return 0;
}

static int file_see(void *arg, const struct wal_frame *frames, size_t count, struct err *err)
{
    struct replayed *r = arg;
    (void)err;
    for (size_t i = 0; i < count; i++)
        r->bytes += frames[i].payload.n;
    r->count += count;
    return 0;
}

/* What was there at the opening is read while new frames come. */
static void test_replay_later(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct arena *mem = arena_new(0);
    char *large = arena_alloc(mem, 100000);
    struct wal *wal;
    struct replayed r;
    struct err err = {0};
    memset(large, 'x', 100000);
    must_open(fs, 250000, &wal, &r);
    for (int i = 0; i < 12; i++)
        (void)append(wal, (struct str){large, i % 3 == 0 ? 100000 : 10});
    assert_int_equal(wal_commit(wal, 12, NULL), 0);
    wal_close(wal);
    struct wal_config config = {.fs = fs, .dir = STR("d/wal"), .file_bytes_max = 1000};
    assert_int_equal(wal_open(&config, &wal, &err), 0);
    assert_int_equal(wal_next_seq(wal), 13);
    for (int i = 0; i < 4; i++)
        assert_int_equal(wal_commit(wal, append(wal, STR("later")), NULL), 0);
    r = (struct replayed){0};
    assert_int_equal(wal_replay_heads(wal, head_see, &r, &err), 0);
    assert_int_equal(r.count, 12);
    assert_int_equal(r.last, 12);
    r = (struct replayed){0};
    assert_int_equal(wal_replay(wal, file_see, &r, &err), 0);
    assert_int_equal(r.count, 12);
    assert_int_equal(r.bytes, 4 * 100000 + 8 * 10);
    struct err reason;
    (void)err_set(&reason, ERR_CORRUPT, "damaged");
    wal_fail(wal, &reason);
    assert_int_equal(wal_state(wal, &err), -ERR_READ_ONLY);
    wal_close(wal);
    must_open(fs, 0, &wal, &r);
    assert_int_equal(r.count, 16);
    wal_close(wal);
    arena_free(mem);
    vfs_mem_free(fs);
}

static void test_failed_sync_is_final(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct wal *wal;
    struct replayed r;
    struct err err = {0};
    must_open(fs, 0, &wal, &r);
    uint64_t seq = append(wal, STR("x"));
    vfs_mem_fail_at(fs, 2, VFS_FAULT_EIO, false); /* the write, then the sync */
    assert_int_equal(wal_commit(wal, seq, &err), -ERR_IO);
    assert_int_equal(wal_commit(wal, seq, &err),
                     -ERR_IO); /* not tried again, though the disk is well */
    assert_int_equal(wal_state(wal, &err), -ERR_READ_ONLY);
    assert_int_equal(wal_heal(wal, &err), -ERR_READ_ONLY);
    struct wal_frame frame = {.index_id = 77, .kind = WAL_DOCS, .payload = STR("y")};
    assert_int_equal(wal_append(wal, &frame, &seq, &err), -ERR_READ_ONLY);
    wal_close(wal);
    vfs_mem_free(fs);
}

static void test_full_disk_heals(void **state)
{
    (void)state;
    struct vfs *fs = vfs_mem_new();
    struct wal *wal;
    struct replayed r;
    struct err err = {0};
    must_open(fs, 0, &wal, &r);
    assert_int_equal(wal_commit(wal, append(wal, STR("first")), &err), 0);
    uint64_t seq = append(wal, STR("second"));
    vfs_mem_fail_at(fs, 1, VFS_FAULT_ENOSPC, true);
    assert_int_equal(wal_commit(wal, seq, &err), -ERR_IO);
    assert_int_equal(wal_state(wal, &err), -ERR_DISK_FULL);
    assert_int_equal(wal_heal(wal, &err), -ERR_DISK_FULL);
    vfs_mem_fail_at(fs, 0, VFS_FAULT_NONE, false);
    assert_int_equal(wal_heal(wal, &err), 0);
    assert_int_equal(wal_commit(wal, append(wal, STR("third")), &err), 0);
    wal_close(wal);
    must_open(fs, 0, &wal, &r);
    assert_int_equal(r.count, 3);
    wal_close(wal);
    vfs_mem_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_headless_last_file),
        cmocka_unit_test(test_replay_later),   cmocka_unit_test(test_failed_sync_is_final),
        cmocka_unit_test(test_full_disk_heals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
