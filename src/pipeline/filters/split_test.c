/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void one_event_for_each_part(struct test *t)
{
    gives(t, "split { }", "{\"message\":\"a\\nb\\n\\n\",\"k\":1}",
          "{\"message\":\"a\",\"k\":1}\n{\"message\":\"b\",\"k\":1}");
    gives(t, "split { }", "{\"message\":\"a\"}", "{\"message\":\"a\"}");
    gives(t, "split { field => \"[l][m]\" } mutate { add_field => { \"x\" => \"%{[l][m]}\" } }",
          "{\"l\":{\"m\":[1,null,2]}}",
          "{\"l\":{\"m\":1},\"x\":\"1\"}\n{\"l\":{\"m\":2},\"x\":\"2\"}");
    gives(t, "split { field => \"l\" target => \"one\" terminator => \";\" }", "{\"l\":\"1;2\"}",
          "{\"l\":\"1;2\",\"one\":\"1\"}\n{\"l\":\"1;2\",\"one\":\"2\"}");
    gives(t, "split { field => \"l\" }", "{\"l\":[]}", "");
    gives(t, "split { field => \"n\" }", "{\"n\":5}\n{\"x\":1}",
          "{\"n\":5,\"tags\":[\"_split_type_failure\"]}\n{\"x\":1,\"tags\":[\"_split_type_"
          "failure\"]}");
}

TEST_MAIN(TEST(one_event_for_each_part))
