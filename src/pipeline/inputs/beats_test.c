/* SPDX-License-Identifier: Apache-2.0 */
/* beats_test.c: the input alone, on loopback: the test is the client, and stands where the
 * pipeline's workers would, so that it decides when a batch is delivered. */
#include "support/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/log.h"
#include "codec/lumberjack.h"
#include "event/options.h"
#include "os/net.h"
#include "os/os.h"
#include "pipeline/inputs/beats_int.h"
#include "pipeline/pipeline_int.h"

#define WAIT_NS (20 * NS_PER_S)

struct world {
    struct test *t;
    struct pipeline *pipeline;
    struct input *input;
    struct codec codec;
    struct beats *beats;
    pthread_t thread;
    struct err err;
    int rc;
    struct buf wire;
};

static void *run_thread(void *arg)
{
    struct world *w = arg;
    w->rc = input_beats.run(w->beats, w->input, &w->err);
    return NULL;
}

static uint16_t port_of(struct world *w)
{
    for (;;) {
        pthread_mutex_lock(&w->beats->mu);
        uint16_t port = w->beats->bound_port;
        pthread_mutex_unlock(&w->beats->mu);
        if (port)
            return port;
        (void)nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
}

static void prepare(struct world *w, struct test *t, const char *settings, size_t queue_max)
{
    *w = (struct world){.t = t};
    log_set_level(LOG_OFF);
    w->pipeline = MEM_NEW(struct pipeline);
    w->pipeline->config.clock = clock_system();
    w->pipeline->queue = queue_new(queue_max);
    w->pipeline->env =
        (struct plugin_env){.clock = clock_system(), .fs = vfs_posix(), .pipeline_id = STR("main")};
    w->input = MEM_NEW(struct input);
    w->input->pipeline = w->pipeline;
    w->input->type = &input_beats;
    w->codec = (struct codec){.type = codec_type_find(STR("plain"))};
    w->input->codec = &w->codec;
    struct plugin *plugin = &w->input->unit.plugin;
    *plugin = (struct plugin){
        .env = &w->pipeline->env, .name = STR("beats"), .id = STR("beats_1"), .mem = t->mem};
    assert_ok(value_from_json(str_from(settings), t->mem, &plugin->settings, &t->err), &t->err);
    w->beats = mem_zalloc(input_beats.size);
    assert_ok(options_fill(input_beats.opts, w->beats, &plugin->settings, OPTIONS_LOGSTASH, t->mem,
                           NULL, NULL, NULL, &t->err),
              &t->err);
    buf_init(&w->wire, 0);
}

static void world_init(struct world *w, struct test *t, size_t queue_max)
{
    prepare(w, t, "{\"port\":0,\"host\":\"127.0.0.1\"}", queue_max);
    assert_ok(input_beats.init(w->beats, &w->input->unit.plugin, &t->err), &t->err);
    assert_int_equal(pthread_create(&w->thread, NULL, run_thread, w), 0);
    (void)port_of(w);
}

static void stop(struct world *w)
{
    __atomic_store_n(&w->pipeline->is_stopping, true, __ATOMIC_RELEASE);
    input_beats.stop(w->beats);
    (void)pthread_join(w->thread, NULL);
    assert_ok(w->rc, &w->err);
}

static struct batch *popped(struct world *w)
{
    void *batch = NULL;
    if (queue_pop(w->pipeline->queue, &batch, WAIT_NS) != QUEUE_OK)
        fail_msg("no batch came");
    return batch;
}

static void free_world(struct world *w)
{
    void *batch;
    while (queue_pop(w->pipeline->queue, &batch, 0) == QUEUE_OK)
        batch_unref(batch);
    input_beats.deinit(w->beats);
    queue_free(w->pipeline->queue);
    mem_free(w->beats);
    mem_free(w->input);
    mem_free(w->pipeline);
    buf_deinit(&w->wire);
}

static void world_deinit(struct world *w)
{
    stop(w);
    free_world(w);
}

/* ---- the client ---- */

static int client(struct world *w)
{
    struct net_addr addr = {.host = "127.0.0.1", .port = port_of(w)};
    int fd = -1;
    assert_ok(net_connect(&addr, WAIT_NS, &fd, &w->err), &w->err);
    return fd;
}
static void send_wire(struct world *w, int fd)
{
    assert_ok(net_write_all(fd, w->wire.p, w->wire.n, WAIT_NS, &w->err), &w->err);
    buf_clear(&w->wire);
}
static void add_window(struct world *w, uint32_t count, unsigned first)
{
    lumberjack_write_window(&w->wire, 2, count);
    for (uint32_t i = 1; i <= count; i++)
        lumberjack_write_json(
            &w->wire, i,
            arena_printf(w->t->mem,
                         "{\"message\":\"m%u\",\"n\":%u,\"@timestamp\":"
                         "\"2024-03-01T10:00:00.123Z\",\"@metadata\":{\"beat\":\"filebeat\","
                         "\"_id\":\"id%u\"}}",
                         first + i - 1, first + i - 1, first + i - 1));
}
/* The next acknowledgement, keep-alives left out; -1: the connection ended. */
static int64_t acked(struct world *w, int fd)
{
    uint8_t frame[6] = {0};
    do {
        if (net_read_all(fd, frame, 6, WAIT_NS, &w->err) < 0) {
            assert_int_equal(w->err.code, ERR_NET);
            return -1;
        }
        assert_int_equal(frame[1], 'A');
    } while (get_u32_be(frame + 2) == 0);
    return get_u32_be(frame + 2);
}
static bool is_silent(int fd)
{
    char byte;
    size_t n;
    return net_read(fd, &byte, 1, 50 * NS_PER_MS, &n, NULL) == -ERR_TIMEOUT;
}

static struct str text_at(const struct event *ev, const char *ref)
{
    const struct value *v = event_get_text(ev, str_from(ref));
    return v && v->kind == VALUE_STR ? v->s : STR_NONE;
}

/* ---- tests ---- */

static void a_window_is_acknowledged_when_it_is_delivered(struct test *t)
{
    struct world w;
    world_init(&w, t, 10000);
    int fd = client(&w);
    add_window(&w, 3, 0);
    send_wire(&w, fd);
    struct batch *batch = popped(&w);
    assert_int_equal(batch->count, 3);
    const struct event *ev = batch->events[2];
    assert_str_eq(text_at(ev, "message"), "m2");
    assert_str_eq(text_at(ev, "[@metadata][beat]"), "filebeat");
    assert_str_eq(text_at(ev, "[@metadata][_id]"), "id2");
    assert_str_eq(text_at(ev, "[@metadata][ip_address]"), "127.0.0.1");
    assert_str_eq(text_at(ev, "@version"), "1");
    assert_true(event_has_tag(ev, STR("beats_input_codec_plain_applied")));
    assert_null(value_map_get_lit(&ev->fields, "@metadata"));
    int64_t ns;
    assert_true(event_timestamp_ns(ev, &ns));
    assert_int_equal(ns / NS_PER_MS, INT64_C(1709287200123));
    assert_true(is_silent(fd));
    batch_unref(batch);
    assert_int_equal(acked(&w, fd), 3);
    net_close(fd);
    world_deinit(&w);
}

static void windows_are_acknowledged_in_order(struct test *t)
{
    struct world w;
    world_init(&w, t, 10000);
    int fd = client(&w);
    add_window(&w, 700, 0); /* two batches */
    add_window(&w, 2, 700);
    send_wire(&w, fd);
    struct batch *a = popped(&w), *b = popped(&w), *c = popped(&w);
    assert_int_equal(a->count, 500);
    assert_int_equal(b->count, 200);
    assert_int_equal(c->count, 2);
    batch_unref(c);
    batch_unref(b);
    assert_true(is_silent(fd));
    batch_unref(a);
    assert_int_equal(acked(&w, fd), 700);
    assert_int_equal(acked(&w, fd), 2);
    net_close(fd);
    world_deinit(&w);
}

static void what_is_not_delivered_is_not_acknowledged(struct test *t)
{
    struct world w;
    world_init(&w, t, 10000);
    int fd = client(&w);
    add_window(&w, 2, 0);
    send_wire(&w, fd);
    struct batch *batch = popped(&w);
    ack_fail(batch->ack);
    batch_unref(batch);
    assert_int_equal(acked(&w, fd), -1);
    net_close(fd);
    world_deinit(&w);
}

static void version_one_and_events_without_message(struct test *t)
{
    struct world w;
    world_init(&w, t, 10000);
    int fd = client(&w);
    buf_add_lit(&w.wire, "1W\0\0\0\1"
                         "1D\0\0\0\7\0\0\0\2\0\0\0\4line\0\0\0\2hi\0\0\0\4host\0\0\0\1h");
    send_wire(&w, fd);
    struct batch *batch = popped(&w);
    assert_str_eq(text_at(batch->events[0], "message"), "hi");
    assert_str_eq(text_at(batch->events[0], "host"), "h");
    batch_unref(batch);
    assert_int_equal(acked(&w, fd), 7); /* the event's own number */
    lumberjack_write_window(&w.wire, 2, 2);
    lumberjack_write_json(&w.wire, 1, STR("{\"system\":{\"cpu\":0.5}}"));
    lumberjack_write_json(&w.wire, 2, STR("{broken"));
    send_wire(&w, fd);
    batch = popped(&w);
    assert_true(event_has_tag(batch->events[0], STR("beats_input_raw_event")));
    assert_str_eq(text_at(batch->events[1], "message"), "{broken");
    assert_true(event_has_tag(batch->events[1], STR("_jsonparsefailure")));
    batch_unref(batch);
    assert_int_equal(acked(&w, fd), 2);
    net_close(fd);
    world_deinit(&w);
}

static void closes(struct test *t, struct str bytes)
{
    struct world w;
    world_init(&w, t, 10000);
    int fd = client(&w), good = client(&w);
    buf_add_str(&w.wire, bytes);
    send_wire(&w, fd);
    assert_int_equal(acked(&w, fd), -1);
    add_window(&w, 1, 0); /* the others go on */
    send_wire(&w, good);
    batch_unref(popped(&w));
    assert_int_equal(acked(&w, good), 1);
    net_close(fd);
    net_close(good);
    world_deinit(&w);
}

static void malformed_frames_close_the_connection(struct test *t)
{
    closes(t, STR("GET / HTTP/1.1\r\n\r\n"));
    closes(t, STR("2J\0\0\0\1\0\0\0\2{}"));
    closes(t, STR("2W\0\0\0\2"
                  "2J\0\0\0\1\0\0\0\2{}"
                  "2W\0\0\0\2"));
    closes(t, STR("2W\0\0\0\1"
                  "2J\0\0\0\1\xff\0\0\0"));
    closes(t, STR("2C\0\0\0\4abcd"));
    closes(t, STR("2A\0\0\0\1"));
}

static void a_full_queue_holds_clients_back(struct test *t)
{
    struct world w;
    world_init(&w, t, 1);
    int fd = client(&w);
    for (unsigned i = 0; i < 20; i++)
        add_window(&w, 10, i * 10);
    send_wire(&w, fd);
    (void)nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
    assert_int_equal(queue_count(w.pipeline->queue), 1);
    for (unsigned i = 0; i < 20; i++) {
        struct batch *batch = popped(&w);
        assert_int_equal(event_get_lit(batch->events[0], "n")->i, i * 10);
        batch_unref(batch);
        assert_int_equal(acked(&w, fd), 10);
    }
    net_close(fd);
    world_deinit(&w);
}

static void a_client_may_leave_at_any_time(struct test *t)
{
    struct world w;
    world_init(&w, t, 1);
    for (int i = 0; i < 3; i++) {
        int fd = client(&w);
        add_window(&w, 10, 0);
        add_window(&w, 10, 0);
        add_window(&w, 10, 0);
        w.wire.n -= 5; /* the last frame is cut */
        send_wire(&w, fd);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
        net_close(fd);
    }
    (void)nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
    int fd = client(&w);
    add_window(&w, 1, 77);
    send_wire(&w, fd);
    for (bool found = false; !found;) {
        struct batch *batch = popped(&w);
        found = event_get_lit(batch->events[0], "n")->i == 77;
        batch_unref(batch);
    }
    assert_int_equal(acked(&w, fd), 1);
    net_close(fd);
    world_deinit(&w);
}

static void many_connections(struct test *t)
{
    struct world w;
    world_init(&w, t, 100000);
    int fds[200];
    for (unsigned i = 0; i < ARRAY_COUNT(fds); i++)
        fds[i] = client(&w);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ARRAY_COUNT(fds); i++) {
            add_window(&w, 5, i);
            send_wire(&w, fds[i]);
        }
        for (unsigned i = 0; i < ARRAY_COUNT(fds); i++)
            batch_unref(popped(&w));
        for (unsigned i = 0; i < ARRAY_COUNT(fds); i++)
            assert_int_equal(acked(&w, fds[i]), 5);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(fds); i++)
        net_close(fds[i]);
    world_deinit(&w);
}

