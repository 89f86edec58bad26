/* SPDX-License-Identifier: Apache-2.0 */
/* number.c: exact sums and ranges. Integers are summed in 128 bits: 2^63 values of any int64 fit.
 * Floats are summed with the error of every addition kept beside the sum (Knuth's TwoSum), so a
 * million tenths are 100000 and not 100000.00000133288, and the result is the same in whatever
 * order and on however many threads they were added. */
#include <math.h>
#include <stdlib.h>

#include "agg/agg_int.h"
#include "base/str.h"

/* Halves of 32 bits cannot overflow within so many values, and add up without carries. */
#define HALVES_MAX (UINT32_C(1) << 30)

void agg__sum_add_longs(struct agg__sum *sum, const int64_t *values, size_t count)
{
    sum->count += count;
    while (count > 0) {
        size_t n = MIN_OF(count, (size_t)HALVES_MAX);
        int64_t high = 0, low = 0;
        for (size_t i = 0; i < n; i++) {
            high += values[i] >> 32;
            low += (int64_t)(uint32_t)values[i];
        }
        sum->ints += (agg__int128)high * ((agg__int128)1 << 32) + low;
        values += n;
        count -= n;
    }
}

static void add_float(struct agg__sum *sum, double v)
{
    double updated = sum->floats + v;
    if (isfinite(updated)) {
        double part = updated - sum->floats;
        sum->compensation += (sum->floats - (updated - part)) + (v - part);
    }
    sum->floats = updated;
}

void agg__sum_add_doubles(struct agg__sum *sum, const double *values, size_t count)
{
    struct agg__sum own = *sum; /* in registers */
    for (size_t i = 0; i < count; i++)
        add_float(&own, values[i]);
    own.count += count;
    if (count)
        own.has_floats = 1;
    *sum = own;
}

bool agg__sum_add_summary(struct agg__sum *sum, const struct agg_summary *summary)
{
    if (!summary->is_integer)
        return false;
    sum->ints += summary->sum;
    sum->count += summary->count;
    return true;
}

void agg__sum_merge(struct agg__sum *sum, const struct agg__sum *from)
{
    sum->ints += from->ints;
    add_float(sum, from->floats);
    sum->compensation += from->compensation;
    sum->count += from->count;
    sum->has_floats |= from->has_floats;
}

double agg__sum_f64(const struct agg__sum *sum)
{
    if (!sum->has_floats)
        return (double)sum->ints;
    double floats = isfinite(sum->floats) ? sum->floats + sum->compensation : sum->floats;
    return (double)sum->ints + floats;
}

