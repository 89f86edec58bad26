/* SPDX-License-Identifier: Apache-2.0 */
/* date_histogram_test.c: spans of a fixed length over changes of the clock, with the empty ones
 * between; calendar spans and replies of Elasticsearch are in search_test.c and oracle_test.c. */
#include "query/search_support_test.h"

#include "query/buckets/date_rounding.h"
#include "query/dates.h"

#define HOUR_MS INT64_C(3600000)
#define DOCS    400u

static void put_date(struct bed *bed, uint32_t id, int64_t ms)
{
    put(bed, "i", arena_printf(bed->t->mem, "%u", id).p,
        arena_printf(bed->t->mem, "{\"d\":%lld}", (long long)ms).p);
}

/* "key count, …" of an aggregation; `key`: the path of its buckets' keys. */
static struct str buckets_of(struct bed *bed, const char *key, struct str agg)
{
    struct buf text;
    struct str body =
        arena_printf(bed->t->mem, "{\"size\":0,\"aggs\":{\"x\":{" STR_FMT "}}}", STR_ARG(agg));
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    buf_init(&text, 0);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *bucket = &list->list->items[i];
        buf_printf(&text, "%s" STR_FMT " %lld", i ? ", " : "", STR_ARG(at_path(bucket, key)->s),
                   (long long)value_map_get_lit(bucket, "doc_count")->i);
    }
    struct str all = arena_str(bed->t->mem, buf_str(&text));
    buf_deinit(&text);
    return all;
}

#define IN_BERLIN ",\"time_zone\":\"Europe/Berlin\",\"format\":\"d'T'HH:mm\""

/* A document in every hour of two days, added up by hand. */
static void fixed_spans_go_on_behind_a_change(struct test *t)
{
    static const struct {
        int64_t begin_s; /* noon of the day before the change */
        const char *params, *buckets;
    } rows[] = {
        {1761393600, "\"fixed_interval\":\"12h\"" IN_BERLIN,
         "25T12:00 10, 26T00:00 13, 26T12:00 12, 27T00:00 12, 27T12:00 1"},
        {1761393600, "\"fixed_interval\":\"1d\"" IN_BERLIN,
         "25T00:00 10, 26T00:00 25, 27T00:00 13"},
        {1761393600, "\"fixed_interval\":\"8h\",\"offset\":\"+1h\"" IN_BERLIN,
         "25T09:00 3, 25T17:00 8, 26T01:00 9, 26T09:00 8, 26T17:00 8, 27T01:00 8, 27T09:00 4"},
        {1743249600, "\"fixed_interval\":\"12h\"" IN_BERLIN,
         "29T12:00 11, 30T00:00 11, 30T12:00 12, 31T00:00 12, 31T12:00 2"},
        {1743249600, "\"fixed_interval\":\"1d\"" IN_BERLIN,
         "29T00:00 11, 30T00:00 23, 31T00:00 14"},
        {1743249600, "\"fixed_interval\":\"24h\",\"time_zone\":\"UTC\",\"format\":\"d\"",
         "29 12, 30 24, 31 12"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bed bed;
        bed_init(&bed, t);
        create(&bed, "i", "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"}}}}");
        for (uint32_t hour = 0; hour < 48; hour++)
            put_date(&bed, hour, rows[i].begin_s * 1000 + hour * HOUR_MS);
        refresh(&bed, "i");
        struct str agg =
            arena_printf(t->mem, "\"date_histogram\":{\"field\":\"d\",%s}", rows[i].params);
        assert_str_eq(buckets_of(&bed, "key_as_string", agg), rows[i].buckets);
        bed_deinit(&bed);
    }
}

/* ---- Random documents, against rounding each of them ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The buckets as they are printed, those without documents only where a date does not fall. */
static void check_buckets(struct str buckets, const int64_t *keys)
{
    struct str bucket, key, count;
    int64_t at, before = INT64_MIN, docs;
    uint32_t i = 0;
    while (str_split_next(&buckets, ',', &bucket)) {
        bucket = str_trim(bucket);
        assert_true(str_split_next(&bucket, ' ', &key) && str_split_next(&bucket, ' ', &count));
        assert_true(str_to_i64(key, &at) && str_to_i64(count, &docs) && at > before);
        for (before = at; i < DOCS && keys[i] == at; i++)
            docs--;
        assert_int_equal(docs, 0);
    }
    assert_int_equal(i, DOCS);
}

