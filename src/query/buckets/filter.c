/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* filter.c: buckets by queries: filter (one), filters (several, named or not, with an optional
 * bucket for the rest), and missing (documents without a field). */
#include "base/str.h"
#include "query/agg_tree.h"

#define FILTERS_MAX 1000u

struct filter_params {
    struct value filters;
    bool other_bucket;
    struct str other_bucket_key;
    struct source_params source; /* of missing */
    struct str *names;
    uint32_t *ids;
    size_t count;
    bool is_named;
};

struct filter_state {
    struct bucket *buckets; /* count, and one for the rest */
};

static const struct opt filters_opts[] = {
    OPT_VALUE(struct filter_params, filters, .help = "Queries: {name: query} or a list."),
    OPT_BOOL(struct filter_params, other_bucket,
             .help = "A bucket for documents that no filter matches."),
    OPT_STR(struct filter_params, other_bucket_key, .help = "Its name; default _other_."),
    OPT_END,
};
static const struct opt missing_opts[] = {SOURCE_OPTS(struct filter_params, source), OPT_END};

static int filter_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                        const struct value *body, struct err *err)
{
    struct filter_params *params = node->params;
    params->ids = ARENA_ARRAY(dsl->mem, uint32_t, 1);
    params->count = 1;
    return agg_tree_filter(tree, dsl, body, &params->ids[0], err);
}

static int filters_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                         const struct value *body, struct err *err)
{
    struct filter_params *params = node->params;
    const struct value *v = &params->filters;
    if (v->kind != VALUE_MAP && v->kind != VALUE_LIST)
        return dsl_error(body, err, ERR_PARSE, "[filters] must be an object or an array");
    params->is_named = v->kind == VALUE_MAP;
    params->count = params->is_named ? v->map->count : v->list->count;
    if (params->count == 0)
        return dsl_error(body, err, ERR_INVALID, "[filters] cannot be empty");
    if (params->count > FILTERS_MAX)
        return dsl_error(body, err, ERR_INVALID, "more than %u filters", FILTERS_MAX);
    params->ids = ARENA_ARRAY(dsl->mem, uint32_t, params->count);
    for (size_t i = 0; i < params->count; i++) {
        const struct value *query = params->is_named ? &v->map->values[i] : &v->list->items[i];
        TRY(agg_tree_filter(tree, dsl, query, &params->ids[i], err));
    }
    if (params->is_named)
        params->names = v->map->keys;
    if (params->other_bucket_key.p)
        params->other_bucket = true;
    else
        params->other_bucket_key = STR("_other_");
    return 0;
}

/* missing is a filter: no value of the field. */
static int missing_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                         const struct value *body UNUSED, struct err *err)
{
    struct filter_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    struct value exists = value_map(dsl->mem, 1), named = value_map(dsl->mem, 1),
                 must_not = value_map(dsl->mem, 1);
    struct value query = value_map(dsl->mem, 1);
    value_map_set(dsl->mem, &exists, STR("field"), value_str(params->source.field));
    value_map_set(dsl->mem, &named, STR("exists"), exists);
    value_map_set(dsl->mem, &must_not, STR("must_not"), named);
    value_map_set(dsl->mem, &query, STR("bool"), must_not);
    params->ids = ARENA_ARRAY(dsl->mem, uint32_t, 1);
    params->count = 1;
    return agg_tree_filter(tree, dsl, &query, &params->ids[0], err);
}

static struct filter_state *state_of(const struct filter_params *params, struct agg_run *run,
                                     void *state)
{
    struct filter_state *own = state;
    if (!own->buckets)
        own->buckets = ARENA_ARRAY(run->mem, struct bucket, params->count + 1);
    return own;
}

static struct docset *filter_set(struct agg_run *run, uint32_t id)
{
    if (!run->filter_is_open[id]) {
        struct plan_run open = {run->part, run->doc_count, false, run->scratch};
        run->filter_is_open[id] = true;
        run->filters[id] = plan_open(run->plans[id], &open);
    }
    return run->filters[id];
}

static void block_words(const struct doc_block *block, uint64_t *words)
{
    if (!block->offs)
        words_set_range(words, 0, block->count);
    for (uint32_t i = 0; block->offs && i < block->count; i++)
        bitset_set(words, block->offs[i]);
}

