/* SPDX-License-Identifier: Apache-2.0 */
/* window_test.c: the window filter alone (settings, rows, late events, idle, restart), and the
 * ten-minute pipeline of examples/stock as it stands: documents in an engine, rows in SQLite,
 * stopped hard and started again while documents come, against a direct computation. */
#include "support/pipeline.h"

#include <pthread.h>
#include <sqlite3.h>

#include "index/engine.h"
#include "os/os.h"
#include "pipeline/registry.h"

/* ---- an input that pushes two events and stays, an output that keeps the last row ---- */

static int pair_run(void *self, struct input *input, struct err *err)
{
    static const struct str lines[] = {{"{\"t\":\"2026-01-26T00:01:00Z\"}", 28},
                                       {"{\"t\":\"2026-01-26 09:02:00\"}", 27}};
    struct batch *batch = input_batch_new(input, NULL, NULL, 0);
    struct event *ev;
    (void)self;
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        TRY(event_from_json(batch, lines[i], TEST_NOW_NS, &ev, err));
    if (input_push(input, batch, -1) < 0)
        batch_unref(batch);
    while (input_wait(input, NS_PER_S))
        continue;
    return 0;
}
static const struct input_type input_pair = {.name = "pair", .run = pair_run};

static struct buf kept;     /* read when kept_count says so */
static uint32_t kept_count; /* atomic */

static int keep_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    (void)self;
    (void)output;
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        buf_clear(&kept);
        event_to_json(batch->events[i], &kept);
        __atomic_add_fetch(&kept_count, 1, __ATOMIC_RELEASE);
    }
    return 0;
}
static const struct output_type output_keep = {.name = "keep", .write = keep_write};

const struct input_type *const test_input_types[] = {&input_pair, NULL};
const struct filter_type *const test_filter_types[] = {NULL};
const struct output_type *const test_output_types[] = {&output_keep, NULL};

/* ---- the filter alone ---- */

#define WINDOW                                                                                     \
    "window { time => \"t\" every => \"10m\" by => [\"k\"] lateness => \"0\" order => \"o\" "      \
    "aggregate => { \"open\" => \"first(p)\" \"close\" => \"last(p)\" \"high\" => \"max(p)\" "     \
    "\"low\" => \"min(p)\" "                                                                       \
    "\"sum\" => \"sum(p)\" \"n\" => \"count()\" \"np\" => \"count(p)\" } }"

struct rig {
    struct test_pipeline tp;
    struct pipeline *pipeline;
};

static void rig_load(struct test *t, struct rig *rig)
{
    assert_ok(pipeline_load(&rig->tp.config, &rig->pipeline, &t->err), &t->err);
}

static void rig_init(struct test *t, struct rig *rig, const char *filters)
{
    test_pipeline_init(&rig->tp, arena_printf(t->mem, "filter { %s }", filters));
    assert_ok(vfs_make_dir(rig->tp.fs, STR("data/pipelines/test"), &t->err),
              &t->err); /* as a start does */
    rig_load(t, rig);
}

static void rig_deinit(struct rig *rig)
{
    pipeline_free(rig->pipeline);
    test_pipeline_deinit(&rig->tp);
}

/* Feeds the lines and drains; compares the rows in any order by count and presence. The rows count
 * as delivered when `delivers`. */
static void rig_feed(struct test *t, struct rig *rig, const char *in, const char *const *rows,
                     bool delivers)
{
    struct batch *batch = batch_new(NULL);
    struct event **events;
    size_t count, want = 0;
    test_events_add(t, batch, str_from(in));
    pipeline_filter(rig->pipeline, batch, &events, &count);
    assert_int_equal(count, 0); /* events do not go on */
    batch_unref(batch);
    batch = pipeline_filter_drain(rig->pipeline, &events, &count);
    for (; rows[want]; want++) {
        struct value expected = test_json(t, str_from(rows[want]));
        size_t i = 0;
        for (; i < count; i++) {
            struct value got = test_event_value(t, events[i], &expected);
            if (value_eq(&got, &expected))
                break;
        }
        if (i == count)
            fail_msg("no row %s (%zu rows)", rows[want], count);
    }
    assert_int_equal(count, want);
    if (!delivers)
        ack_fail(batch->ack);
    batch_unref(batch);
}

#define ROWS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define NO_ROWS                                                                                    \
    (const char *const[])                                                                          \
    {                                                                                              \
        NULL                                                                                       \
    }

