/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they are written, at the ends of integers and where doubles have gaps. */
#include "query/whole_number.h"
#include "support/test.h"

static void numbers_are_read_exactly(struct test *t)
{
    static const struct {
        const char *text;
        int64_t floor; /* 0 where `is_beyond` */
        bool has_fraction, is_beyond;
    } rows[] = {
        {"0", 0, false, false},
        {"-0.5", -1, true, false},
        {"1.50", 1, true, false},
        {"1.00", 1, false, false},
        {"9007199254740992.5", INT64_C(9007199254740992), true, false},
        {"9007199254740993.0", INT64_C(9007199254740993), false, false},
        {"9.007199254740993e15", INT64_C(9007199254740993), false, false},
        {"-15e-1", -2, true, false},
        {"0.0000000001e10", 1, false, false},
        {"1e-400", 0, true, false},
        {"9223372036854775807", INT64_MAX, false, false},
        {"9223372036854775808", 0, false, true},
        {"1e300", 0, false, true},
        {"-1e99999", 0, false, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = value_str(str_from(rows[i].text));
        struct field field = {.type = FIELD_LONG};
        struct whole_number whole;
        int64_t stored = 0;
        bool is_read = whole_number(&v, t->mem, &whole);
        bool fits = is_read && whole_number_stored(&field, whole.floor, &stored);
        if (!is_read || fits == rows[i].is_beyond || stored != rows[i].floor ||
            whole.has_fraction != rows[i].has_fraction)
            fail_msg("%s", rows[i].text);
    }
    struct value word = value_str(STR("x")), is = value_bool(true);
    struct whole_number unused;
    assert_false(whole_number(&word, t->mem, &unused));
    assert_false(whole_number(&is, t->mem, &unused));
}

static void ranges_are_cut_to_the_field(struct test *t)
{
    (void)t;
    struct field is_long = {.type = FIELD_LONG}, is_unsigned = {.type = FIELD_UNSIGNED_LONG};
    int64_t min, max;
    whole_number_clamp(&is_long, WHOLE_NUMBER_MIN, 5, &min, &max);
    assert_true(min == INT64_MIN && max == 5);
    whole_number_clamp(&is_long, (whole_int)INT64_MAX + 1, WHOLE_NUMBER_MAX, &min, &max);
    assert_true(min > max);
    whole_number_clamp(&is_long, 6, 5, &min, &max);
    assert_true(min > max);
    whole_number_clamp(&is_unsigned, -3, (whole_int)UINT64_MAX + 9, &min, &max);
    assert_true(min == INT64_MIN && max == INT64_MAX); /* kept minus 2^63 */
    whole_number_clamp(&is_unsigned, WHOLE_NUMBER_MIN, -1, &min, &max);
    assert_true(min > max);
}

TEST_MAIN(TEST(numbers_are_read_exactly), TEST(ranges_are_cut_to_the_field))
