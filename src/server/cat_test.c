/* SPDX-License-Identifier: Apache-2.0 */
/* cat_test.c: tables as text and JSON, over made-up cells. */
#include "support/server.h"

#include "server/rest.h"

static const struct cat_column columns[] = {
    {"name", "n", "who", false, true},
    {"size", "s,sz", "how large", true, true},
    {"more", NULL, "not shown", true, false},
};

static const char *const cells[][3] = {
    {"b", "1.5kb", "10"}, {"한국", "900b", "9"}, {"a", "2mb", "x"}};

/* The table for a query string, or the error's text. */
static struct str table(struct test *t, const char *query)
{
    struct buf out;
    struct rest_call call = {.mem = t->mem, .out = &out, .query = value_map(t->mem, 4)};
    struct str rest = str_from(query), pair;
    buf_init(&out, 0);
    json_writer_init(&call.w, &out, false);
    while (rest.n > 0 && str_split_next(&rest, '&', &pair)) {
        ptrdiff_t at = str_find_char(pair, '=');
        struct str name = at < 0 ? pair : str_sub(pair, 0, (size_t)at);
        struct str value = at < 0 ? STR("") : str_from_off(pair, (size_t)at + 1);
        value_map_set(t->mem, &call.query, name, value_str(value));
        if (str_is(name, "format"))
            call.format = value;
    }
    struct cat_table cat;
    cat_init(&cat, &call, columns, ARRAY_COUNT(columns));
    for (size_t r = 0; r < ARRAY_COUNT(cells); r++) {
        for (size_t c = 0; c < ARRAY_COUNT(columns); c++)
            cat_cellf(&cat, "%s", cells[r][c]);
    }
    int rc = cat_finish(&cat, &t->err);
    struct str text = rc < 0 ? str_from(t->err.text) : arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void shows_what_is_asked_for(struct test *t)
{
    static const struct {
        const char *query, *want;
    } rows[] = {
        {"", "b  1.5kb\n한국  900b\na    2mb\n"},
        {"v", "name  size\nb    1.5kb\n한국    900b\na      2mb\n"},
        {"v=false&h=more", "10\n 9\n x\n"},
        {"h=sz,n", "1.5kb b\n 900b 한국\n  2mb a\n"},
        {"h=m*", "10\n 9\n x\n"},
        {"h=nope", ""},
        {"h=name&s=name", "a\nb\n한국\n"},
        {"h=name&s=name:desc", "한국\nb\na\n"},
        {"h=name&s=size", "한국\nb\na\n"}, /* by what sizes are worth, not by their text */
        {"h=name&s=sz:desc", "a\nb\n한국\n"},
        {"h=more&s=more", " 9\n10\n x\n"},
        {"s=nope", "Unable to sort by unknown sort key `nope`"},
        {"format=json&h=name,more&s=n", "[{\"name\":\"a\",\"more\":\"x\"},{\"name\":\"b\",\"more\":"
                                        "\"10\"},{\"name\":\"한국\",\"more\":\"9\"}]"},
        {"format=yaml", "format [yaml] of _cat is not there yet: use json or text"},
        {"help", "name                     | n                | who\nsize                     | "
                 "s,sz             | how large\n"
                 "more                     |                  | not shown\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got = table(t, rows[i].query);
        if (!str_eq(got, str_from(rows[i].want)))
            fail_msg("?%s gives\n" STR_FMT "and not\n%s", rows[i].query, STR_ARG(got),
                     rows[i].want);
    }
}

static void prints_sizes(struct test *t)
{
    static const struct {
        uint64_t bytes;
        const char *unit, *want;
    } rows[] = {
        {0, NULL, "0b"},
        {1023, NULL, "1023b"},
        {1024, NULL, "1kb"},
        {1536, NULL, "1.5kb"},
        {1048575, NULL, "1023.9kb"},
        {5 * MIB, NULL, "5mb"},
        {UINT64_MAX, NULL, "16384pb"},
        {1536, "b", "1536"},
        {1536, "kb", "1"},
        {3 * GIB, "mb", "3072"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rest_call call = {.mem = t->mem, .query = value_map(t->mem, 1)};
        if (rows[i].unit)
            value_map_set(t->mem, &call.query, STR("bytes"), value_str(str_from(rows[i].unit)));
        assert_str_eq(cat_bytes(&call, rows[i].bytes), rows[i].want);
    }
}

TEST_MAIN(TEST(shows_what_is_asked_for), TEST(prints_sizes))
