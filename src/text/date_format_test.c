/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "text/date_format.h"

#define SEOUL "Asia/Seoul"

/* 2025-06-15T12:00:00Z */
#define NOW_NS INT64_C(1749988800000000000)

static struct str iso_text(struct test *t, int64_t ns)
{
    struct civil c = civil_from_ns(ns);
    return arena_printf(t->mem, "%04d-%02d-%02dT%02d:%02d:%02d.%09d", c.year, c.month, c.day,
                        c.hour, c.minute, c.second, c.nanosecond);
}

static const struct date_pattern *compiled(struct test *t, const char *text,
                                           enum date_dialect dialect)
{
    const struct date_pattern *pattern = NULL;
    assert_ok(date_pattern_compile(str_from(text), dialect, t->mem, &pattern, &t->err), &t->err);
    return pattern;
}

struct row {
    const char *pattern, *text, *zone; /* zone NULL: UTC */
    const char *want; /* wall time in UTC, cut where the rest is zeros; NULL: refused */
};

static void check(struct test *t, enum date_dialect dialect, const struct row *rows, size_t count,
                  bool rounds_up)
{
    for (size_t i = 0; i < count; i++) {
        const struct date_pattern *pattern = compiled(t, rows[i].pattern, dialect);
        struct date_parse_options options = {.now_ns = NOW_NS, .rounds_up = rounds_up};
        if (rows[i].zone)
            assert_ok(time_zone_open(NULL, str_from(rows[i].zone), t->mem, &options.zone, &t->err),
                      &t->err);
        int64_t ns = 0;
        bool is_ok = date_pattern_parse(pattern, str_from(rows[i].text), &options, &ns);
        struct str got = is_ok ? iso_text(t, ns) : STR("refused"),
                   want = str_from(rows[i].want ? rows[i].want : "refused");
        if (rows[i].want && is_ok) { /* what is left out is zeros */
            struct str zeros = STR("0000-01-01T00:00:00.000000000");
            want = arena_printf(t->mem, "%s%s", rows[i].want, zeros.p + want.n);
        }
        if (!str_eq(got, want))
            fail_msg("\"%s\" by \"%s\": got %.*s, want %.*s", rows[i].text, rows[i].pattern,
                     STR_ARG(got), STR_ARG(want));
    }
}
#define CHECK(dialect, rows) check(t, (dialect), (rows), ARRAY_COUNT(rows), false)

