/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* terms.c: documents that have any of these values; each match scores `boost`. */
#include "base/str.h"
#include "query/query.h"

#define TERMS_MAX 65536u /* index.max_terms_count */

struct terms_query {
    struct query base;
    struct str field;
    const struct value *values;
};

static int terms_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                       struct query **ret_query, struct err *err)
{
    static const struct opt no_opts[] = {OPT_END};
    struct query_type common = *type;
    common.opts = no_opts;
    struct terms_query *own = query_new(dsl, type, sizeof(*own));
    struct value rest = value_map(dsl->mem, 2);
    for (size_t i = 0; i < body->map->count; i++) {
        const struct value *v = &body->map->values[i];
        struct str key = body->map->keys[i];
        if (v->kind == VALUE_MAP)
            return dsl_error(v, err, ERR_UNSUPPORTED,
                             "[terms] lookup of values in another document is not supported yet");
        if (v->kind != VALUE_LIST) {
            if (!str_is(key, "boost") && !str_is(key, "_name"))
                return dsl_error(v, err, ERR_PARSE, "[terms] query does not support [" STR_FMT "]",
                                 STR_ARG(key));
            value_map_set(dsl->mem, &rest, key, *v);
            continue;
        }
        if (own->values)
            return dsl_error(v, err, ERR_PARSE, "[terms] query does not support multiple fields");
        own->field = key;
        own->values = v;
    }
    TRY(dsl_fill(dsl, &common, &rest, own, err));
    if (!own->values)
        return dsl_error(body, err, ERR_PARSE,
                         "[terms] query requires a field name, followed by array of terms or a "
                         "document lookup specification");
    if (own->values->list->count > TERMS_MAX)
        return dsl_error(
            own->values, err, ERR_INVALID,
            "The number of terms [%zu] used in the Terms Query request has "
            "exceeded the allowed maximum of [%u]. This maximum can be set by changing the "
            "[index.max_terms_count] index level setting.",
            own->values->list->count, TERMS_MAX);
    for (size_t i = 0; i < own->values->list->count; i++) {
        const struct value *v = &own->values->list->items[i];
        if (v->kind == VALUE_NULL || v->kind == VALUE_LIST || v->kind == VALUE_MAP)
            return dsl_error(v, err, ERR_PARSE, "No value specified for terms query");
    }
    *ret_query = &own->base;
    return 0;
}

static struct plan *variant_terms(const struct terms_query *own, struct planner *planner,
                                  const struct field *field, float boost)
{
    const struct value_list *list = own->values->list;
    if (field_is_text(field) || (field_is_string(field) && field->type != FIELD_CONSTANT_KEYWORD)) {
        struct str *terms = ARENA_ARRAY(planner->mem, struct str, list->count + 1);
        for (size_t i = 0; i < list->count; i++)
            terms[i] = value_to_str(planner->mem, &list->items[i]);
        return plan_terms(planner, field, terms, list->count, boost);
    }
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        plans[i] = plan_variant_term(planner, field, &list->items[i], false, boost);
    struct plan_bool clauses = {.should = plans, .should_count = list->count, .should_min = 1};
    return list->count ? plan_constant(planner, plan_bool(planner, &clauses, boost), boost) : NULL;
}

static struct plan *terms_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct terms_query *own = (const struct terms_query *)query;
    const struct value_list *list = own->values->list;
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant)
        all = plan_either(planner, all, variant_terms(own, planner, f, boost), boost);
    if (own->field.n && own->field.p[0] == '_' && !mapping_field(planner->mapping, own->field)) {
        for (size_t i = 0; i < list->count; i++)
            all = plan_either(planner, all,
                              plan_field_term(planner, own->field, &list->items[i], false, boost),
                              boost);
    }
    return all;
}

const struct query_type query_type_terms = {
    .name = "terms",
    .summary = "Any of several exact values.",
    .since = "0.1",
    .opts = NULL,
    .parse = terms_parse,
    .plan = terms_plan,
};
