/* SPDX-License-Identifier: Apache-2.0 */
/* dsl.c: a query body to a tree of queries. The types are found by name in one table and know only
 * their own part; what all have in common (boost, _name, unknown keys, one type per object, depth)
 * is handled here. */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "event/options.h"
#include "query/filter_plan.h"
#include "query/query.h"

#define QUERY(symbol) extern const struct query_type query_type_##symbol;
#include "query/query_types.tbl"
#undef QUERY

static const struct query_type *const types[] = {
#define QUERY(symbol) &query_type_##symbol,
#include "query/query_types.tbl"
#undef QUERY
    NULL,
};

/* Types that Elasticsearch has and naru does not yet: named as such, not as unknown. */
static const char *const missing_types[] = {
    "boosting",
    "common",
    "distance_feature",
    "function_score",
    "fuzzy",
    "geo_polygon",
    "geo_shape",
    "has_child",
    "has_parent",
    "intervals",
    "match_none_of",
    "more_like_this",
    "nested",
    "parent_id",
    "percolate",
    "pinned",
    "rank_feature",
    "script",
    "script_score",
    "shape",
    "simple_query_string",
    "span_containing",
    "span_first",
    "span_multi",
    "span_near",
    "span_not",
    "span_or",
    "span_term",
    "span_within",
    "terms_set",
    "type",
    "wrapper",
    NULL,
};

const struct query_type *const *query_types(void)
{
    return types;
}

const struct query_type *query_type_find(struct str name)
{
    for (size_t i = 0; types[i]; i++) {
        if (str_eq(str_from(types[i]->name), name))
            return types[i];
    }
    return NULL;
}

int dsl_error(const struct value *at, struct err *err, enum err_code code, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)err_set(err, code, "%s", text);
    if (at && at->pos > 0)
        (void)err_at_off(err, (int64_t)at->pos - 1);
    return -(int)code;
}

void *query_new(struct dsl *dsl, const struct query_type *type, size_t size)
{
    struct query *query = arena_zalloc(dsl->mem, size);
    query->type = type;
    query->boost = 1;
    return query;
}

#define SUGGEST_CHARS_MAX 40u

static size_t edit_distance(struct str a, struct str b)
{
    size_t row[SUGGEST_CHARS_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j], best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            best = MIN_OF(best, above + 1);
            best = MIN_OF(best, row[j - 1] + 1);
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b.n];
}

static double likeness(struct str a, struct str b)
{
    size_t longer = MAX_OF(a.n, b.n);
    if (longer == 0 || longer > SUGGEST_CHARS_MAX)
        return 0;
    return 1 - (double)edit_distance(a, b) / (double)longer;
}

