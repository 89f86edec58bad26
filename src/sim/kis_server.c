/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server.c: see kis_server.h. One thread runs libwebsockets; a timer looks every few
 * milliseconds which sessions have trades due and asks for their writable callback, which writes
 * frames while the socket takes them. A session has a market of its own, since each may be at
 * another place of the day. */
#include "sim/kis_server_int.h"

#include <libwebsockets.h>
#include <pthread.h>

#include "base/hash.h"
#include "base/str.h"

#define TICK_US           5000   /* real time between looks */
#define FRAMES_A_WRITE    32u    /* before the other sessions get their turn */
#define REQUEST_BYTES_MAX 16384u /* of one message or one HTTP body */
#define REPLIES_BYTES_MAX 65536u
#define FAULT_ONE_IN      150u /* frames: so often a frame is spoilt */
#define FAULT_TRADES_MIN  1500 /* trades between two drops or silences */
#define FAULT_TRADES_MAX  6000

struct kis_session {
    struct kis_server *server;
    struct lws *wsi;
    struct kis_account *account;
    struct market *market;
    int32_t date_days;
    bool is_subscribed[MARKET_STOCKS_MAX];
    size_t subscribed_count;
    struct buf rx;      /* message that comes in pieces */
    struct buf replies; /* u32 length, text … waiting to be written */
    int64_t next_ping_ns;
    int64_t fault_left; /* trades until the next drop or silence */
    bool is_silent, is_closing;
    struct kis_session *next;
};

/* User memory of a connection: a session for a WebSocket, a body for an HTTP request. */
struct connection {
    struct kis_session *session;
    struct buf *body;
    struct buf *reply;
};

