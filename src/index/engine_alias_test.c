/* SPDX-License-Identifier: Apache-2.0 */
/* engine_alias_test.c: which aliases an index may have, beside those of the others; to which index
 * a write and a get go by one. */
#include "support/store.h"

#include "base/buf.h"

static void begin(struct store *s, struct test *t)
{
    static const char *const names[] = {"a", "b", "c"};
    store_init(s, t);
    store_open(s);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        assert_ok(engine_index_create(s->engine, str_from(names[i]), NULL, &t->err), &t->err);
}

static void reopen(struct store *s)
{
    store_close(s);
    store_open(s);
}

static struct value json(struct test *t, const char *text)
{
    struct value v;
    assert_ok(value_from_json(str_from(text), t->mem, &v, &t->err), &t->err);
    return v;
}

static int put(struct store *s, const char *index, const char *alias, const char *body)
{
    struct value v = json(s->t, body);
    return engine_alias_put(s->engine, str_from(index), str_from(alias), &v, &s->t->err);
}

static int drop(struct store *s, const char *index, const char *alias)
{
    return engine_alias_remove(s->engine, str_from(index), str_from(alias), &s->t->err);
}

static int create(struct store *s, const char *index, const char *aliases)
{
    struct test *t = s->t;
    struct value v = json(t, arena_printf(t->mem, "{\"aliases\":%s}", aliases).p);
    return engine_index_create(s->engine, str_from(index), &v, &t->err);
}

static void shows(struct store *s, const char *index, const char *aliases)
{
    struct test *t = s->t;
    struct value v;
    struct buf out;
    assert_ok(engine_aliases_get(s->engine, str_from(index), t->mem, &v, &t->err), &t->err);
    buf_init(&out, 0);
    value_to_json(&v, &out);
    assert_str_eq(buf_str(&out), aliases);
    buf_deinit(&out);
}

/* A new index's body and engine_alias_put take and keep the same. */
static void what_is_kept(struct test *t)
{
    static const struct {
        const char *body, *kept;
    } rows[] = {
        {"{}", "{}"},
        {"null", "{}"},
        {"{\"is_write_index\":true}", "{\"is_write_index\":true}"},
        {"{\"is_write_index\":false}", "{\"is_write_index\":false}"},
        {"{\"is_write_index\":null,\"is_hidden\":null}", "{}"},
        {"{\"is_hidden\":false}", "{\"is_hidden\":false}"},
        {"{\"filter\":null,\"routing\":null,\"index_routing\":null,\"search_routing\":null}", "{}"},
    };
    struct store s;
    begin(&s, t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *aliases = arena_printf(t->mem, "{\"al\":%s}", rows[i].kept).p;
        if (put(&s, "a", "al", rows[i].body) < 0)
            fail_msg("%s: %s", rows[i].body, t->err.text);
        shows(&s, "a", aliases);
        reopen(&s);
        shows(&s, "a", aliases);
        assert_ok(drop(&s, "a", "al"), &t->err);
        assert_ok(create(&s, "n", arena_printf(t->mem, "{\"al\":%s}", rows[i].body).p), &t->err);
        shows(&s, "n", aliases);
        assert_ok(engine_index_delete(s.engine, STR("n"), &t->err), &t->err);
    }
    assert_ok(engine_alias_put(s.engine, STR("a"), STR("al"), NULL, &t->err), &t->err);
    shows(&s, "a", "{\"al\":{}}");
    store_deinit(&s);
}

