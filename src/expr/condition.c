/* SPDX-License-Identifier: Apache-2.0 */
/* condition.c: how conditions are checked and evaluated. The tree is small and evaluation is a walk
 * over it; field references, regular expressions and the texts of constant lists are made ready
 * once.
 *
 * Rules (Logstash 7.11, EventCondition):
 *   truth    there, not null, and its text is neither "" nor "false": 0 and [] are true
 *   == !=    typed: 200 is not "200"; whole and fractional numbers compare by value
 *   < …      numbers with numbers, texts with texts, times with times; else false, and counted
 *   =~       of texts only; !~ is its opposite, so true for what is no text
 *   in       in a constant list: by text; in a constant text: part of it; in a field: part of its
 *            text, or an item of its list by text; a list or map on the left: false */
#include "expr/condition.h"

#include "base/buf.h"
#include "base/metric.h"
#include "base/str.h"
#include "text/regex.h"

struct operand {
    bool is_field;
    struct value constant;
    struct field_path path;
    struct str *texts; /* of a constant list's items */
};

struct node {
    enum cond_op op;
    struct node *left, *right;
    struct operand a, b;
    struct regex *re;
    struct node *next; /* all nodes with an expression, for condition_free */
};

struct condition {
    struct node *root;
    struct node *with_regex;
    struct metric errors;
};

/* ---- compiling ---- */

struct compiler {
    struct arena *mem;
    struct condition *cond;
    struct err *err;
};

static int fail_at(const struct compiler *c, uint32_t pos)
{
    return err_at_off(c->err, pos > 0 ? (int64_t)pos - 1 : -1);
}

static int constant_compile(const struct compiler *c, const struct cond_operand *from,
                            struct operand *operand)
{
    const struct value *v = &from->constant;
    if (v->kind == VALUE_MAP || v->kind == VALUE_NONE) {
        err_set(c->err, ERR_CONFIG,
                "a condition compares with text, numbers and lists, not with a hash");
        return fail_at(c, from->pos);
    }
    operand->constant = *v;
    if (v->kind != VALUE_LIST)
        return 0;
    operand->texts = ARENA_ARRAY(c->mem, struct str, v->list->count + 1);
    for (size_t i = 0; i < v->list->count; i++)
        operand->texts[i] = value_to_str(c->mem, &v->list->items[i]);
    return 0;
}

static int operand_compile(const struct compiler *c, const struct cond_operand *from,
                           struct operand *operand)
{
    if (from->kind == COND_CONSTANT)
        return constant_compile(c, from, operand);
    operand->is_field = true;
    if (field_path_parse(c->mem, from->field, &operand->path, c->err) == 0)
        return 0;
    if (c->err)
        c->err->code = ERR_CONFIG;
    (void)fail_at(c, from->pos);
    return -(int)ERR_CONFIG;
}

static int regex_of(const struct compiler *c, const struct cond_node *from, struct node *node)
{
    if (from->b.kind != COND_CONSTANT || from->b.constant.kind != VALUE_STR) {
        err_set(c->err, ERR_CONFIG, "behind =~ and !~ stands a regular expression: /…/ or a text");
        return fail_at(c, from->b.pos ? from->b.pos : from->pos);
    }
    if (regex_compile(from->b.constant.s, REGEX_RUBY, &node->re, c->err) < 0) {
        if (c->err)
            c->err->code = ERR_CONFIG;
        (void)fail_at(c, from->b.pos ? from->b.pos : from->pos);
        return -(int)ERR_CONFIG;
    }
    node->next = c->cond->with_regex;
    c->cond->with_regex = node;
    return 0;
}

