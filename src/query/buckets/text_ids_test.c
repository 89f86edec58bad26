/* SPDX-License-Identifier: Apache-2.0 */
/* text_ids_test.c: numbers of texts against a list that is looked through. */
#include "support/test.h"

#include "query/buckets/text_ids.h"

static void texts_are_told_apart(struct test *t)
{
    const struct {
        struct str text;
        uint32_t id;
    } rows[] = {
        {STR("b"), 0},    {STR("a"), 1},
        {STR("b"), 0},    {STR(""), 2},
        {STR("B"), 3},    {STR("b "), 4},
        {STR("a\0b"), 5}, {STR("a\0c"), 6},
        {STR("a\0"), 7},  {STR("\xEA\xB0\x80"), 8},
        {STR("\xFF"), 9}, {{NULL, 0}, 2},
        {STR("a"), 1},    {STR("a\0b"), 5},
    };
    struct text_ids ids = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(text_ids_get(&ids, rows[i].text, t->mem), rows[i].id);
    assert_int_equal(ids.count, 10);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_strs_eq(ids.texts[rows[i].id], rows[i].text);
}

/* The caller's bytes may go: a segment's dictionary is read into scratch. */
static void texts_are_copied(struct test *t)
{
    struct text_ids ids = {0};
    char bytes[] = "kept";
    assert_int_equal(text_ids_get(&ids, str_from(bytes), t->mem), 0);
    memset(bytes, 'x', 4);
    assert_int_equal(text_ids_get(&ids, str_from(bytes), t->mem), 1);
    assert_str_eq(ids.texts[0], "kept");
    assert_int_equal(text_ids_get(&ids, STR("kept"), t->mem), 0);
}

/* Few and many texts, over several growths of the table, whose first sizes are met exactly. */
static void ids_agree_with_a_list(struct test *t)
{
    static struct str list[3000];
    static const uint64_t pools[] = {1, 15, 16, 17, 31, 32, 33, 3000};
    for (size_t p = 0; p < ARRAY_COUNT(pools); p++) {
        struct text_ids ids = {0};
        uint32_t count = 0;
        for (uint64_t i = 0; i < pools[p] * 3; i++) {
            uint64_t pick = i < pools[p] ? i : rng_below(&t->rng, pools[p]);
            struct str text = arena_printf(t->mem, "%llx", (unsigned long long)(pick * pick));
            uint32_t want = 0;
            while (want < count && !str_eq(list[want], text))
                want++;
            if (want == count)
                list[count++] = text;
            assert_int_equal(text_ids_get(&ids, text, t->mem), want);
            assert_int_equal(ids.count, count);
        }
        for (uint32_t i = 0; i < count; i++)
            assert_strs_eq(ids.texts[i], list[i]);
        assert_int_equal(count, pools[p]);
    }
}

TEST_MAIN(TEST(texts_are_told_apart), TEST(texts_are_copied), TEST(ids_agree_with_a_list))