/* "a" has "w", to write to, and "ro", not to; it stays as it is, and "n" is not made. */
static void what_is_refused(struct test *t)
{
    static const struct {
        const char *alias, *body;
        enum err_code code;
        const char *text;
    } rows[] = {
        {"", "{}", ERR_INVALID, "alias name is required"},
        {" ", "{}", ERR_INVALID, "alias name is required"},
        {"_al", "{}", ERR_ALIAS_NAME,
         "Invalid alias name [_al]: must not start with '_', '-', or '+'"},
        {"a*", "{}", ERR_ALIAS_NAME,
         "Invalid alias name [a*]: must not contain the following characters [ , \", *, \\, <, |, "
         ",, >, /, ?]"},
        {"x#", "{}", ERR_ALIAS_NAME, "Invalid alias name [x#]: must not contain '#'"},
        {"..", "{}", ERR_ALIAS_NAME, "Invalid alias name [..]: must not be '.' or '..'"},
        {"c", "{}", ERR_ALIAS_NAME,
         "Invalid alias name [c], an index exists with the same name as the alias"},
        {"b", "{}", ERR_ALIAS_NAME,
         "Invalid alias name [b], an index exists with the same name as the alias"},
        {"n", "{}", ERR_ALIAS_NAME,
         "Invalid alias name [n], an index exists with the same name as the alias"},
        {"w", "{\"is_write_index\":true}", ERR_INVALID,
         "alias [w] has more than one write index [a,n]"},
        {"al", "{\"filter\":{\"term\":{\"k\":1}}}", ERR_UNSUPPORTED,
         "[filter] of alias [al] is not there yet"},
        {"al", "{\"routing\":\"1\"}", ERR_UNSUPPORTED, "[routing] of alias [al] is not there yet"},
        {"al", "{\"index_routing\":\"1\"}", ERR_UNSUPPORTED,
         "[index_routing] of alias [al] is not there yet"},
        {"al", "{\"is_write_index\":true,\"search_routing\":\"1,2\"}", ERR_UNSUPPORTED,
         "[search_routing] of alias [al] is not there yet"},
        {"al", "{\"is_hidden\":true}", ERR_UNSUPPORTED,
         "[is_hidden] of alias [al] is not there yet"},
        {"al", "{\"is_hidden\":\"true\"}", ERR_INVALID,
         "[is_hidden] of alias [al] must be true or false"},
        {"al", "{\"is_write_index\":\"true\"}", ERR_INVALID,
         "[is_write_index] of alias [al] must be true or false"},
        {"al", "{\"is_write_index\":1}", ERR_INVALID,
         "[is_write_index] of alias [al] must be true or false"},
        {"al", "{\"is_write\":true}", ERR_PARSE, "unknown key [is_write] for alias [al]"},
        {"al", "{\"other\":null}", ERR_PARSE, "unknown key [other] for alias [al]"},
        {"al", "\"x\"", ERR_PARSE, "alias [al] must be an object"},
        {"al", "[]", ERR_PARSE, "alias [al] must be an object"},
    };
    struct store s;
    begin(&s, t);
    assert_ok(put(&s, "a", "w", "{\"is_write_index\":true}"), &t->err);
    assert_ok(put(&s, "a", "ro", "{\"is_write_index\":false}"), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *alias = rows[i].alias;
        /* one of several: the others are not taken either */
        assert_err(
            create(
                &s, "n",
                arena_printf(t->mem, "{\"one\":{},\"%s\":%s,\"two\":{}}", alias, rows[i].body).p),
            &t->err, rows[i].code);
        assert_str_eq(str_from(t->err.text), rows[i].text);
        assert_false(engine_index_exists(s.engine, STR("n")));
        if (strcmp(alias, "w") == 0 || strcmp(alias, "n") == 0)
            continue;
        assert_err(put(&s, "a", alias, rows[i].body), &t->err, rows[i].code);
        assert_str_eq(str_from(t->err.text), rows[i].text);
        shows(&s, "a", "{\"w\":{\"is_write_index\":true},\"ro\":{\"is_write_index\":false}}");
    }
    assert_err(put(&s, "a", "a", "{}"), &t->err, ERR_ALIAS_NAME);
    assert_err(put(&s, "none", "al", "{}"), &t->err, ERR_INDEX_NOT_FOUND);
    assert_err(create(&s, "w", "{}"), &t->err, ERR_INDEX_NAME);
    assert_str_eq(str_from(t->err.text), "Invalid index name [w], already exists as alias");
    assert_err(create(&s, "n", "[]"), &t->err, ERR_PARSE);
    assert_ok(create(&s, "n", "{\"w\":{},\"ro\":{\"is_write_index\":true},\"Cap\":{}}"), &t->err);
    store_deinit(&s);
}

