/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: the three listeners of a node and what they serve: the Elasticsearch REST API (:9200),
 * the console with its own small API (:5601, web/API.md) and the monitoring API (:9600, Logstash's
 * shapes). Used by `naru serve`, `run` (monitoring only) and `demo`. */
#ifndef NARU_SERVER_SERVER_H
#define NARU_SERVER_SERVER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

struct engine;
struct pipeline;
struct json_writer;
struct server;

#define SERVER_PORT_NONE (-1) /* this listener is not wanted */
#define SERVER_PORT_ANY  0    /* the system chooses; ask server_port() */

enum server_listener { SERVER_REST, SERVER_CONSOLE, SERVER_MONITORING, SERVER_LISTENER_COUNT };

struct server_config {
    struct engine *engine; /* borrowed; NULL: no REST, no console */
    struct clock *clock;
    struct str host; /* "127.0.0.1" when empty; anything but loopback is refused by the CLI unless
                        asked for */
    int ports[SERVER_LISTENER_COUNT];
    size_t content_bytes_max;   /* http.max_content_length, 0: default */
    size_t in_flight_bytes_max; /* network.breaker.inflight_requests.limit, 0: default */
    int64_t read_timeout_ns;    /* http.read_timeout, 0: default */
    size_t search_bytes_max;    /* indices.breaker.request.limit: of one search, 0: default */
    size_t thread_count;        /* 0: default */
    /* The SQL archive that the console reads ("jdbc:sqlite:…", "jdbc:mysql://…"); empty: none.
     * Read-only use. */
    struct str archive_url;
    struct str archive_windows_table; /* "stock_10min" when empty */
    struct str archive_ticks_table;   /* "kr_stock_trade" when empty */
    /* Writes extra members of GET /api/status (trades, windows …) into the open object; MAY be
     * NULL. */
    void (*status_write)(void *owner, struct json_writer *w);
    void *status_owner;
};

/* Binds and serves. -ERR_IN_USE names the port and what to do. */
int server_start(const struct server_config *config, struct server **ret_server,
                 struct err *err) WARN_UNUSED;
uint16_t server_port(const struct server *server, enum server_listener listener); /* 0: none */
/* Pipelines that the monitoring API shows; borrowed until removed. Thread-safe. */
void server_pipeline_add(struct server *server, struct pipeline *pipeline);
void server_pipeline_remove(struct server *server, struct pipeline *pipeline);
/* Stops accepting, lets requests in flight end for at most drain_ns, frees. */
void server_stop(struct server *server, int64_t drain_ns);

/* Calls a REST endpoint without a socket (the console's proxy, tests). Status and body; strings in
 * mem. */
int server_dispatch(struct server *server, struct str method, struct str path, struct str query,
                    struct str body, struct arena *mem, int *ret_status,
                    struct str *ret_body) WARN_UNUSED;

#endif
