/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer.h: makes the bytes of one segment (format.h), in memory or straight into a file.
 *
 *   segment_writer_new → per document in order: _doc → per field in any order: _norms, then
 * _terms_begin, _term … in byte order, _terms_end, and _column → _finish (memory) or _finish_file →
 * _free
 *
 * A field's parts are added between _field_begin and _field_end. Not thread-safe. Errors latch and
 * come out of _finish.
 *
 * Sealing has everything in arrays and calls those. A merge, whose arrays would be as long as its
 * result, streams: per document in order _stored; then the ids (_id_prefix …, _ids_begin, _id …,
 * _ids_end) and the system columns like any field's; a column zone by zone, norms in pieces, the
 * postings of a term by and by. What is then in memory: a zone, the postings of one term, one
 * field's dictionary, and for ids as text 7.5 bytes a document (their hash). */
#ifndef NARU_INDEX_SEGMENT_WRITER_H
#define NARU_INDEX_SEGMENT_WRITER_H

#include "base/base.h"
#include "base/err.h"
#include "index/segment.h"
#include "os/vfs.h"

struct segment_writer;

struct segment_writer_options {
    struct vfs_file *file; /* borrowed; NULL: the bytes stay in memory */
    bool is_compressed;    /* stored source by zstd */
    int zstd_level;        /* 0: 1 */
    uint32_t doc_count;    /* how many documents will be added */
};

struct segment_writer *segment_writer_new(const struct segment_writer_options *options);
void segment_writer_free(struct segment_writer *writer);
DEFINE_CLEANUP(segment_writer_free, struct segment_writer)

/* The number that this segment gives an encoded template (template.h), 0: it has no room for it. */
uint32_t segment_writer_template(struct segment_writer *writer, struct str encoded);
struct segment_doc {
    struct str id, routing;
    uint32_t template_number; /* of segment_writer_template; 0: `stored` is the source */
    struct str stored;        /* what the template's stored holes hold (format.h) */
    int64_t seq_no, version;
};
void segment_writer_doc(struct segment_writer *writer, const struct segment_doc *doc);

/* The same in parts. First every document's stored part; the columns _seq_no and _version and, when
 * segment_writer_template_count is not 0, _template are the caller's to write. */
void segment_writer_stored(struct segment_writer *writer, struct str routing, struct str stored);
uint32_t segment_writer_template_count(const struct segment_writer *writer);
/* Of ids that are counted (ids.h): all prefixes that may come. False: there are too many. */
bool segment_writer_id_prefix(struct segment_writer *writer, struct str prefix);
/* `may_count`: every id is counted, and its prefix was told. */
void segment_writer_ids_begin(struct segment_writer *writer, bool may_count);
void segment_writer_id(struct segment_writer *writer, struct str id);
void segment_writer_ids_end(struct segment_writer *writer);

void segment_writer_field_begin(struct segment_writer *writer, uint32_t field_id,
                                enum field_type type, struct str path);
void segment_writer_field_end(struct segment_writer *writer);

/* One byte per document; borrowed until the field ends (block-max needs them). */
void segment_writer_norms(struct segment_writer *writer, const uint8_t *norms);
/* The same in pieces: _begin, then all of them by _add. The terms' documents then bring theirs. */
void segment_writer_norms_begin(struct segment_writer *writer);
void segment_writer_norms_add(struct segment_writer *writer, const uint8_t *norms, size_t count);
/* `flags`: TERMS_FLAG_. */
void segment_writer_terms_begin(struct segment_writer *writer, unsigned flags);
struct term_postings {
    const uint32_t *docs;  /* ascending */
    const uint32_t *freqs; /* with TERMS_FLAG_FREQS */
    const uint32_t
        *positions; /* with TERMS_FLAG_POSITIONS: sum of freqs, ascending within a document */
    uint32_t count;
};
void segment_writer_term(struct segment_writer *writer, struct str term,
                         const struct term_postings *postings);
/* The same by and by: documents with what term_postings has of them, and their norms (NULL: the
 * field has none); then the term. Without a document it is not written, and 0 comes back; else how
 * many there were. A term of a dictionary without postings: only _term. */
void segment_writer_term_docs(struct segment_writer *writer, const struct term_postings *postings,
                              const uint8_t *norms);
uint32_t segment_writer_term_end(struct segment_writer *writer, struct str term);
/* `doc_count`: documents that have the field. No term at all: the field has no dictionary. */
void segment_writer_terms_end(struct segment_writer *writer, uint32_t doc_count);

struct column_input {
    enum column_kind kind;
    const uint32_t *docs;  /* ascending, a document repeats for each of its values; NULL: value i is
                              document i's only one */
    const int64_t *values; /* integers, bits of doubles, ordinals; ascending within a document */
    size_t count;
};
void segment_writer_column(struct segment_writer *writer, const struct column_input *input);
/* The same zone by zone: the values of the next ZONE_DOCS documents, possibly none (docs NULL: each
 * of them has one). A column that got no value at all is not written. */
void segment_writer_column_begin(struct segment_writer *writer, enum column_kind kind);
void segment_writer_column_zone(struct segment_writer *writer, const uint32_t *docs,
                                const int64_t *values, size_t count);
void segment_writer_column_end(struct segment_writer *writer);

/* The bytes, owned by the caller (mem_free). */
int segment_writer_finish(struct segment_writer *writer, void **ret_bytes, size_t *ret_size,
                          struct err *err) WARN_UNUSED;
/* Writes what is left into the file and syncs it. */
int segment_writer_finish_file(struct segment_writer *writer, uint64_t *ret_size,
                               struct err *err) WARN_UNUSED;

#endif
