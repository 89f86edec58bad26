/* SPDX-License-Identifier: Apache-2.0 */
/* decimal_format_test.c: all rows are what Java's DecimalFormat prints for Locale.ROOT. */
#include "query/decimal_format.h"

#include <math.h>

#include "support/test.h"

static void doubles(struct test *t)
{
    static const struct {
        const char *pattern;
        double v;
        const char *text;
    } rows[] = {
        {"0", 0.5, "0"},
        {"0", 1.5, "2"},
        {"0", -0.4, "-0"},
        {"0.00", 0.125, "0.12"},
        {"0.00", 0.015, "0.01"},
        {"0.00", 2.675, "2.67"},
        {"0.00", 99.995, "100.00"},
        {"0.0#", 3, "3.0"},
        {"00.0", 1.25, "01.2"},
        {"#.##", 0.5, "0.5"},
        {"##.##%", 0.005, "0.5%"},
        {"#.00", 0.5, ".50"},
        {".##", 0.5, ".5"},
        {"#,##0.00", -1234567.891, "-1,234,567.89"},
        {"#,####.0", 1e10, "100,0000,0000.0"},
        {"#,####.0", 1000, "1000.0"},
        {"000,000", 1, "000,001"},
        {"0.0%", 0.1234, "12.3%"},
        {"0.0\xE2\x80\xB0", 0.5, "500.0\xE2\x80\xB0"},
        {"0.0'%'", 0.5, "0.5%"},
        {"$0.00", -1, "-$1.00"},
        {"'#'0", 7, "#7"},
        {"0 'USD'", 7, "7 USD"},
        {"'it''s' 0", 1, "it's 1"},
        {"0.00;(0.00)", 1, "1.00"},
        {"0.00;(0.00)", -1, "(1.00)"},
        {"#,##0.00;#,##0.00-", -1234.5, "1,234.50-"},
        {"0;0", -1, "-1"},
        {"0.###E0", 1234.5, "1.234E3"},
        {"0.###E0", 1e-10, "1E-10"},
        {"##0.#####E0", -1234567.891, "-1.2345679E6"},
        {"##0.#####E0", 1e-10, "100E-12"},
        {"00.00E00", 99.995, "10.00E01"},
        {"0.0E0", 0, "0.0E0"},
        {"0.0", 123456789012345678.0, "123456789012345680.0"},
        {"0.00", INFINITY, "\xE2\x88\x9E"},
        {"0.00", -INFINITY, "-\xE2\x88\x9E"},
        {"0.00", NAN, "NaN"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got = decimal_format_double(str_from(rows[i].pattern), rows[i].v, t->mem);
        if (!str_eq(got, str_from(rows[i].text)))
            fail_msg("%s of %g: " STR_FMT, rows[i].pattern, rows[i].v, STR_ARG(got));
    }
}

/* No double is between: 2^53 + 1 stays what it is. */
static void integers(struct test *t)
{
    static const struct {
        const char *pattern, *v, *text;
    } rows[] = {
        {"0", "0", "0"},
        {"0", "9007199254740993", "9007199254740993"},
        {"#,##0.0", "-9223372036854775808", "-9,223,372,036,854,775,808.0"},
        {"0%", "9223372036854775807", "922337203685477580700%"},
        {"0", "18446744073709551615", "18446744073709551615"},
        {"0.0%", "-3", "-300.0%"},
        {"000", "7", "007"},
        {"0.#E0", "1200", "1.2E3"},
        {"0;(0)", "-5", "(5)"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got =
            decimal_format_integer(str_from(rows[i].pattern), str_from(rows[i].v), t->mem);
        if (!str_eq(got, str_from(rows[i].text)))
            fail_msg("%s of %s: " STR_FMT, rows[i].pattern, rows[i].v, STR_ARG(got));
    }
}

/* Patterns that Java refuses print something, whatever they are. */
static void any_pattern_ends(struct test *t)
{
    static const char chars[] = "#0,.;'E%-$ a\xE2\x80\xB0";
    for (int i = 0; i < 20000; i++) {
        char pattern[16];
        size_t n = rng_below(&t->rng, sizeof(pattern));
        for (size_t k = 0; k < n; k++)
            pattern[k] = chars[rng_below(&t->rng, sizeof(chars) - 1)];
        double v =
            ldexp((double)rng_between(&t->rng, -1000, 1000), (int)rng_below(&t->rng, 80) - 40);
        (void)decimal_format_double((struct str){pattern, n}, v, t->mem);
        (void)decimal_format_integer((struct str){pattern, n}, STR("-120"), t->mem);
    }
    (void)decimal_format_double(STR("#,##0.0"), 1e308, t->mem);
    (void)decimal_format_double(STR("0.0%"), 1.7e308, t->mem);
    (void)decimal_format_double(STR("0.000"), 5e-324, t->mem);
}

/* As many digits as DecimalFormat prints of a double, and texts of any length around them. */
static void long_patterns_are_whole(struct test *t)
{
    char zeros[5000], text[5001] = "#";
    memset(zeros, '0', sizeof(zeros));
    memset(text + 1, 'x', sizeof(text) - 2);
    text[sizeof(text) - 1] = '\0';
    struct str all = {zeros, sizeof(zeros)};
    struct str got = decimal_format_double(all, 7, t->mem);
    assert_int_equal(got.n, 309);
    assert_int_equal(got.p[308], '7');
    got = decimal_format_integer(all, STR("7"), t->mem);
    assert_int_equal(got.n, 309);
    got = decimal_format_double(arena_printf(t->mem, "#." STR_FMT, STR_ARG(all)), 7, t->mem);
    assert_int_equal(got.n, 2 + 340);
    got = decimal_format_double(arena_printf(t->mem, "0E" STR_FMT, STR_ARG(all)), 7, t->mem);
    assert_true(str_starts_with(got, STR("7E0")));
    got = decimal_format_double(str_from(text), 7, t->mem);
    assert_int_equal(got.n, sizeof(text) - 1);
    assert_true(got.p[0] == '7' && got.p[got.n - 1] == 'x');
}

TEST_MAIN(TEST(doubles), TEST(integers), TEST(any_pattern_ends), TEST(long_patterns_are_whole))
