/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of a segment: each list of ids is written, whole and as a merge of parts, read in order and
 * one by one, and found again. */
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
#include "index/merge.h"
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

/* The list's ids [from, to). */
static struct segment *write(const struct list *l, uint32_t from, uint32_t to)
{
    struct segment_writer_options options = {.doc_count = to - from};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    for (uint32_t i = from; i < to; i++)
        segment_writer_doc(w, &(struct segment_doc){
                                  .id = l->ids[i], .stored = STR("{}"), .seq_no = i, .version = 1});
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

/* The same list, in three parts that are merged into a file. */
static struct segment *write_merged(const struct list *l, struct vfs *fs)
{
    struct merge_input inputs[3];
    struct segment *seg;
    struct vfs_file *file;
    struct err err;
    uint64_t size;
    for (uint32_t k = 0; k < 3; k++)
        inputs[k] = (struct merge_input){
            write(l, l->count * k / 3, l->count * (k + 1) / 3), NULL, {0}};
    assert_int_equal(merge_plan(inputs, 3, MERGE_SORT_NONE), l->count);
    assert_int_equal(vfs_open(fs, STR("s"), VFS_READ | VFS_WRITE | VFS_CREATE, &file, &err), 0);
    if (merge_run(inputs, 3, file, false, NULL, NULL, &size, &err) < 0)
        fail_msg("%s", err.text);
    vfs_close(file);
    for (uint32_t k = 0; k < 3; k++) {
        renumber_deinit(&inputs[k].new_docs);
        segment_unref(inputs[k].segment);
    }
    if (segment_open_file(fs, STR("s"), &seg, &err) < 0)
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

static void holds_in(struct list *l, struct segment *seg, bool is_counted, const char *absent)
{
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

static void holds(struct list *l, bool is_counted, const char *absent)
{
    struct vfs *fs = vfs_mem_new();
    holds_in(l, write(l, 0, l->count), is_counted, absent);
    holds_in(l, write_merged(l, fs), is_counted, absent);
    vfs_mem_free(fs);
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

/* The first part alone has too many prefixes, all together have few. */
static void test_few_together(void **state)
{
    (void)state;
    struct list *l = list_new();
    char prefix[COUNTED_ID_PREFIX_BYTES + 1];
    for (uint32_t i = 0; i < 300; i++) {
        (void)snprintf(prefix, sizeof(prefix), "p%015u", i < 100 ? i / 3 : 7);
        add(l, prefix, i);
    }
    holds(l, true, "p000000000000000zzzz");
    list_free(l);
}

/* Ids that ascend need no hash, in parts neither. */
static void test_ascending_text(void **state)
{
    (void)state;
    struct list *l = list_new();
    for (uint32_t i = 0; i < 5000; i++)
        l->ids[l->count++] = arena_printf(l->mem, "id%06u", i);
    holds(l, false, "id005000");
    list_free(l);
}

/* The same with a descent where two parts meet, over several drains of the file. */
static void test_descending_text(void **state)
{
    (void)state;
    struct list *l = list_new();
    for (uint32_t i = 0; i < DOCS_MAX; i++)
        l->ids[l->count++] = arena_printf(l->mem, "%0400u", (i * 7 + 5000) % DOCS_MAX);
    holds(l, false, "id");
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
        cmocka_unit_test(test_many_prefixes), cmocka_unit_test(test_few_together),
        cmocka_unit_test(test_ascending_text), cmocka_unit_test(test_descending_text),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
