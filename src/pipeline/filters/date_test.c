/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void parses_by_the_first_pattern_that_fits(struct test *t)
{
    gives(t,
          "date { match => [\"d\", \"yyyy-MM-dd HH:mm:ss\"] timezone => \"Asia/Seoul\" target => "
          "\"t\" }",
          "{\"d\":\"2025-01-22 13:52:33\"}",
          "{\"d\":\"2025-01-22 13:52:33\",\"t\":\"2025-01-22T04:52:33.000Z\"}");
    gives(t, "date { match => [\"d\", \"ISO8601\", \"UNIX\", \"dd/MMM/yyyy:HH:mm:ss Z\"] }",
          "{\"d\":\"22/Jan/2025:13:52:33 "
          "+0900\"}\n{\"d\":\"1737521553\"}\n{\"d\":1737521553}\n{\"d\":\"2025-01-22T13:52:33.5+09:"
          "00\"}",
          "{\"d\":\"22/Jan/2025:13:52:33 +0900\",\"@timestamp\":\"2025-01-22T04:52:33.000Z\"}\n"
          "{\"d\":\"1737521553\",\"@timestamp\":\"2025-01-22T04:52:33.000Z\"}\n{\"d\":1737521553,"
          "\"@timestamp\":\"2025-01-22T04:52:33.000Z\"}\n"
          "{\"d\":\"2025-01-22T13:52:33.5+09:00\",\"@timestamp\":\"2025-01-22T04:52:33.500Z\"}");
    gives(t, "date { match => [\"d\", \"UNIX_MS\"] target => \"d\" }", "{\"d\":[1737521553123]}",
          "{\"d\":\"2025-01-22T04:52:33.123Z\"}");
    gives(t,
          "date { match => [\"d\", \"yyyy-MM-dd HH:mm\"] timezone => \"%{tz}\" target => \"d\" }",
          "{\"d\":\"2025-01-22 09:00\",\"tz\":\"Asia/Tokyo\"}\n{\"d\":\"2025-01-22 "
          "09:00\",\"tz\":\"+01:00\"}\n{\"d\":\"2025-01-22 09:00\",\"tz\":\"no\"}",
          "{\"d\":\"2025-01-22T00:00:00.000Z\",\"tz\":\"Asia/"
          "Tokyo\"}\n{\"d\":\"2025-01-22T08:00:00.000Z\",\"tz\":\"+01:00\"}\n"
          "{\"d\":\"2025-01-22 09:00\",\"tz\":\"no\",\"tags\":[\"_dateparsefailure\"]}");
}

static void failures(struct test *t)
{
    gives(t, "date { match => [\"d\", \"ISO8601\"] add_field => { \"ok\" => \"1\" } }",
          "{\"x\":1}\n{\"d\":\"no\"}\n{\"d\":null}",
          "{\"x\":1}\n{\"d\":\"no\",\"tags\":[\"_dateparsefailure\"]}\n{\"d\":null}");
    gives(t, "date { match => [\"d\", \"ISO8601\"] tag_on_failure => [\"a\", \"b\"] }",
          "{\"d\":\"no\"}", "{\"d\":\"no\",\"tags\":[\"a\",\"b\"]}");
    gives(t, "date { match => [\"d\", \"ISO8601\"] tag_on_failure => [] }", "{\"d\":\"no\"}",
          "{\"d\":\"no\"}");
    refuses(t, "filter { date { } }", "1:15", "match");
    refuses(t, "filter { date { match => [\"d\"] } }", "1:26", "at least one pattern");
    refuses(t, "filter { date { match => [\"d\", \"yyyy-QQ\"] } }", "1:38", "'Q'");
    refuses(t, "filter { date { match => [\"d\", \"ISO8601\"] timezone => \"Asia/Soul\" } }",
            "1:55", "Asia/Soul");
    refuses(t, "filter { date { match => [\"d\", \"dd MMM yyyy\"] locale => \"ko\" } }", "1:57",
            "English");
    accepts(t, "filter { date { match => [\"d\", \"yyyy-MM-dd\"] locale => \"ko\" } }");
}

TEST_MAIN(TEST(parses_by_the_first_pattern_that_fits), TEST(failures))
