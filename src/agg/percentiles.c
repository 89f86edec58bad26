/* SPDX-License-Identifier: Apache-2.0 */
/* percentiles.c: values below which the given percents of all values lie, by t-digest. The result
 * is a map from the percent as text ("50.0") to the value; the search layer prints it as
 * Elasticsearch does. */
#include <math.h>

#include "agg/tdigest.h"

#define LONGS_BLOCK 256u /* integers that are made floats at a time */

struct percentiles_params {
    struct value percents;
    double compression;
};

static const struct opt percentiles_opts[] = {
    OPT_LIST(struct percentiles_params, percents,
             .help = "Percents from 0 to 100; default 1, 5, 25, 50, 75, 95, 99."),
    OPT_FLOAT(struct percentiles_params, compression, .dflt = "100",
              .help = "More: finer and larger."),
    OPT_END,
};

static int percentiles_check(void *params, struct arena *mem, struct err *err)
{
    static const double usual[] = {1, 5, 25, 50, 75, 95, 99};
    struct percentiles_params *own = params;
    if (!(own->compression >= 1 && own->compression <= 10000))
        return err_set(err, ERR_INVALID, "[compression] must be between 1 and 10000. Found [%g]",
                       own->compression);
    if (own->percents.kind != VALUE_LIST) {
        own->percents = value_list(mem, ARRAY_COUNT(usual));
        for (size_t i = 0; i < ARRAY_COUNT(usual); i++)
            value_list_add(mem, &own->percents, value_float(usual[i]));
    }
    if (own->percents.list->count == 0)
        return err_set(err, ERR_INVALID, "[percents] must not be an empty array");
    for (size_t i = 0; i < own->percents.list->count; i++) {
        double percent;
        if (!value_to_f64(&own->percents.list->items[i], &percent))
            return err_set(err, ERR_INVALID, "[percents] must be numbers");
        if (!(percent >= 0 && percent <= 100))
            return err_set(err, ERR_INVALID, "percent must be in [0,100], got [%g]", percent);
    }
    own->percents = agg__sorted_f64s(&own->percents, mem);
    return 0;
}

static void percentiles_add_doubles(struct agg *agg, const double *values, size_t count)
{
    const struct percentiles_params *params = agg->params;
    tdigest_add(agg->state, params->compression, values, count, agg->mem);
}

static void percentiles_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    double block[LONGS_BLOCK];
    for (size_t at = 0; at < count; at += LONGS_BLOCK) {
        size_t n = MIN_OF(count - at, (size_t)LONGS_BLOCK);
        for (size_t i = 0; i < n; i++)
            block[i] = (double)values[at + i];
        percentiles_add_doubles(agg, block, n);
    }
}

static void percentiles_add_counts(struct agg *agg, int64_t least, const uint32_t *counts, size_t n)
{
    const struct percentiles_params *params = agg->params;
    tdigest_add_counts(agg->state, params->compression, least, counts, n, agg->mem);
}

static void percentiles_merge(struct agg *agg, const struct agg *from)
{
    const struct percentiles_params *params = agg->params;
    tdigest_merge(agg->state, params->compression, from->state, agg->mem);
}

static struct value percentiles_result(const struct agg *agg, struct arena *mem)
{
    const struct percentiles_params *params = agg->params;
    size_t count = params->percents.list->count;
    struct value map = value_map(mem, count);
    tdigest_settle(agg->state, params->compression);
    for (size_t i = 0; i < count; i++) {
        double percent = 0;
        (void)value_to_f64(&params->percents.list->items[i], &percent);
        double v = tdigest_quantile(agg->state, percent / 100);
        value_map_set(mem, &map, agg__f64_key(percent, mem),
                      isnan(v) ? value_null() : value_float(v));
    }
    return map;
}

static void percentiles_encode(const struct agg *agg, struct buf *out)
{
    tdigest_encode(agg->state, out);
}

static bool percentiles_decode(struct agg *agg, struct str *in)
{
    return tdigest_decode(agg->state, in, agg->mem);
}

const struct agg_type agg_type_percentiles = {
    .name = "percentiles",
    .summary = "Values at given percents of the distribution.",
    .since = "0.1",
    .opts = percentiles_opts,
    .opts_size = sizeof(struct percentiles_params),
    .state_size = sizeof(struct tdigest),
    .flags = AGG_MANY | AGG_BY_ORDER,
    .check = percentiles_check,
    .add_longs = percentiles_add_longs,
    .add_doubles = percentiles_add_doubles,
    .add_counts = percentiles_add_counts,
    .merge = percentiles_merge,
    .result = percentiles_result,
    .encode = percentiles_encode,
    .decode = percentiles_decode,
};
