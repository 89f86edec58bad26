/* SPDX-License-Identifier: Apache-2.0 */
/* oracle_combinations_test.h: composite and multi_terms, counted by hand over the documents. */
#ifndef NARU_QUERY_ORACLE_COMBINATIONS_TEST_H
#define NARU_QUERY_ORACLE_COMBINATIONS_TEST_H

/* ---- Combinations: composite and multi_terms ---- */

#define PARTS_MAX  3
#define TUPLES_MAX (DOCS_MAX * 6)

enum part_kind { PART_K, PART_N, PART_N_STEP, PART_F, PART_D_DAY, PART_D_HOUR, PART_KIND_COUNT };

struct part_rule {
    enum part_kind kind;
    bool is_desc, has_missing;
};

struct tuple {
    int64_t values[PARTS_MAX];
    bool is_missing[PARTS_MAX];
    size_t doc;
};

struct tuples {
    struct part_rule parts[PARTS_MAX];
    size_t part_count, count;
    struct tuple *items; /* in order */
    size_t *begins;      /* of each distinct tuple, and the end */
    size_t distinct;
};

static size_t part_values(const struct part_rule *part, const struct model_doc *doc,
                          int64_t *values)
{
    size_t n = 0;
    switch (part->kind) {
    case PART_K:
        for (uint32_t b = 0; b < 6; b++) {
            if (doc->k >> b & 1)
                values[n++] = b;
        }
        return n;
    case PART_N:
        values[0] = doc->n;
        return doc->has_n;
    case PART_N_STEP:
        values[0] = floor_div(doc->n, 5);
        return doc->has_n;
    case PART_F:
        values[0] = (int64_t)(doc->f * 8);
        return doc->has_f;
    case PART_D_DAY:
        values[0] = doc->d_ms - (doc->d_ms - D_BASE_MS) % (24 * HOUR_MS);
        return doc->has_d;
    case PART_D_HOUR:
    case PART_KIND_COUNT:
        break;
    }
    values[0] = doc->d_ms - (doc->d_ms - D_BASE_MS) % HOUR_MS;
    return doc->has_d;
}

static const struct tuples *compared_tuples; /* by the sort below */
static int by_tuple(const void *a, const void *b)
{
    const struct tuple *x = a, *y = b;
    for (size_t i = 0; i < compared_tuples->part_count; i++) {
        int cmp = x->is_missing[i] || y->is_missing[i]
                      ? (int)y->is_missing[i] - (int)x->is_missing[i]
                      : (x->values[i] > y->values[i]) - (x->values[i] < y->values[i]);
        if (cmp)
            return compared_tuples->parts[i].is_desc ? -cmp : cmp;
    }
    return 0;
}

static void tuples_add(struct tuples *tuples, const struct model_doc *doc, size_t index, size_t at,
                       struct tuple *so_far)
{
    if (at == tuples->part_count) {
        assert_true(tuples->count < TUPLES_MAX);
        so_far->doc = index;
        tuples->items[tuples->count++] = *so_far;
        return;
    }
    int64_t values[8];
    size_t n = part_values(&tuples->parts[at], doc, values);
    so_far->is_missing[at] = false;
    for (size_t i = 0; i < n; i++) {
        so_far->values[at] = values[i];
        tuples_add(tuples, doc, index, at + 1, so_far);
    }
    if (n == 0 && tuples->parts[at].has_missing) {
        so_far->values[at] = 0;
        so_far->is_missing[at] = true;
        tuples_add(tuples, doc, index, at + 1, so_far);
    }
}

static void tuples_make(struct tuples *tuples, const struct model *model, const struct rule *rule)
{
    struct tuple so_far;
    memset(&so_far, 0, sizeof(so_far));
    tuples->count = tuples->distinct = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_doc *doc = &model->docs[i];
        if (doc->is_live && matches(rule, doc, i))
            tuples_add(tuples, doc, i, 0, &so_far);
    }
    compared_tuples = tuples;
    qsort(tuples->items, tuples->count, sizeof(struct tuple), by_tuple);
    for (size_t i = 0; i < tuples->count; i++) {
        if (i == 0 || by_tuple(&tuples->items[i - 1], &tuples->items[i]) != 0)
            tuples->begins[tuples->distinct++] = i;
    }
    tuples->begins[tuples->distinct] = tuples->count;
}

