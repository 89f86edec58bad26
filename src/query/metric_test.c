/* SPDX-License-Identifier: Apache-2.0 */
/* metric_test.c: how metrics are printed: numbers that are none, texts of a format. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"},\"m\":{\"type\":\"long\"}}}}");
    put(bed, "i", "1", "{\"n\":4}");
    put(bed, "i", "2", "{\"m\":1}");
    put(bed, "i", "3", "{\"m\":4}");
    refresh(bed, "i");
}

static void gives_agg(struct bed *bed, const char *agg, const char *path, const char *json)
{
    struct str body = arena_printf(bed->t->mem, "{\"size\":0,\"aggs\":{\"x\":{%s}}}", agg);
    struct value tree = reply(bed, "i", body.p);
    struct str at = arena_printf(bed->t->mem, "aggregations/x/%s", path);
    assert_str_eq(json_of(bed, at_path(&tree, at.p)), json);
}

/* A sample of one has no variance; Elasticsearch says so with a text. */
static void samples_of_one_are_not_a_number(struct test *t)
{
    static const char one[] = "\"extended_stats\":{\"field\":\"n\"}",
                      two[] = "\"extended_stats\":{\"field\":\"m\"}",
                      none[] = "\"extended_stats\":{\"field\":\"zz\"}";
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives_agg(&bed, one, "variance_population", "0.0");
    gives_agg(&bed, one, "variance_sampling", "\"NaN\"");
    gives_agg(&bed, one, "std_deviation", "0.0");
    gives_agg(&bed, one, "std_deviation_sampling", "\"NaN\"");
    gives_agg(&bed, one, "std_deviation_bounds",
              "{\"upper\":4.0,\"lower\":4.0,\"upper_population\":4.0,\"lower_population\":4.0,"
              "\"upper_sampling\":\"NaN\",\"lower_sampling\":\"NaN\"}");
    gives_agg(&bed, two, "variance_sampling", "4.5");
    gives_agg(&bed, none, "variance_sampling", "null");
    gives_agg(&bed, none, "std_deviation_bounds/upper_sampling", "null");
    bed_deinit(&bed);
}

/* Bounds have texts too; where nothing was found there are none. */
static void texts_follow_the_format(struct test *t)
{
    static const char two[] = "\"extended_stats\":{\"field\":\"m\",\"format\":\"0.00\"}",
                      none[] = "\"extended_stats\":{\"field\":\"zz\",\"format\":\"0.00\"}",
                      empty[] = "\"stats\":{\"field\":\"zz\",\"format\":\"0.00\"}";
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives_agg(&bed, two, "avg_as_string", "\"2.50\"");
    gives_agg(&bed, two, "variance_sampling_as_string", "\"4.50\"");
    gives_agg(&bed, two, "std_deviation_bounds_as_string",
              "{\"upper\":\"5.50\",\"lower\":\"-0.50\",\"upper_population\":\"5.50\","
              "\"lower_population\":\"-0.50\",\"upper_sampling\":\"6.74\","
              "\"lower_sampling\":\"-1.74\"}");
    gives_agg(&bed, none, "sum_as_string", "(nothing)");
    gives_agg(&bed, none, "std_deviation_bounds_as_string", "(nothing)");
    gives_agg(&bed, empty, "sum_as_string", "(nothing)");
    gives_agg(&bed, empty, "sum", "0.0");
    bed_deinit(&bed);
}

/* Whatever order they were asked for in; ranks have texts as percentiles have. */
static void percents_are_in_order(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    gives_agg(&bed, "\"percentiles\":{\"field\":\"m\",\"percents\":[100,0,50.0]}", "values",
              "{\"0.0\":1.0,\"50.0\":2.5,\"100.0\":4.0}");
    gives_agg(&bed, "\"percentiles\":{\"field\":\"m\",\"percents\":[100,0],\"keyed\":false}",
              "values", "[{\"key\":0.0,\"value\":1.0},{\"key\":100.0,\"value\":4.0}]");
    gives_agg(&bed, "\"percentile_ranks\":{\"field\":\"m\",\"values\":[9,-1]}", "values",
              "{\"-1.0\":0.0,\"9.0\":100.0}");
    gives_agg(&bed, "\"percentile_ranks\":{\"field\":\"m\",\"values\":[9],\"format\":\"0.00\"}",
              "values", "{\"9.0\":100.0,\"9.0_as_string\":\"100.00\"}");
    bed_deinit(&bed);
}

TEST_MAIN(TEST(percents_are_in_order), TEST(texts_follow_the_format),
          TEST(samples_of_one_are_not_a_number))
