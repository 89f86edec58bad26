/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a segment and verifying its chunks. The footer is read through a
 * cursor that never leaves it; offsets it names are checked against the body here, once, so that
 * readers may trust them. */
#include "index/segment.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/filter_cache.h"
#include "index/doc_reader.h"
#include "index/segment_int.h"
#include "index/value_block.h"

/* ---- Damage ---- */

void segment__damaged(const struct segment *seg, const char *what, uint64_t off)
{
    struct segment *s = (struct segment *)(uintptr_t)seg;
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&s->damage, &none, 1, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    (void)err_set(&s->failure, ERR_CORRUPT, "segment %s: %s at byte %llu", s->name, what,
                  (unsigned long long)off);
    /* Release: who sees 2 sees the text. */
    __atomic_store_n(&s->damage, 2, __ATOMIC_RELEASE);
}

/* A mapped file that was cut short reads as zeros from there on, also where it had been verified.
 * Every cut takes the last bytes, so the tail's magic tells. */
static bool is_lost(const struct segment *seg)
{
    const uint8_t *magic = seg->bytes + seg->size - SEGMENT_MAGIC_BYTES;
    return seg->fs && (memcmp(magic, SEGMENT_MAGIC_TAIL, SEGMENT_MAGIC_BYTES) != 0 ||
                       vfs_map_is_lost(seg->fs, seg->bytes));
}

int segment_failure(const struct segment *seg, struct err *err)
{
    if (UNLIKELY(is_lost(seg)))
        segment__damaged(seg, "the file was cut short or cannot be read, mapped up", seg->size);
    uint32_t damage = __atomic_load_n(&seg->damage, __ATOMIC_ACQUIRE);
    if (LIKELY(damage == 0))
        return 0;
    if (damage == 1)
        return err_set(err, ERR_CORRUPT, "segment %s: damaged", seg->name);
    if (err)
        *err = seg->failure;
    return -ERR_CORRUPT;
}

bool segment__verify_slow(struct segment *seg, uint64_t off, uint64_t n)
{
    if (n > seg->body_bytes || off > seg->body_bytes - n) {
        segment__damaged(seg, "reference beyond the end", off);
        return false;
    }
    if (n == 0)
        return true;
    for (uint64_t c = off / SEGMENT_CHUNK_BYTES; c <= (off + n - 1) / SEGMENT_CHUNK_BYTES; c++) {
        uint64_t bit = UINT64_C(1) << (c & 63);
        if (__atomic_load_n(&seg->verified[c >> 6], __ATOMIC_RELAXED) & bit)
            continue;
        uint64_t from = c * SEGMENT_CHUNK_BYTES,
                 bytes = MIN_OF((uint64_t)SEGMENT_CHUNK_BYTES, seg->body_bytes - from);
        if (crc32c(0, seg->bytes + from, bytes) != get_u32_le(seg->chunk_crcs + c * 4)) {
            segment__damaged(seg, "bad checksum of the 32 KiB", from);
            return false;
        }
        /* Relaxed: the bytes are immutable, the bit only saves work. */
        __atomic_fetch_or(&seg->verified[c >> 6], bit, __ATOMIC_RELAXED);
    }
    return true;
}

/* ---- Footer ---- */

struct cursor {
    const uint8_t *p, *end;
    bool is_bad;
};

static const uint8_t *take(struct cursor *c, uint64_t n)
{
    if (c->is_bad || n > (uint64_t)(c->end - c->p)) {
        c->is_bad = true;
        return NULL;
    }
    const uint8_t *p = c->p;
    c->p += n;
    return p;
}
static uint8_t take_u8(struct cursor *c)
{
    const uint8_t *p = take(c, 1);
    return p ? *p : 0;
}
static uint16_t take_u16(struct cursor *c)
{
    const uint8_t *p = take(c, 2);
    return p ? get_u16_le(p) : 0;
}
static uint32_t take_u32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);
    return p ? get_u32_le(p) : 0;
}
static uint64_t take_u64(struct cursor *c)
{
    const uint8_t *p = take(c, 8);
    return p ? get_u64_le(p) : 0;
}

