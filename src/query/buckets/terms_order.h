/* SPDX-License-Identifier: Apache-2.0 */
/* terms_order.h: the `order` of terms and multi_terms: by count, by key, by a metric below. */
#ifndef NARU_QUERY_BUCKETS_TERMS_ORDER_H
#define NARU_QUERY_BUCKETS_TERMS_ORDER_H

#include "query/agg_tree.h"

#define TERMS_ORDERS_MAX 8u

struct terms_order {
    struct str path; /* "_count", "_key", "agg", "agg.metric", "agg>sub.metric" */
    bool is_asc;
};

struct terms_orders {
    struct terms_order items[TERMS_ORDERS_MAX];
    size_t count;      /* 0: by count, most first */
    bool need_metrics; /* one is by a metric: the states below every bucket are looked at */
};

/* A bucket with what its orders need. */
struct terms_row {
    struct bucket *bucket;
    double *numbers; /* by order, of orders by a metric; NULL: there is none */
};

int terms_orders_parse(struct terms_orders *orders, const struct value *v,
                       struct err *err) WARN_UNUSED;
/* The metrics that are named exist. */
int terms_orders_check(const struct terms_orders *orders, const struct agg_node *node,
                       struct err *err) WARN_UNUSED;
void terms_orders_row(const struct terms_orders *orders, const struct agg_node *node,
                      struct agg_run *run, struct bucket *bucket, struct terms_row *row);
/* How two buckets' keys compare; decides ties, too. */
typedef int terms_key_cmp(const void *owner, const struct bucket *a, const struct bucket *b);
/* The best `shown` of `count` rows in order at the front; the others are left in no order: a heap
 * of so many, so that a million buckets are not sorted for ten. */
void terms_orders_best(const struct terms_orders *orders, struct terms_row *rows, size_t count,
                       size_t shown, terms_key_cmp *key_cmp, const void *owner);

#endif
