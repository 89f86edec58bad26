/* SPDX-License-Identifier: Apache-2.0 */
/* http.c: life of a request:
 *
 *   reading ──body complete──► queued ──worker──► answering ──sent──► (freed by request_completed)
 *      │ too large, bad encoding                      ▲
 *      └──────────────────────────────────────────────┘
 *
 * reading and answering belong to the connection's I/O thread; queued belongs to the queue and then
 * to one worker. While queued the connection is suspended, so libmicrohttpd does not touch the
 * request; MHD_resume_connection hands it back (its lock orders the memory).
 *
 * Bodies are admitted before they are read: a Content-Length is checked against
 * http.max_content_length and taken from the budget of bytes in flight, then the buffer is made at
 * that size; a chunked body takes from the budget as it grows. Who finds the budget used up is
 * answered 429: at once when it waits for "100 Continue", else when its body has been read and
 * dropped, so that the client gets to read the answer and the connection stays usable. The worker
 * unpacks gzip, within the budget too, and gives the bytes back when the handler is done. A body is
 * read by the endpoint's reader while it comes, which may refuse it before its end; whoever is too
 * slow with it is cut off (http_pace). */
#include "server/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/queue.h"
#include "base/str.h"
#include "codec/compress.h"
#include "os/net.h"
#include "os/os.h"
#include "server/http_pace.h"

#define HTTP_WORKERS_MAX          64u
#define HTTP_GZIP_REPLY_BYTES_MIN 1024u /* smaller replies gain nothing */
#define HTTP_IO_THREADS           2u
#define HTTP_REQUEST_BYTES_MAX    (512 * MIB)
#define DRAIN_POLL_NS             (5 * NS_PER_MS)

struct http_server {
    struct http_config config;
    struct MHD_Daemon *daemon;
    struct queue *queue;
    pthread_t workers[HTTP_WORKERS_MAX];
    size_t worker_count;
    uint16_t port;
    uint64_t in_flight; /* atomic */
    struct http_metrics metrics;
    struct pace pace;
    struct buf late_reply; /* what a client that is too slow is sent */
    char name[16];
};

struct exchange {
    struct http_server *http;
    struct MHD_Connection *connection;
    struct arena *mem;
    struct buf body;
    struct http_request req;
    struct http_reply reply;
    struct err err;  /* code != 0: the server answers by itself */
    size_t reserved; /* of the bytes in flight */
    struct paced paced;
    const struct body_reader *reader; /* of req.body_reader */
    size_t reader_bytes;              /* what it holds, within `reserved` */
    bool is_done, is_gzip;
};

