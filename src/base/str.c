/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN_OF(a.n, b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    const char *hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit ? hit - s.p : -1;
}

ptrdiff_t str_find_char(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? hit - s.p : -1;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    from = MIN_OF(from, s.n);
    return (struct str){s.p ? s.p + from : NULL, MIN_OF(n, s.n - from)};
}

bool str_split_next(struct str *s, char c, struct str *ret_part)
{
    if (!s->p)
        return false;
    ptrdiff_t at = str_find_char(*s, c);
    if (at < 0) {
        *ret_part = *s;
        *s = STR_NONE;
        return true;
    }
    *ret_part = str_sub(*s, 0, (size_t)at);
    *s = str_from_off(*s, (size_t)at + 1);
    return true;
}

bool str_glob(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool str_to_u64(struct str s, uint64_t *ret_v)
{
    if (s.n == 0 || s.n > 20)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *ret_v = v;
    return true;
}

bool str_to_i64(struct str s, int64_t *ret_v)
{
    bool is_negative = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    if (!str_to_u64(is_negative ? str_from_off(s, 1) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    *ret_v = is_negative ? (int64_t)(~v + 1) : (int64_t)v;
    return true;
}

static locale_t c_locale(void)
{
    /* The locale object is made once and kept; strtod_l with it does not depend on setlocale(). */
    static locale_t cached;
    locale_t c = __atomic_load_n(&cached, __ATOMIC_ACQUIRE);
    if (!c) {
        c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        ASSERT(c);
        locale_t expected = (locale_t)0;
        if (!__atomic_compare_exchange_n(&cached, &expected, c, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            freelocale(c);
            c = expected;
        }
    }
    return c;
}

static bool has_decimal_shape(struct str s)
{
    size_t i = 0, digits = 0;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        digits++;
    if (i < s.n && s.p[i] == '.') {
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            digits++;
    }
    if (digits == 0)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        size_t from = i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        if (i == from)
            return false;
    }
    return i == s.n;
}

bool str_to_f64(struct str s, double *ret_v)
{
    enum {
        TEXT_MAX = 400
    }; /* longer than any double needs; more digits cannot change the value much */
    if (!has_decimal_shape(s))
        return false;
    char text[TEXT_MAX + 1];
    if (s.n > TEXT_MAX)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    double v = strtod_l(text, &end, c_locale());
    if (*end != '\0')
        return false;
    *ret_v = v;
    return true;
}

bool str_to_duration(struct str s, int64_t *ret_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"", NS_PER_S},
        {"nanos", 1},
        {"ns", 1},
        {"micros", NS_PER_US},
        {"us", NS_PER_US},
        {"ms", NS_PER_MS},
        {"s", NS_PER_S},
        {"m", 60 * NS_PER_S},
        {"h", 3600 * NS_PER_S},
        {"d", 86400 * NS_PER_S},
        {"w", 7 * 86400 * NS_PER_S},
    };
    s = str_trim(s);
    size_t i = 0;
    bool is_negative = s.n > 0 && s.p[0] == '-';
    if (is_negative)
        i++;
    size_t from = i;
    while (i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'))
        i++;
    struct str number = str_sub(s, from, i - from);
    struct str unit = str_trim(str_from_off(s, i));
    for (size_t u = 0; u < ARRAY_COUNT(units); u++) {
        if (!str_eq_nocase(unit, str_from(units[u].name)))
            continue;
        int64_t whole;
        double v;
        if (str_to_i64(number, &whole)) {
            if (__builtin_mul_overflow(whole, units[u].ns, &whole))
                return false;
        } else if (str_to_f64(number, &v) && v * (double)units[u].ns < 9e18) {
            whole = (int64_t)llround(v * (double)units[u].ns);
        } else {
            return false;
        }
        *ret_ns = is_negative ? -whole : whole;
        return true;
    }
    return false;
}

bool str_to_size(struct str s, bool is_es, uint64_t *ret_bytes)
{
    s = str_trim(s);
    size_t i = 0;
    while (i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'))
        i++;
    struct str number = str_sub(s, 0, i);
    struct str unit = str_trim(str_from_off(s, i));
    uint64_t factor = 1;
    if (unit.n > 0 && !str_eq_nocase(unit, STR("b"))) {
        static const char letters[] = "kmgtp";
        const char *at = strchr(letters, lower(unit.p[0]));
        if (!at || *at == '\0')
            return false;
        bool is_binary = is_es;
        struct str rest = str_from_off(unit, 1);
        if (rest.n > 0 && lower(rest.p[0]) == 'i') {
            is_binary = true;
            rest = str_from_off(rest, 1);
        }
        if (rest.n > 0 && !str_eq_nocase(rest, STR("b")))
            return false;
        for (ptrdiff_t k = 0; k <= at - letters; k++)
            factor *= is_binary ? 1024 : 1000;
    }
    uint64_t whole;
    double v;
    if (str_to_u64(number, &whole)) {
        if (__builtin_mul_overflow(whole, factor, &whole))
            return false;
    } else if (str_to_f64(number, &v) && v * (double)factor < 1.8e19) {
        whole = (uint64_t)(v * (double)factor);
    } else {
        return false;
    }
    *ret_bytes = whole;
    return true;
}

size_t f64_to_text(double v, char *text)
{
    char t[40];
    /* Every normal double with 15 digits reads back from 15, and %g leaves out the zeros at their
     * end; those near zero have fewer digits in them. */
    int first = fabs(v) < DBL_MIN ? 1 : 15;
    for (int digits = first; digits <= 17; digits++) {
        int n = snprintf(t, sizeof(t), "%.*g", digits, v);
        ASSERT(n > 0 && n < 32);
        for (int i = 0; i < n; i++) { /* a locale may have written a comma */
            if (t[i] == ',')
                t[i] = '.';
        }
        if (digits == 17 || strtod_l(t, NULL, c_locale()) == v) {
            memcpy(text, t, (size_t)n);
            return (size_t)n;
        }
    }
    return 0;
}
