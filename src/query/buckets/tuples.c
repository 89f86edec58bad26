/* SPDX-License-Identifier: Apache-2.0 */
/* tuples.c: the buckets of tuples; see tuples.h. A bounded set is cut when it is full: the best
 * `keep` stay, the others' buckets are used again. It is full a while behind `keep`, so that the
 * cost of finding the best is shared by the tuples that came in between. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/str.h"
#include "query/buckets/tuples_int.h"

#define SLACK_MIN     16u
#define SPARE_MASK    INT64_MIN /* the mask of a bucket that was dropped */
#define VALUES_MAX    256u      /* of one document at first */
#define TUPLE_DROPPED UINT32_MAX

static size_t width_of(const struct tuple_run *tuples)
{
    return tuples->count + 1;
}

static int64_t *keys_of(const struct tuple_set *set, const struct tuple_run *tuples,
                        uint32_t bucket)
{
    return set->keys + (size_t)bucket * width_of(tuples);
}

static bool is_spare(const struct tuple_set *set, const struct tuple_run *tuples, uint32_t bucket)
{
    return keys_of(set, tuples, bucket)[tuples->count] == SPARE_MASK;
}

/* ---- Finding a tuple ---- */

static uint32_t slot_of(const struct tuple_set *set, const struct tuple_run *tuples,
                        const int64_t *key)
{
    size_t width = width_of(tuples);
    uint64_t hash = 0;
    for (size_t i = 0; i < width; i++)
        hash = hash_u64(hash ^ ((uint64_t)key[i] + UINT64_C(0x9E3779B97F4A7C15)));
    uint32_t mask = set->slot_count - 1, at = (uint32_t)hash & mask;
    while (set->slots[at] &&
           memcmp(keys_of(set, tuples, set->slots[at] - 1), key, width * sizeof(int64_t)) != 0)
        at = (at + 1) & mask;
    return at;
}

static void hash_again(struct tuple_set *set, const struct tuple_run *tuples)
{
    memset(set->slots, 0, set->slot_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < set->set.count; i++) {
        if (!is_spare(set, tuples, i))
            set->slots[slot_of(set, tuples, keys_of(set, tuples, i))] = i + 1;
    }
}

static void grow(struct tuple_set *set, const struct tuple_run *tuples, struct arena *mem)
{
    uint32_t old = set->capacity, capacity = old ? old * 2 : 16;
    size_t key_bytes = width_of(tuples) * sizeof(int64_t);
    set->set.buckets = arena_realloc(mem, set->set.buckets, old * sizeof(struct bucket),
                                     capacity * sizeof(struct bucket));
    set->keys = arena_realloc(mem, set->keys, old * key_bytes, capacity * key_bytes);
    set->place_of =
        arena_realloc(mem, set->place_of, old * sizeof(uint32_t), capacity * sizeof(uint32_t));
    set->spare =
        arena_realloc(mem, set->spare, old * sizeof(uint32_t), capacity * sizeof(uint32_t));
    set->capacity = capacity;
    set->slot_count = capacity * 2;
    set->slots = ARENA_ARRAY(mem, uint32_t, set->slot_count);
    hash_again(set, tuples);
}

/* A new bucket for a tuple that has none. */
static uint32_t bucket_add(struct tuple_set *set, const struct tuple_run *tuples,
                           const int64_t *key, struct arena *mem)
{
    uint32_t at;
    if (set->spare_count > 0) {
        at = set->spare[--set->spare_count];
    } else {
        if (set->set.count == set->capacity)
            grow(set, tuples, mem);
        at = set->set.count++;
        set->set.buckets[at] = (struct bucket){0};
    }
    memcpy(keys_of(set, tuples, at), key, width_of(tuples) * sizeof(int64_t));
    set->place_of[at] = PLACE_NONE;
    set->slots[slot_of(set, tuples, key)] = at + 1;
    return at;
}

/* ---- Order and bound ---- */

