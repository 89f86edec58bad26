/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

#define pairs(t, options, message, out)                                                            \
    gives(t, "kv { source => \"m\" " options " remove_field => \"m\" }",                           \
          "{\"m\":\"" message "\"}", out)

static void finds_pairs(struct test *t)
{
    pairs(t, "", "a=1 b=two c=\\\"x y\\\" d='q' e=[1 2] f=(p) g=<h> word",
          "{\"a\":\"1\",\"b\":\"two\",\"c\":\"x y\",\"d\":\"q\",\"e\":\"1 "
          "2\",\"f\":\"p\",\"g\":\"h\"}");
    pairs(t, "", "a = 1  b= 2", "{\"a\":\"1\",\"b\":\"2\"}");
    pairs(t, "field_split => \"&?\"", "?a=1&b=2&a=3", "{\"a\":[\"1\",\"3\"],\"b\":\"2\"}");
    pairs(t, "field_split => \"&\" allow_duplicate_values => false", "a=1&a=1&a=2",
          "{\"a\":[\"1\",\"2\"]}");
    pairs(t, "value_split => \":\" field_split => \",\" target => \"k\"", "a:1,b:2",
          "{\"k\":{\"a\":\"1\",\"b\":\"2\"}}");
    pairs(t, "field_split_pattern => \"\\|\\|\" value_split_pattern => \"::?\"", "a:1||b::2|3",
          "{\"a\":\"1\",\"b\":\"2|3\"}");
    pairs(t, "prefix => \"p_\" include_keys => [\"a\", \"b\"] exclude_keys => [\"b\"]",
          "a=1 b=2 c=3", "{\"p_a\":\"1\"}");
    pairs(t,
          "trim_value => \"<>,\" trim_key => \"_\" transform_key => \"uppercase\" "
          "remove_char_value => \"x\"",
          "_a_=,1x2, b=3", "{\"A\":\"12\",\"B\":\"3\"}");
    pairs(t, "default_keys => { \"z\" => \"0\" }", "a=1", "{\"a\":\"1\",\"z\":\"0\"}");
    pairs(t, "recursive => true", "a=[b=1 c=2] d=3",
          "{\"a\":{\"b\":\"1\",\"c\":\"2\"},\"d\":\"3\"}");
    pairs(t, "field_split => \"&\"", "a=&b=1", "{\"b\":\"1\"}");
    pairs(t, "field_split => \"&\" allow_empty_values => true", "a=&b=\\\"\\\"",
          "{\"a\":\"\",\"b\":\"\"}");
    pairs(t, "include_brackets => false", "a=[1 b=2", "{\"a\":\"[1\",\"b\":\"2\"}");
    gives(t, "kv { add_tag => \"ok\" }", "{\"message\":\"nothing\"}\n{\"x\":1}",
          "{\"message\":\"nothing\"}\n{\"x\":1}");
    refuses(t, "filter { kv { field_split => \"\" } }", "1:10", "cannot be empty");
}

TEST_MAIN(TEST(finds_pairs))
