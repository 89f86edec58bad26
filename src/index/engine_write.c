/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in. A request is admitted or refused as a whole; its items are sorted by index and
 * lane (a document with an id always goes to the same lane, so its operations stay in order); each
 * lane takes its items under its lock and leaves one frame for the log; then one commit waits for
 * the disk. */
#include "base/str.h"
#include "index/ids.h"
#include "index/index_int.h"

#define MEMORY_WAIT_NS                                                                             \
    (5 * NS_PER_S)             /* for the background to make room, before a request is refused */
#define DOC_OVERHEAD_BYTES 64u /* of a document whatever its size */
#define ID_SEQ_MAX         0xFFFF00u /* of the three bytes that count */

/* ---- Generated ids ---- */

/* 15 bytes in 20 characters: 6 of milliseconds, taken anew at most once a second so that neighbours
 * share them, 6 that are this engine's own, 3 that count. */
static void id_write(const struct engine *engine, int64_t id_ms, uint32_t seq,
                     char id[COUNTED_ID_BYTES])
{
    uint8_t bytes[12];
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)((uint64_t)id_ms >> (40 - 8 * i));
    memcpy(bytes + 6, engine->id_node, 6);
    id_count_write(seq, id + COUNTED_ID_PREFIX_BYTES);
    for (size_t i = 0; i < 4; i++) {
        uint32_t v =
            (uint32_t)bytes[i * 3] << 16 | (uint32_t)bytes[i * 3 + 1] << 8 | bytes[i * 3 + 2];
        id[i * 4] = id_digits[v >> 18];
        id[i * 4 + 1] = id_digits[(v >> 12) & 63];
        id[i * 4 + 2] = id_digits[(v >> 6) & 63];
        id[i * 4 + 3] = id_digits[v & 63];
    }
}

void engine__ids_make(struct engine *engine, uint32_t lane, size_t count,
                      char (*ids)[COUNTED_ID_BYTES])
{
    while (count > 0) {
        mutex_lock(&engine->id_mu);
        int64_t now_ms = clock_wall_ns(engine->clock) / NS_PER_MS;
        if (now_ms >= engine->id_ms + 1000 || engine->id_seq >= ID_SEQ_MAX) {
            engine->id_ms = MAX_OF(now_ms, engine->id_ms + 1);
            engine->id_seq = 0;
        }
        /* As many as the counter has left, so that another lane may count on at once. */
        uint32_t first = engine->id_seq, last = first;
        size_t n = 0;
        while (n < count && last < ID_SEQ_MAX)
            n += (++last & 63) % engine->lane_count == lane;
        int64_t id_ms = engine->id_ms;
        engine->id_seq = last;
        mutex_unlock(&engine->id_mu);
        for (uint32_t seq = first + 1; seq <= last; seq++) {
            if ((seq & 63) % engine->lane_count == lane)
                id_write(engine, id_ms, seq, *ids++);
        }
        count -= n;
    }
}

/* The lane of an id. Ids that this engine made carry theirs in the last character, so that a whole
 * bulk without ids is one lane's work; any other id is hashed. */
static uint32_t lane_of(const struct engine *engine, struct str id)
{
    if (id.n == COUNTED_ID_BYTES &&
        memcmp(id.p + 8, engine->id_node_text, sizeof(engine->id_node_text)) == 0) {
        uint32_t seq;
        if (id_count_read(id, &seq))
            return (seq & 63) % (uint32_t)engine->lane_count;
    }
    return (uint32_t)(hash_str(id) % engine->lane_count);
}

void engine__ids_init(struct engine *engine)
{
    char id[1][COUNTED_ID_BYTES];
    rng_init(&engine->rng, engine->config.seed ^ (uint64_t)clock_wall_ns(engine->clock) ^
                               (wal_next_seq(engine->wal) * UINT64_C(0x9E3779B97F4A7C15)));
    uint64_t node = rng_u64(&engine->rng);
    memcpy(engine->id_node, &node, sizeof(engine->id_node));
    engine__ids_make(engine, 0, 1, id);
    memcpy(engine->id_node_text, id[0] + 8, sizeof(engine->id_node_text));
}

/* ---- Finding the current document ---- */

struct place {
    bool is_found; /* a live document */
    bool is_known; /* found, or a remembered delete */
    int64_t version, seq_no;
    uint32_t doc;            /* in `builder`, or in `slot` */
    struct builder *builder; /* the lane's one, or the one that is being sealed */
    struct slot *slot;       /* NULL: in the builder. Borrowed from `set` */
    struct slot_set *set;
};

static void place_deinit(struct place *place)
{
    slot_set_unref(place->set);
}

/* A live document in the sealed segments, the newest first. */
static void find_sealed(struct index *index, struct str id, struct place *place)
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

static void found_in(struct builder *builder, uint32_t doc, struct place *place)
{
    *place = (struct place){.is_found = true,
                            .is_known = true,
                            .version = builder_version(builder, doc),
                            .seq_no = builder_seq_no(builder, doc),
                            .doc = doc,
                            .builder = builder};
}

