/* SPDX-License-Identifier: Apache-2.0 */
/* builder_seal: from append arrays to a segment. Dead documents are left out by a map from old to
 * new numbers. Dictionaries are sorted by an eight-byte prefix first; postings come from one
 * counting sort per field. Stored source stays uncompressed here: a flush or merge rewrites it
 * anyway, and a refresh is to be quick. */
#include <stdlib.h>

#include "base/bits.h"
#include "base/str.h"
#include "index/builder.h"
#include "index/builder_int.h"
#include "index/format.h"
#include "index/segment_writer.h"

struct seal {
    struct builder *b;
    struct segment_writer *w;
    uint32_t *new_docs; /* per old document, DOC_NONE: dead */
    uint32_t *order;    /* per new document the old one; NULL: they keep their order */
    uint32_t doc_count;
    uint16_t template_numbers[TEMPLATES_MAX + 1]; /* the builder's -> the segment's, 0: not met */
};

uint8_t norm_encode(uint32_t length)
{
    /* Lucene's SmallFloat: lengths below 24 as they are, then a float of 3 bits mantissa. */
    if (length < 24)
        return (uint8_t)length;
    uint32_t v = length - 24;
    unsigned bits = v ? 32u - (unsigned)__builtin_clz(v) : 0;
    if (bits < 4)
        return (uint8_t)(24 + v);
    unsigned shift = bits - 4;
    return (uint8_t)(24 + (((v >> shift) & 7) | (shift + 1) << 3));
}

/* ---- Sorting terms ---- */

struct sort_key {
    uint64_t prefix;
    uint32_t term;
};

static uint64_t prefix_of(struct str s)
{
    uint8_t bytes[8] = {0};
    if (s.n > 0) /* an empty term of an empty pool has no address */
        memcpy(bytes, s.p, MIN_OF(s.n, sizeof(bytes)));
    return (uint64_t)get_u32_be(bytes) << 32 | get_u32_be(bytes + 4);
}

static int key_cmp(const void *a, const void *b, void *table)
{
    const struct sort_key *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return str_cmp(term_table_text(table, x->term), term_table_text(table, y->term));
}

/* Terms with a count, in byte order; also the ordinal of each. */
static uint32_t terms_sort(struct term_table *t, const uint32_t *counts, struct sort_key *keys,
                           uint32_t *ordinals)
{
    uint32_t n = 0;
    for (uint32_t term = 0; term < t->count; term++) {
        if (counts[term])
            keys[n++] = (struct sort_key){prefix_of(term_table_text(t, term)), term};
    }
    qsort_r(keys, n, sizeof(*keys), key_cmp, t);
    for (uint32_t i = 0; i < n; i++)
        ordinals[keys[i].term] = i;
    return n;
}

/* ---- Values ---- */

static void doc_values_sort(int64_t *values, size_t n, bool is_double)
{
    for (size_t i = 1; i < n; i++) { /* few values a document: insertion */
        int64_t v = values[i];
        size_t k = i;
        for (; k > 0; k--) {
            bool less = values[k - 1] > v;
            if (is_double) {
                double a, b;
                memcpy(&a, &values[k - 1], sizeof(a));
                memcpy(&b, &v, sizeof(b));
                less = a > b;
            }
            if (!less)
                break;
            values[k] = values[k - 1];
        }
        values[k] = v;
    }
}

static int cmp_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Live documents' values with new numbers, ascending within a document. With `ordinals` values are
 * terms: they come out as ordinals, each once. Returns the count. */
