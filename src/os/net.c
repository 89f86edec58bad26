/* SPDX-License-Identifier: Apache-2.0 */
/* net.c: see net.h. Every socket is non-blocking from its birth and closes on exec; a broken pipe
 * is an error value, never a signal. */
#include "os/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "os/os.h"

#define LISTEN_BACKLOG    512
#define KEEPALIVE_PROBES  3
#define KEEPALIVE_PROBE_S 10
#define POLL_MS_MAX       60000

/* ---- time ---- */

int64_t net_deadline_ns(int64_t timeout_ns)
{
    int64_t at;
    if (timeout_ns < 0 ||
        __builtin_add_overflow(clock_monotonic_ns(clock_system()), timeout_ns, &at))
        return INT64_MAX;
    return at;
}

int net_poll_ms(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    int64_t left = deadline_ns - clock_monotonic_ns(clock_system());
    if (left <= 0)
        return 0;
    return (int)MIN_OF((left + NS_PER_MS - 1) / NS_PER_MS, (int64_t)POLL_MS_MAX);
}

/* Waits until the descriptor is ready; false when the time is over. */
static bool wait_ready(int fd, short events, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = fd, .events = events};
    for (;;) {
        int ms = net_poll_ms(deadline_ns);
        int rc = poll(&wait, 1, ms);
        if (rc > 0)
            return true;
        ASSERT(rc == 0 || errno == EINTR);
        if (ms == 0)
            return false;
    }
}

/* ---- addresses ---- */

static int bad_addr(struct err *err, struct str text, const char *why)
{
    return err_set(err, ERR_INVALID, "the address \"%.*s\" %s", STR_ARG(text), why);
}

static bool is_number(struct str s)
{
    uint64_t v;
    return str_to_u64(s, &v);
}

/* Splits into host and port text; the port's p is NULL when there is none. */
static int addr_split(struct str text, struct str *ret_host, struct str *ret_port, struct err *err)
{
    *ret_port = STR_NONE;
    if (text.n > 0 && text.p[0] == '[') {
        ptrdiff_t end = str_find_char(text, ']');
        if (end < 0)
            return bad_addr(err, text, "has \"[\" without \"]\"");
        *ret_host = str_sub(text, 1, (size_t)end - 1);
        struct str rest = str_from_off(text, (size_t)end + 1);
        if (rest.n > 0 && rest.p[0] != ':')
            return bad_addr(err, text, "has something other than \":port\" behind \"]\"");
        if (rest.n > 0)
            *ret_port = str_from_off(rest, 1);
        return 0;
    }
    ptrdiff_t colon = str_find_char(text, ':');
    if (colon >= 0 && str_find_char(str_from_off(text, (size_t)colon + 1), ':') >= 0) {
        *ret_host = text; /* more than one colon: a bare IPv6 number */
        return 0;
    }
    *ret_host = colon < 0 ? text : str_sub(text, 0, (size_t)colon);
    if (colon >= 0)
        *ret_port = str_from_off(text, (size_t)colon + 1);
    return 0;
}

int net_addr_parse(struct str text, uint16_t port_default, struct net_addr *ret_addr,
                   struct err *err)
{
    text = str_trim(text);
    struct str host, port_text;
    TRY(addr_split(text, &host, &port_text, err));
    uint64_t port = port_default;
    if (port_text.p && (!is_number(port_text) || !str_to_u64(port_text, &port) || port > 65535))
        return bad_addr(err, text, "has no port number from 0 to 65535 behind its colon");
    if (!port_text.p && port_default == 0)
        return bad_addr(err, text, "names no port: write host:port");
    if (host.n == 0)
        host = STR("127.0.0.1");
    if (host.n >= NET_HOST_BYTES || memchr(host.p, '\0', host.n))
        return bad_addr(err, text, "has too long a host name");
    memcpy(ret_addr->host, host.p, host.n);
    ret_addr->host[host.n] = '\0';
    ret_addr->port = (uint16_t)port;
    return 0;
}