static void find_current(struct lane *lane, struct str id, struct place *place)
{
    *place = (struct place){.doc = DOC_NONE};
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
static void kill_current(struct lane *lane, struct str id, struct place *place)
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
        place_deinit(place);
        *place = (struct place){.doc = DOC_NONE};
        find_sealed(index, id, place);
        ASSERT(place->slot); /* only this lane kills this id */
    }
}

static void tomb_put(struct lane *lane, struct str id, int64_t version, int64_t seq_no)
{
    struct tomb *tomb = MEM_NEW(struct tomb);
    *tomb = (struct tomb){version, seq_no, clock_monotonic_ns(lane->index->engine->clock)};
    mem_free(strmap_put(&lane->tombs, id, tomb));
}

static void tomb_drop(struct lane *lane, struct str id)
{
    if (lane->tombs.count)
        mem_free(strmap_remove(&lane->tombs, id));
}

/* ---- Versions ---- */

static int conflict(struct err *err, struct str id, const char *what)
{
    return err_set(err, ERR_VERSION_CONFLICT, "[" STR_FMT "]: version conflict, %s", STR_ARG(id),
                   what);
}

static int conditions_check(const struct doc_write *write, struct str id, const struct place *place,
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

/* ---- Records ---- */

static void record_add(struct buf *out, enum wal_doc_op op, unsigned flags, struct str id,
                       struct str routing, struct str source, int64_t seq_no, int64_t version)
{
    buf_add_u8(out, (uint8_t)op);
    buf_add_u8(out, (uint8_t)(flags | (routing.n ? WAL_DOC_FLAG_ROUTING : 0u)));
    buf_add_varint(out, id.n);
    buf_add_str(out, id);
    buf_add_varint(out, (uint64_t)seq_no);
    buf_add_varint(out, (uint64_t)version);
    if (routing.n) {
        buf_add_varint(out, routing.n);
        buf_add_str(out, routing);
    }
    if (op == WAL_DOC_INDEX) {
        buf_add_varint(out, source.n);
        buf_add_str(out, source);
    }
}

static bool text_take(const uint8_t **p, const uint8_t *end, struct str *ret)
{
    uint64_t n;
    if (!get_varint(p, end, &n) || n > (uint64_t)(end - *p))
        return false;
    *ret = (struct str){(const char *)*p, n};
    *p += n;
    return true;
}

/* ---- A lane's batch ---- */

struct batch {
    struct lane *lane;
    const struct doc_write *writes;
    struct doc_result *results;
    struct arena *mem;
    struct str index_name; /* in mem */
    struct mapping
        *mapping; /* a reference; a newer one is taken when a document needs a new field */
    char (*ids)[COUNTED_ID_BYTES]; /* the generated ids that are left, in mem */
    struct buf frame;
    uint32_t record_count;
    uint64_t seq_max;    /* last frame appended, 0: none */
    bool is_delete_only; /* the disk is nearly full: everything else is refused */
    int64_t delete_ns;
};

static int frame_append(struct batch *b, enum wal_kind kind, struct str payload, uint32_t records,
                        struct err *err)
{
    struct index *index = b->lane->index;
    struct wal_frame frame = {
        .index_id = index->id, .kind = (uint8_t)kind, .record_count = records, .payload = payload};
    uint64_t seq;
    TRY(wal_append(index->engine->wal, &frame, &seq, err));
    b->seq_max = seq;
    return 0;
}

/* Notes that frames from `seq` on are not flushed. REQUIRES(index.mu). */
static void unflushed_note(struct index *index, uint64_t seq)
{
    if (!index->wal_from)
        index->wal_from = seq;
    if (index->is_flushing && !index->wal_from_next)
        index->wal_from_next = seq;
}

/* Makes a draft the index's mapping, unless another lane was first. */
static int mapping_publish(struct batch *b, const struct mapping *old, struct mapping *draft,
                           bool *ret_ok, struct err *err)
{
    struct index *index = b->lane->index;
    struct buf json;
    buf_init(&json, 0);
    mapping_encode(draft, &json);
    mutex_lock(&index->mu);
    int rc = 0;
    *ret_ok = index->mapping == old;
    if (*ret_ok)
        rc = frame_append(b, WAL_MAPPING, buf_str(&json), 1, err);
    if (*ret_ok && rc == 0) {
        unflushed_note(index, b->seq_max);
        mapping_unref(index->mapping);
        index->mapping = mapping_ref(draft);
        index->is_changed = index->is_mapping_dirty = true;
    }
    mutex_unlock(&index->mu);
    buf_deinit(&json);
    return rc;
}

/* Adds to the builder; a mapping that another lane changed at the same time makes it begin again.
 */
static int doc_add(struct batch *b, const struct builder_doc *doc, struct err *err)
{
    struct index *index = b->lane->index;
    for (;;) {
        CLEANUP(mapping_unref_ptr) struct mapping *draft = NULL;
        bool is_published;
        TRY(builder_add(lane__builder(b->lane), b->mapping, doc, &draft, err));
        if (!draft)
            return 0;
        int rc = mapping_publish(b, b->mapping, draft, &is_published, err);
        if (rc == 0 && is_published) {
            mapping_unref(b->mapping);
            b->mapping = TAKE(draft);
            return 0;
        }
        builder_undo(b->lane->builder);
        TRY(rc);
        mapping_unref(b->mapping);
        b->mapping = index__mapping(index);
    }
}

static void result_fill(struct doc_result *r, enum doc_outcome outcome, int status, int64_t version,
                        int64_t seq_no)
{
    r->outcome = outcome;
    r->status = status;
    r->version = version;
    r->seq_no = seq_no;
    r->primary_term = PRIMARY_TERM;
}

static int index_doc(struct batch *b, const struct doc_write *write, struct doc_result *r,
                     struct str source, struct place *place, struct err *err)
{
    struct index *index = b->lane->index;
    int64_t version;
    TRY(conditions_check(write, r->id, place, &version, err));
    int64_t seq_no = __atomic_fetch_add(&index->seq_no_next, 1, __ATOMIC_RELAXED);
    struct builder_doc doc = {r->id, write->routing, source, seq_no, version};
    TRY(doc_add(b, &doc, err));
    bool was_there = place->is_found;
    kill_current(b->lane, r->id, place);
    tomb_drop(b->lane, r->id);
    record_add(&b->frame, WAL_DOC_INDEX, write->id.n ? 0 : WAL_DOC_FLAG_AUTO_ID, r->id,
               write->routing, source, seq_no, version);
    b->record_count++;
    metric_add(&index->metrics.index_total, 1);
    result_fill(r, was_there ? DOC_UPDATED : DOC_CREATED, was_there ? 200 : 201, version, seq_no);
    return 0;
}

static int delete_doc(struct batch *b, const struct doc_write *write, struct doc_result *r,
                      struct place *place, struct err *err)
{
    struct index *index = b->lane->index;
    int64_t version;
    TRY(conditions_check(write, r->id, place, &version, err));
    int64_t seq_no = __atomic_fetch_add(&index->seq_no_next, 1, __ATOMIC_RELAXED);
    bool was_there = place->is_found;
    kill_current(b->lane, r->id, place);
    tomb_put(b->lane, r->id, version, seq_no);
    record_add(&b->frame, WAL_DOC_DELETE, 0, r->id, write->routing, STR_NONE, seq_no, version);
    b->record_count++;
    if (was_there)
        metric_add(&index->metrics.delete_total, 1);
    result_fill(r, was_there ? DOC_DELETED : DOC_NOT_FOUND, was_there ? 200 : 404, version, seq_no);
    return 0;
}

static int delete_timed(struct batch *b, const struct doc_write *write, struct doc_result *r,
                        struct place *place, struct err *err)
{
    struct clock *clock = b->lane->index->engine->clock;
    int64_t begin_ns = clock_monotonic_ns(clock);
    int rc = delete_doc(b, write, r, place, err);
    b->delete_ns += clock_monotonic_ns(clock) - begin_ns;
    return rc;
}

static int current_source(struct batch *b, const struct place *place, struct str *ret_source,
                          struct str *ret_routing, struct err *err)
{
    *ret_source = *ret_routing = STR_NONE;
    if (!place->is_found)
        return 0;
    if (place->slot)
        return segment_stored(place->slot->segment, place->doc, b->mem, ret_source, ret_routing,
                              err);
    *ret_source = arena_str(b->mem, builder_source(place->builder, place->doc));
    *ret_routing = arena_str(b->mem, builder_routing(place->builder, place->doc));
    return 0;
}

static int update_doc(struct batch *b, const struct doc_write *write, struct doc_result *r,
                      struct place *place, struct err *err)
{
    struct str source, merged, routing;
    bool is_noop;
    if (write->version_type != VERSION_INTERNAL)
        return err_set(err, ERR_INVALID,
                       "internal versioning can not be used for optimistic concurrency control. "
                       "Please use `if_seq_no` and `if_primary_term` instead");
    TRY(current_source(b, place, &source, &routing, err));
    TRY(update_apply(write->source, source, r->id, b->mem, &merged, &is_noop, err));
    if (is_noop) {
        int64_t version;
        TRY(conditions_check(write, r->id, place, &version, err));
        metric_add(&b->lane->index->metrics.noop_total, 1);
        result_fill(r, DOC_NOOP, 200, place->version, place->seq_no);
        return 0;
    }
    struct doc_write index = *write;
    index.op = DOC_INDEX;
    if (index.routing.n == 0)
        index.routing = routing;
    return index_doc(b, &index, r, merged, place, err);
}

static int id_check(struct str id, struct err *err)
{
    if (id.n > ID_BYTES_MAX)
        return err_set(err, ERR_INVALID,
                       "id is too long, must be no longer than %u bytes but was: %zu", ID_BYTES_MAX,
                       id.n);
    return 0;
}

static void result_fail(struct doc_result *r, const struct err *err, struct arena *mem)
{
    struct err *copy = ARENA_NEW(mem, struct err);
    *copy = *err;
    r->outcome = DOC_FAILED;
    r->status = err_http_status(err->code);
    r->err = copy;
}

/* "Not found" of a damaged segment is no answer: written anew, the document would begin at version
 * 1, and a create would succeed. The segment is set aside in a moment, and then it is the truth. */
static int miss_is_true(const struct index *index, const struct place *place, struct err *err)
{
    const struct slot_set *set = place->is_found ? NULL : place->set;
    for (size_t i = 0; set && i < set->count; i++) {
        if (UNLIKELY(segment__is_damaged(set->slots[i]->segment)))
            return err_set(err, ERR_UNAVAILABLE,
                           "[" STR_FMT
                           "][0] primary shard is not active: segment %s is damaged and "
                           "about to be set aside",
                           STR_ARG(index->name), set->slots[i]->segment->name);
    }
    return 0;
}

static void item_apply(struct batch *b, size_t i)
{
    const struct doc_write *write = &b->writes[i];
    struct doc_result *r = &b->results[i];
    struct err err; /* large, and set only when something fails */
    struct place place = {.doc = DOC_NONE};
    r->index = b->index_name;
    int rc = b->is_delete_only && write->op != DOC_DELETE ? engine__disk_blocked(r->index, &err)
                                                          : id_check(write->id, &err);
    if (rc == 0 && write->id.n == 0 && (write->op == DOC_UPDATE || write->op == DOC_DELETE))
        rc = err_set(&err, ERR_INVALID, "Validation Failed: 1: id is missing;");
    if (rc == 0 && write->id.n == 0) {
        /* A generated id is new: nothing to look up. */
        r->id = (struct str){*b->ids++, COUNTED_ID_BYTES};
    } else if (rc == 0) {
        r->id = arena_str(b->mem, write->id);
        find_current(b->lane, r->id, &place);
        rc = miss_is_true(b->lane->index, &place, &err);
    }
    if (rc == 0) {
        switch (write->op) {
        case DOC_INDEX:
        case DOC_CREATE:
            rc = index_doc(b, write, r, write->source, &place, &err);
            break;
        case DOC_UPDATE:
            rc = update_doc(b, write, r, &place, &err);
            break;
        case DOC_DELETE:
            rc = delete_timed(b, write, r, &place, &err);
            break;
        }
    }
    place_deinit(&place);
    if (rc < 0) {
        result_fail(r, &err, b->mem);
        if (write->op != DOC_DELETE)
            metric_add(&b->lane->index->metrics.index_failed, 1);
    }
}

/* Ids for the items that come without one. */
static void batch_ids(struct batch *b, const uint32_t *items, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += b->writes[items[i]].id.n == 0;
    b->ids = n ? arena_alloc(b->mem, n * COUNTED_ID_BYTES) : NULL;
    engine__ids_make(b->lane->index->engine, b->lane->number, n, b->ids);
}

/* Runs the items of one lane and gives their frame to the log. */
static int lane_run(struct batch *b, const uint32_t *items, size_t count, struct err *err)
{
    struct lane *lane = b->lane;
    struct index *index = lane->index;
    int rc = 0;
    b->index_name = arena_str(b->mem, index->name);
    mutex_lock(&lane->mu);
    batch_ids(b, items, count); /* under the lock: a lane's ids ascend */
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    b->mapping = mapping_ref(index->mapping);
    mutex_unlock(&index->mu);
    for (size_t i = 0; i < count; i++) {
        if (is_deleted) {
            struct err gone;
            (void)err_set(&gone, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                          STR_ARG(index->name));
            result_fail(&b->results[items[i]], &gone, b->mem);
        } else {
            item_apply(b, items[i]);
        }
    }
    if (b->frame.is_over)
        rc = err_set(err, ERR_TOO_LARGE, "the request's log frame is over the limit");
    else if (b->record_count)
        rc = frame_append(b, WAL_DOCS, buf_str(&b->frame), b->record_count, err);
    if (rc == 0 && b->record_count) {
        mutex_lock(&index->mu);
        unflushed_note(index, b->seq_max);
        index->is_changed = true;
        metric_add(&index->metrics.log_operations, b->record_count);
        metric_add(&index->metrics.log_bytes, b->frame.n);
        mutex_unlock(&index->mu);
    }
    mutex_unlock(&lane->mu);
    mapping_unref(b->mapping);
    return rc;
}

/* ---- The request ---- */

int engine__disk_blocked(struct str index, struct err *err)
{
    return err_set(err, ERR_DISK_FULL,
                   "index [" STR_FMT
                   "] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage "
                   "watermark, index has read-only-allow-delete block];",
                   STR_ARG(index));
}

int engine__disk_is_full(struct engine *engine, bool *ret_is_full, struct err *err)
{
    int64_t now_ns = clock_monotonic_ns(engine->clock);
    int64_t checked_ns = __atomic_load_n(&engine->disk_checked_ns, __ATOMIC_RELAXED);
    bool is_full = __atomic_load_n(&engine->is_disk_full, __ATOMIC_RELAXED);
    /* A full disk is looked at each time: writes go on with the first one after there is room. */
    if (checked_ns == INT64_MIN || is_full || now_ns - checked_ns >= DISK_CHECK_NS) {
        uint64_t free_bytes;
        __atomic_store_n(&engine->disk_checked_ns, now_ns, __ATOMIC_RELAXED);
        TRY(vfs_free_bytes(engine->fs, engine->path, &free_bytes, err));
        is_full = free_bytes < DISK_RESERVE_BYTES;
        __atomic_store_n(&engine->is_disk_full, is_full, __ATOMIC_RELAXED);
    }
    *ret_is_full = is_full;
    return 0;
}

int engine__disk_admit(struct engine *engine, struct str index, struct err *err)
{
    bool is_full;
    TRY(engine__disk_is_full(engine, &is_full, err));
    return is_full ? engine__disk_blocked(index, err) : 0;
}

/* What the disk lets through. */
enum admitted { ADMIT_ALL, ADMIT_DELETES, ADMIT_NONE };

static int admit_disk(struct engine *engine, enum admitted *ret, struct err *err)
{
    bool is_full;
    int rc = wal_state(engine->wal, err);
    if (rc == -ERR_DISK_FULL)
        rc = wal_heal(engine->wal, err);
    if (rc == -ERR_DISK_FULL) {
        *ret = ADMIT_NONE; /* a delete needs the log as well */
        return 0;
    }
    TRY(rc);
    TRY(engine__disk_is_full(engine, &is_full, err));
    *ret = is_full ? ADMIT_DELETES : ADMIT_ALL;
    return 0;
}

static uint64_t memory_used(struct engine *engine)
{
    return __atomic_load_n(&engine->memory_bytes, __ATOMIC_RELAXED) +
           __atomic_load_n(&engine->flight_bytes, __ATOMIC_RELAXED);
}

/* Behind WAL_BYTES_MAX of log nothing is taken until a flush let some of it go: what a crash leaves
 * to be replayed is bounded by it. */
static bool is_over(struct engine *engine, size_t bytes)
{
    return memory_used(engine) + bytes > engine->memory_max ||
           wal_bytes(engine->wal) > WAL_BYTES_MAX;
}

/* Lets the background make room for a while. */
static void memory_wait(struct engine *engine, size_t bytes)
{
    if (!engine->has_thread) {
        size_t count;
        struct index **indices = engine__all(engine, &count);
        for (size_t i = 0; i < count; i++)
            (void)!index__flush(indices[i], false, NULL);
        engine__all_free(indices, count);
        return;
    }
    struct timespec until = engine__deadline(MEMORY_WAIT_NS);
    mutex_lock(&engine->bg_mu);
    engine->is_kicked = true;
    ASSERT(pthread_cond_signal(&engine->bg_wake) == 0);
    while (is_over(engine, bytes)) {
        if (pthread_cond_timedwait(&engine->bg_done, &engine->bg_mu, &until) != 0)
            break;
    }
    mutex_unlock(&engine->bg_mu);
}

static int admit_memory(struct engine *engine, size_t bytes, struct err *err)
{
    size_t needed = bytes * 2; /* a document's columns and postings are about its own size again */
    struct engine_metrics *m = &engine->metrics;
    if (bytes > engine->request_max) {
        metric_add(&m->rejected_size, 1);
        return err_set(err, ERR_TOO_LARGE,
                       "a write of %zu bytes is over the limit request_bytes_max of %zu", bytes,
                       engine->request_max);
    }
    if (is_over(engine, needed))
        memory_wait(engine, needed);
    uint64_t used = memory_used(engine);
    if (used + needed > engine->memory_max) {
        metric_add(&m->rejected_memory, 1);
        return err_set(err, ERR_MEM_LIMIT,
                       "[write] data too large: %llu bytes are in use and %zu more needed, over "
                       "the limit memory_bytes_max of %zu",
                       (unsigned long long)used, needed, engine->memory_max);
    }
    if (is_over(engine, needed)) {
        metric_add(&m->rejected_log_bytes, 1);
        return err_set(err, ERR_MEM_LIMIT,
                       "[write] the log holds %llu bytes that are not flushed, over the limit "
                       "WAL_BYTES_MAX of %llu",
                       (unsigned long long)wal_bytes(engine->wal),
                       (unsigned long long)WAL_BYTES_MAX);
    }
    return 0;
}

static bool is_delete_only(const struct doc_write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (writes[i].op != DOC_DELETE)
            return false;
    }
    return true;
}

