/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_test.c: the elasticsearch input and output on the engine of this process: what
 * becomes a document and what an event, ids and redelivery, the size that limits, the schedule,
 * scroll, following an index. */
#include "support/pipeline.h"

#include <pthread.h>

#include "index/engine.h"
#include "os/os.h"
#include "pipeline/registry.h"
#include "query/search.h"

/* ---- an input whose events are JSON lines, with an origin when asked ---- */

struct rows {
    struct str json;
    int64_t origin;
};
static const struct opt rows_opts[] = {OPT_STR(struct rows, json, .dflt = "", .help = "."),
                                       OPT_INT(struct rows, origin, .dflt = "0", .help = "."),
                                       OPT_END};

static int rows_run(void *self, struct input *input, struct err *err)
{
    const struct rows *rows = self;
    struct batch *batch = input_batch_new(input, NULL, NULL, 0);
    struct str lines = rows->json, line;
    uint64_t position = 0;
    while (lines.n && str_split_next(&lines, '\n', &line)) {
        struct event *ev;
        if (line.n == 0)
            continue;
        TRY(event_from_json(batch, line, TEST_NOW_NS, &ev, err));
        ev->origin = (struct event_origin){(uint64_t)rows->origin, ++position};
    }
    int rc = input_push(input, batch, -1);
    if (rc < 0)
        batch_unref(batch);
    return 0;
}
static const struct input_type input_rows = {
    .name = "rows", .opts = rows_opts, .size = sizeof(struct rows), .run = rows_run};
const struct input_type *const test_input_types[] = {&input_rows, NULL};
const struct filter_type *const test_filter_types[] = {NULL};

/* ---- an output that keeps events as JSON lines, metadata too ---- */

static struct {
    pthread_mutex_t mu;
    struct buf text; /* guarded by mu */
    uint64_t count;
    bool fails_once;
} got = {.mu = PTHREAD_MUTEX_INITIALIZER};

static int sink_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    (void)self;
    (void)output;
    (void)err;
    (void)pthread_mutex_lock(&got.mu);
    for (size_t i = 0; i < batch->count; i++) {
        struct event ev = *batch->events[i];
        event_to_json(&ev, &got.text);
        value_to_json(&ev.metadata, &got.text);
        buf_add_char(&got.text, '\n');
        got.count++;
    }
    (void)pthread_mutex_unlock(&got.mu);
    return 0;
}
static const struct output_type output_sink = {.name = "sink", .write = sink_write};
const struct output_type *const test_output_types[] = {&output_sink, NULL};

/* ---- rig ---- */

struct rig {
    struct engine *engine;
    struct vfs *fs;
    struct clock *clock;
    struct clock_scaled fast;
};

static void rig_init(struct test *t, struct rig *rig)
{
    *rig = (struct rig){.fs = vfs_mem_new(), .clock = clock_system()};
    struct engine_config config = {
        .fs = rig->fs, .clock = clock_system(), .seed = t->seed, .path = STR("engine")};
    assert_ok(engine_open(&config, &rig->engine, &t->err), &t->err);
    buf_deinit(&got.text);
    buf_init(&got.text, 0);
    got.count = 0;
    log_set_level(LOG_OFF);
}

static void rig_deinit(struct rig *rig)
{
    engine_close(rig->engine);
    vfs_mem_free(rig->fs);
    buf_deinit(&got.text);
}

