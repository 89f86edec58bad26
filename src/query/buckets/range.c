/* SPDX-License-Identifier: Apache-2.0 */
/* range.c: buckets for given ranges [from, to) of numbers or dates; a document may be in several.
 * They are printed by ascending bounds, as Elasticsearch does, whatever order they were given in.
 */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "query/agg_tree.h"
#include "query/dates.h"

#define RANGES_MAX 1000u

struct range_params {
    struct source_params source;
    struct value ranges;
    bool keyed;
};

struct one_range {
    struct str key; /* given, p == NULL: made from the bounds */
    double from, to;
    bool has_from, has_to;
};

struct range_run {
    struct source source;
    struct one_range *ranges;
    size_t count;
};

struct range_state {
    struct bucket *buckets; /* in the order of range_run.ranges */
};

static const struct opt range_opts[] = {
    SOURCE_OPTS(struct range_params, source),
    SOURCE_OPT_FORMAT(struct range_params, source),
    SOURCE_OPT_ZONE(struct range_params, source),
    OPT_LIST(struct range_params, ranges,
             .help = "[{key, from, to}, …]; from is in the range, to is not."),
    OPT_BOOL(struct range_params, keyed, .help = "Buckets as an object."),
    OPT_END,
};

static int range_parse(struct agg_node *node, struct dsl *dsl UNUSED, struct agg_tree *tree UNUSED,
                       const struct value *body, struct err *err)
{
    struct range_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    if (params->ranges.kind != VALUE_LIST || params->ranges.list->count == 0)
        return dsl_error(body, err, ERR_INVALID,
                         "No [ranges] specified for the [" STR_FMT "] aggregation",
                         STR_ARG(node->name));
    if (params->ranges.list->count > RANGES_MAX)
        return dsl_error(body, err, ERR_INVALID, "more than %u ranges", RANGES_MAX);
    for (size_t i = 0; i < params->ranges.list->count; i++) {
        const struct value *range = &params->ranges.list->items[i];
        if (range->kind != VALUE_MAP)
            return dsl_error(range, err, ERR_PARSE, "[ranges] must be objects with from and to");
        for (size_t k = 0; k < range->map->count; k++) {
            struct str key = range->map->keys[k];
            if (!str_is(key, "key") && !str_is(key, "from") && !str_is(key, "to"))
                return dsl_error(&range->map->values[k], err, ERR_PARSE,
                                 "[%s] unknown field [" STR_FMT "]", node->type->name,
                                 STR_ARG(key));
        }
    }
    return 0;
}

static bool is_dates(const struct agg_node *node, const struct source *source)
{
    return str_is(str_from(node->type->name), "date_range") || source->pattern;
}

static int bound(const struct agg_node *node, const struct source *source, struct agg_run *run,
                 const struct value *v, bool *ret_has, double *ret_v, struct err *err)
{
    const struct range_params *params = node->params;
    *ret_has = v && v->kind != VALUE_NULL;
    if (!*ret_has || (!is_dates(node, source) && value_to_f64(v, ret_v)))
        return 0;
    struct str text = value_to_str(run->mem, v);
    if (is_dates(node, source)) { /* numbers too: by the format, which may be epoch_second */
        struct value whole = {.kind = VALUE_INT,
                              .i = v->kind == VALUE_FLOAT ? f64_to_i64(v->f) : 0};
        v = v->kind == VALUE_FLOAT ? &whole : v;
        struct str format = params->source.format.p ? params->source.format
                            : source->field         ? source->field->format
                                                    : STR("");
        int64_t ns;
        TRY(dates_value(v, format, source->zone, run->now_ns, false, run->mem, &ns, err));
        *ret_v = (double)dates_ms_of_ns(ns);
        return 0;
    }
    if (!str_to_f64(text, ret_v))
        return err_set(err, ERR_INVALID, "For input string: \"" STR_FMT "\"", STR_ARG(text));
    return 0;
}

static int by_bounds(const void *a, const void *b)
{
    const struct one_range *x = a, *y = b;
    double from_x = x->has_from ? x->from : -INFINITY, from_y = y->has_from ? y->from : -INFINITY;
    double to_x = x->has_to ? x->to : INFINITY, to_y = y->has_to ? y->to : INFINITY;
    if (from_x != from_y)
        return from_x < from_y ? -1 : 1;
    return (to_x > to_y) - (to_x < to_y);
}

