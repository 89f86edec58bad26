/* SPDX-License-Identifier: Apache-2.0 */
/* jdbc.c: writes events to an SQL database: the statement is the user's, the options are those of
 * the jdbc output for Logstash. A batch is one transaction, with many rows an INSERT where the
 * database likes that (sql_insert_split).
 *
 * What fails for a reason that passes (connection, lock, full disk, a table that is not there yet)
 * is tried again until it works or the pipeline stops; nothing was committed then. What fails
 * because of a row is halved until the row is found, which goes to the dead letters while its
 * neighbours are written. DEVIATES: the original drops a row after max_flush_exceptions tries, and
 * at once for any other error. */
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "pipeline/plugin.h"
#include "pipeline/registry.h"
#include "pipeline/sql/sql.h"

#define RETRY_FIRST_NS (1 * NS_PER_S)
#define RETRY_MAX_NS   (64 * NS_PER_S)

/* One parameter of the statement. */
struct jdbc_param {
    bool is_event; /* the whole event as JSON */
    bool has_field;
    struct field_path field;
    struct sprintf_template *text; /* when it holds %{ and is more than one field */
    struct value constant;         /* a number or boolean as configured */
    bool is_constant;
};

struct jdbc_output {
    struct str connection_string, username, password, driver_class, connection_test_query,
        event_as_json_keyword;
    struct value statement, driver_jar_path, retry_sql_states, ignored;
    bool unsafe_statement, connection_test, enable_event_as_json_keyword;
    struct plugin *plugin;
    struct sql_target target;
    const struct sql_driver *driver;
    struct sql_connection *connection;
    struct str sql;
    struct sprintf_template *sql_t; /* unsafe_statement */
    struct jdbc_param *params;
    size_t param_count;
    struct sql_insert insert;
    bool is_multi;
};

#define IGNORED(option, why)                                                                       \
    OPT_VALUE(struct jdbc_output, ignored, .name = option, .flags = OPT_OBSOLETE, .help = why)

static const struct opt jdbc_opts[] = {
    OPT_STR(struct jdbc_output, connection_string, .flags = OPT_REQUIRED | OPT_SECRET,
            .help = "jdbc:sqlite:FILE, or jdbc:mysql://host:port/database?user=…&password=…"),
    OPT_LIST(struct jdbc_output, statement, .flags = OPT_REQUIRED,
             .help = "The SQL with ? placeholders, then a field or %{text} for each."),
    OPT_STR(struct jdbc_output, username, .help = "User, instead of in the address."),
    OPT_STR(struct jdbc_output, password, .flags = OPT_SECRET,
            .help = "Password, instead of in the address."),
    OPT_BOOL(struct jdbc_output, unsafe_statement, .dflt = "false",
             .help = "The SQL itself may hold %{fields}."),
    OPT_BOOL(struct jdbc_output, connection_test, .dflt = "true", .flags = OPT_OBSOLETE,
             .help = "The first batch connects."),
    OPT_LIST(struct jdbc_output, retry_sql_states,
             .help = "Further SQLSTATEs that are tried again, as [\"42S02\"]."),
    OPT_BOOL(struct jdbc_output, enable_event_as_json_keyword, .dflt = "false",
             .help = "\"@event\" as a parameter is the whole event."),
    OPT_STR(struct jdbc_output, event_as_json_keyword, .dflt = "@event", .help = "That keyword."),
    OPT_STR(struct jdbc_output, connection_test_query, .flags = OPT_OBSOLETE,
            .help = "A connection shows by itself when it is broken."),
    OPT_STR(struct jdbc_output, driver_class, .flags = OPT_OBSOLETE,
            .help = "Drivers are naru's own."),
    OPT_VALUE(struct jdbc_output, driver_jar_path, .flags = OPT_OBSOLETE,
              .help = "Drivers are naru's own."),
    IGNORED("driver_auto_commit", "A batch is one transaction."),
    IGNORED("max_pool_size", "One connection an output: batches keep their order."),
    IGNORED("connection_timeout", "10 s to connect."),
    IGNORED("flush_size", "Batches are those of the pipeline."),
    IGNORED("idle_flush_time", "A batch is not waited for."),
    IGNORED("max_flush_exceptions",
            "Passing errors are tried again until they pass; nothing is dropped."),
    IGNORED("max_repeat_exceptions",
            "Passing errors are tried again until they pass; nothing is dropped."),
    IGNORED("max_repeat_exceptions_time",
            "Passing errors are tried again until they pass; nothing is dropped."),
    IGNORED("retry_max_interval", "Waits grow from 1 s to 64 s."),
    OPT_END,
};

