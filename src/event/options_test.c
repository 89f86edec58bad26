/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "event/options.h"

struct sample {
    struct str name, ref, secret;
    bool flag;
    int64_t count;
    double ratio;
    uint64_t size;
    int64_t wait_ns;
    int mode;
    struct value list, map, any;
};

static const char *const modes[] = {"fast", "slow", NULL};
static const struct opt sample_opts[] = {
    OPT_STR(struct sample, name, .flags = OPT_REQUIRED, .help = "What it is called."),
    OPT_FIELD(struct sample, ref),
    OPT_STR(struct sample, secret, .flags = OPT_SECRET),
    OPT_BOOL(struct sample, flag, .dflt = "true"),
    OPT_INT(struct sample, count, .dflt = "5", .min = 1, .max = 10),
    OPT_FLOAT(struct sample, ratio, .dflt = "0.5"),
    OPT_SIZE(struct sample, size, .dflt = "1KiB"),
    OPT_DURATION(struct sample, wait_ns, .name = "wait", .dflt = "10s"),
    OPT_ENUM(struct sample, mode, .dflt = "fast", .choices = modes),
    OPT_LIST(struct sample, list),
    OPT_MAP(struct sample, map),
    OPT_VALUE(struct sample, any),
    OPT_END,
};

static int fill(struct test *t, const char *json, enum options_dialect dialect,
                struct sample *sample)
{
    struct value map;
    assert_ok(value_from_json(str_from(json), t->mem, &map, &t->err), &t->err);
    memset(sample, 0, sizeof(*sample));
    static const char *const skip[] = {"id", NULL};
    return options_fill(sample_opts, sample, &map, dialect, t->mem, skip, NULL, NULL, &t->err);
}

static void fills_defaults(struct test *t)
{
    struct sample s;
    assert_ok(fill(t, "{\"name\":\"x\",\"id\":7}", OPTIONS_JSON, &s), &t->err);
    assert_str_eq(s.name, "x");
    assert_null(s.ref.p);
    assert_true(s.flag);
    assert_int_equal(s.count, 5);
    assert_true(s.ratio > 0.49 && s.ratio < 0.51);
    assert_int_equal(s.size, 1024);
    assert_int_equal(s.wait_ns, 10 * NS_PER_S);
    assert_int_equal(s.mode, 0);
    assert_int_equal(s.list.kind, VALUE_NONE);
}

static void fills_values(struct test *t)
{
    struct sample s;
    assert_ok(fill(t,
                   "{\"name\":5,\"ref\":\"[a][b]\",\"flag\":\"false\",\"count\":\"7\",\"ratio\":2,"
                   "\"size\":\"10mb\",\"wait\":\"1m\","
                   "\"mode\":\"slow\",\"list\":\"one\",\"map\":[\"k\",1],\"any\":[1,2]}",
                   OPTIONS_LOGSTASH, &s),
              &t->err);
    assert_str_eq(s.name, "5");
    assert_str_eq(s.ref, "[a][b]");
    assert_false(s.flag);
    assert_int_equal(s.count, 7);
    assert_int_equal(s.size, 10000000);
    assert_int_equal(s.wait_ns, 60 * NS_PER_S);
    assert_int_equal(s.mode, 1);
    assert_int_equal(s.list.list->count, 1);
    assert_int_equal(value_map_get_lit(&s.map, "k")->i, 1);
    assert_int_equal(s.any.list->count, 2);
    assert_ok(fill(t, "{\"name\":\"x\",\"size\":\"10mb\",\"list\":{\"a\":1}}", OPTIONS_JSON, &s),
              &t->err);
    assert_int_equal(s.size, 10 * MIB);
    assert_int_equal(s.list.list->count, 2);
    assert_ok(fill(t, "{\"name\":\"x\",\"size\":\"10mb\",\"list\":{\"a\":1},\"wait\":\"-1m1.5s\"}",
                   OPTIONS_BEATS, &s),
              &t->err);
    assert_int_equal(s.size, 10 * MIB);
    assert_int_equal(s.list.list->count, 1);
    assert_int_equal(s.wait_ns, -61500 * NS_PER_MS);
    assert_err(fill(t, "{\"name\":\"x\",\"wait\":\"1m1s\"}", OPTIONS_JSON, &s), &t->err,
               ERR_INVALID);
    assert_err(fill(t, "{\"name\":\"x\",\"map\":[\"k\",1]}", OPTIONS_BEATS, &s), &t->err,
               ERR_INVALID);
}

