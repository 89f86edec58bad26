/* SPDX-License-Identifier: Apache-2.0 */
/* ids_writer.c: a segment's ids, in the form that fits (format.h). Sealing takes every id as
 * counted until one does not have that form or the prefixes turn out to be many: then all go as
 * text. A merge knows the form before the first id, and writes them as they come. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/format.h"
#include "index/ids.h"
#include "index/segment_writer_int.h"

void ids_writer__init(struct ids_writer *ids)
{
    buf_init(&ids->text, WRITER_BYTES_MAX);
    buf_init(&ids->groups, WRITER_BYTES_MAX);
    buf_init(&ids->last, 0);
    buf_init(&ids->prefixes, 0);
    strmap_init(&ids->prefix_numbers);
    ids->is_counted = ids->do_ascend = true;
}

void ids_writer__deinit(struct ids_writer *ids)
{
    buf_deinit(&ids->text);
    buf_deinit(&ids->groups);
    buf_deinit(&ids->last);
    buf_deinit(&ids->prefixes);
    strmap_deinit(&ids->prefix_numbers);
    mem_free(ids->slots);
    mem_free(ids->prints);
    mem_free(ids->ranks);
    mem_free(ids->values);
}

/* ---- As text ---- */

/* Load at most two thirds. */
static uint64_t hash_slot_count(uint32_t doc_count)
{
    return (uint64_t)doc_count + doc_count / 2 + 8;
}

static void hash_add(struct segment_writer *w, uint32_t doc, struct str id)
{
    struct ids_writer *ids = &w->ids;
    uint64_t hash = hash_str(id);
    if (!ids->slots) {
        ids->slot_count = hash_slot_count(w->options.doc_count);
        ids->slots = MEM_ARRAY(uint32_t, ids->slot_count);
        ids->prints = MEM_ARRAY(uint8_t, ids->slot_count);
    }
    uint64_t at = ((hash >> 32) * ids->slot_count) >> 32;
    while (ids->slots[at])
        at = at + 1 == ids->slot_count ? 0 : at + 1;
    ids->slots[at] = doc + 1;
    ids->prints[at] = (uint8_t)hash;
}

static void text_add(struct segment_writer *w, struct str id)
{
    struct ids_writer *ids = &w->ids;
    struct str last = buf_str(&ids->last);
    uint32_t doc = ids->text_count++;
    if (doc > 0 && str_cmp(last, id) >= 0)
        ids->do_ascend = false;
    size_t shared = 0;
    if (doc % ID_GROUP_DOCS == 0) {
        if (ids->text_drained + ids->text.n > UINT32_MAX)
            segment_writer__fail(w, ERR_TOO_LARGE, "ids are over 4 GiB");
        buf_add_u32_le(&ids->groups, (uint32_t)(ids->text_drained + ids->text.n));
    } else {
        size_t max = MIN_OF(MIN_OF(last.n, id.n), (size_t)255);
        while (shared < max && last.p[shared] == id.p[shared])
            shared++;
    }
    buf_add_u8(&ids->text, (uint8_t)shared);
    buf_add_varint(&ids->text, id.n - shared);
    buf_add(&ids->text, id.p + shared, id.n - shared);
    buf_clear(&ids->last);
    buf_add_str(&ids->last, id);
    hash_add(w, doc, id);
}

/* What there is of the text goes behind what is written. */
static void text_drain(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    if (ids->text.is_over)
        segment_writer__fail(w, ERR_TOO_LARGE, "ids are over the size limit");
    ids->text_drained += ids->text.n;
    buf_add_str(&w->out, buf_str(&ids->text));
    buf_clear(&ids->text);
    segment_writer__drain(w, false);
}

/* In pieces, so that a file takes them without a second copy of the whole. */
static void hash_write(struct segment_writer *w)
{
    const struct ids_writer *ids = &w->ids;
    for (uint64_t i = 0; i < ids->slot_count; i++) {
        buf_add_u32_le(&w->out, ids->slots[i]);
        if (i % (WRITER_DRAIN_BYTES / 4) == 0)
            segment_writer__drain(w, false);
    }
    buf_add(&w->out, ids->prints, ids->slot_count);
    segment_writer__drain(w, false);
}