/* A request of which the disk keeps something out is counted once, though its items are told one by
 * one. */
static int admit(struct engine *engine, const struct doc_write *writes, size_t count, size_t bytes,
                 enum admitted *ret, struct err *err)
{
    struct engine_metrics *m = &engine->metrics;
    int rc = admit_disk(engine, ret, err);
    if (rc < 0) {
        metric_add(rc == -ERR_READ_ONLY ? &m->rejected_log : &m->rejected_disk, 1);
        return rc;
    }
    TRY(admit_memory(engine, bytes, err));
    if (*ret == ADMIT_NONE || (*ret == ADMIT_DELETES && !is_delete_only(writes, count)))
        metric_add(&m->rejected_disk, 1);
    return 0;
}

static void items_fail(const struct doc_write *writes, size_t from, size_t to,
                       struct doc_result *results, struct arena *mem, const struct err *err)
{
    for (size_t i = from; i < to; i++) {
        results[i].index = arena_str(mem, writes[i].index);
        results[i].id = arena_str(mem, writes[i].id);
        result_fail(&results[i], err, mem);
    }
}

/* The items [from, to) are for one index: lane by lane. */
static int index_run(struct index *index, const struct doc_write *writes, size_t from, size_t to,
                     bool is_delete_only, struct arena *mem, struct doc_result *results,
                     uint64_t *seq_max, struct err *err)
{
    struct engine *engine = index->engine;
    size_t n = to - from;
    uint32_t *lanes = mem_alloc(n * sizeof(uint32_t)), *items = mem_alloc(n * sizeof(uint32_t));
    uint32_t turn =
        __atomic_fetch_add(&engine->lane_turn, 1, __ATOMIC_RELAXED) % (uint32_t)index->lane_count;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        struct str id = writes[from + i].id;
        lanes[i] = id.n ? lane_of(engine, id) : turn;
    }
    for (size_t k = 0; k < index->lane_count && rc == 0; k++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            if (lanes[i] == k)
                items[count++] = (uint32_t)(from + i);
        }
        if (count == 0)
            continue;
        struct batch b = {.lane = &index->lanes[k],
                          .writes = writes,
                          .results = results,
                          .mem = mem,
                          .is_delete_only = is_delete_only};
        buf_init(&b.frame, WAL_FRAME_BYTES_MAX);
        int64_t begin_ns = clock_monotonic_ns(engine->clock);
        metric_add(&index->metrics.index_current, count);
        rc = lane_run(&b, items, count, err);
        metric_sub(&index->metrics.index_current, count);
        int64_t took_ns = clock_monotonic_ns(engine->clock) - begin_ns - b.delete_ns;
        metric_add(&index->metrics.index_ns, (uint64_t)MAX_OF(took_ns, (int64_t)0));
        metric_add(&index->metrics.delete_ns, (uint64_t)b.delete_ns);
        *seq_max = MAX_OF(*seq_max, b.seq_max);
        buf_deinit(&b.frame);
    }
    mem_free(lanes);
    mem_free(items);
    return rc;
}

