/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite.c: the SQLite driver of sql.h. Write-ahead journal, so that readers (the console) never
 * wait for the archive, with a sync at each commit: a row that was acknowledged survives a power
 * loss. */
#include <sqlite3.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "pipeline/sql/sql.h"

#define BUSY_MS        5000
#define STATEMENTS_MAX 8u

struct sqlite_statement {
    char *sql;
    size_t sql_len;
    sqlite3_stmt *stmt;
    uint64_t used;
};

struct sqlite_connection {
    struct sql_connection base;
    sqlite3 *db;
    struct sqlite_statement statements[STATEMENTS_MAX];
    uint64_t uses;
};

static struct sqlite_connection *of(struct sql_connection *connection)
{
    return (struct sqlite_connection *)connection;
}

/* SQLite has no SQLSTATE: the nearest class. */
static const char *state_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "40001";
    case SQLITE_FULL:
        return "53100";
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return "58030";
    case SQLITE_NOMEM:
        return "53200";
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return "23000";
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return "22000";
    default:
        return "HY000";
    }
}

static int fail(struct sqlite_connection *c, int rc, bool in_prepare, struct err *err)
{
    (void)snprintf(c->base.state, sizeof(c->base.state), "%s", state_of(rc));
    c->base.failed_in_prepare = in_prepare;
    const char *why = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    return err_set(err, ERR_SQL, "%s", why);
}

static int run(struct sqlite_connection *c, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(c, rc, false, err);
}

static void sqlite_close_connection(struct sql_connection *connection)
{
    struct sqlite_connection *c = of(connection);
    if (!c)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        (void)sqlite3_finalize(c->statements[i].stmt);
        mem_free(c->statements[i].sql);
    }
    (void)sqlite3_close(c->db);
    mem_free(c);
}

static int sqlite_open_connection(const struct sql_target *target,
                                  struct sql_connection **ret_connection, struct err *err)
{
    struct sqlite_connection *c = MEM_NEW(struct sqlite_connection);
    c->base.driver = &sql_sqlite;
    char *path = mem_cstr(target->path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (str_starts_with(target->path, STR("file:")))
        flags |= SQLITE_OPEN_URI;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    mem_free(path);
    int result = rc == SQLITE_OK ? 0 : fail(c, rc, false, err);
    if (result == 0) {
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        result = run(c, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err);
    }
    if (result < 0) {
        sqlite_close_connection(&c->base);
        return err_wrap(err, "cannot open \"" STR_FMT "\"", STR_ARG(target->path));
    }
    *ret_connection = &c->base;
    return 0;
}

static int sqlite_begin(struct sql_connection *connection, struct err *err)
{
    return run(of(connection), "BEGIN IMMEDIATE", err);
}

static int sqlite_commit(struct sql_connection *connection, struct err *err)
{
    return run(of(connection), "COMMIT", err);
}

static void sqlite_rollback(struct sql_connection *connection)
{
    struct sqlite_connection *c = of(connection);
    if (!sqlite3_get_autocommit(c->db) && run(c, "ROLLBACK", NULL) < 0)
        connection->is_broken = true;
}

/* A prepared statement for the text: one that is there, or a new one in the place of the least
 * recently used. */
static int statement_get(struct sqlite_connection *c, struct str sql, sqlite3_stmt **ret_stmt,
                         struct err *err)
{
    struct sqlite_statement *place = &c->statements[0];
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        struct sqlite_statement *s = &c->statements[i];
        if (s->stmt && str_eq(sql, (struct str){s->sql, s->sql_len})) {
            s->used = ++c->uses;
            *ret_stmt = s->stmt;
            return 0;
        }
        if (place->stmt && (!s->stmt || s->used < place->used))
            place = s;
    }
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql.p, (int)sql.n, &stmt, NULL);
    if (rc != SQLITE_OK)
        return fail(c, rc, true, err);
    if (!stmt)
        return err_set(err, ERR_SQL, "the statement is empty");
    (void)sqlite3_finalize(place->stmt);
    mem_free(place->sql);
    *place = (struct sqlite_statement){mem_cstr(sql), sql.n, stmt, ++c->uses};
    *ret_stmt = stmt;
    return 0;
}

