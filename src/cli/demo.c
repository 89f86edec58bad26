/* SPDX-License-Identifier: Apache-2.0 */
/* demo.c: `naru demo`: the stock day in one process: the simulated feed, the collector, the
 * shipper, the user's three pipelines, engine, console and SQLite as the archive. The configuration
 * files are written into the demo's folder, where a person can read and change them; only ports,
 * the listening address and the connection string differ from the user's. */
#include <pthread.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/demo_files.h"
#include "cli/node.h"
#include "codec/json.h"
#include "index/engine.h"
#include "os/stdio.h"
#include "pipeline/sql/sql.h"
#include "ship/ship.h"
#include "sim/kis_server.h"

#define HISTORY_NS       (2 * 3600 * NS_PER_S)
#define STATUS_NS        NS_PER_S
#define STATUS_FILE_NS   (10 * NS_PER_S) /* where the line cannot be redrawn */
#define DEMO_RATE        3.0             /* trades a second and stock */
#define REMOVE_DEPTH_MAX 8u

struct demo_settings {
    struct str path_data, log_level;
    int64_t http_port, console_port, api_port, beats_port, feed_port, seed;
    bool keep;
};

static const struct flag demo_flags[] = {
    {0, "DIR",
     OPT_STR(struct demo_settings, path_data, .name = "path.data", .dflt = "naru-demo",
             .help = "folder of the demo: configurations, CSV, index, archive")},
    {0, "PORT",
     OPT_INT(struct demo_settings, http_port, .name = "http.port", .dflt = "9200", .min = 1,
             .max = 65535, .help = "Elasticsearch REST API")},
    {0, "PORT",
     OPT_INT(struct demo_settings, console_port, .name = "console.port", .dflt = "5601", .min = 1,
             .max = 65535, .help = "web console")},
    {0, "PORT",
     OPT_INT(struct demo_settings, api_port, .name = "api.port", .dflt = "9600", .min = -1,
             .max = 65535, .help = "monitoring API (-1: off)")},
    {0, "PORT",
     OPT_INT(struct demo_settings, beats_port, .name = "beats.port", .dflt = "5044", .min = 1,
             .max = 65535, .help = "Beats")},
    {0, "PORT",
     OPT_INT(struct demo_settings, feed_port, .name = "feed.port", .dflt = "0", .min = 0,
             .max = 65535, .help = "the simulated feed (0: any free one)")},
    {0, "S", OPT_INT(struct demo_settings, seed, .dflt = "1", .help = "of the simulated market")},
    {0, NULL,
     OPT_BOOL(struct demo_settings, keep, .dflt = "false",
              .help = "goes on with what an earlier demo left in the folder")},
    {0, "LEVEL",
     OPT_STR(struct demo_settings, log_level, .name = "log.level", .dflt = "warn",
             .help = "debug, info, warn, error")},
    FLAG_END};

struct demo {
    struct app *app;
    const struct demo_settings *settings;
    struct arena *mem;
    struct vfs_file *lock;
    struct kis_server *feed;
    struct node *node;
    struct ship *ship;
    pthread_t ship_thread;
    bool has_ship_thread;
    bool ship_failed; /* atomic; err below is written before */
    struct err ship_err;
    struct sql_connection *archive;
    struct str conf_dir;
    uint64_t events_per_s; /* atomic, tenths */
    struct value env;
};

static const char *const stocks[] = {"005930", "000660", "035420"};

/* ---- folder ---- */

static int remove_tree(struct vfs *fs, struct str path, unsigned depth, struct arena *mem,
                       struct err *err)
{
    struct vfs_stat stat;
    if (vfs_stat(fs, path, false, &stat, NULL) < 0)
        return 0;
    if (stat.kind == VFS_KIND_DIR) {
        struct vfs_entry *entries;
        size_t count;
        if (depth == REMOVE_DEPTH_MAX)
            return err_set(err, ERR_INVALID,
                           "\"" STR_FMT "\" is nested too deep to be a demo's folder",
                           STR_ARG(path));
        TRY(vfs_list(fs, path, mem, &entries, &count, err));
        for (size_t i = 0; i < count; i++)
            TRY(remove_tree(fs, path_join(mem, path, entries[i].name), depth + 1, mem, err));
    }
    return vfs_remove(fs, path, err);
}

