/* SPDX-License-Identifier: Apache-2.0 */
/* segment_int.h: an open segment as its readers see it. Made by segment_open_bytes or
 * segment_open_file, immutable then except for the bits that say which chunks have been verified
 * and the first damage that was met. */
#ifndef NARU_INDEX_SEGMENT_INT_H
#define NARU_INDEX_SEGMENT_INT_H

#include "base/bits.h"
#include "index/format.h"
#include "index/segment.h"
#include "index/template.h"
#include "os/vfs.h"

struct filter_cache;
struct filter_entry;
struct term_text;

struct column {
    struct segment *seg;
    uint8_t kind, flags;
    uint32_t doc_count, zone_count;
    uint64_t value_count;
    const uint8_t *total; /* zone entry over all */
    const uint8_t *zones;
    const struct terms *terms; /* dictionary of ordinals */
};

struct terms {
    struct segment *seg;
    uint8_t flags;
    uint32_t term_count, doc_count, block_count;
    uint64_t sum_doc_freq, sum_total_term_freq;
    uint64_t dictionary_off, dictionary_bytes, postings_off, postings_bytes;
    const uint8_t *blocks; /* block_count + 1 pairs */
    const uint8_t *bases;
    const char *first_terms;
    uint32_t first_terms_bytes;
};

struct segment_field {
    uint32_t id;
    uint8_t type, parts;
    struct str path;
    struct column column;
    struct terms terms;
    uint64_t norms_off;
};

/* One stored block, unpacked (stored.c). */
struct stored_cache {
    uint32_t block;
    const char *records; /* behind the ends, in this same allocation */
    uint32_t ends[];     /* per document, in `records` */
};

/* The templates, unpacked when the first source is asked for (stored.c). */
struct segment_templates {
    struct arena *mem;
    struct source_template *items; /* number - 1 */
};

struct segment {
    uint32_t refs;
    struct vfs *fs; /* map's owner; NULL: bytes are on the heap */
    const uint8_t *bytes;
    uint64_t size, body_bytes;
    char name[64]; /* for messages */
    uint32_t doc_count, flags;
    int64_t seq_no_min, seq_no_max;
    uint64_t *verified; /* bit per chunk; atomic words */
    const uint8_t *chunk_crcs;
    uint32_t chunk_count;
    uint64_t raw_bytes;
    const uint8_t *stored_index;
    uint32_t stored_block_count;
    uint64_t id_off, id_bytes, id_group_off, id_hash_off, id_slot_count;
    struct segment_field *fields;
    uint32_t field_count;
    uint32_t *field_by_id; /* field id -> position + 1 */
    uint32_t field_id_limit;
    struct column *seq_nos, *versions;
    struct column *counted_ids;      /* NULL: ids are text */
    struct column *template_numbers; /* NULL: there are none, sources are stored whole */
    uint64_t templates_off;
    uint32_t templates_bytes, templates_raw_bytes, template_count;
    uint8_t templates_codec;
    struct segment_templates *templates; /* atomic: set once */
    uint64_t dictionary_off;             /* of stored blocks */
    uint32_t dictionary_bytes;           /* 0: none */
    void *dictionary;                    /* ZSTD_DDict; atomic: set once */
    struct stored_cache *cache;          /* atomic: taken by exchange */
    struct term_text **texts;            /* atomic: set once, and each place too (term_texts.c) */
    /* Of searches (filter_cache.c): the cache, once it has entries of this segment, and these. */
    struct filter_cache *filter_cache; /* atomic */
    struct filter_entry *filters;      /* guarded by the cache's lock */
    uint32_t damage;                   /* 0 none, 1 being written, 2 `failure` is there; atomic */
    struct err failure;
    int64_t scrubbed_ns; /* scrub.c's, guarded by index.mu: when it was last begun */
    bool is_scrub_known; /* scrubbed_ns is set; guarded by index.mu */
};

/* Takes the heap bytes over, also on failure. */
int segment_open_bytes(void *bytes, size_t size, const char *name, struct segment **ret_seg,
                       struct err *err) WARN_UNUSED;
int segment_open_file(struct vfs *fs, struct str path, struct segment **ret_seg,
                      struct err *err) WARN_UNUSED;
struct segment *segment_ref(struct segment *seg);
void segment_unref(struct segment *seg);
DEFINE_CLEANUP(segment_unref, struct segment)
static inline bool segment_is_file(const struct segment *seg)
{
    return seg->fs != NULL;
}
/* Damage was met. Without asking the disk, unlike segment_failure. */
static inline bool segment__is_damaged(const struct segment *seg)
{
    return __atomic_load_n(&seg->damage, __ATOMIC_ACQUIRE) != 0;
}
/* Reads everything: all chunks, ids against their hash, columns' zones, every posting. -ERR_CORRUPT
 * names what is wrong. */
