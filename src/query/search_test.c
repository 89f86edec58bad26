/* SPDX-License-Identifier: Apache-2.0 */
/* Searches through the door: body in, reply out. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"t\":{\"type\":\"text\"},\"k\":{\"type\":\"keyword\"},"
           "\"n\":{\"type\":\"long\"},"
           "\"f\":{\"type\":\"double\"},\"b\":{\"type\":\"boolean\"},\"d\":{\"type\":\"date\"},"
           "\"ip\":{\"type\":\"ip\"}}}}");
    put(bed, "i", "1",
        "{\"t\":\"the quick brown "
        "fox\",\"k\":\"a\",\"n\":1,\"f\":1.5,\"b\":true,\"d\":\"2025-01-01T00:10:00Z\",\"ip\":\"10."
        "0.0.1\"}");
    put(bed, "i", "2",
        "{\"t\":\"the lazy "
        "dog\",\"k\":\"b\",\"n\":2,\"f\":2.5,\"b\":false,\"d\":\"2025-01-01T01:20:00Z\",\"ip\":"
        "\"10.0.0.2\"}");
    put(bed, "i", "3",
        "{\"t\":\"quick quick "
        "dog\",\"k\":\"a\",\"n\":3,\"d\":\"2025-01-02T00:00:00Z\",\"ip\":\"10.0.1.1\"}");
    refresh(bed, "i");
    put(bed, "i", "4",
        "{\"t\":\"brown dog quick "
        "fox\",\"k\":[\"b\",\"c\"],\"n\":4,\"f\":-1,\"d\":\"2025-01-21T12:00:00Z\"}");
    put(bed, "i", "5", "{\"n\":5,\"k\":\"d\",\"o\":{\"x\":1,\"y\":\"z\"}}");
    put(bed, "i", "6", "{\"n\":6,\"k\":\"gone\"}");
    refresh(bed, "i");
    put(bed, "i", "6", NULL);
    refresh(bed, "i");
}

static void queries_find(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, "{}", "1 2 3 4 5");
    finds(&bed, "{\"query\":{\"match_none\":{}}}", "");
    finds(&bed, "{\"query\":{\"term\":{\"k\":\"a\"}}}", "1 3");
    finds(&bed, "{\"query\":{\"term\":{\"k\":{\"value\":\"A\",\"case_insensitive\":true}}}}",
          "1 3");
    finds(&bed, "{\"query\":{\"term\":{\"n\":3}}}", "3");
    finds(&bed, "{\"query\":{\"term\":{\"n\":\"3\"}}}", "3");
    finds(&bed, "{\"query\":{\"term\":{\"n\":3.5}}}", "");
    finds(&bed, "{\"query\":{\"term\":{\"b\":true}}}", "1");
    finds(&bed, "{\"query\":{\"term\":{\"b\":\"false\"}}}", "2");
    finds(&bed, "{\"query\":{\"term\":{\"ip\":\"10.0.0.0/24\"}}}", "1 2");
    finds(&bed, "{\"query\":{\"term\":{\"d\":\"2025-01-02\"}}}", "3");
    finds(&bed, "{\"query\":{\"term\":{\"_id\":\"4\"}}}", "4");
    finds(&bed, "{\"query\":{\"term\":{\"_index\":\"i\"}}}", "1 2 3 4 5");
    finds(&bed, "{\"query\":{\"term\":{\"_index\":\"j\"}}}", "");
    finds(&bed, "{\"query\":{\"terms\":{\"k\":[\"a\",\"c\"]}}}", "1 3 4");
    finds(&bed, "{\"query\":{\"terms\":{\"n\":[1,5,6]}}}", "1 5");
    finds(&bed, "{\"query\":{\"range\":{\"n\":{\"gt\":1,\"lte\":3}}}}", "2 3");
    finds(&bed, "{\"query\":{\"range\":{\"f\":{\"gte\":1.5}}}}", "1 2");
    finds(&bed, "{\"query\":{\"range\":{\"f\":{\"gt\":1.5}}}}", "2");
    finds(&bed, "{\"query\":{\"range\":{\"k\":{\"gte\":\"b\",\"lt\":\"d\"}}}}", "2 4");
    finds(&bed, "{\"query\":{\"range\":{\"k\":{\"gt\":\"b\"}}}}", "4 5");
    finds(&bed, "{\"query\":{\"range\":{\"d\":{\"gte\":\"2025-01-01\",\"lte\":\"2025-01-01\"}}}}",
          "1 2");
    finds(&bed, "{\"query\":{\"range\":{\"d\":{\"gte\":\"now-1d/d\"}}}}", "4");
    finds(&bed,
          "{\"query\":{\"range\":{\"d\":{\"gte\":\"2025-01-02\",\"time_zone\":\"+09:00\",\"lt\":"
          "\"2025-01-03\"}}}}",
          "3");
    finds(&bed, "{\"query\":{\"range\":{\"ip\":{\"gt\":\"10.0.0.1\"}}}}", "2 3");
    finds(&bed, "{\"query\":{\"range\":{\"_seq_no\":{\"gte\":1,\"lt\":3}}}}", "2 3");
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"f\"}}}", "1 2 4");
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"t\"}}}", "1 2 3 4");
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"o\"}}}", "5");
    finds(&bed, "{\"query\":{\"ids\":{\"values\":[\"2\",\"6\",\"9\"]}}}", "2");
    finds(&bed, "{\"query\":{\"prefix\":{\"t\":\"qui\"}}}", "1 3 4");
    finds(&bed, "{\"query\":{\"wildcard\":{\"t\":{\"value\":\"D?G\"}}}}", "2 3 4");
    finds(&bed, "{\"query\":{\"wildcard\":{\"k\":\"*\"}}}", "1 2 3 4 5");
    finds(&bed, "{\"query\":{\"regexp\":{\"t\":\"(quick|la.y)\"}}}", "1 2 3 4");
    finds(&bed, "{\"query\":{\"regexp\":{\"k\":{\"value\":\"A\",\"case_insensitive\":true}}}}",
          "1 3");
    finds(&bed, "{\"query\":{\"regexp\":{\"k\":{\"value\":\"a@\",\"flags_value\":8}}}}", "1 3");
    finds(&bed, "{\"query\":{\"regexp\":{\"k\":{\"value\":\"a@\",\"flags_value\":0}}}}", "");
    finds(&bed,
          "{\"query\":{\"bool\":{\"must\":{\"term\":{\"k\":\"a\"}},\"must_not\":{\"term\":{\"n\":1}"
          "}}}}",
          "3");
    finds(&bed, "{\"query\":{\"bool\":{\"should\":[{\"term\":{\"n\":1}},{\"term\":{\"n\":2}}]}}}",
          "1 2");
    finds(&bed,
          "{\"query\":{\"bool\":{\"filter\":[{\"term\":{\"k\":\"b\"}}],\"should\":[{\"term\":{"
          "\"n\":4}}]}}}",
          "4 2");
    finds(&bed,
          "{\"query\":{\"bool\":{\"should\":[{\"term\":{\"n\":1}},{\"term\":{\"k\":\"a\"}}],"
          "\"minimum_should_match\":2}}}",
          "1");
    finds(&bed,
          "{\"query\":{\"bool\":{\"should\":[{\"term\":{\"n\":1}}],"
          "\"minimum_should_match\":\"50%\"}}}",
          "1"); /* none of one, but nothing else could match */
    finds(&bed,
          "{\"query\":{\"query_string\":{\"query\":\"k:a -n:1\",\"minimum_should_match\":\"0\"}}}",
          "3");
    finds(&bed, "{\"query\":{\"bool\":{}}}", "1 2 3 4 5");
    finds(&bed, "{\"query\":{\"constant_score\":{\"filter\":{\"term\":{\"k\":\"b\"}}}}}", "2 4");
    finds(&bed, "{\"query\":{\"match\":{\"t\":\"Quick\"}}}", "3 1 4");
    finds(&bed, "{\"query\":{\"match\":{\"t\":{\"query\":\"quick dog\",\"operator\":\"and\"}}}}",
          "3 4");
    finds(&bed, "{\"query\":{\"match_phrase\":{\"t\":\"quick brown\"}}}", "1");
    finds(&bed, "{\"query\":{\"match_phrase\":{\"t\":{\"query\":\"brown quick\",\"slop\":1}}}}",
          "4");
    finds(&bed, "{\"query\":{\"match_phrase\":{\"t\":{\"query\":\"quick brown\",\"slop\":3}}}}",
          "1 4");
    finds(&bed, "{\"query\":{\"match_phrase_prefix\":{\"t\":\"quick br\"}}}", "1");
    finds(&bed, "{\"query\":{\"match_bool_prefix\":{\"t\":\"lazy qui\"}}}", "2 1 3 4");
    finds(&bed, "{\"query\":{\"multi_match\":{\"query\":\"a\",\"fields\":[\"t\",\"k\"]}}}", "1 3");
    finds(&bed,
          "{\"query\":{\"dis_max\":{\"queries\":[{\"term\":{\"n\":1}},{\"term\":{\"n\":5}}]}}}",
          "1 5");
    bed_deinit(&bed);
}