int tuple_cmp(const struct tuple_set *set, const struct tuple_run *tuples, uint32_t a, uint32_t b)
{
    const int64_t *x = keys_of(set, tuples, a), *y = keys_of(set, tuples, b);
    for (size_t i = 0; i < tuples->count; i++) {
        const struct tuple_part *part = &tuples->parts[i];
        int x_missing = x[tuples->count] >> i & 1, y_missing = y[tuples->count] >> i & 1, cmp;
        if (x_missing || y_missing)
            cmp = y_missing - x_missing;
        else if (x[i] == y[i])
            continue;
        else if (part_is_text(part))
            cmp = str_cmp(part->ids.texts[x[i]], part->ids.texts[y[i]]);
        else
            cmp = x[i] < y[i] ? -1 : 1;
        if (cmp)
            return part->spec->is_desc ? -cmp : cmp;
    }
    return 0;
}

struct sorting {
    const struct tuple_set *set;
    const struct tuple_run *tuples;
};

static int bucket_cmp(const void *a, const void *b, void *owner)
{
    const struct sorting *own = owner;
    return tuple_cmp(own->set, own->tuples, *(const uint32_t *)a, *(const uint32_t *)b);
}

uint32_t *tuple_set_sorted(struct tuple_set *set, struct tuple_run *tuples, struct agg_run *run,
                           uint32_t *ret_count)
{
    uint32_t *order = ARENA_ARRAY(run->mem, uint32_t, set->set.count + 1), count = 0;
    for (uint32_t i = 0; i < set->set.count; i++) {
        order[count] = i;
        count += !is_spare(set, tuples, i);
    }
    struct sorting sorting = {set, tuples};
    qsort_r(order, count, sizeof(*order), bucket_cmp, &sorting);
    *ret_count = set->keep ? MIN_OF(count, set->keep) : count;
    return order;
}

static void bound_set(struct tuple_set *set, const struct tuple_run *tuples, uint32_t bucket,
                      struct arena *mem)
{
    const int64_t *key = keys_of(set, tuples, bucket);
    if (!set->bound)
        set->bound = ARENA_ARRAY(mem, struct tuple_edge, tuples->count);
    for (size_t i = 0; i < tuples->count; i++) {
        struct tuple_edge *edge = &set->bound[i];
        edge->is_missing = key[tuples->count] >> i & 1;
        edge->key = key[i];
        if (part_is_text(&tuples->parts[i]) && !edge->is_missing)
            edge->text = tuples->parts[i].ids.texts[key[i]];
    }
    set->has_bound = true;
    set->bound_epoch = 0;
}

/* The edges in the segment at hand. */
static const struct tuple_edge *bound_of(struct tuple_set *set, const struct tuple_run *tuples)
{
    for (size_t i = 0; set->bound_epoch != tuples->epoch && i < tuples->count; i++)
        part_edge_begin(&tuples->parts[i], &set->bound[i]);
    set->bound_epoch = tuples->epoch;
    return set->bound;
}

/* A dropped bucket begins anew. */
static void bucket_drop(struct tuple_set *set, const struct tuple_run *tuples,
                        const struct agg_node *node, struct agg_run *run, uint32_t at)
{
    struct bucket *bucket = &set->set.buckets[at];
    for (size_t i = 0; bucket->children && i < node->child_count; i++) {
        if (bucket->children[i])
            agg_state_clear(node->children[i], run, bucket->children[i]);
    }
    bucket->doc_count = 0;
    keys_of(set, tuples, at)[tuples->count] = SPARE_MASK;
    if (set->places && set->places_epoch == tuples->epoch && set->place_of[at] != PLACE_NONE)
        set->places[set->place_of[at]] = PLACE_OUT;
    set->spare[set->spare_count++] = at;
}

static uint32_t live_count(const struct tuple_set *set)
{
    return set->set.count - set->spare_count;
}

static void cut(struct tuple_set *set, const struct tuple_run *tuples, const struct agg_node *node,
                struct agg_run *run)
{
    uint32_t count = 0, *order = MEM_ARRAY(uint32_t, set->set.count + 1);
    for (uint32_t i = 0; i < set->set.count; i++) {
        if (!is_spare(set, tuples, i))
            order[count++] = i;
    }
    struct sorting sorting = {set, tuples};
    qsort_r(order, count, sizeof(*order), bucket_cmp, &sorting);
    ASSERT(count >= set->keep);
    bound_set(set, tuples, order[set->keep - 1], run->mem);
    for (uint32_t i = set->keep; i < count; i++)
        bucket_drop(set, tuples, node, run, order[i]);
    mem_free(order);
    hash_again(set, tuples);
    set->full = set->keep + MAX_OF(set->keep / 2, SLACK_MIN);
}

