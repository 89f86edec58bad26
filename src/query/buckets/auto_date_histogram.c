/* SPDX-License-Identifier: Apache-2.0 */
/* auto_date_histogram.c: a date histogram that finds its interval: at most `buckets` buckets. It
 * counts by seconds at first and goes to the next unit (minute, hour, day, month, year), folding
 * what it has, whenever there are too many; at the end neighbours are put together by one of the
 * unit's steps (1, 5, 10, 30 …), as Elasticsearch does it. */
#include <stdlib.h>

#include "base/str.h"
#include "query/buckets/date_spans.h"
#include "query/dates.h"

#define AUTO_BUCKETS_MAX 65535

struct level {
    char unit;
    const char *name; /* of minimum_interval */
    int64_t about_ms;
    int steps[7]; /* ends with 0 */
};

static const struct level levels[] = {
    {'s', "second", 1000, {1, 5, 10, 30}},
    {'m', "minute", 60000, {1, 5, 10, 30}},
    {'h', "hour", 3600000, {1, 3, 12}},
    {'d', "day", 86400000, {1, 7}},
    {'M', "month", INT64_C(30) * 86400000, {1, 3}},
    {'y', "year", INT64_C(365) * 86400000, {1, 5, 10, 20, 50, 100}},
};
#define LEVEL_LAST (LEVEL_COUNT - 1)

struct auto_params {
    struct source_params source;
    int64_t buckets;
    struct str minimum_interval;
    size_t level_first;
};

#define LEVEL_COUNT ARRAY_COUNT(levels)

struct auto_run {
    struct source source;
    bool has_spans[LEVEL_COUNT]; /* was the table asked for */
    struct date_spans spans[LEVEL_COUNT];
};

struct auto_state {
    struct bucket_set set;
    size_t level;
    struct date_span last;
    uint32_t *by_span; /* of this level; see date_spans_buckets; NULL: not worth it so far */
    bool is_begun;
};

static const struct opt auto_opts[] = {
    SOURCE_OPTS(struct auto_params, source),
    SOURCE_OPT_FORMAT(struct auto_params, source),
    SOURCE_OPT_ZONE(struct auto_params, source),
    OPT_INT(struct auto_params, buckets, .dflt = "10", .help = "At most so many buckets."),
    OPT_STR(struct auto_params, minimum_interval,
            .help = "second, minute, hour, day, month or year: nothing finer."),
    OPT_END,
};

static int auto_parse(struct agg_node *node, struct dsl *dsl UNUSED, struct agg_tree *tree UNUSED,
                      const struct value *body, struct err *err)
{
    struct auto_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    if (params->buckets <= 0 || params->buckets > AUTO_BUCKETS_MAX)
        return dsl_error(body, err, ERR_INVALID, "buckets must be greater than 0 for [" STR_FMT "]",
                         STR_ARG(node->name));
    if (!params->minimum_interval.p)
        return 0;
    while (params->level_first <= LEVEL_LAST &&
           !str_eq(str_from(levels[params->level_first].name), params->minimum_interval))
        params->level_first++;
    if (params->level_first > LEVEL_LAST)
        return dsl_error(
            body, err, ERR_INVALID,
            "minimum_interval must be one of [year, month, day, hour, minute, second]");
    return 0;
}

static int auto_begin(const struct agg_node *node, struct agg_run *run, void *own, struct err *err)
{
    const struct auto_params *params = node->params;
    struct auto_run *mine = own;
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_DATES, err));
    if (params->source.time_zone.p)
        TRY(dates_zone(params->source.time_zone, run->mem, &mine->source.zone, err));
    return mine->source.pattern
               ? 0
               : dates_format(params->source.format, run->mem, &mine->source.pattern, err);
}

static struct date_span span_of(size_t level, int64_t ms, const struct time_zone *zone)
{
    return date_rounding_span(&(struct date_rounding){.unit = levels[level].unit}, zone, ms);
}

static int64_t round_to(size_t level, int64_t ms, const struct time_zone *zone)
{
    return span_of(level, ms, zone).low;
}

static int64_t next_of(size_t level, int64_t key, const struct time_zone *zone)
{
    return span_of(level, key, zone).high;
}