static struct str in_folder(struct demo *d, const char *name)
{
    return path_join(d->mem, d->settings->path_data, str_from(name));
}

static int take_folder(struct demo *d, struct err *err)
{
    static const char *const parts[] = {"engine",         "pipelines",  "ship",
                                        "stock.csv",      "archive.db", "archive.db-wal",
                                        "archive.db-shm", "last_time",  "dead_letter"};
    struct vfs *fs = d->app->fs;
    TRY(vfs_make_dir(fs, d->settings->path_data, err));
    TRY(vfs_open(fs, in_folder(d, "demo.lock"), VFS_READ | VFS_WRITE | VFS_CREATE, &d->lock, err));
    if (vfs_lock(d->lock, err) < 0)
        return err_set(err, ERR_LOCKED,
                       "another demo runs in \"" STR_FMT "\": stop it, or use another --path.data",
                       STR_ARG(d->settings->path_data));
    for (size_t i = 0; !d->settings->keep && i < ARRAY_COUNT(parts); i++)
        TRY(remove_tree(fs, in_folder(d, parts[i]), 0, d->mem, err));
    d->conf_dir = in_folder(d, "conf");
    return vfs_make_dir(fs, d->conf_dir, err);
}

/* ---- configuration files ---- */

/* Replaces every occurrence. */
static struct str replaced(struct demo *d, struct str text, struct str what, struct str by)
{
    struct buf out;
    ptrdiff_t at;
    buf_init(&out, MIB);
    while ((at = str_find(text, what)) >= 0) {
        buf_add(&out, text.p, (size_t)at);
        buf_add_str(&out, by);
        text = str_from_off(text, (size_t)at + what.n);
    }
    buf_add_str(&out, text);
    struct str result = arena_str(d->mem, buf_str(&out));
    buf_deinit(&out);
    return result;
}

/* The line of a setting gets another value; the rest stays byte for byte. */
static struct str with_connection(struct demo *d, struct str text)
{
    struct str key = STR("connection_string");
    ptrdiff_t at = str_find(text, key);
    if (at < 0)
        return text;
    struct str rest = str_from_off(text, (size_t)at);
    ptrdiff_t line_end = str_find_char(rest, '\n');
    struct str line = line_end < 0 ? rest : str_sub(rest, 0, (size_t)line_end);
    return replaced(d, text, line, STR("connection_string => \"jdbc:sqlite:${SQLITE_PATH}\""));
}

static struct str adapted(struct demo *d, struct str text)
{
    const struct demo_settings *s = d->settings;
    text = with_connection(d, text);
    if (s->http_port != 9200)
        text = replaced(d, text, STR("localhost:9200"),
                        arena_printf(d->mem, "localhost:%lld", (long long)s->http_port));
    /* The beats input listens everywhere by default, as Logstash's does; a demo stays on this
     * machine. */
    text = replaced(
        d, text, STR("port => 5044"),
        arena_printf(d->mem, "port => %lld\n    host => \"127.0.0.1\"", (long long)s->beats_port));
    if (s->beats_port != 5044)
        text = replaced(d, text, STR("localhost:5044"),
                        arena_printf(d->mem, "localhost:%lld", (long long)s->beats_port));
    return text;
}

static int write_files(struct demo *d, struct err *err)
{
    for (const struct demo_file *f = demo_files; f->name; f++) {
        struct str text = {(const char *)f->text, (size_t)(f->text_end - f->text)};
        struct str path = path_join(d->mem, d->conf_dir, str_from(f->name));
        TRY(vfs_write_file(d->app->fs, path, adapted(d, text), err));
    }
    return 0;
}

/* ---- environment of the configurations ---- */

static void env_add(struct demo *d, const char *name, struct str value)
{
    value_map_set(d->mem, &d->env, str_from(name), value_str(value));
}

