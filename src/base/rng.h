/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h: random numbers as an object with a seed (xoshiro256**, Blackman and Vigna 2018). Not for
 * secrets; not thread-safe: one owner, or one per thread by rng_split. */
#ifndef NARU_BASE_RNG_H
#define NARU_BASE_RNG_H

#include "base/base.h"

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_u64(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t limit); /* 0..limit-1, unbiased; limit > 0 */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high); /* both included */
double rng_f64(struct rng *rng);                                 /* [0, 1) */
void rng_split(struct rng *rng, struct rng *ret_child);

#endif