static int64_t step_max(size_t level)
{
    int most = 1;
    for (size_t i = 0; levels[level].steps[i]; i++)
        most = levels[level].steps[i];
    return most;
}

static bool is_too_many(const struct auto_params *params, const struct auto_state *own)
{
    return own->level < LEVEL_LAST &&
           (int64_t)own->set.count > params->buckets * step_max(own->level);
}

/* Folds the buckets into those of the next unit. */
static void coarsen(const struct agg_node *node, struct agg_run *run, struct auto_state *own,
                    const struct time_zone *zone)
{
    struct bucket_set old = own->set;
    own->set = (struct bucket_set){0};
    own->level++;
    own->last = (struct date_span){0, 0};
    own->by_span = NULL;
    for (uint32_t i = 0; i < old.count; i++) {
        uint32_t at =
            bucket_set_get(&own->set, round_to(own->level, old.buckets[i].key, zone), run->mem);
        bucket_merge(node, run, &own->set.buckets[at], run, &old.buckets[i]);
    }
}

static void begin_state(const struct auto_params *params, struct auto_state *own)
{
    if (!own->is_begun) {
        own->is_begun = true;
        own->level = params->level_first;
    }
}

struct finder {
    struct auto_run *mine;
    struct agg_run *run;
    struct auto_state *state;
};

static uint32_t bucket_at(void *owner, int64_t ms)
{
    struct finder *own = owner;
    struct date_span *last = &own->state->last;
    if (ms < last->low || ms >= last->high)
        *last = span_of(own->state->level, ms, own->mine->source.zone);
    return bucket_set_get(&own->state->set, last->low, own->run->mem);
}

/* The table of the state's level, once it has enough documents; NULL: none. */
static const struct date_spans *spans_of(const struct agg_node *node, struct agg_run *run,
                                         struct auto_state *own, size_t docs)
{
    const struct auto_params *params = node->params;
    struct auto_run *mine = node_own(node, run);
    struct date_spans *spans = &mine->spans[own->level];
    if (!mine->has_spans[own->level]) {
        struct date_rounding rounding = {.unit = levels[own->level].unit};
        date_spans_of_search(spans, &rounding, mine->source.zone, params->source.field, run);
        mine->has_spans[own->level] = true;
    }
    if (!own->by_span && spans->count > 0 && docs * PLACES_PER_DOC >= spans->count)
        own->by_span = ARENA_ARRAY(run->mem, uint32_t, spans->count);
    return own->by_span ? spans : NULL;
}

static void auto_collect(const struct agg_node *node, struct agg_run *run, void *state,
                         const struct doc_block *block)
{
    const struct auto_params *params = node->params;
    struct auto_run *mine = node_own(node, run);
    struct auto_state *own = state;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    struct finder finder = {mine, run, own};
    begin_state(params, own);
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        const struct date_spans *spans = spans_of(node, run, own, batch.count);
        date_rounding_batch(&mine->source, &batch);
        if (spans)
            date_spans_buckets(spans, own->by_span, batch.longs, batch.count, bucket_at, &finder,
                               index);
        for (size_t i = 0; !spans && i < batch.count; i++)
            index[i] = bucket_at(&finder, batch.longs[i]);
        for (size_t i = 1; mine->source.is_multi && i < batch.count; i++) {
            for (size_t k = i; k > 0 && batch.offs[k - 1] == batch.offs[i]; k--) {
                if (index[k - 1] == index[i])
                    index[k - 1] = UINT32_MAX; /* a document counts once per bucket */
            }
        }
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
        while (is_too_many(params, own))
            coarsen(node, run, own, mine->source.zone);
    }
}