static struct value big_value(agg__int128 v, struct arena *mem)
{
    char text[48];
    size_t at = sizeof(text);
    bool is_negative = v < 0;
    do {
        int digit = (int)(v % 10);
        text[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        v /= 10;
    } while (v != 0);
    if (is_negative)
        text[--at] = '-';
    struct str digits = arena_str(mem, (struct str){text + at, sizeof(text) - at});
    return (struct value){.kind = VALUE_BIG, .s = digits};
}

struct value agg__sum_value(const struct agg__sum *sum, struct arena *mem)
{
    if (sum->has_floats)
        return value_float(agg__sum_f64(sum));
    if (sum->ints > INT64_MAX || sum->ints < INT64_MIN)
        return big_value(sum->ints, mem);
    return value_int((int64_t)sum->ints);
}

void agg__sum_encode(const struct agg__sum *sum, struct buf *out)
{
    uint64_t halves[2];
    memcpy(halves, &sum->ints, sizeof(halves));
    agg__put_u64(out, halves[0]);
    agg__put_u64(out, halves[1]);
    agg__put_f64(out, sum->floats);
    agg__put_f64(out, sum->compensation);
    buf_add_varint(out, sum->count);
    buf_add_varint(out, sum->has_floats);
}

bool agg__sum_decode(struct agg__sum *sum, struct str *in)
{
    uint64_t halves[2], has_floats;
    if (!agg__get_u64(in, &halves[0]) || !agg__get_u64(in, &halves[1]) ||
        !agg__get_f64(in, &sum->floats) || !agg__get_f64(in, &sum->compensation) ||
        !agg__get_varint(in, &sum->count) || !agg__get_varint(in, &has_floats) || has_floats > 1)
        return false;
    memcpy(&sum->ints, halves, sizeof(halves));
    sum->has_floats = (uint32_t)has_floats;
    return true;
}

/* ---- Range ---- */

static bool min_is_above(const struct agg__range *range, uint8_t kind, int64_t i, double f)
{
    if (range->min_kind == VALUE_NONE)
        return true;
    if (range->min_kind == VALUE_INT && kind == VALUE_INT)
        return i < range->min_i;
    double old = range->min_kind == VALUE_INT ? (double)range->min_i : range->min_f;
    return (kind == VALUE_INT ? (double)i : f) < old;
}

static bool max_is_below(const struct agg__range *range, uint8_t kind, int64_t i, double f)
{
    if (range->max_kind == VALUE_NONE)
        return true;
    if (range->max_kind == VALUE_INT && kind == VALUE_INT)
        return i > range->max_i;
    double old = range->max_kind == VALUE_INT ? (double)range->max_i : range->max_f;
    return (kind == VALUE_INT ? (double)i : f) > old;
}

static void offer_min(struct agg__range *range, uint8_t kind, int64_t i, double f)
{
    if (!min_is_above(range, kind, i, f))
        return;
    range->min_kind = kind;
    range->min_i = i;
    range->min_f = f;
}

static void offer_max(struct agg__range *range, uint8_t kind, int64_t i, double f)
{
    if (!max_is_below(range, kind, i, f))
        return;
    range->max_kind = kind;
    range->max_i = i;
    range->max_f = f;
}

void agg__range_add_longs(struct agg__range *range, const int64_t *values, size_t count)
{
    if (count == 0)
        return;
    int64_t min = values[0], max = values[0];
    for (size_t i = 1; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    offer_min(range, VALUE_INT, min, 0);
    offer_max(range, VALUE_INT, max, 0);
}

void agg__range_add_doubles(struct agg__range *range, const double *values, size_t count)
{
    double min = INFINITY, max = -INFINITY;
    bool is_any = false;
    for (size_t i = 0; i < count; i++) { /* comparisons with NaN are false */
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        is_any = is_any || !isnan(values[i]);
    }
    if (!is_any)
        return;
    offer_min(range, VALUE_FLOAT, 0, min);
    offer_max(range, VALUE_FLOAT, 0, max);
}

bool agg__range_add_value(struct agg__range *range, const struct value *v)
{
    int64_t i = v->i;
    double f = v->f;
    uint8_t kind = v->kind;
    if (kind == VALUE_TIME) {
        range->is_time = 1;
        kind = VALUE_INT;
    }
    if (kind == VALUE_STR || kind == VALUE_BIG)
        kind = str_to_i64(v->s, &i) ? VALUE_INT : str_to_f64(v->s, &f) ? VALUE_FLOAT : VALUE_NONE;
    if (kind == VALUE_INT)
        agg__range_add_longs(range, &i, 1);
    else if (kind == VALUE_FLOAT)
        agg__range_add_doubles(range, &f, 1);
    return kind == VALUE_INT || kind == VALUE_FLOAT;
}

void agg__range_add_summary(struct agg__range *range, const struct agg_summary *summary)
{
    uint8_t kind = summary->is_integer ? VALUE_INT : VALUE_FLOAT;
    if (summary->count == 0)
        return;
    offer_min(range, kind, summary->min_i, summary->min_f);
    offer_max(range, kind, summary->max_i, summary->max_f);
}

void agg__range_merge(struct agg__range *range, const struct agg__range *from)
{
    if (from->min_kind != VALUE_NONE)
        offer_min(range, from->min_kind, from->min_i, from->min_f);
    if (from->max_kind != VALUE_NONE)
        offer_max(range, from->max_kind, from->max_i, from->max_f);
    range->is_time |= from->is_time;
}

static struct value range_value(uint8_t kind, bool is_time, int64_t i, double f)
{
    if (kind == VALUE_NONE)
        return value_null();
    if (kind == VALUE_FLOAT)
        return value_float(f);
    return is_time ? value_time(i) : value_int(i);
}

struct value agg__range_min(const struct agg__range *range)
{
    return range_value(range->min_kind, range->is_time, range->min_i, range->min_f);
}

struct value agg__range_max(const struct agg__range *range)
{
    return range_value(range->max_kind, range->is_time, range->max_i, range->max_f);
}

void agg__range_encode(const struct agg__range *range, struct buf *out)
{
    buf_add_u8(out, range->min_kind);
    buf_add_u8(out, range->max_kind);
    buf_add_u8(out, range->is_time);
    agg__put_i64(out, range->min_i);
    agg__put_i64(out, range->max_i);
    agg__put_f64(out, range->min_f);
    agg__put_f64(out, range->max_f);
}

static bool kind_is_fine(uint8_t kind)
{
    return kind == VALUE_NONE || kind == VALUE_INT || kind == VALUE_FLOAT;
}

bool agg__range_decode(struct agg__range *range, struct str *in)
{
    struct str bytes;
    if (!agg__get_bytes(in, 3, &bytes))
        return false;
    range->min_kind = (uint8_t)bytes.p[0];
    range->max_kind = (uint8_t)bytes.p[1];
    range->is_time = (uint8_t)bytes.p[2];
    return kind_is_fine(range->min_kind) && kind_is_fine(range->max_kind) && range->is_time <= 1 &&
           agg__get_i64(in, &range->min_i) && agg__get_i64(in, &range->max_i) &&
           agg__get_f64(in, &range->min_f) && agg__get_f64(in, &range->max_f);
}

struct str agg__f64_key(double v, struct arena *mem)
{
    struct buf text;
    struct value as_value = value_float(v);
    buf_init(&text, 64);
    value_to_json(&as_value, &text);
    struct str key = arena_str(mem, buf_str(&text));
    buf_deinit(&text);
    return key;
}

static int f64_order(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    return (x->f > y->f) - (x->f < y->f);
}

struct value agg__sorted_f64s(const struct value *numbers, struct arena *mem)
{
    size_t count = numbers->list->count;
    struct value sorted = value_list(mem, count);
    for (size_t i = 0; i < count; i++) {
        double v = 0;
        (void)value_to_f64(&numbers->list->items[i], &v);
        value_list_add(mem, &sorted, value_float(v));
    }
    qsort(sorted.list->items, count, sizeof(*sorted.list->items), f64_order);
    return sorted;
}
