/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "codec/base64.h"

static void known_values(struct test *t)
{
    static const struct {
        const char *plain, *standard, *url;
    } rows[] = {{"", "", ""},
                {"f", "Zg==", "Zg"},
                {"fo", "Zm8=", "Zm8"},
                {"foo", "Zm9v", "Zm9v"},
                {"foob", "Zm9vYg==", "Zm9vYg"},
                {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                {"\xff\xfe?", "//4/", "__4_"}};
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        base64_encode(&out, rows[i].plain, strlen(rows[i].plain), BASE64_STANDARD);
        assert_str_eq(buf_str(&out), rows[i].standard);
        buf_clear(&out);
        base64_encode(&out, rows[i].plain, strlen(rows[i].plain), BASE64_URL);
        assert_str_eq(buf_str(&out), rows[i].url);
        buf_clear(&out);
        assert_true(base64_decode(&out, str_from(rows[i].standard)));
        assert_true(base64_decode(&out, str_from(rows[i].url)));
        assert_int_equal(out.n, 2 * strlen(rows[i].plain));
        buf_deinit(&out);
    }
}

static void refuses(struct test *t)
{
    static const char *const rows[] = {"Z",    "Zg=",  "Z===", "Zg==Zg==", "Zm9v YmFy",
                                       "Zh==", "Zm9=", "=",    "Zm9v\n"};
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        buf_add_char(&out, 'x');
        assert_false(base64_decode(&out, str_from(rows[i])));
        assert_str_eq(buf_str(&out), "x");
        buf_deinit(&out);
    }
}

static void comes_back(struct test *t)
{
    for (int round = 0; round < 2000; round++) {
        char bytes[50];
        size_t n = (size_t)rng_below(&t->rng, sizeof(bytes));
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)rng_below(&t->rng, 256);
        struct buf text, back;
        buf_init(&text, 0);
        buf_init(&back, 0);
        base64_encode(&text, bytes, n, round & 1 ? BASE64_URL : BASE64_STANDARD);
        assert_true(base64_decode(&back, buf_str(&text)));
        assert_true(str_eq(buf_str(&back), (struct str){bytes, n}));
        buf_deinit(&text);
        buf_deinit(&back);
    }
}

TEST_MAIN(TEST(known_values), TEST(refuses), TEST(comes_back))