static struct addrinfo *addr_lookup(const struct net_addr *addr, bool listens, struct err *err)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", addr->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (listens ? AI_PASSIVE : 0)};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(addr->host, port, &hints, &list);
    if (rc == 0)
        return list;
    (void)err_set(err, ERR_NET, "cannot find the host \"%s\": %s", addr->host,
                  rc == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(rc));
    return NULL;
}

/* ---- servers ---- */

static int listen_error(const struct net_addr *addr, int number, struct err *err)
{
    if (number == EADDRINUSE)
        return err_set(err, ERR_IN_USE, "port %u on \"%s\" is in use by another program",
                       addr->port, addr->host);
    if (number == EACCES)
        return err_set(err, ERR_IN_USE, "port %u on \"%s\" needs the rights of root", addr->port,
                       addr->host);
    return err_set(err, ERR_NET, "cannot listen on \"%s\" port %u: %s", addr->host, addr->port,
                   strerrordesc_np(number));
}

/* 0 and a descriptor, or an errno. */
static int listen_one(const struct addrinfo *info, int *ret_fd)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0) {
        *ret_fd = fd;
        return 0;
    }
    int number = errno;
    (void)close(fd);
    return number;
}

int net_listen(const struct net_addr *addr, int *ret_fd, struct err *err)
{
    struct addrinfo *list = addr_lookup(addr, true, err);
    if (!list)
        return -ERR_NET;
    /* One address: of a name that means several, as localhost, the one that most clients try. */
    const struct addrinfo *chosen = list;
    for (const struct addrinfo *info = list; info && chosen->ai_family != AF_INET;
         info = info->ai_next)
        chosen = info->ai_family == AF_INET ? info : chosen;
    int number = listen_one(chosen, ret_fd);
    freeaddrinfo(list);
    return number ? listen_error(addr, number, err) : 0;
}

union any_addr {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

uint16_t net_local_port(int fd)
{
    union any_addr addr;
    socklen_t n = sizeof(addr);
    if (getsockname(fd, &addr.any, &n) < 0)
        return 0;
    return ntohs(addr.any.sa_family == AF_INET6 ? addr.in6.sin6_port : addr.in.sin_port);
}

int net_accept(int listen_fd, int64_t timeout_ns, int *ret_fd, struct err *err)
{
    int64_t deadline_ns = net_deadline_ns(timeout_ns);
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            net_set_nodelay(fd);
            *ret_fd = fd;
            return 0;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN)
            return err_set(err, ERR_NET, "cannot accept a connection: %s", strerrordesc_np(errno));
        if (!wait_ready(listen_fd, POLLIN, deadline_ns))
            return err_set(err, ERR_TIMEOUT, "no connection came within the time limit");
    }
}

/* ---- clients ---- */

/* 0 and a connected descriptor, or an errno; ETIMEDOUT when the time is over. */
static int connect_one(const struct addrinfo *info, int64_t deadline_ns, int *ret_fd)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int number = connect(fd, info->ai_addr, info->ai_addrlen) < 0 ? errno : 0;
    if (number == EINPROGRESS || number == EINTR) {
        socklen_t n = sizeof(number);
        if (!wait_ready(fd, POLLOUT, deadline_ns))
            number = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &n) < 0)
            number = errno;
    }
    if (number == 0) {
        net_set_nodelay(fd);
        *ret_fd = fd;
        return 0;
    }
    (void)close(fd);
    return number;
}

int net_connect(const struct net_addr *addr, int64_t timeout_ns, int *ret_fd, struct err *err)
{
    struct addrinfo *list = addr_lookup(addr, false, err);
    if (!list)
        return -ERR_NET;
    int64_t deadline_ns = net_deadline_ns(timeout_ns);
    int number = EADDRNOTAVAIL;
    for (const struct addrinfo *info = list; info && number; info = info->ai_next)
        number = connect_one(info, deadline_ns, ret_fd);
    freeaddrinfo(list);
    if (number == 0)
        return 0;
    return err_set(err, number == ETIMEDOUT ? ERR_TIMEOUT : ERR_NET,
                   "cannot connect to \"%s\" port %u: %s", addr->host, addr->port,
                   strerrordesc_np(number));
}

