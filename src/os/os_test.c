/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "os/os.h"

static void the_system_clock_goes_on(struct test *t)
{
    (void)t;
    struct clock *clock = clock_system();
    int64_t wall = clock_wall_ns(clock), monotonic = clock_monotonic_ns(clock);
    assert_true(wall > civil_days(2024, 1, 1) * 86400 * NS_PER_S);
    clock_sleep_ns(clock, NS_PER_MS);
    clock_sleep_ns(clock, 0);
    clock_sleep_ns(clock, -5);
    assert_true(clock_monotonic_ns(clock) > monotonic);
    assert_int_equal(clock_to_real_ns(clock, 12345), 12345);
}

static void a_scaled_clock_runs_faster(struct test *t)
{
    (void)t;
    struct clock_scaled scaled;
    int64_t start = civil_days(2021, 3, 2) * 86400 * NS_PER_S;
    int64_t real = clock_monotonic_ns(clock_system());
    clock_scaled_init(&scaled, start, 600);
    int64_t monotonic = clock_monotonic_ns(&scaled.base);
    clock_sleep_ns(&scaled.base, 3 * NS_PER_S); /* 5 ms */
    int64_t passed = clock_wall_ns(&scaled.base) - start;
    int64_t real_passed = clock_monotonic_ns(clock_system()) - real;
    assert_true(passed >= 3 * NS_PER_S);
    assert_true(passed <= real_passed * 600);
    assert_true(clock_monotonic_ns(&scaled.base) - monotonic >= 3 * NS_PER_S);
    assert_in_range(clock_to_real_ns(&scaled.base, 600 * NS_PER_S), NS_PER_S, NS_PER_S + 1);
    assert_int_equal(clock_to_real_ns(&scaled.base, 0), 0);
    assert_int_equal(clock_to_real_ns(&scaled.base, 1),
                     1); /* rounded up: a wait is never too short */
    clock_scaled_init(&scaled, start, 0.5);
    assert_true(clock_to_real_ns(&scaled.base, INT64_MAX) == INT64_MAX);
    assert_in_range(clock_to_real_ns(&scaled.base, NS_PER_S), 2 * NS_PER_S, 2 * NS_PER_S + 1);
}

static void the_environment_is_read(struct test *t)
{
    (void)t;
    assert_int_equal(setenv("NARU_TEST_VARIABLE", "value", 1), 0);
    assert_str_eq(os_env("NARU_TEST_VARIABLE"), "value");
    assert_int_equal(setenv("NARU_TEST_VARIABLE", "", 1), 0);
    assert_non_null(os_env("NARU_TEST_VARIABLE").p); /* set and empty */
    assert_int_equal(unsetenv("NARU_TEST_VARIABLE"), 0);
    assert_null(os_env("NARU_TEST_VARIABLE").p);
}

static void the_process_knows_itself(struct test *t)
{
    assert_true(os_cpu_count() >= 1);
    assert_int_equal(os_pid(), getpid());
    assert_true(os_hostname().n > 0);
    assert_ptr_equal(os_hostname().p, os_hostname().p);
    assert_true(os_entropy_u64() != os_entropy_u64());
    assert_false(os_is_tty(-1));
    int64_t cpu = os_cpu_ns();
    uint64_t before = os_rss_bytes();
    assert_true(before > 100 * KIB);
    volatile char *much = arena_alloc(t->mem, 64 * MIB);
    for (size_t i = 0; i < 64 * MIB; i += 1024)
        much[i] = 1;
    assert_true(os_rss_bytes() > before + 32 * MIB);
    assert_true(os_cpu_ns() > cpu);
}

static void *named(void *arg)
{
    (void)arg;
    os_thread_name("a name that is far too long");
    char *name = mem_zalloc(32);
    if (pthread_getname_np(pthread_self(), name, 32) != 0)
        name[0] = '\0';
    return name;
}

static void a_thread_has_a_name(struct test *t)
{
    (void)t;
    pthread_t thread;
    void *name = NULL;
    assert_int_equal(pthread_create(&thread, NULL, named, NULL), 0);
    assert_int_equal(pthread_join(thread, &name), 0);
    assert_string_equal((char *)name, "a name that is ");
    mem_free(name);
}

TEST_MAIN(TEST(the_system_clock_goes_on), TEST(a_scaled_clock_runs_faster),
          TEST(the_environment_is_read), TEST(the_process_knows_itself), TEST(a_thread_has_a_name))
