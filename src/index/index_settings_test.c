/* SPDX-License-Identifier: Apache-2.0 */
/* index_settings_test.c: which settings an index takes, how they are named, refused (in
 * Elasticsearch 7.10's words), taken back and shown, and what those that act come to. */
#include "support/store.h"

#include "base/buf.h"

static struct value json(struct test *t, const char *text)
{
    struct value v;
    assert_ok(value_from_json(str_from(text), t->mem, &v, &t->err), &t->err);
    return v;
}

static const char *text_of(struct test *t, const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    const char *text = arena_cstr(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

/* What "i" shows, but for what every index has. */
static const char *shown(struct store *s)
{
    static const char *const common[] = {"creation_date", "provided_name", "uuid", "version"};
    struct test *t = s->t;
    struct value settings;
    assert_ok(engine_settings_get(s->engine, STR("i"), t->mem, &settings, &t->err), &t->err);
    struct value *index = value_map_get_lit(&settings, "index");
    assert_int_equal(settings.map->count, 1);
    for (size_t i = 0; i < ARRAY_COUNT(common); i++)
        assert_true(value_map_remove(index, str_from(common[i])));
    return text_of(t, index);
}

static void reopen(struct store *s)
{
    store_close(s);
    store_open(s);
}

static int put(struct store *s, const char *body)
{
    struct value v = json(s->t, body);
    return engine_settings_put(s->engine, STR("i"), &v, &s->t->err);
}

static void recreate(struct store *s, const char *settings)
{
    struct test *t = s->t;
    if (engine_index_exists(s->engine, STR("i")))
        assert_ok(engine_index_delete(s->engine, STR("i"), &t->err), &t->err);
    store_create(s, "i", arena_printf(t->mem, "{\"settings\":%s}", settings).p);
}

#define COUNTS "\"number_of_shards\":\"1\",\"number_of_replicas\":\"1\""

/* Flat, nested, with and without "index.", as texts and as numbers: all come to the same. */
static void shapes(struct test *t)
{
    static const struct {
        const char *given, *shown;
    } rows[] = {
        {"{}", "{" COUNTS "}"},
        {"{\"index\":{}}", "{" COUNTS "}"},
        {"{\"index.refresh_interval\":\"5s\"}", "{\"refresh_interval\":\"5s\"," COUNTS "}"},
        {"{\"index\":{\"refresh_interval\":\"5s\"}}", "{\"refresh_interval\":\"5s\"," COUNTS "}"},
        {"{\"refresh_interval\":\"5s\"}", "{\"refresh_interval\":\"5s\"," COUNTS "}"},
        {"{\"refresh_interval\":-1}", "{\"refresh_interval\":\"-1\"," COUNTS "}"},
        {"{\"number_of_replicas\":0,\"number_of_shards\":\"3\"}",
         "{\"number_of_replicas\":\"0\",\"number_of_shards\":\"3\"}"},
        {"{\"index.mapping\":{\"depth.limit\":7}}",
         "{\"mapping\":{\"depth\":{\"limit\":\"7\"}}," COUNTS "}"},
        {"{\"mapping.depth\":{\"limit\":7},\"index\":{\"mapping.total_fields\":{\"limit\":9}}}",
         "{\"mapping\":{\"depth\":{\"limit\":\"7\"},\"total_fields\":{\"limit\":\"9\"}}," COUNTS
         "}"},
        {"{\"refresh_interval\":\"5s\",\"index.refresh_interval\":\"6s\"}",
         "{\"refresh_interval\":\"6s\"," COUNTS "}"},
        {"{\"indexing\":true}", "{\"indexing\":\"true\"," COUNTS "}"},
        {"{\"index\":\"x\"}", "{\"index\":\"x\"," COUNTS "}"},
        /* nobody knows these; they are kept */
        {"{\"a\":1.5,\"b\":false,\"c\":[1,\"x\",true],\"d\":\"\"}",
         "{\"a\":\"1.5\",\"b\":\"false\",\"c\":[\"1\",\"x\",\"true\"],\"d\":\"\"," COUNTS "}"},
        /* a name below a name that has a value itself, in any order */
        {"{\"a\":1,\"a.b\":2,\"a.c\":{\"d\":3}}",
         "{\"a\":\"1\",\"a.b\":\"2\",\"a.c.d\":\"3\"," COUNTS "}"},
        {"{\"x.a.b\":2,\"x.a\":1}", "{\"x\":{\"a.b\":\"2\",\"a\":\"1\"}," COUNTS "}"},
        {"{\"uuid.x\":1}", "{\"uuid.x\":\"1\"," COUNTS "}"},
        /* a null is as if it were not there */
        {"{\"number_of_shards\":null,\"refresh_interval\":null,\"a\":null,\"b\":1}",
         "{\"b\":\"1\"," COUNTS "}"},
        {"{\"index\":{\"number_of_replicas\":null},\"x.*\":null}", "{" COUNTS "}"},
    };
    struct store s;
    store_init(&s, t);
    store_open(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        recreate(&s, rows[i].given);
        const char *before = shown(&s);
        if (strcmp(before, rows[i].shown) != 0)
            fail_msg("%s: %s, not %s", rows[i].given, before, rows[i].shown);
        reopen(&s);
        assert_string_equal(shown(&s), before);
    }
    store_deinit(&s);
}

/* One after the other, of an open index. */
static void changes(struct test *t)
{
    static const struct {
        const char *given, *shown;
    } rows[] = {
        {"{}", "{" COUNTS "}"},
        {"{\"settings\":{\"refresh_interval\":\"5s\"}}",
         "{" COUNTS ",\"refresh_interval\":\"5s\"}"},
        {"{\"settings\":{\"index\":{\"refresh_interval\":\"6s\"}}}",
         "{" COUNTS ",\"refresh_interval\":\"6s\"}"},
        {"{\"index\":{\"number_of_replicas\":2}}",
         "{\"number_of_shards\":\"1\",\"number_of_replicas\":\"2\",\"refresh_interval\":\"6s\"}"},
        {"{\"settings\":\"x\"}",
         "{\"number_of_shards\":\"1\",\"number_of_replicas\":\"2\",\"refresh_interval\":\"6s\","
         "\"settings\":\"x\"}"},
        {"{\"settings\":null,\"never\":null,\"index.refresh_interval\":null}",
         "{\"number_of_shards\":\"1\",\"number_of_replicas\":\"2\"}"},
        {"{\"number_of_replicas\":null}", "{" COUNTS "}"},
        {"{\"a.b\":1,\"a.c\":2,\"ab\":3}",
         "{" COUNTS ",\"a\":{\"b\":\"1\",\"c\":\"2\"},\"ab\":\"3\"}"},
        {"{\"index.a.*\":null}", "{" COUNTS ",\"ab\":\"3\"}"},
        {"{\"refresh_interval\":\"1s\",\"number_of_replicas\":4}",
         "{\"number_of_shards\":\"1\",\"number_of_replicas\":\"4\",\"ab\":\"3\","
         "\"refresh_interval\":\"1s\"}"},
        {"{\"*\":null}", "{" COUNTS "}"},
    };
    struct store s;
    store_begin(&s, t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (put(&s, rows[i].given) < 0)
            fail_msg("%s: %s", rows[i].given, t->err.text);
        struct value got = json(t, shown(&s)), want = json(t, rows[i].shown);
        if (!value_eq(&got, &want))
            fail_msg("%s: %s, not %s", rows[i].given, text_of(t, &got), rows[i].shown);
        reopen(&s);
        got = json(t, shown(&s));
        assert_true(value_eq(&got, &want));
    }
    store_deinit(&s);
}

#define UNKNOWN                                                                                    \
    "] please check that any required plugins are installed, or check the breaking changes "       \
    "documentation for removed settings"

static const struct {
    const char *given, *text;
} faults[] = {
    {"{\"number_of_replicas\":-1}",
     "Failed to parse value [-1] for setting [index.number_of_replicas] must be >= 0"},
    {"{\"number_of_replicas\":\"two\"}",
     "Failed to parse value [two] for setting [index.number_of_replicas]"},
    {"{\"number_of_replicas\":1.5}",
     "Failed to parse value [1.5] for setting [index.number_of_replicas]"},
    {"{\"number_of_replicas\":true}",
     "Failed to parse value [true] for setting [index.number_of_replicas]"},
    {"{\"number_of_replicas\":\"\"}",
     "Failed to parse value [] for setting [index.number_of_replicas]"},
    {"{\"number_of_replicas\":[1]}",
     "Failed to parse value [[1]] for setting [index.number_of_replicas]"},
    {"{\"number_of_shards\":0}",
     "Failed to parse value [0] for setting [index.number_of_shards] must be >= 1"},
    {"{\"number_of_shards\":1025}",
     "Failed to parse value [1025] for setting [index.number_of_shards] must be <= 1024"},
    {"{\"mapping.depth.limit\":0}",
     "Failed to parse value [0] for setting [index.mapping.depth.limit] must be >= 1"},
    {"{\"mapping.total_fields.limit\":\"-5\"}",
     "Failed to parse value [-5] for setting [index.mapping.total_fields.limit] must be >= 0"},
    {"{\"merge.scheduler.auto_throttle\":\"yes\"}",
     "Failed to parse value [yes] as only [true] or [false] are allowed."},
    {"{\"merge.scheduler.auto_throttle\":1}",
     "Failed to parse value [1] as only [true] or [false] are allowed."},
    {"{\"refresh_interval\":\"often\"}",
     "failed to parse setting [index.refresh_interval] with value [often] as a time value: unit is "
     "missing or unrecognized"},
    {"{\"refresh_interval\":5}",
     "failed to parse setting [index.refresh_interval] with value [5] as a time value: unit is "
     "missing or unrecognized"},
    {"{\"refresh_interval\":\"\"}",
     "failed to parse setting [index.refresh_interval] with value [] as a time value: unit is "
     "missing or unrecognized"},
    {"{\"refresh_interval\":\"5M\"}",
     "failed to parse setting [index.refresh_interval] with value [5M] as a time value: unit is "
     "missing or unrecognized"},
    {"{\"refresh_interval\":\"1w\"}",
     "failed to parse setting [index.refresh_interval] with value [1w] as a time value: unit is "
     "missing or unrecognized"},
    {"{\"refresh_interval\":\"1.5s\"}",
     "failed to parse [1.5s], fractional time values are not supported"},
    {"{\"refresh_interval\":\"5us\"}", "failed to parse [5us]"},
    {"{\"refresh_interval\":\"ms\"}", "failed to parse [ms]"},
    {"{\"refresh_interval\":\"-2s\"}",
     "failed to parse setting [index.refresh_interval] with value [-2s] as a time value: negative "
     "durations are not supported"},
    {"{\"refresh_interval\":\"-1s\"}",
     "failed to parse value [-1s] for setting [index.refresh_interval], must be >= [-1]"},
    {"{\"search.idle.after\":-1}",
     "failed to parse value [-1] for setting [index.search.idle.after], must be >= [0m]"},
    {"{\"search.idle.after\":\"-1nanos\"}",
     "failed to parse value [-1nanos] for setting [index.search.idle.after], must be >= [0m]"},
    {"{\"search.idle.after\":\"110000d\"}", "failed to parse setting [index.search.idle.after] "
                                            "with value [110000d] as a time value: it is "
                                            "longer than nanoseconds reach"},
    {"{\"uuid\":\"x\"}", "unknown setting [index.uuid" UNKNOWN},
    {"{\"index\":{\"creation_date\":1}}", "unknown setting [index.creation_date" UNKNOWN},
    {"{\"provided_name\":\"x\"}", "unknown setting [index.provided_name" UNKNOWN},
    {"{\"version\":{\"created\":1}}", "unknown setting [index.version.created" UNKNOWN},
    {"{\"index.a.*\":1}", "unknown setting [index.a.*" UNKNOWN},
    {"{\"*\":1}", "unknown setting [*" UNKNOWN},
};

/* By a new index and by an open one, which keeps what it has: nothing of the body goes in. */
static void refused_values(struct test *t)
{
    struct store s;
    store_begin(&s, t);
    const char *before = shown(&s);
    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        struct value inner = json(t, faults[i].given), body = value_map(t->mem, 2);
        struct value change = value_map(t->mem, 2);
        value_map_set(t->mem, &body, STR("settings"), inner);
        value_map_set(t->mem, &change, STR("other"), value_str(STR("x")));
        for (size_t k = 0; k < inner.map->count; k++)
            value_map_set(t->mem, &change, inner.map->keys[k], inner.map->values[k]);
        int rc = engine_index_create(s.engine, STR("new"), &body, &t->err);
        assert_err(rc, &t->err, ERR_INVALID);
        assert_str_eq(str_from(t->err.text), faults[i].text);
        rc = engine_settings_put(s.engine, STR("i"), &change, &t->err);
        assert_err(rc, &t->err, ERR_INVALID);
        assert_str_eq(str_from(t->err.text), faults[i].text);
    }
    assert_false(engine_index_exists(s.engine, STR("new")));
    assert_string_equal(shown(&s), before);
    store_deinit(&s);
}

/* A new index takes what an open one does not. */
static void static_settings(struct test *t)
{
    static const struct {
        const char *given, *names;
    } rows[] = {
        {"{\"number_of_shards\":1}", "index.number_of_shards"},
        {"{\"codec\":\"best_compression\"}", "index.codec"},
        {"{\"index.analysis\":{\"analyzer\":{\"a\":{\"type\":\"standard\"}}}}",
         "index.analysis.analyzer.a.type"},
        {"{\"store.type\":\"niofs\"}", "index.store.type"},
        {"{\"similarity\":{\"default\":{\"type\":\"BM25\"}}}", "index.similarity.default.type"},
        {"{\"mapping.ignore_malformed\":true,\"refresh_interval\":\"9s\"}",
         "index.mapping.ignore_malformed"},
        {"{\"mapping.coerce\":true,\"soft_deletes.enabled\":true}",
         "index.mapping.coerce, index.soft_deletes.enabled"},
        {"{\"sort.field\":\"t\"}", "index.sort.field"},
    };
    struct store s;
    store_begin(&s, t);
    const char *before = shown(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str text = arena_printf(t->mem,
                                       "Can't update non dynamic settings [[%s]] for open "
                                       "indices [[i/" STR_FMT "]]",
                                       rows[i].names, STR_ARG(store_index(&s, "i")->uuid));
        assert_err(put(&s, rows[i].given), &t->err, ERR_INVALID);
        assert_str_eq(text, t->err.text);
        store_create(&s, "new",
                     arena_printf(t->mem,
                                  "{\"mappings\":{\"properties\":{\"t\":{\"type\":"
                                  "\"date\"}}},\"settings\":%s}",
                                  rows[i].given)
                         .p);
        assert_ok(engine_index_delete(s.engine, STR("new"), &t->err), &t->err);
    }
    assert_err(put(&s, "{\"number_of_shards\":null}"), &t->err, ERR_INVALID);
    assert_string_equal(shown(&s), before);
    recreate(&s, "{\"codec\":\"x\",\"number_of_shards\":3,\"a\":1}");
    assert_ok(put(&s, "{\"index.*\":null}"), &t->err);
    assert_string_equal(shown(&s), "{\"codec\":\"x\",\"number_of_shards\":\"3\","
                                   "\"number_of_replicas\":\"1\"}");
    store_deinit(&s);
}

static void what_is_no_object(struct test *t)
{
    static const char *const rows[] = {"[]", "\"x\"", "1", "null"};
    struct store s;
    store_begin(&s, t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_err(put(&s, rows[i]), &t->err, ERR_PARSE);
    struct value v = json(t, "{}");
    int rc = engine_settings_put(s.engine, STR("none"), &v, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NOT_FOUND);
    rc = engine_settings_get(s.engine, STR("none"), t->mem, &v, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NOT_FOUND);
    store_deinit(&s);
}

/* What each comes to, when it is given to a new index, to an open one, and after a restart; a null
 * brings the default back. */
static void what_acts(struct test *t)
{
    enum { INTERVAL, IS_SET, IDLE, FREE, FIELDS, DEPTH };
    static const struct {
        int what;
        const char *name, *value;
        int64_t is, dflt;
    } rows[] = {
        {INTERVAL, "refresh_interval", "\"30s\"", 30 * NS_PER_S, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"200ms\"", 200 * NS_PER_MS, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\" 2 H \"", 7200 * NS_PER_S, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"3m\"", 180 * NS_PER_S, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"1D\"", 86400 * NS_PER_S, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"7micros\"", 7000, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"7nanos\"", 7, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"0\"", 0, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"000\"", 0, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"0s\"", 0, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "-1", -1, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"-1\"", -1, REFRESH_INTERVAL_DEFAULT},
        {INTERVAL, "refresh_interval", "\"-1ms\"", -1, REFRESH_INTERVAL_DEFAULT},
        {IS_SET, "refresh_interval", "\"1s\"", true, false},
        {IDLE, "search.idle.after", "\"0\"", 0, SEARCH_IDLE_DEFAULT},
        {IDLE, "search.idle.after", "\"7s\"", 7 * NS_PER_S, SEARCH_IDLE_DEFAULT},
        {FREE, "merge.scheduler.auto_throttle", "false", true, false},
        {FREE, "merge.scheduler.auto_throttle", "\"true\"", false, false},
        {FIELDS, "mapping.total_fields.limit", "0", 0, MAPPING_FIELDS_MAX_DEFAULT},
        {FIELDS, "mapping.total_fields.limit", "\"2147483647\"", INT32_MAX,
         MAPPING_FIELDS_MAX_DEFAULT},
        {DEPTH, "mapping.depth.limit", "1", 1, MAPPING_DEPTH_MAX_DEFAULT},
        {DEPTH, "mapping.depth.limit", "\"100\"", 100, MAPPING_DEPTH_MAX_DEFAULT},
    };
    enum { CREATED, REOPENED, RESET, CHANGED, REOPENED_CHANGED, STEPS };
    struct store s;
    store_init(&s, t);
    store_open(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows) * STEPS; i++) {
        size_t r = i / STEPS, step = i % STEPS;
        const char *body = arena_printf(t->mem, "{\"%s\":%s}", rows[r].name,
                                        step == RESET ? "null" : rows[r].value)
                               .p;
        if (step == CREATED)
            recreate(&s, body);
        else if (step == REOPENED || step == REOPENED_CHANGED)
            reopen(&s);
        else
            assert_ok(put(&s, body), &t->err);
        struct index *index = store_index(&s, "i");
        const int64_t now[] = {
            [INTERVAL] = index->refresh_interval_ns, [IS_SET] = index->is_interval_set,
            [IDLE] = index->search_idle_ns,          [FREE] = index->is_merge_free,
            [FIELDS] = index->mapping->fields_max,   [DEPTH] = index->mapping->depth_max};
        int64_t want = step == RESET ? rows[r].dflt : rows[r].is;
        if (now[rows[r].what] != want)
            fail_msg("%s: %lld, not %lld in step %zu", body, (long long)now[rows[r].what],
                     (long long)want, step);
    }
    store_deinit(&s);
}

static void what_every_index_shows(struct test *t)
{
    struct store s;
    struct value v;
    store_begin(&s, t);
    assert_ok(engine_settings_get(s.engine, STR("i"), t->mem, &v, &t->err), &t->err);
    struct str text = arena_printf(
        t->mem,
        "{\"index\":{" COUNTS ",\"creation_date\":\"1737521553000\",\"provided_name\":\"i\","
        "\"uuid\":\"" STR_FMT "\",\"version\":{\"created\":\"7100299\"}}}",
        STR_ARG(store_index(&s, "i")->uuid));
    assert_str_eq(text, text_of(t, &v));
    store_deinit(&s);
}

TEST_MAIN(TEST(shapes), TEST(changes), TEST(refused_values), TEST(static_settings),
          TEST(what_is_no_object), TEST(what_acts), TEST(what_every_index_shows))
