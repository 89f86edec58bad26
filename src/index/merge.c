/* SPDX-License-Identifier: Apache-2.0 */
/* How: documents are copied in order; then field by field: norms, the dictionaries merged like
 * sorted streams with their postings renumbered on the way, and the column with its ordinals
 * mapped. One field's column is in memory at a time. A dictionary without postings (ip) learns from
 * the column which of its terms still have a document. */
#include "index/merge.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"
#include "index/ids.h"
#include "index/segment_int.h"
#include "index/segment_writer.h"

#define TERMS_PER_ARENA_RESET 256u
#define TEMPLATE_UNSEEN       UINT16_MAX /* of an input: no document of it came yet */

struct merge {
    struct merge_input *inputs;
    size_t count;
    uint32_t doc_count;
    struct segment_writer *w;
    uint32_t field_id;
    const struct segment_field **fields; /* of the field at hand, per input, NULL: has none */
    uint32_t **ordinals;                 /* per input: old -> new, DOC_NONE: gone */
    uint64_t *seen;                      /* bit set of new documents with the field */
    struct term_cursor **cursors;
    bool *is_open;
    /* Postings of the term at hand. */
    uint32_t *docs, *freqs, *positions;
    size_t doc_n, doc_capacity, freq_capacity, position_n, position_capacity;
    struct arena *mem;
};

uint32_t merge_plan(struct merge_input *inputs, size_t count)
{
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t n = inputs[i].segment->doc_count;
        inputs[i].new_docs = mem_alloc((size_t)n * sizeof(uint32_t));
        for (uint32_t doc = 0; doc < n; doc++)
            inputs[i].new_docs[doc] =
                !inputs[i].live || bitset_get(inputs[i].live, doc) ? next++ : DOC_NONE;
    }
    return next;
}

/* ---- Documents ---- */

/* A document goes over as it is stored, under the number its template has there. Only when there
 * are more templates than one segment may have, its source is rebuilt and stored whole. */
static int doc_merge(struct merge *m, struct segment *seg, uint32_t doc, uint16_t *template_numbers,
                     struct segment_doc *out, struct err *err)
{
    struct stored_doc stored;
    TRY(segment__stored_read(seg, doc, m->mem, &stored, err));
    out->routing = stored.routing;
    out->stored = stored.bytes;
    if (!stored.source_template)
        return 0;
    uint16_t *number = &template_numbers[stored.template_number];
    if (*number == TEMPLATE_UNSEEN)
        *number = (uint16_t)segment_writer_template(m->w, stored.source_template->encoded);
    out->template_number = *number;
    return *number ? 0 : segment_stored(seg, doc, m->mem, &out->stored, &out->routing, err);
}

static int docs_merge(struct merge *m, struct err *err)
{
    uint16_t template_numbers[TEMPLATES_MAX + 1];
    int64_t seq_nos[ZONE_DOCS], versions[ZONE_DOCS];
    struct id_cursor ids;
    for (size_t i = 0; i < m->count; i++) {
        struct segment *seg = m->inputs[i].segment;
        id_cursor_init(&ids, seg);
        memset(template_numbers, 0xFF, sizeof(template_numbers));
        for (uint32_t first = 0; first < seg->doc_count; first += ZONE_DOCS) {
            uint32_t n = MIN_OF(seg->doc_count - first, ZONE_DOCS);
            column_read_longs(seg->seq_nos, first, n, seq_nos, NULL);
            column_read_longs(seg->versions, first, n, versions, NULL);
            for (uint32_t k = 0; k < n; k++) {
                size_t id_bytes = id_cursor_next(&ids);
                if (m->inputs[i].new_docs[first + k] == DOC_NONE)
                    continue;
                struct segment_doc doc = {
                    .id = {ids.id, id_bytes}, .seq_no = seq_nos[k], .version = versions[k]};
                arena_reset(m->mem);
                TRY(doc_merge(m, seg, first + k, template_numbers, &doc, err));
                if (id_bytes == 0)
                    break; /* damage: reported below */
                segment_writer_doc(m->w, &doc);
            }
        }
        TRY(segment_failure(seg, err));
    }
    return 0;
}

/* ---- Terms ---- */

