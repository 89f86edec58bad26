/* SPDX-License-Identifier: Apache-2.0 */
/* loop_test.c: a loop on a thread of its own (or stepped by its own timers), talked to over
 * loopback by plain sockets from the test. */
#include "support/test.h"

#include <pthread.h>

#include "base/queue.h"
#include "os/loop.h"

#define WAIT_NS (20 * NS_PER_S)

/* A line server: answers each line with "<n>:<line>"; "pause" pauses until the task resumes it;
 * "close" closes. */
struct server {
    struct loop *loop;
    struct loop_listener *listener;
    struct loop_conn *paused;
    struct loop_task resume;
    pthread_t thread;
    size_t input_bytes_max;
    int64_t idle_ns;
    uint64_t lines;
    struct queue *notes; /* what happened: static strings */
};

static void note(struct server *server, const char *what)
{
    (void)queue_push(server->notes, (void *)(uintptr_t)what, 1, -1);
}

static void line_answer(struct server *server, struct loop_conn *conn, struct str line)
{
    char head[32];
    int n = snprintf(head, sizeof(head), "%llu:", (unsigned long long)++server->lines);
    loop_conn_write(conn, head, (size_t)n);
    loop_conn_write(conn, line.p, line.n + 1);
}

static void on_input(void *arg, struct loop_conn *conn)
{
    struct server *server = arg;
    for (;;) {
        struct str input = loop_conn_input(conn);
        ptrdiff_t end = str_find_char(input, '\n');
        if (end < 0)
            return;
        struct str line = str_sub(input, 0, (size_t)end);
        bool pauses = str_is(line, "pause"), closes = str_is(line, "close");
        line_answer(server, conn, line);
        loop_conn_consume(conn, (size_t)end + 1);
        if (pauses) {
            server->paused = conn;
            loop_conn_pause(conn);
            note(server, "paused");
            return;
        }
        if (closes) {
            loop_conn_close(conn);
            return;
        }
    }
}

static void on_drained(void *arg, struct loop_conn *conn)
{
    (void)arg;
    assert_int_equal(loop_conn_unsent(conn), 0);
}

static void on_closed(void *arg, struct loop_conn *conn, const struct err *reason)
{
    struct server *server = arg;
    assert_true(str_starts_with(loop_conn_peer(conn), STR("127.0.0.1:")));
    if (server->paused == conn)
        server->paused = NULL;
    note(server, reason ? err_name(reason->code) : "closed");
}

static const struct loop_conn_ops conn_ops = {on_input, on_drained, on_closed};

static void on_accept(void *arg, struct loop_conn *conn)
{
    struct server *server = arg;
    loop_conn_start(conn, &conn_ops, server, server->input_bytes_max, server->idle_ns);
}

static const struct loop_listener_ops listener_ops = {.on_accept = on_accept};

static void resume_paused(void *arg)
{
    struct server *server = arg;
    if (server->paused)
        loop_conn_resume(server->paused);
}

static void *run(void *arg)
{
    struct server *server = arg;
    loop_run(server->loop);
    return NULL;
}

