/* SPDX-License-Identifier: Apache-2.0 */
/* ship.c: `naru ship`: the light shipper with Filebeat's own file and flags. */
#include <pthread.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"
#include "ship/ship.h"

struct ship_settings {
    struct str config, path_data, log_level, debug;
    struct value overrides;
    bool to_stderr, once;
};

static const struct flag ship_flags[] = {
    {'c', "FILE",
     OPT_STR(struct ship_settings, config, .name = "config", .dflt = "filebeat.yml",
             .help = "configuration")},
    {0, "DIR",
     OPT_STR(struct ship_settings, path_data, .name = "path.data",
             .help = "where the registry is kept; Filebeat's is taken over")},
    {'E', "KEY=VALUE",
     OPT_LIST(struct ship_settings, overrides, .name = "override",
              .help = "replaces a setting; repeat it")},
    {'e', NULL,
     OPT_BOOL(struct ship_settings, to_stderr, .name = "stderr", .dflt = "false",
              .help = "accepted: the log always goes to stderr")},
    {'d', "SELECTORS",
     OPT_STR(struct ship_settings, debug, .name = "debug", .help = "debug messages")},
    {0, NULL,
     OPT_BOOL(struct ship_settings, once, .dflt = "false",
              .help = "ends when everything that is there was sent and acknowledged")},
    {0, "LEVEL",
     OPT_STR(struct ship_settings, log_level, .name = "log.level", .dflt = "info",
             .help = "debug, info, warn, error")},
    FLAG_END};

struct watcher {
    struct ship *ship;
    bool is_over; /* atomic */
};

static void *watch_main(void *arg)
{
    struct watcher *watcher = arg;
    while (!__atomic_load_n(&watcher->is_over, __ATOMIC_ACQUIRE)) {
        if (app_wait(50 * NS_PER_MS)) {
            ship_stop(watcher->ship);
            break;
        }
    }
    return NULL;
}

static int ship_until_stopped(struct ship *ship, struct err *err)
{
    struct watcher watcher = {ship, false};
    pthread_t thread;
    ASSERT(pthread_create(&thread, NULL, watch_main, &watcher) == 0);
    int rc = ship_run(ship, err);
    __atomic_store_n(&watcher.is_over, true, __ATOMIC_RELEASE);
    (void)pthread_join(thread, NULL);
    return rc;
}

static int load(struct app *app, const struct ship_settings *s, struct ship **ret_ship,
                struct err *err)
{
    TRY(app_log_level_set(s->debug.p ? STR("debug") : s->log_level, err));
    size_t count = s->overrides.kind == VALUE_LIST ? s->overrides.list->count : 0;
    struct str *overrides = ARENA_ARRAY(app->mem, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        overrides[i] = s->overrides.list->items[i].s;
    struct ship_config config = {.fs = app->fs,
                                 .clock = app->clock,
                                 .seed = app->seed,
                                 .file = s->config,
                                 .overrides = overrides,
                                 .override_count = count,
                                 .data_path = s->path_data,
                                 .is_once = s->once};
    return ship_load(&config, ret_ship, err);
}

static int ship_command_run(struct app *app, void *settings, const struct str *args,
                            size_t arg_count)
{
    (void)args;
    (void)arg_count;
    const struct ship_settings *s = settings;
    CLEANUP(ship_free_ptr) struct ship *ship = NULL;
    struct err err;
    if (load(app, s, &ship, &err) < 0)
        return app_fail(&err);
    app_catch_signals();
    if (ship_until_stopped(ship, &err) < 0)
        return app_fail(&err);
    struct ship_stats stats;
    ship_stats(ship, &stats);
    log_line(LOG_INFO, "ship", "%llu lines read, %llu events acknowledged",
             (unsigned long long)stats.lines_read, (unsigned long long)stats.events_acked);
    return EXIT_OK;
}

static const char *const ship_examples[] = {
    "naru ship -c filebeat.yml",
    "sends what filebeat.yml says, goes on where the registry is",
    "naru ship -c filebeat.yml --path.data /var/lib/filebeat",
    "takes over from a Filebeat that was stopped",
    "naru ship -c filebeat.yml -E 'output.logstash.hosts=[\"10.0.0.5:5044\"]' --once",
    "to another host, and ends",
    NULL};

const struct command command_ship = {
    .name = "ship",
    .summary = "sends files as Filebeat does, from filebeat.yml",
    .usage = "naru ship -c filebeat.yml [--path.data DIR] [-E KEY=VALUE …] [--once]",
    .text = "A line is sent again until the other side has it on disk; its position moves only "
            "then. Each line has a\n"
            "stable id, so that what is sent twice after a crash is stored once.",
    .examples = ship_examples,
    .flags = ship_flags,
    .size = sizeof(struct ship_settings),
    .run = ship_command_run,
};
