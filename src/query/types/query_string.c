/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* query_string.c: Lucene's syntax (query_string/qs.h) over given or all fields; of several fields
 * the best one counts. */
#include "base/str.h"
#include "index/analyze.h"
#include "query/query.h"
#include "query/query_string/qs.h"
#include "query/regexp_syntax.h"

struct query_string_query {
    struct query base;
    struct str query, default_field, op, analyzer, quote_analyzer, rewrite, time_zone,
        fuzzy_rewrite, quote_field_suffix, type;
    struct value fields, minimum_should_match, fuzziness, lenient, tie_breaker;
    bool allow_leading_wildcard, analyze_wildcard, enable_position_increments, escape,
        fuzzy_transpositions, auto_generate_synonyms_phrase_query;
    int64_t phrase_slop, fuzzy_prefix_length, fuzzy_max_expansions, max_determinized_states;
    struct qs_node *root;
    bool is_and, is_lenient;
    float tie;
};

static const struct opt query_string_opts[] = {
    OPT_STR(struct query_string_query, query, .help = "The text."),
    OPT_STR(struct query_string_query, default_field,
            .help = "Field of terms without one; default all."),
    OPT_LIST(struct query_string_query, fields,
             .help = "Fields of terms without one, each with an optional ^boost."),
    OPT_STR(struct query_string_query, op, .name = "default_operator", .dflt = "or",
            .help = "or, and: between clauses."),
    OPT_STR(struct query_string_query, analyzer,
            .help = "Analyzer of words; default each field's."),
    OPT_STR(struct query_string_query, quote_analyzer, .help = "Analyzer of phrases."),
    OPT_BOOL(struct query_string_query, allow_leading_wildcard, .dflt = "true",
             .help = "*x and ?x are allowed."),
    OPT_BOOL(struct query_string_query, analyze_wildcard,
             .help = "Accepted: patterns on text fields are lowered anyway."),
    OPT_VALUE(struct query_string_query, lenient,
              .help = "Text that does not fit a field matches nothing; default for all fields."),
    OPT_VALUE(struct query_string_query, minimum_should_match,
              .help = "How many optional clauses must match."),
    OPT_INT(struct query_string_query, phrase_slop, .dflt = "0", .min = 0, .max = INT32_MAX,
            .help = "Of phrases without ~n."),
    OPT_STR(struct query_string_query, time_zone, .help = "Zone of dates without one."),
    OPT_VALUE(struct query_string_query, tie_breaker, .help = "Share of the other fields' scores."),
    OPT_STR(struct query_string_query, type, .dflt = "best_fields",
            .help = "best_fields, most_fields or phrase."),
    OPT_BOOL(struct query_string_query, escape, .help = "Take every operator as text."),
    OPT_STR(struct query_string_query, quote_field_suffix, .help = "Not supported yet."),
    OPT_VALUE(struct query_string_query, fuzziness, .help = "Of fuzzy terms."),
    OPT_INT(struct query_string_query, fuzzy_prefix_length, .dflt = "0", .help = "Of fuzzy terms."),
    OPT_INT(struct query_string_query, fuzzy_max_expansions, .dflt = "50",
            .help = "Of fuzzy terms."),
    OPT_BOOL(struct query_string_query, fuzzy_transpositions, .dflt = "true",
             .help = "Of fuzzy terms."),
    OPT_STR(struct query_string_query, fuzzy_rewrite, .help = "Of fuzzy terms."),
    OPT_STR(struct query_string_query, rewrite, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_INT(struct query_string_query, max_determinized_states, .dflt = "10000",
            .help = "Accepted and without effect."),
    OPT_BOOL(struct query_string_query, enable_position_increments, .dflt = "true",
             .help = "Accepted and without effect."),
    OPT_BOOL(struct query_string_query, auto_generate_synonyms_phrase_query, .dflt = "true",
             .help = "Accepted and without effect."),
    OPT_END,
};

static struct str escaped(struct str text, struct arena *mem)
{
    char *out = arena_alloc(mem, text.n * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("\\+-!():^[]\"{}~*?|&/", text.p[i]))
            out[n++] = '\\';
        out[n++] = text.p[i];
    }
    return (struct str){out, n};
}

