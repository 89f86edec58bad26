/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime with inputs, filters and outputs of the test's own: delivery, acknowledgement, stop,
 * dead letters, locks. */
#include "support/pipeline.h"

#include <pthread.h>

#include "codec/json.h"
#include "os/os.h"
#include "pipeline/registry.h"

/* ---- an input that pushes `batches` batches of `events` events and notes what becomes of them
 * ---- */

#define BATCHES_MAX 4096u
enum ack_state { ACK_NONE, ACK_OK, ACK_FAILED };
static uint32_t acks[BATCHES_MAX]; /* atomic */

struct feed {
    int64_t batches, events, origin;
    bool stays, fails;
};
static const struct opt feed_opts[] = {OPT_INT(struct feed, batches, .dflt = "1", .help = "."),
                                       OPT_INT(struct feed, events, .dflt = "1", .help = "."),
                                       OPT_INT(struct feed, origin, .dflt = "0", .help = "."),
                                       OPT_BOOL(struct feed, stays, .dflt = "false", .help = "."),
                                       OPT_BOOL(struct feed, fails, .dflt = "false", .help = "."),
                                       OPT_END};

static void feed_done(void *owner, uint64_t cookie, bool is_ok)
{
    (void)owner;
    __atomic_store_n(&acks[cookie], is_ok ? ACK_OK : ACK_FAILED, __ATOMIC_RELEASE);
}

static int feed_run(void *self, struct input *input, struct err *err)
{
    const struct feed *feed = self;
    int64_t n = 0;
    for (int64_t b = 0; b < feed->batches; b++) {
        struct batch *batch = input_batch_new(input, feed_done, self, (uint64_t)b);
        for (int64_t i = 0; i < feed->events; i++, n++) {
            struct event *ev = batch_add_stamped(batch, TEST_NOW_NS);
            value_map_set(ev->mem, &ev->fields, STR("n"), value_int(n));
            if (feed->origin)
                ev->origin = (struct event_origin){(uint64_t)feed->origin, (uint64_t)n + 1};
            input_decorate(input, ev);
        }
        int rc = input_push(input, batch, -1);
        if (rc < 0) {
            ack_fail(batch->ack);
            batch_unref(batch);
            return err_set(err, ERR_SHUTDOWN, "stopping");
        }
    }
    while (feed->stays && input_wait(input, NS_PER_S))
        continue;
    return feed->fails ? err_set(err, ERR_NET, "the line is dead") : 0;
}
static const struct input_type input_feed = {
    .name = "feed", .opts = feed_opts, .size = sizeof(struct feed), .run = feed_run};
const struct input_type *const test_input_types[] = {&input_feed, NULL};

/* ---- a filter that doubles events, and one that emits on tick and drain ---- */

static void twin_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    (void)self;
    for (size_t i = 0; i < count; i++) {
        struct event *twin = event_clone(run->batch, events[i]);
        value_map_set(twin->mem, &twin->fields, STR("twin"), value_bool(true));
        filter_emit(run, twin);
        filter_matched(run, events[i]);
    }
}
static const struct filter_type filter_twin = {.name = "twin", .process = twin_process};

struct late {
    int64_t kept;
};
static void late_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    (void)run;
    struct late *late = self;
    for (size_t i = 0; i < count; i++)
        events[i]->is_cancelled = true;
    late->kept += (int64_t)count;
}
static void late_drain(void *self, struct filter_run *run)
{
    const struct late *late = self;
    struct event *ev = batch_add_stamped(run->batch, run->now_ns);
    value_map_set(ev->mem, &ev->fields, STR("kept"), value_int(late->kept));
    filter_emit(run, ev);
}
static const struct filter_type filter_late = {.name = "late",
                                               .size = sizeof(struct late),
                                               .flags = FILTER_ORDERED,
                                               .process = late_process,
                                               .drain = late_drain};
const struct filter_type *const test_filter_types[] = {&filter_twin, &filter_late, NULL};

/* ---- an output that collects, fails, waits or dead-letters ---- */

