/* SPDX-License-Identifier: Apache-2.0 */
/* How: documents get their new numbers; then the result is written part by part, each in the order
 * of its documents: stored source, ids, the system's columns, then field by field: norms, the
 * dictionaries merged like sorted streams with their postings renumbered on the way
 * (merge_terms.c), and the column with its ordinals mapped (merge_columns.c). A dictionary without
 * postings (ip) learns from the column which of its terms still have a document. */
#include "index/merge.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"
#include "index/merge_int.h"

#define BREATH_BYTES    (256 * KIB)
#define RELEASE_BYTES   (8 * MIB)  /* written between two times that inputs' pages are given back */
#define TEMPLATE_UNSEEN UINT16_MAX /* of an input: no document of it came yet */

void merge__breathe(struct merge *m)
{
    uint64_t off = segment_writer__off(m->w);
    if (off - m->released >= RELEASE_BYTES) {
        for (size_t i = 0; i < m->count; i++)
            segment__release(m->inputs[i].segment);
        m->released = off;
    }
    if (!m->pace || m->breath.code != ERR_NONE || off - m->breathed < BREATH_BYTES)
        return;
    (void)!m->pace->breathe(m->pace->arg, off - m->breathed, &m->breath);
    m->breathed = off;
}

static int breath_end(const struct merge *m, struct err *err)
{
    if (m->breath.code != ERR_NONE && err)
        *err = m->breath;
    return -(int)m->breath.code;
}

/* What readers met on the way. */
static int failure(const struct merge *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++)
        TRY(segment_failure(m->inputs[i].segment, err));
    return breath_end(m, err);
}

/* ---- Order ---- */

static bool is_live(const struct merge_input *input, uint32_t doc)
{
    return !input->live || bitset_get(input->live, doc);
}

static uint32_t plan_in_line(struct merge_input *inputs, size_t count)
{
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t doc = 0; doc < inputs[i].segment->doc_count; doc++)
            renumber_add(&inputs[i].new_docs, is_live(&inputs[i], doc) ? next++ : RENUMBER_NONE);
    }
    return next;
}

/* A sorted input as it is walked: the value of `doc`, which lives. */
struct stream {
    struct merge_input *input;
    const struct column *column;
    uint32_t doc;
    int64_t value;
    uint32_t window_first, window_n;
    int64_t *window;
};

/* To the next living document at or behind `doc`. */
static void stream_seek(struct stream *s, uint32_t doc)
{
    uint32_t end = s->input->segment->doc_count;
    for (; doc < end && !is_live(s->input, doc); doc++)
        renumber_add(&s->input->new_docs, RENUMBER_NONE);
    s->doc = doc < end ? doc : DOC_NONE;
    if (s->doc == DOC_NONE)
        return;
    if (doc - s->window_first >= s->window_n) {
        s->window_first = doc - doc % ZONE_DOCS;
        s->window_n = MIN_OF(end - s->window_first, ZONE_DOCS);
        column_read_longs(s->column, s->window_first, s->window_n, s->window, NULL);
    }
    s->value = s->window[doc - s->window_first];
}

static const struct column *sorted_column(const struct merge_input *input, uint32_t field)
{
    const struct segment_field *f = segment__field(input->segment, field);
    bool is_sorted = f && (f->parts & FIELD_PART_COLUMN) && f->column.kind == COLUMN_LONG &&
                     column_is_sorted(&f->column);
    return is_sorted ? &f->column : NULL;
}

/* All sorted, and not already one behind the other. */
static bool wants_sort(const struct merge_input *inputs, size_t count, uint32_t field)
{
    bool is_in_line = true;
    struct column_zone last, zone;
    if (field == MERGE_SORT_NONE || count < 2 || count > UINT16_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct column *c = sorted_column(&inputs[i], field);
        if (!c || !column_stats(c, &zone))
            return false;
        is_in_line &= i == 0 || last.max_i <= zone.min_i;
        last = zone;
    }
    return !is_in_line;
}

/* Of equal ones the older input. */
static bool is_less(const struct stream *a, const struct stream *b)
{
    return a->value < b->value || (a->value == b->value && a < b);
}

