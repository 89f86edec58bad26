/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <math.h>

#include "base/buf.h"
#include "codec/json.h"

/* The tokens as text: { } [ ] k(key) s(text) i(5) f(0.5) b(digits) T F N . or !off. */
static struct str tokens(struct test *t, struct str json, unsigned flags)
{
    struct json_reader in;
    json_reader_init(&in, json, t->mem, flags);
    struct buf out;
    buf_init(&out, 0);
    enum json_token token;
    do {
        token = json_next(&in);
        switch (token) {
        case JSON_END:
            buf_add_char(&out, '.');
            break;
        case JSON_OBJECT_BEGIN:
            buf_add_char(&out, '{');
            break;
        case JSON_OBJECT_END:
            buf_add_char(&out, '}');
            break;
        case JSON_ARRAY_BEGIN:
            buf_add_char(&out, '[');
            break;
        case JSON_ARRAY_END:
            buf_add_char(&out, ']');
            break;
        case JSON_KEY:
            buf_printf(&out, "k(%.*s)", STR_ARG(in.text));
            break;
        case JSON_STRING:
            buf_printf(&out, "s(%.*s)", STR_ARG(in.text));
            break;
        case JSON_INT:
            buf_printf(&out, "i(%lld)", (long long)in.i);
            break;
        case JSON_FLOAT:
            buf_printf(&out, "f(%.17g)", in.f);
            break;
        case JSON_BIG_INT:
            buf_printf(&out, "b(%.*s)", STR_ARG(in.text));
            break;
        case JSON_TRUE:
            buf_add_char(&out, 'T');
            break;
        case JSON_FALSE:
            buf_add_char(&out, 'F');
            break;
        case JSON_NULL:
            buf_add_char(&out, 'N');
            break;
        case JSON_ERROR:
            buf_printf(&out, "!%lld", (long long)in.err.off);
            t->err = in.err;
            break;
        }
    } while (token != JSON_END && token != JSON_ERROR);
    assert_int_equal(json_next(&in), token); /* stays there */
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

/* The input in memory of exactly its size, so that a sanitizer sees a read behind it. */
static struct str exact(struct str s)
{
    char *p = mem_alloc(s.n ? s.n : 1);
    memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

static void gives_flags(struct test *t, struct str json, unsigned flags, const char *want)
{
    struct str input = exact(json);
    struct str got = tokens(t, input, flags);
    if (!str_eq(got, str_from(want)))
        print_error("of %.*s\n", STR_ARG(json));
    assert_str_eq(got, want);
    bool is_valid = str_find_char(got, '!') < 0;
    if (flags == 0)
        assert_int_equal(json_validate(input, NULL) == 0, is_valid);
    mem_free((void *)(uintptr_t)input.p);
}
#define GIVES(lit, want)    gives_flags(t, STR(lit), 0, (want))
#define REPLACES(lit, want) gives_flags(t, STR(lit), JSON_REPLACE_UTF8, (want))

static void reads_values(struct test *t)
{
    GIVES("{}", "{}.");
    GIVES(" [ ] ", "[].");
    GIVES("\xEF\xBB\xBF[]", "[].");
    GIVES("{\"a\":1,\"b\":[true,false,null,\"x\"],\"c\":{\"d\":-2.5}}",
          "{k(a)i(1)k(b)[TFNs(x)]k(c){k(d)f(-2.5)}}.");
    GIVES("\t\r\n \"top\" ", "s(top).");
    GIVES("{\"\":\"\"}", "{k()s()}.");
    GIVES("{\"a\":1,\"a\":2}", "{k(a)i(1)k(a)i(2)}.");
    GIVES("[[[[]]],{}]", "[[[[]]]{}].");
}

static void reads_numbers(struct test *t)
{
    GIVES("[0,-0,1,-1,10,123456789]", "[i(0)i(0)i(1)i(-1)i(10)i(123456789)].");
    GIVES("9223372036854775807", "i(9223372036854775807).");
    GIVES("-9223372036854775808", "i(-9223372036854775808).");
    GIVES("9223372036854775808", "b(9223372036854775808).");
    GIVES("-9223372036854775809", "b(-9223372036854775809).");
    GIVES("18446744073709551616", "b(18446744073709551616).");
    GIVES("100000000000000000000000000", "b(100000000000000000000000000).");
    GIVES("[0.5,1e3,1E+3,1e-3,-1.5e2,0e5,0.0]", "[f(0.5)f(1000)f(1000)f(0.001)f(-150)f(0)f(0)].");
    GIVES("1.7976931348623157e308", "f(1.7976931348623157e+308).");
    GIVES("5e-324", "f(4.9406564584124654e-324).");
    GIVES("1e400", "f(inf).");
    GIVES("1e-400", "f(0).");
    GIVES("0.1", "f(0.10000000000000001).");
    GIVES("3.141592653589793238462643383279", "f(3.1415926535897931).");
    GIVES("9007199254740993.0", "f(9007199254740992).");
    GIVES("9007199254740993.00000000000000000001", "f(9007199254740994).");
}

static void refuses_numbers(struct test *t)
{
    GIVES("-", "!1");
    GIVES("+1", "!0");
    GIVES("01", "!0");
    GIVES("-01", "!0");
    GIVES("1.", "!2");
    GIVES(".5", "!0");
    GIVES("1e", "!2");
    GIVES("1e+", "!3");
    GIVES("[1.e1]", "[!3");
    GIVES("0x10", "i(0)!1");
    GIVES("1a", "i(1)!1");
    GIVES("NaN", "!0");
    GIVES("-Infinity", "!1");
    GIVES("1 2", "i(1)!2");
}

static void reads_escapes(struct test *t)
{
    GIVES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s(\"\\/\b\f\n\r\t).");
    GIVES("\"\\u0041\\u00e9\\uac00\"", "s(A\xC3\xA9\xEA\xB0\x80).");
    GIVES("\"\\uD83D\\uDE00?\"", "s(\xF0\x9F\x98\x80?).");
    GIVES("\"\\ud83dx\"", "s(\xEF\xBF\xBDx).");
    GIVES("\"\\ude00\"", "s(\xEF\xBF\xBD).");
    GIVES("\"\\ud83d\\ud83d\\ude00\"", "s(\xEF\xBF\xBD\xF0\x9F\x98\x80).");
    GIVES("{\"a\\nb\":0}", "{k(a\nb)i(0)}.");
    GIVES("\"0123456789abcdef0123456789\\n0123456789abcdef\\t\"",
          "s(0123456789abcdef0123456789\n0123456789abcdef\t).");
}

static void refuses_strings(struct test *t)
{
    GIVES("\"", "!0");
    GIVES("\"abc", "!0");
    GIVES("\"abc\\", "!0");
    GIVES("\"abc\\\"", "!0");
    GIVES("\"\\x\"", "!2");
    GIVES("\"\\u12\"", "!1");
    GIVES("\"\\u12g4\"", "!1");
    GIVES("\"\\u123", "!0");
    GIVES("\"a\nb\"", "!2");
    GIVES("\"a\tb\"", "!2");
    GIVES("\"a\0b\"", "!2");
    GIVES("'a'", "!0");
    GIVES("\"0123456789abcdef0123456789\x01\"", "!27");
}

static void checks_utf8(struct test *t)
{
    GIVES("\"\xEA\xB0\x80\xEB\x82\x98\xEB\xA3\xA8 \xF0\x9F\x98\x80 \xC3\xA9\"",
          "s(\xEA\xB0\x80\xEB\x82\x98\xEB\xA3\xA8 \xF0\x9F\x98\x80 \xC3\xA9).");
    GIVES("\"\xFF\"", "!1");
    GIVES("\"\xC0\x80\"", "!1");
    GIVES("\"\xC1\xBF\"", "!1");
    GIVES("\"\xE0\x80\x80\"", "!1");
    GIVES("\"\xED\xA0\x80\"", "!1");
    GIVES("\"\xF0\x80\x80\x80\"", "!1");
    GIVES("\"\xF4\x90\x80\x80\"", "!1");
    GIVES("\"\xF5\x80\x80\x80\"", "!1");
    GIVES("\"\xE2\x82\"", "!1");
    GIVES("\"ab\x80\"", "!3");
    REPLACES("\"a\xFF"
             "b\"",
             "s(a\xEF\xBF\xBD"
             "b).");
    REPLACES("\"\xE2\x82\"", "s(\xEF\xBF\xBD).");
    REPLACES("\"\xE2\x82(\"", "s(\xEF\xBF\xBD().");
    REPLACES("\"\xED\xA0\x80\"", "s(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD).");
    REPLACES("\"\xFF\xFF\xFF\xFF\\n\"", "s(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n).");
    REPLACES("{\"\x80\":1}", "{k(\xEF\xBF\xBD)i(1)}.");
}

static void refuses_structure(struct test *t)
{
    GIVES("", "!0");
    GIVES("  ", "!2");
    GIVES("{", "{!1");
    GIVES("[", "[!1");
    GIVES("}", "!0");
    GIVES("[1,]", "[i(1)!3");
    GIVES("[,1]", "[!1");
    GIVES("[1 2]", "[i(1)!3");
    GIVES("{\"a\"}", "{!4");
    GIVES("{\"a\" 1}", "{!5");
    GIVES("{\"a\":}", "{k(a)!5");
    GIVES("{\"a\":1,}", "{k(a)i(1)!7");
    GIVES("{a:1}", "{!1");
    GIVES("{1:1}", "{!1");
    GIVES("[1}", "[i(1)!2");
    GIVES("{\"a\":1]", "{k(a)i(1)!6");
    GIVES("tru", "!0");
    GIVES("True", "!0");
    GIVES("nulls", "N!4");
    GIVES("[]x", "[]!2");
    GIVES("/**/1", "!0");
    assert_err_has(&t->err, "expected a value");
    GIVES("{\n  \"a\": 1,\n  b: 2}", "{k(a)i(1)!14");
    assert_int_equal(t->err.line, 3);
    assert_int_equal(t->err.column, 3);
}

static void limits_depth(struct test *t)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        int rc = json_validate((struct str){text, depth * 2}, &t->err);
        if (depth == JSON_DEPTH_MAX)
            assert_int_equal(rc, 0);
        else
            assert_err(rc, &t->err, ERR_JSON);
    }
    assert_err_has(&t->err, "128 levels");
    assert_int_equal(t->err.off, JSON_DEPTH_MAX);
}

