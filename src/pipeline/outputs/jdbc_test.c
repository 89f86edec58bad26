/* SPDX-License-Identifier: Apache-2.0 */
/* jdbc_test.c: the jdbc output in whole pipelines: types, upserts, bad rows alone in the dead
 * letters, a table that comes later; on a real SQLite file, and on a MariaDB server of the test's
 * own (left out, visibly, where none is installed). */
#include "support/pipeline.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "os/os.h"
#include "pipeline/registry.h"
#include "pipeline/sql/sql.h"

/* ---- an input whose events are the JSON lines of its option, or `count` numbered ones ---- */

struct rows {
    struct str json;
    int64_t count;
};
static const struct opt rows_opts[] = {OPT_STR(struct rows, json, .dflt = "", .help = "."),
                                       OPT_INT(struct rows, count, .dflt = "0", .help = "."),
                                       OPT_END};
static uint32_t acks_ok, acks_failed; /* atomic */

static void rows_done(void *owner, uint64_t cookie, bool is_ok)
{
    (void)owner;
    (void)cookie;
    __atomic_add_fetch(is_ok ? &acks_ok : &acks_failed, 1, __ATOMIC_RELAXED);
}

static int rows_run(void *self, struct input *input, struct err *err)
{
    const struct rows *rows = self;
    struct batch *batch = input_batch_new(input, rows_done, NULL, 0);
    struct str lines = rows->json, line;
    while (lines.n && str_split_next(&lines, '\n', &line)) {
        struct event *ev;
        if (line.n)
            TRY(event_from_json(batch, line, TEST_NOW_NS, &ev, err));
    }
    for (int64_t i = 0; i < rows->count; i++) {
        struct event *ev = batch_add_stamped(batch, TEST_NOW_NS);
        value_map_set(ev->mem, &ev->fields, STR("n"), value_int(i));
    }
    int rc = input_push(input, batch, -1);
    if (rc < 0)
        batch_unref(batch);
    return 0;
}
static const struct input_type input_rows = {
    .name = "rows", .opts = rows_opts, .size = sizeof(struct rows), .run = rows_run};
const struct input_type *const test_input_types[] = {&input_rows, NULL};
const struct filter_type *const test_filter_types[] = {NULL};
const struct output_type *const test_output_types[] = {NULL};

/* ---- helpers ---- */

struct rig {
    struct test_pipeline tp;
    struct pipeline *pipeline;
};

