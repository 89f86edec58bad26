/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/corpus.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"

static const struct corpus_type *const types[] = {&corpus_http_logs, &corpus_big5};

/* Cuts the documents at the running sums of the shares, so that they add up whatever is rounded. */
static void indices_init(struct corpus *corpus, struct str prefix)
{
    double total = 0, sum = 0;
    uint64_t first = 0;
    for (const struct corpus_share *s = corpus->type->shares; s->index; s++)
        total += s->share;
    for (const struct corpus_share *s = corpus->type->shares; s->index; s++) {
        ASSERT(corpus->index_count < CORPUS_INDICES_MAX);
        struct corpus_index *index = &corpus->indices[corpus->index_count++];
        sum += s->share;
        uint64_t end = s[1].index ? (uint64_t)((double)corpus->docs * (sum / total)) : corpus->docs;
        index->first = first;
        index->count = end - first;
        first = end;
        size_t name_bytes = strlen(s->index);
        ASSERT(prefix.n + name_bytes < sizeof(index->name));
        if (prefix.n > 0)
            memcpy(index->name, prefix.p, prefix.n);
        memcpy(index->name + prefix.n, s->index, name_bytes);
        static const char head[] = "{\"index\":{\"_index\":\"", tail[] = "\"}}\n";
        size_t bytes = prefix.n + name_bytes, at = sizeof(head) - 1 + bytes;
        ASSERT(at + sizeof(tail) <= sizeof(index->action));
        memcpy(index->action, head, sizeof(head) - 1);
        memcpy(index->action + sizeof(head) - 1, index->name, bytes);
        memcpy(index->action + at, tail, sizeof(tail));
        index->action_bytes = at + sizeof(tail) - 1;
    }
}

int corpus_new(struct str type, uint64_t docs, uint64_t seed, struct str prefix,
               struct corpus **ret_corpus, struct err *err)
{
    const size_t name_room = 32; /* the longest name of a type's own */
    if (prefix.n + name_room > CORPUS_NAME_BYTES)
        return err_set(err, ERR_INVALID, "the prefix has more than %zu bytes",
                       CORPUS_NAME_BYTES - name_room);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (!str_eq(type, str_from(types[i]->name)))
            continue;
        struct corpus *corpus = MEM_NEW(struct corpus);
        *corpus = (struct corpus){.type = types[i], .docs = docs, .seed = seed};
        indices_init(corpus, prefix);
        corpus->type->init(corpus);
        *ret_corpus = corpus;
        return 0;
    }
    return err_set(err, ERR_INVALID, "no corpus '" STR_FMT "': http_logs or big5", STR_ARG(type));
}

void corpus_free(struct corpus *corpus)
{
    if (!corpus)
        return;
    corpus->type->deinit(corpus);
    mem_free(corpus);
}

void corpus_doc_rng(const struct corpus *corpus, uint64_t doc, struct rng *ret_rng)
{
    rng_init(ret_rng, hash_u64(corpus->seed ^ UINT64_C(0x6e617275)) + doc);
}

void corpus_bulk_add(const struct corpus *corpus, uint32_t index, uint64_t at, uint64_t count,
                     struct buf *out)
{
    const struct corpus_index *ix = &corpus->indices[index];
    ASSERT(at + count <= ix->count);
    for (uint64_t i = at; i < at + count; i++) {
        char *start = buf_reserve(out, CORPUS_ACTION_BYTES + CORPUS_DOC_BYTES_MAX), *p = start;
        if (!start)
            return; /* latched in out */
        memcpy(p, ix->action, ix->action_bytes);
        p += ix->action_bytes;
        char *end = corpus->type->doc_write(corpus, ix, ix->first + i, i, p);
        ASSERT((size_t)(end - p) <= CORPUS_DOC_BYTES_MAX);
        buf_added(out, (size_t)(end - start));
    }
}
