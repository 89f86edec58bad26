/* SPDX-License-Identifier: Apache-2.0 */
/* plan_term_world_test.h: the documents of plan_term_test.c: how often each has which word, and how
 * long it is, kept beside the engine. */
#ifndef NARU_QUERY_PLAN_TERM_WORLD_TEST_H
#define NARU_QUERY_PLAN_TERM_WORLD_TEST_H

#include "query/search_support_test.h"

#include "index/segment.h"

#define SEGMENT_DOCS 9000u /* the second has a tenth */
#define DOCS         (SEGMENT_DOCS + SEGMENT_DOCS / 10)

/* A document in so many has the word. */
static const struct {
    const char *word;
    uint32_t odds;
} vocabulary[] = {{"common", 2}, {"some", 40}, {"rare", 2000}, {"never", UINT32_MAX}};

struct world {
    struct test *t;
    struct bed bed;
    struct searcher *searcher;
    const struct searcher_part *parts;
    size_t part_count;
    uint8_t freqs[DOCS][ARRAY_COUNT(vocabulary)], lengths[DOCS];
};

/* Whole blocks have a word only once, so that a threshold can pass over them. */
static struct str draw_text(struct world *w, uint32_t doc)
{
    struct str text = STR("x");
    w->lengths[doc] = (uint8_t)(1 + rng_below(&w->t->rng, 6));
    for (int i = 1; i < w->lengths[doc]; i++)
        text = arena_printf(w->t->mem, STR_FMT " x", STR_ARG(text));
    for (size_t k = 0; k < ARRAY_COUNT(vocabulary); k++) {
        bool has =
            rng_below(&w->t->rng, vocabulary[k].odds) == 0 && vocabulary[k].odds != UINT32_MAX;
        w->freqs[doc][k] = has ? (uint8_t)(1 + rng_below(&w->t->rng, doc / 1500 % 2 ? 1 : 4)) : 0;
        for (int i = 0; i < w->freqs[doc][k]; i++)
            text = arena_printf(w->t->mem, "%s " STR_FMT, vocabulary[k].word, STR_ARG(text));
        w->lengths[doc] = (uint8_t)(w->lengths[doc] + w->freqs[doc][k]);
    }
    return text;
}

static void write_docs(struct world *w, uint32_t from, uint32_t to)
{
    struct test *t = w->t;
    struct doc_write *writes = ARENA_ARRAY(t->mem, struct doc_write, to - from);
    struct doc_result *results = ARENA_ARRAY(t->mem, struct doc_result, to - from);
    for (uint32_t i = 0; i < to - from; i++) {
        struct str text = draw_text(w, from + i);
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = STR("i");
        writes[i].source = arena_printf(t->mem, "{\"i\":%u,\"t\":\"" STR_FMT "\",\"k\":\"%s\"}",
                                        from + i, STR_ARG(text), vocabulary[i % 2].word);
    }
    assert_ok(engine_write(w->bed.engine, writes, to - from, REFRESH_NOW, t->mem, results, &t->err),
              &t->err);
}

static void world_init(struct world *w, struct test *t)
{
    w->t = t;
    bed_init(&w->bed, t);
    create(&w->bed, "i",
           "{\"mappings\":{\"properties\":{\"i\":{\"type\":\"long\"},\"t\":{\"type\":\"text\"},"
           "\"k\":{\"type\":\"keyword\"}}}}");
    write_docs(w, 0, SEGMENT_DOCS);
    write_docs(w, SEGMENT_DOCS, DOCS);
    w->searcher = snapshot(&w->bed, "i");
    w->parts = searcher_parts(w->searcher, &w->part_count);
    assert_int_equal(w->part_count, 2);
}

static void world_deinit(struct world *w)
{
    searcher_unref(w->searcher);
    bed_deinit(&w->bed);
}

#endif
