/* SPDX-License-Identifier: Apache-2.0 */
/* How: a hole's text is never trusted to come out right, it is printed and compared when the
 * document arrives. So the printers may be simple, but must not change once segments exist that
 * were written by them: a hole kind prints the same bytes for ever. They use integers and one
 * division or multiplication of doubles, which IEEE 754 makes the same everywhere. */
#include "index/template.h"

#include <math.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/str.h"
#include "index/format.h"

/* ---- Encoding ---- */

void template_hole_encode(struct buf *out, const struct template_hole *hole)
{
    buf_add_u8(out, hole->kind);
    buf_add_varint(out, hole->literal_bytes);
    if (hole->kind == HOLE_STORED)
        return;
    buf_add_varint(out, hole->field_id);
    buf_add_varint(out, hole->param);
}

static bool take_u32(const uint8_t **p, const uint8_t *end, uint32_t *ret_v)
{
    uint64_t v;
    if (!get_varint(p, end, &v) || v > UINT32_MAX)
        return false;
    *ret_v = (uint32_t)v;
    return true;
}

static bool hole_decode(const uint8_t **p, const uint8_t *end, struct template_hole *hole)
{
    if (*p == end)
        return false;
    *hole = (struct template_hole){.kind = *(*p)++};
    if (hole->kind >= HOLE_KIND_COUNT || !take_u32(p, end, &hole->literal_bytes))
        return false;
    return hole->kind == HOLE_STORED ||
           (take_u32(p, end, &hole->field_id) && take_u32(p, end, &hole->param));
}

bool template_decode(const uint8_t **p, const uint8_t *end, struct arena *mem,
                     struct source_template *ret_template)
{
    struct source_template t = {.encoded.p = (const char *)*p};
    uint64_t tail, literal_bytes = 0;
    if (!take_u32(p, end, &t.hole_count) || t.hole_count > TEMPLATE_HOLES_MAX)
        return false;
    t.holes = ARENA_ARRAY(mem, struct template_hole, t.hole_count + 1);
    for (uint32_t i = 0; i < t.hole_count; i++) {
        if (!hole_decode(p, end, &t.holes[i]))
            return false;
        t.stored_count += t.holes[i].kind == HOLE_STORED;
        literal_bytes += t.holes[i].literal_bytes;
    }
    if (!get_varint(p, end, &tail) || tail > (uint64_t)(end - *p) ||
        literal_bytes > (uint64_t)(end - *p) - tail)
        return false;
    t.literals = (const char *)*p;
    t.tail_bytes = tail;
    *p += literal_bytes + tail;
    t.encoded.n = (size_t)((const char *)*p - t.encoded.p);
    *ret_template = t;
    return true;
}

/* ---- Table ---- */

void template_table_init(struct template_table *table)
{
    *table = (struct template_table){.mem = arena_new(0)};
    strmap_init(&table->numbers);
}

void template_table_deinit(struct template_table *table)
{
    strmap_deinit(&table->numbers);
    mem_free(table->items);
    arena_free(table->mem);
}

uint32_t template_table_add(struct template_table *table, struct str encoded)
{
    uintptr_t known = (uintptr_t)strmap_get(&table->numbers, encoded);
    if (known)
        return (uint32_t)known;
    if (table->count == TEMPLATES_MAX || encoded.n > TEMPLATES_BYTES_MAX - table->bytes)
        return 0;
    struct source_template *t = ARENA_NEW(table->mem, struct source_template);
    struct str own = arena_str(table->mem, encoded);
    const uint8_t *p = (const uint8_t *)own.p, *end = p + own.n;
    bool is_one = template_decode(&p, end, table->mem, t) && p == end;
    ASSERT(is_one);
    void *items = table->items;
    mem_grow(&items, &table->capacity, table->count + 1, sizeof(struct source_template *));
    table->items = items;
    table->items[table->count++] = t;
    table->bytes += own.n;
    (void)strmap_put(&table->numbers, own, (void *)(uintptr_t)table->count);
    return (uint32_t)table->count;
}

/* ---- Printing ---- */

static const int64_t powers_i[] = {1,      10,      100,      1000,      10000,
                                   100000, 1000000, 10000000, 100000000, 1000000000};
