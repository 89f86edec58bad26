/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: loop.h over libevent. Input goes from libevent's chain of chunks into one run of bytes
 * per connection, so that a parser sees a frame whole and a long frame is not copied again with
 * every chunk. Wake-ups come over an eventfd: libevent itself is used by one thread only and needs
 * no locks. */
#include "os/loop.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

#define ACCEPT_RETRY_NS  NS_PER_S
#define CHUNK_BYTES      (64 * KIB) /* libevent holds at most so much unread */
#define INPUT_KEEP_BYTES (1 * MIB)
#define CLOSE_NS         (30 * NS_PER_S) /* how long a closing connection waits for a slow reader */

struct loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    pthread_mutex_t mu;
    struct loop_task *first, *last; /* guarded by mu, as the next two */
    size_t task_count;
    bool stop_wanted;
    struct loop_conn *conns; /* the loop's thread only, as all below */
    struct loop_listener *listeners;
    struct loop_timer *timers;
};

struct loop_timer {
    struct loop *loop;
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
    struct loop_timer *next, *prev;
};

struct loop_listener {
    struct loop *loop;
    struct evconnlistener *listener;
    const struct loop_listener_ops *ops;
    void *arg;
    struct loop_timer *retry;
    struct loop_listener *next, *prev;
};

struct loop_conn {
    struct loop *loop;
    struct bufferevent *bev;
    const struct loop_conn_ops *ops;
    void *arg;
    struct buf input; /* [input_off, n) is not consumed */
    size_t input_off;
    size_t input_bytes_max;
    unsigned depth; /* callbacks under way: freed when the last returns */
    bool is_paused;
    bool is_ended;   /* the other side will send no more */
    bool is_closing; /* by us: waits until all is sent */
    bool is_closed;  /* on_closed was called */
    char peer[NET_TEXT_BYTES];
    struct str peer_text;
    struct loop_conn *next, *prev;
};

#define LIST_ADD(head, item)                                                                       \
    do {                                                                                           \
        (item)->prev = NULL;                                                                       \
        (item)->next = (head);                                                                     \
        if (head)                                                                                  \
            (head)->prev = (item);                                                                 \
        (head) = (item);                                                                           \
    } while (0)
#define LIST_REMOVE(head, item)                                                                    \
    do {                                                                                           \
        if ((item)->prev)                                                                          \
            (item)->prev->next = (item)->next;                                                     \
        else                                                                                       \
            (head) = (item)->next;                                                                 \
        if ((item)->next)                                                                          \
            (item)->next->prev = (item)->prev;                                                     \
    } while (0)

/* ---- the loop ---- */

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof(one));
    ASSERT(n == (ssize_t)sizeof(one) || errno == EAGAIN); /* full: it wakes anyway */
}

/* Takes the first task, or NULL. */
static struct loop_task *task_take(struct loop *loop)
{
    pthread_mutex_lock(&loop->mu);
    struct loop_task *task = loop->first;
    if (task) {
        loop->first = task->next;
        if (!loop->first)
            loop->last = NULL;
        task->is_posted = false;
        loop->task_count--;
    }
    pthread_mutex_unlock(&loop->mu);
    return task;
}

static size_t task_count(struct loop *loop)
{
    pthread_mutex_lock(&loop->mu);
    size_t n = loop->task_count;
    pthread_mutex_unlock(&loop->mu);
    return n;
}

static bool stop_take(struct loop *loop)
{
    pthread_mutex_lock(&loop->mu);
    bool is_wanted = loop->stop_wanted;
    loop->stop_wanted = false;
    pthread_mutex_unlock(&loop->mu);
    return is_wanted;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct loop *loop = arg;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));
    ASSERT(n == (ssize_t)sizeof(count) || errno == EAGAIN || errno == EINTR);
    struct loop_task *task;
    /* Not those that are posted meanwhile: a task that posts itself must not keep the sockets
     * waiting. */
    size_t left = task_count(loop);
    while (left-- > 0 && (task = task_take(loop)) != NULL)
        task->run(task->arg);
    if (task_count(loop) > 0)
        wake(loop);
    if (stop_take(loop))
        (void)event_base_loopbreak(loop->base);
}

