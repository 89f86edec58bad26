/* SPDX-License-Identifier: Apache-2.0 */
/* multi_terms.c: a bucket per combination of values of several fields, with exact counts. The work
 * is in tuples.c. */

#include "base/str.h"
#include "event/options.h"
#include "query/buckets/terms_order.h"
#include "query/buckets/tuples.h"

struct multi_terms_params {
    struct value terms, order;
    int64_t size, shard_size, min_doc_count, shard_min_doc_count;
    bool show_term_doc_count_error;
    struct str collect_mode;
    struct terms_orders orders;
    struct tuple_spec *specs;
    size_t spec_count;
};

struct multi_terms_state {
    struct tuple_set tuples;
};

static const struct opt multi_terms_opts[] = {
    OPT_VALUE(struct multi_terms_params, terms,
              .help = "[{\"field\": …, \"missing\": …}, …]: at least two."),
    OPT_INT(struct multi_terms_params, size, .dflt = "10",
            .help = "How many buckets are returned."),
    OPT_INT(struct multi_terms_params, shard_size, .dflt = "-1",
            .help = "Accepted; counts are exact anyway."),
    OPT_INT(struct multi_terms_params, min_doc_count, .dflt = "1",
            .help = "Buckets with fewer documents are left out."),
    OPT_INT(struct multi_terms_params, shard_min_doc_count, .dflt = "0",
            .help = "Accepted; counts are exact anyway."),
    OPT_BOOL(struct multi_terms_params, show_term_doc_count_error,
             .help = "Print the error of each count, which is 0."),
    OPT_VALUE(struct multi_terms_params, order,
              .help =
                  "{\"_count\": \"desc\"}, {\"_key\": \"asc\"}, {\"agg.metric\": …} or a list."),
    OPT_STR(struct multi_terms_params, collect_mode, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

static const struct opt field_opts[] = {
    SOURCE_OPTS(struct tuple_spec, source),
    SOURCE_OPT_FORMAT(struct tuple_spec, source),
    OPT_END,
};

static int parse_fields(struct agg_node *node, struct dsl *dsl, struct err *err)
{
    struct multi_terms_params *params = node->params;
    const struct value *terms = &params->terms;
    size_t count = terms->kind == VALUE_LIST ? terms->list->count : 0;
    if (count < 2)
        return dsl_error(terms, err, ERR_INVALID,
                         "The [terms] parameter in the aggregation [" STR_FMT
                         "] must be present and have at least 2 fields or scripts.",
                         STR_ARG(node->name));
    if (count > TUPLE_PARTS_MAX)
        return dsl_error(terms, err, ERR_INVALID, "more than %u fields in [terms]",
                         TUPLE_PARTS_MAX);
    params->specs = ARENA_ARRAY(dsl->mem, struct tuple_spec, count);
    params->spec_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct value *body = &terms->list->items[i];
        if (body->kind != VALUE_MAP)
            return dsl_error(body, err, ERR_PARSE, "[terms] must be a list of objects");
        for (size_t k = 0; k < body->map->count; k++) {
            if (!opt_find(field_opts, body->map->keys[k]))
                return dsl_error(&body->map->values[k], err, ERR_PARSE,
                                 "[multi_terms] unknown field [" STR_FMT "]",
                                 STR_ARG(body->map->keys[k]));
        }
        if (options_fill(field_opts, &params->specs[i], body, OPTIONS_JSON, dsl->mem, NULL, NULL,
                         NULL, err) < 0)
            return err_wrap(err, "[multi_terms]");
        TRY(tuple_spec_check(node, &params->specs[i], body, err));
    }
    return 0;
}

static int multi_terms_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree UNUSED,
                             const struct value *body, struct err *err)
{
    struct multi_terms_params *params = node->params;
    TRY(parse_fields(node, dsl, err));
    if (params->size <= 0)
        return dsl_error(body, err, ERR_INVALID,
                         "[size] must be greater than 0. Found [%lld] in [" STR_FMT "]",
                         (long long)params->size, STR_ARG(node->name));
    if (params->min_doc_count < 1)
        return dsl_error(body, err, ERR_INVALID,
                         "[minDocCount] must be greater than 0. Found [%lld] in [" STR_FMT "]",
                         (long long)params->min_doc_count, STR_ARG(node->name));
    return params->order.kind == VALUE_NONE
               ? 0
               : terms_orders_parse(&params->orders, &params->order, err);
}

/* ---- Running ---- */

static int multi_terms_begin(const struct agg_node *node, struct agg_run *run, void *own,
                             struct err *err)
{
    const struct multi_terms_params *params = node->params;
    struct tuple_run *tuples = own;
    TRY(terms_orders_check(&params->orders, node, err));
    if (!tuples->parts)
        tuple_run_init(tuples, params->specs, params->spec_count, run->mem);
    tuples->is_distinct = true;
    TRY(tuple_run_begin(tuples, node, run, err));
    tuple_run_place(tuples, node, run);
    return 0;
}

