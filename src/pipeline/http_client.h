/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.h: HTTP requests for plugins, one at a time over a connection that is kept alive. The
 * only user of libcurl in pipeline/. Retrying is the caller's decision: a reply of any status is
 * success here. */
#ifndef NARU_PIPELINE_HTTP_CLIENT_H
#define NARU_PIPELINE_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define HTTP_CLIENT_HEADERS_MAX 16u
#define HTTP_CLIENT_REPLY_MAX   (512 * MIB)
#define HTTP_CLIENT_CONNECT_NS  (10 * NS_PER_S)
#define HTTP_CLIENT_TIMEOUT_NS  (60 * NS_PER_S)

struct http_client;
struct http_client_config {
    struct str user, password; /* Basic, when user is not empty */
    struct str ca_file;        /* empty: the system's */
    bool is_tls_unverified;
    int64_t timeout_ns;               /* of real time, a whole request; 0: HTTP_CLIENT_TIMEOUT_NS */
    bool (*is_stopping)(void *owner); /* MAY be NULL: true ends a request that waits */
    void *owner;
};
/* Strings of the config are copied. */
struct http_client *http_client_new(const struct http_client_config *config);
void http_client_free(struct http_client *client);
DEFINE_CLEANUP(http_client_free, struct http_client)

struct http_request {
    const char *method;   /* "GET", "POST" … */
    struct str url, body; /* body.p == NULL: none */
    struct str content_type;
    bool is_gzip; /* the body is compressed already */
};
/* Appends the reply's body to *body and sets *ret_status. -ERR_NET: cannot be reached or hung up;
 * -ERR_TIMEOUT; -ERR_SHUTDOWN: stopping; -ERR_TOO_LARGE: the reply is larger than the buffer may
 * be. */
int http_client_do(struct http_client *client, const struct http_request *request, struct buf *body,
                   int *ret_status, struct err *err) WARN_UNUSED;

/* "localhost:9200", "http://h:9200/path", "//h:9200" to a base address without a slash at its end,
 * in mem. */
struct http_host {
    struct str base; /* "http://localhost:9200" */
    struct str name; /* "localhost" */
    uint16_t port;
    bool is_loopback, is_tls;
};
int http_host_parse(struct str text, uint16_t default_port, bool is_tls, struct arena *mem,
                    struct http_host *ret_host, struct err *err) WARN_UNUSED;

#endif