/* Seals what has grown large; the flush itself is the background's. */
static int memory_keep(struct index *index, struct err *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < index->lane_count; i++) {
        mutex_lock(&index->lanes[i].mu);
        bytes += lane__bytes(&index->lanes[i]);
        mutex_unlock(&index->lanes[i].mu);
    }
    uint64_t builders = bytes;
    mutex_lock(&index->mu);
    for (size_t i = 0; i < index->set->count; i++) {
        if (index->set->slots[i]->number == 0)
            bytes += index->set->slots[i]->segment->size;
    }
    uint64_t old = index->memory_bytes;
    index->memory_bytes = bytes;
    mutex_unlock(&index->mu);
    __atomic_add_fetch(&index->engine->memory_bytes, bytes - old, __ATOMIC_RELAXED);
    uint64_t max = MIN_OF((uint64_t)BUILDER_BYTES_MAX, index->engine->memory_max / 4);
    if (builders > max)
        TRY(index__refresh_over(index, max, err));
    if (memory_used(index->engine) > index->engine->memory_max / 2)
        engine__kick(index->engine);
    return 0;
}

static int refresh_wait(struct index *index, struct err *err)
{
    struct engine *engine = index->engine;
    mutex_lock(&index->mu);
    /* Not in a cut yet: the next one shows it. */
    uint64_t wanted = index->refresh_begun + (index->is_changed ? 1 : 0);
    bool is_shown = index->refresh_done >= wanted, is_off = index->refresh_interval_ns < 0;
    index->is_refresh_wanted |= !is_shown && index__is_idle(index);
    mutex_unlock(&index->mu);
    if (is_shown)
        return 0;
    if (!engine->has_thread || is_off)
        return index__refresh(index, err);
    for (;;) {
        mutex_lock(&engine->bg_mu);
        mutex_lock(&index->mu);
        bool is_done = index->refresh_done >= wanted || index->is_deleted;
        mutex_unlock(&index->mu);
        if (!is_done && engine->background_error.code != ERR_NONE) {
            if (err)
                *err = engine->background_error;
            mutex_unlock(&engine->bg_mu);
            return -(int)engine->background_error.code;
        }
        if (!is_done)
            ASSERT(pthread_cond_wait(&engine->bg_done, &engine->bg_mu) == 0);
        mutex_unlock(&engine->bg_mu);
        if (is_done)
            return 0;
    }
}

