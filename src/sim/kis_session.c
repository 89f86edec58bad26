/* SPDX-License-Identifier: Apache-2.0 */
/* kis_session.c: one WebSocket connection: what it asks for, which trades are due to it, frames
 * written while the socket takes them; and the accounts, which outlive connections. A session has a
 * market of its own, since each may be at another place of the day. */
#include "sim/kis_server_int.h"

#include "base/hash.h"
#include "base/str.h"

#define FRAMES_A_WRITE    32u /* before the other sessions get their turn */
#define REPLIES_BYTES_MAX 65536u
#define FAULT_ONE_IN      150u /* frames: so often a frame is spoilt */
#define FAULT_TRADES_MIN  1500 /* trades between two drops or silences */
#define FAULT_TRADES_MAX  6000

/* ---- accounts ---- */

struct kis_account *kis__account_find(struct kis_server *server, struct str key)
{
    for (struct kis_account *a = server->accounts; a; a = a->next)
        if (str_eq(key, str_from(a->key)))
            return a;
    return NULL;
}

struct kis_account *kis__account_add(struct kis_server *server, struct str key, uint64_t app)
{
    struct kis_account *account = kis__account_find(server, key);
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

struct kis_session *kis__session_new(struct kis_server *server, struct lws *wsi)
{
    struct kis_session *session = MEM_NEW(struct kis_session);
    session->server = server;
    session->wsi = wsi;
    buf_init(&session->rx, KIS_REQUEST_BYTES_MAX);
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

void kis__session_free(struct kis_session *session)
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
        market_skip_until(session->market, stock, kis__now(server) - 1);
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
    struct kis_account *account = kis__account_find(session->server, key);
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
    buf_init(&out, KIS_REQUEST_BYTES_MAX);
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
    kis__ping_write(&out, kis__now(server));
    int rc = write_text(session, buf_str(&out));
    buf_deinit(&out);
    return rc < 0 ? -1 : 1;
}

int kis__session_writable(struct kis_session *session)
{
    int64_t now = kis__now(session->server);
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

int kis__session_received(struct kis_session *session, struct str piece)
{
    buf_add_str(&session->rx, piece);
    if (lws_remaining_packet_payload(session->wsi) || !lws_is_final_fragment(session->wsi))
        return session->rx.is_over ? -1 : 0;
    if (session->rx.is_over)
        return -1;
    session_message(session, buf_str(&session->rx));
    buf_clear(&session->rx);
    return session->replies.is_over ? -1 : 0;
}