static void joda_parses(struct test *t)
{
    static const struct row rows[] = {
        {"yyyy-MM-dd HH:mm:ss", "2025-01-22 13:52:33", NULL, "2025-01-22T13:52:33"},
        {"yyyy-MM-dd HH:mm:ss", "2025-01-22 13:52:33", SEOUL, "2025-01-22T04:52:33"},
        {"yyyy-MM-dd", "2025-1-2", NULL, "2025-01-02"},
        {"YYYY-MM-dd", "2025-01-02", NULL, "2025-01-02"},
        {"yyyyMMdd", "20250122", SEOUL, "2025-01-21T15"},
        {"yyyyMMddHHmmss", "20250122135233", NULL, "2025-01-22T13:52:33"},
        {"yyyyMMddHHmmssSSS", "20250122135233987", NULL, "2025-01-22T13:52:33.987"},
        {"HHmmss", "135233", NULL, "2025-01-01T13:52:33"},
        {"yyyy-MM-dd HH:mm:ss.SSS", "2025-01-22 13:52:33.5", NULL, "2025-01-22T13:52:33.5"},
        {"yyyy-MM-dd HH:mm:ss.SSSSSS", "2025-01-22 13:52:33.123456", NULL,
         "2025-01-22T13:52:33.123456"},
        {"yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2025-01-22 13:52:33.123456789", NULL,
         "2025-01-22T13:52:33.123456789"},
        {"dd/MMM/yyyy:HH:mm:ss Z", "22/Jan/2025:13:52:33 +0900", NULL, "2025-01-22T04:52:33"},
        {"dd/MMM/yyyy:HH:mm:ss Z", "22/jan/2025:13:52:33 +09:00", NULL, "2025-01-22T04:52:33"},
        {"dd/MMMM/yyyy", "22/January/2025", NULL, "2025-01-22"},
        {"MMM dd HH:mm:ss", "Jan 22 13:52:33", NULL, "2025-01-22T13:52:33"},
        {"MMM  d HH:mm:ss", "Jan  2 13:52:33", NULL, "2025-01-02T13:52:33"},
        {"EEE MMM dd HH:mm:ss yyyy", "Wed Jan 22 13:52:33 2025", NULL, "2025-01-22T13:52:33"},
        {"EEE, dd MMM yyyy HH:mm:ss zzz", "Wed, 22 Jan 2025 13:52:33 GMT", NULL,
         "2025-01-22T13:52:33"},
        {"h:mm:ss a", "1:52:33 PM", NULL, "2025-01-01T13:52:33"},
        {"yyyy-MM-dd hh:mm a", "2025-01-22 12:00 am", NULL, "2025-01-22"},
        {"yyyy-MM-dd KK:mm a", "2025-01-22 00:30 PM", NULL, "2025-01-22T12:30"},
        {"yyyy-MM-dd kk:mm", "2025-01-22 24:30", NULL, "2025-01-22T00:30"},
        {"yyyy-MM-dd'T'HH:mm:ss'CST'", "2025-01-22T13:52:33CST", NULL, "2025-01-22T13:52:33"},
        {"yyyy 'o''clock' H", "2025 o'clock 7", NULL, "2025-01-01T07"},
        {"yyyy''MM", "2025'03", NULL, "2025-03"},
        {"yyyy-MM-dd HH:mm:ss ZZZ", "2025-01-22 13:52:33 Asia/Seoul", NULL, "2025-01-22T04:52:33"},
        {"yyyy-MM-dd HH:mm:ss z", "2025-01-22 13:52:33 KST", NULL, "2025-01-22T04:52:33"},
        {"yyyy-DDD", "2025-032", NULL, "2025-02-01"},
        {"xxxx-'W'ww-e", "2025-W01-1", NULL, "2024-12-30"},
        {"xxxx.ww", "2025.04", NULL, "2025-01-20"},
        {"yy-MM-dd", "25-01-22", NULL, "2025-01-22"},
        {"yy-MM-dd", "96-01-22", NULL, "1996-01-22"},
        {"yy-MM-dd", "94-01-22", NULL, "2094-01-22"},
        {"yyMMdd", "250122", NULL, "2025-01-22"},
        {"yyyy년 M월 d일 EEEE a h:mm", "2025년 1월 22일 수요일 오후 1:52", SEOUL,
         "2025-01-22T04:52"},
        {"yyyy MMM d EEE", "2025 12월 3 수", NULL, "2025-12-03"},
        {"yyyy MMM d", "2025 13월 3", NULL, NULL},
        /* refused */
        {"yyyy-MM-dd", "2025-13-01", NULL, NULL},
        {"yyyy-MM-dd", "2025-02-29", NULL, NULL},
        {"yyyy-MM-dd", "2025-01-22 ", NULL, NULL},
        {"yyyy-MM-dd", "2025-01", NULL, NULL},
        {"yyyy-MM-dd", "", NULL, NULL},
        {"HH:mm", "24:00", NULL, NULL},
        {"hh:mm a", "13:00 PM", NULL, NULL},
        {"HH:mm:ss", "12:00:60", NULL, NULL},
        {"yyyy-MM-dd HH:mm", "2025-03-30 02:30", "Europe/Berlin", NULL}, /* a gap */
        {"yyyy-MM-dd HH:mm", "2025-10-26 02:30", "Europe/Berlin", "2025-10-26T00:30"},
        {"dd/MMM/yyyy", "22/Foo/2025", NULL, NULL},
        {"yyyy Z", "2025 Asia", NULL, NULL},
    };
    CHECK(DATE_JODA, rows);
}