/* The index of the items [from, to): by name, by alias, or made now. A delete does not make one. */
static int index_for(struct engine *engine, const struct doc_write *writes, size_t from, size_t to,
                     struct index **ret_index, struct err *err)
{
    struct str name = writes[from].index;
    bool is_delete_only = true;
    *ret_index = engine__index(engine, name);
    if (*ret_index)
        return 0;
    TRY(engine__alias_target(engine, name, ret_index, err));
    if (*ret_index)
        return 0;
    for (size_t i = from; i < to; i++)
        is_delete_only &= writes[i].op == DOC_DELETE;
    if (is_delete_only)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
    if (writes[from].is_index_auto_create_off)
        return err_set(err, ERR_INDEX_NOT_FOUND,
                       "no such index [" STR_FMT "] and auto-creation is off for this request",
                       STR_ARG(name));
    return engine__index_make(engine, name, NULL, true, ret_index, err);
}

/* With the disk full no index is made, and nothing but deletes from one that is there passes. */
static bool is_group_blocked(struct engine *engine, enum admitted admitted, struct str name)
{
    struct index *index = NULL;
    if (admitted != ADMIT_DELETES)
        return admitted == ADMIT_NONE;
    index = engine__index(engine, name);
    if (!index)
        (void)!engine__alias_target(engine, name, &index, NULL);
    index__unref(index);
    return !index;
}