static int query_string_parse(struct dsl *dsl, const struct query_type *type,
                              const struct value *body, struct query **ret_query, struct err *err)
{
    struct query_string_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (!own->query.p)
        return dsl_error(body, err, ERR_PARSE, "[query_string] must be provided with a [query]");
    if (own->default_field.p && own->fields.kind == VALUE_LIST)
        return dsl_error(body, err, ERR_INVALID,
                         "cannot use [fields] parameter in conjunction with [default_field]");
    if (own->quote_field_suffix.p)
        return dsl_error(body, err, ERR_UNSUPPORTED,
                         "[query_string] quote_field_suffix is not supported yet");
    if (!str_eq_nocase(own->op, STR("or")) && !str_eq_nocase(own->op, STR("and")))
        return dsl_error(body, err, ERR_INVALID,
                         "No enum constant org.elasticsearch.index.query.Operator.%s",
                         arena_cstr(dsl->mem, own->op));
    own->is_and = str_eq_nocase(own->op, STR("and"));
    own->is_lenient = own->lenient.kind == VALUE_BOOL
                          ? own->lenient.b
                          : own->lenient.kind == VALUE_STR && str_is(own->lenient.s, "true");
    double tie = str_is(own->type, "most_fields") ? 1 : 0;
    if (own->tie_breaker.kind != VALUE_NONE)
        (void)value_to_f64(&own->tie_breaker, &tie);
    own->tie = (float)tie;
    struct str text = own->escape ? escaped(own->query, dsl->mem) : own->query;
    int rc = qs_parse(text, own->is_and, dsl->mem, &own->root, err);
    if (rc < 0) {
        const struct value *at = value_map_get_lit(body, "query");
        if (at && at->pos && err)
            (void)err_at_off(err, (int64_t)at->pos - 1 + MAX_OF(err->off, 0));
        return rc;
    }
    *ret_query = &own->base;
    return 0;
}

static struct str lowered(struct planner *planner, const struct field *field, struct str text)
{
    if (!field_is_text(field))
        return text;
    size_t size = text.n * 3 + 8;
    char *out = arena_alloc(planner->mem, size);
    size_t n = text_lower(text, out, size);
    return n <= size ? (struct str){out, n} : text;
}

/* One clause against one variant of one field. */
static struct plan *variant_plan(const struct query_string_query *own, struct planner *planner,
                                 const struct qs_node *node, const struct field *field,
                                 bool is_lenient, float boost)
{
    struct match_options match = {.is_and = own->is_and,
                                  .analyzer = own->analyzer,
                                  .is_lenient = is_lenient,
                                  .slop = node->has_slop ? node->slop : (uint32_t)own->phrase_slop};
    struct value v = value_str(node->text);
    bool is_terms = field_is_text(field) || field_is_string(field);
    switch (node->kind) {
    case QS_WORDS:
        match.kind = str_is(own->type, "phrase") ? MATCH_PHRASE : MATCH_WORDS;
        return plan_match(planner, field, &v, &match, boost);
    case QS_PHRASE:
        match.kind = MATCH_PHRASE;
        match.analyzer = own->quote_analyzer.p ? own->quote_analyzer : own->analyzer;
        return plan_match(planner, field, &v, &match, boost);
    case QS_RANGE: {
        struct range_options range = {.includes_from = node->includes_from,
                                      .includes_to = node->includes_to,
                                      .time_zone = own->time_zone,
                                      .is_lenient = is_lenient};
        if (node->has_from)
            range.from =
                value_str(field_is_text(field) ? lowered(planner, field, node->from) : node->from);
        if (node->has_to)
            range.to =
                value_str(field_is_text(field) ? lowered(planner, field, node->to) : node->to);
        return plan_variant_range(planner, field, &range, boost);
    }
    case QS_PREFIX:
        if (!is_terms && is_lenient)
            return NULL;
        return plan_prefix(planner, field, lowered(planner, field, node->text), false, boost);
    case QS_WILDCARD:
        if (!is_terms && is_lenient)
            return NULL;
        return plan_wildcard(planner, field, lowered(planner, field, node->text), false, boost);
    case QS_REGEX: {
        struct str pattern, prefix;
        struct err err;
        if (!is_terms && is_lenient)
            return NULL;
        if (regexp_translate(node->text, REGEXP_ALL, false, planner->mem, &pattern, &prefix, &err) <
            0)
            return plan_fail(planner, err.code, "%s", err.text);
        return plan_regexp(planner, field, pattern, prefix, boost);
    }
    case QS_BOOL:
    case QS_EXISTS:
    case QS_ALL:
        break;
    }
    return NULL;
}

