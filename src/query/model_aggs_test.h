/* SPDX-License-Identifier: Apache-2.0 */
/* model_aggs_test.h: the aggregations' half of model_test.c: each is asked for beside a query and
 * counted by hand over the documents that match. Values are eighths and integers, so sums are exact
 * in any order. */
#ifndef NARU_QUERY_MODEL_AGGS_TEST_H
#define NARU_QUERY_MODEL_AGGS_TEST_H

/* All values of a field of the documents found, ascending, as numbers. */
struct number_set {
    double v[DOCS_MAX * VALUES_MAX];
    uint32_t count;
};

static void numbers_of(const struct world *w, const struct found_set *set, enum field_name field,
                       struct number_set *numbers)
{
    numbers->count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct doc *doc = &w->docs[set->ids[i]];
        for (uint32_t k = 0; k < doc->counts[field]; k++) {
            double v = as_number(field, doc->keys[field][k]);
            uint32_t at = numbers->count++;
            for (; at > 0 && numbers->v[at - 1] > v; at--)
                numbers->v[at] = numbers->v[at - 1];
            numbers->v[at] = v;
        }
    }
}

static struct value ask_agg(struct world *w, const struct ask *ask, struct str agg,
                            struct str *ret_body)
{
    struct str rest =
        arena_printf(w->t->mem, "\"size\":0,\"aggs\":{\"x\":" STR_FMT "}", STR_ARG(agg));
    *ret_body = print_body(w, ask, rest.p);
    struct value tree = reply(&w->bed, one_or_three(w), ret_body->p);
    const struct value *x = at_path(&tree, "aggregations/x");
    expect(w, x != NULL, "an aggregation", *ret_body);
    return *x;
}

static void expect_number(const struct world *w, const struct value *agg, const char *path,
                          double wanted, struct str body)
{
    double v = 0;
    const struct value *at = at_path(agg, path);
    bool is_number = at && value_to_f64(at, &v);
    double slack = 1e-9 * MAX_OF(fabs(wanted), 1.0);
    if (!is_number || fabs(v - wanted) > slack)
        fail_msg("NARU_SEED=%llu: %s is %.17g, not %.17g: " STR_FMT, (unsigned long long)w->seed,
                 path, is_number ? v : NAN, wanted, STR_ARG(body));
}

static void expect_null(const struct world *w, const struct value *agg, const char *path,
                        struct str body)
{
    const struct value *at = at_path(agg, path);
    expect(w, at && at->kind == VALUE_NULL, "null", body);
}

/* ---- Metrics ---- */

static void check_spread(const struct world *w, const struct value *agg,
                         const struct number_set *numbers, double sum, struct str body)
{
    double n = numbers->count, mean = sum / n, squares = 0, around = 0;
    for (uint32_t i = 0; i < numbers->count; i++) {
        squares += numbers->v[i] * numbers->v[i];
        around += (numbers->v[i] - mean) * (numbers->v[i] - mean);
    }
    expect_number(w, agg, "sum_of_squares", squares, body);
    expect_number(w, agg, "variance", around / n, body);
    expect_number(w, agg, "std_deviation", sqrt(around / n), body);
    expect_number(w, agg, "std_deviation_bounds/upper", mean + 2 * sqrt(around / n), body);
}

/* What is sure of an estimate over few values: it rises, from the lowest to the highest. */
static void check_percentiles(const struct world *w, const struct value *agg,
                              const struct number_set *numbers, struct str body)
{
    double before = -INFINITY, v = 0;
    static const char *const names[] = {"0.0", "25.0", "50.0", "75.0", "100.0"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct value *values = value_map_get_lit(agg, "values");
        const struct value *at = value_map_get(values, str_from(names[i]));
        expect(w, at && value_to_f64(at, &v) && v >= before, "rising percentiles", body);
        if (i == 0)
            expect(w, v == numbers->v[0], "the lowest value", body);
        before = v;
    }
    expect(w, v == numbers->v[numbers->count - 1], "the highest value", body);
}