static size_t values_collect(const struct seal *s, const struct field_build *f,
                             enum column_kind kind, const uint32_t *ordinals, uint32_t *docs,
                             int64_t *values)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count;) {
        uint32_t doc = s->new_docs[f->docs[i]];
        size_t from = n, end = i;
        while (end < f->count && f->docs[end] == f->docs[i])
            end++;
        for (; doc != DOC_NONE && i < end; i++)
            values[n++] = ordinals ? ordinals[f->values[i]] : f->values[i];
        i = end;
        if (n - from > 32 && kind != COLUMN_DOUBLE)
            qsort(values + from, n - from, sizeof(*values), cmp_i64);
        else if (n - from > 1)
            doc_values_sort(values + from, n - from, kind == COLUMN_DOUBLE);
        if (ordinals && n - from > 1) {
            size_t to = from + 1;
            for (size_t k = from + 1; k < n; k++) {
                if (values[k] != values[to - 1])
                    values[to++] = values[k];
            }
            n = to;
        }
        for (size_t k = from; k < n; k++)
            docs[k] = doc;
    }
    return n;
}

static void column_put(const struct seal *s, enum column_kind kind, const uint32_t *docs,
                       const int64_t *values, size_t n)
{
    struct column_input in = {kind, docs, values, n};
    segment_writer_column(s->w, &in);
}

/* By new document, each one's values in their order. Of arrays that values_collect made. */
static void values_order(const struct seal *s, uint32_t **docs, int64_t **values, size_t n)
{
    if (!s->order || n == 0)
        return;
    uint32_t *starts = MEM_ARRAY(uint32_t, (size_t)s->doc_count + 1);
    uint32_t *to_docs = mem_alloc(n * sizeof(uint32_t));
    int64_t *to_values = mem_alloc(n * sizeof(int64_t));
    for (size_t i = 0; i < n; i++)
        starts[(*docs)[i] + 1]++;
    for (uint32_t doc = 0; doc < s->doc_count; doc++)
        starts[doc + 1] += starts[doc];
    for (size_t i = 0; i < n; i++) {
        uint32_t at = starts[(*docs)[i]]++;
        to_docs[at] = (*docs)[i];
        to_values[at] = (*values)[i];
    }
    mem_free(starts);
    mem_free(*docs);
    mem_free(*values);
    *docs = to_docs;
    *values = to_values;
}

static uint32_t distinct_docs(const uint32_t *docs, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += i == 0 || docs[i] != docs[i - 1];
    return count;
}

/* Keyword and ip: dictionary, postings where wanted, ordinals. */
static void keyword_seal(const struct seal *s, struct field_build *f)
{
    struct term_table *t = &f->terms;
    uint32_t *counts = MEM_ARRAY(uint32_t, t->count + 1),
             *ordinals = MEM_ARRAY(uint32_t, t->count + 1);
    struct sort_key *keys = MEM_ARRAY(struct sort_key, t->count + 1);
    uint32_t *docs = mem_alloc(f->count * sizeof(*docs));
    int64_t *values = mem_alloc(f->count * sizeof(*values));
    size_t n;
    /* Ordinals first, so that a document's values come out in their order; duplicates go with them.
     */
    for (size_t i = 0; i < f->count; i++)
        counts[f->values[i]] += s->new_docs[f->docs[i]] != DOC_NONE;
    uint32_t term_count = terms_sort(t, counts, keys, ordinals);
    n = values_collect(s, f, COLUMN_ORDINAL, ordinals, docs, values);
    values_order(s, &docs, &values, n);
    if (n > 0) {
        uint32_t *starts = MEM_ARRAY(uint32_t, (size_t)term_count + 1),
                 *lists = mem_alloc(n * sizeof(*lists));
        for (size_t i = 0; i < n; i++)
            starts[values[i] + 1]++;
        for (uint32_t i = 0; i < term_count; i++)
            starts[i + 1] += starts[i];
        for (size_t i = 0; i < n; i++)
            lists[starts[values[i]]++] = docs[i];
        segment_writer_terms_begin(s->w, f->has_terms ? TERMS_FLAG_POSTINGS : 0);
        for (uint32_t i = 0; i < term_count; i++) {
            uint32_t from = i ? starts[i - 1] : 0;
            struct term_postings p = {lists + from, NULL, NULL, starts[i] - from};
            segment_writer_term(s->w, term_table_text(t, keys[i].term), &p);
        }
        segment_writer_terms_end(s->w, distinct_docs(docs, n));
        if (f->has_column)
            column_put(s, COLUMN_ORDINAL, docs, values, n);
        mem_free(starts);
        mem_free(lists);
    }
    mem_free(counts);
    mem_free(ordinals);
    mem_free(keys);
    mem_free(docs);
    mem_free(values);
}

