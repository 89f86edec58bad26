/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: `naru index check DIR`: reads every byte below a data folder and every reference between
 * them. Says what it checked. */
#include "base/arena.h"
#include "base/str.h"
#include "index/builder.h"
#include "index/ids.h"
#include "index/index_int.h"
#include "index/wal_record.h"

struct check {
    struct vfs *fs;
    struct arena *mem;
    struct buf *report;
    struct err first;
    uint64_t problems, segments, docs, lives, terms, frames, records;
    struct check_index *indices; /* whose frames those of the log are */
    size_t index_count, index_capacity;
};

struct check_index {
    uint64_t id, wal_flushed;
    struct str name;
    struct mapping *mapping; /* in force where the log is being read */
};

static void problem(struct check *c, const struct err *err)
{
    c->problems++;
    if (c->first.code == ERR_NONE)
        c->first = *err;
    buf_printf(c->report, "damaged: %s\n", err->text);
}

/* ---- One segment ---- */

static int bad(const struct segment *seg, struct err *err, const char *what, uint64_t at)
{
    return err_set(err, ERR_CORRUPT, "segment %s: %s (%llu)", seg->name, what,
                   (unsigned long long)at);
}

static int ids_verify(struct segment *seg, struct err *err)
{
    char last[ID_BYTES_MAX];
    struct id_cursor ids;
    size_t last_n = 0;
    id_cursor_init(&ids, seg);
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        size_t n = id_cursor_read(&ids, doc);
        if (n == 0)
            return bad(seg, err, "empty id of document", doc);
        struct str s = {ids.id, n};
        uint32_t found = segment_find_id(seg, s);
        if (found == DOC_NONE || found < doc)
            return bad(seg, err, "id is not found by its hash, document", doc);
        if (!seg->counted_ids && seg->id_slot_count == 0 && doc > 0 &&
            str_cmp((struct str){last, last_n}, s) >= 0)
            return bad(seg, err, "ids do not ascend, document", doc);
        memcpy(last, ids.id, n);
        last_n = n;
    }
    return 0;
}

static int stored_verify(struct segment *seg, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        struct str source, routing;
        arena_reset(mem);
        TRY(segment_stored(seg, doc, mem, &source, &routing, err));
        if (source.n == 0)
            return bad(seg, err, "empty source of document", doc);
    }
    return 0;
}

static int column_verify(struct segment *seg, const struct column *c, struct err *err)
{
    uint64_t values = 0;
    uint32_t docs = 0, limit = c->kind == COLUMN_ORDINAL ? c->terms->term_count : 0;
    int64_t buffer[64];
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        size_t n = column_doc_longs(c, doc, buffer, ARRAY_COUNT(buffer));
        struct column_zone zone;
        values += n;
        docs += n > 0;
        if (n > 0 && !column_zone(c, doc / ZONE_DOCS, &zone))
            return bad(seg, err, "a value in a zone that says it has none, document", doc);
        for (size_t i = 0; i < MIN_OF(n, ARRAY_COUNT(buffer)); i++) {
            if (c->kind == COLUMN_ORDINAL && (uint64_t)buffer[i] >= limit)
                return bad(seg, err, "ordinal beyond the dictionary, document", doc);
            if (c->kind == COLUMN_LONG && (buffer[i] < zone.min_i || buffer[i] > zone.max_i))
                return bad(seg, err, "value outside its zone's bounds, document", doc);
        }
    }
    TRY(segment_failure(seg, err));
    if (values != c->value_count || docs != c->doc_count)
        return bad(seg, err, "a column has another number of values than it says", values);
    return 0;
}

