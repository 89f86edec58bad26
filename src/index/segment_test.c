/* SPDX-License-Identifier: Apache-2.0 */
/* A segment of many documents: several zones, stored blocks, posting blocks with skips, bit sets
 * and positions; sealed in memory and merged into a file. Everything is compared with what went in.
 */
#include "index/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/builder.h"
#include "index/mapping.h"
#include "index/merge.h"
#include "index/segment_int.h"

#define DOCS 10000u

struct made {
    struct arena *mem;
    struct mapping *mapping;
    struct segment *seg;
    struct segment *merged; /* every third document left out */
    struct vfs *fs;
};

/* What document i holds. */
static int64_t number_of(uint32_t i)
{
    return i % 7 == 3 ? INT64_MIN : (int64_t)(i * UINT64_C(2654435761) % 100003) - 500;
} /* MIN: none */
static int64_t time_of(uint32_t i)
{
    return INT64_C(898459201000) + (int64_t)(i / 3) * 1000;
}
static uint32_t repeats(uint32_t i)
{
    return 1 + i % 4;
}

static struct str source_of(struct arena *mem, uint32_t i)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "{\"time\":%lld,\"price\":%u.%02u,\"key\":\"k%u\",\"ip\":\"10.0.%u.%u\"",
               (long long)time_of(i), i % 977, i % 100, i % 1201, i / 256 % 256, i % 256);
    if (number_of(i) != INT64_MIN)
        buf_printf(&out, ",\"n\":%lld", (long long)number_of(i));
    buf_printf(&out, ",\"many\":[%u,%u,%u],\"text\":\"common", i % 5, i % 3, i % 5);
    for (uint32_t k = 0; k < repeats(i); k++)
        buf_printf(&out, " even%u word%u", i % 2, i % 500);
    buf_printf(&out, " unique%u\"}", i);
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

/* Documents of the same time stay together, the parts are sorted and interleave. */
static bool is_in(uint32_t i, int part)
{
    return part < 0 || i / 3 % 3 == (uint32_t)part;
}

static struct segment *seal(struct made *m, uint32_t from, uint32_t to, int part)
{
    struct builder *b = builder_new();
    struct err err = {0};
    void *bytes;
    size_t size;
    struct segment *seg;
    for (uint32_t i = from; i < to; i++) {
        if (!is_in(i, part))
            continue;
        struct builder_doc doc = {arena_printf(m->mem, "id%u", i * 31 % DOCS),
                                  i % 10 ? STR_NONE : STR("route"), source_of(m->mem, i), i,
                                  i % 3 + 1};
        struct mapping *draft;
        if (builder_add(b, m->mapping, &doc, &draft, &err) < 0)
            fail_msg("%s", err.text);
        assert_null(draft);
    }
    assert_int_equal(builder_seal(b, BUILDER_SORT_NONE, &bytes, &size, &err), 0);
    assert_int_equal(segment_open_bytes(bytes, size, "test", &seg, &err), 0);
    builder_free(b);
    return seg;
}

/* Of an input's first or last living document. */
static uint32_t new_doc(const struct merge_input *input, bool is_last)
{
    struct renumber_walk walk;
    uint32_t to = RENUMBER_NONE;
    for (renumber_walk_begin(&walk, &input->new_docs); walk.to != RENUMBER_NONE;
         renumber_walk_next(&walk)) {
        to = walk.to;
        if (!is_last)
            break;
    }
    return to;
}

