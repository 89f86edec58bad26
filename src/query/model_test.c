/* SPDX-License-Identifier: Apache-2.0 */
/* The model: every query type and every aggregation of the tables, over random documents of random
 * mappings in several indices that are updated, deleted from, refreshed, merged and opened again,
 * against a naive walk over the same documents. Each document is written twice: into "all" and into
 * one of three parts, so that one index and three together must answer alike.
 *
 * A row of query_types.tbl, buckets.tbl or aggs.tbl that no oracle here (or in the test named
 * beside it) asks for fails. NARU_CASES sets how many questions are asked (2,000), NARU_SEED begins
 * with another world; a failure prints the seed of its world, which repeats it. */
#include "query/search_support_test.h"

#include <math.h>
#include <stdlib.h>

#define DOCS_MAX   160u
#define VALUES_MAX 3u
#define WORDS_MAX  8u
#define ASKED      40u /* questions between two changes */
#define ROUNDS     5u  /* changes of a world */
#define CASES      2000u
#define DEPTH_MAX  3u
#define D_BASE_MS  INT64_C(1735689600000) /* 2025-01-01 */
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)

/* Values of every field are small integers ("keys") here, ordered as the field orders them. */
enum field_name { F_N, F_M, F_F, F_D, F_B, F_K, F_IP, F_RAW, F_COUNT };
static const char *const field_names[F_COUNT] = {"n", "m", "f", "d", "b", "k", "ip", "t.raw"};
static const char *const letters[] = {"a", "ab", "b", "ba", "c", "ccc"}; /* of k, sorted */
static const char *const words[] = {"ab", "abc", "b", "cd", "e", "fg"};  /* of t, sorted */

struct doc {
    bool is_live;
    uint32_t part; /* which of the three */
    int64_t keys[F_COUNT][VALUES_MAX];
    uint32_t counts[F_COUNT];
    uint8_t words[WORDS_MAX];
    uint32_t word_count;
};

struct world {
    struct bed bed;
    struct test *t;
    struct rng *rng;
    uint64_t seed;
    struct doc docs[DOCS_MAX];
    uint32_t doc_count;
    const char *types[F_COUNT];
    unsigned date_format; /* 0 default, 1 epoch_second, 2 a pattern, 3 nanos */
    uint32_t ignore_above;
    int64_t null_n; /* null_value of n; INT64_MIN: none */
    bool has_deletes;
};

static bool met_queries[64], met_aggs[64];

/* ---- Units and who asks for them ---- */

static const char *const query_units[] = {
#define QUERY(name) #name,
#include "query/query_types.tbl"
#undef QUERY
};
static const char *const agg_units[] = {
#define BUCKET(name) #name,
#include "query/buckets.tbl"
#undef BUCKET
#define AGG(name) #name,
#include "agg/aggs.tbl"
#undef AGG
};
/* Computed from printed buckets, which the model compares: their rows come from Elasticsearch. */
#define PIPELINES "buckets/{derivative,bucket_sort,bucket_metrics}_test.c"
/* Rows that are asked for elsewhere: why. */
static const struct {
    const char *name, *where;
} elsewhere[] = {{"metric", "stands for the rows of aggs.tbl"},
                 {"count", "in windows of streams only"},
                 {"first", "in windows of streams only"},
                 {"last", "in windows of streams only"},
                 {"geo_bounding_box", "geo_test.c"},
                 {"geo_distance", "geo_test.c"},
                 {"composite", "oracle_test.c"},
                 {"multi_terms", "oracle_test.c"},
                 {"significant_terms", "oracle_test.c"},
                 {"derivative", PIPELINES},
                 {"cumulative_sum", PIPELINES},
                 {"bucket_sort", PIPELINES},
                 {"avg_bucket", PIPELINES},
                 {"max_bucket", PIPELINES},
                 {"min_bucket", PIPELINES},
                 {"sum_bucket", PIPELINES},
                 {"stats_bucket", PIPELINES}};

static void mark(const char *const *units, size_t count, bool *met, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i], name) == 0) {
            met[i] = true;
            return;
        }
    }
    fail_msg("%s is in no table", name);
}

static void asks_query(const char *name)
{
    mark(query_units, ARRAY_COUNT(query_units), met_queries, name);
}

static void asks_agg(const char *name)
{
    mark(agg_units, ARRAY_COUNT(agg_units), met_aggs, name);
}

static void all_units_were_met(const char *const *units, size_t count, const bool *met)
{
    for (size_t i = 0; i < count; i++) {
        bool is_known = met[i];
        for (size_t k = 0; k < ARRAY_COUNT(elsewhere) && !is_known; k++)
            is_known = strcmp(elsewhere[k].name, units[i]) == 0;
        if (!is_known)
            fail_msg("\"%s\" has no oracle", units[i]);
    }
}

/* ---- Values ---- */

static int64_t key_draw(struct world *w, enum field_name field)
{
    switch (field) {
    case F_N:
        return rng_between(w->rng, -20, 20);
    case F_M:
        return rng_between(w->rng, 1, 12); /* an unsigned 0 sorts where missing ones do */
    case F_F:
        return rng_between(w->rng, -80, 80);
    case F_D:
        return rng_between(w->rng, 0, 240);
    case F_B:
        return rng_between(w->rng, 0, 1);
    case F_K:
    case F_IP:
    case F_RAW:
    case F_COUNT:
        break;
    }
    return rng_between(w->rng, 0, 5);
}

static int64_t day_ms(int64_t key)
{
    return D_BASE_MS + key * HOUR_MS / 2;
}

