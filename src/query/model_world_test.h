/* SPDX-License-Identifier: Apache-2.0 */
/* model_world_test.h: the documents of model_test.c and what they hold: random mappings, values and
 * changes, written into the engine and kept here as small numbers. */
#ifndef NARU_QUERY_MODEL_WORLD_TEST_H
#define NARU_QUERY_MODEL_WORLD_TEST_H

#include "query/search_support_test.h"

#define DOCS_MAX   160u
#define VALUES_MAX 3u
#define WORDS_MAX  8u
#define DEPTH_MAX  3u
#define KEPT_MAX   16u
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
    uint32_t mixed;         /* of "v", which comes as what it likes: a bit per row of mixed[] */
    int64_t place, place_2; /* of "loc": a cell of a grid; -1: none */
};

/* Values of a field that is in no mapping: each kind gives it one more type. No fractions: a name
 * that came as an integer first cuts them off, as there. */
static const struct {
    const char *json;
    const char *asked; /* in a match query */
} mixed[] = {{"3", "3"},       {"4", "4"},           {"5", "5"},
             {"true", "true"}, {"\"word\"", "word"}, {"\"other\"", "other"}};

/* Cells of 3 by 3 degrees around the date line and the equator. */
#define GRID 5
static double grid_lat(int64_t cell)
{
    return (double)(cell / GRID) * 3 - 6;
}
static double grid_lon(int64_t cell)
{
    double lon = 174 + (double)(cell % GRID) * 3;
    return lon > 180 ? lon - 360 : lon;
}

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
    struct ask *kept[KEPT_MAX]; /* asked before: some are asked again, over other documents */
    size_t kept_count;
};

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

static void print_mixed(struct world *w, struct doc *doc, struct buf *out)
{
    uint32_t a = (uint32_t)rng_below(w->rng, ARRAY_COUNT(mixed)),
             b = (uint32_t)rng_below(w->rng, ARRAY_COUNT(mixed));
    switch (rng_below(w->rng, 4)) {
    case 0:
        return;
    case 1:
        doc->mixed = 1u << a | 1u << b;
        buf_printf(out, ",\"v\":[%s,%s]", mixed[a].json, mixed[b].json);
        return;
    default:
        doc->mixed = 1u << a;
        buf_printf(out, ",\"v\":%s", mixed[a].json);
        return;
    }
}

static void print_places(struct world *w, struct doc *doc, struct buf *out)
{
    doc->place = doc->place_2 = -1;
    if (rng_below(w->rng, 3) == 0)
        return;
    doc->place = (int64_t)rng_below(w->rng, GRID * GRID);
    double lat = grid_lat(doc->place), lon = grid_lon(doc->place);
    switch (rng_below(w->rng, 4)) {
    case 0:
        buf_printf(out, ",\"loc\":{\"lat\":%g,\"lon\":%g}", lat, lon);
        return;
    case 1:
        buf_printf(out, ",\"loc\":\"%g,%g\"", lat, lon);
        return;
    case 2:
        buf_printf(out, ",\"loc\":\"POINT (%g %g)\"", lon, lat);
        return;
    default:
        doc->place_2 = (int64_t)rng_below(w->rng, GRID * GRID);
        buf_printf(out, ",\"loc\":[[%g,%g],[%g,%g]]", lon, lat, grid_lon(doc->place_2),
                   grid_lat(doc->place_2));
        return;
    }
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
    print_mixed(w, doc, &out);
    print_places(w, doc, &out);
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

static void open_again(struct world *w)
{
    engine_close(w->bed.engine);
    bed_open(&w->bed, rng_u64(w->rng));
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
    if (seed % 4 != 0) { /* most worlds keep every filter, so that searches meet what others left */
        w->bed.keeps_filters = true;
        open_again(w);
    }
    bool is_scaled = rng_below(w->rng, 4) == 0;
    struct str body = arena_printf(
        t->mem,
        "{\"mappings\":{\"properties\":{\"i\":{\"type\":\"long\"},\"n\":{\"type\":\"%s\"%s},"
        "\"m\":{\"type\":\"%s\"},\"f\":{\"type\":\"%s\"%s},\"d\":{\"type\":\"%s\"%s},"
        "\"b\":{\"type\":\"boolean\"},\"loc\":{\"type\":\"geo_point\"},\"k\":{\"type\":\"%s\"%s},"
        "\"ip\":{\"type\":\"ip\"},"
        "\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\",\"ignore_above\":2}}}}}"
        "}",
        longs[rng_below(w->rng, 4)], w->null_n == INT64_MIN ? "" : ",\"null_value\":7",
        rng_below(w->rng, 2) ? "unsigned_long" : "long",
        is_scaled ? "scaled_float" : doubles[rng_below(w->rng, 3)],
        is_scaled ? ",\"scaling_factor\":8" : "", w->date_format == 3 ? "date_nanos" : "date",
        w->date_format == 1   ? ",\"format\":\"epoch_second\""
        : w->date_format == 2 ? ",\"format\":\"dd/MM/yyyy HH:mm\""
                              : "",
        rng_below(w->rng, 4) ? "keyword" : "wildcard",
        w->ignore_above ? ",\"ignore_above\":2" : "");
    for (size_t i = 0; i < 4; i++)
        create(&w->bed, (const char *[]){"all", "p0", "p1", "p2"}[i], body.p);
}

#endif
