/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h: helpers for tests of filters and configurations: events as JSON in, a configuration,
 * events as JSON out.
 *
 *     gives(t, "mutate { uppercase => [\"a\"] }", "{\"a\":\"x\"}", "{\"a\":\"X\"}");
 *
 * The text is the inside of filter { }. Several events: one a line. The clock stands at
 * TEST_NOW_NS. "@timestamp" and
 * "@version" of what comes out count only when the expected event names them; "@metadata" is shown
 * as a field when the expected event names it. The order of fields does not count. */
#ifndef NARU_TESTS_SUPPORT_PIPELINE_H
#define NARU_TESTS_SUPPORT_PIPELINE_H

#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "os/vfs.h"
#include "pipeline/pipeline.h"

#define TEST_NOW_NS (INT64_C(1795309200) * NS_PER_S) /* 2026-11-22T01:00:00Z */

struct test_pipeline {
    struct clock_fake clock;
    struct vfs *fs;
    struct pipeline_config config;
};

TEST_INLINE void test_pipeline_init(struct test_pipeline *tp, struct str text)
{
    clock_fake_init(&tp->clock, TEST_NOW_NS);
    tp->fs = vfs_mem_new();
    tp->config = (struct pipeline_config){.id = STR("test"),
                                          .text = text,
                                          .fs = tp->fs,
                                          .clock = &tp->clock.base,
                                          .seed = 1,
                                          .data_path = STR("data"),
                                          .worker_count = 1};
    log_set_level(LOG_OFF);
}

TEST_INLINE void test_pipeline_deinit(struct test_pipeline *tp)
{
    vfs_mem_free(tp->fs);
}

TEST_INLINE struct value test_json(struct test *t, struct str json)
{
    struct value v;
    if (value_from_json(json, t->mem, &v, &t->err) < 0)
        fail_msg("not JSON: %s in %.*s", t->err.text, STR_ARG(json));
    return v;
}

TEST_INLINE struct value test_event_value(struct test *t, const struct event *ev,
                                          const struct value *want)
{
    struct buf out;
    buf_init(&out, 0);
    event_to_json(ev, &out);
    struct value v = test_json(t, arena_str(t->mem, buf_str(&out)));
    buf_deinit(&out);
    if (!want || !value_map_get_lit(want, "@timestamp"))
        (void)value_map_remove(&v, STR("@timestamp"));
    if (!want || !value_map_get_lit(want, "@version"))
        (void)value_map_remove(&v, STR("@version"));
    if (want && value_map_get_lit(want, "@metadata"))
        value_map_set(t->mem, &v, STR("@metadata"), value_copy(t->mem, &ev->metadata));
    return v;
}

TEST_INLINE void test__event_eq(struct test *t, const struct event *ev, struct str want_json,
                                const char *config, const char *file, int line)
{
    struct value want = test_json(t, want_json);
    struct value got = test_event_value(t, ev, &want);
    if (value_eq(&got, &want))
        return;
    struct buf out;
    buf_init(&out, 0);
    value_to_json(&got, &out);
    print_error("%s\ngot  %.*s\nwant %.*s\n", config, STR_ARG(buf_str(&out)), STR_ARG(want_json));
    buf_deinit(&out);
    _fail(file, line);
}

/* Adds one event per line. */
TEST_INLINE void test_events_add(struct test *t, struct batch *batch, struct str lines)
{
    struct str json;
    while (str_split_next(&lines, '\n', &json)) {
        struct event *ev;
        if (json.n > 0)
            assert_ok(event_from_json(batch, json, TEST_NOW_NS, &ev, &t->err), &t->err);
    }
}

TEST_INLINE void test__gives(struct test *t, const char *filters, const char *in, const char *out,
                             bool drains, const char *file, int line)
{
    struct test_pipeline tp;
    test_pipeline_init(&tp, arena_printf(t->mem, "filter { %s }", filters));
    struct pipeline *pipeline = NULL;
    if (pipeline_load(&tp.config, &pipeline, &t->err) < 0) {
        print_error("%s\n%u:%u: %s\n", filters, t->err.line, t->err.column, t->err.text);
        _fail(file, line);
    }
    struct batch *batch = batch_new(NULL), *drained = NULL;
    test_events_add(t, batch, str_from(in));
    struct event **events, **more;
    size_t count, more_count = 0, n = 0;
    pipeline_filter(pipeline, batch, &events, &count);
    if (drains)
        drained = pipeline_filter_drain(pipeline, &more, &more_count);
    struct str lines = str_from(out), json;
    while (str_split_next(&lines, '\n', &json)) {
        if (json.n == 0)
            continue;
        if (n >= count + more_count) {
            print_error("%s\nonly %zu events came out\n", filters, n);
            _fail(file, line);
        }
        test__event_eq(t, n < count ? events[n] : more[n - count], json, filters, file, line);
        n++;
    }
    if (n != count + more_count) {
        print_error("%s\n%zu events came out, not %zu\n", filters, count + more_count, n);
        _fail(file, line);
    }
    batch_unref(batch);
    batch_unref(drained);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}
#define gives(t, filters, in, out)                                                                 \
    test__gives((t), (filters), (in), (out), false, __FILE__, __LINE__)
#define gives_drained(t, filters, in, out)                                                         \
    test__gives((t), (filters), (in), (out), true, __FILE__, __LINE__)

/* Loading fails, with the place "line:column" (NULL: any) and a text that has `part` in it.
 * `config` is a whole configuration. */
TEST_INLINE void test__refuses(struct test *t, const char *config, const char *place,
                               const char *part, const char *file, int line)
{
    struct test_pipeline tp;
    test_pipeline_init(&tp, str_from(config));
    struct pipeline *pipeline = NULL;
    char got[32];
    if (pipeline_load(&tp.config, &pipeline, &t->err) >= 0) {
        print_error("%s\nwas accepted\n", config);
        _fail(file, line);
    }
    (void)snprintf(got, sizeof(got), "%u:%u", t->err.line, t->err.column);
    if ((place && strcmp(got, place) != 0) || !strstr(t->err.text, part)) {
        print_error("%s\ngot  %s: %s\nwant %s: …%s…\n", config, got, t->err.text,
                    place ? place : "any", part);
        _fail(file, line);
    }
    test_pipeline_deinit(&tp);
}
#define refuses(t, config, place, part)                                                            \
    test__refuses((t), (config), (place), (part), __FILE__, __LINE__)

TEST_INLINE void test__accepts(struct test *t, const char *config, const char *file, int line)
{
    struct test_pipeline tp;
    test_pipeline_init(&tp, str_from(config));
    struct pipeline *pipeline = NULL;
    if (pipeline_load(&tp.config, &pipeline, &t->err) < 0) {
        print_error("%s\n%u:%u: %s\n", config, t->err.line, t->err.column, t->err.text);
        _fail(file, line);
    }
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}
#define accepts(t, config) test__accepts((t), (config), __FILE__, __LINE__)

#endif
