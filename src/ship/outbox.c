/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c: where batches wait for a client. Full batches go out in order; one that came back goes
 * first. The number of batches is fixed, so the reader stands still when the network does. */
#include "ship/ship_int.h"

void ship__outbox_init(struct ship__outbox *outbox, size_t batches_max)
{
    *outbox = (struct ship__outbox){.batches_max = batches_max};
    pthread_condattr_t attr;
    ASSERT(pthread_condattr_init(&attr) == 0);
    ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_mutex_init(&outbox->mu, NULL) == 0);
    ASSERT(pthread_cond_init(&outbox->changed, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
}

static void batch_free(struct ship__batch *batch)
{
    tail_marks_deinit(&batch->marks);
    buf_deinit(&batch->frames);
    mem_free(batch);
}

static void batches_free(struct ship__batch *first)
{
    while (first) {
        struct ship__batch *next = first->next;
        batch_free(first);
        first = next;
    }
}

void ship__outbox_deinit(struct ship__outbox *outbox)
{
    if (outbox->batches_max == 0)
        return;
    batches_free(outbox->ready_first);
    batches_free(outbox->free_first);
    (void)pthread_cond_destroy(&outbox->changed);
    (void)pthread_mutex_destroy(&outbox->mu);
    outbox->batches_max = 0;
}

struct ship__batch *ship__outbox_new_batch(struct ship__outbox *outbox)
{
    pthread_mutex_lock(&outbox->mu);
    struct ship__batch *batch = outbox->free_first;
    bool may_make = !batch && outbox->made < outbox->batches_max;
    if (batch)
        outbox->free_first = batch->next;
    else if (may_make)
        outbox->made++;
    pthread_mutex_unlock(&outbox->mu);
    if (may_make) {
        batch = MEM_NEW(struct ship__batch);
        buf_init(&batch->frames, 0);
    }
    if (batch)
        batch->next = NULL;
    return batch;
}

/* REQUIRES(outbox->mu) */
static void recycle(struct ship__outbox *outbox, struct ship__batch *batch)
{
    buf_clear(&batch->frames);
    batch->count = 0;
    batch->next = outbox->free_first;
    outbox->free_first = batch;
}

void ship__outbox_recycle(struct ship__outbox *outbox, struct ship__batch *batch)
{
    pthread_mutex_lock(&outbox->mu);
    recycle(outbox, batch);
    pthread_mutex_unlock(&outbox->mu);
}

void ship__outbox_put(struct ship__outbox *outbox, struct ship__batch *batch)
{
    pthread_mutex_lock(&outbox->mu);
    batch->next = NULL;
    if (outbox->ready_last)
        outbox->ready_last->next = batch;
    else
        outbox->ready_first = batch;
    outbox->ready_last = batch;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mu);
}

void ship__outbox_give_back(struct ship__outbox *outbox, struct ship__batch *batch)
{
    pthread_mutex_lock(&outbox->mu);
    outbox->under_way--;
    batch->next = outbox->ready_first;
    outbox->ready_first = batch;
    if (!outbox->ready_last)
        outbox->ready_last = batch;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mu);
}

static struct timespec deadline(int64_t timeout_ns)
{
    int64_t ns = net_deadline_ns(timeout_ns);
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* REQUIRES(outbox->mu). False: the time is over. */
static bool wait_change(struct ship__outbox *outbox, int64_t timeout_ns,
                        const struct timespec *until)
{
    if (timeout_ns < 0)
        return pthread_cond_wait(&outbox->changed, &outbox->mu) == 0;
    return timeout_ns > 0 && pthread_cond_timedwait(&outbox->changed, &outbox->mu, until) == 0;
}

struct ship__batch *ship__outbox_take(struct ship__outbox *outbox, int64_t timeout_ns)
{
    struct timespec until = deadline(timeout_ns > 0 ? timeout_ns : 0);
    pthread_mutex_lock(&outbox->mu);
    while (!outbox->ready_first && !outbox->is_closed && wait_change(outbox, timeout_ns, &until))
        continue;
    struct ship__batch *batch = outbox->is_closed ? NULL : outbox->ready_first;
    if (batch) {
        outbox->ready_first = batch->next;
        if (!outbox->ready_first)
            outbox->ready_last = NULL;
        batch->next = NULL;
        outbox->under_way++;
    }
    pthread_mutex_unlock(&outbox->mu);
    return batch;
}

void ship__outbox_done(struct ship__outbox *outbox, struct ship__batch *batch)
{
    pthread_mutex_lock(&outbox->mu);
    outbox->under_way--;
    outbox->wakes++;
    recycle(outbox, batch);
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mu);
}

void ship__outbox_close(struct ship__outbox *outbox)
{
    pthread_mutex_lock(&outbox->mu);
    outbox->is_closed = true;
    outbox->wakes++;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mu);
}

bool ship__outbox_is_closed(struct ship__outbox *outbox)
{
    pthread_mutex_lock(&outbox->mu);
    bool is_closed = outbox->is_closed;
    pthread_mutex_unlock(&outbox->mu);
    return is_closed;
}

void ship__outbox_wake(struct ship__outbox *outbox)
{
    pthread_mutex_lock(&outbox->mu);
    outbox->wakes++;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mu);
}

void ship__outbox_wait(struct ship__outbox *outbox, uint64_t *seen, int64_t timeout_ns)
{
    struct timespec until = deadline(timeout_ns > 0 ? timeout_ns : 0);
    pthread_mutex_lock(&outbox->mu);
    while (outbox->wakes == *seen && wait_change(outbox, timeout_ns, &until))
        continue;
    *seen = outbox->wakes;
    pthread_mutex_unlock(&outbox->mu);
}
