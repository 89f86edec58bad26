/* SPDX-License-Identifier: Apache-2.0 */
/* Which text a column's value is found to print as, and that it then prints so. */
#include "index/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/str.h"
#include "index/format.h"

static int64_t bits(double d)
{
    int64_t v;
    memcpy(&v, &d, sizeof(v));
    return v;
}

/* The first `bytes` of the text are the value's. */
static void fits(enum field_type type, int64_t value, const char *text, size_t bytes)
{
    struct template_hole hole = {0};
    char printed[HOLE_TEXT_BYTES_MAX];
    size_t n = template_hole_fit(type, value, str_from(text), NULL, &hole);
    if (n != bytes)
        fail_msg("%zu bytes of %s fit, not %zu", n, text, bytes);
    if (n == 0)
        return;
    assert_int_equal(template_hole_print(hole.kind, hole.param, value, printed), n);
    assert_memory_equal(printed, text, n);
}

static void test_fit(void **state)
{
    (void)state;
    fits(FIELD_LONG, 42, "42", 2);
    fits(FIELD_LONG, 42, "042", 0);
    fits(FIELD_LONG, 42, "420", 0);
    fits(FIELD_LONG, 0, "-0", 0);
    fits(FIELD_LONG, INT64_MIN, "-9223372036854775808", 20);
    fits(FIELD_UNSIGNED_LONG, INT64_MAX, "18446744073709551615", 20);
    fits(FIELD_UNSIGNED_LONG, INT64_MIN, "0", 1);
    fits(FIELD_BOOLEAN, 1, "true", 4);
    fits(FIELD_BOOLEAN, 1, "1", 0);
    fits(FIELD_DOUBLE, bits(0.1), "0.1", 3);
    fits(FIELD_DOUBLE, bits(0.1), "0.10", 0);
    fits(FIELD_DOUBLE, bits(-2.5), "-2.5", 4);
    fits(FIELD_DOUBLE, bits(7), "7", 1);
    fits(FIELD_DOUBLE, bits(7), "7.0", 3);
    fits(FIELD_DOUBLE, bits(7), "7.00", 0);
    fits(FIELD_DOUBLE, bits(1e15), "1000000000000000", 0);
    fits(FIELD_DOUBLE, bits(1e-15), "0.000000000000001", 17);
    fits(FIELD_DOUBLE, bits(123456.7891), "123456.7891", 11);
    fits(FIELD_DOUBLE, INT64_MAX, "NaN", 0);
    fits(FIELD_FLOAT, bits((double)0.1f), "0.1", 3);
    fits(FIELD_FLOAT, bits((double)16777216.0f), "16777217", 0);
    fits(FIELD_DATE, 898459201000, "898459201000", 12);
    fits(FIELD_DATE, 898459201000, "898459201", 9);
    fits(FIELD_DATE, 898459201001, "898459201", 0);
    fits(FIELD_DATE, -1, "1969-12-31T23:59:59.999Z", 23);
    fits(FIELD_DATE, 0, "1970-01-01T00:00:00Z", 19);
    fits(FIELD_DATE, 0, "1970-01-01 09:00:00+09:00", 19);
    fits(FIELD_DATE, 0, "1970-01-01T09:00:01+09:00", 0);
    fits(FIELD_DATE, 0, "1970-01-01", 10);
    fits(FIELD_DATE, 0, "1970-01-01T00:00", 0);
    fits(FIELD_DATE, 5, "1970-01-01T00:00:00.005000Z", 26);
    fits(FIELD_DATE, 951782400000, "2000-02-29", 10);
    fits(FIELD_DATE, 951868800000, "2000-02-30", 0); /* a day that is none, read leniently */
    fits(FIELD_DATE, INT64_MAX, "1970-01-01", 0);
    fits(FIELD_DATE, 0, "", 0);
    fits(FIELD_DATE_NANOS, 123456789, "1970-01-01T00:00:00.123456789Z", 29);
    fits(FIELD_DATE_NANOS, 5000000000, "5", 1);
    fits(FIELD_TEXT, 5, "5", 0);
}

/* A form that fits too stays the form of the document before. */
static void test_hint(void **state)
{
    (void)state;
    struct template_hole hint = {0}, hole = {0};
    assert_int_equal(template_hole_fit(FIELD_DOUBLE, bits(3), STR("3"), NULL, &hint), 1);
    assert_int_equal(template_hole_fit(FIELD_DOUBLE, bits(3.5), STR("3.5"), &hint, &hole), 3);
    assert_int_equal(hole.param, hint.param);
    assert_int_equal(template_hole_fit(FIELD_DOUBLE, bits(3), STR("3.0"), &hint, &hole), 3);
    assert_int_not_equal(hole.param, hint.param);
}

static void test_integers(void **state)
{
    (void)state;
    struct template_hole hole = {0};
    assert_true(template_integer_fit(FIELD_LONG, 5, 5, STR("5"), &hole) && hole.param == 0);
    assert_true(template_integer_fit(FIELD_DATE, 5000, 5, STR("5"), &hole) && hole.param == 3);
    assert_true(template_integer_fit(FIELD_DATE, 5, 5, STR("5"), &hole) && hole.param == 0);
    assert_false(template_integer_fit(FIELD_LONG, 0, 0, STR("-0"), &hole));
    assert_false(template_integer_fit(FIELD_DATE, 5001, 5, STR("5"), &hole));
    assert_false(template_integer_fit(FIELD_DOUBLE, 5, 5, STR("5"), &hole));
}

/* Whatever the bytes of a param and a value are, printing stays in its room. */
static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    for (uint32_t i = 0; i < 200000; i++) {
        char text[HOLE_TEXT_BYTES_MAX];
        uint32_t param = (uint32_t)(rng_u64(&rng) >> (32 + rng_below(&rng, 32)));
        int64_t value = (int64_t)(rng_u64(&rng) >> rng_below(&rng, 64));
        uint8_t kind = (uint8_t)rng_below(&rng, HOLE_KIND_COUNT + 2u);
        assert_true(template_hole_print(kind, param, value, text) <= sizeof(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_hint),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
