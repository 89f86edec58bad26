/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h: databases behind one narrow door: open, transaction, execute. SQLite is built in
 * (sqlite.c); others are modules (modules/<name>) that hand over a struct sql_driver. A connection
 * belongs to one thread at a time. */
#ifndef NARU_PIPELINE_SQL_SQL_H
#define NARU_PIPELINE_SQL_SQL_H

#include "base/err.h"
#include "event/value.h"

#define SQL_STATE_BYTES    6u
#define SQL_ROWS_MULTI_MAX 128u /* rows of one multi-row INSERT */
#define SQL_CONNECT_S      10u
#define SQL_ANSWER_S       60u /* longest statement */

/* A JDBC address taken apart: jdbc:sqlite:PATH, jdbc:mysql://host:port/database?user=…&password=…
 */
struct sql_target {
    struct str driver; /* "sqlite", "mysql" (also for mariadb) */
    struct str path;   /* sqlite: file or ":memory:" */
    struct str host, database, user, password, socket;
    uint16_t port;
    bool is_tls_required;
    struct str shown; /* the address without its password, for messages */
};
/* -ERR_UNSUPPORTED for databases that are not there. Strings lie in mem. */
int sql_target_parse(struct str url, struct arena *mem, struct sql_target *ret_target,
                     struct err *err) WARN_UNUSED;

/* The answer of a query: cells row by row, NULL as VALUE_NULL, whole numbers as INT, others as
 * FLOAT or STR. */
struct sql_rows {
    struct str *columns;
    size_t column_count;
    struct value *cells;
    size_t row_count;
    bool is_truncated; /* there were more than asked for */
};

struct sql_driver;
struct sql_connection {
    const struct sql_driver *driver;
    char state[SQL_STATE_BYTES]; /* SQLSTATE of the last failure */
    bool failed_in_prepare;      /* the last failure is about the statement, not about its values */
    bool is_broken;              /* must be closed and opened anew */
};

#define SQL_DRIVER_VERSION 1u
struct sql_driver {
    uint32_t version; /* SQL_DRIVER_VERSION */
    const char *name;
    bool wants_multi_row; /* one INSERT of many rows is much faster than many of one */
    size_t params_max;    /* of one statement */
    int (*open)(const struct sql_target *target, struct sql_connection **ret_connection,
                struct err *err);
    void (*close)(struct sql_connection *connection);
    int (*begin)(struct sql_connection *connection, struct err *err);
    int (*commit)(struct sql_connection *connection, struct err *err);
    /* MUST leave no transaction open, or set is_broken. */
    void (*rollback)(struct sql_connection *connection);
    /* Parameters are NULL, BOOL, INT, FLOAT or STR. The driver keeps some prepared statements.
     * Failures set state. */
    int (*execute)(struct sql_connection *connection, struct str sql, const struct value *params,
                   size_t count, struct err *err);
    /* Reads at most `row_max` rows, for the console; `sql` has no placeholders. Ends the
     * transaction it read in. All in mem. */
    int (*query)(struct sql_connection *connection, struct str sql, size_t row_max,
                 struct arena *mem, struct sql_rows *ret_rows, struct err *err);
};

extern const struct sql_driver sql_sqlite;
/* Finds the driver by the target's name: built in, or symbol `naru_sql_driver` of the module. */
int sql_driver_find(struct str name, const struct sql_driver **ret_driver,
                    struct err *err) WARN_UNUSED;

/* True for SQLSTATE classes that pass by themselves: connection, transaction rollback, resources,
 * operator, system. */
bool sql_state_is_transient(const char *state);

/* INSERT … VALUES (…) … whose placeholders all stand in its one row: the text before the row, the
 * row, the text behind. False when the statement is anything else. */
struct sql_insert {
    struct str before, row, behind;
    size_t params;
};
bool sql_insert_split(struct str sql, struct sql_insert *ret_insert);
void sql_insert_write(const struct sql_insert *insert, size_t rows, struct buf *out);
/* Placeholders outside of texts, names and comments. */
size_t sql_params_count(struct str sql);

#endif
