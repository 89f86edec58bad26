/* SPDX-License-Identifier: Apache-2.0 */
/* tuples.h: buckets whose key has several parts, for composite and multi_terms.
 *
 * A part is a value of a field, an interval of numbers or a span of time. Within a segment a part
 * is an ordinal or an integer; where all parts of a segment have few values, a tuple is a place in
 * an array, so that most documents cost an addition per part and one load. Elsewhere the tuple is
 * hashed. Across segments a part is an int64: a number made sortable, or the id of a text.
 *
 * A set may be bounded: it keeps the `keep` first tuples in their order. Once it has that many, a
 * tuple behind the last of them is dropped before it is looked up, and zones whose best first part
 * is behind it are not read. */
#ifndef NARU_QUERY_BUCKETS_TUPLES_H
#define NARU_QUERY_BUCKETS_TUPLES_H

#include "query/agg_tree.h"
#include "query/buckets/date_rounding.h"
#include "query/buckets/text_ids.h"

#define TUPLE_PARTS_MAX 32u

enum tuple_kind { TUPLE_TERMS, TUPLE_HISTOGRAM, TUPLE_DATE_HISTOGRAM };

/* A part as the body describes it. */
struct tuple_spec {
    struct str name;
    enum tuple_kind kind;
    struct source_params source;
    struct str order, calendar_interval, fixed_interval, either_interval, offset;
    bool is_desc;
    bool has_missing; /* documents without a value have a part of their own, "missing" */
    double interval;
    struct date_rounding rounding;
};

/* A value that tuples are compared with: the end of the page before, the last that is kept. */
struct tuple_edge {
    bool is_missing;
    int64_t key;      /* numbers */
    struct str text;  /* texts */
    uint32_t ordinal; /* of the segment at hand: the first whose text is not before `text` */
    bool is_found;    /* and it is `text` */
};

/* A part in a run. */
struct tuple_part {
    const struct tuple_spec *spec;
    struct source source;
    struct text_ids ids;
    struct window_values values; /* of the window at hand */
    uint32_t *id_of;             /* the segment's ordinals to ids, UINT32_MAX: not met yet */
    uint32_t place_count, stride;
    bool has_missing_place; /* the last one */
    int64_t base;           /* the key at place 0 */
    int64_t *spans;         /* keys of the segment's spans of time, ascending */
    uint32_t span_count;
    struct date_span last; /* where the last moment was */
    uint32_t last_place;
    bool after_is_known;
    struct tuple_edge after;
};

struct tuple_run {
    struct tuple_part *parts;
    size_t count;
    uint32_t epoch;       /* one more at each segment */
    bool is_empty;        /* no document of the segment has all parts */
    bool is_multi;        /* some part has several values per document */
    uint32_t place_count; /* product of the parts'; 0: tuples are hashed */
    bool is_distinct;     /* equal values of one document count once */
    bool has_after;       /* tuples up to `after` were on earlier pages */
};

/* The buckets of one state. */
struct tuple_set {
    struct bucket_set set; /* buckets and their count only */
    int64_t *keys;         /* parts and a mask of missing ones, per bucket */
    uint32_t *place_of;    /* per bucket: its place in the segment at hand */
    uint32_t *slots;       /* bucket + 1, open addressing */
    uint32_t slot_count, capacity;
    uint32_t *places; /* bucket + 1, PLACE_OUT: dropped */
    uint32_t places_epoch;
    uint32_t *spare; /* dropped buckets, to be used again */
    uint32_t spare_count;
    uint32_t keep, full; /* 0: unbounded; at `full` live buckets the worst are dropped */
    bool has_bound;
    struct tuple_edge *bound; /* per part */
    uint32_t bound_epoch;
};

/* What the body's object has for a part: unit and interval. */
int tuple_spec_check(const struct agg_node *node, struct tuple_spec *spec, const struct value *body,
                     struct err *err) WARN_UNUSED;

void tuple_run_init(struct tuple_run *tuples, const struct tuple_spec *specs, size_t count,
                    struct arena *mem);
/* Sources of the segment at hand. */
int tuple_run_begin(struct tuple_run *tuples, const struct agg_node *node, struct agg_run *run,
                    struct err *err) WARN_UNUSED;
/* Once the sources are there and `after` is known: how places are counted. */
void tuple_run_place(struct tuple_run *tuples, const struct agg_node *node, struct agg_run *run);
/* The run that had fields lends them to one that had none. */
void tuple_run_adopt(struct tuple_run *tuples, const struct tuple_run *other);

/* False: no document of the window can have a tuple that is kept. */
bool tuple_set_wants(const struct tuple_set *set, struct tuple_run *tuples, uint32_t first);
void tuple_set_collect(struct tuple_set *set, struct tuple_run *tuples, const struct agg_node *node,
                       struct agg_run *run, const struct doc_block *block);
/* A single part, every document of the segment, no children: from dictionaries and zone maps. */
bool tuple_set_collect_all(struct tuple_set *set, struct tuple_run *tuples,
                           const struct agg_node *node, struct agg_run *run);
void tuple_set_merge(struct tuple_set *set, struct tuple_run *tuples, const struct agg_node *node,
                     struct agg_run *run, struct tuple_set *other, struct tuple_run *theirs,
                     struct agg_run *other_run);
/* The buckets that are kept, in the order of their tuples. */
uint32_t *tuple_set_sorted(struct tuple_set *set, struct tuple_run *tuples, struct agg_run *run,
                           uint32_t *ret_count);
int tuple_cmp(const struct tuple_set *set, const struct tuple_run *tuples, uint32_t a, uint32_t b);

/* Keys of numbers that a body gives: of a double, and of a histogram's key. */
int64_t tuple_key_of_double(double v);
int64_t tuple_interval_of_key(const struct tuple_part *part, double key);
/* Key of a part of a bucket as numbers and texts are shown: numbers, true and false, addresses.
 * `prints_dates`: also dates of terms as texts. */
struct value tuple_print(const struct tuple_set *set, const struct tuple_run *tuples,
                         uint32_t bucket, size_t part, bool prints_dates, struct agg_run *run);

#endif