/* One part as JSON. */
static void print_part(const struct part_rule *part, const struct tuple *tuple, size_t i,
                       struct buf *out)
{
    double number =
        part->kind == PART_N_STEP ? (double)tuple->values[i] * 5 : (double)tuple->values[i] / 8;
    if (tuple->is_missing[i])
        buf_add_lit(out, "null");
    else if (part->kind == PART_K)
        buf_printf(out, "\"%c\"", 'a' + (int)tuple->values[i]);
    else if (part->kind == PART_N_STEP || part->kind == PART_F)
        buf_printf(out, number == floor(number) ? "%.1f" : "%g", number);
    else
        buf_printf(out, "%lld", (long long)tuple->values[i]);
}

static void print_tuple(const struct tuples *tuples, size_t distinct, struct buf *out)
{
    buf_add_lit(out, "{");
    for (size_t i = 0; i < tuples->part_count; i++) {
        buf_printf(out, "%s\"p%zu\":", i ? "," : "", i);
        print_part(&tuples->parts[i], &tuples->items[tuples->begins[distinct]], i, out);
    }
    buf_add_lit(out, "}");
}

static void print_sources(const struct tuples *tuples, struct buf *out)
{
    static const char *const types[] = {
        "\"terms\":{\"field\":\"k\"",
        "\"terms\":{\"field\":\"n\"",
        "\"histogram\":{\"field\":\"n\",\"interval\":5",
        "\"terms\":{\"field\":\"f\"",
        "\"date_histogram\":{\"field\":\"d\",\"calendar_interval\":\"day\"",
        "\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1h\""};
    for (size_t i = 0; i < tuples->part_count; i++) {
        const struct part_rule *part = &tuples->parts[i];
        buf_printf(out, "%s{\"p%zu\":{%s,\"order\":\"%s\",\"missing_bucket\":%s}}}", i ? "," : "",
                   i, types[part->kind], part->is_desc ? "desc" : "asc",
                   part->has_missing ? "true" : "false");
    }
}

static void check_tuple_bucket(const struct value *bucket, const struct model *model,
                               const struct tuples *tuples, size_t distinct, bool has_subs,
                               struct str body)
{
    struct tally tally = {0};
    for (size_t i = tuples->begins[distinct]; i < tuples->begins[distinct + 1]; i++)
        tally_add(&tally, &model->docs[tuples->items[i].doc]);
    if (has_subs)
        check_bucket(bucket, &tally, body);
    else if (value_map_get_lit(bucket, "doc_count")->i != tally.docs)
        fail_msg("bucket has %lld, not %lld: " STR_FMT,
                 (long long)value_map_get_lit(bucket, "doc_count")->i, (long long)tally.docs,
                 STR_ARG(body));
}

