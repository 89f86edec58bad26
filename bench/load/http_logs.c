/* SPDX-License-Identifier: Apache-2.0 */
/* http_logs.c: documents like those of the 1998 World Cup web log:
 *
 *     {"@timestamp":898459201,"clientip":"211.11.9.0","request":"GET /english/index.html HTTP/1.0",
 *      "status":304,"size":0}
 *
 * Alike: seven indices of one week each and the rest in the last, in the proportions of the real
 * corpus; seconds that only grow, with the load of a day and of a week; client numbers written as
 * addresses with the low byte first, each in visits of
 * some requests; few pictures and pages taken most of the time (Zipf); a path's
 * size is its file's size, but for aborted transfers; 304 has size 0.
 * Unlike: PATHS_COUNT paths instead of about 90,000, and status 400 is more frequent (5 in 10,000),
 * so that the operation that asks for one day's finds some in a small corpus. */
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/rng.h"
#include "bench/load/corpus.h"
#include "bench/load/text_int.h"

#define PATHS_COUNT       40000u
#define PATH_BYTES_MAX    96u
#define PATHS_ZIPF        1.02 /* exponent; the real log's most frequent path has about 3 % */
#define PATHS_ZIPF_OFFSET 6.0
#define ROOT_RANK         3u /* of "/": about 1.3 % of the requests */
#define CLIENTS_COUNT     1200000.0
#define CLIENTS_SKEW      3.0       /* number = CLIENTS_COUNT * u^3: half the visits by an eighth */
#define VISIT_DOCS        20000u    /* so many neighbours come from … */
#define VISITS_COUNT      1000u     /* … so many visits, the first the longest (u^2) */
#define TIME_START        893964617 /* 1998-04-30 19:30:17 UTC, the real corpus' first second */
#define TIME_MAY_4        894240000 /* the first Monday */
#define WEEK_S            604800
#define TIME_END          899251200 /* 1998-07-01 */
#define HOUR_S            3600
#define HOURS_MAX         600u /* of the longest index */

static const struct corpus_share shares[] = {
    {"logs-181998", 2.7},  {"logs-191998", 9.7},  {"logs-201998", 13.1},  {"logs-211998", 17.6},
    {"logs-221998", 10.7}, {"logs-231998", 12.0}, {"logs-241998", 181.5}, {NULL, 0}};

/* Requests by hour of the day (UTC), the quietest hour is 1. */
static const double hour_load[24] = {2.2, 1.8, 1.5, 1.3, 1.1, 1.0, 1.0, 1.2, 1.7, 2.2, 2.5, 2.7,
                                     3.0, 3.5, 4.0, 4.4, 4.5, 4.3, 4.2, 4.0, 3.6, 3.2, 2.8, 2.5};

struct path {
    char middle[PATH_BYTES_MAX + 48]; /* from the quote behind the address to the status */
    size_t middle_bytes;
    uint32_t size;
    bool is_picture;
};
struct week {
    int64_t start, end;
    uint32_t hours;
    double until[HOURS_MAX + 1]; /* share of the documents before the hour; until[hours] is 1 */
};
struct tables {
    struct path paths[2][PATHS_COUNT]; /* as HTTP/1.0 and as HTTP/1.1 */
    /* Alias method (Walker 1977): slot i gives i when the fraction is below keep[i], else
     * other[i]. */
    double keep[PATHS_COUNT];
    uint32_t other[PATHS_COUNT];
    struct week weeks[CORPUS_INDICES_MAX];
};

static void alias_init(struct tables *t)
{
    double *weight = MEM_ARRAY(double, PATHS_COUNT), total = 0;
    uint32_t *small = MEM_ARRAY(uint32_t, PATHS_COUNT), *large = MEM_ARRAY(uint32_t, PATHS_COUNT);
    uint32_t small_count = 0, large_count = 0;
    for (uint32_t i = 0; i < PATHS_COUNT; i++)
        total += weight[i] = pow(i + PATHS_ZIPF_OFFSET, -PATHS_ZIPF);
    for (uint32_t i = 0; i < PATHS_COUNT; i++) {
        weight[i] *= PATHS_COUNT / total;
        t->keep[i] = 1;
        t->other[i] = i;
        if (weight[i] < 1)
            small[small_count++] = i;
        else
            large[large_count++] = i;
    }
    while (small_count && large_count) {
        uint32_t low = small[--small_count], high = large[large_count - 1];
        t->keep[low] = weight[low];
        t->other[low] = high;
        weight[high] -= 1 - weight[low];
        if (weight[high] < 1) {
            large_count--;
            small[small_count++] = high;
        }
    }
    mem_free(weight);
    mem_free(small);
    mem_free(large);
}