static void start(struct test *t, struct rig *rig, struct str text)
{
    test_pipeline_init(&rig->tp, text);
    rig->tp.config.clock = clock_system();
    rig->tp.config.fs = vfs_posix();
    rig->tp.config.data_path = test_dir(t);
    acks_ok = acks_failed = 0;
    assert_ok(pipeline_load(&rig->tp.config, &rig->pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(rig->pipeline, &t->err), &t->err);
}

static void finish(struct rig *rig)
{
    for (int i = 0; i < 2000 && !pipeline_is_finished(rig->pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_true(pipeline_is_finished(rig->pipeline));
    assert_null(pipeline_error(rig->pipeline));
    pipeline_free(rig->pipeline);
    test_pipeline_deinit(&rig->tp);
    assert_int_equal(__atomic_load_n(&acks_ok, __ATOMIC_RELAXED), 1);
    assert_int_equal(__atomic_load_n(&acks_failed, __ATOMIC_RELAXED), 0);
}

static void run(struct test *t, struct str text)
{
    struct rig rig;
    start(t, &rig, text);
    finish(&rig);
}

/* Rows joined by |, columns by a comma. */
static int on_row(void *owner, int count, char **values, char **names)
{
    struct buf *out = owner;
    (void)names;
    if (out->n)
        buf_add_char(out, '|');
    for (int i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        buf_add_str(out, values[i] ? str_from(values[i]) : STR("NULL"));
    }
    return 0;
}

static struct str sqlite_run(struct test *t, const char *file, const char *sql)
{
    sqlite3 *db;
    struct buf out;
    buf_init(&out, 0);
    assert_int_equal(sqlite3_open(test_path(t, file).p, &db), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(db, sql, on_row, &out, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    (void)sqlite3_close(db);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static struct str dead_letters(struct test *t)
{
    struct str dir = test_path(t, "pipelines/test/dead_letter");
    struct vfs_entry *entries;
    size_t count;
    struct str all = STR("");
    if (vfs_list(vfs_posix(), dir, t->mem, &entries, &count, NULL) < 0)
        return all;
    for (size_t i = 0; i < count; i++) { /* one file a plugin id */
        struct str text;
        assert_ok(vfs_read_file(vfs_posix(), path_join(t->mem, dir, entries[i].name), MIB, t->mem,
                                &text, &t->err),
                  &t->err);
        all = arena_printf(t->mem, "%s%s", all.p, text.p);
    }
    return all;
}

static size_t lines_count(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* ---- SQLite ---- */

static void binds_types(struct test *t)
{
    (void)sqlite_run(
        t, "a.db",
        "CREATE TABLE x (i INTEGER, f REAL, s TEXT, b, t TEXT, n, l TEXT, m TEXT, c TEXT, k)");
    run(t, arena_printf(t->mem,
                        "input { rows { json => "
                        "'{\"i\":53800,\"f\":1.5,\"s\":\"its\",\"b\":true,\"@timestamp\":\"2026-01-"
                        "26T00:10:05.123Z\","
                        "\"l\":[1,2],\"m\":{\"a\":1}}' } }\n"
                        "output { jdbc { connection_string => \"jdbc:sqlite:%s\" statement => [ "
                        "\"INSERT INTO x VALUES "
                        "(?,?,?,?,?,?,?,?,?,?)\", \"%%{i}\", \"f\", \"[s]\", \"b\", "
                        "\"@timestamp\", \"missing\", \"l\", \"%%{m}\", "
                        "\"<%%{i}|%%{s}>\", 7 ] } }",
                        test_path(t, "a.db").p));
    assert_str_eq(sqlite_run(t, "a.db", "SELECT *, typeof(i), typeof(f), typeof(k) FROM x"),
                  "53800,1.5,its,1,2026-01-26 "
                  "00:10:05.123,NULL,[1,2],{\"a\":1},<53800|its>,7,integer,real,integer");
}

static void incomplete_texts_are_null(struct test *t)
{
    (void)sqlite_run(t, "a.db", "CREATE TABLE x (a, b)");
    run(t, arena_printf(t->mem,
                        "input { rows { json => '{\"a\":1}' } } output { jdbc { connection_string "
                        "=> \"jdbc:sqlite:%s\" "
                        "statement => [ \"INSERT INTO x VALUES (?,?)\", \"%%{nothing}\", \"x "
                        "%%{nothing}\" ] } }",
                        test_path(t, "a.db").p));
    assert_str_eq(sqlite_run(t, "a.db", "SELECT * FROM x"), "NULL,NULL");
}

static void upserts(struct test *t)
{
    (void)sqlite_run(t, "a.db", "CREATE TABLE x (k PRIMARY KEY, v)");
    struct str conf = arena_printf(
        t->mem,
        "input { rows { json => '{\"k\":1,\"v\":1}\n{\"k\":2,\"v\":2}\n{\"k\":1,\"v\":3}' } } "
        "output { jdbc { "
        "connection_string => \"jdbc:sqlite:%s\" statement => [ \"INSERT INTO x VALUES (?,?) ON "
        "CONFLICT(k) DO UPDATE "
        "SET v = excluded.v\", \"k\", \"v\" ] } }",
        test_path(t, "a.db").p);
    run(t, conf);
    run(t, conf);
    assert_str_eq(sqlite_run(t, "a.db", "SELECT * FROM x ORDER BY k"), "1,3|2,2");
}

static void bad_rows_stand_alone(struct test *t)
{
    (void)sqlite_run(t, "a.db", "CREATE TABLE x (n CHECK (n NOT IN (0, 500, 501, 1999)))");
    run(t, arena_printf(t->mem,
                        "input { rows { count => 2000 } } output { jdbc { connection_string => "
                        "\"jdbc:sqlite:%s\" "
                        "statement => [ \"INSERT INTO x VALUES (?)\", \"n\" ] } }",
                        test_path(t, "a.db").p));
    assert_str_eq(sqlite_run(t, "a.db", "SELECT count(*), count(DISTINCT n), sum(n) FROM x"),
                  "1996,1996,1996000");
    struct str dead = dead_letters(t);
    assert_int_equal(lines_count(dead), 4);
    assert_str_has(dead, "CHECK constraint failed");
    assert_str_has(dead, "\"n\":1999");
}

static void waits_for_its_table(struct test *t)
{
    struct rig rig;
    start(
        t, &rig,
        arena_printf(
            t->mem,
            "input { rows { count => 3 } } output { jdbc { connection_string => \"jdbc:sqlite:%s\" "
            "statement => [ \"INSERT INTO x VALUES (?)\", \"n\" ] } }",
            test_path(t, "a.db").p));
    clock_sleep_ns(clock_system(), 300 * NS_PER_MS);
    assert_false(pipeline_is_finished(rig.pipeline));
    (void)sqlite_run(t, "a.db", "CREATE TABLE x (n)");
    finish(&rig);
    assert_str_eq(sqlite_run(t, "a.db", "SELECT * FROM x"), "0|1|2");
    assert_str_eq(dead_letters(t), "");
}

static void unsafe_statements(struct test *t)
{
    (void)sqlite_run(t, "a.db", "CREATE TABLE a (v); CREATE TABLE b (v)");
    run(t,
        arena_printf(
            t->mem,
            "input { rows { json => "
            "'{\"t\":\"a\",\"v\":1}\n{\"t\":\"b\",\"v\":2}\n{\"t\":\"c\",\"v\":3}' } } output { "
            "jdbc { unsafe_statement => true connection_string => \"jdbc:sqlite:%s\" statement => "
            "[ \"INSERT INTO %%{t} VALUES (?)\", \"v\" ] } }",
            test_path(t, "a.db").p));
    assert_str_eq(sqlite_run(t, "a.db", "SELECT * FROM a UNION ALL SELECT * FROM b"), "1|2");
    assert_str_has(dead_letters(t), "no such table: c");
}

static void whole_event(struct test *t)
{
    (void)sqlite_run(t, "a.db", "CREATE TABLE x (v)");
    run(t, arena_printf(t->mem,
                        "input { rows { json => '{\"a\":1}' } } filter { mutate { remove_field => "
                        "[\"@timestamp\", \"@version\"] } } "
                        "output { jdbc { enable_event_as_json_keyword => true connection_string => "
                        "\"jdbc:sqlite:%s\" "
                        "statement => [ \"INSERT INTO x VALUES (?)\", \"@event\" ] } }",
                        test_path(t, "a.db").p));
    assert_str_eq(sqlite_run(t, "a.db", "SELECT * FROM x"), "{\"a\":1}");
}

static void refuses_bad_settings(struct test *t)
{
    refuses(t, "input { rows { } } output { jdbc { statement => [\"x\"] } }", NULL,
            "connection_string");
    refuses(t,
            "input { rows { } } output { jdbc { connection_string => \"jdbc:oracle:thin:x\" "
            "statement => [\"x\"] } }",
            NULL, "no driver");
    refuses(t,
            "input { rows { } } output { jdbc { connection_string => \"sqlite:x\" statement => "
            "[\"x\"] } }",
            NULL, "jdbc:");
    refuses(t,
            "input { rows { } } output { jdbc { connection_string => \"jdbc:sqlite:x\" statement "
            "=> [\"insert ?\", \"a\", \"b\"] } }",
            NULL, "1 placeholders, 2 parameters");
    refuses(t,
            "input { rows { } } output { jdbc { connection_string => \"jdbc:sqlite:x\" statment => "
            "[\"x\"] } }",
            NULL, "statement");
    refuses(t,
            "input { rows { } } output { jdbc { connection_string => \"jdbc:sqlite:x\" statement "
            "=> [\"x\"] retry_sql_states => [\"1\"] } }",
            NULL, "SQLSTATE");
}

/* ---- what needs no database ---- */

static void addresses(struct test *t)
{
    struct sql_target x;
    assert_ok(sql_target_parse(
                  STR("jdbc:mysql://db.local:3307/"
                      "stock?useSSL=false&allowPublicKeyRetrieval=true&user=a%40b&password=p%26q"),
                  t->mem, &x, &t->err),
              &t->err);
    assert_str_eq(x.driver, "mysql");
    assert_str_eq(x.host, "db.local");
    assert_int_equal(x.port, 3307);
    assert_str_eq(x.database, "stock");
    assert_str_eq(x.user, "a@b");
    assert_str_eq(x.password, "p&q");
    assert_false(x.is_tls_required);
    assert_true(str_find(x.shown, STR("p&q")) < 0);
    assert_ok(sql_target_parse(STR("jdbc:mariadb:///d"), t->mem, &x, &t->err), &t->err);
    assert_str_eq(x.host, "localhost");
    assert_int_equal(x.port, 3306);
    assert_ok(sql_target_parse(STR("jdbc:sqlite::memory:"), t->mem, &x, &t->err), &t->err);
    assert_str_eq(x.path, ":memory:");
    assert_err(sql_target_parse(STR("jdbc:mysql://h:99999/d"), t->mem, &x, &t->err), &t->err,
               ERR_INVALID);
    assert_err(sql_target_parse(STR("jdbc:mysql://h"), t->mem, &x, &t->err), &t->err, ERR_INVALID);
    assert_err(sql_target_parse(STR("jdbc:postgresql://h/d"), t->mem, &x, &t->err), &t->err,
               ERR_UNSUPPORTED);
}

static void inserts_split(struct test *t)
{
    (void)t;
    static const struct {
        const char *sql, *row; /* row NULL: no */
    } rows[] = {
        {"INSERT INTO t (a, b) VALUES (?, ?)", "(?, ?)"},
        {"insert into t values(?,CURRENT_TIMESTAMP) ON DUPLICATE KEY UPDATE a = VALUES(a)",
         "(?,CURRENT_TIMESTAMP)"},
        {"REPLACE INTO t VALUES (?, lower(?), ')?')", "(?, lower(?), ')?')"},
        {"INSERT INTO `values` VALUES (?)", "(?)"},
        {"INSERT INTO t /* VALUES (?) */ VALUES (?)", "(?)"},
        {"INSERT INTO t VALUES (?), (?)", NULL},
        {"INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = ?", NULL},
        {"INSERT INTO t SELECT ?", NULL},
        {"UPDATE t SET a = ?", NULL},
        {"INSERT INTO t VALUES (1)", NULL},
        {"INSERT INTO t VALUES (?", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sql_insert insert;
        bool is_split = sql_insert_split(str_from(rows[i].sql), &insert);
        if (is_split != (rows[i].row != NULL))
            fail_msg("%s", rows[i].sql);
        if (is_split)
            assert_str_eq(insert.row, rows[i].row);
    }
    assert_int_equal(sql_params_count(STR("a ? '?' \"?\" `?` -- ?\n ? /* ? */ # ?\n?")), 3);
}

/* ---- MariaDB ---- */

#define SERVER "/usr/sbin/mariadbd"

struct server {
    pid_t pid;
    uint16_t port;
    struct str dir;
};

static int command(const char *text)
{
    int status = system(text);
    return status == -1 ? -1 : WEXITSTATUS(status);
}

static void server_start(struct test *t, struct server *server)
{
    server->dir = test_path(t, "my");
    server->port = test_free_port();
    const char *install = arena_printf(t->mem,
                                       "mariadb-install-db --no-defaults --user=$(id -un) "
                                       "--datadir=%s --auth-root-authentication-method="
                                       "normal --skip-test-db >%s.log 2>&1",
                                       server->dir.p, server->dir.p)
                              .p;
    assert_int_equal(command(install), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
        const char *run_text =
            arena_printf(
                t->mem,
                "exec " SERVER
                " --no-defaults --user=$(id -un) --datadir=%s --socket=%s/s.sock --port=%u "
                "--bind-address=127.0.0.1 --skip-networking=0 --innodb-buffer-pool-size=16M "
                "--innodb-flush-log-at-trx-commit=0 --skip-log-bin >%s.log 2>&1",
                server->dir.p, server->dir.p, server->port, server->dir.p)
                .p;
        (void)execl("/bin/sh", "sh", "-c", run_text, (char *)NULL);
        _exit(127);
    }
}

static void server_stop(struct server *server)
{
    int status;
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, &status, 0);
}

static struct str mysql_run(struct test *t, const struct server *server, const char *sql)
{
    char block[4096];
    const char *text = arena_printf(t->mem,
                                    "mariadb --no-defaults -N -B -u root --socket=%s/s.sock -e "
                                    "\"%s\" 2>&1 | tr '\\t\\n' ',|'",
                                    server->dir.p, sql)
                           .p;
    FILE *pipe = popen(text, "r");
    assert_non_null(pipe);
    size_t n = fread(block, 1, sizeof(block), pipe);
    (void)pclose(pipe);
    return arena_str(t->mem, (struct str){block, n});
}

static void server_wait(struct test *t, const struct server *server)
{
    for (int i = 0; i < 300; i++) {
        if (str_is(mysql_run(t, server, "SELECT 1"), "1|"))
            return;
        clock_sleep_ns(clock_system(), 100 * NS_PER_MS);
    }
    fail_msg("MariaDB does not start");
}

static struct str mysql_conf(struct test *t, const struct server *server, const char *input,
                             const char *statement)
{
    return arena_printf(t->mem,
                        "input { rows { %s } } output { jdbc { connection_string => "
                        "\"jdbc:mysql://127.0.0.1:%u/stock?useSSL=false&"
                        "allowPublicKeyRetrieval=true&user=naru&password=ge%%26heim\" driver_class "
                        "=> \"com.mysql.cj.jdbc.Driver\" "
                        "driver_jar_path => \"C:\\\\x.jar\" statement => [ %s ] } }",
                        input, server->port, statement);
}

static void mariadb(struct test *t)
{
    struct server server;
    struct rig rig;
    if (access(SERVER, X_OK) != 0) {
        print_message("SKIPPED: " SERVER " is not installed\n");
        skip();
    }
    t->may_leak = true; /* the client library keeps memory of its own */
    server_start(t, &server);
    /* The server is not there yet: the row waits for it, its rights, and its table. */
    start(t, &rig,
          mysql_conf(t, &server,
                     "json => '{\"c\":\"005930\",\"t\":\"2026-01-26 09:10:05\",\"p\":53800}'",
                     "\"INSERT INTO trade (c, t, p, now_time) VALUES (?, ?, ?, "
                     "CURRENT_TIMESTAMP)\", \"%{c}\", \"%{t}\", \"%{p}\""));
    server_wait(t, &server);
    (void)mysql_run(t, &server,
                    "CREATE DATABASE stock CHARACTER SET utf8mb4; CREATE USER naru@'127.0.0.1' "
                    "IDENTIFIED BY 'ge&heim'; "
                    "GRANT ALL ON stock.* TO naru@'127.0.0.1'; CREATE USER naru@localhost "
                    "IDENTIFIED BY 'ge&heim'; "
                    "GRANT ALL ON stock.* TO naru@localhost; USE stock; CREATE TABLE trade (c "
                    "VARCHAR(12), t DATETIME, "
                    "p INT, now_time DATETIME); CREATE TABLE x (n INT PRIMARY KEY, v VARCHAR(5)); "
                    "CREATE TABLE w (k INT PRIMARY KEY, t DATETIME(3), f DOUBLE, b BOOL, s TEXT)");
    finish(&rig);
    assert_str_eq(mysql_run(t, &server, "SELECT c, t, p, now_time IS NOT NULL FROM stock.trade"),
                  "005930,2026-01-26 09:10:05,53800,1|");
    /* Many rows an INSERT, bad ones alone: key 7 is there already, and no text fits for it. */
    (void)mysql_run(t, &server, "INSERT INTO stock.x VALUES (7, 'old'), (1500, 'old')");
    run(t, mysql_conf(t, &server, "count => 2000",
                      "\"INSERT INTO x (n, v) VALUES (?, 'new')\", \"n\""));
    assert_str_eq(
        mysql_run(t, &server, "SELECT v, COUNT(*), SUM(n) FROM stock.x GROUP BY v ORDER BY v"),
        "new,1998,1997493|old,2,1507|");
    assert_int_equal(lines_count(dead_letters(t)), 2);
    assert_str_has(dead_letters(t), "Duplicate entry");
    run(t, mysql_conf(t, &server, "count => 2000",
                      "\"INSERT INTO x (n, v) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = "
                      "VALUES(v)\", \"n\", \"up\""));
    assert_str_eq(mysql_run(t, &server, "SELECT COUNT(*), COUNT(v) FROM stock.x"), "2000,0|");
    struct str typed = mysql_conf(
        t, &server,
        "json => "
        "'{\"k\":1,\"f\":1.5,\"b\":true,\"s\":\"한글\",\"@timestamp\":\"2026-01-26T00:10:05.123Z\"}"
        "'",
        "\"REPLACE INTO w VALUES (?,?,?,?,?)\", \"k\", \"@timestamp\", \"f\", \"b\", \"s\"");
    run(t, typed);
    run(t, typed);
    assert_int_equal(lines_count(dead_letters(t)), 2); /* no more than before */
    assert_str_eq(mysql_run(t, &server, "SELECT k, t, f, b, HEX(s) FROM stock.w"),
                  "1,2026-01-26 00:10:05.123,1.5,1,ED959CEAB880|");
    server_stop(&server);
}

TEST_MAIN(TEST(addresses), TEST(inserts_split), TEST(binds_types), TEST(incomplete_texts_are_null),
          TEST(upserts), TEST(bad_rows_stand_alone), TEST(waits_for_its_table),
          TEST(unsafe_statements), TEST(whole_event), TEST(refuses_bad_settings), TEST(mariadb))
