/* SPDX-License-Identifier: Apache-2.0 */
/* console_test.c: the console's listener and the monitoring one over real sockets; the archive is
 * an SQLite file. */
#include "support/server.h"

#include "base/log.h"
#include "pipeline/pipeline.h"
#include "pipeline/sql/sql.h"
#include "server/console_assets.h"

#define HOST "127.0.0.1"

static struct str body_of(struct str reply)
{
    ptrdiff_t at = str_find(reply, STR("\r\n\r\n"));
    return at < 0 ? STR("") : str_from_off(reply, (size_t)at + 4);
}

static int status_of(struct str reply)
{
    int64_t status = 0;
    return reply.n > 12 && str_to_i64(str_sub(reply, 9, 3), &status) ? (int)status : 0;
}

struct row {
    const char *what, *body;
    int status;
    const char *part; /* of head or body */
};

static void ask(struct bed *bed, enum server_listener listener, const struct row *rows,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str reply = bed_fetch(bed, listener, rows[i].what, HOST, "", rows[i].body);
        if (status_of(reply) != rows[i].status || str_find(reply, str_from(rows[i].part)) < 0)
            fail_msg("%s %s gives\n" STR_FMT, rows[i].what, rows[i].body, STR_ARG(reply));
    }
}

/* A page of somebody else must not use the reader's browser as its way in. */
static void answers_to_its_own_name_only(struct test *t)
{
    static const struct {
        const char *host, *headers;
        int status;
    } rows[] = {
        {"127.0.0.1:5601", "", 200},
        {"127.9.9.9", "", 200},
        {"localhost:5601", "", 200},
        {"LocalHost", "", 200},
        {"[::1]:5601", "", 200},
        {"[::1]", "", 200},
        {"evil.example", "", 403},
        {"127.0.0.1.evil.example", "", 403},
        {"127.evil.example:5601", "", 403},
        {"localhost.evil.example", "", 403},
        {"[::1].evil.example", "", 403},
        {"127.0.0.1:5601", "Origin: http://127.0.0.1:5601\r\n", 200},
        {"127.0.0.1:5601", "Origin: http://127.0.0.1:8080\r\n", 403},
        {"127.0.0.1:5601", "Origin: http://evil.example\r\n", 403},
        {"127.0.0.1:5601", "Origin: null\r\n", 403},
        {"127.0.0.1:5601", "Origin: \r\n", 403},
        {"evil.example", "Origin: http://evil.example\r\n", 403},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_CONSOLE, STR_NONE);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str reply =
            bed_fetch(&bed, SERVER_CONSOLE, "GET /api/status", rows[i].host, rows[i].headers, "");
        if (status_of(reply) != rows[i].status)
            fail_msg("Host: %s, %s gives\n" STR_FMT, rows[i].host, rows[i].headers, STR_ARG(reply));
    }
    bed_close(&bed);
}

