/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_sort.c: the buckets of the aggregation above in another order, and only some of them. */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "query/buckets/pipeline.h"

#define BUCKET_SORTS_MAX 8u

struct bucket_sort_key {
    struct str path;
    bool is_desc;
};

struct bucket_sort_params {
    struct value sort;
    int64_t from, size;
    int gap_policy;
    struct bucket_sort_key keys[BUCKET_SORTS_MAX];
    size_t key_count;
};

static const struct opt bucket_sort_opts[] = {
    OPT_VALUE(struct bucket_sort_params, sort, .help = "A path, {path: {order}} or a list."),
    OPT_INT(struct bucket_sort_params, from, .dflt = "0", .help = "The first one shown."),
    OPT_INT(struct bucket_sort_params, size, .dflt = "-1", .help = "How many are shown."),
    {.name = "gap_policy",
     .kind = OPT_KIND_ENUM,
     .offset = offsetof(struct bucket_sort_params, gap_policy),
     .dflt = "skip",
     .choices = gap_policies,
     .help = "What a bucket without a value has: skip, insert_zeros."},
    OPT_END,
};

static int add_key(struct bucket_sort_params *params, const struct value *v, struct err *err)
{
    if (params->key_count == BUCKET_SORTS_MAX)
        return dsl_error(v, err, ERR_INVALID, "more than %u sorts", BUCKET_SORTS_MAX);
    struct bucket_sort_key *key = &params->keys[params->key_count++];
    if (v->kind == VALUE_STR) {
        key->path = v->s;
        return 0;
    }
    if (v->kind != VALUE_MAP || v->map->count != 1)
        return dsl_error(v, err, ERR_PARSE, "[sort] of [bucket_sort] must be paths");
    const struct value *order = &v->map->values[0];
    key->path = v->map->keys[0];
    if (order->kind == VALUE_MAP)
        order = value_map_get_lit(order, "order");
    if (!order)
        return 0;
    if (order->kind != VALUE_STR ||
        (!str_eq_nocase(order->s, STR("asc")) && !str_eq_nocase(order->s, STR("desc"))))
        return dsl_error(order, err, ERR_PARSE, "[order] must be asc or desc");
    key->is_desc = str_eq_nocase(order->s, STR("desc"));
    return 0;
}

static int bucket_sort_parse(struct agg_node *node, struct dsl *dsl UNUSED,
                             struct agg_tree *tree UNUSED, const struct value *body,
                             struct err *err)
{
    struct bucket_sort_params *params = node->params;
    const struct value *sort = &params->sort;
    bool is_list = sort->kind == VALUE_LIST;
    size_t count = is_list ? sort->list->count : sort->kind != VALUE_NONE;
    for (size_t i = 0; i < count; i++)
        TRY(add_key(params, is_list ? &sort->list->items[i] : sort, err));
    if (params->from < 0)
        return dsl_error(body, err, ERR_INVALID, "[from] must be a non-negative integer: [%lld]",
                         (long long)params->from);
    if (value_map_get_lit(body, "size") && params->size <= 0)
        return dsl_error(body, err, ERR_INVALID, "[size] must be a positive integer: [%lld]",
                         (long long)params->size);
    if (count == 0 && params->size < 0 && params->from == 0)
        return dsl_error(body, err, ERR_INVALID,
                         "[" STR_FMT "] is configured to perform nothing. Please set either of "
                         "[sort, size, from] to use bucket_sort",
                         STR_ARG(node->name));
    return 0;
}

static struct str path_of(const struct agg_node *node)
{
    const struct bucket_sort_params *params = node->params;
    return params->key_count ? params->keys[0].path : STR("");
}

struct row {
    struct value bucket;
    size_t at;
    double numbers[BUCKET_SORTS_MAX];
    struct str texts[BUCKET_SORTS_MAX]; /* of _key */
};

static int row_cmp(const void *a, const void *b, void *owner)
{
    const struct row *x = a, *y = b;
    const struct bucket_sort_params *params = owner;
    for (size_t i = 0; i < params->key_count; i++) {
        double p = x->numbers[i], q = y->numbers[i];
        if (isnan(p) && isnan(q)) {
            int cmp = x->texts[i].p && y->texts[i].p ? str_cmp(x->texts[i], y->texts[i]) : 0;
            if (cmp)
                return params->keys[i].is_desc ? -cmp : cmp;
            continue;
        }
        if (isnan(p) || isnan(q))
            return isnan(p) ? 1 : -1; /* those without a value come last either way */
        if (p != q)
            return (p < q) != params->keys[i].is_desc ? -1 : 1;
    }
    return (x->at > y->at) - (x->at < y->at);
}

/* False: the bucket has none of the values it should be sorted by. */
static bool fill_row(const struct bucket_sort_params *params, const struct value *bucket, size_t at,
                     struct row *row)
{
    bool has_any = params->key_count == 0;
    *row = (struct row){.bucket = *bucket, .at = at};
    for (size_t i = 0; i < params->key_count; i++) {
        const struct value *key = value_map_get_lit(bucket, "key");
        if (!str_is(params->keys[i].path, "_key")) {
            row->numbers[i] = pipeline_value(bucket, params->keys[i].path, params->gap_policy);
        } else {
            row->numbers[i] = NAN;
            if (key && key->kind == VALUE_STR)
                row->texts[i] = key->s;
            else if (key)
                (void)value_to_f64(key, &row->numbers[i]);
        }
        has_any = has_any || !isnan(row->numbers[i]) || row->texts[i].p;
    }
    return has_any;
}

static void bucket_sort_parent(const struct agg_node *node, struct agg_run *run,
                               struct value *result)
{
    struct bucket_sort_params *params = node->params;
    struct value *buckets = result->kind == VALUE_MAP ? value_map_get_lit(result, "buckets") : NULL;
    if (!buckets || buckets->kind != VALUE_LIST) {
        (void)agg_fail(run, ERR_UNSUPPORTED,
                       "bucket_sort [" STR_FMT "] needs a list of buckets above",
                       STR_ARG(node->name));
        return;
    }
    size_t count = 0;
    struct row *rows = ARENA_ARRAY(run->mem, struct row, buckets->list->count + 1);
    for (size_t i = 0; i < buckets->list->count; i++)
        count += fill_row(params, &buckets->list->items[i], i, &rows[count]);
    size_t from = MIN_OF((size_t)params->from, count);
    size_t shown = params->size < 0 ? count - from : MIN_OF((size_t)params->size, count - from);
    qsort_r(rows, count, sizeof(*rows), row_cmp, params);
    struct value list = value_list(run->mem, shown);
    for (size_t i = 0; i < shown; i++)
        value_list_add(run->mem, &list, rows[from + i].bucket);
    *buckets = list;
}

const struct bucket_type bucket_type_bucket_sort = {
    .name = "bucket_sort",
    .summary = "Buckets in the order of a value, and only some of them.",
    .since = "0.1",
    .opts = bucket_sort_opts,
    .opts_size = sizeof(struct bucket_sort_params),
    .is_leaf = true,
    .parse = bucket_sort_parse,
    .path = path_of,
    .parent = bucket_sort_parent,
};
