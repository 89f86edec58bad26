/* SPDX-License-Identifier: Apache-2.0 */
/* input_settings_test.c: one input of a filebeat.yml at a time, and what it comes down to. */
#include "support/test.h"

#include "base/clock.h"
#include "base/log.h"
#include "ship/ship_int.h"

/* What stands before each input; a row's text begins at line 3. */
#define LOG        "filebeat.inputs:\n- type: log\n"
#define FILESTREAM "filebeat.inputs:\n- type: filestream\n"
#define PATHS      "  paths: [/d/x]\n"
#define OUTPUT     "output.console.enabled: true\n"

static int load(struct test *t, struct vfs *fs, const char *text, struct ship **ret_ship)
{
    static struct clock_fake clock;
    clock_fake_init(&clock, 1700000000 * NS_PER_S);
    struct ship_config config = {.fs = fs,
                                 .clock = &clock.base,
                                 .file = STR("f.yml"),
                                 .text = arena_printf(t->mem, "%s" OUTPUT, text)};
    log_set_level(LOG_OFF);
    return ship_load(&config, ret_ship, &t->err);
}

/* The numbers of the first input, as a text. */
static struct str shown(struct test *t, const struct ship *ship)
{
    const struct ship__input *in = ship->inputs[0];
    const struct tail_config *f = &in->follow;
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < f->glob_count; i++)
        buf_printf(&out, "%.*s ", STR_ARG(f->globs[i]));
    static const struct {
        const char *name;
        size_t off;
    } times[] = {
        {"scan", offsetof(struct tail_config, scan_ns)},
        {"backoff", offsetof(struct tail_config, backoff_ns)},
        {"backoff_max", offsetof(struct tail_config, backoff_max_ns)},
        {"inactive", offsetof(struct tail_config, close_inactive_ns)},
        {"after", offsetof(struct tail_config, close_after_ns)},
        {"older", offsetof(struct tail_config, ignore_older_ns)},
        {"clean", offsetof(struct tail_config, clean_inactive_ns)},
    };
    static const int64_t dflts[] = {10000, 200, 2000, 300000, 0, 0, 0}; /* ms */
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        int64_t ns;
        memcpy(&ns, (const char *)f + times[i].off, sizeof(ns));
        if (ns != dflts[i] * NS_PER_MS)
            buf_printf(&out, "%s=%lldus ", times[i].name, (long long)(ns / NS_PER_US));
    }
    if (in->message_bytes_max != 10 * MIB)
        buf_printf(&out, "bytes=%zu ", in->message_bytes_max);
    if (f->open_files_max != 0)
        buf_printf(&out, "open=%zu ", f->open_files_max);
    if (f->delimiter.n)
        buf_printf(&out, "delimiter=%zu ", f->delimiter.n);
    if (!str_is(str_from(in->identity), "native"))
        buf_printf(&out, "%s ", in->identity);
    const struct {
        const char *name;
        bool is_set;
    } flags[] = {
        {"-removed", !f->close_removed},
        {"renamed", f->close_renamed},
        {"eof", f->close_eof},
        {"-clean_removed", !f->clean_removed},
        {"at_end", f->starts_at_end},
        {"links", f->follows_links},
        {"-deep", !f->is_recursive},
        {"multiline", in->multiline != NULL},
        {"at_root", in->fields_under_root},
        {"nulls", in->keep_null},
        {"no_host", in->disable_host},
    };
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
        if (flags[i].is_set)
            buf_printf(&out, "%s ", flags[i].name);
    }
    struct str text = str_trim(arena_str(t->mem, buf_str(&out)));
    buf_deinit(&out);
    return text;
}

struct row {
    const char *text, *want;
};

static void gives(struct test *t, const char *before, const struct row *rows, size_t count)
{
    struct vfs *fs = vfs_mem_new();
    for (size_t i = 0; i < count; i++) {
        struct ship *ship = NULL;
        assert_ok(load(t, fs, arena_printf(t->mem, "%s%s", before, rows[i].text).p, &ship),
                  &t->err);
        struct str got = shown(t, ship);
        assert_str_eq(arena_printf(t->mem, "%s%.*s", rows[i].text, STR_ARG(got)),
                      arena_printf(t->mem, "%s%s", rows[i].text, rows[i].want).p);
        ship_free(ship);
    }
    vfs_mem_free(fs);
}