static double as_number(enum field_name field, int64_t key)
{
    return field == F_F ? (double)key / 8 : field == F_D ? (double)day_ms(key) : (double)key;
}

/* As it stands in documents and in queries. */
static void print_key(const struct world *w, enum field_name field, int64_t key, struct buf *out)
{
    int64_t ms = day_ms(key), hours = key / 2;
    switch (field) {
    case F_N:
    case F_M:
        buf_printf(out, "%lld", (long long)key);
        break;
    case F_F:
        buf_printf(out, "%g", (double)key / 8);
        break;
    case F_D:
        if (w->date_format == 1)
            buf_printf(out, "%lld", (long long)(ms / 1000));
        else if (w->date_format == 0 && key % 3 == 0)
            buf_printf(out, "%lld", (long long)ms);
        else
            buf_printf(out,
                       w->date_format == 2 ? "\"%02d/01/2025 %02d:%02d\""
                                           : "\"2025-01-%02dT%02d:%02d:00Z\"",
                       (int)(hours / 24) + 1, (int)(hours % 24), (int)(key % 2) * 30);
        break;
    case F_B:
        buf_add_str(out, str_from(key ? "true" : "false"));
        break;
    case F_K:
        buf_printf(out, "\"%s\"", letters[key]);
        break;
    case F_IP:
        buf_printf(out, "\"10.0.0.%d\"", (int)key * 7);
        break;
    case F_RAW:
    case F_COUNT:
        buf_printf(out, "\"%s\"", words[key]);
        break;
    }
}

static bool has_key(const struct doc *doc, enum field_name field, int64_t low, int64_t high)
{
    for (uint32_t i = 0; i < doc->counts[field]; i++) {
        if (doc->keys[field][i] >= low && doc->keys[field][i] <= high)
            return true;
    }
    return false;
}

/* ---- Documents ---- */

static void print_field(struct world *w, struct doc *doc, enum field_name field, struct buf *out)
{
    uint32_t n = (uint32_t)(rng_below(w->rng, 5) ? rng_below(w->rng, 2) : 1 + rng_below(w->rng, 3));
    doc->counts[field] = 0;
    if (n == 0 && rng_below(w->rng, 2))
        return;
    if (field == F_M)
        n = MIN_OF(n, 1u);
    buf_printf(out, ",\"%s\":%s", field_names[field], n > 1 ? "[" : "");
    if (n == 0) {
        buf_add_lit(out, "null");
        if (field == F_N && w->null_n != INT64_MIN)
            doc->keys[field][doc->counts[field]++] = w->null_n;
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t key = key_draw(w, field);
        if (i)
            buf_add_lit(out, ",");
        print_key(w, field, key, out);
        bool is_ignored = field == F_K && w->ignore_above && strlen(letters[key]) > w->ignore_above;
        if (!is_ignored)
            doc->keys[field][doc->counts[field]++] = key;
    }
    if (n > 1)
        buf_add_lit(out, "]");
}

static void put_doc(struct world *w, uint32_t i)
{
    struct doc *doc = &w->docs[i];
    struct buf out;
    char id[16];
    uint32_t part = doc->part;
    bool was_there = doc->is_live;
    *doc = (struct doc){.is_live = true, .part = was_there ? part : (uint32_t)rng_below(w->rng, 3)};
    buf_init(&out, 0);
    buf_printf(&out, "{\"i\":%u", i);
    for (enum field_name field = F_N; field < F_RAW; field++)
        print_field(w, doc, field, &out);
    doc->word_count = (uint32_t)rng_below(w->rng, WORDS_MAX + 1);
    if (doc->word_count) {
        buf_add_lit(&out, ",\"t\":\"");
        for (uint32_t k = 0; k < doc->word_count; k++) {
            doc->words[k] = (uint8_t)rng_below(w->rng, rng_below(w->rng, 3) ? 3 : 6);
            buf_printf(&out, "%s%s", k ? " " : "", words[doc->words[k]]);
        }
        buf_add_lit(&out, "\"");
        if (doc->word_count == 1 && strlen(words[doc->words[0]]) <= 2) /* ignore_above of t.raw */
            doc->keys[F_RAW][doc->counts[F_RAW]++] = doc->words[0];
    }
    buf_add_lit(&out, "}");
    (void)snprintf(id, sizeof(id), "%u", i);
    put(&w->bed, "all", id, buf_cstr(&out));
    put(&w->bed, (const char *[]){"p0", "p1", "p2"}[doc->part], id, buf_cstr(&out));
    buf_deinit(&out);
}

static void delete_doc(struct world *w, uint32_t i)
{
    char id[16];
    if (!w->docs[i].is_live)
        return;
    (void)snprintf(id, sizeof(id), "%u", i);
    put(&w->bed, "all", id, NULL);
    put(&w->bed, (const char *[]){"p0", "p1", "p2"}[w->docs[i].part], id, NULL);
    w->docs[i].is_live = false;
    w->has_deletes = true;
}

static void refresh_all(struct world *w)
{
    for (size_t i = 0; i < 4; i++)
        refresh(&w->bed, (const char *[]){"all", "p0", "p1", "p2"}[i]);
}