/* Where a write by "al" goes, and what a get by it finds; "" where there is none. */
struct holders {
    const char *a, *b, *c; /* the alias's body in each; NULL: it has none */
    const char *write, *get;
};

static void by_alias(struct store *s, const struct holders *row)
{
    struct test *t = s->t;
    struct doc_get doc = {0};
    struct doc_result r = store_write(s, DOC_INDEX, "al", STR("new"), STR("{}"));
    const char *refusal = "no write index is defined for alias [al]. The write index may be "
                          "explicitly disabled using is_write_index=false or the alias points to "
                          "multiple indices without one being designated as a write index";
    if (row->write[0]) {
        assert_int_equal(r.outcome, DOC_CREATED);
        assert_str_eq(r.index, row->write);
        assert_int_equal(store_write(s, DOC_DELETE, row->write, STR("new"), STR("")).outcome,
                         DOC_DELETED);
    } else {
        assert_int_equal(r.outcome, DOC_FAILED);
        assert_int_equal(r.status, 400);
        assert_string_equal(r.err->text, refusal);
        assert_int_equal(store_write(s, DOC_DELETE, "al", STR("1"), STR("")).status, 400);
    }
    int rc = engine_get(s->engine, STR("al"), STR("1"), true, t->mem, &doc, &t->err);
    if (row->get[0] == '[') {
        assert_err(rc, &t->err, ERR_INVALID);
        assert_str_eq(arena_printf(t->mem,
                                   "alias [al] has more than one indices associated with it [%s], "
                                   "can't execute a single index op",
                                   row->get),
                      t->err.text);
        return;
    }
    assert_ok(rc, &t->err);
    assert_true(doc.is_found);
    assert_str_eq(doc.index, row->get);
}

static void writes_and_gets(struct test *t)
{
    static const char yes[] = "{\"is_write_index\":true}", no[] = "{\"is_write_index\":false}",
                      any[] = "{}";
    static const struct holders rows[] = {
        {NULL, any, NULL, "b", "b"},     {NULL, yes, NULL, "b", "b"},
        {NULL, no, NULL, "", "b"},       {any, any, NULL, "", "[a, b]"},
        {any, no, NULL, "", "[a, b]"},   {no, NULL, any, "", "[a, c]"},
        {no, no, no, "", "[a, b, c]"},   {any, yes, any, "b", "[a, b, c]"},
        {no, no, yes, "c", "[a, b, c]"}, {yes, any, no, "a", "[a, b, c]"},
        {yes, NULL, NULL, "a", "a"},
    };
    struct store s;
    begin(&s, t);
    for (size_t i = 0; i < 3; i++)
        (void)store_put(&s, (const char *const[]){"a", "b", "c"}[i], STR("1"), STR("{}"));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *const bodies[] = {rows[i].a, rows[i].b, rows[i].c};
        static const char *const names[] = {"a", "b", "c"};
        for (size_t k = 0; k < ARRAY_COUNT(names); k++) {
            if (bodies[k])
                assert_ok(put(&s, names[k], "al", bodies[k]), &t->err);
        }
        by_alias(&s, &rows[i]);
        reopen(&s);
        by_alias(&s, &rows[i]);
        for (size_t k = 0; k < ARRAY_COUNT(names); k++) {
            if (bodies[k])
                assert_ok(drop(&s, names[k], "al"), &t->err);
        }
    }
    store_deinit(&s);
}

