/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server.c: see kis_server.h. One thread runs libwebsockets; a timer looks every few
 * milliseconds which sessions (kis_session.c) have trades due and asks for their writable
 * callback. */
#include "sim/kis_server_int.h"

#include "base/hash.h"
#include "base/str.h"

#define TICK_US 5000 /* real time between looks */

/* User memory of a connection: a session for a WebSocket, a body for an HTTP request. */
struct connection {
    struct kis_session *session;
    struct buf *body;
    struct buf *reply;
};

/* ---- faults ---- */

static const char *const fault_names[] = {"drop",        "nopingpong", "badcount",
                                          "shortrecord", "encrypted",  "extrafield",
                                          "silence",     "badkey",     NULL};

int kis_faults_parse(struct str text, unsigned *ret_faults, struct err *err)
{
    unsigned faults = 0;
    struct str word;
    while (text.n && str_split_next(&text, ',', &word)) {
        word = str_trim(word);
        size_t i = 0;
        while (fault_names[i] && !str_eq(word, str_from(fault_names[i])))
            i++;
        if (!fault_names[i])
            return err_set(err, ERR_INVALID,
                           "unknown fault \"" STR_FMT
                           "\": drop, nopingpong, badcount, shortrecord, encrypted, "
                           "extrafield, silence and badkey are known",
                           STR_ARG(word));
        faults |= 1u << i;
    }
    *ret_faults = faults;
    return 0;
}

/* ---- time ---- */

int64_t kis__now(struct kis_server *server)
{
    if (server->config.is_live)
        return clock_wall_ns(server->config.clock);
    if (server->start_ns == INT64_MAX)
        return server->from_ns;
    int64_t gone = clock_monotonic_ns(server->config.clock) - server->start_ns;
    return gone <= 0 ? server->from_ns
                     : server->from_ns + (int64_t)((double)gone * server->config.speed);
}

/* ---- HTTP: the approval key ---- */

static unsigned approval_answer(struct kis_server *server, struct str body, struct buf *out)
{
    uint64_t app = 0;
    arena_reset(server->mem);
    unsigned status = kis__approval_parse(body, server->mem, &app, out);
    if (status != 200)
        return status;
    /* The same key for the same app all day; with the fault, each refused key is followed by
     * another. */
    uint64_t generation = 0;
    char key[KIS_KEY_BYTES + 1];
    struct kis_account *account;
    do {
        kis__key_make(app ^ server->config.seed, generation++, key);
        account = kis__account_find(server, str_from(key));
    } while (account && account->is_refused);
    if (!account) {
        account = kis__account_add(server, str_from(key), app);
        account->is_refused = server->config.faults & KIS_FAULT_BADKEY && generation == 1;
    }
    buf_printf(out, "{\"approval_key\":\"%s\"}", key);
    return 200;
}

