/* SPDX-License-Identifier: Apache-2.0 */
/* text_bench: the full-text half of the benchmark against Lucene, and of the comparison with it
 * (tests/compat/lucene.sh). Documents and queries are made of a seed, so both sides read the same
 * ones: words of a Zipf vocabulary (the r-th word 1/r as often as the first), 20 to 200 a document.
 *
 *   text_bench docs SEED COUNT                      one document a line
 *   text_bench queries SEED DOCS PER_CLASS          class TAB expression TAB Elasticsearch's body
 *   text_bench load DIR SEED COUNT SEGMENTS         documents into index "t" of an engine
 *   text_bench run DIR QUERIES WARM ROUNDS TRACK K  number class total relation us doc:score,…
 *
 * Everything is integers until the score, so that the same seed means the same bytes anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "event/value.h"
#include "index/engine.h"
#include "os/os.h"
#include "query/search.h"

#define WORD_COUNT  200000u
#define WORD_BYTES  6u
#define SYLLABLES   75u /* 15 consonants × 5 vowels */
#define WORDS_MIN   20u
#define WORDS_MAX   200u
#define WEIGHT_UNIT (UINT64_C(1) << 40)
#define BULK        2000u
#define QUERY_BYTES 4096u
#define ROUNDS_MAX  64u
#define HITS_MAX    100u
#define RARE_FROM   5000u
#define RARE_TO     100000u
#define FREQUENT_TO 50u
#define ANY_TO      20000u

static uint64_t weights[WORD_COUNT]; /* cumulative */

static void vocabulary_init(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < WORD_COUNT; i++) {
        sum += WEIGHT_UNIT / (i + 1);
        weights[i] = sum;
    }
}