struct str http_header(const struct http_request *req, const char *name)
{
    struct MHD_Connection *connection = req->connection;
    if (!connection)
        return STR_NONE;
    return str_from(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static int connection_fd(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    ASSERT(info);
    return info->connect_fd;
}

bool http_client_is_gone(void *req)
{
    const struct http_request *own = req;
    return own->connection && net_peer_is_gone(connection_fd(own->connection));
}

void http_reply_header(struct http_reply *reply, struct str name, struct str value)
{
    ASSERT(reply->header_count < HTTP_REPLY_HEADERS_MAX);
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count].value = value;
    reply->header_count++;
}

/* libmicrohttpd calls this with the raw request line's target, before it cuts off the query. */
static void *on_uri(void *owner, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *http = owner;
    struct exchange *x = MEM_NEW(struct exchange);
    x->http = http;
    x->connection = connection;
    x->mem = arena_new(HTTP_REQUEST_BYTES_MAX);
    buf_init(&x->body, http->config.content_bytes_max + 1);
    buf_init(&x->reply.body, HTTP_REPLY_BYTES_MAX);
    struct str target = arena_str(x->mem, str_from(uri));
    ptrdiff_t at = str_find_char(target, '?');
    x->req = (struct http_request){.path = at < 0 ? target : str_sub(target, 0, (size_t)at),
                                   .query = at < 0 ? STR("") : str_from_off(target, (size_t)at + 1),
                                   .mem = x->mem,
                                   .connection = connection};
    __atomic_add_fetch(&http->in_flight, 1, __ATOMIC_RELAXED);
    metric_add(&http->metrics.requests, 1);
    return x;
}

/* ---- The budget of bodies ---- */

static void release(struct exchange *x)
{
    metric_sub(&x->http->metrics.in_flight_bytes, x->reserved);
    x->reserved = 0;
}

static bool reserve(struct exchange *x, size_t n)
{
    struct http_server *http = x->http;
    struct metric *used = &http->metrics.in_flight_bytes;
    size_t limit = http->config.in_flight_bytes_max;
    /* Relaxed: the sum is all that counts, nothing is read through it. */
    uint64_t sum = __atomic_add_fetch(&used->value, n, __ATOMIC_RELAXED);
    if (sum <= limit) {
        x->reserved += n;
        return true;
    }
    metric_sub(used, n);
    metric_add(&http->metrics.rejected_in_flight, 1);
    (void)err_set(&x->err, ERR_MEM_LIMIT,
                  "[in_flight_requests] Data too large, data for [<http_request>] would be [%llu], "
                  "which is larger than the limit of [%zu] of "
                  "network.breaker.inflight_requests.limit",
                  (unsigned long long)sum, limit);
    (void)err_bytes(&x->err, sum, limit);
    return false;
}

/* What is left of the body is read and dropped. */
static void body_drop(struct exchange *x)
{
    buf_deinit(&x->body);
    buf_init(&x->body, x->http->config.content_bytes_max + 1);
    release(x);
}

static void on_connection(void *owner, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    (void)socket_context;
    struct http_metrics *m = &((struct http_server *)owner)->metrics;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        metric_add(&m->connections_opened, 1);
        metric_add(&m->connections_open, 1);
    } else {
        metric_sub(&m->connections_open, 1);
    }
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **cls,
                         enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct http_server *http = owner;
    struct exchange *x = *cls;
    if (!x)
        return;
    pace_end(&http->pace, &x->paced);
    release(x);
    buf_deinit(&x->body);
    buf_deinit(&x->reply.body);
    arena_free(x->mem);
    mem_free(x);
    *cls = NULL;
    __atomic_sub_fetch(&http->in_flight, 1, __ATOMIC_RELAXED);
}

static void error_body(struct exchange *x)
{
    struct http_server *http = x->http;
    x->reply.status = err_http_status(x->err.code);
    x->reply.content_type = STR("application/json; charset=UTF-8");
    buf_clear(&x->reply.body);
    if (http->config.error_write)
        http->config.error_write(http->config.owner, &x->err, &x->reply.body);
    else
        buf_add(&x->reply.body, x->err.text, strlen(x->err.text));
}