static int terms_verify(struct segment *seg, const struct terms *t, uint64_t *terms,
                        struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct term_cursor *c = arena_alloc(mem, sizeof(*c));
    struct buf last;
    uint64_t sum_doc_freq = 0, sum_total = 0;
    uint32_t count = 0;
    int rc = 0;
    buf_init(&last, 0);
    bool more = term_cursor_block(c, t, 0) && term_cursor_next(c);
    CLEANUP(arena_free_ptr) struct arena *scratch = arena_new(0);
    for (; more && rc == 0; more = term_cursor_next(c)) {
        struct str term = {c->term, c->term_bytes};
        if (count++ && str_cmp(buf_str(&last), term) >= 0)
            rc = bad(seg, err, "terms do not ascend, term", count);
        buf_clear(&last);
        buf_add_str(&last, term);
        sum_doc_freq += c->entry.doc_freq;
        sum_total += c->entry.total_term_freq;
        if (!(t->flags & TERMS_FLAG_POSTINGS))
            continue;
        arena_reset(scratch);
        struct postings *p = postings__open(seg, t, &c->entry, NULL, POSTINGS_POSITIONS, scratch);
        uint64_t total = 0;
        uint32_t docs = 0;
        for (uint32_t doc, before = DOC_NONE; (doc = postings_next(p)) != DOC_NONE && rc == 0;
             before = doc) {
            size_t n = 0;
            if (before != DOC_NONE && doc <= before)
                rc = bad(seg, err, "postings do not ascend, term", count);
            docs++;
            total += postings_freq(p);
            (void)postings_positions(p, &n);
            if ((t->flags & TERMS_FLAG_POSITIONS) && n != postings_freq(p))
                rc = bad(seg, err, "positions are missing, term", count);
        }
        if (rc == 0 && (docs != c->entry.doc_freq || total != c->entry.total_term_freq))
            rc = bad(seg, err, "a term has another number of documents than it says, term", count);
    }
    buf_deinit(&last);
    TRY(rc);
    TRY(segment_failure(seg, err));
    *terms += count;
    if (count != t->term_count || sum_doc_freq != t->sum_doc_freq ||
        sum_total != t->sum_total_term_freq)
        return bad(seg, err, "a dictionary has other sums than it says", count);
    return 0;
}

static int segment_verify_counting(struct segment *seg, uint64_t *terms, struct err *err)
{
    if (memcmp(seg->bytes, SEGMENT_MAGIC_HEAD, SEGMENT_MAGIC_BYTES) != 0)
        return bad(seg, err, "bad head", 0);
    for (uint64_t off = 0; off < seg->body_bytes; off += SEGMENT_CHUNK_BYTES)
        (void)segment__at(seg, off, MIN_OF((uint64_t)SEGMENT_CHUNK_BYTES, seg->body_bytes - off));
    TRY(segment_failure(seg, err));
    TRY(ids_verify(seg, err));
    TRY(stored_verify(seg, err));
    for (uint32_t i = 0; i < seg->field_count; i++) {
        const struct segment_field *f = &seg->fields[i];
        if (f->parts & FIELD_PART_COLUMN)
            TRY(column_verify(seg, &f->column, err));
        if (f->parts & FIELD_PART_TERMS)
            TRY(terms_verify(seg, &f->terms, terms, err));
    }
    return segment_failure(seg, err);
}

int segment_verify_all(struct segment *seg, struct err *err)
{
    uint64_t terms = 0;
    return segment_verify_counting(seg, &terms, err);
}

/* ---- One index ---- */

static int live_verify(struct check *c, struct str dir, const struct manifest_segment *m,
                       struct err *err)
{
    uint64_t *words;
    uint32_t count;
    if (m->live_generation == 0)
        return 0;
    TRY(live_file_read(c->fs, live_file_path(dir, m->number, m->live_generation, c->mem),
                       m->doc_count, &words, &count, err));
    size_t n = bitset_count(words, BITSET_WORDS(m->doc_count));
    mem_free(words);
    if (n != count)
        return err_set(err, ERR_CORRUPT,
                       "live documents of segment %llu: %zu bits where %u are promised",
                       (unsigned long long)m->number, n, count);
    c->lives++;
    return 0;
}

static int segment_check(struct check *c, struct str dir, const struct manifest_segment *m,
                         struct err *err)
{
    CLEANUP(segment_unref_ptr) struct segment *seg = NULL;
    if (m->bytes == 0)
        return err_set(err, ERR_CORRUPT, "segment %llu.seg: was set aside as damaged, %u documents",
                       (unsigned long long)m->number, m->doc_count);
    TRY(segment_open_file(c->fs, segment_file_path(dir, m->number, c->mem), &seg, err));
    if (seg->size != m->bytes || seg->doc_count != m->doc_count)
        return err_set(err, ERR_CORRUPT,
                       "segment %s: its size or document count is not the manifest's", seg->name);
    TRY(live_verify(c, dir, m, err));
    TRY(segment_verify_counting(seg, &c->terms, err));
    c->segments++;
    c->docs += seg->doc_count;
    return 0;
}

