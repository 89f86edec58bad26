/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "text/regex.h"
#include "text/utf8.h"

static struct regex *compiled(struct test *t, const char *pattern, unsigned flags)
{
    struct regex *re = NULL;
    assert_ok(regex_compile(str_from(pattern), flags, &re, &t->err), &t->err);
    return re;
}

struct row {
    const char *pattern, *text;
    const char *want; /* the whole match; NULL: none */
};

static void check(struct test *t, unsigned flags, const struct row *rows, size_t count)
{
    struct regex_match *match = regex_match_new();
    for (size_t i = 0; i < count; i++) {
        struct regex *re = compiled(t, rows[i].pattern, flags);
        int rc = regex_find(re, str_from(rows[i].text), 0, match);
        struct str got = rc == 1 ? regex_group(match, 0) : STR("(none)");
        if (!str_eq(got, str_from(rows[i].want ? rows[i].want : "(none)")))
            fail_msg("/%s/ on \"%s\": \"%.*s\", want \"%s\"", rows[i].pattern, rows[i].text,
                     STR_ARG(got), rows[i].want ? rows[i].want : "(none)");
        assert_int_equal(regex_find(re, str_from(rows[i].text), 0, NULL), rc);
        regex_free(re);
    }
    regex_match_free(match);
}

static void ruby_dialect(struct test *t)
{
    static const struct row rows[] = {
        {"^b$", "a\nb\nc", "b"},
        {"a.b", "a\nb", NULL},
        {"(?m)a.b", "a\nb", "a\nb"},
        {"(?m:a.)b", "a\nb", "a\nb"},
        {"\\Ab", "a\nb", NULL},
        {"b\\Z", "a\nb\n", "b"},
        {"b\\z", "a\nb\n", NULL},
        {"\\h+", "xyz12aF", "12aF"},
        {"[\\h-]+", "xyz12-aF", "12-aF"},
        {"\\H+", "12xyz", "xyz"},
        {"[^\\h]+", "12xyz", "xyz"},
        {"a\\vb",
         "a\x0b"
         "b",
         "a\x0b"
         "b"},
        {"\\u0041\\u{42 43}", "ABC", "ABC"},
        {"\\uac00", "\xEA\xB0\x80", "\xEA\xB0\x80"},
        {"\\Q.\\E", "QaE", "QaE"},
        {"a{,2}b", "aaab", "aab"},
        {"a{x}", "a{x}", "a{x}"},
        {"xa{1,2}+b", "xaaaaab", "xaaaaab"},
        {"xa?*b", "xaaab", "xaaab"},
        {"x(?:ab){2}{2}", "xababababab", "xabababab"},
        {"xa*?{2}b", "xaab", "xaab"},
        {"xa{2}?b", "xb", "xb"},
        {"x^*y", "xy", "xy"},
        {"(?x) a {2} # (no group\n b +", "aabb", "aabb"},
        {"\xEA\xB0\x80?x", "\xEA\xB0x", "x"},
        {"[[:alpha:]]+",
         "12\xED\x95\x9C\xEA\xB8\x80"
         "ab!",
         "\xED\x95\x9C\xEA\xB8\x80"
         "ab"},
        {"\\w+",
         "\xED\x95\x9C"
         "ab",
         "ab"},
        {"\\bab\\b", "x ab y", "ab"},
        {"\\bab\\b",
         "\xED\x95\x9C"
         "ab",
         NULL},
        {"a\\Bb", "ab", "ab"},
        {"[[[:alnum:]]_%!$@:.,+~-]+", "((/var_log-1))", "var_log-1"},
        {"[a[bc]d]+", "xxabcdx", "abcd"},
        {"[a-z&&[^aeiou]]+", "aeixyzo", "xyz"},
        {"[a-z&&[^aeiou]&&[^x-z]]+", "aeixyzbco", "bc"},
        {"[^a-z&&[^aeiou]]+", "xyzaei12", "aei12"},
        {"[a[^b-z]]+", "bcaA1z", "aA1"},
        {"[]a]+", "x]a", "]a"},
        {"[a\\]]+", "x]a", "]a"},
        {"[a[-z]]+", "b-az", "-az"},
        {"[[:^digit:]]+", "12ab", "ab"},
        {"\\p{Alpha}+", "12ab", "ab"},
        {"\\p{^Digit}+", "12ab", "ab"},
        {"\\p{Hangul}+", "ab\xED\x95\x9C", "\xED\x95\x9C"},
        {"(?<x>a)(b)\\k<x>", "aba", "aba"},
        {"(?<a>x|\\(\\g<a>\\))", "((x))", "((x))"},
        {"(?<q>['\"])(?<t>.*?)\\k<q>", "say 'hi' \"x\"", "'hi'"},
        {"(?<a>x)?(?(<a>)y|z)", "xy", "xy"},
        {"(?<a>x)?(?(1)y|z)", "az", "z"},
        {"(?#comment (with)a", "a", "a"},
        {"(?x) a # comment (\n b", "ab", "ab"},
        {"(?i)AB", "xab", "ab"},
        {"a(?i)B|c", "c", NULL},
        {"a(?i)B|c", "xaC", "aC"},
        {"(?:a(?i)B|c)x", "abx", "abx"},
        {"[\\A]+", "xAA", "AA"},
        {"(?i-m:A)b", "ab", "ab"},
        {"(?>a+)ab", "aaab", NULL},
        {"a++b", "aaab", "aaab"},
        {"(?<=a|bc)x", "bcx", "x"},
        {"(?<!a)x", "ax bx", "x"},
        {"\\d+(?:\\.\\d+)?", "v 12.5", "12.5"},
        {"caf\xC3\xA9.", "un caf\xC3\xA9s", "caf\xC3\xA9s"},
        {"x.y", "x\xED\x95\x9Cy", "x\xED\x95\x9Cy"},
        {"y$", "\xFFxy", "y"},
        {"\\S+", "\xC3\xA9x\xEC\xA3\xBC 1", "\xC3\xA9x\xEC\xA3\xBC"},
        {"\\W+", "a\xC3\xA9\xEC\xA3\xBC", "\xC3\xA9\xEC\xA3\xBC"},
        {"\\S+", "\xFF\xC3\xA9x\xEC\xA3\xBC 1", "\xC3\xA9x\xEC\xA3\xBC"},
    };
    check(t, REGEX_RUBY, rows, ARRAY_COUNT(rows));
    static const struct row dot_all[] = {{"a.*", "xa\nb", "a\nb"}};
    check(t, REGEX_RUBY | REGEX_DOT_ALL, dot_all, ARRAY_COUNT(dot_all));
    static const struct row caseless[] = {{"k", "K", "K"}, {"\xC3\xA9", "\xC3\x89", "\xC3\x89"}};
    check(t, REGEX_RUBY | REGEX_CASELESS, caseless, ARRAY_COUNT(caseless));
    static const struct row whole[] = {
        {"a+", "aaa", "aaa"}, {"a+", "aab", NULL}, {"a|ab", "ab", "ab"}};
    check(t, REGEX_WHOLE, whole, ARRAY_COUNT(whole));
}

