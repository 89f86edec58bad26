/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* regexp.c: terms that match a regular expression as a whole, in Lucene's syntax: . ? + * | { } [ ]
 * ( ) and, with all flags (the default), "literal" and @ (any text). ~ & < > # in their special
 * sense are refused by name. */
#include "base/str.h"
#include "query/query.h"
#include "text/regex.h"

#define REGEXP_BYTES_MAX 1000u /* index.max_regex_length */

struct regexp_query {
    struct query base;
    struct value value;
    struct str flags, rewrite;
    int64_t flags_value, max_determinized_states;
    bool case_insensitive;
    struct str field;
    struct str pattern; /* translated */
    struct str prefix;  /* literal text at its beginning */
};

static const struct opt regexp_opts[] = {
    OPT_VALUE(struct regexp_query, value, .help = "The expression; it must match a whole term."),
    OPT_STR(struct regexp_query, flags, .dflt = "ALL",
            .help = "ALL, NONE or some of INTERSECTION|COMPLEMENT|INTERVAL|ANYSTRING|EMPTY."),
    OPT_INT(struct regexp_query, flags_value,
            .help = "The same as a number; accepted and without effect."),
    OPT_INT(struct regexp_query, max_determinized_states, .dflt = "10000",
            .help = "Accepted; work is bounded otherwise."),
    OPT_BOOL(struct regexp_query, case_insensitive, .help = "Ignore case."),
    OPT_STR(struct regexp_query, rewrite, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

static bool flag_is_on(struct str flags, struct str flag)
{
    struct str part;
    if (!flags.p || str_eq_nocase(flags, STR("ALL")) || flags.n == 0)
        return true;
    while (str_split_next(&flags, '|', &part)) {
        if (str_eq_nocase(str_trim(part), flag) || str_eq_nocase(str_trim(part), STR("ALL")))
            return true;
    }
    return false;
}

static int unsupported(struct str text, size_t at, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "the operator [%c] in regular expression \"" STR_FMT "\" is not supported yet",
                   text.p[at], STR_ARG(text));
}

/* Lucene's letters that mean something else in PCRE get a backslash (^ $), its own operators are
 * turned. */
static int translate(struct str in, struct str flags, struct buf *out, struct err *err)
{
    bool in_class = false;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '\\' && i + 1 < in.n) {
            char next = in.p[++i];
            if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
                (next >= '0' && next <= '9'))
                buf_add_char(out, next); /* no classes like \d in 8.7: the letter itself */
            else
                buf_printf(out, "\\%c", next);
        } else if (in_class) {
            in_class = c != ']';
            if (c == '[')
                buf_add_char(out, '\\');
            buf_add_char(out, c);
        } else if (c == '[') {
            in_class = true;
            buf_add_char(out, c);
        } else if (c == '^' || c == '$') {
            buf_printf(out, "\\%c", c);
        } else if (c == '"') {
            ptrdiff_t end = str_find_char(str_from_off(in, i + 1), '"');
            if (end < 0)
                return err_set(err, ERR_INVALID, "expected '\"' at position %zu", in.n);
            regex_quote(str_sub(in, i + 1, (size_t)end), out);
            i += (size_t)end + 1;
        } else if (c == '@' && flag_is_on(flags, STR("ANYSTRING"))) {
            buf_add_lit(out, "(?s:.*)");
        } else if ((c == '~' && flag_is_on(flags, STR("COMPLEMENT"))) ||
                   (c == '<' && flag_is_on(flags, STR("INTERVAL"))) ||
                   (c == '&' && flag_is_on(flags, STR("INTERSECTION"))) ||
                   (c == '#' && flag_is_on(flags, STR("EMPTY")))) {
            return unsupported(in, i, err);
        } else {
            if (c == '#' || c == '~' || c == '<' || c == '&')
                buf_add_char(out, '\\');
            buf_add_char(out, c);
        }
    }
    return 0;
}

