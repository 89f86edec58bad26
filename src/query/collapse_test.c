/* SPDX-License-Identifier: Apache-2.0 */
/* One hit per value of a field; the expected replies are Elasticsearch 7.10.2's. */
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
    put(bed, "i", "7", "{\"n\":7,\"k\":\"b\",\"f\":2.0,\"t\":\"red red red red green\"}");
    put(bed, "i", "8", "{\"n\":8,\"k\":\"c\",\"f\":0.5,\"t\":\"red green\"}");
    put(bed, "i", "9", "{\"n\":9,\"k\":\"a\",\"f\":1.5,\"t\":\"red red green\"}");
    put(bed, "i", "10", "{\"n\":10,\"k\":\"b\",\"f\":0.0,\"t\":\"red red red green\"}");
    put(bed, "i", "11", "{\"n\":11,\"k\":\"c\",\"f\":1.0,\"t\":\"red red red red green\"}");
    put(bed, "i", "12", "{\"n\":12,\"k\":\"a\",\"f\":2.0,\"t\":\"red green\"}");
    put(bed, "i", "13", "{\"n\":13,\"k\":\"b\",\"f\":0.5,\"t\":\"red red green\"}");
    put(bed, "i", "14", "{\"n\":14,\"k\":\"c\",\"f\":1.5,\"t\":\"red red red green\"}");
    put(bed, "i", "15", "{\"n\":15,\"k\":\"a\",\"f\":0.0,\"t\":\"red red red red green\"}");
    put(bed, "i", "16", "{\"n\":16,\"k\":\"b\",\"f\":1.0,\"t\":\"red green\"}");
    put(bed, "i", "17", "{\"n\":17,\"k\":\"c\",\"f\":2.0,\"t\":\"red red green\"}");
    put(bed, "i", "18", "{\"n\":18,\"k\":\"a\",\"f\":0.5,\"t\":\"red red red green\"}");
    refresh(bed, "i");
}

