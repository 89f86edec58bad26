/* SPDX-License-Identifier: Apache-2.0 */
/* kis_test.c: the feed's texts without a socket, and the input's settings. Whole sessions are in
 * cli/feed_test.c, against the simulator. */
#include "support/pipeline.h"

#include "pipeline/kis_client.h"
#include "pipeline/kis_frame.h"
#include "pipeline/registry.h"

const struct input_type *const test_input_types[] = {NULL};
const struct filter_type *const test_filter_types[] = {NULL};
const struct output_type *const test_output_types[] = {NULL};

/* `count` fields 1^2^3…, the first the stock. */
static struct str fields(struct test *t, size_t count)
{
    struct str text = STR("005930");
    for (size_t i = 1; i < count; i++)
        text = arena_printf(t->mem, STR_FMT "^%zu", STR_ARG(text), i + 1);
    return text;
}

static void frames(struct test *t)
{
    static const struct {
        const char *head;
        size_t fields;
        const char *why; /* NULL: fine */
        size_t width;
    } rows[] = {
        {"0|H0STCNT0|001|", 46, NULL, 46},
        {"0|H0STCNT0|003|", 138, NULL, 46},
        {"0|H0STCNT0|002|", 94, NULL, 47},
        {"0|H0STCNT0|002|", 93, "93 fields are not 2 records", 0},
        {"0|H0STCNT0|001|", 45, "records of 45 fields", 0},
        {"0|H0STCNT0|001|", 500, "at most", 0},
        {"0|H0STCNT0|000|", 46, "count", 0},
        {"0|H0STCNT0|abc|", 46, "count", 0},
        {"2|H0STCNT0|001|", 46, "flag", 0},
        {"1|H0STCNT0|001|", 46, "encrypted", 0},
        {"0|H0STCNT0", 46, "four parts", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str text =
            arena_printf(t->mem, "%s" STR_FMT, rows[i].head, STR_ARG(fields(t, rows[i].fields)));
        struct kis_frame frame;
        int rc = kis_frame_parse(text, &frame, &t->err);
        assert_int_equal(rc == 0, rows[i].why == NULL);
        if (rows[i].why)
            assert_err_has(&t->err, rows[i].why);
        else
            assert_int_equal(frame.width, rows[i].width);
    }
}

static void records(struct test *t)
{
    struct kis_frame frame;
    struct str got[KIS_RECORD_FIELDS_MAX];
    struct str text = arena_printf(t->mem, "0|H0STCNT0|002|" STR_FMT "^" STR_FMT,
                                   STR_ARG(fields(t, 46)), STR_ARG(fields(t, 46)));
    assert_ok(kis_frame_parse(text, &frame, &t->err), &t->err);
    for (int i = 0; i < 2; i++) {
        assert_true(kis_frame_next(&frame, got));
        assert_str_eq(got[0], "005930");
        assert_str_eq(got[45], "46");
    }
    assert_false(kis_frame_next(&frame, got));
}

static void values(struct test *t)
{
    (void)t;
    int64_t ns;
    assert_int_equal(kis_field_value(KIS_INT, STR("-100")).i, -100);
    assert_int_equal(kis_field_value(KIS_TEXT, STR("005930")).kind, VALUE_STR);
    assert_int_equal(kis_field_value(KIS_INT, STR("")).kind, VALUE_STR);
    assert_true(kis_field_value(KIS_FLOAT, STR("0.39")).f == 0.39);
    assert_true(kis_time_ns(STR("20250122"), STR("135233"), &ns));
    assert_int_equal(ns, INT64_C(1737521553) * NS_PER_S);
    assert_false(kis_time_ns(STR("20251322"), STR("135233"), &ns));
    assert_false(kis_time_ns(STR("2025012"), STR("135233"), &ns));
}

static void messages(struct test *t)
{
    struct kis_message m;
    assert_ok(kis_message_parse(
                  STR("{\"header\":{\"tr_id\":\"PINGPONG\",\"datetime\":\"20250121142011\"}}"),
                  t->mem, &m, &t->err),
              &t->err);
    assert_int_equal(m.kind, KIS_MESSAGE_PING);
    assert_ok(kis_message_parse(STR("{\"header\":{\"tr_id\":\"H0STCNT0\",\"tr_key\":\"005930\"},"
                                    "\"body\":{\"rt_cd\":\"9\","
                                    "\"msg_cd\":\"OPSP0011\",\"msg1\":\"invalid approval\"}}"),
                                t->mem, &m, &t->err),
              &t->err);
    assert_int_equal(m.kind, KIS_MESSAGE_ANSWER);
    assert_str_eq(m.msg_cd, "OPSP0011");
    assert_err(kis_message_parse(STR("{"), t->mem, &m, &t->err), &t->err, ERR_JSON);
}

static void addresses(struct test *t)
{
    struct kis_url url;
    assert_ok(
        kis_url_parse(STR("ws://ops.koreainvestment.com:21000/tryitout/H0STCNT0"), &url, &t->err),
        &t->err);
    assert_str_eq(url.host, "ops.koreainvestment.com");
    assert_int_equal(url.port, 21000);
    assert_str_eq(url.path, "/tryitout/H0STCNT0");
    assert_ok(kis_url_parse(STR("wss://h"), &url, &t->err), &t->err);
    assert_int_equal(url.port, 443);
    assert_str_eq(url.path, "/");
    assert_err(kis_url_parse(STR("http://h"), &url, &t->err), &t->err, ERR_INVALID);
    assert_err(kis_url_parse(STR("ws://:80/"), &url, &t->err), &t->err, ERR_INVALID);
    assert_err(kis_url_parse(STR("ws://h:0/"), &url, &t->err), &t->err, ERR_INVALID);
}

static void settings(struct test *t)
{
    accepts(t, "input { kis { approval_key => \"k\" stocks => [\"005930\", \"000660,035420\"] } } "
               "output { stdout { } }");
    refuses(t, "input { kis { stocks => [\"005930\"] } } output { stdout { } }", NULL,
            "app_key and secret_key");
    refuses(t, "input { kis { approval_key => \"k\" stocks => [5930] } } output { stdout { } }",
            NULL, "in quotes");
    refuses(t, "input { kis { approval_key => \"k\" stocks => [] } } output { stdout { } }", NULL,
            "at least one");
    refuses(t,
            "input { kis { approval_key => \"k\" stocks => [\"1\"] tr_id => \"H0STASP0\" } } "
            "output { stdout { } }",
            NULL, "H0STCNT0");
    refuses(t,
            "input { kis { approval_key => \"k\" stocks => [\"1\"] url => \"http://x\" } } output "
            "{ stdout { } }",
            NULL, "ws://");
}

TEST_MAIN(TEST(frames), TEST(records), TEST(values), TEST(messages), TEST(addresses),
          TEST(settings))
