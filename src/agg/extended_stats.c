/* SPDX-License-Identifier: Apache-2.0 */
/* extended_stats.c: stats and the variance. Elasticsearch computes it from the sum of squares; so
 * do we, with the same compensated sums, because the results are compared digit by digit. */
#include <math.h>

#include "agg/agg_int.h"

#define SQUARES_BLOCK 256u

struct extended_stats {
    struct agg__sum sum, squares;
    struct agg__range range;
};

struct extended_stats_params {
    double sigma;
};

static const struct opt extended_stats_opts[] = {
    OPT_FLOAT(struct extended_stats_params, sigma, .dflt = "2.0",
              .help = "How many standard deviations the bounds stand from the mean."),
    OPT_END,
};

static int extended_stats_check(void *params, struct arena *mem UNUSED, struct err *err)
{
    const struct extended_stats_params *own = params;
    if (own->sigma < 0)
        return err_set(err, ERR_INVALID, "[sigma] must be greater than or equal to 0. Found [%g]",
                       own->sigma);
    return 0;
}

static void extended_stats_add_doubles(struct agg *agg, const double *values, size_t count)
{
    struct extended_stats *stats = agg->state;
    agg__sum_add_doubles(&stats->sum, values, count);
    agg__range_add_doubles(&stats->range, values, count);
    double squares[SQUARES_BLOCK];
    for (size_t at = 0; at < count; at += SQUARES_BLOCK) {
        size_t n = MIN_OF(count - at, (size_t)SQUARES_BLOCK);
        for (size_t i = 0; i < n; i++)
            squares[i] = values[at + i] * values[at + i];
        agg__sum_add_doubles(&stats->squares, squares, n);
    }
}

static void extended_stats_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    struct extended_stats *stats = agg->state;
    agg__sum_add_longs(&stats->sum, values, count);
    agg__range_add_longs(&stats->range, values, count);
    double squares[SQUARES_BLOCK];
    for (size_t at = 0; at < count; at += SQUARES_BLOCK) {
        size_t n = MIN_OF(count - at, (size_t)SQUARES_BLOCK);
        for (size_t i = 0; i < n; i++)
            squares[i] = (double)values[at + i] * (double)values[at + i];
        agg__sum_add_doubles(&stats->squares, squares, n);
    }
}

static void extended_stats_merge(struct agg *agg, const struct agg *from)
{
    struct extended_stats *stats = agg->state;
    const struct extended_stats *other = from->state;
    agg__sum_merge(&stats->sum, &other->sum);
    agg__sum_merge(&stats->squares, &other->squares);
    agg__range_merge(&stats->range, &other->range);
}

static struct value number_or_null(double v)
{
    return isfinite(v) ? value_float(v) : value_null();
}

/* `by`: count for the population, count - 1 for a sample. */
static double variance_of(const struct extended_stats *stats, double by)
{
    double sum = agg__sum_f64(&stats->sum), count = (double)stats->sum.count;
    double variance = (agg__sum_f64(&stats->squares) - sum * sum / count) / by;
    return variance < 0 ? 0 : variance;
}

static struct value bounds_map(double mean, double sigma, double population, double sampling,
                               struct arena *mem)
{
    struct value bounds = value_map(mem, 6);
    value_map_set(mem, &bounds, STR("upper"), number_or_null(mean + population * sigma));
    value_map_set(mem, &bounds, STR("lower"), number_or_null(mean - population * sigma));
    value_map_set(mem, &bounds, STR("upper_population"), number_or_null(mean + population * sigma));
    value_map_set(mem, &bounds, STR("lower_population"), number_or_null(mean - population * sigma));
    value_map_set(mem, &bounds, STR("upper_sampling"), number_or_null(mean + sampling * sigma));
    value_map_set(mem, &bounds, STR("lower_sampling"), number_or_null(mean - sampling * sigma));
    return bounds;
}

static struct value extended_stats_result(const struct agg *agg, struct arena *mem)
{
    const struct extended_stats *stats = agg->state;
    const struct extended_stats_params *params = agg->params;
    double count = (double)stats->sum.count;
    double mean = agg__sum_f64(&stats->sum) / count;
    double population = variance_of(stats, count);
    double sampling = count > 1 ? variance_of(stats, count - 1) : NAN;
    bool is_empty = stats->sum.count == 0;
    struct value map = value_map(mem, 13);
    value_map_set(mem, &map, STR("count"), value_int((int64_t)stats->sum.count));
    value_map_set(mem, &map, STR("min"), agg__range_min(&stats->range));
    value_map_set(mem, &map, STR("max"), agg__range_max(&stats->range));
    value_map_set(mem, &map, STR("avg"), is_empty ? value_null() : value_float(mean));
    value_map_set(mem, &map, STR("sum"), agg__sum_value(&stats->sum, mem));
    value_map_set(mem, &map, STR("sum_of_squares"),
                  is_empty ? value_null() : value_float(agg__sum_f64(&stats->squares)));
    value_map_set(mem, &map, STR("variance"), number_or_null(population));
    value_map_set(mem, &map, STR("variance_population"), number_or_null(population));
    value_map_set(mem, &map, STR("variance_sampling"), number_or_null(sampling));
    value_map_set(mem, &map, STR("std_deviation"), number_or_null(sqrt(population)));
    value_map_set(mem, &map, STR("std_deviation_population"), number_or_null(sqrt(population)));
    value_map_set(mem, &map, STR("std_deviation_sampling"), number_or_null(sqrt(sampling)));
    value_map_set(mem, &map, STR("std_deviation_bounds"),
                  bounds_map(mean, params->sigma, sqrt(population), sqrt(sampling), mem));
    return map;
}

static void extended_stats_encode(const struct agg *agg, struct buf *out)
{
    const struct extended_stats *stats = agg->state;
    agg__sum_encode(&stats->sum, out);
    agg__sum_encode(&stats->squares, out);
    agg__range_encode(&stats->range, out);
}

static bool extended_stats_decode(struct agg *agg, struct str *in)
{
    struct extended_stats *stats = agg->state;
    return agg__sum_decode(&stats->sum, in) && agg__sum_decode(&stats->squares, in) &&
           agg__range_decode(&stats->range, in);
}

const struct agg_type agg_type_extended_stats = {
    .name = "extended_stats",
    .summary = "Stats with variance and standard deviation.",
    .since = "0.1",
    .opts = extended_stats_opts,
    .opts_size = sizeof(struct extended_stats_params),
    .state_size = sizeof(struct extended_stats),
    .flags = AGG_MANY,
    .check = extended_stats_check,
    .add_longs = extended_stats_add_longs,
    .add_doubles = extended_stats_add_doubles,
    .merge = extended_stats_merge,
    .result = extended_stats_result,
    .encode = extended_stats_encode,
    .decode = extended_stats_decode,
};
