/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void looks_up(struct test *t)
{
    gives(t,
          "translate { field => \"c\" destination => \"d\" dictionary => { \"200\" => \"ok\" "
          "\"404\" => \"gone\" } fallback => \"? %{c}\" }",
          "{\"c\":200}\n{\"c\":\"404\"}\n{\"c\":5}\n{\"x\":1}\n{\"c\":200,\"d\":\"old\"}",
          "{\"c\":200,\"d\":\"ok\"}\n{\"c\":\"404\",\"d\":\"gone\"}\n{\"c\":5,\"d\":\"? "
          "5\"}\n{\"x\":1}\n{\"c\":200,\"d\":\"old\"}");
    gives(t, "translate { source => \"c\" dictionary => [ \"a\", \"b\" ] add_tag => \"t\" }",
          "{\"c\":\"a\"}\n{\"c\":\"x\"}", "{\"c\":\"b\",\"tags\":[\"t\"]}\n{\"c\":\"x\"}");
    gives(t,
          "translate { source => \"c\" target => \"d\" regex => true dictionary => { \"^5..$\" => "
          "\"bad\" } }",
          "{\"c\":\"503\"}\n{\"c\":\"1503\"}", "{\"c\":\"503\",\"d\":\"bad\"}\n{\"c\":\"1503\"}");
    gives(t,
          "translate { source => \"c\" target => \"d\" exact => false dictionary => { \"foo\" => "
          "\"bar\" } }",
          "{\"c\":\"a foo foo\"}", "{\"c\":\"a foo foo\",\"d\":\"a bar bar\"}");
    refuses(t, "filter { translate { dictionary => { \"a\" => \"b\" } } }", "1:10", "source");
    refuses(t, "filter { translate { source => \"a\" dictionary_path => \"/none.json\" } }", "1:10",
            "none.json");
    refuses(
        t,
        "filter { translate { source => \"a\" regex => true dictionary => { \"(\" => \"b\" } } }",
        "1:10", "");
}

TEST_MAIN(TEST(looks_up))
