/* SPDX-License-Identifier: Apache-2.0 */
/* merge_columns.c: a column of the result, zone by zone. Each input gives what it has of the zone's
 * documents, which are its next ones; where the inputs interleave, a counting sort by document puts
 * the parts together. */
#include "base/arena.h"
#include "index/merge_int.h"

/* ---- An input's values ---- */

static void window_read(struct column_window *w, uint32_t first)
{
    const struct column *c = w->column;
    w->first = first;
    w->n = MIN_OF(c->seg->doc_count - first, ZONE_DOCS);
    if (c->kind == COLUMN_LONG) {
        column_read_longs(c, first, w->n, w->values, w->exists);
    } else if (c->kind == COLUMN_DOUBLE) {
        double doubles[ZONE_DOCS];
        column_read_doubles(c, first, w->n, doubles, w->exists);
        memcpy(w->values, doubles, w->n * sizeof(*doubles));
    } else {
        uint32_t ordinals[ZONE_DOCS];
        column_read_ordinals(c, first, w->n, ordinals, w->exists);
        for (uint32_t i = 0; i < w->n; i++)
            w->values[i] = ordinals[i];
    }
}

/* ---- A zone ---- */

static void zone_push(struct zone_values *z, uint32_t doc, int64_t value)
{
    if (UNLIKELY(z->n == z->capacity)) {
        size_t capacity = z->capacity ? z->capacity * 2 : ZONE_DOCS;
        z->docs = mem_realloc(z->docs, capacity * sizeof(*z->docs));
        z->values = mem_realloc(z->values, capacity * sizeof(*z->values));
        z->capacity = capacity;
    }
    z->is_ordered &= z->n == 0 || z->docs[z->n - 1] <= doc;
    z->docs[z->n] = doc;
    z->values[z->n++] = value;
}

/* By document, each one's values in their order. */
static void zone_order(struct zone_values *z, uint32_t first)
{
    uint32_t starts[ZONE_DOCS + 1] = {0};
    if (z->is_ordered)
        return;
    if (z->spare_capacity < z->capacity) {
        z->docs_spare = mem_realloc(z->docs_spare, z->capacity * sizeof(*z->docs));
        z->values_spare = mem_realloc(z->values_spare, z->capacity * sizeof(*z->values));
        z->spare_capacity = z->capacity;
    }
    for (size_t i = 0; i < z->n; i++)
        starts[z->docs[i] - first + 1]++;
    for (uint32_t i = 0; i < ZONE_DOCS; i++)
        starts[i + 1] += starts[i];
    for (size_t i = 0; i < z->n; i++) {
        uint32_t at = starts[z->docs[i] - first]++;
        z->docs_spare[at] = z->docs[i];
        z->values_spare[at] = z->values[i];
    }
    struct zone_values ordered = *z;
    ordered.docs = z->docs_spare;
    ordered.values = z->values_spare;
    ordered.docs_spare = z->docs;
    ordered.values_spare = z->values;
    ordered.capacity = z->spare_capacity;
    ordered.spare_capacity = z->capacity;
    *z = ordered;
}

/* ---- What an input has of a zone ---- */

static int64_t mapped(const struct merge *m, const struct column_source *s, size_t input,
                      int64_t value)
{
    return s->map ? s->map(m, input, value) : value;
}

static void single_gather(struct merge *m, const struct column_source *s, size_t input,
                          uint32_t end)
{
    struct renumber_walk *walk = &m->walks[input];
    struct column_window *window = &m->windows[input];
    for (; walk->to < end; renumber_walk_next(walk)) {
        if (walk->old - window->first >= window->n)
            window_read(window, walk->old - walk->old % ZONE_DOCS);
        uint32_t at = walk->old - window->first;
        if (bitset_get(window->exists, at))
            zone_push(&m->zone, walk->to, mapped(m, s, input, window->values[at]));
    }
}

static void multi_gather(struct merge *m, const struct column_source *s, size_t input, uint32_t end)
{
    struct renumber_walk *walk = &m->walks[input];
    const struct column *c = s->columns[input];
    size_t capacity = 256;
    int64_t *values = MEM_ARRAY(int64_t, capacity);
    for (; walk->to < end; renumber_walk_next(walk)) {
        size_t n = column_doc_longs(c, walk->old, values, capacity);
        if (n > capacity) {
            void *p = values;
            mem_grow(&p, &capacity, n, sizeof(*values));
            values = p;
            n = MIN_OF(column_doc_longs(c, walk->old, values, capacity), capacity);
        }
        for (size_t k = 0; k < n; k++)
            zone_push(&m->zone, walk->to, mapped(m, s, input, values[k]));
    }
    mem_free(values);
}

static void fill_gather(struct merge *m, size_t input, uint32_t end)
{
    struct renumber_walk *walk = &m->walks[input];
    for (; walk->to < end; renumber_walk_next(walk))
        zone_push(&m->zone, walk->to, 0);
}

static void zone_gather(struct merge *m, const struct column_source *s, uint32_t first,
                        uint32_t end)
{
    m->zone.n = 0;
    m->zone.is_ordered = true;
    for (size_t i = 0; i < m->count; i++) {
        if (!s->columns[i] && s->is_filled)
            fill_gather(m, i, end);
        else if (s->columns[i] && column_is_multi(s->columns[i]))
            multi_gather(m, s, i, end);
        else if (s->columns[i])
            single_gather(m, s, i, end);
    }
    zone_order(&m->zone, first);
}

void merge__zones(struct merge *m, const struct column_source *s, merge__zone_fn *each, void *arg)
{
    for (size_t i = 0; i < m->count; i++) {
        renumber_walk_begin(&m->walks[i], &m->inputs[i].new_docs);
        m->windows[i].column = s->columns[i];
        m->windows[i].n = 0;
    }
    for (uint32_t first = 0; first < m->doc_count; first += ZONE_DOCS) {
        zone_gather(m, s, first, first + MIN_OF(m->doc_count - first, ZONE_DOCS));
        each(m, &m->zone, arg);
        merge__breathe(m);
    }
}

static void zone_write(struct merge *m, const struct zone_values *z, void *arg)
{
    (void)arg;
    segment_writer_column_zone(m->w, z->docs, z->values, z->n);
}

void merge__column(struct merge *m, const struct column_source *s, enum column_kind kind)
{
    segment_writer_column_begin(m->w, kind);
    merge__zones(m, s, zone_write, NULL);
    segment_writer_column_end(m->w);
}

/* ---- Norms ---- */

void merge__norms(struct merge *m)
{
    uint8_t norms[ZONE_DOCS];
    segment_writer_norms_begin(m->w);
    for (size_t i = 0; i < m->count; i++)
        renumber_walk_begin(&m->walks[i], &m->inputs[i].new_docs);
    for (uint32_t first = 0; first < m->doc_count; first += ZONE_DOCS) {
        uint32_t n = MIN_OF(m->doc_count - first, ZONE_DOCS);
        memset(norms, 0, sizeof(norms));
        for (size_t i = 0; i < m->count; i++) {
            struct renumber_walk *walk = &m->walks[i];
            for (; m->norms[i] && walk->to < first + n; renumber_walk_next(walk))
                norms[walk->to - first] = m->norms[i][walk->old];
        }
        segment_writer_norms_add(m->w, norms, n);
    }
}
