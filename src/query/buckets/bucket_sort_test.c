/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets in another order; the expected replies are Elasticsearch 7.10.2's. */
#include "query/six_docs_test.h"

static void buckets_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"s\":{\"sum\":{"
          "\"field\":\"n\"}},\"b\":{\"bucket_sort\":{\"sort\":[{\"s\":{\"order\":\"desc\"}}],"
          "\"size\":2}}}}}}",
          "aggregations/t/buckets",
          "[{\"key\":\"b\",\"doc_count\":2,\"s\":{\"value\":8.0}},{\"key\":\"a\",\"doc_count\":2,"
          "\"s\":{\"value\":4.0}}]");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"b\":{\"bucket_"
          "sort\":{\"from\":1,\"size\":1}}}}}}",
          "aggregations/t/buckets", "[{\"key\":\"b\",\"doc_count\":2}]");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"histogram\":{\"field\":\"n\",\"interval\":2},\"aggs\":{"
          "\"a\":{\"avg\":{\"field\":\"f\"}},\"b\":{\"bucket_sort\":{\"sort\":[\"a\"]}}}}}}",
          "aggregations/t/buckets",
          "[{\"key\":4.0,\"doc_count\":2,\"a\":{\"value\":-1.0}},{\"key\":0.0,\"doc_count\":1,"
          "\"a\":{\"value\":1.5}},{\"key\":6.0,\"doc_count\":1,\"a\":{\"value\":1.5}},{\"key\":2.0,"
          "\"doc_count\":2,\"a\":{\"value\":2.5}}]");
    /* Those without a value are skipped, even with room for them. */
    gives(&bed,
          "{\"size\":0,\"query\":{\"terms\":{\"n\":[1,4]}},\"aggs\":{\"t\":{\"histogram\":{"
          "\"field\":\"n\",\"interval\":1},\"aggs\":{"
          "\"a\":{\"max\":{\"field\":\"n\"}},\"b\":{\"bucket_sort\":{\"sort\":[\"a\"],\"size\":100}"
          "}}}}}",
          "aggregations/t/buckets",
          "[{\"key\":1.0,\"doc_count\":1,\"a\":{\"value\":1.0}},{\"key\":4.0,\"doc_count\":1,\"a\":"
          "{\"value\":4.0}}]");
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"b\":{\"bucket_"
          "sort\":{}}}}}}",
          ERR_INVALID, "perform nothing");
    fails(&bed, "{\"size\":0,\"aggs\":{\"b\":{\"bucket_sort\":{\"size\":1}}}}", ERR_INVALID,
          "inside of another");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"b\":{\"bucket_"
          "sort\":{\"sort\":[\"q\"]}}}}}}",
          ERR_INVALID, "path [q]");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"b\":{\"bucket_"
          "sort\":{\"sort\":[\"_key\"],\"size\":0}}}}}}",
          ERR_INVALID, "positive");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(buckets_are_those_of_elasticsearch), TEST(mistakes_are_named))
