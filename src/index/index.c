/* SPDX-License-Identifier: Apache-2.0 */
/* The index object: slots, live bits, lanes, and the view that searches see. */
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
    live_unref(slot->next);
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
    index->seq_no_on_disk = -1;
    index->mapping = mapping;
    index->segment_next = 1;
    index->refresh_interval_ns = REFRESH_INTERVAL_DEFAULT;
    index->search_idle_ns = SEARCH_IDLE_DEFAULT;
    index->settings_json = mem_cstr(STR("{}"));
    index->aliases_json = mem_cstr(STR("{}"));
    index->sort_path = mem_cstr(STR("@timestamp"));
    ASSERT(pthread_mutex_init(&index->mu, NULL) == 0 &&
           pthread_mutex_init(&index->flush_mu, NULL) == 0 &&
           pthread_mutex_init(&index->seal_mu, NULL) == 0 &&
           pthread_mutex_init(&index->merge_mu, NULL) == 0);
    index->lane_count = engine->lane_count;
    index->lanes = MEM_ARRAY(struct lane, index->lane_count);
    for (size_t i = 0; i < index->lane_count; i++) {
        struct lane *lane = &index->lanes[i];
        lane->index = index;
        lane->number = (uint32_t)i;
        strmap_init(&lane->tombs);
        ASSERT(pthread_mutex_init(&lane->mu, NULL) == 0);
    }
    index->set = mem_zalloc(sizeof(struct slot_set));
    index->set->refs = 1;
    index->flushed_ns = index->refreshed_ns = index->searched_ns =
        clock_monotonic_ns(engine->clock);
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
        builder_free(index->lanes[i].sealing);
        mem_free(index->lanes[i].sealing_dead);
        slot_unref(index->lanes[i].sealed);
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
    mem_free(index->sort_path);
    mem_free(index->damaged);
    mem_free((void *)(uintptr_t)index->name.p);
    mem_free((void *)(uintptr_t)index->uuid.p);
    mem_free((void *)(uintptr_t)index->path.p);
    (void)pthread_mutex_destroy(&index->mu);
    (void)pthread_mutex_destroy(&index->flush_mu);
    (void)pthread_mutex_destroy(&index->seal_mu);
    (void)pthread_mutex_destroy(&index->merge_mu);
    mem_free(index);
}

bool index__is_idle(const struct index *index)
{
    return !index->is_interval_set &&
           clock_monotonic_ns(index->engine->clock) - index->searched_ns >= index->search_idle_ns;
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
        if (with_deletes && slot->has_next) {
            live_unref(slot->published);
            slot->published = TAKE(slot->next);
            slot->has_next = false;
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
    for (size_t i = 0; i < index->lane_count; i++)
        n += lane__bytes(&index->lanes[i]);
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