const char *did_you_mean(struct str name, const char *const *names, struct arena *mem)
{
    const char *best[4];
    double scores[4];
    size_t count = 0;
    for (size_t i = 0; names[i]; i++) {
        double score = likeness(name, str_from(names[i]));
        if (score <= 0.5)
            continue;
        size_t at = count < ARRAY_COUNT(best) ? count++ : ARRAY_COUNT(best) - 1;
        for (; at > 0 && (scores[at - 1] < score ||
                          (scores[at - 1] <= score && strcmp(best[at - 1], names[i]) > 0));
             at--) {
            scores[at] = scores[at - 1];
            best[at] = best[at - 1];
        }
        scores[at] = score;
        best[at] = names[i];
    }
    if (count == 0)
        return "";
    struct buf text;
    buf_init(&text, 4 * KIB);
    buf_printf(&text, count == 1 ? " did you mean [%s" : " did you mean any of [%s", best[0]);
    for (size_t i = 1; i < count; i++)
        buf_printf(&text, ", %s", best[i]);
    buf_add_lit(&text, "]?");
    const char *copy = arena_cstr(mem, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static int unknown_query(struct dsl *dsl, struct str name, const struct value *at, struct err *err)
{
    for (size_t i = 0; missing_types[i]; i++) {
        if (str_eq(str_from(missing_types[i]), name))
            return dsl_error(at, err, ERR_UNSUPPORTED, "query [" STR_FMT "] is not supported yet",
                             STR_ARG(name));
    }
    const char *names[ARRAY_COUNT(types)] = {NULL};
    for (size_t i = 0; types[i]; i++)
        names[i] = types[i]->name;
    return dsl_error(at, err, ERR_PARSE, "unknown query [" STR_FMT "]%s", STR_ARG(name),
                     did_you_mean(name, names, dsl->mem));
}

static int parse_typed(struct dsl *dsl, struct str name, const struct value *body,
                       struct query **ret_query, struct err *err)
{
    const struct query_type *type = query_type_find(name);
    if (!type)
        return unknown_query(dsl, name, body, err);
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "[" STR_FMT "] query malformed, no start_object after query name",
                         STR_ARG(name));
    TRY(type->parse(dsl, type, body, ret_query, err));
    (*ret_query)->pos = body->pos;
    return 0;
}

int dsl_parse(struct dsl *dsl, const struct value *body, struct query **ret_query, struct err *err)
{
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "[_na] query malformed, must start with start_object");
    if (body->map->count == 0)
        return dsl_error(body, err, ERR_INVALID, "query malformed, empty clause found");
    if (dsl->depth >= QUERY_DEPTH_MAX)
        return dsl_error(body, err, ERR_INVALID, "queries are nested deeper than %u levels",
                         QUERY_DEPTH_MAX);
    dsl->depth++;
    int rc = parse_typed(dsl, body->map->keys[0], &body->map->values[0], ret_query, err);
    dsl->depth--;
    TRY(rc);
    if (body->map->count > 1)
        return dsl_error(&body->map->values[1], err, ERR_PARSE,
                         "[" STR_FMT
                         "] malformed query, expected [END_OBJECT] but found [FIELD_NAME]",
                         STR_ARG(body->map->keys[0]));
    return 0;
}

int dsl_parse_list(struct dsl *dsl, const struct value *body, struct query ***ret_queries,
                   size_t *ret_count, struct err *err)
{
    const struct value *items = body;
    size_t count = 1;
    if (body->kind == VALUE_LIST) {
        items = body->list->items;
        count = body->list->count;
    }
    struct query **queries = ARENA_ARRAY(dsl->mem, struct query *, count + 1);
    for (size_t i = 0; i < count; i++)
        TRY(dsl_parse(dsl, &items[i], &queries[i], err));
    *ret_queries = queries;
    *ret_count = count;
    return 0;
}

static int fill_common(struct str key, const struct value *v, struct query *query, struct err *err,
                       bool *ret_is_common)
{
    *ret_is_common = true;
    if (str_is(key, "boost")) {
        double boost;
        if (!value_to_f64(v, &boost) && !(v->kind == VALUE_STR && str_to_f64(v->s, &boost)))
            return dsl_error(v, err, ERR_PARSE, "[%s] boost must be a number", query->type->name);
        if (!(boost >= 0))
            return dsl_error(
                v, err, ERR_INVALID,
                "negative [boost] are not allowed in [%s], use a value between 0 and 1 "
                "to deboost",
                query->type->name);
        query->boost = boost;
    } else if (str_is(key, "_name")) {
        if (v->kind != VALUE_STR)
            return dsl_error(v, err, ERR_PARSE, "[%s] _name must be a string", query->type->name);
        query->name = v->s;
    } else {
        *ret_is_common = false;
    }
    return 0;
}

int dsl_fill(struct dsl *dsl, const struct query_type *type, const struct value *map,
             void *instance, struct err *err)
{
    static const char *const common[] = {"boost", "_name", NULL};
    struct query *query = instance;
    for (size_t i = 0; i < map->map->count; i++) {
        bool is_common;
        struct str key = map->map->keys[i];
        TRY(fill_common(key, &map->map->values[i], query, err, &is_common));
        if (!is_common && !opt_find(type->opts, key))
            return dsl_error(&map->map->values[i], err, ERR_PARSE,
                             str_is(str_from(type->name), "bool")
                                 ? "[%s] unknown field [%.*s]"
                                 : "[%s] query does not support [%.*s]",
                             type->name, STR_ARG(key));
    }
    struct query kept = *query;
    TRY(options_fill(type->opts, instance, map, OPTIONS_JSON, dsl->mem, common, NULL, NULL, err));
    *query = kept;
    return 0;
}

