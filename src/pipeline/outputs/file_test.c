/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

#include "os/os.h"

/* Runs a configuration to its end on `fs`. */
static void run(struct test *t, struct test_pipeline *tp, const char *text)
{
    struct pipeline *pipeline;
    test_pipeline_init(tp, str_from(text));
    tp->config.clock = clock_system();
    assert_ok(pipeline_load(&tp->config, &pipeline, &t->err), &t->err);
    assert_ok(pipeline_start(pipeline, &t->err), &t->err);
    for (int i = 0; i < 1000 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    assert_true(pipeline_is_finished(pipeline));
    assert_null(pipeline_error(pipeline));
    pipeline_free(pipeline);
}

static void has(struct test *t, struct test_pipeline *tp, const char *path, const char *want)
{
    struct str text;
    assert_ok(vfs_read_file(tp->fs, str_from(path), MIB, t->mem, &text, &t->err), &t->err);
    assert_str_eq(text, want);
}

static void appends_lines(struct test *t)
{
    struct test_pipeline tp;
    run(t, &tp,
        "input { generator { lines => [\"a\", \"b\"] count => 2 } }"
        "output { file { path => \"out/all.log\" codec => line { format => "
        "\"%{message}%{sequence}\" } }"
        "         file { path => \"out/%{message}/x.log\" codec => plain { format => "
        "\"%{sequence}\" } } }");
    has(t, &tp, "out/all.log", "a0\nb0\na1\nb1\n");
    has(t, &tp, "out/a/x.log", "0\n1\n");
    has(t, &tp, "out/b/x.log", "0\n1\n");
    test_pipeline_deinit(&tp);
}

static void keeps_paths_in_their_folder(struct test *t)
{
    struct test_pipeline tp;
    run(t, &tp,
        "input { generator { message => \"../../etc/x\" count => 1 } }"
        "output { file { path => \"out/%{message}.log\" codec => line { format => \"hi\" } } }");
    has(t, &tp, "out/_filepath_failures", "hi\n");
    test_pipeline_deinit(&tp);
}

static void refuses_what_it_has_not(struct test *t)
{
    refuses(t, "output { file { } }", "1:15", "path");
    refuses(t, "output { file { path => \"x\" gzip => true } }", "1:10", "gzip");
    refuses(t, "output { file { path => \"x\" write_behavior => \"twist\" } }", NULL, "append");
}

TEST_MAIN(TEST(appends_lines), TEST(keeps_paths_in_their_folder), TEST(refuses_what_it_has_not))
