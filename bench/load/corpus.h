/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.h: documents made from a seed. Document n of a corpus is a function of (seed, corpus size,
 * n) alone, so any thread makes any part, in any order and in bulks of any size, and the bytes are
 * the same. A corpus does not change after corpus_new: threads share it.
 *
 * `http_logs` is shaped like the 1998 World Cup web log that the benchmark of that name uses,
 * `big5` like the log documents of the benchmark of that name; each file says how it is like and
 * unlike. */
#ifndef NARU_BENCH_LOAD_CORPUS_H
#define NARU_BENCH_LOAD_CORPUS_H

#include "base/base.h"
#include "base/err.h"

#define CORPUS_INDICES_MAX   8u
#define CORPUS_NAME_BYTES    96u   /* of an index, with the prefix and the NUL */
#define CORPUS_ACTION_BYTES  128u  /* {"index":{"_index":"NAME"}} and a line feed */
#define CORPUS_DOC_BYTES_MAX 4096u /* of one document with its line feed */

struct corpus_index {
    char name[CORPUS_NAME_BYTES];
    uint64_t first, count; /* its documents are first … first + count - 1 of the corpus */
    char action[CORPUS_ACTION_BYTES];
    size_t action_bytes;
};

struct corpus {
    const struct corpus_type *type;
    uint64_t docs, seed;
    struct corpus_index indices[CORPUS_INDICES_MAX];
    uint32_t index_count;
    void *tables; /* the type's, made by init */
};

struct corpus_type {
    const char *name;
    /* MUST: names, and shares of the documents in any unit; the last row's name is NULL. */
    const struct corpus_share {
        const char *index;
        double share;
    } * shares;
    /* MUST. Makes corpus->tables. */
    void (*init)(struct corpus *corpus);
    void (*deinit)(struct corpus *corpus);
    /* MUST. Writes document `doc`, which is number `at` of `index`, and a line feed to p; returns
     * what is behind it. At most CORPUS_DOC_BYTES_MAX bytes. */
    char *(*doc_write)(const struct corpus *corpus, const struct corpus_index *index, uint64_t doc,
                       uint64_t at, char *p);
};
extern const struct corpus_type corpus_http_logs, corpus_big5;

/* `prefix` stands before every index name. -ERR_INVALID: no such type, or the prefix is too long.
 */
int corpus_new(struct str type, uint64_t docs, uint64_t seed, struct str prefix,
               struct corpus **ret_corpus, struct err *err) WARN_UNUSED;
void corpus_free(struct corpus *corpus);
DEFINE_CLEANUP(corpus_free, struct corpus)

/* Appends the documents `at` … `at + count - 1` of one index as a `_bulk` body: an action line
 * before each. */
void corpus_bulk_add(const struct corpus *corpus, uint32_t index, uint64_t at, uint64_t count,
                     struct buf *out);

/* The random numbers of one document. */
void corpus_doc_rng(const struct corpus *corpus, uint64_t doc, struct rng *ret_rng);

#endif
