/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* histogram.c: a bucket per interval of numbers. A bucket's key is its number, floor((v - offset) /
 * interval), so that neighbours are one apart and no rounding error can split a bucket. */
#include <math.h>

#include "base/str.h"
#include "query/buckets/histogram_print.h"

#define KEY_MAX 9.0e18

struct histogram_params {
    struct source_params source;
    double interval, offset;
    struct value min_doc_count, extended_bounds, hard_bounds, order;
    bool keyed;
    uint64_t min_docs;
    enum histogram_order rank;
};

struct histogram_run {
    struct source source;
};

struct histogram_state {
    struct bucket_set set;
};

static const struct opt histogram_opts[] = {
    SOURCE_OPTS(struct histogram_params, source),
    SOURCE_OPT_FORMAT(struct histogram_params, source),
    OPT_FLOAT(struct histogram_params, interval, .help = "Width of a bucket; above 0."),
    OPT_FLOAT(struct histogram_params, offset, .dflt = "0",
              .help = "Moves the buckets' beginnings."),
    OPT_VALUE(struct histogram_params, min_doc_count, .help = "Default 0: gaps are filled."),
    OPT_VALUE(struct histogram_params, extended_bounds,
              .help = "{min, max}: buckets at least from here to there."),
    OPT_VALUE(struct histogram_params, hard_bounds, .help = "{min, max}: no buckets outside."),
    OPT_VALUE(struct histogram_params, order, .help = "{\"_key\": \"asc\"} or {\"_count\": …}."),
    OPT_BOOL(struct histogram_params, keyed, .help = "Buckets as an object."),
    OPT_END,
};

static int histogram_parse(struct agg_node *node, struct dsl *dsl UNUSED,
                           struct agg_tree *tree UNUSED, const struct value *body, struct err *err)
{
    struct histogram_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    if (!(params->interval > 0) || !isfinite(params->interval))
        return dsl_error(body, err, ERR_INVALID,
                         "[interval] must be >0 for histogram aggregation [" STR_FMT "]",
                         STR_ARG(node->name));
    if (params->min_doc_count.kind == VALUE_INT && params->min_doc_count.i >= 0)
        params->min_docs = (uint64_t)params->min_doc_count.i;
    else if (params->min_doc_count.kind != VALUE_NONE)
        return dsl_error(&params->min_doc_count, err, ERR_INVALID,
                         "[minDocCount] must be greater than or equal to 0");
    return histogram_order_parse(&params->order, &params->rank, err);
}

static int histogram_begin(const struct agg_node *node, struct agg_run *run, void *own,
                           struct err *err)
{
    const struct histogram_params *params = node->params;
    struct histogram_run *mine = own;
    return source_begin(&mine->source, node, &params->source, run, SOURCE_NUMBERS, err);
}

static int64_t key_of(const struct histogram_params *params, double v)
{
    double at = floor((v - params->offset) / params->interval);
    return at > KEY_MAX ? (int64_t)KEY_MAX : at < -KEY_MAX ? (int64_t)-KEY_MAX : (int64_t)at;
}

static double value_of(const struct histogram_params *params, int64_t key)
{
    return (double)key * params->interval + params->offset;
}

static bool bound(const struct value *bounds, const char *name, double *ret_v)
{
    const struct value *v = value_map_get(bounds, str_from(name));
    return v && value_to_f64(v, ret_v);
}

static void histogram_collect(const struct agg_node *node, struct agg_run *run, void *state,
                              const struct doc_block *block)
{
    const struct histogram_params *params = node->params;
    struct histogram_run *mine = node_own(node, run);
    struct histogram_state *own = state;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    double low = -INFINITY, high = INFINITY;
    (void)bound(&params->hard_bounds, "min", &low);
    (void)bound(&params->hard_bounds, "max", &high);
    bool is_unsigned = mine->source.field && mine->source.field->type == FIELD_UNSIGNED_LONG;
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        for (size_t i = 0; i < batch.count; i++) {
            double v = mine->source.kind == COLUMN_DOUBLE ? batch.doubles[i]
                       : is_unsigned ? (double)((uint64_t)batch.longs[i] ^ (UINT64_C(1) << 63))
                                     : (double)batch.longs[i];
            index[i] = v < low || v > high || isnan(v)
                           ? UINT32_MAX
                           : bucket_set_get(&own->set, key_of(params, v), run->mem);
            for (size_t k = i; mine->source.is_multi && k > 0 && batch.offs[k - 1] == batch.offs[i];
                 k--) {
                if (index[k - 1] == index[i])
                    index[k - 1] = UINT32_MAX; /* a document counts once per bucket */
            }
        }
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
    }
}

static void histogram_merge(const struct agg_node *node, struct agg_run *run, void *state,
                            struct agg_run *other, void *from)
{
    struct histogram_state *own = state, *more = from;
    struct histogram_run *mine = node_own(node, run);
    const struct histogram_run *theirs = node_own(node, other);
    if (!mine->source.field)
        *mine = *theirs;
    for (uint32_t i = 0; i < more->set.count; i++) {
        uint32_t at = bucket_set_get(&own->set, more->set.buckets[i].key, run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, &more->set.buckets[i]);
    }
}

struct printer {
    const struct histogram_params *params;
    const struct source *source;
};

static int64_t next_key(const void *owner UNUSED, int64_t key)
{
    return key + 1;
}

static struct str print_key(const void *owner, int64_t key, struct agg_run *run, struct value *map)
{
    const struct printer *own = owner;
    struct value v = value_float(value_of(own->params, key));
    struct str text = source_prints_text(own->source)
                          ? source_print_double(own->source, v.f, run->mem)
                          : value_to_str(run->mem, &v);
    if (source_prints_text(own->source))
        value_map_set(run->mem, map, STR("key_as_string"), value_str(text));
    value_map_set(run->mem, map, STR("key"), v);
    return text;
}

static struct value histogram_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct histogram_params *params = node->params;
    struct histogram_run *mine = node_own(node, run);
    struct histogram_state *own = state;
    struct printer printer = {params, &mine->source};
    struct histogram_view view = {.node = node,
                                  .set = &own->set,
                                  .owner = &printer,
                                  .next = next_key,
                                  .print_key = print_key,
                                  .keyed = params->keyed,
                                  .order = params->rank,
                                  .min_doc_count = params->min_docs};
    double low = 0, high = 0;
    view.has_min = bound(&params->extended_bounds, "min", &low);
    view.has_max = bound(&params->extended_bounds, "max", &high);
    if (view.has_min && view.has_max && low > high) {
        (void)agg_fail(run, ERR_INVALID,
                       "[extended_bounds.min][%g] cannot be greater than [extended_bounds.max][%g] "
                       "for [" STR_FMT "]",
                       low, high, STR_ARG(node->name));
        return value_null();
    }
    view.min = key_of(params, low);
    view.max = key_of(params, high);
    return histogram_print(&view, run);
}

const struct bucket_type bucket_type_histogram = {
    .name = "histogram",
    .summary = "A bucket per interval of numbers.",
    .since = "0.1",
    .opts = histogram_opts,
    .opts_size = sizeof(struct histogram_params),
    .state_size = sizeof(struct histogram_state),
    .run_size = sizeof(struct histogram_run),
    .parse = histogram_parse,
    .begin = histogram_begin,
    .collect = histogram_collect,
    .merge = histogram_merge,
    .result = histogram_result,
};
