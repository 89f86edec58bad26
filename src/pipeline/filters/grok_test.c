/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

#include "pipeline/filters/grok_expand.h"
#include "text/regex.h"

static void all_stock_patterns_compile(struct test *t)
{
    struct grok_dict dict;
    grok_dict_init(&dict, t->mem);
    size_t at = 0, count = 0;
    struct str name;
    void *expression;
    while (strmap_next(&dict.patterns, &at, &name, &expression)) {
        struct grok_expanded x;
        struct regex *re = NULL;
        struct str pattern = arena_printf(t->mem, "%%{" STR_FMT ":f}", STR_ARG(name));
        assert_ok(grok_expand(&dict, pattern, false, &x, &t->err), &t->err);
        if (regex_compile(x.expression, REGEX_RUBY | REGEX_DOT_ALL, &re, &t->err) < 0)
            fail_msg(STR_FMT ": %s", STR_ARG(name), t->err.text);
        regex_free(re);
        count++;
    }
    assert_true(count > 100);
    grok_dict_deinit(&dict);
}

/* The whole text must match the named pattern, or must not. */
static void stock_patterns_match(struct test *t)
{
    static const struct {
        const char *name, *yes, *no;
    } cases[] = {
        {"INT", "-12", "1.5"},
        {"NUMBER", "-1.5", "x"},
        {"POSINT", "10", "0"},
        {"WORD", "abc_1", "a b"},
        {"IPV4", "192.168.0.1", "256.1.1.1"},
        {"IPV6", "2001:db8::1", "2001:db8"},
        {"IPV6", "::ffff:1.2.3.4", "1::2::3"},
        {"IP", "10.0.0.1", "10.0.0"},
        {"HOSTNAME", "a-b.example.com", "a b"},
        {"HOSTPORT", "h:80", "h"},
        {"UUID", "123e4567-e89b-12d3-a456-426614174000", "123e4567"},
        {"MAC", "00:1a:2b:3c:4d:5e", "00:1a"},
        {"UNIXPATH", "/var/log/x.log", "var"},
        {"WINPATH", "C:\\a\\b.txt", "a/b"},
        {"URI", "http://user:pw@example.com:80/a/b?x=1&y=2", "example"},
        {"EMAILADDRESS", "a.b@c.org", "a.b"},
        {"TIMESTAMP_ISO8601", "2025-01-22T13:52:33.123+09:00", "2025-13-41"},
        {"SYSLOGTIMESTAMP", "Jan  2 03:04:05", "2025-01-02"},
        {"HTTPDATE", "22/Jan/2025:13:52:33 +0900", "22/Jan/2025"},
        {"LOGLEVEL", "WARN", "loud"},
        {"MONTH", "September", "Sepp"},
        {"DAY", "Tue", "Tu"},
        {"TIME", "23:59:60", "24:00"},
        {"QS", "\"a \\\" b\"", "\"a"},
        {"DATESTAMP_RFC2822", "Wed, 22 Jan 2025 13:52:33 +0900", "Wed"},
        {"SPACE", "  ", "x"},
        {"BASE16NUM", "0xFF", "xyz"},
        {"JAVACLASS", "a.b.C$D", "1"},
        {"SYSLOGPROG", "cron[12]", "a b"},
    };
    struct grok_dict dict;
    grok_dict_init(&dict, t->mem);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct grok_expanded x;
        CLEANUP(regex_free_ptr) struct regex *re = NULL;
        assert_ok(
            grok_expand(&dict, arena_printf(t->mem, "%%{%s}", cases[i].name), false, &x, &t->err),
            &t->err);
        assert_ok(
            regex_compile(x.expression, REGEX_RUBY | REGEX_DOT_ALL | REGEX_WHOLE, &re, &t->err),
            &t->err);
        if (regex_find(re, str_from(cases[i].yes), 0, NULL) != 1 ||
            regex_find(re, str_from(cases[i].no), 0, NULL) != 0)
            fail_msg("%s: %s %s", cases[i].name, cases[i].yes, cases[i].no);
    }
    grok_dict_deinit(&dict);
}

