/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void renames_updates_replaces(struct test *t)
{
    gives(t, "mutate { rename => { \"a\" => \"b\" } }", "{\"a\":1}", "{\"b\":1}");
    gives(t, "mutate { rename => { \"a\" => \"b\" } }", "{\"c\":1}", "{\"c\":1}");
    gives(t, "mutate { rename => { \"[x][y]\" => \"[z][w]\" } }", "{\"x\":{\"y\":[1,{\"q\":2}]}}",
          "{\"x\":{},\"z\":{\"w\":[1,{\"q\":2}]}}");
    gives(t, "mutate { rename => [ \"a\", \"b\" ] }", "{\"a\":1}", "{\"b\":1}");
    gives(t, "mutate { rename => { \"%{n}\" => \"new_%{n}\" } }", "{\"n\":\"k\",\"k\":7}",
          "{\"n\":\"k\",\"new_k\":7}");
    gives(t, "mutate { update => { \"a\" => \"%{b}!\" \"c\" => \"x\" } }", "{\"a\":1,\"b\":2}",
          "{\"a\":\"2!\",\"b\":2}");
    gives(t, "mutate { replace => { \"a\" => \"%{b}!\" \"c\" => \"x\" } }", "{\"a\":1,\"b\":2}",
          "{\"a\":\"2!\",\"b\":2,\"c\":\"x\"}");
    gives(t, "mutate { coerce => { \"a\" => \"d\" \"b\" => \"d\" \"c\" => \"d\" } }",
          "{\"a\":null,\"b\":1}", "{\"a\":\"d\",\"b\":1}");
    gives(t,
          "mutate { copy => { \"a\" => \"b\" \"x\" => \"y\" } } mutate { add_field => { \"[b][k]\" "
          "=> \"1\" } }",
          "{\"a\":{\"k\":\"0\"}}", "{\"a\":{\"k\":\"0\"},\"b\":{\"k\":[\"0\",\"1\"]}}");
}

