/* SPDX-License-Identifier: Apache-2.0 */
/* agg_tree.c: parsing and running the tree; see agg_tree.h. */
#include "query/agg_tree.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/str.h"
#include "event/options.h"
#include "query/metric.h"

#define BUCKET(symbol) extern const struct bucket_type bucket_type_##symbol;
#include "query/buckets.tbl"
#undef BUCKET

static const struct bucket_type *const types[] = {
#define BUCKET(symbol) &bucket_type_##symbol,
#include "query/buckets.tbl"
#undef BUCKET
};

static const char *const missing_types[] = {
    "adjacency_matrix",
    "boxplot",
    "bucket_script",
    "bucket_selector",
    "children",
    "cumulative_cardinality",
    "diversified_sampler",
    "extended_stats_bucket",
    "geo_bounds",
    "geo_centroid",
    "geo_distance",
    "geohash_grid",
    "geotile_grid",
    "inference",
    "ip_range",
    "matrix_stats",
    "moving_avg",
    "moving_fn",
    "moving_percentiles",
    "nested",
    "normalize",
    "parent",
    "percentiles_bucket",
    "rare_terms",
    "rate",
    "reverse_nested",
    "sampler",
    "scripted_metric",
    "serial_diff",
    "significant_text",
    "string_stats",
    "t_test",
    "top_metrics",
    "variable_width_histogram",
    "weighted_avg",
    NULL,
};

/* ---- Parsing ---- */

static const struct bucket_type *type_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i] != &bucket_type_metric && str_eq(str_from(types[i]->name), name))
            return types[i];
    }
    return metric_type_exists(name) ? &bucket_type_metric : NULL;
}

static int unknown_type(struct dsl *dsl, struct str name, const struct value *at, struct err *err)
{
    for (size_t i = 0; missing_types[i]; i++) {
        if (str_eq(str_from(missing_types[i]), name))
            return dsl_error(at, err, ERR_UNSUPPORTED,
                             "aggregation [" STR_FMT "] is not supported yet", STR_ARG(name));
    }
    const char *names[ARRAY_COUNT(types) + 64];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i] != &bucket_type_metric)
            names[n++] = types[i]->name;
    }
    for (size_t i = 0; agg_types()[i] && n < ARRAY_COUNT(names) - 1; i++)
        names[n++] = agg_types()[i]->name;
    names[n] = NULL;
    return dsl_error(at, err, ERR_PARSE, "Unknown aggregation type [" STR_FMT "]%s", STR_ARG(name),
                     did_you_mean(name, names, dsl->mem));
}

/* The aggregations of one level: over documents, and over the results of those. */
struct level {
    struct agg_node **nodes;
    size_t count;
    struct agg_node **pipelines;
    size_t pipeline_count;
};

static int parse_nodes(struct agg_tree *tree, struct dsl *dsl, const struct value *body,
                       uint32_t depth, const struct agg_node *parent, struct level *ret_level,
                       struct err *err);

static int fill_params(struct agg_node *node, struct str type_name, struct dsl *dsl,
                       struct agg_tree *tree, const struct value *body, struct err *err)
{
    const struct bucket_type *type = node->type;
    node->params = arena_zalloc(dsl->mem, type->opts_size + 16);
    node->state_size = type->state_size;
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "Expected [START_OBJECT] under [" STR_FMT "], but got a [%s] in [" STR_FMT
                         "]",
                         STR_ARG(type_name), value_kind_name(body), STR_ARG(node->name));
    if (type == &bucket_type_metric)
        return metric_parse(node, type_name, dsl, tree, body, err);
    for (size_t i = 0; type->opts && i < body->map->count; i++) {
        if (!opt_find(type->opts, body->map->keys[i]))
            return dsl_error(&body->map->values[i], err, ERR_PARSE,
                             "[%s] unknown field [" STR_FMT "]", type->name,
                             STR_ARG(body->map->keys[i]));
    }
    if (type->opts && options_fill(type->opts, node->params, body, OPTIONS_JSON, dsl->mem, NULL,
                                   NULL, NULL, err) < 0)
        return err_wrap(err, "[%s]", type->name);
    return type->parse ? type->parse(node, dsl, tree, body, err) : 0;
}