static void index_note(struct check *c, const struct manifest *m, struct mapping *mapping)
{
    void *p = c->indices;
    mem_grow(&p, &c->index_capacity, c->index_count + 1, sizeof(*c->indices));
    c->indices = p;
    c->indices[c->index_count++] =
        (struct check_index){m->id, m->wal_flushed, m->name, mapping_ref(mapping)};
}

/* The index that needs a frame, NULL: nobody. */
static struct check_index *index_of(const struct check *c, const struct wal_frame *frame)
{
    for (size_t i = 0; i < c->index_count; i++) {
        if (c->indices[i].id == frame->index_id && frame->seq >= c->indices[i].wal_flushed)
            return &c->indices[i];
    }
    return NULL;
}

static void index_check_one(struct check *c, struct str dir)
{
    struct manifest m;
    struct mapping *mapping = NULL;
    struct err err = {0};
    int rc = manifest_read(c->fs, dir, c->mem, &m, &err);
    if (rc == 0 && !str_eq(m.uuid, path_name(dir)))
        rc = err_set(&err, ERR_CORRUPT, "its manifest belongs to index " STR_FMT, STR_ARG(m.uuid));
    if (rc == 0)
        rc = mapping_decode(m.mapping_json, &mapping, &err);
    if (rc < 0) {
        struct manifest whose = {.name = STR("?")};
        (void)manifest_identity(c->fs, dir, c->mem, &whose);
        (void)err_wrap(&err, "index [" STR_FMT "] " STR_FMT, STR_ARG(whose.name),
                       STR_ARG(path_name(dir)));
        problem(c, &err);
        return;
    }
    index_note(c, &m, mapping);
    if (index__tail_find(c->fs, dir, &err) < 0) {
        (void)err_wrap(&err, "index [" STR_FMT "] " STR_FMT, STR_ARG(m.name), STR_ARG(m.uuid));
        problem(c, &err);
    }
    uint64_t docs = c->docs, segments = c->segments;
    for (size_t i = 0; i < m.segment_count; i++) {
        if (segment_check(c, dir, &m.segments[i], &err) < 0)
            problem(c, &err);
    }
    buf_printf(c->report,
               "index [" STR_FMT "] " STR_FMT ": %llu segments, %llu documents, %zu fields\n",
               STR_ARG(m.name), STR_ARG(m.uuid), (unsigned long long)(c->segments - segments),
               (unsigned long long)(c->docs - docs), mapping->field_count);
    mapping_unref(mapping);
}

static void frame_problem(struct check *c, const struct wal_frame *frame, const struct err *what)
{
    const struct check_index *index = index_of(c, frame);
    struct err damage;
    (void)err_set(&damage, ERR_CORRUPT, "write-ahead log: frame %llu %s, which %s" STR_FMT "%s",
                  (unsigned long long)frame->seq, what->text, index ? "index [" : "nobody needs",
                  STR_ARG(index ? index->name : STR_NONE), index ? "] needs" : "");
    problem(c, &damage);
}

/* Applied as a replay would, to documents that nobody keeps. */
static int doc_check(struct builder *builder, struct check_index *index,
                     const struct wal_record *record, struct err *err)
{
    struct builder_doc doc = {record->id, record->routing, record->source, (int64_t)record->seq_no,
                              (int64_t)record->version};
    struct mapping *wider = NULL;
    TRY(builder_add(builder, index->mapping, &doc, &wider, err));
    if (wider) {
        mapping_unref(index->mapping);
        index->mapping = wider;
    }
    return 0;
}

