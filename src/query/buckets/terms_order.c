/* SPDX-License-Identifier: Apache-2.0 */
/* terms_order.c: which buckets come first; see terms_order.h. */
#include "query/buckets/terms_order.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "query/buckets/pipeline.h"
#include "query/metric.h"

static bool is_by_metric(const struct terms_order *order)
{
    return !str_is(order->path, "_key") && !str_is(order->path, "_count");
}

int terms_orders_parse(struct terms_orders *orders, const struct value *v, struct err *err)
{
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list->count; i++)
            TRY(terms_orders_parse(orders, &v->list->items[i], err));
        return 0;
    }
    if (v->kind != VALUE_MAP || v->map->count != 1)
        return dsl_error(v, err, ERR_PARSE, "Must specify at least one field for [order]");
    if (orders->count == TERMS_ORDERS_MAX)
        return dsl_error(v, err, ERR_INVALID, "more than %u orders", TERMS_ORDERS_MAX);
    struct terms_order *order = &orders->items[orders->count++];
    const struct value *direction = &v->map->values[0];
    order->path = v->map->keys[0];
    if (str_is(order->path, "_term") || str_is(order->path, "_time"))
        order->path = STR("_key");
    if (direction->kind != VALUE_STR ||
        (!str_eq_nocase(direction->s, STR("asc")) && !str_eq_nocase(direction->s, STR("desc"))))
        return dsl_error(direction, err, ERR_PARSE, "Unknown order direction [" STR_FMT "]",
                         STR_ARG(direction->kind == VALUE_STR ? direction->s : STR("?")));
    order->is_asc = str_eq_nocase(direction->s, STR("asc"));
    orders->need_metrics = orders->need_metrics || is_by_metric(order);
    return 0;
}

static int check_order_path(const struct agg_node *node, const struct terms_order *order,
                            struct err *err)
{
    if (!is_by_metric(order))
        return 0;
    struct str rest, name = pipeline_path_head(order->path, &rest);
    for (size_t i = 0; i < node->child_count; i++) {
        if (str_eq(node->children[i]->name, name))
            return 0;
    }
    return err_set(err, ERR_INVALID,
                   "Invalid aggregator order path [" STR_FMT "]. The provided aggregation [" STR_FMT
                   "] either does not exist, or is a pipeline aggregation and cannot be used to "
                   "sort the buckets.",
                   STR_ARG(order->path), STR_ARG(name));
}

int terms_orders_check(const struct terms_orders *orders, const struct agg_node *node,
                       struct err *err)
{
    for (size_t i = 0; i < orders->count; i++)
        TRY(check_order_path(node, &orders->items[i], err));
    return 0;
}

/* The aggregation that a path leads to. */
static const struct agg_node *leaf_of(const struct agg_node *node, struct str path)
{
    for (;;) {
        size_t i = 0;
        struct str rest, name = pipeline_path_head(path, &rest);
        while (i < node->child_count && !str_eq(node->children[i]->name, name))
            i++;
        if (i == node->child_count)
            return NULL;
        node = node->children[i];
        if (name.n == path.n || path.p[name.n] != '>')
            return node;
        path = rest;
    }
}

/* What a bucket without a value is sorted by: Elasticsearch's largest of no values is -Infinity,
 * its smallest Infinity, and other metrics are no number. */
static double of_no_values(const struct agg_node *node, struct str path, struct str key)
{
    if (key.n == 0 || str_is(key, "value")) {
        const struct agg_node *leaf = leaf_of(node, path);
        key = leaf ? leaf->type_name : key;
    }
    return str_is(key, "max") ? -INFINITY : str_is(key, "min") ? INFINITY : NAN;
}

