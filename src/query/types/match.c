/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* match.c: the four match queries of one field: words, phrase, phrase with an open last word, words
 * with an open last word. */
#include "base/str.h"
#include "query/query.h"

struct match_query {
    struct query base;
    struct value query, minimum_should_match, fuzziness;
    struct str op, analyzer, zero_terms_query, fuzzy_rewrite;
    double cutoff_frequency;
    bool lenient, auto_generate_synonyms_phrase_query, fuzzy_transpositions;
    int64_t slop, max_expansions, prefix_length;
    struct str field;
    struct match_options options;
};

#define MATCH_ROW_QUERY OPT_VALUE(struct match_query, query, .help = "The text.")
#define MATCH_ROW_ANALYZER                                                                         \
    OPT_STR(struct match_query, analyzer, .help = "Analyzer of the text; default the field's.")
#define MATCH_ROW_ZERO                                                                             \
    OPT_STR(struct match_query, zero_terms_query, .dflt = "none",                                  \
            .help = "none or all: what a text without terms matches.")
#define MATCH_ROW_SLOP                                                                             \
    OPT_INT(struct match_query, slop, .dflt = "0", .min = 0, .max = INT32_MAX,                     \
            .help = "Moves allowed.")
#define MATCH_ROW_EXPANSIONS                                                                       \
    OPT_INT(struct match_query, max_expansions, .dflt = "50", .min = 1, .max = 1024,               \
            .help = "Terms of the last word.")

static const struct opt match_opts[] = {
    MATCH_ROW_QUERY,
    MATCH_ROW_ANALYZER,
    MATCH_ROW_ZERO,
    OPT_STR(struct match_query, op, .name = "operator", .dflt = "or",
            .help = "or, and: how many words must match."),
    OPT_VALUE(struct match_query, minimum_should_match,
              .help = "How many words must match with operator or."),
    OPT_BOOL(struct match_query, lenient,
             .help = "A text that does not fit the field's type matches nothing."),
    OPT_VALUE(struct match_query, fuzziness, .help = "Not supported yet."),
    OPT_INT(struct match_query, prefix_length, .dflt = "0", .help = "Of fuzziness."),
    OPT_INT(struct match_query, max_expansions, .dflt = "50", .help = "Of fuzziness."),
    OPT_BOOL(struct match_query, fuzzy_transpositions, .dflt = "true", .help = "Of fuzziness."),
    OPT_STR(struct match_query, fuzzy_rewrite, .help = "Of fuzziness."),
    OPT_FLOAT(struct match_query, cutoff_frequency, .flags = OPT_OBSOLETE,
              .help = "Accepted and without effect."),
    OPT_BOOL(struct match_query, auto_generate_synonyms_phrase_query, .dflt = "true",
             .flags = OPT_OBSOLETE, .help = "Accepted and without effect: there are no synonyms."),
    OPT_END,
};
static const struct opt match_phrase_opts[] = {MATCH_ROW_QUERY, MATCH_ROW_ANALYZER, MATCH_ROW_ZERO,
                                               MATCH_ROW_SLOP, OPT_END};
static const struct opt match_phrase_prefix_opts[] = {MATCH_ROW_QUERY,      MATCH_ROW_ANALYZER,
                                                      MATCH_ROW_ZERO,       MATCH_ROW_SLOP,
                                                      MATCH_ROW_EXPANSIONS, OPT_END};
static const struct opt match_bool_prefix_opts[] = {
    MATCH_ROW_QUERY,
    MATCH_ROW_ANALYZER,
    MATCH_ROW_EXPANSIONS,
    OPT_STR(struct match_query, op, .name = "operator", .dflt = "or", .help = "or, and."),
    OPT_VALUE(struct match_query, minimum_should_match,
              .help = "How many words must match with operator or."),
    OPT_VALUE(struct match_query, fuzziness, .help = "Not supported yet."),
    OPT_END,
};