void net_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* ---- transfer ---- */

int net_read(int fd, void *p, size_t n, int64_t timeout_ns, size_t *ret_n, struct err *err)
{
    int64_t deadline_ns = net_deadline_ns(timeout_ns);
    for (;;) {
        ssize_t got = recv(fd, p, n, MSG_DONTWAIT);
        if (got >= 0) {
            *ret_n = (size_t)got;
            return 0;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return err_set(err, ERR_NET, "the connection broke while reading: %s",
                           strerrordesc_np(errno));
        if (!wait_ready(fd, POLLIN, deadline_ns))
            return err_set(err, ERR_TIMEOUT,
                           "nothing came from the other side within the time limit");
    }
}

static int64_t left_ns(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    return MAX_OF(deadline_ns - clock_monotonic_ns(clock_system()), (int64_t)0);
}

int net_read_all(int fd, void *p, size_t n, int64_t timeout_ns, struct err *err)
{
    int64_t deadline_ns = net_deadline_ns(timeout_ns);
    for (size_t done = 0; done < n;) {
        size_t got;
        TRY(net_read(fd, (char *)p + done, n - done, left_ns(deadline_ns), &got, err));
        if (got == 0)
            return err_set(err, ERR_NET,
                           "the other side closed the connection after %zu of %zu bytes", done, n);
        done += got;
    }
    return 0;
}

int net_write_all(int fd, const void *p, size_t n, int64_t timeout_ns, struct err *err)
{
    int64_t deadline_ns = net_deadline_ns(timeout_ns);
    for (size_t done = 0; done < n;) {
        ssize_t put = send(fd, (const char *)p + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put >= 0) {
            done += (size_t)put;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return err_set(err, ERR_NET, "the connection broke while writing: %s",
                           strerrordesc_np(errno));
        if (!wait_ready(fd, POLLOUT, deadline_ns))
            return err_set(err, ERR_TIMEOUT,
                           "the other side took only %zu of %zu bytes within the time limit", done,
                           n);
    }
    return 0;
}

void net_shutdown_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void net_shutdown(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

/* ---- the rest ---- */

struct str net_peer_text(int fd, char *text)
{
    union any_addr addr;
    socklen_t n = sizeof(addr);
    char host[INET6_ADDRSTRLEN];
    int len = 0;
    if (getpeername(fd, &addr.any, &n) == 0) {
        if (addr.any.sa_family == AF_INET &&
            inet_ntop(AF_INET, &addr.in.sin_addr, host, sizeof(host)))
            len = snprintf(text, NET_TEXT_BYTES, "%s:%u", host, ntohs(addr.in.sin_port));
        else if (addr.any.sa_family == AF_INET6 &&
                 inet_ntop(AF_INET6, &addr.in6.sin6_addr, host, sizeof(host)))
            len = snprintf(text, NET_TEXT_BYTES, "[%s]:%u", host, ntohs(addr.in6.sin6_port));
    }
    if (len <= 0)
        len = snprintf(text, NET_TEXT_BYTES, "unknown");
    return (struct str){text, (size_t)len};
}

bool net_peer_is_gone(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

int net_set_nonblocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, ERR_IO, "cannot make a descriptor non-blocking: %s",
                       strerrordesc_np(errno));
    return 0;
}

void net_set_nodelay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* only slower without */
}

void net_set_keepalive(int fd, int idle_s)
{
    int on = 1, probes = KEEPALIVE_PROBES, probe_s = KEEPALIVE_PROBE_S;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_s, sizeof(probe_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}
