/* SPDX-License-Identifier: Apache-2.0 */
/* How: documents are copied in their new order; then field by field: norms, the dictionaries merged
 * like sorted streams with their postings renumbered on the way, and the column with its ordinals
 * mapped. One field's column is in memory at a time. A dictionary without postings (ip) learns from
 * the column which of its terms still have a document. Where the
 * inputs' documents interleave, each input's part of a posting list or column is still ascending:
 * the parts are merged by document. */
#include "index/merge.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"
#include "index/ids.h"
#include "index/segment_int.h"
#include "index/segment_writer_int.h"

#define TERMS_PER_ARENA_RESET 256u
#define BREATH_BYTES          (256 * KIB)

/* One input's part of the term at hand. */
struct posting_run {
    size_t doc, doc_end, position;
};

struct postings_copy {
    uint32_t *docs, *freqs, *positions;
    size_t doc_capacity, freq_capacity, position_capacity;
};
#define TEMPLATE_UNSEEN UINT16_MAX /* of an input: no document of it came yet */

struct merge {
    struct merge_input *inputs;
    size_t count;
    const uint16_t *from;  /* the input of each new document, NULL: in line */
    uint32_t *live_counts; /* per input */
    uint32_t doc_count, copied;
    struct segment_writer *w;
    uint32_t field_id;
    const struct segment_field **fields; /* of the field at hand, per input, NULL: has none */
    uint32_t **ordinals;                 /* per input: old -> new, DOC_NONE: gone */
    uint64_t *seen;                      /* bit set of new documents with the field */
    struct term_cursor **cursors;
    bool *is_open;
    uint64_t *heads; /* per open cursor: the first bytes of its term */
    /* Postings of the term at hand. */
    uint32_t *docs, *freqs, *positions;
    size_t doc_n, doc_capacity, freq_capacity, position_n, position_capacity;
    struct posting_run *runs; /* per input */
    size_t run_count;
    struct postings_copy ordered; /* the same, merged by document */
    struct arena *mem;
    const struct merge_pace *pace;
    uint64_t breathed; /* bytes written by then */
    struct err breath; /* why it is to end */
};

static void breathe(struct merge *m)
{
    uint64_t off = segment_writer__off(m->w);
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
            inputs[i].new_docs[doc] = is_live(&inputs[i], doc) ? next++ : DOC_NONE;
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
    while (doc < end && !is_live(s->input, doc))
        s->input->new_docs[doc++] = DOC_NONE;
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

static uint32_t plan_sorted(struct merge_input *inputs, size_t count, uint32_t field,
                            uint16_t *from)
{
    struct stream *streams = MEM_ARRAY(struct stream, count);
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        streams[i] = (struct stream){.input = &inputs[i],
                                     .column = sorted_column(&inputs[i], field),
                                     .window = MEM_ARRAY(int64_t, ZONE_DOCS)};
        stream_seek(&streams[i], 0);
    }
    for (;;) {
        struct stream *least = NULL; /* of equal ones the older input */
        for (size_t i = 0; i < count; i++) {
            if (streams[i].doc != DOC_NONE && (!least || streams[i].value < least->value))
                least = &streams[i];
        }
        if (!least)
            break;
        from[next] = (uint16_t)(least - streams);
        least->input->new_docs[least->doc] = next++;
        stream_seek(least, least->doc + 1);
    }
    for (size_t i = 0; i < count; i++)
        mem_free(streams[i].window);
    mem_free(streams);
    return next;
}

uint32_t merge_plan(struct merge_input *inputs, size_t count, uint32_t sort_field,
                    uint16_t **ret_from)
{
    size_t docs = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t n = inputs[i].segment->doc_count;
        inputs[i].new_docs = mem_alloc((size_t)n * sizeof(uint32_t));
        docs += n;
    }
    *ret_from = NULL;
    if (!wants_sort(inputs, count, sort_field))
        return plan_in_line(inputs, count);
    *ret_from = mem_alloc(docs * sizeof(uint16_t));
    return plan_sorted(inputs, count, sort_field, *ret_from);
}

/* ---- Documents ---- */

/* Where an input's copying stands. */
struct doc_cursor {
    uint32_t doc, window_first, window_n;
    int64_t *seq_nos, *versions;
    struct id_cursor *ids;
    uint16_t *template_numbers; /* per template of the input: its number in the result */
};

