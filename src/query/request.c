/* SPDX-License-Identifier: Apache-2.0 */
/* request.c: the body of a search, key by key, and the parameters of its URL. */
#include "base/str.h"
#include "query/agg_tree.h"
#include "query/search_int.h"

/* What Elasticsearch knows and naru does not have yet: refused by name when it asks for something.
 */
static const char *const missing_keys[] = {"rescore",       "suggest", "script_fields",
                                           "indices_boost", "slice",   "runtime_mappings",
                                           "highlight",     "pit",     NULL};

static bool is_empty(const struct value *v)
{
    return v->kind == VALUE_NULL || (v->kind == VALUE_BOOL && !v->b) ||
           (v->kind == VALUE_MAP && v->map->count == 0) ||
           (v->kind == VALUE_LIST && v->list->count == 0);
}

static const char *token_name(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_MAP:
        return "START_OBJECT";
    case VALUE_LIST:
        return "START_ARRAY";
    case VALUE_STR:
    case VALUE_TIME:
        return "VALUE_STRING";
    case VALUE_BOOL:
        return "VALUE_BOOLEAN";
    case VALUE_NULL:
    case VALUE_NONE:
        return "VALUE_NULL";
    case VALUE_INT:
    case VALUE_BIG:
    case VALUE_FLOAT:
        break;
    }
    return "VALUE_NUMBER";
}

static int unknown_key(struct str key, const struct value *v, struct err *err)
{
    return dsl_error(v, err, ERR_PARSE, "Unknown key for a %s in [" STR_FMT "].", token_name(v),
                     STR_ARG(key));
}

/* One of 32 bits, as Elasticsearch has it, so that two of them can be added. */
static int read_int(const struct value *v, const char *name, int64_t *ret_v, struct err *err)
{
    if (v->kind == VALUE_INT)
        *ret_v = v->i;
    else if (v->kind == VALUE_FLOAT && v->f >= -9e15 && v->f <= 9e15)
        *ret_v = (int64_t)v->f;
    else if (v->kind != VALUE_STR || !str_to_i64(v->s, ret_v))
        return dsl_error(v, err, ERR_PARSE, "[%s] must be a number", name);
    if (*ret_v < INT32_MIN || *ret_v > INT32_MAX)
        return dsl_error(v, err, ERR_INVALID,
                         "[%s]: Numeric value (%lld) out of range of int (%d - %d)", name,
                         (long long)*ret_v, INT32_MIN, INT32_MAX);
    return 0;
}

static int read_bool(const struct value *v, const char *name, bool *ret_v, struct err *err)
{
    if (v->kind == VALUE_BOOL)
        *ret_v = v->b;
    else if (v->kind == VALUE_STR && (str_is(v->s, "true") || str_is(v->s, "false")))
        *ret_v = str_is(v->s, "true");
    else
        return dsl_error(v, err, ERR_INVALID,
                         "Failed to parse value [%s] as only [true] or [false] are allowed.", name);
    return 0;
}

static int set_from(struct search_request *request, const struct value *v, struct err *err)
{
    TRY(read_int(v, "from", &request->from, err));
    if (request->from == -1) /* "not set" */
        request->from = 0;
    if (request->from < 0)
        return dsl_error(v, err, ERR_INVALID, "[from] parameter cannot be negative");
    return 0;
}

static int set_size(struct search_request *request, const struct value *v, struct err *err)
{
    TRY(read_int(v, "size", &request->size, err));
    if (request->size == -1)
        request->size = SIZE_DEFAULT;
    if (request->size < 0)
        return dsl_error(v, err, ERR_INVALID, "[size] parameter cannot be negative, found [%lld]",
                         (long long)request->size);
    return 0;
}

static int set_track_total(struct search_request *request, const struct value *v, struct err *err)
{
    bool is_on;
    if (v->kind == VALUE_INT ||
        (v->kind == VALUE_STR && !str_is(v->s, "true") && !str_is(v->s, "false"))) {
        TRY(read_int(v, "track_total_hits", &request->track_total, err));
        if (request->track_total == -1)
            request->track_total = 0;
        if (request->track_total < 0)
            return dsl_error(
                v, err, ERR_INVALID,
                "[track_total_hits] parameter must be positive or equals to -1, got %lld",
                (long long)request->track_total);
        return 0;
    }
    TRY(read_bool(v, "track_total_hits", &is_on, err));
    request->track_total = is_on ? TRACK_TOTAL_ALL : 0;
    return 0;
}

