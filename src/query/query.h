/* SPDX-License-Identifier: Apache-2.0 */
/* query.h: what a query type is. A type is one file in types/: an option table or a parse function
 * that turns its part of a body into a query, and `plan`, which makes it concrete for one index.
 * query_types.tbl lists them.
 *
 * Parsing recurses with the body (JSON_DEPTH_MAX and QUERY_DEPTH_MAX bound it). Queries lie in the
 * request's arena and borrow their strings from the body. */
#ifndef NARU_QUERY_QUERY_H
#define NARU_QUERY_QUERY_H

#include "base/opt.h"
#include "event/value.h"
#include "query/plan.h"

#define QUERY_DEPTH_MAX 64u

struct query;
struct dsl {
    struct arena *mem;
    int64_t now_ns;
    uint32_t depth;
};

struct query_type {
    const char *name, *summary, *since;
    const struct opt *opts; /* of the innermost object; for the documentation too. MAY be NULL:
                               `parse` reads all itself */
    /* MUST. `body`: what stands behind the type's name. *ret_query is made by query_new. */
    int (*parse)(struct dsl *dsl, const struct query_type *type, const struct value *body,
                 struct query **ret_query, struct err *err);
    /* MUST. Makes it concrete; NULL: matches nothing in this index (or planner->rc says why not).
     * `boost`: the product of the boosts above, without its own. */
    struct plan *(*plan)(const struct query *query, struct planner *planner, float boost);
};

struct query {
    const struct query_type *type;
    double boost;
    struct str name; /* _name */
    uint32_t pos;
    /* A type's own struct begins with this one. */
};

const struct query_type *const *query_types(void);
const struct query_type *query_type_find(struct str name);

/* {"<type>": {…}}. Errors as Elasticsearch words them, err->off the position in the body. */
int dsl_parse(struct dsl *dsl, const struct value *body, struct query **ret_query,
              struct err *err) WARN_UNUSED;
/* One query or a list of them (bool's clauses). */
int dsl_parse_list(struct dsl *dsl, const struct value *body, struct query ***ret_queries,
                   size_t *ret_count, struct err *err) WARN_UNUSED;
struct plan *query_plan(const struct query *query, struct planner *planner, float boost);
/* The same for a place where scores do not count. */
struct plan *query_plan_filter(const struct query *query, struct planner *planner);

/* " did you mean [x]?" or " did you mean any of [x, y]?" or "", in mem: names more than half alike,
 * as Elasticsearch says it. */
const char *did_you_mean(struct str name, const char *const *names, struct arena *mem);

/* ---- For the types ---- */
void *query_new(struct dsl *dsl, const struct query_type *type, size_t size);
/* Error with the position of `at`. */
int dsl_error(const struct value *at, struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Fills `instance` (which begins with struct query) by the type's option table; boost and _name are
 * understood everywhere. Unknown keys: "[match] query does not support [x]". */
int dsl_fill(struct dsl *dsl, const struct query_type *type, const struct value *map,
             void *instance, struct err *err) WARN_UNUSED;
/* {"field": {opts}} or {"field": short}: fills `instance` by the table; a value that is no object
 * is stored at `value` (a struct value within instance). */
int dsl_fill_field(struct dsl *dsl, const struct query_type *type, const struct value *body,
                   void *instance, struct str *ret_field, struct value *ret_value,
                   struct err *err) WARN_UNUSED;
/* minimum_should_match: "2", "-1", "75%", "-25%", "2<75%", "2<-25% 9<-3" over `count` optional
 * clauses. */
int minimum_should_match(struct str spec, size_t count, uint32_t *ret_min,
                         struct err *err) WARN_UNUSED;

/* ---- Fields ---- */
/* Fields whose path matches a pattern with `*`, else the one field; only those that can be
 * searched. */
const struct field **planner_fields(struct planner *planner, struct str pattern, size_t *ret_count);
/* The clause of one value against one field, as a term query does (no analysis); all its typed
 * variants together. */
struct plan *plan_field_term(struct planner *planner, struct str path, const struct value *v,
                             bool is_lenient, float boost);
/* The same for one variant. */
struct plan *plan_variant_term(struct planner *planner, const struct field *field,
                               const struct value *v, bool is_lenient, float boost);

struct match_options {
    bool is_and;
    struct str minimum_should_match;
    struct str analyzer;
    bool is_lenient;
    bool is_zero_terms_all;
    uint32_t slop;
    uint32_t max_expansions;
    enum match_kind { MATCH_WORDS, MATCH_PHRASE, MATCH_PHRASE_PREFIX, MATCH_BOOL_PREFIX } kind;
};
/* Analyses the value for one field variant and builds a term, bool or phrase plan. */
struct plan *plan_match(struct planner *planner, const struct field *field, const struct value *v,
                        const struct match_options *options, float boost);

struct range_options {
    struct value from, to; /* VALUE_NONE: open */
    bool includes_from, includes_to;
    struct str format, time_zone;
    bool is_lenient;
};
struct plan *plan_range(struct planner *planner, struct str path, const struct range_options *range,
                        float boost);
struct plan *plan_variant_range(struct planner *planner, const struct field *field,
                                const struct range_options *range, float boost);
struct plan *plan_field_exists(struct planner *planner, struct str path, float boost);
struct plan *plan_wildcard(struct planner *planner, const struct field *field, struct str pattern,
                           bool is_nocase, float boost);
struct plan *plan_prefix(struct planner *planner, const struct field *field, struct str prefix,
                         bool is_nocase, float boost);

/* `pattern` and `prefix` as regexp_translate gives them. */
struct plan *plan_regexp(struct planner *planner, const struct field *field, struct str pattern,
                         struct str prefix, float boost);
/* The planner's owner frees it after the search. */
struct regex;
void planner_keep_regex(struct planner *planner, struct regex *re);

static inline bool field_is_text(const struct field *field)
{
    return field->type == FIELD_TEXT || field->type == FIELD_MATCH_ONLY_TEXT;
}
static inline bool field_is_string(const struct field *field)
{
    return field->type == FIELD_KEYWORD || field->type == FIELD_CONSTANT_KEYWORD ||
           field->type == FIELD_WILDCARD || field->type == FIELD_FLATTENED;
}
static inline bool field_is_date(const struct field *field)
{
    return field->type == FIELD_DATE || field->type == FIELD_DATE_NANOS;
}
static inline bool field_is_long(const struct field *field)
{
    return (field->type >= FIELD_LONG && field->type <= FIELD_UNSIGNED_LONG);
}
static inline bool field_is_double(const struct field *field)
{
    return field->type >= FIELD_DOUBLE && field->type <= FIELD_SCALED_FLOAT;
}

#endif
