/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: `naru run`: Logstash pipelines with Logstash's flags; each -f is its own pipeline with its
 * own state. */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/node.h"
#include "pipeline/config/source.h"

#define MONITORING_PORT_DEFAULT 9600
#define MONITORING_PORTS_MORE   100

struct run {
    struct value files;
    struct str config_string, path_data, host, log_level, id;
    bool test_only, support_escapes;
    int64_t workers, batch_size, api_port;
    int ordered;
    struct str clock_start;
    double clock_speed;
    struct str path_settings, path_logs, node_name, log_format;
    bool unsafe_shutdown;
    int64_t batch_delay;
};

static const char *const ordered_choices[] = {"auto", "true", "false", NULL};
static const struct flag run_flags[] = {
    {'f', "FILE",
     OPT_LIST(struct run, files, .name = "path.config",
              .help = "configuration to run; each -f is a pipeline of its own")},
    {'e', "TEXT",
     OPT_STR(struct run, config_string, .name = "config.string",
             .help = "configuration as text; stdin and stdout are added where it names none")},
    {'t', NULL,
     OPT_BOOL(struct run, test_only, .name = "config.test_and_exit", .dflt = "false",
              .help = "check everything and end")},
    {'w', "N",
     OPT_INT(struct run, workers, .name = "pipeline.workers", .dflt = "0", .min = 0, .max = 256,
             .help = "filter threads per pipeline (0: one per core)")},
    {'b', "N",
     OPT_INT(struct run, batch_size, .name = "pipeline.batch.size", .dflt = "0", .min = 0,
             .max = 100000, .help = "events per batch (0: default)")},
    {'u', "MS",
     OPT_INT(struct run, batch_delay, .name = "pipeline.batch.delay", .dflt = "50", .min = 0,
             .max = 60000, .help = "accepted: a batch is never waited for here")},
    {0, "DIR",
     OPT_STR(struct run, path_data, .name = "path.data", .dflt = "data",
             .help = "where positions, queues and dead letters are kept")},
    {0, "ID",
     OPT_STR(struct run, id, .name = "pipeline.id",
             .help = "id of the pipeline of -e or a single -f")},
    {0, "MODE",
     OPT_ENUM(struct run, ordered, .name = "pipeline.ordered", .choices = ordered_choices,
              .dflt = "auto", .help = "true: one worker keeps the order; auto, false")},
    {0, NULL,
     OPT_BOOL(struct run, support_escapes, .name = "config.support_escapes", .dflt = "false",
              .help = "\\n, \\t … in quoted strings")},
    {0, "HOST",
     OPT_STR(struct run, host, .name = "http.host", .dflt = "127.0.0.1",
             .help = "address of the monitoring API")},
    {0, "PORT",
     OPT_INT(struct run, api_port, .name = "http.port", .dflt = "9600", .min = -1, .max = 65535,
             .help = "monitoring API; the next free one up to +100 (0: any, -1: off)")},
    {0, "LEVEL",
     OPT_STR(struct run, log_level, .name = "log.level", .dflt = "info",
             .help = "debug, info, warn, error")},
    {0, "FORMAT",
     OPT_STR(struct run, log_format, .name = "log.format", .dflt = "plain", .help = "plain")},
    {0, "NAME",
     OPT_STR(struct run, node_name, .name = "node.name", .help = "accepted: shown nowhere yet")},
    {0, "DIR",
     OPT_STR(struct run, path_settings, .name = "path.settings",
             .help = "accepted: settings are flags here")},
    {0, "DIR",
     OPT_STR(struct run, path_logs, .name = "path.logs",
             .help = "accepted: the log goes to stderr")},
    {0, NULL,
     OPT_BOOL(struct run, unsafe_shutdown, .name = "pipeline.unsafe_shutdown", .dflt = "false",
              .help = "accepted: a stop is always bounded here")},
    {0, "TIME",
     OPT_STR(struct run, clock_start, .name = "clock.start",
             .help = "for tests: the process's clock begins here")},
    {0, "X",
     OPT_FLOAT(struct run, clock_speed, .name = "clock.speed", .dflt = "1",
               .help = "for tests: and runs so many times as fast")},
    FLAG_END};

static int settings_check(struct app *app, const struct run *s, struct err *err)
{
    TRY(app_log_level_set(s->log_level, err));
    if (!str_is(s->log_format, "plain"))
        return err_set(err, ERR_UNSUPPORTED,
                       "log.format \"" STR_FMT "\" is not there yet: use plain",
                       STR_ARG(s->log_format));
    if (s->files.kind != VALUE_LIST && s->config_string.n == 0)
        return err_set(err, ERR_INVALID, "nothing to run: give -f FILE or -e TEXT");
    return app_clock_set(app, s->clock_start, s->clock_speed, err);
}

