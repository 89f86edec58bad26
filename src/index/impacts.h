/* SPDX-License-Identifier: Apache-2.0 */
/* impacts.h: what the documents of a postings block can score at most, for any BM25 parameters: a
 * staircase of (frequency, norm byte) pairs. Every document of the block has, for some pair, at
 * most its frequency and at least its norm byte, and a score only rises with the one and falls with
 * the other (Ding and Suel, "Faster top-k document retrieval using block-max indexes", 2011). */
#ifndef NARU_INDEX_IMPACTS_H
#define NARU_INDEX_IMPACTS_H

#include "base/base.h"
#include "index/format.h"

/* The length that a norm byte stands for: SmallFloat.byte4ToInt. */
uint32_t norm_length(uint8_t norm);
/* Of the documents' frequencies and norm bytes (norms NULL: all 0), n >= 1. The pairs fall in both
 * numbers; unused places repeat the last pair. */
void impacts_make(const uint32_t *freqs, const uint8_t *norms, size_t n,
                  uint8_t ret_pairs[IMPACT_BYTES]);
/* The highest frequency, UINT32_MAX: not known; the smallest norm byte. */
static inline uint32_t impacts_freq_max(const uint8_t *pairs)
{
    return pairs[0] == IMPACT_FREQ_MAX ? UINT32_MAX : pairs[0];
}
static inline uint8_t impacts_norm_min(const uint8_t *pairs)
{
    return pairs[IMPACT_BYTES - 1];
}
/* The highest frequency * norm_inverse[norm] of any pair; INFINITY: not known. */
static inline float impacts_max(const uint8_t *pairs, const float *norm_inverse)
{
    float most = 0;
    if (pairs[0] == IMPACT_FREQ_MAX)
        return __builtin_inff();
    for (unsigned i = 0; i < IMPACT_BYTES; i += 2) {
        float x = (float)pairs[i] * norm_inverse[pairs[i + 1]];
        most = MAX_OF(most, x);
    }
    return most;
}

#endif
