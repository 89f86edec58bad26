/* SPDX-License-Identifier: Apache-2.0 */
/* bm25.c: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with Lucene's
 * choices: k1 = 1.2, b = 0.75, idf = ln(1 + (N - n + 0.5) / (n + 0.5)), lengths in one byte
 * (SmallFloat.intToByte4), and the factor k1 + 1 that Elasticsearch 7 keeps. */
#include "query/bm25.h"

#include <math.h>

#define K1 1.2f
#define B  0.75f

/* Lengths below NORM_EXACT are stored as they are; above, three bits of mantissa and a shift. */
#define NORM_EXACT 24u

uint32_t bm25_norm_length(uint8_t norm)
{
    if (norm < NORM_EXACT)
        return norm;
    uint32_t rest = norm - NORM_EXACT, bits = rest & 7, shift = rest >> 3;
    return NORM_EXACT + (shift == 0 ? bits : (bits | 8) << (shift - 1));
}

float bm25_idf(uint64_t doc_freq, uint64_t doc_count)
{
    double n = (double)doc_freq, all = (double)doc_count;
    return (float)log(1 + (all - n + 0.5) / (n + 0.5));
}

void bm25_init(struct bm25 *bm25, float boost, float idf, uint64_t doc_count,
               uint64_t sum_total_term_freq)
{
    float average = doc_count ? (float)((double)sum_total_term_freq / (double)doc_count) : 1.0f;
    bm25->weight = boost * (1.0f + K1) * idf;
    for (unsigned i = 0; i < 256; i++) {
        float length = (float)bm25_norm_length((uint8_t)i);
        bm25->norm_inverse[i] = 1.0f / (K1 * ((1.0f - B) + B * length / average));
    }
}