static void term_postings_add(struct merge *m, size_t input, unsigned flags)
{
    const struct terms *t = &m->fields[input]->terms;
    const uint32_t *new_docs = m->inputs[input].new_docs;
    unsigned want = (flags & TERMS_FLAG_POSITIONS ? POSTINGS_POSITIONS : 0u) |
                    (flags & TERMS_FLAG_FREQS ? POSTINGS_FREQS : 0u);
    struct postings *p =
        postings__open(m->inputs[input].segment, t, &m->cursors[input]->entry, NULL, want, m->mem);
    for (uint32_t doc; (doc = postings_next(p)) != DOC_NONE;) {
        if (new_docs[doc] == DOC_NONE)
            continue;
        void *v = m->docs;
        mem_grow(&v, &m->doc_capacity, m->doc_n + 1, sizeof(uint32_t));
        m->docs = v;
        v = m->freqs;
        mem_grow(&v, &m->freq_capacity, m->doc_n + 1, sizeof(uint32_t));
        m->freqs = v;
        m->docs[m->doc_n] = new_docs[doc];
        m->freqs[m->doc_n++] = postings_freq(p);
        bitset_set(m->seen, new_docs[doc]);
        if (!(flags & TERMS_FLAG_POSITIONS))
            continue;
        size_t n;
        const uint32_t *positions = postings_positions(p, &n);
        v = m->positions;
        mem_grow(&v, &m->position_capacity, m->position_n + n, sizeof(uint32_t));
        m->positions = v;
        if (n)
            memcpy(m->positions + m->position_n, positions, n * sizeof(uint32_t));
        m->position_n += n;
    }
}

static struct str cursor_term(const struct term_cursor *c)
{
    return (struct str){c->term, c->term_bytes};
}

static void cursors_open(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        m->is_open[i] = m->fields[i] && (m->fields[i]->parts & FIELD_PART_TERMS) &&
                        term_cursor_block(m->cursors[i], &m->fields[i]->terms, 0) &&
                        term_cursor_next(m->cursors[i]);
    }
}

/* The input with the smallest current term, SIZE_MAX: all ended. */
static size_t cursor_least(const struct merge *m)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < m->count; i++) {
        if (m->is_open[i] && (least == SIZE_MAX || str_cmp(cursor_term(m->cursors[i]),
                                                           cursor_term(m->cursors[least])) < 0))
            least = i;
    }
    return least;
}

/* Runs over the union of the terms. With postings: writes each that still has documents. Without:
 * gives each a number; `counts`, when not NULL, says how many documents each has, and those with
 * some are written. Returns the number of terms. */
static uint32_t terms_walk(struct merge *m, unsigned flags, const uint32_t *counts)
{
    uint32_t next = 0, walked = 0;
    char least_term[TERM_BYTES_MAX + 2];
    cursors_open(m);
    for (size_t least; (least = cursor_least(m)) != SIZE_MAX; walked++) {
        struct str term = {least_term, m->cursors[least]->term_bytes};
        memcpy(least_term, m->cursors[least]->term, term.n);
        m->doc_n = m->position_n = 0;
        if (walked % TERMS_PER_ARENA_RESET == 0)
            arena_reset(m->mem);
        uint32_t number = counts && counts[walked] == 0 ? DOC_NONE : next;
        for (size_t i = 0; i < m->count; i++) {
            if (!m->is_open[i] || !str_eq(cursor_term(m->cursors[i]), term))
                continue;
            if (flags & TERMS_FLAG_POSTINGS)
                term_postings_add(m, i, flags);
            if (m->ordinals[i])
                m->ordinals[i][m->cursors[i]->entry.ordinal] = number;
            m->is_open[i] = term_cursor_next(m->cursors[i]);
        }
        struct term_postings p = {m->docs, m->freqs, m->positions, (uint32_t)m->doc_n};
        if (!(flags & TERMS_FLAG_POSTINGS))
            p.count = counts ? counts[walked] : 0;
        if (p.count > 0)
            segment_writer_term(m->w, term, &p);
        bool is_numbered = flags & TERMS_FLAG_POSTINGS ? p.count > 0 : number != DOC_NONE;
        next += is_numbered;
    }
    return flags & TERMS_FLAG_POSTINGS ? next : walked;
}

/* ---- Columns ---- */

struct column_build {
    uint32_t *docs;
    int64_t *values;
    size_t n, doc_capacity, value_capacity;
};

static void build_push(struct column_build *b, uint32_t doc, int64_t v)
{
    void *p = b->docs;
    mem_grow(&p, &b->doc_capacity, b->n + 1, sizeof(uint32_t));
    b->docs = p;
    p = b->values;
    mem_grow(&p, &b->value_capacity, b->n + 1, sizeof(int64_t));
    b->values = p;
    b->docs[b->n] = doc;
    b->values[b->n++] = v;
}