/* ---- settings ---- */

/* The field of a text that is exactly one reference: "%{STCK_PRPR}". */
static bool single_field(struct str text, struct str *ret_ref)
{
    if (text.n < 4 || text.p[0] != '%' || text.p[1] != '{' || text.p[2] == '+' ||
        text.p[text.n - 1] != '}')
        return false;
    struct str inner = str_sub(text, 2, text.n - 3);
    if (str_find_char(inner, '}') >= 0 || !field_path_is_valid(inner))
        return false;
    *ret_ref = inner;
    return true;
}

static int param_parse(struct jdbc_output *jdbc, const struct value *v, struct jdbc_param *param,
                       struct err *err)
{
    struct arena *mem = jdbc->plugin->mem;
    bool is_number = v->kind == VALUE_INT || v->kind == VALUE_FLOAT || v->kind == VALUE_BOOL;
    if (is_number) {
        param->is_constant = true;
        param->constant = *v;
        return 0;
    }
    if (v->kind != VALUE_STR) {
        (void)err_set(err, ERR_CONFIG,
                      "a parameter of the statement is a field, a text or a number, not a %s",
                      value_kind_name(v));
        return plugin_err_at(jdbc->plugin, v->pos, err);
    }
    struct str ref = v->s;
    param->is_event =
        jdbc->enable_event_as_json_keyword && str_eq(v->s, jdbc->event_as_json_keyword);
    if (single_field(v->s, &ref) || str_find(v->s, STR("%{")) < 0) {
        param->has_field = field_path_is_valid(ref);
        if (param->has_field)
            TRY(field_path_parse(mem, ref, &param->field, err));
        return 0; /* a text that is no field's name is the name of a field that no event has: NULL
                   */
    }
    if (sprintf_compile(mem, v->s, &param->text, err) < 0)
        return plugin_err_at(jdbc->plugin, v->pos, err);
    return 0;
}

static int statement_parse(struct jdbc_output *jdbc, struct err *err)
{
    const struct value_list *list = jdbc->statement.list;
    struct arena *mem = jdbc->plugin->mem;
    if (list->count == 0 || list->items[0].kind != VALUE_STR || list->items[0].s.n == 0)
        return err_set(err, ERR_CONFIG, "statement: the first item is the SQL");
    jdbc->sql = list->items[0].s;
    jdbc->param_count = list->count - 1;
    jdbc->params = ARENA_ARRAY(mem, struct jdbc_param, list->count);
    for (size_t i = 0; i < jdbc->param_count; i++)
        TRY(param_parse(jdbc, &list->items[i + 1], &jdbc->params[i], err));
    if (jdbc->unsafe_statement) {
        TRY(sprintf_compile(mem, jdbc->sql, &jdbc->sql_t, err));
        return 0;
    }
    size_t wanted = sql_params_count(jdbc->sql);
    if (wanted != jdbc->param_count) {
        (void)err_set(err, ERR_CONFIG,
                      "the statement has %zu placeholders, %zu parameters are given", wanted,
                      jdbc->param_count);
        return plugin_err_at(jdbc->plugin, list->items[0].pos, err);
    }
    return 0;
}

static int states_check(struct jdbc_output *jdbc, struct err *err)
{
    if (jdbc->retry_sql_states.kind != VALUE_LIST)
        return 0;
    const struct value_list *list = jdbc->retry_sql_states.list;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind != VALUE_STR || list->items[i].s.n != 5) {
            (void)err_set(err, ERR_CONFIG,
                          "retry_sql_states: an SQLSTATE has 5 characters, as \"42S02\"");
            return plugin_err_at(jdbc->plugin, list->items[i].pos, err);
        }
    return 0;
}

static int jdbc_init(void *self, struct plugin *plugin, struct err *err)
{
    struct jdbc_output *jdbc = self;
    jdbc->plugin = plugin;
    TRY(sql_target_parse(jdbc->connection_string, plugin->mem, &jdbc->target, err));
    if (jdbc->username.n)
        jdbc->target.user = jdbc->username;
    if (jdbc->password.n)
        jdbc->target.password = jdbc->password;
    TRY(statement_parse(jdbc, err));
    TRY(states_check(jdbc, err));
    TRY(sql_driver_find(jdbc->target.driver, &jdbc->driver, err));
    jdbc->is_multi =
        jdbc->driver->wants_multi_row && !jdbc->sql_t && sql_insert_split(jdbc->sql, &jdbc->insert);
    return 0;
}

