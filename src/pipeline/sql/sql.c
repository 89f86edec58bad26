/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c: addresses, SQLSTATE classes, and just enough reading of SQL to find placeholders and to
 * turn an INSERT of one row into one of many. */
#include "pipeline/sql/sql.h"

#include "base/buf.h"
#include "base/str.h"
#include "os/module.h"

/* ---- addresses ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static struct str percent_decode(struct arena *mem, struct str s)
{
    char *p = arena_alloc(mem, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            p[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            p[n++] = s.p[i];
        }
    }
    p[n] = '\0';
    return (struct str){p, n};
}

static void param_set(struct sql_target *target, struct str key, struct str value)
{
    if (str_eq_nocase(key, STR("user")))
        target->user = value;
    else if (str_eq_nocase(key, STR("password")))
        target->password = value;
    else if (str_eq_nocase(key, STR("localSocket")))
        target->socket = value;
    else if (str_eq_nocase(key, STR("requireSSL")))
        target->is_tls_required |= str_eq_nocase(value, STR("true"));
    else if (str_eq_nocase(key, STR("sslMode")))
        target->is_tls_required |=
            !str_eq_nocase(value, STR("DISABLED")) && !str_eq_nocase(value, STR("PREFERRED")) &&
            !str_eq_nocase(value, STR("disable")) && !str_eq_nocase(value, STR("trust"));
    /* All others (useSSL, allowPublicKeyRetrieval, characterEncoding …) tune the Java driver only.
     */
}

static void params_parse(struct sql_target *target, struct str query, struct arena *mem)
{
    struct str pair;
    while (query.n && str_split_next(&query, '&', &pair)) {
        ptrdiff_t eq = str_find_char(pair, '=');
        if (eq > 0)
            param_set(target, percent_decode(mem, str_sub(pair, 0, (size_t)eq)),
                      percent_decode(mem, str_from_off(pair, (size_t)eq + 1)));
    }
}

/* host:port/database?key=value&… */
static int server_parse(struct sql_target *target, struct str rest, uint16_t default_port,
                        struct arena *mem, struct err *err)
{
    ptrdiff_t question = str_find_char(rest, '?');
    struct str query = question < 0 ? STR("") : str_from_off(rest, (size_t)question + 1);
    struct str place = question < 0 ? rest : str_sub(rest, 0, (size_t)question);
    ptrdiff_t slash = str_find_char(place, '/');
    if (slash < 0)
        return err_set(err, ERR_INVALID,
                       "the database address names no database: jdbc:mysql://host:port/database");
    target->database = percent_decode(mem, str_from_off(place, (size_t)slash + 1));
    struct str host = str_sub(place, 0, (size_t)slash);
    ptrdiff_t colon = str_find_char(host, ':');
    uint64_t port = default_port;
    if (str_find_char(host, ',') >= 0)
        return err_set(err, ERR_UNSUPPORTED, "the database address names several hosts: give one");
    if (colon >= 0 &&
        (!str_to_u64(str_from_off(host, (size_t)colon + 1), &port) || port == 0 || port > 65535))
        return err_set(err, ERR_INVALID, "the database address has no port from 1 to 65535");
    target->host = arena_str(mem, colon < 0 ? host : str_sub(host, 0, (size_t)colon));
    if (target->host.n == 0)
        target->host = STR("localhost");
    target->port = (uint16_t)port;
    params_parse(target, query, mem);
    target->shown = arena_printf(mem, STR_FMT "://" STR_FMT ":%u/" STR_FMT, STR_ARG(target->driver),
                                 STR_ARG(target->host), (unsigned)port, STR_ARG(target->database));
    return 0;
}

int sql_target_parse(struct str url, struct arena *mem, struct sql_target *ret_target,
                     struct err *err)
{
    struct sql_target target = {.port = 0};
    struct str rest = url;
    if (!str_starts_with(rest, STR("jdbc:")))
        return err_set(err, ERR_INVALID,
                       "a database address begins with jdbc:, as jdbc:sqlite:stock.db or "
                       "jdbc:mysql://host:3306/stock");
    rest = str_from_off(rest, 5);
    if (str_starts_with(rest, STR("sqlite:"))) {
        target.driver = STR("sqlite");
        target.path = arena_str(mem, str_from_off(rest, 7));
        target.shown = arena_printf(mem, "sqlite:" STR_FMT, STR_ARG(target.path));
        if (target.path.n == 0)
            return err_set(err, ERR_INVALID,
                           "the database address names no file: jdbc:sqlite:stock.db");
    } else if (str_starts_with(rest, STR("mysql://")) || str_starts_with(rest, STR("mariadb://"))) {
        target.driver = STR("mysql");
        TRY(server_parse(&target, str_from_off(rest, rest.p[1] == 'y' ? 8 : 10), 3306, mem, err));
    } else {
        ptrdiff_t colon = str_find_char(rest, ':');
        return err_set(err, ERR_UNSUPPORTED,
                       "no driver for \"jdbc:" STR_FMT
                       ":\": sqlite and mysql (also mariadb) are there",
                       STR_ARG(str_sub(rest, 0, colon < 0 ? rest.n : (size_t)colon)));
    }
    *ret_target = target;
    return 0;
}

