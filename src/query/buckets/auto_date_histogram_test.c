/* SPDX-License-Identifier: Apache-2.0 */
/* auto_date_histogram_test.c: random dates against a model that follows Elasticsearch's reduce: one
 * list of buckets, rounded anew by each coarser unit, filled, and put together by the unit's steps.
 */
#include "query/search_support_test.h"

#include "query/buckets/date_rounding.h"
#include "query/dates.h"

#define DOCS_MAX 60u
#define ROWS_MAX 20000u
#define DAY_MS   INT64_C(86400000)

struct unit {
    char letter;
    const char *name;
    int64_t about_ms;
    int steps[7], step_max;
};

static const struct unit units[] = {
    {'s', "second", 1000, {1, 5, 10, 30}, 30},
    {'m', "minute", 60000, {1, 5, 10, 30}, 30},
    {'h', "hour", 3600000, {1, 3, 12}, 12},
    {'d', "day", DAY_MS, {1, 7}, 7},
    {'M', "month", 30 * DAY_MS, {1, 3}, 3},
    {'y', "year", 365 * DAY_MS, {1, 5, 10, 20, 50, 100}, 100},
};
#define UNIT_LAST (ARRAY_COUNT(units) - 1)

struct row {
    int64_t key;
    uint32_t docs;
};

struct model {
    const struct time_zone *zone;
    int64_t target;
    size_t unit;
    struct row rows[ROWS_MAX];
    size_t count;
};

static struct date_span span_of(const struct model *m, size_t unit, int64_t ms)
{
    return date_rounding_span(&(struct date_rounding){.unit = units[unit].letter}, m->zone, ms);
}

/* Neighbours of one key become one row. */
static void round_rows(struct model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct row row = {span_of(m, m->unit, m->rows[i].key).low, m->rows[i].docs};
        if (n > 0 && m->rows[n - 1].key == row.key)
            m->rows[n - 1].docs += row.docs;
        else
            m->rows[n++] = row;
    }
    m->count = n;
}

static void coarsen_while_too_many(struct model *m)
{
    while (m->unit < UNIT_LAST && (int64_t)m->count > m->target * units[m->unit].step_max) {
        m->unit++;
        round_rows(m);
    }
}

/* Rows from the first to the last key, as one coarser unit after the other would have them. */
static void choose_unit(struct model *m)
{
    int64_t first = m->rows[0].key, last = m->rows[m->count - 1].key, needed;
    if (m->unit == UNIT_LAST)
        return;
    size_t unit = m->unit;
    for (size_t i = unit + 1; i <= UNIT_LAST; i++) {
        if ((last - first) / units[i].about_ms < m->target * units[i].step_max) {
            unit = i - 1;
            break;
        }
    }
    do {
        needed = 0;
        for (int64_t key = first; key < last; key = span_of(m, unit, key).high)
            needed++;
        unit++;
    } while (needed > m->target * units[unit - 1].step_max && unit <= UNIT_LAST);
    m->unit = unit - 1;
}

static void fill(struct model *m)
{
    static struct row full[ROWS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        for (int64_t key = n ? span_of(m, m->unit, full[n - 1].key).high : m->rows[i].key;
             key < m->rows[i].key; key = span_of(m, m->unit, key).high) {
            assert_true(n < ROWS_MAX - 1);
            full[n++] = (struct row){key, 0};
        }
        full[n++] = m->rows[i];
    }
    memcpy(m->rows, full, n * sizeof(full[0]));
    m->count = n;
}

static int put_together(struct model *m)
{
    const int *steps = units[m->unit].steps;
    size_t n = 0;
    if ((int64_t)m->count <= m->target)
        return 1;
    while (*steps && ((int64_t)m->count + *steps - 1) / *steps > m->target)
        steps++;
    if (!*steps)
        return 1;
    for (size_t i = 0; i < m->count; i++) {
        if (i % (size_t)*steps == 0)
            m->rows[n++] = m->rows[i];
        else
            m->rows[n - 1].docs += m->rows[i].docs;
    }
    m->count = n;
    return *steps;
}

