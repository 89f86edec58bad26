/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: count, min, max, avg and sum in one pass, as a map with these keys in this order. */
#include "agg/agg_int.h"

struct stats {
    struct agg__sum sum;
    struct agg__range range;
};

static const struct opt stats_opts[] = {OPT_END};

static void stats_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    struct stats *stats = agg->state;
    agg__sum_add_longs(&stats->sum, values, count);
    agg__range_add_longs(&stats->range, values, count);
}

static void stats_add_doubles(struct agg *agg, const double *values, size_t count)
{
    struct stats *stats = agg->state;
    agg__sum_add_doubles(&stats->sum, values, count);
    agg__range_add_doubles(&stats->range, values, count);
}

static void stats_merge(struct agg *agg, const struct agg *from)
{
    struct stats *stats = agg->state;
    const struct stats *other = from->state;
    agg__sum_merge(&stats->sum, &other->sum);
    agg__range_merge(&stats->range, &other->range);
}

static struct value stats_result(const struct agg *agg, struct arena *mem)
{
    const struct stats *stats = agg->state;
    uint64_t count = stats->sum.count;
    struct value map = value_map(mem, 5);
    value_map_set(mem, &map, STR("count"), value_int((int64_t)count));
    value_map_set(mem, &map, STR("min"), agg__range_min(&stats->range));
    value_map_set(mem, &map, STR("max"), agg__range_max(&stats->range));
    value_map_set(mem, &map, STR("avg"),
                  count ? value_float(agg__sum_f64(&stats->sum) / (double)count) : value_null());
    value_map_set(mem, &map, STR("sum"), agg__sum_value(&stats->sum, mem));
    return map;
}

static void stats_encode(const struct agg *agg, struct buf *out)
{
    const struct stats *stats = agg->state;
    agg__sum_encode(&stats->sum, out);
    agg__range_encode(&stats->range, out);
}

static bool stats_decode(struct agg *agg, struct str *in)
{
    struct stats *stats = agg->state;
    return agg__sum_decode(&stats->sum, in) && agg__range_decode(&stats->range, in);
}

static bool stats_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    struct stats *stats = agg->state;
    if (!agg__sum_add_summary(&stats->sum, summary))
        return false;
    agg__range_add_summary(&stats->range, summary);
    return true;
}

const struct agg_type agg_type_stats = {
    .name = "stats",
    .summary = "Count, min, max, avg and sum.",
    .since = "0.1",
    .opts = stats_opts,
    .state_size = sizeof(struct stats),
    .flags = AGG_MANY,
    .add_longs = stats_add_longs,
    .add_doubles = stats_add_doubles,
    .add_summary = stats_add_summary,
    .merge = stats_merge,
    .result = stats_result,
    .encode = stats_encode,
    .decode = stats_decode,
};
