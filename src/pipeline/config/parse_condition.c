/* SPDX-License-Identifier: Apache-2.0 */
/* parse_condition.c: the conditions of branches, as a tree for expr/condition.h. `and` binds
 * tightest, then xor and nand, then or. Keywords need no blank around them: `[a]==1and[b]==2`. */
#include "base/arena.h"
#include "base/str.h"
#include "expr/condition.h"
#include "pipeline/config/parser_int.h"

static int parse_or(struct parser *in, struct cond_node **ret_node);

/* ---- operands ---- */

/* ("[" [^\]\[,]+ "]")+ : true moves behind it. */
static bool selector(struct parser *in, struct str *ret_text)
{
    const char *p = in->p;
    while (p < in->end && *p == '[') {
        const char *q = p + 1;
        while (q < in->end && *q != ']' && *q != '[' && *q != ',')
            q++;
        if (q == p + 1 || q >= in->end || *q != ']')
            break;
        p = q + 1;
    }
    if (p == in->p || (p < in->end && *p == '['))
        return false;
    *ret_text = (struct str){in->p, (size_t)(p - in->p)};
    in->p = p;
    return true;
}

static int constant_array(struct parser *in, struct cond_operand *operand)
{
    const char *at = in->p;
    TRY(parser__value(in, &operand->constant));
    const struct value_list *list = operand->constant.list;
    for (size_t i = 0; i < list->count; i++) {
        uint8_t kind = list->items[i].kind;
        if (kind == VALUE_MAP || kind == VALUE_LIST)
            return parser__fail_at(
                in, list->items[i].pos ? in->source->text.p + list->items[i].pos - 1 : at,
                "an array in a condition holds strings and numbers only");
    }
    return 0;
}

static int regexp(struct parser *in, struct cond_operand *operand)
{
    const char *start = in->p;
    const char *p = start + 1;
    while (p < in->end && *p != '/')
        p += *p == '\\' && p + 1 < in->end && p[1] == '/' ? 2 : 1;
    if (p >= in->end)
        return parser__fail_at(in, start,
                               "the pattern that begins here is not closed: / is missing");
    struct str text = {start + 1, (size_t)(p - start - 1)};
    in->p = p + 1;
    if (in->p < in->end && (*in->p == 'i' || *in->p == 'm' || *in->p == 'x') &&
        !parser__at_text(in, "in"))
        return parser__fail_at(in, in->p,
                               "a pattern has no flags behind it: write /(?%c)" STR_FMT "/", *in->p,
                               STR_ARG(str_sub(text, 0, 60)));
    operand->constant = value_str(text);
    operand->constant.pos = operand->pos;
    return 0;
}

/* A bare word is no value in a condition: says how to write what was meant. */
static int word_operand(struct parser *in)
{
    const char *start = in->p;
    while (in->p < in->end && parser__is_name_char(*in->p))
        in->p++;
    struct str word = {start, (size_t)(in->p - start)};
    parser__skip(in);
    if (parser__at(in, '('))
        return parser__fail_at(in, start, "there are no functions in conditions: \"" STR_FMT "(\"",
                               STR_ARG(word));
    if (str_is(word, "not"))
        return parser__fail_at(in, start, "write !([a]) or !([a] == 1), not \"not [a]\"");
    if (str_is(word, "true") || str_is(word, "false"))
        return parser__fail_at(in, start, "a boolean needs quotes in a condition: \"" STR_FMT "\"",
                               STR_ARG(word));
    if (str_is(word, "nil") || str_is(word, "null"))
        return parser__fail_at(in, start,
                               "there is no " STR_FMT " here: write ![field] for a missing field",
                               STR_ARG(word));
    return parser__fail_at(
        in, start, "text needs quotes, \"" STR_FMT "\", and a field brackets, [" STR_FMT "]",
        STR_ARG(word), STR_ARG(word));
}

static int operand(struct parser *in, struct cond_operand *ret)
{
    *ret = (struct cond_operand){.kind = COND_CONSTANT, .pos = parser__pos(in)};
    if (in->p >= in->end)
        return parser__unexpected(in, "a value or a field");
    if (parser__at(in, '"') || parser__at(in, '\''))
        return parser__string(in, &ret->constant);
    if (parser__at_number(in))
        return parser__number(in, &ret->constant);
    if (parser__at(in, '[')) {
        if (selector(in, &ret->field)) {
            ret->kind = COND_FIELD;
            return 0;
        }
        return constant_array(in, ret);
    }
    if (parser__at(in, '/'))
        return regexp(in, ret);
    if (parser__at_text(in, "%{"))
        return parser__fail_at(in, in->p, "a field is written [name] in a condition, not %%{name}");
    if (parser__is_name_char(*in->p))
        return word_operand(in);
    return parser__unexpected(in, "a value or a field");
}

