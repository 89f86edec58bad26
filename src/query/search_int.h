/* SPDX-License-Identifier: Apache-2.0 */
/* search_int.h: a parsed request and a search that runs: shared by the files of this folder only.
 */
#ifndef NARU_QUERY_SEARCH_INT_H
#define NARU_QUERY_SEARCH_INT_H

#include "query/query.h"
#include "query/search.h"

#define SIZE_DEFAULT          10
#define RESULT_WINDOW_DEFAULT 10000u
#define TRACK_TOTAL_DEFAULT   10000
#define TRACK_TOTAL_ALL       INT64_MAX
#define BUCKETS_DEFAULT       65535u
#define SORTS_MAX             32u
#define SEARCH_MEMORY_DEFAULT (512 * MIB)

struct agg_tree;
struct agg_run;

/* ---- Sort ---- */
enum sort_kind {
    SORT_SCORE,
    SORT_DOC,
    SORT_SNAPSHOT_DOC,
    SORT_FIELD,
    SORT_ID,
    SORT_INDEX,
    SORT_SEQ_NO,
    SORT_VERSION
};
enum sort_mode {
    SORT_MODE_AUTO,
    SORT_MODE_MIN,
    SORT_MODE_MAX,
    SORT_MODE_SUM,
    SORT_MODE_AVG,
    SORT_MODE_MEDIAN
};
struct sort_spec {
    enum sort_kind kind;
    struct str field;
    bool is_desc;
    enum sort_mode mode;
    struct value missing; /* NONE: _last */
    struct str unmapped_type, format, numeric_type;
    uint32_t pos;
};
int sort_parse(const struct value *v, struct arena *mem, struct sort_spec **ret_specs,
               size_t *ret_count, struct err *err) WARN_UNUSED;

/* How one sort key is read in one segment: every kind of value becomes a uint64 whose natural order
 * is the wanted one (ascending: better first). Ordinals compare within their segment only. */
enum sort_value_kind {
    SORT_VALUE_NULL,
    SORT_VALUE_LONG,
    SORT_VALUE_UNSIGNED,
    SORT_VALUE_DOUBLE,
    SORT_VALUE_FLOAT,
    SORT_VALUE_STR
};
struct sort_reader { /* doc_base: of _doc the documents of the index before this segment, of
                        _shard_doc of the snapshot */
    const struct sort_spec *spec;
    const struct field *field;
    struct column *column;
    enum sort_value_kind kind;
    bool is_ip;
    bool is_sorted;   /* the column ascends with the document number */
    uint64_t missing; /* key of documents without a value */
    struct str missing_text;
    uint64_t doc_base;
    const struct searcher_part *part;
    const uint32_t *id_ranks; /* of _id: rank of each document */
    uint32_t *id_docs;        /* the document of each rank */
    const struct date_pattern *pattern;
};
struct sort_value {
    enum sort_value_kind kind;
    uint64_t key;
    struct str text;
};
int sort_reader_open(struct sort_reader *reader, const struct sort_spec *spec,
                     const struct searcher_part *part, uint32_t doc_base, uint64_t snapshot_base,
                     struct arena *mem, struct err *err) WARN_UNUSED;
/* How its values are printed; reads no keys. */
int sort_printer_open(struct sort_reader *reader, const struct sort_spec *spec,
                      const struct searcher_part *part, struct arena *mem,
                      struct err *err) WARN_UNUSED;
/* The best key any document of the segment can have; texts, whose keys are of their segment, and
 * failures: 0. */
uint64_t sort_part_best(const struct sort_spec *spec, const struct searcher_part *part,
                        struct arena *mem);
/* The score a key of SORT_SCORE stands for. */
float sort_reader_score(const struct sort_reader *reader, uint64_t key);
/* Keys of the documents of a window whose bits are set. `scores` for SORT_SCORE. */
void sort_reader_keys(struct sort_reader *reader, uint32_t first, uint32_t n, const uint64_t *words,
                      const float *scores, uint64_t *keys);
/* The best key any document of the zone can have. */
uint64_t sort_reader_zone_best(const struct sort_reader *reader, uint32_t zone);
/* The worst one; UINT64_MAX: not known. */
uint64_t sort_reader_zone_worst(const struct sort_reader *reader, uint32_t zone);
/* The key a search_after value stands for, in this segment; `is_before`: documents with this very
 * key are not passed yet. */
int sort_reader_after(struct sort_reader *reader, const struct value *v, int64_t now_ns,
                      struct arena *mem, uint64_t *ret_key, struct err *err) WARN_UNUSED;
/* A key out of its segment: comparable and printable. */
struct sort_value sort_reader_value(const struct sort_reader *reader, uint64_t key,
                                    struct arena *mem);
int sort_value_cmp(const struct sort_spec *spec, const struct sort_value *a,
                   const struct sort_value *b);
struct value sort_value_print(const struct sort_reader *reader, const struct sort_value *v,
                              struct arena *mem);

