/* SPDX-License-Identifier: Apache-2.0 */
/* decimal_format.c: see decimal_format.h. What DecimalFormat refuses is printed as far as it was
 * understood. */
#include "query/decimal_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"

#define INTEGERS_MAX 309 /* DecimalFormat's DOUBLE_INTEGER_DIGITS */
#define FRACTION_MAX 340 /* and DOUBLE_FRACTION_DIGITS */
#define EXPONENT_MAX 10  /* least digits of an exponent that are printed */
#define NUMBER_BYTES (2 * (INTEGERS_MAX + FRACTION_MAX))
#define PER_MILLE    "\xE2\x80\xB0"

struct format {
    struct str prefix, suffix, negative_prefix, negative_suffix;
    int integers_min, integers_max; /* the latter of exponents only */
    int fraction_min, fraction_max;
    int group, exponent_min; /* 0: none */
    int shift;               /* decimal places: 2 of percent, 3 of per mille */
    bool has_negative;
};

/* A positive number: 0.d1d2d3… times 10^point; no digits: 0. */
struct digits {
    char d[1100];
    int n, point;
};

/* ---- The pattern ---- */

static bool is_number_char(char c)
{
    return c == '#' || c == '0' || c == ',' || c == '.';
}

/* Text before or behind the number, without its quotes; ends at the number, or at a ';'. */
static struct str read_affix(struct str pattern, size_t *at, struct format *f, struct arena *mem)
{
    char *text = arena_alloc(mem, pattern.n + 1);
    size_t n = 0;
    bool is_quoted = false;
    for (; *at < pattern.n; ++*at) {
        char c = pattern.p[*at];
        struct str rest = str_from_off(pattern, *at);
        if (c == '\'') {
            bool is_twice = rest.n > 1 && rest.p[1] == '\'';
            if (is_twice)
                text[n++] = pattern.p[(*at)++];
            else
                is_quoted = !is_quoted;
            continue;
        }
        if (!is_quoted && (is_number_char(c) || c == ';'))
            break;
        if (!is_quoted && c == '%')
            f->shift = 2;
        if (!is_quoted && str_starts_with(rest, STR(PER_MILLE)))
            f->shift = 3;
        text[n++] = c;
    }
    return (struct str){text, n};
}

/* How many digits of each kind there are: # before, 0, # behind. */
struct counts {
    int left, zeros, right, point, group; /* point, group: -1 without */
};

static void count_digit(struct counts *counts, char c)
{
    if (c == '.') {
        counts->point = counts->left + counts->zeros + counts->right;
        return;
    }
    if (c == ',') {
        counts->group = 0;
        return;
    }
    if (c == '0')
        counts->zeros++;
    else if (counts->zeros > 0)
        counts->right++;
    else
        counts->left++;
    if (counts->group >= 0 && counts->point < 0)
        counts->group++;
}

static void read_number(struct str pattern, size_t *at, struct format *f)
{
    struct counts counts = {.point = -1, .group = -1};
    for (; *at < pattern.n && is_number_char(pattern.p[*at]); ++*at)
        count_digit(&counts, pattern.p[*at]);
    if (*at + 1 < pattern.n && pattern.p[*at] == 'E' && pattern.p[*at + 1] == '0') {
        for (++*at; *at < pattern.n && pattern.p[*at] == '0'; ++*at)
            f->exponent_min = MIN_OF(f->exponent_min + 1, EXPONENT_MAX);
    }
    if (counts.zeros == 0 && counts.left > 0 && counts.point >= 0) { /* "#.##" is "0.##" */
        int n = MAX_OF(counts.point, 1);
        counts.right = counts.left - n;
        counts.left = n - 1;
        counts.zeros = 1;
    }
    int total = counts.left + counts.zeros + counts.right;
    int point = counts.point >= 0 ? counts.point : total;
    f->integers_min = MIN_OF(MAX_OF(point - counts.left, 0), INTEGERS_MAX);
    f->integers_max = MIN_OF(counts.left, INTEGERS_MAX) + f->integers_min;
    f->fraction_max = MIN_OF(total - point, FRACTION_MAX);
    f->fraction_min = counts.point >= 0 ? counts.left + counts.zeros - point : 0;
    f->fraction_min = MIN_OF(MAX_OF(f->fraction_min, 0), f->fraction_max);
    f->group = MAX_OF(counts.group, 0);
}

static struct format read_format(struct str pattern, struct arena *mem)
{
    struct format f = {0}, ignored = {0};
    size_t at = 0;
    f.prefix = read_affix(pattern, &at, &f, mem);
    read_number(pattern, &at, &f);
    f.suffix = read_affix(pattern, &at, &f, mem);
    if (at < pattern.n && pattern.p[at] == ';') {
        at++;
        f.negative_prefix = read_affix(pattern, &at, &ignored, mem);
        read_number(pattern, &at, &ignored);
        f.negative_suffix = read_affix(pattern, &at, &ignored, mem);
        f.has_negative =
            !str_eq(f.prefix, f.negative_prefix) || !str_eq(f.suffix, f.negative_suffix);
    }
    return f;
}

/* ---- The number ---- */

