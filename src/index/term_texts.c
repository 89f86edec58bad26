/* SPDX-License-Identifier: Apache-2.0 */
/* term_texts.c: the text of an ordinal. A dictionary's terms stand in blocks, each as what it
 * shares with the one before and its rest, so a text costs half a block on average. Sources and
 * keys of buckets ask for a segment's frequent terms again and again: these are kept, in a table
 * whose places are filled once and read without locks. Rare terms are not worth a place. */
#include "base/arena.h"
#include "base/hash.h"
#include "index/segment_int.h"

#define TEXT_PLACES    1024u /* a power of two */
#define TEXT_SHARE_MIN 4096u /* a term that is kept has at least 1 in so many documents */
#define TEXT_BYTES_MAX 256u  /* of a term that is kept: at most 256 KiB for a segment */
#define COPY_BYTES     16u

struct term_text {
    const struct terms *terms;
    uint32_t ordinal, n;
    char text[];
};

/* ---- The dictionary ---- */

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
    if (LIKELY(*p < end && **p < 0x80)) {
        *ret_v = *(*p)++;
        return true;
    }
    return get_varint(p, end, ret_v);
}

static bool skip_varints(const uint8_t **p, const uint8_t *end, unsigned n)
{
    if (LIKELY(end - *p >= 8)) {
        uint64_t bytes, lasts;
        memcpy(&bytes, *p, 8);
        lasts = ~bytes & UINT64_C(0x8080808080808080); /* the last byte of each varint */
        for (unsigned k = 1; k < n; k++)
            lasts &= lasts - 1;
        if (LIKELY(lasts)) {
            *p += (__builtin_ctzll(lasts) >> 3) + 1;
            return true;
        }
    }
    for (; n > 0; n--) {
        while (*p < end && **p & 0x80)
            (*p)++;
        if (*p >= end)
            return false;
        (*p)++;
    }
    return true;
}

/* As term_cursor_next reads it (its checks find the damage), but for the text alone. */
static size_t text_read(const struct terms *t, uint32_t ordinal, char *room, uint64_t *ret_freq)
{
    struct term_cursor c;
    if (!term_cursor_block(&c, t, ordinal / DICT_BLOCK_TERMS))
        return SIZE_MAX;
    const uint8_t *p = c.p, *end = c.end;
    unsigned others = (t->flags & TERMS_FLAG_FREQS ? 1u : 0u) +
                      (t->flags & TERMS_FLAG_POSTINGS ? 1u : 0u) +
                      (t->flags & TERMS_FLAG_POSITIONS ? 1u : 0u);
    size_t n = 0;
    for (uint32_t left = ordinal % DICT_BLOCK_TERMS;; left--) {
        uint64_t shared, rest;
        if (!read_varint(&p, end, &shared) || !read_varint(&p, end, &rest) || shared > n ||
            rest > TERM_BYTES_MAX - shared || rest > (uint64_t)(end - p))
            return SIZE_MAX;
        /* Mostly a few bytes: one wide copy, where both sides have room for it. */
        if (rest <= COPY_BYTES && (size_t)(end - p) >= COPY_BYTES)
            memcpy(room + shared, p, COPY_BYTES);
        else
            memcpy(room + shared, p, rest);
        p += rest;
        n = shared + rest;
        if (left == 0)
            return read_varint(&p, end, ret_freq) ? n : SIZE_MAX;
        if (!skip_varints(&p, end, 1 + others))
            return SIZE_MAX;
    }
}

/* ---- Those that are kept ---- */

static struct term_text **places_of(struct segment *seg)
{
    struct term_text **places = __atomic_load_n(&seg->texts, __ATOMIC_ACQUIRE), **none = NULL;
    if (places)
        return places;
    places = MEM_ARRAY(struct term_text *, TEXT_PLACES);
    /* Release: who sees the table sees that it is empty. */
    if (__atomic_compare_exchange_n(&seg->texts, &none, places, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return places;
    mem_free(places);
    return none;
}

static void keep(struct term_text **place, const struct terms *t, uint32_t ordinal, struct str s)
{
    struct term_text *none = NULL, *own = mem_alloc(sizeof(*own) + s.n);
    *own = (struct term_text){.terms = t, .ordinal = ordinal, .n = (uint32_t)s.n};
    memcpy(own->text, s.p, s.n);
    if (!__atomic_compare_exchange_n(place, &none, own, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        mem_free(own);
}

struct str terms__text(const struct terms *t, uint32_t ordinal, char *room)
{
    struct segment *seg = t->seg;
    if (ordinal >= t->term_count)
        return STR_NONE;
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)t + ordinal);
    struct term_text **place = &places_of(seg)[hash & (TEXT_PLACES - 1)];
    const struct term_text *kept = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (kept && kept->terms == t && kept->ordinal == ordinal)
        return (struct str){kept->text, kept->n};
    uint64_t freq = 0;
    size_t n = text_read(t, ordinal, room, &freq);
    if (n == SIZE_MAX) {
        segment__damaged(seg, "bad dictionary block", t->dictionary_off);
        return STR_NONE;
    }
    struct str text = {room, n};
    if (!kept && freq > 1 && freq * TEXT_SHARE_MIN >= seg->doc_count && n <= TEXT_BYTES_MAX)
        keep(place, t, ordinal, text);
    return text;
}

void segment__texts_free(struct segment *seg)
{
    for (size_t i = 0; seg->texts && i < TEXT_PLACES; i++)
        mem_free(seg->texts[i]);
    mem_free(seg->texts);
}
