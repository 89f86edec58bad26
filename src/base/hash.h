/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: 64-bit and 128-bit hashes of bytes (XXH3), CRC-32C, and a hash table from strings to
 * pointers. */
#ifndef NARU_BASE_HASH_H
#define NARU_BASE_HASH_H

#include "base/base.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash_bytes(const void *p, size_t n);
struct hash128 hash128_bytes(const void *p, size_t n);
static inline uint64_t hash_str(struct str s)
{
    return hash_bytes(s.p, s.n);
}
/* Mixes a 64-bit integer (splitmix64's finaliser). */
static inline uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 30;
    v *= UINT64_C(0xbf58476d1ce4e5b9);
    v ^= v >> 27;
    v *= UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

/* CRC-32C (Castagnoli), as in iSCSI (RFC 3720); `crc` is 0 or the result for the bytes before. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* Open-addressing table: string -> pointer. Keys are copied into the table. Not thread-safe. */
struct strmap {
    struct strmap_slot *slots;
    size_t capacity; /* power of two or 0 */
    size_t count;
    size_t tombs;
};
struct strmap_slot {
    struct str key; /* p == NULL: never used; n == SIZE_MAX: removed */
    void *value;
    uint64_t hash;
};

void strmap_init(struct strmap *map);
void strmap_deinit(struct strmap *map); /* the values stay the caller's */
void *strmap_get(const struct strmap *map, struct str key);
bool strmap_has(const struct strmap *map, struct str key);
/* Returns the old value or NULL. */
void *strmap_put(struct strmap *map, struct str key, void *value);
void *strmap_remove(struct strmap *map, struct str key);
/* Walks in no order: `*at` starts at 0. False at the end. */
bool strmap_next(const struct strmap *map, size_t *at, struct str *ret_key, void **ret_value);

#endif
