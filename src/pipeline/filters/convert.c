/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filters/convert.h"

#include <math.h>

#include "base/arena.h"
#include "base/str.h"

#define FLOAT_CHARS_MAX 400u

const char *const convert_type_names[] = {"integer",    "float",    "string", "boolean",
                                          "integer_eu", "float_eu", NULL};

bool convert_type_from_str(struct str name, enum convert_type *ret_type)
{
    for (size_t i = 0; convert_type_names[i]; i++) {
        if (str_eq(name, str_from(convert_type_names[i]))) {
            *ret_type = (enum convert_type)i;
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_blanks(struct str text)
{
    size_t i = 0;
    while (i < text.n && (text.p[i] == ' ' || (text.p[i] >= '\t' && text.p[i] <= '\r')))
        i++;
    return i;
}

/* Digits, with single underscores between them; written to `to` without the underscores. */
static size_t digits(struct str text, size_t *at, char *to)
{
    size_t n = 0, i = *at;
    while (i < text.n) {
        if (is_digit(text.p[i]))
            to[n++] = text.p[i++];
        else if (text.p[i] == '_' && n > 0 && text.p[i - 1] != '_' && i + 1 < text.n &&
                 is_digit(text.p[i + 1]))
            i++;
        else
            break;
    }
    *at = i;
    return n;
}

struct value ruby_to_i(struct arena *mem, struct str text)
{
    size_t at = skip_blanks(text);
    int64_t quick = 0;
    bool is_negative = at < text.n && text.p[at] == '-';
    if (at < text.n && (text.p[at] == '-' || text.p[at] == '+'))
        at++;
    /* The common case: up to 18 plain digits. */
    size_t i = at;
    while (i < text.n && i < at + 18 && is_digit(text.p[i]))
        quick = quick * 10 + (text.p[i++] - '0');
    if (i == text.n || (!is_digit(text.p[i]) && text.p[i] != '_'))
        return value_int(is_negative ? -quick : quick);
    char *to = arena_alloc(mem, text.n + 2);
    size_t n = digits(text, &at, to + 1);
    char *start = to + 1;
    while (n > 1 && *start == '0') {
        start++;
        n--;
    }
    if (is_negative) {
        *--start = '-';
        n++;
    }
    struct str number = {start, n};
    int64_t v;
    if (n == 0 || str_to_i64(number, &v))
        return value_int(n == 0 ? 0 : v);
    return (struct value){.kind = VALUE_BIG, .s = number};
}

double ruby_to_f(struct str text)
{
    char to[FLOAT_CHARS_MAX + 8];
    size_t at = skip_blanks(text), n = 0;
    text = str_sub(text, 0, FLOAT_CHARS_MAX);
    if (at < text.n && (text.p[at] == '-' || text.p[at] == '+')) {
        if (text.p[at] == '-')
            to[n++] = '-';
        at++;
    }
    size_t whole = digits(text, &at, to + n);
    if (whole == 0)
        return 0;
    n += whole;
    if (at + 1 < text.n && text.p[at] == '.' && is_digit(text.p[at + 1])) {
        to[n++] = '.';
        at++;
        n += digits(text, &at, to + n);
    }
    if (at < text.n && (text.p[at] == 'e' || text.p[at] == 'E')) {
        size_t mark = n;
        to[n++] = 'e';
        at++;
        if (at < text.n && (text.p[at] == '-' || text.p[at] == '+'))
            to[n++] = text.p[at++];
        size_t exponent = digits(text, &at, to + n);
        n = exponent ? n + exponent : mark;
    }
    /* Leading zeros, which JSON's numbers do not have, are fine for Ruby. */
    size_t zero = to[0] == '-';
    while (n > zero + 1 && to[zero] == '0' && is_digit(to[zero + 1])) {
        memmove(to + zero, to + zero + 1, n - zero - 1);
        n--;
    }
    double f;
    return str_to_f64((struct str){to, n}, &f) ? f : 0;
}

/* Without commas; with the European meaning of . and , first when asked for. Borrows when nothing
 * changes. */
static struct str number_text(struct arena *mem, struct str text, bool is_eu)
{
    if (!memchr(text.p ? text.p : "", ',', text.n) && (!is_eu || !memchr(text.p, '.', text.n)))
        return text;
    char *to = arena_alloc(mem, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (is_eu)
            c = c == ',' ? '.' : c == '.' ? ',' : c;
        if (c != ',')
            to[n++] = c;
    }
    return (struct str){to, n};
}

/* An integer from a double, exact beyond int64_t. False: NaN or infinite. */
static bool float_to_integer(struct arena *mem, double f, struct value *v)
{
    if (!isfinite(f))
        return false;
    f = trunc(f);
    if (fabs(f) < 9.2e18)
        *v = value_int((int64_t)f);
    else
        *v = (struct value){.kind = VALUE_BIG, .s = arena_printf(mem, "%.0f", f)};
    return true;
}

static enum convert_result to_integer(struct arena *mem, struct value *v, bool is_eu)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        *v = value_int(v->b);
        return CONVERT_OK;
    case VALUE_FLOAT:
        return float_to_integer(mem, v->f, v) ? CONVERT_OK : CONVERT_FAILED;
    case VALUE_TIME:
        *v = value_int(v->time_ns / NS_PER_S - (v->time_ns % NS_PER_S < 0));
        return CONVERT_OK;
    case VALUE_STR:
        *v = ruby_to_i(mem, number_text(mem, v->s, is_eu));
        return CONVERT_OK;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_INT:
    case VALUE_BIG:
        return CONVERT_OK;
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    return CONVERT_FAILED;
}

static enum convert_result to_float(struct arena *mem, struct value *v, bool is_eu)
{
    double f;
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        *v = value_float(v->b ? 1.0 : 0.0);
        return CONVERT_OK;
    case VALUE_INT:
        *v = value_float((double)v->i);
        return CONVERT_OK;
    case VALUE_BIG:
        *v = value_float(str_to_f64(v->s, &f) ? f : 0);
        return CONVERT_OK;
    case VALUE_TIME:
        *v = value_float((double)v->time_ns / 1e9);
        return CONVERT_OK;
    case VALUE_STR:
        *v = value_float(ruby_to_f(number_text(mem, v->s, is_eu)));
        return CONVERT_OK;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_FLOAT:
        return CONVERT_OK;
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    return CONVERT_FAILED;
}

static enum convert_result to_boolean(struct arena *mem, struct value *v)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1", "1.0", NULL};
    static const char *const no[] = {"", "false", "f", "no", "n", "0", "0.0", NULL};
    if (v->kind == VALUE_BOOL)
        return CONVERT_OK;
    struct str text = value_to_str(mem, v);
    for (size_t i = 0; yes[i]; i++) {
        if (str_eq_nocase(text, str_from(yes[i]))) {
            *v = value_bool(true);
            return CONVERT_OK;
        }
    }
    for (size_t i = 0; no[i]; i++) {
        if (str_eq_nocase(text, str_from(no[i]))) {
            *v = value_bool(false);
            return CONVERT_OK;
        }
    }
    return CONVERT_UNKNOWN_BOOLEAN;
}

enum convert_result convert_value(enum convert_type type, struct arena *mem, struct value *v)
{
    if (v->kind == VALUE_NULL)
        return CONVERT_OK;
    switch (type) {
    case CONVERT_INTEGER:
    case CONVERT_INTEGER_EU:
        return to_integer(mem, v, type == CONVERT_INTEGER_EU);
    case CONVERT_FLOAT:
    case CONVERT_FLOAT_EU:
        return to_float(mem, v, type == CONVERT_FLOAT_EU);
    case CONVERT_BOOLEAN:
        return to_boolean(mem, v);
    case CONVERT_STRING:
        break;
    }
    *v = value_str(value_to_str(mem, v));
    return CONVERT_OK;
}
