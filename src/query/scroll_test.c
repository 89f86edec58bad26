/* SPDX-License-Identifier: Apache-2.0 */
/* scroll_test.c: the pages of a scroll together are the hits of one search, in its order, whatever
 * the order is and however small the pages; totals are exact; writes after the first page change
 * nothing. */
#include "query/search_support_test.h"

#define DOCS      9000
#define BULK      500
#define PAGE_MANY 5000 /* pages of a test, at most: a scroll that does not end fails */

static const char *const indices[] = {"a", "b", "c"};

/* Documents in turns over three indices, several segments each, one in nine deleted. */
static void fill(struct bed *bed)
{
    for (size_t i = 0; i < ARRAY_COUNT(indices); i++)
        create(bed, indices[i],
               "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"},\"k\":{\"type\":"
               "\"keyword\"},\"t\":{\"type\":\"text\"}}}}");
    for (int from = 0; from < DOCS; from += BULK) {
        struct doc_write writes[BULK];
        struct doc_result results[BULK];
        for (int i = 0; i < BULK; i++) {
            int n = from + i;
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = str_from(indices[n % 3 == 2 ? 2 : (n / 7) % 2]);
            writes[i].id = arena_printf(bed->t->mem, "%d", n);
            writes[i].source =
                arena_printf(bed->t->mem, "{\"n\":%d,\"k\":\"k%d\",\"t\":\"red%s %s\"}",
                             n * 7 % 1000, n % 4, n % 3 ? " red" : "", n % 50 ? "green" : "blue");
        }
        assert_ok(engine_write(bed->engine, writes, BULK, REFRESH_NONE, bed->t->mem, results,
                               &bed->t->err),
                  &bed->t->err);
        if (from % (BULK * 5) == 0) {
            for (size_t i = 0; i < ARRAY_COUNT(indices); i++)
                refresh(bed, indices[i]);
        }
    }
    for (int n = 0; n < DOCS; n += 9) {
        const char *id = arena_printf(bed->t->mem, "%d", n).p;
        put(bed, indices[n % 3 == 2 ? 2 : (n / 7) % 2], id, NULL);
    }
    for (size_t i = 0; i < ARRAY_COUNT(indices); i++)
        refresh(bed, indices[i]);
}

struct pages {
    struct scroll_table *table;
    struct searcher *searcher;
    struct str id;
    struct search_result result;
};

static int start(struct bed *bed, struct pages *p, const char *json, int size)
{
    struct test *t = bed->t;
    struct value body = parsed(bed, json);
    struct search_request *request;
    assert_ok(search_parse(&body, NOW_NS, t->mem, &request, &t->err), &t->err);
    if (size)
        assert_ok(search_param(request, STR("size"), arena_printf(t->mem, "%d", size), &t->err),
                  &t->err);
    p->table = scroll_table_new(&bed->clock.base, 0);
    p->searcher = snapshot(bed, "a,b,c");
    return scroll_start(p->table, p->searcher, &body, request, 60 * NS_PER_S, t->mem, &p->result,
                        &p->id, &t->err);
}

static void finish(struct pages *p)
{
    searcher_unref(p->searcher);
    scroll_table_free(p->table);
}

