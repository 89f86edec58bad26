/* SPDX-License-Identifier: Apache-2.0 */
/* kis_client.h: one WebSocket session with the KIS feed: connects, subscribes, sends keep-alives
 * back, hands every data frame to its owner and says why the session ended. Reconnecting is the
 * owner's decision. The only user of libwebsockets in pipeline/. */
#ifndef NARU_PIPELINE_KIS_CLIENT_H
#define NARU_PIPELINE_KIS_CLIENT_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

#define KIS_CLIENT_FRAME_BYTES_MAX (1 * MIB)
/* Real time a frame waits for company. */
#define KIS_CLIENT_FLUSH_NS (20 * NS_PER_MS)

struct kis_client_config {
    struct str url; /* ws://host:port/path or wss://… */
    struct str custtype, tr_id;
    const struct str *stocks;
    size_t stock_count;
    struct clock *clock;
    int64_t silence_ns; /* no frame at all for so long ends the session */
    void *owner;
    /* A data frame, or whatever else is no JSON; borrowed. May block: the feed waits in the socket
     * then. */
    void (*frame)(void *owner, struct str text);
    /* Called after the frames of a moment. */
    void (*flush)(void *owner);
    /* A subscription that was refused while others stand, or a message that is no error: for the
     * log. */
    void (*notice)(void *owner, const char *text);
    bool (*is_stopping)(void *owner);
};

enum kis_client_end {
    KIS_END_STOPPED,
    KIS_END_CLOSED, /* the other side hung up */
    KIS_END_SILENT, /* no frame for silence_ns */
    KIS_END_UNREACHABLE,
    KIS_END_BAD_KEY, /* OPSP0010, OPSP0011: a new approval key is needed */
    KIS_END_IN_USE,  /* OPSP8996: another session holds the app key */
    KIS_END_REFUSED, /* no subscription was accepted; the reason will not go away */
};

struct kis_client;
/* Strings of the config are borrowed for the client's life. */
int kis_client_new(const struct kis_client_config *config, struct kis_client **ret_client,
                   struct err *err) WARN_UNUSED;
void kis_client_free(struct kis_client *client);
DEFINE_CLEANUP(kis_client_free, struct kis_client)
/* One session, from connecting to its end. `err` tells the reason unless stopped. *ret_had_data: a
 * data frame came. */
enum kis_client_end kis_client_run(struct kis_client *client, struct str approval_key,
                                   bool *ret_had_data, struct err *err);
/* From any thread: makes a running session look at is_stopping. */
void kis_client_wake(struct kis_client *client);
/* ws://host:port/path taken apart; -ERR_INVALID. */
struct kis_url {
    bool is_tls;
    struct str host, path;
    uint16_t port;
};
int kis_url_parse(struct str url, struct kis_url *ret_url, struct err *err) WARN_UNUSED;

#endif
