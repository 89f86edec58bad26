/* SPDX-License-Identifier: Apache-2.0 */
/* metric.c: the accumulators of agg/ over columns: values of a block are handed over as one array.
 * Without a filter whole segments are answered from the column's statistics where those suffice.
 * Results are printed as Elasticsearch does: numbers always as doubles, dates also as text. */
#include "query/metric.h"

#include <math.h>

#include "base/str.h"
#include "event/options.h"
#include "query/dates.h"

struct metric_params {
    struct source_params source;
    bool keyed;
    struct agg_spec spec;
};

struct metric_run {
    struct source source;
    uint64_t *hashes; /* of the segment's ordinals, for accumulators that take any value */
    /* At the top level: the segment's values counted by their code, until it ends. */
    uint32_t *counts;
    uint32_t code_count; /* 0: not counted so */
    int64_t least;
    void *counted_state;
    /* Cardinality of texts that one segment of the search has alone: which ordinals were met.
     * Exact, and no text is hashed. */
    struct column *only;
    bool is_begun;
    uint64_t *met;
};

#define CODES_MAX     (UINT32_C(1) << 24) /* 64 MiB of counts */
#define CODES_PER_DOC 8u    /* more of them than matches: clearing them costs more than it saves */
#define CODE_DOCS_MIN 8192u /* a smaller segment's values are handed over one by one */
#define SUM_EXACT_MAX                                                                              \
    9007199254740992.0 /* 2^53: up to here a sum of integers as a double is exact */

static const struct opt metric_opts[] = {
    SOURCE_OPTS(struct metric_params, source),
    SOURCE_OPT_FORMAT(struct metric_params, source),
    {.name = "keyed",
     .kind = OPT_KIND_BOOL,
     .offset = offsetof(struct metric_params, keyed),
     .dflt = "true",
     .help = "Percentiles as an object instead of an array."},
    OPT_END,
};

bool metric_type_exists(struct str name)
{
    return agg_type_find(name) && !str_is(name, "count") && !str_is(name, "first") &&
           !str_is(name, "last");
}

/* Elasticsearch nests the digest's settings: {"tdigest": {"compression": 200}}. */
static int unnest_digest(const struct value *v, struct dsl *dsl, struct value *own, struct err *err)
{
    const struct value *compression = value_map_get_lit(v, "compression");
    if (v->kind != VALUE_MAP || (v->map->count > 0 && !compression))
        return dsl_error(v, err, ERR_PARSE, "[tdigest] expects an object with [compression]");
    if (compression)
        value_map_set(dsl->mem, own, STR("compression"), *compression);
    return 0;
}

int metric_parse(struct agg_node *node, struct str type_name, struct dsl *dsl,
                 struct agg_tree *tree, const struct value *body, struct err *err)
{
    struct metric_params *params = node->params;
    struct value common = value_map(dsl->mem, 4), own = value_map(dsl->mem, 4);
    const struct agg_type *type = agg_type_find(type_name);
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        const struct value *v = &body->map->values[i];
        if (str_is(key, "tdigest"))
            TRY(unnest_digest(v, dsl, &own, err));
        else if (str_is(key, "hdr"))
            return dsl_error(v, err, ERR_UNSUPPORTED,
                             "[hdr] percentiles are not supported yet; tdigest is");
        else if (str_is(key, "rehash") || str_is(key, "execution_hint"))
            continue;
        else if (opt_find(type->opts, key))
            value_map_set(dsl->mem, &own, key, *v);
        else if (opt_find(metric_opts, key))
            value_map_set(dsl->mem, &common, key, *v);
        else
            return dsl_error(v, err, ERR_PARSE, "[" STR_FMT "] unknown field [" STR_FMT "]",
                             STR_ARG(type_name), STR_ARG(key));
    }
    TRY(options_fill(metric_opts, params, &common, OPTIONS_JSON, dsl->mem, NULL, NULL, NULL, err));
    TRY(agg_spec_init(&params->spec, type_name, &own, dsl->mem, err));
    node->state_size = agg_state_bytes(&params->spec) + 16;
    tree->is_ordered = tree->is_ordered || (type->flags & AGG_BY_ORDER) != 0;
    return source_check(node, &params->source, err);
}

