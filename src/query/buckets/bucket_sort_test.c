/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets in another order; the expected replies are Elasticsearch 7.10.2's. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    create(
        bed, "i",
        "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"m\":{\"type\":\"keyword\"},"
        "\"n\":{\"type\":\"long\"},\"f\":{\"type\":\"double\"},\"b\":{\"type\":\"boolean\"},\"d\":{"
        "\"type\":\"date\"},\"ip\":{\"type\":\"ip\"},\"t\":{\"type\":\"text\"}}}}");
    put(bed, "i", "1",
        "{\"k\":\"a\",\"m\":[\"x\",\"y\"],\"n\":1,\"f\":1.5,\"b\":true,\"d\":\"2025-01-01T00:10:"
        "00Z\",\"ip\":\"10.0.0.1\",\"t\":\"red green\"}");
    put(bed, "i", "2",
        "{\"k\":\"b\",\"m\":\"x\",\"n\":2,\"f\":2.5,\"b\":false,\"d\":\"2025-01-01T01:20:00Z\","
        "\"ip\":\"10.0.0.2\",\"t\":\"red red\"}");
    put(bed, "i", "3",
        "{\"k\":\"a\",\"n\":3,\"d\":\"2025-01-02T00:00:00Z\",\"ip\":\"10.0.1.1\",\"t\":\"green\"}");
    refresh(bed, "i");
    put(bed, "i", "4",
        "{\"k\":\"c\",\"m\":[\"y\",\"z\"],\"n\":4,\"f\":-1,\"d\":\"2025-01-21T12:00:00Z\",\"t\":"
        "\"blue red\"}");
    put(bed, "i", "5", "{\"n\":5,\"m\":\"z\",\"b\":true,\"t\":\"red\"}");
    put(bed, "i", "6",
        "{\"k\":\"b\",\"m\":\"x\",\"n\":6,\"f\":1.5,\"b\":true,\"d\":\"2025-01-02T10:00:00Z\","
        "\"ip\":\"10.0.0.1\",\"t\":\"blue\"}");
    refresh(bed, "i");
}

static void buckets_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
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
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
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
