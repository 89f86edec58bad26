/* SPDX-License-Identifier: Apache-2.0 */
/* beats_conn.c: one connection: frames in, windows acknowledged in order. */
#include "pipeline/inputs/beats_int.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

static int64_t now_of(const struct beats *beats)
{
    return clock_monotonic_ns(beats->plugin->env->clock);
}

/* ---- acknowledgements ---- */

/* From any thread, inside ack_unref: quick. `cookie` is the ticket's number. */
static void on_acked(void *owner, uint64_t cookie, bool is_ok)
{
    struct beats_conn *bc = owner;
    struct beats *beats = bc->beats;
    pthread_mutex_lock(&beats->mu);
    struct beats_ticket *ticket = &bc->tickets[cookie % bc->capacity];
    ticket->is_done = true;
    ticket->is_ok = is_ok;
    if (!bc->is_news) {
        bc->is_news = true;
        bc->news_next = beats->news_first;
        beats->news_first = bc;
    }
    if (beats->is_looping)
        loop_post(beats->loop, &beats->news_task);
    pthread_mutex_unlock(&beats->mu);
}

static uint64_t ticket_add(struct beats_conn *bc, struct beats_ticket ticket)
{
    pthread_mutex_lock(&bc->beats->mu);
    if (bc->next_ticket - bc->first_ticket == bc->capacity) {
        size_t capacity = bc->capacity ? bc->capacity * 2 : 8;
        struct beats_ticket *tickets = MEM_ARRAY(struct beats_ticket, capacity);
        for (uint64_t i = bc->first_ticket; i < bc->next_ticket; i++)
            tickets[i % capacity] = bc->tickets[i % bc->capacity];
        mem_free(bc->tickets);
        bc->tickets = tickets;
        bc->capacity = capacity;
    }
    uint64_t number = bc->next_ticket++;
    bc->tickets[number % bc->capacity] = ticket;
    pthread_mutex_unlock(&bc->beats->mu);
    return number;
}

/* The oldest ticket, when it came back. */
static bool ticket_take(struct beats_conn *bc, struct beats_ticket *ret_ticket)
{
    bool is_there = false;
    pthread_mutex_lock(&bc->beats->mu);
    if (bc->first_ticket < bc->next_ticket &&
        bc->tickets[bc->first_ticket % bc->capacity].is_done) {
        *ret_ticket = bc->tickets[bc->first_ticket++ % bc->capacity];
        is_there = true;
    }
    pthread_mutex_unlock(&bc->beats->mu);
    return is_there;
}

static void write_ack(struct beats_conn *bc, uint8_t version, uint32_t seq)
{
    struct buf out;
    if (!bc->conn)
        return;
    buf_init(&out, 64);
    lumberjack_write_ack(&out, version, seq);
    loop_conn_write(bc->conn, out.p, out.n);
    buf_deinit(&out);
    bc->acked_ns = now_of(bc->beats);
}

static void hang_up(struct beats_conn *bc)
{
    if (bc->conn)
        loop_conn_close(bc->conn);
}

/* Closing may call on_closed at once, so whoever works on a connection holds it meanwhile. */
static void enter(struct beats_conn *bc)
{
    bc->depth++;
}

static void leave(struct beats_conn *bc)
{
    if (--bc->depth == 0 && !bc->conn && bc->first_ticket == bc->next_ticket)
        beats__conn_free(bc);
}

static void read_on(struct beats_conn *bc);

void beats__conn_news(struct beats_conn *bc)
{
    struct beats_ticket ticket;
    enter(bc);
    while (ticket_take(bc, &ticket)) {
        bc->unacked_events -= ticket.events;
        if (!ticket.is_ok) { /* the pipeline gave it up: the client keeps it and sends it again */
            hang_up(bc);
        } else if (ticket.is_last) {
            write_ack(bc, ticket.version, ticket.seq);
            bc->has_partial = false;
        } else {
            bc->has_partial = true;
            bc->acked_seq = ticket.seq;
            bc->acked_version = ticket.version;
        }
    }
    if (bc->conn && bc->is_paused && !bc->is_blocked)
        read_on(bc);
    leave(bc);
}

/* ---- batches ---- */

/* Hands the batch on; false: the queue is full. */
static bool push_batch(struct beats_conn *bc)
{
    struct batch *batch = bc->batch;
    if (batch->count == 0) { /* the codec made nothing of it: delivered */
        bc->batch = NULL;
        batch_unref(batch);
        return true;
    }
    int rc = input_push(bc->beats->input, batch, 0);
    if (rc == -ERR_TIMEOUT) {
        bc->is_blocked = true;
        loop_timer_start(bc->beats->retry, BEATS_RETRY_NS);
        return false;
    }
    bc->is_blocked = false;
    bc->batch = NULL;
    if (rc < 0) { /* stopping: not taken, so not acknowledged */
        ack_fail(batch->ack);
        batch_unref(batch);
        hang_up(bc);
    }
    return true;
}