/* Merged from three parts, without every third document, through a file. */
static void merged_make(struct made *m, bool is_interleaved)
{
    struct err err = {0};
    struct merge_input inputs[3];
    uint64_t *lives[3], size;
    uint32_t cuts[] = {0, 100, 5000, DOCS};
    for (int k = 0; k < 3; k++) {
        uint32_t from = is_interleaved ? 0 : cuts[k], to = is_interleaved ? DOCS : cuts[k + 1],
                 n = 0;
        int part = is_interleaved ? k : -1;
        lives[k] = MEM_ARRAY(uint64_t, BITSET_WORDS(DOCS));
        for (uint32_t doc = from; doc < to; doc++) {
            if (is_in(doc, part) && n++ < DOCS && doc % 3 != 0)
                bitset_set(lives[k], n - 1);
        }
        inputs[k] = (struct merge_input){seal(m, from, to, part), lives[k], {0}};
    }
    struct vfs_file *file;
    const struct field *time = mapping_field(m->mapping, STR("time"));
    assert_int_equal(merge_plan(inputs, 3, time->id), DOCS - (DOCS + 2) / 3);
    assert_int_equal(new_doc(&inputs[1], false) < new_doc(&inputs[0], true), is_interleaved);
    assert_int_equal(vfs_open(m->fs, STR("s"), VFS_READ | VFS_WRITE | VFS_CREATE, &file, &err), 0);
    if (merge_run(inputs, 3, file, true, NULL, NULL, &size, &err) < 0)
        fail_msg("merge: %s", err.text);
    vfs_close(file);
    assert_int_equal(segment_open_file(m->fs, STR("s"), &m->merged, &err), 0);
    for (size_t i = 0; i < 3; i++) {
        segment_unref(inputs[i].segment);
        renumber_deinit(&inputs[i].new_docs);
        mem_free(lives[i]);
    }
    print_message("%u documents in memory: %llu bytes; %u merged and compressed: %llu\n", DOCS,
                  (unsigned long long)m->seg->size, m->merged->doc_count, (unsigned long long)size);
}

static int setup_made(void **state, bool is_interleaved)
{
    struct made *m = MEM_NEW(struct made);
    struct err err = {0};
    struct value body;
    m->mem = arena_new(0);
    m->mapping = mapping_new();
    m->fs = vfs_mem_new();
    assert_int_equal(
        value_from_json(STR("{\"properties\":{\"time\":{\"type\":\"date\"},\"price\":{\"type\":"
                            "\"double\"},\"key\":{\"type\":\"keyword\"},\"ip\":{\"type\":\"ip\"},"
                            "\"n\":{\"type\":\"long\"},\"many\":{\"type\":\"long\"},\"text\":{"
                            "\"type\":\"text\"}}}"),
                        m->mem, &body, &err),
        0);
    assert_int_equal(mapping_put(m->mapping, &body, &err), 0);
    m->seg = seal(m, 0, DOCS, -1);
    merged_make(m, is_interleaved);
    *state = m;
    return 0;
}

static int setup(void **state)
{
    return setup_made(state, false);
}
static int setup_interleaved(void **state)
{
    return setup_made(state, true);
}

static int teardown(void **state)
{
    struct made *m = *state;
    segment_unref(m->seg);
    segment_unref(m->merged);
    mapping_unref(m->mapping);
    vfs_mem_free(m->fs);
    arena_free(m->mem);
    mem_free(m);
    return 0;
}

/* The made document behind a number of a segment. */
static uint32_t original(const struct made *m, const struct segment *seg, uint32_t doc)
{
    return seg == m->seg ? doc : doc / 2 * 3 + 1 + doc % 2;
}

static const struct field *field(const struct made *m, const char *name)
{
    return mapping_field(m->mapping, str_from(name));
}

static void each(struct made *m, void (*fn)(struct made *, struct segment *))
{
    fn(m, m->seg);
    fn(m, m->merged);
    struct err err = {0};
    if (segment_failure(m->seg, &err) < 0 || segment_failure(m->merged, &err) < 0)
        fail_msg("%s", err.text);
}

static void docs_agree(struct made *m, struct segment *seg)
{
    struct arena *mem = arena_new(0);
    struct err err = {0};
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        uint32_t i = original(m, seg, doc);
        struct str source, routing, id = segment_id(seg, doc, mem);
        assert_int_equal(segment_stored(seg, doc, mem, &source, &routing, &err), 0);
        assert_true(str_eq(source, source_of(mem, i)));
        assert_int_equal(routing.n, i % 10 ? 0 : 5);
        assert_true(str_eq(id, arena_printf(mem, "id%u", i * 31 % DOCS)));
        assert_int_equal(segment_find_id(seg, id), doc);
        assert_int_equal(segment_seq_no(seg, doc), i);
        assert_int_equal(segment_version(seg, doc), i % 3 + 1);
        arena_reset(mem);
    }
    assert_int_equal(segment_find_id(seg, STR("id10000")), DOC_NONE);
    arena_free(mem);
}