/* Depth: CONDITION_DEPTH_MAX. */
static int node_compile(const struct compiler *c, const struct cond_node *from, unsigned depth,
                        struct node **ret_node)
{
    struct node *node = ARENA_NEW(c->mem, struct node);
    node->op = from->op;
    if (depth == CONDITION_DEPTH_MAX) {
        err_set(c->err, ERR_CONFIG, "a condition of more than %u levels", CONDITION_DEPTH_MAX);
        return fail_at(c, from->pos);
    }
    switch (from->op) {
    case COND_AND:
    case COND_OR:
    case COND_XOR:
    case COND_NAND:
        TRY(node_compile(c, from->right, depth + 1, &node->right));
        TRY(node_compile(c, from->left, depth + 1, &node->left));
        break;
    case COND_NOT:
        TRY(node_compile(c, from->left, depth + 1, &node->left));
        break;
    case COND_MATCH:
    case COND_NOT_MATCH:
        TRY(operand_compile(c, &from->a, &node->a));
        TRY(regex_of(c, from, node));
        break;
    case COND_EQ:
    case COND_NE:
    case COND_LT:
    case COND_LE:
    case COND_GT:
    case COND_GE:
    case COND_IN:
    case COND_NOT_IN:
        TRY(operand_compile(c, &from->b, &node->b));
        TRY(operand_compile(c, &from->a, &node->a));
        break;
    case COND_TRUTH:
        TRY(operand_compile(c, &from->a, &node->a));
        break;
    }
    *ret_node = node;
    return 0;
}

int condition_compile(const struct cond_node *root, struct arena *mem, struct condition **ret_cond,
                      struct err *err)
{
    struct condition *cond = ARENA_NEW(mem, struct condition);
    struct compiler c = {.mem = mem, .cond = cond, .err = err};
    int rc = node_compile(&c, root, 0, &cond->root);
    if (rc < 0) {
        condition_free(cond);
        return rc;
    }
    *ret_cond = cond;
    return 0;
}

void condition_free(struct condition *cond)
{
    if (!cond)
        return;
    for (struct node *node = cond->with_regex; node; node = node->next) {
        regex_free(node->re);
        node->re = NULL;
    }
    cond->with_regex = NULL;
}

uint64_t condition_error_count(const struct condition *cond)
{
    return metric_get(&cond->errors);
}

/* ---- evaluating ---- */

struct run {
    const struct event *ev;
    bool had_error;
};

/* NULL: not there, or null. */
static const struct value *operand_value(const struct operand *operand, const struct event *ev)
{
    const struct value *v = &operand->constant;
    if (operand->is_field) {
        bool is_root = operand->path.is_metadata && operand->path.count == 0;
        v = is_root ? &ev->metadata : event_get(ev, &operand->path);
    }
    return v && v->kind != VALUE_NULL && v->kind != VALUE_NONE ? v : NULL;
}

static struct str text_of(const struct value *v, const struct event *ev)
{
    return v->kind == VALUE_STR ? v->s : value_to_str(ev->mem, v);
}

static bool is_true(const struct value *v)
{
    if (!v)
        return false;
    if (v->kind == VALUE_BOOL)
        return v->b;
    return v->kind != VALUE_STR || (v->s.n > 0 && !str_is(v->s, "false"));
}

static bool equal(const struct value *a, const struct value *b)
{
    if (!a || !b)
        return a == b;
    return value_eq(a, b);
}

/* -1, 0, 1; false: these two have no order. */
static bool compare(const struct value *a, const struct value *b, int *ret_order)
{
    if (!a || !b)
        return false;
    if (a->kind == VALUE_TIME && b->kind == VALUE_TIME) {
        *ret_order = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
        return true;
    }
    if (a->kind == VALUE_STR && b->kind == VALUE_STR) {
        *ret_order = str_cmp(a->s, b->s);
        return true;
    }
    return value_order(a, b, ret_order);
}

static bool in_list(const struct value *list, const struct str *texts, struct str text,
                    const struct event *ev)
{
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *item = &list->list->items[i];
        if (str_eq(texts ? texts[i] : text_of(item, ev), text))
            return true;
    }
    return false;
}

static bool is_in(const struct node *node, const struct event *ev)
{
    const struct value *a = operand_value(&node->a, ev), *b = operand_value(&node->b, ev);
    if (!a || !b || a->kind == VALUE_LIST || a->kind == VALUE_MAP)
        return false;
    struct str text = text_of(a, ev);
    if (b->kind == VALUE_LIST)
        return in_list(b, node->b.texts, text, ev);
    if (b->kind == VALUE_STR)
        return str_find(b->s, text) >= 0;
    return b->kind != VALUE_MAP && str_eq(text_of(b, ev), text);
}

static bool matches(const struct node *node, struct run *run)
{
    const struct value *v = operand_value(&node->a, run->ev);
    if (!v || v->kind != VALUE_STR)
        return false;
    int rc = regex_find(node->re, v->s, 0, NULL);
    run->had_error |= rc < 0;
    return rc == 1;
}

