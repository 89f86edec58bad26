/* SPDX-License-Identifier: Apache-2.0 */
/* condition.c: compiles the parser's tree into nodes with parsed field references and regular expressions, and
 * evaluates them by walking the tree. The rules for each operator are Logstash's (EventCondition.java); what stops a
 * pipeline there is false and counted here. */
#include "expr/condition.h"

#include "base/buf.h"
#include "base/metric.h"
#include "base/str.h"
#include "codec/json.h"
#include "text/regex.h"

struct operand {
    enum cond_operand_kind kind;
    struct value constant;
    struct field_path path;
};

struct node {
    enum cond_op op;
    struct node *left, *right;
    struct operand a, b;
    struct regex *re;
};

struct condition {
    struct node *root;
    struct regex **regexes;
    size_t regex_count, regex_capacity;
    struct arena *mem;
    struct metric errors;
};

struct compiler {
    struct condition *cond;
    struct arena *mem;
    struct err *err;
};

/* ---- compiling ---- */

static int fail_at(struct compiler *c, uint32_t pos)
{
    if (c->err && c->err->code == ERR_INVALID)
        c->err->code = ERR_CONFIG;
    if (pos > 0)
        err_at_off(c->err, (int64_t)pos - 1);
    return -(int)ERR_CONFIG;
}

static int compile_operand(struct compiler *c, const struct cond_operand *from, struct operand *to)
{
    to->kind = from->kind;
    to->constant = from->constant;
    if (from->kind == COND_FIELD && field_path_parse(c->mem, from->field, &to->path, c->err) < 0)
        return fail_at(c, from->pos);
    return 0;
}

static int compile_regex(struct compiler *c, const struct cond_node *from, struct node *to)
{
    if (from->b.kind != COND_CONSTANT || from->b.constant.kind != VALUE_STR) {
        err_set(c->err, ERR_CONFIG, "the right side of %s must be a regular expression", from->op == COND_MATCH ? "=~" : "!~");
        return fail_at(c, from->b.pos);
    }
    if (regex_compile(from->b.constant.s, REGEX_RUBY, &to->re, c->err) < 0)
        return fail_at(c, from->b.pos);
    struct condition *cond = c->cond;
    if (cond->regex_count == cond->regex_capacity) {
        size_t capacity = cond->regex_capacity ? cond->regex_capacity * 2 : 4;
        cond->regexes = arena_realloc(c->mem, cond->regexes, cond->regex_count * sizeof(struct regex *),
                                      capacity * sizeof(struct regex *));
        cond->regex_capacity = capacity;
    }
    cond->regexes[cond->regex_count++] = to->re;
    return 0;
}

static int compile_node(struct compiler *c, const struct cond_node *from, unsigned depth, struct node **ret_node)
{
    if (depth == CONDITION_DEPTH_MAX) {
        err_set(c->err, ERR_CONFIG, "the condition is nested deeper than %u levels", CONDITION_DEPTH_MAX);
        return fail_at(c, from->pos);
    }
    struct node *node = ARENA_NEW(c->mem, struct node);
    node->op = from->op;
    switch (from->op) {
    case COND_AND:
    case COND_OR:
    case COND_XOR:
    case COND_NAND:
        TRY(compile_node(c, from->left, depth + 1, &node->left));
        TRY(compile_node(c, from->right, depth + 1, &node->right));
        break;
    case COND_NOT:
        TRY(compile_node(c, from->left, depth + 1, &node->left));
        break;
    case COND_TRUTH:
        TRY(compile_operand(c, &from->a, &node->a));
        break;
    case COND_MATCH:
    case COND_NOT_MATCH:
        TRY(compile_operand(c, &from->a, &node->a));
        TRY(compile_regex(c, from, node));
        break;
    case COND_EQ:
    case COND_NE:
    case COND_LT:
    case COND_LE:
    case COND_GT:
    case COND_GE:
    case COND_IN:
    case COND_NOT_IN:
    default:
        TRY(compile_operand(c, &from->a, &node->a));
        TRY(compile_operand(c, &from->b, &node->b));
        break;
    }
    *ret_node = node;
    return 0;
}

int condition_compile(const struct cond_node *root, struct arena *mem, struct condition **ret_cond, struct err *err)
{
    struct condition *cond = ARENA_NEW(mem, struct condition);
    cond->mem = mem;
    struct compiler compiler = {cond, mem, err};
    int rc = compile_node(&compiler, root, 0, &cond->root);
    if (rc < 0) {
        condition_free(cond);
        return rc;
    }
    *ret_cond = cond;
    return 0;
}

