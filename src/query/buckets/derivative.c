/* SPDX-License-Identifier: Apache-2.0 */
/* derivative.c: by how much a value of a histogram's bucket differs from the bucket before;
 * cumulative_sum: all values up to the bucket. */
#include <math.h>

#include "base/str.h"
#include "query/buckets/pipeline.h"

struct derivative_params {
    struct pipeline_params pipeline;
    struct str unit;
    int64_t unit_ms; /* 0: none */
};

static const struct opt derivative_opts[] = {
    PIPELINE_OPTS(struct derivative_params, pipeline),
    OPT_STR(struct derivative_params, unit,
            .help = "Also per unit of time: second, minute, hour, day, week, or 30s, 5m."),
    OPT_END,
};
static const struct opt cumulative_sum_opts[] = {
    PIPELINE_OPTS(struct derivative_params, pipeline),
    OPT_END,
};

static bool unit_parse(struct str text, int64_t *ret_ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"second", 1000},    {"1s", 1000},     {"minute", 60000}, {"1m", 60000},
                 {"hour", 3600000},   {"1h", 3600000},  {"day", 86400000}, {"1d", 86400000},
                 {"week", 604800000}, {"1w", 604800000}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_eq(text, str_from(units[i].name))) {
            *ret_ms = units[i].ms;
            return true;
        }
    }
    int64_t ns;
    bool is_duration = str_to_duration(text, &ns) && ns >= NS_PER_MS;
    *ret_ms = is_duration ? ns / NS_PER_MS : 0;
    return is_duration;
}

static int derivative_parse(struct agg_node *node, struct dsl *dsl UNUSED,
                            struct agg_tree *tree UNUSED, const struct value *body, struct err *err)
{
    struct derivative_params *params = node->params;
    if (params->unit.p && !unit_parse(params->unit, &params->unit_ms))
        return dsl_error(body, err, ERR_INVALID,
                         "[unit] [" STR_FMT "] of [" STR_FMT "] is not supported",
                         STR_ARG(params->unit), STR_ARG(node->name));
    return pipeline_check(node, &params->pipeline, body, err);
}

static struct str path_of(const struct agg_node *node)
{
    const struct derivative_params *params = node->params;
    return params->pipeline.path;
}

static void derivative_parent(const struct agg_node *node, struct agg_run *run,
                              struct value *result)
{
    const struct derivative_params *params = node->params;
    struct value *items;
    size_t count = pipeline_buckets(result, &items);
    double before = NAN, before_key = NAN;
    struct str name = agg_printed_name(node, run);
    for (size_t i = 0; i < count; i++) {
        double v = pipeline_value(&items[i], params->pipeline.path, params->pipeline.gap_policy);
        double key = NAN;
        const struct value *shown = value_map_get_lit(&items[i], "key");
        if (shown)
            (void)value_to_f64(shown, &key);
        if (i > 0) {
            struct value out = pipeline_print(v - before, params->pipeline.format, run);
            double per_unit = (v - before) * (double)params->unit_ms / (key - before_key);
            if (params->unit_ms)
                value_map_set(run->mem, &out, STR("normalized_value"),
                              isfinite(per_unit) ? value_float(per_unit) : value_null());
            value_map_set(run->mem, &items[i], name, out);
        }
        before = v;
        before_key = key;
    }
}

static void cumulative_sum_parent(const struct agg_node *node, struct agg_run *run,
                                  struct value *result)
{
    const struct derivative_params *params = node->params;
    struct value *items;
    size_t count = pipeline_buckets(result, &items);
    double sum = 0;
    struct str name = agg_printed_name(node, run);
    for (size_t i = 0; i < count; i++) {
        sum += pipeline_value(&items[i], params->pipeline.path, GAP_ZEROS);
        value_map_set(run->mem, &items[i], name, pipeline_print(sum, params->pipeline.format, run));
    }
}

static const char *simple_value(const struct agg_node *node UNUSED, struct agg_run *run UNUSED)
{
    return "simple_value";
}

const struct bucket_type bucket_type_derivative = {
    .name = "derivative",
    .summary = "The difference to the bucket before.",
    .since = "0.1",
    .opts = derivative_opts,
    .opts_size = sizeof(struct derivative_params),
    .is_leaf = true,
    .needs_histogram = true,
    .parse = derivative_parse,
    .path = path_of,
    .parent = derivative_parent,
};
const struct bucket_type bucket_type_cumulative_sum = {
    .name = "cumulative_sum",
    .summary = "The sum of the buckets so far.",
    .since = "0.1",
    .opts = cumulative_sum_opts,
    .opts_size = sizeof(struct derivative_params),
    .is_leaf = true,
    .needs_histogram = true,
    .parse = derivative_parse,
    .path = path_of,
    .parent = cumulative_sum_parent,
    .typed_name = simple_value,
};
