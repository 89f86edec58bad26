/* SPDX-License-Identifier: Apache-2.0 */
/* A reader gives what columns give document by document: of each kind, dense, sparse and with
 * several values, in order, with gaps and at random, over more columns than have windows and from
 * segment to segment; and it meets the same damage. */
#include "index/doc_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/segment_writer.h"

#define DOCS    9001u /* three zones, the last one begun */
#define COLUMNS (DOC_READER_COLUMNS + 6u)

/* Column i: every second of doubles; by i % 3 dense, sparse or with two values now and then. */
static uint32_t column_make(struct rng *rng, uint32_t i, uint32_t *docs, int64_t *values)
{
    uint32_t n = 0;
    for (uint32_t doc = 0; doc < DOCS; doc++) {
        if (i % 3 == 1 && rng_u64(rng) % 3 != 0)
            continue;
        uint32_t times = i % 3 == 2 && rng_u64(rng) % 5 == 0 ? 2 : 1;
        int64_t value = (int64_t)(rng_u64(rng) % 100000);
        for (uint32_t k = 0; k < times; k++, value += 7) {
            double d = (double)value / 10;
            docs[n] = doc;
            values[n] = value;
            if (i % 2)
                memcpy(&values[n], &d, sizeof(d));
            n++;
        }
    }
    return n;
}

static struct segment *made(struct arena *mem, uint64_t seed)
{
    struct segment_writer_options options = {.doc_count = DOCS};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct rng rng;
    struct err err;
    void *bytes;
    size_t size;
    rng_init(&rng, seed);
    for (uint32_t i = 0; i < DOCS; i++)
        segment_writer_doc(w, &(struct segment_doc){.id = arena_printf(mem, "%06u", i),
                                                    .stored = STR("{}"),
                                                    .seq_no = i,
                                                    .version = 1 + i % 3});
    uint32_t *docs = MEM_ARRAY(uint32_t, 2 * DOCS);
    int64_t *values = MEM_ARRAY(int64_t, 2 * DOCS);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        uint32_t n = column_make(&rng, i, docs, values);
        struct column_input input = {i % 2 ? COLUMN_DOUBLE : COLUMN_LONG, docs, values, n};
        segment_writer_field_begin(w, i, i % 2 ? FIELD_DOUBLE : FIELD_LONG,
                                   arena_printf(mem, "f%03u", i));
        segment_writer_column(w, &input);
        segment_writer_field_end(w);
    }
    mem_free(docs);
    mem_free(values);
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static void agrees(struct doc_reader *reader, struct segment *seg, uint32_t doc, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++) {
        const struct column *column = &segment__field(seg, i)->column;
        int64_t want = 0, got = 0;
        size_t n = column_doc_longs(column, doc, &want, 1);
        assert_int_equal(doc_reader__value(reader, column, doc, &got), n);
        if (n == 1 && got != want)
            fail_msg("column %u, document %u: %lld, not %lld", i, doc, (long long)got,
                     (long long)want);
    }
    assert_int_equal(doc_reader_seq_no(reader, seg, doc), doc);
    assert_int_equal(doc_reader_version(reader, seg, doc), 1 + doc % 3);
}

static void test_agrees(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct segment *a = made(mem, 1), *b = made(mem, 2);
    struct doc_reader *reader = doc_reader_new();
    struct rng rng;
    struct err err;
    rng_init(&rng, 3);
    for (uint32_t doc = 0; doc < DOCS; doc++) /* in order */
        agrees(reader, a, doc, 6);
    for (uint32_t doc = 0; doc < DOCS; doc += 1 + (uint32_t)(rng_u64(&rng) % 40)) /* with gaps */
        agrees(reader, b, doc, 6);
    for (uint32_t k = 0; k < 1000; k++) /* anywhere, backwards too, in one or the other */
        agrees(reader, k % 7 < 4 ? a : b, (uint32_t)(rng_u64(&rng) % DOCS), 6);
    for (uint32_t doc = 4000; doc < 4200; doc++) /* more columns than there are windows */
        agrees(reader, a, doc, COLUMNS);
    agrees(NULL, a, DOCS - 1, COLUMNS);
    assert_in_range(doc_reader__bytes(reader), 1, DOC_READER_BYTES_MAX);
    assert_int_equal(segment_failure(a, &err), 0);
    assert_int_equal(segment_failure(b, &err), 0);
    doc_reader_free(reader);
    segment_unref(a);
    segment_unref(b);
    arena_free(mem);
}

