/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "os/vfs.h"

#define MAP_BYTES (64 * 4096u)

static struct vfs_file *file_of(struct test *t, const char *name)
{
    struct vfs_file *file = NULL;
    char *bytes = arena_alloc(t->mem, MAP_BYTES);
    memset(bytes, 'x', MAP_BYTES);
    assert_ok(vfs_open(vfs_posix(), path_join(t->mem, test_dir(t), str_from(name)),
                       VFS_READ | VFS_WRITE | VFS_CREATE, &file, &t->err),
              &t->err);
    assert_ok(vfs_write_at(file, 0, bytes, MAP_BYTES, &t->err), &t->err);
    return file;
}

static void a_cut_file_reads_as_zeros_and_is_lost(struct test *t)
{
    struct vfs_file *file = file_of(t, "a"), *other = file_of(t, "b");
    const void *p, *q;
    assert_ok(vfs_map(file, MAP_BYTES, &p, &t->err), &t->err);
    assert_ok(vfs_map(other, MAP_BYTES, &q, &t->err), &t->err);
    const volatile char *bytes = p;
    assert_int_equal(bytes[MAP_BYTES - 1], 'x');
    assert_false(vfs_map_is_lost(vfs_posix(), p));
    assert_ok(vfs_truncate(file, 5000, &t->err), &t->err);
    assert_int_equal(bytes[4999], 'x');
    for (size_t at = 2 * 4096; at < MAP_BYTES; at += 1000)
        assert_int_equal(bytes[at], 0);
    assert_true(vfs_map_is_lost(vfs_posix(), p));
    assert_false(vfs_map_is_lost(vfs_posix(), q));
    vfs_unmap(vfs_posix(), p, MAP_BYTES);
    vfs_unmap(vfs_posix(), q, MAP_BYTES);
    vfs_close(file);
    vfs_close(other);
}

static void many_mappings_come_and_go(struct test *t)
{
    enum { COUNT = 700 };
    struct vfs_file *file = file_of(t, "m");
    const void **maps = ARENA_ARRAY(t->mem, const void *, COUNT);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++)
            assert_ok(vfs_map(file, MAP_BYTES, &maps[i], &t->err), &t->err);
        assert_ok(vfs_truncate(file, 0, &t->err), &t->err);
        for (size_t i = 0; i < COUNT; i += 7) {
            assert_int_equal(((const volatile char *)maps[i])[i * 64], 0);
            assert_true(vfs_map_is_lost(vfs_posix(), maps[i]));
            assert_false(vfs_map_is_lost(vfs_posix(), maps[i + 1 < COUNT ? i + 1 : i - 1]));
        }
        for (size_t i = 0; i < COUNT; i++)
            vfs_unmap(vfs_posix(), maps[i], MAP_BYTES);
        assert_ok(vfs_truncate(file, MAP_BYTES, &t->err), &t->err);
    }
    vfs_close(file);
}

/* A mapping that is not ours: the signal does what it did before. */
static void other_mappings_still_end_the_process(struct test *t)
{
    struct vfs_file *file = file_of(t, "o");
    const void *ours;
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGBUS, SIG_DFL); /* the test's own */
        FILE *other = tmpfile();
        if (vfs_map(file, MAP_BYTES, &ours, NULL) < 0 || !other ||
            ftruncate(fileno(other), 4096) < 0)
            _exit(1);
        const volatile char *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(other), 0);
        _exit(p == MAP_FAILED ? 1 : p[4096] + 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    vfs_close(file);
}

TEST_MAIN(TEST(a_cut_file_reads_as_zeros_and_is_lost), TEST(many_mappings_come_and_go),
          TEST(other_mappings_still_end_the_process))