static void query_strings_find(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
#define QS(text, ids) finds(&bed, "{\"query\":{\"query_string\":{\"query\":\"" text "\"}}}", ids)
    QS("quick", "3 1 4");
    QS("t:dog AND k:a", "3");
    QS("k:(a OR d)", "5 1 3");
    QS("quick -brown", "3");
    QS("n:[2 TO 3]", "2 3");
    QS("n:>=4", "4 5");
    QS("n:(>1 AND <3)", "2");
    QS("_exists_:f", "1 2 4");
    QS("f:*", "1 2 4");
    QS("*", "1 2 3 4 5");
    QS("*:*", "1 2 3 4 5");
    QS("t:\\\"quick brown\\\"", "1");
    QS("t:\\\"brown quick\\\"~1", "4");
    QS("qui*", "1 3 4");
    QS("t:d?g", "2 3 4");
    QS("t:/la.y/", "2");
    QS("b:true", "1");
    QS("d:[2025-01-01 TO 2025-01-01]", "1 2");
    QS("NOT k:a", "2 4 5");
    QS("_id:3", "3");
    QS("ip:\\\"10.0.0.1\\\"", "1");
    finds(&bed,
          "{\"query\":{\"query_string\":{\"query\":\"quick "
          "dog\",\"default_operator\":\"AND\",\"default_field\":\"t\"}}}",
          "3 4");
#define QS_AND(text, field, ids)                                                                   \
    finds(&bed,                                                                                    \
          "{\"query\":{\"query_string\":{\"query\":\"" text                                        \
          "\",\"default_operator\":\"AND\",\"default_field\":\"" field "\"}}}",                    \
          ids)
    /* A clause without a word is none, but for fields that take it as it is. */
    QS_AND("quick - dog", "t", "3 4");
    QS_AND("quick AND \\\"?!\\\" AND dog", "t", "3 4");
    QS_AND("quick AND NOT - AND dog", "t", "3 4");
    QS_AND("- AND \\\"!\\\"", "t", "");
    QS_AND("a AND - AND a", "k", "");
    fails(&bed, "{\"query\":{\"query_string\":{\"query\":\"(a\"}}}", ERR_PARSE,
          "Failed to parse query [(a]");
    bed_deinit(&bed);
}