static struct {
    pthread_mutex_t mu;
    struct buf text; /* guarded by mu: one JSON line an event, "name " in front */
    uint64_t count, first_bad;
    struct event_origin origins[64];
} got = {.mu = PTHREAD_MUTEX_INITIALIZER};

struct sink {
    struct str name;
    bool blocks, fails, dead, counts;
};
static const struct opt sink_opts[] = {OPT_STR(struct sink, name, .dflt = "", .help = "."),
                                       OPT_BOOL(struct sink, blocks, .dflt = "false", .help = "."),
                                       OPT_BOOL(struct sink, fails, .dflt = "false", .help = "."),
                                       OPT_BOOL(struct sink, dead, .dflt = "false", .help = "."),
                                       OPT_BOOL(struct sink, counts, .dflt = "false", .help = "."),
                                       OPT_END};

static void take(const struct sink *sink, const struct event *ev)
{
    const struct value *n = value_map_get_lit(&ev->fields, "n");
    pthread_mutex_lock(&got.mu);
    if (n && n->i != (int64_t)got.count && !got.first_bad)
        got.first_bad = got.count + 1;
    if (got.count < ARRAY_COUNT(got.origins))
        got.origins[got.count] = ev->origin;
    got.count++;
    if (!sink->counts) {
        buf_add_str(&got.text, sink->name);
        event_to_json(ev, &got.text);
        buf_add_char(&got.text, '\n');
    }
    pthread_mutex_unlock(&got.mu);
}

static int sink_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    const struct sink *sink = self;
    for (unsigned attempt = 0; sink->blocks; attempt++) {
        if (!output_backoff(output, attempt, NS_PER_S, 64 * NS_PER_S))
            return err_set(err, ERR_SHUTDOWN, "stopping");
    }
    if (sink->fails)
        return err_set(err, ERR_INTERNAL, "cannot");
    for (size_t i = 0; i < batch->count; i++) {
        struct err reason;
        err_set(&reason, ERR_MAPPER_PARSING, "not wanted");
        if (sink->dead && value_map_get_lit(&batch->events[i]->fields, "n")->i % 2)
            output_dead_letter(output, batch->events[i], &reason);
        else
            take(sink, batch->events[i]);
    }
    return 0;
}
static const struct output_type output_sink = {
    .name = "sink", .opts = sink_opts, .size = sizeof(struct sink), .write = sink_write};
const struct output_type *const test_output_types[] = {&output_sink, NULL};

/* ---- helpers ---- */

static struct pipeline *start(struct test *t, struct test_pipeline *tp, const char *text)
{
    struct pipeline *pipeline;
    test_pipeline_init(tp, str_from(text));
    tp->config.clock = clock_system();
    memset(acks, 0, sizeof(acks));
    buf_deinit(&got.text);
    buf_init(&got.text, 0);
    got.count = got.first_bad = 0;
    assert_ok(pipeline_load(&tp->config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    return pipeline;
}

static void wait_finished(struct pipeline *pipeline)
{
    for (int i = 0; i < 3000 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_true(pipeline_is_finished(pipeline));
}

static void wait_count(uint64_t count)
{
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&got.mu);
        uint64_t n = got.count;
        pthread_mutex_unlock(&got.mu);
        if (n >= count)
            return;
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    }
    fail_msg("only %llu events came", (unsigned long long)got.count);
}

static void end(struct test_pipeline *tp, struct pipeline *pipeline)
{
    pipeline_free(pipeline);
    test_pipeline_deinit(tp);
    buf_deinit(&got.text);
    buf_init(&got.text, 0);
}

static size_t ack_count(enum ack_state state, size_t of)
{
    size_t n = 0;
    for (size_t i = 0; i < of; i++)
        n += __atomic_load_n(&acks[i], __ATOMIC_ACQUIRE) == state;
    return n;
}

/* ---- tests ---- */

static void delivers_in_order_and_acknowledges(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp,
              "input { feed { batches => 2000 events => 20 } } output { sink { counts => true } }");
    wait_finished(p);
    pipeline_stop(p, NS_PER_S);
    assert_int_equal(got.count, 40000);
    assert_int_equal(got.first_bad, 0); /* one worker: in order */
    assert_int_equal(ack_count(ACK_OK, 2000), 2000);
    struct pipeline_totals totals;
    pipeline_totals(p, &totals);
    assert_int_equal(totals.events_in, 40000);
    assert_int_equal(totals.events_filtered, 40000);
    assert_int_equal(totals.events_out, 40000);
    assert_int_equal(totals.queue_events, 0);
    assert_null(pipeline_error(p));
    end(&tp, p);
}