/* Bounds are read when the field's format is known: at the first segment. */
static int read_ranges(const struct agg_node *node, struct agg_run *run, struct range_run *mine,
                       struct err *err)
{
    const struct range_params *params = node->params;
    mine->count = params->ranges.list->count;
    struct one_range *ranges = ARENA_ARRAY(run->mem, struct one_range, mine->count);
    for (size_t i = 0; i < mine->count; i++) {
        const struct value *range = &params->ranges.list->items[i];
        const struct value *key = value_map_get_lit(range, "key");
        if (key && key->kind != VALUE_NULL)
            ranges[i].key = value_to_str(run->mem, key);
        TRY(bound(node, &mine->source, run, value_map_get_lit(range, "from"), &ranges[i].has_from,
                  &ranges[i].from, err));
        TRY(bound(node, &mine->source, run, value_map_get_lit(range, "to"), &ranges[i].has_to,
                  &ranges[i].to, err));
    }
    qsort(ranges, mine->count, sizeof(*ranges), by_bounds);
    mine->ranges = ranges;
    return 0;
}

static int range_begin(const struct agg_node *node, struct agg_run *run, void *own, struct err *err)
{
    const struct range_params *params = node->params;
    struct range_run *mine = own;
    unsigned wants = str_is(str_from(node->type->name), "date_range")
                         ? SOURCE_DATES
                         : SOURCE_NUMBERS | SOURCE_WIDENED;
    TRY(source_begin(&mine->source, node, &params->source, run, wants, err));
    if (params->source.time_zone.p)
        TRY(dates_zone(params->source.time_zone, run->mem, &mine->source.zone, err));
    if (!mine->source.pattern && str_is(str_from(node->type->name), "date_range"))
        TRY(dates_format(params->source.format, run->mem, &mine->source.pattern, err));
    return mine->ranges ? 0 : read_ranges(node, run, mine, err);
}

static struct range_state *state_of(const struct range_run *mine, struct agg_run *run, void *state)
{
    struct range_state *own = state;
    if (!own->buckets)
        own->buckets = ARENA_ARRAY(run->mem, struct bucket, mine->count + 1);
    return own;
}

/* A stored integer as ranges compare it. */
static double long_value(const struct range_run *mine, int64_t v)
{
    if (mine->source.local && mine->source.local->type == FIELD_DATE_NANOS)
        return (double)dates_ms_of_ns(v);
    if (mine->source.local && mine->source.local->type == FIELD_UNSIGNED_LONG)
        return (double)((uint64_t)v ^ (UINT64_C(1) << 63));
    return (double)v;
}

enum zone_side { ZONE_INSIDE, ZONE_OUTSIDE, ZONE_ACROSS };

/* Where all values of the block's window lie. */
static enum zone_side zone_side(const struct range_run *mine, const struct one_range *range,
                                const struct column_zone *zone)
{
    bool is_double = mine->source.kind == COLUMN_DOUBLE;
    double min = is_double ? zone->min_f : long_value(mine, zone->min_i),
           max = is_double ? zone->max_f : long_value(mine, zone->max_i);
    bool is_above = !range->has_from || min >= range->from,
         is_below = !range->has_to || max < range->to;
    if (is_above && is_below)
        return ZONE_INSIDE;
    return (range->has_from && max < range->from) || (range->has_to && min >= range->to)
               ? ZONE_OUTSIDE
               : ZONE_ACROSS;
}

/* Ranges that all values of the window lie inside or outside of need no values; sets done[r] of
 * those. True: that was all. */
static bool collect_zone(const struct agg_node *node, struct agg_run *run, struct range_state *own,
                         const struct doc_block *block, bool *done)
{
    struct range_run *mine = node_own(node, run);
    struct column_zone zone;
    bool is_all = true;
    if (!mine->source.column || mine->source.is_multi || mine->source.is_widened ||
        !column_is_dense(mine->source.column) ||
        !column_zone(mine->source.column, block->first / ZONE_DOCS, &zone))
        return false;
    for (size_t r = 0; r < mine->count; r++) {
        enum zone_side side = zone_side(mine, &mine->ranges[r], &zone);
        done[r] = side != ZONE_ACROSS;
        is_all = is_all && done[r];
        if (side == ZONE_INSIDE)
            bucket_collect(node, run, &own->buckets[r], block);
    }
    return is_all;
}

static void to_doubles(const struct range_run *mine, struct value_batch *batch)
{
    const struct field *field = mine->source.local;
    bool is_plain =
        !field || (field->type != FIELD_DATE_NANOS && field->type != FIELD_UNSIGNED_LONG);
    for (size_t i = 0; is_plain && i < batch->count; i++)
        batch->doubles[i] = (double)batch->longs[i];
    for (size_t i = 0; !is_plain && i < batch->count; i++)
        batch->doubles[i] = long_value(mine, batch->longs[i]);
}

/* A document counts once per range. */
static uint32_t offs_in_range(const struct range_run *mine, const struct one_range *range,
                              const struct value_batch *batch, uint16_t *offs)
{
    double from = range->has_from ? range->from : -INFINITY,
           to = range->has_to ? range->to : NAN; /* !(v >= NaN): no end */
    uint32_t n = 0;
    for (size_t i = 0; i < batch->count; i++) {
        offs[n] = batch->offs[i];
        n += (uint32_t)(batch->doubles[i] >= from) & (uint32_t) !(batch->doubles[i] >= to);
    }
    if (!mine->source.is_multi)
        return n;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || offs[kept - 1] != offs[i])
            offs[kept++] = offs[i];
    }
    return kept;
}