/* ---- Best hits of one segment ---- */
struct topk {
    size_t key_count, capacity, count;
    uint64_t *keys; /* capacity * key_count */
    uint32_t *docs;
    float *scores;
    uint32_t *heap; /* slots, worst first */
};
void topk_init(struct topk *top, size_t capacity, size_t key_count, struct arena *mem);
static inline bool topk_is_full(const struct topk *top)
{
    return top->count == top->capacity;
}
/* Keys of the worst kept hit; only when full. */
static inline const uint64_t *topk_worst(const struct topk *top)
{
    return &top->keys[top->heap[0] * top->key_count];
}
void topk_offer(struct topk *top, const uint64_t *keys, uint32_t doc, float score);
/* For heaps over the slots that are kept elsewhere: comparing and filling them. */
bool topk_slot_is_worse(const struct topk *top, uint32_t a, uint32_t b);
bool topk_beats(const struct topk *top, const uint64_t *keys, uint32_t doc, uint32_t slot);
void topk_put(struct topk *top, uint32_t slot, const uint64_t *keys, uint32_t doc, float score);
/* Slots best first. */
void topk_sorted(struct topk *top, uint32_t *slots);

/* ---- One hit per value of a field ---- */
struct collapse_spec {
    struct str field;
};
struct collapse; /* one walk in one segment */
int collapse_parse(const struct value *v, struct arena *mem, struct collapse_spec **ret_spec,
                   struct err *err) WARN_UNUSED;
/* Some index knows the field, and it has a type that groups can be made of. */
int collapse_check(const struct collapse_spec *spec, const struct searcher_part *parts,
                   size_t part_count, struct err *err) WARN_UNUSED;
struct collapse *collapse_open(const struct collapse_spec *spec, const struct searcher_part *part,
                               size_t capacity, struct arena *mem);
/* As topk_offer, but of each group only the best stays. */
void collapse_offer(struct collapse *collapse, struct topk *top, const uint64_t *keys, uint32_t doc,
                    float score);
/* A document that was offered has several values. */
int collapse_failure(const struct collapse *collapse, struct err *err) WARN_UNUSED;
/* The group of a kept hit, out of its segment. */
struct sort_value collapse_value(const struct collapse *collapse, uint32_t slot, struct arena *mem);
/* Puts the group's value in front of a hit's fields. */
void collapse_show(const struct collapse_spec *spec, const struct searcher_part *part, uint32_t doc,
                   struct arena *mem, struct value *fields);
/* Which groups were met: for merging lists. */
struct group_table {
    const struct sort_value **slots;
    size_t mask;
};
void group_table_init(struct group_table *table, size_t count_max, struct arena *mem);
/* False: it is there. The value is borrowed. */
bool group_table_add(struct group_table *table, const struct sort_value *group);

/* ---- What a hit shows ---- */
struct source_spec {
    bool is_off, is_given;
    struct str *includes, *excludes;
    size_t include_count, exclude_count;
};
int source_spec_parse(const struct value *v, struct arena *mem, struct source_spec *ret_spec,
                      struct err *err) WARN_UNUSED;
/* Copies only what the patterns leave. Borrows when there is nothing to leave out. */
int source_filter(struct str json, const struct source_spec *spec, struct arena *mem,
                  struct str *ret_json, struct err *err) WARN_UNUSED;
struct field_spec {
    struct str pattern, format;
};
int field_specs_parse(const struct value *v, const char *name, struct arena *mem,
                      struct field_spec **ret_specs, size_t *ret_count,
                      struct err *err) WARN_UNUSED;
struct fetch_spec {
    struct source_spec source;
    struct field_spec *docvalues, *fields;
    size_t docvalue_count, field_count;
    bool wants_version, wants_seq_no, has_no_stored_fields;
};
/* Fills index, id, source, version … of a hit. `reader`: of those that are fetched one after the
 * other, or NULL. */
int fetch_hit(const struct fetch_spec *fetch, const struct searcher_part *part, uint32_t doc,
              struct doc_reader *reader, struct arena *mem, struct search_hit *hit,
              struct err *err) WARN_UNUSED;

/* ---- The request ---- */
/* The hits behind a page, found with it and not fetched yet. */
struct ahead_hit {
    const struct searcher_part *part;
    uint32_t doc;
    bool has_score;
    double score;
    const struct value *sort_values;
};
struct ahead {
    struct arena *mem; /* of the hits */
    size_t wanted;     /* beyond from + size */
    struct ahead_hit *hits;
    size_t count;
};

struct search_request {
    struct arena *mem;
    int64_t now_ns;
    struct query *query, *post_filter;
    int64_t from, size;
    struct sort_spec *sorts;
    size_t sort_count;
    const struct value *search_after; /* list */
    struct collapse_spec *collapse;   /* NULL: none */
    struct fetch_spec fetch;
    bool track_scores, has_min_score, total_as_int, typed_keys;
    double min_score;
    int64_t track_total; /* 0: off */
    int64_t timeout_ns, terminate_after;
    struct agg_tree *aggs;
    struct ahead *ahead; /* MAY be NULL; hits a scroll will ask for next */
    /* URL parameters that belong to q. */
    struct str q, df, default_operator, analyzer;
    bool lenient, analyze_wildcard;
};
/* A list of strings out of a string with commas, a string, or a list. */
int strings_parse(const struct value *v, struct arena *mem, struct str **ret_items,
                  size_t *ret_count);

/* The nearest double to a float's shortest decimal text: prints as Java prints the float. */
double f32_shown(float v);
double shown__by_text(float v); /* its twin, for the test */

/* A hit before it is fetched. */
struct hit_ref {
    const struct searcher_part *part;
    uint32_t doc;
    float score;
    struct sort_value *values;
    struct sort_value group; /* with collapse */
};

/* Plans for each index of a snapshot. */
struct index_plan {
    struct planner planner;
    struct plan *query, *post_filter;
    uint64_t collected; /* for terminate_after */
    bool is_terminated; /* by it */
};

#endif