static int write_all(struct engine *engine, const struct doc_write *writes, size_t count,
                     enum admitted admitted, enum write_refresh refresh, struct arena *mem,
                     struct doc_result *results, struct err *err)
{
    struct index **touched = MEM_ARRAY(struct index *, count + 1);
    size_t touched_count = 0;
    uint64_t seq_max = 0;
    int rc = 0;
    for (size_t from = 0, to; from < count && rc == 0; from = to) {
        for (to = from + 1; to < count && str_eq(writes[to].index, writes[from].index); to++) {
        }
        struct index *index = NULL;
        struct err why;
        if (is_group_blocked(engine, admitted, writes[from].index)) {
            (void)!engine__disk_blocked(writes[from].index, &why);
            items_fail(writes, from, to, results, mem, &why);
            continue;
        }
        if (index_for(engine, writes, from, to, &index, &why) < 0 ||
            index__await(index, USE_CHANGE, &why) < 0) {
            items_fail(writes, from, to, results, mem, &why);
            index__unref(index);
            continue;
        }
        touched[touched_count++] = index;
        rc = index_run(index, writes, from, to, admitted == ADMIT_DELETES, mem, results, &seq_max,
                       err);
    }
    if (rc == 0 && seq_max)
        rc = wal_commit(engine->wal, seq_max, err);
    for (size_t i = 0; i < touched_count; i++) {
        if (rc == 0)
            rc = memory_keep(touched[i], err);
        if (rc == 0 && refresh == REFRESH_NOW)
            rc = index__refresh(touched[i], err);
        if (rc == 0 && refresh == REFRESH_WAIT)
            rc = refresh_wait(touched[i], err);
        index__unref(touched[i]);
    }
    mem_free(touched);
    for (size_t i = 0; rc == 0 && refresh == REFRESH_NOW && i < count; i++)
        results[i].forced_refresh = results[i].outcome != DOC_FAILED;
    return rc;
}