struct loop *loop_new(void)
{
    struct loop *loop = MEM_NEW(struct loop);
    loop->base = event_base_new();
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(loop->base && loop->wake_fd >= 0); /* only without descriptors or memory, at the start */
    ASSERT(pthread_mutex_init(&loop->mu, NULL) == 0);
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    ASSERT(loop->wake && event_add(loop->wake, NULL) == 0);
    return loop;
}

void loop_run(struct loop *loop)
{
    ASSERT(event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0);
}

void loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->mu);
    loop->stop_wanted = true;
    pthread_mutex_unlock(&loop->mu);
    wake(loop);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    pthread_mutex_lock(&loop->mu);
    bool was_posted = task->is_posted;
    if (!was_posted) {
        task->is_posted = true;
        task->next = NULL;
        if (loop->last)
            loop->last->next = task;
        else
            loop->first = task;
        loop->last = task;
        loop->task_count++;
    }
    pthread_mutex_unlock(&loop->mu);
    if (!was_posted)
        wake(loop);
}

void loop_unpost(struct loop *loop, struct loop_task *task)
{
    pthread_mutex_lock(&loop->mu);
    struct loop_task *before = NULL;
    for (struct loop_task *at = loop->first; at; before = at, at = at->next) {
        if (at != task)
            continue;
        if (before)
            before->next = task->next;
        else
            loop->first = task->next;
        if (loop->last == task)
            loop->last = before;
        task->is_posted = false;
        loop->task_count--;
        break;
    }
    pthread_mutex_unlock(&loop->mu);
}

/* ---- timers ---- */

static struct timeval timeval_of(int64_t ns)
{
    int64_t us = (ns + NS_PER_US - 1) / NS_PER_US;
    return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop_timer *timer = arg;
    timer->fire(timer->arg); /* may free the timer */
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fire)(void *arg), void *arg)
{
    struct loop_timer *timer = MEM_NEW(struct loop_timer);
    *timer = (struct loop_timer){.loop = loop, .fire = fire, .arg = arg};
    timer->event = evtimer_new(loop->base, on_timer, timer);
    ASSERT(timer->event);
    LIST_ADD(loop->timers, timer);
    return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    LIST_REMOVE(timer->loop->timers, timer);
    event_free(timer->event);
    mem_free(timer);
}

