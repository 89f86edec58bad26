/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

static void pieces_are_aligned_and_do_not_overlap(struct test *t)
{
    enum { COUNT = 2000 };
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    for (unsigned round = 0; round < 3; round++) {
        char *pieces[COUNT];
        size_t sizes[COUNT], sum = 0;
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] =
                rng_below(&t->rng, 100) == 0 ? rng_below(&t->rng, 200000) : rng_below(&t->rng, 200);
            pieces[i] = arena_alloc(mem, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i & 0xFF), sizes[i]);
            sum += sizes[i];
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal((unsigned char)pieces[i][k], i & 0xFF);
        }
        assert_in_range(arena_used(mem), sum, sum + COUNT * 16);
        arena_reset(mem);
        assert_int_equal(arena_used(mem), 0);
    }
}

static void a_budget_latches_and_refuses(struct test *t)
{
    (void)t;
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(1000);
    assert_non_null(arena_try_alloc(mem, 900));
    assert_false(arena_is_over(mem));
    assert_null(arena_try_alloc(mem, 200));
    assert_true(arena_is_over(mem));
    assert_null(arena_try_alloc(mem, SIZE_MAX));
    arena_reset(mem);
    assert_false(arena_is_over(mem));
    assert_non_null(arena_alloc(mem, 5000)); /* still serves */
    assert_true(arena_is_over(mem));
    assert_null(arena_try_alloc(mem, 1));
}

static void arrays_grow_with_their_content(struct test *t)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    uint32_t *items = NULL;
    size_t n = 0;
    for (size_t next = 1; next < 100000; next += 1 + rng_below(&t->rng, next)) {
        items = arena_realloc(mem, items, n * sizeof(*items), next * sizeof(*items));
        for (; n < next; n++)
            items[n] = (uint32_t)n * 7;
        if (rng_below(&t->rng, 2))
            (void)arena_alloc(mem, 3); /* something behind it: it has to move */
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(items[i], i * 7);
    assert_ptr_equal(arena_realloc(mem, items, n * sizeof(*items), 4), items);
}

static void an_array_at_the_end_grows_in_place(struct test *t)
{
    (void)t;
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    char *p = arena_alloc(mem, 10);
    assert_ptr_equal(arena_realloc(mem, p, 10, 500), p);
    assert_int_equal(arena_used(mem), 512);
    assert_ptr_equal(arena_alloc(mem, 1), p + 512);
}

static void strings_are_copied_with_a_nul(struct test *t)
{
    char text[] = "abc";
    struct str s = arena_str(t->mem, (struct str){text, 2});
    char *c = arena_cstr(t->mem, STR_NONE);
    struct str f = arena_printf(t->mem, "%d-%s", 42, "x");
    text[0] = 'z';
    assert_str_eq(s, "ab");
    assert_int_equal(s.p[2], '\0');
    assert_string_equal(c, "");
    assert_str_eq(f, "42-x");
    const char *zero = arena_zalloc(t->mem, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
}

static void heap_arrays_grow(struct test *t)
{
    (void)t;
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        mem_grow((void **)&items, &capacity, (size_t)i + 1, sizeof(*items));
        items[i] = i;
    }
    assert_int_equal(capacity, 1024);
    assert_int_equal(items[999], 999);
    mem_free(items);
    mem_free(NULL);
    char *s = mem_cstr(STR("heap"));
    assert_string_equal(s, "heap");
    mem_free(s);
    arena_free(NULL);
}

TEST_MAIN(TEST(pieces_are_aligned_and_do_not_overlap), TEST(a_budget_latches_and_refuses),
          TEST(arrays_grow_with_their_content), TEST(an_array_at_the_end_grows_in_place),
          TEST(strings_are_copied_with_a_nul), TEST(heap_arrays_grow))
