/* SPDX-License-Identifier: Apache-2.0 */
/* sum.c: the sum of numbers: an exact integer while only integers came in, else a float. Of
 * nothing: 0. */
#include "agg/agg_int.h"

static const struct opt sum_opts[] = {OPT_END};

static void sum_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    agg__sum_add_longs(agg->state, values, count);
}

static void sum_add_doubles(struct agg *agg, const double *values, size_t count)
{
    agg__sum_add_doubles(agg->state, values, count);
}

static void sum_merge(struct agg *agg, const struct agg *from)
{
    agg__sum_merge(agg->state, from->state);
}

static struct value sum_result(const struct agg *agg, struct arena *mem)
{
    return agg__sum_value(agg->state, mem);
}

static void sum_encode(const struct agg *agg, struct buf *out)
{
    agg__sum_encode(agg->state, out);
}

static bool sum_decode(struct agg *agg, struct str *in)
{
    return agg__sum_decode(agg->state, in);
}

static bool sum_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    return agg__sum_add_summary(agg->state, summary);
}

const struct agg_type agg_type_sum = {
    .name = "sum",
    .summary = "Sum of the numbers.",
    .since = "0.1",
    .opts = sum_opts,
    .state_size = sizeof(struct agg__sum),
    .add_longs = sum_add_longs,
    .add_doubles = sum_add_doubles,
    .add_summary = sum_add_summary,
    .merge = sum_merge,
    .result = sum_result,
    .encode = sum_encode,
    .decode = sum_decode,
};
