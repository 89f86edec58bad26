/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle: random documents, mappings known, several segments and deletes; random queries and
 * aggregations run by the search and by a naive walk over the documents; hits, totals and buckets
 * must be the same. The seed is printed. */
#include "query/bool_model_test.h"
#include "query/search_pool.h"
#include "query/search_support_test.h"

#include <math.h>
#include <stdlib.h>

#include "index/segment.h"

#define DOCS_MAX  10000 /* of the large round: several windows per segment */
#define DOCS_FEW  400
#define WORDS_MAX 8
#define DEPTH_MAX 3

struct model_doc {
    bool is_live, has_n, has_f, has_d, has_t;
    int64_t n, d_ms;
    double f;   /* eighths: sums are exact in any order */
    uint32_t k; /* bit set of letters */
    uint8_t words[WORDS_MAX];
    size_t word_count;
};

struct model {
    struct model_doc docs[DOCS_MAX];
    size_t count;
};

static const char *const vocabulary[] = {"ab", "abc", "b", "cd", "e", "fg"};

enum rule_kind {
    RULE_ALL,
    RULE_K,
    RULE_KS,
    RULE_N,
    RULE_N_RANGE,
    RULE_F_RANGE,
    RULE_D_RANGE,
    RULE_K_RANGE,
    RULE_EXISTS,
    RULE_WORD,
    RULE_PHRASE,
    RULE_PREFIX,
    RULE_IDS,
    RULE_BOOL,
    RULE_KIND_COUNT
};

struct rule {
    enum rule_kind kind;
    int64_t low, high;
    uint32_t bits;
    uint8_t a, b;
    bool includes_low, includes_high;
    struct bool_model bool_of;
    struct rule *clauses[CLAUSES_MAX];
};

#define D_BASE_MS INT64_C(1735689600000) /* 2025-01-01 */
#define HOUR_MS   INT64_C(3600000)

static void add_doc(struct bed *bed, struct model *model, size_t i)
{
    struct rng *rng = &bed->t->rng;
    struct model_doc *doc = &model->docs[i];
    struct buf json;
    char id[16];
    *doc = (struct model_doc){.is_live = true};
    buf_init(&json, 0);
    buf_printf(&json, "{\"i\":%zu", i);
    if ((doc->has_n = rng_below(rng, 5) > 0)) {
        doc->n = rng_between(rng, -20, 20);
        buf_printf(&json, ",\"n\":%lld", (long long)doc->n);
    }
    if ((doc->has_f = rng_below(rng, 3) > 0)) {
        doc->f = (double)rng_between(rng, -80, 80) / 8;
        buf_printf(&json, ",\"f\":%g", doc->f);
    }
    if ((doc->has_d = rng_below(rng, 4) > 0)) {
        doc->d_ms = D_BASE_MS + rng_between(rng, 0, 240) * HOUR_MS / 2;
        buf_printf(&json, ",\"d\":%lld", (long long)doc->d_ms);
    }
    doc->k = (uint32_t)(rng_below(rng, 4) ? 1u << rng_below(rng, 6) : rng_below(rng, 64));
    if (doc->k) {
        const char *comma = "";
        buf_add_lit(&json, ",\"k\":[");
        for (uint32_t b = 0; b < 6; b++) {
            if (doc->k >> b & 1) {
                buf_printf(&json, "%s\"%c\"", comma, 'a' + b);
                comma = ",";
            }
        }
        buf_add_lit(&json, "]");
    }
    doc->word_count = rng_below(rng, WORDS_MAX + 1);
    if ((doc->has_t = doc->word_count > 0)) {
        buf_add_lit(&json, ",\"t\":\"");
        for (size_t w = 0; w < doc->word_count; w++) {
            doc->words[w] = (uint8_t)(rng_below(rng, 20) ? rng_below(rng, 3)
                                                         : rng_below(rng, ARRAY_COUNT(vocabulary)));
            buf_printf(&json, "%s%s", w ? " " : "", vocabulary[doc->words[w]]);
        }
        buf_add_lit(&json, "\"");
    }
    buf_add_lit(&json, "}");
    (void)snprintf(id, sizeof(id), "%zu", i);
    put(bed, "i", id, buf_cstr(&json));
    buf_deinit(&json);
}