static void skips(struct test *t)
{
    struct str input = STR("{\"a\": {\"x\":[1,\"]}\\u00e9\"]} ,\"b\": 5,\"c\":[ ]}");
    struct json_reader in;
    struct str raw;
    json_reader_init(&in, input, t->mem, 0);
    assert_int_equal(json_next(&in), JSON_OBJECT_BEGIN);
    enum json_token key = json_next(&in);
    assert_int_equal(key, JSON_KEY);
    assert_true(json_skip_raw(&in, key, &raw));
    assert_str_eq(raw, "{\"x\":[1,\"]}\\u00e9\"]}");
    key = json_next(&in);
    assert_true(json_skip_raw(&in, key, &raw));
    assert_str_eq(raw, "5");
    assert_int_equal(json_next(&in), JSON_KEY);
    assert_str_eq(in.text, "c");
    enum json_token value = json_next(&in);
    assert_true(json_skip_raw(&in, value, &raw));
    assert_str_eq(raw, "[ ]");
    assert_int_equal(json_next(&in), JSON_OBJECT_END);
    assert_int_equal(json_next(&in), JSON_END);
    json_reader_init(&in, input, t->mem, 0);
    assert_true(json_skip(&in, json_next(&in)));
    assert_int_equal(json_next(&in), JSON_END);
    json_reader_init(&in, STR("[1,[2,}]"), t->mem, 0);
    assert_false(json_skip(&in, json_next(&in)));
    assert_int_equal(in.err.off, 6);
}

