/* SPDX-License-Identifier: Apache-2.0 */
/* collapse.c: of the documents with one value of a field only the best hit is shown; see
 * collapse.md.
 *
 * The best hits of a segment are kept as ever, in a heap with the worst at its root, but each
 * stands for a group, and a group that is in the heap only ever moves up. A group that fell out
 * needs no memory: whatever comes back of it later beats the worst that is kept, and with that its
 * own best from before. This is the first pass of Lucene's grouping. Lists of segments are merged
 * leaving out groups that are there already. */
#include "base/bits.h"
#include "base/hash.h"
#include "base/str.h"
#include "query/agg_tree.h"
#include "query/field_values.h"
#include "query/search_int.h"
#include "text/timezone.h"

#define SLOT_NONE UINT32_MAX

struct collapse {
    const struct field *field; /* NULL: the index does not know it, all are one group */
    struct column *column;     /* NULL: no document of the segment has a value */
    enum column_kind kind;
    bool is_multi;
    /* the window at hand */
    uint32_t first;
    union {
        int64_t longs[ZONE_DOCS];
        double doubles[ZONE_DOCS];
        uint32_t ordinals[ZONE_DOCS];
    } values;
    uint64_t exists[WINDOW_WORDS];
    uint32_t doc_count;
    /* groups to slots */
    uint32_t *slot_of;       /* by ordinal */
    struct bucket_set slots; /* by number: `local` is the slot + 1 */
    uint32_t missing_slot;   /* of documents without a value */
    /* slots to groups and places in the heap */
    struct collapse_group *groups;
    uint32_t *places;
    struct arena *mem;
    uint32_t bad_doc_values; /* a document has so many values */
};

struct collapse_group {
    bool is_missing;
    int64_t key; /* ordinal or number */
};

int collapse_parse(const struct value *v, struct arena *mem, struct collapse_spec **ret_spec,
                   struct err *err)
{
    struct collapse_spec *spec = ARENA_NEW(mem, struct collapse_spec);
    for (size_t i = 0; i < v->map->count; i++) {
        struct str key = v->map->keys[i];
        const struct value *item = &v->map->values[i];
        if (str_is(key, "field")) {
            if (item->kind != VALUE_STR)
                return dsl_error(item, err, ERR_PARSE, "[collapse] field must be a string");
            spec->field = item->s;
        } else if (str_is(key, "inner_hits")) {
            return dsl_error(item, err, ERR_UNSUPPORTED,
                             "[inner_hits] of [collapse] is not supported yet");
        } else if (!str_is(key, "max_concurrent_group_searches")) {
            return dsl_error(item, err, ERR_PARSE, "[collapse] unknown field [" STR_FMT "]",
                             STR_ARG(key));
        }
    }
    if (!spec->field.p)
        return dsl_error(v, err, ERR_INVALID, "[collapse] needs a field");
    *ret_spec = spec;
    return 0;
}

static bool type_is_allowed(const struct field *field)
{
    return field->has_doc_values &&
           (field->type == FIELD_KEYWORD || field->type == FIELD_CONSTANT_KEYWORD ||
            field->type == FIELD_WILDCARD || field_is_long(field) || field_is_double(field));
}

int collapse_check(const struct collapse_spec *spec, const struct searcher_part *parts,
                   size_t part_count, struct err *err)
{
    bool is_known = part_count == 0;
    for (size_t i = 0; i < part_count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, spec->field);
        is_known = is_known || field;
        if (field && !type_is_allowed(field))
            return err_set(err, ERR_INVALID,
                           "unknown type for collapse field `" STR_FMT
                           "`, only keywords and numbers are accepted",
                           STR_ARG(spec->field));
    }
    if (!is_known)
        return err_set(err, ERR_INVALID,
                       "no mapping found for `" STR_FMT "` in order to collapse on",
                       STR_ARG(spec->field));
    return 0;
}

struct collapse *collapse_open(const struct collapse_spec *spec, const struct searcher_part *part,
                               size_t capacity, struct arena *mem)
{
    struct collapse *collapse = arena_alloc(mem, sizeof(*collapse)); /* large: not all zeroed */
    collapse->field = mapping_field(part->mapping, spec->field);
    collapse->column = collapse->field ? segment_column(part->segment, collapse->field) : NULL;
    collapse->kind = collapse->column ? column_kind(collapse->column) : COLUMN_LONG;
    collapse->is_multi = collapse->column && column_is_multi(collapse->column);
    collapse->first = UINT32_MAX;
    collapse->doc_count = segment_doc_count(part->segment);
    collapse->slot_of = NULL;
    collapse->slots = (struct bucket_set){0};
    collapse->missing_slot = SLOT_NONE;
    collapse->groups = ARENA_ARRAY(mem, struct collapse_group, capacity + 1);
    collapse->places = ARENA_ARRAY(mem, uint32_t, capacity + 1);
    collapse->mem = mem;
    collapse->bad_doc_values = 0;
    if (collapse->column && collapse->kind == COLUMN_ORDINAL) {
        size_t bytes = ((size_t)column_ordinal_count(collapse->column) + 1) * sizeof(uint32_t);
        collapse->slot_of = arena_alloc(mem, bytes);
        memset(collapse->slot_of, 0xFF, bytes);
    }
    return collapse;
}