static bool ordered(const struct node *node, struct run *run)
{
    int order;
    if (!compare(operand_value(&node->a, run->ev), operand_value(&node->b, run->ev), &order)) {
        run->had_error = true;
        return false;
    }
    if (node->op == COND_LT)
        return order < 0;
    if (node->op == COND_LE)
        return order <= 0;
    return node->op == COND_GT ? order > 0 : order >= 0;
}

static bool eval(const struct node *node, struct run *run)
{
    switch (node->op) {
    case COND_AND:
        return eval(node->left, run) && eval(node->right, run);
    case COND_OR:
        return eval(node->left, run) || eval(node->right, run);
    case COND_XOR:
        return eval(node->left, run) != eval(node->right, run);
    case COND_NAND:
        return !(eval(node->left, run) && eval(node->right, run));
    case COND_NOT:
        return !eval(node->left, run);
    case COND_TRUTH:
        return is_true(operand_value(&node->a, run->ev));
    case COND_EQ:
        return equal(operand_value(&node->a, run->ev), operand_value(&node->b, run->ev));
    case COND_NE:
        return !equal(operand_value(&node->a, run->ev), operand_value(&node->b, run->ev));
    case COND_LT:
    case COND_LE:
    case COND_GT:
    case COND_GE:
        return ordered(node, run);
    case COND_MATCH:
        return matches(node, run);
    case COND_NOT_MATCH:
        return !matches(node, run);
    case COND_IN:
        return is_in(node, run->ev);
    case COND_NOT_IN:
        return !is_in(node, run->ev);
    }
    return false;
}

bool condition_eval(const struct condition *cond, const struct event *ev)
{
    struct run run = {.ev = ev};
    bool is_so = eval(cond->root, &run);
    if (UNLIKELY(run.had_error))
        metric_add(&((struct condition *)(uintptr_t)cond)->errors, 1);
    return is_so;
}

/* ---- writing ---- */

static const char *const op_texts[] = {
    [COND_AND] = "and",  [COND_OR] = "or",        [COND_XOR] = "xor", [COND_NAND] = "nand",
    [COND_NOT] = "!",    [COND_TRUTH] = "",       [COND_EQ] = "==",   [COND_NE] = "!=",
    [COND_LT] = "<",     [COND_LE] = "<=",        [COND_GT] = ">",    [COND_GE] = ">=",
    [COND_MATCH] = "=~", [COND_NOT_MATCH] = "!~", [COND_IN] = "in",   [COND_NOT_IN] = "not in",
};

static void operand_write(const struct cond_operand *operand, bool is_regex, struct buf *out)
{
    if (operand->kind == COND_FIELD && str_starts_with(operand->field, STR("[")))
        buf_add_str(out, operand->field);
    else if (operand->kind == COND_FIELD)
        buf_printf(out, "[" STR_FMT "]", STR_ARG(operand->field));
    else if (is_regex && operand->constant.kind == VALUE_STR)
        buf_printf(out, "/" STR_FMT "/", STR_ARG(operand->constant.s));
    else
        value_to_json(&operand->constant, out);
}

static void node_write(const struct cond_node *node, struct buf *out, unsigned depth)
{
    if (depth == CONDITION_DEPTH_MAX) {
        buf_add_lit(out, "…");
        return;
    }
    bool has_children = node->op <= COND_NAND;
    if (has_children) {
        buf_add_char(out, '(');
        node_write(node->left, out, depth + 1);
        buf_printf(out, ") %s (", op_texts[node->op]);
        node_write(node->right, out, depth + 1);
        buf_add_char(out, ')');
    } else if (node->op == COND_NOT) {
        buf_add_lit(out, "!(");
        node_write(node->left, out, depth + 1);
        buf_add_char(out, ')');
    } else {
        operand_write(&node->a, false, out);
        if (node->op == COND_TRUTH)
            return;
        buf_printf(out, " %s ", op_texts[node->op]);
        operand_write(&node->b, node->op == COND_MATCH || node->op == COND_NOT_MATCH, out);
    }
}

void condition_write(const struct cond_node *root, struct buf *out)
{
    node_write(root, out, 0);
}