static void makes_rows(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig, WINDOW);
    rig_feed(t, &rig,
             "{\"t\":\"2026-01-26T00:00:00Z\",\"k\":\"a\",\"p\":5,\"o\":2}\n"
             "{\"t\":\"2026-01-26T00:00:00Z\",\"k\":\"a\",\"p\":4,\"o\":1}\n"
             "{\"t\":\"2026-01-26T09:09:59.999+09:00\",\"k\":\"a\",\"p\":9,\"o\":3}\n"
             "{\"t\":\"2026-01-26T00:05:00Z\",\"k\":\"b\",\"o\":3}\n"
             "{\"t\":1769386200000,\"k\":\"a\",\"p\":1,\"o\":4}",
             ROWS("{\"k\":\"a\",\"window_start\":\"2026-01-26T00:00:00.000Z\",\"window_end\":"
                  "\"2026-01-26T00:10:00.000Z\",\"open\":4,"
                  "\"close\":9,\"high\":9,\"low\":4,\"sum\":18,\"n\":3,\"np\":3,\"@timestamp\":"
                  "\"2026-01-26T00:00:00.000Z\"}",
                  "{\"k\":\"b\",\"window_start\":\"2026-01-26T00:00:00.000Z\",\"window_end\":"
                  "\"2026-01-26T00:10:00.000Z\",\"open\":null,"
                  "\"close\":null,\"high\":null,\"low\":null,\"sum\":0,\"n\":1,\"np\":0}"),
             true);
    rig_feed(t, &rig, "", NO_ROWS, true);
    /* A late event changes its window, which goes out again. */
    rig_feed(t, &rig, "{\"t\":\"2026-01-26T00:01:00Z\",\"k\":\"b\",\"p\":7,\"o\":1}",
             ROWS("{\"k\":\"b\",\"window_start\":\"2026-01-26T00:00:00.000Z\",\"window_end\":"
                  "\"2026-01-26T00:10:00.000Z\",\"open\":7,"
                  "\"close\":7,\"high\":7,\"low\":7,\"sum\":7,\"n\":2,\"np\":1}"),
             true);
    rig_deinit(&rig);
}

static void rows_come_again_until_delivered(struct test *t)
{
    const char *row = "{\"k\":\"a\",\"window_start\":\"2026-01-26T00:00:00.000Z\",\"window_end\":"
                      "\"2026-01-26T00:10:00.000Z\",\"open\":5,"
                      "\"close\":5,\"high\":5,\"low\":5,\"sum\":5,\"n\":1,\"np\":1}";
    struct rig rig;
    rig_init(t, &rig, WINDOW);
    rig_feed(t, &rig,
             "{\"t\":\"2026-01-26T00:00:00Z\",\"k\":\"a\",\"p\":5}\n{\"t\":\"2026-01-26T00:10:"
             "00Z\",\"k\":\"a\",\"p\":6}",
             ROWS(row), false);
    pipeline_free(rig.pipeline); /* a restart: the state is in the file */
    rig_load(t, &rig);
    rig_feed(t, &rig, "", ROWS(row), true);
    pipeline_free(rig.pipeline);
    rig_load(t, &rig);
    rig_feed(t, &rig, "", NO_ROWS, true);
    rig_feed(t, &rig, "{\"t\":\"2026-01-26T00:20:00Z\",\"k\":\"c\",\"p\":1}",
             ROWS("{\"k\":\"a\",\"window_start\":\"2026-01-26T00:10:00.000Z\",\"window_end\":"
                  "\"2026-01-26T00:20:00.000Z\",\"open\":6,"
                  "\"close\":6,\"high\":6,\"low\":6,\"sum\":6,\"n\":1,\"np\":1}"),
             true);
    rig_deinit(&rig);
}

/* The window is not over by its events, but nothing comes any more: it goes out as it is, and stays
 * open for more. */
