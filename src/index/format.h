/* SPDX-License-Identifier: Apache-2.0 */
/* format.h: the bytes of a segment file. All integers are little-endian and are read without
 * alignment.
 *
 *   offset             content
 *   0                  head: magic "NARUSEG1"
 *   8                  body: regions in the order they were written (stored blocks, ids, columns,
 * dictionaries, postings, positions, norms); found through the footer only footer_off footer:
 * everything a reader needs to find its way (below); one ranged read with the tail size - 32 tail:
 * u64 footer_off · u32 footer_bytes · u32 CRC-32C of the footer · u32 version · u32 CRC-32C of the
 * tail's first 20 bytes · magic "NARUSEGF"
 *
 * Checksums: the body [0, footer_off) is cut into chunks of SEGMENT_CHUNK_BYTES; the footer holds
 * one CRC-32C per chunk. A chunk is verified when it is first touched, the footer and the tail when
 * the file is opened. So every byte of a file is covered, and opening costs nothing but the footer.
 *
 * Footer, in this order (u8 u16 u32 u64; "off" in the footer = from the footer's first byte, else
 * in the file): u32 doc_count · u32 flags (SEGMENT_FLAG_) · u64 seq_no_min · u64 seq_no_max (int64
 * bits) u32 chunk_count · u32 chunk crc × chunk_count u64 raw source bytes · u32 stored block count
 * · per block: u64 file off · u32 first doc; then u64 end off u64 stored dictionary off ·
 * u32 bytes (0: none) · u64 templates off · u32 bytes ·
 * u32 raw bytes · u32 count · u8 codec (STORED_); u64 id region off · u64 id region bytes · u64 id
 * group table off · u64 id hash off · u64 id hash slot count (0: ids ascend) u32 field count · per
 * field: u32 field id · u8 field type · u8 parts (FIELD_PART_) · u16 path bytes · path column:   u8
 * kind · u8 flags (COLUMN_FLAG_) · u32 doc_count · u64 value_count · zone entry over all
 * (ZONE_ENTRY_BYTES) · u32 zone count · zone entries terms:    u8 flags (TERMS_FLAG_) · u32 term
 * count · u32 doc_count · u64 sum_doc_freq · u64 sum_total_term_freq · u64 dictionary region off ·
 * u64 bytes · u64 postings region off · u64 bytes · u32 block count
 * · u32 first-term bytes · per block: u32 off in the dictionary region · u32 off in the first
 * terms; then u32 × 2 end offsets · u64 per block: where its terms begin in the postings region ·
 * the first terms norms:    u64 region off (one byte per document)
 *
 * Zone entry: one per ZONE_DOCS documents.
 *   0  u64 data off in the file · 8 u32 data bytes · 12 u32 value count · 16 u16 documents with a
 * value, minus one 18 u8 presence (ZONE_PRESENCE_) · 19 u8 is multi-valued · 20 u32 zero · 24 u64
 * min · 32 u64 max · 40 u64 sum (f64 bits) Zone data: [512 bytes presence bitmap] · [multi: value
 * blocks holding the end position of each present document's values] · value blocks.
 *
 * Value block: up to VALUE_BLOCK_VALUES integers.
 *   0 u8 codec (VALUE_CODEC_) · 1 u8 bit width · 2 u8 decimal exponent or DECIMAL_NONE · 3 u8 zero
 * · 4 u16 values - 1 6 u16 data bytes / 8 · 8 i64 base · 16 u64 gcd · 24 data (multiple of 8 bytes)
 *   CONST: value = base. FOR: value = base + gcd * packed. DELTA: u64 checkpoint per DELTA_STEP
 * values, then packed deltas: value = previous + base + gcd * packed. RAW: u64 each. Bit i of the
 * packed stream is bit i % 8 of byte i / 8. Doubles: decimal exponent e < DECIMAL_NONE: value =
 * integer / 10^e, exact; DECIMAL_NONE: the integer is the bits.
 *
 * Dictionary block: DICT_BLOCK_TERMS terms: varint shared prefix bytes · varint rest bytes · rest ·
 * varint doc_freq · [freqs: varint total_term_freq - doc_freq] · [postings: doc_freq 1: varint doc;
 * else varint bytes of its postings] · [positions: varint bytes of its positions] In the postings
 * region lie a term's postings (doc_freq 1: none), then its positions, then the next term's; the
 * block's first at the block's base.
 *
 * Postings of a term with doc_freq > 1: blocks of POSTINGS_BLOCK_DOCS. More than one block: first
 * the skip table, per block SKIP_ENTRY_BYTES: u32 last doc · u32 off of the block behind the table
 * · u32 off of its positions · IMPACT_PAIRS × (u8 freq, 255: that or more · u8 norm byte), falling
 * in both: each document has at most the freq and at least the norm byte of some pair. Block: u8
 * width of doc deltas or DOCS_BITSET · u8 width of freqs · u16 bitset bytes · data: deltas - 1 from
 * the document before (first block: from -1), or a bitset from the first document (u32 first before
 * it) · freqs - 1. Each packed run is a whole number of bytes. Positions: per postings block: u8
 * width · packed: within a document the first position, then deltas.
 *
 * Ids are counted (SEGMENT_FLAG_COUNTED_IDS) when each has COUNTED_ID_BYTES, the last four being
 * digits of 6 bits (ids.h), and their first COUNTED_ID_PREFIX_BYTES are few different ones: the id
 * region is the table of those prefixes, sorted, and the column FIELD_ID_COUNTED_ID holds per
 * document the prefix's number << COUNTED_ID_COUNT_BITS | the value of the digits. Else they are
 * text: Ids as text: groups of ID_GROUP_DOCS: per id: u8 shared prefix bytes · varint rest bytes ·
 * rest (the group's first shares 0). Group table: u32 off in the id region per group. Hash: slots
 * of u32 doc
 * + 1 (0: empty), then one fingerprint byte per slot; slot = hash >> 32 scaled to the slot count,
 * linear probing. Without a hash the ids ascend bytewise: binary search.
 *
 * Stored block: u32 documents · u32 raw bytes · u8 codec (STORED_) · u8 planes · 2 zero · data;
 * raw: the documents' lengths, plane by plane: the lowest byte of each, then the second of each …
 * (as many planes as the longest needs); then per document: varint routing bytes · routing · what
 * is stored. Planes, because bytes of one weight resemble each other: the lengths pack to a fifth.
 * STORED_ZSTD_DICTIONARY blocks are packed with the segment's
 * stored dictionary (RFC 8878 section 5), which lies before the first block. What is stored of a
 * document of template 0: its source. Of another: the raw JSON of its
 * template's stored holes, a NUL byte between each two (JSON has none).
 *
 * Templates (template.h): TEMPLATES_MAX at most, numbered from 1; FIELD_ID_TEMPLATE is the column
 * of the documents' numbers (no templates: no column, all are 0). The region, packed as a stored
 * block is: per template: varint holes · per hole: u8 kind (HOLE_) · varint literal bytes before it
 * · [not stored: varint field id · varint param] · varint tail bytes · literals before each hole
 * and tail. A field id occurs at most once in a template. Params: INTEGER: decimal digits that the
 * column's integer has more than the text (they are zeros). DECIMAL: HOLE_DECIMAL_. TIME:
 * HOLE_TIME_, with the zone's minutes + HOLE_TIME_ZONE_BIAS from bit HOLE_TIME_ZONE_SHIFT on.
 * Others: 0. */
