/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "event/value.h"

static struct value parsed(struct test *t, const char *json)
{
    struct value v = {.kind = VALUE_NONE};
    assert_ok(value_from_json(str_from(json), t->mem, &v, &t->err), &t->err);
    return v;
}

static struct str printed(struct test *t, const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void maps_keep_order(struct test *t)
{
    for (size_t count = 0; count < 200; count += count < 16 ? 1 : 37) {
        struct value map = value_map(t->mem, 0);
        for (size_t i = 0; i < count; i++)
            value_map_set(t->mem, &map, arena_printf(t->mem, "k%zu", i), value_int((int64_t)i));
        for (size_t i = 0; i < count; i += 3)
            assert_true(value_map_remove(&map, arena_printf(t->mem, "k%zu", i)));
        assert_false(value_map_remove(&map, STR("k0")));
        for (size_t i = 0; i < count; i += 6)
            value_map_set(t->mem, &map, arena_printf(t->mem, "k%zu", i), value_int(-1));
        int64_t last = -1;
        for (size_t i = 0; i < count; i++) {
            struct value *v = value_map_get(&map, arena_printf(t->mem, "k%zu", i));
            if (i % 3 == 0 && i % 6 != 0) {
                assert_null(v);
            } else {
                assert_non_null(v);
                assert_int_equal(v->i, i % 6 == 0 ? -1 : (int64_t)i);
            }
        }
        for (size_t i = 0; i < map.map->count && map.map->values[i].i >= 0; i++) {
            assert_true(map.map->values[i].i > last);
            last = map.map->values[i].i;
        }
    }
    struct value no_map = value_int(1);
    assert_null(value_map_get(&no_map, STR("a")));
    assert_null(value_map_get(NULL, STR("a")));
}

/* Random operations on a map against a plain array. */
static void maps_agree_with_a_model(struct test *t)
{
    for (int round = 0; round < 50; round++) {
        struct value map = value_map(t->mem, 0);
        int64_t model[60];
        memset(model, -1, sizeof(model));
        for (int step = 0; step < 400; step++) {
            size_t k = (size_t)rng_below(&t->rng, ARRAY_COUNT(model));
            struct str key = arena_printf(t->mem, "key-%zu", k);
            if (rng_below(&t->rng, 3) == 0) {
                assert_int_equal(value_map_remove(&map, key), model[k] >= 0);
                model[k] = -1;
            } else {
                model[k] = step;
                value_map_set(t->mem, &map, key, value_int(step));
            }
        }
        size_t count = 0;
        for (size_t k = 0; k < ARRAY_COUNT(model); k++) {
            const struct value *v = value_map_get(&map, arena_printf(t->mem, "key-%zu", k));
            assert_int_equal(v ? v->i : -1, model[k]);
            count += model[k] >= 0;
        }
        assert_int_equal(map.map->count, count);
    }
}

static void json_comes_back(struct test *t)
{
    static const char *const rows[] = {
        "null",
        "true",
        "-5",
        "9223372036854775807",
        "92233720368547758070",
        "1.5",
        "\"\"",
        "\"a\\\"b\\\\\\n\xED\x95\x9C\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":[]}],null]",
        "{\"b\":1,\"a\":{\"c\":[true,false]},\"\":0}",
        "1.0E10",
        "-0.001",
        "-9223372036854775808",
        "-9223372036854775809",
        "9007199254740993",
        "[123456789012345678901234567890,{\"a\":-1}]",
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = parsed(t, rows[i]);
        assert_str_eq(printed(t, &v), rows[i]);
        struct value copy = value_copy(t->mem, &v);
        assert_true(value_eq(&v, &copy));
    }
    struct value last_wins = parsed(t, "{\"a\":1,\"a\":2}");
    assert_str_eq(printed(t, &last_wins), "{\"a\":2}");
    struct value v = parsed(t, "{ \"a\" : [ 10 , {} ] }");
    assert_int_equal(v.pos, 1);
    assert_int_equal(value_map_get_lit(&v, "a")->pos, 9);
    assert_int_equal(value_map_get_lit(&v, "a")->list->items[0].pos, 11);
    static const struct {
        const char *json;
        int64_t off;
    } bad[] = {{"{\"a\":}", 5}, {"", 0}, {"[1] 2", 4}, {"[1,]", 3}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_err(value_from_json(str_from(bad[i].json), t->mem, &v, &t->err), &t->err, ERR_JSON);
        assert_int_equal(t->err.off, bad[i].off);
    }
}

