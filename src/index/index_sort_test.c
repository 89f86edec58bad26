/* SPDX-License-Identifier: Apache-2.0 */
/* index_sort_test.c: which settings of a sort are taken and how the others are refused (in
 * Elasticsearch 7.10's words), and by which field segments are ordered then. */
#include "index/index_sort.h"
#include "support/test.h"

#include "index/mapping.h"

static const char plain[] =
    "{\"properties\":{\"t\":{\"type\":\"date\"},\"tn\":{\"type\":\"date_nanos\"},"
    "\"l\":{\"type\":\"long\"},\"i\":{\"type\":\"integer\"},\"s\":{\"type\":\"short\"},"
    "\"b\":{\"type\":\"byte\"},\"ul\":{\"type\":\"unsigned_long\"},\"d\":{\"type\":\"double\"},"
    "\"k\":{\"type\":\"keyword\"},\"bo\":{\"type\":\"boolean\"},\"ip\":{\"type\":\"ip\"},"
    "\"x\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\"}}},"
    "\"m\":{\"type\":\"match_only_text\"},\"nd\":{\"type\":\"long\",\"doc_values\":false},"
    "\"o\":{\"properties\":{\"t\":{\"type\":\"date\"}}},"
    "\"@timestamp\":{\"type\":\"date\"},\"a\":{\"type\":\"alias\",\"path\":\"l\"}}}";

static struct value json(struct test *t, const char *text)
{
    struct value v;
    assert_ok(value_from_json(str_from(text), t->mem, &v, &t->err), &t->err);
    return v;
}

static struct mapping *mapping_of(struct test *t, const char *text)
{
    struct value body = json(t, text);
    struct mapping *mapping = mapping_new();
    assert_ok(mapping_put(mapping, &body, &t->err), &t->err);
    return mapping;
}

/* Settings by their full names; ".field" is index.sort.field. */
static struct value settings(struct test *t, const char *text)
{
    struct value given = json(t, text), flat = value_map(t->mem, 4);
    for (size_t i = 0; i < given.map->count; i++) {
        struct str key = given.map->keys[i];
        if (str_starts_with(key, STR(".")))
            key = arena_printf(t->mem, "index.sort" STR_FMT, STR_ARG(key));
        value_map_set(t->mem, &flat, key, given.map->values[i]);
    }
    return flat;
}

static void takes_what_fits(struct test *t)
{
    static const char *const rows[] = {
        "{}",
        "{\"index.refresh_interval\":\"1s\"}",
        "{\".field\":\"t\"}",
        "{\".field\":null,\".order\":null}",
        "{\".field\":[]}",
        "{\".field\":\"t\",\".order\":\"desc\",\".mode\":\"max\",\".missing\":\"_first\"}",
        "{\".field\":\"t,k\",\".order\":\"asc , desc\"}",
        "{\".field\":[\"t\",\"k\"],\".order\":\"asc,desc\"}",
        "{\".field\":\"t,k\",\".mode\":[\"min\",\"max\"],\".missing\":\"_last,_first\"}",
        "{\".field\":[\"x.raw\",\"o.t\",\"a\",\"ip\",\"bo\",\"d\"]}",
    };
    struct mapping *mapping = mapping_of(t, plain);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value flat = settings(t, rows[i]);
        if (index_sort_check(&flat, mapping, t->mem, &t->err) < 0)
            fail_msg("%s: %s", rows[i], t->err.text);
    }
    mapping_unref(mapping);
}