static int bind(sqlite3_stmt *stmt, int at, const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        return sqlite3_bind_int(stmt, at, v->b);
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, v->i);
    case VALUE_FLOAT:
        return sqlite3_bind_double(stmt, at, v->f);
    case VALUE_STR:
        return sqlite3_bind_text64(stmt, at, v->s.p ? v->s.p : "", v->s.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_BIG:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static int sqlite_execute(struct sql_connection *connection, struct str sql,
                          const struct value *params, size_t count, struct err *err)
{
    struct sqlite_connection *c = of(connection);
    sqlite3_stmt *stmt = NULL;
    TRY(statement_get(c, sql, &stmt, err));
    if ((size_t)sqlite3_bind_parameter_count(stmt) != count) {
        c->base.failed_in_prepare = true;
        (void)snprintf(c->base.state, sizeof(c->base.state), "07001");
        return err_set(err, ERR_SQL, "the statement has %d placeholders, %zu parameters are given",
                       sqlite3_bind_parameter_count(stmt), count);
    }
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
        rc = bind(stmt, (int)i + 1, &params[i]);
    if (rc == SQLITE_OK)
        do
            rc = sqlite3_step(stmt);
        while (rc == SQLITE_ROW); /* a RETURNING clause: not wanted */
    int result = rc == SQLITE_DONE ? 0 : fail(c, rc, false, err);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return result;
}

static struct value cell(sqlite3_stmt *stmt, int at, struct arena *mem)
{
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_column_int64(stmt, at));
    case SQLITE_FLOAT:
        return value_float(sqlite3_column_double(stmt, at));
    case SQLITE_NULL:
        return value_null();
    default: {
        const char *text = (const char *)sqlite3_column_text(stmt, at);
        return value_str_copy(mem, (struct str){text, (size_t)sqlite3_column_bytes(stmt, at)});
    }
    }
}

static int read_rows(sqlite3_stmt *stmt, size_t row_max, struct arena *mem, struct sql_rows *rows)
{
    size_t capacity = 0;
    rows->column_count = (size_t)sqlite3_column_count(stmt);
    rows->columns = ARENA_ARRAY(mem, struct str, rows->column_count + 1);
    for (size_t i = 0; i < rows->column_count; i++)
        rows->columns[i] = arena_str(mem, str_from(sqlite3_column_name(stmt, (int)i)));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (rows->row_count == row_max) {
            rows->is_truncated = true;
            return SQLITE_DONE;
        }
        size_t at = rows->row_count * rows->column_count;
        if (at + rows->column_count > capacity) {
            size_t more = MAX_OF(capacity * 2, rows->column_count * 64);
            rows->cells = arena_realloc(mem, rows->cells, capacity * sizeof(struct value),
                                        more * sizeof(struct value));
            capacity = more;
        }
        for (size_t i = 0; i < rows->column_count; i++)
            rows->cells[at + i] = cell(stmt, (int)i, mem);
        rows->row_count++;
    }
    return rc;
}

static int sqlite_query(struct sql_connection *connection, struct str sql, size_t row_max,
                        struct arena *mem, struct sql_rows *ret_rows, struct err *err)
{
    struct sqlite_connection *c = of(connection);
    struct sql_rows rows = {0};
    sqlite3_stmt *stmt = NULL;
    TRY(statement_get(c, sql, &stmt, err));
    int rc = read_rows(stmt, row_max, mem, &rows);
    int result = rc == SQLITE_DONE ? 0 : fail(c, rc, false, err);
    (void)sqlite3_reset(stmt);
    if (result == 0)
        *ret_rows = rows;
    return result;
}

const struct sql_driver sql_sqlite = {
    .version = SQL_DRIVER_VERSION,
    .name = "sqlite",
    .params_max = 32766, /* SQLITE_MAX_VARIABLE_NUMBER */
    .open = sqlite_open_connection,
    .close = sqlite_close_connection,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .execute = sqlite_execute,
    .query = sqlite_query,
};
