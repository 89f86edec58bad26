/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_test.c: one contract, checked on every implementation of vfs.h; then what only the machine's
 * has. */
#include "support/test.h"

#include <fcntl.h>

#include "os/vfs.h"

struct place {
    struct test *t;
    struct vfs *fs;
    struct str dir;
};

static struct str in(struct place *at, const char *name)
{
    return path_join(at->t->mem, at->dir, str_from(name));
}

static struct vfs_file *opened(struct place *at, const char *name, unsigned flags)
{
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(at->fs, in(at, name), flags, &file, &at->t->err), &at->t->err);
    return file;
}

static struct str content(struct place *at, const char *name)
{
    struct str s = STR_NONE;
    assert_ok(vfs_read_file(at->fs, in(at, name), 1 << 20, at->t->mem, &s, &at->t->err),
              &at->t->err);
    return s;
}

static void put(struct place *at, const char *name, const char *text)
{
    assert_ok(vfs_write_file(at->fs, in(at, name), str_from(text), &at->t->err), &at->t->err);
}

static struct str names(struct place *at, const char *name)
{
    struct vfs_entry *entries;
    size_t count;
    assert_ok(vfs_list(at->fs, in(at, name), at->t->mem, &entries, &count, &at->t->err),
              &at->t->err);
    struct str all = STR("");
    for (size_t i = 0; i < count; i++)
        all = arena_printf(at->t->mem, "%.*s%.*s%s ", STR_ARG(all), STR_ARG(entries[i].name),
                           entries[i].kind == VFS_KIND_DIR ? "/" : "");
    return all;
}

static void check_open_flags(struct place *at)
{
    struct err *err = &at->t->err;
    struct vfs_file *file = NULL;
    assert_err(vfs_open(at->fs, in(at, "none"), VFS_READ, &file, err), err, ERR_NOT_FOUND);
    assert_err(vfs_open(at->fs, in(at, "no/dir"), VFS_WRITE | VFS_CREATE, &file, err), err,
               ERR_NOT_FOUND);
    file = opened(at, "a", VFS_WRITE | VFS_CREATE | VFS_EXCLUSIVE);
    size_t n;
    char c;
    assert_err(vfs_read_at(file, 0, &c, 1, &n, err), err, ERR_IO);
    vfs_close(file);
    file = NULL;
    assert_err(vfs_open(at->fs, in(at, "a"), VFS_WRITE | VFS_CREATE | VFS_EXCLUSIVE, &file, err),
               err, ERR_INDEX_EXISTS);
    put(at, "a", "12345");
    file = opened(at, "a", VFS_READ);
    assert_err(vfs_write_at(file, 0, "x", 1, err), err, ERR_IO);
    vfs_close(file);
    vfs_close(opened(at, "a", VFS_WRITE | VFS_CREATE)); /* does not truncate */
    assert_str_eq(content(at, "a"), "12345");
    vfs_close(opened(at, "a", VFS_WRITE | VFS_TRUNCATE));
    assert_str_eq(content(at, "a"), "");
    assert_err(vfs_open(at->fs, at->dir, VFS_READ, &file, err), err, ERR_IO); /* a folder */
    struct str with_nul = {"a\0b", 3};
    if (at->fs == vfs_posix())
        assert_err(vfs_open(at->fs, with_nul, VFS_READ, &file, err), err, ERR_INVALID);
}