static struct pipeline *start(struct test *t, struct rig *rig, const char *text)
{
    struct pipeline *pipeline = NULL;
    struct pipeline_config config = {.id = STR("main"),
                                     .text = str_from(text),
                                     .worker_count = 1,
                                     .fs = rig->fs,
                                     .clock = rig->clock,
                                     .seed = t->seed,
                                     .data_path = STR("data"),
                                     .engine = rig->engine,
                                     .engine_http_port = 9200};
    assert_ok(pipeline_load(&config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    return pipeline;
}

static void run(struct test *t, struct rig *rig, const char *text)
{
    struct pipeline *pipeline = start(t, rig, text);
    for (int i = 0; i < 1000 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_true(pipeline_is_finished(pipeline));
    assert_null(pipeline_error(pipeline));
    pipeline_free(pipeline);
}

static uint64_t got_count(void)
{
    (void)pthread_mutex_lock(&got.mu);
    uint64_t n = got.count;
    (void)pthread_mutex_unlock(&got.mu);
    return n;
}

static void wait_got(uint64_t count)
{
    for (int i = 0; i < 2000 && got_count() < count; i++)
        clock_sleep_ns(clock_system(), 5 * NS_PER_MS);
    assert_int_equal(got_count(), count);
}

static struct doc_get get(struct test *t, struct rig *rig, const char *index, const char *id)
{
    struct doc_get doc;
    assert_ok(engine_get(rig->engine, str_from(index), str_from(id), true, t->mem, &doc, &t->err),
              &t->err);
    return doc;
}

static uint64_t doc_count(struct test *t, struct rig *rig, const char *index)
{
    struct index_stats stats;
    assert_ok(engine_refresh(rig->engine, str_from(index), &t->err), &t->err);
    assert_ok(engine_index_stats(rig->engine, str_from(index), t->mem, &stats, &t->err), &t->err);
    return stats.doc_count;
}

static void put(struct test *t, struct rig *rig, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        struct doc_write w = DOC_WRITE_INIT;
        struct doc_result r;
        w.index = STR("stock");
        w.id = arena_printf(t->mem, "d%lld", (long long)i);
        w.source = arena_printf(t->mem, "{\"n\":%lld}", (long long)i);
        assert_ok(engine_write(rig->engine, &w, 1, REFRESH_NONE, t->mem, &r, &t->err), &t->err);
        assert_true(r.status < 300);
    }
}

#define ES_OUT "elasticsearch { hosts => [\"http://localhost:9200\"] "

/* ---- the output ---- */

static void writes_documents(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig);
    run(t, &rig,
        "input { rows { json => "
        "'{\"id\":\"x\",\"ix\":\"a\",\"v\":1}\n{\"id\":\"y\",\"ix\":\"b\",\"v\":2}' } } output "
        "{ " ES_OUT "index => \"i-%{ix}\" document_id => \"%{id}\" } }");
    struct doc_get doc = get(t, &rig, "i-a", "x");
    assert_true(doc.is_found);
    assert_str_has(doc.source, "\"v\":1");
    assert_true(get(t, &rig, "i-b", "y").is_found);
    run(t, &rig,
        "input { rows { json => '{\"id\":\"x\",\"w\":5}' } } filter { mutate { remove_field => "
        "[\"@timestamp\", \"@version\"] } } output { " ES_OUT
        "index => \"i-a\" document_id => \"%{id}\" action => \"update\" doc_as_upsert => true } }");
    doc = get(t, &rig, "i-a", "x");
    assert_int_equal(doc.version, 2);
    assert_str_has(doc.source, "\"v\":1");
    assert_str_has(doc.source, "\"w\":5");
    run(t, &rig,
        "input { rows { json => '{\"id\":\"x\"}\n{\"id\":\"gone\"}' } } output { " ES_OUT
        "index => \"i-a\" document_id => \"%{id}\" action => \"delete\" } }");
    assert_false(get(t, &rig, "i-a", "x").is_found);
    rig_deinit(&rig);
}

/* What comes twice is there once and keeps its version: by the shipper's id, or by where the event
 * came from. */
static void redelivery_changes_nothing(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig);
    for (int i = 0; i < 3; i++) {
        run(t, &rig,
            "input { rows { json => "
            "'{\"v\":1,\"@metadata\":{\"_id\":\"line-1\"}}\n{\"v\":2,\"@metadata\":{\"_id\":\"line-"
            "2\"}}' } } "
            "output { " ES_OUT "index => \"stock\" } }");
        run(t, &rig,
            "input { rows { origin => 77 json => '{\"v\":3}\n{\"v\":4}\n{\"v\":5}' } } output "
            "{ " ES_OUT "index => \"stock\" } }");
    }
    assert_int_equal(doc_count(t, &rig, "stock"), 5);
    assert_int_equal(get(t, &rig, "stock", "line-1").version, 1);
    run(t, &rig,
        "input { rows { json => '{\"v\":6}' } } output { " ES_OUT "index => \"stock\" } }");
    run(t, &rig,
        "input { rows { json => '{\"v\":6}' } } output { " ES_OUT "index => \"stock\" } }");
    assert_int_equal(doc_count(t, &rig, "stock"), 7); /* nothing tells that they are the same */
    rig_deinit(&rig);
}