static void fill_model(struct bed *bed, struct model *model, bool is_large)
{
    struct rng *rng = &bed->t->rng;
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"i\":{\"type\":\"long\"},\"n\":{\"type\":\"long\"},"
           "\"f\":{\"type\":\"double\"},"
           "\"d\":{\"type\":\"date\"},\"k\":{\"type\":\"keyword\"},\"t\":{\"type\":\"text\"}}}}");
    model->count = is_large ? DOCS_MAX : 50 + rng_below(rng, DOCS_FEW - 50);
    uint64_t refresh_odds = is_large ? 6000 : 60, change_odds = is_large ? 500 : 12;
    for (size_t i = 0; i < model->count; i++) {
        add_doc(bed, model, i);
        if (rng_below(rng, refresh_odds) == 0)
            refresh(bed, "i");
        if (rng_below(rng, change_odds) == 0) {
            size_t victim = rng_below(rng, i + 1);
            char id[16];
            (void)snprintf(id, sizeof(id), "%zu", victim);
            if (rng_below(rng, 2)) {
                put(bed, "i", id, NULL);
                model->docs[victim].is_live = false;
            } else {
                add_doc(bed, model, victim); /* an update: the old one dies */
            }
        }
    }
    refresh(bed, "i");
}

#include "query/oracle_rules_test.h"

/* ---- Hits ---- */

static struct str body_of(struct test *t, const struct rule *rule, const char *rest)
{
    struct buf out;
    buf_init(&out, 0);
    buf_add_lit(&out, "{\"query\":");
    print_rule(rule, &out);
    buf_printf(&out, ",%s}", rest);
    struct str body = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return body;
}

static const struct model_doc *compared; /* by the sort below */
static int by_n_then_i(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct model_doc *p = &compared[x], *q = &compared[y];
    if (p->has_n != q->has_n)
        return p->has_n ? -1 : 1;
    if (p->has_n && p->n != q->n)
        return p->n > q->n ? -1 : 1;
    return (x > y) - (x < y);
}