static void check_read_write(struct place *at)
{
    struct err *err = &at->t->err;
    struct vfs_file *file = opened(at, "rw", VFS_READ | VFS_WRITE | VFS_CREATE);
    assert_ok(vfs_write_at(file, 3, "def", 3, err), err); /* leaves a hole of zeros */
    char b[8] = "xxxxxxx";
    size_t n = 99;
    assert_ok(vfs_read_at(file, 0, b, 8, &n, err), err);
    assert_int_equal(n, 6);
    assert_memory_equal(b, "\0\0\0defx", 7);
    assert_ok(vfs_write_at(file, 0, "abc", 3, err), err);
    assert_ok(vfs_read_at(file, 6, b, 8, &n, err), err);
    assert_int_equal(n, 0);
    assert_ok(vfs_read_at(file, 1000, b, 8, &n, err), err);
    assert_int_equal(n, 0);
    assert_ok(vfs_sync(file, err), err);
    assert_ok(vfs_truncate(file, 2, err), err);
    assert_ok(vfs_truncate(file, 4, err), err);
    assert_ok(vfs_read_at(file, 0, b, 8, &n, err), err);
    assert_int_equal(n, 4);
    assert_memory_equal(b, "ab\0\0", 4);
    struct vfs_stat st, by_path;
    assert_ok(vfs_file_stat(file, &st, err), err);
    assert_ok(vfs_stat(at->fs, in(at, "rw"), true, &by_path, err), err);
    assert_int_equal(st.size_bytes, 4);
    assert_int_equal(st.kind, VFS_KIND_FILE);
    assert_true(st.inode == by_path.inode && st.device == by_path.device && st.modified_ns > 0);
    vfs_close(file);
    file = opened(at, "rw", VFS_WRITE | VFS_APPEND);
    assert_ok(vfs_write_at(file, 0, "e", 1, err), err);
    assert_ok(vfs_write_at(file, 0, "f", 1, err), err);
    vfs_close(file);
    assert_strs_eq(content(at, "rw"), ((struct str){"ab\0\0ef", 6}));
}

static void check_map(struct place *at)
{
    struct err *err = &at->t->err;
    put(at, "map", "mapped bytes");
    struct vfs_file *file = opened(at, "map", VFS_READ);
    const void *p = NULL, *empty = NULL;
    assert_ok(vfs_map(file, 12, &p, err), err);
    assert_ok(vfs_map(file, 0, &empty, err), err);
    assert_non_null(empty);
    const void *beyond = NULL;
    assert_err(vfs_map(file, 13, &beyond, err), err, ERR_IO);
    vfs_close(file);
    assert_ok(vfs_remove(at->fs, in(at, "map"), err), err);
    assert_memory_equal(p, "mapped bytes", 12); /* valid after close and removal */
    vfs_unmap(at->fs, p, 12);
    vfs_unmap(at->fs, empty, 0);
    vfs_unmap(at->fs, NULL, 5);
}

static void check_names(struct place *at)
{
    struct err *err = &at->t->err;
    assert_ok(vfs_make_dir(at->fs, in(at, "x/y/z"), err), err);
    assert_ok(vfs_make_dir(at->fs, in(at, "x/y/z/"), err), err);
    put(at, "x/file", "1");
    assert_err(vfs_make_dir(at->fs, in(at, "x/file"), err), err, ERR_IO);
    put(at, "x/b", "2");
    put(at, "x/B", "3");
    assert_str_eq(names(at, "x"), "B b file y/ ");
    assert_str_eq(names(at, "x/y/z"), "");
    struct vfs_stat before, after;
    assert_ok(vfs_stat(at->fs, in(at, "x/b"), true, &before, err), err);
    assert_ok(vfs_rename(at->fs, in(at, "x/b"), in(at, "x/y/file"), err), err);
    assert_ok(vfs_stat(at->fs, in(at, "x/y/file"), false, &after, err), err);
    assert_int_equal(before.inode, after.inode);
    assert_ok(vfs_rename(at->fs, in(at, "x/B"), in(at, "x/file"), err), err);
    assert_str_eq(content(at, "x/file"), "3");
    assert_ok(vfs_rename(at->fs, in(at, "x/file"), in(at, "x/file"), err), err);
    assert_str_eq(names(at, "x"), "file y/ ");
    assert_err(vfs_rename(at->fs, in(at, "x/no"), in(at, "x/n"), err), err, ERR_NOT_FOUND);
    assert_err(vfs_rename(at->fs, in(at, "x"), in(at, "x/y/x"), err), err, ERR_IO);
    assert_err(vfs_remove(at->fs, in(at, "x"), err), err, ERR_IO); /* not empty */
    assert_err(vfs_remove(at->fs, in(at, "x/no"), err), err, ERR_NOT_FOUND);
    assert_ok(vfs_remove(at->fs, in(at, "x/y/z"), err), err);
    assert_ok(vfs_remove(at->fs, in(at, "x/y/file"), err), err);
    assert_ok(vfs_rename(at->fs, in(at, "x/y"), in(at, "moved"), err), err);
    assert_ok(vfs_sync_dir(at->fs, at->dir, err), err);
    assert_err(vfs_sync_dir(at->fs, in(at, "x/y"), err), err, ERR_NOT_FOUND);
    struct vfs_entry *entries;
    size_t count;
    assert_err(vfs_list(at->fs, in(at, "x/y"), at->t->mem, &entries, &count, err), err,
               ERR_NOT_FOUND);
    assert_ok(vfs_remove(at->fs, in(at, "x/file"), err), err);
    assert_ok(vfs_remove(at->fs, in(at, "x"), err), err);
    uint64_t bytes = 0;
    assert_ok(vfs_free_bytes(at->fs, at->dir, &bytes, err), err);
    assert_true(bytes > 0);
}