static int name_check(struct str name, const struct value *at, struct err *err)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '[' || name.p[i] == ']' || name.p[i] == '>')
            return dsl_error(at, err, ERR_PARSE,
                             "Invalid aggregation name [" STR_FMT
                             "]. Aggregation names can contain "
                             "any character except '[', ']', and '>'",
                             STR_ARG(name));
    }
    return 0;
}

static struct agg_node *node_new(struct agg_tree *tree, struct dsl *dsl, struct str name,
                                 uint32_t depth)
{
    struct agg_node *node = ARENA_NEW(dsl->mem, struct agg_node);
    node->name = name;
    node->depth = depth;
    node->id = tree->node_count++;
    tree->all[node->id] = node;
    return node;
}

static int parse_node(struct agg_tree *tree, struct dsl *dsl, struct str name,
                      const struct value *body, uint32_t depth, struct agg_node **ret_node,
                      struct err *err)
{
    TRY(name_check(name, body, err));
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "Aggregation definition for [" STR_FMT "] starts with a [%s], expected a "
                         "[START_OBJECT].",
                         STR_ARG(name), value_kind_name(body));
    if (tree->node_count >= AGG_NODES_MAX)
        return dsl_error(body, err, ERR_INVALID, "more than %u aggregations", AGG_NODES_MAX);
    struct agg_node *node = node_new(tree, dsl, name, depth);
    struct str type_name = STR_NONE;
    const struct value *type_body = NULL, *subs = NULL;
    node->pos = body->pos;
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        if (str_is(key, "aggs") || str_is(key, "aggregations")) {
            subs = v;
        } else if (str_is(key, "meta")) {
            node->meta = *v;
        } else if (type_body) {
            return dsl_error(v, err, ERR_PARSE,
                             "Found two aggregation type definitions in [" STR_FMT "]: [" STR_FMT
                             "] and [" STR_FMT "]",
                             STR_ARG(name), STR_ARG(type_name), STR_ARG(key));
        } else {
            type_name = key;
            type_body = v;
        }
    }
    if (!type_body)
        return dsl_error(body, err, ERR_PARSE, "Missing definition for aggregation [" STR_FMT "]",
                         STR_ARG(name));
    node->type = type_find(type_name);
    node->type_name = type_name;
    if (!node->type)
        return unknown_type(dsl, type_name, type_body, err);
    TRY(fill_params(node, type_name, dsl, tree, type_body, err));
    tree->needs_scores = tree->needs_scores || node->type->needs_scores;
    if (subs && node->type->is_leaf)
        return dsl_error(subs, err, ERR_INVALID,
                         "Aggregator [" STR_FMT "] of type [" STR_FMT "] cannot accept "
                         "sub-aggregations",
                         STR_ARG(name), STR_ARG(type_name));
    struct level level = {0};
    if (subs)
        TRY(parse_nodes(tree, dsl, subs, depth + 1, node, &level, err));
    node->children = level.nodes;
    node->child_count = level.count;
    node->pipelines = level.pipelines;
    node->pipeline_count = level.pipeline_count;
    *ret_node = node;
    return 0;
}

static struct agg_node *node_named(struct agg_node *const *nodes, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(nodes[i]->name, name))
            return nodes[i];
    }
    return NULL;
}

static struct str path_head(const struct agg_node *node)
{
    struct str path = node->type->path ? node->type->path(node) : STR("");
    size_t n = 0;
    while (n < path.n && path.p[n] != '>' && path.p[n] != '.' && path.p[n] != '[')
        n++;
    return str_sub(path, 0, n);
}

static int check_pipeline(const struct agg_node *node, const struct level *level,
                          const struct agg_node *parent, struct err *err)
{
    struct value at = {.pos = node->pos};
    struct str head = path_head(node);
    if (node->type->needs_histogram &&
        (!parent || !str_ends_with(parent->type_name, STR("histogram"))))
        return dsl_error(&at, err, ERR_INVALID,
                         "%s aggregation [" STR_FMT
                         "] must have a histogram, date_histogram or auto_date_histogram as parent",
                         node->type->name, STR_ARG(node->name));
    if (node->type->parent && !parent)
        return dsl_error(&at, err, ERR_INVALID,
                         "%s aggregation [" STR_FMT
                         "] must be declared inside of another aggregation",
                         node->type->name, STR_ARG(node->name));
    bool is_own = node->type->parent && (head.n == 0 || head.p[0] == '_');
    if (!is_own && !node_named(level->nodes, level->count, head) &&
        !node_named(level->pipelines, level->pipeline_count, head))
        return dsl_error(&at, err, ERR_INVALID, "No aggregation found for path [" STR_FMT "]",
                         STR_ARG(node->type->path(node)));
    return 0;
}

