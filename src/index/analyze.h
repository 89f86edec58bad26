/* SPDX-License-Identifier: Apache-2.0 */
/* analyze.h: text to tokens, the same way for documents and for queries. Analyzers: standard (the
 * default), simple, whitespace, keyword, stop. Positions count from 0; a removed stop word leaves a
 * gap. */
#ifndef NARU_INDEX_ANALYZE_H
#define NARU_INDEX_ANALYZE_H

#include "base/base.h"

#define TOKEN_CHARS_MAX 255u /* longer runs are cut, as Lucene's max_token_length */
#define TOKEN_BYTES_MAX (TOKEN_CHARS_MAX * 4u)

enum analyzer {
    ANALYZER_STANDARD,
    ANALYZER_SIMPLE,
    ANALYZER_WHITESPACE,
    ANALYZER_KEYWORD,
    ANALYZER_STOP
};

/* "" is standard. False: no such analyzer. */
bool analyzer_from_name(struct str name, enum analyzer *ret_analyzer);

struct analysis {
    const char *start, *p, *end;
    enum analyzer analyzer;
    uint32_t position; /* of the next token */
    /* The current token, good until the next call: lower case (not for whitespace and keyword). */
    struct str token;
    uint32_t token_position;
    uint32_t begin, finish; /* its bytes in the text */
    char text[TOKEN_BYTES_MAX];
};

void analysis_init(struct analysis *analysis, enum analyzer analyzer, struct str text);
bool analysis_next(struct analysis *analysis);

/* Lower-cases by code point, as the keyword normalizer "lowercase" does. Writes at most `size`
 * bytes, returns how many there would be. */
size_t text_lower(struct str text, char *out, size_t size);

#endif