/* The least stream, and the one behind it: the least goes on as long as it is before that. */
static struct stream *streams_least(struct stream *streams, size_t count,
                                    struct stream **ret_second)
{
    struct stream *least = NULL, *second = NULL;
    for (size_t i = 0; i < count; i++) {
        struct stream *s = &streams[i];
        if (s->doc == DOC_NONE)
            continue;
        if (!least || is_less(s, least)) {
            second = least;
            least = s;
        } else if (!second || is_less(s, second)) {
            second = s;
        }
    }
    *ret_second = second;
    return least;
}

static uint32_t plan_sorted(struct merge_input *inputs, size_t count, uint32_t field)
{
    struct stream *streams = MEM_ARRAY(struct stream, count), *least, *second;
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        streams[i] = (struct stream){.input = &inputs[i],
                                     .column = sorted_column(&inputs[i], field),
                                     .window = MEM_ARRAY(int64_t, ZONE_DOCS)};
        stream_seek(&streams[i], 0);
    }
    while ((least = streams_least(streams, count, &second)) != NULL) {
        do {
            renumber_add(&least->input->new_docs, next++);
            stream_seek(least, least->doc + 1);
        } while (least->doc != DOC_NONE && (!second || is_less(least, second)));
    }
    for (size_t i = 0; i < count; i++)
        mem_free(streams[i].window);
    mem_free(streams);
    return next;
}

uint32_t merge_plan(struct merge_input *inputs, size_t count, uint32_t sort_field)
{
    for (size_t i = 0; i < count; i++)
        renumber_init(&inputs[i].new_docs, inputs[i].segment->doc_count);
    uint32_t docs = wants_sort(inputs, count, sort_field) ? plan_sorted(inputs, count, sort_field)
                                                          : plan_in_line(inputs, count);
    for (size_t i = 0; i < count; i++)
        renumber_end(&inputs[i].new_docs);
    return docs;
}

/* ---- Documents ---- */

/* Of each document of a zone of the result: the input, and its number there. */
struct origin {
    uint32_t input, doc;
};
typedef int doc_fn(struct merge *m, size_t input, uint32_t doc, void *arg, struct err *err);

/* Calls `each` with every document of the result, in order. */
static int docs_each(struct merge *m, doc_fn *each, void *arg, struct err *err)
{
    struct origin origins[ZONE_DOCS];
    for (size_t i = 0; i < m->count; i++)
        renumber_walk_begin(&m->walks[i], &m->inputs[i].new_docs);
    for (uint32_t first = 0; first < m->doc_count; first += ZONE_DOCS) {
        uint32_t n = MIN_OF(m->doc_count - first, ZONE_DOCS);
        for (uint32_t i = 0; i < m->count; i++) {
            struct renumber_walk *walk = &m->walks[i];
            for (; walk->to < first + n; renumber_walk_next(walk))
                origins[walk->to - first] = (struct origin){i, walk->old};
        }
        for (uint32_t i = 0; i < n; i++)
            TRY(each(m, origins[i].input, origins[i].doc, arg, err));
        merge__breathe(m);
        TRY(breath_end(m, err));
    }
    return 0;
}

/* A document goes over as it is stored, under the number its template has there. Only when there
 * are more templates than one segment may have, its source is rebuilt and stored whole. */
static int stored_copy(struct merge *m, size_t input, uint32_t doc, void *arg, struct err *err)
{
    struct segment *seg = m->inputs[input].segment;
    struct stored_doc stored;
    (void)arg;
    arena_reset(m->mem);
    TRY(segment__stored_read(seg, doc, m->mem, &stored, err));
    if (stored.source_template) {
        uint16_t *number = &m->template_numbers[input][stored.template_number];
        if (*number == TEMPLATE_UNSEEN)
            *number = (uint16_t)segment_writer_template(m->w, stored.source_template->encoded);
        if (*number == 0)
            TRY(segment_stored(seg, doc, m->mem, &stored.bytes, &stored.routing, err));
    }
    segment_writer_stored(m->w, stored.routing, stored.bytes);
    return 0;
}