static void check_hits(struct bed *bed, const struct model *model, const struct rule *rule)
{
    struct test *t = bed->t;
    static size_t found_docs[DOCS_MAX];
    size_t count = 0, from = rng_below(&t->rng, 20), size = rng_below(&t->rng, 30);
    for (size_t i = 0; i < model->count; i++) {
        if (model->docs[i].is_live && matches(rule, &model->docs[i], i))
            found_docs[count++] = i;
    }
    compared = model->docs;
    qsort(found_docs, count, sizeof(found_docs[0]), by_n_then_i);
    struct str rest = arena_printf(
        t->mem,
        "\"track_total_hits\":true,\"sort\":[{\"n\":\"desc\"},\"i\"],\"from\":%zu,\"size\":%zu",
        from, size);
    struct str body = body_of(t, rule, rest.p);
    struct value tree = reply(bed, "i", body.p);
    const struct value *hits = at_path(&tree, "hits/hits"),
                       *total = at_path(&tree, "hits/total/value");
    if (total->i != (int64_t)count)
        fail_msg("total %lld, not %zu: " STR_FMT, (long long)total->i, count, STR_ARG(body));
    size_t shown = from < count ? MIN_OF(size, count - from) : 0;
    if (hits->list->count != shown)
        fail_msg("%zu hits, not %zu: " STR_FMT, hits->list->count, shown, STR_ARG(body));
    for (size_t i = 0; i < shown; i++) {
        int64_t id;
        assert_true(str_to_i64(value_map_get_lit(&hits->list->items[i], "_id")->s, &id));
        if ((size_t)id != found_docs[from + i])
            fail_msg("hit %zu is %lld, not %zu: " STR_FMT, i, (long long)id, found_docs[from + i],
                     STR_ARG(body));
    }
    /* By score: the same documents in some order, scores falling. */
    tree = reply(bed, "i", body_of(t, rule, "\"size\":10000").p);
    hits = at_path(&tree, "hits/hits");
    assert_int_equal(hits->list->count, count);
    for (size_t i = 1; i < count; i++) {
        double before = 0, score = 0;
        assert_true(value_to_f64(value_map_get_lit(&hits->list->items[i - 1], "_score"), &before));
        assert_true(value_to_f64(value_map_get_lit(&hits->list->items[i], "_score"), &score));
        assert_true(score <= before);
    }
    /* The best few, found with skipping, are the first of all. */
    struct value few = reply(bed, "i", body_of(t, rule, "\"size\":7,\"track_total_hits\":false").p);
    const struct value *best = at_path(&few, "hits/hits");
    assert_int_equal(best->list->count, MIN_OF((size_t)7, count));
    for (size_t i = 0; i < best->list->count; i++) {
        if (!value_eq(&best->list->items[i], &hits->list->items[i]))
            fail_msg("hit %zu of the best differs: " STR_FMT, i, STR_ARG(body));
    }
    /* The rest behind a hit in the middle. */
    if (count > 2) {
        size_t middle = rng_below(&t->rng, count);
        const struct model_doc *doc = &model->docs[found_docs[middle]];
        rest = arena_printf(
            t->mem, "\"sort\":[{\"n\":\"desc\"},\"i\"],\"size\":5,\"search_after\":[%lld,%zu]",
            doc->has_n ? (long long)doc->n : (long long)INT64_MIN, found_docs[middle]);
        tree = reply(bed, "i", body_of(t, rule, rest.p).p);
        hits = at_path(&tree, "hits/hits");
        assert_int_equal(hits->list->count, MIN_OF((size_t)5, count - middle - 1));
        for (size_t i = 0; i < hits->list->count; i++) {
            int64_t id;
            assert_true(str_to_i64(value_map_get_lit(&hits->list->items[i], "_id")->s, &id));
            assert_int_equal(id, found_docs[middle + 1 + i]);
        }
    }
}

/* Words of very different frequency: the best few, where windows and clauses are skipped, are the
 * first of all. */
static void check_best_words(struct bed *bed)
{
    struct test *t = bed->t;
    const char *const *v = vocabulary;
    struct str text = arena_printf(t->mem, "%s %s %s", v[rng_below(&t->rng, 6)],
                                   v[rng_below(&t->rng, 6)], v[rng_below(&t->rng, 6)]);
    struct str all_body =
        arena_printf(t->mem, "{\"query\":{\"match\":{\"t\":\"%s\"}},\"size\":10000}", text.p);
    struct str few_body = arena_printf(
        t->mem, "{\"query\":{\"match\":{\"t\":\"%s\"}},\"size\":5,\"track_total_hits\":false}",
        text.p);
    struct value all = reply(bed, "i", all_body.p), few = reply(bed, "i", few_body.p);
    const struct value *first = at_path(&all, "hits/hits"), *best = at_path(&few, "hits/hits");
    assert_int_equal(best->list->count, MIN_OF((size_t)5, first->list->count));
    for (size_t i = 0; i < best->list->count; i++) {
        if (!value_eq(&best->list->items[i], &first->list->items[i]))
            fail_msg("hit %zu of the best differs: " STR_FMT, i, STR_ARG(few_body));
    }
}

/* ---- Aggregations ---- */

struct tally {
    int64_t docs, n_sum, n_count;
    double f_max;
    bool has_f;
};

static void tally_add(struct tally *tally, const struct model_doc *doc)
{
    tally->docs++;
    if (doc->has_n) {
        tally->n_sum += doc->n;
        tally->n_count++;
    }
    if (doc->has_f && (!tally->has_f || doc->f > tally->f_max)) {
        tally->f_max = doc->f;
        tally->has_f = true;
    }
}