static void scrolls_go_on(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    for (int i = 0; i < 25; i++) {
        char id[8], source[32];
        (void)snprintf(id, sizeof(id), "%d", i);
        (void)snprintf(source, sizeof(source), "{\"n\":%d}", i % 5);
        put(&bed, i % 2 ? "i" : "j", id, source);
        if (i % 7 == 1) {
            refresh(&bed, "i");
            refresh(&bed, "j");
        }
    }
    refresh(&bed, "i");
    refresh(&bed, "j");
    static const char *const bodies[] = {"{\"size\":4}", "{\"size\":4,\"sort\":[\"n\"]}",
                                         "{\"size\":4,\"sort\":[\"_doc\"]}"};
    for (size_t b = 0; b < ARRAY_COUNT(bodies); b++) {
        struct scroll_table *table = scroll_table_new(&bed.clock.base, 2);
        struct value body = parsed(&bed, bodies[b]);
        struct search_request *request;
        struct search_result result;
        struct str id;
        struct searcher *searcher = snapshot(&bed, "i,j");
        assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
        assert_ok(scroll_start(table, searcher, &body, request, 60 * NS_PER_S, t->mem, &result, &id,
                               &t->err),
                  &t->err);
        searcher_unref(searcher);
        bool seen[25] = {false};
        size_t count = 0;
        while (result.hit_count > 0) {
            for (size_t i = 0; i < result.hit_count; i++) {
                int64_t n;
                assert_true(str_to_i64(result.hits[i].id, &n) && !seen[n]);
                seen[n] = true;
                count++;
                assert_int_equal(result.hits[i].sort_count, b == 0 ? 0 : 1);
            }
            assert_int_equal(result.total, 25);
            assert_ok(scroll_next(table, id, 60 * NS_PER_S, t->mem, &result, &t->err), &t->err);
        }
        assert_int_equal(count, 25);
        clock_fake_advance(&bed.clock, 61 * NS_PER_S);
        assert_err(scroll_next(table, id, 0, t->mem, &result, &t->err), &t->err, ERR_NOT_FOUND);
        assert_int_equal(scroll_clear(table, STR("_all")), 0);
        scroll_table_free(table);
    }
    bed_deinit(&bed);
}

static void pages_and_sorts(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, "{\"sort\":[{\"n\":\"desc\"}]}", "5 4 3 2 1");
    finds(&bed, "{\"sort\":[{\"n\":\"desc\"}],\"size\":2}", "5 4");
    finds(&bed, "{\"sort\":[{\"n\":\"desc\"}],\"size\":2,\"from\":2}", "3 2");
    finds(&bed, "{\"sort\":[{\"n\":\"desc\"}],\"size\":2,\"search_after\":[4]}", "3 2");
    finds(&bed, "{\"sort\":[\"f\"]}", "4 1 2 3 5");
    finds(&bed, "{\"sort\":[{\"f\":{\"order\":\"desc\",\"missing\":\"_first\"}}]}", "3 5 2 1 4");
    finds(&bed, "{\"sort\":[{\"f\":{\"missing\":2}}]}", "4 1 3 5 2");
    finds(&bed, "{\"sort\":[\"k\",{\"n\":\"desc\"}]}", "3 1 4 2 5");
    finds(&bed, "{\"sort\":[{\"k\":\"desc\"},\"n\"]}", "5 4 2 1 3");
    finds(&bed, "{\"sort\":[{\"k\":\"desc\"},\"n\"],\"search_after\":[\"c\",4]}", "2 1 3");
    finds(&bed, "{\"sort\":[{\"k\":\"asc\"}],\"search_after\":[\"aa\"]}", "2 4 5");
    finds(&bed, "{\"sort\":[{\"d\":\"desc\"}],\"size\":1}", "4");
    finds(&bed, "{\"sort\":[{\"_seq_no\":\"desc\"}],\"size\":2}", "5 4");
    finds(&bed, "{\"sort\":[{\"_id\":\"desc\"}],\"size\":2}", "5 4");
    finds(&bed, "{\"sort\":[\"_doc\"]}", "1 2 3 4 5");
    gives(&bed, "{\"sort\":[\"n\",\"f\",\"k\",\"d\"],\"size\":1,\"from\":4}", "hits/hits/0/sort",
          "[5,\"Infinity\",\"d\",9223372036854775807]");
    gives(&bed, "{\"sort\":[{\"d\":{\"format\":\"yyyy-MM-dd\"}}],\"size\":1}", "hits/hits/0/sort",
          "[\"2025-01-01\"]");
    gives(&bed, "{\"sort\":[\"n\"],\"size\":1}", "hits/hits/0/_score", "null");
    gives(&bed, "{\"size\":0}", "hits",
          "{\"total\":{\"value\":5,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[]}");
    gives(&bed, "{\"size\":0,\"sort\":\"n\",\"track_scores\":true}", "hits/max_score", "null");
    gives(&bed, "{\"size\":0,\"from\":2,\"track_scores\":true}", "hits/max_score", "null");
    gives(&bed, "{\"size\":0,\"track_total_hits\":2}", "hits/total",
          "{\"value\":2,\"relation\":\"gte\"}");
    gives(&bed, "{\"size\":0,\"track_total_hits\":false}", "hits",
          "{\"max_score\":null,\"hits\":[]}");
    gives(&bed, "{\"size\":0,\"post_filter\":{\"term\":{\"k\":\"a\"}}}", "hits/total/value", "2");
    gives(&bed, "{\"size\":1,\"query\":{\"term\":{\"n\":1}}}", "hits/max_score", "1.0");
    fails(&bed, "{\"from\":18,\"size\":9223372036854775807}", ERR_INVALID,
          "[size]: Numeric value (9223372036854775807) out of range of int");
    fails(&bed, "{\"sort\":[\"zzz\"]}", ERR_INVALID,
          "No mapping found for [zzz] in order to sort on");
    finds(&bed, "{\"sort\":[{\"zzz\":{\"unmapped_type\":\"long\"}},\"n\"]}", "1 2 3 4 5");
    fails(&bed, "{\"sort\":[\"t\"]}", ERR_INVALID, "Text fields are not optimised");
    fails(&bed, "{\"from\":9999,\"size\":2}", ERR_INVALID, "Result window is too large");
    fails(&bed, "{\"size\":-2}", ERR_INVALID, "[size] parameter cannot be negative");
    bed_deinit(&bed);
}

