/* SPDX-License-Identifier: Apache-2.0 */
/* best_hits_test.c: a search leaves out what cannot win: windows, blocks, scores of documents that
 * are only counted. Whatever it is asked for (total, aggregations, highest score), its hits are the
 * first of those that it gives when it is asked for all. Documents of several windows and segments.
 */
#include <inttypes.h>

#include "query/search_support_test.h"

#define DOCS        9500
#define BULK        500
#define REFRESH     3500 /* documents of a segment */
#define WORDS       40
#define WORDS_A_DOC 9
#define DELETED     211 /* one document of so many */
#define ALL         10000

static const char *const queries[] = {
    "{\"match_all\":{}}",
    "{\"match\":{\"t\":\"w0\"}}",
    "{\"match\":{\"t\":\"w7 w1\"}}",
    "{\"match\":{\"t\":{\"query\":\"w3 w0 w1\",\"operator\":\"and\"}}}",
    "{\"match\":{\"t\":{\"query\":\"w9 w2 w4 w1\",\"minimum_should_match\":2}}}",
    "{\"match_phrase\":{\"t\":\"w0 w1\"}}",
    "{\"term\":{\"k\":\"k0\"}}",
    "{\"range\":{\"n\":{\"gte\":100,\"lt\":150}}}",
    "{\"bool\":{\"must\":[{\"term\":{\"k\":\"k0\"}},{\"range\":{\"n\":{\"lt\":400}}}]}}",
    "{\"bool\":{\"should\":[{\"term\":{\"k\":\"k2\"}},{\"range\":{\"n\":{\"lt\":400}}}]}}",
    "{\"bool\":{\"must\":[{\"range\":{\"n\":{\"lt\":800}}}],\"should\":[{\"match\":{\"t\":\"w1\"}},"
    "{\"match\":{\"t\":\"w5\"}},{\"term\":{\"k\":\"k1\"}}]}}",
    "{\"bool\":{\"filter\":[{\"term\":{\"k\":\"k1\"}}],\"must_not\":[{\"match\":{\"t\":\"w0\"}}]}}",
    "{\"bool\":{\"must\":[{\"match\":{\"t\":\"w6 w2\"}}],\"filter\":[{\"range\":{\"n\":{\"gte\":"
    "500}}}]}}",
    "{\"dis_max\":{\"queries\":[{\"match\":{\"t\":\"w2\"}},{\"term\":{\"k\":\"k3\"}}],"
    "\"tie_breaker\":0.3}}",
    "{\"constant_score\":{\"filter\":{\"match\":{\"t\":\"w8\"}},\"boost\":3}}",
};

static const char *const sorts[] = {
    "\"_score\"",
    "{\"_score\":\"asc\"}",
    "{\"n\":\"asc\"}",
    "{\"n\":\"desc\"}",
    "{\"k\":\"desc\"},\"_score\"",
    "{\"_score\":\"asc\"},{\"n\":\"desc\"}",
    "\"_score\",{\"n\":\"asc\"}",
};

static const char *const tracks[] = {"false", "true", "60", "2000"};

static const char *const extras[] = {
    "",
    ",\"track_scores\":true",
    ",\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}}}",
    ",\"min_score\":0.5",
};

static struct str random_doc(struct bed *bed)
{
    struct rng *rng = &bed->t->rng;
    struct buf words;
    buf_init(&words, 0);
    for (uint64_t i = 1 + rng_below(rng, WORDS_A_DOC); i > 0; i--)
        buf_printf(&words, "w%" PRIu64 " ", rng_below(rng, 1 + rng_below(rng, WORDS)));
    struct str source = arena_printf(
        bed->t->mem, "{\"n\":%" PRIu64 ",\"k\":\"k%" PRIu64 "\",\"t\":\"" STR_FMT "\"}",
        rng_below(rng, 1000), rng_below(rng, 1 + rng_below(rng, 7)), STR_ARG(buf_str(&words)));
    buf_deinit(&words);
    return source;
}

static void fill(struct bed *bed)
{
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"n\":{\"type\":\"integer\"},\"k\":{\"type\":"
           "\"keyword\"},\"t\":{\"type\":\"text\"}}}}");
    for (int from = 0; from < DOCS; from += BULK) {
        struct doc_write writes[BULK];
        struct doc_result results[BULK];
        for (int i = 0; i < BULK; i++) {
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("i");
            writes[i].id = arena_printf(bed->t->mem, "%d", from + i);
            writes[i].source = random_doc(bed);
        }
        assert_ok(engine_write(bed->engine, writes, BULK, REFRESH_NONE, bed->t->mem, results,
                               &bed->t->err),
                  &bed->t->err);
        if ((from + BULK) % REFRESH == 0)
            refresh(bed, "i");
    }
    for (int i = 0; i < DOCS; i += DELETED)
        put(bed, "i", arena_printf(bed->t->mem, "%d", i).p, NULL);
    refresh(bed, "i");
}

