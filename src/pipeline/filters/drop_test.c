/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

static void lets_events_go(struct test *t)
{
    gives(t, "if [n] == 1 { drop { } }", "{\"n\":1}\n{\"n\":2}", "{\"n\":2}");
    gives(t, "drop { percentage => 0 }", "{\"n\":1}", "{\"n\":1}");
    refuses(t, "filter { drop { percentage => 101 } }", "1:10", "0 to 100");
}

static void lets_a_share_go(struct test *t)
{
    struct test_pipeline tp;
    struct pipeline *pipeline;
    test_pipeline_init(&tp, STR("filter { drop { percentage => 25 } }"));
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    struct batch *batch = batch_new(NULL);
    for (int i = 0; i < 10000; i++)
        (void)batch_add_stamped(batch, TEST_NOW_NS);
    struct event **events;
    size_t count;
    pipeline_filter(pipeline, batch, &events, &count);
    assert_in_range(count, 7000, 8000);
    batch_unref(batch);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

TEST_MAIN(TEST(lets_events_go), TEST(lets_a_share_go))
