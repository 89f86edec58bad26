/* SPDX-License-Identifier: Apache-2.0 */
/* Flush and merge. Both replace neighbouring slots by one, and both go the same way:
 *
 *   1. merge_plan with the *published* live bits, so that nothing a search may still see is left
 * out
 *   2. merge_run into a file (or memory), synced
 *   3. under index.mu: deletes made meanwhile are carried over to the new slot, the list and the
 * view are switched
 *   4. the manifest is written by rename; only then old files go and the log may forget
 *
 * A crash before 4 leaves files that no manifest names: they are removed when the index is opened.
 *
 * Flush first seals all lanes; at the cut, under their locks, it notes the log's next sequence P:
 * every frame of this index below P is then in the slots, so the manifest may say "replay from P".
 */
#include "base/str.h"
#include "index/index_int.h"
#include "index/index_sort.h"
#include "index/merge_pick.h"

/* ---- Replacing neighbours ---- */

struct replace {
    struct index *index;
    struct slot_set *set; /* at the start */
    size_t from, count;   /* which slots of it */
    struct merge_input *inputs;
    struct live **lives; /* published at the start, per input */
    uint32_t sort_field;
    struct slot *result;           /* NULL: no document was left */
    const struct merge_pace *pace; /* NULL: at full speed */
};

static void replace_init(struct replace *r, struct index *index, struct slot_set *set, size_t from,
                         size_t count)
{
    *r = (struct replace){.index = index, .set = slot_set_ref(set), .from = from, .count = count};
    r->inputs = MEM_ARRAY(struct merge_input, count);
    r->lives = MEM_ARRAY(struct live *, count);
    mutex_lock(&index->mu);
    r->sort_field = index_sort_field(index->mapping, str_from(index->sort_path));
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = set->slots[from + i];
        r->lives[i] = live_ref(slot->published);
        r->inputs[i] =
            (struct merge_input){slot->segment, r->lives[i] ? r->lives[i]->words : NULL, {0}};
    }
    mutex_unlock(&index->mu);
}

static void replace_deinit(struct replace *r)
{
    for (size_t i = 0; i < r->count; i++) {
        live_unref(r->lives[i]);
        renumber_deinit(&r->inputs[i].new_docs);
    }
    mem_free(r->inputs);
    mem_free(r->lives);
    slot_set_unref(r->set);
}

/* Into file `number`, or into memory when that is 0. */
static int replace_run(struct replace *r, uint64_t number, struct err *err)
{
    struct index *index = r->index;
    struct vfs *fs = index->engine->fs;
    if (merge_plan(r->inputs, r->count, r->sort_field) == 0)
        return 0;
    struct segment *seg;
    void *bytes = NULL;
    uint64_t size;
    if (number == 0) {
        TRY(merge_run(r->inputs, r->count, NULL, false, NULL, &bytes, &size, err));
        TRY(segment_open_bytes(bytes, size, "in memory", &seg, err));
    } else {
        CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
        CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
        struct str path = segment_file_path(index->path, number, mem);
        TRY(vfs_open(fs, path, VFS_READ | VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &file, err));
        int rc = merge_run(r->inputs, r->count, file, true, r->pace, NULL, &size, err);
        if (rc == 0)
            rc = vfs_sync_dir(fs, index->path, err);
        if (rc == 0)
            rc = segment_open_file(fs, path, &seg, err);
        if (rc < 0) {
            (void)!vfs_remove(fs, path, NULL);
            return rc;
        }
    }
    r->result = slot_new(seg, number);
    return 0;
}

enum bits { BITS_PUBLISHED, BITS_NEXT, BITS_LIVE };

/* NULL: all live. */
static const uint64_t *bits_of(const struct slot *slot, enum bits bits)
{
    const struct live *live = bits == BITS_NEXT && slot->has_next ? slot->next : slot->published;
    return bits == BITS_LIVE ? slot->live : live ? live->words : NULL;
}

static uint64_t all_live(const struct slot *slot, size_t word)
{
    uint32_t rest = slot->segment->doc_count - (uint32_t)word * 64;
    return rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1;
}