#ifndef NARU_INDEX_FORMAT_H
#define NARU_INDEX_FORMAT_H

#include "base/base.h"

#define SEGMENT_MAGIC_HEAD  "NARUSEG1"
#define SEGMENT_MAGIC_TAIL  "NARUSEGF"
#define SEGMENT_MAGIC_BYTES 8u
#define SEGMENT_TAIL_BYTES  32u
#define SEGMENT_VERSION     4u
#define SEGMENT_CHUNK_BYTES 32768u
/* Readers load eight bytes at a time: behind the last region lies this much padding, before the
 * footer. */
#define SEGMENT_PAD_BYTES 16u
#define SEGMENT_DOCS_MAX  UINT32_C(0x7FFFFFFF)

#define SEGMENT_FLAG_COUNTED_IDS 1u
#define SEGMENT_FLAGS_KNOWN      SEGMENT_FLAG_COUNTED_IDS
enum { FIELD_PART_COLUMN = 1, FIELD_PART_TERMS = 2, FIELD_PART_NORMS = 4 };
enum { COLUMN_FLAG_MULTI = 1, COLUMN_FLAG_DENSE = 2, COLUMN_FLAG_SORTED = 4 };
enum { TERMS_FLAG_POSTINGS = 1, TERMS_FLAG_FREQS = 2, TERMS_FLAG_POSITIONS = 4 };
enum { ZONE_PRESENCE_NONE = 0, ZONE_PRESENCE_ALL = 1, ZONE_PRESENCE_BITMAP = 2 };
enum { VALUE_CODEC_CONST = 0, VALUE_CODEC_FOR = 1, VALUE_CODEC_DELTA = 2, VALUE_CODEC_RAW = 3 };
enum { STORED_RAW = 0, STORED_ZSTD = 1, STORED_ZSTD_DICTIONARY = 2 };
/* What fills a hole of a template. Numbers and printed forms are for ever. */
enum {
    HOLE_STORED = 0,
    HOLE_TERM = 1,     /* the term's bytes */
    HOLE_IP = 2,       /* the address in its shortest usual form */
    HOLE_INTEGER = 3,  /* canonical */
    HOLE_UNSIGNED = 4, /* of an unsigned_long */
    HOLE_BOOLEAN = 5,  /* true, false */
    HOLE_DECIMAL = 6,  /* the shortest, without exponent */
    HOLE_TIME = 7,     /* YYYY-MM-DD[Thh:mm:ss[.fraction]] */
    HOLE_KIND_COUNT = 8
};
#define HOLE_DECIMAL_POINT   1u  /* "1.0", not "1" */
#define HOLE_DECIMAL_FLOAT   2u  /* shortest as a float */
#define HOLE_TIME_DIGITS     15u /* of the fraction; 0: no point either */
#define HOLE_TIME_BLANK      16u /* between day and hour, not T */
#define HOLE_TIME_NANOS      32u /* the column has nanoseconds, not milliseconds */
#define HOLE_TIME_DATE_ONLY  64u
#define HOLE_TIME_ZONE_SHIFT 8
#define HOLE_TIME_ZONE_BIAS  2048

