/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c: the SQL archive as the console reads it: the ten-minute windows and the ticks, newest
 * first. One connection, opened at first use and again after it broke. Times in the tables are
 * Korean wall-clock times, as the user's pipelines write them; the instants of the request are
 * turned into those. */
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "codec/url.h"
#include "event/iso8601.h"
#include "pipeline/sql/sql.h"
#include "server/server_int.h"

#define ARCHIVE_ROWS_DEFAULT 1000
#define ARCHIVE_ROWS_MAX     10000
#define ARCHIVE_ZONE         "Asia/Seoul"
#define ARCHIVE_ZONE_NS      (9 * 3600 * NS_PER_S) /* Korea has had no summer time since 1988 */
#define STOCK_CODE_BYTES_MAX 12u
#define TABLE_TIME_BYTES     32u

struct archive_table {
    struct str name;
    const char *time_column;
};

struct range {
    char from[TABLE_TIME_BYTES], to[TABLE_TIME_BYTES]; /* "" when not given */
    struct str stock;
    int64_t size;
};

static struct archive_table table_of(const struct server *server, bool is_windows)
{
    const struct server_config *c = &server->config;
    if (is_windows)
        return (struct archive_table){c->archive_windows_table.n ? c->archive_windows_table
                                                                 : STR("stock_10min"),
                                      "window_start"};
    return (struct archive_table){c->archive_ticks_table.n ? c->archive_ticks_table
                                                           : STR("kr_stock_trade"),
                                  "stck_cntg_hour"};
}

static void fail(struct http_reply *reply, int status, const char *message)
{
    struct json_writer w;
    reply->status = status;
    reply->content_type = STR("application/json");
    json_writer_init(&w, &reply->body, false);
    json_object_begin(&w);
    json_key_lit(&w, "error");
    json_object_begin(&w);
    json_key_lit(&w, "message");
    json_str(&w, str_from(message));
    json_object_end(&w);
    json_object_end(&w);
}

/* REQUIRES(archive_mu) */
static int connect_archive(struct server *server, struct err *err)
{
    if (server->archive && !server->archive->is_broken)
        return 0;
    archive_close(server);
    struct arena *mem = arena_new(0);
    struct sql_target target;
    const struct sql_driver *driver;
    int rc = sql_target_parse(server->config.archive_url, mem, &target, err);
    if (rc == 0)
        rc = sql_driver_find(target.driver, &driver, err);
    if (rc == 0 && !driver->query)
        rc = err_set(err, ERR_UNSUPPORTED, "the %s driver cannot read rows", driver->name);
    if (rc == 0)
        rc = driver->open(&target, &server->archive, err);
    arena_free(mem);
    return rc;
}

static int query(struct server *server, struct str sql, size_t row_max, struct arena *mem,
                 struct sql_rows *ret_rows, struct err *err)
{
    pthread_mutex_lock(&server->archive_mu);
    int rc = connect_archive(server, err);
    if (rc == 0)
        rc = server->archive->driver->query(server->archive, sql, row_max, mem, ret_rows, err);
    pthread_mutex_unlock(&server->archive_mu);
    return rc;
}

void archive_close(struct server *server)
{
    if (server->archive)
        server->archive->driver->close(server->archive);
    server->archive = NULL;
}

/* "2026-11-21T00:00:00.000Z" -> "2026-11-21 09:00:00" */
static bool to_table_time(struct str instant, char text[TABLE_TIME_BYTES])
{
    int64_t ns;
    if (!iso8601_parse(instant, &ns))
        return false;
    struct civil t = civil_from_ns(ns + ARCHIVE_ZONE_NS);
    (void)snprintf(text, TABLE_TIME_BYTES, "%04d-%02u-%02u %02u:%02u:%02u", t.year % 10000, t.month,
                   t.day, t.hour, t.minute, t.second);
    return true;
}

