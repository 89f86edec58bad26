/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: csv_output_test.c, as filters/ has a csv_test.c */
/* csv.c: writes chosen fields of each event as a line of a CSV file, with the quoting of Ruby's CSV
 * that Logstash uses. A batch is one write and one sync per file (pipeline/append_file.h): an
 * acknowledged event is on disk, and a killed process leaves no half line behind for good. */
#include "pipeline/append_file.h"
#include "pipeline/plugin.h"
#include "pipeline/registry.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "os/process.h"

#define RETRY_FIRST_NS (500 * NS_PER_MS)
#define RETRY_MAX_NS   (30 * NS_PER_S)
#define PATHS_MAX      256u /* different files in one batch; more are written in several rounds */
#define LINE_BYTES_MAX (512 * MIB)

struct csv_output {
    struct str path, filename_failure;
    struct value fields, csv_options;
    bool create_if_deleted, gzip, spreadsheet_safe;
    int write_behavior;
    int64_t dir_mode, file_mode, flush_interval, stale_cleanup_interval;
    struct plugin *plugin;
    struct sprintf_template *path_template;
    struct field_path *paths;
    size_t field_count;
    struct str col_sep, row_sep, quote;
    bool force_quotes, write_headers;
    struct str headers;
    struct str root; /* the constant folder in front of a path with fields */
    struct append_files *files;
    uint64_t hangups;
};

static const char *const write_behaviors[] = {"append", "overwrite", NULL};
static const struct opt csv_opts[] = {
    OPT_STR(struct csv_output, path, .flags = OPT_REQUIRED,
            .help = "File to append to; may hold event fields, as \"%{MKSC_SHRN_ISCD}.csv\"."),
    OPT_LIST(struct csv_output, fields, .flags = OPT_REQUIRED,
             .help = "Fields of a line, in order."),
    OPT_MAP(
        struct csv_output, csv_options,
        .help =
            "col_sep, row_sep, quote_char, force_quotes, write_headers, as Ruby's CSV takes them."),
    OPT_BOOL(struct csv_output, spreadsheet_safe, .dflt = "true",
             .help =
                 "Puts ' before a value that begins with =, so that spreadsheets do not run it."),
    OPT_BOOL(struct csv_output, create_if_deleted, .dflt = "true",
             .help = "Makes a file anew that was removed."),
    OPT_BOOL(struct csv_output, gzip, .dflt = "false", .help = "Not for csv: use the file output."),
    OPT_ENUM(struct csv_output, write_behavior, .dflt = "append", .choices = write_behaviors,
             .help = "overwrite empties a file at its first use in a run."),
    OPT_STR(struct csv_output, filename_failure, .dflt = "_filepath_failures",
            .help = "File name for events whose path would leave the configured folder."),
    OPT_INT(struct csv_output, dir_mode, .dflt = "-1", .flags = OPT_OBSOLETE,
            .help = "Folders get mode 0750."),
    OPT_INT(struct csv_output, file_mode, .dflt = "-1", .flags = OPT_OBSOLETE,
            .help = "Files get mode 0640."),
    OPT_DURATION(struct csv_output, flush_interval, .dflt = "2", .flags = OPT_OBSOLETE,
                 .help = "Every batch is written and synced at once."),
    OPT_DURATION(struct csv_output, stale_cleanup_interval, .dflt = "10", .flags = OPT_OBSOLETE,
                 .help = "Idle files are closed when others need their place."),
    OPT_END,
};

/* ---- settings ---- */

static int option_str(const struct csv_output *csv, const char *name, struct str *text,
                      struct err *err)
{
    const struct value *v = value_map_get(&csv->csv_options, str_from(name));
    if (!v)
        return 0;
    if (v->kind != VALUE_STR || v->s.n == 0) {
        (void)err_set(err, ERR_CONFIG, "csv_options: \"%s\" wants a text", name);
        return plugin_err_at(csv->plugin, v->pos, err);
    }
    *text = v->s;
    return 0;
}

static int option_bool(const struct csv_output *csv, const char *name, bool *flag, struct err *err)
{
    const struct value *v = value_map_get(&csv->csv_options, str_from(name));
    if (!v)
        return 0;
    if (v->kind == VALUE_STR && (str_is(v->s, "true") || str_is(v->s, "false"))) {
        *flag = str_is(v->s, "true");
        return 0;
    }
    if (v->kind == VALUE_BOOL) {
        *flag = v->b;
        return 0;
    }
    (void)err_set(err, ERR_CONFIG, "csv_options: \"%s\" wants true or false", name);
    return plugin_err_at(csv->plugin, v->pos, err);
}

