/* SPDX-License-Identifier: Apache-2.0 */
/* ids_writer_test.c: each list of ids goes in whole, as sealing gives it, and one by one into a
 * file, as a merge does; both take the form that fits, and what is read of them is what a plain
 * list has. */
#include "support/test.h"

#include "index/ids.h"
#include "index/segment_int.h"
#include "index/segment_writer.h"

struct list {
    struct str *ids;
    uint32_t count;
};

static struct str counted_id(struct test *t, struct str prefix, uint32_t count)
{
    char digits[COUNTED_ID_BYTES - COUNTED_ID_PREFIX_BYTES];
    id_count_write(count, digits);
    return arena_printf(t->mem, STR_FMT "%.*s", STR_ARG(prefix), (int)sizeof(digits), digits);
}

static struct str prefix_of(struct test *t, uint32_t number)
{
    return arena_printf(t->mem, "%016u", number);
}

/* `count` ids under `prefixes` prefixes, in turn. */
static struct list counted_list(struct test *t, uint32_t count, uint32_t prefixes)
{
    struct list l = {ARENA_ARRAY(t->mem, struct str, count), count};
    for (uint32_t i = 0; i < count; i++)
        l.ids[i] = counted_id(t, prefix_of(t, prefixes - i % prefixes), i);
    return l;
}

static struct segment *sealed(struct test *t, const struct list *l)
{
    struct segment_writer_options options = {.doc_count = l->count};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    void *bytes;
    size_t size;
    for (uint32_t i = 0; i < l->count; i++)
        segment_writer_doc(
            w, &(struct segment_doc){.id = l->ids[i], .stored = STR("{}"), .seq_no = i});
    assert_ok(segment_writer_finish(w, &bytes, &size, &t->err), &t->err);
    segment_writer_free(w);
    assert_ok(segment_open_bytes(bytes, size, "sealed", &seg, &t->err), &t->err);
    return seg;
}

/* What a merge does with ids; `told`: the list whose prefixes it tells. */
static int streamed(struct vfs *fs, const struct list *l, const struct list *told, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    TRY(vfs_open(fs, STR("s"), VFS_READ | VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &file, err));
    struct segment_writer_options options = {.file = file, .doc_count = l->count};
    CLEANUP(segment_writer_free_ptr) struct segment_writer *w = segment_writer_new(&options);
    uint32_t number;
    uint64_t size;
    bool may_count = true;
    int64_t *zeros = MEM_ARRAY(int64_t, l->count);
    for (uint32_t i = 0; i < l->count; i++)
        segment_writer_stored(w, STR_NONE, STR("{}"));
    for (uint32_t i = 0; i < told->count && may_count; i++)
        may_count = id_count_read(told->ids[i], &number) &&
                    segment_writer_id_prefix(w, str_sub(told->ids[i], 0, COUNTED_ID_PREFIX_BYTES));
    segment_writer_ids_begin(w, may_count);
    for (uint32_t i = 0; i < l->count; i++)
        segment_writer_id(w, l->ids[i]);
    segment_writer_ids_end(w);
    for (uint32_t id = FIELD_ID_SEQ_NO; id <= FIELD_ID_VERSION; id++) {
        segment_writer_field_begin(w, id, FIELD_LONG, STR("_system"));
        segment_writer_column(w, &(struct column_input){COLUMN_LONG, NULL, zeros, l->count});
        segment_writer_field_end(w);
    }
    mem_free(zeros);
    return segment_writer_finish_file(w, &size, err);
}

static void reads_as(struct test *t, struct segment *seg, const struct list *l, bool is_counted,
                     bool has_hash)
{
    struct id_cursor *cursor = ARENA_NEW(t->mem, struct id_cursor);
    struct strmap last;
    strmap_init(&last);
    id_cursor_init(cursor, seg);
    assert_int_equal(seg->counted_ids != NULL, is_counted);
    assert_int_equal(seg->id_slot_count > 0, has_hash);
    for (uint32_t i = 0; i < l->count; i++) {
        size_t n = id_cursor_read(cursor, i);
        assert_strs_eq(((struct str){cursor->id, n}), l->ids[i]);
        (void)strmap_put(&last, l->ids[i], (void *)(uintptr_t)(i + 1));
    }
    for (uint32_t k = 0; k < 300; k++) {
        uint32_t i = (uint32_t)rng_below(&t->rng, l->count);
        struct str id = l->ids[i], absent = arena_str(t->mem, id);
        assert_strs_eq(segment_id(seg, i, t->mem), id);
        assert_int_equal(segment_find_id(seg, id), (uintptr_t)strmap_get(&last, id) - 1);
        ((char *)(uintptr_t)absent.p)[rng_below(&t->rng, id.n)] ^= (char)(1 + k % 127);
        assert_int_equal(segment_find_id(seg, absent),
                         (uint32_t)((uintptr_t)strmap_get(&last, absent) - 1));
    }
    assert_ok(segment_verify_all(seg, &t->err), &t->err);
    segment_unref(seg);
    strmap_deinit(&last);
}

static void round_trips(struct test *t, const struct list *l, bool is_counted, bool has_hash)
{
    struct vfs *fs = vfs_mem_new();
    struct segment *seg;
    reads_as(t, sealed(t, l), l, is_counted, has_hash);
    assert_ok(streamed(fs, l, l, &t->err), &t->err);
    assert_ok(segment_open_file(fs, STR("s"), &seg, &t->err), &t->err);
    reads_as(t, seg, l, is_counted, has_hash);
    vfs_mem_free(fs);
}