/* The batch gets its ticket when it is complete: then its last event is known. */
static bool seal_batch(struct beats_conn *bc, bool is_last)
{
    struct batch *batch = bc->batch;
    struct beats_ticket ticket = {.window = bc->window,
                                  .seq = bc->batch_seq,
                                  .version = bc->version,
                                  .events = bc->batch_events,
                                  .is_last = is_last};
    uint64_t number = ticket_add(bc, ticket);
    bc->unacked_events += bc->batch_events;
    batch->ack = ack_new(on_acked, bc, number);
    return push_batch(bc);
}

static struct batch *batch_of(struct beats_conn *bc)
{
    if (!bc->batch) {
        bc->batch = input_batch_new(bc->beats->input, NULL, NULL, 0);
        bc->batch_events = 0;
    }
    return bc->batch;
}

/* ---- frames ---- */

static void fail(struct beats_conn *bc, const struct err *err)
{
    if (err->off >= 0)
        plugin_warn(bc->beats->plugin, "closes the connection from %s: %s (byte %lld of it)",
                    bc->ip, err->text, (long long)err->off);
    else
        plugin_warn(bc->beats->plugin, "closes the connection from %s: %s", bc->ip, err->text);
    metric_add(&bc->beats->plugin->failures, 1);
    hang_up(bc);
}

static int take_window(struct beats_conn *bc, const struct lumberjack_frame *frame, struct err *err)
{
    if (bc->window_got < bc->window_count)
        return err_set(err, ERR_PARSE,
                       "a window of %u events began before the last one, of %u, was complete (%u)",
                       frame->seq, bc->window_count, bc->window_got);
    bc->window++;
    bc->window_count = frame->seq;
    bc->window_got = 0;
    bc->version = frame->version;
    return 0;
}

/* *ret_goes_on false: the queue is full. */
static int take_event(struct beats_conn *bc, const struct lumberjack_frame *frame,
                      bool *ret_goes_on, struct err *err)
{
    if (bc->window_got == bc->window_count)
        return err_set(err, ERR_PARSE, "an event outside of a window (event %u of %u)",
                       bc->window_got + 1, bc->window_count);
    struct batch *batch = batch_of(bc);
    beats__event_add(bc, frame);
    bc->batch_events++;
    bc->batch_seq = frame->seq;
    bool is_last = ++bc->window_got == bc->window_count;
    if (is_last || batch->count >= BEATS_BATCH_EVENTS_MAX || batch->bytes >= BEATS_BATCH_BYTES_MAX)
        *ret_goes_on = seal_batch(bc, is_last);
    return 0;
}

static int take_frame(struct beats_conn *bc, const struct lumberjack_frame *frame,
                      bool *ret_goes_on, struct err *err)
{
    switch (frame->kind) {
    case LUMBERJACK_WINDOW:
        return take_window(bc, frame, err);
    case LUMBERJACK_JSON:
    case LUMBERJACK_DATA:
        return take_event(bc, frame, ret_goes_on, err);
    case LUMBERJACK_ACK:
        return err_set(err, ERR_PARSE, "a client does not acknowledge");
    case LUMBERJACK_MORE:
        break;
    }
    *ret_goes_on = false;
    return 0;
}

/* Takes what the reader holds. False: no more now, because the queue is full, too much is
 * unacknowledged, or the connection ends. */
static bool take_frames(struct beats_conn *bc)
{
    bool goes_on = true;
    struct lumberjack_frame frame = {.kind = LUMBERJACK_MORE};
    while (goes_on && bc->conn) {
        struct err err;
        if (bc->unacked_events >= BEATS_UNACKED_EVENTS_MAX)
            return false;
        int rc = lumberjack_next(bc->reader, &frame, &err);
        if (rc == 0)
            rc = take_frame(bc, &frame, &goes_on, &err);
        if (rc < 0) {
            fail(bc, &err);
            return false;
        }
    }
    return bc->conn && frame.kind == LUMBERJACK_MORE;
}

static void hold_back(struct beats_conn *bc)
{
    if (bc->conn && !bc->is_paused) {
        bc->is_paused = true;
        loop_conn_pause(bc->conn);
    }
}

static void read_on(struct beats_conn *bc)
{
    if (!take_frames(bc)) {
        hold_back(bc);
        return;
    }
    bc->is_paused = false;
    bc->heard_ns = now_of(bc->beats);
    loop_conn_resume(bc->conn);
}

void beats__conn_unblock(struct beats_conn *bc)
{
    enter(bc);
    if (bc->is_blocked && push_batch(bc) && bc->conn)
        read_on(bc);
    leave(bc);
}

static void on_input(void *arg, struct loop_conn *conn)
{
    struct beats_conn *bc = arg;
    struct str input = loop_conn_input(conn);
    enter(bc);
    bc->heard_ns = now_of(bc->beats);
    lumberjack_feed(bc->reader, input.p, input.n);
    loop_conn_consume(conn, input.n);
    if (!take_frames(bc))
        hold_back(bc);
    leave(bc);
}

