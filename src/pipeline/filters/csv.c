/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c: cuts a text of comma-separated values into fields, as Logstash's csv filter over Ruby's
 * CSV does. */
#include "base/arena.h"
#include "base/str.h"
#include "codec/csv.h"
#include "pipeline/filters/convert.h"
#include "pipeline/template.h"
#include "text/date_format.h"

enum csv_convert { CSV_INTEGER, CSV_FLOAT, CSV_DATE, CSV_DATE_TIME, CSV_BOOLEAN, CSV_NONE };

struct csv_column {
    struct str name;
    struct field_path path; /* with the target in front */
    enum csv_convert convert;
};

struct csv {
    struct str source, target, separator, quote_char;
    struct value columns, convert;
    bool autodetect_column_names, autogenerate_column_names, skip_header, skip_empty_columns,
        skip_empty_rows;
    struct field_path source_path;
    struct csv_dialect dialect;
    struct csv_column *names; /* autodetect: written once, by the first event, on the only worker */
    size_t name_count;
    const struct date_pattern *iso8601;
    struct plugin *plugin;
};

static const struct opt csv_opts[] = {
    OPT_FIELD(struct csv, source, .dflt = "message", .help = "Field that holds the text."),
    OPT_FIELD(struct csv, target, .help = "Field to put the columns under; else the event itself."),
    OPT_LIST(struct csv, columns,
             .help = "Names of the columns; further ones are column5, column6 …"),
    OPT_STR(struct csv, separator, .dflt = ",",
            .help = "What stands between two values; a tab as a real tab."),
    OPT_STR(struct csv, quote_char, .dflt = "\"", .help = "The quote; empty: none."),
    OPT_MAP(struct csv, convert, .help = "Column => integer, float, date, date_time or boolean."),
    OPT_BOOL(struct csv, autodetect_column_names, .dflt = "false",
             .help = "The first event names the columns. The pipeline runs with one worker then."),
    OPT_BOOL(struct csv, autogenerate_column_names, .dflt = "true",
             .help = "Values beyond the columns become columnN."),
    OPT_BOOL(struct csv, skip_header, .dflt = "false",
             .help = "Drops a line that equals the columns' names."),
    OPT_BOOL(struct csv, skip_empty_columns, .dflt = "false",
             .help = "Leaves out columns without a value."),
    OPT_BOOL(struct csv, skip_empty_rows, .dflt = "false",
             .help = "Drops events whose line is empty."),
    OPT_END,
};

static int column_init(struct csv *csv, struct str name, struct csv_column *column, struct err *err)
{
    static const char *const names[] = {"integer", "float", "date", "date_time", "boolean", NULL};
    struct arena *mem = csv->plugin->mem;
    column->name = name;
    column->convert = CSV_NONE;
    struct str full = name;
    if (csv->target.n) {
        bool has_brackets = csv->target.p[0] == '[';
        full =
            arena_printf(mem, has_brackets ? STR_FMT "[" STR_FMT "]" : "[" STR_FMT "][" STR_FMT "]",
                         STR_ARG(csv->target), STR_ARG(name));
    }
    TRY(field_path_parse(mem, full, &column->path, err));
    const struct value *type = value_map_get(&csv->convert, name);
    if (!type)
        return 0;
    for (size_t i = 0; names[i]; i++) {
        if (type->kind == VALUE_STR && str_eq(type->s, str_from(names[i])))
            column->convert = (enum csv_convert)i;
    }
    if (column->convert == CSV_NONE) {
        err_set(err, ERR_CONFIG,
                "\"" STR_FMT "\" is no type for a column: integer, float, date, date_time, boolean",
                STR_ARG(value_to_str(mem, type)));
        return plugin_err_at(csv->plugin, type->pos, err);
    }
    return 0;
}

static int csv_init(void *self, struct plugin *plugin, struct err *err)
{
    struct csv *csv = self;
    csv->plugin = plugin;
    plugin->wants_order = csv->autodetect_column_names;
    if (csv->separator.n == 0)
        return err_set(err, ERR_CONFIG, "\"separator\" cannot be empty");
    if (csv->quote_char.n > 1)
        return err_set(err, ERR_CONFIG, "\"quote_char\" must be one character, not \"" STR_FMT "\"",
                       STR_ARG(csv->quote_char));
    csv->dialect = (struct csv_dialect){.separator = csv->separator,
                                        .quote = csv->quote_char.n ? csv->quote_char.p[0] : '"',
                                        .has_no_quotes = csv->quote_char.n == 0};
    TRY(field_path_parse(plugin->mem, csv->source, &csv->source_path, err));
    TRY(date_pattern_compile(STR("ISO8601"), DATE_LOGSTASH, plugin->mem, &csv->iso8601, err));
    const struct value *items;
    size_t count = setting_items(&csv->columns, &items);
    csv->names = ARENA_ARRAY(plugin->mem, struct csv_column, count);
    for (size_t i = 0; i < count; i++) {
        struct str name = value_to_str(plugin->mem, &items[i]);
        if (column_init(csv, name, &csv->names[i], err) < 0)
            return err && err->line ? -(int)err->code : plugin_err_at(plugin, items[i].pos, err);
    }
    csv->name_count = count;
    if (csv->skip_header && count == 0)
        return err_set(err, ERR_CONFIG, "\"skip_header\" needs \"columns\" to know the header");
    return 0;
}

