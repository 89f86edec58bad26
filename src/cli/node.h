/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: one process's worth of naru put together: engine, listeners and pipelines, in the order
 * that they need each other, and taken down in reverse. `serve`, `run` and `demo` differ only in
 * what they ask for. */
#ifndef NARU_CLI_NODE_H
#define NARU_CLI_NODE_H

#include "cli/app.h"
#include "event/value.h"
#include "pipeline/pipeline.h"
#include "server/server.h"

#define NODE_DRAIN_NS                                                                              \
    (8 * NS_PER_S) /* SIGTERM ends within 10 s: 8 for pipelines, the rest for the engine */
#define NODE_PIPELINES_MAX 64u

struct node_config {
    struct app *app;
    struct str data_path;
    bool has_engine;
    struct str host;
    int ports[SERVER_LISTENER_COUNT];
    int monitoring_ports_more; /* tries so many ports behind the monitoring port, as Logstash does
                                */
    struct str archive_url;
    uint64_t filter_cache_bytes; /* 0: default */
    bool has_no_filter_cache;
    size_t worker_count, batch_events_max;
    /* Limits of the server and the engine, 0: their defaults. */
    size_t content_bytes_max, in_flight_bytes_max, search_bytes_max, index_buffer_bytes;
    int64_t read_timeout_ns;
    int64_t scrub_interval_ns; /* as engine_config's */
    uint64_t scrub_bytes_per_s;
    bool is_ordered, support_escapes;
    struct str (*env_get)(void *owner, struct str name);
    void *env_owner;
    void (*status_write)(void *owner, struct json_writer *w);
    void *status_owner;
};

struct node;
int node_start(const struct node_config *config, struct node **ret_node,
               struct err *err) WARN_UNUSED;
/* Loads and starts one pipeline from files or text. */
int node_pipeline_start(struct node *node, struct str id, const struct str *files,
                        size_t file_count, struct str text, struct err *err) WARN_UNUSED;
/* One pipeline per file of `paths`; a folder or glob gives one per *.conf in it. */
int node_pipelines_start(struct node *node, const struct value *paths, struct err *err) WARN_UNUSED;
struct engine *node_engine(struct node *node);
struct server *node_server(struct node *node);
size_t node_pipeline_count(const struct node *node);
struct pipeline *node_pipeline(struct node *node, size_t i);
/* Runs until a stop is asked for or every pipeline has finished or one has failed. 0 or the
 * failure. */
int node_wait(struct node *node, bool ends_with_pipelines, struct err *err) WARN_UNUSED;
void node_stop(struct node *node);

/* The pipeline's id of a configuration path: "conf/csv_to_es.conf" -> "csv_to_es". */
struct str node_pipeline_id(struct str path);

#endif
