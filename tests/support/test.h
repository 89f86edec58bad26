/* SPDX-License-Identifier: Apache-2.0 */
/* test.h: the thin layer of ours over cmocka. Include it first in a test.
 *
 *     static void parses_numbers(struct test *t)
 *     {
 *         struct str s = arena_printf(t->mem, "%d", 7);
 *         assert_ok(number_parse(s, &v, &t->err), &t->err);
 *     }
 *     TEST_MAIN(TEST(parses_numbers), TEST(refuses_text))
 *
 * Each test gets an arena, a random generator seeded for this test, an error value, and a folder if
 * it asks for one. File descriptors and threads that are still there after a test make it fail. The
 * run's seed is printed; `--seed N` repeats it, `--only GLOB` picks tests by name. */
#ifndef NARU_TESTS_SUPPORT_TEST_H
#define NARU_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"

#define TEST_INLINE static inline UNUSED
#ifdef __SANITIZE_THREAD__
#define TEST_RUNTIME_THREADS 1 /* the sanitizer starts one of its own */
#else
#define TEST_RUNTIME_THREADS 0
#endif

struct test {
    const char *name;
    struct arena *mem; /* lives as long as the test */
    uint64_t seed;     /* of the run */
    struct rng rng;    /* from the seed and the test's name */
    struct err err;
    bool may_leak; /* set by a test whose library keeps descriptors or threads of its own */
    struct str dir;
    size_t fds, threads; /* at the start */
};

typedef void test_fn(struct test *t);

struct test_row {
    const char *name;
    test_fn *run;
};

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
#define TEST_MAIN(...)                                                                             \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct test_row test_rows[] = {__VA_ARGS__};                                  \
        return test__main(argc, argv, test_rows, ARRAY_COUNT(test_rows));                          \
    }

static uint64_t test__seed;

/* ---- what a test asserts with, beside cmocka's own ---- */

/* The call gave 0 (or more); else prints the error value. */
#define assert_ok(rc, err) test__ok((rc), (err), #rc, __FILE__, __LINE__)
/* The call gave -code, and the error value holds the same code and a text. `err` may be NULL. */
#define assert_err(rc, err, code) test__err((rc), (err), (code), #rc, __FILE__, __LINE__)
/* The text of the error value has `part` in it. */
#define assert_err_has(err, part) test__err_has((err), (part), __FILE__, __LINE__)
/* struct str against a C string. */
#define assert_str_eq(s, text) test__str_eq((s), str_from(text), __FILE__, __LINE__)
/* struct str against struct str. */
#define assert_strs_eq(a, b)    test__str_eq((a), (b), __FILE__, __LINE__)
#define assert_str_has(s, part) test__str_has((s), str_from(part), __FILE__, __LINE__)

TEST_INLINE void test__ok(int rc, const struct err *err, const char *what, const char *file,
                          int line)
{
    if (rc >= 0)
        return;
    print_error("%s gave -ERR_%s: %s\n", what, err_name((enum err_code) - rc),
                err ? err->text : "(no error value)");
    if (err && err->line)
        print_error("at %s:%u:%u\n", err->file, err->line, err->column);
    _fail(file, line);
}

TEST_INLINE void test__err(int rc, const struct err *err, enum err_code code, const char *what,
                           const char *file, int line)
{
    if (rc == -(int)code && (!err || (err->code == code && err->text[0] != '\0')))
        return;
    print_error("%s gave %s%s, not -ERR_%s; error value: %s \"%s\"\n", what, rc < 0 ? "-ERR_" : "",
                rc < 0 ? err_name((enum err_code) - rc) : "no error", err_name(code),
                err ? err_name(err->code) : "none", err ? err->text : "");
    _fail(file, line);
}

TEST_INLINE void test__err_has(const struct err *err, const char *part, const char *file, int line)
{
    if (strstr(err->text, part))
        return;
    print_error("the error's text \"%s\" does not have \"%s\" in it\n", err->text, part);
    _fail(file, line);
}

TEST_INLINE void test__str_eq(struct str got, struct str want, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("got  \"%.*s\" (%zu bytes)\nwant \"%.*s\" (%zu bytes)\n", STR_ARG(got), got.n,
                STR_ARG(want), want.n);
    _fail(file, line);
}

TEST_INLINE void test__str_has(struct str s, struct str part, const char *file, int line)
{
    if (str_find(s, part) >= 0)
        return;
    print_error("\"%.*s\" does not have \"%.*s\" in it\n", STR_ARG(s), STR_ARG(part));
    _fail(file, line);
}