/* A region [off, off + bytes) that must lie in the body. */
static void region_check(const struct segment *seg, struct cursor *c, uint64_t off, uint64_t bytes)
{
    if (bytes > seg->body_bytes || off > seg->body_bytes - bytes)
        c->is_bad = true;
}

/* What a type's column holds: who reads it takes the kind from the mapping's type. */
static enum column_kind kind_of(enum field_type type)
{
    switch ((int)type) {
    case FIELD_KEYWORD:
    case FIELD_CONSTANT_KEYWORD:
    case FIELD_WILDCARD:
    case FIELD_IP:
    case FIELD_FLATTENED:
        return COLUMN_ORDINAL;
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
    case FIELD_HALF_FLOAT:
    case FIELD_SCALED_FLOAT:
        return COLUMN_DOUBLE;
    default:
        return COLUMN_LONG;
    }
}

static void column_open(struct segment *seg, struct segment_field *f, struct cursor *c)
{
    struct column *col = &f->column;
    col->seg = seg;
    col->kind = take_u8(c);
    col->flags = take_u8(c);
    col->doc_count = take_u32(c);
    col->value_count = take_u64(c);
    col->total = take(c, ZONE_ENTRY_BYTES);
    col->zone_count = take_u32(c);
    col->zones = take(c, (uint64_t)col->zone_count * ZONE_ENTRY_BYTES);
    col->terms = &f->terms;
    if (c->is_bad || col->kind != kind_of((enum field_type)f->type) ||
        col->zone_count != (seg->doc_count + ZONE_DOCS - 1) / ZONE_DOCS) {
        c->is_bad = true;
        return;
    }
    for (uint32_t z = 0; z < col->zone_count; z++) {
        const uint8_t *e = col->zones + (size_t)z * ZONE_ENTRY_BYTES;
        region_check(seg, c, get_u64_le(e), get_u32_le(e + 8));
        /* Readers of single values rely on there being no ends. */
        if (e[18] > ZONE_PRESENCE_BITMAP || (e[19] && !(col->flags & COLUMN_FLAG_MULTI)))
            c->is_bad = true;
    }
}

static void terms_open(struct segment *seg, struct terms *t, struct cursor *c)
{
    t->seg = seg;
    t->flags = take_u8(c);
    t->term_count = take_u32(c);
    t->doc_count = take_u32(c);
    t->sum_doc_freq = take_u64(c);
    t->sum_total_term_freq = take_u64(c);
    uint64_t *regions[] = {&t->dictionary_off, &t->dictionary_bytes, &t->postings_off,
                           &t->postings_bytes};
    for (size_t i = 0; i < ARRAY_COUNT(regions); i++)
        *regions[i] = take_u64(c);
    region_check(seg, c, t->dictionary_off, t->dictionary_bytes);
    region_check(seg, c, t->postings_off, t->postings_bytes);
    t->block_count = take_u32(c);
    t->first_terms_bytes = take_u32(c);
    t->blocks = take(c, ((uint64_t)t->block_count + 1) * 8);
    t->bases = take(c, (uint64_t)t->block_count * 8);
    t->first_terms = (const char *)take(c, t->first_terms_bytes);
    if (c->is_bad ||
        t->block_count != ((uint64_t)t->term_count + DICT_BLOCK_TERMS - 1) / DICT_BLOCK_TERMS) {
        c->is_bad = true;
        return;
    }
    uint32_t last_off = 0, last_first = 0;
    for (uint32_t b = 0; b <= t->block_count; b++) {
        uint32_t off = get_u32_le(t->blocks + (size_t)b * 8),
                 first = get_u32_le(t->blocks + (size_t)b * 8 + 4);
        if (off < last_off || first < last_first || off > t->dictionary_bytes ||
            first > t->first_terms_bytes)
            c->is_bad = true;
        last_off = off;
        last_first = first;
    }
}