static void check_metric(struct world *w, const struct ask *ask, const struct found_set *set)
{
    static const char *const names[] = {"value_count",
                                        "sum",
                                        "avg",
                                        "min",
                                        "max",
                                        "stats",
                                        "extended_stats",
                                        "cardinality",
                                        "percentiles",
                                        "percentile_ranks",
                                        "median_absolute_deviation"};
    static const enum field_name fields[] = {F_N, F_M, F_F};
    const char *name = names[rng_below(w->rng, ARRAY_COUNT(names))];
    enum field_name field = fields[rng_below(w->rng, 3)];
    struct number_set numbers;
    struct str body, params = STR("");
    double sum = 0;
    asks_agg(name);
    if (str_is(str_from(name), "percentiles"))
        params = STR(",\"percents\":[0,25,50,75,100]");
    if (str_is(str_from(name), "percentile_ranks"))
        params = STR(",\"values\":[-1000,1000]");
    struct value agg = ask_agg(w, ask,
                               arena_printf(w->t->mem, "{\"%s\":{\"field\":\"%s\"" STR_FMT "}}",
                                            name, field_names[field], STR_ARG(params)),
                               &body);
    numbers_of(w, set, field, &numbers);
    uint32_t distinct = 0, n = numbers.count;
    for (uint32_t i = 0; i < n; i++) {
        sum += numbers.v[i];
        distinct += i == 0 || numbers.v[i] != numbers.v[i - 1];
    }
    bool is_stats = strstr(name, "stats") != NULL;
    if (is_stats) {
        expect_number(w, &agg, "count", n, body);
        expect_number(w, &agg, "sum", sum, body);
        if (n == 0) {
            expect_null(w, &agg, "min", body);
            return;
        }
        expect_number(w, &agg, "min", numbers.v[0], body);
        expect_number(w, &agg, "max", numbers.v[n - 1], body);
        expect_number(w, &agg, "avg", sum / n, body);
        if (strcmp(name, "extended_stats") == 0)
            check_spread(w, &agg, &numbers, sum, body);
    } else if (strcmp(name, "value_count") == 0) {
        expect_number(w, &agg, "value", n, body);
    } else if (strcmp(name, "sum") == 0) {
        expect_number(w, &agg, "value", sum, body);
    } else if (strcmp(name, "cardinality") == 0) {
        expect_number(w, &agg, "value", distinct, body);
    } else if (n == 0) {
        if (strncmp(name, "percentile", 10) != 0)
            expect_null(w, &agg, "value", body);
    } else if (strcmp(name, "percentiles") == 0) {
        check_percentiles(w, &agg, &numbers, body);
    } else if (strcmp(name, "percentile_ranks") == 0) {
        double low = -1, high = -1;
        const struct value *values = value_map_get_lit(&agg, "values");
        expect(w,
               value_to_f64(value_map_get_lit(values, "-1000.0"), &low) &&
                   value_to_f64(value_map_get_lit(values, "1000.0"), &high) && low == 0 &&
                   high == 100,
               "ranks outside of the values", body);
    } else if (strcmp(name, "median_absolute_deviation") == 0) {
        double v = -1;
        expect(w,
               value_to_f64(value_map_get_lit(&agg, "value"), &v) && v >= 0 &&
                   v <= numbers.v[n - 1] - numbers.v[0],
               "a deviation within the spread", body);
    } else {
        double wanted = strcmp(name, "avg") == 0   ? sum / n
                        : strcmp(name, "min") == 0 ? numbers.v[0]
                                                   : numbers.v[n - 1];
        expect_number(w, &agg, "value", wanted, body);
    }
}

/* ---- Buckets: each counted with the sum of f below it ---- */

struct bucket_tally {
    int64_t docs;
    double sum;
};

static void tally_doc(struct bucket_tally *tally, const struct doc *doc)
{
    tally->docs++;
    for (uint32_t i = 0; i < doc->counts[F_F]; i++)
        tally->sum += as_number(F_F, doc->keys[F_F][i]);
}