static void text_end(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    text_drain(w);
    ids->regions.bytes = ids->text_drained;
    ids->regions.group_off = segment_writer__off(w);
    buf_add_str(&w->out, buf_str(&ids->groups));
    ids->regions.hash_off = segment_writer__off(w);
    ids->regions.slot_count = ids->do_ascend ? 0 : ids->slot_count;
    if (!ids->do_ascend)
        hash_write(w);
    mem_free(TAKE(ids->slots));
    mem_free(TAKE(ids->prints));
}

/* ---- Counted ---- */

/* Number of the prefix in order of arrival; SIZE_MAX: there are too many. */
static size_t prefix_number(struct ids_writer *ids, struct str prefix)
{
    size_t count = ids->prefixes.n / COUNTED_ID_PREFIX_BYTES;
    if (count > 0 && memcmp(ids->prefixes.p + ids->last_prefix * COUNTED_ID_PREFIX_BYTES, prefix.p,
                            COUNTED_ID_PREFIX_BYTES) == 0)
        return ids->last_prefix;
    uintptr_t known = (uintptr_t)strmap_get(&ids->prefix_numbers, prefix);
    if (known)
        return known - 1;
    if (count == COUNTED_ID_PREFIXES_MAX)
        return SIZE_MAX;
    (void)strmap_put(&ids->prefix_numbers, prefix, (void *)(uintptr_t)(count + 1));
    buf_add_str(&ids->prefixes, prefix);
    return count;
}

static bool counted_add(struct ids_writer *ids, uint32_t doc, struct str id)
{
    uint32_t count;
    if (!id_count_read(id, &count))
        return false;
    size_t prefix = prefix_number(ids, str_sub(id, 0, COUNTED_ID_PREFIX_BYTES));
    if (prefix == SIZE_MAX)
        return false;
    ids->last_prefix = prefix;
    void *values = ids->values;
    mem_grow(&values, &ids->value_capacity, (size_t)doc + 1, sizeof(int64_t));
    ids->values = values;
    ids->values[doc] = (int64_t)((uint64_t)prefix << COUNTED_ID_COUNT_BITS | count);
    return true;
}

/* From now on text: those before are written anew. */
static void give_up_counting(struct segment_writer *w, uint32_t doc_count)
{
    struct ids_writer *ids = &w->ids;
    char id[COUNTED_ID_BYTES];
    ids->is_counted = false;
    for (uint32_t doc = 0; doc < doc_count; doc++) {
        uint64_t value = (uint64_t)ids->values[doc];
        memcpy(id, ids->prefixes.p + (value >> COUNTED_ID_COUNT_BITS) * COUNTED_ID_PREFIX_BYTES,
               COUNTED_ID_PREFIX_BYTES);
        id_count_write((uint32_t)value & (((uint32_t)1 << COUNTED_ID_COUNT_BITS) - 1),
                       id + COUNTED_ID_PREFIX_BYTES);
        text_add(w, (struct str){id, sizeof(id)});
    }
    mem_free(TAKE(ids->values));
    ids->value_capacity = 0;
}

void ids_writer__add(struct segment_writer *w, struct str id)
{
    ASSERT(id.n > 0 && id.n <= ID_BYTES_MAX);
    if (w->ids.is_counted && counted_add(&w->ids, w->doc_count, id))
        return;
    if (w->ids.is_counted)
        give_up_counting(w, w->doc_count);
    text_add(w, id);
}

static int prefix_cmp(const void *a, const void *b, void *prefixes)
{
    const uint32_t *x = a, *y = b;
    const char *p = prefixes;
    return memcmp(p + (size_t)*x * COUNTED_ID_PREFIX_BYTES,
                  p + (size_t)*y * COUNTED_ID_PREFIX_BYTES, COUNTED_ID_PREFIX_BYTES);
}

static size_t prefix_count(const struct ids_writer *ids)
{
    return ids->prefixes.n / COUNTED_ID_PREFIX_BYTES;
}

