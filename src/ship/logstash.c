/* SPDX-License-Identifier: Apache-2.0 */
/* logstash.c: output.logstash: Lumberjack version 2 to one or several hosts.
 *
 * A client is a thread with at most one connection. It takes batches from the outbox, sends each as
 * one window (one compressed frame), keeps up to `pipelining` windows under way and reads
 * acknowledgements in order. When anything goes wrong, all it has under way goes back to the front
 * of the outbox, without the events that were acknowledged of a window, and it tries again after a
 * pause that doubles: at the same host, at another one of the list, or (with loadbalance) it leaves
 * the work to the clients of the other hosts meanwhile.
 *
 * An acknowledgement of 0 says "busy, be patient" and starts the timeout anew. One beyond the
 * window breaks the protocol. */
#include "ship/ship_int.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/opt.h"
#include "codec/lumberjack.h"

#define PORT_DEFAULT   5044u
#define PIPELINING_MAX 16u
#define SLICE_NS       (100 * NS_PER_MS) /* a wait looks for a stop this often */

struct settings {
    bool enabled, loadbalance, slow_start, escape_html;
    struct value hosts, ssl, proxy_url, backoff;
    int64_t worker, pipelining, compression_level, bulk_max_size, max_retries;
    int64_t timeout, ttl;
    struct str index;
};
static const struct opt logstash_opts[] = {
    OPT_BOOL(struct settings, enabled, .dflt = "true", .help = "On or off."),
    OPT_LIST(struct settings, hosts, .flags = OPT_REQUIRED,
             .help = "host:port, port 5044 when missing."),
    OPT_BOOL(struct settings, loadbalance, .dflt = "false",
             .help = "All hosts at once instead of one after the other."),
    OPT_INT(struct settings, worker, .dflt = "1", .min = 1, .max = 64,
            .help = "Connections to each host, with loadbalance."),
    OPT_INT(struct settings, pipelining, .dflt = "2", .min = 0, .max = PIPELINING_MAX,
            .help = "Windows under way."),
    OPT_INT(struct settings, compression_level, .dflt = "3", .min = 0, .max = 9,
            .help = "0: none."),
    OPT_INT(struct settings, bulk_max_size, .dflt = "2048", .min = 0, .max = SHIP__BATCH_EVENTS_MAX,
            .help = "Events in a window."),
    OPT_INT(struct settings, max_retries, .dflt = "3",
            .help = "Without effect, as in Filebeat: it tries for ever."),
    OPT_DURATION(struct settings, timeout, .dflt = "30s", .min = 1, .max = INT64_MAX,
                 .help = "For connecting, sending, and between acknowledgements."),
    OPT_DURATION(struct settings, ttl, .dflt = "0",
                 .help = "A connection's longest life; 0: no end."),
    OPT_STR(struct settings, index, .dflt = "filebeat", .help = "Becomes [@metadata][beat]."),
    OPT_BOOL(struct settings, slow_start, .dflt = "false", .flags = OPT_OBSOLETE,
             .help = "Smaller windows after an error."),
    OPT_BOOL(struct settings, escape_html, .dflt = "false", .flags = OPT_OBSOLETE,
             .help = "Not done."),
    OPT_VALUE(struct settings, backoff, .help = "init, max."),
    OPT_VALUE(struct settings, ssl, .help = "TLS."),
    OPT_VALUE(struct settings, proxy_url, .help = "SOCKS proxy."),
    OPT_END};
struct backoff {
    int64_t init, max;
};
static const struct opt backoff_opts[] = {
    OPT_DURATION(struct backoff, init, .dflt = "1s", .min = 1, .max = INT64_MAX,
                 .help = "The first pause."),
    OPT_DURATION(struct backoff, max, .dflt = "60s", .min = 1, .max = INT64_MAX,
                 .help = "The longest pause."),
    OPT_END};

struct window {
    struct ship__batch *batch;
    uint32_t acked; /* of its events */
};

struct client {
    struct ship *ship;
    struct logstash *out;
    pthread_t thread;
    struct rng rng;
    size_t host; /* with loadbalance: its own; else the one in use */
    int fd;      /* -1: none */
    int64_t connected_ns, heard_ns;
    int64_t backoff_ns;
    struct window windows[PIPELINING_MAX]; /* oldest first */
    size_t window_count;
    struct lumberjack_reader *reader;
    struct lumberjack_deflater *deflater;
    struct buf wire;
    bool is_started;
};