static void number_seal(const struct seal *s, struct field_build *f)
{
    bool is_double = f->type == FIELD_DOUBLE || f->type == FIELD_FLOAT ||
                     f->type == FIELD_HALF_FLOAT || f->type == FIELD_SCALED_FLOAT;
    enum column_kind kind = is_double ? COLUMN_DOUBLE : COLUMN_LONG;
    uint32_t *docs = mem_alloc(f->count * sizeof(*docs));
    int64_t *values = mem_alloc(f->count * sizeof(*values));
    size_t n = values_collect(s, f, kind, NULL, docs, values);
    values_order(s, &docs, &values, n);
    if (n > 0)
        column_put(s, kind, docs, values, n);
    mem_free(docs);
    mem_free(values);
}

/* ---- Text ---- */

struct text_arrays {
    uint32_t *starts;           /* per ordinal: where its occurrences begin */
    uint32_t *docs, *positions; /* per occurrence, grouped by ordinal */
};

/* Counts the live occurrences per term and the field lengths per document. Returns how many
 * documents have the field. */
static uint32_t text_count(const struct seal *s, const struct field_build *f, uint32_t *counts,
                           uint32_t *lengths)
{
    uint32_t doc_count = 0, last = DOC_NONE;
    for (size_t r = 0; r < f->run_count; r++) {
        uint32_t doc = s->new_docs[f->runs[r].doc];
        if (doc == DOC_NONE)
            continue;
        doc_count += doc != last;
        last = doc;
        if (f->runs[r].token_count == 0) /* there may be no array at all */
            continue;
        const uint32_t *tokens = f->tokens + f->runs[r].first_token;
        for (uint32_t i = 0; i < f->runs[r].token_count; i++) {
            if (tokens[i] == TOKEN_GAP)
                continue;
            counts[tokens[i]]++;
            lengths[doc]++;
        }
    }
    return doc_count;
}

static void run_scatter(const struct field_build *f, size_t run, uint32_t doc,
                        const uint32_t *ordinals, struct text_arrays *a)
{
    uint32_t position = f->runs[run].first_position;
    if (f->runs[run].token_count == 0)
        return;
    const uint32_t *tokens = f->tokens + f->runs[run].first_token;
    for (uint32_t i = 0; i < f->runs[run].token_count; i++, position++) {
        if (tokens[i] == TOKEN_GAP)
            continue;
        uint32_t at = a->starts[ordinals[tokens[i]]]++;
        a->docs[at] = doc;
        a->positions[at] = position;
    }
}

/* The runs of a document stand side by side; the documents are taken in their new order. */
static void text_scatter(const struct seal *s, const struct field_build *f,
                         const uint32_t *ordinals, struct text_arrays *a)
{
    if (!s->order) {
        for (size_t r = 0; r < f->run_count; r++) {
            uint32_t doc = s->new_docs[f->runs[r].doc];
            if (doc != DOC_NONE)
                run_scatter(f, r, doc, ordinals, a);
        }
        return;
    }
    uint32_t *first_runs = MEM_ARRAY(uint32_t, s->doc_count); /* + 1; 0: has none */
    for (size_t r = f->run_count; r-- > 0;) {
        uint32_t doc = s->new_docs[f->runs[r].doc];
        if (doc != DOC_NONE)
            first_runs[doc] = (uint32_t)r + 1;
    }
    for (uint32_t doc = 0; doc < s->doc_count; doc++) {
        for (size_t r = first_runs[doc]; r > 0 && r <= f->run_count; r++) {
            if (f->runs[r - 1].doc != s->order[doc])
                break;
            run_scatter(f, r - 1, doc, ordinals, a);
        }
    }
    mem_free(first_runs);
}