static int options_check(struct csv_output *csv, struct err *err)
{
    static const char *const known[] = {"col_sep",      "row_sep",       "quote_char",
                                        "force_quotes", "write_headers", NULL};
    csv->col_sep = STR(",");
    csv->row_sep = STR("\n");
    csv->quote = STR("\"");
    if (csv->csv_options.kind != VALUE_MAP)
        return 0;
    const struct value_map *map = csv->csv_options.map;
    for (size_t i = 0; i < map->count; i++) {
        size_t k = 0;
        while (known[k] && !str_eq(map->keys[i], str_from(known[k])))
            k++;
        if (known[k])
            continue;
        (void)err_set(err, ERR_CONFIG,
                      "csv_options: unknown option \"" STR_FMT "\" (col_sep, row_sep, quote_char, "
                      "force_quotes, write_headers)",
                      STR_ARG(map->keys[i]));
        return plugin_err_at(csv->plugin, map->values[i].pos, err);
    }
    TRY(option_str(csv, "col_sep", &csv->col_sep, err));
    TRY(option_str(csv, "row_sep", &csv->row_sep, err));
    TRY(option_str(csv, "quote_char", &csv->quote, err));
    TRY(option_bool(csv, "force_quotes", &csv->force_quotes, err));
    TRY(option_bool(csv, "write_headers", &csv->write_headers, err));
    if (csv->quote.n != 1)
        return err_set(err, ERR_CONFIG, "csv_options: quote_char wants one character");
    return 0;
}

static int fields_parse(struct csv_output *csv, struct err *err)
{
    struct arena *mem = csv->plugin->mem;
    const struct value_list *list = csv->fields.list;
    csv->field_count = list->count;
    if (list->count == 0)
        return err_set(err, ERR_CONFIG, "fields: at least one is needed");
    csv->paths = ARENA_ARRAY(mem, struct field_path, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct str name = value_to_str(mem, &list->items[i]);
        if (field_path_parse(mem, name, &csv->paths[i], err) < 0)
            return plugin_err_at(csv->plugin, list->items[i].pos, err);
    }
    return 0;
}

static void on_repair(void *owner, struct str path, uint64_t bytes, struct str begin)
{
    struct csv_output *csv = owner;
    plugin_warn(csv->plugin,
                "\"" STR_FMT "\" ended in a half line: cut off %llu bytes, beginning \"" STR_FMT
                "\"",
                STR_ARG(path), (unsigned long long)bytes, STR_ARG(begin));
}

static int csv_init(void *self, struct plugin *plugin, struct err *err)
{
    struct csv_output *csv = self;
    csv->plugin = plugin;
    if (csv->gzip)
        return err_set(err, ERR_UNSUPPORTED,
                       "gzip is not there: lines are synced one batch at a time; use the "
                       "file output with gzip, or compress rotated files");
    TRY(options_check(csv, err));
    TRY(fields_parse(csv, err));
    TRY(sprintf_compile(plugin->mem, csv->path, &csv->path_template, err));
    ptrdiff_t percent = str_find(csv->path, STR("%{"));
    csv->root = path_dir(percent < 0 ? csv->path : str_sub(csv->path, 0, (size_t)percent + 1));
    csv->files = append_files_new(&(struct append_files_config){
        .fs = plugin->env->fs,
        .line_end = csv->row_sep.p[csv->row_sep.n - 1],
        .create_if_deleted = csv->create_if_deleted,
        .is_overwrite = csv->write_behavior == 1,
        .repaired = on_repair,
        .owner = csv,
    });
    csv->hangups = process_hangup_count();
    return 0;
}

static void csv_deinit(void *self)
{
    struct csv_output *csv = self;
    append_files_free(csv->files);
}

/* ---- lines ---- */

/* Ruby's CSV quotes a field that is empty, begins with a blank, or holds a separator, a quote or a
 * line end. */
static bool field_needs_quotes(const struct csv_output *csv, struct str s)
{
    if (csv->force_quotes || s.n == 0 || s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\v' ||
        s.p[0] == '\f')
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == csv->quote.p[0])
            return true;
    return str_find(s, csv->col_sep) >= 0;
}

static void field_write(const struct csv_output *csv, struct str s, struct buf *out)
{
    if (!field_needs_quotes(csv, s)) {
        buf_add_str(out, s);
        return;
    }
    char quote = csv->quote.p[0];
    buf_add_char(out, quote);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote)
            buf_add_char(out, quote);
        buf_add_char(out, s.p[i]);
    }
    buf_add_char(out, quote);
}