/* What others begin their path with stands before them. */
static int order_pipelines(struct level *level, struct err *err)
{
    for (size_t done = 0; done < level->pipeline_count; done++) {
        size_t i = done;
        while (i < level->pipeline_count &&
               node_named(level->pipelines + done, level->pipeline_count - done,
                          path_head(level->pipelines[i])))
            i++;
        if (i == level->pipeline_count)
            return err_set(err, ERR_INVALID, "Cycle found with aggregation [" STR_FMT "]",
                           STR_ARG(level->pipelines[done]->name));
        struct agg_node *next = level->pipelines[i];
        memmove(&level->pipelines[done + 1], &level->pipelines[done],
                (i - done) * sizeof(struct agg_node *));
        level->pipelines[done] = next;
    }
    return 0;
}

static int parse_nodes(struct agg_tree *tree, struct dsl *dsl, const struct value *body,
                       uint32_t depth, const struct agg_node *parent, struct level *ret_level,
                       struct err *err)
{
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE,
                         "Expected [START_OBJECT] under [aggs], but got a [%s]",
                         value_kind_name(body));
    if (depth >= AGG_DEPTH_MAX)
        return dsl_error(body, err, ERR_INVALID, "aggregations are nested deeper than %u levels",
                         AGG_DEPTH_MAX);
    struct level level = {.nodes = ARENA_ARRAY(dsl->mem, struct agg_node *, body->map->count + 1),
                          .pipelines =
                              ARENA_ARRAY(dsl->mem, struct agg_node *, body->map->count + 1)};
    for (size_t i = 0; i < body->map->count; i++) {
        struct agg_node *node;
        TRY(parse_node(tree, dsl, body->map->keys[i], &body->map->values[i], depth, &node, err));
        if (node->type->parent || node->type->sibling)
            level.pipelines[level.pipeline_count++] = node;
        else
            level.nodes[level.count++] = node;
    }
    for (size_t i = 0; i < level.pipeline_count; i++)
        TRY(check_pipeline(level.pipelines[i], &level, parent, err));
    TRY(order_pipelines(&level, err));
    *ret_level = level;
    return 0;
}

int agg_tree_parse(const struct value *body, struct dsl *dsl, struct agg_tree **ret_tree,
                   struct err *err)
{
    struct agg_tree *tree = ARENA_NEW(dsl->mem, struct agg_tree);
    struct level level = {0};
    tree->all = ARENA_ARRAY(dsl->mem, struct agg_node *, AGG_NODES_MAX);
    TRY(parse_nodes(tree, dsl, body, 0, NULL, &level, err));
    tree->roots = level.nodes;
    tree->root_count = level.count;
    tree->pipelines = level.pipelines;
    tree->pipeline_count = level.pipeline_count;
    *ret_tree = tree;
    return 0;
}

int agg_tree_filter(struct agg_tree *tree, struct dsl *dsl, const struct value *body,
                    uint32_t *ret_id, struct err *err)
{
    struct query *query;
    TRY(dsl_parse(dsl, body, &query, err));
    if (tree->filter_count == tree->filter_capacity) {
        size_t capacity = tree->filter_capacity ? tree->filter_capacity * 2 : 8;
        tree->filters =
            arena_realloc(dsl->mem, tree->filters, tree->filter_capacity * sizeof(*tree->filters),
                          capacity * sizeof(*tree->filters));
        tree->filter_capacity = capacity;
    }
    *ret_id = (uint32_t)tree->filter_count;
    tree->filters[tree->filter_count++] = query;
    return 0;
}

/* ---- Running ---- */

int agg_fail(struct agg_run *run, enum err_code code, const char *format, ...)
{
    if (run->rc < 0)
        return run->rc;
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return run->rc = err_set(run->err, code, "%s", text);
}

void *agg_state_new(const struct agg_node *node, struct agg_run *run)
{
    return arena_zalloc(run->mem, node->state_size);
}