static void doc_cursor_to(struct doc_cursor *c, struct segment *seg, uint32_t doc)
{
    c->doc = doc;
    if (doc - c->window_first < c->window_n)
        return;
    c->window_first = doc - doc % ZONE_DOCS;
    c->window_n = MIN_OF(seg->doc_count - c->window_first, ZONE_DOCS);
    column_read_longs(seg->seq_nos, c->window_first, c->window_n, c->seq_nos, NULL);
    column_read_longs(seg->versions, c->window_first, c->window_n, c->versions, NULL);
}

/* A document goes over as it is stored, under the number its template has there. Only when there
 * are more templates than one segment may have, its source is rebuilt and stored whole. */
static int stored_copy(struct merge *m, struct segment *seg, uint32_t doc,
                       uint16_t *template_numbers, struct segment_doc *out, struct err *err)
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

static int doc_copy(struct merge *m, size_t input, struct doc_cursor *c, struct err *err)
{
    struct segment *seg = m->inputs[input].segment;
    uint32_t doc = c->doc;
    while (m->inputs[input].new_docs[doc] == DOC_NONE)
        doc++;
    doc_cursor_to(c, seg, doc);
    arena_reset(m->mem);
    size_t id_bytes = id_cursor_read(c->ids, doc);
    if (id_bytes == 0) { /* damage */
        TRY(segment_failure(seg, err));
        return err_set(err, ERR_CORRUPT, "segment %s: document %u has no id", seg->name, doc);
    }
    struct segment_doc out = {.id = {c->ids->id, id_bytes},
                              .seq_no = c->seq_nos[doc - c->window_first],
                              .version = c->versions[doc - c->window_first]};
    TRY(stored_copy(m, seg, doc, c->template_numbers, &out, err));
    segment_writer_doc(m->w, &out);
    c->doc++;
    return 0;
}

static int one_copied(struct merge *m, size_t input, struct doc_cursor *cursors, struct err *err)
{
    TRY(doc_copy(m, input, &cursors[input], err));
    if (++m->copied % ZONE_DOCS == 0) {
        breathe(m);
        TRY(breath_end(m, err));
    }
    return 0;
}

static int docs_copy(struct merge *m, struct doc_cursor *cursors, struct err *err)
{
    for (uint32_t i = 0; m->from && i < m->doc_count; i++)
        TRY(one_copied(m, m->from[i], cursors, err));
    for (size_t input = 0; !m->from && input < m->count; input++) {
        for (uint32_t n = m->live_counts[input]; n > 0; n--)
            TRY(one_copied(m, input, cursors, err));
    }
    return 0;
}

static int docs_merge(struct merge *m, struct err *err)
{
    struct doc_cursor *cursors = MEM_ARRAY(struct doc_cursor, m->count);
    for (size_t i = 0; i < m->count; i++) {
        cursors[i].seq_nos = MEM_ARRAY(int64_t, ZONE_DOCS);
        cursors[i].versions = MEM_ARRAY(int64_t, ZONE_DOCS);
        cursors[i].ids = MEM_NEW(struct id_cursor);
        cursors[i].template_numbers = mem_alloc((TEMPLATES_MAX + 1) * sizeof(uint16_t));
        memset(cursors[i].template_numbers, 0xFF, (TEMPLATES_MAX + 1) * sizeof(uint16_t));
        id_cursor_init(cursors[i].ids, m->inputs[i].segment);
    }
    int rc = docs_copy(m, cursors, err);
    for (size_t i = 0; i < m->count; i++) {
        mem_free(cursors[i].seq_nos);
        mem_free(cursors[i].versions);
        mem_free(cursors[i].ids);
        mem_free(cursors[i].template_numbers);
        if (rc == 0)
            rc = segment_failure(m->inputs[i].segment, err);
    }
    mem_free(cursors);
    return rc;
}

/* ---- Terms ---- */

static uint32_t *room(uint32_t *array, size_t *capacity, size_t count)
{
    void *p = array;
    mem_grow(&p, capacity, count, sizeof(uint32_t));
    return p;
}

static void positions_add(struct merge *m, struct postings *p)
{
    size_t n;
    const uint32_t *positions = postings_positions(p, &n);
    if (UNLIKELY(m->position_n + n > m->position_capacity))
        m->positions = room(m->positions, &m->position_capacity, m->position_n + n);
    if (n)
        memcpy(m->positions + m->position_n, positions, n * sizeof(uint32_t));
    m->position_n += n;
}