static void names_groups(struct test *t)
{
    struct regex *re = compiled(t, "(?<first>\\w+) (\\d+) (?<[a][b]>x)(?<first>y)?", REGEX_RUBY);
    assert_int_equal(regex_group_count(re), 4); /* the plain group does not capture */
    assert_str_eq(regex_group_name(re, 1), "first");
    assert_str_eq(regex_group_name(re, 2), "[a][b]");
    assert_str_eq(regex_group_name(re, 3), "first");
    assert_null(regex_group_name(re, 0).p);
    assert_int_equal(regex_group_find(re, STR("[a][b]")), 2);
    assert_int_equal(regex_group_find(re, STR("nope")), -1);
    struct regex_match *match = regex_match_new();
    assert_int_equal(regex_find(re, STR("..ab 12 x"), 0, match), 1);
    assert_str_eq(regex_group(match, 1), "ab");
    assert_str_eq(regex_group(match, 2), "x");
    assert_null(regex_group(match, 3).p);
    assert_int_equal(regex_match_begin(match), 2);
    assert_int_equal(regex_match_end(match), 9);
    assert_int_equal(regex_find(re, STR("..ab 12 x"), 4, match), 0);
    regex_free(re);
    re = compiled(t, "(a)(b)", REGEX_RUBY);
    assert_int_equal(regex_group_count(re), 3);
    regex_free(re);
    re = compiled(t, "(?<x>a)(b)", 0);
    assert_int_equal(regex_group_count(re), 3);
    assert_str_eq(regex_group_name(re, 1), "x");
    regex_free(re);
    regex_match_free(match);
}