struct logstash {
    struct settings settings;
    struct backoff backoff;
    struct net_addr hosts[SHIP__HOSTS_MAX];
    size_t host_count;
    struct client *clients;
    size_t client_count, window_max;
};

/* ---- settings ---- */

static int load_hosts(struct ship *ship, struct logstash *out, struct err *err)
{
    const struct value *list = &out->settings.hosts;
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *v = &list->list->items[i];
        struct err why;
        if (out->host_count == SHIP__HOSTS_MAX)
            return ship__fail(ship, v, err, ERR_TOO_LARGE, "more than %u hosts", SHIP__HOSTS_MAX);
        if (v->kind != VALUE_STR || v->s.n == 0)
            return ship__fail(ship, v, err, ERR_CONFIG, "a host is a text like \"127.0.0.1:5044\"");
        if (net_addr_parse(v->s, PORT_DEFAULT, &out->hosts[out->host_count], &why) < 0)
            return ship__fail(ship, v, err, ERR_CONFIG, "%s", why.text);
        out->host_count++;
    }
    if (out->host_count == 0)
        return ship__fail(ship, list, err, ERR_CONFIG, "output.logstash.hosts is empty");
    return 0;
}

static bool is_switched_on(const struct value *v)
{
    if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
        return false;
    const struct value *enabled = v->kind == VALUE_MAP ? value_map_get_lit(v, "enabled") : NULL;
    return !(enabled && enabled->kind == VALUE_BOOL && !enabled->b);
}

static int logstash_load(struct ship *ship, const struct value *conf, struct err *err)
{
    static const struct value none = {.kind = VALUE_NONE};
    struct logstash *out = ARENA_NEW(ship->mem, struct logstash);
    struct settings *s = &out->settings;
    TRY(ship__fill(ship, logstash_opts, s, conf, NULL, err));
    if (is_switched_on(&s->ssl))
        return ship__fail(ship, &s->ssl, err, ERR_UNSUPPORTED,
                          "output.logstash.ssl is not supported yet: use a tunnel");
    if (is_switched_on(&s->proxy_url))
        return ship__fail(ship, &s->proxy_url, err, ERR_UNSUPPORTED,
                          "output.logstash.proxy_url is not supported");
    TRY(ship__fill(ship, backoff_opts, &out->backoff,
                   s->backoff.kind == VALUE_MAP ? &s->backoff : &none, NULL, err));
    TRY(load_hosts(ship, out, err));
    out->client_count = s->loadbalance ? out->host_count * (size_t)s->worker : 1;
    out->window_max = (size_t)MAX_OF(s->pipelining, 1);
    ship->bulk_events_max =
        s->bulk_max_size > 0 ? (size_t)s->bulk_max_size : SHIP__BATCH_EVENTS_MAX;
    ship->batches_min = out->client_count * (out->window_max + 1);
    ship->beat_index = s->index;
    ship->output_state = out;
    return 0;
}

/* ---- one client ---- */

static int64_t now_of(const struct client *client)
{
    return clock_monotonic_ns(client->ship->config.clock);
}

static const char *host_text(const struct client *client, char *text, size_t size)
{
    const struct net_addr *addr = &client->out->hosts[client->host];
    (void)snprintf(text, size, strchr(addr->host, ':') ? "[%s]:%u" : "%s:%u", addr->host,
                   addr->port);
    return text;
}

static void hang_up(struct client *client)
{
    net_close(client->fd);
    client->fd = -1;
}

/* Drops the events that the other side has; true: that were all. */
static bool trim(struct window *window)
{
    struct ship__batch *batch = window->batch;
    if (window->acked == 0)
        return false;
    buf_drop(&batch->frames, lumberjack_skip(buf_str(&batch->frames), window->acked));
    batch->count = lumberjack_renumber(batch->frames.p, batch->frames.n);
    window->acked = 0;
    return batch->count == 0;
}

/* Everything under way goes back, the oldest in front. */
static void give_back(struct client *client)
{
    while (client->window_count > 0) {
        struct window *window = &client->windows[--client->window_count];
        metric_add(&client->ship->stats.acked, window->acked);
        if (trim(window)) {
            ship__acked(client->ship, window->batch);
            continue;
        }
        metric_add(&client->ship->stats.resent, 1);
        ship__outbox_give_back(&client->ship->outbox, window->batch);
    }
}

