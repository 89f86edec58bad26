/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "expr/condition.h"

static struct cond_operand field(const char *ref)
{
    return (struct cond_operand){.kind = COND_FIELD, .field = str_from(ref), .pos = 7};
}

static struct cond_operand text(const char *s)
{
    return (struct cond_operand){
        .kind = COND_CONSTANT, .constant = value_str(str_from(s)), .pos = 9};
}

static struct cond_operand number(int64_t i)
{
    return (struct cond_operand){.kind = COND_CONSTANT, .constant = value_int(i)};
}

static struct cond_operand json(struct test *t, const char *s)
{
    struct cond_operand operand = {.kind = COND_CONSTANT};
    assert_ok(value_from_json(str_from(s), t->mem, &operand.constant, &t->err), &t->err);
    return operand;
}

static struct cond_node two(enum cond_op op, struct cond_operand a, struct cond_operand b)
{
    return (struct cond_node){.op = op, .a = a, .b = b};
}

static struct cond_node truth(struct cond_operand a)
{
    return (struct cond_node){.op = COND_TRUTH, .a = a};
}

static struct event *sample(struct test *t, struct batch *batch)
{
    struct event *ev = NULL;
    assert_ok(
        event_from_json(
            batch,
            STR("{\"@timestamp\":\"2025-01-22T04:52:33Z\",\"s\":\"hello "
                "world\",\"e\":\"\",\"false\":\"false\","
                "\"n\":200,\"f\":2.5,\"ns\":\"200\",\"zero\":0,\"t\":true,\"no\":false,\"z\":null,"
                "\"tags\":[\"a\",\"b\",3],\"empty\":[],\"m\":{\"x\":\"hello\"},\"w\":200.0,\"s2\":"
                "\"hello world\","
                "\"@metadata\":{\"k\":\"v\"}}"),
            0, &ev, &t->err),
        &t->err);
    return ev;
}

static void holds(struct test *t, struct cond_node root, bool want, uint64_t errors)
{
    struct batch *batch = batch_new(NULL);
    struct event *ev = sample(t, batch);
    struct condition *cond = NULL;
    assert_ok(condition_compile(&root, t->mem, &cond, &t->err), &t->err);
    bool got = condition_eval(cond, ev);
    if (got != want || condition_error_count(cond) != errors) {
        struct buf out;
        buf_init(&out, 0);
        condition_write(&root, &out);
        fail_msg("%.*s is %d with %llu errors", STR_ARG(buf_str(&out)), got,
                 (unsigned long long)condition_error_count(cond));
    }
    condition_free(cond);
    batch_unref(batch);
}
#define TRUE(node)  holds(t, (node), true, 0)
#define FALSE(node) holds(t, (node), false, 0)
#define ERROR(node) holds(t, (node), false, 1)

static void truths(struct test *t)
{
    TRUE(truth(field("s")));
    TRUE(truth(field("[m][x]")));
    TRUE(truth(field("zero")));
    TRUE(truth(field("empty")));
    TRUE(truth(field("t")));
    TRUE(truth(field("m")));
    TRUE(truth(field("[@metadata][k]")));
    TRUE(truth(field("@timestamp")));
    FALSE(truth(field("no")));
    FALSE(truth(field("e")));
    FALSE(truth(field("[false]")));
    FALSE(truth(field("z")));
    FALSE(truth(field("missing")));
    TRUE(truth(text("x")));
    FALSE(truth(text("false")));
}

static void equality_is_typed(struct test *t)
{
    TRUE(two(COND_EQ, field("n"), number(200)));
    FALSE(two(COND_EQ, field("ns"), number(200)));
    TRUE(two(COND_EQ, field("ns"), text("200")));
    FALSE(two(COND_EQ, field("n"), text("200")));
    TRUE(two(COND_EQ, field("w"), number(200)));
    TRUE(two(COND_EQ, field("s"), field("s2")));
    FALSE(two(COND_EQ, field("t"), text("true")));
    FALSE(two(COND_EQ, field("missing"), text("x")));
    TRUE(two(COND_NE, field("missing"), text("x")));
    TRUE(two(COND_EQ, field("missing"), field("z")));
    TRUE(two(COND_EQ, field("[tags][0]"), text("a")));
    TRUE(two(COND_EQ, text("a"), text("a")));
}

static void order(struct test *t)
{
    TRUE(two(COND_GT, field("n"), number(199)));
    FALSE(two(COND_GT, field("n"), number(200)));
    TRUE(two(COND_GE, field("n"), number(200)));
    TRUE(two(COND_LT, field("f"), number(3)));
    TRUE(two(COND_LE, field("f"), field("n")));
    TRUE(two(COND_LT, field("s"), text("i")));
    TRUE(two(COND_LT, number(1), number(2)));
    TRUE(two(COND_LT, number(INT64_MAX), json(t, "9223372036854775808")));
    TRUE(two(COND_GT, json(t, "9223372036854775808"), number(INT64_MAX)));
    TRUE(two(COND_LT, json(t, "-9223372036854775809"), number(INT64_MIN)));
    TRUE(two(COND_LT, json(t, "9223372036854775808"), json(t, "9223372036854775809")));
    TRUE(two(COND_GT, json(t, "-10000000000000000000"), json(t, "-10000000000000000001")));
    TRUE(two(COND_GT, number(9007199254740993), json(t, "9007199254740992.0")));
    TRUE(two(COND_LT, number(-3), json(t, "-2.5")));
    TRUE(two(COND_GT, number(-2), json(t, "-2.5")));
    TRUE(two(COND_LT, json(t, "2.5"), number(3)));
    TRUE(two(COND_LT, number(INT64_MAX), json(t, "9223372036854775808.0")));
    TRUE(two(COND_GE, number(INT64_MIN), json(t, "-9223372036854775808.0")));
    TRUE(two(COND_LT, json(t, "9223372036854775809"), json(t, "1e300")));
    TRUE(two(COND_GT, json(t, "-9223372036854775809"), json(t, "-1e300")));
    ERROR(two(COND_GT, field("missing"), number(5)));
    ERROR(two(COND_LT, field("missing"), number(5)));
    ERROR(two(COND_GT, field("ns"), number(5)));
    ERROR(two(COND_GT, field("tags"), number(5)));
    ERROR(two(COND_GT, field("n"), text("5")));
}

