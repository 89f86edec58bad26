/* SPDX-License-Identifier: Apache-2.0 */
/* Differences and sums of buckets; the expected replies are Elasticsearch 7.10.2's. */
#include "query/six_docs_test.h"

static void buckets_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"a\"}}}}}}",
          "aggregations/h/buckets/1/x", "{\"value\":-3.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"a\"}}}}}}",
          "aggregations/h/buckets/2/x", "{\"value\":2.5}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"y\":{\"derivative\":{\"buckets_path\":\"x\"}},\"x\":{\"derivative\":"
          "{\"buckets_path\":\"a\",\"gap_policy\":\"insert_zeros\",\"format\":\"0.0\"}}}}}}",
          "aggregations/h/buckets/2/y", "{\"value\":5.5}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"c\":{\"cumulative_sum\":{\"buckets_path\":\"_count\"}}}}}}",
          "aggregations/h/buckets/1/c", "{\"value\":1.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"c\":{\"cumulative_sum\":{\"buckets_path\":\"_count\"}}}}}}",
          "aggregations/h/buckets/2/c", "{\"value\":1.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"cumulative_sum\":{\"buckets_path\":\"st.max\",\"format\":\"0."
          "00\"}}}}}}",
          "aggregations/h/buckets/1/x", "{\"value\":7.0,\"value_as_string\":\"7.00\"}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"cumulative_sum\":{\"buckets_path\":\"st.max\",\"format\":\"0."
          "00\"}}}}}}",
          "aggregations/h/buckets/2/x", "{\"value\":13.0,\"value_as_string\":\"13.00\"}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\"}}}}}}",
          "aggregations/h/buckets/1/x", "{\"value\":null}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\"}}}}}}",
          "aggregations/h/buckets/2/x", "{\"value\":null}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\","
          "\"unit\":\"1h\"}}}}}}",
          "aggregations/h/buckets/1/x", "{\"value\":6.0,\"normalized_value\":0.25}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\","
          "\"unit\":\"1h\"}}}}}}",
          "aggregations/h/buckets/2/x", "{\"value\":null,\"normalized_value\":null}");
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    fails(
        &bed,
        "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
        "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
        "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"zz\"}}}}}}",
        ERR_INVALID, "No aggregation found for path [zz]");
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"derivative\":{\"buckets_path\":\"_count\"}}}}",
          ERR_INVALID, "must have a histogram");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"},\"aggs\":{\"x\":{\"cumulative_"
          "sum\":{\"buckets_path\":\"_count\"}}}}}}",
          ERR_INVALID, "must have a histogram");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{}}}}}}",
          ERR_PARSE, "[buckets_path]");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"y\"}},"
          "\"y\":{\"derivative\":{\"buckets_path\":\"x\"}}}}}}",
          ERR_INVALID, "Cycle");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\","
          "\"unit\":\"month\"}}}}}}",
          ERR_INVALID, "[unit]");
    fails(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}},\"x\":{\"derivative\":{\"buckets_path\":\"s\"},"
          "\"aggs\":{\"z\":{\"sum\":{\"field\":\"n\"}}}}}}}}",
          ERR_INVALID, "sub-aggregations");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(buckets_are_those_of_elasticsearch), TEST(mistakes_are_named))
