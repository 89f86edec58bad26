/* SPDX-License-Identifier: Apache-2.0 */
/* composite.c: all buckets of a combination of sources, page by page, in the order of their keys.
 * The work is in tuples.c; here are the body, `after`, and the result. */
#include "base/str.h"
#include "event/options.h"
#include "index/ip.h"
#include "query/buckets/tuples.h"
#include "query/dates.h"

struct composite_params {
    struct value sources, after;
    int64_t size;
    struct tuple_spec *specs;
    size_t spec_count;
};

struct composite_state {
    struct tuple_set tuples;
};

static const struct opt composite_opts[] = {
    OPT_VALUE(struct composite_params, sources,
              .help = "[{\"name\": {\"terms\": {\"field\": …}}}, …]: the parts of a key."),
    OPT_INT(struct composite_params, size, .dflt = "10", .help = "How many buckets are returned."),
    OPT_VALUE(struct composite_params, after, .help = "The after_key of the page before."),
    OPT_END,
};

#define SPEC_SOURCE(member, what)                                                                  \
    {                                                                                              \
        .name = #member, .kind = OPT_KIND_STR,                                                     \
        .offset = offsetof(struct tuple_spec, source) + offsetof(struct source_params, member),    \
        .help = what                                                                               \
    }
#define SPEC_COMMON                                                                                \
    SPEC_SOURCE(field, "The field whose values are taken."),                                       \
        {.name = "script",                                                                         \
         .kind = OPT_KIND_VALUE,                                                                   \
         .offset = offsetof(struct tuple_spec, source) + offsetof(struct source_params, script),   \
         .help = "Not supported."},                                                                \
        SPEC_SOURCE(value_type, "Type of the values when the field is not mapped."),               \
        OPT_STR(struct tuple_spec, order, .help = "asc or desc."),                                 \
    {                                                                                              \
        .name = "missing_bucket", .kind = OPT_KIND_BOOL,                                           \
        .offset = offsetof(struct tuple_spec, has_missing),                                        \
        .help = "Documents without a value have the key null."                                     \
    }

static const struct opt terms_source_opts[] = {SPEC_COMMON, OPT_END};
static const struct opt histogram_source_opts[] = {
    SPEC_COMMON,
    OPT_FLOAT(struct tuple_spec, interval, .help = "Width of a bucket; above 0."),
    OPT_END,
};
static const struct opt date_source_opts[] = {
    SPEC_COMMON,
    SPEC_SOURCE(format, "How keys are printed as text."),
    SPEC_SOURCE(time_zone, "Time zone of rounding and printing."),
    OPT_STR(struct tuple_spec, calendar_interval, .help = "minute, hour, day … or 1m, 1h …"),
    OPT_STR(struct tuple_spec, fixed_interval, .help = "A length of time: 30s, 90m, 12h."),
    {.name = "interval",
     .kind = OPT_KIND_STR,
     .offset = offsetof(struct tuple_spec, either_interval),
     .flags = OPT_DEPRECATED,
     .help = "Either of the two."},
    OPT_STR(struct tuple_spec, offset, .help = "Moves the spans' beginnings: +6h, -1d."),
    OPT_END,
};

/* ---- Parsing ---- */

static const struct {
    const char *name;
    enum tuple_kind kind;
    const struct opt *opts;
} source_types[] = {
    {"terms", TUPLE_TERMS, terms_source_opts},
    {"histogram", TUPLE_HISTOGRAM, histogram_source_opts},
    {"date_histogram", TUPLE_DATE_HISTOGRAM, date_source_opts},
};

