/* SPDX-License-Identifier: Apache-2.0 */
/* search_pool.h: threads that help searches. A search runs on its caller's thread; when it proves
 * long it asks the pool for help, and whoever is idle joins in. The caller never waits for a thread
 * that has not begun, so a busy pool makes a search no slower than it would be alone.
 *
 * Threads are started when help is first asked for and stay until the pool goes. One pool serves a
 * node; it belongs to who made it (the server). */
#ifndef NARU_QUERY_SEARCH_POOL_H
#define NARU_QUERY_SEARCH_POOL_H

#include "base/base.h"

#define SEARCH_THREADS_MAX 64u /* of one search, the caller's included */

struct search_pool;

/* `thread_count`: how many threads may help, besides those that ask; 0: one less than there are
 * cores. No thread is started yet. */
struct search_pool *search_pool_new(size_t thread_count);
/* No job may be open. Ends the threads. */
void search_pool_free(struct search_pool *pool);
size_t search_pool_thread_count(const struct search_pool *pool);

/* One request for help; in the asker's hands from ask to end. */
struct search_job {
    void (*help)(void *owner, size_t helper); /* helper: 0, 1, … a number of its own */
    void *owner;
    size_t wanted, begun, running; /* guarded by the pool's lock */
    struct search_job *next;       /* guarded by the pool's lock */
};
/* At most `wanted` threads of the pool call job->help(job->owner, i). */
void search_pool_ask(struct search_pool *pool, struct search_job *job, size_t wanted);
/* Withdraws what has not begun and waits for what has. Returns how many helpers there were. */
size_t search_pool_end(struct search_pool *pool, struct search_job *job);

#endif
