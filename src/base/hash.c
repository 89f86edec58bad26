/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash_int.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wswitch-enum"
#include <xxhash.h>
#pragma GCC diagnostic pop

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"

#define STRMAP_CAPACITY_MIN 16u
#define REMOVED_N           SIZE_MAX

uint64_t hash_bytes(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

struct hash128 hash128_bytes(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (struct hash128){h.low64, h.high64};
}

/* Portable CRC-32C, eight tables ("slicing by 8", Kounavis and Berry 2005), built at first use. */
static uint32_t crc_tables[8][256];
static int crc_tables_state; /* 0 none, 1 ready; building twice gives the same bytes */

static void crc_tables_build(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (c >> 1) ^ UINT32_C(0x82F63B78) : c >> 1;
        __atomic_store_n(&crc_tables[0][i], c, __ATOMIC_RELAXED);
    }
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = crc_tables[0][i];
        for (size_t t = 1; t < 8; t++) {
            c = crc_tables[0][c & 0xFF] ^ (c >> 8);
            __atomic_store_n(&crc_tables[t][i], c, __ATOMIC_RELAXED);
        }
    }
    __atomic_store_n(&crc_tables_state, 1, __ATOMIC_RELEASE);
}

uint32_t hash__crc32c_portable(uint32_t c, const uint8_t *b, size_t n)
{
    if (UNLIKELY(__atomic_load_n(&crc_tables_state, __ATOMIC_ACQUIRE) == 0))
        crc_tables_build();
    for (; n >= 8; n -= 8, b += 8) {
        uint32_t low = get_u32_le(b) ^ c, high = get_u32_le(b + 4);
        c = crc_tables[7][low & 0xFF] ^ crc_tables[6][(low >> 8) & 0xFF] ^
            crc_tables[5][(low >> 16) & 0xFF] ^ crc_tables[4][low >> 24] ^
            crc_tables[3][high & 0xFF] ^ crc_tables[2][(high >> 8) & 0xFF] ^
            crc_tables[1][(high >> 16) & 0xFF] ^ crc_tables[0][high >> 24];
    }
    while (n--)
        c = crc_tables[0][(c ^ *b++) & 0xFF] ^ (c >> 8);
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t hash__crc32c_sse42(uint32_t crc, const uint8_t *b,
                                                              size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; n -= 8, b += 8)
        c = __builtin_ia32_crc32di(c, get_u64_le(b));
    uint32_t c32 = (uint32_t)c;
    while (n--)
        c32 = __builtin_ia32_crc32qi(c32, *b++);
    return c32;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~hash__crc32c_sse42(~crc, p, n);
#endif
    return ~hash__crc32c_portable(~crc, p, n);
}

void strmap_init(struct strmap *map)
{
    *map = (struct strmap){0};
}

static bool slot_is_live(const struct strmap_slot *slot)
{
    return slot->key.p && slot->key.n != REMOVED_N;
}

void strmap_deinit(struct strmap *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->capacity; i++) {
        if (slot_is_live(&map->slots[i]))
            mem_free((void *)(uintptr_t)map->slots[i].key.p);
    }
    mem_free(map->slots);
    *map = (struct strmap){0};
}

static struct strmap_slot *slot_find(const struct strmap *map, struct str key, uint64_t hash)
{
    if (map->capacity == 0)
        return NULL;
    for (size_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        struct strmap_slot *slot = &map->slots[i];
        if (!slot->key.p)
            return NULL;
        if (slot->hash == hash && slot->key.n != REMOVED_N && str_eq(slot->key, key))
            return slot;
    }
}

void *strmap_get(const struct strmap *map, struct str key)
{
    struct strmap_slot *slot = slot_find(map, key, hash_str(key));
    return slot ? slot->value : NULL;
}

bool strmap_has(const struct strmap *map, struct str key)
{
    return slot_find(map, key, hash_str(key)) != NULL;
}

static void strmap_rehash(struct strmap *map, size_t capacity)
{
    struct strmap_slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->slots = MEM_ARRAY(struct strmap_slot, capacity);
    map->capacity = capacity;
    map->tombs = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (!slot_is_live(&old[i]))
            continue;
        size_t at = old[i].hash & (capacity - 1);
        while (map->slots[at].key.p)
            at = (at + 1) & (capacity - 1);
        map->slots[at] = old[i];
    }
    mem_free(old);
}

void *strmap_put(struct strmap *map, struct str key, void *value)
{
    uint64_t hash = hash_str(key);
    struct strmap_slot *slot = slot_find(map, key, hash);
    if (slot) {
        void *old = slot->value;
        slot->value = value;
        return old;
    }
    if ((map->count + map->tombs + 1) * 4 > map->capacity * 3)
        strmap_rehash(map, map->count * 2 >= map->capacity
                               ? MAX_OF(map->capacity * 2, (size_t)STRMAP_CAPACITY_MIN)
                               : map->capacity);
    size_t at = hash & (map->capacity - 1);
    while (slot_is_live(&map->slots[at]))
        at = (at + 1) & (map->capacity - 1);
    if (map->slots[at].key.p)
        map->tombs--;
    map->slots[at] = (struct strmap_slot){{mem_cstr(key), key.n}, value, hash};
    map->count++;
    return NULL;
}

void *strmap_remove(struct strmap *map, struct str key)
{
    struct strmap_slot *slot = slot_find(map, key, hash_str(key));
    if (!slot)
        return NULL;
    void *old = slot->value;
    mem_free((void *)(uintptr_t)slot->key.p);
    *slot = (struct strmap_slot){{"", REMOVED_N}, NULL, 0};
    map->count--;
    map->tombs++;
    return old;
}

bool strmap_next(const struct strmap *map, size_t *at, struct str *ret_key, void **ret_value)
{
    for (; *at < map->capacity; (*at)++) {
        const struct strmap_slot *slot = &map->slots[*at];
        if (!slot_is_live(slot))
            continue;
        *ret_key = slot->key;
        *ret_value = slot->value;
        (*at)++;
        return true;
    }
    return false;
}
