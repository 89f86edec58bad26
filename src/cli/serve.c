/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: `naru serve`: engine, REST, console, monitoring API and pipelines in one process. */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/node.h"

struct serve {
    struct value files;
    struct str config, path_data, host, log_level, archive;
    bool allow_remote;
    int64_t http_port, console_port, api_port, workers, batch_size;
    uint64_t content_bytes_max, in_flight_bytes_max, index_buffer_bytes, search_bytes_max;
    int64_t read_timeout_ns;
    struct str clock_start;
    double clock_speed;
};

#define PORT_HELP(what, dflt_)                                                                     \
    .dflt = dflt_, .min = -1, .max = 65535, .help = what " (0: any free one, -1: off)"

static const struct flag serve_flags[] = {
    {'c', "FILE",
     OPT_STR(struct serve, config, .name = "config",
             .help = "naru.yml: the same settings in YAML; flags win over it")},
    {'f', "FILE",
     OPT_LIST(struct serve, files, .name = "path.config",
              .help = "pipeline to run; repeat it for more; a folder runs its *.conf")},
    {0, "DIR",
     OPT_STR(struct serve, path_data, .name = "path.data", .dflt = "data",
             .help = "where everything is kept")},
    {0, "HOST",
     OPT_STR(struct serve, host, .name = "http.host", .dflt = "127.0.0.1",
             .help = "address to listen on")},
    {0, NULL,
     OPT_BOOL(struct serve, allow_remote, .name = "allow-remote", .dflt = "false",
              .help = "accept an address that is not loopback: there is no password yet")},
    {0, "PORT",
     OPT_INT(struct serve, http_port, .name = "http.port",
             PORT_HELP("Elasticsearch REST API", "9200"))},
    {0, "PORT",
     OPT_INT(struct serve, console_port, .name = "console.port", PORT_HELP("web console", "5601"))},
    {0, "PORT",
     OPT_INT(struct serve, api_port, .name = "api.port", PORT_HELP("monitoring API", "9600"))},
    {0, "BYTES",
     OPT_SIZE(struct serve, content_bytes_max, .name = "http.max_content_length", .dflt = "100MiB",
              .min = KIB, .max = 2 * GIB - 1,
              .help = "largest body of a request, unpacked; more answers 413")},
    {0, "TIME",
     OPT_DURATION(struct serve, read_timeout_ns, .name = "http.read_timeout", .dflt = "60s",
                  .min = NS_PER_MS, .max = 24 * 3600 * NS_PER_S,
                  .help = "for a body to arrive, and a second more for each 64 KiB that have come; "
                          "then 408")},
    {0, "BYTES",
     OPT_SIZE(struct serve, in_flight_bytes_max, .name = "network.breaker.inflight_requests.limit",
              .dflt = "512MiB", .min = KIB, .max = 1024 * GIB,
              .help = "bodies of all requests that are being read or worked on; more answers 429")},
    {0, "BYTES",
     OPT_SIZE(struct serve, search_bytes_max, .name = "indices.breaker.request.limit",
              .dflt = "512MiB", .min = 64 * KIB, .max = 1024 * GIB,
              .help = "memory of one search; more answers 429")},
    {0, "BYTES",
     OPT_SIZE(struct serve, index_buffer_bytes, .name = "indices.memory.index_buffer_size",
              .dflt = "256MiB", .min = MIB, .max = 1024 * GIB,
              .help = "what is written and not on disk yet, requests being applied included; more "
                      "answers 429")},
    {'w', "N",
     OPT_INT(struct serve, workers, .name = "pipeline.workers", .dflt = "0", .min = 0, .max = 256,
             .help = "filter threads per pipeline (0: one per core)")},
    {'b', "N",
     OPT_INT(struct serve, batch_size, .name = "pipeline.batch.size", .dflt = "0", .min = 0,
             .max = 100000, .help = "events per batch (0: default)")},
    {0, "URL",
     OPT_STR(struct serve, archive, .name = "archive",
             .help = "SQL archive that the console reads: jdbc:sqlite:FILE or jdbc:mysql://…")},
    {0, "LEVEL",
     OPT_STR(struct serve, log_level, .name = "log.level", .dflt = "info",
             .help = "debug, info, warn, error")},
    {0, "TIME",
     OPT_STR(struct serve, clock_start, .name = "clock.start",
             .help = "for tests: the process's clock begins here")},
    {0, "X",
     OPT_FLOAT(struct serve, clock_speed, .name = "clock.speed", .dflt = "1",
               .help = "for tests: and runs so many times as fast")},
    FLAG_END};