static void many_workers_lose_nothing(struct test *t)
{
    struct test_pipeline tp;
    test_pipeline_init(&tp, STR(""));
    test_pipeline_deinit(&tp);
    struct pipeline *p =
        start(t, &tp,
              "input { feed { batches => 500 events => 20 } feed { batches => 500 events => 20 } }"
              "filter { mutate { add_field => { \"a\" => \"%{n}\" } } }"
              "output { sink { counts => true } sink { counts => true } }");
    wait_finished(p);
    assert_int_equal(got.count, 40000);
    end(&tp, p);
}

static void branches_choose_outputs(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp,
              "input { feed { events => 3 type => \"x\" } } filter { if [n] == 2 { drop { } } }"
              "output { if [n] == 0 { sink { name => \"A\" } } else { sink { name => \"B\" } } }");
    wait_finished(p);
    assert_str_has(buf_str(&got.text), "A{");
    assert_str_has(buf_str(&got.text), "B{");
    assert_str_has(buf_str(&got.text), "\"type\":\"x\"");
    assert_int_equal(got.count, 2);
    end(&tp, p);
}

static void emitted_events_pass_the_filters_behind(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p = start(t, &tp,
                               "input { feed { events => 2 origin => 7 } } filter { mutate { "
                               "add_field => { \"early\" => \"1\" } }"
                               "if [n] == 1 { twin { add_tag => [\"first\"] } mutate { add_field "
                               "=> { \"late\" => \"1\" } } } }"
                               "output { sink { } }");
    wait_finished(p);
    assert_int_equal(got.count, 3);
    struct str lines = buf_str(&got.text), line[3] = {0};
    for (size_t i = 0; i < 3; i++)
        assert_true(str_split_next(&lines, '\n', &line[i]));
    assert_true(str_find(line[0], STR("late")) < 0);
    assert_str_has(line[1], "\"late\":\"1\"");
    assert_str_has(line[1], "first");
    assert_str_has(line[2], "\"twin\":true");
    assert_str_has(line[2], "\"late\":\"1\"");
    assert_true(str_find(line[2], STR("first")) < 0);
    /* A clone has a source of its own, so that ids made from the origin differ. */
    assert_int_equal(got.origins[1].source, 7);
    assert_true(got.origins[2].source != 7 && got.origins[2].source != 0);
    assert_int_equal(got.origins[2].position, got.origins[1].position);
    end(&tp, p);
}

static void filters_are_drained_at_the_end(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp,
              "input { feed { batches => 5 events => 2 } }"
              "filter { late { } mutate { add_field => { \"x\" => \"y\" } } } output { sink { } }");
    wait_finished(p);
    assert_int_equal(got.count, 1);
    assert_str_has(buf_str(&got.text), "\"kept\":10");
    assert_str_has(buf_str(&got.text), "\"x\":\"y\"");
    assert_int_equal(ack_count(ACK_OK, 5), 5);
    end(&tp, p);
}

static void a_stop_drains(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p = start(
        t, &tp, "input { feed { batches => 10 events => 1 stays => true } } output { sink { } }");
    wait_count(10);
    assert_false(pipeline_is_finished(p));
    pipeline_stop(p, 10 * NS_PER_S);
    assert_true(pipeline_is_finished(p));
    assert_int_equal(ack_count(ACK_OK, 10), 10);
    assert_null(pipeline_error(p));
    end(&tp, p);
}