/* The write index of an alias is moved by taking it from the one and giving it to the other. */
static void one_writes(struct test *t)
{
    struct store s;
    begin(&s, t);
    assert_ok(put(&s, "b", "al", "{\"is_write_index\":true}"), &t->err);
    assert_err(put(&s, "a", "al", "{\"is_write_index\":true}"), &t->err, ERR_INVALID);
    assert_str_eq(str_from(t->err.text), "alias [al] has more than one write index [a,b]");
    assert_err(put(&s, "c", "al", "{\"is_write_index\":true}"), &t->err, ERR_INVALID);
    assert_str_eq(str_from(t->err.text), "alias [al] has more than one write index [b,c]");
    shows(&s, "a", "{}");
    assert_ok(put(&s, "b", "al", "{\"is_write_index\":true}"), &t->err); /* its own, again */
    assert_ok(put(&s, "b", "al", "{}"), &t->err);
    assert_ok(put(&s, "a", "al", "{\"is_write_index\":true}"), &t->err);
    assert_str_eq(store_put(&s, "al", STR("1"), STR("{}")).index, "a");
    assert_ok(engine_index_delete(s.engine, STR("a"), &t->err), &t->err);
    assert_str_eq(store_put(&s, "al", STR("1"), STR("{}")).index, "b");
    store_deinit(&s);
}

/* By its name as it is: a wildcard removes nothing. */
static void removing(struct test *t)
{
    static const struct {
        const char *index, *alias;
        enum err_code code;
        const char *left; /* of "a", or the error's text */
    } rows[] = {
        {"a", "none", ERR_NOT_FOUND, "aliases [none] missing"},
        {"a", "o*", ERR_NOT_FOUND, "aliases [o*] missing"},
        {"a", "*", ERR_NOT_FOUND, "aliases [*] missing"},
        {"a", "", ERR_NOT_FOUND, "aliases [] missing"},
        {"b", "one", ERR_NOT_FOUND, "aliases [one] missing"},
        {"none", "one", ERR_INDEX_NOT_FOUND, "no such index [none]"},
        {"one", "one", ERR_INDEX_NOT_FOUND, "no such index [one]"},
        {"a", "one", ERR_NONE, "{\"two\":{},\"three\":{}}"},
        {"a", "one", ERR_NOT_FOUND, "aliases [one] missing"},
        {"a", "three", ERR_NONE, "{\"two\":{}}"},
        {"a", "two", ERR_NONE, "{}"},
    };
    struct store s;
    begin(&s, t);
    assert_ok(put(&s, "a", "one", "{}"), &t->err);
    assert_ok(put(&s, "a", "two", "{}"), &t->err);
    assert_ok(put(&s, "a", "three", "{}"), &t->err);
    assert_ok(put(&s, "b", "two", "{}"), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int rc = drop(&s, rows[i].index, rows[i].alias);
        if (rows[i].code) {
            assert_err(rc, &t->err, rows[i].code);
            assert_str_eq(str_from(t->err.text), rows[i].left);
            continue;
        }
        assert_ok(rc, &t->err);
        shows(&s, "a", rows[i].left);
        reopen(&s);
        shows(&s, "a", rows[i].left);
    }
    shows(&s, "b", "{\"two\":{}}");
    /* its name is free for an index now */
    assert_ok(create(&s, "one", "{}"), &t->err);
    store_deinit(&s);
}

/* Nobody has "al": a write makes an index of that name, unless it must be an alias. */
static void without_an_alias(struct test *t)
{
    struct store s;
    struct value v;
    struct doc_get doc;
    begin(&s, t);
    int rc = engine_get(s.engine, STR("al"), STR("1"), true, t->mem, &doc, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NOT_FOUND);
    assert_str_eq(str_from(t->err.text), "no such index [al]");
    rc = engine_aliases_get(s.engine, STR("al"), t->mem, &v, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NOT_FOUND);
    assert_int_equal(store_write(&s, DOC_DELETE, "al", STR("1"), STR("")).status, 404);
    assert_str_eq(store_put(&s, "al", STR("1"), STR("{}")).index, "al");
    assert_err(put(&s, "a", "al", "{}"), &t->err, ERR_ALIAS_NAME);
    store_deinit(&s);
}

TEST_MAIN(TEST(what_is_kept), TEST(what_is_refused), TEST(writes_and_gets), TEST(one_writes),
          TEST(removing), TEST(without_an_alias))