/* ---- life ---- */

static void on_closed(void *arg, struct loop_conn *conn, const struct err *reason)
{
    struct beats_conn *bc = arg;
    (void)conn;
    enter(bc);
    bc->conn = NULL;
    if (reason)
        log_line(LOG_DEBUG, "pipeline.input.beats", "lost %s: %s", bc->ip, reason->text);
    else if (lumberjack_reader_pending(bc->reader) > 0)
        log_line(LOG_DEBUG, "pipeline.input.beats", "%s hung up in the middle of a frame", bc->ip);
    if (bc->is_blocked) { /* has its ticket: comes back as failed, nobody is there to hear it */
        ack_fail(bc->batch->ack);
        bc->is_blocked = false;
    }
    batch_unref(bc->batch);
    bc->batch = NULL;
    leave(bc);
}

/* The address without its port. */
static void copy_ip(struct beats_conn *bc, struct str peer)
{
    size_t n = peer.n;
    while (n > 0 && peer.p[n - 1] != ':')
        n--;
    struct str ip = n > 0 ? str_sub(peer, 0, n - 1) : peer;
    if (ip.n > 1 && ip.p[0] == '[')
        ip = str_sub(ip, 1, ip.n - 2);
    n = MIN_OF(ip.n, sizeof(bc->ip) - 1);
    memcpy(bc->ip, ip.p, n);
    bc->ip[n] = '\0';
}

void beats__accept(void *arg, struct loop_conn *conn)
{
    static const struct loop_conn_ops ops = {.on_input = on_input, .on_closed = on_closed};
    struct beats *beats = arg;
    if (beats->conn_count >= BEATS_CONNECTIONS_MAX || beats->is_stopping) {
        if (!beats->is_stopping)
            plugin_warn(beats->plugin, "more than %u connections: one is refused",
                        BEATS_CONNECTIONS_MAX);
        loop_conn_close(conn);
        return;
    }
    struct beats_conn *bc = MEM_NEW(struct beats_conn);
    bc->beats = beats;
    bc->conn = conn;
    copy_ip(bc, loop_conn_peer(conn));
    bc->reader = lumberjack_reader_new(NULL);
    if (!beats->is_plain)
        bc->stream = codec_stream_new(input_codec(beats->input));
    bc->heard_ns = bc->acked_ns = now_of(beats);
    bc->next = beats->first;
    if (beats->first)
        beats->first->prev = bc;
    beats->first = bc;
    beats->conn_count++;
    loop_conn_start(conn, &ops, bc, BEATS_INPUT_BYTES_MAX, 0);
}

void beats__conn_free(struct beats_conn *bc)
{
    struct beats *beats = bc->beats;
    pthread_mutex_lock(&beats->mu);
    if (bc->is_news) {
        struct beats_conn **at = &beats->news_first;
        while (*at != bc)
            at = &(*at)->news_next;
        *at = bc->news_next;
    }
    pthread_mutex_unlock(&beats->mu);
    if (bc->prev)
        bc->prev->next = bc->next;
    else
        beats->first = bc->next;
    if (bc->next)
        bc->next->prev = bc->prev;
    beats->conn_count--;
    batch_unref(bc->batch);
    codec_stream_free(bc->stream);
    lumberjack_reader_free(bc->reader);
    mem_free(bc->tickets);
    mem_free(bc);
}

/* Tells a waiting client that we live, and closes silent ones. */
void beats__conn_tick(struct beats_conn *bc, int64_t now_ns)
{
    struct beats *beats = bc->beats;
    if (!bc->conn)
        return;
    enter(bc);
    bool is_busy = bc->first_ticket != bc->next_ticket || bc->window_got < bc->window_count;
    if (bc->first_ticket != bc->next_ticket) {
        if (now_ns - bc->acked_ns >= BEATS_KEEPALIVE_NS)
            write_ack(bc, bc->has_partial ? bc->acked_version : bc->version,
                      bc->has_partial ? bc->acked_seq : 0);
    }
    int64_t silent_ns = now_ns - MAX_OF(bc->heard_ns, bc->acked_ns);
    if (beats->client_inactivity_timeout > 0 &&
        silent_ns > beats->client_inactivity_timeout * NS_PER_S) {
        log_line(LOG_DEBUG, "pipeline.input.beats",
                 "closes the connection from %s: nothing came for %lld s%s", bc->ip,
                 (long long)beats->client_inactivity_timeout,
                 is_busy ? ", in the middle of a window" : "");
        hang_up(bc);
    }
    leave(bc);
}

void beats__conn_stop(struct beats_conn *bc)
{
    enter(bc);
    if (bc->conn && bc->first_ticket == bc->next_ticket)
        hang_up(bc);
    else
        hold_back(bc);
    leave(bc);
}
