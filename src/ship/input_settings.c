/* SPDX-License-Identifier: Apache-2.0 */
/* input_settings.c: the settings of the inputs `log` and `filestream`. Both inputs are the same
 * machine (tail/) under different names for the same things: what they come down to is one struct
 * ship__input. */
#include "ship/ship_int.h"

#include "base/opt.h"
#include "event/options.h"
#include "tail/glob.h"

#define MESSAGE_BYTES_MAX                                                                          \
    (48 * MIB) /* of one line: with escapes it fits a frame of the other side */

/* ---- settings ---- */

struct settings {
    struct str type, id, name, encoding, index, pipeline;
    bool enabled;
    struct value paths, exclude_files, include_lines, exclude_lines, tags, fields, processors;
    bool fields_under_root, keep_null;
    uint64_t max_bytes, buffer_bytes;
    struct value multiline, json, file_identity, recursive_glob, scan, parsers, prospector, close,
        publisher, backoff_map, ignore_inactive;
    int64_t ignore_older, clean_inactive, close_inactive, close_timeout, scan_frequency, backoff,
        max_backoff;
    bool clean_removed, close_removed, close_renamed, close_eof, tail_files, symlinks;
    int64_t backoff_factor, harvester_limit;
    int line_terminator;
};

static const char *const terminators[] = {"auto", "line_feed", "carriage_return_line_feed", NULL};

#define COMMON_OPTS                                                                                \
    OPT_STR(struct settings, type, .help = "Kind of input."),                                      \
        OPT_BOOL(struct settings, enabled, .dflt = "true", .help = "False: left out."),            \
        OPT_STR(struct settings, id,                                                               \
                .help = "A name of its own, part of the registry's keys of filestream."),          \
        OPT_STR(struct settings, name, .help = "For people."),                                     \
        OPT_LIST(struct settings, paths, .help = "Patterns of the files to follow."),              \
        OPT_STR(struct settings, encoding, .dflt = "plain", .help = "plain or utf-8."),            \
        OPT_LIST(struct settings, include_lines,                                                   \
                 .help = "Only lines that one of these patterns fits."),                           \
        OPT_LIST(struct settings, exclude_lines,                                                   \
                 .help = "No lines that one of these patterns fits."),                             \
        OPT_LIST(struct settings, tags, .help = "Words for the field tags."),                      \
        OPT_MAP(struct settings, fields, .help = "Fields for each event, below `fields`."),        \
        OPT_BOOL(struct settings, fields_under_root, .dflt = "false",                              \
                 .help = "Puts `fields` at the top."),                                             \
        OPT_LIST(struct settings, processors, .help = "What to do with each event."),              \
        OPT_BOOL(struct settings, keep_null, .dflt = "false",                                      \
                 .help = "Keeps fields without a value."),                                         \
        OPT_STR(struct settings, index,                                                            \
                .help = "For the Elasticsearch output; becomes [@metadata][raw_index]."),          \
        OPT_STR(struct settings, pipeline,                                                         \
                .help = "Ingest pipeline; becomes [@metadata][pipeline]."),                        \
        OPT_VALUE(struct settings, publisher, .name = "publisher_pipeline",                        \
                  .help = "disable_host: no field host."),                                         \
        OPT_ENUM(struct settings, line_terminator, .dflt = "auto", .choices = terminators,         \
                 .help = "What ends a line."),                                                     \
        OPT_DURATION(struct settings, ignore_older, .dflt = "0",                                   \
                     .help = "Leaves files alone that did not change for so long."),               \
        OPT_DURATION(struct settings, clean_inactive, .dflt = "0",                                 \
                     .help = "Forgets files that did not change for so long."),                    \
        OPT_BOOL(struct settings, clean_removed, .dflt = "true",                                   \
                 .help = "Forgets files that are gone."),                                          \
        OPT_INT(struct settings, harvester_limit, .dflt = "0", .min = 0, .max = 1000000,           \
                .help = "How many files are open at once; 0: 1,024."),                             \
        OPT_VALUE(struct settings, file_identity, .help = "native, path or fingerprint.")

