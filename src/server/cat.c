/* SPDX-License-Identifier: Apache-2.0 */
/* cat.c: the tables of _cat: text in columns, or JSON with format=json. Parameters: v (head line),
 * h (columns, also by alias and with *), help, s (sort: column, column:desc). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "server/rest.h"

#define CAT_COLUMNS_MAX 64u

const char *const cat_byte_units[] = {"b", "kb", "mb", "gb", "tb", "pb", NULL};
struct only_cat {
    struct cat_params cat;
};
const struct opt cat_opts[] = {CAT_PARAMS(struct only_cat, cat), OPT_END};

void cat_init(struct cat_table *table, struct rest_call *call, const struct cat_column *columns,
              size_t count)
{
    ASSERT(count <= CAT_COLUMNS_MAX);
    *table = (struct cat_table){.call = call, .columns = columns, .column_count = count};
}

void cat_cell(struct cat_table *table, struct str text)
{
    if (table->cell_count == table->cell_capacity) {
        size_t capacity = table->cell_capacity ? table->cell_capacity * 2 : 64;
        table->cells =
            arena_realloc(table->call->mem, table->cells, table->cell_capacity * sizeof(struct str),
                          capacity * sizeof(struct str));
        table->cell_capacity = capacity;
    }
    table->cells[table->cell_count++] = text;
}

void cat_cellf(struct cat_table *table, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cat_cell(table, arena_str(table->call->mem,
                              (struct str){text, MIN_OF((size_t)MAX_OF(n, 0), sizeof(text) - 1)}));
}

struct str cat_size(struct arena *mem, uint64_t bytes)
{
    static const char *const units[] = {"b", "kb", "mb", "gb", "tb", "pb"};
    double v = (double)bytes;
    size_t unit = 0;
    while (v >= 1024 && unit + 1 < ARRAY_COUNT(units)) {
        v /= 1024;
        unit++;
    }
    uint64_t tenths = (uint64_t)(v * 10);
    if (unit == 0 || tenths % 10 == 0)
        return arena_printf(mem, "%llu%s", (unsigned long long)(tenths / 10), units[unit]);
    return arena_printf(mem, "%llu.%llu%s", (unsigned long long)(tenths / 10),
                        (unsigned long long)(tenths % 10), units[unit]);
}

struct str cat_bytes(const struct rest_call *call, uint64_t bytes)
{
    const struct value *unit = value_map_get_lit(&call->query, "bytes");
    for (unsigned i = 0; unit && cat_byte_units[i]; i++) {
        if (str_eq(unit->s, str_from(cat_byte_units[i])))
            return arena_printf(call->mem, "%llu", (unsigned long long)(bytes >> (10 * i)));
    }
    return cat_size(call->mem, bytes);
}

static struct str param(const struct cat_table *table, const char *name, bool *ret_is_there)
{
    const struct value *v = value_map_get(&table->call->query, str_from(name));
    *ret_is_there = v != NULL;
    return v ? v->s : STR_NONE;
}

static bool column_is(const struct cat_column *column, struct str name)
{
    if (str_glob(name, str_from(column->name)))
        return true;
    struct str aliases = str_from(column->alias), alias;
    while (column->alias && str_split_next(&aliases, ',', &alias)) {
        if (str_eq(alias, name))
            return true;
    }
    return false;
}

/* The columns to show, in the asked order. */
static size_t choose(const struct cat_table *table, size_t *chosen)
{
    bool is_there;
    struct str names = param(table, "h", &is_there), name;
    size_t n = 0;
    if (!is_there) {
        for (size_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].is_default)
                chosen[n++] = i;
        }
        return n;
    }
    while (str_split_next(&names, ',', &name)) {
        for (size_t i = 0; i < table->column_count && n < CAT_COLUMNS_MAX; i++) {
            if (column_is(&table->columns[i], str_trim(name)))
                chosen[n++] = i;
        }
    }
    return n;
}

struct sort_key {
    const struct cat_table *table;
    size_t column;
    bool is_descending;
};

/* Numbers and sizes ("1.2kb") by what they are worth. */
static bool cell_number(struct str text, double *ret_number)
{
    uint64_t bytes;
    if (str_to_f64(text, ret_number))
        return true;
    if (!str_to_size(text, true, &bytes))
        return false;
    *ret_number = (double)bytes;
    return true;
}

static int row_compare(const void *a, const void *b, void *arg)
{
    const struct sort_key *key = arg;
    struct str x = key->table->cells[*(const size_t *)a * key->table->column_count + key->column];
    struct str y = key->table->cells[*(const size_t *)b * key->table->column_count + key->column];
    double fx, fy;
    int c = cell_number(x, &fx) && cell_number(y, &fy) ? (fx > fy) - (fx < fy) : str_cmp(x, y);
    if (c == 0)
        c = (*(const size_t *)a > *(const size_t *)b) - (*(const size_t *)a < *(const size_t *)b);
    return key->is_descending ? -c : c;
}

