/* SPDX-License-Identifier: Apache-2.0 */
/* terms_order_test.c: orders as bodies have them, the number a path finds in a result, and the best
 * rows against a sort by hand of all of them. */
#include "support/test.h"

#include <math.h>

#include "query/buckets/terms_order.h"

static int parse(struct test *t, const char *json, struct terms_orders *orders)
{
    struct value v;
    *orders = (struct terms_orders){0};
    assert_ok(value_from_json(str_from(json), t->mem, &v, &t->err), &t->err);
    return terms_orders_parse(orders, &v, &t->err);
}

static void orders_are_read(struct test *t)
{
    static const struct {
        const char *json, *paths; /* "+" ascending, "-" descending before each */
        bool need_metrics;
    } rows[] = {
        {"{\"_count\":\"asc\"}", "+_count", false},
        {"{\"_key\":\"DESC\"}", "-_key", false},
        {"{\"_term\":\"asc\"}", "+_key", false}, /* names of old */
        {"{\"_time\":\"desc\"}", "-_key", false},
        {"{\"s.avg\":\"desc\"}", "-s.avg", true},
        {"[{\"_key\":\"asc\"},{\"s\":\"Asc\"},{\"_count\":\"desc\"}]", "+_key +s -_count", true},
        {"[]", "", false},
        {"[{\"1\":\"asc\"},{\"2\":\"asc\"},{\"3\":\"asc\"},{\"4\":\"asc\"},{\"5\":\"asc\"},"
         "{\"6\":\"asc\"},{\"7\":\"asc\"},{\"8\":\"asc\"}]",
         "+1 +2 +3 +4 +5 +6 +7 +8", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct terms_orders orders;
        struct str paths = STR("");
        assert_ok(parse(t, rows[i].json, &orders), &t->err);
        for (size_t k = 0; k < orders.count; k++)
            paths = arena_printf(t->mem, STR_FMT "%s%c" STR_FMT, STR_ARG(paths), k ? " " : "",
                                 orders.items[k].is_asc ? '+' : '-', STR_ARG(orders.items[k].path));
        assert_str_eq(paths, rows[i].paths);
        assert_int_equal(orders.need_metrics, rows[i].need_metrics);
    }
}

static void other_orders_are_refused(struct test *t)
{
    static const struct {
        const char *json;
        enum err_code code;
        const char *why;
    } rows[] = {
        {"\"_key\"", ERR_PARSE, "Must specify at least one field for [order]"},
        {"{}", ERR_PARSE, "Must specify at least one field for [order]"},
        {"{\"a\":\"asc\",\"b\":\"asc\"}", ERR_PARSE, "at least one field for [order]"},
        {"[{\"a\":\"asc\"},7]", ERR_PARSE, "at least one field for [order]"},
        {"{\"_key\":\"up\"}", ERR_PARSE, "Unknown order direction [up]"},
        {"{\"_key\":true}", ERR_PARSE, "Unknown order direction [?]"},
        {"[{\"1\":\"asc\"},{\"2\":\"asc\"},{\"3\":\"asc\"},{\"4\":\"asc\"},{\"5\":\"asc\"},"
         "{\"6\":\"asc\"},{\"7\":\"asc\"},{\"8\":\"asc\"},{\"9\":\"asc\"}]",
         ERR_INVALID, "more than 8 orders"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct terms_orders orders;
        assert_err(parse(t, rows[i].json, &orders), &t->err, rows[i].code);
        assert_err_has(&t->err, rows[i].why);
    }
}

/* ---- The number a path finds ---- */

/* An aggregation whose state is its result. */
static struct value shown_state(const struct agg_node *node UNUSED, struct agg_run *run UNUSED,
                                void *state)
{
    return *(const struct value *)state;
}

static const struct bucket_type shown_type = {.name = "shown", .result = shown_state};

static struct agg_node *node_with(struct test *t, const char *child)
{
    struct agg_node *node = ARENA_NEW(t->mem, struct agg_node);
    node->children = ARENA_ARRAY(t->mem, struct agg_node *, 1);
    node->children[0] = ARENA_NEW(t->mem, struct agg_node);
    *node->children[0] = (struct agg_node){
        .type = &shown_type, .name = str_from(child), .state_size = sizeof(struct value)};
    node->child_count = 1;
    return node;
}

static void paths_find_numbers(struct test *t)
{
#define FILTERED "{\"doc_count\":5,\"s\":{\"value\":7},\"t\":{\"doc_count\":2,\"u\":{\"avg\":9}}}"
    static const struct {
        const char *path, *result; /* of the aggregation "a" */
        double number;
    } rows[] = {
        {"a", "{\"value\":3}", 3},
        {"a.value", "{\"value\":-2.5}", -2.5},
        {"a", "{\"value\":null}", NAN},
        {"a.avg", "{\"avg\":1.25,\"min\":1}", 1.25},
        {"a[min]", "{\"avg\":1.25,\"min\":1}", 1},
        {"a.max", "{\"avg\":1.25,\"min\":1}", NAN},
        {"a.max", "{\"max\":null}", -INFINITY},
        {"a.min", "{\"min\":null}", INFINITY},
        {"a.avg", "{\"avg\":null}", NAN},
        {"a.50", "{\"values\":{\"50.0\":12,\"99.9\":13}}", 12},
        {"a[99.9]", "{\"values\":{\"50.0\":12,\"99.9\":13}}", 13},
        {"a.99.9", "{\"values\":{\"50.0\":12,\"99.9\":13}}", 13},
        {"a", FILTERED, 5}, /* single buckets: their count */
        {"a._count", FILTERED, 5},
        {"a.doc_count", FILTERED, 5},
        {"a>s", FILTERED, 7},
        {"a>s.value", FILTERED, 7},
        {"a>t", FILTERED, 2},
        {"a>t>u.avg", FILTERED, 9},
        {"a>t>_count", FILTERED, 2},
        {"a>nope", FILTERED, NAN},
        {"a>t>u.max", FILTERED, NAN},
        {"b", "{\"value\":3}", NAN},
    };
    struct agg_run run = {.mem = t->mem};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct agg_node *node = node_with(t, "a");
        struct terms_orders orders = {.count = 2, .need_metrics = true};
        orders.items[0].path = STR("_key");
        orders.items[1].path = str_from(rows[i].path);
        struct bucket bucket = {.doc_count = 1};
        struct terms_row row;
        assert_ok(value_from_json(str_from(rows[i].result), t->mem,
                                  bucket_child_state(node, &run, &bucket, 0), &t->err),
                  &t->err);
        terms_orders_row(&orders, node, &run, &bucket, &row);
        double number = row.numbers[1];
        if (number != rows[i].number && !(isnan(number) && isnan(rows[i].number)))
            fail_msg("%s of %s: %g", rows[i].path, rows[i].result, number);
    }
}

static void paths_must_begin_with_a_child(struct test *t)
{
    static const char *const good[] = {"_key", "_count", "a", "a.avg", "a[avg]", "a>b.c"};
    static const char *const bad[] = {"b", "aa", "b.a", "", ">a", "_doc"};
    const struct agg_node *node = node_with(t, "a");
    struct terms_orders orders = {.items[0].path = STR("a"), .count = 2};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        orders.items[1].path = str_from(good[i]);
        assert_ok(terms_orders_check(&orders, node, &t->err), &t->err);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        orders.items[1].path = str_from(bad[i]);
        assert_err(terms_orders_check(&orders, node, &t->err), &t->err, ERR_INVALID);
        assert_err_has(&t->err,
                       arena_printf(t->mem, "Invalid aggregator order path [%s].", bad[i]).p);
    }
}

