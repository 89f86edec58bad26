/* SPDX-License-Identifier: Apache-2.0 */
/* http.h: an HTTP/1.1 server over libmicrohttpd; the only place that knows that library. I/O
 * threads parse and send; a request whose body is complete goes through a bounded queue to worker
 * threads, which may block (a write waits for its sync); its connection sleeps meanwhile. So many
 * bulk requests can wait for one shared sync on few threads. */
#ifndef NARU_SERVER_HTTP_H
#define NARU_SERVER_HTTP_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/metric.h"

#define HTTP_CONTENT_BYTES_MAX_DEFAULT (100 * MIB) /* http.max_content_length */
/* network.breaker.inflight_requests.limit: request bodies that are being read or worked on. */
#define HTTP_IN_FLIGHT_BYTES_MAX_DEFAULT (512 * MIB)
/* http.read_timeout: a body must be complete so long after its head, and a second more for each
 * HTTP_BODY_BYTES_PER_S_MIN bytes that have come: who sends slower holds memory for nothing. */
#define HTTP_READ_TIMEOUT_NS_DEFAULT (60 * NS_PER_S)
#define HTTP_BODY_BYTES_PER_S_MIN    (64 * KIB)
/* http.gzip_ratio_max: a body may unpack to so many times its size; HTTP_GZIP_FREE_BYTES always. */
#define HTTP_GZIP_RATIO_MAX     256u
#define HTTP_GZIP_FREE_BYTES    (1 * MIB)
#define HTTP_REPLY_BYTES_MAX    (1 * GIB)
#define HTTP_CONNECTIONS_MAX    4096u
#define HTTP_QUEUE_REQUESTS_MAX 4096u /* requests waiting for a worker; more answer 429 */
#define HTTP_IDLE_TIMEOUT_S     120u
#define HTTP_REPLY_HEADERS_MAX  8u

/* Reads a body while it arrives, on the connection's I/O thread, so it must not block. */
struct body_reader {
    void *(*make)(struct arena *mem); /* mem: the request's */
    /* `body`: what has come so far; it may have moved since the last call. A failure ends the
     * request: the rest of the body is read and dropped. *ret_bytes: what the reader holds beside
     * the body, which is taken from the budget too. */
    int (*take)(void *reader, struct str body, size_t *ret_bytes, struct err *err);
};

struct http_request {
    struct str method; /* "GET" */
    struct str path;   /* as sent, still percent-encoded, without the query string */
    struct str query;  /* raw query string, without '?' */
    struct str body;   /* decompressed */
    struct arena *mem; /* lives until the reply is sent */
    void *connection;  /* for http_header */
    void *body_reader; /* made by http_config.body_reader's; NULL: there is none */
};

struct http_reply {
    int status;              /* 200 */
    struct str content_type; /* "application/json; charset=UTF-8"; must live as long as the
                                request's mem */
    struct buf body;
    struct str static_body; /* instead of body: bytes that live as long as the process */
    bool is_gzip;           /* the body is gzip already */
    struct {
        struct str name, value;
    } headers[HTTP_REPLY_HEADERS_MAX];
    size_t header_count;
};

/* p == NULL: not sent. Names are case-insensitive. */
struct str http_header(const struct http_request *req, const char *name);
/* The client has closed its connection: nobody waits for the reply any more. For the handler's
 * thread, while it answers the request. Takes a struct http_request. */
bool http_client_is_gone(void *req);
void http_reply_header(struct http_reply *reply, struct str name, struct str value);

typedef void http_handler(void *owner, struct http_request *req, struct http_reply *reply);

struct http_config {
    struct str host; /* address or name; empty: 127.0.0.1 */
    uint16_t port;   /* 0: any */
    size_t worker_count;
    size_t content_bytes_max;
    size_t in_flight_bytes_max; /* 0: HTTP_IN_FLIGHT_BYTES_MAX_DEFAULT */
    int64_t read_timeout_ns;    /* 0: HTTP_READ_TIMEOUT_NS_DEFAULT */
    size_t queue_requests_max;  /* 0: HTTP_QUEUE_REQUESTS_MAX */
    const char *name;           /* of the threads and in messages: "rest" */
    http_handler *handler;      /* on a worker thread; MUST fill the reply */
    /* MAY be NULL: writes the body of an error the server itself answers (413, 400, 429) in the
     * API's own shape. */
    void (*error_write)(void *owner, const struct err *err, struct buf *out);
    /* MAY be NULL, or answer NULL: who reads the body of a request with this head. */
    const struct body_reader *(*body_reader)(void *owner, const struct http_request *req);
    void *owner;
};

/* What the server counts; the last three are how many there are now. */
struct http_metrics {
    struct metric requests, body_bytes, connections_opened, completed;
    struct metric rejected_content_length, rejected_in_flight, rejected_gzip_ratio, rejected_queue,
        rejected_body; /* by its reader */
    struct metric connections_open, in_flight_bytes, active;
    struct metric_times handled;
};

struct http_server;
const struct http_metrics *http_metrics(const struct http_server *http);
size_t http_queue_count(const struct http_server *http); /* requests waiting for a worker */
uint64_t http_rejected_read_timeout(const struct http_server *http);
size_t http_queue_requests_max(const struct http_server *http);
size_t http_worker_count(const struct http_server *http);
size_t http_in_flight_bytes_max(const struct http_server *http);
int http_start(const struct http_config *config, struct http_server **ret_http,
               struct err *err) WARN_UNUSED;
uint16_t http_port(const struct http_server *http);
/* Stops accepting, lets what is in flight end for at most drain_ns, frees. */
void http_stop(struct http_server *http, int64_t drain_ns);

#endif