int dsl_fill_field(struct dsl *dsl, const struct query_type *type, const struct value *body,
                   void *instance, struct str *ret_field, struct value *ret_value, struct err *err)
{
    struct query *query = instance;
    struct value none = {.kind = VALUE_NONE};
    bool has_field = false;
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        bool is_common = false;
        if (v->kind != VALUE_MAP)
            TRY(fill_common(key, v, query, err, &is_common));
        if (is_common)
            continue;
        if (has_field)
            return dsl_error(v, err, ERR_PARSE,
                             "[%s] query doesn't support multiple fields, found [" STR_FMT
                             "] and [" STR_FMT "]",
                             type->name, STR_ARG(*ret_field), STR_ARG(key));
        has_field = true;
        *ret_field = key;
        if (v->kind == VALUE_MAP) {
            TRY(dsl_fill(dsl, type, v, instance, err));
        } else {
            struct query kept = *query;
            TRY(options_fill(type->opts, instance, &none, OPTIONS_JSON, dsl->mem, NULL, NULL, NULL,
                             err));
            *query = kept;
            *ret_value = *v;
        }
    }
    if (!has_field)
        return dsl_error(body, err, ERR_PARSE, "[%s] query malformed, no field", type->name);
    return 0;
}

struct plan *query_plan(const struct query *query, struct planner *planner, float boost)
{
    if (planner->rc < 0)
        return NULL;
    struct plan *plan = query->type->plan(query, planner, boost * (float)query->boost);
    return planner->rc < 0 ? NULL : filter_plan(planner, plan);
}

struct plan *query_plan_filter(const struct query *query, struct planner *planner)
{
    bool needs_scores = planner->needs_scores;
    planner->needs_scores = false;
    struct plan *plan = query_plan(query, planner, 1);
    planner->needs_scores = needs_scores;
    return plan;
}

/* ---- minimum_should_match ---- */

static bool one_minimum(struct str spec, size_t count, int64_t *ret_min)
{
    bool is_percent = str_ends_with(spec, STR("%"));
    int64_t v;
    if (!str_to_i64(is_percent ? str_sub(spec, 0, spec.n - 1) : spec, &v))
        return false;
    if (is_percent) {
        /* Truncated toward zero as Lucene does. */
        double part = (double)count * (double)v * (1 / 100.0);
        v = part < 0 ? (int64_t)count + (int64_t)part : (int64_t)part;
    } else if (v < 0) {
        v += (int64_t)count;
    }
    *ret_min = v < 0 ? 0 : v;
    return true;
}

int minimum_should_match(struct str spec, size_t count, uint32_t *ret_min, struct err *err)
{
    struct str rest = str_trim(spec), part;
    int64_t min = (int64_t)count;
    if (str_find_char(rest, '<') < 0) {
        if (!one_minimum(rest, count, &min))
            return err_set(err, ERR_INVALID, "bad minimum_should_match \"" STR_FMT "\"",
                           STR_ARG(spec));
        *ret_min = (uint32_t)MIN_OF(min, (int64_t)UINT32_MAX);
        return 0;
    }
    while (str_split_next(&rest, ' ', &part)) {
        if (part.n == 0)
            continue;
        struct str limit;
        int64_t above, own;
        if (!str_split_next(&part, '<', &limit) || !str_to_i64(limit, &above) || !part.p ||
            !one_minimum(part, count, &own))
            return err_set(err, ERR_INVALID, "bad minimum_should_match \"" STR_FMT "\"",
                           STR_ARG(spec));
        if ((int64_t)count <= above)
            break;
        min = own;
    }
    *ret_min = (uint32_t)min;
    return 0;
}
