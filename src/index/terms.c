/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionaries: binary search over the first terms of the blocks (in the footer), then one block is
 * walked. */
#include "base/arena.h"
#include "base/str.h"
#include "index/segment_int.h"

static struct str block_first(const struct terms *t, uint32_t block)
{
    uint32_t from = get_u32_le(t->blocks + (size_t)block * 8 + 4),
             to = get_u32_le(t->blocks + (size_t)(block + 1) * 8 + 4);
    return (struct str){t->first_terms + from, to - from};
}

bool term_cursor_block(struct term_cursor *c, const struct terms *t, uint32_t block)
{
    if (block >= t->block_count)
        return false;
    uint32_t from = get_u32_le(t->blocks + (size_t)block * 8),
             to = get_u32_le(t->blocks + (size_t)(block + 1) * 8);
    c->terms = t;
    c->p = segment__at(t->seg, t->dictionary_off + from, to - from);
    if (!c->p)
        return false;
    c->end = c->p + (to - from);
    c->postings_off = get_u64_le(t->bases + (size_t)block * 8);
    c->next_ordinal = block * DICT_BLOCK_TERMS;
    c->term_bytes = 0;
    return true;
}

static bool cursor_bad(struct term_cursor *c)
{
    segment__damaged(c->terms->seg, "bad dictionary block",
                     (uint64_t)(c->p - c->terms->seg->bytes));
    return false;
}

bool term_cursor_next(struct term_cursor *c)
{
    const struct terms *t = c->terms;
    if (c->next_ordinal >= t->term_count)
        return false;
    if (c->p >= c->end) {
        if (c->next_ordinal % DICT_BLOCK_TERMS != 0)
            return cursor_bad(c);
        if (!term_cursor_block(c, t, c->next_ordinal / DICT_BLOCK_TERMS))
            return false;
    }
    uint64_t shared, rest, doc_freq, more = 0, postings = 0, positions = 0;
    if (!get_varint(&c->p, c->end, &shared) || !get_varint(&c->p, c->end, &rest) ||
        shared > c->term_bytes || rest > TERM_BYTES_MAX - shared ||
        rest > (uint64_t)(c->end - c->p))
        return cursor_bad(c);
    memcpy(c->term + shared, c->p, rest);
    c->p += rest;
    c->term_bytes = shared + rest;
    if (!get_varint(&c->p, c->end, &doc_freq) || doc_freq == 0 || doc_freq > t->seg->doc_count)
        return cursor_bad(c);
    if ((t->flags & TERMS_FLAG_FREQS) && !get_varint(&c->p, c->end, &more))
        return cursor_bad(c);
    if ((t->flags & TERMS_FLAG_POSTINGS) && !get_varint(&c->p, c->end, &postings))
        return cursor_bad(c);
    if ((t->flags & TERMS_FLAG_POSITIONS) && !get_varint(&c->p, c->end, &positions))
        return cursor_bad(c);
    struct term_entry *e = &c->entry;
    *e = (struct term_entry){.ordinal = c->next_ordinal++,
                             .doc_freq = (uint32_t)doc_freq,
                             .total_term_freq = doc_freq + more,
                             .postings_off = c->postings_off,
                             .positions_bytes = positions};
    if (doc_freq == 1)
        e->single_doc = (uint32_t)postings;
    else
        e->postings_bytes = postings;
    uint64_t rest_bytes = t->postings_bytes - c->postings_off;
    if (c->postings_off > t->postings_bytes || e->postings_bytes > rest_bytes ||
        positions > rest_bytes - e->postings_bytes ||
        (doc_freq == 1 && postings >= t->seg->doc_count))
        return cursor_bad(c);
    e->positions_off = c->postings_off + e->postings_bytes;
    c->postings_off = e->positions_off + positions;
    return true;
}

bool term_cursor_ordinal(struct term_cursor *c, const struct terms *t, uint32_t ordinal)
{
    if (ordinal >= t->term_count || !term_cursor_block(c, t, ordinal / DICT_BLOCK_TERMS))
        return false;
    for (uint32_t i = 0; i <= ordinal % DICT_BLOCK_TERMS; i++) {
        if (!term_cursor_next(c))
            return false;
    }
    return true;
}