static struct search_result run(struct bed *bed, struct str json)
{
    struct test *t = bed->t;
    struct value body = parsed(bed, json.p);
    struct search_request *request;
    struct search_result result;
    if (search_try(bed, "i", &body, &request, &result) < 0)
        fail_msg("%s: %s", json.p, t->err.text);
    return result;
}

static void assert_first_of(const struct search_result *some, const struct search_result *all,
                            size_t size, const char *json)
{
    if (some->hit_count != MIN_OF(size, all->hit_count))
        fail_msg("%s: %zu hits of %zu", json, some->hit_count, all->hit_count);
    for (size_t i = 0; i < some->hit_count; i++) {
        const struct search_hit *a = &some->hits[i], *b = &all->hits[i];
        if (!str_eq(a->id, b->id) || a->has_score != b->has_score ||
            (a->has_score && a->score != b->score))
            fail_msg("%s: hit %zu is " STR_FMT " (%.9g), not " STR_FMT " (%.9g)", json, i,
                     STR_ARG(a->id), a->score, STR_ARG(b->id), b->score);
    }
}

static void assert_total(const struct search_result *some, uint64_t count, const char *track,
                         const char *json)
{
    int64_t limit = 0;
    if (str_is(str_from(track), "false")) {
        assert_false(some->has_total);
        return;
    }
    bool is_limited = str_to_i64(str_from(track), &limit) && count > (uint64_t)limit;
    uint64_t want = is_limited ? (uint64_t)limit : count;
    if (some->total != want || some->total_is_lower_bound != is_limited)
        fail_msg("%s: a total of %" PRIu64 ", not %" PRIu64, json, some->total, want);
}

/* Every total and size, against the same search that gives all. */
static void compare(struct bed *bed, const char *query, const char *sort, const char *extra)
{
    static const size_t sizes[] = {1, 12};
    struct arena *mem = bed->t->mem;
    struct str all_json = arena_printf(mem,
                                       "{\"size\":%d,\"query\":%s,\"sort\":[%s],\"_source\":false,"
                                       "\"track_total_hits\":true%s}",
                                       ALL, query, sort, extra);
    struct search_result all = run(bed, all_json);
    assert_int_equal(all.hit_count, all.total);
    for (size_t i = 0; i < ARRAY_COUNT(tracks) * ARRAY_COUNT(sizes); i++) {
        size_t size = sizes[i % ARRAY_COUNT(sizes)];
        const char *track = tracks[i / ARRAY_COUNT(sizes)];
        struct str json = arena_printf(mem,
                                       "{\"size\":%zu,\"query\":%s,\"sort\":[%s],\"_source\":"
                                       "false,\"track_total_hits\":%s%s}",
                                       size, query, sort, track, extra);
        struct search_result some = run(bed, json);
        assert_first_of(&some, &all, size, json.p);
        assert_total(&some, all.total, track, json.p);
        if (some.has_max_score != all.has_max_score || some.max_score != all.max_score)
            fail_msg("%s: a highest score of %.9g, not %.9g", json.p, some.max_score,
                     all.max_score);
        if (some.aggregations.kind != VALUE_NONE &&
            !str_eq(json_of(bed, &some.aggregations), json_of(bed, &all.aggregations)))
            fail_msg("%s: other aggregations", json.p);
    }
}

static void compare_all(struct bed *bed)
{
    for (size_t q = 0; q < ARRAY_COUNT(queries); q++) {
        for (size_t s = 0; s < ARRAY_COUNT(sorts); s++) {
            for (size_t e = 0; e < ARRAY_COUNT(extras); e++)
                compare(bed, queries[q], sorts[s], extras[e]);
        }
    }
}

static void in_several_segments(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    compare_all(&bed);
    bed_deinit(&bed);
}

static void in_one_segment(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    assert_ok(engine_force_merge(bed.engine, STR("i"), 1, &t->err), &t->err);
    compare_all(&bed);
    bed_deinit(&bed);
}

TEST_MAIN(TEST(in_several_segments), TEST(in_one_segment))
