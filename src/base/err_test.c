/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

static void an_error_is_a_value(struct test *t)
{
    struct err *err = &t->err;
    assert_int_equal(err_set(err, ERR_CORRUPT, "segment \"%s\": bad checksum at %d", "s1", 42),
                     -ERR_CORRUPT);
    assert_string_equal(err->text, "segment \"s1\": bad checksum at 42");
    assert_true(err->line == 0 && err->off == -1 && err->file[0] == '\0');
    assert_int_equal(err_at(err, STR("a.conf"), 3, 4), -ERR_CORRUPT);
    assert_int_equal(err_at_off(err, 99), -ERR_CORRUPT);
    assert_int_equal(err_wrap(err, "opening %s", "index"), -ERR_CORRUPT);
    assert_string_equal(err->text, "opening index: segment \"s1\": bad checksum at 42");
    assert_true(err->line == 3 && err->column == 4 && err->off == 99 &&
                strcmp(err->file, "a.conf") == 0);
    struct err copy = *err;
    err_clear(err);
    assert_int_equal(err->code, ERR_NONE);
    assert_int_equal(copy.code, ERR_CORRUPT);
}

static void it_may_be_left_out(struct test *t)
{
    (void)t;
    assert_int_equal(err_set(NULL, ERR_IO, "x"), -ERR_IO);
    assert_true(err_wrap(NULL, "x") < 0 && err_at(NULL, STR("f"), 1, 1) < 0 &&
                err_at_off(NULL, 1) < 0);
    err_clear(NULL);
}

static bool is_utf8_whole(const char *text)
{
    for (size_t i = 0; text[i];) {
        unsigned char c = (unsigned char)text[i];
        size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        for (size_t k = 1; k < n; k++) {
            if (((unsigned char)text[i + k] & 0xC0) != 0x80)
                return false;
        }
        i += n;
    }
    return true;
}

static void a_long_text_is_cut_between_characters(struct test *t)
{
    char text[2000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xEB\x82\x98", 3);
        text[1800 + shift] = '\0';
        (void)err_set(&t->err, ERR_INVALID, "%s", text);
        assert_in_range(strlen(t->err.text), ERR_TEXT_BYTES - 5, ERR_TEXT_BYTES - 1);
        assert_true(is_utf8_whole(t->err.text));
        (void)err_wrap(&t->err, "a%s", "bc");
        assert_in_range(strlen(t->err.text), ERR_TEXT_BYTES - 8, ERR_TEXT_BYTES - 1);
        assert_true(is_utf8_whole(t->err.text));
        (void)err_wrap(&t->err, "%s", text);
        assert_true(strlen(t->err.text) < ERR_TEXT_BYTES && is_utf8_whole(t->err.text));
        (void)err_at(&t->err, (struct str){text, 1000}, 1, 1);
        assert_int_equal(strlen(t->err.file), ERR_FILE_BYTES - 1);
    }
}

static void every_code_has_its_row(struct test *t)
{
    (void)t;
    for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
        enum err_code c = (enum err_code)code;
        assert_true(strlen(err_name(c)) > 0 && strlen(err_es_type(c)) > 0);
        assert_in_range(err_http_status(c), 400, 599);
        assert_int_equal(err_help(c)[strlen(err_help(c)) - 1], '.');
    }
    assert_string_equal(err_name(ERR_INDEX_NOT_FOUND), "INDEX_NOT_FOUND");
    assert_int_equal(err_http_status(ERR_INDEX_NOT_FOUND), 404);
    assert_true(err_is_retryable(ERR_DISK_FULL) && !err_is_retryable(ERR_PARSE));
}

TEST_MAIN(TEST(an_error_is_a_value), TEST(it_may_be_left_out),
          TEST(a_long_text_is_cut_between_characters), TEST(every_code_has_its_row))