static void what_log_takes(struct test *t)
{
    static const struct row rows[] = {
        {PATHS, "/d/x"},
        {"  paths: /d/*.log\n", "/d/*.log"},
        {"  paths:\n  - /d/*.log\n  - './e/[a-c]?/**/x'\n", "/d/*.log ./e/[a-c]?/**/x"},
        {PATHS "  close_inactive: 1h30m\n", "/d/x inactive=5400000000us"},
        {PATHS "  close_inactive: 1m30.5s\n", "/d/x inactive=90500000us"},
        {PATHS "  close_inactive: 90\n", "/d/x inactive=90000000us"}, /* seconds */
        {PATHS "  close_inactive: 0\n", "/d/x inactive=0us"},         /* never */
        {PATHS "  ignore_older: 48h\n", "/d/x older=172800000000us"},
        {PATHS "  ignore_older: 0.5\n", "/d/x older=500000us"},
        {PATHS "  scan_frequency: 1s\n  backoff: 100us\n  max_backoff: 1ms\n",
         "/d/x scan=1000000us backoff=100us backoff_max=1000us"},
        {PATHS "  close_timeout: 5m\n", "/d/x after=300000000us"},
        {PATHS "  ignore_older: 1h\n  clean_inactive: 3611\n",
         "/d/x older=3600000000us clean=3611000000us"},
        {PATHS "  close_removed: false\n  clean_removed: false\n", "/d/x -removed -clean_removed"},
        {PATHS "  close_renamed: yes\n  close_eof: 'true'\n", "/d/x renamed eof"},
        {PATHS "  tail_files: true\n  symlinks: on\n", "/d/x at_end links"},
        {PATHS "  recursive_glob.enabled: false\n", "/d/x -deep"},
        {PATHS "  max_bytes: 1\n", "/d/x bytes=1"},
        {PATHS "  max_bytes: 64KiB\n", "/d/x bytes=65536"},
        {PATHS "  max_bytes: 20MB\n", "/d/x bytes=20971520"},
        {PATHS "  harvester_limit: 7\n  harvester_buffer_size: 16384\n", "/d/x open=7"},
        {PATHS "  line_terminator: carriage_return_line_feed\n", "/d/x delimiter=2"},
        {PATHS "  file_identity: path\n", "/d/x path"},
        {PATHS "  file_identity.path: ~\n", "/d/x path"},
        {PATHS "  file_identity.fingerprint: {}\n", "/d/x fingerprint"},
        {PATHS "  file_identity:\n", "/d/x"},
        {PATHS "  encoding: Plain\n", "/d/x"},
        {PATHS "  encoding: UTF-8\n", "/d/x"},
        {PATHS "  encoding: nop\n", "/d/x"},
        {PATHS "  encoding:\n", "/d/x"},
        {PATHS "  scan.order: desc\n  scan.sort: modtime\n  backoff_factor: 3\n", "/d/x"},
        {PATHS "  json:\n  multiline: ~\n", "/d/x"},
        {PATHS "  fields_under_root: true\n  keep_null: true\n", "/d/x at_root nulls"},
        {PATHS "  publisher_pipeline.disable_host: true\n", "/d/x no_host"},
        {PATHS "  multiline.pattern: '^\\['\n  multiline.negate: true\n  multiline.match: after\n",
         "/d/x multiline"},
        {PATHS "  multiline: {type: count, count_lines: 3, skip_newline: true}\n",
         "/d/x multiline"},
        {PATHS "  multiline: {type: while_pattern, pattern: '^{'}\n", "/d/x multiline"},
        {PATHS "  multiline: {type: while-pattern, pattern: '^{'}\n", "/d/x multiline"},
        {PATHS "  multiline: {pattern: a, match: before, max_lines: 0, timeout: 0}\n",
         "/d/x multiline"},
        {PATHS "- type: log\n  enabled: false\n  paths: 1\n", "/d/x"}, /* nobody looks into it */
        {PATHS "- enabled: no\n- {type: docker, enabled: 'false'}\n", "/d/x"},
    };
    gives(t, LOG, rows, ARRAY_COUNT(rows));
    static const struct row kinds[] = {
        {"filebeat.inputs: [{paths: a}]\n", "a"},
        {"filebeat.inputs: [{type: ~, paths: a, enabled: ~}]\n", "a"},
        {"filebeat.inputs: {type: log, paths: a}\n", "a"},
    };
    gives(t, "", kinds, ARRAY_COUNT(kinds));
}

