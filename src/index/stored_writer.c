/* SPDX-License-Identifier: Apache-2.0 */
/* Stored blocks and their dictionary. How: the first STORED_SAMPLE_BYTES of documents wait. Then a
 * dictionary is trained on them (zstd's ZDICT, RFC 8878 section 5), and when small blocks with it
 * pack as well as large blocks without, small blocks it is: a document then costs a quarter of the
 * unpacking. Where little is stored (sources are rebuilt from columns) there is nothing to learn
 * and blocks stay large. */
#include <zdict.h>
#include <zstd.h>

#include "base/bits.h"
#include "base/str.h"
#include "index/segment_writer_int.h"

#define STORED_SAMPLE_BYTES     (256 * KIB)
#define STORED_SAMPLE_BYTES_MAX (2 * STORED_SAMPLE_BYTES) /* a long last document: no training */
/* Below these a dictionary is not worth its room. */
#define STORED_DICTIONARY_DOC_BYTES   16u /* of a document, on average */
#define STORED_DICTIONARY_TOTAL_BYTES MIB /* of the segment, as far as the sample tells */

void stored_writer__init(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    struct buf *bufs[] = {&s->raw, &s->raw_block, &s->index, &s->waiting, &s->waiting_ends};
    for (size_t i = 0; i < ARRAY_COUNT(bufs); i++)
        buf_init(bufs[i], WRITER_BYTES_MAX);
    s->block_bytes = STORED_BLOCK_BYTES;
    s->is_settled = !w->options.is_compressed;
    if (!w->options.is_compressed)
        return;
    s->zstd = ZSTD_createCCtx();
    ASSERT(s->zstd);
    s->level = w->options.zstd_level ? w->options.zstd_level : 1;
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, s->level);
}

void stored_writer__deinit(struct stored_writer *s)
{
    struct buf *bufs[] = {&s->raw, &s->raw_block, &s->index, &s->waiting, &s->waiting_ends};
    for (size_t i = 0; i < ARRAY_COUNT(bufs); i++)
        buf_deinit(bufs[i]);
    (void)ZSTD_freeCCtx(s->zstd);
    (void)ZSTD_freeCDict(s->dictionary);
}

uint8_t stored_writer__pack(struct segment_writer *w, struct str raw)
{
    if (!w->stored.zstd) {
        buf_add_str(&w->out, raw);
        return STORED_RAW;
    }
    size_t bound = ZSTD_compressBound(raw.n);
    char *to = buf_reserve(&w->out, bound);
    size_t n = to ? ZSTD_compress2(w->stored.zstd, to, bound, raw.p, raw.n) : 0;
    if (!to || ZSTD_isError(n))
        segment_writer__fail(w, ERR_INTERNAL, "compression failed");
    else
        buf_added(&w->out, n);
    return w->stored.dictionary ? STORED_ZSTD_DICTIONARY : STORED_ZSTD;
}

/* ---- Blocks ---- */

/* The lengths in planes, before the documents. */
static void planes_write(struct buf *out, const uint32_t *ends, uint32_t docs, unsigned planes)
{
    for (unsigned plane = 0; plane < planes; plane++) {
        for (uint32_t i = 0; i < docs; i++)
            buf_add_u8(out, (uint8_t)((ends[i] - (i ? ends[i - 1] : 0)) >> plane * 8));
    }
}

static unsigned planes_needed(const uint32_t *ends, uint32_t docs)
{
    uint32_t all = 0;
    unsigned planes = 0;
    for (uint32_t i = 0; i < docs; i++)
        all |= ends[i] - (i ? ends[i - 1] : 0);
    for (; all; all >>= 8)
        planes++;
    return planes;
}

static void block_write(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    if (s->block_docs == 0)
        return;
    buf_add_u64_le(&s->index, segment_writer__off(w));
    buf_add_u32_le(&s->index, s->block_first);
    s->block_count++;
    uint8_t head[STORED_BLOCK_HEAD] = {0};
    unsigned planes = planes_needed(s->raw_ends, s->block_docs);
    if (s->raw.n > UINT32_MAX - (uint64_t)s->block_docs * planes)
        segment_writer__fail(w, ERR_TOO_LARGE, "a block of documents is over 4 GiB");
    buf_clear(&s->raw_block);
    planes_write(&s->raw_block, s->raw_ends, s->block_docs, planes);
    buf_add_str(&s->raw_block, buf_str(&s->raw));
    put_u32_le(head, s->block_docs);
    put_u32_le(head + 4, (uint32_t)s->raw_block.n);
    head[9] = (uint8_t)planes;
    uint64_t head_at = w->out.n;
    buf_add(&w->out, head, sizeof(head));
    uint8_t codec = stored_writer__pack(w, buf_str(&s->raw_block));
    if (!w->out.is_over)
        w->out.p[head_at + 8] = (char)codec;
    s->raw_bytes += s->raw.n;
    buf_clear(&s->raw);
    s->block_first += s->block_docs;
    s->block_docs = 0;
    segment_writer__drain(w, false);
}

/* After a document's bytes went into `raw`. */
static void doc_end(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    s->raw_ends[s->block_docs++] = (uint32_t)s->raw.n;
    if (s->raw.n >= s->block_bytes || s->block_docs == STORED_BLOCK_DOCS_MAX)
        block_write(w);
}

