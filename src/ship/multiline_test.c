/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"
#include "base/log.h"
#include "os/os.h"
#include "ship/ship_int.h"

static struct ship *loaded(struct test *t)
{
    struct ship_config config = {
        .fs = vfs_posix(),
        .clock = clock_system(),
        .file = STR("f.yml"),
        .text = STR("filebeat.inputs: [{type: log, paths: [/x]}]\noutput.console.enabled: true\n")};
    struct ship *ship = NULL;
    log_set_level(LOG_OFF);
    assert_ok(ship_load(&config, &ship, &t->err), &t->err);
    return ship;
}

/* `lines`: separated by '|'. Entries come out as "off-end:text[flags];", a newline as '/'. At the
 * end the rest is flushed after a '!'. */
static void gives(struct test *t, const char *settings, const char *lines, const char *want)
{
    struct ship *ship = loaded(t);
    struct ship__multiline *multiline = NULL;
    struct value conf;
    assert_ok(value_from_json(str_from(settings), t->mem, &conf, &t->err), &t->err);
    assert_ok(ship__multiline_new(ship, &conf, 20, &multiline, &t->err), &t->err);
    struct ship__entry *entry = ship__entry_new();
    struct ship__whole whole;
    struct buf got;
    struct str left = str_from(lines), text;
    uint64_t off = 0;
    buf_init(&got, 0);
    bool is_there = true;
    for (;;) {
        bool has_line = str_split_next(&left, '|', &text), is_again = has_line;
        if (!has_line)
            buf_add_char(&got, '!');
        struct tail_line line = {.text = text, .off = off, .end_off = off + text.n + 1};
        while (is_again || !has_line) {
            is_again = false;
            is_there = has_line ? ship__multiline_add(multiline, entry, &line, 0, &whole, &is_again)
                                : ship__multiline_flush(multiline, entry, 0, true, &whole);
            if (!is_there)
                break;
            buf_printf(&got, "%llu-%llu:", (unsigned long long)whole.off,
                       (unsigned long long)whole.end_off);
            for (size_t i = 0; i < whole.text.n; i++)
                buf_add_char(&got, whole.text.p[i] == '\n' ? '/' : whole.text.p[i]);
            buf_printf(&got, "%s;", whole.is_truncated ? "~" : "");
            ship__entry_clear(entry);
        }
        if (!has_line)
            break;
        off += text.n + 1;
    }
    assert_str_eq(buf_str(&got), want);
    buf_deinit(&got);
    ship__entry_free(entry);
    ship__multiline_free(multiline);
    ship_free(ship);
}

static void by_pattern(struct test *t)
{
    const char *indented = "{\"pattern\":\"^ \",\"match\":\"after\"}";
    gives(t, indented, "a| b| c|d|e", "0-8:a/ b/ c;8-10:d;!10-12:e;");
    gives(t, indented, " x|a", "0-3: x;!3-5:a;");
    const char *dated = "{\"pattern\":\"^[0-9]\",\"negate\":true,\"match\":\"after\"}";
    gives(t, dated, "1 a|x|y|2 b", "0-8:1 a/x/y;!8-12:2 b;");
    const char *continued = "{\"pattern\":\"-$\",\"match\":\"before\"}";
    gives(t, continued, "a-|b-|c|d|e-", "0-8:a-/b-/c;8-10:d;!10-13:e-;");
    const char *closed = "{\"pattern\":\"END$\",\"negate\":true,\"match\":\"before\"}";
    gives(t, closed, "a|b END|c", "0-8:a/b END;!8-10:c;");
    gives(t, "{\"pattern\":\"^ \",\"match\":\"after\",\"flush_pattern\":\"!$\"}", "a| b!| c",
          "0-6:a/ b!;!6-9: c;");
    gives(t, "{\"pattern\":\"^ \",\"match\":\"after\",\"skip_newline\":true}", "a| b", "!0-5:a b;");
}

static void by_count_and_while(struct test *t)
{
    gives(t, "{\"type\":\"count\",\"count_lines\":2}", "a|b|c", "0-4:a/b;!4-6:c;");
    gives(t, "{\"type\":\"while_pattern\",\"pattern\":\"^\\\\{\"}", "{a|{b|c|{d",
          "0-6:{a/{b;6-8:c;!8-11:{d;");
}

static void limits(struct test *t)
{
    gives(t, "{\"pattern\":\"^ \",\"match\":\"after\",\"max_lines\":2}", "a| b| c|d",
          "0-8:a/ b~;!8-10:d;");
    gives(t, "{\"pattern\":\"^ \",\"match\":\"after\",\"max_lines\":0}", "a| b| c|d",
          "0-8:a/ b/ c;!8-10:d;");
    gives(t, "{\"pattern\":\"^ \",\"match\":\"after\"}", "0123456789| 123456789ABC|d",
          "0-25:0123456789/ 12345678~;!25-27:d;");
}

static void time_and_mistakes(struct test *t)
{
    struct ship *ship = loaded(t);
    struct ship__multiline *multiline = NULL;
    struct value conf;
    assert_ok(value_from_json(STR("{\"pattern\":\"^ \",\"match\":\"after\",\"timeout\":\"2s\"}"),
                              t->mem, &conf, &t->err),
              &t->err);
    assert_ok(ship__multiline_new(ship, &conf, 100, &multiline, &t->err), &t->err);
    struct ship__entry *entry = ship__entry_new();
    struct ship__whole whole;
    bool is_again = false;
    struct tail_line line = {.text = STR("a"), .end_off = 2};
    assert_false(ship__multiline_add(multiline, entry, &line, 10 * NS_PER_S, &whole, &is_again));
    assert_false(ship__multiline_flush(multiline, entry, 11 * NS_PER_S, false, &whole));
    assert_true(ship__multiline_flush(multiline, entry, 12 * NS_PER_S, false, &whole));
    ship__entry_clear(entry);
    assert_false(ship__multiline_flush(multiline, entry, 99 * NS_PER_S, true, &whole));
    ship__entry_free(entry);
    ship__multiline_free(multiline);
    multiline = NULL; /* a timeout of 0 is none */
    assert_ok(value_from_json(STR("{\"pattern\":\"^ \",\"match\":\"after\",\"timeout\":0}"), t->mem,
                              &conf, &t->err),
              &t->err);
    assert_ok(ship__multiline_new(ship, &conf, 100, &multiline, &t->err), &t->err);
    entry = ship__entry_new();
    assert_false(ship__multiline_add(multiline, entry, &line, 0, &whole, &is_again));
    assert_false(ship__multiline_flush(multiline, entry, 1000000 * NS_PER_S, false, &whole));
    assert_true(ship__multiline_flush(multiline, entry, 0, true, &whole));
    ship__entry_free(entry);
    ship__multiline_free(multiline);
    static const char *const wrong[] = {"{}",
                                        "{\"pattern\":\"x\"}",
                                        "{\"pattern\":\"(\",\"match\":\"after\"}",
                                        "{\"type\":\"count\"}",
                                        "{\"type\":\"other\"}",
                                        "{\"patern\":\"x\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        multiline = NULL;
        assert_ok(value_from_json(str_from(wrong[i]), t->mem, &conf, &t->err), &t->err);
        assert_err(ship__multiline_new(ship, &conf, 100, &multiline, &t->err), &t->err, ERR_CONFIG);
        ship__multiline_free(multiline);
    }
    ship_free(ship);
}

TEST_MAIN(TEST(by_pattern), TEST(by_count_and_while), TEST(limits), TEST(time_and_mistakes))