static void change(struct world *w)
{
    uint32_t n = (uint32_t)rng_below(w->rng, 50);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (uint32_t)rng_below(w->rng, w->doc_count + 1);
        if (i == DOCS_MAX)
            continue;
        if (i < w->doc_count && rng_below(w->rng, 3) == 0) {
            delete_doc(w, i);
        } else {
            w->has_deletes = w->has_deletes || (i < w->doc_count && w->docs[i].is_live);
            put_doc(w, i);
            w->doc_count = MAX_OF(w->doc_count, i + 1);
        }
        if (rng_below(w->rng, 12) == 0)
            refresh_all(w);
    }
    while (w->doc_count < 20 || (w->doc_count < DOCS_MAX && rng_below(w->rng, 30))) {
        put_doc(w, w->doc_count++);
        if (rng_below(w->rng, 25) == 0)
            refresh_all(w);
    }
    refresh_all(w);
}

static void world_init(struct world *w, struct test *t, uint64_t seed)
{
    static const char *const longs[] = {"long", "integer", "short", "byte"};
    static const char *const doubles[] = {"double", "float", "half_float"};
    memset(w, 0, sizeof(*w));
    w->t = t;
    w->seed = seed;
    rng_init(&t->rng, seed);
    w->rng = &t->rng;
    w->date_format = (unsigned)rng_below(w->rng, 4);
    w->ignore_above = rng_below(w->rng, 2) ? 2 : 0;
    w->null_n = rng_below(w->rng, 2) ? 7 : INT64_MIN;
    bed_init(&w->bed, t);
    bool is_scaled = rng_below(w->rng, 4) == 0;
    struct str body = arena_printf(
        t->mem,
        "{\"mappings\":{\"properties\":{\"i\":{\"type\":\"long\"},\"n\":{\"type\":\"%s\"%s},"
        "\"m\":{\"type\":\"%s\"},\"f\":{\"type\":\"%s\"%s},\"d\":{\"type\":\"%s\"%s},"
        "\"b\":{\"type\":\"boolean\"},\"k\":{\"type\":\"keyword\"%s},\"ip\":{\"type\":\"ip\"},"
        "\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\",\"ignore_above\":2}}}}}"
        "}",
        longs[rng_below(w->rng, 4)], w->null_n == INT64_MIN ? "" : ",\"null_value\":7",
        rng_below(w->rng, 2) ? "unsigned_long" : "long",
        is_scaled ? "scaled_float" : doubles[rng_below(w->rng, 3)],
        is_scaled ? ",\"scaling_factor\":8" : "", w->date_format == 3 ? "date_nanos" : "date",
        w->date_format == 1   ? ",\"format\":\"epoch_second\""
        : w->date_format == 2 ? ",\"format\":\"dd/MM/yyyy HH:mm\""
                              : "",
        w->ignore_above ? ",\"ignore_above\":2" : "");
    for (size_t i = 0; i < 4; i++)
        create(&w->bed, (const char *[]){"all", "p0", "p1", "p2"}[i], body.p);
}

static void open_again(struct world *w)
{
    engine_close(w->bed.engine);
    struct engine_config config = {.fs = w->bed.fs,
                                   .clock = &w->bed.clock.base,
                                   .seed = rng_u64(w->rng),
                                   .path = STR("data"),
                                   .lane_count = 1,
                                   .is_single_threaded = true};
    assert_ok(engine_open(&config, &w->bed.engine, &w->t->err), &w->t->err);
}

/* ---- Queries: each prints itself and answers for one document ---- */

struct ask {
    int kind;
    enum field_name field;
    int64_t low, high;
    bool has_low, has_high;
    uint8_t a, b, c; /* words */
    uint32_t min, count;
    bool is_and;
    struct ask *sub[5];
    uint8_t occur[5];
};

enum {
    ASK_ALL,
    ASK_NONE,
    ASK_TERM,
    ASK_TERMS,
    ASK_RANGE,
    ASK_EXISTS,
    ASK_IDS,
    ASK_MATCH,
    ASK_MATCH_VALUE,
    ASK_PHRASE,
    ASK_PHRASE_PREFIX,
    ASK_BOOL_PREFIX,
    ASK_MULTI_MATCH,
    ASK_PREFIX,
    ASK_WILDCARD,
    ASK_REGEXP,
    ASK_QUERY_STRING,
    ASK_BOOL,
    ASK_CONSTANT,
    ASK_DIS_MAX,
    ASK_KINDS
};

static struct ask *ask_draw(struct world *w, unsigned depth)
{
    struct ask *ask = ARENA_NEW(w->t->mem, struct ask);
    ask->kind = (int)rng_below(w->rng, depth < DEPTH_MAX ? ASK_KINDS : ASK_BOOL);
    ask->field = (enum field_name)rng_below(w->rng, F_COUNT);
    ask->low = key_draw(w, ask->field);
    ask->high = key_draw(w, ask->field);
    if (ask->low > ask->high) {
        int64_t low = ask->low;
        ask->low = ask->high;
        ask->high = low;
    }
    ask->has_low = rng_below(w->rng, 2);
    ask->has_high = rng_below(w->rng, 2);
    ask->a = (uint8_t)rng_below(w->rng, 6);
    ask->b = (uint8_t)rng_below(w->rng, 6);
    ask->c = (uint8_t)rng_below(w->rng, 6);
    ask->is_and = rng_below(w->rng, 2);
    ask->min = 1 + (uint32_t)rng_below(w->rng, 3);
    if (ask->kind < ASK_BOOL)
        return ask;
    ask->count = ask->kind == ASK_CONSTANT ? 1 : (uint32_t)rng_below(w->rng, 5);
    if (ask->kind == ASK_DIS_MAX)
        ask->count = MAX_OF(ask->count, 1u);
    uint32_t should = 0;
    for (uint32_t i = 0; i < ask->count; i++) {
        ask->sub[i] = ask_draw(w, depth + 1);
        ask->occur[i] = (uint8_t)rng_below(w->rng, 4);
        should += ask->occur[i] == 2;
    }
    ask->min = should ? (uint32_t)rng_below(w->rng, should + 1) : 0;
    return ask;
}

