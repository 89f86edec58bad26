/* SPDX-License-Identifier: Apache-2.0 */
/* date_histogram.c: a bucket per span of time: calendar spans (day, month …) on the calendar of a
 * time zone, or fixed ones
 * ("90m"). Consecutive documents mostly fall into one span, so the last span's limits are kept;
 * where they do not, a table of the spans is looked at; and a window whose smallest and largest
 * value fall into one span is counted without reading its values. */
#include "base/str.h"
#include "query/buckets/date_spans.h"
#include "query/buckets/histogram_print.h"
#include "query/dates.h"

struct date_histogram_params {
    struct source_params source;
    struct str calendar_interval, fixed_interval, interval, offset;
    struct value min_doc_count, extended_bounds, hard_bounds, order;
    bool keyed;
    struct date_rounding rounding;
    uint64_t min_docs;
    enum histogram_order rank;
};

/* In ms, rounded. */
struct bounds {
    bool has_min, has_max;
    int64_t min, max;
};

struct date_histogram_run {
    struct source source;
    struct date_span last;
    bool has_spans;
    struct date_spans spans; /* of the whole search */
    struct bounds hard;
};

struct date_histogram_state {
    struct bucket_set set;
    uint32_t *by_span; /* see date_spans_buckets; NULL: not worth it so far */
};

static const struct opt date_histogram_opts[] = {
    SOURCE_OPTS(struct date_histogram_params, source),
    SOURCE_OPT_FORMAT(struct date_histogram_params, source),
    SOURCE_OPT_ZONE(struct date_histogram_params, source),
    OPT_STR(struct date_histogram_params, calendar_interval,
            .help = "minute, hour, day, week, month, quarter, year (or 1m, 1h …)."),
    OPT_STR(struct date_histogram_params, fixed_interval,
            .help = "A length of time: 30s, 90m, 12h, 30d."),
    OPT_STR(struct date_histogram_params, interval, .flags = OPT_DEPRECATED,
            .help = "Either of the two."),
    OPT_STR(struct date_histogram_params, offset, .help = "Moves the spans' beginnings: +6h, -1d."),
    OPT_VALUE(struct date_histogram_params, min_doc_count, .help = "Default 0: gaps are filled."),
    OPT_VALUE(struct date_histogram_params, extended_bounds,
              .help = "{min, max}: buckets at least from here to there."),
    OPT_VALUE(struct date_histogram_params, hard_bounds,
              .help = "{min, max}: no buckets outside, nor that of max."),
    OPT_VALUE(struct date_histogram_params, order,
              .help = "{\"_key\": \"asc\"} or {\"_count\": …}."),
    OPT_BOOL(struct date_histogram_params, keyed, .help = "Buckets as an object."),
    OPT_END,
};

static int date_histogram_parse(struct agg_node *node, struct dsl *dsl,
                                struct agg_tree *tree UNUSED, const struct value *body,
                                struct err *err)
{
    struct date_histogram_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    struct date_intervals intervals = {params->calendar_interval, params->fixed_interval,
                                       params->interval, params->offset};
    TRY(date_rounding_parse(&params->rounding, &intervals, body, err));
    const struct time_zone *zone;
    if (params->source.time_zone.p)
        TRY(dates_zone(params->source.time_zone, dsl->mem, &zone, err));
    if (params->min_doc_count.kind == VALUE_INT && params->min_doc_count.i >= 0)
        params->min_docs = (uint64_t)params->min_doc_count.i;
    else if (params->min_doc_count.kind != VALUE_NONE)
        return dsl_error(&params->min_doc_count, err, ERR_INVALID,
                         "[minDocCount] must be greater than or equal to 0");
    return histogram_order_parse(&params->order, &params->rank, err);
}

/* ---- Collecting ---- */

static int64_t key_of(const struct date_histogram_params *params, struct date_histogram_run *mine,
                      int64_t ms)
{
    if (ms < mine->last.low || ms >= mine->last.high)
        mine->last = date_rounding_span(&params->rounding, mine->source.zone, ms);
    return mine->last.low;
}

