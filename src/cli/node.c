/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "index/engine.h"

#define NODE_POLL_NS (50 * NS_PER_MS)

struct node {
    struct node_config config;
    struct arena *mem;
    struct engine *engine;
    struct server *server;
    struct pipeline *pipelines[NODE_PIPELINES_MAX];
    size_t pipeline_count;
};

struct str node_pipeline_id(struct str path)
{
    struct str name = path_name(path);
    if (str_ends_with(name, STR(".conf")))
        name.n -= 5;
    return name.n ? name : STR("main");
}

/* Segments that were set aside when the data was opened, one line per index. */
static int damage_log(struct node *node, struct err *err)
{
    struct str *names;
    size_t count;
    TRY(engine_resolve(node->engine, STR("_all"), true, node->mem, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct index_stats s;
        TRY(engine_index_stats(node->engine, names[i], node->mem, &s, err));
        if (s.is_failed)
            log_line(LOG_ERROR, "index",
                     "[" STR_FMT "]: the index is set aside, the others serve: %s",
                     STR_ARG(names[i]), s.damaged_reason);
        if (s.damaged_count)
            log_line(LOG_ERROR, "index",
                     "[" STR_FMT "]: %u damaged segments are set aside, the others serve: %s",
                     STR_ARG(names[i]), s.damaged_count, s.damaged_reason);
    }
    return 0;
}

static int start_engine(struct node *node, struct err *err)
{
    struct app *app = node->config.app;
    struct engine_config config = {
        .fs = app->fs,
        .clock = app->clock,
        .seed = app->seed,
        .path = path_join(node->mem, node->config.data_path, STR("engine")),
        .filter_cache_bytes = node->config.filter_cache_bytes,
        .has_no_filter_cache = node->config.has_no_filter_cache,
        .memory_bytes_max = node->config.index_buffer_bytes,
        .request_bytes_max = node->config.content_bytes_max,
        .scrub_interval_ns = node->config.scrub_interval_ns,
        .scrub_bytes_per_s = node->config.scrub_bytes_per_s,
    };
    TRY(engine_open(&config, &node->engine, err));
    return damage_log(node, err);
}

static bool wants_server(const struct node_config *config)
{
    for (size_t i = 0; i < SERVER_LISTENER_COUNT; i++) {
        if (config->ports[i] != SERVER_PORT_NONE)
            return true;
    }
    return false;
}

static int start_server(struct node *node, struct err *err)
{
    const struct node_config *c = &node->config;
    struct server_config config = {
        .engine = node->engine,
        .clock = c->app->clock,
        .host = c->host,
        .ports = {c->ports[0], c->ports[1], c->ports[2]},
        .content_bytes_max = c->content_bytes_max,
        .in_flight_bytes_max = c->in_flight_bytes_max,
        .read_timeout_ns = c->read_timeout_ns,
        .search_bytes_max = c->search_bytes_max,
        .archive_url = c->archive_url,
        .status_write = c->status_write,
        .status_owner = c->status_owner,
    };
    for (int more = 0;; more++) {
        int rc = server_start(&config, &node->server, err);
        if (rc != -ERR_IN_USE || more >= c->monitoring_ports_more)
            return rc;
        config.ports[SERVER_MONITORING]++;
    }
}

int node_start(const struct node_config *config, struct node **ret_node, struct err *err)
{
    struct node *node = MEM_NEW(struct node);
    node->config = *config;
    node->mem = arena_new(0);
    int rc = vfs_make_dir(config->app->fs, config->data_path, err);
    if (rc == 0 && config->has_engine)
        rc = start_engine(node, err);
    if (rc == 0 && wants_server(config))
        rc = start_server(node, err);
    if (rc < 0) {
        node_stop(node);
        return rc;
    }
    *ret_node = node;
    return 0;
}

int node_pipeline_start(struct node *node, struct str id, const struct str *files,
                        size_t file_count, struct str text, struct err *err)
{
    const struct node_config *c = &node->config;
    if (node->pipeline_count == NODE_PIPELINES_MAX)
        return err_set(err, ERR_INVALID, "more than %u pipelines in one process",
                       NODE_PIPELINES_MAX);
    struct pipeline_config config = {
        .id = id,
        .files = files,
        .file_count = file_count,
        .text = text,
        .worker_count = c->worker_count,
        .batch_events_max = c->batch_events_max,
        .support_escapes = c->support_escapes,
        .is_ordered = c->is_ordered,
        .fs = c->app->fs,
        .clock = c->app->clock,
        .seed = c->app->seed + node->pipeline_count,
        .data_path = c->data_path,
        .engine = node->engine,
        .engine_http_port = node->server ? server_port(node->server, SERVER_REST) : 0,
        .env_get = c->env_get,
        .env_owner = c->env_owner,
    };
    CLEANUP(pipeline_free_ptr) struct pipeline *pipeline = NULL;
    TRY(pipeline_load(&config, &pipeline, err));
    TRY(pipeline_start(pipeline, err));
    if (node->server)
        server_pipeline_add(node->server, pipeline);
    node->pipelines[node->pipeline_count++] = TAKE(pipeline);
    return 0;
}

/* Adds the files that one path stands for: itself, the *.conf of a folder, or what a glob in its
 * last part matches. */
static int expand_path(struct node *node, struct str path, struct value *files, struct err *err)
{
    struct vfs *fs = node->config.app->fs;
    struct vfs_stat stat;
    bool is_glob = str_find_char(path_name(path), '*') >= 0;
    bool is_dir =
        !is_glob && vfs_stat(fs, path, true, &stat, NULL) == 0 && stat.kind == VFS_KIND_DIR;
    if (!is_glob && !is_dir) {
        value_list_add(node->mem, files, value_str(path));
        return 0;
    }
    struct str dir = is_dir ? path : path_dir(path);
    struct str pattern = is_dir ? STR("*.conf") : path_name(path);
    struct vfs_entry *entries;
    size_t count, before = files->list->count;
    TRY(vfs_list(fs, dir, node->mem, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind != VFS_KIND_DIR && str_glob(pattern, entries[i].name))
            value_list_add(node->mem, files, value_str(path_join(node->mem, dir, entries[i].name)));
    }
    if (is_glob && files->list->count == before)
        return err_set(err, ERR_NOT_FOUND, "no file matches \"" STR_FMT "\"", STR_ARG(path));
    return 0;
}

int node_pipelines_start(struct node *node, const struct value *paths, struct err *err)
{
    if (paths->kind != VALUE_LIST)
        return 0;
    struct value files = value_list(node->mem, 8);
    for (size_t i = 0; i < paths->list->count; i++)
        TRY(expand_path(node, paths->list->items[i].s, &files, err));
    for (size_t i = 0; i < files.list->count; i++) {
        struct str file = files.list->items[i].s;
        TRY(node_pipeline_start(node, node_pipeline_id(file), &file, 1, STR_NONE, err));
    }
    return 0;
}

struct engine *node_engine(struct node *node)
{
    return node->engine;
}

struct server *node_server(struct node *node)
{
    return node->server;
}

size_t node_pipeline_count(const struct node *node)
{
    return node->pipeline_count;
}

struct pipeline *node_pipeline(struct node *node, size_t i)
{
    ASSERT(i < node->pipeline_count);
    return node->pipelines[i];
}

/* True when all have ended; *ret_failed is the first one that ended with an error. */
static bool pipelines_ended(struct node *node, const struct err **ret_failed)
{
    bool all = node->pipeline_count > 0;
    for (size_t i = 0; i < node->pipeline_count; i++) {
        const struct err *failed = pipeline_error(node->pipelines[i]);
        if (failed && !*ret_failed)
            *ret_failed = failed;
        if (!failed && !pipeline_is_finished(node->pipelines[i]))
            all = false;
    }
    return all;
}

int node_wait(struct node *node, bool ends_with_pipelines, struct err *err)
{
    for (;;) {
        const struct err *failed = NULL;
        bool ended = pipelines_ended(node, &failed);
        if (failed && (ended || !ends_with_pipelines)) {
            if (err)
                *err = *failed;
            return -(int)failed->code;
        }
        if (ended && ends_with_pipelines)
            return 0;
        if (app_wait(NODE_POLL_NS))
            return 0;
    }
}

void node_stop(struct node *node)
{
    if (!node)
        return;
    for (size_t i = node->pipeline_count; i-- > 0;)
        pipeline_stop(node->pipelines[i], NODE_DRAIN_NS / (int64_t)node->pipeline_count);
    if (node->server) {
        for (size_t i = 0; i < node->pipeline_count; i++)
            server_pipeline_remove(node->server, node->pipelines[i]);
        server_stop(node->server, NS_PER_S);
    }
    for (size_t i = 0; i < node->pipeline_count; i++)
        pipeline_free(node->pipelines[i]);
    engine_close(node->engine);
    arena_free(node->mem);
    mem_free(node);
}
