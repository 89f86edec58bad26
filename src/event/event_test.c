/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "event/event.h"
#include "event/iso8601.h"

static struct str printed(struct test *t, const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static struct event *from_json(struct test *t, struct batch *batch, const char *json)
{
    struct event *ev = NULL;
    assert_ok(event_from_json(batch, str_from(json), 1000000, &ev, &t->err), &t->err);
    return ev;
}

static void paths_parse(struct test *t)
{
    static const struct {
        const char *text, *want; /* parts joined by '/', "@" in front: metadata; NULL: refused */
    } rows[] = {
        {"a", "a/"},
        {"a b", "a b/"},
        {"a.b", "a.b/"},
        {"[a]", "a/"},
        {"[a][b]", "a/b/"},
        {"[[a][b]][c]", "a/b/c/"},
        {"[a][0]", "a/0/"},
        {"[@metadata][x]", "@x/"},
        {"[@metadata]", "@"},
        {"@metadata", "@"},
        {"@timestamp", "@timestamp/"},
        {"", NULL},
        {"[]", NULL},
        {"[a", NULL},
        {"a]", NULL},
        {"a[b]", NULL},
        {"[a]b", NULL},
        {"[a][", NULL},
        {"[a]]", NULL},
        {"[[]]", NULL},
        {"]", NULL},
        {"[", NULL},
        {"][", NULL},
        {"[]]", NULL},
        {"[[a]b]", NULL},
        {"[a[b]]", NULL},
        {"[[a]", NULL},
        {"[a]x[b]", NULL},
        {"a[]", NULL},
        {"[a][]", NULL},
        {"[[a]]", "a/"},
        {"[[[a]]][b]", "a/b/"},
        {"[ ]", " /"},
        {"[a][@metadata]", "a/@metadata/"},
        {"[@metadata][@metadata]", "@@metadata/"},
        {"[\xED\x95\x9C]", "\xED\x95\x9C/"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct field_path path;
        assert_int_equal(field_path_is_valid(str_from(rows[i].text)), rows[i].want != NULL);
        int rc = field_path_parse(t->mem, str_from(rows[i].text), &path, &t->err);
        if (!rows[i].want) {
            assert_err(rc, &t->err, ERR_INVALID);
            continue;
        }
        assert_ok(rc, &t->err);
        struct buf out;
        buf_init(&out, 0);
        if (path.is_metadata)
            buf_add_char(&out, '@');
        for (size_t k = 0; k < path.count; k++)
            buf_printf(&out, "%.*s/", STR_ARG(path.parts[k]));
        assert_str_eq(buf_str(&out), rows[i].want);
        buf_deinit(&out);
    }
}

static void paths_have_a_limit(struct test *t)
{
    struct buf text;
    struct field_path path;
    buf_init(&text, 0);
    for (size_t i = 0; i < FIELD_PATH_PARTS_MAX; i++)
        buf_add_str(&text, STR("[a]"));
    assert_ok(field_path_parse(t->mem, buf_str(&text), &path, &t->err), &t->err);
    assert_int_equal(path.count, FIELD_PATH_PARTS_MAX);
    buf_add_str(&text, STR("[a]"));
    assert_err(field_path_parse(t->mem, buf_str(&text), &path, &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "too many parts");
    buf_deinit(&text);
}

/* As Logstash: what is null on the way counts as not there. */
static void sets_through_null(struct test *t)
{
    struct batch *batch = batch_new(NULL);
    struct event *ev = from_json(t, batch, "{\"a\":null,\"l\":[null,1]}");
    assert_ok(event_set_text(ev, STR("[a][b][c]"), value_int(1), &t->err), &t->err);
    assert_int_equal(event_get_lit(ev, "[a][b][c]")->i, 1);
    assert_ok(event_set_text(ev, STR("[l][0][x]"), value_int(2), &t->err), &t->err);
    assert_int_equal(event_get_lit(ev, "[l][0][x]")->i, 2);
    assert_err(event_set_text(ev, STR("[l][1][x]"), value_int(2), &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "integer");
    assert_err(event_set_text(ev, STR("[@metadata]"), value_int(1), &t->err), &t->err, ERR_INVALID);
    assert_err(event_set_text(ev, STR("a[b"), value_int(1), &t->err), &t->err, ERR_INVALID);
    assert_null(event_get_text(ev, STR("a[b")));
    batch_unref(batch);
}

static void clones_share_nothing(struct test *t)
{
    struct batch *batch = batch_new(NULL);
    for (int i = 0; i < 200; i++) { /* past the first capacity */
        struct event *ev = from_json(
            t, batch, "{\"m\":{\"l\":[1,2]},\"tags\":[\"a\"],\"@metadata\":{\"k\":{\"x\":1}}}");
        ev->origin = (struct event_origin){7, (uint64_t)i};
    }
    struct event *ev = batch->events[150], *copy = event_clone(batch, ev);
    assert_int_equal(batch->count, 201);
    assert_ptr_equal(batch->events[200], copy);
    assert_true(value_eq(&ev->fields, &copy->fields) && value_eq(&ev->metadata, &copy->metadata));
    assert_int_equal(copy->origin.position, 150);
    event_tag(copy, STR("b"));
    assert_ok(event_set_text(copy, STR("[m][l][0]"), value_int(9), &t->err), &t->err);
    assert_ok(event_set_text(copy, STR("[@metadata][k][x]"), value_int(9), &t->err), &t->err);
    assert_false(event_has_tag(ev, STR("b")));
    assert_int_equal(event_get_lit(ev, "[m][l][0]")->i, 1);
    assert_int_equal(event_get_lit(ev, "[@metadata][k][x]")->i, 1);
    batch_unref(batch);
}

static void timestamps_of_events(struct test *t)
{
    static const struct {
        const char *json;
        const char *kept; /* in _@timestamp, NULL: the time was taken */
    } rows[] = {
        {"{\"@timestamp\":\"2025-01-22T04:52:33Z\"}", NULL},
        {"{\"@timestamp\":null}", NULL},
        {"{}", NULL},
        {"{\"@timestamp\":17}", "17"},
        {"{\"@timestamp\":[1]}", "[1]"},
        {"{\"@timestamp\":\"\"}", "\"\""},
        {"{\"@timestamp\":{\"a\":1}}", "{\"a\":1}"},
    };
    struct batch *batch = batch_new(NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct event *ev = from_json(t, batch, rows[i].json);
        int64_t ns;
        assert_true(event_timestamp_ns(ev, &ns));
        const struct value *kept = event_get_lit(ev, "_@timestamp");
        assert_int_equal(kept != NULL, rows[i].kept != NULL);
        assert_int_equal(event_has_tag(ev, STR("_timestampparsefailure")), rows[i].kept != NULL);
        if (kept)
            assert_str_eq(printed(t, kept), rows[i].kept);
    }
    struct event *ev = batch_add(batch);
    int64_t ns;
    assert_false(event_timestamp_ns(ev, &ns));
    value_map_set(ev->mem, &ev->fields, STR("@timestamp"), value_str(STR("2025-01-22")));
    assert_false(event_timestamp_ns(ev, &ns)); /* a text is no time */
    struct buf out;
    buf_init(&out, 0);
    event_to_json(batch->events[0], &out);
    assert_str_eq(buf_str(&out),
                  "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\",\"@version\":\"1\"}");
    buf_deinit(&out);
    batch_unref(batch);
}

static void gets_and_sets(struct test *t)
{
    struct batch *batch = batch_new(NULL);
    struct event *ev =
        from_json(t, batch, "{\"a\":{\"b\":[1,{\"c\":2}]},\"s\":\"x\",\"@metadata\":{\"m\":5}}");
    assert_int_equal(event_get_lit(ev, "[a][b][0]")->i, 1);
    assert_int_equal(event_get_lit(ev, "[a][b][-1][c]")->i, 2);
    assert_null(event_get_lit(ev, "[a][b][2]"));
    assert_null(event_get_lit(ev, "[s][x]"));
    assert_null(event_get_lit(ev, "[m]"));
    assert_int_equal(event_get_lit(ev, "[@metadata][m]")->i, 5);
    assert_ok(event_set_text(ev, STR("[new][deep]"), value_int(7), &t->err), &t->err);
    assert_int_equal(event_get_lit(ev, "[new][deep]")->i, 7);
    assert_ok(event_set_text(ev, STR("[a][b][0]"), value_int(8), &t->err), &t->err);
    assert_int_equal(event_get_lit(ev, "[a][b][0]")->i, 8);
    assert_ok(event_set_text(ev, STR("[@metadata][x][y]"), value_int(9), &t->err), &t->err);
    assert_int_equal(event_get_lit(ev, "[@metadata][x][y]")->i, 9);
    assert_err(event_set_text(ev, STR("[s][x]"), value_int(1), &t->err), &t->err, ERR_INVALID);
    assert_err(event_set_text(ev, STR("[a][b][9]"), value_int(1), &t->err), &t->err, ERR_INVALID);
    struct field_path path;
    struct value removed;
    assert_ok(field_path_parse(t->mem, STR("[a][b][0]"), &path, &t->err), &t->err);
    assert_true(event_remove(ev, &path, &removed));
    assert_int_equal(removed.i, 8);
    assert_ok(field_path_parse(t->mem, STR("[new]"), &path, &t->err), &t->err);
    assert_true(event_remove(ev, &path, NULL));
    assert_false(event_remove(ev, &path, NULL));
    (void)event_remove(ev, &(struct field_path){.is_metadata = true}, NULL);
    assert_null(event_get_lit(ev, "[@metadata][m]"));
    (void)value_map_remove(&ev->fields, STR("@timestamp"));
    assert_str_eq(printed(t, &ev->fields),
                  "{\"a\":{\"b\":[{\"c\":2}]},\"s\":\"x\",\"@version\":\"1\"}");
    batch_unref(batch);
}

static void reads_events(struct test *t)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{}", "{\"@timestamp\":\"1970-01-01T00:00:00.001Z\",\"@version\":\"1\"}"},
        {"{\"@timestamp\":\"2025-01-22T13:52:33+09:00\",\"@version\":\"2\"}",
         "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\",\"@version\":\"2\"}"},
        {"{\"@timestamp\":\"yesterday\"}",
         "{\"@timestamp\":\"1970-01-01T00:00:00.001Z\",\"_@timestamp\":\"yesterday\",\"tags\":[\"_"
         "timestampparsefailure\"],"
         "\"@version\":\"1\"}"},
        {"{\"@metadata\":{\"a\":1},\"x\":1}",
         "{\"x\":1,\"@timestamp\":\"1970-01-01T00:00:00.001Z\",\"@version\":\"1\"}"},
    };
    struct batch *batch = batch_new(NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct event *ev = from_json(t, batch, rows[i].json);
        assert_str_eq(printed(t, &ev->fields), rows[i].want);
    }
    struct event *ev;
    assert_err(event_from_json(batch, STR("[1]"), 0, &ev, &t->err), &t->err, ERR_INVALID);
    assert_err(event_from_json(batch, STR("{"), 0, &ev, &t->err), &t->err, ERR_JSON);
    assert_int_equal(batch->count, ARRAY_COUNT(rows));
    struct event *copy = event_clone(batch, batch->events[1]);
    assert_true(value_eq(&copy->fields, &batch->events[1]->fields));
    assert_ok(event_set_text(copy, STR("only"), value_bool(true), &t->err), &t->err);
    assert_null(event_get_lit(batch->events[1], "only"));
    batch_unref(batch);
}

static void tags(struct test *t)
{
    struct batch *batch = batch_new(NULL);
    struct event *ev = batch_add_stamped(batch, 5);
    assert_false(event_has_tag(ev, STR("a")));
    event_tag(ev, STR("a"));
    event_tag(ev, STR("b"));
    event_tag(ev, STR("a"));
    assert_str_eq(printed(t, event_get_lit(ev, "tags")), "[\"a\",\"b\"]");
    value_map_set(ev->mem, &ev->fields, STR("tags"), value_str(STR("x")));
    assert_true(event_has_tag(ev, STR("x")));
    event_tag(ev, STR("y"));
    assert_str_eq(printed(t, event_get_lit(ev, "tags")), "[\"x\",\"y\"]");
    int64_t ns;
    assert_true(event_timestamp_ns(ev, &ns));
    assert_int_equal(ns, 5);
    batch_unref(batch);
}

struct seen {
    int calls;
    uint64_t cookie;
    bool is_ok;
};

static void note(void *owner, uint64_t cookie, bool is_ok)
{
    struct seen *seen = owner;
    seen->calls++;
    seen->cookie = cookie;
    seen->is_ok = is_ok;
}

static void acknowledges(struct test *t)
{
    (void)t;
    for (int fails = 0; fails < 2; fails++) {
        struct seen seen = {.calls = 0};
        struct ack *ack = ack_new(note, &seen, 42);
        struct batch *batch = batch_new(ack_ref(ack));
        struct batch *second = batch_ref(batch);
        ack_unref(ack);
        batch_unref(batch);
        assert_int_equal(seen.calls, 0);
        if (fails)
            ack_fail(second->ack);
        batch_unref(second);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.cookie, 42);
        assert_int_equal(seen.is_ok, !fails);
    }
    ack_unref(NULL);
    ack_fail(NULL);
    assert_null(ack_ref(NULL));
    batch_unref(NULL);
}

static void timestamps_parse(struct test *t)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"2025-01-22T04:52:33.987Z", "2025-01-22T04:52:33.987Z"},
        {"2025-01-22T13:52:33+09:00", "2025-01-22T04:52:33.000Z"},
        {"2025-01-22T13:52:33+0900", "2025-01-22T04:52:33.000Z"},
        {"2025-01-22 04:52:33", "2025-01-22T04:52:33.000Z"},
        {"2025-01-22", "2025-01-22T00:00:00.000Z"},
        {"2025-01-22T04:52", "2025-01-22T04:52:00.000Z"},
        {"2025-01-22T04:52:33.123456789123Z", "2025-01-22T04:52:33.123456789Z"},
        {"2024-02-29", "2024-02-29T00:00:00.000Z"},
        {"2025-02-29", NULL},
        {"2025-13-01", NULL},
        {"2025-01-22T24:00", NULL},
        {"2025-01-22T", NULL},
        {"", NULL},
        {"2025-01-22T04:52:33.Z", NULL},
        {"2025-01-22T04:52:33+9", NULL},
        {"2025-01-22T04:52:33Zx", NULL},
        {"22.01.2025", NULL},
        {"2025-01-22T04:52:33,5-03:30", "2025-01-22T08:22:33.500Z"},
        {"2025-01-22T04:52:33+09", "2025-01-21T19:52:33.000Z"},
        {"2000-02-29", "2000-02-29T00:00:00.000Z"},
        {"1900-02-29", NULL},
        {"2025-04-31", NULL},
        {"2025-01-22T04:60", NULL},
        {"2025-01-22T04:52:60Z", NULL},
        {"2025-01-22T04:52:33+19:00", NULL},
        {"2025-01-22T04:52:33+09:", NULL},
        {"2025-01-22T04:52:33+09:60", NULL},
        {"2025-1-22", NULL},
        {"-2025-01-22", NULL},
        {"2025-01-22Z", NULL},
        {"2025-00-01", NULL},
        /* beyond what 64 bits of nanoseconds hold: the end of the range, whatever the zone */
        {"0001-01-01T00:00:00+09:00", "1677-09-21T00:12:43.145224192Z"},
        {"9999-12-31T23:59:59-09:00", "2262-04-11T23:47:16.854775807Z"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ns;
        bool is_ok = iso8601_parse(str_from(rows[i].text), &ns);
        if (is_ok != (rows[i].want != NULL))
            fail_msg("%s", rows[i].text);
        struct value v = value_time(is_ok ? ns : 0);
        if (is_ok)
            assert_str_eq(value_to_str(t->mem, &v), rows[i].want);
    }
}

TEST_MAIN(TEST(paths_parse), TEST(paths_have_a_limit), TEST(sets_through_null),
          TEST(clones_share_nothing), TEST(timestamps_of_events), TEST(gets_and_sets),
          TEST(reads_events), TEST(tags), TEST(acknowledges), TEST(timestamps_parse))
