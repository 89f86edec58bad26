/* SPDX-License-Identifier: Apache-2.0 */
/* regexp_syntax.c: recursive descent after the grammar of Lucene's RegExp:
 *
 *     union  := inter ('|' union)?
 *     inter  := concat ('&' inter)?
 *     concat := repeat concat?
 *     repeat := compl ('?' | '*' | '+' | '{' n (',' m?)? '}')*
 *     compl  := '~' compl | class | simple
 *
 * A quantifier behind a quantifier repeats what stands before it, where PCRE2 would see a lazy or
 * possessive one; an operator where none can be is a plain character. */
#include "query/regexp_syntax.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "text/utf8.h"

#define REGEXP_BYTES_MAX 1000u /* index.max_regex_length; bounds the recursion too */
#define COUNT_MAX        65535 /* PCRE2's; Lucene gives up before */

struct parser {
    struct str in;
    size_t at;
    unsigned flags;
    bool is_nocase;
    struct buf out;
    struct err *err;
};

static int parse_union(struct parser *p);

static bool more(const struct parser *p)
{
    return p->at < p->in.n;
}

static bool peek(const struct parser *p, const char *any)
{
    return more(p) && p->in.p[p->at] != '\0' && strchr(any, p->in.p[p->at]);
}

static bool match(struct parser *p, char c)
{
    if (!more(p) || p->in.p[p->at] != c)
        return false;
    p->at++;
    return true;
}

static int fail_at(struct parser *p, const char *what)
{
    return err_set(p->err, ERR_INVALID, "%s at position %zu", what, p->at);
}

static int unsupported(struct parser *p)
{
    return err_set(p->err, ERR_UNSUPPORTED,
                   "the operator [%c] in regular expression \"" STR_FMT "\" is not supported yet",
                   p->in.p[p->at], STR_ARG(p->in));
}

/* One character; a backslash takes the next one as it is. There are no classes like \d in 8.7. */
static int parse_char(struct parser *p, uint32_t *ret_code)
{
    (void)match(p, '\\');
    if (!more(p))
        return err_set(p->err, ERR_INVALID, "unexpected end-of-string");
    const char *at = p->in.p + p->at;
    *ret_code = utf8_next(&at, p->in.p + p->in.n);
    p->at = (size_t)(at - p->in.p);
    return 0;
}

