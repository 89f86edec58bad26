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

void agg_state_clear(const struct agg_node *node, struct agg_run *run, void *state)
{
    if (node->type->clear)
        node->type->clear(node, run, state);
    else
        memset(state, 0, node->state_size);
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

void agg_print_node(const struct agg_node *node, struct agg_run *run, void *state,
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

void agg_print_siblings(struct agg_node *const *pipelines, size_t count, struct agg_run *run,
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
        agg_print_node(tree->roots[i], run, run->roots[i], &map);
    agg_print_siblings(tree->pipelines, tree->pipeline_count, run, &map);
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
