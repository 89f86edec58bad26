/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* term.c: documents that have exactly this value. No analysis: of a text field it is one token as
 * it was indexed. */
#include <math.h>

#include "base/str.h"
#include "query/query.h"

struct term_query {
    struct query base;
    struct value value, term;
    bool case_insensitive;
    struct str field;
};

static const struct opt term_opts[] = {
    OPT_VALUE(struct term_query, value, .help = "The value."),
    OPT_VALUE(struct term_query, term, .flags = OPT_DEPRECATED, .help = "Old name of value."),
    OPT_BOOL(struct term_query, case_insensitive, .help = "Ignore the case of ASCII letters."),
    OPT_END,
};

static int term_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                      struct query **ret_query, struct err *err)
{
    struct term_query *own = query_new(dsl, type, sizeof(*own));
    struct value plain = {.kind = VALUE_NONE};
    for (size_t i = 0; i < body->map->count; i++) {
        if (body->map->values[i].kind == VALUE_LIST)
            return dsl_error(&body->map->values[i], err, ERR_PARSE,
                             "[term] query does not support array of values");
    }
    TRY(dsl_fill_field(dsl, type, body, own, &own->field, &plain, err));
    if (plain.kind != VALUE_NONE)
        own->value = plain;
    else if (own->value.kind == VALUE_NONE)
        own->value = own->term;
    if (own->value.kind == VALUE_NONE || own->value.kind == VALUE_NULL)
        return dsl_error(body, err, ERR_INVALID, "value cannot be null");
    *ret_query = &own->base;
    return 0;
}

static struct plan *term_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct term_query *own = (const struct term_query *)query;
    if (!own->case_insensitive || own->value.kind != VALUE_STR)
        return plan_field_term(planner, own->field, &own->value, false, boost);
    /* A wildcard pattern without wildcards, letters of any case. */
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant) {
        if (field_is_text(f) || field_is_string(f)) {
            char *text = arena_alloc(planner->mem, own->value.s.n * 2 + 1);
            size_t n = 0;
            for (size_t i = 0; i < own->value.s.n; i++) {
                char c = own->value.s.p[i];
                if (c == '*' || c == '?' || c == '\\')
                    text[n++] = '\\';
                text[n++] = c;
            }
            all = plan_either(planner, all,
                              plan_wildcard(planner, f, (struct str){text, n}, true, boost), boost);
        } else {
            all = plan_either(planner, all,
                              plan_variant_term(planner, f, &own->value, false, boost), boost);
        }
    }
    return all;
}

const struct query_type query_type_term = {
    .name = "term",
    .summary = "An exact value.",
    .since = "0.1",
    .opts = term_opts,
    .parse = term_parse,
    .plan = term_plan,
};
