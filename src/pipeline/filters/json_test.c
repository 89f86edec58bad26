/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void members_become_fields(struct test *t)
{
    gives(t, "json { source => \"m\" remove_field => \"m\" }",
          "{\"m\":\"{\\\"a\\\":1,\\\"b\\\":{\\\"c\\\":[1.5,null]}}\",\"a\":0}",
          "{\"a\":1,\"b\":{\"c\":[1.5,null]}}");
    gives(t, "json { source => \"m\" target => \"[d][e]\" remove_field => \"m\" }",
          "{\"m\":\"[1,2]\"}", "{\"d\":{\"e\":[1,2]}}");
    gives(t, "json { source => \"m\" remove_field => \"m\" }",
          "{\"m\":\"{\\\"@timestamp\\\":\\\"2020-01-01T00:00:00Z\\\"}\"}",
          "{\"@timestamp\":\"2020-01-01T00:00:00.000Z\"}");
    gives(t, "json { source => \"m\" remove_field => \"m\" }",
          "{\"m\":\"{\\\"@timestamp\\\":\\\"soon\\\"}\"}",
          "{\"_@timestamp\":\"soon\",\"tags\":[\"_timestampparsefailure\"]}");
    gives(t, "json { source => \"none\" }", "{\"a\":1}", "{\"a\":1}");
}

static void failures(struct test *t)
{
    gives(t, "json { source => \"m\" add_tag => \"ok\" }",
          "{\"m\":\"{\\\"a\\\"\"}\n{\"m\":\"5\"}\n{\"m\":{\"x\":1}}",
          "{\"m\":\"{\\\"a\\\"\",\"tags\":[\"_jsonparsefailure\"]}\n{\"m\":\"5\",\"tags\":[\"_"
          "jsonparsefailure\"]}\n"
          "{\"m\":{\"x\":1},\"tags\":[\"_jsonparsefailure\"]}");
    gives(t, "json { source => \"m\" skip_on_invalid_json => true }", "{\"m\":\"no\"}",
          "{\"m\":\"no\"}");
    refuses(t, "filter { json { } }", "1:15", "source");
}

TEST_MAIN(TEST(members_become_fields), TEST(failures))
