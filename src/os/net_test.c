/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "os/net.h"
#include "os/os.h"

#define WAIT_NS (20 * NS_PER_S) /* for what must come: far more than it takes */

static void addresses_are_parsed(struct test *t)
{
    static const struct {
        const char *text;
        uint16_t port_default;
        const char *host;
        uint16_t port;
    } good[] = {
        {"localhost:5044", 0, "localhost", 5044},
        {"10.1.2.3", 9200, "10.1.2.3", 9200},
        {"[::1]:80", 0, "::1", 80},
        {"[::1]", 81, "::1", 81},
        {"::1", 82, "::1", 82},
        {":5044", 0, "127.0.0.1", 5044},
        {"", 7, "127.0.0.1", 7},
        {" host:0 ", 5, "host", 0},
        {"0.0.0.0:65535", 0, "0.0.0.0", 65535},
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct net_addr addr;
        assert_ok(net_addr_parse(str_from(good[i].text), good[i].port_default, &addr, &t->err),
                  &t->err);
        assert_string_equal(addr.host, good[i].host);
        assert_int_equal(addr.port, good[i].port);
    }
    static const char *const bad[] = {"host", "host:",  "host:x",  "host:65536", "host:-1",
                                      "[::1", "[::1]x", "[::1]80", "host: 80"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct net_addr addr;
        assert_err(net_addr_parse(str_from(bad[i]), 0, &addr, &t->err), &t->err, ERR_INVALID);
        assert_err_has(&t->err, bad[i]);
    }
    struct net_addr addr;
    struct str too_long = {arena_zalloc(t->mem, 300), 300};
    memset((char *)(uintptr_t)too_long.p, 'a', 300);
    assert_err(net_addr_parse(too_long, 1, &addr, &t->err), &t->err, ERR_INVALID);
}

static struct net_addr loopback(uint16_t port)
{
    return (struct net_addr){"127.0.0.1", port};
}

/* A connected pair; returns the client's descriptor. */
static int pair(struct test *t, int *ret_server)
{
    int listener, client;
    struct net_addr addr = loopback(0);
    assert_ok(net_listen(&addr, &listener, &t->err), &t->err);
    addr.port = net_local_port(listener);
    assert_true(addr.port > 0);
    assert_ok(net_connect(&addr, WAIT_NS, &client, &t->err), &t->err);
    assert_ok(net_accept(listener, WAIT_NS, ret_server, &t->err), &t->err);
    net_close(listener);
    return client;
}

static void a_taken_port_is_named(struct test *t)
{
    int first, second;
    struct net_addr addr = loopback(0);
    assert_ok(net_listen(&addr, &first, &t->err), &t->err);
    addr.port = net_local_port(first);
    assert_err(net_listen(&addr, &second, &t->err), &t->err, ERR_IN_USE);
    char text[64];
    (void)snprintf(text, sizeof(text), "port %u on \"127.0.0.1\" is in use", addr.port);
    assert_err_has(&t->err, text);
    net_close(first);
    assert_ok(net_listen(&addr, &second, &t->err), &t->err); /* free again at once */
    net_close(second);
    net_close(-1);
}

static void localhost_is_where_clients_look(struct test *t)
{
    int listener, client;
    struct net_addr addr = {"localhost", 0};
    assert_ok(net_listen(&addr, &listener, &t->err), &t->err);
    addr.port = net_local_port(listener);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(net_connect(&addr, WAIT_NS, &client, &t->err), &t->err);
        net_close(client);
        addr = loopback(addr.port);
    }
    net_close(listener);
}

static void connecting_fails_clearly(struct test *t)
{
    int fd;
    struct net_addr addr = loopback(test_free_port());
    assert_err(net_connect(&addr, WAIT_NS, &fd, &t->err), &t->err, ERR_NET);
    assert_err_has(&t->err, "Connection refused");
    addr = (struct net_addr){"256.256.256.256", 1};
    assert_err(net_connect(&addr, WAIT_NS, &fd, &t->err), &t->err, ERR_NET);
    assert_err_has(&t->err, "cannot find the host \"256.256.256.256\"");
}