/* A key that is expected is read as json_next reads it, or not at all. */
static void reads_expected_keys(struct test *t)
{
    static const struct {
        const char *json, *key;
        unsigned before; /* tokens */
        bool is_read;
    } rows[] = {
        {"{\"a\":1}", "a", 1, true},           {"{\"ab\":1}", "a", 1, false},
        {"{\"a\":1}", "ab", 1, false},         {"{\"a\": 1, \"bc\":2}", "bc", 3, true},
        {"{\"a\":1,\"bc\":2}", "bc", 3, true}, {"{\"a\":1,\"bc\" :2}", "bc", 3, false},
        {"{\"a\":1 ,\"b\":2}", "b", 3, false}, {"{\"\":1}", "", 1, true},
        {"{\"a\":[\"b\"]}", "b", 3, false},    {"{\"a\":\"b\"}", "b", 2, false},
        {"{\"a\":{},\"b\":0}", "b", 4, true},  {"{\"a\":1,\"b\"", "b", 3, false},
        {"{\"a\":1,", "b", 3, false},          {"{\"a\":1}", "b", 3, false},
        {"[1,\"b\":2]", "b", 2, false},        {"1", "b", 0, false},
        {"{\"a\":1}", "a", 4, false},          {"{\"\\u0061\":1}", "a", 1, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json_reader in, twin;
        json_reader_init(&in, str_from(rows[i].json), t->mem, 0);
        for (unsigned n = 0; n < rows[i].before; n++)
            (void)json_next(&in);
        twin = in;
        if (json_key_is(&in, str_from(rows[i].key)) != rows[i].is_read)
            fail_msg("%s: [%s]", rows[i].json, rows[i].key);
        if (rows[i].is_read) {
            assert_int_equal(json_next(&twin), JSON_KEY);
            assert_strs_eq(in.text, twin.text);
            assert_int_equal(in.token_off, twin.token_off);
            assert_int_equal(in.token_end, twin.token_end);
        }
        assert_ptr_equal(in.p, twin.p);
        enum json_token token = json_next(&in);
        assert_int_equal(json_next(&twin), token);
        assert_int_equal(in.token_end, twin.token_end);
    }
}

static void minifies(struct test *t)
{
    struct buf out;
    buf_init(&out, 0);
    assert_ok(
        json_minify(STR(" { \"a b\" : [ 1 , \"x \\\" y\" ] , \"c\" : true }\n"), &out, &t->err),
        &t->err);
    assert_str_eq(buf_str(&out), "{\"a b\":[1,\"x \\\" y\"],\"c\":true}");
    buf_clear(&out);
    assert_err(json_minify(STR("[1,"), &out, &t->err), &t->err, ERR_JSON);
    assert_int_equal(out.n, 0);
    buf_deinit(&out);
}

static void write_sample(struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "a");
    json_array_begin(w);
    json_i64(w, -5);
    json_u64(w, UINT64_MAX);
    json_bool(w, true);
    json_null(w);
    json_array_end(w);
    json_key_lit(w, "e");
    json_object_begin(w);
    json_object_end(w);
    json_key_lit(w, "f");
    json_array_begin(w);
    json_array_end(w);
    json_key_lit(w, "r");
    json_raw(w, STR("{\"x\":[1,2]}"));
    json_key_lit(w, "s");
    json_str(w, STR("q\"\\\n\x01\xFF\xED\x95\x9C/"));
    json_object_end(w);
}