static void bad_events_are_dead_letters(struct test *t)
{
    struct rig rig;
    struct str letters;
    struct vfs_entry *entries;
    size_t count;
    rig_init(t, &rig);
    run(t, &rig,
        "input { rows { json => "
        "'{\"a\":\"index\",\"id\":\"1\"}\n{\"a\":\"explode\",\"id\":\"2\"}\n{\"a\":\"update\","
        "\"id\":\"3\"}' } } output { " ES_OUT
        "id => \"es\" index => \"x\" document_id => \"%{id}\" action => \"%{a}\" } }");
    assert_int_equal(doc_count(t, &rig, "x"), 1);
    assert_ok(
        vfs_list(rig.fs, STR("data/pipelines/main/dead_letter"), t->mem, &entries, &count, &t->err),
        &t->err);
    assert_ok(vfs_read_file(rig.fs, STR("data/pipelines/main/dead_letter/es.ndjson"), MIB, t->mem,
                            &letters, &t->err),
              &t->err);
    assert_str_has(letters, "explode");
    assert_str_has(letters, "document_missing");
    rig_deinit(&rig);
}

static void output_refuses(struct test *t)
{
    refuses(t, "input { stdin { } } output { elasticsearch { action => \"idnex\" } }", NULL,
            "did you mean \"index\"");
    refuses(t, "input { stdin { } } output { elasticsearch { action => \"update\" } }", NULL,
            "document_id");
    refuses(t, "input { stdin { } } output { elasticsearch { hosts => [\"ftp://x\"] } }", NULL,
            "neither http nor https");
    refuses(t, "input { stdin { } } output { elasticsearch { hosts => [\"x:99999\"] } }", NULL,
            "port");
    accepts(t, "input { stdin { } } output { elasticsearch { hosts => \"localhost\" "
               "manage_template => false ilm_enabled => false } }");
}

/* ---- the input ---- */

static void reads_all_by_scroll(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig);
    put(t, &rig, 0, 250);
    run(t, &rig,
        "input { elasticsearch { hosts => [\"localhost:9200\"] index => \"stock\" size => 100 "
        "docinfo => true } } output { sink { } }");
    assert_int_equal(got.count, 250);
    assert_str_has(buf_str(&got.text),
                   "{\"_index\":\"stock\",\"_type\":\"_doc\",\"_id\":\"d249\"}");
    rig_deinit(&rig);
}

static void a_size_in_the_body_limits(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig);
    put(t, &rig, 0, 50);
    run(t, &rig,
        "input { elasticsearch { index => \"stock\" query => "
        "'{\"size\":1,\"query\":{\"match_all\":{}},\"sort\":[{\"n\":{\"order\":"
        "\"desc\"}}]}' target => \"doc\" } } output { sink { } }");
    assert_int_equal(got.count, 1);
    assert_str_has(buf_str(&got.text), "\"doc\":{\"n\":49}");
    run(t, &rig,
        "input { elasticsearch { index => \"stock\" limit => 7 size => 5 } } output { sink { } }");
    assert_int_equal(got.count, 8);
    rig_deinit(&rig);
}