static void what_filestream_takes(struct test *t)
{
    static const struct row rows[] = {
        {PATHS, "/d/x"},
        {PATHS "  prospector.scanner.check_interval: 1m\n", "/d/x scan=60000000us"},
        {PATHS "  prospector.scanner: {symlinks: true, recursive_glob: false}\n",
         "/d/x links -deep"},
        {PATHS "  prospector:\n", "/d/x"},
        {PATHS "  prospector.scanner.resend_on_touch: false\n", "/d/x"},
        {PATHS "  close.on_state_change: {inactive: 1m, removed: false, renamed: true}\n",
         "/d/x inactive=60000000us -removed renamed"},
        {PATHS "  close.on_state_change.check_interval: 5s\n", "/d/x"},
        {PATHS "  close.reader: {on_eof: true, after_interval: 1h}\n",
         "/d/x after=3600000000us eof"},
        {PATHS "  backoff: {init: 1s, max: 10s}\n",
         "/d/x backoff=1000000us backoff_max=10000000us"},
        {PATHS "  message_max_bytes: 1KiB\n  buffer_size: 16384\n", "/d/x bytes=1024"},
        {PATHS "  seek_to_tail: true\n", "/d/x at_end"},
        {PATHS "  clean_inactive: -1\n", "/d/x clean=-1000000us"}, /* never */
        {PATHS "  clean_inactive: 1h\n", "/d/x clean=3600000000us"},
        {PATHS "  parsers:\n  - multiline: {pattern: a, match: after}\n", "/d/x multiline"},
        {PATHS "  parsers.multiline: {pattern: a, match: after}\n", "/d/x multiline"},
        {PATHS "  parsers: []\n", "/d/x"},
        {PATHS "  id: a\n- {type: filestream, id: b, paths: y}\n", "/d/x"},
    };
    gives(t, FILESTREAM, rows, ARRAY_COUNT(rows));
}

struct mistake {
    const char *text;
    enum err_code code;
    const char *place, *part;
};

static void fails(struct test *t, const char *before, const struct mistake *rows, size_t count)
{
    struct vfs *fs = vfs_mem_new();
    for (size_t i = 0; i < count; i++) {
        struct ship *ship = NULL;
        int rc = load(t, fs, arena_printf(t->mem, "%s%s", before, rows[i].text).p, &ship);
        ship_free(ship);
        assert_err(rc, &t->err, rows[i].code);
        assert_str_eq(arena_printf(t->mem, "%s%s:%u:%u", rows[i].text, t->err.file, t->err.line,
                                   t->err.column),
                      arena_printf(t->mem, "%sf.yml:%s", rows[i].text, rows[i].place).p);
        assert_err_has(&t->err, rows[i].part);
    }
    vfs_mem_free(fs);
}