static void server_start(struct test *t, struct server *server, size_t input_bytes_max,
                         int64_t idle_ns)
{
    *server = (struct server){.loop = loop_new(),
                              .input_bytes_max = input_bytes_max,
                              .idle_ns = idle_ns,
                              .notes = queue_new(1000)};
    server->resume = (struct loop_task){.run = resume_paused, .arg = server};
    struct net_addr addr = {"127.0.0.1", 0};
    assert_ok(loop_listen(server->loop, &addr, &listener_ops, server, &server->listener, &t->err),
              &t->err);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void server_stop(struct server *server)
{
    loop_stop(server->loop);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    loop_free(server->loop);
    void *rest;
    while (queue_pop(server->notes, &rest, 0) == QUEUE_OK) {
    }
    queue_free(server->notes);
}

static int client(struct test *t, struct server *server)
{
    struct net_addr addr = {"127.0.0.1", loop_listener_port(server->listener)};
    int fd = -1;
    assert_ok(net_connect(&addr, WAIT_NS, &fd, &t->err), &t->err);
    return fd;
}

static void say(struct test *t, int fd, const char *text)
{
    assert_ok(net_write_all(fd, text, strlen(text), WAIT_NS, &t->err), &t->err);
}

static void hear(struct test *t, int fd, const char *expected)
{
    char *got = arena_zalloc(t->mem, strlen(expected) + 1);
    assert_ok(net_read_all(fd, got, strlen(expected), WAIT_NS, &t->err), &t->err);
    assert_string_equal(got, expected);
}

static void hear_end(struct test *t, int fd)
{
    char c;
    size_t n = 1;
    assert_ok(net_read(fd, &c, 1, WAIT_NS, &n, &t->err), &t->err);
    assert_int_equal(n, 0);
}

static void expect_note(struct server *server, const char *what)
{
    void *got = NULL;
    assert_int_equal(queue_pop(server->notes, &got, WAIT_NS), QUEUE_OK);
    assert_string_equal((const char *)got, what);
}

static void lines_are_answered(struct test *t)
{
    struct server server;
    server_start(t, &server, 1000, 0);
    int a = client(t, &server), b = client(t, &server);
    say(t, a, "one\ntwo\nthr");
    hear(t, a, "1:one\n2:two\n");
    say(t, b, "x\n");
    hear(t, b, "3:x\n");
    say(t, a, "ee\n");
    hear(t, a, "4:three\n");
    net_close(a);
    expect_note(&server, "closed");
    say(t, b, "close\nnever seen\n");
    hear(t, b, "5:close\n"); /* what was written is sent before the end */
    hear_end(t, b);
    expect_note(&server, "closed");
    net_close(b);
    server_stop(&server);
}

static void input_before_an_end_is_not_lost(struct test *t)
{
    struct server server;
    server_start(t, &server, 1000, 0);
    int a = client(t, &server);
    say(t, a, "one\npause\ntwo\nthree\n");
    net_shutdown_write(a);
    hear(t, a, "1:one\n2:pause\n");
    expect_note(&server, "paused");
    loop_post(server.loop, &server.resume);
    loop_post(server.loop, &server.resume); /* waiting already, or done: either is fine */
    hear(t, a, "3:two\n4:three\n");
    hear_end(t, a);
    expect_note(&server, "closed");
    net_close(a);
    server_stop(&server);
}

/* While paused the server takes no more than its buffers; the client's write stands still. */
static void a_pause_holds_the_other_side_back(struct test *t)
{
    struct server server;
    server_start(t, &server, 4096, 0);
    int a = client(t, &server);
    say(t, a, "pause\n");
    hear(t, a, "1:pause\n");
    expect_note(&server, "paused");
    size_t n = 32 * MIB;
    char *lines = arena_alloc(t->mem, n);
    memset(lines, '\n', n);
    assert_err(net_write_all(a, lines, n, 50 * NS_PER_MS, &t->err), &t->err, ERR_TIMEOUT);
    net_close(a);
    server_stop(&server); /* ends the paused connection too */
}

static void a_piece_over_the_limit_ends_the_connection(struct test *t)
{
    struct server server;
    server_start(t, &server, 1000, 0);
    int a = client(t, &server);
    char text[2001];
    memset(text, 'x', 2000);
    text[999] = '\n'; /* exactly at the limit: fine */
    text[2000] = '\0';
    say(t, a, text);
    expect_note(&server, "TOO_LARGE");
    net_close(a);
    server_stop(&server);
}

static void a_long_piece_comes_whole(struct test *t)
{
    enum { SIZE = 3 << 20 };
    struct server server;
    server_start(t, &server, SIZE + 100, 0);
    int a = client(t, &server);
    char *text = arena_alloc(t->mem, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + rng_below(&t->rng, 26));
    text[SIZE - 1] = '\n';
    assert_ok(net_write_all(a, text, SIZE, WAIT_NS, &t->err), &t->err);
    char *got = arena_alloc(t->mem, SIZE);
    hear(t, a, "1:");
    assert_ok(net_read_all(a, got, SIZE, WAIT_NS, &t->err), &t->err);
    assert_memory_equal(got, text, SIZE);
    net_close(a);
    server_stop(&server);
}

static void silence_ends_the_connection(struct test *t)
{
    struct server server;
    server_start(t, &server, 1000, 20 * NS_PER_MS);
    int a = client(t, &server);
    hear_end(t, a);
    expect_note(&server, "TIMEOUT");
    net_close(a);
    server_stop(&server);
}

static void a_taken_port_is_an_error(struct test *t)
{
    struct server server;
    server_start(t, &server, 1000, 0);
    struct net_addr addr = {"127.0.0.1", loop_listener_port(server.listener)};
    struct loop *loop = loop_new();
    struct loop_listener *listener = NULL;
    assert_err(loop_listen(loop, &addr, &listener_ops, &server, &listener, &t->err), &t->err,
               ERR_IN_USE);
    loop_free(loop);
    loop_free(NULL);
    server_stop(&server);
}

struct ticks {
    struct loop *loop;
    struct loop_timer *timer, *never;
    struct loop_task self, cancelled;
    unsigned fired, posted;
};

static void on_tick(void *arg)
{
    struct ticks *ticks = arg;
    if (++ticks->fired < 3) {
        loop_timer_start(ticks->timer, 0);
        return;
    }
    loop_timer_free(ticks->timer); /* in its own callback */
    ticks->timer = NULL;
    loop_stop(ticks->loop);
}

static void on_self(void *arg)
{
    struct ticks *ticks = arg;
    ticks->posted++;
    loop_post(ticks->loop, &ticks->self); /* for ever: timers must fire all the same */
}

static void must_not_run(void *arg)
{
    (void)arg;
    abort();
}

static void timers_fire_once_and_tasks_do_not_starve_them(struct test *t)
{
    (void)t;
    struct ticks ticks = {.loop = loop_new()};
    ticks.self = (struct loop_task){.run = on_self, .arg = &ticks};
    ticks.cancelled = (struct loop_task){.run = must_not_run};
    ticks.timer = loop_timer_new(ticks.loop, on_tick, &ticks);
    ticks.never = loop_timer_new(ticks.loop, must_not_run, NULL);
    loop_timer_start(ticks.never, 0);
    loop_timer_stop(ticks.never);
    loop_timer_start(ticks.timer, NS_PER_MS);
    loop_post(ticks.loop, &ticks.self);
    loop_post(ticks.loop, &ticks.cancelled);
    loop_unpost(ticks.loop, &ticks.cancelled);
    loop_unpost(ticks.loop, &ticks.cancelled);
    loop_run(ticks.loop);
    assert_int_equal(ticks.fired, 3);
    assert_true(ticks.posted > 0);
    loop_unpost(ticks.loop, &ticks.self);
    loop_stop(ticks.loop); /* before a run: the run ends at once */
    loop_run(ticks.loop);
    loop_free(ticks.loop); /* frees the other timer */
}

TEST_MAIN(TEST(lines_are_answered), TEST(input_before_an_end_is_not_lost),
          TEST(a_pause_holds_the_other_side_back), TEST(a_piece_over_the_limit_ends_the_connection),
          TEST(a_long_piece_comes_whole), TEST(silence_ends_the_connection),
          TEST(a_taken_port_is_an_error), TEST(timers_fire_once_and_tasks_do_not_starve_them))
