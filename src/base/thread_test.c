/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/thread.h"

struct gate {
    pthread_mutex_t mu;
    pthread_cond_t cond;
    bool is_open;
};

static void *open_gate(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mu);
    gate->is_open = true;
    pthread_cond_signal(&gate->cond);
    pthread_mutex_unlock(&gate->mu);
    return NULL;
}

static void a_wait_ends_by_signal_or_by_time(struct test *t)
{
    (void)t;
    struct gate gate = {.mu = PTHREAD_MUTEX_INITIALIZER};
    thread_cond_init(&gate.cond);
    pthread_mutex_lock(&gate.mu);
    struct timespec soon = thread_deadline(NS_PER_MS), past = thread_deadline(-5);
    assert_false(thread_cond_wait(&gate.cond, &gate.mu, &past));
    while (thread_cond_wait(&gate.cond, &gate.mu, &soon)) {
    } /* it may wake without a reason, but not for ever */
    struct timespec late = thread_deadline(INT64_MAX); /* far away, without overflow */
    assert_true(late.tv_sec > soon.tv_sec + 1000000 && late.tv_nsec < NS_PER_S);
    for (unsigned round = 0; round < 2; round++) {
        pthread_t thread;
        gate.is_open = false;
        assert_int_equal(pthread_create(&thread, NULL, open_gate, &gate), 0);
        while (!gate.is_open)
            assert_true(thread_cond_wait(&gate.cond, &gate.mu, round ? &late : NULL));
        pthread_mutex_unlock(&gate.mu);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pthread_mutex_lock(&gate.mu);
    }
    pthread_mutex_unlock(&gate.mu);
    assert_int_equal(pthread_cond_destroy(&gate.cond), 0);
}

TEST_MAIN(TEST(a_wait_ends_by_signal_or_by_time))