static void field_open(struct segment *seg, struct segment_field *f, struct cursor *c)
{
    f->id = take_u32(c);
    f->type = take_u8(c);
    f->parts = take_u8(c);
    f->path.n = take_u16(c);
    f->path.p = (const char *)take(c, f->path.n);
    if (f->parts & FIELD_PART_COLUMN)
        column_open(seg, f, c);
    if (f->parts & FIELD_PART_TERMS)
        terms_open(seg, &f->terms, c);
    if (f->parts & FIELD_PART_NORMS) {
        f->norms_off = take_u64(c);
        region_check(seg, c, f->norms_off, seg->doc_count);
    }
    if ((f->parts & FIELD_PART_COLUMN) && f->column.kind == COLUMN_ORDINAL &&
        !(f->parts & FIELD_PART_TERMS))
        c->is_bad = true;
}

static bool is_system_column(const struct segment_field *f)
{
    return (f->parts & FIELD_PART_COLUMN) && f->column.kind == COLUMN_LONG &&
           !(f->column.flags & COLUMN_FLAG_MULTI);
}

static void fields_open(struct segment *seg, struct cursor *c)
{
    uint32_t count = take_u32(c);
    /* A field takes at least nine bytes. */
    if (c->is_bad || count > (uint64_t)(c->end - c->p) / 8) {
        c->is_bad = true;
        return;
    }
    seg->fields = MEM_ARRAY(struct segment_field, count);
    seg->field_count = count;
    for (uint32_t i = 0; i < count && !c->is_bad; i++) {
        struct segment_field *f = &seg->fields[i];
        field_open(seg, f, c);
        struct column **system = f->id == FIELD_ID_SEQ_NO       ? &seg->seq_nos
                                 : f->id == FIELD_ID_VERSION    ? &seg->versions
                                 : f->id == FIELD_ID_COUNTED_ID ? &seg->counted_ids
                                 : f->id == FIELD_ID_TEMPLATE   ? &seg->template_numbers
                                                                : NULL;
        if (system) {
            c->is_bad |= !is_system_column(f) || *system;
            *system = &f->column;
        } else if (f->id == UINT32_MAX) {
            c->is_bad = true;
        } else {
            seg->field_id_limit = MAX_OF(seg->field_id_limit, f->id + 1);
        }
    }
    bool is_counted = seg->flags & SEGMENT_FLAG_COUNTED_IDS;
    c->is_bad |= is_counted != (seg->counted_ids != NULL);
    c->is_bad |= (seg->template_count > 0) != (seg->template_numbers != NULL);
    if (c->is_bad || !seg->seq_nos || !seg->versions || seg->field_id_limit > (1u << 24)) {
        c->is_bad = true;
        return;
    }
    seg->field_by_id = MEM_ARRAY(uint32_t, seg->field_id_limit);
    for (uint32_t i = 0; i < count; i++) {
        if (seg->fields[i].id >= seg->field_id_limit)
            continue;
        uint32_t *at = &seg->field_by_id[seg->fields[i].id];
        c->is_bad |= *at != 0; /* two fields with one id: readers would take either */
        *at = i + 1;
    }
}

static void stored_open(struct segment *seg, struct cursor *c)
{
    seg->raw_bytes = take_u64(c);
    seg->stored_block_count = take_u32(c);
    seg->stored_index = take(c, (uint64_t)seg->stored_block_count * 12 + 8);
    if (c->is_bad || seg->stored_block_count == 0) {
        c->is_bad = true;
        return;
    }
    uint64_t last = 0;
    uint32_t last_first = 0;
    for (uint32_t b = 0; b <= seg->stored_block_count; b++) {
        uint64_t off = get_u64_le(seg->stored_index + (size_t)b * 12);
        uint32_t first = segment__stored_first(seg, b);
        if (off < last || off > seg->body_bytes || (b ? first <= last_first : first != 0))
            c->is_bad = true;
        last = off;
        last_first = first;
    }
    seg->dictionary_off = take_u64(c);
    seg->dictionary_bytes = take_u32(c);
    region_check(seg, c, seg->dictionary_off, seg->dictionary_bytes);
    if (seg->dictionary_bytes > STORED_DICTIONARY_BYTES_MAX)
        c->is_bad = true;
    seg->templates_off = take_u64(c);
    seg->templates_bytes = take_u32(c);
    seg->templates_raw_bytes = take_u32(c);
    seg->template_count = take_u32(c);
    seg->templates_codec = take_u8(c);
    region_check(seg, c, seg->templates_off, seg->templates_bytes);
    if (seg->template_count > TEMPLATES_MAX || seg->templates_raw_bytes > TEMPLATES_BYTES_MAX ||
        seg->templates_codec > STORED_ZSTD)
        c->is_bad = true;
}

