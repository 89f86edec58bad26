/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"
#include "os/vfs.h"
#include "text/timezone.h"

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct civil civil = {.year = year,
                          .month = (uint8_t)month,
                          .day = (uint8_t)day,
                          .hour = (uint8_t)hour,
                          .minute = (uint8_t)minute};
    return civil_to_ns(&civil) / NS_PER_S;
}

static const struct time_zone *open_zone(struct test *t, const char *name)
{
    const struct time_zone *zone = NULL;
    assert_ok(time_zone_open(NULL, str_from(name), t->mem, &zone, &t->err), &t->err);
    return zone;
}

static void parses_offsets(struct test *t)
{
    static const struct {
        const char *text;
        int32_t offset_s; /* INT32_MIN: refused */
    } rows[] = {
        {"Z", 0},
        {"+09:00", 32400},
        {"+0900", 32400},
        {"-0530", -19800},
        {"+9", 32400},
        {"+09", 32400},
        {"-03:30:15", -12615},
        {"+00:00", 0},
        {"", INT32_MIN},
        {"+", INT32_MIN},
        {"09:00", INT32_MIN},
        {"+9:00", INT32_MIN},
        {"+090", INT32_MIN},
        {"+25:00", INT32_MIN},
        {"+09:60", INT32_MIN},
        {"+09:", INT32_MIN},
        {"+09:0", INT32_MIN},
        {"+a", INT32_MIN},
        {"+09:0000", INT32_MIN},
    };
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int32_t offset = 0;
        bool is_ok = time_zone_offset_parse(str_from(rows[i].text), &offset);
        if (is_ok != (rows[i].offset_s != INT32_MIN) || (is_ok && offset != rows[i].offset_s))
            fail_msg("%s gave %d %d", rows[i].text, is_ok, offset);
    }
}

static void opens_names(struct test *t)
{
    static const struct {
        const char *name;
        int32_t offset_s; /* in January 2025 */
    } rows[] = {{"UTC", 0},
                {"Z", 0},
                {"GMT", 0},
                {"UTC+9", 32400},
                {"GMT-05:00", -18000},
                {"+05:30", 19800},
                {"Asia/Seoul", 32400},
                {"Asia/Tokyo", 32400},
                {"America/New_York", -18000},
                {"Europe/Berlin", 3600},
                {"Asia/Kolkata", 19800},
                {"Etc/GMT+5", -18000},
                {"Australia/Sydney", 39600}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct time_zone *zone = open_zone(t, rows[i].name);
        assert_int_equal(time_zone_offset_at(zone, utc(2025, 1, 15, 12, 0)), rows[i].offset_s);
    }
    static const char *const wrong[] = {"",     "Mars/Base",   "../passwd", "/etc/passwd",
                                        "Asia", "Asia//Seoul", "a b",       "+99"};
    const struct time_zone *zone;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_err(time_zone_open(NULL, str_from(wrong[i]), t->mem, &zone, &t->err), &t->err,
                   ERR_INVALID);
}

static void works_without_zone_files(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    const struct time_zone *zone;
    assert_ok(time_zone_open(fs, STR("Asia/Seoul"), t->mem, &zone, &t->err), &t->err);
    assert_int_equal(time_zone_offset_at(zone, 0), 32400);
    assert_str_eq(time_zone_name(zone), "Asia/Seoul");
    assert_err(time_zone_open(fs, STR("Europe/Berlin"), t->mem, &zone, &t->err), &t->err,
               ERR_INVALID);
    assert_err_has(&t->err, "tzdata");
    vfs_mem_free(fs);
}

static void knows_summer_time(struct test *t)
{
    const struct time_zone *berlin = open_zone(t, "Europe/Berlin"),
                           *york = open_zone(t, "America/New_York"),
                           *sydney = open_zone(t, "Australia/Sydney"),
                           *seoul = open_zone(t, "Asia/Seoul");
    assert_int_equal(time_zone_offset_at(berlin, utc(2025, 3, 30, 0, 59)), 3600);
    assert_int_equal(time_zone_offset_at(berlin, utc(2025, 3, 30, 1, 0)), 7200);
    assert_int_equal(time_zone_offset_at(berlin, utc(2025, 10, 26, 0, 59)), 7200);
    assert_int_equal(time_zone_offset_at(berlin, utc(2025, 10, 26, 1, 0)), 3600);
    assert_int_equal(time_zone_offset_at(berlin, utc(2099, 7, 1, 0, 0)), 7200); /* by the rule */
    assert_int_equal(time_zone_offset_at(berlin, utc(2099, 12, 1, 0, 0)), 3600);
    assert_int_equal(time_zone_offset_at(berlin, utc(2099, 3, 29, 0, 59)), 3600);
    assert_int_equal(time_zone_offset_at(berlin, utc(2099, 3, 29, 1, 0)), 7200);
    assert_int_equal(time_zone_offset_at(york, utc(2060, 7, 1, 0, 0)), -14400);
    assert_int_equal(time_zone_offset_at(sydney, utc(2060, 1, 1, 0, 0)), 39600);
    assert_int_equal(time_zone_offset_at(sydney, utc(2060, 7, 1, 0, 0)), 36000);
    assert_int_equal(time_zone_offset_at(seoul, utc(1988, 7, 1, 0, 0)),
                     36000); /* the Olympic summer time */
    assert_int_equal(time_zone_offset_at(seoul, utc(2025, 7, 1, 0, 0)), 32400);
}