static int stored_merge(struct merge *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++) {
        m->template_numbers[i] = mem_alloc((TEMPLATES_MAX + 1) * sizeof(uint16_t));
        memset(m->template_numbers[i], 0xFF, (TEMPLATES_MAX + 1) * sizeof(uint16_t));
        m->template_numbers[i][0] = 0;
    }
    return docs_each(m, stored_copy, NULL, err);
}

/* ---- Ids ---- */

struct ids_copy {
    struct id_cursor *cursors; /* per input */
    bool may_count;
};

static int id_read(struct merge *m, struct ids_copy *ids, size_t input, uint32_t doc,
                   struct str *ret_id, struct err *err)
{
    struct segment *seg = m->inputs[input].segment;
    size_t n = id_cursor_read(&ids->cursors[input], doc);
    if (n == 0) { /* damage */
        TRY(segment_failure(seg, err));
        return err_set(err, ERR_CORRUPT, "segment %s: document %u has no id", seg->name, doc);
    }
    *ret_id = (struct str){ids->cursors[input].id, n};
    return 0;
}

static int id_copy(struct merge *m, size_t input, uint32_t doc, void *arg, struct err *err)
{
    struct str id;
    TRY(id_read(m, arg, input, doc, &id, err));
    segment_writer_id(m->w, id);
    return 0;
}

static bool prefix_take(struct merge *m, struct str id)
{
    uint32_t count;
    return id_count_read(id, &count) &&
           segment_writer_id_prefix(m->w, str_sub(id, 0, COUNTED_ID_PREFIX_BYTES));
}

/* Tells the writer the prefixes of one input, as long as all ids may be counted. */
static int prefixes_take(struct merge *m, struct ids_copy *ids, size_t input, struct err *err)
{
    struct segment *seg = m->inputs[input].segment;
    struct renumber_walk *walk = &m->walks[input];
    uint64_t prefix_bytes = seg->counted_ids ? seg->id_bytes : 0;
    for (uint64_t at = 0; at < prefix_bytes && ids->may_count; at += COUNTED_ID_PREFIX_BYTES) {
        const uint8_t *p = segment__at(seg, seg->id_off + at, COUNTED_ID_PREFIX_BYTES);
        if (!p)
            return segment_failure(seg, err);
        ids->may_count =
            segment_writer_id_prefix(m->w, (struct str){(const char *)p, COUNTED_ID_PREFIX_BYTES});
    }
    renumber_walk_begin(walk, &m->inputs[input].new_docs);
    for (; !seg->counted_ids && ids->may_count && walk->to != RENUMBER_NONE;
         renumber_walk_next(walk)) {
        struct str id;
        TRY(id_read(m, ids, input, walk->old, &id, err));
        ids->may_count = prefix_take(m, id);
    }
    return 0;
}

static int ids_copy(struct merge *m, struct ids_copy *ids, struct err *err)
{
    for (size_t i = 0; i < m->count; i++)
        TRY(prefixes_take(m, ids, i, err));
    segment_writer_ids_begin(m->w, ids->may_count);
    TRY(docs_each(m, id_copy, ids, err));
    segment_writer_ids_end(m->w);
    return 0;
}

static int ids_merge(struct merge *m, struct err *err)
{
    struct ids_copy ids = {MEM_ARRAY(struct id_cursor, m->count), true};
    for (size_t i = 0; i < m->count; i++)
        id_cursor_init(&ids.cursors[i], m->inputs[i].segment);
    int rc = ids_copy(m, &ids, err);
    mem_free(ids.cursors);
    return rc < 0 ? rc : failure(m, err);
}

/* ---- The system's columns ---- */

static int64_t template_mapped(const struct merge *m, size_t input, int64_t value)
{
    uint16_t number = (uint64_t)value <= TEMPLATES_MAX ? m->template_numbers[input][value] : 0;
    return number == TEMPLATE_UNSEEN ? 0 : number;
}

static void system_column(struct merge *m, uint32_t id, struct str path,
                          const struct column_source *source)
{
    segment_writer_field_begin(m->w, id, FIELD_LONG, path);
    merge__column(m, source, COLUMN_LONG);
    segment_writer_field_end(m->w);
}