#define SUM_BELOW "\"aggs\":{\"s\":{\"sum\":{\"field\":\"f\"}}}"

static void expect_bucket(const struct world *w, const struct value *bucket,
                          const struct bucket_tally *tally, struct str body)
{
    expect_number(w, bucket, "doc_count", (double)tally->docs, body);
    expect_number(w, bucket, "s/value", tally->sum, body);
}

/* Buckets in the order of their keys, those without documents left out. */
static void expect_buckets(const struct world *w, const struct value *agg,
                           const struct bucket_tally *tallies, size_t count, struct str body)
{
    const struct value *list = at_path(agg, "buckets");
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (tallies[i].docs == 0)
            continue;
        expect(w, list && at < list->list->count, "enough buckets", body);
        expect_bucket(w, &list->list->items[at++], &tallies[i], body);
    }
    expect(w, list && at == list->list->count, "no more buckets", body);
}

/* Tallies by key / step: each document once per bucket. */
static void tally_steps(const struct world *w, const struct found_set *set, enum field_name field,
                        int64_t base, int64_t step, struct bucket_tally *tallies, size_t count)
{
    memset(tallies, 0, count * sizeof(*tallies));
    for (uint32_t i = 0; i < set->count; i++) {
        const struct doc *doc = &w->docs[set->ids[i]];
        for (uint32_t k = 0; k < doc->counts[field]; k++) {
            int64_t bucket = (doc->keys[field][k] - base) / step;
            bool is_new = true;
            for (uint32_t before = 0; before < k && is_new; before++)
                is_new = (doc->keys[field][before] - base) / step != bucket;
            ASSERT(bucket >= 0 && (size_t)bucket < count);
            if (is_new)
                tally_doc(&tallies[bucket], doc);
        }
    }
}

static void check_terms(struct world *w, const struct ask *ask, const struct found_set *set)
{
    enum field_name field = (enum field_name)rng_below(w->rng, F_COUNT);
    struct bucket_tally tallies[321];
    struct str body;
    asks_agg("terms");
    tally_steps(w, set, field, -80, 1, tallies, ARRAY_COUNT(tallies));
    struct value agg =
        ask_agg(w, ask,
                arena_printf(w->t->mem,
                             "{\"terms\":{\"field\":\"%s\",\"size\":1000,\"order\":{\"_key\":"
                             "\"asc\"}}," SUM_BELOW "}",
                             field_names[field]),
                &body);
    expect_buckets(w, &agg, tallies, ARRAY_COUNT(tallies), body);
}

static void check_histogram(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct bucket_tally tallies[64];
    struct str body;
    asks_agg("histogram");
    tally_steps(w, set, F_F, -80, 16, tallies, 16); /* -10 and every 2 from there */
    struct value agg = ask_agg(
        w, ask,
        STR("{\"histogram\":{\"field\":\"f\",\"interval\":2,\"min_doc_count\":1}," SUM_BELOW "}"),
        &body);
    expect_buckets(w, &agg, tallies, 16, body);
}

static void check_date_histogram(struct world *w, const struct ask *ask,
                                 const struct found_set *set)
{
    static const struct {
        const char *interval;
        int64_t step;
    } forms[] = {{"\"calendar_interval\":\"day\"", 48},
                 {"\"fixed_interval\":\"12h\"", 24},
                 {"\"calendar_interval\":\"hour\"", 2}};
    size_t form = rng_below(w->rng, ARRAY_COUNT(forms));
    struct bucket_tally tallies[128];
    struct str body;
    asks_agg("date_histogram");
    tally_steps(w, set, F_D, 0, forms[form].step, tallies, ARRAY_COUNT(tallies));
    struct value agg = ask_agg(
        w, ask,
        arena_printf(w->t->mem,
                     "{\"date_histogram\":{\"field\":\"d\",%s,\"min_doc_count\":1}," SUM_BELOW "}",
                     forms[form].interval),
        &body);
    expect_buckets(w, &agg, tallies, ARRAY_COUNT(tallies), body);
}

