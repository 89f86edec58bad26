/* SPDX-License-Identifier: Apache-2.0 */
/* regexp_syntax_test.c: whole texts against Lucene's expressions; all rows are what RegExp of
 * Lucene 8.7.0 says. */
#include "query/regexp_syntax.h"

#include "support/test.h"

enum verdict { NO, YES, ERROR };

struct row {
    const char *pattern, *text;
    enum verdict verdict;
};

static enum verdict verdict_of(struct test *t, struct str pattern, unsigned flags, bool is_nocase,
                               struct str text)
{
    struct str translated, prefix;
    if (regexp_translate(pattern, flags, is_nocase, t->mem, &translated, &prefix, &t->err) < 0)
        return ERROR;
    CLEANUP(regex_free_ptr) struct regex *re = NULL;
    assert_ok(regex_compile(translated, REGEXP_COMPILE, &re, &t->err), &t->err);
    bool matches = regex_find(re, text, 0, NULL) == 1;
    assert_true(!matches || str_starts_with(text, prefix));
    return matches ? YES : NO;
}

static void check(struct test *t, const struct row *rows, size_t count, unsigned flags,
                  bool is_nocase)
{
    for (size_t i = 0; i < count; i++) {
        enum verdict got =
            verdict_of(t, str_from(rows[i].pattern), flags, is_nocase, str_from(rows[i].text));
        if (got != rows[i].verdict)
            fail_msg("/%s/ and \"%s\": %d", rows[i].pattern, rows[i].text, got);
    }
}

static void characters(struct test *t)
{
    static const struct row rows[] = {
        {"", "", YES},
        {"", "a", NO},
        {"a.b", "a\nb", YES},
        {"a.*", "a\nb", YES},
        {".", "\xF0\x9F\x98\x80", YES},
        {"@", "\n", YES},
        {"a@", "a\nb", YES},
        {"\\d", "d", YES},
        {"\\d", "5", NO},
        {"\\.", ".", YES},
        {"\\.", "a", NO},
        {"a^b", "a^b", YES},
        {"a$", "a$", YES},
        {"a]", "a]", YES},
        {"a}", "a}", YES},
        {"a>b", "a>b", YES},
        {"a-b", "a-b", YES},
        {"a b", "a b", YES},
        {"a/b", "a/b", YES},
        {"(a|b)c", "bc", YES},
        {"ab|c", "c", YES},
        {"ab|c", "ac", NO},
        {"()", "", YES},
        {"a", "A", NO},
        {"a", "", NO},
        {"?a", "?a", YES},
        {"*a", "*a", YES},
        {"(*a)", "*a", YES},
        {"{a", "{a", YES},
        {"|a", "a", NO},
        {"|a", "|a", YES},
        {"(?i)a", "A", NO},
        {"(?i)a", "?ia", YES},
        {"(?:a)b", "ab", NO},
        {"(?:a)b", "?:ab", YES},
        {"a\\", "a", ERROR},
        {"a|", "a", ERROR},
        {"a)", "a)", ERROR},
        {"(a", "a", ERROR},
        {"a~b", "a", ERROR},
        {"a&b", "a", ERROR},
        {"a#", "a", ERROR},
        {"<1-2>", "1", ERROR},
    };
    check(t, rows, ARRAY_COUNT(rows), REGEXP_ALL, false);
}

static void quantifiers(struct test *t)
{
    static const struct row rows[] = {
        {"ab?", "a", YES},
        {"ab*", "abbb", YES},
        {"ab+", "a", NO},
        {"a+?", "", YES},
        {"a+?", "aa", YES},
        {"a*+", "", YES},
        {"a*+a", "aa", YES},
        {"a?+", "aaa", YES},
        {"a??b", "b", YES},
        {"a++b", "aab", YES},
        {"a{2}", "aa", YES},
        {"a{2}", "a", NO},
        {"a{2,}", "aaa", YES},
        {"a{2,3}", "aaaa", NO},
        {"a{0}", "", YES},
        {"a{0}b", "b", YES},
        {"a{2}{3}", "aaaaaa", YES},
        {"a{2}{3}", "aaaaa", NO},
        {"a{2}?", "", YES},
        {"a{2}+", "aaaa", YES},
        {"a{2}+", "aaa", NO},
        {"a*{2}", "aaa", YES},
        {"a{3,2}", "aaa", NO},
        {"(a{3,2})?b", "b", YES},
        {"\"abc\"*", "abcabc", YES},
        {"\"abc\"*", "abcc", NO},
        {"\"ab\"{2}", "abab", YES},
        {"(ab)+", "abab", YES},
        {"[ab]+c", "abac", YES},
        {"a.{2}b", "a\n\nb", YES},
        {"@?b", "ab", YES},
        {"a{,3}", "a", ERROR},
        {"a{1", "a{1", ERROR},
        {"a{x}", "a", ERROR},
    };
    check(t, rows, ARRAY_COUNT(rows), REGEXP_ALL, false);
}