static void serves_files(struct test *t)
{
    static const struct row rows[] = {
        {"GET /nothing.js", "", 404, "{\"error\":{\"message\":\"no such file\"}}"},
        {"GET /../server.c", "", 404, "no such file"},
        {"POST /", "", 405, "use GET"},
        {"DELETE /index.html", "", 405, "use GET"},
        {"GET /api/nothing", "", 404, "no such place"},
        {"POST /api/status", "", 404, "no such place"},
        {"GET /api/query/parse", "", 404, "no such place"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_CONSOLE, STR_NONE);
    ask(&bed, SERVER_CONSOLE, rows, ARRAY_COUNT(rows));
    if (console_asset_count == 0) { /* built without the console */
        struct str reply = bed_fetch(&bed, SERVER_CONSOLE, "GET /", HOST, "", "");
        assert_int_equal(status_of(reply), 503);
        assert_str_has(reply, "make build");
    }
    for (size_t i = 0; i < console_asset_count; i++) {
        const struct console_asset *asset = &console_assets[i];
        struct str what = arena_printf(t->mem, "GET %s", asset->path);
        struct str reply = bed_fetch(&bed, SERVER_CONSOLE, what.p, HOST, "", "");
        assert_int_equal(status_of(reply), 200);
        assert_str_has(reply, "Content-Encoding: gzip\r\n");
        assert_str_has(reply, "X-Content-Type-Options: nosniff\r\n");
        assert_int_equal(body_of(reply).n, (size_t)(asset->gzip_end - asset->gzip));
        struct str match = arena_printf(t->mem, "If-None-Match: %s\r\n", asset->etag);
        reply = bed_fetch(&bed, SERVER_CONSOLE, what.p, HOST, match.p, "");
        assert_int_equal(status_of(reply), 304);
        assert_int_equal(body_of(reply).n, 0);
    }
    bed_close(&bed);
}

static void parses_queries(struct test *t)
{
    static const struct row rows[] = {
        {"POST /api/query/parse", "{\"text\":\"\"}", 200, "{\"query\":{\"match_all\":{}}}"},
        {"POST /api/query/parse", "{\"text\":\"  \",\"language\":\"lucene\"}", 200,
         "{\"query\":{\"match_all\":{}}}"},
        {"POST /api/query/parse", "{\"text\":\"a : 1 and b > 2\",\"language\":\"kuery\"}", 200,
         "{\"query\":{\"bool\":"},
        {"POST /api/query/parse", "{\"text\":\"a:(x OR y)\",\"language\":\"lucene\"}", 200,
         "{\"query\":{\"query_string\":"},
        {"POST /api/query/parse", "{\"text\":\"a : (1 or\",\"language\":\"kuery\"}", 400,
         "\"position\":"},
        {"POST /api/query/parse", "{\"text\":\"a:[1 TO\",\"language\":\"lucene\"}", 400,
         "{\"error\":{\"message\":"},
        {"POST /api/query/parse", "{\"text\":5}", 400, "\\\"text\\\" must be a string"},
        {"POST /api/query/parse", "[]", 400, "\\\"text\\\" must be a string"},
        {"POST /api/query/parse", "{\"text\":", 400, "{\"error\":{\"message\":"},
        {"POST /api/query/parse", "", 400, "{\"error\":{\"message\":"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_CONSOLE, STR_NONE);
    ask(&bed, SERVER_CONSOLE, rows, ARRAY_COUNT(rows));
    /* The position counts what a browser counts: "\xED\x95\x9C" is one unit, an emoji two. */
    static const struct {
        const char *before;
        int64_t units;
    } texts[] = {{"", 0}, {"\xED\x95\x9C", 1}, {"\xF0\x9F\x98\x80", 2}};
    int64_t first = -1;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct str body = arena_printf(t->mem, "{\"text\":\"x : %s\\\" y\"}", texts[i].before);
        struct str reply =
            bed_fetch(&bed, SERVER_CONSOLE, "POST /api/query/parse", HOST, "", body.p);
        struct value tree;
        assert_int_equal(status_of(reply), 400);
        assert_ok(value_from_json(body_of(reply), t->mem, &tree, &t->err), &t->err);
        const struct value *position =
            value_map_get_lit(value_map_get_lit(&tree, "error"), "position");
        assert_non_null(position);
        if (i == 0)
            first = position->i;
        assert_int_equal(position->i - first, texts[i].units);
    }
    struct buf large;
    buf_init(&large, 0);
    buf_add_str(&large, STR("{\"text\":\""));
    for (size_t i = 0; i < 64 * KIB + 1; i++)
        buf_add_char(&large, 'a');
    buf_add_str(&large, STR("\"}"));
    struct str reply = bed_fetch(&bed, SERVER_CONSOLE, "POST /api/query/parse", HOST, "",
                                 arena_str(t->mem, buf_str(&large)).p);
    assert_int_equal(status_of(reply), 400);
    buf_deinit(&large);
    bed_close(&bed);
}

static void passes_to_rest(struct test *t)
{
    static const struct row rows[] = {
        {"PUT /api/es/i/_doc/1?refresh=true", "{\"n\":9007199254740993}", 201,
         "Cache-Control: no-store"},
        {"GET /api/es/i/_doc/1", "", 200, "{\"n\":9007199254740993}"},
        {"GET /api/es/", "", 200, "\"tagline\""},
        {"GET /api/es/i/_nothing", "", 400, "no handler found for uri [/i/_nothing]"},
        {"GET /api/es/i/_doc/1?nope=1", "", 400, "illegal_argument_exception"},
        {"GET /api/status", "", 200, "\"documents\":1,\"archive\":{\"available\":false}}"},
        {"GET /api/status", "", 200, "\"now_ms\":1737521553000"},
        {"GET /api/pipelines", "", 200, "{\"pipelines\":{}}"},
        {"GET /api/archive/ticks", "", 404, "no SQL archive is configured"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_CONSOLE, STR_NONE);
    ask(&bed, SERVER_CONSOLE, rows, ARRAY_COUNT(rows));
    bed_close(&bed);
}

static struct str archive_make(struct test *t)
{
    static const char *const statements[] = {
        "CREATE TABLE kr_stock_trade (mksc_shrn_iscd TEXT, stck_cntg_hour TEXT, stck_prpr INTEGER, "
        "ratio REAL)",
        "INSERT INTO kr_stock_trade VALUES ('005930', '2025-01-22 09:00:01', 53800, 0.5)",
        "INSERT INTO kr_stock_trade VALUES ('005930', '2025-01-22 09:00:02', 53900, NULL)",
        "INSERT INTO kr_stock_trade VALUES ('000660', '2025-01-22 10:00:00', 9007199254740993, "
        "1.0)",
    };
    struct str url =
        arena_printf(t->mem, "jdbc:sqlite:" STR_FMT, STR_ARG(test_path(t, "archive.db")));
    struct sql_target target;
    struct sql_connection *db;
    assert_ok(sql_target_parse(url, t->mem, &target, &t->err), &t->err);
    assert_ok(sql_sqlite.open(&target, &db, &t->err), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(statements); i++)
        assert_ok(sql_sqlite.execute(db, str_from(statements[i]), NULL, 0, &t->err), &t->err);
    sql_sqlite.close(db);
    return url;
}

static void reads_the_archive(struct test *t)
{
#define LATE   "[\"000660\",\"2025-01-22 10:00:00\",9007199254740993,1.0]"
#define SECOND "[\"005930\",\"2025-01-22 09:00:02\",53900,null]"
#define FIRST  "[\"005930\",\"2025-01-22 09:00:01\",53800,0.5]"
    static const struct row rows[] = {
        {"GET /api/archive/ticks", "", 200,
         "\"truncated\":false,\"columns\":[\"mksc_shrn_iscd\",\"stck_cntg_hour\",\"stck_prpr\","
         "\"ratio\"],"
         "\"rows\":[" LATE "," SECOND "," FIRST "]}"},
        {"GET /api/archive/ticks?size=2", "", 200, "\"truncated\":true"},
        {"GET /api/archive/ticks?size=2", "", 200, "\"rows\":[" LATE "," SECOND "]}"},
        {"GET /api/archive/ticks?size=3", "", 200, "\"truncated\":false"},
        {"GET /api/archive/ticks?stock=005930", "", 200, "\"rows\":[" SECOND "," FIRST "]}"},
        /* Instants are UTC, the table's times Korean: 00:00:02Z is 09:00:02; from counts, to does
           not. */
        {"GET /api/archive/ticks?from=2025-01-22T00:00:02.000Z&to=2025-01-22T01:00:00.000Z", "",
         200, "\"rows\":[" SECOND "]}"},
        {"GET /api/archive/ticks?from=2025-01-22T09:00:02%2B09:00&to=", "", 200,
         "\"rows\":[" LATE "," SECOND "]}"},
        {"GET /api/archive/ticks", "", 200,
         "{\"table\":\"kr_stock_trade\",\"driver\":\"sqlite\",\"time_zone\":\"Asia/Seoul\""},
        {"GET /api/archive/ticks?stock=1%27%20OR%201%3D1", "", 400, "\\\"stock\\\" must be"},
        {"GET /api/archive/ticks?from=yesterday", "", 400, "\\\"from\\\" must be an instant"},
        {"GET /api/archive/ticks?to=1", "", 400, "\\\"to\\\" must be an instant"},
        {"GET /api/archive/ticks?size=0", "", 400, "\\\"size\\\" must be between 1 and 10000"},
        {"GET /api/archive/ticks?size=10001", "", 400, "\\\"size\\\" must be"},
        {"GET /api/archive/ten_minutes", "", 404, "no such table"},
        {"GET /api/archive/", "", 404, "no such archive"},
        {"GET /api/archive/users", "", 404, "no such archive"},
        {"POST /api/archive/ticks", "", 404, "no such place"},
        {"GET /api/status", "", 200,
         "\"archive_rows\":3,\"archive\":{\"driver\":\"sqlite\",\"available\":true}}"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_CONSOLE, archive_make(t));
    ask(&bed, SERVER_CONSOLE, rows, ARRAY_COUNT(rows));
    bed_close(&bed);
    static const struct row unknown[] = {
        {"GET /api/status", "", 200, "\"archive\":{\"driver\":\"oracle\",\"error\":\""},
        {"GET /api/status", "", 200, "\"available\":false}}"},
        {"GET /api/archive/ticks", "", 503, "{\"error\":{\"message\":"},
    };
    bed_open(&bed, t, SERVER_CONSOLE, STR("jdbc:oracle:thin"));
    ask(&bed, SERVER_CONSOLE, unknown, ARRAY_COUNT(unknown));
    bed_close(&bed);
}

static void monitors_pipelines(struct test *t)
{
    struct bed bed;
    struct pipeline *pipeline = NULL;
    bed_open(&bed, t, SERVER_MONITORING, STR_NONE);
    struct pipeline_config config = {.id = STR("csv_to_es"),
                                     .fs = bed.fs,
                                     .clock = &bed.clock.base,
                                     .worker_count = 1,
                                     .text = STR("input { generator { count => 1 } } filter { drop "
                                                 "{ id => \"d1\" } } output { null { } }"),
                                     .data_path = STR("data"),
                                     .seed = 1};
    log_set_level(LOG_OFF);
    assert_ok(pipeline_load(&config, &pipeline, &t->err), &t->err);
    static const struct row before[] = {
        {"GET /", "", 200, "\"version\":\"7.11.2\""},
        {"GET /_node", "", 200, "\"status\":\"green\"}"},
        {"GET /_node/stats/pipelines", "", 200, "\"pipelines\":{}"},
        {"GET /_node/stats", "", 200,
         "\"events\":{\"in\":0,\"filtered\":0,\"out\":0},\"pipelines\":{}}"},
        {"GET /_node/nothing", "", 404,
         "{\"path\":\"/_node/nothing\",\"status\":404,\"error\":{\"message\":\"Not Found\"}}"},
        {"POST /_node", "", 404, "Not Found"},
    };
    ask(&bed, SERVER_MONITORING, before, ARRAY_COUNT(before));
    struct str address = arena_printf(t->mem, "\"http_address\":\"127.0.0.1:%u\"",
                                      server_port(bed.server, SERVER_MONITORING));
    assert_str_has(bed_fetch(&bed, SERVER_MONITORING, "GET /", HOST, "", ""), address.p);
    server_pipeline_add(bed.server, pipeline);
    static const struct row with[] = {
        {"GET /_node/stats/pipelines/?pretty", "", 200, "\"csv_to_es\" : {"},
        {"GET /_node/pipelines", "", 200, "\"pipelines\":{\"csv_to_es\":{"},
        {"GET /_node/stats", "", 200, "\"id\":\"d1\",\"name\":\"drop\""},
        {"GET /_node/stats", "", 200, "\"inputs\":[{"},
        {"GET /_node/stats", "", 200, "\"jvm\":{\"uptime_in_millis\":0"},
    };
    ask(&bed, SERVER_MONITORING, with, ARRAY_COUNT(with));
    server_pipeline_remove(bed.server, pipeline);
    ask(&bed, SERVER_MONITORING, before, ARRAY_COUNT(before));
    pipeline_free(pipeline);
    bed_close(&bed);
}

TEST_MAIN(TEST(answers_to_its_own_name_only), TEST(serves_files), TEST(parses_queries),
          TEST(passes_to_rest), TEST(reads_the_archive), TEST(monitors_pipelines))