static void check_bucket(const struct value *bucket, const struct tally *tally, struct str body)
{
    double sum = 0, max = 0;
    if (value_map_get_lit(bucket, "doc_count")->i != tally->docs)
        fail_msg("bucket has %lld, not %lld: " STR_FMT,
                 (long long)value_map_get_lit(bucket, "doc_count")->i, (long long)tally->docs,
                 STR_ARG(body));
    assert_true(value_to_f64(at_path(bucket, "s/value"), &sum));
    assert_true(sum == (double)tally->n_sum);
    assert_int_equal(at_path(bucket, "c/value")->i, tally->n_count);
    assert_int_equal(value_to_f64(at_path(bucket, "m/value"), &max), tally->has_f);
    assert_true(!tally->has_f || max == tally->f_max);
}

#define SUBS                                                                                       \
    "\"aggs\":{\"s\":{\"sum\":{\"field\":\"n\"}},\"c\":{\"value_count\":{\"field\":\"n\"}},\"m\":" \
    "{\"max\":{\"field\":\"f\"}}}"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void check_aggs(struct bed *bed, const struct model *model, const struct rule *rule)
{
    struct tally letters[6] = {0}, days[12] = {0}, steps[16] = {0}, ranges[3] = {0}, filtered = {0},
                 missing = {0};
    for (size_t i = 0; i < model->count; i++) {
        const struct model_doc *doc = &model->docs[i];
        if (!doc->is_live || !matches(rule, doc, i))
            continue;
        for (uint32_t b = 0; b < 6; b++) {
            if (doc->k >> b & 1)
                tally_add(&letters[b], doc);
        }
        if (doc->has_d)
            tally_add(&days[(doc->d_ms - D_BASE_MS) / (24 * HOUR_MS)], doc);
        if (doc->has_n)
            tally_add(&steps[floor_div(doc->n, 5) + 8], doc);
        if (doc->has_f) {
            if (doc->f < -1.5)
                tally_add(&ranges[0], doc);
            if (doc->f >= -3 && doc->f < 3)
                tally_add(&ranges[1], doc);
            if (doc->f >= 2)
                tally_add(&ranges[2], doc);
        }
        if (doc->k & 1)
            tally_add(&filtered, doc);
        if (!doc->has_f)
            tally_add(&missing, doc);
    }
    struct str body = body_of(
        bed->t, rule,
        "\"size\":0,\"aggs\":{\"k\":{\"terms\":{\"field\":\"k\",\"order\":{\"_key\":\"asc\"}}," SUBS
        "},"
        "\"d\":{\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":\"day\",\"min_doc_"
        "count\":1}," SUBS "},"
        "\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":5,\"min_doc_count\":1}," SUBS "},"
        "\"r\":{\"range\":{\"field\":\"f\",\"ranges\":[{\"to\":-1.5},{\"from\":-3,\"to\":3},{"
        "\"from\":2}]}," SUBS "},"
        "\"q\":{\"filter\":{\"term\":{\"k\":\"a\"}}," SUBS
        "},\"x\":{\"missing\":{\"field\":\"f\"}," SUBS "}}");
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/k/buckets");
    size_t at = 0;
    for (uint32_t b = 0; b < 6; b++) {
        if (letters[b].docs == 0)
            continue;
        assert_true(at < list->list->count);
        assert_int_equal(value_map_get_lit(&list->list->items[at], "key")->s.p[0], 'a' + (int)b);
        check_bucket(&list->list->items[at++], &letters[b], body);
    }
    assert_int_equal(at, list->list->count);
    list = at_path(&tree, "aggregations/d/buckets");
    at = 0;
    for (int64_t day = 0; day < 12; day++) {
        if (days[day].docs == 0)
            continue;
        assert_true(at < list->list->count);
        assert_int_equal(value_map_get_lit(&list->list->items[at], "key")->i,
                         D_BASE_MS + day * 24 * HOUR_MS);
        check_bucket(&list->list->items[at++], &days[day], body);
    }
    assert_int_equal(at, list->list->count);
    list = at_path(&tree, "aggregations/h/buckets");
    at = 0;
    for (int64_t step = 0; step < 16; step++) {
        double key = 0;
        if (steps[step].docs == 0)
            continue;
        assert_true(at < list->list->count &&
                    value_to_f64(value_map_get_lit(&list->list->items[at], "key"), &key));
        assert_true(key == (double)(step - 8) * 5);
        check_bucket(&list->list->items[at++], &steps[step], body);
    }
    assert_int_equal(at, list->list->count);
    for (size_t i = 0; i < 3; i++)
        check_bucket(&at_path(&tree, "aggregations/r/buckets")->list->items[i], &ranges[i], body);
    check_bucket(at_path(&tree, "aggregations/q"), &filtered, body);
    check_bucket(at_path(&tree, "aggregations/x"), &missing, body);
}

