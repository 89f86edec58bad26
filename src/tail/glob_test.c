/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "tail/glob.h"

#define MATCHES(p, s) assert_true(tail_glob_match(STR(p), STR(s)))
#define DIFFERS(p, s) assert_false(tail_glob_match(STR(p), STR(s)))

static void one_part(struct test *t)
{
    (void)t;
    MATCHES("a.log", "a.log");
    MATCHES("*", "");
    MATCHES("*.log", "a.b.log");
    MATCHES("a*b*c", "axxbyyc");
    DIFFERS("a*b*c", "axxbyy");
    MATCHES("?x", "ax");
    DIFFERS("?x", "x");
    MATCHES("[a-c]1", "b1");
    DIFFERS("[a-c]1", "d1");
    MATCHES("[^a-c]1", "d1");
    MATCHES("[]]", "]");
    MATCHES("\\*", "*");
    DIFFERS("\\*", "a");
    MATCHES("*[0-9]", "app.log.7");
    DIFFERS("*.log", "a.log.1");
    MATCHES("**a", "xxa");
}

static struct str found(struct test *t, struct vfs *fs, const char *pattern)
{
    struct tail_paths paths = {0};
    struct buf out;
    buf_init(&out, 0);
    assert_ok(tail_glob(fs, str_from(pattern), true, t->mem, &paths, NULL, NULL, &t->err), &t->err);
    tail_paths_sort(&paths);
    for (size_t i = 0; i < paths.count; i++)
        buf_printf(&out, "%.*s ", STR_ARG(paths.items[i]));
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void folders(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    static const char *const files[] = {"/l/a.log", "/l/b.log", "/l/x/a.log", "/l/x/y/a.log",
                                        "/l/x/y/b.txt"};
    assert_ok(vfs_make_dir(fs, STR("/l/x/y"), &t->err), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        assert_ok(vfs_write_file(fs, str_from(files[i]), STR("x"), &t->err), &t->err);
    assert_str_eq(found(t, fs, "/l/a.log"), "/l/a.log ");
    assert_str_eq(found(t, fs, "/l/none.log"), "");
    assert_str_eq(found(t, fs, "/none/*.log"), "");
    assert_str_eq(found(t, fs, "/l/*.log"), "/l/a.log /l/b.log ");
    assert_str_eq(found(t, fs, "/l/*/*.log"), "/l/x/a.log ");
    assert_str_eq(found(t, fs, "/*/x/*/a.log"), "/l/x/y/a.log ");
    assert_str_eq(found(t, fs, "/l/**/a.log"), "/l/a.log /l/x/a.log /l/x/y/a.log ");
    assert_str_eq(found(t, fs, "/**/y/*.txt"), "/l/x/y/b.txt ");
    assert_str_eq(found(t, fs, "/l/x/**"), "/l/x/a.log /l/x/y /l/x/y/a.log /l/x/y/b.txt ");
    vfs_mem_free(fs);
}

static void whole_paths(struct test *t)
{
    (void)t;
    assert_true(tail_glob_path(STR("/l/*.log"), STR("/l/a.log"), true));
    assert_false(tail_glob_path(STR("/l/*.log"), STR("/l/x/a.log"), true));
    assert_true(tail_glob_path(STR("/l/**/*.log"), STR("/l/a.log"), true));
    assert_true(tail_glob_path(STR("/l/**/*.log"), STR("/l/x/y/a.log"), true));
    assert_false(tail_glob_path(STR("/l/**/*.log"), STR("/l/x/y/a.txt"), true));
    assert_false(tail_glob_path(STR("l/a"), STR("/l/a"), true));
    assert_true(tail_glob_path(STR("./l/a"), STR("l/a"), true));
    assert_true(tail_glob_path(STR("/l/**"), STR("/l/x/y"), true));
    assert_false(tail_glob_path(STR("/l/**/a"), STR("/l/x/y/a"), false));
}

static void bad_patterns(struct test *t)
{
    assert_err(tail_glob_check(STR(""), &t->err), &t->err, ERR_INVALID);
    assert_err(tail_glob_check(STR("/a/[b"), &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "not closed");
    assert_ok(tail_glob_check(STR("/a/[b]"), &t->err), &t->err);
}

TEST_MAIN(TEST(one_part), TEST(folders), TEST(whole_paths), TEST(bad_patterns))