static bool takes_any(const struct metric_params *params)
{
    return (params->spec.type->flags & AGG_ANY_VALUE) != 0;
}

static bool counts_ordinals(const struct agg_node *node)
{
    const struct metric_params *params = node->params;
    return node->depth == 0 && str_is(str_from(params->spec.type->name), "cardinality");
}

/* The column's integers are not the values that count. */
static bool is_converted(const struct source *source)
{
    return source->local &&
           (source->local->type == FIELD_UNSIGNED_LONG || source->local->type == FIELD_DATE_NANOS);
}

static uint64_t *met_of(struct metric_run *mine, struct agg_run *run)
{
    if (!mine->met)
        mine->met = ARENA_ARRAY(run->mem, uint64_t, BITSET_WORDS(column_ordinal_count(mine->only)));
    return mine->met;
}

static int metric_begin(const struct agg_node *node, struct agg_run *run, void *own,
                        struct err *err)
{
    const struct metric_params *params = node->params;
    struct metric_run *mine = own;
    TRY(source_begin(&mine->source, node, &params->source, run,
                     (takes_any(params) ? SOURCE_ANY : SOURCE_NUMBERS) | SOURCE_WIDENED, err));
    mine->hashes = NULL;
    mine->counts = NULL;
    mine->code_count = 0;
    if (!mine->is_begun && counts_ordinals(node))
        mine->only = source_only_column(&params->source, run);
    mine->is_begun = true;
    bool is_counted = params->spec.type->add_counts && node->depth == 0 &&
                      !mine->source.has_missing && run->doc_count >= CODE_DOCS_MIN &&
                      !is_converted(&mine->source);
    uint64_t codes_max = MIN_OF(run->match_estimate * CODES_PER_DOC, (uint64_t)CODES_MAX);
    if (is_counted)
        (void)source_codes(&mine->source, (uint32_t)codes_max, &mine->code_count, &mine->least);
    return 0;
}

/* The state's first 16 bytes say whether the accumulator behind was begun. */
static struct agg state_agg(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct metric_params *params = node->params;
    uint64_t *is_begun = state;
    struct agg agg = agg_at(&params->spec, run->mem, (char *)state + 16);
    if (!*is_begun) {
        *is_begun = 1;
        agg_init(&agg);
    }
    return agg;
}

/* 0 is "not computed"; a text whose hash is 0 is simply computed again. */
static uint64_t ordinal_hash(struct metric_run *mine, struct agg_run *run, uint32_t ordinal)
{
    if (ordinal == SOURCE_MISSING)
        return agg_hash_str(mine->source.missing_text);
    if (!mine->hashes)
        mine->hashes =
            ARENA_ARRAY(run->scratch, uint64_t, column_ordinal_count(mine->source.column));
    if (!mine->hashes[ordinal])
        mine->hashes[ordinal] =
            agg_hash_str(column_ordinal_text(mine->source.column, ordinal, run->scratch));
    return mine->hashes[ordinal];
}

/* Unsigned integers as floats, but where values are told apart: no float is between some of them.
 */
static void add_unsigned(struct agg *agg, struct value_batch *batch)
{
    bool is_exact = (agg->type->flags & AGG_ANY_VALUE) != 0;
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t u = (uint64_t)batch->longs[i] ^ (UINT64_C(1) << 63);
        batch->longs[i] = (int64_t)u;
        if (!is_exact)
            agg_add(agg, (double)u);
    }
    if (is_exact)
        agg_add_longs(agg, batch->longs, batch->count);
}

