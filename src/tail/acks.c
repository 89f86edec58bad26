/* SPDX-License-Identifier: Apache-2.0 */
/* acks.c: a ring of tickets in order of their making. A ticket's number is its place since the
 * start. */
#include "tail/acks.h"

#include <pthread.h>

#include "base/arena.h"

struct ticket {
    struct tail_marks marks;
    bool is_done;
};

struct tail_acks {
    pthread_mutex_t mu;
    struct ticket *ring; /* guarded by mu, as all below; slot = number % capacity */
    size_t capacity;
    uint64_t first, next; /* numbers: oldest not applied, next to be made */
};

void tail_marks_add(struct tail_marks *marks, struct tail_file *file, uint64_t off)
{
    struct tail_mark *last = marks->count ? &marks->items[marks->count - 1] : NULL;
    if (last && last->file == file && last->epoch == file->epoch) {
        last->off = off;
        return;
    }
    if (marks->count == marks->capacity) {
        void *items = marks->items;
        mem_grow(&items, &marks->capacity, marks->count + 1, sizeof(struct tail_mark));
        marks->items = items;
    }
    file->mark_count++;
    marks->items[marks->count++] = (struct tail_mark){file, off, file->epoch};
}

static void marks_release(struct tail_marks *marks, bool is_acked)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct tail_mark *mark = &marks->items[i];
        if (is_acked)
            tail_file_acked(mark->file, mark->off, mark->epoch);
        tail_file_unmark(mark->file);
    }
    mem_free(marks->items);
    *marks = (struct tail_marks){0};
}

void tail_marks_deinit(struct tail_marks *marks)
{
    marks_release(marks, false);
}

struct tail_acks *tail_acks_new(void)
{
    struct tail_acks *acks = MEM_NEW(struct tail_acks);
    ASSERT(pthread_mutex_init(&acks->mu, NULL) == 0);
    return acks;
}

void tail_acks_free(struct tail_acks *acks)
{
    if (!acks)
        return;
    for (uint64_t i = acks->first; i < acks->next; i++)
        marks_release(&acks->ring[i % acks->capacity].marks, false);
    (void)pthread_mutex_destroy(&acks->mu);
    mem_free(acks->ring);
    mem_free(acks);
}

/* REQUIRES(acks->mu) */
static void ring_grow(struct tail_acks *acks)
{
    size_t capacity = acks->capacity ? acks->capacity * 2 : 16;
    struct ticket *ring = MEM_ARRAY(struct ticket, capacity);
    for (uint64_t i = acks->first; i < acks->next; i++)
        ring[i % capacity] = acks->ring[i % acks->capacity];
    mem_free(acks->ring);
    acks->ring = ring;
    acks->capacity = capacity;
}

uint64_t tail_acks_add(struct tail_acks *acks, struct tail_marks *taken)
{
    pthread_mutex_lock(&acks->mu);
    if (acks->next - acks->first == acks->capacity)
        ring_grow(acks);
    uint64_t number = acks->next++;
    acks->ring[number % acks->capacity] = (struct ticket){.marks = *taken};
    pthread_mutex_unlock(&acks->mu);
    *taken = (struct tail_marks){0};
    return number;
}

void tail_acks_done(struct tail_acks *acks, uint64_t ticket)
{
    pthread_mutex_lock(&acks->mu);
    ASSERT(ticket >= acks->first && ticket < acks->next);
    acks->ring[ticket % acks->capacity].is_done = true;
    pthread_mutex_unlock(&acks->mu);
}

size_t tail_acks_apply(struct tail_acks *acks)
{
    size_t count = 0;
    for (;;) {
        struct tail_marks marks = {0};
        bool is_done = false;
        pthread_mutex_lock(&acks->mu);
        if (acks->first < acks->next && acks->ring[acks->first % acks->capacity].is_done) {
            is_done = true;
            marks = acks->ring[acks->first++ % acks->capacity].marks;
        }
        pthread_mutex_unlock(&acks->mu);
        if (!is_done)
            return count;
        marks_release(&marks, true);
        count++;
    }
}

size_t tail_acks_open(struct tail_acks *acks)
{
    pthread_mutex_lock(&acks->mu);
    size_t n = (size_t)(acks->next - acks->first);
    pthread_mutex_unlock(&acks->mu);
    return n;
}