/* Writes the prefixes sorted and notes the rank of each: ids sort as values do. */
static void prefixes_write(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    size_t count = prefix_count(ids);
    uint32_t *order = MEM_ARRAY(uint32_t, count);
    ids->ranks = MEM_ARRAY(uint32_t, count);
    ids->ranked_count = count;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof(*order), prefix_cmp, ids->prefixes.p);
    for (uint32_t i = 0; i < count; i++) {
        ids->ranks[order[i]] = i;
        buf_add(&w->out, ids->prefixes.p + (size_t)order[i] * COUNTED_ID_PREFIX_BYTES,
                COUNTED_ID_PREFIX_BYTES);
    }
    mem_free(order);
}

static void regions_begin(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    uint64_t off = segment_writer__off(w);
    ids->regions = (struct id_regions){.off = off, .group_off = off, .hash_off = off};
    if (!ids->is_counted)
        return;
    ids->regions.flags = SEGMENT_FLAG_COUNTED_IDS;
    prefixes_write(w);
    ids->regions.bytes = segment_writer__off(w) - off;
    segment_writer_field_begin(w, FIELD_ID_COUNTED_ID, FIELD_LONG, STR("_id"));
    segment_writer_column_begin(w, COLUMN_LONG);
}

/* The next zone of `n` values that count_values made. */
static void zone_write(struct segment_writer *w, int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = (uint64_t)values[i],
                 number = value & (((uint64_t)1 << COUNTED_ID_COUNT_BITS) - 1);
        values[i] =
            (int64_t)((uint64_t)w->ids.ranks[value >> COUNTED_ID_COUNT_BITS]
                          << COUNTED_ID_COUNT_BITS |
                      number);
    }
    segment_writer_column_zone(w, NULL, values, n);
}

static void regions_end(struct segment_writer *w)
{
    if (!w->ids.is_counted) {
        text_end(w);
        return;
    }
    if (w->err.code == ERR_NONE)
        segment_writer_column_end(w);
    segment_writer_field_end(w);
}

static bool has_few_prefixes(const struct segment_writer *w)
{
    return prefix_count(&w->ids) <= w->options.doc_count / COUNTED_ID_DOCS_PER_PREFIX + 1;
}

/* ---- As they come ---- */

bool segment_writer_id_prefix(struct segment_writer *w, struct str prefix)
{
    ASSERT(prefix.n == COUNTED_ID_PREFIX_BYTES);
    return prefix_number(&w->ids, prefix) != SIZE_MAX;
}

void segment_writer_ids_begin(struct segment_writer *w, bool may_count)
{
    struct ids_writer *ids = &w->ids;
    ids->is_streamed = true;
    ids->is_counted = may_count && has_few_prefixes(w);
    regions_begin(w);
}

static void streamed_zone(struct segment_writer *w)
{
    zone_write(w, w->ids.values, w->ids.zone_fill);
    w->ids.zone_fill = 0;
}

void segment_writer_id(struct segment_writer *w, struct str id)
{
    struct ids_writer *ids = &w->ids;
    ASSERT(id.n > 0 && id.n <= ID_BYTES_MAX);
    if (!ids->is_counted) {
        text_add(w, id);
        if (ids->text.n >= WRITER_DRAIN_BYTES)
            text_drain(w);
        return;
    }
    if (!counted_add(ids, ids->zone_fill, id) || prefix_count(ids) != ids->ranked_count) {
        segment_writer__fail(w, ERR_CORRUPT, "an id has another form than was said");
        return; /* finish says so: no column is ended */
    }
    if (++ids->zone_fill == ZONE_DOCS)
        streamed_zone(w);
}

void segment_writer_ids_end(struct segment_writer *w)
{
    if (w->ids.zone_fill > 0)
        streamed_zone(w);
    regions_end(w);
}

/* ---- The end ---- */

void ids_writer__finish(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    if (ids->is_streamed)
        return;
    if (ids->is_counted && !has_few_prefixes(w))
        give_up_counting(w, w->doc_count);
    regions_begin(w);
    for (uint32_t first = 0; ids->is_counted && first < w->doc_count; first += ZONE_DOCS)
        zone_write(w, ids->values + first, MIN_OF(w->doc_count - first, ZONE_DOCS));
    regions_end(w);
}
