/* SPDX-License-Identifier: Apache-2.0 */
/* process_test.c: signals change the process for good, so each test works in a child and looks at
 * its status. */
#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>

#include "os/process.h"

/* Runs `body` in a child; returns its wait status. The child's value is the exit status. */
static int in_child(int (*body)(void))
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (process_catch_stop_signals(NULL) < 0 || process_catch_stop_signals(NULL) < 0)
            _exit(99);
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int body_stop(void)
{
    if (process_stop_wanted() || process_wait_stop(0) || process_wait_stop(NS_PER_MS))
        return 1;
    (void)raise(SIGTERM);
    if (!process_stop_wanted() || !process_wait_stop(-1) || !process_wait_stop(0))
        return 2;
    return 0;
}

static int body_stop_twice(void)
{
    (void)raise(SIGINT);
    (void)raise(SIGTERM);
    return 1; /* not reached */
}

static int body_ask(void)
{
    process_ask_stop();
    return process_stop_wanted() && process_wait_stop(-1) ? 0 : 1;
}

static int body_wait_for_another(void)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        _exit(kill(parent, SIGTERM) == 0 ? 0 : 1);
    int status = 1;
    bool is_wanted = process_wait_stop(-1);
    while (waitpid(pid, &status, 0) < 0) {
    }
    return is_wanted && status == 0 ? 0 : 1;
}

static int body_hangup(void)
{
    (void)raise(SIGHUP);
    (void)raise(SIGHUP);
    (void)raise(SIGPIPE); /* ignored */
    return process_hangup_count() == 2 && !process_stop_wanted() ? 0 : 1;
}

static void signals_become_flags(struct test *t)
{
    (void)t;
    static const struct {
        int (*body)(void);
        int exit_status;
    } cases[] = {{body_stop, 0},
                 {body_stop_twice, 128 + SIGTERM},
                 {body_ask, 0},
                 {body_wait_for_another, 0},
                 {body_hangup, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int status = in_child(cases[i].body);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), cases[i].exit_status);
    }
}

TEST_MAIN(TEST(signals_become_flags))
