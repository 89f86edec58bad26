/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c: `naru sim kis`: the stock feed's stand-in on loopback, and --dump: the same day as CSV
 * from the seed alone. */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"
#include "sim/kis_server.h"

#define STOCK_DEFAULT STR("005930")

struct sim {
    int64_t port, seed;
    double speed, rate;
    struct str from, open, until, date, faults;
    struct value stocks;
    bool resume, live, dump, once;
};

static const struct flag sim_flags[] = {
    {0, "PORT",
     OPT_INT(struct sim, port, .dflt = "21000", .min = 0, .max = 65535,
             .help = "on 127.0.0.1; 0: any free one")},
    {0, "S",
     OPT_INT(struct sim, seed, .dflt = "1", .help = "the same seed and date give the same day")},
    {0, "X", OPT_FLOAT(struct sim, speed, .dflt = "1", .help = "times as fast as the clock")},
    {0, "HH:MM", OPT_STR(struct sim, from, .help = "leaves out trades before")},
    {0, "HH:MM",
     OPT_STR(struct sim, open, .dflt = "09:00", .help = "the market opens, Korean time")},
    {0, "HH:MM", OPT_STR(struct sim, until, .dflt = "15:30", .help = "the market closes")},
    {0, "YYYY-MM-DD",
     OPT_STR(struct sim, date, .help = "business date; today in Korea when left out")},
    {0, "CODE",
     OPT_LIST(struct sim, stocks, .name = "stock",
              .help = "a stock that exists; repeat it; none: any code does")},
    {0, "N", OPT_FLOAT(struct sim, rate, .dflt = "10", .help = "trades a second of each stock")},
    {0, "LIST",
     OPT_STR(struct sim, faults,
             .help = "misbehave: "
                     "drop,nopingpong,badcount,shortrecord,encrypted,extrafield,silence,badkey")},
    {0, NULL,
     OPT_BOOL(struct sim, resume, .dflt = "false",
              .help = "goes on behind the last trade sent to the same approval key")},
    {0, NULL, OPT_BOOL(struct sim, live, .dflt = "false", .help = "simulated time is the clock's")},
    {0, NULL,
     OPT_BOOL(struct sim, once, .dflt = "false",
              .help = "ends when the day is over and everything was sent")},
    {0, NULL,
     OPT_BOOL(struct sim, dump, .dflt = "false",
              .help = "prints the day's trades as CSV and ends")},
    FLAG_END};

/* "09:30" -> ns of the day. */
static int time_of_day(struct str text, int64_t *ret_ns, struct err *err)
{
    struct str hours = str_sub(text, 0, 2), minutes = str_from_off(text, 3);
    int64_t h, m;
    if (text.n != 5 || text.p[2] != ':' || !str_to_i64(hours, &h) || !str_to_i64(minutes, &m) ||
        h < 0 || h > 24 || m < 0 || m > 59)
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no time of day: write HH:MM",
                       STR_ARG(text));
    *ret_ns = (h * 3600 + m * 60) * NS_PER_S;
    return 0;
}

static int date_days(struct str text, int32_t *ret_days, struct err *err)
{
    int64_t y, m, d;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' ||
        !str_to_i64(str_sub(text, 0, 4), &y) || !str_to_i64(str_sub(text, 5, 2), &m) ||
        !str_to_i64(str_sub(text, 8, 2), &d) || m < 1 || m > 12 || d < 1 || d > 31)
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no date: write YYYY-MM-DD",
                       STR_ARG(text));
    *ret_days = (int32_t)civil_days((int32_t)y, (uint32_t)m, (uint32_t)d);
    return 0;
}