/* ---- The group of a document ---- */

static void read_window(struct collapse *collapse, uint32_t first)
{
    uint32_t n = MIN_OF(ZONE_DOCS, collapse->doc_count - first);
    memset(collapse->exists, 0, sizeof(collapse->exists));
    collapse->first = first;
    if (collapse->kind == COLUMN_LONG)
        column_read_longs(collapse->column, first, n, collapse->values.longs, collapse->exists);
    else if (collapse->kind == COLUMN_DOUBLE)
        column_read_doubles(collapse->column, first, n, collapse->values.doubles, collapse->exists);
    else
        column_read_ordinals(collapse->column, first, n, collapse->values.ordinals,
                             collapse->exists);
}

static int64_t bits_of(double v)
{
    int64_t bits;
    if (v == 0)
        v = 0;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static struct collapse_group group_of_multi(struct collapse *collapse, uint32_t doc)
{
    union {
        int64_t i;
        double f;
        uint32_t ordinal;
    } v = {0};
    size_t n = collapse->kind == COLUMN_LONG ? column_doc_longs(collapse->column, doc, &v.i, 1)
               : collapse->kind == COLUMN_DOUBLE
                   ? column_doc_doubles(collapse->column, doc, &v.f, 1)
                   : column_doc_ordinals(collapse->column, doc, &v.ordinal, 1);
    if (n > 1)
        collapse->bad_doc_values = (uint32_t)n;
    if (n == 0)
        return (struct collapse_group){.is_missing = true};
    return (struct collapse_group){.key = collapse->kind == COLUMN_LONG     ? v.i
                                          : collapse->kind == COLUMN_DOUBLE ? bits_of(v.f)
                                                                            : v.ordinal};
}

static struct collapse_group group_of(struct collapse *collapse, uint32_t doc)
{
    if (!collapse->column)
        return (struct collapse_group){.is_missing = true};
    if (collapse->is_multi)
        return group_of_multi(collapse, doc);
    uint32_t first = doc - doc % ZONE_DOCS, off = doc - first;
    if (first != collapse->first)
        read_window(collapse, first);
    if (!bitset_get(collapse->exists, off))
        return (struct collapse_group){.is_missing = true};
    int64_t key = collapse->kind == COLUMN_LONG     ? collapse->values.longs[off]
                  : collapse->kind == COLUMN_DOUBLE ? bits_of(collapse->values.doubles[off])
                                                    : collapse->values.ordinals[off];
    return (struct collapse_group){.key = key};
}

static uint32_t slot_get(struct collapse *collapse, const struct collapse_group *group)
{
    if (group->is_missing)
        return collapse->missing_slot;
    if (collapse->slot_of)
        return collapse->slot_of[group->key];
    uint32_t at = bucket_set_find(&collapse->slots, group->key);
    return at == UINT32_MAX ? SLOT_NONE : collapse->slots.buckets[at].local - 1;
}

static void slot_set(struct collapse *collapse, const struct collapse_group *group, uint32_t slot)
{
    if (group->is_missing) {
        collapse->missing_slot = slot;
    } else if (collapse->slot_of) {
        collapse->slot_of[group->key] = slot;
    } else {
        uint32_t at = bucket_set_get(&collapse->slots, group->key, collapse->mem);
        collapse->slots.buckets[at].local = slot + 1; /* SLOT_NONE becomes 0 */
    }
}

/* ---- The heap ---- */

/* A slot's place in the heap is kept, so that a group that got better can be moved. */
static void heap_put(struct collapse *collapse, struct topk *top, size_t at, uint32_t slot)
{
    top->heap[at] = slot;
    collapse->places[slot] = (uint32_t)at;
}

static void sift_up(struct collapse *collapse, struct topk *top, size_t at)
{
    uint32_t slot = top->heap[at];
    for (; at > 0 && topk_slot_is_worse(top, slot, top->heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap_put(collapse, top, at, top->heap[(at - 1) / 2]);
    heap_put(collapse, top, at, slot);
}

static void sift_down(struct collapse *collapse, struct topk *top, size_t at)
{
    uint32_t slot = top->heap[at];
    for (size_t child; (child = 2 * at + 1) < top->count; at = child) {
        if (child + 1 < top->count &&
            topk_slot_is_worse(top, top->heap[child + 1], top->heap[child]))
            child++;
        if (!topk_slot_is_worse(top, top->heap[child], slot))
            break;
        heap_put(collapse, top, at, top->heap[child]);
    }
    heap_put(collapse, top, at, slot);
}

void collapse_offer(struct collapse *collapse, struct topk *top, const uint64_t *keys, uint32_t doc,
                    float score)
{
    if (top->capacity == 0)
        return;
    struct collapse_group group = group_of(collapse, doc);
    uint32_t slot = slot_get(collapse, &group);
    if (slot != SLOT_NONE) {
        if (!topk_beats(top, keys, doc, slot))
            return;
        topk_put(top, slot, keys, doc, score);
        sift_down(collapse, top, collapse->places[slot]);
        return;
    }
    if (!topk_is_full(top)) {
        slot = (uint32_t)top->count++;
        topk_put(top, slot, keys, doc, score);
        collapse->groups[slot] = group;
        slot_set(collapse, &group, slot);
        heap_put(collapse, top, slot, slot);
        sift_up(collapse, top, slot);
        return;
    }
    slot = top->heap[0];
    if (!topk_beats(top, keys, doc, slot))
        return;
    slot_set(collapse, &collapse->groups[slot], SLOT_NONE);
    topk_put(top, slot, keys, doc, score);
    collapse->groups[slot] = group;
    slot_set(collapse, &group, slot);
    sift_down(collapse, top, 0);
}

/* ---- Out of the segment ---- */

int collapse_failure(const struct collapse *collapse, struct err *err)
{
    if (collapse->bad_doc_values)
        return err_set(err, ERR_INVALID,
                       "failed to collapse, a document has %u values of [" STR_FMT
                       "]: the collapse field must be single valued",
                       collapse->bad_doc_values, STR_ARG(collapse->field->path));
    return 0;
}

struct sort_value collapse_value(const struct collapse *collapse, uint32_t slot, struct arena *mem)
{
    const struct collapse_group *group = &collapse->groups[slot];
    if (group->is_missing)
        return (struct sort_value){.kind = SORT_VALUE_NULL};
    if (collapse->kind == COLUMN_ORDINAL)
        return (struct sort_value){
            .kind = SORT_VALUE_STR,
            .text = column_ordinal_text(collapse->column, (uint32_t)group->key, mem)};
    return (struct sort_value){.kind = collapse->kind == COLUMN_LONG ? SORT_VALUE_LONG
                                                                     : SORT_VALUE_DOUBLE,
                               .key = (uint64_t)group->key};
}

void collapse_show(const struct collapse_spec *spec, const struct searcher_part *part, uint32_t doc,
                   struct arena *mem, struct value *fields)
{
    const struct field *field = mapping_field(part->mapping, spec->field);
    struct column *column = field ? segment_column(part->segment, field) : NULL;
    struct column_value *values;
    if (!column || column_doc_values(column, doc, mem, &values) == 0)
        return;
    size_t others = fields->kind == VALUE_MAP ? fields->map->count : 0;
    struct value map = value_map(mem, 1 + others), list = value_list(mem, 1);
    value_list_add(mem, &list, field_value_print(field, &values[0], NULL, time_zone_utc(), mem));
    value_map_set(mem, &map, spec->field, list);
    for (size_t i = 0; i < others; i++)
        value_map_set(mem, &map, fields->map->keys[i], fields->map->values[i]);
    *fields = map;
}

/* ---- Groups of several segments ---- */

static bool value_is_same(const struct sort_value *a, const struct sort_value *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == SORT_VALUE_NULL ||
           (a->kind == SORT_VALUE_STR ? str_eq(a->text, b->text) : a->key == b->key);
}

void group_table_init(struct group_table *table, size_t count_max, struct arena *mem)
{
    size_t slots = 16;
    while (slots < count_max * 2)
        slots *= 2;
    table->slots = ARENA_ARRAY(mem, const struct sort_value *, slots);
    table->mask = slots - 1;
}

bool group_table_add(struct group_table *table, const struct sort_value *group)
{
    uint64_t hash = group->kind == SORT_VALUE_NULL  ? 0
                    : group->kind == SORT_VALUE_STR ? hash_str(group->text)
                                                    : hash_u64(group->key);
    size_t at = (size_t)hash & table->mask;
    for (; table->slots[at]; at = (at + 1) & table->mask) {
        if (value_is_same(table->slots[at], group))
            return false;
    }
    table->slots[at] = group;
    return true;
}