static int sort_rows(const struct cat_table *table, size_t *rows, size_t row_count, struct err *err)
{
    bool is_there;
    struct str sort = param(table, "s", &is_there);
    if (!is_there || sort.n == 0)
        return 0;
    ptrdiff_t colon = str_find_char(sort, ':');
    struct str name = colon < 0 ? sort : str_sub(sort, 0, (size_t)colon);
    bool is_descending = colon >= 0 && str_is(str_from_off(sort, (size_t)colon + 1), "desc");
    for (size_t i = 0; i < table->column_count; i++) {
        if (!column_is(&table->columns[i], name))
            continue;
        struct sort_key key = {table, i, is_descending};
        qsort_r(rows, row_count, sizeof(*rows), row_compare, &key);
        return 0;
    }
    return err_set(err, ERR_UNSUPPORTED, "Unable to sort by unknown sort key `" STR_FMT "`",
                   STR_ARG(name));
}

static size_t text_width(struct str s) /* code points */
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void write_cell(struct buf *out, struct str text, size_t width, bool is_right, bool is_last)
{
    size_t pad = width - MIN_OF(width, text_width(text));
    for (size_t i = 0; is_right && i < pad; i++)
        buf_add_char(out, ' ');
    buf_add_str(out, text);
    for (size_t i = 0; !is_right && !is_last && i < pad; i++)
        buf_add_char(out, ' ');
    buf_add_char(out, is_last ? '\n' : ' ');
}

static void write_text(const struct cat_table *table, const size_t *rows, size_t row_count,
                       const size_t *chosen, size_t n)
{
    bool has_head;
    struct str v = param(table, "v", &has_head);
    has_head = has_head && !str_is(v, "false");
    size_t widths[CAT_COLUMNS_MAX] = {0};
    for (size_t c = 0; c < n; c++) {
        widths[c] = has_head ? strlen(table->columns[chosen[c]].name) : 0;
        for (size_t r = 0; r < row_count; r++)
            widths[c] = MAX_OF(widths[c],
                               text_width(table->cells[rows[r] * table->column_count + chosen[c]]));
    }
    struct buf *out = table->call->out;
    for (size_t c = 0; has_head && c < n; c++)
        write_cell(out, str_from(table->columns[chosen[c]].name), widths[c],
                   table->columns[chosen[c]].is_right, c + 1 == n);
    for (size_t r = 0; r < row_count; r++) {
        for (size_t c = 0; c < n; c++)
            write_cell(out, table->cells[rows[r] * table->column_count + chosen[c]], widths[c],
                       table->columns[chosen[c]].is_right, c + 1 == n);
    }
    table->call->is_text = true;
}

static void write_json(const struct cat_table *table, const size_t *rows, size_t row_count,
                       const size_t *chosen, size_t n)
{
    struct json_writer *w = &table->call->w;
    json_array_begin(w);
    for (size_t r = 0; r < row_count; r++) {
        json_object_begin(w);
        for (size_t c = 0; c < n; c++) {
            json_key(w, str_from(table->columns[chosen[c]].name));
            json_str(w, table->cells[rows[r] * table->column_count + chosen[c]]);
        }
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_help(const struct cat_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        buf_printf(table->call->out, "%-24s | %-16s | %s\n", table->columns[i].name,
                   table->columns[i].alias ? table->columns[i].alias : "", table->columns[i].help);
    table->call->is_text = true;
}

int cat_finish(struct cat_table *table, struct err *err)
{
    bool wants_help;
    (void)param(table, "help", &wants_help);
    if (wants_help) {
        write_help(table);
        return 0;
    }
    ASSERT(table->cell_count % table->column_count == 0);
    size_t row_count = table->cell_count / table->column_count;
    size_t *rows = ARENA_ARRAY(table->call->mem, size_t, row_count + 1);
    for (size_t i = 0; i < row_count; i++)
        rows[i] = i;
    TRY(sort_rows(table, rows, row_count, err));
    size_t chosen[CAT_COLUMNS_MAX];
    size_t n = choose(table, chosen);
    if (str_is(table->call->format, "json"))
        write_json(table, rows, row_count, chosen, n);
    else if (table->call->format.n == 0 || str_is(table->call->format, "txt") ||
             str_is(table->call->format, "text"))
        write_text(table, rows, row_count, chosen, n);
    else
        return err_set(err, ERR_UNSUPPORTED,
                       "format [" STR_FMT "] of _cat is not there yet: use json or text",
                       STR_ARG(table->call->format));
    return 0;
}