static void auto_merge(const struct agg_node *node, struct agg_run *run, void *state,
                       struct agg_run *other, void *from)
{
    const struct auto_params *params = node->params;
    struct auto_run *mine = node_own(node, run);
    const struct auto_run *theirs = node_own(node, other);
    struct auto_state *own = state, *more = from;
    if (!mine->source.field)
        *mine = *theirs;
    begin_state(params, own);
    begin_state(params, more);
    while (own->level < more->level)
        coarsen(node, run, own, mine->source.zone);
    for (uint32_t i = 0; i < more->set.count; i++) {
        struct bucket *bucket = &more->set.buckets[i];
        uint32_t at = bucket_set_get(
            &own->set, round_to(own->level, bucket->key, mine->source.zone), run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, bucket);
    }
    while (is_too_many(params, own))
        coarsen(node, run, own, mine->source.zone);
}

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct bucket *)a)->key, y = ((const struct bucket *)b)->key;
    return (x > y) - (x < y);
}

/* Buckets of the level from the first to the last key, gaps too. */
static size_t span_count(size_t level, int64_t first, int64_t last, const struct time_zone *zone)
{
    size_t count = 0;
    for (int64_t key = round_to(level, first, zone); key <= last && count <= AUTO_BUCKETS_MAX;
         key = next_of(level, key, zone))
        count++;
    return count;
}

/* Coarser as long as the gaps, too, need more buckets than any step can put together. */
static void fit_level(const struct agg_node *node, struct agg_run *run, struct auto_state *own,
                      const struct time_zone *zone)
{
    const struct auto_params *params = node->params;
    while (own->level < LEVEL_LAST) {
        int64_t first = own->set.buckets[0].key, last = first,
                most = params->buckets * step_max(own->level);
        for (uint32_t i = 1; i < own->set.count; i++) {
            first = MIN_OF(first, own->set.buckets[i].key);
            last = MAX_OF(last, own->set.buckets[i].key);
        }
        bool is_far = (last - first) / levels[own->level].about_ms > 2 * most;
        if (!is_far && (int64_t)span_count(own->level, first, last, zone) <= most)
            break;
        coarsen(node, run, own, zone);
    }
}

static struct value auto_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct auto_params *params = node->params;
    struct auto_run *mine = node_own(node, run);
    struct auto_state *own = state;
    const struct time_zone *zone = mine->source.zone ? mine->source.zone : time_zone_utc();
    struct value result = value_map(run->mem, 2), buckets = value_list(run->mem, 16);
    int step = 1;
    begin_state(params, own);
    if (own->set.count) {
        fit_level(node, run, own, zone);
        qsort(own->set.buckets, own->set.count, sizeof(struct bucket), by_key);
        int64_t first = own->set.buckets[0].key, last = own->set.buckets[own->set.count - 1].key;
        size_t total = span_count(own->level, first, last, zone);
        for (size_t i = 0; levels[own->level].steps[i]; i++) {
            step = levels[own->level].steps[i];
            if ((total + (size_t)step - 1) / (size_t)step <= (size_t)params->buckets)
                break;
        }
        uint32_t at = 0;
        for (int64_t key = first; key <= last && run->rc == 0;) {
            struct bucket all = {.key = key};
            for (int i = 0; i < step && key <= last; i++) {
                int64_t next = next_of(own->level, key, zone);
                for (; at < own->set.count && own->set.buckets[at].key < next; at++)
                    bucket_merge(node, run, &all, run, &own->set.buckets[at]);
                key = next;
            }
            struct value map = value_map(run->mem, 3);
            struct str text =
                dates_print(dates_ns_of_ms(all.key), mine->source.pattern, zone, run->mem);
            value_map_set(run->mem, &map, STR("key_as_string"), value_str(text));
            value_map_set(run->mem, &map, STR("key"), value_int(all.key));
            bucket_print(node, run, &all, &map);
            value_list_add(run->mem, &buckets, map);
        }
    }
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    value_map_set(run->mem, &result, STR("interval"),
                  value_str(arena_printf(run->mem, "%d%c", step, levels[own->level].unit)));
    return result;
}

const struct bucket_type bucket_type_auto_date_histogram = {
    .name = "auto_date_histogram",
    .summary = "A date histogram that finds its interval.",
    .since = "0.1",
    .opts = auto_opts,
    .opts_size = sizeof(struct auto_params),
    .state_size = sizeof(struct auto_state),
    .run_size = sizeof(struct auto_run),
    .parse = auto_parse,
    .begin = auto_begin,
    .collect = auto_collect,
    .merge = auto_merge,
    .result = auto_result,
};