void loop_timer_start(struct loop_timer *timer, int64_t ns)
{
    struct timeval wait = timeval_of(MAX_OF(ns, (int64_t)0));
    ASSERT(evtimer_add(timer->event, &wait) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    (void)evtimer_del(timer->event);
}

/* ---- connections ---- */

static void conn_free(struct loop_conn *conn)
{
    LIST_REMOVE(conn->loop->conns, conn);
    bufferevent_free(conn->bev); /* closes the socket */
    buf_deinit(&conn->input);
    mem_free(conn);
}

/* Callbacks run between enter and leave; what was closed meanwhile is freed when the outermost
 * leaves. */
static void conn_enter(struct loop_conn *conn)
{
    conn->depth++;
}

static void conn_leave(struct loop_conn *conn)
{
    ASSERT(conn->depth > 0);
    if (--conn->depth == 0 && conn->is_closed)
        conn_free(conn);
}

/* Ends the connection now. */
static void conn_end(struct loop_conn *conn, const struct err *reason)
{
    if (conn->is_closed)
        return;
    conn->is_closed = true;
    (void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
    conn_enter(conn);
    if (conn->ops)
        conn->ops->on_closed(conn->arg, conn, reason);
    conn_leave(conn);
}

static size_t input_left(const struct loop_conn *conn)
{
    return conn->input.n - conn->input_off;
}

/* Moves bytes from libevent's chain into the run, up to the limit. True when there were any. */
static bool input_take(struct loop_conn *conn)
{
    struct evbuffer *from = bufferevent_get_input(conn->bev);
    size_t n = evbuffer_get_length(from);
    size_t room = conn->input_bytes_max - MIN_OF(input_left(conn), conn->input_bytes_max);
    n = MIN_OF(n, room);
    if (n == 0)
        return false;
    if (conn->input_off > 0 && conn->input_off >= input_left(conn)) {
        buf_drop(&conn->input, conn->input_off); /* moves no more than was consumed */
        conn->input_off = 0;
    }
    char *to = buf_reserve(&conn->input, n);
    ASSERT(to);
    int got = evbuffer_remove(from, to, n);
    ASSERT(got == (int)n);
    buf_added(&conn->input, n);
    return true;
}

static bool conn_listens(const struct loop_conn *conn)
{
    return !conn->is_closed && !conn->is_closing && !conn->is_paused;
}

/* Hands input to the owner for as long as there is some and it takes some. */
static void input_deliver(struct loop_conn *conn)
{
    conn_enter(conn);
    bool has_more = true;
    while (conn_listens(conn) && has_more) {
        (void)input_take(conn);
        size_t before = input_left(conn);
        if (before == 0)
            break;
        conn->ops->on_input(conn->arg, conn);
        bool is_full = input_left(conn) >= conn->input_bytes_max;
        if (conn_listens(conn) && is_full && input_left(conn) == before) {
            struct err err;
            (void)err_set(&err, ERR_TOO_LARGE,
                          "the input holds no complete piece in its limit of %zu bytes",
                          conn->input_bytes_max);
            conn_end(conn, &err);
        }
        has_more = !conn->is_closed && evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0;
    }
    if (conn->is_ended && conn_listens(conn))
        conn_end(conn, NULL);
    conn_leave(conn);
}

static void on_bev_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    input_deliver(arg);
}

static void on_bev_drained(struct bufferevent *bev, void *arg)
{
    (void)bev;
    struct loop_conn *conn = arg;
    conn_enter(conn);
    if (conn->is_closing)
        conn_end(conn, NULL);
    else if (!conn->is_closed && conn->ops && conn->ops->on_drained)
        conn->ops->on_drained(conn->arg, conn);
    conn_leave(conn);
}

static void on_bev_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    struct loop_conn *conn = arg;
    int number = EVUTIL_SOCKET_ERROR();
    struct err err;
    conn_enter(conn);
    if (what & BEV_EVENT_EOF) {
        conn->is_ended = true;
        if (conn->is_closing)
            conn_end(conn, NULL);
        else
            input_deliver(conn); /* ends it, at once or after a resume */
    } else if (what & BEV_EVENT_TIMEOUT) {
        (void)err_set(&err, ERR_TIMEOUT, "nothing was %s within the time limit",
                      what & BEV_EVENT_READING ? "received" : "taken by the other side");
        conn_end(conn, &err);
    } else {
        (void)err_set(&err, ERR_NET, "the connection broke: %s", strerrordesc_np(number));
        conn_end(conn, &err);
    }
    conn_leave(conn);
}

void loop_conn_start(struct loop_conn *conn, const struct loop_conn_ops *ops, void *arg,
                     size_t input_bytes_max, int64_t idle_ns)
{
    ASSERT(!conn->ops && input_bytes_max > 0);
    conn->ops = ops;
    conn->arg = arg;
    conn->input_bytes_max = input_bytes_max;
    buf_init(&conn->input, SIZE_MAX); /* input_take keeps the limit, on what is not consumed */
    bufferevent_setwatermark(conn->bev, EV_READ, 0, CHUNK_BYTES);
    if (idle_ns > 0) {
        struct timeval idle = timeval_of(idle_ns);
        bufferevent_set_timeouts(conn->bev, &idle, &idle);
    }
    ASSERT(bufferevent_enable(conn->bev, EV_READ | EV_WRITE) == 0);
}

struct str loop_conn_input(const struct loop_conn *conn)
{
    return (struct str){conn->input.p ? conn->input.p + conn->input_off : "", input_left(conn)};
}

void loop_conn_consume(struct loop_conn *conn, size_t n)
{
    ASSERT(n <= input_left(conn));
    conn->input_off += n;
    if (conn->input_off < conn->input.n)
        return;
    conn->input_off = 0;
    if (conn->input.capacity > INPUT_KEEP_BYTES)
        buf_deinit(
            &conn->input); /* one long frame must not hold its memory for the connection's life */
    else
        buf_clear(&conn->input);
}