int engine_write(struct engine *engine, const struct doc_write *writes, size_t count,
                 enum write_refresh refresh, struct arena *mem, struct doc_result *ret_results,
                 struct err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += writes[i].source.n + writes[i].id.n + DOC_OVERHEAD_BYTES;
        ret_results[i] = (struct doc_result){.outcome = DOC_FAILED, .status = 500};
    }
    int64_t begin_ns = clock_monotonic_ns(engine->clock);
    enum admitted admitted;
    __atomic_store_n(&engine->used_ns, begin_ns, __ATOMIC_RELAXED);
    TRY(admit(engine, writes, count, bytes, &admitted, err));
    __atomic_add_fetch(&engine->flight_bytes, bytes, __ATOMIC_RELAXED);
    int rc = write_all(engine, writes, count, admitted, refresh, mem, ret_results, err);
    metric_add(&engine->metrics.write_requests, 1);
    metric_add(&engine->metrics.write_bytes, bytes);
    metric_times_add(&engine->metrics.bulk, clock_monotonic_ns(engine->clock) - begin_ns);
    __atomic_sub_fetch(&engine->flight_bytes, bytes, __ATOMIC_RELAXED);
    return rc;
}

/* ---- Realtime get ---- */

/* A damaged segment answers "not there", which nobody may pass on as the truth. */
static int set_failure(const struct slot_set *set, struct err *err)
{
    for (size_t i = 0; set && i < set->count; i++)
        TRY(segment_failure(set->slots[i]->segment, err));
    return 0;
}

static int get_current(struct lane *lane, struct str id, struct arena *mem, struct doc_get *doc,
                       struct err *err)
{
    struct place place;
    struct batch b = {.lane = lane, .mem = mem};
    mutex_lock(&lane->mu);
    find_current(lane, id, &place);
    struct str source, routing;
    int rc = current_source(&b, &place, &source, &routing, err);
    if (rc == 0 && !place.is_found)
        rc = set_failure(place.set, err);
    mutex_unlock(&lane->mu);
    if (rc == 0 && place.is_found) {
        doc->is_found = true;
        doc->source = source;
        doc->routing = routing;
        doc->version = place.version;
        doc->seq_no = place.seq_no;
        doc->primary_term = PRIMARY_TERM;
    }
    place_deinit(&place);
    return rc;
}