static void term_postings_add(struct merge *m, size_t input, unsigned flags)
{
    const struct terms *t = &m->fields[input]->terms;
    const struct term_entry *entry = &m->cursors[input]->entry;
    const uint32_t *new_docs = m->inputs[input].new_docs;
    unsigned want = (flags & TERMS_FLAG_POSITIONS ? POSTINGS_POSITIONS : 0u) |
                    (flags & TERMS_FLAG_FREQS ? POSTINGS_FREQS : 0u);
    struct postings *p = postings__open(m->inputs[input].segment, t, entry, NULL, want, m->mem);
    /* What a term says of itself was checked against the segment: it has no more documents. */
    m->docs = room(m->docs, &m->doc_capacity, m->doc_n + entry->doc_freq);
    m->freqs = room(m->freqs, &m->freq_capacity, m->doc_n + entry->doc_freq);
    uint32_t *docs = m->docs, *freqs = m->freqs;
    size_t n = m->doc_n, end = n + entry->doc_freq;
    for (uint32_t doc; n < end && (doc = postings_next(p)) != DOC_NONE;) {
        uint32_t to = new_docs[doc];
        if (to == DOC_NONE)
            continue;
        docs[n] = to;
        freqs[n++] = want ? postings_freq(p) : 1;
        bitset_set(m->seen, to);
        if (flags & TERMS_FLAG_POSITIONS)
            positions_add(m, p);
    }
    m->doc_n = n;
}

/* The inputs' parts, each ascending, to one. */
static void runs_merge(struct merge *m, unsigned flags, struct term_postings *p)
{
    struct postings_copy *to = &m->ordered;
    to->docs = room(to->docs, &to->doc_capacity, m->doc_n);
    to->freqs = room(to->freqs, &to->freq_capacity, m->doc_n);
    to->positions = room(to->positions, &to->position_capacity, m->position_n + 1);
    size_t position_n = 0;
    for (size_t n = 0; n < m->doc_n; n++) {
        struct posting_run *least = NULL;
        for (size_t i = 0; i < m->run_count; i++) {
            struct posting_run *run = &m->runs[i];
            if (run->doc < run->doc_end && (!least || m->docs[run->doc] < m->docs[least->doc]))
                least = run;
        }
        uint32_t freq = m->freqs[least->doc];
        to->docs[n] = m->docs[least->doc++];
        to->freqs[n] = freq;
        if (flags & TERMS_FLAG_POSITIONS) {
            memcpy(to->positions + position_n, m->positions + least->position,
                   freq * sizeof(uint32_t));
            least->position += freq;
            position_n += freq;
        }
    }
    *p = (struct term_postings){to->docs, to->freqs, to->positions, (uint32_t)m->doc_n};
}

static struct str cursor_term(const struct term_cursor *c)
{
    return (struct str){c->term, c->term_bytes};
}

/* The first bytes of a term as a number that sorts as they do: most comparisons end with it. */
static uint64_t head_of(struct str term)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes, term.p, MIN_OF(term.n, sizeof(bytes)));
    return (uint64_t)get_u32_be(bytes) << 32 | get_u32_be(bytes + 4);
}

static void cursor_opened(struct merge *m, size_t input, bool is_open)
{
    m->is_open[input] = is_open;
    if (is_open)
        m->heads[input] = head_of(cursor_term(m->cursors[input]));
}

static void cursors_open(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        cursor_opened(m, i,
                      m->fields[i] && (m->fields[i]->parts & FIELD_PART_TERMS) &&
                          term_cursor_block(m->cursors[i], &m->fields[i]->terms, 0) &&
                          term_cursor_next(m->cursors[i]));
}