static void text_terms(const struct seal *s, struct field_build *f, const struct sort_key *keys,
                       uint32_t term_count, struct text_arrays *a)
{
    uint32_t *freqs = mem_alloc((size_t)s->doc_count * sizeof(uint32_t)),
             *docs = mem_alloc((size_t)s->doc_count * sizeof(uint32_t));
    for (uint32_t o = 0; o < term_count; o++) {
        uint32_t from = o ? a->starts[o - 1] : 0, to = a->starts[o], n = 0;
        for (uint32_t i = from; i < to; i++) {
            if (i > from && a->docs[i] == a->docs[i - 1]) {
                freqs[n - 1]++;
                continue;
            }
            docs[n] = a->docs[i];
            freqs[n++] = 1;
        }
        struct term_postings p = {docs, f->has_freqs ? freqs : NULL,
                                  f->has_positions ? a->positions + from : NULL, n};
        segment_writer_term(s->w, term_table_text(&f->terms, keys[o].term), &p);
    }
    mem_free(freqs);
    mem_free(docs);
}

static void text_seal(const struct seal *s, struct field_build *f)
{
    struct term_table *t = &f->terms;
    uint32_t *counts = MEM_ARRAY(uint32_t, t->count + 1),
             *ordinals = MEM_ARRAY(uint32_t, t->count + 1);
    uint32_t *lengths = MEM_ARRAY(uint32_t, s->doc_count);
    struct sort_key *keys = MEM_ARRAY(struct sort_key, t->count + 1);
    uint8_t *norms = MEM_ARRAY(uint8_t, s->doc_count);
    uint32_t doc_count = text_count(s, f, counts, lengths);
    uint32_t term_count = terms_sort(t, counts, keys, ordinals);
    if (term_count > 0) {
        struct text_arrays a = {.starts = MEM_ARRAY(uint32_t, (size_t)term_count + 1)};
        for (uint32_t o = 0; o < term_count; o++)
            a.starts[o + 1] = a.starts[o] + counts[keys[o].term];
        a.docs = mem_alloc((size_t)a.starts[term_count] * sizeof(uint32_t));
        a.positions = mem_alloc((size_t)a.starts[term_count] * sizeof(uint32_t));
        text_scatter(s, f, ordinals, &a);
        for (uint32_t i = 0; i < s->doc_count; i++)
            norms[i] = norm_encode(lengths[i]);
        if (f->has_norms)
            segment_writer_norms(s->w, norms);
        segment_writer_terms_begin(s->w, TERMS_FLAG_POSTINGS |
                                             (f->has_freqs ? TERMS_FLAG_FREQS : 0u) |
                                             (f->has_positions ? TERMS_FLAG_POSITIONS : 0u));
        text_terms(s, f, keys, term_count, &a);
        segment_writer_terms_end(s->w, doc_count);
        mem_free(a.starts);
        mem_free(a.docs);
        mem_free(a.positions);
    }
    segment_writer_field_end(s->w); /* norms are borrowed until here */
    mem_free(counts);
    mem_free(ordinals);
    mem_free(lengths);
    mem_free(keys);
    mem_free(norms);
}

static void field_seal(const struct seal *s, struct field_build *f)
{
    if (f->count == 0 && f->run_count == 0)
        return;
    segment_writer_field_begin(s->w, f->id, f->type, f->path);
    if (f->is_text) {
        text_seal(s, f);
        return;
    }
    if (f->type == FIELD_KEYWORD || f->type == FIELD_WILDCARD ||
        f->type == FIELD_CONSTANT_KEYWORD || f->type == FIELD_IP)
        keyword_seal(s, f);
    else if (f->has_column)
        number_seal(s, f);
    segment_writer_field_end(s->w);
}