static const double powers_f[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static size_t put_u64(char *text, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    memcpy(text, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

static void put_digits(char *text, uint64_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 10)
        text[i] = (char)('0' + v % 10);
}

/* `param`: decimal digits that the column has more than the text (a date's seconds in a column of
 * milliseconds: 3). */
static size_t integer_print(uint32_t param, int64_t v, char *text)
{
    if (param >= ARRAY_COUNT(powers_i) || v % powers_i[param] != 0)
        return 0;
    v /= powers_i[param];
    size_t n = 0;
    if (v < 0)
        text[n++] = '-';
    return n + put_u64(text + n, v < 0 ? ~(uint64_t)v + 1 : (uint64_t)v);
}

static size_t boolean_print(int64_t v, char *text)
{
    if (v != 0 && v != 1)
        return 0;
    memcpy(text, v ? "true" : "false", v ? 4 : 5);
    return v ? 4 : 5;
}

/* The shortest decimals that read as this double (or float) again, without an exponent. */
static size_t decimal_print(uint32_t param, int64_t bits, char *text)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    if (param > (HOLE_DECIMAL_POINT | HOLE_DECIMAL_FLOAT) || !(fabs(d) < 1e15))
        return 0;
    bool is_float = param & HOLE_DECIMAL_FLOAT;
    for (unsigned k = param & HOLE_DECIMAL_POINT ? 1 : 0; k < ARRAY_COUNT(powers_f); k++) {
        double m = nearbyint(d * powers_f[k]);
        if (!(fabs(m) < 9007199254740992.0)) /* 2^53: no integer any more */
            return 0;
        double back = m / powers_f[k];
        if (is_float ? (double)(float)back != d : back != d)
            continue;
        uint64_t whole = (uint64_t)fabs(m), unit = (uint64_t)powers_f[k];
        size_t n = 0;
        if (m < 0)
            text[n++] = '-';
        n += put_u64(text + n, whole / unit);
        if (k == 0)
            return n;
        text[n++] = '.';
        put_digits(text + n, whole % unit, k);
        return n + k;
    }
    return 0;
}

/* A date in ISO 8601's order; the zone's letters are literals, its distance is in the param. */
static size_t time_print(uint32_t param, int64_t v, char *text)
{
    unsigned digits = param & HOLE_TIME_DIGITS;
    int64_t minutes = (int64_t)(param >> HOLE_TIME_ZONE_SHIFT) - HOLE_TIME_ZONE_BIAS;
    int64_t per_unit = param & HOLE_TIME_NANOS ? 1 : NS_PER_MS;
    if (digits > 9 || param >> (HOLE_TIME_ZONE_SHIFT + 12) != 0)
        return 0;
    int64_t ns, zone = minutes * 60 * NS_PER_S;
    if (__builtin_mul_overflow(v, per_unit, &ns) || __builtin_add_overflow(ns, zone, &ns))
        return 0;
    struct civil c = civil_from_ns(ns);
    put_digits(text, (uint64_t)c.year, 4); /* 64-bit nanoseconds span 1677 to 2262 */
    text[4] = '-';
    put_digits(text + 5, c.month, 2);
    text[7] = '-';
    put_digits(text + 8, c.day, 2);
    if (param & HOLE_TIME_DATE_ONLY)
        return 10;
    text[10] = param & HOLE_TIME_BLANK ? ' ' : 'T';
    put_digits(text + 11, c.hour, 2);
    text[13] = ':';
    put_digits(text + 14, c.minute, 2);
    text[16] = ':';
    put_digits(text + 17, c.second, 2);
    if (digits == 0)
        return 19;
    text[19] = '.';
    put_digits(text + 20, (uint64_t)(c.nanosecond / powers_i[9 - digits]), digits);
    return 20 + digits;
}

size_t template_hole_print(uint8_t kind, uint32_t param, int64_t value,
                           char text[HOLE_TEXT_BYTES_MAX])
{
    switch (kind) {
    case HOLE_INTEGER:
        return integer_print(param, value, text);
    case HOLE_UNSIGNED: /* the column is biased, so that the signed order is the unsigned one */
        return put_u64(text, (uint64_t)value ^ (UINT64_C(1) << 63));
    case HOLE_BOOLEAN:
        return boolean_print(value, text);
    case HOLE_DECIMAL:
        return decimal_print(param, value, text);
    case HOLE_TIME:
        return time_print(param, value, text);
    default:
        return 0;
    }
}

/* ---- Fitting ---- */

/* How many bytes at the begin of `text` the print of `value` is; 0: it is not there, or a digit
 * follows, so that the form is another one. Only a time leaves a rest, its zone. */
static size_t prints(uint8_t kind, uint32_t param, int64_t value, struct str text)
{
    char printed[HOLE_TEXT_BYTES_MAX];
    size_t n = template_hole_print(kind, param, value, printed);
    if (n == 0 || n > text.n || memcmp(printed, text.p, n) != 0)
        return 0;
    if (n == text.n)
        return n;
    return kind == HOLE_TIME && (text.p[n] < '0' || text.p[n] > '9') ? n : 0;
}

static size_t fit(uint8_t kind, uint32_t param, int64_t value, struct str text,
                  struct template_hole *ret_hole)
{
    size_t n = prints(kind, param, value, text);
    if (n > 0) {
        ret_hole->kind = kind;
        ret_hole->param = param;
    }
    return n;
}

static bool digits_at(struct str text, size_t at, size_t n, uint32_t *ret_v)
{
    uint32_t v = 0;
    for (size_t i = at; i < at + n; i++) {
        if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(text.p[i] - '0');
    }
    *ret_v = v;
    return true;
}

/* Guesses the form of a time's text from its shape and its zone from the distance to `value`; the
 * print then shows whether that was right. The text may go on behind what is printed. */
static bool time_shape(struct str text, bool is_nanos, int64_t value, uint32_t *ret_param)
{
    uint32_t year, month, day, hour = 0, minute = 0, second = 0,
                               param = is_nanos ? HOLE_TIME_NANOS : 0;
    int64_t per_second = is_nanos ? NS_PER_S : 1000;
    if (!digits_at(text, 0, 4, &year) || !digits_at(text, 5, 2, &month) ||
        !digits_at(text, 8, 2, &day) || year < 1677 || year > 2262)
        return false;
    if (text.n <= 10) {
        param |= HOLE_TIME_DATE_ONLY;
    } else {
        if (!digits_at(text, 11, 2, &hour) || !digits_at(text, 14, 2, &minute) ||
            !digits_at(text, 17, 2, &second))
            return false;
        param |= text.p[10] == ' ' ? HOLE_TIME_BLANK : 0;
        size_t digits = 0;
        if (text.n > 19 && text.p[19] == '.') {
            while (20 + digits < text.n && text.p[20 + digits] >= '0' && text.p[20 + digits] <= '9')
                digits++;
        }
        if (digits > 9)
            return false;
        param |= (uint32_t)digits;
    }
    int64_t local = (civil_days((int32_t)year, month, day) * 86400 + (int64_t)hour * 3600 +
                     (int64_t)minute * 60 + second);
    int64_t zone = local - (value - (value % per_second + per_second) % per_second) / per_second;
    if (zone % 60 != 0 || zone / 60 < -HOLE_TIME_ZONE_BIAS || zone / 60 >= HOLE_TIME_ZONE_BIAS)
        return false;
    *ret_param = param | (uint32_t)(zone / 60 + HOLE_TIME_ZONE_BIAS) << HOLE_TIME_ZONE_SHIFT;
    return true;
}

static size_t date_fit(bool is_nanos, int64_t value, struct str text,
                       struct template_hole *ret_hole)
{
    uint32_t param;
    for (uint32_t digits = 0; digits <= (is_nanos ? 9u : 3u); digits += 3) {
        size_t n = fit(HOLE_INTEGER, digits, value, text, ret_hole);
        if (n > 0)
            return n;
    }
    return time_shape(text, is_nanos, value, &param) ? fit(HOLE_TIME, param, value, text, ret_hole)
                                                     : 0;
}

static size_t decimal_fit(bool is_float, int64_t value, struct str text,
                          struct template_hole *ret_hole)
{
    uint32_t param = (is_float ? HOLE_DECIMAL_FLOAT : 0) |
                     (memchr(text.p, '.', text.n) ? HOLE_DECIMAL_POINT : 0);
    return fit(HOLE_DECIMAL, param, value, text, ret_hole);
}

bool template_integer_fit(enum field_type type, int64_t value, int64_t i, struct str text,
                          struct template_hole *ret_hole)
{
    uint32_t digits;
    int64_t scaled;
    switch ((int)type) {
    case FIELD_LONG:
    case FIELD_INTEGER:
    case FIELD_SHORT:
    case FIELD_BYTE:
        digits = 0;
        break;
    case FIELD_DATE:
        digits = value == i ? 0 : 3;
        break;
    default:
        return false;
    }
    if ((i == 0 && text.p[0] == '-') || __builtin_mul_overflow(i, powers_i[digits], &scaled) ||
        scaled != value)
        return false;
    ret_hole->kind = HOLE_INTEGER;
    ret_hole->param = digits;
    return true;
}

size_t template_hole_fit(enum field_type type, int64_t value, struct str text,
                         const struct template_hole *hint, struct template_hole *ret_hole)
{
    if (text.n == 0)
        return 0;
    if (hint) {
        size_t n = fit(hint->kind, hint->param, value, text, ret_hole);
        if (n > 0)
            return n;
    }
    switch ((int)type) {
    case FIELD_LONG:
    case FIELD_INTEGER:
    case FIELD_SHORT:
    case FIELD_BYTE:
        return fit(HOLE_INTEGER, 0, value, text, ret_hole);
    case FIELD_UNSIGNED_LONG:
        return fit(HOLE_UNSIGNED, 0, value, text, ret_hole);
    case FIELD_BOOLEAN:
        return fit(HOLE_BOOLEAN, 0, value, text, ret_hole);
    case FIELD_DOUBLE:
    case FIELD_HALF_FLOAT:
    case FIELD_SCALED_FLOAT:
        return decimal_fit(false, value, text, ret_hole);
    case FIELD_FLOAT:
        return decimal_fit(true, value, text, ret_hole);
    case FIELD_DATE:
    case FIELD_DATE_NANOS:
        return date_fit(type == FIELD_DATE_NANOS, value, text, ret_hole);
    default:
        return 0;
    }
}