static void writes(struct test *t)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, 0);
    json_writer_init(&w, &out, false);
    write_sample(&w);
    assert_str_eq(
        buf_str(&out),
        "{\"a\":[-5,18446744073709551615,true,null],\"e\":{},\"f\":[],\"r\":{\"x\":[1,2]},"
        "\"s\":\"q\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xED\x95\x9C/\"}");
    assert_ok(json_validate(buf_str(&out), &t->err), &t->err);
    buf_clear(&out);
    json_writer_init(&w, &out, true);
    write_sample(&w);
    assert_str_eq(buf_str(&out),
                  "{\n  \"a\" : [\n    -5,\n    18446744073709551615,\n    true,\n    null\n  ],\n"
                  "  \"e\" : { },\n  \"f\" : [ ],\n  \"r\" : {\n    \"x\" : [\n      1,\n      2\n"
                  "    ]\n  },\n  \"s\" : \"q\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xED\x95\x9C/\"\n}");
    buf_deinit(&out);
}

static void writes_doubles_as_java(struct test *t)
{
    static const struct {
        double v;
        const char *want;
    } rows[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {100, "100.0"},
        {1234567, "1234567.0"},
        {9999999, "9999999.0"},
        {10000000, "1.0E7"},
        {12345678.9, "1.23456789E7"},
        {0.001, "0.001"},
        {0.00099, "9.9E-4"},
        {1e10, "1.0E10"},
        {1e-10, "1.0E-10"},
        {1.7976931348623157e308, "1.7976931348623157E308"},
        {0.1, "0.1"},
        {33.333333333333336, "33.333333333333336"},
        {1e100, "1.0E100"},
        {71000, "71000.0"},
        {0.05, "0.05"},
        {123.456, "123.456"},
        {NAN, "null"},
        {INFINITY, "null"},
    };
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out;
        struct json_writer w;
        buf_init(&out, 0);
        json_writer_init(&w, &out, false);
        json_f64(&w, rows[i].v);
        assert_str_eq(buf_str(&out), rows[i].want);
        buf_deinit(&out);
    }
}