/* Letters and digits up to the first operator; a quantifier takes back the last one. */
static struct str literal_prefix(struct str in)
{
    size_t n = 0;
    while (n < in.n && !strchr(".?+*|{}[]()\"\\@~<>&#^$", in.p[n]))
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

int regexp_translate(struct str text, struct str flags, struct arena *mem, struct str *ret_pattern,
                     struct str *ret_prefix, struct err *err)
{
    if (text.n > REGEXP_BYTES_MAX)
        return err_set(
            err, ERR_INVALID,
            "The length of regex [%zu] used in the Regexp Query request has exceeded the "
            "allowed maximum of [%u]. This maximum can be set by changing the "
            "[index.max_regex_length] index "
            "level setting.",
            text.n, REGEXP_BYTES_MAX);
    struct buf out;
    buf_init(&out, 64 * KIB);
    int rc = translate(text, flags, &out, err);
    if (rc == 0) {
        *ret_pattern = arena_str(mem, buf_str(&out));
        *ret_prefix = literal_prefix(text);
        struct regex *check = NULL;
        rc = regex_compile(*ret_pattern, REGEX_WHOLE, &check, err);
        regex_free(check);
    }
    buf_deinit(&out);
    return rc;
}

static int regexp_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                        struct query **ret_query, struct err *err)
{
    struct regexp_query *own = query_new(dsl, type, sizeof(*own));
    struct value plain = {.kind = VALUE_NONE};
    TRY(dsl_fill_field(dsl, type, body, own, &own->field, &plain, err));
    if (plain.kind != VALUE_NONE)
        own->value = plain;
    if (own->value.kind == VALUE_NONE || own->value.kind == VALUE_NULL)
        return dsl_error(body, err, ERR_INVALID, "value cannot be null");
    struct str text = value_to_str(dsl->mem, &own->value);
    TRY(regexp_translate(text, own->flags, dsl->mem, &own->pattern, &own->prefix, err));
    if (own->case_insensitive)
        own->prefix = STR("");
    *ret_query = &own->base;
    return 0;
}

struct regexp_owner {
    struct str pattern;
    bool is_nocase;
    struct regex *re;
};

static bool regexp_matches(const void *owner, struct str term)
{
    return regex_find(((const struct regexp_owner *)owner)->re, term, 0, NULL) == 1;
}

struct plan *plan_regexp(struct planner *planner, const struct field *field, struct str pattern,
                         struct str prefix, bool is_nocase, float boost)
{
    if (!field_is_text(field) && !field_is_string(field))
        return plan_fail(planner, ERR_INVALID,
                         "Can only use regexp queries on keyword and text fields - not on [" STR_FMT
                         "] which is of type [%s]",
                         STR_ARG(field->path), field_type_name(field->type));
    struct regexp_owner *owner = ARENA_NEW(planner->mem, struct regexp_owner);
    struct err err;
    if (regex_compile(pattern, REGEX_WHOLE | (is_nocase ? REGEX_CASELESS : 0u), &owner->re, &err) <
        0)
        return plan_fail(planner, ERR_INVALID, "%s", err.text);
    planner_keep_regex(planner, owner->re);
    return plan_pattern(planner, field, prefix, regexp_matches, owner,
                        plan_pattern_text(planner, pattern, is_nocase), boost);
}

static struct plan *regexp_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct regexp_query *own = (const struct regexp_query *)query;
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant) {
        if (f->variant_index > 0 && !field_is_text(f) && !field_is_string(f))
            continue;
        all = plan_either(
            planner, all,
            plan_regexp(planner, f, own->pattern, own->prefix, own->case_insensitive, boost),
            boost);
    }
    return all;
}

const struct query_type query_type_regexp = {
    .name = "regexp",
    .summary = "Terms that match a regular expression.",
    .since = "0.1",
    .opts = regexp_opts,
    .parse = regexp_parse,
    .plan = regexp_plan,
};
