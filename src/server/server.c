/* SPDX-License-Identifier: Apache-2.0 */
/* server.c: starts the listeners and hands each its handler. The REST handler runs endpoints
 * (rest.c); the console's is console.c; monitoring.c answers in Logstash's shapes. */
#include "server/server_int.h"

#include <pthread.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "query/search.h"
#include "query/search_pool.h"

#define SCROLL_CONTEXTS_MAX 500u /* search.max_open_scroll_context */
#define REST_WORKERS                                                                               \
    8u /* bulk requests wait for their sync in these; searches use threads of their own */
#define SMALL_WORKERS 2u

/* An address, not a name that begins like one: "127.0.0.1.example.org" is somebody else's. */
static bool is_loopback_v4(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    }
    return str_starts_with(host, STR("127."));
}

static bool host_is_loopback(struct str host)
{
    return host.n == 0 || is_loopback_v4(host) || str_eq_nocase(host, STR("localhost")) ||
           str_is(host, "::1") || str_is(host, "[::1]");
}

/* A page in a browser must not reach a server on loopback by a name that somebody else's DNS
 * resolves to it. */
bool server_host_is_ours(const struct server *server, const struct http_request *req)
{
    if (!host_is_loopback(server->config.host))
        return true;
    struct str host = http_header(req, "Host");
    if (!host.p)
        return true;
    ptrdiff_t colon = host.p[0] == '[' ? str_find(host, STR("]:")) + 1 : str_find_char(host, ':');
    if (colon > 0)
        host = str_sub(host, 0, (size_t)colon);
    return host_is_loopback(host);
}

static void error_body(void *owner, const struct err *err, struct buf *out)
{
    (void)owner;
    struct json_writer w;
    json_writer_init(&w, out, false);
    rest_error_write(err, NULL, &w);
}

static void rest_handle(void *owner, struct http_request *req, struct http_reply *reply)
{
    struct server *server = owner;
    struct rest_reply result;
    struct rest_client client = {http_client_is_gone, req, req->body_reader};
    rest_run(&server->rest, req->method, req->path, req->query, req->body, &client, req->mem,
             &reply->body, &result);
    reply->status = result.status;
    reply->content_type = result.content_type;
    if (result.warning.n)
        http_reply_header(reply, STR("Warning"), result.warning);
}

static const struct body_reader *rest_reader(void *owner, const struct http_request *req)
{
    (void)owner;
    return rest_body_reader(req->method, req->path);
}

static const struct {
    const char *name;
    http_handler *handler;
    size_t worker_count;
} listeners[SERVER_LISTENER_COUNT] = {
    [SERVER_REST] = {"rest", rest_handle, REST_WORKERS},
    [SERVER_CONSOLE] = {"console", console_handle, REST_WORKERS},
    [SERVER_MONITORING] = {"monitoring", monitoring_handle, SMALL_WORKERS},
};

static int start_listener(struct server *server, enum server_listener i, struct err *err)
{
    const struct server_config *c = &server->config;
    if (c->ports[i] == SERVER_PORT_NONE)
        return 0;
    struct http_config config = {.host = c->host,
                                 .port = (uint16_t)c->ports[i],
                                 .worker_count =
                                     c->thread_count ? c->thread_count : listeners[i].worker_count,
                                 .content_bytes_max = c->content_bytes_max,
                                 .in_flight_bytes_max = c->in_flight_bytes_max,
                                 .read_timeout_ns = c->read_timeout_ns,
                                 .name = listeners[i].name,
                                 .handler = listeners[i].handler,
                                 .error_write = error_body,
                                 .body_reader = i == SERVER_REST ? rest_reader : NULL,
                                 .owner = server};
    return http_start(&config, &server->http[i], err);
}

int server_start(const struct server_config *config, struct server **ret_server, struct err *err)
{
    struct server *server = MEM_NEW(struct server);
    server->config = *config;
    ASSERT(pthread_mutex_init(&server->mu, NULL) == 0);
    ASSERT(pthread_mutex_init(&server->archive_mu, NULL) == 0);
    server->rest = (struct rest_context){.engine = config->engine,
                                         .clock = config->clock,
                                         .node_name = os_hostname(),
                                         .search_bytes_max = config->search_bytes_max,
                                         .started_ns = clock_monotonic_ns(config->clock)};
    if (config->engine)
        server->rest.scrolls = scroll_table_new(config->clock, SCROLL_CONTEXTS_MAX);
    if (config->engine)
        server->rest.searches = search_pool_new(0);
    for (int i = 0; i < SERVER_LISTENER_COUNT; i++) {
        int rc = start_listener(server, (enum server_listener)i, err);
        if (rc < 0) {
            server_stop(server, 0);
            return rc;
        }
    }
    server->rest.http_port = server_port(server, SERVER_REST);
    server->rest.http = server->http[SERVER_REST];
    *ret_server = server;
    return 0;
}

uint16_t server_port(const struct server *server, enum server_listener listener)
{
    return server->http[listener] ? http_port(server->http[listener]) : 0;
}

void server_pipeline_add(struct server *server, struct pipeline *pipeline)
{
    pthread_mutex_lock(&server->mu);
    ASSERT(server->pipeline_count < SERVER_PIPELINES_MAX);
    server->pipelines[server->pipeline_count++] = pipeline;
    pthread_mutex_unlock(&server->mu);
}

void server_pipeline_remove(struct server *server, struct pipeline *pipeline)
{
    pthread_mutex_lock(&server->mu);
    for (size_t i = 0; i < server->pipeline_count; i++) {
        if (server->pipelines[i] == pipeline) {
            server->pipelines[i] = server->pipelines[--server->pipeline_count];
            break;
        }
    }
    pthread_mutex_unlock(&server->mu);
}

void server_stop(struct server *server, int64_t drain_ns)
{
    if (!server)
        return;
    for (int i = 0; i < SERVER_LISTENER_COUNT; i++)
        http_stop(server->http[i], drain_ns / SERVER_LISTENER_COUNT);
    archive_close(server);
    scroll_table_free(server->rest.scrolls);
    search_pool_free(server->rest.searches);
    (void)pthread_mutex_destroy(&server->mu);
    (void)pthread_mutex_destroy(&server->archive_mu);
    mem_free(server);
}

int server_dispatch(struct server *server, struct str method, struct str path, struct str query,
                    struct str body, struct arena *mem, int *ret_status, struct str *ret_body)
{
    struct buf out;
    struct rest_reply reply;
    buf_init(&out, HTTP_REPLY_BYTES_MAX);
    rest_run(&server->rest, method, path, query, body, NULL, mem, &out, &reply);
    *ret_status = reply.status;
    *ret_body = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return 0;
}