static void spec_plans(const struct query_string_query *own, struct planner *planner,
                       const struct qs_node *node, struct str spec, float boost,
                       struct plan **plans, size_t *count)
{
    ptrdiff_t caret = str_find_char(spec, '^');
    double weight = 1;
    if (caret >= 0 && str_to_f64(str_from_off(spec, (size_t)caret + 1), &weight))
        spec = str_sub(spec, 0, (size_t)caret);
    size_t field_count;
    const struct field **fields = planner_fields(planner, spec, &field_count);
    bool is_lenient = own->is_lenient || str_find_char(spec, '*') >= 0;
    if (field_count == 0 && spec.n && spec.p[0] == '_') {
        struct value v = value_str(node->text);
        plans[(*count)++] = plan_field_term(planner, spec, &v, true, boost);
    }
    for (size_t i = 0; i < field_count; i++) {
        struct plan *all = NULL;
        for (const struct field *f = fields[i]; f; f = f->next_variant)
            all =
                plan_either(planner, all,
                            variant_plan(own, planner, node, f, is_lenient || f->variant_index > 0,
                                         boost * (float)weight),
                            boost);
        plans[(*count)++] = all;
    }
}

static struct plan *fields_plan(const struct query_string_query *own, struct planner *planner,
                                const struct qs_node *node, float boost)
{
    size_t all_count, count = 0;
    (void)mapping_fields(planner->mapping, &all_count);
    size_t specs = own->fields.kind == VALUE_LIST ? own->fields.list->count : 0;
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, (specs + 1) * (all_count + 2));
    if (node->field.p)
        spec_plans(own, planner, node, node->field, boost, plans, &count);
    else if (specs == 0)
        spec_plans(own, planner, node, own->default_field.p ? own->default_field : STR("*"), boost,
                   plans, &count);
    for (size_t i = 0; i < specs && !node->field.p; i++)
        spec_plans(own, planner, node, value_to_str(planner->mem, &own->fields.list->items[i]),
                   boost, plans, &count);
    return plan_dis_max(planner, plans, count, own->tie, boost);
}

static bool has_word(struct planner *planner, const struct field *field, struct str text,
                     struct str analyzer_name)
{
    enum analyzer analyzer;
    if (!field_is_text(field) ||
        !analyzer_from_name(analyzer_name.p ? analyzer_name : field->analyzer, &analyzer))
        return true;
    struct analysis *analysis = arena_alloc(planner->mem, sizeof(*analysis));
    analysis_init(analysis, analyzer, text);
    return analysis_next(analysis);
}

/* Fields that a text says something about, all of the spec in *ret_count. */
static size_t fields_with_word(const struct query_string_query *own, struct planner *planner,
                               const struct qs_node *node, struct str spec, size_t *ret_count)
{
    size_t count, with = 0;
    ptrdiff_t caret = str_find_char(spec, '^');
    spec = caret >= 0 ? str_sub(spec, 0, (size_t)caret) : spec;
    const struct field **fields = planner_fields(planner, spec, &count);
    struct str analyzer =
        node->kind == QS_PHRASE && own->quote_analyzer.p ? own->quote_analyzer : own->analyzer;
    for (size_t i = 0; i < count; i++) {
        for (const struct field *f = fields[i]; f; f = f->next_variant)
            with += has_word(planner, f, node->text, analyzer);
    }
    *ret_count += count;
    return with;
}