static int parse_source(const struct agg_node *node, const struct value *v, struct str name,
                        struct dsl *dsl, struct tuple_spec *spec, struct err *err)
{
    if (v->kind != VALUE_MAP || v->map->count != 1)
        return dsl_error(v, err, ERR_PARSE, "composite source [" STR_FMT "] needs one type",
                         STR_ARG(name));
    struct str type = v->map->keys[0];
    const struct value *body = &v->map->values[0];
    spec->name = name;
    if (str_is(type, "geotile_grid"))
        return dsl_error(body, err, ERR_UNSUPPORTED,
                         "composite source [geotile_grid] is not supported yet");
    for (size_t i = 0; i < ARRAY_COUNT(source_types); i++) {
        if (!str_eq(type, str_from(source_types[i].name)))
            continue;
        for (size_t k = 0; body->kind == VALUE_MAP && k < body->map->count; k++) {
            if (!opt_find(source_types[i].opts, body->map->keys[k]))
                return dsl_error(&body->map->values[k], err, ERR_PARSE,
                                 "[" STR_FMT "] unknown field [" STR_FMT "]", STR_ARG(type),
                                 STR_ARG(body->map->keys[k]));
        }
        if (body->kind != VALUE_MAP)
            return dsl_error(body, err, ERR_PARSE, "[" STR_FMT "] must be an object",
                             STR_ARG(type));
        if (options_fill(source_types[i].opts, spec, body, OPTIONS_JSON, dsl->mem, NULL, NULL, NULL,
                         err) < 0)
            return err_wrap(err, "[" STR_FMT "]", STR_ARG(type));
        spec->kind = source_types[i].kind;
        return tuple_spec_check(node, spec, body, err);
    }
    return dsl_error(body, err, ERR_PARSE, "invalid source type: " STR_FMT, STR_ARG(type));
}

static int check_after(const struct composite_params *params, struct err *err)
{
    const struct value *after = &params->after;
    if (after->kind == VALUE_NONE || after->kind == VALUE_NULL)
        return 0;
    if (after->kind != VALUE_MAP)
        return dsl_error(after, err, ERR_PARSE, "[after] must be an object");
    if (after->map->count != params->spec_count)
        return dsl_error(after, err, ERR_INVALID, "[after] has %zu value(s) but [sources] has %zu",
                         after->map->count, params->spec_count);
    for (size_t i = 0; i < params->spec_count; i++) {
        const struct tuple_spec *spec = &params->specs[i];
        const struct value *v = value_map_get(after, spec->name);
        if (!v)
            return dsl_error(after, err, ERR_INVALID, "Missing value for [after." STR_FMT "]",
                             STR_ARG(spec->name));
        if (v->kind == VALUE_NULL && !spec->has_missing)
            return dsl_error(v, err, ERR_INVALID,
                             "Invalid value for [after." STR_FMT
                             "], expected comparable, got [null]",
                             STR_ARG(spec->name));
    }
    return 0;
}

static int check_names(const struct composite_params *params, const struct value *body,
                       struct err *err)
{
    for (size_t i = 0; i < params->spec_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(params->specs[i].name, params->specs[k].name))
                return dsl_error(
                    body, err, ERR_INVALID,
                    "Composite source names must be unique, found duplicates: [" STR_FMT "]",
                    STR_ARG(params->specs[i].name));
        }
    }
    return 0;
}

static int composite_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree UNUSED,
                           const struct value *body, struct err *err)
{
    struct composite_params *params = node->params;
    const struct value *sources = &params->sources;
    if (node->depth > 0)
        return dsl_error(body, err, ERR_INVALID,
                         "[composite] aggregation cannot be used with a parent aggregation");
    if (sources->kind == VALUE_NONE)
        return dsl_error(body, err, ERR_INVALID, "Required [sources]");
    const struct value *items = sources->kind == VALUE_LIST ? sources->list->items : sources;
    size_t count = sources->kind == VALUE_LIST ? sources->list->count : 1;
    if (count == 0)
        return dsl_error(sources, err, ERR_INVALID, "Composite [sources] cannot be null or empty");
    if (count > TUPLE_PARTS_MAX)
        return dsl_error(sources, err, ERR_INVALID, "more than %u composite [sources]",
                         TUPLE_PARTS_MAX);
    params->specs = ARENA_ARRAY(dsl->mem, struct tuple_spec, count);
    params->spec_count = count;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != VALUE_MAP || items[i].map->count != 1)
            return dsl_error(&items[i], err, ERR_PARSE,
                             "a composite source is {\"name\": {\"type\": {…}}}");
        TRY(parse_source(node, &items[i].map->values[0], items[i].map->keys[0], dsl,
                         &params->specs[i], err));
    }
    TRY(check_names(params, sources, err));
    if (params->size <= 0)
        return dsl_error(body, err, ERR_INVALID,
                         "[size] must be greater than 0. Found [%lld] in [" STR_FMT "]",
                         (long long)params->size, STR_ARG(node->name));
    return check_after(params, err);
}

