/* SPDX-License-Identifier: Apache-2.0 */
/* index_names_test.c: what indices and aliases may be called, in Elasticsearch 7.10's words, and
 * which indices an expression means. */
#include "support/store.h"

#include "base/buf.h"

#define CHARACTERS "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
#define START      "must not start with '_', '-', or '+'"
#define DOTS       "must not be '.' or '..'"

static const struct {
    const char *name;
    const char *fault; /* NULL: an index and an alias may be called so */
} names[] = {
    {"a", NULL},
    {"0", NULL},
    {".kibana", NULL},
    {"...", NULL},
    {"a.b-c_d+e", NULL},
    {"logs-2025.01.22", NULL},
    {"a~!@$%^&()=[]{};'`", NULL},
    {"\xed\x95\x9c\xea\xb8\x80", NULL},
    {"stra\xc3\x9f"
     "e",
     NULL},
    {"\x7f", NULL},
    {".", DOTS},
    {"..", DOTS},
    {"_a", START},
    {"-a", START},
    {"+a", START},
    {"_", START},
    {"a\\b", CHARACTERS},
    {"a/b", CHARACTERS},
    {"a*", CHARACTERS},
    {"a?", CHARACTERS},
    {"a\"", CHARACTERS},
    {"<a", CHARACTERS},
    {"a>", CHARACTERS},
    {"a|b", CHARACTERS},
    {"a b", CHARACTERS},
    {" a", CHARACTERS},
    {"a,b", CHARACTERS},
    {"a\tb", CHARACTERS},
    {"a\n", CHARACTERS},
    {"<logs-{now/d}>", CHARACTERS},
    {"a#b", "must not contain '#'"},
    {"a:b", "must not contain ':'"},
    {"a\xff", "must be UTF-8"},
    /* the first of several faults is told */
    {"_a*", CHARACTERS},
    {"#:", "must not contain '#'"},
    {"_a:", "must not contain ':'"},
};

static void faults(struct test *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *name = names[i].name, *fault = names[i].fault;
        int index = index_name_check(str_from(name), &t->err);
        if (!fault && index < 0)
            fail_msg("\"%s\": %s", name, t->err.text);
        if (fault) {
            assert_err(index, &t->err, ERR_INDEX_NAME);
            assert_str_eq(arena_printf(t->mem, "Invalid index name [%s], %s", name, fault),
                          t->err.text);
        }
        int alias = index__alias_name_check(str_from(name), &t->err);
        if (!fault && alias < 0)
            fail_msg("\"%s\": %s", name, t->err.text);
        if (fault) {
            assert_err(alias, &t->err, ERR_ALIAS_NAME);
            assert_str_eq(arena_printf(t->mem, "Invalid alias name [%s]: %s", name, fault),
                          t->err.text);
        }
    }
    int rc = index_name_check((struct str){"a\0b", 3}, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NAME);
}

/* An alias may have capitals, whatever the alphabet; an index may not. */
static void capitals(struct test *t)
{
    static const char *const rows[] = {"A",
                                       "logS",
                                       "A#",
                                       "\xc3\x9c"
                                       "ber",
                                       "\xce\xa9",
                                       "_A"};
    static const char *const texts[] = {
        "Invalid index name [A], must be lowercase",
        "Invalid index name [logS], must be lowercase",
        "Invalid index name [A#], must not contain '#'",
        "Invalid index name [\xc3\x9c"
        "ber], must be lowercase",
        "Invalid index name [\xce\xa9], must be lowercase",
        "Invalid index name [_A], " START,
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int rc = index_name_check(str_from(rows[i]), &t->err);
        assert_err(rc, &t->err, ERR_INDEX_NAME);
        assert_str_eq(str_from(t->err.text), texts[i]);
        bool is_bare = !strpbrk(rows[i], "#_");
        assert_int_equal(index__alias_name_check(str_from(rows[i]), &t->err),
                         is_bare ? 0 : -ERR_ALIAS_NAME);
    }
}

static void nothing(struct test *t)
{
    assert_err(index_name_check(STR(""), &t->err), &t->err, ERR_INDEX_NAME);
    assert_str_eq(str_from(t->err.text), "Invalid index name [], must not be empty");
    assert_err(index__alias_name_check(STR(""), &t->err), &t->err, ERR_INVALID);
    assert_str_eq(str_from(t->err.text), "alias name is required");
    assert_err(index__alias_name_check(STR("  "), &t->err), &t->err, ERR_INVALID);
}