bool term_cursor_seek(struct term_cursor *c, const struct terms *t, struct str text)
{
    uint32_t low = 0, high = t->block_count; /* the last block whose first term <= text */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (str_cmp(block_first(t, mid), text) <= 0)
            low = mid;
        else
            high = mid;
    }
    if (!term_cursor_block(c, t, low))
        return false;
    while (term_cursor_next(c)) {
        if (str_cmp((struct str){c->term, c->term_bytes}, text) >= 0)
            return true;
    }
    return false;
}

/* ---- Public ---- */

static const struct terms *field_terms(const struct segment *seg, const struct field *field)
{
    const struct segment_field *f = segment__field(seg, field->id);
    return f && (f->parts & FIELD_PART_TERMS) && (f->terms.flags & TERMS_FLAG_POSTINGS) ? &f->terms
                                                                                        : NULL;
}

bool segment_field_stats(struct segment *seg, const struct field *field,
                         struct field_stats *ret_stats)
{
    const struct terms *t = field_terms(seg, field);
    if (!t)
        return false;
    *ret_stats = (struct field_stats){t->doc_count, t->sum_doc_freq, t->sum_total_term_freq};
    return true;
}

const uint8_t *segment_norms(struct segment *seg, const struct field *field)
{
    const struct segment_field *f = segment__field(seg, field->id);
    return f && (f->parts & FIELD_PART_NORMS) ? segment__at(seg, f->norms_off, seg->doc_count)
                                              : NULL;
}

bool segment_term(struct segment *seg, const struct field *field, struct str term,
                  struct term_info *ret_info)
{
    const struct terms *t = field_terms(seg, field);
    struct term_cursor c;
    if (!t || term.n > TERM_BYTES_MAX || !term_cursor_seek(&c, t, term) ||
        !str_eq((struct str){c.term, c.term_bytes}, term))
        return false;
    *ret_info = (struct term_info){c.entry.doc_freq, c.entry.total_term_freq, c.entry.ordinal};
    return true;
}

struct postings *postings_open(struct segment *seg, const struct field *field,
                               const struct term_info *info, unsigned flags, struct arena *mem)
{
    const struct terms *t = field_terms(seg, field);
    struct term_cursor c;
    struct term_entry none = {0};
    ASSERT(t);
    bool ok = term_cursor_ordinal(&c, t, (uint32_t)info->handle);
    return postings__open(seg, t, ok ? &c.entry : &none, segment_norms(seg, field), flags, mem);
}

struct term_iter {
    const struct terms *terms;
    bool is_started;
    struct term_cursor cursor;
};

struct term_iter *term_iter_open(struct segment *seg, const struct field *field, struct arena *mem)
{
    const struct segment_field *f = segment__field(seg, field->id);
    if (!f || !(f->parts & FIELD_PART_TERMS))
        return NULL;
    struct term_iter *it = arena_alloc(mem, sizeof(*it));
    it->terms = &f->terms;
    it->is_started = false;
    it->cursor.term_bytes = 0;
    return it;
}

bool term_iter_seek(struct term_iter *it, struct str at_least)
{
    it->is_started = true;
    return term_cursor_seek(&it->cursor, it->terms, at_least);
}

bool term_iter_next(struct term_iter *it)
{
    if (!it->is_started) {
        it->is_started = true;
        if (!term_cursor_block(&it->cursor, it->terms, 0))
            return false;
    }
    return term_cursor_next(&it->cursor);
}

struct str term_iter_term(const struct term_iter *it)
{
    return (struct str){it->cursor.term, it->cursor.term_bytes};
}

void term_iter_info(const struct term_iter *it, struct term_info *ret_info)
{
    *ret_info = (struct term_info){it->cursor.entry.doc_freq, it->cursor.entry.total_term_freq,
                                   it->cursor.entry.ordinal};
}

void term_iter_docs(const struct term_iter *it, uint64_t *bits)
{
    ASSERT(it->terms->flags & TERMS_FLAG_POSTINGS);
    postings__add_docs(it->terms->seg, it->terms, &it->cursor.entry, bits);
}