/* A histogram with its empty spans, one without, and pages, which share no code that collects. */
static void check_aggs(struct bed *bed, const char *span, const int64_t *keys)
{
    struct arena *mem = bed->t->mem;
    for (int least = 0; least < 2; least++)
        check_buckets(buckets_of(bed, "key_as_string",
                                 arena_printf(mem, "\"date_histogram\":{%s,\"min_doc_count\":%d}",
                                              span, least)),
                      keys);
    check_buckets(buckets_of(bed, "key/x",
                             arena_printf(mem,
                                          "\"composite\":{\"size\":1000,\"sources\":[{\"x\":{"
                                          "\"date_histogram\":{%s}}}]}",
                                          span)),
                  keys);
}

static void fixed_spans_lose_no_document(struct test *t)
{
    static const char *const zones[] = {"Europe/Berlin", "Australia/Lord_Howe", "America/Havana"};
    static const int64_t minutes[] = {40, 45, 50, 61, 90, 480, 720, 1440, 7 * 1440};
    for (size_t i = 0; i < ARRAY_COUNT(minutes); i++) {
        const char *zone_name = zones[rng_below(&t->rng, ARRAY_COUNT(zones))];
        const struct time_zone *zone;
        struct date_rounding rounding = {.fixed_ms = minutes[i] * HOUR_MS / 60};
        int64_t keys[DOCS], begin = INT64_C(1743000000000); /* 2025-03-26 */
        struct bed bed;
        bed_init(&bed, t);
        create(&bed, "i", "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"}}}}");
        assert_ok(dates_zone(str_from(zone_name), t->mem, &zone, &t->err), &t->err);
        for (uint32_t k = 0; k < DOCS; k++) {
            int64_t date = begin + rng_between(&t->rng, 0, 240 * (k % 2 ? 24 : 1)) * HOUR_MS / 4;
            keys[k] = date_rounding_span(&rounding, zone, date).low;
            put_date(&bed, k, date);
            if (k == DOCS / 3)
                refresh(&bed, "i");
        }
        refresh(&bed, "i");
        qsort(keys, DOCS, sizeof(keys[0]), by_value);
        check_aggs(&bed,
                   arena_printf(t->mem,
                                "\"field\":\"d\",\"fixed_interval\":\"%lldm\",\"time_zone\":"
                                "\"%s\",\"format\":\"epoch_millis\"",
                                (long long)minutes[i], zone_name)
                       .p,
                   keys);
        bed_deinit(&bed);
    }
}

/* Hard bounds are rounded to the buckets they lie in; the one of max is left out, as in
 * Elasticsearch. */
static void hard_bounds_are_of_buckets(struct test *t)
{
    static const struct {
        const char *min, *max, *days;
    } rows[] = {
        {"2025-01-02", "2025-01-04", "02 03"},
        {"2025-01-02T12:00:00Z", "2025-01-04T12:00:00Z", "02 03"},
        {"2025-01-01T23:59:59Z", "2025-01-05", "01 02 03 04"},
        {"2025-01-04", "2025-01-04", ""},
    };
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"d\":{\"type\":\"date\"}}}}");
    for (int day = 1; day <= 5; day++)
        put(&bed, "i", arena_printf(t->mem, "%d", day).p,
            arena_printf(t->mem, "{\"d\":\"2025-01-%02dT08:00:00Z\"}", day).p);
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str body =
            arena_printf(t->mem,
                         "{\"size\":0,\"aggs\":{\"x\":{\"date_histogram\":{\"field\":\"d\","
                         "\"calendar_interval\":\"day\",\"hard_bounds\":{\"min\":\"%s\","
                         "\"max\":\"%s\"}}}}}",
                         rows[i].min, rows[i].max);
        struct value tree = reply(&bed, "i", body.p);
        const struct value *buckets = at_path(&tree, "aggregations/x/buckets");
        char days[32] = "";
        for (size_t k = 0; k < buckets->list->count; k++)
            (void)snprintf(
                days + strlen(days), sizeof(days) - strlen(days), "%s" STR_FMT, k ? " " : "",
                STR_ARG(str_sub(at_path(&buckets->list->items[k], "key_as_string")->s, 8, 2)));
        assert_string_equal(days, rows[i].days);
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(hard_bounds_are_of_buckets), TEST(fixed_spans_go_on_behind_a_change),
          TEST(fixed_spans_lose_no_document))
