/* SPDX-License-Identifier: Apache-2.0 */
#include "index/figures.h"

#include "base/str.h"
#include "index/index_int.h"

void index_metrics_add(struct index_metrics *sum, const struct index_metrics *metrics)
{
    _Static_assert(sizeof(struct index_metrics) % sizeof(struct metric) == 0, "metrics only");
    struct metric *to = (struct metric *)sum;
    const struct metric *from = (const struct metric *)metrics;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        metric_add(&to[i], metric_get(&from[i]));
}

const struct engine_metrics *engine_metrics(const struct engine *engine)
{
    return &engine->metrics;
}

const struct metric_times *engine_log_syncs(const struct engine *engine, uint64_t *ret_bytes)
{
    return wal_syncs(engine->wal, ret_bytes);
}

void engine_figures(struct engine *engine, struct engine_figures *ret)
{
    *ret = (struct engine_figures){
        .memory_bytes = __atomic_load_n(&engine->memory_bytes, __ATOMIC_RELAXED),
        .memory_bytes_max = engine->memory_max,
        .flight_bytes = __atomic_load_n(&engine->flight_bytes, __ATOMIC_RELAXED),
        .request_bytes_max = engine->request_max,
        .log_bytes = wal_bytes(engine->wal),
        .lane_count = engine->lane_count,
        .path = engine->path};
    struct filter_cache_figures filters;
    filter_cache_figures(engine->filter_cache, &filters);
    ret->filter_bytes = filters.bytes;
    ret->filter_bytes_max = filters.bytes_max;
    mutex_lock(&engine->mu);
    ret->index_count = engine->indices.count;
    mutex_unlock(&engine->mu);
}

/* ---- Segments ---- */

static struct str name_of(uint64_t number, size_t position, struct arena *mem)
{
    char text[16];
    size_t at = sizeof(text);
    if (number == 0)
        return arena_printf(mem, "_m%zu", position);
    for (uint64_t n = number; n > 0; n /= 36)
        text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
    return arena_printf(mem, "_%.*s", (int)(sizeof(text) - at), text + at);
}

uint64_t segment__memory_bytes(const struct segment *seg)
{
    uint64_t bytes = sizeof(*seg) + seg->chunk_count / 8 +
                     (uint64_t)seg->field_count * sizeof(*seg->fields) +
                     (uint64_t)seg->field_id_limit * sizeof(*seg->field_by_id) + seg->doc_count / 8;
    return bytes + (segment_is_file(seg) ? 0 : seg->size);
}

/* REQUIRES(index.mu) */
static const struct view_part *part_of(const struct index *index, const struct segment *seg)
{
    for (size_t i = 0; i < index->view->count; i++) {
        if (index->view->parts[i].segment == seg)
            return &index->view->parts[i];
    }
    return NULL;
}

int engine_segments(struct engine *engine, struct str name, struct arena *mem,
                    struct segment_info **ret_segments, size_t *ret_count, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    mutex_lock(&index->mu);
    size_t count = index->set->count;
    struct segment_info *all = ARENA_ARRAY(mem, struct segment_info, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = index->set->slots[i];
        const struct segment *seg = slot->segment;
        const struct view_part *part = part_of(index, seg);
        uint64_t live = part ? part->live_count : slot->live_count;
        all[i] = (struct segment_info){.name = name_of(slot->number, i, mem),
                                       .number = slot->number,
                                       .doc_count = live,
                                       .deleted_count = seg->doc_count - live,
                                       .bytes = seg->size,
                                       .memory_bytes = segment__memory_bytes(seg),
                                       .is_committed = slot->number != 0,
                                       .is_searchable = part != NULL};
    }
    mutex_unlock(&index->mu);
    *ret_segments = all;
    *ret_count = count;
    return 0;
}
