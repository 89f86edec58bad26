/* SPDX-License-Identifier: Apache-2.0 */
/* regex_ruby.c: Ruby's regular expressions (Onigmo) written as PCRE2's. Two passes over the
 * pattern: the first finds the groups, since references may point forward and names decide whether
 * ( ) captures. What the two dialects agree on is copied. What differs, and is rewritten here:
 *
 *   (?<name>…) (?'name'…)   a plain group; its name goes to the table
 *   ( ) next to named ones  does not capture
 *   \k<n> \g<n> (?(<n>)…)   by number
 *   (?m) inside             (?s): in Ruby m is "the dot matches newlines"
 *   a(?i)b|c                a(?i:b|c)
 *   \h \H                   hexadecimal digits (PCRE2: blanks)
 *   \v                      one vertical tab
 *   \uXXXX \u{X}            \x{…}
 *   [[:alpha:]] \b          Unicode (PCRE2 without UCP: ASCII); \w \d \s are ASCII in both
 *   [a[bc]] [a-z&&[^b]]     nested sets and intersections
 *   {,n}                    {0,n}
 *   \Q \E \l \N …           the letter itself
 *   a?* a{2}{3} a{1,2}+ ^*  (?:a?)* …: Ruby repeats a repeat, and a place
 *
 * What has no counterpart is an error that names it: (?~…), negated sets of several classes such as
 * [[:^alnum:]]. */
#include "text/regex_int.h"

#include <stdio.h>

#include "base/str.h"
#include "text/utf8.h"

#define GROUP_DEPTH_MAX 250u
#define SET_DEPTH_MAX   16u

#define WORD_UNICODE "\\p{L}\\p{M}\\p{N}\\p{Pc}"

struct translator {
    struct str pattern;
    const char *p, *end;
    bool is_ascii_text, needs_utf, has_names;
    bool is_counting;                    /* first pass: references are not looked up */
    size_t plain;                        /* first pass: groups without a name */
    bool extended[GROUP_DEPTH_MAX + 1];  /* (?x) at each depth of parentheses */
    size_t scopes[GROUP_DEPTH_MAX + 1];  /* (?i) at each depth: groups to close with it */
    size_t open_at[GROUP_DEPTH_MAX + 1]; /* where the group's "(" is in the output */
    size_t depth;
    size_t atom_at; /* where what a repeat would apply to begins in the output */
    bool has_atom, atom_is_repeat,
        atom_is_place; /* place: ^ $ \b …, which PCRE2 repeats only inside a group */
    struct arena *mem;
    struct buf *out;
    struct regex_names *names;
    size_t group; /* capturing groups opened so far */
    struct err *err;
};

static int fail(const struct translator *t, const char *at, enum err_code code, const char *what)
{
    err_set(t->err, code, "regular expression /" STR_FMT "/: %s", STR_ARG(t->pattern), what);
    return err_at_off(t->err, at - t->pattern.p);
}

static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool looking_at(const struct translator *t, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(t->end - t->p) >= n && memcmp(t->p, text, n) == 0;
}

static void copy(struct translator *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t->needs_utf |= (uint8_t)t->p[i] >= 0x80;
    buf_add(t->out, t->p, n);
    t->p += n;
}

/* ---- names ---- */

/* At "(?<name>" or "(?'name'": the name and what is behind it; not a lookbehind. */
static bool group_name(const char *p, const char *end, struct str *ret_name,
                       const char **ret_behind)
{
    if (end - p < 4 || p[0] != '(' || p[1] != '?')
        return false;
    if (p[2] == 'P' && p[3] == '<')
        p++;
    char close = p[2] == '<' ? '>' : p[2] == '\'' ? '\'' : '\0';
    if (!close || end - p < 4 || p[3] == '=' || p[3] == '!')
        return false;
    const char *from = p + 3, *at = memchr(from, close, (size_t)(end - from));
    if (!at || at == from)
        return false;
    *ret_name = (struct str){from, (size_t)(at - from)};
    *ret_behind = at + 1;
    return true;
}