static const struct opt log_opts[] = {
    COMMON_OPTS,
    OPT_LIST(struct settings, exclude_files,
             .help = "No files whose path one of these patterns fits."),
    OPT_SIZE(struct settings, max_bytes, .dflt = "10MiB", .min = 1, .max = MESSAGE_BYTES_MAX,
             .help = "Longer lines are cut."),
    OPT_SIZE(struct settings, buffer_bytes, .name = "harvester_buffer_size", .flags = OPT_OBSOLETE,
             .help = "One buffer serves all files here."),
    OPT_VALUE(struct settings, multiline, .help = "Joins lines to entries."),
    OPT_VALUE(struct settings, json, .help = "Decodes lines."),
    OPT_VALUE(struct settings, recursive_glob, .help = "enabled: `**` in paths."),
    OPT_VALUE(struct settings, scan, .flags = OPT_OBSOLETE, .help = "Order of files."),
    OPT_DURATION(struct settings, close_inactive, .dflt = "5m",
                 .help = "Closes a file without new lines."),
    OPT_DURATION(struct settings, close_timeout, .dflt = "0",
                 .help = "Closes a file after so long, whatever happens."),
    OPT_DURATION(struct settings, scan_frequency, .dflt = "10s",
                 .help = "How often the patterns are looked up."),
    OPT_DURATION(struct settings, backoff, .dflt = "200ms",
                 .help = "How soon a file at its end is looked at again."),
    OPT_DURATION(struct settings, max_backoff, .dflt = "2s", .help = "The longest such wait."),
    OPT_INT(struct settings, backoff_factor, .dflt = "2", .flags = OPT_OBSOLETE,
            .help = "The wait doubles."),
    OPT_BOOL(struct settings, close_removed, .dflt = "true",
             .help = "Closes a file that is gone, at its end."),
    OPT_BOOL(struct settings, close_renamed, .dflt = "false",
             .help = "Closes a renamed file, at its end."),
    OPT_BOOL(struct settings, close_eof, .dflt = "false", .help = "Closes a file at its end."),
    OPT_BOOL(struct settings, tail_files, .dflt = "false",
             .help = "Begins at the end of files that are there at the start."),
    OPT_BOOL(struct settings, symlinks, .dflt = "false", .help = "Follows symbolic links."),
    OPT_END};

static const struct opt filestream_opts[] = {
    COMMON_OPTS,
    OPT_SIZE(struct settings, max_bytes, .name = "message_max_bytes", .dflt = "10MiB", .min = 1,
             .max = MESSAGE_BYTES_MAX, .help = "Longer lines are cut."),
    OPT_SIZE(struct settings, buffer_bytes, .name = "buffer_size", .flags = OPT_OBSOLETE,
             .help = "One buffer serves all files here."),
    OPT_VALUE(struct settings, prospector,
              .help = "scanner: check_interval, symlinks, exclude_files, recursive_glob."),
    OPT_VALUE(struct settings, close,
              .help =
                  "on_state_change: inactive, removed, renamed; reader: on_eof, after_interval."),
    OPT_LIST(struct settings, parsers, .help = "multiline."),
    OPT_VALUE(struct settings, backoff_map, .name = "backoff", .help = "init, max."),
    OPT_BOOL(struct settings, tail_files, .name = "seek_to_tail", .dflt = "false",
             .help = "Begins at the end of files that are there at the start."),
    OPT_VALUE(struct settings, ignore_inactive, .help = "Not supported."),
    OPT_END};

/* The nested maps of filestream and of `recursive_glob`. */
struct scanner {
    int64_t check_interval;
    bool symlinks, recursive_glob, resend_on_touch;
    struct value exclude_files, include_files;
};
static const struct opt scanner_opts[] = {
    OPT_DURATION(struct scanner, check_interval, .dflt = "10s",
                 .help = "How often the patterns are looked up."),
    OPT_BOOL(struct scanner, symlinks, .dflt = "false", .help = "Follows symbolic links."),
    OPT_BOOL(struct scanner, resend_on_touch, .dflt = "false", .help = "Not supported."),
    OPT_BOOL(struct scanner, recursive_glob, .dflt = "true", .help = "`**` in paths."),
    OPT_LIST(struct scanner, exclude_files,
             .help = "No files whose path one of these patterns fits."),
    OPT_LIST(struct scanner, include_files,
             .help = "Only files whose path one of these patterns fits."),
    OPT_END};
struct prospector {
    struct value scanner;
};
static const struct opt prospector_opts[] = {
    OPT_MAP(struct prospector, scanner, .help = "How files are found."), OPT_END};
