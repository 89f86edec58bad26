/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in. A request is admitted or refused as a whole; its items are sorted by index and
 * lane (a document with an id always goes to the same lane, so its operations stay in order); each
 * lane takes its items under its lock and leaves one frame for the log; then one commit waits for
 * the disk. */
#include "base/str.h"
#include "index/doc_place.h"
#include "index/engine_write_int.h"
#include "index/wal_record.h"

#define DOC_OVERHEAD_BYTES 64u /* of a document whatever its size */

/* ---- A lane's batch ---- */

struct batch {
    struct lane *lane;
    const struct doc_write *writes;
    struct doc_result *results;
    struct arena *mem;
    struct str index_name, index_uuid; /* in mem */
    struct mapping
        *mapping; /* a reference; a newer one is taken when a document needs a new field */
    char (*ids)[COUNTED_ID_BYTES]; /* the generated ids that are left, in mem */
    struct buf frame;              /* WAL_FRAME_HEAD bytes of room, then the records */
    uint32_t record_count;
    uint64_t seq_max;    /* last frame appended, 0: none */
    bool is_delete_only; /* the disk is nearly full: everything else is refused */
    int64_t delete_ns;
};

static int mapping_append(struct batch *b, struct str json, struct err *err)
{
    struct index *index = b->lane->index;
    struct wal_frame frame = {
        .index_id = index->id, .kind = WAL_MAPPING, .record_count = 1, .payload = json};
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
        rc = mapping_append(b, buf_str(&json), err);
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
                     struct str source, struct doc_place *place, struct err *err)
{
    struct index *index = b->lane->index;
    int64_t version;
    TRY(doc_place_check(write, r->id, place, &version, err));
    int64_t seq_no = __atomic_fetch_add(&index->seq_no_next, 1, __ATOMIC_RELAXED);
    struct builder_doc doc = {r->id, write->routing, source, seq_no, version};
    TRY(doc_add(b, &doc, err));
    bool was_there = place->is_found;
    doc_place_kill(b->lane, r->id, place);
    lane__tomb_drop(b->lane, r->id);
    wal_record_add(&b->frame, WAL_DOC_INDEX, write->id.n ? 0 : WAL_DOC_FLAG_AUTO_ID, r->id,
                   write->routing, source, seq_no, version);
    b->record_count++;
    metric_add(&index->metrics.index_total, 1);
    result_fill(r, was_there ? DOC_UPDATED : DOC_CREATED, was_there ? 200 : 201, version, seq_no);
    return 0;
}

static int delete_doc(struct batch *b, const struct doc_write *write, struct doc_result *r,
                      struct doc_place *place, struct err *err)
{
    struct index *index = b->lane->index;
    int64_t version;
    TRY(doc_place_check(write, r->id, place, &version, err));
    int64_t seq_no = __atomic_fetch_add(&index->seq_no_next, 1, __ATOMIC_RELAXED);
    bool was_there = place->is_found;
    doc_place_kill(b->lane, r->id, place);
    lane__tomb_put(b->lane, r->id, version, seq_no);
    wal_record_add(&b->frame, WAL_DOC_DELETE, 0, r->id, write->routing, STR_NONE, seq_no, version);
    b->record_count++;
    if (was_there)
        metric_add(&index->metrics.delete_total, 1);
    result_fill(r, was_there ? DOC_DELETED : DOC_NOT_FOUND, was_there ? 200 : 404, version, seq_no);
    return 0;
}

static int delete_timed(struct batch *b, const struct doc_write *write, struct doc_result *r,
                        struct doc_place *place, struct err *err)
{
    struct clock *clock = b->lane->index->engine->clock;
    int64_t begin_ns = clock_monotonic_ns(clock);
    int rc = delete_doc(b, write, r, place, err);
    b->delete_ns += clock_monotonic_ns(clock) - begin_ns;
    return rc;
}