/* ---- comparisons ---- */

/* `["x"]` behind `in` is a field reference by the grammar, and never what was meant: an array of
 * one. */
static void quoted_field_to_array(struct parser *in, struct cond_operand *operand)
{
    struct str f = operand->field;
    if (operand->kind != COND_FIELD || f.n < 5 || (f.p[1] != '"' && f.p[1] != '\'') ||
        f.p[f.n - 2] != f.p[1] || memchr(f.p + 2, '[', f.n - 2))
        return;
    struct value list = value_list(in->mem, 1);
    struct value item = value_str(str_sub(f, 2, f.n - 4));
    item.pos = operand->pos + 1;
    item.flags = VALUE_FLAG_QUOTED;
    list.pos = operand->pos;
    value_list_add(in->mem, &list, item);
    operand->kind = COND_CONSTANT;
    operand->constant = list;
    parser__warn(in, in->source->text.p + operand->pos - 1,
                 "taken as an array of one text (Logstash takes it as a field reference, which is "
                 "never true)");
}

struct comparison {
    const char *text;
    enum cond_op op;
};
static const struct comparison comparisons[] = {
    {"==", COND_EQ},    {"!=", COND_NE},        {"<=", COND_LE}, {">=", COND_GE},
    {"=~", COND_MATCH}, {"!~", COND_NOT_MATCH}, {"<", COND_LT},  {">", COND_GT},
};

/* The operator at the cursor, moved behind; false: none. */
static bool comparison_op(struct parser *in, enum cond_op *ret_op)
{
    for (size_t i = 0; i < ARRAY_COUNT(comparisons); i++) {
        if (parser__at_text(in, comparisons[i].text)) {
            *ret_op = comparisons[i].op;
            in->p += 2 - (comparisons[i].text[1] == '\0');
            return true;
        }
    }
    if (parser__at_text(in, "in")) {
        *ret_op = COND_IN;
        in->p += 2;
        return true;
    }
    if (parser__at_text(in, "not")) {
        const char *back = in->p;
        in->p += 3;
        parser__skip(in);
        if (parser__at_text(in, "in")) {
            in->p += 2;
            *ret_op = COND_NOT_IN;
            return true;
        }
        in->p = back;
    }
    return false;
}

static int comparison_check(struct parser *in, struct cond_node *node, const char *op_at)
{
    bool is_match = node->op == COND_MATCH || node->op == COND_NOT_MATCH;
    if (is_match && (node->b.kind != COND_CONSTANT || node->b.constant.kind != VALUE_STR))
        return parser__fail_at(in, op_at, "a pattern must follow: =~ /pattern/ or =~ \"pattern\"");
    if (node->op == COND_IN || node->op == COND_NOT_IN)
        quoted_field_to_array(in, &node->b);
    const char *back = in->p;
    parser__skip(in);
    enum cond_op more;
    const char *more_at = in->p;
    if (comparison_op(in, &more) && more != COND_IN)
        return parser__fail_at(in, more_at,
                               "a comparison has two sides: write [a] == [b] and [b] == [c]");
    in->p = back;
    return 0;
}

static struct cond_node *node_new(struct parser *in, enum cond_op op)
{
    struct cond_node *node = ARENA_NEW(in->mem, struct cond_node);
    node->op = op;
    node->pos = parser__pos(in);
    return node;
}

static int comparison(struct parser *in, struct cond_node **ret_node)
{
    struct cond_node *node = node_new(in, COND_TRUTH);
    TRY(operand(in, &node->a));
    const char *back = in->p;
    parser__skip(in);
    const char *op_at = in->p;
    uint32_t op_pos = parser__pos(in);
    if (comparison_op(in, &node->op)) {
        node->pos = op_pos;
        parser__skip(in);
        TRY(operand(in, &node->b));
        TRY(comparison_check(in, node, op_at));
    } else if (parser__at(in, '=')) {
        return parser__fail_at(in, in->p, "write == to compare");
    } else {
        in->p = back;
    }
    *ret_node = node;
    return 0;
}

/* ---- not, and, xor, nand, or ---- */

static int negation(struct parser *in, struct cond_node **ret_node)
{
    const char *at = in->p;
    struct cond_node *node = node_new(in, COND_NOT);
    in->p++;
    parser__skip(in);
    if (parser__at(in, '(')) {
        in->p++;
        TRY(parser__nest(in));
        TRY(parse_or(in, &node->left));
        in->depth--;
        parser__skip(in);
        if (!parser__at(in, ')'))
            return parser__unexpected(in, ") or and, or, xor, nand");
        in->p++;
    } else if (parser__at(in, '[')) {
        struct cond_node *truth = node_new(in, COND_TRUTH);
        TRY(operand(in, &truth->a));
        node->left = truth;
        const char *back = in->p;
        parser__skip(in);
        enum cond_op op;
        if (comparison_op(in, &op))
            return parser__fail_at(in, at,
                                   "! stands before a field or parentheses: write !(… %s …)",
                                   op == COND_IN || op == COND_NOT_IN ? "in" : "==");
        in->p = back;
    } else if (parser__at(in, '!')) {
        return parser__fail_at(in, at, "two ! cancel each other: leave both out");
    } else {
        return parser__fail_at(in, at,
                               "! stands before a field or parentheses: write !(\"x\" in [tags])");
    }
    *ret_node = node;
    return 0;
}

