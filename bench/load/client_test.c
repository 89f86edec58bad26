/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>

#include "base/buf.h"
#include "bench/load/client.h"

#define WAIT_NS (20 * NS_PER_S)

static void reply_heads_are_read(struct test *t)
{
    struct reply_head head;
    assert_ok(reply_head_parse(STR("HTTP/1.1 200 OK\r\ncontent-length: 17"), &head, &t->err),
              &t->err);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body_bytes, 17);
    assert_false(head.is_chunked || head.is_last);
    assert_ok(reply_head_parse(STR("HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\n"
                                   "Connection: close"),
                               &head, &t->err),
              &t->err);
    assert_int_equal(head.status, 429);
    assert_true(head.is_chunked && head.is_last);
    assert_int_equal(reply_head_parse(STR("220 ftp"), &head, &t->err), -ERR_INVALID);
}

static void only_a_reply_without_errors_is_clean(struct test *t)
{
    (void)t;
    assert_true(reply_is_clean(STR("{\"took\":3,\"errors\":false,\"items\":[{")));
    assert_false(reply_is_clean(STR("{\"took\":3,\"errors\":true,\"items\":[{")));
    assert_false(reply_is_clean(STR("{\"took\":3,\"items\":[{\"x\":{\"errors\":false}}]")));
    assert_false(reply_is_clean(STR("")));
}

/* A server that takes one connection and gives one reply after the other, each to a whole request.
 */
struct peer {
    int listen_fd;
    const char *const *replies; /* ends with NULL */
    pthread_t thread;
    size_t requests;
    bool has_failed;
};

static bool peer_read_request(int fd)
{
    char text[4096];
    size_t n = 0, got;
    for (;;) {
        if (net_read(fd, text + n, sizeof(text) - n, WAIT_NS, &got, NULL) < 0 || got == 0)
            return false;
        n += got;
        ptrdiff_t end = str_find((struct str){text, n}, STR("\r\n\r\n"));
        if (end >= 0 && n == (size_t)end + 4 + STR("{}\n").n)
            return str_starts_with((struct str){text, n}, STR("POST /_bulk HTTP/1.1\r\n"));
    }
}

static void *peer_run(void *arg)
{
    struct peer *peer = arg;
    int fd;
    if (net_accept(peer->listen_fd, WAIT_NS, &fd, NULL) < 0) {
        peer->has_failed = true;
        return NULL;
    }
    for (const char *const *reply = peer->replies; *reply; reply++) {
        if (!peer_read_request(fd) ||
            net_write_all(fd, *reply, strlen(*reply), WAIT_NS, NULL) < 0) {
            peer->has_failed = true;
            break;
        }
        peer->requests++;
    }
    net_close(fd);
    return NULL;
}

/* Posts once against the replies; the result of client_post. */
static int post(struct test *t, const char *const *replies, struct client *ret_client)
{
    struct peer peer = {.replies = replies};
    struct net_addr addr = {.host = "127.0.0.1"};
    struct client client;
    struct buf head;
    assert_ok(net_listen(&addr, &peer.listen_fd, &t->err), &t->err);
    addr.port = net_local_port(peer.listen_fd);
    assert_int_equal(pthread_create(&peer.thread, NULL, peer_run, &peer), 0);
    assert_ok(client_init(&client, &addr, &t->err), &t->err);
    buf_init(&head, 0);
    client_head_add(&client, 3, &head);
    int rc = client_post(&client, buf_str(&head), STR("{}\n"), &t->err);
    client_deinit(&client);
    pthread_join(peer.thread, NULL);
    net_close(peer.listen_fd);
    buf_deinit(&head);
    assert_false(peer.has_failed);
    *ret_client = client;
    return rc;
}

#define CLEAN_BODY "{\"took\":1,\"errors\":false,\"items\":[]}"

static void full_server_is_asked_again(struct test *t)
{
    static const char *const replies[] = {
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n" CLEAN_BODY, NULL};
    struct client client;
    assert_int_equal(STR(CLEAN_BODY).n, 36);
    assert_ok(post(t, replies, &client), &t->err);
    assert_int_equal(client.retries, 2);
}

static void chunked_reply_is_read_to_its_end(struct test *t)
{
    static const char *const replies[] = {
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "A\r\n{\"took\":1,\r\n1b;x=y\r\n\"errors\":false,\"items\":[]}\r\n0\r\n\r\n",
        NULL};
    struct client client;
    assert_ok(post(t, replies, &client), &t->err);
}

static void failed_item_is_an_error(struct test *t)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"errors\":true,\"items\":[]", NULL};
    struct client client;
    assert_int_equal(post(t, replies, &client), -ERR_INVALID);
    assert_non_null(strstr(t->err.text, "\"errors\":true"));
}

static void other_status_is_an_error_at_once(struct test *t)
{
    static const char *const replies[] = {
        "HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy", NULL};
    struct client client;
    assert_int_equal(post(t, replies, &client), -ERR_INVALID);
    assert_non_null(strstr(t->err.text, "status 503: busy"));
    assert_int_equal(client.retries, 0);
}

TEST_MAIN(TEST(reply_heads_are_read), TEST(only_a_reply_without_errors_is_clean),
          TEST(full_server_is_asked_again), TEST(chunked_reply_is_read_to_its_end),
          TEST(failed_item_is_an_error), TEST(other_status_is_an_error_at_once))
