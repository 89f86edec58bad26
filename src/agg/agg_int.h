/* SPDX-License-Identifier: Apache-2.0 */
/* agg_int.h: what the accumulators share: exact sums, the smallest and largest number, and bytes
 * for checkpoints. */
#ifndef NARU_AGG_AGG_INT_H
#define NARU_AGG_AGG_INT_H

#include "agg/agg.h"
#include "base/bits.h"

#define AGG(symbol) extern const struct agg_type agg_type_##symbol;
#include "agg/aggs.tbl"
#undef AGG

__extension__ typedef __int128 agg__int128;

/* A sum that is exact while only integers come in. Of floats the rounding error of each addition is
 * kept in `compensation`: the sum is floats + compensation. */
struct agg__sum {
    agg__int128 ints;
    double floats, compensation;
    uint64_t count;
    uint32_t has_floats; /* 0 or 1 */
};
void agg__sum_add_longs(struct agg__sum *sum, const int64_t *values, size_t count);
void agg__sum_add_doubles(struct agg__sum *sum, const double *values, size_t count);
/* Only of integers. */
bool agg__sum_add_summary(struct agg__sum *sum, const struct agg_summary *summary);
void agg__sum_merge(struct agg__sum *sum, const struct agg__sum *from);
double agg__sum_f64(const struct agg__sum *sum);
struct value agg__sum_value(const struct agg__sum *sum, struct arena *mem);
void agg__sum_encode(const struct agg__sum *sum, struct buf *out);
bool agg__sum_decode(struct agg__sum *sum, struct str *in);

/* The smallest and largest number seen; `kind` of each is VALUE_NONE, VALUE_INT, VALUE_FLOAT or
 * VALUE_TIME. */
struct agg__range {
    int64_t min_i, max_i;
    double min_f, max_f;
    uint8_t min_kind, max_kind;
    uint8_t is_time; /* integers are times */
};
void agg__range_add_longs(struct agg__range *range, const int64_t *values, size_t count);
void agg__range_add_doubles(struct agg__range *range, const double *values, size_t count);
bool agg__range_add_value(struct agg__range *range,
                          const struct value *v); /* numbers, numeric texts, times */
void agg__range_add_summary(struct agg__range *range, const struct agg_summary *summary);
void agg__range_merge(struct agg__range *range, const struct agg__range *from);
struct value agg__range_min(const struct agg__range *range);
struct value agg__range_max(const struct agg__range *range);
void agg__range_encode(const struct agg__range *range, struct buf *out);
bool agg__range_decode(struct agg__range *range, struct str *in);

/* Checkpoint bytes. Each reader moves *in and answers false at the end. */
void agg__put_i64(struct buf *out, int64_t v);
void agg__put_f64(struct buf *out, double v);
void agg__put_u64(struct buf *out, uint64_t v); /* fixed eight bytes */
bool agg__get_varint(struct str *in, uint64_t *ret_v);
bool agg__get_i64(struct str *in, int64_t *ret_v);
bool agg__get_f64(struct str *in, double *ret_v);
bool agg__get_u64(struct str *in, uint64_t *ret_v);
bool agg__get_bytes(struct str *in, size_t n, struct str *ret_bytes);
void agg__put_value(struct buf *out,
                    const struct value *v); /* scalars as they are, lists and maps as JSON */
bool agg__get_value(struct str *in, struct arena *mem, struct value *ret_v);

/* A double as a key of a map: "1.0", "99.9". */
struct str agg__f64_key(double v, struct arena *mem);
/* A list of numbers, not empty, as floats in ascending order. */
struct value agg__sorted_f64s(const struct value *numbers, struct arena *mem);

#endif
