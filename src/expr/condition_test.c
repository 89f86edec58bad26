/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "expr/condition.h"

#define EVENT                                                                                                           \
    "{\"s\":\"text\",\"n\":200,\"f\":1.5,\"t\":true,\"no\":false,\"falsy\":\"false\",\"empty\":\"\",\"nil\":null,"        \
    "\"zero\":0,\"list\":[\"a\",\"b\",3],\"none\":[],\"map\":{\"k\":\"v\"},\"@timestamp\":\"2026-11-20T00:00:00.000Z\"}"

static struct cond_operand field(const char *name)
{
    return (struct cond_operand){.kind = COND_FIELD, .field = str_from(name), .pos = 1};
}

/* A constant written as JSON. */
static struct cond_operand constant(struct test *t, const char *json)
{
    struct cond_operand o = {.kind = COND_CONSTANT, .pos = 7};
    assert_ok(value_from_json(str_from(json), t->mem, &o.constant, &t->err), &t->err);
    return o;
}

static bool eval_node(struct test *t, const struct cond_node *node, uint64_t *ret_errors)
{
    struct condition *cond;
    struct event *ev;
    struct batch *batch = batch_new(NULL);
    assert_ok(event_from_json(batch, STR(EVENT), 0, &ev, &t->err), &t->err);
    assert_ok(condition_compile(node, t->mem, &cond, &t->err), &t->err);
    bool result = condition_eval(cond, ev);
    *ret_errors = condition_error_count(cond);
    condition_free(cond);
    batch_unref(batch);
    return result;
}