static void check_composite(struct bed *bed, const struct model *model, const struct rule *rule,
                            struct tuples *tuples)
{
    struct rng *rng = &bed->t->rng;
    struct buf out;
    tuples->part_count = 1 + rng_below(rng, PARTS_MAX);
    for (size_t i = 0; i < tuples->part_count; i++) /* letters only once: there are many */
        tuples->parts[i] =
            (struct part_rule){i == 0 ? (enum part_kind)rng_below(rng, PART_KIND_COUNT)
                                      : (enum part_kind)(1 + rng_below(rng, PART_KIND_COUNT - 1)),
                               rng_below(rng, 2) != 0, rng_below(rng, 2) != 0};
    tuples_make(tuples, model, rule);
    size_t size = 1 + rng_below(rng, rng_below(rng, 3) ? 12 : 300);
    size_t from = tuples->distinct && rng_below(rng, 2) ? rng_below(rng, tuples->distinct) : 0;
    bool has_subs = rng_below(rng, 2) != 0;
    buf_init(&out, 0);
    buf_printf(&out,
               "\"size\":0,\"track_total_hits\":%s,\"aggs\":{\"c\":{\"composite\":{\"size\":%zu,"
               "\"sources\":[",
               rng_below(rng, 2) ? "true" : "false", size);
    print_sources(tuples, &out);
    buf_add_lit(&out, "]");
    if (from > 0) {
        buf_add_lit(&out, ",\"after\":");
        print_tuple(tuples, from - 1, &out);
    }
    buf_printf(&out, "}%s}}", has_subs ? "," SUBS : "");
    struct str body = body_of(bed->t, rule, buf_cstr(&out));
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/c/buckets");
    size_t shown = MIN_OF(size, tuples->distinct - from);
    if (list->list->count != shown)
        fail_msg("%zu buckets, not %zu: " STR_FMT, list->list->count, shown, STR_ARG(body));
    for (size_t i = 0; i < shown; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_clear(&out);
        print_tuple(tuples, from + i, &out);
        struct str key = json_of(bed, value_map_get_lit(bucket, "key"));
        if (!str_eq(key, buf_str(&out)))
            fail_msg("bucket %zu is " STR_FMT ", not " STR_FMT ": " STR_FMT, i, STR_ARG(key),
                     STR_ARG(buf_str(&out)), STR_ARG(body));
        check_tuple_bucket(bucket, model, tuples, from + i, has_subs, body);
    }
    buf_deinit(&out);
}

/* All combinations, by key; half of the time below a filter, where tuples are hashed. */
static void check_multi_terms(struct bed *bed, const struct model *model, const struct rule *rule,
                              struct tuples *tuples)
{
    static const enum part_kind kinds[] = {PART_K, PART_N, PART_F};
    static const char *const fields[] = {"k", "n", "", "f"};
    struct rng *rng = &bed->t->rng;
    struct buf out;
    bool is_below = rng_below(rng, 2) != 0;
    tuples->part_count = 2 + rng_below(rng, PARTS_MAX - 1);
    buf_init(&out, 0);
    buf_printf(&out,
               "\"size\":0,\"aggs\":{%s\"c\":{\"multi_terms\":{\"size\":20000,\"order\":{"
               "\"_key\":\"asc\"},\"terms\":[",
               is_below ? "\"q\":{\"filter\":{\"match_all\":{}},\"aggs\":{" : "");
    for (size_t i = 0; i < tuples->part_count; i++) {
        tuples->parts[i] = (struct part_rule){
            .kind = kinds[i == 0 ? rng_below(rng, ARRAY_COUNT(kinds)) : 1 + rng_below(rng, 2)]};
        buf_printf(&out, "%s{\"field\":\"%s\"}", i ? "," : "", fields[tuples->parts[i].kind]);
    }
    buf_printf(&out, "]}," SUBS "}}%s", is_below ? "}}" : "");
    tuples_make(tuples, model, rule);
    struct str body = body_of(bed->t, rule, buf_cstr(&out));
    struct value tree = reply(bed, "i", body.p);
    const struct value *list =
        at_path(&tree, is_below ? "aggregations/q/c/buckets" : "aggregations/c/buckets");
    if (list->list->count != tuples->distinct)
        fail_msg("%zu buckets, not %zu: " STR_FMT, list->list->count, tuples->distinct,
                 STR_ARG(body));
    for (size_t i = 0; i < tuples->distinct; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_clear(&out);
        buf_add_lit(&out, "[");
        for (size_t k = 0; k < tuples->part_count; k++) {
            buf_add_str(&out, k ? STR(",") : STR(""));
            print_part(&tuples->parts[k], &tuples->items[tuples->begins[i]], k, &out);
        }
        buf_add_lit(&out, "]");
        struct str key = json_of(bed, value_map_get_lit(bucket, "key"));
        if (!str_eq(key, buf_str(&out)))
            fail_msg("bucket %zu is " STR_FMT ", not " STR_FMT ": " STR_FMT, i, STR_ARG(key),
                     STR_ARG(buf_str(&out)), STR_ARG(body));
        check_tuple_bucket(bucket, model, tuples, i, true, body);
    }
    buf_deinit(&out);
}

#endif
