/* SPDX-License-Identifier: Apache-2.0 */
#include "index/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void test_ip(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } good[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"fe80::", "fe80::"},
        {"2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1::8", "1::8"},
        {"0.9.10.99", "0.9.10.99"},
        {"100.109.255.1", "100.109.255.1"},
    };
    static const char *const bad[] = {
        "",        "1.2.3",         "1.2.3.4.5",         "256.1.1.1", "1.2.3.x", ":", ":::",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::",       "12345::", "1:"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        uint8_t bytes[IP_BYTES];
        char text[IP_TEXT_BYTES];
        if (!ip_parse(str_from(good[i].in), bytes))
            fail_msg("%s was refused", good[i].in);
        text[ip_format(bytes, text)] = '\0';
        assert_string_equal(text, good[i].out);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        uint8_t bytes[IP_BYTES];
        if (ip_parse(str_from(bad[i]), bytes))
            fail_msg("%s was taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