/* ---- The dictionary ---- */

static uint32_t waiting_end(const struct stored_writer *s, size_t i)
{
    return get_u32_le((const uint8_t *)s->waiting_ends.p + i * sizeof(uint32_t));
}

/* Cuts what waits into pieces of about `bytes` at ends of documents; returns how many. */
static unsigned waiting_cut(const struct stored_writer *s, size_t bytes, size_t *sizes,
                            unsigned room)
{
    size_t docs = s->waiting_ends.n / sizeof(uint32_t), from = 0;
    unsigned n = 0;
    for (size_t i = 0; i < docs && n < room; i++) {
        uint32_t end = waiting_end(s, i);
        if (end - from >= bytes || i + 1 == docs) {
            sizes[n++] = end - from;
            from = end;
        }
    }
    return n;
}

/* What the pieces come to when each is packed by `zstd`. */
static size_t packed_bytes(ZSTD_CCtx *zstd, const char *p, const size_t *sizes, unsigned n)
{
    struct buf out;
    size_t sum = 0;
    buf_init(&out, WRITER_BYTES_MAX);
    for (unsigned i = 0; i < n; p += sizes[i++]) {
        size_t bound = ZSTD_compressBound(sizes[i]);
        char *to = buf_reserve(&out, bound);
        size_t packed = to ? ZSTD_compress2(zstd, to, bound, p, sizes[i]) : sizes[i];
        sum += ZSTD_isError(packed) ? sizes[i] : packed;
    }
    buf_deinit(&out);
    return sum;
}

static bool is_worth_a_dictionary(const struct segment_writer *w)
{
    const struct stored_writer *s = &w->stored;
    uint64_t docs = s->waiting_ends.n / sizeof(uint32_t);
    return s->waiting.n >= STORED_SAMPLE_BYTES && s->waiting.n <= STORED_SAMPLE_BYTES_MAX &&
           s->waiting.n >= docs * STORED_DICTIONARY_DOC_BYTES &&
           s->waiting.n / docs * w->options.doc_count >= STORED_DICTIONARY_TOTAL_BYTES;
}

/* Trains on what waits. Keeps the dictionary when small blocks with it pack as well as large ones
 * without. */
static void dictionary_try(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    enum { PIECES = STORED_SAMPLE_BYTES / STORED_SMALL_BLOCK_BYTES + 1 };
    size_t small[PIECES], large[PIECES];
    char dictionary[STORED_DICTIONARY_BYTES_MAX];
    unsigned small_n = waiting_cut(s, STORED_SMALL_BLOCK_BYTES, small, PIECES),
             large_n = waiting_cut(s, STORED_BLOCK_BYTES, large, PIECES);
    size_t n = ZDICT_trainFromBuffer(dictionary, sizeof(dictionary), s->waiting.p, small, small_n);
    if (ZDICT_isError(n)) /* too little in common */
        return;
    size_t large_bytes = packed_bytes(s->zstd, s->waiting.p, large, large_n);
    s->dictionary = ZSTD_createCDict(dictionary, n, s->level);
    ASSERT(s->dictionary);
    (void)ZSTD_CCtx_refCDict(s->zstd, s->dictionary);
    if (packed_bytes(s->zstd, s->waiting.p, small, small_n) > large_bytes) {
        (void)ZSTD_CCtx_refCDict(s->zstd, NULL);
        (void)ZSTD_freeCDict(s->dictionary);
        s->dictionary = NULL;
        return;
    }
    s->block_bytes = STORED_SMALL_BLOCK_BYTES;
    s->dictionary_off = segment_writer__off(w);
    s->dictionary_bytes = (uint32_t)n;
    buf_add(&w->out, dictionary, n);
}

/* Enough waited, or no more comes. */
static void settle(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    size_t docs = s->waiting_ends.n / sizeof(uint32_t);
    if (is_worth_a_dictionary(w))
        dictionary_try(w);
    s->is_settled = true;
    for (size_t i = 0, from = 0; i < docs; i++) {
        uint32_t end = waiting_end(s, i);
        buf_add(&s->raw, s->waiting.p + from, end - from);
        from = end;
        doc_end(w);
    }
    buf_deinit(&s->waiting);
    buf_deinit(&s->waiting_ends);
}

/* ---- Public ---- */

void stored_writer__add(struct segment_writer *w, struct str routing, struct str stored)
{
    struct stored_writer *s = &w->stored;
    struct buf *to = s->is_settled ? &s->raw : &s->waiting;
    buf_add_varint(to, routing.n);
    buf_add_str(to, routing);
    buf_add_str(to, stored);
    if (s->is_settled) {
        doc_end(w);
        return;
    }
    buf_add_u32_le(&s->waiting_ends, (uint32_t)s->waiting.n);
    if (s->waiting.n >= STORED_SAMPLE_BYTES)
        settle(w);
}

void stored_writer__finish(struct segment_writer *w)
{
    struct stored_writer *s = &w->stored;
    if (!s->is_settled)
        settle(w);
    block_write(w);
    buf_add_u64_le(&s->index, segment_writer__off(w));
    if (s->dictionary) { /* what is packed from now on has nothing of the documents */
        (void)ZSTD_CCtx_refCDict(s->zstd, NULL);
        (void)ZSTD_freeCDict(s->dictionary);
        s->dictionary = NULL;
    }
}