void condition_free(struct condition *cond)
{
    for (size_t i = 0; cond && i < cond->regex_count; i++)
        regex_free(cond->regexes[i]);
    if (cond)
        cond->regex_count = 0;
}

uint64_t condition_error_count(const struct condition *cond)
{
    return metric_get(&cond->errors);
}

/* ---- evaluating ---- */

struct run {
    const struct event *ev;
    struct metric *errors;
};

static const struct value *operand_value(const struct run *run, const struct operand *o)
{
    if (o->kind == COND_CONSTANT)
        return &o->constant;
    const struct value *v = event_get(run->ev, &o->path);
    return v && v->kind != VALUE_NULL ? v : NULL;
}

/* Text of a scalar without touching the event's memory: events are shared between outputs' threads. */
static bool text_of(const struct value *v, char scratch[48], struct str *ret_text)
{
    struct buf buf;
    switch ((enum value_kind)v->kind) {
    case VALUE_STR:
    case VALUE_BIG:
        *ret_text = v->s;
        return true;
    case VALUE_BOOL:
        *ret_text = v->b ? STR("true") : STR("false");
        return true;
    case VALUE_TIME:
        *ret_text = (struct str){scratch, time_to_iso8601(v->time_ns, scratch)};
        return true;
    case VALUE_INT:
    case VALUE_FLOAT: {
        buf_init(&buf, 64);
        value_to_json(v, &buf);
        size_t n = MIN_OF(buf.n, (size_t)48);
        memcpy(scratch, buf.p, n);
        buf_deinit(&buf);
        *ret_text = (struct str){scratch, n};
        return true;
    }
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_LIST:
    case VALUE_MAP:
    default:
        return false;
    }
}

/* There, and its text neither "" nor "false"; 0 and empty lists are true. */
static bool is_true(const struct value *v)
{
    if (!v)
        return false;
    if (v->kind == VALUE_BOOL)
        return v->b;
    return v->kind != VALUE_STR || (v->s.n > 0 && !str_is(v->s, "false"));
}

/* "==" is typed: 200 is not "200". A timestamp equals its text. */
static bool is_equal(const struct value *a, const struct value *b)
{
    char scratch[48];
    struct str text;
    if (!a || !b)
        return !a && !b;
    if (a->kind == VALUE_TIME && b->kind == VALUE_STR && text_of(a, scratch, &text))
        return str_eq(text, b->s);
    if (b->kind == VALUE_TIME && a->kind == VALUE_STR && text_of(b, scratch, &text))
        return str_eq(text, a->s);
    return value_eq(a, b);
}

/* -1, 0, 1; false when the two cannot be ordered. */
static bool compare(const struct value *a, const struct value *b, int *ret_order)
{
    char scratch[48];
    struct str text;
    double x, y;
    if (!a || !b)
        return false;
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
        *ret_order = (a->i > b->i) - (a->i < b->i);
        return true;
    }
    if (value_to_f64(a, &x) && value_to_f64(b, &y)) {
        *ret_order = (x > y) - (x < y);
        return x == x && y == y;
    }
    if (a->kind == VALUE_STR && b->kind == VALUE_STR) {
        *ret_order = str_cmp(a->s, b->s);
        return true;
    }
    if (a->kind == VALUE_TIME && b->kind == VALUE_TIME) {
        *ret_order = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
        return true;
    }
    if (a->kind == VALUE_TIME && b->kind == VALUE_STR && text_of(a, scratch, &text)) {
        *ret_order = str_cmp(text, b->s);
        return true;
    }
    return false;
}

static bool ordered(const struct run *run, const struct node *node)
{
    int order;
    if (!compare(operand_value(run, &node->a), operand_value(run, &node->b), &order)) {
        metric_add(run->errors, 1);
        return false;
    }
    switch (node->op) {
    case COND_LT:
        return order < 0;
    case COND_LE:
        return order <= 0;
    case COND_GT:
        return order > 0;
    case COND_AND:
    case COND_OR:
    case COND_XOR:
    case COND_NAND:
    case COND_NOT:
    case COND_TRUTH:
    case COND_EQ:
    case COND_NE:
    case COND_GE:
    case COND_MATCH:
    case COND_NOT_MATCH:
    case COND_IN:
    case COND_NOT_IN:
    default:
        return order >= 0;
    }
}

