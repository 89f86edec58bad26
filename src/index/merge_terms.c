/* SPDX-License-Identifier: Apache-2.0 */
/* merge_terms.c: the inputs' dictionaries are merged like sorted streams, and so are the postings
 * of a term that several have: their documents are renumbered on the way, each input's stay
 * ascending. A block of postings of each input and one of the result are unpacked at a time. */
#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"
#include "index/merge_int.h"

#define LISTS_PER_ARENA_RESET 256u
#define TERMS_PER_BREATH      256u

/* ---- Postings ---- */

static void batch_flush(struct merge *m)
{
    struct posting_batch *b = &m->batch;
    struct term_postings p = {b->docs, b->freqs, b->positions, b->n};
    if (b->n > 0)
        segment_writer_term_docs(m->w, &p, b->norms);
    b->n = 0;
    b->position_n = 0;
}

static void positions_take(struct posting_batch *b, const uint32_t *positions, uint32_t n)
{
    if (UNLIKELY(b->position_n + n > b->position_capacity)) {
        void *grown = b->positions;
        mem_grow(&grown, &b->position_capacity, b->position_n + n, sizeof(uint32_t));
        b->positions = grown;
    }
    for (uint32_t i = 0; i < n; i++) /* mostly one */
        b->positions[b->position_n + i] = positions[i];
    b->position_n += n;
}

static void run_end(struct posting_run *run)
{
    run->to = DOC_NONE;
    run->n = run->at = 0;
}

/* More unpacked documents. */
static bool run_fill(struct merge *m, struct posting_run *run)
{
    struct postings *p = run->postings;
    bool is_first = run->docs == NULL;
    run->at = 0;
    if (!p) {
        run->docs = &run->one;
        run->freqs = &run->one_freq;
        run->n = is_first ? 1 : 0;
        return is_first;
    }
    if (is_first)
        (void)postings_next(p);
    else
        (void)postings_advance(p, run->docs[run->n - 1] + 1);
    run->docs = postings_block(p, &run->freqs, &run->n);
    if (!run->docs || !m->want_positions)
        return run->docs != NULL;
    run->positions = postings__block_positions(p, &run->begins);
    return run->positions != NULL; /* NULL: the segment knows that it is damaged */
}

/* To the next document that lives. */
static void run_next(struct merge *m, struct posting_run *run)
{
    const struct renumber *new_docs = &m->inputs[run->input].new_docs;
    for (run->at++;; run->at++) {
        if (run->at >= run->n && !run_fill(m, run)) {
            run_end(run);
            return;
        }
        run->to = renumber_get(new_docs, run->docs[run->at]);
        if (run->to != DOC_NONE)
            return;
    }
}

/* The document at hand and those behind it, up to `limit`. */
static void run_take(struct merge *m, struct posting_run *run, uint32_t limit)
{
    struct posting_batch *b = &m->batch;
    const uint8_t *norms = m->norms[run->input];
    do {
        uint32_t at = run->at, freq = m->want_freqs ? run->freqs[at] : 1;
        if (b->n == POSTINGS_BLOCK_DOCS)
            batch_flush(m);
        if (m->want_positions)
            positions_take(b, run->positions + run->begins[at], freq);
        b->docs[b->n] = run->to;
        b->freqs[b->n] = freq;
        b->norms[b->n++] = norms ? norms[run->docs[at]] : 0;
        bitset_set(m->seen, run->to);
        run_next(m, run);
    } while (run->to < limit);
}

/* What an input has of the term its cursor is at. */
static void run_open(struct merge *m, size_t input)
{
    const struct terms *t = &m->fields[input]->terms;
    const struct term_entry *entry = &m->cursors[input]->entry;
    struct posting_run *run = &m->runs[m->run_count];
    unsigned want =
        (m->want_positions ? POSTINGS_POSITIONS : 0u) | (m->want_freqs ? POSTINGS_FREQS : 0u);
    if (!(t->flags & TERMS_FLAG_POSTINGS) ||
        (m->want_positions && !(t->flags & TERMS_FLAG_POSITIONS))) {
        segment__damaged(m->inputs[input].segment, "a dictionary without postings or positions",
                         t->dictionary_off);
        return;
    }
    *run = (struct posting_run){.input = input};
    if (entry->doc_freq == 1 && !m->want_positions) {
        run->one = entry->single_doc;
        run->one_freq = (uint32_t)entry->total_term_freq;
    } else {
        run->postings = postings__open(m->inputs[input].segment, t, entry, NULL, want, m->mem);
        m->opened++;
    }
    run_next(m, run);
    if (run->to != DOC_NONE)
        m->run_count++;
}