static struct value convert(const struct csv *csv, const struct csv_column *column,
                            struct arena *mem, struct str text)
{
    struct value v = value_str(text);
    int64_t ns;
    switch (column->convert) {
    case CSV_INTEGER:
        return ruby_to_i(mem, text);
    case CSV_FLOAT:
        return value_float(ruby_to_f(text));
    case CSV_DATE:
    case CSV_DATE_TIME:
        return date_pattern_parse(csv->iso8601, str_trim(text), NULL, &ns) ? value_time(ns) : v;
    case CSV_BOOLEAN:
        (void)convert_value(CONVERT_BOOLEAN, mem, &v);
        return v;
    case CSV_NONE:
        break;
    }
    return v;
}

/* The column's place: configured, or columnN made for this event. NULL: such values are left out.
 */
static const struct csv_column *column_at(struct csv *csv, size_t i, struct arena *mem,
                                          struct csv_column *tmp)
{
    if (i < csv->name_count)
        return &csv->names[i];
    if (!csv->autogenerate_column_names)
        return NULL;
    struct str name = arena_printf(mem, "column%zu", i + 1);
    struct str full = csv->target.n
                          ? arena_printf(mem,
                                         csv->target.p[0] == '[' ? STR_FMT "[" STR_FMT "]"
                                                                 : "[" STR_FMT "][" STR_FMT "]",
                                         STR_ARG(csv->target), STR_ARG(name))
                          : name;
    *tmp = (struct csv_column){.name = name, .convert = CSV_NONE};
    return field_path_parse(mem, full, &tmp->path, NULL) == 0 ? tmp : NULL;
}

static bool is_header(const struct csv *csv, const struct csv_row *row)
{
    if (row->count != csv->name_count)
        return false;
    for (size_t i = 0; i < row->count; i++) {
        if (!str_eq(row->fields[i].text, csv->names[i].name))
            return false;
    }
    return true;
}

/* The first line names the columns. */
static bool autodetect(struct csv *csv, const struct csv_row *row)
{
    struct arena *mem = csv->plugin->mem;
    csv->names = ARENA_ARRAY(mem, struct csv_column, row->count);
    for (size_t i = 0; i < row->count; i++) {
        struct err err = {0};
        if (column_init(csv, arena_str(mem, row->fields[i].text), &csv->names[i], &err) < 0) {
            plugin_warn(csv->plugin, "the first line cannot name the columns: %s", err.text);
            return false;
        }
    }
    csv->name_count = row->count;
    return true;
}

static bool is_row_empty(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        if (row->fields[i].text.n > 0)
            return false;
    }
    return true;
}

static bool fields_set(struct csv *csv, struct event *ev, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct csv_field *field = &row->fields[i];
        struct csv_column tmp;
        const struct csv_column *column;
        bool is_nil = field->text.n == 0 && !field->is_quoted;
        if ((csv->skip_empty_columns && field->text.n == 0) ||
            !(column = column_at(csv, i, ev->mem, &tmp)))
            continue;
        struct value v = is_nil ? value_null() : convert(csv, column, ev->mem, field->text);
        if (event_set(ev, &column->path, v, NULL) < 0)
            return false;
    }
    return true;
}

static void one(struct csv *csv, struct filter_run *run, struct event *ev)
{
    const struct value *v = event_get(ev, &csv->source_path);
    if (!v || v->kind == VALUE_NULL)
        return;
    struct csv_row row;
    size_t used;
    struct err err;
    struct str text = value_to_str(ev->mem, v);
    if (csv_parse(text, &csv->dialect, ev->mem, &row, &used, &err) < 0) {
        plugin_warn(run->plugin, "error parsing csv: %s", err.text);
        filter_failed(run, ev, STR("_csvparsefailure"));
        return;
    }
    bool is_empty = row.count == 0 || is_row_empty(&row);
    if (csv->skip_empty_rows && is_empty) {
        ev->is_cancelled = true;
    } else if (csv->skip_header && is_header(csv, &row)) {
        ev->is_cancelled = true;
    } else if (csv->autodetect_column_names && csv->name_count == 0) {
        ev->is_cancelled = autodetect(csv, &row);
    } else if (fields_set(csv, ev, &row)) {
        filter_matched(run, ev);
    } else {
        filter_failed(run, ev, STR("_csvparsefailure"));
    }
}

static void csv_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one(self, run, events[i]);
}

const struct filter_type filter_csv = {
    .name = "csv",
    .summary = "Cuts comma-separated values into fields.",
    .since = "0.1",
    .opts = csv_opts,
    .size = sizeof(struct csv),
    .init = csv_init,
    .process = csv_process,
};