static void test_documents(void **state)
{
    each(*state, docs_agree);
}

static void columns_agree(struct made *m, struct segment *seg)
{
    struct column *time = segment_column(seg, field(m, "time")),
                  *n = segment_column(seg, field(m, "n"));
    struct column *price = segment_column(seg, field(m, "price")),
                  *many = segment_column(seg, field(m, "many"));
    int64_t longs[ZONE_DOCS], few[4];
    double doubles[ZONE_DOCS];
    uint64_t exists[ZONE_DOCS / 64];
    assert_true(column_is_sorted(time) && column_is_dense(time) && !column_is_multi(time));
    assert_true(!column_is_sorted(n) && !column_is_dense(n) && column_is_multi(many));
    assert_null(segment_column(seg, field(m, "text")));
    for (uint32_t first = 0; first < seg->doc_count; first += 1777) {
        uint32_t count = MIN_OF(seg->doc_count - first, 4000u);
        column_read_longs(time, first, count, longs, NULL);
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(longs[k], time_of(original(m, seg, first + k)));
        column_read_doubles(price, first, count, doubles, NULL);
        for (uint32_t k = 0; k < count; k++) {
            uint32_t i = original(m, seg, first + k);
            assert_true(doubles[k] == (double)(i % 977 * 100 + i % 100) / 100);
        }
        column_read_longs(n, first, count, longs, exists);
        for (uint32_t k = 0; k < count; k++) {
            int64_t wanted = number_of(original(m, seg, first + k));
            assert_int_equal(bitset_get(exists, k), wanted != INT64_MIN);
            assert_int_equal(longs[k], wanted == INT64_MIN ? 0 : wanted);
        }
    }
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        uint32_t i = original(m, seg, doc);
        assert_int_equal(column_doc_longs(many, doc, few, 4), 3);
        assert_true(few[0] <= few[1] && few[1] <= few[2] &&
                    few[0] + few[1] + few[2] == i % 5 * 2 + i % 3);
        assert_int_equal(column_doc_longs(n, doc, few, 4), number_of(i) != INT64_MIN);
    }
    for (uint32_t z = 0; z * ZONE_DOCS < seg->doc_count; z++) {
        struct column_zone zone;
        uint32_t last = MIN_OF(seg->doc_count, (z + 1) * ZONE_DOCS) - 1;
        assert_true(column_zone(time, z, &zone));
        assert_int_equal(zone.min_i, time_of(original(m, seg, z * ZONE_DOCS)));
        assert_int_equal(zone.max_i, time_of(original(m, seg, last)));
        assert_int_equal(zone.count, last + 1 - z * ZONE_DOCS);
    }
}

static void test_columns(void **state)
{
    each(*state, columns_agree);
}

static void dictionary_agrees(struct made *m, struct segment *seg)
{
    struct arena *mem = arena_new(0);
    struct column *key = segment_column(seg, field(m, "key")),
                  *ip = segment_column(seg, field(m, "ip"));
    uint32_t ordinals[ZONE_DOCS], counts[1201] = {0};
    assert_int_equal(column_ordinal_count(key), 1201);
    for (uint32_t first = 0; first < seg->doc_count; first += ZONE_DOCS) {
        uint32_t count = MIN_OF(seg->doc_count - first, ZONE_DOCS);
        column_read_ordinals(key, first, count, ordinals, NULL);
        for (uint32_t k = 0; k < count; k++) {
            counts[ordinals[k]]++;
            if (k % 37 == 0)
                assert_true(str_eq(column_ordinal_text(key, ordinals[k], mem),
                                   arena_printf(mem, "k%u", original(m, seg, first + k) % 1201)));
        }
    }
    struct str last = STR("");
    for (uint32_t o = 0; o < column_ordinal_count(key); o++) {
        bool is_found;
        struct str text = column_ordinal_text(key, o, mem);
        assert_true(str_cmp(last, text) < 0);
        last = text;
        assert_int_equal(column_ordinal_find(key, text, &is_found), o);
        assert_true(is_found);
        assert_int_equal(column_ordinal_doc_count(key, o), counts[o]);
    }
    bool is_found;
    assert_int_equal(column_ordinal_find(key, STR("zzz"), &is_found), 1201);
    assert_false(is_found);
    assert_int_equal(column_ordinal_find(key, STR(""), &is_found), 0);
    uint32_t docs = 0;
    for (uint32_t o = 0; o < column_ordinal_count(ip); o++) {
        assert_int_equal(column_ordinal_text(ip, o, mem).n, 16);
        docs += column_ordinal_doc_count(ip, o);
    }
    assert_int_equal(docs, seg->doc_count);
    struct term_info info;
    assert_false(segment_term(seg, field(m, "ip"), STR("x"), &info));
    arena_free(mem);
}

