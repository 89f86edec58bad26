/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums, documents and the footer. How: bytes are appended to `out`; when a file is
 * being written, whole megabytes are drained into it, and each drained byte passes the running CRC
 * of its chunk. Regions that grow while others are written (ids, dictionary, postings of a field)
 * wait in buffers of their own. */
#include "index/segment_writer.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/str.h"
#include "index/format.h"
#include "index/segment_writer_int.h"

struct segment_writer *segment_writer_new(const struct segment_writer_options *options)
{
    struct segment_writer *w = MEM_NEW(struct segment_writer);
    w->options = *options;
    struct buf *bufs[] = {&w->out,
                          &w->chunk_crcs,
                          &w->fields,
                          &w->column.entries,
                          &w->field_parts[0],
                          &w->field_parts[1],
                          &w->field_parts[2]};
    for (size_t i = 0; i < ARRAY_COUNT(bufs); i++)
        buf_init(bufs[i], WRITER_BYTES_MAX);
    template_table_init(&w->templates);
    terms_writer__init(&w->terms);
    ids_writer__init(&w->ids);
    stored_writer__init(w);
    buf_add(&w->out, SEGMENT_MAGIC_HEAD, SEGMENT_MAGIC_BYTES);
    return w;
}

void segment_writer_free(struct segment_writer *w)
{
    if (!w)
        return;
    struct buf *bufs[] = {&w->out,
                          &w->chunk_crcs,
                          &w->fields,
                          &w->column.entries,
                          &w->field_parts[0],
                          &w->field_parts[1],
                          &w->field_parts[2]};
    for (size_t i = 0; i < ARRAY_COUNT(bufs); i++)
        buf_deinit(bufs[i]);
    terms_writer__deinit(&w->terms);
    stored_writer__deinit(&w->stored);
    ids_writer__deinit(&w->ids);
    template_table_deinit(&w->templates);
    mem_free(w->template_numbers);
    mem_free(w->seq_nos);
    mem_free(w->versions);
    mem_free(w);
}

void segment_writer__fail(struct segment_writer *w, enum err_code code, const char *what)
{
    if (w->err.code == ERR_NONE)
        (void)err_set(&w->err, code, "segment: %s", what);
}

/* ---- Checksums and the file ---- */

static void crc_feed(struct segment_writer *w, const char *p, size_t n)
{
    while (n > 0) {
        size_t part = MIN_OF(n, (size_t)(SEGMENT_CHUNK_BYTES - w->chunk_fill));
        w->chunk_crc = crc32c(w->chunk_crc, p, part);
        w->chunk_fill += (uint32_t)part;
        p += part;
        n -= part;
        if (w->chunk_fill == SEGMENT_CHUNK_BYTES) {
            buf_add_u32_le(&w->chunk_crcs, w->chunk_crc);
            w->chunk_count++;
            w->chunk_crc = 0;
            w->chunk_fill = 0;
        }
    }
}

void segment_writer__drain(struct segment_writer *w, bool all)
{
    if (!w->options.file || (!all && w->out.n < WRITER_DRAIN_BYTES) || w->err.code != ERR_NONE)
        return;
    crc_feed(w, w->out.p, w->out.n);
    if (vfs_write_at(w->options.file, w->drained, w->out.p, w->out.n, &w->err) < 0)
        return;
    w->drained += w->out.n;
    buf_clear(&w->out);
}

/* ---- Documents ---- */

uint32_t segment_writer_template(struct segment_writer *w, struct str encoded)
{
    return template_table_add(&w->templates, encoded);
}

uint32_t segment_writer_template_count(const struct segment_writer *w)
{
    return (uint32_t)w->templates.count;
}

void segment_writer_stored(struct segment_writer *w, struct str routing, struct str stored)
{
    ASSERT(w->doc_count < w->options.doc_count);
    stored_writer__add(w, routing, stored);
    if (++w->doc_count == w->options.doc_count)
        stored_writer__finish(w); /* before any field: a block ends where the next begins */
}

