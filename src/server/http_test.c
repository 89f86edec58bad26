/* SPDX-License-Identifier: Apache-2.0 */
/* http_test.c: the server over real loopback sockets, with requests written byte by byte. */
#include "support/test.h"

#include "base/clock.h"
#include "codec/compress.h"
#include "os/net.h"
#include "os/os.h"
#include "server/http.h"

#define TIMEOUT_NS (10 * NS_PER_S)

static void echo(void *owner, struct http_request *req, struct http_reply *reply)
{
    (void)owner;
    reply->content_type = STR("text/plain");
    buf_printf(&reply->body, STR_FMT " " STR_FMT "?" STR_FMT " %zu:", STR_ARG(req->method),
               STR_ARG(req->path), STR_ARG(req->query), req->body.n);
    buf_add_str(&reply->body, req->body);
}

static struct http_server *start_with(struct test *t, const struct http_config *config)
{
    struct http_server *http = NULL;
    assert_ok(http_start(config, &http, &t->err), &t->err);
    assert_true(http_port(http) > 0);
    return http;
}

static struct http_server *start(struct test *t, size_t content_bytes_max)
{
    return start_with(t, &(struct http_config){.worker_count = 2,
                                               .content_bytes_max = content_bytes_max,
                                               .name = "test",
                                               .handler = echo});
}

static int send_to(struct test *t, const struct http_server *http, struct str bytes)
{
    struct net_addr addr = {.host = "127.0.0.1", .port = http_port(http)};
    int fd;
    assert_ok(net_connect(&addr, TIMEOUT_NS, &fd, &t->err), &t->err);
    assert_ok(net_write_all(fd, bytes.p, bytes.n, TIMEOUT_NS, &t->err), &t->err);
    return fd;
}

/* Sends the bytes, reads until the other side closes. */
static struct str exchange(struct test *t, const struct http_server *http, struct str bytes)
{
    struct buf reply;
    int fd = send_to(t, http, bytes);
    char chunk[4096];
    buf_init(&reply, 0);
    for (;;) {
        size_t n = 0;
        if (net_read(fd, chunk, sizeof(chunk), TIMEOUT_NS, &n, &t->err) < 0 || n == 0)
            break;
        buf_add(&reply, chunk, n);
    }
    net_close(fd);
    struct str s = arena_str(t->mem, buf_str(&reply));
    buf_deinit(&reply);
    return s;
}

static bool has(struct str s, const char *part)
{
    return str_find(s, str_from(part)) >= 0;
}