static void sources_are_filtered(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    put(&bed, "i", "1",
        "{\"a\":{\"b\":1,\"c\":{\"d\":2}},\"e\":[{\"f\":1,\"g\":2},{\"g\":3}],\"h\":\"x\"}");
    refresh(&bed, "i");
    gives(&bed, "{}", "hits/hits/0/_source",
          "{\"a\":{\"b\":1,\"c\":{\"d\":2}},\"e\":[{\"f\":1,\"g\":2},{\"g\":3}],\"h\":\"x\"}");
    gives(&bed, "{\"_source\":false}", "hits/hits/0/_source", "(nothing)");
    gives(&bed, "{\"_source\":\"a\"}", "hits/hits/0/_source", "{\"a\":{\"b\":1,\"c\":{\"d\":2}}}");
    gives(&bed, "{\"_source\":[\"a.c\",\"h\"]}", "hits/hits/0/_source",
          "{\"a\":{\"c\":{\"d\":2}},\"h\":\"x\"}");
    gives(&bed, "{\"_source\":\"*.d\"}", "hits/hits/0/_source", "{\"a\":{\"c\":{\"d\":2}}}");
    gives(&bed, "{\"_source\":{\"excludes\":[\"a.*\",\"e\"]}}", "hits/hits/0/_source",
          "{\"a\":{},\"h\":\"x\"}");
    gives(&bed, "{\"_source\":{\"includes\":[\"e.g\"]}}", "hits/hits/0/_source",
          "{\"e\":[{\"g\":2},{\"g\":3}]}");
    gives(&bed, "{\"_source\":\"nope\"}", "hits/hits/0/_source", "{}");
    gives(&bed, "{\"docvalue_fields\":[\"a.b\",\"h.keyword\"],\"_source\":false}",
          "hits/hits/0/fields", "{\"a.b\":[1],\"h.keyword\":[\"x\"]}");
    gives(&bed, "{\"fields\":[\"a.*\"],\"_source\":false}", "hits/hits/0/fields",
          "{\"a.b\":[1],\"a.c.d\":[2]}");
    gives(&bed, "{\"version\":true,\"seq_no_primary_term\":true}", "hits/hits/0/_version", "1");
    gives(&bed, "{\"stored_fields\":\"_none_\"}", "hits/hits/0",
          "{\"_index\":\"i\",\"_type\":\"_doc\",\"_score\":1.0}");
    bed_deinit(&bed);
}

