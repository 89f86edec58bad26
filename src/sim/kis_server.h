/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server.h: a stand-in for Korea Investment & Securities' real-time feed on loopback: POST
 * /oauth2/Approval and the WebSocket session with subscriptions, PINGPONG and H0STCNT0 data frames,
 * over a market made from a seed (sim/market.h). It can misbehave on demand. For tests, `naru sim
 * kis` and `naru demo`.
 *
 * Simulated time: with `is_live` it is the clock's wall time. Otherwise it stands at `from_ns`
 * until KIS_SERVER_GRACE_NS after the first subscription and then runs `speed` times as fast as the
 * clock; a real market does not wait, but a day that starts with its collector can be counted
 * whole. A slow collector is never left behind: its trades wait (the feed falls behind its time),
 * none is dropped.
 *
 * After a reconnect the feed goes on at the simulated now. With `resume` it goes on behind the last
 * trade that was written to the same approval key's last connection, so that a clean drop loses
 * nothing; what a killed collector had not read is lost, as with the real feed, and never sent
 * twice. */
#ifndef NARU_SIM_KIS_SERVER_H
#define NARU_SIM_KIS_SERVER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "sim/market.h"

#define KIS_SERVER_GRACE_NS     (300 * NS_PER_MS)
#define KIS_SERVER_PING_NS      (10 * NS_PER_S)
#define KIS_SERVER_STOCKS_MAX   41u /* subscriptions a session; above: OPSP0008 */
#define KIS_SERVER_SESSIONS_MAX 64u
#define KIS_SERVER_RECORDS_MAX  20u /* of one frame */
#define KIS_SERVER_SPEED_MAX    100000.0

enum kis_fault {
    KIS_FAULT_DROP = 1, /* closes the connection after some thousand trades, again and again */
    KIS_FAULT_NOPINGPONG = 2,  /* sends no keep-alive */
    KIS_FAULT_BADCOUNT = 4,    /* now and then a frame whose count does not divide its fields */
    KIS_FAULT_SHORTRECORD = 8, /* … a frame whose last record lacks a field */
    KIS_FAULT_ENCRYPTED = 16,  /* … a frame with the encrypted flag */
    KIS_FAULT_EXTRAFIELD = 32, /* every record has a 47th field */
    KIS_FAULT_SILENCE =
        64, /* after some thousand trades nothing at all, until the client reconnects */
    KIS_FAULT_BADKEY = 128, /* the first approval key of each app is refused with OPSP0011 */
};
/* "drop,nopingpong,…" to bits; the error names the unknown word and all known ones. */
int kis_faults_parse(struct str text, unsigned *ret_faults, struct err *err) WARN_UNUSED;

struct kis_server_config {
    struct clock *clock;
    uint16_t port; /* on 127.0.0.1; 0: the system chooses */
    uint64_t seed;
    double speed;    /* 0: 1 */
    int64_t from_ns; /* of the Korean day; trades before are left out; below 0: from the open */
    int64_t open_ns, close_ns; /* of the Korean day; both 0: 09:00 and 15:30 */
    int32_t date_days;         /* business date; 0: today in Korea by the clock */
    double trades_per_second;  /* of each stock; 0: MARKET_RATE_DEFAULT */
    const struct str *stocks;  /* those that exist; none: any code does. Copied. */
    size_t stock_count;
    bool is_live;  /* simulated time is the clock's; a new day begins at midnight in Korea */
    bool backfill; /* a key's first subscription of a stock begins at from_ns, whatever the time is
                    */
    bool resume;
    unsigned faults;
    struct str approval_key;  /* accepted without being fetched first; may be empty. Copied. */
    int64_t ping_interval_ns; /* 0: KIS_SERVER_PING_NS */
    /* MAY be NULL. On the server's thread, for every trade handed to a connection inside a good
     * frame, in order. */
    void (*sent)(void *owner, const struct market_trade *trade);
    void *owner;
};

struct kis_server;
int kis_server_start(const struct kis_server_config *config, struct kis_server **ret_server,
                     struct err *err) WARN_UNUSED;
void kis_server_stop(struct kis_server *server); /* stops the thread, closes, frees */
DEFINE_CLEANUP(kis_server_stop, struct kis_server)

struct kis_server_stats {
    uint16_t port;          /* as bound */
    uint64_t trades_sent;   /* in good frames */
    uint64_t trades_broken; /* in frames that a fault broke */
    uint64_t frames_sent;   /* good and broken ones */
    uint64_t sessions;      /* connections so far */
    uint64_t subscriptions; /* accepted so far */
    uint64_t pongs;         /* keep-alives that came back */
    int64_t time_ns;        /* simulated now, UTC */
    bool is_finished; /* not live, and every connected session has all of its day, and one was there
                       */
};
void kis_server_stats(struct kis_server *server, struct kis_server_stats *ret_stats);
uint16_t kis_server_port(const struct kis_server *server);

#endif