/* One prefix for eight documents, and one more, or text is as small. */
static void few_prefixes_are_counted(struct test *t)
{
    static const struct {
        uint32_t docs, prefixes;
        bool is_counted;
    } rows[] = {{1, 1, true},    {7, 1, true},    {7, 2, false},     {8, 2, true},
                {15, 3, false},  {16, 3, true},   {79, 11, false},   {80, 11, true},
                {80, 12, false}, {4096, 1, true}, {4097, 513, true}, {4097, 514, false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct list l = counted_list(t, rows[i].docs, rows[i].prefixes);
        bool is_text = !rows[i].is_counted;
        round_trips(t, &l, rows[i].is_counted, is_text);
    }
}

/* A single id that is not counted makes all of them text, wherever it comes. */
static void one_other_id_makes_text_of_all(struct test *t)
{
    struct str prefix = prefix_of(t, 1);
    struct str rows[] = {STR("1"),
                         arena_printf(t->mem, STR_FMT "---", STR_ARG(prefix)),
                         arena_printf(t->mem, STR_FMT "-----", STR_ARG(prefix)),
                         arena_printf(t->mem, STR_FMT "---+", STR_ARG(prefix)),
                         arena_printf(t->mem, STR_FMT "%c---", STR_ARG(prefix), 0xC3),
                         arena_printf(t->mem, "%0512u", 7)};
    static const uint32_t places[] = {0, 1, 15, 16, 17, 4999};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct list l = counted_list(t, 5000, 2);
        l.ids[places[i]] = rows[i];
        round_trips(t, &l, false, true);
    }
}

/* Text that ascends is found without a hash; two that are equal do not ascend. */
static void ascending_text_needs_no_hash(struct test *t)
{
    static const uint32_t counts[] = {1, 15, 16, 17, 32, 33, 5000};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct list l = {ARENA_ARRAY(t->mem, struct str, counts[i]), counts[i]};
        for (uint32_t k = 0; k < l.count; k++) /* the shared part is over 255 bytes */
            l.ids[k] = arena_printf(t->mem, "%0300u-%c", 1000 + k, 'a' + (char)(k % 3));
        round_trips(t, &l, false, false);
        if (l.count == 1)
            continue;
        l.ids[l.count - 1] = l.ids[l.count - 2];
        round_trips(t, &l, false, true);
    }
}

static struct str random_id(struct test *t, const struct list *l, uint32_t at)
{
    struct rng *rng = &t->rng;
    uint64_t n = 1 + rng_below(rng, rng_below(rng, 4) ? 24 : ID_BYTES_MAX);
    if (at > 0 && rng_below(rng, 8) == 0)
        return l->ids[rng_below(rng, at)]; /* again */
    if (rng_below(rng, 3) == 0)
        return counted_id(t, prefix_of(t, (uint32_t)rng_below(rng, 4)),
                          (uint32_t)rng_below(rng, 1u << COUNTED_ID_COUNT_BITS));
    char *p = arena_alloc(t->mem, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)rng_below(rng, rng_below(rng, 2) ? 2 : 256); /* zeros too */
    return (struct str){p, n};
}

static void random_ids_come_back(struct test *t)
{
    static const uint32_t counts[] = {2, 31, 700, 4096, 15000};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct list l = {ARENA_ARRAY(t->mem, struct str, counts[i] + 2), counts[i] + 2};
        for (uint32_t k = 0; k < l.count; k++)
            l.ids[k] = random_id(t, &l, k);
        l.ids[l.count - 2] = STR("b"); /* one that is text, and a descent */
        l.ids[l.count - 1] = STR("a");
        round_trips(t, &l, false, true);
    }
}

static void prefixes_have_a_limit(struct test *t)
{
    struct list l = counted_list(t, COUNTED_ID_PREFIXES_MAX + 100, COUNTED_ID_PREFIXES_MAX + 100);
    struct segment_writer *w = segment_writer_new(&(struct segment_writer_options){.doc_count = 1});
    for (uint32_t i = 0; i < COUNTED_ID_PREFIXES_MAX; i++)
        assert_true(segment_writer_id_prefix(w, prefix_of(t, i)));
    assert_false(segment_writer_id_prefix(w, prefix_of(t, COUNTED_ID_PREFIXES_MAX)));
    assert_true(segment_writer_id_prefix(w, prefix_of(t, 7)));
    segment_writer_free(w);
    round_trips(t, &l, false, true); /* and sealing goes over to text */
}

static void another_form_than_was_said_is_refused(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct list told = counted_list(t, 5000, 3);
    struct str rows[] = {STR("1"), counted_id(t, prefix_of(t, 4), 0),
                         counted_id(t, prefix_of(t, 0), 0)};
    static const uint32_t places[] = {0, 4096, 4999};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct list l = counted_list(t, 5000, 3);
        l.ids[places[i]] = rows[i];
        int rc = streamed(fs, &l, &told, &t->err);
        assert_err(rc, &t->err, ERR_CORRUPT);
        assert_err_has(&t->err, "an id has another form than was said");
    }
    vfs_mem_free(fs);
}

TEST_MAIN(TEST(few_prefixes_are_counted), TEST(one_other_id_makes_text_of_all),
          TEST(ascending_text_needs_no_hash), TEST(random_ids_come_back),
          TEST(prefixes_have_a_limit), TEST(another_form_than_was_said_is_refused))