static void aggregations_add_up(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
#define AGG_GIVES(agg, json)                                                                       \
    gives(&bed, "{\"size\":0,\"aggs\":{\"x\":" agg "}}", "aggregations/x", json)
    AGG_GIVES("{\"sum\":{\"field\":\"n\"}}", "{\"value\":15.0}");
    AGG_GIVES("{\"avg\":{\"field\":\"f\"}}", "{\"value\":1.0}");
    AGG_GIVES("{\"min\":{\"field\":\"f\"}}", "{\"value\":-1.0}");
    AGG_GIVES("{\"max\":{\"field\":\"d\"}}",
              "{\"value\":1.7374608E12,\"value_as_string\":\"2025-01-21T12:00:00.000Z\"}");
    AGG_GIVES("{\"value_count\":{\"field\":\"k\"}}", "{\"value\":6}");
    AGG_GIVES("{\"cardinality\":{\"field\":\"k\"}}", "{\"value\":4}");
    AGG_GIVES("{\"stats\":{\"field\":\"n\"}}",
              "{\"count\":5,\"min\":1.0,\"max\":5.0,\"avg\":3.0,\"sum\":15.0}");
    AGG_GIVES("{\"avg\":{\"field\":\"f\",\"missing\":3}}", "{\"value\":1.8}");
    AGG_GIVES("{\"avg\":{\"field\":\"unknown\"}}", "{\"value\":null}");
    AGG_GIVES("{\"percentiles\":{\"field\":\"n\",\"percents\":[50]}}",
              "{\"values\":{\"50.0\":3.0}}");
    AGG_GIVES("{\"terms\":{\"field\":\"k\"}}",
              "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[{\"key\":"
              "\"a\",\"doc_count\":2},"
              "{\"key\":\"b\",\"doc_count\":2},{\"key\":\"c\",\"doc_count\":1},{\"key\":\"d\","
              "\"doc_count\":1}]}");
    AGG_GIVES("{\"terms\":{\"field\":\"k\",\"size\":1,\"order\":{\"_key\":\"desc\"}}}",
              "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":5,\"buckets\":[{\"key\":"
              "\"d\",\"doc_count\":1}]}");
    AGG_GIVES("{\"terms\":{\"field\":\"k\",\"size\":1,\"order\":{\"s\":\"desc\"}},\"aggs\":{\"s\":{"
              "\"sum\":{\"field\":\"n\"}}}}",
              "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":4,\"buckets\":[{\"key\":"
              "\"b\",\"doc_count\":2,\"s\":{\"value\":6.0}}]}");
    AGG_GIVES("{\"terms\":{\"field\":\"k\",\"include\":\"[ab]\",\"exclude\":[\"a\"]}}",
              "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[{\"key\":"
              "\"b\",\"doc_count\":2}]}");
    AGG_GIVES("{\"terms\":{\"field\":\"b\"}}",
              "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[{\"key\":"
              "0,\"key_as_string\":\"false\",\"doc_count\":1},"
              "{\"key\":1,\"key_as_string\":\"true\",\"doc_count\":1}]}");
    AGG_GIVES(
        "{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":\"day\",\"min_doc_count\":1}}",
        "{\"buckets\":[{\"key_as_string\":\"2025-01-01T00:00:00.000Z\",\"key\":1735689600000,\"doc_"
        "count\":2},"
        "{\"key_as_string\":\"2025-01-02T00:00:00.000Z\",\"key\":1735776000000,\"doc_count\":1},"
        "{\"key_as_string\":\"2025-01-21T00:00:00.000Z\",\"key\":1737417600000,\"doc_count\":1}]}");
    AGG_GIVES("{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":\"month\",\"time_zone\":"
              "\"Asia/Seoul\"}}",
              "{\"buckets\":[{\"key_as_string\":\"2025-01-01T00:00:00.000+09:00\",\"key\":"
              "1735657200000,\"doc_count\":4}]}");
    AGG_GIVES("{\"histogram\":{\"field\":\"n\",\"interval\":2}}",
              "{\"buckets\":[{\"key\":0.0,\"doc_count\":1},{\"key\":2.0,\"doc_count\":2},{\"key\":"
              "4.0,\"doc_count\":2}]}");
    AGG_GIVES(
        "{\"range\":{\"field\":\"n\",\"ranges\":[{\"to\":3},{\"from\":3,\"to\":5},{\"from\":5}]}}",
        "{\"buckets\":[{\"key\":\"*-3.0\",\"to\":3.0,\"doc_count\":2},{\"key\":\"3.0-5.0\","
        "\"from\":3.0,\"to\":5.0,\"doc_count\":2},"
        "{\"key\":\"5.0-*\",\"from\":5.0,\"doc_count\":1}]}");
    AGG_GIVES("{\"date_range\":{\"field\":\"d\",\"format\":\"yyyy-MM-dd\",\"ranges\":[{\"from\":"
              "\"2025-01-02\"}]}}",
              "{\"buckets\":[{\"key\":\"2025-01-02-*\",\"from\":1.735776E12,\"from_as_string\":"
              "\"2025-01-02\",\"doc_count\":2}]}");
    AGG_GIVES("{\"filter\":{\"term\":{\"k\":\"a\"}},\"aggs\":{\"m\":{\"max\":{\"field\":\"n\"}}}}",
              "{\"doc_count\":2,\"m\":{\"value\":3.0}}");
    AGG_GIVES("{\"filters\":{\"filters\":{\"p\":{\"term\":{\"k\":\"a\"}}},\"other_bucket\":true}}",
              "{\"buckets\":{\"p\":{\"doc_count\":2},\"_other_\":{\"doc_count\":3}}}");
    AGG_GIVES("{\"missing\":{\"field\":\"f\"}}", "{\"doc_count\":2}");
    gives(&bed,
          "{\"size\":0,\"query\":{\"term\":{\"k\":\"a\"}},\"aggs\":{\"g\":{\"global\":{},\"aggs\":{"
          "\"s\":{\"sum\":{\"field\":\"n\"}}}}}}",
          "aggregations/g", "{\"doc_count\":5,\"s\":{\"value\":15.0}}");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"k\",\"size\":1},\"aggs\":{\"h\":{"
          "\"top_hits\":{\"size\":1,\"sort\":[{\"n\":\"desc\"}],\"_source\":[\"n\"]}}}}}}",
          "aggregations/x/buckets/0/h/hits",
          "{\"total\":{\"value\":2,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"3\",\"_score\":null,\"_source\":{\"n\":3},\"sort\":["
          "3]}]}");
    /* A score beside other keys is shown as a key; with track_scores as a score too. */
    gives(&bed,
          "{\"size\":0,\"query\":{\"term\":{\"n\":3}},\"aggs\":{\"h\":{\"top_hits\":{\"sort\":[\"_"
          "score\",\"n\"],\"_source\":false}}}}",
          "aggregations/h/hits",
          "{\"total\":{\"value\":1,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"3\",\"_score\":null,\"sort\":[1.0,3]}]}");
    gives(&bed,
          "{\"size\":0,\"query\":{\"term\":{\"n\":3}},\"aggs\":{\"h\":{\"top_hits\":{\"sort\":["
          "\"n\"],\"track_scores\":true,\"_source\":false}}}}",
          "aggregations/h/hits",
          "{\"total\":{\"value\":1,\"relation\":\"eq\"},\"max_score\":1.0,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"3\",\"_score\":1.0,\"sort\":[3]}]}");
    /* All documents are equal to a global aggregation. */
    gives(&bed,
          "{\"size\":0,\"query\":{\"match\":{\"t\":\"quick\"}},\"aggs\":{\"g\":{\"global\":{},"
          "\"aggs\":{\"h\":{\"top_hits\":{\"size\":1,\"_source\":false}}}}}}",
          "aggregations/g/h/hits",
          "{\"total\":{\"value\":5,\"relation\":\"eq\"},\"max_score\":1.0,\"hits\":[{\"_index\":"
          "\"i\",\"_type\":\"_doc\",\"_id\":\"1\",\"_score\":1.0}]}");
    bed_deinit(&bed);
}