/* A filter is asked once per window, and its answer shared by all buckets above it. */
static const uint64_t *filter_words(struct agg_run *run, uint32_t id, uint32_t first)
{
    struct filter_window *w = &run->filter_windows[id];
    if (w->first == first)
        return w->words;
    memset(w->words, 0, sizeof(w->words));
    w->first = first;
    struct docset *set = filter_set(run, id);
    struct doc_window window = {first, MIN_OF(ZONE_DOCS, run->doc_count - first), NULL, w->words,
                                NULL};
    if (set)
        set->ops->fill(set, &window);
    return w->words;
}

static void collect_words(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                          const struct doc_block *block, const uint64_t *words)
{
    uint16_t offs[ZONE_DOCS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        offs[n] = (uint16_t)off;
        n += bitset_get(words, off);
    }
    struct doc_block sub = {block->first, n, offs, block->scores};
    if (n > 0)
        bucket_collect(node, run, bucket, &sub);
}

static void filters_collect(const struct agg_node *node, struct agg_run *run, void *state,
                            const struct doc_block *block)
{
    const struct filter_params *params = node->params;
    struct filter_state *own = state_of(params, run, state);
    uint64_t rest[WINDOW_WORDS] = {0};
    if (params->other_bucket)
        block_words(block, rest);
    for (size_t i = 0; i < params->count; i++) {
        const uint64_t *words = filter_words(run, params->ids[i], block->first);
        for (size_t k = 0; params->other_bucket && k < WINDOW_WORDS; k++)
            rest[k] &= ~words[k];
        collect_words(node, run, &own->buckets[i], block, words);
    }
    if (params->other_bucket)
        collect_words(node, run, &own->buckets[params->count], block, rest);
}

static void filters_merge(const struct agg_node *node, struct agg_run *run, void *state,
                          struct agg_run *other, void *from)
{
    const struct filter_params *params = node->params;
    struct filter_state *own = state_of(params, run, state), *more = from;
    for (size_t i = 0; more->buckets && i <= params->count; i++)
        bucket_merge(node, run, &own->buckets[i], other, &more->buckets[i]);
}

static struct value filter_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    struct filter_state *own = state_of(node->params, run, state);
    struct value map = value_map(run->mem, 1 + node->child_count);
    bucket_print(node, run, &own->buckets[0], &map);
    return map;
}

static struct value filters_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct filter_params *params = node->params;
    struct filter_state *own = state_of(params, run, state);
    size_t count = params->count + params->other_bucket;
    struct value buckets =
        params->is_named ? value_map(run->mem, count) : value_list(run->mem, count);
    for (size_t i = 0; i < count && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 1 + node->child_count);
        bucket_print(node, run, &own->buckets[i], &map);
        if (params->is_named)
            value_map_set(run->mem, &buckets,
                          i < params->count ? params->names[i] : params->other_bucket_key, map);
        else
            value_list_add(run->mem, &buckets, map);
    }
    struct value result = value_map(run->mem, 1);
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

const struct bucket_type bucket_type_filter = {
    .name = "filter",
    .summary = "Documents that match a query.",
    .since = "0.1",
    .opts = NULL,
    .opts_size = sizeof(struct filter_params),
    .state_size = sizeof(struct filter_state),
    .parse = filter_parse,
    .collect = filters_collect,
    .merge = filters_merge,
    .result = filter_result,
};
const struct bucket_type bucket_type_filters = {
    .name = "filters",
    .summary = "A bucket per query.",
    .since = "0.1",
    .opts = filters_opts,
    .opts_size = sizeof(struct filter_params),
    .state_size = sizeof(struct filter_state),
    .parse = filters_parse,
    .collect = filters_collect,
    .merge = filters_merge,
    .result = filters_result,
};
const struct bucket_type bucket_type_missing = {
    .name = "missing",
    .summary = "Documents without a field.",
    .since = "0.1",
    .opts = missing_opts,
    .opts_size = sizeof(struct filter_params),
    .state_size = sizeof(struct filter_state),
    .parse = missing_parse,
    .collect = filters_collect,
    .merge = filters_merge,
    .result = filter_result,
};