/* Number of the last group of that name (or "1", "-1"), 0 when there is none. */
static size_t group_by_name(const struct translator *t, struct str name)
{
    int64_t number;
    if (t->is_counting)
        return 1;
    if (str_to_i64(name, &number)) {
        if (number < 0)
            number += (int64_t)t->group + 1;
        return number > 0 && (size_t)number <= t->names->count ? (size_t)number : 0;
    }
    for (size_t i = t->names->count; i-- > 0;) {
        if (str_eq(t->names->names[i], name))
            return i + 1;
    }
    return 0;
}

/* ---- escapes ---- */

struct posix_class {
    const char *name, *unicode, *ascii;
    const char *negated; /* NULL: cannot be written inside a set */
};

static const struct posix_class posix_classes[] = {
    {"alpha", "\\p{L}\\p{M}", "a-zA-Z", NULL},
    {"digit", "\\p{Nd}", "0-9", "\\P{Nd}"},
    {"alnum", "\\p{L}\\p{M}\\p{Nd}", "a-zA-Z0-9", NULL},
    {"upper", "A-Z\\p{Lu}", "A-Z", "\\P{Lu}"},
    {"lower", "a-z\\p{Ll}", "a-z", "\\P{Ll}"},
    {"space", "\\s\\x{85}\\p{Z}", "\\s", NULL},
    {"blank", "\\t\\p{Zs}", "\\t ", NULL},
    {"punct", "\\p{P}$+<=>^`|~", "!-\\/:-@\\[-`{-~", NULL},
    {"cntrl", "\\p{Cc}", "\\x00-\\x1f\\x7f", "\\P{Cc}"},
    {"word", "\\p{L}\\p{M}\\p{Nd}\\p{Pc}", "a-zA-Z0-9_", NULL},
    {"xdigit", "0-9A-Fa-f", "0-9A-Fa-f", "\\x00-\\/:-@G-`g-\\x{10ffff}"},
    {"graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}", "!-~", NULL},
    {"print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}", " -~", NULL},
    {"ascii", "\\x00-\\x7f", "\\x00-\\x7f", "\\x{80}-\\x{10ffff}"},
};

static const struct posix_class *posix_find(struct str name, bool ignore_case)
{
    for (size_t i = 0; i < ARRAY_COUNT(posix_classes); i++) {
        struct str row = str_from(posix_classes[i].name);
        if (ignore_case ? str_eq_nocase(name, row) : str_eq(name, row))
            return &posix_classes[i];
    }
    return NULL;
}

/* \p{Alpha} \p{^Digit} \P{Space}: Ruby's names of POSIX classes; others are Unicode's and mean the
 * same to PCRE2. */
static int property(struct translator *t, bool in_set)
{
    const char *from = t->p, *close = memchr(from, '}', (size_t)(t->end - from));
    if (t->end - from < 4 || from[2] != '{' || !close)
        return fail(t, from, ERR_INVALID, "expected \\p{name}");
    bool is_negated = from[1] == 'P';
    struct str name = {from + 3, (size_t)(close - from) - 3};
    if (name.n > 0 && name.p[0] == '^') {
        is_negated = !is_negated;
        name = str_from_off(name, 1);
    }
    const struct posix_class *row = posix_find(name, true);
    t->p = close + 1;
    if (!row) {
        t->needs_utf = true;
        buf_printf(t->out, "\\%c{" STR_FMT "}", is_negated ? 'P' : 'p', STR_ARG(name));
        return 0;
    }
    const char *text = t->is_ascii_text ? row->ascii : row->unicode;
    if (!in_set) {
        buf_printf(t->out, "[%s%s]", is_negated ? "^" : "", text);
        return 0;
    }
    if (is_negated && !row->negated)
        return fail(t, from, ERR_UNSUPPORTED, "a negated class of this kind inside [ ]");
    t->needs_utf |= is_negated;
    buf_add_str(t->out, str_from(is_negated ? row->negated : text));
    return 0;
}

/* \uXXXX and \u{X …} */
static int unicode_escape(struct translator *t)
{
    const char *from = t->p;
    t->p += 2;
    if (t->p < t->end && *t->p == '{') {
        const char *close = memchr(t->p, '}', (size_t)(t->end - t->p));
        if (!close)
            return fail(t, from, ERR_INVALID, "\\u{ is not closed");
        struct str codes = str_trim((struct str){t->p + 1, (size_t)(close - t->p) - 1}), code;
        while (str_split_next(&codes, ' ', &code)) {
            if (code.n > 0)
                buf_printf(t->out, "\\x{" STR_FMT "}", STR_ARG(code));
        }
        t->p = close + 1;
    } else {
        if (t->end - t->p < 4)
            return fail(t, from, ERR_INVALID, "\\u needs four hexadecimal digits");
        buf_printf(t->out, "\\x{%.4s}", t->p);
        t->p += 4;
    }
    t->needs_utf = true;
    return 0;
}

