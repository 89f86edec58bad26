/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

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

static int fill(struct test *t, const char *json, enum options_dialect dialect, struct sample *sample)
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
                   "{\"name\":5,\"ref\":\"[a][b]\",\"flag\":\"false\",\"count\":\"7\",\"ratio\":2,\"size\":\"10mb\",\"wait\":\"1m\","
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
    assert_ok(fill(t, "{\"name\":\"x\",\"size\":\"10mb\",\"list\":{\"a\":1}}", OPTIONS_JSON, &s), &t->err);
    assert_int_equal(s.size, 10 * MIB);
    assert_int_equal(s.list.list->count, 2);
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
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sample s;
        assert_err(fill(t, rows[i].json, OPTIONS_JSON, &s), &t->err, ERR_INVALID);
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

TEST_MAIN(TEST(fills_defaults), TEST(fills_values), TEST(refuses))