static void takes_fields_out(struct test *t)
{
    gives(t,
          "grok { match => { \"m\" => \"%{IP:client} %{WORD:[http][method]} %{NUMBER:bytes:int} "
          "%{NUMBER:t:float} (?<rest>.*)\" } remove_field => \"m\" }",
          "{\"m\":\"10.0.0.1 GET 123 0.5 and more\"}",
          "{\"client\":\"10.0.0.1\",\"http\":{\"method\":\"GET\"},\"bytes\":123,\"t\":0.5,\"rest\":"
          "\"and more\"}");
    gives(
        t,
        "grok { match => { \"message\" => \"%{COMBINEDAPACHELOG}\" } remove_field => \"message\" }",
        "{\"message\":\"83.149.9.216 - - [17/May/2015:10:05:03 +0000] \\\"GET /a/b.png "
        "HTTP/1.1\\\" 200 203023 \\\"http://x/\\\" \\\"Mozilla\\\"\"}",
        "{\"clientip\":\"83.149.9.216\",\"ident\":\"-\",\"auth\":\"-\",\"timestamp\":\"17/May/"
        "2015:10:05:03 +0000\",\"verb\":\"GET\",\"request\":\"/a/b.png\","
        "\"httpversion\":\"1.1\",\"response\":\"200\",\"bytes\":\"203023\",\"referrer\":\"\\\"http:"
        "//x/\\\"\",\"agent\":\"\\\"Mozilla\\\"\"}");
    gives(t, "grok { match => { \"message\" => \"%{SYSLOGLINE}\" } overwrite => [\"message\"] }",
          "{\"message\":\"Jan  2 03:04:05 host cron[12]: hello\"}",
          "{\"message\":\"hello\",\"timestamp\":\"Jan  2 "
          "03:04:05\",\"logsource\":\"host\",\"program\":\"cron\",\"pid\":\"12\"}");
    gives(t, "grok { match => { \"m\" => \"%{WORD:a} %{WORD:a}\" } }", "{\"m\":\"x y\"}",
          "{\"m\":\"x y\",\"a\":[\"x\",\"y\"]}");
    gives(t, "grok { match => { \"m\" => [\"^%{INT:i:int}$\", \"^%{WORD:w}$\"] } }",
          "{\"m\":\"12\"}\n{\"m\":\"ab\"}\n{\"m\":7}",
          "{\"m\":\"12\",\"i\":12}\n{\"m\":\"ab\",\"w\":\"ab\"}\n{\"m\":7,\"i\":7}");
    gives(t,
          "grok { match => { \"m\" => \"%{A:a}-%{B}\" } pattern_definitions => { \"A\" => "
          "\"[ab]+\" \"B\" => \"c%{INT:n:int}\" } }",
          "{\"m\":\"aba-c5\"}", "{\"m\":\"aba-c5\",\"a\":\"aba\",\"n\":5}");
    gives(t, "grok { match => { \"m\" => \"%{X=[0-9]+}\" } named_captures_only => false }",
          "{\"m\":\"a12\"}", "{\"m\":\"a12\",\"X\":\"12\"}");
    gives(t, "grok { match => { \"m\" => \"a(?<b>x)?(?<c>y)\" } keep_empty_captures => true }",
          "{\"m\":\"ay\"}", "{\"m\":\"ay\",\"c\":\"y\"}");
    gives(t, "grok { match => { \"m\" => \"(?<q>['\\\"]).*\\k<q>\" } }", "{\"m\":\"x'y'\"}",
          "{\"m\":\"x'y'\",\"q\":\"'\"}");
    gives(t, "grok { match => { \"m\" => \"^b$\" } add_tag => \"ok\" }", "{\"m\":\"a\\nb\\nc\"}",
          "{\"m\":\"a\\nb\\nc\",\"tags\":[\"ok\"]}");
    gives(t, "grok { match => { \"m\" => \"%{WORD:w:string}\" } target => \"g\" }",
          "{\"m\":[\"1\",\"b\"]}", "{\"m\":[\"1\",\"b\"],\"g\":{\"w\":[\"1\",\"b\"]}}");
}

static void failures(struct test *t)
{
    gives(t, "grok { match => { \"m\" => \"%{INT:i}\" } add_tag => \"ok\" }",
          "{\"m\":\"x\"}\n{\"n\":1}",
          "{\"m\":\"x\",\"tags\":[\"_grokparsefailure\"]}\n{\"n\":1,\"tags\":[\"_"
          "grokparsefailure\"]}");
    gives(t, "grok { match => { \"m\" => \"^(x|xx)+$\" } }",
          "{\"m\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz\"}",
          "{\"m\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz\",\"tags\":[\"_groktimeout\"]}");
    refuses(t, "filter { grok { match => { \"m\" => \"%{NOSUCH:x}\" } } }", "1:35", "not defined");
    refuses(t, "filter { grok { match => { \"m\" => \"(\" } } }", "1:35", "");
    refuses(t,
            "filter { grok { match => { \"m\" => \"%{A}\" } pattern_definitions => { \"A\" => "
            "\"%{A}\" } } }",
            "1:35", "in each other");
    refuses(t, "filter { grok { patterns_dir => \"/nowhere\" } }", "1:33", "/nowhere");
}

TEST_MAIN(TEST(all_stock_patterns_compile), TEST(stock_patterns_match), TEST(takes_fields_out),
          TEST(failures))
