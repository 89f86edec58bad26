/* SPDX-License-Identifier: Apache-2.0 */
/* search_pool.c: open jobs stand in a list, oldest first; an idle thread takes a place in the first
 * one that wants more. See search_pool.h. */
#include "query/search_pool.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/thread.h"
#include "os/os.h"

struct search_pool {
    pthread_mutex_t mu;
    pthread_cond_t work, ended;
    struct search_job *jobs; /* guarded by mu: those that want more helpers */
    pthread_t threads[SEARCH_THREADS_MAX];
    size_t thread_count, thread_max, idle_count; /* guarded by mu, but thread_max */
    bool is_closing;                             /* guarded by mu */
};

struct search_pool *search_pool_new(size_t thread_count)
{
    struct search_pool *pool = MEM_NEW(struct search_pool);
    size_t cores = os_cpu_count();
    pool->thread_max = MIN_OF(thread_count ? thread_count : cores > 1 ? cores - 1 : 0,
                              (size_t)SEARCH_THREADS_MAX - 1);
    ASSERT(pthread_mutex_init(&pool->mu, NULL) == 0);
    thread_cond_init(&pool->work);
    thread_cond_init(&pool->ended);
    return pool;
}

void search_pool_free(struct search_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mu);
    ASSERT(!pool->jobs);
    pool->is_closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mu);
    for (size_t i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_cond_destroy(&pool->ended);
    (void)pthread_mutex_destroy(&pool->mu);
    mem_free(pool);
}

size_t search_pool_thread_count(const struct search_pool *pool)
{
    return pool->thread_max;
}

static void unlink_job(struct search_pool *pool, const struct search_job *job)
{
    for (struct search_job **at = &pool->jobs; *at; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            return;
        }
    }
}

static void *thread_main(void *arg)
{
    struct search_pool *pool = arg;
    os_thread_name("search");
    pthread_mutex_lock(&pool->mu);
    while (!pool->is_closing) {
        struct search_job *job = pool->jobs;
        if (!job) {
            pool->idle_count++;
            (void)thread_cond_wait(&pool->work, &pool->mu, NULL);
            pool->idle_count--;
            continue;
        }
        size_t helper = job->begun++;
        job->running++;
        if (job->begun == job->wanted)
            unlink_job(pool, job);
        pthread_mutex_unlock(&pool->mu);
        job->help(job->owner, helper);
        pthread_mutex_lock(&pool->mu);
        if (--job->running == 0)
            pthread_cond_broadcast(&pool->ended);
    }
    pthread_mutex_unlock(&pool->mu);
    return NULL;
}

void search_pool_ask(struct search_pool *pool, struct search_job *job, size_t wanted)
{
    job->wanted = MIN_OF(wanted, pool->thread_max);
    job->begun = job->running = 0;
    job->next = NULL;
    if (job->wanted == 0)
        return;
    pthread_mutex_lock(&pool->mu);
    struct search_job **last = &pool->jobs;
    while (*last)
        last = &(*last)->next;
    *last = job;
    size_t missing = job->wanted > pool->idle_count ? job->wanted - pool->idle_count : 0;
    for (; missing > 0 && pool->thread_count < pool->thread_max; missing--) {
        /* A machine that gives no more threads is no reason to fail: the caller does the work. */
        if (pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool) != 0)
            break;
        pool->thread_count++;
    }
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mu);
}

size_t search_pool_end(struct search_pool *pool, struct search_job *job)
{
    pthread_mutex_lock(&pool->mu);
    unlink_job(pool, job);
    while (job->running > 0)
        (void)thread_cond_wait(&pool->ended, &pool->mu, NULL);
    size_t helpers = job->begun;
    pthread_mutex_unlock(&pool->mu);
    return helpers;
}