static void test_dictionaries(void **state)
{
    each(*state, dictionary_agrees);
}

/* How often a word occurs in document i. */
static uint32_t freq_of(struct str word, uint32_t i)
{
    uint64_t v;
    if (str_is(word, "common"))
        return 1;
    if (str_starts_with(word, STR("even")) && str_to_u64(str_from_off(word, 4), &v))
        return i % 2 == v ? repeats(i) : 0;
    if (str_starts_with(word, STR("word")) && str_to_u64(str_from_off(word, 4), &v))
        return i % 500 == v ? repeats(i) : 0;
    return str_starts_with(word, STR("unique")) && str_to_u64(str_from_off(word, 6), &v) && v == i;
}

/* Documents whose frequency, in a text as short, is above some product: none is left out, and none
 * that is not above it is told. */
static void above_agrees(struct made *m, struct segment *seg, struct str word,
                         const struct term_info *info, struct arena *mem)
{
    const struct field *text = field(m, "text");
    const uint8_t *norms = segment_norms(seg, text);
    float norm_inverse[256];
    struct rng rng;
    rng_init(&rng, 6);
    for (uint32_t i = 0; i < 256; i++)
        norm_inverse[i] = 1.0f / (float)(1 + i);
    for (uint32_t round = 0; round < 20; round++) {
        struct postings *p = postings_open(seg, text, info, POSTINGS_FREQS, mem);
        float product_min = round % 4 ? (float)rng_below(&rng, 100) / 50.0f : -1;
        for (uint32_t target = 0; target < seg->doc_count;) {
            uint32_t end = target + 1 + (uint32_t)rng_below(&rng, 1000);
            end = MIN_OF(end, seg->doc_count);
            for (uint32_t doc = target; doc < end; doc++) {
                uint32_t freq = freq_of(word, original(m, seg, doc));
                if (!freq || !((float)freq * norm_inverse[norms[doc]] > product_min))
                    continue;
                assert_int_equal(postings_next_above(p, doc > target ? doc - 1 : doc, end,
                                                     product_min, norm_inverse),
                                 doc);
                assert_int_equal(postings_freq(p), freq);
                target = doc + 1;
            }
            assert_int_equal(postings_next_above(p, target, end, product_min, norm_inverse), end);
            target = end + (uint32_t)rng_below(&rng, 300) * (round % 2);
        }
    }
}

