/* SPDX-License-Identifier: Apache-2.0 */
/* The index object: slots, live bits, lanes, and refresh: builders become in-memory segments and,
 * with the deletes made so far, visible to searches in one step. */
#include "base/str.h"
#include "index/index_int.h"

/* ---- Shared immutable things ---- */

struct live *live_ref(struct live *live)
{
    if (live)
        __atomic_add_fetch(&live->refs, 1, __ATOMIC_RELAXED);
    return live;
}

void live_unref(struct live *live)
{
    if (live && __atomic_sub_fetch(&live->refs, 1, __ATOMIC_ACQ_REL) == 0)
        mem_free(live);
}

struct slot *slot_new(struct segment *seg, uint64_t number)
{
    struct slot *slot = MEM_NEW(struct slot);
    size_t words = BITSET_WORDS(seg->doc_count);
    slot->refs = 1;
    slot->segment = seg;
    slot->number = number;
    slot->live = mem_alloc(words * sizeof(uint64_t));
    memset(slot->live, 0xFF, words * sizeof(uint64_t));
    if (seg->doc_count % 64)
        slot->live[words - 1] = (UINT64_C(1) << (seg->doc_count % 64)) - 1;
    slot->live_count = seg->doc_count;
    return slot;
}

struct slot *slot_ref(struct slot *slot)
{
    __atomic_add_fetch(&slot->refs, 1, __ATOMIC_RELAXED);
    return slot;
}

