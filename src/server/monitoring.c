/* SPDX-License-Identifier: Apache-2.0 */
/* monitoring.c: :9600 in the shapes of Logstash's monitoring API: /, _node, _node/stats,
 * _node/stats/pipelines, _node/pipelines. */
#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/pipeline.h"
#include "server/server_int.h"

void monitoring_pipelines_write(struct server *server, struct json_writer *w)
{
    json_key_lit(w, "pipelines");
    json_object_begin(w);
    pthread_mutex_lock(&server->mu);
    for (size_t i = 0; i < server->pipeline_count; i++) {
        json_key(w, pipeline_id(server->pipelines[i]));
        pipeline_stats_write(server->pipelines[i], w);
    }
    pthread_mutex_unlock(&server->mu);
    json_object_end(w);
}

static void write_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_from(key));
    json_str(w, value);
}

static void write_number(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, str_from(key));
    json_i64(w, value);
}

static void write_head(struct server *server, struct arena *mem, struct json_writer *w)
{
    write_text(w, "host", os_hostname());
    write_text(w, "version", STR("7.11.2"));
    write_text(w, "http_address",
               arena_printf(mem, STR_FMT ":%u",
                            STR_ARG(server->config.host.n ? server->config.host : STR("127.0.0.1")),
                            server_port(server, SERVER_MONITORING)));
    write_text(w, "name", server->rest.node_name);
    write_text(w, "status", STR("green"));
}

static void write_process(struct server *server, struct json_writer *w)
{
    int64_t up = clock_monotonic_ns(server->config.clock) - server->rest.started_ns;
    json_key_lit(w, "jvm");
    json_object_begin(w);
    write_number(w, "uptime_in_millis", up / NS_PER_MS);
    json_key_lit(w, "mem");
    json_object_begin(w);
    write_number(w, "heap_used_in_bytes", (int64_t)os_rss_bytes());
    json_object_end(w);
    json_object_end(w);
    json_key_lit(w, "process");
    json_object_begin(w);
    json_key_lit(w, "cpu");
    json_object_begin(w);
    write_number(w, "total_in_millis", os_cpu_ns() / NS_PER_MS);
    json_object_end(w);
    json_object_end(w);
}

static void write_events(struct server *server, struct json_writer *w)
{
    struct pipeline_totals sum = {0};
    pthread_mutex_lock(&server->mu);
    for (size_t i = 0; i < server->pipeline_count; i++) {
        struct pipeline_totals t;
        pipeline_totals(server->pipelines[i], &t);
        sum.events_in += t.events_in;
        sum.events_filtered += t.events_filtered;
        sum.events_out += t.events_out;
    }
    pthread_mutex_unlock(&server->mu);
    json_key_lit(w, "events");
    json_object_begin(w);
    write_number(w, "in", (int64_t)sum.events_in);
    write_number(w, "filtered", (int64_t)sum.events_filtered);
    write_number(w, "out", (int64_t)sum.events_out);
    json_object_end(w);
}

void monitoring_handle(void *owner, struct http_request *req, struct http_reply *reply)
{
    struct server *server = owner;
    struct json_writer w;
    struct str path = req->path;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    bool is_stats = str_is(path, "/_node/stats");
    bool is_pipelines = str_is(path, "/_node/stats/pipelines") || str_is(path, "/_node/pipelines");
    reply->content_type = STR("application/json");
    json_writer_init(&w, &reply->body, str_find(req->query, STR("pretty")) >= 0);
    json_object_begin(&w);
    if (!str_is(req->method, "GET") ||
        !(is_stats || is_pipelines || str_is(path, "/") || str_is(path, "/_node"))) {
        reply->status = 404;
        write_text(&w, "path", path);
        write_number(&w, "status", 404);
        json_key_lit(&w, "error");
        json_object_begin(&w);
        write_text(&w, "message", STR("Not Found"));
        json_object_end(&w);
        json_object_end(&w);
        return;
    }
    write_head(server, req->mem, &w);
    if (is_stats) {
        write_process(server, &w);
        write_events(server, &w);
    }
    if (is_stats || is_pipelines)
        monitoring_pipelines_write(server, &w);
    json_object_end(&w);
}