static int bound_ms(const struct value *bounds, const char *name,
                    const struct date_histogram_params *params, const struct source *source,
                    struct agg_run *run, bool *ret_has, int64_t *ret_ms, struct err *err)
{
    const struct value *v = value_map_get(bounds, str_from(name));
    *ret_has = v && v->kind != VALUE_NULL;
    if (!*ret_has)
        return 0;
    if (v->kind == VALUE_INT) { /* whatever the format is */
        *ret_ms = v->i;
        return 0;
    }
    struct str format = params->source.format.p ? params->source.format
                        : source->field         ? source->field->format
                                                : STR("");
    int64_t ns;
    TRY(dates_value(v, format, source->zone, run->now_ns, false, run->mem, &ns, err));
    *ret_ms = dates_ms_of_ns(ns);
    return 0;
}

/* Bounds are rounded as if there was no offset: the keys of a day's span that begins at six in the
 * morning lie between midnights. */
static int bounds_read(const struct agg_node *node, const struct value *v, const char *name,
                       const struct source *source, struct agg_run *run, struct bounds *ret,
                       struct err *err)
{
    const struct date_histogram_params *params = node->params;
    struct date_rounding rounding = params->rounding;
    TRY(bound_ms(v, "min", params, source, run, &ret->has_min, &ret->min, err));
    TRY(bound_ms(v, "max", params, source, run, &ret->has_max, &ret->max, err));
    if (ret->has_min && ret->has_max && ret->min > ret->max)
        return err_set(err, ERR_INVALID,
                       "[%s.min][%lld] cannot be greater than [%s.max][%lld] for histogram "
                       "aggregation [" STR_FMT "]",
                       name, (long long)ret->min, name, (long long)ret->max, STR_ARG(node->name));
    rounding.offset_ms = 0;
    if (ret->has_min)
        ret->min = date_rounding_span(&rounding, source->zone, ret->min).low;
    if (ret->has_max)
        ret->max = date_rounding_span(&rounding, source->zone, ret->max).low;
    return 0;
}

static int date_histogram_begin(const struct agg_node *node, struct agg_run *run, void *own,
                                struct err *err)
{
    const struct date_histogram_params *params = node->params;
    struct date_histogram_run *mine = own;
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_DATES, err));
    mine->last = (struct date_span){0, 0};
    if (!mine->source.pattern)
        TRY(dates_format(params->source.format, run->mem, &mine->source.pattern, err));
    if (params->source.time_zone.p)
        TRY(dates_zone(params->source.time_zone, run->mem, &mine->source.zone, err));
    if (!mine->has_spans)
        date_spans_of_search(&mine->spans, &params->rounding, mine->source.zone,
                             params->source.field, run);
    mine->has_spans = true;
    return bounds_read(node, &params->hard_bounds, "hard_bounds", &mine->source, run, &mine->hard,
                       err);
}

/* The upper bound is no key any more. */
static bool is_outside(const struct date_histogram_run *mine, int64_t key)
{
    return (mine->hard.has_min && key < mine->hard.min) ||
           (mine->hard.has_max && key >= mine->hard.max);
}

/* The whole window in one span. */
static bool collect_zone(const struct agg_node *node, struct agg_run *run,
                         struct date_histogram_state *own, const struct doc_block *block)
{
    struct date_histogram_run *mine = node_own(node, run);
    struct column_zone zone;
    if (!mine->source.column || mine->source.is_multi || mine->source.kind != COLUMN_LONG ||
        !column_is_dense(mine->source.column) ||
        !column_zone(mine->source.column, block->first / ZONE_DOCS, &zone))
        return false;
    int64_t key = key_of(node->params, mine, date_rounding_ms(mine->source.local, zone.min_i));
    if (date_rounding_ms(mine->source.local, zone.max_i) >= mine->last.high)
        return false;
    if (!is_outside(mine, key)) {
        uint32_t at = bucket_set_get(&own->set, key, run->mem); /* may move the buckets */
        bucket_collect(node, run, &own->set.buckets[at], block);
    }
    return true;
}

static int64_t value_at(const struct date_histogram_run *mine, uint32_t doc)
{
    int64_t v;
    column_read_longs(mine->source.column, doc, 1, &v, NULL);
    return date_rounding_ms(mine->source.local, v);
}

#define SORTED_SPANS_MAX 8 /* of more the values are read: that costs as much as eight searches */