/* As many buckets as were allowed, every document in one for each of its values' buckets. */
static void check_auto_date_histogram(struct world *w, const struct ask *ask,
                                      const struct found_set *set)
{
    uint32_t most = 1 + (uint32_t)rng_below(w->rng, 30), with = 0;
    int64_t docs = 0, values = 0;
    struct str body;
    asks_agg("auto_date_histogram");
    for (uint32_t i = 0; i < set->count; i++) {
        with += w->docs[set->ids[i]].counts[F_D] > 0;
        values += w->docs[set->ids[i]].counts[F_D];
    }
    struct value agg = ask_agg(
        w, ask,
        arena_printf(w->t->mem, "{\"auto_date_histogram\":{\"field\":\"d\",\"buckets\":%u}}", most),
        &body);
    const struct value *list = at_path(&agg, "buckets");
    for (size_t i = 0; i < list->list->count; i++)
        docs += value_map_get_lit(&list->list->items[i], "doc_count")->i;
    if (list->list->count > most || docs < (int64_t)with || docs > values)
        fail_msg("NARU_SEED=%llu: %zu buckets with %lld documents of %u: " STR_FMT "\n" STR_FMT,
                 (unsigned long long)w->seed, list->list->count, (long long)docs, with,
                 STR_ARG(body), STR_ARG(json_of(&w->bed, &agg)));
}

static void check_range(struct world *w, const struct ask *ask, const struct found_set *set)
{
    bool is_date = rng_below(w->rng, 2);
    enum field_name field = is_date ? F_D : F_F;
    int64_t a = key_draw(w, field), b = a + 1 + (int64_t)rng_below(w->rng, 60);
    struct bucket_tally tallies[3] = {{0}};
    struct str body;
    struct buf low, high;
    buf_init(&low, 0);
    buf_init(&high, 0);
    asks_agg(is_date ? "date_range" : "range");
    if (is_date)
        b = MIN_OF(b, INT64_C(240)) > a ? MIN_OF(b, INT64_C(240)) : a + 1;
    print_key(w, field, a, &low);
    print_key(w, field, b, &high);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct doc *doc = &w->docs[set->ids[i]];
        if (has_key(doc, field, INT64_MIN, a - 1))
            tally_doc(&tallies[0], doc);
        if (has_key(doc, field, a, b - 1))
            tally_doc(&tallies[1], doc);
        if (has_key(doc, field, b, INT64_MAX))
            tally_doc(&tallies[2], doc);
    }
    struct value agg =
        ask_agg(w, ask,
                arena_printf(w->t->mem,
                             "{\"%s\":{\"field\":\"%s\",\"ranges\":[{\"to\":%s},{\"from\":%s,"
                             "\"to\":%s},{\"from\":%s}]}," SUM_BELOW "}",
                             is_date ? "date_range" : "range", field_names[field], buf_cstr(&low),
                             buf_cstr(&low), buf_cstr(&high), buf_cstr(&high)),
                &body);
    buf_deinit(&low);
    buf_deinit(&high);
    const struct value *list = at_path(&agg, "buckets");
    expect(w, list && list->list->count == 3, "three ranges", body);
    for (size_t i = 0; i < 3; i++)
        expect_bucket(w, &list->list->items[i], &tallies[i], body);
}