static int check_one(struct app *app, const struct run *s, struct str id, const struct str *files,
                     size_t file_count, struct str text, struct err *err)
{
    struct pipeline_config config = {
        .id = id,
        .files = files,
        .file_count = file_count,
        .text = text,
        .support_escapes = s->support_escapes,
        .fs = app->fs,
        .clock = app->clock,
        .seed = app->seed,
        .data_path = s->path_data,
    };
    CLEANUP(pipeline_free_ptr) struct pipeline *pipeline = NULL;
    return pipeline_load(&config, &pipeline, err);
}

/* Prints the reason, the line and a caret. */
static int config_fail(struct app *app, const struct run *s, const struct err *err)
{
    int rc = app_fail(err);
    bool is_text = str_is(str_from(err->file), SOURCE_CONFIG_STRING);
    struct str caret =
        is_text ? err_caret(err, s->config_string, app->mem) : source_caret(app->fs, err, app->mem);
    if (caret.n)
        fprintf(stderr, STR_FMT "\n", STR_ARG(caret));
    return rc;
}

static int check_all(struct app *app, const struct run *s)
{
    struct err err;
    int result = EXIT_OK;
    for (size_t i = 0; s->files.kind == VALUE_LIST && i < s->files.list->count; i++) {
        struct str file = s->files.list->items[i].s;
        if (check_one(app, s, node_pipeline_id(file), &file, 1, STR_NONE, &err) < 0)
            result = config_fail(app, s, &err);
    }
    if (s->config_string.n && check_one(app, s, STR("main"), NULL, 0, s->config_string, &err) < 0)
        result = config_fail(app, s, &err);
    if (result == EXIT_OK)
        printf("Configuration OK\n");
    return result;
}

static int start_pipelines(const struct run *s, struct node *node, struct err *err)
{
    if (s->config_string.n)
        TRY(node_pipeline_start(node, s->id.n ? s->id : STR("main"), NULL, 0, s->config_string,
                                err));
    if (s->id.n && s->files.kind == VALUE_LIST && s->files.list->count == 1) {
        struct str file = s->files.list->items[0].s;
        return node_pipeline_start(node, s->id, &file, 1, STR_NONE, err);
    }
    return node_pipelines_start(node, &s->files, err);
}

static int run_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)args;
    (void)arg_count;
    const struct run *s = settings;
    struct err err;
    if (settings_check(app, s, &err) < 0)
        return app_fail(&err);
    if (s->test_only)
        return check_all(app, s);
    app_catch_signals();
    struct node_config config = {
        .app = app,
        .data_path = s->path_data,
        .host = s->host,
        .ports = {SERVER_PORT_NONE, SERVER_PORT_NONE, (int)s->api_port},
        .monitoring_ports_more = s->api_port == MONITORING_PORT_DEFAULT ? MONITORING_PORTS_MORE : 0,
        .worker_count = (size_t)s->workers,
        .batch_events_max = (size_t)s->batch_size,
        .is_ordered = s->ordered == 1,
        .support_escapes = s->support_escapes,
    };
    struct node *node;
    if (node_start(&config, &node, &err) < 0)
        return app_fail(&err);
    int rc = start_pipelines(s, node, &err);
    if (rc < 0) {
        node_stop(node);
        return config_fail(app, s, &err);
    }
    rc = node_wait(node, true, &err);
    node_stop(node);
    return rc < 0 ? app_fail(&err) : EXIT_OK;
}

static const char *const run_examples[] = {
    "naru run -f logstash.conf",
    "runs a Logstash configuration as it is",
    "naru run -f a.conf -f b.conf",
    "two pipelines in one process, no lock clash",
    "naru run -e 'filter { mutate { uppercase => [\"message\"] } }'",
    "from stdin to stdout",
    "naru run -f logstash.conf -t",
    "checks options, patterns, conditions, references",
    NULL};

const struct command command_run = {
    .name = "run",
    .summary = "runs Logstash pipelines, with Logstash's flags",
    .usage = "naru run -f FILE [-f FILE …] [-e TEXT] [-t] [-w N] [-b N] [--path.data DIR]",
    .examples = run_examples,
    .flags = run_flags,
    .size = sizeof(struct run),
    .run = run_run,
};