void segment_writer_doc(struct segment_writer *w, const struct segment_doc *doc)
{
    ASSERT(doc->template_number <= w->templates.count);
    ids_writer__add(w, doc->id);
    void *p = w->template_numbers;
    mem_grow(&p, &w->template_number_capacity, (size_t)w->doc_count + 1, sizeof(uint16_t));
    w->template_numbers = p;
    p = w->seq_nos;
    mem_grow(&p, &w->seq_no_capacity, (size_t)w->doc_count + 1, sizeof(int64_t));
    w->seq_nos = p;
    p = w->versions;
    mem_grow(&p, &w->version_capacity, (size_t)w->doc_count + 1, sizeof(int64_t));
    w->versions = p;
    w->template_numbers[w->doc_count] = (uint16_t)doc->template_number;
    w->seq_nos[w->doc_count] = doc->seq_no;
    w->versions[w->doc_count] = doc->version;
    segment_writer_stored(w, doc->routing, doc->stored);
}

/* ---- Fields ---- */

void segment_writer_field_begin(struct segment_writer *w, uint32_t field_id, enum field_type type,
                                struct str path)
{
    ASSERT(path.n < sizeof(w->field_path));
    w->field_id = field_id;
    w->field_type = (uint8_t)type;
    w->field_part_mask = 0;
    memcpy(w->field_path, path.n ? path.p : "", path.n);
    w->field_path_bytes = path.n;
    w->norms = NULL;
    w->has_norms = false;
}

void segment_writer_field_end(struct segment_writer *w)
{
    ASSERT(!w->terms.is_open);
    if (w->field_part_mask) {
        buf_add_u32_le(&w->fields, w->field_id);
        buf_add_u8(&w->fields, w->field_type);
        buf_add_u8(&w->fields, w->field_part_mask);
        buf_add_u8(&w->fields, (uint8_t)w->field_path_bytes);
        buf_add_u8(&w->fields, (uint8_t)(w->field_path_bytes >> 8));
        buf_add(&w->fields, w->field_path, w->field_path_bytes);
        for (size_t i = 0; i < ARRAY_COUNT(w->field_parts); i++)
            buf_add_str(&w->fields, buf_str(&w->field_parts[i]));
        w->field_count++;
    }
    for (size_t i = 0; i < ARRAY_COUNT(w->field_parts); i++)
        buf_clear(&w->field_parts[i]);
    w->norms = NULL;
    segment_writer__drain(w, false);
}

void segment_writer_norms_begin(struct segment_writer *w)
{
    w->has_norms = true;
    w->field_part_mask |= FIELD_PART_NORMS;
    buf_add_u64_le(&w->field_parts[2], segment_writer__off(w));
}

void segment_writer_norms_add(struct segment_writer *w, const uint8_t *norms, size_t count)
{
    buf_add(&w->out, norms, count);
    segment_writer__drain(w, false);
}

void segment_writer_norms(struct segment_writer *w, const uint8_t *norms)
{
    segment_writer_norms_begin(w);
    segment_writer_norms_add(w, norms, w->options.doc_count);
    w->norms = norms;
}

/* ---- The end ---- */

static void system_column(struct segment_writer *w, uint32_t field_id, struct str path,
                          const int64_t *values)
{
    struct column_input input = {COLUMN_LONG, NULL, values, w->doc_count};
    segment_writer_field_begin(w, field_id, FIELD_LONG, path);
    segment_writer_column(w, &input);
    segment_writer_field_end(w);
}

/* What the footer says of the templates. */
struct template_region {
    uint64_t off;
    uint32_t bytes, raw_bytes;
    uint8_t codec;
};

static struct template_region templates_write(struct segment_writer *w)
{
    struct template_region r = {.off = segment_writer__off(w)};
    if (w->templates.count == 0)
        return r;
    struct buf raw;
    buf_init(&raw, WRITER_BYTES_MAX);
    for (uint32_t i = 1; i <= w->templates.count; i++)
        buf_add_str(&raw, template_table_get(&w->templates, i)->encoded);
    r.codec = stored_writer__pack(w, buf_str(&raw));
    r.raw_bytes = (uint32_t)raw.n;
    buf_deinit(&raw);
    r.bytes = (uint32_t)(segment_writer__off(w) - r.off);
    return r;
}

/* Of what segment_writer_doc took. */
static void system_columns_write(struct segment_writer *w)
{
    if (!w->seq_nos)
        return;
    if (w->templates.count > 0) {
        int64_t *numbers = MEM_ARRAY(int64_t, w->doc_count);
        for (uint32_t i = 0; i < w->doc_count; i++)
            numbers[i] = w->template_numbers[i];
        system_column(w, FIELD_ID_TEMPLATE, STR("_template"), numbers);
        mem_free(numbers);
    }
    system_column(w, FIELD_ID_SEQ_NO, STR("_seq_no"), w->seq_nos);
    system_column(w, FIELD_ID_VERSION, STR("_version"), w->versions);
}