/* Counted in bytes. */
static void lengths(struct test *t)
{
    static const struct {
        const char *unit;
        size_t times;
        const char *tail; /* of the text; NULL: it is taken */
    } rows[] = {
        {"n", 255, NULL},           {"n", 256, "index name is too long, (256 > 255)"},
        {"\xec\x95\x84", 85, NULL}, {"\xec\x95\x84", 86, "index name is too long, (258 > 255)"},
        {".", 255, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        for (size_t k = 0; k < rows[i].times; k++)
            buf_add_str(&out, str_from(rows[i].unit));
        struct str name = arena_str(t->mem, buf_str(&out));
        buf_deinit(&out);
        int rc = index_name_check(name, &t->err);
        if ((rc == 0) != !rows[i].tail)
            fail_msg("row %zu: %d", i, rc);
        if (rc < 0)
            assert_err_has(&t->err, rows[i].tail);
    }
}

/* The indices of an expression, "i,j"; NULL: -`code`, and `*ret_text` is what it says. */
static const char *resolved(struct store *s, const char *expression, bool ignore_unavailable,
                            enum err_code code)
{
    struct test *t = s->t;
    struct str *found, list = STR("");
    size_t count;
    int rc = engine_resolve(s->engine, str_from(expression), ignore_unavailable, t->mem, &found,
                            &count, &t->err);
    if (code) {
        if (rc >= 0)
            fail_msg("\"%s\" is no error", expression);
        assert_err(rc, &t->err, code);
        return t->err.text;
    }
    if (rc < 0)
        fail_msg("\"%s\": %s", expression, t->err.text);
    for (size_t i = 0; i < count; i++)
        list = arena_printf(t->mem, STR_FMT "%s" STR_FMT, STR_ARG(list), i ? "," : "",
                            STR_ARG(found[i]));
    return arena_cstr(t->mem, list);
}

/* log-a and log-b, which "both" names; "first" and "Cap" are log-a; .hid; x. */
static void expressions(struct test *t)
{
    static const struct {
        const char *expression;
        bool ignore_unavailable;
        enum err_code code;
        const char *indices; /* or the error's text */
    } rows[] = {
        {"", 0, 0, ".hid,log-a,log-b,x"},
        {"_all", 0, 0, ".hid,log-a,log-b,x"},
        {"*", 0, 0, ".hid,log-a,log-b,x"},
        {"**", 0, 0, ".hid,log-a,log-b,x"},
        {"x", 0, 0, "x"},
        {"x,x", 0, 0, "x"},
        {"x,log-a", 0, 0, "log-a,x"},
        {"log-*", 0, 0, "log-a,log-b"},
        {"*-a", 0, 0, "log-a"},
        {"l*-*b", 0, 0, "log-b"},
        {"*.*", 0, 0, ".hid"},
        {"none*", 0, 0, ""},
        {"LOG-*", 0, 0, ""},
        /* aliases */
        {"both", 0, 0, "log-a,log-b"},
        {"Cap", 0, 0, "log-a"},
        {"fir*", 0, 0, "log-a"},
        {"b*,x", 0, 0, "log-a,log-b,x"},
        {"cap", 0, ERR_INDEX_NOT_FOUND, "no such index [cap]"},
        /* what is not there */
        {"none", 0, ERR_INDEX_NOT_FOUND, "no such index [none]"},
        {"none", 1, 0, ""},
        {"x,none", 0, ERR_INDEX_NOT_FOUND, "no such index [none]"},
        {"x,none", 1, 0, "x"},
        {"log-*,none", 0, ERR_INDEX_NOT_FOUND, "no such index [none]"},
        {"log", 0, ERR_INDEX_NOT_FOUND, "no such index [log]"},
        {"X", 0, ERR_INDEX_NOT_FOUND, "no such index [X]"},
        {"<log-{now/d}>", 0, ERR_INDEX_NOT_FOUND, "no such index [<log-{now/d}>]"},
        /* what a minus takes away: only behind a wildcard */
        {"*,-x", 0, 0, ".hid,log-a,log-b"},
        {"*,-log-*", 0, 0, ".hid,x"},
        {"log-*,-log-a", 0, 0, "log-b"},
        {"x,log-*,-x", 0, 0, "log-a,log-b"},
        {"log-*,-log-*", 0, 0, ""},
        {"log-*,-log-a,log-a", 0, 0, "log-a,log-b"},
        {"none*,x,-x", 0, 0, ""},
        {"*,-*", 0, 0, ""},
        {"x,-x", 0, ERR_INDEX_NOT_FOUND, "no such index [-x]"},
        {"x,-x", 1, 0, "x"},
        {"-x", 0, ERR_INDEX_NOT_FOUND, "no such index [-x]"},
        {"-x,*", 0, ERR_INDEX_NOT_FOUND, "no such index [-x]"},
        {"-log-*", 0, 0, ""},
        {"-log-*,-log-a", 0, 0, ""},
        {"x,-log-*,log-a", 0, 0, "log-a,x"},
        {"*,-none", 0, ERR_INDEX_NOT_FOUND, "no such index [none]"},
        {"*,-none", 1, 0, ".hid,log-a,log-b,x"},
        {"*,-none*", 0, 0, ".hid,log-a,log-b,x"},
        {"*,-", 0, ERR_INDEX_NOT_FOUND, "no such index []"},
        {"+x", 0, ERR_INDEX_NOT_FOUND, "no such index [+x]"},
        /* an alias takes its indices away only when a wildcard has it */
        {"*,-both", 0, 0, ".hid,log-a,log-b,x"},
        {"*,-bot*", 0, 0, ".hid,x"},
        /* a question mark is no wildcard */
        {"?", 0, ERR_INDEX_NOT_FOUND, "no such index [?]"},
        {"log-?", 0, ERR_INDEX_NOT_FOUND, "no such index [log-?]"},
        {"log-?", 1, 0, ""},
        {"log?*", 0, 0, ""},
        {"*,-lo?-*", 0, 0, ".hid,log-a,log-b,x"},
        /* nor is an underscore the beginning of a name */
        {"_x", 0, ERR_INDEX_NAME, "Invalid index name [_x], must not start with '_'."},
        {"_x", 1, ERR_INDEX_NAME, "Invalid index name [_x], must not start with '_'."},
        {"_*", 0, ERR_INDEX_NAME, "Invalid index name [_*], must not start with '_'."},
        {"x,_all", 0, ERR_INDEX_NAME, "Invalid index name [_all], must not start with '_'."},
        /* empty parts: those at the end do not count */
        {"x,", 0, 0, "x"},
        {"x,,", 0, 0, "x"},
        {",x", 0, ERR_INDEX_NOT_FOUND, "no such index []"},
        {"x,,log-a", 0, ERR_INDEX_NOT_FOUND, "no such index []"},
        {" x", 0, ERR_INDEX_NOT_FOUND, "no such index [ x]"},
    };
    struct store s;
    store_init(&s, t);
    store_open(&s);
    store_create(&s, "x", "{}");
    store_create(&s, "log-b", "{\"aliases\":{\"both\":{}}}");
    store_create(&s, "log-a", "{\"aliases\":{\"both\":{},\"first\":{},\"Cap\":{}}}");
    store_create(&s, ".hid", "{}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *got =
            resolved(&s, rows[i].expression, rows[i].ignore_unavailable, rows[i].code);
        if (strcmp(got, rows[i].indices) != 0)
            fail_msg("\"%s\": \"%s\", not \"%s\"", rows[i].expression, got, rows[i].indices);
    }
    store_deinit(&s);
}

/* What removes indices does not look at aliases. */
static void expressions_without_aliases(struct test *t)
{
    static const struct {
        const char *expression;
        int rc;
        const char *first; /* of `count` */
        size_t count;
    } rows[] = {
        {"_all", 0, "ia", 3},       {"i*", 0, "ia", 2},
        {"al*", 0, NULL, 0},        {"i*,-ia", 0, "ib", 1},
        {"i*,-ia,al*", 0, "ib", 1}, {"x,al*", 0, "x", 1},
        {"*,-a*", 0, "ia", 3},      {"al", -ERR_INDEX_NOT_FOUND, NULL, 0},
    };
    struct store s;
    store_init(&s, t);
    store_open(&s);
    store_create(&s, "ib", "{}");
    store_create(&s, "ia", "{\"aliases\":{\"al\":{}}}");
    store_create(&s, "x", "{}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str *found;
        size_t count = 0;
        int rc = engine_resolve_names(s.engine, str_from(rows[i].expression), false, t->mem, &found,
                                      &count, &t->err);
        if (rc != rows[i].rc || count != rows[i].count)
            fail_msg("\"%s\": %d, %zu indices", rows[i].expression, rc, count);
        if (count > 0)
            assert_str_eq(found[0], rows[i].first);
    }
    store_deinit(&s);
}

static void expressions_over_nothing(struct test *t)
{
    static const char *const rows[] = {"", "_all", "*", "a*", "*,-a*"};
    struct store s;
    store_init(&s, t);
    store_open(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(resolved(&s, rows[i], false, ERR_NONE), "");
    (void)resolved(&s, "a", false, ERR_INDEX_NOT_FOUND);
    store_deinit(&s);
}

TEST_MAIN(TEST(faults), TEST(capitals), TEST(nothing), TEST(lengths), TEST(expressions),
          TEST(expressions_without_aliases), TEST(expressions_over_nothing))
