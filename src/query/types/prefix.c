/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* prefix.c: terms that begin with a text, and terms that match a pattern of * and ?; each match
 * scores `boost`. */
#include "base/str.h"
#include "index/analyze.h"
#include "query/query.h"

struct prefix_query {
    struct query base;
    struct value value, wildcard, prefix;
    struct str rewrite;
    bool case_insensitive;
    struct str field;
};

static const struct opt prefix_opts[] = {
    OPT_VALUE(struct prefix_query, value, .help = "The text the terms begin with."),
    OPT_VALUE(struct prefix_query, prefix, .flags = OPT_DEPRECATED, .help = "Old name of value."),
    OPT_BOOL(struct prefix_query, case_insensitive, .help = "Ignore the case of ASCII letters."),
    OPT_STR(struct prefix_query, rewrite, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};
static const struct opt wildcard_opts[] = {
    OPT_VALUE(struct prefix_query, value,
              .help = "Pattern: * any text, ? one character, \\ before a plain one."),
    OPT_VALUE(struct prefix_query, wildcard, .help = "The same as value."),
    OPT_BOOL(struct prefix_query, case_insensitive, .help = "Ignore the case of ASCII letters."),
    OPT_STR(struct prefix_query, rewrite, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

static int prefix_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                        struct query **ret_query, struct err *err)
{
    struct prefix_query *own = query_new(dsl, type, sizeof(*own));
    struct value plain = {.kind = VALUE_NONE};
    TRY(dsl_fill_field(dsl, type, body, own, &own->field, &plain, err));
    if (plain.kind != VALUE_NONE)
        own->value = plain;
    else if (own->value.kind == VALUE_NONE)
        own->value = own->wildcard.kind != VALUE_NONE ? own->wildcard : own->prefix;
    if (own->value.kind == VALUE_NONE || own->value.kind == VALUE_NULL)
        return dsl_error(body, err, ERR_INVALID, "value cannot be null");
    own->value = value_str(value_to_str(dsl->mem, &own->value));
    *ret_query = &own->base;
    return 0;
}

static struct plan *prefix_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct prefix_query *own = (const struct prefix_query *)query;
    if (str_is(own->field, "_index"))
        return str_starts_with(planner->index, own->value.s) ? plan_all(planner, boost) : NULL;
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant) {
        if (f->variant_index > 0 && !field_is_text(f) && !field_is_string(f))
            continue;
        all =
            plan_either(planner, all,
                        plan_prefix(planner, f, own->value.s, own->case_insensitive, boost), boost);
    }
    return all;
}

/* Text fields hold lower-case tokens, so their patterns are lowered too, as Elasticsearch
 * normalises them. */
static struct str lower(struct planner *planner, struct str text)
{
    size_t size = text.n * 3 + 8;
    char *out = arena_alloc(planner->mem, size);
    size_t n = text_lower(text, out, size);
    return n <= size ? (struct str){out, n} : text;
}

static struct plan *wildcard_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct prefix_query *own = (const struct prefix_query *)query;
    if (str_is(own->field, "_index"))
        return str_glob(own->value.s, planner->index) ? plan_all(planner, boost) : NULL;
    struct plan *all = NULL;
    for (const struct field *f = mapping_field(planner->mapping, own->field); f;
         f = f->next_variant) {
        if (f->variant_index > 0 && !field_is_text(f) && !field_is_string(f))
            continue;
        struct str pattern = field_is_text(f) ? lower(planner, own->value.s) : own->value.s;
        all = plan_either(planner, all,
                          plan_wildcard(planner, f, pattern, own->case_insensitive, boost), boost);
    }
    return all;
}

const struct query_type query_type_prefix = {
    .name = "prefix",
    .summary = "Terms that begin with a text.",
    .since = "0.1",
    .opts = prefix_opts,
    .parse = prefix_parse,
    .plan = prefix_plan,
};
const struct query_type query_type_wildcard = {
    .name = "wildcard",
    .summary = "Terms that match a pattern of * and ?.",
    .since = "0.1",
    .opts = wildcard_opts,
    .parse = prefix_parse,
    .plan = wildcard_plan,
};