static void refuses(struct test *t)
{
    static const struct {
        const char *pattern;
        enum err_code code;
        int64_t off; /* -2: any */
    } rows[] = {
        {"a(", ERR_INVALID, 2},        {"a)", ERR_INVALID, 1},
        {"[a", ERR_INVALID, 0},        {"a\\", ERR_INVALID, 1},
        {"*a", ERR_INVALID, 0},        {"(*UTF)a", ERR_INVALID, 1},
        {"\\k<x>", ERR_INVALID, 0},    {"(?~a)", ERR_UNSUPPORTED, 0},
        {"a|*", ERR_INVALID, 2},       {"[[:^alnum:]]", ERR_UNSUPPORTED, 1},
        {"[[:foo:]]", ERR_INVALID, 1}, {"(?z)", ERR_INVALID, 0},
        {"\\u12", ERR_INVALID, 0},     {"\\p{Nonsense}", ERR_INVALID, -2},
        {"[b-a]", ERR_INVALID, -2},    {"x(?<n", ERR_INVALID, -2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct regex *re = NULL;
        assert_err(regex_compile(str_from(rows[i].pattern), REGEX_RUBY, &re, &t->err), &t->err,
                   rows[i].code);
        if (rows[i].off != -2)
            assert_int_equal(t->err.off, rows[i].off);
    }
    char deep[1000];
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    struct regex *re = NULL;
    assert_err(regex_compile(str_from(deep), REGEX_RUBY, &re, &t->err), &t->err, ERR_INVALID);
}

static void gives_up_on_explosions(struct test *t)
{
    struct regex *re = compiled(t, "^(a+)+$", REGEX_RUBY);
    char text[64];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '!';
    assert_int_equal(regex_find(re, (struct str){text, sizeof(text)}, 0, NULL), -(int)ERR_TIMEOUT);
    regex_free(re);
}

static void replaces(struct test *t)
{
    static const struct {
        const char *pattern, *text, *with, *want;
        bool is_global;
        int count;
    } rows[] = {
        {"b", "abcb", "X", "aXcX", true, 2},
        {"b", "abcb", "X", "aXcb", false, 1},
        {"z", "abc", "X", "abc", true, 0},
        {"x*", "abc", "-", "-a-b-c-", true, 4},
        {"a*", "baaac", "-", "-b--c-", true, 4},
        {"x*", "\xED\x95\x9C", "-", "-\xED\x95\x9C-", true, 2},
        {"(\\w)(\\d)", "a1 b2", "\\2\\1", "1a 2b", true, 2},
        {"(?<l>\\w)(?<d>\\d)", "a1", "\\k<d>\\k<l>\\k<q>", "1a\\k<q>", true, 1},
        {"a", "a", "[\\0\\&]", "[aa]", true, 1},
        {"a", "a", "\\\\", "\\", true, 1},
        {"a", "a", "\\q\\", "\\q\\", true, 1},
        {"(a)|b", "b", "<\\1>", "<>", true, 1},
        {"^", "a\nb", "> ", "> a\n> b", true, 2},
        {"$", "a\nb", ";", "a;\nb;", true, 2},
        {"a", "", "x", "", true, 0},
        {"", "", "x", "x", true, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct regex *re = compiled(t, rows[i].pattern, REGEX_RUBY);
        struct buf out;
        buf_init(&out, 0);
        assert_int_equal(regex_replace(re, str_from(rows[i].text), str_from(rows[i].with),
                                       rows[i].is_global, NULL, &out),
                         rows[i].count);
        assert_str_eq(buf_str(&out), rows[i].want);
        buf_deinit(&out);
        regex_free(re);
    }
}

static void quotes(struct test *t)
{
    struct str text = STR("a.b*[c](d){e}|^$\\ # -?+");
    struct buf out;
    buf_init(&out, 0);
    regex_quote(text, &out);
    struct regex *re = NULL;
    assert_ok(regex_compile(buf_str(&out), REGEX_RUBY, &re, &t->err), &t->err);
    assert_int_equal(regex_find(re, text, 0, NULL), 1);
    regex_free(re);
    buf_deinit(&out);
}

static void *match_many(void *arg)
{
    const struct regex *re = arg;
    size_t found = 0;
    for (int i = 0; i < 3000; i++)
        found += regex_find(re, i & 1 ? STR("x 12ab") : STR("한글 34"), 0, NULL) == 1;
    return (void *)found;
}

/* One expression, several threads, nobody brings a match object. */
static void is_shared_by_threads(struct test *t)
{
    struct regex *re = compiled(t, "(?<n>\\d+)", REGEX_RUBY);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_many, re), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        void *found = NULL;
        assert_int_equal(pthread_join(threads[i], &found), 0);
        assert_int_equal((size_t)found, 3000);
    }
    regex_free(re);
}