static void window_values(const struct column *c, uint32_t first, uint32_t n, int64_t *values,
                          uint64_t *exists)
{
    if (c->kind == COLUMN_LONG) {
        column_read_longs(c, first, n, values, exists);
    } else if (c->kind == COLUMN_DOUBLE) {
        double doubles[ZONE_DOCS];
        column_read_doubles(c, first, n, doubles, exists);
        memcpy(values, doubles, n * sizeof(*values));
    } else {
        uint32_t ordinals[ZONE_DOCS];
        column_read_ordinals(c, first, n, ordinals, exists);
        for (uint32_t i = 0; i < n; i++)
            values[i] = ordinals[i];
    }
}

static int64_t value_map_ordinal(const struct merge *m, size_t input, const struct column *c,
                                 int64_t v)
{
    if (c->kind != COLUMN_ORDINAL)
        return v;
    return (uint64_t)v < c->terms->term_count ? m->ordinals[input][v] : DOC_NONE;
}

static void multi_merge(struct merge *m, size_t input, const struct column *c,
                        struct column_build *b)
{
    size_t capacity = 256;
    int64_t *values = MEM_ARRAY(int64_t, capacity);
    for (uint32_t doc = 0; doc < c->seg->doc_count; doc++) {
        uint32_t to = m->inputs[input].new_docs[doc];
        if (to == DOC_NONE)
            continue;
        size_t n = column_doc_longs(c, doc, values, capacity);
        if (n > capacity) {
            void *p = values;
            mem_grow(&p, &capacity, n, sizeof(*values));
            values = p;
            n = MIN_OF(column_doc_longs(c, doc, values, capacity), capacity);
        }
        for (size_t k = 0; k < n; k++)
            build_push(b, to, value_map_ordinal(m, input, c, values[k]));
    }
    mem_free(values);
}

static void column_collect(struct merge *m, struct column_build *b)
{
    int64_t values[ZONE_DOCS];
    uint64_t exists[ZONE_DOCS / 64];
    for (size_t i = 0; i < m->count; i++) {
        if (!m->fields[i] || !(m->fields[i]->parts & FIELD_PART_COLUMN))
            continue;
        const struct column *c = &m->fields[i]->column;
        if (column_is_multi(c)) {
            multi_merge(m, i, c, b);
            continue;
        }
        for (uint32_t first = 0; first < c->seg->doc_count; first += ZONE_DOCS) {
            uint32_t n = MIN_OF(c->seg->doc_count - first, ZONE_DOCS);
            window_values(c, first, n, values, exists);
            for (uint32_t k = 0; k < n; k++) {
                uint32_t to = m->inputs[i].new_docs[first + k];
                if (to != DOC_NONE && bitset_get(exists, k))
                    build_push(b, to, value_map_ordinal(m, i, c, values[k]));
            }
        }
    }
}

static bool has_part(const struct merge *m, unsigned part)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->fields[i] && (m->fields[i]->parts & part))
            return true;
    }
    return false;
}

static void column_write(struct merge *m, struct column_build *b)
{
    enum column_kind kind = COLUMN_LONG;
    for (size_t i = 0; i < m->count; i++) {
        if (m->fields[i] && (m->fields[i]->parts & FIELD_PART_COLUMN))
            kind = (enum column_kind)m->fields[i]->column.kind;
    }
    if (b->n == 0)
        return;
    struct column_input in = {kind, b->docs, b->values, b->n};
    segment_writer_column(m->w, &in);
}

/* ---- Fields ---- */

