/* SPDX-License-Identifier: Apache-2.0 */
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

#define CODES_MAX     65536u /* integers of a segment whose buckets are looked up in a table */
#define CODES_PER_DOC 8u     /* more of them than matches: filling the table costs more */

struct histogram_run {
    struct source source;
    double low, high;    /* hard bounds */
    uint32_t code_count; /* of the segment; 0: no codes */
    int64_t least;
    struct histogram_state *open; /* those with a by_code */
};

struct histogram_state {
    struct bucket_set set;
    uint32_t *by_code; /* while a segment is collected: bucket + 1, BUCKET_IS_OUT */
    struct histogram_state *next_open;
};

#define BUCKET_IS_OUT UINT32_MAX

static const struct opt histogram_opts[] = {
    SOURCE_OPTS(struct histogram_params, source),
    SOURCE_OPT_FORMAT(struct histogram_params, source),
    OPT_FLOAT(struct histogram_params, interval, .help = "Width of a bucket; above 0."),
    OPT_FLOAT(struct histogram_params, offset, .dflt = "0",
              .help = "Moves the buckets' beginnings."),
    OPT_VALUE(struct histogram_params, min_doc_count, .help = "Default 0: gaps are filled."),
    OPT_VALUE(struct histogram_params, extended_bounds,
              .help = "{min, max}: buckets at least from here to there."),
    OPT_VALUE(struct histogram_params, hard_bounds,
              .help = "{min, max}: no buckets that begin outside."),
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

static bool bound(const struct value *bounds, const char *name, double *ret_v)
{
    const struct value *v = value_map_get(bounds, str_from(name));
    return v && value_to_f64(v, ret_v);
}

static int histogram_begin(const struct agg_node *node, struct agg_run *run, void *own,
                           struct err *err)
{
    const struct histogram_params *params = node->params;
    struct histogram_run *mine = own;
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_NUMBERS | SOURCE_WIDENED,
                     err));
    mine->low = -INFINITY;
    mine->high = INFINITY;
    (void)bound(&params->hard_bounds, "min", &mine->low);
    (void)bound(&params->hard_bounds, "max", &mine->high);
    mine->code_count = 0;
    ASSERT(!mine->open);
    bool is_unsigned = mine->source.field && mine->source.field->type == FIELD_UNSIGNED_LONG;
    uint64_t most = MIN_OF(run->match_estimate * CODES_PER_DOC, (uint64_t)CODES_MAX);
    if (node->depth == 0 && !mine->source.has_missing && !is_unsigned)
        (void)source_codes(&mine->source, (uint32_t)most, &mine->code_count, &mine->least);
    return 0;
}

static int64_t key_of(const struct histogram_params *params, double v)
{
    double at = floor((v - params->offset) / params->interval);
    return at > KEY_MAX ? (int64_t)KEY_MAX : at < -KEY_MAX ? (int64_t)-KEY_MAX : (int64_t)at;
}

/* Hard bounds are of the buckets' beginnings, and do not know the offset, as in Elasticsearch. */
static bool is_out(const struct histogram_params *params, const struct histogram_run *mine,
                   int64_t key)
{
    double at = (double)key * params->interval;
    return at < mine->low || at > mine->high;
}

static double value_of(const struct histogram_params *params, int64_t key)
{
    return (double)key * params->interval + params->offset;
}

/* Each integer's bucket is found once per segment. */
static void collect_codes(const struct agg_node *node, struct agg_run *run,
                          struct histogram_state *own, const struct doc_block *block)
{
    struct histogram_run *mine = node_own(node, run);
    uint32_t codes[BATCH_MAX], index[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    size_t n =
        source_read_codes(&mine->source, run, block, mine->least, mine->code_count, codes, offs);
    if (!own->by_code) {
        own->by_code = ARENA_ARRAY(run->scratch, uint32_t, mine->code_count);
        own->next_open = mine->open;
        mine->open = own;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = own->by_code[codes[i]];
        if (UNLIKELY(slot == 0)) {
            int64_t key = key_of(node->params, (double)(mine->least + (int64_t)codes[i]));
            slot = is_out(node->params, mine, key) ? BUCKET_IS_OUT
                                                   : bucket_set_get(&own->set, key, run->mem) + 1;
            own->by_code[codes[i]] = slot;
        }
        index[i] = slot == BUCKET_IS_OUT ? UINT32_MAX : slot - 1;
    }
    bucket_group(node, run, &own->set, index, offs, n, block);
}

static void histogram_end(const struct agg_node *node UNUSED, struct agg_run *run UNUSED, void *own)
{
    struct histogram_run *mine = own;
    for (struct histogram_state *state = mine->open; state; state = state->next_open)
        state->by_code = NULL;
    mine->open = NULL;
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
    if (mine->code_count > 0) {
        collect_codes(node, run, own, block);
        return;
    }
    bool is_unsigned = mine->source.field && mine->source.field->type == FIELD_UNSIGNED_LONG;
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        for (size_t i = 0; i < batch.count; i++) {
            double v = mine->source.kind == COLUMN_DOUBLE ? batch.doubles[i]
                       : is_unsigned ? (double)((uint64_t)batch.longs[i] ^ (UINT64_C(1) << 63))
                                     : (double)batch.longs[i];
            int64_t key = isnan(v) ? 0 : key_of(params, v);
            index[i] = isnan(v) || is_out(params, mine, key)
                           ? UINT32_MAX
                           : bucket_set_get(&own->set, key, run->mem);
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
        mine->source = theirs->source;
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
    .end = histogram_end,
    .merge = histogram_merge,
    .result = histogram_result,
};