struct agg_run *agg_run_new(const struct agg_tree *tree, int64_t now_ns, uint64_t bucket_count_max,
                            struct arena *mem, struct err *err)
{
    struct agg_run *run = ARENA_NEW(mem, struct agg_run);
    run->tree = tree;
    run->mem = mem;
    run->now_ns = now_ns;
    run->bucket_count_max = bucket_count_max;
    run->err = err;
    run->own = ARENA_ARRAY(mem, void *, tree->node_count);
    run->roots = ARENA_ARRAY(mem, void *, tree->root_count);
    run->group_offs = ARENA_ARRAY(mem, uint16_t, BATCH_MAX);
    for (uint32_t i = 0; i < tree->node_count; i++)
        run->own[i] = arena_zalloc(mem, tree->all[i]->type->run_size + 16);
    for (size_t i = 0; i < tree->root_count; i++)
        run->roots[i] = agg_state_new(tree->roots[i], run);
    for (size_t i = 0; i < RUN_COLUMNS_MAX; i++)
        run->windows[i].first = UINT32_MAX;
    return run;
}

int agg_run_segment(struct agg_run *run, const struct searcher_part *part, uint32_t part_index,
                    uint64_t match_estimate, struct plan **plans, struct arena *scratch,
                    struct err *err)
{
    run->part = part;
    run->part_index = part_index;
    run->match_estimate = match_estimate;
    run->doc_count = segment_doc_count(part->segment);
    run->plans = plans;
    run->scratch = scratch;
    run->filters = ARENA_ARRAY(scratch, struct docset *, run->tree->filter_count + 1);
    run->filter_is_open = ARENA_ARRAY(scratch, bool, run->tree->filter_count + 1);
    run->filter_windows = ARENA_ARRAY(scratch, struct filter_window, run->tree->filter_count + 1);
    for (size_t i = 0; i < run->tree->filter_count; i++)
        run->filter_windows[i].first = UINT32_MAX;
    run->window_count = 0;
    for (uint32_t i = 0; i < run->tree->node_count; i++) {
        const struct agg_node *node = run->tree->all[i];
        if (node->type->begin)
            TRY(node->type->begin(node, run, run->own[i], err));
    }
    return 0;
}

void agg_run_segment_end(struct agg_run *run)
{
    for (uint32_t i = 0; run->part && i < run->tree->node_count; i++) {
        const struct agg_node *node = run->tree->all[i];
        if (node->type->end)
            node->type->end(node, run, run->own[i]);
    }
}

bool agg_run_all(struct agg_run *run, bool *ret_done)
{
    bool is_all = true;
    for (size_t i = 0; i < run->tree->root_count; i++) {
        const struct agg_node *node = run->tree->roots[i];
        ret_done[i] = node->type->collect_all && node->type->collect_all(node, run, run->roots[i]);
        is_all = is_all && ret_done[i];
    }
    return is_all;
}

bool agg_run_wants(struct agg_run *run, uint32_t first, const bool *is_done)
{
    for (size_t i = 0; i < run->tree->root_count; i++) {
        const struct agg_node *node = run->tree->roots[i];
        if (!is_done[i] &&
            (!node->type->wants || node->type->wants(node, run, run->roots[i], first)))
            return true;
    }
    return false;
}

void agg_run_collect(struct agg_run *run, const struct doc_block *block, const bool *is_done)
{
    for (size_t i = 0; i < run->tree->root_count; i++) {
        const struct agg_node *node = run->tree->roots[i];
        if (!is_done || !is_done[i])
            node->type->collect(node, run, run->roots[i], block);
    }
}

void agg_run_merge(struct agg_run *run, struct agg_run *other)
{
    if (other->rc < 0 && run->rc == 0)
        run->rc = other->rc;
    for (size_t i = 0; i < run->tree->root_count; i++)
        run->tree->roots[i]->type->merge(run->tree->roots[i], run, run->roots[i], other,
                                         other->roots[i]);
}

struct str agg_printed_name(const struct agg_node *node, struct agg_run *run)
{
    if (!run->typed_keys)
        return node->name;
    const char *type =
        node->type->typed_name ? node->type->typed_name(node, run) : node->type->name;
    return arena_printf(run->mem, "%s#" STR_FMT, type, STR_ARG(node->name));
}

/* The node's meta stands before its result. */
static void put_result(const struct agg_node *node, struct agg_run *run, struct value result,
                       struct value *map)
{
    if (node->meta.kind == VALUE_MAP && result.kind == VALUE_MAP) {
        struct value with_meta = value_map(run->mem, result.map->count + 1);
        value_map_set(run->mem, &with_meta, STR("meta"), node->meta);
        for (size_t i = 0; i < result.map->count; i++)
            value_map_set(run->mem, &with_meta, result.map->keys[i], result.map->values[i]);
        result = with_meta;
    }
    value_map_set(run->mem, map, agg_printed_name(node, run), result);
}

