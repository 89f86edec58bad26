/* SPDX-License-Identifier: Apache-2.0 */
/* mysql.c: the MySQL and MariaDB driver of pipeline/sql/sql.h, over libmariadb, as a loadable
 * module. Statements are prepared on the server and kept; values go over in binary. */
#include <mysql.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "pipeline/sql/sql.h"

#define STATEMENTS_MAX 16u /* multi-row statements come in powers of two */
#define PARAMS_MAX     65535u

#define CR_FIRST 2000u /* errors of the client library: the connection */
#define CR_LAST  2999u

struct mysql_statement {
    char *sql;
    size_t sql_len;
    MYSQL_STMT *stmt;
    uint64_t used;
};

struct mysql_connection {
    struct sql_connection base;
    MYSQL *db;
    struct mysql_statement statements[STATEMENTS_MAX];
    uint64_t uses;
    MYSQL_BIND *binds;
    unsigned long *lengths;
    size_t bind_capacity;
};

__attribute__((visibility("default"))) extern const struct sql_driver naru_sql_driver;

static struct mysql_connection *of(struct sql_connection *connection)
{
    return (struct mysql_connection *)connection;
}

/* Server errors that pass by themselves but carry a general SQLSTATE. */
static const char *state_of(unsigned number, const char *state)
{
    switch (number) {
    case 1205: /* lock wait timeout */
    case 1206: /* lock table full */
    case 1213: /* deadlock */
        return "40001";
    case 1021: /* disk full */
    case 1114: /* table full */
        return "53100";
    case 1037: /* out of memory */
    case 1038:
    case 1041:
        return "53200";
    case 1290: /* read-only or another server option forbids it */
    case 1792:
    case 1836:
        return "58000";
    case 1053: /* shutdown */
    case 1077:
    case 1927: /* connection was killed */
        return "08S01";
    default:
        return number >= CR_FIRST && number <= CR_LAST ? "08S01" : state;
    }
}

static int fail(struct mysql_connection *c, unsigned number, const char *state, const char *text,
                bool in_prepare, struct err *err)
{
    (void)snprintf(c->base.state, sizeof(c->base.state), "%s", state_of(number, state));
    c->base.failed_in_prepare = in_prepare;
    if (strncmp(c->base.state, "08", 2) == 0)
        c->base.is_broken = true;
    return err_set(err, ERR_SQL, "%s (SQLSTATE %s, error %u)", text, c->base.state, number);
}

static int db_fail(struct mysql_connection *c, bool in_prepare, struct err *err)
{
    return fail(c, mysql_errno(c->db), mysql_sqlstate(c->db), mysql_error(c->db), in_prepare, err);
}

static void mysql_close_connection(struct sql_connection *connection)
{
    struct mysql_connection *c = of(connection);
    if (!c)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        if (c->statements[i].stmt)
            (void)mysql_stmt_close(c->statements[i].stmt);
        mem_free(c->statements[i].sql);
    }
    if (c->db)
        mysql_close(c->db);
    mem_free(c->binds);
    mem_free(c->lengths);
    mem_free(c);
}