/* An index without documents, and fields nobody has. */
static void nothing_gives_empty_answers(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            create(&bed, "i",
                   "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"n\":{\"type\":"
                   "\"long\"},\"k\":{\"type\":\"keyword\"}}}}");
        else
            put(&bed, "i", "1", "{\"other\":1}");
        refresh(&bed, "i");
        AGG_GIVES("{\"sum\":{\"field\":\"n\"}}", "{\"value\":0.0}");
        AGG_GIVES("{\"avg\":{\"field\":\"zz\"}}", "{\"value\":null}");
        AGG_GIVES("{\"cardinality\":{\"field\":\"k\"}}", "{\"value\":0}");
        AGG_GIVES("{\"stats\":{\"field\":\"n\"}}",
                  "{\"count\":0,\"min\":null,\"max\":null,\"avg\":null,\"sum\":0.0}");
        AGG_GIVES("{\"percentiles\":{\"field\":\"n\",\"percents\":[50]}}",
                  "{\"values\":{\"50.0\":null}}");
        AGG_GIVES("{\"terms\":{\"field\":\"k\"}}",
                  "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[]}");
        AGG_GIVES("{\"terms\":{\"field\":\"zz\"}}",
                  "{\"doc_count_error_upper_bound\":0,\"sum_other_doc_count\":0,\"buckets\":[]}");
        AGG_GIVES("{\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1h\"}}",
                  "{\"buckets\":[]}");
        AGG_GIVES("{\"date_histogram\":{\"field\":\"zz\",\"calendar_interval\":\"day\",\"time_"
                  "zone\":\"Asia/Seoul\"}}",
                  "{\"buckets\":[]}");
        AGG_GIVES("{\"histogram\":{\"field\":\"n\",\"interval\":2}}", "{\"buckets\":[]}");
        AGG_GIVES("{\"range\":{\"field\":\"n\",\"ranges\":[{\"to\":3}]}}",
                  "{\"buckets\":[{\"key\":\"*-3.0\",\"to\":3.0,\"doc_count\":0}]}");
        AGG_GIVES(
            "{\"filter\":{\"term\":{\"k\":\"a\"}},\"aggs\":{\"m\":{\"max\":{\"field\":\"n\"}}}}",
            "{\"doc_count\":0,\"m\":{\"value\":null}}");
        AGG_GIVES("{\"filter\":{\"match_none\":{}},\"aggs\":{\"t\":{\"top_hits\":{\"sort\":[\"_"
                  "doc\"]}}}}",
                  "{\"doc_count\":0,\"t\":{\"hits\":{\"total\":{\"value\":0,\"relation\":\"eq\"},"
                  "\"max_score\":null,\"hits\":[]}}}");
        finds(&bed, "{\"query\":{\"range\":{\"d\":{\"gte\":\"now-1d\"}}},\"sort\":[\"n\"]}", "");
    }
    bed_deinit(&bed);
}

static bool always(void *owner UNUSED)
{
    return true;
}

