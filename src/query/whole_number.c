/* SPDX-License-Identifier: Apache-2.0 */
/* whole_number.c: see whole_number.h. */
#include "query/whole_number.h"

#include <math.h>

#include "base/str.h"

#define DIGITS_MAX 25 /* in front of the point; more are beyond all integers */
#define TWO_90     0x1p90

static struct whole_number of_double(double f)
{
    if (f >= TWO_90 || f <= -TWO_90)
        return (struct whole_number){.floor = f > 0 ? WHOLE_NUMBER_MAX : WHOLE_NUMBER_MIN};
    double whole = floor(f);
    return (struct whole_number){.floor = (whole_int)whole, .has_fraction = whole != f};
}

/* Where the point of a decimal number stands, counted from the first digit of `digits`, which have
 * no zeros at their beginning. */
static int64_t read_digits(struct str text, struct arena *mem, struct str *ret_digits)
{
    char *digits = arena_alloc(mem, text.n + 1);
    size_t n = 0, i = 0;
    int64_t point = 0, exponent = 0;
    bool is_behind = false;
    for (; i < text.n && text.p[i] != 'e' && text.p[i] != 'E'; i++) {
        char c = text.p[i];
        is_behind = is_behind || c == '.';
        if (c < '0' || c > '9')
            continue;
        if (n > 0 || c != '0')
            digits[n++] = c;
        if (!is_behind)
            point += n > 0;
        else if (n == 0)
            point--;
    }
    bool is_negative = i + 1 < text.n && text.p[i + 1] == '-';
    for (; i < text.n && exponent < INT32_MAX; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9')
            exponent = exponent * 10 + (text.p[i] - '0');
    }
    *ret_digits = (struct str){digits, n};
    return n > 0 ? point + (is_negative ? -exponent : exponent) : 0;
}

/* `text` has the shape of a decimal number. */
static struct whole_number of_text(struct str text, struct arena *mem)
{
    struct str digits;
    struct whole_number whole = {0};
    int64_t point = read_digits(text, mem, &digits);
    bool is_negative = text.p[0] == '-';
    if (point > DIGITS_MAX) {
        whole.floor = is_negative ? WHOLE_NUMBER_MIN : WHOLE_NUMBER_MAX;
        return whole;
    }
    for (int64_t i = 0; i < point; i++)
        whole.floor = whole.floor * 10 + ((size_t)i < digits.n ? digits.p[i] - '0' : 0);
    for (size_t i = (size_t)MAX_OF(point, (int64_t)0); i < digits.n; i++)
        whole.has_fraction = whole.has_fraction || digits.p[i] != '0';
    if (is_negative)
        whole.floor = -whole.floor - whole.has_fraction;
    return whole;
}

bool whole_number(const struct value *v, struct arena *mem, struct whole_number *ret_whole)
{
    double f;
    if (v->kind == VALUE_BOOL)
        return false;
    if (v->kind == VALUE_INT) {
        *ret_whole = (struct whole_number){.floor = v->i};
        return true;
    }
    if (v->kind == VALUE_FLOAT) {
        *ret_whole = of_double(v->f);
        return !isnan(v->f);
    }
    struct str text = value_to_str(mem, v);
    if (v->kind != VALUE_BIG && !str_to_f64(text, &f))
        return false;
    *ret_whole = of_text(text, mem);
    return true;
}

static whole_int least(const struct field *field)
{
    return field->type == FIELD_UNSIGNED_LONG ? 0 : INT64_MIN;
}

static whole_int most(const struct field *field)
{
    return field->type == FIELD_UNSIGNED_LONG ? (whole_int)UINT64_MAX : INT64_MAX;
}

bool whole_number_stored(const struct field *field, whole_int v, int64_t *ret_i)
{
    if (v < least(field) || v > most(field))
        return false;
    *ret_i = (int64_t)(v + (INT64_MIN - least(field))); /* unsigned ones are kept minus 2^63 */
    return true;
}

void whole_number_clamp(const struct field *field, whole_int low, whole_int high, int64_t *ret_min,
                        int64_t *ret_max)
{
    *ret_min = INT64_MAX;
    *ret_max = INT64_MIN;
    if (low > high || low > most(field) || high < least(field))
        return;
    (void)whole_number_stored(field, MAX_OF(low, least(field)), ret_min);
    (void)whole_number_stored(field, MIN_OF(high, most(field)), ret_max);
}