static void silence_closes(struct test *t)
{
    struct test_pipeline tp;
    struct clock_scaled fast;
    struct pipeline *pipeline = NULL;
    test_pipeline_init(&tp, STR("input { pair { } } filter { window { time => \"t\" every => "
                                "\"10m\" idle => \"60s\" timezone => \"Asia/Seoul\" "
                                "time_format => \"yyyy-MM-dd HH:mm:ss\" aggregate => { \"n\" => "
                                "\"count()\" \"last\" => \"last(t)\" } } } "
                                "output { keep { } }"));
    clock_scaled_init(&fast, TEST_NOW_NS, 300); /* a minute is 200 ms */
    tp.config.clock = &fast.base;
    kept_count = 0;
    buf_init(&kept, 0);
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    for (int i = 0; i < 500 && !__atomic_load_n(&kept_count, __ATOMIC_ACQUIRE); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    clock_sleep_ns(clock_system(), 300 * NS_PER_MS);
    assert_int_equal(__atomic_load_n(&kept_count, __ATOMIC_ACQUIRE),
                     1); /* once, not in every silent minute */
    pipeline_stop(pipeline, 300 * NS_PER_S);
    pipeline_free(pipeline);
    assert_str_has(buf_str(&kept), "\"n\":2");
    assert_str_has(buf_str(&kept), "\"window_start\":\"2026-01-26 09:00:00\"");
    assert_str_has(buf_str(&kept), "\"last\":\"2026-01-26 09:02:00\"");
    buf_deinit(&kept);
    test_pipeline_deinit(&tp);
}

static void other_settings_are_refused(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig, WINDOW);
    rig_feed(t, &rig, "{\"t\":\"2026-01-26T00:01:00Z\",\"k\":1,\"p\":1}", NO_ROWS, true);
    pipeline_free(rig.pipeline);
    struct str name = arena_printf(
        t->mem,
        "filter { window { id => \"w\" every => \"10m\" aggregate => { \"n\" => \"count()\" } } }");
    rig.tp.config.text = name;
    rig_load(t, &rig);
    rig_feed(t, &rig, "{\"@timestamp\":\"2026-01-26T00:01:00Z\"}", NO_ROWS, true);
    pipeline_free(rig.pipeline);
    rig.tp.config.text = STR(
        "filter { window { id => \"w\" every => \"5m\" aggregate => { \"n\" => \"count()\" } } }");
    assert_int_equal(pipeline_load(&rig.tp.config, &rig.pipeline, &t->err) < 0, true);
    assert_err_has(&t->err, "of other settings");
    test_pipeline_deinit(&rig.tp);
}

static void refuses_bad_settings(struct test *t)
{
    refuses(t, "filter { window { every => \"10m\" } }", NULL, "aggregate");
    refuses(t, "filter { window { aggregate => { \"a\" => \"count()\" } } }", NULL, "every");
    refuses(t, "filter { window { every => \"10m\" aggregate => { \"a\" => \"frist(x)\" } } }",
            NULL, "frist");
    refuses(t, "filter { window { every => \"10m\" aggregate => { \"a\" => \"sum\" } } }", NULL,
            "function(field)");
    refuses(t, "filter { window { every => \"10m\" aggregate => { \"a\" => \"sum()\" } } }", NULL,
            "needs a field");
    refuses(t,
            "filter { window { every => \"10m\" size => \"5m\" aggregate => { \"a\" => \"count()\" "
            "} } }",
            NULL, "size");
    refuses(t,
            "filter { window { every => \"10m\" timezone => \"Asia/Soul\" aggregate => { \"a\" => "
            "\"count()\" } } }",
            NULL, "timezone");
}

/* ---- the ten-minute pipeline ---- */

enum { TRADES = 12000, STOCKS = 3 };

struct trade {
    int64_t time_ns, price, volume, acc;
    unsigned stock;
};

static const char *const codes[STOCKS] = {"005930", "000660", "035420"};
static char db_path[512];

static struct str env_get(void *owner, struct str name)
{
    (void)owner;
    return str_is(name, "SQLITE_PATH") ? str_from(db_path) : STR_NONE;
}

/* An hour of trades, about every 300 ms, starting at a round hour of TEST_NOW's day. */
static void trades_make(struct test *t, struct trade *trades)
{
    int64_t time = TEST_NOW_NS, acc[STOCKS] = {0};
    for (size_t i = 0; i < TRADES; i++) {
        time += (int64_t)rng_below(&t->rng, 3) * 300 * NS_PER_MS; /* often several a moment */
        unsigned stock = (unsigned)rng_below(&t->rng, STOCKS);
        int64_t volume = rng_between(&t->rng, 1, 500);
        acc[stock] += volume;
        trades[i] = (struct trade){time / NS_PER_S * NS_PER_S, rng_between(&t->rng, 500, 600) * 100,
                                   volume, acc[stock], stock};
    }
}

static void time_text(int64_t ns, char text[48])
{
    struct civil c = civil_from_ns(ns + 9 * 3600 * NS_PER_S);
    (void)snprintf(text, 48, "%04d-%02u-%02u %02u:%02u:%02u", c.year, c.month, c.day, c.hour,
                   c.minute, c.second);
}

