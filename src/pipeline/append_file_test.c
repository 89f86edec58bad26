/* SPDX-License-Identifier: Apache-2.0 */
/* append_file_test.c: only whole lines, over faults, half lines of a crash, rotation and removal.
 */
#include "support/test.h"

#include "pipeline/append_file.h"
#include "support/fault.h"

struct seen {
    uint64_t bytes;
    size_t count;
};

static void on_repair(void *owner, struct str path, uint64_t bytes, struct str begin)
{
    struct seen *seen = owner;
    (void)path;
    (void)begin;
    seen->bytes = bytes;
    seen->count++;
}

static struct append_files *files_new(struct vfs *fs, struct seen *seen)
{
    return append_files_new(&(struct append_files_config){.fs = fs,
                                                          .line_end = '\n',
                                                          .create_if_deleted = true,
                                                          .repaired = seen ? on_repair : NULL,
                                                          .owner = seen});
}

static struct str content(struct test *t, struct vfs *fs, const char *path)
{
    struct str s = STR_NONE;
    assert_ok(vfs_read_file(fs, str_from(path), MIB, t->mem, &s, &t->err), &t->err);
    return s;
}

static void appends_and_makes_folders(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct append_files *files = files_new(fs, NULL);
    assert_ok(append_files_write(files, STR("d/e/a.csv"), STR("1\n"), &t->err), &t->err);
    assert_ok(append_files_write(files, STR("d/e/a.csv"), STR("2\n3\n"), &t->err), &t->err);
    assert_ok(append_files_write(files, STR("d/b.csv"), STR("x\n"), &t->err), &t->err);
    assert_str_eq(content(t, fs, "d/e/a.csv"), "1\n2\n3\n");
    assert_str_eq(content(t, fs, "d/b.csv"), "x\n");
    append_files_free(files);
    vfs_mem_free(fs);
}

static void cuts_a_half_line(struct test *t)
{
    static const struct {
        const char *before, *after;
        uint64_t cut;
    } rows[] = {{"", "new\n", 0},
                {"a\n", "a\nnew\n", 0},
                {"a\nhal", "a\nnew\n", 3},
                {"half", "new\n", 4},
                {"a\n\n", "a\n\nnew\n", 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct vfs *fs = vfs_mem_new();
        struct seen seen = {0};
        assert_ok(vfs_write_file(fs, STR("a"), str_from(rows[i].before), &t->err), &t->err);
        struct append_files *files = files_new(fs, &seen);
        assert_ok(append_files_write(files, STR("a"), STR("new\n"), &t->err), &t->err);
        assert_str_eq(content(t, fs, "a"), rows[i].after);
        assert_int_equal(seen.bytes, rows[i].cut);
        assert_int_equal(seen.count, rows[i].cut > 0);
        append_files_free(files);
        vfs_mem_free(fs);
    }
}

/* A half line longer than one look back. */
static void cuts_a_long_half_line(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    size_t n = 200000;
    char *long_line = arena_alloc(t->mem, n);
    memset(long_line, 'x', n);
    long_line[1] = '\n';
    assert_ok(vfs_write_file(fs, STR("a"), (struct str){long_line, n}, &t->err), &t->err);
    struct append_files *files = files_new(fs, NULL);
    assert_ok(append_files_write(files, STR("a"), STR("y\n"), &t->err), &t->err);
    assert_str_eq(content(t, fs, "a"), "x\ny\n");
    append_files_free(files);
    vfs_mem_free(fs);
}

static void follows_rotation(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct append_files *files = files_new(fs, NULL);
    assert_ok(append_files_write(files, STR("a"), STR("1\n"), &t->err), &t->err);
    assert_ok(vfs_rename(fs, STR("a"), STR("a.1"), &t->err), &t->err);
    assert_ok(append_files_write(files, STR("a"), STR("2\n"), &t->err), &t->err);
    assert_str_eq(content(t, fs, "a.1"), "1\n");
    assert_str_eq(content(t, fs, "a"), "2\n");
    assert_ok(vfs_write_file(fs, STR("a"), STR("new file\n"), &t->err), &t->err);
    append_files_reopen(files);
    assert_ok(append_files_write(files, STR("a"), STR("3\n"), &t->err), &t->err);
    assert_str_eq(content(t, fs, "a"), "new file\n3\n");
    append_files_free(files);
    vfs_mem_free(fs);
}

static void removed_file(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct append_files *files =
        append_files_new(&(struct append_files_config){.fs = fs, .line_end = '\n'});
    assert_ok(append_files_write(files, STR("a"), STR("1\n"), &t->err), &t->err);
    assert_ok(vfs_remove(fs, STR("a"), &t->err), &t->err);
    assert_err(append_files_write(files, STR("a"), STR("2\n"), &t->err), &t->err, ERR_NOT_FOUND);
    assert_err_has(&t->err, "create_if_deleted");
    append_files_free(files);
    vfs_mem_free(fs);
}

static void many_paths(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct append_files *files = files_new(fs, NULL);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 150; i++)
            assert_ok(
                append_files_write(files, arena_printf(t->mem, "f%d", i), STR("l\n"), &t->err),
                &t->err);
    assert_str_eq(content(t, fs, "f0"), "l\nl\n");
    assert_str_eq(content(t, fs, "f149"), "l\nl\n");
    append_files_free(files);
    vfs_mem_free(fs);
}

/* Whatever fails: what was reported as written is there, and the file holds whole lines, after a
 * retry each line once, unless undoing the failed write failed too, which the error tells. */
static void faults_leave_whole_lines(struct test *t)
{
    FAULT_LOOP(f)
    {
        struct append_files *files = files_new(f.fs, NULL);
        assert_ok(append_files_write(files, STR("a"), STR("one\n"), &t->err), &t->err);
        fault_arm(&f);
        int rc = append_files_write(files, STR("a"), STR("two\nthree\n"), &t->err);
        bool was_hit = fault_disarm(&f);
        assert_true(was_hit || rc == 0);
        bool not_undone = rc < 0 && strstr(t->err.text, "could not be undone");
        if (rc < 0)
            assert_ok(append_files_write(files, STR("a"), STR("two\nthree\n"), &t->err), &t->err);
        struct str got = content(t, f.fs, "a");
        if (!not_undone)
            assert_str_eq(got, "one\ntwo\nthree\n");
        assert_true(str_ends_with(got, STR("two\nthree\n")));
        append_files_free(files);
    }
}

TEST_MAIN(TEST(appends_and_makes_folders), TEST(cuts_a_half_line), TEST(cuts_a_long_half_line),
          TEST(follows_rotation), TEST(removed_file), TEST(many_paths),
          TEST(faults_leave_whole_lines))
