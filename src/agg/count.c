/* SPDX-License-Identifier: Apache-2.0 */
/* count.c: how many values came in. `value_count` is Elasticsearch's name, `count` the one windows
 * use. */
#include "agg/agg_int.h"

static const struct opt count_opts[] = {OPT_END};

static void count_add_longs(struct agg *agg, const int64_t *values UNUSED, size_t count)
{
    *(uint64_t *)agg->state += count;
}

static void count_add_doubles(struct agg *agg, const double *values UNUSED, size_t count)
{
    *(uint64_t *)agg->state += count;
}

static void count_add_hashes(struct agg *agg, const uint64_t *hashes UNUSED, size_t count)
{
    *(uint64_t *)agg->state += count;
}

static bool count_add_value(struct agg *agg, const struct value *v UNUSED,
                            const struct agg_order *order UNUSED)
{
    ++*(uint64_t *)agg->state;
    return true;
}

static bool count_add_summary(struct agg *agg, const struct agg_summary *summary)
{
    *(uint64_t *)agg->state += summary->count;
    return true;
}

static void count_merge(struct agg *agg, const struct agg *from)
{
    *(uint64_t *)agg->state += *(const uint64_t *)from->state;
}

static struct value count_result(const struct agg *agg, struct arena *mem UNUSED)
{
    return value_int((int64_t) * (const uint64_t *)agg->state);
}

static void count_encode(const struct agg *agg, struct buf *out)
{
    buf_add_varint(out, *(const uint64_t *)agg->state);
}

static bool count_decode(struct agg *agg, struct str *in)
{
    return agg__get_varint(in, agg->state);
}

#define COUNT_CALLBACKS                                                                            \
    .since = "0.1", .opts = count_opts, .state_size = sizeof(uint64_t), .flags = AGG_ANY_VALUE,    \
    .add_longs = count_add_longs, .add_doubles = count_add_doubles, .add_value = count_add_value,  \
    .add_hashes = count_add_hashes, .add_summary = count_add_summary, .merge = count_merge,        \
    .result = count_result, .encode = count_encode, .decode = count_decode

const struct agg_type agg_type_count = {
    .name = "count", .summary = "How many values there are.", COUNT_CALLBACKS};
const struct agg_type agg_type_value_count = {
    .name = "value_count", .summary = "How many values there are.", COUNT_CALLBACKS};