static void print_ask(const struct world *w, const struct ask *ask, struct buf *out);

static void print_bool(const struct world *w, const struct ask *ask, struct buf *out)
{
    static const char *const names[] = {"must", "filter", "should", "must_not"};
    buf_printf(out, "{\"bool\":{\"minimum_should_match\":%u", ask->min);
    for (uint8_t occur = 0; occur < 4; occur++) {
        const char *comma = "";
        buf_printf(out, ",\"%s\":[", names[occur]);
        for (uint32_t i = 0; i < ask->count; i++) {
            if (ask->occur[i] != occur)
                continue;
            buf_add_str(out, str_from(comma));
            print_ask(w, ask->sub[i], out);
            comma = ",";
        }
        buf_add_lit(out, "]");
    }
    buf_add_lit(out, "}}");
}

static void print_values(const struct world *w, const struct ask *ask, struct buf *out)
{
    const char *name = field_names[ask->field];
    asks_query(ask->kind == ASK_TERM    ? "term"
               : ask->kind == ASK_TERMS ? "terms"
               : ask->kind == ASK_RANGE ? "range"
                                        : "match");
    if (ask->kind == ASK_TERM || ask->kind == ASK_MATCH_VALUE) {
        buf_printf(out, "{\"%s\":{\"%s\":", ask->kind == ASK_TERM ? "term" : "match", name);
        print_key(w, ask->field, ask->low, out);
        buf_add_lit(out, "}}");
    } else if (ask->kind == ASK_TERMS) {
        buf_printf(out, "{\"terms\":{\"%s\":[", name);
        print_key(w, ask->field, ask->low, out);
        buf_add_lit(out, ",");
        print_key(w, ask->field, ask->high, out);
        buf_add_lit(out, "]}}");
    } else {
        buf_printf(out, "{\"range\":{\"%s\":{\"%s\":", name, ask->has_low ? "gte" : "gt");
        print_key(w, ask->field, ask->low, out);
        buf_printf(out, ",\"%s\":", ask->has_high ? "lte" : "lt");
        print_key(w, ask->field, ask->high, out);
        buf_add_lit(out, "}}}");
    }
}

static void print_text(const struct ask *ask, struct buf *out)
{
    const char *a = words[ask->a], *b = words[ask->b], *c = words[ask->c];
    const char *op = ask->is_and ? "and" : "or";
    switch (ask->kind) {
    case ASK_MATCH:
        asks_query("match");
        if (ask->is_and)
            buf_printf(out, "{\"match\":{\"t\":{\"query\":\"%s %s\",\"operator\":\"and\"}}}", a, b);
        else
            buf_printf(out,
                       "{\"match\":{\"t\":{\"query\":\"%s %s %s\",\"minimum_should_match\":%u}}}",
                       a, b, c, ask->min);
        break;
    case ASK_PHRASE:
        asks_query("match_phrase");
        buf_printf(out, "{\"match_phrase\":{\"t\":\"%s %s\"}}", a, b);
        break;
    case ASK_PHRASE_PREFIX:
        asks_query("match_phrase_prefix");
        buf_printf(out, "{\"match_phrase_prefix\":{\"t\":\"%s %.1s\"}}", a, b);
        break;
    case ASK_BOOL_PREFIX:
        asks_query("match_bool_prefix");
        buf_printf(out,
                   "{\"match_bool_prefix\":{\"t\":{\"query\":\"%s %.1s\",\"operator\":\"%s\"}}}", a,
                   b, op);
        break;
    case ASK_MULTI_MATCH:
        asks_query("multi_match");
        buf_printf(out, "{\"multi_match\":{\"query\":\"%s\",\"fields\":[\"t\",\"k\"]}}",
                   ask->is_and ? a : "ab");
        break;
    case ASK_PREFIX:
        asks_query("prefix");
        buf_printf(out, "{\"prefix\":{\"t\":\"%.1s\"}}", a);
        break;
    case ASK_WILDCARD:
        asks_query("wildcard");
        buf_printf(out, "{\"wildcard\":{\"t\":\"%.1s*%s\"}}", a, ask->is_and ? "c" : "?");
        break;
    case ASK_REGEXP:
        asks_query("regexp");
        buf_printf(out, "{\"regexp\":{\"t\":\"%.1s[bd].?\"}}", a);
        break;
    default:
        asks_query("query_string");
        buf_printf(out, "{\"query_string\":{\"query\":\"t:%s %s NOT t:%s\"}}", a,
                   ask->is_and ? "AND" : "AND t:(ab OR b OR cd) AND", c);
        break;
    }
}

