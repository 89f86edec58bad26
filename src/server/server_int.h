/* SPDX-License-Identifier: Apache-2.0 */
/* server_int.h: a node's listeners, for the files of this folder. */
#ifndef NARU_SERVER_SERVER_INT_H
#define NARU_SERVER_SERVER_INT_H

#include <pthread.h>

#include "server/http.h"
#include "server/rest.h"
#include "server/server.h"

#define SERVER_PIPELINES_MAX 64u

struct sql_connection;

struct server {
    struct server_config config;
    struct rest_context rest;
    struct http_server *http[SERVER_LISTENER_COUNT];
    pthread_mutex_t mu;
    struct pipeline *pipelines[SERVER_PIPELINES_MAX]; /* guarded by mu */
    size_t pipeline_count;                            /* guarded by mu */
    pthread_mutex_t archive_mu;
    struct sql_connection *archive; /* guarded by archive_mu; opened at first use */
};

bool server_host_is_ours(const struct server *server, const struct http_request *req);

/* console.c, monitoring.c, archive.c */
http_handler console_handle;
http_handler monitoring_handle;
void monitoring_pipelines_write(struct server *server, struct json_writer *w);

/* GET /api/archive/<which>: writes the whole reply, errors included. `which`: "ten_minutes" or
 * "ticks". */
void archive_reply(struct server *server, struct str which, struct str query, struct arena *mem,
                   struct http_reply *reply);
/* {"driver":…,"available":…} */
void archive_status_write(struct server *server, struct json_writer *w);
/* Rows of a table, -1: not known. */
int64_t archive_row_count(struct server *server, bool is_windows);
void archive_close(struct server *server);

#endif
