/* SPDX-License-Identifier: Apache-2.0 */
/* windows_test.c: windows by hand, and the property that matters: for any order of arrival inside
 * lateness and retention, with restarts from the last saved bytes and redelivery at any place, the
 * rows are those of a direct computation. */
#include "support/test.h"

#include "base/buf.h"
#include "stream/windows.h"

#define S NS_PER_S

struct rig {
    struct windows_config config;
    struct agg_spec specs[8];
    struct windows *windows;
};

static void rig_make(struct test *t, struct rig *rig, int64_t every, int64_t size, int64_t lateness,
                     int64_t retain)
{
    static const char *const types[] = {"first", "max", "min", "last", "sum", "count"};
    *rig = (struct rig){0};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        assert_ok(agg_spec_init(&rig->specs[i], str_from(types[i]), NULL, t->mem, &t->err),
                  &t->err);
    rig->config = (struct windows_config){.every_ns = every,
                                          .size_ns = size,
                                          .lateness_ns = lateness,
                                          .retain_ns = retain,
                                          .specs = rig->specs,
                                          .spec_count = ARRAY_COUNT(types)};
    rig->windows = windows_new(&rig->config);
}

static enum windows_added add(struct windows *w, const char *key, int64_t time_ns, int64_t price,
                              int64_t tie, uint64_t source, uint64_t position)
{
    struct value v = value_int(price), one = value_int(1);
    const struct value *inputs[] = {&v, &v, &v, &v, &v, &one};
    return windows_add(w, &(struct windows_value){.time_ns = time_ns,
                                                  .key = str_from(key),
                                                  .inputs = inputs,
                                                  .tie = tie,
                                                  .source = source,
                                                  .position = position});
}

/* "key start-end open high low close sum count" */
static struct str row_text(struct test *t, const struct window_row *row)
{
    int64_t v[6];
    for (size_t i = 0; i < 6; i++) {
        struct value result = agg_result(&row->aggs[i], t->mem);
        assert_int_equal(result.kind, VALUE_INT);
        v[i] = result.i;
    }
    return arena_printf(t->mem, STR_FMT " %lld-%lld %lld %lld %lld %lld %lld %lld",
                        STR_ARG(row->key), (long long)(row->start_ns / S),
                        (long long)(row->end_ns / S), (long long)v[0], (long long)v[1],
                        (long long)v[2], (long long)v[3], (long long)v[4], (long long)v[5]);
}

static void expect_due(struct test *t, struct windows *w, bool all, const char *text)
{
    struct window_row row;
    bool is_due = windows_next_due(w, all, &row);
    assert_int_equal(is_due, text != NULL);
    if (text)
        assert_str_eq(row_text(t, &row), text);
}

static void closes_by_the_watermark(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 600 * S, 600 * S, 30 * S, 3600 * S);
    struct windows *w = rig.windows;
    assert_int_equal(windows_watermark(w), INT64_MIN);
    assert_int_equal(add(w, "a", 10 * S, 5, 0, 0, 0), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 599 * S, 9, 0, 0, 0), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 600 * S, 7, 0, 0, 0), WINDOWS_ADDED); /* the end is not in it */
    assert_int_equal(add(w, "a", 20 * S, 3, 0, 0, 0), WINDOWS_ADDED);  /* out of order, not late */
    expect_due(t, w, false, NULL);
    assert_int_equal(add(w, "a", 629 * S, 7, 0, 0, 0), WINDOWS_ADDED);
    expect_due(t, w, false, NULL); /* watermark 599 */
    assert_int_equal(add(w, "a", 630 * S, 8, 0, 0, 0), WINDOWS_ADDED);
    expect_due(t, w, false, "a 0-600 5 9 3 9 17 3");
    expect_due(t, w, false, NULL);
    assert_int_equal(add(w, "a", 300 * S, 1, 0, 0, 0), WINDOWS_ADDED_LATE);
    expect_due(t, w, false, "a 0-600 5 9 1 9 18 4");
    expect_due(t, w, true, "a 600-1200 7 8 7 8 22 3");
    expect_due(t, w, true, NULL);
    windows_free(w);
}