static void connection_close(struct jdbc_output *jdbc)
{
    if (jdbc->connection)
        jdbc->driver->close(jdbc->connection);
    jdbc->connection = NULL;
}

static void jdbc_deinit(void *self)
{
    struct jdbc_output *jdbc = self;
    connection_close(jdbc);
}

/* ---- events to rows ---- */

/* As the original binds it: times as `%Y-%m-%d %T.%L` in UTC, lists and maps as JSON. */
static struct value param_bind(const struct value *v, struct arena *mem)
{
    if (!v)
        return value_null();
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_STR:
        return *v;
    case VALUE_TIME: {
        struct civil c = civil_from_ns(v->time_ns);
        return value_str(arena_printf(mem, "%04d-%02u-%02u %02u:%02u:%02u.%03d", (int)c.year,
                                      c.month, c.day, c.hour, c.minute, c.second,
                                      (int)(c.nanosecond / NS_PER_MS)));
    }
    case VALUE_BIG:
    case VALUE_LIST:
    case VALUE_MAP:
        return value_str(value_to_str(mem, v));
    case VALUE_NONE:
    case VALUE_NULL:
    default:
        return value_null();
    }
}

static struct value event_json(const struct event *ev, struct arena *mem)
{
    struct buf out;
    buf_init(&out, 0);
    event_to_json(ev, &out);
    struct value v = value_str_copy(mem, buf_str(&out));
    buf_deinit(&out);
    return v;
}

static struct value param_value(const struct jdbc_param *param, const struct event *ev,
                                struct arena *mem)
{
    if (param->is_event)
        return event_json(ev, mem);
    if (param->is_constant)
        return param->constant;
    if (param->has_field)
        return param_bind(event_get(ev, &param->field), mem);
    if (param->text && sprintf_is_complete(param->text, ev))
        return value_str(sprintf_text(param->text, ev, mem));
    return value_null(); /* DEVIATES: the original binds the text with its %{reference} */
}

struct jdbc_row {
    const struct event *ev;
    struct str sql;
    struct value *params;
};

static struct jdbc_row *rows_make(struct jdbc_output *jdbc, const struct output_batch *batch)
{
    struct jdbc_row *rows = ARENA_ARRAY(batch->mem, struct jdbc_row, batch->count);
    struct value *params =
        ARENA_ARRAY(batch->mem, struct value, batch->count * jdbc->param_count + 1);
    for (size_t i = 0; i < batch->count; i++, params += jdbc->param_count) {
        rows[i] = (struct jdbc_row){batch->events[i], jdbc->sql, params};
        if (jdbc->sql_t)
            rows[i].sql = sprintf_text(jdbc->sql_t, rows[i].ev, batch->mem);
        for (size_t k = 0; k < jdbc->param_count; k++)
            params[k] = param_value(&jdbc->params[k], rows[i].ev, batch->mem);
    }
    return rows;
}

/* ---- transactions ---- */

/* Rows [from, to) one statement each. */
static int rows_execute_single(struct jdbc_output *jdbc, const struct jdbc_row *rows, size_t count,
                               struct err *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(jdbc->driver->execute(jdbc->connection, rows[i].sql, rows[i].params, jdbc->param_count,
                                  err));
    return 0;
}

/* The rows' parameters lie one behind the other, as rows_make put them. */
static int rows_execute_multi(struct jdbc_output *jdbc, const struct jdbc_row *rows, size_t count,
                              struct err *err)
{
    size_t rows_max =
        MIN_OF((size_t)SQL_ROWS_MULTI_MAX, jdbc->driver->params_max / jdbc->param_count);
    for (size_t done = 0; done < count;) {
        size_t n = 1; /* a power of two, so that few different statements are prepared */
        while (n * 2 <= rows_max && n * 2 <= count - done)
            n *= 2;
        struct buf sql;
        buf_init(&sql, 0);
        sql_insert_write(&jdbc->insert, n, &sql);
        int rc = jdbc->driver->execute(jdbc->connection, buf_str(&sql), rows[done].params,
                                       n * jdbc->param_count, err);
        buf_deinit(&sql);
        if (rc < 0)
            return rc;
        done += n;
    }
    return 0;
}