static int http_headers(struct lws *wsi, struct connection *connection, unsigned status)
{
    unsigned char head[LWS_PRE + 1024], *p = head + LWS_PRE, *end = head + sizeof(head) - 1;
    size_t n = connection->reply->n - LWS_PRE;
    if (lws_add_http_common_headers(wsi, status, "application/json; charset=utf-8", n, &p, end) ||
        lws_finalize_write_http_header(wsi, head + LWS_PRE, &p, end))
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static struct buf *http_buf(void)
{
    struct buf *buf = MEM_NEW(struct buf);
    buf_init(buf, KIS_REQUEST_BYTES_MAX);
    return buf;
}

static int http_begin(struct lws *wsi, struct connection *connection, struct str path)
{
    connection->body = http_buf();
    connection->reply = http_buf();
    memset(buf_reserve(connection->reply, LWS_PRE), 0, LWS_PRE);
    buf_added(connection->reply, LWS_PRE);
    if (str_is(path, "/oauth2/Approval") && lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0)
        return 0; /* its body comes next */
    buf_add_lit(connection->reply,
                "{\"error_description\":\"only POST /oauth2/Approval is served\","
                "\"error_code\":\"EGW00002\"}");
    return http_headers(wsi, connection, 404);
}

static int http_body_end(struct kis_server *server, struct lws *wsi, struct connection *connection)
{
    unsigned status = 413;
    if (connection->body->is_over)
        buf_add_lit(connection->reply,
                    "{\"error_description\":\"body too long\",\"error_code\":\"EGW00002\"}");
    else
        status = approval_answer(server, buf_str(connection->body), connection->reply);
    return http_headers(wsi, connection, status);
}

static int http_write(struct lws *wsi, struct connection *connection)
{
    if (!connection->reply)
        return 0;
    size_t n = connection->reply->n - LWS_PRE;
    int rc =
        lws_write(wsi, (unsigned char *)connection->reply->p + LWS_PRE, n, LWS_WRITE_HTTP_FINAL);
    return rc < (int)n || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void http_end(struct connection *connection)
{
    if (connection->body)
        buf_deinit(connection->body);
    if (connection->reply)
        buf_deinit(connection->reply);
    mem_free(connection->body);
    mem_free(connection->reply);
    connection->body = connection->reply = NULL;
}

/* ---- libwebsockets ---- */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct kis_server *server = lws_context_user(lws_get_context(wsi));
    struct connection *connection = user;
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        connection->session = kis__session_new(server, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return kis__session_received(connection->session, (struct str){in, len});
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return kis__session_writable(connection->session);
    case LWS_CALLBACK_CLOSED:
        kis__session_free(TAKE(connection->session));
        return 0;
    case LWS_CALLBACK_HTTP:
        http_end(connection);
        return http_begin(wsi, connection, (struct str){in, len});
    case LWS_CALLBACK_HTTP_BODY:
        if (connection->body)
            buf_add(connection->body, in, len);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return connection->body ? http_body_end(server, wsi, connection) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_write(wsi, connection);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (connection)
            http_end(connection);
        return 0;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (connection)
            http_end(connection);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "kis",
     .callback = on_event,
     .per_session_data_size = sizeof(struct connection),
     .rx_buffer_size = 4096},
    {0},
};

static bool is_finished(struct kis_server *server)
{
    if (server->config.is_live || !server->sessions)
        return false;
    for (struct kis_session *s = server->sessions; s; s = s->next)
        if (s->subscribed_count == 0 || market_peek_ns(s->market, NULL) != INT64_MAX)
            return false;
    return true;
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    struct kis_server *server = lws_container_of(timer, struct kis_server, timer);
    int64_t now = kis__now(server), monotonic = clock_monotonic_ns(server->config.clock);
    metric_set(&server->time_ns, (uint64_t)now);
    for (struct kis_session *s = server->sessions; s; s = s->next) {
        bool is_due = s->is_closing || monotonic >= s->next_ping_ns ||
                      (s->subscribed_count && market_peek_ns(s->market, NULL) <= now) ||
                      (server->config.is_live && now >= market_midnight_ns(s->date_days + 1));
        if (is_due)
            lws_callback_on_writable(s->wsi);
    }
    metric_set(&server->is_finished, is_finished(server));
    lws_sul_schedule(server->context, 0, timer, on_timer, TICK_US);
}

static void *server_run(void *arg)
{
    struct kis_server *server = arg;
    while (!__atomic_load_n(&server->is_stopping, __ATOMIC_ACQUIRE))
        if (lws_service(server->context, 0) < 0)
            break;
    return NULL;
}

/* ---- the door ---- */

static void server_free(struct kis_server *server)
{
    if (server->context)
        lws_context_destroy(server->context);
    while (server->sessions)
        kis__session_free(server->sessions);
    while (server->accounts) {
        struct kis_account *next = server->accounts->next;
        mem_free(server->accounts);
        server->accounts = next;
    }
    arena_free(server->mem);
    buf_deinit(&server->frame);
    mem_free(server->stocks);
    mem_free(server);
}

static struct kis_server *server_new(const struct kis_server_config *config)
{
    struct kis_server *server = MEM_NEW(struct kis_server);
    server->config = *config;
    server->mem = arena_new(4 * MIB);
    buf_init(&server->frame, 4 * MIB);
    rng_init(&server->rng, config->seed ^ 0x6b6973);
    server->start_ns = INT64_MAX;
    if (!(config->speed > 0))
        server->config.speed = 1;
    server->config.speed = MIN_OF(server->config.speed, KIS_SERVER_SPEED_MAX);
    if (config->ping_interval_ns <= 0)
        server->config.ping_interval_ns = KIS_SERVER_PING_NS;
    server->date_days =
        config->date_days ? config->date_days : market_date_at(clock_wall_ns(config->clock));
    bool is_default = config->open_ns == 0 && config->close_ns == 0;
    int64_t from = config->from_ns >= 0 ? config->from_ns
                   : is_default         ? MARKET_OPEN_NS_DEFAULT
                                        : config->open_ns;
    server->from_ns = market_midnight_ns(server->date_days) + from;
    server->stocks = mem_zalloc((config->stock_count + 1) * MARKET_CODE_BYTES);
    for (size_t i = 0; i < config->stock_count; i++)
        memcpy(server->stocks[i], config->stocks[i].p, config->stocks[i].n);
    if (config->approval_key.n)
        (void)kis__account_add(server, config->approval_key, hash_str(config->approval_key));
    return server;
}

static int config_check(const struct kis_server_config *config, struct err *err)
{
    for (size_t i = 0; i < config->stock_count; i++)
        if (config->stocks[i].n == 0 || config->stocks[i].n >= MARKET_CODE_BYTES)
            return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no stock code: 1 to %u characters",
                           STR_ARG(config->stocks[i]), MARKET_CODE_BYTES - 1);
    if (config->approval_key.n > KIS_KEY_BYTES)
        return err_set(err, ERR_INVALID, "an approval key has at most %u characters",
                       KIS_KEY_BYTES);
    bool is_default = config->open_ns == 0 && config->close_ns == 0;
    if (!is_default && (config->open_ns < 0 || config->close_ns > MARKET_DAY_NS ||
                        config->close_ns - config->open_ns < NS_PER_S))
        return err_set(err, ERR_INVALID, "the market must close after it opens, within one day");
    return 0;
}