/* \k<name> \k'name' \g<name> */
static int reference(struct translator *t)
{
    const char *from = t->p;
    char kind = from[1], open = t->end - from > 2 ? from[2] : '\0',
         close = open == '<' ? '>' : '\'';
    const char *at =
        (open == '<' || open == '\'') ? memchr(from + 3, close, (size_t)(t->end - from) - 3) : NULL;
    if (!at)
        return fail(t, from, ERR_INVALID, "expected \\k<name> or \\g<name>");
    struct str name = {from + 3, (size_t)(at - from) - 3};
    size_t group = group_by_name(t, name);
    t->p = at + 1;
    if (kind == 'g' && str_is(name, "0")) {
        buf_add_lit(t->out, "(?R)");
        return 0;
    }
    if (group == 0)
        return fail(t, from, ERR_INVALID, "there is no group of that name");
    if (kind == 'k')
        buf_printf(t->out, "\\g{%zu}", group);
    else
        buf_printf(t->out, "(?%zu)", group);
    return 0;
}

static void word_border(struct translator *t, bool is_border)
{
    if (t->is_ascii_text)
        buf_add_str(t->out, is_border ? STR("\\b") : STR("\\B"));
    else if (is_border)
        buf_add_lit(t->out, "(?:(?<=[" WORD_UNICODE "])(?![" WORD_UNICODE "])|(?<![" WORD_UNICODE
                            "])(?=[" WORD_UNICODE "]))");
    else
        buf_add_lit(t->out, "(?:(?<=[" WORD_UNICODE "])(?=[" WORD_UNICODE "])|(?<![" WORD_UNICODE
                            "])(?![" WORD_UNICODE "]))");
    t->p += 2;
}