static int docs_check(struct check *c, const struct wal_frame *frame, struct err *err)
{
    CLEANUP(builder_free_ptr) struct builder *builder = builder_new();
    struct check_index *index = index_of(c, frame);
    const uint8_t *p = (const uint8_t *)frame->payload.p, *end = p + frame->payload.n;
    struct wal_record r;
    for (uint32_t i = 0; i < frame->record_count; i++, c->records++) {
        if (!wal_record_take(&p, end, &r))
            return err_set(err, ERR_CORRUPT, "holds a bad record");
        if (index && r.op != WAL_DOC_DELETE && doc_check(builder, index, &r, err) < 0)
            return err_wrap(err, "holds document [" STR_FMT "]", STR_ARG(r.id));
    }
    return p == end ? 0 : err_set(err, ERR_CORRUPT, "holds more than its records");
}

static int mapping_check(struct check *c, const struct wal_frame *frame, struct err *err)
{
    CLEANUP(mapping_unref_ptr) struct mapping *mapping = NULL;
    struct check_index *index = index_of(c, frame);
    if (mapping_decode(frame->payload, &mapping, err) < 0)
        return err_wrap(err, "holds a bad mapping");
    if (index) {
        mapping_unref(index->mapping);
        index->mapping = TAKE(mapping);
    }
    return 0;
}

static int frame_check(void *arg, const struct wal_frame *frame, struct err *err)
{
    struct check *c = arg;
    int rc = 0;
    c->frames++;
    if (frame->is_damaged)
        rc = err_set(err, ERR_CORRUPT, "is damaged");
    else if (frame->kind == WAL_DOCS)
        rc = docs_check(c, frame, err);
    else if (frame->kind == WAL_MAPPING)
        rc = mapping_check(c, frame, err);
    else if (frame->kind != WAL_NEW_INDEX)
        rc = err_set(err, ERR_CORRUPT, "is of unknown kind %u", frame->kind);
    if (rc < 0)
        frame_problem(c, frame, err);
    return 0;
}

static int indices_check(struct check *c, struct str path, struct err *err)
{
    struct vfs_entry *entries;
    size_t count;
    struct str dir = path_join(c->mem, path, STR("indices"));
    int rc = vfs_list(c->fs, dir, c->mem, &entries, &count, err);
    if (rc == -ERR_NOT_FOUND)
        return 0;
    TRY(rc);
    for (size_t i = 0; i < count; i++) {
        struct str index = path_join(c->mem, dir, entries[i].name);
        struct vfs_stat st;
        /* Without a manifest it is the rest of one that was being made or removed. */
        if (entries[i].kind == VFS_KIND_DIR &&
            vfs_stat(c->fs, path_join(c->mem, index, STR("manifest")), true, &st, NULL) == 0)
            index_check_one(c, index);
    }
    return 0;
}

static int wal_check(struct check *c, struct str path, struct err *err)
{
    struct wal *wal;
    struct vfs_stat st;
    struct wal_config config = {.fs = c->fs,
                                .dir = path_join(c->mem, path, STR("wal")),
                                .replay = frame_check,
                                .arg = c,
                                .is_check = true};
    if (vfs_stat(c->fs, config.dir, true, &st, NULL) < 0)
        return 0;
    for (size_t i = 0; i < c->index_count; i++)
        config.seq_min =
            MAX_OF(config.seq_min, MAX_OF(c->indices[i].id + 1, c->indices[i].wal_flushed));
    int rc = wal_open(&config, &wal, err);
    if (rc == 0)
        wal_close(wal);
    return rc;
}

int index_check(struct vfs *fs, struct str path, struct buf *report, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct check c = {.fs = fs, .mem = mem, .report = report};
    struct err one = {0};
    TRY(indices_check(&c, path, err));
    if (wal_check(&c, path, &one) < 0)
        problem(&c, &one);
    buf_printf(report,
               "checked %llu segments, %llu files of live documents, %llu documents, %llu terms, "
               "%llu log frames with %llu records: %llu problems\n",
               (unsigned long long)c.segments, (unsigned long long)c.lives,
               (unsigned long long)c.docs, (unsigned long long)c.terms,
               (unsigned long long)c.frames, (unsigned long long)c.records,
               (unsigned long long)c.problems);
    for (size_t i = 0; i < c.index_count; i++)
        mapping_unref(c.indices[i].mapping);
    mem_free(c.indices);
    if (c.problems == 0)
        return 0;
    if (err)
        *err = c.first;
    return -ERR_CORRUPT;
}
