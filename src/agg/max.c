/* SPDX-License-Identifier: Apache-2.0 */
/* max.c: the largest number, exact for integers; of times a time. Null when there was none. */
#include "agg/agg_int.h"

static const struct opt max_opts[] = {OPT_END};

static void max_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    agg__range_add_longs(agg->state, values, count);
}

static void max_add_doubles(struct agg *agg, const double *values, size_t count)
{
    agg__range_add_doubles(agg->state, values, count);
}

static bool max_add_value(struct agg *agg, const struct value *v,
                          const struct agg_order *order UNUSED)
{
    return agg__range_add_value(agg->state, v);
}

static void max_merge(struct agg *agg, const struct agg *from)
{
    agg__range_merge(agg->state, from->state);
}

static struct value max_result(const struct agg *agg, struct arena *mem UNUSED)
{
    return agg__range_max(agg->state);
}

static void max_encode(const struct agg *agg, struct buf *out)
{
    agg__range_encode(agg->state, out);
}

static bool max_decode(struct agg *agg, struct str *in)
{
    return agg__range_decode(agg->state, in);
}

static bool max_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    agg__range_add_summary(agg->state, summary);
    return true;
}

const struct agg_type agg_type_max = {
    .name = "max",
    .summary = "The largest number.",
    .since = "0.1",
    .opts = max_opts,
    .state_size = sizeof(struct agg__range),
    .add_longs = max_add_longs,
    .add_doubles = max_add_doubles,
    .add_value = max_add_value,
    .add_summary = max_add_summary,
    .merge = max_merge,
    .result = max_result,
    .encode = max_encode,
    .decode = max_decode,
};
