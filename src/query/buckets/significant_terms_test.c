/* SPDX-License-Identifier: Apache-2.0 */
/* Significant terms; the expected replies are Elasticsearch 7.10.2's, for the same documents;
 * terms of equal score, which it shows in no order, are sorted by key. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    create(
        bed, "i",
        "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"g\":{\"type\":\"keyword\"},"
        "\"n\":{\"type\":\"long\"},\"ip\":{\"type\":\"ip\"},\"i\":{\"type\":\"long\"}}}}");
    for (int i = 0; i < 120; i++) {
        char id[16], json[160];
        int g = i % 7;
        (void)snprintf(id, sizeof(id), "%d", i);
        (void)snprintf(json, sizeof(json),
                       "{\"i\":%d,\"k\":[\"k%d\"%s],\"g\":\"%s\",\"n\":%d,\"ip\":\"10.0.0.%d\"}", i,
                       i * i % 7, i % 11 == 0 ? ",\"z\"" : "",
                       (g == 1 || g == 6 || g == 2) && i % 5 ? "x" : "y", i * i * i % 10,
                       i * i % 13);
        put(bed, "i", id, json);
        if (i == 49)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

static void terms_are_those_of_elasticsearch(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\"}}},\"query\":{"
          "\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.9019607843137255,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.0588235294117647,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"size\":1,\"jlh\":{"
          "}}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.9019607843137255,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"chi_square\":{}}}}"
          ",\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":46.75997053562033,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,\"score\":"
          "0.7955382510786068,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"chi_square\":{"
          "\"include_negatives\":true}}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":46.75997053562033,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,\"score\":"
          "0.7955382510786068,\"bg_count\":34},{\"key\":\"z\",\"doc_count\":3,\"score\":0."
          "31784729032435455,\"bg_count\":11}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"mutual_"
          "information\":{}}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.28424119143966464,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.00471689566443961,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"mutual_"
          "information\":{\"include_negatives\":true,\"background_is_superset\":false}}}},"
          "\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.08485876079896086,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.001637332231446488,\"bg_count\":34},{\"key\":\"z\",\"doc_count\":3,"
          "\"score\":7.459472788544005E-4,\"bg_count\":11}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"gnd\":{}}}},"
          "\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.7250540635266334,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.41847738910743854,\"bg_count\":34},{\"key\":\"z\",\"doc_count\":3,\"score\":"
          "0.3314114729986066,\"bg_count\":11}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"percentage\":{},"
          "\"min_doc_count\":1}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.8235294117647058,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.4117647058823529,\"bg_count\":34},{\"key\":\"z\",\"doc_count\":3,\"score\":"
          "0.2727272727272727,\"bg_count\":11}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"n\"}}},\"query\":{"
          "\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":6,\"doc_count\":6,\"score\":0."
          "06122448979591834,\"bg_count\":12},{\"key\":7,\"doc_count\":6,\"score\":0."
          "06122448979591834,\"bg_count\":12},{\"key\":1,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12},{\"key\":2,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12},{\"key\":3,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12},{\"key\":4,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12},{\"key\":8,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12},{\"key\":9,\"doc_count\":5,\"score\":0."
          "02267573696145123,\"bg_count\":12}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"ip\"}}},\"query\":{"
          "\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"10.0.0.9\",\"doc_count\":7,"
          "\"score\":0.018518518518518514,\"bg_count\":18},{\"key\":\"10.0.0.12\",\"doc_count\":7,"
          "\"score\":0.018518518518518514,\"bg_count\":18},{\"key\":\"10.0.0.1\",\"doc_count\":7,"
          "\"score\":0.008771929824561401,\"bg_count\":19}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"nope\"}}},\"query\":{"
          "\"term\":{\"g\":\"x\"}}}",
          "aggregations/x", "{\"buckets\":[]}");
    gives(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\"}}}}",
          "aggregations/x", "{\"doc_count\":120,\"bg_count\":120,\"buckets\":[]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"min_doc_count\":"
          "25}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
          "\"score\":0.9019607843137255,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"exclude\":\"k1\"}}"
          "},\"query\":{\"term\":{\"g\":\"x\"}}}",
          "aggregations/x",
          "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k4\",\"doc_count\":14,"
          "\"score\":0.0588235294117647,\"bg_count\":34}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\",\"background_"
          "filter\":{\"range\":{\"i\":{\"lt\":60}}}}}},\"query\":{\"bool\":{\"filter\":[{\"term\":{"
          "\"g\":\"x\"}},{\"range\":{\"i\":{\"lt\":60}}}]}}}",
          "aggregations/x",
          "{\"doc_count\":21,\"bg_count\":60,\"buckets\":[{\"key\":\"k1\",\"doc_count\":13,"
          "\"score\":0.7334933973589437,\"bg_count\":17},{\"key\":\"k4\",\"doc_count\":8,\"score\":"
          "0.13125250100040012,\"bg_count\":17}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"n\",\"background_"
          "filter\":{\"range\":{\"i\":{\"lt\":60}}}}}},\"query\":{\"bool\":{\"filter\":[{\"term\":{"
          "\"g\":\"x\"}},{\"range\":{\"i\":{\"lt\":60}}}]}}}",
          "aggregations/x",
          "{\"doc_count\":21,\"bg_count\":60,\"buckets\":[{\"key\":1,\"doc_count\":3,\"score\":0."
          "06122448979591834,\"bg_count\":6},{\"key\":2,\"doc_count\":3,\"score\":0."
          "06122448979591834,\"bg_count\":6},{\"key\":3,\"doc_count\":3,\"score\":0."
          "06122448979591834,\"bg_count\":6},{\"key\":6,\"doc_count\":3,\"score\":0."
          "06122448979591834,\"bg_count\":6},{\"key\":7,\"doc_count\":3,\"score\":0."
          "06122448979591834,\"bg_count\":6}]}");
    gives(
        &bed,
        "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\"},\"aggs\":{\"s\":{"
        "\"sum\":{\"field\":\"n\"}}}}},\"query\":{\"term\":{\"g\":\"x\"}}}",
        "aggregations/x",
        "{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_count\":28,"
        "\"score\":0.9019607843137255,\"bg_count\":34,\"s\":{\"value\":136.0}},{\"key\":\"k4\","
        "\"doc_count\":14,\"score\":0.0588235294117647,\"bg_count\":34,\"s\":{\"value\":77.0}}]}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"g\"},\"aggs\":{\"s\":{\"significant_"
          "terms\":{\"field\":\"k\",\"size\":2}}}}}}",
          "aggregations/x",
          "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[{\"key\":"
          "\"y\",\"doc_count\":78,\"s\":{\"doc_count\":78,\"bg_count\":120,\"buckets\":[{\"key\":"
          "\"k2\",\"doc_count\":34,\"score\":0.2347140039447732,\"bg_count\":34},{\"key\":\"k0\","
          "\"doc_count\":18,\"score\":0.12426035502958584,\"bg_count\":18}]}},{\"key\":\"x\",\"doc_"
          "count\":42,\"s\":{\"doc_count\":42,\"bg_count\":120,\"buckets\":[{\"key\":\"k1\",\"doc_"
          "count\":28,\"score\":0.9019607843137255,\"bg_count\":34},{\"key\":\"k4\",\"doc_count\":"
          "14,\"score\":0.0588235294117647,\"bg_count\":34}]}}]}");
    bed_deinit(&bed);
}

#define SIGNIFICANT_FAILS(inner, code, part)                                                       \
    fails(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{" inner "}}}}", code, part)

/* q and m hold the same texts; m of one more document has two, so that it is not counted by
 * ordinal. */