static struct str env_get(void *owner, struct str name)
{
    struct demo *d = owner;
    const struct value *v = value_map_get(&d->env, name);
    char cstr[128];
    if (v)
        return v->s;
    if (name.n >= sizeof(cstr))
        return STR_NONE;
    memcpy(cstr, name.p, name.n);
    cstr[name.n] = '\0';
    return os_env(cstr);
}

static void make_env(struct demo *d)
{
    unsigned port = kis_server_port(d->feed);
    d->env = value_map(d->mem, 16);
    env_add(d, "STOCK_CSV", in_folder(d, "stock.csv"));
    env_add(d, "LAST_TIME_FILE", in_folder(d, "last_time"));
    env_add(d, "SQLITE_PATH", in_folder(d, "archive.db"));
    env_add(d, "KIS_URL", arena_printf(d->mem, "ws://127.0.0.1:%u", port));
    env_add(d, "KIS_REST_URL", arena_printf(d->mem, "http://127.0.0.1:%u", port));
    env_add(d, "KIS_APP_KEY", STR("demo-application-key-of-36-character"));
    env_add(d, "KIS_SECRET_KEY", STR("demo-secret"));
    env_add(d, "KIS_STOCKS", STR("005930,000660,035420"));
}

/* ---- archive ---- */

static int archive_open(struct demo *d, struct err *err)
{
    struct sql_target target;
    const struct sql_driver *driver;
    struct str url =
        arena_printf(d->mem, "jdbc:sqlite:" STR_FMT, STR_ARG(in_folder(d, "archive.db")));
    TRY(sql_target_parse(url, d->mem, &target, err));
    TRY(sql_driver_find(target.driver, &driver, err));
    TRY(driver->open(&target, &d->archive, err));
    const struct demo_file *schema = demo_file_find("tables.sqlite.sql");
    ASSERT(schema);
    struct str text = {(const char *)schema->text, (size_t)(schema->text_end - schema->text)},
               statement;
    while (str_split_next(&text, ';', &statement)) {
        if (str_trim(statement).n > 0 && str_find(statement, STR("CREATE")) >= 0)
            TRY(driver->execute(d->archive, statement, NULL, 0, err));
    }
    return 0;
}

static int64_t archive_count(struct demo *d, const char *table)
{
    struct arena *mem = arena_new(0);
    struct sql_rows rows;
    int64_t count = 0;
    struct str sql = arena_printf(mem, "SELECT COUNT(*) FROM %s", table);
    if (d->archive->driver->query(d->archive, sql, 1, mem, &rows, NULL) == 0 && rows.row_count == 1)
        count = rows.cells[0].i;
    arena_free(mem);
    return count;
}

/* ---- parts ---- */

static int start_feed(struct demo *d, struct err *err)
{
    struct str codes[ARRAY_COUNT(stocks)];
    int64_t now = clock_wall_ns(d->app->clock);
    int64_t of_day = now - market_midnight_ns(market_date_at(now));
    for (size_t i = 0; i < ARRAY_COUNT(stocks); i++)
        codes[i] = str_from(stocks[i]);
    struct kis_server_config config = {
        .clock = d->app->clock,
        .port = (uint16_t)d->settings->feed_port,
        .seed = (uint64_t)d->settings->seed,
        .from_ns = MAX_OF(of_day - HISTORY_NS, (int64_t)0), /* never across midnight in Korea */
        .open_ns = 0,
        .close_ns = MARKET_DAY_NS, /* the demo's market never sleeps */
        .trades_per_second = DEMO_RATE,
        .stocks = codes,
        .stock_count = ARRAY_COUNT(codes),
        .is_live = true,
        .backfill = true,
    };
    return kis_server_start(&config, &d->feed, err);
}

static void status_write(void *owner, struct json_writer *w)
{
    struct demo *d = owner;
    struct kis_server_stats st;
    kis_server_stats(d->feed, &st);
    json_key_lit(w, "trades");
    json_u64(w, st.trades_sent);
    json_key_lit(w, "events_per_s");
    json_f64(w, (double)__atomic_load_n(&d->events_per_s, __ATOMIC_RELAXED) / 10);
}