static void groups_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives(&bed, "{\"_source\":false,\"collapse\":{\"field\":\"k\"},\"sort\":[\"n\"]}", "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"1\",\"_score\":null,\"fields\":{\"k\":[\"a\"]},"
          "\"sort\":[1]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,"
          "\"fields\":{\"k\":[\"b\"]},\"sort\":[2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"4\",\"_score\":null,\"fields\":{\"k\":[\"c\"]},\"sort\":[4]},{\"_index\":\"i\",\"_"
          "type\":\"_doc\",\"_id\":\"5\",\"_score\":null,\"sort\":[5]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"k\"},\"sort\":[{\"f\":\"desc\"},{\"n\":"
          "\"desc\"}],\"size\":3}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,\"fields\":{\"k\":[\"b\"]},"
          "\"sort\":[2.5,2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":null,"
          "\"fields\":{\"k\":[\"c\"]},\"sort\":[2.0,17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_"
          "id\":\"12\",\"_score\":null,\"fields\":{\"k\":[\"a\"]},\"sort\":[2.0,12]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"k\"},\"sort\":[{\"k\":{\"order\":\"desc\","
          "\"missing\":\"_first\"}},{\"n\":\"asc\"}],\"from\":1,\"size\":2}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"4\",\"_score\":null,\"fields\":{\"k\":[\"c\"]},"
          "\"sort\":[\"c\",4]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,"
          "\"fields\":{\"k\":[\"b\"]},\"sort\":[\"b\",2]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"k\"},\"query\":{\"range\":{\"n\":{\"gt\":2}"
          "}},\"sort\":[{\"n\":\"desc\"}],\"size\":2,\"track_total_hits\":false}",
          "hits",
          "{\"max_score\":null,\"hits\":[{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_"
          "score\":null,\"fields\":{\"k\":[\"a\"]},\"sort\":[18]},{\"_index\":\"i\",\"_type\":\"_"
          "doc\",\"_id\":\"17\",\"_score\":null,\"fields\":{\"k\":[\"c\"]},\"sort\":[17]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"k\"},\"sort\":[{\"n\":\"desc\"}],\"size\":"
          "4,\"docvalue_fields\":[\"b\"],\"track_scores\":true}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_score\":1.0,\"fields\":{\"k\":[\"a\"]},"
          "\"sort\":[18]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":1.0,"
          "\"fields\":{\"k\":[\"c\"]},\"sort\":[17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"16\",\"_score\":1.0,\"fields\":{\"k\":[\"b\"]},\"sort\":[16]},{\"_index\":\"i\",\"_"
          "type\":\"_doc\",\"_id\":\"5\",\"_score\":1.0,\"fields\":{\"b\":[true]},\"sort\":[5]}]}");
    gives(&bed, "{\"_source\":false,\"collapse\":{\"field\":\"n\"},\"sort\":[\"n\"]}", "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"1\",\"_score\":null,\"fields\":{\"n\":[1]},\"sort\":["
          "1]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,\"fields\":{"
          "\"n\":[2]},\"sort\":[2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"3\",\"_score\":"
          "null,\"fields\":{\"n\":[3]},\"sort\":[3]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"4\",\"_score\":null,\"fields\":{\"n\":[4]},\"sort\":[4]},{\"_index\":\"i\",\"_type\":"
          "\"_doc\",\"_id\":\"5\",\"_score\":null,\"fields\":{\"n\":[5]},\"sort\":[5]},{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"6\",\"_score\":null,\"fields\":{\"n\":[6]},\"sort\":["
          "6]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"7\",\"_score\":null,\"fields\":{"
          "\"n\":[7]},\"sort\":[7]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"8\",\"_score\":"
          "null,\"fields\":{\"n\":[8]},\"sort\":[8]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"9\",\"_score\":null,\"fields\":{\"n\":[9]},\"sort\":[9]},{\"_index\":\"i\",\"_type\":"
          "\"_doc\",\"_id\":\"10\",\"_score\":null,\"fields\":{\"n\":[10]},\"sort\":[10]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"n\"},\"sort\":[{\"f\":\"desc\"},{\"n\":"
          "\"desc\"}],\"size\":3}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,\"fields\":{\"n\":[2]},\"sort\":["
          "2.5,2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":null,\"fields\":{"
          "\"n\":[17]},\"sort\":[2.0,17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"12\",\"_"
          "score\":null,\"fields\":{\"n\":[12]},\"sort\":[2.0,12]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"n\"},\"sort\":[{\"k\":{\"order\":\"desc\","
          "\"missing\":\"_first\"}},{\"n\":\"asc\"}],\"from\":1,\"size\":2}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"4\",\"_score\":null,\"fields\":{\"n\":[4]},\"sort\":["
          "\"c\",4]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"8\",\"_score\":null,\"fields\":"
          "{\"n\":[8]},\"sort\":[\"c\",8]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"n\"},\"query\":{\"range\":{\"n\":{\"gt\":2}"
          "}},\"sort\":[{\"n\":\"desc\"}],\"size\":2,\"track_total_hits\":false}",
          "hits",
          "{\"max_score\":null,\"hits\":[{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_"
          "score\":null,\"fields\":{\"n\":[18]},\"sort\":[18]},{\"_index\":\"i\",\"_type\":\"_"
          "doc\",\"_id\":\"17\",\"_score\":null,\"fields\":{\"n\":[17]},\"sort\":[17]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"n\"},\"sort\":[{\"n\":\"desc\"}],\"size\":"
          "4,\"docvalue_fields\":[\"b\"],\"track_scores\":true}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_score\":1.0,\"fields\":{\"n\":[18]},\"sort\":"
          "[18]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":1.0,\"fields\":{"
          "\"n\":[17]},\"sort\":[17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"16\",\"_"
          "score\":1.0,\"fields\":{\"n\":[16]},\"sort\":[16]},{\"_index\":\"i\",\"_type\":\"_doc\","
          "\"_id\":\"15\",\"_score\":1.0,\"fields\":{\"n\":[15]},\"sort\":[15]}]}");
    gives(&bed, "{\"_source\":false,\"collapse\":{\"field\":\"f\"},\"sort\":[\"n\"]}", "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"1\",\"_score\":null,\"fields\":{\"f\":[1.5]},"
          "\"sort\":[1]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,"
          "\"fields\":{\"f\":[2.5]},\"sort\":[2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"3\",\"_score\":null,\"sort\":[3]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"4\","
          "\"_score\":null,\"fields\":{\"f\":[-1.0]},\"sort\":[4]},{\"_index\":\"i\",\"_type\":\"_"
          "doc\",\"_id\":\"7\",\"_score\":null,\"fields\":{\"f\":[2.0]},\"sort\":[7]},{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"8\",\"_score\":null,\"fields\":{\"f\":[0.5]},"
          "\"sort\":[8]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"10\",\"_score\":null,"
          "\"fields\":{\"f\":[0.0]},\"sort\":[10]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
          "\"11\",\"_score\":null,\"fields\":{\"f\":[1.0]},\"sort\":[11]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"f\"},\"sort\":[{\"f\":\"desc\"},{\"n\":"
          "\"desc\"}],\"size\":3}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"2\",\"_score\":null,\"fields\":{\"f\":[2.5]},"
          "\"sort\":[2.5,2]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":null,"
          "\"fields\":{\"f\":[2.0]},\"sort\":[2.0,17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_"
          "id\":\"14\",\"_score\":null,\"fields\":{\"f\":[1.5]},\"sort\":[1.5,14]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"f\"},\"sort\":[{\"k\":{\"order\":\"desc\","
          "\"missing\":\"_first\"}},{\"n\":\"asc\"}],\"from\":1,\"size\":2}",
          "hits",
          "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"4\",\"_score\":null,\"fields\":{\"f\":[-1.0]},"
          "\"sort\":[\"c\",4]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"8\",\"_score\":null,"
          "\"fields\":{\"f\":[0.5]},\"sort\":[\"c\",8]}]}");
    gives(&bed,
          "{\"_source\":false,\"collapse\":{\"field\":\"f\"},\"query\":{\"range\":{\"n\":{\"gt\":2}"
          "}},\"sort\":[{\"n\":\"desc\"}],\"size\":2,\"track_total_hits\":false}",
          "hits",
          "{\"max_score\":null,\"hits\":[{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_"
          "score\":null,\"fields\":{\"f\":[0.5]},\"sort\":[18]},{\"_index\":\"i\",\"_type\":\"_"
          "doc\",\"_id\":\"17\",\"_score\":null,\"fields\":{\"f\":[2.0]},\"sort\":[17]}]}");
    gives(
        &bed,
        "{\"_source\":false,\"collapse\":{\"field\":\"f\"},\"sort\":[{\"n\":\"desc\"}],\"size\":4,"
        "\"docvalue_fields\":[\"b\"],\"track_scores\":true}",
        "hits",
        "{\"total\":{\"value\":18,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
        "\"i\",\"_type\":\"_doc\",\"_id\":\"18\",\"_score\":1.0,\"fields\":{\"f\":[0.5]},\"sort\":["
        "18]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"17\",\"_score\":1.0,\"fields\":{\"f\":"
        "[2.0]},\"sort\":[17]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"16\",\"_score\":1.0,"
        "\"fields\":{\"f\":[1.0]},\"sort\":[16]},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":"
        "\"15\",\"_score\":1.0,\"fields\":{\"f\":[0.0]},\"sort\":[15]}]}");
    /* By score there is no maximum; the best of each group comes first. */
    finds(&bed, "{\"query\":{\"match\":{\"t\":\"blue\"}},\"collapse\":{\"field\":\"k\"}}", "6 4");
    gives(&bed, "{\"query\":{\"match\":{\"t\":\"blue\"}},\"collapse\":{\"field\":\"k\"}}",
          "hits/max_score", "null");
    gives(&bed, "{\"size\":0,\"collapse\":{\"field\":\"k\"}}", "hits/total/value", "18");
    bed_deinit(&bed);
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    fails(&bed, "{\"collapse\":{\"field\":\"t\"}}", ERR_INVALID,
          "unknown type for collapse field `t`");
    fails(&bed, "{\"collapse\":{\"field\":\"d\"}}", ERR_INVALID, "only keywords and numbers");
    fails(&bed, "{\"collapse\":{\"field\":\"nope\"}}", ERR_INVALID, "no mapping found for `nope`");
    fails(&bed, "{\"collapse\":{\"field\":\"m\"}}", ERR_INVALID, "single valued");
    fails(&bed, "{\"collapse\":{\"field\":\"k\",\"x\":1}}", ERR_PARSE,
          "[collapse] unknown field [x]");
    fails(&bed, "{\"collapse\":{}}", ERR_INVALID, "needs a field");
    fails(&bed, "{\"collapse\":\"k\"}", ERR_PARSE, "Unknown key for a VALUE_STRING in [collapse].");
    fails(&bed, "{\"collapse\":{\"field\":\"k\",\"inner_hits\":{\"name\":\"a\"}}}", ERR_UNSUPPORTED,
          "inner_hits");
    fails(&bed, "{\"collapse\":{\"field\":\"k\"},\"sort\":[\"n\"],\"search_after\":[1]}",
          ERR_INVALID, "`search_after`");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(groups_are_those_of_elasticsearch), TEST(mistakes_are_named))
