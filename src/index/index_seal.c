/* SPDX-License-Identifier: Apache-2.0 */
/* index_seal.c: builders become in-memory segments, and with the deletes made so far visible to
 * searches in one step. Making a segment takes tens of milliseconds, so it happens outside of the
 * lanes' locks:
 *
 *   cut      all lanes locked: each lane's builder becomes `sealing`, and the live bits that are
 *            not published are copied: what a search will see is decided here
 *   make     no lock but seal_mu: segments from the sealing builders, which nobody changes now
 *   publish  all lanes locked, for a moment: slots and copied deletes become the view
 *
 * Between cut and publish a write finds the documents in `sealing` (versions, realtime get). One
 * that replaces such a document marks it in the lane's `sealing_dead`; the mark is carried over to
 * the slot by id, and is published by the next refresh, together with the document that replaced
 * it.
 *
 * A builder that cannot be sealed stays in `sealing`, with its error: writes and gets still find
 * its documents, and the next refresh or flush tries it again before it makes another cut. */
#include "base/bits.h"
#include "base/str.h"
#include "index/index_int.h"
#include "index/index_sort.h"

#define THREAD_BYTES_MIN (1 * MIB) /* a smaller builder is not worth a thread */

/* ---- A lane's builders ---- */

struct builder *lane__builder(struct lane *lane)
{
    if (!lane->builder)
        lane->builder = builder_new();
    return lane->builder;
}

static uint64_t builder_memory(const struct builder *builder)
{
    return builder && builder_doc_count(builder) > 0 ? builder_bytes(builder) : 0;
}

uint64_t lane__bytes(const struct lane *lane)
{
    return builder_memory(lane->builder) + builder_memory(lane->sealing);
}

uint32_t lane__sealing_find(const struct lane *lane, struct str id)
{
    uint32_t doc = lane->sealing ? builder_find(lane->sealing, id) : DOC_NONE;
    return doc != DOC_NONE && lane->sealing_dead && bitset_get(lane->sealing_dead, doc) ? DOC_NONE
                                                                                        : doc;
}

void lane__sealing_kill(struct lane *lane, uint32_t doc)
{
    if (!lane->sealing_dead)
        lane->sealing_dead = MEM_ARRAY(uint64_t, BITSET_WORDS(builder_doc_count(lane->sealing)));
    ASSERT(!bitset_get(lane->sealing_dead, doc));
    bitset_set(lane->sealing_dead, doc);
}

/* ---- Cut ---- */

/* What is to be published: the deletes up to now, whose replacements are all in the builders that
 * are cut. REQUIRES(index.mu) */
static void deletes_cut(struct index *index)
{
    for (size_t i = 0; i < index->set->count; i++) {
        struct slot *slot = index->set->slots[i];
        ASSERT(!slot->has_next);
        if (!slot->is_unpublished)
            continue;
        slot->next = slot__live_copy(slot);
        slot->has_next = true;
        slot->is_unpublished = false;
    }
}

static void cut(struct index *index, index__cut_fn *at_cut, void *arg)
{
    index__lanes_lock(index);
    for (size_t i = 0; i < index->lane_count; i++) {
        struct lane *lane = &index->lanes[i];
        ASSERT(!lane->sealing && !lane->sealing_dead);
        if (lane->builder && builder_doc_count(lane->builder) > 0)
            lane->sealing = TAKE(lane->builder);
    }
    mutex_lock(&index->mu);
    deletes_cut(index);
    index->is_changed = false;
    index->is_refresh_wanted = false;
    index->refresh_begun++;
    mutex_unlock(&index->mu);
    if (at_cut)
        at_cut(index, arg);
    index__lanes_unlock(index);
}

/* ---- Make ---- */

/* Only this thread (seal_mu) changes `sealing` and `sealed`. */
static int lane_make(struct lane *lane, struct err *err)
{
    void *bytes;
    size_t size;
    struct segment *seg;
    if (!lane->sealing || lane->sealed)
        return 0;
    struct index *index = lane->index;
    mutex_lock(&index->mu);
    uint32_t sort_field = index_sort_field(index->mapping, str_from(index->sort_path));
    mutex_unlock(&index->mu);
    TRY(builder_seal(lane->sealing, sort_field, &bytes, &size, err));
    if (!bytes)
        return 0;
    TRY(segment_open_bytes(bytes, size, "in memory", &seg, err));
    lane->sealed = slot_new(seg, 0);
    return 0;
}

struct making {
    struct lane *lane;
    pthread_t thread;
    bool has_thread;
    int rc;
    struct err err;
};

static void *making_run(void *arg)
{
    struct making *m = arg;
    m->rc = lane_make(m->lane, &m->err);
    return NULL;
}

/* Large ones on all cores while the index is recovered: nobody else works for it then. Later, each
 * writer that filled a builder does this, so the cores have their work. */
static int make(struct index *index, struct err *err)
{
    struct making makings[LANES_MAX];
    bool is_alone = !index__is_ready(index) && !index->engine->config.is_single_threaded;
    int rc = 0;
    for (size_t i = 0; i < index->lane_count; i++) {
        struct making *m = &makings[i];
        *m = (struct making){.lane = &index->lanes[i]};
        m->has_thread = is_alone && i > 0 && builder_memory(m->lane->sealing) > THREAD_BYTES_MIN &&
                        pthread_create(&m->thread, NULL, making_run, m) == 0;
    }
    for (size_t i = 0; i < index->lane_count; i++) {
        struct making *m = &makings[i];
        if (m->has_thread)
            ASSERT(pthread_join(m->thread, NULL) == 0);
        else if (rc == 0)
            (void)making_run(m);
        if (rc == 0 && m->rc < 0) {
            rc = m->rc;
            if (err)
                *err = m->err;
        }
    }
    if (rc < 0) {
        mutex_lock(&index->mu);
        index->is_changed = true; /* there is something to refresh, still */
        mutex_unlock(&index->mu);
    }
    return rc;
}