static void what_log_refuses(struct test *t)
{
    static const struct mistake rows[] = {
        /* names */
        {PATHS "  colse_eof: true\n", ERR_CONFIG, "4:3", "did you mean \"close_eof\""},
        {PATHS "  prospector.scanner.symlinks: true\n", ERR_CONFIG, "4:3", "\"prospector\""},
        {PATHS "  message_max_bytes: 1\n", ERR_CONFIG, "4:3", "message_max_bytes"},
        {PATHS "  recursive_glob.enable: true\n", ERR_CONFIG, "4:3", "\"enabled\""},
        {PATHS "  multiline.patern: x\n", ERR_CONFIG, "4:3", "\"pattern\""},
        {PATHS "  publisher_pipeline.host: 1\n", ERR_CONFIG, "4:3", "\"host\""},
        /* paths */
        {"", ERR_CONFIG, "2:3", "no paths"},
        {"  paths: []\n", ERR_CONFIG, "2:3", "no paths"},
        {"  paths: ~\n", ERR_CONFIG, "2:3", "no paths"},
        {"  paths: ''\n", ERR_CONFIG, "3:3", "an empty path"},
        {"  paths: [/a, '']\n", ERR_CONFIG, "3:15", "an empty path"},
        {"  paths: ['/a/[b']\n", ERR_CONFIG, "3:11", "not closed"},
        {"  paths: [/a, [/b]]\n", ERR_CONFIG, "3:15", "must be a text"},
        {"  paths: {/a: /b}\n", ERR_CONFIG, "3:3", "must be a text"},
        {"  paths: [/a, 7]\n", ERR_CONFIG, "3:15", "must be a text"},
        /* kinds */
        {PATHS "  close_eof: maybe\n", ERR_CONFIG, "4:3", "true or false"},
        {PATHS "  enabled: 2\n", ERR_CONFIG, "4:3", "true or false"},
        {PATHS "  ignore_older: [1h]\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  ignore_older: 1h x\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  ignore_older: 1h30\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  ignore_older: '-'\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  ignore_older: 9999999999999h\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  ignore_older: 2000000h1000000h\n", ERR_CONFIG, "4:3", "a duration"},
        {PATHS "  fields: [a, b]\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  fields: x\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  tags: [a, {b: c}]\n", ERR_CONFIG, "4:13", "a tag must be a text"},
        {PATHS "  tags: {b: c}\n", ERR_CONFIG, "4:3", "a tag must be a text"},
        {PATHS "  exclude_files: {a: b}\n", ERR_CONFIG, "4:3", "a pattern must be a text"},
        {PATHS "  exclude_lines: [~]\n", ERR_CONFIG, "4:19", "a pattern must be a text"},
        {PATHS "  include_lines: [x, '(']\n", ERR_CONFIG, "4:22", "the pattern \"(\""},
        {PATHS "  multiline: true\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  recursive_glob: true\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  file_identity: {path: ~, native: ~}\n", ERR_CONFIG, "4:3", "one name"},
        {PATHS "  file_identity: [path]\n", ERR_CONFIG, "4:3", "one name"},
        /* limits */
        {PATHS "  max_bytes: 0\n", ERR_CONFIG, "4:3", "between 1"},
        {PATHS "  max_bytes: -1\n", ERR_CONFIG, "4:3", "a size"},
        {PATHS "  max_bytes: 1GiB\n", ERR_CONFIG, "4:3", "between 1"},
        {PATHS "  max_bytes: 10 apples\n", ERR_CONFIG, "4:3", "a size"},
        {PATHS "  harvester_limit: -1\n", ERR_CONFIG, "4:3", "between 0"},
        {PATHS "  harvester_buffer_size: -1\n", ERR_CONFIG, "4:3", "a size"},
        {PATHS "  scan_frequency: 0\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  scan_frequency: -1s\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  backoff: 0s\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  max_backoff: 0\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  close_timeout: -1s\n", ERR_CONFIG, "4:3", "less than 0"},
        {PATHS "  clean_inactive: -1s\n", ERR_CONFIG, "4:3", "less than 0"},
        /* combinations */
        {PATHS "  clean_inactive: 1h\n", ERR_CONFIG, "4:3", "needs ignore_older"},
        {PATHS "  ignore_older: 1h\n  clean_inactive: 3610s\n", ERR_CONFIG, "5:3", "more than"},
        {PATHS "  multiline: {}\n", ERR_CONFIG, "4:3", "a pattern"},
        {PATHS "  multiline.pattern: x\n", ERR_CONFIG, "4:3", "match: after"},
        {PATHS "  multiline: {pattern: x, match: both}\n", ERR_CONFIG, "4:27", "after, before"},
        {PATHS "  multiline: {match: after}\n", ERR_CONFIG, "4:3", "a pattern"},
        {PATHS "  multiline: {type: count, pattern: x}\n", ERR_CONFIG, "4:3", "count_lines"},
        {PATHS "  multiline: {pattern: x, match: after, timeout: -1s}\n", ERR_CONFIG, "4:41",
         "less than 0"},
        {PATHS "  multiline: {pattern: x, match: after, max_lines: -1}\n", ERR_CONFIG, "4:41",
         "between 0"},
        /* what Filebeat has and we have not */
        {PATHS "  json.message_key: m\n", ERR_UNSUPPORTED, "4:3", "json"},
        {PATHS "  json: {}\n", ERR_UNSUPPORTED, "4:3", "json"},
        {PATHS "  encoding: utf-16-bom\n", ERR_UNSUPPORTED, "4:3", "\"utf-16-bom\""},
        {PATHS "  encoding: latin1\n", ERR_UNSUPPORTED, "4:3", "\"latin1\""},
        {PATHS "  file_identity.inode_marker.path: /m\n", ERR_UNSUPPORTED, "4:3", "inode_marker"},
        {PATHS "  line_terminator: form_feed\n", ERR_CONFIG, "4:3", "one of auto"},
    };
    fails(t, LOG, rows, ARRAY_COUNT(rows));
    static const struct mistake kinds[] = {
        {"filebeat.inputs: [x]\n", ERR_CONFIG, "1:19", "a map of options"},
        {"filebeat.inputs: [{type: container, paths: x}]\n", ERR_UNSUPPORTED, "1:20",
         "\"container\""},
        {"filebeat.inputs: [{type: [log], paths: x}]\n", ERR_UNSUPPORTED, "1:20", "\"?\""},
        {"filebeat.inputs: []\n", ERR_CONFIG, "1:1", "no input is enabled"},
    };
    fails(t, "", kinds, ARRAY_COUNT(kinds));
}