static int rows_transact(struct jdbc_output *jdbc, const struct jdbc_row *rows, size_t count,
                         struct err *err)
{
    if (jdbc->connection && jdbc->connection->is_broken)
        connection_close(jdbc);
    if (!jdbc->connection && jdbc->driver->open(&jdbc->target, &jdbc->connection, err) < 0)
        return -ERR_SQL_RETRY;
    struct sql_connection *connection = jdbc->connection;
    connection->failed_in_prepare = false;
    int rc = jdbc->driver->begin(connection, err);
    if (rc == 0)
        rc = jdbc->is_multi && count > 1 ? rows_execute_multi(jdbc, rows, count, err)
                                         : rows_execute_single(jdbc, rows, count, err);
    if (rc == 0)
        rc = jdbc->driver->commit(connection, err);
    if (rc < 0)
        jdbc->driver->rollback(connection);
    return rc;
}

static bool is_passing(const struct jdbc_output *jdbc, int rc)
{
    if (rc == -ERR_SQL_RETRY)
        return true;
    const struct sql_connection *connection = jdbc->connection;
    if (connection->failed_in_prepare && !jdbc->sql_t)
        return true; /* no row is to blame: a missing table or right, a wrong statement */
    if (sql_state_is_transient(connection->state))
        return true;
    const struct value *states = &jdbc->retry_sql_states;
    for (size_t i = 0; states->kind == VALUE_LIST && i < states->list->count; i++)
        if (str_eq(states->list->items[i].s, str_from(connection->state)))
            return true;
    return false;
}

/* One transaction, tried again while what is in its way passes. 0, -ERR_SQL (a row is to blame) or
 * -ERR_SHUTDOWN. */
static int rows_commit(struct jdbc_output *jdbc, struct output *output, const struct jdbc_row *rows,
                       size_t count, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        struct err why;
        int rc = rows_transact(jdbc, rows, count, &why);
        if (rc == 0)
            return 0;
        if (!is_passing(jdbc, rc)) {
            *err = why;
            return -ERR_SQL;
        }
        plugin_warn(jdbc->plugin, STR_FMT ": %s; trying again", STR_ARG(jdbc->target.shown),
                    why.text);
        if (!output_backoff(output, attempt, RETRY_FIRST_NS, RETRY_MAX_NS))
            return err_set(err, ERR_SHUTDOWN, "the pipeline stops");
    }
}

#define RANGES_MAX 66u /* one for each halving of a size_t, and the first two */

/* Halves until the rows that are to blame stand alone: at most 2 log2(count) transactions for each.
 * The stack of ranges still to do, leftmost on top, never holds more than one range a halving. */
static int rows_write(struct jdbc_output *jdbc, struct output *output, const struct jdbc_row *rows,
                      size_t count, struct err *err)
{
    struct {
        size_t from, count;
    } todo[RANGES_MAX];
    size_t depth = 0;
    todo[depth].from = 0;
    todo[depth++].count = count;
    while (depth) {
        size_t from = todo[--depth].from, n = todo[depth].count;
        struct err why;
        int rc = rows_commit(jdbc, output, rows + from, n, &why);
        if (rc == 0)
            continue;
        if (rc == -ERR_SHUTDOWN)
            return err_set(err, ERR_SHUTDOWN, "%s", why.text);
        if (n == 1) {
            output_dead_letter(output, rows[from].ev, &why);
            continue;
        }
        ASSERT(depth + 2 <= ARRAY_COUNT(todo));
        todo[depth].from = from + n / 2;
        todo[depth++].count = n - n / 2;
        todo[depth].from = from;
        todo[depth++].count = n / 2;
    }
    return 0;
}

static int jdbc_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    struct jdbc_output *jdbc = self;
    return rows_write(jdbc, output, rows_make(jdbc, batch), batch->count, err);
}

const struct output_type output_jdbc = {
    .name = "jdbc",
    .summary = "Write events to an SQL database: SQLite, MySQL, MariaDB.",
    .since = "0.1",
    .opts = jdbc_opts,
    .size = sizeof(struct jdbc_output),
    .batch_count_max = 2000,
    .init = jdbc_init,
    .write = jdbc_write,
    .deinit = jdbc_deinit,
};