static int update_doc(struct batch *b, const struct doc_write *write, struct doc_result *r,
                      struct doc_place *place, struct err *err)
{
    struct str source, merged, routing;
    bool is_noop;
    if (write->version_type != VERSION_INTERNAL)
        return err_set(err, ERR_INVALID,
                       "internal versioning can not be used for optimistic concurrency control. "
                       "Please use `if_seq_no` and `if_primary_term` instead");
    TRY(doc_place_source(place, b->mem, &source, &routing, err));
    TRY(update_apply(write->source, source, r->id, b->mem, &merged, &is_noop, err));
    if (is_noop) {
        int64_t version;
        TRY(doc_place_check(write, r->id, place, &version, err));
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
static int miss_is_true(const struct index *index, const struct doc_place *place, struct err *err)
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
    struct doc_place place = {.doc = DOC_NONE};
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
        doc_place_find(b->lane, r->id, &place);
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
    doc_place_deinit(&place);
    if (rc < 0) {
        result_fail(r, &err, b->mem);
        r->index_uuid = b->index_uuid;
        if (write->op != DOC_DELETE)
            metric_add(&b->lane->index->metrics.index_failed, 1);
    }
}

/* Room for the records at once, but for those of updates, whose size nobody knows. */
static void frame_begin(struct batch *b, const uint32_t *items, size_t count)
{
    static const char head[WAL_FRAME_HEAD];
    size_t n = sizeof(head);
    buf_init(&b->frame, sizeof(head) + WAL_FRAME_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct doc_write *write = &b->writes[items[i]];
        n += WAL_RECORD_OVERHEAD_BYTES_MAX + MAX_OF(write->id.n, (size_t)COUNTED_ID_BYTES) +
             write->routing.n + write->source.n;
    }
    (void)buf_reserve(&b->frame, MIN_OF(n, b->frame.bytes_max));
    buf_add(&b->frame, head, sizeof(head));
}

/* Gives the records to the log, and notes that they are not flushed. */
static int frame_end(struct batch *b, struct err *err)
{
    struct index *index = b->lane->index;
    struct wal_frame frame = {
        .index_id = index->id, .kind = WAL_DOCS, .record_count = b->record_count};
    uint64_t seq, bytes = b->frame.n - WAL_FRAME_HEAD;
    if (b->frame.is_over)
        return err_set(err, ERR_TOO_LARGE, "the request's log frame is over the limit");
    if (b->record_count == 0)
        return 0;
    TRY(wal_append_framed(index->engine->wal, &frame, &b->frame, &seq, err));
    b->seq_max = seq;
    mutex_lock(&index->mu);
    unflushed_note(index, seq);
    index->is_changed = true;
    metric_add(&index->metrics.log_operations, b->record_count);
    metric_add(&index->metrics.log_bytes, bytes);
    mutex_unlock(&index->mu);
    return 0;
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
    b->index_name = arena_str(b->mem, index->name);
    b->index_uuid = arena_str(b->mem, index->uuid);
    frame_begin(b, items, count);
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
    int rc = frame_end(b, err);
    mutex_unlock(&lane->mu);
    mapping_unref(b->mapping);
    return rc;
}

/* ---- The request ---- */

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
        lanes[i] = id.n ? engine__lane_of(engine, id) : turn;
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
    if (engine__memory_used(index->engine) > index->engine->memory_max / 2)
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

static bool needs_alias(const struct doc_write *write)
{
    return write->is_alias_required && write->op != DOC_DELETE;
}

/* Whether the next one goes the same way to its index. */
static bool is_same_target(const struct doc_write *a, const struct doc_write *b)
{
    return str_eq(a->index, b->index) && needs_alias(a) == needs_alias(b);
}

/* The index of the items [from, to): by name, by alias, or made now. A delete does not make one. */
static int index_for(struct engine *engine, const struct doc_write *writes, size_t from, size_t to,
                     struct index **ret_index, struct err *err)
{
    struct str name = writes[from].index;
    bool is_delete_only = true, is_alias_required = needs_alias(&writes[from]);
    *ret_index = is_alias_required ? NULL : engine__index(engine, name);
    if (*ret_index)
        return 0;
    TRY(engine__alias_target(engine, name, ret_index, err));
    if (*ret_index)
        return 0;
    for (size_t i = from; i < to; i++)
        is_delete_only &= writes[i].op == DOC_DELETE;
    if (is_delete_only)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
    if (is_alias_required)
        return err_set(err, ERR_INDEX_NOT_FOUND,
                       "no such index [" STR_FMT
                       "] and [require_alias] request flag is [true] and [" STR_FMT
                       "] is not an alias",
                       STR_ARG(name), STR_ARG(name));
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
        for (to = from + 1; to < count && is_same_target(&writes[to], &writes[from]); to++) {
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
    TRY(engine__admit(engine, writes, count, bytes, &admitted, err));
    __atomic_add_fetch(&engine->flight_bytes, bytes, __ATOMIC_RELAXED);
    int rc = write_all(engine, writes, count, admitted, refresh, mem, ret_results, err);
    metric_add(&engine->metrics.write_requests, 1);
    metric_add(&engine->metrics.write_bytes, bytes);
    metric_times_add(&engine->metrics.bulk, clock_monotonic_ns(engine->clock) - begin_ns);
    __atomic_sub_fetch(&engine->flight_bytes, bytes, __ATOMIC_RELAXED);
    return rc;
}
