/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c: see pipeline.h. */
#include "query/buckets/pipeline.h"

#include <math.h>

#include "base/str.h"
#include "query/metric.h"

const char *const gap_policies[] = {"skip", "insert_zeros", NULL};

int pipeline_check(const struct agg_node *node, struct pipeline_params *params,
                   const struct value *body, struct err *err)
{
    const struct value *path = &params->buckets_path;
    if (path->kind == VALUE_LIST && path->list->count == 1)
        path = &path->list->items[0];
    if (path->kind == VALUE_NONE)
        return dsl_error(body, err, ERR_PARSE,
                         "Missing required field [buckets_path] for aggregation [" STR_FMT "]",
                         STR_ARG(node->name));
    if (path->kind != VALUE_STR)
        return dsl_error(path, err, ERR_PARSE, "[buckets_path] must be one path in [" STR_FMT "]",
                         STR_ARG(node->name));
    params->path = path->s;
    return 0;
}

struct str pipeline_path_head(struct str path, struct str *ret_rest)
{
    size_t n = 0;
    while (n < path.n && path.p[n] != '>' && path.p[n] != '.' && path.p[n] != '[')
        n++;
    *ret_rest = n < path.n ? str_from_off(path, n + 1) : STR("");
    if (str_ends_with(*ret_rest, STR("]")))
        ret_rest->n--;
    return str_sub(path, 0, n);
}

const struct value *pipeline_find(const struct value *map, struct str name)
{
    const struct value *found = value_map_get(map, name);
    for (size_t i = 0; !found && i < map->map->count; i++) {
        struct str key = map->map->keys[i];
        ptrdiff_t cut = str_find_char(key, '#');
        if (cut >= 0 && str_eq(str_from_off(key, (size_t)cut + 1), name))
            found = &map->map->values[i];
    }
    return found;
}

double pipeline_value(const struct value *bucket, struct str path, int gap_policy)
{
    const struct value *count = value_map_get_lit(bucket, "doc_count"), *at = bucket;
    bool is_empty = count && count->kind == VALUE_INT && count->i == 0;
    double v = NAN;
    if (str_is(path, "_count") || path.n == 0) {
        (void)value_to_f64(count, &v);
        return v;
    }
    while (at && at->kind == VALUE_MAP && !(at != bucket && metric_number(at, path, &v))) {
        struct str rest, name = pipeline_path_head(path, &rest);
        if (str_is(name, "_count")) {
            const struct value *docs = value_map_get_lit(at, "doc_count");
            if (docs)
                (void)value_to_f64(docs, &v);
            return v;
        }
        if (path.n == 0)
            break;
        at = pipeline_find(at, name);
        path = rest;
    }
    if (isfinite(v) && !is_empty)
        return v;
    return gap_policy == GAP_ZEROS ? 0 : NAN;
}

struct value pipeline_print(double v, struct str format, struct agg_run *run)
{
    struct value map = value_map(run->mem, 2);
    value_map_set(run->mem, &map, STR("value"), isfinite(v) ? value_float(v) : value_null());
    struct source printed = {.decimal_format = format};
    if (format.n && isfinite(v))
        value_map_set(run->mem, &map, STR("value_as_string"),
                      value_str(source_print_double(&printed, v, run->mem)));
    return map;
}

size_t pipeline_buckets(const struct value *result, struct value **ret_items)
{
    struct value *buckets = result->kind == VALUE_MAP ? value_map_get_lit(result, "buckets") : NULL;
    if (!buckets || (buckets->kind != VALUE_LIST && buckets->kind != VALUE_MAP))
        return 0;
    *ret_items = buckets->kind == VALUE_LIST ? buckets->list->items : buckets->map->values;
    return buckets->kind == VALUE_LIST ? buckets->list->count : buckets->map->count;
}
