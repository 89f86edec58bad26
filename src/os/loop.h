/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: one thread that serves many connections: timers, wake-ups from other threads, listeners,
 * and buffered connections. Wraps libevent, so that TLS is a change in one place.
 *
 * Threads: loop_post and loop_stop may be called from anywhere; everything else on the loop's
 * thread, which is the one in loop_run (before loop_run starts: the one that made the loop). */
#ifndef NARU_OS_LOOP_H
#define NARU_OS_LOOP_H

#include "base/base.h"
#include "base/err.h"
#include "os/net.h"

struct loop;
struct loop_timer;
struct loop_listener;
struct loop_conn;

struct loop *loop_new(void);
/* Closes what is still there: connections (on_closed is called), then listeners and timers. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop); /* until loop_stop; may be run again */
void loop_stop(struct loop *loop);

/* Work for the loop's thread. The task belongs to the caller and lives until it ran or was taken
 * back; it waits at most once however often it is posted, so posting cannot fail and needs no
 * limit. */
struct loop_task {
    void (*run)(void *arg);
    void *arg;
    struct loop_task *next; /* the loop's, as is_posted */
    bool is_posted;
};
void loop_post(struct loop *loop, struct loop_task *task);
void loop_unpost(struct loop *loop, struct loop_task *task);

/* Real time. A timer fires once per start; starting again moves it. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fire)(void *arg), void *arg);
void loop_timer_free(struct loop_timer *timer);
void loop_timer_start(struct loop_timer *timer, int64_t ns);
void loop_timer_stop(struct loop_timer *timer);

struct loop_listener_ops {
    /* A connection came in. MUST call loop_conn_start or loop_conn_close. */
    void (*on_accept)(void *arg, struct loop_conn *conn);
    /* Accepting failed (out of descriptors); it goes on by itself after a second. MAY be NULL. */
    void (*on_error)(void *arg, const struct err *err);
};
int loop_listen(struct loop *loop, const struct net_addr *addr, const struct loop_listener_ops *ops,
                void *arg, struct loop_listener **ret_listener, struct err *err) WARN_UNUSED;
uint16_t loop_listener_port(const struct loop_listener *listener);
void loop_listener_free(struct loop_listener *listener); /* its connections stay */

/*   accepted --start--> open --(close, hang-up, error)--> on_closed, then the loop frees it
 * Inside any callback the connection may be paused, written to and closed. */
struct loop_conn_ops {
    /* New input, or input left over after loop_conn_resume. Takes what is complete by
     * loop_conn_consume. */
    void (*on_input)(void *arg, struct loop_conn *conn);
    /* All that was written has been handed to the kernel. MAY be NULL. */
    void (*on_drained)(void *arg, struct loop_conn *conn);
    /* The last call, exactly once. `reason`: NULL for an orderly end (ours or theirs). */
    void (*on_closed)(void *arg, struct loop_conn *conn, const struct err *reason);
};
/* `input_bytes_max`: no more is buffered; input that fills it without one complete piece ends the
 * connection with ERR_TOO_LARGE. `idle_ns`: ends with ERR_TIMEOUT when nothing comes for so long
 * while not paused, or the other side takes nothing for so long; 0: never. */
void loop_conn_start(struct loop_conn *conn, const struct loop_conn_ops *ops, void *arg,
                     size_t input_bytes_max, int64_t idle_ns);
struct str loop_conn_input(const struct loop_conn *conn); /* borrowed until the next call here */
void loop_conn_consume(struct loop_conn *conn, size_t n);
void loop_conn_write(struct loop_conn *conn, const void *p,
                     size_t n); /* copied; see loop_conn_unsent */
size_t loop_conn_unsent(const struct loop_conn *conn);
void loop_conn_pause(
    struct loop_conn *conn); /* no on_input until resume: the other side is held back */
void loop_conn_resume(struct loop_conn *conn);
/* Sends what was written, then ends. Input that is left is dropped. */
void loop_conn_close(struct loop_conn *conn);
struct str loop_conn_peer(const struct loop_conn *conn); /* "127.0.0.1:4711" */

#endif