static void print_ask(const struct world *w, const struct ask *ask, struct buf *out)
{
    switch (ask->kind) {
    case ASK_ALL:
    case ASK_NONE:
        asks_query(ask->kind == ASK_ALL ? "match_all" : "match_none");
        buf_printf(out, "{\"match_%s\":{}}", ask->kind == ASK_ALL ? "all" : "none");
        break;
    case ASK_TERM:
    case ASK_TERMS:
    case ASK_RANGE:
    case ASK_MATCH_VALUE:
        print_values(w, ask, out);
        break;
    case ASK_EXISTS:
        asks_query("exists");
        buf_printf(out, "{\"exists\":{\"field\":\"%s\"}}",
                   ask->is_and ? "t" : field_names[ask->field]);
        break;
    case ASK_IDS:
        asks_query("ids");
        buf_printf(out, "{\"ids\":{\"values\":[\"%u\",\"%u\"]}}", ask->a, ask->b * 10u);
        break;
    case ASK_BOOL:
        asks_query("bool");
        print_bool(w, ask, out);
        break;
    case ASK_CONSTANT:
        asks_query("constant_score");
        buf_add_lit(out, "{\"constant_score\":{\"filter\":");
        print_ask(w, ask->sub[0], out);
        buf_add_lit(out, "}}");
        break;
    case ASK_DIS_MAX:
        asks_query("dis_max");
        buf_add_lit(out, "{\"dis_max\":{\"tie_breaker\":0.5,\"queries\":[");
        for (uint32_t i = 0; i < ask->count; i++) {
            buf_add_str(out, str_from(i ? "," : ""));
            print_ask(w, ask->sub[i], out);
        }
        buf_add_lit(out, "]}}");
        break;
    default:
        print_text(ask, out);
        break;
    }
}

static bool has_word(const struct doc *doc, uint8_t word)
{
    for (uint32_t i = 0; i < doc->word_count; i++) {
        if (doc->words[i] == word)
            return true;
    }
    return false;
}

static bool has_initial(const struct doc *doc, char initial)
{
    for (uint32_t i = 0; i < doc->word_count; i++) {
        if (words[doc->words[i]][0] == initial)
            return true;
    }
    return false;
}

static bool pattern_holds(const struct ask *ask, const char *word)
{
    size_t n = strlen(word);
    if (word[0] != words[ask->a][0])
        return false;
    if (ask->kind == ASK_REGEXP)
        return n >= 2 && n <= 3 && (word[1] == 'b' || word[1] == 'd');
    return ask->is_and ? n >= 2 && word[n - 1] == 'c' : n >= 2;
}

static bool text_holds(const struct ask *ask, const struct doc *doc)
{
    bool has_a = has_word(doc, ask->a), has_b = has_word(doc, ask->b),
         has_c = has_word(doc, ask->c);
    switch (ask->kind) {
    case ASK_MATCH:
        return ask->is_and ? has_a && has_b : (uint32_t)has_a + has_b + has_c >= ask->min;
    case ASK_PHRASE:
    case ASK_PHRASE_PREFIX:
        for (uint32_t i = 0; i + 1 < doc->word_count; i++) {
            uint8_t next = doc->words[i + 1];
            if (doc->words[i] == ask->a &&
                (ask->kind == ASK_PHRASE ? next == ask->b : words[next][0] == words[ask->b][0]))
                return true;
        }
        return false;
    case ASK_BOOL_PREFIX:
        return ask->is_and ? has_a && has_initial(doc, words[ask->b][0])
                           : has_a || has_initial(doc, words[ask->b][0]);
    case ASK_MULTI_MATCH: {
        const char *word = ask->is_and ? words[ask->a] : "ab";
        for (int64_t key = 0; key < 6; key++) {
            if (strcmp(letters[key], word) == 0 && has_key(doc, F_K, key, key))
                return true;
        }
        return has_word(doc, ask->is_and ? ask->a : 0);
    }
    case ASK_PREFIX:
        return has_initial(doc, words[ask->a][0]);
    case ASK_WILDCARD:
    case ASK_REGEXP:
        for (uint32_t i = 0; i < doc->word_count; i++) {
            if (pattern_holds(ask, words[doc->words[i]]))
                return true;
        }
        return false;
    default:
        return has_a && !has_c &&
               (ask->is_and || has_word(doc, 0) || has_word(doc, 2) || has_word(doc, 3));
    }
}

static bool holds(const struct ask *ask, const struct doc *doc, uint32_t id);

static bool bool_holds(const struct ask *ask, const struct doc *doc, uint32_t id)
{
    uint32_t should = 0;
    for (uint32_t i = 0; i < ask->count; i++) {
        bool is_true = holds(ask->sub[i], doc, id);
        if (ask->occur[i] == 2)
            should += is_true;
        else if (is_true == (ask->occur[i] == 3))
            return false;
    }
    return should >= ask->min;
}

static bool holds(const struct ask *ask, const struct doc *doc, uint32_t id)
{
    switch (ask->kind) {
    case ASK_ALL:
        return true;
    case ASK_NONE:
        return false;
    case ASK_TERM:
    case ASK_MATCH_VALUE:
        return has_key(doc, ask->field, ask->low, ask->low);
    case ASK_TERMS:
        return has_key(doc, ask->field, ask->low, ask->low) ||
               has_key(doc, ask->field, ask->high, ask->high);
    case ASK_RANGE:
        return has_key(doc, ask->field, ask->low + !ask->has_low, ask->high - !ask->has_high);
    case ASK_EXISTS:
        return ask->is_and ? doc->word_count > 0 : doc->counts[ask->field] > 0;
    case ASK_IDS:
        return id == ask->a || id == ask->b * 10u;
    case ASK_BOOL:
        return bool_holds(ask, doc, id);
    case ASK_CONSTANT:
        return holds(ask->sub[0], doc, id);
    case ASK_DIS_MAX:
        for (uint32_t i = 0; i < ask->count; i++) {
            if (holds(ask->sub[i], doc, id))
                return true;
        }
        return false;
    default:
        return text_holds(ask, doc);
    }
}

/* ---- One question ---- */

struct found_set {
    uint32_t ids[DOCS_MAX];
    uint32_t count;
};

static struct str print_body(struct world *w, const struct ask *ask, const char *rest)
{
    struct buf out;
    buf_init(&out, 0);
    buf_add_lit(&out, "{\"query\":");
    print_ask(w, ask, &out);
    buf_printf(&out, ",%s}", rest);
    struct str body = arena_str(w->t->mem, buf_str(&out));
    buf_deinit(&out);
    return body;
}

