/* SPDX-License-Identifier: Apache-2.0 */
/* date_rounding.h: which span of time a moment falls into: what date_histogram and composite share.
 */
#ifndef NARU_QUERY_BUCKETS_DATE_ROUNDING_H
#define NARU_QUERY_BUCKETS_DATE_ROUNDING_H

#include "query/agg_tree.h"

struct date_rounding {
    char unit;        /* of calendar spans: s m h d w M q y */
    int64_t fixed_ms; /* of fixed ones; 0: calendar */
    int64_t offset_ms;
};

struct date_span {
    int64_t low, high; /* ms: [low, high) has key `low` */
};

/* As a body has them; p == NULL: not given. `either`: the deprecated "interval". */
struct date_intervals {
    struct str calendar, fixed, either, offset;
};

int date_rounding_parse(struct date_rounding *rounding, const struct date_intervals *texts,
                        const struct value *body, struct err *err) WARN_UNUSED;
/* The span that holds the moment. */
struct date_span date_rounding_span(const struct date_rounding *rounding,
                                    const struct time_zone *zone, int64_t ms);
/* Milliseconds of what a column of the field holds (date_nanos: ns). */
int64_t date_rounding_ms(const struct field *field, int64_t stored);
int64_t date_rounding_ms_of_double(double v);
/* The same for the values of a batch, floats too: they become batch->longs. */
void date_rounding_batch(const struct source *source, struct value_batch *batch);

#endif