static double log_uniform(struct rng *rng, double low, double high)
{
    return low * exp(rng_f64(rng) * log(high / low));
}

#define PICK(rng, list) (list)[rng_below((rng), ARRAY_COUNT(list))]

/* A path that no other rank has: its number stands in it, but for "/". */
static void path_init(struct rng *rng, uint32_t rank, char *text, struct path *path)
{
    static const char *const tongues[] = {"english", "french", "english"};
    static const char *const parts[] = {"images", "competition", "playing", "venues", "teams",
                                        "news",   "history",     "help",    "hosts",  "tickets"};
    static const char *const nouns[] = {"nav",     "home",   "group",  "stage",  "match", "team",
                                        "stadium", "player", "banner", "button", "logo",  "title"};
    static const char *const states[] = {"_off", "_on", "_bg", "_header", ""};
    uint64_t kind = rng_below(rng, 100);
    const char *tongue = PICK(rng, tongues), *part = PICK(rng, parts), *noun = PICK(rng, nouns);
    const char *state = PICK(rng, states);
    if (rank == ROOT_RANK) {
        snprintf(text, PATH_BYTES_MAX, "/");
        path->size = 8881;
    } else if (kind < 62) {
        snprintf(text, PATH_BYTES_MAX, "/%s/images/%s_%s%u%s.gif", tongue, part, noun, rank, state);
        path->size = (uint32_t)log_uniform(rng, 35, 9000);
        path->is_picture = true;
    } else if (kind < 72) {
        snprintf(text, PATH_BYTES_MAX, "/images/s%u%05u.gif", 102, rank);
        path->size = (uint32_t)log_uniform(rng, 40, 4000);
        path->is_picture = true;
    } else if (kind < 80) {
        snprintf(text, PATH_BYTES_MAX, "/%s/%s/%s_%u.jpg", tongue, part, noun, rank);
        path->size = (uint32_t)log_uniform(rng, 2000, 60000);
        path->is_picture = true;
    } else if (kind < 99) {
        snprintf(text, PATH_BYTES_MAX, "/%s/%s/%s%u.%s", tongue, part, noun, rank,
                 kind < 96 ? "html" : "htm");
        path->size = (uint32_t)log_uniform(rng, 500, 40000);
    } else {
        snprintf(text, PATH_BYTES_MAX, "/%s/download/%s%u.zip", tongue, noun, rank);
        path->size = (uint32_t)log_uniform(rng, 100000, 3000000);
    }
}

static void paths_init(struct tables *t, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    for (uint32_t rank = 0; rank < PATHS_COUNT; rank++) {
        char text[PATH_BYTES_MAX];
        struct path made = {0};
        path_init(&rng, rank, text, &made);
        for (uint32_t version = 0; version < 2; version++) {
            struct path *path = &t->paths[version][rank];
            *path = made;
            int n = snprintf(path->middle, sizeof(path->middle),
                             "\",\"request\":\"GET %s HTTP/1.%u\",\"status\":", text, version);
            ASSERT(n > 0 && (size_t)n < sizeof(path->middle));
            path->middle_bytes = (size_t)n;
        }
    }
}

static void weeks_init(struct corpus *corpus, struct tables *t)
{
    for (uint32_t i = 0; i < corpus->index_count; i++) {
        struct week *week = &t->weeks[i];
        week->start = i == 0 ? TIME_START : TIME_MAY_4 + (int64_t)(i - 1) * WEEK_S;
        week->end = i + 1 == corpus->index_count ? TIME_END : TIME_MAY_4 + (int64_t)i * WEEK_S;
        week->hours = (uint32_t)((week->end - week->start + HOUR_S - 1) / HOUR_S);
        ASSERT(week->hours <= HOURS_MAX);
        for (uint32_t h = 0; h < week->hours; h++) {
            int64_t second = week->start + (int64_t)h * HOUR_S;
            int64_t weekday = (second / 86400 + 3) % 7; /* 0 is Monday */
            double load = hour_load[second % 86400 / HOUR_S] * (weekday >= 5 ? 0.6 : 1.0);
            week->until[h + 1] = week->until[h] + load;
        }
        double total = week->until[week->hours];
        for (uint32_t h = 0; h <= week->hours; h++)
            week->until[h] /= total;
    }
}