/* Every other question is answered by several threads, which must not change the answer. */
static void change_threads(struct bed *bed, struct search_pool *pool)
{
    bool was_alone = bed->limits.pool == NULL;
    bed->limits = (struct search_limits){0};
    if (was_alone)
        bed->limits =
            (struct search_limits){.pool = pool, .alone_effort_max = 1, .chunk_docs = ZONE_DOCS};
}

#include "query/oracle_combinations_test.h"

/* ---- Significant terms, collapsing ---- */

/* With a background of all live documents: dictionaries count dead ones too. */
static void check_significant(struct bed *bed, const struct model *model, const struct rule *rule)
{
    int64_t in[6] = {0}, all[6] = {0}, in_size = 0, all_size = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_doc *doc = &model->docs[i];
        if (!doc->is_live)
            continue;
        bool is_in = matches(rule, doc, i);
        all_size++;
        in_size += is_in;
        for (uint32_t b = 0; b < 6; b++) {
            all[b] += doc->k >> b & 1;
            in[b] += is_in && (doc->k >> b & 1);
        }
    }
    struct str body = body_of(bed->t, rule,
                              "\"size\":0,\"aggs\":{\"x\":{\"significant_terms\":{\"field\":\"k\","
                              "\"min_doc_count\":1,\"background_filter\":{\"match_all\":{}}}}}");
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    assert_int_equal(at_path(&tree, "aggregations/x/doc_count")->i, in_size);
    size_t expected = 0;
    double before = INFINITY;
    for (uint32_t b = 0; b < 6; b++) /* the share is above that of the background */
        expected += in[b] > 0 && in[b] * all_size > all[b] * in_size;
    if (list->list->count != expected)
        fail_msg("%zu terms, not %zu: " STR_FMT, list->list->count, expected, STR_ARG(body));
    for (size_t i = 0; i < expected; i++) {
        const struct value *bucket = &list->list->items[i];
        int b = value_map_get_lit(bucket, "key")->s.p[0] - 'a';
        double share = (double)in[b] / (double)in_size, base = (double)all[b] / (double)all_size,
               score = 0;
        assert_int_equal(value_map_get_lit(bucket, "doc_count")->i, in[b]);
        assert_int_equal(value_map_get_lit(bucket, "bg_count")->i, all[b]);
        assert_true(value_to_f64(value_map_get_lit(bucket, "score"), &score));
        assert_true(fabs(score - (share - base) * (share / base)) <= 1e-9 * fabs(score));
        assert_true(score <= before);
        before = score;
    }
}

/* Of each number only the first document by f, then i. */
static int by_f_then_i(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct model_doc *p = &compared[x], *q = &compared[y];
    if (p->has_f != q->has_f)
        return p->has_f ? -1 : 1;
    if (p->has_f && p->f != q->f)
        return p->f < q->f ? -1 : 1;
    return (x > y) - (x < y);
}