static void turns_wall_time_to_instants(struct test *t)
{
    const struct time_zone *berlin = open_zone(t, "Europe/Berlin"),
                           *seoul = open_zone(t, "Asia/Seoul");
    int64_t s;
    assert_true(time_zone_to_utc(seoul, utc(2025, 1, 22, 9, 0), &s));
    assert_int_equal(s, utc(2025, 1, 22, 0, 0));
    assert_true(time_zone_to_utc(berlin, utc(2025, 7, 1, 12, 0), &s));
    assert_int_equal(s, utc(2025, 7, 1, 10, 0));
    /* gap: 02:30 does not exist */
    assert_false(time_zone_to_utc(berlin, utc(2025, 3, 30, 2, 0), &s));
    assert_false(time_zone_to_utc(berlin, utc(2025, 3, 30, 2, 59), &s));
    assert_true(time_zone_to_utc(berlin, utc(2025, 3, 30, 3, 0), &s));
    assert_int_equal(s, utc(2025, 3, 30, 1, 0));
    assert_int_equal(time_zone_to_utc_lenient(berlin, utc(2025, 3, 30, 2, 30)),
                     utc(2025, 3, 30, 1, 30));
    /* overlap: the first of the two */
    assert_true(time_zone_to_utc(berlin, utc(2025, 10, 26, 2, 30), &s));
    assert_int_equal(s, utc(2025, 10, 26, 0, 30));
    assert_true(time_zone_to_utc(berlin, utc(2025, 10, 26, 3, 0), &s));
    assert_int_equal(s, utc(2025, 10, 26, 2, 0));
    assert_true(time_zone_to_utc(berlin, utc(2025, 10, 26, 1, 59), &s));
    assert_int_equal(s, utc(2025, 10, 25, 23, 59));
}

/* Any instant, through wall time and back, is itself or the earlier of two. */
static void comes_back(struct test *t)
{
    static const char *const names[] = {"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                                        "Asia/Seoul", "America/Sao_Paulo"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct time_zone *zone = open_zone(t, names[i]);
        for (int round = 0; round < 5000; round++) {
            int64_t s = rng_between(&t->rng, utc(1950, 1, 1, 0, 0), utc(2100, 1, 1, 0, 0)), back;
            int64_t local = s + time_zone_offset_at(zone, s);
            assert_true(time_zone_to_utc(zone, local, &back));
            assert_true(back <= s && s - back <= 3 * 3600);
            assert_int_equal(back + time_zone_offset_at(zone, back), local);
            assert_int_equal(time_zone_to_utc_lenient(zone, local), back);
        }
    }
}

static void refuses_damaged_files(struct test *t)
{
    struct str content;
    assert_ok(vfs_read_file(vfs_posix(), STR("/usr/share/zoneinfo/Europe/Berlin"), MIB, t->mem,
                            &content, &t->err),
              &t->err);
    const struct time_zone *zone;
    for (size_t n = 0; n + 30 < content.n; n++)
        assert_err(time_zone_parse(STR("x"), str_sub(content, 0, n), t->mem, &zone, &t->err),
                   &t->err, ERR_CORRUPT);
    for (int round = 0; round < 2000; round++) { /* any damage: an error or a zone, no crash */
        struct str copy = arena_str(t->mem, content);
        ((char *)(uintptr_t)copy.p)[rng_below(&t->rng, copy.n)] = (char)rng_below(&t->rng, 256);
        if (time_zone_parse(STR("x"), copy, t->mem, &zone, &t->err) == 0)
            (void)time_zone_offset_at(zone, (int64_t)rng_u64(&t->rng) >> 20);
    }
}

TEST_MAIN(TEST(parses_offsets), TEST(opens_names), TEST(works_without_zone_files),
          TEST(knows_summer_time), TEST(turns_wall_time_to_instants), TEST(comes_back),
          TEST(refuses_damaged_files))
