/* SPDX-License-Identifier: Apache-2.0 */
/* stdio_test.c: standard input and output are pipes for the time of a test. */
#include "support/test.h"

#include <fcntl.h>

#include "os/stdio.h"

static void input_is_read_as_it_comes(struct test *t)
{
    int ends[2], kept = dup(STDIN_FILENO);
    assert_true(kept >= 0 && pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    char b[8];
    size_t n = 9;
    assert_err(os_stdin_read(b, 8, 0, &n, &t->err), &t->err, ERR_TIMEOUT);
    assert_err(os_stdin_read(b, 8, NS_PER_MS, &n, &t->err), &t->err, ERR_TIMEOUT);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    assert_ok(os_stdin_read(b, 3, -1, &n, &t->err), &t->err);
    assert_str_eq(((struct str){b, n}), "hel");
    assert_ok(os_stdin_read(b, 8, -1, &n, &t->err), &t->err);
    assert_str_eq(((struct str){b, n}), "lo");
    (void)close(ends[1]);
    assert_ok(os_stdin_read(b, 8, -1, &n, &t->err), &t->err);
    assert_int_equal(n, 0); /* the end */
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    (void)close(kept);
}

static void output_is_written_or_fails_clearly(struct test *t)
{
    int file = open(test_path(t, "out").p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), kept = dup(STDOUT_FILENO);
    (void)fflush(stdout);
    assert_true(file >= 0 && full >= 0 && dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
    int rc = os_stdout_write(STR("some bytes"), &t->err);
    assert_int_equal(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
    struct err err;
    int full_rc = os_stdout_write(STR("x"), &err);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    assert_ok(rc, &t->err);
    assert_err(full_rc, &err, ERR_DISK_FULL);
    char b[16];
    assert_int_equal(pread(file, b, sizeof(b), 0), 10);
    assert_memory_equal(b, "some bytes", 10);
    (void)close(file);
    (void)close(full);
    (void)close(kept);
}

static void discarded_output_goes_nowhere(struct test *t)
{
    int file = open(test_path(t, "out").p, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
        kept = dup(STDOUT_FILENO);
    (void)fflush(stdout);
    assert_true(file >= 0 && kept >= 0 && dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
    printf("before");
    int rc = os_stdout_discard(&t->err);
    int rc_after = os_stdout_write(STR("after"), NULL);
    printf("after");
    (void)fflush(stdout);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(kept);
    assert_ok(rc, &t->err);
    assert_int_equal(rc_after, 0);
    char b[32];
    ssize_t n = pread(file, b, sizeof(b), 0);
    (void)close(file);
    assert_str_eq(((struct str){b, (size_t)MAX_OF(n, (ssize_t)0)}), "before");
}

TEST_MAIN(TEST(input_is_read_as_it_comes), TEST(output_is_written_or_fails_clearly),
          TEST(discarded_output_goes_nowhere))
