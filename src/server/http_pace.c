/* SPDX-License-Identifier: Apache-2.0 */
/* http_pace.c: a list under one lock. The thread sleeps for ever while no body is being read; with
 * one it looks every PACE_TICK_NS. A late client's socket is shut down, never closed: closing is
 * its connection's, which learns from it that nothing more will come. The lock keeps the descriptor
 * open, since its owner leaves the list before it closes. */
#include "server/http_pace.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "os/net.h"
#include "os/os.h"

#define PACE_TICK_NS NS_PER_S

int64_t pace_deadline_ns(const struct pace *pace, const struct paced *body)
{
    uint64_t received = __atomic_load_n(&body->received, __ATOMIC_RELAXED);
    uint64_t rate = MAX_OF(pace->bytes_per_s, (uint64_t)1);
    return body->begin_ns + pace->timeout_ns + (int64_t)(received / rate) * NS_PER_S +
           (int64_t)(received % rate) * NS_PER_S / (int64_t)rate;
}

/* REQUIRES(mu). The reply may not fit into a full socket: then the client only sees the end. */
static void cut(struct pace *pace, struct paced *body)
{
    body->is_cut = true;
    __atomic_add_fetch(&pace->cut_count, 1, __ATOMIC_RELAXED); /* before its client can know */
    (void)!net_write_all(body->fd, pace->reply.p, pace->reply.n, 0, NULL);
    net_shutdown(body->fd);
}

static void *watch(void *arg)
{
    struct pace *pace = arg;
    os_thread_name("http_pace");
    pthread_mutex_lock(&pace->mu);
    while (!pace->is_stopped) {
        pace->is_asleep = !pace->first;
        struct timespec tick = thread_deadline(MIN_OF(PACE_TICK_NS, pace->timeout_ns / 4 + 1));
        (void)thread_cond_wait(&pace->wake, &pace->mu, pace->first ? &tick : NULL);
        pace->is_asleep = false;
        int64_t now = clock_monotonic_ns(clock_system());
        for (struct paced *body = pace->first; body; body = body->next) {
            if (!body->is_cut && now >= pace_deadline_ns(pace, body))
                cut(pace, body);
        }
    }
    pthread_mutex_unlock(&pace->mu);
    return NULL;
}

void pace_init(struct pace *pace, int64_t timeout_ns, uint64_t bytes_per_s, struct str reply)
{
    *pace = (struct pace){.timeout_ns = timeout_ns, .bytes_per_s = bytes_per_s, .reply = reply};
    ASSERT(pthread_mutex_init(&pace->mu, NULL) == 0);
    thread_cond_init(&pace->wake);
    ASSERT(pthread_create(&pace->thread, NULL, watch, pace) == 0);
}

void pace_deinit(struct pace *pace)
{
    pthread_mutex_lock(&pace->mu);
    ASSERT(!pace->first);
    pace->is_stopped = true;
    ASSERT(pthread_cond_signal(&pace->wake) == 0);
    pthread_mutex_unlock(&pace->mu);
    (void)pthread_join(pace->thread, NULL);
    (void)pthread_mutex_destroy(&pace->mu);
    (void)pthread_cond_destroy(&pace->wake);
}

void pace_begin(struct pace *pace, struct paced *body, int fd)
{
    body->begin_ns = clock_monotonic_ns(clock_system());
    body->fd = fd;
    pthread_mutex_lock(&pace->mu);
    body->next = pace->first;
    if (body->next)
        body->next->prev = body;
    pace->first = body;
    body->is_listed = true;
    if (pace->is_asleep)
        ASSERT(pthread_cond_signal(&pace->wake) == 0);
    pthread_mutex_unlock(&pace->mu);
}

void pace_took(struct paced *body, size_t n)
{
    __atomic_add_fetch(&body->received, n, __ATOMIC_RELAXED);
}

void pace_end(struct pace *pace, struct paced *body)
{
    pthread_mutex_lock(&pace->mu);
    if (body->is_listed) {
        if (body->prev)
            body->prev->next = body->next;
        else
            pace->first = body->next;
        if (body->next)
            body->next->prev = body->prev;
        body->prev = body->next = NULL;
        body->is_listed = false;
    }
    pthread_mutex_unlock(&pace->mu);
}