static void line_write(const struct csv_output *csv, const struct event *ev, struct arena *mem,
                       struct buf *out)
{
    for (size_t i = 0; i < csv->field_count; i++) {
        if (i)
            buf_add_str(out, csv->col_sep);
        const struct value *v = event_get(ev, &csv->paths[i]);
        if (!v || v->kind == VALUE_NULL) {
            if (csv->force_quotes)
                field_write(csv, STR(""), out);
            continue;
        }
        struct str s = value_to_str(mem, v);
        if (csv->spreadsheet_safe && v->kind == VALUE_STR && s.n && s.p[0] == '=')
            s = arena_printf(mem, "'" STR_FMT, STR_ARG(s));
        field_write(csv, s, out);
    }
    buf_add_str(out, csv->row_sep);
}

static void headers_write(const struct csv_output *csv, struct buf *out)
{
    for (size_t i = 0; i < csv->field_count; i++) {
        if (i)
            buf_add_str(out, csv->col_sep);
        field_write(csv, csv->fields.list->items[i].s, out);
    }
    buf_add_str(out, csv->row_sep);
}

/* ---- batches ---- */

struct csv_part {
    struct str path;
    struct buf lines;
};

static bool path_leaves_root(const struct csv_output *csv, struct str path)
{
    struct str part;
    if (!str_starts_with(path, str_is(csv->root, ".") ? STR("") : csv->root))
        return true;
    while (str_split_next(&path, '/', &part))
        if (str_is(part, ".."))
            return true;
    return false;
}

static struct str event_path(const struct csv_output *csv, const struct event *ev,
                             struct arena *mem)
{
    if (sprintf_is_constant(csv->path_template))
        return csv->path;
    struct str path = sprintf_text(csv->path_template, ev, mem);
    return path_leaves_root(csv, path) ? path_join(mem, csv->root, csv->filename_failure) : path;
}

static struct csv_part *part_of(struct csv_part *parts, size_t *count, struct str path)
{
    for (size_t i = *count; i-- > 0;)
        if (str_eq(parts[i].path, path))
            return &parts[i];
    if (*count == PATHS_MAX)
        return NULL;
    struct csv_part *part = &parts[(*count)++];
    part->path = path;
    buf_init(&part->lines, LINE_BYTES_MAX);
    return part;
}

/* Retries until it works or the pipeline stops hard. */
static int part_write(struct csv_output *csv, struct output *output, const struct csv_part *part,
                      struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        struct err why;
        int rc = part->lines.is_over
                     ? err_set(&why, ERR_TOO_LARGE, "a batch of lines is above %llu bytes",
                               (unsigned long long)LINE_BYTES_MAX)
                     : append_files_write(csv->files, part->path, buf_str(&part->lines), &why);
        if (rc == 0)
            return 0;
        plugin_warn(csv->plugin, "cannot write \"" STR_FMT "\": %s; trying again",
                    STR_ARG(part->path), why.text);
        if (!output_backoff(output, attempt, RETRY_FIRST_NS, RETRY_MAX_NS)) {
            if (err)
                *err = why;
            return rc;
        }
    }
}

static int parts_write(struct csv_output *csv, struct output *output, struct csv_part *parts,
                       size_t count, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        rc = rc < 0 ? rc : part_write(csv, output, &parts[i], err);
        buf_deinit(&parts[i].lines);
    }
    return rc;
}

static bool file_is_empty(const struct csv_output *csv, struct str path)
{
    struct vfs_stat st;
    return vfs_stat(csv->plugin->env->fs, path, true, &st, NULL) < 0 || st.size_bytes == 0;
}

static int csv_write(void *self, struct output *output, const struct output_batch *batch,
                     struct err *err)
{
    struct csv_output *csv = self;
    if (csv->hangups != process_hangup_count()) {
        csv->hangups = process_hangup_count();
        append_files_reopen(csv->files);
    }
    struct csv_part *parts = ARENA_ARRAY(batch->mem, struct csv_part, PATHS_MAX);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct str path = event_path(csv, batch->events[i], batch->mem);
        struct csv_part *part = part_of(parts, &count, path);
        if (!part) {
            TRY(parts_write(csv, output, parts, count, err));
            count = 0;
            part = part_of(parts, &count, path);
        }
        if (csv->write_headers && part->lines.n == 0 && file_is_empty(csv, path))
            headers_write(csv, &part->lines);
        line_write(csv, batch->events[i], batch->mem, &part->lines);
    }
    return parts_write(csv, output, parts, count, err);
}

const struct output_type output_csv = {
    .name = "csv",
    .summary = "Append chosen fields as lines of a CSV file.",
    .since = "0.1",
    .opts = csv_opts,
    .size = sizeof(struct csv_output),
    .init = csv_init,
    .write = csv_write,
    .deinit = csv_deinit,
};
