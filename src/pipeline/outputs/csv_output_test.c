/* SPDX-License-Identifier: Apache-2.0 */
/* csv_output_test.c: lines and paths of the csv output. */
#include "support/pipeline.h"

#include "os/os.h"
#include "pipeline/registry.h"

struct rows {
    struct str json;
};
static const struct opt rows_opts[] = {OPT_STR(struct rows, json, .dflt = "", .help = "."),
                                       OPT_END};

static int rows_run(void *self, struct input *input, struct err *err)
{
    struct str lines = ((const struct rows *)self)->json, line;
    struct batch *batch = input_batch_new(input, NULL, NULL, 0);
    struct event *ev;
    while (lines.n && str_split_next(&lines, '\n', &line))
        if (line.n)
            TRY(event_from_json(batch, line, TEST_NOW_NS, &ev, err));
    if (input_push(input, batch, -1) < 0)
        batch_unref(batch);
    return 0;
}
static const struct input_type input_rows = {
    .name = "rows", .opts = rows_opts, .size = sizeof(struct rows), .run = rows_run};
const struct input_type *const test_input_types[] = {&input_rows, NULL};
const struct filter_type *const test_filter_types[] = {NULL};
const struct output_type *const test_output_types[] = {NULL};

/* Writes the events; the file `name` holds `want` then. */
static void writes(struct test *t, const char *json, const char *options, const char *name,
                   const char *want)
{
    struct test_pipeline tp;
    struct pipeline *pipeline = NULL;
    struct str got = STR("");
    test_pipeline_init(&tp,
                       arena_printf(t->mem, "input { rows { json => '%s' } } output { csv { %s } }",
                                    json, options));
    tp.config.clock = clock_system();
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    for (int i = 0; i < 500 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_ok(vfs_read_file(tp.fs, str_from(name), MIB, t->mem, &got, &t->err), &t->err);
    assert_str_eq(got, want);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

static void lines(struct test *t)
{
    static const struct {
        const char *json, *options, *want;
    } rows[] = {
        {"{\"a\":\"x\",\"b\":5}", "fields => [\"a\", \"b\"]", "x,5\n"},
        {"{\"a\":\"x\"}", "fields => [\"a\", \"b\", \"[c][d]\"]", "x,,\n"},
        {"{\"a\":\"\",\"b\":null}", "fields => [\"a\", \"b\"]", "\"\",\n"},
        {"{\"a\":\"x,y\",\"b\":\"q\\\"q\"}", "fields => [\"a\", \"b\"]", "\"x,y\",\"q\"\"q\"\n"},
        {"{\"a\":\"x\\ny\",\"b\":\" z\"}", "fields => [\"a\", \"b\"]", "\"x\ny\",\" z\"\n"},
        {"{\"a\":[1,2],\"b\":{\"c\":1.5}}", "fields => [\"a\", \"b\"]",
         "\"[1,2]\",\"{\"\"c\"\":1.5}\"\n"},
        {"{\"a\":\"=1+1\",\"b\":-1}", "fields => [\"a\", \"b\"]", "'=1+1,-1\n"},
        {"{\"a\":\"=1+1\"}", "fields => [\"a\"] spreadsheet_safe => false", "=1+1\n"},
        {"{\"a\":\"x;\",\"b\":\",\"}",
         "fields => [\"a\", \"b\"] csv_options => { \"col_sep\" => \";\" }", "\"x;\";,\n"},
        {"{\"a\":1}",
         "fields => [\"a\", \"b\"] csv_options => { \"force_quotes\" => true \"quote_char\" => "
         "\"$\" }",
         "$1$,$$\n"},
        {"{\"a\":1}\n{\"a\":2}", "fields => [\"a\"] csv_options => { \"write_headers\" => true }",
         "a\n1\n2\n"},
        {"{\"a\":1,\"@timestamp\":\"2026-01-26T00:00:00Z\"}", "fields => [\"@timestamp\", \"a\"]",
         "2026-01-26T00:00:00.000Z,1\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        writes(t, rows[i].json, arena_printf(t->mem, "path => \"out/a.csv\" %s", rows[i].options).p,
               "out/a.csv", rows[i].want);
}

static void paths(struct test *t)
{
    const char *options = "path => \"out/%{k}/x-%{v}.csv\" fields => [\"v\"]";
    writes(t, "{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}\n{\"k\":\"a\",\"v\":1}", options,
           "out/a/x-1.csv", "1\n1\n");
    writes(t, "{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}", options, "out/b/x-2.csv", "2\n");
    writes(t, "{\"k\":\"../../etc\",\"v\":7}", options, "out/_filepath_failures", "7\n");
}

static void refused(struct test *t)
{
    refuses(t, "input { rows { } } output { csv { path => \"x\" } }", NULL, "fields");
    refuses(t, "input { rows { } } output { csv { path => \"x\" fields => [\"a\"] gzip => true } }",
            NULL, "gzip");
    refuses(t,
            "input { rows { } } output { csv { path => \"x\" fields => [\"a\"] csv_options => { "
            "\"colsep\" => \";\" } } }",
            NULL, "colsep");
    refuses(t, "input { rows { } } output { csv { path => \"x\" fields => [\"a[b\"] } }", NULL,
            "a[b");
}

TEST_MAIN(TEST(lines), TEST(paths), TEST(refused))