static uint32_t word_draw(struct rng *rng)
{
    uint64_t at = rng_below(rng, weights[WORD_COUNT - 1]);
    uint32_t low = 0, high = WORD_COUNT - 1;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (weights[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Three syllables; neighbours in frequency are no neighbours in the alphabet. */
static void word_text(uint32_t rank, char *text)
{
    static const char consonants[] = "bdfghklmnprstvz", vowels[] = "aeiou";
    uint64_t code = (uint64_t)rank * 7919 % ((uint64_t)SYLLABLES * SYLLABLES * SYLLABLES);
    for (unsigned i = 0; i < 3; i++) {
        text[i * 2] = consonants[code % 15];
        text[i * 2 + 1] = vowels[code / 15 % 5];
        code /= SYLLABLES;
    }
    text[WORD_BYTES] = '\0';
}

/* The words of document `i`; returns how many. */
static uint32_t doc_words(uint64_t seed, uint64_t i, uint32_t *words)
{
    struct rng rng;
    rng_init(&rng, seed * UINT64_C(1000003) + i);
    uint32_t n = (uint32_t)rng_between(&rng, WORDS_MIN, WORDS_MAX);
    for (uint32_t k = 0; k < n; k++)
        words[k] = word_draw(&rng);
    return n;
}

static void doc_text(uint64_t seed, uint64_t i, struct buf *out)
{
    uint32_t words[WORDS_MAX];
    uint32_t n = doc_words(seed, i, words);
    for (uint32_t k = 0; k < n; k++) {
        char text[WORD_BYTES + 1];
        word_text(words[k], text);
        if (k)
            buf_add_u8(out, ' ');
        buf_add(out, text, WORD_BYTES);
    }
}

static int print_docs(uint64_t seed, uint64_t count)
{
    struct buf out;
    buf_init(&out, 0);
    for (uint64_t i = 0; i < count; i++) {
        buf_clear(&out);
        doc_text(seed, i, &out);
        buf_add_u8(&out, '\n');
        if (fwrite(out.p, 1, out.n, stdout) != out.n)
            return 1;
    }
    buf_deinit(&out);
    return 0;
}

/* ---- Queries: each as an expression for the other side and as a body ---- */

struct query_text {
    struct buf expression, body;
};

struct query_maker {
    struct rng rng;
    uint64_t seed, doc_count;
};

/* A rank between the two, as likely in each octave. */
static uint32_t rank_draw(struct query_maker *m, uint32_t from, uint32_t to)
{
    uint32_t octaves = 0;
    while ((from + 1) << (octaves + 1) <= to)
        octaves++;
    uint64_t low = (uint64_t)(from + 1) << rng_below(&m->rng, octaves + 1);
    uint64_t high = MIN_OF(low * 2 - 1, (uint64_t)to);
    return (uint32_t)(low + rng_below(&m->rng, high - low + 1) - 1);
}

static void word_add(struct query_text *q, uint32_t rank)
{
    char text[WORD_BYTES + 1];
    word_text(rank, text);
    buf_printf(&q->expression, " %s", text);
    buf_printf(&q->body, " %s", text);
}

static void words_query(struct query_maker *m, struct query_text *q, const char *op, size_t count)
{
    buf_printf(&q->expression, "(%s", op);
    buf_add_lit(&q->body, "{\"match\":{\"t\":{\"query\":\"");
    for (size_t i = 0; i < count; i++)
        word_add(q, rank_draw(m, 0, ANY_TO));
    buf_add_lit(&q->expression, " )");
    buf_printf(&q->body, "\",\"operator\":\"%s\"}}}", op);
}

static void term_query(struct query_text *q, uint32_t rank)
{
    char text[WORD_BYTES + 1];
    word_text(rank, text);
    buf_printf(&q->expression, "(term %s )", text);
    buf_printf(&q->body, "{\"match\":{\"t\":\"%s\"}}", text);
}

/* Words that stand together in some document, with `gap` others left out. */
static void phrase_query(struct query_maker *m, struct query_text *q, uint32_t count, uint32_t gap,
                         uint32_t slop)
{
    uint32_t words[WORDS_MAX];
    uint32_t n = doc_words(m->seed, rng_below(&m->rng, m->doc_count), words);
    uint32_t at = (uint32_t)rng_below(&m->rng, n - count - gap);
    buf_printf(&q->expression, "(phrase %u", slop);
    buf_add_lit(&q->body, "{\"match_phrase\":{\"t\":{\"query\":\"");
    for (uint32_t i = 0; i < count; i++)
        word_add(q, words[at + i + (i ? gap : 0)]);
    buf_add_lit(&q->expression, " )");
    buf_printf(&q->body, "\",\"slop\":%u}}}", slop);
}

static void prefix_query(struct query_maker *m, struct query_text *q)
{
    char text[WORD_BYTES + 1];
    word_text(rank_draw(m, 0, ANY_TO), text);
    int n = 3 + (int)rng_below(&m->rng, 2);
    buf_printf(&q->expression, "(prefix %.*s )", n, text);
    buf_printf(&q->body, "{\"prefix\":{\"t\":\"%.*s\"}}", n, text);
}

struct clause {
    const char *occur;
    uint32_t from, to;
};

static void bool_query(struct query_maker *m, struct query_text *q, const struct clause *clauses,
                       size_t count)
{
    static const char *const occurs[] = {"must", "filter", "should", "must_not"};
    struct query_text parts[8];
    buf_add_lit(&q->expression, "(bool");
    for (size_t i = 0; i < count; i++) {
        buf_init(&parts[i].expression, 0);
        buf_init(&parts[i].body, 0);
        if (clauses[i].to == 0)
            phrase_query(m, &parts[i], 2, 0, 0);
        else
            term_query(&parts[i], rank_draw(m, clauses[i].from, clauses[i].to));
        buf_printf(&q->expression, " %s " STR_FMT, clauses[i].occur,
                   STR_ARG(buf_str(&parts[i].expression)));
    }
    buf_add_lit(&q->expression, " )");
    buf_add_lit(&q->body, "{\"bool\":{");
    for (size_t o = 0; o < ARRAY_COUNT(occurs); o++) {
        const char *comma = "";
        buf_printf(&q->body, "%s\"%s\":[", o ? "," : "", occurs[o]);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(clauses[i].occur, occurs[o]) != 0)
                continue;
            buf_printf(&q->body, "%s" STR_FMT, comma, STR_ARG(buf_str(&parts[i].body)));
            comma = ",";
        }
        buf_add_lit(&q->body, "]");
    }
    buf_add_lit(&q->body, "}}");
    for (size_t i = 0; i < count; i++) {
        buf_deinit(&parts[i].expression);
        buf_deinit(&parts[i].body);
    }
}

#define RARE     RARE_FROM, RARE_TO
#define FREQUENT 0, FREQUENT_TO
#define ANY      0, ANY_TO
#define PHRASE   0, 0

static const char *const classes[] = {"term",        "or2",      "or3",         "or6",
                                      "or-mixed",    "and2",     "and3",        "and-mixed",
                                      "phrase2",     "phrase3",  "phrase-slop", "bool-must-should",
                                      "bool-filter", "bool-not", "bool-phrase", "prefix"};

static void class_query(struct query_maker *m, struct query_text *q, size_t class)
{
    static const struct clause or_mixed[] = {{"should", RARE}, {"should", FREQUENT}},
                               and_mixed[] = {{"must", RARE}, {"must", FREQUENT}},
                               must_should[] = {{"must", FREQUENT},
                                                {"should", RARE},
                                                {"should", ANY}},
                               filter[] = {{"must", ANY},
                                           {"filter", FREQUENT},
                                           {"should", FREQUENT}},
                               not_[] = {{"should", ANY}, {"should", ANY}, {"must_not", FREQUENT}},
                               with_phrase[] = {{"must", PHRASE}, {"should", ANY}};
    switch (class) {
    case 0:
        term_query(q, rank_draw(m, 0, ANY_TO));
        break;
    case 1:
    case 2:
        words_query(m, q, "or", class + 1);
        break;
    case 3:
        words_query(m, q, "or", 6);
        break;
    case 4:
        bool_query(m, q, or_mixed, 2);
        break;
    case 5:
    case 6:
        words_query(m, q, "and", class - 3);
        break;
    case 7:
        bool_query(m, q, and_mixed, 2);
        break;
    case 8:
    case 9:
        phrase_query(m, q, (uint32_t) class - 6, 0, 0);
        break;
    case 10:
        phrase_query(m, q, 2 + (uint32_t)rng_below(&m->rng, 2), (uint32_t)rng_below(&m->rng, 2),
                     1 + (uint32_t)rng_below(&m->rng, 3));
        break;
    case 11:
        bool_query(m, q, must_should, 3);
        break;
    case 12:
        bool_query(m, q, filter, 3);
        break;
    case 13:
        bool_query(m, q, not_, 3);
        break;
    case 14:
        bool_query(m, q, with_phrase, 2);
        break;
    default:
        prefix_query(m, q);
        break;
    }
}

static int print_queries(uint64_t seed, uint64_t docs, uint64_t per_class)
{
    struct query_maker m = {.seed = seed, .doc_count = docs};
    struct query_text q;
    rng_init(&m.rng, seed ^ UINT64_C(0x5151));
    buf_init(&q.expression, 0);
    buf_init(&q.body, 0);
    for (size_t class = 0; class < ARRAY_COUNT(classes); class ++) {
        for (uint64_t i = 0; i < per_class; i++) {
            buf_clear(&q.expression);
            buf_clear(&q.body);
            class_query(&m, &q, class);
            printf("%s\t" STR_FMT "\t" STR_FMT "\n", classes[class],
                   STR_ARG(buf_str(&q.expression)), STR_ARG(buf_str(&q.body)));
        }
    }
    buf_deinit(&q.expression);
    buf_deinit(&q.body);
    return 0;
}

/* ---- The engine ---- */

static int failed(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

static int bulk_write(struct engine *engine, uint64_t seed, uint64_t first, uint64_t count,
                      struct arena *mem, struct err *err)
{
    struct doc_write *writes = ARENA_ARRAY(mem, struct doc_write, count);
    struct doc_result *results = ARENA_ARRAY(mem, struct doc_result, count);
    struct buf out;
    buf_init(&out, 0);
    for (uint64_t i = 0; i < count; i++) {
        buf_clear(&out);
        buf_add_lit(&out, "{\"t\":\"");
        doc_text(seed, first + i, &out);
        buf_add_lit(&out, "\"}");
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = STR("t");
        writes[i].id = arena_printf(mem, "%010llu", (unsigned long long)(first + i));
        writes[i].source = arena_str(mem, buf_str(&out));
    }
    buf_deinit(&out);
    TRY(engine_write(engine, writes, count, REFRESH_NONE, mem, results, err));
    for (uint64_t i = 0; i < count; i++) {
        if (results[i].status >= 300)
            return err_set(err, ERR_INVALID, "%s", results[i].err->text);
    }
    return 0;
}

static int load(const char *dir, uint64_t seed, uint64_t count, uint64_t segments)
{
    struct engine *engine;
    struct err err = {0};
    struct value body;
    struct arena *mem = arena_new(0);
    struct engine_config config = {.fs = vfs_posix(),
                                   .clock = clock_system(),
                                   .seed = 1,
                                   .path = str_from(dir),
                                   .lane_count = 1,
                                   .memory_bytes_max = 1024 * MIB};
    if (engine_open(&config, &engine, &err) < 0 ||
        value_from_json(STR("{\"mappings\":{\"properties\":{\"t\":{\"type\":\"text\"}}}}"), mem,
                        &body, &err) < 0 ||
        engine_index_create(engine, STR("t"), &body, &err) < 0)
        return failed(&err);
    int64_t began = clock_monotonic_ns(clock_system()), cpu = os_cpu_ns();
    for (uint64_t first = 0; first < count; first += BULK) {
        arena_reset(mem);
        if (bulk_write(engine, seed, first, MIN_OF(count - first, (uint64_t)BULK), mem, &err) < 0)
            return failed(&err);
    }
    if (engine_flush(engine, STR("t"), &err) < 0 ||
        engine_force_merge(engine, STR("t"), segments, &err) < 0)
        return failed(&err);
    fprintf(stderr, "naru: %llu documents in %.1f s, %.1f CPU s\n", (unsigned long long)count,
            (double)(clock_monotonic_ns(clock_system()) - began) / 1e9,
            (double)(os_cpu_ns() - cpu) / 1e9);
    engine_close(engine);
    arena_free(mem);
    return 0;
}

struct asked {
    char *class;
    struct value body;
};

static int64_t run_one(struct searcher *searcher, const struct asked *asked, struct arena *mem,
                       struct search_result *result)
{
    struct search_request *request;
    struct err err = {0};
    struct search_limits limits = {.thread_count = 1};
    if (search_parse(&asked->body, 0, mem, &request, &err) < 0)
        exit(failed(&err));
    int64_t began = clock_monotonic_ns(clock_system());
    if (search_run(searcher, request, clock_system(), &limits, mem, result, &err) < 0)
        exit(failed(&err));
    return clock_monotonic_ns(clock_system()) - began;
}

static int by_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_result(size_t i, const struct asked *asked, const struct search_result *r,
                         double us)
{
    printf("%zu\t%s\t%llu\t%s\t%.1f\t", i, asked->class, (unsigned long long)r->total,
           r->total_is_lower_bound ? "gte" : "eq", us);
    for (size_t k = 0; k < r->hit_count; k++) {
        uint64_t doc = 0;
        ASSERT(str_to_u64(r->hits[k].id, &doc));
        printf("%s%llu:%.9g", k ? "," : "", (unsigned long long)doc, r->hits[k].score);
    }
    printf("\n");
}

static size_t read_queries(const char *path, const char *track, const char *size, struct arena *mem,
                           struct asked **ret)
{
    FILE *f = fopen(path, "r");
    char line[QUERY_BYTES];
    size_t n = 0, capacity = 0;
    struct err err = {0};
    if (!f) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    while (fgets(line, sizeof(line), f)) {
        char *tab = strchr(line, '\t'), *second = tab ? strchr(tab + 1, '\t') : NULL;
        if (!second)
            continue;
        *tab = '\0';
        if (n == capacity) {
            capacity = MAX_OF(capacity * 2, (size_t)256);
            struct asked *more = ARENA_ARRAY(mem, struct asked, capacity);
            if (n)
                memcpy(more, *ret, n * sizeof(*more));
            *ret = more;
        }
        struct asked *asked = &(*ret)[n++];
        asked->class = arena_alloc(mem, strlen(line) + 1);
        memcpy(asked->class, line, strlen(line) + 1);
        second[strcspn(second, "\n")] = '\0';
        struct str body = arena_printf(
            mem, "{\"query\":%s,\"track_total_hits\":%s,\"size\":%s,\"_source\":false}", second + 1,
            track, size);
        if (value_from_json(body, mem, &asked->body, &err) < 0)
            exit(failed(&err));
    }
    (void)fclose(f);
    return n;
}

static int run(char **arg)
{
    struct engine *engine;
    struct err err = {0};
    struct arena *mem = arena_new(0), *each = arena_new(0);
    struct asked *asked = NULL;
    uint64_t warm = 0, rounds = 0;
    if (!str_to_u64(str_from(arg[2]), &warm) || !str_to_u64(str_from(arg[3]), &rounds) ||
        rounds == 0 || rounds > ROUNDS_MAX)
        return 2;
    struct engine_config config = {
        .fs = vfs_posix(), .clock = clock_system(), .seed = 1, .path = str_from(arg[0])};
    struct searcher *searcher;
    struct str name = STR("t");
    if (engine_open(&config, &engine, &err) < 0 ||
        engine_snapshot(engine, &name, 1, &searcher, &err) < 0)
        return failed(&err);
    size_t count = read_queries(arg[1], arg[4], arg[5], mem, &asked);
    int64_t *ns = ARENA_ARRAY(mem, int64_t, count * ROUNDS_MAX);
    struct search_result result;
    for (uint64_t round = 0; round < warm + rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            arena_reset(each);
            int64_t took = run_one(searcher, &asked[i], each, &result);
            if (round >= warm)
                ns[i * ROUNDS_MAX + (round - warm)] = took;
        }
    }
    for (size_t i = 0; i < count; i++) {
        arena_reset(each);
        (void)run_one(searcher, &asked[i], each, &result);
        qsort(&ns[i * ROUNDS_MAX], rounds, sizeof(*ns), by_ns);
        print_result(i, &asked[i], &result, (double)ns[i * ROUNDS_MAX + rounds / 2] / 1e3);
    }
    searcher_unref(searcher);
    engine_close(engine);
    arena_free(each);
    arena_free(mem);
    return 0;
}

static uint64_t number(const char *text)
{
    uint64_t v = 0;
    if (!str_to_u64(str_from(text), &v)) {
        fprintf(stderr, "%s is no number\n", text);
        exit(2);
    }
    return v;
}

int main(int argc, char **argv)
{
    mem_tune(2); /* as naru's own main does */
    vocabulary_init();
    if (argc == 4 && strcmp(argv[1], "docs") == 0)
        return print_docs(number(argv[2]), number(argv[3]));
    if (argc == 5 && strcmp(argv[1], "queries") == 0)
        return print_queries(number(argv[2]), number(argv[3]), number(argv[4]));
    if (argc == 6 && strcmp(argv[1], "load") == 0)
        return load(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    if (argc == 8 && strcmp(argv[1], "run") == 0)
        return run(argv + 2);
    fprintf(stderr, "usage: text_bench docs SEED COUNT | queries SEED DOCS PER_CLASS |\n"
                    "       load DIR SEED COUNT SEGMENTS | run DIR QUERIES WARM ROUNDS TRACK K\n");
    return 2;
}