static void what_filestream_refuses(struct test *t)
{
    static const struct mistake rows[] = {
        {PATHS "  max_bytes: 1\n", ERR_CONFIG, "4:3", "max_bytes"},
        {PATHS "  close_inactive: 1m\n", ERR_CONFIG, "4:3", "close_inactive"},
        {PATHS "  close: 1\n", ERR_CONFIG, "4:3", "close must be a map"},
        {PATHS "  close.reader: [on_eof, true]\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  close.on_state_change.inactiv: 1\n", ERR_CONFIG, "4:3", "\"inactive\""},
        {PATHS "  prospector.scanner.check_interval: 0\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  backoff.init: 0s\n", ERR_CONFIG, "4:3", "more than 0"},
        {PATHS "  backoff: {max: 0s}\n", ERR_CONFIG, "4:13", "more than 0"},
        {PATHS "  backoff: 1s\n", ERR_CONFIG, "4:3", "must be a map"},
        {PATHS "  prospector.scanner.resend_on_touch: true\n", ERR_UNSUPPORTED, "4:3",
         "resend_on_touch"},
        {PATHS "  ignore_inactive: since_last_start\n", ERR_UNSUPPORTED, "4:3", "ignore_inactive"},
        {PATHS "  ignore_inactive_since: 1h\n", ERR_CONFIG, "4:3", "unknown option"},
        {PATHS "  parsers:\n  - ndjson: {}\n", ERR_UNSUPPORTED, "5:5", "\"ndjson\""},
        {PATHS "  parsers: [multiline]\n", ERR_CONFIG, "4:13", "a parser is a map"},
        {PATHS "  parsers: [{multiline: {type: count, count_lines: 2}}, {multiline: {type: count, "
               "count_lines: 2}}]\n",
         ERR_UNSUPPORTED, "4:58", "second multiline"},
        {PATHS "- {type: filestream, paths: y}\n", ERR_CONFIG, "4:3", "the id \"\""},
        {PATHS "  id: a\n- {type: filestream, id: a, paths: y}\n", ERR_CONFIG, "5:3", "\"a\""},
    };
    fails(t, FILESTREAM, rows, ARRAY_COUNT(rows));
}