static void footer_write(struct segment_writer *w, struct buf *footer,
                         const struct template_region *templates)
{
    const struct id_regions *ids = &w->ids.regions;
    buf_add_u32_le(footer, w->doc_count);
    buf_add_u32_le(footer, ids->flags);
    buf_add_u64_le(footer, (uint64_t)w->seq_no_min);
    buf_add_u64_le(footer, (uint64_t)w->seq_no_max);
    buf_add_u32_le(footer, w->chunk_count);
    buf_add_str(footer, buf_str(&w->chunk_crcs));
    buf_add_u64_le(footer, w->stored.raw_bytes);
    buf_add_u32_le(footer, w->stored.block_count);
    buf_add_str(footer, buf_str(&w->stored.index));
    buf_add_u64_le(footer, w->stored.dictionary_off);
    buf_add_u32_le(footer, w->stored.dictionary_bytes);
    buf_add_u64_le(footer, templates->off);
    buf_add_u32_le(footer, templates->bytes);
    buf_add_u32_le(footer, templates->raw_bytes);
    buf_add_u32_le(footer, (uint32_t)w->templates.count);
    buf_add_u8(footer, templates->codec);
    buf_add_u64_le(footer, ids->off);
    buf_add_u64_le(footer, ids->bytes);
    buf_add_u64_le(footer, ids->group_off);
    buf_add_u64_le(footer, ids->hash_off);
    buf_add_u64_le(footer, ids->slot_count);
    buf_add_u32_le(footer, w->field_count);
    buf_add_str(footer, buf_str(&w->fields));
}

static int finish(struct segment_writer *w, struct err *err)
{
    ASSERT(w->doc_count == w->options.doc_count && w->doc_count > 0);
    ids_writer__finish(w);
    struct template_region templates = templates_write(w);
    system_columns_write(w);
    static const char pad[SEGMENT_PAD_BYTES];
    buf_add(&w->out, pad, sizeof(pad));
    uint64_t footer_off = segment_writer__off(w);
    /* The last chunk is as long as the body makes it. */
    if (w->options.file)
        segment_writer__drain(w, true);
    else
        crc_feed(w, w->out.p, w->out.n);
    if (w->chunk_fill > 0) {
        buf_add_u32_le(&w->chunk_crcs, w->chunk_crc);
        w->chunk_count++;
    }
    struct buf footer;
    buf_init(&footer, WRITER_BYTES_MAX);
    footer_write(w, &footer, &templates);
    uint8_t tail[SEGMENT_TAIL_BYTES];
    put_u64_le(tail, footer_off);
    put_u32_le(tail + 8, (uint32_t)footer.n);
    put_u32_le(tail + 12, crc32c(0, footer.p, footer.n));
    put_u32_le(tail + 16, SEGMENT_VERSION);
    put_u32_le(tail + 20, crc32c(0, tail, 20));
    memcpy(tail + 24, SEGMENT_MAGIC_TAIL, SEGMENT_MAGIC_BYTES);
    bool is_over = footer.is_over || footer.n > UINT32_MAX;
    buf_add_str(&w->out, buf_str(&footer));
    buf_add(&w->out, tail, sizeof(tail));
    buf_deinit(&footer);
    if (is_over || w->out.is_over || w->fields.is_over)
        segment_writer__fail(w, ERR_TOO_LARGE, "over the size limit");
    if (w->err.code != ERR_NONE) {
        if (err)
            *err = w->err;
        return -(int)w->err.code;
    }
    return 0;
}

int segment_writer_finish(struct segment_writer *w, void **ret_bytes, size_t *ret_size,
                          struct err *err)
{
    ASSERT(!w->options.file);
    TRY(finish(w, err));
    *ret_bytes = mem_realloc(w->out.p, w->out.n);
    *ret_size = w->out.n;
    buf_init(&w->out, 0);
    return 0;
}

int segment_writer_finish_file(struct segment_writer *w, uint64_t *ret_size, struct err *err)
{
    ASSERT(w->options.file);
    TRY(finish(w, err));
    TRY(vfs_write_at(w->options.file, w->drained, w->out.p, w->out.n, err));
    TRY(vfs_sync(w->options.file, err));
    *ret_size = w->drained + w->out.n;
    return 0;
}