static int system_columns_merge(struct merge *m, struct err *err)
{
    struct column_source source = {.columns = m->columns};
    for (size_t i = 0; i < m->count; i++)
        m->columns[i] = m->inputs[i].segment->seq_nos;
    system_column(m, FIELD_ID_SEQ_NO, STR("_seq_no"), &source);
    for (size_t i = 0; i < m->count; i++)
        m->columns[i] = m->inputs[i].segment->versions;
    system_column(m, FIELD_ID_VERSION, STR("_version"), &source);
    if (segment_writer_template_count(m->w) == 0)
        return failure(m, err);
    for (size_t i = 0; i < m->count; i++)
        m->columns[i] = m->inputs[i].segment->template_numbers;
    source.map = template_mapped;
    source.is_filled = true;
    system_column(m, FIELD_ID_TEMPLATE, STR("_template"), &source);
    return failure(m, err);
}

/* ---- Fields ---- */

static bool has_part(const struct merge *m, unsigned part)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->fields[i] && (m->fields[i]->parts & part))
            return true;
    }
    return false;
}

static int64_t ordinal_mapped(const struct merge *m, size_t input, int64_t value)
{
    uint32_t to = (uint64_t)value < UINT32_MAX ? renumber_get(&m->ordinals[input], (uint32_t)value)
                                               : RENUMBER_NONE;
    if (UNLIKELY(to == RENUMBER_NONE)) {
        segment__damaged(m->inputs[input].segment, "a value's term has not the document", 0);
        return 0;
    }
    return to;
}

static struct column_source field_column(struct merge *m, enum column_kind *ret_kind)
{
    *ret_kind = COLUMN_LONG;
    for (size_t i = 0; i < m->count; i++) {
        bool has = m->fields[i] && (m->fields[i]->parts & FIELD_PART_COLUMN);
        m->columns[i] = has ? &m->fields[i]->column : NULL;
        if (has)
            *ret_kind = (enum column_kind)m->fields[i]->column.kind;
    }
    return (struct column_source){.columns = m->columns,
                                  .map = *ret_kind == COLUMN_ORDINAL ? ordinal_mapped : NULL};
}

static void zone_count(struct merge *m, const struct zone_values *z, void *arg)
{
    uint32_t *counts = arg;
    for (size_t i = 0; i < z->n; i++) {
        counts[z->values[i]]++;
        bitset_set(m->seen, z->docs[i]);
    }
}

/* A dictionary whose terms must be counted through the column. */
static void counted_terms(struct merge *m)
{
    enum column_kind kind;
    struct column_source source = field_column(m, &kind);
    uint32_t union_count = merge__terms(m, 0, NULL); /* numbers only: nothing is written */
    uint32_t *counts = MEM_ARRAY(uint32_t, (size_t)union_count + 1);
    if (kind == COLUMN_ORDINAL)
        merge__zones(m, &source, zone_count, counts);
    (void)merge__terms(m, 0, counts);
    mem_free(counts);
}

static unsigned terms_flags(const struct merge *m)
{
    unsigned flags = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->fields[i] && (m->fields[i]->parts & FIELD_PART_TERMS))
            flags |= m->fields[i]->terms.flags;
    }
    return flags;
}

static void terms_merge(struct merge *m)
{
    unsigned flags = terms_flags(m);
    segment_writer_terms_begin(m->w, flags);
    if (flags & TERMS_FLAG_POSTINGS)
        (void)merge__terms(m, flags, NULL);
    else
        counted_terms(m);
    segment_writer_terms_end(m->w, (uint32_t)bitset_count(m->seen, BITSET_WORDS(m->doc_count)));
}

static void norms_find(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct segment *seg = m->inputs[i].segment;
        bool has = m->fields[i] && (m->fields[i]->parts & FIELD_PART_NORMS);
        m->norms[i] = has ? segment__at(seg, m->fields[i]->norms_off, seg->doc_count) : NULL;
    }
}

static void field_merge(struct merge *m, const struct segment_field *model)
{
    enum column_kind kind;
    memset(m->seen, 0, BITSET_WORDS(m->doc_count) * 8);
    segment_writer_field_begin(m->w, model->id, (enum field_type)model->type, model->path);
    norms_find(m);
    if (has_part(m, FIELD_PART_NORMS))
        merge__norms(m);
    if (has_part(m, FIELD_PART_TERMS))
        terms_merge(m);
    if (has_part(m, FIELD_PART_COLUMN)) {
        struct column_source source = field_column(m, &kind);
        merge__column(m, &source, kind);
    }
    segment_writer_field_end(m->w);
    for (size_t i = 0; i < m->count; i++)
        renumber_deinit(&m->ordinals[i]);
}

