/* SPDX-License-Identifier: Apache-2.0 */
/* stdout and null. */
#include "support/pipeline.h"

#include <fcntl.h>

#include "os/os.h"

static void prints_through_the_codec(struct test *t)
{
    struct str path = test_path(t, "out");
    (void)fflush(stdout);
    int old = dup(STDOUT_FILENO), file = open(path.p, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    (void)close(file);
    struct test_pipeline tp;
    struct pipeline *pipeline = NULL;
    test_pipeline_init(&tp, STR("input { generator { message => \"m\" count => 1000 } }"
                                "output { stdout { codec => line { format => "
                                "\"%{message}%{sequence}\" } } null { } }"));
    tp.config.clock = clock_system();
    int rc = pipeline_load(&tp.config, &pipeline, &t->err);
    rc = rc < 0 ? rc : pipeline_start(pipeline, &t->err);
    for (int i = 0; i < 1000 && rc == 0 && !pipeline_is_finished(pipeline); i++)
        clock_sleep_ns(clock_system(), 10 * NS_PER_MS);
    struct pipeline_totals totals;
    if (rc == 0)
        pipeline_totals(pipeline, &totals);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
    (void)dup2(old, STDOUT_FILENO);
    (void)close(old);
    assert_ok(rc, &t->err);
    assert_int_equal(totals.events_out, 1000);
    struct str text, line;
    assert_ok(vfs_read_file(vfs_posix(), path, MIB, t->mem, &text, &t->err), &t->err);
    for (int i = 0; i < 1000; i++) {
        assert_true(str_split_next(&text, '\n', &line));
        assert_strs_eq(line, arena_printf(t->mem, "m%d", i));
    }
}

TEST_MAIN(TEST(prints_through_the_codec))