static void print_node(const struct agg_node *node, struct agg_run *run, void *state,
                       struct value *map)
{
    struct value result = node->type->result(node, run, state);
    for (size_t i = 0; i < node->pipeline_count && run->rc == 0; i++) {
        const struct agg_node *pipeline = node->pipelines[i];
        if (pipeline->type->parent)
            pipeline->type->parent(pipeline, run, &result);
    }
    put_result(node, run, result, map);
}

static void print_siblings(struct agg_node *const *pipelines, size_t count, struct agg_run *run,
                           struct value *map)
{
    for (size_t i = 0; i < count && run->rc == 0; i++) {
        const struct agg_node *node = pipelines[i];
        if (node->type->sibling)
            put_result(node, run, node->type->sibling(node, run, map), map);
    }
}

struct value agg_run_result(struct agg_run *run)
{
    const struct agg_tree *tree = run->tree;
    struct value map = value_map(run->mem, tree->root_count + tree->pipeline_count);
    for (size_t i = 0; i < tree->root_count && run->rc == 0; i++)
        print_node(tree->roots[i], run, run->roots[i], &map);
    print_siblings(tree->pipelines, tree->pipeline_count, run, &map);
    return map;
}

/* ---- Windows of columns ---- */

const struct window_values *run_window(struct agg_run *run, const struct column *column,
                                       uint32_t first)
{
    struct window_values *w = NULL;
    for (size_t i = 0; i < run->window_count && !w; i++) {
        if (run->windows[i].column == column)
            w = &run->windows[i];
    }
    if (!w) {
        w = &run->windows[MIN_OF(run->window_count, RUN_COLUMNS_MAX - 1)];
        if (run->window_count < RUN_COLUMNS_MAX)
            run->window_count++;
        w->column = column;
        w->first = UINT32_MAX;
        if (!w->longs) {
            w->longs = ARENA_ARRAY(run->mem, int64_t, ZONE_DOCS);
            w->exists = ARENA_ARRAY(run->mem, uint64_t, WINDOW_WORDS);
        }
    }
    if (w->first == first)
        return w;
    uint32_t n = MIN_OF(ZONE_DOCS, run->doc_count - first);
    memset(w->exists, 0, WINDOW_WORDS * sizeof(uint64_t));
    if (column_kind(column) == COLUMN_LONG)
        column_read_longs(column, first, n, w->longs, w->exists);
    else if (column_kind(column) == COLUMN_DOUBLE)
        column_read_doubles(column, first, n, w->doubles, w->exists);
    else
        column_read_ordinals(column, first, n, w->ordinals, w->exists);
    w->first = first;
    return w;
}

/* ---- Buckets ---- */

static uint32_t slot_of(const struct bucket_set *set, int64_t key)
{
    uint32_t mask = set->slot_count - 1;
    uint32_t at = (uint32_t)hash_u64((uint64_t)key + UINT64_C(0x9E3779B97F4A7C15)) & mask;
    while (set->slots[at] && set->buckets[set->slots[at] - 1].key != key)
        at = (at + 1) & mask;
    return at;
}

static void set_grow(struct bucket_set *set, struct arena *mem)
{
    uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
    set->buckets = arena_realloc(mem, set->buckets, set->capacity * sizeof(*set->buckets),
                                 capacity * sizeof(*set->buckets));
    set->capacity = capacity;
    set->slot_count = capacity * 2;
    set->slots = ARENA_ARRAY(mem, uint32_t, set->slot_count);
    for (uint32_t i = 0; i < set->count; i++)
        set->slots[slot_of(set, set->buckets[i].key)] = i + 1;
}

static size_t state_stride(const struct agg_node *node)
{
    return (node->state_size + 15) & ~(size_t)15;
}

void bucket_set_dense(const struct agg_node *node, struct bucket_set *set, uint32_t count,
                      struct arena *mem)
{
    ASSERT(set->count == 0);
    set->buckets = ARENA_ARRAY(mem, struct bucket, count);
    set->count = set->capacity = count;
    set->is_dense = true;
    for (uint32_t i = 0; i < count; i++)
        set->buckets[i].key = i;
    set->flat = ARENA_ARRAY(mem, char *, node->child_count + 1);
    set->flat_bytes = ARENA_ARRAY(mem, size_t, node->child_count + 1);
    for (size_t k = 0; k < node->child_count; k++) {
        set->flat_bytes[k] = state_stride(node->children[k]);
        set->flat[k] = arena_zalloc(mem, set->flat_bytes[k] * count);
    }
}