static int fields_merge(struct merge *m, struct err *err)
{
    uint32_t limit = 0;
    for (size_t i = 0; i < m->count; i++)
        limit = MAX_OF(limit, m->inputs[i].segment->field_id_limit);
    for (uint32_t id = 0; id < limit; id++) {
        const struct segment_field *model = NULL;
        for (size_t i = 0; i < m->count; i++) {
            m->fields[i] = segment__field(m->inputs[i].segment, id);
            if (m->fields[i])
                model = m->fields[i];
        }
        if (!model)
            continue;
        field_merge(m, model);
        merge__breathe(m);
        TRY(failure(m, err));
    }
    return 0;
}

/* ---- All of it ---- */

static int merge_all(struct merge *m, struct vfs_file *file, void **ret_bytes, uint64_t *ret_size,
                     struct err *err)
{
    TRY(stored_merge(m, err));
    TRY(ids_merge(m, err));
    TRY(system_columns_merge(m, err));
    TRY(fields_merge(m, err));
    if (file)
        return segment_writer_finish_file(m->w, ret_size, err);
    size_t size;
    TRY(segment_writer_finish(m->w, ret_bytes, &size, err));
    *ret_size = size;
    return 0;
}

static void merge_init(struct merge *m)
{
    size_t count = m->count;
    m->mem = arena_new(0);
    m->walks = MEM_ARRAY(struct renumber_walk, count);
    m->windows = MEM_ARRAY(struct column_window, count);
    m->columns = MEM_ARRAY(const struct column *, count);
    m->template_numbers = MEM_ARRAY(uint16_t *, count);
    m->fields = MEM_ARRAY(const struct segment_field *, count);
    m->ordinals = MEM_ARRAY(struct renumber, count);
    m->norms = MEM_ARRAY(const uint8_t *, count);
    m->seen = MEM_ARRAY(uint64_t, BITSET_WORDS(m->doc_count));
    m->cursors = MEM_ARRAY(struct term_cursor *, count);
    m->is_open = MEM_ARRAY(bool, count);
    m->heads = MEM_ARRAY(uint64_t, count);
    m->holders = MEM_ARRAY(size_t, count);
    m->runs = MEM_ARRAY(struct posting_run, count);
    for (size_t i = 0; i < count; i++)
        m->cursors[i] = mem_alloc(sizeof(struct term_cursor));
}

static void merge_deinit(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->cursors[i]);
        mem_free(m->template_numbers[i]);
    }
    arena_free(m->mem);
    mem_free(m->walks);
    mem_free(m->windows);
    mem_free(m->columns);
    mem_free(m->template_numbers);
    mem_free(m->fields);
    mem_free(m->ordinals);
    mem_free(m->norms);
    mem_free(m->seen);
    mem_free(m->cursors);
    mem_free(m->is_open);
    mem_free(m->heads);
    mem_free(m->holders);
    mem_free(m->runs);
    mem_free(m->batch.positions);
    mem_free(m->zone.docs);
    mem_free(m->zone.values);
    mem_free(m->zone.docs_spare);
    mem_free(m->zone.values_spare);
}

int merge_run(const struct merge_input *inputs, size_t count, struct vfs_file *file,
              bool is_compressed, const struct merge_pace *pace, void **ret_bytes,
              uint64_t *ret_size, struct err *err)
{
    struct merge m = {.inputs = inputs, .count = count, .pace = pace};
    for (size_t i = 0; i < count; i++)
        m.doc_count += inputs[i].new_docs.present_count;
    ASSERT(m.doc_count > 0);
    struct segment_writer_options options = {
        .file = file, .is_compressed = is_compressed, .doc_count = m.doc_count};
    m.w = segment_writer_new(&options);
    merge_init(&m);
    int rc = merge_all(&m, file, ret_bytes, ret_size, err);
    segment_writer_free(m.w);
    merge_deinit(&m);
    return rc;
}
