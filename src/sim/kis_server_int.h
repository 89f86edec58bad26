/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server_int.h: the pieces of the simulator behind its door: accounts (what an approval key has
 * had so far) and sessions (one WebSocket connection), both of kis_session.c, and the texts of the
 * protocol (kis_messages.c). One thread owns all of it. */
#ifndef NARU_SIM_KIS_SERVER_INT_H
#define NARU_SIM_KIS_SERVER_INT_H

#include <libwebsockets.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/metric.h"
#include "base/rng.h"
#include "sim/kis_server.h"

#define KIS_KEY_BYTES         36u
#define KIS_TR_ID             "H0STCNT0"
#define KIS_REQUEST_BYTES_MAX 16384u /* of one message or one HTTP body */

/* What one approval key has been sent of a stock, for `resume` and `backfill`. */
struct kis_progress {
    char code[MARKET_CODE_BYTES];
    int32_t date_days;
    uint64_t
        count; /* trades of the day up to and with the last one sent, those left out included */
};

struct kis_account {
    char key[KIS_KEY_BYTES + 1];
    uint64_t app;                /* hash of the app key; accounts of one app share its session */
    bool is_refused;             /* KIS_FAULT_BADKEY */
    struct kis_session *session; /* the one connection, NULL when there is none */
    struct kis_progress progress[KIS_SERVER_STOCKS_MAX];
    size_t progress_count;
    struct kis_account *next;
};

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
    int64_t start_ns; /* monotonic time of the first trade; INT64_MAX: nobody subscribed yet */
    int64_t from_ns;  /* UTC of the first simulated moment */
    int32_t date_days;
    struct arena *mem; /* of one message */
    struct buf frame;
    struct metric trades_sent, trades_broken, frames_sent, session_count, subscriptions, pongs,
        time_ns, is_finished;
};

/* ---- kis_server.c ---- */
int64_t kis__now(struct kis_server *server); /* the simulated moment, UTC */

/* ---- kis_session.c ---- */
struct kis_account *kis__account_find(struct kis_server *server, struct str key); /* or NULL */
struct kis_account *kis__account_add(struct kis_server *server, struct str key, uint64_t app);
struct kis_session *kis__session_new(struct kis_server *server, struct lws *wsi);
void kis__session_free(struct kis_session *session); /* MAY be NULL */
/* A message or a piece of one; -1: hang up. */
int kis__session_received(struct kis_session *session, struct str piece) WARN_UNUSED;
/* Writes what is due while the socket takes it; -1: hang up. */
int kis__session_writable(struct kis_session *session) WARN_UNUSED;

/* ---- kis_messages.c ---- */
/* A subscription message as the client sent it, or what is wrong with it. */
struct kis_request {
    struct str approval_key, tr_type, tr_id, tr_key;
    const char *bad_code; /* OPSP8993 …: not a request; NULL: fine */
    bool is_pong;
};
void kis__request_parse(struct str text, struct arena *mem, struct kis_request *ret_request);

/* The answer to it: {"header":{…},"body":{…}}. */
void kis__reply_write(struct buf *out, struct str tr_id, struct str tr_key, const char *rt_cd,
                      const char *msg_cd, const char *msg, bool with_keys, uint64_t seed);
void kis__ping_write(struct buf *out, int64_t now_ns);
/* The body of POST /oauth2/Approval to its reply; returns the HTTP status. *ret_app: hash of app
 * and secret key. */
unsigned kis__approval_parse(struct str body, struct arena *mem, uint64_t *ret_app,
                             struct buf *out_error);
void kis__key_make(uint64_t app, uint64_t generation, char key[KIS_KEY_BYTES + 1]);

/* Joins trades of one stock into a data frame; `fault` (one bit or 0) spoils it. */
void kis__frame_write(struct buf *out, const struct market_trade *trades, size_t count,
                      unsigned fault, bool with_extra);

#endif