void bucket_open(const struct agg_node *node, struct bucket_set *set, uint32_t index,
                 struct arena *mem)
{
    struct bucket *bucket = &set->buckets[index];
    if (!set->is_dense || bucket->children || node->child_count == 0)
        return;
    bucket->children = ARENA_ARRAY(mem, void *, node->child_count);
    for (size_t k = 0; k < node->child_count; k++)
        bucket->children[k] = set->flat[k] + index * set->flat_bytes[k];
}

void bucket_set_dense_merge(const struct agg_node *node, struct agg_run *run,
                            struct bucket_set *set, struct agg_run *other, struct bucket_set *from)
{
    ASSERT(set->is_dense && from->is_dense && set->count == from->count);
    for (uint32_t i = 0; i < set->count; i++)
        set->buckets[i].doc_count += from->buckets[i].doc_count;
    for (size_t k = 0; k < node->child_count; k++) {
        const struct agg_node *child = node->children[k];
        for (uint32_t i = 0; i < set->count; i++) {
            if (from->buckets[i].doc_count > 0)
                child->type->merge(child, run, set->flat[k] + i * set->flat_bytes[k], other,
                                   from->flat[k] + i * from->flat_bytes[k]);
        }
    }
}

uint32_t bucket_set_get(struct bucket_set *set, int64_t key, struct arena *mem)
{
    if (set->is_dense) {
        ASSERT(key >= 0 && key < set->count);
        return (uint32_t)key;
    }
    if (set->count && set->last_key == key)
        return set->last_index;
    if (set->count == set->capacity)
        set_grow(set, mem);
    uint32_t slot = slot_of(set, key);
    if (!set->slots[slot]) {
        set->buckets[set->count] = (struct bucket){.key = key};
        set->slots[slot] = ++set->count;
    }
    set->last_key = key;
    set->last_index = set->slots[slot] - 1;
    return set->last_index;
}

uint32_t bucket_set_find(const struct bucket_set *set, int64_t key)
{
    if (!set->count)
        return UINT32_MAX;
    if (set->is_dense)
        return key >= 0 && key < set->count ? (uint32_t)key : UINT32_MAX;
    uint32_t slot = slot_of(set, key);
    return set->slots[slot] ? set->slots[slot] - 1 : UINT32_MAX;
}

/* The states of all children in one piece behind their pointers. */
static void make_children(const struct agg_node *node, struct agg_run *run, struct bucket *bucket)
{
    size_t size = (node->child_count * sizeof(void *) + 15) & ~(size_t)15;
    for (size_t i = 0; i < node->child_count; i++)
        size += state_stride(node->children[i]);
    char *at = arena_zalloc(run->mem, size);
    bucket->children = (void **)(void *)at;
    at += (node->child_count * sizeof(void *) + 15) & ~(size_t)15;
    for (size_t i = 0; i < node->child_count; i++) {
        bucket->children[i] = at;
        at += state_stride(node->children[i]);
    }
}

void *bucket_child_state(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                         size_t i)
{
    if (UNLIKELY(!bucket->children))
        make_children(node, run, bucket);
    return bucket->children[i];
}

void bucket_collect(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                    const struct doc_block *block)
{
    bucket->doc_count += block->count;
    for (size_t i = 0; i < node->child_count; i++)
        node->children[i]->type->collect(node->children[i], run,
                                         bucket_child_state(node, run, bucket, i), block);
}

/* Buckets with fewer documents of a batch than this are handed to children value by value. */
#define SCATTER_DOCS_MAX     64u
#define SCATTER_CHILDREN_MAX 64u /* a node with more children hands out groups only */

/* Children that can take values one by one get them so. Sets done[i] of each that did; true: all
 * did. */
static bool scatter_children(const struct agg_node *node, struct agg_run *run,
                             struct bucket_scatter *to, bool *done)
{
    bool is_all = true;
    for (size_t i = 0; i < node->child_count; i++) {
        const struct agg_node *child = node->children[i];
        to->child = i;
        done[i] = child->type->scatter && child->type->scatter(child, run, to);
        is_all = is_all && done[i];
    }
    return is_all;
}