static void a_blocked_output_is_given_up(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp,
              "input { feed { batches => 3000 events => 20 } } output { sink { blocks => true } }");
    clock_sleep_ns(clock_system(), 20 * NS_PER_MS);
    pipeline_stop(p, NS_PER_MS);
    assert_int_equal(got.count, 0);
    assert_int_equal(ack_count(ACK_OK, 3000), 0);
    assert_true(ack_count(ACK_FAILED, 3000) > 0);
    end(&tp, p);
}

static void a_failed_write_is_not_acknowledged(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp, "input { feed { batches => 2 } } output { sink { fails => true } sink { } }");
    wait_finished(p);
    assert_int_equal(got.count, 2);
    assert_int_equal(ack_count(ACK_FAILED, 2), 2);
    assert_non_null(pipeline_error(p));
    assert_string_equal(pipeline_error(p)->text, "sink: cannot");
    end(&tp, p);
}

static void an_inputs_failure_is_shown(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p = start(t, &tp, "input { feed { fails => true } } output { sink { } }");
    wait_finished(p);
    assert_non_null(pipeline_error(p));
    assert_string_equal(pipeline_error(p)->text, "feed: the line is dead");
    assert_int_equal(pipeline_error(p)->line, 1);
    end(&tp, p);
}

static void dead_letters_are_on_disk_before_the_ack(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p = start(
        t, &tp, "input { feed { events => 4 } } output { sink { id => \"s/1\" dead => true } }");
    wait_finished(p);
    assert_int_equal(ack_count(ACK_OK, 1), 1);
    struct str text;
    assert_ok(vfs_read_file(tp.fs, STR("data/pipelines/test/dead_letter/s_1.ndjson"), MIB, t->mem,
                            &text, &t->err),
              &t->err);
    struct value one = test_json(t, str_sub(text, 0, (size_t)str_find_char(text, '\n')));
    assert_str_eq(value_map_get_lit(value_map_get_lit(&one, "reason"), "text")->s, "not wanted");
    assert_int_equal(value_map_get_lit(value_map_get_lit(&one, "event"), "n")->i, 1);
    assert_str_eq(value_map_get_lit(&one, "plugin_id")->s, "s/1");
    struct pipeline_totals totals;
    pipeline_totals(p, &totals);
    assert_int_equal(totals.failures, 2);
    end(&tp, p);
}

static void a_half_dead_letter_stays_alone(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p;
    struct str path = STR("data/pipelines/test/dead_letter/s.ndjson"), text, line;
    test_pipeline_init(
        &tp, STR("input { feed { events => 2 } } output { sink { id => \"s\" dead => true } }"));
    tp.config.clock = clock_system();
    assert_ok(vfs_make_dir(tp.fs, path_dir(path), &t->err), &t->err);
    assert_ok(vfs_write_file(tp.fs, path, STR("{\"half"), &t->err), &t->err);
    assert_ok(pipeline_load(&tp.config, &p, &t->err), &t->err);
    assert_ok(pipeline_start(p, &t->err), &t->err);
    wait_finished(p);
    assert_ok(vfs_read_file(tp.fs, path, MIB, t->mem, &text, &t->err), &t->err);
    assert_true(str_split_next(&text, '\n', &line));
    assert_str_eq(line, "{\"half");
    assert_true(str_split_next(&text, '\n', &line));
    (void)test_json(t, line);
    end(&tp, p);
}

static void a_full_disk_holds_the_ack_back(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p;
    test_pipeline_init(&tp, STR("input { feed { events => 4 } } output { sink { dead => true } }"));
    tp.config.clock = clock_system();
    memset(acks, 0, sizeof(acks));
    assert_ok(pipeline_load(&tp.config, &p, &t->err), &t->err);
    vfs_mem_set_free_bytes(tp.fs, 100); /* room for the lock only */
    assert_ok(pipeline_start(p, &t->err), &t->err);
    wait_finished(p);
    assert_int_equal(ack_count(ACK_FAILED, 1), 1);
    assert_int_equal(pipeline_error(p)->code, ERR_DISK_FULL);
    end(&tp, p);
}