static void truth_is_text_not_empty_and_not_false(struct test *t)
{
    static const struct {
        const char *field;
        bool is_true;
    } rows[] = {{"[s]", true},     {"[n]", true},   {"[t]", true},    {"[no]", false}, {"[falsy]", false},
                {"[empty]", false}, {"[nil]", false}, {"[zero]", true}, {"[none]", true}, {"[missing]", false},
                {"[map]", true},   {"[map][k]", true}, {"[map][x]", false}, {"[list][0]", true}, {"[list][9]", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t errors;
        struct cond_node node = {.op = COND_TRUTH, .a = field(rows[i].field)};
        assert_int_equal(eval_node(t, &node, &errors), rows[i].is_true);
    }
}

static void compares_by_type(struct test *t)
{
    static const struct {
        const char *left;
        enum cond_op op;
        const char *right;
        bool is_true;
        bool is_error;
    } rows[] = {
        {"[n]", COND_EQ, "200", true, false},          {"[n]", COND_EQ, "\"200\"", false, false},
        {"[n]", COND_NE, "\"200\"", true, false},      {"[s]", COND_EQ, "\"text\"", true, false},
        {"[f]", COND_EQ, "1.5", true, false},          {"[missing]", COND_EQ, "1", false, false},
        {"[missing]", COND_NE, "1", true, false},      {"[n]", COND_GT, "199.5", true, false},
        {"[n]", COND_LE, "200", true, false},          {"[n]", COND_LT, "200", false, false},
        {"[s]", COND_GE, "\"tea\"", true, false},      {"[missing]", COND_GT, "5", false, true},
        {"[s]", COND_LT, "5", false, true},            {"[n]", COND_IN, "[200, 404]", true, false},
        {"[n]", COND_IN, "[\"200\"]", true, false},    {"[n]", COND_NOT_IN, "[1]", true, false},
        {"[s]", COND_IN, "\"some text here\"", true, false}, {"[list]", COND_IN, "[\"a\"]", false, false},
        {"[missing]", COND_IN, "[\"a\"]", false, false},     {"[missing]", COND_NOT_IN, "[\"a\"]", true, false},
        {"[s]", COND_MATCH, "\"^te.t$\"", true, false},      {"[s]", COND_NOT_MATCH, "\"x{2}\"", true, false},
        {"[n]", COND_MATCH, "\"2\"", false, false},
        {"[@timestamp]", COND_EQ, "\"2026-11-20T00:00:00.000Z\"", true, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t errors;
        struct cond_node node = {.op = rows[i].op, .a = field(rows[i].left), .b = constant(t, rows[i].right)};
        if (eval_node(t, &node, &errors) != rows[i].is_true)
            fail_msg("row %zu: %s %d %s", i, rows[i].left, rows[i].op, rows[i].right);
        assert_int_equal(errors, rows[i].is_error);
    }
}

static void constants_are_looked_for_in_fields(struct test *t)
{
    static const struct {
        const char *needle, *hay;
        bool is_true;
    } rows[] = {{"\"a\"", "[list]", true}, {"3", "[list]", true},   {"\"3\"", "[list]", false},
                {"\"ex\"", "[s]", true},   {"\"z\"", "[s]", false}, {"\"a\"", "[missing]", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t errors;
        struct cond_node node = {.op = COND_IN, .a = constant(t, rows[i].needle), .b = field(rows[i].hay)};
        assert_int_equal(eval_node(t, &node, &errors), rows[i].is_true);
    }
}

static void joins_conditions(struct test *t)
{
    struct cond_node yes = {.op = COND_TRUTH, .a = field("[s]")}, no = {.op = COND_TRUTH, .a = field("[missing]")};
    static const struct {
        enum cond_op op;
        bool results[4]; /* no no, no yes, yes no, yes yes */
    } rows[] = {{COND_AND, {false, false, false, true}},
                {COND_OR, {false, true, true, true}},
                {COND_XOR, {false, true, true, false}},
                {COND_NAND, {true, true, true, false}}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t k = 0; k < 4; k++) {
            uint64_t errors;
            struct cond_node node = {.op = rows[i].op, .left = k & 2 ? &yes : &no, .right = k & 1 ? &yes : &no};
            assert_int_equal(eval_node(t, &node, &errors), rows[i].results[k]);
        }
    }
    uint64_t errors;
    struct cond_node not_no = {.op = COND_NOT, .left = &no};
    assert_true(eval_node(t, &not_no, &errors));
}

static void errors_name_the_place(struct test *t)
{
    struct condition *cond;
    struct cond_node bad_field = {.op = COND_TRUTH, .a = field("[a")};
    assert_err(condition_compile(&bad_field, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
    assert_int_equal(t->err.off, 0);
    struct cond_node bad_regex = {.op = COND_MATCH, .a = field("[a]"), .b = constant(t, "\"(\"")};
    assert_err(condition_compile(&bad_regex, t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
    assert_int_equal(t->err.off, 6);
    struct cond_node deep[CONDITION_DEPTH_MAX + 2];
    for (size_t i = 0; i + 1 < ARRAY_COUNT(deep); i++)
        deep[i] = (struct cond_node){.op = COND_NOT, .left = &deep[i + 1]};
    deep[ARRAY_COUNT(deep) - 1] = (struct cond_node){.op = COND_TRUTH, .a = field("[a]")};
    assert_err(condition_compile(&deep[0], t->mem, &cond, &t->err), &t->err, ERR_CONFIG);
}

static void writes_what_it_means(struct test *t)
{
    struct buf out;
    struct cond_node eq = {.op = COND_EQ, .a = field("[a]"), .b = constant(t, "1")};
    struct cond_node in = {.op = COND_IN, .a = constant(t, "\"x\""), .b = field("[tags]")};
    struct cond_node both = {.op = COND_AND, .left = &eq, .right = &in};
    buf_init(&out, 0);
    condition_write(&both, &out);
    assert_str_eq(buf_str(&out), "(([a] == 1) and (\"x\" in [tags]))");
    buf_deinit(&out);
}

TEST_MAIN(TEST(truth_is_text_not_empty_and_not_false), TEST(compares_by_type), TEST(constants_are_looked_for_in_fields),
          TEST(joins_conditions), TEST(errors_name_the_place), TEST(writes_what_it_means))
