/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer_int.h: the writer's insides, shared by its files (stored source and ids, columns,
 * terms). */
#ifndef NARU_INDEX_SEGMENT_WRITER_INT_H
#define NARU_INDEX_SEGMENT_WRITER_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "index/format.h"
#include "index/segment_writer.h"
#include "index/template.h"

#define WRITER_BYTES_MAX   (UINT64_C(64) * GIB) /* of one region held in memory */
#define WRITER_DRAIN_BYTES (1 * MIB)

/* What a zone entry says, gathered over a run of values. */
struct zone_stats {
    int64_t min_i, max_i;
    double min_f, max_f, sum;
    uint64_t count;
};

/* The column at hand. */
struct column_writer {
    enum column_kind kind;
    struct zone_stats all;
    struct buf entries; /* of its zones */
    uint32_t doc_count, zone_count;
    bool is_multi, is_sorted; /* so far */
    int64_t last;
};

/* The postings of the term at hand: one block as it is filled, and the finished ones. */
struct postings_writer {
    uint32_t docs[POSTINGS_BLOCK_DOCS], freqs[POSTINGS_BLOCK_DOCS];
    uint8_t norms[POSTINGS_BLOCK_DOCS];
    uint32_t fill;
    struct buf block_positions;            /* u32 each, of the block */
    uint32_t count, block_count, last_doc; /* last_doc: of the block before */
    uint64_t total;
    struct buf skips, blocks, positions;
};

struct terms_writer {
    bool is_open;
    unsigned flags;
    uint32_t term_count, doc_count;
    uint64_t sum_doc_freq, sum_total_term_freq;
    struct buf dictionary; /* the region */
    uint64_t postings_off; /* where the postings' region begins */
    struct buf block_offs, block_bases, first_terms;
    uint32_t block_count;
    struct buf last_term;
    struct buf scratch; /* blocks of the term at hand */
    struct postings_writer postings;
};

/* What the footer says of the ids. */
struct id_regions {
    uint32_t flags; /* SEGMENT_FLAG_ */
    uint64_t off, bytes, group_off, hash_off, slot_count;
};

/* Stored blocks (stored_writer.c). */
struct stored_writer {
    bool is_settled;                  /* whether there is a dictionary */
    struct buf waiting, waiting_ends; /* documents until then, u32 each */
    struct buf raw;                   /* the block being filled: the documents' bytes */
    uint32_t raw_ends[STORED_BLOCK_DOCS_MAX];
    struct buf raw_block; /* lengths and documents, before they are packed */
    uint32_t block_bytes; /* a block ends with the document that reaches this */
    uint32_t block_count, block_first, block_docs;
    struct buf index;
    uint64_t raw_bytes;
    int level;
    void *zstd;       /* ZSTD_CCtx, NULL: nothing is packed */
    void *dictionary; /* ZSTD_CDict of the blocks, NULL: none, or all are written */
    uint64_t dictionary_off;
    uint32_t dictionary_bytes;
};

struct ids_writer {
    bool is_counted, is_streamed;
    struct id_regions regions;
    /* Counted: distinct prefixes in order of arrival, and per document the number of its prefix
     * with its count. */
    struct buf prefixes;
    struct strmap prefix_numbers; /* prefix -> number + 1 */
    size_t last_prefix;
    uint32_t *ranks; /* per prefix: its place among them sorted */
    size_t ranked_count;
    int64_t *values; /* streamed: of the zone that is being filled */
    size_t value_capacity;
    uint32_t zone_fill;
    /* As text. */
    uint32_t text_count;
    uint64_t text_drained;
    struct buf text, groups, last;
    bool do_ascend;
    uint64_t slot_count; /* of the hash */
    uint32_t *slots;
    uint8_t *prints;
};

struct segment_writer {
    struct segment_writer_options options;
    struct err err;   /* first failure */
    struct buf out;   /* not yet drained; all of it when there is no file */
    uint64_t drained; /* bytes in the file */
    struct buf chunk_crcs;
    uint32_t chunk_crc; /* of the chunk being filled */
    uint32_t chunk_fill;
    uint32_t chunk_count;

    uint32_t doc_count;
    struct stored_writer stored;
    struct ids_writer ids;
    int64_t *seq_nos, *versions;
    size_t seq_no_capacity, version_capacity;
    struct template_table templates;
    uint16_t *template_numbers; /* per document */
    size_t template_number_capacity;

    int64_t seq_no_min, seq_no_max;
    struct buf fields; /* footer part */
    uint32_t field_count;
    struct buf field_parts[3]; /* column, terms, norms of the field at hand */
    uint32_t field_id;
    uint8_t field_type, field_part_mask;
    char field_path[FIELD_PATH_BYTES_MAX + 1];
    size_t field_path_bytes;
    const uint8_t *norms; /* the whole field's, when they are at hand */
    bool has_norms;
    struct column_writer column;
    struct terms_writer terms;
};

/* Where the next byte will lie in the file. */
static inline uint64_t segment_writer__off(const struct segment_writer *w)
{
    return w->drained + w->out.n;
}
void segment_writer__drain(struct segment_writer *w, bool all);
void segment_writer__fail(struct segment_writer *w, enum err_code code, const char *what);
void stored_writer__init(struct segment_writer *w);
void stored_writer__deinit(struct stored_writer *stored);
void stored_writer__add(struct segment_writer *w, struct str routing, struct str stored);
void stored_writer__finish(struct segment_writer *w); /* no more documents */
/* Appends the bytes to w->out, packed when the writer packs; returns the codec, STORED_. */
uint8_t stored_writer__pack(struct segment_writer *w, struct str raw);
void ids_writer__init(struct ids_writer *ids);
void ids_writer__deinit(struct ids_writer *ids);
void ids_writer__add(struct segment_writer *w, struct str id); /* of document w->doc_count */
void ids_writer__finish(struct segment_writer *w);
void terms_writer__deinit(struct terms_writer *terms);
void terms_writer__init(struct terms_writer *terms);

#endif
