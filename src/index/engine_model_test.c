/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations against a naive model: a table of documents with a few fields each, written
 * with random blanks, orders and odd members, since a source must come back byte for byte. After
 * every few steps the engine must agree: realtime gets, what a snapshot shows, and in every segment
 * columns, postings, norms and dictionaries with what the documents say. NARU_CASES sets how many
 * cases run (default 2,000), NARU_SEED repeats one. */
#include "index/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/str.h"
#include "event/value.h"
#include "index/analyze.h"
#include "index/segment.h"

#define IDS   24u
#define STEPS 40u
#define WORDS 12u

struct model_doc {
    bool is_there;
    int64_t version;
    int64_t number;
    uint32_t words[6];
    size_t word_count;
    bool has_number, has_text;
    double price;
    uint64_t form; /* of its bytes */
};

struct world {
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct arena *mem;
    struct rng rng;
    uint64_t seed;
    struct model_doc docs[IDS], seen[IDS]; /* now, and at the last refresh */
    int64_t deleted_version[IDS];
};

static const char *const words[WORDS] = {"alpha",      "beta", "gamma", "delta", "Error", "GET",
                                         "index.html", "42",   "naru",  "나루",  "x_y",   "zeta"};

static void world_open(struct world *w)
{
    struct err err = {0};
    struct engine_config config = {.fs = w->fs,
                                   .clock = &w->clock.base,
                                   .seed = w->seed,
                                   .path = STR("d"),
                                   .is_single_threaded = true,
                                   .lane_count = 1 + (size_t)(w->seed % 3)};
    if (engine_open(&config, &w->engine, &err) < 0)
        fail_msg("seed %llu: open: %s", (unsigned long long)w->seed, err.text);
}