static void check_collapse(struct bed *bed, const struct model *model, const struct rule *rule)
{
    static size_t order[DOCS_MAX], kept[DOCS_MAX];
    struct test *t = bed->t;
    bool is_met[42] = {false}; /* -20 … 20, none */
    size_t count = 0, kept_count = 0, size = 1 + rng_below(&t->rng, 50);
    for (size_t i = 0; i < model->count; i++) {
        if (model->docs[i].is_live && matches(rule, &model->docs[i], i))
            order[count++] = i;
    }
    compared = model->docs;
    qsort(order, count, sizeof(order[0]), by_f_then_i);
    for (size_t i = 0; i < count; i++) {
        const struct model_doc *doc = &model->docs[order[i]];
        size_t group = doc->has_n ? (size_t)(doc->n + 20) : 41;
        if (!is_met[group])
            kept[kept_count++] = order[i];
        is_met[group] = true;
    }
    struct str rest = arena_printf(t->mem,
                                   "\"track_total_hits\":true,\"collapse\":{\"field\":\"n\"},"
                                   "\"sort\":[\"f\",\"i\"],\"size\":%zu",
                                   size);
    struct str body = body_of(t, rule, rest.p);
    struct value tree = reply(bed, "i", body.p);
    const struct value *hits = at_path(&tree, "hits/hits");
    assert_int_equal(at_path(&tree, "hits/total/value")->i, count);
    if (hits->list->count != MIN_OF(size, kept_count))
        fail_msg("%zu hits, not %zu: " STR_FMT, hits->list->count, MIN_OF(size, kept_count),
                 STR_ARG(body));
    for (size_t i = 0; i < hits->list->count; i++) {
        int64_t id;
        assert_true(str_to_i64(value_map_get_lit(&hits->list->items[i], "_id")->s, &id));
        if ((size_t)id != kept[i])
            fail_msg("hit %zu is %lld, not %zu: " STR_FMT, i, (long long)id, kept[i],
                     STR_ARG(body));
    }
}

static void check_groups(struct bed *bed, const struct model *model, const struct rule *rule)
{
    static struct tuple items[TUPLES_MAX];
    static size_t begins[TUPLES_MAX + 1];
    struct tuples tuples = {.items = items, .begins = begins};
    check_composite(bed, model, rule, &tuples);
    check_composite(bed, model, rule, &tuples);
    check_multi_terms(bed, model, rule, &tuples);
    check_significant(bed, model, rule);
    check_collapse(bed, model, rule);
}

static void search_equals_the_naive_walk(struct test *t)
{
    struct search_pool *pool = search_pool_new(3);
    for (int round = 0; round < 13; round++) {
        bool is_large = round == 12;
        struct bed bed;
        struct model *model = ARENA_NEW(t->mem, struct model);
        bed_init(&bed, t);
        fill_model(&bed, model, is_large);
        for (int i = 0; i < (is_large ? 15 : 60); i++) {
            const struct rule *rule = random_rule(t, 0);
            change_threads(&bed, pool);
            check_hits(&bed, model, rule);
            check_aggs(&bed, model, rule);
            check_groups(&bed, model, rule);
        }
        for (int i = 0; i < (is_large ? 20 : 3); i++)
            check_best_words(&bed);
        /* The same after everything was folded into one segment. */
        const struct rule *q = random_rule(t, 0);
        assert_ok(engine_force_merge(bed.engine, STR("i"), 1, &t->err), &t->err);
        check_hits(&bed, model, q);
        check_aggs(&bed, model, q);
        check_groups(&bed, model, q);
        for (int i = 0; i < (is_large ? 20 : 1); i++) {
            change_threads(&bed, pool);
            check_best_words(&bed);
        }
        bed_deinit(&bed);
    }
    search_pool_free(pool);
}

TEST_MAIN(TEST(search_equals_the_naive_walk))