static int parse_one(struct parser *in, struct cond_node **ret_node)
{
    parser__skip(in);
    if (parser__at(in, '!'))
        return negation(in, ret_node);
    if (!parser__at(in, '('))
        return comparison(in, ret_node);
    in->p++;
    TRY(parser__nest(in));
    TRY(parse_or(in, ret_node));
    in->depth--;
    parser__skip(in);
    if (!parser__at(in, ')'))
        return parser__unexpected(in, ") or and, or, xor, nand");
    in->p++;
    return 0;
}

/* One of the words at the cursor, behind blanks; moves behind it. */
static bool boolean_op(struct parser *in, const struct comparison *ops, size_t count,
                       enum cond_op *ret_op, uint32_t *ret_pos)
{
    const char *back = in->p;
    parser__skip(in);
    for (size_t i = 0; i < count; i++) {
        if (parser__at_text(in, ops[i].text)) {
            *ret_op = ops[i].op;
            *ret_pos = parser__pos(in);
            in->p += strlen(ops[i].text);
            return true;
        }
    }
    in->p = back;
    return false;
}

static const struct comparison level_and[] = {{"and", COND_AND}};
static const struct comparison level_xor[] = {{"xor", COND_XOR}, {"nand", COND_NAND}};
static const struct comparison level_or[] = {{"or", COND_OR}};
static const struct {
    const struct comparison *ops;
    size_t count;
} levels[] = {{level_or, 1}, {level_xor, 2}, {level_and, 1}};

static int parse_level(struct parser *in, size_t level, struct cond_node **ret_node)
{
    if (level == ARRAY_COUNT(levels))
        return parse_one(in, ret_node);
    struct cond_node *left;
    TRY(parse_level(in, level + 1, &left));
    enum cond_op op;
    uint32_t pos;
    unsigned count = 0;
    while (boolean_op(in, levels[level].ops, levels[level].count, &op, &pos)) {
        if (++count > CONFIG_DEPTH_MAX)
            return parser__fail_at(in, in->p,
                                   "more than %u operators in a row: use parentheses or in [ … ]",
                                   CONFIG_DEPTH_MAX);
        struct cond_node *node = ARENA_NEW(in->mem, struct cond_node);
        *node = (struct cond_node){.op = op, .pos = pos, .left = left};
        TRY(parse_level(in, level + 1, &node->right));
        left = node;
    }
    *ret_node = left;
    return 0;
}

static int parse_or(struct parser *in, struct cond_node **ret_node)
{
    return parse_level(in, 0, ret_node);
}

/* Behind a whole condition must come "{"; names the usual mistakes. */
static int condition_end(struct parser *in)
{
    static const struct {
        const char *text, *hint;
    } mistakes[] = {{"&&", "and"},        {"||", "or"},   {"AND", "and"},
                    {"OR", "or"},         {"And", "and"}, {"Or", "or"},
                    {"NOT IN", "not in"}, {"IN", "in"},   {"NOT", "!( … )"}};
    parser__skip(in);
    if (parser__at(in, '{'))
        return 0;
    for (size_t i = 0; i < ARRAY_COUNT(mistakes); i++) {
        if (parser__at_text(in, mistakes[i].text))
            return parser__fail_at(in, in->p, "\"%s\" is no operator: write %s", mistakes[i].text,
                                   mistakes[i].hint);
    }
    if (parser__at(in, ')'))
        return parser__fail_at(in, in->p, "one ) too many");
    if (parser__at_text(in, "then"))
        return parser__fail_at(in, in->p, "there is no \"then\": write { behind the condition");
    return parser__unexpected(in, "{, and, or, xor, nand or a comparison");
}

int parser__condition(struct parser *in, struct condition **ret_condition)
{
    unsigned depth = in->depth;
    struct cond_node *root;
    TRY(parse_or(in, &root));
    TRY(condition_end(in));
    in->depth = depth;
    int rc = condition_compile(root, in->mem, ret_condition, in->err);
    if (rc < 0 && in->err->line == 0)
        source_err_at(in->source, in->err->off > 0 ? (size_t)in->err->off : parser__off(in),
                      in->err);
    return rc;
}