/* Random patterns and texts: an error or an answer. */
static void survives_anything(struct test *t)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "(",
                                         ")",
                                         "[",
                                         "]",
                                         "^",
                                         "-",
                                         "&&",
                                         "\\w",
                                         "\\h",
                                         "\\b",
                                         "[:alpha:]",
                                         "+",
                                         "*",
                                         "?",
                                         "{2}",
                                         "{,3}",
                                         "|",
                                         ".",
                                         "(?<n>",
                                         "\\k<n>",
                                         "(?:",
                                         "\\p{Alpha}",
                                         "\\",
                                         "$",
                                         "#",
                                         "(?m)",
                                         "(?x)",
                                         "\xEA\xB0\x80",
                                         "[[:^digit:]]",
                                         "\\u{41}"};
    for (int round = 0; round < 4000; round++) {
        struct buf pattern, text;
        buf_init(&pattern, 0);
        buf_init(&text, 0);
        for (uint64_t n = rng_below(&t->rng, 12); n > 0; n--)
            buf_add_str(&pattern, str_from(pieces[rng_below(&t->rng, ARRAY_COUNT(pieces))]));
        for (uint64_t n = rng_below(&t->rng, 20); n > 0; n--)
            buf_add_char(&text, "ab1- ]["[rng_below(&t->rng, 7)]);
        struct regex *re = NULL;
        if (regex_compile(buf_str(&pattern), REGEX_RUBY, &re, &t->err) == 0) {
            assert_true(regex_find(re, buf_str(&text), 0, NULL) <= 1);
            buf_add_lit(&text, "\n\xEA\xB0\x80\xFF"); /* the other variant */
            assert_true(regex_find(re, buf_str(&text), 0, NULL) <= 1);
            regex_free(re);
        }
        buf_deinit(&pattern);
        buf_deinit(&text);
    }
}

TEST_MAIN(TEST(ruby_dialect), TEST(names_groups), TEST(refuses), TEST(gives_up_on_explosions),
          TEST(replaces), TEST(quotes), TEST(is_shared_by_threads), TEST(survives_anything))