static void membership(struct test *t)
{
    TRUE(two(COND_IN, text("a"), field("tags")));
    TRUE(two(COND_IN, text("3"), field("tags")));
    FALSE(two(COND_IN, text("c"), field("tags")));
    TRUE(two(COND_NOT_IN, text("c"), field("tags")));
    TRUE(two(COND_IN, text("lo wo"), field("s")));
    TRUE(two(COND_IN, field("n"), json(t, "[200,404]")));
    TRUE(two(COND_IN, field("ns"), json(t, "[200,404]")));
    FALSE(two(COND_IN, field("zero"), json(t, "[200,404]")));
    TRUE(two(COND_IN, field("[m][x]"), text("say hello!")));
    TRUE(two(COND_IN, field("[m][x]"), field("s")));
    TRUE(two(COND_IN, field("[tags][0]"), field("tags")));
    FALSE(two(COND_IN, field("tags"), json(t, "[\"a\"]")));
    FALSE(two(COND_IN, field("m"), field("s")));
    FALSE(two(COND_IN, field("missing"), json(t, "[\"a\"]")));
    FALSE(two(COND_IN, text("a"), field("missing")));
    TRUE(two(COND_NOT_IN, text("a"), field("missing")));
    TRUE(two(COND_IN, text("b"), text("abc")));
}

static void patterns(struct test *t)
{
    TRUE(two(COND_MATCH, field("s"), text("^hel+o\\b")));
    FALSE(two(COND_MATCH, field("s"), text("^world")));
    TRUE(two(COND_NOT_MATCH, field("s"), text("^world")));
    FALSE(two(COND_MATCH, field("n"), text("200")));
    TRUE(two(COND_NOT_MATCH, field("n"), text("200")));
    FALSE(two(COND_MATCH, field("missing"), text(".*")));
    TRUE(two(COND_MATCH, text("a/b"), text("a\\/b")));
}

static void combinations(struct test *t)
{
    struct cond_node yes = truth(field("s")), no = truth(field("missing"));
    static const struct {
        enum cond_op op;
        bool want[4]; /* yes yes, yes no, no yes, no no */
    } rows[] = {{COND_AND, {true, false, false, false}},
                {COND_OR, {true, true, true, false}},
                {COND_XOR, {false, true, true, false}},
                {COND_NAND, {false, true, true, true}}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (unsigned k = 0; k < 4; k++)
            holds(t,
                  (struct cond_node){
                      .op = rows[i].op, .left = k & 2 ? &no : &yes, .right = k & 1 ? &no : &yes},
                  rows[i].want[k], 0);
    }
    FALSE(((struct cond_node){.op = COND_NOT, .left = &yes}));
    TRUE(((struct cond_node){.op = COND_NOT, .left = &no}));
    /* A comparison that cannot be made is false, so the other side of an or still counts. */
    struct cond_node broken = two(COND_GT, field("missing"), number(5));
    holds(t, (struct cond_node){.op = COND_OR, .left = &broken, .right = &yes}, true, 1);
}

static void writes(struct test *t)
{
    struct cond_node a = two(COND_EQ, field("[a][b]"), text("x")),
                     b = two(COND_MATCH, field("c"), text("^y")),
                     both = {.op = COND_AND, .left = &a, .right = &b},
                     not = {.op = COND_NOT, .left = &both};
    struct buf out;
    (void)t;
    buf_init(&out, 0);
    condition_write(&not, &out);
    assert_str_eq(buf_str(&out), "!(([a][b] == \"x\") and ([c] =~ /^y/))");
    buf_deinit(&out);
}

static void refuses(struct test *t)
{
    struct condition *cond;
    struct cond_node bad_ref = truth(field("a[b]")),
                     bad_regex = two(COND_MATCH, field("a"), text("(")),
                     no_regex = two(COND_MATCH, field("a"), field("b"));
    assert_err(condition_compile(&bad_ref, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
    assert_int_equal(t->err.off, 6);
    assert_err(condition_compile(&bad_regex, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
    assert_int_equal(t->err.off, 8);
    assert_err(condition_compile(&no_regex, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
    struct cond_node *chain = ARENA_ARRAY(t->mem, struct cond_node, CONDITION_DEPTH_MAX + 2);
    for (size_t i = 0; i <= CONDITION_DEPTH_MAX; i++)
        chain[i] = (struct cond_node){.op = COND_NOT, .left = &chain[i + 1]};
    chain[CONDITION_DEPTH_MAX + 1] = truth(field("a"));
    assert_err(condition_compile(chain, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
}

TEST_MAIN(TEST(truths), TEST(equality_is_typed), TEST(order), TEST(membership), TEST(patterns),
          TEST(combinations), TEST(writes), TEST(refuses))