/* The code goes into the statement as text: letters and digits only. */
static bool is_stock_code(struct str code)
{
    for (size_t i = 0; i < code.n; i++) {
        char c = code.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return code.n > 0 && code.n <= STOCK_CODE_BYTES_MAX;
}

/* NULL, or what is wrong. */
static const char *read_range(struct str text, struct arena *mem, struct range *ret_range)
{
    struct range range = {.size = ARCHIVE_ROWS_DEFAULT};
    struct str name, value;
    while (url_query_next(&text, mem, &name, &value)) {
        if (value.n == 0)
            continue;
        if (str_is(name, "from") && !to_table_time(value, range.from))
            return "\"from\" must be an instant like 2026-11-21T00:00:00.000Z";
        if (str_is(name, "to") && !to_table_time(value, range.to))
            return "\"to\" must be an instant like 2026-11-21T00:00:00.000Z";
        if (str_is(name, "stock"))
            range.stock = value;
        if (str_is(name, "stock") && !is_stock_code(value))
            return "\"stock\" must be a stock code of letters and digits";
        if (str_is(name, "size") &&
            (!str_to_i64(value, &range.size) || range.size < 1 || range.size > ARCHIVE_ROWS_MAX))
            return "\"size\" must be between 1 and 10000";
    }
    *ret_range = range;
    return NULL;
}

static struct str statement(const struct archive_table *table, const struct range *range,
                            struct arena *mem)
{
    struct buf sql;
    const char *joint = " WHERE ";
    buf_init(&sql, 4 * KIB);
    buf_printf(&sql, "SELECT * FROM " STR_FMT, STR_ARG(table->name));
    if (range->from[0]) {
        buf_printf(&sql, "%s%s >= '%s'", joint, table->time_column, range->from);
        joint = " AND ";
    }
    if (range->to[0]) {
        buf_printf(&sql, "%s%s < '%s'", joint, table->time_column, range->to);
        joint = " AND ";
    }
    if (range->stock.n)
        buf_printf(&sql, "%smksc_shrn_iscd = '" STR_FMT "'", joint, STR_ARG(range->stock));
    buf_printf(&sql, " ORDER BY %s DESC LIMIT %lld", table->time_column,
               (long long)range->size + 1);
    struct str text = arena_str(mem, buf_str(&sql));
    buf_deinit(&sql);
    return text;
}

static struct str driver_name(const struct server *server)
{
    struct str url = server->config.archive_url;
    url = str_starts_with(url, STR("jdbc:")) ? str_from_off(url, 5) : url;
    ptrdiff_t colon = str_find_char(url, ':');
    struct str name = colon < 0 ? url : str_sub(url, 0, (size_t)colon);
    return str_is(name, "mariadb") ? STR("mysql") : name;
}

static void write_rows(const struct server *server, const struct archive_table *table,
                       const struct sql_rows *rows, int64_t took_ns, struct http_reply *reply)
{
    struct json_writer w;
    reply->content_type = STR("application/json");
    http_reply_header(reply, STR("Cache-Control"), STR("no-store"));
    json_writer_init(&w, &reply->body, false);
    json_object_begin(&w);
    json_key_lit(&w, "table");
    json_str(&w, table->name);
    json_key_lit(&w, "driver");
    json_str(&w, driver_name(server));
    json_key_lit(&w, "time_zone");
    json_str(&w, STR(ARCHIVE_ZONE));
    json_key_lit(&w, "took_ms");
    json_i64(&w, took_ns / NS_PER_MS);
    json_key_lit(&w, "truncated");
    json_bool(&w, rows->is_truncated);
    json_key_lit(&w, "columns");
    json_array_begin(&w);
    for (size_t i = 0; i < rows->column_count; i++)
        json_str(&w, rows->columns[i]);
    json_array_end(&w);
    json_key_lit(&w, "rows");
    json_array_begin(&w);
    for (size_t r = 0; r < rows->row_count; r++) {
        json_array_begin(&w);
        for (size_t c = 0; c < rows->column_count; c++)
            value_write_json(&rows->cells[r * rows->column_count + c], &w);
        json_array_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

void archive_reply(struct server *server, struct str which, struct str query_text,
                   struct arena *mem, struct http_reply *reply)
{
    bool is_windows = str_is(which, "ten_minutes");
    struct range range;
    struct sql_rows rows;
    struct err err;
    if (!is_windows && !str_is(which, "ticks")) {
        fail(reply, 404, "no such archive: ten_minutes or ticks");
        return;
    }
    if (server->config.archive_url.n == 0) {
        fail(reply, 404, "no SQL archive is configured");
        return;
    }
    const char *wrong = read_range(query_text, mem, &range);
    if (wrong) {
        fail(reply, 400, wrong);
        return;
    }
    struct archive_table table = table_of(server, is_windows);
    int64_t begin = clock_monotonic_ns(server->config.clock);
    if (query(server, statement(&table, &range, mem), (size_t)range.size, mem, &rows, &err) < 0) {
        bool is_missing = strstr(err.text, "no such table") || strstr(err.text, "doesn't exist");
        fail(reply, is_missing ? 404 : 503, err.text);
        return;
    }
    write_rows(server, &table, &rows, clock_monotonic_ns(server->config.clock) - begin, reply);
}

int64_t archive_row_count(struct server *server, bool is_windows)
{
    struct archive_table table = table_of(server, is_windows);
    struct arena *mem = arena_new(0);
    struct sql_rows rows;
    int64_t count = -1;
    struct str sql = arena_printf(mem, "SELECT COUNT(*) FROM " STR_FMT, STR_ARG(table.name));
    if (query(server, sql, 1, mem, &rows, NULL) == 0 && rows.row_count == 1 &&
        rows.cells[0].kind == VALUE_INT)
        count = rows.cells[0].i;
    arena_free(mem);
    return count;
}

void archive_status_write(struct server *server, struct json_writer *w)
{
    struct err err;
    bool is_there = server->config.archive_url.n > 0;
    json_object_begin(w);
    if (is_there) {
        json_key_lit(w, "driver");
        json_str(w, driver_name(server));
        pthread_mutex_lock(&server->archive_mu);
        int rc = connect_archive(server, &err);
        pthread_mutex_unlock(&server->archive_mu);
        is_there = rc == 0;
        if (rc < 0) {
            json_key_lit(w, "error");
            json_str(w, str_from(err.text));
        }
    }
    json_key_lit(w, "available");
    json_bool(w, is_there);
    json_object_end(w);
}