static void fill_alike(struct bed *bed, bool has_two_segments)
{
    char id[16], json[160];
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"p\":{\"type\":\"keyword\"},\"q\":{\"type\":"
           "\"keyword\"},\"m\":{\"type\":\"keyword\"},\"n\":{\"type\":\"long\"}}}}");
    put(bed, "i", "more", "{\"n\":1,\"m\":[\"y\",\"z\"]}");
    for (unsigned i = 0; i < 600; i++) {
        unsigned p = i * 7 % 40, q = (i * i + p) % 9;
        (void)snprintf(id, sizeof(id), "%u", i);
        if (i % 10 == 3)
            (void)snprintf(json, sizeof(json), "{\"p\":\"p%u\",\"n\":0}", p);
        else
            (void)snprintf(json, sizeof(json),
                           "{\"p\":\"p%u\",\"q\":\"q%u\",\"m\":\"q%u\",\"n\":%u}", p, q, q,
                           i % 4 / 3);
        put(bed, "i", id, json);
        if (has_two_segments && i == 350)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

static void counting_by_ordinal_changes_nothing(struct test *t)
{
    static const struct {
        const char *head, *tail;
    } bodies[] = {
        {"{\"size\":0,\"query\":{\"term\":{\"n\":0}},\"aggs\":{\"x\":{\"terms\":{\"field\":\"p\","
         "\"size\":50},\"aggs\":{\"s\":{\"significant_terms\":{\"field\":\"",
         "\",\"min_doc_count\":1}}}}}}"},
        {"{\"size\":0,\"query\":{\"term\":{\"n\":0}},\"aggs\":{\"x\":{\"significant_terms\":{"
         "\"field\":\"",
         "\",\"background_filter\":{\"exists\":{\"field\":\"p\"}}}}}}"},
        {"{\"size\":0,\"query\":{\"range\":{\"n\":{\"lt\":1}}},\"aggs\":{\"x\":{"
         "\"significant_terms\":{\"field\":\"",
         "\",\"min_doc_count\":1}}}}"}};
    for (int segments = 1; segments <= 2; segments++) {
        struct bed bed;
        bed_init(&bed, t);
        fill_alike(&bed, segments == 2);
        for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
            struct str texts[2];
            for (int k = 0; k < 2; k++) {
                struct str body =
                    arena_printf(t->mem, "%s%s%s", bodies[i].head, k ? "q" : "m", bodies[i].tail);
                struct value tree = reply(&bed, "*", body.p);
                texts[k] = json_of(&bed, at_path(&tree, "aggregations"));
            }
            test__str_eq(texts[1], texts[0], __FILE__, __LINE__);
            assert_true(texts[0].n > 200);
        }
        bed_deinit(&bed);
    }
}

static void mistakes_are_named(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    SIGNIFICANT_FAILS("\"field\":\"k\",\"size\":0", ERR_INVALID, "[size]");
    SIGNIFICANT_FAILS("\"field\":\"k\",\"min_doc_count\":-1", ERR_INVALID, "[minDocCount]");
    SIGNIFICANT_FAILS("\"field\":\"k\",\"foo\":1", ERR_PARSE, "unknown field [foo]");
    SIGNIFICANT_FAILS("\"field\":\"k\",\"gnd\":{\"include_negatives\":true}", ERR_PARSE,
                      "[gnd] unknown field");
    SIGNIFICANT_FAILS("\"field\":\"k\",\"gnd\":{},\"jlh\":{}", ERR_PARSE, "one score");
    SIGNIFICANT_FAILS("\"field\":\"k\",\"script_heuristic\":{}", ERR_UNSUPPORTED,
                      "script_heuristic");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(terms_are_those_of_elasticsearch), TEST(counting_by_ordinal_changes_nothing),
          TEST(mistakes_are_named))