static void note(void *owner, uint32_t pos, const char *text)
{
    struct buf *notes = owner;
    buf_printf(notes, "%u: %s\n", pos, text);
}

static void warns(struct test *t)
{
    struct old {
        struct str was, gone, now;
    } old = {.was = STR_NONE};
    static const struct opt opts[] = {OPT_STR(struct old, was, .flags = OPT_DEPRECATED),
                                      OPT_STR(struct old, gone, .flags = OPT_OBSOLETE),
                                      OPT_STR(struct old, now), OPT_END};
    struct value map;
    struct buf notes;
    buf_init(&notes, 0);
    assert_ok(
        value_from_json(STR("{\"was\":\"a\",\"now\":\"b\",\"gone\":\"c\"}"), t->mem, &map, &t->err),
        &t->err);
    assert_ok(options_fill(opts, &old, &map, OPTIONS_LOGSTASH, t->mem, NULL, note, &notes, &t->err),
              &t->err);
    assert_str_eq(buf_str(&notes), "8: option \"was\" is deprecated\n29: option \"gone\" is "
                                   "accepted and has no effect here\n");
    assert_str_eq(old.was, "a");
    assert_ok(options_fill(opts, &old, &map, OPTIONS_LOGSTASH, t->mem, NULL, NULL, NULL, &t->err),
              &t->err);
    buf_deinit(&notes);
}

static void without_a_table(struct test *t)
{
    struct value none = {.kind = VALUE_NONE}, map = value_map(t->mem, 1);
    assert_ok(options_fill(NULL, NULL, &none, OPTIONS_JSON, t->mem, NULL, NULL, NULL, &t->err),
              &t->err);
    value_map_set(t->mem, &map, STR("a"), value_int(1));
    assert_err(options_fill(NULL, NULL, &map, OPTIONS_JSON, t->mem, NULL, NULL, NULL, &t->err),
               &t->err, ERR_INVALID);
    assert_err_has(&t->err, "unknown option \"a\"");
}

/* null in JSON is "not given"; in a configuration there is no null. */
static void null_is_not_given(struct test *t)
{
    struct sample s;
    assert_ok(
        fill(t, "{\"name\":\"x\",\"count\":null,\"list\":null,\"any\":null}", OPTIONS_JSON, &s),
        &t->err);
    assert_int_equal(s.count, 5);
    assert_int_equal(s.list.kind, VALUE_NONE);
    assert_err(fill(t, "{\"name\":null}", OPTIONS_JSON, &s), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "required option \"name\"");
}

/* What a wrong secret holds is not told. */
static void keeps_secrets(struct test *t)
{
    struct secret {
        int64_t pin;
    } secret = {0};
    static const struct opt opts[] = {OPT_INT(struct secret, pin, .flags = OPT_SECRET), OPT_END};
    struct value map;
    assert_ok(value_from_json(STR("{\"pin\":\"hunter2\"}"), t->mem, &map, &t->err), &t->err);
    assert_err(options_fill(opts, &secret, &map, OPTIONS_JSON, t->mem, NULL, NULL, NULL, &t->err),
               &t->err, ERR_INVALID);
    assert_null(strstr(t->err.text, "hunter2"));
}

