/* SPDX-License-Identifier: Apache-2.0 */
/* map_guard.c: touching a mapped page that is not there any more (the file was cut short, the disk
 * cannot read it) raises SIGBUS, which would end the process. The mapped ranges are in a table; the
 * handler puts a page of zeros in the place of a missing page of one of them, notes that this range
 * is lost, and lets the thread go on. Who reads a mapping asks at the end whether it is lost. A
 * SIGBUS anywhere else has the effect that it had before.
 *
 * The table is open addressing by the range's begin, changed under a lock, read by the handler
 * without one: a slot's end is written before its begin. A table that became too small stays
 * reachable, since a handler may be reading it. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/os_int.h"

#define SLOTS_MIN 256u
#define SLOT_GONE ((uintptr_t)1) /* no mapping begins there */

struct range {
    uintptr_t begin; /* 0: free, all after it in the probe sequence too */
    uintptr_t end;
    uint32_t is_lost;
};

struct table {
    struct table *older;
    size_t slot_count; /* a power of two */
    size_t used_count; /* slots that are not free */
    struct range slots[];
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct table *table; /* atomic */
static struct sigaction action_before;

static size_t slot_of(const struct table *t, uintptr_t begin)
{
    return (size_t)((begin >> 12) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (t->slot_count - 1);
}

static struct range *range_find(struct table *t, uintptr_t begin)
{
    for (size_t i = t ? slot_of(t, begin) : 0; t; i = (i + 1) & (t->slot_count - 1)) {
        uintptr_t there = __atomic_load_n(&t->slots[i].begin, __ATOMIC_ACQUIRE);
        if (there == begin)
            return &t->slots[i];
        if (there == 0)
            return NULL;
    }
    return NULL;
}

static bool page_replace(uintptr_t at)
{
    struct table *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; t && i < t->slot_count; i++) {
        struct range *r = &t->slots[i];
        uintptr_t begin = __atomic_load_n(&r->begin, __ATOMIC_ACQUIRE);
        if (begin <= SLOT_GONE || at < begin || at >= __atomic_load_n(&r->end, __ATOMIC_RELAXED))
            continue;
        __atomic_store_n(&r->is_lost, 1, __ATOMIC_RELEASE);
        return mmap((void *)(at & ~(page - 1)), page, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    return false;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    (void)context;
    /* Not ours: the access is made again, under the action that was there before. */
    if (info->si_code != BUS_ADRERR || !page_replace((uintptr_t)info->si_addr))
        (void)sigaction(number, &action_before, NULL);
    errno = kept;
}

static void range_put(struct table *t, uintptr_t begin, uintptr_t end, uint32_t is_lost)
{
    size_t i = slot_of(t, begin);
    while (t->slots[i].begin > SLOT_GONE)
        i = (i + 1) & (t->slot_count - 1);
    t->used_count += t->slots[i].begin == 0;
    t->slots[i].end = end;
    t->slots[i].is_lost = is_lost;
    __atomic_store_n(&t->slots[i].begin, begin, __ATOMIC_RELEASE);
}

/* At most half full of what is or was there. */
static struct table *table_with_room(void)
{
    struct table *t = table;
    if (t && t->used_count * 2 < t->slot_count)
        return t;
    size_t live = 0;
    for (size_t i = 0; t && i < t->slot_count; i++)
        live += t->slots[i].begin > SLOT_GONE;
    size_t slots = SLOTS_MIN;
    while (slots < live * 4)
        slots *= 2;
    struct table *grown = mem_zalloc(sizeof(*grown) + slots * sizeof(struct range));
    grown->slot_count = slots;
    grown->older = t;
    for (size_t i = 0; t && i < t->slot_count; i++) {
        if (t->slots[i].begin > SLOT_GONE)
            range_put(grown, t->slots[i].begin, t->slots[i].end, t->slots[i].is_lost);
    }
    return grown;
}

/* Again when somebody else has set a handler since. */
static void handler_set(void)
{
    struct sigaction now, action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    (void)sigemptyset(&action.sa_mask);
    ASSERT(sigaction(SIGBUS, NULL, &now) == 0);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus_error)
        return;
    action_before = now;
    ASSERT(sigaction(SIGBUS, &action, NULL) == 0);
}

void os__map_guard_add(const void *p, uint64_t n)
{
    ASSERT(pthread_mutex_lock(&mu) == 0);
    handler_set();
    struct table *t = table_with_room();
    range_put(t, (uintptr_t)p, (uintptr_t)p + n, 0);
    __atomic_store_n(&table, t, __ATOMIC_RELEASE);
    ASSERT(pthread_mutex_unlock(&mu) == 0);
}

void os__map_guard_remove(const void *p)
{
    ASSERT(pthread_mutex_lock(&mu) == 0);
    struct range *r = range_find(table, (uintptr_t)p);
    ASSERT(r);
    __atomic_store_n(&r->begin, SLOT_GONE, __ATOMIC_RELEASE);
    ASSERT(pthread_mutex_unlock(&mu) == 0);
}

bool os__map_guard_is_lost(const void *p)
{
    struct range *r = range_find(__atomic_load_n(&table, __ATOMIC_ACQUIRE), (uintptr_t)p);
    return r && __atomic_load_n(&r->is_lost, __ATOMIC_ACQUIRE);
}