/* ---- Terms ---- */

#define TERMS 3000u /* more than a reader has places for */

static struct str term_of(struct arena *mem, uint32_t i)
{
    return i % 5 == 0
               ? arena_printf(mem, "%05u, longer than what a reader keeps of a term's text", i)
               : arena_printf(mem, "%05u", i);
}

static struct segment *with_terms(struct arena *mem)
{
    struct segment_writer_options options = {.doc_count = TERMS};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    uint32_t *docs = MEM_ARRAY(uint32_t, TERMS);
    int64_t *values = MEM_ARRAY(int64_t, TERMS);
    for (uint32_t i = 0; i < TERMS; i++)
        segment_writer_doc(w, &(struct segment_doc){.id = arena_printf(mem, "%06u", i),
                                                    .stored = STR("{}"),
                                                    .version = 1});
    segment_writer_field_begin(w, 1, FIELD_KEYWORD, STR("k"));
    segment_writer_terms_begin(w, TERMS_FLAG_POSTINGS);
    for (uint32_t i = 0; i < TERMS; i++) {
        docs[i] = i;
        values[i] = i;
        segment_writer_term(w, term_of(mem, i), &(struct term_postings){.docs = &i, .count = 1});
    }
    segment_writer_terms_end(w, TERMS);
    segment_writer_column(w, &(struct column_input){COLUMN_ORDINAL, docs, values, TERMS});
    segment_writer_field_end(w);
    mem_free(docs);
    mem_free(values);
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static void test_terms(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct segment *seg = with_terms(mem);
    const struct column *column = &segment__field(seg, 1)->column;
    struct doc_reader *reader = doc_reader_new();
    struct err err;
    char room[TERM_ROOM_BYTES];
    for (uint32_t k = 0; k < 4 * TERMS; k++) {
        uint32_t doc = k % TERMS, other = k * 7919 % 50; /* some come again and again */
        int64_t ordinal = -1;
        assert_int_equal(doc_reader__value(reader, column, doc, &ordinal), 1);
        assert_true(str_eq(doc_reader__term(reader, column->terms, (uint32_t)ordinal, room),
                           term_of(mem, doc)));
        assert_true(
            str_eq(doc_reader__term(reader, column->terms, other, room), term_of(mem, other)));
    }
    assert_null(doc_reader__term(reader, column->terms, TERMS, room).p);
    assert_in_range(doc_reader__bytes(reader), DOC_READER_TEXTS, DOC_READER_BYTES_MAX);
    assert_int_equal(segment_failure(seg, &err), 0);
    doc_reader_free(reader);
    segment_unref(seg);
    arena_free(mem);
}

/* A value block that is none: whatever the value, the segment says so. */
static void test_damage(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct arena *mem = arena_new(0);
        struct segment *seg = made(mem, 1);
        const struct column *column = &segment__field(seg, i)->column;
        struct doc_reader *reader = doc_reader_new();
        struct err err;
        int64_t value;
        uint64_t off = get_u64_le(column->zones) + (i % 3 == 1 ? ZONE_BITMAP_BYTES : 0);
        ((uint8_t *)(uintptr_t)seg->bytes)[off] = 0xFF;
        for (uint32_t doc = 0; doc < 100; doc++)
            (void)doc_reader__value(reader, column, doc, &value);
        assert_int_equal(segment_failure(seg, &err), -ERR_CORRUPT);
        doc_reader_free(reader);
        segment_unref(seg);
        arena_free(mem);
    }
}

/* Room for a source is empty each time; what a long one took does not stay. */
static void test_text(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        1, 1000, DOC_READER_TEXT_BYTES / 2, DOC_READER_TEXT_BYTES + 1, 3 * MIB, 10};
    static const char part[1000];
    struct doc_reader *reader = doc_reader_new();
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct buf *text = doc_reader__text(reader);
        assert_int_equal(text->n, 0);
        assert_true(text->capacity <= DOC_READER_TEXT_BYTES);
        assert_true(i == 0 || i > 3 || text->capacity >= sizes[i - 1]); /* taken again */
        for (size_t n = sizes[i]; n > 0; n -= MIN_OF(n, sizeof(part)))
            buf_add(text, part, MIN_OF(n, sizeof(part)));
        assert_int_equal(text->n, sizes[i]);
        assert_false(text->is_over);
    }
    doc_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees), cmocka_unit_test(test_terms),
                                       cmocka_unit_test(test_text), cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