static void nothing_comes_in_time(struct test *t)
{
    int listener, server, fd;
    struct net_addr addr = loopback(0);
    assert_ok(net_listen(&addr, &listener, &t->err), &t->err);
    assert_err(net_accept(listener, 0, &fd, &t->err), &t->err, ERR_TIMEOUT);
    assert_err(net_accept(listener, NS_PER_MS, &fd, &t->err), &t->err, ERR_TIMEOUT);
    net_close(listener);
    int client = pair(t, &server);
    char b[4];
    size_t n;
    assert_err(net_read(client, b, 4, 0, &n, &t->err), &t->err, ERR_TIMEOUT);
    assert_err(net_read_all(client, b, 4, 2 * NS_PER_MS, &t->err), &t->err, ERR_TIMEOUT);
    /* Nobody reads: the kernel's buffers fill up and the write gives up. */
    size_t much = 64 * MIB;
    void *p = arena_zalloc(t->mem, much);
    assert_err(net_write_all(client, p, much, 5 * NS_PER_MS, &t->err), &t->err, ERR_TIMEOUT);
    net_close(client);
    net_close(server);
}

struct sender {
    int fd;
    const uint8_t *p;
    size_t n;
    int rc;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    sender->rc = net_write_all(sender->fd, sender->p, sender->n, WAIT_NS, NULL);
    net_shutdown_write(sender->fd);
    return NULL;
}

static void much_data_goes_through(struct test *t)
{
    enum { SIZE = 8 << 20 };
    int server, client = pair(t, &server);
    uint8_t *out = arena_alloc(t->mem, SIZE), *in = arena_alloc(t->mem, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        out[i] = (uint8_t)rng_u64(&t->rng);
    struct sender sender = {.fd = client, .p = out, .n = SIZE, .rc = -1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_all, &sender), 0);
    assert_ok(net_read_all(server, in, SIZE, WAIT_NS, &t->err), &t->err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sender.rc, 0);
    assert_memory_equal(in, out, SIZE);
    size_t n = 9;
    assert_ok(net_read(server, in, 1, WAIT_NS, &n, &t->err), &t->err);
    assert_int_equal(n, 0); /* the end */
    assert_err(net_read_all(server, in, 1, WAIT_NS, &t->err), &t->err, ERR_NET);
    assert_err_has(&t->err, "after 0 of 1 bytes");
    net_close(client);
    net_close(server);
}

static void writing_to_a_closed_connection_is_an_error_not_a_signal(struct test *t)
{
    int server, client = pair(t, &server);
    net_close(server);
    int rc = 0;
    for (unsigned i = 0; i < 1000 && rc == 0; i++)
        rc = net_write_all(client, "xxxxxxxx", 8, WAIT_NS, &t->err);
    assert_err(rc, &t->err, ERR_NET);
    net_close(client);
}

static void the_peer_has_a_name(struct test *t)
{
    int server, client = pair(t, &server);
    char text[NET_TEXT_BYTES], expected[64];
    (void)snprintf(expected, sizeof(expected), "127.0.0.1:%u", net_local_port(client));
    assert_str_eq(net_peer_text(server, text), expected);
    net_set_keepalive(client, 30);
    assert_ok(net_set_nonblocking(client, &t->err), &t->err);
    net_close(client);
    net_close(server);
    assert_str_eq(net_peer_text(-1, text), "unknown");
    assert_err(net_set_nonblocking(-1, &t->err), &t->err, ERR_IO);
}

static void deadlines_are_rounded_up_and_never_overflow(struct test *t)
{
    (void)t;
    assert_true(net_deadline_ns(-1) == INT64_MAX && net_deadline_ns(INT64_MAX) == INT64_MAX);
    assert_int_equal(net_poll_ms(INT64_MAX), -1);
    assert_int_equal(net_poll_ms(0), 0);
    int64_t now = clock_monotonic_ns(clock_system());
    assert_in_range(net_poll_ms(now + 3600 * NS_PER_S), 1, 60000);
    assert_in_range(net_poll_ms(net_deadline_ns(NS_PER_S)), 1, 1000);
}

TEST_MAIN(TEST(addresses_are_parsed), TEST(a_taken_port_is_named),
          TEST(localhost_is_where_clients_look), TEST(connecting_fails_clearly),
          TEST(nothing_comes_in_time), TEST(much_data_goes_through),
          TEST(writing_to_a_closed_connection_is_an_error_not_a_signal), TEST(the_peer_has_a_name),
          TEST(deadlines_are_rounded_up_and_never_overflow))