static void check_lock(struct place *at)
{
    struct err *err = &at->t->err;
    struct vfs_file *first = opened(at, "lock", VFS_READ | VFS_WRITE | VFS_CREATE);
    struct vfs_file *second = opened(at, "lock", VFS_READ | VFS_WRITE | VFS_CREATE);
    assert_ok(vfs_lock(first, err), err);
    assert_ok(vfs_lock(first, err), err);
    assert_err(vfs_lock(second, err), err, ERR_LOCKED);
    vfs_close(opened(at, "lock", VFS_READ)); /* closing another descriptor keeps the lock */
    assert_err(vfs_lock(second, err), err, ERR_LOCKED);
    vfs_close(first);
    assert_ok(vfs_lock(second, err), err);
    vfs_close(second);
}

/* A removed or replaced file stays readable through what was open. */
static void check_open_outlives_name(struct place *at)
{
    struct err *err = &at->t->err;
    put(at, "gone", "old");
    struct vfs_file *file = opened(at, "gone", VFS_READ);
    put(at, "gone", "new text");
    char b[8];
    size_t n;
    assert_ok(vfs_read_at(file, 0, b, 8, &n, err), err);
    assert_int_equal(n, 3);
    assert_memory_equal(b, "old", 3);
    vfs_close(file);
    assert_str_eq(content(at, "gone"), "new text");
    assert_str_eq(names(at, ""), "a gone lock moved/ rw "); /* and no .tmp is left */
}

static void check_whole_files(struct place *at)
{
    struct err *err = &at->t->err;
    struct str s;
    put(at, "whole", "0123456789");
    assert_err(vfs_read_file(at->fs, in(at, "whole"), 9, at->t->mem, &s, err), err, ERR_TOO_LARGE);
    assert_ok(vfs_read_file(at->fs, in(at, "whole"), 10, at->t->mem, &s, err), err);
    assert_str_eq(s, "0123456789");
    CLEANUP(arena_free_ptr) struct arena *small = arena_new(16);
    assert_err(vfs_read_file(at->fs, in(at, "whole"), 10, small, &s, err), err, ERR_MEM_LIMIT);
    assert_err(vfs_write_file(at->fs, in(at, "no/such"), STR("x"), err), err, ERR_NOT_FOUND);
    put(at, "empty", "");
    assert_int_equal(content(at, "empty").n, 0);
}

static void contract(struct test *t, struct vfs *fs, struct str dir)
{
    struct place at = {t, fs, dir};
    check_open_flags(&at);
    check_read_write(&at);
    check_map(&at);
    check_names(&at);
    check_lock(&at);
    check_open_outlives_name(&at);
    check_whole_files(&at);
}

static void posix_keeps_the_contract(struct test *t)
{
    contract(t, vfs_posix(), test_dir(t));
}

static void mem_keeps_the_contract(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    contract(t, fs, STR("/"));
    assert_ok(vfs_make_dir(fs, STR("deep/er"), &t->err), &t->err);
    contract(t, fs, STR("./deep//er/../er"));
    vfs_mem_free(fs);
    vfs_mem_free(NULL);
}

static void sim_keeps_the_contract(struct test *t)
{
    struct vfs *fs = vfs_sim_new(t->seed);
    contract(t, fs, STR("/"));
    vfs_sim_free(fs);
    vfs_sim_free(NULL);
}

