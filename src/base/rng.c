/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include "base/hash.h"

void rng_init(struct rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, as the authors recommend for seeding */
        rng->s[i] = hash_u64(seed);
    }
}

static uint64_t rotate_left(uint64_t v, unsigned k)
{
    return (v << k) | (v >> (64 - k));
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *rng, uint64_t limit)
{
    ASSERT(limit > 0);
    uint64_t reject_below = (0 - limit) % limit; /* values under it would be over-represented */
    for (;;) {
        uint64_t v = rng_u64(rng);
        if (v >= reject_below)
            return v % limit;
    }
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    ASSERT(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t v = span == UINT64_MAX ? rng_u64(rng) : rng_below(rng, span + 1);
    return (int64_t)((uint64_t)low + v);
}

double rng_f64(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1.0p-53;
}

void rng_split(struct rng *rng, struct rng *ret_child)
{
    rng_init(ret_child, rng_u64(rng));
}