void loop_conn_write(struct loop_conn *conn, const void *p, size_t n)
{
    if (!conn->is_closed && !conn->is_closing && n > 0)
        ASSERT(bufferevent_write(conn->bev, p, n) == 0);
}

size_t loop_conn_unsent(const struct loop_conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

void loop_conn_pause(struct loop_conn *conn)
{
    conn->is_paused = true;
    (void)bufferevent_disable(conn->bev, EV_READ);
}

void loop_conn_resume(struct loop_conn *conn)
{
    if (!conn->is_paused || conn->is_closed || conn->is_closing)
        return;
    conn->is_paused = false;
    if (!conn->is_ended)
        (void)bufferevent_enable(conn->bev, EV_READ);
    bufferevent_trigger(conn->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void loop_conn_close(struct loop_conn *conn)
{
    if (conn->is_closed || conn->is_closing)
        return;
    conn->is_closing = true;
    (void)bufferevent_disable(conn->bev, EV_READ);
    if (loop_conn_unsent(conn) == 0) {
        conn_end(conn, NULL);
        return;
    }
    struct timeval limit = timeval_of(CLOSE_NS);
    bufferevent_set_timeouts(conn->bev, NULL, &limit);
}

struct str loop_conn_peer(const struct loop_conn *conn)
{
    return conn->peer_text;
}

/* ---- listeners ---- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
                      int addr_size, void *arg)
{
    (void)listener;
    (void)addr;
    (void)addr_size;
    struct loop_listener *self = arg;
    struct loop_conn *conn = MEM_NEW(struct loop_conn);
    conn->loop = self->loop;
    conn->bev = bufferevent_socket_new(self->loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
    ASSERT(conn->bev);
    net_set_nodelay(fd);
    conn->peer_text = net_peer_text(fd, conn->peer);
    bufferevent_setcb(conn->bev, on_bev_read, on_bev_drained, on_bev_event, conn);
    LIST_ADD(self->loop->conns, conn);
    conn_enter(conn);
    self->ops->on_accept(self->arg, conn);
    ASSERT(conn->ops || conn->is_closed);
    conn_leave(conn);
}

/* Out of descriptors: the connection waits in the kernel, and asking again at once would spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct loop_listener *self = arg;
    struct err err;
    (void)err_set(&err, ERR_NET, "cannot accept a connection: %s",
                  strerrordesc_np(EVUTIL_SOCKET_ERROR()));
    (void)evconnlistener_disable(listener);
    loop_timer_start(self->retry, ACCEPT_RETRY_NS);
    if (self->ops->on_error)
        self->ops->on_error(self->arg, &err);
}

static void on_accept_retry(void *arg)
{
    struct loop_listener *self = arg;
    (void)evconnlistener_enable(self->listener);
}

int loop_listen(struct loop *loop, const struct net_addr *addr, const struct loop_listener_ops *ops,
                void *arg, struct loop_listener **ret_listener, struct err *err)
{
    int fd;
    TRY(net_listen(addr, &fd, err));
    struct loop_listener *self = MEM_NEW(struct loop_listener);
    *self = (struct loop_listener){.loop = loop, .ops = ops, .arg = arg};
    self->listener = evconnlistener_new(loop->base, on_accept, self,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    ASSERT(self->listener);
    self->retry = loop_timer_new(loop, on_accept_retry, self);
    evconnlistener_set_error_cb(self->listener, on_accept_error);
    LIST_ADD(loop->listeners, self);
    *ret_listener = self;
    return 0;
}

uint16_t loop_listener_port(const struct loop_listener *listener)
{
    return net_local_port(evconnlistener_get_fd(listener->listener));
}

void loop_listener_free(struct loop_listener *listener)
{
    if (!listener)
        return;
    LIST_REMOVE(listener->loop->listeners, listener);
    loop_timer_free(listener->retry);
    evconnlistener_free(listener->listener);
    mem_free(listener);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->conns)
        conn_end(loop->conns, NULL);
    while (loop->listeners)
        loop_listener_free(loop->listeners);
    while (loop->timers)
        loop_timer_free(loop->timers);
    event_free(loop->wake);
    event_base_free(loop->base);
    (void)close(loop->wake_fd);
    (void)pthread_mutex_destroy(&loop->mu);
    mem_free(loop);
}
