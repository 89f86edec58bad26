/* SPDX-License-Identifier: Apache-2.0 */
/* net.h: TCP sockets for clients and simple servers, as descriptors that never block: every wait is
 * a poll with a time limit. Servers with many connections use os/loop.h.
 *
 * Addresses are texts: "host:port", "[::1]:port", "host" (the default port), ":port" or ""
 * (loopback). Time limits are real time in ns for the whole call; -1: for ever, 0: not at all.
 * Errors: -ERR_IN_USE (a port is taken), -ERR_TIMEOUT, -ERR_NET (refused, hung up, no such host),
 * -ERR_INVALID. */
#ifndef NARU_OS_NET_H
#define NARU_OS_NET_H

#include "base/base.h"
#include "base/err.h"

#define NET_HOST_BYTES 254 /* a DNS name and the NUL */
#define NET_TEXT_BYTES 288 /* "[host]:65535" */

struct net_addr {
    char host[NET_HOST_BYTES]; /* name or number without brackets; "127.0.0.1" when the text had
                                  none */
    uint16_t port;
};

/* `port_default` 0: the text must name one. */
int net_addr_parse(struct str text, uint16_t port_default, struct net_addr *ret_addr,
                   struct err *err) WARN_UNUSED;

/* Listens; port 0 takes a free one, which net_local_port tells. */
int net_listen(const struct net_addr *addr, int *ret_fd, struct err *err) WARN_UNUSED;
uint16_t net_local_port(int fd);
int net_accept(int listen_fd, int64_t timeout_ns, int *ret_fd, struct err *err) WARN_UNUSED;
/* Tries each address of the host in turn. Looking up the name is outside the time limit. */
int net_connect(const struct net_addr *addr, int64_t timeout_ns, int *ret_fd,
                struct err *err) WARN_UNUSED;
void net_close(int fd); /* -1: nothing */

/* Reads what is there, at least one byte; *ret_n == 0: the other side closed. */
int net_read(int fd, void *p, size_t n, int64_t timeout_ns, size_t *ret_n,
             struct err *err) WARN_UNUSED;
/* Reads exactly n bytes; a close before that is -ERR_NET. */
int net_read_all(int fd, void *p, size_t n, int64_t timeout_ns, struct err *err) WARN_UNUSED;
int net_write_all(int fd, const void *p, size_t n, int64_t timeout_ns, struct err *err) WARN_UNUSED;
/* Ends our direction; the other may still be read. */
void net_shutdown_write(int fd);
/* Ends both: who reads or waits, here or there, learns of it. The descriptor stays. */
void net_shutdown(int fd);

/* "10.0.0.1:4711" or "[::1]:4711" of the other side, "unknown" when it is gone. `text`:
 * NET_TEXT_BYTES. */
struct str net_peer_text(int fd, char *text);

/* The other side has closed or reset the connection. What it sent before stays to be read. */
bool net_peer_is_gone(int fd);

/* Set by accept and connect already, for descriptors from elsewhere. */
int net_set_nonblocking(int fd, struct err *err) WARN_UNUSED;
void net_set_nodelay(int fd);
/* The kernel finds a dead peer after about idle_s + 3 * 10 seconds. */
void net_set_keepalive(int fd, int idle_s);

/* A moment of the monotonic clock `timeout_ns` from now (INT64_MAX for -1), and the milliseconds
 * left until it, for poll: rounded up, -1 for ever. */
int64_t net_deadline_ns(int64_t timeout_ns);
int net_poll_ms(int64_t deadline_ns);

#endif