static int64_t week_second(const struct week *week, double share)
{
    uint32_t low = 0, high = week->hours; /* until[low] <= share < until[high] */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (week->until[middle] <= share)
            low = middle;
        else
            high = middle;
    }
    double within = (share - week->until[low]) / (week->until[high] - week->until[low]);
    int64_t second = week->start + (int64_t)((low + within) * HOUR_S);
    return MIN_OF(second, week->end - 1);
}

static void http_logs_init(struct corpus *corpus)
{
    struct tables *t = MEM_NEW(struct tables);
    alias_init(t);
    paths_init(t, corpus->seed);
    weeks_init(corpus, t);
    corpus->tables = t;
}

static void http_logs_deinit(struct corpus *corpus)
{
    mem_free(corpus->tables);
}

struct outcome {
    uint32_t status, size;
};
/* In 10,000 requests: what the server answers; the rest is 200, of which some are broken off. */
static struct outcome outcome_of(const struct path *path, struct rng *rng)
{
    uint64_t r = rng_below(rng, 10000);
    uint64_t cached = path->is_picture ? 1900 : 700;
    if (r < cached)
        return (struct outcome){304, 0};
    r -= cached;
    if (r < 60)
        return (struct outcome){404, 200 + (uint32_t)rng_below(rng, 200)};
    if (r < 65)
        return (struct outcome){400, (uint32_t)rng_below(rng, 2) * 322};
    if (r < 95)
        return (struct outcome){206, (uint32_t)rng_below(rng, (uint64_t)path->size + 1)};
    if (r < 115)
        return (struct outcome){302, 250 + (uint32_t)rng_below(rng, 60)};
    if (r < 119)
        return (struct outcome){r < 117 ? 500 : 403, 305};
    if (r < 270)
        return (struct outcome){200, (uint32_t)rng_below(rng, (uint64_t)path->size + 1)};
    return (struct outcome){200, path->size};
}

/* A visit is some requests of one client close to each other in time. */
static uint32_t client_of(const struct corpus *corpus, uint64_t doc, struct rng *rng)
{
    double u = rng_f64(rng);
    uint64_t visit = doc / VISIT_DOCS * VISITS_COUNT + (uint64_t)(u * u * VISITS_COUNT);
    double client = (double)(hash_u64(corpus->seed ^ hash_u64(visit + 1)) >> 11) * 0x1.0p-53;
    return 1 + (uint32_t)(CLIENTS_COUNT * pow(client, CLIENTS_SKEW));
}

static char *http_logs_doc(const struct corpus *corpus, const struct corpus_index *index,
                           uint64_t doc, uint64_t at, char *p)
{
    const struct tables *t = corpus->tables;
    const struct week *week = &t->weeks[index - corpus->indices];
    struct rng rng;
    corpus_doc_rng(corpus, doc, &rng);
    uint32_t client = client_of(corpus, doc, &rng);
    uint32_t rank = (uint32_t)rng_below(&rng, PATHS_COUNT);
    if (rng_f64(&rng) >= t->keep[rank])
        rank = t->other[rank];
    /* One client in six speaks HTTP/1.1. */
    const struct path *path = &t->paths[hash_u64(client) % 6 == 0][rank];
    struct outcome outcome = outcome_of(path, &rng);

    p = PUT_LIT(p, "{\"@timestamp\":");
    p = put_decimal(p, (uint64_t)week_second(week, ((double)at + 0.5) / (double)index->count));
    p = PUT_LIT(p, ",\"clientip\":\"");
    p = put_decimal(p, client & 255);
    *p++ = '.';
    p = put_decimal(p, client >> 8 & 255);
    *p++ = '.';
    p = put_decimal(p, client >> 16 & 255);
    p = PUT_LIT(p, ".0");
    p = put_bytes(p, path->middle, path->middle_bytes);
    p = put_decimal(p, outcome.status);
    p = PUT_LIT(p, ",\"size\":");
    p = put_decimal(p, outcome.size);
    return PUT_LIT(p, "}\n");
}

const struct corpus_type corpus_http_logs = {
    .name = "http_logs",
    .shares = shares,
    .init = http_logs_init,
    .deinit = http_logs_deinit,
    .doc_write = http_logs_doc,
};