static void year_is_guessed(struct test *t)
{
    const struct date_pattern *pattern = compiled(t, "MMM dd HH:mm:ss", DATE_JODA);
    struct civil january = {.year = 2025, .month = 1, .day = 1},
                 december = {.year = 2025, .month = 12, .day = 31},
                 june = {.year = 2025, .month = 6, .day = 1};
    struct {
        const struct civil *now;
        const char *text, *want;
    } cases[] = {
        {&january, "Dec 31 23:00:00", "2024-12-31T23:00:00.000000000"},
        {&december, "Jan 01 00:00:01", "2026-01-01T00:00:01.000000000"},
        {&june, "Dec 31 23:00:00", "2025-12-31T23:00:00.000000000"},
        {&june, "Feb 29 00:00:00", "2025-02-28T00:00:00.000000000"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct date_parse_options options = {.now_ns = civil_to_ns(cases[i].now)};
        int64_t ns;
        assert_true(date_pattern_parse(pattern, str_from(cases[i].text), &options, &ns));
        assert_str_eq(iso_text(t, ns), cases[i].want);
    }
}

static void logstash_names_parse(struct test *t)
{
    static const struct row rows[] = {
        {"ISO8601", "2025-01-22T04:52:33.987Z", NULL, "2025-01-22T04:52:33.987"},
        {"ISO8601", "2025-01-22T13:52:33+09:00", NULL, "2025-01-22T04:52:33"},
        {"ISO8601", "2025-01-22T13:52:33,987+0900", NULL, "2025-01-22T04:52:33.987"},
        {"ISO8601", "2025-01-22T13:52:33", SEOUL, "2025-01-22T04:52:33"},
        {"ISO8601", "2025-01-22T13:52", NULL, "2025-01-22T13:52"},
        {"ISO8601", "2025-01-22", NULL, "2025-01-22"},
        {"ISO8601", "2025-01", NULL, "2025-01"},
        {"ISO8601", "2025-022", NULL, "2025-01-22"},
        {"ISO8601", "2025-W04-3", NULL, "2025-01-22"},
        {"ISO8601", "2025-01-22 13:52:33.987", NULL, "2025-01-22T13:52:33.987"},
        {"ISO8601", "2025-01-22 13:52:33+0900", NULL, "2025-01-22T04:52:33"},
        {"ISO8601", "2025-01-22T04:52:33.123456789Z", NULL, "2025-01-22T04:52:33.123456789"},
        {"ISO8601", "22/01/2025", NULL, NULL},
        {"ISO8601", "2025-01-22T25:00", NULL, NULL},
        {"ISO8601", "2025-01-22X", NULL, NULL},
        {"UNIX", "1737521553", NULL, "2025-01-22T04:52:33"},
        {"UNIX", "1737521553.987654", NULL, "2025-01-22T04:52:33.987654"},
        {"UNIX", "1.737521553E9", NULL, "2025-01-22T04:52:33"},
        {"UNIX", "0", NULL, "1970-01-01"},
        {"UNIX", "-1", NULL, "1969-12-31T23:59:59"},
        {"UNIX", "2147483648", NULL, NULL},
        {"UNIX", "1737521553987", NULL, NULL},
        {"UNIX", "abc", NULL, NULL},
        {"UNIX", "12a", NULL, NULL},
        {"UNIX_MS", "1737521553987", SEOUL, "2025-01-22T04:52:33.987"},
        {"UNIX_MS", "1737521553987.5", NULL, NULL},
        {"UNIX_MS", "99999999999999999999", NULL, NULL},
        {"TAI64N", "@4000000050d506482dbdf024", NULL, "2012-12-22T01:00:46.767422500"},
        {"TAI64N", "4000000050d506482dbdf024", NULL, "2012-12-22T01:00:46.767422500"},
        {"TAI64N", "@4000000050d50648", NULL, NULL},
    };
    CHECK(DATE_LOGSTASH, rows);
}

#define ES_DEFAULT "strict_date_optional_time||epoch_millis"

static void elasticsearch_parses(struct test *t)
{
    static const struct row rows[] = {
        {ES_DEFAULT, "2025-01-22T04:52:33.987Z", NULL, "2025-01-22T04:52:33.987"},
        {ES_DEFAULT, "2025-01-22", SEOUL, "2025-01-21T15"},
        {ES_DEFAULT, "2025-01-22T13:52:33+09:00", NULL, "2025-01-22T04:52:33"},
        {ES_DEFAULT, "2025", NULL, "2025"},
        {ES_DEFAULT, "1737521553987", NULL, "2025-01-22T04:52:33.987"},
        {ES_DEFAULT, "-1", NULL, "1969-12-31T23:59:59.999"},
        {ES_DEFAULT, "2025-1-2", NULL, NULL},
        {ES_DEFAULT, "2025-01-22 13:52:33", NULL, NULL},
        {"date_optional_time", "2025-1-2", NULL, "2025-01-02"},
        {"epoch_second", "1737521553.5", NULL, "2025-01-22T04:52:33.5"},
        {"epoch_millis", "1737521553987.654321", NULL, "2025-01-22T04:52:33.987654321"},
        {"yyyy-MM-dd HH:mm:ss", "2025-01-22 13:52:33", NULL, "2025-01-22T13:52:33"},
        {"yyyy-MM-dd", "2025-1-2", NULL, NULL},
        {"uuuu-M-d", "2025-1-2", NULL, "2025-01-02"},
        {"yyyy/MM/dd||yyyy-MM-dd||epoch_millis", "2025-01-22", NULL, "2025-01-22"},
        {"yyyy/MM/dd||yyyy-MM-dd||epoch_millis", "2025/01/22", NULL, "2025-01-22"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22", NULL, "2025-01-22"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 13:52", NULL, "2025-01-22T13:52"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 13:52:33", NULL, "2025-01-22T13:52:33"},
        {"yyyy-MM-dd[ HH:mm[:ss]]", "2025-01-22 13", NULL, NULL},
        {"basic_date", "20250122", NULL, "2025-01-22"},
        {"basic_date_time", "20250122T135233.987+0900", NULL, "2025-01-22T04:52:33.987"},
        {"strict_date_hour_minute_second", "2025-01-22T13:52:33", NULL, "2025-01-22T13:52:33"},
        {"date_hour_minute", "2025-1-22T3:52", NULL, "2025-01-22T03:52"},
        {"week_date", "2025-W04-3", NULL, "2025-01-22"},
        {"8yyyy-MM-dd", "2025-01-22", NULL, "2025-01-22"},
        {"YYYY-MM-dd", "2024-12-30", NULL, "2024-12-30"},
        {"EEE, dd MMM yyyy", "Wed, 22 Jan 2025", NULL, "2025-01-22"},
        {"EEE, dd MMM yyyy", "Thu, 22 Jan 2025", NULL, NULL},
        {"yyyy-MM-dd HH:mm VV", "2025-01-22 13:52 Asia/Seoul", NULL, "2025-01-22T04:52"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "2025-01-22T13:52:33+09", NULL, "2025-01-22T04:52:33"},
    };
    CHECK(DATE_ELASTICSEARCH, rows);
    static const struct row upper[] = {
        {ES_DEFAULT, "2025-01-22", NULL, "2025-01-22T23:59:59.999999999"},
        {ES_DEFAULT, "2025-01", NULL, "2025-01-01T23:59:59.999999999"},
        {ES_DEFAULT, "2025-01-22T13", NULL, "2025-01-22T13:59:59.999999999"},
        {ES_DEFAULT, "2025-01-22T13:52+09:00", NULL, "2025-01-22T04:52:59.999999999"},
        {ES_DEFAULT, "2025-01-22T13:52:33", NULL, "2025-01-22T13:52:33.999999999"},
        {ES_DEFAULT, "2025-01-22T13:52:33.5", NULL, "2025-01-22T13:52:33.5"},
        {ES_DEFAULT, "1737521553987", NULL, "2025-01-22T04:52:33.987999999"},
        {"yyyy-MM-dd HH", "2025-01-22 13", NULL, "2025-01-22T13:59:59.999999999"},
    };
    check(t, DATE_ELASTICSEARCH, upper, ARRAY_COUNT(upper), true);
}

static void prints(struct test *t)
{
    static const struct {
        enum date_dialect dialect;
        const char *pattern, *zone, *want;
    } rows[] = {
        {DATE_JODA, "YYYY.MM.dd", NULL, "2025.01.22"},
        {DATE_JODA, "yyyy.MM.dd", NULL, "2025.01.22"},
        {DATE_JODA, "xxxx.ww", NULL, "2025.04"},
        {DATE_JODA, "yyyy-MM-dd'T'HH:mm:ss.SSSZZ", NULL, "2025-01-22T04:52:33.987+00:00"},
        {DATE_JODA, "yyyy-MM-dd'T'HH:mm:ss.SSSZ", SEOUL, "2025-01-22T13:52:33.987+0900"},
        {DATE_JODA, "yy M d H h k K m s S a EEE EEEE MMM MMMM D e", NULL,
         "25 1 22 4 4 4 4 52 33 9 AM Wed Wednesday Jan January 22 3"},
        {DATE_JODA, "ZZZ", SEOUL, "Asia/Seoul"},
        {DATE_JODA, "SSSSSS", NULL, "987654"},
        {DATE_JODA, "HH 'Uhr'", NULL, "04 Uhr"},
        {DATE_ELASTICSEARCH, ES_DEFAULT, NULL, "2025-01-22T04:52:33.987Z"},
        {DATE_ELASTICSEARCH, ES_DEFAULT, SEOUL, "2025-01-22T13:52:33.987+09:00"},
        {DATE_ELASTICSEARCH, "strict_date_optional_time_nanos", NULL,
         "2025-01-22T04:52:33.987654321Z"},
        {DATE_ELASTICSEARCH, "epoch_millis", NULL, "1737521553987.654321"},
        {DATE_ELASTICSEARCH, "epoch_second", NULL, "1737521553.987654321"},
        {DATE_ELASTICSEARCH, "yyyy-MM-dd HH:mm:ss", SEOUL, "2025-01-22 13:52:33"},
        {DATE_ELASTICSEARCH, "yyyy-MM-dd'T'HH:mmX", SEOUL, "2025-01-22T13:52+09"},
        {DATE_ELASTICSEARCH, "yyyy-MM-dd'T'HH:mmXXX", NULL, "2025-01-22T04:52Z"},
        {DATE_ELASTICSEARCH, "yyyy-MM-dd'T'HH:mmxxx", NULL, "2025-01-22T04:52+00:00"},
        {DATE_ELASTICSEARCH, "HHxxxx", NULL, "04+0000"},
        {DATE_ELASTICSEARCH, "HHxxxxx", NULL, "04+00:00"},
        {DATE_ELASTICSEARCH, "QQ[ HH]", NULL, "01 04"},
        {DATE_LOGSTASH, "UNIX_MS", NULL, "1737521553987.654321"},
        {DATE_LOGSTASH, "TAI64N", NULL, "@400000006790799b3ade68b1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct date_pattern *pattern = compiled(t, rows[i].pattern, rows[i].dialect);
        const struct time_zone *zone = NULL;
        if (rows[i].zone)
            assert_ok(time_zone_open(NULL, str_from(rows[i].zone), t->mem, &zone, &t->err),
                      &t->err);
        struct buf out;
        buf_init(&out, 0);
        date_pattern_write(pattern, INT64_C(1737521553987654321), zone, &out);
        assert_str_eq(buf_str(&out), rows[i].want);
        buf_deinit(&out);
    }
}

static void refuses_patterns(struct test *t)
{
    static const struct {
        enum date_dialect dialect;
        const char *pattern;
        int64_t off;
        const char *part;
    } rows[] = {
        {DATE_JODA, "yyyy-bb", 5, "'b' is no date letter"},
        {DATE_JODA, "yyyy 'x", 5, "quote is not closed"},
        {DATE_JODA, "", 0, "is empty"},
        {DATE_LOGSTASH, "ISO8602", 0, "'I' is no date letter"},
        {DATE_ELASTICSEARCH, "yyyy||", 6, "alternative is empty"},
        {DATE_ELASTICSEARCH, "yyyy-MM||strict_foo", 10, "'t' is no date letter"},
        {DATE_ELASTICSEARCH, "yyyy[MM", 7, "'[' is not closed"},
        {DATE_ELASTICSEARCH, "yyyy]", 4, "']' without '['"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct date_pattern *pattern;
        assert_err(date_pattern_compile(str_from(rows[i].pattern), rows[i].dialect, t->mem,
                                        &pattern, &t->err),
                   &t->err, ERR_INVALID);
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

/* What a pattern that tells everything prints, it reads back. */
static void comes_back(struct test *t)
{
    static const struct {
        enum date_dialect dialect;
        const char *pattern;
    } rows[] = {
        {DATE_JODA, "yyyy-MM-dd HH:mm:ss.SSSSSSSSS Z"},
        {DATE_JODA, "EEE MMM d hh:mm:ss.SSSSSSSSS a yyyy ZZ"},
        {DATE_JODA, "xxxx-'W'ww-e HHmmssSSSSSSSSS Z"},
        {DATE_ELASTICSEARCH, "strict_date_optional_time_nanos"},
        {DATE_ELASTICSEARCH, "epoch_millis"},
        {DATE_ELASTICSEARCH, "epoch_second"},
        {DATE_LOGSTASH, "TAI64N"},
        {DATE_ELASTICSEARCH, "uuuuMMddHHmmssSSSSSSSSSXX"},
        {DATE_ELASTICSEARCH, "uuuu-DDD N VV"},
    };
    const struct time_zone *zone = time_zone_fixed(9 * 3600, t->mem);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct date_pattern *pattern = compiled(t, rows[i].pattern, rows[i].dialect);
        for (int round = 0; round < 2000; round++) {
            int64_t ns = rng_between(&t->rng, INT64_C(-2000000000000000000),
                                     INT64_C(9000000000000000000)),
                    back = 0;
            struct buf out;
            buf_init(&out, 0);
            date_pattern_write(pattern, ns, zone, &out);
            if (!date_pattern_parse(pattern, buf_str(&out), NULL, &back) || back != ns)
                fail_msg("%s: %.*s is %lld, not %lld", rows[i].pattern, STR_ARG(buf_str(&out)),
                         (long long)back, (long long)ns);
            buf_deinit(&out);
        }
    }
}

static void survives_anything(struct test *t)
{
    static const char *const patterns[] = {"yyyy-MM-dd'T'HH:mm:ss.SSSZ", "EEE dd MMM yy h:mm a ZZZ",
                                           "ISO8601", "UNIX", "TAI64N"};
    static const char chars[] = "0123456789-:T Z+./,aJWnPMe";
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        const struct date_pattern *pattern = compiled(t, patterns[i], DATE_LOGSTASH);
        for (int round = 0; round < 20000; round++) {
            char text[40];
            size_t n = (size_t)rng_below(&t->rng, sizeof(text));
            for (size_t k = 0; k < n; k++)
                text[k] = chars[rng_below(&t->rng, sizeof(chars) - 1)];
            int64_t ns;
            (void)date_pattern_parse(pattern, (struct str){text, n}, NULL, &ns);
        }
    }
}

TEST_MAIN(TEST(joda_parses), TEST(year_is_guessed), TEST(logstash_names_parse),
          TEST(elasticsearch_parses), TEST(prints), TEST(refuses_patterns), TEST(comes_back),
          TEST(survives_anything))
