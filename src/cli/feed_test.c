/* SPDX-License-Identifier: Apache-2.0 */
/* feed_test.c: the collector against the simulated feed, over real sockets and files: `kis` input
 * and `csv` output in a whole pipeline. What the CSV file must hold is computed from the seed
 * alone. */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/log.h"
#include "os/os.h"
#include "os/vfs.h"
#include "pipeline/pipeline.h"
#include "sim/kis_server.h"

#define DATE  20479 /* 2026-01-26 */
#define RATE  0.5
#define SPEED 20000

static void sleep_ms(int64_t ms)
{
    clock_sleep_ns(clock_system(), ms * NS_PER_MS);
}

static struct kis_server *feed_start(struct test *t, struct kis_server_config *config)
{
    struct kis_server *server = NULL;
    config->clock = clock_system();
    config->seed = t->seed;
    config->date_days = DATE;
    config->from_ns = -1;
    config->speed = config->speed > 0 ? config->speed : SPEED;
    config->trades_per_second = RATE;
    assert_ok(kis_server_start(config, &server, &t->err), &t->err);
    return server;
}

static struct pipeline *collector_start(struct test *t, uint16_t port, const char *more)
{
    struct pipeline *pipeline = NULL;
    struct pipeline_config config = {
        .id = STR("feed"),
        .text = arena_printf(t->mem,
                             "input { kis { url => \"ws://127.0.0.1:%u/tryitout/H0STCNT0\" "
                             "rest_url => \"http://127.0.0.1:%u/\" app_key => "
                             "\"a\" secret_key => \"s\" stocks => [\"005930\"] %s } } output { csv "
                             "{ path => \"%s\" fields => "
                             "[\"MKSC_SHRN_ISCD\", \"STCK_CNTG_HOUR\", \"STCK_PRPR\", "
                             "\"CNTG_VOL\", \"ACML_VOL\", \"STCK_HGPR\", "
                             "\"STCK_LWPR\"] } }",
                             port, port, more, test_path(t, "stock.csv").p),
        .worker_count = 4, /* the order stays anyway */
        .fs = vfs_posix(),
        .clock = clock_system(),
        .seed = t->seed,
        .data_path = test_dir(t),
    };
    log_set_level(LOG_OFF);
    assert_ok(pipeline_load(&config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    return pipeline;
}

static struct str csv_text(struct test *t)
{
    struct str text = STR("");
    if (vfs_read_file(vfs_posix(), test_path(t, "stock.csv"), 256 * MIB, t->mem, &text, NULL) < 0)
        return STR("");
    return text;
}

static uint64_t lines_count(struct str text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* Until the feed's day is over and the file has a line for each good trade. */
static void wait_complete(struct test *t, struct kis_server *server, struct pipeline *pipeline,
                          struct kis_server_stats *st)
{
    for (int i = 0; i < 3000; i++) {
        sleep_ms(10);
        kis_server_stats(server, st);
        if (pipeline_error(pipeline))
            fail_msg("%s", pipeline_error(pipeline)->text);
        if (st->is_finished && (i % 20 == 0) && lines_count(csv_text(t)) >= st->trades_sent)
            return;
    }
    fail_msg("%llu lines of %llu trades", (unsigned long long)lines_count(csv_text(t)),
             (unsigned long long)st->trades_sent);
}

static struct str day_csv(struct test *t)
{
    CLEANUP(market_free_ptr)
    struct market *market = market_new(
        &(struct market_config){.seed = t->seed, .date_days = DATE, .trades_per_second = RATE});
    struct market_trade trade;
    struct buf out;
    (void)market_add(market, STR("005930"));
    buf_init(&out, 0);
    while (market_next(market, &trade))
        market_trade_write_csv(&trade, &out);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static struct str dead_letters(struct test *t)
{
    struct str dir = test_path(t, "pipelines/feed/dead_letter"), text = STR("");
    struct vfs_entry *entries;
    size_t count;
    if (vfs_list(vfs_posix(), dir, t->mem, &entries, &count, NULL) < 0 || count == 0)
        return text;
    assert_int_equal(count, 1);
    assert_ok(vfs_read_file(vfs_posix(), path_join(t->mem, dir, entries[0].name), 256 * MIB, t->mem,
                            &text, &t->err),
              &t->err);
    return text;
}

static void collect(struct test *t, struct kis_server_config config, const char *more,
                    struct kis_server_stats *st)
{
    CLEANUP(kis_server_stop_ptr) struct kis_server *server = feed_start(t, &config);
    struct pipeline *pipeline = collector_start(t, kis_server_port(server), more);
    wait_complete(t, server, pipeline, st);
    pipeline_stop(pipeline, 5 * NS_PER_S);
    pipeline_free(pipeline);
}

static void the_file_is_the_day(struct test *t)
{
    struct kis_server_stats st;
    collect(t, (struct kis_server_config){.faults = KIS_FAULT_EXTRAFIELD}, "", &st);
    struct str want = day_csv(t);
    assert_int_equal(st.trades_sent, lines_count(want));
    assert_true(str_eq(csv_text(t), want));
    assert_int_equal(st.sessions, 1);
}

static void drops_and_a_bad_key(struct test *t)
{
    struct kis_server_stats st;
    collect(t,
            (struct kis_server_config){
                .resume = true, .faults = KIS_FAULT_DROP | KIS_FAULT_BADKEY | KIS_FAULT_NOPINGPONG},
            "", &st);
    assert_true(st.sessions >= 3);
    assert_true(str_eq(csv_text(t), day_csv(t)));
}

static void silence_is_noticed(struct test *t)
{
    struct kis_server_stats st;
    collect(t, (struct kis_server_config){.resume = true, .faults = KIS_FAULT_SILENCE},
            "silence_timeout => \"1s\"", &st);
    assert_true(st.sessions >= 2);
    assert_true(str_eq(csv_text(t), day_csv(t)));
}

static void broken_frames_are_kept(struct test *t)
{
    struct kis_server_stats st;
    collect(t,
            (struct kis_server_config){.faults = KIS_FAULT_BADCOUNT | KIS_FAULT_SHORTRECORD |
                                                 KIS_FAULT_ENCRYPTED},
            "", &st);
    struct str dead = dead_letters(t), csv = csv_text(t), line;
    assert_true(st.trades_broken > 0);
    assert_int_equal(lines_count(csv), st.trades_sent);
    assert_int_equal(st.trades_sent + st.trades_broken, lines_count(day_csv(t)));
    assert_str_has(dead, "broken frame");
    assert_str_has(dead, "encrypted frame");
    assert_str_has(dead, "\"message\":\"1|H0STCNT0|");
    while (str_split_next(&csv, '\n', &line)) /* no line was guessed */
        assert_true(line.n == 0 || str_starts_with(line, STR("005930,")));
}

static void refused_for_good(struct test *t)
{
    static const struct str stocks[] = {STR("000660")};
    struct kis_server_config config = {.stocks = stocks, .stock_count = 1};
    CLEANUP(kis_server_stop_ptr) struct kis_server *server = feed_start(t, &config);
    struct pipeline *pipeline = collector_start(t, kis_server_port(server), "");
    for (int i = 0; i < 1000 && !pipeline_error(pipeline); i++)
        sleep_ms(10);
    assert_non_null(pipeline_error(pipeline));
    assert_err_has(pipeline_error(pipeline), "OPSP0009");
    pipeline_stop(pipeline, NS_PER_S);
    pipeline_free(pipeline);
}

/* ---- killed with -9: each process is forked from this one, which has no threads ---- */

struct shared_feed {
    pid_t pid;
    int port_fd, stop_fd;
    uint16_t port;
};

static void feed_process(struct test *t, struct shared_feed *feed)
{
    int port_pipe[2], stop_pipe[2];
    assert_int_equal(pipe2(port_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(stop_pipe, O_CLOEXEC), 0);
    feed->pid = fork();
    assert_true(feed->pid >= 0);
    if (feed->pid == 0) {
        char stop;
        struct kis_server_config config = {.resume = true, .speed = 6000};
        (void)close(stop_pipe[1]);
        struct kis_server *server = feed_start(t, &config);
        uint16_t port = kis_server_port(server);
        if (write(port_pipe[1], &port, sizeof(port)) == sizeof(port))
            (void)!read(stop_pipe[0], &stop, 1); /* until the test closes it */
        kis_server_stop(server);
        _exit(0);
    }
    (void)close(port_pipe[1]);
    (void)close(stop_pipe[0]);
    assert_int_equal(read(port_pipe[0], &feed->port, sizeof(feed->port)), sizeof(feed->port));
    (void)close(port_pipe[0]);
    feed->stop_fd = stop_pipe[1];
}

static pid_t collector_process(struct test *t, uint16_t port)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct pipeline *pipeline = collector_start(t, port, "");
        for (;;)
            if (pipeline_error(pipeline))
                _exit(1);
            else
                sleep_ms(100);
    }
    return pid;
}

/* Every line is whole and one of the day's, in order, none twice. Returns how many. */
static uint64_t csv_check(struct test *t)
{
    struct str csv = csv_text(t), day = day_csv(t), line, want;
    uint64_t n = 0;
    assert_true(csv.n == 0 || csv.p[csv.n - 1] == '\n');
    while (csv.n && str_split_next(&csv, '\n', &line)) {
        if (line.n == 0)
            break;
        do /* trades that a killed collector had not read yet are missing: the feed cannot be asked
              for them */
            if (!str_split_next(&day, '\n', &want) || want.n == 0)
                fail_msg("line %llu \"" STR_FMT "\" is torn, doubled or not of this day",
                         (unsigned long long)n + 1, STR_ARG(line));
        while (!str_eq(line, want));
        n++;
    }
    return n;
}

static void killed_collectors_tear_nothing(struct test *t)
{
    struct shared_feed feed;
    int status;
    feed_process(t, &feed);
    for (int i = 0; i < 12; i++) {
        pid_t pid = collector_process(t, feed.port);
        sleep_ms(40 + (int64_t)rng_below(&t->rng, 250));
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        if (i % 3 == 0) { /* and what a kill during the write would leave */
            FILE *file = fopen(test_path(t, "stock.csv").p, "a");
            assert_non_null(file);
            (void)fputs("005930,0930", file);
            (void)fclose(file);
        }
    }
    pid_t pid = collector_process(t, feed.port);
    uint64_t day = lines_count(day_csv(t)), lines = 0, last = 1;
    for (int i = 0; i < 200 && (lines != last || lines == 0);
         i++) { /* until nothing comes any more */
        sleep_ms(700);
        last = lines;
        lines = lines_count(csv_text(t));
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    (void)close(feed.stop_fd);
    (void)waitpid(feed.pid, &status, 0);
    lines = csv_check(t);
    print_message("%llu of %llu trades survived twelve kills\n", (unsigned long long)lines,
                  (unsigned long long)day);
    assert_true(lines > day / 4);
    struct str csv = csv_text(t),
               all = day_csv(t); /* the undisturbed rest is whole: the day's last trade is there */
    struct str tail = str_from_off(all, all.n - 40);
    assert_true(str_ends_with(csv, str_from_off(tail, (size_t)str_find_char(tail, '\n') + 1)) ||
                str_ends_with(csv, tail));
}

TEST_MAIN(TEST(killed_collectors_tear_nothing), TEST(the_file_is_the_day),
          TEST(drops_and_a_bad_key), TEST(silence_is_noticed), TEST(broken_frames_are_kept),
          TEST(refused_for_good))