/* Words of which no field keeps any, as Lucene leaves out a clause without a term: a - b. */
static bool is_void(const struct query_string_query *own, struct planner *planner,
                    const struct qs_node *node)
{
    if (node->kind != QS_WORDS && node->kind != QS_PHRASE)
        return false;
    size_t count = 0, with = 0;
    size_t specs = own->fields.kind == VALUE_LIST ? own->fields.list->count : 0;
    struct str one = node->field.p          ? node->field
                     : own->default_field.p ? own->default_field
                                            : STR("*");
    if (node->field.p || specs == 0)
        with = fields_with_word(own, planner, node, one, &count);
    for (size_t i = 0; i < specs && !node->field.p; i++)
        with += fields_with_word(own, planner, node,
                                 value_to_str(planner->mem, &own->fields.list->items[i]), &count);
    return count > 0 && with == 0;
}

static struct plan *node_plan(const struct query_string_query *own, struct planner *planner,
                              const struct qs_node *node, float boost);

static struct plan *bool_plan(const struct query_string_query *own, struct planner *planner,
                              const struct qs_node *node, bool is_root, float boost)
{
    struct plan_bool clauses = {0};
    clauses.must = ARENA_ARRAY(planner->mem, struct plan *, node->count + 1);
    clauses.should = ARENA_ARRAY(planner->mem, struct plan *, node->count + 1);
    clauses.must_not = ARENA_ARRAY(planner->mem, struct plan *, node->count + 1);
    for (size_t i = 0; i < node->count; i++) {
        if (is_void(own, planner, node->clauses[i]))
            continue;
        bool is_not = node->occurs[i] == QS_MUST_NOT, needs_scores = planner->needs_scores;
        planner->needs_scores = needs_scores && !is_not;
        struct plan *plan = node_plan(own, planner, node->clauses[i], boost);
        planner->needs_scores = needs_scores;
        if (is_not)
            clauses.must_not[clauses.must_not_count++] = plan;
        else if (node->occurs[i] == QS_MUST)
            clauses.must[clauses.must_count++] = plan;
        else
            clauses.should[clauses.should_count++] = plan;
    }
    if (clauses.must_count + clauses.should_count + clauses.must_not_count == 0)
        return NULL;
    if (is_root && own->minimum_should_match.kind != VALUE_NONE && clauses.should_count > 0) {
        struct str spec = value_to_str(planner->mem, &own->minimum_should_match);
        if (minimum_should_match(spec, clauses.should_count, &clauses.should_min, planner->err) < 0)
            return plan_fail(planner, ERR_INVALID, "bad minimum_should_match \"" STR_FMT "\"",
                             STR_ARG(spec));
    }
    if (clauses.must_count == 0 && clauses.should_count > 0)
        clauses.should_min = MAX_OF(clauses.should_min, 1u);
    return plan_bool(planner, &clauses, boost);
}

static struct plan *node_plan(const struct query_string_query *own, struct planner *planner,
                              const struct qs_node *node, float boost)
{
    boost *= (float)node->boost;
    bool is_wild = node->kind == QS_WILDCARD && node->text.n &&
                   (node->text.p[0] == '*' || node->text.p[0] == '?');
    if (is_wild && !own->allow_leading_wildcard)
        return plan_fail(planner, ERR_PARSE,
                         "Cannot parse '" STR_FMT
                         "': '*' or '?' not allowed as first character in WildcardQuery",
                         STR_ARG(node->text));
    if (node->kind == QS_BOOL)
        return bool_plan(own, planner, node, node == own->root, boost);
    if (node->kind == QS_ALL)
        return plan_all(planner, boost);
    if (node->kind == QS_EXISTS)
        return plan_field_exists(planner, node->text, boost);
    return fields_plan(own, planner, node, boost);
}

static struct plan *query_string_plan(const struct query *query, struct planner *planner,
                                      float boost)
{
    const struct query_string_query *own = (const struct query_string_query *)query;
    return own->root ? node_plan(own, planner, own->root, boost) : NULL;
}

const struct query_type query_type_query_string = {
    .name = "query_string",
    .summary = "Lucene's query syntax.",
    .since = "0.1",
    .opts = query_string_opts,
    .parse = query_string_parse,
    .plan = query_string_plan,
};
