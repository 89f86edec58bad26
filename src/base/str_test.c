/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <float.h>
#include <math.h>

static void comparing(struct test *t)
{
    (void)t;
    assert_true(str_eq(STR("a"), STR("a")) && str_eq(STR_NONE, STR("")) &&
                !str_eq(STR("a"), STR("b")));
    assert_true(str_is(STR("abc"), "abc") && !str_is(STR("abc"), "ab"));
    assert_true(str_eq_nocase(STR("AbZ9"), STR("aBz9")) && !str_eq_nocase(STR("@"), STR("`")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("aa")) < 0 && str_cmp(STR(""), STR_NONE) == 0);
    assert_true(str_cmp(STR("\x7f"), STR("\xc3")) < 0); /* bytes are unsigned */
    assert_true(str_starts_with(STR("abc"), STR("ab")) && str_starts_with(STR("a"), STR("")));
    assert_false(str_starts_with(STR("a"), STR("ab")));
    assert_true(str_ends_with(STR("abc"), STR("bc")) && str_ends_with(STR("a"), STR("")));
    assert_false(str_ends_with(STR("c"), STR("bc")));
}

static void searching_and_cutting(struct test *t)
{
    (void)t;
    assert_int_equal(str_find(STR("hello"), STR("l")), 2);
    assert_int_equal(str_find(STR("hello"), STR("lo")), 3);
    assert_int_equal(str_find(STR("hello"), STR("x")), -1);
    assert_int_equal(str_find(STR(""), STR("x")), -1);
    assert_int_equal(str_find(STR("a"), STR("")), 0);
    assert_int_equal(str_find_char(STR("abc"), 'c'), 2);
    assert_int_equal(str_find_char(STR_NONE, 'c'), -1);
    assert_str_eq(str_trim(STR(" \t a b\r\n")), "a b");
    assert_str_eq(str_trim(STR("  ")), "");
    assert_str_eq(str_sub(STR("hello"), 1, 3), "ell");
    assert_str_eq(str_sub(STR("hello"), 4, 100), "o");
    assert_str_eq(str_sub(STR("hello"), 9, 1), "");
    assert_str_eq(str_from_off(STR("hello"), 2), "llo");
    assert_str_eq(str_from(NULL), "");
}

static void splitting_keeps_empty_parts(struct test *t)
{
    static const struct {
        const char *text, *parts;
    } cases[] = {
        {"a,b", "[a][b]"}, {"", "[]"}, {",", "[][]"}, {"a,,b,", "[a][][b][]"}, {"x", "[x]"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str rest = str_from(cases[i].text), part, all = STR("");
        while (str_split_next(&rest, ',', &part))
            all = arena_printf(t->mem, "%.*s[%.*s]", STR_ARG(all), STR_ARG(part));
        assert_str_eq(all, cases[i].parts);
    }
    struct str none = STR_NONE, part;
    assert_false(str_split_next(&none, ',', &part));
}

static void globs(struct test *t)
{
    (void)t;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "abd", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"", "", true},
        {"", "a", false},
        {"*b*", "abc", true},
        {"**", "x", true},
        {"*.log", "a.log.gz", false},
        {"a*b*c", "a1b2b3c", true},
        {"ABC", "abc", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(str_glob(str_from(cases[i].pattern), str_from(cases[i].text)),
                         cases[i].matches);
    char text[3000];
    memset(text, 'a', sizeof(text)); /* exponential in a naive matcher */
    assert_false(str_glob(STR("*a*a*a*a*a*a*a*a*a*a*b"), (struct str){text, sizeof(text)}));
}

static void integers(struct test *t)
{
    (void)t;
    static const struct {
        const char *text;
        bool is_ok;
        int64_t v;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"42", true, 42},
        {"-42", true, -42},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1x", false, 0},
        {"0x1", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t v = 0;
        assert_int_equal(str_to_i64(str_from(cases[i].text), &v), cases[i].is_ok);
        assert_true(v == cases[i].v);
    }
    uint64_t u = 0;
    assert_true(str_to_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR("-1"), &u));
}