#define CHECK(w, x)                                                                                \
    do {                                                                                           \
        if (!(x))                                                                                  \
            fail_msg("seed %llu, %s:%d: %s", (unsigned long long)(w)->seed, __FILE__, __LINE__,    \
                     #x);                                                                          \
    } while (0)

static struct str id_text(struct world *w, uint32_t i)
{
    return arena_printf(w->mem, "doc-%u", i);
}

static struct str doc_text(struct world *w, const struct model_doc *d)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < d->word_count; i++)
        buf_printf(&out, "%s%s", i ? " " : "", words[d->words[i]]);
    struct str s = arena_str(w->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

/* Values of members that the model does not look into, but for their bytes. */
static const char *const odd_values[] = {"1e3",
                                         "-0",
                                         "1.0",
                                         "-1.50",
                                         "0.1",
                                         "7",
                                         "123456789012345678901234567890",
                                         "true",
                                         "false",
                                         "null",
                                         "\"\"",
                                         "\"plain\"",
                                         "\"na\\u00efve \\\"quoted\\\"\"",
                                         "\"나루 é\"",
                                         "\"5\"",
                                         "\"2025-01-21T17:00:00.5Z\"",
                                         "\"2025-01-21 17:00\"",
                                         "\"10.0.0.1\"",
                                         "[]",
                                         "[ 1,2 ]",
                                         "[\"one\"]",
                                         "[null]",
                                         "{}",
                                         "{\"deep\":{\"er\":1.25}}",
                                         "{ \"deep\" :\t\"text\" }",
                                         "{\"deep\":[{\"a\":1},{\"a\":\"b\"}]}"};
static const char *const odd_keys[] = {"odd", "odd2", "odd.deep", "o.more", "odd3"};

static void blank(struct rng *rng, struct buf *out)
{
    static const char *const blanks[] = {"", "", "", "", "", " ", "\n", "\t "};
    const char *text = blanks[rng_below(rng, ARRAY_COUNT(blanks))];
    buf_add_str(out, str_from(text));
}

static void member(struct rng *rng, struct buf *out, bool *is_first, struct str key,
                   struct str value)
{
    if (!*is_first)
        buf_add_lit(out, ",");
    *is_first = false;
    blank(rng, out);
    buf_printf(out, "\"" STR_FMT "\"", STR_ARG(key));
    blank(rng, out);
    buf_add_lit(out, ":");
    blank(rng, out);
    buf_add_str(out, value);
    blank(rng, out);
}

/* The document's bytes; `form` chooses blanks, the order of members and the odd ones. */
static struct str doc_json(struct world *w, const struct model_doc *d)
{
    struct buf out;
    struct rng rng;
    bool is_first = true;
    buf_init(&out, 0);
    rng_init(&rng, d->form);
    blank(&rng, &out);
    buf_add_lit(&out, "{");
    uint64_t start = rng_below(&rng, 6);
    for (uint64_t i = 0; i < 6; i++) {
        switch ((start + i) % 6) {
        case 0:
            if (d->has_number)
                member(&rng, &out, &is_first, STR("n"),
                       arena_printf(w->mem, "%lld", (long long)d->number));
            break;
        case 1:
            if (d->has_number)
                member(&rng, &out, &is_first, STR("price"),
                       arena_printf(w->mem, rng_below(&rng, 2) ? "%.2f" : "%.3f", d->price));
            break;
        case 2:
            if (d->has_number)
                member(&rng, &out, &is_first, STR("tags"),
                       arena_printf(w->mem, "[%lld,%lld]", (long long)d->number % 3,
                                    (long long)d->number % 2));
            break;
        case 3:
            if (d->has_text)
                member(&rng, &out, &is_first, STR("t"),
                       arena_printf(w->mem, "\"" STR_FMT "\"", STR_ARG(doc_text(w, d))));
            break;
        case 4:
            member(&rng, &out, &is_first, STR("o"), STR("{\"ok\":true}"));
            break;
        default:
            if (rng_below(&rng, 3) == 0)
                member(&rng, &out, &is_first,
                       str_from(odd_keys[rng_below(&rng, ARRAY_COUNT(odd_keys))]),
                       str_from(odd_values[rng_below(&rng, ARRAY_COUNT(odd_values))]));
        }
    }
    buf_add_lit(&out, "}");
    blank(&rng, &out);
    struct str s = arena_str(w->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void doc_random(struct world *w, struct model_doc *d)
{
    d->is_there = true;
    d->form = rng_u64(&w->rng);
    d->has_number = rng_below(&w->rng, 8) > 0;
    d->has_text = rng_below(&w->rng, 8) > 0;
    d->number = rng_between(&w->rng, -50, 1000);
    d->price = (double)rng_between(&w->rng, 0, 100000) / 100;
    d->word_count = 1 + rng_below(&w->rng, 6);
    for (size_t i = 0; i < d->word_count; i++)
        d->words[i] = (uint32_t)rng_below(&w->rng, WORDS);
}

static void write_batch(struct world *w)
{
    struct doc_write writes[8];
    struct doc_result results[8];
    uint32_t ids[8];
    size_t count = 1 + rng_below(&w->rng, 8);
    struct err err = {0};
    for (size_t i = 0; i < count; i++) {
        struct model_doc *d = &w->docs[ids[i] = (uint32_t)rng_below(&w->rng, IDS)];
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = STR("m");
        writes[i].id = id_text(w, ids[i]);
        int64_t version = d->is_there ? d->version : w->deleted_version[ids[i]];
        if (rng_below(&w->rng, 4) == 0) {
            writes[i].op = DOC_DELETE;
            d->is_there = false;
            w->deleted_version[ids[i]] = version + 1;
        } else {
            doc_random(w, d);
            d->version = version + 1;
            writes[i].source = doc_json(w, d);
        }
    }
    if (engine_write(w->engine, writes, count, REFRESH_NONE, w->mem, results, &err) < 0)
        fail_msg("seed %llu: write: %s", (unsigned long long)w->seed, err.text);
    for (size_t i = 0; i < count; i++) {
        if (results[i].outcome == DOC_FAILED)
            fail_msg("seed %llu: item: %s", (unsigned long long)w->seed, results[i].err->text);
    }
    /* Only the last write of an id is compared by version. */
    for (size_t i = count; i-- > 0;) {
        bool is_last = true;
        for (size_t k = i + 1; k < count; k++)
            is_last &= ids[k] != ids[i];
        const struct model_doc *d = &w->docs[ids[i]];
        if (is_last)
            CHECK(w, results[i].version == (d->is_there ? d->version : w->deleted_version[ids[i]]));
    }
}

static void check_get(struct world *w)
{
    for (uint32_t i = 0; i < IDS; i++) {
        struct doc_get doc;
        struct err err = {0};
        int rc = engine_get(w->engine, STR("m"), id_text(w, i), true, w->mem, &doc, &err);
        if (rc == -ERR_INDEX_NOT_FOUND)
            return;
        CHECK(w, rc == 0);
        CHECK(w, doc.is_found == w->docs[i].is_there);
        if (!doc.is_found)
            continue;
        CHECK(w, doc.version == w->docs[i].version);
        CHECK(w, str_eq(doc.source, doc_json(w, &w->docs[i])));
    }
}

/* Occurrences and positions of a word in a document, by the same analysis. */
static uint32_t occurrences(struct world *w, const struct model_doc *d, struct str token,
                            uint32_t *positions)
{
    struct analysis a;
    uint32_t n = 0;
    if (!d->has_text)
        return 0;
    analysis_init(&a, ANALYZER_STANDARD, doc_text(w, d));
    while (analysis_next(&a)) {
        if (str_eq(a.token, token))
            positions[n++] = a.token_position;
    }
    return n;
}

static uint32_t id_number(struct world *w, struct str id)
{
    uint64_t v = 0;
    CHECK(w, str_starts_with(id, STR("doc-")) && str_to_u64(str_from_off(id, 4), &v) && v < IDS);
    return (uint32_t)v;
}

static bool part_live(const struct searcher_part *part, uint32_t doc)
{
    return !part->live || bitset_get(part->live, doc);
}

static void check_columns(struct world *w, const struct searcher_part *part, uint32_t doc,
                          const struct model_doc *d)
{
    int64_t n[4];
    double f[4];
    uint32_t o[4];
    const struct field *field = mapping_field(part->mapping, STR("n"));
    struct column *c = field ? segment_column(part->segment, field) : NULL;
    size_t count = c ? column_doc_longs(c, doc, n, 4) : 0;
    CHECK(w, count == (d->has_number ? 1 : 0) && (!count || n[0] == d->number));
    field = mapping_field(part->mapping, STR("price"));
    c = field ? segment_column(part->segment, field) : NULL;
    count = c ? column_doc_doubles(c, doc, f, 4) : 0;
    CHECK(w, count == (d->has_number ? 1 : 0) && (!count || f[0] == (double)(float)d->price));
    field = mapping_field(part->mapping, STR("tags"));
    c = field ? segment_column(part->segment, field) : NULL;
    count = c ? column_doc_longs(c, doc, n, 4) : 0;
    CHECK(w, count == (d->has_number ? 2 : 0) &&
                 (!count || (n[0] <= n[1] && n[0] + n[1] == d->number % 3 + d->number % 2)));
    field = mapping_field(part->mapping, STR("t.keyword"));
    c = field ? segment_column(part->segment, field) : NULL;
    count = c ? column_doc_ordinals(c, doc, o, 4) : 0;
    CHECK(w, count == (d->has_text ? 1 : 0));
    if (count) {
        bool is_found;
        CHECK(w, str_eq(column_ordinal_text(c, o[0], w->mem), doc_text(w, d)));
        CHECK(w, column_ordinal_find(c, doc_text(w, d), &is_found) == o[0] && is_found);
        CHECK(w, column_ordinal_doc_count(c, o[0]) >= 1);
    }
}

/* Every term of the text field: exactly the live documents that have the word, with its positions.
 */
static void check_postings(struct world *w, const struct searcher_part *part, const uint32_t *ids)
{
    const struct field *field = mapping_field(part->mapping, STR("t"));
    struct term_iter *it = field ? term_iter_open(part->segment, field, w->mem) : NULL;
    uint64_t sum = 0;
    while (it && term_iter_next(it)) {
        struct term_info info, again;
        term_iter_info(it, &info);
        CHECK(w, segment_term(part->segment, field, term_iter_term(it), &again) &&
                     again.handle == info.handle && again.doc_freq == info.doc_freq);
        sum += info.doc_freq;
        struct postings *p = postings_open(part->segment, field, &info, POSTINGS_POSITIONS, w->mem);
        uint32_t docs = 0, next = 0;
        for (uint32_t doc; (doc = postings_next(p)) != DOC_NONE; docs++) {
            uint32_t upto, freq_max;
            uint8_t norm_min;
            postings_block_max(p, doc, &upto, &freq_max, &norm_min);
            CHECK(w, upto >= doc && freq_max >= postings_freq(p) &&
                         norm_min <= segment_norms(part->segment, field)[doc]);
            for (; next < doc; next++) {
                uint32_t none[8];
                CHECK(w, !part_live(part, next) ||
                             occurrences(w, &w->seen[ids[next]], term_iter_term(it), none) == 0);
            }
            next = doc + 1;
            if (!part_live(part, doc))
                continue;
            uint32_t wanted[8];
            size_t n;
            uint32_t freq = occurrences(w, &w->seen[ids[doc]], term_iter_term(it), wanted);
            const uint32_t *positions = postings_positions(p, &n);
            CHECK(w, freq == postings_freq(p) && n == freq &&
                         memcmp(positions, wanted, n * sizeof(*wanted)) == 0);
        }
        CHECK(w, docs == info.doc_freq);
        uint32_t target = (uint32_t)rng_below(&w->rng, segment_doc_count(part->segment));
        p = postings_open(part->segment, field, &info, POSTINGS_DOCS, w->mem);
        uint32_t at = postings_advance(p, target);
        CHECK(w, at == DOC_NONE || at >= target);
    }
    struct field_stats stats;
    if (it && segment_field_stats(part->segment, field, &stats))
        CHECK(w, stats.sum_doc_freq == sum);
}

static void check_snapshot(struct world *w)
{
    struct searcher *s;
    struct str name = STR("m");
    struct err err = {0};
    uint32_t ids[4096];
    bool met[IDS] = {false};
    if (!engine_index_exists(w->engine, name))
        return;
    CHECK(w, engine_snapshot(w->engine, &name, 1, &s, &err) == 0);
    size_t count;
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t live = 0;
        CHECK(w, segment_doc_count(parts[i].segment) <= ARRAY_COUNT(ids));
        for (uint32_t doc = 0; doc < segment_doc_count(parts[i].segment); doc++) {
            ids[doc] = id_number(w, segment_id(parts[i].segment, doc, w->mem));
            if (!part_live(&parts[i], doc))
                continue;
            const struct model_doc *d = &w->seen[ids[doc]];
            struct str source;
            live++;
            CHECK(w, d->is_there && !met[ids[doc]]);
            met[ids[doc]] = true;
            CHECK(w, segment_source(parts[i].segment, doc, w->mem, &source, &err) == 0 &&
                         str_eq(source, doc_json(w, d)));
            CHECK(w, segment_version(parts[i].segment, doc) == d->version);
            check_columns(w, &parts[i], doc, d);
        }
        CHECK(w, live == parts[i].live_count);
        check_postings(w, &parts[i], ids);
        CHECK(w, segment_failure(parts[i].segment, &err) == 0);
    }
    for (uint32_t i = 0; i < IDS; i++)
        CHECK(w, met[i] == w->seen[i].is_there);
    searcher_unref(s);
}

static void shown(struct world *w)
{
    memcpy(w->seen, w->docs, sizeof(w->seen));
}

static void step(struct world *w)
{
    struct err err = {0};
    struct str name = STR("m");
    bool is_there = engine_index_exists(w->engine, name);
    uint64_t dice = rng_below(&w->rng, 100);
    int rc = 0;
    if (dice < 60 || !is_there) {
        write_batch(w);
    } else if (dice < 75) {
        rc = engine_refresh(w->engine, name, &err);
        shown(w);
    } else if (dice < 83) {
        rc = engine_flush(w->engine, name, &err);
        shown(w);
    } else if (dice < 88) {
        rc = engine_force_merge(w->engine, name, 1 + rng_below(&w->rng, 3), &err);
        shown(w);
    } else if (dice < 94) {
        clock_fake_advance(&w->clock, 2 * NS_PER_S);
        rc = engine_tick(w->engine, &err);
        shown(w);
    } else {
        engine_close(w->engine);
        world_open(w);
        shown(w);
        memset(w->deleted_version, 0,
               sizeof(w->deleted_version)); /* remembered deletes end with the process */
        for (uint32_t i = 0; i < IDS; i++)
            w->docs[i].version = w->docs[i].is_there ? w->docs[i].version : 0;
    }
    if (rc < 0)
        fail_msg("seed %llu: %s", (unsigned long long)w->seed, err.text);
    if (rng_below(&w->rng, 6) == 0) {
        check_get(w);
        check_snapshot(w);
        arena_reset(w->mem);
    }
}

static uint64_t run_case(uint64_t seed, uint64_t steps)
{
    struct world *w = MEM_NEW(struct world);
    w->seed = seed;
    w->fs = vfs_mem_new();
    w->mem = arena_new(0);
    rng_init(&w->rng, seed);
    clock_fake_init(&w->clock, INT64_C(1737500000) * NS_PER_S);
    world_open(w);
    /* With an interval of its own, a round refreshes it whether it is searched or not. */
    struct value body;
    CHECK(w, value_from_json(STR("{\"settings\":{\"refresh_interval\":\"1s\"}}"), w->mem, &body,
                             NULL) == 0);
    CHECK(w, engine_index_create(w->engine, STR("m"), &body, NULL) == 0);
    for (uint64_t i = 0; i < steps; i++)
        step(w);
    check_get(w);
    engine_close(w->engine);
    struct buf report;
    struct err err = {0};
    buf_init(&report, 0);
    if (index_check(w->fs, STR("d"), &report, &err) < 0)
        fail_msg("seed %llu: check: %s", (unsigned long long)seed, err.text);
    buf_deinit(&report);
    arena_free(w->mem);
    vfs_mem_free(w->fs);
    mem_free(w);
    return steps;
}

static uint64_t env_u64(const char *name, uint64_t dflt)
{
    uint64_t v;
    const char *text = getenv(name);
    return text && str_to_u64(str_from(text), &v) ? v : dflt;
}

static void test_random(void **state)
{
    (void)state;
    uint64_t seed = env_u64("NARU_SEED", 0), cases = env_u64("NARU_CASES", 2000), done = 0,
             first = seed ? seed : 1000;
    if (seed)
        cases = STEPS;
    print_message("seeds from %llu\n", (unsigned long long)first);
    for (uint64_t s = first; done < cases; s++)
        done += run_case(s, STEPS);
    print_message("%llu random steps agree with the model\n", (unsigned long long)done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