static void postings_agree_for(struct made *m, struct segment *seg, struct str word)
{
    struct arena *mem = arena_new(0);
    const struct field *text = field(m, "text");
    const uint8_t *norms = segment_norms(seg, text);
    struct term_info info;
    struct rng rng;
    uint32_t wanted = 0;
    for (uint32_t doc = 0; doc < seg->doc_count; doc++)
        wanted += freq_of(word, original(m, seg, doc)) > 0;
    assert_int_equal(segment_term(seg, text, word, &info), wanted > 0);
    if (!wanted) {
        arena_free(mem);
        return;
    }
    assert_int_equal(info.doc_freq, wanted);
    struct postings *p = postings_open(seg, text, &info, POSTINGS_POSITIONS, mem);
    assert_int_equal(postings_doc(p), DOC_NONE);
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        uint32_t freq = freq_of(word, original(m, seg, doc)), upto, freq_max;
        uint8_t norm_min;
        size_t n;
        if (!freq)
            continue;
        assert_int_equal(postings_next(p), doc);
        assert_int_equal(postings_freq(p), freq);
        const uint32_t *positions = postings_positions(p, &n);
        assert_int_equal(n, freq);
        bool is_word = str_starts_with(word, STR("word")),
             is_even = str_starts_with(word, STR("even"));
        for (uint32_t k = 0; k < n && (is_word || is_even); k++)
            assert_int_equal(positions[k], 1 + k * 2 + is_word);
        postings_block_max(p, doc, &upto, &freq_max, &norm_min);
        assert_true(upto >= doc && freq_max >= freq && norm_min <= norms[doc]);
    }
    assert_int_equal(postings_next(p), DOC_NONE);
    assert_int_equal(postings_advance(p, 0), DOC_NONE);
    rng_init(&rng, 5);
    for (uint32_t round = 0; round < 20; round++) {
        p = postings_open(seg, text, &info, POSTINGS_FREQS, mem);
        for (uint32_t target = 0; target < seg->doc_count;
             target += (uint32_t)rng_below(&rng, round % 2 ? 2000 : 50)) {
            uint32_t next = target;
            while (next < seg->doc_count && !freq_of(word, original(m, seg, next)))
                next++;
            if (postings_doc(p) != DOC_NONE && postings_doc(p) >= target)
                next = MAX_OF(next, postings_doc(p));
            assert_int_equal(postings_advance(p, target), next < seg->doc_count ? next : DOC_NONE);
            if (next >= seg->doc_count)
                break;
            assert_int_equal(postings_freq(p), freq_of(word, original(m, seg, next)));
        }
    }
    above_agrees(m, seg, word, &info, mem);
    p = postings_open(seg, text, &info, POSTINGS_DOCS, mem);
    uint32_t filled = 0;
    for (uint32_t first = 0; first < seg->doc_count; first += 3000) {
        uint64_t words[ZONE_DOCS / 64] = {0};
        uint32_t count = MIN_OF(seg->doc_count - first, 3000u);
        postings_fill(p, first, count, words);
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(bitset_get(words, k), freq_of(word, original(m, seg, first + k)) > 0);
        filled += (uint32_t)bitset_count(words, ARRAY_COUNT(words));
    }
    assert_int_equal(filled, wanted);
    arena_free(mem);
}

static void postings_agree(struct made *m, struct segment *seg)
{
    static const char *const cases[] = {"common",  "even0",   "even1",      "word0",  "word7",
                                        "word499", "unique1", "unique9997", "nothing"};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        postings_agree_for(m, seg, str_from(cases[i]));
    struct arena *mem = arena_new(0);
    struct term_iter *it = term_iter_open(seg, field(m, "text"), mem);
    assert_true(term_iter_seek(it, STR("word")));
    assert_true(str_is(term_iter_term(it), "word0"));
    assert_true(term_iter_next(it));
    assert_true(str_is(term_iter_term(it), "word1"));
    assert_false(term_iter_seek(it, STR("x")));
    arena_free(mem);
}

static void test_postings(void **state)
{
    each(*state, postings_agree);
}

static void test_verify(void **state)
{
    struct made *m = *state;
    struct err err = {0};
    if (segment_verify_all(m->seg, &err) < 0 || segment_verify_all(m->merged, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_norms(void **state)
{
    (void)state;
    static const struct {
        uint32_t length;
        uint8_t norm;
    } rows[] = {{0, 0},   {1, 1},   {23, 23}, {24, 24},   {31, 31},        {39, 39},
                {40, 40}, {41, 40}, {42, 41}, {1000, 87}, {INT32_MAX, 255}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(norm_encode(rows[i].length), rows[i].norm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),    cmocka_unit_test(test_columns),
        cmocka_unit_test(test_dictionaries), cmocka_unit_test(test_postings),
        cmocka_unit_test(test_verify),       cmocka_unit_test(test_norms)};
    return cmocka_run_group_tests_name("in line", tests, setup, teardown) +
           cmocka_run_group_tests_name("merged by time", tests, setup_interleaved, teardown);
}
