/* SPDX-License-Identifier: Apache-2.0 */
/* http_pace.h: the bodies that are being read, and the clients that are too slow with theirs. A
 * body holds memory from its head on, so it has a deadline: a fixed time, and more for what has
 * come. Who is behind is told so (408) and cut off. */
#ifndef NARU_SERVER_HTTP_PACE_H
#define NARU_SERVER_HTTP_PACE_H

#include <pthread.h>

#include "base/base.h"

/* One body; part of its request. Zeroed: not being read. */
struct paced {
    struct paced *prev, *next; /* guarded by pace.mu */
    int64_t begin_ns;
    uint64_t received; /* atomic */
    int fd;
    bool is_listed, is_cut; /* guarded by pace.mu */
};

struct pace {
    pthread_mutex_t mu;
    pthread_cond_t wake;
    struct paced *first; /* guarded by mu */
    bool is_stopped;     /* guarded by mu */
    bool is_asleep;      /* guarded by mu: the thread waits until it is woken */
    pthread_t thread;
    int64_t timeout_ns;
    uint64_t bytes_per_s; /* a second more for so many bytes */
    struct str reply;     /* borrowed: the bytes that a client is sent before it is cut off */
    uint64_t cut_count;   /* atomic */
};

/* Starts the thread that looks after the bodies. */
void pace_init(struct pace *pace, int64_t timeout_ns, uint64_t bytes_per_s, struct str reply);
void pace_deinit(struct pace *pace);

/* `fd` stays open until pace_end, which may be called for any. */
void pace_begin(struct pace *pace, struct paced *body, int fd);
void pace_took(struct paced *body, size_t n);
void pace_end(struct pace *pace, struct paced *body);
/* When a body is late: ns of the monotonic clock. */
int64_t pace_deadline_ns(const struct pace *pace, const struct paced *body);

#endif
