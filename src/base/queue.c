/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include "base/arena.h"
#include "base/thread.h"

struct item {
    void *p;
    size_t weight;
};

struct queue {
    pthread_mutex_t mu;
    pthread_cond_t can_push;
    pthread_cond_t can_pop;
    struct item *ring; /* guarded by mu, as all below */
    size_t capacity;
    size_t head;
    size_t count;
    size_t weight;
    size_t weight_max;
    bool is_closed;
};

struct queue *queue_new(size_t weight_max)
{
    struct queue *queue = MEM_NEW(struct queue);
    ASSERT(pthread_mutex_init(&queue->mu, NULL) == 0);
    thread_cond_init(&queue->can_push);
    thread_cond_init(&queue->can_pop);
    queue->weight_max = weight_max;
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    ASSERT(queue->count == 0);
    (void)pthread_cond_destroy(&queue->can_push);
    (void)pthread_cond_destroy(&queue->can_pop);
    (void)pthread_mutex_destroy(&queue->mu);
    mem_free(queue->ring);
    mem_free(queue);
}

static void ring_grow(struct queue *queue)
{
    size_t capacity = queue->capacity ? queue->capacity * 2 : 16;
    struct item *ring = MEM_ARRAY(struct item, capacity);
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->head + i) & (queue->capacity - 1)];
    mem_free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
}

enum queue_result queue_push(struct queue *queue, void *p, size_t weight, int64_t timeout_ns)
{
    struct timespec deadline = {0};
    if (timeout_ns > 0)
        deadline = thread_deadline(timeout_ns);
    enum queue_result result = QUEUE_OK;
    pthread_mutex_lock(&queue->mu);
    while (!queue->is_closed && queue->count > 0 && queue->weight + weight > queue->weight_max) {
        if (timeout_ns == 0 ||
            !thread_cond_wait(&queue->can_push, &queue->mu, timeout_ns < 0 ? NULL : &deadline)) {
            result = QUEUE_TIMEOUT;
            break;
        }
    }
    if (queue->is_closed)
        result = QUEUE_CLOSED;
    if (result == QUEUE_OK) {
        if (queue->count == queue->capacity)
            ring_grow(queue);
        queue->ring[(queue->head + queue->count) & (queue->capacity - 1)] =
            (struct item){p, weight};
        queue->count++;
        queue->weight += weight;
        pthread_cond_signal(&queue->can_pop);
    }
    pthread_mutex_unlock(&queue->mu);
    return result;
}

enum queue_result queue_pop(struct queue *queue, void **ret_item, int64_t timeout_ns)
{
    struct timespec deadline = {0};
    if (timeout_ns > 0)
        deadline = thread_deadline(timeout_ns);
    enum queue_result result = QUEUE_OK;
    pthread_mutex_lock(&queue->mu);
    while (queue->count == 0 && !queue->is_closed) {
        if (timeout_ns == 0 ||
            !thread_cond_wait(&queue->can_pop, &queue->mu, timeout_ns < 0 ? NULL : &deadline)) {
            result = QUEUE_TIMEOUT;
            break;
        }
    }
    if (queue->count > 0) {
        struct item item = queue->ring[queue->head];
        queue->head = (queue->head + 1) & (queue->capacity - 1);
        queue->count--;
        queue->weight -= item.weight;
        *ret_item = item.p;
        result = QUEUE_OK;
        pthread_cond_broadcast(&queue->can_push); /* weights differ: any waiter may fit now */
    } else if (queue->is_closed) {
        result = QUEUE_CLOSED;
    }
    pthread_mutex_unlock(&queue->mu);
    return result;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mu);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->can_push);
    pthread_cond_broadcast(&queue->can_pop);
    pthread_mutex_unlock(&queue->mu);
}

size_t queue_weight(struct queue *queue)
{
    pthread_mutex_lock(&queue->mu);
    size_t weight = queue->weight;
    pthread_mutex_unlock(&queue->mu);
    return weight;
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->mu);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->mu);
    return count;
}