/* How the tuple stands to an edge per part. */
static int edges_cmp(const struct tuple_run *tuples, const struct part_value *values,
                     const struct tuple_edge *edges, size_t stride)
{
    for (size_t i = 0; i < tuples->count; i++) {
        const struct tuple_edge *edge =
            (const struct tuple_edge *)(const void *)((const char *)edges + i * stride);
        int cmp = part_cmp(&tuples->parts[i], &values[i], edge);
        if (cmp)
            return cmp;
    }
    return 0;
}

static bool is_kept(struct tuple_set *set, const struct tuple_run *tuples,
                    const struct part_value *values)
{
    if (tuples->has_after &&
        edges_cmp(tuples, values, &tuples->parts[0].after, sizeof(struct tuple_part)) <= 0)
        return false;
    return !set->has_bound ||
           edges_cmp(tuples, values, bound_of(set, tuples), sizeof(struct tuple_edge)) <= 0;
}

/* A zone whose best first part is behind the bound, or whose worst was passed. */
bool tuple_set_wants(const struct tuple_set *set, struct tuple_run *tuples, uint32_t first)
{
    struct tuple_part *part = &tuples->parts[0];
    struct part_value min, max;
    if (tuples->is_empty)
        return false;
    if (!set->has_bound && !tuples->has_after)
        return true;
    if (!part_zone(part, first / ZONE_DOCS, &min, &max))
        return true;
    bool is_desc = part->spec->is_desc,
         has_missing = part->spec->has_missing && !column_is_dense(part->source.column);
    struct part_value *best = is_desc ? &max : &min, *worst = is_desc ? &min : &max;
    if (set->has_bound && !(has_missing && !is_desc)) {
        struct tuple_edge edge = set->bound[0];
        if (set->bound_epoch != tuples->epoch)
            part_edge_begin(part, &edge);
        if (part_cmp(part, best, &edge) > 0)
            return false;
    }
    return !tuples->has_after || (has_missing && is_desc) ||
           part_cmp(part, worst, &part->after) >= 0;
}

/* ---- Collecting ---- */

/* What is found of a block until it is handed to the buckets. */
struct pending {
    struct tuple_set *set;
    struct tuple_run *tuples;
    const struct agg_node *node;
    struct agg_run *run;
    const struct doc_block *block;
    uint32_t index[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    size_t count;
};

static void flush(struct pending *pending)
{
    if (pending->count > 0)
        bucket_group(pending->node, pending->run, &pending->set->set, pending->index, pending->offs,
                     pending->count, pending->block);
    pending->count = 0;
}

static void put(struct pending *pending, uint32_t bucket, uint32_t off)
{
    if (bucket == TUPLE_DROPPED)
        return;
    if (pending->count == BATCH_MAX)
        flush(pending);
    pending->index[pending->count] = bucket;
    pending->offs[pending->count++] = (uint16_t)off;
}

/* The bucket of a tuple, made when it is new; cutting the set first when it is full. */
static uint32_t bucket_of(struct pending *pending, const struct part_value *values)
{
    struct tuple_set *set = pending->set;
    struct tuple_run *tuples = pending->tuples;
    int64_t key[TUPLE_PARTS_MAX + 1];
    if (!is_kept(set, tuples, values))
        return TUPLE_DROPPED;
    key[tuples->count] = 0;
    for (size_t i = 0; i < tuples->count; i++) {
        key[i] = part_global(&tuples->parts[i], pending->run, &values[i]);
        key[tuples->count] |= (int64_t)values[i].is_missing << i;
    }
    if (set->slot_count > 0) {
        uint32_t slot = set->slots[slot_of(set, tuples, key)];
        if (slot)
            return slot - 1;
    }
    if (set->keep && live_count(set) >= set->full) {
        flush(pending);
        cut(set, tuples, pending->node, pending->run);
        if (!is_kept(set, tuples, values))
            return TUPLE_DROPPED;
    }
    return bucket_add(set, tuples, key, pending->run->mem);
}

static bool values_at(struct pending *pending, uint32_t off, struct part_value *values)
{
    struct tuple_run *tuples = pending->tuples;
    for (size_t i = 0; i < tuples->count; i++) {
        if (!part_value_at(&tuples->parts[i], off, pending->run, &values[i]))
            return false;
    }
    return true;
}

static void collect_places(struct pending *pending)
{
    struct tuple_set *set = pending->set;
    struct tuple_run *tuples = pending->tuples;
    const struct doc_block *block = pending->block;
    uint32_t places[ZONE_DOCS];
    bool is_read = false;
    if (!set->places || set->places_epoch != tuples->epoch) {
        set->places = ARENA_ARRAY(pending->run->scratch, uint32_t, tuples->place_count);
        set->places_epoch = tuples->epoch;
        for (uint32_t i = 0; i < set->set.count; i++)
            set->place_of[i] = PLACE_NONE; /* of another segment */
    }
    memset(places, 0, block->count * sizeof(places[0]));
    for (size_t i = 0; i < tuples->count; i++)
        part_add_places(&tuples->parts[i], pending->run, block, places);
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        if (places[i] == PLACE_NONE)
            continue;
        uint32_t found = set->places[places[i]];
        if (found == 0) {
            struct part_value values[TUPLE_PARTS_MAX];
            for (size_t k = 0; !is_read && k < tuples->count; k++)
                part_read(&tuples->parts[k], pending->run, block->first);
            is_read = true;
            bool has_all = values_at(pending, off, values);
            ASSERT(has_all);
            uint32_t bucket = bucket_of(pending, values);
            found = bucket == TUPLE_DROPPED ? PLACE_OUT : bucket + 1;
            set->places[places[i]] = found;
            if (bucket != TUPLE_DROPPED)
                set->place_of[bucket] = places[i];
        }
        if (found != PLACE_OUT)
            put(pending, found - 1, off);
    }
}