/* An item of a list of constants is compared by its text, an item of a field's list by type. */
static bool list_has(const struct value *list, const struct value *needle, bool by_text)
{
    char left[48], right[48];
    struct str a, b;
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *item = &list->list->items[i];
        if (by_text && text_of(needle, left, &a) && text_of(item, right, &b)) {
            if (str_eq(a, b))
                return true;
        } else if (value_eq(item, needle)) {
            return true;
        }
    }
    return false;
}

static bool is_in(const struct run *run, const struct node *node)
{
    const struct value *needle = operand_value(run, &node->a), *hay = operand_value(run, &node->b);
    if (!needle || !hay || needle->kind == VALUE_LIST || needle->kind == VALUE_MAP)
        return false;
    if (hay->kind == VALUE_LIST)
        return list_has(hay, needle, node->b.kind == COND_CONSTANT);
    if (hay->kind == VALUE_STR && needle->kind == VALUE_STR)
        return str_find(hay->s, needle->s) >= 0;
    return node->b.kind == COND_FIELD && value_eq(needle, hay);
}

static bool matches(const struct run *run, const struct node *node)
{
    const struct value *v = operand_value(run, &node->a);
    if (!v || v->kind != VALUE_STR)
        return false;
    int rc = regex_find(node->re, v->s, 0, NULL);
    if (rc < 0)
        metric_add(run->errors, 1);
    return rc > 0;
}

static bool eval(const struct run *run, const struct node *node)
{
    switch (node->op) {
    case COND_AND:
        return eval(run, node->left) && eval(run, node->right);
    case COND_OR:
        return eval(run, node->left) || eval(run, node->right);
    case COND_XOR:
        return eval(run, node->left) != eval(run, node->right);
    case COND_NAND:
        return !(eval(run, node->left) && eval(run, node->right));
    case COND_NOT:
        return !eval(run, node->left);
    case COND_TRUTH:
        return is_true(operand_value(run, &node->a));
    case COND_EQ:
        return is_equal(operand_value(run, &node->a), operand_value(run, &node->b));
    case COND_NE:
        return !is_equal(operand_value(run, &node->a), operand_value(run, &node->b));
    case COND_MATCH:
        return matches(run, node);
    case COND_NOT_MATCH:
        return !matches(run, node);
    case COND_IN:
        return is_in(run, node);
    case COND_NOT_IN:
        return !is_in(run, node);
    case COND_LT:
    case COND_LE:
    case COND_GT:
    case COND_GE:
    default:
        return ordered(run, node);
    }
}

bool condition_eval(const struct condition *cond, const struct event *ev)
{
    /* The counter is the only thing that changes, and atomically. */
    struct run run = {ev, (struct metric *)(uintptr_t)&cond->errors};
    return eval(&run, cond->root);
}

/* ---- writing ---- */

static void write_operand(const struct cond_operand *o, struct buf *out)
{
    if (o->kind == COND_FIELD)
        buf_add_str(out, o->field);
    else
        value_to_json(&o->constant, out);
}

static const char *op_text(enum cond_op op)
{
    static const char *const texts[] = {" and ", " or ", " xor ", " nand ", "!", "", " == ", " != ", " < ",
                                        " <= ", " > ", " >= ", " =~ ", " !~ ", " in ", " not in "};
    return texts[op];
}

void condition_write(const struct cond_node *root, struct buf *out)
{
    if (root->op == COND_TRUTH) {
        write_operand(&root->a, out);
        return;
    }
    if (root->op == COND_NOT) {
        buf_add_lit(out, "!(");
        condition_write(root->left, out);
        buf_add_char(out, ')');
        return;
    }
    buf_add_char(out, '(');
    if (root->op <= COND_NAND) {
        condition_write(root->left, out);
        buf_printf(out, "%s", op_text(root->op));
        condition_write(root->right, out);
    } else {
        write_operand(&root->a, out);
        buf_printf(out, "%s", op_text(root->op));
        if (root->op == COND_MATCH || root->op == COND_NOT_MATCH) {
            buf_printf(out, "/" STR_FMT "/", STR_ARG(root->b.constant.s));
        } else {
            write_operand(&root->b, out);
        }
    }
    buf_add_char(out, ')');
}
