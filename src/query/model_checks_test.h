/* SPDX-License-Identifier: Apache-2.0 */
/* model_checks_test.h: what is asked of a query: its documents, their order, pages, scores and
 * totals, and that other ways to say it find the same. */
#ifndef NARU_QUERY_MODEL_CHECKS_TEST_H
#define NARU_QUERY_MODEL_CHECKS_TEST_H

#include <math.h>

#include "query/model_query_test.h"

/* ---- One question ---- */

struct found_set {
    uint32_t ids[DOCS_MAX];
    uint32_t count;
};

static struct str print_body(struct world *w, const struct ask *ask, const char *rest)
{
    struct buf out;
    buf_init(&out, 0);
    buf_add_lit(&out, "{\"query\":");
    print_ask(w, ask, &out);
    buf_printf(&out, ",%s}", rest);
    struct str body = arena_str(w->t->mem, buf_str(&out));
    buf_deinit(&out);
    return body;
}

static void expect(const struct world *w, bool is_true, const char *what, struct str body)
{
    if (!is_true)
        fail_msg("NARU_SEED=%llu: %s: " STR_FMT, (unsigned long long)w->seed, what, STR_ARG(body));
}

static const char *one_or_three(struct world *w)
{
    return rng_below(w->rng, 2) ? "all" : "p0,p1,p2";
}

static uint32_t hit_number(const struct value *hit)
{
    int64_t id = 0;
    assert_true(str_to_i64(value_map_get_lit(hit, "_id")->s, &id));
    return (uint32_t)id;
}

struct order {
    enum field_name field;
    bool is_desc, is_missing_first;
};

/* The value a document is sorted by: the lowest ascending, the highest descending. */
static int64_t order_key(const struct order *order, const struct doc *doc, bool *ret_is_missing)
{
    int64_t best = 0;
    *ret_is_missing = doc->counts[order->field] == 0;
    for (uint32_t i = 0; i < doc->counts[order->field]; i++) {
        int64_t key = doc->keys[order->field][i];
        if (i == 0 || (order->is_desc ? key > best : key < best))
            best = key;
    }
    return best;
}

