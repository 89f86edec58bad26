/* SPDX-License-Identifier: Apache-2.0 */
/* A frame of the log applied again, with the numbers its documents had. */
#include "index/doc_place.h"
#include "index/wal_record.h"

static int replay_bad(struct index *index, uint64_t seq, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "write-ahead log: bad record of index [" STR_FMT "] in frame %llu",
                   STR_ARG(index->name), (unsigned long long)seq);
}

/* Under the mapping that was in force when the document was written. Should it need a field that
 * the log did not bring, the index gets it, as it would from a write. */
static int replay_add(struct lane *lane, struct mapping *mapping, const struct builder_doc *doc,
                      struct err *err)
{
    struct index *index = lane->index;
    CLEANUP(mapping_unref_ptr) struct mapping *base = mapping_ref(mapping);
    for (;;) {
        CLEANUP(mapping_unref_ptr) struct mapping *draft = NULL;
        TRY(builder_add(lane__builder(lane), base, doc, &draft, err));
        if (!draft)
            return 0;
        mutex_lock(&index->mu);
        bool is_ours = index->mapping == base;
        struct mapping *now = mapping_ref(index->mapping);
        if (is_ours) {
            mapping_unref(index->mapping);
            index->mapping = mapping_ref(draft);
            index->is_mapping_dirty = true;
        }
        mutex_unlock(&index->mu);
        mapping_unref(base);
        base = now;
        if (is_ours)
            return 0;
        builder_undo(lane->builder);
    }
}

/* Applied with the numbers it was given. */
static int replay_record(struct lane *lane, struct mapping *mapping, const struct wal_record *r,
                         struct err *err)
{
    struct index *index = lane->index;
    struct doc_place place = {.doc = DOC_NONE};
    int64_t seq_no = (int64_t)r->seq_no, version = (int64_t)r->version;
    int rc = 0;
    /* A generated id was new then, and segments that were there at the opening may have got it from
     * this frame only when they reach as far as its number. */
    if (!(r->flags & WAL_DOC_FLAG_AUTO_ID) || seq_no <= index->seq_no_on_disk)
        doc_place_find(lane, r->id, &place);
    if (place.is_known && place.seq_no >= seq_no) {
        /* Already there. */
    } else if (r->op == WAL_DOC_DELETE) {
        doc_place_kill(lane, r->id, &place);
        lane__tomb_put(lane, r->id, version, seq_no);
    } else {
        struct builder_doc doc = {r->id, r->routing, r->source, seq_no, version};
        rc = replay_add(lane, mapping, &doc, err);
        if (rc == 0) {
            doc_place_kill(lane, r->id, &place);
            lane__tomb_drop(lane, r->id);
        } else {
            rc = err_wrap(err, "write-ahead log: document [" STR_FMT "] of index [" STR_FMT "]",
                          STR_ARG(r->id), STR_ARG(index->name));
        }
    }
    doc_place_deinit(&place);
    return rc;
}

int wal__replay_docs(struct index *index, struct mapping *mapping, const struct wal_frame *frame,
                     uint32_t worker, uint32_t of, struct err *err)
{
    const uint8_t *p = (const uint8_t *)frame->payload.p, *end = p + frame->payload.n;
    uint64_t seq_no_max = 0;
    int rc = 0;
    for (size_t i = worker; i < index->lane_count; i += of)
        mutex_lock(&index->lanes[i].mu);
    for (uint32_t i = 0; i < frame->record_count && rc == 0; i++) {
        struct wal_record r;
        if (!wal_record_take(&p, end, &r)) {
            rc = replay_bad(index, frame->seq, err);
            break;
        }
        seq_no_max = MAX_OF(seq_no_max, r.seq_no);
        uint32_t lane = engine__lane_of(index->engine, r.id);
        if (lane % of == worker)
            rc = replay_record(&index->lanes[lane], mapping, &r, err);
    }
    for (size_t i = worker; i < index->lane_count; i += of)
        mutex_unlock(&index->lanes[i].mu);
    TRY(rc);
    if (p != end)
        return replay_bad(index, frame->seq, err);
    mutex_lock(&index->mu);
    index->is_changed = true;
    if (worker == 0) { /* it is in the log still, as what is written from now on */
        metric_add(&index->metrics.log_operations, frame->record_count);
        metric_add(&index->metrics.log_bytes, frame->payload.n);
    }
    if (__atomic_load_n(&index->seq_no_next, __ATOMIC_RELAXED) <= (int64_t)seq_no_max)
        __atomic_store_n(&index->seq_no_next, (int64_t)seq_no_max + 1, __ATOMIC_RELAXED);
    mutex_unlock(&index->mu);
    return 0;
}
