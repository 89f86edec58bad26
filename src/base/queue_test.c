/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "base/queue.h"

static int items[100];

static void items_come_in_order(struct test *t)
{
    (void)t;
    struct queue *queue = queue_new(1000);
    void *got = NULL;
    for (unsigned round = 0; round < 5; round++) { /* the ring wraps around and grows */
        for (size_t i = 0; i < 70; i++)
            assert_int_equal(queue_push(queue, &items[i], 1, 0), QUEUE_OK);
        assert_int_equal(queue_count(queue), 70);
        for (size_t i = 0; i < 70; i++) {
            assert_int_equal(queue_pop(queue, &got, 0), QUEUE_OK);
            assert_ptr_equal(got, &items[i]);
        }
    }
    assert_int_equal(queue_pop(queue, &got, 0), QUEUE_TIMEOUT);
    assert_int_equal(queue_pop(queue, &got, NS_PER_MS), QUEUE_TIMEOUT);
    queue_free(queue);
    queue_free(NULL);
}

static void the_weight_is_the_limit(struct test *t)
{
    (void)t;
    struct queue *queue = queue_new(10);
    void *got;
    assert_int_equal(queue_push(queue, &items[0], 6, 0), QUEUE_OK);
    assert_int_equal(queue_push(queue, &items[1], 5, 0), QUEUE_TIMEOUT);
    assert_int_equal(queue_push(queue, &items[1], 5, NS_PER_MS), QUEUE_TIMEOUT);
    assert_int_equal(queue_push(queue, &items[1], 4, 0), QUEUE_OK);
    assert_int_equal(queue_weight(queue), 10);
    assert_int_equal(queue_push(queue, &items[2], 1, 0), QUEUE_TIMEOUT);
    assert_int_equal(queue_pop(queue, &got, 0), QUEUE_OK);
    assert_int_equal(queue_weight(queue), 4);
    assert_int_equal(queue_pop(queue, &got, 0), QUEUE_OK);
    assert_int_equal(queue_push(queue, &items[3], 999, 0), QUEUE_OK); /* alone, heavier than all */
    assert_int_equal(queue_push(queue, &items[4], 0, 0), QUEUE_TIMEOUT);
    assert_int_equal(queue_pop(queue, &got, 0), QUEUE_OK);
    assert_ptr_equal(got, &items[3]);
    queue_free(queue);
}

static void closing_hands_out_what_is_there(struct test *t)
{
    (void)t;
    struct queue *queue = queue_new(10);
    void *got = NULL;
    assert_int_equal(queue_push(queue, &items[0], 1, 0), QUEUE_OK);
    queue_close(queue);
    assert_int_equal(queue_push(queue, &items[1], 1, -1), QUEUE_CLOSED);
    assert_int_equal(queue_pop(queue, &got, -1), QUEUE_OK);
    assert_ptr_equal(got, &items[0]);
    assert_int_equal(queue_pop(queue, &got, -1), QUEUE_CLOSED);
    queue_free(queue);
}

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 20000 };

struct worker {
    struct queue *queue;
    uint64_t sum;
    uint64_t first;
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct worker *worker = arg;
    for (uint64_t i = 0; i < EACH; i++) {
        uintptr_t v = worker->first + i;
        if (queue_push(worker->queue, (void *)v, 1 + v % 3, -1) != QUEUE_OK)
            return arg;
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct worker *worker = arg;
    void *got;
    while (queue_pop(worker->queue, &got, -1) == QUEUE_OK)
        worker->sum += (uintptr_t)got;
    return NULL;
}

static void many_threads_lose_and_double_nothing(struct test *t)
{
    (void)t;
    struct queue *queue = queue_new(16);
    struct worker producers[PRODUCERS], consumers[CONSUMERS];
    uint64_t expected = 0, got = 0;
    void *failed;
    for (size_t i = 0; i < CONSUMERS; i++) {
        consumers[i] = (struct worker){.queue = queue};
        assert_int_equal(pthread_create(&consumers[i].thread, NULL, consume, &consumers[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct worker){.queue = queue, .first = 1 + i * EACH};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(producers[i].thread, &failed), 0);
        assert_null(failed);
    }
    queue_close(queue); /* wakes the consumers that wait */
    for (size_t i = 0; i < CONSUMERS; i++) {
        assert_int_equal(pthread_join(consumers[i].thread, &failed), 0);
        got += consumers[i].sum;
    }
    for (uint64_t v = 1; v <= PRODUCERS * EACH; v++)
        expected += v;
    assert_true(got == expected);
    assert_int_equal(queue_weight(queue), 0);
    queue_free(queue);
}

static void *push_one(void *arg)
{
    struct worker *worker = arg;
    return queue_push(worker->queue, &items[1], 1, -1) == QUEUE_CLOSED ? NULL : arg;
}

static void closing_wakes_a_waiting_push(struct test *t)
{
    (void)t;
    struct worker worker = {.queue = queue_new(1)};
    void *failed, *got;
    assert_int_equal(queue_push(worker.queue, &items[0], 1, 0), QUEUE_OK);
    assert_int_equal(pthread_create(&worker.thread, NULL, push_one, &worker), 0);
    queue_close(worker.queue); /* before or after it began to wait: the same answer */
    assert_int_equal(pthread_join(worker.thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(queue_pop(worker.queue, &got, 0), QUEUE_OK);
    queue_free(worker.queue);
}

TEST_MAIN(TEST(items_come_in_order), TEST(the_weight_is_the_limit),
          TEST(closing_hands_out_what_is_there), TEST(many_threads_lose_and_double_nothing),
          TEST(closing_wakes_a_waiting_push))