static int set_timeout(struct search_request *request, const struct value *v, struct err *err)
{
    if (v->kind == VALUE_STR && str_is(v->s, "-1"))
        request->timeout_ns = 0;
    else if (v->kind != VALUE_STR || !str_to_duration(v->s, &request->timeout_ns))
        return dsl_error(
            v, err, ERR_PARSE,
            "failed to parse setting [timeout] as a time value: unit is missing or unrecognized");
    return 0;
}

static int set_sort(struct search_request *request, const struct value *v, struct err *err)
{
    return sort_parse(v, request->mem, &request->sorts, &request->sort_count, err);
}

static int set_stored_fields(struct search_request *request, const struct value *v, struct err *err)
{
    struct str *names;
    size_t count;
    if (strings_parse(v, request->mem, &names, &count) < 0)
        return dsl_error(v, err, ERR_PARSE,
                         "[stored_fields] must be a string or an array of strings");
    request->fetch.has_no_stored_fields = count == 1 && str_is(names[0], "_none_");
    for (size_t i = 0; i < count; i++) {
        if (str_is(names[i], "_source"))
            request->fetch.source.is_given = true;
    }
    /* Asking for stored fields turns the source off; single stored fields do not exist here, they
     * are in the source. */
    if (!request->fetch.source.is_given)
        request->fetch.source.is_off = true;
    return 0;
}

static int set_aggs(struct search_request *request, struct dsl *dsl, const struct value *v,
                    struct err *err)
{
    return agg_tree_parse(v, dsl, &request->aggs, err);
}

static int set_after(struct search_request *request, const struct value *v, struct err *err)
{
    if (v->kind != VALUE_LIST)
        return dsl_error(v, err, ERR_PARSE,
                         "Expected [START_ARRAY] in [search_after] but found [%s]", token_name(v));
    if (v->list->count == 0)
        return dsl_error(v, err, ERR_INVALID, "Values must contains at least one value.");
    request->search_after = v;
    return 0;
}

static int set_min_score(struct search_request *request, const struct value *v, struct err *err)
{
    request->has_min_score = value_to_f64(v, &request->min_score);
    return request->has_min_score ? 0
                                  : dsl_error(v, err, ERR_PARSE, "[min_score] must be a number");
}

static int parse_key(struct search_request *request, struct dsl *dsl, struct str key,
                     const struct value *v, struct err *err)
{
    if (str_is(key, "query"))
        return v->kind == VALUE_NULL ? 0 : dsl_parse(dsl, v, &request->query, err);
    if (str_is(key, "post_filter"))
        return dsl_parse(dsl, v, &request->post_filter, err);
    if (str_is(key, "from"))
        return set_from(request, v, err);
    if (str_is(key, "size"))
        return set_size(request, v, err);
    if (str_is(key, "sort"))
        return set_sort(request, v, err);
    if (str_is(key, "search_after"))
        return set_after(request, v, err);
    if (str_is(key, "aggs") || str_is(key, "aggregations"))
        return set_aggs(request, dsl, v, err);
    if (str_is(key, "_source"))
        return source_spec_parse(v, request->mem, &request->fetch.source, err);
    if (str_is(key, "docvalue_fields"))
        return field_specs_parse(v, "docvalue_fields", request->mem, &request->fetch.docvalues,
                                 &request->fetch.docvalue_count, err);
    if (str_is(key, "fields"))
        return field_specs_parse(v, "fields", request->mem, &request->fetch.fields,
                                 &request->fetch.field_count, err);
    if (str_is(key, "stored_fields"))
        return set_stored_fields(request, v, err);
    if (str_is(key, "track_total_hits"))
        return set_track_total(request, v, err);
    if (str_is(key, "track_scores"))
        return read_bool(v, "track_scores", &request->track_scores, err);
    if (str_is(key, "min_score"))
        return set_min_score(request, v, err);
    if (str_is(key, "version"))
        return read_bool(v, "version", &request->fetch.wants_version, err);
    if (str_is(key, "seq_no_primary_term"))
        return read_bool(v, "seq_no_primary_term", &request->fetch.wants_seq_no, err);
    if (str_is(key, "timeout"))
        return set_timeout(request, v, err);
    if (str_is(key, "terminate_after"))
        return read_int(v, "terminate_after", &request->terminate_after, err);
    if (str_is(key, "collapse") && v->kind == VALUE_MAP)
        return collapse_parse(v, request->mem, &request->collapse, err);
    if (str_is(key, "explain") || str_is(key, "profile")) {
        bool is_on;
        TRY(read_bool(v, "explain", &is_on, err));
        return is_on ? dsl_error(v, err, ERR_UNSUPPORTED, "[" STR_FMT "] is not supported yet",
                                 STR_ARG(key))
                     : 0;
    }
    if (str_is(key, "stats") || str_is(key, "ext"))
        return 0;
    for (size_t i = 0; missing_keys[i]; i++) {
        if (str_eq(str_from(missing_keys[i]), key))
            return is_empty(v) ? 0
                               : dsl_error(v, err, ERR_UNSUPPORTED,
                                           "[" STR_FMT "] is not supported yet", STR_ARG(key));
    }
    return unknown_key(key, v, err);
}