static void range_collect(const struct agg_node *node, struct agg_run *run, void *state,
                          const struct doc_block *block)
{
    struct range_run *mine = node_own(node, run);
    struct range_state *own = state_of(mine, run, state);
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint16_t offs[BATCH_MAX + 1];
    bool done[RANGES_MAX] = {false};
    if (collect_zone(node, run, own, block, done))
        return;
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        if (mine->source.kind != COLUMN_DOUBLE)
            to_doubles(mine, &batch);
        for (size_t r = 0; r < mine->count; r++) {
            uint32_t n = done[r] ? 0 : offs_in_range(mine, &mine->ranges[r], &batch, offs);
            struct doc_block sub = {block->first, n, offs, block->scores};
            if (n > 0)
                bucket_collect(node, run, &own->buckets[r], &sub);
        }
    }
}

static void range_merge(const struct agg_node *node, struct agg_run *run, void *state,
                        struct agg_run *other, void *from)
{
    struct range_run *mine = node_own(node, run);
    const struct range_run *theirs = node_own(node, other);
    struct range_state *more = from;
    if (!theirs->ranges || !more->buckets)
        return;
    if (!mine->ranges)
        *mine = *theirs;
    struct range_state *own = state_of(mine, run, state);
    for (size_t i = 0; i < mine->count; i++)
        bucket_merge(node, run, &own->buckets[i], other, &more->buckets[i]);
}

static struct str bound_text(const struct agg_node *node, const struct range_run *mine,
                             struct agg_run *run, double v)
{
    if (is_dates(node, &mine->source))
        return dates_print(dates_ns_of_ms(f64_to_i64(v)), mine->source.pattern, mine->source.zone,
                           run->mem);
    return source_print_double(&mine->source, v, run->mem);
}

static void put_bound(const struct agg_node *node, const struct range_run *mine,
                      struct agg_run *run, struct value *map, const char *name, double v)
{
    value_map_set(run->mem, map, str_from(name), value_float(v));
    if (is_dates(node, &mine->source) || source_prints_text(&mine->source))
        value_map_set(run->mem, map, arena_printf(run->mem, "%s_as_string", name),
                      value_str(bound_text(node, mine, run, v)));
}

static struct value range_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct range_params *params = node->params;
    struct range_run *mine = node_own(node, run);
    if (!mine->source.zone)
        mine->source.zone = time_zone_utc();
    if (!mine->source.pattern && str_is(str_from(node->type->name), "date_range") &&
        (run->rc = dates_format(params->source.format, run->mem, &mine->source.pattern, run->err)) <
            0)
        return value_null();
    if (!mine->ranges && (run->rc = read_ranges(node, run, mine, run->err)) < 0)
        return value_null();
    struct range_state *own = state_of(mine, run, state);
    struct value buckets =
        params->keyed ? value_map(run->mem, mine->count) : value_list(run->mem, mine->count);
    for (size_t i = 0; i < mine->count && run->rc == 0; i++) {
        const struct one_range *range = &mine->ranges[i];
        struct value map = value_map(run->mem, 6);
        struct str key = range->key;
        if (!key.p)
            key = arena_printf(
                run->mem, STR_FMT "-" STR_FMT,
                STR_ARG(range->has_from ? bound_text(node, mine, run, range->from) : STR("*")),
                STR_ARG(range->has_to ? bound_text(node, mine, run, range->to) : STR("*")));
        if (!params->keyed)
            value_map_set(run->mem, &map, STR("key"), value_str(key));
        if (range->has_from)
            put_bound(node, mine, run, &map, "from", range->from);
        if (range->has_to)
            put_bound(node, mine, run, &map, "to", range->to);
        bucket_print(node, run, &own->buckets[i], &map);
        if (params->keyed)
            value_map_set(run->mem, &buckets, key, map);
        else
            value_list_add(run->mem, &buckets, map);
    }
    struct value result = value_map(run->mem, 1);
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

#define RANGE_CALLBACKS                                                                            \
    .since = "0.1", .opts = range_opts, .opts_size = sizeof(struct range_params),                  \
    .state_size = sizeof(struct range_state), .run_size = sizeof(struct range_run),                \
    .parse = range_parse, .begin = range_begin, .collect = range_collect, .merge = range_merge,    \
    .result = range_result

const struct bucket_type bucket_type_range = {
    .name = "range", .summary = "Buckets for given ranges of numbers.", RANGE_CALLBACKS};
const struct bucket_type bucket_type_date_range = {
    .name = "date_range",
    .summary = "Buckets for given ranges of dates, with date math.",
    RANGE_CALLBACKS};
