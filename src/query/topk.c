/* SPDX-License-Identifier: Apache-2.0 */
/* topk.c: the k best documents of a segment: a binary heap of slots whose root is the worst one. Of
 * equal keys the lower document number wins, as in Lucene. */
#include "query/search_int.h"

void topk_init(struct topk *top, size_t capacity, size_t key_count, struct arena *mem)
{
    *top = (struct topk){.key_count = key_count, .capacity = capacity};
    if (capacity == 0)
        return;
    top->keys = ARENA_ARRAY(mem, uint64_t, capacity * MAX_OF(key_count, 1u));
    top->docs = ARENA_ARRAY(mem, uint32_t, capacity);
    top->scores = ARENA_ARRAY(mem, float, capacity);
    top->heap = ARENA_ARRAY(mem, uint32_t, capacity);
}

/* > 0: a is worse than b. */
static int worse(const struct topk *top, const uint64_t *a, uint32_t doc_a, const uint64_t *b,
                 uint32_t doc_b)
{
    for (size_t i = 0; i < top->key_count; i++) {
        if (a[i] != b[i])
            return a[i] > b[i] ? 1 : -1;
    }
    return (doc_a > doc_b) - (doc_a < doc_b);
}

bool topk_slot_is_worse(const struct topk *top, uint32_t a, uint32_t b)
{
    return worse(top, &top->keys[a * top->key_count], top->docs[a], &top->keys[b * top->key_count],
                 top->docs[b]) > 0;
}

bool topk_beats(const struct topk *top, const uint64_t *keys, uint32_t doc, uint32_t slot)
{
    return worse(top, keys, doc, &top->keys[slot * top->key_count], top->docs[slot]) < 0;
}

static void sift_up(struct topk *top, size_t at)
{
    uint32_t slot = top->heap[at];
    for (; at > 0 && topk_slot_is_worse(top, slot, top->heap[(at - 1) / 2]); at = (at - 1) / 2)
        top->heap[at] = top->heap[(at - 1) / 2];
    top->heap[at] = slot;
}

static void sift_down(struct topk *top, size_t at, size_t count)
{
    uint32_t slot = top->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && topk_slot_is_worse(top, top->heap[child + 1], top->heap[child]))
            child++;
        if (!topk_slot_is_worse(top, top->heap[child], slot))
            break;
        top->heap[at] = top->heap[child];
        at = child;
    }
    top->heap[at] = slot;
}

void topk_put(struct topk *top, uint32_t slot, const uint64_t *keys, uint32_t doc, float score)
{
    for (size_t i = 0; i < top->key_count; i++)
        top->keys[slot * top->key_count + i] = keys[i];
    top->docs[slot] = doc;
    top->scores[slot] = score;
}

void topk_offer(struct topk *top, const uint64_t *keys, uint32_t doc, float score)
{
    if (top->capacity == 0)
        return;
    if (top->count < top->capacity) {
        uint32_t slot = (uint32_t)top->count;
        topk_put(top, slot, keys, doc, score);
        top->heap[top->count++] = slot;
        sift_up(top, top->count - 1);
        return;
    }
    uint32_t root = top->heap[0];
    if (worse(top, keys, doc, &top->keys[root * top->key_count], top->docs[root]) >= 0)
        return;
    topk_put(top, root, keys, doc, score);
    sift_down(top, 0, top->count);
}

void topk_sorted(struct topk *top, uint32_t *slots)
{
    size_t count = top->count;
    while (count > 0) {
        slots[count - 1] = top->heap[0];
        top->heap[0] = top->heap[--count];
        if (count > 0)
            sift_down(top, 0, count);
    }
}
