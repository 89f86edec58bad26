/* SPDX-License-Identifier: Apache-2.0 */
/* segment_fuzz.c: the bytes of a segment with every checksum made right again, so that hostile
 * bytes reach the decoders; then everything a reader can ask is asked: ids, stored source, columns
 * in each way, dictionaries, postings with positions and bounds, norms, the check, a merge. The
 * tail's footer offset is counted from the end, so that bytes put in or taken out leave the footer
 * in place. What is read must keep what segment.h promises to searches: documents below the count
 * and ascending, ordinals below the dictionary's. */
#include "base/arena.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/builder.h"
#include "index/merge.h"
#include "index/segment_int.h"
#include "support/fuzz.h"

#define FUZZ_BYTES_MAX (256 * KIB)
#define VALUES_MAX     300u

/* ---- Seeds ---- */

static struct mapping *mapping_of(struct arena *mem)
{
    static const char body[] =
        "{\"properties\":{\"d\":{\"type\":\"date\"},\"f\":{\"type\":\"double\"},\"k\":{\"type\":"
        "\"keyword\"},\"ip\":{\"type\":\"ip\"},\"n\":{\"type\":\"long\"},\"t\":{\"type\":\"text\"},"
        "\"b\":{\"type\":\"boolean\"}}}";
    struct mapping *mapping = mapping_new();
    struct value v;
    struct err err;
    ASSERT(value_from_json(str_from(body), mem, &v, &err) == 0);
    ASSERT(mapping_put(mapping, &v, &err) == 0);
    return mapping;
}

/* Seed 0: three documents; 1: one posting block and sparse columns; 2: several of each. */
static const uint32_t seed_docs[] = {3, 40, 290};

static struct str seed_source(struct arena *mem, uint32_t i, uint32_t docs)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "{\"d\":%u,\"f\":%u.5,\"k\":\"key%u\",\"ip\":\"10.0.0.%u\",\"b\":%s", i * 1000,
               i % 9, i % (docs / 2 + 1), i % 250, i % 2 ? "true" : "false");
    if (i % 3)
        buf_printf(&out, ",\"n\":[%u,%u]", i * 7919 % 1000, i % 5);
    buf_printf(&out, ",\"t\":\"common even%u even%u word%u of them\"}", i % 2, i % 2, i % 40);
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

bool fuzz_seed(unsigned n, struct buf *out)
{
    if (n >= ARRAY_COUNT(seed_docs) * 2)
        return false;
    struct arena *mem = arena_new(0);
    struct mapping *mapping = mapping_of(mem);
    struct builder *b = builder_new();
    struct err err;
    void *bytes;
    size_t size;
    uint32_t docs = seed_docs[n / 2];
    for (uint32_t i = 0; i < docs; i++) {
        /* Odd seeds: ids ascend, so that there is no hash. */
        struct builder_doc doc = {
            arena_printf(mem, n % 2 ? "id%06u" : "%u", n % 2 ? i : i * 7 % docs),
            i % 4 ? STR_NONE : STR("route"), seed_source(mem, i, docs), i, 1};
        struct mapping *draft;
        ASSERT(builder_add(b, mapping, &doc, &draft, &err) == 0 && !draft);
    }
    ASSERT(builder_seal(b, BUILDER_SORT_NONE, &bytes, &size, &err) == 0);
    buf_add(out, bytes, size);
    mem_free(bytes);
    builder_free(b);
    mapping_unref(mapping);
    arena_free(mem);
    return true;
}

/* ---- Checksums made right ---- */

static void fix(uint8_t *p, size_t size)
{
    uint8_t *tail = p + size - SEGMENT_TAIL_BYTES;
    size_t footer =
        MIN_OF((size_t)get_u32_le(tail + 8), size - SEGMENT_TAIL_BYTES - SEGMENT_MAGIC_BYTES);
    size_t off = size - SEGMENT_TAIL_BYTES - footer;
    put_u64_le(tail, off);
    put_u32_le(tail + 8, (uint32_t)footer);
    put_u32_le(tail + 12, crc32c(0, p + off, footer));
    put_u32_le(tail + 16, SEGMENT_VERSION);
    put_u32_le(tail + 20, crc32c(0, tail, 20));
    memcpy(tail + 24, SEGMENT_MAGIC_TAIL, SEGMENT_MAGIC_BYTES);
    memcpy(p, SEGMENT_MAGIC_HEAD, SEGMENT_MAGIC_BYTES);
}

