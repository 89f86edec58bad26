/* SPDX-License-Identifier: Apache-2.0 */
#include "index/date_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

#define T INT64_C(1737521553) /* 2025-01-22T04:52:33Z */

static const struct {
    const char *format, *text;
    int64_t ns;
} good[] = {
    {"", "2025-01-22T04:52:33.000Z", T *NS_PER_S},
    {"", "2025-01-22T04:52:33Z", T *NS_PER_S},
    {"", "2025-01-22T13:52:33+09:00", T *NS_PER_S},
    {"", "2025-01-22T13:52:33.5+0900", T *NS_PER_S + 500 * NS_PER_MS},
    {"", "2025-01-22T04:52:33.123456789Z", T *NS_PER_S + 123456789},
    {"", "2025-01-22T04:52", (T - 33) * NS_PER_S},
    {"", "2025-01-22", INT64_C(1737504000) * NS_PER_S},
    {"", "2025-01", INT64_C(1735689600) * NS_PER_S},
    {"", "2025", INT64_C(1735689600) * NS_PER_S},
    {"", "1737521553123", T *NS_PER_S + 123 * NS_PER_MS},
    {"", "-1", -NS_PER_MS},
    {"epoch_second", "1737521553", T *NS_PER_S},
    {"epoch_second", "1737521553.25", T *NS_PER_S + 250 * NS_PER_MS},
    {"yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2025/01/22 04:52:33", T *NS_PER_S},
    {"yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2025/01/22", INT64_C(1737504000) * NS_PER_S},
    {"dd/MMM/yyyy:HH:mm:ss Z", "22/Jan/2025:13:52:33 +0900", T *NS_PER_S},
    {"yyyy-MM-dd'T'HH:mm:ss.SSSX", "2025-01-22T04:52:33.000Z", T *NS_PER_S},
    {"basic_date", "20250122", INT64_C(1737504000) * NS_PER_S},
    {"strict_date_hour_minute_second", "2025-01-22T04:52:33", T *NS_PER_S},
    {"hh:mm a", "01:30 PM", (13 * 3600 + 30 * 60) * NS_PER_S},
};

static const struct {
    const char *format, *text;
} bad[] = {
    {"", ""},
    {"", "now"},
    {"", "2025-13-01"},
    {"", "2025-02-30"},
    {"", "2025-01-22T25:00:00"},
    {"", "2025-01-22 04:52:33"},
    {"", "2025-01-22T04:52:33+99"},
    {"", "2025-01-22x"},
    {"", "20a5"},
    {"epoch_second", "abc"},
    {"epoch_millis", "99999999999999999999"},
    {"yyyy/MM/dd", "2025/1/22"},
    {"yyyy/MM/dd", "2025/01/22 "},
};

static void test_good(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        const struct date_format *format;
        struct err err = {0};
        int64_t ns = 0;
        assert_int_equal(date_format_compile(str_from(good[i].format), mem, &format, &err), 0);
        if (!date_format_parse(format, str_from(good[i].text), &ns) || ns != good[i].ns)
            fail_msg("[%s] by [%s]: %lld", good[i].text, good[i].format, (long long)ns);
    }
    arena_free(mem);
}

static void test_bad(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const struct date_format *format;
        struct err err = {0};
        int64_t ns;
        assert_int_equal(date_format_compile(str_from(bad[i].format), mem, &format, &err), 0);
        if (date_format_parse(format, str_from(bad[i].text), &ns))
            fail_msg("[%s] by [%s] was taken", bad[i].text, bad[i].format);
    }
    arena_free(mem);
}

static void test_bad_formats(void **state)
{
    (void)state;
    static const char *const formats[] = {"yyyy||", "||", "bbb", "yyyy'open", "strict_nonsense"};
    struct arena *mem = arena_new(0);
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        const struct date_format *format;
        struct err err = {0};
        if (date_format_compile(str_from(formats[i]), mem, &format, &err) != -ERR_INVALID)
            fail_msg("format [%s] was taken", formats[i]);
        assert_true(str_starts_with(str_from(err.text), STR("Invalid format: [")));
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
                                       cmocka_unit_test(test_bad_formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