/* The clock runs 600 times as fast: a mark of ten minutes each second. */
static void runs_by_schedule(struct test *t)
{
    struct rig rig;
    rig_init(t, &rig);
    put(t, &rig, 0, 5);
    clock_scaled_init(&rig.fast, TEST_NOW_NS + 300 * NS_PER_S, 1200);
    rig.clock = &rig.fast.base;
    struct pipeline *pipeline = start(t, &rig,
                                      "input { elasticsearch { index => \"stock\" query => "
                                      "'{\"size\":1,\"sort\":[{\"n\":\"desc\"}]}' "
                                      "schedule => \"*/10 * * * *\" } } output { sink { } }");
    wait_got(1); /* after half a mark */
    put(t, &rig, 5, 9);
    wait_got(3);
    pipeline_stop(pipeline, 600 * NS_PER_S);
    pipeline_free(pipeline);
    struct str lines = buf_str(&got.text), first, second;
    assert_true(str_split_next(&lines, '\n', &first) && str_split_next(&lines, '\n', &second));
    assert_str_has(first, "\"n\":4");
    assert_str_has(second,
                   "\"n\":8"); /* the newest at its mark, acknowledged before, refreshed or not */
    rig_deinit(&rig);
}

static void follows_an_index(struct test *t)
{
    static const char *const conf =
        "input { elasticsearch { id => \"f\" index => \"stock\" tracking => \"_seq_no\" size => 10 "
        "interval => "
        "\"20ms\" query => '{\"query\":{\"range\":{\"n\":{\"gte\":2}}}}' } } output { sink { } }";
    struct rig rig;
    rig_init(t, &rig);
    struct pipeline *pipeline = start(t, &rig, conf); /* the index comes later */
    clock_sleep_ns(clock_system(), 100 * NS_PER_MS);
    put(t, &rig, 0, 35);
    wait_got(33);
    put(t, &rig, 35, 40);
    wait_got(38);
    put(t, &rig, 7, 8); /* written again: comes again */
    wait_got(39);
    pipeline_stop(pipeline, 5 * NS_PER_S);
    pipeline_free(pipeline);
    pipeline = start(t, &rig, conf); /* goes on where it was */
    put(t, &rig, 40, 42);
    wait_got(41);
    clock_sleep_ns(clock_system(), 100 * NS_PER_MS);
    assert_int_equal(got_count(), 41);
    assert_ok(engine_index_delete(rig.engine, STR("stock"), &t->err), &t->err);
    clock_sleep_ns(clock_system(), 100 * NS_PER_MS);
    put(t, &rig, 100, 104); /* another index of the same name: from its beginning */
    wait_got(45);
    pipeline_stop(pipeline, 5 * NS_PER_S);
    pipeline_free(pipeline);
    struct str lines = buf_str(&got.text), line;
    for (int i = 2; i < 40; i++) { /* in the order of writing */
        assert_true(str_split_next(&lines, '\n', &line));
        assert_str_has(line, arena_printf(t->mem, "\"n\":%d,", i).p);
    }
    rig_deinit(&rig);
}

static void input_refuses(struct test *t)
{
    refuses(t, "input { elasticsearch { query => '{\"size\":' } } output { stdout { } }", NULL,
            "query");
    refuses(t, "input { elasticsearch { schedule => \"* * *\" } } output { stdout { } }", NULL,
            "schedule");
    refuses(t, "input { elasticsearch { tracking => \"time\" } } output { stdout { } }", NULL,
            "_seq_no");
    refuses(t,
            "input { elasticsearch { tracking => \"_seq_no\" schedule => \"* * * * *\" } } output "
            "{ stdout { } }",
            NULL, "tracking");
    refuses(t,
            "input { elasticsearch { tracking => \"_seq_no\" query => '{\"size\":5}' } } output { "
            "stdout { } }",
            NULL, "tracking");
}

TEST_MAIN(TEST(writes_documents), TEST(redelivery_changes_nothing),
          TEST(bad_events_are_dead_letters), TEST(output_refuses), TEST(reads_all_by_scroll),
          TEST(a_size_in_the_body_limits), TEST(runs_by_schedule), TEST(follows_an_index),
          TEST(input_refuses))
