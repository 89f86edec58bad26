/* SPDX-License-Identifier: Apache-2.0 */
/* min.c: the smallest number, exact for integers; of times a time. Null when there was none. */
#include "agg/agg_int.h"

static const struct opt min_opts[] = {OPT_END};

static void min_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    agg__range_add_longs(agg->state, values, count);
}

static void min_add_doubles(struct agg *agg, const double *values, size_t count)
{
    agg__range_add_doubles(agg->state, values, count);
}

static bool min_add_value(struct agg *agg, const struct value *v,
                          const struct agg_order *order UNUSED)
{
    return agg__range_add_value(agg->state, v);
}

static void min_merge(struct agg *agg, const struct agg *from)
{
    agg__range_merge(agg->state, from->state);
}

static struct value min_result(const struct agg *agg, struct arena *mem UNUSED)
{
    return agg__range_min(agg->state);
}

static void min_encode(const struct agg *agg, struct buf *out)
{
    agg__range_encode(agg->state, out);
}

static bool min_decode(struct agg *agg, struct str *in)
{
    return agg__range_decode(agg->state, in);
}

static bool min_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    agg__range_add_summary(agg->state, summary);
    return true;
}

const struct agg_type agg_type_min = {
    .name = "min",
    .summary = "The smallest number.",
    .since = "0.1",
    .opts = min_opts,
    .state_size = sizeof(struct agg__range),
    .add_longs = min_add_longs,
    .add_doubles = min_add_doubles,
    .add_value = min_add_value,
    .add_summary = min_add_summary,
    .merge = min_merge,
    .result = min_result,
    .encode = min_encode,
    .decode = min_decode,
};