static void result_kill(struct replace *r, uint32_t doc)
{
    ASSERT(doc != DOC_NONE);
    if (!bitset_get(r->result->live, doc))
        return;
    bitset_clear(r->result->live, doc);
    r->result->live_count--;
}

/* Writers wait meanwhile, so only words that changed since the start are looked at. */
static void carry(struct replace *r, enum bits bits)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct slot *old = r->set->slots[r->from + i];
        const uint64_t *live = bits_of(old, bits), *before = r->inputs[i].live;
        size_t words = live ? BITSET_WORDS(old->segment->doc_count) : 0;
        for (size_t w = 0; w < words; w++) {
            uint64_t died = (before ? before[w] : all_live(old, w)) & ~live[w];
            for (; died; died &= died - 1)
                result_kill(r, renumber_get(&r->inputs[i].new_docs,
                                            (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(died)));
        }
    }
}

/* Deletes since the start: first the published ones, then those that a refresh under way will
 * publish, then the rest. REQUIRES(index.mu). */
static void carry_deletes(struct replace *r)
{
    struct slot *to = r->result;
    carry(r, BITS_PUBLISHED);
    to->published = slot__live_copy(to);
    for (size_t i = 0; i < r->count; i++)
        to->has_next |= r->set->slots[r->from + i]->has_next;
    uint32_t shown = to->live_count;
    if (to->has_next) {
        carry(r, BITS_NEXT);
        to->next = slot__live_copy(to);
        shown = to->live_count;
    }
    carry(r, BITS_LIVE);
    to->is_unpublished = shown != to->live_count;
    to->is_dirty = to->live_count != to->segment->doc_count;
}

static void replace_commit(struct replace *r)
{
    struct index *index = r->index;
    mutex_lock(&index->mu);
    if (r->result)
        carry_deletes(r);
    struct slot **slots = mem_alloc((index->set->count + 1) * sizeof(struct slot *));
    size_t n = 0;
    bool is_placed = false;
    for (size_t i = 0; i < index->set->count; i++) {
        struct slot *slot = index->set->slots[i];
        bool is_old = false;
        for (size_t k = 0; k < r->count; k++)
            is_old |= slot == r->set->slots[r->from + k];
        if (!is_old) {
            slots[n++] = slot_ref(slot);
            continue;
        }
        slot->is_retired = true;
        if (!is_placed && r->result)
            slots[n++] = slot_ref(r->result);
        is_placed = true;
    }
    ASSERT(is_placed);
    index__set_slots(index, slots, n);
    mem_free(slots);
    index__publish(index, false);
    mutex_unlock(&index->mu);
    slot_unref(r->result);
    r->result = NULL;
}

static int replace_slots(struct index *index, struct slot_set *set, size_t from, size_t count,
                         uint64_t number, struct err *err)
{
    struct replace r;
    replace_init(&r, index, set, from, count);
    int rc = replace_run(&r, number, err);
    if (rc == 0)
        replace_commit(&r);
    replace_deinit(&r);
    return rc;
}

static struct slot_set *set_get(struct index *index)
{
    mutex_lock(&index->mu);
    struct slot_set *set = slot_set_ref(index->set);
    mutex_unlock(&index->mu);
    return set;
}

/* ---- Manifest ---- */

static bool name_number(struct str name, const char *suffix, uint64_t *ret_number,
                        uint64_t *ret_generation)
{
    if (!str_ends_with(name, str_from(suffix)))
        return false;
    name.n -= strlen(suffix);
    *ret_generation = 0;
    ptrdiff_t dot = str_find_char(name, '.');
    if (dot >= 0 && !str_to_u64(str_from_off(name, (size_t)dot + 1), ret_generation))
        return false;
    return str_to_u64(dot >= 0 ? str_sub(name, 0, (size_t)dot) : name, ret_number);
}

static bool manifest_names(const struct manifest *m, uint64_t number, uint64_t generation,
                           bool is_live)
{
    for (size_t i = 0; i < m->segment_count; i++) {
        if (m->segments[i].number == number)
            return !is_live || m->segments[i].live_generation == generation;
    }
    return false;
}