static int server_listen(struct kis_server *server, struct err *err)
{
    lws_set_log_level(0, NULL); /* what goes wrong is told by our errors */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .user = server,
        .gid = -1,
        .uid = -1,
    };
    server->context = lws_create_context(&info);
    if (!server->context)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot make a context");
    struct lws_context_creation_info vhost = {
        .port = server->config.port,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .vhost_name = "kis",
    };
    server->vhost = lws_create_vhost(server->context, &vhost);
    int port = server->vhost ? lws_get_vhost_listen_port(server->vhost) : 0;
    if (port <= 0)
        return err_set(err, ERR_IN_USE, "cannot listen on 127.0.0.1:%u",
                       (unsigned)server->config.port);
    server->port = (uint16_t)port;
    return 0;
}

int kis_server_start(const struct kis_server_config *config, struct kis_server **ret_server,
                     struct err *err)
{
    TRY(config_check(config, err));
    struct kis_server *server = server_new(config);
    int rc = server_listen(server, err);
    if (rc < 0) {
        server_free(server);
        return rc;
    }
    metric_set(&server->time_ns, (uint64_t)kis__now(server));
    lws_sul_schedule(server->context, 0, &server->timer, on_timer, TICK_US);
    if (pthread_create(&server->thread, NULL, server_run, server) != 0) {
        server_free(server);
        return err_set(err, ERR_INTERNAL, "cannot start the simulator's thread");
    }
    *ret_server = server;
    return 0;
}

void kis_server_stop(struct kis_server *server)
{
    if (!server)
        return;
    __atomic_store_n(&server->is_stopping, true, __ATOMIC_RELEASE);
    lws_cancel_service(server->context);
    (void)pthread_join(server->thread, NULL);
    lws_sul_cancel(&server->timer);
    server_free(server);
}

uint16_t kis_server_port(const struct kis_server *server)
{
    return server->port;
}

void kis_server_stats(struct kis_server *server, struct kis_server_stats *ret_stats)
{
    *ret_stats = (struct kis_server_stats){
        .port = server->port,
        .trades_sent = metric_get(&server->trades_sent),
        .trades_broken = metric_get(&server->trades_broken),
        .frames_sent = metric_get(&server->frames_sent),
        .sessions = metric_get(&server->session_count),
        .subscriptions = metric_get(&server->subscriptions),
        .pongs = metric_get(&server->pongs),
        .time_ns = (int64_t)metric_get(&server->time_ns),
        .is_finished = metric_get(&server->is_finished) != 0,
    };
}