static bool is_closing(struct client *client)
{
    return ship__outbox_is_closed(&client->ship->outbox);
}

static void pause_after_failure(struct client *client)
{
    struct clock *clock = client->ship->config.clock;
    int64_t ns = client->backoff_ns / 2 + rng_between(&client->rng, 0, client->backoff_ns / 2);
    int64_t until = clock_monotonic_ns(clock) + ns;
    client->backoff_ns = MIN_OF(client->backoff_ns * 2, client->out->backoff.max);
    while (!is_closing(client) && clock_monotonic_ns(clock) < until)
        clock_sleep_ns(clock, MIN_OF(SLICE_NS, until - clock_monotonic_ns(clock)));
}

static void failed(struct client *client, const char *what, const struct err *err)
{
    char host[NET_TEXT_BYTES];
    metric_add(&client->ship->stats.failures, 1);
    log_line(LOG_ERROR, "ship.logstash", "%s %s: %s; goes on by itself", what,
             host_text(client, host, sizeof(host)), err->text);
    hang_up(client);
    give_back(client);
    if (!client->out->settings.loadbalance && client->out->host_count > 1) {
        size_t step = 1 + (size_t)rng_below(&client->rng, client->out->host_count - 1);
        client->host = (client->host + step) % client->out->host_count;
    }
    pause_after_failure(client);
}

static bool connected(struct client *client)
{
    struct err err;
    char host[NET_TEXT_BYTES];
    if (client->fd >= 0)
        return true;
    if (net_connect(&client->out->hosts[client->host], client->out->settings.timeout, &client->fd,
                    &err) < 0) {
        client->fd = -1;
        failed(client, "cannot connect to", &err);
        return false;
    }
    lumberjack_reader_free(client->reader);
    client->reader = lumberjack_reader_new(NULL);
    client->connected_ns = client->heard_ns = now_of(client);
    metric_add(&client->ship->stats.connections, 1);
    log_line(LOG_INFO, "ship.logstash", "connected to %s", host_text(client, host, sizeof(host)));
    return true;
}

static int send_window(struct client *client, const struct ship__batch *batch, struct err *err)
{
    struct buf *wire = &client->wire;
    buf_clear(wire);
    lumberjack_write_window(wire, 2, batch->count);
    if (client->deflater)
        lumberjack_write_compressed(wire, client->deflater, buf_str(&batch->frames));
    else
        buf_add_str(wire, buf_str(&batch->frames));
    ASSERT(!wire->is_over);
    TRY(net_write_all(client->fd, wire->p, wire->n, client->out->settings.timeout, err));
    metric_add(&client->ship->stats.wire, wire->n);
    metric_add(&client->ship->stats.batches, 1);
    return 0;
}

static int take_ack(struct client *client, uint32_t seq, struct err *err)
{
    client->heard_ns = now_of(client);
    if (seq == 0)
        return 0;
    struct window *window = &client->windows[0];
    if (client->window_count == 0 || seq > window->batch->count)
        return err_set(err, ERR_NET, "it acknowledged event %u of a window of %u", seq,
                       client->window_count ? window->batch->count : 0);
    window->acked = MAX_OF(window->acked, seq);
    if (window->acked < window->batch->count)
        return 0;
    client->backoff_ns = client->out->backoff.init;
    ship__acked(client->ship, window->batch);
    client->window_count--;
    memmove(client->windows, client->windows + 1, client->window_count * sizeof(struct window));
    return 0;
}

static int take_frames(struct client *client, struct err *err)
{
    struct lumberjack_frame frame = {.kind = LUMBERJACK_ACK};
    for (;;) {
        TRY(lumberjack_next(client->reader, &frame, err));
        if (frame.kind == LUMBERJACK_MORE)
            return 0;
        if (frame.kind != LUMBERJACK_ACK)
            return err_set(err, ERR_NET, "it sent a frame that is no acknowledgement");
        TRY(take_ack(client, frame.seq, err));
    }
}

