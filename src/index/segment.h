/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h: what a search may read of a segment, whether it is still in memory or a file on disk:
 * columns, postings, norms, stored source, live documents. Everything here is immutable and may be
 * read by any number of threads; readers that keep a position (postings, term iterators) belong to
 * one thread.
 *
 * A document number ("doc") is 0 .. segment_doc_count - 1 within its segment. */
#ifndef NARU_INDEX_SEGMENT_H
#define NARU_INDEX_SEGMENT_H

#include "base/base.h"
#include "base/err.h"

struct searcher;
struct segment;
struct mapping;
struct arena;
struct index_metrics;

#define DOC_NONE UINT32_MAX
#define ZONE_DOCS                                                                                  \
    4096u /* columns have zone maps per this many documents; searches work in windows of it */

/* ---- A searcher's parts ---- */
struct searcher_part {
    struct segment *segment; /* borrowed */
    const uint64_t *live;    /* bit set of live documents, NULL: all live */
    uint32_t live_count;
    struct str index;              /* concrete index name */
    const struct mapping *mapping; /* of that index at the snapshot */
    uint32_t index_ordinal;        /* position of the index in the snapshot's list */
    struct index_metrics *metrics; /* of that index; borrowed */
};
const struct searcher_part *searcher_parts(const struct searcher *searcher, size_t *ret_count);

/* The snapshot's indices in its order, those without documents too. */
size_t searcher_index_count(const struct searcher *searcher);
struct str searcher_index(const struct searcher *searcher, size_t i,
                          const struct mapping **ret_mapping);

/* ---- Fields ---- */
enum field_type {
    FIELD_NONE = 0,
    FIELD_TEXT,
    FIELD_MATCH_ONLY_TEXT,
    FIELD_KEYWORD,
    FIELD_CONSTANT_KEYWORD,
    FIELD_WILDCARD,
    FIELD_LONG,
    FIELD_INTEGER,
    FIELD_SHORT,
    FIELD_BYTE,
    FIELD_UNSIGNED_LONG,
    FIELD_DOUBLE,
    FIELD_FLOAT,
    FIELD_HALF_FLOAT,
    FIELD_SCALED_FLOAT,
    FIELD_BOOLEAN,
    FIELD_DATE,
    FIELD_DATE_NANOS,
    FIELD_IP,
    FIELD_BINARY,
    FIELD_GEO_POINT,
    FIELD_OBJECT,
    FIELD_NESTED,
    FIELD_FLATTENED,
    FIELD_ALIAS,
    FIELD_TYPE_COUNT
};
const char *field_type_name(enum field_type type);
bool field_type_from_name(struct str name, enum field_type *ret_type);

/* One field of a mapping: a full path ("a.b", "request.raw") and a type. A name that arrived with
 * two types has two fields under the same path (typed variants): the declared or first one is
 * `variant_index` 0. */
struct field {
    struct str path;
    enum field_type type;
    uint32_t variant_index;
    uint32_t id;     /* unique in its index for ever; segments refer to fields by it */
    bool is_indexed; /* has postings (text, keyword, …) or is searchable by its column */
    bool has_doc_values;
    struct str format;   /* date format, "" = strict_date_optional_time||epoch_millis */
    struct str analyzer; /* text; "" = standard */
    struct str null_value;
    double scaling_factor;
    uint32_t ignore_above;            /* 0: none */
    const struct field *next_variant; /* same path, other type */
};
/* By full path; multi-fields ("x.keyword") and aliases resolved. NULL: not mapped. */
const struct field *mapping_field(const struct mapping *mapping, struct str path);
/* Every field, in order of creation: for `*` patterns, query_string default fields, field lists. */
const struct field *const *mapping_fields(const struct mapping *mapping, size_t *ret_count);

/* ---- Segment ---- */
uint32_t segment_doc_count(const struct segment *seg); /* live and dead */
/* The stored source of a document, its id and system columns. Strings in mem. */
int segment_source(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_json,
                   struct err *err) WARN_UNUSED;
struct str segment_id(struct segment *seg, uint32_t doc, struct arena *mem);
int64_t segment_seq_no(const struct segment *seg, uint32_t doc);
/* All of them as a COLUMN_LONG: dense, single-valued, with zone maps. NULL: the segment has no
 * documents. */
struct column *segment_seq_no_column(const struct segment *seg);
int64_t segment_version(const struct segment *seg, uint32_t doc);
/* The same for who shows many documents, best in order: what is unpacked of a column for one serves
 * its neighbours. A reader belongs to one thread, keeps what it has of one segment, which must live
 * as long, and stays small (doc_reader.h). NULL: each document is read alone. */
