/* SPDX-License-Identifier: Apache-2.0 */
/* parser_int.h: shared by the files of the configuration parser: the cursor, blanks and comments,
 * errors with the right form. There is no separate lexer: what a character means depends on the
 * place ("[" opens an array or a field). */
#ifndef NARU_PIPELINE_CONFIG_PARSER_INT_H
#define NARU_PIPELINE_CONFIG_PARSER_INT_H

#include "pipeline/config/config.h"

struct parser {
    const struct source *source;
    const struct config_options *options;
    struct arena *mem;
    struct err *err;
    const char *p, *end;
    unsigned depth;
    /* The last \" that was followed by a line's end: where the writer may have wanted the string to
     * end; NULL: none. */
    const char *suspect;
};

/* ---- parse.c ---- */
bool parser__is_name_char(char c);
/* Skips blanks and comments; true when there was at least one of them. */
bool parser__skip(struct parser *in);
bool parser__at(const struct parser *in, char c);
/* The cursor is at this word and no name goes on behind it. */
bool parser__at_word(const struct parser *in, const char *word);
/* The cursor is at these characters, whatever follows. */
bool parser__at_text(const struct parser *in, const char *text);
size_t parser__off(const struct parser *in);
uint32_t parser__pos(const struct parser *in); /* offset + 1 */
/* An error at `at`, or at the cursor. Returns -ERR_CONFIG. */
int parser__fail_at(struct parser *in, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);
/* "expected <what>, …" with what stands there instead and, for the known mistakes, the right form.
 */
int parser__unexpected(struct parser *in, const char *what);
void parser__warn(struct parser *in, const char *at, const char *text);
int parser__nest(struct parser *in); /* depth + 1, or an error */

/* ---- parse_value.c ---- */
/* A quoted string; the cursor is at the quote. Escapes and variables are replaced. */
int parser__string(struct parser *in, struct value *ret_v) WARN_UNUSED;
int parser__number(struct parser *in, struct value *ret_v) WARN_UNUSED;
bool parser__at_number(const struct parser *in);
int parser__value(struct parser *in, struct value *ret_v) WARN_UNUSED;
/* name [A-Za-z0-9_-]+ or a quoted string. */
int parser__name(struct parser *in, const char *what, struct str *ret_name) WARN_UNUSED;
/* { name => value … } behind a plugin's name. */
int parser__settings(struct parser *in, struct value *ret_map) WARN_UNUSED;

/* ---- parse_condition.c ---- */
/* A whole condition up to its "{". */
int parser__condition(struct parser *in, struct condition **ret_condition) WARN_UNUSED;

#endif