static void collect_hashed(struct pending *pending)
{
    struct tuple_run *tuples = pending->tuples;
    const struct doc_block *block = pending->block;
    struct part_value values[TUPLE_PARTS_MAX];
    for (size_t i = 0; i < tuples->count; i++)
        part_read(&tuples->parts[i], pending->run, block->first);
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        if (values_at(pending, off, values))
            put(pending, bucket_of(pending, values), off);
    }
}

/* ---- Documents with several values: every combination ---- */

static size_t doc_values(struct tuple_part *part, uint32_t doc, void *values, size_t max)
{
    const struct source *source = &part->source;
    return source->kind == COLUMN_LONG     ? column_doc_longs(source->column, doc, values, max)
           : source->kind == COLUMN_DOUBLE ? column_doc_doubles(source->column, doc, values, max)
                                           : column_doc_ordinals(source->column, doc, values, max);
}

/* The document's values of a part in scratch that lives until the document is done. */
static struct part_value *doc_parts(struct pending *pending, struct tuple_part *part, uint32_t doc,
                                    struct arena *mem, size_t *ret_count)
{
    union {
        int64_t longs[VALUES_MAX];
        double doubles[VALUES_MAX];
        uint32_t ordinals[VALUES_MAX];
    } few, *v = &few;
    size_t n = part->source.column ? doc_values(part, doc, v, VALUES_MAX) : 0, count = 0;
    if (n > VALUES_MAX) {
        v = arena_alloc(mem, n * sizeof(int64_t));
        n = doc_values(part, doc, v, n);
    }
    struct part_value *values = ARENA_ARRAY(mem, struct part_value, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct part_value *value = &values[count];
        *value = (struct part_value){0};
        if (part_is_text(part))
            value->ordinal = v->ordinals[i];
        else if (part->source.kind == COLUMN_DOUBLE)
            value->key = part_key_of_double(part, v->doubles[i]);
        else
            value->key = part_key_of_long(part, v->longs[i]);
        bool is_same = count > 0 && value->ordinal == values[count - 1].ordinal &&
                       value->key == values[count - 1].key;
        count += !(is_same && (pending->tuples->is_distinct || part_is_text(part)));
    }
    if (n == 0 && part_missing(part, pending->run, &values[0]))
        count = 1;
    *ret_count = count;
    return values;
}