static struct str model_text(struct model *m, struct arena *mem)
{
    struct buf text;
    round_rows(m);
    coarsen_while_too_many(m);
    choose_unit(m);
    round_rows(m);
    fill(m);
    coarsen_while_too_many(m);
    int step = put_together(m);
    buf_init(&text, 0);
    buf_printf(&text, "%d%c", step, units[m->unit].letter);
    for (size_t i = 0; i < m->count; i++)
        buf_printf(&text, " %lld:%u", (long long)m->rows[i].key, m->rows[i].docs);
    struct str copy = arena_str(mem, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static struct str engine_text(struct bed *bed, const char *params)
{
    struct buf text;
    struct value tree =
        reply(bed, "i",
              arena_printf(bed->t->mem,
                           "{\"size\":0,\"aggs\":{\"x\":{\"auto_date_histogram\":{%s}}}}", params)
                  .p);
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    buf_init(&text, 0);
    buf_add_str(&text, at_path(&tree, "aggregations/x/interval")->s);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_printf(&text, " %lld:%lld", (long long)value_map_get_lit(bucket, "key")->i,
                   (long long)value_map_get_lit(bucket, "doc_count")->i);
    }
    struct str copy = arena_str(bed->t->mem, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct row *)a)->key, y = ((const struct row *)b)->key;
    return (x > y) - (x < y);
}

/* Dates over `length`, most of them in a part of it. Where a hundred years are no step long enough,
 * Elasticsearch counts seconds for minutes, and puts nothing together. */
static void check_dates(struct test *t, int64_t begin, int64_t length)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kathmandu",
                                        "America/Sao_Paulo"};
    static struct row dates[DOCS_MAX];
    static struct model model;
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"}}}}");
    size_t docs = 1 + (size_t)rng_below(&t->rng, DOCS_MAX);
    for (size_t i = 0; i < docs; i++) {
        int64_t part = rng_below(&t->rng, 3) ? length / 7 : length;
        dates[i] = (struct row){begin + rng_between(&t->rng, 0, part), 1};
        put(&bed, "i", arena_printf(t->mem, "%zu", i).p,
            arena_printf(t->mem, "{\"d\":%lld}", (long long)dates[i].key).p);
        if (i == docs / 2)
            refresh(&bed, "i");
    }
    refresh(&bed, "i");
    qsort(dates, docs, sizeof(dates[0]), by_key);
    for (int round = 0; round < 12; round++) {
        const char *zone = zones[rng_below(&t->rng, ARRAY_COUNT(zones))];
        model.target =
            (length < 90 * 365 * DAY_MS ? 1 : 3) + (int64_t)rng_below(&t->rng, round % 2 ? 12 : 60);
        model.unit = round % 3 ? 0 : (size_t)rng_below(&t->rng, ARRAY_COUNT(units));
        model.count = docs;
        memcpy(model.rows, dates, docs * sizeof(dates[0]));
        assert_ok(dates_zone(str_from(zone), t->mem, &model.zone, &t->err), &t->err);
        const char *params = arena_printf(t->mem,
                                          "\"field\":\"d\",\"buckets\":%lld,\"time_zone\":\"%s\","
                                          "\"minimum_interval\":\"%s\"",
                                          (long long)model.target, zone, units[model.unit].name)
                                 .p;
        struct str want = model_text(&model, t->mem), got = engine_text(&bed, params);
        if (!str_eq(got, want))
            fail_msg("%s: %.*s, want %.*s", params, STR_ARG(got), STR_ARG(want));
    }
    bed_deinit(&bed);
}

static void equals_the_model(struct test *t)
{
    for (int round = 0; round < 60; round++) {
        int64_t length = 1000;
        for (uint64_t i = rng_below(&t->rng, 34); i > 0; i--)
            length *= 2;
        length = MIN_OF(length + rng_between(&t->rng, 0, length), 250 * 365 * DAY_MS);
        check_dates(t, rng_between(&t->rng, -INT64_C(3000000000000), INT64_C(1000000000000)),
                    length);
    }
}

TEST_MAIN(TEST(equals_the_model))