/* What a search would see. */
static int get_published(struct index *index, struct str id, struct arena *mem, struct doc_get *doc,
                         struct err *err)
{
    mutex_lock(&index->mu);
    struct view *view = view_ref(index->view);
    mutex_unlock(&index->mu);
    int rc = 0;
    for (size_t i = view->count; i-- > 0 && !doc->is_found && rc == 0;) {
        const struct view_part *part = &view->parts[i];
        uint32_t n = segment_find_id(part->segment, id);
        if (n == DOC_NONE || (part->live && !bitset_get(part->live->words, n)))
            continue;
        rc = segment_stored(part->segment, n, mem, &doc->source, &doc->routing, err);
        doc->is_found = rc == 0;
        doc->version = segment_version(part->segment, n);
        doc->seq_no = segment_seq_no(part->segment, n);
        doc->primary_term = PRIMARY_TERM;
    }
    for (size_t i = 0; i < view->count && !doc->is_found && rc == 0; i++)
        rc = segment_failure(view->parts[i].segment, err);
    view_unref(view);
    return rc;
}

static void get_note(struct index *index, bool is_found, int64_t took_ns)
{
    struct index_metrics *m = &index->metrics;
    uint64_t ns = (uint64_t)MAX_OF(took_ns, (int64_t)0);
    metric_add(&m->get_ns, ns);
    metric_add(is_found ? &m->get_exists_total : &m->get_missing_total, 1);
    metric_add(is_found ? &m->get_exists_ns : &m->get_missing_ns, ns);
}

int engine_get(struct engine *engine, struct str name, struct str id, bool is_realtime,
               struct arena *mem, struct doc_get *ret_doc, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = engine__index(engine, name);
    if (!index)
        TRY(engine__alias_target(engine, name, &index, err));
    if (!index)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
    TRY(index__await(index, USE_GET, err));
    struct doc_get doc = {.index = arena_str(mem, index->name), .id = arena_str(mem, id)};
    int64_t begin_ns = clock_monotonic_ns(engine->clock);
    int rc = 0;
    metric_add(&index->metrics.get_current, 1);
    if (id.n > 0 && id.n <= ID_BYTES_MAX)
        rc = is_realtime ? get_current(&index->lanes[lane_of(engine, id)], id, mem, &doc, err)
                         : get_published(index, id, mem, &doc, err);
    metric_sub(&index->metrics.get_current, 1);
    TRY(rc);
    get_note(index, doc.is_found, clock_monotonic_ns(engine->clock) - begin_ns);
    *ret_doc = doc;
    return 0;
}

/* ---- Replay ---- */

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

struct replay_record {
    uint8_t op, flags;
    struct str id, routing, source;
    uint64_t seq_no, version;
};

static bool record_take(const uint8_t **p, const uint8_t *end, struct replay_record *r)
{
    if (end - *p < 2)
        return false;
    *r = (struct replay_record){.op = (*p)[0], .flags = (*p)[1]};
    *p += 2;
    return text_take(p, end, &r->id) && r->id.n > 0 && r->id.n <= ID_BYTES_MAX &&
           get_varint(p, end, &r->seq_no) && get_varint(p, end, &r->version) &&
           (!(r->flags & WAL_DOC_FLAG_ROUTING) || text_take(p, end, &r->routing)) &&
           (r->op != WAL_DOC_INDEX || text_take(p, end, &r->source)) &&
           (r->op == WAL_DOC_INDEX || r->op == WAL_DOC_DELETE);
}

/* Applied with the numbers it was given. */
static int replay_record(struct lane *lane, struct mapping *mapping, const struct replay_record *r,
                         struct err *err)
{
    struct index *index = lane->index;
    struct place place = {.doc = DOC_NONE};
    int64_t seq_no = (int64_t)r->seq_no, version = (int64_t)r->version;
    int rc = 0;
    /* A generated id was new then, and segments that were there at the opening may have got it from
     * this frame only when they reach as far as its number. */
    if (!(r->flags & WAL_DOC_FLAG_AUTO_ID) || seq_no <= index->seq_no_on_disk)
        find_current(lane, r->id, &place);
    if (place.is_known && place.seq_no >= seq_no) {
        /* Already there. */
    } else if (r->op == WAL_DOC_DELETE) {
        kill_current(lane, r->id, &place);
        tomb_put(lane, r->id, version, seq_no);
    } else {
        struct builder_doc doc = {r->id, r->routing, r->source, seq_no, version};
        rc = replay_add(lane, mapping, &doc, err);
        if (rc == 0) {
            kill_current(lane, r->id, &place);
            tomb_drop(lane, r->id);
        } else {
            rc = err_wrap(err, "write-ahead log: document [" STR_FMT "] of index [" STR_FMT "]",
                          STR_ARG(r->id), STR_ARG(index->name));
        }
    }
    place_deinit(&place);
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
        struct replay_record r;
        if (!record_take(&p, end, &r)) {
            rc = replay_bad(index, frame->seq, err);
            break;
        }
        seq_no_max = MAX_OF(seq_no_max, r.seq_no);
        uint32_t lane = lane_of(index->engine, r.id);
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
    if (__atomic_load_n(&index->seq_no_next, __ATOMIC_RELAXED) <= (int64_t)seq_no_max)
        __atomic_store_n(&index->seq_no_next, (int64_t)seq_no_max + 1, __ATOMIC_RELAXED);
    mutex_unlock(&index->mu);
    return 0;
}
