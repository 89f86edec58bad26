/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at random moments: a child process with two writer threads and the background threads
 * works on a real folder and tells what it tries and what was acknowledged through a pipe; the
 * parent kills it, opens the folder and holds it against what it was told (acks.h). Every fourth
 * time the opening itself is killed as well, before the comparison. The folder lives on from kill
 * to kill. NARU_KILLS sets how many (default 12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "crash/acks.h"

static char folder[] = "/tmp/naru-kill-XXXXXX";
static struct ack_world world;

static void folder_remove(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    (void)!system(command);
}

/* Takes what is in the pipe; false: it ended. */
static bool acks_read(int pipe_in)
{
    struct ack acks[ACK_BATCH];
    ssize_t n = read(pipe_in, acks, sizeof(acks));
    if (n == 0)
        return false;
    assert_int_equal(n, sizeof(acks)); /* writes below PIPE_BUF are atomic */
    ack_take(&world, acks);
    return true;
}

static void run_and_kill(uint64_t k, int64_t run_ns)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        ack_child(folder, ends[1], k, k * 1000000); /* contents grow from kill to kill */
    }
    (void)close(ends[1]);
    int64_t until_ns = clock_monotonic_ns(clock_system()) + run_ns;
    /* Read while it runs, so that the pipe does not fill up. */
    while (clock_monotonic_ns(clock_system()) < until_ns) {
        struct pollfd fd = {.fd = ends[0], .events = POLLIN};
        if (poll(&fd, 1, 5) > 0 && !acks_read(ends[0]))
            break;
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        fail_msg("kill %llu: the child ended by itself with %d", (unsigned long long)k,
                 WEXITSTATUS(status));
    while (acks_read(ends[0]))
        ;
    (void)close(ends[0]);
}

static void test_kill(void **state)
{
    (void)state;
    uint64_t kills = ack_env("NARU_KILLS", 12), again = 0;
    struct rng rng;
    char what[700];
    rng_init(&rng, ack_env("NARU_SEED", 99));
    assert_non_null(mkdtemp(folder));
    for (uint64_t k = 1; k <= kills; k++) {
        run_and_kill(2 * k, rng_between(&rng, 50, 600) * NS_PER_MS);
        if (k % 4 == 0) { /* while it recovers, or just after */
            again++;
            /* What was begun before and not answered is settled only by reading it, so a second
             * child may run only up to its own first request. */
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                struct engine *engine;
                if (ack_engine_open(folder, false, &engine, NULL) < 0)
                    _exit(4);
                for (;;)
                    (void)pause();
            }
            (void)usleep((useconds_t)rng_below(&rng, 20000));
            assert_int_equal(kill(pid, SIGKILL), 0);
            assert_int_equal(waitpid(pid, NULL, 0), pid);
        }
        if (ack_verify(&world, folder, what, sizeof(what)) < 0)
            fail_msg("kill %llu: %s (the folder is %s)", (unsigned long long)k, what, folder);
    }
    print_message("%llu kills, %llu more while opening, %llu acknowledgements: none lost, none "
                  "doubled\n",
                  (unsigned long long)kills, (unsigned long long)again,
                  (unsigned long long)world.told);
    folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
