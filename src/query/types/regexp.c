/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* regexp.c: terms that match a regular expression as a whole, in Lucene's syntax
 * (regexp_syntax.h). */
#include "base/str.h"
#include "query/query.h"
#include "query/regexp_syntax.h"
#include "text/regex.h"

struct regexp_query {
    struct query base;
    struct value value;
    struct str flags, rewrite;
    struct value flags_value;
    int64_t max_determinized_states;
    bool case_insensitive;
    struct str field;
    struct str pattern; /* translated */
    struct str prefix;  /* literal text at its beginning */
};

static const struct opt regexp_opts[] = {
    OPT_VALUE(struct regexp_query, value, .help = "The expression; it must match a whole term."),
    OPT_STR(struct regexp_query, flags, .dflt = "ALL",
            .help = "ALL, NONE or some of INTERSECTION|COMPLEMENT|INTERVAL|ANYSTRING|EMPTY."),
    OPT_VALUE(struct regexp_query, flags_value, .help = "The same as a number."),
    OPT_INT(struct regexp_query, max_determinized_states, .dflt = "10000",
            .help = "Accepted; work is bounded otherwise."),
    OPT_BOOL(struct regexp_query, case_insensitive, .help = "Ignore the case of ASCII letters."),
    OPT_STR(struct regexp_query, rewrite, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

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
    unsigned flags;
    TRY(regexp_flags(own->flags, &flags, err));
    if (own->flags_value.kind == VALUE_INT)
        flags = (unsigned)own->flags_value.i;
    TRY(regexp_translate(text, flags, own->case_insensitive, dsl->mem, &own->pattern, &own->prefix,
                         err));
    *ret_query = &own->base;
    return 0;
}

struct regexp_owner {
    struct regex *re;
};

static bool regexp_matches(const void *owner, struct str term)
{
    return regex_find(((const struct regexp_owner *)owner)->re, term, 0, NULL) == 1;
}

struct plan *plan_regexp(struct planner *planner, const struct field *field, struct str pattern,
                         struct str prefix, float boost)
{
    if (!field_is_text(field) && !field_is_string(field))
        return plan_fail(planner, ERR_INVALID,
                         "Can only use regexp queries on keyword and text fields - not on [" STR_FMT
                         "] which is of type [%s]",
                         STR_ARG(field->path), field_type_name(field->type));
    struct regexp_owner *owner = ARENA_NEW(planner->mem, struct regexp_owner);
    struct err err;
    if (regex_compile(pattern, REGEXP_COMPILE, &owner->re, &err) < 0)
        return plan_fail(planner, ERR_INVALID, "%s", err.text);
    planner_keep_regex(planner, owner->re);
    return plan_pattern(planner, field, prefix, regexp_matches, owner,
                        plan_pattern_text(planner, pattern, false), boost);
}

static struct plan *regexp_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct regexp_query *own = (const struct regexp_query *)query;
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant) {
        if (f->variant_index > 0 && !field_is_text(f) && !field_is_string(f))
            continue;
        all = plan_either(planner, all, plan_regexp(planner, f, own->pattern, own->prefix, boost),
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
