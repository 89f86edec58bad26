/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/bits.h"
#include "base/buf.h"

static void everything_is_appended(struct test *t)
{
    (void)t;
    struct buf buf;
    buf_init(&buf, 0);
    buf_add_lit(&buf, "lit ");
    buf_add_str(&buf, STR("str "));
    buf_add_str(&buf, STR_NONE);
    buf_add_char(&buf, 'c');
    buf_printf(&buf, " %03d ", 7);
    buf_add_u64(&buf, 0);
    buf_add_char(&buf, ' ');
    buf_add_u64(&buf, UINT64_MAX);
    buf_add_char(&buf, ' ');
    buf_add_i64(&buf, INT64_MIN);
    buf_add_char(&buf, ' ');
    buf_add_i64(&buf, -1);
    assert_string_equal(buf_cstr(&buf),
                        "lit str c 007 0 18446744073709551615 -9223372036854775808 -1");
    assert_false(buf.is_over);
    buf_drop(&buf, 8);
    buf_drop(&buf, 0);
    assert_true(str_starts_with(buf_str(&buf), STR("c 007")));
    buf_drop(&buf, buf.n);
    assert_int_equal(buf.n, 0);
    buf_deinit(&buf);
    buf_deinit(&buf);
    buf_deinit(NULL);
}

static void integers_have_their_byte_order(struct test *t)
{
    (void)t;
    struct buf buf;
    buf_init(&buf, 0);
    buf_add_u8(&buf, 0xAB);
    buf_add_u32_le(&buf, 0x01020304);
    buf_add_u32_be(&buf, 0x01020304);
    buf_add_u64_le(&buf, UINT64_C(0x0102030405060708));
    buf_add_varint(&buf, 300);
    static const uint8_t expected[] = {0xAB, 4, 3, 2, 1, 1, 2, 3,    4,   8,
                                       7,    6, 5, 4, 3, 2, 1, 0xAC, 0x02};
    assert_int_equal(buf.n, sizeof(expected));
    assert_memory_equal(buf.p, expected, sizeof(expected));
    buf_deinit(&buf);
}

static void going_over_latches_and_changes_nothing(struct test *t)
{
    (void)t;
    struct buf buf;
    buf_init(&buf, 10);
    buf_add_lit(&buf, "12345678");
    buf_add_lit(&buf, "90a");
    assert_true(buf.is_over);
    buf_add_lit(&buf, "9"); /* would fit, but the latch holds */
    buf_printf(&buf, "%d", 1);
    assert_null(buf_reserve(&buf, 0));
    assert_str_eq(buf_str(&buf), "12345678");
    buf_clear(&buf);
    buf_add_lit(&buf, "1234567890");
    assert_false(buf.is_over);
    assert_str_eq(buf_str(&buf), "1234567890");
    assert_true(buf.capacity <= 10);
    buf_add_char(&buf, 'x');
    assert_true(buf.is_over);
    buf_deinit(&buf);
}

static void room_is_reserved(struct test *t)
{
    struct buf buf;
    buf_init(&buf, 0);
    assert_non_null(buf_reserve(&buf, 0));
    struct str all = STR("");
    for (unsigned i = 0; i < 100; i++) {
        size_t n = rng_below(&t->rng, 500);
        char *to = buf_reserve(&buf, n);
        assert_non_null(to);
        memset(to, 'a' + (int)(i % 26), n);
        buf_added(&buf, n);
        char *copy = arena_alloc(t->mem, all.n + n);
        memcpy(copy, all.p, all.n);
        memset(copy + all.n, 'a' + (int)(i % 26), n);
        all = (struct str){copy, all.n + n};
    }
    assert_strs_eq(buf_str(&buf), all);
    buf_deinit(&buf);
}

TEST_MAIN(TEST(everything_is_appended), TEST(integers_have_their_byte_order),
          TEST(going_over_latches_and_changes_nothing), TEST(room_is_reserved))
