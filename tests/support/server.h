/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: what the tests of src/server share: a server over an engine in memory with a clock that
 * stands still, asked in process or over a loopback socket. */
#ifndef NARU_TESTS_SUPPORT_SERVER_H
#define NARU_TESTS_SUPPORT_SERVER_H

#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "index/engine.h"
#include "os/net.h"
#include "server/server.h"

#define BED_NOW_NS     (INT64_C(1737521553) * NS_PER_S) /* 2025-01-22T04:52:33Z */
#define BED_TIMEOUT_NS (20 * NS_PER_S)

struct bed {
    struct test *t;
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct server *server;
};

/* `listener` SERVER_LISTENER_COUNT: none. */
TEST_INLINE void bed_open(struct bed *bed, struct test *t, enum server_listener listener,
                          struct str archive_url)
{
    *bed = (struct bed){.t = t, .fs = vfs_mem_new()};
    clock_fake_init(&bed->clock, BED_NOW_NS);
    struct engine_config engine = {.fs = bed->fs,
                                   .clock = &bed->clock.base,
                                   .seed = 1,
                                   .path = STR("data"),
                                   .lane_count = 1,
                                   .is_single_threaded = true};
    assert_ok(engine_open(&engine, &bed->engine, &t->err), &t->err);
    struct server_config config = {.engine = bed->engine,
                                   .clock = &bed->clock.base,
                                   .thread_count = 1,
                                   .ports = {SERVER_PORT_NONE, SERVER_PORT_NONE, SERVER_PORT_NONE},
                                   .archive_url = archive_url};
    if (listener != SERVER_LISTENER_COUNT)
        config.ports[listener] = SERVER_PORT_ANY;
    assert_ok(server_start(&config, &bed->server, &t->err), &t->err);
}

TEST_INLINE void bed_close(struct bed *bed)
{
    server_stop(bed->server, 0);
    engine_close(bed->engine);
    vfs_mem_free(bed->fs);
}

/* "PUT /i/_doc/1?refresh=true": the status; the body in *ret_body, which MAY be NULL. */
TEST_INLINE int bed_call(struct bed *bed, const char *what, const char *body, struct str *ret_body)
{
    struct str rest = str_from(what), method = str_sub(rest, 0, (size_t)str_find_char(rest, ' ')),
               reply;
    struct str target = str_from_off(rest, method.n + 1), query = STR("");
    ptrdiff_t at = str_find_char(target, '?');
    int status = 0;
    if (at >= 0) {
        query = str_from_off(target, (size_t)at + 1);
        target = str_sub(target, 0, (size_t)at);
    }
    assert_ok(server_dispatch(bed->server, method, target, query, str_from(body), bed->t->mem,
                              &status, &reply),
              NULL);
    if (ret_body)
        *ret_body = reply;
    return status;
}

/* Sends a request head (without "Host" when `host` is NULL) and a body, gives the whole reply with
 * its head. */
TEST_INLINE struct str bed_fetch(struct bed *bed, enum server_listener listener, const char *what,
                                 const char *host, const char *headers, const char *body)
{
    struct test *t = bed->t;
    struct net_addr addr = {.host = "127.0.0.1", .port = server_port(bed->server, listener)};
    struct buf b;
    int fd;
    char chunk[4096];
    buf_init(&b, 0);
    buf_printf(&b, "%s HTTP/1.1\r\n%s%s%s%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
               what, host ? "Host: " : "", host ? host : "", host ? "\r\n" : "", headers,
               strlen(body), body);
    assert_ok(net_connect(&addr, BED_TIMEOUT_NS, &fd, &t->err), &t->err);
    assert_ok(net_write_all(fd, buf_str(&b).p, b.n, BED_TIMEOUT_NS, &t->err), &t->err);
    buf_clear(&b);
    for (size_t n = 1; n > 0;) {
        assert_ok(net_read(fd, chunk, sizeof(chunk), BED_TIMEOUT_NS, &n, &t->err), &t->err);
        buf_add(&b, chunk, n);
    }
    net_close(fd);
    struct str reply = arena_str(t->mem, buf_str(&b));
    buf_deinit(&b);
    return reply;
}

#endif