static void add_batch(struct metric_run *mine, struct agg_run *run, struct agg *agg,
                      struct value_batch *batch)
{
    if (mine->source.kind == COLUMN_ORDINAL) {
        uint64_t hashes[BATCH_MAX];
        bool needs_hash = agg->type != agg_type_find(STR("value_count"));
        for (size_t i = 0; i < batch->count; i++)
            hashes[i] = needs_hash ? ordinal_hash(mine, run, batch->ordinals[i]) : 0;
        agg->type->add_hashes(agg, hashes, batch->count);
    } else if (mine->source.kind == COLUMN_DOUBLE) {
        agg_add_doubles(agg, batch->doubles, batch->count);
    } else if (mine->source.local && mine->source.local->type == FIELD_UNSIGNED_LONG) {
        add_unsigned(agg, batch);
    } else {
        bool is_nanos = mine->source.local && mine->source.local->type == FIELD_DATE_NANOS;
        for (size_t i = 0; is_nanos && i < batch->count; i++) /* metrics are of milliseconds */
            batch->longs[i] = dates_ms_of_ns(batch->longs[i]);
        agg_add_longs(agg, batch->longs, batch->count);
    }
}

/* ---- Values by code ---- */

static void collect_codes(const struct agg_node *node, struct agg_run *run, void *state,
                          const struct doc_block *block)
{
    struct metric_run *mine = node_own(node, run);
    uint32_t codes[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    size_t n =
        source_read_codes(&mine->source, run, block, mine->least, mine->code_count, codes, offs);
    if (!mine->counts)
        mine->counts = ARENA_ARRAY(run->scratch, uint32_t, mine->code_count);
    mine->counted_state = state;
    uint32_t *counts = mine->counts;
    for (size_t i = 0; i < n; i++)
        counts[codes[i]]++;
}

static void add_text(void *owner, uint32_t ordinal UNUSED, struct str text,
                     uint32_t doc_count UNUSED)
{
    struct agg *agg = owner;
    uint64_t hash = agg_hash_str(text);
    agg->type->add_hashes(agg, &hash, 1);
}

static void metric_end(const struct agg_node *node, struct agg_run *run, void *own)
{
    struct metric_run *mine = own;
    if (!mine->counts)
        return;
    struct agg agg = state_agg(node, run, mine->counted_state);
    if (mine->source.kind == COLUMN_ORDINAL) {
        uint64_t *seen = ARENA_ARRAY(run->scratch, uint64_t, BITSET_WORDS(mine->code_count));
        if (mine->only)
            seen = met_of(mine, run);
        for (uint32_t i = 0; i < mine->code_count; i++)
            seen[i >> 6] |= (uint64_t)(mine->counts[i] > 0) << (i & 63);
        if (!mine->only)
            column_ordinals_each(mine->source.column, seen, add_text, &agg);
    } else {
        agg.type->add_counts(&agg, mine->least, mine->counts, mine->code_count);
    }
    mine->counts = NULL;
}

/* ---- Values from statistics ---- */

static bool summary_of(const struct source *source, const struct column_zone *stats,
                       struct agg_summary *ret_summary)
{
    *ret_summary = (struct agg_summary){.count = stats->count,
                                        .is_integer = source->kind == COLUMN_LONG,
                                        .min_f = stats->min_f,
                                        .max_f = stats->max_f,
                                        .min_i = stats->min_i,
                                        .max_i = stats->max_i};
    if (source->kind == COLUMN_DOUBLE)
        return true;
    double largest = fmax(fabs(stats->min_f), fabs(stats->max_f));
    if (source->kind == COLUMN_ORDINAL || is_converted(source) ||
        largest * (double)stats->count > SUM_EXACT_MAX)
        return false;
    ret_summary->sum = (int64_t)stats->sum;
    return true;
}

/* A window all of whose documents are in the block. */
static bool collect_zone(const struct source *source, struct agg_run *run, struct agg *agg,
                         const struct doc_block *block)
{
    struct column_zone stats;
    struct agg_summary summary;
    if (!agg->type->add_summary || block->offs || source->has_missing || !source->column ||
        block->count != MIN_OF(ZONE_DOCS, run->doc_count - block->first))
        return false;
    if (!column_zone(source->column, block->first / ZONE_DOCS, &stats))
        return true; /* no value */
    return summary_of(source, &stats, &summary) && agg->type->add_summary(agg, &summary);
}

/* Integers and floats without the copy into a batch. */
static void collect_single(const struct source *source, struct agg_run *run, struct agg *agg,
                           const struct doc_block *block)
{
    const struct window_values *w = run_window(run, source->column, block->first);
    bool is_dense = column_is_dense(source->column);
    union {
        int64_t longs[BATCH_MAX];
        double doubles[BATCH_MAX];
    } some;
    size_t n = block->count;
    const int64_t *values = w->longs; /* doubles are moved as their bits */
    if (!is_dense || block->offs) {
        n = 0;
        for (uint32_t i = 0; i < block->count; i++) {
            uint32_t off = block_offset(block, i);
            some.longs[n] = w->longs[off];
            n += is_dense || bitset_get(w->exists, off);
        }
        values = some.longs;
    }
    if (source->kind == COLUMN_LONG)
        agg_add_longs(agg, values, n);
    else
        agg_add_doubles(agg, values == w->longs ? w->doubles : some.doubles, n);
}

static void metric_collect(const struct agg_node *node, struct agg_run *run, void *state,
                           const struct doc_block *block)
{
    struct metric_run *mine = node_own(node, run);
    const struct source *source = &mine->source;
    struct agg agg = state_agg(node, run, state);
    if (mine->code_count > 0) {
        collect_codes(node, run, state, block);
        return;
    }
    if (collect_zone(source, run, &agg, block))
        return;
    if (source->column && !source->is_multi && !source->has_missing &&
        source->kind != COLUMN_ORDINAL && !is_converted(source)) {
        collect_single(source, run, &agg, block);
        return;
    }
    struct source_cursor cursor = {0};
    struct value_batch batch;
    while (source_next(&mine->source, run, block, &cursor, false, &batch))
        add_batch(mine, run, &agg, &batch);
}

/* One value each. */
static bool metric_scatter(const struct agg_node *node, struct agg_run *run,
                           struct bucket_scatter *to)
{
    const struct metric_params *params = node->params;
    struct metric_run *mine = node_own(node, run);
    const struct source *source = &mine->source;
    const struct agg_type *type = params->spec.type;
    if (!source->column || source->is_multi || source->has_missing ||
        source->kind == COLUMN_ORDINAL || !type->add_longs || !type->add_doubles ||
        is_converted(source))
        return false;
    const struct window_values *w = run_window(run, source->column, to->block->first);
    bool is_dense = column_is_dense(source->column), is_long = source->kind == COLUMN_LONG;
    char *flat = to->set->flat ? to->set->flat[to->child] : NULL;
    size_t bytes = flat ? to->set->flat_bytes[to->child] : 0;
    for (size_t i = 0; i < to->n; i++) {
        uint32_t off = to->offs[i], at = to->index[i];
        if (flat && i + SCATTER_AHEAD < to->n && to->index[i + SCATTER_AHEAD] != UINT32_MAX)
            __builtin_prefetch(flat + to->index[i + SCATTER_AHEAD] * bytes, 1);
        if (at == UINT32_MAX || !(is_dense || bitset_get(w->exists, off)))
            continue;
        void *state = flat ? flat + at * bytes
                           : bucket_child_state(to->parent, run, &to->set->buckets[at], to->child);
        struct agg agg = state_agg(node, run, state);
        if (is_long)
            type->add_longs(&agg, &w->longs[off], 1);
        else
            type->add_doubles(&agg, &w->doubles[off], 1);
    }
    return true;
}

/* Counts, sums and extremes are in the column's statistics already. */
static bool metric_collect_all(const struct agg_node *node, struct agg_run *run, void *state)
{
    struct metric_run *mine = node_own(node, run);
    struct column_zone stats;
    struct agg agg = state_agg(node, run, state);
    struct str name = str_from(agg.type->name);
    if (mine->source.has_missing)
        return false;
    if (!mine->source.column)
        return true;
    if (mine->only) { /* a dictionary has no text without a document */
        uint32_t count = column_ordinal_count(mine->only);
        uint64_t *met = met_of(mine, run);
        for (uint32_t i = 0; i < count; i++)
            bitset_set(met, i);
        return true;
    }
    if (str_is(name, "cardinality") && mine->source.kind == COLUMN_ORDINAL) {
        column_ordinals_each(mine->source.column, NULL, add_text, &agg);
        return true;
    }
    struct agg_summary summary;
    if (!column_stats(mine->source.column, &stats))
        return true;
    if (!agg.type->add_summary)
        return false;
    if (mine->source.kind == COLUMN_ORDINAL)
        summary = (struct agg_summary){.count = stats.count};
    else if (!summary_of(&mine->source, &stats, &summary))
        return false;
    return agg.type->add_summary(&agg, &summary);
}

static void metric_merge(const struct agg_node *node, struct agg_run *run, void *state,
                         struct agg_run *other, void *from)
{
    struct agg agg = state_agg(node, run, state), more = state_agg(node, other, from);
    agg_merge(&agg, &more);
    struct metric_run *mine = node_own(node, run);
    const struct metric_run *theirs = node_own(node, other);
    if (!mine->source.field)
        mine->source = theirs->source;
    if (!mine->only)
        mine->only = theirs->only;
    if (theirs->met) {
        uint64_t *met = met_of(mine, run);
        for (size_t i = 0; i < BITSET_WORDS(column_ordinal_count(mine->only)); i++)
            met[i] |= theirs->met[i];
    }
}

/* ---- Printing ---- */

static struct value as_double(const struct value *v)
{
    double f;
    if (value_to_f64(v, &f))
        return value_float(f);
    if (v->kind == VALUE_BIG && str_to_f64(v->s, &f))
        return value_float(f);
    return value_null();
}

/* Values are of the field; counts, variances are not. */
static bool is_of_field(struct str key)
{
    return !str_is(key, "count");
}

static void put_number(struct agg_run *run, const struct source *source, struct value *map,
                       struct str key, const struct value *v)
{
    struct value f = as_double(v);
    value_map_set(run->mem, map, key, f);
    if (f.kind == VALUE_FLOAT && source_prints_text(source))
        value_map_set(run->mem, map, arena_printf(run->mem, STR_FMT "_as_string", STR_ARG(key)),
                      value_str(source_print_double(source, f.f, run->mem)));
}

/* Of values there are, what is no number is said to be none: the variance of a sample of one. */
static struct value stats_number(const struct value *v, bool is_empty)
{
    struct value f = as_double(v);
    return f.kind == VALUE_NULL && !is_empty ? value_str(STR("NaN")) : f;
}

static struct value print_bounds(struct agg_run *run, const struct value *bounds, bool is_empty)
{
    struct value map = value_map(run->mem, bounds->map->count);
    for (size_t k = 0; k < bounds->map->count; k++)
        value_map_set(run->mem, &map, bounds->map->keys[k],
                      stats_number(&bounds->map->values[k], is_empty));
    return map;
}

/* The texts of numbers, and of the bounds among them, under their names and `suffix`. */
static void put_texts(struct agg_run *run, const struct source *source, const struct value *numbers,
                      const char *suffix, struct value *map)
{
    for (size_t i = 0; i < numbers->map->count; i++) {
        const struct value *v = &numbers->map->values[i];
        struct value f = as_double(v), text;
        if (v->kind == VALUE_MAP) {
            text = value_map(run->mem, v->map->count);
            put_texts(run, source, v, "", &text);
        } else if (is_of_field(numbers->map->keys[i])) {
            text = value_str(f.kind == VALUE_FLOAT ? source_print_double(source, f.f, run->mem)
                                                   : STR("NaN"));
        } else {
            continue;
        }
        value_map_set(run->mem, map,
                      arena_printf(run->mem, STR_FMT "%s", STR_ARG(numbers->map->keys[i]), suffix),
                      text);
    }
}

/* stats print their texts behind all numbers. */
static struct value print_stats(struct agg_run *run, const struct source *source,
                                const struct value *result)
{
    struct value map = value_map(run->mem, result->map->count * 2);
    const struct value *count = value_map_get_lit(result, "count");
    bool is_empty = !count || count->i == 0;
    for (size_t i = 0; i < result->map->count; i++) {
        struct str key = result->map->keys[i];
        const struct value *v = &result->map->values[i];
        struct value printed = v->kind == VALUE_MAP ? print_bounds(run, v, is_empty)
                               : is_of_field(key)   ? stats_number(v, is_empty)
                                                    : *v;
        value_map_set(run->mem, &map, key, printed);
    }
    if (!is_empty && source_prints_text(source))
        put_texts(run, source, result, "_as_string", &map);
    return map;
}

static struct value print_percentiles(struct agg_run *run, const struct metric_params *params,
                                      const struct source *source, const struct value *result)
{
    struct value values = params->keyed ? value_map(run->mem, result->map->count)
                                        : value_list(run->mem, result->map->count);
    for (size_t i = 0; i < result->map->count; i++) {
        struct str key = result->map->keys[i];
        if (params->keyed) {
            put_number(run, source, &values, key, &result->map->values[i]);
            continue;
        }
        double percent = 0;
        (void)str_to_f64(key, &percent);
        struct value item = value_map(run->mem, 3);
        value_map_set(run->mem, &item, STR("key"), value_float(percent));
        put_number(run, source, &item, STR("value"), &result->map->values[i]);
        value_list_add(run->mem, &values, item);
    }
    struct value map = value_map(run->mem, 1);
    value_map_set(run->mem, &map, STR("values"), values);
    return map;
}

static struct value metric_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct metric_params *params = node->params;
    const struct metric_run *mine = node_own(node, run);
    struct agg agg = state_agg(node, run, state);
    struct value result = agg_result(&agg, run->mem);
    if (mine->met)
        result = value_int(
            (int64_t)bitset_count(mine->met, BITSET_WORDS(column_ordinal_count(mine->only))));
    if (str_starts_with(str_from(agg.type->name), STR("percentile")))
        return print_percentiles(run, params, &mine->source, &result);
    if (result.kind == VALUE_MAP)
        return print_stats(run, &mine->source, &result);
    struct value map = value_map(run->mem, 2);
    if (takes_any(params))
        value_map_set(run->mem, &map, STR("value"), result);
    else
        put_number(run, &mine->source, &map, STR("value"), &result);
    return map;
}