struct doc_reader;
struct doc_reader *doc_reader_new(void);
void doc_reader_free(struct doc_reader *reader);
DEFINE_CLEANUP(doc_reader_free, struct doc_reader)
int doc_reader_source(struct doc_reader *reader, struct segment *seg, uint32_t doc,
                      struct arena *mem, struct str *ret_json, struct err *err) WARN_UNUSED;
struct str doc_reader_id(struct doc_reader *reader, struct segment *seg, uint32_t doc,
                         struct arena *mem);
int64_t doc_reader_seq_no(struct doc_reader *reader, const struct segment *seg, uint32_t doc);
int64_t doc_reader_version(struct doc_reader *reader, const struct segment *seg, uint32_t doc);
uint32_t segment_find_id(struct segment *seg, struct str id); /* live or dead, DOC_NONE */

/* Readers below cannot fail one by one: a region whose checksum is bad reads as "nothing". Who has
 * searched a segment asks here before answering: -ERR_CORRUPT with the first damage met, so that no
 * answer is silently wrong. */
int segment_failure(const struct segment *seg, struct err *err) WARN_UNUSED;

/* ---- Columns (doc values) ---- */
enum column_kind {
    COLUMN_LONG,   /* int64: long … byte, boolean (0/1), date (ms), date_nanos (ns); unsigned_long
                      biased by 2^63 */
    COLUMN_DOUBLE, /* double, float, half_float, scaled_float (already divided) */
    COLUMN_ORDINAL, /* keyword, ip (16 bytes, sorted as bytes), flattened: ordinals into a sorted
                       dictionary */
};
struct column;
struct column *segment_column(struct segment *seg,
                              const struct field *field); /* NULL: no document has it */
enum column_kind column_kind(const struct column *column);
bool column_is_multi(const struct column *column); /* some document has more than one value */
bool column_is_dense(const struct column *column); /* every document has a value */
uint64_t column_value_count(const struct column *column);
uint32_t column_doc_count(const struct column *column); /* documents with at least one value */

/* Over the whole column and per zone of ZONE_DOCS documents. LONG: min/max as int64; DOUBLE: as
 * double; ORDINAL: ordinals. False when the zone has no value. `sum` only for LONG and DOUBLE,
 * `count` = values. */
struct column_zone {
    int64_t min_i, max_i;
    double min_f, max_f, sum;
    uint64_t count;
};
bool column_stats(const struct column *column, struct column_zone *ret_zone);
bool column_zone(const struct column *column, uint32_t zone, struct column_zone *ret_zone);
/* Documents are ordered by this column ascending within the segment (dense and single-valued then).
 */
bool column_is_sorted(const struct column *column);

/* Reads documents [first, first + n), n <= ZONE_DOCS: value i belongs to document first + i.
 * Single-valued columns only. `exists` (may be NULL): bit i set when document first + i has a
 * value; values of others are 0. */
void column_read_longs(const struct column *column, uint32_t first, uint32_t n, int64_t *values,
                       uint64_t *exists);
void column_read_doubles(const struct column *column, uint32_t first, uint32_t n, double *values,
                         uint64_t *exists);
void column_read_ordinals(const struct column *column, uint32_t first, uint32_t n,
                          uint32_t *ordinals, uint64_t *exists);
/* Any column, also multi-valued: values of one document, ascending; returns how many there are (may
 * be > max). */
size_t column_doc_longs(const struct column *column, uint32_t doc, int64_t *values, size_t max);
size_t column_doc_doubles(const struct column *column, uint32_t doc, double *values, size_t max);
size_t column_doc_ordinals(const struct column *column, uint32_t doc, uint32_t *ordinals,
                           size_t max);

/* Dictionary of a COLUMN_ORDINAL: sorted by bytes. */
uint32_t column_ordinal_count(const struct column *column);
struct str column_ordinal_text(const struct column *column, uint32_t ordinal, struct arena *mem);
/* First ordinal whose text is >= `text`; *ret_found: equal. */
uint32_t column_ordinal_find(const struct column *column, struct str text, bool *ret_found);
/* Documents (dead ones included) that have this ordinal. */
uint32_t column_ordinal_doc_count(const struct column *column, uint32_t ordinal);

/* The same for all of them, in one walk over the dictionary. counts[column_ordinal_count]. */
void column_ordinal_doc_counts(const struct column *column, uint32_t *counts);
/* Calls `each` with every ordinal whose bit is set (NULL: all), ascending. The text and the count
 * of documents are good until it returns. */