static int start_node(struct demo *d, struct err *err)
{
    const struct demo_settings *s = d->settings;
    struct node_config config = {
        .app = d->app,
        .data_path = s->path_data,
        .has_engine = true,
        .host = STR("127.0.0.1"),
        .ports = {(int)s->http_port, (int)s->console_port, (int)s->api_port},
        .archive_url =
            arena_printf(d->mem, "jdbc:sqlite:" STR_FMT, STR_ARG(in_folder(d, "archive.db"))),
        .env_get = env_get,
        .env_owner = d,
        .status_write = status_write,
        .status_owner = d,
    };
    return node_start(&config, &d->node, err);
}

static int start_pipelines(struct demo *d, struct err *err)
{
    static const struct {
        const char *id, *file;
    } pipelines[] = {{"csv_to_es", "csv_to_es.conf"},
                     {"es_to_mysql", "es_to_mysql.conf"},
                     {"stock_10min", "stock_10min.sqlite.conf"},
                     {"feed", "feed.conf"}};
    for (size_t i = 0; i < ARRAY_COUNT(pipelines); i++) {
        struct str file = path_join(d->mem, d->conf_dir, str_from(pipelines[i].file));
        TRY(node_pipeline_start(d->node, str_from(pipelines[i].id), &file, 1, STR_NONE, err));
    }
    return 0;
}

static void *ship_main(void *arg)
{
    struct demo *d = arg;
    if (ship_run(d->ship, &d->ship_err) < 0)
        __atomic_store_n(&d->ship_failed, true, __ATOMIC_RELEASE);
    return NULL;
}

static int start_ship(struct demo *d, struct err *err)
{
    struct ship_config config = {
        .fs = d->app->fs,
        .clock = d->app->clock,
        .seed = d->app->seed,
        .file = path_join(d->mem, d->conf_dir, STR("filebeat.yml")),
        .data_path = in_folder(d, "ship"),
        .env_get = env_get,
        .env_owner = d,
    };
    /* The file is there before the first trade: a new one would wait for Filebeat's ten seconds
     * between scans. */
    struct vfs_file *csv;
    TRY(vfs_open(d->app->fs, in_folder(d, "stock.csv"), VFS_WRITE | VFS_CREATE, &csv, err));
    vfs_close(csv);
    TRY(ship_load(&config, &d->ship, err));
    ASSERT(pthread_create(&d->ship_thread, NULL, ship_main, d) == 0);
    d->has_ship_thread = true;
    return 0;
}

static void stop_all(struct demo *d)
{
    if (d->has_ship_thread) {
        ship_stop(d->ship);
        (void)pthread_join(d->ship_thread, NULL);
    }
    ship_free(d->ship);
    node_stop(d->node);
    kis_server_stop(d->feed);
    if (d->archive)
        d->archive->driver->close(d->archive);
    vfs_close(d->lock);
    arena_free(d->mem);
}

/* ---- what a person sees ---- */

struct figures {
    uint64_t trades, documents;
    int64_t windows, rows;
};

static struct figures read_figures(struct demo *d)
{
    struct figures f = {0};
    struct kis_server_stats feed;
    struct index_stats index;
    struct arena *mem = arena_new(0);
    kis_server_stats(d->feed, &feed);
    f.trades = feed.trades_sent;
    if (engine_index_stats(node_engine(d->node), STR("stock"), mem, &index, NULL) == 0)
        f.documents = index.doc_count;
    f.windows = archive_count(d, "stock_10min");
    f.rows = f.windows + archive_count(d, "kr_stock_trade");
    arena_free(mem);
    return f;
}

static void print_head(struct demo *d)
{
    const struct demo_settings *s = d->settings;
    bool is_tty = os_is_tty(2);
    fprintf(stderr, "\n  %sconsole     http://127.0.0.1:%lld%s\n", is_tty ? "\x1b[1m" : "",
            (long long)s->console_port, is_tty ? "\x1b[0m" : "");
    fprintf(stderr, "  REST        http://127.0.0.1:%lld/stock/_search?pretty\n",
            (long long)s->http_port);
    fprintf(stderr, "  pipelines   " STR_FMT "\n", STR_ARG(d->conf_dir));
    fprintf(stderr, "  archive     " STR_FMT "  (SQLite)\n", STR_ARG(in_folder(d, "archive.db")));
    fprintf(stderr, "  The last two hours of a simulated market come first, then it is live. "
                    "Ctrl-C ends it.\n\n");
}

