/* SPDX-License-Identifier: Apache-2.0 */
/* date_spans.h: which span of time a moment falls into, looked up instead of computed on the
 * calendar: for documents that are not in the order of time. */
#ifndef NARU_QUERY_BUCKETS_DATE_SPANS_H
#define NARU_QUERY_BUCKETS_DATE_SPANS_H

#include "query/buckets/date_rounding.h"

struct date_spans {
    int64_t low;     /* ms: where the first span begins */
    uint64_t length; /* ms of all spans together */
    uint32_t count;  /* 0: no table, because there would be too many, or they are irregular */
    uint32_t shift;  /* a cell has 2^shift ms, no more than the shortest span */
    struct span_cell *cells;
};

/* A piece of time with at most one beginning of a span in it. */
struct span_cell {
    int64_t bound; /* from here on the next span */
    uint32_t span; /* at the cell's beginning */
};

/* So many spans a bucket may get a place for, per document of a window. */
#define PLACES_PER_DOC 8u
#define DATE_SPANS_MAX 32768u /* of a table: 1 MiB of cells at most */

/* Makes the table for the moments min to max; `worth`: how many lookups are expected, fewer than
 * spans do not pay for it. */
void date_spans_make(struct date_spans *spans, const struct date_rounding *rounding,
                     const struct time_zone *zone, int64_t min, int64_t max, uint64_t worth,
                     struct arena *mem);
/* The same for all values the whole search has of a field. */
void date_spans_of_search(struct date_spans *spans, const struct date_rounding *rounding,
                          const struct time_zone *zone, struct str field, struct agg_run *run);

/* The number of the span, count when the table does not reach to the moment. */
static inline uint32_t date_spans_find(const struct date_spans *spans, int64_t ms)
{
    uint64_t at = (uint64_t)ms - (uint64_t)spans->low;
    if (UNLIKELY(at >= spans->length))
        return spans->count;
    const struct span_cell *cell = &spans->cells[at >> spans->shift];
    return cell->span + (ms >= cell->bound);
}

/* The bucket of a moment, UINT32_MAX for none. */
typedef uint32_t date_bucket_of(void *owner, int64_t ms);

/* index[i]: the bucket of each moment. by_span: bucket + 1 by span, 0 as long as it was not asked
 * for; `bucket_of` is asked then, and for what the table does not reach to. */
void date_spans_buckets(const struct date_spans *spans, uint32_t *by_span, const int64_t *ms,
                        size_t n, date_bucket_of *bucket_of, void *owner, uint32_t *index);

#endif
