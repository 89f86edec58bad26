/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

#define dissects(t, pattern, message, out)                                                         \
    gives(t, "dissect { mapping => { \"m\" => \"" pattern "\" } remove_field => \"m\" }",          \
          "{\"m\":\"" message "\"}", out)

static void cuts_at_delimiters(struct test *t)
{
    dissects(t, "%{a} %{b}", "1 2 3", "{\"a\":\"1\",\"b\":\"2 3\"}");
    dissects(t, "<%{p}>%{ts} %{+ts} %{+ts} %{src} %{}: %{msg}",
             "<13>Jan 22 13:52:33 host app[1]: hello you",
             "{\"p\":\"13\",\"ts\":\"Jan 22 13:52:33\",\"src\":\"host\",\"msg\":\"hello you\"}");
    dissects(t, "%{+a/2} %{+a/1} %{+a/3}", "x y z", "{\"a\":\"y x z\"}");
    dissects(t, "%{?k}=%{&k}", "name=value", "{\"name\":\"value\"}");
    dissects(t, "%{a->} %{b}", "1    2", "{\"a\":\"1\",\"b\":\"2\"}");
    dissects(t, "%{a},%{b},%{c}", "1,,", "{\"a\":\"1\",\"b\":\"\",\"c\":\"\"}");
    dissects(t, "%{[x][y]}|", "v|", "{\"x\":{\"y\":\"v\"}}");
    gives(t,
          "dissect { mapping => { \"m\" => \"%{a} %{b} %{c}\" } convert_datatype => { \"a\" => "
          "\"int\" \"b\" => \"float\" \"c\" => \"int\" } remove_field => \"m\" }",
          "{\"m\":\"1 2.5 x\"}",
          "{\"a\":1,\"b\":2.5,\"c\":\"x\",\"tags\":[\"_dataconversionuncoercible_c_int\"]}");
}

static void failures(struct test *t)
{
    gives(t, "dissect { mapping => { \"m\" => \"%{a} - %{b}\" } add_tag => \"ok\" }",
          "{\"m\":\"1 2\"}\n{\"x\":1}",
          "{\"m\":\"1 2\",\"tags\":[\"_dissectfailure\"]}\n{\"x\":1,\"tags\":[\"ok\"]}");
    refuses(t, "filter { dissect { mapping => { \"m\" => \"none\" } } }", "1:40", "no %{field}");
    refuses(t, "filter { dissect { mapping => { \"m\" => \"%{a\" } } }", "1:40", "not closed");
    refuses(t, "filter { dissect { mapping => { \"m\" => \"%{a}%{b}\" } } }", "1:40",
            "without a delimiter");
}

TEST_MAIN(TEST(cuts_at_delimiters), TEST(failures))