static int read_options(struct dsl *dsl, const struct query_type *type, struct match_query *own,
                        const struct value *body, struct err *err)
{
    struct match_options *options = &own->options;
    const struct value *minimum = &own->minimum_should_match;
    if (own->fuzziness.kind != VALUE_NONE && own->fuzziness.kind != VALUE_NULL)
        return dsl_error(&own->fuzziness, err, ERR_UNSUPPORTED,
                         "[%s] fuzziness is not supported yet", type->name);
    if (own->op.p && !str_eq_nocase(own->op, STR("or")) && !str_eq_nocase(own->op, STR("and")))
        return dsl_error(body, err, ERR_INVALID,
                         "No enum constant org.elasticsearch.index.query.Operator.%s",
                         arena_cstr(dsl->mem, own->op));
    options->is_and = own->op.p && str_eq_nocase(own->op, STR("and"));
    options->is_zero_terms_all =
        own->zero_terms_query.p && str_eq_nocase(own->zero_terms_query, STR("all"));
    if (own->zero_terms_query.p && !options->is_zero_terms_all &&
        !str_eq_nocase(own->zero_terms_query, STR("none")))
        return dsl_error(body, err, ERR_PARSE, "Unsupported zero_terms_query value [" STR_FMT "]",
                         STR_ARG(own->zero_terms_query));
    options->analyzer = own->analyzer;
    options->is_lenient = own->lenient;
    options->slop = (uint32_t)own->slop;
    options->max_expansions = (uint32_t)own->max_expansions;
    if (minimum->kind != VALUE_NONE && minimum->kind != VALUE_NULL)
        options->minimum_should_match = value_to_str(dsl->mem, minimum);
    return 0;
}

static int match_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                       struct query **ret_query, struct err *err)
{
    struct match_query *own = query_new(dsl, type, sizeof(*own));
    struct value plain = {.kind = VALUE_NONE};
    TRY(dsl_fill_field(dsl, type, body, own, &own->field, &plain, err));
    if (plain.kind != VALUE_NONE)
        own->query = plain;
    if (own->query.kind == VALUE_NONE || own->query.kind == VALUE_NULL)
        return dsl_error(body, err, ERR_PARSE, "No text specified for text query");
    if (own->query.kind == VALUE_LIST || own->query.kind == VALUE_MAP)
        return dsl_error(&own->query, err, ERR_PARSE,
                         "[%s] unknown token [START_ARRAY] after [query]", type->name);
    TRY(read_options(dsl, type, own, body, err));
    *ret_query = &own->base;
    return 0;
}

static struct plan *plan_kind(const struct query *query, struct planner *planner, float boost,
                              enum match_kind kind)
{
    const struct match_query *own = (const struct match_query *)query;
    struct match_options options = own->options;
    options.kind = kind;
    const struct field *field = mapping_field(planner->mapping, own->field);
    if (!field)
        return plan_field_term(planner, own->field, &own->query, true, boost);
    struct plan *all = NULL;
    for (; field; field = field->next_variant)
        all = plan_either(planner, all, plan_match(planner, field, &own->query, &options, boost),
                          boost);
    return all;
}

static struct plan *match_plan(const struct query *query, struct planner *planner, float boost)
{
    return plan_kind(query, planner, boost, MATCH_WORDS);
}

static struct plan *match_phrase_plan(const struct query *query, struct planner *planner,
                                      float boost)
{
    return plan_kind(query, planner, boost, MATCH_PHRASE);
}

static struct plan *match_phrase_prefix_plan(const struct query *query, struct planner *planner,
                                             float boost)
{
    return plan_kind(query, planner, boost, MATCH_PHRASE_PREFIX);
}

static struct plan *match_bool_prefix_plan(const struct query *query, struct planner *planner,
                                           float boost)
{
    return plan_kind(query, planner, boost, MATCH_BOOL_PREFIX);
}

const struct query_type query_type_match = {
    .name = "match",
    .summary = "Words of a text, analysed as the field is.",
    .since = "0.1",
    .opts = match_opts,
    .parse = match_parse,
    .plan = match_plan,
};
const struct query_type query_type_match_phrase = {
    .name = "match_phrase",
    .summary = "Words in order.",
    .since = "0.1",
    .opts = match_phrase_opts,
    .parse = match_parse,
    .plan = match_phrase_plan,
};
const struct query_type query_type_match_phrase_prefix = {
    .name = "match_phrase_prefix",
    .summary = "Words in order, the last one open at its end.",
    .since = "0.1",
    .opts = match_phrase_prefix_opts,
    .parse = match_parse,
    .plan = match_phrase_prefix_plan,
};
const struct query_type query_type_match_bool_prefix = {
    .name = "match_bool_prefix",
    .summary = "Words, the last one open at its end.",
    .since = "0.1",
    .opts = match_bool_prefix_opts,
    .parse = match_parse,
    .plan = match_bool_prefix_plan,
};
