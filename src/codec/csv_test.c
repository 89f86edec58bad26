/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "codec/csv.h"

static struct str rendered(struct test *t, const struct csv_row *row)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < row->count; i++) {
        const struct csv_field *f = &row->fields[i];
        if (!f->is_quoted && f->text.n == 0)
            buf_add_lit(&out, "nil|");
        else
            buf_printf(&out, "%.*s|", STR_ARG(f->text));
    }
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void parses(struct test *t)
{
    static const struct {
        const char *text, *separator;
        char quote;
        const char *want;
        size_t used;
    } rows[] = {
        {"", "", 0, "", 0},
        {"\n", "", 0, "", 1},
        {"a", "", 0, "a|", 1},
        {"a,b,c", "", 0, "a|b|c|", 5},
        {"a,b\nc,d", "", 0, "a|b|", 4},
        {"a,b\r\nc,d", "", 0, "a|b|", 5},
        {",", "", 0, "nil|nil|", 1},
        {"a,,b,", "", 0, "a|nil|b|nil|", 5},
        {"\"\",a", "", 0, "|a|", 4},
        {"\"a,b\",c", "", 0, "a,b|c|", 7},
        {"\"a\"\"b\",\"\"\"\"", "", 0, "a\"b|\"|", 11},
        {"\"a\nb\",c\nd", "", 0, "a\nb|c|", 8},
        {" a , b ", "", 0, " a | b |", 7},
        {"a\tb", "\t", 0, "a|b|", 3},
        {"a||b||c|", "||", 0, "a|b|c||", 8},
        {"'a;b';c", ";", '\'', "a;b|c|", 7},
        {"a\"b", "", '\'', "a\"b|", 3},
        {"\xED\x95\x9C,\xEA\xB8\x80", "", 0, "\xED\x95\x9C|\xEA\xB8\x80|", 7},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct csv_dialect dialect = {.separator = str_from(rows[i].separator),
                                      .quote = rows[i].quote};
        struct csv_row row;
        size_t used = 99;
        assert_ok(csv_parse(str_from(rows[i].text), &dialect, t->mem, &row, &used, &t->err),
                  &t->err);
        assert_str_eq(rendered(t, &row), rows[i].want);
        assert_int_equal(used, rows[i].used);
    }
    struct csv_dialect plain = {.has_no_quotes = true};
    struct csv_row row;
    assert_ok(csv_parse(STR("\"a,b\"c"), &plain, t->mem, &row, NULL, &t->err), &t->err);
    assert_str_eq(rendered(t, &row), "\"a|b\"c|");
}

static void refuses(struct test *t)
{
    static const struct {
        const char *text;
        int64_t off;
    } rows[] = {{"a\"b", 1},   {"a,b\"", 3},      {"\"a", 0},
                {"\"a\"b", 3}, {"x,\"a\" ,b", 5}, {"x,\"a\"\"", 2}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct csv_row row;
        assert_err(csv_parse(str_from(rows[i].text), NULL, t->mem, &row, NULL, &t->err), &t->err,
                   ERR_PARSE);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

static void writes(struct test *t)
{
    static const char *const fields[] = {"a",  "",   "b,c", "d\"e",        "f\ng",
                                         " h", NULL, "i",   "\xED\x95\x9C"};
    struct buf out;
    (void)t;
    buf_init(&out, 0);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
        csv_write_field(&out, NULL, str_from(fields[i]), !fields[i], i == 0);
    csv_write_row_end(&out, NULL);
    assert_str_eq(buf_str(&out), "a,\"\",\"b,c\",\"d\"\"e\",\"f\ng\",\" h\",,i,\xED\x95\x9C\n");
    buf_clear(&out);
    struct csv_dialect dialect = {
        .separator = STR(";"), .quote = '\'', .row_separator = STR("\r\n")};
    csv_write_field(&out, &dialect, STR("it's"), false, true);
    csv_write_field(&out, &dialect, STR("a,b"), false, false);
    csv_write_row_end(&out, &dialect);
    assert_str_eq(buf_str(&out), "'it''s';a,b\r\n");
    buf_deinit(&out);
}

static void comes_back(struct test *t)
{
    for (int round = 0; round < 3000; round++) {
        struct str fields[6];
        size_t count = 1 + (size_t)rng_below(&t->rng, 6);
        struct buf out;
        buf_init(&out, 0);
        for (size_t i = 0; i < count; i++) {
            char text[8];
            size_t n = (size_t)rng_below(&t->rng, sizeof(text));
            for (size_t k = 0; k < n; k++)
                text[k] = "ab\",\n\r x"[rng_below(&t->rng, 8)];
            fields[i] = arena_str(t->mem, (struct str){text, n});
            csv_write_field(&out, NULL, fields[i], false, i == 0);
        }
        csv_write_row_end(&out, NULL);
        struct csv_row row;
        size_t used;
        assert_ok(csv_parse(buf_str(&out), NULL, t->mem, &row, &used, &t->err), &t->err);
        assert_int_equal(row.count, count);
        assert_int_equal(used, out.n);
        for (size_t i = 0; i < count; i++)
            assert_strs_eq(row.fields[i].text, fields[i]);
        buf_deinit(&out);
    }
}

TEST_MAIN(TEST(parses), TEST(refuses), TEST(writes), TEST(comes_back))