static int connect_to(struct mysql_connection *c, const struct sql_target *target, struct err *err)
{
    unsigned connect_s = SQL_CONNECT_S, answer_s = SQL_ANSWER_S;
    my_bool enforce = target->is_tls_required ? 1 : 0, reconnect = 0;
    (void)mysql_optionsv(c->db, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    (void)mysql_optionsv(c->db, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    (void)mysql_optionsv(c->db, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    (void)mysql_optionsv(c->db, MYSQL_OPT_RECONNECT, &reconnect);
    (void)mysql_optionsv(c->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (enforce)
        (void)mysql_optionsv(c->db, MYSQL_OPT_SSL_ENFORCE, &enforce);
    /* "localhost" would make the library look for a socket file; Java's drivers always use TCP. */
    bool is_local = str_eq_nocase(target->host, STR("localhost"));
    char *host = mem_cstr(is_local ? STR("127.0.0.1") : target->host),
         *user = mem_cstr(target->user);
    char *password = mem_cstr(target->password), *database = mem_cstr(target->database);
    char *socket = target->socket.n ? mem_cstr(target->socket) : NULL;
    MYSQL *db = mysql_real_connect(c->db, socket ? NULL : host, user, password, database,
                                   target->port, socket, 0);
    int rc = db ? 0 : db_fail(c, false, err);
    mem_free(host);
    mem_free(user);
    mem_free(password);
    mem_free(database);
    mem_free(socket);
    return rc;
}

static int mysql_open_connection(const struct sql_target *target,
                                 struct sql_connection **ret_connection, struct err *err)
{
    struct mysql_connection *c = MEM_NEW(struct mysql_connection);
    c->base.driver = &naru_sql_driver;
    c->db = mysql_init(NULL);
    ASSERT(c->db); /* fails only without memory */
    int rc = connect_to(c, target, err);
    if (rc == 0 && mysql_autocommit(c->db, 0) != 0)
        rc = db_fail(c, false, err);
    if (rc < 0) {
        mysql_close_connection(&c->base);
        return err_wrap(err, "cannot connect to " STR_FMT, STR_ARG(target->shown));
    }
    *ret_connection = &c->base;
    return 0;
}

static int mysql_begin(struct sql_connection *connection, struct err *err)
{
    (void)connection; /* without autocommit the first statement begins one */
    (void)err;
    return 0;
}

static int mysql_commit_transaction(struct sql_connection *connection, struct err *err)
{
    struct mysql_connection *c = of(connection);
    return mysql_commit(c->db) == 0 ? 0 : db_fail(c, false, err);
}

static void mysql_rollback_transaction(struct sql_connection *connection)
{
    struct mysql_connection *c = of(connection);
    if (!connection->is_broken && mysql_rollback(c->db) != 0)
        connection->is_broken = true;
}

static int statement_prepare(struct mysql_connection *c, struct str sql, MYSQL_STMT **ret_stmt,
                             struct err *err)
{
    MYSQL_STMT *stmt = mysql_stmt_init(c->db);
    if (!stmt)
        return db_fail(c, true, err);
    if (mysql_stmt_prepare(stmt, sql.p, sql.n) != 0) {
        int rc = fail(c, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt),
                      true, err);
        (void)mysql_stmt_close(stmt);
        return rc;
    }
    *ret_stmt = stmt;
    return 0;
}

static int statement_get(struct mysql_connection *c, struct str sql, MYSQL_STMT **ret_stmt,
                         struct err *err)
{
    struct mysql_statement *place = &c->statements[0];
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        struct mysql_statement *s = &c->statements[i];
        if (s->stmt && str_eq(sql, (struct str){s->sql, s->sql_len})) {
            s->used = ++c->uses;
            *ret_stmt = s->stmt;
            return 0;
        }
        if (place->stmt && (!s->stmt || s->used < place->used))
            place = s;
    }
    MYSQL_STMT *stmt = NULL;
    TRY(statement_prepare(c, sql, &stmt, err));
    if (place->stmt)
        (void)mysql_stmt_close(place->stmt);
    mem_free(place->sql);
    *place = (struct mysql_statement){mem_cstr(sql), sql.n, stmt, ++c->uses};
    *ret_stmt = stmt;
    return 0;
}

/* The library's fields for buffers are not const; it only reads them here. */
static void *unconst(const void *p)
{
    union {
        const void *in;
        void *out;
    } u = {.in = p};
    return u.out;
}

static void bind(MYSQL_BIND *b, unsigned long *length, const struct value *v)
{
    memset(b, 0, sizeof(*b));
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        b->buffer_type = MYSQL_TYPE_TINY;
        b->buffer = unconst(&v->b);
        break;
    case VALUE_INT:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = unconst(&v->i);
        break;
    case VALUE_FLOAT:
        b->buffer_type = MYSQL_TYPE_DOUBLE;
        b->buffer = unconst(&v->f);
        break;
    case VALUE_STR:
        b->buffer_type = MYSQL_TYPE_STRING;
        b->buffer = unconst(v->s.p ? v->s.p : "");
        *length = (unsigned long)v->s.n;
        b->buffer_length = *length;
        b->length = length;
        break;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_BIG:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    default:
        b->buffer_type = MYSQL_TYPE_NULL;
        break;
    }
}

static int mysql_execute_statement(struct sql_connection *connection, struct str sql,
                                   const struct value *params, size_t count, struct err *err)
{
    struct mysql_connection *c = of(connection);
    MYSQL_STMT *stmt = NULL;
    TRY(statement_get(c, sql, &stmt, err));
    if (mysql_stmt_param_count(stmt) != count) {
        (void)fail(c, 0, "07001", "placeholders", true, NULL);
        return err_set(err, ERR_SQL, "the statement has %lu placeholders, %zu parameters are given",
                       mysql_stmt_param_count(stmt), count);
    }
    if (count > c->bind_capacity) {
        c->binds = mem_realloc(c->binds, count * sizeof(*c->binds));
        c->lengths = mem_realloc(c->lengths, count * sizeof(*c->lengths));
        c->bind_capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        bind(&c->binds[i], &c->lengths[i], &params[i]);
    bool is_ok = count == 0 || mysql_stmt_bind_param(stmt, c->binds) == 0;
    is_ok = is_ok && mysql_stmt_execute(stmt) == 0;
    int rc = is_ok ? 0
                   : fail(c, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt),
                          mysql_stmt_error(stmt), false, err);
    (void)mysql_stmt_free_result(stmt);
    return rc;
}

static struct value cell(const MYSQL_FIELD *field, const char *text, unsigned long length,
                         struct arena *mem)
{
    struct str s = {text, length};
    int64_t i;
    double f;
    if (!text)
        return value_null();
    if (IS_NUM(field->type) && str_to_i64(s, &i))
        return value_int(i);
    if ((field->type == MYSQL_TYPE_DOUBLE || field->type == MYSQL_TYPE_FLOAT) && str_to_f64(s, &f))
        return value_float(f);
    return value_str_copy(mem, s);
}

static void read_rows(MYSQL_RES *result, size_t row_max, struct arena *mem, struct sql_rows *rows)
{
    size_t capacity = 0;
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    rows->column_count = mysql_num_fields(result);
    rows->columns = ARENA_ARRAY(mem, struct str, rows->column_count + 1);
    for (size_t i = 0; i < rows->column_count; i++)
        rows->columns[i] = arena_str(mem, str_from(fields[i].name));
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (rows->row_count == row_max) {
            rows->is_truncated = true; /* the rest is read and dropped: the connection needs that */
            continue;
        }
        size_t at = rows->row_count * rows->column_count;
        if (at + rows->column_count > capacity) {
            size_t more = MAX_OF(capacity * 2, rows->column_count * 64);
            rows->cells = arena_realloc(mem, rows->cells, capacity * sizeof(struct value),
                                        more * sizeof(struct value));
            capacity = more;
        }
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (size_t i = 0; i < rows->column_count; i++)
            rows->cells[at + i] = cell(&fields[i], row[i], lengths[i], mem);
        rows->row_count++;
    }
}

