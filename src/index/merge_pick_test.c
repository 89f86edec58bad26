/* SPDX-License-Identifier: Apache-2.0 */
#include "index/merge_pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define FILES_MAX 1000u

struct files {
    struct merge_candidate items[FILES_MAX];
    size_t count;
};

static void add(struct files *f, uint64_t bytes, uint32_t docs)
{
    assert_true(f->count < FILES_MAX);
    f->items[f->count++] = (struct merge_candidate){true, bytes, docs, 0};
}

static void picks(const struct files *f, size_t from, size_t count)
{
    size_t got_from = 0, got_count = 0;
    bool is_picked = merge_pick(f->items, f->count, &got_from, &got_count);
    assert_int_equal(is_picked, count > 0);
    if (count == 0)
        return;
    assert_int_equal(got_from, from);
    assert_int_equal(got_count, count);
}

static void test_ten_of_a_class(void **state)
{
    (void)state;
    struct files f = {0};
    picks(&f, 0, 0);
    add(&f, 100 * MIB, 1000);
    for (int i = 0; i < 9; i++)
        add(&f, MIB, 1000);
    picks(&f, 0, 0);
    add(&f, MIB, 1000);
    picks(&f, 1, 10);
    add(&f, KIB, 10); /* a smaller one counts, and the newest are taken */
    picks(&f, 2, 10);
    f.items[5].is_file = false; /* neighbours only */
    picks(&f, 0, 0);
}

/* A large one is not written again for nine small ones. */
static void test_doubles(void **state)
{
    (void)state;
    struct files f = {0};
    add(&f, 100 * MIB, 1000);
    for (int i = 0; i < 8; i++)
        add(&f, 10 * MIB, 1000);
    add(&f, 19 * MIB, 1000);
    picks(&f, 0, 0);
    f.items[9].bytes += MIB;
    picks(&f, 0, 10);
}

static void test_dead(void **state)
{
    (void)state;
    struct files f = {0};
    add(&f, MIB, 900);
    add(&f, MIB, 900);
    f.items[1].dead = 300;
    picks(&f, 0, 0);
    f.items[1].dead = 301;
    picks(&f, 1, 1);
    f.items[1].is_file = false;
    picks(&f, 0, 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct files f = {0};
    for (int i = 0; i < 4; i++)
        add(&f, 60 * MIB, 3 << 20);
    picks(&f, 0, 0);
    add(&f, 60 * MIB, 3 << 20); /* 15 Mi documents together: room for one Mi more */
    picks(&f, 0, 0);
    add(&f, 60 * MIB, 3 << 20);
    picks(&f, 1, 5);
    f = (struct files){0};
    for (int i = 0; i < 3; i++)
        add(&f, 2 * GIB, 1000);
    picks(&f, 1, 2);
    f = (struct files){0};
    for (int i = 0; i < 20; i++) /* each full: over half of a limit */
        add(&f, 3 * GIB, 1000);
    picks(&f, 0, 0);
    f.items[3].dead = 999;
    picks(&f, 3, 1);
}

/* A load: files of a flush come in, picks are merged, until nothing is left to pick. */
static void test_load(void **state)
{
    (void)state;
    struct files f = {0};
    uint64_t written = 0, loaded = 0;
    for (int i = 0; i < 2000; i++) {
        size_t from, count;
        add(&f, 6 * MIB, 300000);
        loaded += 300000;
        while (merge_pick(f.items, f.count, &from, &count)) {
            struct merge_candidate sum = {.is_file = true};
            assert_true(count > 1 && count <= MERGE_FACTOR);
            for (size_t k = 0; k < count; k++) {
                sum.bytes += f.items[from + k].bytes;
                sum.docs += f.items[from + k].docs;
            }
            assert_true(sum.docs <= MERGE_DOCS_MAX && sum.bytes <= MERGE_BYTES_MAX);
            written += sum.docs;
            f.items[from] = sum;
            f.count -= count - 1;
            for (size_t k = from + 1; k < f.count; k++)
                f.items[k] = f.items[k + count - 1];
        }
        assert_true(f.count <= 2 * MERGE_FACTOR + loaded / (MERGE_DOCS_MAX / 2));
    }
    print_message("each document was written %.2f times\n", (double)written / (double)loaded);
    assert_true(written <= 2 * loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_of_a_class), cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_dead),           cmocka_unit_test(test_limits),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
