/* SPDX-License-Identifier: Apache-2.0 */
/* peer_test.h: the other side of output.logstash for tests: a server on loopback, on a thread of
 * its own, that keeps what it was sent and can misbehave on demand. */
#ifndef NARU_SHIP_PEER_TEST_H
#define NARU_SHIP_PEER_TEST_H

#include "support/test.h"

#include <pthread.h>

#include "base/buf.h"
#include "codec/lumberjack.h"
#include "event/value.h"
#include "os/net.h"

struct peer {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t changed;
    bool is_stopping;
    /* What it does, set before a connection or under mu. */
    uint32_t drops_after; /* hangs up after so many events of a connection, once; 0: never */
    uint32_t drop_times;  /* … so often */
    bool acks_partly;     /* acknowledges what came before it hangs up */
    bool holds_acks;      /* answers with keep-alives only, while set */
    bool acks_too_much;   /* once: an acknowledgement beyond the window */
    /* What came. Guarded by mu. */
    struct arena *mem;
    struct buf messages; /* "text\n" in order of arrival */
    struct buf ids;      /* "_id\n" */
    struct str last_json;
    size_t events, windows, connections;
};

TEST_INLINE void peer__take(struct peer *peer, struct str json)
{
    struct value v;
    struct err err;
    pthread_mutex_lock(&peer->mu);
    peer->events++;
    if (value_from_json(json, peer->mem, &v, &err) == 0) {
        const struct value *message = value_map_get_lit(&v, "message");
        const struct value *meta = value_map_get_lit(&v, "@metadata");
        const struct value *id = meta ? value_map_get_lit(meta, "_id") : NULL;
        if (message && message->kind == VALUE_STR)
            buf_add_str(&peer->messages, message->s);
        if (id && id->kind == VALUE_STR)
            buf_add_str(&peer->ids, id->s);
    } else {
        buf_printf(&peer->messages, "BAD JSON: %s", err.text);
    }
    buf_add_char(&peer->messages, '\n');
    buf_add_char(&peer->ids, '\n');
    peer->last_json = arena_str(peer->mem, json);
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mu);
}

TEST_INLINE bool peer__ack(int fd, uint32_t seq)
{
    struct buf out;
    buf_init(&out, 0);
    lumberjack_write_ack(&out, 2, seq);
    int rc = net_write_all(fd, out.p, out.n, NS_PER_S, NULL);
    buf_deinit(&out);
    return rc == 0;
}

TEST_INLINE bool peer__flag(struct peer *peer, const bool *flag)
{
    pthread_mutex_lock(&peer->mu);
    bool is_set = *flag;
    pthread_mutex_unlock(&peer->mu);
    return is_set;
}

/* The window is complete. False: hang up. */
TEST_INLINE bool peer__finish(struct peer *peer, int fd, uint32_t count)
{
    while (peer__flag(peer, &peer->holds_acks) && !peer__flag(peer, &peer->is_stopping)) {
        if (!peer__ack(fd, 0))
            return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
    pthread_mutex_lock(&peer->mu);
    bool too_much = peer->acks_too_much;
    peer->acks_too_much = false;
    peer->windows++;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mu);
    return peer__ack(fd, too_much ? count + 1 : count);
}

TEST_INLINE bool peer__must_drop(struct peer *peer, uint32_t events)
{
    pthread_mutex_lock(&peer->mu);
    bool drops = peer->drop_times > 0 && peer->drops_after > 0 && events >= peer->drops_after;
    peer->drop_times -= drops;
    pthread_mutex_unlock(&peer->mu);
    return drops;
}