/* Any double reads back as itself, and no shorter text would do. */
static void doubles_come_back(struct test *t)
{
    for (int round = 0; round < 200000; round++) {
        double v;
        if (round & 1) {
            v = (double)rng_between(&t->rng, -2000000000, 2000000000) /
                (double[]){1, 10, 100, 1000, 1e4, 1e6, 3}[rng_below(&t->rng, 7)];
        } else {
            uint64_t bits = rng_u64(&t->rng);
            memcpy(&v, &bits, sizeof(v));
        }
        if (!isfinite(v))
            continue;
        struct buf out;
        struct json_writer w;
        buf_init(&out, 0);
        json_writer_init(&w, &out, false);
        json_f64(&w, v);
        double back = json_number_f64(buf_str(&out));
        char shortest[32];
        size_t n = f64_to_text(v, shortest), digits = 0, want = 0;
        for (size_t i = 0; i < out.n && out.p[i] != 'E'; i++)
            digits += out.p[i] >= '0' && out.p[i] <= '9';
        for (size_t i = 0; i < n && shortest[i] != 'e'; i++)
            want += shortest[i] >= '0' && shortest[i] <= '9';
        if (memcmp(&back, &v, sizeof(v)) != 0 ||
            digits > want + 7) /* 7: zeros of 1000000.0 and 0.001 */
            fail_msg("%.17g was written as %.*s", v, STR_ARG(buf_str(&out)));
        buf_deinit(&out);
    }
}

/* Random strings of all kinds of bytes come back the same, or with U+FFFD when they were not UTF-8.
 */
static void strings_come_back(struct test *t)
{
    for (int round = 0; round < 3000; round++) {
        char text[80];
        size_t n = (size_t)rng_below(&t->rng, sizeof(text));
        static const char *const pieces[] = {"a",    "\"",       "\\",           "\n",
                                             "\x1f", "\xC3\xA9", "\xEA\xB0\x80", "\xF0\x9F\x98\x80",
                                             "\xFF", "\xE2\x82", "0123456789",   " "};
        struct buf raw, json, again;
        buf_init(&raw, 0);
        buf_init(&json, 0);
        buf_init(&again, 0);
        while (raw.n < n)
            buf_add_str(&raw, str_from(pieces[rng_below(&t->rng, ARRAY_COUNT(pieces))]));
        json_write_str(&json, buf_str(&raw));
        struct str input = exact(buf_str(&json));
        struct json_reader in;
        json_reader_init(&in, input, t->mem, 0);
        assert_int_equal(json_next(&in), JSON_STRING);
        struct str text1 = in.text;
        assert_int_equal(json_next(&in), JSON_END);
        json_write_str(&again, text1);
        assert_strs_eq(buf_str(&again), buf_str(&json));
        buf_deinit(&raw);
        buf_deinit(&json);
        buf_deinit(&again);
        mem_free((void *)(uintptr_t)input.p);
    }
}

TEST_MAIN(TEST(reads_values), TEST(reads_numbers), TEST(refuses_numbers), TEST(reads_escapes),
          TEST(refuses_strings), TEST(checks_utf8), TEST(refuses_structure), TEST(limits_depth),
          TEST(skips), TEST(reads_expected_keys), TEST(minifies), TEST(writes),
          TEST(writes_doubles_as_java), TEST(doubles_come_back), TEST(strings_come_back))
