/* SPDX-License-Identifier: Apache-2.0 */
/* term_texts_test.c: the text of each ordinal is the term that went in, whatever the dictionary's
 * parts, in any order and from several threads; frequent short ones are kept where they are. */
#include "support/test.h"

#include <pthread.h>

#include "index/segment_int.h"
#include "index/segment_writer.h"

#define FIELD 1u

struct terms_list {
    struct str *terms; /* ascending */
    uint32_t count;
};

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Many share a beginning with their neighbours; one is empty, one as long as may be. */
static struct terms_list random_terms(struct test *t, uint32_t count)
{
    struct terms_list l = {ARENA_ARRAY(t->mem, struct str, count), 0};
    struct rng *rng = &t->rng;
    uint32_t n = 0;
    l.terms[n++] = STR("");
    if (count > 1) {
        char *longest = arena_alloc(t->mem, TERM_BYTES_MAX);
        memset(longest, 'x', TERM_BYTES_MAX);
        l.terms[n++] = (struct str){longest, TERM_BYTES_MAX};
    }
    for (uint32_t i = n; i < count; i++) {
        struct str base = rng_below(rng, 4) ? l.terms[rng_below(rng, i)] : STR("");
        size_t kept = rng_below(rng, MIN_OF(base.n, (size_t)400) + 1),
               own = rng_below(rng, 2) ? 1 + rng_below(rng, 4) : 1 + rng_below(rng, 300);
        char *p = arena_alloc(t->mem, kept + own);
        memcpy(p, base.p, kept);
        for (size_t k = 0; k < own; k++)
            p[kept + k] = (char)rng_below(rng, 256);
        l.terms[n++] = (struct str){p, kept + own};
    }
    qsort(l.terms, n, sizeof(*l.terms), by_bytes);
    for (uint32_t i = 0; i < n; i++) {
        if (l.count == 0 || !str_eq(l.terms[l.count - 1], l.terms[i]))
            l.terms[l.count++] = l.terms[i];
    }
    return l;
}

/* A segment of `docs` documents; term i is in the first `freqs[i]` of them, NULL: in one. */
static struct segment *made(struct test *t, const struct terms_list *l, unsigned flags,
                            const uint32_t *freqs, uint32_t docs)
{
    struct segment_writer *w =
        segment_writer_new(&(struct segment_writer_options){.doc_count = docs});
    uint32_t *numbers = ARENA_ARRAY(t->mem, uint32_t, docs);
    uint32_t *ones = ARENA_ARRAY(t->mem, uint32_t, docs);
    struct segment *seg;
    void *bytes;
    size_t size;
    for (uint32_t i = 0; i < docs; i++) {
        segment_writer_doc(
            w, &(struct segment_doc){.id = arena_printf(t->mem, "%06u", i), .stored = STR("{}")});
        numbers[i] = i;
        ones[i] = 1;
    }
    segment_writer_field_begin(w, FIELD, FIELD_TEXT, STR("x"));
    segment_writer_terms_begin(w, flags);
    for (uint32_t i = 0; i < l->count; i++)
        segment_writer_term(w, l->terms[i],
                            &(struct term_postings){numbers, ones, ones, freqs ? freqs[i] : 1});
    segment_writer_terms_end(w, docs);
    segment_writer_field_end(w);
    assert_ok(segment_writer_finish(w, &bytes, &size, &t->err), &t->err);
    segment_writer_free(w);
    assert_ok(segment_open_bytes(bytes, size, "test", &seg, &t->err), &t->err);
    return seg;
}

static const struct terms *terms_of(const struct segment *seg)
{
    return &segment__field(seg, FIELD)->terms;
}

static void every_ordinal_has_its_text(struct test *t)
{
    static const uint32_t counts[] = {1, 2, 31, 32, 33, 64, 65, 3000};
    static const unsigned all = TERMS_FLAG_POSTINGS | TERMS_FLAG_FREQS | TERMS_FLAG_POSITIONS;
    static const unsigned flags[] = {0, TERMS_FLAG_POSTINGS, TERMS_FLAG_POSTINGS | TERMS_FLAG_FREQS,
                                     all};
    char room[TERM_ROOM_BYTES];
    for (size_t row = 0; row < ARRAY_COUNT(counts) * ARRAY_COUNT(flags); row++) {
        struct terms_list l = random_terms(t, counts[row % ARRAY_COUNT(counts)]);
        uint32_t *freqs = ARENA_ARRAY(t->mem, uint32_t, l.count);
        for (uint32_t i = 0; i < l.count; i++)
            freqs[i] = 1 + (uint32_t)rng_below(&t->rng, rng_below(&t->rng, 8) ? 3 : 400);
        struct segment *seg = made(t, &l, flags[row / ARRAY_COUNT(counts)], freqs, 400);
        const struct terms *terms = terms_of(seg);
        assert_int_equal(terms->term_count, l.count);
        for (uint32_t k = 0; k < 4 * l.count; k++) {
            uint32_t i = k < l.count ? k : (uint32_t)rng_below(&t->rng, l.count);
            assert_strs_eq(terms__text(terms, i, room), l.terms[i]);
        }
        assert_null(terms__text(terms, l.count, room).p); /* none such, and no damage */
        assert_null(terms__text(terms, UINT32_MAX, room).p);
        assert_ok(segment_failure(seg, &t->err), &t->err);
        segment_unref(seg);
    }
}