int segment_verify_all(struct segment *seg, struct err *err) WARN_UNUSED;
/* id of the document, at most ID_BYTES_MAX bytes; 0 on damage. */
size_t segment__id_read(struct segment *seg, uint32_t doc, struct doc_reader *reader, char *id);
/* Documents [first, first + n) of a column with single values: doubles as their bits, ordinals
 * unchecked. exists: BITSET_WORDS(n). */
void column__read_window(const struct column *column, uint32_t first, uint32_t n, int64_t *values,
                         uint64_t *exists);
/* source and routing; strings in mem */
int segment_stored(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_source,
                   struct str *ret_routing, struct err *err) WARN_UNUSED;

/* A document as it is stored. */
struct stored_doc {
    struct str routing, bytes;                     /* in mem */
    uint32_t template_number;                      /* 0: `bytes` is the source */
    const struct source_template *source_template; /* NULL then */
};
int segment__stored_read(struct segment *seg, uint32_t doc, struct arena *mem,
                         struct stored_doc *ret_stored, struct err *err) WARN_UNUSED;
void segment__templates_free(struct segment_templates *templates);
void segment__dictionary_free(void *dictionary);

bool segment__verify_slow(struct segment *seg, uint64_t off, uint64_t n);
/* The bytes [off, off + n) of the body once their chunks are known to be good; NULL on damage. */
static inline const uint8_t *segment__at(const struct segment *seg, uint64_t off, uint64_t n)
{
    struct segment *s = (struct segment *)(uintptr_t)seg;
    if (UNLIKELY(n > seg->body_bytes || off > seg->body_bytes - n))
        return segment__verify_slow(s, off, n) ? seg->bytes + off : NULL;
    uint64_t first = off / SEGMENT_CHUNK_BYTES,
             last = n ? (off + n - 1) / SEGMENT_CHUNK_BYTES : first;
    for (uint64_t c = first; c <= last; c++) {
        if (UNLIKELY(
                !((__atomic_load_n(&seg->verified[c >> 6], __ATOMIC_RELAXED) >> (c & 63)) & 1)))
            return segment__verify_slow(s, off, n) ? seg->bytes + off : NULL;
    }
    return seg->bytes + off;
}
static inline uint32_t segment__stored_first(const struct segment *seg, uint32_t block)
{
    return block == seg->stored_block_count
               ? seg->doc_count
               : get_u32_le(seg->stored_index + (size_t)block * 12 + 8);
}
void segment__damaged(const struct segment *seg, const char *what, uint64_t off);
/* Gives mapped pages back; who reads them again maps them again. Any thread, any time. */
static inline void segment__release(const struct segment *seg)
{
    if (seg->fs)
        vfs_map_release(seg->fs, seg->bytes, seg->size);
}
const struct segment_field *segment__field(const struct segment *seg, uint32_t id);

/* ---- Dictionary (terms.c) ---- */
struct term_entry {
    uint32_t ordinal;
    uint32_t doc_freq;
    uint64_t total_term_freq;
    uint32_t single_doc;                   /* doc_freq 1 */
    uint64_t postings_off, postings_bytes; /* in the region */
    uint64_t positions_off, positions_bytes;
};
/* Walks a dictionary from any block on. */
struct term_cursor {
    const struct terms *terms;
    const uint8_t *p, *end;
    uint64_t postings_off;
    uint32_t next_ordinal;
    size_t term_bytes;
    char term[TERM_BYTES_MAX + 2];
    struct term_entry entry;
};
bool term_cursor_block(struct term_cursor *cursor, const struct terms *terms,
                       uint32_t block); /* before its first term */
bool term_cursor_next(struct term_cursor *cursor);
bool term_cursor_ordinal(struct term_cursor *cursor, const struct terms *terms, uint32_t ordinal);
/* At the first term >= text. False: none. */
bool term_cursor_seek(struct term_cursor *cursor, const struct terms *terms, struct str text);
/* ---- Texts of ordinals (term_texts.c) ---- */
#define TERM_ROOM_BYTES (TERM_BYTES_MAX + 16u)
/* In `room` (TERM_ROOM_BYTES), or kept as long as the segment. p == NULL: damage, or none such. */
struct str terms__text(const struct terms *terms, uint32_t ordinal, char *room);
void segment__texts_free(struct segment *seg);

struct postings *postings__open(struct segment *seg, const struct terms *terms,
                                const struct term_entry *entry, const uint8_t *norms,
                                unsigned flags, struct arena *mem);
/* Positions of all documents of the block at hand, which postings_block must have given from its
 * first document on: those of document i are [begins[i], begins[i + 1]). NULL: damage. */
const uint32_t *postings__block_positions(struct postings *p, const uint32_t **ret_begins);
/* Sets the bits of all of a term's documents. */
void postings__add_docs(struct segment *seg, const struct terms *terms,
                        const struct term_entry *entry, uint64_t *bits);

#endif