static void ids_open(struct segment *seg, struct cursor *c)
{
    seg->id_off = take_u64(c);
    seg->id_bytes = take_u64(c);
    seg->id_group_off = take_u64(c);
    seg->id_hash_off = take_u64(c);
    seg->id_slot_count = take_u64(c);
    region_check(seg, c, seg->id_off, seg->id_bytes);
    if (seg->flags & SEGMENT_FLAG_COUNTED_IDS) {
        c->is_bad |= seg->id_bytes == 0 || seg->id_bytes % COUNTED_ID_PREFIX_BYTES != 0;
        return;
    }
    region_check(seg, c, seg->id_group_off,
                 ((uint64_t)seg->doc_count + ID_GROUP_DOCS - 1) / ID_GROUP_DOCS * 4);
    if (seg->id_slot_count > (uint64_t)UINT32_MAX * 2 ||
        (seg->id_slot_count && seg->id_slot_count <= seg->doc_count))
        c->is_bad = true;
    else
        region_check(seg, c, seg->id_hash_off, seg->id_slot_count * 5);
}

static int footer_open(struct segment *seg, struct err *err)
{
    const uint8_t *tail = seg->bytes + seg->size - SEGMENT_TAIL_BYTES;
    if (memcmp(tail + 24, SEGMENT_MAGIC_TAIL, SEGMENT_MAGIC_BYTES) != 0 ||
        crc32c(0, tail, 20) != get_u32_le(tail + 20))
        return err_set(err, ERR_CORRUPT, "segment %s: bad tail (%llu bytes)", seg->name,
                       (unsigned long long)seg->size);
    if (get_u32_le(tail + 16) != SEGMENT_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "segment %s: format version %u, this program reads %u",
                       seg->name, get_u32_le(tail + 16), SEGMENT_VERSION);
    uint64_t off = get_u64_le(tail);
    uint32_t bytes = get_u32_le(tail + 8);
    if (off < SEGMENT_MAGIC_BYTES || off > seg->size ||
        (uint64_t)bytes + SEGMENT_TAIL_BYTES != seg->size - off)
        return err_set(err, ERR_CORRUPT, "segment %s: footer outside the file", seg->name);
    if (crc32c(0, seg->bytes + off, bytes) != get_u32_le(tail + 12))
        return err_set(err, ERR_CORRUPT, "segment %s: bad checksum of the footer", seg->name);
    struct cursor c = {seg->bytes + off, seg->bytes + off + bytes, false};
    seg->body_bytes = off;
    seg->doc_count = take_u32(&c);
    seg->flags = take_u32(&c);
    c.is_bad = (seg->flags & ~SEGMENT_FLAGS_KNOWN) != 0;
    seg->seq_no_min = (int64_t)take_u64(&c);
    seg->seq_no_max = (int64_t)take_u64(&c);
    seg->chunk_count = take_u32(&c);
    seg->chunk_crcs = take(&c, (uint64_t)seg->chunk_count * 4);
    if (seg->doc_count == 0 || seg->doc_count > SEGMENT_DOCS_MAX ||
        seg->chunk_count != (off + SEGMENT_CHUNK_BYTES - 1) / SEGMENT_CHUNK_BYTES)
        c.is_bad = true;
    else
        /* One bit more: an empty run at the body's end asks for the chunk behind it. */
        seg->verified = MEM_ARRAY(uint64_t, BITSET_WORDS(seg->chunk_count + 1));
    if (!c.is_bad)
        stored_open(seg, &c);
    if (!c.is_bad)
        ids_open(seg, &c);
    if (!c.is_bad)
        fields_open(seg, &c);
    if (c.is_bad || c.p != c.end)
        return err_set(err, ERR_CORRUPT, "segment %s: bad footer", seg->name);
    return 0;
}