static void limits_hold(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    struct value body = parsed(
        &bed, "{\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":0.001}}}}");
    struct search_request *request;
    struct search_result result;
    struct searcher *searcher = snapshot(&bed, "i");
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    struct search_limits buckets = {.bucket_count_max = 1000};
    assert_err(search_run(searcher, request, &bed.clock.base, &buckets, t->mem, &result, &t->err),
               &t->err, ERR_TOO_MANY_BUCKETS);
    assert_err_has(&t->err, "Must be less than or equal to: [1000] but was [1001]");
    bool is_cancelled = true;
    struct search_limits cancelled = {.is_cancelled = &is_cancelled};
    assert_err(search_run(searcher, request, &bed.clock.base, &cancelled, t->mem, &result, &t->err),
               &t->err, ERR_CANCELLED);
    struct search_limits gone = {.client_is_gone = always};
    assert_err(search_run(searcher, request, &bed.clock.base, &gone, t->mem, &result, &t->err),
               &t->err, ERR_CANCELLED);
    struct search_limits little = {.memory_bytes_max = 4096};
    assert_err(search_run(searcher, request, &bed.clock.base, &little, t->mem, &result, &t->err),
               &t->err, ERR_MEM_LIMIT);
    struct search_limits window = {.result_window_max = 5};
    body = parsed(&bed, "{\"size\":6}");
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    assert_err(search_run(searcher, request, &bed.clock.base, &window, t->mem, &result, &t->err),
               &t->err, ERR_INVALID);
    uint64_t count;
    assert_ok(search_count(searcher, request, NULL, &count, &t->err), &t->err);
    assert_int_equal(count, 5);
    body = parsed(&bed, "{\"size\":10,\"terminate_after\":2}");
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    assert_ok(search_run(searcher, request, &bed.clock.base, NULL, t->mem, &result, &t->err),
              &t->err);
    assert_int_equal(result.hit_count, 2);
    assert_true(result.terminated_early);
    searcher_unref(searcher);
    bed_deinit(&bed);
}

/* Parameters of the URL change what the body says. */
static void url_parameters(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    struct value body = parsed(&bed, "{}");
    struct search_request *request;
    struct search_result result;
    struct searcher *searcher = snapshot(&bed, "i");
    static const char *const params[][2] = {{"q", "k:a"},
                                            {"sort", "n:desc"},
                                            {"size", "1"},
                                            {"_source_includes", "n"},
                                            {"track_total_hits", "true"},
                                            {"rest_total_hits_as_int", "true"},
                                            {"version", "true"}};
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(params); i++)
        assert_ok(search_param(request, str_from(params[i][0]), str_from(params[i][1]), &t->err),
                  &t->err);
    assert_ok(search_run(searcher, request, &bed.clock.base, NULL, t->mem, &result, &t->err),
              &t->err);
    assert_int_equal(result.hit_count, 1);
    assert_str_eq(result.hits[0].id, "3");
    assert_str_eq(result.hits[0].source, "{\"n\":3}");
    assert_err(search_param(request, STR("nope"), STR("1"), &t->err), &t->err, ERR_INVALID);
    assert_err(search_param(request, STR("size"), STR("x"), &t->err), &t->err, ERR_PARSE);
    searcher_unref(searcher);
    bed_deinit(&bed);
}

static void errors_say_what(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    fails(&bed, "{\"query\":{\"mach\":{}}}", ERR_PARSE,
          "unknown query [mach] did you mean [match]?");
    fails(&bed, "{\"query\":{\"fuzzy\":{\"k\":\"a\"}}}", ERR_UNSUPPORTED,
          "query [fuzzy] is not supported yet");
    fails(&bed, "{\"query\":{}}", ERR_INVALID, "query malformed, empty clause found");
    fails(&bed, "{\"query\":{\"term\":3}}", ERR_PARSE,
          "[term] query malformed, no start_object after query name");
    fails(&bed, "{\"query\":{\"match\":{\"t\":{\"query\":\"x\",\"foo\":1}}}}", ERR_PARSE,
          "[match] query does not support [foo]");
    fails(&bed, "{\"query\":{\"term\":{\"n\":\"abc\"}}}", ERR_INVALID,
          "failed to create query: For input string: \"abc\"");
    fails(&bed, "{\"foo\":1}", ERR_PARSE, "Unknown key for a VALUE_NUMBER in [foo].");
    fails(&bed, "{\"aggs\":{\"x\":{\"foo\":{}}}}", ERR_PARSE, "Unknown aggregation type [foo]");
    fails(&bed, "{\"aggs\":{\"x\":{\"metric\":{\"field\":\"n\"}}}}", ERR_PARSE,
          "Unknown aggregation type [metric]");
    fails(&bed, "{\"aggs\":{\"x\":{\"moving_fn\":{}}}}", ERR_UNSUPPORTED,
          "aggregation [moving_fn] is not supported yet");
    fails(&bed, "{\"aggs\":{\"x\":{\"avg\":{\"field\":\"n\",\"foo\":1}}}}", ERR_PARSE,
          "[avg] unknown field [foo]");
    fails(&bed, "{\"aggs\":{\"x\":{\"terms\":{\"field\":\"t\"}}}}", ERR_INVALID,
          "Text fields are not optimised");
    fails(&bed, "{\"highlight\":{\"fields\":{}}}", ERR_UNSUPPORTED,
          "[highlight] is not supported yet");
    bed_deinit(&bed);
}