static const char *metric_typed_name(const struct agg_node *node, struct agg_run *run UNUSED)
{
    const struct metric_params *params = node->params;
    struct str name = str_from(params->spec.type->name);
    if (str_is(name, "percentiles"))
        return "tdigest_percentiles";
    if (str_is(name, "percentile_ranks"))
        return "tdigest_percentile_ranks";
    return params->spec.type->name;
}

bool metric_number(const struct value *result, struct str key, double *ret_v)
{
    if (result->kind != VALUE_MAP)
        return false;
    const struct value *v = value_map_get(result, key.n ? key : STR("value"));
    if (!v && value_map_get_lit(result, "values")) {
        const struct value *values = value_map_get_lit(result, "values");
        v = value_map_get(values, key);
        double percent, own;
        for (size_t i = 0;
             !v && values->kind == VALUE_MAP && i < values->map->count && str_to_f64(key, &percent);
             i++) {
            if (str_to_f64(values->map->keys[i], &own) && own == percent)
                v = &values->map->values[i];
        }
    }
    return v && value_to_f64(v, ret_v);
}

const struct bucket_type bucket_type_metric = {
    .name = "metric",
    .summary = "An accumulator over a field.",
    .since = "0.1",
    .opts = metric_opts,
    .opts_size = sizeof(struct metric_params),
    .run_size = sizeof(struct metric_run),
    .is_leaf = true,
    .begin = metric_begin,
    .collect = metric_collect,
    .collect_all = metric_collect_all,
    .scatter = metric_scatter,
    .end = metric_end,
    .merge = metric_merge,
    .result = metric_result,
    .typed_name = metric_typed_name,
};
