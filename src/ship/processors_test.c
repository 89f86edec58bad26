/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/log.h"
#include "os/os.h"
#include "ship/ship_int.h"

static int load(struct test *t, const char *processors, struct ship **ret_ship)
{
    struct str text =
        arena_printf(t->mem,
                     "filebeat.inputs: [{type: log, paths: [/x]}]\noutput.console.enabled: true\n"
                     "processors:\n%s",
                     processors);
    struct ship_config config = {
        .fs = vfs_posix(), .clock = clock_system(), .file = STR("f.yml"), .text = text};
    log_set_level(LOG_OFF);
    return ship_load(&config, ret_ship, &t->err);
}

/* `want` NULL: the event is dropped. */
static void gives(struct test *t, bool is_static, const char *processors, const char *in,
                  const char *want)
{
    struct ship *ship = NULL;
    struct value event;
    assert_ok(load(t, processors, &ship), &t->err);
    assert_int_equal(ship__processors_are_static(ship->processors), is_static);
    assert_ok(value_from_json(str_from(in), t->mem, &event, &t->err), &t->err);
    bool is_kept = ship__processors_run(ship->processors, &event, t->mem);
    assert_int_equal(is_kept, want != NULL);
    if (want) {
        struct buf out;
        buf_init(&out, 0);
        value_to_json(&event, &out);
        assert_str_eq(buf_str(&out), want);
        buf_deinit(&out);
    }
    ship_free(ship);
}

static void fails(struct test *t, const char *processors, enum err_code code, uint32_t line,
                  uint32_t column, const char *part)
{
    struct ship *ship = NULL;
    assert_err(load(t, processors, &ship), &t->err, code);
    assert_err_has(&t->err, part);
    assert_int_equal(t->err.line, line);
    assert_int_equal(t->err.column, column);
}

static void adding(struct test *t)
{
    gives(t, true, "- add_fields: {fields: {a: 1, b.c: x}}\n", "{\"m\":1}",
          "{\"m\":1,\"fields\":{\"a\":1,\"b\":{\"c\":\"x\"}}}");
    gives(t, true, "- add_fields: {target: '', fields: {a: 1}}\n", "{\"a\":0}", "{\"a\":1}");
    gives(t, true, "- add_fields: {target: p.q, fields: {a: 1}}\n", "{\"p\":{\"z\":0}}",
          "{\"p\":{\"z\":0,\"q\":{\"a\":1}}}");
    gives(t, true, "- add_tags: {tags: [x, y]}\n", "{\"tags\":[\"a\"]}",
          "{\"tags\":[\"a\",\"x\",\"y\"]}");
    gives(t, true, "- add_labels: {labels: {l: v}}\n", "{}", "{\"labels\":{\"l\":\"v\"}}");
}

static void removing_and_moving(struct test *t)
{
    gives(t, true, "- drop_fields: {fields: [a.b, c, '@timestamp']}\n",
          "{\"@timestamp\":1,\"a\":{\"b\":1,\"d\":2},\"c\":3}",
          "{\"@timestamp\":1,\"a\":{\"d\":2}}");
    gives(t, true, "- include_fields: {fields: [a.b]}\n",
          "{\"@timestamp\":1,\"a\":{\"b\":1,\"d\":2},\"c\":3}",
          "{\"@timestamp\":1,\"a\":{\"b\":1}}");
    gives(t, true,
          "- rename: {fields: [{from: a.b, to: x.y}, {from: nix, to: z}, {from: c, to: d}]}\n",
          "{\"a\":{\"b\":1},\"c\":2,\"d\":3}", "{\"a\":{},\"c\":2,\"d\":3,\"x\":{\"y\":1}}");
    gives(t, true, "- copy_fields: {fields: [{from: a, to: b}]}\n", "{\"a\":1}",
          "{\"a\":1,\"b\":1}");
    gives(t, true, "- drop_event: ~\n", "{}", NULL);
}