static void multi_terms_collect(const struct agg_node *node, struct agg_run *run, void *state,
                                const struct doc_block *block)
{
    struct multi_terms_state *own = state;
    tuple_set_collect(&own->tuples, node_own(node, run), node, run, block);
}

static void multi_terms_merge(const struct agg_node *node, struct agg_run *run, void *state,
                              struct agg_run *other, void *from)
{
    const struct multi_terms_params *params = node->params;
    struct tuple_run *mine = node_own(node, run), *theirs = node_own(node, other);
    struct multi_terms_state *own = state, *more = from;
    if (!theirs->parts)
        return;
    if (!mine->parts)
        tuple_run_init(mine, params->specs, params->spec_count, run->mem);
    tuple_set_merge(&own->tuples, mine, node, run, &more->tuples, theirs, other);
}

/* ---- Result ---- */

struct row_order {
    const struct tuple_set *set;
    const struct tuple_run *tuples;
};

static int key_cmp(const void *owner, const struct bucket *a, const struct bucket *b)
{
    const struct row_order *own = owner;
    return tuple_cmp(own->set, own->tuples, (uint32_t)(a - own->set->set.buckets),
                     (uint32_t)(b - own->set->set.buckets));
}

static struct value print_bucket(const struct agg_node *node, struct agg_run *run,
                                 struct tuple_set *set, uint32_t at)
{
    const struct multi_terms_params *params = node->params;
    struct tuple_run *tuples = node_own(node, run);
    struct value map = value_map(run->mem, 4 + node->child_count),
                 key = value_list(run->mem, tuples->count);
    struct buf text;
    buf_init(&text, 0);
    for (size_t k = 0; k < tuples->count; k++) {
        struct value part = tuple_print(set, tuples, at, k, true, run);
        struct str shown = value_to_str(run->mem, &part);
        value_list_add(run->mem, &key, part);
        buf_printf(&text, "%s" STR_FMT, k ? "|" : "", STR_ARG(shown));
    }
    value_map_set(run->mem, &map, STR("key"), key);
    value_map_set(run->mem, &map, STR("key_as_string"), value_str_copy(run->mem, buf_str(&text)));
    buf_deinit(&text);
    struct value counted = value_map(run->mem, 1 + node->child_count);
    bucket_print(node, run, &set->set.buckets[at], &counted);
    for (size_t k = 0; k < counted.map->count; k++) {
        value_map_set(run->mem, &map, counted.map->keys[k], counted.map->values[k]);
        if (k == 0 && params->show_term_doc_count_error)
            value_map_set(run->mem, &map, STR("doc_count_error_upper_bound"), value_int(0));
    }
    return map;
}

static struct value multi_terms_result(const struct agg_node *node, struct agg_run *run,
                                       void *state)
{
    const struct multi_terms_params *params = node->params;
    struct multi_terms_state *own = state;
    struct tuple_set *set = &own->tuples;
    struct terms_row *rows = ARENA_ARRAY(run->mem, struct terms_row, set->set.count + 1);
    uint64_t total = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < set->set.count; i++) {
        struct bucket *bucket = &set->set.buckets[i];
        if ((int64_t)bucket->doc_count < params->min_doc_count)
            continue;
        total += bucket->doc_count;
        terms_orders_row(&params->orders, node, run, bucket, &rows[count++]);
    }
    struct row_order order = {set, node_own(node, run)};
    size_t shown = MIN_OF(count, (size_t)params->size);
    terms_orders_best(&params->orders, rows, count, shown, key_cmp, &order);
    struct value buckets = value_list(run->mem, shown), result = value_map(run->mem, 3);
    for (size_t i = 0; i < shown && run->rc == 0; i++) {
        total -= rows[i].bucket->doc_count;
        value_list_add(run->mem, &buckets,
                       print_bucket(node, run, set, (uint32_t)(rows[i].bucket - set->set.buckets)));
    }
    value_map_set(run->mem, &result, STR("doc_count_error_upper_bound"), value_int(0));
    value_map_set(run->mem, &result, STR("sum_other_doc_count"), value_int((int64_t)total));
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

const struct bucket_type bucket_type_multi_terms = {
    .name = "multi_terms",
    .summary = "A bucket per combination of values of several fields.",
    .since = "0.1",
    .opts = multi_terms_opts,
    .opts_size = sizeof(struct multi_terms_params),
    .state_size = sizeof(struct multi_terms_state),
    .run_size = sizeof(struct tuple_run),
    .parse = multi_terms_parse,
    .begin = multi_terms_begin,
    .collect = multi_terms_collect,
    .merge = multi_terms_merge,
    .result = multi_terms_result,
};