static void equal_times_by_tie(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 60 * S, 60 * S, 0, 3600 * S);
    (void)add(rig.windows, "a", 10 * S, 102, 2, 0, 0);
    (void)add(rig.windows, "a", 10 * S, 103, 3, 0, 0);
    (void)add(rig.windows, "a", 10 * S, 101, 1, 0, 0);
    expect_due(t, rig.windows, true, "a 0-60 101 103 101 103 306 3");
    windows_free(rig.windows);
}

static void overlapping_windows(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 10 * S, 30 * S, 0, 3600 * S);
    (void)add(rig.windows, "a", 25 * S, 1, 0, 0, 0);
    assert_int_equal(windows_count(rig.windows), 3);
    struct window_row row;
    int64_t starts = 0;
    while (windows_next_due(rig.windows, true, &row)) {
        assert_int_equal(row.end_ns - row.start_ns, 30 * S);
        starts += row.start_ns / S;
    }
    assert_int_equal(starts, 0 + 10 + 20);
    windows_free(rig.windows);
}

static void before_1970_and_offsets(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 86400 * S, 86400 * S, 0, 3600 * S);
    windows_free(rig.windows);
    rig.config.offset_ns = -9 * 3600 * S; /* days of Korea */
    rig.windows = windows_new(&rig.config);
    (void)add(rig.windows, "a", -1 * S, 1, 0, 0, 0);
    struct window_row row;
    assert_true(windows_next_due(rig.windows, true, &row));
    assert_int_equal(row.start_ns, -9 * 3600 * S);
    windows_free(rig.windows);
}

static void positions_count_once(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 60 * S, 60 * S, 0, 3600 * S);
    struct windows *w = rig.windows;
    assert_int_equal(add(w, "a", 1 * S, 1, 0, 7, 0), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 1 * S, 1, 0, 7, 0), WINDOWS_SEEN);
    assert_int_equal(add(w, "a", 2 * S, 1, 0, 7, 5), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 2 * S, 1, 0, 7, 4), WINDOWS_SEEN);
    assert_int_equal(add(w, "a", 2 * S, 1, 0, 8, 4), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 2 * S, 1, 0, 0, 0), WINDOWS_ADDED);
    assert_int_equal(add(w, "a", 2 * S, 1, 0, 0, 0), WINDOWS_ADDED);
    expect_due(t, w, true, "a 0-60 1 1 1 1 5 5");
    windows_free(w);
}

static void forgets_behind_the_retention(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 60 * S, 60 * S, 0, 600 * S);
    struct windows *w = rig.windows;
    struct window_row row;
    (void)add(w, "a", 0, 1, 0, 0, 0);
    (void)add(w, "b", 0, 1, 0, 0, 0);
    (void)add(w, "a", 660 * S, 1, 0, 0, 0); /* watermark - retain = 60 */
    windows_forget(w);
    assert_int_equal(windows_count(w), 3); /* not delivered yet: kept */
    struct window_row two[2];
    assert_true(windows_next_due(w, false, &two[0]) && windows_next_due(w, false, &two[1]));
    for (int i = 0; i < 2; i++)
        windows_delivered(w, two[i].id, two[i].version, str_is(two[i].key, "a"));
    windows_forget(w);
    assert_int_equal(windows_count(w), 2);
    assert_int_equal(add(w, "a", 30 * S, 1, 0, 0, 0), WINDOWS_TOO_LATE);
    assert_true(windows_next_due(w, false, &row)); /* the failed one again */
    assert_str_eq(row.key, "b");
    windows_delivered(w, row.id, row.version, true);
    windows_forget(w);
    assert_int_equal(windows_count(w), 1);
    windows_free(w);
}