struct state_change {
    int64_t check_interval, inactive;
    bool removed, renamed;
};
static const struct opt state_change_opts[] = {
    OPT_DURATION(struct state_change, check_interval, .flags = OPT_OBSOLETE,
                 .help = "Looked at with each scan."),
    OPT_DURATION(struct state_change, inactive, .dflt = "5m",
                 .help = "Closes a file without new lines."),
    OPT_BOOL(struct state_change, removed, .dflt = "true", .help = "Closes a file that is gone."),
    OPT_BOOL(struct state_change, renamed, .dflt = "false", .help = "Closes a renamed file."),
    OPT_END};
struct reader_close {
    bool on_eof;
    int64_t after_interval;
};
static const struct opt reader_close_opts[] = {
    OPT_BOOL(struct reader_close, on_eof, .dflt = "false", .help = "Closes a file at its end."),
    OPT_DURATION(struct reader_close, after_interval, .dflt = "0",
                 .help = "Closes a file after so long."),
    OPT_END};
struct close {
    struct value on_state_change, reader;
};
static const struct opt close_opts[] = {
    OPT_MAP(struct close, on_state_change, .help = "inactive, removed, renamed."),
    OPT_MAP(struct close, reader, .help = "on_eof, after_interval."), OPT_END};
struct backoff {
    int64_t init, max;
};
static const struct opt backoff_opts[] = {
    OPT_DURATION(struct backoff, init, .dflt = "200ms", .help = "The first wait at a file's end."),
    OPT_DURATION(struct backoff, max, .dflt = "2s", .help = "The longest wait."), OPT_END};
struct enabled {
    bool enabled;
};
static const struct opt enabled_opts[] = {
    OPT_BOOL(struct enabled, enabled, .dflt = "true", .help = "On or off."), OPT_END};
struct publisher {
    bool disable_host;
};
static const struct opt publisher_opts[] = {
    OPT_BOOL(struct publisher, disable_host, .dflt = "false", .help = "No field host."), OPT_END};

static bool is_given(const struct value *v)
{
    return v->kind != VALUE_NONE && v->kind != VALUE_NULL;
}

static int fill_map(struct ship *ship, const struct opt *opts, void *instance,
                    const struct value *map, const char *name, struct err *err)
{
    static const struct value none = {.kind = VALUE_NONE};
    if (is_given(map) && map->kind != VALUE_MAP)
        return ship__fail(ship, map, err, ERR_CONFIG, "%s must be a map of options", name);
    return ship__fill(ship, opts, instance, is_given(map) ? map : &none, NULL, err);
}

/* ---- the two kinds ---- */

static int load_paths(struct ship__input *input, const struct settings *s, const struct value *conf,
                      struct err *err)
{
    struct ship *ship = input->ship;
    if (s->paths.kind != VALUE_LIST || s->paths.list->count == 0)
        return ship__fail(ship, conf, err, ERR_CONFIG, "this input has no paths");
    size_t count = s->paths.list->count;
    struct str *globs = ARENA_ARRAY(ship->mem, struct str, count);
    for (size_t i = 0; i < count; i++) {
        const struct value *path = &s->paths.list->items[i];
        struct err why;
        if (path->kind != VALUE_STR)
            return ship__fail(ship, path, err, ERR_CONFIG, "a path must be a text");
        if (tail_glob_check(path->s, &why) < 0)
            return ship__fail(ship, path, err, ERR_CONFIG, "%s", why.text);
        globs[i] = path->s;
    }
    input->follow.globs = globs;
    input->follow.glob_count = count;
    return 0;
}

static int load_identity(struct ship__input *input, const struct value *conf, struct err *err)
{
    input->identity = "native";
    input->follow.identity = TAIL_IDENTITY_NATIVE;
    struct str name = STR("native");
    if (conf->kind == VALUE_STR)
        name = conf->s;
    else if (conf->kind == VALUE_MAP && conf->map->count == 1)
        name = conf->map->keys[0];
    else if (is_given(conf))
        return ship__fail(input->ship, conf, err, ERR_CONFIG,
                          "file_identity wants one name, as \"native: ~\"");
    if (str_is(name, "native"))
        return 0;
    if (str_is(name, "path")) {
        input->identity = "path";
        input->follow.identity = TAIL_IDENTITY_PATH;
        return 0;
    }
    if (str_is(name, "fingerprint")) {
        input->identity = "fingerprint";
        input->follow.identity = TAIL_IDENTITY_FINGERPRINT;
        return 0;
    }
    return ship__fail(input->ship, conf, err, ERR_UNSUPPORTED,
                      "file_identity \"%.*s\" is not supported: native, path and fingerprint are",
                      STR_ARG(name));
}

