/* SPDX-License-Identifier: Apache-2.0 */
#include "index/doc_bits.h"

#include "support/test.h"

#include "base/bits.h"
#include "index/segment.h"

#define ZONES 5u

/* Every form of a zone, made of random documents of a density, in runs of about `run`. */
static void zone_random(struct rng *rng, uint32_t docs, uint64_t *words)
{
    static const uint32_t runs[] = {1, 1, 3, 50, 2000};
    uint32_t run = runs[rng_below(rng, 5)], gap = runs[rng_below(rng, 5)];
    switch (rng_below(rng, 6)) {
    case 0:
        return;
    case 1:
        for (uint32_t i = 0; i < docs; i++)
            bitset_set(words, i);
        return;
    case 2: /* a few */
        for (uint64_t n = rng_below(rng, 300); n > 0; n--)
            bitset_set(words, rng_below(rng, docs));
        return;
    default:
        for (uint32_t at = (uint32_t)rng_below(rng, gap + 1); at < docs;) {
            uint32_t end = at + 1 + (uint32_t)rng_below(rng, run);
            for (; at < end && at < docs; at++)
                bitset_set(words, at);
            at += 1 + (uint32_t)rng_below(rng, gap);
        }
    }
}

static void check(struct test *t, const struct doc_bits *bits, const uint64_t *words,
                  uint32_t doc_count)
{
    size_t count = bitset_count(words, BITSET_WORDS(doc_count));
    assert_int_equal(doc_bits_count(bits), count);
    for (uint32_t zone = 0; zone * ZONE_DOCS < doc_count; zone++) {
        uint64_t own[ZONE_DOCS / 64] = {0};
        doc_bits_fill(bits, zone, own);
        assert_memory_equal(own, words + zone * (ZONE_DOCS / 64), sizeof(own));
    }
    for (int i = 0; i < 300; i++) {
        uint32_t at = (uint32_t)rng_below(&t->rng, doc_count + 2), next = at;
        while (next < doc_count && !bitset_get(words, next))
            next++;
        assert_int_equal(doc_bits_next(bits, at), next < doc_count ? next : DOC_NONE);
    }
}

static void random_sets(struct test *t)
{
    for (int round = 0; round < 200; round++) {
        uint32_t doc_count = 1 + (uint32_t)rng_below(&t->rng, ZONES * ZONE_DOCS);
        uint64_t words[ZONES * ZONE_DOCS / 64] = {0};
        struct doc_bits_builder builder;
        doc_bits_begin(&builder, doc_count);
        for (uint32_t zone = 0; zone * ZONE_DOCS < doc_count; zone++) {
            uint64_t *own = words + zone * (ZONE_DOCS / 64);
            zone_random(&t->rng, MIN_OF(ZONE_DOCS, doc_count - zone * ZONE_DOCS), own);
            if (rng_below(&t->rng, 8) || !bitset_count(own, ZONE_DOCS / 64))
                doc_bits_add(&builder, zone, own);
            else
                memset(own, 0, ZONE_DOCS / 8); /* left out */
        }
        struct doc_bits *bits = doc_bits_end(&builder);
        check(t, bits, words, doc_count);
        doc_bits_unref(bits);
    }
}

/* What each form takes: the header of a zone, and its documents. */
static void sizes(struct test *t UNUSED)
{
    static const struct {
        uint32_t from, to, step;
        size_t bytes_max;
    } cases[] = {{0, 0, 1, 0},      {0, ZONE_DOCS, 1, 0},    {7, 8, 1, 8},
                 {100, 3000, 1, 8}, {0, ZONE_DOCS, 32, 256}, {0, ZONE_DOCS, 2, 512},
                 {0, 255, 1, 8}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t words[ZONE_DOCS / 64] = {0};
        struct doc_bits_builder builder;
        for (uint32_t doc = cases[i].from; doc < cases[i].to; doc += cases[i].step)
            bitset_set(words, doc);
        doc_bits_begin(&builder, ZONE_DOCS);
        doc_bits_add(&builder, 0, words);
        struct doc_bits *bits = doc_bits_end(&builder);
        assert_true(doc_bits_bytes(bits) <= 48 + cases[i].bytes_max);
        doc_bits_unref(bits);
    }
}

static void references(struct test *t UNUSED)
{
    struct doc_bits_builder builder;
    doc_bits_begin(&builder, 10);
    struct doc_bits *bits = doc_bits_end(&builder);
    assert_ptr_equal(doc_bits_ref(bits), bits);
    doc_bits_unref(bits);
    assert_int_equal(doc_bits_next(bits, 0), DOC_NONE);
    doc_bits_unref(bits);
    doc_bits_unref(NULL);
}

TEST_MAIN(TEST(random_sets), TEST(sizes), TEST(references))
