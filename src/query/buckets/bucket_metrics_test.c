/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers over buckets; the expected replies are Elasticsearch 7.10.2's. */
#include "query/six_docs_test.h"

static void numbers_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"avg_bucket\":{\"buckets_path\":\"h>s\"}}}}",
          "aggregations/x", "{\"value\":7.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"avg_bucket\":{\"buckets_path\":\"h>st.max\",\"gap_policy\":"
          "\"insert_zeros\"}}}}",
          "aggregations/x", "{\"value\":1.5}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}}}},\"x\":{\"avg_bucket\":{\"buckets_path\":\"h>a\","
          "\"format\":\"0.000\"}}}}",
          "aggregations/x", "{\"value\":0.8333333333333334,\"value_as_string\":\"0.833\"}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"max_bucket\":{\"buckets_path\":\"h>s\"}}}}",
          "aggregations/x", "{\"value\":12.0,\"keys\":[\"3.0\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"max_bucket\":{\"buckets_path\":\"h>st.max\",\"gap_policy\":"
          "\"insert_zeros\"}}}}",
          "aggregations/x", "{\"value\":6.0,\"keys\":[\"1.5\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}}}},\"x\":{\"max_bucket\":{\"buckets_path\":\"h>a\","
          "\"format\":\"0.000\"}}}}",
          "aggregations/x",
          "{\"value\":2.0,\"value_as_string\":\"2.000\",\"keys\":[\"2025-01-01T00:00:00.000Z\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"min_bucket\":{\"buckets_path\":\"h>s\"}}}}",
          "aggregations/x", "{\"value\":3.0,\"keys\":[\"0.0\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"min_bucket\":{\"buckets_path\":\"h>st.max\",\"gap_policy\":"
          "\"insert_zeros\"}}}}",
          "aggregations/x", "{\"value\":0.0,\"keys\":[\"-0.5\",\"0.0\",\"0.5\",\"1.0\",\"2.0\"]}");
    gives(
        &bed,
        "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
        "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
        "\"st\":{\"stats\":{\"field\":\"n\"}}}},\"x\":{\"min_bucket\":{\"buckets_path\":\"h>a\","
        "\"format\":\"0.000\"}}}}",
        "aggregations/x",
        "{\"value\":-1.0,\"value_as_string\":\"-1.000\",\"keys\":[\"2025-01-21T00:00:00.000Z\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"sum_bucket\":{\"buckets_path\":\"h>s\"}}}}",
          "aggregations/x", "{\"value\":21.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"sum_bucket\":{\"buckets_path\":\"h>st.max\",\"gap_policy\":"
          "\"insert_zeros\"}}}}",
          "aggregations/x", "{\"value\":12.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}}}},\"x\":{\"sum_bucket\":{\"buckets_path\":\"h>a\","
          "\"format\":\"0.000\"}}}}",
          "aggregations/x", "{\"value\":2.5,\"value_as_string\":\"2.500\"}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":3},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"stats_bucket\":{\"buckets_path\":\"h>s\"}}}}",
          "aggregations/x", "{\"count\":3,\"min\":3.0,\"max\":12.0,\"avg\":7.0,\"sum\":21.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"f\",\"interval\":0.5},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},\"st\":{\"stats\":{"
          "\"field\":\"n\"}}}},\"x\":{\"stats_bucket\":{\"buckets_path\":\"h>st.max\",\"gap_"
          "policy\":\"insert_zeros\"}}}}",
          "aggregations/x", "{\"count\":8,\"min\":0.0,\"max\":6.0,\"avg\":1.5,\"sum\":12.0}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"h\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":"
          "\"day\"},\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"a\":{\"avg\":{\"field\":\"f\"}},"
          "\"st\":{\"stats\":{\"field\":\"n\"}}}},\"x\":{\"stats_bucket\":{\"buckets_path\":\"h>"
          "a\",\"format\":\"0.000\"}}}}",
          "aggregations/x",
          "{\"count\":3,\"min\":-1.0,\"max\":2.0,\"avg\":0.8333333333333334,\"sum\":2.5,\"min_as_"
          "string\":\"-1.000\",\"max_as_string\":\"2.000\",\"avg_as_string\":\"0.833\",\"sum_as_"
          "string\":\"2.500\"}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"k\"}},\"x\":{\"max_bucket\":{"
          "\"buckets_path\":\"t>_count\"}}}}",
          "aggregations/x", "{\"value\":2.0,\"keys\":[\"a\",\"b\"]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"nope\"}},\"x\":{\"max_bucket\":{"
          "\"buckets_path\":\"t>_count\"}}}}",
          "aggregations/x", "{\"value\":null,\"keys\":[]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"t\":{\"terms\":{\"field\":\"nope\"}},\"x\":{\"stats_bucket\":{"
          "\"buckets_path\":\"t>_count\"}}}}",
          "aggregations/x", "{\"count\":0,\"min\":null,\"max\":null,\"avg\":null,\"sum\":0.0}");
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    six_docs(&bed);
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"avg_bucket\":{\"buckets_path\":\"zz>s\"}}}}",
          ERR_INVALID, "No aggregation found for path [zz>s]");
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"avg_bucket\":{\"foo\":\"zz>s\"}}}}", ERR_PARSE,
          "unknown field [foo]");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(numbers_are_those_of_elasticsearch), TEST(mistakes_are_named))
