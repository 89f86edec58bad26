/* SPDX-License-Identifier: Apache-2.0 */
/* qs.h: Lucene's query_string syntax to a tree: words, "phrases"~slop, wild*cards, /expressions/,
 * [ranges TO here], field:…, field:>5, + - ! AND OR NOT, groups, boosts, _exists_. */
#ifndef NARU_QUERY_QUERY_STRING_QS_H
#define NARU_QUERY_QUERY_STRING_QS_H

#include "event/value.h"

#define QS_DEPTH_MAX   64u
#define QS_CLAUSES_MAX 1024u

enum qs_kind {
    QS_BOOL,
    QS_WORDS,
    QS_PHRASE,
    QS_PREFIX,
    QS_WILDCARD,
    QS_REGEX,
    QS_RANGE,
    QS_EXISTS,
    QS_ALL
};
enum qs_occur { QS_SHOULD, QS_MUST, QS_MUST_NOT };

struct qs_node {
    enum qs_kind kind;
    struct str field; /* p == NULL: the default fields */
    struct str
        text; /* WORDS, PHRASE: unescaped; PREFIX without its *; WILDCARD and REGEX as written */
    bool has_slop;
    uint32_t slop;
    bool has_from, has_to, includes_from, includes_to; /* RANGE */
    struct str from, to;
    double boost;
    struct qs_node **clauses; /* BOOL */
    enum qs_occur *occurs;
    size_t count;
};

/* *ret_node NULL: the text has no clause. -ERR_PARSE: err.off is the position in the text. */
int qs_parse(struct str text, bool is_and, struct arena *mem, struct qs_node **ret_node,
             struct err *err) WARN_UNUSED;

#endif