/* The inputs' parts, each ascending, to one: from the one that is least as long as it is. */
static void runs_write(struct merge *m)
{
    while (m->run_count > 0) {
        struct posting_run *least = &m->runs[0];
        uint32_t limit = DOC_NONE; /* where the next one begins */
        for (size_t i = 1; i < m->run_count; i++) {
            struct posting_run *run = &m->runs[i];
            limit = MIN_OF(limit, MAX_OF(run->to, least->to));
            if (run->to < least->to)
                least = run;
        }
        run_take(m, least, limit);
        if (least->to == DOC_NONE)
            *least = m->runs[--m->run_count];
    }
    batch_flush(m);
}

/* ---- Dictionaries ---- */

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

static bool has_terms(const struct merge *m, size_t input)
{
    return m->fields[input] && (m->fields[input]->parts & FIELD_PART_TERMS);
}

static void cursors_open(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        renumber_deinit(&m->ordinals[i]);
        if (has_terms(m, i))
            renumber_init(&m->ordinals[i], m->fields[i]->terms.term_count);
        cursor_opened(m, i,
                      has_terms(m, i) &&
                          term_cursor_block(m->cursors[i], &m->fields[i]->terms, 0) &&
                          term_cursor_next(m->cursors[i]));
    }
}

static void cursors_close(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (has_terms(m, i))
            renumber_end(&m->ordinals[i]);
    }
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

/* Notes who has the term at the least cursor, opens their postings and moves them on. */
static void holders_take(struct merge *m, size_t least, struct str term, bool with_postings)
{
    uint64_t head = m->heads[least];
    m->holder_count = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->is_open[i] || m->heads[i] != head ||
            (i != least && !str_eq(cursor_term(m->cursors[i]), term)))
            continue;
        if (with_postings)
            run_open(m, i);
        m->holders[m->holder_count++] = i;
        cursor_opened(m, i, term_cursor_next(m->cursors[i]));
    }
}

/* The term with its postings, or with its count; false: no document has it any more. */
static bool term_write(struct merge *m, struct str term, const uint32_t *count)
{
    if (!count) {
        runs_write(m);
        return segment_writer_term_end(m->w, term) > 0;
    }
    struct term_postings p = {.count = *count};
    if (*count > 0)
        segment_writer_term(m->w, term, &p);
    return *count > 0;
}

uint32_t merge__terms(struct merge *m, unsigned flags, const uint32_t *counts)
{
    uint32_t next = 0, walked = 0;
    char text[TERM_BYTES_MAX + 2];
    bool with_postings = flags & TERMS_FLAG_POSTINGS;
    m->want_positions = flags & TERMS_FLAG_POSITIONS;
    m->want_freqs = flags & (TERMS_FLAG_FREQS | TERMS_FLAG_POSITIONS);
    m->run_count = m->opened = 0;
    cursors_open(m);
    for (size_t least; (least = cursor_least(m)) != SIZE_MAX; walked++) {
        struct str term = {text, m->cursors[least]->term_bytes};
        memcpy(text, m->cursors[least]->term, term.n);
        if (m->opened >= LISTS_PER_ARENA_RESET) {
            arena_reset(m->mem);
            m->opened = 0;
        }
        holders_take(m, least, term, with_postings);
        bool is_there = with_postings || counts
                            ? term_write(m, term, with_postings ? NULL : &counts[walked])
                            : true;
        for (size_t i = 0; i < m->holder_count; i++)
            renumber_add(&m->ordinals[m->holders[i]], is_there ? next : RENUMBER_NONE);
        next += is_there;
        if (walked % TERMS_PER_BREATH == 0)
            merge__breathe(m);
    }
    cursors_close(m);
    return next;
}