int sql_driver_find(struct str name, const struct sql_driver **ret_driver, struct err *err)
{
    if (str_is(name, "sqlite")) {
        *ret_driver = &sql_sqlite;
        return 0;
    }
    char module[32];
    void *symbol;
    if (name.n >= sizeof(module))
        return err_set(err, ERR_UNSUPPORTED, "there is no driver for \"" STR_FMT "\"",
                       STR_ARG(name));
    memcpy(module, name.p, name.n);
    module[name.n] = '\0';
    TRY(os_module_symbol(module, "naru_sql_driver", &symbol, err));
    const struct sql_driver *driver = symbol;
    if (driver->version != SQL_DRIVER_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "module \"" STR_FMT "\" belongs to another version",
                       STR_ARG(name));
    *ret_driver = driver;
    return 0;
}

bool sql_state_is_transient(const char *state)
{
    static const char *const classes[] = {"08", "24", "25", "40", "53", "54", "55", "57", "58"};
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++)
        if (strncmp(state, classes[i], 2) == 0)
            return true;
    return false;
}

/* ---- just enough of SQL ---- */

/* Behind a text '…', a name "…" or `…`, or a comment that begins at `i`; `i` itself when none does.
 */
static size_t skip_quoted(struct str sql, size_t i)
{
    char c = sql.p[i], next = i + 1 < sql.n ? sql.p[i + 1] : '\0';
    if (c == '\'' || c == '"' || c == '`') {
        for (size_t k = i + 1; k < sql.n; k++) {
            if (sql.p[k] == '\\' && c != '`')
                k++;
            else if (sql.p[k] == c)
                return k + 1;
        }
        return sql.n;
    }
    if ((c == '-' && next == '-') || c == '#') {
        while (i < sql.n && sql.p[i] != '\n')
            i++;
        return i;
    }
    if (c == '/' && next == '*') {
        ptrdiff_t end = str_find(str_from_off(sql, i + 2), STR("*/"));
        return end < 0 ? sql.n : i + 2 + (size_t)end + 2;
    }
    return i;
}

size_t sql_params_count(struct str sql)
{
    size_t count = 0;
    for (size_t i = 0; i < sql.n;) {
        size_t behind = skip_quoted(sql, i);
        if (behind > i) {
            i = behind;
            continue;
        }
        count += sql.p[i++] == '?';
    }
    return count;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$';
}

static bool word_at(struct str sql, size_t i, struct str word)
{
    if (i > 0 && is_word_char(sql.p[i - 1]))
        return false;
    if (!str_eq_nocase(str_sub(sql, i, word.n), word))
        return false;
    return i + word.n == sql.n || !is_word_char(sql.p[i + word.n]);
}

/* Behind the `)` that closes the `(` at i; 0 when none does. */
static size_t parens_end(struct str sql, size_t i)
{
    size_t depth = 0;
    while (i < sql.n) {
        size_t behind = skip_quoted(sql, i);
        if (behind > i) {
            i = behind;
            continue;
        }
        depth += sql.p[i] == '(';
        if (sql.p[i] == ')' && --depth == 0)
            return i + 1;
        i++;
    }
    return 0;
}

static size_t skip_blanks(struct str sql, size_t i)
{
    while (i < sql.n &&
           (sql.p[i] == ' ' || sql.p[i] == '\t' || sql.p[i] == '\n' || sql.p[i] == '\r'))
        i++;
    return i;
}

bool sql_insert_split(struct str sql, struct sql_insert *ret_insert)
{
    size_t i = skip_blanks(sql, 0), depth = 0;
    if (!word_at(sql, i, STR("INSERT")) && !word_at(sql, i, STR("REPLACE")))
        return false;
    while (i < sql.n && (depth || !word_at(sql, i, STR("VALUES")))) {
        size_t behind = skip_quoted(sql, i);
        if (behind > i) {
            i = behind;
            continue;
        }
        depth += sql.p[i] == '(';
        depth -= sql.p[i] == ')' && depth > 0;
        i++;
    }
    size_t row = skip_blanks(sql, MIN_OF(i + 6, sql.n));
    if (row >= sql.n || sql.p[row] != '(')
        return false;
    size_t end = parens_end(sql, row), next = skip_blanks(sql, end);
    if (end == 0 || (next < sql.n && (sql.p[next] == ',' || sql.p[next] == ';')))
        return false;
    struct sql_insert insert = {str_sub(sql, 0, row), str_sub(sql, row, end - row),
                                str_from_off(sql, end), 0};
    insert.params = sql_params_count(insert.row);
    if (insert.params == 0 || sql_params_count(insert.before) + sql_params_count(insert.behind) > 0)
        return false;
    *ret_insert = insert;
    return true;
}

void sql_insert_write(const struct sql_insert *insert, size_t rows, struct buf *out)
{
    buf_add_str(out, insert->before);
    for (size_t i = 0; i < rows; i++) {
        if (i)
            buf_add_char(out, ',');
        buf_add_str(out, insert->row);
    }
    buf_add_str(out, insert->behind);
}