static int settings_read(struct app *app, const struct sim *s, struct kis_server_config *config,
                         struct err *err)
{
    *config = (struct kis_server_config){.clock = app->clock,
                                         .port = (uint16_t)s->port,
                                         .seed = (uint64_t)s->seed,
                                         .speed = s->speed,
                                         .from_ns = -1,
                                         .trades_per_second = s->rate,
                                         .is_live = s->live,
                                         .resume = s->resume};
    if (s->from.n)
        TRY(time_of_day(s->from, &config->from_ns, err));
    TRY(time_of_day(s->open, &config->open_ns, err));
    TRY(time_of_day(s->until, &config->close_ns, err));
    if (config->close_ns <= config->open_ns)
        return err_set(err, ERR_INVALID, "--until must be behind --open");
    config->date_days = market_date_at(clock_wall_ns(app->clock));
    if (s->date.n)
        TRY(date_days(s->date, &config->date_days, err));
    if (s->faults.n)
        TRY(kis_faults_parse(s->faults, &config->faults, err));
    size_t count = s->stocks.kind == VALUE_LIST ? s->stocks.list->count : 0;
    struct str *stocks = ARENA_ARRAY(app->mem, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        stocks[i] = s->stocks.list->items[i].s;
    config->stocks = stocks;
    config->stock_count = count;
    return 0;
}

static int dump(const struct kis_server_config *config, struct err *err)
{
    struct market_config day = {.seed = config->seed,
                                .date_days = config->date_days,
                                .trades_per_second = config->trades_per_second,
                                .open_ns = config->open_ns,
                                .close_ns = config->close_ns};
    CLEANUP(market_free_ptr) struct market *market = market_new(&day);
    struct str only = STOCK_DEFAULT;
    const struct str *stocks = config->stock_count ? config->stocks : &only;
    for (size_t i = 0; i < MAX_OF(config->stock_count, (size_t)1); i++) {
        if (market_add(market, stocks[i]) == SIZE_MAX)
            return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no stock code",
                           STR_ARG(stocks[i]));
    }
    struct market_trade trade;
    struct buf line;
    int64_t from_ns =
        config->from_ns < 0 ? INT64_MIN : market_midnight_ns(config->date_days) + config->from_ns;
    buf_init(&line, MIB);
    while (market_next(market, &trade)) {
        if (trade.time_ns < from_ns)
            continue;
        buf_clear(&line);
        market_trade_write_csv(&trade, &line);
        (void)fwrite(line.p, 1, line.n, stdout);
    }
    buf_deinit(&line);
    return 0;
}

static void print_stats(struct kis_server *server)
{
    struct kis_server_stats st;
    kis_server_stats(server, &st);
    printf("{\"port\":%u,\"trades_sent\":%llu,\"trades_broken\":%llu,\"frames_sent\":%llu,"
           "\"sessions\":%llu,\"finished\":%s}\n",
           st.port, (unsigned long long)st.trades_sent, (unsigned long long)st.trades_broken,
           (unsigned long long)st.frames_sent, (unsigned long long)st.sessions,
           st.is_finished ? "true" : "false");
    (void)fflush(stdout);
}

static void wait_for_end(const struct sim *s, struct kis_server *server)
{
    bool was_finished = false;
    while (!app_wait(100 * NS_PER_MS)) {
        struct kis_server_stats st;
        kis_server_stats(server, &st);
        if (st.is_finished && !was_finished) {
            log_line(LOG_INFO, "sim.kis", "the day is over: %llu trades sent",
                     (unsigned long long)st.trades_sent);
            if (s->once)
                return;
        }
        was_finished = st.is_finished;
    }
}

static int sim_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    const struct sim *s = settings;
    struct kis_server_config config;
    struct err err;
    if (arg_count != 1 || !str_is(args[0], "kis")) {
        fprintf(stderr, "naru: which feed? There is one: naru sim kis\n");
        return EXIT_USAGE;
    }
    if (settings_read(app, s, &config, &err) < 0)
        return app_fail(&err);
    if (s->dump)
        return dump(&config, &err) < 0 ? app_fail(&err) : EXIT_OK;
    app_catch_signals();
    CLEANUP(kis_server_stop_ptr) struct kis_server *server = NULL;
    if (kis_server_start(&config, &server, &err) < 0)
        return app_fail(&err);
    fprintf(stderr, "feed       ws://127.0.0.1:%u  (approval keys: http://127.0.0.1:%u)\n",
            kis_server_port(server), kis_server_port(server));
    wait_for_end(s, server);
    print_stats(server);
    return EXIT_OK;
}

static const char *const sim_examples[] = {
    "naru sim kis --speed 600",
    "a whole day of trades in 39 seconds, once a collector subscribes",
    "naru sim kis --seed 7 --date 2026-11-20 --dump",
    "the same day as CSV, computed from the seed alone",
    "naru sim kis --faults drop,badcount",
    "a feed that misbehaves",
    NULL};

const struct command command_sim = {
    .name = "sim",
    .summary = "a market simulator that speaks the feed's protocol",
    .usage = "naru sim kis [--port N] [--seed S] [--speed X] [--from HH:MM] [--stock CODE …]",
    .text = "Serves POST /oauth2/Approval and the WebSocket on one port of loopback. The day "
            "stands at its beginning until\n"
            "the first subscription.",
    .examples = sim_examples,
    .flags = sim_flags,
    .size = sizeof(struct sim),
    .args = "kis",
    .run = sim_run,
};
