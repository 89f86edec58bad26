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

static struct http_server *start(struct test *t, size_t content_bytes_max)
{
    struct http_config config = {
        .worker_count = 2, .content_bytes_max = content_bytes_max, .name = "test", .handler = echo};
    struct http_server *http = NULL;
    assert_ok(http_start(&config, &http, &t->err), &t->err);
    assert_true(http_port(http) > 0);
    return http;
}

/* Sends the bytes, reads until the other side closes. */
static struct str exchange(struct test *t, const struct http_server *http, struct str bytes)
{
    struct net_addr addr = {.host = "127.0.0.1", .port = http_port(http)};
    struct buf reply;
    int fd;
    char chunk[4096];
    buf_init(&reply, 0);
    assert_ok(net_connect(&addr, TIMEOUT_NS, &fd, &t->err), &t->err);
    assert_ok(net_write_all(fd, bytes.p, bytes.n, TIMEOUT_NS, &t->err), &t->err);
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
    struct http_config config = {
        .worker_count = 1, .name = "test", .handler = wait_for_the_end, .owner = &watch};
    struct http_server *http = NULL;
    struct str request = STR("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    int fd;
    assert_ok(http_start(&config, &http, &t->err), &t->err);
    struct net_addr addr = {.host = "127.0.0.1", .port = http_port(http)};
    assert_ok(net_connect(&addr, TIMEOUT_NS, &fd, &t->err), &t->err);
    assert_ok(net_write_all(fd, request.p, request.n, TIMEOUT_NS, &t->err), &t->err);
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

static void unpacks_gzip_within_the_limit(struct test *t)
{
    struct http_server *http = start(t, 1000);
    struct buf packed, request;
    buf_init(&packed, 0);
    buf_init(&request, 0);
    assert_ok(deflate_bytes(STR("packed text"), DEFLATE_GZIP, 6, &packed, &t->err), &t->err);
    buf_printf(&request,
               "POST /p HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: "
               "%zu\r\nConnection: close\r\n\r\n",
               packed.n);
    buf_add_str(&request, buf_str(&packed));
    assert_true(has(exchange(t, http, buf_str(&request)), "POST /p? 11:packed text"));

    char *zeros = arena_zalloc(t->mem, 100000); /* a small body that unpacks to a large one */
    buf_clear(&packed);
    buf_clear(&request);
    assert_ok(deflate_bytes((struct str){zeros, 100000}, DEFLATE_GZIP, 9, &packed, &t->err),
              &t->err);
    buf_printf(&request,
               "POST /p HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: "
               "%zu\r\nConnection: close\r\n\r\n",
               packed.n);
    buf_add_str(&request, buf_str(&packed));
    assert_true(str_starts_with(exchange(t, http, buf_str(&request)), STR("HTTP/1.1 413")));
    assert_true(str_starts_with(
        exchange(t, http,
                 STR("POST /p HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n"
                     "Connection: close\r\n\r\nx")),
        STR("HTTP/1.1 501")));
    buf_deinit(&packed);
    buf_deinit(&request);
    http_stop(http, NS_PER_S);
}

static void survives_garbage(struct test *t)
{
    struct http_server *http = start(t, 0);
    static const char *const garbage[] = {
        "\r\n\r\n", "GET\r\n\r\n", "\x01\x02\x03\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: -5\r\nConnection: close\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(garbage); i++) {
        struct net_addr addr = {.host = "127.0.0.1", .port = http_port(http)};
        int fd;
        assert_ok(net_connect(&addr, TIMEOUT_NS, &fd, &t->err), &t->err);
        assert_ok(net_write_all(fd, garbage[i], strlen(garbage[i]), TIMEOUT_NS, &t->err), &t->err);
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
          TEST(unpacks_gzip_within_the_limit), TEST(survives_garbage), TEST(names_a_port_in_use))
