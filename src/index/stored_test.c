/* SPDX-License-Identifier: Apache-2.0 */
/* Stored source: documents of each length class, in blocks and across them, come back byte for
 * byte; a block that lies about its lengths is damage. */
#include "index/segment_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/segment_writer.h"

#define DOCS 10000u

/* Lengths that need one, two and three planes; many short ones, so that a block ends by its number
 * of documents too. */
static size_t length_of(uint32_t doc)
{
    return doc == 9000 ? 100000 : doc > 9900 ? 300 + doc % 7 : doc % 5;
}

static struct str text_of(struct arena *mem, uint32_t doc)
{
    char *p = arena_alloc(mem, length_of(doc) + 1);
    struct rng rng;
    rng_init(&rng, doc);
    for (size_t i = 0; i < length_of(doc); i++)
        p[i] = (char)rng_u64(&rng);
    return (struct str){p, length_of(doc)};
}

static struct str routing_of(uint32_t doc)
{
    return doc % 11 == 0 ? STR("route\0here") : STR_NONE;
}

static struct segment *made(struct arena *mem, bool is_compressed)
{
    struct segment_writer_options options = {.doc_count = DOCS, .is_compressed = is_compressed};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    for (uint32_t i = 0; i < DOCS; i++)
        segment_writer_doc(w, &(struct segment_doc){.id = arena_printf(mem, "%06u", i),
                                                    .routing = routing_of(i),
                                                    .stored = text_of(mem, i),
                                                    .seq_no = i,
                                                    .version = 1});
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static void comes_back(bool is_compressed)
{
    struct arena *mem = arena_new(0);
    struct segment *seg = made(mem, is_compressed);
    struct err err;
    assert_true(seg->stored_block_count >= 4);
    for (uint32_t k = 0; k < DOCS; k++) {
        uint32_t doc = k < DOCS / 2 ? k : k * 7919 % DOCS; /* in order, then not */
        struct str source, routing;
        if (segment_stored(seg, doc, mem, &source, &routing, &err) < 0)
            fail_msg("document %u: %s", doc, err.text);
        assert_true(str_eq(source, text_of(mem, doc)));
        assert_true(str_eq(routing, routing_of(doc)));
    }
    segment_unref(seg);
    arena_free(mem);
}

static void test_comes_back(void **state)
{
    (void)state;
    comes_back(false);
    comes_back(true);
}

/* One byte of the first stored block changed behind its checksum. */
static void is_damage(uint32_t at, uint8_t byte)
{
    struct arena *mem = arena_new(0);
    struct segment *seg = made(mem, false);
    struct str source, routing;
    struct err err;
    uint8_t *block = (uint8_t *)(uintptr_t)seg->bytes + get_u64_le(seg->stored_index);
    block[at] = byte;
    assert_int_equal(segment_stored(seg, 3, mem, &source, &routing, &err), -ERR_CORRUPT);
    assert_int_equal(segment_failure(seg, &err), -ERR_CORRUPT);
    segment_unref(seg);
    arena_free(mem);
}

static void test_damage(void **state)
{
    (void)state;
    is_damage(0, 1);                       /* another number of documents */
    is_damage(4, 1);                       /* another size */
    is_damage(8, 9);                       /* unknown codec */
    is_damage(8, STORED_ZSTD);             /* not packed at all */
    is_damage(9, 0);                       /* no lengths */
    is_damage(9, STORED_PLANES_MAX + 1);   /* too many of them */
    is_damage(STORED_BLOCK_HEAD + 3, 200); /* a length more than there is */
    is_damage(STORED_BLOCK_HEAD + 3, 0);   /* one less */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_back),
                                       cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
