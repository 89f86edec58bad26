/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: posts `_bulk` bodies over one connection that is kept alive, and reads the replies
 * without parsing more than it must: the machine's cores belong to the server. */
#ifndef NARU_BENCH_LOAD_CLIENT_H
#define NARU_BENCH_LOAD_CLIENT_H

#include "base/base.h"
#include "base/err.h"
#include "os/net.h"

#define CLIENT_TIMEOUT_NS     (300 * NS_PER_S) /* one send or receive that does not move */
#define CLIENT_RETRIES_MAX    40u              /* of one request that is answered 429 */
#define CLIENT_PAUSE_FIRST_NS (20 * NS_PER_MS) /* doubled with each 429, up to the next */
#define CLIENT_PAUSE_MAX_NS   (1 * NS_PER_S)
#define CLIENT_HEAD_BYTES     8192u /* of a reply: the head, and the body's beginning */

struct client {
    struct net_addr addr;
    int fd;
    uint64_t retries;
};

/* Connects. */
int client_init(struct client *client, const struct net_addr *addr, struct err *err) WARN_UNUSED;
void client_deinit(struct client *client);

/* The request line and head for a body of so many bytes. */
void client_head_add(const struct client *client, size_t body_bytes, struct buf *out);

/* Sends head and body. 0 only when the reply is 200 and says `"errors":false`; a reply of 429 is
 * tried again after a pause. -ERR_INVALID: an item failed, or another status; the text has the
 * reply's beginning. Nothing else is tried again, for that could store documents twice. */
int client_post(struct client *client, struct str head, struct str body,
                struct err *err) WARN_UNUSED;

/* What of a reply's head matters. `text`: up to the empty line. -ERR_INVALID: not HTTP. */
struct reply_head {
    unsigned status;
    uint64_t body_bytes; /* when not chunked */
    bool is_chunked, is_last;
};
int reply_head_parse(struct str text, struct reply_head *ret_head, struct err *err) WARN_UNUSED;
/* True when the body's beginning has `"errors":false` before any item. */
bool reply_is_clean(struct str body);

#endif