/* ---- Publish ---- */

/* Documents that died while their segment was made: its first live bits. */
static void carry_dead(struct lane *lane)
{
    struct slot *slot = lane->sealed;
    uint32_t count = lane->sealing_dead ? builder_doc_count(lane->sealing) : 0;
    for (uint32_t doc = 0; doc < count; doc++) {
        if (!bitset_get(lane->sealing_dead, doc))
            continue;
        uint32_t to = segment_find_id(slot->segment, builder_id(lane->sealing, doc));
        ASSERT(to != DOC_NONE && bitset_get(slot->live, to));
        bitset_clear(slot->live, to);
        slot->live_count--;
        slot->is_unpublished = slot->is_dirty = true;
    }
}

/* REQUIRES(all lanes, index.mu) */
static void slots_add(struct index *index)
{
    size_t old = index->set->count, count = old;
    struct slot **slots = mem_alloc((old + index->lane_count) * sizeof(struct slot *));
    for (size_t i = 0; i < old; i++)
        slots[i] = slot_ref(index->set->slots[i]);
    for (size_t i = 0; i < index->lane_count; i++) {
        struct lane *lane = &index->lanes[i];
        if (!lane->sealed)
            continue;
        carry_dead(lane);
        slots[count++] = TAKE(lane->sealed);
    }
    if (count > old)
        index__set_slots(index, slots, count);
    for (size_t i = 0; count == old && i < old; i++)
        slot_unref(slots[i]);
    mem_free(slots);
}

static void publish(struct index *index)
{
    struct builder *done[LANES_MAX];
    index__lanes_lock(index);
    mutex_lock(&index->mu);
    slots_add(index);
    for (size_t i = 0; i < index->lane_count; i++) {
        struct lane *lane = &index->lanes[i];
        done[i] = TAKE(lane->sealing);
        mem_free(TAKE(lane->sealing_dead));
    }
    index__publish(index, true);
    index->refresh_done = index->refresh_begun;
    index->refreshed_ns = clock_monotonic_ns(index->engine->clock);
    mutex_unlock(&index->mu);
    index__memory_count(index);
    index__lanes_unlock(index);
    for (size_t i = 0; i < index->lane_count; i++)
        builder_free(done[i]);
}

static int finish(struct index *index, struct err *err)
{
    TRY(make(index, err));
    publish(index);
    return 0;
}

static bool has_leftover(const struct index *index)
{
    for (size_t i = 0; i < index->lane_count; i++) {
        if (index->lanes[i].sealing)
            return true;
    }
    return false;
}

int index__seal(struct index *index, index__cut_fn *at_cut, void *arg, struct err *err)
{
    if (has_leftover(index))
        TRY(finish(index, err));
    cut(index, at_cut, arg);
    return finish(index, err);
}

/* ---- Refresh ---- */

static void lane_tombs_purge(struct lane *lane, int64_t now_ns)
{
    if (lane->tombs.count == 0)
        return;
    struct strmap kept;
    strmap_init(&kept);
    size_t at = 0, over = lane->tombs.count > TOMBS_MAX ? lane->tombs.count - TOMBS_MAX : 0;
    struct str id;
    void *p;
    while (strmap_next(&lane->tombs, &at, &id, &p)) {
        struct tomb *tomb = p;
        if (over > 0 || now_ns - tomb->at_ns > TOMB_AGE_NS) {
            over -= over > 0;
            mem_free(tomb);
        } else {
            (void)strmap_put(&kept, id, tomb);
        }
    }
    strmap_deinit(&lane->tombs);
    lane->tombs = kept;
}

static void tombs_purge(struct index *index, void *arg)
{
    (void)arg;
    int64_t now_ns = clock_monotonic_ns(index->engine->clock);
    for (size_t i = 0; i < index->lane_count; i++)
        lane_tombs_purge(&index->lanes[i], now_ns);
}

static uint64_t builders_bytes(struct index *index)
{
    uint64_t n = 0;
    for (size_t i = 0; i < index->lane_count; i++) {
        mutex_lock(&index->lanes[i].mu);
        n += lane__bytes(&index->lanes[i]);
        mutex_unlock(&index->lanes[i].mu);
    }
    return n;
}

int index__refresh_over(struct index *index, uint64_t bytes_min, struct err *err)
{
    int rc = 0;
    /* First the lock: a refresh that is under way may hold what the caller wants to see. */
    mutex_lock(&index->seal_mu);
    mutex_lock(&index->mu);
    bool is_changed = index->is_changed;
    if (!is_changed)
        index->is_refresh_wanted = false;
    mutex_unlock(&index->mu);
    if (is_changed && (bytes_min == 0 || builders_bytes(index) >= bytes_min)) {
        int64_t begin_ns = clock_monotonic_ns(index->engine->clock);
        rc = index__seal(index, tombs_purge, NULL, err);
        int64_t took_ns = MAX_OF(clock_monotonic_ns(index->engine->clock) - begin_ns, (int64_t)0);
        metric_add(&index->metrics.refresh_total, 1);
        metric_add(&index->metrics.refresh_ns, (uint64_t)took_ns);
        metric_times_add(&index->engine->metrics.refresh, took_ns);
    }
    mutex_unlock(&index->seal_mu);
    return rc;
}

int index__refresh(struct index *index, struct err *err)
{
    return index__refresh_over(index, 0, err);
}