static void answers_requests(struct test *t)
{
    struct http_server *http = start(t, 0);
    struct str reply =
        exchange(t, http, STR("GET /a/b?c=d%20e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 200")));
    assert_true(has(reply, "GET /a/b?c=d%20e 0:"));
    reply = exchange(
        t, http,
        STR("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
    assert_true(has(reply, "POST /p? 5:hello"));
    reply = exchange(
        t, http,
        STR("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
    assert_true(has(reply, "POST /p? 7:abcdefg"));
    http_stop(http, NS_PER_S);
}

struct watch {
    bool has_begun, was_there, was_gone; /* atomic */
};

/* Answers once its client has gone. */
static void wait_for_the_end(void *owner, struct http_request *req, struct http_reply *reply)
{
    struct watch *watch = owner;
    __atomic_store_n(&watch->was_there, !http_client_is_gone(req), __ATOMIC_RELAXED);
    __atomic_store_n(&watch->has_begun, true, __ATOMIC_RELEASE);
    for (int i = 0; i < 10000 && !http_client_is_gone(req); i++)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    __atomic_store_n(&watch->was_gone, http_client_is_gone(req), __ATOMIC_RELEASE);
    reply->content_type = STR("text/plain");
}

static void tells_that_the_client_has_gone(struct test *t)
{
    struct watch watch = {0};
    struct http_server *http = start_with(
        t, &(struct http_config){
               .worker_count = 1, .name = "test", .handler = wait_for_the_end, .owner = &watch});
    int fd = send_to(t, http, STR("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    while (!__atomic_load_n(&watch.has_begun, __ATOMIC_ACQUIRE))
        clock_sleep_ns(clock_system(), NS_PER_MS);
    net_close(fd);
    http_stop(http, TIMEOUT_NS); /* waits for the handler */
    assert_true(__atomic_load_n(&watch.was_there, __ATOMIC_RELAXED));
    assert_true(__atomic_load_n(&watch.was_gone, __ATOMIC_ACQUIRE));
}

static void keeps_a_connection_for_several_requests(struct test *t)
{
    struct http_server *http = start(t, 0);
    struct str reply = exchange(t, http,
                                STR("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: "
                                    "x\r\nConnection: close\r\n\r\n"));
    assert_true(has(reply, "GET /1? 0:"));
    assert_true(has(reply, "GET /2? 0:"));
    http_stop(http, NS_PER_S);
}

static void refuses_large_bodies(struct test *t)
{
    struct http_server *http = start(t, 10);
    struct str reply = exchange(t, http,
                                STR("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                    "11\r\nConnection: close\r\n\r\nhello world"));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 413")));
    assert_true(has(reply, "http.max_content_length"));
    reply = exchange(
        t, http,
        STR("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "b\r\nhello world\r\n0\r\n\r\n"));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 413")));
    http_stop(http, NS_PER_S);
}

/* A request whose body is the text, packed. */
static struct str gzipped(struct test *t, const char *path, struct str text)
{
    struct buf packed, out;
    buf_init(&packed, 0);
    buf_init(&out, 0);
    assert_ok(deflate_bytes(text, DEFLATE_GZIP, 9, &packed, &t->err), &t->err);
    buf_printf(&out,
               "POST %s HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: "
               "%zu\r\nConnection: close\r\n\r\n",
               path, packed.n);
    buf_add_str(&out, buf_str(&packed));
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&packed);
    buf_deinit(&out);
    return s;
}

/* A small body that unpacks to a large one. */
static struct str gzipped_zeros(struct test *t, size_t n)
{
    return gzipped(t, "/z", (struct str){arena_zalloc(t->mem, n), n});
}

static void unpacks_gzip_within_the_limit(struct test *t)
{
    struct http_server *http = start(t, 1000);
    assert_true(
        has(exchange(t, http, gzipped(t, "/p", STR("packed text"))), "POST /p? 11:packed text"));
    assert_true(str_starts_with(exchange(t, http, gzipped_zeros(t, 100000)), STR("HTTP/1.1 413")));
    assert_true(str_starts_with(
        exchange(t, http,
                 STR("POST /p HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n"
                     "Connection: close\r\n\r\nx")),
        STR("HTTP/1.1 501")));
    http_stop(http, NS_PER_S);
}

/* ---- the budget of bodies in flight ---- */

/* Holds its worker, and so its body, until the test lets go. */
struct gate {
    bool is_open; /* atomic */
    uint32_t inside;
};

static void hold(void *owner, struct http_request *req, struct http_reply *reply)
{
    struct gate *gate = owner;
    __atomic_add_fetch(&gate->inside, 1, __ATOMIC_RELAXED);
    while (str_is(req->path, "/hold") && !__atomic_load_n(&gate->is_open, __ATOMIC_ACQUIRE))
        clock_sleep_ns(clock_system(), NS_PER_MS);
    reply->content_type = STR("text/plain");
    buf_printf(&reply->body, "%zu bytes", req->body.n);
}

static void error_json(void *owner, const struct err *err, struct buf *out)
{
    (void)owner;
    buf_printf(out, "{\"type\":\"%s\",\"reason\":\"%s\"}", err_es_type(err->code), err->text);
}

static struct http_server *start_gated(struct test *t, struct gate *gate, size_t in_flight)
{
    return start_with(t, &(struct http_config){.worker_count = 2,
                                               .content_bytes_max = 3 * MIB,
                                               .in_flight_bytes_max = in_flight,
                                               .name = "test",
                                               .handler = hold,
                                               .error_write = error_json,
                                               .owner = gate});
}

/* Reads until `part` has come; everything read so far. */
static struct str read_until(struct test *t, int fd, const char *part)
{
    struct buf reply;
    char chunk[1024];
    buf_init(&reply, 0);
    while (!has(buf_str(&reply), part)) {
        size_t n = 0;
        assert_ok(net_read(fd, chunk, sizeof(chunk), TIMEOUT_NS, &n, &t->err), &t->err);
        if (n == 0)
            fail_msg("closed before \"%s\" came: " STR_FMT, part, STR_ARG(buf_str(&reply)));
        buf_add(&reply, chunk, n);
    }
    struct str s = arena_str(t->mem, buf_str(&reply));
    buf_deinit(&reply);
    return s;
}

static struct str request(struct test *t, const char *path, const char *more, size_t n)
{
    struct str head = arena_printf(
        t->mem, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", path, n, more);
    char *p = arena_alloc(t->mem, head.n + n);
    memcpy(p, head.p, head.n);
    memset(p + head.n, 'x', n);
    return (struct str){p, head.n + n};
}

static void wait_inside(struct gate *gate, uint32_t n)
{
    while (__atomic_load_n(&gate->inside, __ATOMIC_RELAXED) < n)
        clock_sleep_ns(clock_system(), NS_PER_MS);
}

static void admits_bodies_by_their_bytes(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http = start_gated(t, &gate, 1000);
    int held = send_to(t, http, request(t, "/hold", "", 800));
    wait_inside(&gate, 1);
    assert_int_equal(metric_get(&http_metrics(http)->in_flight_bytes), 800);
    /* Refused, and the same connection serves the next request. */
    int fd = send_to(t, http, request(t, "/a", "", 300));
    struct str reply = read_until(t, fd, "limit\"}");
    assert_true(str_starts_with(reply, STR("HTTP/1.1 429")));
    assert_true(has(reply, "circuit_breaking_exception"));
    assert_true(has(reply, "[in_flight_requests] Data too large"));
    assert_true(has(reply, "network.breaker.inflight_requests.limit"));
    struct str small = request(t, "/b", "", 200);
    assert_ok(net_write_all(fd, small.p, small.n, TIMEOUT_NS, &t->err), &t->err);
    assert_true(has(read_until(t, fd, " bytes"), "200 bytes"));
    net_close(fd);
    /* Who asks first is answered before it sends. */
    struct str asks = request(t, "/c", "Expect: 100-continue\r\n", 300);
    asks.n -= 300;
    fd = send_to(t, http, asks);
    reply = read_until(t, fd, "limit\"}");
    assert_true(str_starts_with(reply, STR("HTTP/1.1 429")) && !has(reply, "100 Continue"));
    net_close(fd);
    /* Chunked: as much as fits is read, then it is refused; the end of the body is needed. */
    struct buf chunked;
    buf_init(&chunked, 0);
    buf_printf(&chunked, "POST /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++)
        buf_printf(&chunked, "32\r\n%050d\r\n", i);
    buf_add_str(&chunked, STR("0\r\n\r\n"));
    fd = send_to(t, http, buf_str(&chunked));
    assert_true(str_starts_with(read_until(t, fd, "limit\"}"), STR("HTTP/1.1 429")));
    net_close(fd);
    buf_deinit(&chunked);
    assert_int_equal(metric_get(&http_metrics(http)->rejected_in_flight), 3);
    __atomic_store_n(&gate.is_open, true, __ATOMIC_RELEASE);
    assert_true(has(read_until(t, held, " bytes"), "800 bytes"));
    /* All bytes came back, so a full-size body is admitted again. */
    struct str full = request(t, "/e", "", 1000);
    assert_ok(net_write_all(held, full.p, full.n, TIMEOUT_NS, &t->err), &t->err);
    assert_true(has(read_until(t, held, " bytes"), "1000 bytes"));
    assert_int_equal(metric_get(&http_metrics(http)->in_flight_bytes), 0);
    net_close(held);
    http_stop(http, NS_PER_S);
}

static void bounds_gzip_by_ratio_and_budget(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http = start_gated(t, &gate, 4 * MIB);
    assert_true(
        has(exchange(t, http, gzipped_zeros(t, MIB)), "1048576 bytes")); /* always allowed */
    struct str reply = exchange(t, http, gzipped_zeros(t, 2 * MIB));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 413")));
    assert_true(has(reply, "http.gzip_ratio_max"));
    assert_int_equal(metric_get(&http_metrics(http)->rejected_gzip_ratio), 1);
    http_stop(http, NS_PER_S);
    http = start_gated(t, &gate, MIB / 2);
    reply = exchange(t, http, gzipped_zeros(t, MIB));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 429")));
    assert_int_equal(metric_get(&http_metrics(http)->in_flight_bytes), 0);
    http_stop(http, NS_PER_S);
}

/* ---- readers of bodies ---- */

/* Refuses a body with a "!" in it, and holds ten bytes for each that has come. */
static void *strict_make(struct arena *mem)
{
    return arena_zalloc(mem, 1);
}

static int strict_take(void *reader, struct str body, size_t *ret_bytes, struct err *err)
{
    (void)reader;
    *ret_bytes = body.n * 10;
    ptrdiff_t at = str_find_char(body, '!');
    return at < 0 ? 0 : err_set(err, ERR_INVALID, "a mark at %zd", at);
}

static const struct body_reader *strict_reader(void *owner, const struct http_request *req)
{
    static const struct body_reader strict = {strict_make, strict_take};
    (void)owner;
    return str_is(req->path, "/strict") ? &strict : NULL;
}

static struct http_server *start_strict(struct test *t, struct gate *gate)
{
    return start_with(t, &(struct http_config){.worker_count = 1,
                                               .in_flight_bytes_max = 10000,
                                               .name = "test",
                                               .handler = hold,
                                               .error_write = error_json,
                                               .body_reader = strict_reader,
                                               .owner = gate});
}

static void wait_for_bytes(const struct http_server *http, uint64_t n)
{
    while (metric_get(&http_metrics(http)->in_flight_bytes) != n)
        clock_sleep_ns(clock_system(), NS_PER_MS);
}

static void refuses_a_body_before_its_end(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http = start_strict(t, &gate);
    int fd =
        send_to(t, http, STR("POST /strict HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nab"));
    wait_for_bytes(http, 920);
    assert_ok(net_write_all(fd, "c!d", 3, TIMEOUT_NS, &t->err), &t->err);
    wait_for_bytes(http, 0); /* released, and 895 bytes are still to come */
    char rest[895];
    memset(rest, 'x', sizeof(rest));
    assert_ok(net_write_all(fd, rest, sizeof(rest), TIMEOUT_NS, &t->err), &t->err);
    struct str reply = read_until(t, fd, "at 3\"}");
    assert_true(str_starts_with(reply, STR("HTTP/1.1 400")));
    assert_int_equal(gate.inside, 0); /* no handler saw it */
    assert_int_equal(metric_get(&http_metrics(http)->rejected_body), 1);
    net_close(fd);
    /* What a reader holds is taken from the budget too. */
    struct str big = request(t, "/strict", "", 950);
    fd = send_to(t, http, big);
    assert_true(str_starts_with(read_until(t, fd, "limit\"}"), STR("HTTP/1.1 429")));
    net_close(fd);
    fd = send_to(t, http, request(t, "/strict", "", 900));
    assert_true(has(read_until(t, fd, " bytes"), "900 bytes"));
    net_close(fd);
    wait_for_bytes(http, 0);
    http_stop(http, NS_PER_S);
}

/* A reader gets what is in a gzip body, once it is unpacked. */
static void reads_gzip_bodies_too(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http = start_strict(t, &gate);
    struct str reply = exchange(t, http, gzipped(t, "/strict", STR("well!")));
    assert_true(str_starts_with(reply, STR("HTTP/1.1 400")) && has(reply, "a mark at 4"));
    assert_int_equal(gate.inside, 0);
    http_stop(http, NS_PER_S);
}

static void cuts_off_slow_senders(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http =
        start_with(t, &(struct http_config){.worker_count = 1,
                                            .in_flight_bytes_max = 1000,
                                            .read_timeout_ns = 50 * NS_PER_MS,
                                            .name = "test",
                                            .handler = hold,
                                            .error_write = error_json,
                                            .owner = &gate});
    static const char *const heads[] = {
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nab",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        struct str reply = exchange(t, http, str_from(heads[i])); /* until it is cut off */
        assert_true(str_starts_with(reply, STR("HTTP/1.1 408")));
        assert_true(has(reply, "http.read_timeout") && has(reply, "timeout_exception"));
        assert_int_equal(http_rejected_read_timeout(http), i + 1);
        wait_for_bytes(http, 0);
    }
    /* A connection that waits for its next request has no body to be late with. */
    int fd = send_to(t, http, request(t, "/b", "", 10));
    assert_true(has(read_until(t, fd, " bytes"), "10 bytes"));
    clock_sleep_ns(clock_system(), 120 * NS_PER_MS);
    struct str again = request(t, "/c", "", 20);
    assert_ok(net_write_all(fd, again.p, again.n, TIMEOUT_NS, &t->err), &t->err);
    assert_true(has(read_until(t, fd, " bytes"), "20 bytes"));
    net_close(fd);
    assert_int_equal(gate.inside, 2);
    http_stop(http, NS_PER_S);
}

static void rejects_what_finds_the_queue_full(struct test *t)
{
    struct gate gate = {0};
    struct http_server *http = start_with(t, &(struct http_config){.worker_count = 1,
                                                                   .queue_requests_max = 1,
                                                                   .name = "test",
                                                                   .handler = hold,
                                                                   .error_write = error_json,
                                                                   .owner = &gate});
    int at_work = send_to(t, http, request(t, "/hold", "", 1));
    wait_inside(&gate, 1);
    int waiting = send_to(t, http, request(t, "/a", "", 2));
    while (http_queue_count(http) < 1)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    int refused = send_to(t, http, request(t, "/b", "", 3));
    struct str reply = read_until(t, refused, "waiting\"}");
    assert_true(str_starts_with(reply, STR("HTTP/1.1 429")));
    assert_true(has(reply, "es_rejected_execution_exception") && has(reply, "of [1] requests"));
    assert_int_equal(metric_get(&http_metrics(http)->rejected_queue), 1);
    __atomic_store_n(&gate.is_open, true, __ATOMIC_RELEASE);
    assert_true(has(read_until(t, at_work, " bytes"), "1 bytes"));
    assert_true(has(read_until(t, waiting, " bytes"), "2 bytes"));
    struct str again = request(t, "/c", "", 4); /* the refused connection is still good */
    assert_ok(net_write_all(refused, again.p, again.n, TIMEOUT_NS, &t->err), &t->err);
    assert_true(has(read_until(t, refused, " bytes"), "4 bytes"));
    net_close(at_work);
    net_close(waiting);
    net_close(refused);
    http_stop(http, NS_PER_S);
}

static void survives_garbage(struct test *t)
{
    struct http_server *http = start(t, 0);
    static const char *const garbage[] = {
        "\r\n\r\n", "GET\r\n\r\n", "\x01\x02\x03\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: -5\r\nConnection: close\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(garbage); i++) {
        int fd = send_to(t, http, str_from(garbage[i]));
        net_close(fd);
    }
    assert_true(
        has(exchange(t, http, STR("GET /still HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
            "GET /still"));
    http_stop(http, NS_PER_S);
}

static void names_a_port_in_use(struct test *t)
{
    struct http_server *http = start(t, 0), *second = NULL;
    struct http_config config = {
        .port = http_port(http), .worker_count = 1, .name = "test", .handler = echo};
    assert_err(http_start(&config, &second, &t->err), &t->err, ERR_IN_USE);
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", http_port(http));
    assert_err_has(&t->err, port);
    http_stop(http, NS_PER_S);
}

TEST_MAIN(TEST(tells_that_the_client_has_gone), TEST(answers_requests),
          TEST(keeps_a_connection_for_several_requests), TEST(refuses_large_bodies),
          TEST(unpacks_gzip_within_the_limit), TEST(admits_bodies_by_their_bytes),
          TEST(bounds_gzip_by_ratio_and_budget), TEST(refuses_a_body_before_its_end),
          TEST(reads_gzip_bodies_too), TEST(cuts_off_slow_senders),
          TEST(rejects_what_finds_the_queue_full), TEST(survives_garbage),
          TEST(names_a_port_in_use))