/* Of a window in order only the ends of the spans are looked for. */
static bool collect_sorted(const struct agg_node *node, struct agg_run *run,
                           struct date_histogram_state *own, const struct doc_block *block)
{
    struct date_histogram_run *mine = node_own(node, run);
    struct column_zone zone;
    uint16_t offs[BATCH_MAX];
    uint32_t n = block->count;
    if (block->offs || !mine->source.column || mine->source.kind != COLUMN_LONG ||
        !column_is_sorted(mine->source.column) ||
        !column_zone(mine->source.column, block->first / ZONE_DOCS, &zone))
        return false;
    (void)key_of(node->params, mine, date_rounding_ms(mine->source.local, zone.min_i));
    int64_t length = mine->last.high - mine->last.low;
    if ((date_rounding_ms(mine->source.local, zone.max_i) - mine->last.low) / length >=
        SORTED_SPANS_MAX)
        return false;
    for (uint32_t i = 0; node->child_count > 0 && i < n; i++)
        offs[i] = (uint16_t)i;
    for (uint32_t from = 0, to; from < n; from = to) {
        int64_t key = key_of(node->params, mine, value_at(mine, block->first + from));
        uint32_t low = from + 1, high = n; /* the first value of a later span */
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (value_at(mine, block->first + mid) < mine->last.high)
                low = mid + 1;
            else
                high = mid;
        }
        to = low;
        struct doc_block sub = {block->first, to - from, offs + from, block->scores};
        uint32_t at = is_outside(mine, key) ? UINT32_MAX : bucket_set_get(&own->set, key, run->mem);
        if (at != UINT32_MAX)
            bucket_collect(node, run, &own->set.buckets[at], &sub);
    }
    return true;
}

struct finder {
    const struct date_histogram_params *params;
    struct date_histogram_run *mine;
    struct agg_run *run;
    struct date_histogram_state *state;
};

static uint32_t bucket_at(void *owner, int64_t ms)
{
    struct finder *own = owner;
    int64_t key = key_of(own->params, own->mine, ms);
    return is_outside(own->mine, key) ? UINT32_MAX
                                      : bucket_set_get(&own->state->set, key, own->run->mem);
}

static void find_buckets(const struct agg_node *node, struct agg_run *run,
                         struct date_histogram_state *own, struct value_batch *batch,
                         uint32_t *index)
{
    struct date_histogram_run *mine = node_own(node, run);
    struct finder finder = {node->params, mine, run, own};
    struct date_span span = {0, 0}; /* of the bucket `at` */
    uint32_t at = UINT32_MAX;
    date_rounding_batch(&mine->source, batch);
    if (!own->by_span && mine->spans.count > 0 &&
        batch->count * PLACES_PER_DOC >= mine->spans.count)
        own->by_span = ARENA_ARRAY(run->mem, uint32_t, mine->spans.count);
    if (own->by_span) {
        date_spans_buckets(&mine->spans, own->by_span, batch->longs, batch->count, bucket_at,
                           &finder, index);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->longs[i] < span.low || batch->longs[i] >= span.high) {
            at = bucket_at(&finder, batch->longs[i]);
            span = mine->last;
        }
        index[i] = at;
    }
}

static void date_histogram_collect(const struct agg_node *node, struct agg_run *run, void *state,
                                   const struct doc_block *block)
{
    struct date_histogram_run *mine = node_own(node, run);
    struct date_histogram_state *own = state;
    if (collect_zone(node, run, own, block) || collect_sorted(node, run, own, block))
        return;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        find_buckets(node, run, own, &batch, index);
        if (mine->source.is_multi) { /* two values of a document in one span count once */
            for (size_t i = 1; i < batch.count; i++) {
                for (size_t k = i; k > 0 && batch.offs[k - 1] == batch.offs[i]; k--) {
                    if (index[k - 1] == index[i] && index[i] != UINT32_MAX)
                        index[k - 1] = UINT32_MAX;
                }
            }
        }
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
    }
}

