/* SPDX-License-Identifier: Apache-2.0 */
/* median_absolute_deviation.c: the median of the distances from the median, from one t-digest of
 * the values and a second one of the distances of its points, as Elasticsearch does. */
#include <math.h>

#include "agg/tdigest.h"

struct deviation_params {
    double compression;
};

static const struct opt deviation_opts[] = {
    OPT_FLOAT(struct deviation_params, compression, .dflt = "1000",
              .help = "More: finer and larger."),
    OPT_END,
};

static int deviation_check(void *params, struct arena *mem UNUSED, struct err *err)
{
    const struct deviation_params *own = params;
    if (!(own->compression >= 1 && own->compression <= 10000))
        return err_set(err, ERR_INVALID, "[compression] must be between 1 and 10000. Found [%g]",
                       own->compression);
    return 0;
}

static void deviation_add_doubles(struct agg *agg, const double *values, size_t count)
{
    const struct deviation_params *params = agg->params;
    tdigest_add(agg->state, params->compression, values, count, agg->mem);
}

static void deviation_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double v = (double)values[i];
        deviation_add_doubles(agg, &v, 1);
    }
}

static void deviation_merge(struct agg *agg, const struct agg *from)
{
    const struct deviation_params *params = agg->params;
    tdigest_merge(agg->state, params->compression, from->state, agg->mem);
}

static struct value deviation_result(const struct agg *agg, struct arena *mem)
{
    const struct deviation_params *params = agg->params;
    struct tdigest *digest = agg->state;
    if (digest->count == 0)
        return value_null();
    tdigest_settle(digest, params->compression);
    double median = tdigest_quantile(digest, 0.5);
    struct tdigest distances = {0};
    distances.capacity = distances.count = digest->count;
    distances.points = ARENA_ARRAY(mem, struct tdigest_point, digest->count);
    distances.total = digest->total;
    distances.min = INFINITY;
    for (uint32_t i = 0; i < digest->count; i++) {
        double distance = fabs(digest->points[i].mean - median);
        distances.points[i] = (struct tdigest_point){distance, digest->points[i].weight};
        distances.min = fmin(distances.min, distance);
        distances.max = fmax(distances.max, distance);
    }
    tdigest_settle(&distances, params->compression);
    return value_float(tdigest_quantile(&distances, 0.5));
}

static void deviation_encode(const struct agg *agg, struct buf *out)
{
    tdigest_encode(agg->state, out);
}

static bool deviation_decode(struct agg *agg, struct str *in)
{
    return tdigest_decode(agg->state, in, agg->mem);
}

const struct agg_type agg_type_median_absolute_deviation = {
    .name = "median_absolute_deviation",
    .summary = "Median of the distances from the median.",
    .since = "0.1",
    .opts = deviation_opts,
    .opts_size = sizeof(struct deviation_params),
    .state_size = sizeof(struct tdigest),
    .flags = AGG_BY_ORDER,
    .check = deviation_check,
    .add_longs = deviation_add_longs,
    .add_doubles = deviation_add_doubles,
    .merge = deviation_merge,
    .result = deviation_result,
    .encode = deviation_encode,
    .decode = deviation_decode,
};
