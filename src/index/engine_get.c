/* SPDX-License-Identifier: Apache-2.0 */
/* Getting one document: realtime, as the next write would find it, or as a search would see it. */
#include "base/arena.h"
#include "base/clock.h"
#include "index/doc_place.h"

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
    struct doc_place place;
    mutex_lock(&lane->mu);
    doc_place_find(lane, id, &place);
    struct str source, routing;
    int rc = doc_place_source(&place, mem, &source, &routing, err);
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
    doc_place_deinit(&place);
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
        TRY(engine__alias_single(engine, name, &index, err));
    if (!index)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
    TRY(index__await(index, USE_GET, err));
    struct doc_get doc = {.index = arena_str(mem, index->name),
                          .index_uuid = arena_str(mem, index->uuid),
                          .id = arena_str(mem, id)};
    int64_t begin_ns = clock_monotonic_ns(engine->clock);
    int rc = 0;
    metric_add(&index->metrics.get_current, 1);
    if (id.n > 0 && id.n <= ID_BYTES_MAX)
        rc = is_realtime
                 ? get_current(&index->lanes[engine__lane_of(engine, id)], id, mem, &doc, err)
                 : get_published(index, id, mem, &doc, err);
    metric_sub(&index->metrics.get_current, 1);
    TRY(rc);
    get_note(index, doc.is_found, clock_monotonic_ns(engine->clock) - begin_ns);
    *ret_doc = doc;
    return 0;
}