static void *release_later(void *batch)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    batch_unref(batch);
    return NULL;
}

static void a_stop_waits_for_what_is_under_way(struct test *t)
{
    struct world w;
    pthread_t later;
    world_init(&w, t, 10000);
    int fd = client(&w);
    add_window(&w, 4, 0);
    send_wire(&w, fd);
    assert_int_equal(pthread_create(&later, NULL, release_later, popped(&w)), 0);
    stop(&w);
    assert_int_equal(acked(&w, fd), 4);
    assert_int_equal(acked(&w, fd), -1);
    (void)pthread_join(later, NULL);
    net_close(fd);
    free_world(&w);
}

static void settings(struct test *t)
{
    struct world w;
    prepare(&w, t, "{\"port\":5044,\"ssl\":true}", 10);
    assert_err(input_beats.init(w.beats, &w.input->unit.plugin, &t->err), &t->err, ERR_UNSUPPORTED);
    assert_err_has(&t->err, "ssl");
    free_world(&w);
    struct world first;
    world_init(&first, t, 10);
    prepare(&w, t, arena_printf(t->mem, "{\"port\":%u,\"host\":\"127.0.0.1\"}", port_of(&first)).p,
            10);
    assert_ok(input_beats.init(w.beats, &w.input->unit.plugin, &t->err), &t->err);
    assert_err(input_beats.run(w.beats, w.input, &t->err), &t->err, ERR_IN_USE);
    free_world(&w);
    world_deinit(&first);
}

TEST_MAIN(TEST(a_window_is_acknowledged_when_it_is_delivered),
          TEST(windows_are_acknowledged_in_order), TEST(what_is_not_delivered_is_not_acknowledged),
          TEST(version_one_and_events_without_message), TEST(malformed_frames_close_the_connection),
          TEST(a_full_queue_holds_clients_back), TEST(a_client_may_leave_at_any_time),
          TEST(many_connections), TEST(a_stop_waits_for_what_is_under_way), TEST(settings))