static bool is_letter(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

static void put_code(struct parser *p, uint32_t code)
{
    char bytes[4];
    if (code < 0x80 && !is_letter(code) && !(code >= '0' && code <= '9'))
        buf_add_char(&p->out, '\\');
    buf_add(&p->out, bytes, utf8_put(bytes, code));
}

static void put_literal(struct parser *p, uint32_t code)
{
    if (!p->is_nocase || !is_letter(code)) {
        put_code(p, code);
        return;
    }
    buf_add_char(&p->out, '[');
    put_code(p, code);
    put_code(p, code ^ 0x20);
    buf_add_char(&p->out, ']');
}

static int parse_class_item(struct parser *p)
{
    uint32_t from, to;
    TRY(parse_char(p, &from));
    if (match(p, '-')) {
        TRY(parse_char(p, &to));
        if (from > to)
            return err_set(p->err, ERR_INVALID, "invalid range: from (%u) cannot be > to (%u)",
                           from, to);
        put_code(p, from);
        buf_add_char(&p->out, '-');
        put_code(p, to);
        return 0;
    }
    put_code(p, from);
    if (p->is_nocase && is_letter(from))
        put_code(p, from ^ 0x20);
    return 0;
}

static int parse_class(struct parser *p)
{
    p->at++;
    buf_add_char(&p->out, '[');
    if (match(p, '^'))
        buf_add_char(&p->out, '^');
    do {
        TRY(parse_class_item(p));
    } while (more(p) && !peek(p, "]"));
    if (!match(p, ']'))
        return fail_at(p, "expected ']'");
    buf_add_char(&p->out, ']');
    return 0;
}

static int parse_string(struct parser *p)
{
    ptrdiff_t length = str_find_char(str_from_off(p->in, p->at + 1), '"');
    if (length < 0) {
        p->at = p->in.n;
        return fail_at(p, "expected '\"'");
    }
    const char *at = p->in.p + p->at + 1, *end = at + length;
    buf_add_lit(&p->out, "(?:");
    while (at < end)
        put_literal(p, utf8_next(&at, end));
    buf_add_char(&p->out, ')');
    p->at += (size_t)length + 2;
    return 0;
}

static int parse_group(struct parser *p)
{
    p->at++;
    buf_add_lit(&p->out, "(?:");
    if (!match(p, ')')) {
        TRY(parse_union(p));
        if (!match(p, ')'))
            return fail_at(p, "expected ')'");
    }
    buf_add_char(&p->out, ')');
    return 0;
}

/* One unit of PCRE2 that a quantifier can stand behind. */
static int parse_atom(struct parser *p)
{
    uint32_t code;
    if ((peek(p, "~") && p->flags & REGEXP_COMPLEMENT) ||
        (peek(p, "#") && p->flags & REGEXP_EMPTY) ||
        (peek(p, "<") && p->flags & (REGEXP_INTERVAL | REGEXP_AUTOMATON)))
        return unsupported(p);
    if (peek(p, "["))
        return parse_class(p);
    if (peek(p, "\""))
        return parse_string(p);
    if (peek(p, "("))
        return parse_group(p);
    if (match(p, '.')) {
        buf_add_char(&p->out, '.');
        return 0;
    }
    if (p->flags & REGEXP_ANYSTRING && match(p, '@')) {
        buf_add_lit(&p->out, "(?:.*)");
        return 0;
    }
    TRY(parse_char(p, &code));
    put_literal(p, code);
    return 0;
}

/* What was written from `start` on becomes one unit. */
static void enclose(struct parser *p, size_t start)
{
    buf_add_lit(&p->out, "(?:)");
    if (p->out.is_over)
        return;
    char *from = p->out.p + start;
    memmove(from + 3, from, p->out.n - start - 4);
    memcpy(from, "(?:", 3);
}

static int parse_count(struct parser *p, int64_t *ret_count)
{
    size_t start = p->at;
    while (peek(p, "0123456789"))
        p->at++;
    if (start == p->at)
        return 0;
    if (!str_to_i64(str_sub(p->in, start, p->at - start), ret_count) || *ret_count > COUNT_MAX)
        return err_set(p->err, ERR_INVALID, "more than %d repetitions in a regular expression",
                       COUNT_MAX);
    return 1;
}

/* {n}, {n,}, {n,m} */
static int parse_counts(struct parser *p, size_t start)
{
    int64_t low = 0, high = -1;
    p->at++;
    int rc = parse_count(p, &low);
    if (rc <= 0)
        return rc < 0 ? rc : fail_at(p, "integer expected");
    if (!match(p, ','))
        high = low;
    else
        TRY(parse_count(p, &high));
    if (!match(p, '}'))
        return fail_at(p, "expected '}'");
    if (high < 0) {
        buf_printf(&p->out, "{%lld,}", (long long)low);
    } else if (high < low) { /* no text */
        p->out.n = start;
        buf_add_lit(&p->out, "(?!)");
    } else {
        buf_printf(&p->out, "{%lld,%lld}", (long long)low, (long long)high);
    }
    return 0;
}

/* Quantifiers in a row: ? * and + behind each other are one of them. */
static int parse_repeat(struct parser *p)
{
    size_t start = p->out.n;
    char last = '\0';
    TRY(parse_atom(p));
    bool is_unit = true;
    while (peek(p, "?*+{")) {
        char c = p->in.p[p->at];
        if (last && c != '{') {
            p->at++;
            if (last != c)
                p->out.p[p->out.n - 1] = last = '*';
            continue;
        }
        if (!is_unit)
            enclose(p, start);
        is_unit = false;
        last = '\0';
        if (c == '{') {
            TRY(parse_counts(p, start));
        } else {
            p->at++;
            buf_add_char(&p->out, c);
            last = c;
        }
    }
    return 0;
}

static int parse_concat(struct parser *p)
{
    do {
        TRY(parse_repeat(p));
    } while (more(p) && !peek(p, ")|") && !(p->flags & REGEXP_INTERSECTION && peek(p, "&")));
    return 0;
}

static int parse_union(struct parser *p)
{
    TRY(parse_concat(p));
    if (p->flags & REGEXP_INTERSECTION && peek(p, "&"))
        return unsupported(p);
    while (match(p, '|')) {
        buf_add_char(&p->out, '|');
        TRY(parse_concat(p));
        if (p->flags & REGEXP_INTERSECTION && peek(p, "&"))
            return unsupported(p);
    }
    return 0;
}

/* Letters and digits up to the first operator; a quantifier takes back the last one. */
static struct str literal_prefix(struct str in)
{
    size_t n = 0;
    while (n < in.n && in.p[n] != '\0' && !strchr(".?+*|{}[]()\"\\@~<>&#^$", in.p[n]))
        n++;
    if (str_find_char(in, '|') >= 0)
        return STR("");
    if (n < in.n && strchr("?*{+", in.p[n]) && n > 0) {
        n--;
        while (n > 0 && ((unsigned char)in.p[n] & 0xC0) == 0x80)
            n--;
    }
    return str_sub(in, 0, n);
}

int regexp_flags(struct str text, unsigned *ret_flags, struct err *err)
{
    static const struct {
        const char *name;
        unsigned flag;
    } names[] = {{"INTERSECTION", REGEXP_INTERSECTION},
                 {"COMPLEMENT", REGEXP_COMPLEMENT},
                 {"EMPTY", REGEXP_EMPTY},
                 {"ANYSTRING", REGEXP_ANYSTRING},
                 {"AUTOMATON", REGEXP_AUTOMATON},
                 {"INTERVAL", REGEXP_INTERVAL},
                 {"ALL", REGEXP_ALL},
                 {"NONE", 0}};
    struct str part;
    *ret_flags = text.n ? 0 : REGEXP_ALL;
    while (str_split_next(&text, '|', &part)) {
        size_t i = 0;
        while (i < ARRAY_COUNT(names) && !str_eq_nocase(part, str_from(names[i].name)))
            i++;
        if (i < ARRAY_COUNT(names))
            *ret_flags |= names[i].flag;
        else if (part.n)
            return err_set(err, ERR_INVALID, "Unknown regexp flag [" STR_FMT "]", STR_ARG(part));
    }
    return 0;
}

int regexp_translate(struct str text, unsigned flags, bool is_nocase, struct arena *mem,
                     struct str *ret_pattern, struct str *ret_prefix, struct err *err)
{
    if (text.n > REGEXP_BYTES_MAX)
        return err_set(
            err, ERR_INVALID,
            "The length of regex [%zu] used in the Regexp Query request has exceeded the "
            "allowed maximum of [%u]. This maximum can be set by changing the "
            "[index.max_regex_length] index "
            "level setting.",
            text.n, REGEXP_BYTES_MAX);
    struct parser p = {.in = text, .flags = flags, .is_nocase = is_nocase, .err = err};
    buf_init(&p.out, 64 * KIB);
    int rc = text.n ? parse_union(&p) : 0;
    if (rc == 0 && more(&p))
        rc = fail_at(&p, "end-of-string expected");
    ASSERT(!p.out.is_over); /* no character becomes as many as there is room for */
    if (rc == 0) {
        struct regex *check = NULL;
        *ret_pattern = arena_str(mem, buf_str(&p.out));
        *ret_prefix = is_nocase ? STR("") : literal_prefix(text);
        rc = regex_compile(*ret_pattern, REGEXP_COMPILE, &check, err);
        regex_free(check);
    }
    buf_deinit(&p.out);
    return rc;
}