static int load_encoding(struct ship__input *input, const struct settings *s,
                         const struct value *conf, struct err *err)
{
    static const char *const fine[] = {"",  "plain", "nop", "utf-8", "utf8", "unicode-1-1-utf-8",
                                       NULL};
    for (size_t i = 0; fine[i]; i++) {
        if (str_eq_nocase(s->encoding, str_from(fine[i])))
            return 0;
    }
    const struct value *at = value_map_get_lit(conf, "encoding");
    return ship__fail(input->ship, at ? at : conf, err, ERR_UNSUPPORTED,
                      "encoding \"%.*s\" is not supported: plain and utf-8 are",
                      STR_ARG(s->encoding));
}

static int load_publisher(struct ship__input *input, const struct value *conf, struct err *err)
{
    struct publisher p = {0};
    TRY(fill_map(input->ship, publisher_opts, &p, conf, "publisher_pipeline", err));
    input->disable_host = p.disable_host;
    return 0;
}

static int load_tags(struct ship__input *input, const struct value *list, struct err *err)
{
    struct ship *ship = input->ship;
    if (list->kind != VALUE_LIST)
        return 0;
    input->tags = value_list(ship->mem, list->list->count);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *tag = &list->list->items[i];
        if (tag->kind == VALUE_NULL || tag->kind == VALUE_LIST || tag->kind == VALUE_MAP)
            return ship__fail(ship, tag, err, ERR_CONFIG, "a tag must be a text");
        value_list_add(ship->mem, &input->tags, value_str(value_to_str(ship->mem, tag)));
    }
    return 0;
}

/* A wait of 0 would look without end. */
static int check_wait(const struct ship *ship, const struct value *conf, struct str name,
                      int64_t ns, struct err *err)
{
    const struct value *at = conf->kind == VALUE_MAP ? value_map_get(conf, name) : NULL;
    if (ns > 0)
        return 0;
    return ship__fail(ship, at ? at : conf, err, ERR_CONFIG, "%.*s must be more than 0",
                      STR_ARG(name));
}

static int check_not_negative(const struct ship *ship, const struct value *conf, struct str name,
                              int64_t ns, struct err *err)
{
    return ns < 0 ? ship__fail(ship, value_map_get(conf, name), err, ERR_CONFIG,
                               "%.*s must not be less than 0", STR_ARG(name))
                  : 0;
}

/* Whoever is forgotten while it is still followed is read again from its beginning. */
static const char *clean_problem(const struct tail_config *follow)
{
    int64_t until;
    if (follow->clean_inactive_ns <= 0)
        return NULL;
    if (follow->ignore_older_ns <= 0)
        return "clean_inactive needs ignore_older: files that are still followed would be sent "
               "again from their beginning";
    if (__builtin_add_overflow(follow->ignore_older_ns, follow->scan_ns, &until) ||
        follow->clean_inactive_ns <= until)
        return "clean_inactive must be more than ignore_older and the time between scans together: "
               "files that are still followed would be sent again from their beginning";
    return NULL;
}

/* What the two kinds have in common. */
static int load_common(struct ship__input *input, const struct settings *s,
                       const struct value *conf, struct err *err)
{
    struct ship *ship = input->ship;
    TRY(load_paths(input, s, conf, err));
    TRY(load_identity(input, &s->file_identity, err));
    TRY(load_encoding(input, s, conf, err));
    TRY(load_publisher(input, &s->publisher, err));
    TRY(load_tags(input, &s->tags, err));
    input->id = s->id;
    input->index = s->index;
    input->pipeline = s->pipeline;
    input->fields = s->fields;
    input->fields_under_root = s->fields_under_root;
    input->keep_null = s->keep_null;
    input->message_bytes_max = (size_t)s->max_bytes;
    struct tail_config *follow = &input->follow;
    follow->fs = ship->config.fs;
    follow->clock = ship->config.clock;
    follow->line_bytes_max = (size_t)s->max_bytes;
    follow->ignore_older_ns = s->ignore_older;
    follow->clean_inactive_ns = s->clean_inactive;
    follow->clean_removed = s->clean_removed;
    follow->open_files_max = (size_t)s->harvester_limit;
    if (s->line_terminator == 2)
        follow->delimiter = STR("\r\n");
    TRY(ship__patterns_new(ship, &s->include_lines, &input->include, err));
    TRY(ship__patterns_new(ship, &s->exclude_lines, &input->exclude, err));
    return ship__processors_new(ship, &s->processors, &input->processors, err);
}

