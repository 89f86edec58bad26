/* SPDX-License-Identifier: Apache-2.0 */
/* tuples_int.h: between the files of tuples.h. */
#ifndef NARU_QUERY_BUCKETS_TUPLES_INT_H
#define NARU_QUERY_BUCKETS_TUPLES_INT_H

#include "query/buckets/tuples.h"

/* The value of a part in one document of the segment at hand. */
struct part_value {
    bool is_missing;
    uint32_t ordinal; /* texts; SOURCE_MISSING: `key` is an id already */
    int64_t key;
};

static inline bool part_is_text(const struct tuple_part *part)
{
    return part->spec->kind == TUPLE_TERMS && part->source.kind == COLUMN_ORDINAL;
}
int64_t part_key_of_long(struct tuple_part *part, int64_t stored);
int64_t part_key_of_double(struct tuple_part *part, double v);
double part_double_of_key(int64_t key);
/* Reads the window of the part's column, once. Single-valued columns only. */
void part_read(struct tuple_part *part, struct agg_run *run, uint32_t first);
/* After part_read. False: the document has no such part and no stand-in for it. */
bool part_value_at(struct tuple_part *part, uint32_t off, struct agg_run *run,
                   struct part_value *ret_value);
/* What documents without a value have. */
bool part_missing(struct tuple_part *part, struct agg_run *run, struct part_value *ret_value);
/* Smallest and largest value of a zone; false: not known. */
bool part_zone(struct tuple_part *part, uint32_t zone, struct part_value *ret_min,
               struct part_value *ret_max);
/* The same part for every document of the zone. */
bool part_is_constant(struct tuple_part *part, uint32_t zone, struct part_value *ret_value);
uint32_t part_place(struct tuple_part *part, const struct part_value *value);
/* Adds each document's place to `places`; PLACE_NONE: the document has no such part. */
void part_add_places(struct tuple_part *part, struct agg_run *run, const struct doc_block *block,
                     uint32_t *places);
/* Turns a value of the segment into one of the run. */
int64_t part_global(struct tuple_part *part, struct agg_run *run, const struct part_value *value);
/* How the value stands to an edge in the part's order. */
int part_cmp(const struct tuple_part *part, const struct part_value *value,
             const struct tuple_edge *edge);
/* Looks the edge up in the segment's dictionary. */
void part_edge_begin(const struct tuple_part *part, struct tuple_edge *edge);

#define PLACE_NONE UINT32_MAX
#define PLACE_OUT  UINT32_MAX

#endif