/* Reads what comes within a slice. */
static int hear(struct client *client, struct err *err)
{
    char bytes[4096];
    size_t n;
    int rc = net_read(client->fd, bytes, sizeof(bytes), SLICE_NS, &n, err);
    if (rc == -ERR_TIMEOUT) {
        if (now_of(client) - client->heard_ns < client->out->settings.timeout)
            return 0;
        return err_set(err, ERR_TIMEOUT, "no acknowledgement for %lld s (timeout)",
                       (long long)(client->out->settings.timeout / NS_PER_S));
    }
    TRY(rc);
    if (n == 0)
        return err_set(err, ERR_NET, "it hung up");
    lumberjack_feed(client->reader, bytes, n);
    return take_frames(client, err);
}

/* The other side may close an idle connection; that is no failure, there is nothing under way. */
static void look_at_idle(struct client *client)
{
    char bytes[64];
    size_t n;
    struct err err;
    if (client->fd < 0)
        return;
    int rc = net_read(client->fd, bytes, sizeof(bytes), 0, &n, &err);
    int64_t ttl = client->out->settings.ttl;
    bool is_old = ttl > 0 && now_of(client) - client->connected_ns > ttl;
    if (rc == 0 && n > 0)
        lumberjack_feed(client->reader, bytes, n);
    if ((rc == 0 && n == 0) || (rc < 0 && rc != -ERR_TIMEOUT) || is_old)
        hang_up(client);
    else if (rc == 0 && take_frames(client, &err) < 0)
        hang_up(client);
}

static void push_window(struct client *client, struct ship__batch *batch)
{
    if (client->window_count == 0)
        client->heard_ns = now_of(client);
    client->windows[client->window_count++] = (struct window){.batch = batch};
}

/* Fills up the windows under way; false: nothing is. */
static bool fill_windows(struct client *client)
{
    while (client->window_count < client->out->window_max) {
        bool is_idle = client->window_count == 0;
        if (is_idle)
            look_at_idle(client);
        struct ship__batch *batch =
            ship__outbox_take(&client->ship->outbox, is_idle ? NS_PER_S : 0);
        struct err err;
        if (!batch)
            break;
        if (client->window_count == 0)
            look_at_idle(client); /* it may have been closed while nothing was to send */
        push_window(client, batch);
        if (!connected(client))
            return false;
        if (send_window(client, batch, &err) < 0) {
            failed(client, "cannot send to", &err);
            return false;
        }
    }
    return client->window_count > 0;
}

static void *client_run(void *arg)
{
    struct client *client = arg;
    struct err err;
    while (!is_closing(client)) {
        if (fill_windows(client) && hear(client, &err) < 0)
            failed(client, "lost", &err);
    }
    give_back(client);
    hang_up(client);
    return NULL;
}

static int logstash_start(struct ship *ship, struct err *err)
{
    struct logstash *out = ship->output_state;
    out->clients = MEM_ARRAY(struct client, out->client_count);
    for (size_t i = 0; i < out->client_count; i++) {
        struct client *client = &out->clients[i];
        client->ship = ship;
        client->out = out;
        client->fd = -1;
        client->backoff_ns = out->backoff.init;
        rng_split(&ship->rng, &client->rng);
        client->host = out->settings.loadbalance ? i % out->host_count
                                                 : (size_t)rng_below(&client->rng, out->host_count);
        if (out->settings.compression_level > 0)
            client->deflater = lumberjack_deflater_new((int)out->settings.compression_level);
        buf_init(&client->wire, 0);
        if (pthread_create(&client->thread, NULL, client_run, client) != 0)
            return err_set(err, ERR_INTERNAL, "cannot start a thread for an output's connection");
        client->is_started = true;
    }
    return 0;
}

static void logstash_stop(struct ship *ship)
{
    struct logstash *out = ship->output_state;
    for (size_t i = 0; out->clients && i < out->client_count; i++) {
        struct client *client = &out->clients[i];
        if (client->is_started)
            (void)pthread_join(client->thread, NULL);
        client->is_started = false;
        lumberjack_reader_free(client->reader);
        lumberjack_deflater_free(client->deflater);
        buf_deinit(&client->wire);
    }
    mem_free(out->clients);
    out->clients = NULL;
}

static void logstash_deinit(struct ship *ship)
{
    (void)ship; /* it lies in the shipper's arena */
}

const struct ship__output ship__output_logstash = {.name = "logstash",
                                                   .load = logstash_load,
                                                   .start = logstash_start,
                                                   .stop = logstash_stop,
                                                   .deinit = logstash_deinit};