/* ---- what a test may ask for ---- */

/* A fresh empty folder under TMPDIR (or /tmp), NUL-terminated; removed with its content after the
 * test. */
TEST_INLINE struct str test_dir(struct test *t)
{
    if (t->dir.p)
        return t->dir;
    const char *base = getenv("TMPDIR");
    char path[256];
    int n = snprintf(path, sizeof(path), "%s/naru-test-XXXXXX", base && *base ? base : "/tmp");
    if (n <= 0 || (size_t)n >= sizeof(path) || !mkdtemp(path))
        fail_msg("cannot make a folder %s", path);
    t->dir = arena_str(t->mem, str_from(path));
    return t->dir;
}

/* dir/name in the test's folder, NUL-terminated. */
TEST_INLINE struct str test_path(struct test *t, const char *name)
{
    return arena_printf(t->mem, "%s/%s", test_dir(t).p, name);
}

/* A loopback TCP port that nobody listened on a moment ago. Prefer to bind port 0 and to ask for
 * the number. */
TEST_INLINE uint16_t test_free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } addr = {.in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    socklen_t len = sizeof(addr.in);
    bool is_ok = fd >= 0 && bind(fd, &addr.any, len) == 0 && getsockname(fd, &addr.any, &len) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (!is_ok)
        fail_msg("no free loopback port");
    return ntohs(addr.in.sin_port);
}

/* ---- how a test is run ---- */

TEST_INLINE int test__remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

TEST_INLINE size_t test__count(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n;
}

/* A joined thread may stay in /proc for a moment: waits for it, at most two seconds. */
TEST_INLINE size_t test__threads_left(size_t expected)
{
    size_t n = test__count("/proc/self/task");
    for (int i = 0; i < 200 && n > expected + TEST_RUNTIME_THREADS; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
        n = test__count("/proc/self/task");
    }
    return n;
}

TEST_INLINE int test__setup(void **state)
{
    const struct test_row *row = *state;
    struct test *t = MEM_NEW(struct test);
    t->name = row->name;
    t->mem = arena_new(0);
    t->seed = test__seed;
    rng_init(&t->rng, test__seed ^ hash_str(str_from(row->name)));
    t->fds = test__count("/proc/self/fd");
    t->threads = test__count("/proc/self/task");
    *state = t;
    t->dir = STR_NONE;
    return 0;
}

TEST_INLINE int test__teardown(void **state)
{
    struct test *t = *state;
    int rc = 0;
    size_t fds = test__count("/proc/self/fd"), threads = test__threads_left(t->threads);
    if (!t->may_leak && fds > t->fds) {
        print_error("%s: %zu file descriptors are still open\n", t->name, fds - t->fds);
        rc = -1;
    }
    if (!t->may_leak && threads > t->threads + TEST_RUNTIME_THREADS) {
        print_error("%s: %zu threads still run\n", t->name, threads - t->threads);
        rc = -1;
    }
    if (t->dir.p)
        (void)nftw(t->dir.p, test__remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(t->mem);
    mem_free(t);
    return rc;
}

static const struct test_row *test__running; /* cmocka hands only the state on */

TEST_INLINE void test__run(void **state)
{
    struct test *t = *state;
    const struct test_row *row = test__running;
    while (strcmp(row->name, t->name) != 0)
        row++;
    row->run(t);
}

TEST_INLINE void test__arguments(int argc, char **argv)
{
    const char *seed = getenv("NARU_TEST_SEED");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = argv[++i];
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            cmocka_set_test_filter(argv[++i]);
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--only GLOB]\n", argv[0]);
            exit(2);
        }
    }
    if (seed && !str_to_u64(str_from(seed), &test__seed)) {
        fprintf(stderr, "--seed wants a number, not \"%s\"\n", seed);
        exit(2);
    }
    if (!seed && getrandom(&test__seed, sizeof(test__seed), 0) != (ssize_t)sizeof(test__seed))
        abort();
    printf("seed %llu (repeat with --seed)\n", (unsigned long long)test__seed);
    (void)fflush(stdout);
}

TEST_INLINE int test__main(int argc, char **argv, const struct test_row *rows, size_t count)
{
    test__arguments(argc, argv);
    struct CMUnitTest *tests = MEM_ARRAY(struct CMUnitTest, count);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){rows[i].name, test__run, test__setup, test__teardown,
                                       (void *)(uintptr_t)&rows[i]};
    test__running = rows;
    int rc = _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
    mem_free(tests);
    return rc == 0 ? 0 : 1;
}

#endif