static void take_digits(struct digits *digits, const char *text)
{
    bool is_behind = false;
    digits->n = digits->point = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '.') {
            is_behind = true;
            continue;
        }
        if (digits->n > 0 || *text != '0')
            digits->d[digits->n++] = *text;
        if (!is_behind)
            digits->point += digits->n > 0;
        else if (digits->n == 0)
            digits->point--;
    }
    int64_t exponent = 0;
    if (*text == 'e' && str_to_i64(str_from(text + 2), &exponent))
        digits->point += (int)(text[1] == '-' ? -exponent : exponent);
    while (digits->n > 0 && digits->d[digits->n - 1] == '0')
        digits->n--;
    if (digits->n == 0)
        digits->point = 0;
}

/* The fewest digits that mean the number; where the format has fewer, its exact value rounded. */
static void digits_of(const struct format *f, double v, struct digits *digits)
{
    char text[1100];
    for (int precision = 0; precision < 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, v);
        if (strtod(text, NULL) == v) /* NOLINT: the program never leaves the C locale */
            break;
    }
    take_digits(digits, text);
    int significant = f->integers_max + f->fraction_max;
    if (f->exponent_min && significant > 0 && digits->n > significant)
        (void)snprintf(text, sizeof(text), "%.*e", significant - 1, v);
    else if (!f->exponent_min && digits->n - digits->point > f->fraction_max)
        (void)snprintf(text, sizeof(text), "%.*f", f->fraction_max, v);
    take_digits(digits, text);
}

static char digit_at(const struct digits *digits, int i)
{
    return i >= 0 && i < digits->n ? digits->d[i] : '0';
}

static void put_plain(const struct format *f, const struct digits *digits, struct buf *out)
{
    int integers = MAX_OF(digits->point, f->integers_min);
    int fraction = MAX_OF(digits->n - digits->point, f->fraction_min);
    for (int i = integers; i > 0; i--) {
        buf_add_char(out, digit_at(digits, digits->point - i));
        if (f->group > 0 && i > 1 && (i - 1) % f->group == 0)
            buf_add_char(out, ',');
    }
    if (integers <= 0 && fraction == 0)
        buf_add_char(out, '0');
    if (fraction > 0)
        buf_add_char(out, '.');
    for (int i = 0; i < fraction; i++)
        buf_add_char(out, digit_at(digits, digits->point + i));
}

static void put_scientific(const struct format *f, const struct digits *digits, struct buf *out)
{
    int exponent = digits->point, integers_min = f->integers_min, every = f->integers_max;
    if (every > 1 && every > integers_min) { /* a multiple of so many */
        exponent = (exponent >= 1 ? exponent - 1 : exponent - every) / every * every;
        integers_min = 1;
    } else {
        exponent -= integers_min;
    }
    int integers = digits->n == 0 ? integers_min : digits->point - exponent;
    int total = MAX_OF(MAX_OF(f->integers_min + f->fraction_min, integers), digits->n);
    for (int i = 0; i < total; i++) {
        if (i == integers)
            buf_add_char(out, '.');
        buf_add_char(out, digit_at(digits, i));
    }
    if (digits->n == 0)
        exponent = 0;
    buf_printf(out, "E%s%0*d", exponent < 0 ? "-" : "", f->exponent_min, abs(exponent));
}

static struct str enclosed(const struct format *f, const struct digits *digits, bool is_negative,
                           struct arena *mem)
{
    struct buf out;
    bool is_own = is_negative && f->has_negative;
    struct str prefix = is_own ? f->negative_prefix : f->prefix;
    struct str suffix = is_own ? f->negative_suffix : f->suffix;
    buf_init(&out, prefix.n + suffix.n + NUMBER_BYTES);
    if (is_negative && !is_own)
        buf_add_char(&out, '-');
    buf_add_str(&out, prefix);
    if (!digits)
        buf_add_lit(&out, "\xE2\x88\x9E"); /* infinity */
    else if (f->exponent_min)
        put_scientific(f, digits, &out);
    else
        put_plain(f, digits, &out);
    buf_add_str(&out, suffix);
    ASSERT(!out.is_over);
    struct str text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

struct str decimal_format_double(struct str pattern, double v, struct arena *mem)
{
    static const double scales[] = {1, 10, 100, 1000};
    struct format f = read_format(pattern, mem);
    if (isnan(v))
        return STR("NaN");
    v *= scales[f.shift];
    if (isinf(v))
        return enclosed(&f, NULL, v < 0, mem);
    struct digits digits;
    digits_of(&f, fabs(v), &digits);
    return enclosed(&f, &digits, signbit(v), mem);
}

struct str decimal_format_integer(struct str pattern, struct str v, struct arena *mem)
{
    struct format f = read_format(pattern, mem);
    bool is_negative = v.n > 0 && v.p[0] == '-';
    double rounded = 0;
    if (f.exponent_min) {
        (void)str_to_f64(v, &rounded);
        return decimal_format_double(pattern, rounded, mem);
    }
    struct digits digits;
    take_digits(&digits, arena_cstr(mem, is_negative ? str_from_off(v, 1) : v));
    digits.point += digits.n > 0 ? f.shift : 0;
    return enclosed(&f, &digits, is_negative, mem);
}