/* Where the documents of each bucket of a batch begin, side by side. */
struct grouping {
    uint32_t touched[BATCH_MAX], begin[BATCH_MAX + 1];
    uint32_t count;
    size_t docs;
};

static void sum_groups(struct grouping *groups)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < groups->count; i++) {
        uint32_t count = groups->begin[i];
        groups->begin[i] = sum;
        sum += count;
    }
    groups->begin[groups->count] = sum;
    groups->docs = sum;
}

#define FEW_BUCKETS_MAX 256u

/* Of a few buckets: counted in an array of their own, the last place for those without one. */
static void count_few(struct bucket_set *set, const uint32_t *index, size_t n,
                      struct grouping *groups)
{
    uint32_t counts[FEW_BUCKETS_MAX + 1] = {0}, other[FEW_BUCKETS_MAX + 1] = {0};
    uint32_t none = set->count;
    size_t i = 0;
    for (; i + 1 < n; i += 2) { /* two arrays: neighbours in one bucket need not wait */
        counts[MIN_OF(index[i], none)]++;
        other[MIN_OF(index[i + 1], none)]++;
    }
    if (i < n)
        counts[MIN_OF(index[i], none)]++;
    groups->count = 0;
    for (uint32_t k = 0; k < set->count; k++) {
        uint32_t docs = counts[k] + other[k];
        if (docs == 0)
            continue;
        set->buckets[k].local = groups->count;
        groups->touched[groups->count] = k;
        groups->begin[groups->count++] = docs;
    }
    sum_groups(groups);
}

static void place_few(const struct bucket_set *set, const struct grouping *groups,
                      const uint32_t *index, const uint16_t *offs, size_t n, uint16_t *placed)
{
    uint32_t at[FEW_BUCKETS_MAX + 1] = {0};
    uint32_t none = set->count;
    for (uint32_t i = 0; i < groups->count; i++)
        at[groups->touched[i]] = groups->begin[i];
    for (size_t i = 0; i < n; i++) {
        if (index[i] < none)
            placed[at[index[i]]++] = offs[i];
    }
}

static void count_groups(struct bucket_set *set, const uint32_t *index, size_t n,
                         struct grouping *groups)
{
    if (set->count <= FEW_BUCKETS_MAX) {
        count_few(set, index, n, groups);
        return;
    }
    uint32_t epoch = ++set->epoch;
    groups->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (index[i] == UINT32_MAX)
            continue;
        struct bucket *bucket = &set->buckets[index[i]];
        if (bucket->epoch != epoch) {
            bucket->epoch = epoch;
            bucket->local = groups->count;
            groups->touched[groups->count] = index[i];
            groups->begin[groups->count++] = 0;
        }
        groups->begin[bucket->local]++;
    }
    sum_groups(groups);
}

#define RUN_DOCS_MIN                                                                               \
    32u /* documents of a bucket side by side, on average, to take them as they are */

static size_t count_runs(const uint32_t *index, size_t n)
{
    size_t runs = n > 0;
    for (size_t i = 1; i < n; i++)
        runs += index[i] != index[i - 1];
    return runs;
}

/* Neighbours in one bucket, as time-ordered documents are: each run is a block of its own. */
static void collect_runs(const struct agg_node *node, struct agg_run *run, struct bucket_set *set,
                         const uint32_t *index, const uint16_t *offs, size_t n,
                         const struct doc_block *block)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && index[end] == index[i];)
            end++;
        if (index[i] == UINT32_MAX)
            continue;
        struct doc_block sub = {block->first, (uint32_t)(end - i), offs + i, block->scores};
        if (end - i == n && !block->offs && n == block->count)
            sub.offs = NULL; /* the whole window */
        bucket_open(node, set, index[i], run->mem);
        bucket_collect(node, run, &set->buckets[index[i]], &sub);
    }
}

static void place(const struct bucket_set *set, const struct grouping *groups,
                  const uint32_t *index, const uint16_t *offs, size_t n, uint16_t *placed)
{
    uint32_t at[BATCH_MAX];
    memcpy(at, groups->begin, groups->count * sizeof(at[0]));
    for (size_t i = 0; i < n; i++) {
        if (index[i] != UINT32_MAX)
            placed[at[set->buckets[index[i]].local]++] = offs[i];
    }
}