static void many_sources(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 60 * S, 60 * S, 0, 600 * S);
    for (uint64_t i = 1; i <= 200000; i++)
        assert_int_equal(add(rig.windows, "a", 1, 1, 0, i, 1), WINDOWS_ADDED);
    for (uint64_t i = 199990; i <= 200000; i++)
        assert_int_equal(add(rig.windows, "a", 1, 1, 0, i, 1), WINDOWS_SEEN);
    windows_free(rig.windows);
}

static void damaged_bytes_are_refused(struct test *t)
{
    struct rig rig;
    rig_make(t, &rig, 60 * S, 60 * S, 0, 600 * S);
    struct buf out;
    buf_init(&out, 0);
    for (int i = 0; i < 20; i++)
        (void)add(rig.windows, i % 2 ? "a" : "b", i * 30 * S, i, 0, 3, (uint64_t)i + 1);
    windows_encode(rig.windows, &out);
    windows_free(rig.windows);
    for (size_t n = 0; n < out.n; n++) { /* every prefix: an error or a state, never a crash */
        struct windows *w = windows_new(&rig.config);
        (void)!windows_decode(w, (struct str){out.p, n}, &t->err);
        windows_free(w);
    }
    for (int i = 0; i < 500; i++) {
        char *copy = arena_alloc(t->mem, out.n);
        memcpy(copy, out.p, out.n);
        copy[rng_below(&t->rng, out.n)] ^= (char)(1 + rng_below(&t->rng, 255));
        struct windows *w = windows_new(&rig.config);
        (void)!windows_decode(w, (struct str){copy, out.n}, &t->err);
        windows_free(w);
    }
    buf_deinit(&out);
}

/* ---- the property ---- */

struct trade {
    int64_t time_ns, price, volume;
    char key[2];
};

/* The table of the destination: the last row that arrived by key and start. */
struct table {
    struct strmap rows;
};

static void table_put(struct table *table, struct test *t, const struct window_row *row)
{
    struct str name =
        arena_printf(t->mem, STR_FMT "@%lld", STR_ARG(row->key), (long long)row->start_ns);
    char *text = arena_cstr(t->mem, row_text(t, row));
    (void)strmap_put(&table->rows, name, text);
}

/* Straight over all trades in order. */
static void expected(struct test *t, const struct trade *trades, size_t count, int64_t every,
                     struct table *table)
{
    for (size_t i = 0; i < count; i++) {
        int64_t start = trades[i].time_ns / every * every;
        struct str name = arena_printf(t->mem, "%s@%lld", trades[i].key, (long long)start);
        if (strmap_has(&table->rows, name))
            continue;
        int64_t open = trades[i].price, high = open, low = open, close = open, sum = 0, n = 0;
        for (size_t k = i; k < count; k++) {
            if (trades[k].key[0] != trades[i].key[0] || trades[k].time_ns / every * every != start)
                continue;
            close = trades[k].price;
            high = MAX_OF(high, close);
            low = MIN_OF(low, close);
            sum += close;
            n++;
        }
        struct str text = arena_printf(
            t->mem, "%s %lld-%lld %lld %lld %lld %lld %lld %lld", trades[i].key,
            (long long)(start / S), (long long)((start + every) / S), (long long)open,
            (long long)high, (long long)low, (long long)close, (long long)sum, (long long)n);
        (void)strmap_put(&table->rows, name, arena_cstr(t->mem, text));
    }
}

static void tables_compare(const struct table *got, const struct table *want)
{
    size_t at = 0;
    struct str key;
    void *value;
    assert_int_equal(got->rows.count, want->rows.count);
    while (strmap_next(&want->rows, &at, &key, &value)) {
        const char *row = strmap_get(&got->rows, key);
        assert_non_null(row);
        assert_string_equal(row, (const char *)value);
    }
}