#define ZONE_ENTRY_BYTES     48u
#define ZONE_BITMAP_BYTES    512u
#define VALUE_BLOCK_VALUES   1024u
#define VALUE_BLOCK_HEAD     24u
#define DELTA_STEP           128u
#define DECIMAL_NONE         255u
#define DECIMAL_EXPONENT_MAX 6u
#define DICT_BLOCK_TERMS     32u
#define FIELD_PATH_BYTES_MAX 65535u /* u16 in the footer */
#define POSTINGS_BLOCK_DOCS  128u
#define SKIP_ENTRY_BYTES     20u
#define SKIP_IMPACTS_OFF     12u
#define IMPACT_PAIRS         4u
#define IMPACT_BYTES         (2 * IMPACT_PAIRS)
#define IMPACT_FREQ_MAX      255u /* that or more */
#define DOCS_BITSET          255u
#define ID_GROUP_DOCS        16u
/* Ids that are counted: 15 bytes in base 64, of which the last three count. */
#define COUNTED_ID_BYTES           20u
#define COUNTED_ID_PREFIX_BYTES    16u
#define COUNTED_ID_COUNT_BITS      24u
#define COUNTED_ID_PREFIXES_MAX    65536u
#define COUNTED_ID_DOCS_PER_PREFIX 8u /* on average, at least; else text is as small */
#define ID_BYTES_MAX               512u
#define STORED_BLOCK_BYTES         16384u
/* Of a block that is packed with a dictionary. */
#define STORED_SMALL_BLOCK_BYTES    4096u
#define STORED_DICTIONARY_BYTES_MAX 16384u
#define STORED_BLOCK_HEAD           12u
#define STORED_BLOCK_DOCS_MAX       4096u /* of short documents: unpacking one unpacks them all */
#define STORED_PLANES_MAX           4u
/* Of a segment. Documents beyond are stored whole. */
#define TEMPLATES_MAX       1024u
#define TEMPLATES_BYTES_MAX MIB /* all together */
#define TEMPLATE_HOLES_MAX  1024u
/* A block ends with the document that fills it, and a document fits into a frame of the log. */
#define STORED_RAW_BYTES_MAX (WAL_FRAME_BYTES_MAX + MIB)
#define TERM_BYTES_MAX       32766u /* Lucene's limit for one term */