/* A part that ended by an error ends the demo. */
static int check_parts(struct demo *d, struct err *err)
{
    if (__atomic_load_n(&d->ship_failed, __ATOMIC_ACQUIRE)) {
        *err = d->ship_err;
        return -(int)err->code;
    }
    for (size_t i = 0; i < node_pipeline_count(d->node); i++) {
        const struct err *failed = pipeline_error(node_pipeline(d->node, i));
        if (failed) {
            *err = *failed;
            return -(int)err->code;
        }
    }
    return 0;
}

/* Redraws the status line until a stop is asked for or a part has failed. */
static int show(struct demo *d, struct err *err)
{
    bool is_tty = os_is_tty(2);
    uint64_t documents_before = 0;
    int64_t real_before = clock_monotonic_ns(clock_system());
    while (!app_wait(is_tty ? STATUS_NS : STATUS_FILE_NS)) {
        TRY(check_parts(d, err));
        struct figures f = read_figures(d);
        int64_t now = clock_monotonic_ns(clock_system());
        double per_s = (double)(f.documents - documents_before) * 1e9 /
                       (double)MAX_OF(now - real_before, (int64_t)1);
        __atomic_store_n(&d->events_per_s, (uint64_t)(per_s * 10), __ATOMIC_RELAXED);
        documents_before = f.documents;
        real_before = now;
        fprintf(
            stderr,
            "%s  trades %llu · documents %llu · windows %lld · archive rows %lld · %.0f events/s%s",
            is_tty ? "\r" : "", (unsigned long long)f.trades, (unsigned long long)f.documents,
            (long long)f.windows, (long long)f.rows, per_s, is_tty ? "\x1b[K" : "\n");
    }
    if (is_tty)
        fprintf(stderr, "\n");
    return 0;
}

static int start_all(struct demo *d, struct err *err)
{
    TRY(take_folder(d, err));
    TRY(write_files(d, err));
    TRY(start_feed(d, err));
    make_env(d);
    TRY(archive_open(d, err));
    TRY(start_node(d, err));
    print_head(d);
    TRY(start_pipelines(d, err));
    return start_ship(d, err);
}

static int demo_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)args;
    (void)arg_count;
    struct demo demo = {.app = app, .settings = settings, .mem = arena_new(0)};
    struct err err;
    if (app_log_level_set(demo.settings->log_level, &err) < 0) {
        arena_free(demo.mem);
        return app_fail(&err);
    }
    app_catch_signals();
    /* The user's pipelines print every event: fine in a terminal of their own, too much in a demo.
     */
    if (os_stdout_discard(&err) < 0)
        log_line(LOG_WARN, "demo", "%s: the events will be printed here", err.text);
    /* csv_to_es.conf takes the date of a trade from the process's own zone. */
    os_env_set("TZ", "Asia/Seoul");
    int rc = start_all(&demo, &err);
    if (rc == 0)
        rc = show(&demo, &err);
    stop_all(&demo);
    return rc < 0 ? app_fail(&err) : EXIT_OK;
}

static const char *const demo_examples[] = {
    "naru demo", "the stock day at http://127.0.0.1:5601",
    "naru demo --console.port 8080 --http.port 19200 --beats.port 15044",
    "beside a running Elastic stack", NULL};

const struct command command_demo = {
    .name = "demo",
    .summary = "the stock day: simulator, pipelines, search, console, SQLite",
    .usage = "naru demo [--path.data DIR] [--console.port N] [--http.port N]",
    .text = "Begins afresh each time, unless --keep is given. The configurations it runs are in "
            "DIR/conf.",
    .examples = demo_examples,
    .flags = demo_flags,
    .size = sizeof(struct demo_settings),
    .run = demo_run,
};