static int load_log(struct ship__input *input, const struct value *conf, struct err *err)
{
    struct ship *ship = input->ship;
    struct settings s = {0};
    struct enabled recursive = {0};
    TRY(ship__fill(ship, log_opts, &s, conf, NULL, err));
    if (is_given(&s.json))
        return ship__fail(
            ship, &s.json, err, ERR_UNSUPPORTED,
            "json decoding in the shipper is not supported: use the pipeline's json filter");
    TRY(fill_map(ship, enabled_opts, &recursive, &s.recursive_glob, "recursive_glob", err));
    TRY(load_common(input, &s, conf, err));
    TRY(ship__patterns_new(ship, &s.exclude_files, &input->exclude_files, err));
    if (is_given(&s.multiline))
        TRY(ship__multiline_new(ship, &s.multiline, input->message_bytes_max, &input->multiline,
                                err));
    struct tail_config *follow = &input->follow;
    follow->is_recursive = recursive.enabled;
    follow->scan_ns = s.scan_frequency;
    follow->backoff_ns = s.backoff;
    follow->backoff_max_ns = s.max_backoff;
    follow->close_inactive_ns = s.close_inactive;
    follow->close_after_ns = s.close_timeout;
    follow->close_removed = s.close_removed;
    follow->close_renamed = s.close_renamed;
    follow->close_eof = s.close_eof;
    follow->starts_at_end = s.tail_files;
    follow->follows_links = s.symlinks;
    TRY(check_wait(ship, conf, STR("scan_frequency"), s.scan_frequency, err));
    TRY(check_wait(ship, conf, STR("backoff"), s.backoff, err));
    TRY(check_wait(ship, conf, STR("max_backoff"), s.max_backoff, err));
    TRY(check_not_negative(ship, conf, STR("close_timeout"), s.close_timeout, err));
    TRY(check_not_negative(ship, conf, STR("clean_inactive"), s.clean_inactive, err));
    const char *problem = clean_problem(follow);
    return problem ? ship__fail(ship, value_map_get_lit(conf, "clean_inactive"), err, ERR_CONFIG,
                                "%s", problem)
                   : 0;
}

static int load_parsers(struct ship__input *input, const struct value *list, struct err *err)
{
    for (size_t i = 0; list->kind == VALUE_LIST && i < list->list->count; i++) {
        const struct value *parser = &list->list->items[i];
        if (parser->kind != VALUE_MAP || parser->map->count != 1)
            return ship__fail(input->ship, parser, err, ERR_CONFIG,
                              "a parser is a map with its name as the only key");
        struct str name = parser->map->keys[0];
        const struct value *conf = &parser->map->values[0];
        if (!str_is(name, "multiline"))
            return ship__fail(input->ship, conf, err, ERR_UNSUPPORTED,
                              "the parser \"%.*s\" is not supported: multiline is", STR_ARG(name));
        if (input->multiline)
            return ship__fail(input->ship, conf, err, ERR_UNSUPPORTED,
                              "a second multiline parser is not supported");
        TRY(ship__multiline_new(input->ship, conf, input->message_bytes_max, &input->multiline,
                                err));
    }
    return 0;
}

