/* SPDX-License-Identifier: Apache-2.0 */
/* A document's source: its template (template.h) filled from the columns and from what is stored.
 * The stored block of a document is unpacked whole, its lengths are added up to ends, and it stays
 * with the segment for whoever reads the next document. */
#include <zstd.h>

#include "base/arena.h"
#include "base/str.h"
#include "index/doc_reader.h"
#include "index/ip.h"
#include "index/segment_int.h"

static uint32_t block_of(const struct segment *seg, uint32_t doc)
{
    uint32_t low = 0, high = seg->stored_block_count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (segment__stored_first(seg, mid) <= doc)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static uint64_t block_off(const struct segment *seg, uint32_t block)
{
    return get_u64_le(seg->stored_index + (size_t)block * 12);
}

static int stored_bad(struct segment *seg, uint64_t off, struct err *err)
{
    segment__damaged(seg, "bad stored block", off);
    return segment_failure(seg, err);
}

/* From lengths in planes to ends. False: they do not add up to `bytes`. */
static bool ends_read(const uint8_t *planes, unsigned plane_count, uint32_t docs, uint64_t bytes,
                      uint32_t *ends)
{
    uint64_t end = 0;
    memset(ends, 0, (size_t)docs * sizeof(*ends));
    for (unsigned plane = 0; plane < plane_count; plane++) {
        for (uint32_t i = 0; i < docs; i++)
            ends[i] |= (uint32_t)planes[(size_t)plane * docs + i] << plane * 8;
    }
    for (uint32_t i = 0; i < docs; i++) {
        end += ends[i];
        if (end > bytes)
            return false;
        ends[i] = (uint32_t)end;
    }
    return end == bytes;
}

/* ---- Unpacking ---- */

/* Contexts between uses: making one costs more than unpacking a small block. */
#define SPARE_CONTEXTS 4u
static ZSTD_DCtx *spare_contexts[SPARE_CONTEXTS];

static ZSTD_DCtx *context_take(void)
{
    for (unsigned i = 0; i < SPARE_CONTEXTS; i++) {
        ZSTD_DCtx *context = __atomic_exchange_n(&spare_contexts[i], NULL, __ATOMIC_ACQ_REL);
        if (context)
            return context;
    }
    return ZSTD_createDCtx();
}

static void context_put(ZSTD_DCtx *context)
{
    for (unsigned i = 0; i < SPARE_CONTEXTS && context; i++)
        context = __atomic_exchange_n(&spare_contexts[i], context, __ATOMIC_ACQ_REL);
    (void)ZSTD_freeDCtx(context);
}

void segment__dictionary_free(void *dictionary)
{
    (void)ZSTD_freeDDict(dictionary);
}

/* NULL: there is none, or it is damaged. */
static const ZSTD_DDict *dictionary_of(struct segment *seg)
{
    void *dictionary = __atomic_load_n(&seg->dictionary, __ATOMIC_ACQUIRE), *none = NULL;
    if (dictionary || seg->dictionary_bytes == 0)
        return dictionary;
    const uint8_t *p = segment__at(seg, seg->dictionary_off, seg->dictionary_bytes);
    dictionary = p ? ZSTD_createDDict(p, seg->dictionary_bytes) : NULL;
    /* Two may have made it: one wins. */
    if (dictionary && !__atomic_compare_exchange_n(&seg->dictionary, &none, dictionary, false,
                                                   __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
        segment__dictionary_free(dictionary);
        dictionary = none;
    }
    return dictionary;
}

/* True: exactly `raw_bytes` came out. */
static bool bytes_unpack(struct segment *seg, uint8_t codec, struct str packed, char *raw,
                         size_t raw_bytes)
{
    if (codec == STORED_RAW) {
        if (packed.n != raw_bytes)
            return false;
        memcpy(raw, packed.p, raw_bytes);
        return true;
    }
    const ZSTD_DDict *dictionary = codec == STORED_ZSTD_DICTIONARY ? dictionary_of(seg) : NULL;
    if (codec == STORED_ZSTD_DICTIONARY && !dictionary)
        return false;
    ZSTD_DCtx *context = context_take();
    bool is_good = context && ZSTD_decompress_usingDDict(context, raw, raw_bytes, packed.p,
                                                         packed.n, dictionary) == raw_bytes;
    context_put(context);
    return is_good;
}

static bool block_unpack(struct segment *seg, const uint8_t *p, uint64_t packed, uint32_t docs,
                         struct stored_cache **ret_cache)
{
    uint32_t raw_bytes = get_u32_le(p + 4);
    uint8_t codec = p[8], planes = p[9];
    p += STORED_BLOCK_HEAD;
    if (raw_bytes < (uint64_t)docs * planes || raw_bytes > STORED_RAW_BYTES_MAX ||
        planes > STORED_PLANES_MAX || codec > STORED_ZSTD_DICTIONARY)
        return false;
    struct stored_cache *cache =
        mem_alloc(sizeof(*cache) + (size_t)docs * sizeof(uint32_t) + raw_bytes);
    char *raw = (char *)(cache->ends + docs);
    bool is_good = bytes_unpack(seg, codec, (struct str){(const char *)p, packed}, raw, raw_bytes);
    size_t head = (size_t)docs * planes;
    cache->records = raw + head;
    if (!is_good || !ends_read((const uint8_t *)raw, planes, docs, raw_bytes - head, cache->ends)) {
        mem_free(cache);
        return false;
    }
    *ret_cache = cache;
    return true;
}

static bool block_has(const struct segment *seg, uint32_t block, uint32_t doc)
{
    return segment__stored_first(seg, block) <= doc && doc < segment__stored_first(seg, block + 1);
}

/* Takes the cached block when it has the document, else unpacks the one that has; the caller gives
 * it back by cache_put. */
static int stored_load(struct segment *seg, uint32_t doc, struct stored_cache **ret_cache,
                       struct err *err)
{
    struct stored_cache *cache = __atomic_exchange_n(&seg->cache, NULL, __ATOMIC_ACQ_REL);
    if (cache && block_has(seg, cache->block, doc)) {
        *ret_cache = cache;
        return 0;
    }
    mem_free(cache);
    uint32_t block = block_of(seg, doc);
    uint64_t off = block_off(seg, block), bytes = block_off(seg, block + 1) - off;
    uint32_t docs = segment__stored_first(seg, block + 1) - segment__stored_first(seg, block);
    const uint8_t *p = segment__at(seg, off, bytes);
    if (!p || bytes < STORED_BLOCK_HEAD || get_u32_le(p) != docs ||
        !block_unpack(seg, p, bytes - STORED_BLOCK_HEAD, docs, ret_cache))
        return stored_bad(seg, off, err);
    (*ret_cache)->block = block;
    return 0;
}

static void cache_put(struct segment *seg, struct stored_cache *cache)
{
    mem_free(__atomic_exchange_n(&seg->cache, cache, __ATOMIC_ACQ_REL));
}

/* ---- Templates ---- */

static int templates_bad(struct segment *seg, struct err *err)
{
    segment__damaged(seg, "bad source templates", seg->templates_off);
    return segment_failure(seg, err);
}

void segment__templates_free(struct segment_templates *t)
{
    if (!t)
        return;
    arena_free(t->mem);
    mem_free(t);
}

/* What a hole is filled from: NULL: the segment has no column of this kind for it. */
static const struct column *hole_column(const struct segment *seg, const struct template_hole *hole)
{
    const struct segment_field *f = segment__field(seg, hole->field_id);
    if (!f || !(f->parts & FIELD_PART_COLUMN))
        return NULL;
    bool is_term = hole->kind == HOLE_TERM || hole->kind == HOLE_IP;
    enum column_kind kind = is_term                      ? COLUMN_ORDINAL
                            : hole->kind == HOLE_DECIMAL ? COLUMN_DOUBLE
                                                         : COLUMN_LONG;
    if (f->column.kind != kind || (hole->kind == HOLE_IP) != (f->type == FIELD_IP))
        return NULL;
    return &f->column;
}

/* Fields occur once in a template (`used`: by which template last): what a document's holes hold is
 * then bounded by the document's values. */
static bool columns_find(const struct segment *seg, struct source_template *t, uint32_t number,
                         uint32_t *used)
{
    for (uint32_t i = 0; i < t->hole_count; i++) {
        struct template_hole *hole = &t->holes[i];
        if (hole->kind == HOLE_STORED)
            continue;
        hole->column = hole_column(seg, hole);
        if (!hole->column || used[hole->field_id] == number)
            return false;
        used[hole->field_id] = number;
    }
    return true;
}

static bool templates_decode(const struct segment *seg, const uint8_t *p,
                             struct segment_templates *t)
{
    const uint8_t *end = p + seg->templates_raw_bytes;
    uint32_t *used = MEM_ARRAY(uint32_t, seg->field_id_limit + 1);
    bool is_good = true;
    t->items = ARENA_ARRAY(t->mem, struct source_template, seg->template_count);
    for (uint32_t i = 0; i < seg->template_count && is_good; i++)
        is_good = template_decode(&p, end, t->mem, &t->items[i]) &&
                  columns_find(seg, &t->items[i], i + 1, used);
    mem_free(used);
    return is_good && p == end;
}

static bool templates_unpack(struct segment *seg, struct segment_templates *t)
{
    const uint8_t *p = segment__at(seg, seg->templates_off, seg->templates_bytes);
    if (!p)
        return false;
    char *raw = arena_alloc(t->mem, (size_t)seg->templates_raw_bytes + 1);
    struct str packed = {(const char *)p, seg->templates_bytes};
    if (!bytes_unpack(seg, seg->templates_codec, packed, raw, seg->templates_raw_bytes))
        return false;
    return templates_decode(seg, (const uint8_t *)raw, t);
}

static const struct segment_templates *templates_of(struct segment *seg)
{
    struct segment_templates *t = __atomic_load_n(&seg->templates, __ATOMIC_ACQUIRE), *none = NULL;
    if (t)
        return t;
    t = MEM_NEW(struct segment_templates);
    t->mem = arena_new(0);
    if (!templates_unpack(seg, t)) {
        segment__templates_free(t);
        return NULL;
    }
    /* Release: who sees the pointer sees what it points to. Two may have unpacked: one wins. */
    if (!__atomic_compare_exchange_n(&seg->templates, &none, t, false, __ATOMIC_RELEASE,
                                     __ATOMIC_ACQUIRE)) {
        segment__templates_free(t);
        t = none;
    }
    return t;
}

/* Sets number and template of the document. */
static int template_find(struct segment *seg, uint32_t doc, struct doc_reader *reader,
                         struct stored_doc *stored, struct err *err)
{
    int64_t number = 0;
    stored->template_number = 0;
    stored->source_template = NULL;
    if (!seg->template_numbers)
        return 0;
    if (doc_reader__value(reader, seg->template_numbers, doc, &number) != 1 || number < 0 ||
        number > seg->template_count)
        return templates_bad(seg, err);
    if (number == 0)
        return 0;
    const struct segment_templates *t = templates_of(seg);
    if (!t)
        return templates_bad(seg, err);
    stored->template_number = (uint32_t)number;
    stored->source_template = &t->items[number - 1];
    return 0;
}

/* ---- Rebuilding ---- */

static bool term_add(const struct template_hole *hole, int64_t value, struct doc_reader *reader,
                     struct buf *out)
{
    char room[TERM_ROOM_BYTES], address[IP_TEXT_BYTES];
    if (value < 0 || value >= hole->column->terms->term_count)
        return false;
    struct str term = doc_reader__term(reader, hole->column->terms, (uint32_t)value, room);
    if (!term.p)
        return false;
    if (hole->kind == HOLE_TERM) {
        buf_add_str(out, term);
        return true;
    }
    if (term.n != IP_BYTES)
        return false;
    buf_add(out, address, ip_format((const uint8_t *)term.p, address));
    return true;
}

static bool column_add(const struct template_hole *hole, uint32_t doc, struct doc_reader *reader,
                       struct buf *out)
{
    int64_t value;
    char text[HOLE_TEXT_BYTES_MAX];
    if (doc_reader__value(reader, hole->column, doc, &value) != 1)
        return false;
    if (hole->column->kind == COLUMN_ORDINAL)
        return term_add(hole, value, reader, out);
    size_t n = template_hole_print(hole->kind, hole->param, value, text);
    buf_add(out, text, n);
    return n > 0;
}

/* The next stored hole's bytes, [*at, end) cut at a NUL byte unless it is the last. */
static bool stored_add(struct str *rest, bool is_last, struct buf *out)
{
    const char *nul = is_last ? rest->p + rest->n : memchr(rest->p, '\0', rest->n);
    if (!nul)
        return false;
    size_t n = (size_t)(nul - rest->p);
    buf_add(out, rest->p, n);
    *rest = is_last ? STR_NONE : str_from_off(*rest, n + 1);
    return true;
}

static bool source_rebuild(const struct source_template *t, uint32_t doc, struct str stored,
                           struct doc_reader *reader, struct buf *out)
{
    const char *literal = t->literals;
    uint32_t left = t->stored_count;
    if (left == 0 && stored.n > 0)
        return false;
    for (uint32_t i = 0; i < t->hole_count; i++) {
        const struct template_hole *hole = &t->holes[i];
        buf_add(out, literal, hole->literal_bytes);
        literal += hole->literal_bytes;
        if (!(hole->kind == HOLE_STORED ? stored_add(&stored, --left == 0, out)
                                        : column_add(hole, doc, reader, out)))
            return false;
    }
    buf_add(out, literal, t->tail_bytes);
    return !out->is_over;
}

/* ---- Public ---- */

/* The document's record, in the block that the caller gives back by cache_put. */
static int record_open(struct segment *seg, uint32_t doc, struct stored_cache **ret_cache,
                       struct stored_doc *ret_stored, struct err *err)
{
    struct stored_cache *cache = NULL;
    TRY(stored_load(seg, doc, &cache, err));
    uint32_t i = doc - segment__stored_first(seg, cache->block);
    const uint8_t *p = (const uint8_t *)cache->records + (i ? cache->ends[i - 1] : 0),
                  *end = (const uint8_t *)cache->records + cache->ends[i];
    uint64_t routing_bytes;
    if (!get_varint(&p, end, &routing_bytes) || routing_bytes > (uint64_t)(end - p)) {
        uint64_t off = block_off(seg, cache->block);
        cache_put(seg, cache);
        return stored_bad(seg, off, err);
    }
    ret_stored->routing = routing_bytes ? (struct str){(const char *)p, routing_bytes} : STR_NONE;
    p += routing_bytes;
    ret_stored->bytes = (struct str){(const char *)p, (size_t)(end - p)};
    *ret_cache = cache;
    return 0;
}

int segment__stored_read(struct segment *seg, uint32_t doc, struct arena *mem,
                         struct stored_doc *ret_stored, struct err *err)
{
    struct stored_cache *cache;
    ASSERT(doc < seg->doc_count);
    TRY(template_find(seg, doc, NULL, ret_stored, err));
    TRY(record_open(seg, doc, &cache, ret_stored, err));
    if (ret_stored->routing.p)
        ret_stored->routing = arena_str(mem, ret_stored->routing);
    ret_stored->bytes = arena_str(mem, ret_stored->bytes);
    cache_put(seg, cache);
    return segment_failure(seg, err);
}

/* STR_NONE: damage. */
static struct str rebuilt(struct segment *seg, uint32_t doc, const struct stored_doc *stored,
                          struct doc_reader *reader, struct buf *out, struct arena *mem)
{
    if (source_rebuild(stored->source_template, doc, stored->bytes, reader, out))
        return arena_str(mem, buf_str(out));
    segment__damaged(seg, "a document's source does not fit its columns, document", doc);
    return STR_NONE;
}

/* ret_routing may be NULL. */
static int source_read(struct segment *seg, uint32_t doc, struct doc_reader *reader,
                       struct arena *mem, struct str *ret_source, struct str *ret_routing,
                       struct err *err)
{
    struct stored_doc stored;
    struct stored_cache *cache;
    struct buf own;
    ASSERT(doc < seg->doc_count);
    TRY(template_find(seg, doc, reader, &stored, err));
    TRY(record_open(seg, doc, &cache, &stored, err));
    if (ret_routing)
        *ret_routing = stored.routing.p ? arena_str(mem, stored.routing) : STR_NONE;
    buf_init(&own, STORED_RAW_BYTES_MAX);
    struct buf *out = reader ? doc_reader__text(reader) : &own;
    *ret_source = stored.source_template ? rebuilt(seg, doc, &stored, reader, out, mem)
                                         : arena_str(mem, stored.bytes);
    buf_deinit(&own);
    cache_put(seg, cache);
    return segment_failure(seg, err);
}

int segment_stored(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_source,
                   struct str *ret_routing, struct err *err)
{
    return source_read(seg, doc, NULL, mem, ret_source, ret_routing, err);
}

int segment_source(struct segment *seg, uint32_t doc, struct arena *mem, struct str *ret_json,
                   struct err *err)
{
    return source_read(seg, doc, NULL, mem, ret_json, NULL, err);
}

int doc_reader_source(struct doc_reader *reader, struct segment *seg, uint32_t doc,
                      struct arena *mem, struct str *ret_json, struct err *err)
{
    return source_read(seg, doc, reader, mem, ret_json, NULL, err);
}