/* ---- Life ---- */

static int open_common(struct segment *seg, struct err *err)
{
    if (seg->size < SEGMENT_MAGIC_BYTES + SEGMENT_TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "segment %s: cut short to %llu bytes", seg->name,
                       (unsigned long long)seg->size);
    return footer_open(seg, err);
}

static struct segment *segment_alloc(struct str name)
{
    struct segment *seg = MEM_NEW(struct segment);
    seg->refs = 1;
    size_t n = MIN_OF(name.n, sizeof(seg->name) - 1);
    memcpy(seg->name, name.p, n);
    return seg;
}

int segment_open_bytes(void *bytes, size_t size, const char *name, struct segment **ret_seg,
                       struct err *err)
{
    CLEANUP(segment_unref_ptr) struct segment *seg = segment_alloc(str_from(name));
    seg->bytes = bytes;
    seg->size = size;
    TRY(open_common(seg, err));
    /* Our own memory needs no checksums. */
    memset(seg->verified, 0xFF, BITSET_WORDS(seg->chunk_count) * 8);
    *ret_seg = TAKE(seg);
    return 0;
}

int segment_open_file(struct vfs *fs, struct str path, struct segment **ret_seg, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    CLEANUP(segment_unref_ptr) struct segment *seg = segment_alloc(path_name(path));
    struct vfs_stat st;
    const void *bytes;
    TRY(vfs_open(fs, path, VFS_READ, &file, err));
    TRY(vfs_file_stat(file, &st, err));
    if (st.size_bytes < SEGMENT_MAGIC_BYTES + SEGMENT_TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "segment %s: cut short to %llu bytes", seg->name,
                       (unsigned long long)st.size_bytes);
    TRY(vfs_map(file, st.size_bytes, &bytes, err));
    seg->fs = fs;
    seg->bytes = bytes;
    seg->size = st.size_bytes;
    TRY(open_common(seg, err));
    *ret_seg = TAKE(seg);
    return 0;
}

struct segment *segment_ref(struct segment *seg)
{
    __atomic_add_fetch(&seg->refs, 1, __ATOMIC_RELAXED);
    return seg;
}

void segment_unref(struct segment *seg)
{
    if (!seg || __atomic_sub_fetch(&seg->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    struct filter_cache *filters = __atomic_load_n(&seg->filter_cache, __ATOMIC_RELAXED);
    if (filters)
        filter_cache_drop(filters, seg);
    if (seg->fs)
        vfs_unmap(seg->fs, seg->bytes, seg->size);
    else
        mem_free((void *)(uintptr_t)seg->bytes);
    mem_free(seg->verified);
    mem_free(seg->fields);
    mem_free(seg->field_by_id);
    mem_free(seg->cache);
    segment__texts_free(seg);
    segment__templates_free(seg->templates);
    segment__dictionary_free(seg->dictionary);
    mem_free(seg);
}

uint32_t segment_doc_count(const struct segment *seg)
{
    return seg->doc_count;
}

const struct segment_field *segment__field(const struct segment *seg, uint32_t id)
{
    uint32_t at = id < seg->field_id_limit ? seg->field_by_id[id] : 0;
    return at ? &seg->fields[at - 1] : NULL;
}

static int64_t system_value(struct doc_reader *reader, const struct column *column, uint32_t doc)
{
    int64_t v = 0;
    (void)doc_reader__value(reader, column, doc, &v);
    return v;
}

int64_t doc_reader_seq_no(struct doc_reader *reader, const struct segment *seg, uint32_t doc)
{
    return system_value(reader, seg->seq_nos, doc);
}

int64_t segment_seq_no(const struct segment *seg, uint32_t doc)
{
    return system_value(NULL, seg->seq_nos, doc);
}

struct column *segment_seq_no_column(const struct segment *seg)
{
    return seg->seq_nos;
}

int64_t doc_reader_version(struct doc_reader *reader, const struct segment *seg, uint32_t doc)
{
    return system_value(reader, seg->versions, doc);
}

int64_t segment_version(const struct segment *seg, uint32_t doc)
{
    return system_value(NULL, seg->versions, doc);
}
