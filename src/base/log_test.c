/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"
#include "base/log.h"

/* What the body wrote to stderr. */
static struct str captured(struct test *t, void (*body)(void))
{
    char path[] = "/tmp/naru-log-XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0 && dup2(file, STDERR_FILENO) == STDERR_FILENO);
    body();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    char *text = arena_alloc(t->mem, 65536);
    ssize_t n = pread(file, text, 65536, 0);
    (void)close(file);
    (void)close(kept);
    (void)unlink(path);
    assert_true(n >= 0);
    return (struct str){text, (size_t)n};
}

static struct clock_fake fake;

static void body_line(void)
{
    clock_fake_init(&fake, civil_to_ns(&(struct civil){2026, 11, 21, 14, 3, 5, 0, 123456789}));
    log_set_clock(&fake.base);
    log_line(LOG_WARN, "pipeline.main", "lost %d\nof %s", 3, "four");
    log_line(LOG_DEBUG, "x", "not at this level");
    log_set_clock(NULL);
    log_line(LOG_ERROR, "y", "%s", "without a clock");
}

static void a_message_is_one_line(struct test *t)
{
    assert_str_eq(captured(t, body_line),
                  "2026-11-21T14:03:05.123Z WARN  pipeline.main  lost 3 of four\n"
                  "ERROR y  without a clock\n");
}

static char long_text[10000];

static void body_long(void)
{
    memset(long_text, 'x', sizeof(long_text) - 1);
    log_line(LOG_INFO, "z", "%s", long_text);
}

static void a_long_message_is_cut(struct test *t)
{
    struct str s = captured(t, body_long);
    assert_in_range(s.n, 4000, 4200);
    assert_int_equal(s.p[s.n - 1], '\n');
}

static void body_errors(void)
{
    struct err err;
    (void)err_set(&err, ERR_CONFIG, "unknown option \"x\"");
    log_err(LOG_ERROR, "a", &err);
    (void)err_at(&err, STR("a.conf"), 3, 7);
    log_err(LOG_ERROR, "a", &err);
    (void)err_set(&err, ERR_JSON, "unexpected \"}\"");
    (void)err_at_off(&err, 17);
    log_err(LOG_ERROR, "a", &err);
}

static void errors_have_position_and_help(struct test *t)
{
    struct str s = captured(t, body_errors);
    assert_str_has(s, "ERROR a  unknown option \"x\" (The configuration has an error");
    assert_str_has(s, "ERROR a  a.conf:3:7: unknown option \"x\" (");
    assert_str_has(s, "ERROR a  unexpected \"}\", at byte 17 (");
}

static void levels_have_names(struct test *t)
{
    (void)t;
    enum log_level level = LOG_OFF;
    assert_true(log_level_from_str(STR("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_level_from_str(STR("Warning"), &level) && level == LOG_WARN);
    assert_true(log_level_from_str(STR("FATAL"), &level) && level == LOG_ERROR);
    assert_true(log_level_from_str(STR("trace"), &level) && level == LOG_DEBUG);
    assert_false(log_level_from_str(STR("loud"), &level));
    assert_int_equal(log_level(), LOG_INFO);
    log_set_level(LOG_ERROR);
    assert_int_equal(log_level(), LOG_ERROR);
    log_set_level(LOG_INFO);
}

static void a_repeated_message_is_limited_and_counted(struct test *t)
{
    (void)t;
    struct log_limit limit = {0};
    uint64_t skipped = 99;
    assert_true(log_limit_pass(&limit, 1000, 100, &skipped));
    assert_int_equal(skipped, 0);
    assert_false(log_limit_pass(&limit, 1000, 100, &skipped));
    assert_false(log_limit_pass(&limit, 1099, 100, &skipped));
    assert_true(log_limit_pass(&limit, 1100, 100, &skipped));
    assert_int_equal(skipped, 2);
    assert_false(log_limit_pass(&limit, 1150, 100, &skipped));
    assert_true(log_limit_pass(&limit, 5000, 100, &skipped));
    assert_int_equal(skipped, 1);
}

TEST_MAIN(TEST(a_message_is_one_line), TEST(a_long_message_is_cut),
          TEST(errors_have_position_and_help), TEST(levels_have_names),
          TEST(a_repeated_message_is_limited_and_counted))