/* Which of "a.log b.log a.gz" an input does not read, and which of the lines it does. */
static void patterns(struct test *t)
{
    static const struct {
        const char *text, *excluded, *wanted;
    } rows[] = {
        {LOG PATHS, "", "err warn debug "},
        {LOG PATHS "  exclude_files: '\\.gz$'\n", "/d/a.gz ", "err warn debug "},
        {LOG PATHS "  exclude_files: ['^/d/a', x]\n", "/d/a.log /d/a.gz ", "err warn debug "},
        {LOG PATHS "  include_lines: [err, '^w']\n", "", "err warn "},
        {LOG PATHS "  include_lines: r\n  exclude_lines: [wa]\n", "", "err "},
        {LOG PATHS "  exclude_lines: []\n", "", "err warn debug "},
        {FILESTREAM PATHS "  prospector.scanner.include_files: [log]\n", "/d/a.gz ",
         "err warn debug "},
        {FILESTREAM PATHS "  prospector.scanner: {include_files: [log], exclude_files: [b]}\n",
         "/d/b.log /d/a.gz ", "err warn debug "},
    };
    struct vfs *fs = vfs_mem_new();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ship *ship = NULL;
        struct buf out;
        struct str left = STR("/d/a.log /d/b.log /d/a.gz"), word;
        assert_ok(load(t, fs, rows[i].text, &ship), &t->err);
        const struct ship__input *input = ship->inputs[0];
        buf_init(&out, 0);
        while (str_split_next(&left, ' ', &word)) {
            if (ship__input_excludes(input, word))
                buf_printf(&out, "%.*s ", STR_ARG(word));
        }
        assert_str_eq(buf_str(&out), rows[i].excluded);
        buf_clear(&out);
        left = STR("err warn debug");
        while (str_split_next(&left, ' ', &word)) {
            if ((!input->include || ship__patterns_match(input->include, word)) &&
                !ship__patterns_match(input->exclude, word))
                buf_printf(&out, "%.*s ", STR_ARG(word));
        }
        assert_str_eq(buf_str(&out), rows[i].wanted);
        buf_deinit(&out);
        ship_free(ship);
    }
    vfs_mem_free(fs);
}

/* What the events of an input have of its own. */
static void fields_and_tags(struct test *t)
{
    static const struct {
        const char *text, *has, *has_not;
    } rows[] = {
        {PATHS "  fields: {a: 1, b.c: x}\n", "\"fields\":{\"a\":1,\"b\":{\"c\":\"x\"}}",
         "\"tags\""},
        {PATHS "  fields: {a: 1}\n  fields_under_root: true\n", "\"a\":1", "\"fields\""},
        {PATHS "  fields: {a: ~, b: {c: ~}}\n", "\"fields\":{\"b\":{}}", "null"},
        {PATHS "  fields: {a: ~}\n  keep_null: true\n", "\"fields\":{\"a\":null}", "\"tags\""},
        {PATHS "  fields: {}\n", "\"message\"", "\"fields\""},
        {PATHS "  tags: one\n", "\"tags\":[\"one\"]", "null"},
        {PATHS "  tags: [a, 7, yes]\n", "\"tags\":[\"a\",\"7\",\"true\"]", "null"},
        {PATHS "  tags: []\n", "\"message\"", "\"tags\""},
        {PATHS "  index: i-%{x}\n  pipeline: p\n", "\"pipeline\":\"p\",\"raw_index\":\"i-%{x}\"",
         "null"},
    };
    struct vfs *fs = vfs_mem_new();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ship *ship = NULL;
        struct buf out;
        assert_ok(load(t, fs, arena_printf(t->mem, LOG "%s", rows[i].text).p, &ship), &t->err);
        struct value event = ship__event_base(ship->inputs[0], STR("/d/x"), 0, t->mem);
        buf_init(&out, 0);
        value_to_json(&event, &out);
        assert_str_has(buf_str(&out), rows[i].has);
        assert_int_equal(str_find(buf_str(&out), str_from(rows[i].has_not)), -1);
        buf_deinit(&out);
        ship_free(ship);
    }
    vfs_mem_free(fs);
}

TEST_MAIN(TEST(what_log_takes), TEST(what_filestream_takes), TEST(what_log_refuses),
          TEST(what_filestream_refuses), TEST(patterns), TEST(fields_and_tags))
