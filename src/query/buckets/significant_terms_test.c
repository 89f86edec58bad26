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

/* ---- Replies of Elasticsearch ---- */

#define FOREGROUND         "{\"term\":{\"g\":\"x\"}}"
#define HALF               "{\"range\":{\"i\":{\"lt\":60}}}"
#define FOREGROUND_OF_HALF "{\"bool\":{\"filter\":[" FOREGROUND "," HALF "]}}"

struct row {
    const char *params;          /* of significant_terms */
    int64_t doc_count, bg_count; /* of the reply */
    const char *buckets;         /* "key doc_count score bg_count, …" */
};

/* The row's reply as JSON. */
static struct str reply_of(struct test *t, const struct row *row)
{
    struct str rest = str_from(row->buckets), bucket, parts[4] = {{NULL, 0}}, buckets = STR("");
    while (str_split_next(&rest, ',', &bucket)) {
        bucket = str_trim(bucket);
        for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
            assert_true(str_split_next(&bucket, ' ', &parts[i]));
        int64_t number;
        const char *quote = str_to_i64(parts[0], &number) ? "" : "\"";
        buckets = arena_printf(t->mem,
                               STR_FMT "%s{\"key\":%s" STR_FMT "%s,\"doc_count\":" STR_FMT
                                       ",\"score\":" STR_FMT ",\"bg_count\":" STR_FMT "}",
                               STR_ARG(buckets), buckets.n ? "," : "", quote, STR_ARG(parts[0]),
                               quote, STR_ARG(parts[1]), STR_ARG(parts[2]), STR_ARG(parts[3]));
    }
    return arena_printf(t->mem, "{\"doc_count\":%lld,\"bg_count\":%lld,\"buckets\":[" STR_FMT "]}",
                        (long long)row->doc_count, (long long)row->bg_count, STR_ARG(buckets));
}

static void rows_give(struct test *t, const char *query, const struct row *rows, size_t count)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t i = 0; i < count; i++) {
        struct str body = arena_printf(
            t->mem, "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{%s}}},\"query\":%s}",
            rows[i].params, query);
        struct value tree = reply(&bed, "*", body.p);
        assert_strs_eq(json_of(&bed, at_path(&tree, "aggregations/x")), reply_of(t, &rows[i]));
    }
    bed_deinit(&bed);
}

static void terms_have_their_scores(struct test *t)
{
    static const struct row rows[] = {
        {"\"field\":\"k\"", 42, 120, "k1 28 0.9019607843137255 34, k4 14 0.0588235294117647 34"},
        {"\"field\":\"k\",\"chi_square\":{}", 42, 120,
         "k1 28 46.75997053562033 34, k4 14 0.7955382510786068 34"},
        {"\"field\":\"k\",\"chi_square\":{\"include_negatives\":true}", 42, 120,
         "k1 28 46.75997053562033 34, k4 14 0.7955382510786068 34, z 3 0.31784729032435455 11"},
        {"\"field\":\"k\",\"mutual_information\":{}", 42, 120,
         "k1 28 0.28424119143966464 34, k4 14 0.00471689566443961 34"},
        {"\"field\":\"k\",\"mutual_information\":{\"include_negatives\":true,\"background_is_"
         "superset\":false}",
         42, 120,
         "k1 28 0.08485876079896086 34, k4 14 0.001637332231446488 34, z 3 7.459472788544005E-4 "
         "11"},
        {"\"field\":\"k\",\"gnd\":{}", 42, 120,
         "k1 28 0.7250540635266334 34, k4 14 0.41847738910743854 34, z 3 0.3314114729986066 11"},
        {"\"field\":\"k\",\"percentage\":{},\"min_doc_count\":1", 42, 120,
         "k1 28 0.8235294117647058 34, k4 14 0.4117647058823529 34, z 3 0.2727272727272727 11"},
    };
    rows_give(t, FOREGROUND, rows, ARRAY_COUNT(rows));
}

static void fields_have_terms_of_their_kind(struct test *t)
{
    static const struct row rows[] = {
        {"\"field\":\"n\"", 42, 120,
         "6 6 0.06122448979591834 12, 7 6 0.06122448979591834 12, 1 5 0.02267573696145123 12, 2 5 "
         "0.02267573696145123 12, 3 5 0.02267573696145123 12, 4 5 0.02267573696145123 12, 8 5 "
         "0.02267573696145123 12, 9 5 0.02267573696145123 12"},
        {"\"field\":\"ip\"", 42, 120,
         "10.0.0.9 7 0.018518518518518514 18, 10.0.0.12 7 0.018518518518518514 18, 10.0.0.1 7 "
         "0.008771929824561401 19"},
    };
    rows_give(t, FOREGROUND, rows, ARRAY_COUNT(rows));
}

static void terms_are_left_out(struct test *t)
{
    static const struct row rows[] = {
        {"\"field\":\"k\",\"size\":1,\"jlh\":{}", 42, 120, "k1 28 0.9019607843137255 34"},
        {"\"field\":\"k\",\"min_doc_count\":25", 42, 120, "k1 28 0.9019607843137255 34"},
        {"\"field\":\"k\",\"exclude\":\"k1\"", 42, 120, "k4 14 0.0588235294117647 34"},
    };
    rows_give(t, FOREGROUND, rows, ARRAY_COUNT(rows));
}

static void backgrounds_are_filtered(struct test *t)
{
    static const struct row rows[] = {
        {"\"field\":\"k\",\"background_filter\":" HALF, 21, 60,
         "k1 13 0.7334933973589437 17, k4 8 0.13125250100040012 17"},
        {"\"field\":\"n\",\"background_filter\":" HALF, 21, 60,
         "1 3 0.06122448979591834 6, 2 3 0.06122448979591834 6, 3 3 0.06122448979591834 6, 6 3 "
         "0.06122448979591834 6, 7 3 0.06122448979591834 6"},
    };
    rows_give(t, FOREGROUND_OF_HALF, rows, ARRAY_COUNT(rows));
}

/* Whole bodies: without a field, without a query, with what stands below and above. */
static void terms_stand_among_others(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"nope\"}}},\"query\":{"
          "\"term\":{\"g\":\"x\"}}}",
          "aggregations/x", "{\"buckets\":[]}");
    gives(&bed, "{\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\"}}}}",
          "aggregations/x", "{\"doc_count\":120,\"bg_count\":120,\"buckets\":[]}");
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

/* ---- Against itself, and what it refuses ---- */

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

TEST_MAIN(TEST(terms_have_their_scores), TEST(fields_have_terms_of_their_kind),
          TEST(terms_are_left_out), TEST(backgrounds_are_filtered), TEST(terms_stand_among_others),
          TEST(counting_by_ordinal_changes_nothing), TEST(mistakes_are_named))