/* Numbers are read by the field's format, as texts are. */
static void date_ranges_follow_the_format(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "s",
           "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\","
           "\"format\":\"epoch_second\"}}}}");
    put(&bed, "s", "1", "{\"d\":1735750000}");
    refresh(&bed, "s");
    gives(&bed,
          "{\"size\":0,\"aggs\":{\"x\":{\"date_range\":{\"field\":\"d\",\"ranges\":[{\"to\":"
          "1735758000},{\"from\":1735758000}]}}}}",
          "aggregations/x/buckets",
          "[{\"key\":\"*-1735758000\",\"to\":1.735758E12,\"to_as_string\":\"1735758000\","
          "\"doc_count\":1},{\"key\":\"1735758000-*\",\"from\":1.735758E12,"
          "\"from_as_string\":\"1735758000\",\"doc_count\":0}]");
    bed_deinit(&bed);
}

/* Compared with Elasticsearch 7.10.2: the last bucket counts, so a span of just as many steps as
 * there may be buckets takes the next step, or the next unit. */
static void auto_date_histograms_stay_within(struct test *t)
{
    static const struct {
        const char *first, *last;
        unsigned buckets, given;
        const char *interval;
    } rows[] = {
        {"2025-01-04T14:00:00Z", "2025-01-05T00:00:00Z", 20, 11, "1h"},
        {"2025-01-04T14:00:00Z", "2025-01-04T23:59:00Z", 20, 20, "30m"},
        {"2025-01-04T14:00:00Z", "2025-01-05T00:01:00Z", 20, 11, "1h"},
        {"2025-01-01T00:00:00Z", "2025-01-01T00:05:00Z", 10, 6, "1m"},
        {"2025-01-01T00:00:00Z", "2025-01-06T00:00:00Z", 10, 6, "1d"},
        {"2025-01-01T00:00:00Z", "2025-01-05T23:00:00Z", 10, 10, "12h"},
        {"2025-01-01T00:00:00Z", "2025-03-12T00:00:00Z", 10, 3, "1M"},
        {"2025-01-01T00:00:00Z", "2025-03-11T00:00:00Z", 10, 10, "7d"},
        {"2025-01-01T00:00:00Z", "2025-01-01T00:00:30Z", 1, 1, "1m"},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "s", "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"}}}}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        put(&bed, "s", "1", arena_printf(t->mem, "{\"d\":\"%s\"}", rows[i].first).p);
        put(&bed, "s", "2", arena_printf(t->mem, "{\"d\":\"%s\"}", rows[i].last).p);
        refresh(&bed, "s");
        struct str body =
            arena_printf(t->mem,
                         "{\"size\":0,\"aggs\":{\"x\":{\"auto_date_histogram\":{\"field\":\"d\","
                         "\"buckets\":%u}}}}",
                         rows[i].buckets);
        struct value answer = reply(&bed, "s", body.p);
        const struct value *buckets = at_path(&answer, "aggregations/x/buckets");
        struct str interval = at_path(&answer, "aggregations/x/interval")->s;
        assert_int_equal(buckets->list->count, rows[i].given);
        assert_true(str_eq(interval, str_from(rows[i].interval)));
    }
    bed_deinit(&bed);
}

/* The text to begin behind is not taken for the value of documents that have none. */
static void text_pages_keep_missing_last(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "s", "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"}}}}");
    put(&bed, "s", "1", "{\"k\":\"b\"}");
    refresh(&bed, "s");
    put(&bed, "s", "2", "{}");
    refresh(&bed, "s");
    put(&bed, "s", "3", "{\"k\":\"c\"}");
    refresh(&bed, "s");
    finds(&bed, "{\"sort\":[\"k\"],\"search_after\":[\"a\"]}", "1 3 2");
    bed_deinit(&bed);
}

/* What a document with several values is sorted by; halves go up, as Java rounds them. */
static void sorts_by_several_values(struct test *t)
{
    static const struct {
        const char *mode, *of_negative, *of_positive;
    } rows[] = {{"min", "[-4]", "[2]"},
                {"max", "[-1]", "[9]"},
                {"sum", "[-10]", "[14]"},
                {"avg", "[-2]", "[5]"},
                {"median", "[-2]", "[3]"}};
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"m\":{\"type\":\"long\"}}}}");
    put(&bed, "i", "1", "{\"m\":[-1,-4,-3,-2]}");
    put(&bed, "i", "2", "{\"m\":[3,9,2]}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str body =
            arena_printf(t->mem, "{\"sort\":[{\"m\":{\"mode\":\"%s\"}}]}", rows[i].mode);
        struct value got = reply(&bed, "i", body.p);
        assert_str_eq(json_of(&bed, at_path(&got, "hits/hits/0/sort")), rows[i].of_negative);
        assert_str_eq(json_of(&bed, at_path(&got, "hits/hits/1/sort")), rows[i].of_positive);
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(sorts_by_several_values), TEST(auto_date_histograms_stay_within),
          TEST(text_pages_keep_missing_last), TEST(date_ranges_follow_the_format),
          TEST(queries_find), TEST(query_strings_find), TEST(scrolls_go_on), TEST(pages_and_sorts),
          TEST(sources_are_filtered), TEST(aggregations_add_up), TEST(nothing_gives_empty_answers),
          TEST(limits_hold), TEST(url_parameters), TEST(errors_say_what))