static void coerces(struct test *t)
{
    static const struct {
        const char *json; /* beside the name */
        enum options_dialect dialect;
        int64_t count, wait_ns, size, mode;
        double ratio;
        const char *name;
    } rows[] = {
        {"\"name\":true", OPTIONS_JSON, 5, 10 * NS_PER_S, 1024, 0, 0.5, "true"},
        {"\"name\":1.5", OPTIONS_JSON, 5, 10 * NS_PER_S, 1024, 0, 0.5, "1.5"},
        {"\"name\":92233720368547758070", OPTIONS_JSON, 5, 10 * NS_PER_S, 1024, 0, 0.5,
         "92233720368547758070"},
        {"\"name\":\"\",\"count\":3.0,\"wait\":2", OPTIONS_JSON, 3, 2 * NS_PER_S, 1024, 0, 0.5, ""},
        {"\"name\":\"x\",\"count\":\"4.0\",\"wait\":0.5", OPTIONS_LOGSTASH, 4, NS_PER_S / 2, 1024,
         0, 0.5, "x"},
        {"\"name\":\"x\",\"size\":\"1kb\",\"ratio\":\"0.25\"", OPTIONS_LOGSTASH, 5, 10 * NS_PER_S,
         1000, 0, 0.25, "x"},
        {"\"name\":\"x\",\"size\":\"1kb\",\"ratio\":1", OPTIONS_JSON, 5, 10 * NS_PER_S, 1024, 0,
         1.0, "x"},
        {"\"name\":\"x\",\"size\":77,\"wait\":\"500ms\",\"mode\":\"slow\"", OPTIONS_JSON, 5,
         NS_PER_S / 2, 77, 1, 0.5, "x"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sample s;
        assert_ok(fill(t, arena_printf(t->mem, "{%s}", rows[i].json).p, rows[i].dialect, &s),
                  &t->err);
        assert_str_eq(s.name, rows[i].name);
        assert_int_equal(s.count, rows[i].count);
        assert_int_equal(s.wait_ns, rows[i].wait_ns);
        assert_int_equal(s.size, rows[i].size);
        assert_int_equal(s.mode, rows[i].mode);
        assert_true(s.ratio > rows[i].ratio - 1e-9 && s.ratio < rows[i].ratio + 1e-9);
    }
}

static void refuses(struct test *t)
{
    static const struct {
        const char *json, *part;
        int64_t off;
    } rows[] = {
        {"{}", "required option \"name\"", 0},
        {"{\"name\":\"x\",\"cuont\":1}", "did you mean \"count\"", 20},
        {"{\"name\":\"x\",\"count\":11}", "between 1 and 10", 20},
        {"{\"name\":\"x\",\"count\":\"a\"}", "a whole number", 20},
        {"{\"name\":\"x\",\"flag\":\"yes\"}", "true or false", 19},
        {"{\"name\":\"x\",\"mode\":\"medium\"}", "one of fast, slow", 19},
        {"{\"name\":\"x\",\"ref\":\"a[b]\"}", "field reference", 18},
        {"{\"name\":[1]}", "must be a string", 8},
        {"{\"name\":\"x\",\"map\":[1]}", "a hash", 18},
        {"{\"name\":\"x\",\"wait\":\"soon\"}", "a duration", 19},
        {"{\"name\":\"x\",\"size\":\"big\"}", "a size", 19},
        {"{\"name\":\"x\",\"size\":-1}", "a size like 64KiB or 10mb, not", 19},
        {"{\"name\":\"x\",\"count\":0}", "between 1 and 10", 20},
        {"{\"name\":\"x\",\"count\":1.5}", "a whole number", 20},
        {"{\"name\":\"x\",\"count\":92233720368547758070}", "a whole number", 20},
        {"{\"name\":\"x\",\"ratio\":\"much\"}", "a number, not \"much\"", 20},
        {"{\"name\":\"x\",\"flag\":1}", "true or false, not", 19},
        {"{\"name\":\"x\",\"mode\":[\"fast\"]}", "one of fast, slow", 19},
        {"{\"name\":\"x\",\"ref\":5}", "field reference", 18},
        {"{\"name\":\"x\",\"map\":5}", "a hash", 18},
        {"{\"name\":\"x\",\"map\":[1,2]}", "a string as key", 19},
        {"{\"name\":\"x\",\"wait\":[1]}", "a duration", 19},
        {"{\"name\":\"x\",\"unlike_any\":1}", "unknown option \"unlike_any\"", 25},
        {"{\"name\":{}}", "must be a string", 8},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sample s;
        assert_err(fill(t, rows[i].json, OPTIONS_JSON, &s), &t->err, ERR_INVALID);
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

TEST_MAIN(TEST(warns), TEST(without_a_table), TEST(null_is_not_given), TEST(coerces),
          TEST(keeps_secrets), TEST(fills_defaults), TEST(fills_values), TEST(refuses))