static int load_filestream(struct ship__input *input, const struct value *conf, struct err *err)
{
    struct ship *ship = input->ship;
    struct settings s = {0};
    struct prospector prospector = {0};
    struct scanner scanner = {0};
    struct close close = {0};
    struct state_change change = {0};
    struct reader_close reader = {0};
    struct backoff backoff = {0};
    TRY(ship__fill(ship, filestream_opts, &s, conf, NULL, err));
    TRY(fill_map(ship, prospector_opts, &prospector, &s.prospector, "prospector", err));
    TRY(fill_map(ship, scanner_opts, &scanner, &prospector.scanner, "prospector.scanner", err));
    TRY(fill_map(ship, close_opts, &close, &s.close, "close", err));
    TRY(fill_map(ship, state_change_opts, &change, &close.on_state_change, "close.on_state_change",
                 err));
    TRY(fill_map(ship, reader_close_opts, &reader, &close.reader, "close.reader", err));
    TRY(fill_map(ship, backoff_opts, &backoff, &s.backoff_map, "backoff", err));
    TRY(load_common(input, &s, conf, err));
    if (is_given(&s.ignore_inactive))
        return ship__fail(ship, &s.ignore_inactive, err, ERR_UNSUPPORTED,
                          "ignore_inactive is not supported: ignore_older is");
    if (scanner.resend_on_touch)
        return ship__fail(ship, value_map_get_lit(&prospector.scanner, "resend_on_touch"), err,
                          ERR_UNSUPPORTED, "resend_on_touch is not supported");
    TRY(load_parsers(input, &s.parsers, err));
    TRY(ship__patterns_new(ship, &scanner.exclude_files, &input->exclude_files, err));
    TRY(ship__patterns_new(ship, &scanner.include_files, &input->include_files, err));
    struct tail_config *follow = &input->follow;
    follow->is_recursive = scanner.recursive_glob;
    follow->scan_ns = scanner.check_interval;
    follow->follows_links = scanner.symlinks;
    follow->backoff_ns = backoff.init;
    follow->backoff_max_ns = backoff.max;
    follow->close_inactive_ns = change.inactive;
    follow->close_removed = change.removed;
    follow->close_renamed = change.renamed;
    follow->close_eof = reader.on_eof;
    follow->close_after_ns = reader.after_interval;
    follow->starts_at_end = s.tail_files;
    TRY(check_wait(ship, &prospector.scanner, STR("check_interval"), scanner.check_interval, err));
    TRY(check_wait(ship, &s.backoff_map, STR("init"), backoff.init, err));
    TRY(check_wait(ship, &s.backoff_map, STR("max"), backoff.max, err));
    const char *problem = clean_problem(follow);
    if (problem) /* Filebeat says so in its manual, and starts */
        ship__warn(ship, value_map_get_lit(conf, "clean_inactive"), "%s", problem);
    return 0;
}

static bool is_input_enabled(const struct value *conf)
{
    const struct value *enabled = value_map_get_lit(conf, "enabled");
    return !enabled || !((enabled->kind == VALUE_BOOL && !enabled->b) ||
                         (enabled->kind == VALUE_STR && str_is(enabled->s, "false")));
}

static int check_id(struct ship__input *input, const struct value *conf, struct err *err)
{
    struct ship *ship = input->ship;
    for (size_t i = 0; i + 1 < ship->input_count; i++) {
        if (ship->inputs[i]->kind == SHIP__INPUT_FILESTREAM &&
            str_eq(ship->inputs[i]->id, input->id))
            return ship__fail(ship, conf, err, ERR_CONFIG,
                              "two filestream inputs have the id \"%.*s\": each needs an `id` of "
                              "its own, it is part of "
                              "the registry's keys",
                              STR_ARG(input->id));
    }
    return 0;
}

int ship__input_load(struct ship *ship, const struct value *conf, struct err *err)
{
    const struct value *type = conf->kind == VALUE_MAP ? value_map_get_lit(conf, "type") : NULL;
    if (conf->kind != VALUE_MAP)
        return ship__fail(ship, conf, err, ERR_CONFIG, "an input is a map of options");
    if (!is_input_enabled(conf))
        return 0;
    bool is_log = !type || !is_given(type) || (type->kind == VALUE_STR && str_is(type->s, "log"));
    bool is_filestream = type && type->kind == VALUE_STR && str_is(type->s, "filestream");
    if (!is_log && !is_filestream)
        return ship__fail(ship, type, err, ERR_UNSUPPORTED,
                          "the input type \"%.*s\" is not supported: log and filestream are",
                          STR_ARG(type->kind == VALUE_STR ? type->s : STR("?")));
    if (ship->input_count == SHIP__INPUTS_MAX)
        return ship__fail(ship, conf, err, ERR_TOO_LARGE, "more than %u inputs", SHIP__INPUTS_MAX);
    void *items = ship->inputs;
    mem_grow(&items, &ship->input_capacity, ship->input_count + 1, sizeof(*ship->inputs));
    ship->inputs = items;
    struct ship__input *input = MEM_NEW(struct ship__input);
    ship->inputs[ship->input_count++] = input;
    input->ship = ship;
    input->kind = is_log ? SHIP__INPUT_LOG : SHIP__INPUT_FILESTREAM;
    input->type = is_log ? STR("log") : STR("filestream");
    if (is_log)
        return load_log(input, conf, err);
    TRY(load_filestream(input, conf, err));
    return check_id(input, conf, err);
}
