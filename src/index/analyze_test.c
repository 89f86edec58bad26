/* SPDX-License-Identifier: Apache-2.0 */
/* Expected tokens are what Lucene's analyzers of the same names give. */
#include "index/analyze.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

static const struct {
    const char *analyzer, *text, *tokens;
} cases[] = {
    {"", "The QUICK brown-fox", "the|quick|brown|fox"},
    {"", "GET /english/index.html HTTP/1.0", "get|english|index.html|http|1.0"},
    {"", "can't 3.14 1,000 a.b. x_y _z __ 10.0.0.1:80", "can't|3.14|1,000|a.b|x_y|_z|10.0.0.1|80"},
    {"", "file1.txt key:value", "file1|txt|key:value"},
    {"", "나루는 빠르다", "나루는|빠르다"},
    {"", "삼성전자 005930", "삼성전자|005930"},
    {"", "東京タワーとABC", "東|京|タワー|と|abc"},
    {"", "ÄÖÜ straße", "äöü|straße"},
    {"", " ... ", ""},
    {"", "", ""},
    {"whitespace", "The QUICK  fox.", "The|QUICK|fox."},
    {"keyword", "The QUICK fox", "The QUICK fox"},
    {"simple", "I'm 4you2", "i|m|you"},
    {"stop", "the fox and a dog", "fox|dog"},
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum analyzer analyzer;
        struct analysis a;
        struct buf out;
        buf_init(&out, 0);
        assert_true(analyzer_from_name(str_from(cases[i].analyzer), &analyzer));
        analysis_init(&a, analyzer, str_from(cases[i].text));
        while (analysis_next(&a)) {
            buf_printf(&out, "%s" STR_FMT, out.n ? "|" : "", STR_ARG(a.token));
            assert_true(a.begin < a.finish && a.finish <= strlen(cases[i].text));
        }
        if (!str_eq(buf_str(&out), str_from(cases[i].tokens)))
            fail_msg("%s [%s]: %s", cases[i].analyzer, cases[i].text, buf_cstr(&out));
        buf_deinit(&out);
    }
}

/* Runs of letters and digits, any length and alignment: the bytes in lower case, cut where a token
 * is full. */
static void test_runs(void **state)
{
    (void)state;
    static const char marks[] = "AZaz09@[`{/";
    for (size_t n = 1; n < 2 * TOKEN_CHARS_MAX + 40; n++) {
        /* On the heap to its last byte, so that reading past the end is noticed. */
        char *text = mem_alloc(n);
        size_t at = 0;
        for (size_t i = 0; i < n; i++)
            text[i] = i % 97 == 96 ? ' ' : marks[(i * 7 + n) % (n % 3 == 0 ? 11 : 6)];
        struct analysis a;
        analysis_init(&a, ANALYZER_STANDARD, (struct str){text, n});
        for (;;) {
            size_t count = 0;
            while (at < n && !isalnum((unsigned char)text[at]))
                at++;
            while (at + count < n && count < TOKEN_CHARS_MAX &&
                   isalnum((unsigned char)text[at + count]))
                count++;
            assert_int_equal(analysis_next(&a), count > 0);
            if (count == 0)
                break;
            assert_int_equal(a.begin, at);
            assert_int_equal(a.token.n, count);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(a.token.p[i], tolower((unsigned char)text[at + i]));
            at += count;
        }
        mem_free(text);
    }
}

static void test_positions(void **state)
{
    (void)state;
    struct analysis a;
    analysis_init(&a, ANALYZER_STOP, STR("the fox and a dog"));
    assert_true(analysis_next(&a));
    assert_int_equal(a.token_position, 1);
    assert_int_equal(a.begin, 4);
    assert_int_equal(a.finish, 7);
    assert_true(analysis_next(&a));
    assert_int_equal(a.token_position, 4);
    assert_false(analysis_next(&a));
}

static void test_long_and_broken(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct analysis a;
    char *text = arena_alloc(mem, 1000);
    memset(text, 'x', 1000);
    analysis_init(&a, ANALYZER_STANDARD, (struct str){text, 1000});
    size_t n = 0;
    while (analysis_next(&a)) {
        assert_true(a.token.n <= TOKEN_CHARS_MAX);
        n++;
    }
    assert_int_equal(n, 4);
    /* Any bytes end somewhere. */
    for (size_t i = 0; i < 1000; i++)
        text[i] = (char)(i * 37 % 256);
    analysis_init(&a, ANALYZER_STANDARD, (struct str){text, 1000});
    for (n = 0; analysis_next(&a) && n < 1000; n++) {
    }
    assert_true(n < 1000);
    enum analyzer analyzer;
    assert_false(analyzer_from_name(STR("nori"), &analyzer));
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_positions),
                                       cmocka_unit_test(test_long_and_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