/* "index/id index/id …" of all pages, and their sort values and scores. */
static struct str scrolled(struct bed *bed, const char *json, int size, size_t *ret_count)
{
    struct test *t = bed->t;
    struct pages p;
    struct buf out;
    buf_init(&out, 0);
    assert_ok(start(bed, &p, json, size), &t->err);
    uint64_t total = p.result.total;
    *ret_count = 0;
    for (int page = 0; p.result.hit_count > 0; page++) {
        assert_true(page < PAGE_MANY);
        assert_true(p.result.total == total && !p.result.total_is_lower_bound);
        /* Only the last page may be short. */
        assert_true(p.result.hit_count == (size_t)size ||
                    *ret_count + p.result.hit_count == (size_t)total);
        for (size_t i = 0; i < p.result.hit_count; i++) {
            const struct search_hit *hit = &p.result.hits[i];
            buf_printf(&out, STR_FMT "/" STR_FMT " %d %g", STR_ARG(hit->index), STR_ARG(hit->id),
                       hit->has_score, hit->has_score ? hit->score : 0);
            for (size_t k = 0; k < hit->sort_count; k++)
                buf_add_str(&out, json_of(bed, &hit->sort_values[k]));
            buf_add_str(&out, hit->source);
            buf_add_char(&out, '\n');
        }
        *ret_count += p.result.hit_count;
        assert_ok(scroll_next(p.table, p.id, 60 * NS_PER_S, t->mem, &p.result, &t->err), &t->err);
    }
    assert_true(*ret_count == total);
    finish(&p);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static const char *const bodies[] = {
    "{}",
    "{\"sort\":[\"_doc\"]}",
    "{\"sort\":[\"_doc\"],\"query\":{\"term\":{\"k\":\"k1\"}}}",
    "{\"query\":{\"constant_score\":{\"filter\":{\"term\":{\"k\":\"k2\"}},\"boost\":2.5}}}",
    "{\"query\":{\"range\":{\"n\":{\"gte\":500}}}}",
    "{\"query\":{\"bool\":{\"filter\":[{\"term\":{\"k\":\"k3\"}},{\"range\":{\"n\":{\"lt\":700}}}]}"
    "}}",
    "{\"query\":{\"match\":{\"t\":\"red blue\"}}}",
    "{\"sort\":[{\"n\":\"desc\"}],\"_source\":false}",
    "{\"sort\":[{\"k\":\"asc\"},{\"n\":\"desc\"}],\"query\":{\"match\":{\"t\":\"blue\"}}}",
    "{\"sort\":[\"_score\"],\"query\":{\"match_all\":{}},\"post_filter\":{\"term\":{\"k\":\"k1\"}}"
    "}",
    "{\"query\":{\"term\":{\"k\":\"k1\"}},\"min_score\":0.1}",
    "{\"query\":{\"term\":{\"k\":\"none\"}}}"};

static void pages_together_are_one_search(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t b = 0; b < ARRAY_COUNT(bodies); b++) {
        static const int sizes[] = {97, 1000, 3000};
        size_t count, n;
        struct str whole = scrolled(&bed, bodies[b], 10000, &count);
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            struct str pages = scrolled(&bed, bodies[b], sizes[i], &n);
            if (!str_eq(whole, pages))
                fail_msg("%s in pages of %d: other hits or another order", bodies[b], sizes[i]);
        }
    }
    bed_deinit(&bed);
}

static void pages_stay_at_their_snapshot(struct test *t)
{
    static const char *const some[] = {"{\"size\":100}", "{\"size\":100,\"sort\":[\"_doc\"]}",
                                       "{\"size\":100,\"sort\":[\"n\"]}"};
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t b = 0; b < ARRAY_COUNT(some); b++) {
        struct pages p;
        assert_ok(start(&bed, &p, some[b], 0), &t->err);
        uint64_t total = p.result.total, seen = 0;
        for (int page = 0; p.result.hit_count > 0; page++) {
            put(&bed, "a", arena_printf(t->mem, "new%d", page).p, "{\"n\":1,\"k\":\"k1\"}");
            refresh(&bed, "a");
            seen += p.result.hit_count;
            assert_ok(scroll_next(p.table, p.id, 60 * NS_PER_S, t->mem, &p.result, &t->err),
                      &t->err);
        }
        assert_true(seen == total);
        finish(&p);
    }
    bed_deinit(&bed);
}

/* A scroll says how many there are, however many: the default limit is not for it. */
static void totals_are_exact(struct test *t)
{
    struct bed bed;
    struct pages p;
    bed_init(&bed, t);
    create(&bed, "a", "{}");
    create(&bed, "b", "{}");
    create(&bed, "c", "{}");
    for (int from = 0; from < 12000; from += BULK) {
        struct doc_write writes[BULK];
        struct doc_result results[BULK];
        for (int i = 0; i < BULK; i++) {
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("a");
            writes[i].source = arena_printf(t->mem, "{\"n\":%d}", from + i);
        }
        assert_ok(engine_write(bed.engine, writes, BULK, REFRESH_NONE, t->mem, results, &t->err),
                  &t->err);
    }
    refresh(&bed, "a");
    assert_ok(start(&bed, &p, "{\"size\":10,\"query\":{\"range\":{\"n\":{\"gte\":10}}}}", 0),
              &t->err);
    assert_true(p.result.has_total && !p.result.total_is_lower_bound);
    assert_int_equal(p.result.total, 11990);
    finish(&p);
    assert_err(start(&bed, &p, "{\"size\":10,\"track_total_hits\":false}", 0), &t->err,
               ERR_INVALID);
    assert_err_has(&t->err, "disabling [track_total_hits] is not allowed in a scroll context");
    finish(&p);
    bed_deinit(&bed);
}

TEST_MAIN(TEST(pages_together_are_one_search), TEST(pages_stay_at_their_snapshot),
          TEST(totals_are_exact))