void slot_unref(struct slot *slot)
{
    if (!slot || __atomic_sub_fetch(&slot->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    segment_unref(slot->segment);
    live_unref(slot->published);
    mem_free(slot->live);
    mem_free(slot);
}

struct slot_set *slot_set_ref(struct slot_set *set)
{
    __atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
    return set;
}

void slot_set_unref(struct slot_set *set)
{
    if (!set || __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < set->count; i++)
        slot_unref(set->slots[i]);
    mem_free(set);
}

struct view *view_ref(struct view *view)
{
    __atomic_add_fetch(&view->refs, 1, __ATOMIC_RELAXED);
    return view;
}

void view_unref(struct view *view)
{
    if (!view || __atomic_sub_fetch(&view->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < view->count; i++) {
        segment_unref(view->parts[i].segment);
        live_unref(view->parts[i].live);
    }
    mapping_unref(view->mapping);
    mem_free(view);
}

struct live *slot__live_copy(const struct slot *slot)
{
    if (slot->live_count == slot->segment->doc_count)
        return NULL;
    size_t words = BITSET_WORDS(slot->segment->doc_count);
    struct live *live = mem_alloc(sizeof(*live) + words * sizeof(uint64_t));
    live->refs = 1;
    live->count = slot->live_count;
    memcpy(live->words, slot->live, words * sizeof(uint64_t));
    return live;
}

/* ---- The object ---- */

static struct str str_own(struct str s)
{
    return (struct str){mem_cstr(s), s.n};
}

struct index *index__new(struct engine *engine, struct str name, struct str uuid, uint64_t id,
                         struct mapping *mapping)
{
    struct index *index = MEM_NEW(struct index);
    index->engine = engine;
    index->refs = 1;
    index->name = str_own(name);
    index->uuid = str_own(uuid);
    struct arena *mem = arena_new(0);
    index->path = str_own(path_join(mem, engine->indices_path, uuid));
    arena_free(mem);
    index->id = id;
    index->mapping = mapping;
    index->segment_next = 1;
    index->refresh_interval_ns = REFRESH_INTERVAL_DEFAULT;
    index->settings_json = mem_cstr(STR("{}"));
    index->aliases_json = mem_cstr(STR("{}"));
    ASSERT(pthread_mutex_init(&index->mu, NULL) == 0 &&
           pthread_mutex_init(&index->flush_mu, NULL) == 0 &&
           pthread_mutex_init(&index->merge_mu, NULL) == 0);
    index->lane_count = engine->lane_count;
    index->lanes = MEM_ARRAY(struct lane, index->lane_count);
    for (size_t i = 0; i < index->lane_count; i++) {
        struct lane *lane = &index->lanes[i];
        lane->index = index;
        lane->number = (uint32_t)i;
        lane->builder = builder_new();
        strmap_init(&lane->tombs);
        ASSERT(pthread_mutex_init(&lane->mu, NULL) == 0);
    }
    index->set = mem_zalloc(sizeof(struct slot_set));
    index->set->refs = 1;
    index->flushed_ns = index->refreshed_ns = clock_monotonic_ns(engine->clock);
    index__publish(index, true);
    return index;
}

struct index *index__ref(struct index *index)
{
    __atomic_add_fetch(&index->refs, 1, __ATOMIC_RELAXED);
    return index;
}

static void tombs_free(struct strmap *tombs)
{
    size_t at = 0;
    struct str id;
    void *tomb;
    while (strmap_next(tombs, &at, &id, &tomb))
        mem_free(tomb);
    strmap_deinit(tombs);
}

void index__unref(struct index *index)
{
    if (!index || __atomic_sub_fetch(&index->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < index->lane_count; i++) {
        builder_free(index->lanes[i].builder);
        tombs_free(&index->lanes[i].tombs);
        (void)pthread_mutex_destroy(&index->lanes[i].mu);
    }
    __atomic_sub_fetch(&index->engine->memory_bytes, index->memory_bytes, __ATOMIC_RELAXED);
    mem_free(index->lanes);
    slot_set_unref(index->set);
    view_unref(index->view);
    mapping_unref(index->mapping);
    mem_free(index->settings_json);
    mem_free(index->aliases_json);
    mem_free(index->damaged_numbers);
    mem_free((void *)(uintptr_t)index->name.p);
    mem_free((void *)(uintptr_t)index->uuid.p);
    mem_free((void *)(uintptr_t)index->path.p);
    (void)pthread_mutex_destroy(&index->mu);
    (void)pthread_mutex_destroy(&index->flush_mu);
    (void)pthread_mutex_destroy(&index->merge_mu);
    mem_free(index);
}

struct mapping *index__mapping(struct index *index)
{
    mutex_lock(&index->mu);
    struct mapping *mapping = mapping_ref(index->mapping);
    mutex_unlock(&index->mu);
    return mapping;
}

void index__set_slots(struct index *index, struct slot **slots, size_t count)
{
    struct slot_set *set = mem_alloc(sizeof(*set) + count * sizeof(struct slot *));
    set->refs = 1;
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->slots[i] = slots[i];
    slot_set_unref(index->set);
    index->set = set;
}

void index__publish(struct index *index, bool with_deletes)
{
    size_t count = index->set->count;
    struct view *view = mem_zalloc(sizeof(*view) + count * sizeof(struct view_part));
    view->refs = 1;
    view->mapping = mapping_ref(index->mapping);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = index->set->slots[i];
        if (with_deletes && slot->is_unpublished) {
            live_unref(slot->published);
            slot->published = slot__live_copy(slot);
            slot->is_unpublished = false;
        }
        uint32_t live_count = slot->published ? slot->published->count : slot->segment->doc_count;
        if (live_count == 0)
            continue;
        view->parts[view->count++] =
            (struct view_part){segment_ref(slot->segment), live_ref(slot->published), live_count};
        view->live_count += live_count;
    }
    view_unref(index->view);
    index->view = view;
}

void index__lanes_lock(struct index *index)
{
    for (size_t i = 0; i < index->lane_count; i++)
        mutex_lock(&index->lanes[i].mu);
}

void index__lanes_unlock(struct index *index)
{
    for (size_t i = index->lane_count; i-- > 0;)
        mutex_unlock(&index->lanes[i].mu);
}

/* What lies in memory for this index; the engine's sum follows. REQUIRES(all lanes). */
void index__memory_count(struct index *index)
{
    uint64_t n = 0;
    for (size_t i = 0; i < index->lane_count; i++) {
        if (builder_doc_count(index->lanes[i].builder) > 0)
            n += builder_bytes(index->lanes[i].builder);
    }
    mutex_lock(&index->mu);
    for (size_t i = 0; i < index->set->count; i++) {
        if (index->set->slots[i]->number == 0)
            n += index->set->slots[i]->segment->size;
    }
    uint64_t old = index->memory_bytes;
    index->memory_bytes = n;
    mutex_unlock(&index->mu);
    /* Relaxed: the sum only steers, nothing is read through it. */
    __atomic_add_fetch(&index->engine->memory_bytes, n - old, __ATOMIC_RELAXED);
}

static int lane_seal(struct lane *lane, struct slot **ret_slot, struct err *err)
{
    void *bytes;
    size_t size;
    struct segment *seg;
    *ret_slot = NULL;
    if (builder_doc_count(lane->builder) == 0)
        return 0;
    TRY(builder_seal(lane->builder, &bytes, &size, err));
    if (bytes) {
        TRY(segment_open_bytes(bytes, size, "in memory", &seg, err));
        *ret_slot = slot_new(seg, 0);
    }
    builder_free(lane->builder);
    lane->builder = builder_new();
    return 0;
}

int index__seal(struct index *index, struct err *err)
{
    struct slot *sealed[LANES_MAX];
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < index->lane_count && rc == 0; i++) {
        struct slot *slot;
        rc = lane_seal(&index->lanes[i], &slot, err);
        if (rc == 0 && slot)
            sealed[count++] = slot;
    }
    mutex_lock(&index->mu);
    if (count > 0) {
        size_t old = index->set->count;
        struct slot **slots = mem_alloc((old + count) * sizeof(struct slot *));
        for (size_t i = 0; i < old; i++)
            slots[i] = slot_ref(index->set->slots[i]);
        memcpy(slots + old, sealed, count * sizeof(struct slot *));
        index__set_slots(index, slots, old + count);
        mem_free(slots);
    }
    if (rc == 0) {
        index__publish(index, true);
        index->is_changed = false;
        index->is_refresh_wanted = false;
        index->refresh_count++;
        index->refreshed_ns = clock_monotonic_ns(index->engine->clock);
    }
    mutex_unlock(&index->mu);
    return rc;
}

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

int index__refresh(struct index *index, struct err *err)
{
    mutex_lock(&index->mu);
    bool is_changed = index->is_changed;
    index->is_refresh_wanted = false;
    mutex_unlock(&index->mu);
    if (!is_changed)
        return 0;
    index__lanes_lock(index);
    int64_t now_ns = clock_monotonic_ns(index->engine->clock);
    for (size_t i = 0; i < index->lane_count; i++)
        lane_tombs_purge(&index->lanes[i], now_ns);
    int rc = index__seal(index, err);
    int64_t took_ns = clock_monotonic_ns(index->engine->clock) - now_ns;
    metric_add(&index->metrics.refresh_total, 1);
    metric_add(&index->metrics.refresh_ns, (uint64_t)MAX_OF(took_ns, (int64_t)0));
    metric_times_add(&index->engine->metrics.refresh, took_ns);
    index__memory_count(index);
    index__lanes_unlock(index);
    return rc;
}