static bool is_digit_of(char c, unsigned base)
{
    if (base == 8)
        return c >= '0' && c <= '7';
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Bytes of the escape at the cursor, where PCRE2 writes it the same way: \n, \x41, \101, \cA. */
static size_t escape_len(const struct translator *t)
{
    const char *p = t->p + 1, *end = t->end;
    char c = *p++;
    if (c == 'x' && p < end && *p == '{') {
        const char *close = memchr(p, '}', (size_t)(end - p));
        return close ? (size_t)(close + 1 - t->p) : 2;
    }
    unsigned base = c == 'x' ? 16 : 8;
    if (c == 'x' || is_digit_of(c, 8)) {
        for (int i = 0; i < 2 && p < end && is_digit_of(*p, base); i++)
            p++;
        return (size_t)(p - t->p);
    }
    return c == 'c' && p < end ? 3 : 2;
}

static int escape(struct translator *t, bool in_set)
{
    if (t->p + 1 >= t->end)
        return fail(t, t->p, ERR_INVALID, "ends in a backslash");
    char c = t->p[1];
    switch (c) {
    case 'h':
        buf_add_str(t->out, in_set ? STR("0-9A-Fa-f") : STR("[0-9A-Fa-f]"));
        t->p += 2;
        return 0;
    case 'H':
        buf_add_str(t->out, in_set ? (t->is_ascii_text ? STR("\\x00-\\/:-@G-`g-\\xff")
                                                       : STR("\\x00-\\/:-@G-`g-\\x{10ffff}"))
                                   : STR("[^0-9A-Fa-f]"));
        t->p += 2;
        return 0;
    case 'v':
        buf_add_lit(t->out, "\\x0b");
        t->p += 2;
        return 0;
    case 'b':
    case 'B':
        if (in_set)
            break; /* \b in a set is a backspace in both */
        word_border(t, c == 'b');
        return 0;
    case 'p':
    case 'P':
        return property(t, in_set);
    case 'u':
        return unicode_escape(t);
    case 'k':
    case 'g':
        if (!in_set)
            return reference(t);
        break;
    default:
        break;
    }
    if ((uint8_t)c >= 0x80) { /* a backslash before a letter beyond ASCII means nothing */
        t->p++;
        const char *from = t->p;
        (void)utf8_next(&t->p, t->end);
        t->needs_utf = true;
        buf_add(t->out, from, (size_t)(t->p - from));
        return 0;
    }
    if (is_letter(c) && !strchr(in_set ? "dDwWsSbtnrfaecx" : "dDwWsSAzZGKRXtnrfaecx",
                                c)) { /* means nothing to Ruby: the letter */
        buf_add_char(t->out, c);
        t->p += 2;
        return 0;
    }
    copy(t, escape_len(t));
    return 0;
}

/* ---- sets ---- */

/* A set is written flat when it is a union of characters, classes and unnegated sets; else as
 * alternatives and lookaheads around sets of one character each. `flat` collects the members. */
struct set {
    struct buf flat;   /* members, without brackets */
    struct buf others; /* negated or composed sets: "|x|y" */
    bool is_negated;
};

static int set_read(struct translator *t, unsigned depth, struct buf *ret_text, bool *ret_is_flat);

static int posix_member(struct translator *t, bool *ret_was)
{
    *ret_was = false;
    if (!looking_at(t, "[:"))
        return 0;
    const char *from = t->p, *at = from + 2;
    bool is_negated = at < t->end && *at == '^';
    at += is_negated;
    const char *name = at;
    while (at < t->end && is_letter(*at))
        at++;
    if (t->end - at < 2 || at[0] != ':' || at[1] != ']')
        return 0; /* an ordinary set that begins with a colon */
    const struct posix_class *row = posix_find((struct str){name, (size_t)(at - name)}, false);
    if (!row)
        return fail(t, from, ERR_INVALID, "unknown class in [: :]");
    if (is_negated && !row->negated)
        return fail(t, from, ERR_UNSUPPORTED, "a negated class of this kind inside [ ]");
    t->needs_utf |= is_negated;
    buf_add_str(t->out, str_from(is_negated         ? row->negated
                                 : t->is_ascii_text ? row->ascii
                                                    : row->unicode));
    t->p = at + 2;
    *ret_was = true;
    return 0;
}

static void others_add(struct set *set, struct str text)
{
    buf_add_char(&set->others, '|');
    buf_add_str(&set->others, text);
}

static int member(struct translator *t, struct set *set, unsigned depth)
{
    bool was_posix;
    struct buf *out = t->out;
    t->out = &set->flat;
    int rc = posix_member(t, &was_posix);
    if (rc == 0 && !was_posix) {
        if (*t->p == '[') {
            struct buf inner;
            bool is_flat;
            buf_init(&inner, REGEX_PATTERN_MAX);
            rc = set_read(t, depth + 1, &inner, &is_flat);
            if (rc == 0 && is_flat)
                buf_add_str(&set->flat, buf_str(&inner));
            else if (rc == 0)
                others_add(set, buf_str(&inner));
            buf_deinit(&inner);
        } else if (*t->p == '\\') {
            rc = escape(t, true);
        } else if (*t->p == '-' && (set->flat.n == 0 ||
                                    (t->p + 1 < t->end && (t->p[1] == ']' || t->p[1] == '[')))) {
            buf_add_lit(&set->flat,
                        "\\-"); /* no range, also when the set becomes part of another one */
            t->p++;
        } else {
            copy(t, 1);
        }
    }
    t->out = out;
    return rc;
}

/* One operand of && as an expression for a single character. */
static void operand_write(const struct set *set, struct buf *out)
{
    bool has_flat = set->flat.n > 0;
    if (set->others.n == 0) {
        buf_printf(out, "[" STR_FMT "]", STR_ARG(buf_str(&set->flat)));
        return;
    }
    buf_add_lit(out, "(?:");
    if (has_flat)
        buf_printf(out, "[" STR_FMT "]" STR_FMT, STR_ARG(buf_str(&set->flat)),
                   STR_ARG(buf_str(&set->others)));
    else
        buf_add_str(out, str_from_off(buf_str(&set->others), 1));
    buf_add_char(out, ')');
}

static void set_write(const struct set *set, const struct buf *before, struct buf *out,
                      bool *ret_is_flat)
{
    *ret_is_flat = false;
    if (before->n == 0 && set->others.n == 0) {
        if (!set->is_negated) {
            buf_add_str(out, buf_str(&set->flat));
            *ret_is_flat = true;
        } else {
            buf_printf(out, "[^" STR_FMT "]", STR_ARG(buf_str(&set->flat)));
        }
        return;
    }
    buf_add_str(out, set->is_negated ? STR("(?:(?!") : STR("(?:"));
    buf_add_str(out, buf_str(before));
    operand_write(set, out);
    buf_add_str(out, set->is_negated ? STR(")(?s:.))") : STR(")"));
}

/* The cursor is at "[". *ret_text: the members when *ret_is_flat, else a whole expression for one
 * character. */
static int set_read(struct translator *t, unsigned depth, struct buf *ret_text, bool *ret_is_flat)
{
    const char *from = t->p;
    if (depth == SET_DEPTH_MAX)
        return fail(t, from, ERR_INVALID, "sets are nested more than 16 deep");
    struct set set = {.is_negated = t->end - t->p > 1 && t->p[1] == '^'};
    struct buf before; /* operands of && that are complete: "(?=[a])" */
    buf_init(&set.flat, REGEX_PATTERN_MAX);
    buf_init(&set.others, REGEX_PATTERN_MAX);
    buf_init(&before, REGEX_PATTERN_MAX);
    t->p += set.is_negated ? 2 : 1;
    int rc = 0;
    if (t->p < t->end && *t->p == ']') { /* first: an ordinary character */
        buf_add_lit(&set.flat, "\\]");
        t->p++;
    }
    while (rc == 0 && t->p < t->end && *t->p != ']') {
        if (looking_at(t, "&&") && set.flat.n == 0 && set.others.n == 0) {
            rc = fail(t, t->p, ERR_INVALID, "nothing before && in a set");
        } else if (looking_at(t, "&&")) {
            buf_add_lit(&before, "(?=");
            operand_write(&set, &before);
            buf_add_char(&before, ')');
            buf_clear(&set.flat);
            buf_clear(&set.others);
            t->p += 2;
        } else {
            rc = member(t, &set, depth);
        }
    }
    if (rc == 0 && t->p >= t->end)
        rc = fail(t, from, ERR_INVALID, "a set [ is not closed");
    if (rc == 0 && set.flat.n == 0 && set.others.n == 0)
        rc = fail(t, from, ERR_INVALID, "a set [ ] is empty");
    if (rc == 0) {
        t->p++;
        set_write(&set, &before, ret_text, ret_is_flat);
    }
    buf_deinit(&set.flat);
    buf_deinit(&set.others);
    buf_deinit(&before);
    return rc;
}

static int top_set(struct translator *t)
{
    struct buf text;
    bool is_flat = false;
    buf_init(&text, REGEX_PATTERN_MAX);
    int rc = set_read(t, 0, &text, &is_flat);
    if (rc == 0) {
        if (is_flat)
            buf_add_char(t->out, '[');
        buf_add_str(t->out, buf_str(&text));
        if (is_flat)
            buf_add_char(t->out, ']');
    }
    buf_deinit(&text);
    return rc;
}

/* ---- groups ---- */

static int push(struct translator *t)
{
    if (t->depth == GROUP_DEPTH_MAX)
        return fail(t, t->p, ERR_INVALID, "parentheses are nested more than 250 deep");
    t->depth++;
    t->extended[t->depth] = t->extended[t->depth - 1];
    t->scopes[t->depth] = 0;
    return 0;
}

/* (?imx-imx) and (?imx-imx: */
static int options(struct translator *t)
{
    const char *from = t->p;
    bool is_on = true, extended = t->extended[t->depth];
    TRY(push(t));
    buf_add_lit(t->out, "(?");
    for (t->p += 2; t->p < t->end && *t->p != ')' && *t->p != ':'; t->p++) {
        char c = *t->p;
        if (c == '-')
            is_on = false;
        else if (c == 'x')
            extended = is_on;
        else if (c != 'i' && c != 'm' && c != 'a' && c != 'd' && c != 'u')
            return fail(t, from, c == '~' ? ERR_UNSUPPORTED : ERR_INVALID, "unknown kind of group");
        if (c == 'a' || c == 'd' || c == 'u') /* Ruby's character sets of \w: as they are */
            continue;
        buf_add_char(t->out, c == 'm' ? 's' : c);
    }
    if (t->p >= t->end)
        return fail(t, from, ERR_INVALID, "a group ( is not closed");
    buf_add_char(t->out, ':');
    if (*t->p == ')') { /* for the rest of the group around it, with all its alternatives: a(?i)b|c
                           is a(?i:b|c) */
        t->depth--;
        t->scopes[t->depth]++;
        t->has_atom = false;
    }
    t->extended[t->depth] = extended;
    t->p++;
    return 0;
}

/* (?(1)…) and (?(<name>)…) */
static int conditional(struct translator *t)
{
    const char *from = t->p, *close = memchr(from, ')', (size_t)(t->end - from));
    if (!close)
        return fail(t, from, ERR_INVALID, "a group ( is not closed");
    struct str name = {from + 3, (size_t)(close - from) - 3};
    if (name.n > 2 && (name.p[0] == '<' || name.p[0] == '\''))
        name = str_sub(name, 1, name.n - 2);
    size_t group = group_by_name(t, name);
    if (group == 0)
        return fail(t, from, ERR_INVALID, "there is no group of that name");
    TRY(push(t));
    buf_printf(t->out, "(?(%zu)", group);
    t->p = close + 1;
    return 0;
}

static int comment(struct translator *t)
{
    const char *close = memchr(t->p, ')', (size_t)(t->end - t->p));
    if (!close)
        return fail(t, t->p, ERR_INVALID, "a comment (?# is not closed");
    t->p = close + 1;
    return 0;
}

static int open_group(struct translator *t)
{
    struct str name;
    const char *behind;
    if (group_name(t->p, t->end, &name, &behind)) {
        TRY(push(t));
        t->names->names[t->group++] = arena_str(t->mem, name);
        buf_add_char(t->out, '(');
        t->p = behind;
        return 0;
    }
    if (looking_at(t, "(*"))
        return fail(t, t->p + 1, ERR_INVALID, "'*' has nothing to repeat");
    if (!looking_at(t, "(?")) {
        TRY(push(t));
        t->plain++;
        t->group += !t->has_names && !t->is_counting;
        buf_add_str(t->out, t->has_names ? STR("(?:") : STR("("));
        t->p++;
        return 0;
    }
    if (looking_at(t, "(?#"))
        return comment(t);
    if (looking_at(t, "(?("))
        return conditional(t);
    static const char *const same[] = {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"};
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        if (looking_at(t, same[i])) {
            TRY(push(t));
            copy(t, strlen(same[i]));
            return 0;
        }
    }
    return options(t);
}

/* ---- repeats ---- */

/* Puts the atom at the output's end into a group of its own. */
static void wrap_atom(struct translator *t)
{
    static const char open[] = "(?:";
    buf_add(t->out, open, 3);
    if (t->out->is_over)
        return;
    char *p = t->out->p + t->atom_at;
    memmove(p + 3, p, t->out->n - 3 - t->atom_at);
    memcpy(p, open, 3);
    buf_add_char(t->out, ')');
}

/* Length of {n} {n,} {n,m} {,m} at the cursor, 0: a plain brace. */
static size_t braces_len(const struct translator *t, bool *ret_is_exact)
{
    const char *p = t->p + 1;
    size_t low = 0, high = 0;
    *ret_is_exact = true;
    for (; p < t->end && *p >= '0' && *p <= '9'; p++)
        low++;
    if (p < t->end && *p == ',') {
        *ret_is_exact = false;
        for (p++; p < t->end && *p >= '0' && *p <= '9'; p++)
            high++;
    }
    return p < t->end && *p == '}' && (low > 0 || high > 0) ? (size_t)(p + 1 - t->p) : 0;
}

/* At * + ? or {…}: the repeat with its ? (lazy) or + (possessive). In Ruby {n,m}+ is a repeat of a
 * repeat, and {n}? is an optional {n}. */
static int repeat(struct translator *t)
{
    bool is_exact = false, is_brace = *t->p == '{';
    size_t n = is_brace ? braces_len(t, &is_exact) : 1;
    if (n == 0) {
        t->atom_at = t->out->n;
        t->has_atom = true;
        t->atom_is_repeat = t->atom_is_place = false;
        buf_add_lit(t->out, "\\{");
        t->p++;
        return 0;
    }
    if (!t->has_atom)
        return fail(t, t->p, ERR_INVALID, "a repeat has nothing before it");
    if (t->atom_is_repeat || t->atom_is_place)
        wrap_atom(t);
    if (is_brace && t->p[1] == ',') {
        buf_add_lit(t->out, "{0");
        t->p++;
        n--;
    }
    copy(t, n);
    if (t->p < t->end && *t->p == '?' && !is_exact)
        copy(t, 1);
    else if (t->p < t->end && *t->p == '+' && !is_brace)
        copy(t, 1);
    t->atom_is_repeat = true;
    t->atom_is_place = false;
    return 0;
}

static void close_scopes(struct translator *t)
{
    for (; t->scopes[t->depth] > 0; t->scopes[t->depth]--)
        buf_add_char(t->out, ')');
}

static void close_group(struct translator *t)
{
    close_scopes(t);
    copy(t, 1);
    t->atom_at = t->open_at[t->depth];
    t->atom_is_repeat = t->atom_is_place = false;
    t->has_atom = true;
    t->depth--;
}

/* A character that stands for itself, all of it: the next repeat belongs to the whole character. */
static void character(struct translator *t)
{
    const char *p = t->p;
    (void)utf8_next(&p, t->end);
    copy(t, (size_t)(p - t->p));
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int atom(struct translator *t)
{
    t->atom_at = t->out->n;
    t->has_atom = true;
    t->atom_is_repeat = false;
    t->atom_is_place = *t->p == '^' || *t->p == '$' ||
                       (*t->p == '\\' && t->p + 1 < t->end && strchr("AzZGbB", t->p[1]));
    if (*t->p == '\\')
        return escape(t, false);
    if (*t->p == '[')
        return top_set(t);
    character(t);
    return 0;
}

static int translate_one(struct translator *t)
{
    size_t at = t->out->n;
    char c = *t->p;
    if (c == '*' || c == '+' || c == '?' || c == '{')
        return repeat(t);
    if (c == '(') {
        size_t depth = t->depth;
        TRY(open_group(t));
        if (t->depth > depth) {
            t->open_at[t->depth] = at;
            t->has_atom = false;
        }
        return 0;
    }
    if (c == ')') {
        if (t->depth == 0)
            return fail(t, t->p, ERR_INVALID, "')' without '('");
        close_group(t);
        return 0;
    }
    if (c == '|') {
        copy(t, 1);
        t->has_atom = false;
        return 0;
    }
    if (t->extended[t->depth] && is_blank(c)) {
        t->p++;
        return 0;
    }
    if (t->extended[t->depth] && c == '#') { /* a comment up to the line's end */
        const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p));
        t->p = nl ? nl : t->end;
        return 0;
    }
    return atom(t);
}

