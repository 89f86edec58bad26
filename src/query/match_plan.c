/* SPDX-License-Identifier: Apache-2.0 */
/* match_plan.c: text against one field: analysed as the field was, then a term, a bool of terms or
 * a phrase. Fields without analysis take the whole text as one value. Tokens on one position are
 * alternatives. */
#include "base/str.h"
#include "index/analyze.h"
#include "query/query.h"

#define TOKENS_MAX 1024u

struct token_list {
    struct str *texts;
    uint32_t *positions;
    size_t count;
};

static bool analyze(struct planner *planner, const struct field *field, struct str text,
                    struct str analyzer_name, struct token_list *list)
{
    enum analyzer analyzer;
    struct str name = analyzer_name.p ? analyzer_name : field->analyzer;
    if (!analyzer_from_name(name, &analyzer)) {
        (void)plan_fail(planner, ERR_INVALID, "[match] analyzer [" STR_FMT "] not found",
                        STR_ARG(name));
        return false;
    }
    struct analysis *analysis = arena_alloc(planner->mem, sizeof(*analysis));
    list->texts = ARENA_ARRAY(planner->mem, struct str, TOKENS_MAX);
    list->positions = ARENA_ARRAY(planner->mem, uint32_t, TOKENS_MAX);
    analysis_init(analysis, analyzer, text);
    while (analysis_next(analysis)) {
        if (list->count == TOKENS_MAX) {
            (void)plan_fail(planner, ERR_INVALID,
                            "too many terms in a query: maxClauseCount is set to %u", TOKENS_MAX);
            return false;
        }
        list->positions[list->count] = analysis->token_position;
        list->texts[list->count++] = arena_str(planner->mem, analysis->token);
    }
    return true;
}

/* Terms of the index that begin with a text, at most `max`, over all its segments. */
static size_t expand_prefix(struct planner *planner, const struct field *field, struct str prefix,
                            size_t max, struct str *terms)
{
    size_t count = 0;
    for (size_t i = 0; i < planner->part_count; i++) {
        struct term_iter *it = term_iter_open(planner->parts[i].segment, field, planner->mem);
        if (!it)
            continue;
        for (bool is_there = term_iter_seek(it, prefix); is_there && count < max;
             is_there = term_iter_next(it)) {
            struct str term = term_iter_term(it);
            if (!str_starts_with(term, prefix))
                break;
            bool is_new = true;
            for (size_t k = 0; k < count && is_new; k++)
                is_new = !str_eq(terms[k], term);
            if (is_new)
                terms[count++] = arena_str(planner->mem, term);
        }
    }
    return count;
}

static struct plan *words_plan(struct planner *planner, const struct field *field,
                               const struct token_list *list, const struct match_options *options,
                               float boost)
{
    bool has_prefix = options->kind == MATCH_BOOL_PREFIX;
    if (list->count == 1)
        return has_prefix ? plan_prefix(planner, field, list->texts[0], false, boost)
                          : plan_term(planner, field, list->texts[0], boost);
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        plans[i] = has_prefix && i + 1 == list->count
                       ? plan_prefix(planner, field, list->texts[i], false, boost)
                       : plan_term(planner, field, list->texts[i], boost);
    }
    struct plan_bool clauses = {0};
    if (options->is_and) {
        clauses.must = plans;
        clauses.must_count = list->count;
    } else {
        clauses.should = plans;
        clauses.should_count = list->count;
        clauses.should_min = 1;
        uint32_t min = 1;
        if (options->minimum_should_match.p &&
            minimum_should_match(options->minimum_should_match, list->count, &min, planner->err) <
                0)
            return plan_fail(planner, ERR_INVALID, "bad minimum_should_match \"" STR_FMT "\"",
                             STR_ARG(options->minimum_should_match));
        clauses.should_min = MAX_OF(min, 1u);
    }
    return plan_bool(planner, &clauses, boost);
}

static struct plan *phrase_of(struct planner *planner, const struct field *field,
                              const struct token_list *list, const struct match_options *options,
                              float boost)
{
    bool has_prefix = options->kind == MATCH_PHRASE_PREFIX;
    if (list->count == 1 && !has_prefix)
        return plan_term(planner, field, list->texts[0], boost);
    if (field->type == FIELD_MATCH_ONLY_TEXT)
        return plan_fail(planner, ERR_UNSUPPORTED,
                         "phrases on field [" STR_FMT "] of type [match_only_text] are not "
                         "supported yet",
                         STR_ARG(field->path));
    struct phrase_position *places = ARENA_ARRAY(planner->mem, struct phrase_position, list->count);
    for (size_t i = 0; i < list->count; i++)
        places[i] =
            (struct phrase_position){&list->texts[i], 1, list->positions[i] - list->positions[0]};
    if (has_prefix) {
        struct phrase_position *last = &places[list->count - 1];
        size_t max = options->max_expansions ? options->max_expansions : 50;
        struct str *terms = ARENA_ARRAY(planner->mem, struct str, max);
        last->count = expand_prefix(planner, field, last->terms[0], max, terms);
        last->terms = terms;
        if (last->count == 0)
            return NULL;
        if (list->count == 1) {
            struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, last->count);
            for (size_t i = 0; i < last->count; i++)
                plans[i] = plan_term(planner, field, terms[i], boost);
            struct plan_bool clauses = {
                .should = plans, .should_count = last->count, .should_min = 1};
            return plan_bool(planner, &clauses, boost);
        }
    }
    return plan_phrase(planner, field, places, list->count, options->slop, boost);
}