static void floats(struct test *t)
{
    (void)t;
    static const struct {
        const char *text;
        double v;
    } good[] = {{"0", 0},
                {"-1.5", -1.5},
                {"+2", 2},
                {"1e3", 1000},
                {"1E-2", 0.01},
                {".5", 0.5},
                {"5.", 5},
                {"1.7976931348623157e308", DBL_MAX},
                {"5e-324", 4.9406564584124654e-324}};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        double v = -99;
        assert_true(str_to_f64(str_from(good[i].text), &v));
        assert_true(v == good[i].v);
    }
    static const char *const bad[] = {"",    ".",    "-",   "1e", "1e+", "e5",   "nan",
                                      "inf", "0x10", "1,5", "1 ", "--1", "1.2.3"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        double v = 1;
        assert_false(str_to_f64(str_from(bad[i]), &v));
    }
}

static void doubles_round_trip_in_the_shortest_text(struct test *t)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},           {1, "1"},
                 {0.1, "0.1"},       {-2.5, "-2.5"},
                 {100000, "100000"}, {0.30000000000000004, "0.30000000000000004"},
                 {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {1e300, "1e+300"}};
    char text[32];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        size_t n = f64_to_text(cases[i].v, text);
        assert_str_eq(((struct str){text, n}), cases[i].text);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(&t->rng);
        double v, back;
        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        size_t n = f64_to_text(v, text);
        assert_true(n <= 32 && str_to_f64((struct str){text, n}, &back) && back == v);
    }
}

static void durations_and_sizes(struct test *t)
{
    (void)t;
    static const struct {
        const char *text;
        int64_t ns;
    } durations[] = {{"10s", 10 * NS_PER_S},
                     {"5m", 300 * NS_PER_S},
                     {"500ms", 500 * NS_PER_MS},
                     {"2h", 7200 * NS_PER_S},
                     {"1d", 86400 * NS_PER_S},
                     {"0", 0},
                     {"30", 30 * NS_PER_S},
                     {"1.5s", 1500 * NS_PER_MS},
                     {"-1m", -60 * NS_PER_S},
                     {"7us", 7000},
                     {"9 ns", 9},
                     {"1w", 7 * 86400 * NS_PER_S},
                     {" 3S ", 3 * NS_PER_S}};
    for (size_t i = 0; i < ARRAY_COUNT(durations); i++) {
        int64_t ns = -7;
        assert_true(str_to_duration(str_from(durations[i].text), &ns));
        assert_true(ns == durations[i].ns);
    }
    static const char *const bad[] = {"",     "s",     "10x", "1s2", "--5s", "999999999999d",
                                      "1e5s", "1.2.3s"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t ns;
        assert_false(str_to_duration(str_from(bad[i]), &ns));
    }
    static const struct {
        const char *text;
        uint64_t es, logstash;
    } sizes[] = {{"512", 512, 512},
                 {"1b", 1, 1},
                 {"64KiB", 65536, 65536},
                 {"10mb", 10 * MIB, 10000000},
                 {"180 mb", 180 * MIB, 180000000},
                 {"1g", GIB, 1000000000},
                 {"1.5k", 1536, 1500},
                 {"2tb", 2048 * GIB, 2000000000000},
                 {"0", 0, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint64_t v = 1;
        assert_true(str_to_size(str_from(sizes[i].text), true, &v) && v == sizes[i].es);
        assert_true(str_to_size(str_from(sizes[i].text), false, &v) && v == sizes[i].logstash);
    }
    static const char *const bad_sizes[] = {
        "", "mb", "-1", "1x", "1kk", "1ib", "99999999999999p", "1 k b"};
    for (size_t i = 0; i < ARRAY_COUNT(bad_sizes); i++) {
        uint64_t v;
        assert_false(str_to_size(str_from(bad_sizes[i]), true, &v));
    }
}

TEST_MAIN(TEST(comparing), TEST(searching_and_cutting), TEST(splitting_keeps_empty_parts),
          TEST(globs), TEST(integers), TEST(floats), TEST(doubles_round_trip_in_the_shortest_text),
          TEST(durations_and_sizes))