int search_parse(const struct value *body, int64_t now_ns, struct arena *mem,
                 struct search_request **ret_request, struct err *err)
{
    struct search_request *request = ARENA_NEW(mem, struct search_request);
    request->mem = mem;
    request->now_ns = now_ns;
    request->size = SIZE_DEFAULT;
    request->track_total = TRACK_TOTAL_DEFAULT;
    struct dsl dsl = {.mem = mem, .now_ns = now_ns};
    if (body && body->kind != VALUE_NONE && body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE, "Expected [START_OBJECT] but found [%s]",
                         token_name(body));
    for (size_t i = 0; body && body->kind == VALUE_MAP && i < body->map->count; i++)
        TRY(parse_key(request, &dsl, body->map->keys[i], &body->map->values[i], err));
    if (request->search_after && request->sort_count > 0 &&
        request->search_after->list->count != request->sort_count)
        return dsl_error(request->search_after, err, ERR_INVALID,
                         "search_after has %zu value(s) but sort has %zu.",
                         request->search_after->list->count, request->sort_count);
    if (request->search_after && request->sort_count == 0)
        return dsl_error(request->search_after, err, ERR_INVALID,
                         "Sort must contain at least one field.");
    if (request->search_after && request->collapse)
        return dsl_error(request->search_after, err, ERR_INVALID,
                         "cannot use `collapse` in conjunction with `search_after`");
    if (request->search_after && request->from > 0)
        return dsl_error(request->search_after, err, ERR_INVALID,
                         "`from` parameter must be set to 0 when `search_after` is used.");
    *ret_request = request;
    return 0;
}

/* ---- URL ---- */

static struct value comma_list(struct arena *mem, struct str text)
{
    struct value list = value_list(mem, 4);
    struct str part;
    while (str_split_next(&text, ',', &part)) {
        if (part.n)
            value_list_add(mem, &list, value_str(part));
    }
    return list;
}

/* "field:desc,other,_score:asc" */
static int sort_param(struct search_request *request, struct str text, struct err *err)
{
    struct value list = value_list(request->mem, 4);
    struct str part;
    while (str_split_next(&text, ',', &part)) {
        struct str name = part, order = STR_NONE;
        for (size_t i = part.n; i > 0; i--) {
            if (part.p[i - 1] == ':') {
                name = str_sub(part, 0, i - 1);
                order = str_from_off(part, i);
                break;
            }
        }
        struct value item = value_str(name);
        if (order.p) {
            item = value_map(request->mem, 1);
            value_map_set(request->mem, &item, name, value_str(order));
        }
        value_list_add(request->mem, &list, item);
    }
    return set_sort(request, &list, err);
}

/* q and its companions make one query_string, whatever order they come in. */
static int q_param(struct search_request *request, struct err *err)
{
    struct arena *mem = request->mem;
    if (!request->q.p)
        return 0;
    struct value inner = value_map(mem, 6), outer = value_map(mem, 1);
    value_map_set(mem, &inner, STR("query"), value_str(request->q));
    if (request->df.p)
        value_map_set(mem, &inner, STR("default_field"), value_str(request->df));
    if (request->default_operator.p)
        value_map_set(mem, &inner, STR("default_operator"), value_str(request->default_operator));
    if (request->analyzer.p)
        value_map_set(mem, &inner, STR("analyzer"), value_str(request->analyzer));
    if (request->lenient)
        value_map_set(mem, &inner, STR("lenient"), value_bool(true));
    if (request->analyze_wildcard)
        value_map_set(mem, &inner, STR("analyze_wildcard"), value_bool(true));
    value_map_set(mem, &outer, STR("query_string"), inner);
    struct dsl dsl = {.mem = mem, .now_ns = request->now_ns};
    struct value *kept = ARENA_NEW(mem, struct value);
    *kept = outer;
    return dsl_parse(&dsl, kept, &request->query, err);
}