/* Files that the manifest just written does not name. Failing to remove one harms nothing: the next
 * round tries again. */
static void files_sweep(struct index *index, const struct manifest *m, struct arena *mem)
{
    struct vfs *fs = index->engine->fs;
    struct vfs_entry *entries;
    size_t count;
    if (vfs_list(fs, index->path, mem, &entries, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        uint64_t number, generation;
        bool is_live = name_number(entries[i].name, ".live", &number, &generation);
        bool is_ours = is_live || name_number(entries[i].name, ".seg", &number, &generation) ||
                       str_ends_with(entries[i].name, STR(".tmp"));
        bool is_tmp = str_ends_with(entries[i].name, STR(".tmp"));
        if (is_ours && !is_tmp && !is_live && number == index->merging_number)
            continue;
        if (is_ours && (is_tmp || !manifest_names(m, number, generation, is_live)))
            (void)!vfs_remove(fs, path_join(mem, index->path, entries[i].name), NULL);
    }
}

/* Live bits that changed get a file of a new generation. A dead bit may stand for a document that
 * was replaced: the log must hold the new one before the bit reaches the disk. So the bits are
 * copied while no lane is in the middle of a batch, and the log is waited for. The same wait covers
 * merges, which leave out what is dead. */
static int lives_write(struct index *index, struct slot_set *set, struct arena *mem,
                       struct err *err)
{
    struct live **copies = ARENA_ARRAY(mem, struct live *, set->count + 1);
    uint64_t generation = index->manifest_generation + 1;
    index__lanes_lock(index);
    mutex_lock(&index->mu);
    for (size_t i = 0; i < set->count; i++)
        copies[i] = set->slots[i]->number && set->slots[i]->is_dirty
                        ? slot__live_copy(set->slots[i])
                        : NULL;
    mutex_unlock(&index->mu);
    uint64_t next = wal_next_seq(index->engine->wal);
    index__lanes_unlock(index);
    int rc = next > 1 ? wal_commit(index->engine->wal, next - 1, err) : 0;
    for (size_t i = 0; i < set->count; i++) {
        struct slot *slot = set->slots[i];
        if (rc == 0 && copies[i])
            rc = live_file_write(index->engine->fs,
                                 live_file_path(index->path, slot->number, generation, mem),
                                 slot->segment->doc_count, copies[i]->words, err);
        mutex_lock(&index->mu);
        if (rc == 0 && copies[i]) {
            slot->live_generation = generation;
            slot->is_dirty = slot->live_count != copies[i]->count;
        }
        mutex_unlock(&index->mu);
        live_unref(copies[i]);
    }
    return rc;
}

static void manifest_fill(struct index *index, struct slot_set *set, struct arena *mem,
                          struct manifest *m)
{
    struct buf mapping;
    buf_init(&mapping, 0);
    mutex_lock(&index->mu);
    mapping_encode(index->mapping, &mapping);
    *m = (struct manifest){.name = index->name,
                           .uuid = index->uuid,
                           .id = index->id,
                           .created_ns = index->created_ns,
                           .settings_json = arena_str(mem, str_from(index->settings_json)),
                           .aliases_json = arena_str(mem, str_from(index->aliases_json)),
                           .mapping_json = arena_str(mem, buf_str(&mapping)),
                           .generation = index->manifest_generation + 1,
                           .wal_flushed = index->wal_flushed,
                           .segment_next = index->segment_next,
                           .seq_no_next = __atomic_load_n(&index->seq_no_next, __ATOMIC_RELAXED)};
    m->segments = ARENA_ARRAY(mem, struct manifest_segment, set->count + index->damaged_count);
    for (size_t i = 0; i < set->count; i++) {
        const struct slot *slot = set->slots[i];
        if (!slot->number)
            continue;
        m->segments[m->segment_count] = (struct manifest_segment){
            slot->number, slot->segment->size, slot->live_generation, slot->segment->doc_count};
        /* About to be set aside: what it held may have been written anew already, so that it must
         * never count again, should it read well after a restart. */
        if (segment__is_damaged(slot->segment))
            m->segments[m->segment_count].bytes = m->segments[m->segment_count].live_generation = 0;
        m->segment_count++;
    }
    /* A damaged file stays named, so that nobody removes it. */
    for (size_t i = 0; i < index->damaged_count; i++)
        m->segments[m->segment_count++] = index->damaged[i];
    index->is_mapping_dirty = false;
    mutex_unlock(&index->mu);
    buf_deinit(&mapping);
}

int index__manifest_write(struct index *index, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct slot_set *set = set_get(index);
    struct manifest m;
    int rc = lives_write(index, set, mem, err);
    if (rc == 0) {
        manifest_fill(index, set, mem, &m);
        rc = manifest_write(index->engine->fs, index->path, &m, err);
    }
    slot_set_unref(set);
    if (rc < 0) {
        mutex_lock(&index->mu);
        index->is_mapping_dirty = true;
        mutex_unlock(&index->mu);
        /* The rename may have happened: what was written stays, and the next manifest gets a higher
         * generation. */
        index->manifest_generation++;
        return rc;
    }
    index->manifest_generation++;
    files_sweep(index, &m, mem);
    return 0;
}

/* ---- Flush ---- */

static bool flush_needed(struct index *index)
{
    mutex_lock(&index->mu);
    bool needed = index->is_changed || index->wal_from != 0 || index->is_mapping_dirty;
    for (size_t i = 0; i < index->set->count; i++)
        needed |= index->set->slots[i]->number == 0 || index->set->slots[i]->is_dirty;
    mutex_unlock(&index->mu);
    return needed;
}

/* The run of in-memory slots at the end becomes one file; so does one in the middle, should there
 * be. */
static int memory_slots_write(struct index *index, struct err *err)
{
    for (;;) {
        struct slot_set *set = set_get(index);
        size_t from = 0, count = 0;
        while (from < set->count && set->slots[from]->number != 0)
            from++;
        while (from + count < set->count && set->slots[from + count]->number == 0)
            count++;
        int rc = count ? replace_slots(index, set, from, count, index->segment_next++, err) : 0;
        slot_set_unref(set);
        TRY(rc);
        if (count == 0)
            return 0;
    }
}

/* Every frame below *next is in a builder that is sealed now, or in a slot. */
static void flush_cut(struct index *index, void *next)
{
    *(uint64_t *)next = index->replay_to ? index->replay_to : wal_next_seq(index->engine->wal);
    mutex_lock(&index->mu);
    index->is_flushing = true;
    index->wal_from_next = 0;
    index->log_operations_cut = metric_get(&index->metrics.log_operations);
    index->log_bytes_cut = metric_get(&index->metrics.log_bytes);
    mutex_unlock(&index->mu);
}

static int flush_locked(struct index *index, struct err *err)
{
    struct engine *engine = index->engine;
    int64_t begin_ns = clock_monotonic_ns(engine->clock);
    uint64_t next = 0;
    mutex_lock(&index->seal_mu);
    int rc = index__seal(index, flush_cut, &next, err);
    mutex_unlock(&index->seal_mu);
    /* The manifest will say "from `next` on", so the log must have got there. */
    if (rc == 0 && next > 1)
        rc = wal_commit(engine->wal, next - 1, err);
    if (rc == 0)
        rc = memory_slots_write(index, err);
    uint64_t old_flushed = index->wal_flushed;
    if (rc == 0) {
        mutex_lock(&index->mu);
        index->wal_flushed = next;
        mutex_unlock(&index->mu);
        rc = index__manifest_write(index, err);
    }
    mutex_lock(&index->mu);
    index->is_flushing = false;
    if (rc == 0) {
        index->wal_from = index->wal_from_next;
        index->log_operations_flushed = index->log_operations_cut;
        index->log_bytes_flushed = index->log_bytes_cut;
    } else {
        index->wal_flushed = old_flushed;
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    int64_t end_ns = clock_monotonic_ns(engine->clock);
    int64_t took_ns = MAX_OF(end_ns - begin_ns, (int64_t)0);
    metric_add(&index->metrics.flush_total, 1);
    metric_add(&index->metrics.flush_ns, (uint64_t)took_ns);
    metric_times_add(&engine->metrics.flush, took_ns);
    mutex_lock(&index->mu);
    index->flushed_ns = end_ns;
    mutex_unlock(&index->mu);
    index__lanes_lock(index);
    index__memory_count(index);
    index__lanes_unlock(index);
    return 0;
}

int index__flush_replayed(struct index *index, uint64_t seq, struct err *err)
{
    mutex_lock(&index->flush_mu);
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    index->replay_to = seq;
    int rc = is_deleted ? 0 : flush_locked(index, err);
    index->replay_to = 0;
    mutex_unlock(&index->flush_mu);
    return rc;
}

int index__flush(struct index *index, bool is_forced, struct err *err)
{
    if (!index__is_ready(index)) /* half of it is still in the log alone */
        return 0;
    mutex_lock(&index->flush_mu);
    int rc = 0;
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    if (!is_deleted && (is_forced || flush_needed(index)))
        rc = flush_locked(index, err);
    mutex_unlock(&index->flush_mu);
    TRY(rc);
    return wal_truncate(index->engine->wal, engine__wal_needed(index->engine), err);
}

/* ---- Merge ---- */

/* REQUIRES(index.mu) */
static bool slots_pick(const struct slot_set *set, size_t *ret_from, size_t *ret_count)
{
    struct merge_candidate *files = MEM_ARRAY(struct merge_candidate, set->count + 1);
    for (size_t i = 0; i < set->count; i++) {
        const struct slot *slot = set->slots[i];
        uint32_t docs = slot->segment->doc_count,
                 published = slot->published ? slot->published->count : docs;
        files[i] = (struct merge_candidate){slot->number != 0, slot->segment->size, docs,
                                            docs - published};
    }
    bool is_picked = merge_pick(files, set->count, ret_from, ret_count);
    mem_free(files);
    return is_picked;
}

/* What a merge takes in, for the figures. */
struct merge_note {
    uint64_t docs, bytes;
    int64_t begin_ns;
};

static void merge_begin(struct index *index, const struct slot_set *set, size_t from, size_t count,
                        struct merge_note *note)
{
    *note = (struct merge_note){.begin_ns = clock_monotonic_ns(index->engine->clock)};
    for (size_t i = 0; i < count; i++) {
        note->docs += set->slots[from + i]->segment->doc_count;
        note->bytes += set->slots[from + i]->segment->size;
    }
    metric_add(&index->metrics.merge_current, 1);
    metric_add(&index->metrics.merge_current_docs, note->docs);
    metric_add(&index->metrics.merge_current_bytes, note->bytes);
}

static void merge_end(struct index *index, const struct merge_note *note)
{
    int64_t took_ns = clock_monotonic_ns(index->engine->clock) - note->begin_ns;
    metric_sub(&index->metrics.merge_current, 1);
    metric_sub(&index->metrics.merge_current_docs, note->docs);
    metric_sub(&index->metrics.merge_current_bytes, note->bytes);
    metric_add(&index->metrics.merge_total, 1);
    metric_add(&index->metrics.merge_docs, note->docs);
    metric_add(&index->metrics.merge_bytes, note->bytes);
    metric_add(&index->metrics.merge_ns, (uint64_t)MAX_OF(took_ns, (int64_t)0));
    metric_times_add(&index->engine->metrics.merge, took_ns);
}

/* Merges files while flushes go on: only the number, and in the end the switch, are taken under
 * flush_mu. REQUIRES(merge_mu). */
static int files_merge(struct index *index, struct slot_set *set, size_t from, size_t count,
                       bool is_forced, struct err *err)
{
    struct replace r;
    struct merge_pacer pacer;
    struct merge_pace pace = {merge_pacer_wait, &pacer};
    mutex_lock(&index->flush_mu);
    uint64_t number = index->merging_number = index->segment_next++;
    mutex_unlock(&index->flush_mu);
    replace_init(&r, index, set, from, count);
    struct merge_note note;
    merge_begin(index, set, from, count, &note);
    merge_pacer_init(&pacer, index);
    if (!is_forced && index->engine->has_thread)
        r.pace = &pace;
    int rc = replace_run(&r, number, err);
    merge_end(index, &note);
    mutex_lock(&index->flush_mu);
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    if (rc == 0 && !is_deleted) {
        replace_commit(&r);
        rc = index__manifest_write(index, err);
    }
    index->merging_number = 0;
    mutex_unlock(&index->flush_mu);
    slot_unref(r.result); /* of an index that went meanwhile */
    replace_deinit(&r);
    return rc;
}

/* The merged file lies beside its inputs for a moment; it must not fill the disk for the writes. */
static bool has_room(struct index *index, const struct slot_set *set, size_t from, size_t count)
{
    struct engine *engine = index->engine;
    uint64_t bytes = DISK_RESERVE_BYTES, free_bytes;
    for (size_t i = 0; i < count; i++)
        bytes += set->slots[from + i]->segment->size;
    return vfs_free_bytes(engine->fs, engine->path, &free_bytes, NULL) == 0 && free_bytes >= bytes;
}

int index__merge_due(struct index *index, bool *ret_did, struct err *err)
{
    *ret_did = false;
    mutex_lock(&index->merge_mu);
    struct slot_set *set = set_get(index);
    size_t from, count;
    mutex_lock(&index->mu);
    bool is_due = !index->is_deleted && slots_pick(set, &from, &count);
    mutex_unlock(&index->mu);
    is_due = is_due && has_room(index, set, from, count);
    int rc = is_due ? files_merge(index, set, from, count, false, err) : 0;
    *ret_did = is_due && rc == 0;
    slot_set_unref(set);
    mutex_unlock(&index->merge_mu);
    return rc;
}

/* How many files at the front to merge so that at most `max` remain; 0: nothing to do. */
static size_t front_count(struct index *index, const struct slot_set *set, size_t max)
{
    size_t files = 0;
    bool has_dead = false;
    mutex_lock(&index->mu);
    while (files < set->count && set->slots[files]->number != 0) {
        has_dead |= set->slots[files]->live_count != set->slots[files]->segment->doc_count;
        files++;
    }
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    if (is_deleted || files == 0 || (files <= max && !has_dead))
        return 0;
    /* The newest files up to the wanted number stay as they are unless all are to become one. */
    return max == 1 || files <= max ? files : files - max + 1;
}

int index__merge_to(struct index *index, size_t segment_count_max, struct err *err)
{
    TRY(index__flush(index, false, err));
    mutex_lock(&index->merge_mu);
    struct slot_set *set = set_get(index);
    size_t count = front_count(index, set, MAX_OF(segment_count_max, (size_t)1));
    int rc = count ? files_merge(index, set, 0, count, true, err) : 0;
    slot_set_unref(set);
    mutex_unlock(&index->merge_mu);
    return rc;
}

/* Many small in-memory segments become one, in memory. */
int index__fold(struct index *index, struct err *err)
{
    int rc = 0;
    mutex_lock(&index->flush_mu);
    struct slot_set *set = set_get(index);
    size_t from = set->count;
    /* Large ones wait for the flush: folding them would be a second pass for nothing. */
    while (from > 0 && set->slots[from - 1]->number == 0 &&
           set->slots[from - 1]->segment->size < FOLD_BYTES_MAX)
        from--;
    if (set->count - from > FOLD_SLOTS_MAX) {
        rc = replace_slots(index, set, from, set->count - from, 0, err);
        if (rc == 0) {
            index__lanes_lock(index);
            index__memory_count(index);
            index__lanes_unlock(index);
        }
    }
    slot_set_unref(set);
    mutex_unlock(&index->flush_mu);
    return rc;
}

uint64_t engine__wal_needed(struct engine *engine)
{
    uint64_t needed = wal_next_seq(engine->wal);
    size_t count;
    if (engine__is_recovering(engine))
        return 0;
    struct index **indices = engine__all(engine, &count);
    for (size_t i = 0; i < count; i++) {
        mutex_lock(&indices[i]->mu);
        if (indices[i]->wal_from)
            needed = MIN_OF(needed, indices[i]->wal_from);
        mutex_unlock(&indices[i]->mu);
    }
    engine__all_free(indices, count);
    return needed;
}
