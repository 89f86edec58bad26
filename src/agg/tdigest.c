/* SPDX-License-Identifier: Apache-2.0 */
/* tdigest.c: values gather unsorted behind the sorted points; when the array is full both are
 * sorted together and neighbours are folded as long as a point's weight stays below 4 N q (1 - q) /
 * compression, the bound the original algorithm uses. Only as long as there are more than
 * TDIGEST_EXACT points is anything folded, so small sets are exact. */
#include <math.h>
#include <stdlib.h>

#include "agg/tdigest.h"

#define POINTS_FIRST 32u

#define INSERTION_MAX 24 /* shorter runs are sorted by insertion */

static void sort_short(struct tdigest_point *points, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct tdigest_point point = points[i];
        size_t at = i;
        for (; at > 0 && points[at - 1].mean > point.mean; at--)
            points[at] = points[at - 1];
        points[at] = point;
    }
}

/* Quicksort around the middle of three; the shorter side by recursion, so its depth is logarithmic.
 * Means only: no callback per comparison, which is most of the time of a percentile. After too many
 * bad splits libc's sort goes on. */
static int point_cmp(const void *a, const void *b)
{
    double x = ((const struct tdigest_point *)a)->mean, y = ((const struct tdigest_point *)b)->mean;
    return (x > y) - (x < y);
}

static void sort_points(struct tdigest_point *points, size_t count, unsigned splits_left)
{
    while (count > INSERTION_MAX) {
        if (splits_left-- == 0) {
            qsort(points, count, sizeof(*points), point_cmp);
            return;
        }
        double a = points[0].mean, b = points[count / 2].mean, c = points[count - 1].mean;
        double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t i = 0, j = count - 1;
        for (;;) {
            while (points[i].mean < pivot)
                i++;
            while (points[j].mean > pivot)
                j--;
            if (i >= j)
                break;
            struct tdigest_point swap = points[i];
            points[i++] = points[j];
            points[j--] = swap;
        }
        size_t left = j + 1;
        if (left < count - left) {
            sort_points(points, left, splits_left);
            points += left;
            count -= left;
        } else {
            sort_points(points + left, count - left, splits_left);
            count = left;
        }
    }
    sort_short(points, count);
}

static uint32_t fold(struct tdigest_point *points, uint32_t count, double total, double compression)
{
    uint32_t last = 0;
    double before = 0; /* weight left of points[last] */
    for (uint32_t i = 1; i < count; i++) {
        double weight = points[last].weight + points[i].weight;
        double q = (before + weight / 2) / total;
        if (weight <= 4 * total * q * (1 - q) / compression) {
            points[last].mean += (points[i].mean - points[last].mean) * points[i].weight / weight;
            points[last].weight = weight;
        } else {
            before += points[last].weight;
            points[++last] = points[i];
        }
    }
    return last + 1;
}

void tdigest_settle(struct tdigest *digest, double compression)
{
    if (digest->sorted < digest->count)
        sort_points(digest->points, digest->count, 64);
    if (digest->count > TDIGEST_EXACT && digest->sorted < digest->count)
        digest->count = fold(digest->points, digest->count, digest->total, compression);
    digest->sorted = digest->count;
}

/* Room for one more point: by growing as long as that is cheap, then by folding. The larger the
 * array, the rarer it is sorted. */
static void make_room(struct tdigest *digest, double compression, struct arena *mem)
{
    uint32_t most = MAX_OF(8 * TDIGEST_EXACT, (uint32_t)(20 * compression));
    if (digest->capacity >= most) {
        tdigest_settle(digest, compression);
        if (digest->count + digest->count / 4 < digest->capacity)
            return;
    }
    uint32_t capacity = digest->capacity ? digest->capacity * 2 : POINTS_FIRST;
    digest->points = arena_realloc(mem, digest->points, digest->capacity * sizeof(*digest->points),
                                   capacity * sizeof(*digest->points));
    digest->capacity = capacity;
}

static void add_point(struct tdigest *digest, double compression, struct tdigest_point point,
                      struct arena *mem)
{
    if (digest->count == digest->capacity)
        make_room(digest, compression, mem);
    digest->points[digest->count++] = point;
    digest->total += point.weight;
}

static void widen(struct tdigest *digest, double min, double max)
{
    digest->min = digest->total > 0 ? fmin(digest->min, min) : min;
    digest->max = digest->total > 0 ? fmax(digest->max, max) : max;
}

void tdigest_add(struct tdigest *digest, double compression, const double *values, size_t count,
                 struct arena *mem)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        widen(digest, values[i], values[i]);
        add_point(digest, compression, (struct tdigest_point){values[i], 1}, mem);
    }
}

