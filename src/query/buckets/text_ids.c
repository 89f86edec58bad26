/* SPDX-License-Identifier: Apache-2.0 */
/* text_ids.c: see text_ids.h. */
#include "query/buckets/text_ids.h"

#include "base/hash.h"
#include "base/str.h"

static uint32_t slot_of(const struct text_ids *ids, struct str text)
{
    uint32_t mask = ids->slot_count - 1;
    uint32_t at = (uint32_t)hash_str(text) & mask;
    while (ids->slots[at] && !str_eq(ids->texts[ids->slots[at] - 1], text))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct text_ids *ids, struct arena *mem)
{
    uint32_t capacity = ids->capacity ? ids->capacity * 2 : 16;
    ids->texts = arena_realloc(mem, ids->texts, ids->capacity * sizeof(struct str),
                               capacity * sizeof(struct str));
    ids->capacity = capacity;
    ids->slot_count = capacity * 2;
    ids->slots = ARENA_ARRAY(mem, uint32_t, ids->slot_count);
    for (uint32_t i = 0; i < ids->count; i++)
        ids->slots[slot_of(ids, ids->texts[i])] = i + 1;
}

uint32_t text_ids_get(struct text_ids *ids, struct str text, struct arena *mem)
{
    if (ids->count == ids->capacity)
        grow(ids, mem);
    uint32_t slot = slot_of(ids, text);
    if (!ids->slots[slot]) {
        ids->texts[ids->count] = arena_str(mem, text);
        ids->slots[slot] = ++ids->count;
    }
    return ids->slots[slot] - 1;
}
