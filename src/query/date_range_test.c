/* SPDX-License-Identifier: Apache-2.0 */
/* date_range_test.c: the range query on dates: which way each bound is rounded, in which zone and
 * by which format it is read, and bounds further than dates reach. Now is 2025-01-21T22:53:20Z. */
#include "query/search_support_test.h"

struct row {
    const char *range, *ids;
};

static void check(struct bed *bed, const char *field, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str ids = found(
            bed, "i",
            arena_printf(bed->t->mem, "{\"query\":{\"range\":{\"%s\":{%s}}},\"sort\":[\"at\"]}",
                         field, rows[i].range)
                .p);
        if (!str_eq(ids, str_from(rows[i].ids)))
            fail_msg("%s %s: %.*s, want %s", field, rows[i].range, STR_ARG(ids), rows[i].ids);
    }
}

static void bed_of_dates(struct bed *bed, struct test *t)
{
    static const char *const dates[] = {"1969-12-31T23:59:59.500Z", "2025-01-01T00:00:00.000Z",
                                        "2025-01-01T23:59:59.999Z", "2025-01-20T23:59:59.999Z",
                                        "2025-01-21T00:00:00.000Z", "2025-01-21T22:53:20.500Z",
                                        "2025-01-21T23:59:59.999Z", "2025-02-01T00:00:00.000Z"};
    bed_init(bed, t);
    create(
        bed, "i",
        "{\"mappings\":{\"properties\":{\"at\":{\"type\":\"date\"},\"n\":{\"type\":\"date_nanos\"}"
        "}}}");
    for (size_t i = 0; i < ARRAY_COUNT(dates); i++)
        put(bed, "i", arena_printf(t->mem, "%zu", i).p,
            arena_printf(t->mem, "{\"at\":\"%s\",\"n\":\"%s\"}", dates[i], dates[i]).p);
    refresh(bed, "i");
}

static void rounds_each_bound(struct test *t)
{
    static const struct row rows[] = {
        {"\"gte\":\"now/d\"", "4 5 6 7"},
        {"\"gt\":\"now/d\"", "7"},
        {"\"lt\":\"now/d\"", "0 1 2 3"},
        {"\"lte\":\"now/d\"", "0 1 2 3 4 5 6"},
        {"\"gte\":\"now-1d/d\",\"lt\":\"now/d\"", "3"},
        {"\"gte\":\"now\"", "5 6 7"},
        {"\"lte\":\"now/M\",\"gte\":\"now/M\"", "1 2 3 4 5 6"},
        {"\"gt\":\"2025-01-21||/M\"", "7"},
        {"\"lte\":\"2025-01-01||+1M/M\"", "0 1 2 3 4 5 6 7"},
        {"\"gte\":\"now/d\",\"time_zone\":\"+09:00\"", "5 6 7"}, /* from 15:00 */
        {"\"lt\":\"now/d\",\"time_zone\":\"-10:00\"", "0 1 2 3 4"},
    };
    struct bed bed;
    bed_of_dates(&bed, t);
    check(&bed, "at", rows, ARRAY_COUNT(rows));
    check(&bed, "n", rows, ARRAY_COUNT(rows));
    bed_deinit(&bed);
}

/* A missing month or day is the first one either way; only the time of day is rounded up. */
static void missing_parts(struct test *t)
{
    static const struct row rows[] = {
        {"\"lte\":\"2025\"", "0 1 2"},
        {"\"lte\":\"2025-01\"", "0 1 2"},
        {"\"lt\":\"2025\"", "0"},
        {"\"gt\":\"2025-01\"", "3 4 5 6 7"},
        {"\"gte\":\"2025\"", "1 2 3 4 5 6 7"},
        {"\"gte\":\"2025-01-21\",\"lte\":\"2025-01-21\"", "4 5 6"},
        {"\"lte\":\"2025-01-21T22\"", "0 1 2 3 4 5"},
        {"\"lte\":\"2025-01-21T22:53:20\"", "0 1 2 3 4 5"},
        {"\"lt\":\"2025-01-21T22:53:20.5\"", "0 1 2 3 4"},
        {"\"gte\":\"2025-01-22\",\"time_zone\":\"Asia/Seoul\"", "5 6 7"},
        {"\"gte\":\"2025-01-22T00:00Z\",\"time_zone\":\"Asia/Seoul\"", "7"},
        {"\"lte\":\"21/01/2025\",\"format\":\"dd/MM/yyyy\"", "0 1 2 3 4 5 6"},
        {"\"lte\":\"21/01/2025||-1d\",\"format\":\"dd/MM/yyyy||yyyy\"", "0 1 2"},
        {"\"lte\":1737500000,\"format\":\"epoch_second\"", "0 1 2 3 4 5"},
        {"\"gt\":1737500000,\"format\":\"epoch_second\"", "6 7"},
        {"\"lt\":\"1737500000.5\",\"format\":\"epoch_second\"", "0 1 2 3 4"},
        {"\"gte\":-500,\"lt\":0", "0"},
        {"\"lte\":1737500000499", "0 1 2 3 4"},
    };
    struct bed bed;
    bed_of_dates(&bed, t);
    check(&bed, "at", rows, ARRAY_COUNT(rows));
    check(&bed, "n", rows, ARRAY_COUNT(rows));
    bed_deinit(&bed);
}

/* Bounds that stand for all times, as dashboards send them. */
static void far_bounds(struct test *t)
{
    static const struct row rows[] = {
        {"\"lte\":253402300799999", "0 1 2 3 4 5 6 7"},
        {"\"gte\":-253402300799999,\"lte\":9999999999999", "0 1 2 3 4 5 6 7"},
        {"\"gt\":253402300799999", ""},
        {"\"lte\":99999999999999,\"format\":\"epoch_second\"", "0 1 2 3 4 5 6 7"},
        {"\"gte\":\"0001-01-01\",\"lte\":\"9999-12-31\"", "0 1 2 3 4 5 6 7"},
        {"\"gt\":\"9999-12-31\"", ""},
        {"\"gt\":\"now+999999999y\"", ""},
        {"\"lt\":\"now-999999999y\"", ""},
        {"\"lt\":\"0001-01-01\"", ""},
        {"\"gte\":\"now-999999999y\",\"lt\":\"now+999999999y\"", "0 1 2 3 4 5 6 7"},
    };
    struct bed bed;
    bed_of_dates(&bed, t);
    check(&bed, "at", rows, ARRAY_COUNT(rows));
    check(&bed, "n", rows, ARRAY_COUNT(rows));
    bed_deinit(&bed);
}

TEST_MAIN(TEST(rounds_each_bound), TEST(missing_parts), TEST(far_bounds))
