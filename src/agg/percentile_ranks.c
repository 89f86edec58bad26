/* SPDX-License-Identifier: Apache-2.0 */
/* percentile_ranks.c: the percent of all values that are at or below the given ones, by t-digest.
 */
#include <math.h>

#include "agg/tdigest.h"

#define LONGS_BLOCK 256u /* integers that are made floats at a time */

struct percentile_ranks_params {
    struct value values;
    double compression;
};

static const struct opt percentile_ranks_opts[] = {
    OPT_LIST(struct percentile_ranks_params, values, .flags = OPT_REQUIRED,
             .help = "Values to rank."),
    OPT_FLOAT(struct percentile_ranks_params, compression, .dflt = "100",
              .help = "More: finer and larger."),
    OPT_END,
};

static int percentile_ranks_check(void *params, struct arena *mem, struct err *err)
{
    struct percentile_ranks_params *own = params;
    if (!(own->compression >= 1 && own->compression <= 10000))
        return err_set(err, ERR_INVALID, "[compression] must be between 1 and 10000. Found [%g]",
                       own->compression);
    if (own->values.kind != VALUE_LIST || own->values.list->count == 0)
        return err_set(err, ERR_INVALID, "[values] must not be an empty array");
    for (size_t i = 0; i < own->values.list->count; i++) {
        double v;
        if (!value_to_f64(&own->values.list->items[i], &v))
            return err_set(err, ERR_INVALID, "[values] must be numbers");
    }
    own->values = agg__sorted_f64s(&own->values, mem);
    return 0;
}

static void percentile_ranks_add_doubles(struct agg *agg, const double *values, size_t count)
{
    const struct percentile_ranks_params *params = agg->params;
    tdigest_add(agg->state, params->compression, values, count, agg->mem);
}

static void percentile_ranks_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    double block[LONGS_BLOCK];
    for (size_t at = 0; at < count; at += LONGS_BLOCK) {
        size_t n = MIN_OF(count - at, (size_t)LONGS_BLOCK);
        for (size_t i = 0; i < n; i++)
            block[i] = (double)values[at + i];
        percentile_ranks_add_doubles(agg, block, n);
    }
}

static void percentile_ranks_add_counts(struct agg *agg, int64_t least, const uint32_t *counts,
                                        size_t n)
{
    const struct percentile_ranks_params *params = agg->params;
    tdigest_add_counts(agg->state, params->compression, least, counts, n, agg->mem);
}

static void percentile_ranks_merge(struct agg *agg, const struct agg *from)
{
    const struct percentile_ranks_params *params = agg->params;
    tdigest_merge(agg->state, params->compression, from->state, agg->mem);
}

static struct value percentile_ranks_result(const struct agg *agg, struct arena *mem)
{
    const struct percentile_ranks_params *params = agg->params;
    size_t count = params->values.list->count;
    struct value map = value_map(mem, count);
    tdigest_settle(agg->state, params->compression);
    for (size_t i = 0; i < count; i++) {
        double v = 0;
        (void)value_to_f64(&params->values.list->items[i], &v);
        double percent = tdigest_share(agg->state, v) * 100;
        value_map_set(mem, &map, agg__f64_key(v, mem),
                      isnan(percent) ? value_null() : value_float(percent));
    }
    return map;
}

static void percentile_ranks_encode(const struct agg *agg, struct buf *out)
{
    tdigest_encode(agg->state, out);
}

static bool percentile_ranks_decode(struct agg *agg, struct str *in)
{
    return tdigest_decode(agg->state, in, agg->mem);
}

const struct agg_type agg_type_percentile_ranks = {
    .name = "percentile_ranks",
    .summary = "Percent of the values at or below given ones.",
    .since = "0.1",
    .opts = percentile_ranks_opts,
    .opts_size = sizeof(struct percentile_ranks_params),
    .state_size = sizeof(struct tdigest),
    .flags = AGG_MANY | AGG_BY_ORDER,
    .check = percentile_ranks_check,
    .add_longs = percentile_ranks_add_longs,
    .add_doubles = percentile_ranks_add_doubles,
    .add_counts = percentile_ranks_add_counts,
    .merge = percentile_ranks_merge,
    .result = percentile_ranks_result,
    .encode = percentile_ranks_encode,
    .decode = percentile_ranks_decode,
};