static void doc_seal(struct seal *s, uint32_t doc)
{
    struct builder *b = s->b;
    const struct doc_build *d = &b->docs[doc];
    struct segment_doc out = {.id = builder_id(b, doc),
                              .routing = builder_routing(b, doc),
                              .stored = builder_source(b, doc),
                              .seq_no = d->seq_no,
                              .version = d->version};
    if (d->template_number) {
        const struct source_template *t = template_table_get(&b->templates, d->template_number);
        uint16_t *number = &s->template_numbers[d->template_number];
        if (!*number)
            *number = (uint16_t)segment_writer_template(s->w, t->encoded);
        ASSERT(*number); /* the writer's limits are the builder's */
        out.template_number = *number;
        /* Without any stored bytes there is no array to point into. */
        out.stored =
            d->stored_bytes ? (struct str){b->stored.p + d->stored_off, d->stored_bytes} : STR_NONE;
    }
    segment_writer_doc(s->w, &out);
}

/* ---- Order of documents ---- */

struct timed_doc {
    int64_t value;
    uint32_t doc;
};

static int timed_cmp(const void *a, const void *b)
{
    const struct timed_doc *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

/* The live documents with their value of the field; NULL: one has none, or several, or they are in
 * order already. */
static struct timed_doc *timed_docs(const struct seal *s, const struct field_build *f)
{
    struct timed_doc *docs = mem_alloc((size_t)s->doc_count * sizeof(*docs));
    uint32_t n = 0;
    bool is_in_order = true, is_single = true;
    for (size_t i = 0; i < f->count && is_single; i++) {
        if (s->b->docs[f->docs[i]].is_dead)
            continue;
        is_single = n < s->doc_count && (n == 0 || docs[n - 1].doc != f->docs[i]);
        if (is_single)
            docs[n++] = (struct timed_doc){f->values[i], f->docs[i]};
        is_in_order &= n < 2 || docs[n - 2].value <= docs[n - 1].value;
    }
    if (is_single && n == s->doc_count && !is_in_order)
        return docs;
    mem_free(docs);
    return NULL;
}

/* Sorts the documents by a field of integers or dates when each has one value of it. Equal ones
 * stay as they came. */
static void order_make(struct seal *s, uint32_t sort_field)
{
    const struct builder *b = s->b;
    const struct field_build *f = sort_field < b->field_count ? b->fields[sort_field] : NULL;
    struct timed_doc *docs = f && f->has_column ? timed_docs(s, f) : NULL;
    if (!docs)
        return;
    qsort(docs, s->doc_count, sizeof(*docs), timed_cmp);
    s->order = mem_alloc((size_t)s->doc_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < s->doc_count; i++)
        s->order[i] = docs[i].doc;
    mem_free(docs);
}

static void docs_seal(struct seal *s)
{
    const struct builder *b = s->b;
    uint32_t next = 0;
    if (s->order) {
        for (uint32_t doc = 0; doc < b->doc_count; doc++)
            s->new_docs[doc] = DOC_NONE;
        for (uint32_t i = 0; i < s->doc_count; i++) {
            s->new_docs[s->order[i]] = i;
            doc_seal(s, s->order[i]);
        }
        return;
    }
    for (uint32_t doc = 0; doc < b->doc_count; doc++) {
        s->new_docs[doc] = b->docs[doc].is_dead ? DOC_NONE : next++;
        if (!b->docs[doc].is_dead)
            doc_seal(s, doc);
    }
}

int builder_seal(struct builder *b, uint32_t sort_field, void **ret_bytes, size_t *ret_size,
                 struct err *err)
{
    struct seal s = {.b = b, .doc_count = (uint32_t)b->doc_count - b->dead_count};
    if (s.doc_count == 0) {
        *ret_bytes = NULL;
        *ret_size = 0;
        return 0;
    }
    struct segment_writer_options options = {.doc_count = s.doc_count};
    CLEANUP(segment_writer_free_ptr) struct segment_writer *w = segment_writer_new(&options);
    s.w = w;
    s.new_docs = mem_alloc(b->doc_count * sizeof(uint32_t));
    order_make(&s, sort_field);
    docs_seal(&s);
    for (size_t i = 0; i < b->field_count; i++) {
        if (b->fields[i])
            field_seal(&s, b->fields[i]);
    }
    mem_free(s.new_docs);
    mem_free(s.order);
    return segment_writer_finish(w, ret_bytes, ret_size, err);
}
