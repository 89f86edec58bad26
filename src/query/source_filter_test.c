/* SPDX-License-Identifier: Apache-2.0 */
/* source_filter_test.c: includes and excludes over one document, as Elasticsearch's
 * XContentMapValues.filter reads them. */
#include "query/source_filter.h"

#include "support/test.h"

static const char source[] =
    "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":[]},\"f\":{}},\"g\":[{},{\"h\":1,\"i\":2},[{}],3],"
    "\"j.k\":{\"l\":4},\"m\":null,\"ab\":5}";

static void gives(struct test *t, const char *includes, const char *excludes, const char *want)
{
    struct str json;
    assert_ok(source_filter_params(str_from(source), STR_NONE, str_from(includes),
                                   str_from(excludes), t->mem, &json, &t->err),
              &t->err);
    if (!str_eq(json, str_from(want)))
        fail_msg("+%s -%s: " STR_FMT, includes, excludes, STR_ARG(json));
}

static void parts_are_left_out(struct test *t)
{
    gives(t, "", "", source);
    gives(t, "a.b", "", "{\"a\":{\"b\":1}}");
    gives(t, "a.c.d,m", "", "{\"a\":{\"c\":{\"d\":2}},\"m\":null}");
    gives(t, "*.d", "", "{\"a\":{\"c\":{\"d\":2}}}");
    gives(t, "a*", "", "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":[]},\"f\":{}},\"ab\":5}");
    gives(t, "j", "", "{\"j.k\":{\"l\":4}}");
    gives(t, "j.k.l", "", "{\"j.k\":{\"l\":4}}");
    gives(t, "a.b.x,a.f.x", "", "{}");
    gives(t, "g.h", "", "{\"g\":[{\"h\":1}]}");
    gives(t, "a", "a.c,*.b", "{\"a\":{\"f\":{}}}");
    gives(t, "a.c", "a.c.d", "{\"a\":{\"c\":{\"e\":[]}}}");
    gives(t, "ab,m", "a*", "{\"m\":null}");
}

/* Where nothing can be left out, empty objects stay too; where something can, they go from lists.
 */
static void empty_parts_stay(struct test *t)
{
    gives(t, "g", "", "{\"g\":[{},{\"h\":1,\"i\":2},[{}],3]}");
    gives(t, "a.c,a.f", "", "{\"a\":{\"c\":{\"d\":2,\"e\":[]},\"f\":{}}}");
    gives(t, "", "a,ab,j.k", "{\"g\":[{},{\"h\":1,\"i\":2},[{}],3],\"m\":null}");
    gives(t, "g,m", "gg", "{\"g\":[{},{\"h\":1,\"i\":2},[{}],3],\"m\":null}");
    gives(t, "g", "g.h", "{\"g\":[{\"i\":2},3]}");
    gives(t, "g", "*.x", "{\"g\":[{\"h\":1,\"i\":2},3]}");
}

TEST_MAIN(TEST(parts_are_left_out), TEST(empty_parts_stay))
