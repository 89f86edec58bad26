/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "event/event.h"

static struct event *sample(struct test *t, struct batch *batch)
{
    struct event *ev = NULL;
    assert_ok(event_from_json(
                  batch,
                  STR("{\"@timestamp\":\"2025-01-22T04:52:33.987Z\",\"host\":\"h1\",\"n\":5,\"f\":"
                      "1.5,\"b\":true,"
                      "\"z\":null,\"tags\":[\"a\",\"b\",[1,2]],\"m\":{\"x\":{\"y\":\"deep\"}},"
                      "\"@metadata\":{\"id\":\"77\"}}"),
                  0, &ev, &t->err),
              &t->err);
    return ev;
}

static void prints(struct test *t)
{
    static const struct {
        const char *text, *want;
        bool is_complete, is_constant;
    } rows[] = {
        {"", "", true, true},
        {"plain", "plain", true, true},
        {"100% {x}", "100% {x}", true, true},
        {"open %{host", "open %{host", true, true},
        {"%{}", "%{}", true, true},
        {"a%{}b%{host}", "a%{}bh1", true, false},
        {"%{host}", "h1", true, false},
        {"[%{host}]-%{n}", "[h1]-5", true, false},
        {"%{f} %{b}", "1.5 true", true, false},
        {"%{[m][x][y]}", "deep", true, false},
        {"%{[tags][0]}", "a", true, false},
        {"%{[tags][-1]}", "1,2", true, false},
        {"%{tags}", "a,b,1,2", true, false},
        {"%{m}", "{\"x\":{\"y\":\"deep\"}}", true, false},
        {"%{[@metadata][id]}", "77", true, false},
        {"%{missing}!", "%{missing}!", false, false},
        {"%{[m][q]}", "%{[m][q]}", false, false},
        {"%{z}", "%{z}", false, false},
        {"logs-%{+YYYY.MM.dd}", "logs-2025.01.22", true, false},
        {"logs-%{+yyyy.MM.dd.HH}", "logs-2025.01.22.04", true, false},
        {"%{+%s}", "1737521553", true, false},
        {"%{@timestamp}", "2025-01-22T04:52:33.987Z", true, false},
        {"%{+xxxx.ww}%{host}", "2025.04h1", true, false},
    };
    struct batch *batch = batch_new(NULL);
    struct event *ev = sample(t, batch);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sprintf_template *template = NULL;
        assert_ok(sprintf_compile(t->mem, str_from(rows[i].text), &template, &t->err), &t->err);
        assert_str_eq(sprintf_text(template, ev, t->mem), rows[i].want);
        assert_int_equal(sprintf_is_complete(template, ev), rows[i].is_complete);
        assert_int_equal(sprintf_is_constant(template), rows[i].is_constant);
    }
    batch_unref(batch);
}

static void without_timestamp(struct test *t)
{
    struct batch *batch = batch_new(NULL);
    struct event *ev = batch_add(batch);
    struct sprintf_template *template = NULL;
    assert_ok(sprintf_compile(t->mem, STR("x-%{+yyyy}"), &template, &t->err), &t->err);
    assert_str_eq(sprintf_text(template, ev, t->mem), "x-%{+yyyy}");
    assert_false(sprintf_is_complete(template, ev));
    batch_unref(batch);
}

static void refuses(struct test *t)
{
    static const struct {
        const char *text;
        int64_t off;
    } rows[] = {{"ab %{[a}", 5}, {"%{a[b]}", 2}, {"x %{+yyyy-bb}", 10}, {"%{+'x}", 3}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sprintf_template *template;
        assert_err(sprintf_compile(t->mem, str_from(rows[i].text), &template, &t->err), &t->err,
                   ERR_INVALID);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

TEST_MAIN(TEST(prints), TEST(without_timestamp), TEST(refuses))