static int order_cmp(const struct world *w, const struct order *order, uint32_t a, uint32_t b)
{
    bool no_a, no_b;
    int64_t key_a = order_key(order, &w->docs[a], &no_a),
            key_b = order_key(order, &w->docs[b], &no_b);
    if (no_a != no_b)
        return no_a == order->is_missing_first ? -1 : 1;
    if (!no_a && key_a != key_b)
        return (key_a < key_b) != order->is_desc ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void sort_found(const struct world *w, const struct order *order, struct found_set *set)
{
    for (uint32_t i = 1; i < set->count; i++) {
        uint32_t id = set->ids[i], at = i;
        for (; at > 0 && order_cmp(w, order, set->ids[at - 1], id) > 0; at--)
            set->ids[at] = set->ids[at - 1];
        set->ids[at] = id;
    }
}

static void expect_hits(const struct world *w, const struct value *tree,
                        const struct found_set *set, size_t from, size_t size, struct str body)
{
    const struct value *hits = at_path(tree, "hits/hits");
    size_t shown = from < set->count ? MIN_OF(size, set->count - from) : 0;
    expect(w, hits->list->count == shown, "as many hits", body);
    for (size_t i = 0; i < shown; i++) {
        uint32_t id = hit_number(&hits->list->items[i]);
        if (id != set->ids[from + i])
            fail_msg("NARU_SEED=%llu: hit %zu is %u, not %u: " STR_FMT, (unsigned long long)w->seed,
                     i, id, set->ids[from + i], STR_ARG(body));
    }
}

static void check_totals(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct str body = print_body(w, ask, "\"size\":0,\"track_total_hits\":7");
    struct value tree = reply(&w->bed, one_or_three(w), body.p);
    bool is_over = set->count > 7;
    expect(w, at_path(&tree, "hits/total/value")->i == (is_over ? 7 : (int64_t)set->count),
           "a total up to its limit", body);
    expect(w, str_eq(at_path(&tree, "hits/total/relation")->s, is_over ? STR("gte") : STR("eq")),
           "its relation", body);
    body = print_body(w, ask, "\"size\":1,\"track_total_hits\":false");
    tree = reply(&w->bed, one_or_three(w), body.p);
    expect(w, !at_path(&tree, "hits/total"), "no total", body);
}

/* All pages by search_after are the whole list. */
static void check_pages(struct world *w, const struct ask *ask, const struct order *order,
                        const struct found_set *set)
{
    struct str after = STR("");
    size_t size = 1 + rng_below(w->rng, 40), seen = 0;
    const char *indices = one_or_three(w);
    for (size_t page = 0; page < 8 && seen < set->count; page++) {
        struct str rest = arena_printf(
            w->t->mem,
            "\"size\":%zu,\"sort\":[{\"%s\":{\"order\":\"%s\",\"missing\":\"%s\"}},\"i\"]" STR_FMT,
            size, field_names[order->field], order->is_desc ? "desc" : "asc",
            order->is_missing_first ? "_first" : "_last", STR_ARG(after));
        struct str body = print_body(w, ask, rest.p);
        struct value tree = reply(&w->bed, indices, body.p);
        expect_hits(w, &tree, set, seen, size, body);
        const struct value *hits = at_path(&tree, "hits/hits");
        seen += hits->list->count;
        if (hits->list->count == 0)
            break;
        const struct value *values =
            value_map_get_lit(&hits->list->items[hits->list->count - 1], "sort");
        after = arena_printf(w->t->mem, ",\"search_after\":" STR_FMT,
                             STR_ARG(json_of(&w->bed, values)));
    }
}

static void check_sorted(struct world *w, const struct ask *ask, struct found_set *set)
{
    struct order order = {(enum field_name)rng_below(w->rng, F_COUNT), rng_below(w->rng, 2),
                          rng_below(w->rng, 2)};
    size_t from = rng_below(w->rng, 20), size = rng_below(w->rng, 30);
    sort_found(w, &order, set);
    struct str rest =
        arena_printf(w->t->mem,
                     "\"track_total_hits\":true,\"from\":%zu,\"size\":%zu,"
                     "\"sort\":[{\"%s\":{\"order\":\"%s\",\"missing\":\"%s\"}},\"i\"]",
                     from, size, field_names[order.field], order.is_desc ? "desc" : "asc",
                     order.is_missing_first ? "_first" : "_last");
    struct str body = print_body(w, ask, rest.p);
    struct value tree = reply(&w->bed, one_or_three(w), body.p);
    expect(w, at_path(&tree, "hits/total/value")->i == (int64_t)set->count, "the total", body);
    expect_hits(w, &tree, set, from, size, body);
    check_pages(w, ask, &order, set);
}

/* By score: the same documents, scores falling; the best few, found with skipping, and those over
 * min_score are the first of all. */
static void check_scored(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct str body = print_body(w, ask, "\"size\":1000");
    const char *indices = one_or_three(w);
    struct value tree = reply(&w->bed, indices, body.p);
    const struct value *hits = at_path(&tree, "hits/hits");
    double before = INFINITY, score = 0, least = 0;
    size_t size = 1 + rng_below(w->rng, 9), over = 0;
    bool met[DOCS_MAX] = {false};
    expect(w, hits->list->count == set->count, "as many hits by score", body);
    for (size_t i = 0; i < set->count; i++)
        met[set->ids[i]] = true;
    for (size_t i = 0; i < set->count; i++) {
        const struct value *hit = &hits->list->items[i];
        expect(w, met[hit_number(hit)], "the same hits by score", body);
        met[hit_number(hit)] = false;
        assert_true(value_to_f64(value_map_get_lit(hit, "_score"), &score));
        expect(w, score <= before, "falling scores", body);
        before = score;
    }
    body = print_body(w, ask,
                      arena_printf(w->t->mem, "\"size\":%zu,\"track_total_hits\":false", size).p);
    struct value few = reply(&w->bed, indices, body.p);
    const struct value *best = at_path(&few, "hits/hits");
    expect(w, best->list->count == MIN_OF(size, (size_t)set->count), "as many of the best", body);
    for (size_t i = 0; i < best->list->count; i++)
        expect(w, value_eq(&best->list->items[i], &hits->list->items[i]), "the best", body);
    if (set->count == 0)
        return;
    const struct value *middle = &hits->list->items[rng_below(w->rng, set->count)];
    assert_true(value_to_f64(value_map_get_lit(middle, "_score"), &least));
    while (over < set->count &&
           value_to_f64(value_map_get_lit(&hits->list->items[over], "_score"), &score) &&
           score >= least)
        over++;
    body = print_body(w, ask, arena_printf(w->t->mem, "\"size\":0,\"min_score\":%.17g", least).p);
    few = reply(&w->bed, indices, body.p);
    expect(w, at_path(&few, "hits/total/value")->i == (int64_t)over, "those over min_score", body);
}

static int64_t total_of(struct world *w, struct str query)
{
    struct value tree =
        reply(&w->bed, one_or_three(w),
              arena_printf(w->t->mem, "{\"size\":0,\"query\":" STR_FMT "}", STR_ARG(query)).p);
    return at_path(&tree, "hits/total/value")->i;
}

/* q = (q and p) + (q and not p), and a filter finds what a must finds. */
static void check_halves(struct world *w, const struct ask *q, const struct found_set *set)
{
    struct buf a, b;
    const struct ask *p = ask_draw(w, DEPTH_MAX);
    buf_init(&a, 0);
    buf_init(&b, 0);
    print_ask(w, q, &a);
    print_ask(w, p, &b);
    struct str with =
        arena_printf(w->t->mem, "{\"bool\":{\"must\":[" STR_FMT "],\"filter\":[" STR_FMT "]}}",
                     STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
    struct str without =
        arena_printf(w->t->mem, "{\"bool\":{\"filter\":[" STR_FMT "],\"must_not\":[" STR_FMT "]}}",
                     STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
    int64_t has = total_of(w, with), has_not = total_of(w, without);
    expect(w, has + has_not == (int64_t)set->count, "q = (q and p) + (q and not p)", with);
    uint32_t kept = 0;
    struct str post = print_body(
        w, q,
        arena_printf(w->t->mem, "\"size\":0,\"post_filter\":" STR_FMT, STR_ARG(buf_str(&b))).p);
    struct value tree = reply(&w->bed, one_or_three(w), post.p);
    for (uint32_t i = 0; i < set->count; i++)
        kept += holds(p, &w->docs[set->ids[i]], set->ids[i]);
    expect(w, at_path(&tree, "hits/total/value")->i == (int64_t)kept, "post_filter", post);
    buf_deinit(&a);
    buf_deinit(&b);
}

/* query_string, KQL and the DSL say the same. */
static void check_languages(struct world *w)
{
    static const char *const forms[][3] = {
        {"k:%s AND NOT t:%s", "k:%s and not t:%s",
         "{\"bool\":{\"must\":[{\"term\":{\"k\":\"%s\"}}],\"must_not\":[{\"match\":{\"t\":\"%s\"}}]"
         "}}"},
        {"k:%s OR t:%s", "k:%s or t:%s",
         "{\"bool\":{\"should\":[{\"term\":{\"k\":\"%s\"}},{\"match\":{\"t\":\"%s\"}}]}}"},
        {"(k:%s OR n:[0 TO *]) AND t:%s", "(k:%s or n >= 0) and t:%s",
         "{\"bool\":{\"should\":[{\"term\":{\"k\":\"%s\"}},{\"range\":{\"n\":{\"gte\":0}}}],"
         "\"minimum_should_match\":1,\"must\":[{\"match\":{\"t\":\"%s\"}}]}}"}};
    size_t form = rng_below(w->rng, ARRAY_COUNT(forms));
    const char *k = letters[rng_below(w->rng, 6)], *t = words[rng_below(w->rng, 6)];
    char text[3][400];
    for (size_t i = 0; i < 3; i++) {
        const char *at = forms[form][i];
        struct buf out;
        buf_init(&out, 0);
        for (unsigned n = 0; *at; at++) {
            if (at[0] == '%') {
                buf_add_str(&out, str_from(n++ ? t : k));
                at++;
            } else {
                buf_add_u8(&out, (uint8_t)*at);
            }
        }
        (void)snprintf(text[i], sizeof(text[i]), "%s", buf_cstr(&out));
        buf_deinit(&out);
    }
    struct value kql;
    assert_ok(kql_to_dsl(str_from(text[1]), w->t->mem, &kql, &w->t->err), &w->t->err);
    int64_t dsl = total_of(w, str_from(text[2]));
    int64_t lucene =
        total_of(w, arena_printf(w->t->mem, "{\"query_string\":{\"query\":\"%s\"}}", text[0]));
    expect(w, lucene == dsl, "query_string as the DSL", str_from(text[0]));
    expect(w, total_of(w, json_of(&w->bed, &kql)) == dsl, "KQL as the DSL", str_from(text[1]));
}

#endif