typedef void column_ordinal_fn(void *owner, uint32_t ordinal, struct str text, uint32_t doc_count);
void column_ordinals_each(const struct column *column, const uint64_t *wanted,
                          column_ordinal_fn *each, void *owner);

/* ---- Postings ---- */
/* Statistics of one field in this segment, for BM25. */
struct field_stats {
    uint32_t doc_count; /* documents with the field */
    uint64_t sum_doc_freq;
    uint64_t sum_total_term_freq;
};
bool segment_field_stats(struct segment *seg, const struct field *field,
                         struct field_stats *ret_stats);
/* One byte per document: Lucene's SmallFloat.intToByte4 of the field length; NULL: no norms. */
const uint8_t *segment_norms(struct segment *seg, const struct field *field);

struct term_info {
    uint32_t doc_freq;
    uint64_t total_term_freq;
    uint64_t handle; /* opaque */
};
/* False: the term is not in the segment. Terms of text fields are tokens; of keywords the value's
 * bytes; numbers, dates and ip have columns only. */
bool segment_term(struct segment *seg, const struct field *field, struct str term,
                  struct term_info *ret_info);

struct postings;
enum postings_flags { POSTINGS_DOCS = 0, POSTINGS_FREQS = 1, POSTINGS_POSITIONS = 2 };
struct postings *postings_open(struct segment *seg, const struct field *field,
                               const struct term_info *info, unsigned flags, struct arena *mem);
uint32_t postings_doc(const struct postings *p); /* current, DOC_NONE at the end; before the first
                                                    advance: DOC_NONE too */
uint32_t postings_next(struct postings *p);      /* next doc or DOC_NONE */
uint32_t postings_advance(struct postings *p, uint32_t target); /* first doc >= target */
uint32_t postings_freq(struct postings *p);                     /* with POSTINGS_FREQS */
/* The documents that are unpacked, from the current one on, with their frequencies (1 without
 * POSTINGS_FREQS): to be read in one go, then advanced past. NULL: at the end. */
const uint32_t *postings_block(struct postings *p, const uint32_t **ret_freqs, uint32_t *ret_count);
/* Positions of the current document, ascending; good until the next move. With POSTINGS_POSITIONS.
 */
const uint32_t *postings_positions(struct postings *p, size_t *ret_count);
/* Sets the bits of all documents in [first, first + n), n <= ZONE_DOCS, in words (bit 0 = first);
 * moves behind. */
void postings_fill(struct postings *p, uint32_t first, uint32_t n, uint64_t *words);
/* Sets the bits of all documents that are left, in bits of the whole segment; moves to the end. */
void postings_add(struct postings *p, uint64_t *bits);
/* Block-max: the highest score any document in [postings_doc, *ret_upto] can have is bounded by
 * these pairs' best: the block's highest frequency and its smallest norm byte. */
void postings_block_max(const struct postings *p, uint32_t target, uint32_t *ret_upto,
                        uint32_t *ret_freq_max, uint8_t *ret_norm_min);
/* The highest freq * norm_inverse[norm byte] that any document in [first, *ret_upto] can have,
 * where *ret_upto is the end of the block that reaches end - 1 (DOC_NONE: the list ends before); 0:
 * none there. Every BM25 score is a rising function of that product. Without norms the byte is 0.
 */
float postings_impact_max(const struct postings *p, uint32_t first, uint32_t end,
                          const float *norm_inverse, uint32_t *ret_upto);
/* The next document in [target, end) whose freq * norm_inverse[norm byte] is above product_min, and
 * moves there; `end`: none, and it stands at or before the first document from `end` on. With
 * POSTINGS_FREQS. Without norms the byte is 1. */
uint32_t postings_next_above(struct postings *p, uint32_t target, uint32_t end, float product_min,
                             const float *norm_inverse);

/* Walks a field's terms in byte order: prefix, wildcard, range, terms aggregation by dictionary. */
struct term_iter;
struct term_iter *term_iter_open(struct segment *seg, const struct field *field,
                                 struct arena *mem); /* NULL: no such field */
bool term_iter_seek(struct term_iter *it,
                    struct str at_least); /* to the first term >= at_least; false: none */
bool term_iter_next(struct term_iter *it);
struct str term_iter_term(const struct term_iter *it); /* good until the next move */
void term_iter_info(const struct term_iter *it, struct term_info *ret_info);
/* Sets the bits of the term's documents, in bits of the whole segment. */
void term_iter_docs(const struct term_iter *it, uint64_t *bits);

#endif