static void expect(const struct world *w, bool is_true, const char *what, struct str body)
{
    if (!is_true)
        fail_msg("NARU_SEED=%llu: %s: " STR_FMT, (unsigned long long)w->seed, what, STR_ARG(body));
}

static const char *one_or_three(struct world *w)
{
    return rng_below(w->rng, 2) ? "all" : "p0,p1,p2";
}

static uint32_t hit_number(const struct value *hit)
{
    int64_t id = 0;
    assert_true(str_to_i64(value_map_get_lit(hit, "_id")->s, &id));
    return (uint32_t)id;
}

struct order {
    enum field_name field;
    bool is_desc, is_missing_first;
};

/* The value a document is sorted by: the lowest ascending, the highest descending. */
static int64_t order_key(const struct order *order, const struct doc *doc, bool *ret_is_missing)
{
    int64_t best = 0;
    *ret_is_missing = doc->counts[order->field] == 0;
    for (uint32_t i = 0; i < doc->counts[order->field]; i++) {
        int64_t key = doc->keys[order->field][i];
        if (i == 0 || (order->is_desc ? key > best : key < best))
            best = key;
    }
    return best;
}

static int order_cmp(const struct world *w, const struct order *order, uint32_t a, uint32_t b)
{
    bool no_a, no_b;
    int64_t key_a = order_key(order, &w->docs[a], &no_a),
            key_b = order_key(order, &w->docs[b], &no_b);
    if (no_a != no_b)
        return no_a == order->is_missing_first ? -1 : 1;
    if (!no_a && key_a != key_b)
        return (key_a < key_b) != order->is_desc ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void sort_found(const struct world *w, const struct order *order, struct found_set *set)
{
    for (uint32_t i = 1; i < set->count; i++) {
        uint32_t id = set->ids[i], at = i;
        for (; at > 0 && order_cmp(w, order, set->ids[at - 1], id) > 0; at--)
            set->ids[at] = set->ids[at - 1];
        set->ids[at] = id;
    }
}

static void expect_hits(const struct world *w, const struct value *tree,
                        const struct found_set *set, size_t from, size_t size, struct str body)
{
    const struct value *hits = at_path(tree, "hits/hits");
    size_t shown = from < set->count ? MIN_OF(size, set->count - from) : 0;
    expect(w, hits->list->count == shown, "as many hits", body);
    for (size_t i = 0; i < shown; i++) {
        uint32_t id = hit_number(&hits->list->items[i]);
        if (id != set->ids[from + i])
            fail_msg("NARU_SEED=%llu: hit %zu is %u, not %u: " STR_FMT, (unsigned long long)w->seed,
                     i, id, set->ids[from + i], STR_ARG(body));
    }
}

static void check_totals(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct str body = print_body(w, ask, "\"size\":0,\"track_total_hits\":7");
    struct value tree = reply(&w->bed, one_or_three(w), body.p);
    bool is_over = set->count > 7;
    expect(w, at_path(&tree, "hits/total/value")->i == (is_over ? 7 : (int64_t)set->count),
           "a total up to its limit", body);
    expect(w, str_eq(at_path(&tree, "hits/total/relation")->s, is_over ? STR("gte") : STR("eq")),
           "its relation", body);
    body = print_body(w, ask, "\"size\":1,\"track_total_hits\":false");
    tree = reply(&w->bed, one_or_three(w), body.p);
    expect(w, !at_path(&tree, "hits/total"), "no total", body);
}

/* All pages by search_after are the whole list. */
static void check_pages(struct world *w, const struct ask *ask, const struct order *order,
                        const struct found_set *set)
{
    struct str after = STR("");
    size_t size = 1 + rng_below(w->rng, 40), seen = 0;
    const char *indices = one_or_three(w);
    for (size_t page = 0; page < 8 && seen < set->count; page++) {
        struct str rest = arena_printf(
            w->t->mem,
            "\"size\":%zu,\"sort\":[{\"%s\":{\"order\":\"%s\",\"missing\":\"%s\"}},\"i\"]" STR_FMT,
            size, field_names[order->field], order->is_desc ? "desc" : "asc",
            order->is_missing_first ? "_first" : "_last", STR_ARG(after));
        struct str body = print_body(w, ask, rest.p);
        struct value tree = reply(&w->bed, indices, body.p);
        expect_hits(w, &tree, set, seen, size, body);
        const struct value *hits = at_path(&tree, "hits/hits");
        seen += hits->list->count;
        if (hits->list->count == 0)
            break;
        const struct value *values =
            value_map_get_lit(&hits->list->items[hits->list->count - 1], "sort");
        after = arena_printf(w->t->mem, ",\"search_after\":" STR_FMT,
                             STR_ARG(json_of(&w->bed, values)));
    }
}

static void check_sorted(struct world *w, const struct ask *ask, struct found_set *set)
{
    struct order order = {(enum field_name)rng_below(w->rng, F_COUNT), rng_below(w->rng, 2),
                          rng_below(w->rng, 2)};
    size_t from = rng_below(w->rng, 20), size = rng_below(w->rng, 30);
    sort_found(w, &order, set);
    struct str rest =
        arena_printf(w->t->mem,
                     "\"track_total_hits\":true,\"from\":%zu,\"size\":%zu,"
                     "\"sort\":[{\"%s\":{\"order\":\"%s\",\"missing\":\"%s\"}},\"i\"]",
                     from, size, field_names[order.field], order.is_desc ? "desc" : "asc",
                     order.is_missing_first ? "_first" : "_last");
    struct str body = print_body(w, ask, rest.p);
    struct value tree = reply(&w->bed, one_or_three(w), body.p);
    expect(w, at_path(&tree, "hits/total/value")->i == (int64_t)set->count, "the total", body);
    expect_hits(w, &tree, set, from, size, body);
    check_pages(w, ask, &order, set);
}

/* By score: the same documents, scores falling; the best few, found with skipping, and those over
 * min_score are the first of all. */
static void check_scored(struct world *w, const struct ask *ask, const struct found_set *set)
{
    struct str body = print_body(w, ask, "\"size\":1000");
    const char *indices = one_or_three(w);
    struct value tree = reply(&w->bed, indices, body.p);
    const struct value *hits = at_path(&tree, "hits/hits");
    double before = INFINITY, score = 0, least = 0;
    size_t size = 1 + rng_below(w->rng, 9), over = 0;
    bool met[DOCS_MAX] = {false};
    expect(w, hits->list->count == set->count, "as many hits by score", body);
    for (size_t i = 0; i < set->count; i++)
        met[set->ids[i]] = true;
    for (size_t i = 0; i < set->count; i++) {
        const struct value *hit = &hits->list->items[i];
        expect(w, met[hit_number(hit)], "the same hits by score", body);
        met[hit_number(hit)] = false;
        assert_true(value_to_f64(value_map_get_lit(hit, "_score"), &score));
        expect(w, score <= before, "falling scores", body);
        before = score;
    }
    body = print_body(w, ask,
                      arena_printf(w->t->mem, "\"size\":%zu,\"track_total_hits\":false", size).p);
    struct value few = reply(&w->bed, indices, body.p);
    const struct value *best = at_path(&few, "hits/hits");
    expect(w, best->list->count == MIN_OF(size, (size_t)set->count), "as many of the best", body);
    for (size_t i = 0; i < best->list->count; i++)
        expect(w, value_eq(&best->list->items[i], &hits->list->items[i]), "the best", body);
    if (set->count == 0)
        return;
    const struct value *middle = &hits->list->items[rng_below(w->rng, set->count)];
    assert_true(value_to_f64(value_map_get_lit(middle, "_score"), &least));
    while (over < set->count &&
           value_to_f64(value_map_get_lit(&hits->list->items[over], "_score"), &score) &&
           score >= least)
        over++;
    body = print_body(w, ask, arena_printf(w->t->mem, "\"size\":0,\"min_score\":%.17g", least).p);
    few = reply(&w->bed, indices, body.p);
    expect(w, at_path(&few, "hits/total/value")->i == (int64_t)over, "those over min_score", body);
}

static int64_t total_of(struct world *w, struct str query)
{
    struct value tree =
        reply(&w->bed, one_or_three(w),
              arena_printf(w->t->mem, "{\"size\":0,\"query\":" STR_FMT "}", STR_ARG(query)).p);
    return at_path(&tree, "hits/total/value")->i;
}

/* q = (q and p) + (q and not p), and a filter finds what a must finds. */
static void check_halves(struct world *w, const struct ask *q, const struct found_set *set)
{
    struct buf a, b;
    const struct ask *p = ask_draw(w, DEPTH_MAX);
    buf_init(&a, 0);
    buf_init(&b, 0);
    print_ask(w, q, &a);
    print_ask(w, p, &b);
    struct str with =
        arena_printf(w->t->mem, "{\"bool\":{\"must\":[" STR_FMT "],\"filter\":[" STR_FMT "]}}",
                     STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
    struct str without =
        arena_printf(w->t->mem, "{\"bool\":{\"filter\":[" STR_FMT "],\"must_not\":[" STR_FMT "]}}",
                     STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
    int64_t has = total_of(w, with), has_not = total_of(w, without);
    expect(w, has + has_not == (int64_t)set->count, "q = (q and p) + (q and not p)", with);
    uint32_t kept = 0;
    struct str post = print_body(
        w, q,
        arena_printf(w->t->mem, "\"size\":0,\"post_filter\":" STR_FMT, STR_ARG(buf_str(&b))).p);
    struct value tree = reply(&w->bed, one_or_three(w), post.p);
    for (uint32_t i = 0; i < set->count; i++)
        kept += holds(p, &w->docs[set->ids[i]], set->ids[i]);
    expect(w, at_path(&tree, "hits/total/value")->i == (int64_t)kept, "post_filter", post);
    buf_deinit(&a);
    buf_deinit(&b);
}

/* query_string, KQL and the DSL say the same. */
static void check_languages(struct world *w)
{
    static const char *const forms[][3] = {
        {"k:%s AND NOT t:%s", "k:%s and not t:%s",
         "{\"bool\":{\"must\":[{\"term\":{\"k\":\"%s\"}}],\"must_not\":[{\"match\":{\"t\":\"%s\"}}]"
         "}}"},
        {"k:%s OR t:%s", "k:%s or t:%s",
         "{\"bool\":{\"should\":[{\"term\":{\"k\":\"%s\"}},{\"match\":{\"t\":\"%s\"}}]}}"},
        {"(k:%s OR n:[0 TO *]) AND t:%s", "(k:%s or n >= 0) and t:%s",
         "{\"bool\":{\"should\":[{\"term\":{\"k\":\"%s\"}},{\"range\":{\"n\":{\"gte\":0}}}],"
         "\"minimum_should_match\":1,\"must\":[{\"match\":{\"t\":\"%s\"}}]}}"}};
    size_t form = rng_below(w->rng, ARRAY_COUNT(forms));
    const char *k = letters[rng_below(w->rng, 6)], *t = words[rng_below(w->rng, 6)];
    char text[3][400];
    for (size_t i = 0; i < 3; i++) {
        const char *at = forms[form][i];
        struct buf out;
        buf_init(&out, 0);
        for (unsigned n = 0; *at; at++) {
            if (at[0] == '%') {
                buf_add_str(&out, str_from(n++ ? t : k));
                at++;
            } else {
                buf_add_u8(&out, (uint8_t)*at);
            }
        }
        (void)snprintf(text[i], sizeof(text[i]), "%s", buf_cstr(&out));
        buf_deinit(&out);
    }
    struct value kql;
    assert_ok(kql_to_dsl(str_from(text[1]), w->t->mem, &kql, &w->t->err), &w->t->err);
    int64_t dsl = total_of(w, str_from(text[2]));
    int64_t lucene =
        total_of(w, arena_printf(w->t->mem, "{\"query_string\":{\"query\":\"%s\"}}", text[0]));
    expect(w, lucene == dsl, "query_string as the DSL", str_from(text[0]));
    expect(w, total_of(w, json_of(&w->bed, &kql)) == dsl, "KQL as the DSL", str_from(text[1]));
}

#include "query/model_aggs_test.h"

static void ask_one(struct world *w)
{
    struct ask *ask = ask_draw(w, 0);
    struct found_set set = {.count = 0};
    for (uint32_t i = 0; i < w->doc_count; i++) {
        if (w->docs[i].is_live && holds(ask, &w->docs[i], i))
            set.ids[set.count++] = i;
    }
    switch (rng_below(w->rng, 6)) {
    case 0:
        check_totals(w, ask, &set);
        check_halves(w, ask, &set);
        break;
    case 1:
        check_scored(w, ask, &set);
        break;
    case 2:
        check_languages(w);
        check_sorted(w, ask, &set);
        break;
    default:
        check_agg(w, ask, &set);
        check_sorted(w, ask, &set);
        break;
    }
}

/* What a change of segments must not change. */
static void check_rearranged(struct world *w)
{
    struct str bodies[4], before[4];
    static const char *const rests[] = {
        "\"size\":100,\"sort\":\"i\"",
        "\"size\":0,\"aggs\":{\"k\":{\"terms\":{\"field\":\"k\",\"size\":99},\"aggs\":{\"f\":{"
        "\"stats\":{\"field\":\"f\"}}}}}",
        "\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":4}}}",
        "\"size\":100"};
    const char *indices = one_or_three(w);
    size_t count = w->has_deletes ? 3 : 4; /* dead documents count in scores until a merge */
    for (size_t i = 0; i < count; i++) {
        bodies[i] = print_body(w, ask_draw(w, 0), rests[i]);
        struct value tree = reply(&w->bed, indices, bodies[i].p);
        before[i] = json_of(&w->bed, i == 0 || i == 3 ? at_path(&tree, "hits/hits")
                                                      : at_path(&tree, "aggregations"));
    }
    switch (rng_below(w->rng, 3)) {
    case 0:
        for (size_t i = 0; i < 4; i++)
            assert_ok(engine_force_merge(w->bed.engine,
                                         str_from((const char *[]){"all", "p0", "p1", "p2"}[i]),
                                         1 + rng_below(w->rng, 2), &w->t->err),
                      &w->t->err);
        break;
    case 1:
        clock_fake_advance(&w->bed.clock, 2 * NS_PER_S);
        assert_ok(engine_tick(w->bed.engine, &w->t->err), &w->t->err);
        break;
    default:
        open_again(w);
        break;
    }
    for (size_t i = 0; i < count; i++) {
        struct value tree = reply(&w->bed, indices, bodies[i].p);
        struct str now = json_of(&w->bed, i == 0 || i == 3 ? at_path(&tree, "hits/hits")
                                                           : at_path(&tree, "aggregations"));
        if (!str_eq(now, before[i]))
            fail_msg("NARU_SEED=%llu: " STR_FMT "\nwas " STR_FMT "\nis  " STR_FMT,
                     (unsigned long long)w->seed, STR_ARG(bodies[i]), STR_ARG(before[i]),
                     STR_ARG(now));
    }
}