static void converts(struct test *t)
{
    static const char *const integers[][2] = {
        {"\"12\"", "12"},
        {"\"12x\"", "12"},
        {"\"abc\"", "0"},
        {"\"\"", "0"},
        {"\" -7 \"", "-7"},
        {"\"1,234\"", "1234"},
        {"\"+5\"", "5"},
        {"\"1_000\"", "1000"},
        {"\"3.99\"", "3"},
        {"3.99", "3"},
        {"-3.99", "-3"},
        {"true", "1"},
        {"false", "0"},
        {"null", "null"},
        {"\"123456789012345678901234567890\"", "123456789012345678901234567890"},
        {"[\"1\",2.5,null]", "[1,2,null]"},
        {"{\"x\":\"1\"}", "{\"x\":\"1\"}"},
        {"\"0x1F\"", "0"},
        {"\"007\"", "7"},
        {"\"9223372036854775807\"", "9223372036854775807"},
        {"\"-9223372036854775808\"", "-9223372036854775808"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(integers); i++)
        gives(t, "mutate { convert => { \"a\" => \"integer\" } }",
              arena_printf(t->mem, "{\"a\":%s}", integers[i][0]).p,
              arena_printf(t->mem, "{\"a\":%s}", integers[i][1]).p);
    static const char *const floats[][2] = {{"\"1.5\"", "1.5"},    {"\"1,234.5x\"", "1234.5"},
                                            {"\"1e3\"", "1000.0"}, {"\"x\"", "0.0"},
                                            {"7", "7.0"},          {"true", "1.0"},
                                            {"\".5\"", "0.0"},     {"\"5.\"", "5.0"}};
    for (size_t i = 0; i < ARRAY_COUNT(floats); i++)
        gives(t, "mutate { convert => { \"a\" => \"float\" } }",
              arena_printf(t->mem, "{\"a\":%s}", floats[i][0]).p,
              arena_printf(t->mem, "{\"a\":%s}", floats[i][1]).p);
    static const char *const booleans[][2] = {
        {"\"TRUE\"", "true"}, {"\"y\"", "true"}, {"1", "true"},  {"1.0", "true"},
        {"\"no\"", "false"},  {"\"\"", "false"}, {"0", "false"}, {"\"maybe\"", "\"maybe\""}};
    for (size_t i = 0; i < ARRAY_COUNT(booleans); i++)
        gives(t, "mutate { convert => { \"a\" => \"boolean\" } }",
              arena_printf(t->mem, "{\"a\":%s}", booleans[i][0]).p,
              arena_printf(t->mem, "{\"a\":%s}", booleans[i][1]).p);
    gives(t, "mutate { convert => { \"a\" => \"integer_eu\" \"b\" => \"float_eu\" } }",
          "{\"a\":\"1.234,9\",\"b\":\"1.234,5\"}", "{\"a\":1234,\"b\":1234.5}");
    gives(t, "mutate { convert => { \"a\" => \"string\" \"b\" => \"string\" } }",
          "{\"a\":1.0,\"b\":[1,true]}", "{\"a\":\"1.0\",\"b\":[\"1\",\"true\"]}");
}

static void changes_texts(struct test *t)
{
    gives(t, "mutate { uppercase => [\"a\", \"b\"] }", "{\"a\":\"ab\xC3\xA9\",\"b\":[\"x\",1]}",
          "{\"a\":\"AB\xC3\x89\",\"b\":[\"X\",1]}");
    gives(t, "mutate { lowercase => \"a\" }", "{\"a\":\"AB\"}", "{\"a\":\"ab\"}");
    gives(t, "mutate { capitalize => \"a\" }", "{\"a\":\"hELLO wORLD\"}",
          "{\"a\":\"Hello world\"}");
    gives(t, "mutate { strip => [\"a\", \"b\", \"c\"] }",
          "{\"a\":\" \\t x \\n\",\"b\":[\" y \"],\"c\":1}", "{\"a\":\"x\",\"b\":[\"y\"],\"c\":1}");
    gives(t, "mutate { gsub => [\"a\", \"[aeiou]\", \"_\", \"b\", \"(.)(.)\", \"\\2\\1\"] }",
          "{\"a\":\"education\",\"b\":[\"ab\",7]}", "{\"a\":\"_d_c_t__n\",\"b\":[\"ba\",7]}");
    gives(t, "mutate { gsub => [\"a\", \"%{k}\", \"<%{k}>\"] }", "{\"a\":\"xyz\",\"k\":\"y\"}",
          "{\"a\":\"x<y>z\",\"k\":\"y\"}");
}

static void splits_joins_merges(struct test *t)
{
    static const char *const splits[][2] = {{"\"a,b,c\"", "[\"a\",\"b\",\"c\"]"},
                                            {"\"a,,b,,\"", "[\"a\",\"\",\"b\"]"},
                                            {"\"\"", "[]"},
                                            {"\",\"", "[]"},
                                            {"\"abc\"", "[\"abc\"]"},
                                            {"7", "7"},
                                            {"\",a\"", "[\"\",\"a\"]"}};
    for (size_t i = 0; i < ARRAY_COUNT(splits); i++)
        gives(t, "mutate { split => [\"a\", \",\"] }",
              arena_printf(t->mem, "{\"a\":%s}", splits[i][0]).p,
              arena_printf(t->mem, "{\"a\":%s}", splits[i][1]).p);
    gives(t, "mutate { split => { \"a\" => \" \" \"b\" => \"::\" \"c\" => \"\" } }",
          "{\"a\":\" x  y \",\"b\":\"1::2\",\"c\":\"가나\"}",
          "{\"a\":[\"x\",\"y\"],\"b\":[\"1\",\"2\"],\"c\":[\"가\",\"나\"]}");
    gives(t, "mutate { join => { \"a\" => \"-\" \"b\" => \"-\" } }",
          "{\"a\":[1,\"x\",[2.5]],\"b\":\"x\"}", "{\"a\":\"1-x-2.5\",\"b\":\"x\"}");
    gives(t, "mutate { merge => { \"a\" => \"b\" } }", "{\"a\":1,\"b\":[2,3]}",
          "{\"a\":[1,2,3],\"b\":[2,3]}");
    gives(t, "mutate { merge => { \"a\" => [\"b\", \"c\"] } }", "{\"a\":[1],\"b\":2,\"c\":3}",
          "{\"a\":[1,2,3],\"b\":2,\"c\":3}");
    gives(t, "mutate { merge => { \"a\" => \"b\" } }", "{\"a\":{\"x\":1,\"y\":1},\"b\":{\"x\":2}}",
          "{\"a\":{\"x\":2,\"y\":1},\"b\":{\"x\":2}}");
    gives(t, "mutate { merge => { \"a\" => \"b\" } }", "{\"a\":{\"x\":1},\"b\":2}",
          "{\"a\":{\"x\":1},\"b\":2}");
}

static void keeps_logstashs_order(struct test *t)
{
    gives(t,
          "mutate { copy => { \"b\" => \"c\" } uppercase => \"b\" rename => { \"a\" => \"b\" } }",
          "{\"a\":\"x\"}", "{\"b\":\"X\",\"c\":\"X\"}");
    gives(t, "mutate { join => { \"a\" => \"-\" } split => { \"a\" => \",\" } }", "{\"a\":\"1,2\"}",
          "{\"a\":\"1-2\"}");
    gives(t,
          "mutate { split => [\"m\", \",\"] add_field => { \"k\" => \"%{[m][1]}\" } remove_field "
          "=> [\"m\"] }",
          "{\"m\":\"1,2\"}", "{\"k\":\"2\"}");
}

static void common_options(struct test *t)
{
    gives(t, "mutate { add_field => { \"a\" => \"2\" \"b_%{a}\" => [\"x\", \"y\"] } }",
          "{\"a\":\"1\"}", "{\"a\":[\"1\",\"2\"],\"b_1,2\":[\"x\",\"y\"]}");
    gives(t, "mutate { add_field => [ \"n\", 5 ] add_tag => [\"x\", \"%{k}\"] }",
          "{\"k\":\"v\",\"tags\":[\"x\"]}",
          "{\"k\":\"v\",\"n\":\"5\",\"tags\":[\"x\",\"x\",\"v\"]}");
    gives(t, "mutate { add_tag => \"a\" remove_tag => [\"a\", \"b\"] }", "{\"tags\":[\"b\",\"c\"]}",
          "{\"tags\":[\"c\"]}");
    gives(t, "mutate { remove_field => [\"a\", \"[b][c]\", \"%{k}\", \"none\"] }",
          "{\"a\":1,\"b\":{\"c\":1,\"d\":2},\"k\":\"z\",\"z\":1}", "{\"b\":{\"d\":2},\"k\":\"z\"}");
    gives(t,
          "mutate { add_field => { \"[@metadata][i]\" => \"x\" } } mutate { add_field => { \"a\" "
          "=> \"%{[@metadata][i]}\" } }",
          "{}", "{\"a\":\"x\",\"@metadata\":{\"i\":\"x\"}}");
}

static void failures_are_tagged(struct test *t)
{
    gives(t,
          "mutate { rename => { \"a\" => \"[b][c]\" } uppercase => \"d\" add_field => { \"x\" => "
          "\"1\" } }",
          "{\"a\":1,\"b\":\"text\",\"d\":\"d\"}",
          "{\"b\":\"text\",\"d\":\"d\",\"tags\":[\"_mutate_error\"]}");
    refuses(t, "filter { mutate { convert => { \"a\" => \"intger\" } } }", "1:39",
            "did you mean \"integer\"");
    refuses(t, "filter { mutate { gsub => [\"a\", \"b\"] } }", "1:28", "threes");
    refuses(t, "filter { mutate { gsub => [\"a\", \"(\", \"b\"] } }", NULL, "");
    refuses(t, "filter { mutate { rename => { \"a\" => 5 } } }", "1:38", "a field's name");
}

TEST_MAIN(TEST(renames_updates_replaces), TEST(converts), TEST(changes_texts),
          TEST(splits_joins_merges), TEST(keeps_logstashs_order), TEST(common_options),
          TEST(failures_are_tagged))
