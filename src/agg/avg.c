/* SPDX-License-Identifier: Apache-2.0 */
/* avg.c: the mean of the numbers: the exact sum divided once, so the order of arrival does not
 * change it for integers. */
#include "agg/agg_int.h"

static const struct opt avg_opts[] = {OPT_END};

static void avg_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    agg__sum_add_longs(agg->state, values, count);
}

static void avg_add_doubles(struct agg *agg, const double *values, size_t count)
{
    agg__sum_add_doubles(agg->state, values, count);
}

static void avg_merge(struct agg *agg, const struct agg *from)
{
    agg__sum_merge(agg->state, from->state);
}

static struct value avg_result(const struct agg *agg, struct arena *mem UNUSED)
{
    const struct agg__sum *sum = agg->state;
    return sum->count ? value_float(agg__sum_f64(sum) / (double)sum->count) : value_null();
}

static void avg_encode(const struct agg *agg, struct buf *out)
{
    agg__sum_encode(agg->state, out);
}

static bool avg_decode(struct agg *agg, struct str *in)
{
    return agg__sum_decode(agg->state, in);
}

static bool avg_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    return agg__sum_add_summary(agg->state, summary);
}

const struct agg_type agg_type_avg = {
    .name = "avg",
    .summary = "Mean of the numbers.",
    .since = "0.1",
    .opts = avg_opts,
    .state_size = sizeof(struct agg__sum),
    .add_longs = avg_add_longs,
    .add_doubles = avg_add_doubles,
    .add_summary = avg_add_summary,
    .merge = avg_merge,
    .result = avg_result,
    .encode = avg_encode,
    .decode = avg_decode,
};
