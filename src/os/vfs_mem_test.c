/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "os/vfs.h"
#include "support/fault.h"

static struct vfs_file *opened(struct test *t, struct vfs *fs, const char *path, unsigned flags)
{
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(fs, str_from(path), flags, &file, &t->err), &t->err);
    return file;
}

static void the_nth_call_fails_once_or_for_good(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct vfs_file *file = opened(t, fs, "f", VFS_READ | VFS_WRITE | VFS_CREATE);
    assert_int_equal(vfs_mem_calls(fs), 1);
    vfs_mem_fail_at(fs, 2, VFS_FAULT_EIO, false);
    assert_int_equal(vfs_mem_calls(fs), 0);
    assert_ok(vfs_write_at(file, 0, "a", 1, &t->err), &t->err);
    assert_err(vfs_write_at(file, 1, "b", 1, &t->err), &t->err, ERR_IO);
    assert_ok(vfs_write_at(file, 1, "c", 1, &t->err), &t->err);
    vfs_mem_fail_at(fs, 1, VFS_FAULT_EIO, true);
    assert_err(vfs_sync(file, &t->err), &t->err, ERR_IO);
    assert_err(vfs_sync(file, &t->err), &t->err, ERR_IO);
    struct vfs_stat st;
    assert_err(vfs_stat(fs, STR("f"), true, &st, &t->err), &t->err, ERR_IO);
    vfs_mem_fail_at(fs, 0, VFS_FAULT_NONE, false);
    assert_ok(vfs_file_stat(file, &st, &t->err), &t->err);
    assert_int_equal(st.size_bytes, 2);
    vfs_close(file);
    vfs_mem_free(fs);
}

static void a_full_disk_can_be_read(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct vfs_file *file = opened(t, fs, "f", VFS_READ | VFS_WRITE | VFS_CREATE);
    assert_ok(vfs_write_at(file, 0, "old", 3, &t->err), &t->err);
    vfs_mem_fail_at(fs, 1, VFS_FAULT_ENOSPC, true);
    char b[8];
    size_t n;
    assert_ok(vfs_read_at(file, 0, b, 8, &n, &t->err), &t->err);
    assert_err(vfs_write_at(file, 0, "new", 3, &t->err), &t->err, ERR_DISK_FULL);
    assert_err(vfs_make_dir(fs, STR("d"), &t->err), &t->err, ERR_DISK_FULL);
    assert_ok(vfs_remove(fs, STR("f"), &t->err), &t->err);
    vfs_close(file);
    vfs_mem_free(fs);
}

static void a_short_write_leaves_its_half(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct vfs_file *file = opened(t, fs, "f", VFS_WRITE | VFS_CREATE);
    vfs_mem_fail_at(fs, 1, VFS_FAULT_SHORT_WRITE, false);
    assert_err(vfs_write_at(file, 0, "12345678", 8, &t->err), &t->err, ERR_DISK_FULL);
    vfs_close(file);
    struct str s;
    assert_ok(vfs_read_file(fs, STR("f"), 100, t->mem, &s, &t->err), &t->err);
    assert_str_eq(s, "1234");
    vfs_mem_free(fs);
}

static void free_bytes_are_used_and_given_back(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    vfs_mem_set_free_bytes(fs, 10);
    struct vfs_file *file = opened(t, fs, "f", VFS_WRITE | VFS_CREATE);
    assert_ok(vfs_write_at(file, 0, "12345678", 8, &t->err), &t->err);
    assert_ok(vfs_write_at(file, 0, "abcdefgh", 8, &t->err), &t->err); /* overwriting takes none */
    assert_err(vfs_write_at(file, 8, "123", 3, &t->err), &t->err, ERR_DISK_FULL);
    assert_err(vfs_truncate(file, 11, &t->err), &t->err, ERR_DISK_FULL);
    assert_ok(vfs_truncate(file, 4, &t->err), &t->err);
    uint64_t bytes;
    assert_ok(vfs_free_bytes(fs, STR("/"), &bytes, &t->err), &t->err);
    assert_int_equal(bytes, 6);
    assert_ok(vfs_remove(fs, STR("f"), &t->err), &t->err);
    assert_ok(vfs_free_bytes(fs, STR("/"), &bytes, &t->err), &t->err);
    assert_int_equal(bytes, 6); /* still open */
    vfs_close(file);
    assert_ok(vfs_free_bytes(fs, STR("/"), &bytes, &t->err), &t->err);
    assert_int_equal(bytes, 10);
    vfs_mem_free(fs);
}

/* vfs_write_file under every fault: the file is the old or the new one, never a mixture. */
static void write_file_is_atomic_under_faults(struct test *t)
{
    unsigned rounds = 0, failures = 0;
    FAULT_LOOP(f)
    {
        assert_ok(vfs_write_file(f.fs, STR("dir"), STR("old content"), &t->err), &t->err);
        fault_arm(&f);
        int rc = vfs_write_file(f.fs, STR("dir"), STR("new"), &t->err);
        bool was_hit = fault_disarm(&f);
        assert_true(was_hit || rc == 0);
        struct str s;
        assert_ok(vfs_read_file(f.fs, STR("dir"), 100, t->mem, &s, &t->err), &t->err);
        if (rc == 0)
            assert_str_eq(s, "new");
        else if (!str_is(s, "new")) /* the rename may have come before the failure */
            assert_str_eq(s, "old content");
        rounds++;
        failures += rc < 0;
    }
    assert_int_equal(rounds,
                     6 * 6); /* open write sync rename sync_dir, and one round without; six kinds */
    assert_true(failures >= 18);
}

struct writer {
    struct vfs *fs;
    struct vfs_file *file;
    unsigned id;
};

static void *write_stripes(void *p)
{
    struct writer *writer = p;
    char c = (char)('a' + writer->id);
    for (uint64_t i = 0; i < 500; i++) {
        if (vfs_write_at(writer->file, i * 4 + writer->id, &c, 1, NULL) < 0)
            return p;
    }
    return NULL;
}

static void threads_write_at_disjoint_places(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct vfs_file *file = opened(t, fs, "f", VFS_READ | VFS_WRITE | VFS_CREATE);
    pthread_t threads[4];
    struct writer writers[4];
    for (unsigned i = 0; i < 4; i++) {
        writers[i] = (struct writer){fs, file, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_stripes, &writers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    vfs_close(file);
    struct str s;
    assert_ok(vfs_read_file(fs, STR("f"), 4096, t->mem, &s, &t->err), &t->err);
    assert_int_equal(s.n, 2000);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(s.p[i], 'a' + (int)(i % 4));
    vfs_mem_free(fs);
}

TEST_MAIN(TEST(the_nth_call_fails_once_or_for_good), TEST(a_full_disk_can_be_read),
          TEST(a_short_write_leaves_its_half), TEST(free_bytes_are_used_and_given_back),
          TEST(write_file_is_atomic_under_faults), TEST(threads_write_at_disjoint_places))