static uint64_t from_environment(const char *name, uint64_t dflt)
{
    uint64_t v;
    const char *text = getenv(name);
    return text && str_to_u64(str_from(text), &v) ? v : dflt;
}

static void searches_agree_with_the_model(struct test *t)
{
    uint64_t cases = from_environment("NARU_CASES", CASES), done = 0, asked = 0;
    uint64_t seed = from_environment("NARU_SEED", 1);
    struct world *w = MEM_NEW(struct world);
    struct arena *mem = t->mem;
    print_message("worlds from NARU_SEED=%llu\n", (unsigned long long)seed);
    for (; done < cases; seed++, done += asked) {
        t->mem = arena_new(0);
        world_init(w, t, seed);
        asked = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            change(w);
            for (unsigned i = 0; i < ASKED; i++, asked++)
                ask_one(w);
            check_rearranged(w);
        }
        bed_deinit(&w->bed);
        arena_free(t->mem);
    }
    t->mem = mem;
    mem_free(w);
    all_units_were_met(query_units, ARRAY_COUNT(query_units), met_queries);
    all_units_were_met(agg_units, ARRAY_COUNT(agg_units), met_aggs);
    print_message("%llu questions agree with the model\n", (unsigned long long)done);
}

TEST_MAIN(TEST(searches_agree_with_the_model))
