/* SPDX-License-Identifier: Apache-2.0 */
/* date_spans.c: see date_spans.h. The time between two moments is cut into cells of a power of two
 * of milliseconds, as long as the shortest span or half of it: one shift finds a moment's cell, one
 * comparison tells on which side of the cell's only boundary it lies. */
#include "query/buckets/date_spans.h"

#include "text/timezone.h"

/* The beginnings of the spans, and of the one behind; returns how many spans, 0: not possible. */
static uint32_t list_begins(const struct date_rounding *rounding, const struct time_zone *zone,
                            int64_t min, int64_t max, uint32_t count_max, int64_t *begins)
{
    uint32_t count = 0;
    for (int64_t at = min; at <= max; at = begins[count]) {
        struct date_span span = date_rounding_span(rounding, zone, at);
        if (count == count_max || span.high <= at || (count > 0 && span.low != at))
            return 0; /* too many; or a change of the clock within a span */
        begins[count++] = span.low;
        begins[count] = span.high;
    }
    return count;
}

static int64_t shortest(const int64_t *begins, uint32_t count)
{
    int64_t least = begins[1] - begins[0];
    for (uint32_t i = 1; i < count; i++)
        least = MIN_OF(least, begins[i + 1] - begins[i]);
    return least;
}

void date_spans_make(struct date_spans *spans, const struct date_rounding *rounding,
                     const struct time_zone *zone, int64_t min, int64_t max, uint64_t worth,
                     struct arena *mem)
{
    *spans = (struct date_spans){.count = 0};
    if (min > max || (rounding->fixed_ms && !time_zone_is_fixed(zone)))
        return; /* a change may cut such a span to a moment: as short would be all cells */
    struct date_span first = date_rounding_span(rounding, zone, min);
    if (first.high <= first.low)
        return;
    /* No unit has a span that is twice as long as another: days of 23 and 25 hours, months. */
    uint64_t most = MIN_OF(worth, DATE_SPANS_MAX), range = (uint64_t)max - (uint64_t)min,
             length = (uint64_t)(first.high - first.low);
    if (range / length / 2 > most)
        return;
    most = MIN_OF(most, range / (length / 2 + 1) + 3);
    int64_t *begins = ARENA_ARRAY(mem, int64_t, most + 1);
    uint32_t count = list_begins(rounding, zone, min, max, (uint32_t)most, begins);
    if (count == 0)
        return;
    int64_t shorter = shortest(begins, count);
    while ((INT64_C(2) << spans->shift) <= shorter)
        spans->shift++;
    spans->low = begins[0];
    spans->length = (uint64_t)(begins[count] - begins[0]);
    size_t cell_count = (size_t)((spans->length - 1) >> spans->shift) + 1;
    spans->cells = ARENA_ARRAY(mem, struct span_cell, cell_count);
    uint32_t span = 0;
    for (size_t i = 0; i < cell_count; i++) {
        int64_t at = spans->low + (int64_t)((uint64_t)i << spans->shift);
        while (at >= begins[span + 1])
            span++;
        spans->cells[i] = (struct span_cell){begins[span + 1], span};
    }
    spans->count = count;
}

void date_spans_of_search(struct date_spans *spans, const struct date_rounding *rounding,
                          const struct time_zone *zone, struct str name, struct agg_run *run)
{
    size_t part_count;
    int64_t min = INT64_MAX, max = INT64_MIN;
    *spans = (struct date_spans){.count = 0};
    if (!run->env)
        return;
    const struct searcher_part *parts = search_env_parts(run->env, &part_count);
    for (size_t i = 0; i < part_count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, name);
        struct column *column = field ? segment_column(parts[i].segment, field) : NULL;
        struct column_zone zone_of_all;
        if (!column || column_kind(column) != COLUMN_LONG || !column_stats(column, &zone_of_all))
            continue;
        min = MIN_OF(min, date_rounding_ms(field, zone_of_all.min_i));
        max = MAX_OF(max, date_rounding_ms(field, zone_of_all.max_i));
    }
    date_spans_make(spans, rounding, zone, min, max, run->match_estimate, run->mem);
}

void date_spans_buckets(const struct date_spans *spans, uint32_t *by_span, const int64_t *ms,
                        size_t n, date_bucket_of *bucket_of, void *owner, uint32_t *index)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t span = date_spans_find(spans, ms[i]);
        if (UNLIKELY(span == spans->count)) {
            index[i] = bucket_of(owner, ms[i]);
            continue;
        }
        if (UNLIKELY(by_span[span] == 0))
            by_span[span] = bucket_of(owner, ms[i]) + 1; /* none stays 0 */
        index[i] = by_span[span] - 1;
    }
}
