/* SPDX-License-Identifier: Apache-2.0 */
/* merge_pace.c: a background merge takes what searches and writes leave over. While somebody uses
 * the engine it writes at most merge_bytes_per_s; a merge that falls behind, by files that wait,
 * may write twice as much for each MERGE_FACTOR of them, since too many files cost searches more
 * than the merge does. Alone, it runs freely. Closing ends it at the next breath: the files it
 * would have replaced are still there. */
#include "index/index_int.h"
#include "index/merge_pick.h"

#define MERGE_USED_NS    (200 * NS_PER_MS) /* a use so long ago counts as now */
#define MERGE_SLICE_NS   (20 * NS_PER_MS)  /* how long it sleeps before it looks again */
#define MERGE_CREDIT_NS  (50 * NS_PER_MS)  /* unused time that may be caught up */
#define MERGE_FILES_LOW  (2 * MERGE_FACTOR)
#define MERGE_BEHIND_MAX 6u /* times MERGE_FACTOR files behind: no limit any more */

void merge_pacer_init(struct merge_pacer *pacer, struct index *index)
{
    *pacer = (struct merge_pacer){index, clock_monotonic_ns(index->engine->clock)};
}

static bool is_used(struct engine *engine, int64_t now_ns)
{
    return __atomic_load_n(&engine->flight_bytes, __ATOMIC_RELAXED) > 0 ||
           now_ns - __atomic_load_n(&engine->used_ns, __ATOMIC_RELAXED) < MERGE_USED_NS;
}

/* Bytes a second, 0: no limit. */
static uint64_t rate_now(struct index *index, int64_t now_ns)
{
    struct engine *engine = index->engine;
    size_t files = 0; /* that wait to be merged */
    if (!is_used(engine, now_ns))
        return 0;
    mutex_lock(&index->mu);
    bool is_free = index->is_merge_free;
    for (size_t i = 0; i < index->set->count; i++) {
        const struct slot *slot = index->set->slots[i];
        struct merge_candidate file = {.bytes = slot->segment->size,
                                       .docs = slot->segment->doc_count};
        files += slot->number != 0 && !merge_is_full(&file);
    }
    mutex_unlock(&index->mu);
    size_t behind = files > MERGE_FILES_LOW ? (files - MERGE_FILES_LOW) / MERGE_FACTOR : 0;
    return is_free || behind >= MERGE_BEHIND_MAX ? 0 : engine->merge_bytes_per_s << behind;
}

int merge_pacer_wait(void *arg, uint64_t bytes, struct err *err)
{
    struct merge_pacer *pacer = arg;
    struct engine *engine = pacer->index->engine;
    int64_t now_ns = clock_monotonic_ns(engine->clock);
    uint64_t rate = rate_now(pacer->index, now_ns);
    pacer->due_ns = MAX_OF(pacer->due_ns, now_ns - MERGE_CREDIT_NS);
    if (rate > 0)
        pacer->due_ns += (int64_t)((double)bytes * (double)NS_PER_S / (double)rate);
    mutex_lock(&engine->bg_mu);
    while (!engine->is_closing && rate > 0 && now_ns < pacer->due_ns) {
        struct timespec until = engine__deadline(MIN_OF(pacer->due_ns - now_ns, MERGE_SLICE_NS));
        (void)pthread_cond_timedwait(&engine->merge_wake, &engine->bg_mu, &until);
        mutex_unlock(&engine->bg_mu);
        now_ns = clock_monotonic_ns(engine->clock);
        rate = rate_now(pacer->index, now_ns);
        mutex_lock(&engine->bg_mu);
    }
    bool is_closing = engine->is_closing;
    mutex_unlock(&engine->bg_mu);
    return is_closing ? err_set(err, ERR_SHUTDOWN, "the merge ends with the engine") : 0;
}