/* ---- The page before ---- */

static int after_date(const struct tuple_part *part, const struct value *v, struct agg_run *run,
                      int64_t *ret_ms, struct err *err)
{
    int64_t ns;
    struct str format = part->spec->source.format;
    if (v->kind == VALUE_INT && !format.p) {
        *ret_ms = v->i;
        return 0;
    }
    if (v->kind == VALUE_STR && !format.p && str_to_i64(v->s, ret_ms))
        return 0;
    TRY(dates_value(v, format.p ? format : part->source.field->format, part->source.zone,
                    run->now_ns, false, run->mem, &ns, err));
    *ret_ms = dates_ms_of_ns(ns);
    return 0;
}

static int after_text(const struct tuple_part *part, const struct value *v, struct agg_run *run,
                      struct tuple_edge *edge, struct err *err)
{
    uint8_t ip[IP_BYTES];
    if (v->kind != VALUE_STR)
        return dsl_error(v, err, ERR_INVALID, "invalid value, expected string, got %s",
                         value_kind_name(v));
    edge->text = v->s;
    if (part->source.field->type != FIELD_IP)
        return 0;
    if (!ip_parse(v->s, ip))
        return dsl_error(v, err, ERR_INVALID, "'" STR_FMT "' is not an IP string literal.",
                         STR_ARG(v->s));
    edge->text = arena_str(run->mem, (struct str){(const char *)ip, IP_BYTES});
    return 0;
}

static int after_number(struct tuple_part *part, const struct value *v, struct agg_run *run,
                        int64_t *ret_key, struct err *err)
{
    struct str text = value_to_str(run->mem, v);
    enum field_type type = part->source.field->type;
    double number;
    int64_t whole;
    if (type == FIELD_BOOLEAN) {
        if (!str_is(text, "true") && !str_is(text, "false"))
            return dsl_error(v, err, ERR_INVALID,
                             "Cannot parse boolean [" STR_FMT
                             "], expected either [true] or [false]",
                             STR_ARG(text));
        *ret_key = str_is(text, "true");
        return 0;
    }
    if (!str_to_f64(text, &number))
        return dsl_error(v, err, ERR_INVALID, "For input string: \"" STR_FMT "\"", STR_ARG(text));
    if (part->spec->kind == TUPLE_HISTOGRAM) {
        *ret_key = tuple_interval_of_key(part, number);
        return 0;
    }
    if (part->source.kind == COLUMN_DOUBLE) {
        *ret_key = tuple_key_of_double(number);
        return 0;
    }
    uint64_t u;
    if (type == FIELD_UNSIGNED_LONG && str_to_u64(text, &u))
        whole = (int64_t)(u ^ (UINT64_C(1) << 63));
    else if (!str_to_i64(text, &whole))
        whole = f64_to_i64(number);
    *ret_key = whole;
    return 0;
}

static int read_after(const struct composite_params *params, struct tuple_run *tuples,
                      struct agg_run *run, struct err *err)
{
    if (params->after.kind != VALUE_MAP)
        return 0;
    tuples->has_after = true;
    for (size_t i = 0; i < tuples->count; i++) {
        struct tuple_part *part = &tuples->parts[i];
        const struct value *v = value_map_get(&params->after, part->spec->name);
        part->after.is_missing = v->kind == VALUE_NULL;
        if (part->after_is_known || part->after.is_missing || !part->source.field)
            continue;
        if (part->spec->kind == TUPLE_DATE_HISTOGRAM)
            TRY(after_date(part, v, run, &part->after.key, err));
        else if (part->spec->kind == TUPLE_TERMS && part->source.kind == COLUMN_ORDINAL)
            TRY(after_text(part, v, run, &part->after, err));
        else
            TRY(after_number(part, v, run, &part->after.key, err));
        part->after_is_known = true;
    }
    return 0;
}

