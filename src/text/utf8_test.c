/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "text/utf8.h"

static void validates(struct test *t)
{
    static const struct {
        const char *text, *repaired; /* NULL: valid as it is */
        size_t count;
    } rows[] = {
        {"", NULL, 0},
        {"plain ascii text", NULL, 16},
        {"\xED\x95\x9C\xEA\xB8\x80", NULL, 2},
        {"\xF0\x9F\x98\x80", NULL, 1},
        {"\xEF\xBF\xBD", NULL, 1},
        {"a\xFF"
         "b",
         "a\xEF\xBF\xBD"
         "b",
         3},
        {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD", 2},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3},
        {"long ascii then \xE2\x82", "long ascii then \xEF\xBF\xBD\xEF\xBF\xBD", 18},
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str s = str_from(rows[i].text);
        assert_int_equal(utf8_is_valid(s), rows[i].repaired == NULL);
        struct str got = utf8_valid(t->mem, s);
        assert_str_eq(got, rows[i].repaired ? rows[i].repaired : rows[i].text);
        assert_true(utf8_is_valid(got));
        if (!rows[i].repaired)
            assert_true(got.p == s.p);
        assert_int_equal(utf8_count(s), rows[i].count);
    }
}

static void all_characters_come_back(struct test *t)
{
    (void)t;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char text[4];
        size_t n = utf8_put(text, code);
        const char *p = text;
        uint32_t got = utf8_next(&p, text + n);
        bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (got != (is_surrogate ? 0xFFFD : code) || (!is_surrogate && p != text + n))
            fail_msg("U+%X gave U+%X", code, got);
    }
}

static void cuts(struct test *t)
{
    (void)t;
    struct str s = STR("a\xED\x95\x9C\xF0\x9F\x98\x80z");
    static const size_t want[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};
    for (size_t n = 0; n < ARRAY_COUNT(want); n++)
        assert_int_equal(utf8_cut(s, n), want[n]);
    assert_int_equal(utf8_cut(STR("\x80\x80\x80\x80"), 2), 2);
}

static void maps_case(struct test *t)
{
    static const struct {
        const char *text, *lower, *upper, *capital;
    } rows[] = {
        {"", "", "", ""},
        {"aBc 1", "abc 1", "ABC 1", "Abc 1"},
        {"\xC3\x89t\xC3\xA9", "\xC3\xA9t\xC3\xA9", "\xC3\x89T\xC3\x89", "\xC3\x89t\xC3\xA9"},
        {"stra\xC3\x9F"
         "e",
         "stra\xC3\x9F"
         "e",
         "STRASSE",
         "Stra\xC3\x9F"
         "e"},
        {"\xED\x95\x9C\xEA\xB8\x80", "\xED\x95\x9C\xEA\xB8\x80", "\xED\x95\x9C\xEA\xB8\x80",
         "\xED\x95\x9C\xEA\xB8\x80"},
        {"\xD0\x96\xD1\x83\xD0\xBA", "\xD0\xB6\xD1\x83\xD0\xBA", "\xD0\x96\xD0\xA3\xD0\x9A",
         "\xD0\x96\xD1\x83\xD0\xBA"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str s = str_from(rows[i].text);
        assert_str_eq(utf8_lower(t->mem, s), rows[i].lower);
        assert_str_eq(utf8_upper(t->mem, s), rows[i].upper);
        assert_str_eq(utf8_capitalize(t->mem, s), rows[i].capital);
    }
    struct str same = STR("already lower");
    assert_true(utf8_lower(t->mem, same).p == same.p);
}

TEST_MAIN(TEST(validates), TEST(all_characters_come_back), TEST(cuts), TEST(maps_case))