static void collect_combinations(struct pending *pending, uint32_t off, struct arena *mem)
{
    struct tuple_run *tuples = pending->tuples;
    struct part_value *lists[TUPLE_PARTS_MAX], values[TUPLE_PARTS_MAX];
    size_t counts[TUPLE_PARTS_MAX], at[TUPLE_PARTS_MAX] = {0};
    for (size_t i = 0; i < tuples->count; i++) {
        lists[i] =
            doc_parts(pending, &tuples->parts[i], pending->block->first + off, mem, &counts[i]);
        if (counts[i] == 0)
            return;
    }
    for (;;) {
        for (size_t i = 0; i < tuples->count; i++)
            values[i] = lists[i][at[i]];
        put(pending, bucket_of(pending, values), off);
        size_t i = 0;
        while (i < tuples->count && ++at[i] == counts[i])
            at[i++] = 0;
        if (i == tuples->count)
            return;
    }
}

static void collect_multi(struct pending *pending)
{
    struct arena *mem = arena_new(0);
    for (uint32_t i = 0; i < pending->block->count; i++) {
        arena_reset(mem);
        collect_combinations(pending, block_offset(pending->block, i), mem);
    }
    arena_free(mem);
}

/* One tuple for the whole window. */
static bool collect_constant(struct pending *pending)
{
    struct tuple_run *tuples = pending->tuples;
    struct part_value values[TUPLE_PARTS_MAX];
    for (size_t i = 0; i < tuples->count; i++) {
        if (!part_is_constant(&tuples->parts[i], pending->block->first / ZONE_DOCS, &values[i]))
            return false;
    }
    uint32_t bucket = bucket_of(pending, values);
    if (bucket != TUPLE_DROPPED)
        bucket_collect(pending->node, pending->run, &pending->set->set.buckets[bucket],
                       pending->block);
    return true;
}

static void pending_init(struct pending *pending, struct tuple_set *set, struct tuple_run *tuples,
                         const struct agg_node *node, struct agg_run *run,
                         const struct doc_block *block)
{
    pending->set = set;
    pending->tuples = tuples;
    pending->node = node;
    pending->run = run;
    pending->block = block;
    pending->count = 0;
}

void tuple_set_collect(struct tuple_set *set, struct tuple_run *tuples, const struct agg_node *node,
                       struct agg_run *run, const struct doc_block *block)
{
    struct pending pending; /* not zeroed: it is large */
    pending_init(&pending, set, tuples, node, run, block);
    if (!tuple_set_wants(set, tuples, block->first) || collect_constant(&pending))
        return;
    if (tuples->is_multi)
        collect_multi(&pending);
    else if (tuples->place_count > 0)
        collect_places(&pending);
    else
        collect_hashed(&pending);
    flush(&pending);
}

/* ---- Without documents ---- */

static bool count_value(struct pending *pending, const struct part_value *value, uint64_t docs)
{
    uint32_t bucket = docs ? bucket_of(pending, value) : TUPLE_DROPPED;
    if (bucket != TUPLE_DROPPED)
        pending->set->set.buckets[bucket].doc_count += docs;
    return bucket != TUPLE_DROPPED;
}

static void count_missing(struct pending *pending)
{
    struct tuple_part *part = &pending->tuples->parts[0];
    struct part_value value;
    uint32_t with = part->source.column ? column_doc_count(part->source.column) : 0;
    if (with < pending->run->doc_count && part_missing(part, pending->run, &value))
        (void)count_value(pending, &value, pending->run->doc_count - with);
}

/* A tuple that is not kept although it is not on an earlier page: the following ones are behind
 * it. */
static bool is_done(struct pending *pending, const struct part_value *value)
{
    struct tuple_set *set = pending->set;
    struct tuple_part *part = &pending->tuples->parts[0];
    return set->has_bound && part_cmp(part, value, bound_of(set, pending->tuples)) > 0;
}

static void count_ordinals(struct pending *pending)
{
    struct tuple_part *part = &pending->tuples->parts[0];
    struct column *column = part->source.column;
    bool is_desc = part->spec->is_desc;
    int64_t count = column_ordinal_count(column), at = is_desc ? count - 1 : 0;
    if (pending->tuples->has_after && !part->after.is_missing)
        at = is_desc ? (int64_t)part->after.ordinal - 1
                     : (int64_t)part->after.ordinal + part->after.is_found;
    for (; at >= 0 && at < count; at += is_desc ? -1 : 1) {
        struct part_value value = {.ordinal = (uint32_t)at};
        (void)count_value(pending, &value, column_ordinal_doc_count(column, value.ordinal));
        if (is_done(pending, &value))
            return;
    }
}

