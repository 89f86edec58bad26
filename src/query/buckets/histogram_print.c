/* SPDX-License-Identifier: Apache-2.0 */
/* histogram_print.c: see histogram_print.h. */
#include "query/buckets/histogram_print.h"

#include <stdlib.h>

#include "base/str.h"

int histogram_order_parse(const struct value *v, enum histogram_order *ret_order, struct err *err)
{
    if (v->kind == VALUE_NONE)
        return 0;
    if (v->kind == VALUE_LIST && v->list->count > 0)
        v = &v->list->items[0];
    if (v->kind != VALUE_MAP || v->map->count != 1 || v->map->values[0].kind != VALUE_STR)
        return dsl_error(v, err, ERR_PARSE, "Must specify at least one field for [order]");
    struct str key = v->map->keys[0];
    bool is_desc = str_eq_nocase(v->map->values[0].s, STR("desc"));
    if (str_is(key, "_count"))
        *ret_order = is_desc ? ORDER_COUNT_DESC : ORDER_COUNT_ASC;
    else if (str_is(key, "_key") || str_is(key, "_time"))
        *ret_order = is_desc ? ORDER_KEY_DESC : ORDER_KEY_ASC;
    else
        return dsl_error(v, err, ERR_UNSUPPORTED,
                         "ordering a histogram by [" STR_FMT "] is not supported yet",
                         STR_ARG(key));
    return 0;
}

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct bucket *)a)->key, y = ((const struct bucket *)b)->key;
    return (x > y) - (x < y);
}

static int by_order(const void *a, const void *b, void *owner)
{
    const struct bucket *x = *(struct bucket *const *)a, *y = *(struct bucket *const *)b;
    enum histogram_order order = *(enum histogram_order *)owner;
    if (order == ORDER_KEY_DESC)
        return by_key(y, x);
    if (order != ORDER_KEY_ASC && x->doc_count != y->doc_count)
        return (x->doc_count < y->doc_count ? -1 : 1) * (order == ORDER_COUNT_ASC ? 1 : -1);
    return by_key(x, y);
}

/* Buckets in order of their keys, with empty ones in the gaps when min_doc_count is 0. */
static struct bucket **rows_of(struct histogram_view *view, struct agg_run *run, size_t *ret_count)
{
    struct bucket_set *set = view->set;
    if (set->count)
        qsort(set->buckets, set->count, sizeof(*set->buckets), by_key);
    size_t capacity = set->count + 16, count = 0;
    struct bucket **rows = ARENA_ARRAY(run->mem, struct bucket *, capacity);
    uint32_t at = 0;
    bool fills = view->min_doc_count == 0;
    int64_t key = set->count ? set->buckets[0].key : view->min,
            last = set->count ? set->buckets[set->count - 1].key : view->max;
    if (fills && view->has_min)
        key = MIN_OF(key, view->min);
    if (fills && view->has_max)
        last = MAX_OF(last, view->max);
    if (!set->count && !(fills && view->has_min && view->has_max))
        last = key - 1;
    while (key <= last && count <= run->bucket_count_max) {
        bool is_there = at < set->count && set->buckets[at].key == key;
        struct bucket *bucket = is_there ? &set->buckets[at++] : NULL;
        if (!bucket && fills) {
            bucket = ARENA_NEW(run->mem, struct bucket);
            bucket->key = key;
        }
        if (bucket && bucket->doc_count >= view->min_doc_count) {
            if (count == capacity) {
                rows = arena_realloc(run->mem, rows, capacity * sizeof(*rows),
                                     2 * capacity * sizeof(*rows));
                capacity *= 2;
            }
            rows[count++] = bucket;
        }
        if (!fills) {
            if (at >= set->count)
                break;
            key = set->buckets[at].key;
            continue;
        }
        int64_t next = view->next(view->owner, key);
        if (at < set->count && set->buckets[at].key < next)
            next = set->buckets[at].key;
        if (next <= key)
            break;
        key = next;
    }
    *ret_count = count;
    return rows;
}

struct value histogram_print(struct histogram_view *view, struct agg_run *run)
{
    size_t count;
    struct bucket **rows = rows_of(view, run, &count);
    if (view->order != ORDER_KEY_ASC)
        qsort_r(rows, count, sizeof(*rows), by_order, &view->order);
    struct value buckets = view->keyed ? value_map(run->mem, count) : value_list(run->mem, count);
    for (size_t i = 0; i < count && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 3 + view->node->child_count);
        struct str name = view->print_key(view->owner, rows[i]->key, run, &map);
        bucket_print(view->node, run, rows[i], &map);
        if (view->keyed)
            value_map_set(run->mem, &buckets, name, map);
        else
            value_list_add(run->mem, &buckets, map);
    }
    struct value result = value_map(run->mem, 1);
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}
