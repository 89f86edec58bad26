/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_metrics.c: one number over a value of all buckets of an aggregation beside it: avg_bucket,
 * max_bucket, min_bucket, sum_bucket, stats_bucket. */
#include <math.h>

#include "base/str.h"
#include "query/buckets/pipeline.h"

static const struct opt bucket_metric_opts[] = {
    {.name = "buckets_path",
     .kind = OPT_KIND_VALUE,
     .offset = offsetof(struct pipeline_params, buckets_path),
     .help = "aggregation>metric."},
    {.name = "format",
     .kind = OPT_KIND_STR,
     .offset = offsetof(struct pipeline_params, format),
     .help = "How values are printed as text: 0.00."},
    {.name = "gap_policy",
     .kind = OPT_KIND_ENUM,
     .offset = offsetof(struct pipeline_params, gap_policy),
     .dflt = "skip",
     .choices = gap_policies,
     .help = "What a bucket without a value has: skip, insert_zeros."},
    OPT_END,
};

struct tally {
    uint64_t count;
    double sum, min, max;
};

static int bucket_metric_parse(struct agg_node *node, struct dsl *dsl UNUSED,
                               struct agg_tree *tree UNUSED, const struct value *body,
                               struct err *err)
{
    return pipeline_check(node, node->params, body, err);
}

static struct str path_of(const struct agg_node *node)
{
    const struct pipeline_params *params = node->params;
    return params->path;
}

/* The buckets beside, and the path within each. */
static size_t buckets_of(const struct agg_node *node, const struct value *map,
                         struct value **ret_items, struct str *ret_path)
{
    const struct value *found = pipeline_find(map, pipeline_path_head(path_of(node), ret_path));
    return found ? pipeline_buckets(found, ret_items) : 0;
}

static struct tally tally_of(const struct agg_node *node, const struct value *map)
{
    const struct pipeline_params *params = node->params;
    struct tally tally = {.min = INFINITY, .max = -INFINITY};
    struct value *items = NULL;
    struct str path;
    size_t count = buckets_of(node, map, &items, &path);
    for (size_t i = 0; i < count; i++) {
        double v = pipeline_value(&items[i], path, params->gap_policy);
        if (isnan(v))
            continue;
        tally.count++;
        tally.sum += v;
        tally.min = fmin(tally.min, v);
        tally.max = fmax(tally.max, v);
    }
    return tally;
}

static struct value avg_result(const struct agg_node *node, struct agg_run *run,
                               const struct value *map)
{
    const struct pipeline_params *params = node->params;
    struct tally tally = tally_of(node, map);
    return pipeline_print(tally.count ? tally.sum / (double)tally.count : NAN, params->format, run);
}

static struct value sum_result(const struct agg_node *node, struct agg_run *run,
                               const struct value *map)
{
    const struct pipeline_params *params = node->params;
    return pipeline_print(tally_of(node, map).sum, params->format, run);
}

/* The keys of the buckets that have the value, as text. */
static struct value extreme(const struct agg_node *node, struct agg_run *run,
                            const struct value *map, double v)
{
    const struct pipeline_params *params = node->params;
    struct value *items = NULL, keys = value_list(run->mem, 1);
    struct str path;
    size_t count = buckets_of(node, map, &items, &path);
    const struct value *found = pipeline_find(map, pipeline_path_head(path_of(node), &path));
    const struct value *buckets = found ? value_map_get_lit(found, "buckets") : NULL;
    for (size_t i = 0; i < count; i++) {
        if (pipeline_value(&items[i], path, params->gap_policy) != v)
            continue;
        const struct value *text = value_map_get_lit(&items[i], "key_as_string"),
                           *key = value_map_get_lit(&items[i], "key");
        const struct value *shown = text ? text : key;
        value_list_add(run->mem, &keys,
                       buckets->kind == VALUE_MAP ? value_str(buckets->map->keys[i])
                       : shown                    ? value_str(value_to_str(run->mem, shown))
                                                  : value_null());
    }
    struct value out = pipeline_print(v, params->format, run);
    value_map_set(run->mem, &out, STR("keys"), keys);
    return out;
}