/* In-order trades; arrival shuffled inside `spread`; position is the place in the arrival. */
static void trades_make(struct test *t, struct trade *trades, size_t *arrival, size_t count,
                        size_t spread)
{
    int64_t time = 0;
    for (size_t i = 0; i < count; i++) {
        time += (int64_t)rng_below(&t->rng, 8) * S / 2;
        trades[i] = (struct trade){
            time, rng_between(&t->rng, 100, 200), 1, {(char)('a' + rng_below(&t->rng, 3)), 0}};
        arrival[i] = i;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        size_t other = i + (size_t)rng_below(&t->rng, MIN_OF(spread, count - i));
        size_t swap = arrival[i];
        arrival[i] = arrival[other];
        arrival[other] = swap;
    }
}

static void rows_take(struct test *t, struct windows *w, bool all, struct table *table,
                      bool may_fail)
{
    struct window_row row;
    struct {
        uint64_t id, version;
    } handed[64];
    size_t count = 0;
    while (count < 64 && windows_next_due(w, all, &row)) {
        handed[count].id = row.id;
        handed[count++].version = row.version;
        table_put(table, t, &row); /* it arrives; whether we learn of it is another thing */
    }
    for (size_t i = 0; i < count; i++)
        if (!may_fail || rng_below(&t->rng, 3))
            windows_delivered(w, handed[i].id, handed[i].version,
                              !may_fail || rng_below(&t->rng, 4));
}

static void property_round(struct test *t, bool with_restarts)
{
    enum { COUNT = 400 };
    struct trade trades[COUNT];
    size_t arrival[COUNT];
    struct rig rig;
    struct table got, want;
    struct buf log;
    strmap_init(&got.rows);
    strmap_init(&want.rows);
    buf_init(&log, 0);
    rig_make(t, &rig, 60 * S, 60 * S, 10 * S, 100000 * S);
    trades_make(t, trades, arrival, COUNT, 1 + (size_t)rng_below(&t->rng, 60));
    expected(t, trades, COUNT, 60 * S, &want);
    size_t saved = 0; /* the input reads again from here after a restart */
    windows_encode(rig.windows, &log);
    windows_encoded(rig.windows);
    for (size_t i = 0; i < COUNT;) {
        const struct trade *trade = &trades[arrival[i]];
        (void)add(rig.windows, trade->key, trade->time_ns, trade->price, (int64_t)arrival[i], 1,
                  i + 1);
        i++;
        uint64_t dice = rng_below(&t->rng, 100);
        if (dice < 20)
            rows_take(t, rig.windows, dice == 0, &got, with_restarts);
        if (dice < 8) { /* a save */
            windows_encode_changes(rig.windows, &log);
            windows_encoded(rig.windows);
            saved = i;
        } else if (dice < 10) { /* a save anew */
            buf_clear(&log);
            windows_encode(rig.windows, &log);
            windows_encoded(rig.windows);
            saved = i;
        } else if (dice < 14 && with_restarts) { /* a crash */
            windows_free(rig.windows);
            rig.windows = windows_new(&rig.config);
            assert_ok(windows_decode(rig.windows, buf_str(&log), &t->err), &t->err);
            windows_encoded(rig.windows);
            i = saved - (size_t)rng_below(&t->rng, MIN_OF(saved, (size_t)20) +
                                                       1); /* and some are delivered twice */
        }
    }
    rows_take(t, rig.windows, true, &got, false);
    rows_take(t, rig.windows, true, &got, false);
    tables_compare(&got, &want);
    windows_free(rig.windows);
    strmap_deinit(&got.rows);
    strmap_deinit(&want.rows);
    buf_deinit(&log);
}

static void any_order_gives_the_same_rows(struct test *t)
{
    for (int i = 0; i < 60; i++)
        property_round(t, false);
}

static void restarts_give_the_same_rows(struct test *t)
{
    for (int i = 0; i < 150; i++)
        property_round(t, true);
}

TEST_MAIN(TEST(closes_by_the_watermark), TEST(equal_times_by_tie), TEST(overlapping_windows),
          TEST(before_1970_and_offsets), TEST(positions_count_once),
          TEST(forgets_behind_the_retention), TEST(many_sources), TEST(damaged_bytes_are_refused),
          TEST(any_order_gives_the_same_rows), TEST(restarts_give_the_same_rows))