/* ---- Reading everything ---- */

static void docs_read(struct segment *seg, struct arena *mem)
{
    struct err err;
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        struct str source, routing, id = segment_id(seg, doc, mem);
        (void)!segment_stored(seg, doc, mem, &source, &routing, &err);
        uint32_t found = segment_find_id(seg, id);
        ASSERT(found == DOC_NONE || found < seg->doc_count);
        (void)segment_seq_no(seg, doc);
        (void)segment_version(seg, doc);
        if (doc % 64 == 0)
            arena_reset(mem);
    }
    uint32_t none = segment_find_id(seg, STR("nobody"));
    ASSERT(none == DOC_NONE || none < seg->doc_count);
}

static void ordinals_check(const struct column *c, const uint32_t *ordinals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ASSERT(ordinals[i] < MAX_OF(column_ordinal_count(c), 1u));
}

static void window_read(const struct column *c, uint32_t first, uint32_t n)
{
    static int64_t longs[ZONE_DOCS];
    static double doubles[ZONE_DOCS];
    static uint32_t ordinals[ZONE_DOCS];
    uint64_t exists[ZONE_DOCS / 64];
    switch (column_kind(c)) {
    case COLUMN_LONG:
        column_read_longs(c, first, n, longs, exists);
        break;
    case COLUMN_DOUBLE:
        column_read_doubles(c, first, n, doubles, exists);
        break;
    case COLUMN_ORDINAL:
        column_read_ordinals(c, first, n, ordinals, exists);
        ordinals_check(c, ordinals, n);
        break;
    }
}

static void doc_values_read(const struct column *c, uint32_t doc)
{
    int64_t longs[VALUES_MAX];
    double doubles[VALUES_MAX];
    uint32_t ordinals[VALUES_MAX];
    size_t n;
    switch (column_kind(c)) {
    case COLUMN_LONG:
        (void)column_doc_longs(c, doc, longs, VALUES_MAX);
        break;
    case COLUMN_DOUBLE:
        (void)column_doc_doubles(c, doc, doubles, VALUES_MAX);
        break;
    case COLUMN_ORDINAL:
        n = column_doc_ordinals(c, doc, ordinals, VALUES_MAX);
        ordinals_check(c, ordinals, MIN_OF(n, VALUES_MAX));
        break;
    }
}

static void column_read(struct segment *seg, struct column *c, struct arena *mem)
{
    struct column_zone zone;
    (void)column_stats(c, &zone);
    for (uint32_t z = 0; z < c->zone_count; z++)
        (void)column_zone(c, z, &zone);
    if (!column_is_multi(c)) {
        for (uint32_t first = 0; first < seg->doc_count; first += ZONE_DOCS)
            window_read(c, first, MIN_OF(seg->doc_count - first, ZONE_DOCS));
        window_read(c, seg->doc_count / 2, MIN_OF(seg->doc_count - seg->doc_count / 2, 100u));
    }
    for (uint32_t doc = 0; doc < seg->doc_count; doc += 1 + doc / 64)
        doc_values_read(c, doc);
    if (column_kind(c) != COLUMN_ORDINAL)
        return;
    for (uint32_t i = 0; i < MIN_OF(column_ordinal_count(c), 100u); i++) {
        bool is_found;
        struct str text = column_ordinal_text(c, i, mem);
        uint32_t at = column_ordinal_find(c, text, &is_found);
        ASSERT(at <= column_ordinal_count(c) && (!is_found || at < column_ordinal_count(c)));
        ASSERT(column_ordinal_doc_count(c, i) <= seg->doc_count);
    }
}

static void docs_of_term_read(struct segment *seg, struct postings *p)
{
    uint32_t doc, last = DOC_NONE;
    while ((doc = postings_next(p)) != DOC_NONE) {
        size_t n;
        ASSERT(doc < seg->doc_count && (last == DOC_NONE || doc > last));
        ASSERT(postings_doc(p) == doc);
        const uint32_t *positions = postings_positions(p, &n);
        ASSERT(!n || (positions && n == postings_freq(p)));
        for (size_t i = 0; i < n; i++)
            last += positions[i]; /* read, for the sanitizer's sake */
        last = doc;
    }
}