/* At least two documents and one in 4096, and 256 bytes at most. */
static void frequent_ones_are_kept(struct test *t)
{
    static const struct {
        uint32_t docs, freq, bytes;
        bool is_kept;
    } rows[] = {{100, 1, 5, false}, {100, 2, 5, true},   {8192, 2, 5, true},  {8193, 2, 5, false},
                {8193, 3, 5, true}, {100, 100, 0, true}, {100, 2, 256, true}, {100, 2, 257, false}};
    char room[TERM_ROOM_BYTES], other[TERM_ROOM_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str term = str_sub(arena_printf(t->mem, "%0300u", 7), 0, rows[i].bytes);
        struct terms_list l = {&term, 1};
        struct segment *seg = made(t, &l, TERMS_FLAG_POSTINGS, &rows[i].freq, rows[i].docs);
        const struct terms *terms = terms_of(seg);
        assert_strs_eq(terms__text(terms, 0, room), term);
        memset(room, '?', sizeof(room));
        struct str again = terms__text(terms, 0, room), third = terms__text(terms, 0, other);
        bool is_kept = again.p != room;
        if (is_kept != rows[i].is_kept)
            fail_msg("row %zu: kept %d", i, is_kept);
        assert_true(is_kept ? third.p == again.p : third.p == other);
        assert_strs_eq(third, term);
        segment_unref(seg);
    }
}

/* A damaged block has no text, and the segment says so; what was kept of it stays good. */
static void damage_is_told(struct test *t)
{
    struct str texts[200];
    struct terms_list l = {texts, ARRAY_COUNT(texts)};
    uint32_t freqs[ARRAY_COUNT(texts)];
    char room[TERM_ROOM_BYTES];
    for (uint32_t i = 0; i < l.count; i++) {
        texts[i] = arena_printf(t->mem, "term %03u", i);
        freqs[i] = 1 + (i == 40);
    }
    for (uint32_t is_kept = 0; is_kept < 2; is_kept++) {
        struct segment *seg = made(t, &l, TERMS_FLAG_POSTINGS, freqs, 2);
        const struct terms *terms = terms_of(seg);
        uint8_t *block = (uint8_t *)(uintptr_t)seg->bytes + terms->dictionary_off +
                         get_u32_le(terms->blocks + 8 * (40 / DICT_BLOCK_TERMS));
        if (is_kept)
            assert_strs_eq(terms__text(terms, 40, room), l.terms[40]);
        memset(block, 0xFF, 8);
        assert_strs_eq(terms__text(terms, 40, room), is_kept ? l.terms[40] : STR_NONE);
        assert_null(terms__text(terms, 41, room).p);
        int rc = segment_failure(seg, &t->err);
        assert_err(rc, &t->err, ERR_CORRUPT);
        segment_unref(seg);
    }
}

#define THREADS 4u

struct reader {
    const struct terms *terms;
    const struct terms_list *list;
    struct rng rng;
    pthread_t thread;
    uint32_t wrong;
};

static void *reading(void *arg)
{
    struct reader *r = arg;
    char *room = mem_alloc(TERM_ROOM_BYTES);
    for (uint32_t k = 0; k < 20000; k++) {
        uint32_t i = (uint32_t)rng_below(&r->rng, r->list->count);
        r->wrong += !str_eq(terms__text(r->terms, i, room), r->list->terms[i]);
    }
    mem_free(room);
    return NULL;
}

/* More frequent terms than there are places: who comes first has the place. */
static void threads_fill_the_places_together(struct test *t)
{
    struct terms_list l = random_terms(t, 3000);
    uint32_t *freqs = ARENA_ARRAY(t->mem, uint32_t, l.count);
    struct reader readers[THREADS];
    for (uint32_t i = 0; i < l.count; i++)
        freqs[i] = 1 + i % 3;
    struct segment *seg = made(t, &l, TERMS_FLAG_POSTINGS, freqs, 10);
    for (uint32_t i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){.terms = terms_of(seg), .list = &l};
        rng_split(&t->rng, &readers[i].rng);
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reading, &readers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].wrong, 0);
    }
    assert_ok(segment_failure(seg, &t->err), &t->err);
    segment_unref(seg);
}

TEST_MAIN(TEST(every_ordinal_has_its_text), TEST(frequent_ones_are_kept), TEST(damage_is_told),
          TEST(threads_fill_the_places_together))
