/* SPDX-License-Identifier: Apache-2.0 */
/* multi_terms: Elasticsearch 7.10 has it not; the expected replies follow OpenSearch's
 * documentation and were added up by hand. */
#include "query/six_docs_test.h"

#define MULTI_GIVES(inner, subs, json)                                                             \
    gives(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"multi_terms\":{" inner "}" subs "}}}",             \
          "aggregations/x", json)
#define RESULT(other, buckets)                                                                     \
    "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":" other ",\"buckets\":[" buckets   \
    "]}"
#define MULTI_FAILS(inner, code, part)                                                             \
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"multi_terms\":{" inner "}}}}", code, part)

static void combinations_are_counted(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    /* Most documents first, then by key; documents without one of the fields do not count. */
    MULTI_GIVES("\"terms\":[{\"field\":\"k\"},{\"field\":\"m\"}]", "",
                RESULT("0", "{\"key\":[\"b\",\"x\"],\"key_as_string\":\"b|x\",\"doc_count\":2},"
                            "{\"key\":[\"a\",\"x\"],\"key_as_string\":\"a|x\",\"doc_count\":1},"
                            "{\"key\":[\"a\",\"y\"],\"key_as_string\":\"a|y\",\"doc_count\":1},"
                            "{\"key\":[\"c\",\"y\"],\"key_as_string\":\"c|y\",\"doc_count\":1},"
                            "{\"key\":[\"c\",\"z\"],\"key_as_string\":\"c|z\",\"doc_count\":1}"));
    MULTI_GIVES(
        "\"terms\":[{\"field\":\"k\"},{\"field\":\"b\",\"missing\":false}],\"size\":1", "",
        RESULT("4", "{\"key\":[\"a\",false],\"key_as_string\":\"a|false\",\"doc_count\":1}"));
    MULTI_GIVES("\"terms\":[{\"field\":\"k\",\"missing\":\"b\"},{\"field\":\"b\"}],\"show_term_doc_"
                "count_error\":true,\"size\":1",
                ",\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}",
                RESULT("2", "{\"key\":[\"b\",true],\"key_as_string\":\"b|true\",\"doc_count\":2,"
                            "\"doc_count_error_upper_bound\":0,\"s\":{\"value\":11.0}}"));
    MULTI_GIVES(
        "\"terms\":[{\"field\":\"ip\"},{\"field\":\"f\"},{\"field\":\"n\"}],\"order\":{\"_key\":"
        "\"desc\"}",
        "",
        RESULT(
            "0",
            "{\"key\":[\"10.0.0.2\",2.5,2],\"key_as_string\":\"10.0.0.2|2.5|2\",\"doc_count\":1},"
            "{\"key\":[\"10.0.0.1\",1.5,6],\"key_as_string\":\"10.0.0.1|1.5|6\",\"doc_count\":1},"
            "{\"key\":[\"10.0.0.1\",1.5,1],\"key_as_string\":\"10.0.0.1|1.5|1\",\"doc_count\":1}"));
    MULTI_GIVES(
        "\"terms\":[{\"field\":\"k\"},{\"field\":\"d\"}],\"order\":{\"s\":\"desc\"},\"size\":1",
        ",\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}",
        RESULT("4", "{\"key\":[\"b\",\"2025-01-02T10:00:00.000Z\"],\"key_as_string\":\"b|2025-01-"
                    "02T10:00:00.000Z\",\"doc_count\":1,\"s\":{\"value\":6.0}}"));
    MULTI_GIVES("\"terms\":[{\"field\":\"k\"},{\"field\":\"m\"}],\"min_doc_count\":2", "",
                RESULT("0", "{\"key\":[\"b\",\"x\"],\"key_as_string\":\"b|x\",\"doc_count\":2}"));
    MULTI_GIVES("\"terms\":[{\"field\":\"k\"},{\"field\":\"nope\"}]", "", RESULT("0", ""));
    /* Below other buckets, where tuples are hashed. */
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"k\",\"size\":1,\"order\":{\"_key\":"
          "\"desc\"}},\"aggs\":{\"y\":{\"multi_terms\":{\"terms\":[{\"field\":\"m\"},{\"field\":"
          "\"n\"}]}}}}}}",
          "aggregations/x/buckets/0/y",
          RESULT("0", "{\"key\":[\"y\",4],\"key_as_string\":\"y|4\",\"doc_count\":1},"
                      "{\"key\":[\"z\",4],\"key_as_string\":\"z|4\",\"doc_count\":1}"));
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    MULTI_FAILS("", ERR_INVALID, "at least 2 fields");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"}]", ERR_INVALID, "at least 2 fields");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"script\":{}}]", ERR_UNSUPPORTED, "scripts");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"field\":\"t\"}]", ERR_INVALID, "Text fields");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"field\":\"n\",\"x\":1}]", ERR_PARSE,
                "unknown field [x]");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"field\":\"n\"}],\"size\":0", ERR_INVALID,
                "[size]");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"field\":\"n\"}],\"min_doc_count\":0", ERR_INVALID,
                "[minDocCount]");
    MULTI_FAILS("\"terms\":[{\"field\":\"k\"},{\"field\":\"n\"}],\"order\":{\"s\":\"asc\"}",
                ERR_INVALID, "order path [s]");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(combinations_are_counted), TEST(mistakes_are_named))
