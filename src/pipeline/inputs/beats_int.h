/* SPDX-License-Identifier: Apache-2.0 */
/* beats_int.h: shared by the files of the beats input.
 *
 * Everything about connections happens on the input's own thread, which runs the loop. Only
 * acknowledgements come from elsewhere: `beats__acked` notes them under `mu` and wakes the loop.
 *
 *   bytes -> frames -> events -> batch --push--> pipeline          each batch has a ticket in its
 * connection's row ticket acknowledged -> oldest tickets of the row that are -> acknowledgement
 * frame of their window
 *
 * A connection whose client hung up lives on until its last ticket comes back. */
#ifndef NARU_PIPELINE_INPUTS_BEATS_INT_H
#define NARU_PIPELINE_INPUTS_BEATS_INT_H

#include <pthread.h>

#include "base/log.h"
#include "codec/lumberjack.h"
#include "os/loop.h"
#include "pipeline/plugin.h"

#define BEATS_BATCH_EVENTS_MAX   500u /* events of a window that go through the pipeline together */
#define BEATS_BATCH_BYTES_MAX    (4 * MIB)
#define BEATS_UNACKED_EVENTS_MAX 100000u /* of one connection: then it is not read */
#define BEATS_CONNECTIONS_MAX    10000u
#define BEATS_INPUT_BYTES_MAX    (256 * KIB) /* read ahead of one connection */
#define BEATS_KEEPALIVE_NS       (5 * NS_PER_S)
#define BEATS_TICK_NS            (500 * NS_PER_MS)
#define BEATS_RETRY_NS           (5 * NS_PER_MS) /* a full queue is tried again */
#define BEATS_STOP_NS            (5 * NS_PER_S)  /* a stop waits so long for what is under way */

struct beats {
    /* Options. */
    struct str host;
    int64_t port, client_inactivity_timeout;
    bool ssl, include_codec_tag, add_hostname;
    struct str ssl_certificate, ssl_key, ssl_key_passphrase;
    struct value ssl_certificate_authorities, cipher_list;
    struct str ssl_verify_mode;
    bool ssl_peer_metadata;
    int64_t ssl_handshake_timeout, executor_threads, congestion_threshold;
    double tls_min_version, tls_max_version;

    struct plugin *plugin;
    struct input *input;
    struct str codec_tag;
    bool is_plain; /* the codec leaves the message as it is */
    struct loop *loop;
    struct loop_listener *listener;
    struct loop_timer *tick, *retry;
    struct loop_task stop_task, news_task;
    struct beats_conn *first; /* all with a client or with tickets */
    size_t conn_count;
    bool is_stopping;      /* the loop's thread */
    int64_t stop_until_ns; /* real monotonic */

    pthread_mutex_t mu;
    bool has_mu;
    struct beats_conn *news_first; /* guarded by mu: connections whose tickets came back */
    bool is_looping;               /* guarded by mu: the loop may be posted to */
    uint16_t bound_port;           /* guarded by mu; 0: not listening */
};

struct beats_ticket {
    uint32_t window; /* number of the window on this connection */
    uint32_t seq;    /* of its last event */
    uint32_t events;
    uint8_t version;
    bool is_last;        /* of the window */
    bool is_done, is_ok; /* guarded by beats.mu */
};

struct beats_conn {
    struct beats *beats;
    struct loop_conn *conn; /* NULL: the client is gone */
    struct beats_conn *next, *prev;
    char ip[NET_HOST_BYTES];
    struct lumberjack_reader *reader;
    struct codec_stream *stream;
    uint32_t window, window_count, window_got; /* the one that comes in */
    uint8_t version;
    struct batch *batch;   /* being filled */
    uint32_t batch_seq;    /* of its last event */
    uint32_t batch_events; /* frames in it: a codec makes more or fewer events of them */
    bool is_blocked;       /* `batch` is complete and the queue is full */
    bool is_paused;
    unsigned depth;             /* callbacks at work on it */
    int64_t heard_ns, acked_ns; /* pipeline's monotonic clock */
    uint32_t acked_seq;         /* of the window that is acknowledged in part */
    uint8_t acked_version;
    bool has_partial;
    uint64_t unacked_events;
    /* Row of tickets; number n is at n % capacity. The array is changed under beats.mu. */
    struct beats_ticket *tickets;
    size_t capacity;
    uint64_t first_ticket, next_ticket;
    struct beats_conn *news_next; /* guarded by beats.mu */
    bool is_news;                 /* guarded by beats.mu */
};

/* beats_conn.c */
void beats__accept(void *arg, struct loop_conn *conn);
void beats__conn_news(struct beats_conn *bc); /* tickets came back; may free it */
void beats__conn_tick(struct beats_conn *bc, int64_t now_ns);
void beats__conn_unblock(struct beats_conn *bc);
void beats__conn_stop(struct beats_conn *bc);
void beats__conn_free(struct beats_conn *bc);
/* beats_event.c: appends the events of one frame to the batch. */
void beats__event_add(struct beats_conn *bc, const struct lumberjack_frame *frame);

#endif