static bool is_loopback(struct str host)
{
    return str_starts_with(host, STR("127.")) || str_is(host, "localhost") || str_is(host, "::1") ||
           str_is(host, "[::1]");
}

static int settings_check(struct app *app, const struct serve *s, struct err *err)
{
    TRY(app_log_level_set(s->log_level, err));
    if (!is_loopback(s->host) && !s->allow_remote)
        return err_set(err, ERR_INVALID,
                       "refusing to listen on " STR_FMT
                       ": there is no password yet; add --allow-remote when "
                       "the network is trusted",
                       STR_ARG(s->host));
    return app_clock_set(app, s->clock_start, s->clock_speed, err);
}

static void print_addresses(const struct serve *s, struct node *node)
{
    static const char *const names[] = {"REST", "console", "monitoring"};
    struct server *server = node_server(node);
    for (int i = 0; server && i < SERVER_LISTENER_COUNT; i++) {
        uint16_t port = server_port(server, (enum server_listener)i);
        if (port)
            fprintf(stderr, "%-10s http://" STR_FMT ":%u\n", names[i], STR_ARG(s->host), port);
    }
}

static int serve_start(struct app *app, const struct serve *s, struct node **ret_node,
                       struct err *err)
{
    TRY(settings_check(app, s, err));
    struct node_config config = {
        .app = app,
        .data_path = s->path_data,
        .has_engine = true,
        .host = s->host,
        .ports = {(int)s->http_port, (int)s->console_port, (int)s->api_port},
        .archive_url = s->archive,
        .worker_count = (size_t)s->workers,
        .batch_events_max = (size_t)s->batch_size,
        .content_bytes_max = s->content_bytes_max,
        .in_flight_bytes_max = s->in_flight_bytes_max,
        .search_bytes_max = s->search_bytes_max,
        .index_buffer_bytes = s->index_buffer_bytes,
        .read_timeout_ns = s->read_timeout_ns,
    };
    struct node *node;
    TRY(node_start(&config, &node, err));
    print_addresses(s, node);
    struct value paths = s->files;
    struct vfs_stat stat;
    if (paths.kind != VALUE_LIST && vfs_stat(app->fs, STR("pipelines.d"), true, &stat, NULL) == 0) {
        paths = value_list(app->mem, 1);
        value_list_add(app->mem, &paths, value_str(STR("pipelines.d")));
    }
    int rc = node_pipelines_start(node, &paths, err);
    if (rc < 0) {
        node_stop(node);
        return rc;
    }
    *ret_node = node;
    return 0;
}

static int serve_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)args;
    (void)arg_count;
    struct err err;
    struct node *node;
    app_catch_signals();
    if (serve_start(app, settings, &node, &err) < 0)
        return app_fail(&err);
    int rc = node_wait(node, false, &err);
    node_stop(node);
    return rc < 0 ? app_fail(&err) : EXIT_OK;
}

static const char *const serve_examples[] = {
    "naru serve",
    "an empty node: REST on 9200, console on 5601",
    "naru serve -f csv_to_es.conf -f es_to_mysql.conf",
    "with two pipelines, each on its own",
    "naru serve -c naru.yml",
    "settings from a file: http.port, path.data, path.config …",
    "naru serve --path.data /var/lib/naru --http.port 9201",
    "its data elsewhere, another port",
    NULL};

const struct command command_serve = {
    .name = "serve",
    .summary = "engine, REST API, console and pipelines in one process",
    .usage =
        "naru serve [-c naru.yml] [-f FILE …] [--path.data DIR] [--http.port N] [--console.port N] "
        "[--api.port N]",
    .text = "Without -f it runs the pipelines in pipelines.d/*.conf, when that folder is there. "
            "Listens on loopback\n"
            "only, unless told otherwise. SIGTERM drains the pipelines and ends within 10 seconds.",
    .examples = serve_examples,
    .flags = serve_flags,
    .size = sizeof(struct serve),
    .settings_flag = "config",
    .run = serve_run,
};