static void refuses_the_rest(struct test *t)
{
    static const struct {
        const char *settings, *text;
    } rows[] = {
        {"{\".field\":\"no\"}", "unknown index sort field:[no]"},
        {"{\".field\":\"\"}", "unknown index sort field:[]"},
        {"{\".field\":\"o\"}", "unknown index sort field:[o]"},
        {"{\".field\":[\"t\",\"no\"]}", "unknown index sort field:[no]"},
        {"{\".field\":7}", "unknown index sort field:[7]"},
        {"{\".field\":\"x\"}", "docvalues not found for index sort field:[x]"},
        {"{\".field\":\"m\"}", "docvalues not found for index sort field:[m]"},
        {"{\".field\":\"nd\"}", "docvalues not found for index sort field:[nd]"},
        {"{\".field\":\"t\",\".order\":\"up\"}", "Illegal sort order:up"},
        {"{\".field\":\"t\",\".order\":\"DESC\"}", "Illegal sort order:DESC"},
        {"{\".field\":\"t\",\".order\":\"Asc\"}", "Illegal sort order:Asc"},
        {"{\".field\":\"t\",\".order\":\"\"}", "Illegal sort order:"},
        {"{\".field\":\"t,k\",\".order\":[\"asc\",\"down\"]}", "Illegal sort order:down"},
        {"{\".field\":\"t\",\".mode\":\"avg\"}",
         "Illegal index sort mode:[AVG], must be one of [MAX, MIN]"},
        {"{\".field\":\"t\",\".mode\":\"a-mode-of-more-than-32-characters-goes-on\"}",
         "Illegal index sort mode:[A-MODE-OF-MORE-THAN-32-CHARACTER], must be one of [MAX, MIN]"},
        {"{\".field\":\"t\",\".missing\":\"last\"}",
         "Illegal missing value:[last], must be one of [_last, _first]"},
        {"{\".order\":\"asc\"}", "index.sort.field:[] index.sort.order:[asc], size mismatch"},
        {"{\".order\":[]  ,\".field\":\"t\"}",
         "index.sort.field:[t] index.sort.order:[], size mismatch"},
        {"{\".field\":\"t,k\",\".order\":\"asc\"}",
         "index.sort.field:[t, k] index.sort.order:[asc], size mismatch"},
        {"{\".field\":\"t\",\".mode\":\"min,max\"}",
         "index.sort.field:[t] index.sort.mode:[min, max], size mismatch"},
        {"{\".field\":\"t\",\".missing\":[\"_last\",\"_last\"]}",
         "index.sort.field:[t] index.sort.missing:[_last, _last], size mismatch"},
        {"{\".field\":\"t\",\".fields\":\"t\"}", "unknown setting [index.sort.fields]"},
        {"{\".\":\"t\"}", "unknown setting [index.sort.]"},
    };
    struct mapping *mapping = mapping_of(t, plain);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value flat = settings(t, rows[i].settings);
        int rc = index_sort_check(&flat, mapping, t->mem, &t->err);
        assert_err(rc, &t->err, ERR_INVALID);
        if (strncmp(t->err.text, rows[i].text, strlen(rows[i].text)) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].settings, t->err.text, rows[i].text);
    }
    mapping_unref(mapping);
}

static void refuses_nested_fields(struct test *t)
{
    struct mapping *mapping =
        mapping_of(t, "{\"properties\":{\"t\":{\"type\":\"date\"},\"n\":{\"type\":\"long\"}}}");
    mapping->fields[1]->pub.type = FIELD_NESTED; /* a mapping cannot have one yet */
    struct value sorted = settings(t, "{\".field\":\"t\"}"), unsorted = settings(t, "{}");
    assert_ok(index_sort_check(&unsorted, mapping, t->mem, &t->err), &t->err);
    int rc = index_sort_check(&sorted, mapping, t->mem, &t->err);
    assert_err(rc, &t->err, ERR_INVALID);
    assert_err_has(&t->err, "cannot have nested fields when index sort is activated");
    mapping_unref(mapping);
}

/* Segments can be ordered upwards only; then any order of the rest is as good. */
static void orders_by_the_first_when_it_ascends(struct test *t)
{
    static const struct {
        const char *settings, *path;
    } rows[] = {
        {"{}", "@timestamp"},
        {"{\".field\":[]}", "@timestamp"},
        {"{\".field\":null}", "@timestamp"},
        {"{\".field\":\"t\"}", "t"},
        {"{\".field\":\" l , t\"}", "l"},
        {"{\".field\":[\"l\",\"t\"],\".order\":[\"asc\",\"desc\"]}", "l"},
        {"{\".field\":[\"l\",\"t\"],\".order\":[\"desc\",\"asc\"]}", ""},
        {"{\".field\":\"t\",\".order\":\"desc\"}", ""},
        {"{\".field\":\"t\",\".missing\":\"_first\"}", "t"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value flat = settings(t, rows[i].settings);
        struct str path = index_sort_path(&flat, t->mem);
        if (!str_eq(path, str_from(rows[i].path)))
            fail_msg("%s: " STR_FMT, rows[i].settings, STR_ARG(path));
    }
}

static void orders_by_dates_and_integers(struct test *t)
{
    static const char *const yes[] = {"t", "tn", "l", "i", "s", "b", "o.t", "a", "@timestamp"};
    static const char *const no[] = {"",   "no", "ul", "d",  "k", "bo",
                                     "ip", "x",  "m",  "nd", "o", "x.raw"};
    struct mapping *mapping = mapping_of(t, plain);
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++) {
        const struct field *field = mapping_field(mapping, str_from(yes[i]));
        assert_int_equal(index_sort_field(mapping, str_from(yes[i])), field->id);
    }
    for (size_t i = 0; i < ARRAY_COUNT(no); i++) {
        if (index_sort_field(mapping, str_from(no[i])) != INDEX_SORT_NONE)
            fail_msg("documents are ordered by \"%s\"", no[i]);
    }
    mapping_unref(mapping);
}

static void knows_its_settings(struct test *t UNUSED)
{
    assert_true(index_sort_is_setting(STR("index.sort.field")));
    assert_true(index_sort_is_setting(STR("index.sort.other")));
    assert_false(index_sort_is_setting(STR("index.sorted")));
    assert_false(index_sort_is_setting(STR("index.sort")));
    assert_false(index_sort_is_setting(STR("sort.field")));
}

TEST_MAIN(TEST(takes_what_fits), TEST(refuses_the_rest), TEST(refuses_nested_fields),
          TEST(orders_by_the_first_when_it_ascends), TEST(orders_by_dates_and_integers),
          TEST(knows_its_settings))