/* "agg", "agg.metric", "agg[metric]", "agg>sub.metric" (through single buckets), "agg._count". */
static double order_number(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                           struct str path)
{
    struct str key, name = pipeline_path_head(path, &key);
    struct value result = bucket_child_result(node, run, bucket, name);
    double number = NAN;
    while (result.kind == VALUE_MAP && !metric_number(&result, key, &number)) {
        const struct value *metric = value_map_get(&result, key.n ? key : STR("value"));
        if (metric && metric->kind == VALUE_NULL)
            return of_no_values(node, path, key);
        const struct value *count = value_map_get_lit(&result, "doc_count");
        if (count && (key.n == 0 || str_is(key, "_count") || str_is(key, "doc_count"))) {
            (void)value_to_f64(count, &number);
            break;
        }
        size_t cut = 0;
        while (cut < key.n && key.p[cut] != '>' && key.p[cut] != '.')
            cut++;
        const struct value *below = value_map_get(&result, str_sub(key, 0, cut));
        if (!below)
            break;
        key = str_from_off(key, cut + 1);
        result = *below;
    }
    return number;
}

void terms_orders_row(const struct terms_orders *orders, const struct agg_node *node,
                      struct agg_run *run, struct bucket *bucket, struct terms_row *row)
{
    *row = (struct terms_row){.bucket = bucket};
    if (!orders->need_metrics)
        return;
    row->numbers = ARENA_ARRAY(run->mem, double, orders->count);
    for (size_t i = 0; i < orders->count; i++) {
        if (is_by_metric(&orders->items[i]))
            row->numbers[i] = order_number(node, run, bucket, orders->items[i].path);
    }
}

static int number_cmp(double a, double b, bool is_asc)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b); /* those without a number come last either way */
    int cmp = (a > b) - (a < b);
    return is_asc ? cmp : -cmp;
}

static int row_cmp(const struct terms_orders *orders, const struct terms_row *a,
                   const struct terms_row *b, terms_key_cmp *key_cmp, const void *owner)
{
    uint64_t a_count = a->bucket->doc_count, b_count = b->bucket->doc_count;
    for (size_t i = 0; i < orders->count; i++) {
        const struct terms_order *order = &orders->items[i];
        int cmp;
        if (str_is(order->path, "_key"))
            cmp = order->is_asc ? key_cmp(owner, a->bucket, b->bucket)
                                : key_cmp(owner, b->bucket, a->bucket);
        else if (str_is(order->path, "_count"))
            cmp = number_cmp((double)a_count, (double)b_count, order->is_asc);
        else
            cmp = number_cmp(a->numbers[i], b->numbers[i], order->is_asc);
        if (cmp)
            return cmp;
    }
    if (orders->count == 0 && a_count != b_count)
        return a_count > b_count ? -1 : 1;
    return key_cmp(owner, a->bucket, b->bucket);
}

struct row_order {
    const struct terms_orders *orders;
    terms_key_cmp *key_cmp;
    const void *owner;
};

static int by_order(const void *a, const void *b, void *owner)
{
    const struct row_order *order = owner;
    return row_cmp(order->orders, a, b, order->key_cmp, order->owner);
}

/* Puts rows[at] where it belongs in the heap, whose root is the worst row. */
static void row_down(struct terms_row *rows, size_t at, size_t count, struct row_order *order)
{
    struct terms_row row = rows[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && by_order(&rows[child + 1], &rows[child], order) > 0;
        if (by_order(&rows[child], &row, order) <= 0)
            break;
        rows[at] = rows[child];
    }
    rows[at] = row;
}

void terms_orders_best(const struct terms_orders *orders, struct terms_row *rows, size_t count,
                       size_t shown, terms_key_cmp *key_cmp, const void *owner)
{
    struct row_order order = {orders, key_cmp, owner};
    if (shown < count && shown > 0) {
        for (size_t i = shown / 2; i-- > 0;)
            row_down(rows, i, shown, &order);
        for (size_t i = shown; i < count; i++) {
            if (by_order(&rows[i], &rows[0], &order) < 0) {
                rows[0] = rows[i];
                row_down(rows, 0, shown, &order);
            }
        }
    }
    qsort_r(rows, shown, sizeof(*rows), by_order, &order);
}