/* ---- Running ---- */

static int composite_begin(const struct agg_node *node, struct agg_run *run, void *own,
                           struct err *err)
{
    const struct composite_params *params = node->params;
    struct tuple_run *tuples = own;
    if ((uint64_t)params->size > run->bucket_count_max)
        return err_set(err, ERR_TOO_MANY_BUCKETS,
                       "Trying to create too many buckets. Must be less than or equal to: [%llu] "
                       "but was [%lld]. This limit can be set by changing the [search.max_buckets] "
                       "cluster level setting.",
                       (unsigned long long)run->bucket_count_max, (long long)params->size);
    if (!tuples->parts)
        tuple_run_init(tuples, params->specs, params->spec_count, run->mem);
    TRY(tuple_run_begin(tuples, node, run, err));
    TRY(read_after(params, tuples, run, err));
    tuple_run_place(tuples, node, run);
    return 0;
}

static struct tuple_set *set_of(const struct agg_node *node, void *state)
{
    const struct composite_params *params = node->params;
    struct composite_state *own = state;
    if (own->tuples.keep == 0)
        own->tuples.keep = own->tuples.full = (uint32_t)params->size;
    return &own->tuples;
}

static void composite_collect(const struct agg_node *node, struct agg_run *run, void *state,
                              const struct doc_block *block)
{
    tuple_set_collect(set_of(node, state), node_own(node, run), node, run, block);
}

static bool composite_collect_all(const struct agg_node *node, struct agg_run *run, void *state)
{
    return tuple_set_collect_all(set_of(node, state), node_own(node, run), node, run);
}

static bool composite_wants(const struct agg_node *node, struct agg_run *run, void *state,
                            uint32_t first)
{
    return tuple_set_wants(set_of(node, state), node_own(node, run), first);
}

static void composite_merge(const struct agg_node *node, struct agg_run *run, void *state,
                            struct agg_run *other, void *from)
{
    const struct composite_params *params = node->params;
    struct tuple_run *mine = node_own(node, run), *theirs = node_own(node, other);
    if (!theirs->parts)
        return;
    if (!mine->parts)
        tuple_run_init(mine, params->specs, params->spec_count, run->mem);
    tuple_set_merge(set_of(node, state), mine, node, run, set_of(node, from), theirs, other);
}

static struct value composite_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    struct tuple_run *tuples = node_own(node, run);
    struct tuple_set *set = set_of(node, state);
    uint32_t count = 0, *order = tuples->parts ? tuple_set_sorted(set, tuples, run, &count) : NULL;
    struct value buckets = value_list(run->mem, count), result = value_map(run->mem, 2);
    for (uint32_t i = 0; i < count && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 2 + node->child_count);
        struct value key = value_map(run->mem, tuples->count);
        for (size_t k = 0; k < tuples->count; k++)
            value_map_set(run->mem, &key, tuples->parts[k].spec->name,
                          tuple_print(set, tuples, order[i], k, false, run));
        value_map_set(run->mem, &map, STR("key"), key);
        bucket_print(node, run, &set->set.buckets[order[i]], &map);
        value_list_add(run->mem, &buckets, map);
        if (i + 1 == count)
            value_map_set(run->mem, &result, STR("after_key"), key);
    }
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

const struct bucket_type bucket_type_composite = {
    .name = "composite",
    .summary = "All buckets of a combination of sources, page by page.",
    .since = "0.1",
    .opts = composite_opts,
    .opts_size = sizeof(struct composite_params),
    .state_size = sizeof(struct composite_state),
    .run_size = sizeof(struct tuple_run),
    .parse = composite_parse,
    .begin = composite_begin,
    .collect = composite_collect,
    .collect_all = composite_collect_all,
    .wants = composite_wants,
    .merge = composite_merge,
    .result = composite_result,
};