static void posix_names_the_holder_of_a_lock(struct test *t)
{
    struct place at = {t, vfs_posix(), test_dir(t)};
    put(&at, "pid", "4711\n");
    struct vfs_file *first = opened(&at, "pid", VFS_READ | VFS_WRITE);
    struct vfs_file *second = opened(&at, "pid", VFS_READ | VFS_WRITE);
    assert_ok(vfs_lock(first, &t->err), &t->err);
    assert_err(vfs_lock(second, &t->err), &t->err, ERR_LOCKED);
    assert_err_has(&t->err, "locked by process 4711");
    vfs_close(first);
    vfs_close(second);
}

static void posix_handles_links(struct test *t)
{
    struct place at = {t, vfs_posix(), test_dir(t)};
    put(&at, "real", "text");
    assert_int_equal(symlink("real", test_path(t, "link").p), 0);
    assert_str_eq(content(&at, "link"), "text");
    struct vfs_stat st;
    assert_ok(vfs_stat(at.fs, in(&at, "link"), false, &st, &t->err), &t->err);
    assert_int_equal(st.kind, VFS_KIND_LINK);
    assert_ok(vfs_stat(at.fs, in(&at, "link"), true, &st, &t->err), &t->err);
    assert_int_equal(st.kind, VFS_KIND_FILE);
    struct vfs_file *file = NULL;
    assert_err(vfs_open(at.fs, in(&at, "link"), VFS_READ | VFS_NOFOLLOW, &file, &t->err), &t->err,
               ERR_IO);
    assert_ok(vfs_remove(at.fs, in(&at, "link"), &t->err), &t->err);
    assert_str_eq(content(&at, "real"), "text");
}

static void posix_reports_a_full_disk(struct test *t)
{
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(vfs_posix(), STR("/dev/full"), VFS_WRITE, &file, &t->err), &t->err);
    assert_err(vfs_write_at(file, 0, "x", 1, &t->err), &t->err, ERR_DISK_FULL);
    assert_err_has(&t->err, "cannot write \"/dev/full\": No space left on device");
    vfs_close(file);
}

static void posix_reads_files_without_a_size(struct test *t)
{
    struct str s;
    assert_ok(vfs_read_file(vfs_posix(), STR("/proc/self/status"), 1 << 16, t->mem, &s, &t->err),
              &t->err);
    assert_str_has(s, "VmRSS");
    assert_err(vfs_read_file(vfs_posix(), STR("/proc/self/status"), 20, t->mem, &s, &t->err),
               &t->err, ERR_TOO_LARGE);
}

static void posix_descriptors_do_not_survive_exec(struct test *t)
{
    struct place at = {t, vfs_posix(), test_dir(t)};
    put(&at, "f", "x");
    int next = dup(0); /* the number that the next open gets */
    assert_true(next >= 0);
    (void)close(next);
    struct vfs_file *file = opened(&at, "f", VFS_READ);
    assert_true(fcntl(next, F_GETFD) & FD_CLOEXEC);
    vfs_close(file);
}

static void paths_are_joined_and_cut(struct test *t)
{
    static const struct {
        const char *a, *b, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"},
                 {"a", "/b", "/b"}, {"a//", "", "a/"},  {"", "", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(joins); i++)
        assert_str_eq(path_join(t->mem, str_from(joins[i].a), str_from(joins[i].b)),
                      joins[i].joined);
    static const struct {
        const char *path, *dir, *name;
    } cuts[] = {{"a/b", "a", "b"},  {"a", ".", "a"},    {"/a", "/", "a"},        {"/", "/", ""},
                {"a/b/", "a", "b"}, {"a//b", "a", "b"}, {"/a/b/c", "/a/b", "c"}, {"", ".", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(cuts); i++) {
        assert_str_eq(path_dir(str_from(cuts[i].path)), cuts[i].dir);
        assert_str_eq(path_name(str_from(cuts[i].path)), cuts[i].name);
    }
}

TEST_MAIN(TEST(posix_keeps_the_contract), TEST(mem_keeps_the_contract),
          TEST(sim_keeps_the_contract), TEST(posix_names_the_holder_of_a_lock),
          TEST(posix_handles_links), TEST(posix_reports_a_full_disk),
          TEST(posix_reads_files_without_a_size), TEST(posix_descriptors_do_not_survive_exec),
          TEST(paths_are_joined_and_cut))