/* The input with the smallest current term, SIZE_MAX: all ended. */
static size_t cursor_least(const struct merge *m)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->is_open[i])
            continue;
        if (least == SIZE_MAX || m->heads[i] < m->heads[least] ||
            (m->heads[i] == m->heads[least] &&
             str_cmp(cursor_term(m->cursors[i]), cursor_term(m->cursors[least])) < 0))
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
        uint64_t head = m->heads[least];
        memcpy(least_term, m->cursors[least]->term, term.n);
        m->doc_n = m->position_n = m->run_count = 0;
        if (walked % TERMS_PER_ARENA_RESET == 0) {
            arena_reset(m->mem);
            breathe(m);
        }
        uint32_t number = counts && counts[walked] == 0 ? DOC_NONE : next;
        for (size_t i = 0; i < m->count; i++) {
            if (!m->is_open[i] || m->heads[i] != head ||
                (i != least && !str_eq(cursor_term(m->cursors[i]), term)))
                continue;
            if (flags & TERMS_FLAG_POSTINGS) {
                struct posting_run run = {m->doc_n, 0, m->position_n};
                term_postings_add(m, i, flags);
                run.doc_end = m->doc_n;
                if (run.doc_end > run.doc)
                    m->runs[m->run_count++] = run;
            }
            if (m->ordinals[i])
                m->ordinals[i][m->cursors[i]->entry.ordinal] = number;
            cursor_opened(m, i, term_cursor_next(m->cursors[i]));
        }
        struct term_postings p = {m->docs, m->freqs, m->positions, (uint32_t)m->doc_n};
        if (m->from && m->run_count > 1)
            runs_merge(m, flags, &p);
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
    if (UNLIKELY(b->n == b->value_capacity)) {
        void *p = b->docs;
        mem_grow(&p, &b->doc_capacity, b->n + 1, sizeof(uint32_t));
        b->docs = p;
        p = b->values;
        mem_grow(&p, &b->value_capacity, b->n + 1, sizeof(int64_t));
        b->values = p;
        ASSERT(b->doc_capacity == b->value_capacity);
    }
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

/* By document, each one's values in their order: they came input by input. */
static void build_order(const struct merge *m, struct column_build *b)
{
    uint32_t *starts = MEM_ARRAY(uint32_t, (size_t)m->doc_count + 1);
    uint32_t *docs = mem_alloc((b->n + 1) * sizeof(uint32_t));
    int64_t *values = mem_alloc((b->n + 1) * sizeof(int64_t));
    for (size_t i = 0; i < b->n; i++)
        starts[b->docs[i] + 1]++;
    for (uint32_t doc = 0; doc < m->doc_count; doc++)
        starts[doc + 1] += starts[doc];
    for (size_t i = 0; i < b->n; i++) {
        uint32_t at = starts[b->docs[i]]++;
        docs[at] = b->docs[i];
        values[at] = b->values[i];
    }
    mem_free(starts);
    mem_free(b->docs);
    mem_free(b->values);
    b->docs = docs;
    b->values = values;
    b->doc_capacity = b->value_capacity = b->n + 1;
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
    if (m->from)
        build_order(m, b);
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
        if (model) {
            field_merge(m, model);
            breathe(m);
            TRY(breath_end(m, err));
        }
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

int merge_run(struct merge_input *inputs, size_t count, const uint16_t *from, struct vfs_file *file,
              bool is_compressed, const struct merge_pace *pace, void **ret_bytes,
              uint64_t *ret_size, struct err *err)
{
    struct merge m = {
        .inputs = inputs, .count = count, .from = from, .mem = arena_new(0), .pace = pace};
    m.live_counts = MEM_ARRAY(uint32_t, count);
    m.runs = MEM_ARRAY(struct posting_run, count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t doc = 0; doc < inputs[i].segment->doc_count; doc++)
            m.live_counts[i] += inputs[i].new_docs[doc] != DOC_NONE;
        m.doc_count += m.live_counts[i];
    }
    ASSERT(m.doc_count > 0);
    struct segment_writer_options options = {
        .file = file, .is_compressed = is_compressed, .doc_count = m.doc_count};
    m.w = segment_writer_new(&options);
    m.fields = MEM_ARRAY(const struct segment_field *, count);
    m.ordinals = MEM_ARRAY(uint32_t *, count);
    m.cursors = MEM_ARRAY(struct term_cursor *, count);
    m.is_open = MEM_ARRAY(bool, count);
    m.heads = MEM_ARRAY(uint64_t, count);
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
    mem_free(m.heads);
    mem_free(m.seen);
    mem_free(m.docs);
    mem_free(m.freqs);
    mem_free(m.positions);
    mem_free(m.ordered.docs);
    mem_free(m.ordered.freqs);
    mem_free(m.ordered.positions);
    mem_free(m.live_counts);
    mem_free(m.runs);
    arena_free(m.mem);
    return rc;
}
