/* SPDX-License-Identifier: Apache-2.0 */
/* bm25.c: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with Lucene's
 * choices: k1 = 1.2, b = 0.75, idf = ln(1 + (N - n + 0.5) / (n + 0.5)), lengths in one byte
 * (SmallFloat.intToByte4), and the factor k1 + 1 that Elasticsearch 7 keeps. */
#include "query/bm25.h"

#include "index/impacts.h"

#include <math.h>

#define K1 1.2f
#define B  0.75f

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
        /* 0 stands for a field without norms: scored like length 1, and no text has no tokens. */
        float length = (float)norm_length((uint8_t)MAX_OF(i, 1u));
        bm25->norm_inverse[i] = 1.0f / (K1 * ((1.0f - B) + B * length / average));
    }
}

/* Inverted with room for rounding, then checked: a product is only sure when its score says so. */
#define PRODUCT_SLACK 0.9999f

float bm25_product_below(const struct bm25 *bm25, float score)
{
    if (!(score > 0))
        return -1;
    if (!(score < bm25->weight))
        return bm25->weight > 0 ? INFINITY : -1;
    float product = score / (bm25->weight - score) * PRODUCT_SLACK;
    return bm25_product_score(bm25, product) <= score ? product : -1;
}