static void count_docs(struct bucket_set *set, const uint32_t *index, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + SCATTER_AHEAD < n && index[i + SCATTER_AHEAD] != UINT32_MAX)
            __builtin_prefetch(&set->buckets[index[i + SCATTER_AHEAD]], 1);
        if (index[i] != UINT32_MAX)
            set->buckets[index[i]].doc_count++;
    }
}

/* Puts the documents of each bucket side by side: counted first, then placed. */
void bucket_group(const struct agg_node *node, struct agg_run *run, struct bucket_set *set,
                  const uint32_t *index, const uint16_t *offs, size_t n,
                  const struct doc_block *block)
{
    if (count_runs(index, n) * RUN_DOCS_MIN <= n) {
        collect_runs(node, run, set, index, offs, n, block);
        return;
    }
    if (node->child_count == 0) {
        count_docs(set, index, n);
        return;
    }
    struct grouping groups;
    bool done[SCATTER_CHILDREN_MAX] = {false};
    struct bucket_scatter to = {node, 0, set, index, offs, n, block};
    /* Of that many buckets each has few documents of a batch: no need to count them. */
    if (set->is_dense && set->count > BATCH_MAX && node->child_count <= SCATTER_CHILDREN_MAX &&
        scatter_children(node, run, &to, done)) {
        count_docs(set, index, n);
        return;
    }
    count_groups(set, index, n, &groups);
    bool is_small = groups.docs < (size_t)groups.count * SCATTER_DOCS_MAX;
    bool is_all = is_small && !set->is_dense && node->child_count <= SCATTER_CHILDREN_MAX &&
                  scatter_children(node, run, &to, done);
    if (is_all) {
        for (uint32_t i = 0; i < groups.count; i++)
            set->buckets[groups.touched[i]].doc_count += groups.begin[i + 1] - groups.begin[i];
        return;
    }
    uint16_t placed[BATCH_MAX];
    if (set->count <= FEW_BUCKETS_MAX)
        place_few(set, &groups, index, offs, n, placed);
    else
        place(set, &groups, index, offs, n, placed);
    for (uint32_t i = 0; i < groups.count; i++) {
        struct doc_block sub = {block->first, groups.begin[i + 1] - groups.begin[i],
                                placed + groups.begin[i], block->scores};
        struct bucket *bucket = &set->buckets[groups.touched[i]];
        bucket_open(node, set, groups.touched[i], run->mem);
        bucket->doc_count += sub.count;
        for (size_t k = 0; k < node->child_count; k++) {
            if (k < SCATTER_CHILDREN_MAX && done[k])
                continue;
            node->children[k]->type->collect(node->children[k], run,
                                             bucket_child_state(node, run, bucket, k), &sub);
        }
    }
}

void bucket_merge(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct agg_run *other, struct bucket *from)
{
    bucket->doc_count += from->doc_count;
    for (size_t i = 0; from->children && i < node->child_count; i++) {
        const struct agg_node *child = node->children[i];
        if (from->children[i])
            child->type->merge(child, run, bucket_child_state(node, run, bucket, i), other,
                               from->children[i]);
    }
}

void bucket_print(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct value *map)
{
    if (++run->bucket_count > run->bucket_count_max) {
        (void)agg_fail(
            run, ERR_TOO_MANY_BUCKETS,
            "Trying to create too many buckets. Must be less than or equal to: [%llu] but was "
            "[%llu]. This "
            "limit can be set by changing the [search.max_buckets] cluster level setting.",
            (unsigned long long)run->bucket_count_max, (unsigned long long)run->bucket_count);
        return;
    }
    value_map_set(run->mem, map, STR("doc_count"), value_int((int64_t)bucket->doc_count));
    for (size_t i = 0; i < node->child_count && run->rc == 0; i++)
        print_node(node->children[i], run, bucket_child_state(node, run, bucket, i), map);
    print_siblings(node->pipelines, node->pipeline_count, run, map);
}

struct value bucket_child_result(const struct agg_node *node, struct agg_run *run,
                                 struct bucket *bucket, struct str child)
{
    for (size_t i = 0; i < node->child_count; i++) {
        const struct agg_node *sub = node->children[i];
        if (str_eq(sub->name, child))
            return sub->type->result(sub, run, bucket_child_state(node, run, bucket, i));
    }
    return (struct value){.kind = VALUE_NONE};
}