static int mysql_read_query(struct sql_connection *connection, struct str sql, size_t row_max,
                            struct arena *mem, struct sql_rows *ret_rows, struct err *err)
{
    struct mysql_connection *c = of(connection);
    struct sql_rows rows = {0};
    if (mysql_real_query(c->db, sql.p, sql.n) != 0)
        return db_fail(c, true, err);
    MYSQL_RES *result = mysql_use_result(c->db);
    if (!result)
        return db_fail(c, true, err);
    read_rows(result, row_max, mem, &rows);
    int rc = mysql_errno(c->db) == 0 ? 0 : db_fail(c, false, err);
    mysql_free_result(result);
    mysql_rollback_transaction(connection); /* the next query sees what was committed meanwhile */
    if (rc == 0)
        *ret_rows = rows;
    return rc;
}

const struct sql_driver naru_sql_driver = {
    .version = SQL_DRIVER_VERSION,
    .name = "mysql",
    .wants_multi_row = true,
    .params_max = PARAMS_MAX,
    .open = mysql_open_connection,
    .close = mysql_close_connection,
    .begin = mysql_begin,
    .commit = mysql_commit_transaction,
    .rollback = mysql_rollback_transaction,
    .execute = mysql_execute_statement,
    .query = mysql_read_query,
};
