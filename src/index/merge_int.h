/* SPDX-License-Identifier: Apache-2.0 */
/* merge_int.h: a merge's insides, shared by its files. Nothing here is as long as the result but
 * `seen`, a bit a document, and the inputs' new numbers (renumber.h). */
#ifndef NARU_INDEX_MERGE_INT_H
#define NARU_INDEX_MERGE_INT_H

#include "index/ids.h"
#include "index/merge.h"
#include "index/segment_int.h"
#include "index/segment_writer_int.h"

/* The values of up to ZONE_DOCS documents of an input. */
struct column_window {
    const struct column *column; /* NULL: nothing is read */
    uint32_t first, n;
    int64_t values[ZONE_DOCS];
    uint64_t exists[ZONE_DOCS / 64];
};

/* The values of one zone of the result, by document. */
struct zone_values {
    uint32_t *docs, *docs_spare;
    int64_t *values, *values_spare;
    size_t n, capacity, spare_capacity;
    bool is_ordered;
};

/* Where a column comes from. */
struct merge;
struct column_source {
    const struct column **columns; /* per input, NULL: has none */
    int64_t (*map)(const struct merge *m, size_t input, int64_t value); /* NULL: as they are */
    bool is_filled; /* documents of an input without the column have the value 0 */
};

/* One input's part of the term at hand. */
struct posting_run {
    size_t input;
    struct postings *postings; /* NULL: one document, in `one` */
    uint32_t one, one_freq;
    const uint32_t *docs, *freqs;       /* unpacked */
    const uint32_t *positions, *begins; /* per document: where in `positions` its begin */
    uint32_t n, at;
    uint32_t to; /* the new document at hand, DOC_NONE: the end */
};

/* Postings on their way to the writer. */
struct posting_batch {
    uint32_t docs[POSTINGS_BLOCK_DOCS], freqs[POSTINGS_BLOCK_DOCS];
    uint8_t norms[POSTINGS_BLOCK_DOCS];
    uint32_t n;
    uint32_t *positions;
    size_t position_n, position_capacity;
};

struct merge {
    const struct merge_input *inputs;
    size_t count;
    uint32_t doc_count;
    struct segment_writer *w;
    struct arena *mem; /* of a document or of some terms */
    struct renumber_walk *walks;
    struct column_window *windows;
    const struct column **columns; /* of the column at hand, per input */
    struct zone_values zone;
    uint16_t **template_numbers; /* per input and template: its number in the result */
    /* The field at hand. */
    const struct segment_field **fields; /* per input, NULL: has none */
    struct renumber *ordinals;           /* per input: old -> new */
    const uint8_t **norms;               /* per input, NULL: has none */
    uint64_t *seen;                      /* bit set of new documents with the field */
    /* The dictionary at hand. */
    struct term_cursor **cursors;
    bool *is_open;
    uint64_t *heads; /* per open cursor: the first bytes of its term */
    size_t *holders; /* the inputs that have the term at hand */
    size_t holder_count;
    struct posting_run *runs;
    size_t run_count;
    uint32_t opened; /* lists in `mem` */
    bool want_positions, want_freqs;
    struct posting_batch batch;

    const struct merge_pace *pace;
    uint64_t breathed, released; /* bytes written by then */
    struct err breath;           /* why it is to end */
};

/* To be called now and then: waits when it is to go slowly. */
void merge__breathe(struct merge *m);

/* Calls `each` with every zone of the result. */
typedef void merge__zone_fn(struct merge *m, const struct zone_values *zone, void *arg);
void merge__zones(struct merge *m, const struct column_source *source, merge__zone_fn *each,
                  void *arg);
/* Writes the column. */
void merge__column(struct merge *m, const struct column_source *source, enum column_kind kind);
void merge__norms(struct merge *m);

/* Runs over the union of the terms. With postings: writes each that still has documents. Without:
 * gives each a number; `counts`, when not NULL, says how many documents each has, and those with
 * some are written. Sets `ordinals` of the inputs that have any. Returns the number of terms. */
uint32_t merge__terms(struct merge *m, unsigned flags, const uint32_t *counts);

#endif
