/* SPDX-License-Identifier: Apache-2.0 */
/* paging_test.c: search_after over segments of several windows: the pages together are every
 * document once, in order, whatever the page's size and direction. */
#include "query/search_support_test.h"

#define DOCS        13000
#define BULK        500
#define EPOCH_MS    1763596800000LL /* small numbers would be read as years */
#define DOCS_A_TICK 9               /* documents that share a time: the second key decides */
#define K_EVERY     3               /* one document of so many has k = few */

static void fill_many(struct bed *bed)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"},\"n\":{\"type\":\"long\"},"
           "\"k\":{\"type\":\"keyword\"}}}}");
    for (int from = 0; from < DOCS; from += BULK) {
        struct doc_write writes[BULK];
        struct doc_result results[BULK];
        for (int i = 0; i < BULK; i++) {
            int n = from + i;
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("i");
            writes[i].id = arena_printf(bed->t->mem, "%d", n);
            writes[i].source =
                arena_printf(bed->t->mem, "{\"d\":%lld,\"n\":%d,\"k\":\"%s\"}",
                             EPOCH_MS + n / DOCS_A_TICK * 1000, n, n % K_EVERY ? "most" : "few");
        }
        assert_ok(engine_write(bed->engine, writes, BULK, REFRESH_NONE, bed->t->mem, results,
                               &bed->t->err),
                  &bed->t->err);
        if (from % (BULK * 8) == 0)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

/* One page; the result lies in the test's arena. */
static struct search_result run(struct bed *bed, const char *json)
{
    struct test *t = bed->t;
    struct value body = parsed(bed, json);
    struct str index = STR("i");
    struct searcher *searcher;
    struct search_request *request;
    struct search_result result;
    struct search_limits limits = {.result_window_max = 10000, .thread_count = 1};
    assert_ok(engine_snapshot(bed->engine, &index, 1, &searcher, &t->err), &t->err);
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    assert_ok(search_run(searcher, request, &bed->clock.base, &limits, t->mem, &result, &t->err),
              &t->err);
    searcher_unref(searcher);
    return result;
}

/* `every`: of so many documents, one matches the query. */
static void walk(struct bed *bed, const char *query, int every, int page, bool is_descending)
{
    int seen = 0, last_n = (DOCS - 1) / every * every;
    struct str after = STR("");
    for (;;) {
        const char *order = is_descending ? "desc" : "asc";
        struct str body = arena_printf(bed->t->mem,
                                       "{\"query\":%s,\"size\":%d,\"track_total_hits\":false,"
                                       "\"sort\":[{\"d\":\"%s\"},{\"n\":\"%s\"}]" STR_FMT "}",
                                       query, page, order, order, STR_ARG(after));
        struct search_result result = run(bed, body.p);
        for (size_t i = 0; i < result.hit_count; i++, seen++) {
            int64_t want = is_descending ? last_n - seen * every : seen * every;
            assert_int_equal(result.hits[i].sort_values[1].i, want);
        }
        if (result.hit_count < (size_t)page)
            break;
        const struct value *last = result.hits[result.hit_count - 1].sort_values;
        after = arena_printf(bed->t->mem, ",\"search_after\":[%lld,%lld]", (long long)last[0].i,
                             (long long)last[1].i);
    }
    assert_int_equal(seen, last_n / every + 1);
}

static void pages_have_every_document_once(struct test *t)
{
    static const int pages[] = {499, 1000, 4096, 9000};
    struct bed bed;
    bed_init(&bed, t);
    fill_many(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        for (int is_descending = 0; is_descending < 2; is_descending++) {
            walk(&bed, "{\"match_all\":{}}", 1, pages[i], is_descending);
            /* A list of documents, which only goes forward. */
            walk(&bed, "{\"term\":{\"k\":\"few\"}}", K_EVERY, pages[i], is_descending);
        }
    }
    bed_deinit(&bed);
}

/* The total is right too when the walk begins at the end, and with few matches all pieces are gone
 * through. */
static void totals_from_the_end(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill_many(&bed);
    assert_ok(engine_force_merge(bed.engine, STR("i"), 1, &t->err), &t->err);
    for (int i = 0; i < 2; i++) {
        struct search_result result =
            run(&bed, i ? "{\"query\":{\"bool\":{\"filter\":[{\"term\":{\"k\":\"few\"}},{\"range\":"
                          "{\"n\":{\"lt\":30}}}]}},\"sort\":{\"d\":\"desc\"},\"size\":20}"
                        : "{\"query\":{\"bool\":{\"filter\":[{\"term\":{\"k\":\"few\"}},{\"range\":"
                          "{\"n\":{\"gte\":0}}}]}},\"sort\":{\"d\":\"desc\"},\"size\":20,"
                          "\"track_total_hits\":true}");
        assert_int_equal(result.total, i ? 10 : (DOCS - 1) / K_EVERY + 1);
        assert_int_equal(result.hit_count, i ? 10 : 20);
    }
    put(&bed, "i", "12999", NULL); /* a document of the best piece dies */
    refresh(&bed, "i");
    struct search_result result =
        run(&bed, "{\"query\":{\"term\":{\"k\":\"few\"}},\"sort\":{\"d\":\"desc\"},\"size\":3,"
                  "\"_source\":\"n\",\"track_total_hits\":true}");
    assert_int_equal(result.total, (DOCS - 1) / K_EVERY);
    assert_int_equal(result.hit_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_false(str_eq(result.hits[i].id, STR("12999")));
    bed_deinit(&bed);
}

TEST_MAIN(TEST(pages_have_every_document_once), TEST(totals_from_the_end))
