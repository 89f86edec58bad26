/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* multi_match.c: one text against several fields: best_fields (the best field's score), most_fields
 * (their sum), phrase and phrase_prefix (best of phrases), bool_prefix. "title^3" gives a field
 * more weight, "name.*" expands. */
#include "base/str.h"
#include "query/query.h"

enum multi_kind { BEST_FIELDS, MOST_FIELDS, CROSS_FIELDS, PHRASE, PHRASE_PREFIX, BOOL_PREFIX };
static const char *const multi_kinds[] = {
    "best_fields", "most_fields", "cross_fields", "phrase", "phrase_prefix", "bool_prefix", NULL};

struct multi_match_query {
    struct query base;
    struct value query, fields, minimum_should_match, fuzziness, tie_breaker;
    struct str op, analyzer, zero_terms_query, fuzzy_rewrite;
    int type;
    bool lenient, auto_generate_synonyms_phrase_query, fuzzy_transpositions;
    int64_t slop, max_expansions, prefix_length;
    double cutoff_frequency;
    struct match_options options;
    float tie;
};

static const struct opt multi_match_opts[] = {
    OPT_VALUE(struct multi_match_query, query, .help = "The text."),
    OPT_LIST(struct multi_match_query, fields,
             .help = "Fields or patterns, each with an optional ^boost; default all."),
    OPT_ENUM(struct multi_match_query, type, .choices = multi_kinds, .dflt = "best_fields",
             .help = "How fields combine."),
    OPT_STR(struct multi_match_query, op, .name = "operator", .dflt = "or",
            .help = "or, and; within each field."),
    OPT_VALUE(struct multi_match_query, minimum_should_match,
              .help = "How many words must match, within each field."),
    OPT_STR(struct multi_match_query, analyzer,
            .help = "Analyzer of the text; default each field's."),
    OPT_VALUE(struct multi_match_query, tie_breaker, .help = "Share of the other fields' scores."),
    OPT_BOOL(struct multi_match_query, lenient,
             .help = "A text that does not fit a field's type matches nothing there."),
    OPT_STR(struct multi_match_query, zero_terms_query, .dflt = "none", .help = "none or all."),
    OPT_INT(struct multi_match_query, slop, .dflt = "0", .min = 0, .max = INT32_MAX,
            .help = "Of phrases."),
    OPT_INT(struct multi_match_query, max_expansions, .dflt = "50", .min = 1, .max = 1024,
            .help = "Of open last words."),
    OPT_VALUE(struct multi_match_query, fuzziness, .help = "Not supported yet."),
    OPT_INT(struct multi_match_query, prefix_length, .dflt = "0", .help = "Of fuzziness."),
    OPT_BOOL(struct multi_match_query, fuzzy_transpositions, .dflt = "true",
             .help = "Of fuzziness."),
    OPT_STR(struct multi_match_query, fuzzy_rewrite, .help = "Of fuzziness."),
    OPT_FLOAT(struct multi_match_query, cutoff_frequency, .flags = OPT_OBSOLETE,
              .help = "Accepted and without effect."),
    OPT_BOOL(struct multi_match_query, auto_generate_synonyms_phrase_query, .dflt = "true",
             .flags = OPT_OBSOLETE, .help = "Accepted and without effect."),
    OPT_END,
};

static int multi_match_parse(struct dsl *dsl, const struct query_type *type,
                             const struct value *body, struct query **ret_query, struct err *err)
{
    struct multi_match_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (own->query.kind == VALUE_NONE || own->query.kind == VALUE_NULL)
        return dsl_error(body, err, ERR_PARSE, "No text specified for multi_match query");
    if (own->type == CROSS_FIELDS)
        return dsl_error(body, err, ERR_UNSUPPORTED,
                         "[multi_match] type [cross_fields] is not supported yet");
    if (own->fuzziness.kind != VALUE_NONE && own->fuzziness.kind != VALUE_NULL)
        return dsl_error(&own->fuzziness, err, ERR_UNSUPPORTED,
                         "[multi_match] fuzziness is not supported yet");
    if (own->op.p && !str_eq_nocase(own->op, STR("or")) && !str_eq_nocase(own->op, STR("and")))
        return dsl_error(body, err, ERR_INVALID,
                         "No enum constant org.elasticsearch.index.query.Operator.%s",
                         arena_cstr(dsl->mem, own->op));
    static const enum match_kind kinds[] = {MATCH_WORDS,  MATCH_WORDS,         MATCH_WORDS,
                                            MATCH_PHRASE, MATCH_PHRASE_PREFIX, MATCH_BOOL_PREFIX};
    own->options = (struct match_options){.is_and = own->op.p && str_eq_nocase(own->op, STR("and")),
                                          .analyzer = own->analyzer,
                                          .is_lenient = own->lenient,
                                          .is_zero_terms_all = str_is(own->zero_terms_query, "all"),
                                          .slop = (uint32_t)own->slop,
                                          .max_expansions = (uint32_t)own->max_expansions,
                                          .kind = kinds[own->type]};
    if (own->minimum_should_match.kind != VALUE_NONE)
        own->options.minimum_should_match = value_to_str(dsl->mem, &own->minimum_should_match);
    double tie = own->type == MOST_FIELDS || own->type == BOOL_PREFIX ? 1 : 0;
    if (own->tie_breaker.kind != VALUE_NONE && !value_to_f64(&own->tie_breaker, &tie))
        return dsl_error(&own->tie_breaker, err, ERR_PARSE,
                         "[multi_match] tie_breaker must be a number");
    own->tie = (float)tie;
    *ret_query = &own->base;
    return 0;
}

static struct plan *fields_plan(const struct multi_match_query *own, struct planner *planner,
                                struct str spec, float boost, struct plan **plans, size_t *count,
                                size_t max)
{
    ptrdiff_t caret = str_find_char(spec, '^');
    double weight = 1;
    struct match_options options = own->options;
    if (caret >= 0) {
        if (!str_to_f64(str_from_off(spec, (size_t)caret + 1), &weight))
            return plan_fail(planner, ERR_INVALID, "bad boost in field \"" STR_FMT "\"",
                             STR_ARG(spec));
        spec = str_sub(spec, 0, (size_t)caret);
    }
    if (str_find_char(spec, '*') >= 0)
        options.is_lenient = true;
    size_t field_count;
    const struct field **fields = planner_fields(planner, spec, &field_count);
    for (size_t i = 0; i < field_count; i++) {
        struct plan *all = NULL;
        for (const struct field *f = fields[i]; f; f = f->next_variant) {
            bool is_expanded = str_find_char(spec, '*') >= 0;
            if (is_expanded && options.kind != MATCH_WORDS && !field_is_text(f) &&
                !field_is_string(f))
                continue;
            all = plan_either(planner, all,
                              plan_match(planner, f, &own->query, &options, boost * (float)weight),
                              boost);
        }
        if (*count < max)
            plans[(*count)++] = all;
    }
    return NULL;
}

static struct plan *multi_match_plan(const struct query *query, struct planner *planner,
                                     float boost)
{
    const struct multi_match_query *own = (const struct multi_match_query *)query;
    size_t all_count, count = 0;
    (void)mapping_fields(planner->mapping, &all_count);
    size_t spec_count = own->fields.kind == VALUE_LIST ? own->fields.list->count : 0;
    size_t max = (spec_count + 1) * (all_count + 1);
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, max);
    struct multi_match_query lenient = *own;
    if (spec_count == 0) {
        lenient.options.is_lenient = true;
        (void)fields_plan(&lenient, planner, STR("*"), boost, plans, &count, max);
    }
    for (size_t i = 0; i < spec_count; i++) {
        struct str spec = value_to_str(planner->mem, &own->fields.list->items[i]);
        (void)fields_plan(own, planner, spec, boost, plans, &count, max);
    }
    return plan_dis_max(planner, plans, count, own->tie, boost);
}

const struct query_type query_type_multi_match = {
    .name = "multi_match",
    .summary = "One text against several fields.",
    .since = "0.1",
    .opts = multi_match_opts,
    .parse = multi_match_parse,
    .plan = multi_match_plan,
};