static void check_filters(struct world *w, const struct ask *ask, const struct found_set *set)
{
    const struct ask *p = ask_draw(w, DEPTH_MAX), *q = ask_draw(w, DEPTH_MAX);
    struct bucket_tally tallies[4] = {{0}};
    struct buf a, b;
    struct str body;
    buf_init(&a, 0);
    buf_init(&b, 0);
    print_ask(w, p, &a);
    print_ask(w, q, &b);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct doc *doc = &w->docs[set->ids[i]];
        if (holds(p, doc, set->ids[i]))
            tally_doc(&tallies[0], doc);
        if (holds(q, doc, set->ids[i]))
            tally_doc(&tallies[1], doc);
        if (doc->counts[F_N] == 0)
            tally_doc(&tallies[2], doc);
    }
    asks_agg("filter");
    struct value agg = ask_agg(
        w, ask,
        arena_printf(w->t->mem, "{\"filter\":" STR_FMT "," SUM_BELOW "}", STR_ARG(buf_str(&a))),
        &body);
    expect_bucket(w, &agg, &tallies[0], body);
    asks_agg("filters");
    agg =
        ask_agg(w, ask,
                arena_printf(w->t->mem,
                             "{\"filters\":{\"filters\":[" STR_FMT "," STR_FMT "]}," SUM_BELOW "}",
                             STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b))),
                &body);
    for (size_t i = 0; i < 2; i++)
        expect_bucket(w, &at_path(&agg, "buckets")->list->items[i], &tallies[i], body);
    asks_agg("missing");
    agg = ask_agg(w, ask, STR("{\"missing\":{\"field\":\"n\"}," SUM_BELOW "}"), &body);
    expect_bucket(w, &agg, &tallies[2], body);
    buf_deinit(&a);
    buf_deinit(&b);
}

static void check_global(struct world *w, const struct ask *ask)
{
    struct bucket_tally tally = {0};
    struct str body;
    asks_agg("global");
    for (uint32_t i = 0; i < w->doc_count; i++) {
        if (w->docs[i].is_live)
            tally_doc(&tally, &w->docs[i]);
    }
    struct value agg = ask_agg(w, ask, STR("{\"global\":{}," SUM_BELOW "}"), &body);
    expect_bucket(w, &agg, &tally, body);
}

/* The first three of each letter by number. */
static void check_top_hits(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct str body;
    size_t at = 0;
    asks_agg("top_hits");
    struct value agg =
        ask_agg(w, ask,
                STR("{\"terms\":{\"field\":\"k\",\"size\":99,\"order\":{\"_key\":\"asc\"}},"
                    "\"aggs\":{\"h\":{\"top_hits\":{\"size\":3,\"sort\":\"i\"}}}}"),
                &body);
    const struct value *list = at_path(&agg, "buckets");
    for (int64_t key = 0; key < 6; key++) {
        uint32_t ids[3], count = 0, all = 0;
        for (uint32_t i = 0; i < w->doc_count; i++) { /* by number */
            bool is_found = false;
            for (uint32_t k = 0; k < set->count && !is_found; k++)
                is_found = set->ids[k] == i;
            if (!is_found || !has_key(&w->docs[i], F_K, key, key))
                continue;
            all++;
            if (count < 3)
                ids[count++] = i;
        }
        if (all == 0)
            continue;
        expect(w, at < list->list->count, "a letter's bucket", body);
        const struct value *bucket = &list->list->items[at++];
        const struct value *hits = at_path(bucket, "h/hits/hits");
        expect(w, at_path(bucket, "h/hits/total/value")->i == (int64_t)all, "its total", body);
        expect(w, hits->list->count == count, "its hits", body);
        for (uint32_t i = 0; i < count; i++)
            expect(w, hit_number(&hits->list->items[i]) == ids[i], "its hits in order", body);
    }
    expect(w, at == list->list->count, "no more letters", body);
}

static void check_agg(struct world *w, const struct ask *ask, const struct found_set *set)
{
    switch (rng_below(w->rng, 10)) {
    case 0:
    case 1:
        check_terms(w, ask, set);
        break;
    case 2:
        check_histogram(w, ask, set);
        break;
    case 3:
        check_date_histogram(w, ask, set);
        break;
    case 4:
        check_auto_date_histogram(w, ask, set);
        break;
    case 5:
        check_range(w, ask, set);
        break;
    case 6:
        check_filters(w, ask, set);
        break;
    case 7:
        check_global(w, ask);
        check_top_hits(w, ask, set);
        break;
    default:
        check_metric(w, ask, set);
        check_metric(w, ask, set);
        break;
    }
}

#endif
