/* SPDX-License-Identifier: Apache-2.0 */
/* condition.h: the conditions of pipelines (`if [a] == 1 and "x" in [tags] { … }`). The
 * configuration's parser builds a tree of struct cond_node in its arena, condition_compile checks
 * it (field references, regular expressions) and gives an immutable object that any number of
 * threads may evaluate.
 *
 * Semantics are Logstash 7.11's, except that an error never stops a pipeline: a comparison that
 * cannot be made (`[missing] > 5`) is false and counted. `and` binds tighter than `or`; xor and
 * nand stand between them. */
#ifndef NARU_EXPR_CONDITION_H
#define NARU_EXPR_CONDITION_H

#include "event/event.h"

#define CONDITION_DEPTH_MAX 1000u /* nesting of nodes; more is refused by condition_compile */

enum cond_op {
    /* two nodes: `left`, `right` */
    COND_AND,
    COND_OR,
    COND_XOR,
    COND_NAND,
    /* one node: `left` */
    COND_NOT,
    /* one operand: `a` */
    COND_TRUTH, /* there, not null, its text neither "" nor "false" */
    /* two operands: `a`, `b` */
    COND_EQ,
    COND_NE,
    COND_LT,
    COND_LE,
    COND_GT,
    COND_GE,
    COND_MATCH,     /* =~  `b`: a constant string, the regular expression without slashes */
    COND_NOT_MATCH, /* !~ */
    COND_IN,
    COND_NOT_IN,
};

enum cond_operand_kind {
    COND_CONSTANT, /* `constant`: VALUE_STR, VALUE_INT, VALUE_FLOAT, VALUE_BIG or a VALUE_LIST of
                      constants */
    COND_FIELD,    /* `field`: a field reference as written, "[a][b]" */
};

struct cond_operand {
    enum cond_operand_kind kind;
    uint32_t pos; /* byte offset + 1 in the source, for messages */
    struct value constant;
    struct str field;
};

struct cond_node {
    enum cond_op op;
    uint32_t pos; /* byte offset + 1 of the operator */
    struct cond_node *left, *right;
    struct cond_operand a, b;
};

struct condition;

/* The tree is borrowed for the call and for the condition's life (strings of constants). Everything
 * is made in `mem`, except compiled expressions: condition_free. -ERR_CONFIG with err.off = pos - 1
 * of the culprit. */
int condition_compile(const struct cond_node *root, struct arena *mem, struct condition **ret_cond,
                      struct err *err) WARN_UNUSED;
void condition_free(struct condition *cond);
DEFINE_CLEANUP(condition_free, struct condition)

/* Thread-safe. */
bool condition_eval(const struct condition *cond, const struct event *ev);
/* Comparisons that could not be made so far (missing field, number with text, match limit), of all
 * threads. */
uint64_t condition_error_count(const struct condition *cond);

/* As it was written, normalised: `([a] == 1) and ("x" in [tags])`; for explain and messages. */
void condition_write(const struct cond_node *root, struct buf *out);

#endif
