/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "server/filter_path.h"

#define JSON                                                                                       \
    "{\"took\":1,\"hits\":{\"total\":{\"value\":2},\"hits\":[{\"_id\":\"1\",\"_source\":{\"a\":1," \
    "\"b\":2}},{\"_id\":\"2\"}]},\"empty\":{}}"

static void keeps_what_patterns_name(struct test *t)
{
    static const struct {
        const char *patterns, *result;
    } rows[] = {
        {"took", "{\"took\":1}"},
        {"hits.hits._id", "{\"hits\":{\"hits\":[{\"_id\":\"1\"},{\"_id\":\"2\"}]}}"},
        {"hits.total", "{\"hits\":{\"total\":{\"value\":2}}}"},
        {"**.value", "{\"hits\":{\"total\":{\"value\":2}}}"},
        {"h*.hits._source.a", "{\"hits\":{\"hits\":[{\"_source\":{\"a\":1}}]}}"},
        {"-hits", "{\"took\":1,\"empty\":{}}"},
        {"hits.hits,-hits.hits._source", "{\"hits\":{\"hits\":[{\"_id\":\"1\"},{\"_id\":\"2\"}]}}"},
        {"nothing", "{}"},
        {"took , empty", "{\"took\":1,\"empty\":{}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        buf_add_str(&out, STR(JSON));
        filter_path_apply(str_from(rows[i].patterns), false, t->mem, &out);
        assert_str_eq(buf_str(&out), rows[i].result);
        buf_deinit(&out);
    }
}

static void leaves_what_is_no_json(struct test *t)
{
    struct buf out;
    buf_init(&out, 0);
    buf_add_str(&out, STR("text"));
    filter_path_apply(STR("a"), false, t->mem, &out);
    assert_str_eq(buf_str(&out), "text");
    buf_deinit(&out);
}

TEST_MAIN(TEST(keeps_what_patterns_name), TEST(leaves_what_is_no_json))