/* A dictionary whose terms must be counted through the column. */
static void counted_terms(struct merge *m, struct column_build *b)
{
    uint32_t union_count =
        terms_walk(m, 0, NULL); /* numbers only: nothing is written without counts */
    column_collect(m, b);
    uint32_t *counts = MEM_ARRAY(uint32_t, (size_t)union_count + 1),
             *renumber = MEM_ARRAY(uint32_t, (size_t)union_count + 1);
    for (size_t i = 0; i < b->n; i++) {
        counts[b->values[i]]++;
        bitset_set(m->seen, b->docs[i]);
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i < union_count; i++)
        renumber[i] = counts[i] ? next++ : DOC_NONE;
    for (size_t i = 0; i < b->n; i++)
        b->values[i] = renumber[b->values[i]];
    (void)terms_walk(m, 0, counts);
    mem_free(counts);
    mem_free(renumber);
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

static void norms_write(struct merge *m, uint8_t *norms)
{
    for (size_t i = 0; i < m->count; i++) {
        if (!m->fields[i] || !(m->fields[i]->parts & FIELD_PART_NORMS))
            continue;
        struct segment *seg = m->inputs[i].segment;
        const uint8_t *from = segment__at(seg, m->fields[i]->norms_off, seg->doc_count);
        for (uint32_t doc = 0; from && doc < seg->doc_count; doc++) {
            if (m->inputs[i].new_docs[doc] != DOC_NONE)
                norms[m->inputs[i].new_docs[doc]] = from[doc];
        }
    }
    segment_writer_norms(m->w, norms);
}

static void field_merge(struct merge *m, const struct segment_field *model)
{
    struct column_build b = {0};
    uint8_t *norms = NULL;
    memset(m->seen, 0, BITSET_WORDS(m->doc_count) * 8);
    for (size_t i = 0; i < m->count; i++) {
        const struct segment_field *f = m->fields[i];
        bool needs_map = f && (f->parts & FIELD_PART_TERMS) && (f->parts & FIELD_PART_COLUMN);
        m->ordinals[i] = needs_map ? MEM_ARRAY(uint32_t, f->terms.term_count) : NULL;
    }
    segment_writer_field_begin(m->w, model->id, (enum field_type)model->type, model->path);
    if (has_part(m, FIELD_PART_NORMS)) {
        norms = MEM_ARRAY(uint8_t, m->doc_count);
        norms_write(m, norms);
    }
    unsigned flags = terms_flags(m);
    bool has_column = has_part(m, FIELD_PART_COLUMN);
    if (has_part(m, FIELD_PART_TERMS)) {
        segment_writer_terms_begin(m->w, flags);
        if (flags & TERMS_FLAG_POSTINGS) {
            (void)terms_walk(m, flags, NULL);
            column_collect(m, &b);
        } else {
            counted_terms(m, &b);
        }
        segment_writer_terms_end(m->w, (uint32_t)bitset_count(m->seen, BITSET_WORDS(m->doc_count)));
    } else if (has_column) {
        column_collect(m, &b);
    }
    column_write(m, &b);
    segment_writer_field_end(m->w);
    mem_free(norms);
    mem_free(b.docs);
    mem_free(b.values);
    for (size_t i = 0; i < m->count; i++)
        mem_free(m->ordinals[i]);
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
        if (model)
            field_merge(m, model);
        for (size_t i = 0; model && i < m->count; i++)
            TRY(segment_failure(m->inputs[i].segment, err));
    }
    return 0;
}

static int merge_all(struct merge *m, struct vfs_file *file, void **ret_bytes, uint64_t *ret_size,
                     struct err *err)
{
    TRY(docs_merge(m, err));
    TRY(fields_merge(m, err));
    if (file)
        return segment_writer_finish_file(m->w, ret_size, err);
    size_t size;
    TRY(segment_writer_finish(m->w, ret_bytes, &size, err));
    *ret_size = size;
    return 0;
}

int merge_run(struct merge_input *inputs, size_t count, struct vfs_file *file, bool is_compressed,
              void **ret_bytes, uint64_t *ret_size, struct err *err)
{
    struct merge m = {.inputs = inputs, .count = count, .mem = arena_new(0)};
    for (size_t i = 0; i < count; i++) {
        for (uint32_t doc = 0; doc < inputs[i].segment->doc_count; doc++)
            m.doc_count += inputs[i].new_docs[doc] != DOC_NONE;
    }
    ASSERT(m.doc_count > 0);
    struct segment_writer_options options = {
        .file = file, .is_compressed = is_compressed, .doc_count = m.doc_count};
    m.w = segment_writer_new(&options);
    m.fields = MEM_ARRAY(const struct segment_field *, count);
    m.ordinals = MEM_ARRAY(uint32_t *, count);
    m.cursors = MEM_ARRAY(struct term_cursor *, count);
    m.is_open = MEM_ARRAY(bool, count);
    m.seen = MEM_ARRAY(uint64_t, BITSET_WORDS(m.doc_count));
    for (size_t i = 0; i < count; i++)
        m.cursors[i] = mem_alloc(sizeof(struct term_cursor));
    int rc = merge_all(&m, file, ret_bytes, ret_size, err);
    for (size_t i = 0; i < count; i++)
        mem_free(m.cursors[i]);
    segment_writer_free(m.w);
    mem_free(m.fields);
    mem_free(m.ordinals);
    mem_free(m.cursors);
    mem_free(m.is_open);
    mem_free(m.seen);
    mem_free(m.docs);
    mem_free(m.freqs);
    mem_free(m.positions);
    arena_free(m.mem);
    return rc;
}
