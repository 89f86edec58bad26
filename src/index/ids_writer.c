/* SPDX-License-Identifier: Apache-2.0 */
/* ids_writer.c: a segment's ids, in the form that fits (format.h). Every id is taken as counted
 * until one does not have that form or the prefixes turn out to be many: then all go as text. */
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
    mem_free(ids->hashes);
    mem_free(ids->values);
}

/* ---- As text ---- */

static void text_add(struct segment_writer *w, uint32_t doc, struct str id)
{
    struct ids_writer *ids = &w->ids;
    struct str last = buf_str(&ids->last);
    if (doc > 0 && str_cmp(last, id) >= 0)
        ids->do_ascend = false;
    size_t shared = 0;
    if (doc % ID_GROUP_DOCS == 0) {
        if (ids->text.n > UINT32_MAX)
            segment_writer__fail(w, ERR_TOO_LARGE, "ids are over 4 GiB");
        buf_add_u32_le(&ids->groups, (uint32_t)ids->text.n);
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
    void *hashes = ids->hashes;
    mem_grow(&hashes, &ids->hash_capacity, (size_t)doc + 1, sizeof(uint64_t));
    ids->hashes = hashes;
    ids->hashes[doc] = hash_str(id);
}

/* Load at most two thirds. */
static uint64_t hash_slot_count(uint32_t doc_count)
{
    return (uint64_t)doc_count + doc_count / 2 + 8;
}

static uint64_t id_hash_write(struct segment_writer *w)
{
    uint64_t slot_count = hash_slot_count(w->doc_count);
    uint32_t *slots = MEM_ARRAY(uint32_t, slot_count);
    uint8_t *prints = MEM_ARRAY(uint8_t, slot_count);
    for (uint32_t doc = 0; doc < w->doc_count; doc++) {
        uint64_t hash = w->ids.hashes[doc];
        uint64_t at = ((hash >> 32) * slot_count) >> 32;
        while (slots[at])
            at = at + 1 == slot_count ? 0 : at + 1;
        slots[at] = doc + 1;
        prints[at] = (uint8_t)hash;
    }
    for (uint64_t i = 0; i < slot_count; i++)
        buf_add_u32_le(&w->out, slots[i]);
    buf_add(&w->out, prints, slot_count);
    mem_free(slots);
    mem_free(prints);
    return slot_count;
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
        text_add(w, doc, (struct str){id, sizeof(id)});
    }
    mem_free(ids->values);
    ids->values = NULL;
    ids->value_capacity = 0;
}

void ids_writer__add(struct segment_writer *w, struct str id)
{
    ASSERT(id.n > 0 && id.n <= ID_BYTES_MAX);
    if (w->ids.is_counted && counted_add(&w->ids, w->doc_count, id))
        return;
    if (w->ids.is_counted)
        give_up_counting(w, w->doc_count);
    text_add(w, w->doc_count, id);
}

static int prefix_cmp(const void *a, const void *b, void *prefixes)
{
    const uint32_t *x = a, *y = b;
    const char *p = prefixes;
    return memcmp(p + (size_t)*x * COUNTED_ID_PREFIX_BYTES,
                  p + (size_t)*y * COUNTED_ID_PREFIX_BYTES, COUNTED_ID_PREFIX_BYTES);
}

/* Prefixes sorted, and the values with the numbers they then have: ids sort as values do. */
static void counted_write(struct segment_writer *w)
{
    struct ids_writer *ids = &w->ids;
    size_t count = ids->prefixes.n / COUNTED_ID_PREFIX_BYTES;
    uint32_t *order = MEM_ARRAY(uint32_t, count), *rank = MEM_ARRAY(uint32_t, count);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof(*order), prefix_cmp, ids->prefixes.p);
    for (uint32_t i = 0; i < count; i++) {
        rank[order[i]] = i;
        buf_add(&w->out, ids->prefixes.p + (size_t)order[i] * COUNTED_ID_PREFIX_BYTES,
                COUNTED_ID_PREFIX_BYTES);
    }
    for (uint32_t doc = 0; doc < w->doc_count; doc++) {
        uint64_t value = (uint64_t)ids->values[doc];
        uint64_t number = value & (((uint64_t)1 << COUNTED_ID_COUNT_BITS) - 1);
        ids->values[doc] =
            (int64_t)((uint64_t)rank[value >> COUNTED_ID_COUNT_BITS] << COUNTED_ID_COUNT_BITS |
                      number);
    }
    mem_free(order);
    mem_free(rank);
}

/* ---- The end ---- */

void ids_writer__finish(struct segment_writer *w, struct id_regions *ret_regions)
{
    struct ids_writer *ids = &w->ids;
    struct id_regions r = {0};
    size_t prefix_count = ids->prefixes.n / COUNTED_ID_PREFIX_BYTES;
    if (ids->is_counted && prefix_count > w->doc_count / COUNTED_ID_DOCS_PER_PREFIX + 1)
        give_up_counting(w, w->doc_count);
    r.off = segment_writer__off(w);
    if (ids->is_counted) {
        r.flags = SEGMENT_FLAG_COUNTED_IDS;
        counted_write(w);
        r.bytes = segment_writer__off(w) - r.off;
        r.group_off = r.hash_off = r.off;
        segment_writer__system_column(w, FIELD_ID_COUNTED_ID, STR("_id"), ids->values);
    } else {
        r.bytes = ids->text.n;
        buf_add_str(&w->out, buf_str(&ids->text));
        r.group_off = segment_writer__off(w);
        buf_add_str(&w->out, buf_str(&ids->groups));
        r.hash_off = segment_writer__off(w);
        r.slot_count = ids->do_ascend ? 0 : id_hash_write(w);
    }
    *ret_regions = r;
}
