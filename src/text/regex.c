/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c: PCRE2 behind a small interface. Each expression is compiled up to three times, with the
 * same groups:
 *
 *   ascii   for texts that are ASCII only, which is most log lines: bytes are characters there
 *   utf8    for valid UTF-8
 *   broken  for all else: broken sequences never match
 *
 * The last one is interpreted: in PCRE2 10.42 the machine code for \S, \D and \W does not match
 * characters beyond ASCII under PCRE2_MATCH_INVALID_UTF. */
#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/arena.h"
#include "base/str.h"
#include "text/regex_int.h"
#include "text/utf8.h"

#define JIT_STACK_BYTES_MIN (32 * KIB)
#define JIT_STACK_BYTES_MAX (4 * MIB) /* reserved, used as far as a pattern goes */
#define NESTING_MAX         250u

struct regex {
    pcre2_code *utf8, *broken;
    pcre2_code *ascii; /* NULL: the pattern has something beyond ASCII, utf8 does */
    struct arena *mem;
    struct regex_names names;
    uint64_t spare; /* atomic: a struct regex_match for calls that bring none; 0: in use */
};

struct regex_match {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct str text;
    uint32_t pairs; /* that fit into data */
    uint32_t found; /* pairs that are set */
};

/* ---- compiling ---- */

static pcre2_code *compile_one(struct str text, uint32_t options, int *ret_error, size_t *ret_off)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    ASSERT(context);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, NESTING_MAX + 250);
    PCRE2_SIZE off = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.p ? text.p : ""), text.n, options, ret_error,
                                     &off, context);
    *ret_off = off;
    pcre2_compile_context_free(context);
    if (code && !(options & PCRE2_MATCH_INVALID_UTF))
        (void)pcre2_jit_compile(code,
                                PCRE2_JIT_COMPLETE); /* without it the interpreter does the work */
    return code;
}

static uint32_t options_of(unsigned flags)
{
    uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES;
    if (flags & REGEX_RUBY)
        options |= PCRE2_MULTILINE;
    if (flags & REGEX_CASELESS)
        options |= PCRE2_CASELESS;
    if (flags & REGEX_DOT_ALL)
        options |= PCRE2_DOTALL;
    if (flags & REGEX_WHOLE)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    if (flags & REGEX_NAMED_ONLY && !(flags & REGEX_RUBY))
        options |= PCRE2_NO_AUTO_CAPTURE;
    return options;
}

static int compile_failed(struct str pattern, int code, size_t off, struct err *err)
{
    PCRE2_UCHAR text[200];
    if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
        text[0] = '\0';
    err_set(err, ERR_INVALID, "regular expression /" STR_FMT "/: %s", STR_ARG(pattern),
            (const char *)text);
    return err_at_off(err, (int64_t)MIN_OF(off, pattern.n));
}