static void term_read(struct segment *seg, const struct field *field, const struct term_info *info,
                      struct arena *mem)
{
    uint64_t words[ZONE_DOCS / 64];
    uint32_t upto, freq_max;
    uint8_t norm_min;
    docs_of_term_read(seg, postings_open(seg, field, info, POSTINGS_POSITIONS, mem));
    docs_of_term_read(seg, postings_open(seg, field, info, POSTINGS_DOCS, mem));
    struct postings *p = postings_open(seg, field, info, POSTINGS_FREQS, mem);
    for (uint32_t target = 0; target < seg->doc_count;) {
        postings_block_max(p, target, &upto, &freq_max, &norm_min);
        uint32_t doc = postings_advance(p, target);
        if (doc == DOC_NONE)
            break;
        ASSERT(doc >= target && doc < seg->doc_count);
        target = doc + 1 + doc % 37;
    }
    p = postings_open(seg, field, info, POSTINGS_DOCS, mem);
    for (uint32_t first = 0; first < seg->doc_count; first += 64) {
        uint32_t n = MIN_OF(seg->doc_count - first, 64u);
        memset(words, 0, sizeof(words));
        postings_fill(p, first, n, words);
        ASSERT(n == 64 || words[0] >> n == 0);
        for (size_t i = 1; i < ARRAY_COUNT(words); i++)
            ASSERT(words[i] == 0);
    }
}

static void field_read(struct segment *seg, const struct segment_field *f, struct arena *mem)
{
    struct field field = {.id = f->id, .type = (enum field_type)f->type, .path = f->path};
    struct field_stats stats;
    struct column *c = segment_column(seg, &field);
    if (c)
        column_read(seg, c, mem);
    (void)segment_field_stats(seg, &field, &stats);
    const uint8_t *norms = segment_norms(seg, &field);
    if (norms) {
        ASSERT(norms >= seg->bytes && norms + seg->doc_count <= seg->bytes + seg->size);
    }
    struct term_iter *it = term_iter_open(seg, &field, mem);
    if (!it)
        return;
    uint32_t count = 0;
    bool has_postings = f->terms.flags & TERMS_FLAG_POSTINGS;
    for (bool more = term_iter_next(it); more && count < 60; more = term_iter_next(it), count++) {
        struct term_info info, again;
        struct arena *scratch = arena_new(0);
        term_iter_info(it, &info);
        struct str term = arena_str(scratch, term_iter_term(it));
        (void)segment_term(seg, &field, term, &again);
        if (has_postings)
            term_read(seg, &field, &info, scratch);
        arena_free(scratch);
    }
    (void)term_iter_seek(it, STR("k"));
    (void)term_iter_next(it);
}

static void merge_it(struct segment *seg)
{
    struct merge_input input = {seg, NULL, {0}};
    struct err err;
    void *bytes = NULL;
    uint64_t size;
    if (merge_plan(&input, 1, MERGE_SORT_NONE) > 0)
        (void)!merge_run(&input, 1, NULL, false, NULL, &bytes, &size, &err);
    renumber_deinit(&input.new_docs);
    mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SEGMENT_MAGIC_BYTES + SEGMENT_TAIL_BYTES || size > FUZZ_BYTES_MAX)
        return 0;
    uint8_t *bytes = mem_alloc(size);
    struct segment *seg;
    struct err err;
    memcpy(bytes, data, size);
    fix(bytes, size);
    if (segment_open_bytes(bytes, size, "fuzz", &seg, &err) < 0)
        return 0;
    /* A footer may promise 2^31 documents; reading each would only take long. */
    if (seg->doc_count <= 5000) {
        struct arena *mem = arena_new(0);
        docs_read(seg, mem);
        for (uint32_t i = 0; i < seg->field_count; i++)
            field_read(seg, &seg->fields[i], mem);
        bool is_sound = segment_verify_all(seg, &err) == 0;
        merge_it(seg);
        ASSERT(!is_sound || segment_failure(seg, &err) == 0);
        arena_free(mem);
    }
    segment_unref(seg);
    return 0;
}