static struct value max_result(const struct agg_node *node, struct agg_run *run,
                               const struct value *map)
{
    return extreme(node, run, map, tally_of(node, map).max);
}

static struct value min_result(const struct agg_node *node, struct agg_run *run,
                               const struct value *map)
{
    return extreme(node, run, map, tally_of(node, map).min);
}

static struct value stats_result(const struct agg_node *node, struct agg_run *run,
                                 const struct value *map)
{
    const struct pipeline_params *params = node->params;
    struct tally tally = tally_of(node, map);
    struct value out = value_map(run->mem, 9);
    double numbers[] = {tally.min, tally.max, tally.sum / (double)tally.count, tally.sum};
    static const char *const names[] = {"min", "max", "avg", "sum"};
    static const char *const texts[] = {"min_as_string", "max_as_string", "avg_as_string",
                                        "sum_as_string"};
    struct source printed = {.decimal_format = params->format};
    value_map_set(run->mem, &out, STR("count"), value_int((int64_t)tally.count));
    for (size_t i = 0; i < 4; i++)
        value_map_set(run->mem, &out, str_from(names[i]),
                      isfinite(numbers[i]) ? value_float(numbers[i]) : value_null());
    for (size_t i = 0; params->format.n && tally.count && i < 4; i++)
        value_map_set(run->mem, &out, str_from(texts[i]),
                      value_str(source_print_double(&printed, numbers[i], run->mem)));
    return out;
}

static const char *simple_value(const struct agg_node *node UNUSED, struct agg_run *run UNUSED)
{
    return "simple_value";
}

static const char *bucket_metric_value(const struct agg_node *node UNUSED,
                                       struct agg_run *run UNUSED)
{
    return "bucket_metric_value";
}

const struct bucket_type bucket_type_avg_bucket = {
    .name = "avg_bucket",
    .summary = "The mean of a value over buckets.",
    .since = "0.1",
    .opts = bucket_metric_opts,
    .opts_size = sizeof(struct pipeline_params),
    .is_leaf = true,
    .parse = bucket_metric_parse,
    .path = path_of,
    .sibling = avg_result,
    .typed_name = simple_value,
};
const struct bucket_type bucket_type_sum_bucket = {
    .name = "sum_bucket",
    .summary = "The sum of a value over buckets.",
    .since = "0.1",
    .opts = bucket_metric_opts,
    .opts_size = sizeof(struct pipeline_params),
    .is_leaf = true,
    .parse = bucket_metric_parse,
    .path = path_of,
    .sibling = sum_result,
    .typed_name = simple_value,
};
const struct bucket_type bucket_type_max_bucket = {
    .name = "max_bucket",
    .summary = "The largest value over buckets, and where.",
    .since = "0.1",
    .opts = bucket_metric_opts,
    .opts_size = sizeof(struct pipeline_params),
    .is_leaf = true,
    .parse = bucket_metric_parse,
    .path = path_of,
    .sibling = max_result,
    .typed_name = bucket_metric_value,
};
const struct bucket_type bucket_type_min_bucket = {
    .name = "min_bucket",
    .summary = "The smallest value over buckets, and where.",
    .since = "0.1",
    .opts = bucket_metric_opts,
    .opts_size = sizeof(struct pipeline_params),
    .is_leaf = true,
    .parse = bucket_metric_parse,
    .path = path_of,
    .sibling = min_result,
    .typed_name = bucket_metric_value,
};
const struct bucket_type bucket_type_stats_bucket = {
    .name = "stats_bucket",
    .summary = "Count, min, max, avg and sum over buckets.",
    .since = "0.1",
    .opts = bucket_metric_opts,
    .opts_size = sizeof(struct pipeline_params),
    .is_leaf = true,
    .parse = bucket_metric_parse,
    .path = path_of,
    .sibling = stats_result,
};