static void classes_and_strings(struct test *t)
{
    static const struct row rows[] = {
        {"[abc]", "b", YES},
        {"[^abc]", "b", NO},
        {"[^abc]", "\n", YES},
        {"[a-c]x", "bx", YES},
        {"[]a]", "]", YES},
        {"[a]]", "a]", YES},
        {"[^]]", "a", YES},
        {"[\\d]", "d", YES},
        {"[.]", ".", YES},
        {"[.]", "a", NO},
        {"[&a]", "&", YES},
        {"[a&&b]", "&", YES},
        {"[[:alpha:]]", "a", NO},
        {"[[:alpha:]]", "a]", YES},
        {"[a^]", "^", YES},
        {"[^^]", "a", YES},
        {"[a\\]]", "]", YES},
        {"[\\^a]", "^", YES},
        {"[a-]", "a", ERROR},
        {"[z-a]", "b", ERROR},
        {"[ab", "a", ERROR},
        {"\"a.b\"", "a.b", YES},
        {"\"a.b\"", "axb", NO},
        {"\"a\\b\"", "a\\b", YES},
        {"\"a\\\"b\"", "a", ERROR},
        {"\"\"a", "a", YES},
        {"\"ab", "ab", ERROR},
        {"[\xEA\xB0\x80-\xED\x9E\xA3]+", "\xED\x95\x9C\xEA\xB5\xAD", YES},
    };
    check(t, rows, ARRAY_COUNT(rows), REGEXP_ALL, false);
}

static void cases_of_ascii_letters(struct test *t)
{
    static const struct row rows[] = {
        {"aBc", "AbC", YES},       {"\"AB\"c", "abC", YES},      {"[ab]x", "BX", YES},
        {"[^ab]x", "Bx", NO},      {"[a-c]x", "BX", NO},         {"[a-c]x", "bX", YES},
        {"k", "\xE2\x84\xAA", NO}, {"\xC3\x89", "\xC3\xA9", NO}, {"a+b", "aAaB", YES},
        {"\\a", "A", YES},         {"a.c", "A\nC", YES},         {"[a]", "A", YES},
    };
    check(t, rows, ARRAY_COUNT(rows), REGEXP_ALL, true);
}

static void flags_turn_operators_off(struct test *t)
{
    static const struct row rows[] = {
        {"a#b", "a#b", YES}, {"a@b", "a@b", YES},       {"a@b", "axb", NO},  {"a~b", "a~b", YES},
        {"a&b", "a&b", YES}, {"a<1-3>", "a<1-3>", YES}, {"\"a\"", "a", YES},
    };
    static const struct {
        const char *text;
        unsigned flags;
    } names[] = {{"", REGEXP_ALL},
                 {"ALL", REGEXP_ALL},
                 {"NONE", 0},
                 {"interval|Empty", REGEXP_INTERVAL | REGEXP_EMPTY},
                 {"COMPLEMENT||ANYSTRING", REGEXP_COMPLEMENT | REGEXP_ANYSTRING}};
    unsigned flags;
    check(t, rows, ARRAY_COUNT(rows), 0, false);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_ok(regexp_flags(str_from(names[i].text), &flags, &t->err), &t->err);
        assert_int_equal(flags, names[i].flags);
    }
    assert_err(regexp_flags(STR("EMPTY|NOPE"), &flags, &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "Unknown regexp flag [NOPE]");
}

TEST_MAIN(TEST(characters), TEST(quantifiers), TEST(classes_and_strings),
          TEST(cases_of_ascii_letters), TEST(flags_turn_operators_off))
