/* SPDX-License-Identifier: Apache-2.0 */
/* beats.c: the server for Filebeat and its relatives, and for `naru ship`: options, listening,
 * timers, stopping. See beats_int.h for how it works. */
#include "pipeline/inputs/beats_int.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

#define STOP_TICK_NS (20 * NS_PER_MS)

static const struct opt beats_opts[] = {
    OPT_INT(struct beats, port, .flags = OPT_REQUIRED, .min = 0, .max = 65535,
            .help = "Port to listen on; 0: any free one."),
    OPT_STR(struct beats, host, .dflt = "0.0.0.0", .help = "Address to listen on."),
    OPT_INT(struct beats, client_inactivity_timeout, .dflt = "60", .min = 0, .max = 86400 * 365,
            .help = "Seconds without a sign of life after which a client's connection is closed; "
                    "0: never."),
    OPT_BOOL(struct beats, include_codec_tag, .dflt = "true",
             .help = "Tags events with what was done to their message."),
    OPT_BOOL(struct beats, add_hostname, .dflt = "false", .flags = OPT_DEPRECATED,
             .help = "Copies the client's host name to `host`."),
    OPT_BOOL(struct beats, ssl, .dflt = "false", .help = "TLS. Not supported yet."),
    OPT_STR(struct beats, ssl_certificate, .help = "For ssl."),
    OPT_STR(struct beats, ssl_key, .help = "For ssl."),
    OPT_STR(struct beats, ssl_key_passphrase, .flags = OPT_SECRET, .help = "For ssl."),
    OPT_LIST(struct beats, ssl_certificate_authorities, .help = "For ssl."),
    OPT_STR(struct beats, ssl_verify_mode, .help = "For ssl."),
    OPT_BOOL(struct beats, ssl_peer_metadata, .dflt = "false", .help = "For ssl."),
    OPT_INT(struct beats, ssl_handshake_timeout, .dflt = "10000", .help = "For ssl."),
    OPT_LIST(struct beats, cipher_list, .name = "cipher_suites", .help = "For ssl."),
    OPT_FLOAT(struct beats, tls_min_version, .dflt = "1", .help = "For ssl."),
    OPT_FLOAT(struct beats, tls_max_version, .dflt = "1.2", .help = "For ssl."),
    OPT_INT(struct beats, executor_threads, .dflt = "1", .flags = OPT_OBSOLETE,
            .help = "One thread serves all connections here."),
    OPT_INT(struct beats, congestion_threshold, .dflt = "5", .flags = OPT_OBSOLETE,
            .help = "A full queue holds clients back."),
    OPT_END,
};

static int beats_init(void *self, struct plugin *plugin, struct err *err)
{
    struct beats *beats = self;
    beats->plugin = plugin;
    ASSERT(pthread_mutex_init(&beats->mu, NULL) == 0);
    beats->has_mu = true;
    if (!beats->ssl)
        return 0;
    const struct value *at = value_map_get_lit(&plugin->settings, "ssl");
    (void)err_set(err, ERR_UNSUPPORTED,
                  "beats: ssl => true is not supported yet: listen without it behind a TLS proxy");
    return plugin_err_at(plugin, at ? at->pos : 0, err);
}

/* ---- on the loop's thread ---- */

static void on_news(void *arg)
{
    struct beats *beats = arg;
    for (;;) {
        pthread_mutex_lock(&beats->mu);
        struct beats_conn *bc = beats->news_first;
        if (bc) {
            beats->news_first = bc->news_next;
            bc->is_news = false;
        }
        pthread_mutex_unlock(&beats->mu);
        if (!bc)
            return;
        beats__conn_news(bc);
    }
}

static void on_tick(void *arg)
{
    struct beats *beats = arg;
    int64_t now = clock_monotonic_ns(beats->plugin->env->clock);
    for (struct beats_conn *bc = beats->first, *next; bc; bc = next) {
        next = bc->next;
        if (beats->is_stopping)
            beats__conn_stop(bc);
        else
            beats__conn_tick(bc, now);
    }
    bool is_quiet = !beats->first; /* all is acknowledged, and the clients have been told */
    if (beats->is_stopping && (is_quiet || net_deadline_ns(0) > beats->stop_until_ns))
        loop_stop(beats->loop);
    else
        loop_timer_start(beats->tick, beats->is_stopping ? STOP_TICK_NS : BEATS_TICK_NS);
}

