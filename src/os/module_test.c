/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <dlfcn.h>

#include "os/module.h"
#include "os/vfs.h"

static void a_module_is_found_by_name(struct test *t)
{
    /* Any shared library does for a module: the test takes the one that runs it. */
    Dl_info info;
    assert_true(dladdr(__extension__(void *) cmocka_set_test_filter, &info) != 0);
    assert_int_equal(symlink(info.dli_fname, test_path(t, "some.so").p), 0);
    assert_int_equal(setenv("NARU_MODULES", test_dir(t).p, 1), 0);
    void *symbol = NULL;
    assert_ok(os_module_symbol("some", "cmocka_set_test_filter", &symbol, &t->err), &t->err);
    assert_non_null(symbol);
    assert_err(os_module_symbol("some", "no_such_symbol", &symbol, &t->err), &t->err,
               ERR_UNSUPPORTED);
    assert_err_has(&t->err, "no_such_symbol is missing");
    assert_int_equal(unsetenv("NARU_MODULES"), 0);
}

static void what_is_wrong_is_named(struct test *t)
{
    void *symbol = NULL;
    assert_err(os_module_symbol("none", "x", &symbol, &t->err), &t->err, ERR_NOT_FOUND);
    assert_err_has(&t->err, "none.so is neither in NARU_MODULES nor");
    assert_ok(vfs_write_file(vfs_posix(), test_path(t, "bad.so"), STR("no library"), &t->err),
              &t->err);
    assert_int_equal(setenv("NARU_MODULES", test_dir(t).p, 1), 0);
    assert_err(os_module_symbol("bad", "x", &symbol, &t->err), &t->err, ERR_UNSUPPORTED);
    assert_err_has(&t->err, "the module \"bad\" cannot be loaded: ");
    assert_int_equal(unsetenv("NARU_MODULES"), 0);
}

TEST_MAIN(TEST(a_module_is_found_by_name), TEST(what_is_wrong_is_named))
