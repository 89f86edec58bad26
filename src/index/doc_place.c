/* SPDX-License-Identifier: Apache-2.0 */
/* How: an id's documents are looked for where the newest is first: the lane's builder, the
 * remembered deletes, the builder that is being sealed, the segments from the newest on. Only one
 * of them can be live (inv. 3). */
#include "index/doc_place.h"

#include "base/str.h"

void doc_place_deinit(struct doc_place *place)
{
    slot_set_unref(place->set);
}

/* A live document in the sealed segments, the newest first. */
static void find_sealed(struct index *index, struct str id, struct doc_place *place)
{
    mutex_lock(&index->mu);
    place->set = slot_set_ref(index->set);
    mutex_unlock(&index->mu);
    for (size_t i = place->set->count; i-- > 0;) {
        struct slot *slot = place->set->slots[i];
        uint32_t doc = segment_find_id(slot->segment, id);
        if (doc == DOC_NONE)
            continue;
        mutex_lock(&index->mu);
        bool is_live = bitset_get(slot->live, doc);
        mutex_unlock(&index->mu);
        if (!is_live)
            continue;
        place->is_found = place->is_known = true;
        place->slot = slot;
        place->doc = doc;
        place->version = segment_version(slot->segment, doc);
        place->seq_no = segment_seq_no(slot->segment, doc);
        return;
    }
}

static void found_in(struct builder *builder, uint32_t doc, struct doc_place *place)
{
    *place = (struct doc_place){.is_found = true,
                                .is_known = true,
                                .version = builder_version(builder, doc),
                                .seq_no = builder_seq_no(builder, doc),
                                .doc = doc,
                                .builder = builder};
}

void doc_place_find(struct lane *lane, struct str id, struct doc_place *place)
{
    *place = (struct doc_place){.doc = DOC_NONE};
    uint32_t doc = lane->builder ? builder_find(lane->builder, id) : DOC_NONE;
    if (doc != DOC_NONE) {
        found_in(lane->builder, doc, place);
        return;
    }
    const struct tomb *tomb = strmap_get(&lane->tombs, id);
    if (tomb) {
        place->is_known = true;
        place->version = tomb->version;
        place->seq_no = tomb->seq_no;
        return;
    }
    doc = lane__sealing_find(lane, id);
    if (doc != DOC_NONE)
        found_in(lane->sealing, doc, place);
    else
        find_sealed(lane->index, id, place);
}

/* Marks the found document dead. A merge may have moved it meanwhile: then it is looked up again.
 */
void doc_place_kill(struct lane *lane, struct str id, struct doc_place *place)
{
    struct index *index = lane->index;
    if (!place->is_found)
        return;
    if (!place->slot) {
        if (place->builder == lane->builder)
            builder_kill(lane->builder, place->doc);
        else
            lane__sealing_kill(lane, place->doc);
        return;
    }
    for (;;) {
        mutex_lock(&index->mu);
        struct slot *slot = place->slot;
        bool is_there = !slot->is_retired;
        if (is_there) {
            ASSERT(bitset_get(slot->live, place->doc));
            bitset_clear(slot->live, place->doc);
            slot->live_count--;
            slot->is_unpublished = slot->is_dirty = true;
        }
        mutex_unlock(&index->mu);
        if (is_there)
            return;
        doc_place_deinit(place);
        *place = (struct doc_place){.doc = DOC_NONE};
        find_sealed(index, id, place);
        ASSERT(place->slot); /* only this lane kills this id */
    }
}

void lane__tomb_put(struct lane *lane, struct str id, int64_t version, int64_t seq_no)
{
    struct tomb *tomb = MEM_NEW(struct tomb);
    *tomb = (struct tomb){version, seq_no, clock_monotonic_ns(lane->index->engine->clock)};
    mem_free(strmap_put(&lane->tombs, id, tomb));
}

void lane__tomb_drop(struct lane *lane, struct str id)
{
    if (lane->tombs.count)
        mem_free(strmap_remove(&lane->tombs, id));
}

int doc_place_source(const struct doc_place *place, struct arena *mem, struct str *ret_source,
                     struct str *ret_routing, struct err *err)
{
    *ret_source = *ret_routing = STR_NONE;
    if (!place->is_found)
        return 0;
    if (place->slot)
        return segment_stored(place->slot->segment, place->doc, mem, ret_source, ret_routing, err);
    *ret_source = arena_str(mem, builder_source(place->builder, place->doc));
    *ret_routing = arena_str(mem, builder_routing(place->builder, place->doc));
    return 0;
}

/* ---- Versions ---- */

static int conflict(struct err *err, struct str id, const char *what)
{
    return err_set(err, ERR_VERSION_CONFLICT, "[" STR_FMT "]: version conflict, %s", STR_ARG(id),
                   what);
}

int doc_place_check(const struct doc_write *write, struct str id, const struct doc_place *place,
                    int64_t *ret_version, struct err *err)
{
    if (write->if_seq_no != SEQ_NO_NONE) {
        if (!place->is_found)
            return err_set(err, ERR_VERSION_CONFLICT,
                           "[" STR_FMT "]: version conflict, required seqNo [%lld], primary term "
                           "[%lld]. but no document was found",
                           STR_ARG(id), (long long)write->if_seq_no,
                           (long long)write->if_primary_term);
        if (place->seq_no != write->if_seq_no || write->if_primary_term != PRIMARY_TERM)
            return err_set(
                err, ERR_VERSION_CONFLICT,
                "[" STR_FMT "]: version conflict, required seqNo [%lld], primary term [%lld]. "
                "current document has seqNo [%lld] and primary term [%d]",
                STR_ARG(id), (long long)write->if_seq_no, (long long)write->if_primary_term,
                (long long)place->seq_no, PRIMARY_TERM);
    }
    if (write->op == DOC_CREATE && place->is_found)
        return err_set(err, ERR_VERSION_CONFLICT,
                       "[" STR_FMT
                       "]: version conflict, document already exists (current version [%lld])",
                       STR_ARG(id), (long long)place->version);
    if (write->version_type == VERSION_INTERNAL) {
        *ret_version = place->is_known ? place->version + 1 : 1;
        return 0;
    }
    if (write->version < 0)
        return conflict(err, id, "an external version must not be negative");
    bool is_gte = write->version_type == VERSION_EXTERNAL_GTE;
    if (place->is_known &&
        (is_gte ? place->version > write->version : place->version >= write->version))
        return err_set(err, ERR_VERSION_CONFLICT,
                       "[" STR_FMT
                       "]: version conflict, current version [%lld] is %s the one provided [%lld]",
                       STR_ARG(id), (long long)place->version,
                       is_gte ? "higher than" : "higher or equal to", (long long)write->version);
    *ret_version = write->version;
    return 0;
}
