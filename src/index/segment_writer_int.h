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

struct terms_writer {
    bool is_open;
    unsigned flags;
    uint32_t term_count, doc_count;
    uint64_t sum_doc_freq, sum_total_term_freq;
    struct buf dictionary, postings, positions; /* regions */
    struct buf block_offs, block_bases, first_terms;
    uint32_t block_count;
    struct buf last_term;
    struct buf scratch; /* blocks of the term at hand */
};

struct ids_writer {
    bool is_counted;
    /* Counted: distinct prefixes in order of arrival, and per document the number of its prefix
     * with its count. */
    struct buf prefixes;
    struct strmap prefix_numbers; /* prefix -> number + 1 */
    size_t last_prefix;
    int64_t *values;
    /* As text. */
    struct buf text, groups, last;
    bool do_ascend;
    uint64_t *hashes;
    size_t value_capacity, hash_capacity;
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

    struct buf fields; /* footer part */
    uint32_t field_count;
    struct buf field_parts[3]; /* column, terms, norms of the field at hand */
    uint32_t field_id;
    uint8_t field_type, field_part_mask;
    char field_path[65536];
    size_t field_path_bytes;
    const uint8_t *norms;
    struct terms_writer terms;
};

/* Where the next byte will lie in the file. */
static inline uint64_t segment_writer__off(const struct segment_writer *w)
{
    return w->drained + w->out.n;
}
void segment_writer__drain(struct segment_writer *w, bool all);
void segment_writer__fail(struct segment_writer *w, enum err_code code, const char *what);
void segment_writer__system_column(struct segment_writer *w, uint32_t field_id, struct str path,
                                   const int64_t *values);
void stored_writer__init(struct segment_writer *w);
void stored_writer__deinit(struct stored_writer *stored);
void stored_writer__add(struct segment_writer *w, struct str routing, struct str stored);
void stored_writer__finish(struct segment_writer *w); /* no more documents */
/* Appends the bytes to w->out, packed when the writer packs; returns the codec, STORED_. */
uint8_t stored_writer__pack(struct segment_writer *w, struct str raw);
void ids_writer__init(struct ids_writer *ids);
void ids_writer__deinit(struct ids_writer *ids);
void ids_writer__add(struct segment_writer *w, struct str id); /* of document w->doc_count */
void ids_writer__finish(struct segment_writer *w, struct id_regions *ret_regions);
void terms_writer__deinit(struct terms_writer *terms);
void terms_writer__init(struct terms_writer *terms);

#endif