/* Serves one connection until it ends. */
TEST_INLINE void peer__serve(struct peer *peer, int fd)
{
    struct lumberjack_reader *reader = lumberjack_reader_new(NULL);
    uint32_t events = 0, count = 0, got = 0;
    for (bool goes_on = true; goes_on && !peer__flag(peer, &peer->is_stopping);) {
        char bytes[65536];
        size_t n;
        int rc = net_read(fd, bytes, sizeof(bytes), 20 * NS_PER_MS, &n, NULL);
        if (rc == -ERR_TIMEOUT)
            continue;
        if (rc < 0 || n == 0)
            break;
        lumberjack_feed(reader, bytes, n);
        struct lumberjack_frame frame;
        while (goes_on && lumberjack_next(reader, &frame, NULL) == 0 &&
               frame.kind != LUMBERJACK_MORE) {
            if (frame.kind == LUMBERJACK_WINDOW) {
                count = frame.seq;
                got = 0;
                continue;
            }
            got++;
            peer__take(peer, frame.payload);
            if (frame.seq != got)
                buf_printf(&peer->messages, "BAD SEQ %u instead of %u\n", frame.seq, got);
            if (peer__must_drop(peer, ++events)) {
                if (peer->acks_partly)
                    (void)peer__ack(fd, got);
                goes_on = false;
            } else if (got == count) {
                goes_on = peer__finish(peer, fd, count);
            }
        }
    }
    lumberjack_reader_free(reader);
}

TEST_INLINE void *peer__run(void *arg)
{
    struct peer *peer = arg;
    while (!peer__flag(peer, &peer->is_stopping)) {
        int fd;
        if (net_accept(peer->listen_fd, 20 * NS_PER_MS, &fd, NULL) < 0)
            continue;
        pthread_mutex_lock(&peer->mu);
        peer->connections++;
        pthread_mutex_unlock(&peer->mu);
        peer__serve(peer, fd);
        net_close(fd);
    }
    return NULL;
}

TEST_INLINE void peer_listen(struct peer *peer, struct test *t, uint16_t port)
{
    struct net_addr addr;
    assert_ok(net_addr_parse(STR("127.0.0.1"), port ? port : 1, &addr, &t->err), &t->err);
    addr.port = port;
    assert_ok(net_listen(&addr, &peer->listen_fd, &t->err), &t->err);
    peer->port = net_local_port(peer->listen_fd);
}

TEST_INLINE void peer_start(struct peer *peer)
{
    peer->is_stopping = false;
    assert_int_equal(pthread_create(&peer->thread, NULL, peer__run, peer), 0);
}

TEST_INLINE void peer_init(struct peer *peer, struct test *t)
{
    *peer = (struct peer){.mem = arena_new(0), .listen_fd = -1};
    assert_int_equal(pthread_mutex_init(&peer->mu, NULL), 0);
    assert_int_equal(pthread_cond_init(&peer->changed, NULL), 0);
    buf_init(&peer->messages, 0);
    buf_init(&peer->ids, 0);
    peer_listen(peer, t, 0);
    peer_start(peer);
}

/* Ends connections and listening; what came stays. */
TEST_INLINE void peer_stop(struct peer *peer)
{
    pthread_mutex_lock(&peer->mu);
    peer->is_stopping = true;
    pthread_mutex_unlock(&peer->mu);
    (void)pthread_join(peer->thread, NULL);
    net_close(peer->listen_fd);
    peer->listen_fd = -1;
}

TEST_INLINE void peer_deinit(struct peer *peer)
{
    if (peer->listen_fd >= 0)
        peer_stop(peer);
    buf_deinit(&peer->messages);
    buf_deinit(&peer->ids);
    arena_free(peer->mem);
}

TEST_INLINE void peer_wait_events(struct peer *peer, size_t events)
{
    pthread_mutex_lock(&peer->mu);
    while (peer->events < events)
        (void)pthread_cond_wait(&peer->changed, &peer->mu);
    pthread_mutex_unlock(&peer->mu);
}

TEST_INLINE size_t peer_events(struct peer *peer)
{
    pthread_mutex_lock(&peer->mu);
    size_t events = peer->events;
    pthread_mutex_unlock(&peer->mu);
    return events;
}

TEST_INLINE void peer_set(struct peer *peer, bool *flag, bool value)
{
    pthread_mutex_lock(&peer->mu);
    *flag = value;
    pthread_mutex_unlock(&peer->mu);
}

#endif