static bool accepts_gzip(struct exchange *x)
{
    struct str accept = http_header(&x->req, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    return accept.p && str_find(accept, STR("gzip")) >= 0;
}

/* Packs a reply that is worth it. */
static void compress_reply(struct exchange *x)
{
    struct http_reply *reply = &x->reply;
    if (reply->is_gzip || reply->static_body.p || reply->body.n < HTTP_GZIP_REPLY_BYTES_MIN ||
        !accepts_gzip(x))
        return;
    struct buf packed;
    buf_init(&packed, HTTP_REPLY_BYTES_MAX);
    if (deflate_bytes(buf_str(&reply->body), DEFLATE_GZIP, 1, &packed, NULL) < 0) {
        buf_deinit(&packed);
        return;
    }
    buf_deinit(&reply->body);
    reply->body = packed;
    reply->is_gzip = true;
}

static void add_header(struct MHD_Response *response, struct arena *mem, struct str name,
                       struct str value)
{
    (void)MHD_add_response_header(response, arena_cstr(mem, name), arena_cstr(mem, value));
}

static enum MHD_Result answer(struct exchange *x)
{
    struct http_reply *reply = &x->reply;
    if (x->err.code == ERR_NONE && reply->body.is_over)
        err_set(&x->err, ERR_TOO_LARGE, "the reply is larger than %zu bytes",
                reply->body.bytes_max);
    if (x->err.code != ERR_NONE)
        error_body(x);
    compress_reply(x);
    struct str body = reply->static_body.p ? reply->static_body : buf_str(&reply->body);
    /* The bytes stay until on_completed, which libmicrohttpd calls after the last of them was sent.
     */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (reply->content_type.n)
        add_header(response, x->mem, STR("Content-Type"), reply->content_type);
    if (reply->is_gzip)
        add_header(response, x->mem, STR("Content-Encoding"), STR("gzip"));
    for (size_t i = 0; i < reply->header_count; i++)
        add_header(response, x->mem, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static uint64_t content_length(struct exchange *x)
{
    uint64_t n = 0;
    struct str text = http_header(&x->req, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text.p && str_to_u64(text, &n) ? n : 0;
}

static void set_too_large(struct exchange *x)
{
    metric_add(&x->http->metrics.rejected_content_length, 1);
    err_set(&x->err, ERR_TOO_LARGE,
            "the request's body is larger than http.max_content_length (%zu bytes)",
            x->http->config.content_bytes_max);
}

/* Lets the reader see what has come; x->err says what it does not like. */
static void reader_take(struct exchange *x)
{
    size_t held = 0;
    if (!x->reader || x->is_gzip)
        return;
    if (x->reader->take(x->req.body_reader, buf_str(&x->body), &held, &x->err) < 0) {
        metric_add(&x->http->metrics.rejected_body, 1);
        return;
    }
    if (held > x->reader_bytes && reserve(x, held - x->reader_bytes))
        x->reader_bytes = held;
}

/* The size that the last member's trailer claims, which is all of it for most clients: good enough
 * to take from the budget before unpacking; what more comes out is taken afterwards. */
static size_t gzip_claims(struct str packed)
{
    return packed.n < 18 ? 0 : get_u32_le((const uint8_t *)packed.p + packed.n - 4);
}

/* Replaces a gzip body by what is in it; x->err says why not. */
static void unpack(struct exchange *x)
{
    struct str packed = buf_str(&x->body);
    size_t content_max = x->http->config.content_bytes_max;
    size_t by_ratio = MAX_OF(packed.n * HTTP_GZIP_RATIO_MAX, (size_t)HTTP_GZIP_FREE_BYTES);
    size_t limit = MIN_OF(content_max, by_ratio), claim = MIN_OF(gzip_claims(packed), limit);
    if (!reserve(x, claim))
        return;
    struct buf plain;
    buf_init(&plain, limit + MIB);
    (void)buf_reserve(&plain, claim);
    int rc = inflate_bytes(packed, DEFLATE_GZIP, limit, &plain, &x->err);
    if (rc == -ERR_TOO_LARGE && limit < content_max) {
        metric_add(&x->http->metrics.rejected_gzip_ratio, 1);
        err_set(&x->err, ERR_TOO_LARGE,
                "the request's gzip body unpacks to more than http.gzip_ratio_max (%u) times its "
                "size",
                HTTP_GZIP_RATIO_MAX);
    } else if (rc == -ERR_TOO_LARGE) {
        set_too_large(x);
    } else if (rc == 0 && plain.n > claim) {
        rc = reserve(x, plain.n - claim) ? 0 : -ERR_MEM_LIMIT;
    }
    if (rc < 0) {
        buf_deinit(&plain);
        return;
    }
    buf_deinit(&x->body);
    x->body = plain;
    x->is_gzip = false;
    reader_take(x);
}

/* The body is complete: hands the request to the workers. */
static enum MHD_Result body_complete(struct exchange *x)
{
    struct str encoding = http_header(&x->req, MHD_HTTP_HEADER_CONTENT_ENCODING);
    pace_end(&x->http->pace, &x->paced);
    if (x->err.code == ERR_NONE && encoding.n > 0 && !x->is_gzip &&
        !str_eq_nocase(encoding, STR("identity")))
        err_set(&x->err, ERR_UNSUPPORTED,
                "Content-Encoding \"" STR_FMT "\" is not supported: use gzip", STR_ARG(encoding));
    if (x->err.code != ERR_NONE)
        return answer(x);
    metric_add(&x->http->metrics.body_bytes, x->body.n);
    MHD_suspend_connection(x->connection);
    if (queue_push(x->http->queue, x, 1, 0) != QUEUE_OK) {
        metric_add(&x->http->metrics.rejected_queue, 1);
        err_set(&x->err, ERR_QUEUE_FULL,
                "rejected execution: the queue of the pool [%s] has its HTTP_QUEUE_REQUESTS_MAX of "
                "[%zu] requests waiting",
                x->http->config.name, x->http->config.queue_requests_max);
        x->is_done = true;
        MHD_resume_connection(x->connection);
    }
    return MHD_YES;
}

/* The headers are there, the body is not. */
static enum MHD_Result body_begins(struct exchange *x)
{
    const struct http_config *c = &x->http->config;
    uint64_t n = content_length(x);
    x->is_gzip = str_eq_nocase(http_header(&x->req, MHD_HTTP_HEADER_CONTENT_ENCODING), STR("gzip"));
    if (n > c->content_bytes_max) {
        set_too_large(x);
        return answer(x); /* and the connection is closed */
    }
    if (!reserve(x, (size_t)n) && http_header(&x->req, MHD_HTTP_HEADER_EXPECT).p)
        return answer(x);
    if (n == 0 && !http_header(&x->req, MHD_HTTP_HEADER_TRANSFER_ENCODING).p)
        return MHD_YES;
    pace_begin(&x->http->pace, &x->paced, connection_fd(x->connection));
    if (x->err.code != ERR_NONE)
        return MHD_YES;
    (void)buf_reserve(&x->body, (size_t)n);
    x->reader = c->body_reader ? c->body_reader(c->owner, &x->req) : NULL;
    if (x->reader)
        x->req.body_reader = x->reader->make(x->mem);
    return MHD_YES;
}

/* The rest of a body that is refused here is read and dropped. */
static void body_add(struct exchange *x, const char *data, size_t n)
{
    size_t held = x->reserved - x->reader_bytes;
    buf_add(&x->body, data, n);
    if (x->body.is_over || x->body.n > x->http->config.content_bytes_max)
        set_too_large(x);
    else if (x->body.n <= held || reserve(x, x->body.n - held))
        reader_take(x);
    if (x->err.code != ERR_NONE)
        body_drop(x);
}

static enum MHD_Result on_access(void *owner, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **cls)
{
    (void)owner;
    (void)connection;
    (void)url;
    (void)version;
    struct exchange *x = *cls;
    if (!x)
        return MHD_NO;
    if (!x->req.method.p) { /* first call: headers are there, body is not */
        x->req.method = arena_str(x->mem, str_from(method));
        return body_begins(x);
    }
    if (*data_size > 0) {
        pace_took(&x->paced, *data_size);
        if (x->err.code == ERR_NONE)
            body_add(x, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    return x->is_done ? answer(x) : body_complete(x);
}

static void run(struct exchange *x)
{
    struct http_server *http = x->http;
    int64_t begin_ns = clock_monotonic_ns(clock_system());
    metric_add(&http->metrics.active, 1);
    if (x->is_gzip)
        unpack(x);
    if (x->err.code == ERR_NONE) {
        x->req.body = x->body.n ? buf_str(&x->body) : STR("");
        x->reply.status = 200;
        http->config.handler(http->config.owner, &x->req, &x->reply);
        x->req.body = STR("");
    }
    body_drop(x);
    metric_sub(&http->metrics.active, 1);
    metric_add(&http->metrics.completed, 1);
    metric_times_add(&http->metrics.handled, clock_monotonic_ns(clock_system()) - begin_ns);
}

static void *worker_main(void *arg)
{
    struct http_server *http = arg;
    os_thread_name(http->name);
    void *item;
    while (queue_pop(http->queue, &item, -1) == QUEUE_OK) {
        struct exchange *x = item;
        run(x);
        x->is_done = true;
        MHD_resume_connection(x->connection);
    }
    return NULL;
}

/* libmicrohttpd cannot answer in the middle of a body, so these are the bytes of a whole reply. */
static void late_reply_make(struct http_server *http)
{
    const struct http_config *c = &http->config;
    struct err err;
    struct buf body;
    buf_init(&body, 4 * KIB);
    buf_init(&http->late_reply, 8 * KIB);
    (void)err_set(&err, ERR_TIMEOUT,
                  "the request's body did not arrive within http.read_timeout (%lld ms, and a "
                  "second more for each %llu bytes that have come)",
                  (long long)(c->read_timeout_ns / NS_PER_MS),
                  (unsigned long long)HTTP_BODY_BYTES_PER_S_MIN);
    if (c->error_write)
        c->error_write(c->owner, &err, &body);
    else
        buf_add_str(&body, str_from(err.text));
    buf_printf(&http->late_reply,
               "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: "
               "application/json; charset=UTF-8\r\nContent-Length: %zu\r\n\r\n" STR_FMT,
               body.n, STR_ARG(buf_str(&body)));
    buf_deinit(&body);
}

static int start_daemon(struct http_server *http, struct err *err)
{
    const struct http_config *c = &http->config;
    struct net_addr addr;
    int fd;
    /* Port 0 is a wish here (any free one); for the parser it would mean "the text must name one".
     */
    TRY(net_addr_parse(c->host.n ? c->host : STR("127.0.0.1"), c->port ? c->port : 1, &addr, err));
    addr.port = c->port;
    TRY(net_listen(&addr, &fd, err));
    http->port = net_local_port(fd);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_LIMIT,
        HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_TIMEOUT_S,
        MHD_OPTION_THREAD_POOL_SIZE, HTTP_IO_THREADS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(64 * KIB), MHD_OPTION_END);
    if (!http->daemon) {
        net_close(fd);
        return err_set(err, ERR_INTERNAL, "the HTTP server cannot be started");
    }
    return 0;
}

static void http_free(struct http_server *http)
{
    pace_deinit(&http->pace);
    buf_deinit(&http->late_reply);
    queue_free(http->queue);
    mem_free(http);
}

int http_start(const struct http_config *config, struct http_server **ret_http, struct err *err)
{
    struct http_server *http = MEM_NEW(struct http_server);
    http->config = *config;
    if (http->config.content_bytes_max == 0)
        http->config.content_bytes_max = HTTP_CONTENT_BYTES_MAX_DEFAULT;
    if (http->config.in_flight_bytes_max == 0)
        http->config.in_flight_bytes_max = HTTP_IN_FLIGHT_BYTES_MAX_DEFAULT;
    if (http->config.read_timeout_ns == 0)
        http->config.read_timeout_ns = HTTP_READ_TIMEOUT_NS_DEFAULT;
    (void)snprintf(http->name, sizeof(http->name), "%s", config->name);
    if (http->config.queue_requests_max == 0)
        http->config.queue_requests_max = HTTP_QUEUE_REQUESTS_MAX;
    http->queue = queue_new(http->config.queue_requests_max);
    late_reply_make(http);
    pace_init(&http->pace, http->config.read_timeout_ns, HTTP_BODY_BYTES_PER_S_MIN,
              buf_str(&http->late_reply));
    int rc = start_daemon(http, err);
    if (rc < 0) {
        http_free(http);
        return rc;
    }
    size_t count = MIN_OF(MAX_OF(config->worker_count, (size_t)1), (size_t)HTTP_WORKERS_MAX);
    for (size_t i = 0; i < count; i++)
        ASSERT(pthread_create(&http->workers[http->worker_count++], NULL, worker_main, http) == 0);
    *ret_http = http;
    return 0;
}

uint64_t http_rejected_read_timeout(const struct http_server *http)
{
    return __atomic_load_n(&http->pace.cut_count, __ATOMIC_RELAXED);
}

const struct http_metrics *http_metrics(const struct http_server *http)
{
    return &http->metrics;
}

size_t http_queue_count(const struct http_server *http)
{
    return queue_count(http->queue);
}

size_t http_queue_requests_max(const struct http_server *http)
{
    return http->config.queue_requests_max;
}

size_t http_worker_count(const struct http_server *http)
{
    return http->worker_count;
}

size_t http_in_flight_bytes_max(const struct http_server *http)
{
    return http->config.in_flight_bytes_max;
}

uint16_t http_port(const struct http_server *http)
{
    return http->port;
}

void http_stop(struct http_server *http, int64_t drain_ns)
{
    if (!http)
        return;
    int listen_fd = MHD_quiesce_daemon(http->daemon);
    for (int64_t waited = 0; waited < drain_ns; waited += DRAIN_POLL_NS) {
        if (__atomic_load_n(&http->in_flight, __ATOMIC_RELAXED) == 0)
            break;
        clock_sleep_ns(clock_system(), DRAIN_POLL_NS);
    }
    queue_close(
        http->queue); /* workers finish what is queued: every suspended connection is resumed */
    for (size_t i = 0; i < http->worker_count; i++)
        (void)pthread_join(http->workers[i], NULL);
    MHD_stop_daemon(http->daemon);
    if (listen_fd != MHD_INVALID_SOCKET)
        net_close(listen_fd);
    http_free(http);
}