static void on_retry(void *arg)
{
    struct beats *beats = arg;
    for (struct beats_conn *bc = beats->first, *next; bc; bc = next) {
        next = bc->next;
        beats__conn_unblock(bc); /* starts the timer anew when the queue is still full */
    }
}

/* No new clients, nothing new from the old ones; what is under way gets its acknowledgement for a
 * while. */
static void on_stop(void *arg)
{
    struct beats *beats = arg;
    if (beats->is_stopping)
        return;
    beats->is_stopping = true;
    beats->stop_until_ns = net_deadline_ns(BEATS_STOP_NS);
    loop_listener_free(beats->listener);
    beats->listener = NULL;
    on_tick(beats);
}

static void on_accept_error(void *arg, const struct err *err)
{
    struct beats *beats = arg;
    plugin_warn(beats->plugin, "cannot accept a connection: %s", err->text);
}

/* ---- life ---- */

static int open_port(struct beats *beats, struct err *err)
{
    static const struct loop_listener_ops ops = {.on_accept = beats__accept,
                                                 .on_error = on_accept_error};
    struct net_addr addr = {.port = (uint16_t)beats->port};
    if (beats->host.n >= sizeof(addr.host))
        return err_set(err, ERR_INVALID, "the host \"%.*s\" is too long", STR_ARG(beats->host));
    memcpy(addr.host, beats->host.p, beats->host.n);
    TRY(loop_listen(beats->loop, &addr, &ops, beats, &beats->listener, err));
    pthread_mutex_lock(&beats->mu);
    beats->bound_port = loop_listener_port(beats->listener);
    pthread_mutex_unlock(&beats->mu);
    log_line(LOG_INFO, "pipeline.input.beats", "listens on %s:%u", addr.host,
             loop_listener_port(beats->listener));
    return 0;
}

static void set_looping(struct beats *beats, bool is_looping)
{
    pthread_mutex_lock(&beats->mu);
    beats->is_looping = is_looping;
    pthread_mutex_unlock(&beats->mu);
}

static int beats_run(void *self, struct input *input, struct err *err)
{
    struct beats *beats = self;
    const char *codec = codec_name(input_codec(input));
    beats->input = input;
    beats->is_plain = strcmp(codec, "plain") == 0;
    beats->codec_tag = arena_printf(beats->plugin->mem, "beats_input_codec_%s_applied", codec);
    beats->loop = loop_new();
    beats->tick = loop_timer_new(beats->loop, on_tick, beats);
    beats->retry = loop_timer_new(beats->loop, on_retry, beats);
    beats->news_task = (struct loop_task){.run = on_news, .arg = beats};
    beats->stop_task = (struct loop_task){.run = on_stop, .arg = beats};
    int rc = open_port(beats, err);
    if (rc == 0) {
        loop_timer_start(beats->tick, BEATS_TICK_NS);
        set_looping(beats, true);
        if (input_is_stopping(input)) /* before anybody could be told */
            loop_post(beats->loop, &beats->stop_task);
        loop_run(beats->loop);
    }
    set_looping(beats, false);
    loop_unpost(beats->loop, &beats->news_task);
    loop_unpost(beats->loop, &beats->stop_task);
    loop_timer_free(beats->tick);
    loop_timer_free(beats->retry);
    loop_free(
        TAKE(beats->loop)); /* connections end; those with tickets stay until these come back */
    return rc;
}

static void beats_stop(void *self)
{
    struct beats *beats = self;
    pthread_mutex_lock(&beats->mu);
    if (beats->is_looping)
        loop_post(beats->loop, &beats->stop_task);
    pthread_mutex_unlock(&beats->mu);
}

/* The pipeline has let go of all batches by now, so every ticket is back. */
static void beats_deinit(void *self)
{
    struct beats *beats = self;
    while (beats->first)
        beats__conn_free(beats->first);
    if (beats->has_mu)
        (void)pthread_mutex_destroy(&beats->mu);
}

const struct input_type input_beats = {
    .name = "beats",
    .summary = "Receives events from Filebeat, other Beats and naru ship.",
    .since = "0.1",
    .opts = beats_opts,
    .size = sizeof(struct beats),
    .default_codec = "plain",
    .init = beats_init,
    .run = beats_run,
    .stop = beats_stop,
    .deinit = beats_deinit,
};
