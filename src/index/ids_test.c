/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of a segment: each list of ids is written, read in order and one by one, and found again. */
#include "index/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/segment_int.h"
#include "index/segment_writer.h"

#define DOCS_MAX 10000u

struct list {
    struct arena *mem;
    struct str ids[DOCS_MAX];
    uint32_t count;
};

static void add(struct list *l, const char *prefix, uint32_t number)
{
    char id[COUNTED_ID_BYTES];
    assert_int_equal(strlen(prefix), COUNTED_ID_PREFIX_BYTES);
    memcpy(id, prefix, COUNTED_ID_PREFIX_BYTES);
    id_count_write(number, id + COUNTED_ID_PREFIX_BYTES);
    l->ids[l->count++] = arena_str(l->mem, (struct str){id, sizeof(id)});
}

static void add_text(struct list *l, const char *text)
{
    l->ids[l->count++] = arena_str(l->mem, str_from(text));
}

static struct segment *write(const struct list *l)
{
    struct segment_writer_options options = {.doc_count = l->count};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    for (uint32_t i = 0; i < l->count; i++)
        segment_writer_doc(w, &(struct segment_doc){
                                  .id = l->ids[i], .stored = STR("{}"), .seq_no = i, .version = 1});
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

/* The last document with the id, as the writer was given them. */
static uint32_t last_of(const struct list *l, struct str id)
{
    for (uint32_t i = l->count; i-- > 0;) {
        if (str_eq(l->ids[i], id))
            return i;
    }
    return DOC_NONE;
}

static void holds(struct list *l, bool is_counted, const char *absent)
{
    struct segment *seg = write(l);
    struct id_cursor cursor;
    struct err err;
    assert_int_equal(seg->counted_ids != NULL, is_counted);
    id_cursor_init(&cursor, seg);
    for (uint32_t i = 0; i < l->count; i++) {
        size_t n = id_cursor_read(&cursor, i);
        assert_true(str_eq((struct str){cursor.id, n}, l->ids[i]));
        if (i % 7 == 0) {
            assert_true(str_eq(segment_id(seg, i, l->mem), l->ids[i]));
            assert_int_equal(segment_find_id(seg, l->ids[i]), last_of(l, l->ids[i]));
        }
    }
    assert_int_equal(segment_find_id(seg, str_from(absent)), DOC_NONE);
    assert_int_equal(segment_find_id(seg, STR("")), DOC_NONE);
    assert_int_equal(segment_verify_all(seg, &err), 0);
    segment_unref(seg);
}

static struct list *list_new(void)
{
    struct list *l = MEM_NEW(struct list);
    l->mem = arena_new(0);
    return l;
}

static void list_free(struct list *l)
{
    arena_free(l->mem);
    mem_free(l);
}

static void test_counted(void **state)
{
    (void)state;
    struct list *l = list_new();
    for (uint32_t i = 0; i < 9000; i++)
        add(l, "Mz1xxxxxxxxxxxxx", i * 2 + 1);
    holds(l, true, "Mz1xxxxxxxxxxxxx----");
    list_free(l);
}

static void test_two_lanes_and_prefixes(void **state)
{
    (void)state;
    struct list *l = list_new();
    /* Stretches of two lanes, the later prefix first. */
    for (uint32_t i = 0; i < 3000; i++)
        add(l, "zzzzzzzzzzzzzzzz", i * 2);
    for (uint32_t i = 0; i < 3000; i++)
        add(l, "aaaaaaaaaaaaaaaa", i * 2 + 1);
    for (uint32_t i = 0; i < 3000; i++)
        add(l, "zzzzzzzzzzzzzzzz", 16777215 - i);
    holds(l, true, "bbbbbbbbbbbbbbbb----");
    list_free(l);
}

/* A document and its next version before the dead one is merged away. */
static void test_again(void **state)
{
    (void)state;
    struct list *l = list_new();
    for (uint32_t i = 0; i < 5000; i++)
        add(l, "aaaaaaaaaaaaaaaa", i);
    add(l, "aaaaaaaaaaaaaaaa", 7);
    add(l, "aaaaaaaaaaaaaaaa", 4999);
    holds(l, true, "aaaaaaaaaaaaaaa-----");
    list_free(l);
}

static void test_falls_back_to_text(void **state)
{
    (void)state;
    struct list *l = list_new();
    for (uint32_t i = 0; i < 300; i++)
        add(l, i < 150 ? "zzzzzzzzzzzzzzzz" : "aaaaaaaaaaaaaaaa", i);
    add_text(l, "7");
    for (uint32_t i = 0; i < 300; i++)
        add(l, "bbbbbbbbbbbbbbbb", i);
    add_text(l, "aaaaaaaaaaaaaaaa----x");
    add_text(l, "aaaaaaaaaaaaaaaa**--");
    holds(l, false, "bbbbbbbbbbbbbbbbzzzz");
    list_free(l);
}

/* A prefix of its own for each few documents: text is as small. */
static void test_many_prefixes(void **state)
{
    (void)state;
    struct list *l = list_new();
    char prefix[COUNTED_ID_PREFIX_BYTES + 1];
    for (uint32_t i = 0; i < 2000; i++) {
        (void)snprintf(prefix, sizeof(prefix), "p%015u", i / 3);
        add(l, prefix, i);
    }
    holds(l, false, "p000000000000000zzzz");
    list_free(l);
}

static void test_numbers(void **state)
{
    (void)state;
    char text[5] = "";
    uint32_t count;
    for (uint32_t v = 0; v < 1u << COUNTED_ID_COUNT_BITS; v += 4099) {
        id_count_write(v, text);
        char id[COUNTED_ID_BYTES] = "----------------";
        memcpy(id + COUNTED_ID_PREFIX_BYTES, text, 4);
        assert_true(id_count_read((struct str){id, sizeof(id)}, &count));
        assert_int_equal(count, v);
    }
    assert_false(id_count_read(STR("short"), &count));
    assert_false(id_count_read(STR("----------------~~~~"), &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted),       cmocka_unit_test(test_two_lanes_and_prefixes),
        cmocka_unit_test(test_again),         cmocka_unit_test(test_falls_back_to_text),
        cmocka_unit_test(test_many_prefixes), cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