/* ---- The best rows ---- */

#define ROWS_MAX 60u

static int by_key(const void *owner UNUSED, const struct bucket *a, const struct bucket *b)
{
    return (a->key > b->key) - (a->key < b->key);
}

/* What an order looks at; the larger the better. Rows without a number are behind all others. */
static double rank_of(const struct terms_order *order, const struct terms_row *row, size_t i)
{
    double v = str_eq(order->path, STR("_key"))     ? (double)row->bucket->key
               : str_eq(order->path, STR("_count")) ? (double)row->bucket->doc_count
                                                    : row->numbers[i];
    return isnan(v) ? -INFINITY : order->is_asc ? -v : v;
}

static bool is_before(const struct terms_orders *orders, const struct terms_row *a,
                      const struct terms_row *b)
{
    static const struct terms_orders by_count = {.items[0].path = {"_count", 6}, .count = 1};
    orders = orders->count ? orders : &by_count;
    for (size_t i = 0; i < orders->count; i++) {
        double x = rank_of(&orders->items[i], a, i), y = rank_of(&orders->items[i], b, i);
        if (x != y)
            return x > y;
    }
    return a->bucket->key < b->bucket->key;
}

static void draw_orders(struct test *t, struct terms_orders *orders)
{
    static const char *const paths[] = {"_key", "_count", "s", "t"};
    *orders = (struct terms_orders){.count = rng_below(&t->rng, 4)};
    for (size_t i = 0; i < orders->count; i++) {
        orders->items[i].path = str_from(paths[rng_below(&t->rng, ARRAY_COUNT(paths))]);
        orders->items[i].is_asc = rng_below(&t->rng, 2);
    }
}

static void draw_rows(struct test *t, struct terms_row *rows, struct bucket *buckets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buckets[i] = (struct bucket){.key = (int64_t)i - 20, .doc_count = rng_below(&t->rng, 4)};
        rows[i] = (struct terms_row){&buckets[i], ARENA_ARRAY(t->mem, double, TERMS_ORDERS_MAX)};
        for (size_t k = 0; k < TERMS_ORDERS_MAX; k++)
            rows[i].numbers[k] =
                rng_below(&t->rng, 4) ? (double)rng_between(&t->rng, -2, 2) / 2 : NAN;
        size_t other = rng_below(&t->rng, i + 1);
        struct terms_row row = rows[i];
        rows[i] = rows[other];
        rows[other] = row;
    }
}

static void best_rows_are_those_of_a_sort(struct test *t)
{
    struct terms_row rows[ROWS_MAX], sorted[ROWS_MAX];
    struct bucket buckets[ROWS_MAX];
    for (int round = 0; round < 4000; round++) {
        struct terms_orders orders;
        size_t count = rng_below(&t->rng, ROWS_MAX + 1), shown = rng_below(&t->rng, count + 1);
        draw_orders(t, &orders);
        draw_rows(t, rows, buckets, count);
        for (size_t i = 0; i < count; i++) {
            size_t at = i;
            for (; at > 0 && is_before(&orders, &rows[i], &sorted[at - 1]); at--)
                sorted[at] = sorted[at - 1];
            sorted[at] = rows[i];
        }
        terms_orders_best(&orders, rows, count, shown, by_key, NULL);
        for (size_t i = 0; i < shown; i++)
            assert_int_equal(rows[i].bucket->key, sorted[i].bucket->key);
    }
}

TEST_MAIN(TEST(orders_are_read), TEST(other_orders_are_refused), TEST(paths_find_numbers),
          TEST(paths_must_begin_with_a_child), TEST(best_rows_are_those_of_a_sort))