static int source_param(struct search_request *request, struct str name, struct str text,
                        struct err *err)
{
    struct source_spec *spec = &request->fetch.source;
    struct value *list = ARENA_NEW(request->mem, struct value);
    *list = comma_list(request->mem, text);
    if (str_is(name, "_source") && (str_is(text, "true") || str_is(text, "false"))) {
        *spec = (struct source_spec){.is_given = true, .is_off = str_is(text, "false")};
        return 0;
    }
    spec->is_given = true;
    spec->is_off = false;
    if (str_is(name, "_source_excludes"))
        return strings_parse(list, request->mem, &spec->excludes, &spec->exclude_count);
    (void)err;
    return strings_parse(list, request->mem, &spec->includes, &spec->include_count);
}

static int flag_param(struct str name, struct str text, bool *ret_flag, struct err *err)
{
    if (!str_is(text, "true") && !str_is(text, "false") && text.n != 0)
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [" STR_FMT "] as only [true] or [false] are allowed.",
                       STR_ARG(text));
    (void)name;
    *ret_flag = !str_is(text, "false");
    return 0;
}

int search_param(struct search_request *request, struct str name, struct str text, struct err *err)
{
    text = arena_str(request->mem, text);
    struct value v = value_str(text);
    struct str *const texts[] = {&request->q, &request->df, &request->default_operator,
                                 &request->analyzer};
    static const char *const text_names[] = {"q", "df", "default_operator", "analyzer"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (str_eq(name, str_from(text_names[i]))) {
            *texts[i] = text;
            return q_param(request, err);
        }
    }
    if (str_is(name, "lenient") || str_is(name, "analyze_wildcard")) {
        TRY(flag_param(name, text,
                       str_is(name, "lenient") ? &request->lenient : &request->analyze_wildcard,
                       err));
        return q_param(request, err);
    }
    if (str_is(name, "from"))
        return set_from(request, &v, err);
    if (str_is(name, "size"))
        return set_size(request, &v, err);
    if (str_is(name, "sort"))
        return sort_param(request, text, err);
    if (str_is(name, "_source") || str_is(name, "_source_includes") ||
        str_is(name, "_source_excludes"))
        return source_param(request, name, text, err);
    if (str_is(name, "track_total_hits"))
        return set_track_total(request, &v, err);
    if (str_is(name, "timeout"))
        return set_timeout(request, &v, err);
    if (str_is(name, "terminate_after"))
        return read_int(&v, "terminate_after", &request->terminate_after, err);
    if (str_is(name, "version"))
        return flag_param(name, text, &request->fetch.wants_version, err);
    if (str_is(name, "seq_no_primary_term"))
        return flag_param(name, text, &request->fetch.wants_seq_no, err);
    if (str_is(name, "rest_total_hits_as_int"))
        return flag_param(name, text, &request->total_as_int, err);
    if (str_is(name, "typed_keys"))
        return flag_param(name, text, &request->typed_keys, err);
    if (str_is(name, "search_type")) {
        if (str_is(text, "query_then_fetch") || str_is(text, "dfs_query_then_fetch"))
            return 0;
        return err_set(err, ERR_INVALID, "No search type for [" STR_FMT "]", STR_ARG(text));
    }
    if (str_is(name, "stored_fields") || str_is(name, "docvalue_fields")) {
        struct value *list = ARENA_NEW(request->mem, struct value);
        *list = comma_list(request->mem, text);
        if (str_is(name, "stored_fields"))
            return set_stored_fields(request, list, err);
        return field_specs_parse(list, "docvalue_fields", request->mem, &request->fetch.docvalues,
                                 &request->fetch.docvalue_count, err);
    }
    return err_set(err, ERR_INVALID, "request contains unrecognized parameter: [" STR_FMT "]",
                   STR_ARG(name));
}