static void a_folder_has_one_user(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p, *q;
    test_pipeline_init(&tp, STR("input { feed { stays => true } } output { sink { } }"));
    tp.config.clock = clock_system();
    tp.config.fs = vfs_posix();
    tp.config.data_path = test_dir(t);
    assert_ok(pipeline_load(&tp.config, &p, &t->err), &t->err);
    assert_ok(pipeline_load(&tp.config, &q, &t->err), &t->err);
    assert_ok(pipeline_start(p, &t->err), &t->err);
    assert_err(pipeline_start(q, &t->err), &t->err, ERR_LOCKED);
    assert_err_has(&t->err, arena_printf(t->mem, "is used by process %lld", (long long)os_pid()).p);
    pipeline_free(q);
    pipeline_stop(p, NS_PER_S);
    pipeline_free(p);
    test_pipeline_deinit(&tp);
}

static void figures_have_logstashs_shape(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *p =
        start(t, &tp,
              "input { feed { events => 3 id => \"in\" } } filter { mutate { id => \"m\" } }"
              "output { sink { } }");
    wait_finished(p);
    struct buf out;
    struct json_writer w;
    buf_init(&out, 0);
    json_writer_init(&w, &out, false);
    pipeline_stats_write(p, &w);
    struct value v = test_json(t, arena_str(t->mem, buf_str(&out)));
    buf_deinit(&out);
    const struct value *plugins = value_map_get_lit(&v, "plugins");
    const struct value *filter = &value_map_get_lit(plugins, "filters")->list->items[0];
    assert_str_eq(value_map_get_lit(filter, "id")->s, "m");
    assert_int_equal(value_map_get_lit(value_map_get_lit(filter, "events"), "in")->i, 3);
    assert_int_equal(value_map_get_lit(value_map_get_lit(&v, "events"), "out")->i, 3);
    assert_str_eq(value_map_get_lit(&value_map_get_lit(plugins, "inputs")->list->items[0], "id")->s,
                  "in");
    end(&tp, p);
}

static void what_is_wrong_is_named(struct test *t)
{
    refuses(t, "filter { mutat { } }", "1:10", "did you mean \"mutate\"");
    refuses(t, "filter { geoip { } }", "1:10", "not there yet");
    refuses(t, "filter { nonsense { } }", "1:10", "there is no filter \"nonsense\"");
    refuses(t, "filter { mutate { covert => { \"a\" => \"integer\" } } }", "1:19",
            "did you mean \"convert\"");
    refuses(t, "filter { mutate { add_field => [ \"a\" ] } }", "1:32", "must be a hash");
    refuses(t, "filter { mutate { remove_field => [ \"a[b\" ] } }", "1:37", "no field reference");
    refuses(t, "filter { mutate { add_tag => { \"a\" => \"b\" } } }", "1:30", "must be an array");
    refuses(t, "filter { mutate { id => \"x\" } drop { id => \"x\" } }", "1:44",
            "another plugin's");
    refuses(t, "input { stdin { codec => jsn } }", "1:26", "did you mean \"json\"");
    refuses(t, "input { stdin { codec => dots } }", "1:26", "cannot be used by an input");
    refuses(t, "input { if [a] { stdin { } } }", "1:9", "cannot stand inside an if");
    refuses(t, "output { stdout { codec => 5 } }", "1:28", "must be a codec's name");
    refuses(t, "filter { if [a] =~ /(/ { } }", NULL, "");
}

TEST_MAIN(TEST(delivers_in_order_and_acknowledges), TEST(many_workers_lose_nothing),
          TEST(branches_choose_outputs), TEST(emitted_events_pass_the_filters_behind),
          TEST(filters_are_drained_at_the_end), TEST(a_stop_drains),
          TEST(a_blocked_output_is_given_up), TEST(a_failed_write_is_not_acknowledged),
          TEST(an_inputs_failure_is_shown), TEST(dead_letters_are_on_disk_before_the_ack),
          TEST(a_half_dead_letter_stays_alone), TEST(a_full_disk_holds_the_ack_back),
          TEST(a_folder_has_one_user), TEST(figures_have_logstashs_shape),
          TEST(what_is_wrong_is_named))