static void conditions(struct test *t)
{
    static const struct {
        const char *when, *in;
        bool is_static, holds;
    } rows[] = {
        {"equals: {a.b: 1}", "{\"a\":{\"b\":1}}", true, true},
        {"equals: {a: x}", "{\"a\":\"y\"}", true, false},
        {"equals: {message: x}", "{\"message\":\"x\"}", false, true},
        {"contains: {tags: f}", "{\"tags\":[\"f\"]}", true, true},
        {"contains: {tags: f}", "{\"tags\":[\"ff\"]}", true, false},
        {"contains: {message: 'RR'}", "{\"message\":\"ERROR\"}", false, true},
        {"regexp: {message: '^E.*R$'}", "{\"message\":\"ERROR\"}", false, true},
        {"range: {n: {gte: 2, lt: 3}}", "{\"n\":2}", true, true},
        {"range: {n.gte: 2}", "{\"n\":1}", true, false},
        {"has_fields: [a, b.c]", "{\"a\":1,\"b\":{\"c\":1}}", true, true},
        {"has_fields: [a, b.d]", "{\"a\":1,\"b\":{\"c\":1}}", true, false},
        {"not: {equals: {a: 1}}", "{\"a\":2}", true, true},
        {"or: [{equals: {a: 1}}, {equals: {a: 2}}]", "{\"a\":2}", true, true},
        {"and: [{equals: {a: 1}}, {has_fields: [b]}]", "{\"a\":1}", true, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        gives(t, rows[i].is_static,
              arena_printf(t->mem, "- drop_event: {when: {%s}}\n", rows[i].when).p, rows[i].in,
              rows[i].holds ? NULL : rows[i].in);
    gives(t, true, "- add_host_metadata:\n    when.not.contains.tags: forwarded\n",
          "{\"tags\":[\"forwarded\"]}", "{\"tags\":[\"forwarded\"]}");
    /* A line's field under another name, and a condition on that. */
    gives(t, false,
          "- rename: {fields: [{from: message, to: m}]}\n- drop_event: {when: {equals: {m: x}}}\n",
          "{\"message\":\"x\"}", NULL);
}

static void json(struct test *t)
{
    gives(t, false, "- decode_json_fields: {fields: [message]}\n",
          "{\"message\":\"{\\\"a\\\":1}\"}", "{\"message\":{\"a\":1}}");
    gives(t, false, "- decode_json_fields: {fields: [message], target: ''}\n",
          "{\"a\":0,\"message\":\"{\\\"a\\\":1,\\\"b\\\":2}\"}",
          "{\"a\":0,\"message\":\"{\\\"a\\\":1,\\\"b\\\":2}\",\"b\":2}");
    gives(t, false, "- decode_json_fields: {fields: [message], target: j}\n", "{\"message\":\"x\"}",
          "{\"message\":\"x\"}");
}

static void mistakes(struct test *t)
{
    fails(t, "- dissect: {tokenizer: '%{a}'}\n", ERR_UNSUPPORTED, 4, 3, "dissect");
    fails(t, "- add_fields: {field: {a: 1}}\n", ERR_CONFIG, 4, 16, "did you mean \"fields\"");
    fails(t, "- add_tags: {}\n", ERR_CONFIG, 4, 3, "tags");
    fails(t, "- drop_event: {when: {like: {a: 1}}}\n", ERR_UNSUPPORTED, 4, 23, "like");
    fails(t, "- drop_event: {when: {regexp: {a: '('}}}\n", ERR_CONFIG, 4, 32, "(");
    fails(t, "- rename: {fields: [{from: a}]}\n", ERR_CONFIG, 4, 21, "\"to\"");
    fails(t, "- x\n", ERR_CONFIG, 4, 3, "a processor is a map");
}

TEST_MAIN(TEST(adding), TEST(removing_and_moving), TEST(conditions), TEST(json), TEST(mistakes))