struct plan *plan_match(struct planner *planner, const struct field *field, const struct value *v,
                        const struct match_options *options, float boost)
{
    if (planner->rc < 0)
        return NULL;
    if (!field_is_text(field)) {
        bool is_prefix = options->kind == MATCH_BOOL_PREFIX || options->kind == MATCH_PHRASE_PREFIX;
        if (is_prefix && field_is_string(field))
            return plan_prefix(planner, field, value_to_str(planner->mem, v), false, boost);
        if (is_prefix && !options->is_lenient)
            return plan_fail(planner, ERR_INVALID,
                             "Can only use phrase prefix queries on text fields - not on [" STR_FMT
                             "] which is of type [%s]",
                             STR_ARG(field->path), field_type_name(field->type));
        return plan_variant_term(planner, field, v, options->is_lenient, boost);
    }
    struct token_list list = {0};
    if (!analyze(planner, field, value_to_str(planner->mem, v), options->analyzer, &list))
        return NULL;
    if (list.count == 0)
        return options->is_zero_terms_all ? plan_all(planner, boost) : NULL;
    if (options->kind == MATCH_WORDS || options->kind == MATCH_BOOL_PREFIX)
        return words_plan(planner, field, &list, options, boost);
    return phrase_of(planner, field, &list, options, boost);
}

/* ---- Patterns ---- */

struct glob_owner {
    struct str pattern;
    bool is_nocase;
};

static bool same_char(char a, char b, bool is_nocase)
{
    if (is_nocase) {
        a = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a);
        b = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
    }
    return a == b;
}

/* Bytes of the UTF-8 character at p. */
static size_t char_bytes(struct str s, size_t at)
{
    size_t n = 1;
    while (at + n < s.n && ((unsigned char)s.p[at + n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* `*` any run, `?` one character, `\` takes the next one as it is. Linear: only the last `*` is
 * returned to. */
static bool glob_matches(const void *owner, struct str term)
{
    const struct glob_owner *own = owner;
    struct str p = own->pattern;
    size_t at = 0, t = 0, star = SIZE_MAX, star_t = 0;
    while (t < term.n) {
        char c = at < p.n ? p.p[at] : '\0';
        if (at < p.n && c == '*') {
            star = ++at;
            star_t = t;
            continue;
        }
        if (at < p.n && c == '?') {
            at++;
            t += char_bytes(term, t);
            continue;
        }
        size_t lit = at < p.n && c == '\\' && at + 1 < p.n ? at + 1 : at;
        if (lit < p.n && same_char(p.p[lit], term.p[t], own->is_nocase)) {
            at = lit + 1;
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        at = star;
        star_t += char_bytes(term, star_t);
        t = star_t;
    }
    while (at < p.n && p.p[at] == '*')
        at++;
    return at == p.n;
}

/* The literal text a pattern begins with; *ret_is_whole: there is nothing else in it. */
static struct str glob_prefix(struct str pattern, struct arena *mem, bool *ret_is_whole)
{
    char *text = arena_alloc(mem, pattern.n + 1);
    size_t n = 0, at = 0;
    for (; at < pattern.n && pattern.p[at] != '*' && pattern.p[at] != '?'; at++) {
        if (pattern.p[at] == '\\' && at + 1 < pattern.n)
            at++;
        text[n++] = pattern.p[at];
    }
    *ret_is_whole = at >= pattern.n;
    return (struct str){text, n};
}

struct plan *plan_wildcard(struct planner *planner, const struct field *field, struct str pattern,
                           bool is_nocase, float boost)
{
    if (!field_is_text(field) && !field_is_string(field))
        return plan_fail(planner, ERR_INVALID,
                         "Can only use wildcard queries on keyword, text and wildcard fields - not "
                         "on [" STR_FMT "] which is of type [%s]",
                         STR_ARG(field->path), field_type_name(field->type));
    if (str_is(pattern, "*"))
        return plan_constant(planner, plan_exists(planner, field, boost), boost);
    struct glob_owner *owner = ARENA_NEW(planner->mem, struct glob_owner);
    owner->pattern = arena_str(planner->mem, pattern);
    owner->is_nocase = is_nocase;
    bool is_whole = false;
    struct str prefix = is_nocase ? STR("") : glob_prefix(pattern, planner->mem, &is_whole);
    if (is_whole)
        return plan_terms(planner, field, &prefix, 1, boost);
    return plan_pattern(planner, field, prefix, glob_matches, owner,
                        plan_pattern_text(planner, pattern, is_nocase), boost);
}

static bool nocase_prefix(const void *owner, struct str term)
{
    const struct glob_owner *own = owner;
    return term.n >= own->pattern.n &&
           str_eq_nocase(str_sub(term, 0, own->pattern.n), own->pattern);
}

struct plan *plan_prefix(struct planner *planner, const struct field *field, struct str prefix,
                         bool is_nocase, float boost)
{
    if (!field_is_text(field) && !field_is_string(field))
        return plan_fail(planner, ERR_INVALID,
                         "Can only use prefix queries on keyword, text and wildcard fields - not "
                         "on [" STR_FMT "] which is of type [%s]",
                         STR_ARG(field->path), field_type_name(field->type));
    if (!is_nocase)
        return plan_pattern(planner, field, prefix, NULL, NULL, STR_NONE, boost);
    struct glob_owner *owner = ARENA_NEW(planner->mem, struct glob_owner);
    owner->pattern = arena_str(planner->mem, prefix);
    return plan_pattern(planner, field, STR(""), nocase_prefix, owner, prefix, boost);
}
