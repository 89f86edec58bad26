/* SPDX-License-Identifier: Apache-2.0 */
/* bm25.h: the score of a term in a document, to the last bit as Lucene 8.7 computes it (floats, in
 * its order of operations), so that hits come in the same order and with the same numbers as in
 * Elasticsearch 7.10. */
#ifndef NARU_QUERY_BM25_H
#define NARU_QUERY_BM25_H

#include "base/base.h"

/* Of one clause over one index. */
struct bm25 {
    float weight;            /* boost * (k1 + 1) * idf */
    float norm_inverse[256]; /* 1 / (k1 * (1 - b + b * length / average)) by norm byte */
};

/* `doc_count`, `sum_total_term_freq`: of the field in the whole index. */
float bm25_idf(uint64_t doc_freq, uint64_t doc_count);
void bm25_init(struct bm25 *bm25, float boost, float idf, uint64_t doc_count,
               uint64_t sum_total_term_freq);
static inline float bm25_score(const struct bm25 *bm25, float freq, uint8_t norm)
{
    return bm25->weight - bm25->weight / (1.0f + freq * bm25->norm_inverse[norm]);
}
/* The highest of the products freq * norm_inverse[norm] that is sure to score no more than
 * `score`; matches up to it need not be scored when they must beat that. -1: none. */
float bm25_product_below(const struct bm25 *bm25, float score);
/* The score of such a product; bm25_score is this of its own. */
static inline float bm25_product_score(const struct bm25 *bm25, float product)
{
    return bm25->weight - bm25->weight / (1.0f + product);
}

#endif
