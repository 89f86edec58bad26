/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "ship/yaml.h"

static struct str env_get(void *owner, struct str name)
{
    (void)owner;
    if (str_is(name, "A"))
        return STR("va");
    if (str_is(name, "N"))
        return STR("12");
    return str_is(name, "EMPTY") ? STR("") : STR_NONE;
}

static int parse(struct test *t, const char *text, struct value *ret_root)
{
    struct yaml_source *source = ARENA_NEW(t->mem, struct yaml_source);
    *source = (struct yaml_source){.file = STR("f.yml"), .text = str_from(text)};
    TRY(yaml_parse(source, t->mem, ret_root, &t->err));
    TRY(yaml_expand_keys(source, t->mem, ret_root, &t->err));
    return yaml_expand_env(source, t->mem, ret_root, env_get, NULL, &t->err);
}

static void gives(struct test *t, const char *text, const char *want)
{
    struct value root;
    struct buf out;
    buf_init(&out, 0);
    assert_ok(parse(t, text, &root), &t->err);
    value_to_json(&root, &out);
    assert_str_eq(buf_str(&out), want);
    buf_deinit(&out);
}

static void fails(struct test *t, const char *text, uint32_t line, uint32_t column,
                  const char *part)
{
    struct value root;
    assert_true(parse(t, text, &root) < 0);
    assert_err_has(&t->err, part);
    if (t->err.line != line || t->err.column != column)
        fail_msg("%s: at %u:%u: %s", text, t->err.line, t->err.column, t->err.text);
    assert_str_eq(str_from(t->err.file), "f.yml");
}

static void scalars(struct test *t)
{
    gives(t, "", "{}");
    gives(t, "# only a comment\n", "{}");
    gives(t, "a: 1\nb: -2\nc: 1.5\nd: 0x1F\ne: 0o17\n",
          "{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":31,\"e\":15}");
    gives(t, "a: true\nb: no\nc: On\nd: ~\ne:\nf: null\n",
          "{\"a\":true,\"b\":false,\"c\":true,\"d\":null,\"e\":null,\"f\":null}");
    gives(t, "a: '1'\nb: \"true\"\nc: !!str 7\n", "{\"a\":\"1\",\"b\":\"true\",\"c\":\"7\"}");
    gives(t, "a: 10s\nb: 1.2.3\nc: a:b\n", "{\"a\":\"10s\",\"b\":\"1.2.3\",\"c\":\"a:b\"}");
    gives(t, "a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
    gives(t, "on: 1\n2: x\n", "{\"on\":1,\"2\":\"x\"}");
}

static void trees(struct test *t)
{
    gives(t, "- a\n- b: 1\n  c: [x, {y: z}]\n", "[\"a\",{\"b\":1,\"c\":[\"x\",{\"y\":\"z\"}]}]");
    gives(t, "a.b.c: 1\na.d: 2\na:\n  e: 3\n", "{\"a\":{\"b\":{\"c\":1},\"d\":2,\"e\":3}}");
    gives(t, "x: &k {a: 1}\ny: *k\nz:\n  <<: *k\n  b: 2\n",
          "{\"x\":{\"a\":1},\"y\":{\"a\":1},\"z\":{\"a\":1,\"b\":2}}");
}

static void environment(struct test *t)
{
    gives(t, "a: ${A}\nb: ${N}\nc: '${N}'\nd: x${A}y${A}\n",
          "{\"a\":\"va\",\"b\":12,\"c\":\"12\",\"d\":\"xvayva\"}");
    gives(t, "a: ${X:dflt}\nb: ${X:}\nc: ${EMPTY}\nd: ${X:1}\n",
          "{\"a\":\"dflt\",\"b\":null,\"c\":null,\"d\":1}");
    gives(t, "a: $${A}\nb: cost $5\n", "{\"a\":\"${A}\",\"b\":\"cost $5\"}");
    gives(t, "a: [\"h:${N}\", '${A}']\n", "{\"a\":[\"h:12\",\"va\"]}");
}

static void errors(struct test *t)
{
    fails(t, "a: [1, 2\n", 2, 1, "flow sequence");
    fails(t, "a: 1\n b: 2\n", 2, 3, "mapping values");
    fails(t, "가: 1\n나: \"\\q\"\n", 2, 7, "escape");
    fails(t, "a: 1\na: 2\n", 2, 1, "twice");
    fails(t, "a.b: 1\na: 2\n", 2, 1, "twice");
    fails(t, "a: 1\n---\nb: 2\n", 2, 1, "second document");
    fails(t, "a: *none\n", 1, 4, "no anchor");
    fails(t, "a: x\nb: ${NOPE}\n", 2, 1, "NOPE");
    fails(t, "b: ${NOPE:?set it}\n", 1, 1, "set it");
    fails(t, "b: ${NOPE\n", 1, 1, "without");
    fails(t, "? [x]\n: 1\n", 1, 3, "key must be");
}

static void bombs(struct test *t)
{
    struct value root;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 200; i++)
        buf_add_lit(&text, "[");
    assert_int_equal(parse(t, buf_cstr(&text), &root), -ERR_TOO_LARGE);
    buf_clear(&text);
    buf_add_lit(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"); /* "billion laughs" */
    for (int i = 1; i < 12; i++)
        buf_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_int_equal(parse(t, buf_cstr(&text), &root), -ERR_TOO_LARGE);
    buf_clear(&text);
    buf_add_lit(&text, "a0: &a0 [x]\n"); /* depth by aliases */
    for (int i = 1; i < 5000; i++)
        buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_int_equal(parse(t, buf_cstr(&text), &root), -ERR_TOO_LARGE);
    buf_deinit(&text);
}

TEST_MAIN(TEST(scalars), TEST(trees), TEST(environment), TEST(errors), TEST(bombs))
