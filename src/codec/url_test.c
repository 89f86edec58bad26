/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "codec/url.h"

static void decodes(struct test *t)
{
    static const struct {
        const char *in, *plain, *form;
    } rows[] = {
        {"", "", ""},          {"abc", "abc", "abc"},     {"a%20b", "a b", "a b"},
        {"a+b", "a+b", "a b"}, {"%ec%a3%bc", "주", "주"}, {"100%", "100%", "100%"},
        {"%4", "%4", "%4"},    {"%zz1", "%zz1", "%zz1"},  {"%41", "A", "A"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_str_eq(url_decode(t->mem, str_from(rows[i].in), false), rows[i].plain);
        assert_str_eq(url_decode(t->mem, str_from(rows[i].in), true), rows[i].form);
    }
}

static void encodes(struct test *t)
{
    (void)t;
    struct buf out;
    buf_init(&out, 0);
    url_encode(&out, STR("a b/주~"));
    assert_str_eq(buf_str(&out), "a%20b%2F%EC%A3%BC~");
    buf_deinit(&out);
}

static void walks_queries(struct test *t)
{
    struct str query = STR("q=a%3Ab&&pretty&size=10"), name, value;
    assert_true(url_query_next(&query, t->mem, &name, &value));
    assert_str_eq(name, "q");
    assert_str_eq(value, "a:b");
    assert_true(url_query_next(&query, t->mem, &name, &value));
    assert_str_eq(name, "pretty");
    assert_null(value.p);
    assert_true(url_query_next(&query, t->mem, &name, &value));
    assert_str_eq(value, "10");
    assert_false(url_query_next(&query, t->mem, &name, &value));
}

static void takes_urls_apart(struct test *t)
{
    (void)t;
    struct url url;
    assert_true(url_parse(STR("http://user:p@ss@localhost:9200/a/b?c=d"), &url));
    assert_str_eq(url.scheme, "http");
    assert_str_eq(url.user, "user");
    assert_str_eq(url.password, "p@ss");
    assert_str_eq(url.host, "localhost");
    assert_int_equal(url.port, 9200);
    assert_str_eq(url.path, "/a/b");
    assert_str_eq(url.query, "c=d");
    assert_true(url_parse(STR("ws://[::1]:21000"), &url));
    assert_str_eq(url.host, "::1");
    assert_true(url_parse(STR("https://host"), &url));
    assert_int_equal(url.port, 0);
    static const char *const bad[] = {
        "", "localhost:9200", "http://", "http://h:99999", "http://[::1", "http://h:x/"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(url_parse(str_from(bad[i]), &url));
}

TEST_MAIN(TEST(decodes), TEST(encodes), TEST(walks_queries), TEST(takes_urls_apart))
