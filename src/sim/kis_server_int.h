/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server_int.h: the pieces of the simulator behind its door: accounts (what an approval key has
 * had so far), sessions (one WebSocket connection) and the texts of the protocol (kis_messages.c).
 * One thread owns all of it. */
#ifndef NARU_SIM_KIS_SERVER_INT_H
#define NARU_SIM_KIS_SERVER_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/metric.h"
#include "base/rng.h"
#include "sim/kis_server.h"

#define KIS_KEY_BYTES 36u
#define KIS_TR_ID     "H0STCNT0"

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
