/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing with an order: documents that came in any order stand by time in the segment, with all
 * that belongs to them. */
#include "index/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"
#include "event/value.h"
#include "index/mapping.h"
#include "index/segment_int.h"

#define DOCS 5000u

struct made {
    struct arena *mem;
    struct mapping *mapping;
    struct builder *builder;
};

/* Document i's time: all numbers below DOCS / 2 twice, out of order. */
static uint32_t time_of(uint32_t i)
{
    return i * 1237 % DOCS / 2;
}

static bool is_dead(uint32_t i)
{
    return i % 11 == 3;
}

static void make(struct made *m, bool has_two_times)
{
    struct err err;
    struct value body;
    m->mem = arena_new(0);
    m->builder = builder_new();
    assert_int_equal(
        value_from_json(STR("{\"properties\":{\"t\":{\"type\":\"long\"},\"k\":{\"type\":"
                            "\"keyword\"},\"text\":{\"type\":\"text\"}}}"),
                        m->mem, &body, &err),
        0);
    m->mapping = mapping_new();
    assert_int_equal(mapping_put(m->mapping, &body, &err), 0);
    for (uint32_t i = 0; i < DOCS; i++) {
        struct builder_doc doc = {
            arena_printf(m->mem, "%u", i), STR_NONE,
            arena_printf(m->mem,
                         "{\"t\":[%u%s],\"k\":[\"b%u\",\"a%u\"],\"text\":\"common even common "
                         "w%u\"}",
                         time_of(i), has_two_times ? ",1" : "", i % 5, i % 7, i),
            i, 1};
        struct mapping *draft;
        assert_int_equal(builder_add(m->builder, m->mapping, &doc, &draft, &err), 0);
        assert_null(draft);
        if (is_dead(i))
            builder_kill(m->builder, i);
    }
}

static void drop(struct made *m)
{
    builder_free(m->builder);
    mapping_unref(m->mapping);
    arena_free(m->mem);
}

static struct segment *seal(struct made *m, uint32_t sort_field)
{
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    assert_int_equal(builder_seal(m->builder, sort_field, &bytes, &size, &err), 0);
    assert_int_equal(segment_open_bytes(bytes, size, "test", &seg, &err), 0);
    if (segment_verify_all(seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static uint32_t number_of(struct made *m, struct segment *seg, uint32_t doc)
{
    int64_t i;
    assert_true(str_to_i64(segment_id(seg, doc, m->mem), &i));
    return (uint32_t)i;
}

static void has_what_it_came_with(struct made *m, struct segment *seg, uint32_t doc)
{
    uint32_t i = number_of(m, seg, doc), ordinals[4];
    struct err err;
    struct str source;
    int64_t time;
    assert_false(is_dead(i));
    assert_int_equal(segment_seq_no(seg, doc), i);
    assert_int_equal(segment_source(seg, doc, m->mem, &source, &err), 0);
    assert_true(str_ends_with(source, arena_printf(m->mem, "w%u\"}", i)));
    struct column *t = segment_column(seg, mapping_field(m->mapping, STR("t")));
    assert_int_equal(column_doc_longs(t, doc, &time, 1), 1);
    assert_int_equal(time, time_of(i));
    struct column *k = segment_column(seg, mapping_field(m->mapping, STR("k")));
    assert_int_equal(column_doc_ordinals(k, doc, ordinals, 4), 2);
    assert_true(
        str_eq(column_ordinal_text(k, ordinals[0], m->mem), arena_printf(m->mem, "a%u", i % 7)));
    assert_true(
        str_eq(column_ordinal_text(k, ordinals[1], m->mem), arena_printf(m->mem, "b%u", i % 5)));
    /* Its own word: one document, at the fourth place. */
    const struct field *text = mapping_field(m->mapping, STR("text"));
    struct term_info info;
    size_t count;
    assert_true(segment_term(seg, text, arena_printf(m->mem, "w%u", i), &info));
    struct postings *p = postings_open(seg, text, &info, POSTINGS_POSITIONS, m->mem);
    assert_int_equal(postings_next(p), doc);
    const uint32_t *positions = postings_positions(p, &count);
    assert_int_equal(count, 1);
    assert_int_equal(positions[0], 3);
}

static void test_by_time(void **state)
{
    (void)state;
    struct made m;
    make(&m, false);
    struct segment *seg = seal(&m, mapping_field(m.mapping, STR("t"))->id);
    struct column *t = segment_column(seg, mapping_field(m.mapping, STR("t")));
    assert_true(column_is_sorted(t));
    for (uint32_t doc = 0; doc < segment_doc_count(seg); doc++) {
        has_what_it_came_with(&m, seg, doc);
        /* Equal times stay as they came. */
        if (doc > 0 && time_of(number_of(&m, seg, doc)) == time_of(number_of(&m, seg, doc - 1)))
            assert_true(number_of(&m, seg, doc) > number_of(&m, seg, doc - 1));
    }
    segment_unref(seg);
    /* The builder stays as it is: sealed once more it gives the same documents, as they came. */
    seg = seal(&m, BUILDER_SORT_NONE);
    for (uint32_t doc = 0; doc < segment_doc_count(seg); doc++) {
        has_what_it_came_with(&m, seg, doc);
        assert_true(doc == 0 || number_of(&m, seg, doc) > number_of(&m, seg, doc - 1));
    }
    segment_unref(seg);
    drop(&m);
}

/* Two times in a document: nothing to sort by, everything stays in its order. */
static void test_without_one_time_each(void **state)
{
    (void)state;
    struct made m;
    make(&m, true);
    struct segment *seg = seal(&m, mapping_field(m.mapping, STR("t"))->id);
    for (uint32_t doc = 1; doc < segment_doc_count(seg); doc++)
        assert_true(number_of(&m, seg, doc) > number_of(&m, seg, doc - 1));
    segment_unref(seg);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_time),
                                       cmocka_unit_test(test_without_one_time_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