/* Places of span edges in a sorted column, one binary search each. */
static void count_spans(struct pending *pending)
{
    struct tuple_part *part = &pending->tuples->parts[0];
    bool is_desc = part->spec->is_desc;
    for (uint32_t i = 0; i < part->span_count; i++) {
        uint32_t at = is_desc ? part->span_count - 1 - i : i;
        struct part_value value = {.key = part->spans[at]};
        if (pending->tuples->has_after && part_cmp(part, &value, &part->after) <= 0)
            continue;
        uint32_t from =
            docset_sorted_bound(part->source.column, value.key, pending->run->doc_count);
        uint32_t to = at + 1 == part->span_count
                          ? pending->run->doc_count
                          : docset_sorted_bound(part->source.column, part->spans[at + 1],
                                                pending->run->doc_count);
        (void)count_value(pending, &value, to - from);
        if (is_done(pending, &value))
            return;
    }
}

bool tuple_set_collect_all(struct tuple_set *set, struct tuple_run *tuples,
                           const struct agg_node *node, struct agg_run *run)
{
    struct tuple_part *part = &tuples->parts[0];
    struct pending pending;
    if (tuples->is_empty)
        return true;
    if (tuples->count != 1 || node->child_count > 0)
        return false;
    bool has_spans = part->spec->kind == TUPLE_DATE_HISTOGRAM && part->source.column &&
                     column_is_sorted(part->source.column) && tuples->place_count > 0 &&
                     part->source.field->type == FIELD_DATE;
    if (part->source.column && !part_is_text(part) && !has_spans)
        return false;
    pending_init(&pending, set, tuples, node, run, NULL);
    count_missing(&pending);
    if (part->source.column && has_spans)
        count_spans(&pending);
    else if (part->source.column)
        count_ordinals(&pending);
    return true;
}

/* ---- Merging ---- */

/* As is_kept, for a tuple of the run instead of one of the segment. */
static bool is_kept_global(const struct tuple_set *set, const struct tuple_run *tuples,
                           const int64_t *key)
{
    for (size_t i = 0; set->has_bound && i < tuples->count; i++) {
        const struct tuple_part *part = &tuples->parts[i];
        const struct tuple_edge *edge = &set->bound[i];
        bool is_missing = key[tuples->count] >> i & 1;
        int cmp;
        if (is_missing || edge->is_missing)
            cmp = (int)edge->is_missing - (int)is_missing;
        else if (part_is_text(part))
            cmp = str_cmp(part->ids.texts[key[i]], edge->text);
        else
            cmp = (key[i] > edge->key) - (key[i] < edge->key);
        if (cmp)
            return (part->spec->is_desc ? -cmp : cmp) < 0;
    }
    return true;
}

void tuple_set_merge(struct tuple_set *set, struct tuple_run *tuples, const struct agg_node *node,
                     struct agg_run *run, struct tuple_set *other, struct tuple_run *theirs,
                     struct agg_run *other_run)
{
    int64_t key[TUPLE_PARTS_MAX + 1];
    tuple_run_adopt(tuples, theirs);
    for (uint32_t b = 0; b < other->set.count; b++) {
        if (is_spare(other, theirs, b))
            continue;
        memcpy(key, keys_of(other, theirs, b), width_of(tuples) * sizeof(int64_t));
        for (size_t i = 0; i < tuples->count; i++) {
            bool is_missing = key[tuples->count] >> i & 1;
            if (part_is_text(&theirs->parts[i]) && !is_missing)
                key[i] = text_ids_get(&tuples->parts[i].ids, theirs->parts[i].ids.texts[key[i]],
                                      run->mem);
        }
        uint32_t slot = set->slot_count ? set->slots[slot_of(set, tuples, key)] : 0;
        if (!slot && set->keep && live_count(set) >= set->full)
            cut(set, tuples, node, run);
        if (!slot && !is_kept_global(set, tuples, key))
            continue;
        uint32_t at = slot ? slot - 1 : bucket_add(set, tuples, key, run->mem);
        bucket_merge(node, run, &set->set.buckets[at], other_run, &other->set.buckets[b]);
    }
}
