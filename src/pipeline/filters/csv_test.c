/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void cuts_into_columns(struct test *t)
{
    gives(t, "csv { columns => [\"a\", \"b\"] }", "{\"message\":\"1,\\\"x,y\\\",z\"}",
          "{\"message\":\"1,\\\"x,y\\\",z\",\"a\":\"1\",\"b\":\"x,y\",\"column3\":\"z\"}");
    gives(t,
          "csv { source => \"s\" target => \"t\" separator => \";\" columns => [\"a\"] "
          "remove_field => \"s\" }",
          "{\"s\":\"1;2\"}", "{\"t\":{\"a\":\"1\",\"column2\":\"2\"}}");
    gives(t,
          "csv { columns => [\"a\", \"b\", \"c\"] convert => { \"a\" => \"integer\" \"b\" => "
          "\"float\" \"c\" => \"boolean\" } remove_field => \"message\" }",
          "{\"message\":\"12x,1.5,true\"}", "{\"a\":12,\"b\":1.5,\"c\":true}");
    gives(t, "csv { columns => [\"a\", \"b\"] remove_field => \"message\" }",
          "{\"message\":\"1,\"}\n{\"message\":\"1,\\\"\\\"\"}",
          "{\"a\":\"1\",\"b\":null}\n{\"a\":\"1\",\"b\":\"\"}");
    gives(
        t,
        "csv { columns => [\"a\", \"b\"] skip_empty_columns => true remove_field => \"message\" }",
        "{\"message\":\"1,\"}", "{\"a\":\"1\"}");
    gives(
        t,
        "csv { autogenerate_column_names => false columns => [\"a\"] remove_field => \"message\" }",
        "{\"message\":\"1,2\"}", "{\"a\":\"1\"}");
}

static void headers(struct test *t)
{
    gives(t, "csv { autodetect_column_names => true remove_field => \"message\" }",
          "{\"message\":\"x,y\"}\n{\"message\":\"1,2\"}", "{\"x\":\"1\",\"y\":\"2\"}");
    gives(t, "csv { columns => [\"x\", \"y\"] skip_header => true remove_field => \"message\" }",
          "{\"message\":\"x,y\"}\n{\"message\":\"1,2\"}", "{\"x\":\"1\",\"y\":\"2\"}");
    gives(t, "csv { skip_empty_rows => true }", "{\"message\":\"\"}\n{\"x\":1}", "{\"x\":1}");
}

static void failures(struct test *t)
{
    gives(t, "csv { add_tag => \"ok\" }", "{\"message\":\"a,\\\"b\"}",
          "{\"message\":\"a,\\\"b\",\"tags\":[\"_csvparsefailure\"]}");
    refuses(t, "filter { csv { separator => \"\" } }", "1:10", "separator");
    refuses(t, "filter { csv { columns => [\"a\"] convert => { \"a\" => \"int\" } } }", "1:53",
            "no type");
}

TEST_MAIN(TEST(cuts_into_columns), TEST(headers), TEST(failures))