struct kis_server {
    struct kis_server_config config;
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_sorted_usec_list_t timer;
    pthread_t thread;
    uint16_t port;
    bool is_stopping; /* atomic */
    struct rng rng;
    char (*stocks)[MARKET_CODE_BYTES];
    struct kis_account *accounts;
    struct kis_session *sessions;
    uint64_t refused_apps; /* KIS_FAULT_BADKEY: keys given out so far, as a generation */
    int64_t start_ns;      /* monotonic time of the first trade; INT64_MAX: nobody subscribed yet */
    int64_t from_ns;       /* UTC of the first simulated moment */
    int32_t date_days;
    struct arena *mem; /* of one message */
    struct buf frame;
    struct metric trades_sent, trades_broken, frames_sent, session_count, subscriptions, pongs,
        time_ns, is_finished;
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

static int64_t sim_now(struct kis_server *server)
{
    if (server->config.is_live)
        return clock_wall_ns(server->config.clock);
    if (server->start_ns == INT64_MAX)
        return server->from_ns;
    int64_t gone = clock_monotonic_ns(server->config.clock) - server->start_ns;
    return gone <= 0 ? server->from_ns
                     : server->from_ns + (int64_t)((double)gone * server->config.speed);
}

/* ---- accounts ---- */

static struct kis_account *account_find(struct kis_server *server, struct str key)
{
    for (struct kis_account *a = server->accounts; a; a = a->next)
        if (str_eq(key, str_from(a->key)))
            return a;
    return NULL;
}

static struct kis_account *account_add(struct kis_server *server, struct str key, uint64_t app)
{
    struct kis_account *account = account_find(server, key);
    if (account)
        return account;
    account = MEM_NEW(struct kis_account);
    memcpy(account->key, key.p, MIN_OF(key.n, (size_t)KIS_KEY_BYTES));
    account->app = app;
    account->next = server->accounts;
    return server->accounts = account;
}

static struct kis_progress *progress_of(struct kis_account *account, struct str code)
{
    for (size_t i = 0; i < account->progress_count; i++)
        if (str_eq(code, str_from(account->progress[i].code)))
            return &account->progress[i];
    return NULL;
}

static struct kis_progress *progress_add(struct kis_account *account, struct str code,
                                         int32_t date_days)
{
    struct kis_progress *p = progress_of(account, code);
    if (!p) {
        ASSERT(account->progress_count < KIS_SERVER_STOCKS_MAX);
        p = &account->progress[account->progress_count++];
        memcpy(p->code, code.p, code.n);
    }
    if (p->date_days != date_days) {
        p->date_days = date_days;
        p->count = 0;
    }
    return p;
}

/* ---- sessions ---- */

static void session_market_start(struct kis_session *session, int32_t date_days)
{
    struct kis_server_config *config = &session->server->config;
    market_free(session->market);
    session->date_days = date_days;
    session->market =
        market_new(&(struct market_config){.seed = config->seed,
                                           .date_days = date_days,
                                           .trades_per_second = config->trades_per_second,
                                           .open_ns = config->open_ns,
                                           .close_ns = config->close_ns});
}

static struct kis_session *session_new(struct kis_server *server, struct lws *wsi)
{
    struct kis_session *session = MEM_NEW(struct kis_session);
    session->server = server;
    session->wsi = wsi;
    buf_init(&session->rx, REQUEST_BYTES_MAX);
    buf_init(&session->replies, REPLIES_BYTES_MAX);
    int64_t interval = server->config.ping_interval_ns;
    session->next_ping_ns = clock_monotonic_ns(server->config.clock) + interval;
    session->fault_left = rng_between(&server->rng, FAULT_TRADES_MIN, FAULT_TRADES_MAX);
    session_market_start(session, server->date_days);
    session->next = server->sessions;
    server->sessions = session;
    metric_add(&server->session_count, 1);
    return session;
}

static void session_free(struct kis_session *session)
{
    if (!session)
        return;
    struct kis_session **at = &session->server->sessions;
    while (*at && *at != session)
        at = &(*at)->next;
    if (*at)
        *at = session->next;
    if (session->account && session->account->session == session)
        session->account->session = NULL;
    market_free(session->market);
    buf_deinit(&session->rx);
    buf_deinit(&session->replies);
    mem_free(session);
}

static void session_reply(struct kis_session *session, struct str text)
{
    buf_add_u32_le(&session->replies, (uint32_t)text.n);
    buf_add_str(&session->replies, text);
    lws_callback_on_writable(session->wsi);
}

/* Where the stock's feed begins for this key: see the head of kis_server.h. */
static void session_place(struct kis_session *session, size_t stock, struct str code)
{
    struct kis_server *server = session->server;
    struct kis_progress *known = progress_of(session->account, code);
    bool is_first = !known || known->date_days != session->date_days;
    struct kis_progress *progress = progress_add(session->account, code, session->date_days);
    if (server->config.resume && !is_first)
        market_skip_count(session->market, stock, progress->count);
    else if (server->config.backfill && is_first)
        market_skip_until(session->market, stock, server->from_ns - 1);
    else
        market_skip_until(session->market, stock, sim_now(server) - 1);
}

static bool stock_exists(const struct kis_server *server, struct str code)
{
    if (code.n == 0 || code.n >= MARKET_CODE_BYTES)
        return false;
    for (size_t i = 0; i < server->config.stock_count; i++)
        if (str_eq(code, str_from(server->stocks[i])))
            return true;
    return server->config.stock_count == 0;
}

/* Ties the connection to its approval key; NULL and the code to answer when that may not be. */
static const char *session_login(struct kis_session *session, struct str key)
{
    struct kis_account *account = account_find(session->server, key);
    if (!account)
        return "OPSP0011";
    if (account->is_refused)
        return "OPSP0011";
    for (struct kis_account *a = session->server->accounts; a; a = a->next)
        if (a->app == account->app && a->session && a->session != session)
            return "OPSP8996";
    if (session->account && session->account != account)
        return "OPSP0011";
    session->account = account;
    account->session = session;
    return NULL;
}

struct answer {
    const char *rt_cd, *msg_cd, *msg;
    bool with_keys;
};

static struct answer session_register(struct kis_session *session, struct str code)
{
    struct kis_server *server = session->server;
    if (!stock_exists(server, code))
        return (struct answer){"1", "OPSP0009", "SUBSCRIBE ERROR : unknown tr_key", false};
    size_t stock = SIZE_MAX;
    for (size_t i = 0; i < market_stock_count(session->market); i++)
        if (session->is_subscribed[i] && market_add(session->market, code) == i)
            return (struct answer){"1", "OPSP0002", "ALREADY IN SUBSCRIBE", false};
    if (session->subscribed_count >= KIS_SERVER_STOCKS_MAX)
        return (struct answer){"1", "OPSP0008", "MAX SUBSCRIBE OVER", false};
    if (session->account->progress_count >= KIS_SERVER_STOCKS_MAX &&
        !progress_of(session->account, code))
        return (struct answer){"1", "OPSP0008", "MAX SUBSCRIBE OVER", false};
    stock = market_add(session->market, code);
    if (stock == SIZE_MAX)
        return (struct answer){"1", "OPSP0008", "MAX SUBSCRIBE OVER", false};
    if (server->start_ns == INT64_MAX)
        server->start_ns = clock_monotonic_ns(server->config.clock) + KIS_SERVER_GRACE_NS;
    session_place(session, stock, code);
    session->is_subscribed[stock] = true;
    session->subscribed_count++;
    metric_add(&server->subscriptions, 1);
    return (struct answer){"0", "OPSP0000", "SUBSCRIBE SUCCESS", true};
}

static struct answer session_release(struct kis_session *session, struct str code)
{
    for (size_t i = 0; i < market_stock_count(session->market); i++) {
        if (!session->is_subscribed[i] || market_add(session->market, code) != i)
            continue;
        session->is_subscribed[i] = false;
        session->subscribed_count--;
        return (struct answer){"0", "OPSP0001", "UNSUBSCRIBE SUCCESS", false};
    }
    return (struct answer){"1", "OPSP0003", "NOT FOUND!", false};
}

static struct answer session_answer(struct kis_session *session, const struct kis_request *request)
{
    if (request->bad_code)
        return (struct answer){"9", request->bad_code, "JSON PARSING ERROR", false};
    const char *refused = session_login(session, request->approval_key);
    if (refused && strcmp(refused, "OPSP8996") == 0)
        return (struct answer){"9", refused, "ALREADY IN USE appkey", false};
    if (refused)
        return (struct answer){"9", refused, "invalid approval : NOT FOUND", false};
    if (!str_is(request->tr_id, KIS_TR_ID))
        return (struct answer){"1", "OPSP0009", "SUBSCRIBE ERROR : unknown tr_id", false};
    if (str_is(request->tr_type, "1"))
        return session_register(session, request->tr_key);
    if (str_is(request->tr_type, "2"))
        return session_release(session, request->tr_key);
    return (struct answer){"9", "OPSP8995", "JSON PARSING ERROR : invalid tr_type", false};
}

static void session_message(struct kis_session *session, struct str text)
{
    struct kis_server *server = session->server;
    arena_reset(server->mem);
    struct kis_request request;
    kis__request_parse(text, server->mem, &request);
    if (request.is_pong) {
        metric_add(&server->pongs, 1);
        return;
    }
    struct answer answer = session_answer(session, &request);
    struct buf out;
    buf_init(&out, REQUEST_BYTES_MAX);
    kis__reply_write(&out, request.tr_id, request.tr_key, answer.rt_cd, answer.msg_cd, answer.msg,
                     answer.with_keys, hash_str(request.approval_key));
    session_reply(session, buf_str(&out));
    buf_deinit(&out);
    if (strcmp(answer.msg_cd, "OPSP8996") == 0)
        session->is_closing = true;
}

/* Behind the day's last trade a live feed begins the next date as soon as its midnight has passed.
 */
static void session_roll_date(struct kis_session *session, int64_t now)
{
    struct kis_server *server = session->server;
    if (!server->config.is_live || now < market_midnight_ns(session->date_days + 1))
        return;
    struct market *old = TAKE(session->market);
    bool was_subscribed[MARKET_STOCKS_MAX];
    memcpy(was_subscribed, session->is_subscribed, sizeof(was_subscribed));
    session_market_start(session, market_date_at(now));
    server->date_days = session->date_days;
    server->from_ns = market_midnight_ns(session->date_days);
    size_t count = market_stock_count(old);
    for (size_t i = 0; i < count; i++) {
        struct str code = market_stock_code(old, i);
        (void)market_add(session->market, code); /* the same index as before */
        session->is_subscribed[i] = was_subscribed[i];
        (void)progress_add(session->account, code, session->date_days);
    }
    market_free(old);
}

/* Takes the next trades of one stock and second, up to the limit, that are due and subscribed. */
static size_t session_collect(struct kis_session *session, int64_t now, struct market_trade *trades)
{
    size_t count = 0, stock, max = KIS_SERVER_RECORDS_MAX;
    for (;;) {
        int64_t at = market_peek_ns(session->market, &stock);
        if (at > now || at == INT64_MAX)
            return count;
        bool goes_on = count && trades[0].stock_index == stock &&
                       trades[0].time_ns / NS_PER_S == at / NS_PER_S;
        if (count && (count == max || (session->is_subscribed[stock] && !goes_on)))
            return count;
        struct market_trade trade;
        if (!market_next(session->market, &trade))
            return count;
        if (session->is_subscribed[stock])
            trades[count++] = trade;
    }
}

static unsigned frame_fault(struct kis_server *server)
{
    static const unsigned kinds[] = {KIS_FAULT_BADCOUNT, KIS_FAULT_SHORTRECORD,
                                     KIS_FAULT_ENCRYPTED};
    unsigned kind = kinds[rng_below(&server->rng, ARRAY_COUNT(kinds))];
    bool hits = rng_below(&server->rng, FAULT_ONE_IN) == 0;
    return hits && server->config.faults & kind ? kind : 0;
}

static int write_text(struct kis_session *session, struct str text)
{
    struct buf *frame = &session->server->frame;
    buf_clear(frame);
    if (!buf_reserve(frame, LWS_PRE + text.n))
        return -1;
    memset(frame->p, 0, LWS_PRE);
    memcpy(frame->p + LWS_PRE, text.p, text.n);
    int n = lws_write(session->wsi, (unsigned char *)frame->p + LWS_PRE, text.n, LWS_WRITE_TEXT);
    return n < (int)text.n ? -1 : 0;
}

/* Notes the trades of a frame that was handed over. */
static void session_sent(struct kis_session *session, const struct market_trade *trades,
                         size_t count, unsigned fault)
{
    struct kis_server *server = session->server;
    struct kis_progress *progress = progress_of(session->account, trades[0].code);
    progress->count = trades[count - 1].number + 1;
    metric_add(&server->frames_sent, 1);
    metric_add(fault ? &server->trades_broken : &server->trades_sent, count);
    for (size_t i = 0; i < count && !fault && server->config.sent; i++)
        server->config.sent(server->config.owner, &trades[i]);
    session->fault_left -= (int64_t)count;
    if (session->fault_left <= 0 && server->config.faults & KIS_FAULT_DROP)
        session->is_closing = true;
    else if (session->fault_left <= 0 && server->config.faults & KIS_FAULT_SILENCE)
        session->is_silent = true;
}

/* One data frame; 1: written, 0: nothing is due, -1: the connection is broken. */
static int session_write_data(struct kis_session *session, int64_t now)
{
    struct market_trade trades[KIS_SERVER_RECORDS_MAX];
    if (session->subscribed_count == 0 || session->is_silent)
        return 0;
    session_roll_date(session, now);
    size_t count = session_collect(session, now, trades);
    if (count == 0)
        return 0;
    unsigned fault = frame_fault(session->server);
    struct buf out;
    buf_init(&out, MIB);
    kis__frame_write(&out, trades, count, fault,
                     session->server->config.faults & KIS_FAULT_EXTRAFIELD);
    int rc = write_text(session, buf_str(&out));
    buf_deinit(&out);
    if (rc < 0)
        return -1;
    session_sent(session, trades, count, fault);
    return 1;
}

/* The oldest waiting reply; 1, 0 or -1 as above. */
static int session_write_reply(struct kis_session *session)
{
    if (session->replies.n < 4)
        return 0;
    uint32_t n = (uint32_t)(uint8_t)session->replies.p[0] |
                 (uint32_t)(uint8_t)session->replies.p[1] << 8 |
                 (uint32_t)(uint8_t)session->replies.p[2] << 16 |
                 (uint32_t)(uint8_t)session->replies.p[3] << 24;
    if (write_text(session, (struct str){session->replies.p + 4, n}) < 0)
        return -1;
    buf_drop(&session->replies, 4 + (size_t)n);
    return 1;
}

static int session_write_ping(struct kis_session *session)
{
    struct kis_server *server = session->server;
    int64_t now = clock_monotonic_ns(server->config.clock);
    if (now < session->next_ping_ns || session->is_silent ||
        server->config.faults & KIS_FAULT_NOPINGPONG)
        return 0;
    session->next_ping_ns = now + server->config.ping_interval_ns;
    struct buf out;
    buf_init(&out, 256);
    kis__ping_write(&out, sim_now(server));
    int rc = write_text(session, buf_str(&out));
    buf_deinit(&out);
    return rc < 0 ? -1 : 1;
}

static int session_writable(struct kis_session *session)
{
    int64_t now = sim_now(session->server);
    for (unsigned i = 0; i < FRAMES_A_WRITE; i++) {
        int rc = session_write_reply(session);
        if (rc == 0 && session->is_closing) {
            lws_close_reason(session->wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
            return -1;
        }
        rc = rc ? rc : session_write_ping(session);
        rc = rc ? rc : session_write_data(session, now);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return 0;
        if (lws_send_pipe_choked(session->wsi))
            break;
    }
    lws_callback_on_writable(session->wsi);
    return 0;
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
        account = account_find(server, str_from(key));
    } while (account && account->is_refused);
    if (!account) {
        account = account_add(server, str_from(key), app);
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
    buf_init(buf, REQUEST_BYTES_MAX);
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

static int session_received(struct kis_session *session, struct lws *wsi, struct str piece)
{
    buf_add_str(&session->rx, piece);
    if (lws_remaining_packet_payload(wsi) || !lws_is_final_fragment(wsi))
        return session->rx.is_over ? -1 : 0;
    if (session->rx.is_over)
        return -1;
    session_message(session, buf_str(&session->rx));
    buf_clear(&session->rx);
    return session->replies.is_over ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct kis_server *server = lws_context_user(lws_get_context(wsi));
    struct connection *connection = user;
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        connection->session = session_new(server, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return session_received(connection->session, wsi, (struct str){in, len});
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session_writable(connection->session);
    case LWS_CALLBACK_CLOSED:
        session_free(TAKE(connection->session));
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
    int64_t now = sim_now(server), monotonic = clock_monotonic_ns(server->config.clock);
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
        session_free(server->sessions);
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
        (void)account_add(server, config->approval_key, hash_str(config->approval_key));
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
    metric_set(&server->time_ns, (uint64_t)sim_now(server));
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