static void maps_change_shape(struct test *t)
{
    struct value map = value_map(t->mem, 0);
    for (size_t i = 0; i < 40; i++) {
        value_map_set(t->mem, &map, arena_printf(t->mem, "k%02zu", i), value_int((int64_t)i));
        assert_int_equal(map.map->slots != NULL, i >= VALUE_MAP_LINEAR_MAX);
    }
    /* What is taken out of a hashed map and put in again stands at its end. */
    assert_true(value_map_remove(&map, STR("k05")));
    assert_true(value_map_remove(&map, STR("k00")));
    assert_true(value_map_remove(&map, STR("k39")));
    assert_false(value_map_remove(&map, STR("k39")));
    value_map_set(t->mem, &map, STR("k05"), value_int(105));
    value_map_set(t->mem, &map, STR("k07"), value_int(107)); /* replaced in its place */
    assert_int_equal(map.map->count, 38);
    assert_str_eq(map.map->keys[0], "k01");
    assert_str_eq(map.map->keys[37], "k05");
    assert_str_eq(map.map->keys[6], "k08");
    assert_str_eq(map.map->keys[5], "k07");
    assert_int_equal(map.map->values[5].i, 107);
    struct value copy = value_copy(t->mem, &map);
    assert_true(value_eq(&copy, &map));
    value_map_set(t->mem, &copy, STR("k01"), value_null());
    assert_int_equal(value_map_get_lit(&map, "k01")->i, 1);
    while (map.map->count > 0)
        assert_true(value_map_remove(&map, map.map->keys[map.map->count / 2]));
    assert_null(value_map_get(&map, STR("k05")));
    value_map_set(t->mem, &map, STR("again"), value_int(1));
    assert_int_equal(value_map_get_lit(&map, "again")->i, 1);
}

/* A copy lives on when what it was made from is gone. */
static void copies_are_deep(struct test *t)
{
    struct arena *mem = arena_new(0);
    struct value v;
    assert_ok(value_from_json(STR("{\"s\":\"text\",\"l\":[{\"k\":\"deep\"},[1.5,null,true]],"
                                  "\"b\":123456789012345678901234567890}"),
                              mem, &v, &t->err),
              &t->err);
    value_map_set(mem, &v, STR("t"), value_time(NS_PER_S));
    struct value copy = value_copy(t->mem, &v);
    arena_free(mem);
    assert_str_eq(printed(t, &copy),
                  "{\"s\":\"text\",\"l\":[{\"k\":\"deep\"},[1.5,null,true]],"
                  "\"b\":123456789012345678901234567890,\"t\":\"1970-01-01T00:00:01.000Z\"}");
    double f;
    assert_true(value_to_f64(value_map_get_lit(&copy, "b"), &f) && f > 1.2e29 && f < 1.3e29);
    assert_false(value_to_f64(value_map_get_lit(&copy, "s"), &f));
    static const struct {
        enum value_kind kind;
        const char *key;
    } kinds[] = {{VALUE_STR, "s"}, {VALUE_LIST, "l"}, {VALUE_BIG, "b"}, {VALUE_TIME, "t"}};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct value *item = value_map_get(&copy, str_from(kinds[i].key));
        assert_int_equal(item->kind, kinds[i].kind);
        assert_true(value_kind_name(item)[0] != '\0');
    }
}

static void nesting_has_a_limit(struct test *t)
{
    struct buf text;
    struct value v;
    buf_init(&text, 0);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&text, '[');
    assert_err(value_from_json(buf_str(&text), t->mem, &v, &t->err), &t->err, ERR_JSON);
    buf_deinit(&text);
}

static void equality(struct test *t)
{
    static const struct {
        const char *a, *b;
        bool is_equal;
    } rows[] = {
        {"1", "1.0", true},
        {"1", "\"1\"", false},
        {"null", "null", true},
        {"null", "false", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"\"x\"", "\"x\"", true},
        {"92233720368547758070", "92233720368547758070", true},
        {"92233720368547758070", "92233720368547758071", false},
        {"9223372036854775807", "9223372036854775808", false},
        {"-9223372036854775808", "-9223372036854775809", false},
        {"9223372036854775807", "9223372036854775808.0", false},
        {"9007199254740993", "9007199254740992.0", false},
        {"9007199254740992", "9007199254740992.0", true},
        {"-9223372036854775808", "-9223372036854775808.0", true},
        {"18446744073709551616", "18446744073709551616.0", true},
        {"18446744073709551617", "18446744073709551616.0", false},
        {"[9223372036854775807]", "[9223372036854775808]", false},
        {"{}", "[]", false},
        {"[[1]]", "[[1.0]]", true},
        {"true", "true", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value a = parsed(t, rows[i].a), b = parsed(t, rows[i].b);
        if (value_eq(&a, &b) != rows[i].is_equal)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

static void texts(struct test *t)
{
    static const struct {
        const char *json, *want;
    } rows[] = {{"null", ""},
                {"true", "true"},
                {"-7", "-7"},
                {"1.5", "1.5"},
                {"100.0", "100.0"},
                {"\"a b\"", "a b"},
                {"92233720368547758070", "92233720368547758070"},
                {"[1,\"a\"]", "[1,\"a\"]"},
                {"{\"a\":1}", "{\"a\":1}"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = parsed(t, rows[i].json);
        assert_str_eq(value_to_str(t->mem, &v), rows[i].want);
    }
    static const struct {
        int64_t ns;
        const char *want;
    } times[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {INT64_C(1737521553987000000), "2025-01-22T04:52:33.987Z"},
                 {INT64_C(1737521553987654000), "2025-01-22T04:52:33.987654Z"},
                 {INT64_C(1737521553987654321), "2025-01-22T04:52:33.987654321Z"},
                 {-1, "1969-12-31T23:59:59.999999999Z"}};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct value v = value_time(times[i].ns);
        assert_str_eq(value_to_str(t->mem, &v), times[i].want);
    }
}

TEST_MAIN(TEST(maps_keep_order), TEST(maps_agree_with_a_model), TEST(json_comes_back),
          TEST(equality), TEST(maps_change_shape), TEST(copies_are_deep), TEST(nesting_has_a_limit),
          TEST(texts))