/* System columns stand in the field list under ids that no mapping gives out. */
#define FIELD_ID_SEQ_NO     UINT32_C(0xFFFFFFF0)
#define FIELD_ID_VERSION    UINT32_C(0xFFFFFFF1)
#define FIELD_ID_COUNTED_ID UINT32_C(0xFFFFFFF2)
#define FIELD_ID_TEMPLATE   UINT32_C(0xFFFFFFF3)

_Static_assert(ZONE_BITMAP_BYTES * 8 == 4096, "a zone's bitmap has a bit per document");
_Static_assert(VALUE_BLOCK_VALUES % DELTA_STEP == 0, "checkpoints divide a block");
_Static_assert(SEGMENT_CHUNK_BYTES % 4096 == 0, "chunks are whole pages");
_Static_assert(VALUE_BLOCK_VALUES * 8 / 8 <= UINT16_MAX, "a raw block's size fits its u16");
_Static_assert(ZONE_BITMAP_BYTES % 8 == 0, "bitmaps are whole words");

/* Write-ahead log. File: wal/<first sequence, 16 hex digits>.log
 *   head (32 bytes): magic "NARUWAL1" · u32 version · u32 zero · u64 first sequence · u32 zero ·
 * u32 CRC-32C of the 28 bytes frames, each WAL_FRAME_HEAD bytes and a payload: 0 u32 payload bytes
 * · 4 u32 CRC-32C of the payload · 8 u64 sequence (previous + 1) · 16 u64 synced: every frame up to
 *     this sequence was on disk when this one was written · 24 u64 index id · 32 u8 kind · 33 u8 ×
 * 3 zero · 36 u32 records · 40 u32 zero · 44 u32 CRC-32C of bytes 0..43 Validity: the first frame
 * that is cut short, has a bad CRC or an unexpected sequence ends the log; it must be in the last
 * file, and no later frame may claim in `synced` that it was on disk: then it is damage, not a torn
 * tail. */
#define WAL_MAGIC           "NARUWAL1"
#define WAL_VERSION         1u
#define WAL_FILE_HEAD       32u
#define WAL_FRAME_HEAD      48u
#define WAL_FRAME_BYTES_MAX (256 * MIB)

/* Frame kinds. DOCS record: u8 op (enum wal_doc_op) · u8 flags · varint id bytes · id · varint
 * seq_no · varint version · [flag ROUTING: varint bytes · routing] · [INDEX: varint source bytes ·
 * source]. MAPPING: the mapping as JSON (mapping.h). */
enum wal_kind { WAL_DOCS = 1, WAL_MAPPING = 2, WAL_NEW_INDEX = 3 };
enum wal_doc_op { WAL_DOC_INDEX = 1, WAL_DOC_DELETE = 2 };
enum { WAL_DOC_FLAG_AUTO_ID = 1, WAL_DOC_FLAG_ROUTING = 2 };

/* Manifest: indices/<uuid>/manifest: magic "NARUMAN1" · u32 version · u32 JSON bytes · u32 CRC-32C
 * of the JSON · u32 CRC-32C of the identity · u32 CRC-32C of the 24 bytes before · JSON
 * (manifest.c). Written whole by rename. The identity is the name, NUL, the uuid, NUL, u64 id: with
 * its own checksum a damaged manifest can mostly still say whose it is. */
#define MANIFEST_MAGIC   "NARUMAN1"
#define MANIFEST_VERSION 2u
#define MANIFEST_HEAD    28u
/* Live documents: indices/<uuid>/<segment>.<generation>.live: magic "NARULIV1" · u32 document count
 * · u32 live count · u32 CRC-32C of the words · u32 CRC-32C of the 20 bytes before · u64 words. */
#define LIVE_MAGIC "NARULIV1"
#define LIVE_HEAD  24u

#endif