static void date_histogram_merge(const struct agg_node *node, struct agg_run *run, void *state,
                                 struct agg_run *other, void *from)
{
    struct date_histogram_state *own = state, *more = from;
    struct date_histogram_run *mine = node_own(node, run);
    const struct date_histogram_run *theirs = node_own(node, other);
    if (!mine->source.field)
        *mine = *theirs;
    for (uint32_t i = 0; i < more->set.count; i++) {
        struct bucket *bucket = &more->set.buckets[i];
        uint32_t at = bucket_set_get(&own->set, bucket->key, run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, bucket);
    }
}

/* ---- Result ---- */

struct printer {
    const struct date_histogram_params *params;
    const struct source *source;
};

static int64_t next_key(const void *owner, int64_t key)
{
    const struct printer *own = owner;
    return date_rounding_span(&own->params->rounding, own->source->zone, key).high;
}

static struct str print_key(const void *owner, int64_t key, struct agg_run *run, struct value *map)
{
    const struct printer *own = owner;
    struct str text =
        dates_print(dates_ns_of_ms(key), own->source->pattern, own->source->zone, run->mem);
    value_map_set(run->mem, map, STR("key_as_string"), value_str(text));
    value_map_set(run->mem, map, STR("key"), value_int(key));
    return text;
}

static const char *bounds_text(const struct bounds *bounds, struct arena *mem)
{
    struct str min = bounds->has_min ? arena_printf(mem, "%lld", (long long)bounds->min) : STR(""),
               max = bounds->has_max ? arena_printf(mem, "%lld", (long long)bounds->max) : STR("");
    return arena_printf(mem, STR_FMT "--" STR_FMT, STR_ARG(min), STR_ARG(max)).p;
}

/* Hard bounds once more: without a segment nothing has read them. */
static int read_both(const struct agg_node *node, struct agg_run *run,
                     struct date_histogram_run *mine, struct bounds *ret_extended)
{
    const struct date_histogram_params *params = node->params;
    const struct bounds *hard = &mine->hard;
    TRY(bounds_read(node, &params->extended_bounds, "extended_bounds", &mine->source, run,
                    ret_extended, run->err));
    TRY(bounds_read(node, &params->hard_bounds, "hard_bounds", &mine->source, run, &mine->hard,
                    run->err));
    if ((ret_extended->has_max && hard->has_max && ret_extended->max > hard->max) ||
        (ret_extended->has_min && hard->has_min && ret_extended->min < hard->min))
        return err_set(run->err, ERR_INVALID,
                       "Extended bounds have to be inside hard bounds, hard bounds: [%s], extended "
                       "bounds: [%s]",
                       bounds_text(hard, run->mem), bounds_text(ret_extended, run->mem));
    return 0;
}

static struct value date_histogram_result(const struct agg_node *node, struct agg_run *run,
                                          void *state)
{
    const struct date_histogram_params *params = node->params;
    struct date_histogram_run *mine = node_own(node, run);
    struct date_histogram_state *own = state;
    struct printer printer = {params, &mine->source};
    struct histogram_view view = {.node = node,
                                  .set = &own->set,
                                  .owner = &printer,
                                  .next = next_key,
                                  .print_key = print_key,
                                  .keyed = params->keyed,
                                  .order = params->rank,
                                  .min_doc_count = params->min_docs};
    if (!mine->source.zone)
        mine->source.zone = time_zone_utc();
    if (!mine->source.pattern &&
        dates_format(params->source.format, run->mem, &mine->source.pattern, run->err) < 0)
        return value_null();
    struct bounds extended = {0};
    run->rc = read_both(node, run, mine, &extended);
    if (run->rc < 0)
        return value_null();
    view.has_min = extended.has_min;
    view.has_max = extended.has_max;
    view.min = extended.has_min ? extended.min + params->rounding.offset_ms : 0;
    view.max = extended.has_max ? extended.max + params->rounding.offset_ms : 0;
    return histogram_print(&view, run);
}

const struct bucket_type bucket_type_date_histogram = {
    .name = "date_histogram",
    .summary = "A bucket per span of time.",
    .since = "0.1",
    .opts = date_histogram_opts,
    .opts_size = sizeof(struct date_histogram_params),
    .state_size = sizeof(struct date_histogram_state),
    .run_size = sizeof(struct date_histogram_run),
    .parse = date_histogram_parse,
    .begin = date_histogram_begin,
    .collect = date_histogram_collect,
    .merge = date_histogram_merge,
    .result = date_histogram_result,
};