static bool is_ascii(struct str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        if (word & UINT64_C(0x8080808080808080))
            return false;
    }
    for (; i < s.n; i++) {
        if ((uint8_t)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

static int compile_unicode(struct regex *re, struct str text, struct str pattern, unsigned flags,
                           struct err *err)
{
    int code;
    size_t off;
    re->utf8 = compile_one(text, options_of(flags) | PCRE2_UTF, &code, &off);
    if (re->utf8)
        re->broken =
            compile_one(text, options_of(flags) | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &off);
    return re->utf8 && re->broken ? 0 : compile_failed(pattern, code, off, err);
}

/* The names of groups that PCRE2 itself knows. */
static void read_names(struct regex *re)
{
    uint32_t groups = 0, count = 0, entry = 0;
    PCRE2_SPTR table = NULL;
    (void)pcre2_pattern_info(re->utf8, PCRE2_INFO_CAPTURECOUNT, &groups);
    (void)pcre2_pattern_info(re->utf8, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(re->utf8, PCRE2_INFO_NAMEENTRYSIZE, &entry);
    (void)pcre2_pattern_info(re->utf8, PCRE2_INFO_NAMETABLE, &table);
    re->names.count = groups;
    re->names.names = ARENA_ARRAY(re->mem, struct str, (size_t)groups + 1);
    for (uint32_t i = 0; i < count; i++) {
        PCRE2_SPTR row = table + (size_t)i * entry;
        size_t group = (size_t)row[0] << 8 | row[1];
        re->names.names[group - 1] = arena_str(re->mem, str_from((const char *)row + 2));
    }
}

static int compile_plain(struct regex *re, struct str pattern, unsigned flags, struct err *err)
{
    int code;
    size_t off;
    TRY(compile_unicode(re, pattern, pattern, flags, err));
    read_names(re);
    bool may_be_ascii = is_ascii(pattern) && str_find(pattern, STR("\\p")) < 0 &&
                        str_find(pattern, STR("\\P")) < 0 && str_find(pattern, STR("\\x")) < 0 &&
                        str_find(pattern, STR("\\X")) < 0 && str_find(pattern, STR("(*")) < 0;
    if (may_be_ascii)
        re->ascii = compile_one(pattern, options_of(flags), &code, &off);
    return 0;
}

static int compile_ruby(struct regex *re, struct str pattern, unsigned flags, struct err *err)
{
    int rc, code;
    size_t off;
    bool needs_utf, ignored;
    struct buf out;
    buf_init(&out, 8 * REGEX_PATTERN_MAX);
    rc = regex__translate(pattern, false, re->mem, &out, &re->names, &needs_utf, err);
    if (rc == 0)
        rc = compile_unicode(re, buf_str(&out), pattern, flags, err);
    if (rc == 0 && !needs_utf) {
        struct regex_names names = {.count = 0};
        buf_clear(&out);
        if (regex__translate(pattern, true, re->mem, &out, &names, &ignored, NULL) == 0)
            re->ascii = compile_one(buf_str(&out), options_of(flags), &code, &off);
    }
    buf_deinit(&out);
    return rc;
}

int regex_compile(struct str pattern, unsigned flags, struct regex **ret_re, struct err *err)
{
    if (pattern.n > REGEX_PATTERN_MAX)
        return err_set(err, ERR_INVALID, "a regular expression of more than %llu bytes",
                       (unsigned long long)REGEX_PATTERN_MAX);
    CLEANUP(regex_free_ptr) struct regex *re = MEM_NEW(struct regex);
    re->mem = arena_new(0);
    if (!pattern.p)
        pattern.p = "";
    TRY(flags & REGEX_RUBY ? compile_ruby(re, pattern, flags, err)
                           : compile_plain(re, pattern, flags, err));
    if (re->names.count > REGEX_GROUPS_MAX)
        return err_set(err, ERR_INVALID, "a regular expression with more than %u groups",
                       REGEX_GROUPS_MAX);
    *ret_re = TAKE(re);
    return 0;
}

void regex_free(struct regex *re)
{
    if (!re)
        return;
    pcre2_code_free(re->utf8);
    pcre2_code_free(re->broken);
    pcre2_code_free(re->ascii);
    regex_match_free((struct regex_match *)(uintptr_t)re->spare);
    arena_free(re->mem);
    mem_free(re);
}

size_t regex_group_count(const struct regex *re)
{
    return re->names.count + 1;
}

struct str regex_group_name(const struct regex *re, size_t group)
{
    return group == 0 || group > re->names.count ? STR_NONE : re->names.names[group - 1];
}

int regex_group_find(const struct regex *re, struct str name)
{
    for (size_t i = 0; i < re->names.count; i++) {
        if (re->names.names[i].p && str_eq(re->names.names[i], name))
            return (int)i + 1;
    }
    return -1;
}

/* ---- matching ---- */

struct regex_match *regex_match_new(void)
{
    struct regex_match *match = MEM_NEW(struct regex_match);
    match->context = pcre2_match_context_create(NULL);
    match->stack = pcre2_jit_stack_create(JIT_STACK_BYTES_MIN, JIT_STACK_BYTES_MAX, NULL);
    ASSERT(match->context && match->stack);
    pcre2_jit_stack_assign(match->context, NULL, match->stack);
    pcre2_set_match_limit(match->context, REGEX_STEPS_MAX);
    return match;
}

void regex_match_free(struct regex_match *match)
{
    if (!match)
        return;
    pcre2_match_data_free(match->data);
    pcre2_match_context_free(match->context);
    pcre2_jit_stack_free(match->stack);
    mem_free(match);
}

static void match_fit(struct regex_match *match, const struct regex *re)
{
    uint32_t pairs = (uint32_t)re->names.count + 1;
    if (match->pairs >= pairs)
        return;
    pcre2_match_data_free(match->data);
    match->data = pcre2_match_data_create(pairs, NULL);
    ASSERT(match->data);
    match->pairs = pairs;
}

/* Which of the three compiled codes does for this text. */
static const pcre2_code *code_for(const struct regex *re, struct str text)
{
    bool text_is_ascii = is_ascii(text);
    if (text_is_ascii && re->ascii)
        return re->ascii;
    return text_is_ascii || utf8_is_valid(text) ? re->utf8 : re->broken;
}

static int find_with(const struct regex *re, const pcre2_code *code, struct str text, size_t from,
                     struct regex_match *match)
{
    match_fit(match, re);
    text.p = text.p ? text.p : "";
    match->text = text;
    match->found = 0;
    uint32_t options = code == re->utf8 ? PCRE2_NO_UTF_CHECK : 0; /* checked by code_for */
    while (options != 0 && from < text.n && ((uint8_t)text.p[from] & 0xC0) == 0x80)
        from++; /* never into the middle of a character */
    int rc =
        pcre2_match(code, (PCRE2_SPTR)text.p, text.n, from, options, match->data, match->context);
    if (rc > 0) {
        match->found = (uint32_t)rc;
        return 1;
    }
    /* Everything else that can go wrong here is a limit: steps, the compiled code's stack, memory
     * for backtracking. */
    return rc == PCRE2_ERROR_NOMATCH ? 0 : -(int)ERR_TIMEOUT;
}

int regex_find(const struct regex *re, struct str text, size_t from, struct regex_match *match)
{
    if (from > text.n)
        return 0;
    if (match)
        return find_with(re, code_for(re, text), text, from, match);
    uint64_t *slot = (uint64_t *)(uintptr_t)&re->spare;
    /* Acquire and release: the object's content moves from thread to thread with its address. */
    match = (struct regex_match *)(uintptr_t)__atomic_exchange_n(slot, 0, __ATOMIC_ACQUIRE);
    if (!match)
        match = regex_match_new();
    int rc = find_with(re, code_for(re, text), text, from, match);
    uint64_t old = __atomic_exchange_n(slot, (uint64_t)(uintptr_t)match, __ATOMIC_ACQ_REL);
    regex_match_free((struct regex_match *)(uintptr_t)old);
    return rc;
}

struct str regex_group(const struct regex_match *match, size_t group)
{
    if (group >= match->found)
        return STR_NONE;
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(match->data) + group * 2;
    if (pair[0] == PCRE2_UNSET || pair[1] < pair[0]) /* \K in a lookahead can turn them round */
        return STR_NONE;
    return (struct str){match->text.p + pair[0], pair[1] - pair[0]};
}

size_t regex_match_begin(const struct regex_match *match)
{
    return pcre2_get_ovector_pointer(match->data)[0];
}

size_t regex_match_end(const struct regex_match *match)
{
    return pcre2_get_ovector_pointer(match->data)[1];
}

/* ---- replacing ---- */

static void add_replacement(const struct regex *re, const struct regex_match *match,
                            struct str with, struct buf *out)
{
    for (size_t i = 0; i < with.n; i++) {
        char c = with.p[i], next = i + 1 < with.n ? with.p[i + 1] : '\0';
        if (c != '\\' || next == '\0') {
            buf_add_char(out, c);
            continue;
        }
        i++;
        if (next >= '0' && next <= '9') {
            buf_add_str(out, regex_group(match, (size_t)(next - '0')));
        } else if (next == '&') {
            buf_add_str(out, regex_group(match, 0));
        } else if (next == '\\') {
            buf_add_char(out, '\\');
        } else if (next == 'k' && i + 1 < with.n && with.p[i + 1] == '<') {
            ptrdiff_t close = str_find_char(str_from_off(with, i), '>');
            int group =
                close < 0 ? -1 : regex_group_find(re, str_sub(with, i + 2, (size_t)close - 2));
            if (group >= 0) {
                buf_add_str(out, regex_group(match, (size_t)group));
                i += (size_t)close;
            } else {
                buf_add_lit(out, "\\k");
            }
        } else {
            buf_add_char(out, '\\');
            buf_add_char(out, next);
        }
    }
}

int regex_replace(const struct regex *re, struct str text, struct str replacement, bool is_global,
                  struct regex_match *match, struct buf *out)
{
    CLEANUP(regex_match_free_ptr) struct regex_match *own = match ? NULL : regex_match_new();
    struct regex_match *m = match ? match : own;
    text.p = text.p ? text.p : "";
    const pcre2_code *code = code_for(re, text);
    bool is_literal = str_find_char(replacement, '\\') < 0;
    int count = 0, rc;
    size_t at = 0, copied = 0;
    while (at <= text.n && (rc = find_with(re, code, text, at, m)) != 0) {
        if (rc < 0)
            return rc;
        size_t begin = regex_match_begin(m), end = MAX_OF(regex_match_end(m), begin);
        buf_add(out, text.p + copied, begin - copied);
        if (is_literal)
            buf_add_str(out, replacement);
        else
            add_replacement(re, m, replacement, out);
        copied = at = end;
        count++;
        if (!is_global)
            break;
        if (end == begin) { /* nothing was used up: one character on */
            const char *p = text.p + end;
            if (end < text.n)
                (void)utf8_next(&p, str_end(text));
            at = end < text.n ? (size_t)(p - text.p) : text.n + 1;
        }
    }
    if (copied < text.n)
        buf_add(out, text.p + copied, text.n - copied);
    return count;
}

void regex_quote(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\0' &&
            strchr("\\^$.|?*+()[]{}#-&~ \t\n\r", text.p[i])) /* the blanks matter under (?x) */
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
}
