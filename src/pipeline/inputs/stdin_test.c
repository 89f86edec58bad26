/* SPDX-License-Identifier: Apache-2.0 */
/* stdin and generator: what they make, seen in a file that the pipeline writes. */
#include "support/pipeline.h"

#include "os/os.h"

static struct str run(struct test *t, const char *input)
{
    struct test_pipeline tp;
    struct pipeline *pipeline;
    struct str text;
    test_pipeline_init(
        &tp, arena_printf(t->mem,
                          "input { %s } output { file { path => \"out\" codec => line { format => "
                          "\"%%{message}|%%{host}|%%{sequence}|%%{type}|%%{tags}\" } } }",
                          input));
    tp.config.clock = clock_system();
    tp.config.batch_events_max = 3;
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    for (int i = 0; i < 1000 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_true(pipeline_is_finished(pipeline));
    pipeline_free(pipeline);
    assert_ok(vfs_read_file(tp.fs, STR("out"), MIB, t->mem, &text, &t->err), &t->err);
    test_pipeline_deinit(&tp);
    return text;
}

/* `text` as standard input while the pipeline runs. */
static struct str run_stdin(struct test *t, const char *input, const char *text)
{
    int fds[2], old = dup(STDIN_FILENO);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
    (void)close(fds[1]);
    assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
    (void)close(fds[0]);
    struct str out = run(t, input);
    if (old >= 0) {
        (void)dup2(old, STDIN_FILENO);
        (void)close(old);
    }
    return out;
}

static void generates(struct test *t)
{
    struct str host = os_hostname();
    assert_strs_eq(
        run(t, "generator { message => \"m\" count => 4 type => \"x\" tags => [\"p\", \"q\"] }"),
        arena_printf(t->mem,
                     "m|" STR_FMT "|0|x|p,q\nm|" STR_FMT "|1|x|p,q\nm|" STR_FMT
                     "|2|x|p,q\nm|" STR_FMT "|3|x|p,q\n",
                     STR_ARG(host), STR_ARG(host), STR_ARG(host), STR_ARG(host)));
    assert_str_has(
        run(t, "generator { lines => [\"{\\\"message\\\":\\\"j\\\",\\\"host\\\":\\\"h\\\"}\"] "
               "codec => json count => 1 }"),
        "|");
}

static void reads_standard_input(struct test *t)
{
    struct str host = os_hostname();
    assert_strs_eq(run_stdin(t, "stdin { }", "a\nb"),
                   arena_printf(t->mem,
                                "a|" STR_FMT "|%%{sequence}|%%{type}|%%{tags}\nb|" STR_FMT
                                "|%%{sequence}|%%{type}|%%{tags}\n",
                                STR_ARG(host), STR_ARG(host)));
    assert_str_eq(run_stdin(t, "stdin { codec => json type => \"t\" }",
                            "{\"message\":1,\"host\":\"h\"}\n{\"message\":2,\"host\":\"h\"}"),
                  "1|h|%{sequence}|t|%{tags}\n2|h|%{sequence}|t|%{tags}\n");
}

TEST_MAIN(TEST(generates), TEST(reads_standard_input))