/* The heaviest point that the values at `before` of `total` may make. */
static double weight_max(double before, double total, double compression)
{
    if (total <= TDIGEST_EXACT)
        return 1;
    double q = before / total;
    return fmax(1, floor(4 * total * q * (1 - q) / compression));
}

void tdigest_add_counts(struct tdigest *digest, double compression, int64_t least,
                        const uint32_t *counts, size_t n, struct arena *mem)
{
    double total = 0, before = 0;
    size_t first = n, last = 0;
    for (size_t i = 0; i < n; i++) {
        total += counts[i];
        if (counts[i]) {
            first = MIN_OF(first, i);
            last = i;
        }
    }
    if (total == 0)
        return;
    widen(digest, (double)(least + (int64_t)first), (double)(least + (int64_t)last));
    struct tdigest_point point = {0, 0};
    double most = weight_max(before, total, compression);
    for (size_t i = first; i <= last; i++) {
        double v = (double)(least + (int64_t)i);
        for (double left = counts[i]; left > 0;) {
            double taken = fmin(left, most - point.weight);
            point.weight += taken;
            point.mean += (v - point.mean) * taken / point.weight;
            left -= taken;
            if (point.weight < most)
                continue;
            add_point(digest, compression, point, mem);
            before += point.weight;
            point = (struct tdigest_point){0, 0};
            most = weight_max(before, total, compression);
        }
    }
    if (point.weight > 0)
        add_point(digest, compression, point, mem);
}

void tdigest_merge(struct tdigest *digest, double compression, const struct tdigest *from,
                   struct arena *mem)
{
    if (from->count == 0)
        return;
    widen(digest, from->min, from->max);
    for (uint32_t i = 0; i < from->count; i++)
        add_point(digest, compression, from->points[i], mem);
}

/* A point stands at the middle of its values, value i of N at (i + 0.5) / N, as Elasticsearch's
 * digest has it. */
double tdigest_quantile(const struct tdigest *digest, double q)
{
    if (digest->count == 0)
        return NAN;
    double index = q * digest->total, before = 0;
    double left_at = 0, left_mean = digest->min;
    for (uint32_t i = 0; i < digest->count; i++) {
        const struct tdigest_point *point = &digest->points[i];
        double at = before + point->weight / 2;
        if (at >= index)
            return left_mean + (point->mean - left_mean) * (index - left_at) / (at - left_at);
        left_at = at;
        left_mean = point->mean;
        before += point->weight;
    }
    return left_mean + (digest->max - left_mean) * (index - left_at) / (digest->total - left_at);
}

/* A point's values lie evenly from halfway to its left neighbour to halfway to its right one; the
 * first and the last point reach as far outward as inward, so that a value a little below the
 * smallest has a share above 0. */
double tdigest_share(const struct tdigest *digest, double x)
{
    uint32_t count = digest->count;
    const struct tdigest_point *points = digest->points;
    double before = 0;
    if (count == 0)
        return NAN;
    if (count == 1)
        return x < points[0].mean ? 0 : 1;
    for (uint32_t i = 0; i < count; i++) {
        double mean = points[i].mean;
        double left = (i > 0 ? mean - points[i - 1].mean : points[1].mean - mean) / 2;
        double right = i + 1 < count ? (points[i + 1].mean - mean) / 2 : left;
        if (x < mean + right) {
            double share =
                (before + points[i].weight * (x - mean + left) / (left + right)) / digest->total;
            return fmax(share, 0);
        }
        before += points[i].weight;
    }
    return 1;
}

void tdigest_encode(const struct tdigest *digest, struct buf *out)
{
    buf_add_varint(out, digest->count);
    agg__put_f64(out, digest->min);
    agg__put_f64(out, digest->max);
    for (uint32_t i = 0; i < digest->count; i++) {
        agg__put_f64(out, digest->points[i].mean);
        agg__put_f64(out, digest->points[i].weight);
    }
}

bool tdigest_decode(struct tdigest *digest, struct str *in, struct arena *mem)
{
    uint64_t count;
    if (!agg__get_varint(in, &count) || count > in->n / 16 || count > UINT32_MAX / 2 ||
        !agg__get_f64(in, &digest->min) || !agg__get_f64(in, &digest->max))
        return false;
    digest->capacity = MAX_OF((uint32_t)count, 1u);
    digest->points = ARENA_ARRAY(mem, struct tdigest_point, digest->capacity);
    for (uint64_t i = 0; i < count; i++) {
        struct tdigest_point point;
        if (!agg__get_f64(in, &point.mean) || !agg__get_f64(in, &point.weight) ||
            !(point.weight > 0))
            return false;
        digest->points[digest->count++] = point;
        digest->total += point.weight;
    }
    return true;
}