/* Rows as SELECT gives them, by stock and start. */
static struct str rows_expected(struct test *t, const struct trade *trades)
{
    struct buf out;
    buf_init(&out, 0);
    static const unsigned order[STOCKS] = {1, 0, 2}; /* by code */
    int64_t every = 600 * NS_PER_S;
    for (size_t s = 0; s < STOCKS; s++) {
        for (int64_t start = TEST_NOW_NS / every * every; start <= trades[TRADES - 1].time_ns;
             start += every) {
            const struct trade *first = NULL, *last = NULL;
            int64_t high = 0, low = INT64_MAX, volume = 0, n = 0;
            for (size_t i = 0; i < TRADES; i++) {
                const struct trade *x = &trades[i];
                if (x->stock != order[s] || x->time_ns < start || x->time_ns >= start + every)
                    continue;
                first = first ? first : x;
                last = x;
                high = MAX_OF(high, x->price);
                low = MIN_OF(low, x->price);
                volume += x->volume;
                n++;
            }
            char from[48], to[48], at[48];
            if (!n)
                continue;
            time_text(start, from);
            time_text(start + every, to);
            time_text(last->time_ns, at);
            buf_printf(&out, "%s,%s,%s,%lld,%lld,%lld,%lld,%lld,%lld,%s,%lld,%lld\n",
                       codes[order[s]], from, to, (long long)first->price, (long long)high,
                       (long long)low, (long long)last->price, (long long)volume, (long long)n, at,
                       (long long)last->volume, (long long)last->acc);
        }
    }
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static int on_row(void *owner, int count, char **values, char **names)
{
    struct buf *out = owner;
    (void)names;
    for (int i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        buf_add_str(out, str_from(values[i]));
    }
    buf_add_char(out, '\n');
    return 0;
}

static struct str db_run(struct test *t, const char *sql)
{
    sqlite3 *db;
    struct buf out;
    buf_init(&out, 0);
    assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    char *why = NULL;
    if (sqlite3_exec(db, sql, on_row, &out, &why) != SQLITE_OK)
        fail_msg("%s", why);
    (void)sqlite3_close(db);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

/* Trades as documents, in batches, some of them twice under the same id, as a shipper that was
 * killed sends them. */
struct writer {
    struct engine *engine;
    const struct trade *trades;
    struct rng rng;
    bool failed;
    int64_t pause_ns;
};

static bool write_range(struct writer *w, size_t from, size_t to)
{
    struct arena *mem = arena_new(0);
    struct doc_write *writes = ARENA_ARRAY(mem, struct doc_write, to - from);
    struct doc_result *results = ARENA_ARRAY(mem, struct doc_result, to - from);
    for (size_t i = from; i < to; i++) {
        const struct trade *x = &w->trades[i];
        char iso[48];
        size_t n = time_to_iso8601(x->time_ns, iso);
        writes[i - from] = DOC_WRITE_INIT;
        writes[i - from].op = DOC_CREATE;
        writes[i - from].index = STR("stock");
        writes[i - from].id = arena_printf(mem, "line-%zu", i);
        writes[i - from].source =
            arena_printf(mem,
                         "{\"MKSC_SHRN_ISCD\":\"%s\",\"STCK_CNTG_HOUR\":\"%.*s\",\"STCK_PRPR\":%"
                         "lld,\"CNTG_VOL\":%lld,\"ACML_VOL\":%lld}",
                         codes[x->stock], (int)n, iso, (long long)x->price, (long long)x->volume,
                         (long long)x->acc);
    }
    int rc = engine_write(w->engine, writes, to - from, REFRESH_NONE, mem, results, NULL);
    arena_free(mem);
    return rc == 0;
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    for (size_t at = 0; at < TRADES && !w->failed;) {
        size_t count = 1 + (size_t)rng_below(&w->rng, 600), to = MIN_OF(at + count, (size_t)TRADES);
        w->failed = !write_range(w, at, to);
        at = rng_below(&w->rng, 4) ? to : to - (size_t)rng_below(&w->rng, MIN_OF(to, (size_t)200));
        clock_sleep_ns(clock_system(), w->pause_ns);
    }
    w->failed |= !write_range(w, TRADES - 1, TRADES); /* the last one for sure */
    return NULL;
}

static struct pipeline *ten_minutes_start(struct test *t, struct engine *engine)
{
    static const struct str file = {"examples/stock/stock_10min.sqlite.conf", 38};
    struct pipeline *pipeline = NULL;
    struct pipeline_config config = {.id = STR("stock_10min"),
                                     .files = &file,
                                     .file_count = 1,
                                     .worker_count = 1,
                                     .fs = vfs_posix(),
                                     .clock = clock_system(),
                                     .seed = t->seed,
                                     .data_path = test_dir(t),
                                     .engine = engine,
                                     .engine_http_port = 9200,
                                     .env_get = env_get};
    log_set_level(LOG_OFF);
    assert_ok(pipeline_load(&config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    return pipeline;
}

static void rows_wait(struct test *t, struct pipeline *pipeline, struct str want, const char *sql)
{
    for (int i = 0; i < 1500; i++) {
        if (str_eq(db_run(t, sql), want))
            return;
        if (pipeline_error(pipeline))
            fail_msg("%s", pipeline_error(pipeline)->text);
        clock_sleep_ns(clock_system(), 20 * NS_PER_MS);
    }
    struct str got = db_run(t, sql);
    print_message("got\n%.*s\nwant\n%.*s\n", (int)MIN_OF(got.n, (size_t)800), got.p,
                  (int)MIN_OF(want.n, (size_t)800), want.p);
    fail_msg("the table never gets right");
}

static void ten_minutes(struct test *t, bool with_stops)
{
    struct trade *trades = ARENA_ARRAY(t->mem, struct trade, TRADES);
    struct engine *engine = NULL;
    struct str schema;
    pthread_t thread;
    trades_make(t, trades);
    (void)snprintf(db_path, sizeof(db_path), "%s", test_path(t, "archive.db").p);
    assert_ok(vfs_read_file(vfs_posix(), STR("examples/stock/tables.sqlite.sql"), MIB, t->mem,
                            &schema, &t->err),
              &t->err);
    (void)db_run(t, schema.p);
    struct engine_config config = {.fs = vfs_posix(),
                                   .clock = clock_system(),
                                   .seed = t->seed,
                                   .path = test_path(t, "engine")};
    assert_ok(engine_open(&config, &engine, &t->err), &t->err);
    struct writer writer = {
        .engine = engine, .trades = trades, .pause_ns = with_stops ? 30 * NS_PER_MS : 0};
    rng_split(&t->rng, &writer.rng);
    struct pipeline *pipeline = ten_minutes_start(t, engine); /* the index is not there yet */
    assert_int_equal(pthread_create(&thread, NULL, writer_run, &writer), 0);
    for (int i = 0; i < 10 && with_stops; i++) {
        clock_sleep_ns(clock_system(), rng_between(&t->rng, 1, 300) * NS_PER_MS);
        pipeline_stop(pipeline,
                      rng_below(&t->rng, 2) ? 0 : 200 * NS_PER_MS); /* hard: nothing is drained */
        pipeline_free(pipeline);
        pipeline = ten_minutes_start(t, engine);
    }
    (void)pthread_join(thread, NULL);
    assert_false(writer.failed);
    /* A trade two windows later closes the last one. */
    struct trade closing = trades[TRADES - 1];
    closing.time_ns += 1200 * NS_PER_S;
    struct trade *all = ARENA_ARRAY(t->mem, struct trade, TRADES + 1);
    memcpy(all, trades, TRADES * sizeof(*trades));
    all[TRADES] = closing;
    writer.trades = all;
    assert_true(write_range(&writer, TRADES, TRADES + 1));
    struct str want = rows_expected(t, trades);
    rows_wait(t, pipeline, want, "SELECT * FROM stock_10min ORDER BY 1, 2");
    pipeline_stop(pipeline, 5 * NS_PER_S);
    pipeline_free(pipeline);
    pipeline = ten_minutes_start(t, engine); /* run again: the same */
    clock_sleep_ns(clock_system(), 300 * NS_PER_MS);
    assert_true(str_eq(db_run(t, "SELECT * FROM stock_10min ORDER BY 1, 2"), want));
    pipeline_stop(pipeline, 5 * NS_PER_S);
    pipeline_free(pipeline);
    engine_close(engine);
}

static void ten_minutes_undisturbed(struct test *t)
{
    ten_minutes(t, false);
}

static void ten_minutes_with_hard_stops(struct test *t)
{
    ten_minutes(t, true);
}

TEST_MAIN(TEST(makes_rows), TEST(rows_come_again_until_delivered), TEST(silence_closes),
          TEST(other_settings_are_refused), TEST(refuses_bad_settings),
          TEST(ten_minutes_undisturbed), TEST(ten_minutes_with_hard_stops))