static int pass(struct translator *t)
{
    t->p = t->pattern.p;
    t->end = str_end(t->pattern);
    t->group = t->depth = t->scopes[0] = 0;
    t->extended[0] = t->has_atom = false;
    while (t->p < t->end)
        TRY(translate_one(t));
    if (t->depth > 0)
        return fail(t, t->end, ERR_INVALID, "a group ( is not closed");
    close_scopes(t);
    return 0;
}

int regex__translate(struct str pattern, bool is_ascii_text, struct arena *mem, struct buf *out,
                     struct regex_names *ret_names, bool *ret_needs_utf, struct err *err)
{
    struct translator *t = ARENA_NEW(mem, struct translator);
    *t = (struct translator){.pattern = pattern,
                             .mem = mem,
                             .out = out,
                             .is_ascii_text = is_ascii_text,
                             .names = ret_names,
                             .err = err,
                             .is_counting = true};
    size_t groups_max = 0;
    for (size_t i = 0; i < pattern.n; i++)
        groups_max += pattern.p[i] == '(';
    if (groups_max > 4 * REGEX_GROUPS_MAX)
        return fail(t, pattern.p, ERR_INVALID, "more than 4000 parentheses");
    *ret_names = (struct regex_names){.names = ARENA_ARRAY(mem, struct str, groups_max + 1)};
    TRY(pass(t));
    t->has_names = t->group > 0;
    ret_names->count = t->has_names ? t->group : t->plain;
    t->is_counting = false;
    buf_clear(out);
    TRY(pass(t));
    ASSERT(t->group == ret_names->count);
    *ret_needs_utf = t->needs_utf;
    return 0;
}
